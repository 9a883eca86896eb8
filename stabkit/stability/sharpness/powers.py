"""For which steps all powers of a linear step are bounded: no root of the characteristic polynomial
outside the unit circle, and those on it without a Jordan block."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from flint import Ordering, fmpq, fmpq_mat, fmpq_mpoly, fmpq_mpoly_ctx

from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.rational import interpolate
from stabkit.arithmetic.unit_circle import BOUNDED, OUTSIDE, state_of
from stabkit.errors import Undecided
from stabkit.stability.growing_powers import unboundedness_evidence
from stabkit.stability.notions import CONTRACTION, MAX_NORM, Notion
from stabkit.stability.sharpness import row_evidence, rows
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.eigenvalues import real_line
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.growth import Matrix
from stabkit.stability.sharpness.jury import Pair
from stabkit.stability.sharpness.leapfrog import leapfrog_of
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.linear_step import OwnStep, fixed_values
from stabkit.stability.sharpness.quadratic import norm_sets, numerators
from stabkit.stability.sharpness.signs import Cell, cut, simplest
from stabkit.stability.sharpness.weights import symmetrising_weights
from stabkit.tracing.evaluation import matrix_at
from stabkit.tracing.form import CONSTANT

_OPEN = 64     # unknowns times the squared degree in the step, up to which that is left open
_DEGREES = 32  # of a factor of the characteristic polynomial, in both unknowns together
_FEW = 8       # unknowns up to which it always is
_FIELDS = 16   # that may be stacked along the first axis
_SINGLE = 160  # unknowns up to which single steps are decided
_HALVINGS = 8  # between the last bounded step of a grid and the next
_WRITTEN = 24  # unknowns up to which a matrix whose powers grow is written as evidence
NONE = "no step: a matrix has no inverse"


def by_powers(step: OwnStep, notion: Notion, name: str) -> StepBound:
    """POWER_BOUNDED; at a single step that fails with evidence."""
    bound, matrix = _or_without_set_places(step, notion, name), Matrix(step.free.form)
    is_open = matrix.degree > 0 or len(matrix.form.denominator) > 1
    if not bound.refuted or bound.witness or bound.proved or is_open or matrix.size > _WRITTEN:
        return bound
    exact = [[from_fmpq(x) for x in row] for row in _rational(matrix, Fraction(1)).tolist()]
    found = unboundedness_evidence(np.array(exact, dtype=object))
    return bound if found is None else replace(bound, witness=(found,))


def _or_without_set_places(step: OwnStep, notion: Notion, name: str) -> StepBound:
    """Where only single steps are decided: without the places that the step sets to a number.

    With those places first the matrix is [[0, 0], [b, M]], whose powers are [[0, 0], [Mᵏ⁻¹ b, Mᵏ]].
    """
    bound = _by_powers(step, notion, name)
    places = fixed_values(step.trace) if step.held is None and not any(
        low != high for low, high in (*bound.proved, *bound.refuted)) else None
    if places is None:
        return bound
    rest = _by_powers(replace(step, held=places), notion, name)
    if not any(low != high for low, high in (*rest.proved, *rest.refuted)):
        return bound
    return replace(rest, lines=(*rest.lines, "places that the step sets to a number are left out: "
                                "what they held is forgotten after one step"))


def _by_powers(step: OwnStep, notion: Notion, name: str) -> StepBound:
    normal = _as_norm(step, notion, name)
    if normal is not None:
        return normal
    matrix = Matrix(step.free.form)
    lines = [step.words()]
    if (step.free.form.columns == CONSTANT).any():
        lines.append("the constant terms are left out: powers of the linear part")
    drift = _drift(matrix, step)
    empty = StepBound(notion.name, (), (), variable=name, rounding=step.trace.rounding)
    pair = _pair(step, drift is not None)
    waves = leapfrog_of(step, drift is not None) if pair is None else None
    if waves is not None:
        proved, refuted, how = waves.sets()
        how = f"leapfrog with a symmetric matrix K: {how}"
    elif pair is not None:
        proved, refuted = intervals(pair.line())[0], pair.refuted_steps()
        how = "the conditions of Jury at every angle" + (
            ", so for every size with these rows, one for each field" if step.repeats else "")
    elif matrix.degree == 1 and _FEW < matrix.size <= _SINGLE and matrix.starts_at_identity:
        proved, refuted = _of_lines(matrix)
        how = "the characteristic polynomial at the end, as every root moves on a line from 1"
    elif _is_small(matrix) and (line := open_line(matrix, drift is not None)) is not None:
        proved, refuted = intervals(line)
        how = "the roots of the characteristic polynomial, exactly"
    elif matrix.size <= _SINGLE:
        proved, refuted = _at_points(matrix, drift is not None)
        how = "the characteristic polynomial at single steps"
    else:
        return _by_max_norm(step, empty, lines)
    if waves is not None and proved and refuted and refuted[0][0] == proved[-1][1]:
        lines.append(f"at {name} = {refuted[0][0]} itself it grows linearly: a root on the unit "
                     "circle is double")
    if drift is not None:
        return _apart_from_drift(empty, proved, refuted, lines, name,
                                 _linear_growth(pair, refuted, name))
    why = ""
    lines += _linear_growth(pair, refuted, name)
    if refuted:
        low, high = refuted[0]
        why = OUTSIDE if waves is not None else \
            state_at(matrix, low or (Fraction(1) if high is None else high / 2))
    if proved:
        lines[0] += f"; proof by {how}"
    return replace(empty, proved=proved, refuted=refuted, by=why if why != BOUNDED else "",
                   lines=tuple(lines))


def _by_max_norm(step: OwnStep, empty: StepBound, lines: list[str]) -> StepBound:
    """Where rows have moduli that sum to 1 at most: a norm that does not grow bounds all powers."""
    found = rows.conditions(step.kinds, MAX_NORM)
    proved = intervals(rows.line_of(found))[0]
    evidence = tuple(filter(None, (row_evidence.certificate(step.kinds, MAX_NORM, steps, (), found)
                                   for steps in proved)))
    if proved:
        lines[0] += f"; proof by {rows.WORDS[MAX_NORM]}"
    lines.append(f"no characteristic polynomial is taken beyond {_SINGLE} unknowns"
                 + (", so no step is refuted" if proved else "; a norm that does not grow bounds "
                    "all powers: ask EUCLIDEAN or weighted()"))
    return replace(empty, proved=proved, certificate=evidence, lines=tuple(lines))


def _as_norm(step: OwnStep, notion: Notion, name: str) -> StepBound | None:
    """Where the matrix is normal for some weights, its powers are bounded with its norm."""
    weights, words = None, "a periodic step whose rows are all alike has a normal matrix"
    if not (step.kinds.is_uniform and step.held is None):
        weights = symmetrising_weights(step.free.form)
        words = "with the right weights the matrix is symmetric"
        if weights is None:
            return None
    bound = norm_sets(step, CONTRACTION, name,
                      None if weights is None or len(set(weights)) == 1 else weights)
    if not bound.proved and not bound.refuted:
        return None
    constants = ["the constant terms are left out: powers of the linear part"] if (
        step.free.form.columns == CONSTANT).any() else []
    return replace(bound, notion=notion.name, signals=bound.signals[:1],
                   lines=(*bound.lines, f"{words}: all powers are bounded where its norm is 1 at "
                          "most, and there alone", *constants))


def _is_small(matrix: Matrix) -> bool:
    degree = max(matrix.degree, len(matrix.form.denominator) - 1)
    try:
        rows.positive_denominator(matrix.form.denominator)
    except Undecided:
        return False
    return matrix.size <= _SINGLE and matrix.size * degree**2 <= _OPEN


def _pair(step: OwnStep, drift: bool) -> Pair | None:
    try:
        return None if step.held is not None else Pair(step.kinds, drift)
    except Undecided:
        return None


def _linear_growth(pair: Pair | None, refuted: Steps, name: str) -> list[str]:
    """Refuted ends at which no root is outside the circle, in words."""
    return [f"at {name} = {low} itself it grows linearly: a root on the unit circle is double"
            for low, _ in refuted if low and pair is not None and pair.grows_linearly(low)]


def _apart_from_drift(empty: StepBound, proved: Steps, refuted: Steps, lines: list[str], name: str,
                      ends: list[str]) -> StepBound:
    rest = replace(empty, notion=f"{empty.notion}, apart from the drift", proved=proved,
                   refuted=refuted, lines=tuple(ends))
    lines = [lines[0], "a constant signal drifts: 1 is a double root with a Jordan block "
             f"at every {name}, which is not for the step to mend (its mean grows linearly)",
             str(rest)]
    return replace(empty, refuted=((Fraction(0), None),), by="a mean that drifts",
                   lines=tuple(lines), rest=rest)


def _drift(matrix: Matrix, step: OwnStep) -> np.ndarray | None:
    """A signal w, constant in one field, with M w = w + tᵏ y and M y = y ≠ 0 for every step."""
    if len(matrix.form.denominator) > 1 or step.held is not None:
        return None
    fields = step.trace.shape[0] if len(step.trace.shape) > 1 else 1
    fields = fields if fields <= _FIELDS else 1  # else it is a side of a grid
    for k in range(fields):
        w = np.zeros(matrix.size, dtype=np.int64)
        each = matrix.size // fields
        w[k * each:(k + 1) * each] = 1
        moved = [y for y in _moves(matrix, w) if y.any()]
        if len(moved) == 1 and not any(y.any() for y in _moves(matrix, moved[0])):
            return w
    return None


def _moves(matrix: Matrix, w: np.ndarray) -> list[np.ndarray]:
    """(M − I) w times the denominator, by the powers of the step."""
    images = [matrix.image(k, w) for k in range(matrix.degree + 1)]
    return [images[0].astype(object) - matrix.form.denominator[0] * w.astype(object), *images[1:]]


def state_at(matrix: Matrix, dt: Fraction, drift: bool = False) -> str:
    """What the powers at one step are: BOUNDED, DEFECTIVE or OUTSIDE; exactly.

    With `drift`, one Jordan block of size 2 at the root 1 is left out.
    """
    return state_of(_rational(matrix, dt), drift) if _divisor(matrix, dt) else NONE


def _divisor(matrix: Matrix, dt: Fraction) -> Fraction:
    return rows.value(matrix.form.denominator, dt)


def _rational(matrix: Matrix, dt: Fraction) -> fmpq_mat:
    return numerators(matrix.form, dt, matrix.size) * (1 / to_fmpq(_divisor(matrix, dt)))


# -- all steps at once ---------------------------------------------------------------------------
def open_line(matrix: Matrix, drift: bool = False) -> list[Cell] | None:
    """The positive line cut where a root may reach the unit circle, or roots on it may meet.

    None where the characteristic polynomial does not fall into factors that are small enough.
    """
    cutting = []
    factors = _factors_of(matrix)
    if max(sum(f.degrees()) for f in factors) > _DEGREES:
        return None
    mirrored = [f for f in factors if _mirror(f) in (f, -f)]
    for f in factors:
        cutting += [_at(f, 1), _at(f, -1)]
        if f not in mirrored:
            cutting.append(f.resultant(_mirror(f), 0))
        elif f.degrees()[0] > 1:
            cutting.append(f.discriminant(0))
    cutting += [f.resultant(g, 0) for k, f in enumerate(mirrored) for g in mirrored[k + 1:]]
    polynomials = [_in_t(c) for c in cutting if c != 0]

    def state(dt: Fraction) -> str:
        return state_at(matrix, dt, drift)

    found = cut([*polynomials, [*map(Fraction, matrix.form.denominator)]],
                lambda dt: state(dt) == BOUNDED)
    found = [replace(cell, holds=None) if cell.is_point and cell.holds is False
             and state(cell.low) == NONE else cell for cell in found]
    # Bounded powers are not a closed condition: at an irrational root nothing is claimed.
    found = [cell if cell.is_point or k % 2 == 0 else replace(cell, holds=None, closed=False)
             for k, cell in enumerate(found)]
    return [cell if cell.holds is not False or cell.is_point or _surely(cell, state) else
            replace(cell, holds=None) for cell in found]


def _surely(cell: Cell, state) -> bool:
    """Whether what fails in a gap fails at every step of it: a root that is outside stays so.

    A Jordan block may vanish at single steps, so it is not taken for all of them.
    """
    middle = cell.low + 1 if cell.high is None else (cell.low + cell.high) / 2
    return state(middle) == OUTSIDE


def _factors_of(matrix: Matrix) -> list[fmpq_mpoly]:
    """The irreducible factors of det(λ d(t) − N(t)), in λ and t."""
    n = matrix.size
    context = fmpq_mpoly_ctx.get(["z", "t"], Ordering.lex)
    nodes = range(max(matrix.degree, len(matrix.form.denominator) - 1) * n + 1)
    values = []
    for node in nodes:
        d = fmpq(sum(c * node**k for k, c in enumerate(matrix.form.denominator)))
        values.append([c * d**k for k, c in enumerate(
            numerators(matrix.form, Fraction(node), n).charpoly().coeffs())])
    solved = interpolate(nodes, values)
    terms: dict[tuple[int, ...], fmpq] = {
        (j, k): solved[k, j] for k in range(len(nodes)) for j in range(n + 1)
        if solved[k, j] != 0}
    return [f for f, _ in context.from_dict(terms).factor()[1]]


def _mirror(f: fmpq_mpoly) -> fmpq_mpoly:
    degree = f.degrees()[0]
    return f.context().from_dict({(degree - key[0], key[1]): c for key, c in f.to_dict().items()})


def _at(f: fmpq_mpoly, z: int) -> fmpq_mpoly:
    return f.subs({"z": fmpq(z)})


def _in_t(f: fmpq_mpoly) -> list[Fraction]:
    terms = {int(key[1]): from_fmpq(c) for key, c in f.to_dict().items()}
    return [terms.get(k, Fraction(0)) for k in range(max(terms, default=0) + 1)]


# -- larger steps --------------------------------------------------------------------------------
def _of_lines(matrix: Matrix) -> tuple:
    """I + t A: each root is 1 + t μ, so the set is an interval from 0 on."""
    line = real_line(matrix)
    if line is not None:
        proved, refuted = intervals([
            replace(cell, holds=state_at(matrix, cell.low) == BOUNDED) if cell.is_point else cell
            for cell in line])
        inside = proved[0][1] if proved and proved[0][1] is not None else Fraction(1)
        if proved and state_at(matrix, inside) == BOUNDED:
            return proved, refuted
    slope = matrix_at(matrix.form, 1.0, matrix.size).toarray() - np.eye(matrix.size)
    roots = np.linalg.eigvals(slope)
    roots = roots[np.abs(roots) > 1e-9 * np.abs(roots).max(initial=1)]
    if not roots.size:
        return _at_points(matrix)
    tops = -2 * roots.real / np.abs(roots)**2
    top = float(tops.min())
    if top <= 1e-9:
        first = Fraction(1, 10**6)
        return (), (((first, None),) if state_at(matrix, first) == OUTSIDE else ())
    proved, refuted = (), ()
    for away in (1e-9, 1e-6, 1e-3):
        high = Fraction(top * (1 + away / 100))
        end = simplest(high * (1 - Fraction(away)), high)
        if state_at(matrix, end) == BOUNDED:
            proved = ((Fraction(0), end),)
            break
    for away in (1e-4, 1e-3, 1e-2):
        first = simplest(Fraction(top * (1 + away / 2)), Fraction(top * (1 + away)))
        if state_at(matrix, first) == OUTSIDE:
            refuted = ((first, None),)
            break
    return proved, refuted


def _at_points(matrix: Matrix, drift: bool = False) -> tuple:
    """Single steps, from 2⁻¹² on by factors of two, and the last bounded one more closely."""
    states = {dt: state_at(matrix, dt, drift) for k in range(-12, 13)
              if _divisor(matrix, dt := Fraction(2)**k)}
    low = max((dt for dt, state in states.items() if state == BOUNDED), default=Fraction(0))
    high = min((dt for dt in states if dt > low), default=low)
    for _ in range(_HALVINGS if 0 < low < high else 0):
        middle = (low + high) / 2
        if not _divisor(matrix, middle):
            break
        states[middle] = state_at(matrix, middle, drift)
        low, high = (middle, high) if states[middle] == BOUNDED else (low, middle)
    proved = tuple((dt, dt) for dt in sorted(states) if states[dt] == BOUNDED)
    refuted = tuple((dt, dt) for dt in sorted(states) if states[dt] != BOUNDED)
    return proved, refuted
