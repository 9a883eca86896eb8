"""The mean or the largest entry of windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import prod
from typing import ClassVar

import numpy as np

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.transcript import Term, named
from stabkit.networks.layers.convolution import Convolution
from stabkit.networks.layers.layer import Layer, Shape, Signal, spread
from stabkit.operators.convolution import window_counts


@dataclass(frozen=True, eq=False)
class Pooling(Layer):
    """One number for each window of each channel.

    Attributes
    ----------
    shape : (channels, *sizes)
    window, stride : tuple of int
    padding : tuple of (int, int)
    dilation : tuple of int
        How far apart the taps of a window are; empty: next to each other.
    """

    mixes: ClassVar[bool] = True

    shape: Shape
    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...] = ()

    @property
    def apart(self) -> tuple[int, ...]:
        """How far apart the taps of a window are, per axis."""
        return self.dilation or (1,) * len(self.window)

    @property
    def output_sizes(self) -> Shape:
        """The sizes of the result, without its channels."""
        return window_counts(self.shape[1:], self.window, self.stride, self.padding,
                             self.apart)

    @property
    def places(self) -> np.ndarray:
        """Per window (of one channel) and tap the flat place that is read, or -1 outside."""
        places = np.zeros((1, 1), dtype=np.int64)
        for n, k, s, d, (before, _), m in zip(
                self.shape[1:], self.window, self.stride, self.apart, self.padding,
                self.output_sizes, strict=True):
            at = np.arange(m)[:, None] * s + d * np.arange(k) - before
            at = np.where((at >= 0) & (at < n), at, -1)[None, :, None, :]
            old = places[:, None, :, None]
            places = np.where((old < 0) | (at < 0), -1, old * n + at).reshape(
                places.shape[0] * m, places.shape[1] * k)
        return places

    def _most_windows(self, places: np.ndarray) -> int:
        """In how many windows an entry lies, at most."""
        return int(np.bincount(places[places >= 0]).max())


@dataclass(frozen=True, eq=False)
class MeanPooling(Pooling):
    """The mean of each window.

    Attributes
    ----------
    counts_padding : bool
        It divides by the size of the whole window, also where that sticks out.
    """

    counts_padding: bool = True

    def apply(self, x: Signal, *more: Signal) -> Signal:
        counts = self._entries_in_windows()
        return self._sums_over_windows().correlate(x) / counts.astype(
            object if x.dtype == object else x.dtype)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [self._sums_over_windows().correlate_adjoint(d / self._entries_in_windows())]

    def _sums_over_windows(self) -> Convolution:
        """The sums over windows as a convolution with one stencil of ones per channel."""
        channels = self.shape[0]
        return Convolution(np.ones((channels, 1, *self.window)), None, self.shape, self.stride,
                           self.padding, self.apart, groups=channels)

    def _entries_in_windows(self) -> np.ndarray:
        """How many entries each window's mean is divided by, shape (*output sizes)."""
        if self.counts_padding:
            return np.full(self.output_sizes, prod(self.window))
        return (self.places >= 0).sum(axis=1).reshape(self.output_sizes)

    @property
    def square(self) -> Fraction:
        places, least = self.places, int(self._entries_in_windows().min())
        rows = min(int((places >= 0).sum(axis=1).max()), prod(self.window))
        simple = Fraction(rows * self._most_windows(places), least**2)  # ‖K‖₁‖K‖_∞
        return simple if self.output_sizes == (1,) * len(self.window) else min(
            simple, self._sums_over_windows().square / least**2)

    @property
    def roundings(self) -> int:
        return prod(self.window) + int(self._entries_in_windows().max() > 0) + 4


@dataclass(frozen=True, eq=False)
class MaxPooling(Pooling):
    """The largest entry of each window."""

    @property
    def is_linear(self) -> bool:
        return False

    def apply(self, x: Signal, *more: Signal) -> Signal:
        places = self.places
        flat = x.reshape(len(x), self.shape[0], -1)
        if x.dtype == object:
            out = np.empty((*flat.shape[:2], len(places)), dtype=object)
            for b, c, i in np.ndindex(out.shape):
                out[b, c, i] = reduce(greater, (flat[b, c, j] for j in places[i] if j >= 0))
        else:
            out = np.full((*flat.shape[:2], len(places)), -np.inf, x.dtype)
            for tap in places.T:
                seen = np.where(tap >= 0, flat[..., tap], -np.inf)
                np.maximum(out, seen, out=out)
        return out.reshape(len(x), self.shape[0], *self.output_sizes)

    def derivative(self, directions: Sequence[Signal], at: Sequence[Signal]) -> Signal:
        return np.take_along_axis(_flat(directions[0]), self._winners(at[0]), axis=-1)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        winners = self._winners(at[0])
        return [spread(d.reshape(winners.shape), winners, _flat(at[0]).shape[-1])]

    def _winners(self, at: Signal) -> np.ndarray:
        """The place of the largest entry of every window, shape (batch, channels, windows)."""
        places, flat = self.places, _flat(at)
        seen = np.where(places >= 0, flat[..., places], -np.inf)
        return np.take_along_axis(np.broadcast_to(places, seen.shape),
                                  seen.argmax(-1)[..., None], axis=-1)[..., 0]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        u, inside = named(terms[0], "v"), prod(self.shape[1:])
        parts = [", ".join(u[int(channel * inside + place)].text for place in window if place >= 0)
                 for channel in range(self.shape[0]) for window in self.places]
        return u.log.term("[" + ", ".join(f"max({part})" for part in parts) + "]")

    @property
    def square(self) -> Fraction:
        """|max − max| is at most the largest difference in the window."""
        return Fraction(self._most_windows(self.places))


def _flat(x: Signal) -> Signal:
    return x.reshape(*x.shape[:2], -1)


def greater(a: Scalar, b: Scalar) -> Scalar:
    """The greater of two exact numbers, or what encloses it."""
    if isinstance(a, Interval) or isinstance(b, Interval):
        return -((-a if isinstance(a, Interval) else Interval(-a)).lesser(-b))
    return max(a, b)
