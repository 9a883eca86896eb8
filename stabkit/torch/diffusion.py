"""Blocks that are steps of a diffusion: explicit ones, and fast semi-iterative cycles."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.fluxes import relu
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.schemes import FSI, Explicit
from stabkit.schemes.diffusion import weights_of_extrapolation
from stabkit.schemes.scheme import as_count
from stabkit.stability.notions import EUCLIDEAN, Notion, as_notion
from stabkit.torch.activation import Activation, as_tensor, learn_positive
from stabkit.torch.layer import PixelVariation, SymmetricLayer, grid_of
from stabkit.torch.operators import Differences, Stencil
from stabkit.torch.steps import certify_step, largest_step


class DiffusionBlock(nn.Module):
    """u ↦ u − τKᵀΦ(N(K u) + b), a diffusion block (alt2021, eq. (4)).

    Parameters
    ----------
    K : Stencil or Differences
    flux : Activation, optional
        Φ; Charbonnier's with a learned contrast if left out.
    notion : Notion or None
        ``EUCLIDEAN``, ``CONTRACTION`` or ``RANGE``: τ stays within the bound that is certified for
        the weights as they are, and is learned.  ``None``: τ is learned freely.
    tau : float, optional
        To begin with; half of the bound if left out.
    bias : bool
        Whether there is a b.
    normalisation : Module, optional
        N; none if left out.  Only with a :class:`PixelVariation` without bias a step is certified,
        in ``EUCLIDEAN``; its scales are kept positive then.

    Examples
    --------
    >>> from stabkit import CONTRACTION
    >>> block = DiffusionBlock(Stencil(1, 4, (3, 3)), notion=CONTRACTION)
    >>> block(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 1, 8, 8])
    """

    tau: Tensor

    def __init__(self, K: Stencil | Differences, flux: Activation | None = None,
                 notion: Notion | None = EUCLIDEAN, tau: float | None = None, bias: bool = False,
                 normalisation: nn.Module | None = None):
        super().__init__()
        self.layer = SymmetricLayer(K, Activation() if flux is None else flux, bias, normalisation)
        begin_step(self, notion, tau)

    def check(self, notion: Notion) -> None:
        """Refuse a notion in which no step of this block is certified."""
        self.largest_step(notion)

    def largest_step(self, notion: Notion | str) -> Tensor:
        """The largest certified step for the layer as it is, also where it was replaced."""
        return largest_step(self.layer, notion)

    def constrain(self, notion: Notion) -> None:
        """Keep τ within the certified bound of a notion from now on."""
        self.check(notion)
        if isinstance(self.layer.normalisation, PixelVariation):
            self.layer.normalisation.constrain()
        certify_step(self, "tau", partial(self.largest_step, as_notion(notion).name))

    def forward(self, u: Tensor) -> Tensor:
        """The step for u of shape (batch, channels, \\*grid)."""
        return u + self.tau * self.layer(u)

    def scheme(self, shape: tuple[int, ...]) -> Explicit:
        """The block as a scheme on flattened signals, with the numbers of the module exactly."""
        K, flux, tau = exact_parts(self, shape)
        return Explicit(K, flux, tau)


def begin_step(block: Any, notion: Notion | None, tau: float | None) -> None:
    """Give a block its step size: certified, or a positive number that is learned."""
    if notion is not None:
        block.constrain(notion)
        if tau is not None:
            block.tau = as_tensor(tau, "tau")
        return
    if tau is None:
        raise InvalidArgument("tau: must be given where no notion bounds it")
    learn_positive(block, "tau", tau)


def exact_parts(block: Any, shape: tuple[int, ...]) -> tuple[Operator, Flux, Fraction]:
    """κK, Φ₁ and τc/κ: u − τKᵀΦ(K u) in exact numbers."""
    K, flux = block.layer.exact(grid_of(block.layer, shape))
    inner, outer = block.layer.flux.factors()
    return K, flux, fraction(float(block.tau.detach()), "tau") * outer / inner


class FSICycle(nn.Module):
    """A fast semi-iterative cycle uˡ⁺¹ = αₗ(uˡ + τF(uˡ)) + (1 − αₗ)uˡ⁻¹ (alt2021, eq. (7)).

    αₗ = (4l + 2)/(2l + 3) and u⁻¹ = u⁰; the skip connections reach two layers back.

    Parameters
    ----------
    K, flux, notion, tau
        As for :class:`DiffusionBlock`; the notion can only be ``EUCLIDEAN``.
    length : int
        Inner steps, which reach as far as n(n + 1)/3 explicit ones.
    frozen : bool
        Keep the diffusivities of u⁰ during the cycle; without that no step is certified.
    """

    tau: Tensor

    def __init__(self, K: Stencil | Differences, flux: Activation | None = None, length: int = 3,
                 notion: Notion | None = EUCLIDEAN, tau: float | None = None, frozen: bool = True):
        super().__init__()
        self.layer = SymmetricLayer(K, Activation() if flux is None else flux)
        self.length, self.frozen = as_count(length, "length"), frozen
        begin_step(self, notion, tau)

    def check(self, notion: Notion) -> None:
        """Refuse a notion in which no step of this cycle is certified."""
        self.largest_step(notion)

    def largest_step(self, notion: Notion | str) -> Tensor:
        """The largest certified step for the layer as it is, also where it was replaced."""
        if as_notion(notion) is not EUCLIDEAN or not self.frozen:
            raise InvalidArgument("notion: a cycle is certified in EUCLIDEAN with frozen "
                                  "diffusivities alone; else leave it None")
        return largest_step(self.layer, notion)

    def constrain(self, notion: Notion) -> None:
        """Keep τ within the certified bound from now on."""
        certify_step(self, "tau", partial(self.largest_step, as_notion(notion).name))

    def forward(self, u: Tensor) -> Tensor:
        """The last uˡ, for u of shape (batch, channels, \\*grid)."""
        tau, flow = self.tau, self._frozen_flow(u) if self.frozen else self._flow
        now, before = u, u
        for number in range(self.length):
            alpha, rest = map(float, weights_of_extrapolation(number))
            now, before = alpha * (now - tau * flow(now)) + rest * before, now
        return now

    def _flow(self, u: Tensor) -> Tensor:
        return -self.layer(u)

    def _frozen_flow(self, u: Tensor) -> Callable[[Tensor], Tensor]:
        gates: list[Tensor] = []
        at_zero = float(self.layer.flux.unit.diffusivity(Fraction(0)))

        def keep(s: Tensor) -> Tensor:
            # Φ(s)/s, and g(0) where both vanish.
            tiny = torch.finfo(s.dtype).tiny ** 0.5
            flat = s.abs() < tiny
            gates.append(torch.where(flat, at_zero, self.layer.bend(s)
                                     / torch.where(flat, 1.0, s)))
            return s

        self.layer.K.flow(u, keep)

        def flow(v: Tensor) -> Tensor:
            left = iter(gates)
            return self.layer.K.flow(v, lambda s: next(left) * s)

        return flow

    def scheme(self, shape: tuple[int, ...]) -> FSI:
        """The cycle as a scheme on flattened signals."""
        K, flux, tau = exact_parts(self, shape)
        return FSI(K, flux, tau, length=self.length, frozen=self.frozen)


class ParabolicLayer(DiffusionBlock):
    """Y ↦ Y − δKᵀσ(N(K Y) + b), a layer of the parabolic network (ruthotto2018, eqs. (7), (8)).

    Parameters
    ----------
    K : Stencil
    flux : Activation, optional
        σ; ReLU if left out.
    normalisation : Module, optional
        N; N_tv with a scale and a bias per feature if left out.
    tau : float, optional
        δ to begin with; 1 if left out where no notion bounds it, else half of the bound.
    notion : Notion or None
        ``EUCLIDEAN``: δ stays within the bound that is certified; the scales of N_tv are kept
        positive then, and it has no bias.  ``None``: δ is learned freely.

    Examples
    --------
    >>> layer = ParabolicLayer(Stencil(2, 4), notion=EUCLIDEAN)
    >>> layer(torch.zeros(1, 2, 8, 8)).shape
    torch.Size([1, 2, 8, 8])
    """

    def __init__(self, K: Stencil, flux: Activation | None = None,
                 normalisation: nn.Module | None = None, tau: float | None = None,
                 notion: Notion | None = None):
        if normalisation is None:
            normalisation = PixelVariation(K.features, bias=notion is None)
        super().__init__(K, Activation(relu) if flux is None else flux, notion,
                         1.0 if tau is None and notion is None else tau,
                         normalisation=normalisation)
