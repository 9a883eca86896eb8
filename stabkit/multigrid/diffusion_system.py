"""The equation of an implicit diffusion step on a grid: its matrix, and the hierarchy for that.

K are the forward differences along every axis (reflecting, grid size h).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod

import numpy as np
import scipy.sparse

from stabkit.aliases import Array, Matrix, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.multigrid.boundary import grid_shape
from stabkit.multigrid.hierarchy import COARSEST, Hierarchy, Level
from stabkit.multigrid.matrices import assemble, matrix


def diffusion_gradient(v: Signal, flux: Flux, h: float = 1.0) -> Signal:
    """KᵀΦ(K v), half the gradient of Σ Ψ((K v)ᵢ)."""
    total = namespace(v).zeros_like(v)
    for axis in range(v.ndim):
        total = total - _divergence(flux.activation(_differences(v, axis) / h) / h, axis)
    return total


def _differences(v: Signal, axis: int) -> Signal:
    before, after = ([slice(None)] * v.ndim for _ in range(2))
    before[axis], after[axis] = slice(None, -1), slice(1, None)
    return v[tuple(after)] - v[tuple(before)]


def _divergence(flow: Array, axis: int) -> Signal:
    # The differences of a flow that vanishes at both ends.
    xp = namespace(flow)
    end = xp.zeros((*flow.shape[:axis], 1, *flow.shape[axis + 1:]), dtype=flow.dtype)
    return _differences(xp.concat([end, flow, end], axis=axis), axis)


def diffusivities(v: Signal, flux: Flux, h: float = 1.0) -> list[Signal]:
    """g at every difference of v; one array per axis, shorter by one along it.

    Raises
    ------
    HypothesisNotMet
        If one is negative or not finite: then the linear systems need not be definite.
    """
    xp = namespace(v)
    found = [flux.diffusivity(_differences(v, axis) / h) for axis in range(v.ndim)]
    if not all(xp.all(xp.isfinite(g)) and xp.all(g >= 0) for g in found):
        raise HypothesisNotMet(f"implicit diffusion: {flux!r} has diffusivities on this input that "
                               "are negative or not finite; lagged diffusivity needs g >= 0")
    return found


def diffusion_matrix(faces: Sequence[np.ndarray], tau: float, h: float = 1.0) -> Matrix:
    """I + τ Kᵀ diag(faces) K, symmetric positive definite and sparse.

    Parameters
    ----------
    faces : sequence of ndarray
        As :func:`diffusivities` gives them.
    tau, h : float
    """
    padded = [tau / h**2 * np.pad(g, [(0, int(k == axis)) for k in range(g.ndim)])
              for axis, g in enumerate(faces)]
    shape = padded[0].shape
    middle = np.ones(shape)
    diagonals, offsets = [], []
    for axis, weights in enumerate(padded):
        middle += weights + np.roll(weights, 1, axis)
        if shape[axis] > 1:
            stride = prod(shape[axis + 1:])
            beside = -weights.ravel()[:weights.size - stride]
            diagonals += [beside, beside]
            offsets += [stride, -stride]
    n = middle.size
    return scipy.sparse.diags_array([middle.ravel(), *diagonals], offsets=[0, *offsets],
                                    shape=(n, n)).tocsr()


def apply_diffusion_matrix(faces: Sequence[Signal], tau: float, h: float, v: Signal) -> Signal:
    """(I + τ Kᵀ diag(faces) K) v, without the matrix."""
    total = v
    for axis, g in enumerate(faces):
        total = total - tau / h**2 * _divergence(g * _differences(v, axis), axis)
    return total


# -- the hierarchy ---------------------------------------------------------------------------------
def diffusion_hierarchy(A: Matrix, shape: Sequence[int]) -> Hierarchy:
    """Galerkin hierarchy of a matrix on a grid of any size, by (bi)linear interpolation.

    The coarse points are every second one along each axis, from the first on.  A last point that
    is not one of them takes the value of its neighbour, so constants stay constants.

    Parameters
    ----------
    A : scipy.sparse matrix, shape (n, n)
        Such as that of :func:`diffusion_matrix`.
    shape : sequence of int
        The grid.
    """
    A, shape, levels = matrix(A, "A", float), grid_shape(shape), []
    if A.shape != (prod(shape),) * 2:
        raise InvalidArgument(f"A: must be {prod(shape)} x {prod(shape)} on a grid {shape}, got "
                              f"shape {A.shape}")
    while prod(shape) > COARSEST:
        P = reduce(scipy.sparse.kron, map(_interpolation, shape)).tocsr()
        R = P.T.tocsr()
        levels.append(Level(A, P, R, shape))
        A, shape = R @ A @ P, tuple((n + 1) // 2 for n in shape)
    return Hierarchy((*levels, Level(A, shape=shape)))


def _interpolation(n: int) -> Matrix:
    # From the points 0, 2, 4, ... of n to all of them.
    fine = np.arange(n)
    left, right = fine // 2, np.minimum((fine + 1) // 2, (n - 1) // 2)
    return assemble((n, (n + 1) // 2), np.concatenate([fine, fine]),
                    np.concatenate([left, right]), np.full(2 * n, 0.5))
