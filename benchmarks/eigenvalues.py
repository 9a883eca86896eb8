"""Largest eigenvalues of Jacobians, whether a step is stable, and products with K."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

import stabkit
from benchmarks.measuring import Job
from benchmarks.operators import compressed, difference, rng
from stabkit import Explicit, fluxes, spectra
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
              {"scipy CSR": 1}, "product by rows", n)
    yield Job(f"product by diagonals N={n}",
              {"stabkit": by_diagonals, **csr, "scipy DIA": lambda: other @ u}, n, 1e-13,
              {"scipy CSR": 2}, "product by diagonals", n)


def made_jacobian(n):
    """The Jacobian of an explicit step at a random signal, and a product with it."""
    scheme = Explicit(stabkit.difference(1, n), fluxes.perona_malik(), "1/4")
    K, u, v = difference(n, 1), *rng().standard_normal((2, n))

    def by_scipy():
        s = K @ u
        slopes = np.exp(-s * s / 2) * (1 - s * s)
        return v - 0.25 * ((K.T @ scipy.sparse.diags_array(slopes) @ K) @ v)

    return Job(f"Jacobian and product N={n}", {
        "stabkit": lambda: spectra.jacobian(scheme, u) @ v, "scipy.sparse": by_scipy}, n, 1e-12,
        {"scipy.sparse": 1}, "Jacobian and product", n)


def enclosed_eigenvalues(n, order, goal):
    """Both ends of the spectrum of I − τKᵀDK, slopes of either sign: ours as enclosures."""
    K = difference(n, order)
    slopes = rng().standard_normal(n - order)
    J = (scipy.sparse.eye_array(n) - 4.0**-order * (
        K.T @ scipy.sparse.diags_array(slopes) @ K)).tocsr()
    J = ((J + J.T.tocsr()) * 0.5).tocsr()
    peers = {"eigsh": lambda: sorted(scipy.sparse.linalg.eigsh(
        J, 2, which="BE", return_eigenvectors=False, v0=np.ones(n)))}
    if order == 1:
        peers["eigvalsh_tridiagonal"] = lambda: [scipy.linalg.eigvalsh_tridiagonal(
            J.diagonal(), J.diagonal(1), select="i", select_range=(k, k))[0] for k in (0, n - 1)]
    return Job(f"enclosed eigenvalues order {order} N={n}", {
        "stabkit": lambda: [float(end) for end in spectra.extreme_eigenvalues(J)], **peers},
        n, 1e-9, {"eigsh": goal}, f"enclosed eigenvalues order {order}", n)


def stable_slopes(n):
    """From slopes of an explicit step to a proved answer."""
    slopes = 0.1 + rng().random(n - 1)

    def by_lapack_alone():
        beside = -slopes
        diagonal = np.append(slopes, 0.0) - np.append(0.0, beside)
        return int(scipy.linalg.eigvalsh_tridiagonal(
            diagonal, beside, select="i", select_range=(n - 1, n - 1))[0] < 8)

    return Job(f"proved stable from slopes N={n}", {
        "stabkit": lambda: int(spectra.step_is_stable(slopes, "1/4")),
        "eigvalsh_tridiagonal": by_lapack_alone}, n, 0, {"eigvalsh_tridiagonal": 5},
        "proved stable from slopes", n)


def jobs():
    """The jobs of this room, made when they are wanted."""
    for n in (1000, 10_000, 100_000):
        yield lambda n=n: eigenvalue(n, 1, 2.5)
    for n, goal in ((1000, 4), (10_000, 30)):
        yield lambda n=n, goal=goal: eigenvalue(n, 2, goal)
    for n in (100, 1000, 10_000, 100_000):
        yield lambda n=n: stable_step(n)
    for n in (10_000, 1_000_000):
        yield lambda n=n: made_jacobian(n)
    for n in (1000, 100_000):
        yield lambda n=n: enclosed_eigenvalues(n, 1, 1)
        yield lambda n=n: enclosed_eigenvalues(n, 2, 0.5)
        yield lambda n=n: stable_slopes(n)
    for n in (10_000, 1_000_000):
        for number in range(2):
            yield lambda n=n, number=number: list(product(n))[number]
