"""For which steps a linear step does not increase a Euclidean norm, perhaps with weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.rational import (
    from_flint,
    interpolate,
    is_psd,
    negative_direction,
    to_flint,
)
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, MAX_NORM, Notion
from stabkit.stability.sharpness import row_evidence, rows
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.eigenvalues import symmetric_line
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.growing_signals import (
    growth_at_ends,
    growth_between,
    growth_from_zero,
    merge_intervals,
)
from stabkit.stability.sharpness.growth import Growing, Matrix
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.linear_step import OwnStep, held_ends
from stabkit.stability.sharpness.parts_of_grids import middle_row
from stabkit.stability.sharpness.signs import Cell, cells, simplest
from stabkit.stability.sharpness.symbol import Symbol
from stabkit.stability.sharpness.weights import weights_of
from stabkit.stability.verdict import Evidence, calculation
from stabkit.tracing.evaluation import values_at
from stabkit.tracing.form import CONSTANT, Form

_SMALL = 16   # unknowns up to which the characteristic polynomial is taken with an open step
_MIDDLE = 128  # unknowns up to which a rational matrix is decided at single steps
SYMBOL = "its symbol, of modulus 1 at most at every angle"
PART = "the symbol, of modulus 1 at most at every angle, of the periodic step that it is a part of"
SUMS = "moduli of every row and of every column that sum to 1 at most"
_WRITTEN = 50  # unknowns of a matrix in a certificate


def by_norm(step: OwnStep, notion: Notion, name: str) -> StepBound:
    """EUCLIDEAN, CONTRACTION or a weighted norm."""
    weights, found = weights_of(step, notion)
    return norm_sets(step, notion, name, weights, found)


def norm_sets(step: OwnStep, notion: Notion, name: str, weights: list[Fraction] | None = None,
              found: Sequence[str] = ()) -> StepBound:
    """The sets for given weights; `found` says in words where they are from."""
    uniform = step.trace.shape if step.kinds.is_uniform and step.held is None else None
    matrix = Matrix(step.free.form, weights, uniform, step.chessboard)
    constant = (step.free.form.columns == CONSTANT).any() and notion is not CONTRACTION
    lines = [step.words(), *found]
    if constant:
        lines.append("a source or a held value moves the zero signal, whatever the step: ask for "
                     "CONTRACTION, which compares two signals")
        return _move_zero(step, StepBound(notion.name, (), (), variable=name, by="the zero signal",
                                      rounding=step.trace.rounding, lines=tuple(lines)))
    from_0 = growth_from_zero(matrix)
    never = from_0 is not None and from_0.steps == ((Fraction(0), None),)
    proved, why, limit = ((), "", "") if never else _prove_intervals(step, matrix)
    grown = [from_0] if from_0 is not None else []
    grown += [] if never else growth_at_ends(matrix, proved, grown)
    if not proved and not grown:
        grown = _grown_exactly(matrix, step.dt)
    if not never and not matrix.is_large:
        grown += growth_between(matrix, proved, grown)
    refuted = merge_intervals([steps for each in grown for steps in each.steps])
    certificate = [each for steps in proved for each in _certificates(step, matrix, steps, why)]
    if proved:
        lines[0] += f"; proof by {why}{_sizes(step, why)}"
    if not proved and not refuted:
        lines.append(limit or "no step is proved, and no signal was found that grows at one")
    if not proved and refuted == ((Fraction(0), None),):
        lines += _why_never(step)
    single = step.dt if step.dt is not None else Fraction(1) if step.is_fixed else None
    if single is not None and grown:
        gain = matrix.gain(grown[0], single)
        lines.append(f"its norm becomes {gain:.7g} times as large")
    first = next((each for each in grown if refuted and each.steps[0][0] == refuted[0][0]), None)
    return StepBound(
        notion.name, proved, refuted, tuple(certificate),
        tuple(filter(None, (_witness(step, matrix, each) for each in grown))),
        signals=_signals(first, notion), rounding=step.trace.rounding,
        variable=name, lines=tuple(lines), by=_name_of_signal(first))


def _sizes(step: OwnStep, why: str) -> str:
    """For which other sizes the proof is one."""
    if why == SUMS:
        return ", so for every size made of these rows and columns" if step.repeats_columns else ""
    sizes = {SYMBOL: "made of these rows", PART: "that is a part of it"}.get(why)
    return f", so for every size {sizes}" if sizes and step.repeats else ""


def _move_zero(step: OwnStep, bound: StepBound) -> StepBound:
    """The steps at which the zero signal moves, with its evidence."""
    form = step.free.form
    constants = form.constants().astype(object)
    square = [0] * (2 * constants.shape[1] - 1)
    for row in {tuple(row) for row in constants.tolist()}:  # each once: its size does not matter
        for i, a in enumerate(row):
            for j, b in enumerate(row):
                square[i + j] += int(a) * int(b)
    _, refuted = intervals(cells([[Fraction(-c) for c in square]]))
    written = []
    for low, high in refuted:
        log = Transcript()
        p = log.give("p", list(map(Fraction, square))).text
        shows = f"positive_on({p}, {low}, {'inf' if high is None else high})" if low != high else \
            f"polyval({p}, {low}) > 0"
        written.append(confirm_evidence(calculation(
            "witness", log, [shows], "p is the sum of the squares of what the zero signal becomes, "
            "each value once, times the squared denominator: a polynomial in dt")))
    zero = np.array([Fraction(0)] * form.count, dtype=object)
    return replace(bound, refuted=refuted, signals=(zero,), witness=tuple(filter(None, written)))


def _signals(growing: Growing | None, notion: Notion) -> tuple[np.ndarray, ...]:
    if growing is None:
        return ()
    return (growing.signal, 0 * growing.signal) if notion.signals == 2 else (growing.signal,)


def _name_of_signal(growing: Growing | None) -> str:
    if growing is None or growing.signal.size <= 16:
        return ""
    return "a signal of 0, 1 and -1" if growing.scale == 1 else \
        "a signal that the matrix stretches most"


def _prove_intervals(step: OwnStep, matrix: Matrix) -> tuple[Steps, str, str]:
    """The proved intervals, how, and where nothing is proved what stood in the way."""
    limits = []
    if step.kinds.is_uniform and matrix.weights is None and not step.held:
        try:
            found = intervals(Symbol(step.kinds).line())[0]
            if found:
                return found, SYMBOL, ""
        except Undecided as limit:
            limits.append(str(limit))
    line = symmetric_line(matrix) if matrix.size <= _MIDDLE else None
    if line is not None:
        return intervals(line)[0], "its eigenvalues, which are real, between -1 and 1", ""
    if matrix.size <= _SMALL:
        return intervals(_cells(matrix))[0], "the exact signs of I - M'M", ""
    if matrix.degree <= 1 and len(matrix.form.denominator) == 1 and matrix.size <= _MIDDLE:
        found = _by_convexity(matrix)
        if found:
            return found, ("I - M'M, positive semidefinite at both ends, as the norm is convex in "
                           "dt"), ""
    if matrix.weights is None:
        sums = _by_sums(step)
        if sums and sums[0] != (sums[0][0],) * 2:
            return sums, SUMS, ""
        try:
            found = _of_part(step)
        except Undecided as limit:
            found = ()
            limits.append(str(limit))
        if found:
            return found, PART, ""
        if sums:
            return sums, SUMS, ""
    limits.append(f"no certificate of the norm is tried beyond {_MIDDLE} unknowns where rows or "
                  "columns sum to more than 1, and none where dt enters by higher powers")
    return (), "", "; ".join(limits)


def _of_part(step: OwnStep) -> Steps:
    """Where the symbol of the periodic step that this one is a part of is bounded by 1."""
    row = None if step.held else middle_row(step.kinds)
    return () if row is None else intervals(Symbol(step.kinds, row).line())[0]


def _certificates(step: OwnStep, matrix: Matrix, steps: tuple[Fraction, Fraction | None],
                  why: str) -> list[Evidence]:
    """What shows an interval; where that would be too long, sums show it, if they do."""
    made = None if why == SUMS else _certificate(step, matrix, steps)
    if made is not None:
        return [made]
    return _of_sums(step, steps) if matrix.weights is None else []


def _of_sums(step: OwnStep, steps: tuple[Fraction, Fraction | None]) -> list[Evidence]:
    try:
        made = [row_evidence.certificate(kinds, MAX_NORM, steps, (), rows.conditions(
            kinds, MAX_NORM)) for kinds in (step.kinds, step.transpose)]
    except Undecided:
        return []
    return [] if None in made else [each for each in made if each is not None]


def _by_sums(step: OwnStep) -> Steps:
    """Where ‖M‖₁ <= 1 and ‖M‖_∞ <= 1, so that ‖M‖₂ <= 1 (Schur's test)."""
    try:
        found = [*rows.conditions(step.kinds, MAX_NORM),
                 *rows.conditions(step.transpose, MAX_NORM)]
        return intervals(rows.line_of(found))[0]
    except Undecided:
        return ()


def _cells(matrix: Matrix) -> list[Cell]:
    """The line cut by the coefficients of det(λ + d² − W⁻¹N'W N), all >= 0 where the norm holds."""
    n = matrix.size
    degree = max(matrix.degree, len(matrix.form.denominator) - 1)
    weights = matrix.weights or [Fraction(1)] * n
    scale = fmpq_mat([[to_fmpq(w) if i == j else fmpq(0)
                       for j in range(n)] for i, w in enumerate(weights)])
    nodes = range(2 * degree * n + 1)
    values = []
    for node in nodes:
        m = numerators(matrix.form, Fraction(node), n)
        d = sum(c * node**k for k, c in enumerate(matrix.form.denominator))
        eye = fmpq_mat([[fmpq(d * d if i == j else 0) for j in range(n)] for i in range(n)])
        found = (eye - scale.inv() * m.transpose() * scale * m).charpoly().coeffs()
        values.append([(-1)**k * found[n - k] for k in range(n + 1)])
    solved = from_flint(interpolate(nodes, values))
    return cells([list(solved[:, k]) for k in range(1, n + 1)])


def numerators(form: Form, dt: Fraction, columns: int) -> fmpq_mat:
    """The matrix of the numerators at a step."""
    out = fmpq_mat(form.count, columns)
    plain = Form(form.count, form.rows, form.columns, form.numerators)
    for i, j, c in zip(form.rows.tolist(), form.columns.tolist(), values_at(plain, dt),
                       strict=True):
        out[i, j] = to_fmpq(c)
    return out


def _exact(matrix: Matrix, dt: Fraction) -> np.ndarray:
    d = sum(c * dt**k for k, c in enumerate(matrix.form.denominator))
    return from_flint(numerators(matrix.form, dt, matrix.size)) / d


def _by_convexity(matrix: Matrix) -> Steps:
    """[0, T] for a matrix that is affine in dt and of norm <= 1 at dt = 0."""
    if not _is_bounded(matrix, Fraction(0)):
        return ()
    if matrix.degree == 0:
        return ((Fraction(0), None),)
    top = first_growth(matrix)
    if top is None:
        return ()
    for away in (1e-9, 1e-7, 1e-5, 1e-3):
        high = Fraction(top * (1 - away))
        end = simplest(high * (1 - Fraction(away) / 10), high)
        if _is_bounded(matrix, end):
            return ((Fraction(0), end),)
    return ()


def _is_bounded(matrix: Matrix, dt: Fraction) -> bool:
    return is_psd(_gap(matrix, dt))


def _gap(matrix: Matrix, dt: Fraction) -> np.ndarray:
    """W − M'WM, positive semidefinite where the norm holds, exactly."""
    m = to_flint(_exact(matrix, dt))
    weights = matrix.weights or [Fraction(1)] * matrix.size
    scale = to_flint(np.diag(np.array(weights, dtype=object)) + Fraction(0))
    return from_flint(scale - m.transpose() * scale * m)


def first_growth(matrix: Matrix) -> float | None:
    """In floats: up to where the norm stays 1, for a set that is an interval from 0 on."""
    high = 1.0
    for _ in range(60):
        if matrix.norm(high) > 1 + 1e-9:
            break
        high *= 2
    else:
        return None
    low = 0.0
    while matrix.norm(high / 2) > 1 + 1e-9 and high > 1e-12:
        high /= 2
    if high <= 1e-12:
        return None
    low = high / 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if matrix.norm(middle) > 1 + 1e-13 * matrix.size else \
            (middle, high)
    return low


def _grown_exactly(matrix: Matrix, dt: Fraction | None) -> list[Growing]:
    """A signal that grows by less than floats can tell; of a small matrix there is one or none."""
    at = Fraction(1) if dt is None else dt
    flat = np.ones(matrix.size)
    for u in (flat, matrix.signs, np.eye(1, matrix.size).ravel()):
        found = matrix.growth_of(u, at)
        if found is not None:
            return [found]
    lower = negative_direction(_gap(matrix, at)) if matrix.size <= _MIDDLE else None
    found = None if lower is None else matrix.growing_exactly(lower, at)
    return [] if found is None else [found]


def _certificate(step: OwnStep, matrix: Matrix, steps: tuple[Fraction, Fraction | None]
                 ) -> Evidence | None:
    """What shows the upper end: the matrix itself where it is small, else the symbol there."""
    dt = steps[1] if steps[1] is not None else max(steps[0], Fraction(1))
    log = Transcript()
    if matrix.size <= _WRITTEN:
        log.give("dt", dt)
        m = log.give("M", _exact(matrix, dt)).text
        eye = f"I({matrix.size})"
        if matrix.weights is not None:
            eye = f"diag({log.give('w', matrix.weights).text})"
        return confirm_evidence(calculation(
            "certificate", log, [f"psd({eye} - {m}.T @ {eye} @ {m})"],
            "M is the matrix of the step at dt, run once on symbols"))
    if matrix.weights is None and len(step.free.shape) == 1 and not step.held:
        row = 0 if step.kinds.is_uniform else middle_row(step.kinds)
        if row is None:
            return None
        p = [from_fmpq(c) for c in Symbol(step.kinds, row).at(dt).coeffs()]
        log.give("dt", dt)
        name = log.give("p", p or [0]).text  # 0 where the norm is kept
        return confirm_evidence(calculation(
            "certificate", log, [f"nonneg_on({name}, -1, 1)"],
            "p(cos theta) is the squared denominator times 1 - |g(theta)|^2, for the symbol g of "
            "the step at dt"))
    return None


def _witness(step: OwnStep, matrix: Matrix, growing: Growing) -> Evidence | None:
    low, high = growing.steps[0]
    log = Transcript()
    p = log.give("p", list(growing.polynomial)).text
    shows = [f"positive_on({p}, {low}, {'inf' if high is None else high})"] if low != high else \
        [f"polyval({p}, {low}) > 0"]
    if low:
        shows.append(f"polyval({p}, {low}) > 0")
    return confirm_evidence(calculation(
        "witness", log, shows, "p is |M u|^2 - |u|^2 as a polynomial in dt, times the squared "
        "denominator of the step, for the signal u of the answer"))


def _why_never(step: OwnStep) -> list[str]:
    """Why the norm grows at every step, and which senses hold."""
    ends = held_ends(step)
    if ends:
        places = ", ".join(str(place) for place in ends[:4]) + (", ..." if len(ends) > 4 else "")
        return [f"a held end feeds its neighbour: the step keeps the values at {places} and adds "
                "multiples of them to others, so the norm grows at every dt, however small"]
    return []


BY_NORM = (EUCLIDEAN, CONTRACTION)
