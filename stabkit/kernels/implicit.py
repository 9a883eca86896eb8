"""Implicit steps with the first difference: symmetric tridiagonal systems."""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

from stabkit.kernels import inner, kernel
from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.linear import NATURAL, apply
from stabkit.kernels.steps import copy, freeze, scratch, typed

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


@inner
def invert(pivots):
    """The inverted pivots of a first row."""
    for lane in range(pivots.size):
        pivots[lane] = pivots.dtype.type(1) / pivots[lane]


@inner
def eliminate_lanes(pivots, beside, x, near, x_near):
    """Take the row before, with inverted pivots `near`, out of a row, and invert its pivots."""
    for lane in range(x.size):
        ratio = beside[lane] * near[lane]
        pivots[lane] = x.dtype.type(1) / (pivots[lane] - ratio * beside[lane])
        x[lane] -= ratio * x_near[lane]


@inner
def substitute_lanes(pivots, beside, x, x_near):
    """Solve a row for x, the row after being known."""
    for lane in range(x.size):
        x[lane] = (x[lane] - beside[lane] * x_near[lane]) * pivots[lane]


@inner
def scale_lanes(pivots, x):
    """Solve the last row."""
    for lane in range(x.size):
        x[lane] *= pivots[lane]


@kernel
def tridiagonal_columns(diagonal, beside, x):
    """Solve A x = b for every column of x (N, B): what `tridiagonal` does for rows, many at once.

    Signals lie side by side, so that a vector holds one site of several; `diagonal` (N, B) is
    replaced by the inverted pivots, `beside` has the shape (N − 1, B).
    """
    n, count = x.shape
    for a in range(0, count, COLUMNS):
        b = min(a + COLUMNS, count)
        invert(diagonal[0, a:b])
        for i in range(1, n):
            eliminate_lanes(diagonal[i, a:b], beside[i - 1, a:b], x[i, a:b],
                            diagonal[i - 1, a:b], x[i - 1, a:b])
        scale_lanes(diagonal[n - 1, a:b], x[n - 1, a:b])
        for i in range(n - 2, -1, -1):
            substitute_lanes(diagonal[i, a:b], beside[i, a:b], x[i, a:b], x[i + 1, a:b])


@inner
def semi_implicit_row(flux, u, work, tau, K, shape):
    """One step of one signal."""
    n = u.size
    s, g, beside = work[0][: n + 1], work[1][: n + 1], work[2][:n]
    r, one = u.dtype.type(K[1][1]), u.dtype.type(1)
    weight = tau * (r * r)
    apply(K, u, s)
    freeze(flux, s, g, shape)
    if K[0] == NATURAL:
        g[0] = g[n] = u.dtype.type(0)
    pivots = s[:n]
    for i in range(n):
        pivots[i] = one + weight * (g[i] + g[i + 1])
        beside[i] = -weight * g[i + 1]
    thomas(pivots, beside, u)


@per_flux
def semi_implicit(u, steps, tau, K, shape):
    """Solve (I + τ Kᵀ G(u) K) u⁺ = u, G(u) = diag Φ(s)/s at s = K u, `steps` times for every row.

    `K` is a first difference ``(boundary, (-1/h, 1/h))``, reflecting (NATURAL) or Dirichlet
    (ZERO).  With the flux `identity` this is the implicit step of linear diffusion.
    """
    tau, shape = typed(u, tau, shape)
    work = scratch(3, u.shape[1] + 1, u)
    for b in range(u.shape[0]):
        for _ in range(steps):
            semi_implicit_row(flux, u[b], work, tau, K, shape)
