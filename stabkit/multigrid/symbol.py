"""Fourier symbols of stencils as exact polynomials, and their values on boxes of frequencies.

A frequency θ ∈ [−π/2, π/2]^d is given by s_i = sin²(θ_i/2) ∈ [0, 1/2] and the signs of θ_i; its
harmonics are θ + πα, α ∈ {0, 1}^d.  With j_i = √−1 sin θ_i and j_i² = −4 s_i (1 − s_i) every symbol
is a polynomial in s_i and j_i with rational coefficients, so that nothing is lost when it is
divided by a power of the distance to frequency 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import product
from typing import cast

from flint import acb, arb

from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.errors import InvalidArgument
from stabkit.multigrid.stencil import Stencil

#: Coefficient by monomial; a monomial is ((power of s, power of j) per axis).
Polynomial = dict[tuple[tuple[int, int], ...], Fraction]
Box = tuple[tuple[Fraction, Fraction], ...]

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


class Symbol:
    """The symbol Σ w_k e^{ik·θ} of a stencil, as an exact polynomial.

    Attributes
    ----------
    terms : list of (acb, monomial)
    vanishes : bool
        It is divisible by the distance to frequency 0: no constant term, and j only in pairs.
    """

    def __init__(self, weights: Stencil):
        out: Polynomial = {}
        for offset, weight in weights.taps:
            for factors in product(*(_shift(k).items() for k in offset)):
                monomial = tuple(power for (power,), _ in factors)
                _add(out, monomial, reduce(lambda v, f: v * f[1], factors, weight))
        self.terms = [(acb(to_fmpq(weight)), monomial) for monomial, weight in out.items()]
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
    distance : arb or None
        t, where s_i = t x_i; None away from frequency 0, where nothing needs dividing.
    x : list of arb
    jj : acb
        j₁j₂ / t.
    """

    s: list
    j: list
    distance: arb | None = None
    x: list | None = None
    jj: acb | None = None

    @classmethod
    def of(cls, box: Box, signs: Sequence[int]) -> Frequencies:
        """The frequencies with s in a box of [0, 1/2]^d."""
        return cls([ball(*side) for side in box],
                   [acb(0, sign * _sine(*side)) for side, sign in zip(box, signs, strict=True)])

    @classmethod
    def near_zero(cls, box: Box, signs: Sequence[int]) -> Frequencies:
        """The frequencies with s = t (x, 1 − x), or s = t in 1-D, for (t, x) in a box."""
        (low, high), *rest = box
        shares = [(a, b) for a, b in rest] + [(1 - b, 1 - a) for a, b in rest] or [
            (Fraction(1), Fraction(1))]
        sides = tuple((low * a, high * b) for a, b in shares)
        plain, x = cls.of(sides, signs), [ball(*share) for share in shares]
        jj = None
        if rest:
            # √(x(1−x)) is half the sine at x, up to 1/2 and mirrored beyond.
            (a, b), = rest
            root = _sine(a, b) if b <= Fraction(1, 2) else _sine(1 - b, 1 - a)
            others = ((1 - plain.s[0]) * (1 - plain.s[1])).sqrt()
            jj = acb(-2 * signs[0] * signs[1] * root * others)
        return cls(plain.s, plain.j, ball(low, high), x, jj)

    def value(self, symbol: Symbol) -> acb:
        """The symbol on these frequencies."""
        total = acb(0)
        for term, monomial in symbol.terms:
            for (a, b), s, j in zip(monomial, self.s, self.j, strict=True):
                if a:
                    term = term * s**a
                if b:
                    term = term * j
            total += term
        return total

    def quotient(self, symbol: Symbol) -> acb:
        """The symbol over t, continued to t = 0."""
        if self.distance is None or self.x is None:
            return self.value(symbol)
        if not symbol.vanishes:
            raise InvalidArgument("stencil: its symbol must vanish like that of a symmetric "
                                  "second-order operator at frequency 0")
        total = acb(0)
        for term, monomial in symbol.terms:
            degree = -1
            if any(b for _, b in monomial):  # in 2-D, where jj is known
                term, degree = term * cast(acb, self.jj), 0
            for (a, _), x in zip(monomial, self.x, strict=True):
                if a:
                    term, degree = term * x**a, degree + a
            total += term * self.distance**degree if degree else term
        return total
