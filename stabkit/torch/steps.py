"""Step sizes that stay within the certified bound of the weights that they belong to.

τ is a fraction, which is learned, of the largest certified step, which follows the weights: so no
step of an optimiser leaves the bound, and gradients know of it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stabkit.errors import InvalidArgument
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE, Notion, as_notion
from stabkit.torch.activation import check_tensor
from stabkit.torch.layer import PixelVariation, SymmetricLayer
from stabkit.torch.operators import Differences
from stabkit.torch.residual_block import is_plain
from stabkit.torch.signals import refuse_export

Bound = Callable[[], Tensor]
NOTIONS = (EUCLIDEAN, CONTRACTION, RANGE)


class CertifiedStep(nn.Module):
    """x ↦ τ = bound / (1 + e⁻ˣ), a parametrisation of a step size.

    Parameters
    ----------
    bound : callable
        The largest certified step of the current weights.
    """

    def __init__(self, bound: Bound):
        super().__init__()
        self._bound = (bound,)  # in a tuple: the module behind it is no part of this one

    def forward(self, raw: Tensor) -> Tensor:
        """τ."""
        refuse_export("tau")
        return torch.sigmoid(raw) * self._bound[0]()

    def right_inverse(self, tau: Tensor) -> Tensor:
        """The x of a step.

        Raises
        ------
        InvalidArgument
            Where the step is not positive or not below the bound.
        """
        check_tensor(tau, "tau")
        bound = self._bound[0]().detach()
        if not bool((tau > 0) & (tau < bound)):
            raise InvalidArgument(f"tau: must be positive and below {float(bound):.6g}, the largest"
                                  f" step that is certified for these weights, got {float(tau):g}")
        return torch.logit(tau.detach() / bound)


def certify_step(module: nn.Module, name: str, bound: Bound, ratio: float = 0.5) -> None:
    """Put a step size under its bound, at `ratio` of it to begin with."""
    if not 0 < ratio < 1:
        raise InvalidArgument(f"ratio: must lie between 0 and 1, got {ratio}")
    if parametrize.is_parametrized(module, name):
        parametrize.remove_parametrizations(module, name)
    module.register_parameter(name, nn.Parameter(ratio * bound().detach()))
    parametrize.register_parametrization(module, name, CertifiedStep(bound))


def largest_step(layer: SymmetricLayer, notion: Notion | str) -> Tensor:
    """The largest certified τ of u + τF(u), for the layer and the weights as they are.

    2/(c‖K‖²) with Φ(s)/s in [0, c] keeps the Euclidean norm (alt2021, Theorem 2), with slopes of Φ
    in [0, c] the distance of two signals; 1/(c max (KᵀK)ᵢᵢ) makes every value of a step with
    differences a mean of old ones.  With Φ(s ⊙ N_tv(y)) = D y, where D is diagonal and lies between
    0 and c max s/√ε, the norm is kept up to 2√ε/(c max s ‖K‖²).

    Raises
    ------
    InvalidArgument
        Where no step is certified for this layer in this sense; the message says why.
    """
    notion = as_notion(notion)
    if notion not in NOTIONS:
        raise InvalidArgument("notion: must be EUCLIDEAN, CONTRACTION or RANGE for a step that is "
                              f"certified in training, got {notion!r:.60}")
    flux, K, variation = layer.flux, layer.K, layer.normalisation
    if variation is not None and not (isinstance(variation, PixelVariation) and is_plain(variation)
                                      and notion is EUCLIDEAN):
        raise InvalidArgument("normalisation: no step is certified with one but PixelVariation in "
                              "EUCLIDEAN; leave it out, or give tau a number")
    if notion is CONTRACTION:
        if not flux.unit.facts.monotone:
            raise InvalidArgument(f"flux: {flux.unit.name} falls somewhere, so no step contracts; "
                                  "take EUCLIDEAN, or a flux that does not fall")
        return 2 / (flux.steepest * K.square())
    if layer.bias is not None:
        raise InvalidArgument(f"bias: a block with one moves 0, so it is not {notion.name}; take "
                              "CONTRACTION, or leave the bias out")
    top = flux.largest_diffusivity
    if variation is not None:
        return 2 / (top * variation.largest_factor() * K.square())
    if notion is EUCLIDEAN:
        return 2 / (top * K.square())
    if not isinstance(K, Differences):
        raise InvalidArgument("K: the range is certified of Differences alone, as other stencils "
                              "have negative weights")
    return 1 / (top * K.largest_row())
