"""The recorded verdicts on the built-in claims, which come with the package: an answer at once.

What is taken from the record is what the claim as it is now would say and what its evidence can
show, and what is shown of that is checked again; else the claim is decided anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from stabkit.claims.claim import Claim
from stabkit.claims.statements import differences
from stabkit.errors import InvalidEvidence
from stabkit.replay import check, seal_of
from stabkit.replay.consistency import contradictions
from stabkit.replay.reading import FILE, MORE_OF_VERDICT, VERDICT, require
from stabkit.replay.unpacking import unpack
from stabkit.report.explain import most_telling
from stabkit.stability.verdict import Verdict


@dataclass(frozen=True)
class Recorded:
    """A verdict that was decided before, and in words by which version, and in which file."""

    verdict: Verdict
    origin: str


def record() -> Path | None:
    """Return the file of recorded verdicts: of the package, or of the tree that it lies in."""
    here = Path(__file__)
    places = (here.with_name("verdicts.json"), here.parents[2] / "reports" / "verdicts.json")
    return next((place for place in places if place.is_file()), None)


def look_up_record(claim: Claim) -> Recorded | None:
    """Return the verdict on a claim that was recorded, if it is still one on this claim."""
    path = record()
    if path is None:
        return None
    try:
        content = unpack(json.loads(path.read_text("utf-8")), claim.name)
        require(content, FILE)
        fields, = content["verdicts"]
        require(fields, VERDICT, MORE_OF_VERDICT)
        if fields["seal"] != seal_of(fields) or any(contradictions(fields)) or any(
                map(check, most_telling(fields["evidence"]))):
            return None
        found = differences({**content, "verdicts": [fields]}, {claim.name: claim})
        if not all(finding.holds for finding in found):
            return None
        origin = f"by stabkit {content['stabkit']}, in {path}"
        return Recorded(Verdict.from_json(fields), origin)
    except (OSError, AttributeError, KeyError, RecursionError, TypeError, ValueError,
            InvalidEvidence):
        return None  # not such a file, or the claim is not in it
