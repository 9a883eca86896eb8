"""A residual network free and certified, under noise and gradient attacks."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from experiments.measuring import SEEDS, compared, line, train
from stabkit.torch import certify, stable
from stabkit.torch.robustness import accuracy, attacked, noisy
from stabkit.torch.samples import digits

CHANNELS, LAYERS, SIDE, STEPS = 8, 3, 8, 100
RADII = (0.5, 1.0)


class Residual(nn.Module):
    """u + W₂ relu(W₁u + b)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)

    def forward(self, u: Tensor) -> Tensor:
        """The block."""
        return u + self.second(torch.relu(self.first(u)))


def classifier() -> nn.Sequential:
    """Opening layer, residual blocks, linear classifier."""
    return nn.Sequential(nn.Conv2d(1, CHANNELS, 3, padding=1), *(Residual() for _ in range(LAYERS)),
                         nn.Flatten(), nn.Linear(CHANNELS * SIDE**2, 10))


def sharpened(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of scores times 10: those of a net with constant 1 are small."""
    return cross_entropy(10 * scores, labels)


@cache
def outcomes(certified: bool) -> dict[str, list[float]]:
    """Accuracies on clean, noisy and attacked digits for every seed, and the proved constant."""
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        torch.manual_seed(seed)
        training, (images, labels) = (part.tensors for part in digits(seed))
        model = stable(classifier()) if certified else classifier()
        train(model, *training, sharpened if certified else cross_entropy, STEPS)
        measured = {"clean": accuracy(model, images, labels)}
        for radius in RADII:
            measured[f"noise {radius}"] = accuracy(model, noisy(images, radius, seed), labels)
            moved = attacked(model, images, labels, radius, steps=10)
            measured[f"attack {radius}"] = accuracy(model, moved, labels)
        if certified:
            upper = certify(model, (1, SIDE, SIDE), budget=5).upper
            measured["constant"] = float("inf") if upper is None else float(upper)
        for key, value in measured.items():
            found.setdefault(key, []).append(value)
    return found


def tables() -> list[str]:
    """Accuracies of both nets, and what the certificate adds."""
    free, certified = outcomes(False), outcomes(True)
    made = [f"digits of scikit-learn, {STEPS} batches of 64; the certified net has a constant of "
            f"at most {max(certified['constant']):.6f}"]
    for key in free:
        made += [line(f"  {key}, {name}", net[key])
                 for name, net in (("free", free), ("certified", certified))]
        made.append(compared("certified beside free", certified[key], free[key]))
    return made
