"""Schemes with constant coefficients that depend on parameters, and where they are stable.

With taps b_k(r) of u⁺, a_k(r) of u and o_k(r) of u⁻, the factors ζ of a frequency θ are the roots
of a polynomial whose coefficients are symbols.  Powers are bounded in the Euclidean norm if and
only if for all c = cos θ in [−1, 1] every |ζ| <= 1, and < 1 for double ones.  That is decided by
signs of polynomials in c (:mod:`stabkit.methods.amplification`), at a rational r by their roots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from inspect import signature
from itertools import combinations, pairwise
from math import inf, lcm
from typing import Any

import numpy as np
from flint import Ordering, fmpq_poly, fmpz_mpoly_ctx

from stabkit.aliases import Rational
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument, Undecided
from stabkit.methods.amplification import Taps, add, conditions, convolve, hold
from stabkit.methods.intervals import at, positive_roots
from stabkit.methods.multistep import Multistep
from stabkit.methods.runge_kutta import RungeKutta

_FREQUENCIES = 401
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
    names : (str, str)
        Of the parameters.
    """

    first: tuple[Rational, ...]
    second: tuple[Rational, ...]
    stable: np.ndarray
    names: tuple[str, str] = ("first parameter", "second parameter")


@dataclass(frozen=True, eq=False)
class Family:
    """Steps Σ b_k u⁺_{j+k} = Σ a_k u_{j+k} + Σ o_k u⁻_{j+k} with parameters, as Courant numbers.

    Parameters
    ----------
    right : callable
        The parameters, as fractions, to the taps a_k, a mapping from k.
    left : callable, optional
        The same for b_k; the step is explicit if left out.
    older : callable, optional
        The same for o_k; the scheme has one step if left out.
    second_order : bool
        Of an equation ü = A u, whose solutions may grow linearly: double factors may lie on the
        circle (Strikwerda 2004, theorem 8.2.1).

    Examples
    --------
    >>> upwind = Family(lambda r: {0: 1 - r, -1: r})
    >>> upwind.intervals()
    [([0, 0], [1.0000000, 1.0000000])]
    >>> leapfrog = Family(lambda r: {-1: r, 1: -r}, older=lambda r: {0: 1})
    >>> leapfrog.intervals(), leapfrog.is_stable(1)
    ([([0, 0], [1.0000000, 1.0000000])], False)
    """

    right: Callable[..., Taps]
    left: Callable[..., Taps] | None = None
    older: Callable[..., Taps] | None = None
    second_order: bool = False

    @classmethod
    def of(cls, method: RungeKutta | Multistep, taps: Callable[..., Taps]) -> Family:
        """The steps of a method for u̇ = A u, the taps being those of τA.

        For an explicit Runge–Kutta method, whose steps are R(τA), or one with one or two steps.
        """
        if isinstance(method, Multistep):
            return cls._of_multistep(method, taps)
        above, below = method.stability_function
        if below.degree() > 0:
            raise InvalidArgument(f"method: must be explicit, got {method}")

        def right(*parameters: Fraction) -> Taps:
            given, power = dict(taps(*parameters)), {0: Fraction(1)}
            total: dict[int, Any] = {}
            for coefficient in above.coeffs():
                for k, value in power.items():
                    total[k] = total.get(k, Fraction(0)) + from_fmpq(coefficient) * value
                power = convolve(power, given)
            return total

        return cls(right)

    @classmethod
    def _of_multistep(cls, method: Multistep, taps: Callable[..., Taps]) -> Family:
        steps = method.alpha.size - 1
        if steps > 2:
            raise InvalidArgument(f"method: must have one or two steps, {method} has {steps}")

        def level(j: int, sign: int) -> Callable[..., Taps]:
            return lambda *parameters: add({0: sign * method.alpha[j]}, taps(*parameters),
                                           -sign * method.beta[j])

        return cls(level(steps - 1, -1), level(steps, 1), level(0, -1) if steps == 2 else None)

    def is_stable(self, *parameters: Rational) -> bool:
        """Whether no frequency grows at these parameters, decided in fractions.

        Raises
        ------
        Undecided
            If two factors of a frequency are too close to be told apart.
        """
        values = [fraction(value, "parameters") for value in parameters]
        return hold(conditions(self._taps(values)), double=self.second_order)

    def region(self, first: Sequence[Rational], second: Sequence[Rational]) -> Region:
        """Whether it is stable at every pair of two parameters, each decided in fractions."""
        stable = np.array([[self.is_stable(x, y) for x in first] for y in second])
        names = tuple(signature(self.right).parameters)
        return Region(tuple(first), tuple(second), stable,
                      (names[0], names[1]) if len(names) == 2 else Region.names)

    def amplification(self, *parameters: Rational) -> float:
        """The largest |ζ| over 401 frequencies, in floats."""
        turns = np.exp(1j * np.linspace(0, np.pi, _FREQUENCIES))
        p = [sum((float(x) * turns**k for k, x in taps.items()), 0 * turns) for taps in
             self._taps([fraction(value, "parameters") for value in parameters])]
        with np.errstate(divide="ignore", invalid="ignore"):
            if len(p) == 2:
                return float(np.abs(p[1] / p[0]).max())
            root = np.sqrt(p[1] ** 2 - 4 * p[0] * p[2])
            return float(max(np.abs((-p[1] + sign * root) / (2 * p[0])).max() for sign in (1, -1)))

    def intervals(self) -> list[tuple[Interval, Interval]]:
        """The intervals of r >= 0 where a family of one parameter is stable, in order.

        Their ends are enclosures of algebraic numbers: between the r where a root in c of one of
        the polynomials appears, meets another or passes ±1, nothing changes.  Isolated points are
        left to `isolated_points`; an end need not be stable itself, which `is_stable` says.  Two
        intervals that meet are apart for such a point, or one that cannot be told from it.

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
            if found and found[-1][1] is here and self._holds_across(here):
                found[-1] = found[-1][0], end
            else:
                found.append((here, end))
        return found

    def isolated_points(self) -> list[Fraction]:
        """The rational r >= 0 where it is stable, though not beside them.

        Examples
        --------
        >>> Family(lambda C: {-1: C / 2, 0: 1, 1: -C / 2}).isolated_points()  # Euler and centred
        [Fraction(0, 1)]
        """
        found = self.intervals()
        return [r for r in sorted({Fraction(0), *self._rational}) if r >= 0 and self.is_stable(r)
                and not any(low.lower <= r and not high.hi < to_fmpq(r) for low, high in found)]

    def _taps(self, values: list[Fraction]) -> list[Taps]:
        """The taps of the polynomial in ζ, from its leading coefficient on."""
        left = {0: Fraction(1)} if self.left is None else self.left(*values)
        levels = [left, self.right(*values)]
        levels += [] if self.older is None else [self.older(*values)]
        made: list[Taps] = []
        for sign, taps in zip((1, -1, -1), levels, strict=False):
            if not isinstance(taps, Mapping):
                raise InvalidArgument(f"right, left, older: must give a mapping, got {taps!r:.60}")
            if not all(isinstance(k, (int, np.integer)) for k in taps):
                raise InvalidArgument("right, left, older: taps must stand at integers, got "
                                      f"{list(taps)}")
            made.append({int(k): sign * fraction(value, "taps") for k, value in taps.items()})
        return made

    @cached_property
    def _critical(self) -> fmpq_poly:
        """A polynomial in r whose roots cut r > 0 into parts where nothing changes."""
        return _squarefree([*self._cuts[0], *self._cuts[1]])

    @cached_property
    def _cuts(self) -> tuple[list[fmpq_poly], list[fmpq_poly]]:
        """Its factors: the first where |p₂|² or 4|p₂|² − |p₁|² may vanish for once, and others.

        At roots of the others alone, a scheme that is stable on either side is so by continuity.
        """
        newest, D, *more = (_factors(form) for form in self._forms(
            fmpz_mpoly_ctx.get(("r", "c"), Ordering.lex)))
        strict, others = _cuts_of(*newest), _cuts_of(*D)
        if more:
            E, apart = more
            others += _cuts_of(*E)
            strict += _cuts_of(*apart) + D[0] + [f.resultant(g, "c") for f in D[1]
                                                 for g in apart[1]]
        return _in_r(strict), _in_r(others)

    def _holds_across(self, here: Interval) -> bool:
        """Whether it is stable at a critical r, where it is so on either side."""
        for r in self._rational:
            if here.lower <= r <= here.upper:
                try:
                    return self.is_stable(r)
                except Undecided:
                    return False
        return not any(root.lower <= here.upper and here.lower <= root.upper
                       for root in positive_roots(_squarefree(self._cuts[0])))

    @cached_property
    def _rational(self) -> list[Fraction]:
        return [-from_fmpq(factor[0] / factor[1]) for factor, _ in self._critical.factor()[1]
                if factor.degree() == 1]

    def _forms(self, context: Any) -> list[Any]:
        """The polynomials in c that decide as polynomials in r and c, over the integers."""
        largest = (2 if self.older is None else 4) * _DEGREE
        nodes = [Fraction(n) for n in range(1, largest + 4)]
        values, far = ([conditions(self._taps([r])) for r in points] for points in (nodes, _FAR))
        forms = []
        for number in range(len(values[0])):
            here, there = [[found[number] for found in each] for each in (values, far)]
            width = max(p.degree() for p in (*here, *there)) + 1
            terms: dict[tuple[int, int], Fraction] = {}
            for k in range(width):
                p = _interpolate(nodes, [from_fmpq(q[k]) for q in here])
                if p.degree() > largest or any(
                        at(p, r) != from_fmpq(q[k]) for r, q in zip(_FAR, there, strict=True)):
                    raise InvalidArgument("right, left, older: the taps must be polynomials in the "
                                          f"parameter of degree <= {_DEGREE}")
                terms |= {(m, k): from_fmpq(x) for m, x in enumerate(p.coeffs()) if x}
            over = lcm(*(x.denominator for x in terms.values()), 1)
            forms.append(context.from_dict({m: int(x * over) for m, x in terms.items()}))
        return forms


def _factors(form: Any) -> tuple[list[Any], list[Any]]:
    """The different factors in r alone, and those with c; none of 0."""
    factors = [] if form.is_zero() else [factor for factor, _ in form.factor()[1]]
    return ([f for f in factors if f.degrees()[1] == 0], [f for f in factors if f.degrees()[1] > 0])


def _cuts_of(flat: list[Any], curved: list[Any]) -> list[Any]:
    """Polynomials in r between whose roots those in c of a polynomial keep their order in [−1, 1].
    """
    cuts = [*flat, *(f.resultant(g, "c") for f, g in combinations(curved, 2))]
    for f in curved:
        context, degree = f.context(), f.degrees()[1]
        cuts += [context.from_dict({(m, 0): n for (m, k), n in f.to_dict().items() if k == degree}),
                 f.subs({"c": 1}), f.subs({"c": -1})]
        cuts += [f.discriminant("c")] if degree > 1 else []
    return cuts


def _squarefree(cuts: list[fmpq_poly]) -> fmpq_poly:
    product = fmpq_poly([1])
    for cut in cuts:
        product *= cut
    return product // product.gcd(product.derivative()) if product.degree() > 0 else product


def _in_r(cuts: list[Any]) -> list[fmpq_poly]:
    """Those that are not 0, as polynomials of one variable."""
    return [fmpq_poly([int(cut[m, 0]) for m in range(cut.degrees()[0] + 1)])
            for cut in cuts if not cut.is_zero()]


def _interpolate(nodes: list[Fraction], values: list[Fraction]) -> fmpq_poly:
    """Newton's polynomial through points."""
    table, total, base = list(values), fmpq_poly([0]), fmpq_poly([1])
    for level in range(len(nodes)):
        total += to_fmpq(table[0]) * base
        base *= fmpq_poly([to_fmpq(-nodes[level]), 1])
        table = [(b - a) / (nodes[i + level + 1] - nodes[i])
                 for i, (a, b) in enumerate(pairwise(table))]
    return total
