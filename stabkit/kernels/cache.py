"""Numba's disk cache of one function, in the user's folder and by what the sources say.

Numba keys its own cache by the place and the file of the compiled function: it would keep old code
when a function of another file changes, and two copies of the package would share nothing or
overwrite each other.  Here the folder is named after Numba's version and a digest of all sources
of the room: changed code is new code, and the same code is found from every copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pickle import UnpicklingError
from typing import Any
from uuid import uuid4

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from stabkit.cache_folder import cache_folder, keeps_files


def cache_of(digest: str) -> Callable[[Callable], Any] | None:
    """Return what makes the cache of a function; None if nothing can be kept on this machine."""
    folder = cache_folder() / f"numba-{numba.__version__}-{digest}"
    if not keeps_files(folder):
        return None

    class Place(_CacheLocator):
        def __init__(self, function: Callable, file: str):
            self._py_file, self._line = file, function.__code__.co_firstlineno

        @classmethod
        def from_function(cls, function: Callable, file: str) -> Place:
            return cls(function, file)

        def get_cache_path(self) -> str:
            return str(folder)

        def get_source_stamp(self) -> str:
            return digest

        def get_disambiguator(self) -> str:
            return str(self._line)

    class Stored(CompileResultCacheImpl):
        _locator_classes = [Place]  # noqa: RUF012  # as Numba reads it

    class Cache(_Forgiving):
        _impl_class = Stored  # type: ignore[assignment]  # Numba leaves it to subclasses

    return Cache


class _Forgiving(FunctionCache):
    """A cache that never breaks a calculation: what cannot be read or written is compiled."""

    def __init__(self, function: Callable):
        super().__init__(function)
        # Processes that save at once write files of their own: Numba would number them alike, and
        # one would run what the other has compiled for other types.
        own = f"{self._impl.filename_base}.{uuid4().hex}"
        self._cache_file._data_name_pattern = own + ".{number:d}.nbc"

    @contextmanager
    def _guard_against_spurious_io_errors(self) -> Iterator[None]:
        # A full disk, a folder that is gone or was made read-only; a file that was cut off.
        with suppress(OSError, EOFError, UnpicklingError):
            yield
