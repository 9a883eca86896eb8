"""Enclosures: intervals with proven endpoints, in Arb arithmetic.

An :class:`Interval` stands for one unknown real number between two exact endpoints, which may be
infinite.  Every operation rounds outward.  A comparison answers only when it holds, or fails, for
all numbers of both sides; otherwise it raises :class:`~stabkit.errors.Undecided`: raise the
precision, or split, never guess.

Object arrays of intervals take part in NumPy expressions: ``np.exp`` and ``np.sqrt`` call the
methods below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import reduce

from flint import arb

from stabkit.aliases import Operand, Scalar
from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.errors import InvalidArgument, NoValue, Undecided
from stabkit.replay.precision import precision  # the one lock on it, also for enclosures

__all__ = ["PRECISIONS", "USUAL", "Interval", "pi", "precision", "to_fraction"]

USUAL = 53  # bits of precision unless another is set
PRECISIONS = (64, 128, 256, 512, 1024, 2048, 4096)

ZERO = arb(0)
ONE = arb(1)
INFINITY = arb.pos_inf()
HUGE = arb((1, 1 << 20))  # beyond it, and next to 0, a fraction would fill the memory
TINY = arb((1, -(1 << 20)))


def to_fraction(value: arb) -> Fraction:
    """The exact value of an endpoint."""
    if not value.is_finite():
        raise InvalidArgument("interval: an infinite end is no fraction; ask is_finite first, or "
                              "take lo and hi")
    if (-TINY < value < TINY and value != ZERO) or not -HUGE <= value <= HUGE:
        raise Undecided("an end has too many digits for a fraction")
    return from_fmpq(value.fmpq())


def _shorter(end: arb, up: bool) -> arb:
    """An end, or one outward of it with fewer digits where it is next to 0 or immense."""
    if -TINY < end < TINY and end != ZERO:
        outward = TINY if up else -TINY
        return outward if (end > ZERO) is up else ZERO
    if end.is_finite() and (end < -HUGE if up else end > HUGE):
        return -HUGE if up else HUGE
    return end


def _ball(value: Scalar) -> arb:
    if type(value) is arb:
        return value
    if isinstance(value, (int, float)):
        return arb(value)
    if isinstance(value, Fraction):
        return arb(to_fmpq(value))
    raise InvalidArgument(f"interval: cannot enclose {value!r} (type {type(value).__name__})")


def _times(x: arb, y: arb) -> arb:
    # Endpoints bound a product of real numbers, so 0 * inf is 0 here.
    return ZERO if x.is_zero() or y.is_zero() else x * y


class Interval:
    """A real number known to lie in [lower, upper].

    Parameters
    ----------
    lower, upper : int, Fraction, float or arb
        The endpoints; rounded outward where they are not dyadic.  `upper` defaults to `lower`.
    """

    __slots__ = ("hi", "lo")

    def __init__(self, lower: Scalar, upper: Scalar = None):
        lower = _ball(lower)
        upper = lower if upper is None else _ball(upper)
        if lower.is_nan() or (upper is not lower and (upper.is_nan() or upper < lower)):
            raise InvalidArgument(f"interval: [{lower}, {upper}] has no elements")
        self.lo, self.hi = _down(lower), _up(upper)

    @classmethod
    def _of(cls, lo: arb, hi: arb) -> Interval:
        made = object.__new__(cls)
        made.lo, made.hi = _down(lo), _up(hi)
        return made

    # -- facts ---------------------------------------------------------------------------------
    @property
    def is_finite(self) -> bool:
        return self.lo.is_finite() and self.hi.is_finite()

    @property
    def lower(self) -> Fraction:
        return to_fraction(_shorter(self.lo, False))

    @property
    def upper(self) -> Fraction:
        return to_fraction(_shorter(self.hi, True))

    @property
    def width(self) -> float:
        return float((self.hi - self.lo).upper())

    def overlaps(self, other: Operand) -> bool:
        other = as_interval(other)
        return not (self.hi < other.lo or other.hi < self.lo)

    def hull(self, other: Operand) -> Interval:
        other = as_interval(other)
        return Interval._of(_least((self.lo, other.lo)), _greatest((self.hi, other.hi)))

    def __repr__(self) -> str:
        return f"[{_text(self.lo)}, {_text(self.hi)}]"

    def __float__(self) -> float:
        return float((self.lo + self.hi) / 2)

    # -- comparisons: certain or Undecided -----------------------------------------------------
    def __lt__(self, other: Operand) -> bool:
        other = as_interval(other)
        if self.hi < other.lo:
            return True
        if self.lo >= other.hi:
            return False
        raise Undecided(f"{self} < {other}")

    def __le__(self, other: Operand) -> bool:
        other = as_interval(other)
        if self.hi <= other.lo:
            return True
        if self.lo > other.hi:
            return False
        raise Undecided(f"{self} <= {other}")

    def __gt__(self, other: Operand) -> bool:
        return as_interval(other) < self

    def __ge__(self, other: Operand) -> bool:
        return as_interval(other) <= self

    def __eq__(self, other: Operand) -> bool:
        other = as_interval(other)
        if not self.overlaps(other):
            return False
        if self.lo == self.hi == other.lo == other.hi:
            return True
        raise Undecided(f"{self} == {other}")

    def __ne__(self, other: Operand) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"

    # -- arithmetic ----------------------------------------------------------------------------
    def __add__(self, other: Operand) -> Interval:
        other = _operand(other)
        return other if other is NotImplemented else Interval._of(
            self.lo + other.lo, self.hi + other.hi)

    __radd__ = __add__

    def __neg__(self) -> Interval:
        return Interval._of(-self.hi, -self.lo)

    def __pos__(self) -> Interval:
        return self

    def __sub__(self, other: Operand) -> Interval:
        other = _operand(other)
        return other if other is NotImplemented else Interval._of(
            self.lo - other.hi, self.hi - other.lo)

    def __rsub__(self, other: Operand) -> Interval:
        return -self + other

    def __mul__(self, other: Operand) -> Interval:
        other = _operand(other)
        if other is NotImplemented:
            return other
        ends = [_times(x, y) for x in self._ends() for y in other._ends()]
        return Interval._of(_least(ends), _greatest(ends))

    def _ends(self) -> tuple[arb, ...]:
        # An exact number needs one end only.
        return (self.lo,) if self.lo is self.hi else (self.lo, self.hi)

    __rmul__ = __mul__

    def reciprocal(self) -> Interval:
        if self.lo.is_zero() and self.hi.is_zero():
            raise NoValue("1/0")
        if self.lo > ZERO or self.hi < ZERO:
            return Interval._of(ONE / self.hi, ONE / self.lo)
        if self.lo.is_zero() and self.hi > ZERO:
            return Interval._of(ONE / self.hi, INFINITY)
        if self.hi.is_zero() and self.lo < ZERO:
            return Interval._of(-INFINITY, ONE / self.lo)
        return Interval._of(-INFINITY, INFINITY)

    def __truediv__(self, other: Operand) -> Interval:
        other = _operand(other)
        return other if other is NotImplemented else self * other.reciprocal()

    def __rtruediv__(self, other: Operand) -> Interval:
        other = _operand(other)
        return other if other is NotImplemented else other * self.reciprocal()

    def __pow__(self, exponent: int) -> Interval:
        if not isinstance(exponent, int):
            return NotImplemented
        if exponent < 0:
            return (self ** -exponent).reciprocal()
        if exponent % 2 == 0:
            size = abs(self)
            return Interval._of(size.lo ** exponent, size.hi ** exponent)
        return Interval._of(self.lo ** exponent, self.hi ** exponent)

    def __abs__(self) -> Interval:
        if self.lo >= ZERO:
            return self
        if self.hi <= ZERO:
            return -self
        return Interval._of(ZERO, _greatest((-self.lo, self.hi)))

    def lesser(self, other: Operand) -> Interval:
        """The smaller of two numbers."""
        other = as_interval(other)
        return Interval._of(_least((self.lo, other.lo)), _least((self.hi, other.hi)))

    min = lesser

    def max(self, other: Operand) -> Interval:
        """The larger of two numbers."""
        return -((-self).lesser(-as_interval(other)))

    def sign(self) -> Interval:
        """-1, 0 or 1."""
        return self._monotone_image(arb.sgn)

    def floor(self) -> Interval:
        """The largest integer that is not above it."""
        return self._monotone_image(lambda x: x.floor() if x.is_finite() else x)

    # -- functions, named as NumPy's ufuncs call them ---------------------------------------------
    def _monotone_image(self, f: Callable[[arb], arb]) -> Interval:
        return Interval._of(f(self.lo), f(self.hi))

    def exp(self) -> Interval:
        return self._monotone_image(lambda x: ZERO if x == -INFINITY else x.exp())

    def sqrt(self) -> Interval:
        if self.lo < ZERO:
            raise Undecided(f"sqrt of {self}, which is not known to be nonnegative")
        return self._monotone_image(arb.sqrt)

    def log(self) -> Interval:
        if self.lo < ZERO:
            raise Undecided(f"log of {self}, which is not known to be nonnegative")
        return self._monotone_image(lambda x: -INFINITY if x.is_zero() else x.log())

    def tanh(self) -> Interval:
        return self._monotone_image(_tanh)

    def arctan(self) -> Interval:
        return self._monotone_image(arb.atan)

    def erf(self) -> Interval:
        return self._monotone_image(_erf)

    def decay(self, k: int) -> Interval:
        """xᵏ e⁻ˣ of a nonnegative x, which rises up to x = k and falls beyond."""
        if self.lo < ZERO:
            raise Undecided(f"decay of {self}, which is not known to be nonnegative")
        ends = [ZERO if not x.is_finite() else x**k * (-x).exp() for x in (self.lo, self.hi)]
        peak = arb(k)
        if self.lo < peak < self.hi:
            return Interval._of(_least(ends), peak**k * (-peak).exp())
        return Interval._of(_least(ends), _greatest(ends))

    def sin(self) -> Interval:
        """Sine."""
        return self._wave(arb.sin)

    def cos(self) -> Interval:
        """Cosine; sharp inside [0, pi], where it decreases."""
        if self.lo >= ZERO and self.hi <= arb.pi():
            return Interval._of(self.hi.cos(), self.lo.cos())
        return self._wave(arb.cos)

    def _wave(self, f: Callable[[arb], arb]) -> Interval:
        # Of a wide or infinite interval only [-1, 1] is known.
        if not self.is_finite:
            return Interval(-1, 1)
        image = f(self.lo.union(self.hi))
        return Interval._of(_greatest((image.lower(), -ONE)), _least((image.upper(), ONE)))


def _tanh(x: arb) -> arb:
    if x.is_finite():
        return x.tanh()
    return ONE if x > ZERO else -ONE


def _erf(x: arb) -> arb:
    if x.is_finite():
        return x.erf()
    return ONE if x > ZERO else -ONE


def pi() -> Interval:
    """π, in the current precision."""
    return Interval(arb.pi())


def _text(x: arb) -> str:
    return x.str(8, radius=False) if x.is_finite() else ("inf" if x > ZERO else "-inf")


def _down(x: arb) -> arb:
    if x.is_nan():  # as of inf - inf: nothing is known
        return -INFINITY
    return x if x.is_exact() else x.lower()


def _up(x: arb) -> arb:
    if x.is_nan():
        return INFINITY
    return x if x.is_exact() else x.upper()


def _least(values: Sequence[arb]) -> arb:
    best = _down(values[0])
    for value in values[1:]:
        value = _down(value)
        best = value if value < best else best
    return best


def _greatest(values: Sequence[arb]) -> arb:
    best = _up(values[0])
    for value in values[1:]:
        value = _up(value)
        best = value if value > best else best
    return best


def hull_of(values: Sequence[Scalar]) -> Scalar:
    """A single value as it is, or the smallest interval around several."""
    first, *others = values
    for other in others:
        first = as_interval(first).hull(other)
    return first


def largest_of(values: Sequence[Interval]) -> Interval:
    """The largest of some numbers: above every lower end, and below the largest upper one."""
    return reduce(Interval.max, values)


def from_ball(ball: arb) -> Interval:
    """The interval of a ball."""
    return Interval(ball.lower(), ball.upper())


def has_intervals(values: Iterable[Scalar]) -> bool:
    """Whether any of the numbers is an interval."""
    return any(isinstance(value, Interval) for value in values)


def as_interval(value: Scalar) -> Interval:
    """A number as an interval."""
    return value if isinstance(value, Interval) else Interval(value)


def _operand(value: Scalar):
    if isinstance(value, Interval):
        return value
    if isinstance(value, (Fraction, int, float)):
        return Interval(value)
    return NotImplemented
