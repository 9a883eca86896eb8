"""Files that were cut, doubled or rewritten: seals tell, and where those are computed again, the
verdicts contradict their own evidence."""

import copy
import json

import pytest
from evidence_files import evidence, sealed_again, verdict_file, witness

from stabkit.errors import InvalidEvidence
from stabkit.replay import replay
from stabkit.report.verdict_file import as_text


def certificates(count):
    return [evidence(f"{n + 1} > {n}", arithmetic="rational") | {"place": n} for n in range(count)]


def trials(worst=0.25, count=10, place=0):
    return {"kind": "trials", "arithmetic": "float64", "configuration": {}, "place": place,
            "data": {"trials": count, "seed": 3, "worst": worst}}


def whole_file():
    """A proof of three configurations, one of four, where one needs not apply; a witness; one
    configuration that is enough; and trials."""
    proof = {"status": "proved", "expected": "proved", "margin": None}
    verdicts = [
        verdict_file(*certificates(3), claim="a.three", configurations=3, **proof),
        verdict_file(*certificates(3), claim="a.four", configurations=4, inapplicable=1, **proof),
        verdict_file(witness() | {"place": 4}, claim="a.witness", configurations=5),
        verdict_file(*certificates(3)[2:], claim="a.some", configurations=3, some=True, **proof),
        verdict_file(trials(), claim="a.trials", status="supported", expected="supported",
                     margin=None),
    ]
    return sealed_again(verdict_file() | {"verdicts": [file["verdicts"][0] for file in verdicts]})


def refused(content):
    """Whether the checker refuses a file, as a path would."""
    try:
        return not all(finding.holds for finding in replay(content))
    except InvalidEvidence as error:
        assert "\n" not in str(error)
        return True


def test_the_whole_file_is_accepted():
    findings = replay(whole_file())
    assert len(findings) == 9 and all(finding.holds for finding in findings)


def removals_and_doublings(content):
    """Every file with one verdict, or one piece of evidence, less, twice, or in another place."""
    lists = [content["verdicts"], *(verdict["evidence"] for verdict in content["verdicts"])]
    for number, items in enumerate(lists):
        changes = [lambda x, k=k: x.pop(k) for k in range(len(items))]
        changes += [lambda x, k=k: x.insert(k, copy.deepcopy(x[k])) for k in range(len(items))]
        changes += [lambda x, k=k: x.append(x.pop(k)) for k in range(len(items) - 1)]
        for change in changes:
            changed = copy.deepcopy(content)
            change([changed["verdicts"],
                    *(verdict["evidence"] for verdict in changed["verdicts"])][number])
            yield number > 0, changed


@pytest.mark.slow
def test_nothing_is_taken_away_doubled_or_put_elsewhere():
    """The seals tell each of them; without the seals no evidence can be missed or doubled."""
    for inside, changed in removals_and_doublings(whole_file()):
        assert refused(changed)
        assert not inside or refused(sealed_again(changed))


@pytest.mark.parametrize("change", [
    {"stabkit": "0.2.0"}, {"seed": 1}, {"budget": 61.0}, {"environment": {"python": "4"}},
    {"note": "more"}, {"seal": "0" * 64},
])
def test_no_field_of_the_file_can_be_changed(change):
    assert refused(whole_file() | change)


@pytest.mark.parametrize("change", [
    {"seed": -1}, {"budget": 0}, {"budget": -1.5}, {"note": "more"}, {"stabkit": 1},
    {"environment": []}, {"verdicts": {}},
])
def test_a_field_of_the_file_that_cannot_be_is_refused_though_sealed(change):
    content = whole_file() | change
    if isinstance(content["verdicts"], list):
        content = sealed_again(content)
    with pytest.raises(InvalidEvidence):
        replay(content)


THREE, FOUR, WITNESS, SOME, TRIALS = range(5)


@pytest.mark.parametrize("number, change", [
    (THREE, {"configurations": 4}), (THREE, {"configurations": 2}), (THREE, {"configurations": 0}),
    (THREE, {"inapplicable": 1}), (THREE, {"inapplicable": 4}), (THREE, {"status": "supported"}),
    (THREE, {"status": "refuted"}), (THREE, {"expected": "refuted"}), (THREE, {"as_expected": 1}),
    (THREE, {"as_expected": False}), (THREE, {"evidence": []}), (THREE, {"margin": 0.0}),
    (THREE, {"scope": "for some"}), (THREE, {"extra": 1}), (THREE, {"trials": -1}),
    (THREE, {"configurations": -3}), (THREE, {"inapplicable": -1}), (THREE, {"some": 1}),
    (THREE, {"claim": ""}), (THREE, {"claim": "a\nholds  b"}), (THREE, {"claim": "a.four"}),
    (FOUR, {"inapplicable": 0}), (FOUR, {"configurations": 5}), (FOUR, {"inapplicable": True}),
    (WITNESS, {"scope": "listed"}), (WITNESS, {"status": "proved", "expected": "proved"}),
    (WITNESS, {"margin": -4.1}), (WITNESS, {"margin": -3.999999999999999}),
    (WITNESS, {"inapplicable": 6}), (WITNESS, {"inapplicable": 9}), (TRIALS, {"inapplicable": 49}),
    (WITNESS, {"margin": 4.0}), (WITNESS, {"configurations": 4}), (WITNESS, {"some": True}),
    (WITNESS, {"margin": -5}), (WITNESS, {"margin": 10**4000}), (WITNESS, {"evidence": []}),
    (WITNESS, {"evidence": [trials()]}), (SOME, {"some": False}), (SOME, {"configurations": 2}),
    (TRIALS, {"evidence": []}), (TRIALS, {"evidence": [trials(-2e-9)]}), (TRIALS, {"trials": 9}),
    (TRIALS, {"evidence": [trials(), trials(-1)]}), (TRIALS, {"evidence": [trials(count=-1)]}),
    (TRIALS, {"status": "proved", "expected": "proved"}),
    (TRIALS, {"status": "refuted", "expected": "refuted"}),
    (TRIALS, {"evidence": [trials(count=6), trials(count=5, place=1)], "trials": 10}),
])
def test_a_verdict_that_contradicts_itself_is_refused_though_sealed(number, change):
    content = whole_file()
    content["verdicts"][number].update(change)
    assert refused(sealed_again(content))


@pytest.mark.parametrize("number, change", [
    (THREE, {"scope": "listed"}), (WITNESS, {"scope": None}),
    (WITNESS, {"margin": None}), (WITNESS, {"margin": -4}), (TRIALS, {"trials": 10}),
    (TRIALS, {"evidence": [trials(None)]}), (TRIALS, {"evidence": [trials(-1e-10)]}),
    (TRIALS, {"status": "undecided", "expected": "undecided", "evidence": []}),
    (TRIALS, {"evidence": [trials(), trials(place=2)]}),
])
def test_what_an_honest_verdict_may_say(number, change):
    content = whole_file()
    content["verdicts"][number].update(change)
    assert not refused(sealed_again(content))


def test_the_margin_of_a_verdict_is_the_least_of_its_evidence():
    pieces = [evidence("1 > 0", margin=m, margin_value=m) | {"place": place}
              for place, m in enumerate(("-1", "-3", "-2"))]
    unknown = evidence("1 > 0", margin="-7") | {"place": 3}

    def accepts(margin, *items):
        return not refused(verdict_file(*items, status="proved", expected="proved",
                                        configurations=len(items), margin=margin))

    assert accepts(-3.0, *pieces) and accepts(-3, *pieces) and accepts(None, *pieces)
    assert not accepts(-1.0, *pieces) and not accepts(-3.1, *pieces)
    assert accepts(-7.0, *pieces, unknown) and accepts(-3.0, *pieces, unknown)
    assert not accepts(-2.0, *pieces, unknown)


def test_no_refutation_has_a_margin_above_zero():
    """Also where the evidence writes its margin as a formula alone, which has no value to compare;
    a proof may have any."""
    item = witness() | {"place": 0}
    del item["data"]["margin_value"]
    assert not refused(verdict_file(item, margin=-4.0))
    assert refused(verdict_file(item, margin=4.0))
    proof = {"status": "proved", "expected": "proved", "configurations": 1}
    assert not refused(verdict_file(
        evidence("1 > 0", margin="4", margin_value="4") | {"place": 0}, margin=4.0, **proof))


def test_a_file_without_seals_is_of_an_older_version():
    """It says what to do, of the file's seal and of a verdict's."""
    content = whole_file()
    del content["verdicts"][0]["seal"]
    for old in (content, {key: x for key, x in content.items() if key != "seal"}):
        with pytest.raises(InvalidEvidence, match="older version: run `stabkit verify --json`"):
            replay(old)


def test_a_file_is_sealed_as_it_is_written(tmp_path):
    """What was added to the contents before they are written is sealed with them."""
    path = tmp_path / "verdicts.json"
    content = whole_file()
    content["environment"]["seconds"] = 1.5
    assert refused(content)
    path.write_text(as_text(content), encoding="utf-8")
    assert not refused(path)
    assert refused(json.loads(path.read_text("utf-8")) | {"environment": {"seconds": 1.4}})
