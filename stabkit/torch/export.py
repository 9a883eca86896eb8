"""A network as plain PyTorch: its numbers, without what computed them."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from stabkit.audit.torch_module import write_weights_out
from stabkit.errors import InvalidArgument, of_kind


def plain_copy(module: nn.Module) -> nn.Module:
    """A copy in eval mode with the weights as they are, to be exported, pickled or shipped.

    Nothing is constrained in the copy: where it is trained on, its steps and norms are free.

    Parameters
    ----------
    module : Module
        Also one that PyTorch's own parametrisations constrain.

    Returns
    -------
    Module

    Raises
    ------
    InvalidArgument
        Where the module cannot be copied.

    Examples
    --------
    >>> from stabkit.torch import DiffusionBlock, Stencil
    >>> block = DiffusionBlock(Stencil(1, 2, (3,)))
    >>> u = torch.ones(1, 1, 8)
    >>> torch.equal(plain_copy(block)(u), block(u))
    True
    """
    of_kind(module, nn.Module, "module")
    try:
        made = deepcopy(module).eval()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise InvalidArgument(f"module: cannot be copied: {str(error).splitlines()[0]}") from None
    with torch.no_grad():
        write_weights_out(made, torch)
    return made
