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
    Lines,
    Richardson,
    Smoother,
    Then,
    backward,
    forward,
    multicolour,
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
    if colours(smoother, weights.dimension):
        return _colour_symbol(smoother, weights)
    M = _ahead(smoother, weights)
    # S = N/M with the exact stencil N = M − L, so that nothing cancels in balls.
    pairs = list(zip(on_harmonics(M + -1 * weights), on_harmonics(M), strict=True))
    return lambda modes: diagonal([modes.value(n) / modes.value(m) for n, m in pairs])


def _ahead(smoother: SOR, weights: Stencil) -> Stencil:
    # M of a lexicographic order, of points or of lines.
    axis = smoother.order.axis % weights.dimension if isinstance(smoother.order, Lines) else None
    if axis is None and smoother.order not in (forward, backward):
        raise InvalidArgument(f"order: no Fourier symbol is known for {smoother.order!r}")
    ahead = (smoother.order is backward) != smoother.reverse
    taps = []
    for offset, weight in weights.taps:
        across = tuple(k for place, k in enumerate(offset) if place != axis)
        zero = (0,) * len(across)
        if across == zero:
            taps.append((offset, weight / fraction(smoother.omega)))
        elif (across > zero) == ahead:
            taps.append((offset, weight))
    return Stencil(tuple(taps))


def block(smoother: SOR, weights: Stencil) -> Stencil:
    """The part of the stencil inside of what is updated together: a point or a line."""
    axis = smoother.order.axis % weights.dimension if isinstance(smoother.order, Lines) else None
    return Stencil(tuple((offset, weight) for offset, weight in weights.taps
                         if not any(k for place, k in enumerate(offset) if place != axis)))


def colours(smoother: SOR, dimension: int) -> list[list[tuple[tuple[int, ...], int]]]:
    """The colours in their order, each as shifts by π along axes with signs: Q is their mean."""
    shifts: list[tuple[int, ...]]
    if smoother.order is multicolour:
        shifts = harmonics(dimension)
        signs = [[(-1) ** sum(a * p for a, p in zip(shift, parity, strict=True))
                  for shift in shifts] for parity in shifts]
    elif smoother.order is red_black or getattr(smoother.order, "zebra", False):
        axis = smoother.order.axis % dimension if isinstance(smoother.order, Lines) else None
        shifts = [(0,) * dimension, tuple(int(k != axis) for k in range(dimension))]
        signs = [[1, 1], [1, -1]]
    else:
        return []
    found = [list(zip(shifts, each, strict=True)) for each in signs]
    return found[::-1] if smoother.reverse else found


def check_colours(smoother: SOR, weights: Stencil) -> None:
    """Points of a colour must not be coupled, but inside of a block."""
    inside = {offset for offset, _ in block(smoother, weights).taps}
    shifts = [shift for shift, _ in colours(smoother, weights.dimension)[0]]
    for offset, _ in weights.taps:
        if offset not in inside and all(
                sum(a * k for a, k in zip(shift, offset, strict=True)) % 2 == 0
                for shift in shifts):
            raise InvalidArgument("weights: this order's analysis needs a stencil that couples "
                                  "points of different colours only, such as the 5-point one")


def projection(colour: list[tuple[tuple[int, ...], int]], dimension: int) -> acb_mat:
    """Q of a colour on the harmonics: 1 on its points, 0 on others."""
    places = harmonics(dimension)
    found = [[acb(0)] * len(places) for _ in places]
    for shift, sign in colour:
        for i, alpha in enumerate(places):
            beta = tuple(a ^ b for a, b in zip(alpha, shift, strict=True))
            found[i][places.index(beta)] += acb(sign) / len(colour)
    return acb_mat(found)


def _colour_symbol(smoother: SOR, weights: Stencil) -> Operator:
    # Relaxing one colour is I − ω Q D⁻¹L.
    check_colours(smoother, weights)
    inside, omega = on_harmonics(block(smoother, weights)), _number(smoother.omega)
    symbols = on_harmonics(weights)
    parts = [projection(colour, weights.dimension)
             for colour in colours(smoother, weights.dimension)]
    one = diagonal([acb(1)] * len(symbols))

    def operator(modes: Frequencies) -> acb_mat:
        scaled = diagonal([omega * modes.value(L) / modes.value(D)
                           for L, D in zip(symbols, inside, strict=True)])
        total = one
        for Q in parts:
            total = (one - Q * scaled) * total
        return total

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
