"""Layers that are steps of a wave equation (ruthotto2018): Hamiltonian and second order."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stabkit.errors import InvalidArgument, of_kind
from stabkit.fluxes import relu
from stabkit.torch.activation import Activation, learn_positive
from stabkit.torch.layer import SymmetricLayer
from stabkit.torch.operators import Stencil
from stabkit.torch.steps import Bound, certify_step


def _layer(K: Stencil, flux: Activation | None, bias: bool, normalisation: nn.Module | None
           ) -> SymmetricLayer:
    return SymmetricLayer(K, Activation(relu) if flux is None else flux, bias, normalisation)


def _begin(module: nn.Module, tau: float | None, ratio: float, bound: Bound) -> None:
    if tau is None:
        certify_step(module, "tau", bound, ratio)
        return
    learn_positive(module, "tau", tau)


def _check_layers(*layers: SymmetricLayer) -> None:
    """Refuse those of which no step is certified."""
    for layer in layers:
        if layer.normalisation is not None or not layer.flux.unit.facts.monotone:
            raise InvalidArgument("tau: must be given with a normalisation or a flux that falls, "
                                  "for which no step is certified")


class HamiltonianLayer(nn.Module):
    """Y⁺ = Y − δF₁(Z), Z⁺ = Z + δF₂(Y⁺), a Verlet step (ruthotto2018, eq. (10)).

    The first half of the channels is Y, the second Z.

    Parameters
    ----------
    first, second : Stencil
        K₁ and K₂, each on half of the channels.
    flux : Activation, optional
        σ of both; ReLU if left out.
    bias : bool
    normalisations : pair of Module, optional
        N of F₁ and of F₂.
    tau : float, optional
        δ to begin with, learned freely.  If left out, δ <= 2/(L‖K₁‖‖K₂‖) for the weights as they
        are, so that no mode of the linearised step grows; nothing follows from that for many
        layers in a row.
    ratio : float
        Which part of that bound δ begins with.
    """

    tau: Tensor

    def __init__(self, first: Stencil, second: Stencil, flux: Activation | None = None,
                 bias: bool = True, normalisations: tuple | None = None, tau: float | None = None,
                 ratio: float = 0.5):
        super().__init__()
        of_kind(first, Stencil, "first")
        of_kind(second, Stencil, "second")
        if first.channels != second.channels:
            raise InvalidArgument(f"second: must have {first.channels} channels like the first, "
                                  f"got {second.channels}")
        one, two = normalisations if normalisations is not None else (None, None)
        self.first = _layer(first, flux, bias, one)
        self.second = _layer(second, flux, bias, two)
        _begin(self, tau, ratio, self._bound)

    def _bound(self) -> Tensor:
        _check_layers(self.first, self.second)
        return 2 * torch.rsqrt(self.first.steepness() * self.second.steepness())

    def forward(self, state: Tensor) -> Tensor:
        """The step for a state (Y, Z), shape (batch, 2 · channels, \\*grid)."""
        tau, (y, z) = self.tau, _halves(state, self.first.K.channels)
        y = y - tau * self.first(z)
        return torch.cat([y, z + tau * self.second(y)], 1)

    def back(self, state: Tensor) -> Tensor:
        """The inverse of the step: no state of the forward pass need be kept."""
        tau, (y, z) = self.tau, _halves(state, self.first.K.channels)
        z = z - tau * self.second(y)
        return torch.cat([y + tau * self.first(z), z], 1)


class LeapfrogLayer(nn.Module):
    """Y_{j+1} = 2Y_j − Y_{j−1} + δ²F(Y_j) (ruthotto2018, second order).

    The first half of the channels is Y_j, the second Y_{j−1}.

    Parameters
    ----------
    K : Stencil
        On half of the channels.
    flux, bias, tau, ratio
        As for :class:`HamiltonianLayer`; the bound is δ²L‖K‖² <= 4.
    normalisation : Module, optional
    """

    tau: Tensor

    def __init__(self, K: Stencil, flux: Activation | None = None, bias: bool = True,
                 normalisation: nn.Module | None = None, tau: float | None = None,
                 ratio: float = 0.5):
        super().__init__()
        self.layer = _layer(K, flux, bias, normalisation)
        _begin(self, tau, ratio, self._bound)

    def _bound(self) -> Tensor:
        _check_layers(self.layer)
        return 2 * torch.rsqrt(self.layer.steepness())

    def forward(self, state: Tensor) -> Tensor:
        """The step for a state (Y_j, Y_{j−1}), shape (batch, 2 · channels, \\*grid)."""
        y, before = _halves(state, self.layer.K.channels)
        return torch.cat([2 * y - before + self.tau**2 * self.layer(y), y], 1)

    def start(self, y: Tensor) -> Tensor:
        """The first state, Y₋₁ = Y₀."""
        return torch.cat([y, y], 1)


def _halves(state: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    if state.ndim < 3 or state.shape[1] != 2 * channels or not state.is_floating_point():
        raise InvalidArgument(f"state: must be floats of the shape (batch, {2 * channels}, ...), "
                              f"got {state.dtype} of {tuple(state.shape)}")
    return state[:, :channels], state[:, channels:]
