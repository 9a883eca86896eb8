"""Shift-invariant Haar wavelet shrinkage on the finest scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stabkit.aliases import Number, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import named
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import MIRRORED, PERIODIC, Boundary, Operator, convolution
from stabkit.schemes import twins
from stabkit.schemes.scheme import Scheme, as_count, as_part, as_step

QUARTER = Constant(1, 4)


@dataclass(frozen=True, eq=False)
class HaarShrinkage(Scheme):
    """One step of shift-invariant Haar shrinkage on the finest scale (alt2020, eq. (10)).

    uᵢ = (fᵢ₋₁ + 2fᵢ + fᵢ₊₁)/4 + [S((fᵢ − fᵢ₊₁)/√2) − S((fᵢ₋₁ − fᵢ)/√2)]/(2√2), written with the
    half differences d = (fᵢ − fᵢ₊₁)/2, for which S(√2 d)/√2 stays rational.

    Parameters
    ----------
    flux : Flux
        Its shrinkage face is used.
    length : int
        Number of samples.
    boundary : Boundary
        ``PERIODIC`` or ``MIRRORED``.
    tau, h : rational
        Step and grid size that translate between g and S.
    """

    flux: Flux
    length: int
    boundary: Boundary = MIRRORED
    tau: Number = QUARTER
    h: Number = 1

    def __post_init__(self) -> None:
        as_part(self.flux, Flux, "flux")
        object.__setattr__(self, "length", as_count(self.length, "length"))
        if self.boundary is not PERIODIC and self.boundary is not MIRRORED:
            raise InvalidArgument(f"boundary: must be PERIODIC or MIRRORED, got {self.boundary!r}")
        object.__setattr__(self, "tau", as_step(self.tau, "tau"))
        object.__setattr__(self, "h", as_step(self.h, "h"))

    @cached_property
    def _means(self) -> Operator:
        return self._quarter([1, 2, 1], "A")

    @cached_property
    def _right(self) -> Operator:
        return self._quarter([0, 2, -2], "R")

    @cached_property
    def _left(self) -> Operator:
        return self._quarter([2, -2, 0], "Q")

    def _quarter(self, taps: list[int], label: str) -> Operator:
        made = convolution([Constant(tap, 4) for tap in taps], self.length, self.boundary)
        made.label = label
        return made

    @property
    def size(self) -> int:
        return self.length

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (self._means, self._right, self._left)

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return (self.flux,)

    @property
    def is_linear(self) -> bool:
        return self.flux.facts.linear

    def step(self, u: Signal) -> Signal:
        return self.advance(u, 1)

    def advance(self, u: Signal, steps: int) -> Signal:
        """`steps` steps in a row."""
        twin = twins.shrinkage(self.flux, self.tau, self.h, self.boundary is PERIODIC, u, steps)
        if twin is not None:
            return twin

        def shrink(d: Any) -> Signal:
            return self.flux.half_difference_shrinkage(d, self.tau, self.h)

        half = Constant(1, 2)
        for _ in range(steps):
            right, left = shrink(self._right @ u), shrink(self._left @ u)
            u = named(self._means @ u + half * right - half * left, "v")
        return u


def cycle_spun_haar(f: Signal, shrink: Any) -> Signal:
    """The same filter from the wavelet side, for a periodic signal of even length.

    Orthonormal Haar analysis of the two shifts, shrinkage of the details, synthesis, mean.

    Parameters
    ----------
    f : array, shape (N,)
        N even; of any library.
    shrink : callable
        S on orthonormal Haar coefficients.
    """
    root = float(np.sqrt(2))

    def shrink_pairs(g: Any) -> Signal:
        low, high = (g[0::2] + g[1::2]) / root, (g[0::2] - g[1::2]) / root
        high = shrink(high)
        pairs = xp.stack([(low + high) / root, (low - high) / root], axis=-1)
        return xp.reshape(pairs, (-1,))

    xp = namespace(f)
    f = xp.asarray(f)
    if f.ndim != 1 or f.shape[0] % 2:
        raise InvalidArgument(f"f: must be one signal of even length, got shape {f.shape}")
    return (shrink_pairs(f) + xp.roll(shrink_pairs(xp.roll(f, -1)), 1)) / 2
