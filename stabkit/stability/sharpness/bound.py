"""The answer to "how large may the step be?": sets of steps, with what shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from itertools import pairwise
from typing import Any

from stabkit.aliases import Signal
from stabkit.stability.sharpness.limits import belongs, in_words
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.verdict import Evidence, accept, in_brackets
from stabkit.stability.verdict_files import save, verdict_about

_SHOWN = 3  # intervals
_SLIT = Fraction(101, 100)  # from the end of an interval to the next that is told as one with it
WRITTEN = 16  # samples up to which the certificate of a linear step is written down


@dataclass(frozen=True)
class StepBound:
    """For which steps a notion is proved, and for which it is refuted.

    Between the intervals, and beyond `searched` where they end before it, nothing is decided.

    Attributes
    ----------
    notion : str
    proved, refuted : tuple of (Fraction, Fraction or None)
        Closed intervals (low, high) of steps, in increasing order; ``None`` is infinity, a point
        has low == high, and low == 0 stands for all steps above 0.  An end that is irrational, or
        does not belong to what is proved, is a fraction just inside; the exact end is in its
        attribute ``limit``, and is printed.
    certificate, witness : tuple of Evidence
        What shows the upper ends of the proved intervals (for an interval without one, its lower
        end or the start), and the lower ends of the refuted ones; ``stabkit.replay`` accepts it.
        For linear steps of more than 16 samples the polynomials decide alone, and no certificate
        is written.
    searched : (Fraction, Fraction)
        Every scale of the step between them was looked at.
    signals : tuple of ndarray
        The signals that break the notion at the smallest refuted step.
    rounding : str
        Where the scheme holds floats that stand for other numbers: by how much they differ.  The
        sets are those of what was meant.
    variable : str
        What the step is called.
    by : str
        What breaks the notion from the smallest refuted step on, in words.
    lines : tuple of str
        What the step is, how it was decided, and what else is worth knowing.
    rest : StepBound, optional
        Where something breaks the notion at every step, such as a mean that drifts: the answer for
        all signals without it.
    """

    notion: str
    proved: Steps
    refuted: Steps
    certificate: tuple[Evidence, ...] = field(default=(), repr=False)
    witness: tuple[Evidence, ...] = field(default=(), repr=False)
    searched: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    signals: tuple[Any, ...] = field(default=(), repr=False, compare=False)
    rounding: str = ""
    variable: str = "tau"
    by: str = ""
    lines: tuple[str, ...] = ()
    rest: StepBound | None = None

    @property
    def certified(self) -> Fraction | None:
        """The largest step up to which all are proved; None without one, or if all steps are."""
        return self.proved[0][1] if self.proved and self.proved[0][0] == 0 else None

    @property
    def proved_in_words(self) -> str:
        """The proved steps, to be read."""
        if _are_many_points(self.proved):
            first, last = (in_words(steps[0], self.variable) for steps in (
                self.proved[0], self.proved[-1]))
            return f"proved at {len(self.proved)} single steps, from {self.variable} = {first} " \
                   f"to {self.variable} = {last}"
        shown = [_interval(steps, self.variable) for steps in self.proved]
        more = [f"{len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
        return "proved for " + " or ".join(shown[:_SHOWN] + more)

    @property
    def refuted_in_words(self) -> str:
        """The refuted steps, to be read."""
        first, last = self.refuted[0][0], self.refuted[-1][1]
        gaps = len(self.refuted) - 1
        if last is None and first and gaps > 1 and all(
                low < high * _SLIT for (_, high), (low, _) in pairwise(self.refuted) if high):
            return f"refuted from {float(first):.6g} on, but for {gaps} short intervals"
        if _are_many_points(self.refuted):
            return f"refuted at {len(self.refuted)} single steps, from {float(first):.6g} to " \
                   f"{float(self.refuted[-1][0]):.6g}"
        shown = [_steps_in_words(steps, self.variable) for steps in self.refuted]
        more = [f"in {len(shown) - _SHOWN} more intervals"] if len(shown) > _SHOWN else []
        return "refuted " + " and ".join(shown[:_SHOWN] + more)

    def __str__(self) -> str:
        parts = []
        if self.proved:
            parts.append(self.proved_in_words)
        if self.refuted:
            parts.append(self.refuted_in_words)
            if self.by:
                parts[-1] += f" by {self.by}"
            elif self.signals:
                parts[-1] += " by " + ", ".join(
                    _signal(name, u) for name, u in zip(("u", "w"), self.signals, strict=False))
        nothing = " and ".join(name for name, found in (("proved", self.proved),
                                                       ("refuted", self.refuted)) if not found)
        if nothing:
            low, high = self.searched
            where = f" for {self.variable} between {float(low):.3g} and {float(high):.3g}" \
                if high else ""
            parts.append(f"nothing {nothing.replace(' and ', ' or ')}{where}")
        meant = f" (as meant: {self.rounding})" if self.rounding else ""
        return "\n".join([f"{self.notion}: {', '.join(parts)}{meant}", *self.lines])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def check(self) -> None:
        """Replay all evidence.

        Raises
        ------
        InvalidEvidence
            If the independent checker does not accept one piece of it.
        """
        accept((*self.certificate, *self.witness))

    def save(self, path: Any, name: str = "step") -> None:
        """Write a verdict file, which ``stabkit replay`` checks; `name` is that of the step."""
        sides = [(f"{name}: {self.notion}, {self.proved_in_words}", "proved", self.certificate)
                 ] if self.proved else []
        sides += [(f"{name}: {self.notion}, {self.refuted_in_words}", "refuted", self.witness)
                  ] if self.refuted else []
        sides = sides or [(f"{name}: {self.notion}", "undecided", ())]
        save(path, [verdict_about(*side, rounding=self.rounding) for side in sides])


def _are_many_points(sets: Steps) -> bool:
    return len(sets) > _SHOWN and all(low == high for low, high in sets)


def _interval(steps: tuple[Fraction, Fraction | None], name: str) -> str:
    low, high = steps
    if low == high:
        return f"{name} = {in_words(low, name)}"
    over = "<=" if low and belongs(low) else "<"
    if high is None:
        return f"all {name} {'>=' if over == '<=' else '>'} {in_words(low, name)}"
    under = "<=" if belongs(high) else "<"
    return f"{in_words(low, name)} {over} {name} {under} {in_words(high, name)}"


def _signal(name: str, u: Signal) -> str:
    if not any(u):
        return f"{name} = 0"
    text = in_brackets(u)
    return f"{name} = {text}" if text else f"{name} of {len(u)} samples"


def _steps_in_words(steps: tuple[Fraction, Fraction | None], name: str) -> str:
    low, high = steps
    if low == 0:
        return f"for every {name} > 0" if high is None else f"for 0 < {name} <= {float(high):.6g}"
    if low == high:
        return f"at {float(low):.6g}"
    return f"from {float(low):.6g}" + ("" if high is None else f" to {float(high):.6g}")
