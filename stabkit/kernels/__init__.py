"""Compiled loops: the only room with Numba, and one set of options.

A kernel is a plain loop over C-contiguous float64 or float32 arrays.  It checks nothing and never
raises; whoever calls it has checked.  A kernel that speaks of a flux is written once and compiled
per flux: ``explicit[SOFT]`` is ``explicit`` with the name ``flux`` standing for the flux of that
code (`stabkit.codes`), so the loop is specialised and vectorised.

What is compiled is kept on disk (`stabkit.kernels.cache`), by a digest of all files of this room
and of the codes: changed code is new code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import RLock
from types import FunctionType
from typing import Any

from numba import config, njit

from stabkit import codes
from stabkit.errors import InvalidArgument
from stabkit.kernels.cache import cache_of

_compiling = RLock()

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def _digest(folder: Path) -> str:
    files = [*sorted(folder.glob("*.py")), Path(codes.__file__)]
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


CACHE = cache_of(_digest(Path(__file__).parent))

@contextmanager
def _let_numba_compile() -> Iterator[None]:
    """In here Numba compiles though NUMBA_DISABLE_JIT is set, which stays for others' functions.

    It would leave plain Python, in which what is chosen by types does nothing, and says nothing.
    """
    with _compiling:  # held by one thread, so that what is put back is what was there
        config.reload_config()  # else it may come in between
        before, config.DISABLE_JIT = config.DISABLE_JIT, 0  # type: ignore[attr-defined]
        try:
            yield
        finally:
            config.DISABLE_JIT = before  # type: ignore[attr-defined]  # Numba sets it by its name


def kernel(function: Callable, **bound: Any) -> Any:
    """Compile `function` on its first call; `bound` says what some of its global names mean."""
    names = (part.__name__ for part in (function, *bound.values()))
    names_known = function.__globals__ | bound if bound else function.__globals__
    made = FunctionType(function.__code__, names_known, function.__name__)
    made.__module__, made.__doc__ = function.__module__, function.__doc__
    made.__qualname__ = "_".join(names)
    with _let_numba_compile():
        compiled = njit(**OPTIONS)(made)
    compiled.compile = _let_numba_compile()(compiled.compile)  # on the first call for some types
    if CACHE is not None:
        compiled._cache = CACHE(made)  # what the option ``cache`` does, with Numba's own
    return compiled


class Family:
    """A kernel some of whose global names are bound by number: ``kernel[2]``, ``kernel[2, 1]``.

    Parameters
    ----------
    function : callable
    **members : tuple of callable
        What a name may stand for; the order of the names is that of the numbers.
    """

    def __init__(self, function: Callable, **members: tuple[Callable, ...]):
        self.function, self.members = function, members
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self._made: dict[tuple[int, ...], Any] = {}

    def __getitem__(self, numbers: int | tuple[int, ...]) -> Any:
        key = numbers if isinstance(numbers, tuple) else (numbers,)
        if key not in self._made:
            for of, number in zip(self.members.values(), key, strict=True):
                if not 0 <= number < len(of):
                    raise InvalidArgument(f"{self.__name__}: there is no compiled code {number}; "
                                          f"they go from 0 to {len(of) - 1}")
            bound = {name: of[number]
                     for (name, of), number in zip(self.members.items(), key, strict=True)}
            # Several threads may ask at once; all get the same one, which compiles once.
            self._made.setdefault(key, kernel(self.function, **bound))
        return self._made[key]
