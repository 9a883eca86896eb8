"""Training from coarse to fine, in space and in depth (haber2017): what goes from net to net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

import numpy as np
import torch
from torch import nn

from stabkit.errors import InvalidArgument, of_kind, several
from stabkit.learning import GALERKIN, StencilTransfer
from stabkit.torch.diffusion import DiffusionBlock
from stabkit.torch.operators import Stencil


def refine_stencils(module: nn.Module, transfer: StencilTransfer = GALERKIN) -> nn.Module:
    """Take the 3×3 stencils of a net for the next finer grid, in place (haber2017, Section 4).

    A step that is certified keeps the fraction of its bound, which changes with the stencils.

    Parameters
    ----------
    module : Module
        Trained on the coarse grid; the stencils of its :class:`Stencil` parts change.
    transfer : StencilTransfer
        Of ``stabkit.learning``: ``GALERKIN``, ``REDISCRETISED`` or ``UNCHANGED``.
    """
    of_kind(transfer, StencilTransfer, "transfer")
    return _transfer(module, transfer.refine)


def coarsen_stencils(module: nn.Module, transfer: StencilTransfer = GALERKIN) -> nn.Module:
    """The same for the next coarser grid: a net for small images from one for large ones."""
    of_kind(transfer, StencilTransfer, "transfer")
    return _transfer(module, transfer.coarsen)


@torch.no_grad()
def _transfer(module: nn.Module, change: Callable[[np.ndarray], np.ndarray]
                 ) -> nn.Module:
    of_kind(module, nn.Module, "module")
    stencils = [part for part in module.modules() if isinstance(part, Stencil)]
    odd = [part.taps for part in stencils if part.taps != (3, 3)]
    if odd or not stencils:
        raise InvalidArgument("module: must have stencils, all of 3×3 taps, got "
                              f"{odd[0] if odd else 'none'}")
    for part in stencils:
        moved = change(part.weight.double().cpu().numpy())
        part.weight.copy_(torch.from_numpy(np.ascontiguousarray(moved)))
    return module


@torch.no_grad()
def deepen(blocks: Sequence[DiffusionBlock]) -> nn.Sequential:
    """Twice as many layers with half of the steps, the new weights between the old ones.

    The net stands for the same differential equation, solved with smaller steps; its weights as
    functions of time are interpolated linearly.

    Parameters
    ----------
    blocks : sequence of DiffusionBlock
        One kind of layer in a row; they stay as they are.

    Returns
    -------
    Sequential
    """
    blocks = several(blocks, "blocks")
    if not blocks or not all(isinstance(block, DiffusionBlock) for block in blocks):
        raise InvalidArgument("blocks: must be some blocks of the class DiffusionBlock")
    made = []
    for number, block in enumerate(blocks):
        after = blocks[min(number + 1, len(blocks) - 1)]
        for share in (0.0, 0.5):
            made.append(_between(block, after, share))
    return nn.Sequential(*made)


def _between(one: DiffusionBlock, two: DiffusionBlock, share: float) -> DiffusionBlock:
    made, other = deepcopy(one), dict(two.named_parameters())
    for name, parameter in made.named_parameters():
        if name not in other or other[name].shape != parameter.shape:
            raise InvalidArgument("blocks: must have weights of the same shapes")
        parameter.lerp_(other[name], share)
    made.tau = made.tau / 2
    return made
