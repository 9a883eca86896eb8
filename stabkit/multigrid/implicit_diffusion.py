"""The implicit diffusion step of a signal or an image; its linear systems solved by multigrid.

u′ = u − τ KᵀΦ(K u′), K the forward differences along every axis (reflecting, grid size h).  It is
also the stationarity of ‖u′ − u‖² + τ Σ Ψ((K u′)ᵢ): variational regularisation with α = τ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.backend import is_foreign, namespace, to_host
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.multigrid.convergence import norm
from stabkit.multigrid.cycle import Cycle
from stabkit.multigrid.diffusion_system import (
    apply_diffusion_matrix,
    diffusion_gradient,
    diffusion_hierarchy,
    diffusion_matrix,
    diffusivities,
)
from stabkit.multigrid.energy_bound import energy_bound
from stabkit.multigrid.matrices import vector
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
    inner_errors : tuple of float
        For each linear solve A d = r a bound of ‖d − A⁻¹r‖, also in the energy norm, but for
        rounding: the norm of its residual, as A >= 1; with `certify` the smaller energy below.
    factors : tuple of Fraction
        With `certify`, the proven factor of the cycle on each hierarchy.
    hierarchies : int
        The number that was built; one may serve several solves.
    converged : bool
    """

    u: np.ndarray
    residuals: tuple[float, ...]
    inner: tuple[tuple[float, ...], ...]
    inner_errors: tuple[float, ...]
    factors: tuple[Fraction, ...]
    hierarchies: int
    converged: bool

    @property
    def cycles(self) -> int:
        """Multigrid cycles of all linear solves."""
        return sum(len(history) - 1 for history in self.inner)


# -- the step --------------------------------------------------------------------------------------
def implicit_diffusion(u: Signal, flux: Flux, tau: Rational, h: Rational = 1, *,
                       tolerance: float = 1e-10, max_solves: int = 200,
                       reduction: float = 1e-2, cycle: Cycle | None = None, certify: bool = False,
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
    certify : bool
        Prove by `energy_bound` that the cycle leaves at most a factor q of an error, and bound the
        errors of the linear solves by it: ‖e‖_A² <= rᵀB r / (c (1 − q)) for the residual r, the
        cycle B on the hierarchy of A₀, and the least c <= 1 with A >= c A₀.
    callback : callable, optional
        Called with the number of the linear solve and the relative residual.

    Raises
    ------
    InvalidArgument, HypothesisNotMet
        The latter for negative diffusivities, and where the factor is not proven: above 1100
        unknowns, or for a cycle that `energy_bound` does not take.

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
        cycle or Cycle(Chebyshev() if foreign else gauss_seidel()), reduction, certify)
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
    return ImplicitStep(v, tuple(residuals), tuple(inner), tuple(solver.errors),
                        tuple(solver.factors), solver.built, residuals[-1] <= tolerance * scale)


class _Inner:
    """CG for a sequence of similar matrices, preconditioned by a hierarchy of a recent one."""

    def __init__(self, cycle: Cycle, reduction: float, certify: bool):
        self.cycle, self.reduction, self.certify = cycle, reduction, certify
        self.errors: list[float] = []
        self.factors: list[Fraction] = []
        self.faces: Sequence[Signal] = ()
        self.built, self.fresh, self.last = 0, 0, 0
        self.method: Any = None

    def solve(self, faces: Sequence[Signal], tau: float, h: float, right: Signal
              ) -> tuple[Any, tuple[float, ...]]:
        """d with ‖right − A d‖ <= reduction ‖right‖, and the residuals on the way."""
        renewed = self.method is None or self.last > self.fresh + SLACK
        if renewed:
            hierarchy = diffusion_hierarchy(
                diffusion_matrix([to_host(g) for g in faces], tau, h), right.shape)
            self.method, self.faces = Multigrid(hierarchy, self.cycle), faces
            self.built += 1
            if self.certify:
                self.factors.append(_factor(self.method))
        d, residuals = self._gradients(faces, tau, h, right)
        self.last = len(residuals) - 1
        if renewed:
            self.fresh = self.last
        self.errors.append(self._error(right - apply_diffusion_matrix(faces, tau, h, d), faces))
        return d, tuple(residuals)

    def _error(self, rest: Signal, faces: Sequence[Signal]) -> float:
        # A bound of the energy norm of the error with this residual.
        plain = norm(rest)
        if not self.certify or plain == 0:
            return plain
        xp = namespace(rest)
        unit = xp.reshape(rest / plain, (-1,))
        product = float(xp.sum(unit * self.method.step(0 * unit, unit)))
        room = (1 - float(self.factors[-1])) * _least_ratio(faces, self.faces)
        return plain * min(1.0, sqrt(max(product, 0.0) / room)) if room > 0 else plain

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
            q = apply_diffusion_matrix(faces, tau, h, p)
            length = now / total(p * q)
            d, r = d + length * p, r - length * q
            residuals.append(norm(r))
        return d, residuals

    def _precondition(self, r: Signal) -> Signal:
        reshape = namespace(r).reshape
        flat = reshape(r, (-1,))
        return reshape(self.method.step(0 * flat, flat), r.shape)


def _factor(method: Multigrid) -> Fraction:
    # A hierarchy of one level is solved directly.
    return energy_bound(method).factor if len(method.hierarchy.levels) > 1 else Fraction(0)


def _least_ratio(faces: Sequence[Signal], before: Sequence[Signal]) -> float:
    # The c <= 1 with I + τ Kᵀ G K >= c (I + τ Kᵀ G₀ K).
    least = 1.0
    for now, then in zip(faces, before, strict=True):
        xp = namespace(now)
        if 0 not in now.shape:
            ratio = xp.where(now < then, now / xp.where(then > 0, then, 1.0), 1.0)
            least = min(least, float(xp.min(ratio)))
    return least


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
