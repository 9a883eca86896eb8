"""Files that claim more than is proved, sealed anew by somebody who can compute seals."""

import copy
import json
from dataclasses import replace
from fractions import Fraction as F
from functools import cache

import pytest

from stabkit import fluxes
from stabkit.claims.claim import registry
from stabkit.claims.obligations import proof_of, statements
from stabkit.claims.rederived import listed_differences
from stabkit.claims.settle import settle
from stabkit.claims.statements import differences
from stabkit.cli import main
from stabkit.errors import InvalidEvidence
from stabkit.operators import difference
from stabkit.proof import THEOREMS
from stabkit.replay import replay, seal, sealed

NAME = "alt2021.euclidean_stability"
LISTED = "alt2021.implicit_scheme_keeps_the_range"


@pytest.fixture(scope="module")
def honest():
    entry = registry()[NAME]
    small = replace(entry, beyond={}, within=dict(
        K=(difference(1, 2),), flux=(fluxes.soft(),), ratio=(F(1, 2), F(1))))
    return small, {"stabkit": "0.1.0", "seed": 0, "budget": 1.0, "environment": {},
                   "verdicts": [settle(small, 256, 0).to_json()]}


def found(document, claim):
    """Findings about a file whose seals are all computed anew."""
    for verdict in document["verdicts"]:
        for evidence in verdict["evidence"]:
            evidence["data"]["seal"] = seal(verdict, evidence)
    document = sealed(document)
    claims = {claim.name: claim} if claim is not None else {}
    return replay(document) + list(differences(document, claims))


def failures(document, claim):
    return [finding.reason for finding in found(document, claim) if not finding.holds]


def forged(honest, change):
    claim, content = honest
    content = copy.deepcopy(content)
    change(content["verdicts"][0])
    return claim, content


def test_an_honest_file_holds_and_its_statement_is_derived_anew(honest):
    claim, content = honest
    findings = found(copy.deepcopy(content), claim)
    assert all(finding.holds for finding in findings)
    assert [finding.reason for finding in findings if finding.kind == "statement"] == [
        "what is proved is what the claim says, derived anew"]
    assert findings[0].reason == "proved for all N, K, Φ, τ"


def test_a_claim_that_is_not_known_leaves_its_statement_underived(honest):
    _, content = honest
    findings = found(copy.deepcopy(content), None)
    assert all(finding.holds for finding in findings)
    assert "the statement was not derived" in findings[-1].reason


def statement(verdict):
    return verdict["evidence"][0]["data"]["statement"]


def proof(verdict):
    return verdict["evidence"][0]["data"]["proof"]


def set_both(name):
    def change(verdict):
        verdict["evidence"][0]["data"].update(copy.deepcopy(
            {"statement": THEOREMS[name].statement, "proof": THEOREMS[name].proof}))
    return change


FORGERIES = {
    "the proof is taken away, the scope is not": lambda v: v["evidence"].pop(0),
    "the scope is taken away, the proof is not": lambda v: v.update(scope="listed"),
    "nothing is left": lambda v: v.update(evidence=[]),
    "a certificate is taken away, and the proof": lambda v: v.update(
        scope="listed", evidence=v["evidence"][2:]),
    "a listed verdict is called one for all": lambda v: v.update(
        scope="for all", evidence=v["evidence"][1:]),
    "the step may be longer": lambda v: statement(v)["assume"].update(step="3 - L*c*tau >= 0"),
    "the step must be shorter": lambda v: statement(v)["assume"].update(step="1 - L*c*tau >= 0"),
    "a hypothesis is added": lambda v: statement(v)["assume"].update(more="tau - 1 >= 0"),
    "hypotheses that nothing meets": lambda v: statement(v)["assume"].update(none="-1 - tau >= 0"),
    "the goal is known": lambda v: statement(v).update(
        known={"J": statement(v)["goal"]}),
    "the step is of any sign": lambda v: statement(v)["parameters"].update(tau="any"),
    "the flux is zero": lambda v: statement(v)["fluxes"]["phi"].update(sector=["0", "0"]),
    "the flux is of any sign": lambda v: statement(v)["fluxes"]["phi"].update(sector=["-L", "L"]),
    "the goal is weaker": lambda v: statement(v).update(goal="u.T@u >= 0"),
    "the goal is nothing": lambda v: statement(v).update(goal="0 >= 0"),
    "the operator is symmetric": lambda v: statement(v)["operators"].update(K="N -> N symmetric"),
    "another theorem": set_both("implicit step, euclidean"),
    "the contraction": set_both("explicit step, contraction"),
    "1 == 1": lambda v: v["evidence"][0]["data"].update(
        statement={"kind": "algebra", "goal": "1 - 1 == 0"}, proof={"steps": []}),
    "a multiplier is negative": lambda v: proof(v)["steps"][0].update(times="-2*tau"),
    "a multiplier is another": lambda v: proof(v)["steps"][0].update(times="3*tau"),
    "a step is left out": lambda v: proof(v)["steps"].pop(),
    "the factor is zero": lambda v: proof(v).update(times="0"),
    "the proof of another": lambda v: v["evidence"][0]["data"].update(
        proof=THEOREMS["explicit step, energy"].proof),
    "proved twice": lambda v: v["evidence"].insert(0, copy.deepcopy(v["evidence"][0])),
    "the proof stands last": lambda v: v["evidence"].append(v["evidence"].pop(0)),
    "a refuted claim with a proof": lambda v: v.update(
        status="refuted", as_expected=False, scope=None),
    "for some": lambda v: v.update(some=True),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_proof_is_refused(honest, forgery):
    claim, content = forged(honest, FORGERIES[forgery])
    assert failures(content, claim)


@pytest.mark.parametrize("change", [
    lambda v: v["evidence"][0].update(place=0),
    lambda v: v["evidence"][0].update(arithmetic="ball"),
    lambda v: v["evidence"][0].update(configuration={"K": "K2"}),
    lambda v: v["evidence"][0]["data"].update(by="it is so"),
    lambda v: v["evidence"][0]["data"].pop("proof"),
    lambda v: v["evidence"][0]["data"].update(statement="it is so"),
    lambda v: v["evidence"][0]["data"].update(proof=[]),
])
def test_a_proof_of_another_form_is_refused(honest, change):
    claim, content = forged(honest, change)
    with pytest.raises(InvalidEvidence):
        found(content, claim)


def test_a_proof_under_the_name_of_another_claim_is_refused(honest):
    """A true theorem, but not what that claim says; and of a claim without classes nothing is."""
    _, content = honest
    claims = registry()
    for other in (claims["alt2021.energy_decay"], claims[LISTED], claims["alt2021.fsi_formula"]):
        changed = copy.deepcopy(content)
        changed["verdicts"][0]["claim"] = other.name
        assert any("statement" in reason or "claim says" in reason
                   for reason in failures(changed, other))


@pytest.mark.slow
def test_every_claim_refuses_the_statement_of_every_other(monkeypatch):
    """Unless the two say the same."""
    derived = cache(statements)  # once for each claim, not once for each pair
    monkeypatch.setattr("stabkit.claims.statements.statements", derived)
    written = {name: json.dumps(derived(entry), sort_keys=True)
               for name, entry in registry().items() if entry.for_all}
    for name, text in written.items():
        content = {"seed": 0, "verdicts": [{
            "claim": name, "status": "proved", "scope": "for all", "location": "", "reading": "",
            "expected": "", "configurations": 0, "evidence": [
                {"kind": "proof", "data": {"statement": each}} for each in json.loads(other)]}
            for other in written.values() if other != text]}
        told = [finding for finding in differences(content, registry())
                if finding.kind == "statement"]
        assert told and not any(finding.holds for finding in told)


@pytest.mark.slow
def test_claims_of_ones_own_are_derived_from_their_file(tmp_path, capsys):
    """With --claims the statement is derived; without it the file is checked and that is said."""
    own = tmp_path / "mine.py"
    text = '''
from stabkit import claim, fluxes, difference, stable_step, Explicit, Stable, EUCLIDEAN
from stabkit.classes import AnyFlux, AnyOperator, UpTo

@claim("here", within=dict(K=(difference(1, 2),), flux=(fluxes.soft(),), ratio=(1,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(diffusivities=(0, "L"), slopes=("-L", "L")),
                    ratio=UpTo(1)))
def steps(K, flux, ratio):
    """It is so."""
    return Stable(Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio)), EUCLIDEAN)
'''
    own.write_text(text)
    file = str(tmp_path / "v.json")
    assert main(["verify", "--claims", str(own), "--json", file, "--budget", "1"]) == 0
    assert "for all" in capsys.readouterr().out
    assert main(["replay", file]) == 0
    assert "the statement was not derived" in (shown := capsys.readouterr().out)
    assert "\nwhat 1 claim says was not derived\n" in shown
    assert main(["replay", file, "--derive"]) == 1
    assert main(["replay", file, "--claims", str(own)]) == 0
    assert "derived anew" in capsys.readouterr().out
    own.write_text(text.replace("UpTo(1)", 'UpTo("1/2")').replace("(1,)", '("1/2",)'))
    assert main(["replay", file, "--claims", str(own)]) == 1
    assert "another statement is proved: 1 assume step" in capsys.readouterr().out


def test_a_proof_found_for_a_weaker_statement_does_not_show_the_stronger():
    """The statement is compared whole: a proof that the kernel accepts is not enough."""
    stated, = statements(registry()[NAME])
    weaker = {**stated, "assume": {"step": "1 - L*c*tau >= 0"}}
    assert proof_of(stated) is not None
    assert proof_of({**stated, "assume": {"step": "3 - L*c*tau >= 0"}}) is None
    assert stated != weaker


# -- what is listed --------------------------------------------------------------------------------

SMALL = ("alt2021.fsi_formula", "alt2021.euclidean_stability_without_sign_condition",
         "alt2021.proof_largest_eigenvalue_of_g", "alt2021.norm_is_at_most_the_symbol_maximum",
         "alt2021.implicit_solution_is_unique", "alt2021.fsi_super_time_step",
         "alt2021.proof_diffusivity_is_bounded_by_the_lipschitz_constant",
         "alt2021.fourth_order_diffusion_keeps_the_range",
         "alt2021.nonmonotone_flux_may_enhance_contrast",
         "alt2020.euclidean_stable_blocks_may_overshoot")


@pytest.fixture(scope="module")
def listed():
    claims = registry()
    return {name: settle(claims[name], 1024, 0).to_json() for name in SMALL}


def document(verdict):
    return {"stabkit": "0.1.0", "seed": 0, "budget": 1.0, "environment": {},
            "verdicts": [copy.deepcopy(verdict)]}


@pytest.mark.parametrize("name", SMALL)
def test_listed_evidence_shows_what_its_claim_says(listed, name):
    finding, = listed_differences(document(listed[name]), registry())
    assert finding.holds, finding.reason


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_one_is_one_under_the_name_of_a_claim_is_refused(listed, name):
    """Each piece in turn becomes "1 == 1"; the calculation holds, but it is not the claim's.

    Proofs for all are compared elsewhere: with the statements of the claim.
    """
    pieces = [number for number, item in enumerate(listed[name]["evidence"])
              if item["kind"] in ("certificate", "witness")]
    assert pieces
    for number in pieces[:3]:
        content = document(listed[name])
        content["verdicts"][0]["evidence"][number]["data"].update(
            given={}, let=[], shows=["1 == 1"])
        finding, = listed_differences(content, registry())
        assert not finding.holds and f"evidence {number + 1}" in finding.reason


@pytest.mark.slow
def test_evidence_of_another_configuration_or_claim_is_refused(listed):
    one, other = (listed[name] for name in SMALL[1:3])
    content = document({**one, "claim": other["claim"]})
    finding, = listed_differences(content, registry())
    assert not finding.holds
    several = listed["alt2021.fsi_super_time_step"]
    content = document(several)
    items = content["verdicts"][0]["evidence"]
    items[3]["data"], items[4]["data"] = items[4]["data"], items[3]["data"]
    finding, = listed_differences(content, registry())
    assert not finding.holds


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_evidence_that_is_turned_against_its_claim_is_refused(listed, name):
    """What shows a claim does not refute it, whatever it is called."""
    content = document(listed[name])
    for item in content["verdicts"][0]["evidence"]:
        item["kind"] = {"certificate": "witness", "witness": "certificate"}.get(
            item["kind"], item["kind"])
    assert not all(finding.holds for finding in listed_differences(content, registry()))


@pytest.mark.slow
def test_a_configuration_that_is_left_out_is_missed():
    """A claim is proved where it is listed if each configuration has evidence or no hypotheses."""
    name = "haber2017.stencil_basis_is_invertible"
    content = document(settle(registry()[name], 1024, 0).to_json())
    assert all(finding.holds for finding in listed_differences(content, registry()))
    verdict = content["verdicts"][0]
    last = max(item.get("place", 0) for item in verdict["evidence"])
    verdict["evidence"] = [item for item in verdict["evidence"] if item.get("place", 0) != last]
    missing = [finding.reason for finding in listed_differences(content, registry())
               if not finding.holds]
    assert missing == [f"nothing is listed for configuration {last + 1}, in which the hypotheses "
                       "of the claim are met"]


@pytest.mark.slow
def test_any_signal_that_is_stretched_too_far_is_a_witness():
    """Machines find different ones; one that is not stretched shows nothing."""
    name = "software.torch_orthogonal_makes_convolutions_nonexpansive"
    verdict = settle(registry()[name], 1024, 0).to_json()
    given = verdict["evidence"][0]["data"]["given"]
    size = len(given["u"])
    for u, holds in ((given["u"], True), ([str(3 * F(each)) for each in given["u"]], True),
                     (["0"] * size, False), (given["u"][:-1], False), ([], False)):
        content = document(verdict)
        content["verdicts"][0]["evidence"][0]["data"]["given"]["u"] = u
        finding, = listed_differences(content, registry())
        assert finding.holds is holds
