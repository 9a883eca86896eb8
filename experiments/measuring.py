"""How the experiments train and compare: same seeds for both sides, differences seed by seed.

A seed draws the split of the data, the weights to begin with and the batches, so two networks with
one seed have all of that in common which they can; a difference is judged by the 95 % confidence
interval of its mean over the seeds (Student's t).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import mean, stdev

import torch
from scipy.stats import t
from torch import Tensor, nn

from stabkit.torch import check_finite

SEEDS = range(5)
Loss = Callable[[Tensor, Tensor], Tensor]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % confidence interval."""
    count = len(values)
    return mean(values), float(t.ppf(0.975, count - 1)) * stdev(values) / count**0.5


def difference(one: Sequence[float], two: Sequence[float]) -> tuple[float, float]:
    """The interval of the mean of one − two, seed by seed."""
    return interval([a - b for a, b in zip(one, two, strict=True)])


def exceeds(one: Sequence[float], two: Sequence[float], by: float = 0.0) -> bool:
    """Whether the mean of one − two lies above a number, with 95 % confidence."""
    middle, half = difference(one, two)
    return middle - half > by


def is_like(one: Sequence[float], two: Sequence[float], margin: float) -> bool:
    """Whether the mean of one − two lies within ±margin, with 95 % confidence."""
    middle, half = difference(one, two)
    return abs(middle) + half < margin


def p_value(one: Sequence[float], two: Sequence[float], by: float = 0.0) -> float:
    """Of the mean of one − two lying above a number; both tails, as the interval has them.

    Where all differences are the same it is 0 or 1.
    """
    away = [a - b - by for a, b in zip(one, two, strict=True)]
    spread = stdev(away) / len(away)**0.5
    if not spread:
        return 0.0 if away[0] > 0 else 1.0
    return min(1.0, 2 * float(t.sf(mean(away) / spread, len(away) - 1)))


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for all of them together (Holm 1979)."""
    made, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        made[place] = largest
    return made


def batches(count: int, size: int, steps: int) -> Iterator[Tensor]:
    """So many random batches, each image once before any comes again; from PyTorch's generator."""
    while steps > 0:
        for chosen in torch.randperm(count).split(size)[:steps]:
            steps -= 1
            yield chosen


def train(model: nn.Module, inputs: Tensor, targets: Tensor, loss: Loss, steps: int,
          rate: float = 1e-2, batch: int = 64) -> None:
    """Adam for so many batches; the rate falls to 0 like a cosine."""
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    model.train()
    for chosen in batches(len(inputs), batch, steps):
        optimiser.zero_grad()
        check_finite(loss(model(inputs[chosen]), targets[chosen])).backward()
        optimiser.step()
        schedule.step()
    model.eval()


def weights(model: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(each.numel() for each in model.parameters())


def line(name: str, values: Sequence[float], scale: float = 100.0, unit: str = "%") -> str:
    """A row of a table: mean, half of the interval, and spread."""
    middle, half = interval(values)
    return (f"{name:44s} {scale * middle:8.2f} ± {scale * half:5.2f} {unit:2s} "
            f"(spread {scale * stdev(values):5.2f})")


def compared(name: str, one: Sequence[float], two: Sequence[float], scale: float = 100.0) -> str:
    """A row of a table: the difference, seed by seed."""
    middle, half = difference(one, two)
    return f"{'  ' + name:44s} {scale * middle:+8.2f} ± {scale * half:5.2f}"
