"""Operators with weights, and means and maxima of windows."""

from __future__ import annotations

from math import prod

import numpy as np

from stabkit.audit.reading.builder import Builder, View
from stabkit.audit.reading.operator import Constant, Operator
from stabkit.errors import InvalidArgument
from stabkit.networks.layers import (
    Convolution,
    Dense,
    MaxPooling,
    MeanPooling,
    Sum,
    TransposedConvolution,
)

Pads = tuple[tuple[int, int], ...]


# -- matrices --------------------------------------------------------------------------------------
def dense(op: Operator) -> View:
    """α A′ B′ + β C with a signal A and weights B."""
    view, matrix = op.signal(0), op.weights(1)
    if matrix is None or matrix.ndim != 2 or len(view.shape) != 2:
        raise op.refuse("anything but a signal (batch, features) times a matrix of weights")
    weights = matrix if op.integer("transB", 0) else matrix.T
    alpha, beta = op.number("alpha", 1.0), op.number("beta", 1.0)
    _fits(weights.shape[1], view.shape[1])
    shape = (view.shape[0], len(weights))
    if not op.build.has_batch(view.shape):  # rows of one sample
        result = along(op.build, view, weights, 1)
        result = result if alpha == 1 else op.build.scale(result, alpha)
        return result if op.value(2) is None else with_rows(op, result, beta)
    third = op.value(2)
    row = op.weights(2) if isinstance(third, Constant) else None
    bias = None if row is None else _row(op, row, len(weights))
    if isinstance(third, View) and beta != 1:
        raise op.refuse("a multiple of a signal added to a product")
    if bias is not None and beta != 1:
        bias = beta * bias.astype(np.float64)
    if alpha != 1:
        product = op.build.scale(op.build.add(Dense(weights), [view], shape), alpha)
        result = product if bias is None else op.build.scale(product, bias=bias)
    else:
        result = op.build.add(Dense(weights, bias), [view], shape)
    if isinstance(third, View):
        result = op.build.add(Sum((1, 1)), [result, op.build.broadcast(third, shape)], shape)
    return result


def with_rows(op: Operator, result: View, beta: float) -> View:
    """A result plus a constant or a signal of the same shape, or of one that becomes it."""
    third = op.value(2)
    if isinstance(third, View):
        third = third if beta == 1 else op.build.scale(third, beta)
        return op.build.add(Sum((1, 1)), [result, op.build.broadcast(third, result.shape)],
                            result.shape)
    bias = op.weights(2)
    return op.build.scale(result, bias=bias if beta == 1 or bias is None else
                          beta * bias.astype(np.float64))


def _row(op: Operator, bias: np.ndarray, count: int) -> np.ndarray:
    """A bias of any shape that broadcasts to (batch, count), as a vector."""
    full = np.broadcast_to(bias, np.broadcast_shapes(bias.shape, (op.build.batch, count)))
    if full.shape != (op.build.batch, count) or (full != full[:1]).any():
        raise InvalidArgument(f"a bias of shape {bias.shape} does not fit {count} outputs")
    return full[0].copy()


def _fits(wanted: int, given: int) -> None:
    if wanted != given:
        raise InvalidArgument(f"weights for {wanted} features are applied to {given}")


def by_weights(op: Operator) -> View:
    """A signal times a matrix of weights, or the other way round."""
    left = isinstance(op.value(0), Constant)
    matrix, view = (op.weights(0), op.signal(1)) if left else (op.weights(1), op.signal(0))
    if matrix is None or matrix.ndim not in (1, 2):
        raise op.refuse("a product with a number")
    # From here on `weights` is (outputs, inputs), and the axis it acts on is known.
    weights = np.atleast_2d(matrix) if left else np.atleast_2d(matrix.T)
    rank = len(view.shape)
    axis = rank - 2 if left and rank > 1 else rank - 1
    if axis == 0 and op.build.has_batch(view.shape):
        raise op.refuse("a product over the batch axis")
    result = along(op.build, view, weights, axis)
    if matrix.ndim == 1:
        shape = result.shape[:axis] + result.shape[axis + 1:]
        result = op.build.reshape(result, shape)
    return result


def along(build: Builder, view: View, weights: np.ndarray, axis: int) -> View:
    """Weights (outputs, inputs) applied along an axis, the same at all places of the others."""
    _fits(weights.shape[1], view.shape[axis])
    new = (*view.shape[:axis], len(weights), *view.shape[axis + 1:])
    lead = int(build.has_batch(view.shape))
    rest = [size for i, size in enumerate(view.shape) if i != axis and i >= lead]
    if prod(rest) == 1:
        vectors = (*view.shape[:lead], view.shape[axis])
        made = build.add(Dense(weights), [build.reshape(view, vectors)],
                         (*view.shape[:lead], len(weights)))
        return build.reshape(made, new)
    # A convolution with one tap: the axis in front, the others behind it as one.
    places, before = prod(rest), [i for i in range(len(view.shape)) if i != axis]
    order = [*range(lead), axis, *(i for i in before if i >= lead)]
    front = build.move(view, lambda index: index.transpose(order))
    # a first axis of length 1 would be taken for the batch
    start = (1,) if build.batched and build.batch == 1 else view.shape[:lead]
    flat = build.reshape(front, (*start, view.shape[axis], places))
    made = build.add(Convolution(weights[:, :, None], None, (view.shape[axis], places), (1,),
                                 ((0, 0),), (1,)), [flat],
                     (*start, len(weights), places))
    wide = build.reshape(made, (*view.shape[:lead], len(weights), *rest))
    back = np.argsort(order)
    return build.move(wide, lambda index: index.transpose(back))


# -- convolutions ----------------------------------------------------------------------------------
def images(op: Operator) -> tuple[View, int]:
    """The signal (batch, channels, *sizes) and its number of spatial axes."""
    view = op.signal(0)
    if len(view.shape) < 3 or not op.build.has_batch(view.shape):
        raise op.refuse(f"a signal of shape {view.shape}; (batch, channels, sizes ...) with the "
                        "batch of the network's input is needed")
    return view, len(view.shape) - 2


def _window(op: Operator, weights: np.ndarray | None, count: int) -> tuple[int, ...]:
    taps = op.per_axis("kernel_shape", count, 1) if weights is None or \
        "kernel_shape" in op.attributes else weights.shape[2:]
    if weights is not None and taps != weights.shape[2:]:
        raise InvalidArgument(f"kernel_shape {taps} is not that of weights {weights.shape}")
    return taps


def _pads(op: Operator, count: int) -> Pads:
    pads = op.integers("pads") or [0] * (2 * count)
    if len(pads) != 2 * count or min(pads) < 0:
        raise InvalidArgument(f"its attribute 'pads' must be {2 * count} integers >= 0, got {pads}")
    return tuple(zip(pads[:count], pads[count:], strict=True))


def _padding(op: Operator, sizes: tuple[int, ...], reach: tuple[int, ...],
             stride: tuple[int, ...]) -> Pads:
    auto = op.text("auto_pad", "NOTSET")
    if auto == "NOTSET":
        return _pads(op, len(sizes))
    if auto == "VALID":
        return ((0, 0),) * len(sizes)
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise op.refuse(f"auto_pad {auto!r}")
    total = [max((-(-n // s) - 1) * s + r - n, 0)
             for n, r, s in zip(sizes, reach, stride, strict=True)]
    return tuple((t // 2, t - t // 2) if auto == "SAME_UPPER" else (t - t // 2, t // 2)
                 for t in total)


def _steps(sizes: tuple[int, ...], pads: Pads, reach: tuple[int, ...], stride: tuple[int, ...],
           ceiling: bool = False) -> tuple[int, ...]:
    """How often a window fits, per axis."""
    room = [n + a + b - r for n, (a, b), r in zip(sizes, pads, reach, strict=True)]
    if min(room) < 0:
        raise InvalidArgument(f"a window of {reach} does not fit into sizes {sizes} with padding "
                              f"{pads}")
    steps = [-(-x // s) if ceiling else x // s for x, s in zip(room, stride, strict=True)]
    if ceiling:  # no window may begin behind the signal and its padding in front
        steps = [k - (k * s >= n + a)
                 for k, s, n, (a, _) in zip(steps, stride, sizes, pads, strict=True)]
    return tuple(k + 1 for k in steps)


def _reach(taps: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((k - 1) * d + 1 for k, d in zip(taps, dilation, strict=True))


def conv(op: Operator) -> View:
    """Conv; zeros or a wrap put around the signal before become its padding."""
    view, count = images(op)
    weights, bias = op.weights(1), op.weights(2)
    groups = op.integer("group", 1)
    channels, sizes = view.shape[1], view.shape[2:]
    if weights is None or weights.ndim != count + 2 or groups < 1 or len(weights) % groups or \
            weights.shape[1] * groups != channels or min(weights.shape) < 1:
        raise InvalidArgument(f"weights {None if weights is None else weights.shape} in {groups} "
                              f"groups do not fit a signal of shape {view.shape}")
    _check_bias(bias, len(weights))
    taps = _window(op, weights, count)
    stride, dilation = op.per_axis("strides", count, 1), op.per_axis("dilations", count, 1)
    reach = _reach(taps, dilation)
    pads, periodic = _padding(op, sizes, reach, stride), False
    steps = _steps(sizes, pads, reach, stride)
    outer = op.build.padding(view)
    if outer is not None and not (outer[1] and any(map(any, pads))):
        pads = tuple((a + c, b + d) for (a, b), (c, d) in zip(pads, outer[0], strict=True))
        periodic, sizes = outer[1], op.build.shape_of(view.node)[1:]
        view = View(view.node, (view.shape[0], channels, *sizes))
    return op.build.add(Convolution(weights, bias, (channels, *sizes), stride, pads, dilation,
                                    groups, periodic), [view],
                        (view.shape[0], len(weights), *steps))


def _check_bias(bias: np.ndarray | None, count: int) -> None:
    if bias is not None and bias.shape != (count,):
        raise InvalidArgument(f"a bias of shape {bias.shape} does not fit {count} channels")


def conv_transpose(op: Operator) -> View:
    """ConvTranspose, as the adjoint of the convolution from its result to its input."""
    view, count = images(op)
    weights, bias = op.weights(1), op.weights(2)
    groups = op.integer("group", 1)
    if weights is None or weights.ndim != count + 2 or len(weights) != view.shape[1] or \
            groups < 1 or len(weights) % groups or min(weights.shape) < 1:
        raise InvalidArgument(f"weights {None if weights is None else weights.shape} in {groups} "
                              f"groups do not fit a signal of shape {view.shape}")
    stride, dilation = op.per_axis("strides", count, 1), op.per_axis("dilations", count, 1)
    reach = _reach(_window(op, weights, count), dilation)
    more = op.integers("output_padding") or [0] * count
    if len(more) != count or any(not 0 <= m < s for m, s in zip(more, stride, strict=True)):
        raise op.refuse(f"output_padding {more} with strides {list(stride)}")
    most = [s * (n - 1) + m + r for s, n, m, r in zip(
        stride, view.shape[2:], more, reach, strict=True)]
    pads = _pads_of_transpose(op, most, stride, view.shape[2:])
    outs = tuple(n - a - b for n, (a, b) in zip(most, pads, strict=True))
    channels = weights.shape[1] * groups
    _check_bias(bias, channels)
    if min(outs) < 1:
        raise InvalidArgument(f"its result would have sizes {outs}")
    forward = Convolution(weights, None, (channels, *outs), stride, pads, dilation, groups)
    return op.build.add(TransposedConvolution(forward, bias), [view],
                        (view.shape[0], channels, *outs))


def _pads_of_transpose(op: Operator, most: list[int], stride: tuple[int, ...],
                       sizes: tuple[int, ...]) -> Pads:
    """What is cut off at both ends: as said, or so much that a result of some sizes is left."""
    count, auto = len(sizes), op.text("auto_pad", "NOTSET")
    asked = op.integers("output_shape")
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise op.refuse(f"auto_pad {auto!r}")
    if asked is None and auto == "NOTSET":
        return _pads(op, count)
    if asked is None and auto == "VALID":
        return ((0, 0),) * count
    wanted = asked[-count:] if asked is not None else [
        n * s for n, s in zip(sizes, stride, strict=True)]
    total = [m - n for m, n in zip(most, wanted, strict=True)]
    if min(total) < 0:
        raise op.refuse(f"a result of sizes {wanted}, larger than its input and weights reach")
    # The odd one is cut off at the end for SAME_UPPER, and else in front.
    return tuple((t // 2, t - t // 2) if auto == "SAME_UPPER" else (t - t // 2, t // 2)
                 for t in total)


def fold_back(op: Operator) -> View:
    """Col2Im: the sums of overlapping blocks, a transposed convolution with stencils of one tap."""
    view, sizes, block = op.signal(0), op.sizes(1) or [], tuple(op.sizes(2) or [])
    count, taps = len(sizes), prod(block)
    if len(view.shape) != 3 or not op.build.has_batch(view.shape) or len(block) != count or \
            taps < 1 or view.shape[1] % taps:
        raise InvalidArgument(f"blocks {block} of {sizes} do not fit a signal of shape "
                              f"{view.shape}")
    stride, dilation = op.per_axis("strides", count, 1), op.per_axis("dilations", count, 1)
    pads, channels = _pads(op, count), view.shape[1] // taps
    weights = np.tile(np.eye(taps).reshape(taps, 1, *block), (channels, 1, *[1] * count))
    forward = Convolution(weights, None, (channels, *sizes), stride, pads, dilation, channels)
    steps = _steps(tuple(sizes), pads, _reach(block, dilation), stride)
    if prod(steps) != view.shape[2]:
        raise InvalidArgument(f"{view.shape[2]} blocks do not fit {prod(steps)} places")
    wide = op.build.reshape(view, (*view.shape[:2], *steps))
    return op.build.add(TransposedConvolution(forward, None), [wide],
                        (view.shape[0], channels, *sizes))


# -- windows ---------------------------------------------------------------------------------------
def pool(op: Operator) -> View:
    """MaxPool and AveragePool."""
    view, count = images(op)
    kind = "max" if op.kind == "MaxPool" else "mean"
    if "kernel_shape" not in op.attributes:
        raise InvalidArgument("its attribute 'kernel_shape' is missing")
    window, stride = op.per_axis("kernel_shape", count, 1), op.per_axis("strides", count, 1)
    dilation = op.per_axis("dilations", count, 1)
    sizes, reach = view.shape[2:], _reach(window, dilation)
    if max(dilation) > 1 and op.text("auto_pad", "NOTSET").startswith("SAME"):
        raise op.refuse("auto_pad with dilations, which readers of ONNX files take differently")
    pads = _padding(op, sizes, reach, stride)
    if any(max(pair) >= k for pair, k in zip(pads, reach, strict=True)):
        raise op.refuse(f"padding {pads} as wide as the window {window}")
    steps = _steps(sizes, pads, reach, stride, bool(op.integer("ceil_mode", 0)))
    whole, counts = pads, bool(op.integer("count_include_pad", 0)) or not any(map(any, pads))
    if steps != _steps(sizes, pads, reach, stride):  # windows stick out
        if kind == "mean" and counts and any(map(any, pads)):
            raise op.refuse("means of windows that stick out (ceil_mode) and count the padding")
        counts = False
        whole = tuple((a, max(b, (k - 1) * s + w - n - a)) for (a, b), k, s, w, n in zip(
            pads, steps, stride, reach, sizes, strict=True))
    apart = dilation if max(dilation) > 1 else ()
    layer = MaxPooling(view.shape[1:], window, stride, whole, apart) if kind == "max" else \
        MeanPooling(view.shape[1:], window, stride, whole, apart, counts)
    return op.build.add(layer, [view], (*view.shape[:2], *steps))


def global_pool(op: Operator) -> View:
    """GlobalAveragePool, GlobalMaxPool: one window, which is everything."""
    view, count = images(op)
    return over_everything(op, view, "max" if op.kind == "GlobalMaxPool" else "mean", count)


def over_everything(op: Operator, view: View, kind: str, count: int) -> View:
    layer = (MaxPooling if kind == "max" else MeanPooling)(
        view.shape[1:], view.shape[2:], (1,) * count, ((0, 0),) * count)
    return op.build.add(layer, [view], (*view.shape[:2], *(1,) * count))
