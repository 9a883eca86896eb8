"""The commands: each reads its input, has the work done elsewhere, and prints."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stabkit.aliases import Record
from stabkit.cli.options import (
    Seconds,
    budget,
    check_target,
    claims_file,
    complete_backend,
    complete_executor,
    complete_source,
    complete_status,
    json_file,
    names,
    seed,
    show_version,
    within,
)
from stabkit.errors import (
    ClaimsFailed,
    InvalidArgument,
    InvalidEvidence,
    StabkitError,
    TimeOver,
)
from stabkit.installation import quote
from stabkit.report.output import deliver, is_special, say
from stabkit.user_files import no_leaving, no_sudden_exit

if TYPE_CHECKING:
    from stabkit.claims.claim import Claim
    from stabkit.cli.journal import Journal

EXPECTED, UNEXPECTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
INTERRUPTED, TERMINATED = 130, 143  # 128 + the number of the signal, as shells say it


class Commands(click.Group):
    """The commands; code of a user's that calls exit(0) in one of them has not ended well."""

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("STABKIT_THREADS"):
            from stabkit.schemes.threads import count

            count()  # said now rather than in the middle
        with no_leaving(), no_sudden_exit():
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings={
    "help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version,
              help="Show the version and exit.")
def cli() -> None:
    """Decide stability claims about numerical schemes and networks, with evidence.

    \b
    Examples:
      stabkit claims                            what there is to decide
      stabkit verify                            decide all of it
      stabkit show alt2021.euclidean_stability  one claim with its evidence
    """


@cli.command()
@names
@claims_file
@click.option("--signal", "recordings", metavar="FILE", type=click.Path(), multiple=True,
              help="A recorded signal (csv, npy, wav) to try too; can be given again.")
@budget(60.0)
@seed
@click.option("--workers", type=click.IntRange(min=1), metavar="N", default=1, show_default=True,
              help="Local processes.")
@click.option("--executor", metavar="NAME", shell_complete=complete_executor,
              help="Where to work instead: dask, dask://HOST:PORT or mpi.")
@click.option("--backend", metavar="NAME", shell_complete=complete_backend,
              help="Arrays to search with; see 'stabkit doctor'.")
@json_file
@click.option("--resume", metavar="FILE", type=click.Path(dir_okay=False),
              help="Go on with a run that was cut while it wrote FILE, with the same options.")
@click.option("--limit", type=Seconds(), metavar="SECONDS",
              help="How long one claim may take; then it is stopped and undecided.")
@within
@click.option("--strict", is_flag=True, help="Exit with 3 if a claim stays undecided.")
def verify(
    patterns: Sequence[str], own: str | None, recordings: Sequence[str], budget: float, seed: int,
    workers: int, executor: str | None, backend: str | None, target: str | None,
    resume: str | None, limit: float | None, within: float | None, strict: bool,
) -> int:
    """Decide claims, by name or glob; all of them without a name.

    With --claims and no name, the claims of that file are decided.  With --json
    FILE each verdict goes to FILE.journal as it comes, until FILE is complete.

    \b
    Examples:
      stabkit verify 'alt2021.*' --budget 300 --workers 2
      stabkit verify --claims mine.py --signal ecg.csv
      stabkit verify --json verdicts.json && stabkit replay verdicts.json

    \b
    Exit status:
      0  every verdict is as expected   2  bad input
      1  some verdict is not            3  the time of --within was over, or under
                                           --strict some claim is undecided
    """
    begin = time.monotonic()
    from stabkit.cli.journal import Journal, question_of, resume_from
    from stabkit.cli.signal_file import read_signal

    target = check_target(resume if target is None else target)
    # the target, where a journal can stand beside it
    kept = None if target is None or target == "-" or is_special(Path(target)) else target
    if resume is not None and is_special(Path(resume)):
        raise InvalidArgument(f"--resume: {resume} is no regular file")
    claims = claims_for(patterns, own)
    signals = tuple(read_signal(path) for path in recordings)
    options: Record = {"budget": budget, "seed": seed, "workers": workers, "signals": signals,
                       "limit": limit, "within": within}
    question = {}
    if resume is not None or kept is not None:  # it reads every source
        question = question_of({"budget": budget, "seed": seed, "claims": [c.name for c in claims]},
                               own, recordings)
    if resume is not None:
        options["known"] = resume_from(resume, question, claims)
    with ExitStack() as resources:
        if backend is not None:
            from stabkit.arithmetic.backend import select_backend

            select_backend(backend)
        if executor is not None:
            from stabkit.claims.executor import executor as opened

            options["executor"] = resources.enter_context(opened(executor))
        journal = None
        if kept is not None:
            journal = resources.enter_context(Journal(kept, question))
            journal.start(options.get("known", ()))
        decided, stop = decide_with_table(claims, target == "-", options, journal, begin)
        if isinstance(stop, (KeyboardInterrupt, TimeOver)):
            more = "" if journal is None or target is None else \
                f"; --resume {quote(target)} goes on"
            cause = f"{within:g} s are over" if isinstance(stop, TimeOver) else "interrupted"
            say(f"stabkit: {cause}; {len(decided)} of {len(claims)} claims were decided{more}",
                err=True)
            return INTERRUPTED if isinstance(stop, KeyboardInterrupt) else \
                _status(decided, strict) or UNDECIDED
        if target is not None and (decided or stop is None):
            from stabkit.report.verdict_file import as_text, document

            contents = document((item.to_json() for item in decided), seed=seed, budget=budget)
            deliver(target, as_text(contents))
        if journal is not None:
            journal.remove()
    status = _status(decided, strict)
    for failure in stop.failures if isinstance(stop, ClaimsFailed) else ():
        complain(failure)
        status = BAD_INPUT
    return status


@cli.command()
@names
@claims_file
@click.option("--paper", metavar="NAME", shell_complete=complete_source,
              help="Only those of one paper, or of public software.")
@click.option("--verdict", metavar="STATUS", shell_complete=complete_status,
              help="Only those that are expected to be proved, refuted, ...")
@click.option("--sense", metavar="WORDS",
              help="Only those with all these words in notion, name, source or statement.")
@json_file
def claims(patterns: Sequence[str], own: str | None, paper: str | None, verdict: str | None,
           sense: str | None, target: str | None) -> int:
    """List claims with their notion, verdict and statement.

    \b
    Examples:
      stabkit claims 'alt2020.*' --verdict refuted
      stabkit claims --sense 'range periodic'
      stabkit claims | grep minor
    """
    from stabkit.claims.claim import find
    from stabkit.report.table import claims_table

    target = check_target(target)
    found = find(claims_for(patterns, own), paper, verdict, sense)
    if target is not None:
        keys = ("name", "location", "reading", "weight", "notion", "expected", "statement", "quote")
        listed = [{key: str(getattr(claim, key)) for key in keys} for claim in found]
        deliver(target, json.dumps({"claims": listed}, ensure_ascii=False, indent=1) + "\n")
        return EXPECTED
    say(claims_table(found, sys.stdout), end="")
    return EXPECTED


@cli.command()
@click.argument("file", metavar="FILE.json", type=click.Path(exists=True, dir_okay=False))
@claims_file
@click.option("--derive", is_flag=True, help="Derive also what listed evidence has to show; takes "
              "about as long as verify.")
def replay(file: str, own: str | None, derive: bool) -> int:
    """Re-check the evidence in a verdict file.

    The checker shares no code with the search that found the evidence.  What a proof for all has
    to show is derived again from the claim: a built-in one, or one of the file of --claims.  What
    is listed is checked as it stands; with --derive it is compared with the claim, too.

    \b
    Example:
      stabkit verify --json verdicts.json
      stabkit replay verdicts.json
      stabkit replay mine.json --claims mine.py

    \b
    Exit status:
      0  all evidence holds     1  some does not     2  bad input
    With --derive, a claim that is not known counts as one that does not hold.
    """
    from stabkit.claims.claim import load_claims, registry
    from stabkit.claims.rederived import listed_differences
    from stabkit.claims.statements import differences
    from stabkit.replay import read
    from stabkit.replay import replay as recheck

    mine = {claim.name: claim for claim in load_claims(own)} if own is not None else {}
    try:
        content = read(file)
        findings = recheck(content)
        known = mine | registry()
        findings += differences(content, known, derive=derive)
        findings += listed_differences(content, known) if derive else []
    except InvalidEvidence as error:
        raise InvalidEvidence(f"{file}: {error}") from error
    for finding in findings:
        number = "" if finding.evidence is None else f" {finding.evidence + 1}"
        say(f"{'holds' if finding.holds else 'FAILS'}  {finding.claim} ({finding.status}), "
             f"{finding.kind}{number}: {finding.reason}")
    strangers = len({verdict["claim"] for verdict in content["verdicts"]} - known.keys())
    if strangers:
        say(f"what {strangers} claim{'s say' if strangers > 1 else ' says'} was not derived")
    listed = sum(verdict.get("scope") != "for all" and bool(verdict["evidence"])
                 for verdict in content["verdicts"] if verdict["claim"] in known)
    if listed and not derive:
        say(f"what {listed} claim{'s list' if listed > 1 else ' lists'} was checked as it stands; "
            "--derive compares it with what is claimed")
    failed = sum(not finding.holds for finding in findings)
    say(f"{len(findings)} checked: " + (f"{failed} FAIL" if failed else "all hold"))
    return UNEXPECTED if failed else EXPECTED


@cli.command()
@click.option("--packages", is_flag=True, help="The version of each package, for a report.")
def doctor(packages: bool) -> int:
    """Say what can be done here, and how to get more.

    \b
    Example:
      stabkit doctor | grep missing
    """
    from stabkit.arithmetic.backend import backends
    from stabkit.cache_folder import in_words
    from stabkit.report import environment

    say(environment.packages() if packages else environment.facts(backends()["cupy"], in_words()))
    return EXPECTED


def claims_for(patterns: Sequence[str], own: str | None) -> list[Claim]:
    """Return the claims that the patterns name; without patterns those of the file, if given."""
    from stabkit.claims.claim import SOURCES, load_claims, registry, select

    sources = {pattern.partition(".")[0] for pattern in patterns}
    if own is None and sources and sources.issubset(SOURCES):
        try:  # the other papers need not be imported
            return select(registry(filter(sources.__contains__, SOURCES)), patterns)
        except InvalidArgument:
            pass  # said again below, with the nearest claims of all
    mine = {claim.name: claim for claim in load_claims(own)} if own is not None else {}
    # Without patterns only one's own are meant, beside those that could have their names.
    near = {name.partition(".")[0] for name in mine} if mine and not patterns else SOURCES
    ledger = registry(filter(near.__contains__, SOURCES))
    taken = sorted(ledger.keys() & mine.keys())
    if taken:
        raise InvalidArgument(f"--claims: {taken[0]} is the name of a built-in claim; rename yours")
    return select(ledger | mine if patterns else mine or ledger, patterns)


def time_left(within: float | None, begin: float) -> float | None:
    """Return how many of the seconds are left, as reading the claims takes some."""
    return None if within is None else max(begin + within - time.monotonic(), 0.01)


def decide_with_table(claims: list[Claim], quiet: bool, options: Record,
                      journal: Journal | None = None, begin: float = 0.0
                      ) -> tuple[list[Any], BaseException | None]:
    """Decide claims and print their table; return the verdicts, and what stopped it or some.

    What was decided before an interrupt or beside an error is printed too: it may have taken long.
    The seconds of the option `within` count from `begin`, so what is imported here is in them.
    """
    from stabkit.claims.verify import verify as decide_claims
    from stabkit.progress import progress
    from stabkit.report import table

    options = {**options, "within": time_left(options.get("within"), begin)}
    decided: Record = {}
    known = {verdict.claim for verdict in options.get("known", ())}
    start, stop = time.perf_counter(), None
    with progress(len(claims), sys.stderr) as advance:
        def note(verdict: Any) -> None:
            decided[verdict.claim] = verdict
            if journal is not None and verdict.claim not in known:
                journal.note(verdict)
            advance(verdict.claim)

        try:
            decide_claims(claims, on_verdict=note, **options)
        except (KeyboardInterrupt, StabkitError) as raised:
            stop = raised
    verdicts = [decided[claim.name] for claim in claims if claim.name in decided]
    if verdicts or isinstance(stop, KeyboardInterrupt):
        rows = table.verdict_table(verdicts, sys.stderr if quiet else sys.stdout)
        closing = table.summary(verdicts, time.perf_counter() - start, options["seed"])
        say(f"{rows}\n{closing}", err=quiet)
    if isinstance(stop, StabkitError) and not isinstance(stop, (ClaimsFailed, TimeOver)):
        raise stop
    return verdicts, stop


def complain(message: str) -> None:
    """One line about what is wrong."""
    with suppress(OSError, ValueError):  # nobody hears it: the exit status tells
        click.echo("stabkit: error: " + " ".join(message.split()), err=True)


def _status(verdicts: Sequence[Any], strict: bool) -> int:
    """Return the exit status: a wrong verdict outweighs a missing one.

    A claim about nothing is bad input.
    """
    about_nothing = [verdict for verdict in verdicts
                     if str(verdict.status) == "inapplicable" and not verdict.as_expected]
    for verdict in about_nothing:
        complain(f"claim {verdict.claim}: its hypotheses hold in none of its "
                 f"{verdict.configurations} configurations")
    if about_nothing:
        return BAD_INPUT
    missing = [verdict for verdict in verdicts if str(verdict.status) == "undecided"]
    others = [verdict for verdict in verdicts if not verdict.as_expected]
    if strict and missing and all(verdict in missing for verdict in others):
        return UNDECIDED
    return UNEXPECTED if others else EXPECTED
