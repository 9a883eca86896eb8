"""What makes a function more than a function of its input: a memory, chance, or the clock.

Calls tell only of themselves: an answer may change after any number of them.  So it is looked at
what a call changes among all that the function can reach, and what it asks for.
"""

from __future__ import annotations

import gc
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from hashlib import blake2b
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from stabkit.aliases import Function
from stabkit.errors import TracingStopped

_MOST = 20_000  # values that are looked at
_OTHERS = {"torch", "jax", "jaxlib"}
_LIBRARIES = sys.stdlib_module_names | {"numpy", "scipy", "stabkit", "numba"} | _OTHERS
_ASKS = {"urandom", "getrandom", "getpid", "now", "utcnow", "today"}
_COUNTS = {"matvec_count", "rmatvec_count", "matmat_count", "rmatmat_count"}
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)
_PLAIN = (bool, int, float, Fraction, complex, str, bytes, type(None), np.generic)

Step = tuple[str, Any]  # what a value is called, and the value


def refuse_state(function: Function, call: Callable[[], Any]) -> None:
    """Stop where a call, one of many, changes what the function can reach, or asks for the time.

    Parameters
    ----------
    function : callable
    call : callable
        Calls the function as it was called before: what a first call stores for the next ones is
        no memory of them.

    Raises
    ------
    TracingStopped
        With the name of what was changed or asked for.
    """
    before = _reachable_values(function)
    asked = _what_it_asks(call)
    after = _reachable_values(function)
    changed = next((name for (name, old), (_, new) in zip(before, after, strict=False)
                    if old != new), "")
    if changed:
        raise TracingStopped(f"the function has a memory: a call changes {changed}, so that what "
                             "it gives may depend on the calls before")
    if asked:
        raise TracingStopped(f"the function asks for more than its input: it calls {asked}")


def _what_it_asks(call: Callable[[], Any]) -> str:
    """The first function of time or of chance that a call comes to, or nothing."""
    found: list[str] = []

    def note(frame: Any, event: str, called: Any) -> None:
        own = str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _OTHERS
        if event == "c_call" and own and (getattr(called, "__module__", None) == "time"
                                          or getattr(called, "__name__", None) in _ASKS):
            found.append(called.__qualname__)

    usual: Any = sys.getprofile()
    collects = gc.isenabled()
    gc.disable()  # a collection calls what others have registered, such as a clock
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
        if collects:
            gc.enable()
        if hasattr(usual, "enable"):  # cProfile's own object is no function
            usual.enable()
        else:
            sys.setprofile(usual)
    return found[0] if found else ""


def _reachable_values(function: Function) -> list[Step]:
    """Every value that a function can reach: a name for it, and what there is to compare."""
    found: list[Step] = [("random", random.getstate()),
                         ("np.random", _numbers(np.random.get_state(legacy=False)))]
    known: dict[int, Any] = {}  # kept, so that no number of an object is taken again
    waiting: list[Step] = [(getattr(function, "__name__", type(function).__name__), function)]
    while waiting and len(found) < _MOST:
        name, value = waiting.pop()
        found.append((name, _as_comparable(value)))
        if id(value) not in known and not isinstance(value, _PLAIN):
            known[id(value)] = value
            waiting.extend(_parts(name, value))
    return found


def _numbers(state: Any) -> Any:
    """The state of a generator; its hundreds of numbers are not written out, as this takes long."""
    if isinstance(state, dict):
        return {key: _numbers(part) for key, part in state.items()}
    return _as_comparable(state)


def _as_comparable(value: Any) -> Any:
    if _is_tensor(value):
        value = value.detach().cpu().double().numpy() if hasattr(value, "detach") \
            else np.asarray(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.shape, value.dtype.str, blake2b(value.tobytes()).digest()
    if hasattr(type(value), "__next__"):
        return float("nan")  # never the same again: to look is to take
    if isinstance(value, _CONTAINERS):
        return type(value), len(value), repr(value) if _is_plain(value) else ""
    if isinstance(value, _PLAIN):
        return repr(value)
    return type(value), getattr(value, "__qualname__", ""), id(getattr(value, "__code__", None))


def _is_plain(values: Iterable[Any]) -> bool:
    return not isinstance(values, dict) and all(isinstance(value, _PLAIN) for value in values)


def _is_tensor(value: Any) -> bool:
    """Whether it is an array of PyTorch or JAX."""
    return not isinstance(value, type) and hasattr(value, "__array__") and \
        type(value).__module__.partition(".")[0] in _OTHERS


def _parts(name: str, value: Any) -> Iterator[Step]:
    if _is_tensor(value):
        return
    if isinstance(value, FunctionType):
        yield from _of_function(name, value)
    elif isinstance(value, type):
        yield from _of_class(name, value)
    elif isinstance(value, CellType):
        if value != CellType():  # an empty one
            yield name, value.cell_contents
    elif isinstance(value, MethodType):
        yield from ((name, value.__func__), (name, value.__self__))
    elif isinstance(value, partial):
        yield from ((name, value.func), (name, value.args), (name, value.keywords))
    elif hasattr(value, "py_func"):  # compiled by Numba
        yield name, value.py_func
    elif not isinstance(value, ModuleType):
        yield from _of_object(name, value)


def _of_function(name: str, function: FunctionType) -> Iterator[Step]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    yield from ((f"{cell} of {name}", value) for cell, value in cells)
    if _is_library(function.__module__):  # of which it is what it was made with
        return
    yield f"a default of {name}", function.__defaults__
    yield f"a default of {name}", function.__kwdefaults__
    yield from ((f"{name}.{key}", value) for key, value in function.__dict__.items())
    used = set(_names_of(function.__code__))
    for key in sorted(used & function.__globals__.keys()):
        value = function.__globals__[key]
        yield key, value
        if isinstance(value, ModuleType) and not _is_library(value.__name__):
            yield from ((f"{key}.{part}", getattr(value, part)) for part in sorted(
                used & vars(value).keys()))


def _names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_of(constant)


def _of_class(name: str, value: type) -> Iterator[Step]:
    for kind in value.__mro__:
        if not _is_library(kind.__module__):
            yield from ((f"{kind.__name__}.{key}", part) for key, part in vars(kind).items()
                        if not key.startswith("__") or key in ("__call__", "__getattr__"))


def _of_object(name: str, value: Any) -> Iterator[Step]:
    if isinstance(value, dict):
        yield from ((f"{name}[{key!r:.40}]", part) for key, part in list(value.items()))
    elif isinstance(value, _CONTAINERS) or _has_objects(value):
        yield from ((f"{name}[{place}]", part) for place, part in enumerate(
            () if _is_plain(value) else value))
    elif not isinstance(value, np.ndarray) and (not hasattr(value, "__dict__")
                                                or isinstance(value, random.Random)):
        yield from ((name, part) for part in _parts_by_pickle(value))
    held = getattr(value, "__dict__", None)  # which some objects make up
    yield from ((f"{name}.{key}", part) for key, part in (held if isinstance(
        held, Mapping) else {}).items() if not _looks_on(value, str(key)))
    slots = (slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ()))
    yield from ((f"{name}.{slot}", getattr(value, slot)) for slot in slots if hasattr(value, slot))
    yield f"the class of {name}", type(value)


def _looks_on(value: object, key: str) -> bool:
    """Whether an attribute only watches: hooks, and how often an operator of PyLops was called."""
    return key.endswith("_hooks") or (
        key in _COUNTS and type(value).__module__.partition(".")[0] == "pylops")


def _has_objects(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype == object


def _parts_by_pickle(value: Any) -> Iterable[Any]:
    """What an object of a library, such as a generator of random numbers, is made of."""
    try:
        made = value.__reduce_ex__(4)
    except (TypeError, ValueError, AttributeError, RuntimeError, ReferenceError):
        return ()
    return made[1:3] if isinstance(made, tuple) else ()


def _is_library(module: str | None) -> bool:
    return (module or "builtins").partition(".")[0] in _LIBRARIES
