"""A step that cannot be proved: single steps are searched in floats, what breaks is reported."""

from __future__ import annotations

from fractions import Fraction
from time import monotonic

import numpy as np

from stabkit.aliases import Function
from stabkit.errors import UNFIT, InvalidArgument, StabkitError, Undecided, in_words
from stabkit.schemes.foreign_steps import Habits
from stabkit.stability.falsify.computed import Computed
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.falsify.search import search
from stabkit.stability.notions import Notion
from stabkit.stability.sharpness.bisection import bisect
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.verdict import Evidence
from stabkit.time_limit import time_is_over, time_limit

_SCALES = 12  # factors of two on either side of the start
_APART = 3
_HALVINGS = 9
_MOST = 2000  # trials at one step
BEYOND = (Fraction(1001, 1000), Fraction(11, 10), Fraction(3, 2), Fraction(3))
_SECONDS, _BRIEF = 20, 5  # of a search at all steps, and beyond proved ones,
_KEPT, _BRIEFLY = 1, 0.3   # of which each single step has so many for certain
_ENTRIES = 4096  # beyond them few signals are tried


def search_smallest(function: Function, notion: Notion, shape: tuple[int, ...], *,
                    start: Fraction, trials: int, seed: int, name: str, reason: str) -> StepBound:
    """The smallest step within a factor of 4096 of a start at which a signal breaks the notion.

    Nothing is proved.  A refutation is of the numbers that the function returns, with an allowance
    for their rounding.
    """
    grid = [start * Fraction(2)**k for k in range(-_SCALES, _SCALES + 1, _APART)]
    hunt = _Hunt(function, notion, shape, min(trials, _MOST), seed, _SECONDS, _KEPT,
                 len(grid) + _HALVINGS)
    return _search_grid(hunt, grid, name, reason)


def _search_grid(hunt: _Hunt, grid: list[Fraction], name: str, reason: str) -> StepBound:
    lines = [f"not proved: {reason}"]
    broken = next((k for k, dt in enumerate(grid) if hunt.breaks(dt)), None)
    ends = (grid[0], grid[-1])
    if broken is None and hunt.refused is not None and not hunt.trials:
        raise InvalidArgument(f"step: the function raises {in_words(hunt.refused)} for an array of "
                              f"shape {hunt.shape}, at every step that was tried") from hunt.refused
    if hunt.is_cut:
        lines.append(f"the search was ended at some steps, as it may take {_SECONDS} seconds in "
                     "all; a smaller shape is searched better")
    if broken is None:
        lines.append(f"searched in floats at {len(grid)} steps, {hunt.trials} trials, and nothing "
                     "was found against it")
        return StepBound(hunt.notion.name, (), (), searched=ends, variable=name, lines=tuple(lines))
    low = grid[broken]
    if broken:
        low = bisect(lambda dt: not hunt.breaks(dt), grid[broken], grid[broken - 1],
                     _HALVINGS)[0]
    signals = hunt.found[low]
    below = f"below it nothing was found from {float(grid[0]):.3g} on" if broken else \
        "it is the smallest step that was tried"
    lines.append(f"searched in floats, {hunt.trials} trials with seed {hunt.seed}: {below}")
    evidence = (Evidence("trials", "float64", {"trials": hunt.trials, "seed": hunt.seed,
                                               "worst": hunt.worst(low)}),)
    return StepBound(hunt.notion.name, (), ((low, low),), witness=evidence, searched=ends,
                     signals=signals, variable=name, lines=tuple(lines))


def find_broken_step(function: Function, notion: Notion, shape: tuple[int, ...],
                     top: Fraction, trials: int, seed: int
                     ) -> tuple[Fraction, Signals, Evidence] | None:
    """A step not far beyond `top` at which a signal breaks the notion, with what was tried."""
    hunt = _Hunt(function, notion, shape, trials, seed, _BRIEF, _BRIEFLY, len(BEYOND))
    for factor in BEYOND:
        dt = top * factor
        if hunt.breaks(dt):
            return dt, hunt.found[dt], Evidence("trials", "float64", {
                "trials": hunt.trials, "seed": hunt.seed, "worst": hunt.worst(dt)})
    return None


def as_scheme(function: Function, shape: tuple[int, ...], dt: Fraction | None) -> Computed:
    """A step of arrays of some shape as a scheme of flat signals; without dt, ``step(u)``."""
    args = () if dt is None else (float(dt),)

    def step(u: np.ndarray) -> np.ndarray:
        return np.asarray(function(u.reshape(shape), *args)).reshape(-1)

    step.__qualname__ = getattr(function, "__qualname__", "step")
    return Computed(step, int(np.prod(shape)))


def first_answer(function: Function, shape: tuple[int, ...], dt: Fraction | None) -> Habits | None:
    """What a function answers before all else, to be compared with what it answers later.

    None where it does not answer; who uses it tells why.
    """
    try:
        scheme = as_scheme(function, shape, dt)
        ramp = 1 + np.arange(scheme.size) / 8
        first, habits = scheme.value(ramp), Habits(scheme, ramp)
    except (*UNFIT, StabkitError, MemoryError):
        return None
    if np.isnan(first).all():
        raise InvalidArgument("step: it gives nan or inf for finite numbers")
    return habits


class _Hunt:
    """Searches at several steps within some seconds, of which `kept` are left for each to come.

    The steps that are looked at first are often good, and would take all the time.
    """

    def __init__(self, function: Function, notion: Notion, shape: tuple[int, ...],
                 trials: int, seed: int, seconds: float, kept: float, searches: int):
        self.until, self.is_cut = monotonic() + seconds, False
        self.kept, self.searches = kept, searches
        self.function, self.notion, self.shape = function, notion, shape
        self.most, self.seed, self.trials = trials, seed, 0
        self.found: dict[Fraction, Signals] = {}
        self.refused: Exception | None = None

    def breaks(self, dt: Fraction) -> bool:
        """Whether a signal is found that breaks the notion at a step."""
        self.searches -= 1
        with time_limit(self.until - self.kept * max(0, self.searches)):
            found = self._breaks(dt)
            self.is_cut |= not found and time_is_over()
        return found

    def _breaks(self, dt: Fraction) -> bool:
        scheme = as_scheme(self.function, self.shape, dt)
        few = self.most if scheme.size <= _ENTRIES else max(10, self.most * _ENTRIES // scheme.size)

        def violates(signals: Signals) -> bool:
            try:
                return scheme.violates(self.notion, signals)
            except Undecided:
                return False

        for signals in self.found.values():  # what broke another step often breaks this one
            if violates(signals):
                self.found[dt] = signals
                return True
        try:
            found = search(scheme, self.notion, trials=few, seed=self.seed, violated=violates)
        except UNFIT as error:  # the function refuses this step
            if isinstance(error, StabkitError) and not isinstance(error, Undecided):
                raise
            self.refused = error
            return False
        self.trials += found.trials
        if found.witness is None:
            return False
        self.found[dt] = found.witness
        return True

    def worst(self, dt: Fraction) -> float | None:
        scheme = as_scheme(self.function, self.shape, dt)
        margin = float(np.ravel(self.notion.margins(*(
            part for u in self.found[dt]
            for part in (u.astype(float)[None], scheme.pair(u.astype(float)[None])[1]))))[0])
        return margin if np.isfinite(margin) else None
