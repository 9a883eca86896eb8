"""A correlation with a stencil, and its adjoint, as layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, ClassVar

import numpy as np

from stabkit.arithmetic.rational import fractions, from_flint, to_flint
from stabkit.networks.layers.dense import Dense, sum_of_squares, with_rest
from stabkit.networks.layers.layer import (
    Change,
    Layer,
    Shape,
    Signal,
    Weights,
    add_bias,
    beside,
    sizes,
)
from stabkit.operators.boundary import DIRICHLET, PERIODIC
from stabkit.operators.convolution import Convolution as Correlation
from stabkit.operators.convolution import window_counts
from stabkit.operators.singular_values import convolution_square_bound, upper_root

_FREQUENCIES = 1 << 31  # c_in c_out min(c_in, c_out) times the number of frequencies, about
_MANY = 1 << 20  # points of an axis so long that its frequencies count as all of the circle


@dataclass(frozen=True, eq=False)
class Convolution(Layer):
    """A correlation with a stencil, zeros outside unless `periodic`.

    Attributes
    ----------
    weights : ndarray, shape (c_out, c_in / groups, *taps)
    bias : ndarray, shape (c_out,), or None
    shape : (c_in, *sizes)
        What it is applied to.
    stride, dilation : tuple of int
        One number per axis.
    padding : tuple of (int, int)
        Before and after, per axis.
    """

    mixes: ClassVar[bool] = True

    weights: Weights
    bias: Weights | None
    shape: Shape
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1
    periodic: bool = False

    # -- values --------------------------------------------------------------------------------
    @property
    def output_sizes(self) -> Shape:
        """The sizes of the result, without its channels."""
        return window_counts(self.shape[1:], self.weights.shape[2:], self.stride, self.padding,
                             self.dilation)

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return add_bias(self.correlate(x), self.bias)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [self.correlate_adjoint(d)]

    def correlate(self, x: Signal) -> Signal:
        """The linear part; `x` has shape (batch, c_in, *sizes)."""
        product = _exact_product(self.weights, x, lambda weights, y: self._operator(weights)(y))
        return self._operator(beside(self.weights, x))(x) if product is None else product

    def correlate_adjoint(self, y: Signal) -> Signal:
        """The adjoint of :meth:`correlate`; `y` has shape (batch, c_out, *output sizes)."""
        product = _exact_product(self.weights, y, self._adjoint)
        return self._adjoint(beside(self.weights, y), y) if product is None else product

    def _adjoint(self, weights: Weights, y: Signal) -> Signal:
        return self._operator(weights).adjoint(y, self.shape[1:])

    def _operator(self, weights: Weights) -> Correlation:
        return Correlation(
            weights, self.stride, PERIODIC if self.periodic else DIRICHLET,
            dilation=self.dilation, groups=self.groups, pads=self.padding)

    # -- bounds --------------------------------------------------------------------------------
    @property
    def square(self) -> Fraction:
        groups = self._dense_groups()
        if all(size == 1 for size in self.weights.shape[2:]):
            return self._repeated_rows() * max(
                Dense(part.reshape(part.shape[:2])).square for part in groups)
        lengths = self.shape[1:]
        if set(self.stride) | set(self.dilation) == {1}:
            parts, periodic = groups, self.periodic
        else:
            # A stride s sorts the signal into s phases per axis, which are channels of a
            # convolution without a stride.  Holes only change the frequencies, so all of the
            # circle counts then.
            fits = not self.periodic or all(
                n % s == 0 for n, s in zip(lengths, self.stride, strict=True))
            phased = fits and set(self.dilation) == {1}
            parts = [_phases(part, self.stride) if phased else part for part in groups]
            lengths, periodic = tuple(
                n // s + 2 if phased and not self.periodic else _MANY
                for n, s in zip(lengths, self.stride, strict=True)), False
        weights = np.asarray(self.weights)
        return self._repeated_rows() * with_rest(
            max(_grouped_bound(np.stack(parts), lengths, periodic)), weights, weights.astype(float),
            prod(weights.shape[2:]))

    def _dense_groups(self) -> list[np.ndarray]:
        return list(np.asarray(self.weights).reshape(
            self.groups, -1, *self.weights.shape[1:]).astype(float))

    def _repeated_rows(self) -> int:
        """How often an output of a periodic convolution occurs, for padding that goes round."""
        if not self.periodic:
            return 1
        return prod(-(-((m - 1) * s + 1) // n) for n, s, m in
                    zip(self.shape[1:], self.stride, self.output_sizes, strict=True))

    @property
    def size(self) -> Fraction:
        return upper_root(prod(self.weights.shape[2:]) * self._repeated_rows()
                          * sum_of_squares(self.weights))

    @property
    def roundings(self) -> int:
        return int(np.prod(self.weights.shape[1:])) + 4

    # -- parts ---------------------------------------------------------------------------------
    @property
    def cost(self) -> int:
        return self.weights[0].size

    @property
    def sides(self) -> tuple[int, int]:
        return self.weights.shape[0], self.weights.shape[1]

    @property
    def layout(self) -> tuple[Any, ...]:
        return ("convolution", self.weights.shape, self.shape, self.stride, self.padding,
                self.dilation, self.groups, self.periodic)

    @property
    def transpose(self) -> TransposedConvolution:
        return TransposedConvolution(self.without_bias())

    def map_weights(self, change: Change) -> tuple[Layer, list[str]]:
        values, said = change(self.weights, True)
        return (self.with_parts(weights=values) if said else self), said


@dataclass(frozen=True, eq=False)
class TransposedConvolution(Layer):
    """The adjoint of a convolution (its bias left out), plus a bias.

    Attributes
    ----------
    convolution : Convolution
    bias : ndarray, shape (c_in of the convolution,), or None
    """

    mixes: ClassVar[bool] = True

    convolution: Convolution
    bias: Weights | None = None

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return add_bias(self.convolution.correlate_adjoint(x), self.bias)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [self.convolution.correlate(d)]

    @property
    def square(self) -> Fraction:
        return self.convolution.square

    @property
    def size(self) -> Fraction:
        return self.convolution.size

    @property
    def roundings(self) -> int:
        inner = self.convolution.weights
        return int(inner.shape[0] * np.prod(inner.shape[2:])) + 4

    @property
    def weights(self) -> Weights:
        """Those of the convolution."""
        return self.convolution.weights

    @property
    def cost(self) -> int:
        return self.convolution.cost

    @property
    def sides(self) -> tuple[int, int]:
        return self.convolution.sides

    @property
    def layout(self) -> tuple[Any, ...]:
        return "transposed", *self.convolution.layout

    @property
    def canonical(self) -> Layer:
        """Without a stride, a convolution with flipped stencils, their channels swapped."""
        inner = self.convolution
        reach = [d * (k - 1) for d, k in zip(inner.dilation, inner.weights.shape[2:], strict=True)]
        padding = tuple((r - before, r - after) for r, (before, after) in
                        zip(reach, inner.padding, strict=True))
        if set(inner.stride) != {1} or min(map(min, padding), default=0) < 0:
            return self.without_bias()
        counts = inner.output_sizes
        if inner.periodic and counts != inner.shape[1:]:
            return self.without_bias()
        g, taps = inner.groups, inner.weights.shape[2:]
        grouped = np.asarray(inner.weights).reshape(g, -1, inner.weights.shape[1], *taps)
        flipped = np.flip(grouped.swapaxes(1, 2), tuple(range(3, 3 + len(taps))))
        c_out = inner.weights.shape[0]
        return inner.with_parts(weights=flipped.reshape(-1, c_out // g, *taps), bias=None,
                                shape=(c_out, *counts), padding=padding)

    def absolute(self) -> TransposedConvolution:
        return TransposedConvolution(self.convolution.with_parts(
            weights=sizes(self.convolution.weights), bias=sizes(self.convolution.bias)),
            sizes(self.bias))

    @property
    def transpose(self) -> Convolution:
        return self.convolution.without_bias()

    def map_weights(self, change: Change) -> tuple[Layer, list[str]]:
        inner, said = self.convolution.map_weights(change)
        return (self.with_parts(convolution=inner) if said else self), said


def _exact_product(weights: Weights, x: Signal, apply: Callable[[Weights, Signal], Signal]
                   ) -> Signal | None:
    """What stencils make of many signals of fractions, as a product of matrices.

    None for few signals, which tap by tap takes less, and where one entry is met by two taps.
    """
    if x.dtype != object or len(x) < x[0].size or any(type(entry) is not Fraction
                                                      for entry in x.flat):
        return None
    unit = np.eye(x[0].size).reshape(-1, *x.shape[1:])
    met = apply(np.ones(weights.shape), unit)
    if met.max(initial=0) > 1:
        return None
    numbers = apply(np.arange(1.0, weights.size + 1).reshape(weights.shape), unit)
    entries = fractions(np.insert(np.asarray(weights, dtype=object).ravel(), 0, 0))
    matrix = entries[numbers.astype(int)].reshape(len(unit), -1)
    return from_flint(to_flint(x.reshape(len(x), -1)) * to_flint(matrix)).reshape(
        len(x), *met.shape[1:])


def _phases(weights: np.ndarray, stride: tuple[int, ...]) -> np.ndarray:
    """The stencils of a strided convolution, its phases as channels."""
    for axis, step in enumerate(stride):
        place = 2 + axis
        taps = weights.shape[place]
        missing = -taps % step
        weights = np.pad(weights, [(0, missing if i == place else 0)
                                   for i in range(weights.ndim)])
        split = weights.reshape(*weights.shape[:place], -1, step, *weights.shape[place + 1:])
        moved = np.moveaxis(split, place + 1, 2)
        weights = moved.reshape(moved.shape[0], -1, *moved.shape[3:])
    return weights


def _grouped_bound(parts: np.ndarray, sizes: tuple[int, ...], periodic: bool) -> list[Fraction]:
    c_out, c_in = parts.shape[1:3]
    work = c_out * c_in * min(c_out, c_in) + 1
    points = 32
    while points > 8 and work * points ** len(sizes) > _FREQUENCIES * 2:
        points //= 2
    unlike = {part.tobytes(): part for part in parts}.values()
    return [convolution_square_bound(part, sizes, periodic=periodic, points=points)
            for part in unlike]
