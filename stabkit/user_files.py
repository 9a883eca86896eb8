"""Files of a user's that are code: executed under a name of their own, and told by their lines."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

from stabkit.errors import InvalidArgument, in_words


def execute(path: Path, room: str) -> ModuleType:
    """Execute a Python file and return it as the module ``room.NAME``.

    So a file called random.py shadows no module.  It runs in a thread of its own: what it raises,
    an exit or an interrupt too, is told and ends nothing.

    Raises
    ------
    InvalidArgument
        If it raises; the message names file and line.
    """
    name = f"{room}.{path.stem}"
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # it has a loader
    sys.modules[name] = module
    with ThreadPoolExecutor(1) as one:
        error = one.submit(loader.exec_module, module).exception()
    if error is not None:
        line = line_of(error, path)
        raise InvalidArgument(f"{path}{f', line {line}' if line else ''}: {in_words(error)}")
    return module


def line_of(error: BaseException, path: Path) -> int | None:
    """The line of a file where an error arose, or None."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(path)]
    return getattr(error, "lineno", None) or (own[-1].lineno if own else None)
