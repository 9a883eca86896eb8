"""No claim is wired to its verdict: with another constant, sign or hypothesis it comes out the
other way."""

from importlib import import_module

import pytest
from planted import status_of, wanted

from stabkit.claims.claim import registry

PLANTED = {paper: import_module(f"contraries_{paper}").PLANTED
           for paper in ("alt2020", "alt2021", "he2019", "software")}
CLAIMS = registry(list(PLANTED))


@pytest.mark.slow
@pytest.mark.parametrize(("paper", "name"), [
    (paper, name) for paper, names in PLANTED.items() for name in names])
def test_the_contrary_comes_out(paper, name, monkeypatch):
    """The changed statement has the other truth value, and the program finds it."""
    entry, planted = CLAIMS[f"{paper}.{name}"], PLANTED[paper][name]
    status = status_of(entry, planted, monkeypatch)
    assert status is wanted(entry) if planted.decided else status is not entry.expected


@pytest.mark.parametrize("paper", PLANTED)
def test_every_claim_has_its_contrary_and_nine_in_ten_are_decided(paper):
    planted = PLANTED[paper]
    assert {f"{paper}.{name}" for name in planted} == set(registry([paper]))
    assert sum(each.decided for each in planted.values()) >= 0.9 * len(planted)
