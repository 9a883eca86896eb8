"""The search for a violation: structured signals, random signals, ascent, exact re-check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stabkit.arithmetic.backend import from_host, namespace, to_host
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.schemes import Function, Scheme
from stabkit.schemes.foreign_steps import Habits
from stabkit.stability.falsify.exactness import (
    Judge,
    Signals,
    as_fractions,
    lengths,
    shrink,
    simplest,
)
from stabkit.stability.falsify.inputs import (
    across,
    amplitudes,
    near_alternation,
    neighbours,
    remote,
    structured,
)
from stabkit.stability.falsify.linear import linear_violation
from stabkit.stability.falsify.mass import WORTH_COMPILING, has_compiled_search, worst_trials
from stabkit.stability.notions import SIGN, Notion
from stabkit.time_limit import time_is_limited, time_is_over

_BATCH = 4096
SUSPICIOUS = 1e-9  # a float margin below it is looked at exactly; integers need no slack
_RECHECKED = 6
_TIE = 1e-12  # so close to zero it is mostly an equality, of which a few are looked at
_TIES = 12
_ALL_BITS = 12  # suspicions that are looked at with all bits, before one of them stands
_ROUNDS, _MOVES = 60, 64  # of an ascent, and tried in each of its rounds
_SMALLEST = 1e-8  # relative size of a move that is tried
_SHARES = np.array([0.3, 1.0])  # of the entries, that a move changes
_DRAWN = 1 << 21  # numbers that are drawn ahead
_WORK = 1 << 24  # numbers in the signals of one kind: long signals are fewer
_EXACT = 1 << 16  # numbers of the signals that are judged to make one small
_SHORT_BATCH = 256
_ROOM = 1 << 22  # numbers in a batch


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes
    ----------
    witness : tuple of ndarray or None
        Exact signals that are certainly a violation.
    trials : int
    worst : float
        Smallest relative margin met, in floating point; 0 where exact arithmetic finds none below.
    suspect : tuple of ndarray or None
        Without a witness, the float signals that look worst of those that could not be judged.
    reason : str
        What they look like, and why they could not.
    habits : str
        What is to be said of a step by others, such as that it changes its input in place.
    """

    witness: Signals | None
    trials: int
    worst: float
    suspect: tuple[np.ndarray, ...] | None = None
    reason: str = ""
    habits: str = ""


def search(scheme: Scheme, notion: Notion, *, trials: int, seed: int,
           extra: np.ndarray | None = None,
           violated: Callable[[Signals], bool | None] | None = None) -> Search:
    """Look for a signal (or a pair) on which `scheme` violates `notion`.

    Parameters
    ----------
    scheme, notion
    trials : int
        How many random signals to try after the structured ones; a tenth as many evaluations go
        into ascent from the worst.
    seed : int
    extra : ndarray, shape (count, N), optional
        More signals to try first, such as recorded ones.
    violated : callable, optional
        What is believed of exact signals; that the exact margin is negative if left out.  None
        says that it cannot be told.

    Returns
    -------
    Search
        Its witness is exact and small, whatever found it.
    """
    hunt = Hunt(scheme, notion, seed, violated or Judge(scheme, notion))
    return hunt.run(trials, extra)


class Hunt:
    """A search in its parts: simple signals, then random ones with ascent, exact throughout."""

    def __init__(self, scheme: Scheme, notion: Notion, seed: int,
                 violated: Callable[[Signals], bool | None]):
        self.scheme, self.notion, self.violated = scheme, notion, violated
        self.seed, self.rng = seed, np.random.default_rng(seed)
        self.trials, self.worst = 0, float("inf")
        self.suspicious = 0.0 if notion is SIGN else SUSPICIOUS
        self.ties = _TIES
        self.best: list[tuple[float, tuple[np.ndarray, ...]]] = []
        self.suspect: tuple[float, tuple[np.ndarray, ...] | None, str] = (-SUSPICIOUS, None, "")
        self.all_bits = _ALL_BITS
        self.most = max(1, _WORK // scheme.size)  # signals of one kind
        # Between batches the clock is looked at.
        most = _SHORT_BATCH if time_is_limited() else _BATCH
        self.batch = min(most, max(1, _ROOM // scheme.size))

    def run(self, trials: int, extra: np.ndarray | None) -> Search:
        habits = Habits(self.scheme, 1 + np.arange(self.scheme.size) / 8)
        found = self.simple(extra)
        if found is None:
            found = self.further(trials)
        said = habits.words([u for margin, signals in self.best if margin < np.inf
                            for u in signals])
        if found is not None:
            tries = max(60, 4800 // (8 + self.scheme.inner_steps))
            work = max([self.scheme.size, *(len(K.columns) // 8 for K in self.scheme.operators)])
            found = shrink(found, self.violated, min(tries, 1 + _EXACT // work))
            return Search(found, self.trials, self.worst, habits=said)
        return Search(None, self.trials, self.worst, *self.suspect[1:], said)

    def simple(self, extra: np.ndarray | None = None) -> Signals | None:
        """What the given signals, simple ones, and the matrix of a linear step show."""
        found = None
        if extra is not None and len(extra):
            found = self.consider(extra)
        for signals in structured(self.scheme, self.most) if found is None else ():
            found = self.consider(signals)
            if found is not None or time_is_over():
                break
        if found is None and self.notion is SIGN:
            found = self.consider(near_alternation(self.scheme))
        if found is None:
            found = self.read_off()
        if found is None and self.notion.signals == 2:
            found = self.consider(*across(self.scheme, self.most))
        return found

    def further(self, trials: int) -> Signals | None:
        """What random signals, ascent from the worst so far, and remote signals show."""
        found, trials = None, min(trials, self.most)
        more = max(0, trials - WORTH_COMPILING) \
            if has_compiled_search(self.scheme, self.notion) else 0
        trials -= more
        # What is found easily needs no compiled loop.
        while found is None and trials > 0 and not time_is_over():
            found = self.consider(self.random(min(trials, self.batch)))
            trials -= self.batch
        if found is None and more:
            found = self.mass(more)
        if found is None:
            found = self.ascend()
        if found is None:  # last, as ties there are no places to start from
            far = remote(self.scheme, self.most)
            found = self.consider(far, 1.125 * far)
        return found

    def read_off(self) -> Signals | None:
        """What the matrix of a linear step says, in simpler signals if these do as well."""
        found = linear_violation(self.scheme, self.notion)
        if found is None or not self.violated(found):
            return None
        return simplest(found, self.violated) or found

    def mass(self, trials: int) -> Signals | None:
        """Random signals by the million; the worst of every chunk is looked at exactly."""
        if not has_compiled_search(self.scheme, self.notion):
            return None
        seed = int(self.rng.integers(2**62))
        for margin, signals in worst_trials(self.scheme, self.notion, trials, seed):
            self.remember(margin, signals)
            found = self.look(margin, signals)
            if found is not None or time_is_over():
                return found
        self.trials += trials
        return None

    def random(self, count: int) -> np.ndarray:
        """Random signals of several kinds, at amplitudes that matter for the fluxes."""
        n, rng = self.scheme.size, self.rng
        kinds = [rng.standard_normal((count, n)), rng.uniform(-1, 1, (count, n)),
                 rng.integers(-4, 5, (count, n)).astype(float),
                 np.cumsum(rng.standard_normal((count, n)), axis=1),
                 rng.standard_normal((count, n)) * (rng.random((count, n)) < 0.4)]
        picked = np.choose(rng.integers(0, len(kinds), (count, 1)), kinds)
        return picked * rng.choice(amplitudes(self.scheme), (count, 1))

    def consider(self, u: np.ndarray, other: np.ndarray | None = None) -> Signals | None:
        """Evaluate a batch; confirm the most suspicious signals exactly.

        A notion on pairs takes each with the one in the same place of `other`, else with a
        neighbour.
        """
        for start in range(0, len(u), self.batch):
            if time_is_over():
                break
            here = slice(start, start + self.batch)
            batch = u[here]
            signals = (batch,) if self.notion.signals == 1 else (
                batch, neighbours(batch, self.rng) if other is None else other[here])
            margins = self.margins(signals)
            self.trials += len(batch)
            found = self.recheck(signals, margins)
            if found is not None:
                return found
        return None

    def recheck(self, signals: tuple[np.ndarray, ...], margins: np.ndarray) -> Signals | None:
        """Confirm the worst signals of a batch, and the simplest of the clearly bad ones.

        Those without a finite output come last, as their margins may not exist.
        """
        order = np.argsort(margins, kind="stable")
        worst = order[margins[order] > -np.inf][:_RECHECKED]
        for place in worst:
            self.remember(float(margins[place]), tuple(part[place] for part in signals))
        finite = margins > -np.inf
        looked = (*_shortest(signals, finite & (margins < -SUSPICIOUS)), *worst.tolist(),
                  *_shortest(signals, ~finite))
        for place in dict.fromkeys(looked):
            found = self.look(float(margins[place]), tuple(part[place] for part in signals))
            if found is not None:
                return found
        return None

    def look(self, margin: float, candidate: tuple[np.ndarray, ...]) -> Signals | None:
        """Look at a suspicion exactly; at mere ties with zero only a few times in all."""
        if not margin < self.suspicious:
            self.worst = min(self.worst, margin)
            return None
        if margin > -_TIE:
            if self.ties == 0:
                self.worst = min(self.worst, margin)
                return None
            self.ties -= 1
        able = not isinstance(self.violated, Judge) or self.violated.able
        found = simplest(candidate, self.violated) if able else None
        settled = found is not None or (
            able and self.violated(as_fractions(candidate)) is not None)
        if not settled and margin < self.suspect[0]:
            found, settled = self.look_again(margin, candidate)
        self.worst = min(self.worst, 0.0 if settled and found is None else margin)
        return found

    def look_again(self, margin: float, candidate: tuple[np.ndarray, ...]
                   ) -> tuple[Signals | None, bool]:
        """Look at a suspicion with all bits, before it stands: a violation, and if that is told."""
        holds, reason = None, ""
        if isinstance(self.violated, Judge):
            if self.violated.able and self.all_bits:
                self.all_bits -= 1
                holds = self.violated.holds(as_fractions(candidate))
            reason = self.violated.reason
        if holds is not None:
            return (None if holds else as_fractions(candidate)), True
        seen = "a violation was found, but in floating point only" if margin > -np.inf else \
            "at some signal the step has no finite value"
        self.suspect = margin, candidate, f"{seen}: {reason}" if reason else seen
        return None, False

    def margins(self, signals: Sequence[np.ndarray], groups: int = 1) -> np.ndarray:
        """The relative margins; where hypotheses are not met, infinity for the whole group.

        In parts where the device has no room for the whole.
        """
        try:
            return self.measure(signals)
        except HypothesisNotMet:
            if groups == 1:
                return np.full(len(signals[0]), np.inf)
        except MemoryError as error:
            if len(signals[0]) == 1:
                raise InvalidArgument(
                    f"backend: a signal of {signals[0].shape[-1]} samples does not fit the free "
                    "memory of the device; take shorter ones, or the backend numpy") from error
        parts = zip(*(np.array_split(part, max(2, groups)) for part in signals), strict=True)
        return np.concatenate([self.margins(part) for part in parts])

    def measure(self, signals: Sequence[np.ndarray]) -> np.ndarray:
        with np.errstate(all="ignore"):
            parts = [part for u in signals for part in self.scheme.pair(from_host(u))]
            values = to_host(self.notion.margins(*parts))
        for part in parts:  # the signs of what is not finite may look right
            if part.dtype != object:
                xp = namespace(part)
                finite = to_host(xp.all(xp.isfinite(part), axis=-1))
                values = np.where(finite, values, -np.inf)
        return np.where(np.isnan(values), -np.inf, values)

    def remember(self, margin: float, candidate: tuple[np.ndarray, ...]) -> None:
        self.best = sorted([*self.best, (margin, candidate)], key=lambda pair: pair[0])[:8]

    def ascend(self) -> Signals | None:
        """Improve the worst signals by random coordinate moves of shrinking size."""
        starts = [start for _, start in self.best][:self.most // (_ROUNDS * _MOVES)]
        # Starts in lockstep take a few large evaluations instead of many small ones; a function
        # that is called signal by signal is spared those of later starts.
        together = 1 if isinstance(self.scheme, Function) else \
            max(1, _DRAWN // (_ROUNDS * _MOVES * self.scheme.size * self.notion.signals))
        for first in range(0, len(starts), together):
            if time_is_over():
                break
            margins, signals = self.improve(starts[first:first + together], first)
            for place, margin in enumerate(margins.tolist()):
                self.trials += _ROUNDS * _MOVES
                found = self.look(margin, tuple(part[place] for part in signals))
                if found is not None:
                    return found
        return None

    def improve(self, starts: list[Signals], first: int) -> tuple[np.ndarray, Signals]:
        """What ascent from each of some starts reaches: the margins and the signals."""
        count, n = len(starts), self.scheme.size
        signals = tuple(map(np.array, zip(*starts, strict=True)))
        margins, sizes, row = self.margins(signals, count), np.full(count, 0.5), np.arange(count)
        for directions in self.directions(first, count):
            if (sizes < _SMALLEST).all():
                break
            moved = []
            for part, noise in zip(signals, directions, strict=True):
                scale = sizes * np.maximum(np.abs(part).max(axis=1), 1e-3)
                moved.append(part[:, None] + noise * scale[:, None, None])
            tried = self.margins([part.reshape(-1, n) for part in moved], count)
            tried = tried.reshape(count, _MOVES)
            best = np.argmin(tried, axis=1)
            better = (tried[row, best] < margins) & (sizes >= _SMALLEST)
            margins = np.where(better, tried[row, best], margins)
            signals = tuple(np.where(better[:, None], new[row, best], part)
                            for part, new in zip(signals, moved, strict=True))
            sizes = np.where(better, sizes, sizes * 0.6)
        return margins, signals

    def directions(self, first: int, starts: int) -> Iterator[np.ndarray]:
        """Per round directions of unit size, of all entries or of some, for every start.

        Each start has draws of its own, which are the same in any company.
        """
        shape = (self.notion.signals, _MOVES, self.scheme.size)
        if starts > 1:
            return iter(_draw_ahead(self.seed, first, starts, shape))
        return (one[:, None] for one in _draw(self.seed, first, shape))


def _shortest(signals: tuple[np.ndarray, ...], among: np.ndarray) -> list[int]:
    """The places of a few signals that are short to write down."""
    places = np.flatnonzero(among)[:512]
    written = sum(lengths(part[places]).sum(axis=1) for part in signals)
    return places[np.argsort(written, kind="stable")][:_RECHECKED].tolist()


def _draw(seed: int, start: int, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    rng = np.random.default_rng([seed, start])
    for _ in range(_ROUNDS):
        noise, some = rng.standard_normal(shape), rng.random(shape)
        yield noise * (some < _SHARES[rng.integers(0, len(_SHARES), (*shape[:-1], 1))])


@lru_cache(maxsize=2)  # for one property after another of schemes of one size
def _draw_ahead(seed: int, first: int, starts: int, shape: tuple[int, ...]) -> np.ndarray:
    """The directions of all rounds for some starts; by round, signal, start."""
    ahead = np.array([list(_draw(seed, first + start, shape)) for start in range(starts)])
    return ahead.transpose(1, 2, 0, 3, 4)
