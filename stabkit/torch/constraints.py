"""Constraints under which a module stays stable while it is trained, and the check afterwards."""

from __future__ import annotations

from collections import Counter
from functools import partial
from math import prod
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import type_before_parametrizations as type_of

from stabkit.arithmetic.rational import integer
from stabkit.audit import Audit, audit
from stabkit.errors import InvalidArgument, several
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE, Notion, as_notion
from stabkit.torch.diffusion import DiffusionBlock, FSICycle
from stabkit.torch.implicit import ImplicitBlock
from stabkit.torch.operators import Differences
from stabkit.torch.residual_block import (
    GENTLE,
    hooks_of,
    is_as_written,
    is_gentle,
    is_plain,
    residual_parts,
)
from stabkit.torch.scaling import (
    LINEAR,
    Affine,
    has_weights,
    scale,
    tie,
    transpose_of,
    weights_of,
)
from stabkit.torch.shrinkage import HaarShrinkage
from stabkit.torch.signals import COARSE
from stabkit.torch.steps import NOTIONS

#: Modules that move or select entries, in eval mode, and keep distances from growing.
CALM = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout)
#: The blocks of this room that know in which notions they can be kept stable.
OWN = (DiffusionBlock, FSICycle, ImplicitBlock, HaarShrinkage)
Plan = partial[Any]
_NARROW = 256  # entries up to which the audit decides the range of a module


def stable(module: nn.Module, notion: Notion = CONTRACTION) -> nn.Module:
    """Constrain a module so that it stays stable whatever an optimiser does.

    Blocks of this room keep their steps within the certified bound.  Other linear layers are scaled
    to a norm of at most 1.  A residual block u + W₂ act(W₁u + b) becomes u − Wᵀ act(W u + b) with
    ‖W‖² <= 2, since no bound of W₂ alone makes one stable; so W₂ loses its weights, and what the
    block computes changes with this call.  A layer that is put in later is free, as is one whose
    parametrisation is removed: call this again then.

    Parameters
    ----------
    module : Module
        A block of this room, a ``Sequential`` of such, of linear layers, of activations with
        slopes in [0, 1] and of residual blocks, or one of those.  It is changed in place.
    notion : Notion
        ``CONTRACTION`` or ``EUCLIDEAN``; ``RANGE`` for blocks of :class:`Differences`; or its name.

    Returns
    -------
    Module
        The module itself.

    Raises
    ------
    InvalidArgument
        Where a part of the module is none of those, with its name, or has a forward hook, or a
        residual block shares a layer; nothing is changed then.
    """
    if not isinstance(module, nn.Module):
        raise InvalidArgument(f"module: must be a torch.nn.Module, got {type(module).__name__}")
    notion = as_notion(notion)
    if notion not in NOTIONS:
        raise InvalidArgument("notion: must be EUCLIDEAN, CONTRACTION or RANGE, got "
                              f"{notion!r:.60}")
    plans = _plans(module, notion, type_of(module).__name__)
    _check_hooks(module)
    _check_sharing(module, plans)
    for change in plans:
        change()
    return module


def _plans(module: nn.Module, notion: Notion, name: str) -> list[Plan]:
    """The changes that make a module stable, none of them made yet."""
    plain = is_plain(module)
    if isinstance(module, OWN) and plain:
        module.check(notion)
        return [partial(module.constrain, notion)]
    if isinstance(module, nn.Sequential) and plain:
        return [plan for key, part in module.named_children()
                for plan in _plans(part, notion, f"{name}.{key}")]
    if isinstance(module, CALM) and plain:
        return []
    if notion not in (CONTRACTION, EUCLIDEAN):
        raise InvalidArgument(f"notion: {name} is no block that can keep the range; take "
                              "CONTRACTION or EUCLIDEAN")
    if isinstance(module, GENTLE) and plain:
        _check_activation(module, notion, name)
        return []
    if isinstance(module, LINEAR) and plain:
        _check_linear(module, notion, name)
        return [partial(scale, module, 1.0)]
    found = residual_parts(module)
    if found is None:
        other = isinstance(module, (*OWN, nn.Sequential, *CALM, *GENTLE, *LINEAR))
        raise InvalidArgument(
            f"module: {name} is none of: "
            f"{', '.join(kind.__name__ for kind in (*OWN, nn.Sequential, *LINEAR))}, an "
            "activation with slopes in [0, 1], or a residual block u + W2 act(W1 u + b)"
            f"{'; it has a forward of its own, which may do anything' if other else ''}")
    first, bend, second = found
    _check_activation(bend, notion, name)
    for part in (first, second):
        _check_linear(part, notion, name)
    _check_transpose(first, second, name)
    return [partial(tie, first, second, 2.0)]


def _check_hooks(module: nn.Module) -> None:
    """Refuse a hook: it may change what a part computes, of which the bound would know nothing."""
    for name, part in module.named_modules():
        if hooks_of(part):
            raise InvalidArgument(f"module: {name or type_of(module).__name__} has a forward hook, "
                                  "which may change what it computes; remove it, and register it "
                                  "again after this call if it only looks")


def _check_sharing(module: nn.Module, plans: list[Plan]) -> None:
    """Refuse weights of a residual block that another part of the module has, too."""
    names = {part: name for name, part in module.named_modules()}
    # The same block in two places is one plan, as it stays the same block.
    distinct = {(plan.func, plan.args) for plan in plans}
    places = [(change, layer) for change, arguments in distinct
              for layer in arguments if isinstance(layer, LINEAR)]
    counts = Counter(id(weights_of(layer)) for _, layer in places)
    for change, layer in places:
        if change is tie and counts[id(weights_of(layer))] > 1:
            raise InvalidArgument(f"module: the weights of {names[layer]} occur in two places, and "
                                  "a residual block must have its own; copy the layer")


def _check_linear(layer: Affine, notion: Notion, name: str) -> None:
    if not has_weights(layer):
        raise InvalidArgument(f"module: the weight of a layer of {name} is computed by a hook, as "
                              "by torch.nn.utils.weight_norm; take the one of "
                              "torch.nn.utils.parametrizations")
    if layer.weight.dtype in COARSE:
        raise InvalidArgument(f"module: {name} has weights of {layer.weight.dtype}; only float32 "
                              "and float64 have the digits for a bound")
    if notion is EUCLIDEAN and layer.bias is not None:
        raise InvalidArgument(f"module: {name} has a bias, so it moves 0; take CONTRACTION, or "
                              "bias=False")
    if not isinstance(layer, nn.Linear) and layer.padding_mode != "zeros":
        raise InvalidArgument(f"module: {name} has padding_mode {layer.padding_mode!r}, which "
                              "repeats entries; only 'zeros' keeps the norm of a convolution")


def _check_activation(module: nn.Module, notion: Notion, name: str) -> None:
    if not is_gentle(module):
        raise InvalidArgument(f"module: {name} has slopes outside [0, 1]")
    if notion is EUCLIDEAN and float(module(torch.zeros(1)).detach()) != 0:
        raise InvalidArgument(f"module: {name} moves 0; take CONTRACTION")


def _check_transpose(first: Affine, second: Affine, name: str) -> None:
    """Refuse a second layer that cannot be the transpose of the first one, by what is unlike."""
    if type_of(first) is not type_of(second):
        raise InvalidArgument(f"module: {name} has two layers of unlike kinds, "
                              f"{type_of(first).__name__} and {type_of(second).__name__}")
    if isinstance(first, nn.Conv1d | nn.Conv2d) and isinstance(second, nn.Conv1d | nn.Conv2d):
        kept = tuple(step * (size // 2) for step, size in zip(
            first.dilation, first.kernel_size, strict=True))
        wanted = (("stride", (1,) * len(kept), "1"), ("dilation", first.dilation, "the same"),
                  ("groups", first.groups, "the same"),
                  ("padding", kept, f"{kept}, which keeps the grid,"))
        for each in (first, second):
            for argument, value, words in wanted:
                found = getattr(each, argument)
                if found != value and found != "same":  # a padding
                    raise InvalidArgument(f"module: the layers of {name} must have {argument} "
                                          f"{words} in a residual block, got {found}")
        if not all(size % 2 for size in first.kernel_size):
            raise InvalidArgument(f"module: the layers of {name} must have an odd kernel_size in a "
                                  f"residual block, got {first.kernel_size}")
    if transpose_of(first, first.weight).shape != second.weight.shape:
        raise InvalidArgument(f"module: the second layer of {name} must have the shape of the "
                              "first one transposed")


def certify(module: nn.Module, shape: tuple[int, ...], notion: Notion = CONTRACTION,
            budget: float = 20.0, seed: int = 0) -> Audit:
    """Decide exactly whether a module, with the weights that it has now, is stable.

    Parameters
    ----------
    module : Module
        Read in eval mode by :func:`stabkit.audit`.  A cycle or an implicit block alone is decided
        as the scheme that it is, whose equation is solved exactly; so is, in ``RANGE``, a block of
        :class:`Differences` on a large grid, whose rows are of few kinds.
    shape : tuple of int
        Of one input without the batch axis.
    notion : Notion or str
        Or its name.
    budget : float
        Seconds.
    seed : int
        Of the search for inputs that refute it.

    Returns
    -------
    Audit
        Its ``status`` says whether it is proved, refuted or undecided of the real numbers that the
        weights are; what the arithmetic of PyTorch rounds comes on top.
    """
    asked = [as_notion(notion).name]
    shape = tuple(integer(size, "shape", 1) for size in several(shape, "shape"))
    known = _block_as_scheme(module, shape, as_notion(notion))
    if known is not None:
        return audit(known.scheme(shape), notions=asked, budget=budget, seed=seed)
    return audit(module, shape, notions=asked, rounding="exact", budget=budget, seed=seed)


def _block_as_scheme(module: nn.Module, shape: tuple[int, ...], notion: Notion
                     ) -> FSICycle | ImplicitBlock | DiffusionBlock | None:
    """The block, if it is decided as a scheme: nothing in it may compute anything else."""
    if isinstance(module, FSICycle | ImplicitBlock):
        return module if is_as_written(module) else None
    if isinstance(module, DiffusionBlock) and notion is RANGE and prod(shape) > _NARROW and \
            isinstance(module.layer.K, Differences) and module.layer.bias is None and \
            module.layer.normalisation is None and is_as_written(module):
        return module
    return None
