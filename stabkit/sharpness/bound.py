"""The answer to "how large may the step be?": sets of steps, with what shows them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from stabkit.entry_intervals import holds_intervals
from stabkit.errors import InvalidArgument
from stabkit.notions import Notion
from stabkit.rational import fraction
from stabkit.rounding import is_rounded, meant
from stabkit.schemes.meant import differences
from stabkit.sharpness.family import STOPPED, Family, family_of
from stabkit.sharpness.linear import Steps, is_followed, linear_cells, proved_steps, refuted_steps
from stabkit.sharpness.scan import SCALES, scanned
from stabkit.verdict import PROVED, REFUTED, Evidence

_WRITTEN = 16  # samples up to which the certificate of a linear step is written down


@dataclass(frozen=True)
class StepBound:
    """For which steps a notion is proved, and for which it is refuted.

    Between the intervals, and beyond `searched` where they end before it, nothing is decided.

    Attributes
    ----------
    notion : str
    proved, refuted : tuple of (Fraction, Fraction or None)
        Closed intervals (low, high) of steps, in increasing order; ``None`` is infinity, a point
        has low == high, and low == 0 stands for all steps above 0.
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
    """

    notion: str
    proved: Steps
    refuted: Steps
    certificate: tuple[Evidence, ...] = field(default=(), repr=False)
    witness: tuple[Evidence, ...] = field(default=(), repr=False)
    searched: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    signals: tuple[Any, ...] = field(default=(), repr=False, compare=False)
    rounding: str = ""

    @property
    def certified(self) -> Fraction | None:
        """The largest step up to which all are proved; None without one, or if all steps are."""
        return self.proved[0][1] if self.proved and self.proved[0][0] == 0 else None

    def __str__(self) -> str:
        parts = []
        if self.proved:
            parts.append("proved for " + " or ".join(map(_interval, self.proved)))
        if self.refuted:
            parts.append("refuted " + " and ".join(map(_refuted, self.refuted)))
            if self.signals:
                parts[-1] += " by " + ", ".join(
                    f"{name} = ({', '.join(map(str, u))})" if len(u) <= _WRITTEN else
                    f"{name} of {len(u)} samples"
                    for name, u in zip(("u", "w"), self.signals, strict=False))
        nothing = " and ".join(name for name, found in (("proved", self.proved),
                                                       ("refuted", self.refuted)) if not found)
        if nothing:
            low, high = self.searched
            parts.append(f"nothing {nothing.replace(' and ', ' or ')} for tau between "
                         f"{float(low):.3g} and {float(high):.3g}")
        meant = f" (as meant: {self.rounding})" if self.rounding else ""
        return f"{self.notion}: {', '.join(parts)}{meant}"


def _interval(steps: tuple[Fraction, Fraction | None]) -> str:
    low, high = steps
    if low == high:
        return f"tau = {low}"
    if high is None:
        return f"all tau {'>' if low == 0 else '>='} {low}"
    return f"{low} {'<' if low == 0 else '<='} tau <= {high}"


def _refuted(steps: tuple[Fraction, Fraction | None]) -> str:
    low, high = steps
    if low == high:
        return f"at {float(low):.6g}"
    return f"from {float(low):.6g}" + ("" if high is None else f" to {float(high):.6g}")


def step_bound(scheme: Any, notion: Notion, start: Any = None, *, halvings: int = 10,
               trials: int = 512, seed: int = 0) -> StepBound:
    """For which steps a scheme has a notion of stability, and for which it does not.

    It is not taken for granted that smaller steps are stable.  An interval is proved by a
    certificate that holds for every step in it, and refuted by a signal that breaks the notion
    for every step in it; or both, for a linear scheme whose matrix is a polynomial in the step,
    by the exact signs of polynomials.  Where neither is at hand, single steps are decided, and
    the ends of what is decided alike are given as points.

    The scale is found by itself: from `start` by factors of two up to a factor of 2^20, about a
    million, on either side.

    Parameters
    ----------
    scheme : Scheme or callable
        A scheme with a step ``tau`` or ``delta``, which is varied; or a function from a step to a
        scheme.  The function is also called with a step that is left open, from which its
        dependence on the step is read; one that looks at the value is answered by points.
    notion : Notion
    start : rational, optional
        The first step to try; that of the scheme if left out, or 1 for a function.
    halvings : int
        How close the ends are: to 2^-halvings of their size.
    trials, seed : int
        As for :func:`stabkit.decide`, at every step that is decided.

    Raises
    ------
    InvalidArgument
        If `scheme` is neither, or `start` or `halvings` is not positive.

    Examples
    --------
    >>> from stabkit import RANGE, Explicit, difference, fluxes
    >>> found = step_bound(Explicit(difference(1, 4), fluxes.soft(), 1), RANGE)
    >>> found.proved
    ((Fraction(0, 1), Fraction(1, 2)),)
    >>> float(found.refuted[0][0]), found.refuted[0][1]
    (0.50048828125, None)
    """
    function, own = family_of(scheme)
    first = own if start is None else meant(start) if is_rounded(start) else \
        fraction(start, "start")
    if first <= 0 or halvings < 1:
        raise InvalidArgument(f"start, halvings: must be positive, got {first} and {halvings}")
    family = Family(function, notion, trials, seed)
    given = family.given(first)
    if holds_intervals(given):
        raise InvalidArgument("scheme: sets of steps are not found for entries in intervals; make "
                              "the operators with rounding='snapped'")
    rounding = "; ".join(dict.fromkeys(differences(given, given.as_meant())))
    found = _exactly(family, first, halvings)
    if found is None:
        scan = scanned(family, first, halvings)
        found = tuple(scan.proved), tuple(scan.refuted)
    return replace(_shown(family, first, *found), rounding=rounding)


def _exactly(family: Family, start: Fraction, halvings: int) -> tuple[Steps, Steps] | None:
    """The sets of a linear scheme by the signs of polynomials, each checked at a step of it."""
    opened = family.opened()
    try:
        found = None if opened is None else linear_cells(opened, family.notion)
    except STOPPED:
        return None
    if found is None:
        return None
    proved = proved_steps(found, halvings)
    refuted = refuted_steps(found, start, halvings)
    tops = {2 * max(low, start) if high is None else high for low, high in (*proved, *refuted)}
    if not all(is_followed(opened, family.at, family.samples(top)) for top in tops):
        return None
    if not proved and opened.fluxes:
        return None  # that a flux is linear is shown by the certificates at single steps
    agree = all(opened.size > _WRITTEN or family.outcome(_end(steps, start)).status is PROVED
                for steps in proved) and all(
        family.outcome(steps[0]).status is REFUTED for steps in refuted)
    return (proved, refuted) if agree else None


def _end(steps: tuple[Fraction, Fraction | None], start: Fraction) -> Fraction:
    """A step of a proved interval: its upper end, if it has one."""
    low, high = steps
    return high if high is not None else max(low, start)


def _shown(family: Family, start: Fraction, proved: Steps, refuted: Steps) -> StepBound:
    ends = [_end(steps, start) for steps in proved]
    certificate = [item for end in ends if end in family.known
                   for item in family.known[end].evidence]
    outcomes = [family.outcome(low) for low, _ in refuted]
    scale = Fraction(2)**SCALES
    return StepBound(family.notion.name, proved, refuted, tuple(certificate),
                     tuple(item for outcome in outcomes for item in outcome.evidence),
                     (start / scale, start * scale), outcomes[0].signals if outcomes else ())
