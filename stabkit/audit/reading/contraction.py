"""Sums over axes of a signal with weights: Einsum, and interpolation."""

from __future__ import annotations

from functools import partial
from math import floor, prod

import numpy as np

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.linear import along, by_weights
from stabkit.audit.reading.movement import read_movement
from stabkit.audit.reading.operator import Constant, Operator, Value, within
from stabkit.errors import InvalidArgument
from stabkit.networks.layers import Product


def einsum(op: Operator) -> View:
    """Einsum of one signal and weights, whose common axes are summed over."""
    left, arrow, out = op.text("equation", "").replace(" ", "").partition("->")
    labels = left.split(",")
    if "." in left + out or not arrow or any(len(set(part)) < len(part) for part in (*labels, out)):
        raise op.refuse(f"the equation {left}{arrow}{out}: with '...', without '->' or with a "
                        "label twice in one part")
    if len(labels) == 1 and len(op.inputs) == 1 and sorted(left) == sorted(out):
        order = [left.index(label) for label in out]
        return op.build.move(op.signal(0), lambda index: index.transpose(order))
    if len(labels) != 2 or len(op.inputs) != 2:
        raise op.refuse("anything but one signal and weights, or two signals")
    if isinstance(op.value(0), View) and isinstance(op.value(1), View):
        return _of_signals(op, (op.signal(0), op.signal(1)), (labels[0], labels[1]), out)
    at = 0 if isinstance(op.value(0), View) else 1
    view, weights, seen, known = op.signal(at), op.weights(1 - at), labels[at], labels[1 - at]
    if weights is None or (weights.ndim, len(view.shape)) != (len(known), len(seen)):
        raise InvalidArgument(f"the equation {left} does not fit its inputs")
    summed = [label for label in known if label in seen]
    new, rest = ([label for label in part if label not in summed] for part in (known, seen))
    if sorted(new + rest) != sorted(out) or (op.build.has_batch(view.shape) and seen[0] in summed):
        raise op.refuse(f"the equation {left}{arrow}{out}: all axes that weights and signal share, "
                        "and no others, are summed over, and none is the batch")
    matrix = weights.transpose([known.index(label) for label in new + summed]).reshape(
        prod(weights.shape[known.index(label)] for label in new), -1)
    order = [seen.index(label) for label in rest + summed]
    kept = tuple(view.shape[seen.index(label)] for label in rest)
    flat = op.build.reshape(op.build.move(view, lambda index: index.transpose(order)),
                            (*kept, matrix.shape[1]))
    made = op.build.reshape(along(op.build, flat, matrix, len(kept)), (
        *kept, *(weights.shape[known.index(label)] for label in new)))
    back = [(rest + new).index(label) for label in out]
    return op.build.move(made, lambda index: index.transpose(back))


def matmul(op: Operator) -> View:
    """The product of a signal and weights, or of two signals, whose slopes have no bound."""
    if not (isinstance(op.value(0), View) and isinstance(op.value(1), View)):
        at = 0 if isinstance(op.value(0), Constant) else 1
        weights = op.weights(at)
        return by_weights(op) if weights is None or weights.ndim < 3 else _by_matrices(
            op, weights, at)
    views = op.signal(0), op.signal(1)
    ranks = [len(view.shape) for view in views]
    if min(ranks) < 2:
        raise op.refuse("a product of two signals of which one has a single axis")
    outer = _AXES[:max(ranks) - 2]
    left, right = (outer[len(outer) - rank + 2:] for rank in ranks)
    return _of_signals(op, views, (left + "yz", right + "zx"), outer + "yx")


def _by_matrices(op: Operator, weights: np.ndarray, at: int) -> View:
    """A signal times several matrices, or they times it, as NumPy broadcasts: entry by entry, and
    summed."""
    view = op.signal(1 - at)
    if len(view.shape) < 2:
        raise op.refuse("a product of several matrices and a signal with a single axis")
    left, right = (weights, view) if at == 0 else (view, weights)
    rows, inner, columns = left.shape[-2], left.shape[-1], right.shape[-1]
    if right.shape[-2] != inner:
        raise InvalidArgument(f"the shapes {left.shape} and {right.shape} do not belong together")
    shape = (*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), rows, columns, inner)
    op.build.spend(4 * prod(shape))

    def spread(index: np.ndarray, first: bool) -> np.ndarray:
        wide = index[..., :, None, :] if first else np.swapaxes(index, -1, -2)[..., None, :, :]
        return np.broadcast_to(wide, shape)

    wide = op.build.move(view, lambda index: spread(index, at == 1))
    factors = spread(weights, at == 0)
    if op.build.has_batch(shape):
        if (factors != factors[:1]).any():
            raise op.refuse("weights that differ between the samples of a batch")
        factors = factors[0]
    made = op.build.scale(wide, np.ascontiguousarray(factors))
    whole = along(op.build, made, np.ones((1, inner)), len(shape) - 1)
    return op.build.reshape(whole, shape[:-1])


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


_AXES = "abcdefgh"


def _of_signals(op: Operator, views: tuple[View, View], labels: tuple[str, str], out: str
                ) -> View:
    """The products of all entries that belong together, and their sums over the other axes."""
    sizes: dict[str, int] = {}
    for view, names in zip(views, labels, strict=True):
        if len(names) != len(view.shape):
            raise InvalidArgument(f"the axes {names} do not fit a signal of shape {view.shape}")
        for name, size in zip(names, view.shape, strict=True):
            if sizes.setdefault(name, size) != size and 1 not in (size, sizes[name]):
                raise InvalidArgument(f"the shapes {views[0].shape} and {views[1].shape} do not "
                                      "belong together")
            sizes[name] = max(size, sizes[name])
    summed = [name for name in sizes if name not in out]
    whole = [*out, *summed]
    shape = tuple(sizes[name] for name in whole)
    op.build.spend(4 * prod(shape))
    factors = []
    for view, names in zip(views, labels, strict=True):
        order = [names.index(name) for name in whole if name in names]
        wide = tuple(slice(None) if name in names else None for name in whole)
        factors.append(op.build.move(view, partial(_spread, order, wide, shape)))
    made = op.build.add(Product(), factors, shape)
    if not summed:
        return made
    kept = shape[:len(out)]
    flat = op.build.reshape(made, (*kept, prod(shape[len(out):])))
    return op.build.reshape(along(op.build, flat, np.ones((1, flat.shape[-1])), len(kept)), kept)


def _spread(order: list[int], wide: tuple, shape: tuple[int, ...], index: np.ndarray
            ) -> np.ndarray:
    return np.broadcast_to(index.transpose(order)[wide], shape)


# -- interpolation ---------------------------------------------------------------------------------
def resize(op: Operator) -> list[Value]:
    """Resize and Upsample: linear interpolation axis by axis, or repeated entries."""
    if op.text("mode", "nearest") != "linear" or not isinstance(op.value(0), View):
        return read_movement(op)
    view, old = op.signal(0), op.kind == "Upsample" or op.opset < 11
    place = 1 if old else 2
    if op.integers("axes") is not None or op.integer("antialias", 0):
        raise op.refuse("interpolation on some axes, or with antialias")
    scales = np.asarray(op.weights(place), dtype=float).ravel() if op.has(place) and \
        op.constant(place).size else None
    sizes = op.sizes(3) if scales is None and not old else [
        floor(size * scale) for size, scale in zip(view.shape, scales, strict=True)] \
        if scales is not None and len(scales) == len(view.shape) else None
    if sizes is None or len(sizes) != len(view.shape) or min(sizes) < 1:
        raise InvalidArgument("neither scales nor sizes are given for all its axes")
    where = op.text("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    for axis, (size, new) in enumerate(zip(view.shape, sizes, strict=True)):
        scale = new / size if scales is None else float(scales[axis])
        if size == new and scale == 1:
            continue
        if axis == 0 and op.build.has_batch(view.shape):
            raise op.refuse("interpolation between the samples of a batch")
        if where == "align_corners" and scales is not None and size * scale % 1:
            raise op.refuse("aligned corners with a scale that gives no whole size, which readers "
                            "of ONNX files take differently")
        view = along(op.build, view, _between(op, where, size, new, scale), axis)
    return [view]


def _between(op: Operator, where: str, size: int, new: int, scale: float) -> np.ndarray:
    """The matrix (new, size) of linear interpolation, its entries rounded to double precision."""
    op.build.spend(new * size)
    i = np.arange(new, dtype=float)
    places = {"asymmetric": i / scale, "half_pixel": (i + 0.5) / scale - 0.5,
              "pytorch_half_pixel": (i + 0.5) / scale - 0.5 if new > 1 else 0 * i,
              "align_corners": i * (size - 1) / max(new - 1, 1)}.get(where)
    if places is None:
        raise op.refuse(f"interpolation with {where!r} coordinates")
    low = np.floor(places)
    matrix = np.zeros((new, size))
    for step, part in ((0, 1 - (places - low)), (1, places - low)):
        np.add.at(matrix, (np.arange(new), np.clip(low + step, 0, size - 1).astype(int)), part)
    return matrix
