"""Verdicts: what was decided, and the evidence, ready to be written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from html import escape
from typing import Any

from stabkit.aliases import Fields, Record, Signal
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidEvidence
from stabkit.proof import explain, reach
from stabkit.replay import check
from stabkit.stability.verdict_files import save, verdict_about


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
_SAMPLES, _TEXT = 16, 100  # of a signal, and characters, that are printed
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
    data: Record

    def to_json(self, configuration: Record) -> Record:
        return {"kind": self.kind, "arithmetic": self.arithmetic,
                "configuration": configuration, "data": dict(self.data)}


def calculation(kind: str, transcript: Transcript, shows: Sequence[str], by: str, *,
                arithmetic: str = "rational", margin: str | None = None) -> Evidence:
    """Evidence from a transcript and the conditions it shows, those of named facts first."""
    facts = {name: fact["shows"] for name, fact in transcript.facts.items()
             if set(fact["shows"]) <= set(shows)}
    first = [line for name in facts for line in transcript.facts[name]["let"]]
    named = [text for shown in facts.values() for text in shown]
    let = {line[0]: list(line) for line in (*first, *transcript.let)}
    own = dict(transcript.given)
    of_facts = {key: own.pop(key) for name in facts for key in transcript.facts[name]["given"]
                if key in own}
    data = {"given": own | of_facts, "let": list(let.values()),
            "shows": [*named, *(text for text in shows if text not in named)], "by": by}
    if facts:
        data["facts"] = facts
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

    @property
    def proved(self) -> bool:
        """Whether it holds for every input."""
        return self.status is Status.PROVED

    @property
    def refuted(self) -> bool:
        """Whether an input breaks it."""
        return self.status is Status.REFUTED

    @property
    def certificate(self) -> tuple[Evidence, ...]:
        """What shows that it holds."""
        return self.evidence if self.proved else ()

    @property
    def witness(self) -> tuple[Evidence, ...]:
        """What shows that it fails; the inputs themselves are the `signals`."""
        return self.evidence if self.refuted else ()

    def check(self) -> None:
        """Replay all evidence.

        Raises
        ------
        InvalidEvidence
            If the independent checker does not accept one piece of it.
        """
        accept(self.evidence)

    def save(self, path: Any, name: str = "step") -> None:
        """Write a verdict file, which ``stabkit replay`` checks; `name` is that of the step."""
        save(path, [verdict_about(name, self.status, self.evidence, trials=self.trials,
                                  rounding=self.rounding)])

    def __str__(self) -> str:
        inputs = [f"{name} = {in_brackets(u) or f'a signal of {len(u)} samples'}"
                  for name, u in zip("uw", self.signals, strict=False) if self.refuted]
        kinds = Counter(f"{item.kind} in {item.arithmetic} arithmetic" for item in self.evidence
                        if item.kind != "trials")
        shown = ["evidence: " + ", ".join(f"{n} x {kind}" if n > 1 else kind
                                          for kind, n in kinds.items())] if kinds else []
        trials = [f"{self.trials} trials"] if self.trials else []
        return "\n".join(filter(None, (
            ": ".join(filter(None, (str(self.status), ", ".join(inputs)))),
            *self.reason.split("; "), self.rounding, *shown, *trials)))

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def accept(evidence: Iterable[Evidence]) -> None:
    """Replay evidence; InvalidEvidence if the independent checker does not accept one piece."""
    for item in evidence:
        fault = check(item.to_json({}))
        if fault is not None:
            raise InvalidEvidence(fault)


def in_brackets(u: Signal) -> str:
    """The samples of a signal as they are printed, or nothing where they are too long."""
    text = f"({', '.join(map(str, u))})"
    return text if len(u) <= _SAMPLES and len(text) <= _TEXT else ""


@dataclass(frozen=True)
class Verdict:
    """What was decided about a claim; the fields are those of the verdict file."""

    claim: str
    location: str
    reading: str
    status: Status
    expected: Status
    as_expected: bool
    configurations: int
    trials: int
    margin: float | None
    sharp: bool | None
    tightness: float | None
    evidence: tuple[Record, ...] = field(repr=False)
    inapplicable: int = 0  # configurations whose hypotheses are not met
    some: bool = False  # one configuration is asked for, not all
    scope: str | None = None  # of a proof: "for all", or "listed": the configurations in the file
    rounding: str = ""  # what was meant by floats, and what holds of the floats themselves
    reason: str = ""  # why it is undecided

    @property
    def number(self) -> str:
        """How many configurations there are, and to how many the statement does not apply."""
        number = f"{self.configurations} configuration{'s' * (self.configurations != 1)}"
        return number if not self.inapplicable else f"{number}, {self.inapplicable} inapplicable"

    @property
    def reach(self) -> str:
        """What is proved: "for all N, K, Φ, τ", or "on 154 configurations"; else nothing."""
        if self.scope == "for all":
            found = [reach(item["data"]["statement"]).split(", ") for item in self.evidence
                     if item["kind"] == "proof"]
            return "for all " + ", ".join(dict.fromkeys(name for names in found for name in names))
        return f"on {self.number}" if self.status is PROVED and not self.some else ""

    def to_json(self) -> Record:
        """The verdict as it stands in a verdict file."""
        fields = asdict(replace(self, evidence=()))  # of which asdict would copy every entry
        fields["status"], fields["expected"] = str(self.status), str(self.expected)
        fields["evidence"] = list(self.evidence)
        for name in ("rounding", "reason"):
            if not fields[name]:
                del fields[name]
        return fields

    @classmethod
    def from_json(cls, fields: Fields) -> Verdict:
        """The verdict that stands in a verdict file."""
        known = {key: value for key, value in fields.items() if key != "seal"}
        return cls(**{**known, "status": Status(fields["status"]),
                      "expected": Status(fields["expected"]),
                      "evidence": tuple(fields["evidence"])})

    def _repr_html_(self) -> str:
        """The verdict with its evidence folded away, as Jupyter shows it, light or dark."""
        facts = [self.number,
                 f"{len(self.evidence)} pieces of evidence"]
        if self.margin is not None:
            facts.append(f"margin {self.margin:.4g}")
        if self.sharp is not None:
            facts.append("sharp" if self.sharp else "not sharp")
        if self.tightness is not None:
            facts.append(f"smallest refuted step {self.tightness:.6f} × the bound")
        if self.rounding:
            facts.append(self.rounding)
        if not self.as_expected:
            facts.append(f"expected: {self.expected}")
        shown = "".join(_fold_evidence(item) for item in self.evidence[:1])
        word = f"{self.status} {self.reach}".strip()
        return (f'<div style="border-left: 0.3em solid {self.status.colour}; '
                f'padding-left: 0.7em"><b>{word}</b> <code>{self.claim}</code> '
                f"<small>{escape(self.location)}; {', '.join(facts)}</small>{shown}</div>")


def _fold_evidence(item: Record) -> str:
    """A piece of evidence as HTML that opens on a click."""
    data = item["data"]
    if item["kind"] == "proof":
        return (f"<details><summary>proof for all</summary><pre>"
                f"{escape(explain(data['statement'], data['proof']))}</pre></details>")
    lines = [f"{name} = {value}" for part in ("given", "let") for name, value in
             dict(data.get(part, {})).items()] + [*data.get("shows", ())]
    if not lines:
        return ""
    return (f"<details><summary>{item['kind']} in {item['arithmetic']} arithmetic</summary>"
            f"<pre>{escape(chr(10).join(lines))}</pre></details>")
