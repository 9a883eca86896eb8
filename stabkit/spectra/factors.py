"""Factorisations of c I − A that prove, when they run to the end, a bound of the eigenvalues of A.

With p bands on either side, Cholesky's RᵀR differs from c I − A by at most γ |Rᵀ||R| <=
γ max (c − aᵢᵢ) in each of 2p + 1 entries of a row, γ = (p + 2) u / (1 − (p + 2) u) (Higham 2002,
theorem 10.3; Rump 2006); some more roundings are allowed for divisions that are done as products.

A sparse L U with all pivots positive is near M = L D Lᵀ >= 0, D the diagonal of U: with at most k
entries in a row of L, |c I − A − L U| <= γ |L||U| for γ = (k + 2) u / (1 − (k + 2) u) (Higham 2002,
theorem 9.3), and L U − M = L (U − D Lᵀ) is computed.  The sums of the rows of both bound the norm
of c I − A − M, which is symmetric.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import scipy

_UNIT = Fraction(1, 2**53)
_TINY = Fraction(1, 2**500)  # more than all underflow, entries being at most 1
_SUM = 1 + Fraction(1, 2**20)
_MORE = 16  # roundings for products with 1/pivot, for c − aᵢᵢ, and for U − D Lᵀ


class Factors(Protocol):
    """Factors of c I − A for one symmetric A, with entries of size at most 2, and many c."""

    def factor(self, c: float) -> bool:
        """Whether the factorisation for c runs to its end; then its factors are kept."""

    def solve(self, right: np.ndarray) -> np.ndarray:
        """(c I − A)⁻¹ b with the factors that are kept, in floats."""

    def bound(self) -> Fraction:
        """A proven bound of all eigenvalues of A by the factors that are kept."""


class Bands:
    """Cholesky factors in LAPACK's lower bands."""

    def __init__(self, matrix: scipy.sparse.csr_array, width: int):
        n = matrix.shape[0]
        self.width, self.diagonal = width, matrix.diagonal()
        self.bands = np.zeros((width + 1, n), order="F")
        for k in range(1, width + 1):
            self.bands[k, : n - k] = -matrix.diagonal(-k)
        self.kept: tuple[float, np.ndarray] | None = None

    def factor(self, c: float) -> bool:
        bands = self.bands.copy(order="F")
        bands[0] = c - self.diagonal
        if not (bands[0] > 0).all():
            return False
        factors, stop = scipy.linalg.lapack.dpbtrf(bands, lower=1, overwrite_ab=1)
        if stop != 0 or not np.isfinite(factors).all():  # LAPACK does not check for NaN here
            return False
        self.kept = c, factors
        return True

    def solve(self, right: np.ndarray) -> np.ndarray:
        solution: Any = scipy.linalg.lapack.dpbtrs(self._factorisation()[1], right, lower=1)[0]
        return solution.ravel()

    def bound(self) -> Fraction:
        c, p = Fraction(self._factorisation()[0]), self.width
        size = abs(c) + Fraction(float(np.abs(self.diagonal).max()))
        return c + _SUM * _UNIT * size * (1 + (p + _MORE) * (2 * p + 1)) + _TINY

    def _factorisation(self) -> tuple[float, np.ndarray]:
        if self.kept is None:
            raise LookupError("no factorisation ran to its end")
        return self.kept


class Sparse:
    """Factors L U by SuperLU, with the pivots on the diagonal, in an order that leaves them sparse.
    """

    def __init__(self, matrix: scipy.sparse.csr_array):
        n = matrix.shape[0]
        entries, places = matrix.tocoo(), np.arange(n)
        off = entries.row != entries.col
        self.diagonal = matrix.diagonal()
        self.shifted = scipy.sparse.csc_array(
            (np.append(-entries.data[off], np.ones(n)),
             (np.append(entries.row[off], places), np.append(entries.col[off], places))), (n, n))
        columns = np.repeat(places, np.diff(self.shifted.indptr))
        self.on_diagonal = np.flatnonzero(self.shifted.indices == columns)
        self.kept: tuple[float, Any] | None = None

    def factor(self, c: float) -> bool:
        self.shifted.data[self.on_diagonal] = c - self.diagonal
        try:
            factors = scipy.sparse.linalg.splu(
                self.shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                options={"SymmetricMode": True})
        except RuntimeError:  # a pivot is 0
            return False
        if not (factors.perm_r == factors.perm_c).all() or not _are_pivots(factors.U.diagonal()):
            return False
        self.kept = c, factors
        return True

    def solve(self, right: np.ndarray) -> np.ndarray:
        solution: np.ndarray = self._factorisation()[1].solve(right)
        return solution

    def bound(self) -> Fraction:
        c, factors = self._factorisation()
        lower, upper = factors.L, factors.U.tocsr()
        products = lower.data * np.repeat(upper.diagonal(), np.diff(lower.indptr))
        missed = abs(upper - scipy.sparse.csr_array((products, lower.indices, lower.indptr),
                                                    lower.shape))
        terms, ones = int(np.bincount(lower.indices).max()), np.ones(lower.shape[0])
        off = abs(lower) @ ((terms + _MORE) * 2.0**-53 * (abs(upper) @ ones) + missed @ ones)
        size = abs(Fraction(c)) + Fraction(float(np.abs(self.diagonal).max()))
        return Fraction(c) + _SUM * (Fraction(float(off.max())) + _UNIT * size) + _TINY

    def _factorisation(self) -> tuple[float, Any]:
        if self.kept is None:
            raise LookupError("no factorisation ran to its end")
        return self.kept


def _are_pivots(pivots: np.ndarray) -> bool:
    return bool(((pivots > 0) & (pivots < np.inf)).all())
