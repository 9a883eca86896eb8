"""What a new user looks at first: the list of claims, one of them, and what is installed."""

import io
import json
import shlex
import sys
from dataclasses import replace

import pytest
from test_cli import MORE, error_of, two_is_more_than_one

from stabkit.cache_folder import in_words
from stabkit.claims.claim import registry
from stabkit.cli import main
from stabkit.cli.commands import cli
from stabkit.installation import install
from stabkit.progress import progress
from stabkit.replay import read, sealed
from stabkit.report.recorded import look_up_record, record
from stabkit.report.table import claims_table
from stabkit.stability.verdict import Verdict


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
    """The first claim at "Theorem 2" is the theorem itself; the others are named, those of its
    equation after them, those of Theorem 22 not."""
    assert main(["show", "theorem 2"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("alt2021.euclidean_stability\n")
    assert "Also at theorem 2:\n  stabkit show alt2021.well_posedness\n" in output
    assert output.index("alt2021.well") < output.index("  stabkit show alt2020.range_stability_of_")


@pytest.mark.slow
def test_show_answers_from_the_record(capsys, monkeypatch):
    """The recorded verdict, the file it stands in, and that what is shown holds: without deciding.
    """
    def decide(*_, **__):
        raise AssertionError("decided anew")

    monkeypatch.setattr("stabkit.claims.verify.verify", decide)
    assert main(["show", "alt2020.range_stability_of_blocks"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "verdict refuted, by 1 witness" in output
    assert f"recorded by stabkit {read(record())['stabkit']}, in {record()}." in output
    for option in ["--again"], ["--budget", "1"], ["--seed", "1"]:
        with pytest.raises(AssertionError):
            cli.main(["show", "alt2020.range_stability_of_blocks", *option], standalone_mode=False)


@pytest.mark.slow
def test_a_record_that_does_not_fit_is_not_believed(tmp_path, monkeypatch):
    """Planted faults: another status, a broken witness sealed anew, a claim that says something
    else; a file that is none, and no file."""
    claim = registry()["alt2020.range_stability_of_blocks"]
    content = read(record())
    kept = next(verdict for verdict in content["verdicts"] if verdict["claim"] == claim.name)
    assert look_up_record(claim).verdict == Verdict.from_json(kept)  # though unpacked alone
    path = tmp_path / "verdicts.json"
    monkeypatch.setattr("stabkit.report.recorded.record", lambda: path)

    def taken(claim=claim, seal=True, **changes):
        whole = {**content, "verdicts": [kept | changes]}
        path.write_text(json.dumps(sealed(whole) if seal else whole), "utf-8")
        return look_up_record(claim)

    assert taken().verdict.status == "refuted"
    assert taken(seal=False, status="proved", expected="proved") is None
    assert taken(expected="proved") is None
    wrong = json.loads(json.dumps(kept["evidence"]))
    wrong[0]["data"]["given"]["u"] = ["0", "0"]
    assert taken(evidence=wrong) is None
    assert taken(evidence=[]) is None  # called refuted, though nothing says so
    wrong[0] = dict(kept["evidence"][0], kind="certificate")
    assert taken(evidence=wrong) is None
    assert taken(evidence=[{"data": []}]) is taken(configurations=None) is None
    assert taken(claim=replace(claim, location="Theorem 3")) is None
    for text in ("", "[]", "{}", '{"verdicts": []}',
                 '{"shared": {}, "verdicts": [1]}', "[" * 100_000):
        path.write_text(text, "utf-8")
        assert look_up_record(claim) is None
    path.unlink()
    assert look_up_record(claim) is None


@pytest.mark.slow
def test_a_terminal_without_escapes_gets_none(monkeypatch):
    """TERM=dumb says that it knows none, NO_COLOR that they are not wanted."""
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    claims = [registry()["alt2020.mean_is_preserved"]]
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" in claims_table(claims, Terminal())
    for name, value in ("TERM", "dumb"), ("NO_COLOR", "1"):
        with monkeypatch.context() as there:
            there.setenv(name, value)
            assert "\x1b" not in claims_table(claims, Terminal())
    drawn = {}
    for terminal in "xterm", "dumb":
        monkeypatch.setenv("TERM", terminal)
        with progress(2, screen := Terminal()) as advance:
            advance("a claim")
        drawn[terminal] = screen.getvalue()
    assert "1/2" in drawn["xterm"] and "left" in drawn["xterm"] and drawn["dumb"] == ""


def test_doctor_tells_versions_and_how_to_get_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr("stabkit.installation.metadata.requires", lambda name: [
        "click>=8.2", "stabkit[test]; extra == 'bench'", "nowhere-to-be-found>=1; extra == 'gpu'",
        "nor-there; extra == 'odd'"])
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["decide,", "replay,", "report", "ready"]
    assert lines[2].endswith("missing [gpu] nowhere-to-be-found")
    assert lines[3].endswith("  missing [odd]")
    assert lines[4].endswith(f"  {in_words()}")
    assert lines[-1].strip() == install("NAME")
    assert main(["doctor", "--packages"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "click", "nowhere-to-be-found", "nor-there"]


@pytest.mark.slow
def test_doctor_is_short(capsys):
    """Fifteen lines, of which the last may say how to get what is missing; facts fit 80 columns."""
    assert main(["doctor"]) == 0
    facts = capsys.readouterr().out.splitlines()
    assert len(facts) <= 15
    assert all(len(line) <= 80 for line in facts if "/" not in line)


@pytest.mark.parametrize("origin, command", [
    (None, "'onnx>=1.16'"),
    ({"url": "file:///there/no/more.whl", "archive_info": {}}, "'onnx>=1.16'"),
    ({"url": "file://HERE/b%20c", "dir_info": {"editable": True}}, "-e 'HERE/b c[onnx]'"),
    ({"url": "file://HERE/b", "dir_info": {}}, "'HERE/b[onnx]'"),
    ({"url": "file://HERE/s.whl", "archive_info": {}}, "'stabkit[onnx] @ file://HERE/s.whl'"),
    ({"url": "https://h/r.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
     "'stabkit[onnx] @ git+https://h/r.git@c0ffee'"),
])
def test_an_extra_comes_from_where_the_package_came_from(origin, command, monkeypatch, tmp_path):
    """PEP 610 records it; pip's own requirement syntax takes it.  Of a source that is not known or
    gone, the packages of the extra are named: an index may not have stabkit."""
    class Installed:
        def read_text(self, name):
            return None if origin is None else json.dumps(origin).replace("HERE", str(tmp_path))

    for name in "b c", "b", "s.whl":
        (tmp_path / name).touch()
    monkeypatch.setattr("stabkit.installation.metadata.distribution", lambda name: Installed())
    monkeypatch.setattr("stabkit.installation.metadata.requires", lambda name: [
        "click>=8", 'onnx>=1.16; extra == "onnx"', 'torch>=2; extra == "torch"'])
    python, command = shlex.quote(sys.executable), command.replace("HERE", str(tmp_path))
    assert install("onnx") == f"{python} -m pip install {command}"
    monkeypatch.setattr("stabkit.installation.find_spec", lambda name: None)  # as uv makes one
    assert install("onnx") == f"uv pip install --python {python} {command}"
