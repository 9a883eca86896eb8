"""An array of symbols: NumPy code runs on it and leaves exact forms behind."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from numbers import Integral
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from stabkit.aliases import Argument, Array, Operand
from stabkit.arithmetic.rational import Constant
from stabkit.tracing.form import Form, join_forms
from stabkit.tracing.numbers import exact_form
from stabkit.tracing.tracer import Tracer

Order = Literal["C", "F", "A"]  # in which the entries of an array follow each other

_LISTED = 4096  # entries of an array that may be handed on one by one


class _Cell:
    """What views of one array share; what is written is put in when the array is read."""

    __slots__ = ("_form", "_written", "dtype")

    def __init__(self, form: Form, dtype: type):
        self._form, self.dtype = form, dtype
        self._written: list[tuple[np.ndarray, Form]] = []

    def write(self, places: np.ndarray, form: Form) -> None:
        """Put forms at flat places."""
        self._written.append((places, form))

    @property
    def form(self) -> Form:
        """All entries, in flat order."""
        if self._written:
            first = self._form.count
            index = np.arange(first)
            for places, form in self._written:
                index[places] = first + np.arange(places.size)
                first += form.count
            self._form = join_forms([self._form, *(form for _, form in self._written)]).take(index)
            self._written = []
        return self._form


class Traced:
    """Entries of one run: a number of symbols; :class:`TracedArray` has axes as well.

    Views are views: what is written through one is seen through the others.
    """

    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"
    def __init__(self, tracer: Tracer, cell: _Cell, index: np.ndarray):
        self.tracer, self.cell, self.index = tracer, cell, index

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.cell.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.index.shape

    @property
    def ndim(self) -> int:
        return self.index.ndim

    @property
    def size(self) -> int:
        return self.index.size

    def __repr__(self) -> str:
        return f"a traced array of shape {self.shape}"

    @property
    def form(self) -> Form:
        """The forms of its entries, in flat order."""
        return self.cell.form.take(self.index)

    def view(self, index: np.ndarray) -> Array:
        """Other places of the same array."""
        kind = TracedArray if np.ndim(index) else Traced
        return kind(self.tracer, self.cell, np.asarray(index))

    def copy(self, order: str = "C") -> Array:
        return make_array(self.tracer, self.form, self.shape, self.cell.dtype)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Array:
        return self.copy()

    def astype(self, dtype: DTypeLike, *args: Argument, **options: Argument) -> Array:
        if np.dtype(dtype).kind != "f":
            self.tracer.stop(f"astype({dtype!r}) rounds the values or leaves the real numbers")
        return make_array(self.tracer, self.form, self.shape)

    @property
    def real(self) -> Array:
        return self

    def conj(self) -> Array:
        return self

    def __getattr__(self, name: str) -> Any:
        # Code may ask for an attribute to tell what it is given, and go on without it.
        if name.startswith("__") or name in ("tocoo", "nnz"):
            raise AttributeError(name)
        self.tracer.stop(f"the attribute {name} of an array is not followed")

    def item(self, *args: Argument) -> NoReturn:
        self.tracer.stop("item() looks at a value")

    tolist = item

    def __bool__(self) -> bool:
        self.tracer.stop("a branch that depends on the data or on the step")

    def __float__(self) -> float:
        self.tracer.fills_numbers = True
        self.tracer.stop("float() looks at a value; keep dt and the data in array arithmetic")

    def __int__(self) -> int:
        self.tracer.stop("int() looks at a value")

    __index__ = __int__

    def __complex__(self) -> complex:
        self.tracer.stop("complex() looks at a value")

    # -- arithmetic ------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Argument) -> Array:
        out = options.pop("out", (None,))[0]
        options = {key: value for key, value in options.items()
                   if key not in ("dtype", "casting", "order", "subok")}
        mask = options.pop("where", None) if method == "__call__" and out is not None else None
        if method == "at" and ufunc in (np.add, np.subtract):
            return self.tracer.functions[ufunc.at](self.tracer, ufunc, *inputs)
        if method == "reduce" and ufunc is np.add:
            result = inputs[0].sum(**options)
        elif method != "__call__" or options:
            more = "".join(f", {name}=" for name in options)
            self.tracer.stop(f"np.{ufunc.__name__}.{method}{more} is not followed")
        else:
            result = self._apply(ufunc, inputs)
        if out is None:
            return result
        result = result if mask is None else np.where(mask, result, out)
        if not isinstance(out, TracedArray):
            self.tracer.stop("the result is written into an array of numbers; make it with "
                             "np.zeros_like(u) or u.copy()")
        out[...] = result
        return out

    def __array_function__(self, func: Any, types: Any, args: Any, options: Any) -> Any:
        known = self.tracer.functions.get(func)
        if known is None:
            self.tracer.stop(f"np.{func.__name__} is not followed")
        return known(self.tracer, *args, **options)

    def _apply(self, ufunc: Any, inputs: tuple[Any, ...]) -> Any:
        known = self.tracer.functions.get(ufunc)
        if known is None:
            self.tracer.stop(f"np.{ufunc.__name__} is not followed")
        return known(self.tracer, *inputs)

    def __add__(self, other: Operand) -> Array:
        return np.add(self, other)

    def __radd__(self, other: Operand) -> Array:
        return np.add(other, self)

    def __sub__(self, other: Operand) -> Array:
        return np.subtract(self, other)

    def __rsub__(self, other: Operand) -> Array:
        return np.subtract(other, self)

    def __mul__(self, other: Operand) -> Array:
        # A sparse matrix says itself what a multiple of it is.
        return NotImplemented if hasattr(other, "tocoo") else np.multiply(self, other)

    def __rmul__(self, other: Operand) -> Array:
        return np.multiply(other, self)

    def __truediv__(self, other: Operand) -> Array:
        return np.divide(self, other)

    def __rtruediv__(self, other: Operand) -> Array:
        return np.divide(other, self)

    def __pow__(self, other: Operand) -> Array:
        return np.power(self, other)

    def __neg__(self) -> Array:
        return np.negative(self)

    def __pos__(self) -> Array:
        return self.copy()

    def __abs__(self) -> Array:
        return np.absolute(self)

    def __lt__(self, other: Operand) -> Array:
        return np.less(self, other)

    def __le__(self, other: Operand) -> Array:
        return np.less_equal(self, other)

    def __gt__(self, other: Operand) -> Array:
        return np.greater(self, other)

    def __ge__(self, other: Operand) -> Array:
        return np.greater_equal(self, other)

    def __eq__(self, other: Operand) -> Array:
        return np.equal(self, other)

    def __ne__(self, other: Operand) -> Array:
        return np.not_equal(self, other)

    def __and__(self, other: Operand) -> Array:
        return np.logical_and(self, other)

    def __or__(self, other: Operand) -> Array:
        return np.logical_or(self, other)

    def __invert__(self) -> Array:
        return np.logical_not(self)


class TracedArray(Traced):
    """Symbols along axes."""

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype: DTypeLike | None = None, copy: Any = None) -> np.ndarray:
        if self.dtype == bool or self.size > _LISTED or np.dtype(dtype or object) != object:
            self.tracer.fills_numbers = True
            self.tracer.stop("the array is turned into one of numbers; assign to np.zeros_like(u) "
                             "or u.copy(), and leave out dtype=")
        out = np.empty(self.shape, dtype=object)
        for place in np.ndindex(self.shape):
            out[place] = self.view(self.index[place]).copy()
        return out

    def __getitem__(self, key: Any) -> Any:
        self._check(key)
        found = self.index[key]
        part = self.view(found)
        return part if np.may_share_memory(found, self.index) else part.copy()

    def __setitem__(self, key: Any, value: Array) -> None:
        if isinstance(key, Traced) and key.shape == self.shape and shape_of(value) == ():
            self[...] = np.where(key, value, self)
            return
        self._check(key)
        places = self.index[key]
        form = operand(self.tracer, value, places.shape)
        if not places.size:
            return
        self.cell.write(places.ravel(), form)

    def _check(self, key: Any) -> None:
        if any(isinstance(part, Traced) for part in (key if isinstance(key, tuple) else (key,))):
            self.tracer.stop("a mask or index that depends on the data; use np.where")

    def __iadd__(self, other: Operand) -> Array:
        self[...] = self + other
        return self

    def __isub__(self, other: Operand) -> Array:
        self[...] = self - other
        return self

    def __imul__(self, other: Operand) -> Array:
        self[...] = self * other
        return self

    def __itruediv__(self, other: Operand) -> Array:
        self[...] = self / other
        return self

    def __matmul__(self, other: Operand) -> Array:
        return np.dot(self, other)

    def __rmatmul__(self, other: Operand) -> Array:
        return np.dot(other, self) if isinstance(other, np.ndarray) else \
            self.tracer.functions[np.dot](self.tracer, other, self)

    def fill(self, value: Array) -> None:
        self[...] = value

    @property
    def T(self) -> Array:
        return self.view(self.index.T)

    @property
    def flat(self) -> Array:
        return iter(self.ravel())

    def reshape(self, *shape: Any, order: Order = "C") -> Array:
        new = shape[0] if len(shape) == 1 and not isinstance(shape[0], Integral) else shape
        return self._move(self.index.reshape(new, order=order))

    def ravel(self, order: Order = "C") -> Array:
        return self._move(self.index.ravel(order))

    def flatten(self, order: Order = "C") -> Array:
        return self.ravel(order).copy()

    def transpose(self, *axes: Any) -> Array:
        return self._move(self.index.transpose(*axes))

    def swapaxes(self, a: int, b: int) -> Array:
        return self._move(self.index.swapaxes(a, b))

    def squeeze(self, axis: Argument = None) -> Array:
        return self._move(self.index.squeeze(axis))

    def _move(self, index: np.ndarray) -> Array:
        part = self.view(index)
        return part if np.may_share_memory(index, self.index) else part.copy()

    def sum(self, axis: Argument = None, **options: Argument) -> Array:
        return np.sum(self, axis=axis, **options)

    def mean(self, axis: Argument = None, **options: Argument) -> Array:
        return np.mean(self, axis=axis, **options)

    def dot(self, other: Operand) -> Array:
        return np.dot(self, other)

    def max(self, *args: Argument, **options: Argument) -> NoReturn:
        self.tracer.stop("max over the data, or min, all, any, sort, is not followed")

    min = std = var = argmax = argmin = any = all = prod = cumprod = sort = argsort = max

    def clip(self, low: Array = None, high: Array = None) -> Array:
        return np.clip(self, low, high)


def make_array(tracer: Tracer, form: Form, shape: tuple[int, ...], dtype: type = float) -> Array:
    """A new array of such forms; a number where the shape is ()."""
    kind = TracedArray if shape else Traced
    return kind(tracer, _Cell(form, dtype), np.arange(prod(shape)).reshape(shape))


def operand(tracer: Tracer, value: Array, shape: tuple[int, ...] | None = None) -> Form:
    """The forms of an argument, spread over a shape."""
    if isinstance(value, Traced):
        form, own = value.form, value.shape
    else:
        form, own = _of_numbers(tracer, value)
    if shape is None or own == shape:
        return form
    return form.take(np.broadcast_to(np.arange(form.count).reshape(own), shape))


def _of_numbers(tracer: Tracer, value: Array) -> tuple[Form, tuple[int, ...]]:
    if isinstance(value, (list, tuple)) and any(isinstance(part, Traced) for part in value):
        value = np.stack(value)
        return value.form, value.shape
    array = np.asarray(value, dtype=object) if isinstance(value, Constant) else np.asarray(value)
    if array.dtype == object and any(isinstance(entry, Traced) for entry in array.flat):
        return join_forms([operand(tracer, entry) for entry in array.flat]), array.shape
    if array.dtype.kind not in "bifuO":
        tracer.stop(f"numbers of dtype {array.dtype} are not followed")
    return exact_form(array, tracer.reading), array.shape


def plain(value: Array) -> np.ndarray:
    """The numbers of a traced array that holds numbers only, or of an array."""
    if not isinstance(value, Traced):
        return np.asarray(value)
    if not holds_numbers(value):
        value.tracer.stop("numbers are needed here, not the data or the step")
    return value.form.values().reshape(value.shape)


def holds_numbers(value: Array) -> bool:
    """Whether neither the data nor the step enters."""
    if not isinstance(value, Traced):
        return True
    form = value.form
    return form.is_constant and form.numerators.shape[1] == 1 and len(form.denominator) == 1


def shape_of(value: Array) -> tuple[int, ...]:
    """Of a traced array, or of numbers."""
    return value.shape if isinstance(value, Traced) else np.shape(value)
