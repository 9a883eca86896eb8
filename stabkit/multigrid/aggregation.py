"""Smoothed aggregation: coarse unknowns and prolongations made from the matrix alone.

Vaněk, Mandel and Brezina (1996): unknowns that are strongly coupled form aggregates, a coarse
unknown is a vector of the near-kernel on one of them, and one damped Jacobi sweep smooths it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from stabkit.aliases import Array, Matrix, Rational
from stabkit.arithmetic.rational import fraction, integer
from stabkit.errors import InvalidArgument
from stabkit.multigrid.matrices import assemble, vector

#: A near-kernel vector with less than this left on an aggregate, after the others, is dropped.
DEPENDENT = 1e-10
#: How well the largest eigenvalue is estimated, and on which side the estimate is taken.
EIGENVALUE_TOLERANCE, MARGIN = 0.05, 1.05
#: Directions that its search keeps.
DIRECTIONS = 10
#: Diagonal entries below this are refused.
SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class SmoothedAggregation:
    """Smoothed aggregation in its plain form.

    Attributes
    ----------
    strength : rational
        Nodes i, j are strongly coupled if |a_ij| > strength · √(m_i m_j), m_i the largest |a_ik|
        beside the diagonal.
    near_kernel : array_like, shape (n,) or (n, k), optional
        Vectors that A makes small; constants (of every component of a block) by default.  For
        elasticity the rigid body modes.
    block : int
        Unknowns per node, which stay together.
    """

    strength: Rational = 0.25
    near_kernel: Array = None
    block: int = 1

    def __post_init__(self) -> None:
        if not 0 <= fraction(self.strength, "strength") < 1:
            raise InvalidArgument(f"strength: need 0 <= strength < 1, got {self.strength}")
        integer(self.block, "block", 1)

    def start(self, A: Matrix, kernel: np.ndarray | None) -> Nodes:
        """What is known on the finest level."""
        n = A.shape[0]
        if n % self.block:
            raise InvalidArgument(f"block: {n} unknowns are no multiple of {self.block}")
        if not (A.diagonal() > 0).all():
            raise InvalidArgument("A: smoothed aggregation needs a positive diagonal; a definite "
                                  "matrix has one")
        if A.diagonal().min() < SMALLEST:
            raise InvalidArgument(f"A: has a diagonal entry below {SMALLEST:g}, whose inverse is "
                                  "no float; scale A")
        given: Any = np.kron(np.ones((n // self.block, 1)), np.eye(self.block)) \
            if self.near_kernel is None else vector(self.near_kernel, "near_kernel", float)
        given = given.reshape(len(given), -1) if given.ndim == 1 else given
        if given.ndim != 2 or given.shape[0] != n or not given.any(axis=0).all():
            raise InvalidArgument(f"near_kernel: must be {n} rows and columns that are not 0, got "
                                  f"shape {given.shape}")
        if kernel is not None and self.near_kernel is None and self.block == 1:
            given = kernel.reshape(-1, 1)
        return Nodes(given, np.arange(n) // self.block, float(fraction(self.strength)))


@dataclass(frozen=True, eq=False)
class Nodes:
    """A level: its near-kernel, the node of each unknown, and what counts as strong."""

    near_kernel: np.ndarray
    node: np.ndarray
    strength: float
    shape: None = None  # there is no grid

    @property
    def kernel(self) -> np.ndarray:
        """Its first vector: the kernel where there is one."""
        return self.near_kernel[:, 0]

    def coarser(self, A: Matrix) -> tuple[Matrix, Nodes]:
        """The prolongation from the next level, and that level."""
        if not (A.diagonal() > 0).all():
            raise InvalidArgument(f"A: is not positive definite: pᵀA p = {A.diagonal().min():.3g} "
                                  "for a smooth p; Helmholtz problems of many wavelengths are out "
                                  "of reach; take a direct solver, or around=minres with matrix=A "
                                  "and the hierarchy of a definite matrix near it")
        strong = self._strong(A)
        aggregate = aggregates(strong)[self.node]
        tentative, near_kernel, node = piecewise(self.near_kernel, aggregate)
        P = smooth(tentative, drop_weak(A, strong, self.node))
        return P, Nodes(near_kernel, node, self.strength)

    def _strong(self, A: Matrix) -> Matrix:
        # The graph of strongly coupled nodes; of blocks, by the sum of squares of their entries.
        n = int(self.node.max(initial=-1)) + 1
        unit = abs(A.data).max(initial=0) or 1  # so that squares neither overflow nor vanish
        squares = scipy.sparse.csr_array(((A.data / unit)**2, A.indices, A.indptr), shape=A.shape)
        found = squares.tocoo()
        if n < A.shape[0]:
            rows, columns = (self.node[part] for part in found.coords)
            found = assemble((n, n), rows, columns, found.data).tocoo()
        i, j = found.coords
        beside = i != j
        largest = np.zeros(n)
        np.maximum.at(largest, i[beside], found.data[beside])
        kept = found.data > self.strength**2 * np.sqrt(largest[i] * largest[j])
        kept |= ~beside
        return assemble((n, n), i[kept], j[kept], np.ones(int(kept.sum())))


def aggregates(graph: Matrix) -> np.ndarray:
    """The number of the aggregate of each node; negative for those that are alone."""
    from stabkit.kernels.aggregation import aggregate  # loads Numba
    found = np.empty(graph.shape[0], dtype=np.int64)
    aggregate(graph.indptr, graph.indices, found)
    return found


def piecewise(near_kernel: np.ndarray, aggregate: np.ndarray
              ) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """T with orthonormal columns, one aggregate each, and B_c, nodes with T B_c = near-kernel.

    By Gram–Schmidt, twice, on all aggregates at a time.
    """
    inside = np.flatnonzero(aggregate >= 0)
    of = aggregate[inside]
    count, k = int(of.max(initial=-1)) + 1, near_kernel.shape[1]
    Q, R = np.zeros((len(inside), k)), np.zeros((count, k, k))
    kept = np.zeros((count, k), dtype=bool)

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(of, values, count)

    for j in range(k):
        v = near_kernel[inside, j]
        before = np.sqrt(sums(v * v))
        for i in [*range(j)] * 2:
            along = sums(Q[:, i] * v)
            R[:, i, j] += along
            v = v - along[of] * Q[:, i]
        size = np.sqrt(sums(v * v))
        kept[:, j] = size > DEPENDENT * before
        R[:, j, j] = np.where(kept[:, j], size, 0)
        Q[:, j] = np.where(kept[of, j], v / np.where(size > 0, size, 1)[of], 0)
    number = np.cumsum(kept).reshape(count, k) - 1
    row, column = np.nonzero(kept[of])
    T = assemble((len(aggregate), int(kept.sum())), inside[row], number[of[row], column],
                 Q[row, column])
    return T, R[kept], np.nonzero(kept)[0]


def drop_weak(A: Matrix, strong: Matrix, node: np.ndarray) -> Matrix:
    """A without its weak couplings, added to the diagonal so that constants have the same image."""
    from stabkit.kernels.aggregation import mark_weak  # loads Numba
    weak = np.empty(A.nnz, dtype=np.bool_)
    mark_weak(A.indptr, A.indices, node, strong.indptr, strong.indices,
              np.full(strong.shape[0], -1), weak)
    if not weak.any():
        return A
    rows = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr))
    lumped = A.diagonal() + np.bincount(rows[weak], A.data[weak], A.shape[0])
    # A row that would be spoilt by lumping positive or many entries keeps its couplings.
    if (lumped <= A.diagonal() / 10).any():
        return A
    on_diagonal = rows == A.indices
    made = A.copy()
    made.data[weak] = 0
    made.data[on_diagonal] = lumped[rows[on_diagonal]]
    made.eliminate_zeros()
    return made


def smooth(T: Matrix, A: Matrix) -> Matrix:
    """(I − 4/3 λ⁻¹ D⁻¹A) T, λ the largest eigenvalue of D⁻¹A."""
    step = scipy.sparse.diags_array(4 / 3 / largest_eigenvalue(A) / A.diagonal())
    return (T - step @ (A @ T)).tocsr()


def largest_eigenvalue(A: Matrix) -> float:
    """An estimate for D⁻¹A, A symmetric with a positive diagonal."""
    root = scipy.sparse.diags_array(1 / np.sqrt(A.diagonal()))
    scaled = (root @ A @ root).tocsr()
    bound = float(abs(scaled).sum(axis=1).max())
    if A.shape[0] < 20:
        return bound
    try:
        found = scipy.sparse.linalg.eigsh(
            scaled, 1, tol=EIGENVALUE_TOLERANCE, v0=np.random.default_rng(0).random(A.shape[0]),
            ncv=DIRECTIONS, return_eigenvectors=False, maxiter=20)
    except scipy.sparse.linalg.ArpackNoConvergence:
        return bound
    return min(bound, MARGIN * float(found[0]))
