"""MgNet (he2019): multigrid with exchangeable maps, linear or not.

Everything is a map on arrays, so floats, fractions and several channels work alike.  Numbers in
brackets are equations and algorithms of he2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stabkit.aliases import Rational, Signal
from stabkit.errors import InvalidArgument
from stabkit.multigrid.layers import Map, identity, nothing


class Extraction(Protocol):
    """An iteration for A(u) = f on one grid."""

    def __call__(self, A: Map, f: Signal, u: Signal) -> tuple[Signal, ...]:
        """(u⁰, …, u^ν) from u⁰ = u."""


@dataclass(frozen=True)
class SingleStep:
    """uⁱ = uⁱ⁻¹ + Bⁱ(f − A(uⁱ⁻¹))  (6.7)."""

    extractors: tuple[Map, ...]

    def __call__(self, A: Map, f: Signal, u: Signal) -> tuple[Signal, ...]:
        features = [u]
        for B in self.extractors:
            u = u + B(f - A(u))
            features.append(u)
        return tuple(features)


@dataclass(frozen=True)
class MultiStep:
    """uⁱ = Σⱼ αⱼⁱ (uʲ + Bⱼⁱ(f − A(uʲ))), j < i  (6.8).

    Attributes
    ----------
    weights : tuple of tuples
        αⱼⁱ at [i−1][j]; row i has i entries.
    extractors : tuple of tuples of maps
        Bⱼⁱ, in the same places.
    """

    weights: tuple[tuple[Signal, ...], ...]
    extractors: tuple[tuple[Map, ...], ...]

    def __post_init__(self) -> None:
        for name in ("weights", "extractors"):
            lengths = [len(row) for row in getattr(self, name)]
            if lengths != list(range(1, len(self.weights) + 1)):
                raise InvalidArgument(f"{name}: row i must have i entries, got lengths {lengths}")

    def __call__(self, A: Map, f: Signal, u: Signal) -> tuple[Signal, ...]:
        features = [u]
        for alphas, extractors in zip(self.weights, self.extractors, strict=True):
            features.append(sum(
                alpha * (v + B(f - A(v)))
                for alpha, B, v in zip(alphas, extractors, features, strict=True)))
        return tuple(features)


@dataclass(frozen=True)
class ChebyshevStep:
    """uⁱ = ωⁱ(uⁱ⁻¹ + Bⁱ(f − A(uⁱ⁻¹))) + (1 − ωⁱ)uⁱ⁻²  (6.9); ω¹ must be 1."""

    omegas: tuple[Signal, ...]
    extractors: tuple[Map, ...]

    def __post_init__(self) -> None:
        if len(self.omegas) != len(self.extractors):
            raise InvalidArgument(f"omegas: {len(self.omegas)} for {len(self.extractors)} "
                                  "extractors")
        if self.omegas and self.omegas[0] != 1:
            raise InvalidArgument(f"omegas: the first must be 1, for there is no u before the "
                                  f"first; got {self.omegas[0]}")

    def __call__(self, A: Map, f: Signal, u: Signal) -> tuple[Signal, ...]:
        features = [u, u]
        for omega, B in zip(self.omegas, self.extractors, strict=True):
            u = features[-1]
            features.append(omega * (u + B(f - A(u))) + (1 - omega) * features[-2])
        return tuple(features[1:])


def chebyshev_omegas(rho: Rational, count: int) -> tuple[Signal, ...]:
    """ω¹ = 1, ω² = 2/(2 − ρ²), ωⁱ⁺¹ = 1/(1 − ρ²ωⁱ/4), for a spectrum of I − AB in [−ρ, ρ]."""
    omegas = [rho**0, 2 / (2 - rho * rho)]
    while len(omegas) < count:
        omegas.append(1 / (1 - rho * rho * omegas[-1] / 4))
    return tuple(omegas[:count])


@dataclass(frozen=True)
class Grid:
    """The maps of one grid.

    Attributes
    ----------
    A : callable
        Data-feature mapping, linear or not.
    extraction : SingleStep, MultiStep or ChebyshevStep
        The smoothing (6.4).
    R : callable or None
        Restriction of residuals to the next grid; None on the coarsest.
    Pi : callable
        Interpolation Π of features to the next grid (6.5); `nothing` after R-shaped zeros.
    P : callable or None
        Prolongation from the next grid, for Algorithms 2 and 4.
    post : extraction or None
        Post-smoothing (6.16).
    """

    A: Map
    extraction: Extraction
    R: Map | None = None
    Pi: Map | None = None
    P: Map | None = None
    post: Extraction | None = None

    def part(self, name: str) -> Map:
        """R, Pi or P, where an algorithm needs it."""
        found = getattr(self, name)
        if found is None:
            raise InvalidArgument(f"grids: a grid above the coarsest has no {name}; give it one")
        return found


@dataclass(frozen=True, eq=False)
class State:
    """Data f^ℓ and features u^{ℓ,0}, …, u^{ℓ,ν} of one grid."""

    f: Signal
    features: tuple[Signal, ...]

    @property
    def first(self) -> Signal:
        return self.features[0]

    @property
    def last(self) -> Signal:
        return self.features[-1]


def mg0(f: Signal, grids: Sequence[Grid], *, start: Map = nothing) -> tuple[State, ...]:
    """Algorithm 1: smooth, restrict the residual, start the next grid from 0.

    Parameters
    ----------
    f : ndarray
    grids : sequence of Grid
        From fine to coarse; their Pi is not used.
    start : callable
        f^ℓ ↦ the zero of the features' shape.
    """
    states = []
    for grid in grids:
        states.append(State(f, tuple(grid.extraction(grid.A, f, start(f)))))
        if grid.R is not None:
            f = grid.R(f - grid.A(states[-1].last))
    return tuple(states)


def backslash_mg(f: Signal, grids: Sequence[Grid], *, start: Map = nothing) -> Signal:
    r"""Algorithm 2, the \-cycle: Algorithm 1, then u^ℓ ← u^ℓ + P u^{ℓ+1} from coarse to fine."""
    states = mg0(f, grids, start=start)
    u = states[-1].last
    for grid, state in zip(reversed(grids[:-1]), reversed(states[:-1]), strict=True):
        u = state.last + grid.part("P")(u)
    return u


def v_mg(f: Signal, grids: Sequence[Grid], *, start: Map = nothing) -> Signal:
    """The V-cycle: Algorithm 2 with the post-smoothing of every grid after its correction."""
    states = mg0(f, grids, start=start)
    u = states[-1].last
    for grid, state in zip(reversed(grids[:-1]), reversed(states[:-1]), strict=True):
        u = state.last + grid.part("P")(u)
        u = grid.post(grid.A, state.f, u)[-1] if grid.post else u
    return u


def mgnet(f: Signal, grids: Sequence[Grid], *, f_in: Map = identity, start: Map = nothing
          ) -> tuple[State, ...]:
    """Algorithm 3: features go down by Π (6.5), data by R(f − A u) + A(Π u) (6.6).

    Returns
    -------
    tuple of State
        One per grid; the network's output u^J is ``states[-1].last``.
    """
    f = f_in(f)
    u, states = start(f), []
    for number, grid in enumerate(grids):
        states.append(State(f, tuple(grid.extraction(grid.A, f, u))))
        if number + 1 < len(grids):
            u = grid.part("Pi")(states[-1].last)
            f = grid.part("R")(f - grid.A(states[-1].last)) + grids[number + 1].A(u)
    return tuple(states)


def v_mgnet(f: Signal, grids: Sequence[Grid], *, f_in: Map = identity, start: Map = nothing
           ) -> Signal:
    """Algorithm 4: Algorithm 3, then u^ℓ ← ũ^ℓ + P(u^{ℓ+1} − ũ^{ℓ+1,0}) and post-smoothing."""
    states = mgnet(f, grids, f_in=f_in, start=start)
    u = states[-1].last
    for number in reversed(range(len(grids) - 1)):
        grid, state, below = grids[number], states[number], states[number + 1]
        u = state.last + grid.part("P")(u - below.first)
        u = grid.post(grid.A, state.f, u)[-1] if grid.post else u
    return u
