"""The command ``stabkit report``: decide, then write, or compare with what is written."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from stabkit.aliases import Record
from stabkit.cli.commands import EXPECTED, INTERRUPTED, UNEXPECTED, cli, decide_with_table
from stabkit.cli.options import budget, seed
from stabkit.installation import install
from stabkit.report.output import say


@cli.command()
@click.option("--output", "folder", type=click.Path(path_type=Path), metavar="DIR",
              default=Path("reports"), show_default=True, help="The folder of the report.")
@click.option("--check", is_flag=True,
              help="Write nothing; say in what DIR differs from what the program says.")
@click.option("--json", "source", type=click.Path(path_type=Path), metavar="FILE",
              help="Take the verdicts of this file instead of deciding all claims anew.")
@click.option("--benchmarks", "measured", type=click.Path(path_type=Path), metavar="FILE",
              help="Tell the speeds in this file, which 'python -m benchmarks --json' wrote; "
              "without it those that the report in DIR tells.")
@budget(60.0)
@seed
@click.option("--workers", type=click.IntRange(min=1), metavar="N", default=1, show_default=True,
              help="Local processes.")
def report(folder: Path, check: bool, source: Path | None, measured: Path | None, budget: float,
           seed: int, workers: int) -> int:
    """Write a report on the built-in claims.

    It is one HTML page, Markdown per paper, LaTeX tables, figures, and the verdicts.

    --check compares verdicts and texts; times, versions and the inputs that a search comes upon
    may differ.

    \b
    Examples:
      stabkit report                             decides everything: minutes
      stabkit verify --json v.json && stabkit report --json v.json
      stabkit report --check

    \b
    Exit status:
      0  written, or nothing differs    2  bad input
      1  some verdict is not as expected, or something differs
    """
    from stabkit.claims.claim import registry
    from stabkit.report import benchmarks, command

    ledger = registry()
    if measured is None and (folder / command.BENCHMARKS).is_file():
        measured = folder / command.BENCHMARKS  # figures of an earlier report are kept
    told = None if measured is None else benchmarks.read(measured)
    if check:
        command.read_verdicts(folder / command.VERDICTS)  # a missing file is reported first
    else:
        command.check_folder(folder)
    document = command.read_verdicts(source) if source is not None else \
        _decide(ledger, {"budget": budget, "seed": seed, "workers": workers})
    if document is None:
        return INTERRUPTED
    if check:
        return _compare(folder, document, ledger)
    return _write(folder, document, ledger, told)


def _decide(ledger: Record, options: Record) -> Record | None:
    """Return a new verdict file's contents, or None if interrupted."""
    from stabkit.errors import ClaimsFailed
    from stabkit.report.verdict_file import document

    start = time.perf_counter()
    verdicts, stop = decide_with_table(list(ledger.values()), True, options)
    if isinstance(stop, ClaimsFailed):
        raise stop
    if stop is not None:
        say("stabkit: interrupted; nothing was written", err=True)
        return None
    made = document((verdict.to_json() for verdict in verdicts), seed=options["seed"],
                    budget=options["budget"])
    made["environment"]["seconds"] = round(time.perf_counter() - start, 1)
    return made


def _write(folder: Path, document: Record, ledger: Record, told: Any) -> int:
    from stabkit.progress import progress
    from stabkit.report import command
    from stabkit.report.figures import PICTURES

    drawn = [picture for picture in PICTURES if picture.available]
    with progress(len(drawn) + 1, sys.stderr, "drawing") as advance:
        files = command.compose(document, ledger, benchmarks=told, on_file=advance)
    command.write(folder, files)
    for picture in PICTURES:
        if picture not in drawn:
            say(f"stabkit: left out the picture {picture.name}: it needs {picture.needs}; "
                f"{install('report')}", err=True)
    others = sum(not verdict["as_expected"] for verdict in document["verdicts"])
    say(f"{folder / command.PAGE}: {len(document['verdicts'])} verdicts, {len(drawn) + 1} pictures"
        + (f"; {others} verdicts not as expected (!)" if others else ""))
    return UNEXPECTED if others else EXPECTED


def _compare(folder: Path, document: Record, ledger: Record) -> int:
    from stabkit.report import command

    found = command.differences(folder, document["verdicts"], ledger)
    for line in found:
        say(line)
    say(f"{folder}: " + (f"{len(found)} differences; write it anew with 'stabkit report'"
                         if found else "is what the program says"))
    return UNEXPECTED if found else EXPECTED
