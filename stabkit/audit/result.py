"""What an audit found, as data: terminal, notebook and verdict file only print it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from html import escape

import numpy as np

from stabkit.aliases import Record
from stabkit.audit.questions import MODES
from stabkit.stability.verdict import PROVED, Evidence, Status, worst
from stabkit.stability.verdict_files import contents_of, verdict_about


@dataclass(frozen=True)
class Judgement:
    """What was decided about one notion.

    Attributes
    ----------
    notion : str
    direction : {"forward", "backward"}
    status : Status
    counts : bool
        Whether the overall status rests on it.
    evidence : tuple of Evidence
    signals : tuple of ndarray
        The input (or pair) that shows a refutation.
    layer : str
        The block that breaks it, or is not known to keep it.
    trials : int
    reason : str
    rounding : str
        What rounding did, where the status is that of the numbers that were meant.
    """

    notion: str
    direction: str
    status: Status
    counts: bool
    evidence: tuple[Evidence, ...] = field(default=(), repr=False)
    signals: tuple[np.ndarray, ...] = field(default=(), repr=False)
    layer: str = ""
    trials: int = 0
    reason: str = ""
    rounding: str = ""

    @property
    def name(self) -> str:
        return self.notion if self.direction == "forward" else f"{self.notion} {self.direction}"

    @property
    def is_about_blocks(self) -> bool:
        """Whether it is about each block alone, from which nothing follows for the network."""
        return self.notion == MODES


@dataclass(frozen=True)
class BlockReport:
    """One block of the network.

    Attributes
    ----------
    name, form : str
    bound : Fraction or None
        A certified Lipschitz constant.
    step : Fraction or None
        The step τ of a diffusion block.
    safe, unsafe : Fraction or None
        The largest step found with a certificate, the smallest one refuted.
    statuses : dict
        The status of the block alone, per notion.
    note : str
    """

    name: str
    form: str
    bound: Fraction | None
    step: Fraction | None = None
    safe: Fraction | None = None
    unsafe: Fraction | None = None
    statuses: dict[str, Status] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Local:
    """Certified bounds of the Lipschitz constant in a ball around an input.

    Attributes
    ----------
    radius : Fraction
    lower, upper : Fraction or None
    soon : Fraction or None
        An upper bound that took half of the time, so that it is found again where asked for.
    """

    radius: Fraction
    lower: Fraction | None
    upper: Fraction | None
    soon: Fraction | None = None


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes
    ----------
    source : str
    shape, output_shape : tuple of int
    weights : int
        How many numbers the network has.
    blocks : tuple of BlockReport
    judgements : tuple of Judgement
    lower, upper : Fraction or None
        Certified bounds of the Lipschitz constant of the whole network.
    advice : tuple of str
        What to change.
    seed, budget
    rounding : {"snapped", "exact", "intervals"}
        How the numbers were taken; see :func:`stabkit.audit`.
    local : Local or None
        What was asked about a ball.
    unbounded : str
        Where no upper bound is known: the first layer of which no constant is certified.
    """

    source: str
    shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    weights: int
    blocks: tuple[BlockReport, ...]
    judgements: tuple[Judgement, ...]
    lower: Fraction | None
    upper: Fraction | None
    advice: tuple[str, ...]
    seed: int
    budget: float
    rounding: str = "snapped"
    local: Local | None = None
    unbounded: str = ""

    @property
    def status(self) -> Status:
        """The weakest status of the notions that count; refuted if one is.

        What is proved of each block alone is left out: nothing follows from it for the network.
        """
        found = [item.status for item in self.judgements
                 if item.counts and not (item.is_about_blocks and item.status is PROVED)]
        return worst(found)

    @property
    def gap(self) -> float | None:
        """The upper over the lower bound of the Lipschitz constant."""
        return float(self.upper / self.lower) if self.upper and self.lower else None

    def verdicts(self) -> list[Record]:
        """One verdict per notion, as they stand in a verdict file."""
        name = self.source or "network"
        return [verdict_of(name, judgement) for judgement in self.judgements]

    def to_json(self) -> Record:
        """The contents of a verdict file, which ``stabkit replay`` accepts."""
        return contents_of(self.verdicts(), self.seed, self.budget)

    def _repr_html_(self) -> str:
        left = "style='text-align: left'"  # where a notebook would put them to the right
        rows = "".join(
            f"<tr><td {left}>{escape(item.name)}{' *' if item.counts else ''}</td>"
            f"<td {left}><b>{item.status}</b></td><td {left}>{escape(item.layer)}</td>"
            f"<td {left}>{escape(item.rounding or item.reason)}</td></tr>"
            for item in self.judgements)
        advice = "".join(f"<li>{escape(text)}</li>" for text in self.advice)
        return (f"<div><code>{escape(self.source or 'network')}</code>: <b>{self.status}</b> "
                f"<small>Lipschitz constant {_between(self.lower, self.upper)}</small>"
                f"<table><tr><th {left}>notion</th><th {left}>verdict</th><th {left}>layer</th>"
                f"<th {left}>why</th></tr>{rows}"
                f"</table><ul>{advice}</ul></div>")


def _between(lower: Fraction | None, upper: Fraction | None) -> str:
    low = "0" if lower is None else f"{float(lower):.6g}"
    return f"in [{low}, {'∞' if upper is None else f'{float(upper):.6g}'}]"


def verdict_of(name: str, judgement: Judgement) -> Record:
    """The verdict about one notion, as it stands in a verdict file."""
    return verdict_about(f"{name}: {judgement.name}", judgement.status, judgement.evidence,
                         location=judgement.layer, trials=judgement.trials,
                         rounding=judgement.rounding)
