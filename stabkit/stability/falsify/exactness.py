"""From a suspicion in floating point to an exact witness, and to a small one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np

from stabkit.arithmetic.enclosure import PRECISIONS, Interval, precision
from stabkit.errors import UNFIT, NoValue, Undecided, in_words
from stabkit.schemes import Scheme
from stabkit.stability.notions import Notion
from stabkit.time_limit import time_is_over

Signals = tuple[np.ndarray, ...]
LARGEST = 2048  # unknowns of what is evaluated exactly
_FEW_STEPS = 5
_BLOCK = 8  # entries that are emptied together; fewer are simplified one by one


def exact_margin(scheme: Scheme, notion: Notion, signals: Signals, bits: int = PRECISIONS[-1],
                 first: int = PRECISIONS[0]) -> Fraction | Interval | None:
    """The margin at exact signals: a fraction, an interval of known sign, or None.

    ``None`` means that the sign could not be told with `first` to `bits` bits of precision.
    """
    return judge_margin(scheme, notion, signals, bits, first)[0]


def judge_margin(scheme: Scheme, notion: Notion, signals: Signals, bits: int = PRECISIONS[-1],
                 first: int = PRECISIONS[0]) -> tuple[Fraction | Interval | None, str]:
    """The margin as :func:`exact_margin` gives it, and where it is None the reason."""
    if not scheme.exact:
        return None, "a function is known in floating point only"
    if scheme.size > LARGEST:
        return None, f"nothing is evaluated exactly beyond {LARGEST} unknowns"
    if not stays_short(scheme):
        signals = tuple(np.array([Interval(x) for x in u], dtype=object) for u in signals)
    for digits in PRECISIONS:
        if not first <= digits <= bits:
            continue
        with precision(digits):
            try:
                margin = notion.margin(*(part for u in signals for part in scheme.pair(u)))
                if not isinstance(margin, Interval):
                    return (None, "its margin is a float") if isinstance(margin, float) else \
                        (Fraction(margin), "")
                if margin < 0 or margin >= 0:
                    return margin, ""
            except NoValue as nothing:
                return None, str(nothing)
            except Undecided:
                continue
            except (*UNFIT, MemoryError) as error:
                return None, f"it cannot be evaluated exactly: {in_words(error)}"
    return None, f"{min(bits, PRECISIONS[-1])} bits do not tell the sign of the margin"


def stays_short(scheme: Scheme) -> bool:
    """Whether exact orbits have few digits; with other fluxes they can triple at every step."""
    return scheme.inner_steps <= _FEW_STEPS or all(
        flux.piecewise_linear for flux in scheme.fluxes)


def is_violated(scheme: Scheme, notion: Notion, signals: Signals, bits: int = 256) -> bool:
    """Whether the margin is certainly negative."""
    margin = exact_margin(scheme, notion, signals, bits)
    return margin is not None and margin < 0


class Judge:
    """Whether margins of one scheme are certainly negative, asked again and again in a search.

    It remembers its answers, as the roundings of simple signals agree, and begins with the
    precision that the last signals needed, as those near them need it too.

    Attributes
    ----------
    reason : str
        Why signals could not be judged; empty as long as all could.
    able : bool
        False where no signals can be judged, so that none need be written exactly.
    """

    def __init__(self, scheme: Scheme, notion: Notion, bits: int = 256):
        self.scheme, self.notion, self.reason = scheme, notion, ""
        self.precisions = [digits for digits in PRECISIONS if digits <= bits]
        self.known: dict[tuple, bool | None] = {}
        self.able = scheme.exact and scheme.size <= LARGEST
        if not self.able:
            self.reason = judge_margin(scheme, notion, ())[1]

    def __call__(self, signals: Signals) -> bool | None:
        """Whether the margin of exact signals is negative; None if that cannot be told."""
        if not self.able:
            return None
        if time_is_over():
            self.reason = "the time is over"
            return None
        key = tuple(tuple(u) for u in signals)
        if key not in self.known:
            self.known[key] = self._decide(signals)
        return self.known[key]

    def holds(self, signals: Signals) -> bool | None:
        """Whether the margin is not negative, with all bits, which takes long; None as above."""
        if time_is_over():
            return None
        margin, reason = judge_margin(self.scheme, self.notion, signals)
        self.reason = reason or self.reason
        return None if margin is None else not margin < 0

    def _decide(self, signals: Signals) -> bool | None:
        while True:
            first = self.precisions[0]
            margin, reason = judge_margin(self.scheme, self.notion, signals, first, first)
            if margin is not None:
                return bool(margin < 0)
            if len(self.precisions) == 1:
                self.reason = reason
                return None
            del self.precisions[0]


def exact_signals_near(signals: tuple[np.ndarray, ...]) -> Iterator[Signals]:
    """Exact signals near float ones, the simplest first, the floats themselves last."""
    for denominator in (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 32, 64, 100, 256, 1000, 4096, 10**6):
        yield tuple(np.array([Fraction(round(float(x) * denominator), denominator) for x in u],
                             dtype=object) for u in signals)
    yield as_fractions(signals)


def as_fractions(signals: tuple[np.ndarray, ...]) -> Signals:
    """Float signals as the fractions that they are."""
    return tuple(np.array([Fraction(float(x)) for x in u], dtype=object) for u in signals)


def confirm(scheme: Scheme, notion: Notion, signals: tuple[np.ndarray, ...]) -> Signals | None:
    """The simplest exact signals near the suspected ones that are certainly a violation."""
    return simplest(signals, lambda near: is_violated(scheme, notion, near))


def simplest(signals: tuple[np.ndarray, ...], violated: Callable[[Signals], bool | None]
             ) -> Signals | None:
    """The simplest exact signals near the given ones that are a violation, or None."""
    own = as_fractions(signals)
    if not violated(own):
        return next((near for near in islice(exact_signals_near(signals), 8) if violated(near)),
                    None)
    return next((near for near in exact_signals_near(signals) if violated(near)), own)


def cost(signals: Signals) -> int:
    """How much there is to write down: bits of numerators and denominators, minus signs."""
    return sum(length(x.numerator, x.denominator) for u in signals for x in u)


def length(numerator: int, denominator: int) -> int:
    """How much there is to write down of one fraction."""
    return 2 * numerator.bit_length() + 4 * (denominator.bit_length() - 1) + (numerator < 0)


def lengths(x: np.ndarray) -> np.ndarray:
    """:func:`length` of every float, each being a fraction."""
    mantissa, exponent = np.frexp(x)
    whole = np.ldexp(mantissa, 53).astype(np.int64)  # of 53 bits, or 0
    zeros = np.frexp((whole & -whole).astype(float))[1] - 1
    power = np.where(whole == 0, 0, exponent - 53 + zeros)
    bits = np.where(whole == 0, 0, 53 - zeros) + np.maximum(power, 0)
    return 2 * bits + 4 * np.maximum(-power, 0) + (x < 0)


def shrink(signals: Signals, violated: Callable[[Signals], bool | None], tries: int = 600
           ) -> Signals:
    """Make a witness small: zeros, integers, small denominators.  It stays violated throughout."""
    signals, tries = _empty(signals, violated, tries)
    improved = True
    while improved and tries > 0 and not time_is_over():
        improved = False
        for candidate in _smaller(signals):
            tries -= 1
            if violated(candidate):
                signals, improved = candidate, True
                break
            if tries <= 0 or time_is_over():
                break
    return signals


def _empty(signals: Signals, violated: Callable[[Signals], bool | None], tries: int
           ) -> tuple[Signals, int]:
    """Zeros in halves, quarters, ... of the signals, and how many tries are left."""
    n = len(signals[0])
    length = n // 2
    while length >= _BLOCK:
        for start in range(0, n, length):
            here = slice(start, start + length)
            if tries <= 0 or time_is_over() or not any(u[here].any() for u in signals):
                continue
            tries -= 1
            changed = tuple(u.copy() for u in signals)
            for u in changed:
                u[here] = Fraction(0)
            if violated(changed):
                signals = changed
        length //= 2
    return signals, tries


def _smaller(signals: Signals) -> Iterator[Signals]:
    """Signals that are shorter to write down than the given ones."""
    total = cost(signals)
    for candidate in _multiples(signals):
        if cost(candidate) < total:
            yield candidate
    for which, u in enumerate(signals):
        for place, value in enumerate(u):
            own = length(value.numerator, value.denominator)
            for simpler in _simpler(value) if own else ():
                if length(simpler.numerator, simpler.denominator) < own:
                    changed = u.copy()
                    changed[place] = simpler
                    yield (*signals[:which], changed, *signals[which + 1:])


def _multiples(signals: Signals) -> Iterator[Signals]:
    yield tuple(-u for u in signals)
    for factor in (2, 3, 4, 5, 10):
        yield tuple(u / factor for u in signals)
        yield tuple(u * factor for u in signals)
    yield from exact_signals_near(signals)


def _simpler(value: Fraction) -> Iterator[Any]:
    sign = 1 if value > 0 else -1
    yield from (Fraction(0), Fraction(1), Fraction(sign), Fraction(2 * sign))
    yield Fraction(round(value))
    yield value / 2
    for denominator in (2, 3, 4, 8, 16):
        yield value.limit_denominator(denominator)
    if abs(value) > 1:
        yield value - sign
