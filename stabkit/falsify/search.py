"""The search for a violation: structured signals, random signals, ascent, exact re-check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stabkit.backend import born, namespace, to_host
from stabkit.enclosure import Interval
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.falsify.exactness import Signals, cost, is_violated, shrink, simplest
from stabkit.falsify.inputs import (
    amplitudes,
    nearly_alternating,
    neighbours,
    steps_of,
    structured,
)
from stabkit.falsify.mass import WORTH_COMPILING, has_compiled_search, worst_trials
from stabkit.notions import SIGN, Notion
from stabkit.schemes import Implicit, Scheme

_BATCH = 4096
SUSPICIOUS = 1e-9  # a float margin below it is looked at exactly; integers need no slack
_RECHECKED = 6
_TIE = 1e-12  # so close to zero it is mostly an equality, of which a few are looked at
_TIES = 12


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes
    ----------
    witness : tuple of ndarray or None
        Exact signals that are certainly a violation.
    trials : int
    worst : float
        Smallest relative margin met, in floating point.
    """

    witness: Signals | None
    trials: int
    worst: float


def search(scheme: Scheme, notion: Notion, *, trials: int, seed: int,
           extra: np.ndarray | None = None,
           violated: Callable[[Signals], bool] | None = None) -> Search:
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
        What is believed of exact signals; that the exact margin is negative if left out.

    Returns
    -------
    Search
        Its witness is exact and small, whatever found it.
    """
    if violated is None:
        def violated(signals: Signals) -> bool:
            return is_violated(scheme, notion, signals)
    return _Hunt(scheme, notion, np.random.default_rng(seed), violated).run(trials, extra)


class _Hunt:
    def __init__(self, scheme: Scheme, notion: Notion, rng: np.random.Generator,
                 violated: Callable[[Signals], bool]):
        self.scheme, self.notion, self.rng, self.violated = scheme, notion, rng, violated
        self.trials, self.worst = 0, float("inf")
        self.suspicious = 0.0 if notion is SIGN else SUSPICIOUS
        self.ties = _TIES
        self.best: list[tuple[float, tuple[np.ndarray, ...]]] = []

    def run(self, trials: int, extra: np.ndarray | None) -> Search:
        found = None
        if extra is not None and len(extra):
            found = self.consider(extra)
        if found is None:
            found = self.consider(structured(self.scheme))
        if found is None and self.notion is SIGN:
            found = self.consider(nearly_alternating(self.scheme))
        if found is None and trials >= WORTH_COMPILING and \
                has_compiled_search(self.scheme, self.notion):
            found, trials = self.mass(trials), 0
        while found is None and trials > 0:
            found = self.consider(self.random(min(trials, _BATCH)))
            trials -= _BATCH
        if found is None:
            found = self.ascend()
        if found is not None:
            found = shrink(found, self.violated,
                           tries=max(60, 4800 // (8 + steps_of(self.scheme))))
        return Search(found, self.trials, self.worst)

    def mass(self, trials: int) -> Signals | None:
        """Random signals by the million; the worst of every chunk is looked at exactly."""
        seed = int(self.rng.integers(2**62))
        for margin, signals in worst_trials(self.scheme, self.notion, trials, seed):
            self.remember(margin, signals)
            found = self.look(margin, signals)
            if found is not None:
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

    def consider(self, u: np.ndarray) -> Signals | None:
        """Evaluate a batch; confirm the most suspicious signals exactly."""
        for start in range(0, len(u), _BATCH):
            batch = u[start:start + _BATCH]
            signals = (batch,) if self.notion.signals == 1 else (batch, neighbours(batch, self.rng))
            margins = self.margins(signals)
            self.trials += len(batch)
            found = self.recheck(signals, margins)
            if found is not None:
                return found
        return None

    def recheck(self, signals: tuple[np.ndarray, ...], margins: np.ndarray) -> Signals | None:
        """Confirm the worst signals of a batch, and the simplest of the clearly bad ones."""
        worst = np.argsort(margins, kind="stable")[:_RECHECKED]
        for place in worst:
            self.remember(float(margins[place]), tuple(part[place] for part in signals))
        bad = np.flatnonzero(margins < -SUSPICIOUS)[:512]
        simplest = sorted(bad, key=lambda place: _roundness(signals, place))[:_RECHECKED]
        for place in dict.fromkeys([*simplest, *worst]):
            found = self.look(float(margins[place]), tuple(part[place] for part in signals))
            if found is not None:
                return found
        return None

    def look(self, margin: float, candidate: tuple[np.ndarray, ...]) -> Signals | None:
        """Look at a suspicion exactly; at mere ties with zero only a few times in all."""
        if not margin < self.suspicious:
            return None
        if margin > -_TIE:
            if self.ties == 0:
                return None
            self.ties -= 1
        return simplest(candidate, self.violated)

    def margins(self, signals: tuple[np.ndarray, ...]) -> np.ndarray:
        """The margins of a batch, in halves where the device has no room for the whole."""
        try:
            return self.measured(signals)
        except MemoryError as error:
            half = len(signals[0]) // 2
            if half == 0:
                raise InvalidArgument(
                    f"backend: a signal of {signals[0].shape[-1]} samples does not fit the free "
                    "memory of the device; take shorter ones, or the backend numpy") from error
        parts = (tuple(part[:half] for part in signals), tuple(part[half:] for part in signals))
        return np.concatenate([self.margins(part) for part in parts])

    def measured(self, signals: tuple[np.ndarray, ...]) -> np.ndarray:
        with np.errstate(all="ignore"):
            try:
                parts = [part for u in signals for part in self.scheme.pair(born(u))]
                values = to_host(self.notion.margins(*parts))
            except HypothesisNotMet:
                return np.full(len(signals[0]), np.inf)
        for part in parts:  # the signs of what is not finite may look right
            if part.dtype != object:
                xp = namespace(part)
                finite = to_host(xp.all(xp.isfinite(part), axis=-1))
                values = np.where(finite, values, -np.inf)
        return np.where(np.isnan(values), -np.inf, values)

    def remember(self, margin: float, candidate: tuple[np.ndarray, ...]) -> None:
        self.worst = min(self.worst, margin)
        self.best = sorted([*self.best, (margin, candidate)], key=lambda pair: pair[0])[:8]

    def ascend(self, rounds: int = 60) -> Signals | None:
        """Improve the worst signals by random coordinate moves of shrinking size."""
        for _, start in list(self.best):
            signals, size = tuple(part.copy() for part in start), 0.5
            margin = self.margins(tuple(part[None] for part in signals))[0]
            for _ in range(rounds):
                moved = self.moves(signals, size)
                margins = self.margins(moved)
                self.trials += len(margins)
                place = int(np.argmin(margins))
                if margins[place] < margin:
                    margin, signals = margins[place], tuple(part[place] for part in moved)
                else:
                    size *= 0.6
            self.worst = min(self.worst, float(margin))
            found = self.look(float(margin), signals)
            if found is not None:
                return found
        return None

    def moves(self, signals: tuple[np.ndarray, ...], size: float) -> tuple[np.ndarray, ...]:
        count = 64
        moved = []
        for part in signals:
            scale = size * max(float(np.abs(part).max()), 1e-3)
            noise = self.rng.standard_normal((count, part.size)) * scale
            noise *= self.rng.random((count, part.size)) < self.rng.choice([0.3, 1.0], (count, 1))
            moved.append(part + noise)
        return tuple(moved)


def two_solutions(scheme: Implicit) -> Signals | None:
    """Two exact solutions of the implicit equation for one input, or None.

    The solutions are sought along the rows of K, v = t Kᵀeᵢ with simple rational t.
    """
    found: dict[tuple, np.ndarray] = {}
    for row in scheme.K.exact():
        if not row.any():
            continue
        for t in sorted({Fraction(p, q) for q in range(1, 9) for p in range(-8 * q, 8 * q + 1)},
                        key=lambda x: (x.denominator, abs(x))):
            v = t * row / (row @ row)
            u = scheme.pair(v)[0]
            if any(isinstance(entry, Interval) for entry in u):
                return None
            if tuple(u) in found and any(found[tuple(u)] != v):
                return found[tuple(u)], v
            found[tuple(u)] = v
    return None


def _roundness(signals: tuple[np.ndarray, ...], place: int) -> int:
    # How many binary digits it takes to write the signals down.
    return cost(tuple(np.array([Fraction(float(x)) for x in part[place]], dtype=object)
                      for part in signals))
