"""The multigrid cycle as a U-net with three channels (alt2021, section 3.2).

The channels are the iterate x, the right-hand side b and the residual r.  Every layer acts on
them in two ways that must agree: as a loop (``layer(channels)``) and as a 3×3 block matrix
(``layer.matrix()``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse

from stabkit.aliases import Matrix, Signal
from stabkit.multigrid.cycle import Visit
from stabkit.multigrid.matrices import Exact, identity
from stabkit.multigrid.smoother import Sweep
from stabkit.multigrid.solver import Multigrid
from stabkit.operators.sparse import portable


class Channels(NamedTuple):
    """The three-channel signal."""

    x: Signal
    b: Signal
    r: Signal

    def plus(self, other: Channels) -> Channels:
        """The skip connection: addition channel by channel."""
        return Channels(self.x + other.x, self.b + other.b, self.r + other.r)


@dataclass(frozen=True, eq=False)
class SolverLayer:
    """S(x, b, r) = (x⁺, b, b − A x⁺) with x⁺ = G x + B b, given as a sweep (x, b) ↦ x⁺."""

    A: Matrix
    sweep: Sweep

    @cached_property
    def _product(self) -> Matrix:
        return portable(self.A)

    def __call__(self, signal: Channels) -> Channels:
        x = self.sweep(signal.x, signal.b)
        return Channels(x, signal.b, signal.b - self._product @ x)

    def parts(self) -> tuple[Signal, Signal]:
        """The matrices G and B of the sweep, which must be linear."""
        unit = identity(self.A.shape[0], self.A.dtype)
        return self.sweep(unit, 0 * unit), self.sweep(0 * unit, unit)

    def matrix(self) -> Matrix:
        """[G B 0; 0 I 0; −AG I−AB 0]."""
        A, unit = self.A, identity(self.A.shape[0], self.A.dtype)
        (G, B), none = self.parts(), 0 * unit
        return block([[G, B, none],
                      [none, unit, none],
                      [-(A @ G), unit - A @ B, none]])


@dataclass(frozen=True, eq=False)
class Downsampling:
    """(x, b, r) ↦ (0, R r, 0): the coarse problem is the residual equation."""

    R: Matrix

    @cached_property
    def _product(self) -> Matrix:
        return portable(self.R)

    def __call__(self, signal: Channels) -> Channels:
        b = self._product @ signal.r
        return Channels(0 * b, b, 0 * b)

    def matrix(self) -> Matrix:
        none = 0 * self.R
        return block([[none, none, none], [none, none, self.R], [none, none, none]])


@dataclass(frozen=True, eq=False)
class Upsampling:
    """(x, b, r) ↦ (P x, 0, 0): only the approximated error goes up."""

    P: Matrix

    @cached_property
    def _product(self) -> Matrix:
        return portable(self.P)

    def __call__(self, signal: Channels) -> Channels:
        x = self._product @ signal.x
        return Channels(x, 0 * x, 0 * x)

    def matrix(self) -> Matrix:
        none = 0 * self.P
        return block([[self.P, none, none], [none, none, none], [none, none, none]])


@dataclass(frozen=True, eq=False)
class UNet:
    """One resolution: solve, downsample, coarse networks, upsample, add, solve.

    The coarse networks run one after another on their own channels: one for a V-cycle, two for a
    W-cycle.
    """

    before: SolverLayer
    down: Downsampling
    coarse: tuple[UNet | SolverLayer, ...]
    up: Upsampling
    after: SolverLayer

    def __call__(self, signal: Channels) -> Channels:
        fine = self.before(signal)
        coarse = self.down(fine)
        for network in self.coarse:
            coarse = network(coarse)
        return self.after(fine.plus(self.up(coarse)))

    def matrix(self) -> Matrix:
        """The whole network as one 3×3 block matrix."""
        before = self.before.matrix()
        coarse = self.down.matrix() @ before
        for network in self.coarse:
            coarse = network.matrix() @ coarse
        return self.after.matrix() @ (before + self.up.matrix() @ coarse)


def unet(method: Multigrid) -> UNet | SolverLayer:
    """The network of a cycle, for any number of levels and any visit."""
    return _unet(method, 0, method.cycle.visit)


def _unet(method: Multigrid, number: int, visit: Visit) -> UNet | SolverLayer:
    level = method.hierarchy.levels[number]
    if level.P is None:
        return SolverLayer(level.A, method.coarsest)
    pre, post = method.sweeps[number]
    return UNet(SolverLayer(level.A, pre), Downsampling(level.R),
                tuple(_unet(method, number + 1, call) for call in visit.calls),
                Upsampling(level.P), SolverLayer(level.A, post))


def start(b: Signal) -> Channels:
    """Step 1 of the network: x = 0; the residual channel is ignored."""
    return Channels(0 * b, b, 0 * b)


def block(parts: list[list[Signal]]) -> Signal:
    """A matrix of blocks, exact if these are."""
    if isinstance(parts[0][0], Exact):
        return Exact(np.block([[part.to_array() for part in row] for row in parts]))
    return scipy.sparse.csr_array(np.block(
        [[part.toarray() if scipy.sparse.issparse(part) else part for part in row]
         for row in parts]))
