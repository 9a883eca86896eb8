"""Launches of the CUDA kernels in ``stabkit/kernels/cuda``: one way to compile them, one to call.

The kernels compute what the loops of ``stabkit/kernels`` do, in the same order and without
contraction, so with the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from stabkit.aliases import Array, Signal
from stabkit.arithmetic.backend import namespace, raw_kernel
from stabkit.codes import BendCode, FluxCode, NotionCode, SchemeCode

THREADS = 256  # in a block, unless a kernel needs another number
SHARED = 48 * 1024  # bytes of shared memory that every GPU gives a block

_SOURCES = Path(__file__).parent / "kernels" / "cuda"


class Launcher:
    """The kernels of one source, compiled on their first launch.

    Parameters
    ----------
    beside : array
        Of the library that the kernels are for.
    file : str
        The source.
    **definitions
        The macros that it is compiled with.
    """

    def __init__(self, beside: Array, file: str, **definitions: Any):
        self.beside, self.source = beside, source(file)
        self.options = ("--fmad=false", *(f"-D{name}={value}"
                                          for name, value in definitions.items()))

    @classmethod
    def of(cls, beside: Array, file: str, **definitions: Any) -> Launcher | None:
        """A launcher, or None if the library of `beside` cannot compile kernels."""
        made = cls(beside, file, **definitions)
        first = made.source.split("__global__ void ")[1].split("(")[0]
        return made if made._kernel(first) is not None else None

    def __call__(self, name: str, blocks: int, threads: int, *arguments: Any, shared: int = 0
                 ) -> None:
        """Launch a kernel; an int among its arguments is a long long of the source."""
        typed = tuple(np.int64(value) if isinstance(value, int) else value for value in arguments)
        self._kernel(name)(blocks, threads, typed, shared)

    def _kernel(self, name: str) -> Any:
        return raw_kernel(self.beside, self.source, name, self.options)


def host_dtype(u: Signal) -> np.dtype:
    """The dtype of a float array of any library, as NumPy's."""
    return np.dtype(np.float64 if u.dtype == namespace(u).float64 else np.float32)


def real(u: Signal) -> str:
    """Its name in C."""
    return "double" if host_dtype(u) == np.float64 else "float"


def adjacent(u: Signal, shape: tuple[int, ...]) -> Array:
    """u itself if its entries are known to be adjacent, else a copy."""
    known = getattr(u, "flags", None)
    return namespace(u).reshape(u, shape) if known is not None and known.c_contiguous else \
        contiguous_copy(u, shape)


def contiguous_copy(u: Signal, shape: tuple[int, ...]) -> Array:
    """A copy with adjacent entries."""
    xp = namespace(u)
    made = xp.empty(shape, dtype=u.dtype)
    made[...] = xp.reshape(u, shape)
    return made


@cache
def source(file: str) -> str:
    """A source with the codes by their names, and the text of its headers in their places."""
    codes = [f"#define {code.name} {code.value}"
             for kind in (FluxCode, SchemeCode, NotionCode, BendCode) for code in kind]
    return "\n".join([*codes, *_lines(file)]) + "\n"


def _lines(file: str) -> Iterator[str]:
    for line in (_SOURCES / file).read_text("utf-8").splitlines():
        header = line.removeprefix("#include ").strip('"')
        yield from [line] if header == line else _lines(header)
