"""The symmetric layer F(u) = −KᵀΦ(N(K u) + b), of which all blocks are made."""

from __future__ import annotations

from math import prod
from numbers import Real

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stabkit.errors import InvalidArgument, of_kind
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.schemes.scheme import as_count
from stabkit.torch.activation import Activation, Positive
from stabkit.torch.operators import Differences, Stencil
from stabkit.torch.signals import check_weights


class PixelVariation(nn.Module):
    """s ⊙ N_tv(y) + b, with N_tv(y)_p = y_p/√(|y_p|² + ε) (ruthotto2018, eq. (9)).

    y_p are the channels of pixel p; s and b have one number per channel.

    Parameters
    ----------
    channels : int
    eps : float
        ε > 0, a normal number of float32.
    bias : bool
        Whether there is a b; without it a step may be certified in ``EUCLIDEAN``.
    """

    bias: nn.Parameter | None

    def __init__(self, channels: int, eps: float = 1e-3, bias: bool = True):
        super().__init__()
        of_kind(eps, Real, "eps")
        self.eps = eps
        self._check_eps()
        self.weight = nn.Parameter(torch.ones(as_count(channels, "channels")))
        self.register_parameter("bias", nn.Parameter(torch.zeros(channels)) if bias else None)

    def forward(self, y: Tensor) -> Tensor:
        """The normalised signals, of the shape of y."""
        if y.ndim < 2 or y.shape[1] != len(self.weight) or not y.is_floating_point():
            raise InvalidArgument(f"y: must be floats of the shape (batch, {len(self.weight)}, ...)"
                                  f", got {y.dtype} of {tuple(y.shape)}")
        length = torch.rsqrt((y * y).sum(1, keepdim=True) + self.eps)
        shape = (1, -1, *[1] * (y.ndim - 2))
        made = self.weight.reshape(shape) * (y * length)
        return made if self.bias is None else made + self.bias.reshape(shape)

    def _check_eps(self) -> None:
        least, most = torch.finfo(torch.float32).tiny, torch.finfo(torch.float32).max
        if not least <= self.eps <= most:  # else it is 0 or infinite in float32
            raise InvalidArgument(f"eps: must be positive, from {least:.2g} on, and finite, got "
                                  f"{self.eps}")

    def constrain(self) -> None:
        """Keep s positive from now on, so that the normalisation keeps the signs of y."""
        if not parametrize.is_parametrized(self, "weight"):
            parametrize.register_parametrization(self, "weight", Positive("weight"))

    def largest_factor(self) -> Tensor:
        """max s/√ε, which s/√(|y_p|² + ε) does not exceed.

        Raises
        ------
        InvalidArgument
            Where b moves 0, some s turns signs, or ε is not positive.
        """
        self._check_eps()
        if self.bias is not None:
            raise InvalidArgument("normalisation: moves 0 with a bias; take "
                                  "PixelVariation(features, bias=False)")
        check_weights(self)
        weight = self.weight.detach()
        # Those that are kept positive may be rounded to 0.
        if not bool((weight >= 0 if parametrize.is_parametrized(self, "weight") else weight > 0
                     ).all()):
            raise InvalidArgument("normalisation: must have positive weights, which keep the signs "
                                  f"of signals, got {float(weight.min()):g}")
        return self.weight.amax() * (1 + 2.0**-20) / self.eps**0.5


class SymmetricLayer(nn.Module):
    """F(u) = −KᵀΦ(N(K u) + b) (alt2021, eq. (3); ruthotto2018, eq. (7)).

    Parameters
    ----------
    K : Stencil or Differences
    flux : Activation
        Φ.
    bias : bool
        Whether there is a b, one number per feature.
    normalisation : Module, optional
        N, such as ``torch.nn.BatchNorm2d``; a certificate in ``EUCLIDEAN`` covers
        :class:`PixelVariation` alone, without its bias.
    """

    def __init__(self, K: Stencil | Differences, flux: Activation, bias: bool = False,
                 normalisation: nn.Module | None = None):
        super().__init__()
        if not isinstance(K, Stencil | Differences):
            raise InvalidArgument(f"K: must be a Stencil or Differences, got {type(K).__name__}")
        if not isinstance(flux, Activation):
            raise InvalidArgument(f"flux: must be an Activation, got {type(flux).__name__}")
        self.K, self.flux, self.normalisation = K, flux, normalisation
        self.bias = nn.Parameter(torch.zeros(K.features)) if bias else None

    def forward(self, u: Tensor) -> Tensor:
        """F(u) for u of shape (batch, channels, \\*grid)."""
        return -self.K.flow(u, self.bend)

    def bend(self, s: Tensor) -> Tensor:
        """Φ(N(s) + b)."""
        if self.normalisation is not None:
            s = self.normalisation(s)
        if self.bias is not None:
            s = s + self.bias.reshape(1, -1, *[1] * (s.ndim - 2))
        return self.flux(s)

    def steepness(self) -> Tensor:
        """A bound of ‖F′‖: L‖K‖² with the slopes of Φ up to L."""
        return self.flux.steepest * self.K.square()

    def exact(self, grid: tuple[int, ...]) -> tuple[Operator, Flux]:
        """κK and Φ₁, with the numbers of :meth:`Activation.factors` taken out of Φ.

        Raises
        ------
        InvalidArgument
            Where the layer has a bias or a normalisation.
        """
        if self.bias is not None or self.normalisation is not None:
            raise InvalidArgument("bias, normalisation: a scheme of this form has none; audit the "
                                  "module itself")
        inner, _ = self.flux.factors()
        return inner * self.K.exact(grid), self.flux.unit

    @property
    def shape_hint(self) -> str:
        """How a signal is shaped, for messages."""
        return f"({self.K.channels}, {', '.join(['n'] * self.K.dimension)})"


def grid_of(layer: SymmetricLayer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The grid of a signal of that shape, without the batch axis."""
    if len(shape) != 1 + layer.K.dimension or shape[0] != layer.K.channels or prod(shape) < 1:
        raise InvalidArgument(f"shape: must be {layer.shape_hint}, got {shape}")
    return tuple(shape[1:])
