"""A step of the user's in a Python file, ``FILE.py:step``: read, which executes it, and audited."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from stabkit.aliases import Function, Rational, Record
from stabkit.arithmetic.rational import fraction
from stabkit.audit.result import Judgement, verdict_of
from stabkit.errors import InvalidArgument, Undecided
from stabkit.stability.decide import decide
from stabkit.stability.invariants import POWER_BOUNDED, weighted
from stabkit.stability.notions import NAMED, Notion
from stabkit.stability.sharpness import step_bound
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence, Outcome, Status
from stabkit.time_limit import time_limit
from stabkit.tracing import as_shape, takes_step
from stabkit.user_files import execute

#: The notions that can be asked for; the shown ones are those of the table without a choice.
NOTIONS: dict[str, Notion] = {**NAMED, POWER_BOUNDED.name: POWER_BOUNDED,
                              "weighted norm": weighted()}
SHOWN = ("range", "positivity", "max norm", "euclidean", "contraction", "bounded powers",
         "weighted norm")
#: Where one of these holds, no signal grows without bound, however often the step is taken.
BOUNDING = ("range", "max norm", "euclidean", "bounded powers", "weighted norm")
_TRIALS = 2000


@dataclass(frozen=True)
class StepAudit:
    """What was found out about a step.

    Attributes
    ----------
    source : str
    judgements : tuple of Judgement
    answers : tuple of str
        For every judgement, in words.
    asked : tuple of str
        The notions that the status rests on; empty if none was named.
    seed : int
    dt : Fraction or None
    """

    source: str
    judgements: tuple[Judgement, ...]
    answers: tuple[str, ...]
    asked: tuple[str, ...]
    seed: int
    dt: Fraction | None = None

    @property
    def status(self) -> Status:
        """Of the notions that were asked for; without any, whether all powers are bounded."""
        found = {item.notion: item.status for item in self.judgements}
        if not self.asked:
            if any(found.get(name) is PROVED for name in BOUNDING):
                return PROVED
            return found.get(POWER_BOUNDED.name, UNDECIDED)
        told = [found[name] for name in self.asked]
        return REFUTED if REFUTED in told else PROVED if set(told) == {PROVED} else \
            next(status for status in told if status is not PROVED)

    @property
    def headline(self) -> str:
        """What was found, in one sentence that names the sense."""
        sense = ", ".join(self.asked) or "bounded powers: no signal grows without bound"
        at = "for small steps from 0 on" if self.dt is None else f"at dt = {self.dt}"
        word = {PROVED: "proved", REFUTED: "refuted"}.get(self.status, "not decided")
        if self.status is REFUTED and self.dt is None:
            at = "for every dt > 0"
        return f"{word} {at} ({sense})"

    def __str__(self) -> str:
        width = max(len(item.notion) for item in self.judgements)
        lines = [f"{self.source} (a Python file is code, and was executed)", self.headline, ""]
        for item, answer in zip(self.judgements, self.answers, strict=True):
            first, *more = answer.splitlines()
            lines.append(f"{item.notion:<{width}}  {item.status!s:<10} {first}".rstrip())
            lines += [f"{'':<{width}}  {line}" for line in more]
        return "\n".join(lines)

    def verdicts(self) -> list[Record]:
        """One verdict per notion, as they stand in a verdict file."""
        return [verdict_of(self.source, item) for item in self.judgements]


def read_step(path: str | Path) -> Function:
    """The function that ``FILE.py:step`` names; the file is executed.

    Raises
    ------
    InvalidArgument
        If the file cannot be read, raises, or has no such function; the message says where.
    """
    text, _, name = str(path).rpartition(":") if ".py:" in str(path) else (str(path), "", "")
    file = Path(text)
    if not os.path.isfile(file):  # which is False of a name that is too long
        raise InvalidArgument(f"{file}: there is no such file")
    module = execute(file, "stabkit_own_steps")
    found: Any = module
    for part in name.split(".") if name else ():
        found = getattr(found, part, None)
    if name and callable(found):
        return found
    own = [key for key, value in vars(module).items() if callable(value) and not isinstance(
        value, type) and getattr(value, "__module__", None) == module.__name__]
    hint = " or ".join(f"{file.name}:{key}" for key in own[:6])
    raise InvalidArgument(f"{path}: names no function of the file; " + (
        f"write {hint}" if own else "it defines no function step(u, dt)"))


def audit_step(path: str | Path, shape: Any, notions: Sequence[str] = (), dt: Rational = None,
               seed: int = 0, advance: Callable[[str], None] = lambda name: None,
               budget: float = inf) -> StepAudit:
    """Audit the step that ``FILE.py:step`` names.

    Parameters
    ----------
    path : str or Path
    shape : int or tuple of int
        Of the array that it is given.
    notions : sequence of str
        What the status rests on; without them, whether any sense that bounds all powers holds.
    dt : rational, optional
        A step; without it, the sets of steps are found.
    seed : int
    advance : callable, optional
        Called with the name of what is done.
    budget : float
        Seconds; each notion has an equal share of what is left.

    Raises
    ------
    InvalidArgument
        If an argument cannot be used.
    """
    if shape is None:
        raise InvalidArgument("shape: give the shape of the array that the step is given, such as "
                              "--shape 64x64")
    shape, step = as_shape(shape), read_step(path)
    unknown = [name for name in notions if name not in NOTIONS]
    if unknown:
        raise InvalidArgument(f"notion: of a step must be among {', '.join(NOTIONS)}, got "
                              f"{unknown[0]!r}")
    at = None if dt is None else fraction(dt, "dt")
    if at is not None and at <= 0:
        raise InvalidArgument(f"dt: must be positive, got {dt}")
    found, answers, asked = [], [], notions or SHOWN
    until = monotonic() + budget
    for number, name in enumerate(asked):
        with time_limit(monotonic() + (until - monotonic()) / (len(asked) - number)):
            judgement, answer = _judge_step(step, name, shape, at, seed, bool(notions))
        found.append(judgement)
        answers.append(answer)
        advance(f"{name} ({judgement.status})")
    return StepAudit(str(path), tuple(found), tuple(answers), tuple(notions), seed, at)


def _judge_step(step: Function, name: str, shape: tuple[int, ...], dt: Fraction | None,
                seed: int, counts: bool) -> tuple[Judgement, str]:
    try:
        if takes_step(step) and dt is None:
            return _of_sets(name, step_bound(step, NOTIONS[name], shape=shape, seed=seed,
                                             trials=_TRIALS), counts)
        return _of_outcome(name, decide(step, NOTIONS[name], shape=shape, dt=dt, seed=seed,
                                        trials=_TRIALS), counts)
    except Undecided as reason:
        return Judgement(name, "forward", UNDECIDED, counts, reason=str(reason)), str(reason)


def _of_sets(name: str, bound: StepBound, counts: bool) -> tuple[Judgement, str]:
    status: Status = UNDECIDED
    evidence: tuple[Evidence, ...] = ()
    if bound.proved and bound.proved[0][0] == 0:
        status, evidence = PROVED, bound.certificate
    elif bound.refuted == ((Fraction(0), None),):
        status, evidence = REFUTED, bound.witness
    text = str(bound)
    return Judgement(name, "forward", status, counts, evidence, bound.signals, reason=text,
                     rounding=""), text.removeprefix(f"{bound.notion}: ")


def _of_outcome(name: str, outcome: Outcome, counts: bool) -> tuple[Judgement, str]:
    return Judgement(name, "forward", outcome.status, counts, outcome.evidence, outcome.signals,
                     trials=outcome.trials, reason=outcome.reason), outcome.reason or ""


def check_options(at_most: Rational, rounding: str, **others: object) -> None:
    """Options of networks that a step does not have: the others are to be None."""
    if at_most is not None:
        raise InvalidArgument("at-most: is for networks; ask for --notion contraction")
    if rounding != "snapped":
        raise InvalidArgument("rounding: floats of a step are read as they were meant; leave "
                              "this option out")
    for name, value in others.items():
        if value is not None:
            raise InvalidArgument(f"{name}: is for networks, not for a step")
