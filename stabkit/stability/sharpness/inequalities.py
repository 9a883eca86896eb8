"""Evidence that polynomials in the step are >= 0 on an interval, or that one is negative there."""

from __future__ import annotations

from fractions import Fraction

from stabkit.arithmetic.transcript import Transcript
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.rows import Polynomial, tightest, value
from stabkit.stability.sharpness.signs import cells
from stabkit.stability.verdict import Evidence, calculation


def certificate(conditions: list[Polynomial], steps: tuple[Fraction, Fraction | None], by: str
                ) -> Evidence | None:
    """That every condition is >= 0 for all steps of an interval; `by` says what they are."""
    log, shows = Transcript(), []
    low, high = steps
    for p in map(tuple, tightest(list(dict.fromkeys(conditions)))):
        name = log.give("p", [Fraction(c) for c in p]).text
        shows.append(f"nonneg_on({name}, {low}, {'inf' if high is None else high})"
                     if low != high else f"polyval({name}, {low}) >= 0")
    middle = low + 1 if high is None else (low + high) / 2
    if any(value(p, middle) < 0 for p in conditions):
        return None
    return confirm_evidence(calculation("certificate", log, shows, by))


def witness(conditions: list[Polynomial], steps: tuple[Fraction, Fraction | None], by: str
            ) -> Evidence | None:
    """That one condition is negative for all steps of an interval; None where no single one is."""
    low, high = steps
    inside = low or (Fraction(1) if high is None else high / 2)
    for p in dict.fromkeys(conditions):
        if value(p, inside) >= 0:
            continue
        _, bad = intervals(cells([[Fraction(c) for c in p]]))
        if any(a <= low and (b is None or (high is not None and high <= b)) for a, b in bad):
            break
    else:
        return None
    log = Transcript()
    name = log.give("p", [Fraction(-c) for c in p]).text
    shows = f"polyval({name}, {low}) > 0" if low == high else \
        f"positive_on({name}, {low}, {'inf' if high is None else high})"
    return confirm_evidence(calculation("witness", log, [shows], by))
