"""Two time levels or two fields on a periodic line: the roots of the symbol at every angle.

At an angle the symbol is a matrix of two rows with the characteristic polynomial z² − τz + δ, both
polynomials in x = cos θ and the step.  Its roots are in the closed unit disc if and only if
1 − δ, 1 + δ − τ and 1 + δ + τ are >= 0 (Jury), and a root on the circle is double only where the
first and one of the others vanish.  All are taken times the squared denominator of the step.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx, fmpq_poly, fmpz_poly

from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.roots import complex_roots
from stabkit.errors import Undecided
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.rows import positive_denominator
from stabkit.stability.sharpness.signs import Cell, cells, cut
from stabkit.stability.sharpness.symbol import (
    bounded_below,
    cosine,
    in_step,
    in_t,
    leading_coefficient,
    pairs,
)
from stabkit.tracing import Kinds
from stabkit.tracing.form import CONSTANT

_REACH = 6  # neighbours of a row
_ANGLES: tuple[tuple[Any, int], ...] = (
    (1, 1), (-1, 2), (0, 4), (Fraction(-1, 2), 3), (Fraction(1, 2), 6))  # cos θ, divides n


_Waves = dict[int, fmpq_mpoly]  # offset k: the factor of exp(ikθ), a polynomial in the step


def _add(a: _Waves, b: _Waves, sign: int = 1) -> _Waves:
    out = dict(a)
    for k, p in b.items():
        out[k] = out[k] + sign * p if k in out else sign * p
    return out


def _times(a: _Waves, b: _Waves) -> _Waves:
    out: _Waves = {}
    for (i, p), (j, q) in product(a.items(), b.items()):
        out[i + j] = out.get(i + j, 0) + p * q
    return out


def _in_cosine(waves: _Waves, x: fmpq_mpoly) -> fmpq_mpoly:
    """A sum of waves that is even in θ as a polynomial in cos θ."""
    total = 0 * x
    for k, p in waves.items():
        if p != waves.get(-k, 0):
            raise Undecided("the characteristic polynomial of its symbol is not real")
        total += p * cosine(x, abs(k))
    return total


class Pair:
    """The three conditions of a uniform step of two fields; Undecided where it is none."""

    def __init__(self, kinds: Kinds, drift: bool):
        if len(kinds.shape) != 2 or kinds.shape[0] != 2 or len(kinds.examples) != 2 or \
                set(kinds.counts.tolist()) != {kinds.shape[1]} or \
                {row // kinds.shape[1] for row in kinds.examples.tolist()} != {0, 1}:
            raise Undecided("it is no periodic step of two fields on a line")
        if any(abs(offset[1]) > _REACH for row in kinds.examples.tolist()
               for offset in kinds.offsets_of(row) if offset):
            raise Undecided(f"its rows reach further than {_REACH} neighbours")
        if (kinds.form.columns == CONSTANT).any():
            raise Undecided("it has constant terms")
        self.length, self.drift = kinds.shape[1], drift
        self.context = fmpq_mpoly_ctx.get(["x0", "t"], Ordering.lex)
        x, t = self.context.gens()
        self.divisor = d = in_step(positive_denominator(kinds.form.denominator), t)
        g: list[list[_Waves]] = [[{}, {}], [{}, {}]]
        for row in kinds.examples.tolist():
            field = row // self.length
            for (level, offset), p in zip(kinds.offsets_of(row), kinds.numerators_of(row),
                                          strict=True):
                g[field][(field + level) % 2][offset] = in_step(tuple(p), t)
        self.g = g
        trace = _in_cosine(_add(g[0][0], g[1][1]), x)
        det = _in_cosine(_add(_times(g[0][0], g[1][1]), _times(g[0][1], g[1][0]), -1), x)
        self.conditions = [d * d - det, d * d + det - d * trace, d * d + det + d * trace]

    def line(self) -> list[Cell]:
        """The positive line, cut where all angles are bounded and where some are not."""
        factors = {str(f): f for c in self.conditions if c != 0 for f, _ in c.factor()[1]}
        cutting = []
        for f in factors.values():
            cutting += [leading_coefficient(f), f.subs({"x0": fmpq(1)}), f.subs({"x0": fmpq(-1)})]
            if f.degrees()[0] > 1:
                cutting.append(f.discriminant(0))
        cutting += [f.resultant(g, 0) for f, g in pairs(list(factors.values()))
                    if f.degrees()[0] and g.degrees()[0]]
        found = cut([in_t(c) for c in cutting if c != 0], self.bounded)
        return [cell if cell.is_point or k % 2 == 0 else replace(cell, holds=None, closed=False)
                for k, cell in enumerate(found)]

    def bounded(self, dt: Fraction) -> bool:
        """Whether all powers are bounded at every angle, at one step."""
        jury = [at(c, dt) for c in self.conditions]
        if not all(map(bounded_below, jury)):
            return False
        first = jury[0]
        for number, other in enumerate(jury[1:]):
            common = first.gcd(other) if first != 0 else other
            if common == 0:
                return False
            for factor, _ in common.numer().factor()[1] if common.degree() > 0 else ():
                at_one = self.drift and number == 0 and list(factor.coeffs()) in ([-1, 1], [1, -1])
                if not (at_one or _outside(factor) or self._diagonal(factor, number, dt)):
                    return False
        return True

    def _diagonal(self, factor: fmpz_poly, number: int, dt: Fraction) -> bool:
        """Whether the symbol is ±1 times the identity where a root is double: at θ = 0 or π."""
        if factor.degree() != 1 or abs(root := Fraction(-int(factor[0]), int(factor[1]))) != 1:
            return False
        return self._is_unit(int(root), number, dt)

    def _is_unit(self, root: int, number: int, dt: Fraction) -> bool:
        """Whether the symbol is ±1 times the identity where cos θ is a root, 1 or −1."""
        t = to_fmpq(dt)
        wanted = (1, -1)[number] * self.divisor.subs({"x0": fmpq(0), "t": t})
        for i, row in enumerate(self.g):
            for j, waves in enumerate(row):
                total = sum((p.subs({"x0": fmpq(0), "t": t}) * root**(k % 2)
                             for k, p in waves.items()), start=0)
                if total != (wanted if i == j else 0):
                    return False
        return True

    def refuted_steps(self) -> Steps:
        """Steps at which a root is outside the circle or defective, at a simple angle."""
        parts = []
        for x, divides in _ANGLES:
            if self.length % divides == 0:
                parts += [in_t(c.subs({"x0": to_fmpq(Fraction(x))}))
                          for c in self.conditions]
        return intervals([
            replace(cell, holds=False)
            if cell.is_point and cell.low and self.grows_linearly(cell.low) else cell
            for cell in cells(parts)])[1]

    def grows_linearly(self, dt: Fraction) -> bool:
        """Whether a root 1 or −1 is double, with a Jordan block, at θ = 0 or π of the grid."""
        for x, divides in _ANGLES[:2]:
            first, *others = (at(c, dt)(fmpq(x)) for c in self.conditions)
            for number, other in enumerate(others):
                drifts = self.drift and number == 0 and x == 1
                if self.length % divides == 0 and first == other == 0 and not (
                        drifts or self._is_unit(x, number, dt)):
                    return True
        return False


def at(c: fmpq_mpoly, dt: Fraction) -> fmpq_poly:
    """A condition at a step, as a polynomial in cos θ."""
    coefficients: dict[int, fmpq] = {}
    for (power, k), value in c.to_dict().items():
        coefficients[int(power)] = coefficients.get(int(power), fmpq(0)) + \
            value * to_fmpq(dt)**int(k)
    return fmpq_poly([coefficients.get(k, fmpq(0))
                      for k in range(max(coefficients, default=0) + 1)])


def _outside(factor: fmpz_poly) -> bool:
    """Whether no root of an irreducible polynomial lies in [−1, 1]."""
    if factor.degree() == 1:
        return abs(Fraction(-int(factor[0]), int(factor[1]))) > 1
    return all(not root.imag.is_zero() or bool(abs(root.real) > 1)
               for root, _ in complex_roots(factor))
