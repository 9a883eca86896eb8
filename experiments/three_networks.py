"""The parabolic, the Hamiltonian and the second-order network of ruthotto2018, by share of data."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from experiments.measuring import SEEDS, compared, line, train, weights
from stabkit.torch import HamiltonianLayer, LeapfrogLayer, ParabolicLayer, PixelVariation, Stencil
from stabkit.torch.robustness import accuracy
from stabkit.torch.samples import digits

KINDS = ("parabolic", "Hamiltonian", "second order")
SHARES = (10, 20, 40, 80)  # per cent of the 1797 digits; the last 20 are held out
CHANNELS, LAYERS, STEPS, HELD_OUT = 8, 3, 75, 359


class Dynamics(nn.Module):
    """Opening layer, steps of one kind with N_tv and δ = 1, means of 2×2 pixels, classifier."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind, half = kind, CHANNELS // 2
        self.opening = nn.Sequential(nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False),
                                     nn.BatchNorm2d(CHANNELS), nn.ReLU())
        make = {"parabolic": lambda: ParabolicLayer(Stencil(CHANNELS, CHANNELS)),
                "Hamiltonian": lambda: HamiltonianLayer(
                    Stencil(half, half), Stencil(half, half), bias=False, tau=1.0,
                    normalisations=(PixelVariation(half), PixelVariation(half))),
                "second order": lambda: LeapfrogLayer(
                    Stencil(CHANNELS, CHANNELS), bias=False, tau=1.0,
                    normalisation=PixelVariation(CHANNELS))}[kind]
        self.layers = nn.Sequential(*(make() for _ in range(LAYERS)))
        self.classifier = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(),
                                        nn.Linear(CHANNELS * 16, 10))

    def forward(self, images: Tensor) -> Tensor:
        """The scores."""
        y = self.opening(images)
        if self.kind == "second order":
            y = torch.cat([y, y], 1)
        return self.classifier(self.layers(y)[:, :CHANNELS])


def stencil_weights(kind: str) -> int:
    """The weights of all stencils K."""
    return sum(weights(part) for part in Dynamics(kind).modules() if isinstance(part, Stencil))


@cache
def accuracies(kind: str, share: int) -> tuple[float, ...]:
    """On the digits that were held out, for every seed; all shares are trained for STEPS."""
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        everything, held_out = digits(seed, 1797 - HELD_OUT)
        images, labels = (part[:1797 * share // 100] for part in everything.tensors)
        model = Dynamics(kind)
        train(model, images, labels, cross_entropy, STEPS)
        found.append(accuracy(model, *held_out.tensors))
    return tuple(found)


def tables() -> list[str]:
    """Accuracy by share of the data, and what more of it adds."""
    made = [f"digits of scikit-learn, {HELD_OUT} of them held out, {STEPS} batches of 64"]
    for kind in KINDS:
        made.append(f"{kind}: {stencil_weights(kind)} weights in the stencils")
        made += [line(f"  {kind}, {share} % of the digits", accuracies(kind, share))
                 for share in SHARES]
        made += [compared(f"{more} % beside {less} %", accuracies(kind, more),
                          accuracies(kind, less))
                 for less, more in (*pairwise(SHARES), (SHARES[0], SHARES[-1]))]
    best = {kind: accuracies(kind, SHARES[-1]) for kind in KINDS}
    return made + [compared(f"{one} beside {two}", best[one], best[two])
                   for one, two in (KINDS[:2], KINDS[1:], KINDS[::2])]
