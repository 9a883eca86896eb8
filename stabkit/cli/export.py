"""The command ``stabkit export``: proofs and refutations, for a proof assistant."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stabkit.aliases import Fields, Record
from stabkit.cli.commands import EXPECTED, claims_for, cli
from stabkit.cli.options import budget, claims_file, names, seed
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.report.output import check_replaceable, say, write_folder

if TYPE_CHECKING:
    from stabkit.claims.claim import Claim
    from stabkit.coq import Calculated, Shown


@cli.command()
@click.option("--coq", is_flag=True, required=True, help="Files for Coq, the one that there is.")
@names
@click.option("--output", "place", type=click.Path(path_type=Path), metavar="DIR",
              default=Path("coq"), show_default=True, help="The folder of the files.")
@claims_file
@budget(10.0)
@seed
def export(coq: bool, patterns: Sequence[str], place: Path, own: str | None, budget: float,
           seed: int) -> int:
    """Write proofs and refutations as files for Coq.

    CLAIM is a name or glob, or a verdict file (FILE.json), whose evidence is
    checked and written; without names all claims that are proved for all.  Each
    claim gets a file with its statement and proof, or with the calculations that
    refute it or show it of listed configurations, which Coq 8.16 checks without
    stabkit: 'make -C DIR -j2'.

    \b
    Examples:
      stabkit export --coq alt2021.euclidean_stability && make -C coq
      stabkit export --coq 'alt2021.*' --output theorems
      stabkit export --coq reports/verdicts.json
      stabkit export --coq found.json            a proof that was found, and saved

    \b
    Exit status:
      0  written     2  bad input
    """
    from stabkit.coq import folder, foreign
    from stabkit.report.table import table

    check_replaceable(place)
    other = foreign(place) if place.is_dir() else None
    if other is not None:
        raise InvalidArgument(f"--output: {place} also holds {other}, which stabkit did not write; "
                              "give an empty or a new folder")
    files = [pattern for pattern in patterns if pattern.endswith(".json")]
    others = [pattern for pattern in patterns if not pattern.endswith(".json")]
    shown: list[Shown | Calculated] = [found for file in files for found in _in_file(file)]
    without: dict[str, str] = {}
    if others or not files:
        claims = claims_for(others, own)
        proved = list(_proofs(claims))
        shown += proved
        if others:
            names = {found.claim for found in proved}
            shown += _decide([claim for claim in claims if claim.name not in names], without,
                             {"budget": budget, "seed": seed})
    _different([found.claim for found in shown])
    made = folder(shown)
    if not made.claims:
        raise InvalidArgument("CLAIM: nothing to write: " + ("; ".join(
            f"{claim}: {why}" for claim, why in (without | made.left_out).items())
            or "nothing is proved for all, or decided in rational numbers alone"))
    write_folder(place, made.files)
    rows = [(claim, name) for claim, name in made.claims.items()]
    rows += [(claim, f"left out: {why}") for claim, why in (without | made.left_out).items()]
    say(table(("claim", "file"), rows, sys.stdout), end="")
    left = len(without) + len(made.left_out)
    say(f"{place}: {len(made.claims)} written, {left} left out; "
        f"'make -C {place} -j2' has Coq check them")
    return EXPECTED


def _proofs(claims: list[Claim]) -> Iterator[Shown]:
    """The claims of which a proof for all is known."""
    from stabkit.claims.obligations import shown_for_all
    from stabkit.coq import Shown

    for claim in claims:
        evidence: Sequence[Any] = ()
        if claim.for_all:
            evidence = shown_for_all(claim, list(claim.configurations(0)))
        if evidence:
            yield Shown(claim.name, claim.statement, tuple(
                (item.data["statement"], item.data["proof"]) for item in evidence))


def _decide(claims: list[Claim], without: dict[str, str], options: Record
            ) -> Iterator[Calculated]:
    """Decide the claims; what does not rest on rational numbers alone goes to `without`."""
    from stabkit.claims.verify import verify

    says = {claim.name: claim.statement for claim in claims}
    for verdict in verify(claims, **options):
        found = _calculations(verdict.to_json(), says[verdict.claim])
        if found is None:
            without[verdict.claim] = f"{verdict.status}, but not in rational numbers alone"
        else:
            yield found


def _calculations(verdict: Fields, says: str) -> Calculated | None:
    """All evidence, if it is rational; against a claim the shortest such witness is enough."""
    from stabkit.coq import Calculated

    holds = verdict["status"] == "proved"
    evidence: Sequence[Any] = verdict["evidence"]
    witnesses = [item for item in evidence if item["arithmetic"] == "rational"
                 and item["kind"] == "witness"]
    if verdict["status"] == "refuted" and witnesses:
        evidence = [min(witnesses, key=lambda item: len(str(item["data"])))]
    if verdict["status"] not in ("proved", "refuted") or not evidence or any(
            item["arithmetic"] != "rational" or item["kind"] == "trials" for item in evidence):
        return None
    return Calculated(verdict["claim"], says, tuple(
        (", ".join(f"{name} = {value}" for name, value in item["configuration"].items()),
         item["data"]) for item in evidence), holds)


def _in_file(file: str) -> Iterator[Shown | Calculated]:
    """What a verdict file proves or refutes in rational numbers, checked again."""
    from stabkit.coq import Shown
    from stabkit.replay import read, replay

    try:
        content = read(file)
        failed = [finding for finding in replay(content) if not finding.holds]
    except InvalidEvidence as error:
        raise InvalidEvidence(f"{file}: {error}") from error
    if failed:
        raise InvalidEvidence(f"{file}: {failed[0].claim}: {failed[0].reason}")
    for verdict in content["verdicts"]:
        says = f"what {Path(file).name} has under this name"
        proofs = tuple((item["data"]["statement"], item["data"]["proof"])
                       for item in verdict["evidence"] if item["kind"] == "proof")
        calculated = None if proofs else _calculations(verdict, says)
        if proofs:
            yield Shown(verdict["claim"], says, proofs)
        elif calculated is not None:
            yield calculated


def _different(names: list[str]) -> None:
    """Raise if two claims would be one file."""
    from stabkit.coq.files import identifier

    stems = [identifier(name) for name in names]
    for stem in stems:
        if stems.count(stem) > 1:
            raise InvalidArgument(f"CLAIM: two claims would be written to {stem}.v; "
                                  "export them into two folders")
