"""What a module accepts as a signal, and what it says of one that it does not."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stabkit.errors import InvalidArgument, of_kind

COARSE = (torch.float16, torch.bfloat16)


def is_under_autocast(values: Tensor) -> bool:
    """Whether PyTorch computes with fewer digits than these values have, where they are."""
    kind = values.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def check_signals(u: Tensor, channels: int, dimension: int, name: str = "u",
                  weight: Tensor | None = None) -> None:
    """Refuse what is no batch of signals, or has other floats than the weights.

    Raises
    ------
    InvalidArgument
        Where `u` is not of the shape (batch, channels, \\*grid), or not of float32 or float64, or
        met under autocast.
    """
    of_kind(u, Tensor, name)
    if u.ndim != dimension + 2 or u.shape[1] != channels:
        grid = ", ".join(("rows", "columns") if dimension == 2 else ("samples",))
        raise InvalidArgument(f"{name}: must have the shape (batch, {channels}, {grid}), got "
                              f"{tuple(u.shape)}")
    if u.dtype in COARSE or not u.is_floating_point():
        raise InvalidArgument(f"{name}: must be of float32 or float64, got {u.dtype}; with fewer "
                              "digits no step is certified, so leave this block out of autocast")
    if weight is not None and weight.dtype != u.dtype:
        raise InvalidArgument(f"{name}: must be of {weight.dtype} like the weights, got {u.dtype}; "
                              f"convert it, or the block with .to({u.dtype})")
    if is_under_autocast(u):
        raise InvalidArgument(f"{name}: cannot be taken under autocast, which computes with fewer "
                              f"digits; call this block within torch.autocast({u.device.type!r}, "
                              "enabled=False)")


def check_weights(module: nn.Module) -> None:
    """Refuse weights that no bound can follow.

    Raises
    ------
    InvalidArgument
        Where they have too few digits, or a hook computes them when the module is called, as
        pruning and the older normalisations do: a bound would see those of the last call.
    """
    weight = module.weight
    if weight.dtype in COARSE:
        raise InvalidArgument(f"weight: must be of float32 or float64, got {weight.dtype}")
    if module._forward_pre_hooks and "weight" not in module._parameters and \
            not parametrize.is_parametrized(module, "weight"):
        raise InvalidArgument("weight: is computed by a hook, as by torch.nn.utils.prune, which no "
                              "certified step can follow; take torch.nn.utils.parametrize")


def refuse_export(name: str) -> None:
    """Refuse to be written as a graph: what is computed from weights would be rounded there anew.

    Raises
    ------
    InvalidArgument
        Where PyTorch exports or traces.
    """
    if torch.compiler.is_exporting() or torch.jit.is_tracing():
        raise InvalidArgument(f"{name}: is computed from weights under a bound, which has no graph "
                              "to export; export stabkit.torch.plain_copy(module), which holds its "
                              "numbers")


def check_finite(loss: Tensor) -> Tensor:
    """Return a loss that is a number.

    Raises
    ------
    InvalidArgument
        Where it is NaN or infinite: the weights are lost with the next step of the optimiser.
    """
    of_kind(loss, Tensor, "loss")
    if not bool(torch.isfinite(loss.detach()).all()):
        raise InvalidArgument(f"loss: must be finite, got {loss.detach()}; take a smaller learning "
                              "rate, or go back to the last weights that were")
    return loss
