"""A cycle on a hierarchy: as solver, as preconditioner, and as a matrix."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse.linalg

from stabkit.aliases import Array, Matrix, Signal
from stabkit.arithmetic.backend import beside, namespace, within_memory
from stabkit.errors import InvalidArgument
from stabkit.multigrid.convergence import (
    OUT_OF_RANGE,
    Solution,
    Status,
    Watch,
    exponent,
    norm,
    rescale,
    rescale_numbers,
)
from stabkit.multigrid.cycle import Cycle, Visit
from stabkit.multigrid.diagnosis import reason
from stabkit.multigrid.hierarchy import Hierarchy
from stabkit.multigrid.krylov import Krylov, Precondition
from stabkit.multigrid.matrices import identity, is_exact, vector
from stabkit.multigrid.matrices import matrix as sparse_matrix
from stabkit.multigrid.true_residual import residual_norm
from stabkit.operators.sparse import portable

#: Σ b relative to Σ |b| above which a singular system counts as incompatible in floats.
COMPATIBLE = 1e-10


class Multigrid:
    """One multigrid method.

    Parameters
    ----------
    hierarchy : Hierarchy
    cycle : Cycle, optional
        V(1,1) with damped Jacobi by default.

    Examples
    --------
    >>> from stabkit.multigrid import geometric, poisson
    >>> method = Multigrid(geometric(poisson((63, 63))))
    >>> method.solve(np.ones((63, 63))).converged
    True
    """

    def __init__(self, hierarchy: Hierarchy, cycle: Cycle | None = None):
        self.hierarchy = hierarchy
        self.cycle = cycle or Cycle()
        *inner, last = hierarchy.levels
        self.sweeps = [self.cycle.sweeps_on(level) for level in inner]
        self.coarsest = self.cycle.coarsest.on(last)
        self._matrices = [tuple(map(portable, (level.A, level.P, level.R)))
                          for level in hierarchy.levels]

    @property
    def A(self) -> Matrix:
        return self.hierarchy.levels[0].A

    def step(self, u: Signal, b: Signal) -> Signal:
        """One cycle; u and b are vectors, or matrices whose columns are."""
        return self._visit(0, self.cycle.visit, u, b)

    def _visit(self, number: int, visit: Visit, u: Signal, b: Signal) -> Signal:
        # u = None stands for zero.
        A, P, R = self._matrices[number]
        if P is None:
            return self.coarsest(0 * b if u is None else u, b)
        pre, post = self.sweeps[number]
        if u is None:
            u, r = pre.from_zero(b)
        else:
            u = pre(u, b)
            r = b - A @ u
        r, e = R @ r, None
        for call in visit.calls:
            e = self._visit(number + 1, call, e, r)
        return post(u if e is None else u + P @ e, b)

    # -- as a solver -----------------------------------------------------------------------------
    def solve(self, b: Signal, u: Signal = None, *, tolerance: float = 1e-10, max_cycles: int = 100,
              around: Krylov | None = None, matrix: Matrix = None,
              callback: Callable[[int, float], None] | None = None) -> Solution:
        """Cycle until ‖b − A u‖ <= tolerance ‖b‖, or until it is clear that it will not be.

        Divergence, and a residual that stalls too high to arrive in `max_cycles`, are noticed in
        five cycles.

        Parameters
        ----------
        b : array_like, shape (n,) or the grid's
            Must sum to 0 (be orthogonal to the kernel) for a singular problem.
        u : array_like, optional
            Initial guess, zero by default.
        tolerance : float
            At least 0, below 1.
        max_cycles : int
        around : callable, optional
            The method that the cycle preconditions: ``conjugate_gradients``, ``minres`` or
            ``fgmres``; by default the cycles stand alone.
        matrix : sparse matrix, shape (n, n), optional
            The one of the system, where the hierarchy is that of a matrix near it; needs `around`.
        callback : callable, optional
            Called with the number of the cycle and the relative residual.

        Returns
        -------
        Solution
            With `status`, and a `reason` if it is not converged.

        Raises
        ------
        InvalidArgument
            For entries that are masked, complex or not finite, a wrong shape, a tolerance or number
            of cycles out of range, or an incompatible right-hand side.
        """
        right, shape, e = self._right(b)
        x = 0 * right if u is None else 0 + rescale(self._vector(u, "u")[0], -e)
        A = self._system(matrix, around)
        # An overflow is reported as divergence.
        with within_memory(right, "b", grid=True), np.errstate(over="ignore", invalid="ignore"):
            watch = Watch(norm(right - A @ x), norm(right), tolerance, max_cycles, callback,
                          steps=around is not None)
            if u is not None:
                watch.measured[0] = residual_norm(A, x, right, watch)
            x = (around or self._alone)(A, self._from_zero, right, x, watch)
            return self._solution(watch, A, x, right, shape, e)

    def _system(self, given: Matrix, around: Krylov | None) -> Matrix:
        if around is not None and (not callable(around) or is_exact(self.A.dtype)):
            raise InvalidArgument("around: must be conjugate_gradients, minres or fgmres, for a "
                                  f"hierarchy of floats, got {around!r}")
        if given is None:
            return self._matrices[0][0]
        made = sparse_matrix(given, "matrix", self.A.dtype)
        if around is None or made.shape != self.A.shape:
            raise InvalidArgument(f"matrix: needs around= and shape {self.A.shape}, got "
                                  f"{made.shape} and around={around!r}")
        return portable(made)

    def _alone(self, A: Matrix, precondition: Precondition, right: Signal, x: Signal, watch: Watch
               ) -> Signal:
        while watch.goes_on:
            x = self.step(x, right)
            watch.add(residual_norm(A, x, right, watch))
        return x

    def _from_zero(self, right: Signal) -> Signal:
        # One cycle as the preconditioner.
        return self._visit(0, self.cycle.visit, None, right)

    def _solution(self, watch: Watch, A: Matrix, x: Signal, right: Signal, shape: tuple[int, ...],
                  e: int) -> Solution:
        found, status = rescale(x, e), watch.status or Status.OUT_OF_CYCLES
        why = "" if status is Status.CONVERGED else reason(
            watch, self.hierarchy, self.sweeps, right, x, getattr(A, "matrix", A))
        if e and status is Status.CONVERGED and not watch.arrives(
                residual_norm(A, rescale(found, -e), right, watch)):
            status, why = Status.OUT_OF_RANGE, OUT_OF_RANGE
        return Solution(namespace(found).reshape(found, shape), rescale_numbers(watch.measured, e),
                        watch.history, status, why)

    def full(self, b: Signal, cycles: int = 1) -> np.ndarray:
        """Full multigrid: solve on the coarsest grid, interpolate, cycle, on every level.

        Returns
        -------
        ndarray
            In the shape of b; with one or two cycles its error is about that of the discretisation.
        """
        right, shape, e = self._right(b)
        rights = [right]
        for _, _, R in self._matrices[:-1]:
            rights.append(R @ rights[-1])
        u = self.coarsest(0 * rights[-1], rights[-1])
        for number in reversed(range(len(rights) - 1)):
            u = self._matrices[number][1] @ u
            for _ in range(cycles):
                u = self._visit(number, self.cycle.visit, u, rights[number])
        return namespace(u).reshape(rescale(u, e), shape)

    def _right(self, b: Array) -> tuple[Signal, tuple[int, ...], int]:
        # 2⁻ᵉ b, flat, with entries whose squares are floats; its shape; and e.
        given, shape = self._vector(b, "b")
        e = exponent(given)
        right = rescale(given, -e)
        self.check_compatible(right)
        return right, shape, e

    def _vector(self, values: Array, name: str):
        given = vector(values, name, self.A.dtype)
        level = self.hierarchy.levels[0]
        if given.shape not in ((level.unknowns,), level.shape):
            either = f" or {level.shape}" if level.shape else ""
            raise InvalidArgument(f"{name}: must have shape ({level.unknowns},){either}, got "
                                  f"{given.shape}")
        return namespace(given).reshape(given, (-1,)), given.shape

    def check_compatible(self, b: np.ndarray) -> None:
        """Refuse a flat right-hand side for which a singular problem has no solution."""
        if self.hierarchy.levels[0].kernel is None:
            return
        kernel = beside(self.hierarchy.levels[0].kernel, b)
        defect, size = abs(kernel @ b), abs(kernel) @ abs(b)
        if defect > (0 if is_exact(self.A.dtype) else COMPATIBLE * size):
            raise InvalidArgument(
                f"b: the operator is singular and kernel·b = {float(defect):.3g} is not 0, so "
                "there is no solution; subtract the mean of b (of Neumann type: after weighting)")

    # -- as a preconditioner ---------------------------------------------------------------------
    def preconditioner(self) -> scipy.sparse.linalg.LinearOperator:
        """One cycle from zero as a linear operator, for ``scipy.sparse.linalg.cg(M=...)``.

        Symmetric if R is a multiple of Pᵀ and the post-smoothing adjoint to the pre-smoothing.
        """
        def apply(b):
            right = np.asarray(b, dtype=np.float64).ravel()
            return self._from_zero(right)

        return scipy.sparse.linalg.LinearOperator(self.A.shape, matvec=apply, dtype=np.float64)

    # -- as matrices -----------------------------------------------------------------------------
    def error_operator(self) -> Matrix:
        """E with u⁺ − u* = E (u − u*), a matrix of the dtype of A."""
        unit = identity(self.A.shape[0], self.A.dtype)
        return self.step(unit, 0 * unit)

    def approximate_inverse(self) -> Matrix:
        """B with u⁺ = E u + B b, the preconditioner's matrix."""
        unit = identity(self.A.shape[0], self.A.dtype)
        return self.step(0 * unit, unit)
