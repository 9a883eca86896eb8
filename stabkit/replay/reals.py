"""Real numbers of the checker: exact fractions, and intervals where a number is not rational.

A number is a :class:`~fractions.Fraction` or an :class:`Interval`.  An interval stands for one
real number that lies in it (``sqrt(2)``), or for all of them at once (``x`` on a cell).  Its
endpoints are exact fractions or infinities and only ever move outward, so whatever is certain for
the intervals is true for the numbers.  Arb is asked for one thing only: the value of an elementary
function at a fraction, as a ball.

A comparison is True, False, or None where the intervals do not tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from stabkit.errors import InvalidEvidence, Undecided
from stabkit.replay.work import Exhausted, current, spend

INF = math.inf
MAX_BITS = 1 << 17  # of a numerator or denominator
SHORT = 512  # bits up to which every operation costs one step
MAX_EXPONENT = 4096
MAX_EXP = 1 << 14  # beyond it, exp is only known to be tiny or huge


class Undefined(ArithmeticError):
    """A quantity does not exist: 1/0, sqrt(-1), the inverse of a singular matrix."""


def infinite(end) -> bool:
    """Whether an endpoint is infinite; the only floats here are inf and -inf."""
    return isinstance(end, float)


def size(x: Fraction) -> int:
    """The bits of the larger of numerator and denominator."""
    return max(x.numerator.bit_length(), x.denominator.bit_length())


def pay_for_bits(x):
    """Return the number `x`, after its share of the allowance: fractions cost bits squared."""
    if type(x) is Fraction:
        top, bottom = x.as_integer_ratio()
        if top.bit_length() < SHORT and bottom.bit_length() < SHORT:
            spend(1)
            return x
    for end in (x.lo, x.hi) if isinstance(x, Interval) else (x,):
        bits = 0 if infinite(end) else size(end)
        if bits > MAX_BITS:
            raise Exhausted(f"a number has more than {MAX_BITS} bits")
        spend(1 + (bits >> 6) ** 2 // 64)
    return x


def trim(x):
    """`x`, or in ball arithmetic an interval around it if it is a long fraction.

    The digits of a fraction can triple with every step of an orbit; an interval stays short.
    """
    work = current()
    if not work.rounding or isinstance(x, Interval) or infinite(x) \
            or size(x) <= 16 * work.precision:
        return x
    return interval(_round_outwards(x, up=False), _round_outwards(x, up=True))


class Interval:
    """The real numbers between two endpoints ``lo < hi``; make one with :func:`interval`."""

    __slots__ = ("hi", "lo")

    def __init__(self, lo, hi):
        self.lo, self.hi = lo, hi

    def __add__(self, other):
        low, high = ends(other)
        return interval(-INF if -INF in (self.lo, low) else self.lo + low,
                        INF if INF in (self.hi, high) else self.hi + high)

    __radd__ = __add__

    def __neg__(self):
        return Interval(-self.hi, -self.lo)

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        (a, b), (c, d) = ends(self), ends(other)
        if _sign(c) >= 0:
            return interval(_times(a, c if _sign(a) >= 0 else d),
                            _times(b, d if _sign(b) >= 0 else c))
        if _sign(d) <= 0:
            return interval(_times(b, c if _sign(b) >= 0 else d),
                            _times(a, d if _sign(a) >= 0 else c))
        if _sign(a) >= 0:
            return interval(_times(b, c), _times(b, d))
        if _sign(b) <= 0:
            return interval(_times(a, d), _times(a, c))
        return interval(min(_times(a, d), _times(b, c)), max(_times(a, c), _times(b, d)))

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self * reciprocal(other)

    def __rtruediv__(self, other):
        return other * reciprocal(self)

    def __abs__(self):
        return maximum(maximum(self, -self), Fraction(0))


def interval(lo, hi):
    """The interval [lo, hi], rounded outward; the exact number where both ends agree."""
    if lo == hi:
        return lo
    current().met_interval = True
    return Interval(_round_outwards(lo, up=False), _round_outwards(hi, up=True))


def ends(x) -> tuple:
    """Lower and upper endpoint of a number."""
    return (x.lo, x.hi) if isinstance(x, Interval) else (x, x)


def hull(x, y):
    """The smallest interval around both."""
    (a, b), (c, d) = ends(x), ends(y)
    return interval(min(a, c), max(b, d))


def _sign(end) -> int | float:
    # A number with the sign of an endpoint.
    return end if infinite(end) else end.numerator


def _times(x, y):
    # The ends of an interval bound real numbers, so 0 * inf is 0.
    if infinite(x) or infinite(y):
        if x == 0 or y == 0:
            return Fraction(0)
        return INF if (x > 0) == (y > 0) else -INF
    return x * y


def _round_outwards(x, up: bool):
    """`x` as it is, or, where it has grown long, the next number of few leading bits."""
    if infinite(x) or size(x) <= 2 * (bits := current().precision):
        return x
    shift = bits - x.numerator.bit_length() + x.denominator.bit_length()
    top, bottom = x.numerator << max(shift, 0), x.denominator << max(-shift, 0)
    whole = -(-top // bottom) if up else top // bottom
    return Fraction(whole << max(-shift, 0), 1 << max(shift, 0))


def reciprocal(x):
    """1/x; a half line for an interval that ends at 0, where 1/x does not exist; nothing is known
    of it on an interval with 0 inside."""
    lo, hi = ends(x)
    if lo == 0 and hi == 0:
        raise Undefined("division by zero")
    if lo < 0 < hi:
        raise Undecided("division by a number that may be zero")
    if lo == 0:
        return interval(Fraction(0) if infinite(hi) else 1 / hi, INF)
    if hi == 0:
        return interval(-INF, Fraction(0) if infinite(lo) else 1 / lo)
    inverses = (Fraction(0) if infinite(end) else Fraction(1) / end for end in (hi, lo))
    return interval(*inverses)


def power(x, exponent):
    """x**exponent for an integer exponent."""
    if not isinstance(exponent, Fraction) or exponent.denominator != 1:
        raise InvalidEvidence("an exponent must be an integer")
    if abs(exponent) > MAX_EXPONENT:
        raise Exhausted(f"an exponent exceeds {MAX_EXPONENT}")
    n = int(abs(exponent))
    if isinstance(x, Fraction):
        if size(x) * n > MAX_BITS:
            raise Exhausted(f"a power has more than {MAX_BITS} bits")
        result = x**n
    elif n % 2 == 0:
        lo, hi = ends(abs(x))
        result = interval(_raise_to_power(lo, n, up=False), _raise_to_power(hi, n, up=True))
    else:
        result = interval(_raise_to_power(x.lo, n, up=False), _raise_to_power(x.hi, n, up=True))
    return result if exponent >= 0 else reciprocal(result)


def _raise_to_power(x, n: int, up: bool):
    """x**n rounded in one direction after every multiplication."""
    if x < 0 and n % 2:
        return -_raise_to_power(-x, n, not up)
    result = Fraction(1)
    for bit in f"{n:b}":
        result = _times(result, result)
        if bit == "1":
            result = _times(result, x)
        result = pay_for_bits(_round_outwards(result, up))
    return result


# -- comparisons: True, False, or None where it is not certain ---------------------------------


def less(x, y) -> bool | None:
    if type(x) is type(y) is Fraction:
        return x < y
    (a, b), (c, d) = ends(x), ends(y)
    return True if b < c else False if a >= d else None


def equal(x, y) -> bool | None:
    if type(x) is type(y) is Fraction:
        return x == y
    (a, b), (c, d) = ends(x), ends(y)
    return False if b < c or d < a else True if a == b == c == d else None


def negation(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def conjunction(truths) -> bool | None:
    """True if all are, False if one is; stops at the first False."""
    result: bool | None = True
    for truth in truths:
        if truth is False:
            return False
        result = result if truth else None
    return result


COMPARISONS: dict[str, Callable] = {
    "<": less,
    ">": lambda x, y: less(y, x),
    "<=": lambda x, y: negation(less(y, x)),
    ">=": lambda x, y: negation(less(x, y)),
    "==": equal,
}


# -- functions ---------------------------------------------------------------------------------


def minimum(x, y):
    (a, b), (c, d) = ends(x), ends(y)
    return interval(min(a, c), min(b, d))


def maximum(x, y):
    (a, b), (c, d) = ends(x), ends(y)
    return interval(max(a, c), max(b, d))


def sign(x):
    return interval(*(Fraction((end > 0) - (end < 0)) for end in ends(x)))


def floor(x):
    return interval(*(end if infinite(end) else Fraction(math.floor(end)) for end in ends(x)))
