"""Six networks built with PyTorch, exported to ONNX and audited: three healthy, three broken.

    python examples/audit_networks.py [--budget 5] [--only NAME] [--output FOLDER]

Each network is once as its theory wants it and once with one planted fault:

resnet       x − Wᵀ relu(W x), two convolutions; broken: one entry of the second is off by 1
diffusion    u − τ Kᵀ tanh(K u) on the circle; broken: the step is beyond 2/‖K‖²
hamiltonian  six Verlet steps of (y, z); broken: the sign of one half is flipped

The Hamiltonian network preserves an energy, not the norm, so the healthy one is refuted too; what
the fault changes is the certified lower bound of the Lipschitz constant (1.29 against 2.23).
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.nn import functional as F

from stabkit.cli import main as stabkit

SEED = 6


class ResNet(nn.Module):
    """x + W₂ relu(W₁ x) with W₂ = −W₁ᵀ, as two convolutions of images with two channels."""

    def __init__(self, broken: bool):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(4, 2, 3, padding=1, bias=False)
        with torch.no_grad():
            self.conv2.weight.copy_(-self.conv1.weight.transpose(0, 1).flip(2, 3))
            self.conv2.weight[1, 2, 0, 0] += 1.0 * broken

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


class Diffusion(nn.Module):
    """u − τ Kᵀ tanh(K u), where K takes the differences of neighbours on a circle: ‖K‖² = 4."""

    def __init__(self, broken: bool):
        super().__init__()
        self.K = nn.Conv1d(1, 1, 2, padding=0, bias=False)
        self.tau = 0.515625 if broken else 0.484375  # the bound is 1/2
        with torch.no_grad():
            self.K.weight.copy_(torch.tensor([[[-1.0, 1.0]]]))

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        flux = torch.tanh(self.K(F.pad(u, (1, 0), mode="circular")))
        back = F.pad(flux, (0, 1), mode="circular")
        return u - self.tau * F.conv_transpose1d(back, self.K.weight, padding=1)


class Hamiltonian(nn.Module):
    """Verlet steps z ← z − hKᵀ tanh(Ky), y ← y + hKᵀ tanh(Kz); y and z are the two channels."""

    def __init__(self, broken: bool):
        super().__init__()
        self.K = nn.Conv1d(1, 2, 3, padding=1, bias=False)
        self.h, self.sign = 0.25, -1.0 if broken else 1.0

    def half(self, x: torch.Tensor) -> torch.Tensor:
        return self.h * F.conv_transpose1d(torch.tanh(self.K(x)), self.K.weight, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, z = torch.chunk(x, 2, dim=1)
        for _ in range(6):
            z = z - self.half(y)
            y = y + self.sign * self.half(z)
        return torch.cat([y, z], dim=1)


NETWORKS = {"resnet": (ResNet, (2, 6, 6)), "diffusion": (Diffusion, (1, 8)),
            "hamiltonian": (Hamiltonian, (2, 8))}


def export(module: nn.Module, shape: Sequence[int], path: Path) -> None:
    """Write the file that `stabkit audit` reads, with PyTorch's exporter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks of its own parts
        torch.onnx.export(module.eval(), (torch.zeros(1, *shape),), path, dynamo=True,
                          external_data=False, verbose=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="5", help="seconds of search for each network")
    parser.add_argument("--only", choices=NETWORKS, help="one of the three")
    parser.add_argument("--output", type=Path, help="keep the ONNX files in this folder")
    options = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        place = options.output or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for name in [options.only] if options.only else NETWORKS:
            for broken in (False, True):
                make, shape = NETWORKS[name]
                torch.manual_seed(SEED)
                path = place / f"{name}_{'broken' if broken else 'healthy'}.onnx"
                export(make(broken), shape, path)
                status = stabkit(["audit", str(path), "--budget", options.budget])
                sys.stdout.write(f"exit status {status}\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
