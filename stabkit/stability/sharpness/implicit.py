"""For which steps an implicit step A(t) u⁺ = B(t) u + c has a notion, from A and B themselves.

Where A has no positive entries beside its diagonal and B has none that is negative, u⁺ is a mean of
u if the rows of A and B have equal sums (an M-matrix).  The norm does not grow if and only if
AAᵀ − BBᵀ is positive semidefinite, and that is a polynomial in t whose coefficients are matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stabkit.errors import Undecided
from stabkit.stability.invariants import POWER_BOUNDED
from stabkit.stability.notions import (
    CONTRACTION,
    EUCLIDEAN,
    MAX_NORM,
    POSITIVITY,
    RANGE,
    Notion,
)
from stabkit.stability.sharpness import rows
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.definite import (
    Difference,
    Polynomial,
    are_positive,
    first_interval,
    has_inverse,
)
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.inequalities import certificate
from stabkit.stability.sharpness.linear import Steps
from stabkit.tracing import Trace
from stabkit.tracing.form import CONSTANT, Form, join_forms, merge_entries, share_denominator

BY_ROWS = (RANGE, POSITIVITY, MAX_NORM)
BY_FORMS = (EUCLIDEAN, CONTRACTION, POWER_BOUNDED)


@dataclass(frozen=True, eq=False)
class Stage:
    """A x = B u + c, each row of both over one denominator.

    Attributes
    ----------
    left, right : Form
        The unknowns 1, ..., n are the entries of x, and of u.
    """

    left: Form
    right: Form

    @property
    def size(self) -> int:
        return self.left.count

    @property
    def has_constants(self) -> bool:
        """Whether c is not 0."""
        return bool((self.right.columns == CONSTANT).any())


def by_implicit(found: Trace, notion: Notion, name: str) -> StepBound:
    """The steps for which a notion is shown; none is refuted.

    Raises
    ------
    Undecided
        If the step is no chain of linear systems, or the notion is not shown for any step.
    """
    stages = stages_of(found)
    if notion in BY_ROWS:
        proved, polynomials, how = _by_rows(stages, notion)
        by = "each p is an entry of B, or a sum of entries of A and B, in A(t) u+ = B(t) u, a " \
             "polynomial in dt from the constant upwards"
        evidence = tuple(filter(None, (certificate(polynomials, steps, by) for steps in proved)))
    elif notion in BY_FORMS:
        proved, forms, how = _by_forms(stages, notion)
        shown = are_positive(forms, proved[0][1])
        evidence = () if shown is None else (shown,)
    else:
        raise Undecided(f"there is no certificate of the notion '{notion.name}' for implicit steps")
    if not proved:
        raise Undecided("the step is implicit, and its matrices do not show the notion at any dt")
    shape = " x ".join(map(str, found.shape))
    kind = "1 linear system" if len(stages) == 1 else f"{len(stages)} linear systems"
    return StepBound(notion.name, proved, (), evidence, variable=name, rounding=found.rounding,
                     lines=(f"implicit, {kind} A(t) u+ = B(t) u, for shape {shape}; proof by "
                            f"{how}",))


# -- the systems -----------------------------------------------------------------------------------
def stages_of(found: Trace) -> list[Stage]:
    """The systems of a step that is nothing but such, each for what the one before gives."""
    found.check_linear()
    if len(found.nodes) == 1:
        return [_single(found)]
    stages = []
    first = 1
    for node in found.nodes:
        if node.count != found.size:
            raise Undecided("a system for a part of the array comes before another one")
        stages.append(Stage(_repeat_rows(node.parts[0], node.count),
                            _renumber_lines(node.parts[1], first, node.count, node.line)))
        first = node.first
    last = _renumber_lines(found.form, first, found.size, found.nodes[-1].line)
    if not last.is_single or (last.columns == CONSTANT).any() or not _are_ones(last) or \
            np.unique(last.columns).size != last.count:
        raise Undecided("something is done with the solution of the last system")
    place = np.empty(found.size + 1, dtype=np.int64)  # where the unknowns of the last system go
    place[0], place[last.columns] = 0, 1 + last.rows
    order = np.argsort(place[1:], kind="stable")
    stages[-1] = Stage(_rename_columns(stages[-1].left, place).take(order),
                       stages[-1].right.take(order))
    return stages


def _single(found: Trace) -> Stage:
    """One system, for all entries or for some, beside others that are given as such."""
    node, size, form = found.nodes[0], found.size, found.form
    place = np.full(size + node.count + 1, -1, dtype=np.int64)
    solved = form.columns > size
    alone = np.diff(form.starts)[form.rows] == 1
    one = form.numerators[:, 0] == form.denominator[0]
    if len(form.denominator) > 1 or (form.numerators[solved, 1:] != 0).any() or \
            not (alone & one)[solved].all() or \
            np.unique(form.columns[solved]).size != solved.sum():
        raise Undecided(f"something is done with the solution of a system ({node.line})")
    place[form.columns[solved]] = 1 + form.rows[solved]
    if (place[size + 1:] < 0).any():
        raise Undecided(f"a part of the solution of a system is not used ({node.line})")
    own = np.setdiff1d(np.arange(size), form.rows[solved])
    right = _renumber_lines(node.parts[1], 1, size, node.line)
    left = _rename_columns(_repeat_rows(node.parts[0], node.count),
                           np.concatenate([[0], place[size + 1:]]))
    given = form.take(own)
    order = np.argsort(np.concatenate([place[size + 1:] - 1, own]), kind="stable")
    same = Form(own.size, np.arange(own.size), 1 + own, np.ones((own.size, 1), dtype=np.int64))
    return Stage(join_forms([left, same]).take(order), join_forms([right, given]).take(order))


def _repeat_rows(matrix: Form, count: int) -> Form:
    """The rows of a system for each column of a right side with several."""
    width = count // matrix.count
    if width == 1:
        return matrix
    beside = np.arange(width)
    return Form(count, *_sort_entries((matrix.rows[:, None] * width + beside).ravel(),
                                      ((matrix.columns[:, None] - 1) * width + beside + 1).ravel(),
                                      np.repeat(matrix.numerators, width,
                                                axis=0)), matrix.denominator)


def _sort_entries(row: np.ndarray, column: np.ndarray, numerators: np.ndarray
                  ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.lexsort((column, row))
    return row[order], column[order], numerators[order]


def _renumber_lines(form: Form, first: int, count: int, line: str) -> Form:
    """A form whose unknowns begin at `first`, as one of the unknowns 1, ..., count."""
    inner = form.columns != CONSTANT
    if inner.any() and (form.columns[inner].min() < first
                        or form.columns[inner].max() >= first + count):
        raise Undecided(f"a system needs more than what the one before gives ({line})")
    return Form(form.count, form.rows, np.where(inner, form.columns - first + 1, CONSTANT),
                form.numerators, form.denominator)


def _rename_columns(form: Form, place: np.ndarray) -> Form:
    return merge_entries(form.count, form.rows, place[form.columns], form.numerators,
                         form.denominator)


def _are_ones(form: Form) -> bool:
    return form.numerators.shape[1] == 1 and len(form.denominator) == 1 and \
        bool((form.numerators[:, 0] == form.denominator[0]).all())


# -- rows ------------------------------------------------------------------------------------------
def _by_rows(stages: list[Stage], notion: Notion) -> tuple[Steps, list[rows.Polynomial], str]:
    found: list[rows.Polynomial] = []
    for stage in stages:
        found += _conditions(stage, notion)
    return intervals(rows.line_of([rows.Condition(p, 0, "") for p in found]))[0], found, \
        "rows of A without positive entries beside the diagonal, and sums of rows"


def _conditions(stage: Stage, notion: Notion) -> Iterator[rows.Polynomial]:
    """What must be >= 0; distinct rows are looked at once."""
    left, right = share_denominator([stage.left, stage.right])
    known = set()
    for k in range(stage.size):
        a, b = (form.numerators[form.starts[k]:form.starts[k + 1]] for form in (left, right))
        diagonal = left.columns[left.starts[k]:left.starts[k + 1]] == k + 1
        constant = right.columns[right.starts[k]:right.starts[k + 1]] == CONSTANT
        key = tuple(tuple(sorted(map(tuple, part.tolist()))) for part in (
            a[diagonal], a[~diagonal], b[constant], b[~constant]))
        if key not in known:
            known.add(key)
            diagonal_entry, beside, constants, entries = map(list, key)
            yield from _of_row(diagonal_entry, beside, constants, entries, notion)


def _of_row(diagonal: list, beside: list, constant: list, right: list, notion: Notion
            ) -> Iterator[rows.Polynomial]:
    if any(c > 0 for p in beside for c in p):
        raise Undecided("the step is implicit, and its matrix has positive entries beside the "
                        "diagonal")
    total = rows.sum_polynomials(*diagonal, *beside)
    if min(total) < 0 or total[0] <= 0:
        raise Undecided("the step is implicit, and the diagonal of its matrix does not outweigh "
                        "the rest of a row")
    if constant and notion is not POSITIVITY:
        raise Undecided("a source moves constant signals")
    if notion is MAX_NORM:
        yield from rows.outweighs(total, right)
        return
    yield from right
    yield from constant
    if notion is RANGE:
        missing = rows.sum_polynomials(total, *(tuple(-c for c in p) for p in right))
        if any(missing):
            raise Undecided("the step is implicit, and a constant signal does not stay as it is")


# -- norms -----------------------------------------------------------------------------------------
def _by_forms(stages: list[Stage], notion: Notion) -> tuple[Steps, list[Difference], str]:
    if notion is EUCLIDEAN and any(stage.has_constants for stage in stages):
        raise Undecided("a source or a held value moves the zero signal, whatever the step: ask "
                        "for CONTRACTION, which compares two signals")
    flat = [Polynomial.of(form) for form in share_denominator([
        form for stage in stages for form in (stage.left, stage.right)])]
    for left in flat[::2]:
        has_inverse(left)
    direct = list(map(Difference, flat[::2], flat[1::2]))
    whole = _steps_of(direct), direct, "A A' - B B', positive semidefinite"
    if len(stages) == 2 and not (whole[0] and whole[0][0][1] is None) and (
            notion is POWER_BOUNDED or _commute(flat)):
        a1, b1, a2, b2 = flat
        crossed = [Difference(a1.transpose(), b2.transpose()),
                   Difference(a2.transpose(), b1.transpose())]
        why = "so that B2 A1^-1 and B1 A2^-1 let no norm grow" if notion is POWER_BOUNDED else \
            "where all four are symmetric and commute"
        other = _steps_of(crossed)
        if other and (not whole[0] or other[0][1] is None
                      or other[0][1] > (whole[0][0][1] or Fraction(0))):
            return other, crossed, \
                f"A1'A1 - B2'B2 and A2'A2 - B1'B1, positive semidefinite, {why}"
    if not whole[0]:
        raise Undecided("the step is implicit, and no matrix A A' - B B' is seen to be positive "
                        "semidefinite")
    return whole


def _steps_of(forms: list[Difference]) -> Steps:
    """The steps from 0 on at which all forms are positive semidefinite, as far as that is seen."""
    try:
        ends = [end for end in map(first_interval, forms) if end is not None]
    except Undecided:
        return ()
    return ((Fraction(0), min(ends) if ends else None),)


def _commute(matrices: list[Polynomial]) -> bool:
    return all(m.is_symmetric for m in matrices) and all(
        (a @ b - b @ a).is_zero for k, a in enumerate(matrices) for b in matrices[:k])
