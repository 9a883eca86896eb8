"""The convolution of signals with channels: applied, transposed, and as a matrix.

A stencil acts as a correlation, as in the networks' frameworks.  Signals have the shape
(..., channels, *grid); the arithmetic and the library are those of their arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np

from stabkit.aliases import Array, Signal
from stabkit.arithmetic.backend import beside, is_foreign, namespace
from stabkit.arithmetic.rational import fractions
from stabkit.errors import InvalidArgument
from stabkit.operators.boundary import DIRICHLET, NATURAL, Boundary, check_boundary
from stabkit.operators.operator import Operator

Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Convolution:
    """(K u)_{o,x} = Σ_c Σ_k w_{o,c,k} u_{c, s x + d k − before} (+ b_o), for any boundary.

    Attributes
    ----------
    kernel : ndarray, shape (channels out, channels in / groups, taps, ...)
        w.
    stride, dilation : int or tuple of int
        s and d, one for all axes or one for each.
    boundary : Boundary
        What a stencil sees outside the grid.
    bias : ndarray, shape (channels out,), optional
        b, which only a call adds.
    groups : int
        The channels fall into this many groups, each convolved separately.
    pads : tuple of (int, int), optional
        How far the stencils reach out before and after each axis.  By default the middle tap, which
        odd sizes have, lies on the grid: m samples give ⌈m / s⌉; with ``NATURAL`` they do not
        reach out.

    Examples
    --------
    >>> K = Convolution(np.array([[[1.0, -2.0, 1.0]]]))
    >>> K(np.array([[1.0, 4.0, 9.0]]))
    array([[  2.,   2., -14.]])
    """

    kernel: np.ndarray
    stride: int | Shape = 1
    boundary: Boundary = DIRICHLET
    bias: np.ndarray | None = None
    dilation: int | Shape = 1
    groups: int = 1
    pads: Pads | None = None

    def __post_init__(self) -> None:
        kernel = self.kernel if is_foreign(self.kernel) else np.asarray(self.kernel)
        object.__setattr__(self, "kernel", kernel)
        taps = kernel.shape[2:]
        if kernel.ndim < 3 or 0 in kernel.shape or kernel.shape[0] % self.groups or (
                self.pads is None and any(size % 2 == 0 for size in taps)):
            raise InvalidArgument("kernel: must have shape (channels out, channels in, odd[, odd])"
                                  f", got {kernel.shape}")
        check_boundary(self.boundary)
        for name, steps in (("stride", self.strides), ("dilation", self.dilations)):
            if len(steps) != len(taps) or min(steps) < 1:
                raise InvalidArgument(f"{name}: must be at least 1 along each axis, got {steps}")

    @cached_property
    def strides(self) -> Shape:
        """s along each axis."""
        return self._each(self.stride)

    @cached_property
    def dilations(self) -> Shape:
        """d along each axis."""
        return self._each(self.dilation)

    @cached_property
    def reach(self) -> Pads:
        """`pads`, or their default."""
        if self.pads is not None:
            return self.pads
        sides = [0 if self.boundary is NATURAL else d * (size // 2)
                 for d, size in zip(self.dilations, self.kernel.shape[2:], strict=True)]
        return tuple((side, side) for side in sides)

    def _each(self, value: int | Shape) -> Shape:
        return (value,) * self.dimension if isinstance(value, int) else tuple(value)

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return self.kernel.size + (0 if self.bias is None else np.size(self.bias))

    @property
    def dimension(self) -> int:
        """That of the grid."""
        return self.kernel.ndim - 2

    def _amid_pads(self, grid: Sequence[int]) -> Shape:
        # The grid with all that the stencils reach.
        if any(side < 0 for pads in self.reach for side in pads):
            raise InvalidArgument("pads: must not be negative, but for a matrix")
        return tuple(n + sum(pads) for n, pads in zip(grid, self.reach, strict=True))

    def output_shape(self, shape: Sequence[int]) -> Shape:
        """The grid of the result, for a signal on the grid `shape`."""
        return window_counts(shape, self.kernel.shape[2:], self.strides, self.reach,
                             self.dilations)

    # -- as a map ----------------------------------------------------------------------------------
    def __call__(self, u: Signal) -> Signal:
        """K u + b: tap by tap, so that no array much larger than a signal is made."""
        u = u if is_foreign(u) else np.asarray(u)
        grid, channels = u.shape[u.ndim - self.dimension:], self.kernel.shape[1] * self.groups
        if u.ndim <= self.dimension or u.shape[-self.dimension - 1] != channels:
            raise InvalidArgument(f"u: must have {channels} channels on a {self.dimension}-D grid, "
                                  f"got shape {u.shape}")
        xp, kernel, out = namespace(u), weights_beside(self.kernel, u), self.output_shape(grid)
        batch, padded = u.shape[:u.ndim - self.dimension - 1], self._pad(u)
        total: Array = None
        for tap, window in self._windows(out):
            seen = xp.reshape(padded[(..., *window)],
                              (*batch, self.groups, self.kernel.shape[1], prod(out)))
            term = xp.matmul(self._matrix(kernel, tap), seen)
            total = term if total is None else total + term
        total = xp.reshape(total, (*batch, kernel.shape[0], *out))
        if self.bias is None:
            return total
        return total + weights_beside(np.reshape(self.bias, (-1, *[1] * len(out))), u)

    def adjoint(self, v: Signal, shape: Sequence[int]) -> Signal:
        """Kᵀ v on the grid `shape`, without b."""
        v = v if is_foreign(v) else np.asarray(v)
        out, shape = self.output_shape(shape), tuple(shape)
        if v.shape[max(v.ndim - self.dimension - 1, 0):] != (self.kernel.shape[0], *out):
            raise InvalidArgument(f"v: must have shape {(self.kernel.shape[0], *out)}, got "
                                  f"{v.shape}")
        xp, kernel = namespace(v), weights_beside(self.kernel, v)
        batch = v.shape[:v.ndim - self.dimension - 1]
        channels = self.kernel.shape[1] * self.groups
        flat = xp.reshape(v, (*batch, self.groups, len(self.kernel) // self.groups, prod(out)))
        padded = xp.zeros((*batch, channels, *self._amid_pads(shape)),
                          dtype=xp.result_type(v, kernel))
        for tap, window in self._windows(out):
            turned = xp.permute_dims(self._matrix(kernel, tap), (0, 2, 1))
            sent = xp.reshape(xp.matmul(turned, flat), (*batch, channels, *out))
            padded[(..., *window)] = padded[(..., *window)] + sent
        return self._fold(padded, shape)

    def patches(self, u: Signal) -> Array:
        """What the stencil sees at every point, shape (..., channels · taps, points).

        The kernel as a matrix times ``patches(u)`` is K u too, in one product.
        """
        xp, out = namespace(u), self.output_shape(u.shape[u.ndim - self.dimension:])
        padded, batch = self._pad(u), u.shape[:u.ndim - self.dimension]
        seen = xp.stack([padded[(..., *window)] for _, window in self._windows(out)],
                        axis=len(batch))
        return xp.reshape(seen, (*batch[:-1], batch[-1] * prod(self.kernel.shape[2:]), prod(out)))

    def _matrix(self, kernel: Array, tap: Shape) -> Array:
        # One tap of all channels, a small matrix for each group.
        taps = kernel[(..., *tap)]
        return namespace(kernel).reshape(
            taps, (self.groups, taps.shape[0] // self.groups, taps.shape[1]))

    def _windows(self, out: Shape) -> Iterator[tuple[Shape, tuple[slice, ...]]]:
        # Each tap, with the part of the padded signal that it meets.
        for tap in product(*map(range, self.kernel.shape[2:])):
            yield tap, tuple(slice(k * d, k * d + max(s * (m - 1) + 1, 0), s) for k, d, s, m in
                             zip(tap, self.dilations, self.strides, out, strict=True))

    def _outside(self, axis: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        before, after = self.reach[axis]
        return self.boundary.sources(np.arange(-before, n + after), n)

    def _pad(self, u: Signal) -> Array:
        # A copy of the signal amid zeros; then, axis by axis, its continuation.
        if not any(map(any, self.reach)):
            return u
        grid = u.shape[u.ndim - self.dimension:]
        shape = (*u.shape[:u.ndim - self.dimension], *self._amid_pads(grid))
        made: Any = np.full(shape, 0 * u.flat[0] if u.size else 0, dtype=object) \
            if u.dtype == object else namespace(u).zeros(shape, dtype=u.dtype)
        made[(..., *(slice(before, before + n)
                     for n, (before, _) in zip(grid, self.reach, strict=True)))] = u
        for number, n in enumerate(grid if u.size else ()):
            before, rest = self.reach[number][0], (slice(None),) * (self.dimension - 1 - number)
            places, factors = self._outside(number, n)
            for at in (*range(before), *range(before + n, len(places))):
                if factors[at]:
                    part = made[(..., int(places[at]) + before, *rest)]
                    made[(..., at, *rest)] = part if factors[at] > 0 else -part
        return made

    def _fold(self, padded: Array, shape: Shape) -> Array:
        # The adjoint of the padding: entries outside are added to those that they continue.
        xp = namespace(padded)
        for number, n in enumerate(shape):
            if self.reach[number] == (0, 0):
                continue
            axis, before = number - self.dimension, self.reach[number][0]
            places, factors = self._outside(number, n)
            rest = (slice(None),) * (-1 - axis)
            folded = xp.zeros((*padded.shape[:axis], n, *padded.shape[padded.ndim + axis + 1:]),
                              dtype=padded.dtype)
            folded[(..., slice(None), *rest)] = padded[(..., slice(before, before + n), *rest)]
            for at in (*range(before), *range(before + n, len(places))) if n else ():
                if factors[at]:
                    to, part = (..., int(places[at]), *rest), padded[(..., at, *rest)]
                    folded[to] = folded[to] + part if factors[at] > 0 else folded[to] - part
            padded = folded
        return padded

    # -- as a matrix -------------------------------------------------------------------------------
    def entries(self, shape: Sequence[int]) -> tuple[np.ndarray, ...]:
        """Rows, columns, places of the weights in the flat kernel, and signs of all entries.

        Entries of one place add up; those of a weight that is zero are left out.
        """
        kernel: Array = self.kernel
        taps = [tap for tap in product(*map(range, kernel.shape[2:]))
                if (kernel[(..., *tap)] != 0).any()]
        sources, signs = self._sources(shape, taps)
        (c_out, c_in), points, size = self.kernel.shape[:2], sources.shape[0], prod(shape)
        group = np.arange(c_out) // (c_out // self.groups)
        rows = np.arange(c_out)[:, None, None, None] * points + np.arange(points)[:, None]
        columns = (group[:, None] * c_in + np.arange(c_in))[:, :, None, None] * size + sources
        numbers = np.arange(self.kernel.size).reshape(c_out, c_in, 1, -1)[..., np.array(
            [np.ravel_multi_index(tap, self.kernel.shape[2:]) for tap in taps], dtype=np.int64)]
        kept = (np.ravel(self.kernel)[numbers] != 0) & (signs != 0)
        parts = (np.broadcast_to(part, kept.shape) for part in (rows, columns, numbers, signs))
        return tuple(part.ravel() if kept.all() else part[kept] for part in parts)

    def matrix(self, shape: Sequence[int]) -> Operator:
        """K as an exact operator on flattened signals on the grid `shape`."""
        rows, columns, numbers, signs = self.entries(shape)
        weights = list(fractions(self.kernel, "kernel").flat)
        c_in = self.kernel.shape[1] * self.groups
        return Operator._of_codes(
            (self.kernel.shape[0] * prod(self.output_shape(shape)), c_in * prod(shape)),
            rows, columns, np.where(signs > 0, numbers, numbers + len(weights)),
            [*weights, *(-weight for weight in weights)] if (signs < 0).any() else weights)

    def _sources(self, shape: Sequence[int], taps: Sequence[Shape]
                 ) -> tuple[np.ndarray, np.ndarray]:
        """Per point and tap the point that is read, and its sign."""
        out = self.output_shape(shape)
        sources = np.zeros((prod(out), len(taps)), dtype=np.int64)
        signs = np.ones_like(sources)
        for number, tap in enumerate(taps):
            place, sign = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
            for axis, (n, m, k) in enumerate(zip(shape, out, tap, strict=True)):
                places, factors = self.boundary.sources(
                    self.strides[axis] * np.arange(m) + self.dilations[axis] * k
                    - self.reach[axis][0], n)
                place = np.add.outer(place * n, places).ravel()
                sign = np.multiply.outer(sign, factors).ravel()
            sources[:, number], signs[:, number] = place, sign
        return sources, signs


def window_counts(shape: Sequence[int], taps: Shape, strides: Shape, pads: Pads,
                  dilations: Shape) -> Shape:
    """How many windows of this many taps fit along each axis."""
    return tuple(max((n + sum(pad) - d * (size - 1) - 1) // s + 1, 0) for n, pad, d, size, s
                 in zip(shape, pads, dilations, taps, strides, strict=True))


def weights_beside(weights: Array, u: Signal) -> Array:
    """Weights in the library of a signal, where there are neither fractions nor integers."""
    if not is_foreign(u) or is_foreign(weights):
        return weights
    return beside(weights if weights.dtype.kind == "f" else weights.astype(np.float64), u)
