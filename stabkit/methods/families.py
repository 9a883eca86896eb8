"""One-step schemes with constant coefficients that depend on parameters, and where they are stable.

With the taps b_k(r) of u⁺ and a_k(r) of u the amplification factor is a quotient of two symbols,
and the scheme is stable in the Euclidean norm at r if and only if D(r, c) = |b|² − |a|² >= 0 for
all c = cos θ in [−1, 1].  D is a polynomial in c, so at a rational r its real roots decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, pairwise
from math import inf, lcm
from typing import Any

import numpy as np
from flint import Ordering, fmpq_poly, fmpz_mpoly_ctx

from stabkit.aliases import Rational
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.methods.intervals import at, positive_roots
from stabkit.methods.multistep import chebyshev
from stabkit.methods.runge_kutta import RungeKutta

Taps = Mapping[int, Any]
_DEGREE = 12  # of taps in the parameter
#: Parameters at which taps are compared with the polynomials through their values at the nodes.
_FAR = (Fraction(1, 97), Fraction(7, 3), Fraction(1001, 7), Fraction(10**6 + 1, 3))


@dataclass(frozen=True, eq=False)
class Region:
    """Where a family of two parameters is stable.

    Attributes
    ----------
    first, second : tuple of rational
    stable : ndarray of bool, shape (second, first)
    """

    first: tuple[Rational, ...]
    second: tuple[Rational, ...]
    stable: np.ndarray


@dataclass(frozen=True, eq=False)
class Family:
    """Steps Σ b_k(r) u⁺_{j+k} = Σ a_k(r) u_{j+k} with parameters r, such as Courant numbers.

    Parameters
    ----------
    right : callable
        The parameters, as fractions, to the taps a_k, a mapping from k.
    left : callable, optional
        The same for b_k; the step is explicit if left out.

    Examples
    --------
    >>> upwind = Family(lambda r: {0: 1 - r, -1: r})
    >>> upwind.intervals()
    [([0, 0], [1.0000000, 1.0000000])]
    """

    right: Callable[..., Taps]
    left: Callable[..., Taps] | None = None

    @classmethod
    def of(cls, method: RungeKutta, taps: Callable[..., Taps]) -> Family:
        """The step of a Runge–Kutta method for u̇ = A u, the taps being those of τA.

        For an explicit method; its steps are R(τA).
        """
        above, below = method.stability_function
        if below.degree() > 0:
            raise InvalidArgument(f"method: must be explicit, got {method}")

        def right(*parameters: Fraction) -> Taps:
            given, power = dict(taps(*parameters)), {0: Fraction(1)}
            total: dict[int, Any] = {}
            for coefficient in above.coeffs():
                for k, value in power.items():
                    total[k] = total.get(k, Fraction(0)) + from_fmpq(coefficient) * value
                power = _convolve(power, given)
            return total

        return cls(right)

    def is_stable(self, *parameters: Rational) -> bool:
        """Whether |g| <= 1 for all frequencies at these parameters, decided in fractions."""
        values = [fraction(value, "parameters") for value in parameters]
        below, above = (_square(taps) for taps in self._taps(values))
        return _is_nonnegative(below - above) and _is_nonnegative(below, strictly=True)

    def region(self, first: Sequence[Rational], second: Sequence[Rational]) -> Region:
        """Whether it is stable at every pair of two parameters, each decided in fractions."""
        return Region(tuple(first), tuple(second), np.array(
            [[self.is_stable(x, y) for x in first] for y in second]))

    def intervals(self) -> list[tuple[Interval, Interval]]:
        """The closed intervals of r >= 0 where a family of one parameter is stable, in order.

        Their ends are enclosures of algebraic numbers: between the r where a root of D in c
        appears, meets another or passes ±1, nothing changes.  Isolated points are left out.

        Raises
        ------
        InvalidArgument
            If the taps are not polynomials in r of degree <= 12.
        """
        critical = positive_roots(self._critical)
        ends = [Interval(0), *critical]
        found: list[tuple[Interval, Interval]] = []
        for here, after in zip(ends, [*critical, None], strict=True):
            r = here.upper + 1 if after is None else (here.upper + after.lower) / 2
            if not self.is_stable(r):
                continue
            end = Interval(inf) if after is None else after
            if found and found[-1][1] is here:
                found[-1] = found[-1][0], end
            else:
                found.append((here, end))
        return found

    def _taps(self, values: list[Fraction]) -> tuple[Taps, Taps]:
        left = {0: Fraction(1)} if self.left is None else self.left(*values)
        made = []
        for taps in (left, self.right(*values)):
            if not all(isinstance(k, (int, np.integer)) for k in taps):
                raise InvalidArgument(f"right, left: taps must stand at integers, got {list(taps)}")
            made.append({int(k): fraction(value, "taps") for k, value in taps.items()})
        return made[0], made[1]

    @cached_property
    def _critical(self) -> fmpq_poly:
        """A polynomial in r whose roots cut r > 0 into parts where nothing changes."""
        context = fmpz_mpoly_ctx.get(("r", "c"), Ordering.lex)
        product = fmpq_poly([1])
        for D in self._forms(context):
            factors = [factor for factor, _ in D.factor()[1]]
            curved = [f for f in factors if f.degrees()[1] > 0]
            cuts = [f for f in factors if f.degrees()[1] == 0]
            for f in curved:
                degree = f.degrees()[1]
                leading = {m: n for m, n in f.to_dict().items() if m[1] == degree}
                cuts += [context.from_dict({(m, 0): n for (m, _), n in leading.items()}),
                         f.subs({"c": 1}), f.subs({"c": -1})]
                cuts += [f.discriminant("c")] if degree > 1 else []
            cuts += [f.resultant(g, "c") for f, g in combinations(curved, 2)]
            for cut in cuts:
                if not cut.is_zero():
                    product *= _in_r(cut)
        return product // product.gcd(product.derivative()) if product.degree() > 0 else product

    def _forms(self, context: Any) -> list[Any]:
        """|b|² − |a|² and |b|² as polynomials in r and c, over the integers."""
        nodes = [Fraction(n) for n in range(1, 2 * _DEGREE + 4)]
        values = [[_square(taps) for taps in self._taps([r])] for r in nodes]
        forms = []
        far = [[_square(taps) for taps in self._taps([r])] for r in _FAR]
        for pick in (lambda pair: pair[0] - pair[1], lambda pair: pair[0]):
            squares, others = [[pick(pair) for pair in pairs] for pairs in (values, far)]
            width = max(p.degree() for p in (*squares, *others)) + 1
            terms: dict[tuple[int, int], Fraction] = {}
            for k in range(width):
                p = _interpolate(nodes, [from_fmpq(q[k]) for q in squares])
                if p.degree() > 2 * _DEGREE or any(
                        at(p, r) != from_fmpq(q[k]) for r, q in zip(_FAR, others, strict=True)):
                    raise InvalidArgument("right, left: the taps must be polynomials in the "
                                          f"parameter of degree <= {_DEGREE}")
                terms |= {(m, k): from_fmpq(x) for m, x in enumerate(p.coeffs()) if x}
            over = lcm(*(x.denominator for x in terms.values()), 1)
            forms.append(context.from_dict({m: int(x * over) for m, x in terms.items()}))
        return [form for form in forms if not form.is_zero()]


def _in_r(cut: Any) -> fmpq_poly:
    coefficients = [0] * (cut.degrees()[0] + 1)
    for (m, _), n in cut.to_dict().items():
        coefficients[m] = int(n)
    return fmpq_poly(coefficients)


def _interpolate(nodes: list[Fraction], values: list[Fraction]) -> fmpq_poly:
    """Newton's polynomial through points."""
    table, total, base = list(values), fmpq_poly([0]), fmpq_poly([1])
    for level in range(len(nodes)):
        total += to_fmpq(table[0]) * base
        base *= fmpq_poly([to_fmpq(-nodes[level]), 1])
        table = [(b - a) / (nodes[i + level + 1] - nodes[i])
                 for i, (a, b) in enumerate(pairwise(table))]
    return total


def _convolve(a: Taps, b: Taps) -> dict[int, Any]:
    made: dict[int, Any] = {}
    for j, x in a.items():
        for k, y in b.items():
            made[j + k] = made.get(j + k, Fraction(0)) + x * y
    return made


def _square(taps: Taps) -> fmpq_poly:
    """|Σ a_k exp(ikθ)|² as a polynomial in cos θ."""
    total = fmpq_poly([0])
    for j, x in taps.items():
        for k, y in taps.items():
            total += to_fmpq(x * y) * chebyshev(abs(j - k))
    return total


def _is_nonnegative(p: fmpq_poly, *, strictly: bool = False) -> bool:
    """Whether p >= 0 on [−1, 1], or > 0, by its real roots."""
    moved = p(fmpq_poly([-1, 1]))  # on [0, 2]
    if moved.degree() < 0:
        return not strictly
    ends = [Fraction(0), Fraction(2)]
    inner = [root for root in positive_roots(moved) if root.lower < 2] if moved.degree() else []
    if strictly and (inner or at(moved, ends[0]) == 0):
        return False
    cells = [ends[0], *(x for root in inner for x in (root.lower, root.upper)), ends[1]]
    points = [(a + b) / 2 for a, b in zip(cells[::2], cells[1::2], strict=True) if a < b]
    return all(at(moved, x) >= 0 for x in (*points, *ends))
