"""Semi-implicit diffusion: one linear system, or one for each axis of a grid, in every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod

import numpy as np

from stabkit.aliases import Number, Rational, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.arithmetic.linearised import Linearised
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import Term, named
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator, grid_gradient
from stabkit.operators.derivatives import Inverse, derivative
from stabkit.proof.words import Expression
from stabkit.schemes import twins
from stabkit.schemes.diffusion import DiffusionScheme
from stabkit.schemes.scheme import as_count
from stabkit.schemes.weighted_systems import WeightedSystems


@dataclass(frozen=True, eq=False)
class SemiImplicit(DiffusionScheme):
    """The semi-implicit step (I + τ Kᵀ diag(g(K u)) K)⁻¹ u, with the diffusivities of u.

    With `split`, additive operator splitting (Weickert, ter Haar Romeny and Viergever, "Efficient
    and reliable schemes for nonlinear diffusion filtering", 1998): for m parts K_l of K it is the
    mean of the m steps (I + m τ K_lᵀ diag(g(K_l u)) K_l)⁻¹ u.

    Parameters
    ----------
    K, flux, tau
        As for :class:`~stabkit.schemes.Explicit`; g = Φ(s)/s must not be negative.
    split : sequence of int
        How many rows of K belong to each part, in order; all to one by default.

    Raises
    ------
    InvalidArgument
        If the rows of the parts do not add up to those of K.
    """

    split: Sequence[int] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = tuple(as_count(count, "split") for count in self.split)
        if rows and sum(rows) != self.K.shape[0]:
            raise InvalidArgument(f"split: the parts have {sum(rows)} rows together, K has "
                                  f"{self.K.shape[0]}")
        object.__setattr__(self, "split", rows or (self.K.shape[0],))

    @cached_property
    def systems(self) -> tuple[WeightedSystems, ...]:
        """The systems of the parts, each with m times the step."""
        m, tau = self.K.shape[0], Constant(len(self.split)) * self.tau
        if len(self.split) == 1:
            return (WeightedSystems(self.K, tau),)
        ends = pairwise(accumulate(self.split, initial=0))
        return tuple(WeightedSystems(
            Operator((b - a, m), range(b - a), range(a, b), [1] * (b - a)) @ self.K, tau)
            for a, b in ends)

    def step(self, u: Signal) -> Signal:
        if isinstance(u, Expression):
            raise HypothesisNotMet("semi-implicit step: no rule of proofs speaks of an inverse")
        return self.advance(u, 1)

    def advance(self, u: Signal, steps: int) -> Signal:
        twin = twins.semi_implicit(self.K, self.split, self.flux, self.tau, u, steps)
        if twin is not None:
            return twin
        for _ in range(steps):
            u = self._mean([self._solve(each, u) for each in self.systems], u)
        return u

    def _mean(self, solved: list[Signal], u: Signal) -> Signal:
        total = solved[0]
        for each in solved[1:]:
            total = total + each
        return total if len(solved) == 1 else named(Constant(1, len(solved)) * total, "v")

    def _solve(self, systems: WeightedSystems, u: Signal) -> Signal:
        K = systems.K
        if isinstance(u, Term):
            return self._write(systems, u)
        weights = self.flux.diffusivity(K @ u)
        if isinstance(u, Linearised):
            return self._linearise(systems, u)
        if u.dtype == object:
            rows = zip(weights.reshape(-1, K.shape[0]), u.reshape(-1, self.size), strict=True)
            solved = [systems.solve_exactly(w, row) for w, row in rows]
            return np.array(solved, dtype=object).reshape(u.shape)
        xp = namespace(u)
        if 0 in u.shape:
            return u
        rows = xp.astype(xp.reshape(u, (-1, self.size)), xp.float64)
        found = systems.solve(xp.reshape(xp.astype(weights, xp.float64), (-1, K.shape[0])), rows)
        return xp.reshape(xp.astype(found, u.dtype), u.shape)

    def _write(self, systems: WeightedSystems, u: Term) -> Term:
        log, K, (m, n) = u.log, systems.K, systems.K.shape
        tau = log.give_once((systems, "tau"), "tau", lambda: systems.tau)
        # Where g is a number, u may be a matrix, each column a signal.
        weights = named(self.flux.diffusivity(log.term("1") if self.is_linear else K @ u), "w")
        unit, g = log.term(f"I({n})"), log.term(f"diag({weights.text} * ones({m}))")
        matrix = unit + tau * (K.T @ (g @ (K @ unit)))
        return named(matrix.call("inverse") @ u, "v")

    def _linearise(self, systems: WeightedSystems, u: Linearised) -> Linearised:
        """v with A(u) v = u: A(u) dv = du − dA(u) v."""
        K, tau = systems.K, systems.tau
        v = self._solve(systems, u.value)
        weights, s = self.flux.diffusivity(K @ u.value), K @ v
        right = u - tau * (K.T @ ((self.flux.diffusivity(K @ u) - weights) * s))
        return right.image_under(v, Inverse(derivative(
            lambda x: x + tau * (K.T @ (weights * (K @ x))), v)))


def additive_splitting(shape: int | Sequence[int], flux: Flux, tau: Number, h: Rational = 1
                       ) -> SemiImplicit:
    """The step of additive operator splitting (AOS) on a grid with reflecting boundaries.

    Parameters
    ----------
    shape : int or sequence of int
    flux : Flux
    tau : rational
        Step size; any positive value is stable, a large one is less accurate.
    h : rational or sequence of rational
        The grid size, one for all axes or one for each.

    Raises
    ------
    InvalidArgument
        As :func:`~stabkit.operators.grid_gradient` does.
    """
    K = grid_gradient(shape, h)
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    edges = [prod(sizes) // n * (n - 1) for n in sizes if n > 1]
    return SemiImplicit(K, flux, tau, edges)
