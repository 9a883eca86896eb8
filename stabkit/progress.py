"""A progress bar where somebody watches: on a terminal and in a notebook; nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, TextIO

Advance = Callable[[str], None]


@contextmanager
def progress(total: int, stream: TextIO | None = None, doing: str = "deciding"
             ) -> Iterator[Advance]:
    """Show a bar while something is done; it disappears at the end.

    Parameters
    ----------
    total : int
        How many things there are to do.
    stream : file, optional
        Where the bar is drawn, if that is a terminal; standard error by default.
    doing : str
        What is said before the first thing is done.

    Yields
    ------
    callable
        Takes a name and counts one thing as done.
    """
    stream = stream or sys.stderr
    if in_a_notebook():
        show = _notebook_bar
    elif _draws(stream):
        show = _terminal_bar
    else:
        yield lambda name: None
        return
    with show(total, stream, doing) as advance:
        yield advance


@contextmanager
def show_work(stream: TextIO, seconds: float) -> Iterator[Advance]:
    """Show on a terminal that there is work, on what, and how long of `seconds` it has taken."""
    if not _draws(stream):
        yield lambda name: None
        return
    from rich import progress as bars
    from rich.console import Console

    bar = bars.Progress(
        bars.SpinnerColumn(), bars.TimeElapsedColumn(), bars.TextColumn(f"of {seconds:g} s"),
        bars.TextColumn("{task.description}"),
        console=Console(file=stream), transient=True,
    )
    with bar:
        task = bar.add_task("reading", total=None)
        yield lambda name: bar.update(task, advance=1, description=name)


def _draws(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that can draw over what it has drawn."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def in_a_notebook() -> bool:
    """Whether the program runs in a kernel of Jupyter."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


@contextmanager
def _terminal_bar(total: int, stream: TextIO, doing: str) -> Iterator[Advance]:
    from rich import progress as bars  # a pipe has none
    from rich.console import Console

    bar = bars.Progress(
        bars.BarColumn(20), bars.MofNCompleteColumn(), bars.TimeElapsedColumn(),
        bars.TextColumn("left"), bars.TimeRemainingColumn(elapsed_when_finished=True),
        bars.TextColumn("{task.description}"), console=Console(file=stream), transient=True,
    )
    with bar:
        task = bar.add_task(doing, total=total)
        yield lambda name: bar.update(task, advance=1, description=name)


@contextmanager
def _notebook_bar(total: int, stream: TextIO, doing: str) -> Iterator[Advance]:
    from IPython.display import HTML, display

    done = 0

    def draw_bar(name: str) -> Any:
        return HTML(f'<progress value="{done}" max="{total}"></progress> {done}/{total} '
                    f"<code>{escape(name)}</code>")

    def advance(name: str) -> None:
        nonlocal done
        done += 1
        shown.update(draw_bar(name))

    shown = display(draw_bar(doing), display_id=True)
    try:
        yield advance
    finally:
        shown.update(HTML(""))
