"""Where no formula tells the set of steps: a scan over the scales, and bisection in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from stabkit.stability.certificates.smaller_steps import ALL, NONE, SMALLER, reach
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.sharpness.bisection import bisect
from stabkit.stability.sharpness.family import Family
from stabkit.stability.sharpness.signs import simplest
from stabkit.stability.verdict import PROVED, REFUTED, Status
from stabkit.time_limit import time_is_over

#: The steps that are looked at are start · 2ᵏ with |k| up to it, a factor of 10⁶ on either side.
SCALES = 20
_PIECES = 400  # intervals of steps that are tried with a witness
_FINEST = Fraction(1, 2**14)


@dataclass
class Found:
    """The sets that a scan comes to, in increasing order."""

    proved: list[tuple[Fraction, Fraction | None]] = field(default_factory=list)
    refuted: list[tuple[Fraction, Fraction | None]] = field(default_factory=list)


def scan_steps(family: Family, start: Fraction, halvings: int) -> Found:
    """The proved and the refuted steps within a factor of 2^20 of a start, and beyond if shown."""
    scan = _Scan(family, [start * Fraction(2)**k for k in range(-SCALES, SCALES + 1)], halvings)
    return scan.run()


class _Scan:
    def __init__(self, family: Family, grid: list[Fraction], halvings: int):
        self.family, self.grid, self.halvings = family, grid, halvings
        self.opened = family.with_open_step()
        self.found = Found()

    def status(self, tau: Fraction) -> Status:
        return self.family.outcome(tau).status

    def run(self) -> Found:
        number: int | None = self.settle_by_certificates()
        while number is not None and number < len(self.grid) and not time_is_over():
            status = self.status(self.grid[number])
            if status is REFUTED:
                number = self.refute(number)
            elif status is PROVED:
                number = self.prove(number)
            else:
                number += 1
        return self.found

    def settle_by_certificates(self) -> int | None:
        """Settle the steps below a certificate; return where to go on, or None if nowhere."""
        if self.opened is None:
            return 0
        last = self.last_certificate()
        if last is None:
            return 0
        if last == len(self.grid):
            if not self.holds_below(self.grid[-1], ALL):
                return 0
            self.found.proved.append((Fraction(0), None))
            return None
        top = single = self.grid[last]
        if last + 1 < len(self.grid):
            beyond, single = bisect(self.proves, self.grid[last + 1], top, self.halvings)
            simple = simplest(single, beyond)
            single = simple if simple != beyond and self.proves(simple) else single
            top = single if self.reaches(single) else \
                bisect(self.reaches, single, top, self.halvings)[1]
        if not self.holds_below(top, SMALLER):
            return 0
        self.found.proved.append((Fraction(0), top))
        if single != top:  # by a certificate that says nothing about the steps between
            self.found.proved.append((single, single))
        return last + 1

    def proves(self, tau: Fraction) -> bool:
        return self.status(tau) is PROVED

    def reaches(self, tau: Fraction) -> bool:
        """Whether a step is proved by a certificate that covers all smaller ones."""
        return self.reach(tau) >= SMALLER and self.proves(tau)

    def reach(self, tau: Fraction) -> int:
        return NONE if self.opened is None else \
            reach(self.family.at(tau), self.opened, self.family.notion)

    def holds_below(self, top: Fraction, least: int) -> bool:
        return all(self.reach(tau) >= least for tau in self.family.samples(top))

    def last_certificate(self) -> int | None:
        """The last step of the grid with such a certificate; its length if all steps have it."""
        middle, top = len(self.grid) // 2, len(self.grid) - 1
        if self.reach(self.grid[middle]) == ALL and self.reaches(self.grid[middle]):
            return len(self.grid)
        low, high = -1, top + 1
        tried, width = middle, 1
        while low + 1 < high:  # outwards from the start, then halving
            if self.reaches(self.grid[tried]):
                low = tried
            else:
                high = tried
            if low >= 0 and high <= top:
                tried = (low + high) // 2
            else:
                tried = min(low + width, top) if high > top else max(high - width, 0)
                width *= 2
        return None if low < 0 else low

    def end_of_run(self, number: int) -> int:
        """Where the steps of the grid that are decided as one of them, from it on, end."""
        after = number + 1
        while after < len(self.grid) and \
                self.status(self.grid[after]) is self.status(self.grid[number]):
            after += 1
        return after

    def edge(self, inside: int, outside: int) -> Fraction:
        """The last step that is decided as one of the grid is, towards its neighbour."""
        if not 0 <= outside < len(self.grid):
            return self.grid[inside]
        status, beyond = self.status(self.grid[inside]), self.grid[outside]
        if self.status(beyond) is status:
            return self.grid[inside]
        if self.found.proved and status is REFUTED and outside < inside:
            beyond = max(beyond, self.found.proved[-1][1] or beyond)
        return bisect(lambda tau: self.status(tau) is status, beyond, self.grid[inside],
                      self.halvings)[1]

    def prove(self, number: int) -> int:
        """Steps that are proved one by one: the ends of their run, as points."""
        after = self.end_of_run(number)
        self.found.proved += self.ends(number, after)
        return after

    def ends(self, number: int, after: int) -> list[tuple[Fraction, Fraction]]:
        start = self.grid[len(self.grid) // 2]
        points = {self.edge(number, number - 1), self.edge(after - 1, after),
                  *(tau for tau in self.grid[number:after] if tau == start)}
        return [(tau, tau) for tau in sorted(points)]

    def refute(self, number: int) -> int:
        """Spread a refutation upwards from its first step; return where to go on."""
        if self.opened is None:
            after = self.end_of_run(number)
            self.found.refuted += self.ends(number, after)
            return after
        high: Fraction | None = None
        for low in dict.fromkeys((self.edge(number, number - 1), self.grid[number])):
            high = self.spread(low)
            before = self.found.refuted[-1][1] if self.found.refuted else None
            if before is not None and before >= low:
                low = self.found.refuted.pop()[0]
            self.found.refuted.append((low, high))
            if high is None:
                return len(self.grid)
            if high >= self.grid[number]:
                break
        return next((after for after in range(number, len(self.grid))
                     if high is None or self.grid[after] > high), len(self.grid))

    def spread(self, low: Fraction) -> Fraction | None:
        """How far upwards a few fixed witnesses break the notion for every step; None: for all.

        What the open step says is compared with the scheme at some of these steps.
        """
        witnesses: list[Signals] = []
        high = self.reach_from(low, witnesses)
        top = 2 * self.grid[-1] if high is None else high
        between = [low + tau for tau in self.family.samples(top - low)[::4]] if top > low else []
        return high if all(any(self.family.breaks_at(signals, tau) for signals in witnesses)
                           for tau in between) else low

    def reach_from(self, low: Fraction, witnesses: list[Signals]) -> Fraction | None:
        reached, limit = low, 2 * self.grid[-1]
        width = low / 64
        for _ in range(_PIECES):
            if not witnesses or width < reached * _FINEST:
                outcome = self.family.outcome(reached)
                if outcome.status is not REFUTED or not outcome.signals or \
                        len(witnesses) > 4:
                    break
                witnesses.insert(0, outcome.signals)
                width = reached / 64
            if self.breaks(witnesses, reached, None):
                return None
            if reached >= limit:
                break
            if self.breaks(witnesses, reached, reached + width):
                reached, width = reached + width, 2 * width
            else:
                width /= 4
        return reached

    def breaks(self, witnesses: list[Signals], low: Fraction, high: Fraction | None) -> bool:
        return any(self.family.is_violated(signals, low, high) for signals in witnesses)
