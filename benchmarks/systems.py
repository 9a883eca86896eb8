"""Tridiagonal systems, the implicit step, the Poisson equation, and matrices of any kind."""

from __future__ import annotations

import numpy as np
import pyamg
import scipy.fft
import scipy.linalg
import scipy.sparse.linalg

from benchmarks.gallery import PROBLEMS
from benchmarks.measuring import AHEAD, Job
from benchmarks.operators import TAU, rng
from stabkit import Implicit, difference, fluxes
from stabkit.kernels.implicit import tridiagonal, tridiagonal_columns
from stabkit.multigrid import (
    Cycle,
    FastPoisson,
    Multigrid,
    algebraic,
    conjugate_gradients,
    gauss_seidel,
)


def tridiagonal_solve(count, n):
    b = rng().standard_normal((count, n))
    diagonal = 3 + rng(1).random((count, n))
    beside = -rng(2).random((count, n - 1))

    def lapack():
        return np.stack([scipy.linalg.lapack.dptsv(d, e, x)[2]
                         for d, e, x in zip(diagonal, beside, b, strict=True)])

    def ours():
        x = b.copy()
        tridiagonal(diagonal.copy(), beside, x)
        return x

    columns = [np.ascontiguousarray(part.T) for part in (diagonal, beside, b)]

    def side_by_side():
        pivots, x = columns[0].copy(), columns[2].copy()
        tridiagonal_columns(pivots, columns[1], x)
        return x.T

    if count > 1:
        # LAPACK gets its signals in rows and stabkit in columns: each the order that suits it.
        return Job(f"tridiagonal solve {count}x{n}",
                   {"stabkit": side_by_side, "stabkit by rows": ours, "LAPACK dptsv": lapack},
                   count * n, 1e-13, {"LAPACK dptsv": AHEAD})
    return Job(f"tridiagonal solve {count}x{n}", {"stabkit": ours, "LAPACK dptsv": lapack},
               n, 1e-13, {"LAPACK dptsv": AHEAD}, "tridiagonal solve", n)


def implicit_step(count, n):
    """The implicit step to a residual of 1e-12; the peer has the iteration of `Implicit`."""
    u = rng().standard_normal((count, n))
    scheme = Implicit(difference(1, n), fluxes.rational(), TAU)

    def solve(weights, right):
        diagonal = np.ones(n)
        diagonal[:-1] += TAU * weights
        diagonal[1:] += TAU * weights
        return scipy.linalg.lapack.dptsv(diagonal, -TAU * weights, right)[2]

    def residual(v, u):
        s = np.diff(v)
        flow = s / (1 + s * s)
        r = v - u
        r[:-1] -= TAU * flow
        r[1:] += TAU * flow
        return r

    def newton(v, u, small):
        r = residual(v, u)
        size, before = np.abs(r).max(), np.inf
        while small < size < before / 2:
            square = np.diff(v) ** 2
            v = v - solve((1 - square) / (1 + square) ** 2, r)
            r, before = residual(v, u), size
            size = np.abs(r).max()
        return v if size <= small else None

    def alone(u):
        v, small = u, 1e-12 * max(1, np.abs(u).max())
        while (solved := newton(v, u, small)) is None:
            v = solve(1 / (1 + np.diff(v) ** 2), u)
        return solved

    return Job(f"implicit step rational {count}x{n}", {
        "stabkit": lambda: scheme(u),
        "NumPy + dptsv": lambda: np.stack([alone(row) for row in u])}, count * n, 1e-11,
        {"NumPy + dptsv": AHEAD})


def poisson_solve(n):
    """2-D Poisson to a relative residual of 1e-10, the setup included; sines are the limit."""
    b = rng().standard_normal((n, n))
    eigenvalues = 4 * np.sin(np.arange(1, n + 1) * np.pi / (2 * n + 2)) ** 2
    matrix = pyamg.gallery.poisson((n, n), format="csr")
    ready = FastPoisson((n, n))
    solver = pyamg.ruge_stuben_solver(matrix)

    def sines():
        return scipy.fft.idstn(scipy.fft.dstn(b, type=1)
                               / (eigenvalues[:, None] + eigenvalues), type=1)

    def solve(by):
        return by.solve(b.ravel(), tol=1e-10).reshape(n, n)

    return Job(f"Poisson {n}x{n} to 1e-10", {
        "stabkit": lambda: ready.solve(b, tolerance=1e-10).u,
        "stabkit with setup": lambda: FastPoisson((n, n)).solve(b, tolerance=1e-10).u,
        "PyAMG": lambda: solve(solver),
        "PyAMG with setup": lambda: solve(pyamg.ruge_stuben_solver(matrix)),
        "sine transforms": sines}, n * n, 1e-6,
        {"PyAMG": AHEAD, "PyAMG with setup": AHEAD,
         "sine transforms": 1 / 2.5 if n < 500 else 1 / 3.5}, "Poisson", n * n)


def any_matrix(name):
    """Matrices without a fast path, to a residual of 1e-8 inside of conjugate gradients."""
    A, method, near_kernel = PROBLEMS[name]()
    A = scipy.sparse.csr_array(A)
    b = rng().standard_normal(A.shape[0])

    def ours():
        return Multigrid(algebraic(A, method=method), Cycle(gauss_seidel()))

    def aggregation():
        return pyamg.smoothed_aggregation_solver(A, B=near_kernel)

    def solved(by):
        return by.solve(b, tolerance=1e-8, around=conjugate_gradients).u

    def theirs(by):
        return by.solve(b, tol=1e-8, accel="cg", maxiter=1000)

    ready, aggregated = ours(), aggregation()
    split = pyamg.ruge_stuben_solver(A)
    candidates = {
        "stabkit": lambda: solved(ready), "stabkit with setup": lambda: solved(ours()),
        "PyAMG SA": lambda: theirs(aggregated),
        "PyAMG SA with setup": lambda: theirs(aggregation()),
        "PyAMG RS": lambda: theirs(split),
        "PyAMG RS with setup": lambda: theirs(pyamg.ruge_stuben_solver(A)),
    }
    if name != "Poisson 3-D":  # its factors take gigabytes
        candidates["SciPy LU"] = lambda: scipy.sparse.linalg.spsolve(A.tocsc(), b)
    # A residual of 1e-8 leaves errors of different size in each.
    return Job(f"{name}, {A.shape[0]} unknowns", candidates, A.shape[0], None,
               {"PyAMG SA": AHEAD, "PyAMG RS": AHEAD})


def jobs():
    """The jobs of this room, made when they are wanted."""
    for n in (10_000, 100_000):
        yield lambda n=n: tridiagonal_solve(1, n)
    for count, n in ((256, 256), (10_000, 100), (64, 4096)):
        yield lambda count=count, n=n: tridiagonal_solve(count, n)
    for count, n in ((1, 100_000), (1, 1_000_000), (2000, 64), (64, 4096)):
        yield lambda count=count, n=n: implicit_step(count, n)
    for n in (255, 511, 1023, 2047):
        yield lambda n=n: poisson_solve(n)
    for name in ("Poisson 2-D", "Poisson 3-D", "anisotropy 1e-4", "rotated anisotropy",
                 "jumps of 1e6", "elasticity"):
        yield lambda name=name: any_matrix(name)
