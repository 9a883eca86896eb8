"""The operators K of the blocks: stencils that are learned, and differences along the axes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import coo_array, vstack
from torch import Tensor, nn

from stabkit.errors import InvalidArgument, several
from stabkit.operators import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    PERIODIC,
    Boundary,
    Convolution,
    Operator,
    from_matrix,
)
from stabkit.operators.boundary import check_boundary
from stabkit.schemes.scheme import as_count
from stabkit.torch.norms import convolution_square, largest_diagonal
from stabkit.torch.signals import check_signals, check_weights

Map = Callable[[Tensor], Tensor]


class Stencil(nn.Module):
    """K, a convolution from some channels to some features, on signals or images.

    Parameters
    ----------
    channels, features : int
        Of u and of K u.
    taps : tuple of int
        The sizes of the stencils: ``(5,)`` for signals, ``(3, 3)`` for images.  Odd, but for
        ``NATURAL``.
    boundary : Boundary
        ``DIRICHLET``, ``PERIODIC``, ``MIRRORED``, or ``NATURAL``: only where the stencil fits.

    Attributes
    ----------
    weight : Parameter, shape (features, channels, \\*taps)
        Random to begin with, so that ‖K‖ is about 1 (from PyTorch's generator).
    """

    def __init__(self, channels: int, features: int, taps: tuple[int, ...] = (3, 3),
                 boundary: Boundary = DIRICHLET):
        super().__init__()
        self.channels, self.features = as_count(channels, "channels"), as_count(features,
                                                                                "features")
        check_boundary(boundary, DIRICHLET, PERIODIC, MIRRORED, NATURAL)
        taps = several(taps, "taps")
        if len(taps) not in (1, 2) or any(
                not isinstance(size, int) or size < 1 or (size % 2 == 0 and boundary is not NATURAL)
                for size in taps):
            raise InvalidArgument("taps: must be one or two positive sizes, odd but for NATURAL, "
                                  f"got {taps!r}")
        self.taps, self.boundary = taps, boundary
        spread = 1 / (sqrt(features) + sqrt(channels * prod(taps)))
        self.weight = nn.Parameter(spread * torch.randn(features, channels, *taps))

    @property
    def dimension(self) -> int:
        """1 for signals, 2 for images."""
        return len(self.taps)

    def forward(self, u: Tensor) -> Tensor:
        """K u for u of shape (batch, channels, \\*grid)."""
        check_signals(u, self.channels, self.dimension, weight=self.weight)
        self._check_grid(u.shape[2:])
        convolve = F.conv1d if self.dimension == 1 else F.conv2d
        if self.boundary is PERIODIC:
            return convolve(self._around(u), self.weight)
        if self.boundary is MIRRORED:
            mirrors = [self._mirror(axis, n, u) for axis, n in enumerate(u.shape[2:])]
            return convolve(_along(mirrors, u), self.weight)
        return convolve(u, self.weight, padding=self._reach)

    def adjoint(self, w: Tensor) -> Tensor:
        """Kᵀ w for w of the shape of K u."""
        if self.boundary in (NATURAL, MIRRORED):
            deconvolve = F.conv_transpose1d if self.dimension == 1 else F.conv_transpose2d
            wide = deconvolve(w, self.weight)
            if self.boundary is NATURAL:
                return wide
            mirrors = [self._mirror(axis, n, w) for axis, n in enumerate(w.shape[2:])]
            # In the other order than forward, as a transpose is read.
            return (wide if len(mirrors) == 1 else mirrors[0].T @ wide) @ mirrors[-1]
        # Faster than a transposed convolution, and the same.
        convolve = F.conv1d if self.dimension == 1 else F.conv2d
        turned = self.weight.transpose(0, 1).flip(tuple(range(2, self.weight.ndim)))
        if self.boundary is PERIODIC:
            return convolve(self._around(w), turned)
        return convolve(w, turned, padding=self._reach)

    def flow(self, u: Tensor, bend: Map) -> Tensor:
        """KᵀΦ(K u)."""
        return self.adjoint(bend(self(u)))

    def square(self) -> Tensor:
        """A bound of ‖K‖² on every grid, which can be differentiated.

        A mirror shows every sample at most twice, so it doubles the square along its axis: as much
        as the stencil (1, 0, 0) needs.
        """
        check_weights(self)
        mirrors = sum(size > 1 for size in self.taps) if self.boundary is MIRRORED else 0
        return 2**mirrors * convolution_square(self.weight)

    def exact(self, grid: tuple[int, ...]) -> Operator:
        """K on a grid, as an exact operator on flattened signals."""
        kernel = self.weight.detach().double().cpu().numpy()
        reach = tuple((size, size) for size in self._reach)
        return Convolution(kernel, boundary=self.boundary, pads=reach).matrix(grid)

    def _check_grid(self, grid: tuple[int, ...]) -> None:
        """Refuse a grid without points, into which no stencil fits, or once around too short."""
        least = {NATURAL: self.taps, PERIODIC: tuple(max(size // 2, 1) for size in self.taps),
                 MIRRORED: tuple(max(size - 1, 1) for size in self.taps)}.get(
            self.boundary, (1,) * self.dimension)
        if any(n < size for n, size in zip(grid, least, strict=True)):
            raise InvalidArgument(f"u: its grid must have at least {least} points for taps "
                                  f"{self.taps} and {self.boundary}, got {tuple(grid)}")

    @property
    def _reach(self) -> tuple[int, ...]:
        return (0,) * self.dimension if self.boundary is NATURAL else tuple(
            size // 2 for size in self.taps)

    def _around(self, u: Tensor) -> Tensor:
        pads = [side for reach in reversed(self._reach) for side in (reach, reach)]
        return F.pad(u, pads, mode="circular")

    def _mirror(self, axis: int, n: int, like: Tensor) -> Tensor:
        """E, with the samples of an axis and those that a stencil sees outside, from the samples.
        """
        reach, n = self._reach[axis], int(n)  # sizes are tensors while PyTorch traces
        places, _ = MIRRORED.sources(np.arange(-reach, n + reach), n)
        return torch.from_numpy(np.eye(n)[places]).to(like)

    def extra_repr(self) -> str:
        """What PyTorch prints of it."""
        return f"{self.channels}, {self.features}, taps={self.taps}, boundary={self.boundary}"


def _along(matrices: list[Tensor], u: Tensor) -> Tensor:
    """A matrix along every axis of a grid."""
    last = u @ matrices[-1].T
    return matrices[0] @ last if len(matrices) == 2 else last


class Differences(nn.Module):
    """K u = a (uⱼ − uᵢ) for all neighbours i, j along every axis, without an outside.

    A step with it can keep the range of every channel.

    Parameters
    ----------
    channels : int
    dimension : int
        1 or 2.

    Attributes
    ----------
    weight : Parameter, shape (dimension, channels)
        a, 1 to begin with.
    """

    def __init__(self, channels: int, dimension: int = 2):
        super().__init__()
        self.channels, self.dimension = as_count(channels, "channels"), dimension
        if dimension not in (1, 2):
            raise InvalidArgument(f"dimension: must be 1 or 2, got {dimension!r}")
        self.weight = nn.Parameter(torch.ones(dimension, channels))

    @property
    def features(self) -> int:
        """As many as channels, along each axis."""
        return self.channels

    def flow(self, u: Tensor, bend: Map) -> Tensor:
        """KᵀΦ(K u) for u of shape (batch, channels, \\*grid)."""
        check_signals(u, self.channels, self.dimension)
        total = torch.zeros_like(u)
        for axis in range(self.dimension):
            place, weight = 2 + axis, self._weight(axis)
            length = u.shape[place]
            if length == 1:  # no neighbours
                continue
            ahead, behind = u.narrow(place, 1, length - 1), u.narrow(place, 0, length - 1)
            edges = weight * bend(weight * (ahead - behind))
            one = [0, 0] * (self.dimension - 1 - axis)
            total = total + F.pad(edges, [*one, 1, 0]) - F.pad(edges, [*one, 0, 1])
        return total

    def square(self) -> Tensor:
        """A bound of ‖K‖²: 4 Σ a² over the axes, for the largest channel."""
        return 2 * self.largest_row()

    def largest_row(self) -> Tensor:
        """A bound of the diagonal of KᵀK: 2 Σ a² over the axes."""
        check_weights(self)
        return largest_diagonal(self.weight)

    def _weight(self, axis: int) -> Tensor:
        return self.weight[axis].reshape(1, -1, *[1] * self.dimension)

    def exact(self, grid: tuple[int, ...]) -> Operator:
        """K on a grid, as an exact operator on flattened signals."""
        weights = self.weight.detach().double().cpu().numpy()
        index = np.arange(self.channels * prod(grid)).reshape(self.channels, *grid)
        parts = []
        for axis in range(self.dimension):
            behind, ahead = (np.delete(index, end, 1 + axis) for end in (-1, 0))
            steps = np.broadcast_to(weights[axis].reshape(-1, *[1] * len(grid)), behind.shape)
            rows = np.arange(behind.size)
            entries = np.concatenate([-steps.ravel(), steps.ravel()])
            places = np.tile(rows, 2), np.concatenate([behind.ravel(), ahead.ravel()])
            parts.append(coo_array((entries, places), (behind.size, index.size)))
        return from_matrix(vstack(parts))
