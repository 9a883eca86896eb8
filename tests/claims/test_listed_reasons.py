"""The page that says why claims about all of something are proved on lists of configurations."""

import re
from pathlib import Path

from stabkit.claims.claim import registry
from stabkit.stability.verdict import PROVED

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "listed.md"


def test_every_listed_claim_about_all_of_something_has_its_reason():
    """And no other has one: those that are proved for all by now are gone from the page."""
    rows = dict(re.findall(r"^\| `(\S+)` \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE))
    listed = {name for name, entry in registry().items()
              if entry.expected is PROVED and not entry.for_all and entry.weight == "core"
              and re.search(r"\b(every|all|any)\b", entry.statement)}
    assert set(rows) == listed and all(len(reason) > 5 for reason in rows.values())
