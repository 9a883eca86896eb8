"""Evidence for what the kinds of rows say, in the language that ``stabkit.replay`` reads."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from stabkit.arithmetic.transcript import Transcript
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.notions import MAX_NORM, POSITIVITY, RANGE, Notion
from stabkit.stability.sharpness.condition import Polynomial
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.many_rows import MANY
from stabkit.stability.sharpness.rows import Condition, tightest, value
from stabkit.stability.verdict import Evidence, calculation
from stabkit.tracing import Kinds

_WRITTEN = 4000  # numbers in a certificate
_SUMS = 16  # sorts of rows whose sums are written
_SIGNAL = 4096  # entries of a signal that is written whole


def certificate(kinds: Kinds, notion: Notion, steps: tuple[Fraction, Fraction | None],
                held: Sequence[Fraction], conditions: list[Condition]) -> Evidence | None:
    """That every condition is >= 0 for all steps of an interval; None where it is too long."""
    polynomials = list(dict.fromkeys(_primitive(c.polynomial) for c in conditions))
    all_of_them = len(polynomials)
    if all_of_them * max(map(len, polynomials)) > _WRITTEN:
        polynomials = tightest(polynomials)
    if len(polynomials) * max(map(len, polynomials)) > _WRITTEN:
        return None
    log = Transcript()
    shows = []
    lines = [p for p in polynomials if len(p) <= 2]
    if lines:
        table = log.give("lines", [[Fraction(c) for c in (*p, 0)[:2]] for p in lines]).text
        shows += [f"nonneg({table} @ {end})" for end in _ends(steps)]
    for p in polynomials:
        if len(p) > 2:
            name = log.give("p", [Fraction(c) for c in p]).text
            shows.append(_condition_text(name, steps))
    if notion is RANGE and not held and len(kinds.examples) <= _SUMS:
        whole = log.give("one", list(map(Fraction, kinds.form.denominator))).text
        for row in kinds.examples.tolist():
            inputs = [p for column, p in zip(kinds.columns_of(row), kinds.numerators_of(row),
                                             strict=True) if column >= 0]
            name = log.give("row", inputs).text
            shows.append(f"concat(ones({len(inputs)}) @ {name}, zeros("
                         f"{max(0, len(kinds.form.denominator) - len(inputs[0]))})) == "
                         f"concat({whole}, zeros("
                         f"{max(0, len(inputs[0]) - len(kinds.form.denominator))}))")
    stencils = "; ".join(_stencil(kinds, row) for row in kinds.examples[:4].tolist())
    more = f", and {len(kinds.examples) - 4} more" if len(kinds.examples) > 4 else ""
    by = (f"the step, run once on symbols, has rows of {len(kinds.examples)} sorts: {stencils}"
          f"{more}; p and the rows of lines are polynomials in dt, from the constant upwards: "
          f"{_why(notion, held)}")
    if len(kinds.examples) > MANY:
        by += "; of the polynomials of all rows those that cut the line of steps furthest in"
    elif len(polynomials) < all_of_them:
        by += f"; of {all_of_them} polynomials those that cut the line of steps furthest in"
    return confirm_evidence(calculation("certificate", log, shows, by))


def _primitive(p: Polynomial) -> Polynomial:
    """Without a common factor: the common denominator of many rows may have thousands of digits."""
    factor = gcd(*p) or 1
    return tuple(c // factor for c in p)


def _why(notion: Notion, held: Sequence[Fraction]) -> str:
    if notion is RANGE:
        return "the coefficients, and sum of a row less 1 and the contrary" if not held else \
            "the coefficients, and what is left to 1 with the values that are held"
    return "the coefficients and constants" if notion is POSITIVITY else \
        "1 less the sum of the moduli, for all signs that occur"


def _stencil(kinds: Kinds, row: int) -> str:
    terms = ", ".join(f"{list(offset)}: {[str(Fraction(c, kinds.form.denominator[0])) for c in p]}"
                      if len(kinds.form.denominator) == 1 else f"{list(offset)}: {p}"
                      for offset, p in list(zip(kinds.offsets_of(row), kinds.numerators_of(row),
                                                strict=True))[:9])
    return f"{{{terms}}}".replace("'", "")


def _ends(steps: tuple[Fraction, Fraction | None]) -> list[str]:
    low, high = steps
    return [f"[1, {low}]", "[0, 1]" if high is None else f"[1, {high}]"]


def _condition_text(name: str, steps: tuple[Fraction, Fraction | None]) -> str:
    low, high = steps
    if low == high:
        return f"polyval({name}, {low}) >= 0"
    return f"nonneg_on({name}, {low}, {'inf' if high is None else high})"


def step_in(steps: tuple[Fraction, Fraction | None]) -> Fraction:
    """A step of a refuted interval: its lower end, or one near 0."""
    low, high = steps
    return low or (Fraction(1) if high is None else high / 2)


def witness(step: OwnStep, notion: Notion, conditions: list[Condition], dt: Fraction
            ) -> tuple[Evidence | None, str, np.ndarray | None]:
    """What breaks the notion at a step: evidence, words, and the signal where it is short."""
    worst = next(c for c in conditions if value(c.polynomial, dt) < 0)
    row = _row_at(step.kinds, worst.row, dt)
    columns = list(row)
    signal = _signal(worst, row, notion)
    outside = signal.pop(-1)
    log = Transcript()
    log.give("dt", dt)
    coefficients = log.give("row", [row[c] for c in columns]).text
    u = log.give("u", [Fraction(1) if c < 0 else signal[c] for c in columns]).text
    whole = [signal[c] for c in columns if c >= 0] + [*step.free.held]
    if len(whole) < step.kinds.form.count + len(step.free.held):
        whole.append(outside)
    values = log.give("values", whole).text
    output = f"dot({coefficients}, {u})"
    shows = {RANGE: f"{output} < min({values}) or {output} > max({values})",
             POSITIVITY: f"{output} < 0 and min({values}) >= 0",
             MAX_NORM: f"abs({output}) > max(abs({values}))"}[notion]
    at = tuple(map(int, np.unravel_index(worst.row, step.free.shape)))
    by = (f"row {at} of the step at dt, applied to the entries u that it reads (1 for its "
          "constant); values are those of the whole input, each once")
    written = confirm_evidence(calculation("witness", log, [shows], by))
    full = None
    if step.kinds.form.count <= _SIGNAL:
        full = np.array([signal.get(k, outside) for k in range(step.kinds.form.count)],
                        dtype=object)
    words = {"pixel": "one bright pixel", "constant": "a constant signal",
             "zero": "the zero signal" if not step.free.held else "a constant signal",
             "signs": "a signal of -1 and 1"}[worst.signal]
    return written, words, full


def _row_at(kinds: Kinds, row: int, dt: Fraction) -> dict[int, Fraction]:
    divisor = value(kinds.form.denominator, dt)
    return {column: value(tuple(p), dt) / divisor for column, p in zip(
        kinds.columns_of(row), kinds.numerators_of(row), strict=True)}


def _signal(worst: Condition, row: dict[int, Fraction], notion: Notion) -> dict[int, Any]:
    """The entries that the row reads, and under −1 all others."""
    inputs = [c for c in row if c >= 0]
    constant = row.get(-1, Fraction(0))
    zero, one = Fraction(0), Fraction(1)
    if worst.signal == "pixel":
        size = one if not constant else _large(constant, row[worst.column])
        return {c: zero for c in inputs} | {worst.column: size, -1: zero}
    if worst.signal == "constant":
        return {c: one for c in inputs} | {-1: one}
    if worst.signal == "signs":
        return {c: one if row[c] >= 0 else -one for c in inputs} | {-1: zero}
    return {c: zero for c in inputs} | {-1: zero}


def _large(constant: Fraction, coefficient: Fraction) -> Fraction:
    return 1 + 2 * abs(constant) / abs(coefficient)
