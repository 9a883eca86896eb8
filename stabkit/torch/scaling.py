"""Weights within a norm, by parametrisations of PyTorch: scaled, or tied to another layer."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stabkit.aliases import Record
from stabkit.errors import InvalidArgument
from stabkit.torch.norms import convolution_square, known_slope, matrix_square
from stabkit.torch.signals import COARSE, refuse_export

Affine = nn.Linear | nn.Conv1d | nn.Conv2d
LINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d)


class SpectralScaling(nn.Module):
    """W ↦ W min(1, r/‖W‖), with a bound of the norm from above in its place.

    Parameters
    ----------
    square : float
        r².
    groups : int
        Of a convolution.
    """

    def __init__(self, square: float = 1.0, groups: int = 1):
        super().__init__()
        self.square, self.groups = square, groups
        self._known: tuple[Tensor, Tensor, Tensor] | None = None

    def forward(self, weight: Tensor) -> Tensor:
        """The scaled weight."""
        refuse_export("weight")
        if weight.dtype in COARSE:
            raise InvalidArgument(f"weight: must be of float32 or float64, got {weight.dtype}")
        square = known_slope(weight, *self._bound_of(weight))
        return weight * torch.rsqrt((square / self.square).clamp(min=1))

    def _bound_of(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """The bound of ‖W‖² and its slope: numbers, which a tied layer asks for once more.

        They are those of the numbers in the weight, whoever changed them since.
        """
        known = self._known
        if known is None or not _are_equal(known[0], weight):
            with torch.inference_mode(False), torch.enable_grad():
                own = weight.detach().clone().requires_grad_()
                square = matrix_square(own) if weight.ndim == 2 else \
                    convolution_square(own, self.groups)
                slope, = torch.autograd.grad(square, own)
            self._known = known = own.detach(), square.detach(), slope
        return known[1:]

    def __getstate__(self) -> Record:
        return {**self.__dict__, "_known": None}  # found again where it is needed

    def right_inverse(self, weight: Tensor) -> Tensor:
        """The weight itself."""
        return weight


class NegativeTranspose(nn.Module):
    """W₂ ↦ −W₁ᵀ: the second layer of a block has no weights of its own.

    Parameters
    ----------
    first : Module
        The layer of W₁.
    """

    def __init__(self, first: Affine):
        super().__init__()
        self._first = first,  # in a tuple: it is no part of this module

    def forward(self, placeholder: Tensor) -> Tensor:
        """−W₁ᵀ."""
        return -transpose_of(self._first[0], self._first[0].weight)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Nothing is kept."""
        return weight.new_zeros(())


def transpose_of(layer: Affine, weight: Tensor) -> Tensor:
    """Wᵀ of a layer, group by group, as the weight of a layer of the same kind."""
    if isinstance(layer, nn.Linear):
        return weight.T
    parts = weight.unflatten(0, (layer.groups, -1)).transpose(1, 2).flatten(0, 1)
    return parts.flip(tuple(range(2, weight.ndim)))


def scale(layer: Affine, square: float) -> None:
    """Keep ‖W‖² of a layer within a number from now on."""
    _free(layer)
    parametrize.register_parametrization(layer, "weight", SpectralScaling(
        square, 1 if isinstance(layer, nn.Linear) else layer.groups))


def tie(first: Affine, second: Affine, square: float) -> None:
    """Keep ‖W₁‖² within a number, and W₂ at −W₁ᵀ."""
    scale(first, square)
    _free(second)
    second.weight.requires_grad_(False)  # what is left of it is never used
    parametrize.register_parametrization(second, "weight", NegativeTranspose(first))


def _are_equal(known: Tensor, weight: Tensor) -> bool:
    return known.dtype is weight.dtype and known.device == weight.device and torch.equal(
        known, weight)


def has_weights(layer: Affine) -> bool:
    """Whether the weight is a parameter, or follows from one by a parametrisation."""
    return "weight" in {**layer._parameters, **layer._buffers} or \
        parametrize.is_parametrized(layer, "weight")


def weights_of(layer: Affine) -> Tensor:
    """The tensor that a layer's weight is, or follows from."""
    if parametrize.is_parametrized(layer, "weight"):
        kept = layer.get_submodule("parametrizations.weight")
        return next(chain(kept.parameters(), kept.buffers()))
    return layer.weight


def _free(layer: Affine) -> None:
    """Take an earlier constraint of this room away."""
    if parametrize.is_parametrized(layer, "weight"):
        kept = layer.get_submodule("parametrizations.weight")
        if all(isinstance(part, SpectralScaling | NegativeTranspose) for part in kept.children()):
            parametrize.remove_parametrizations(layer, "weight")
