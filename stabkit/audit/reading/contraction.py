"""Sums over axes of signals with weights or with each other: Einsum, MatMul, CumSum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import prod
from string import ascii_letters

import numpy as np

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.linear import along, by_weights, dense, with_rows
from stabkit.audit.reading.movement import move, shape_of
from stabkit.audit.reading.operator import Constant, Operator, within
from stabkit.audit.reading.tensors import finite
from stabkit.errors import InvalidArgument
from stabkit.networks.layers import Product


def einsum(op: Operator) -> View:
    """Einsum of weights and one signal, or of two signals."""
    values = [op.array(number) for number in range(len(op.inputs))]
    labels, out = _equation(op, [len(shape_of(value)) for value in values])
    for number, names in enumerate(labels):  # diagonals first
        own = "".join(dict.fromkeys(names))
        if own != names:
            values[number] = move(op, values[number], partial(np.einsum, f"{names}->{own}"))
            labels[number] = own
    pairs = [*zip(values, labels, strict=True)]
    signals = [(value, names) for value, names in pairs if isinstance(value, View)]
    known = [(finite(value.values, value.name), names) for value, names in pairs
             if isinstance(value, Constant)]
    if len(signals) > 2 or (len(signals) == 2 and known):
        raise op.refuse("a product of two signals and anything else")
    if len(signals) == 2:
        return _of_signals(op, signals[0], signals[1], out)
    (view, seen), = signals
    if not known:
        sizes = dict(zip(seen, view.shape, strict=True))
        whole = "".join(dict.fromkeys(out + seen))
        return _sums(op, _spread(op, view, seen, whole, sizes), len(out))
    left = "".join(dict.fromkeys("".join(names for _, names in known)))
    left = "".join(label for label in left if label in seen + out)
    factors = np.einsum(",".join(names for _, names in known) + "->" + left,
                        *(values for values, _ in known))
    return _by_weights(op, view, seen, factors, left, out)


def _equation(op: Operator, ranks: list[int]) -> tuple[list[str], str]:
    """The labels of the operands and of the result, with letters for ``...``."""
    left, arrow, out = op.text("equation", "").replace(" ", "").partition("->")
    parts = left.split(",")
    if not arrow:
        once = sorted(label for label in set(left) - set(",.") if left.count(label) == 1)
        out = "..." * ("..." in left) + "".join(once)
    free = "".join(letter for letter in ascii_letters if letter not in left + out)
    widths = [rank - len(part) + 3 if "..." in part else 0
              for part, rank in zip(parts, ranks, strict=False)]
    most = max(widths)
    labels = [part.replace("...", free[:most][most - width:])
              for part, width in zip(parts, widths, strict=False)]
    out = out.replace("...", free[:most])
    if len(parts) != len(ranks) or [len(part) for part in labels] != ranks or not set(out) <= set(
            "".join(labels)) <= set(ascii_letters) or len(set(out)) < len(out):
        raise InvalidArgument(f"the equation {left}{arrow}{out} does not fit inputs of {ranks} "
                              "axes")
    return labels, out


def _by_weights(op: Operator, view: View, seen: str, weights: np.ndarray, known: str, out: str
                ) -> View:
    """A signal and weights: as a matrix where all that they share is summed over; else entry by
    entry, and summed."""
    summed = [label for label in known if label in seen]
    new, rest = ([label for label in part if label not in summed] for part in (known, seen))
    sizes = _sizes(op, (view.shape, seen), (weights.shape, known))
    if sorted(new + rest) != sorted(out) or (op.build.has_batch(view.shape) and seen[0] in summed) \
            or any(1 in (view.shape[seen.index(label)], weights.shape[known.index(label)])
                   for label in summed):
        whole = "".join(dict.fromkeys(out + seen + known))
        wide = _spread(op, view, seen, whole, sizes)
        factors = _spread_out(known, whole, wide.shape, weights)
        if op.build.has_batch(wide.shape):
            if (factors != factors[:1]).any():
                raise op.refuse("weights that differ between the samples of a batch")
            factors = factors[0]
        return _sums(op, op.build.scale(wide, np.ascontiguousarray(factors)), len(out))
    matrix = weights.transpose([known.index(label) for label in new + summed]).reshape(
        prod(sizes[label] for label in new), -1)
    order = [seen.index(label) for label in rest + summed]
    kept = tuple(sizes[label] for label in rest)
    flat = op.build.reshape(op.build.move(view, lambda index: index.transpose(order)),
                            (*kept, matrix.shape[1]))
    made = op.build.reshape(along(op.build, flat, matrix, len(kept)), (
        *kept, *(sizes[label] for label in new)))
    back = [(rest + new).index(label) for label in out]
    return op.build.move(made, lambda index: index.transpose(back))


def _of_signals(op: Operator, one: tuple[View, str], other: tuple[View, str], out: str) -> View:
    """The products of all entries that belong together, and their sums over the other axes."""
    sizes = _sizes(op, *((view.shape, names) for view, names in (one, other)))
    whole = "".join(dict.fromkeys(out + one[1] + other[1]))
    factors = [_spread(op, view, names, whole, sizes) for view, names in (one, other)]
    return _sums(op, op.build.add(Product(), factors, factors[0].shape), len(out))


def _sizes(op: Operator, *given: tuple[tuple[int, ...], str]) -> dict[str, int]:
    """The size of every axis; one of size 1 is repeated."""
    sizes: dict[str, int] = {}
    for shape, names in given:
        for name, size in zip(names, shape, strict=True):
            if 1 not in (size, sizes.get(name, 1)) and sizes[name] != size:
                raise InvalidArgument("the shapes " + " and ".join(str(each) for each, _ in given)
                                      + " do not belong together")
            sizes[name] = max(size, sizes.get(name, 1))
    return sizes


def _spread(op: Operator, view: View, names: str, whole: str, sizes: Mapping[str, int]) -> View:
    """A signal along all axes of a whole."""
    shape = tuple(sizes[name] for name in whole)
    op.build.spend(2 * prod(shape))
    return op.build.move(view, partial(_spread_out, names, whole, shape))


def _spread_out(names: str, whole: str, shape: tuple[int, ...], array: np.ndarray) -> np.ndarray:
    order = [names.index(name) for name in whole if name in names]
    wide = tuple(slice(None) if name in names else None for name in whole)
    return np.broadcast_to(array.transpose(order)[wide], shape)


def _sums(op: Operator, view: View, count: int) -> View:
    """The sums over all axes but the first ones."""
    kept = view.shape[:count]
    if len(kept) == len(view.shape):
        return view
    flat = op.build.reshape(view, (*kept, prod(view.shape[count:])))
    return op.build.reshape(along(op.build, flat, np.ones((1, flat.shape[-1])), count), kept)


# -- products of matrices --------------------------------------------------------------------------
def gemm(op: Operator) -> View:
    """α A′ B′ + β C; a layer where A is a signal (batch, features) and B are weights."""
    if isinstance(op.value(0), View) and isinstance(op.value(1), Constant) and \
            not op.integer("transA", 0):
        return dense(op)
    factors = [move(op, op.array(at), np.transpose) if op.integer(name, 0) else op.array(at)
               for at, name in enumerate(("transA", "transB"))]
    if any(len(shape_of(factor)) != 2 for factor in factors):
        raise op.refuse("a product of anything but two matrices")
    made, alpha = matmul(replace(op, inputs=factors)), op.number("alpha", 1.0)
    made = made if alpha == 1 else op.build.scale(made, alpha)
    return made if op.value(2) is None else with_rows(op, made, op.number("beta", 1.0))


def matmul(op: Operator) -> View:
    """The product of a signal and weights, or of two signals, whose slopes have no bound."""
    values = op.array(0), op.array(1)
    ranks = [len(shape_of(value)) for value in values]
    outer = ascii_letters[:max(max(ranks) - 2, 0)]
    left, right = (outer[max(len(outer) - rank + 2, 0):] for rank in ranks)
    first, second = left + "YZ", right + "ZX"
    if isinstance(values[0], View) and isinstance(values[1], View):
        if min(ranks) < 2:
            raise op.refuse("a product of two signals of which one has a single axis")
        return _of_signals(op, (values[0], first), (values[1], second), outer + "YX")
    at = 0 if isinstance(values[0], Constant) else 1
    weights = op.weights(at)
    if weights is None or weights.ndim < 3:
        return by_weights(op)
    view = op.signal(1 - at)
    if len(view.shape) < 2:
        raise op.refuse("a product of several matrices and a signal with a single axis")
    seen, known = (second, first) if at == 0 else (first, second)
    return _by_weights(op, view, seen, weights, known, outer + "YX")


def cumulative(op: Operator) -> View:
    """CumSum along an axis of a signal."""
    view = op.signal(0)
    axis = within((op.sizes(1) or [0])[0], len(view.shape))
    if axis == 0 and op.build.has_batch(view.shape):
        raise op.refuse("sums over the batch axis")
    n = view.shape[axis]
    op.build.spend(n * n)
    matrix = np.tri(n, n, -1 if op.integer("exclusive", 0) else 0)
    return along(op.build, view, matrix[::-1, ::-1].copy() if op.integer("reverse", 0) else matrix,
                 axis)
