"""A cycle on a hierarchy: as solver, as preconditioner, and as a matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy.sparse.linalg

from stabkit.aliases import Array, Matrix, Signal
from stabkit.arithmetic.backend import beside, is_foreign, namespace, within_memory
from stabkit.errors import InvalidArgument
from stabkit.multigrid.cycle import Cycle, Visit
from stabkit.multigrid.hierarchy import Hierarchy
from stabkit.multigrid.matrices import identity, is_exact, vector
from stabkit.operators.sparse import portable

#: Σ b relative to Σ |b| above which a singular system counts as incompatible in floats.
COMPATIBLE = 1e-10


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solver returns.

    Attributes
    ----------
    u : ndarray
        The last iterate, in the shape of the right-hand side.
    residuals : tuple of float
        Norms of b − A u, before the first cycle and after each.
    converged : bool
    """

    u: np.ndarray
    residuals: tuple[float, ...]
    converged: bool

    @property
    def cycles(self) -> int:
        return len(self.residuals) - 1

    @property
    def factor(self) -> float:
        """Geometric mean of the residual reduction per cycle."""
        if self.cycles == 0 or self.residuals[0] == 0:
            return 0.0
        return (self.residuals[-1] / self.residuals[0]) ** (1 / self.cycles)


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
        A, P, R = self._matrices[number]
        if P is None:
            return self.coarsest(u, b)
        pre, post = self.sweeps[number]
        u = pre(u, b)
        r = R @ (b - A @ u)
        e = 0 * r
        for call in visit.calls:
            e = self._visit(number + 1, call, e, r)
        u = u + P @ e
        return post(u, b)

    # -- as a solver -----------------------------------------------------------------------------
    def solve(self, b: Signal, u: Signal = None, *, tolerance: float = 1e-10, max_cycles: int = 100,
              callback: Callable[[int, float], None] | None = None) -> Solution:
        """Cycle until ‖b − A u‖ <= tolerance ‖b‖.

        Parameters
        ----------
        b : array_like, shape (n,) or the grid's
            Must sum to 0 (be orthogonal to the kernel) for a singular problem.
        u : array_like, optional
            Initial guess, zero by default.
        tolerance : float
        max_cycles : int
        callback : callable, optional
            Called with the number of the cycle and the relative residual.

        Raises
        ------
        InvalidArgument
            For entries that are not finite, a wrong shape, or an incompatible right-hand side.
        """
        right, shape = self._vector(b, "b")
        self._check_compatible(right)
        x = 0 * right if u is None else 0 + self._vector(u, "u")[0]
        A, scale = self._matrices[0][0], norm(right)
        with within_memory(right, "b", grid=True):
            residuals = [norm(right - A @ x)]
            while residuals[-1] > tolerance * scale and len(residuals) <= max_cycles:
                x = self.step(x, right)
                residuals.append(norm(right - A @ x))
                if callback:
                    callback(len(residuals) - 1, residuals[-1] / scale)
        return Solution(namespace(x).reshape(x, shape), tuple(residuals),
                        residuals[-1] <= tolerance * scale)

    def full(self, b: Signal, cycles: int = 1) -> np.ndarray:
        """Full multigrid: solve on the coarsest grid, interpolate, cycle, on every level.

        Returns
        -------
        ndarray
            In the shape of b; in error about the discretisation's own with one or two cycles.
        """
        right, shape = self._vector(b, "b")
        self._check_compatible(right)
        rights = [right]
        for _, _, R in self._matrices[:-1]:
            rights.append(R @ rights[-1])
        u = self.coarsest(0 * rights[-1], rights[-1])
        for number in reversed(range(len(rights) - 1)):
            u = self._matrices[number][1] @ u
            for _ in range(cycles):
                u = self._visit(number, self.cycle.visit, u, rights[number])
        return namespace(u).reshape(u, shape)

    def _vector(self, values: Array, name: str):
        given = vector(values, name, self.A.dtype)
        level = self.hierarchy.levels[0]
        if given.shape not in ((level.unknowns,), level.shape):
            raise InvalidArgument(f"{name}: must have shape ({level.unknowns},) or {level.shape}, "
                                  f"got {given.shape}")
        return namespace(given).reshape(given, (-1,)), given.shape

    def _check_compatible(self, b: np.ndarray) -> None:
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
            return self.step(np.zeros_like(right), right)

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


def norm(vector: Signal) -> float:
    """The Euclidean norm; of fractions, the rounded root of the exact sum of squares."""
    if is_foreign(vector):
        return sqrt(namespace(vector).sum(vector * vector))
    if is_exact(vector.dtype):
        return sqrt(sum((x * x for x in vector), start=0))
    return float(np.linalg.norm(vector))
