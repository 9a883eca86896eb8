"""What the kinds of rows of a linear step say of RANGE, POSITIVITY and MAX_NORM: polynomials.

Each condition is a polynomial in the step that must be >= 0; together they are necessary and
sufficient, as every row of the step is of one of the kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from stabkit.errors import Undecided
from stabkit.stability.notions import MAX_NORM, POSITIVITY, RANGE, Notion
from stabkit.stability.sharpness.condition import Condition, Polynomial
from stabkit.stability.sharpness.many_rows import tight_conditions
from stabkit.stability.sharpness.signs import Cell, cells
from stabkit.tracing import Kinds
from stabkit.tracing.form import CONSTANT

WORDS = {RANGE: "nonnegative rows that sum to 1", POSITIVITY: "nonnegative rows",
         MAX_NORM: "rows whose moduli sum to 1 at most"}
_SIGNS = 12  # coefficients of a row that may change their signs


def conditions(kinds: Kinds, notion: Notion, held: Sequence[Fraction] = ()) -> list[Condition]:
    """All conditions of a notion, or of many rows those that say what all say.

    `held` are the values of the inputs that are fixed.

    Raises
    ------
    Undecided
        If a denominator vanishes at a positive step.
    """
    divisor = positive_denominator(kinds.form.denominator)
    tight = None if held else tight_conditions(kinds, notion)
    if tight is not None:
        return tight
    made = {RANGE: _range, POSITIVITY: _positivity, MAX_NORM: _max_norm}[notion]
    found: list[Condition] = []
    for row in kinds.examples.tolist():
        columns = kinds.form.columns[kinds.entries(row)].tolist()
        terms = [(column, tuple(c)) for column, c in zip(
            columns, kinds.numerators_of(row), strict=True)]
        constant = next((c for column, c in terms if column == CONSTANT), (0,))
        terms = [(column - 1, c) for column, c in terms if column != CONSTANT]
        found += made(row, terms, constant, divisor, held)
    return found


def positive_denominator(denominator: Polynomial) -> Polynomial:
    """The denominator, if it is positive at every positive step."""
    if len(denominator) == 1:
        return denominator
    if all(cell.holds for cell in cells([[Fraction(c) for c in denominator]])) and not any(
            cell.is_point for cell in cells([[Fraction(c) for c in denominator],
                                             [-Fraction(c) for c in denominator]])):
        return denominator
    raise Undecided("the step divides by a polynomial in dt that vanishes or is negative at a "
                    "positive dt")


def _range(row: int, terms: list, constant: Polynomial, divisor: Polynomial,
           held: Sequence[Fraction]) -> Iterator[Condition]:
    yield from _nonnegative(row, terms)
    total = sum_polynomials(*(c for _, c in terms))
    missing = sum_polynomials(divisor, _times(total, -1))  # 1 − Σ c, times the denominator
    if not held:
        yield from _zero(row, "constant", missing)
        yield from _zero(row, "zero", constant)
        return
    yield Condition(missing, row, "constant")
    low, high = min(held), max(held)
    yield Condition(_whole(constant, missing, -low), row, "zero")
    yield Condition(_times(_whole(constant, missing, -high), -1), row, "zero")


def _positivity(row: int, terms: list, constant: Polynomial, divisor: Polynomial,
                held: Sequence[Fraction]) -> Iterator[Condition]:
    yield from _nonnegative(row, terms)
    yield Condition(constant, row, "zero")


def _max_norm(row: int, terms: list, constant: Polynomial, divisor: Polynomial,
              held: Sequence[Fraction]) -> Iterator[Condition]:
    for signs in _patterns([c for _, c in terms]):
        total = sum_polynomials(*(_times(c, s) for (_, c), s in zip(terms, signs, strict=True)))
        missing = sum_polynomials(divisor, _times(total, -1))
        yield Condition(missing, row, "signs")
        if held and any(constant):
            largest = max(map(abs, held))
            for sign in (1, -1):
                yield Condition(_whole(_times(constant, -sign), missing, largest), row, "zero")
    if not held:
        yield from _zero(row, "zero", constant)


def outweighs(total: Polynomial, terms: list[Polynomial]) -> Iterator[Polynomial]:
    """That a polynomial is at least the sum of the moduli of others."""
    for signs in _patterns(terms):
        yield sum_polynomials(total, *(_times(c, -s) for c, s in zip(terms, signs, strict=True)))


def _patterns(polynomials: list[Polynomial]) -> set[tuple[int, ...]]:
    """The signs that the polynomials have together, somewhere between their positive roots."""
    changing = [p for p in polynomials if min(p) < 0 < max(p)]
    if len(changing) > _SIGNS * 4:
        raise Undecided("too many coefficients of a row change their signs")
    spots = cells([[Fraction(c) for c in p] for p in changing]) if changing else \
        [Cell(Fraction(0), None, True)]
    found = set()
    for cell in spots:
        at = cell.low + 1 if cell.high is None else (cell.low + cell.high) / 2
        found.add(tuple(1 if value(p, at) >= 0 else -1 for p in polynomials))
    return found


def _nonnegative(row: int, terms: list) -> Iterator[Condition]:
    for column, c in terms:
        yield Condition(c, row, "pixel", column)


def _zero(row: int, signal: str, p: Polynomial) -> Iterator[Condition]:
    if any(p):
        yield Condition(p, row, signal)
        yield Condition(_times(p, -1), row, signal)


def sum_polynomials(*parts: Polynomial) -> Polynomial:
    width = max(map(len, parts), default=1)
    return tuple(sum(p[k] for p in parts if k < len(p)) for k in range(width))


def _times(p: Polynomial, factor: int) -> Polynomial:
    return tuple(c * factor for c in p)


def _whole(p: Polynomial, q: Polynomial, factor: Fraction) -> Polynomial:
    """p + factor·q, times the denominator of the factor."""
    return sum_polynomials(_times(p, factor.denominator), _times(q, factor.numerator))


def value(p: Polynomial, at: Fraction) -> Fraction:
    """p at a step."""
    total = Fraction(0)
    for c in reversed(p):
        total = total * at + c
    return total


def line_of(found: list[Condition]) -> list[Cell]:
    """The positive line cut where the conditions change their answer."""
    polynomials = list(dict.fromkeys(condition.polynomial for condition in found))
    return cells([[Fraction(c) for c in p] for p in tightest(polynomials)])


def tightest(polynomials: list[Polynomial]) -> list[Polynomial]:
    """Those that say what all say: of a + b t only the ones that cut the line furthest in."""
    kept, below, above = [], None, None
    for p in polynomials:
        p = tuple(p[:_degree(p) + 1])
        if len(p) > 2:
            kept.append(p)
        elif len(p) < 2:
            kept += [p] if p[0] < 0 else []
        elif p[1] > 0:
            at = Fraction(-p[0], p[1])
            below = (at, p) if at > 0 and (below is None or at > below[0]) else below
        else:
            at = Fraction(p[0], -p[1])
            above = (at, p) if above is None or at < above[0] else above
    return kept + [pair[1] for pair in (below, above) if pair is not None] or [(1,)]


def _degree(p: Polynomial) -> int:
    return max((k for k, c in enumerate(p) if c), default=0)


