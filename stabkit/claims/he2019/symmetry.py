r"""The \-cycle with bilinear P on signals that are symmetric about both centre lines.

K_A, bilinear P and R = Pᵀ commute with the reflections of the grid and with transposition.  So the
cycle keeps the signals that are odd (or even) about both centre lines and symmetric under
transposition; on them everything is made of small one-dimensional matrices, and the spectral
radius there is a lower bound.

The error operator is E = K F up to the order of its factors: F are the sweeps on the finest levels,
K is the rest.  A `Cone` is a coarse function z and numbers with which E grows in a cone around z.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, sqrt
from typing import Any

import numpy as np
import scipy

from stabkit.arithmetic.rational import fractions
from stabkit.claims.he2019.matrices import interpolation, laplace
from stabkit.errors import require_value

SWEEP = Fraction(1, 5)  # ω/4 for ω = 4/5
LARGEST = 81  # unknowns of the level on which the cone is looked for
LARGEST_GRID = 2000  # unknowns of the finest level: its matrices are dense
ODD, EVEN = "odd", "even"


@dataclass(frozen=True, eq=False)
class Half:
    """One level in one direction, on half of the nodes: L ⊗ M + M ⊗ L, weights w, prolongation p.

    Sums over the whole line are sums over its half with the weights w, up to a factor 2.
    """

    L: np.ndarray
    M: np.ndarray
    w: np.ndarray
    p: np.ndarray | None

    @property
    def prolongation(self) -> np.ndarray:
        """The prolongation p, which all levels but the coarsest have."""
        return require_value(self.p, "the coarsest level has no prolongation")

    @property
    def size(self) -> int:
        return len(self.w)


def halves(n: int, parity: str, galerkin: bool) -> list[Half]:
    """All levels from n nodes to 3, with R A P or with the same kernel on each.

    The entries are dyadic, so floats hold them exactly.
    """
    levels: list[Half] = []
    while n >= 3:
        w = np.array([1.0] * (n // 2) + [0.5] * (parity == EVEN))
        unfold = _unfold(n, parity)
        L, M = unfold.T @ laplace(n).astype(float) @ unfold / 2, np.diag(w)
        if galerkin and levels:
            above = levels[-1]
            P = above.prolongation
            L, M = (P.T @ matrix @ P for matrix in (above.L, above.M))
        coarse = (n + 1) // 2
        p = interpolation(coarse).astype(float) @ _unfold(coarse, parity)
        levels.append(Half(L, M, w, p[:len(w)] if n > 3 else None))
        n = coarse if n > 3 else 0
    return levels


def _unfold(n: int, parity: str) -> np.ndarray:
    """From values on half of the nodes to all n."""
    half = np.eye(n)[:, :n // 2]
    if parity == ODD:
        return half - half[::-1]
    return np.column_stack([half + half[::-1], np.eye(n)[:, n // 2]])


# -- in floats, to find the cone -------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Cone:
    """What a certificate of growth needs.

    Attributes
    ----------
    split : int
        Number of the level of z; the sweeps on the levels before it make up F.
    z, h : ndarray
        Coarse functions: the axis of the cone, and about F*z.
    side : int
        The sign of the large eigenvalue.
    t : Fraction
        Opening of the cone.
    weight : int
        Added along z it makes K a contraction.
    bounds : list of (Fraction, Fraction)
        L <= α w and M <= β w on the levels before `split`.
    """

    split: int
    z: np.ndarray
    h: np.ndarray
    side: int
    t: Fraction
    weight: int
    bounds: list[tuple[Fraction, Fraction]]


def find_cone(levels: list[Half], galerkin: bool) -> Cone | None:
    """A cone in which the cycle grows, or None if none is met."""
    split = next(number for number, level in enumerate(levels)
                 if number and level.size**2 <= LARGEST)
    bounds = [_bounds(level) for level in levels[:split]]
    # Sweeps on other than Galerkin operators need not reduce the energy on the finest grid.
    if split == len(levels) - 1 or any(a * b > 5 for a, b in bounds) \
            or (split > 1 and not galerkin) or levels[0].size**2 > LARGEST_GRID:
        return None
    W, K, F, C = _operators(levels, split)
    basis = _symmetric(levels[split].size)
    root = np.linalg.cholesky(basis.T @ W @ basis).T
    reduced = np.linalg.lstsq(basis, K @ basis, rcond=None)[0]
    _, stretch, right = np.linalg.svd(root @ reduced @ np.linalg.inv(root))
    if stretch[0] <= 1 or stretch[1] >= 1:
        return None
    z = basis @ np.linalg.solve(root, right[0])
    z = _round_entries(z / z[np.argmax(abs(z))], 100)
    return _measure_cone(levels, split, bounds, stretch[0], z, (W, K, F, C))


def _measure_cone(levels, split, bounds, stretch, z, operators) -> Cone | None:
    """The numbers a, b, c of the cone's condition, and an opening t between its roots."""
    W, K, F, C = operators
    A = _grid(levels[0])
    z, size = np.asarray(z, dtype=float), z @ (W @ z)
    adjoint = scipy.sparse.linalg.spsolve(A, F.T @ (A @ (C @ z)))
    h = _round_entries(np.linalg.solve(W, C.T @ (A @ adjoint)), 50)
    side = 1 if (rayleigh := (F @ (C @ (K @ z))) @ (A @ (C @ z)) / size) > 0 else -1
    grown, rest = F @ (C @ (K @ z)), adjoint - C @ np.asarray(h, dtype=float)
    back = np.linalg.solve(W, K.T @ (W @ np.asarray(h, dtype=float)))
    a = abs(rayleigh)
    b = (sqrt(back @ W @ back - (back @ W @ z)**2 / size) + sqrt(rest @ A @ rest)) / sqrt(size)
    c = sqrt(grown @ A @ grown / size - a * a)
    if a - 1 <= 2 * sqrt(b * c):
        return None
    return Cone(split, _round_entries(z, 100), h, side, Fraction(round(10 * (a - 1) / (2 * b)), 10),
                ceil(2 * stretch**2 / size), bounds)


def _bounds(level: Half) -> tuple[Fraction, Fraction]:
    scale = np.diag(1 / np.sqrt(level.w))
    tops = (np.linalg.eigvalsh(scale @ matrix @ scale)[-1] for matrix in (level.L, level.M))
    L, M = (Fraction(ceil(10 * top - 1e-9), 10) for top in tops)
    return L, M


def _kron(a: np.ndarray, b: np.ndarray) -> Any:
    return scipy.sparse.csc_array(scipy.sparse.kron(a, b))


def _grid(level: Half) -> Any:
    """L ⊗ M + M ⊗ L, in which few entries are not 0."""
    return _kron(level.L, level.M) + _kron(level.M, level.L)


def _operators(levels: list[Half], split: int):
    """The energy W of coarse functions, K on them, F on fine ones, and the prolongation C."""
    B = None
    for level in reversed(levels[split:]):
        A, smooth, J = (matrix.toarray() for matrix in _smoother(level))
        if B is None:
            B = smooth
        else:
            P = np.kron(level.prolongation, level.prolongation)
            Q = np.eye(len(A)) - float(SWEEP) * A @ J
            B = smooth + P @ B @ P.T @ Q @ Q
    A0 = _grid(levels[0])
    C = F = scipy.sparse.eye_array(A0.shape[0], format="csc")
    for level in levels[:split]:
        _, smooth, _ = _smoother(level)
        F = F - C @ (smooth @ (C.T @ (A0 @ F)))
        C = C @ _kron(level.prolongation, level.prolongation)
    W = (C.T @ A0 @ C).toarray()
    return W, np.eye(len(W)) - B @ W, F, C


def _smoother(level: Half) -> tuple[Any, Any, Any]:
    """A, what two sweeps take from the error of a residual, and one over the weights."""
    s, A = float(SWEEP), _grid(level)
    J = scipy.sparse.diags_array(1 / np.kron(level.w, level.w), format="csc")
    return A, 2 * s * J - s * s * J @ A @ J, J


def _symmetric(m: int) -> np.ndarray:
    units = np.eye(m * m).reshape(m, m, m, m)
    return np.array([(units[i, j] + units[j, i]).ravel() for i in range(m)
                     for j in range(i, m)]).T


def _round_entries(values: np.ndarray, places: int) -> np.ndarray:
    """A symmetric square of values, numbered row by row, in multiples of 1/places."""
    m = round(sqrt(len(values)))
    square = np.asarray(values, dtype=float).reshape(m, m)
    square = (square + square.T) / 2
    return fractions(np.rint(places * square).astype(int)).ravel() / places
