"""The command line as a user meets it: words, exit statuses, files; the deciding is faked."""

import json
import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from stabkit.claims.claim import claim
from stabkit.cli import main
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.installation import install
from stabkit.report.output import write
from stabkit.report.verdict_file import as_text, document, schema
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import Verdict

SEAL = "0" * 64
CERTIFICATE = {
    "kind": "certificate", "arithmetic": "rational", "configuration": {"n": "2"},
    "data": {"given": {"u": ["1", "2"], "K": [["-1", "1"], ["0", "10"]]}, "let": [["v", "K @ u"]],
             "shows": ["norm2(v) > norm2(u)"], "by": "it is larger", "seal": SEAL},
}
TRIALS = {"kind": "trials", "arithmetic": "float64", "configuration": {},
          "data": {"trials": 512, "seed": 7, "worst": 0.5, "seal": SEAL}}


@claim("Theorem 1", notion="euclidean", quote="two is more than one")
def two_is_more_than_one():
    """For every u: 2 > 1."""
    return Calculation(shows=["2 > 1"])


@claim("eq. (2)", weight="minor", expect="refuted")
def two_is_less_than_one_corrected():
    """For every u: 2 < 1."""
    return Calculation(shows=["2 < 1"], necessary=True)


LEDGER = {entry.name: entry for entry in (two_is_more_than_one, two_is_less_than_one_corrected)}
MORE, LESS = LEDGER


def verdict(entry, status=None, evidence=(CERTIFICATE,), **changes):
    status = status or str(entry.expected)
    made = Verdict(entry.name, entry.location, entry.reading, status, str(entry.expected),
                   status == entry.expected, 3, 512, None, None, None, tuple(evidence))
    return replace(made, **changes)


class Decider:
    """Stands in for verify: remembers how it was called and gives what it was told to give."""

    def __init__(self):
        self.changes, self.calls, self.interrupt_after = {}, [], None

    def __call__(self, claims, *, on_verdict=None, **options):
        self.calls.append(([entry.name for entry in claims], options))
        verdicts = [verdict(entry, **self.changes.get(entry.name, {})) for entry in claims]
        for number, item in enumerate(verdicts):
            if number == self.interrupt_after:
                raise KeyboardInterrupt
            if on_verdict is not None:
                on_verdict(item)
        return verdicts


def use_ledger(monkeypatch, *entries):
    # By import: the attribute stabkit.claims.claim is the decorator, not the module.
    monkeypatch.setattr(import_module("stabkit.claims.claim"), "registry",
                        lambda *sources: {entry.name: entry for entry in entries})


@pytest.fixture
def decider(monkeypatch):
    fake = Decider()
    use_ledger(monkeypatch, *LEDGER.values())
    monkeypatch.setattr(import_module("stabkit.claims.verify"), "verify", fake)
    return fake


def error_of(capsys):
    """The one line of complaint, after checking that nothing else was said."""
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("stabkit: error: ")
    assert errors.count("\n") == 1
    return errors


def test_verify_prints_a_table_and_how_it_ended(decider, capsys):
    decider.changes[LESS] = {"evidence": [TRIALS], "tightness": 1.001, "status": "supported"}
    assert main(["verify"]) == 1
    output, errors = capsys.readouterr()
    head, more, less, empty, closing = output.splitlines()
    assert head.split() == ["claim", "verdict", "evidence", "tightness"]
    assert more.split() == [MORE, "proved", "1", "certificate"]
    assert less.split() == [
        "!", LESS, "supported", "(expected", "refuted)", "512", "trials", "1.001"]
    assert empty == ""
    assert closing.startswith("2 claims: 1 proved, 1 supported; 1 not as expected (!).")
    assert closing.endswith("seed 0.")
    assert errors == ""
    assert "\x1b" not in output


@pytest.mark.parametrize("statuses, plain, strict", [
    (("proved", "refuted"), 0, 0),
    (("proved", "proved"), 1, 1),
    (("undecided", "refuted"), 1, 3),
    (("undecided", "proved"), 1, 1),
    (("supported", "refuted"), 1, 1),
    (("inapplicable", "refuted"), 2, 2),
])
def test_exit_status(decider, statuses, plain, strict):
    decider.changes = {
        name: {"status": status} for name, status in zip(LEDGER, statuses, strict=True)}
    assert main(["verify"]) == plain
    assert main(["verify", "--strict"]) == strict


def test_a_claim_expected_to_be_undecided_is_as_expected_but_not_strictly(decider, monkeypatch):
    entry = replace(two_is_more_than_one, expected="undecided")
    use_ledger(monkeypatch, entry)
    assert main(["verify"]) == 0
    assert main(["verify", "--strict"]) == 3


def test_options_reach_the_work(decider, tmp_path):
    np.save(tmp_path / "a.npy", [1.0, 2.0])
    (tmp_path / "b.csv").write_text("3\n4\n5\n")
    assert main(["verify", "*more*", "--budget", "0.5", "--seed", "3", "--workers", "2",
                 "--signal", str(tmp_path / "a.npy"), "--signal", str(tmp_path / "b.csv")]) == 0
    (names, options), = decider.calls
    assert names == [MORE]
    signals = [signal.tolist() for signal in options.pop("signals")]
    assert signals == [[1, 2], [3, 4, 5]]
    assert options == {"budget": 0.5, "seed": 3, "workers": 2, "limit": None, "within": None}


def test_json_goes_to_a_file_that_follows_the_schema(decider, tmp_path, capsys):
    target = tmp_path / "verdicts.json"
    target.write_text("an older one")
    assert main(["verify", "--json", str(target), "--seed", "5", "--budget", "2"]) == 0
    contents = json.loads(target.read_text("utf-8"))
    jsonschema.validate(contents, schema())
    assert (contents["seed"], contents["budget"]) == (5, 2.0)
    assert [item["claim"] for item in contents["verdicts"]] == list(LEDGER)
    whole = verdict(two_is_more_than_one).to_json()
    found = contents["verdicts"][0]
    assert len(found.pop("seal")) == 64 and found == json.loads(json.dumps(whole))
    assert contents["environment"]["processors"] >= 1
    # No date or time: a file that is made anew tomorrow has the same bytes.
    assert contents["environment"].keys() == {"python", "system", "processors", "packages"}
    assert list(tmp_path.iterdir()) == [target]
    assert capsys.readouterr().out.startswith("  claim ")


def test_json_on_standard_output_stands_alone(decider, capsys):
    assert main(["verify", "--json", "-"]) == 0
    output, errors = capsys.readouterr()
    assert json.loads(output)["verdicts"][1]["claim"] == LESS
    assert "2 claims" in errors


def test_an_interrupt_prints_what_is_decided_and_leaves_it_in_the_journal(
        decider, tmp_path, capsys):
    decider.interrupt_after, target = 1, tmp_path / "v.json"
    assert main(["verify", "--json", str(target)]) == 130
    output, errors = capsys.readouterr()
    assert f"{MORE}  proved" in output
    assert LESS not in output
    assert errors == ("stabkit: interrupted; 1 of 2 claims were decided; "
                      f"--resume {target} goes on\n")
    left, = tmp_path.iterdir()
    assert left.name == "v.json.journal"
    assert [json.loads(line).get("claim") for line in left.read_text().splitlines()] == [None, MORE]


@pytest.mark.parametrize("target, reason", [
    ("no/folder/v.json", "No such file"), (".", "folder"), ("", "folder"),
    ("file.txt/v.json", "Not a directory"), ("n" * 300, "too long"),
])
def test_an_unwritable_file_is_found_before_the_work(
        decider, tmp_path, monkeypatch, capsys, target, reason):
    monkeypatch.chdir(tmp_path)
    Path("file.txt").write_text("")
    for command in "verify", "claims":
        assert main([command, "--json", target]) == 2
        message = error_of(capsys)
        assert "--json" in message
        assert reason in message
    assert decider.calls == []


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "v.json"
    link = tmp_path / "link.json"
    target.write_text("older")
    link.symlink_to(target)
    write(link, "newer")
    assert (target.read_text(), link.is_symlink()) == ("newer", True)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    for name in "fsync", "replace":
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(InvalidArgument, match="No space left"):
                write(target, "newest")
    target.chmod(0o640)
    write(target, "newer")
    assert target.stat().st_mode & 0o777 == 0o640
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidArgument, match="No space left"):
        write(target, "newest")
    assert target.read_text() == "newer"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "v.json"]


def test_a_device_is_written_to_and_not_replaced(decider):
    assert main(["verify", "--json", "/dev/null"]) == 0
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("arguments, words", [
    (["verify", "two_is_more"], [MORE]),
    (["claims", "tset_cli.*"], ["'tset_cli.*'", "stabkit claims"]),
    (["show", MORE + "s"], [f"did you mean {MORE}"]),
    (["show", "*"], ["matches 2 claims", MORE]),
    (["verfy"], ["Did you mean 'verify'", "stabkit --help"]),
    (["verify", "--sede", "3"], ["--seed", "stabkit verify --help"]),
    (["verify", "--budget", "0"], ["--budget", "positive"]),
    (["verify", "--budget", "nan"], ["--budget", "nan"]),
    (["verify", "--budget", "long"], ["--budget", "long"]),
    (["verify", "--workers", "0"], ["--workers", "0"]),
    (["verify", "--seed", "-1"], ["--seed", "-1"]),
    (["verify", "--signal", "none.wav"], ["signal", "none.wav", "No such file"]),
    (["verify", "--claims", "none.py"], ["claims", "none.py"]),
    (["verify", "--backend", "abacus"], ["abacus", "numpy"]),
    (["verify", "--executor", "fork"], ["fork", "dask"]),
    (["verify", "--executor", "dask://"], ["dask://HOST:PORT"]),
    (["replay", "none.json"], ["none.json", "does not exist"]),
    (["replay", "."], ["FILE.json", "directory"]),
    (["replay"], ["FILE.json", "stabkit replay --help"]),
])
def test_bad_input_is_one_line_that_says_what_to_do(decider, capsys, arguments, words):
    assert main(arguments) == 2
    message = error_of(capsys)
    for word in words:
        assert word in message
    assert decider.calls == []


def test_a_missing_executor_says_how_to_get_it(decider, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert main(["verify", "--executor", "dask"]) == 2
    assert error_of(capsys).endswith(f"{install('dask')}\n")


def own_claim(path, name):
    """A claims file with one claim of that name."""
    path.write_text(f"from stabkit import Calculation, claim\n\n\n@claim('page 1')\n"
                    f"def {name}():\n    '''2 > 1.'''\n    return Calculation(shows=['2 > 1'])\n")
    return path


@pytest.mark.slow
def test_own_claims_are_verified_alone_unless_names_are_given(decider, tmp_path, capsys):
    own = own_claim(tmp_path / "mine.py", "three_is_odd")
    assert main(["verify", "--claims", str(own)]) == 0
    assert main(["verify", "--claims", str(own), "*more*", "mine.*"]) == 0
    assert [names for names, _ in decider.calls] == [
        ["mine.three_is_odd"], [MORE, "mine.three_is_odd"]]
    capsys.readouterr()
    assert main(["show", "mine.three_is_odd", "--claims", str(own)]) == 0
    assert f"stabkit verify mine.three_is_odd --claims {own} --json" in capsys.readouterr().out


def test_own_claims_cannot_take_a_built_in_name(decider, tmp_path, capsys):
    own = own_claim(tmp_path / "test_cli.py", "two_is_more_than_one")
    assert main(["verify", "--claims", str(own)]) == 2
    assert f"{MORE} is the name of a built-in claim" in error_of(capsys)


def test_claims_are_listed_one_on_a_line(decider, capsys):
    assert main(["claims"]) == 0
    _, more, less = capsys.readouterr().out.splitlines()
    assert more.split()[:4] == [MORE, "euclidean", "core", "proved"]
    assert more.endswith("  For every u: 2 > 1.")
    assert less.split()[:4] == [LESS, "identity", "minor", "refuted"]
    assert main(["claims", "*less*", "--json", "-"]) == 0
    listed, = json.loads(capsys.readouterr().out)["claims"]
    assert listed["name"] == LESS
    assert listed["reading"] == "corrected"
    assert listed["statement"] == "For every u: 2 < 1."


def test_show_says_it_all(decider, capsys):
    decider.changes[MORE] = {"sharp": True, "tightness": 1.001, "evidence": [CERTIFICATE] * 5}
    assert main(["show", MORE]) == 0
    assert capsys.readouterr().out == f"""\
{MORE}

source     Theorem 1, as printed
quote      "two is more than one"
notion     euclidean (core)
statement  For every u: 2 > 1.
expected   proved
verdict    proved, by 5 certificates, 3 configurations. Just outside the bound
           it is refuted: the bound is sharp. The smallest refuted step is
           1.001000 times the claimed bound.
""" + "".join(f"""
evidence {number} of 5: certificate (rational arithmetic)
where      n = 2
given      u = (1, 2)
           K = [ -1   1 ]
               [  0  10 ]
let        v = K @ u
shows      norm2(v) > norm2(u)
because    it is larger
""" for number in (1, 2, 3)) + f"""
words      A @ u: matrix times vector, or the scalar product of two vectors
           norm2(u): the sum of the squares of the entries

(2 more pieces of evidence are in the verdict file.)
To write the verdict file and re-check it:
  stabkit verify {MORE} --json verdict.json
  stabkit replay verdict.json
"""


def test_show_without_evidence_says_how_to_go_on(decider, capsys):
    decider.changes[MORE] = {"status": "undecided", "evidence": [], "trials": 0}
    assert main(["show", MORE]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "undecided, by nothing found, 3 configurations. This is not what was expected!" in output
    assert f"stabkit verify {MORE} --budget 600" in output


@pytest.mark.parametrize("change, place", [
    (lambda contents: contents.pop("seed"), "'seed' is a required property"),
    (lambda contents: contents["verdicts"][0].update(status="true"), "$.verdicts[0].status"),
    (lambda contents: contents["verdicts"][0].update(evidence=[]), "$.verdicts[0].evidence"),
    (lambda contents: contents["verdicts"][0].update(margin=float("inf")), "JSON has not"),
])
def test_a_file_against_the_schema_is_not_written(change, place):
    contents = document([verdict(two_is_more_than_one).to_json()], seed=0, budget=1.0)
    as_text(contents)
    change(contents)
    with pytest.raises(InvalidEvidence) as caught:
        as_text(contents)
    assert place in str(caught.value)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


def test_help_without_arguments(capsys):
    assert main([]) == 0
    output = capsys.readouterr().out
    for command in "verify", "claims", "show", "replay", "report", "audit", "doctor":
        assert f"\n  {command} " in output
    assert "...\n" not in output.partition("Commands:")[2]


@pytest.mark.parametrize("command", ["verify", "claims", "show", "replay", "report", "audit"])
def test_help_has_examples(command, capsys):
    assert main([command, "--help"]) == 0
    output = capsys.readouterr().out
    assert "Example" in output
    assert f"\n    stabkit {command} " in output
    assert max(map(len, output.splitlines())) <= 80


def test_help_says_that_a_claims_file_is_code(capsys):
    main(["verify", "--help"])
    assert "code" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("stabkit ")


def test_a_terminal_without_greek_is_served(decider, monkeypatch):
    read, write_end = os.pipe()
    with os.fdopen(write_end, "w", encoding="latin-1") as narrow:
        monkeypatch.setattr("sys.stdout", narrow)
        entry = replace(two_is_more_than_one, quote="τ ≤ 1")
        use_ledger(monkeypatch, entry)
        assert main(["show", entry.name]) == 0
    with os.fdopen(read, "rb") as received:
        assert b"\\u03c4 \\u2264 1" in received.read()
