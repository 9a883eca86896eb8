"""Whether properties are refuted, asked many times, as where a bound is looked for.

Nothing is written down: exact margins alone decide, and a proof says that a search is in vain.
"""

from __future__ import annotations

import numpy as np

from stabkit.arithmetic.enclosure import USUAL, precision
from stabkit.errors import HypothesisNotMet, Undecided
from stabkit.stability.both_ways import meaning_of_property
from stabkit.stability.certificates import certify
from stabkit.stability.decide import decide
from stabkit.stability.entry_intervals import holds_intervals
from stabkit.stability.falsify.exactness import Judge, Signals, is_violated
from stabkit.stability.falsify.search import Hunt
from stabkit.stability.falsify.windows import LARGE
from stabkit.stability.property import AllOf, Property, Stable
from stabkit.stability.verdict import REFUTED

_KEPT = 8  # signals of one length


class Refuter:
    """Whether properties are refuted; it remembers what broke those before.

    A signal that breaks a notion at one step, or with one flux, mostly does at a longer step, or
    with another flux, so it is tried first, exactly.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], list[Signals]] = {}

    def __call__(self, what: Property, trials: int, seed: int) -> bool:
        """Whether `what` is certainly false.

        Parameters
        ----------
        what : Property
        trials : int
            Random signals to try where none is remembered that breaks it.
        seed : int

        Returns
        -------
        bool
            False says nothing.
        """
        if isinstance(what, AllOf):
            return any(self(part, trials, seed + number) for number, part in enumerate(what.parts))
        if not isinstance(what, Stable) or what.scheme.size > LARGE or holds_intervals(what):
            return decide(what, trials=trials, seed=seed).status is REFUTED
        try:
            with precision(USUAL):
                return self._breaks(meaning_of_property(what), trials, seed)
        except (HypothesisNotMet, Undecided):
            return False

    def _breaks(self, what: Stable, trials: int, seed: int) -> bool:
        scheme, notion = what.scheme, what.notion
        known = self._known.setdefault((scheme.size, notion.signals), [])
        for place, signals in enumerate(known):
            if is_violated(scheme, notion, signals):
                known.insert(0, known.pop(place))
                return True
        hunt = Hunt(scheme, notion, seed, Judge(scheme, notion))
        found = hunt.simple(_floats(known))
        if found is None and not certify(scheme, notion):
            found = hunt.further(trials)
        if found is not None:
            known.insert(0, found)
            del known[_KEPT:]
        return found is not None


def _floats(known: list[Signals]) -> np.ndarray | None:
    """What is remembered, as starting points of a search; of pairs the first."""
    return np.array([signals[0].astype(float) for signals in known]) if known else None
