"""Verdicts: what was decided, and the evidence, ready to be written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from stabkit.enclosure import Interval
from stabkit.transcript import Transcript


class Status(StrEnum):
    """What became of a statement."""

    PROVED = "proved"              # a certificate covers every input of every configuration
    REFUTED = "refuted"            # an exact input breaks it
    SUPPORTED = "supported"        # trials found nothing against it
    UNDECIDED = "undecided"        # budget or precision ran out
    INAPPLICABLE = "inapplicable"  # the hypotheses are not met

    @property
    def colour(self) -> str:
        """In figures and notebooks: told apart by any eyes, on white and on black."""
        return _COLOURS[self][0]

    @property
    def terminal_colour(self) -> str:
        return _COLOURS[self][1]


PROVED, REFUTED, SUPPORTED, UNDECIDED, INAPPLICABLE = Status
_COLOURS = {PROVED: ("#009E73", "green"), REFUTED: ("#D55E00", "magenta"),
            SUPPORTED: ("#56B4E9", "cyan"), UNDECIDED: ("#E69F00", "yellow"),
            INAPPLICABLE: ("#8A8F98", "yellow")}
_WORST_FIRST = (REFUTED, UNDECIDED, SUPPORTED, INAPPLICABLE, PROVED)


def worst(statuses: Iterable[Status]) -> Status:
    """The status of a whole from those of its parts, all of which are needed; of none UNDECIDED."""
    return min(statuses, key=_WORST_FIRST.index, default=UNDECIDED)


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence: a short exact calculation, or a count of trials.

    Attributes
    ----------
    kind : {"certificate", "witness", "trials", "proof"}
    arithmetic : {"rational", "ball", "float64"}
    data : dict
        ``given``, ``let``, ``shows``, ``by`` and optionally ``margin``, in the language that
        ``stabkit replay`` reads; or the counts of a search; or ``statement`` and ``proof``, as
        ``stabkit.proof.check`` reads them.
    """

    kind: str
    arithmetic: str
    data: dict[str, Any]

    def to_json(self, configuration: dict[str, Any]) -> dict[str, Any]:
        return {"kind": self.kind, "arithmetic": self.arithmetic,
                "configuration": configuration, "data": dict(self.data)}


def calculation(kind: str, transcript: Transcript, shows: Sequence[str], by: str, *,
                arithmetic: str = "rational", margin: str | None = None) -> Evidence:
    """Evidence from a transcript and the conditions it shows."""
    data = {"given": dict(transcript.given), "let": [list(line) for line in transcript.let],
            "shows": list(shows), "by": by}
    if margin is not None:
        data["margin"] = margin
    return Evidence(kind, arithmetic, data)


@dataclass(frozen=True)
class Outcome:
    """What was decided about one property in one configuration.

    Attributes
    ----------
    status : Status
    evidence : tuple of Evidence
    margin : Fraction, Interval or None
        Of the witness.
    trials : int
    reason : str
        Why nothing more could be decided.
    signals : tuple of ndarray
        The exact signals of a witness against stability.
    rounding : str
        What the rounding of floats did: how what was meant and the floats themselves are decided,
        and how far they are from each other.  Empty where no float is a rounding.
    """

    status: Status
    evidence: tuple[Evidence, ...] = ()
    margin: Fraction | Interval | None = None
    trials: int = 0
    reason: str = ""
    signals: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    rounding: str = ""
