"""Proven bounds of the extreme eigenvalues of symmetric matrices of floats, dense or sparse.

Three bands go to one elimination (:mod:`stabkit.operators.eigenvalues`).  For more, a factorisation
of c I − A that runs to its end proves that no eigenvalue of A exceeds c by more than its backward
error (:mod:`stabkit.spectra.factors`).  From below a Rayleigh quotient is evaluated, with its
roundings counted.
"""

from __future__ import annotations

from fractions import Fraction
from math import fsum
from typing import Any

import numpy as np
import scipy

from stabkit.arithmetic.enclosure import Interval
from stabkit.errors import InvalidArgument, Undecided
from stabkit.operators.eigenvalues import bounds_of_largest_eigenvalue, decide_below
from stabkit.spectra.factors import Bands, Factors, Sparse

_UNIT = Fraction(1, 2**53)
_TINY = Fraction(1, 2**500)  # more than all underflow, entries being at most 1
_SUM = 1 + Fraction(1, 2**20)
_BANDED = 2**28  # numbers in the bands of a matrix that is factored
_FILLED = 1 / 4  # share of the bands from which on they are factored as such, zeros and all
_NARROW = 32  # bands up to which an eigenvalue is found by bisection, with factorisations alone
_BISECTIONS = 60
_ROUGH, _RESTARTS = 1e-2, 4  # of products: Lanczos' method is sharp if that is quick
_TRIES = 40
_INVERSE = 8  # solutions with one factorisation
_SEED = 0


def bounds_of_largest(matrix: scipy.sparse.csr_array) -> tuple[Fraction, Fraction]:
    """Proven bounds of the largest eigenvalue of a symmetric matrix of finite floats.

    Raises
    ------
    InvalidArgument
        If its bands are too many to be factored.
    """
    unit, scaled = _scale(matrix)
    low, high = _bounds(scaled)
    return unit * low, unit * high


def is_at_most(matrix: scipy.sparse.csr_array, bound: Fraction) -> bool | None:
    """Whether the largest eigenvalue of a symmetric matrix is at most `bound`, or None: too close.

    That takes less than to enclose it, and is proved either way.
    """
    unit, scaled = _scale(matrix)
    bound = bound / unit
    if gershgorin_bound(scaled) <= bound:
        return True
    ordered, width = _narrow(scaled)
    if width <= 1:  # beyond the bound by more than underflow
        return decide_below(ordered.diagonal(), ordered.diagonal(1), bound, 2 * _TINY)
    if width > _NARROW:
        _, _, vector = _guess(ordered)
        if rayleigh_bound(ordered, vector) > bound:
            return False
        factors = _factors(ordered, width)
        if factors.factor(float(bound) - _least(ordered, width)) and factors.bound() <= bound:
            return True
    low, high = _bounds(scaled)
    return True if high <= bound else False if low > bound else None


def gershgorin_bound(matrix: scipy.sparse.csr_array) -> Fraction:
    """A proven bound of the eigenvalues by the discs of Gershgorin; sharp where rows have one sum.
    """
    diagonal, ones = matrix.diagonal(), np.ones(matrix.shape[0])
    sums = abs(matrix) @ ones
    terms = int(np.diff(matrix.indptr).max(initial=0))
    error = float(sums.max()) * (terms + 4) * 2.0**-52
    return Fraction(float((sums + (diagonal - np.abs(diagonal))).max())) + Fraction(error) + _TINY


def _scale(matrix: scipy.sparse.csr_array) -> tuple[Fraction, scipy.sparse.csr_array]:
    """A power of two, and the matrix in units of it, with entries below 2 in size."""
    largest = float(np.abs(matrix.data).max(initial=0.0))
    if largest == 0:
        return Fraction(1), matrix.copy()
    unit = 2.0 ** np.floor(np.log2(largest))
    if not 2.0**-900 < unit < 2.0**900:
        raise InvalidArgument(f"matrix: its entries of size {largest:.3g} are beyond the range "
                              "that is decided, 1e-270 to 1e270")
    return Fraction(unit), matrix * (1 / unit)


def _bounds(scaled: scipy.sparse.csr_array) -> tuple[Fraction, Fraction]:
    scaled.eliminate_zeros()
    if not scaled.nnz:
        return Fraction(0), Fraction(0)
    lost = _TINY if np.abs(scaled.data).min() < 2.0**-400 else 0  # by underflow, altogether
    matrix, width = _narrow(scaled)
    if width <= 1:
        low, high = bounds_of_largest_eigenvalue(matrix.diagonal(), matrix.diagonal(1))
    else:
        low, high = _bounds_by_factors(matrix, width)
    return low - lost, high + lost


def norm_within(matrix: scipy.sparse.csr_array, off: Fraction = Fraction(0)) -> Interval:
    """Enclose the norms of all matrices within `off`, in norm, of a matrix A of finite floats.

    The largest eigenvalue of (0 Aᵀ; A 0) is ‖A‖.
    """
    low, high = bounds_of_largest(
        scipy.sparse.block_array([[None, matrix.T], [matrix, None]], format="csr"))
    return Interval(max(Fraction(0), low - off), high + off)


def _narrow(matrix: scipy.sparse.csr_array) -> tuple[scipy.sparse.csr_array, int]:
    """The matrix with its rows in an order that gives few bands, and their number."""
    width = _width(matrix)
    if width > _NARROW:
        order = scipy.sparse.csgraph.reverse_cuthill_mckee(matrix, symmetric_mode=True)
        other = matrix[order][:, order].tocsr()
        if _width(other) < width:
            matrix, width = other, _width(other)
    if matrix.shape[0] * (width + 1) > _BANDED:
        raise InvalidArgument(
            f"matrix: has {width} bands on either side of {matrix.shape[0]} rows, too many to be "
            f"factored; up to {_BANDED // 2**20} million numbers in the bands are")
    return matrix, width


def _width(matrix: scipy.sparse.csr_array) -> int:
    entries = matrix.tocoo()
    return int(np.max(np.abs(entries.row - entries.col)[entries.data != 0], initial=0))


def _factors(matrix: scipy.sparse.csr_array, width: int) -> Factors:
    few = matrix.nnz < _FILLED * matrix.shape[0] * (width + 1)
    return Sparse(matrix) if width > _NARROW and few else Bands(matrix, width)


def _least(matrix: scipy.sparse.csr_array, width: int) -> float:
    """A distance from an eigenvalue that the rounding of factors leaves room for."""
    return 2.0**-43 * _radius(matrix) * max(1.0, width / 64)


def _radius(matrix: scipy.sparse.csr_array) -> float:
    return float((abs(matrix) @ np.ones(matrix.shape[0])).max())


def _bounds_by_factors(matrix: scipy.sparse.csr_array, width: int) -> tuple[Fraction, Fraction]:
    ones, end, least = np.ones(matrix.shape[0]), gershgorin_bound(matrix), _least(matrix, width)
    if (flat := rayleigh_bound(matrix, ones)) > end - Fraction(least):
        return flat, end  # as of a diffusion, which keeps constants
    factors = _factors(matrix, width)
    low, high, vector = (_bisect if width <= _NARROW else _guess)(matrix, factors)
    slack = max(high - low, 2.0**-46 * _radius(matrix))
    proved: float | None = None
    value = -np.inf
    for _ in range(_TRIES):
        if not factors.factor(high):
            above = high + slack if proved is None else min(high + slack, (high + proved) / 2)
            if proved is not None and proved - high < 8 * least:
                break
            high, slack = above, 8 * slack
            continue
        proved = high
        if high - value <= 16 * least:
            break
        vector = _iterate_inversely(factors, vector)
        value, slack = _rayleigh(matrix, vector, least)
        if width <= _NARROW or not value + 4 * slack < high:
            break
        high = value + slack  # nearer, as the iteration tells where
    if proved is None:
        raise Undecided("the largest eigenvalue cannot be enclosed; no factorisation succeeds")
    return rayleigh_bound(matrix, vector), factors.bound()


def _rayleigh(matrix: scipy.sparse.csr_array, vector: np.ndarray, least: float
              ) -> tuple[float, float]:
    """A Rayleigh quotient in floats, and how far off the nearest eigenvalue may be."""
    v = vector / np.linalg.norm(vector)
    image = matrix @ v
    value = float(v @ image)
    return value, max(least, float(np.linalg.norm(image - value * v)))


def _iterate_inversely(factors: Factors, vector: np.ndarray) -> np.ndarray:
    """An eigenvector for the largest eigenvalue, by Lanczos' method for the inverse or by powers.

    A vector that products led to another eigenvalue has no part of the right one: it is given some.
    """
    n, start = vector.size, np.random.default_rng(_SEED + 1).standard_normal(vector.size)
    vector = vector / np.linalg.norm(vector) + start / np.linalg.norm(start)
    inverse: Any = scipy.sparse.linalg.LinearOperator((n, n), factors.solve, dtype=float)
    try:
        found: np.ndarray = scipy.sparse.linalg.eigsh(inverse, 1, which="LA", v0=vector, tol=1e-8,
                                                      maxiter=_RESTARTS)[1][:, 0]
        return found
    except (scipy.sparse.linalg.ArpackError, ValueError):  # no convergence, or values overflow
        pass
    for _ in range(_INVERSE):
        other = factors.solve(vector)
        vector = other / np.abs(other).max() if np.isfinite(other).all() and other.any() else vector
    return vector


def _bisect(matrix: scipy.sparse.csr_array, factors: Factors) -> tuple[float, float, np.ndarray]:
    """Floats that seem to lie below and above the largest eigenvalue, and a start vector."""
    radius = _radius(matrix)
    low, high = float(matrix.diagonal().max()), radius * (1 + 2.0**-40)
    for _ in range(_BISECTIONS):
        if not high - low > 2.0**-50 * radius:
            break
        middle = low + (high - low) / 2
        low, high = (low, middle) if factors.factor(middle) else (middle, high)
    return low, high, np.random.default_rng(_SEED).standard_normal(matrix.shape[0])


def _guess(matrix: scipy.sparse.csr_array, _: Factors | None = None
           ) -> tuple[float, float, np.ndarray]:
    """The same, roughly, by some products, or by Gershgorin's discs.

    Where eigenvalues lie close together, the inverse finds the largest sooner than more products.
    """
    start = np.random.default_rng(_SEED).standard_normal(matrix.shape[0])
    end = float(gershgorin_bound(matrix)) + 2.0**-40 * _radius(matrix)
    try:
        vector = scipy.sparse.linalg.eigsh(matrix, 1, which="LA", v0=start, tol=_ROUGH,
                                           maxiter=_RESTARTS)[1][:, 0]
    except scipy.sparse.linalg.ArpackError:
        return float(matrix.diagonal().max()), end, start
    value, slack = _rayleigh(matrix, vector, 0.0)
    return value, min(value + slack, end), vector


def rayleigh_bound(matrix: scipy.sparse.csr_array, vector: np.ndarray) -> Fraction:
    """A proven lower bound of vᵀA v / vᵀv, and so of the largest eigenvalue of a symmetric A.

    Sums are correctly rounded (``math.fsum``), so only products and the sums of a row are not.
    """
    v = vector / np.abs(vector).max()
    in_row = int(np.diff(matrix.indptr).max(initial=0))
    form, size = fsum(v * (matrix @ v)), fsum(np.abs(v) * (abs(matrix) @ np.abs(v)))
    error = (in_row + 8) * _UNIT * _SUM * Fraction(size) + v.size * _TINY
    low, square = Fraction(form) - error, Fraction(fsum(v * v))
    return low / (square * (1 + 4 * _UNIT) + v.size * _TINY if low > 0 else
                  square * (1 - 4 * _UNIT) - v.size * _TINY)
