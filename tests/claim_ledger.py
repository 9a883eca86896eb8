"""What is asked of every claim of a paper, beside its place in the ledger."""

from fractions import Fraction
from functools import cache

from stabkit.claims.settle import settle
from stabkit.replay import check, seal


@cache
def decided(entry):
    """The verdict on a claim, found once for all that is asked of it."""
    return settle(entry, 256, 0)


def check_evidence(entry, searched=False):
    """The verdict is the expected one, found without trials, and each piece of it is accepted."""
    verdict = decided(entry)
    assert verdict.as_expected and (verdict.trials == 0 or searched)
    assert verdict.evidence
    fields = verdict.to_json()
    for item in verdict.evidence:
        assert check(item) is None
        assert item["data"]["seal"] == seal(fields, item)


def check_derived(entry):
    """What the paper does not print is said to be derived, and corrected."""
    assert entry.location.startswith("derived")
    assert entry.reading == "corrected"


def check_sharp(entry):
    """The statement fails for a step that is a thousandth larger."""
    verdict = decided(entry)
    assert verdict.sharp
    assert 1 < verdict.tightness <= Fraction(1001, 1000)
