"""The command line: ``stabkit`` runs :func:`run`.

What a command does not need, it does not import; so most imports stand inside the commands.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

import click

from stabkit.cli import audit, export, report, show, spectrum  # noqa: F401, add their commands
from stabkit.cli.commands import BAD_INPUT, EXPECTED, INTERRUPTED, TERMINATED, cli, complain
from stabkit.errors import StabkitError, in_words
from stabkit.report.output import say
from stabkit.user_files import no_sudden_exit

_FOR_GOOD = ExitStack()  # of the program

def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; errors of input are one line each."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no Greek
    unexpected = Unexpected()
    with unexpected:
        return _main(arguments)
    complain(unexpected.message)
    return BAD_INPUT


class Unexpected:
    """The outermost door: what nobody expected is one line and bad input, never "not stable"."""

    message = ""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if not isinstance(error, Exception):
            return False
        if os.environ.get("STABKIT_TRACEBACK"):
            traceback.print_exception(error)
        place = traceback.extract_tb(trace)[-1]
        self.message = (f"{in_words(error)} ({place.filename}, line {place.lineno}); "
                        "STABKIT_TRACEBACK=1 shows more")
        return True


def _main(arguments: Sequence[str] | None) -> int:
    try:
        return cli.main(arguments, prog_name="stabkit", standalone_mode=False) or EXPECTED
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.ctx.get_help())
        return EXPECTED
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        where = f" (see '{context.command_path} --help')" if context else ""
        message = error.format_message() + where
    except StabkitError as error:
        message = str(error)
    complain(message)
    return BAD_INPUT


def run() -> None:
    """Run as a program; threads that a user's code has left behind do not keep it from ending."""
    terminated = []

    def terminate(number: int, frame: object) -> None:
        terminated.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminate)
    end = os._exit
    _FOR_GOOD.enter_context(no_sudden_exit())  # what the code does at the exit changes no status
    status = main()
    if status == INTERRUPTED and terminated:
        status = TERMINATED
    others = [thread for thread in threading.enumerate()
              if thread is not threading.main_thread() and not thread.daemon]
    for thread in others:
        thread.join(0.2)
    if any(thread.is_alive() for thread in others):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # whoever read it is gone, or it was closed
                stream.flush()
        end(status)
    sys.exit(status)
