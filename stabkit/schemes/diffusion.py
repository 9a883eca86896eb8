"""Explicit, fast semi-iterative and fixed-point steps of u̇ = −KᵀΦ(K u)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np

from stabkit.aliases import Number, Rational, Signal
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import Term, named
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.proof.grids import AcrossDifference
from stabkit.proof.parts import quotient
from stabkit.proof.words import Expression
from stabkit.schemes import twins
from stabkit.schemes.grid_form import are_across
from stabkit.schemes.scheme import Scheme, as_count, as_part, as_step
from stabkit.schemes.symmetric import entrywise_root


@dataclass(frozen=True, eq=False)
class DiffusionScheme(Scheme):
    """What the schemes of this file share: an operator K, a flux Φ and a step size τ."""

    K: Operator
    flux: Flux
    tau: Number

    def __post_init__(self) -> None:
        object.__setattr__(self, "K", as_part(self.K, Operator, "K"))
        as_part(self.flux, Flux, "flux")
        object.__setattr__(self, "tau", as_step(self.tau, "tau"))

    @property
    def size(self) -> int:
        return self.K.shape[1]

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (self.K,)

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return (self.flux,)

    @property
    def is_linear(self) -> bool:
        return self.flux.facts.linear

    def _tau(self, u: Signal) -> Rational:
        return u.log.give_once((self, "tau"), "tau", lambda: self.tau) if isinstance(u, Term) \
            else self.tau

    def _gradient(self, u: Signal) -> Signal:
        return self.K.T @ self.flux.activation(self.K @ u)


@dataclass(frozen=True, eq=False)
class Explicit(DiffusionScheme):
    """The explicit step u − τ KᵀΦ(K u), a diffusion block (alt2021, eq. (4)).

    Parameters
    ----------
    K : Operator
    flux : Flux
    tau : rational
        Step size [h² / diffusivity]; any positive value.
    """

    def step(self, u: Signal) -> Signal:
        return self.advance(u, 1)

    def advance(self, u: Signal, steps: int) -> Signal:
        """`steps` steps in a row."""
        twin = twins.explicit(self.K, self.flux, self.tau, u, steps)
        if twin is not None:
            return twin
        for _ in range(steps):
            u = named(u - self._tau(u) * self._gradient(u), "v")
        return u


@dataclass(frozen=True, eq=False)
class IsotropicExplicit(DiffusionScheme):
    """The explicit step u − τ Kᵀ(g(|∇u|) ⊙ K u), whose diffusivity depends on the whole gradient.

    |∇u|² = (K u)² + Σ (B u)² at every edge: the axes are coupled, unlike in :class:`Explicit`.

    Parameters
    ----------
    K, flux, tau
        As for :class:`Explicit`.
    across : sequence of Operator
        The B, with the rows of K; :func:`~stabkit.operators.tangential_differences`.
    """

    across: Sequence[Operator] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "across", tuple(self.across))
        for B in self.across:
            if not isinstance(B, Operator | AcrossDifference) or B.shape != self.K.shape:
                raise InvalidArgument(f"across: needs operators of shape {self.K.shape} like K, "
                                      f"got {B!r}")

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (self.K, *self.across)

    @cached_property
    def _is_on_grid(self) -> bool:
        return are_across(self.K, self.across)

    def step(self, u: Signal) -> Signal:
        return self.advance(u, 1)

    def advance(self, u: Signal, steps: int) -> Signal:
        twin = twins.isotropic(self.K, self.flux, self.tau, u, steps) if \
            twins.is_worth_compiling(self.flux, u, steps) and self._is_on_grid else None
        if twin is not None:
            return twin
        for _ in range(steps):
            u = self._descend(u)
        return u

    def _descend(self, u: Signal) -> Signal:
        s = named(self.K @ u, "s")
        square = s**2
        for B in self.across:
            square = square + named(B @ u, "t") ** 2
        length = named(np.sqrt(square), "r") if isinstance(u, Term) else entrywise_root(square)
        flow = self.flux.diffusivity(length) * s
        return named(u - self._tau(u) * (self.K.T @ flow), "v")


@dataclass(frozen=True, eq=False)
class FSI(DiffusionScheme):
    """One fast semi-iterative cycle (alt2021, eq. (7), with its missing factor uˡ restored).

    uˡ⁺¹ = α_l (uˡ − τ KᵀΦ(K uˡ)) + (1 − α_l) uˡ⁻¹, α_l = (4l + 2)/(2l + 3), u⁻¹ = u⁰.

    Parameters
    ----------
    K, flux, tau
        As for :class:`Explicit`.
    length : int
        Number n of inner steps; the cycle advances the time by n(n + 1)τ/3.
    frozen : bool
        Keep the diffusivities of u⁰ during the cycle.
    printed : bool
        Take the formula as printed, with the number 1 in place of uˡ.
    """

    length: int = 1
    frozen: bool = False
    printed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "length", as_count(self.length, "length"))

    @property
    def inner_steps(self) -> int:
        return self.length

    @property
    def is_linear(self) -> bool:
        return not self.printed and super().is_linear

    @property
    def time(self) -> Fraction:
        """The super time step n(n + 1)τ/3 of one cycle."""
        tau: Rational = self.tau
        return Fraction(self.length * (self.length + 1), 3) * tau

    #: Names of the letters of the state where the length is left open.
    states: ClassVar[tuple[str, ...]] = ("now", "before")

    def step(self, u: Signal) -> Signal:
        twin = None if self.printed else \
            twins.fsi(self.K, self.flux, self.tau, u, self.length, self.frozen)
        if twin is not None:
            return twin
        *_, last = self.inner(u)
        return last

    def inner(self, u: Signal):
        """Yield u¹, …, uⁿ."""
        kept, state = self.begin(u)
        for number in range(self.length):
            state = self.following(kept, state, number)
            yield state[0]

    def begin(self, u: Signal) -> tuple[Any, tuple[Signal, ...]]:
        """What is fixed during a cycle, and the state that the inner steps change."""
        weights = self._weights(u) if self.frozen else None
        return (self._tau(u), weights), (u, u)

    def following(self, kept: Any, state: tuple[Signal, ...], number: Rational
                 ) -> tuple[Signal, ...]:
        """The state after an inner step."""
        (tau, weights), (now, before) = kept, state
        alpha, rest = weights_of_extrapolation(number)
        descent = self._gradient(now) if weights is None else \
            self.K.T @ (weights * (self.K @ now))
        start = 1 if self.printed else now
        after = alpha * (start - tau * descent) + rest * before
        return named(after, "v"), now

    def _weights(self, u: Signal) -> Signal:
        return named(self.flux.diffusivity(self.K @ u), "w")


def weights_of_extrapolation(number: Rational) -> tuple[Signal, Signal]:
    """α_l and 1 − α_l."""
    if isinstance(number, Expression):
        symbolic = quotient(4 * number + 2, 2 * number + 3)
        return symbolic, 1 - symbolic
    return _constants_of_extrapolation(number)


@lru_cache(maxsize=1024)
def _constants_of_extrapolation(number: int) -> tuple[Constant, Constant]:
    alpha = Constant(4 * number + 2, 2 * number + 3)
    return alpha, Constant(1 - alpha)


@dataclass(frozen=True, eq=False)
class FixedPoint(DiffusionScheme):
    """The implicit step by n fixed-point iterations v ← u − τ KᵀΦ(K v) (alt2021, eq. (9))."""

    iterations: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "iterations", as_count(self.iterations, "iterations"))

    @property
    def inner_steps(self) -> int:
        return self.iterations

    states: ClassVar[tuple[str, ...]] = ("v",)

    def step(self, u: Signal) -> Signal:
        twin = twins.fixed_point(self.K, self.flux, self.tau, u, self.iterations)
        if twin is not None:
            return twin
        kept, state = self.begin(u)
        for number in range(self.iterations):
            state = self.following(kept, state, number)
        return state[0]

    def begin(self, u: Signal) -> tuple[Any, tuple[Signal, ...]]:
        """What is fixed during the iteration, and the state that it changes."""
        return (u, self._tau(u)), (u,)

    def following(self, kept: Any, state: tuple[Signal, ...], number: Rational
                 ) -> tuple[Signal, ...]:
        """The state after one iteration."""
        (u, tau), (v,) = kept, state
        return (named(u - tau * self._gradient(v), "v"),)
