"""How sharp a claim's bound is: what is refuted just beyond it, and from which step on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from stabkit.aliases import Fields, Record
from stabkit.arithmetic.enclosure import USUAL, precision
from stabkit.arithmetic.rational import fraction
from stabkit.claims.claim import Claim
from stabkit.errors import HypothesisNotMet, Undecided
from stabkit.stability.refuting import Refuter
from stabkit.stability.sharpness.bisection import bisect
from stabkit.stability.verdict import PROVED, REFUTED, Status

_HALVINGS = 5
_MOST = 12  # configurations where the smallest refuted step is looked for
_STEPS = (Fraction(1001, 1000), Fraction(11, 10), 2, 4)  # over the bound, the first tries
_TRIALS = 512  # for each step that is tried
_BEYOND = 10**6  # seeds of configurations beyond the bound follow this one
_ADDRESS = re.compile(" at 0x[0-9a-f]+")
_GRID = ("K", "n", "boundary", "h")  # what a bound depends on, beside the notion


class Bounds:
    """The bounds of one claim; what broke the notion beyond one is tried beyond the others."""

    def __init__(self, entry: Claim, trials: int, seed: int):
        self.entry, self.trials, self.seed, self._refuter = entry, trials, seed, Refuter()

    def are_sharp(self) -> bool:
        """Whether the claim is refuted in every configuration just beyond its bounds."""
        tried = list(self.entry.configurations(self.seed, beyond=True))
        return bool(tried) and all(
            self._decides_against(configuration, self.trials,
                                  seed_of(self.seed, self.entry.name, _BEYOND + number))
            for number, configuration in enumerate(tried))

    def tightness(self, status: Status, configurations: Sequence[Record],
                  sharp: bool | None) -> dict[int, Fraction]:
        """Smaller and smaller ratios of a refuted step to the claimed bound, the smallest last.

        Each stands beside the number of its configuration; one for every operator, boundary and
        length is tried, or of a refuted claim the last, which refutes it.  A ratio is found by
        exact bisection, where the one before is not the smallest.
        """
        if "ratio" not in self.entry.within or self.entry.some or \
                status not in (PROVED, REFUTED):
            return {}
        if status is REFUTED:
            last = len(configurations) - 1
            ratio = self._smallest_refutation(configurations[last], status)
            return {} if ratio is None else {last: ratio}
        known = [fraction(ratio, "ratio") for ratio in self.entry.beyond.get("ratio", ()) if sharp]
        best, found = min(known, default=None), {}
        for number in self._largest(configurations):
            configuration = configurations[number]
            if best is not None and not self._below(configuration, best):
                continue
            ratio = self._smallest_refutation(configuration, status)
            if ratio is not None and (best is None or ratio < best):
                best = found[number] = ratio
        return found

    def _below(self, configuration: Record, best: Fraction) -> bool:
        """Whether bisection there would find a smaller ratio than the best one so far."""
        low = fraction(configuration["ratio"], "ratio")
        steps = [low * step for step in _STEPS if low * step < best]
        first = min((low * step for step in _STEPS if low * step >= best), default=best)
        below = max(best - (first - low) / 2**_HALVINGS, *steps, low)
        return below > low and self._is_refuted_at(configuration, below)

    def _largest(self, configurations: Sequence[Record]) -> list[int]:
        """Of every grid the last configuration with the largest ratio."""
        largest = max(fraction(ratio, "ratio") for ratio in self.entry.within["ratio"])
        grids = {tuple(as_text(configuration.get(name)) for name in _GRID): number
                 for number, configuration in enumerate(configurations)
                 if fraction(configuration["ratio"], "ratio") == largest}
        return list(grids.values())[:_MOST]

    def _smallest_refutation(self, configuration: Record, known: Status) -> Fraction | None:
        refuted = partial(self._is_refuted_at, configuration)
        low, high = Fraction(0), fraction(configuration["ratio"], "ratio")
        if known is PROVED or not refuted(high):
            low = high
            beyond = next((low * step for step in _STEPS if refuted(low * step)), None)
            if beyond is None:
                return None
            high = beyond
        return bisect(refuted, low, high, _HALVINGS)[1]

    def _is_refuted_at(self, configuration: Record, ratio: Fraction) -> bool:
        return self._decides_against({**configuration, "ratio": ratio}, min(self.trials, _TRIALS),
                                     self.seed)

    def _decides_against(self, configuration: Fields, trials: int, seed: int) -> bool:
        """Whether the claim is refuted there; its body may find its hypotheses not met."""
        try:
            with precision(USUAL):  # whatever another thread works with
                what = self.entry(**configuration)
        except (HypothesisNotMet, Undecided):
            return False
        return self._refuter(what, trials, seed)


def seed_of(seed: int, name: str, number: int) -> int:
    """The seed of a claim's configuration."""
    return int(np.random.SeedSequence([seed, number, *name.encode()]).generate_state(1)[0])


def as_text(value: Any) -> Any:
    """The value of an argument as a verdict file holds it, without addresses in memory."""
    return value if isinstance(value, (int, str)) else _ADDRESS.sub("", str(value))
