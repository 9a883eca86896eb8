"""Fourier symbols of stencils as exact polynomials, and their values on boxes of frequencies.

A frequency θ ∈ [−π/2, π/2]^d is given by s_i = sin²(θ_i/2) ∈ [0, 1/2] and the signs of θ_i; its
harmonics are θ + πα, α ∈ {0, 1}^d.  With j_i = √−1 sin θ_i and j_i² = −4 s_i (1 − s_i) every symbol
is a polynomial in s_i and j_i with rational coefficients, so that nothing is lost when it is
divided by a power of the distance to frequency 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from itertools import product

from flint import acb, arb

from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.errors import InvalidArgument
from stabkit.multigrid.stencil import Stencil

#: Coefficient by monomial; a monomial is ((power of s, power of j) per axis).
Polynomial = dict[tuple[tuple[int, int], ...], Fraction]
Box = tuple[tuple[Fraction, Fraction], ...]
Terms = list[tuple[acb, tuple[tuple[int, int], ...]]]

#: e^{±iθ} = 1 − 2s ± j.
SHIFTS: dict[int, Polynomial] = {
    sign: {((0, 0),): Fraction(1), ((1, 0),): Fraction(-2), ((0, 1),): Fraction(sign)}
    for sign in (1, -1)}
J_SQUARED = {((1, 0),): Fraction(-4), ((2, 0),): Fraction(4)}
ONE: Polynomial = {((0, 0),): Fraction(1)}


def _times(p: Polynomial, q: Polynomial) -> Polynomial:
    # Of one axis; j² is replaced by −4s + 4s².
    out: Polynomial = {}
    for (one, v), (other, w) in product(p.items(), q.items()):
        ((a, b),), ((c, d),) = one, other
        if b + d < 2:
            _add(out, ((a + c, b + d),), v * w)
        else:
            for ((e, _),), u in J_SQUARED.items():
                _add(out, ((a + c + e, 0),), u * v * w)
    return out


def _add(out: Polynomial, monomial, value: Fraction) -> None:
    total = out.get(monomial, Fraction(0)) + value
    if total:
        out[monomial] = total
    else:
        out.pop(monomial, None)


def _shift(k: int) -> Polynomial:
    # e^{ikθ}
    step, power = SHIFTS[1 if k > 0 else -1], ONE
    for _ in range(abs(k)):
        power = _times(power, step)
    return power


def _derivative(polynomial: Polynomial, axis: int) -> Polynomial:
    # By s of an axis, the j held.
    out: Polynomial = {}
    for monomial, value in polynomial.items():
        a, b = monomial[axis]
        if a:
            out[(*monomial[:axis], (a - 1, b), *monomial[axis + 1:])] = a * value
    return out


def _terms(polynomial: Polynomial) -> Terms:
    return [(acb(to_fmpq(weight)), monomial) for monomial, weight in polynomial.items()]


class Symbol:
    """The symbol Σ w_k e^{ik·θ} of a stencil, as an exact polynomial.

    Attributes
    ----------
    terms : list of (acb, monomial)
    slopes : list of such lists
        Its derivative by the s of each axis.
    vanishes : bool
        It is divisible by the distance to frequency 0: no constant term, and j only in pairs.
    """

    def __init__(self, weights: Stencil):
        out: Polynomial = {}
        for offset, weight in weights.taps:
            for factors in product(*(_shift(k).items() for k in offset)):
                monomial = tuple(power for (power,), _ in factors)
                _add(out, monomial, reduce(lambda v, f: v * f[1], factors, weight))
        self.terms = _terms(out)
        self.slopes = [_terms(_derivative(out, axis)) for axis in range(weights.dimension)]
        self.vanishes = all(any(a or b for a, b in monomial)
                            and sum(b for _, b in monomial) % 2 == 0 for monomial in out)


def harmonics(dimension: int) -> list[tuple[int, ...]]:
    """The α of the 2^d harmonics; 0 comes first."""
    return list(product((0, 1), repeat=dimension))


def modulation(weights: Stencil, alpha: Sequence[int]) -> Stencil:
    """The stencil whose symbol at θ is that of `weights` at θ + πα."""
    return Stencil(tuple(
        (offset, -weight if sum(a * k for a, k in zip(alpha, offset, strict=True)) % 2 else weight)
        for offset, weight in weights.taps))


def mirror(weights: Stencil) -> Stencil:
    """The stencil with the conjugate symbol."""
    return Stencil(tuple((tuple(-k for k in offset), weight) for offset, weight in weights.taps))


def ball(lower: Fraction, upper: Fraction) -> arb:
    """The ball that holds an interval with rational ends."""
    return arb(to_fmpq((lower + upper) / 2), to_fmpq((upper - lower) / 2))


def _roots(*sides: tuple[Fraction, Fraction]) -> arb:
    # √(a b …) on intervals of numbers >= 0, each monotone.
    product = arb(1)
    for lower, upper in sides:
        product *= arb(to_fmpq(lower)).sqrt().union(arb(to_fmpq(upper)).sqrt())
    return product


def _sine(lower: Fraction, upper: Fraction) -> arb:
    # 2 √(s(1 − s)) increases on [0, 1/2].
    ends = [2 * arb(to_fmpq(s * (1 - s))).sqrt() for s in (lower, upper)]
    return ends[0].union(ends[1])


@dataclass(frozen=True, eq=False)
class Frequencies:
    """A set of frequencies, on which symbols have ball values.

    Attributes
    ----------
    s : list of arb
    j : list of acb
    middle : list of arb
        Of the s.
    distance : arb or None
        t, where s_i = t x_i; None away from frequency 0, where nothing needs dividing.
    x : list of arb
    roots : list of acb
        j_i / √t.
    """

    s: list
    j: list
    middle: list
    distance: arb | None = None
    x: list = field(default_factory=list)
    roots: list = field(default_factory=list)

    @classmethod
    def of(cls, box: Box, signs: Sequence[int]) -> Frequencies:
        """The frequencies with s in a box of [0, 1/2]^d."""
        return cls([ball(*side) for side in box],
                   [acb(0, sign * _sine(*side)) for side, sign in zip(box, signs, strict=True)],
                   [ball((low + high) / 2, (low + high) / 2) for low, high in box])

    @classmethod
    def near_zero(cls, axis: int, box: Box, signs: Sequence[int]) -> Frequencies:
        """The frequencies with s = t x for (t, the x beside that of the axis) in a box.

        t is the largest s, that of the axis.
        """
        (low, high), *rest = box
        shares = [*rest[:axis], (Fraction(1), Fraction(1)), *rest[axis:]]
        sides = tuple((low * a, high * b) for a, b in shares)
        plain = cls.of(sides, signs)
        roots = [acb(0, 2 * sign * _roots(share, (1 - below, 1 - above)))
                 for sign, share, (above, below) in zip(signs, shares, sides, strict=True)]
        return cls(plain.s, plain.j, plain.middle, ball(low, high),
                   [ball(*share) for share in shares], roots)

    def value(self, symbol: Symbol) -> acb:
        """The symbol on these frequencies, by the mean value theorem, one axis after another."""
        total = self._sum(symbol.terms, self.middle)
        for axis, slope in enumerate(symbol.slopes):
            offset = self.s[axis] - self.middle[axis]
            if slope and not offset.is_zero():
                at = [*self.s[:axis + 1], *self.middle[axis + 1:]]
                total += self._sum(slope, at) * offset
        return total

    def _sum(self, terms: Terms, at: list) -> acb:
        total = acb(0)
        for term, monomial in terms:
            for (a, b), s, j in zip(monomial, at, self.j, strict=True):
                if a:
                    term = term * s**a
                if b:
                    term = term * j
            total += term
        return total

    def quotient(self, symbol: Symbol) -> acb:
        """The symbol over t, continued to t = 0."""
        if self.distance is None:
            return self.value(symbol)
        if not symbol.vanishes:
            raise InvalidArgument("stencil: its symbol must vanish like that of a symmetric "
                                  "second-order operator at frequency 0")
        total = acb(0)
        for term, monomial in symbol.terms:
            halves = -2
            for (a, b), x, root in zip(monomial, self.x, self.roots, strict=True):
                halves += 2 * a + b
                if a:
                    term = term * x**a
                if b:
                    term = term * root
            total += term * self.distance**(halves // 2) if halves else term
        return total
