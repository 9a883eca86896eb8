"""From a suspicion in floating point to an exact witness, and to a small one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.enclosure import PRECISIONS, Interval, precision
from stabkit.errors import Undecided
from stabkit.falsify.inputs import fluxes_of, steps_of
from stabkit.notions import Notion
from stabkit.schemes import Scheme

Signals = tuple[np.ndarray, ...]
_FEW_STEPS = 5


def exact_margin(scheme: Scheme, notion: Notion, signals: Signals, bits: int = PRECISIONS[-1],
                 first: int = PRECISIONS[0]) -> Fraction | Interval | None:
    """The margin at exact signals: a fraction, an interval of known sign, or None.

    ``None`` means that the sign could not be told with `first` to `bits` bits of precision.
    """
    if not stays_short(scheme):
        signals = tuple(np.array([Interval(x) for x in u], dtype=object) for u in signals)
    for digits in PRECISIONS:
        if not first <= digits <= bits:
            continue
        with precision(digits):
            try:
                margin = notion.margin(*(part for u in signals for part in scheme.pair(u)))
                if isinstance(margin, float):  # the scheme knows floats only
                    return None
                if not isinstance(margin, Interval):
                    return Fraction(margin)
                if margin < 0 or margin >= 0:
                    return margin
            except Undecided:
                continue
    return None


def stays_short(scheme: Scheme) -> bool:
    """Whether exact orbits have few digits; with other fluxes they can triple at every step."""
    return steps_of(scheme) <= _FEW_STEPS or all(
        flux.piecewise_linear for flux in fluxes_of(scheme))


def is_violated(scheme: Scheme, notion: Notion, signals: Signals, bits: int = 256) -> bool:
    """Whether the margin is certainly negative."""
    margin = exact_margin(scheme, notion, signals, bits)
    return margin is not None and margin < 0


class Judge:
    """Whether margins of one scheme are certainly negative, asked again and again in a search.

    It remembers its answers, as the roundings of simple signals agree, and begins with the
    precision that the last signals needed, as those near them need it too.
    """

    def __init__(self, scheme: Scheme, notion: Notion, bits: int = 256):
        self.scheme, self.notion = scheme, notion
        self.precisions = [digits for digits in PRECISIONS if digits <= bits]
        self.known: dict[tuple, bool] = {}

    def __call__(self, signals: Signals) -> bool:
        """Whether the margin of exact signals is certainly negative."""
        key = tuple(tuple(u) for u in signals)
        if key not in self.known:
            self.known[key] = self._decided(signals)
        return self.known[key]

    def _decided(self, signals: Signals) -> bool:
        while True:
            first = self.precisions[0]
            margin = exact_margin(self.scheme, self.notion, signals, first, first)
            if margin is not None:
                return bool(margin < 0)
            if len(self.precisions) == 1:
                return False
            del self.precisions[0]


def rounded(signals: tuple[np.ndarray, ...]) -> Iterator[Signals]:
    """Exact signals near float ones, the simplest first, the floats themselves last."""
    for denominator in (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 32, 64, 100, 256, 1000, 4096, 10**6):
        yield tuple(np.array([Fraction(round(float(x) * denominator), denominator) for x in u],
                             dtype=object) for u in signals)
    yield tuple(np.array([Fraction(float(x)) for x in u], dtype=object) for u in signals)


def confirm(scheme: Scheme, notion: Notion, signals: tuple[np.ndarray, ...]) -> Signals | None:
    """The simplest exact signals near the suspected ones that are certainly a violation."""
    return simplest(signals, lambda near: is_violated(scheme, notion, near))


def simplest(signals: tuple[np.ndarray, ...], violated: Callable[[Signals], bool]
             ) -> Signals | None:
    """The simplest exact signals near the given ones that are a violation, or None."""
    *simple, own = rounded(signals)
    if not violated(own):
        return next((near for near in simple[:8] if violated(near)), None)
    return next((near for near in simple if violated(near)), own)


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


def shrink(signals: Signals, violated: Callable[[Signals], bool], tries: int = 600) -> Signals:
    """Make a witness small: zeros, integers, small denominators.  It stays violated throughout."""
    improved = True
    while improved and tries > 0:
        improved = False
        for candidate in _smaller(signals):
            if cost(candidate) >= cost(signals):
                continue
            tries -= 1
            if violated(candidate):
                signals, improved = candidate, True
                break
            if tries <= 0:
                break
    return signals


def _smaller(signals: Signals) -> Iterator[Signals]:
    yield tuple(-u for u in signals)
    for factor in (2, 3, 4, 5, 10):
        yield tuple(u / factor for u in signals)
        yield tuple(u * factor for u in signals)
    yield from (near for near in rounded(tuple(signals)))
    for which, u in enumerate(signals):
        for place, value in enumerate(u):
            for simpler in _simpler(value):
                changed = u.copy()
                changed[place] = simpler
                yield (*signals[:which], changed, *signals[which + 1:])


def _simpler(value: Fraction) -> Iterator[Any]:
    sign = 1 if value > 0 else -1
    yield from (Fraction(0), Fraction(1), Fraction(sign), Fraction(2 * sign))
    yield Fraction(round(value))
    yield value / 2
    for denominator in (2, 3, 4, 8, 16):
        yield value.limit_denominator(denominator)
    if abs(value) > 1:
        yield value - sign
