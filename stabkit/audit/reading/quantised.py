"""Signals rounded to a grid: jumps, read as what they are, so that they have no constant."""

from __future__ import annotations

import numpy as np

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.entrywise import activate
from stabkit.audit.reading.formulas import apply_function
from stabkit.audit.reading.operator import Operator
from stabkit.fluxes import activations
from stabkit.networks.layers.activation import flux_of


def quantize(op: Operator) -> View:
    """QuantizeLinear: x ↦ min(max(round(x/s) + z, a), b), the integer nearest, of two the even one.

    Its results are numbers like others here.
    """
    zero = op.constant(2) if op.has(2) else np.zeros((), dtype=np.uint8)
    if not np.issubdtype(zero.dtype, np.integer) or op.integer("output_dtype", 0):
        raise op.refuse("a signal rounded to numbers that are no integers of 8 or 16 bits")
    kind = np.iinfo(zero.dtype)
    scale, z = _by_entry(op, 1), int(zero.flat[0])
    if (zero != z).any() or not (scale > 0).all():
        raise op.refuse("zero points that differ, or a scale that is not positive")
    nearest = apply_function(op, "Round", op.build.scale(op.signal(0), 1 / scale))
    kept = activate(op, flux_of(activations.clip, int(kind.min) - z, int(kind.max) - z), nearest)
    return op.build.scale(kept, None, float(z)) if z else kept


def dequantize(op: Operator) -> View:
    """DequantizeLinear of such a signal: x ↦ s (x − z)."""
    view, scale = op.signal(0), _by_entry(op, 1)
    if op.has(2) and op.constant(2).any():
        view = op.build.scale(view, None, -_by_entry(op, 2))
    return op.build.scale(view, scale)


def _by_entry(op: Operator, number: int) -> np.ndarray:
    """A number, or numbers along an axis, as they meet the signal."""
    values = op.constant(number).astype(float)
    if op.integer("block_size", 0):
        raise op.refuse("scales by blocks")
    if values.size == 1:
        return values.reshape(())
    rank = len(op.signal(0).shape)
    axis = op.axis(rank, 1)
    if values.ndim != 1 or (axis == 0 and op.build.has_batch(op.signal(0).shape)):
        raise op.refuse("scales along the batch axis")
    return values.reshape(-1, *(1,) * (rank - 1 - axis))


def refuse_integers(op: Operator) -> View:
    raise op.refuse("arithmetic on integers; export the network with QuantizeLinear and "
                    "DequantizeLinear around operators on floats")
