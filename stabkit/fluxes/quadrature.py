"""Integrals of expressions with proven error bounds, by Arb's adaptive quadrature; or in floats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import inf

import numpy as np
from flint import acb, arb, ctx

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import Interval, as_interval
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.errors import Undecided
from stabkit.fluxes.expression import Expression

_TRIES = 16
_EVALUATIONS = 1000


class _Complex:
    """A complex ball in an expression; the result is not finite where it is not analytic."""

    def __init__(self, value: Scalar, analytic: bool):
        self.value, self.analytic = value, analytic

    def _with(self, value: Scalar) -> _Complex:
        return _Complex(value, self.analytic)

    def __add__(self, other):
        return self._with(self.value + _ball(other))

    def __sub__(self, other):
        return self._with(self.value - _ball(other))

    def __rsub__(self, other):
        return self._with(_ball(other) - self.value)

    def __mul__(self, other):
        return self._with(self.value * _ball(other))

    def __truediv__(self, other):
        return self._with(self.value / _ball(other))

    def __rtruediv__(self, other):
        return self._with(_ball(other) / self.value)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return self._with(-self.value)

    def __pow__(self, exponent):
        return self._with(self.value**exponent)

    def __abs__(self):
        return self._with(self.value.real_abs(self.analytic))

    def __lt__(self, other):
        raise Undecided("a comparison of complex numbers")

    __le__ = __gt__ = __ge__ = __lt__

    def max(self, other):
        return self._with(self.value.real_max(_ball(other), self.analytic))

    def min(self, other):
        return self._with(self.value.real_min(_ball(other), self.analytic))

    def sign(self):
        return self._with(self.value.real_sgn(self.analytic))

    def floor(self):
        return self._with(self.value.real_floor(self.analytic))

    def sqrt(self):
        return self._with(self.value.sqrt(analytic=self.analytic))

    def log(self):
        return self._with(self.value.log(analytic=self.analytic))

    def arctan(self):  # (log(1 + i x) − log(1 − i x))/(2i), analytic off the cuts of the logarithms
        turned = acb(0, 1) * self.value
        logs = (1 + turned).log(analytic=self.analytic) - (1 - turned).log(analytic=self.analytic)
        return self._with(logs / acb(0, 2))

    def decay(self, k):
        return self._with(self.value**k * (-self.value).exp())

    def pi(self):
        return acb(arb.pi())


def _entire(name: str) -> Scalar:
    return lambda self: self._with(getattr(self.value, name)())


for _name in ("exp", "tanh", "sin", "cos", "erf"):
    setattr(_Complex, _name, _entire(_name))


def _ball(value: Scalar) -> acb:
    if isinstance(value, _Complex):
        return value.value
    if isinstance(value, Interval):
        return acb(value.lo.union(value.hi))
    if isinstance(value, Fraction):
        return acb(arb(to_fmpq(value)))
    return acb(value)


def integral_from_zero(pieces: Sequence[tuple[Expression, list]], breakpoints: Sequence[Fraction],
                       end: Fraction) -> Interval:
    """∫₀ of a function that is given piece by piece, each with its cells of the real line."""
    total = Interval(0)
    low, high = sorted((Fraction(0), end))
    points = sorted({low, high, *(p for p in breakpoints if low < p < high)})
    for a, b in pairwise(points):
        piece = next(expression for expression, cells in pieces
                     if any(p <= a and b <= q for p, q in cells))
        total = total + integral(piece, a, b)
    return total if end > 0 else -total


def integral(expression: Expression, low: Scalar, high: Scalar) -> Interval:
    """The integral over [low, high], both finite; wide where the expression is hard to enclose.

    A cell that Arb cannot integrate is halved, so a singular point costs one integral for each
    halving; the cell that is left in the end is enclosed by its size.
    """
    total, todo = Interval(0), [(Fraction(low), Fraction(high))]
    for _ in range(_TRIES):
        if not todo:
            return total
        a, b = todo.pop()
        part = _by_arb(expression, a, b)
        if part is None:
            middle = (a + b) / 2
            todo += [(a, middle), (middle, b)]
        else:
            total = total + part
    return sum((_by_size(expression, a, b) for a, b in todo), total)


def _by_arb(expression: Expression, low: Fraction, high: Fraction) -> Interval | None:
    if low == high:
        return Interval(0)
    try:
        found = acb.integral(
            lambda z, analytic: _ball(expression.at(_Complex(z, bool(analytic)))),
            _ball(low), _ball(high), eval_limit=_EVALUATIONS)
    except (Undecided, ArithmeticError, ValueError):
        return None
    if not found.is_finite() or found.real.rad() > arb(2) ** (-ctx.prec // 2):
        return None
    return Interval(found.real.lower(), found.real.upper())


def _by_size(expression: Expression, low: Fraction, high: Fraction) -> Interval:
    try:
        image = expression.at(Interval(low, high))
    except (Undecided, ArithmeticError):
        image = Interval(-inf, inf)
    return as_interval(image) * (high - low)


def float_integral(activation: Callable[[np.ndarray], np.ndarray], edges: Sequence[Fraction],
                   x: np.ndarray) -> np.ndarray:
    """∫₀ˣ Φ in floats, of every entry, by Gauss's rule on panels that halve towards 0.

    Parameters
    ----------
    activation : callable
    edges : sequence of Fraction
        Where its formula changes.
    x : ndarray
    """
    nodes, weights = _graded_rule()
    ends = [-inf, *sorted({0.0, *map(float, edges)}), inf]
    flat = np.asarray(x, dtype=float).ravel()
    out = np.zeros_like(flat)
    for start in range(0, flat.size, _TOGETHER):
        here = slice(start, start + _TOGETHER)
        for a, b in pairwise(ends):
            low, high = (np.clip(end, a, b) for end in (0.0, flat[here]))
            if not (high == low).all():
                s = low + (high - low)[:, None] * nodes
                out[here] += (high - low) * (activation(s) @ weights)
    return out.reshape(np.shape(x))


@cache
def _graded_rule() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1]: panels [1/2, 1], [1/4, 1/2], ... and what is left."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    ends = np.array([0.0, *2.0 ** np.arange(-_PANELS, 1)])
    sizes = np.diff(ends)
    return ((ends[:-1, None] + sizes[:, None] * (nodes + 1) / 2).ravel(),
            (sizes[:, None] * weights / 2).ravel())


_PANELS = 40
_TOGETHER = 2048  # entries
