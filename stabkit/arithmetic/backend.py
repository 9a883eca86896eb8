"""Array libraries: which one an array belongs to, where new ones are made, the way to the host.

The arrays decide: a function asks :func:`namespace` for the names of its arguments' library and
uses the names of the array API standard.  Nothing else in stabkit knows what a GPU is, and only
this file imports CuPy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from stabkit.aliases import Array, Library, Scalar, Signal, Vector
from stabkit.errors import InvalidArgument
from stabkit.installation import install

GIB = 2**30
_TEMPORARIES = 12  # arrays of the size of its batch that one step may hold at a time

_OFTEN = frozenset({np.ndarray, np.float64, np.float32})  # recognised by their type

_selected = "numpy"


# -- the library of an array -----------------------------------------------------------------------
def namespace(*arrays: Array) -> Library:
    """The library that the arrays belong to, as a namespace of the array API standard.

    Numbers and other things that are no arrays do not count; without any array it is NumPy.

    Raises
    ------
    InvalidArgument
        If the arrays belong to two libraries.
    """
    found = None
    for array in arrays:
        library = np if type(array) in _OFTEN else _library(array)
        if library is not None and found is not None and library is not found:
            raise InvalidArgument(
                f"arrays: {found.__name__} and {library.__name__} are mixed; move one array to the "
                "library of the other first")
        found = library or found
    return found or np


def _library(array: Array) -> Library:
    if isinstance(array, (np.ndarray, np.generic)):
        return np
    if type(array).__module__.partition(".")[0] == "cupy":
        return sys.modules["cupy"] if hasattr(array, "dtype") else None
    ask = getattr(array, "__array_namespace__", None)
    return ask() if callable(ask) else None


def is_foreign(array: Array) -> bool:
    """Whether this is an array of a library other than NumPy."""
    return type(array) not in _OFTEN and namespace(array) is not np


# -- there and back --------------------------------------------------------------------------------
def from_host(values: Array) -> Array:
    """A new array of the selected library.

    Its values come from the host, so every backend sees the same numbers.
    """
    return _cupy().asarray(values) if _selected == "cupy" else np.asarray(values)


def like(values: Array, array: Array) -> Array:
    """Host numbers as an array with the library and the dtype of `array`.

    Where `array` has exact entries they stay as they are.
    """
    xp = namespace(array)
    if xp is np:
        return values if array.dtype == object else np.asarray(values).astype(array.dtype)
    return xp.astype(xp.asarray(np.asarray(values, dtype=np.float64)), array.dtype, copy=False)


def beside(values: Array, array: Array) -> Array:
    """Host numbers in the library of `array`, with their own dtype.

    They stay as they are if that is NumPy, or the library that they belong to already.
    """
    if not is_foreign(array) or is_foreign(values):
        return values
    return namespace(array).asarray(np.asarray(values))


def to_host(array: Array) -> Array:
    """The array as NumPy's, where verdicts are made; the only way back."""
    xp = namespace(array)
    if xp is np:
        return array
    return array.get() if xp.__name__ == "cupy" else np.from_dlpack(array)


# -- which libraries there are ---------------------------------------------------------------------
def backends() -> dict[str, str]:
    """The known array libraries: their version, or what is missing and how to get it."""
    return {"numpy": np.__version__, "cupy": _cupy_state()[1]}


def select_backend(name: str) -> None:
    """Choose the library of new arrays.

    Raises
    ------
    InvalidArgument
        If it is unknown or cannot be used here.
    """
    global _selected
    if name == _selected:
        return  # what can be used here takes a while to find out
    if name not in backends():
        raise InvalidArgument(f"backend: must be numpy or cupy, got {name!r}")
    if name == "cupy":
        usable, state = _cupy_state()
        if not usable:
            raise InvalidArgument(f"backend: cupy cannot be used here: {state}")
    _selected = name


def selected_backend() -> str:
    """The name of the library of new arrays."""
    return _selected


def _cupy() -> Library:
    import cupy

    return cupy


def _cupy_state() -> tuple[bool, str]:
    """Whether CuPy can be used, and its version or what is missing."""
    try:
        cupy = _cupy()
    except ImportError as error:
        missing = "is not installed" if error.name == "cupy" else f"does not load ({error})"
        return False, f"CuPy {missing}; beside NVIDIA's driver, {install('gpu')}" \
                      " (for CUDA 13: gpu-cuda13)"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
        if count:
            free, total = cupy.cuda.runtime.memGetInfo()
            model = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
            return True, (f"{cupy.__version__}, {model}, {free / GIB:.1f} of {total / GIB:.1f} GiB "
                          "free")
        reason = "no device"
    except cupy.cuda.runtime.CUDARuntimeError as error:
        reason = str(error)
    return False, (f"CuPy {cupy.__version__} is installed but finds no GPU ({reason}); it needs a "
                   "machine with an NVIDIA GPU and NVIDIA's driver (nvidia-smi must list the GPU)")


# -- kernels of one's own --------------------------------------------------------------------------
def raw_kernel(beside: Scalar, source: str, name: str, options: tuple[str, ...]) -> Any:
    """A kernel of a CUDA source, compiled on its first launch, for arrays that live on a GPU.

    Parameters
    ----------
    beside : array
        None is returned if its library has no such kernels.
    source, name : str
    options : tuple of str
        Of the compiler.

    Returns
    -------
    callable or None
        (blocks, threads per block, arguments, bytes of shared memory) ↦ None.
    """
    return _launch(source, name, options) if namespace(beside).__name__ == "cupy" else None


@cache
def _launch(source: str, name: str, options: tuple[str, ...]) -> Any:
    kernel = _cupy().RawKernel(source, name, options=options, backend="nvrtc")

    def launch(blocks: int, threads: int, arguments: tuple[Scalar, ...], shared: int) -> None:
        kernel((blocks,), (threads,), arguments, shared_mem=shared)

    return launch


# -- memory ----------------------------------------------------------------------------------------
def in_parts(step: Callable[[Scalar], Scalar], u: Signal) -> Array:
    """step(u), in as many parts of the batch u as fit the free memory of its device.

    Parameters
    ----------
    step : callable
        Acts on every signal of a batch by itself, and keeps its shape.
    u : array, shape (..., N)

    Raises
    ------
    InvalidArgument
        If not even one signal fits.
    """
    xp = namespace(u)
    count = _product(u.shape[:-1])
    part = min(count, max(1, _rows_that_fit(xp, u)))
    if part == count:
        try:
            return step(u)
        except MemoryError:  # CuPy's OutOfMemoryError is one
            part = count // 2
    rows = xp.reshape(u, (count, u.shape[-1]))
    while part >= 1:
        try:
            done = [step(rows[a:min(a + part, count), :]) for a in range(0, count, part)]
            return xp.reshape(xp.concat(done, axis=0), u.shape)
        except MemoryError:
            part //= 2
    raise InvalidArgument(
        f"u: not even one signal of {u.shape[-1]} samples fits the free memory of the device, of "
        f"{count} in the batch; take fewer samples, or arrays of numpy") from None


@contextmanager
def within_memory(array: Array, name: str, *, grid: bool = False) -> Iterator[None]:
    """A clear error where work on an array of another library than NumPy does not fit its device.

    Parameters
    ----------
    array : array, shape (samples, ...)
    name : str
        The argument that it came in.
    grid : bool
        Its entries are the points of a grid instead of samples.

    Raises
    ------
    InvalidArgument
        Instead of a MemoryError, with the batch to take instead.
    """
    try:
        yield
    except MemoryError as error:  # CuPy's OutOfMemoryError is one
        if not is_foreign(array):
            raise
        count = array.shape[0] if array.ndim else 1
        smaller = "a smaller grid" if grid or count < 2 else \
            f"at most {count // 2} of its {count} samples at a time"
        raise InvalidArgument(
            f"{name}: the work on an array of shape {array.shape} does not fit the free memory of "
            f"the device ({error or 'out of memory'}); take {smaller}, or arrays of numpy"
        ) from error


def _rows_that_fit(xp: Library, u: Signal) -> int:
    if xp.__name__ != "cupy":
        return _product(u.shape[:-1])
    pool = xp.get_default_memory_pool()
    free = xp.cuda.runtime.memGetInfo()[0] + pool.free_bytes()
    return free // (_TEMPORARIES * max(u.shape[-1], 1) * u.dtype.itemsize)


def _product(sizes: Vector) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total
