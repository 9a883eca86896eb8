"""Whole spectra of dense matrices of floats, each eigenvalue in a proven disc.

For a symmetric A with A X ≈ X D, ‖XᵀX − I‖ <= a < 1: X is within a of an orthogonal Q, so
QᵀAQ − D is at most ‖A X − X D‖ + a (‖A‖ + ‖D‖) in norm, which by Weyl bounds the distance of the
eigenvalues, in order.  For any other A and Y ≈ X⁻¹, Y X = I + E: X⁻¹A X = D + (I + E)⁻¹ Y R with
R = A X − X D, so the sums of the rows of that are the radii of Gershgorin's discs around D (after
Miyajima 2010).  Discs that meet share their eigenvalues.  Every product of floats with n terms is
off by at most (n + 2) u |A| |B|, complex ones by at most four times that.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import scipy

from stabkit.arithmetic.enclosure import Interval
from stabkit.errors import InvalidArgument, Undecided

LARGEST = 2000
U = 2.0**-53  # the unit roundoff
UP = 1 + 2.0**-20  # for the roundings of a bound that is itself computed in floats
TINY = 2.0**-500  # more than all underflow
_RANGE, _LARGEST = 2.0**200, 2.0**900


@dataclass(frozen=True)
class Discs:
    """As many discs as eigenvalues; a union of discs that meet has as many as it has discs.

    Attributes
    ----------
    real : bool
        Whether they belong to one real matrix, so that eigenvalues come with their conjugates.
    """

    centres: np.ndarray
    radii: np.ndarray
    real: bool = False

    @cached_property
    def groups(self) -> np.ndarray:
        """For each disc the number of the group of discs that it meets, directly or not."""
        distance = np.abs(self.centres[:, None] - self.centres[None, :])
        meet = distance <= (self.radii[:, None] + self.radii[None, :]) * UP + TINY
        return scipy.sparse.csgraph.connected_components(meet, directed=False)[1]


def discs(matrix: np.ndarray, radius: np.ndarray | None = None) -> Discs:
    """Enclose the spectrum of every matrix within `radius` of a matrix of floats.

    Parameters
    ----------
    matrix : ndarray of float or complex, shape (N, N), N <= 2000
    radius : ndarray of float >= 0, shape (N, N), optional
        Zero if left out.

    Raises
    ------
    Undecided
        If the eigenvectors are too close to dependent, as for a matrix that is defective.
    """
    size = float(np.abs(matrix).max(initial=0))
    if not size <= _LARGEST:
        raise InvalidArgument(f"matrix: must have finite entries up to 1e270, got {size}")
    if size and not 1 / _RANGE <= size <= _RANGE:
        unit = 2.0 ** np.floor(np.log2(size))  # a power of two, which rounds nothing but underflow
        scaled = matrix / unit
        if radius is not None or (scaled * unit != matrix).any():
            radius = TINY + (0 if radius is None else radius / unit) * np.ones(matrix.shape)
        found = discs(scaled, radius)
        return Discs(found.centres * unit, (found.radii + TINY) * unit, found.real)
    if size == 0 and radius is None:
        return Discs(np.zeros(len(matrix)), np.zeros(len(matrix)), real=True)
    if radius is None and not np.iscomplexobj(matrix) and (matrix == matrix.T).all():
        return _of_symmetric(matrix)
    return _of_any(matrix, np.zeros_like(matrix, dtype=float) if radius is None else radius)


def _of_symmetric(a: np.ndarray) -> Discs:
    n = len(a)
    values, x = np.linalg.eigh(a)
    near, size = norm_bounds(x.T @ x - np.eye(n)), norm_bounds(a)
    error = (n + 4) * U * UP
    near = UP * (near + error * norm_bounds(x) ** 2)
    if not near < 0.5:
        raise Undecided("the eigenvectors that were computed are not orthogonal")
    length, size = norm_bounds(x), size + np.abs(values).max()
    residual = norm_bounds(a @ x - x * values) + error * length * size
    radius = UP * (residual + near * size) + TINY
    return Discs(values, np.full(n, radius), real=True)


def enclose_norm(a: np.ndarray, off: Fraction = Fraction(0)) -> Interval:
    """Enclose the norms of all matrices within `off`, in norm, of a dense matrix of floats.

    ‖A‖² is the largest eigenvalue of AᵀA, whose product is off by at most (n + 2) u ‖|A|‖².
    """
    unit = 2.0 ** np.ceil(np.log2(max(np.abs(a).max(), TINY)))
    a = a / unit
    found = _of_symmetric((a.T @ a + (a.T @ a).T) / 2)
    away = (len(a) + 4) * U * UP * norm_bounds(a) ** 2 + found.radii[0]
    top = Fraction(float(found.centres[-1]))
    square = Interval(max(Fraction(0), top - Fraction(float(away))), top + Fraction(float(away)))
    found_norm = square.sqrt() * Fraction(unit)
    return Interval(max(Fraction(0), found_norm.lower - off), found_norm.upper + off)


def norm_bounds(a: np.ndarray) -> np.ndarray:
    """A bound of ‖|A|‖, and so of ‖A‖, for each matrix of a stack: √(‖A‖₁ ‖A‖_∞)."""
    size = np.abs(a)
    of_columns, of_rows = (size.sum(axis=axis).max(axis=-1) for axis in (-2, -1))
    return np.sqrt(of_columns) * np.sqrt(of_rows) * UP  # of each, so that nothing overflows


def _of_any(a: np.ndarray, radius: np.ndarray) -> Discs:
    n = len(a)
    with np.errstate(invalid="ignore"):  # SciPy casts units beyond the range of integers, unused
        _, (units, _) = scipy.linalg.matrix_balance(a, permute=False, separate=True)
    change = units[None, :] / units[:, None]  # powers of two, so the spectrum stays as it is
    if np.abs(a * change)[a != 0].min(initial=1) > TINY:  # else underflow might change it
        a, radius = a * change, radius * change
    values, x = scipy.linalg.eig(a)
    try:
        y = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise _defective() from None
    error = 4 * (n + 8) * U
    sizes, ones = np.abs(x), np.ones(n)
    of_y = np.abs(y)
    off = _sums(y @ x - np.eye(n)) + error * (of_y @ (sizes @ ones) + 1)
    worst = float(off.max()) * UP
    if not worst < 0.5:
        raise _defective()
    residual = a @ x - x * values
    missed = error * (np.abs(a) @ (sizes @ ones) + sizes @ np.abs(values)) + \
        radius @ (sizes @ ones)
    inner = _sums(y @ residual) + error * (of_y @ _sums(residual)) + of_y @ missed
    radii = UP * (inner + off * float(inner.max()) / (1 - worst)) + TINY
    return Discs(values, radii, real=not np.iscomplexobj(a))


def _sums(a: np.ndarray) -> np.ndarray:
    return np.abs(a).sum(axis=1) * UP


def _defective() -> Undecided:
    return Undecided("the eigenvalues cannot be enclosed: the eigenvectors are too close to "
                     "dependent, as of a defective matrix; give up to 128 rows, or ask for "
                     "the pseudospectrum")
