"""For which steps every output grows with every input, so that two signals decide for all between.

If T grows with every input and T(low) >= low, T(high) <= high, the box of low and high is kept; if
T keeps every constant signal, the range of every signal is.  The step is linear beside operations
of a few inputs each; how much these change with an input is enclosed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import lcm

from stabkit.errors import Undecided
from stabkit.stability.invariants import StaysIn
from stabkit.stability.notions import POSITIVITY, RANGE, Notion
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.differences import Differences
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.inequalities import certificate
from stabkit.stability.sharpness.piecewise import NotPiecewise, Pieces
from stabkit.stability.sharpness.ratios import ALL, ZERO, Bounds, Inputs
from stabkit.stability.sharpness.rows import tightest
from stabkit.stability.sharpness.signs import cells
from stabkit.tracing import Trace
from stabkit.tracing.trees import Operation, Polynomial, Row, Sum, sorts_of_rows

WORDS = "outputs that grow with every input, so that two signals decide"
GROWING = (RANGE, POSITIVITY)
_AXES = 4       # inputs of operations that are looked at together
_CHOICES = 4096  # ways in which the operations of a row change together
_BY = ("every output grows with every input, and the smallest and the largest signal stay in "
       "between; each p says so, a polynomial in dt from the constant upwards, and the others "
       "follow from them")

Term = tuple[Polynomial, Operation]


def by_growth(found: Trace, notion: Notion, name: str) -> StepBound:
    """RANGE, POSITIVITY or a box for a step that grows with every input.

    Raises
    ------
    Undecided
        If it is not seen to grow, or the ends of the box are not seen to stay in it.
    """
    sorts: dict = {}
    for sort, rows in sorts_of_rows(found).items():
        for row in rows:
            sides = _sides(found, notion, row)
            sorts.setdefault((sort, tuple(sides.values())), (row, sides))
    conditions: list[Polynomial] = []
    for row, sides in sorts.values():
        conditions += _growing(row, sides)
        conditions += _ends(row, sides, notion)
    whole = [as_integers(p) for p in dict.fromkeys(conditions)]
    proved = intervals(cells([[Fraction(c) for c in p] for p in tightest(whole)]))[0]
    proved = tuple(steps for steps in proved if steps[0] != steps[1] or steps[0] > 0)
    if not proved:
        raise Undecided("an output falls as an input grows, or a constant signal moves, at every "
                        "step")
    number = "1 sort" if len(sorts) == 1 else f"{len(sorts)} sorts"
    return StepBound(notion.name, proved, (), tuple(filter(None, (
        certificate(whole, steps, _BY) for steps in proved))), variable=name,
        rounding=found.rounding, lines=(
            f"not linear, {number} of rows, for shape {' x '.join(map(str, found.shape))}; proof "
            f"by {WORDS}",))


def _sides(found: Trace, notion: Notion, row: Row) -> dict[int, Bounds]:
    """For the inputs of a row by their numbers: between what they are."""
    if isinstance(notion, StaysIn):
        low, high = notion.box.spread(found.shape)
        return {k: (low[place], high[place]) for k, place in enumerate(row.places)}
    side = (ZERO, None) if notion is POSITIVITY else ALL
    return dict.fromkeys(range(len(row.places)), side)


# -- that outputs grow -----------------------------------------------------------------------------
def _growing(row: Row, sides: Mapping[int, Bounds]) -> Iterator[Polynomial]:
    linear = dict(row.linear)
    changes = [_changes(terms, names, sides) for terms, names in _groups(row)]
    for name in range(len(row.places)):
        own = [_extreme(change[name]) for change in changes if name in change]
        count = 1
        for each in own:
            count *= len(each)
        if count > _CHOICES:
            raise Undecided("an output depends on too many operations")
        for choice in product(*own):
            yield sum_polynomials([linear.get(name, (ZERO,)), *choice])


def _groups(row: Row) -> list[tuple[list[Term], tuple[int, ...]]]:
    """The operations by their inputs; what has its inputs among those of others joins them."""
    together: dict[Operation, Polynomial] = {}
    for p, node in row.nodes:
        together[node] = sum_polynomials([together.get(node, (ZERO,)), p])
    terms = [(p, node, frozenset().union(*(part.inputs for part in node.parts)))
             for node, p in together.items() if any(p)]
    every = frozenset().union(*(names for _, _, names in terms)) if terms else frozenset()
    sets = {every} if len(every) < _AXES else {names for _, _, names in terms}
    sets = {names for names in sets if not any(names < other for other in sets)}
    groups: dict[frozenset[int], list[Term]] = {names: [] for names in sets}
    for p, node, names in terms:
        groups[min((s for s in sets if names <= s), key=sorted)].append((p, node))
    return [(each, tuple(sorted(names))) for names, each in groups.items()]


def _changes(terms: Sequence[Term], names: Sequence[int], sides: Mapping[int, Bounds]
             ) -> dict[int, list[Polynomial]]:
    """For every input: polynomials in dt that enclose how the sum of the terms changes."""
    bounded = [sides[k] for k in names]
    if len(names) <= _AXES and not any(None in side for side in bounded):
        try:
            pieces = Pieces([node for _, node in terms], names, bounded)  # type: ignore[arg-type]
            return {name: [sum_polynomials([tuple(c * x for x in p) for c, (p, _) in zip(
                slopes, terms, strict=True)]) for slopes in pieces.slopes(name)] for name in names}
        except NotPiecewise:
            pass
    differences = Differences(Inputs(sides))
    found: dict[int, list[Polynomial]] = {}
    for name in names:
        ends = []
        for p, node in terms:
            low, high = differences.of(node, name)
            if low is None or high is None:
                raise Undecided(f"the step is not linear: np.{node.name} ({node.line}); how much "
                                "it changes with an input is not bounded")
            ends.append([tuple(c * x for x in p) for c in {low, high}])
        found[name] = [sum_polynomials(choice) for choice in _few(ends)]
    return found


def _few(ends: list[list[Polynomial]]) -> Iterator[tuple[Polynomial, ...]]:
    """One of each; the terms that are multiples of one polynomial are added up first."""
    added: list[list[Polynomial]] = []
    for each in ends:
        at = next((k for k, other in enumerate(added) if _multiples([*other, *each])), None)
        if at is None:
            added.append(each)
        else:
            added[at] = _extreme([sum_polynomials(pair) for pair in product(added[at], each)])
    count = 1
    for each in added:
        count *= len(each)
    if count > _CHOICES:
        raise Undecided("an output depends on too many operations")
    return product(*added)


def _extreme(polynomials: list[Polynomial]) -> list[Polynomial]:
    """Of multiples of one polynomial the two at the ends."""
    distinct = list(dict.fromkeys(polynomials))
    if len(distinct) < 3 or not _multiples(distinct):
        return distinct
    at = next(k for p in distinct for k, c in enumerate(p) if c)
    distinct.sort(key=lambda p: p[at] if at < len(p) else ZERO)
    return [distinct[0], distinct[-1]]


def _multiples(polynomials: Sequence[Polynomial]) -> bool:
    """Whether all are multiples of one polynomial."""
    first = next((p for p in polynomials if any(p)), None)
    if first is None:
        return True
    at = next(k for k, c in enumerate(first) if c)
    return all(not any(sum_polynomials([p, tuple(-c * (p[at] if at < len(p) else ZERO) / first[at]
                                         for c in first)])) for p in polynomials)


# -- that the ends stay ----------------------------------------------------------------------------
def _ends(row: Row, sides: Mapping[int, Bounds], notion: Notion) -> Iterator[Polynomial]:
    if notion is RANGE:
        _check_constants(row)
        return
    if len(set(sides.values())) == 1:
        try:
            _check_constants(row)
            return
        except Undecided:
            pass
    own = sides[0]
    for at, end in enumerate(own):
        if end is None:
            continue
        point = {k: (side[at], side[at]) for k, side in sides.items()}
        inputs = Inputs(point)
        sign = Fraction(1 if at == 0 else -1)
        values = []
        for p, node in row.nodes:
            low, high = _at_point(node, point, inputs)
            if low is None or high is None:
                raise Undecided(f"np.{node.name} is not bounded at the end of the box "
                                f"({node.line})")
            values.append([tuple(c * x for x in p) for c in {low, high}])
        linear = [tuple((point[k][0] or ZERO) * x for x in p) for k, p in row.linear]
        for choice in _few(values):
            yield tuple(sign * c for c in sum_polynomials([row.constant, (-end,), *linear,
                                                           *choice]))


def _at_point(node: Operation, point: Mapping[int, Bounds], inputs: Inputs) -> Bounds:
    """The value at a point, exactly where the operation is quadratic between planes."""
    names = sorted(frozenset().union(*(part.inputs for part in node.parts)))
    if len(names) <= _AXES:
        try:
            at = [point[k] for k in names]
            value = Pieces([node], names, at).values(  # type: ignore[arg-type]
                tuple(low for low, _ in at))[0]    # type: ignore[misc]
            return value, value
        except NotPiecewise:
            pass
    return inputs.of(node)


def _check_constants(row: Row) -> None:
    """Every constant signal stays: with one unknown for all inputs, the operations cancel."""
    width = max((len(p) for _, p in row.linear), default=1)
    total = [sum((p[k] for _, p in row.linear if k < len(p)), ZERO) for k in range(width)]
    left: dict[Operation, Polynomial] = {}
    numbers, nowhere = [row.constant], Inputs({})
    for p, node in row.nodes:
        one = _with_one_input(node)
        low, high = (None, None) if any(part.inputs for part in one.parts) else nowhere.of(one)
        if low is not None and low == high:
            numbers.append(tuple(low * x for x in p))
        else:
            left[one] = sum_polynomials([left.get(one, (ZERO,)), p])
    if total[0] != 1 or any(total[1:]) or any(sum_polynomials(numbers)) or any(
            map(any, left.values())):
        raise Undecided("a constant signal does not stay as it is, or is not seen to")


def _with_one_input(node: Operation) -> Operation:
    """The operation with the same value for all inputs."""
    parts = []
    for part in node.parts:
        c = sum((c for _, c in part.linear), ZERO)
        parts.append(Sum(part.constant, ((0, c),) if c else (),
                         tuple((c, _with_one_input(inner)) for c, inner in part.nodes)))
    return Operation(node.name, tuple(parts), "")


def sum_polynomials(parts: Sequence[Polynomial]) -> Polynomial:
    """The sum of polynomials."""
    width = max(map(len, parts), default=1)
    return tuple(sum((p[k] for p in parts if k < len(p)), ZERO) for k in range(width))


def as_integers(p: Polynomial) -> tuple[int, ...]:
    """A polynomial times a positive number, with integers as coefficients."""
    scale = lcm(*(c.denominator for c in p)) if p else 1
    return tuple(int(c * scale) for c in p)
