"""Functions of NumPy that add up multiples of entries: sums, differences, products with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from stabkit.aliases import Argument, Array, Function, Matrix, Record
from stabkit.tracing.arithmetic import elementwise
from stabkit.tracing.array import (
    Traced,
    TracedArray,
    holds_numbers,
    make_array,
    operand,
    plain,
    shape_of,
)
from stabkit.tracing.moving import MOVING
from stabkit.tracing.numbers import exact_form, exact_matrix, holds_truths
from stabkit.tracing.tracer import Tracer

#: The boundaries of SciPy's image filters, as np.pad calls them.
PADDED = {
    "reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap",
    "constant": "constant", "grid-wrap": "wrap", "grid-mirror": "symmetric",
    "grid-constant": "constant"}


def _sum(tracer: Tracer, array: Array, axis: Argument = None, dtype: DTypeLike | None = None,
         out: Array = None, keepdims: object = False, **options: Argument) -> Array:
    if out is not None or options:
        tracer.stop("np.sum with out=, where= or initial= is not followed")
    shape = shape_of(array)
    axes = tuple(range(len(shape))) if axis is None else axis
    axes = axes if isinstance(axes, tuple) else (axes,)
    left = [1 if k in {a % len(shape) for a in axes} else n for k, n in enumerate(shape)]
    target = np.broadcast_to(np.arange(prod(left)).reshape(left), shape).ravel()
    form = operand(tracer, array).combine(np.arange(target.size), None, target, prod(left))
    short = tuple(left) if keepdims is True else tuple(
        n for k, n in enumerate(left) if k not in {a % len(shape) for a in axes})
    return make_array(tracer, form, short)


def _mean(tracer: Tracer, array: Array, axis: Argument = None, **options: Argument) -> Array:
    total = _sum(tracer, array, axis, **options)
    return total / (array.size // total.size) if isinstance(array, Traced) else total


def _norm(tracer: Tracer, array: Array, ord: Argument = None, axis: Argument = None,
          keepdims: Argument = False
          ) -> Array:
    if ord not in (None, 2) or (ord == 2 and axis is None and array.ndim > 1) or \
            np.ndim(axis or 0):
        tracer.stop("np.linalg.norm is followed for Euclidean norms")
    return np.sqrt(np.sum(array * array, axis=axis, keepdims=keepdims))


def _add_at(tracer: Tracer, ufunc: Any, array: Array, key: Any, values: Array) -> None:
    """np.add.at: each time that a place is named, one value is added to it."""
    if not isinstance(array, TracedArray):
        tracer.fills_numbers = True
        tracer.stop("np.add.at writes into an array of numbers; make it with np.zeros_like(u)")
    own = np.arange(array.size).reshape(array.shape)[key]
    added = operand(tracer, values, own.shape).combine(
        np.arange(own.size), None, own.ravel(), array.size)
    array[...] = ufunc(array, make_array(tracer, added, array.shape))


def _bincount(tracer: Tracer, places: Array, weights: Array = None, minlength: int = 0) -> Array:
    places = plain(places).astype(int)
    out = np.zeros_like(weights, float, shape=max(int(places.max(initial=-1)) + 1, minlength))
    np.add.at(out, places, weights)
    return out


def _cumsum(tracer: Tracer, array: Array, axis: Argument = None, **options: object) -> Array:
    array = array.ravel() if axis is None else array
    parts = np.moveaxis(array, axis or 0, 0)
    found = [parts[0] * 1]  # truth values are counted
    for part in parts[1:]:
        found.append(found[-1] + part)
    return np.moveaxis(np.stack(found), 0, axis or 0)


def _diff(tracer: Tracer, array: Array, n: int = 1, axis: int = -1, prepend: Any = None,
          append: Any = None) -> Array:
    for position, more in ((0, prepend), (1, append)):
        if more is None:
            continue
        width = list(array.shape)
        width[axis] = 1
        more = np.broadcast_to(more, width) if np.ndim(more) == 0 and not isinstance(
            more, Traced) else more
        array = np.concatenate((more, array) if position == 0 else (array, more), axis)
    for _ in range(n):
        moved = np.moveaxis(array, axis, 0)
        array = np.moveaxis(moved[1:] - moved[:-1], 0, axis)
    return array


def product_with(tracer: Tracer, matrix: Matrix, array: Array) -> Array:
    """A matrix of numbers times an array of one or two axes."""
    if matrix.shape[-1] != array.shape[0]:
        tracer.stop(f"shapes {matrix.shape} and {array.shape} do not fit each other")
    rows, columns, values = exact_matrix(matrix, tracer.reading)
    width = prod(array.shape[1:])
    beside = np.arange(width)
    taken = (columns.astype(np.int64)[:, None] * width + beside).ravel()
    target = (rows.astype(np.int64)[:, None] * width + beside).ravel()
    weights = values.take(np.repeat(np.arange(rows.size), width))
    form = operand(tracer, array).combine(taken, weights, target, matrix.shape[0] * width)
    return make_array(tracer, form, (matrix.shape[0], *array.shape[1:]))


def _dot(tracer: Tracer, a: Array, b: Array, out: Array = None) -> Array:
    if out is not None:
        tracer.stop("np.dot with out= is not followed")
    if not shape_of(a) or not shape_of(b):
        return np.multiply(a, b)
    if len(shape_of(a)) > 2 or len(shape_of(b)) > 2:
        tracer.stop("np.dot beyond two axes is not followed; use np.einsum")
    if isinstance(a, Traced) and isinstance(b, Traced):
        if not (holds_numbers(a) or holds_numbers(b)):
            return _both(tracer, a, b)
        a, b = (plain(a), b) if holds_numbers(a) else (a, plain(b))
    right = isinstance(b, Traced)
    if right:
        a = a if hasattr(a, "tocoo") else np.asarray(a)
        found = product_with(tracer, a if a.ndim == 2 else a[None], b)
        return found if a.ndim == 2 else found[0]
    b = b if hasattr(b, "tocoo") else np.asarray(b)
    if a.ndim == 1:
        found = product_with(tracer, (b if b.ndim == 2 else b[:, None]).T, a)
        return found if b.ndim == 2 else found[0]
    found = product_with(tracer, (b if b.ndim == 2 else b[:, None]).T, a.T).T
    return found if b.ndim == 2 else found[:, 0]


def _both(tracer: Tracer, a: Array, b: Array) -> Array:
    if a.ndim == 1 or b.ndim == 1:
        return (a * b).sum(-1) if b.ndim == 1 else (a[:, None] * b).sum(0)
    return (a[:, :, None] * b[None]).sum(1)


def _einsum(tracer: Tracer, pattern: Any, *parts: Any, **options: Argument) -> Array:
    if not isinstance(pattern, str) or "..." in pattern or "->" not in pattern or set(options) - {
            "optimize"}:
        tracer.stop("np.einsum is followed with a pattern such as 'ij,j->i' only")
    _refuse_truths(tracer, *parts)
    left, right = pattern.replace(" ", "").split("->")
    names = left.split(",")
    letters = "".join(dict.fromkeys("".join(names)))
    lengths = {letter: n for name, part in zip(names, parts, strict=True)
               for letter, n in zip(name, shape_of(part), strict=True)}
    shape = tuple(lengths[letter] for letter in letters)
    product: Any = 1
    for name, part in zip(names, parts, strict=True):
        places = np.arange(prod(shape_of(part))).reshape(shape_of(part))
        grid = np.broadcast_to(places[tuple(_axis(lengths, letters, c) for c in name)], shape)
        product = product * make_array(tracer, operand(tracer, part).take(grid), shape)
    order = [letters.index(c) for c in right + "".join(c for c in letters if c not in right)]
    product = np.transpose(product, order)
    dropped = tuple(range(len(right), len(letters)))
    return _sum(tracer, product, dropped) if dropped else product


def _refuse_truths(tracer: Tracer, *parts: Any) -> None:
    if all(map(holds_truths, parts)):
        tracer.stop("a sum of truth values alone is not followed here; multiply them by 1")


def _axis(lengths: dict[str, int], letters: str, letter: str) -> np.ndarray:
    shape = [1] * len(letters)
    shape[letters.index(letter)] = lengths[letter]
    return np.arange(lengths[letter]).reshape(shape)


def _convolve(tracer: Tracer, a: Array, v: Array, mode: str = "full") -> Array:
    _refuse_truths(tracer, a, v)
    if not isinstance(a, Traced) or holds_numbers(a):
        a, v = v, a
    v = plain(v)
    n, m = len(a), len(v)
    full = make_array(tracer, operand(tracer, 0, (n + m - 1,)), (n + m - 1,))
    for k in range(m):
        full[k:k + n] += exactly(tracer, v[k]) * a
    if mode == "full":
        return full
    short, long = sorted((n, m))
    start = (short - 1) // 2 if mode == "same" else short - 1
    return full[start:start + (long if mode == "same" else long - short + 1)].copy()


def _correlate(tracer: Tracer, a: Array, v: Array, mode: str = "valid") -> Array:
    return _convolve(tracer, a, plain(v)[::-1], mode)


def _gradient(tracer: Tracer, array: Array, *spacing: Any, axis: Argument = None,
              edge_order: int = 1
              ) -> Array:
    axes = range(array.ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else tuple(axis)
    steps = list(spacing) * (len(axes) if len(spacing) == 1 else 1) or [1] * len(axes)
    if any(np.ndim(h) for h in steps) or edge_order not in (1, 2):
        tracer.stop("np.gradient is followed on uniform grids only")
    found = []
    for k, h in zip(axes, steps, strict=True):
        u = np.moveaxis(array, k, 0)
        out = np.zeros_like(u)
        out[1:-1] = (u[2:] - u[:-2]) / 2
        if edge_order == 1:
            out[0], out[-1] = u[1] - u[0], u[-1] - u[-2]
        else:
            out[0] = (4 * u[1] - 3 * u[0] - u[2]) / 2
            out[-1] = (3 * u[-1] - 4 * u[-2] + u[-3]) / 2
        found.append(np.moveaxis(out / h, 0, k))
    return found[0] if len(found) == 1 else found


def _clip(tracer: Tracer, array: Array, low: Array = None, high: Array = None, *args: object,
          **options: Argument) -> Array:
    low, high = options.get("min", low), options.get("max", high)
    if low is not None:
        array = elementwise(tracer, "maximum", array, low)
    return array if high is None else elementwise(tracer, "minimum", array, high)


def _outer(tracer: Tracer, a: Array, b: Array, out: Array = None) -> Array:
    return np.multiply(np.ravel(a)[:, None], np.ravel(b)[None])


def correlate_symbols(tracer: Tracer, array: Array, weights: Array, mode: str, cval: Array,
                     origins: Sequence[int]) -> Array:
    """Σ w_k u_{i+k} with a boundary as SciPy's image filters have it."""
    wide = [(n // 2 + o, n - 1 - n // 2 - o)
            for n, o in zip(weights.shape, origins, strict=True)]
    options: Record = {"constant_values": cval} if mode == "constant" else {}
    if mode not in PADDED or any(min(pair) < 0 for pair in wide):
        tracer.stop(f"a filter with mode {mode!r} or such an origin is not followed")
    padded: Array = MOVING[np.pad](tracer, array, wide, PADDED[mode], **options)
    total: Any = np.zeros_like(array)
    for place in np.ndindex(weights.shape):
        if weights[place] != 0:
            part = tuple(slice(k, k + n) for k, n in zip(place, array.shape, strict=True))
            total = total + exactly(tracer, weights[place]) * padded[part]
    return total


def exactly(tracer: Tracer, number: Any) -> Array:
    """A number of an array as a traced one."""
    return make_array(tracer, exact_form(number, tracer.reading), ())


SUMMING: dict[Function, Function] = {
    np.sum: _sum, np.mean: _mean, np.average: _mean, np.cumsum: _cumsum, np.diff: _diff,
    np.dot: _dot, np.vdot: _dot, np.einsum: _einsum, np.convolve: _convolve,
    np.linalg.norm: _norm, np.bincount: _bincount, np.add.at: _add_at,
    np.subtract.at: _add_at,
    np.correlate: _correlate, np.gradient: _gradient, np.clip: _clip, np.outer: _outer,
}
