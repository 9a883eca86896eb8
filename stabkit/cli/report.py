"""The command ``stabkit report``: decide, then write, or compare with what is written."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stabkit.aliases import Record
from stabkit.cli.commands import EXPECTED, INTERRUPTED, UNEXPECTED, cli, decide_with_table
from stabkit.cli.options import budget, seed
from stabkit.errors import InvalidArgument
from stabkit.installation import install
from stabkit.report.output import say

if TYPE_CHECKING:
    from stabkit.cli.journal import Journal


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
@click.option("--resume", is_flag=True,
              help="Go on with a run for DIR that was cut, with the same options.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", default=1, show_default=True,
              help="Local processes.")
def report(folder: Path, check: bool, source: Path | None, measured: Path | None, budget: float,
           seed: int, resume: bool, workers: int) -> int:
    """Write a report on the built-in claims.

    It is one HTML page, Markdown per paper, LaTeX tables, figures, and the verdicts.

    --check compares verdicts and texts; times, versions and the inputs that a search comes upon
    may differ.  While claims are decided, each verdict goes to DIR.journal as it
    comes, until the report is written.

    \b
    Examples:
      stabkit report                             decides everything: minutes
      stabkit report --resume                    after an interrupt: what is left
      stabkit verify --json v.json && stabkit report --json v.json
      stabkit report --check

    \b
    Exit status:
      0  written, or nothing differs    2  bad input
      1  some verdict is not as expected, or something differs
    """
    from stabkit.claims.claim import registry
    from stabkit.cli.journal import Journal, question_of, resume_from
    from stabkit.report import benchmarks, command

    ledger = registry()
    if measured is None and os.path.isfile(folder / command.BENCHMARKS):
        measured = folder / command.BENCHMARKS  # figures of an earlier report are kept
    told = None if measured is None else benchmarks.read(measured)
    if resume and (check or source is not None):
        raise InvalidArgument("--resume: is for a report that decides claims and is written; "
                              "leave it out beside --check or --json")
    if check:
        command.read_verdicts(folder / command.VERDICTS)  # a missing file is reported first
    else:
        command.check_folder(folder)
    if source is not None:
        document = command.read_verdicts(source)
        return _compare(folder, document, ledger) if check else \
            _write(folder, document, ledger, told)
    options = {"budget": budget, "seed": seed, "workers": workers}
    if check:
        anew = _decide(ledger, options)
        return INTERRUPTED if anew is None else _compare(folder, anew, ledger)
    question = question_of({"budget": budget, "seed": seed, "claims": list(ledger)}, None, ())
    known = resume_from(str(folder), question, ledger.values()) if resume else []
    with Journal(folder, question) as journal:
        journal.start(known)
        anew = _decide(ledger, {**options, "known": known}, journal)
        if anew is None:
            return INTERRUPTED
        status = _write(folder, anew, ledger, told)
        journal.remove()
    return status


def _decide(ledger: Record, options: Record, journal: Journal | None = None) -> Record | None:
    """Return a new verdict file's contents, or None if interrupted."""
    from stabkit.errors import ClaimsFailed
    from stabkit.report.verdict_file import document

    start = time.perf_counter()
    verdicts, stop = decide_with_table(list(ledger.values()), True, options, journal)
    if isinstance(stop, ClaimsFailed):
        raise stop
    if stop is not None:
        more = "nothing was written" if journal is None else "--resume goes on"
        say(f"stabkit: interrupted; {len(verdicts)} of {len(ledger)} claims were decided; {more}",
            err=True)
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
