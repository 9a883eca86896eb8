"""Files that a user gives: data is read through one function, code is executed with care."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import stat
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from stabkit.errors import InvalidArgument, in_words

_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISCHR, "a device"),
          (stat.S_ISBLK, "a device"), (stat.S_ISSOCK, "a socket"))
_ENDS = ("_exit", "execv", "execve")  # what ends a process at once, or makes it another program


def is_step_file(path: str | Path) -> bool:
    """Whether it is ``FILE.py`` or ``FILE.py:step``, and not a file of data."""
    file = str(path).partition(".py:")
    return bool(file[1]) or str(path).endswith(".py")


@contextmanager
def open_file(path: str | Path, name: str) -> Iterator[BinaryIO]:
    """Open a file of data, of which `name` says in a message what it was given as.

    It has to be a regular file: a device has no end, and nobody may ever write to a pipe.

    Raises
    ------
    InvalidArgument
        It is none, or cannot be read.
    """
    try:
        try:
            number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
                             | getattr(os, "O_BINARY", 0))
        except ValueError as error:  # a null byte
            raise InvalidArgument(f"{name}: {error}") from None
        with open(number, "rb") as file:
            mode = os.fstat(number).st_mode
            if not stat.S_ISREG(mode):
                kind = next((word for is_one, word in _KINDS if is_one(mode)), "no file")
                raise InvalidArgument(f"{name}: {path} is {kind}; give a regular file")
            yield file
    except OSError as error:
        raise InvalidArgument(f"{name}: cannot read {path}: {error.strerror or error}") from error


def content(path: str | Path, name: str, largest: int) -> bytes:
    """The bytes of a file of data, of which no more than `largest` are read.

    Raises
    ------
    InvalidArgument
        It has more, is no regular file, or cannot be read.
    """
    with open_file(path, name) as file:
        read = file.read(largest + 1)
    if len(read) > largest:
        raise InvalidArgument(f"{name}: {path} has more than {largest:,} bytes".replace(",", " "))
    return read


class no_leaving:
    """Turn what would end the program, such as SystemExit, into an error of the code.

    Parameters
    ----------
    argument : str
        What the code was given as, if it was one.
    """

    def __init__(self, argument: str = ""):
        self.argument = argument

    def __enter__(self) -> None:
        """Nothing is needed."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None and not isinstance(error, (Exception, KeyboardInterrupt)):
            said = f"the code ended with {in_words(error)}"
            raise (InvalidArgument(f"{self.argument}: {said}") if self.argument else
                   RuntimeError(said)) from error


@contextmanager
def no_sudden_exit() -> Iterator[None]:
    """Make a user's code fail that ends the process, as nothing could be reported after it.

    This is about ``os._exit`` and ``os.execv``, also by the module that ``os`` takes them from.
    """
    process, inner = os.getpid(), sys.modules[os.name]
    before = {name: getattr(inner, name) for name in _ENDS if hasattr(inner, name)}

    def refusal(name: str) -> Callable[..., None]:
        def refuse(*given: Any, **named: Any) -> None:
            above = sys._getframe().f_back  # none at the exit
            caller = above.f_globals.get("__name__", "") if above is not None else ""
            if os.getpid() != process or caller.partition(".")[0] == "pebble":
                # a child may end as it likes, and a worker whose parent is gone
                before[name](*given, **named)
            raise InvalidArgument(f"it calls os.{name}, which would end the program without a word")

        return refuse

    for module in (os, inner):
        for name in before:
            setattr(module, name, refusal(name))
    try:
        yield
    finally:
        for module in (os, inner):
            for name, real in before.items():
                setattr(module, name, real)


def execute(path: Path, room: str) -> ModuleType:
    """Execute a Python file and return it as the module ``room.NAME``.

    So a file called random.py shadows no module.  It runs in a thread of its own: what it raises,
    even an exit or an interrupt, is reported and does not end the program.

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
    process = os.getpid()

    def run() -> None:
        try:
            loader.exec_module(module)
        finally:
            if os.getpid() != process:  # a child that the file has left: nobody waits for it
                os._exit(0)

    with no_sudden_exit(), ThreadPoolExecutor(1) as one:
        error = one.submit(run).exception()
    if error is not None:
        line = line_of(error, path)
        raise InvalidArgument(f"{path}{f', line {line}' if line else ''}: {in_words(error)}")
    return module


def line_of(error: BaseException, path: Path) -> int | None:
    """The line of a file where an error arose, or None."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(path)]
    return getattr(error, "lineno", None) or (own[-1].lineno if own else None)
