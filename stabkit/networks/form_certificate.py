"""That multipliers certify a constant: a matrix inequality, with every rounding error counted.

For w = (x, v) as in :mod:`stabkit.networks.slope_form` and t >= 0, (v − low z)ᵀ t (v − high z) is
never positive.  So L² |x|² − |y|² + (v − low z)ᵀ t (v − high z) >= 0 for all w proves |y| <= L |x|
(Fazlyab et al. 2019).
"""

from __future__ import annotations

import numpy as np
import scipy

from stabkit.networks.layers.float_errors import TINY, UP, U
from stabkit.networks.slope_form import SlopeForm


def certified_square(form: SlopeForm, square: float, multipliers: np.ndarray) -> bool:
    """Whether the inequality holds for L² = `square` and these multipliers, for certain."""
    t = np.asarray(multipliers, dtype=float)
    if not (np.isfinite(t).all() and (t >= 0).all() and 0 < square < np.inf):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        matrix = assemble(form, square, t)
        diagonal = np.diag(matrix).copy()
        if not np.isfinite(matrix).all() or not (diagonal > 0).all():
            return False
        scale = np.exp2(-np.round(np.log2(diagonal) / 2))  # powers of 2: nothing is rounded
        scaled = scale[:, None] * matrix * scale
        error = _assembly_error(form, square, t, scale)
        return bool(np.isfinite(error)) and _is_above(scaled, error)


def assemble(form: SlopeForm, square: float, t: np.ndarray) -> np.ndarray:
    """The matrix of the inequality, in floats."""
    n = form.inputs
    P, Q = form.factors
    half = P.T @ (t[:, None] * Q)
    output = form.output.matrix
    matrix = (half + half.T) / 2 - output.T @ output
    matrix[np.arange(n), np.arange(n)] += square
    return matrix


def _assembly_error(form: SlopeForm, square: float, t: np.ndarray, scale: np.ndarray) -> float:
    """A bound of the Frobenius norm of the error of the scaled matrix."""
    n, count = form.inputs, len(t)
    seen = np.abs(form.input_rows)
    P, Q = (np.abs(part) for part in (form.low[:, None] * seen, form.high[:, None] * seen))
    place = np.arange(count), n + np.arange(count)
    P[place] += 1
    Q[place] += 1
    output = np.abs(form.output.matrix) * scale
    size = (P * scale).T @ (t[:, None] * (Q * scale)) + output.T @ output
    size[np.arange(n), np.arange(n)] += square * scale[:n] ** 2
    # A product of three factors with a sum of `count` terms, and a few roundings around it.
    rounded = (count + len(output) + 16) * U * _norm(size) * UP
    own = 0.0
    for rows, group in zip(form.seen, form.groups, strict=True):
        away = _norm(rows.error * scale) * UP
        if away <= 0:
            continue
        top, here = max(np.abs(form.low[group]).max(), np.abs(form.high[group]).max()), t[group]
        steep = _norm(here[:, None] * P[group] * scale) + _norm(here[:, None] * Q[group] * scale)
        own += UP * top * away * (steep + here.max() * top * away)
    away = _norm(form.output.error * scale) * UP
    own += UP * away * (2 * _norm(output) + away)
    return float(UP * (rounded + own)) + TINY


def _norm(values: np.ndarray) -> float:
    return float(np.sqrt(np.sum(values * values))) * UP


def _is_above(matrix: np.ndarray, error: float) -> bool:
    """Whether a symmetric matrix that is so near to this one is positive semidefinite."""
    n, trace = len(matrix), float(np.sum(np.abs(np.diag(matrix))))
    shift = 2 * error + 8 * (n + 8) * U * trace
    shifted = matrix - shift * np.eye(n)
    shifted = (shifted + shifted.T) / 2
    try:
        root = scipy.linalg.cholesky(shifted, lower=True)
    except np.linalg.LinAlgError:
        return False
    if not np.isfinite(root).all():
        return False
    residual = _norm(root @ root.T - shifted)
    lost = residual + (n + 8) * U * float(np.sum(root * root)) * UP + 8 * U * _norm(matrix)
    return UP * (lost + error) < shift * (1 - 2.0**-20)

