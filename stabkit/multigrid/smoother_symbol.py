"""Fourier symbols of smoothers, on the harmonics of a frequency."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import singledispatch

from flint import acb, acb_mat

from stabkit.aliases import Array
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.multigrid.smoother import (
    SOR,
    Chebyshev,
    Jacobi,
    Richardson,
    Smoother,
    Then,
    backward,
    forward,
    red_black,
)
from stabkit.multigrid.stencil import Stencil
from stabkit.multigrid.symbol import Frequencies, Symbol, harmonics, modulation

Operator = Callable[[Frequencies], acb_mat]


@singledispatch
def symbol(smoother: Smoother, weights: Stencil) -> Operator:
    """The error operator of a sweep on the 2^d harmonics, as a matrix by frequencies."""
    raise InvalidArgument(f"smoother: no Fourier symbol is known for {smoother!r}")


def on_harmonics(weights: Stencil) -> list[Symbol]:
    return [Symbol(modulation(weights, alpha)) for alpha in harmonics(weights.dimension)]


def _number(value: Array) -> acb:
    exact = fraction(value)
    return acb(to_fmpq(exact))


def diagonal(values: list[acb]) -> acb_mat:
    return acb_mat([[value if i == j else acb(0) for j in range(len(values))]
                    for i, value in enumerate(values)])


@symbol.register
def _(smoother: Richardson, weights):
    # I − τL, as a stencil of its own: so that 1 and the centre of L are added exactly.
    return _polynomial_smoother(fraction(smoother.step) * weights)


@symbol.register
def _(smoother: Jacobi, weights):
    return _polynomial_smoother((fraction(smoother.omega) / weights.centre) * weights)


def _polynomial_smoother(weights: Stencil) -> Operator:
    rest = Stencil((((0,) * weights.dimension, Fraction(1)),)) + -1 * weights
    symbols = on_harmonics(rest)
    return lambda modes: diagonal([modes.value(S) for S in symbols])


@symbol.register
def _(smoother: SOR, weights):
    if smoother.order is red_black:
        return _red_black(smoother, weights)
    if smoother.order not in (forward, backward):
        raise InvalidArgument(f"order: no Fourier symbol is known for {smoother.order!r}")
    zero = (0,) * weights.dimension
    ahead = (smoother.order is backward) != smoother.reverse
    lower = tuple((offset, weight) for offset, weight in weights.taps
                  if (offset > zero if ahead else offset < zero))
    M = Stencil((*lower, (zero, weights.centre / fraction(smoother.omega))))
    # S = N/M with the exact stencil N = M − L, so that nothing cancels in balls.
    pairs = list(zip(on_harmonics(M + -1 * weights), on_harmonics(M), strict=True))
    return lambda modes: diagonal([modes.value(n) / modes.value(m) for n, m in pairs])


def _red_black(smoother: SOR, weights: Stencil) -> Operator:
    # Relaxing one colour is I − ω Q D⁻¹L with Q = (1 ± shift by (π, …, π)) / 2.
    if any(sum(offset) % 2 == 0 and any(offset) for offset, _ in weights.taps):
        raise InvalidArgument("weights: red-black analysis needs a stencil that couples points "
                              "of different colours only, such as the 5-point one")
    symbols = on_harmonics((fraction(smoother.omega) / weights.centre) * weights)
    n, first = len(symbols), -1 if smoother.reverse else 1

    def relaxation(values: list[acb], sign: int) -> acb_mat:
        rows = [[acb(0)] * n for _ in range(n)]
        for i in range(n):
            # The opposite harmonic of α is 1 − α, the mirror place in the list.
            rows[i][i] = 1 - values[i] / 2
            rows[i][n - 1 - i] = -sign * values[n - 1 - i] / 2
        return acb_mat(rows)

    def operator(modes: Frequencies) -> acb_mat:
        values = [modes.value(L) for L in symbols]
        return relaxation(values, -first) * relaxation(values, first)

    return operator


@symbol.register
def _(smoother: Then, weights):
    first, second = symbol(smoother.first, weights), symbol(smoother.second, weights)
    return lambda modes: second(modes) * first(modes)


@symbol.register
def _(smoother: Chebyshev, weights):
    scaled = (1 / weights.centre) * weights
    top = fraction(smoother.bound) if smoother.bound is not None else sum(
        abs(weight) for _, weight in scaled.taps)
    bottom = fraction(smoother.fraction) * top
    centre, radius = _number((top + bottom) / 2), _number((top - bottom) / 2)
    symbols = on_harmonics(scaled)

    def operator(modes: Frequencies) -> acb_mat:
        # T_k((centre − L)/radius) / T_k(centre/radius).
        return diagonal([_chebyshev(smoother.degree, (centre - modes.value(L)) / radius)
                          / _chebyshev(smoother.degree, centre / radius) for L in symbols])

    return operator


def _chebyshev(degree: int, x: acb) -> acb:
    before, now = acb(1), x
    for _ in range(1, degree):
        before, now = now, 2 * x * now - before
    return now
