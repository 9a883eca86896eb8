"""Polynomials in c = cos θ by which a scheme with constant coefficients is stable or not.

With the symbols p₂, p₁, p₀ of u⁺, u and u⁻ the factors are the roots of p₂ζ² + p₁ζ + p₀.  By Schur
and Cohn they have |ζ| <= 1 if and only if p₂ is not 0, D = |p₂|² − |p₀|² >= 0 and
E = D² − |p̄₂p₁ − p₀p̄₁|² >= 0; where D = 0 they are both on the circle, and differ if and only if
4|p₂|² > |p₁|² (Miller 1971).  A one-step scheme has |p₂|² − |p₁|² >= 0 in their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq_poly

from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.errors import Undecided
from stabkit.methods.intervals import at, over, positive_roots
from stabkit.methods.multistep import chebyshev

Taps = Mapping[int, Any]
_BITS = 128
_SHIFT = fmpq_poly([-1, 1])  # c = x − 1, with x in [0, 2]
_ENDS = (Fraction(0), Fraction(2))


def conditions(levels: Sequence[Taps]) -> list[fmpq_poly]:
    """The polynomials in c whose signs decide, for the taps of p₂, p₁ and, with two steps, p₀.

    |p₂|² and |p₂|² − |p₁|²; or |p₂|², D, E and 4|p₂|² − |p₁|².
    """
    if len(levels) == 2:
        newest, now = map(square, levels)
        return [newest, newest - now]
    p2, p1, p0 = levels
    newest, oldest = square(p2), square(p0)
    reduced = add(convolve(_mirror(p2), p1), convolve(p0, _mirror(p1)), -1)
    D = newest - oldest
    return [newest, D, D**2 - square(reduced), 4 * newest - square(p1)]


def hold(signs: list[fmpq_poly], *, double: bool) -> bool:
    """Whether all factors have |ζ| <= 1 and are simple where = 1, for all c in [−1, 1].

    `double` allows two equal factors on the circle.
    """
    newest, *others = signs
    if not _is_nonnegative(newest, strictly=True):
        return False
    if len(others) == 1:
        return _is_nonnegative(others[0])
    D, E, apart = others
    return _is_nonnegative(D) and _is_nonnegative(E) and (
        _is_nonnegative(apart, strictly=not double) if D.degree() < 0 else
        _is_nonnegative_at_roots(apart, D, strictly=not double))


def convolve(a: Taps, b: Taps) -> dict[int, Any]:
    """The taps of a product."""
    made: dict[int, Any] = {}
    for j, x in a.items():
        for k, y in b.items():
            made[j + k] = made.get(j + k, Fraction(0)) + x * y
    return made


def add(a: Taps, b: Taps, factor: Any) -> dict[int, Any]:
    """The taps of a + factor·b."""
    made = dict(a)
    for k, y in b.items():
        made[k] = made.get(k, Fraction(0)) + factor * y
    return made


def square(taps: Taps) -> fmpq_poly:
    """|Σ a_k exp(ikθ)|² as a polynomial in cos θ."""
    total = fmpq_poly([0])
    for j, x in taps.items():
        for k, y in taps.items():
            total += to_fmpq(x * y) * chebyshev(abs(j - k))
    return total


def _mirror(taps: Taps) -> dict[int, Any]:
    """The taps of the conjugate symbol."""
    return {-k: x for k, x in taps.items()}


def _is_nonnegative(p: fmpq_poly, *, strictly: bool = False) -> bool:
    """Whether p >= 0 on [−1, 1], or > 0, by its real roots."""
    moved = p(_SHIFT)
    if moved.degree() < 0:
        return not strictly
    inner = _inner_roots(moved)
    if strictly and (inner or any(at(moved, x) == 0 for x in _ENDS)):
        return False
    cells = [_ENDS[0], *(x for root in inner for x in (root.lower, root.upper)), _ENDS[1]]
    points = [(a + b) / 2 for a, b in zip(cells[::2], cells[1::2], strict=True) if a < b]
    return all(at(moved, x) >= 0 for x in (*points, *_ENDS))


def _is_nonnegative_at_roots(q: fmpq_poly, p: fmpq_poly, *, strictly: bool) -> bool:
    """Whether q >= 0, or > 0, wherever p = 0 in [−1, 1]."""
    p, q = p(_SHIFT), q(_SHIFT)
    common = p.gcd(q)
    if strictly and (_inner_roots(common) or any(at(common, x) == 0 for x in _ENDS)):
        return False
    rest = p // common  # and no root of it stays
    while rest.gcd(common).degree() > 0:
        rest //= rest.gcd(common)
    if any(at(rest, x) == 0 and at(q, x) < 0 for x in _ENDS):
        return False
    with precision(_BITS):
        values = [over(q, root) for root in _inner_roots(rest)]
    if any(value.hi < 0 for value in values):
        return False
    if not all(value.lo > 0 for value in values):
        raise Undecided("two factors on the circle are too close to be told apart")
    return True


def _inner_roots(p: fmpq_poly) -> list[Interval]:
    """The roots in (0, 2), in order and apart."""
    while p.degree() > 0 and at(p, _ENDS[1]) == 0:
        p //= fmpq_poly([-2, 1])
    roots = positive_roots(p) if p.degree() > 0 else []
    if any(root.lower <= 2 <= root.upper for root in roots):
        raise Undecided("a root of a polynomial in cos θ is too close to 1 to be told from it")
    return [root for root in roots if root.upper < 2]
