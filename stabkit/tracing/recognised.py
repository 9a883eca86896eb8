"""Which library a step is written in, found out by calling it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from stabkit.aliases import Function
from stabkit.errors import UNFIT
from stabkit.tracing.foreign import ForeignStep


def in_numpy(function: Function, shape: tuple[int, ...], takes_step: bool) -> Function:
    """The function, or where it is one of PyTorch's or JAX's the same as one of NumPy's.

    A function that gives an array of NumPy for such an array is NumPy's; it is asked only where
    another library is loaded.
    """
    if isinstance(function, ForeignStep) or not {"torch", "jax"} & set(sys.modules):
        return function
    steps = [0.5] * takes_step
    try:
        if isinstance(function(np.ones(shape), *steps), (np.ndarray, list, tuple)):
            return function
    except UNFIT:  # whatever a library says of arrays that are not its own
        pass
    return next((step for step in _foreign(function) if step.takes(shape, steps)), function)


def _foreign(function: Function) -> Iterator[ForeignStep]:
    """As a step of each library that is loaded."""
    if "torch" in sys.modules:
        from stabkit.tracing.torch_steps import TorchStep

        yield TorchStep(function)
    if "jax" in sys.modules:
        from stabkit.tracing.jax_steps import JaxStep

        yield JaxStep(function)
