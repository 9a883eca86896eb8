"""The multigrid V-cycle as a U-net with learned weights (alt2021, section 3.2)."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stabkit.errors import InvalidArgument
from stabkit.multigrid.unet import Channels, UNet, start
from stabkit.schemes.scheme import as_count
from stabkit.torch.signals import check_signals


class VCycle(nn.Module):
    """One V-cycle for −Δx = b with zeros outside, as a U-net with the channels x, b and r.

    Smoothing is x ← x + (ω/a)(b − A x) with the diagonal a of A; at the beginning ω = 2/3 and the
    transfers are linear, which is the textbook's method, and all of them are learned.  Grids have
    2ᵏm − 1 points along each axis, of distance 1 on the finest.

    Parameters
    ----------
    levels : int
    pre, post : int
        Sweeps before and after the correction.
    coarsest : int
        Sweeps on the coarsest grid.
    dimension : int
        1 or 2.
    """

    laplacian: Tensor

    def __init__(self, levels: int = 3, pre: int = 1, post: int = 1, coarsest: int = 4,
                 dimension: int = 2):
        super().__init__()
        for name, count in (("levels", levels), ("pre", pre), ("post", post),
                            ("coarsest", coarsest)):
            as_count(count, name)
        if dimension not in (1, 2):
            raise InvalidArgument(f"dimension: must be 1 or 2, got {dimension!r}")
        self.dimension, self.levels = dimension, levels
        laplacian, linear = _stencils(dimension)
        self.register_buffer("laplacian", laplacian)
        transfers = linear.repeat(levels - 1, *[1] * linear.ndim)
        self.restriction = nn.Parameter(transfers / 2**dimension)
        self.prolongation = nn.Parameter(transfers.clone())
        self.before = nn.Parameter(torch.full((levels - 1, pre), 2 / 3))
        self.after = nn.Parameter(torch.full((levels - 1, post), 2 / 3))
        self.last = nn.Parameter(torch.full((coarsest,), 2 / 3))

    def forward(self, b: Tensor) -> Tensor:
        """x after one cycle from 0, for b of shape (batch, 1, \\*grid)."""
        check_signals(b, 1, self.dimension, "b", next(self.parameters()))
        if any((n + 1) % 2 ** (self.levels - 1) or n + 1 < 2**self.levels for n in b.shape[2:]):
            raise InvalidArgument(f"b: its grid must have 2^{self.levels - 1} m - 1 points along "
                                  f"each axis with m >= 2, got {tuple(b.shape[2:])}")
        return self.network(0)(start(b)).x

    def network(self, level: int) -> Any:
        """The network from a level on, of the parts that :class:`stabkit.multigrid.UNet` joins."""
        if level + 1 == self.levels:
            return partial(self._solve, level, self.last)
        before, after = (partial(self._solve, level, omegas[level])
                         for omegas in (self.before, self.after))
        parts: Any = (before, partial(self._down, level), (self.network(level + 1),),
                      partial(self._up, level), after)
        return UNet(*parts)

    def _solve(self, level: int, omegas: Tensor, signal: Channels) -> Channels:
        x = signal.x
        for omega in omegas:
            x = x + omega * 4.0**level / (2 * self.dimension) * (signal.b - self._A(level, x))
        return Channels(x, signal.b, signal.b - self._A(level, x))

    def _A(self, level: int, x: Tensor) -> Tensor:
        convolve = F.conv2d if self.dimension == 2 else F.conv1d
        return convolve(x, self.laplacian, padding=1) / 4.0**level

    def _down(self, level: int, signal: Channels) -> Channels:
        convolve = F.conv2d if self.dimension == 2 else F.conv1d
        b = convolve(signal.r, self.restriction[level], stride=2)
        return Channels(0 * b, b, 0 * b)

    def _up(self, level: int, signal: Channels) -> Channels:
        deconvolve = F.conv_transpose2d if self.dimension == 2 else F.conv_transpose1d
        x = deconvolve(signal.x, self.prolongation[level], stride=2)
        return Channels(x, 0 * x, 0 * x)


def _stencils(dimension: int) -> tuple[Tensor, Tensor]:
    """−Δ and linear interpolation, as weights of convolutions."""
    second, linear = torch.tensor([-1.0, 2.0, -1.0]), torch.tensor([0.5, 1.0, 0.5])
    if dimension == 1:
        return second[None, None], linear[None, None]
    middle = torch.tensor([0.0, 1.0, 0.0])
    laplacian = torch.outer(second, middle) + torch.outer(middle, second)
    return laplacian[None, None], torch.outer(linear, linear)[None, None]
