"""What a constraint costs in training: ``python -m benchmarks.training [--rounds 15]``.

One step (forward, backward, SGD) of the same net of residual blocks on images, with the blocks free
and under the constraints of stabkit, PyTorch and deel-torchlip, where that is installed; and of the
papers' networks beside that net, with about as many weights (the Hamiltonian one has half).  One
thread; every candidate in turn, in reversed order every other round; medians of the processor time,
and of the ratios to the free net round by round.  Needs the extra ``torch``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations

from stabkit import CONTRACTION, InvalidArgument, fluxes
from stabkit.torch import (
    Activation,
    DiffusionBlock,
    HamiltonianLayer,
    LeapfrogLayer,
    MgNet,
    ParabolicLayer,
    PixelVariation,
    Stencil,
    certify,
    stable,
)

BLOCKS, CHANNELS, WIDTH, CLASSES = 3, 16, 28, 10


class Residual(nn.Module):
    """u + W₂ relu(W₁u + b)."""

    def __init__(self, convolution: Callable[..., nn.Module] = nn.Conv2d,
                 constrain: Callable[[nn.Module], nn.Module] = lambda layer: layer):
        super().__init__()
        self.first = constrain(convolution(CHANNELS, CHANNELS, 3, padding=1))
        self.second = constrain(convolution(CHANNELS, CHANNELS, 3, padding=1))

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """The block."""
        return u + self.second(torch.relu(self.first(u)))


def net(block: Callable[[], nn.Module]) -> nn.Sequential:
    """Opening layer, blocks, means of channels, classifier."""
    return nn.Sequential(nn.Conv2d(1, CHANNELS, 3, padding=1), nn.ReLU(),
                         *(block() for _ in range(BLOCKS)),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, CLASSES))


def candidates() -> dict[str, nn.Module]:
    """The nets, the free one first."""
    def diffusion(notion: Any) -> nn.Module:
        return DiffusionBlock(Stencil(CHANNELS, CHANNELS), Activation(fluxes.relu), notion,
                              None if notion else 0.5, bias=True)

    found = {
        "free": net(Residual),
        "free diffusion block": net(lambda: diffusion(None)),
        "stabkit, DiffusionBlock": net(lambda: diffusion(CONTRACTION)),
        "stabkit, stable(block)": net(lambda: stable(Residual())),
        "PyTorch, spectral_norm": net(lambda: Residual(constrain=parametrizations.spectral_norm)),
        "PyTorch, orthogonal": net(lambda: Residual(constrain=parametrizations.orthogonal)),
    }
    try:
        from deel import torchlip
    except ImportError:
        return found
    return found | {"deel-torchlip, SpectralConv2d": net(lambda: Residual(torchlip.SpectralConv2d))}


def papers() -> dict[str, nn.Module]:
    """The networks of ruthotto2018 and he2019."""
    half, layers = CHANNELS // 2, 2 * BLOCKS

    class Split(nn.Module):
        def __init__(self, make: Callable[[], nn.Module], twice: bool):
            super().__init__()
            self.layers, self.twice = nn.Sequential(*(make() for _ in range(layers))), twice

        def forward(self, u: torch.Tensor) -> torch.Tensor:
            return self.layers(torch.cat([u, u], 1) if self.twice else u)[:, :CHANNELS]

    def network(make: Callable[[], nn.Module], twice: bool = False) -> nn.Sequential:
        made = net(nn.Identity)
        made[2] = Split(make, twice)
        return made

    return {
        "parabolic, N_tv": network(lambda: ParabolicLayer(Stencil(CHANNELS, CHANNELS))),
        "Hamiltonian, N_tv": network(lambda: HamiltonianLayer(
            Stencil(half, half), Stencil(half, half), bias=False, tau=1.0,
            normalisations=(PixelVariation(half), PixelVariation(half)))),
        "second order, N_tv": network(lambda: LeapfrogLayer(
            Stencil(CHANNELS, CHANNELS), bias=False, tau=1.0,
            normalisation=PixelVariation(CHANNELS)), twice=True),
        "MgNet": MgNet(1, 12, 12, 3, 2, CLASSES),
    }


def step_of(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Callable[[], None]:
    """One step of training."""
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)

    def step() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimiser.step()

    return step


def main() -> None:
    """Time all candidates in turn, and say which blocks are certified after it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.randn(options.batch, 1, WIDTH, WIDTH)
    labels = torch.randint(CLASSES, (options.batch,))
    constrained = candidates()
    models = constrained | papers()
    steps = {name: step_of(model, images, labels) for name, model in models.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(options.rounds + 1):
        for name in (list(steps) if number % 2 else reversed(list(steps))):
            began = time.process_time()
            steps[name]()
            if number:  # the first one warms up
                times[name].append(time.process_time() - began)
    print(f"torch {torch.__version__}, deel-torchlip {_version('deel-torchlip')}; {BLOCKS} blocks "
          f"of {CHANNELS} channels, {WIDTH}x{WIDTH}, batch {options.batch}, seed 0")
    for name, taken in times.items():
        like = "free diffusion block" if name == "stabkit, DiffusionBlock" else "free"
        ratio = median(a / b for a, b in zip(taken, times[like], strict=True))
        weights = sum(each.numel() for each in models[name].parameters())
        certified = f"  block: {_verdict(models[name])}" if name in constrained else ""
        print(f"{name:30s} {weights:6d} weights {1000 * median(taken):8.1f} ms  {ratio:5.2f} of "
              f"{like!r}{certified}")


def _verdict(model: nn.Module) -> str:
    """Whether its first block contracts distances, decided exactly."""
    try:
        found = certify(model[2], (CHANNELS, WIDTH, WIDTH), CONTRACTION, budget=5)
    except InvalidArgument as error:
        return str(error)
    upper = "no bound" if found.upper is None else f"constant at most {float(found.upper):.4g}"
    return f"{found.status}, {upper}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


if __name__ == "__main__":
    main()
