"""For which steps the outputs of a step that is not linear are means of its inputs.

Each operation is a bounded multiple of a linear form; so an output is Σⱼ Cⱼ uⱼ with coefficients
Cⱼ in intervals whose ends are polynomials in the step.  Where they are >= 0 and sum to 1 the range
is kept; where they are >= 0 positivity; and on a line, with neighbours alone, the variation
(Harten).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product

import numpy as np

from stabkit.errors import Undecided
from stabkit.stability.invariants import StaysIn
from stabkit.stability.notions import CYCLIC_VARIATION, POSITIVITY, RANGE, VARIATION, Notion
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.inequalities import certificate
from stabkit.stability.sharpness.line_functions import all_ratios, join_operations
from stabkit.stability.sharpness.ratios import ALL, Bounds, Inputs, Ratio
from stabkit.stability.sharpness.rows import tightest
from stabkit.stability.sharpness.signs import cells
from stabkit.tracing import Trace
from stabkit.tracing.trees import Operation, Polynomial, Row, sorts_of_rows

_CHOICES = 1024  # ways to write one row
_CORNERS = 10    # ratios in one coefficient
_SPLIT = 6       # inputs of a row whose signs are all tried
LINES = (VARIATION, CYCLIC_VARIATION)
_HARTEN = "Harten's conditions: sums of differences of neighbours with nonnegative coefficients " \
          "that sum to 1 at most"
WORDS = {RANGE: "means of inputs, as each operation is a bounded multiple of a difference",
         POSITIVITY: "sums of inputs with nonnegative coefficients, as each operation is a bounded "
                     "multiple of a linear form",
         VARIATION: _HARTEN, CYCLIC_VARIATION: _HARTEN}
BY_MEANS = (RANGE, POSITIVITY, *LINES)


@dataclass(frozen=True)
class Written:
    """A row as Σⱼ Cⱼ uⱼ: for each input the polynomials at the corners of its ratios.

    In floats, `reach` is how far from 0 on all of them are >= 0.
    """

    coefficients: dict[int, list[Polynomial]]
    reach: float


def by_means(found: Trace, notion: Notion, name: str) -> StepBound:
    """RANGE, POSITIVITY, a variation or a box of equal sides, for a step that is not linear.

    Raises
    ------
    Undecided
        If an operation is not bounded; the message tells its line.  For the variation along a line
        if the step is periodic, and around the circle if it is not.
    """
    kind = RANGE if isinstance(notion, StaysIn) else notion
    box = _box_of(found, notion)
    sorts = sorts_of_rows(found)
    written = [each for rows in sorts.values() for each in _on_parts(
        join_operations(rows[0]), kind, box)]
    polynomials = [p for each in written for ps in each.coefficients.values() for p in ps]
    if notion in LINES:
        if _is_periodic(found, sorts) is not (notion is CYCLIC_VARIATION):
            raise Undecided(_other_line(found, notion, name))
        polynomials += _harten(found, sorts, written)
    whole = [_as_integers(p) for p in dict.fromkeys(polynomials)]
    proved = intervals(cells([[Fraction(c) for c in p] for p in tightest(whole)]))[0]
    proved = tuple(steps for steps in proved if steps[0] != steps[1] or steps[0] > 0)
    if not proved:
        raise Undecided(f"it is written as {WORDS[kind]}, and a coefficient is negative at every "
                        "step")
    shape = " x ".join(map(str, found.shape))
    sort = "1 sort" if len(sorts) == 1 else f"{len(sorts)} sorts"
    lines = (f"{'' if found.is_linear else 'not '}linear, {sort} of rows, for shape {shape}; "
             f"proof by {WORDS[kind]}",)
    by = f"the outputs are {WORDS[kind]}; each p is the end of a coefficient, a polynomial in dt " \
         "from the constant upwards, and the others follow from them"
    return StepBound(notion.name, proved, (), tuple(filter(None, (
        certificate(whole, steps, by) for steps in proved))), variable=name,
        rounding=found.rounding, lines=lines)


def _box_of(found: Trace, notion: Notion) -> Bounds:
    if not isinstance(notion, StaysIn):
        return ALL
    low, high = notion.box.low, notion.box.high
    if low.size != 1 or high.size != 1:
        raise Undecided("boxes of several sides are kept by steps that grow with every input; "
                        "means keep one interval for all entries")
    return low.item(), high.item()


def _on_parts(row: Row, notion: Notion, box: Bounds) -> list[Written]:
    """The row, where a box has both signs and the inputs are few for each choice of theirs."""
    low, high = box
    count = len(row.places)
    if not row.nodes or low is None or high is None or not low < 0 < high or count > _SPLIT:
        return [_write_row(row, notion, [box] * count)]
    return [_write_row(row, notion, list(sides)) for sides in product(
        [(low, Fraction(0)), (Fraction(0), high)], repeat=count)]


def _write_row(row: Row, notion: Notion, sides: list[Bounds]) -> Written:
    """The row with the best choice of ratios: that with the largest step."""
    inputs = Inputs(dict(enumerate(sides)))
    choices = [_ways(node, inputs, notion) for _, node in row.nodes]
    for ways, (_, node) in zip(choices, row.nodes, strict=True):
        if not ways:
            raise Undecided(f"the step is not linear: np.{node.name} ({node.line}); it is not "
                            "known to be a bounded multiple of a "
                            f"{'form' if notion is POSITIVITY else 'difference'} of inputs")
    if notion is not POSITIVITY:
        _check_sums(row)
    elif any(c < 0 for c in row.constant):
        raise Undecided("a constant is negative")
    if np.prod([len(ways) for ways in choices] or [1]) > _CHOICES:
        choices = [ways[:1] for ways in choices]
    best: Written | None = None
    for way in product(*choices):
        coefficients = _coefficients(row, way)
        if coefficients is None:
            continue
        reach = min((_reach(p) for ps in coefficients.values() for p in ps), default=np.inf)
        if best is None or reach > best.reach:
            best = Written(coefficients, reach)
    if best is None:
        raise Undecided("an output depends on too many operations")
    return best


def _ways(node: Operation, inputs: Inputs, notion: Notion) -> list[Ratio]:
    found = list(all_ratios(node, inputs))
    if notion is not POSITIVITY:
        found = [each for each in found if not sum(c for _, c in each.form)]
    kept: list[Ratio] = []
    for each in sorted(found, key=lambda r: r.high - r.low):
        if all(other.form != each.form for other in kept):
            kept.append(each)
    return kept


def _check_sums(row: Row) -> None:
    """Constant signals stay: no constants, and the linear part sums to 1."""
    width = max((len(p) for _, p in row.linear), default=1)
    total = [sum((p[k] for _, p in row.linear if k < len(p)), Fraction(0)) for k in range(width)]
    if any(row.constant) or total[0] != 1 or any(total[1:]):
        raise Undecided("a constant signal does not stay as it is")


def _coefficients(row: Row, way: tuple[Ratio, ...]) -> dict[int, list[Polynomial]] | None:
    """For every input the values of its coefficient at all corners of the ratios in it."""
    linear = dict(row.linear)
    parts: dict[int, list[tuple[Polynomial, Ratio]]] = {k: [] for k in linear}
    for (p, _), ratio in zip(row.nodes, way, strict=True):
        for k, c in ratio.form:
            parts.setdefault(k, []).append((tuple(c * x for x in p), ratio))
    out: dict[int, list[Polynomial]] = {}
    for k, terms in parts.items():
        if len(terms) > _CORNERS:
            return None
        values = {linear.get(k, (Fraction(0),))}
        for p, ratio in terms:
            values = {_plus(v, p, r) for v in values for r in {ratio.low, ratio.high}}
        out[k] = list(values)
    return out


def _plus(p: Polynomial, q: Polynomial, factor: Fraction) -> Polynomial:
    width = max(len(p), len(q))
    return tuple((p[k] if k < len(p) else Fraction(0))
                 + factor * (q[k] if k < len(q) else Fraction(0)) for k in range(width))


def _as_integers(p: Polynomial) -> tuple[int, ...]:
    scale = int(np.lcm.reduce([1, *(c.denominator for c in p)]))
    return tuple(int(c * scale) for c in p)


@lru_cache(maxsize=4096)
def _reach(p: Polynomial) -> float:
    """In floats: up to where a polynomial is >= 0 from 0 on."""
    first = next((k for k, c in enumerate(p) if c), None)
    if first is None:
        return np.inf
    if p[first] < 0:
        return 0.0
    roots = np.roots([float(c) for c in p[:first:-1]] + [float(p[first])])
    positive = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 1e-12)]
    return float(positive.min(initial=np.inf))


# -- the variation of a line -----------------------------------------------------------------------
def _offsets(found: Trace, row: Row) -> dict[int, int]:
    """From the numbers of the inputs to where they lie from the output, around the line."""
    n = found.size
    return {k: (place - row.places[0] + (n - 1) // 2) % n - (n - 1) // 2
            for k, place in enumerate(row.places)}


def _is_periodic(found: Trace, sorts: dict[tuple, list[Row]]) -> bool:
    return any(abs(row.places[0] - place) > found.size // 2
               for rows in sorts.values() for row in rows for place in row.places)


def _other_line(found: Trace, notion: Notion, name: str) -> str:
    """Why the variation that is asked for is not shown, and what holds of the other one."""
    if notion is CYCLIC_VARIATION:
        return "the step is not periodic: ask VARIATION, without the jump from the last entry to " \
            "the first"
    why = "the step is periodic: ask CYCLIC_VARIATION, which counts the jump from the last entry " \
        "to the first"
    try:
        return f"{why}; that is {by_means(found, CYCLIC_VARIATION, name).proved_in_words}"
    except Undecided:
        return why


def _harten(found: Trace, sorts: dict[tuple, list[Row]], written: list[Written]
            ) -> Iterator[Polynomial]:
    """1 − C − D, for the coefficients C of a left neighbour and D of a right one."""
    if len(found.shape) != 1:
        raise Undecided("the variation is that of a line")
    sides: list[list[Polynomial]] = [[(Fraction(0),)], [(Fraction(0),)]]
    for rows, each in zip(sorts.values(), written, strict=True):
        offsets = [_offsets(found, row) for row in rows]
        for k, polynomials in each.coefficients.items():
            there = {offset[k] for offset in offsets}
            if not there <= {-1, 0, 1}:
                raise Undecided("an output depends on more than its neighbours")
            for away, side in ((-1, 0), (1, 1)):
                if away in there:
                    sides[side] += polynomials
    for c, d in product(*sides):
        yield _plus(_plus((Fraction(1),), c, Fraction(-1)), d, Fraction(-1))

