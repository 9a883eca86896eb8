"""MgNet beside ResNets with more weights, trained by Algorithm 5 of he2019."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from experiments.measuring import SEEDS, compared, line, weights
from stabkit.torch import MgNet, check_finite, momentum_descent
from stabkit.torch.robustness import accuracy
from stabkit.torch.samples import digits

EPOCHS, BATCH, RATE = 12, 64, 0.1  # the rate is divided by 10 after every four epochs


class Block(nn.Module):
    """σ(f + W₂σ(W₁f)), normalised."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = convolution(width, width), convolution(width, width)

    def forward(self, f: Tensor) -> Tensor:
        """The block."""
        return torch.relu(f + self.second(torch.relu(self.first(f))))


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """A convolution with batch normalisation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                         nn.BatchNorm2d(outputs))


def resnet(width: int) -> nn.Sequential:
    """Two grids with two blocks each, twice as wide on the second."""
    return nn.Sequential(convolution(1, width), nn.ReLU(), Block(width), Block(width),
                         convolution(width, 2 * width, 2), nn.ReLU(), Block(2 * width),
                         Block(2 * width), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(2 * width, 10))


#: Two pairs; MgNet has about four fifths of the weights, as in Table 2.
PAIRS = {"small": (lambda: MgNet(1, 12, 12, 2, 2, 10), lambda: resnet(8)),
         "tiny": (lambda: MgNet(1, 8, 8, 2, 2, 10), lambda: resnet(5))}


@cache
def accuracies(pair: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """On the digits that were held out, of MgNet and of ResNet, for every seed."""
    mgnet, other = (tuple(_trained(make, seed) for seed in SEEDS) for make in PAIRS[pair])
    return mgnet, other


def _trained(make, seed: int) -> float:
    torch.manual_seed(seed)
    (images, labels), held_out = (part.tensors for part in digits(seed))
    model = make()
    descent, schedule = momentum_descent(model.parameters(), RATE, epochs=EPOCHS // 3)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            descent.zero_grad()
            check_finite(cross_entropy(model(images[chosen]), labels[chosen])).backward()
            descent.step()
        schedule.step()
    return accuracy(model, *held_out)


def sizes(pair: str) -> tuple[int, int]:
    """The weights of both."""
    mgnet, other = (weights(make()) for make in PAIRS[pair])
    return mgnet, other


def tables() -> list[str]:
    """Accuracies of both, and their difference."""
    made = [f"digits of scikit-learn, 1200 of them for training, {EPOCHS} epochs"]
    for pair in PAIRS:
        found, counts = accuracies(pair), sizes(pair)
        made += [line(f"  {name}, {count} weights", values) for name, count, values in
                 zip(("MgNet", "ResNet"), counts, found, strict=True)]
        made.append(compared("MgNet beside ResNet", *found))
    return made
