"""The options that several commands share, and how their values are read."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click

from stabkit.errors import InvalidArgument
from stabkit.report.output import check_writable, say
from stabkit.time_limit import LONGEST


class Seconds(click.ParamType):
    """A positive finite number of seconds."""

    name = "seconds"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds <= LONGEST:
            self.fail(f"must be a positive number of seconds, got {value!r}", param, ctx)
        return seconds


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a built-in claim in the shell."""
    from stabkit.claims.claim import registry

    return [name for name in registry() if name.startswith(incomplete)]


def complete_backend(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an array library in the shell."""
    from stabkit.arithmetic.backend import backends

    return [name for name in backends() if name.startswith(incomplete)]


def complete_executor(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an executor in the shell."""
    return [name for name in ("dask", "dask://", "mpi") if name.startswith(incomplete)]


def complete_source(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a paper in the shell."""
    from stabkit.claims.claim import SOURCES

    return [name for name in SOURCES if name.startswith(incomplete)]


def complete_status(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete a verdict in the shell."""
    from stabkit.stability.verdict import Status

    return [status for status in Status if status.startswith(incomplete)]


def show_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        from stabkit.report.environment import version

        say(f"stabkit {version()}")
        ctx.exit()


def budget(default: float, words: str = "How much to search, in all: each second stands for 100000 "
           "trials, however long they take.") -> Any:
    """Return the option --budget with a command's own default."""
    return click.option("--budget", type=Seconds(), metavar="SECONDS", default=default,
                        show_default=True, help=words)


within = click.option("--within", type=Seconds(), metavar="SECONDS",
                      help="How long it may take, in all; then it ends with what is decided.")


names = click.argument("patterns", metavar="[CLAIM]...", nargs=-1, shell_complete=complete)
claims_file = click.option(
    "--claims", "own", metavar="FILE.py", type=click.Path(),
    help="Your own claims.  The file is code and is executed: give only files that you trust.")
json_file = click.option("--json", "target", metavar="FILE", type=click.Path(allow_dash=True),
                         help="Write FILE; - is standard output.")
seed = click.option("--seed", type=click.IntRange(min=0), metavar="N", default=0, show_default=True,
                    help="Seed of every random choice: same seed, same verdicts.")


def check_target(path: str | Path | None, option: str = "--json") -> str | None:
    """The absolute path of a file that is to be written, as a user's code may change the folder.

    None and - stay as they are.

    Raises
    ------
    InvalidArgument
        If it cannot be written, or is another file of the command, which would be lost; --resume
        names what it goes on with.
    """
    if path is None or str(path) == "-":
        return None if path is None else "-"
    check_writable(path, option)
    context = click.get_current_context()
    for param in context.command.params:
        value = context.params.get(param.name or "")
        for given in value if isinstance(value, tuple) else (value,):
            if isinstance(given, str | Path) and not {option, "--resume"} & set(param.opts) and \
                    os.path.realpath(_without_name(str(given))) == os.path.realpath(path):
                other = param.opts[0] if isinstance(param, click.Option) else \
                    param.make_metavar(context)
                raise InvalidArgument(f"{option}: {path} is that of {other}; give another file")
    return os.path.abspath(path)


def _without_name(path: str) -> str:
    file, dot, _ = path.partition(".py:")  # FILE.py:step
    return file + dot.rstrip(":")
