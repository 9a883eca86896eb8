"""Packed verdict files: what is said once, and forged references."""

import copy
import json

import jsonschema
import pytest
from evidence_files import evidence, sealed_again, verdict_file

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    Explicit,
    Stable,
    decide,
    difference,
    fluxes,
    stable_step,
)
from stabkit.errors import InvalidEvidence
from stabkit.replay import calculation, check, read, replay, settled, unpacking
from stabkit.replay.seals import canonical
from stabkit.replay.unpacking import apply_patch, unpack
from stabkit.report.packing import pack
from stabkit.report.verdict_file import as_text, check_form, schema

FIRST = "soft(threshold=1): sector [0, 1]"


@pytest.fixture(scope="module")
def whole():
    """Twelve certificates: three operators, two fluxes, two notions each, at the bound."""
    made = []
    for K in (difference(1, 4), difference(1, 6), difference(2, 5)):
        for flux in (fluxes.soft(), fluxes.charbonnier()):
            for notion in (EUCLIDEAN, CONTRACTION):
                found = decide(Stable(Explicit(K, flux, stable_step(K)), notion))
                made.append({**found.evidence[0].to_json({"K": str(K), "flux": str(flux)}),
                             "place": len(made)})
    return verdict_file(*made, status="proved", expected="proved", configurations=12, trials=0,
                        margin=None, sharp=None, tightness=None, scope="listed")


@pytest.fixture(scope="module")
def content(whole):
    """Sealed as a forger would, so that nothing but the evidence itself can refuse it."""
    return sealed_again(copy.deepcopy(whole))


@pytest.fixture
def short(content):
    return pack(content)


@pytest.mark.slow
def test_a_packed_file_is_the_same_file(content, short):
    """unpacked(packed(x)) = x, to the last character of the canonical form, so every seal holds."""
    assert "shared" in short and "shared" not in content
    assert canonical(unpack(short)) == canonical(content)
    assert all(finding.holds for finding in replay(short)) and len(replay(short)) == 12
    assert pack(unpack(short)) == short


def test_the_text_is_shorter_and_follows_the_schema(content, tmp_path):
    """Less than half, in the form that the schema tells; read again it is what was written."""
    text = as_text(content)
    assert 2 * len(text) < len(json.dumps(content))
    jsonschema.Draft202012Validator(schema()).validate(json.loads(text))
    (tmp_path / "v.json").write_text(text, "utf-8")
    assert read(tmp_path / "v.json") == json.loads(json.dumps(content))


def test_every_fact_of_a_flux_is_shown_once(short):
    """Sector, slopes and continuity of two fluxes: five facts, as |s| = s has one piece more; the
    twelve pieces of evidence repeat none of them."""
    names = set(short["shared"]["facts"])
    assert {FIRST, "soft(threshold=1): slopes [0, 1]", "soft(threshold=1): continuous",
            "charbonnier(contrast=1): sector [0, 1]"} <= names
    rest = json.dumps(short["verdicts"])
    assert "cells(" not in rest and rest.count(FIRST) >= 1
    assert all(list(fact) == ["given", "let", "shows"] for fact in
               short["shared"]["facts"].values())


def test_few_pieces_stay_as_they_are():
    """A file of one witness says everything in place."""
    text = as_text(verdict_file(evidence("1 == 1", kind="witness"), evidence(
        "2 == 2", kind="witness"), margin=None))
    assert "shared" not in json.loads(text)


def test_a_text_that_looks_like_a_reference_is_none():
    """"@x" in a file of a user's is kept, packed or not."""
    items = [evidence(f"{k} == {k}", given={"u": ["1", "2", "3", "4", "5"] * 3}, kind="witness")
             for k in range(8)]
    for k, item in enumerate(items):
        item["configuration"] = {"of": "@given1", "@": k, "much": "@@" + "x" * 50, "none": None}
    content = verdict_file(*items, margin=None)
    assert unpack(pack(content)) == content


# -- forged references ---------------------------------------------------------------------------
def test_what_nothing_shares_is_missing(short):
    """A name that no table has: of a piece, of a fact."""
    with pytest.raises(InvalidEvidence, match=r"nothing shared has the name 'nowhere'"):
        unpack(changed(short, lambda item: item["data"]["given"].update(K="@nowhere")))
    with pytest.raises(InvalidEvidence, match=r"nothing shared has the name 'a lie'"):
        unpack(changed(short, lambda item: item["data"].update(facts=["a lie"])))
    del short["shared"]["facts"][FIRST]
    with pytest.raises(InvalidEvidence, match=r"nothing shared has the name 'soft"):
        unpack(short)


def test_what_is_shared_refers_to_nothing(short):
    """No circle: "@a" in what @a stands for, and a fact that uses a fact."""
    for value in ("@a", ["@a"], {"x": [["@a"]]}, "@b"):
        forged = changed(short, lambda item: item["data"]["given"].update(u="@a"))
        forged["shared"]["pieces"] |= {"a": value, "b": "@a"}
        with pytest.raises(InvalidEvidence, match="refers to something itself"):
            unpack(forged)
    forged = copy.deepcopy(short)
    forged["shared"]["facts"][FIRST]["facts"] = [FIRST]
    with pytest.raises(InvalidEvidence, match="is not a fact"):
        unpack(forged)


def test_a_fact_is_used_once(short, tmp_path):
    """Named twice in one piece of evidence, twice in the table, or said again beside it."""
    with pytest.raises(InvalidEvidence, match="named twice"):
        unpack(changed(short, lambda item: item["data"].update(facts=[FIRST, FIRST])))
    with pytest.raises(InvalidEvidence, match="already taken by a fact"):
        unpack(changed(short, lambda item: item["data"]["given"].update(ends=["-inf", "inf"])))
    with pytest.raises(InvalidEvidence, match="already taken by a fact"):
        unpack(changed(short, lambda item: item["data"]["let"].append(["g(x)", "1/2"])))
    text = json.dumps(short).replace('"facts": {', f'"facts": {{{json.dumps(FIRST)}: 1, ', 1)
    (tmp_path / "v.json").write_text(text, "utf-8")
    with pytest.raises(InvalidEvidence, match="occurs twice"):
        read(tmp_path / "v.json")


def test_what_nothing_refers_to_is_refused(short):
    """Else something could stand in a file that no seal covers."""
    short["shared"]["facts"]["a lie"] = {"given": {}, "let": [], "shows": ["1 == 2"]}
    with pytest.raises(InvalidEvidence, match="nothing refers to 'a lie'"):
        unpack(short)


def test_a_fact_under_another_name_breaks_the_seal(short):
    """Two facts change names, each being true of another flux: the seals are of what is meant."""
    facts = short["shared"]["facts"]
    other = "charbonnier(contrast=1): sector [0, 1]"
    facts[FIRST], facts[other] = facts[other], facts[FIRST]
    assert any("seal is broken" in finding.reason for finding in replay(short))


def test_a_renamed_fact_breaks_the_seal(short):
    """Also where all that refer to it follow."""
    text = json.dumps(short).replace("soft(threshold=1): sector", "garrote(threshold=1): sector")
    assert any("seal is broken" in finding.reason for finding in replay(json.loads(text)))


def test_a_false_fact_is_found_out_however_it_is_sealed(content):
    """g <= 99/100 is false of soft shrinkage; sealed again, the calculation itself fails."""
    text = json.dumps(pack(content)).replace("0 <= g(x) <= 1 ", "0 <= g(x) <= 99/100 ")
    forged = sealed_again(unpack(json.loads(text)))
    found = [finding for finding in replay(forged) if not finding.holds]
    assert found and all("99/100" in finding.reason for finding in found)


def test_a_fact_says_what_is_shown(content):
    """A name for a condition that is not among those shown is refused."""
    forged = copy.deepcopy(content)
    forged["verdicts"][0]["evidence"][0]["data"]["facts"][FIRST] = ["phi(1) == 5"]
    with pytest.raises(InvalidEvidence, match="is not some of the conditions"):
        replay(sealed_again(forged))


def test_changes_are_of_something(short):
    """The first piece of evidence cannot differ from one before it."""
    short["verdicts"][0]["evidence"].pop(0)
    with pytest.raises(InvalidEvidence, match="nothing stands before it"):
        unpack(short)


@pytest.mark.parametrize("shared", [
    None, [], {}, {"facts": {}}, {"facts": {}, "pieces": []},
    {"facts": {}, "pieces": {}, "more": {}},
    {"facts": {"f": {"given": {}, "let": [], "shows": []}}, "pieces": {}},
    {"facts": {"f": {"given": {}, "let": [["x"]], "shows": ["1 == 1"]}}, "pieces": {}},
    {"facts": {"f": {"given": {}, "let": [], "shows": ["1 == 1"]}}, "pieces": {"f": "1"}},
])
def test_tables_of_another_form_are_refused(short, shared):
    with pytest.raises(InvalidEvidence, match="shared: "):
        unpack({**short, "shared": shared})


# -- limits --------------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_small_file_does_not_unpack_to_a_large_one(short, monkeypatch):
    """A thousand references to a megabyte, or a thousand pieces like a long one, would be 1 GB."""
    bomb = copy.deepcopy(short)
    bomb["shared"]["pieces"]["a"] = ["1"] * 200_000
    bomb["verdicts"][0]["evidence"][0]["data"]["given"] = {
        f"u{k}": "@a" for k in range(1000)}
    with pytest.raises(InvalidEvidence, match="unpacks to more than"):
        unpack(bomb)
    long = copy.deepcopy(short)
    long["verdicts"][0]["evidence"] += [{"but": {"data": {"by": "x" * 10**6}}}, *(
        {"but": {"place": k}} for k in range(100))]
    with pytest.raises(InvalidEvidence, match="unpacks to more than"):
        unpack(long)
    monkeypatch.setattr(unpacking, "MAX_CHARACTERS_OF_FILE", 1000)
    with pytest.raises(InvalidEvidence, match="unpacks to more than 1000"):
        unpack(short)


@pytest.mark.parametrize("target, patch, result", [  # appendix A of RFC 7396
    ({"a": "b"}, {"a": "c"}, {"a": "c"}), ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}), ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}), ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}), (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]), ({"a": "foo"}, None, None), ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}), ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
])
def test_changes_are_merge_patches(target, patch, result):
    """The examples of RFC 7396."""
    assert apply_patch(target, patch) == result


def test_a_condition_is_decided_once(content, monkeypatch):
    """Twelve certificates rest on a few facts; the checker walks the cells of each once, and a
    condition of the same text about another function is another condition."""
    monkeypatch.setattr(settled, "_confirmed", {})
    walked = []
    plain = calculation.Calculation._show

    def noted(calculator, expression):
        walked.append(expression)
        return plain(calculator, expression)

    monkeypatch.setattr(calculation.Calculation, "_show", staticmethod(noted))
    assert all(finding.holds for finding in replay(content))
    first = len(walked)
    total = sum(len(item["data"]["shows"]) for item in content["verdicts"][0]["evidence"])
    assert first < total
    assert all(finding.holds for finding in replay(content)) and len(walked) == first
    lie = [["g(x)", "1 if abs(x) <= 1 else 1 + abs(x)"]]
    text = "all(0 <= g(x) <= 1 for x in cells(ends))"
    forged = verdict_file(evidence(text, given={"ends": ["-inf", "-8", "-1", "0", "1", "8", "inf"]},
                                   let=lie, kind="witness"), margin=None)
    assert not all(finding.holds for finding in replay(sealed_again(forged)))


def test_a_definition_is_no_condition():
    """s = (1 == 2) has a value, and does not hold: the first time, and again."""
    for _ in range(3):
        assert check(evidence("s", let=[["s", "1 == 2"]])) is not None
        assert check(evidence("1 == 1", let=[["s", "1 == 2"]])) is None


def test_what_is_not_shown_must_still_exist():
    """A line that divides by zero is refused, before and after the same conditions held."""
    assert check(evidence("a == 2", let=[["a", "1 + 1"]])) is None
    for _ in range(2):
        assert "does not exist" in check(evidence("a == 2", let=[["a", "1 + 1"], ["b", "a / 0"]]))


def test_what_was_decided_before_is_charged_again(monkeypatch):
    """A file takes the same steps whatever was checked before it."""
    monkeypatch.setattr(settled, "_confirmed", {})
    spent = []
    for _ in range(3):
        made = calculation.Calculation(evidence(
            "sum(A @ A) > 1", "exp(b) > 2", let=[["A", "outer(ones(9), ones(9))"], ["b", "1"],
                                                 ["c", "sum(A)"]])["data"], rounding=True)
        assert made.decide()[0]
        spent.append(made.work.used_steps)
    assert len(set(spent)) == 1


def test_other_notions_name_facts_too():
    """The range of an explicit step rests on the sector of its flux."""
    found = decide(Stable(Explicit(difference(1, 4), fluxes.soft(), "1/4"), RANGE))
    assert list(found.evidence[0].data["facts"]) == [FIRST]


def changed(short, change):
    """The packed file with its first piece of evidence, which is whole, changed."""
    forged = copy.deepcopy(short)
    change(forged["verdicts"][0]["evidence"][0])
    return forged


@pytest.mark.slow
def test_what_is_made_of_the_schema_refuses_what_the_schema_refuses(content):
    """Of files with one entry left out or replaced, both say the same; jsonschema is the oracle."""
    oracle = jsonschema.Draft202012Validator(schema())
    wrong = (None, -1, 1.5, "", "x", [], {}, [1], True)
    files = [content, pack(content)]
    refused = 0
    for file in files:
        for *way, last in list(_places(file)):
            for other in (*wrong, "left out"):
                made = copy.deepcopy(file)
                at = made
                for key in way:
                    at = at[key]
                if other == "left out":
                    del at[last]
                else:
                    at[last] = other
                try:
                    check_form(made, "f")
                    holds = True
                except InvalidEvidence:
                    holds = False
                assert holds == oracle.is_valid(made), (way, last, other)
                refused += not holds
    assert refused > 300


def _places(file):
    """Ways to entries: of the file, its first verdict, and the first two pieces of evidence."""
    yield from ([key] for key in file)
    verdict, = file["verdicts"]
    yield from (["verdicts", 0, key] for key in verdict)
    for k, piece in enumerate(verdict["evidence"][:2]):
        yield from (["verdicts", 0, "evidence", k, key] for key in piece)
        yield from (["verdicts", 0, "evidence", k, "data", key] for key in piece.get("data", ()))
