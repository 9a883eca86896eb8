"""Proven bounds of the extreme eigenvalues of symmetric matrices of floats, dense or sparse.

Three bands go to one elimination (:mod:`stabkit.operators.eigenvalues`).  For more, a Cholesky
factorisation of c I − A that runs to its end proves that no eigenvalue of A exceeds c by more than
its backward error: with p bands on either side, RᵀR differs from c I − A by at most
γ |Rᵀ||R| <= γ max (c − aᵢᵢ) in each of 2p + 1 entries of a row, γ = (p + 2) u / (1 − (p + 2) u)
(Higham 2002, theorem 10.3; Rump 2006); some more roundings are allowed for divisions that are done
as products.  From below a Rayleigh quotient is evaluated, with its roundings counted.
"""

from __future__ import annotations

from fractions import Fraction
from math import fsum
from typing import Any

import numpy as np
import scipy

from stabkit.arithmetic.enclosure import Interval
from stabkit.errors import InvalidArgument, Undecided
from stabkit.operators.eigenvalues import bounds_of_largest_eigenvalue

_UNIT = Fraction(1, 2**53)
_TINY = Fraction(1, 2**500)  # more than all underflow, entries being at most 1
_SUM = 1 + Fraction(1, 2**20)
_FACTORED = 2**28  # numbers in the bands that are factored, 2 GiB of them
_NARROW = 32  # bands up to which an eigenvalue is found by bisection, with factorisations alone
_BISECTIONS = 60
#: Tolerance and restarts of products alone: sharp if that is quick, else rough.
_PRODUCTS = ((1e-12, 20), (1e-4, None))
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
    largest = float(np.abs(matrix.data).max(initial=0.0))
    if largest == 0:
        return Fraction(0), Fraction(0)
    unit = 2.0 ** np.floor(np.log2(largest))
    if not 2.0**-900 < unit < 2.0**900:
        raise InvalidArgument(f"matrix: its entries of size {largest:.3g} are beyond the range "
                              "that is decided, 1e-270 to 1e270")
    scaled, width = _narrow(matrix * (1 / unit))
    scaled.eliminate_zeros()
    if width <= 1:
        low, high = bounds_of_largest_eigenvalue(scaled.diagonal(), scaled.diagonal(1))
    else:
        low, high = _bounds(scaled, width)
    lost = _TINY if np.abs(scaled.data).min() < 2.0**-400 else 0  # by underflow, altogether
    return Fraction(unit) * (low - lost), Fraction(unit) * (high + lost)


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
    if matrix.shape[0] * (width + 1) > _FACTORED:
        raise InvalidArgument(
            f"matrix: has {width} bands on either side of {matrix.shape[0]} rows, too many to be "
            f"factored; up to {_FACTORED // 2**20} million numbers are")
    return matrix, width


def _width(matrix: scipy.sparse.csr_array) -> int:
    entries = matrix.tocoo()
    return int(np.max(np.abs(entries.row - entries.col)[entries.data != 0], initial=0))


class _Shifted:
    """Cholesky factors of c I − A in LAPACK's lower bands, for one A and many c."""

    def __init__(self, matrix: scipy.sparse.csr_array, width: int):
        n = matrix.shape[0]
        self.width, self.diagonal = width, matrix.diagonal()
        self.bands = np.zeros((width + 1, n), order="F")
        for k in range(1, width + 1):
            self.bands[k, : n - k] = -matrix.diagonal(-k)
        self.factors: np.ndarray | None = None

    def factor(self, c: float) -> bool:
        """Whether the factorisation for c runs to its end; then its factors are kept."""
        bands = self.bands.copy(order="F")
        bands[0] = c - self.diagonal
        if not (bands[0] > 0).all():
            return False
        factors, stop = scipy.linalg.lapack.dpbtrf(bands, lower=1, overwrite_ab=1)
        if stop != 0 or not np.isfinite(factors).all():  # LAPACK does not check for NaN here
            return False
        self.factors = factors
        return True

    def solve(self, right: np.ndarray) -> np.ndarray:
        """(c I − A)⁻¹ b with the last factors."""
        solution: Any = scipy.linalg.lapack.dpbtrs(self.factors, right, lower=1)[0]
        return solution.ravel()

    def bound_at(self, c: float) -> Fraction:
        """A bound of all eigenvalues, proved if the factorisation for c runs to its end."""
        size = Fraction(abs(c)) + Fraction(float(np.abs(self.diagonal).max()))
        p = self.width
        return Fraction(c) + _SUM * _UNIT * size * (1 + (p + 16) * (2 * p + 1))


def _bounds(matrix: scipy.sparse.csr_array, width: int) -> tuple[Fraction, Fraction]:
    shifted = _Shifted(matrix, width)
    radius = float((abs(matrix) @ np.ones(matrix.shape[0])).max())
    low, high, vector = _guess(matrix, shifted, radius)
    slack, least = max(high - low, 2.0**-46 * radius), _least(width, radius)
    proved: float | None = None
    for _ in range(_TRIES):
        if not shifted.factor(high):
            above = high + slack if proved is None else min(high + slack, (high + proved) / 2)
            if proved is not None and proved - high < 8 * least:
                break
            high, slack = above, 8 * slack
            continue
        proved, vector = high, _iterate_inversely(shifted, vector)
        value, slack = _rayleigh(matrix, vector, least)
        if width <= _NARROW or not value + 4 * slack < high:
            break
        high = value + slack  # nearer, as the iteration tells where
    if proved is None:
        raise Undecided("the largest eigenvalue cannot be enclosed; no factorisation succeeds")
    return rayleigh_bound(matrix, vector), shifted.bound_at(proved)


def _least(width: int, radius: float) -> float:
    """A slack that the rounding of a factorisation leaves room for."""
    return 2.0**-43 * radius * max(1.0, width / 64)


def _rayleigh(matrix: scipy.sparse.csr_array, vector: np.ndarray, least: float
              ) -> tuple[float, float]:
    """A Rayleigh quotient in floats, and how far off the nearest eigenvalue may be."""
    v = vector / np.linalg.norm(vector)
    image = matrix @ v
    value = float(v @ image)
    return value, max(least, float(np.linalg.norm(image - value * v)))


def _iterate_inversely(shifted: _Shifted, vector: np.ndarray) -> np.ndarray:
    # A vector that products led to another eigenvalue has no part of the right one: give it some.
    start = np.random.default_rng(_SEED + 1).standard_normal(vector.size)
    vector = vector / np.linalg.norm(vector) + start / np.linalg.norm(start)
    for _ in range(_INVERSE):
        other = shifted.solve(vector)
        vector = other / np.abs(other).max() if np.isfinite(other).all() and other.any() else vector
    return vector


def _guess(matrix: scipy.sparse.csr_array, shifted: _Shifted, radius: float
           ) -> tuple[float, float, np.ndarray]:
    """Floats that seem to lie below and above the largest eigenvalue, and a start vector.

    Of many bands it may be rough: where eigenvalues lie close together, factorisations find the
    largest sooner than more products do.
    """
    start = np.random.default_rng(_SEED).standard_normal(matrix.shape[0])
    if shifted.width <= _NARROW:
        low, high = float(shifted.diagonal.max()), radius * (1 + 2.0**-40)
        for _ in range(_BISECTIONS):
            if not high - low > 2.0**-50 * radius:
                break
            middle = low + (high - low) / 2
            low, high = (low, middle) if shifted.factor(middle) else (middle, high)
        return low, high, start
    for tolerance, restarts in _PRODUCTS:
        try:
            vector = scipy.sparse.linalg.eigsh(matrix, 1, which="LA", v0=start, tol=tolerance,
                                               maxiter=restarts)[1][:, 0]
        except scipy.sparse.linalg.ArpackNoConvergence:
            continue
        value, slack = _rayleigh(matrix, vector, _least(shifted.width, radius))
        return value, value + slack, vector
    high = radius * (1 + 2.0**-40)
    return high - 2.0**-20 * radius, high, start


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
