"""The command ``stabkit show``: one claim with its verdict and evidence."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import click

from stabkit.cli.commands import EXPECTED, UNDECIDED, claims_for, cli, time_left
from stabkit.cli.options import budget, claims_file, complete, seed, within
from stabkit.errors import InvalidArgument, TimeOver
from stabkit.report.output import say

if TYPE_CHECKING:
    from stabkit.claims.claim import Claim


@cli.command()
@click.argument("name", metavar="CLAIM", shell_complete=complete)
@claims_file
@click.option("--again", is_flag=True, help="Decide anew, as --budget and --seed do, rather than "
              "answer from the verdicts that are recorded.")
@budget(10.0)
@seed
@within
@click.pass_context
def show(ctx: click.Context, name: str, own: str | None, again: bool, budget: float, seed: int,
         within: float | None) -> int:
    """Show one claim: statement, verdict and evidence.

    CLAIM is a name, or the place of a statement in its source; of several there the first is shown
    and the others are named.  What is recorded of a built-in claim is shown at once; another claim
    is decided.

    \b
    Examples:
      stabkit show alt2021.euclidean_stability
      stabkit show 'Theorem 2' --again
      stabkit show mine.my_bound --claims mine.py --budget 60
    """
    begin = time.monotonic()
    from stabkit.report.explain import explain
    from stabkit.report.recorded import look_up_record

    at_place = _at_place(name, own)
    found = at_place[:1] or claims_for([name], own)
    if len(found) > 1:
        raise InvalidArgument(f"claim: {name!r} matches {len(found)} claims; show takes one, "
                              f"such as {found[0].name}")
    asked = any(ctx.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE
                for option in ("again", "budget", "seed"))
    known = None if asked else look_up_record(found[0])
    if known is None:
        from stabkit.claims.verify import verify as decide_claims

        try:
            verdict, = decide_claims(found, budget=budget, seed=seed,
                                     within=time_left(within, begin))
        except TimeOver:
            say(f"stabkit: {found[0].name} was not decided within {within:g} s", err=True)
            return UNDECIDED
        say(explain(found[0], verdict, own), end="")
    else:
        say(explain(found[0], known.verdict, own, known.origin), end="")
    if at_place[1:]:
        say(f"\nAlso at {name}:")
        say("".join(f"  stabkit show {claim.name}\n" for claim in at_place[1:]), end="")
    return EXPECTED


def _at_place(place: str, own: str | None) -> list[Claim]:
    """Return the claims at a place of their sources, such as "Theorem 2", the place itself first;
    those of "Theorem 2, eq. (16)" stand there, too."""
    if "." in place:  # a name
        return []
    there = re.compile(rf"{re.escape(place)}(?!\w)", re.IGNORECASE)
    return sorted((claim for claim in claims_for([], own) if there.match(claim.location)),
                  key=lambda claim: len(claim.location) != len(place))
