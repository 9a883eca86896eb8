"""Where text goes: to a stream that may break, or to a file, whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from stabkit.errors import InvalidArgument

BROKEN_PIPE = 141  # 128 + the number of the signal, as shells say it


def say(text: str | bytes, *, end: str = "\n", err: bool = False) -> None:
    """Print; a reader that has gone away, as in ``| head``, ends the program quietly."""
    try:
        click.echo(text, nl=bool(end), err=err)
    except OSError as error:
        stream = sys.stderr if err else sys.stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # for what is still buffered
        if isinstance(error, BrokenPipeError):
            raise click.exceptions.Exit(BROKEN_PIPE) from None
        raise InvalidArgument(f"{stream.name}: {error.strerror}") from error


def deliver(target: str, text: str) -> None:
    """Write a file's text to `target`, which is standard output if it is ``-``."""
    if target == "-":
        say(text.encode(), end="")
    else:
        write(target, text)


def check_writable(path: str | Path) -> None:
    """Raise InvalidArgument unless a file can be written at `path`; leave everything as it was."""
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(None, "it is read-only")
        if not _is_special(path):
            trial = _neighbour(path)
            trial.open("xb").close()
            trial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write(path: str | Path, text: str) -> None:
    """Write `text` to `path`, which afterwards holds all of it or what it held before."""
    path = Path(path)
    try:
        if _is_special(path):
            path.write_text(text, encoding="utf-8")
            return
        trial = _neighbour(path)
        try:
            trial.write_text(text, encoding="utf-8")
            trial.replace(os.path.realpath(path))
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _is_special(path: Path) -> bool:
    """Whether `path` is a pipe or a device, which is written to and must not be replaced."""
    return path.exists() and not path.is_file()


def _neighbour(path: Path) -> Path:
    """Return a name in the folder where the file will be, a link being followed."""
    return Path(os.path.realpath(path)).with_name(f".stabkit-{os.getpid()}.part")


def _unwritable(path: Path, error: OSError) -> InvalidArgument:
    return InvalidArgument(f"--json: cannot write {path}: {error.strerror or error}")
