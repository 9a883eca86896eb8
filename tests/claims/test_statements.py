"""A file that was sealed anew still cannot choose what a built-in claim says of itself."""

import json
from dataclasses import replace

import pytest

from stabkit.claims.claim import registry
from stabkit.claims.settle import settle
from stabkit.cli import main
from stabkit.errors import InvalidEvidence
from stabkit.replay import replay, seal, sealed

REFUTED = "alt2021.fsi_formula"


def content(*names):
    claims = registry()
    return {"stabkit": "0.1.0", "seed": 0, "budget": 1.0, "environment": {}, "verdicts": [
        settle(replace(claims[name], beyond={}), 256, 0).to_json() for name in names]}


def resealed(document):
    """The file as somebody makes it who knows how seals are computed."""
    for verdict in document["verdicts"]:
        for evidence in verdict["evidence"]:
            evidence["data"]["seal"] = seal(verdict, evidence)
    return sealed(document)


@pytest.fixture(scope="module")
def names():
    known = registry()
    proved = next(name for name in known if name.startswith("alt2021.")
                  and str(known[name].expected) == "proved" and not known[name].for_all
                  and known[name].reading == "printed" and len(list(
                      known[name].configurations())) in range(2, 12))
    return proved, REFUTED


def told(document, tmp_path, capsys):
    file = tmp_path / "v.json"
    file.write_text(json.dumps(resealed(document)))
    status = main(["replay", str(file)])
    return status, capsys.readouterr().out


def test_an_honest_file_holds(names, tmp_path, capsys):
    assert told(content(*names), tmp_path, capsys)[0] == 0


def test_a_witness_does_not_prove_and_a_certificate_does_not_refute(names):
    """Nor is a verdict with a witness undecided, or inapplicable."""
    for name, statuses in zip(names, (("refuted", "undecided", "supported"),
                                      ("proved", "undecided", "inapplicable")), strict=True):
        for status in statuses:
            document = content(name)
            verdict, = document["verdicts"]
            verdict["status"], verdict["as_expected"] = status, status == verdict["expected"]
            verdict["scope"] = "listed" if status == "proved" else None
            assert not all(finding.holds for finding in replay(resealed(document)))


@pytest.mark.parametrize("field, value", [
    ("location", "Theorem 99"), ("expected", "undecided"), ("some", True), ("reading", "corrected"),
])
def test_what_a_claim_says_of_itself_cannot_be_changed(names, field, value, tmp_path, capsys):
    document = content(names[0])
    verdict, = document["verdicts"]
    verdict[field] = value
    verdict["as_expected"] = verdict["status"] == verdict["expected"]
    status, output = told(document, tmp_path, capsys)
    assert status == 1 and "FAILS" in output


def test_configurations_cannot_be_taken_away_with_their_number(names, tmp_path, capsys):
    document = content(names[0])
    verdict, = document["verdicts"]
    last = verdict["configurations"] - 1
    verdict["evidence"] = [item for item in verdict["evidence"] if item["place"] < last]
    verdict["configurations"] = last
    status, output = told(document, tmp_path, capsys)
    assert status == 1 and f"{last} configurations, the claim of {last + 1}" in output


def test_a_file_without_verdicts_shows_nothing():
    with pytest.raises(InvalidEvidence, match="there is none"):
        replay(sealed(content()))
