"""What a new user looks at first: the list of claims, one of them, and what is installed."""

import io
import json
import shlex
import sys
from dataclasses import replace

import pytest
from test_cli import MORE, error_of, two_is_more_than_one

from stabkit.cache_folder import in_words
from stabkit.cli import main
from stabkit.installation import install
from stabkit.report.table import claims_table


def test_claims_are_found_by_paper_verdict_and_words(capsys):
    """What each filter leaves is counted anew from the list of all claims."""
    def listed(*options):
        assert main(["claims", "--json", "-", *options]) == 0
        return json.loads(capsys.readouterr().out)["claims"]

    everything = listed()
    assert listed("--paper", "he2019") == [c for c in everything if c["name"].startswith("he2019.")]
    refuted = listed("--paper", "alt2020", "--verdict", "refuted", "--sense", "Boundary SIGN")
    assert [c["name"] for c in refuted] == [
        c["name"] for c in everything if c["name"].startswith("alt2020.")
        and c["expected"] == "refuted" and all(word in " ".join(map(str, (
            c["name"], c["notion"], c["location"], c["statement"]))).lower()
            for word in ("boundary", "sign"))] != []
    for options, word in ((["--paper", "alt"], "alt2020"), (["--verdict", "true"], "proved"),
                          (["--sense", "nobody says so"], "none is like that")):
        assert main(["claims", *options]) == 2
        assert word in error_of(capsys)


def test_claims_fit_a_terminal(monkeypatch):
    """Name and statement have a line each, of at most 80 columns, the statement cut with a mark."""
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    long = replace(two_is_more_than_one, body=two_with_a_long_statement)
    text = claims_table([two_is_more_than_one, long], Terminal())
    assert text.splitlines()[:3] == [MORE, "  proved, euclidean: For every u: 2 > 1.", MORE]
    assert max(map(len, text.splitlines())) <= 80 and text.endswith(" …\n")


def two_with_a_long_statement():
    """For every one of many, many, many and then some more u, v and w it holds that 2 > 1 > 0."""


@pytest.mark.slow
def test_show_takes_the_place_in_the_paper(capsys):
    """The first claim at "Theorem 2" is the theorem itself; the others are named."""
    assert main(["show", "theorem 2", "--budget", "1"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("alt2021.euclidean_stability\n")
    assert "Also at theorem 2:\n  stabkit show alt2021.well_posedness\n" in output


def test_doctor_tells_versions_and_how_to_get_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr("stabkit.report.environment.metadata.requires", lambda name: [
        "click>=8.2", "stabkit[test]; extra == 'bench'", "nowhere-to-be-found>=1; extra == 'gpu'",
        "nor-there; extra == 'odd'"])
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["decide,", "replay,", "report", "ready"]
    assert lines[2].endswith("missing [gpu]: nowhere-to-be-found")
    assert lines[3].endswith("ready: nothing; missing [odd]")
    assert any(line.endswith(f"  {in_words()}") for line in lines)
    assert lines[-1].strip() == install("NAME")
    assert main(["doctor", "--packages"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "click", "nowhere-to-be-found", "nor-there"]


def test_doctor_is_short(capsys):
    """Fifteen lines of facts, and two on how to get what is missing."""
    assert main(["doctor"]) == 0
    facts, _, more = capsys.readouterr().out.partition("\n\n")
    assert len(facts.splitlines()) <= 15 and len(more.splitlines()) in (0, 2)


@pytest.mark.parametrize("origin, command", [
    (None, "'stabkit[onnx]'"),
    ({"url": "file:///a/b%20c", "dir_info": {"editable": True}}, "-e '/a/b c[onnx]'"),
    ({"url": "file:///a/b", "dir_info": {}}, "'/a/b[onnx]'"),
    ({"url": "file:///a/s.whl", "archive_info": {}}, "'stabkit[onnx] @ file:///a/s.whl'"),
    ({"url": "https://h/r.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
     "'stabkit[onnx] @ git+https://h/r.git@c0ffee'"),
])
def test_an_extra_comes_from_where_the_package_came_from(origin, command, monkeypatch):
    """PEP 610 records it; pip's own requirement syntax takes it."""
    class Installed:
        def read_text(self, name):
            return None if origin is None else json.dumps(origin)

    monkeypatch.setattr("stabkit.installation.metadata.distribution", lambda name: Installed())
    assert install("onnx") == f"{shlex.quote(sys.executable)} -m pip install {command}"
