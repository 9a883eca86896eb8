"""What the papers say of training, tried in the small: experiments with five seeds each.

    stabkit verify --claims examples/train_networks.py
    python examples/train_networks.py                    the tables behind them

Small networks on the digits of scikit-learn and on a recorded heart beat, a minute or two on one
thread.  An experiment supports a statement or does not; it proves nothing.  Needs the extras
``torch`` and ``samples``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from statistics import mean, stdev
from time import process_time

import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from stabkit import EUCLIDEAN, Experiment, claim, fluxes
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
    check_finite,
    stable,
)
from stabkit.torch.robustness import accuracy, attacked, noisy
from stabkit.torch.samples import digits, recordings

SEEDS = range(5)
STUDENT = 2.776  # 95 % of Student's distribution with four degrees of freedom
CHANNELS, LAYERS, SIDE = 8, 3, 8


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % confidence interval, for five values."""
    return mean(values), STUDENT * stdev(values) / len(values) ** 0.5


def train(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, loss: Callable,
          epochs: int, rate: float = 1e-2, batch: int = 64) -> None:
    """Adam on random batches, from PyTorch's generator."""
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(inputs)).split(batch):
            optimiser.zero_grad()
            check_finite(loss(model(inputs[chosen]), targets[chosen])).backward()
            optimiser.step()
    model.eval()


def lie_above(one: list[float], two: list[float]) -> bool:
    """Whether the confidence interval of the first values lies above that of the second."""
    (high, above), (low, below) = interval(one), interval(two)
    return high - above > low + below


# -- the three networks of ruthotto2018 ------------------------------------------------------------
class Dynamics(nn.Module):
    """Opening layer, time steps of one kind, means of the channels, classifier."""

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
        self.classifier = nn.Linear(CHANNELS * 16, 10)
        self.pool = nn.Sequential(nn.AvgPool2d(2), nn.Flatten())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The scores."""
        y = self.opening(images)
        if self.kind == "second order":
            y = self.layers(self.layers[0].start(y))[:, :CHANNELS]
        else:
            y = self.layers(y)
        return self.classifier(self.pool(y))


@cache
def accuracies_of_dynamics() -> dict[str, list[float]]:
    """Validation accuracy of every network and seed."""
    found: dict[str, list[float]] = {}
    for kind in ("parabolic", "Hamiltonian", "second order"):
        for seed in SEEDS:
            torch.manual_seed(seed)
            training, validation = digits(seed)
            model = Dynamics(kind)
            train(model, *training.tensors, cross_entropy, epochs=8)
            found.setdefault(kind, []).append(accuracy(model, *validation.tensors))
    return found


@claim("the three networks of ruthotto2018 are comparable", notion="training", expect="supported")
def networks_are_comparable():
    """Mean accuracies of the parabolic, the Hamiltonian (half the weights) and the second-order
    network on held-out digits are within 3 percentage points of each other."""
    def run() -> tuple[bool, int, float]:
        means = [mean(values) for values in accuracies_of_dynamics().values()]
        apart = max(means) - min(means)
        return apart <= 0.03, 3 * len(SEEDS), apart
    return Experiment(run)


# -- MgNet beside ResNet ---------------------------------------------------------------------------
def resnet() -> nn.Sequential:
    """σ(f + W₂σ(W₁f)) on two grids with two blocks each, normalised, widened between them."""
    def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                             nn.BatchNorm2d(outputs))

    class Block(nn.Module):
        def __init__(self, width: int):
            super().__init__()
            self.first, self.second = convolution(width, width), convolution(width, width)

        def forward(self, f: torch.Tensor) -> torch.Tensor:
            return torch.relu(f + self.second(torch.relu(self.first(f))))

    return nn.Sequential(convolution(1, 8), nn.ReLU(), Block(8), Block(8), convolution(8, 16, 2),
                         nn.ReLU(), Block(16), Block(16), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(16, 10))


@cache
def mgnet_beside_resnet() -> dict[str, dict[str, list[float]]]:
    """Accuracy and seconds of an epoch of both."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, make in (("ResNet", resnet), ("MgNet", lambda: MgNet(1, 12, 12, 2, 2, 10))):
        row = found.setdefault(name, {"accuracy": [], "seconds": []})
        for seed in SEEDS:
            torch.manual_seed(seed)
            training, validation = digits(seed)
            model, began = make(), process_time()
            train(model, *training.tensors, cross_entropy, epochs=8)
            row["seconds"].append((process_time() - began) / 8)
            row["accuracy"].append(accuracy(model, *validation.tensors))
        row["weights"] = [float(sum(each.numel() for each in model.parameters()))] * len(SEEDS)
    return found


@claim("an MgNet with fewer weights is more accurate than a ResNet", notion="training",
       expect="undecided")
def one_mgnet_beats_one_resnet():
    """On held-out digits an MgNet with 10 870 weights is more accurate than a ResNet with 13 154,
    beyond the 95 % confidence intervals of five seeds: those overlap, so it is not confirmed.  With
    one net of each kind nothing would follow for others."""
    def run() -> tuple[bool, int, float]:
        found = mgnet_beside_resnet()
        less = found["MgNet"]["weights"][0] < found["ResNet"]["weights"][0]
        accuracies = found["MgNet"]["accuracy"], found["ResNet"]["accuracy"]
        gain = mean(accuracies[0]) - mean(accuracies[1])
        return less and lie_above(*accuracies), 2 * len(SEEDS), gain
    return Experiment(run)


# -- with and without a certificate ----------------------------------------------------------------
class Residual(nn.Module):
    """u + W₂ relu(W₁u + b)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """The block."""
        return u + self.second(torch.relu(self.first(u)))


def classifier(certified: bool) -> nn.Sequential:
    """The same net, constrained or free."""
    net = nn.Sequential(nn.Conv2d(1, CHANNELS, 3, padding=1), *(Residual() for _ in range(LAYERS)),
                        nn.Flatten(), nn.Linear(CHANNELS * SIDE**2, 10))
    return stable(net) if certified else net


def sharpened(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of scores times 10: those of a net with constant 1 are small."""
    return cross_entropy(10 * scores, labels)


@cache
def robustness() -> dict[str, dict[str, list[float]]]:
    """Accuracy of both nets on clean, noisy and attacked images; and the certified constant."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, certified in (("free", False), ("certified", True)):
        row = found.setdefault(name, {})
        for seed in SEEDS:
            torch.manual_seed(seed)
            training, validation = digits(seed)
            images, labels = validation.tensors
            model = classifier(certified)
            train(model, *training.tensors, sharpened if certified else cross_entropy, epochs=8)
            measured = {"clean": accuracy(model, images, labels)}
            for radius in (0.5, 1.0):
                measured[f"noise {radius}"] = accuracy(model, noisy(images, radius, seed), labels)
                measured[f"attack {radius}"] = accuracy(
                    model, attacked(model, images, labels, radius), labels)
            if certified:
                measured["constant"] = float(certify(model, (1, SIDE, SIDE), budget=5).upper)
            for key, value in measured.items():
                row.setdefault(key, []).append(value)
    return found


@claim("a certified net withstands attacks better", notion="training", expect="supported")
def certificates_help_against_attacks():
    """Under gradient attacks of radius 1 the certified net is more accurate than the free one, for
    every seed; and its constant is proved to be at most 1."""
    def run() -> tuple[bool, int, float]:
        found = robustness()
        gains = [a - b for a, b in zip(found["certified"]["attack 1.0"],
                                       found["free"]["attack 1.0"], strict=True)]
        proved = max(found["certified"]["constant"]) <= 1
        return proved and min(gains) > 0, 2 * len(SEEDS), min(gains)
    return Experiment(run)


# -- monotone and nonmonotone fluxes for denoising -------------------------------------------------
MONOTONE = (fluxes.charbonnier, fluxes.soft)
NONMONOTONE = (fluxes.perona_malik, fluxes.garrote)


@cache
def denoising() -> dict[str, list[float]]:
    """Mean squared error over that of the noise, on parts of the ECG that were held out."""
    beat = recordings()["ecg"][..., :1024]
    parts = beat.reshape(16, 1, 64)
    found: dict[str, list[float]] = {}
    for make in (*MONOTONE, *NONMONOTONE):
        for seed in SEEDS:
            torch.manual_seed(seed)
            order = torch.randperm(len(parts))
            model = nn.Sequential(*(DiffusionBlock(Stencil(1, 4, (5,)), Activation(make, 0.2),
                                                   EUCLIDEAN) for _ in range(4)))
            clean = parts[order[:10]].repeat(20, 1, 1)
            train(model, clean + 0.1 * torch.randn_like(clean), clean, mse_loss, epochs=40)
            clean = parts[order[10:]].repeat(20, 1, 1)
            with torch.no_grad():
                error = mse_loss(model(clean + 0.1 * torch.randn_like(clean)), clean)
            found.setdefault(make.__name__, []).append(float(error) / 0.01)
    return found


@claim("nonmonotone fluxes denoise a recorded heart beat better than monotone ones",
       notion="training", expect="undecided")
def nonmonotone_fluxes_denoise_better():
    """Of Perona and Malik's flux and garrote's the better one leaves a smaller error than the
    better one of Charbonnier's and the soft one, beyond the 95 % confidence intervals of five
    seeds: the means are in that order and the intervals overlap, so it is not confirmed."""
    def run() -> tuple[bool, int, float]:
        found = denoising()
        monotone, nonmonotone = (min((found[make.__name__] for make in kind), key=mean)
                                 for kind in (MONOTONE, NONMONOTONE))
        apart = mean(nonmonotone) - mean(monotone)
        return lie_above(monotone, nonmonotone), sum(map(len, found.values())), apart
    return Experiment(run)


def main() -> None:
    """Print every table: means and 95 % confidence intervals over the seeds."""
    torch.set_num_threads(1)
    print(f"seeds {list(SEEDS)}, PyTorch {torch.__version__}")
    print("mean ± half of the 95 % confidence interval")
    for kind, values in accuracies_of_dynamics().items():
        weights = sum(each.numel() for each in Dynamics(kind).layers.parameters())
        print("{:14s} {:5d} weights in the layers, accuracy {:.3f} ± {:.3f}".format(
            kind, weights, *interval(values)))
    for name, row in (*mgnet_beside_resnet().items(), *robustness().items()):
        print(f"{name:10s}", ", ".join("{} {:.3f} ± {:.3f}".format(key, *interval(values))
                                       for key, values in row.items()))
    for name, values in denoising().items():
        print("{:14s} error over that of the noise {:.3f} ± {:.3f}".format(
            name, *interval(values)))


if __name__ == "__main__":
    main()
