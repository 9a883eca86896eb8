"""A user's own residual block u + W₂ act(W₁u + b), found by tracing its module."""

from __future__ import annotations

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.utils.parametrize import type_before_parametrizations as type_of

from stabkit.aliases import Record
from stabkit.errors import UNFIT
from stabkit.torch.scaling import LINEAR, Affine

#: Modules whose slopes lie in [0, 1] (with the numbers that :func:`is_gentle` checks).
GENTLE = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Hardtanh, nn.ReLU6, nn.Softsign,
          nn.Softshrink, nn.LeakyReLU, nn.ELU)
_CALLS = {F.relu: nn.ReLU, torch.relu: nn.ReLU, F.tanh: nn.Tanh, torch.tanh: nn.Tanh,
          F.sigmoid: nn.Sigmoid, torch.sigmoid: nn.Sigmoid, F.softplus: nn.Softplus,
          F.softsign: nn.Softsign, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}

#: What the classes of PyTorch and of this room compute with.
_METHODS = ("forward", "_conv_forward", "__iter__")


def is_plain(part: nn.Module) -> bool:
    """Whether a module computes what its class of PyTorch, or of this room, does.

    A subclass may do anything in a method of its own.
    """
    kind = type(part)
    known = next(each for each in kind.__mro__
                 if each.__module__.startswith(("torch.nn.modules.", "stabkit.torch.")))
    return not {*_METHODS} & {*vars(part)} and all(
        getattr(kind, name, None) is getattr(known, name, None) for name in _METHODS)


def is_as_written(module: nn.Module) -> bool:
    """Whether all parts of a block are of the classes of this room, with no hook on any of them."""
    return all(type_of(part).__module__.startswith(("torch.nn.", "stabkit.torch."))
               and not any(callable(getattr(type(part), name, None)) for name in vars(part))
               and not hooks_of(part) for part in module.modules())


def hooks_of(part: nn.Module) -> list[Any]:
    """What is called before or after the forward of a part, and may change what it computes."""
    return [*part._forward_pre_hooks.values(), *part._forward_hooks.values()]


def is_gentle(part: nn.Module) -> bool:
    """Whether an activation has slopes in [0, 1].

    PyTorch's softplus is the identity from its threshold on; from 20 on it jumps by less than
    3e-9/β.
    """
    slope = getattr(part, "negative_slope", getattr(part, "alpha", 1.0))
    if isinstance(part, nn.Softplus) and not (part.beta > 0 and part.threshold >= 20):
        return False
    return isinstance(part, GENTLE) and is_plain(part) and 0 <= slope <= 1


def residual_parts(module: nn.Module) -> tuple[Affine, nn.Module, Affine] | None:
    """W₁, the activation and W₂ of such a module; None where it is another one."""
    try:
        graph = fx.symbolic_trace(module).graph
    except UNFIT:  # whatever a forward does with symbols that it was not written for
        return None
    nodes: Record = {node.op: node for node in graph.nodes}
    begin, end = nodes.get("placeholder"), nodes["output"].args[0]
    if begin is None or not _is_sum(end) or begin not in end.args:
        return None
    chain: list[nn.Module] = []
    node: Any = end.args[1] if end.args[0] is begin else end.args[0]
    while isinstance(node, fx.Node) and node is not begin:
        part = _part(module, node)
        if part is None:
            return None
        chain.append(part)
        node = node.args[0]
    if node is not begin or len(chain) != 3:
        return None
    second, bend, first = chain
    if not isinstance(first, LINEAR) or not isinstance(second, LINEAR) or not is_gentle(bend) \
            or not (is_plain(first) and is_plain(second)):
        return None
    return first, bend, second


def _is_sum(node: Any) -> bool:
    return isinstance(node, fx.Node) and len(node.args) == 2 and not node.kwargs and (
        node.target in (operator.add, torch.add)
        or (node.op == "call_method" and node.target == "add"))


def _part(module: nn.Module, node: fx.Node) -> nn.Module | None:
    """The module that a node of one argument calls, or one that stands for its function."""
    if len(node.args) != 1:
        return None
    if node.op == "call_module":
        return module.get_submodule(str(node.target))
    harmless = set(node.kwargs) <= {"inplace"}
    kind = _CALLS.get(node.target) if harmless else None
    return None if kind is None else kind()
