"""The largest eigenvalue of a symmetric band matrix, and on which side of it a number lies.

T − x I = L D Lᵀ has negative pivots alone if and only if every eigenvalue is below x (Sylvester).
The computed pivots have the signs of a matrix close to T: these answers are floats, which
`stabkit.operators.eigenvalues` makes proofs of by counting the rounding errors.
"""

from __future__ import annotations

import numpy as np

from stabkit.kernels import kernel
from stabkit.kernels.parts import inner

SHIFTS = 16  # numbers x that are tried at once, in lanes
WIDE = 32  # of pentadiagonal matrices, whose one chain takes longer to wait for
SWEEPS = 64  # 13 or 11 divide an interval by 2⁵³; the limit is for what does not shrink


@inner
def one_end(diagonal, beside, x, i, near, pivot):
    """The pivot of row i, the neighbour `near` with its pivot being taken out."""
    b = beside[min(i, near)]
    return diagonal[i] - x - b * b / pivot


@kernel
def all_below(diagonal, beside, x):
    """Whether all pivots of T − x I are negative and finite; NaN is neither.

    T is symmetric and tridiagonal, N >= 1.  Elimination runs from both ends to the middle: two
    chains that do not wait for each other.
    """
    n = diagonal.size
    middle = n // 2
    left, right = diagonal[0] - x, diagonal[n - 1] - x
    for k in range(1, n - middle):
        if not (-np.inf < left < 0 and -np.inf < right < 0):
            return False
        if k < middle:
            left = one_end(diagonal, beside, x, k, k - 1, left)
        if k < n - 1 - middle:
            right = one_end(diagonal, beside, x, n - 1 - k, n - k, right)
    last = diagonal[middle] - x
    if middle > 0:
        if not -np.inf < left < 0:
            return False
        last -= beside[middle - 1] * beside[middle - 1] / left
    if middle < n - 1:
        if not -np.inf < right < 0:
            return False
        last -= beside[middle] * beside[middle] / right
    return -np.inf < last < 0


@inner
def next_pivots(x, pivots, a, b):
    """One row of elimination; a bound that is no constant keeps the loop from being unrolled."""
    for lane in range(x.size):
        q = a - x[lane] - b / pivots[lane]
        pivots[lane] = q if q < 0 else np.nan


@inner
def pivots_tridiagonal(bands, x, pivots, w):
    """The pivot of the middle row of T − x I; once one is not negative, NaN.

    As in `all_below` there are two chains, so one divides while the other waits.
    """
    n, left, right, above = bands.shape[1], pivots, w[: x.size], 0.0
    middle = n // 2
    left[:], right[:] = -1.0, -1.0
    for i in range(middle):
        next_pivots(x, left, bands[0, i], bands[1, i] * bands[1, i])
        k = n - 1 - i
        if k > middle:
            next_pivots(x, right, bands[0, k], above * above)
            above = bands[1, k]
    below = bands[1, middle]
    for lane in range(x.size):
        q = bands[0, middle] - x[lane] - below * below / left[lane] - above * above / right[lane]
        pivots[lane] = q if q < 0 else np.nan


@inner
def pivots_pentadiagonal(bands, x, pivots, w):
    """The last pivot, inverted, with two bands; w holds the one before and L beside them."""
    pivots[:], w[:WIDE], w[WIDE:] = -1.0, -1.0, 0.0
    for i in range(bands.shape[1]):
        a, b, c = bands[0, i], bands[1, i], bands[2, i]
        for lane in range(WIDE):
            e = b - c * w[lane + WIDE]
            last = pivots[lane]
            ratio = e * last
            q = a - x[lane] - e * ratio - c * (c * w[lane])
            w[lane + WIDE] = ratio
            w[lane] = last
            pivots[lane] = 1 / q if q < 0 else np.nan


@inner
def gershgorin(bands):
    """The largest entry of the diagonal and the largest right end of a disc; NaN if not finite."""
    width, n = bands.shape
    low = high = -np.inf
    for i in range(n):
        radius = 0.0
        for k in range(1, width):
            radius += abs(bands[k, i])
            if i + k < n:
                radius += abs(bands[k, i + k])
        if not abs(bands[0, i]) + radius < np.inf:
            return np.nan, np.nan
        low, high = max(low, bands[0, i]), max(high, bands[0, i] + radius)
    return low, high


@kernel
def largest_eigenvalue(bands):
    """The largest eigenvalue of a symmetric matrix T with one or two bands beside its diagonal.

    bands[k, i] is T[i, i − k], and 0 where i < k: the upper form of `scipy.linalg`, upside down.
    Multisection: many numbers are tried in one sweep, until 4 units in the last place are left.
    NaN unless all is finite.  The squares of the entries must not overflow or underflow.
    """
    low, high = gershgorin(bands)
    shifts = SHIFTS if bands.shape[0] == 2 else WIDE
    x, pivots, w = np.empty(shifts), np.empty(shifts), np.empty(2 * WIDE)
    for _ in range(SWEEPS):
        if not high - low > 2.0**-51 * max(abs(low), abs(high)):
            break
        step = (high - low) / (shifts + 1)
        for lane in range(shifts):
            x[lane] = low + step * (lane + 1)
        if bands.shape[0] == 2:
            pivots_tridiagonal(bands, x, pivots, w)
        else:
            pivots_pentadiagonal(bands, x, pivots, w)
        below = 0
        while below < shifts and not pivots[below] < 0:
            below += 1
        if below > 0:
            low = x[below - 1]
        if below < shifts:
            high = x[below]
    return low + (high - low) / 2
