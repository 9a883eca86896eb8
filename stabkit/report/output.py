"""Where text goes: to a stream that may break, or to a file, whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp, mkstemp
from zlib import crc32

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


def deliver(target: str, text: str, option: str = "--json") -> None:
    """Write a file's text to `target`, which is standard output if it is ``-``."""
    if target == "-":
        say(text.encode(), end="")
    else:
        write(target, text, option)


def check_writable(path: str | Path, option: str = "--json") -> None:
    """Raise InvalidArgument unless a file can be written at `path`; leave everything as it was."""
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(None, "it is read-only")
        _mode(path)  # of a link to itself there is none
        if not is_special(path):
            handle, trial = new_beside(path)
            os.close(handle)
            os.unlink(trial)
    except OSError as error:
        raise _unwritable(path, error, option) from error


def write(path: str | Path, text: str, option: str = "--json") -> None:
    """Write `text` to `path`, which afterwards holds all of it or what it held before.

    `option` is the one that named the file, for the error where it cannot be written.
    A file that is there keeps its mode; what is written is on the disk when this returns.
    """
    path = Path(path)
    try:
        if is_special(path):
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        handle, trial = new_beside(path)
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(trial, _mode(path))
            os.replace(trial, os.path.realpath(path))
        finally:
            with suppress(FileNotFoundError):
                os.unlink(trial)
    except OSError as error:
        raise _unwritable(path, error, option) from error


def check_replaceable(folder: Path) -> None:
    """Raise InvalidArgument unless `folder` is a folder or can be made, where one may write."""
    parent, there = folder.absolute().parent, False
    try:
        there = folder.exists()
        if there and not folder.is_dir():
            raise InvalidArgument(f"--output: {folder} is not a folder")
        os.rmdir(mkdtemp(prefix=".stabkit-", dir=parent))
    except OSError as error:
        raise InvalidArgument(f"--output: cannot {'replace' if there else 'make'} {folder}; give a "
                              "place where you may write") from error


def write_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Put a new folder of `files` into the place of `folder`; else it stays as it was."""
    place = folder.absolute()
    try:
        _clear_away(place)
        trial = Path(mkdtemp(".part", _mark(place), place.parent))
        try:
            new, old = trial / "new", trial / "old"
            for name, content in files.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
            if place.exists():
                place.rename(old)
            try:
                new.rename(place)
            except OSError:
                if old.exists():
                    old.rename(place)
                raise
        finally:
            shutil.rmtree(trial, ignore_errors=True)
    except OSError as error:
        raise InvalidArgument(f"--output: cannot write {folder}: "
                              f"{error.strerror or error}") from error


def is_special(path: Path) -> bool:
    """Whether `path` is a pipe or a device, which is written to and must not be replaced."""
    return path.exists() and not path.is_file()


def new_beside(path: Path) -> tuple[int, str]:
    """Open a new file, under a name nobody can know before, where `path` is, a link followed.

    What a process that was killed has left there of the same file is removed.
    """
    place = Path(os.path.realpath(path))
    _clear_away(place)
    return mkstemp(".part", _mark(place), place.parent)


def _mark(place: Path, process: int | None = None) -> str:
    """How the name begins of what a process of this machine puts beside a file until it is whole.

    A process is known on its own machine alone, whose name is told too, in a digest.
    """
    machine = os.uname().nodename if hasattr(os, "uname") else ""
    digest = crc32(f"{machine}\0{place.name}".encode("utf-8", "surrogateescape"))
    return f".stabkit-{digest:08x}-{os.getpid() if process is None else process}-"


def _clear_away(place: Path) -> None:
    """Remove what processes that are no more have left beside a file or a folder."""
    common = _mark(place, 0)[:-2]
    with suppress(OSError):
        for entry in list(os.scandir(place.parent)):
            process = entry.name.removeprefix(common).partition("-")[0]
            if not (entry.name.startswith(common) and entry.name.endswith(".part")
                    and process.isdecimal() and _has_ended(int(process))):
                continue
            if entry.is_dir(follow_symlinks=False):
                old = Path(entry.path, "old")
                if old.exists() and not place.exists():  # killed between two renamings
                    old.rename(place)
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.is_file(follow_symlinks=False):
                os.unlink(entry.path)


def _has_ended(process: int) -> bool:
    """Whether there is no process of this number; what cannot be known here counts as no."""
    if os.name != "posix":  # elsewhere such a signal ends it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _mode(path: Path) -> int:
    """The mode of the file, or of a new one as the user's mask has it."""
    try:
        return path.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0o022)
        os.umask(mask)
        return 0o666 & ~mask


def _unwritable(path: Path, error: OSError, option: str = "--json") -> InvalidArgument:
    return InvalidArgument(f"{option}: cannot write {path}: {error.strerror or error}")
