"""The time for all claims together: what is decided is told, and a later run goes on."""

import re
import time

import pytest

from stabkit.claims.claim import load_claims
from stabkit.claims.verify import verify
from stabkit.cli import main
from stabkit.cli.commands import decide_with_table
from stabkit.cli.journal import path_of
from stabkit.errors import InvalidArgument, TimeOver

CLAIMS = '''
import time
from pathlib import Path
from stabkit import Calculation, claim

@claim("notes")
def quick():
    """1 < 2."""
    return Calculation({}, [], ["1 < 2"], "")

@claim("notes")
def slow():
    """2 < 3."""
    while not (Path(__file__).parent / "go").exists():
        time.sleep(0.01)
    return Calculation({}, [], ["2 < 3"], "")
'''
SPARE = 60.0  # seconds in which a process starts and ends, on a machine with much else to do


@pytest.fixture
def claims(tmp_path):
    path = tmp_path / "notes.py"
    path.write_text(CLAIMS, "utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_is_decided_in_time_is_told_and_the_rest_goes_on(claims, tmp_path, workers, capsys):
    """The end has the bytes of an uncut run; a claim without end was stopped before.

    On a busy machine no process has begun in time, and nothing is decided.
    """
    target, begin = tmp_path / "v.json", time.monotonic()
    asked = ["verify", "--claims", str(claims), "--workers", workers]
    assert main([*asked, "--within", "8", "--json", str(target)]) == 3
    assert time.monotonic() - begin < 8 + SPARE
    said = capsys.readouterr()
    assert re.search("8 s are over; [01] of 2 claims were decided; --resume", said.err)
    assert ("proved" in said.out) == ("; 1 of 2" in said.err)
    assert not target.exists() and path_of(target).exists()
    (tmp_path / "go").touch()
    assert main([*asked, "--within", "500", "--resume", str(target)]) == 0
    assert main([*asked, "--json", str(tmp_path / "uncut.json")]) == 0
    assert target.read_bytes() == (tmp_path / "uncut.json").read_bytes()


@pytest.mark.slow
def test_show_ends_in_time(claims, capsys):
    """It is undecided then, with status 3, and not refuted."""
    begin = time.monotonic()
    assert main(["show", "notes.slow", "--claims", str(claims), "--within", "1"]) == 3
    assert time.monotonic() - begin < 1 + SPARE
    assert capsys.readouterr().err == "stabkit: notes.slow was not decided within 1 s\n"


@pytest.mark.slow
def test_the_error_holds_what_is_decided(claims):
    """From Python, too."""
    with pytest.raises(TimeOver, match=r"8 s are over; [01] of 2") as stopped:
        verify(load_claims(claims), within=8.0)
    assert {verdict.claim for verdict in stopped.value.verdicts} <= {"notes.quick"}


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_a_time_is_a_number_of_seconds(claims, seconds):
    with pytest.raises(InvalidArgument, match="within: must be a positive number"):
        verify(load_claims(claims), within=seconds)


def test_what_is_imported_counts(claims, monkeypatch):
    """Planted: 2 s pass between the start of the command and the first claim, of 5."""
    given = {}
    monkeypatch.setattr("stabkit.claims.verify.verify", lambda claims, **options:
                        given.update(options))
    decide_with_table([], True, {"within": 5.0, "seed": 0}, begin=time.monotonic() - 2)
    assert 0 < given["within"] <= 3
