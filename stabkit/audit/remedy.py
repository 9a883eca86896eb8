"""The other call, ``stabkit.make_stable(model)``: its work is loaded when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from stabkit.audit.layers import Shape


def make_stable(model: Any, shape: Shape | int | None = None, *, budget: float = 5.0,
                seed: int = 0) -> Any:
    """The nearest network of the same form that is certified to contract differences.

    A diffusion block gets a smaller step; another residual block u + W₂Φ(W₁u + b) + c gets
    −τW₁ᵀ for W₂, with the τ that is nearest in the Frobenius norm among those that are safe;
    affine layers and activations in a row are scaled at one place.  A network that is proved is
    returned as it is.

    Parameters
    ----------
    model, shape
        As for :func:`stabkit.audit`: a file, a module, or a graph.
    budget, seed
        Of the audit of the result.

    Returns
    -------
    Repair
        With the fields ``graph``, ``changes`` (a text per block) and ``audit``.

    Raises
    ------
    InvalidArgument
        Where a block that is not certified has no such form; it is named.
    """
    return import_module("stabkit.audit.repair").make_stable(model, shape, budget=budget,
                                                             seed=seed)
