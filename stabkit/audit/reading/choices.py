"""Where: a choice by a comparison, or by a mask that is known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.audit.reading import formulas, masks
from stabkit.audit.reading.builder import View
from stabkit.audit.reading.entrywise import factor_and_bias, gate_of, sum_of
from stabkit.audit.reading.operator import Comparison, Constant, Masked, Operator, Test


def where(op: Operator) -> View | Masked:
    """A choice by a comparison.

    The switch in PyTorch's softplus, x itself where βx > 20, ln(1 + exp(βx))/β elsewhere, is read
    as softplus: the two differ by less than 2.1e-9/β, below the resolution of float32 at 20.
    """
    test = op.value(0)
    if isinstance(test, Comparison) and test.relation == ">" and \
            test.threshold >= 20 and _both_of(op, 1, 2):
        base, beta, shift = factor_and_bias(op.build, test.view)
        x, factor, offset = factor_and_bias(op.build, op.signal(1))
        gate = gate_of(op.build, op.signal(2))
        if shift == 0 == offset and x == base and factor == 1 and gate is not None and \
                gate[1] == "softplus" and gate[2:5] == (base, beta, 0) and beta > 0 and \
                abs(gate[5] * beta - 1) <= Fraction(1, 2**52) and gate[6] == 0:
            return op.signal(2)
    if isinstance(test, Test):
        return formulas.choose(op, test)
    if isinstance(test, Constant) and test.values.dtype == bool:
        for at, taken in ((1, test.values), (2, ~test.values)):
            if op.masks(at):
                given, kept = masks.finite_choice(op, at, taken)
                return masks.mask(_mask_view(given, test.values), kept)
        return _mask_view(op, test.values)
    raise op.refuse("a choice by something else than a comparison of a signal with a number")


def _mask_view(op: Operator, mask: np.ndarray) -> View:
    """Where with a mask that is known: a signal, or two, times zeros and ones."""
    parts = []
    for number, kept in ((1, mask), (2, ~mask)):
        value = op.value(number)
        if isinstance(value, View):
            shape = np.broadcast_shapes(value.shape, mask.shape)
            parts.append((op.build.broadcast(value, shape), kept))
    first, *rest = parts
    known = None if rest else (op.weights(1 if first[1] is not mask else 2), ~first[1])
    scaled = []
    for view, kept in parts:
        factors = _of_one(op, np.broadcast_to(kept.astype(float), view.shape))
        bias = None if known is None or known[0] is None else _of_one(
            op, np.broadcast_to(np.where(known[1], known[0], 0.0), view.shape))
        scaled.append(op.build.scale(view, factors, bias))
    return scaled[0] if not rest else sum_of(op, scaled, (1, 1))


def _of_one(op: Operator, values: np.ndarray) -> np.ndarray:
    """A constant of a signal's shape, for one sample."""
    if not op.build.has_batch(values.shape):
        return values
    if (values != values[:1]).any():
        raise op.refuse("a constant that differs between the samples of a batch")
    return values[0]


def _both_of(op: Operator, *numbers: int) -> bool:
    return all(isinstance(op.value(number), View) for number in numbers)
