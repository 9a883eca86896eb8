"""The implicit step, and variational regularisation, which is the same equation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stabkit.aliases import Number, Rational, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.linearised import Linearised
from stabkit.arithmetic.rational import Constant, fraction, solve
from stabkit.arithmetic.transcript import Term, named
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.operators.derivatives import Inverse, derivative
from stabkit.operators.norms import norm_squared
from stabkit.proof.words import Expression
from stabkit.schemes.diffusion import DiffusionScheme
from stabkit.schemes.scheme import as_step
from stabkit.schemes.weighted_systems import WeightedSystems


@dataclass(frozen=True, eq=False)
class Implicit(DiffusionScheme):
    """The implicit step u′ = u − τ KᵀΦ(K u′) (alt2021, eq. (8)), solved to convergence.

    In floats the equation is solved by lagged diffusivity, (I + τKᵀG(v)K) v⁺ = u, which descends
    for every nonincreasing g >= 0, and polished by Newton steps; where there are several solutions,
    it is one of them.  Exactly, it is solved for linear fluxes; :meth:`pair` gives exact pairs (u,
    u′) for every flux, because u follows from u′.

    Parameters
    ----------
    K, flux, tau
        As for :class:`~stabkit.schemes.Explicit`.
    tolerance : float
        Largest residual, relative to max |u|, at which the iteration stops.
    max_iterations : int
        After this many the solver gives up with an error.
    """

    tolerance: float = 1e-12
    max_iterations: int = 500

    def step(self, u: Signal) -> Signal:
        if isinstance(u, (Term, Expression)):
            raise HypothesisNotMet("implicit step: it has no formula to write down; its pairs do")
        if isinstance(u, Linearised):
            v = self.step(u.value)
            return u.image_under(v, Inverse(derivative(lambda x: self.pair(x)[0], v)))
        if u.dtype == object:
            return self._solve_exactly(u)
        xp = namespace(u)
        if 0 in u.shape:
            return u
        rows = xp.astype(xp.reshape(u, (-1, self.size)), xp.float64)
        if xp is np:  # site by site in memory, as suits sparse products and eliminations
            rows = np.asfortranarray(rows)
        return xp.reshape(xp.astype(self._solve(rows), u.dtype), u.shape)

    def pair(self, x: Signal) -> tuple[Signal, Signal]:
        return named(x + self._tau(x) * self._gradient(x), "u"), x

    def residual(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """v − u + τ KᵀΦ(K v), zero at a solution."""
        return self._residual(u, v, self.K @ v)

    def error_bound(self, u: np.ndarray, v: np.ndarray) -> Interval:
        """Enclose ‖v − u′‖, the distance of any v, found in any way, from the step u′ of u.

        It is at most ‖residual‖ / (1 − τ L₋ ‖K‖²) in exact arithmetic, with L₋ = sup(−Φ′), as
        v ↦ v + τ KᵀΦ(K v) is strongly monotone with that constant.  The residual is evaluated in
        balls.

        Raises
        ------
        HypothesisNotMet
            If τ L₋ ‖K‖² >= 1, where there may be several solutions, or Φ jumps.
        """
        facts, constant = self.flux.facts, Interval(1)
        if not facts.continuous:
            raise HypothesisNotMet(f"error_bound: {self.flux!r} jumps, so a step need not be "
                                   "unique")
        if facts.steepest_descent:
            constant = 1 - Interval(fraction(self.tau) * facts.steepest_descent) * \
                norm_squared(self.K)
        if not constant.lo > 0:
            raise HypothesisNotMet("error_bound: τ L₋ ‖K‖² may be 1 or more with L₋ = "
                                   f"{facts.steepest_descent}, so a step need not be unique; take "
                                   "a smaller tau or a monotone flux")
        rest = self.residual(*(_exact(x) for x in (u, v)))
        largest = Interval(0)
        for entry in rest.ravel():
            largest = largest + _square(entry)
        return Interval(0, (largest.sqrt() / constant).hi)

    def _residual(self, u: Signal, v: Signal, s: Signal) -> Signal:
        flow, taps = self.flux.activation(s), self._systems.taps
        if taps is None or not isinstance(flow, np.ndarray) or flow.dtype != np.float64:
            return v - u + self.tau * (self.K.T @ flow)
        before, after = (float(self.tau) * tap for tap in taps)
        rest, right = v - u, after * flow
        rest[..., :-1] -= right if before == -after else -before * flow
        rest[..., 1:] += right
        return rest

    def _differences(self, v: Signal) -> Signal:
        if self._systems.taps is None or not isinstance(v, np.ndarray):
            return self.K @ v
        before, after = self._systems.taps
        if before == -after:
            rise = v[..., 1:] - v[..., :-1]
            rise *= after
            return rise
        return after * v[..., 1:] + before * v[..., :-1]

    def _solve(self, u: Signal) -> Signal:
        """The solutions for the rows of u, each as if it were alone."""
        xp = namespace(u)
        small = self.tolerance * xp.maximum(_largest(u), xp.ones_like(u[:, 0]))
        rows, v, found = xp.arange(u.shape[0]), u, []
        for _ in range(self.max_iterations):
            polished, arrived = self._polish(u, v, small)
            found.append([each[arrived] for each in (rows, polished)])
            rows, u, v, small = (each[~arrived] for each in (rows, u, v, small))
            if rows.shape[0] == 0:
                numbers, solutions = (xp.concat(parts) for parts in zip(*found, strict=True))
                return xp.take(solutions, xp.argsort(numbers), axis=0)
            # Newton steps may leave the valley; lagged diffusivity, as here, is known to descend.
            v = self._systems.solve(self.flux.diffusivity(self._differences(v)), u)
        size = float(xp.max(_largest(self.residual(u, v))))
        raise HypothesisNotMet(
            f"implicit step: no convergence in {self.max_iterations} iterations (residual "
            f"{size:.1e}); use a smaller tau or a flux with nonincreasing diffusivity")

    def _polish(self, u: Signal, v: Signal, small: Any) -> tuple[Signal, Signal]:
        """Newton steps from v, while each halves the residual; and which rows have converged."""
        xp = namespace(u)
        s = self._differences(v)
        residual = self._residual(u, v, s)
        size = _largest(residual)
        arrived = size <= small
        going = ~arrived
        while bool(xp.any(going)):
            newton = v - self._systems.solve(self.flux.slope(s), residual)
            v = newton if bool(xp.all(going)) else xp.where(going[:, None], newton, v)
            s = self._differences(v)
            residual, before = self._residual(u, v, s), size
            size = _largest(residual)
            arrived = size <= small
            going = going & ~arrived & (size < before / 2)  # False where it is NaN
        return v, arrived

    @cached_property
    def _systems(self) -> WeightedSystems:
        return WeightedSystems(self.K, self.tau)

    def _solve_exactly(self, u: np.ndarray) -> np.ndarray:
        low, high = self.flux.facts.slopes
        if low != high or not self.flux.facts.continuous:
            raise HypothesisNotMet(
                f"implicit step: solved exactly for linear fluxes only, not for {self.flux!r}; "
                "pair(v) gives the exact input that has the solution v")
        gram = (self.K.T @ self.K).exact()
        tau: Rational = self.tau
        matrix = np.eye(self.size, dtype=int) + tau * low * gram
        v = np.moveaxis(solve(matrix, np.moveaxis(u, -1, 0).reshape(self.size, -1)), 0, -1
                        ).reshape(u.shape)
        if np.any(self.residual(u, v) != 0):
            raise HypothesisNotMet(f"implicit step: {self.flux!r} is not linear, though its facts "
                                   "say so")
        return v


def _exact(x: Any) -> np.ndarray:
    given = np.asarray(x)
    if given.dtype != object and not np.isfinite(given).all():
        raise InvalidArgument("u, v: have entries that are not finite; remove them first")
    return np.array([Interval(each) for each in given.ravel().tolist()],
                    dtype=object).reshape(given.shape)


def _square(entry: Any) -> Interval:
    value = entry if isinstance(entry, Interval) else Interval(entry)
    size = value.hi if -value.lo < value.hi else -value.lo
    return Interval(size) * Interval(size)


def _largest(residual: Any) -> Signal:
    xp = namespace(residual)
    return xp.max(xp.abs(residual), axis=-1)


@dataclass(frozen=True, eq=False)
class Regularisation:
    """Variational regularisation: E(u) = ‖u − f‖² + α Σᵢ Ψ((K u)ᵢ) (alt2020, eq. (13)).

    Its stationary points solve u = f − α KᵀΦ(K u): the implicit step with τ = α.
    """

    K: Operator
    flux: Flux
    alpha: Number

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", as_step(self.alpha, "alpha"))

    def energy(self, u: Signal, f: Signal) -> Signal:
        """E(u), exactly where u and f are exact and Ψ is rational."""
        total = namespace(u, f).sum
        return total((u - f) ** 2, axis=-1) + \
            self.alpha * total(self.flux.regulariser(self.K @ u), axis=-1)

    def gradient(self, u: Signal, f: Signal) -> Signal:
        """∇E(u) = 2 (u − f + α KᵀΦ(K u))."""
        return 2 * (u - f + self.alpha * (self.K.T @ self.flux.activation(self.K @ u)))

    def minimise(self, f: Signal) -> np.ndarray:
        """A stationary point of E, found from f; the minimiser where E is convex."""
        return Implicit(self.K, self.flux, self.alpha)(f)

    def error_bound(self, u: np.ndarray, f: np.ndarray) -> Interval:
        """Enclose the distance of any u from the minimiser; :meth:`Implicit.error_bound` tells how.

        Where the bound holds E is strictly convex, and its minimiser is unique.
        """
        return Implicit(self.K, self.flux, self.alpha).error_bound(f, u)

    def descend(self, u: Signal, f: Signal, step: Rational) -> Signal:
        """One gradient descent step u − step ∇E(u)."""
        return u - Constant(as_step(step)) * self.gradient(u, f)
