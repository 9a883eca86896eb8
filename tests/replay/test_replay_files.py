"""The checker against forged files and hostile ones."""

import ast
import copy
import hashlib
import json
import math
import sys
from pathlib import Path

import pytest
from evidence_files import (
    evidence,
    sealed_again,
    verdict_file,
    witness,
)

from stabkit.errors import InvalidEvidence
from stabkit.replay import check, replay, seal, work

# -- files, seals and forgeries ----------------------------------------------------------------


def test_the_witness_against_the_euclidean_norm_holds(tmp_path):
    """(0, 1) -> (-1, 2) doubles the norm and more; read from a dict and from a file."""
    content = verdict_file(witness())
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    (finding,) = replay(content)
    assert [finding] == replay(path) == replay(str(path))
    assert finding.holds and finding.claim == "a.claim" and finding.status == "refuted"
    assert finding.kind == "witness" and finding.evidence == 0
    assert "norm2(v) > norm2(u): 5 > 1" in finding.reason


@pytest.mark.slow
def test_every_changed_digit_is_caught():
    """No digit anywhere in a sealed verdict can be changed unnoticed."""
    content = verdict_file(witness(), evidence("exp(1/10**30) > 1", margin="exp(1)", kind="witness",
                                               margin_value=2.7182818284590452))
    text = json.dumps(content["verdicts"][0])
    around = json.dumps({**content, "verdicts": []})[:-2] + "{}]}"
    before, after = around.rsplit("{}", 1)
    assert accepted(before + text + after)
    for position, digit in enumerate(text):
        for other in "0123456789" if digit.isdigit() else "":
            changed = text[:position] + other + text[position + 1:]
            assert other == digit or not accepted(before + changed + after)


def accepted(text):
    """Whether a file with this text is read and all of its evidence holds."""
    path = accepted.folder / "changed.json"
    path.write_text(text, encoding="utf-8")
    try:
        return all(finding.holds for finding in replay(path))
    except InvalidEvidence as error:
        assert "\n" not in str(error)
        return False


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    accepted.folder = tmp_path


def test_the_unchanged_text_is_accepted():
    assert accepted(json.dumps(verdict_file(witness())))


@pytest.mark.parametrize("change", [
    lambda data: data["given"].update(u=["1", "1"]),
    lambda data: data["given"].update(tau="1/10"),
    lambda data: data["let"].__setitem__(0, ["phi(x)", "x"]),
    lambda data: data.update(shows=["norm2(v) < norm2(u)"]),
    lambda data: data.update(margin_value="-3"),
    lambda data: data.update(margin_value=-4.000000000000002),
    lambda data: data.update(margin="norm2(v) - norm2(u)"),
    lambda data: data.update(shows=["norm2(v) > norm2(u)", "v[0] > 0"]),
])
def test_false_evidence_is_caught_though_sealed_again(change):
    """A forger may compute the seal; the calculation still has to come out true."""
    content = verdict_file(witness())
    change(content["verdicts"][0]["evidence"][0]["data"])
    findings = replay(sealed_again(content))
    finding = findings[0]
    assert not finding.holds


def test_a_failing_condition_is_named_with_its_values():
    item = evidence("norm2(v) > 7", given={"v": ["1", "2"]})
    assert check(item) == "it does not hold that norm2(v) > 7: 5 > 7"
    assert "on the cell [1, 2]" in check(evidence("all(x < 1 for x in cells([0, 1/2, 1, 2]))"))
    assert "undecided with 4096 bits" in check(evidence("sqrt(2) * sqrt(2) == 2"))


def test_the_arithmetic_must_be_named_rightly():
    """A calculation that needs enclosures cannot be called rational."""
    assert check(evidence("exp(1) > 2", arithmetic="rational")).startswith("the arithmetic")
    assert check(evidence("sqrt(4) == 2 and exp(0) == 1", arithmetic="rational")) is None


@pytest.mark.parametrize("value, agrees", [
    ("5/3", True), (5 / 3, True), (math.nextafter(5 / 3, 1), True),
    (1.66666, False), ("4/3", False), (2, False),
])
def test_the_margin_value(value, agrees):
    """A rational string is the margin; a float is it up to one unit in its last place."""
    item = evidence("1 > 0", margin="5/3", margin_value=value)
    assert (check(item) is None) == agrees


def test_the_seal_is_the_hash_of_canonical_json():
    """SHA-256 of sorted, compact, unescaped JSON without the evidence list and the seal itself."""
    content = verdict_file(witness(), claim="größe")
    verdict = content["verdicts"][0]
    item = copy.deepcopy(verdict["evidence"][0])
    found = item["data"].pop("seal")
    bare = {key: value for key, value in verdict.items() if key not in ("evidence", "seal")}
    canonical = json.dumps({"verdict": bare, "evidence": item}, sort_keys=True,
                           separators=(",", ":"), ensure_ascii=False)
    assert found == seal(verdict, item) == hashlib.sha256(canonical.encode("utf-8")).hexdigest()


# -- unreadable and hostile --------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", '{"verdicts": []}', '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}',
    '{"a": 1, "a": 2}', "[" * 100_000, '{"a": ' * 5000 + "1" + "}" * 5000, "9" * 10_000,
    '{"a": 0.30000000000000003}', '{"a": 1e-99999999999999999999}', "\x00", '"\ud800"'.encode(
        "utf-8", "surrogatepass").decode("latin-1"),
])
def test_what_is_not_a_verdict_file(text, tmp_path):
    """Truncated, nested without end, NaN, infinities, double keys, digits beyond a float."""
    path = tmp_path / "file.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidEvidence):
        replay(path)


def test_unreadable_paths(tmp_path):
    for path in (tmp_path, tmp_path / "missing.json"):
        with pytest.raises(InvalidEvidence, match="cannot read"):
            replay(path)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidEvidence):
        replay(tmp_path / "bytes.json")


@pytest.mark.parametrize("key, value", [
    ("claim", 1), ("status", "true"), ("as_expected", 1), ("configurations", 1.5),
    ("evidence", {}), ("margin", "0"), ("sharp", 0), ("evidence", [1]),
    ("evidence", [{"kind": []}]), ("reading", ["printed"]),
])
def test_wrong_types_in_a_verdict_are_named(key, value):
    content = verdict_file(witness())
    content["verdicts"][0][key] = value
    with pytest.raises(InvalidEvidence, match=r"verdicts\[0\].*"):
        replay(content)
    del content["verdicts"][0][key]
    with pytest.raises(InvalidEvidence, match=f"{key}: is missing"):
        replay(content)


@pytest.mark.parametrize("change", [
    {"shows": []}, {"shows": "1"}, {"shows": [1]}, {"given": []}, {"given": {"x": 1}},
    {"given": {"x": "1.5"}}, {"given": {"x": "1/0"}}, {"given": {"x": "9" * 5000}},
    {"given": {"x": "inf"}}, {"given": {"exp": "1"}}, {"given": {"x": [["1"], ["1", "2"]]}},
    {"given": {"x": [["1"], "2"]}}, {"given": {"x": [[["1"]]]}}, {"given": {"x y": "1"}},
    {"given": {"__class__": "1"}, "shows": ["__class__.x > 0"]},
    {"let": [["a", "1"], ["a", "2"]]}, {"let": [["a"]]}, {"let": [["f(x)", "f(x)"]]},
    {"let": [["a", "a"]]}, {"let": [["f(x, x)", "x"]]}, {"let": [["f()", "1"]]},
    {"let": [["a", "b"], ["b", "1"]]}, {"let": [["f(x)", "g(x)"], ["g(x)", "f(x)"]]},
    {"given": {"a": "1"}, "let": [["a", "1"]]}, {"margin": 1}, {"margin_value": 1},
    {"margin": "1", "margin_value": "x"}, {"extra": 1}, {"by": None},
    {"margin": "[1, 2]", "margin_value": "1"}, {"let": [["a", "1"]] * 3000}, {"margin": "1 > 0"},
])
def test_evidence_that_is_not_of_the_form(change):
    """Missing, double, recursive, wrongly typed: each is refused with one clear line."""
    item = evidence("1 > 0")
    item["data"].update(change)
    with pytest.raises(InvalidEvidence) as raised:
        check(item)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 200


def test_a_duplicate_key_in_the_file_is_refused():
    text = json.dumps(verdict_file(witness()))
    assert not accepted(text.replace('"u": ["0", "1"]', '"u": ["0", "1"], "u": ["0", "1"]'))


HOSTILE = [
    "10**10**10 > 0", "2**5000 > 0", "(10**4000)**4000 > 0", "__import__('os')",
    "().__class__ == 1", "u.shape == 1", "I(10**9) == 1", "len(I(4096)) == 1",
    "zeros(10**6) == 0", "len(zeros(-1)) == 0", "(" * 250 + "1" + ")" * 250, "-" * 5000 + "1 > 0",
    "+".join(["1"] * 2000) + " > 0", "lambda: 1", "[x for x in u]", "f'{u}'", "(y := 1) > 0",
    "u[::2] == 1", "u[0, 0, 0] == 1", "u[5] == 0", "u[1/2] == 0", "u[0:9, 0] == 0", "open(u)",
    "1.5 > 1", "1e5 > 1", "1j == 1", "True", "None", "'a' == 'a'", "u if 1 else 0", "1", "u",
    "1 // 2 == 0", "1 % 2 == 1", "1 << 9999999999 > 0", "u is u", "1 in u", "u + [1, 2, 3] == 0",
    "u @ [1] == 0", "norm2() == 0", "norm2(u, u) == 0", "psd(u)", "psd([[1, 2]])",
    "exp(u > 0) == 1", "(u > 0) + 1 == 2", "inf == inf", "inf - inf == 0", "sum([inf]) > 0",
    "all(u)", "all(x > 0 for x in u)", "all(x > 0 for x in cells(u) if x > 0)",
    "all(x > 0 for x in cells(u) for y in cells(u))", "all(x > 0 for x in cells([1]))", "x > 0 ",
    "all(x > 0 for x in cells(u)) and x > 0", "cells(u) == 0", "exp(x=1) == 1", "max(*u) == 1",
    "u ** u[0:1] == 0", "2 ** (1/2) > 1", "2 ** sqrt(2) > 1", "totally_nonneg(I(9))",
    "roots_in([sqrt(2), 1], 0, 1) == 0", "positive_on([1], sqrt(2), 3)", "[[1], [2, 3]] == 0",
    "[u, 1] == 0", "[1, 2 > 1] == 0", "min([]) == 0", "\n1 > 0", "1 > 0 # comment", "1 > 0; 2",
    "ＩI(2) == 1", "min == min", "9" * 5000 + " > 0", "u.T == 0", "", " ", "decay(1/2, 1) > 0",
    "decay(5000, 1) > 0", "[[], []] == 0", "diag(ones(4096)) == 0", "outer(w, w) == 0",
]


@pytest.mark.parametrize("expression", HOSTILE)
def test_what_is_not_in_the_notation_or_too_large_is_refused(expression):
    """Nothing is executed, built or looked up that the notation does not know."""
    with pytest.raises(InvalidEvidence) as raised:
        check(evidence(expression, given={"u": ["0", "1"]}, let=[["w", "ones(1000)"]]))
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 300


@pytest.mark.slow
@pytest.mark.parametrize("let, shows", [
    ([["f0(x)", "x + 1"]] + [[f"f{k}(x)", f"f{k-1}(x) + f{k-1}(x)"] for k in range(1, 60)],
     "f59(1) > 0"),
    ([["f0(x)", "x"]] + [[f"f{k}(x)", f"f{k-1}(x)"] for k in range(1, 1500)], "f1499(1) > 0"),
    ([["a0", "3"]] + [[f"a{k}", f"a{k-1} * a{k-1}"] for k in range(1, 60)], "a59 > 0"),
    ([["a0", "sqrt(3)"]] + [[f"a{k}", f"a{k-1} * a{k-1}"] for k in range(1, 60)], "a59 > 0"),
    ([["a", "2**4096 * ones(4096)"]], "sum(a**31) > 0"),
    ([["k", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"]],
     "all(all(all(all(all(x + y > -1 for x in cells(k)) for y in cells(k)) for z in cells(k))"
     " for w in cells(k)) for t in cells(k))"),
    ([["v", "kron([ones(256)], [ones(16)])[0]"], ["s", f"vec([{', '.join('v' * 16)}])"]],
     "len(s) > 0"),
    ([["A", "outer(ones(200), ones(200)) + I(200)"]], "det(A) > 0"),
])
def test_long_calculations_end(let, shows, monkeypatch):
    """Doubling functions, deep chains, squares of squares, large arrays: the allowance runs out."""
    monkeypatch.setattr(work, "MAX_STEPS", 100_000)
    with pytest.raises(InvalidEvidence):
        check(evidence(shows, let=let))


def test_undecided_before_the_allowance_ends_is_undecided(monkeypatch):
    """An equality that no precision decides is not a fault of the file."""
    monkeypatch.setattr(work, "MAX_STEPS", 6000)
    item = evidence("sum(sqrt(2) * a) == sqrt(2) * sum(a)", let=[["a", "ones(30)"]])
    assert check(item).startswith("undecided")


@pytest.mark.slow
def test_the_checker_stands_alone():
    """It imports the errors of stabkit, itself, the proof kernel, python-flint and the standard
    library, no more; the kernel needs the standard library alone."""
    allowed = set(sys.stdlib_module_names) | {"flint"}
    for path in Path(work.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [
                alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.split(".")[0] in allowed or name.startswith(
                    ("stabkit.errors", "stabkit.replay", "stabkit.proof")), (path.name, name)
