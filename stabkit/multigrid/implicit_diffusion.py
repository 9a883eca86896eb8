"""The implicit diffusion step of a signal or an image; its linear systems solved by multigrid.

u′ = u − τ KᵀΦ(K u′), K the forward differences along every axis (reflecting, grid size h).  It is
also the stationarity of ‖u′ − u‖² + τ Σ Ψ((K u′)ᵢ): variational regularisation with α = τ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from stabkit.aliases import Array, Matrix, Rational, Signal
from stabkit.arithmetic.backend import is_foreign, namespace, to_host
from stabkit.arithmetic.rational import fraction
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.multigrid.boundary import grid_shape
from stabkit.multigrid.convergence import norm
from stabkit.multigrid.cycle import Cycle
from stabkit.multigrid.hierarchy import COARSEST, Hierarchy, Level
from stabkit.multigrid.matrices import assemble, matrix, vector
from stabkit.multigrid.smoother import Chebyshev, gauss_seidel
from stabkit.multigrid.solver import Multigrid

#: A hierarchy made for earlier diffusivities is kept while it costs at most this many cycles more.
SLACK = 1
#: An inner solve that takes more cycles than this is cut off; new diffusivities follow.
MOST_CYCLES = 100


@dataclass(frozen=True, eq=False)
class ImplicitStep:
    """What :func:`implicit_diffusion` returns.

    Attributes
    ----------
    u : ndarray, shape of the input
        The last iterate.
    residuals : tuple of float
        Norms of u − v − τ KᵀΦ(K v), before the first linear solve and after each.
    inner : tuple of tuples of float
        For each linear solve the norms of its residual, before the first cycle and after each.
    hierarchies : int
        The number that was built; one may serve several solves.
    converged : bool
    """

    u: np.ndarray
    residuals: tuple[float, ...]
    inner: tuple[tuple[float, ...], ...]
    hierarchies: int
    converged: bool

    @property
    def cycles(self) -> int:
        """Multigrid cycles of all linear solves."""
        return sum(len(history) - 1 for history in self.inner)


# -- the equation ----------------------------------------------------------------------------------
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


# -- the step --------------------------------------------------------------------------------------
def implicit_diffusion(u: Signal, flux: Flux, tau: Rational, h: Rational = 1, *,
                       tolerance: float = 1e-10, max_solves: int = 200,
                       reduction: float = 1e-2, cycle: Cycle | None = None,
                       callback: Callable[[int, float], None] | None = None) -> ImplicitStep:
    """Solve u′ = u − τ KᵀΦ(K u′) for a signal or an image, from u.

    Lagged diffusivity: d ← (I + τ Kᵀ G(v) K)⁻¹ (u − v − τ KᵀΦ(K v)), v ← v + d, each d by CG
    preconditioned with one multigrid cycle.  For g nonincreasing in |s| every v has at most the
    energy ‖v − u‖² + τ Σ Ψ((K v)ᵢ) of the one before, however early CG stops.  Convergence is
    linear, and slow far from convexity; of several solutions it finds one.

    Parameters
    ----------
    u : array_like, shape (n,) or (n, m)
        The input; f in variational regularisation.
    flux : Flux
        Applied to each difference separately.
    tau, h : rational
        Step size (h²), at least 0, or α of variational regularisation; grid size.
    tolerance : float
        Stop at ‖u − v − τ KᵀΦ(K v)‖ <= tolerance ‖u‖.  Rounding allows about 1e-16 (1 + 8 τ/h²).
    max_solves : int
        After this many linear solves the last iterate is returned as not converged.
    reduction : float
        A linear solve ends when its residual is reduced by this factor.
    cycle : Cycle, optional
        Must be symmetric; V(1,1) by default, with Gauss–Seidel, or with Chebyshev's polynomial
        for arrays that are not NumPy's.
    callback : callable, optional
        Called with the number of the linear solve and the relative residual.

    Raises
    ------
    InvalidArgument, HypothesisNotMet
        The latter for negative diffusivities.

    Examples
    --------
    >>> from stabkit import fluxes
    >>> step = implicit_diffusion([0.0, 0.0, 3.0, 3.0], fluxes.identity(), tau=1)
    >>> step.u.round(6).tolist(), step.converged
    ([0.428571, 0.857143, 2.142857, 2.571429], True)
    """
    u, tau, h = _check(u, flux, tau, h, tolerance, max_solves, reduction)
    foreign = is_foreign(u)
    solver = (_ForeignInner if foreign else _Inner)(
        cycle or Cycle(Chebyshev() if foreign else gauss_seidel()), reduction)
    v, scale = 0 + u, norm(u)
    inner: list[tuple[float, ...]] = []
    residual = u - v - tau * diffusion_gradient(v, flux, h)
    residuals = [norm(residual)]
    while residuals[-1] > tolerance * scale and len(inner) < max_solves:
        d, history = solver.solve(diffusivities(v, flux, h), tau, h, residual)
        v = v + d
        residual = u - v - tau * diffusion_gradient(v, flux, h)
        residuals.append(norm(residual))
        inner.append(history)
        if callback:
            callback(len(inner), residuals[-1] / scale)
    return ImplicitStep(v, tuple(residuals), tuple(inner), solver.built,
                        residuals[-1] <= tolerance * scale)


class _Inner:
    """CG for a sequence of similar matrices, preconditioned by a hierarchy of a recent one."""

    def __init__(self, cycle: Cycle, reduction: float):
        self.cycle, self.reduction = cycle, reduction
        self.built, self.fresh, self.last = 0, 0, 0
        self.method: Any = None

    def solve(self, faces: Sequence[Signal], tau: float, h: float, right: Signal
              ) -> tuple[Any, tuple[float, ...]]:
        """d with ‖right − A d‖ <= reduction ‖right‖, and the residuals on the way."""
        renewed = self.method is None or self.last > self.fresh + SLACK
        if renewed:
            hierarchy = diffusion_hierarchy(
                diffusion_matrix([to_host(g) for g in faces], tau, h), right.shape)
            self.method = Multigrid(hierarchy, self.cycle)
            self.built += 1
        d, residuals = self._gradients(faces, tau, h, right)
        self.last = len(residuals) - 1
        if renewed:
            self.fresh = self.last
        return d, tuple(residuals)

    def _gradients(self, faces: Sequence[Signal], tau: float, h: float, right: Signal
                   ) -> tuple[Any, list[float]]:
        A, b = diffusion_matrix(faces, tau, h), right.ravel()
        residuals = [norm(b)]
        d, _ = scipy.sparse.linalg.cg(A, b, rtol=self.reduction, M=self.method.preconditioner(),
                                      maxiter=MOST_CYCLES,
                                      callback=lambda x: residuals.append(norm(b - A @ x)))
        return d.reshape(right.shape), residuals


class _ForeignInner(_Inner):
    """The same without a matrix, for arrays that SciPy does not take."""

    def _gradients(self, faces: Sequence[Signal], tau: float, h: float, right: Signal
                   ) -> tuple[Any, list[float]]:
        # Saad, Iterative Methods, algorithm 9.1.
        total, d, r = namespace(right).sum, 0 * right, right
        p, before, residuals = None, 1.0, [norm(right)]
        while residuals[-1] > self.reduction * residuals[0] and len(residuals) <= MOST_CYCLES:
            z = self._precondition(r)
            now = total(r * z)
            p, before = z if p is None else z + now / before * p, now
            q = _apply(faces, tau, h, p)
            length = now / total(p * q)
            d, r = d + length * p, r - length * q
            residuals.append(norm(r))
        return d, residuals

    def _precondition(self, r: Signal) -> Signal:
        reshape = namespace(r).reshape
        flat = reshape(r, (-1,))
        return reshape(self.method.step(0 * flat, flat), r.shape)


def _apply(faces: Sequence[Signal], tau: float, h: float, v: Signal) -> Signal:
    # (I + τ Kᵀ diag(faces) K) v.
    total = v
    for axis, g in enumerate(faces):
        total = total - tau / h**2 * _divergence(g * _differences(v, axis), axis)
    return total


def _check(u: Signal, flux: Any, tau: Rational, h: Rational, tolerance: float, max_solves: int,
           reduction: float) -> tuple[np.ndarray, float, float]:
    u = vector(u, "u", float)
    if u.ndim not in (1, 2) or u.size == 0:
        raise InvalidArgument(f"u: must be a signal or an image with at least one sample, got "
                              f"shape {u.shape}")
    if not isinstance(flux, Flux):
        raise InvalidArgument(f"flux: must be a Flux such as perona_malik(), got {flux!r}")
    tau, h = fraction(tau, "tau"), fraction(h, "h")
    if tau < 0 or h <= 0:
        raise InvalidArgument(f"tau, h: need tau >= 0 and h > 0, got tau={tau}, h={h}")
    if not tolerance >= 0 or not 0 < reduction < 1 or max_solves < 1:
        raise InvalidArgument(
            "tolerance, reduction, max_solves: need at least 0, between 0 and 1, and at least 1, "
            f"got {tolerance}, {reduction}, {max_solves}")
    return u, float(tau), float(h)
