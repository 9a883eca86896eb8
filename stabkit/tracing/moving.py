"""Functions of NumPy that only move entries: they are run on the places of the entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from stabkit.aliases import Argument, Array, Function
from stabkit.tracing.array import Traced, TracedArray, make_array, operand, shape_of
from stabkit.tracing.form import constants, join_forms
from stabkit.tracing.numbers import holds_truths
from stabkit.tracing.tracer import Tracer

# The function, and which of its arguments hold entries (a sequence of arrays counts as one).
_MOVING: dict[Function, tuple[int, ...]] = {
    np.roll: (0,), np.flip: (0,), np.fliplr: (0,), np.flipud: (0,), np.transpose: (0,),
    np.swapaxes: (0,), np.moveaxis: (0,), np.squeeze: (0,), np.expand_dims: (0,),
    np.reshape: (0,), np.ravel: (0,), np.concatenate: (0,), np.stack: (0,), np.hstack: (0,),
    np.vstack: (0,), np.dstack: (0,), np.column_stack: (0,), np.block: (0,), np.tile: (0,),
    np.repeat: (0,), np.take: (0,), np.broadcast_to: (0,), np.diag: (0,), np.diagonal: (0,),
    np.rot90: (0,), np.triu: (0,), np.tril: (0,), np.atleast_1d: (0,), np.atleast_2d: (0,),
    np.atleast_3d: (0,), np.append: (0, 1), np.insert: (0, 2), np.delete: (0,),
    np.compress: (1,), np.split: (0,), np.array_split: (0,), np.resize: (0,),
    np.copy: (0,), np.rollaxis: (0,),
}
_VIEWS = {np.transpose, np.swapaxes, np.moveaxis, np.squeeze, np.expand_dims, np.reshape, np.ravel,
          np.flip, np.fliplr, np.flipud, np.diagonal, np.broadcast_to, np.rot90, np.atleast_1d,
          np.atleast_2d, np.atleast_3d, np.split, np.array_split, np.rollaxis}


class Pool:
    """The entries of several arrays in one row; place 0 is the number 0, which fills."""

    def __init__(self, tracer: Tracer):
        self.tracer, self.forms = tracer, [constants(np.zeros((1, 1), dtype=np.int64))]
        self.of_truths: list[bool] = []

    def places(self, value: Array) -> Array:
        if isinstance(value, (list, tuple)):
            return type(value)(self.places(part) for part in value)
        first = sum(form.count for form in self.forms)
        form = operand(self.tracer, value)
        self.forms.append(form)
        self.of_truths.append(holds_truths(value))
        return np.arange(first, first + form.count).reshape(shape_of(value))

    def array(self, places: Any) -> Array:
        if isinstance(places, (list, tuple)):
            return type(places)(map(self.array, places))
        dtype = bool if all(self.of_truths) else float
        return make_array(self.tracer, join_forms(self.forms).take(places), np.shape(places), dtype)


def _move_entries(func: Function, held: Sequence[int]) -> Function:
    def run(tracer: Tracer, *args: Argument, **options: Argument) -> Any:
        first = args[held[0]] if len(args) > held[0] else None
        if func in _VIEWS and isinstance(first, TracedArray):
            found = func(*args[:held[0]], first.index, *args[held[0] + 1:], **options)
            parts = found if isinstance(found, list) else [found]
            seen = [first.view(part) if np.may_share_memory(part, first.index)
                    else first.view(part).copy() for part in parts]
            return seen if isinstance(found, list) else seen[0]
        if options.pop("out", None) is not None or any(
                isinstance(value, Traced) for value in options.values()) or len(args) <= held[-1]:
            tracer.stop(f"np.{func.__name__} with these arguments is not followed")
        pool = Pool(tracer)
        moved = [pool.places(arg) if k in held else arg for k, arg in enumerate(args)]
        return pool.array(func(*moved, **options))
    return run


def _pad(tracer: Tracer, array: Array, width: Argument, mode: Argument = "constant",
         **options: Argument) -> Array:
    if mode not in ("constant", "edge", "wrap", "reflect", "symmetric") or \
            set(options) - {"constant_values"}:
        tracer.stop(f"np.pad with mode={mode!r} and {', '.join(options)} is not followed")
    pool = Pool(tracer)
    places = pool.places(array)
    if "constant_values" in options:
        if np.ndim(options["constant_values"]):
            tracer.stop("np.pad with several constant values is not followed")
        options["constant_values"] = int(pool.places(options["constant_values"]))
    return pool.array(np.pad(places, width, mode, **options))


def _where(tracer: Tracer, mask: Any, *choices: Any) -> Array:
    if len(choices) != 2:
        tracer.stop("np.where with a condition alone depends on the data")
    if isinstance(mask, Traced):
        shape = np.broadcast_shapes(*map(shape_of, (mask, *choices)))
        parts = [operand(tracer, part, shape) for part in (mask, *choices)]
        dtype = bool if all(map(holds_truths, choices)) else float
        return make_array(tracer, tracer.node("where", parts), shape, dtype)
    pool = Pool(tracer)
    return pool.array(np.where(mask, *map(pool.places, choices)))


def _fill_like(value: Array) -> Function:
    def run(tracer: Tracer, like: Array, dtype: DTypeLike | None = None, order: str = "K",
            subok: bool = True, shape: Any = None, **options: object) -> Any:
        shape = shape_of(like) if shape is None else shape
        shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
        kind = getattr(like, "dtype", float) if dtype is None else np.dtype(dtype)
        return fill(tracer, shape, value, bool if np.dtype(kind) == np.dtype(bool) else float)
    return run


def fill(tracer: Tracer, shape: tuple[int, ...], value: Array, dtype: type = float) -> Array:
    """A traced array of one number, into which symbols may be written."""
    return make_array(tracer, operand(tracer, value, shape), shape, dtype)


def _full_like(tracer: Tracer, like: Array, value: Array, *args: object,
               **options: object) -> Array:
    return fill(tracer, shape_of(like), value)


MOVING: dict[Function, Function] = {
    **{func: _move_entries(func, held) for func, held in _MOVING.items()},
    np.pad: _pad, np.where: _where, np.zeros_like: _fill_like(0), np.empty_like: _fill_like(0),
    np.ones_like: _fill_like(1), np.full_like: _full_like,
    np.shape: lambda tracer, a: a.shape, np.ndim: lambda tracer, a: a.ndim,
    np.size: lambda tracer, a, axis=None: a.size if axis is None else a.shape[axis],
    np.iscomplexobj: lambda tracer, a: False, np.isrealobj: lambda tracer, a: True,
    np.real: lambda tracer, a: a, np.result_type: lambda tracer, *a: np.dtype(float),
}
