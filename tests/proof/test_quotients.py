"""Φ(s)/s >= a and slopes <= b: then Φ(0) = 0 and Φ(s)/s <= b, which nothing less says."""

import copy

import pytest

from stabkit import fluxes
from stabkit.classes import AnyFlux
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.proof import THEOREMS, check, explain, recipe
from stabkit.proof.symbols import Symbols

# With g = Φ(s)/s in [0, b]: f·(bs − f) = g(b − g) s² in every entry.
STATEMENT = {
    "kind": "algebra", "parameters": {"b": "> 0"}, "vectors": {"s": "M"},
    "fluxes": {"phi": {"sector": ["0", "inf"], "slopes": ["-b", "b"]}},
    "visits": {"E": {"flux": "phi", "at": "s", "value": "f"}},
    "goal": "b*f.T@s - f.T@f >= 0",
}
PROOF = {"steps": [{"use": "sector", "at": "E"}]}


def of(**facts):
    return {**copy.deepcopy(STATEMENT), "fluxes": {"phi": facts}}


@pytest.mark.parametrize("slopes", [["-b", "b"], ["0", "b"], ["-inf", "b"]])
def test_a_sector_from_below_ends_above_where_the_slopes_do(slopes):
    check(of(sector=["0", "inf"], slopes=slopes), PROOF)


def test_the_proof_and_its_program_say_where_it_ends():
    assert "[f] · [(b)(s) - (f)]" in explain(STATEMENT, PROOF)
    said = []
    exec(recipe(STATEMENT, PROOF), {"print": lambda *words: said.append(words[-1])})
    assert said == ["holds"]


@pytest.mark.parametrize("facts", [
    dict(sector=["0", "inf"]),                            # Φ(s) = s³
    dict(sector=["0", "inf"], slopes=["0", "inf"]),       # the same
    dict(sector=["-inf", "inf"], slopes=["-b", "b"]),     # Φ(s) = b
    dict(slopes=["0", "b"]),                              # Φ(s) = b + s
    dict(sector=["-inf", "0"], slopes=["-b", "inf"]),     # Φ(s) = −s³, whose slopes end above at 0
    dict(sector=["0", "inf"], slopes=["-2*b", "2*b"]),    # Φ(s) = 2bs
    dict(sector=["-b", "inf"], slopes=["-b", "b"]),       # Φ(s) = −bs
])
def test_nothing_less_ends_it(facts):
    with pytest.raises(InvalidEvidence):
        check(of(**facts), PROOF)


def test_an_end_that_the_sector_has_is_its_own():
    """g in [0, 3b] beside slopes up to b would be known to end at b, but what is stated counts."""
    with pytest.raises(InvalidEvidence, match="left over"):
        check(of(sector=["0", "3*b"], slopes=["-b", "b"]), PROOF)


def test_theorem_2_needs_g_at_least_0_and_the_lipschitz_constant_alone():
    theorem = THEOREMS["explicit step, euclidean"]
    statement = copy.deepcopy(theorem.statement)
    statement["fluxes"]["phi"] = {"sector": ["0", "inf"], "slopes": ["-L", "L"]}
    check(statement, theorem.proof)
    for facts in ({"slopes": ["-L", "L"]}, {"sector": ["0", "inf"], "slopes": ["-L", "2*L"]}):
        statement["fluxes"]["phi"] = facts
        with pytest.raises(InvalidEvidence):
            check(statement, theorem.proof)


def test_a_class_of_fluxes_knows_the_same():
    flux = AnyFlux(diffusivities=(0, None), slopes=("-L", "L")).symbol(Symbols(), "flux")
    assert not (flux.facts.sup_diffusivity - flux.facts.lipschitz).terms
    assert AnyFlux(diffusivities=(0, None), slopes=("-L", "L")).admits(fluxes.garrote())
    with pytest.raises(InvalidArgument, match="ends"):
        AnyFlux(diffusivities=(0, None), from_zero=True).symbol(Symbols(), "flux")
