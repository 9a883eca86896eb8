"""Krylov methods around a cycle: conjugate gradients, MINRES and flexible GMRES.

Each takes a matrix A, a preconditioner r ↦ z, the right-hand side, a start, and a `Watch`, which
says when to stop; a residual from a recursion is measured again before it counts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse.linalg

from stabkit.aliases import Matrix, Signal
from stabkit.arithmetic.backend import is_foreign, namespace
from stabkit.errors import InvalidArgument
from stabkit.multigrid.convergence import Watch, norm
from stabkit.multigrid.true_residual import EPSILON, residual_norm

#: Directions that flexible GMRES keeps before it starts again.
RESTART = 30

Precondition = Callable[[Signal], Signal]
Krylov = Callable[[Matrix, Precondition, Signal, Signal, Watch], Signal]


def conjugate_gradients(A: Matrix, precondition: Precondition, b: Signal, x: Signal, watch: Watch
                        ) -> Signal:
    """For a symmetric positive definite A and cycle; Saad, Iterative Methods, algorithm 9.1."""
    total = namespace(b).sum
    r, p, before = b - A @ x, None, 1.0
    while watch.goes_on:
        z = precondition(r)
        now = float(total(r * z))
        if not now > 0:
            watch.fail(f"rᵀB r = {now:.3g} for the cycle B, which is not positive definite: take a "
                       "post-smoother adjoint to the smoother and R = Pᵀ, or around=fgmres")
            return x
        if p is None:
            p = z
        else:
            p *= now / before  # in place where the library has it
            p += z
        q = A @ p
        curvature = float(total(p * q))
        if not curvature > 0:
            watch.fail(f"dᵀA d = {curvature:.3g} for a direction d, so A is not positive definite; "
                       "take around=minres, or a direct solver; Helmholtz problems of many "
                       "wavelengths are out of reach")
            return x
        step, before = now / curvature, now
        x += step * p
        q *= step
        r -= q
        residual = norm(r)
        if watch.arrives(residual) or residual < EPSILON * watch.scale:
            # The recursion falls below what rounding leaves of the residual itself.
            r = b - A @ x
            residual = residual_norm(A, x, b, watch)
            p = p if watch.arrives(residual) else None
        watch.add(residual)
    return x


class _Ended(Exception):
    """The watch says that SciPy's iteration has ended."""


def minres(A: Matrix, precondition: Precondition, b: Signal, x: Signal, watch: Watch) -> Signal:
    """For a symmetric A, definite or not, and a symmetric positive definite cycle; SciPy's."""
    if is_foreign(b):
        raise InvalidArgument("around: minres is SciPy's, for arrays of numpy; take "
                              "conjugate_gradients or fgmres")
    last = x

    def measure(found: np.ndarray) -> None:
        nonlocal last
        last = found.copy()
        watch.add(residual_norm(A, found, b, watch))
        if not watch.goes_on:
            raise _Ended

    n = len(b)
    try:
        while watch.goes_on:
            cycles = watch.cycles
            scipy.sparse.linalg.minres(
                scipy.sparse.linalg.LinearOperator((n, n), lambda v: A @ v, dtype=np.float64), b,
                last, rtol=np.finfo(float).tiny, maxiter=watch.max_cycles - cycles,
                M=scipy.sparse.linalg.LinearOperator((n, n), precondition, dtype=np.float64),
                callback=measure)
            if watch.cycles == cycles:
                watch.fail("MINRES gets no further: A is singular on b, or rounding is reached")
    except _Ended:
        pass
    except ValueError as error:  # SciPy refuses a preconditioner
        watch.fail(f"MINRES: {error}; take a cycle with an adjoint post-smoother, of a hierarchy "
                   "of a definite matrix, or around=fgmres")
    return last


def fgmres(A: Matrix, precondition: Precondition, b: Signal, x: Signal, watch: Watch) -> Signal:
    """For any A, and a cycle that may change; restarted, Saad, algorithm 9.6."""
    while watch.goes_on:
        r = b - A @ x
        size = norm(r)
        basis, images, H = [r / size], [], np.zeros((RESTART + 1, RESTART))
        for j in range(RESTART):
            images.append(precondition(basis[j]))
            w = A @ images[j]
            for i, v in enumerate(basis):
                H[i, j] = float(v @ w)
                w = w - float(H[i, j]) * v
            H[j + 1, j] = norm(w)
            if not np.isfinite(H).all():
                watch.fail("FGMRES: a cycle from zero made numbers beyond all floats, so it "
                           "diverges by far; take a hierarchy of a matrix near A whose cycle "
                           "converges, or a direct solver")
                return x
            right = np.zeros(j + 2)
            right[0] = size
            y = np.linalg.lstsq(H[:j + 2, :j + 1], right)[0]
            residual = float(np.linalg.norm(right - H[:j + 2, :j + 1] @ y))
            last = j + 1 == RESTART or watch.arrives(residual) or not np.isfinite(residual) \
                or H[j + 1, j] == 0 or watch.cycles + 1 >= watch.max_cycles
            if last:
                break
            watch.add(residual)
            if not watch.goes_on:
                break
            basis.append(w / float(H[j + 1, j]))
        for weight, z in zip(y, images, strict=True):
            x = x + float(weight) * z
        if watch.goes_on:
            watch.add(residual_norm(A, x, b, watch))
    return x
