"""Claims about all members of classes: what they must show, and that nothing less shows it."""

from dataclasses import replace
from fractions import Fraction as F

import pytest
from claims_for_all import ALL, HALF, K2, MONOTONE, SECTOR, SOFT, own, proved, stable, step

from stabkit import fluxes
from stabkit.claims import obligations
from stabkit.claims.claim import claim, registry
from stabkit.claims.settle import settle
from stabkit.classes import (
    AnyCount,
    AnyFlux,
    AnyNumberOf,
    AnyOperator,
    Fixed,
    UpTo,
    below,
)
from stabkit.errors import Contradiction, InvalidArgument, InvalidEvidence
from stabkit.operators import stable_step
from stabkit.proof import check, explain, reach
from stabkit.proof.parts import Portion
from stabkit.proof.symbols import Symbols
from stabkit.schemes import (
    FSI,
    Chain,
    Explicit,
    FixedPoint,
    Function,
    Implicit,
    Pointwise,
)
from stabkit.stability.certificates import check_facts
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Energy, Notion, energy
from stabkit.stability.property import AllOf, Calculation, Not, Stable

CLAIMS = {name: entry for name, entry in registry().items() if entry.for_all}
# -- the claims of the papers ------------------------------------------------------------------


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_claim_says_of_all_is_proved_and_can_be_read(name):
    for statement in obligations.statements(CLAIMS[name]):
        proof = obligations.proof_of(statement)
        check(statement, proof)
        assert "For" in explain(statement, proof) or "rows" in explain(statement, proof)
        assert reach(statement)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_what_is_listed_is_a_member_and_its_fluxes_have_shown_facts(name):
    """So that no class is empty; the facts that a statement assumes are shown by cells."""
    entry = CLAIMS[name]
    listed = list(entry.configurations())
    assert listed and obligations.shown_for_all(entry, listed)
    for configuration in listed:
        for value in configuration.values():
            for flux in [value] if hasattr(value, "facts") else []:
                shown = check_facts(flux)
                assert (shown["slopes"] and shown["continuous"]) or not flux.facts.continuous
                assert shown.get("diffusivities", True)


# -- what is stated ------------------------------------------------------------------------------


def test_the_step_of_the_scheme_writes_the_goal():
    statement, = obligations.statements(own(stable, **ALL))
    assert statement["goal"] == "u.T@u - (u - tau*K.T@f0).T@(u - tau*K.T@f0) >= 0"
    assert statement["assume"] == {"step": "2 - L*c*tau >= 0"}
    assert statement["parameters"]["tau"] == "> 0"
    assert statement["fluxes"] == {"phi": {"sector": ["0", "L"], "slopes": ["-L", "L"]}}


def test_each_part_has_symbols_of_its_own():
    def both(K, flux, ratio):
        return AllOf([stable(K, flux, ratio), stable(K, flux, ratio)])

    (_, one), (_, other) = obligations.obligations(own(both, **ALL))
    assert one == other
    assert obligations.statements(own(both, **ALL)) == [one]


def test_the_functional_writes_the_goal_of_an_energy():
    statement, = obligations.statements(own(
        lambda K, flux, ratio: Stable(step(K, flux, ratio), energy(Energy(K, flux))), **ALL))
    assert statement["goal"] == "p0 - p1 >= 0"


# -- what is not proved --------------------------------------------------------------------------


CONTRARIES = {
    "a step for another Lipschitz constant": own(
        lambda K, flux, ratio: Stable(Explicit(K, flux, stable_step(
            K, flux.facts.lipschitz / 2, ratio)), EUCLIDEAN), **ALL),
    "a step just over the bound": own(stable, **{**ALL, "ratio": UpTo(F(1001, 1000))}),
    "any step": own(lambda K, flux, ratio: Stable(Explicit(K, flux, ratio), EUCLIDEAN),
                    **{**ALL, "ratio": UpTo(None)}),
    "a flux of any sign": own(stable, **{**ALL, "flux": AnyFlux(slopes=("-L", "L"))}),
    "a sector of any sign": own(stable, **{**ALL, "flux": AnyFlux(
        diffusivities=("-L", "L"), slopes=("-L", "L"))}),
    "differences for a flux that falls": own(
        lambda K, flux, ratio: Stable(step(K, flux, ratio), CONTRACTION), **ALL),
    "implicit differences for a flux that falls": own(
        lambda K, flux, ratio: Stable(Implicit(K, flux, ratio), CONTRACTION),
        **{**ALL, "ratio": UpTo(None)}),
    "a cycle with the flux evaluated anew": own(
        lambda K, flux, ratio, length: Stable(FSI(K, flux, stable_step(
            K, flux.facts.lipschitz, ratio), length), EUCLIDEAN), {"length": (1,)},
        **ALL, length=AnyCount()),
    "fixed points up to the bound of the explicit step": own(
        lambda K, flux, ratio, n: Stable(FixedPoint(K, flux, stable_step(
            K, flux.facts.lipschitz, ratio), n), EUCLIDEAN), {"n": (1,)}, **ALL, n=AnyCount()),
    "an outer activation that doubles": own(
        lambda K, flux, ratio, outer: Stable(Chain([step(K, flux, ratio), Pointwise(
            outer, K.shape[1])]), EUCLIDEAN), {"outer": (fluxes.relu(),)},
        **ALL, outer=AnyFlux(diffusivities=(-2, 2))),
    "the transposed step": own(
        lambda K, flux, ratio: Stable(Explicit(from_rows(K), flux, stable_step(
            K, flux.facts.lipschitz, ratio)), EUCLIDEAN), **{**ALL, "ratio": UpTo(3)}),
}


def from_rows(K):
    return K.T


@pytest.mark.parametrize("contrary", CONTRARIES)
def test_a_contrary_is_not_proved(contrary):
    assert not proved(CONTRARIES[contrary])


@pytest.mark.parametrize("contrary", ["a step just over the bound", "a flux of any sign"])
def test_what_is_not_proved_for_all_is_proved_on_what_is_listed(contrary):
    verdict = settle(CONTRARIES[contrary], 256, 0)
    assert (str(verdict.status), verdict.scope) == ("proved", "listed")
    assert all(item["kind"] == "certificate" for item in verdict.evidence)


def test_a_chain_of_one_member_is_not_a_chain_of_any_number():
    """A body that takes one block out of a family can state nothing about the others."""
    blocks = AnyNumberOf(K=AnyOperator(), flux=SECTOR, ratio=UpTo(1))
    listed = ({"K": K2, "flux": SOFT, "ratio": F(1)},)

    def first_only(blocks):
        return stable(**blocks[0])

    def all_of_them(blocks):
        return Stable(Chain.of(step, blocks), EUCLIDEAN)

    with pytest.raises(InvalidArgument, match="for_all"):
        obligations.statements(own(first_only, {"blocks": (listed,)}, blocks=blocks))
    assert proved(own(all_of_them, {"blocks": (listed,)}, blocks=blocks))


# -- what cannot be stated -----------------------------------------------------------------------


UNSTATED = {
    "a branch on a value": lambda K, flux, ratio: Stable(step(
        K, flux, ratio if flux.facts.lipschitz < 2 else ratio / 2), EUCLIDEAN),
    "a truth value": lambda K, flux, ratio: Stable(step(
        K, flux, ratio if flux.facts.lipschitz else ratio / 2), EUCLIDEAN),
    "a value to compare": lambda K, flux, ratio: Stable(step(
        K, flux, ratio / 2 if K == K2 else ratio), EUCLIDEAN),
    "a ratio to compare": lambda K, flux, ratio: Stable(step(
        K, flux, ratio if ratio > HALF else ratio / 2), EUCLIDEAN),
    "two steps from one ratio": lambda K, flux, ratio: Stable(Chain([
        step(K, flux, ratio), Explicit(K, flux, ratio)]), EUCLIDEAN),
    "a negative step": lambda K, flux, ratio: Stable(Explicit(K, flux, -1 * ratio), EUCLIDEAN),
    "a step that is not seen to be positive": lambda K, flux, ratio: Stable(Explicit(
        K, flux, flux.facts.steepest_descent), EUCLIDEAN),
    "a calculation": lambda K, flux, ratio: Calculation({}, [], ["1 == 1"], "it is so"),
    "a negation": lambda K, flux, ratio: Not(stable(K, flux, ratio)),
    "entries": lambda K, flux, ratio: Calculation(dict(K=K.exact()), [], ["1 == 1"], ""),
    "a step of others": lambda K, flux, ratio: Stable(Function(lambda u: u, 2), EUCLIDEAN),
    "a notion of others": lambda K, flux, ratio: Stable(step(K, flux, ratio), Notion(
        "mine", 1, lambda u, up: u.T @ u, lambda u, up: 1)),
    "nothing": lambda K, flux, ratio: None,
}


@pytest.mark.parametrize("what", UNSTATED)
def test_what_looks_at_a_symbol_is_not_stated(what):
    with pytest.raises(InvalidArgument, match="for_all"):
        obligations.statements(own(UNSTATED[what], **ALL))


def test_classes_are_given_for_every_argument_and_are_classes():
    with pytest.raises(InvalidArgument, match="a class for each"):
        claim("x", within=dict(K=(K2,), flux=(SOFT,), ratio=(HALF,)), for_all=dict(
            K=AnyOperator()))(own(stable, **ALL).body)
    with pytest.raises(InvalidArgument, match="no class"):
        own(stable, **{**ALL, "K": K2})
    with pytest.raises(InvalidArgument, match="names no classes"):
        obligations.statements(registry()["alt2021.fsi_formula"])


def test_a_portion_is_a_product_of_what_is_positive():
    s = Symbols()
    ratio, L, x = s.portion(1), s.parameter("L"), s.parameter("x", "any")
    assert isinstance(ratio * L / 2, Portion) and ratio <= 1 and not ratio > 1
    for factor in (x, -1, 0, L - 1, L + x):
        with pytest.raises((InvalidArgument, InvalidEvidence)):
            ratio * factor
    assert below(1).admits(HALF) and not below(1).admits(1) and not UpTo(1).admits(0)
    assert Fixed(3).admits(3) and not Fixed(3).admits(4)


# -- classes hold what is listed -----------------------------------------------------------------


@pytest.mark.parametrize("within, classes, text", [
    ({"flux": (fluxes.garrote(),)}, {"flux": MONOTONE}, "slopes"),
    ({"flux": (fluxes.scaled_identity(-1),)}, {"flux": SECTOR}, "diffusivities"),
    ({"ratio": (F(3, 2),)}, {}, "ratio is no member"),
    ({"ratio": (F(1),)}, {"ratio": below(1)}, "ratio is no member"),
    ({"K": (SOFT,)}, {}, "K is no member"),
])
def test_what_is_listed_but_no_member_is_an_error(within, classes, text):
    """A class that no listed configuration is in may be empty; so may what is assumed of it."""
    def contracts(K, flux, ratio):
        return Stable(Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio)), CONTRACTION
                      if "flux" in classes and classes["flux"] is MONOTONE else EUCLIDEAN)

    entry = own(contracts, within, **{**ALL, **classes})
    with pytest.raises(InvalidArgument, match=text):
        obligations.shown_for_all(entry, list(entry.configurations()))


def test_a_body_that_takes_a_longer_step_for_numbers_is_found():
    """The statement speaks of τ <= 2/(L|K|²), the listed step is twice as long."""
    def doubled(K, flux, ratio):
        return Stable(step(K, flux, ratio, 1 if isinstance(ratio, Portion) else 2), EUCLIDEAN)

    entry = own(doubled, {"ratio": (F(1),)}, **ALL)
    with pytest.raises(InvalidArgument, match="step: it is assumed to be >= 0"):
        obligations.shown_for_all(entry, list(entry.configurations()))


def test_a_body_that_takes_another_scheme_for_numbers_is_found():
    def other(K, flux, ratio):
        made = Explicit if isinstance(ratio, Portion) else Implicit
        return Stable(made(K, flux, stable_step(K, flux.facts.lipschitz, ratio)), EUCLIDEAN)

    entry = own(other, **ALL)
    with pytest.raises(InvalidArgument, match="is no Explicit"):
        obligations.shown_for_all(entry, list(entry.configurations()))


@pytest.mark.slow
def test_a_proof_never_hides_what_is_refuted(monkeypatch):
    """With a kernel that accepts everything, what is refuted on a listed member is an error."""
    entry = own(lambda K, flux, ratio: Stable(step(K, flux, ratio), CONTRACTION),
                {"flux": (fluxes.garrote(),)}, **ALL)
    assert str(settle(entry, 4096, 0).status) == "refuted"
    monkeypatch.setattr(obligations, "check", lambda statement, proof: None)
    with pytest.raises(Contradiction, match="proved for all and refuted"):
        settle(entry, 4096, 0)


def test_a_verdict_says_its_scope_and_holds_the_proof_beside_what_is_listed():
    entry = replace(registry()["alt2021.euclidean_stability"], beyond={}, within=dict(
        K=(K2,), flux=(SOFT,), ratio=(HALF, F(1))))
    verdict = settle(entry, 256, 0)
    assert verdict.scope == "for all"
    first, *others = verdict.evidence
    assert first["kind"] == "proof" and {item["kind"] for item in others} == {"certificate"}
    check(first["data"]["statement"], first["data"]["proof"])
    assert {item["place"] for item in others} == {0, 1}
