"""Symmetric tridiagonal systems, those of implicit steps with the first difference."""

from __future__ import annotations

from stabkit.kernels import kernel
from stabkit.kernels.parts import inner

COLUMNS = 256  # signals at a time: three rows of them fit the first cache


@inner
def take_out(pivots, beside, x, i, near):
    """Take the neighbour `near` of site i, whose pivot is inverted, out of equation i."""
    b = beside[min(i, near)]
    pivots[i] -= b * b * pivots[near]
    x[i] -= b * pivots[near] * x[near]


@inner
def eliminate(pivots, beside, x, i, near, known):
    """Take out the neighbour `near` of site i, and invert the pivot.

    What is known of the neighbour, its inverted pivot and its right-hand side, is handed on and
    returned for site i: the next site need not wait for the memory.
    """
    b = beside[min(i, near)]
    pivot = x.dtype.type(1) / (pivots[i] - b * b * known[0])
    value = x[i] - b * known[0] * known[1]
    pivots[i], x[i] = pivot, value
    return pivot, value


@inner
def substitute(pivots, beside, x, i, near, value):
    """Solve equation i for x[i], which is returned, the `value` at the neighbour being known."""
    value = (x[i] - beside[min(i, near)] * value) * pivots[i]
    x[i] = value
    return value


@inner
def thomas(pivots, beside, x):
    """Solve one symmetric tridiagonal system; x is the right-hand side, then the solution.

    `pivots` is the diagonal, then the inverted pivots.  Elimination runs from both ends to the
    middle and back: two chains that do not wait for each other.
    """
    n = x.size
    middle = n // 2
    one = x.dtype.type(1)
    if n > 1:
        pivots[0] = one / pivots[0]
    if n > 2:
        pivots[n - 1] = one / pivots[n - 1]
    left, right = (pivots[0], x[0]), (pivots[n - 1], x[n - 1])
    for k in range(1, n - 1 - middle):
        left = eliminate(pivots, beside, x, k, k - 1, left)
        right = eliminate(pivots, beside, x, n - 1 - k, n - k, right)
    for k in range(max(1, n - 1 - middle), middle):
        left = eliminate(pivots, beside, x, k, k - 1, left)
    if n > 1:
        take_out(pivots, beside, x, middle, middle - 1)
    if n > 2:
        take_out(pivots, beside, x, middle, middle + 1)
    x[middle] /= pivots[middle]
    before = after = x[middle]
    for k in range(1, n - middle):
        before = substitute(pivots, beside, x, middle - k, middle - k + 1, before)
        after = substitute(pivots, beside, x, middle + k, middle + k - 1, after)
    if n > 1 and 2 * middle == n:
        substitute(pivots, beside, x, 0, 1, before)


@kernel
def tridiagonal(pivots, beside, x):
    """Solve A x = b for every row of x (B, N), which holds b and then the solution.

    A is symmetric; `pivots` (B, N) is its diagonal, then the inverted pivots; `beside` has the
    shape (B, N − 1).  No pivoting: meant for positive definite A.
    """
    for b in range(x.shape[0]):
        thomas(pivots[b], beside[b], x[b])


# -- many systems: rows hold one site of every system ----------------------------------------------
@inner
def invert(pivots):
    """The inverted pivots of a first row."""
    for lane in range(pivots.size):
        pivots[lane] = pivots.dtype.type(1) / pivots[lane]


@inner
def eliminate_row(pivots, beside, x, near, x_near):
    """`eliminate` for a row, with that near it."""
    for lane in range(x.size):
        b = beside[lane]
        pivots[lane] = x.dtype.type(1) / (pivots[lane] - b * b * near[lane])
        x[lane] -= b * near[lane] * x_near[lane]


@inner
def take_out_row(pivots, beside, x, near, x_near):
    """`take_out` for a row."""
    for lane in range(x.size):
        b = beside[lane]
        pivots[lane] -= b * b * near[lane]
        x[lane] -= b * near[lane] * x_near[lane]


@inner
def substitute_row(pivots, beside, x, x_near):
    """`substitute` for a row."""
    for lane in range(x.size):
        x[lane] = (x[lane] - beside[lane] * x_near[lane]) * pivots[lane]


@inner
def divide_row(pivots, x):
    """Solve the equation of the middle."""
    for lane in range(x.size):
        x[lane] /= pivots[lane]


@inner
def thomas_columns(pivots, beside, x, a, b):
    """`thomas` for the columns from a to b, with the same bits."""
    n = x.shape[0]
    middle = n // 2
    if n > 1:
        invert(pivots[0, a:b])
    if n > 2:
        invert(pivots[n - 1, a:b])
    for k in range(1, middle):
        eliminate_row(pivots[k, a:b], beside[k - 1, a:b], x[k, a:b],
                      pivots[k - 1, a:b], x[k - 1, a:b])
        i = n - 1 - k
        if i > middle:
            eliminate_row(pivots[i, a:b], beside[i, a:b], x[i, a:b],
                          pivots[i + 1, a:b], x[i + 1, a:b])
    for near in range(middle - 1, min(middle + 2, n), 2):
        if near >= 0:
            take_out_row(pivots[middle, a:b], beside[min(middle, near), a:b], x[middle, a:b],
                         pivots[near, a:b], x[near, a:b])
    divide_row(pivots[middle, a:b], x[middle, a:b])
    for k in range(1, middle + 1):
        i = middle - k
        substitute_row(pivots[i, a:b], beside[i, a:b], x[i, a:b], x[i + 1, a:b])
        i = middle + k
        if i < n:
            substitute_row(pivots[i, a:b], beside[i - 1, a:b], x[i, a:b], x[i - 1, a:b])


@kernel
def tridiagonal_columns(pivots, beside, x):
    """Solve A x = b for every column of x (N, B): what `tridiagonal` does for rows, many at once.

    A vector holds one site of several systems.
    """
    for a in range(0, x.shape[1], COLUMNS):
        thomas_columns(pivots, beside, x, a, min(a + COLUMNS, x.shape[1]))
