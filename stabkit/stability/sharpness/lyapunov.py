"""A matrix W whose norm a linear step does not let grow, where no weights make it symmetric.

W solves the discrete Lyapunov equation W − M'WM = I in floats and is rounded; that W is positive
and W − M'WM nonnegative is decided exactly.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import scipy
from flint import fmpq, fmpq_mat

from stabkit.aliases import Record
from stabkit.arithmetic.rational import from_flint, is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.arithmetic.unit_circle import BOUNDED, state_of
from stabkit.errors import Undecided
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.invariants import Weighted
from stabkit.stability.notions import Notion
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.growth import Matrix
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.quadratic import by_norm, norm_sets, numerators
from stabkit.stability.sharpness.weights import symmetrising_weights
from stabkit.stability.verdict import Evidence, calculation
from stabkit.tracing.form import CONSTANT

_LARGEST = 40  # unknowns
_UNITS = (1, 2**3, 2**6, 2**10, 2**16, 2**24)  # denominators of W that are tried
_SHOWN = 4     # unknowns of a W that is printed


def by_weights(step: OwnStep, notion: Notion, name: str) -> StepBound:
    """A weighted norm; at one step a matrix W is sought where no weights make it symmetric."""
    given = not isinstance(notion, Weighted) or notion.weights is not None
    if given or step.dt is None or symmetrising_weights(step.free.form) is not None:
        return by_norm(step, notion, name)
    if (step.free.form.columns == CONSTANT).any():
        return norm_sets(step, notion, name)  # the zero signal moves, whatever W is
    return _by_matrix(step, notion, name)


def _by_matrix(step: OwnStep, notion: Notion, name: str) -> StepBound:
    matrix = Matrix(step.free.form)
    if matrix.size > _LARGEST:
        raise Undecided("no positive weights make the step symmetric, and a matrix W is sought up "
                        f"to {_LARGEST} unknowns; POWER_BOUNDED and EUCLIDEAN may decide")
    m = numerators(matrix.form, Fraction(0), matrix.size) * (
        1 / fmpq(matrix.form.denominator[0]))
    state = state_of(m)
    if state != BOUNDED:
        return StepBound(notion.name, (), ((Fraction(0), None),), variable=name, by=state,
                         rounding=step.trace.rounding, lines=(
                             step.words(), "its powers grow without bound, in every norm"))
    found = lyapunov_matrix(m)
    if found is None:
        raise Undecided(
            "no positive weights make the step symmetric, and no matrix W with W - M'WM >= 0 was "
            "found, as a root is on the unit circle or close to it; all powers are bounded, which "
            "is what POWER_BOUNDED decides")
    evidence = _certificate(m, found)
    shown = f": W = {_words(found)}" if matrix.size <= _SHOWN else ""
    return StepBound(
        notion.name, ((Fraction(0), None),), (), () if evidence is None else (evidence,),
        variable=name, rounding=step.trace.rounding, lines=(
            f"{step.words()}; proof by a matrix W > 0 with W - M'WM >= 0, so that u'Wu does not "
            f"grow{shown}", "W is for this step alone, as no weights make the matrix symmetric"))


def lyapunov_matrix(m: fmpq_mat) -> fmpq_mat | None:
    """A rational W >= I/2 with W − M'WM positive semidefinite, the shortest of those tried."""
    floats = from_flint(m).astype(float)
    try:
        guess = scipy.linalg.solve_discrete_lyapunov(floats.T, np.eye(len(floats)))
    except np.linalg.LinAlgError:
        return None
    guess = (guess + guess.T) / 2
    if not np.isfinite(guess).all():
        return None
    for unit in _UNITS:
        whole = np.rint(guess * unit)
        if np.abs(whole).max() > 2.0**52:
            return None
        w = fmpq_mat(len(whole), len(whole), [fmpq(int(k), unit) for k in whole.ravel()])
        if is_psd(from_flint(_below(w))) and is_psd(from_flint(w - m.transpose() * w * m)):
            return w
    return None


def _below(w: fmpq_mat) -> fmpq_mat:
    """W − I/2: its being nonnegative makes W positive."""
    n = w.nrows()
    return w - fmpq_mat(n, n, [fmpq(int(i == j), 2) for i in range(n) for j in range(n)])


def _certificate(m: fmpq_mat, w: fmpq_mat) -> Evidence | None:
    log = Transcript()
    given: Record = {name: log.give(name, from_flint(value)).text
                             for name, value in (("M", m), ("W", w))}
    step, norm = given["M"], given["W"]
    return confirm_evidence(calculation(
        "certificate", log, [f"psd({norm} - I({w.nrows()}) / 2)",
                             f"psd({norm} - {step}.T @ {norm} @ {step})"],
        "M is the matrix of the step at dt, run once on symbols; W is positive, and u'Wu does not "
        "grow"))


def _words(w: fmpq_mat) -> str:
    return str([[str(entry) for entry in row] for row in from_flint(w).tolist()]).replace("'", "")
