"""Signs and roots of rational polynomials c[0] + c[1] x + ..., by Sturm chains."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from stabkit.replay.reals import INF, Undefined, infinite, pay_for_bits


def value(coefficients, x):
    """c[0] + c[1] x + ..., by Horner's rule; also for enclosures."""
    result = Fraction(0)
    for c in reversed(coefficients):
        result = pay_for_bits(result * x + c)
    return result


def roots_in(coefficients, a, b) -> Fraction:
    """The number of distinct real roots in (a, b]."""
    chain = _sturm_chain(_nonempty(coefficients, a, b))
    return Fraction(_sign_changes(chain, a) - _sign_changes(chain, b))


def positive_on(coefficients, a, b) -> bool:
    """Whether the polynomial is > 0 on the open interval (a, b)."""
    p = _nonempty(coefficients, a, b, zero_allowed=True)
    return bool(p) and _roots_between(p, a, b) == 0 and _positive_inside(p, a, b)


def nonneg_on(coefficients, a, b) -> bool:
    """Whether the polynomial is >= 0 on the open interval (a, b): it never changes sign there."""
    p = _nonempty(coefficients, a, b, zero_allowed=True)
    return not p or (_odd_roots_between(p, a, b) == 0 and _positive_inside(p, a, b))


def _nonempty(coefficients, a, b, zero_allowed: bool = False) -> list[Fraction]:
    if a >= b:
        raise Undefined("the interval between the given ends is empty")
    p = _trim(coefficients)
    if not p and not zero_allowed:
        raise Undefined("the roots of the zero polynomial")
    return p


def _trim(p) -> list[Fraction]:
    """Without leading zeros; the zero polynomial is []."""
    p = list(p)
    while p and p[-1] == 0:
        p.pop()
    return p


def _derivative(p) -> list[Fraction]:
    return [k * c for k, c in enumerate(p)][1:]


def _divide(p, q) -> tuple[list[Fraction], list[Fraction]]:
    """Quotient and remainder."""
    p, quotient = list(p), [Fraction(0)] * max(len(p) - len(q) + 1, 0)
    for shift in reversed(range(len(quotient))):
        factor = quotient[shift] = p[shift + len(q) - 1] / q[-1]
        for k, c in enumerate(q):
            p[shift + k] = pay_for_bits(p[shift + k] - factor * c)
    return quotient, _trim(p)


def _remainders(p) -> list[list[Fraction]]:
    """p, p', and the negative remainders of each by the next (scaled); the last is gcd(p, p')."""
    chain = [p, _derivative(p)]
    while chain[-1]:
        remainder = _divide(chain[-2], chain[-1])[1]
        chain.append([-c / abs(remainder[-1]) for c in remainder])
    return chain[:-1]


def _sturm_chain(p) -> list[list[Fraction]]:
    """The remainders divided by gcd(p, p'): so multiple roots count once, also at the ends."""
    chain = _remainders(p)
    return [_divide(q, chain[-1])[0] for q in chain]


def _sign_changes(chain, x) -> int:
    signs = [s for s in (_sign(q, x) for q in chain) if s]
    return sum(s != t for s, t in pairwise(signs))


def _sign(p, x) -> int:
    """The sign at x, which may be infinite: there the leading term decides."""
    at = p[-1] * (-1 if x < 0 and len(p) % 2 == 0 else 1) if infinite(x) else value(p, x)
    return (at > 0) - (at < 0)


def _roots_between(p, a, b) -> int:
    """The number of distinct roots in the open interval (a, b)."""
    chain = _sturm_chain(p)
    at_end = b != INF and _sign(p, b) == 0
    return _sign_changes(chain, a) - _sign_changes(chain, b) - at_end


def _odd_roots_between(p, a, b) -> int:
    """The number of roots of odd multiplicity in (a, b).

    A root of multiplicity m is a root of the first m polynomials p, gcd(p, p'), ..., so it counts
    1 - 1 + 1 - ... (m terms), which is 1 if m is odd and 0 if m is even.
    """
    count, alternating = 0, 1
    while len(p) > 1:
        count += alternating * _roots_between(p, a, b)
        p, alternating = _remainders(p)[-1], -alternating
    return count


def _positive_inside(p, a, b) -> bool:
    """The sign of p where it is not zero, for a p that does not change its sign in (a, b)."""
    count = len(p)  # more points than roots
    if infinite(a) and infinite(b):
        points = (Fraction(k) for k in range(count))
    elif infinite(b):
        points = (a + k for k in range(1, count + 1))
    elif infinite(a):
        points = (b - k for k in range(1, count + 1))
    else:
        points = (a + (b - a) * k / (count + 1) for k in range(1, count + 1))
    return any(_sign(p, x) > 0 for x in points)
