"""Symmetric tridiagonal systems, those of implicit steps with the first difference."""

from __future__ import annotations

from stabkit.kernels import kernel
from stabkit.kernels.parts import inner
from stabkit.kernels.steps import copy, scratch

COLUMNS = 256  # signals at a time: three rows of them fit the first cache


@inner
def take_out(pivots, beside, x, i, near):
    """Take the neighbour `near` of site i, whose pivot is inverted, out of equation i."""
    b = beside[min(i, near)]
    ratio = b * pivots[near]
    pivots[i] -= ratio * b
    x[i] -= ratio * x[near]


@inner
def eliminate(pivots, beside, x, i, near):
    """Take out the neighbour `near` of site i, and invert the pivot."""
    b = beside[min(i, near)]
    ratio = b * pivots[near]
    pivots[i] = x.dtype.type(1) / (pivots[i] - ratio * b)
    x[i] -= ratio * x[near]


@inner
def substitute(pivots, beside, x, i, near):
    """Solve equation i for x[i], the neighbour `near` being known."""
    x[i] = (x[i] - beside[min(i, near)] * x[near]) * pivots[i]


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
    for k in range(1, n - 1 - middle):
        eliminate(pivots, beside, x, k, k - 1)
        eliminate(pivots, beside, x, n - 1 - k, n - k)
    for k in range(max(1, n - 1 - middle), middle):
        eliminate(pivots, beside, x, k, k - 1)
    if n > 1:
        take_out(pivots, beside, x, middle, middle - 1)
    if n > 2:
        take_out(pivots, beside, x, middle, middle + 1)
    x[middle] /= pivots[middle]
    for k in range(1, n - middle):
        substitute(pivots, beside, x, middle - k, middle - k + 1)
        substitute(pivots, beside, x, middle + k, middle + k - 1)
    if n > 1 and 2 * middle == n:
        substitute(pivots, beside, x, 0, 1)


@kernel
def tridiagonal(diagonal, beside, x):
    """Solve A x = b for every row of x (B, N), which holds b and then the solution.

    A is symmetric with the rows of `diagonal` (B, N) and `beside` (B, N − 1).  No pivoting: meant
    for positive definite A.
    """
    pivots = scratch(1, x.shape[1], x)[0][: x.shape[1]]
    for b in range(x.shape[0]):
        copy(pivots, diagonal[b])
        thomas(pivots, beside[b], x[b])


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
        ratio = beside[lane] * near[lane]
        pivots[lane] = x.dtype.type(1) / (pivots[lane] - ratio * beside[lane])
        x[lane] -= ratio * x_near[lane]


@inner
def take_out_row(pivots, beside, x, near, x_near):
    """`take_out` for a row."""
    for lane in range(x.size):
        ratio = beside[lane] * near[lane]
        pivots[lane] -= ratio * beside[lane]
        x[lane] -= ratio * x_near[lane]


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

    A vector holds one site of several systems.  `pivots` (N, B) is the diagonal, then the inverted
    pivots; `beside` has the shape (N − 1, B).
    """
    for a in range(0, x.shape[1], COLUMNS):
        thomas_columns(pivots, beside, x, a, min(a + COLUMNS, x.shape[1]))
