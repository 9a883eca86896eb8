"""Runge–Kutta methods as tables of rationals, and what follows from their stability functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from flint import fmpq_poly

from stabkit.aliases import Matrix, Number, Rational, Signal
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import Constant, fractions, solve, to_flint
from stabkit.arithmetic.transcript import named
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.methods.intervals import first_exit, on_imaginary_axis
from stabkit.operators import Operator
from stabkit.schemes import DiffusionScheme
from stabkit.spectra import extreme_eigenvalues
from stabkit.spectra.matrices import enclose
from stabkit.spectra.symmetric import norm_within

_BISECTIONS = 60
_LARGEST_SSP = 2**10


@dataclass(frozen=True, eq=False)
class RungeKutta:
    """A Runge–Kutta method: k_i = f(u + τ Σ a_ij k_j), u⁺ = u + τ Σ b_i k_i.

    ``method(K, flux, tau)`` is its step for u̇ = −KᵀΦ(K u), if it is explicit.

    Parameters
    ----------
    name : str
    A : array_like of rational, shape (s, s)
        Rows may end at their last entry that is not 0.
    b : sequence of rational, length s
    """

    name: str
    A: Any
    b: Any

    def __post_init__(self) -> None:
        b = fractions(list(self.b), "b")
        rows = [list(row) for row in self.A]
        if b.ndim != 1 or len(rows) != b.size or any(len(row) > b.size for row in rows):
            raise InvalidArgument(f"A, b: need a square table and as many weights, got rows of "
                                  f"{[len(row) for row in rows]} and {b.size} weights")
        padded = [row + [0] * (b.size - len(row)) for row in rows]
        object.__setattr__(self, "A", fractions(padded, "A"))
        object.__setattr__(self, "b", b)

    def __repr__(self) -> str:
        return self.name

    @property
    def stages(self) -> int:
        """How many evaluations a step takes."""
        return self.b.size

    @property
    def is_explicit(self) -> bool:
        """Whether no stage needs itself or a later one."""
        return not np.triu(self.A).any()

    def __call__(self, K: Operator, flux: Flux, tau: Number) -> RungeKuttaStep:
        return RungeKuttaStep(K, flux, tau, self)

    # -- for u′ = λ u, z = τλ ----------------------------------------------------------------------
    @cached_property
    def stability_function(self) -> tuple[fmpq_poly, fmpq_poly]:
        """Numerator and denominator of R(z) = det(I − zA + z e bᵀ)/det(I − zA)."""
        e = np.ones((self.stages, 1), dtype=int)
        return _reversed_charpoly(self.A - e @ self.b[None, :]), _reversed_charpoly(self.A)

    @cached_property
    def internal_functions(self) -> list[tuple[fmpq_poly, fmpq_poly]]:
        """How much an error made in stage j is multiplied in u⁺: z bᵀ(I − zA)⁻¹e_j as a quotient.

        For an explicit method these are polynomials (Verwer, Hundsdorfer and Sommeijer 1990).
        """
        made, (_, below) = [], self.stability_function
        for j in range(self.stages):
            unit = np.zeros((self.stages, 1), dtype=int)
            unit[j] = 1
            above = _reversed_charpoly(self.A - unit @ self.b[None, :]) - below
            made.append((above, below))
        return made

    @cached_property
    def real_interval(self) -> Interval:
        """The largest r with |R(z)| <= 1 for all real z in [−r, 0], enclosed; it may be infinite.

        Examples
        --------
        >>> from stabkit import methods
        >>> methods.rk4.real_interval
        [2.7852936, 2.7852936]
        """
        above, below = (_mirror(p) for p in self.stability_function)
        return first_exit(above**2 - below**2)

    @cached_property
    def imaginary_interval(self) -> Interval:
        """The largest r with |R(iy)| <= 1 for |y| <= r, enclosed; √8 for the classical method."""
        above, below = map(on_imaginary_axis, self.stability_function)
        square = first_exit(above - below)
        return square.sqrt() if square.is_finite else square

    def largest_step(self, J: Matrix) -> Interval:
        """The largest τ for which no mode of u̇ = J u grows, for a symmetric or skew J, enclosed.

        Parameters
        ----------
        J : array_like, sparse matrix or operator
            Symmetric with eigenvalues <= 0, or skew.

        Raises
        ------
        HypothesisNotMet
            For any other J.
        """
        given = enclose(J)
        if given.symmetric:
            low, high = extreme_eigenvalues(J)
            if high.lo > 0:
                raise HypothesisNotMet(f"J: has a positive eigenvalue {high}; a mode grows in time")
            return self.real_interval / (-low).max(0)
        if given.radius is not None or (given.floats + given.floats.T).count_nonzero():
            raise HypothesisNotMet("J: must be symmetric or skew, as floats or short fractions")
        return self.imaginary_interval / norm_within(given.floats)

    def amplification(self, z: Any) -> Any:
        """|R(z)| in floats, entry by entry."""
        above, below = ([float(Fraction(int(c.p), int(c.q))) for c in reversed(p.coeffs())]
                        for p in self.stability_function)
        return np.abs(np.polyval(above, z) / np.polyval(below, z))

    @cached_property
    def order(self) -> int:
        """The largest p up to 4 for which all conditions of order p hold."""
        A, b, e = self.A, self.b, np.ones(self.stages, dtype=int)
        c = A @ e
        conditions = {1: [(b @ e, 1)], 2: [(b @ c, 2)], 3: [(b @ c**2, 3), (b @ A @ c, 6)],
                      4: [(b @ c**3, 4), ((b * c) @ A @ c, 8), (b @ A @ c**2, 12),
                          (b @ A @ A @ c, 24)]}
        order = 0
        for p, equations in conditions.items():
            if any(value != Fraction(1, n) for value, n in equations):
                break
            order = p
        return order

    @cached_property
    def ssp_coefficient(self) -> Interval:
        """The largest r: up to r times its step, the method preserves what Euler's step preserves.

        K = (A 0; bᵀ 0) is absolutely monotonic at r: K(I + rK)⁻¹ >= 0 and rK(I + rK)⁻¹e <= e,
        decided in fractions (Kraaijevanger 1991).
        """
        if not self._keeps_small_steps():
            return Interval(0)
        low = high = Fraction(1)
        while not self._keeps(low):
            low, high = low / 2, low
        while self._keeps(high):
            low, high = high, 2 * high
            if high > _LARGEST_SSP:
                return Interval(low, inf)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._keeps(middle) else (low, middle)
        simple = Fraction((low + high) / 2).limit_denominator(100)
        if low < simple < high and self._keeps(simple):
            low = simple
        return Interval(low, high)

    @cached_property
    def _whole(self) -> np.ndarray:
        s = self.stages
        K = np.full((s + 1, s + 1), Fraction(0), dtype=object)
        K[:s, :s], K[s, :s] = self.A, self.b
        return K

    def _keeps_small_steps(self) -> bool:
        """Whether it does for some r > 0: then the first terms of K − rK² + r²K³ − … decide.

        An entry whose terms vanish up to the size of K vanishes (Cayley and Hamilton).
        """
        term = K = self._whole
        leading = 0 * K
        for _ in K:
            leading = np.where(leading == 0, term, leading)
            term = -term @ K
        return bool((leading >= 0).all())

    def _keeps(self, r: Fraction) -> bool:
        K = self._whole
        one = np.eye(len(K), dtype=int)
        try:
            inner = K @ solve(one + r * K, one)
        except (ZeroDivisionError, InvalidArgument):
            return False
        return bool((inner >= 0).all() and (r * inner.sum(axis=1) <= 1).all())


def _reversed_charpoly(M: np.ndarray) -> fmpq_poly:
    """det(I − zM)."""
    return fmpq_poly(list(reversed(to_flint(M).charpoly().coeffs())))


def _mirror(p: fmpq_poly) -> fmpq_poly:
    """p(−x)."""
    return fmpq_poly([-c if k % 2 else c for k, c in enumerate(p.coeffs())])


@dataclass(frozen=True, eq=False)
class RungeKuttaStep(DiffusionScheme):
    """A step of an explicit Runge–Kutta method for u̇ = −KᵀΦ(K u)."""

    method: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.method, RungeKutta):
            raise InvalidArgument(f"method: must be a RungeKutta, got {self.method!r:.60}")
        if not self.method.is_explicit:
            raise HypothesisNotMet(f"method: {self.method} is implicit; its steps are not written "
                                   "down, its stability function is")

    @property
    def inner_steps(self) -> int:
        return self.method.stages

    def step(self, u: Signal) -> Signal:
        fields: list[Signal] = []
        for row in self.method.A:
            fields.append(named(self._gradient(self._move(u, row, fields)), "k"))
        return named(self._move(u, self.method.b, fields), "v")

    def _move(self, u: Signal, weights: Sequence[Fraction], fields: list[Signal]) -> Signal:
        tau: Rational = self.tau
        for weight, field in zip(weights, fields, strict=False):
            if weight:
                u = u - Constant(weight * Fraction(tau)) * field
        return u
