"""Certificates for linear schemes: the matrix of the step, formed exactly, decides."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from stabkit.arithmetic.enclosure import has_intervals
from stabkit.arithmetic.rational import determinant, is_psd, is_totally_nonnegative
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import HypothesisNotMet, Undecided
from stabkit.fluxes.flux import Flux
from stabkit.schemes import Implicit, Scheme
from stabkit.stability.certificates.flux_bounds import conditions_or_none, show_linear
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, Notion
from stabkit.stability.verdict import Evidence, calculation

LARGEST = {EUCLIDEAN: 64, CONTRACTION: 64, RANGE: 256, SIGN: 7}  # unknowns
_STEPS = 1 << 20  # entries of the matrix times the steps that it is made of


def is_linear(scheme: Scheme) -> bool:
    """Whether the step is a linear map, by the facts of its fluxes; never by a word of others."""
    return scheme.certifiable and scheme.is_linear


@lru_cache(maxsize=4)  # for who proves and who refutes the same step
def step_matrix(scheme: Scheme) -> np.ndarray:
    """The exact matrix M of a linear step, not to be changed."""
    unit = np.array([[Fraction(int(i == j)) for j in range(scheme.size)]
                     for i in range(scheme.size)], dtype=object)
    matrix: np.ndarray = scheme(unit).T
    matrix.flags.writeable = False
    return matrix


def certify_linear(scheme: Scheme, notion: Notion) -> tuple[Evidence, ...] | None:
    """Certificates of the fluxes and of the matrix of a linear step, or None if one fails."""
    if isinstance(scheme, Implicit) or notion not in LARGEST:
        return None
    if scheme.size > LARGEST[notion]:
        raise Undecided(f"no certificate of a linear step is tried beyond {LARGEST[notion]} "
                        f"unknowns for the notion '{notion.name}'")
    if scheme.size**2 * scheme.inner_steps > _STEPS:
        raise Undecided("no certificate of a linear step is tried for so many steps in a row")
    try:
        matrix = step_matrix(scheme)
    except (HypothesisNotMet, Undecided):
        return None
    if has_intervals(matrix.flat):  # linear, but not rational
        return None
    made = _show_notion(scheme, notion, matrix)
    unlike = dict.fromkeys(scheme.fluxes)
    linear = [proof for flux in unlike if (proof := _flux_is_linear(flux)) is not None]
    return None if made is None or len(linear) < len(unlike) else (*linear, made)


def _flux_is_linear(flux: Flux) -> Evidence | None:
    log = Transcript()
    shows = conditions_or_none(show_linear(log, flux))
    return None if shows is None else calculation(
        "certificate", log, shows, "phi is continuous with one slope and vanishes at 0: the step "
        "is a linear map")


def _show_notion(scheme: Scheme, notion: Notion, matrix: np.ndarray) -> Evidence | None:
    n, transcript = scheme.size, Transcript(entrywise=True)
    columns = transcript.define("U", transcript.term(f"I({n})"))
    step = scheme(columns).text
    if notion in (EUCLIDEAN, CONTRACTION):
        eye = np.eye(n, dtype=int).astype(object)
        if not is_psd(eye - matrix.T @ matrix):
            return None
        return calculation("certificate", transcript, [f"psd(U - {step}.T @ {step})"],
                           f"{step} is the matrix M of the linear step; "
                           "I - M'M >= 0 means |M u| <= |u| for every u")
    if notion is RANGE:
        if not ((matrix >= 0).all() and (matrix.sum(axis=1) == 1).all()):
            return None
        return calculation("certificate", transcript,
                           [f"nonneg({step})", f"{step} @ ones({n}) == ones({n})"],
                           f"{step} is the matrix of the linear step; its rows are nonnegative "
                           "with sum 1, so every new value is a mean of old ones")
    return _certify_signs(matrix, transcript, step)


def _certify_signs(matrix: np.ndarray, transcript: Transcript, step: str) -> Evidence | None:
    n = len(matrix)
    if is_totally_nonnegative(matrix):
        return calculation("certificate", transcript, [f"totally_nonneg({step})"],
                           f"{step} is the matrix of the linear step; a totally nonnegative matrix "
                           "does not increase the number of sign changes (Schoenberg 1930)")
    # The determinant may be negative: only minors of one size must agree in sign.
    without = [np.delete(matrix, i, axis=0) for i in range(n)]
    if n < 2 or determinant(matrix) == 0 or not all(map(is_totally_nonnegative, without)):
        return None
    parts = [f"{step}[1:]", *(f"stack({step}[:{i}], {step}[{i + 1}:])" for i in range(1, n - 1)),
             f"{step}[:{n - 1}]"]
    shows = [f"det({step}) != 0", *(f"totally_nonneg({part})" for part in parts)]
    return calculation("certificate", transcript, shows,
                       f"{step} is the matrix of the linear step, nonsingular, and all minors of "
                       "each size below n are nonnegative: such a sign-regular matrix does not "
                       "increase the number of sign changes (Schoenberg 1930, Motzkin 1936)")
