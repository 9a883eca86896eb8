"""Signs of polynomials, exactly: by Sturm chains on an interval, by Bernstein's form on a box."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from math import comb

from stabkit.errors import InvalidEvidence
from stabkit.proof.words import Expression, spend

MAX_DEGREE = 24

Coefficients = list[Fraction]  # c[0] + c[1] x + ..., the last is not 0; the zero polynomial is []
End = Fraction | None  # None is −∞ or ∞


def coefficients(x: Expression, variable: str) -> Coefficients:
    """Those of a polynomial in one variable."""
    found = [Fraction(0)] * (MAX_DEGREE + 1)
    for (word, powers), c in x.terms.items():
        degree = dict(powers).get(variable, 0)
        if word or set(dict(powers)) - {variable} or degree > MAX_DEGREE:
            raise InvalidEvidence(f"needs a polynomial in {variable} of degree <= {MAX_DEGREE}")
        found[degree] += c
    return _trim(found)


def nonnegative(p: Coefficients, a: End, b: End) -> bool:
    """Whether p >= 0 on [a, b], a < b: no root of odd multiplicity inside, and not below 0."""
    if not p:
        return True
    spend(len(p) ** 3)
    odd = _odd_part(p)
    chain = [odd, _derivative(odd)]
    while chain[-1]:
        chain.append([-c for c in _monic(_divide(chain[-2], chain[-1])[1])])
    inside = _changes(chain[:-1], a, -1) - _changes(chain[:-1], b, 1)
    if b is not None and _value(odd, b) == 0:
        inside -= 1
    return inside == 0 and next(y for y in (_value(p, x) for x in _samples(a, b, len(p))) if y) > 0


def _samples(a: End, b: End, count: int) -> list[Fraction]:
    """More points between a and b than the polynomial has roots."""
    if a is not None and b is not None:
        return [a + (b - a) * k / (count + 1) for k in range(1, count + 1)]
    return [k + a if a is not None else (b or 0) - k for k in map(Fraction, range(1, count + 1))]


def _value(p: Coefficients, x: Fraction) -> Fraction:
    total = Fraction(0)
    for c in reversed(p):
        total = total * x + c
    return total


def _changes(chain: list[Coefficients], x: End, side: int) -> int:
    """Changes of sign in the chain at x; at −∞ or ∞, as side says, if x is None."""
    values = [q[-1] * side ** (len(q) - 1) if x is None else _value(q, x) for q in chain]
    signs = [y > 0 for y in values if y]
    return sum(s is not t for s, t in pairwise(signs))


def _odd_part(p: Coefficients) -> Coefficients:
    """The product of (x − r) over the roots r of odd multiplicity."""
    repeated = _gcd(p, _derivative(p))
    distinct, odd, multiplicity = _divide(p, repeated)[0], [Fraction(1)], 1
    while len(distinct) > 1:
        further = _gcd(distinct, repeated)
        if multiplicity % 2:
            odd = _times(odd, _divide(distinct, further)[0])
        distinct, repeated = further, _divide(repeated, further)[0]
        multiplicity += 1
    return odd


def _gcd(p: Coefficients, q: Coefficients) -> Coefficients:
    while q:
        p, q = q, _monic(_divide(p, q)[1])
    return p


def _monic(p: Coefficients) -> Coefficients:
    """p divided by the absolute value of its leading coefficient."""
    return [c / abs(p[-1]) for c in p]


def _derivative(p: Coefficients) -> Coefficients:
    return [k * c for k, c in enumerate(p)][1:]


def _times(p: Coefficients, q: Coefficients) -> Coefficients:
    total = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, c in enumerate(p):
        for j, d in enumerate(q):
            total[i + j] += c * d
    return total


def _divide(p: Coefficients, q: Coefficients) -> tuple[Coefficients, Coefficients]:
    """Quotient and remainder."""
    p, quotient = list(p), [Fraction(0)] * max(len(p) - len(q) + 1, 0)
    for shift in reversed(range(len(quotient))):
        factor = quotient[shift] = p[shift + len(q) - 1] / q[-1]
        for k, c in enumerate(q):
            p[shift + k] -= factor * c
    return quotient, _trim(p)


def _trim(p: Coefficients) -> Coefficients:
    while p and p[-1] == 0:
        p = p[:-1]
    return p


def nonnegative_on_box(x: Expression, box: Mapping[str, End], strict: bool = False) -> bool:
    """Whether a polynomial is shown to be >= 0, or > 0, where each variable lies in [0, end].

    On [0, q] the polynomial is a mean of its Bernstein coefficients; on [0, ∞) it is >= 0 if its
    coefficients are, and > 0 if the one without that variable is > 0, too.  What is not shown so
    may still be true.
    """
    if not x.scalar or x.letters - set(box):
        raise InvalidEvidence(f"needs a polynomial in {', '.join(box)}")
    terms: dict[tuple[int, ...], Fraction] = {(0,) * len(box): Fraction(0)}
    for (_, powers), c in x.terms.items():
        if max([k for _, k in powers], default=0) > MAX_DEGREE:
            raise InvalidEvidence(f"a degree is above {MAX_DEGREE}")
        terms[tuple(dict(powers).get(name, 0) for name in box)] = c
    for axis, end in enumerate(box.values()):
        if end is not None:
            terms = _bernstein(terms, axis, end)
    endless = [axis for axis, end in enumerate(box.values()) if end is None]
    return all(c > 0 if strict and all(powers[axis] == 0 for axis in endless) else c >= 0
               for powers, c in terms.items())


def _bernstein(terms: dict, axis: int, end: Fraction) -> dict:
    """Coefficients for Bernstein's basis on [0, end] in place of powers of one variable."""
    degree = max(powers[axis] for powers in terms)
    found: dict[tuple[int, ...], Fraction] = {}
    for powers, c in terms.items():
        k = powers[axis]
        spend(8 * (degree + 1))
        for j in range(k, degree + 1):
            key = (*powers[:axis], j, *powers[axis + 1:])
            found[key] = found.get(key, Fraction(0)) + c * end**k * Fraction(comb(j, k),
                                                                             comb(degree, k))
    return found
