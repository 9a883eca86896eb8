"""A user's function of arrays under audit: the same function of exact numbers, where it takes them.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.confirmation import confirm_evidence
from stabkit.enclosure import Interval
from stabkit.errors import InvalidArgument, Undecided
from stabkit.falsify import exact_margin, search
from stabkit.notions import Notion
from stabkit.schemes import Function
from stabkit.transcript import Transcript
from stabkit.verdict import REFUTED, Outcome, calculation


class ExactFunction(Function):
    """A function of float arrays that is given fractions, too, and intervals where they fail.

    Every call gets its own copy of the signals.
    """

    def step(self, u: Any) -> Any:
        if not isinstance(u, np.ndarray):
            return super().step(u)
        if u.dtype != object:
            return self._checked(super().step(u.copy()), u)
        found = self._exactly(u)
        if found is not None and all(isinstance(entry, (int, Fraction)) for entry in found.flat):
            return found
        # A float constant beside a fraction is rounded; beside an interval it is exact.
        boxed = np.vectorize(lambda entry: entry if isinstance(entry, Interval)
                             else Interval(entry), otypes=[object])
        found = self._exactly(boxed(u))
        if found is None:
            raise Undecided("the function takes floats only")
        return boxed(found)

    def _exactly(self, u: np.ndarray) -> np.ndarray | None:
        try:
            image = np.asarray(super().step(u.copy()), dtype=object)
        except (TypeError, AttributeError, ValueError, ArithmeticError):
            return None  # what it does with floats cannot be done with these numbers
        return self._checked(image, u)

    def _checked(self, image: Any, u: np.ndarray) -> Any:
        if np.shape(image) != u.shape:
            raise InvalidArgument(f"model: the function must keep the shape of its input; it makes "
                                  f"{np.shape(image)} of {u.shape}")
        return image


def refuted(scheme: ExactFunction, notion: Notion, outcome: Outcome, trials: int, seed: int
            ) -> Outcome:
    """A violation that was found in floats, made certain where the function takes exact numbers."""
    found = search(scheme, notion, trials=trials, seed=seed)
    if found.witness is None:
        return outcome
    pairs = [scheme.pair(signal) for signal in found.witness]
    log = Transcript()
    by = "what the function makes of the input was computed by it, in exact arithmetic; taken as " \
         "given here"
    if all(isinstance(entry, (int, Fraction)) for _, image in pairs for entry in image):
        terms = [log.give(name, part) for names, pair in zip((("u", "up"), ("w", "wp")), pairs,
                                                             strict=False)
                 for name, part in zip(names, pair, strict=True)]
        shown = f"{notion.margin(*terms).text} < 0"
    else:
        margin = exact_margin(scheme, notion, found.witness)
        if margin is None:
            return outcome
        for name, (signal, _) in zip(("u", "w"), pairs, strict=False):
            log.give(name, signal)
        top = margin.upper if isinstance(margin, Interval) else Fraction(margin)
        shown = f"{log.give('margin', _up(top)).text} < 0"
        by = f"margin is an upper bound of the margin of the notion '{notion.name}' at the " \
             "input, computed with the function in interval arithmetic; taken as given here"
    evidence = confirm_evidence(calculation("witness", log, [shown], by))
    return outcome if evidence is None else replace(
        outcome, status=REFUTED, evidence=(evidence,), reason="", signals=found.witness)


def _up(value: Fraction) -> Fraction:
    """A negative number rounded towards 0, to 40 bits."""
    unit = Fraction(2) ** (value.numerator.bit_length() - value.denominator.bit_length() - 40)
    return -(-value // unit) * unit
