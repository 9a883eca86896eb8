"""Decides stability claims about numerical schemes and networks, with evidence.

A step of your own       step_bound(step, RANGE, shape=(64, 64)), senses(step, ...)
A scheme of the papers   decide(Stable(Explicit(K, fluxes.soft(), "1/2"), EUCLIDEAN))
A network                audit("net.onnx"), audit(a torch module), make_stable(...)
A theorem                prove(..., EUCLIDEAN, K=classes.AnyOperator(), ...)
The claims of papers     verify(registry().values()), claim, load_claims, replay(file)
In your tests            testing.assert_stable(step, RANGE, size=8)

Notions of stability: EUCLIDEAN, CONTRACTION, RANGE, SIGN, MAX_NORM, POSITIVITY, ...
Rooms: classes, fluxes, learning, methods, multigrid, operators, schemes, spectra, testing,
torch.  help(stabkit.NAME) tells more of a name or a room; at the shell, stabkit --help.
"""

# A name is imported when it is first asked for, because who lists claims or replays evidence needs
# few of them.  The names are listed once, in __init__.pyi.
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from threading import active_count
from time import sleep
from types import ModuleType
from typing import Any

from lazy_loader import attach_stub

_public, _, __all__ = attach_stub(__name__, __file__)


def _load(load: Callable[[str], Any], name: str, tries: int = 5) -> Any:
    # Python shows threads that wait for each other's imports a module that is half made.
    try:
        return load(name)
    except ModuleNotFoundError:  # nobody is making it
        raise
    except ImportError:
        if tries == 1 or active_count() == 1:
            raise
    sleep(0.1)
    return _load(load, name, tries - 1)


def _room(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")


def __getattr__(name: str) -> Any:
    """Return a public name, or else a room, such as ``stabkit.operators``."""
    if name in __all__ or name.startswith("_") or not name.isidentifier():
        return _load(_public, name)
    if find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _load(_room, name)


#: The rooms with names of their own that are meant to be used; one of them needs a package.
ROOMS = ("classes", "learning", "methods", "multigrid", "operators", "schemes", "spectra",
         "testing", *(["torch"] if find_spec("torch") else []))


def __dir__() -> list[str]:
    return sorted({*__all__, *ROOMS, *(name for name in globals() if name.startswith("__"))})
