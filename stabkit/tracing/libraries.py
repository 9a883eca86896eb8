"""What a function calls that does not ask its arguments: stand-ins while it is traced.

``np.zeros(n)``, ``np.array([...])``, ``scipy.sparse`` and ``scipy.ndimage`` know numbers only.  The
function under trace is run with stand-ins for them in place of its global names and closures; the
function itself stays as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from inspect import getattr_static
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from stabkit.aliases import Argument, Array, Function, Record
from stabkit.tracing.array import Traced, TracedArray, make_array, operand, plain, shape_of
from stabkit.tracing.foreign import ForeignStep, to_symbols
from stabkit.tracing.linear_maps import (
    generic_filter,
    image_filters,
    interpolation,
    signal_filters,
)
from stabkit.tracing.moving import fill
from stabkit.tracing.solving import of_superlu, solvers, sparse_solvers
from stabkit.tracing.sparse import Sparse, is_linear_operator, maker_of_matrices, of_linear_operator
from stabkit.tracing.summing import correlate_symbols
from stabkit.tracing.tracer import Tracer


def on_symbols(function: Function, tracer: Tracer, buffers: bool = False) -> Function:
    """The function with stand-ins for what cannot take symbols.

    With `buffers`, arrays of floats that it reaches may have symbols written into them.
    """
    if isinstance(function, ForeignStep):
        return lambda u, *dt: function.follow(tracer, u, *(to_symbols(tracer, h) for h in dt))
    return _Stage(tracer, buffers).callable(function)


def with_stand_ins(function: Function, own: dict[int, Any]) -> Function:
    """The function with other functions in place of some of NumPy and SciPy, by their id."""
    stage = _Stage(Tracer(0))
    stage.own = own
    return stage.callable(function)


class Instance:
    """An object of a class of the user's, whose attributes may be others for this run."""

    def __init__(self, stage: _Stage, real: Any):
        object.__setattr__(self, "_parts", (stage, real, {}))

    def __getattr__(self, name: str) -> Any:
        stage, real, own = self._parts
        if name in own:
            return own[name]
        value = getattr(real, name)
        if isinstance(value, MethodType) and value.__self__ is real:
            return MethodType(stage.function(value.__func__), self)
        return stage.stand_in(value)

    def __setattr__(self, name: str, value: Any) -> None:
        self._parts[2][name] = value

    def __call__(self, *args: Argument, **options: Argument) -> Any:
        return self.__getattr__("__call__")(*args, **options)


class Library:
    """A module whose functions may be others."""

    def __init__(self, stage: _Stage, module: ModuleType):
        self._stage, self._module = stage, module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if self._module.__name__ == "scipy.sparse" and callable(value):
            return maker_of_matrices(self._stage.tracer, value)
        return self._stage.stand_in(value)


class _Stage:
    def __init__(self, tracer: Tracer, buffers: bool = False):
        self.tracer, self.buffers = tracer, buffers
        self.known: dict[int, Any] = {}
        self.names: dict[int, Record] = {}
        self.superlu: Any = None
        ndimage = sys.modules.get("scipy.ndimage")
        own: dict[Function, Function] = {
            np.zeros: self.zeros, np.empty: self.zeros, np.ones: self.ones, np.full: self.full,
            np.array: self.array, np.asarray: self.asarray, np.asanyarray: self.asarray,
            np.ascontiguousarray: self.asarray, np.asfortranarray: self.asarray,
            np.vectorize: self.vectorize, np.interp: interpolation(tracer)}
        if ndimage is not None:
            own |= {ndimage.correlate: self.correlate, ndimage.convolve: self.convolve,
                    ndimage.correlate1d: self.correlate1d, ndimage.convolve1d: self.convolve1d,
                    ndimage.laplace: self.laplace, ndimage.uniform_filter: self.uniform_filter,
                    ndimage.generic_filter: self.generic_filter}
            own |= image_filters(ndimage, tracer)
        signal = sys.modules.get("scipy.signal")
        if signal is not None:
            own |= signal_filters(signal, tracer)
        linalg = sys.modules.get("scipy.linalg")
        if linalg is not None:
            own |= solvers(linalg, tracer)
        sparse = sys.modules.get("scipy.sparse.linalg")
        if sparse is not None:
            own |= sparse_solvers(sparse, tracer)
            self.superlu = sparse.SuperLU
        self.own: dict[int, Any] = {id(func): stand_in for func, stand_in in own.items()}

    def callable(self, function: Function) -> Any:
        """A function, a method, a partial or an object that can be called, with stand-ins."""
        function = getattr(function, "py_func", function)  # of what Numba has compiled
        if isinstance(function, FunctionType):
            return self.function(function)
        if isinstance(function, partial):
            return partial(self.callable(function.func), *map(self.stand_in, function.args), **{
                name: self.stand_in(value) for name, value in function.keywords.items()})
        if isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
            owner = function.__self__
            return MethodType(self.function(function.__func__),
                              owner if isinstance(owner, type) else Instance(self, owner))
        if isinstance(getattr_static(type(function), "__call__", None), FunctionType):
            return Instance(self, function)
        return function

    def stand_in(self, value: Any) -> Any:
        if id(value) in self.own:
            return self.own[id(value)]
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] in ("numpy", "scipy"):
            return Library(self, value)
        if hasattr(value, "tocoo") and hasattr(value, "nnz"):
            return Sparse(self.tracer, value)
        if is_linear_operator(value):
            return of_linear_operator(self.tracer, value)
        if self.superlu and isinstance(value, self.superlu):
            return of_superlu(self.tracer, value)
        if self.superlu and isinstance(getattr(value, "__self__", None), self.superlu) and \
                value.__name__ == "solve":
            return of_superlu(self.tracer, value.__self__).solve
        if isinstance(getattr(value, "py_func", None), FunctionType):
            return self.function(value.py_func)
        if isinstance(value, np.vectorize):
            return self.vectorize(value.pyfunc)
        if hasattr(value, "_dispatcher") and \
                isinstance(getattr(value._dispatcher, "py_func", None), FunctionType):
            return self.vectorize(value._dispatcher.py_func)
        if self.buffers and isinstance(value, np.ndarray) and value.dtype.kind == "f" and \
                value.flags.writeable:
            return self.known.setdefault(id(value), make_array(
                self.tracer, operand(self.tracer, value), value.shape))
        if isinstance(value, FunctionType) and value.__module__ and \
                value.__module__.partition(".")[0] not in ("numpy", "scipy", "stabkit"):
            return self.function(value)
        return value

    def function(self, function: FunctionType) -> FunctionType:
        if id(function) in self.known:
            return self.known[id(function)]
        names = self.names.get(id(function.__globals__))
        fresh = names is None
        if names is None:
            names = self.names[id(function.__globals__)] = dict(function.__globals__)
        cells = tuple(CellType() for _ in function.__closure__ or ())
        twin = FunctionType(function.__code__, names, function.__name__, function.__defaults__,
                            cells)
        twin.__kwdefaults__ = function.__kwdefaults__
        self.known[id(function)] = twin
        for new, old in zip(cells, function.__closure__ or (), strict=True):
            if not _is_empty(old):
                new.cell_contents = self.stand_in(old.cell_contents)
        twin.__defaults__ = tuple(map(self.stand_in, function.__defaults__ or ())) or None
        if fresh:
            for name in _names_of(function.__code__):
                if name in names:
                    names[name] = self.stand_in(function.__globals__[name])
        else:
            for name in _names_of(function.__code__):
                if name in names and names[name] is function.__globals__[name]:
                    names[name] = self.stand_in(function.__globals__[name])
        return twin

    # -- stand-ins -------------------------------------------------------------------------------
    def vectorize(self, function: Function, *args: Argument, **options: Argument) -> Function:
        """A function of numbers is tried on whole arrays."""
        followed = self.callable(function)
        return lambda *parts: followed(*parts) if any(isinstance(part, Traced) for part in parts) \
            else np.vectorize(function, *args, **options)(*parts)

    def generic_filter(self, array: Array, function: Function, *args: Argument,
                       **options: Argument) -> Array:
        if not isinstance(array, Traced):
            return sys.modules["scipy.ndimage"].generic_filter(array, function, *args, **options)
        return generic_filter(self.tracer, array, self.callable(function), *args, **options)

    def zeros(self, shape: Any, dtype: DTypeLike = float, *args: Argument,
              **options: Argument) -> Array:
        return self._fill(shape, 0, dtype, np.zeros)

    def ones(self, shape: Any, dtype: DTypeLike = float, *args: Argument,
             **options: Argument) -> Array:
        return self._fill(shape, 1, dtype, np.ones)

    def full(self, shape: Any, value: Array, dtype: DTypeLike | None = None, **options: Argument
            ) -> Array:
        if dtype is None and not isinstance(value, (float, Traced)):
            return np.full(shape, value)
        return self._fill(shape, value, dtype or float,
                          lambda shape, dtype: np.full(shape, value, dtype))

    def _fill(self, shape: Any, value: Array, dtype: DTypeLike, plain: Function
               ) -> Array:
        if np.dtype(dtype).kind != "f":
            return plain(shape, dtype)
        shape = (int(shape),) if np.ndim(shape) == 0 else tuple(map(int, shape))
        return fill(self.tracer, shape, value)

    def array(self, value: Array, dtype: DTypeLike | None = None, *args: Argument,
              **options: Argument) -> Array:
        if isinstance(value, Traced):
            return value.copy()
        if not _holds_symbols(value):
            return np.array(value, dtype, *args, **options)
        made_of = [self.array(part) if isinstance(part, (list, tuple)) else part for part in value]
        shape = np.broadcast_shapes(*map(shape_of, made_of))
        return np.stack([make_array(self.tracer, operand(self.tracer, part, shape), shape)
                         for part in made_of]) if shape else self._row(made_of)

    def _row(self, parts: list[Array]) -> Array:
        return np.concatenate([make_array(self.tracer, operand(self.tracer, part, (1,)), (1,))
                               for part in parts])

    def asarray(self, value: Array, dtype: DTypeLike | None = None, *args: Argument,
                **options: Argument) -> Array:
        if isinstance(value, TracedArray):
            return value
        return self.array(value, dtype) if _holds_symbols(value) else \
            np.asarray(value, dtype, *args, **options)

    def correlate(self, array: Array, weights: Array, output: Array = None, mode: str = "reflect",
                  cval: Array = 0, origin: Array = 0, **options: Argument) -> Array:
        origins = [origin] * np.ndim(array) if np.ndim(origin) == 0 else list(origin)
        if output is not None or options:
            self.tracer.stop("a filter with output= or axes= is not followed")
        return correlate_symbols(self.tracer, array, plain(weights), mode, cval, origins)

    def convolve(self, array: Array, weights: Array, output: Array = None, mode: str = "reflect",
                 cval: Array = 0, origin: Array = 0, **options: Argument) -> Array:
        weights = np.flip(plain(weights))
        origins = [origin] * np.ndim(array) if np.ndim(origin) == 0 else list(origin)
        even = [1 - n % 2 for n in weights.shape]
        return self.correlate(array, weights, output, mode, cval,
                              [-o - e for o, e in zip(origins, even, strict=True)], **options)

    def correlate1d(self, array: Array, weights: Array, axis: int = -1, output: Array = None,
                    mode: str = "reflect", cval: Array = 0, origin: int = 0) -> Array:
        shape, origins = [1] * array.ndim, [0] * array.ndim
        weights, axis = plain(weights), axis % array.ndim
        shape[axis], origins[axis] = len(weights), origin
        return self.correlate(array, weights.reshape(shape), output, mode, cval, origins)

    def convolve1d(self, array: Array, weights: Array, axis: int = -1, output: Array = None,
                   mode: str = "reflect", cval: Array = 0, origin: int = 0) -> Array:
        weights = plain(weights)[::-1]
        return self.correlate1d(array, weights, axis, output, mode, cval,
                                -origin - (1 - len(weights) % 2))

    def laplace(self, array: Array, output: Array = None, mode: str = "reflect", cval: Array = 0,
                **options: Argument) -> Array:
        total: Any = 0
        for axis in range(array.ndim):
            total = total + self.correlate1d(array, np.array([1, -2, 1]), axis, output, mode, cval)
        return total

    def uniform_filter(self, array: Array, size: int = 3, output: Array = None,
                       mode: str = "reflect", cval: Array = 0, origin: Array = 0,
                       **options: Argument) -> Array:
        for axis in range(array.ndim):
            array = self.correlate1d(array, np.ones(size, dtype=int), axis, output, mode, cval,
                                     origin) / size
        return array


def _holds_symbols(value: Array) -> bool:
    return isinstance(value, Traced) or (isinstance(value, (list, tuple)) and any(
        map(_holds_symbols, value)))


def _names_of(code: Any) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _names_of(constant)


def _is_empty(cell: CellType) -> bool:
    try:
        return cell.cell_contents is cell
    except ValueError:
        return True
