"""Where on the positive line polynomials are all nonnegative, decided exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_poly, fmpz_poly

from stabkit.arithmetic.algebraic import Algebraic
from stabkit.arithmetic.enclosure import precision, to_fraction
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.roots import complex_roots

_BITS = 256


@dataclass(frozen=True)
class Cell:
    """A part of the line in which no polynomial changes its sign, or that holds one root.

    Attributes
    ----------
    low, high : Fraction, Fraction or None
        Equal for a root that is rational; ``None`` is infinity.
    holds : bool or None
        Whether all polynomials are >= 0 there; ``None`` around an irrational root at which the
        answer changes.
    root : Algebraic or None
        The irrational root in it, where there is one alone.
    closed : bool
        Whether an interval that ends at the root contains it.
    """

    low: Fraction
    high: Fraction | None
    holds: bool | None
    root: Algebraic | None = None
    closed: bool = True

    @property
    def is_point(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True)
class _Spot:
    """A root, or an enclosure of irrational roots, with the factors that they are roots of."""

    low: Fraction
    high: Fraction
    factors: tuple[tuple[int, ...], ...]

    def cell(self, holds: bool | None) -> Cell:
        """The spot as a part of the line."""
        alone = len(self.factors) == 1 and self.low < self.high and self.low > 0
        return Cell(self.low, self.high, holds,
                    Algebraic(self.factors[0], self.low, self.high) if alone else None)


def cells(polynomials: Sequence[Sequence[Fraction]]) -> list[Cell]:
    """The positive line cut at every root, with the answer in each part, from 0 upwards.

    Parameters
    ----------
    polynomials : sequence of sequences of Fraction
        Coefficients, from the constant one upwards.
    """
    given = [(p, _factors(p)) for p in (
        fmpq_poly([to_fmpq(c) for c in coefficients])
        for coefficients in dict.fromkeys(map(tuple, polynomials)))]

    def holds(at: Fraction) -> bool:
        return all(_at(p, at) >= 0 for p, _ in given)

    return _cells_between(_spots({factor for _, factors in given for factor in factors}), holds,
                          lambda spot, beside: _sign_in_enclosure(spot, given, beside))


def cut(polynomials: Sequence[Sequence[Fraction]], holds: Callable[[Fraction], bool]) -> list[Cell]:
    """The positive line cut at the roots of some polynomials, between which `holds` is constant.

    The set where it holds must be closed: so it holds at an irrational root beside which it does.
    """
    return _cells_between(_spots({factor for p in polynomials for factor in _factors(
        fmpq_poly([to_fmpq(c) for c in p]))}), holds, lambda spot, beside: True if beside else None)


def _cells_between(spots: list[_Spot], holds: Callable[[Fraction], bool],
                   at_root: Callable[[_Spot, bool], bool | None]) -> list[Cell]:
    """Roots and gaps in turn; `at_root` says of an irrational one, and of whether it holds beside.
    """
    ends = [Fraction(0), *(spot.high for spot in spots)]
    starts = [*(spot.low for spot in spots), None]
    gaps = [Cell(low, high, holds(low + 1 if high is None else (low + high) / 2))
            for low, high in zip(ends, starts, strict=True)]
    found = gaps[:1]
    for spot, gap in zip(spots, gaps[1:], strict=True):
        at = holds(spot.low) if spot.low == spot.high else \
            at_root(spot, bool(found[-1].holds and gap.holds))
        found += [spot.cell(at), gap]
    return found


def up_to_first(polynomial: Sequence[int]) -> list[Cell]:
    """The positive line for what holds up to the first root of a polynomial, and not beyond it."""
    spots = _spots(_factors(fmpq_poly(list(polynomial))))
    if not spots:
        return [Cell(Fraction(0), None, True)]
    first = spots[0]
    return [Cell(Fraction(0), first.low, True), first.cell(first.low == first.high or None),
            Cell(first.high, None, False)]


def _sign_in_enclosure(spot: _Spot, given: list[tuple[fmpq_poly, set]], beside: bool
                       ) -> bool | None:
    """The answer in the enclosure of an irrational root; `beside` is whether it holds around."""
    roots = [sum(factor in factors for factor in spot.factors) for _, factors in given]
    if any(count == 0 and _at(p, spot.low) < 0
           for (p, _), count in zip(given, roots, strict=True)):
        return False  # it has no root there, so it keeps its sign
    # With one root at most, a polynomial that is >= 0 on both sides is so between them.
    return True if beside and max(roots) <= 1 else None


def _at(p: fmpq_poly, x: Fraction) -> fmpq:
    return p(to_fmpq(x))


def _factors(p: fmpq_poly) -> set[tuple[int, ...]]:
    return {tuple(map(int, factor.coeffs())) for factor, _ in p.numer().factor()[1]} \
        if p.degree() > 0 else set()


def _spots(factors: set[tuple[int, ...]]) -> list[_Spot]:
    """The positive roots in order: rational ones exactly, others enclosed; none overlap."""
    found = []
    with precision(_BITS):
        for factor in factors:
            if len(factor) == 2:
                root = Fraction(-factor[0], factor[1])
                found.append(_Spot(root, root, (factor,)))
                continue
            found += [_Spot(max(to_fraction(root.real.lower()), Fraction(0)),
                            to_fraction(root.real.upper()), (factor,))
                      for root, _ in complex_roots(fmpz_poly(list(factor)))
                      if root.imag.is_zero()]
    merged: list[_Spot] = []
    for spot in sorted((s for s in found if s.high > 0), key=lambda s: (s.low, s.high)):
        if merged and spot.low <= merged[-1].high:
            last = merged.pop()
            spot = _Spot(last.low, max(last.high, spot.high), last.factors + spot.factors)
        merged.append(spot)
    return merged


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The rational of the smallest denominator in [low, high], 0 < low <= high."""
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    below = low.numerator // low.denominator
    return below + 1 / simplest(1 / (high - below), 1 / (low - below))
