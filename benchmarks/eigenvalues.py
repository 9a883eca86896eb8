"""Largest eigenvalues of Jacobians, whether a step is stable, and products with K."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.sparse

from benchmarks.measuring import Job
from benchmarks.operators import compressed, difference, rng
from stabkit.kernels import kernel
from stabkit.kernels.eigenvalues import all_below, largest_eigenvalue
from stabkit.kernels.linear import NATURAL, apply


def jacobian(n, order):
    """The bands of KᵀDK for a difference K of some order and random slopes in D."""
    K = difference(n, order)
    matrix = K.T @ scipy.sparse.diags_array(rng().random(n - order)) @ K
    bands = np.zeros((order + 1, n))
    for k in range(order + 1):
        bands[k, k:] = matrix.diagonal(k)
    return bands


def by_lapack(bands):
    """The largest eigenvalue alone, by bisection."""
    n = bands.shape[1]
    last = {"select": "i", "select_range": (n - 1, n - 1)}
    if len(bands) == 2:
        return scipy.linalg.eigvalsh_tridiagonal(bands[0], bands[1, 1:], **last)[0]
    return scipy.linalg.eigvals_banded(bands[::-1], **last)[0]


def eigenvalue(n, order, goal):
    bands = jacobian(n, order)
    form, peer = {1: ("tridiagonal", "eigvalsh_tridiagonal"),
                  2: ("pentadiagonal", "eigvals_banded")}[order]
    return Job(f"largest eigenvalue {form} N={n}", {
        "stabkit": lambda: largest_eigenvalue(bands), peer: lambda: by_lapack(bands)},
        n, 1e-13, {peer: goal}, f"largest eigenvalue {form}", n)


def stable_step(n):
    """λ < 2/τ with 2/τ a millionth above λ, so that the elimination runs to its end."""
    bands = jacobian(n, 1)
    diagonal, beside = bands[0].copy(), bands[1, 1:].copy()
    bound = by_lapack(bands) * (1 + 1e-6)
    if all_below(diagonal, beside, bound * (1 - 2e-6)):
        raise SystemExit("a step beyond the bound is called stable")
    return Job(f"is a step stable N={n}", {
        "stabkit": lambda: int(all_below(diagonal, beside, bound)),
        "eigvalsh_tridiagonal": lambda: int(by_lapack(bands) < bound),
        "LAPACK dpttrf": lambda: int(not scipy.linalg.lapack.dpttrf(bound - diagonal, beside)[2])},
        n, 0, {"eigvalsh_tridiagonal": 80}, "is a step stable", n)


@kernel
def times(K, u, s):
    apply(K, u, s)


def product(n, order=2):
    """K u with K in compressed rows and as a stencil, which is its form by diagonals."""
    matrix, u = difference(n, order), rng().standard_normal(n)
    K = compressed(matrix)
    taps = tuple(float(x) for x in matrix.data[:order + 1])
    wide, narrow = np.empty(n + order), np.empty(n - order)
    other = matrix.todia()

    def by_rows():
        times(K, u, narrow)
        return narrow

    def by_diagonals():
        times((NATURAL, taps), u, wide)
        return wide[order:n]

    csr = {"scipy CSR": lambda: matrix @ u}
    yield Job(f"product by rows N={n}", {"stabkit": by_rows, **csr}, n, 1e-13,
              {"scipy CSR": 0.95}, "product by rows", n)
    yield Job(f"product by diagonals N={n}",
              {"stabkit": by_diagonals, **csr, "scipy DIA": lambda: other @ u}, n, 1e-13,
              {"scipy CSR": 2}, "product by diagonals", n)


def jobs():
    """The jobs of this room, made when they are wanted."""
    for n in (1000, 10_000, 100_000):
        yield lambda n=n: eigenvalue(n, 1, 2.5)
    for n, goal in ((1000, 4), (10_000, 30)):
        yield lambda n=n, goal=goal: eigenvalue(n, 2, goal)
    for n in (100, 1000, 10_000, 100_000):
        yield lambda n=n: stable_step(n)
    for n in (10_000, 1_000_000):
        for number in range(2):
            yield lambda n=n, number=number: list(product(n))[number]
