"""Weights within a norm, by parametrisations of PyTorch: scaled, or tied to another layer."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stabkit.aliases import Record
from stabkit.errors import InvalidArgument
from stabkit.torch.norms import convolution_square, matrix_square
from stabkit.torch.signals import COARSE

Affine = nn.Linear | nn.Conv1d | nn.Conv2d
LINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d)


class SpectralScaling(nn.Module):
    """W ↦ W min(1, r/‖W‖), with a bound of the norm from above in its place.

    Parameters
    ----------
    square : float
        r².
    """

    def __init__(self, square: float = 1.0):
        super().__init__()
        self.square = square
        self._last: Tensor | None = None

    def forward(self, weight: Tensor) -> Tensor:
        """The scaled weight."""
        if weight.dtype in COARSE:
            raise InvalidArgument(f"weight: must be of float32 or float64, got {weight.dtype}")
        square = matrix_square(weight) if weight.ndim == 2 else convolution_square(weight)
        self._last = weight * torch.rsqrt((square / self.square).clamp(min=1))
        return self._last

    def take(self) -> Tensor | None:
        """The weight that was scaled last, once: for the layer after this one in the same pass."""
        last, self._last = self._last, None
        return last if last is not None and last.requires_grad is torch.is_grad_enabled() else None

    def __getstate__(self) -> Record:
        return {**self.__dict__, "_last": None}  # which belongs to the pass, and cannot be copied

    def right_inverse(self, weight: Tensor) -> Tensor:
        """The weight itself."""
        return weight


class NegativeTranspose(nn.Module):
    """W₂ ↦ −W₁ᵀ: the second layer of a block has no weights of its own.

    Parameters
    ----------
    first : Module
        The layer of W₁.
    scaling : SpectralScaling
        Its parametrisation.
    """

    def __init__(self, first: Affine, scaling: SpectralScaling):
        super().__init__()
        self._first = first, scaling  # in a tuple: they are no part of this module

    def forward(self, placeholder: Tensor) -> Tensor:
        """−W₁ᵀ."""
        first, scaling = self._first
        taken = scaling.take()
        weight = first.weight if taken is None else taken
        turned = weight.transpose(0, 1)
        return -(turned if weight.ndim == 2 else turned.flip(tuple(range(2, weight.ndim))))

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Nothing is kept."""
        return weight.new_zeros(())


def scale(layer: Affine, square: float) -> SpectralScaling:
    """Keep ‖W‖² of a layer within a number from now on."""
    _free(layer)
    made = SpectralScaling(square)
    parametrize.register_parametrization(layer, "weight", made)
    return made


def tie(first: Affine, second: Affine, square: float) -> None:
    """Keep ‖W₁‖² within a number, and W₂ at −W₁ᵀ."""
    scaling = scale(first, square)
    _free(second)
    parametrize.register_parametrization(second, "weight", NegativeTranspose(first, scaling))


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
