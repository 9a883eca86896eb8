"""One claim that fails: a line about it, and every verdict of the others."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from stabkit import EUCLIDEAN, Explicit, Stable, claim, difference, fluxes, load_claims
from stabkit.claims.claim import Draw
from stabkit.claims.verify import verify
from stabkit.cli import main
from stabkit.errors import ClaimsFailed, HypothesisNotMet, InvalidArgument
from stabkit.replay import replay
from stabkit.stability.verdict import INAPPLICABLE, PROVED

HEAD = '''
import sys
from stabkit import EUCLIDEAN, Explicit, HypothesisNotMet, Stable, claim, difference, fluxes

def stable(n):
    return Stable(Explicit(difference(1, n), fluxes.soft(), "1/4"), EUCLIDEAN)

@claim("here", within=dict(n=(2, 3)))
def holds(n):
    """It holds."""
    return stable(n)

@claim("here", within=dict(n=(2, 3)))
def sometimes(n):
    """It holds for n = 3."""
    if n == 2:
        raise HypothesisNotMet("n is too small")
    return stable(n)

@claim("here", within=dict(n=(2, 3)))
def fails(n):
    """It fails."""
'''
LINE = len(HEAD.splitlines()) + 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("body, words", [
    ("'a' / n", "TypeError"), ("1 / 0", "ZeroDivisionError"), ("sys.exit(0)", "SystemExit"),
    ("fluxes.soft(-1)", ""), ("raise MemoryError", "MemoryError"), ("return n", "int"),
    ("raise KeyError(n)", "KeyError")])
def test_a_failing_claim_costs_no_other_its_verdict(tmp_path, capsys, body, words, workers):
    if workers == 2 and "/" not in body:
        pytest.skip("one kind is enough for processes")
    path, target = tmp_path / "mine.py", tmp_path / "verdicts.json"
    path.write_text(f"{HEAD}    {body}\n", "utf-8")
    status = main(["verify", "--claims", str(path), "--budget", "1", "--json", str(target),
                   "--workers", str(workers)])
    output, errors = capsys.readouterr()
    assert status == 2 and errors.count("stabkit: error: ") == 1
    assert f"claim mine.fails: {words}" in errors or (words and words in errors)
    assert "mine.py, line" in errors and "Traceback" not in errors
    assert "mine.holds" in output and "1 certificate, 1 inapplicable" in output
    content = json.loads(target.read_text("utf-8"))
    told = {each["claim"]: each for each in content["verdicts"]}
    assert {name: each["status"] for name, each in told.items()} == {
        "mine.holds": "proved", "mine.sometimes": "proved"}
    assert told["mine.sometimes"]["inapplicable"] == 1
    assert told["mine.sometimes"]["configurations"] == 2
    assert all(finding.holds for finding in replay(content))


def statement(name, unmet):
    def body(n):
        """It holds."""
        if n in unmet:
            raise HypothesisNotMet("not met")
        if n == 7:
            raise KeyError(n)
        return Stable(Explicit(difference(1, n), fluxes.soft(), "1/4"), EUCLIDEAN)

    body.__name__ = name
    return body


def test_the_verdicts_are_in_the_error():
    claims = [claim("here", within=dict(n=(n,)))(statement(f"n{n}", ())) for n in (2, 7, 3)]
    with pytest.raises(ClaimsFailed, match=r"n7: KeyError: 7 \(.*, line \d+\)") as raised:
        verify(claims, budget=1)
    assert [verdict.status for verdict in raised.value.verdicts] == [PROVED, PROVED]


@pytest.mark.parametrize("unmet, count", [((), 0), ((2,), 1), ((2, 3), 2)])
def test_inapplicable_configurations_are_counted(unmet, count):
    verdict, = verify([claim("here", within=dict(n=(2, 3)))(statement("about", unmet))], budget=1)
    assert verdict.inapplicable == count and verdict.configurations == 2
    assert verdict.status is (INAPPLICABLE if count == 2 else PROVED)
    assert ("inapplicable" in verdict.number) is bool(count)
    assert ("inapplicable" in verdict._repr_html_()) is bool(count)


@pytest.mark.parametrize("handed_out", [False, True])
def test_what_a_claim_sets_holds_for_it_alone(tmp_path, handed_out):
    """An underflow raises for one, 1 + 10⁻²⁰ has three digits, and it leaves the folder; all is as
    it was for the one that follows."""
    before, path = os.getcwd(), tmp_path / "mine.py"
    path.write_text("import os\nfrom decimal import Decimal, getcontext\nimport numpy as np\n"
                    f"{HEAD}    np.seterr(all='raise')\n    getcontext().prec = 3\n"
                    "    os.chdir('/')\n    return stable(n)\n\n"
                    "@claim('there', within=dict(n=(2,)))\n"
                    "def follows(n):\n    \"\"\"It holds.\"\"\"\n"
                    "    np.float64(1e-300) * np.float64(1e-300)\n"
                    "    assert 1 + Decimal(10) ** -20 > 1\n"
                    f"    assert os.getcwd() == {before!r}\n    return stable(n)\n", "utf-8")
    with ThreadPoolExecutor(1) as one:
        found = verify(list(load_claims(path)), budget=1, executor=one if handed_out else None)
    assert [verdict.status for verdict in found] == [PROVED] * 4


@pytest.mark.parametrize("axes, words", [
    ({"n": count()}, "more than 1000000"), ({"n": range(10**9)}, "more than 1000000"),
    ({"n": range(2000), "m": range(2000)}, "more than 1000000"),
    ({"n": Draw(int, 10**12)}, "more than 1000000"), ({"n": Draw(int, "x")}, "must be an integer")])
def test_a_claim_without_end_is_refused(axes, words):
    """An iterator that goes on for ever, and 4 000 000 combinations of 2000 values with 2000."""
    def body(n, m=0):
        """It holds."""

    if "m" not in axes:
        axes = {**axes, "m": (0,)}
    with pytest.raises(InvalidArgument, match=words):
        claim("here", within=axes)(body)


def test_a_claim_that_nothing_meets_is_bad_input(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(HEAD + "    raise HypothesisNotMet('no')\n", "utf-8")
    assert main(["verify", "--claims", str(path), "--budget", "1"]) == 2
    assert "mine.fails: its hypotheses hold in none of its 2 configurations" in \
        capsys.readouterr().err


@pytest.mark.parametrize("raised", [RuntimeError("odd"), MemoryError(), RecursionError("deep"),
                                    OverflowError("big"), TypeError("what")])
def test_the_unexpected_is_one_line_and_never_means_not_stable(monkeypatch, capsys, raised):
    def fail(*_):
        raise raised

    monkeypatch.setattr("stabkit.cli.commands.claims_for", fail)
    monkeypatch.delenv("STABKIT_TRACEBACK", raising=False)
    assert main(["verify"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"stabkit: error: {type(raised).__name__}: ")
    assert errors.count("\n") == 1 and "line" in errors
    monkeypatch.setenv("STABKIT_TRACEBACK", "1")
    assert main(["verify"]) == 2 and "Traceback" in capsys.readouterr().err
