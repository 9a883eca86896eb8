"""The largest eigenvalue of a symmetric band matrix of floats, and proofs about it.

The answers of the first two functions are floats and prove nothing.  The other two count the
rounding errors of one elimination: with u = 2⁻⁵³, the computed pivots of T − x I are, up to
positive factors, the exact ones of T̃ − x I with |T̃ − T| <= 4u|b| + 2⁻⁵³⁷ at every entry b beside
the diagonal and 2⁻⁵⁷⁰ on it (Kahan 1966; Demmel 1997, lemma 5.3): each b² meets at most six
roundings, its square root three, and underflow is absolute.  A row has two such entries, so by Weyl
no eigenvalue is off by more than 8u max|b| + 2⁻⁵³⁵.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, nextafter

import numpy as np
import scipy

from stabkit.errors import InvalidArgument

WORTH_COMPILING = 20_000  # rows below which SciPy is done before a kernel is loaded
_LARGEST = 2.0**500  # squares of entries up to this do not overflow
_UNIT = Fraction(1, 2**53)


def largest_eigenvalue(bands: np.ndarray) -> float:
    """The largest eigenvalue of T, in floats; NaN unless all entries are finite.

    Parameters
    ----------
    bands : ndarray of float, shape (2, N) or (3, N)
        bands[k, i] = T[i, i − k], and 0 where i < k.
    """
    if not np.isfinite(bands).all():
        return np.nan
    n = bands.shape[1]
    if n >= WORTH_COMPILING:
        from stabkit.kernels.eigenvalues import largest_eigenvalue as twin  # loads Numba
        return float(twin(np.ascontiguousarray(bands)))
    last = {"select": "i", "select_range": (n - 1, n - 1)}
    if len(bands) == 2:
        return float(scipy.linalg.eigvalsh_tridiagonal(bands[0], bands[1, 1:], **last)[0])
    return float(scipy.linalg.eigvals_banded(bands[::-1], **last)[0])


def all_below(diagonal: np.ndarray, beside: np.ndarray, x: float) -> bool:
    """Whether the eigenvalues of a tridiagonal T are below x, in floats; False with NaN or ∞."""
    if not (np.isfinite(diagonal).all() and np.isfinite(beside).all() and np.isfinite(x)):
        return False
    if len(diagonal) >= WORTH_COMPILING:
        from stabkit.kernels.eigenvalues import all_below as twin  # loads Numba
        return bool(twin(diagonal, beside, x))
    # LAPACK's L D Lᵀ of x I − T stops at the first pivot that is not positive.
    beside = beside if beside.size else np.zeros(1)  # SciPy needs one
    return scipy.linalg.lapack.dpttrf(x - diagonal, beside)[2] == 0


def decide_below(diagonal: np.ndarray, beside: np.ndarray, bound: Fraction,
                 spread: Fraction = Fraction(0)) -> bool | None:
    """Whether the eigenvalues of a matrix within `spread` of T (in norm) are below `bound`.

    Returns
    -------
    bool or None
        True and False are proved; None where they are too close to the bound, or an entry is not
        finite or beyond 2⁵⁰⁰.
    """
    on, off = _size(diagonal), _size(beside)
    if not (on < _LARGEST and off < _LARGEST and abs(bound) < _LARGEST):
        return None
    margin = spread + 8 * _UNIT * Fraction(off) + Fraction(1, 2**535)
    if all_below(diagonal, beside, _round(bound - margin, -inf)):
        return True
    return None if all_below(diagonal, beside, _round(bound + margin, inf)) else False


def bounds_of_largest_eigenvalue(diagonal: np.ndarray, beside: np.ndarray
                                 ) -> tuple[Fraction, Fraction]:
    """Proven bounds of the largest eigenvalue of a tridiagonal T != 0 with entries below 2⁵⁰⁰."""
    size = float(np.abs(diagonal).max() + 2 * np.abs(beside).max(initial=0.0))
    if not size < _LARGEST:
        raise InvalidArgument(f"diagonal, beside: must be finite and below 2^500, got {size}")
    guess = Fraction(largest_eigenvalue(np.array([diagonal, np.append(0.0, beside)])))
    ends = []
    for sign in (-1, 1):
        slack = Fraction(size) / 2**49
        while decide_below(diagonal, beside, guess + sign * slack) is not (sign > 0):
            slack *= 4
        ends.append(guess + sign * slack)
    return ends[0], ends[1]


def _size(x: np.ndarray) -> float:
    # The largest modulus (NaN with NaN), without making another array.
    return max(-float(x.min(initial=0.0)), float(x.max(initial=0.0)))


def _round(value: Fraction, towards: float) -> float:
    # A float on the given side of the value.
    near = float(value)
    wrong = near < value if towards > 0 else near > value
    return nextafter(near, towards) if wrong else near
