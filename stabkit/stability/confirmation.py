"""Evidence that is believed: what the independent checker has confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from stabkit.aliases import Margin
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import UNFIT, InvalidEvidence, in_words
from stabkit.replay import check
from stabkit.replay.work import Exhausted
from stabkit.schemes import Scheme
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.notions import Notion
from stabkit.stability.verdict import Evidence, calculation
from stabkit.time_limit import seconds_left, time_is_limited

_LONGEST_MARGIN = 4096  # bits; a longer one is left for the checker to compute
_STEPS_PER_SECOND = 250_000  # that the checker takes, about
_LEAST_STEPS = 120_000  # of one piece of evidence, on any clock

Found = tuple[Evidence | None, str]  # the evidence, or None and why there is none


def confirm_evidence(evidence: Evidence) -> Evidence | None:
    """The evidence with the arithmetic in which the independent checker accepts it, or None."""
    return confirm(evidence)[0]


def confirm_all(evidence: Sequence[Evidence | None]) -> tuple[Evidence, ...] | None:
    """Each piece confirmed, and only once where it stands there twice; None if one fails."""
    unlike = {id(item): item for item in evidence if item is not None}
    confirmed = {key: confirm_evidence(item) for key, item in unlike.items()}
    found = [piece for item in evidence if (piece := confirmed.get(id(item))) is not None]
    return tuple(found) if len(found) == len(evidence) else None


def confirm(evidence: Evidence, arithmetics: Sequence[str] = ("rational", "ball")) -> Found:
    """The evidence as the checker accepts it, or None and what it says against it.

    Where time is limited, the checker may take half of what is left for each arithmetic.
    """
    # Cells are intervals, so only ball arithmetic can accept them.
    cells = any("cells(" in condition for condition in evidence.data["shows"])
    reason: str | None = ""
    for arithmetic in ("ball",) if cells else arithmetics:
        made = replace(evidence, arithmetic=arithmetic)
        try:
            reason = check(made.to_json({}), _steps_in_time())
        except Exhausted as limit:
            reason = "no time is left for it" if time_is_limited() else str(limit)
        except InvalidEvidence as limit:
            reason = str(limit)
        if reason is None:
            return made, ""
    return None, f"the checker does not confirm it: {reason}"


def _steps_in_time() -> int | None:
    """How many steps the checker may take; as many as for any evidence where no time is set."""
    return max(int(seconds_left() / 2 * _STEPS_PER_SECOND), _LEAST_STEPS) \
        if time_is_limited() else None


def write_witness(scheme: Scheme, notion: Notion, signals: Signals,
                  margin: Fraction | Interval | None = None) -> Evidence | None:
    """Write a violation down: the signals, the steps, and the negative margin; or None."""
    return written_witness(scheme, notion, signals, margin)[0]


def written_witness(scheme: Scheme, notion: Notion, signals: Signals,
                    margin: Fraction | Interval | None = None) -> Found:
    """The evidence of a violation, or None and why there is none.

    It shows the step itself, where that can be written in the language of evidence; else the exact
    outputs of the step, as given.
    """
    found, reason = _of_the_step(scheme, notion, signals, margin)
    if found is not None or not isinstance(margin, Fraction):
        return found, reason
    parts = [part for u in signals for part in scheme.pair(u)]
    if not all(isinstance(entry, (int, Fraction)) for part in parts for entry in part):
        return None, reason
    return _of_its_outputs(parts, notion, margin)


def _of_the_step(scheme: Scheme, notion: Notion, signals: Signals, margin: Margin) -> Found:
    log = Transcript()
    names = ("u", "w")[:len(signals)]
    try:
        parts = [part for name, signal in zip(names, signals, strict=True)
                 for part in scheme.pair(log.give(name, signal))]
        text = notion.margin(*parts).text
    except UNFIT as error:
        return None, f"it cannot be written down ({in_words(error)})"
    return _confirmed_margin(log, text, notion, margin, "")


def _of_its_outputs(parts: list[np.ndarray], notion: Notion, margin: Fraction) -> Found:
    log = Transcript()
    names = ("u", "u_next", "w", "w_next")[:len(parts)]
    given = (log.give(name, part) for name, part in zip(names, parts, strict=True))
    text = notion.margin(*given).text
    outputs = " and ".join(names[1::2])
    return _confirmed_margin(log, text, notion, margin, (
        f"{outputs}: what the step gives, computed by stabkit in fractions and taken as given "
        "here, as the step cannot be written in this notation; "))


def _confirmed_margin(log: Transcript, text: str, notion: Notion, margin: Margin, by: str) -> Found:
    written = calculation("witness", log, [f"{text} < 0"],
                          f"{by}the margin of the notion '{notion.name}' is negative", margin=text)
    if isinstance(margin, Fraction) and max(margin.numerator.bit_length(),
                                            margin.denominator.bit_length()) <= _LONGEST_MARGIN:
        written.data["margin_value"] = str(margin)
    return confirm(written, ("ball",) if isinstance(margin, Interval) else ("rational", "ball"))
