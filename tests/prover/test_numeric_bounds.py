"""Steps in an interval, with a number that bounds ‖K‖²: τL‖K‖² ends at their product."""

from fractions import Fraction as F

import pytest
from statements import explicit, heun

from stabkit import CONTRACTION, EUCLIDEAN, FSI, Explicit, Implicit, prove
from stabkit.classes import AnyFlux, AnyOperator, Such, UpTo
from stabkit.proof import check

pytest.importorskip("clarabel", reason="the search needs the extra prove")

GENERAL = AnyFlux(diffusivities=(0, 1), slopes=(-1, 1))
MONOTONE = AnyFlux(diffusivities=(0, 1), slopes=(0, 1))
STEEP = AnyFlux(diffusivities=(0, 5), slopes=(0, 5))


def stages(K, flux, tau):
    """Heun's step, without an end that comes from K."""
    def step(u):
        slope = K.T @ flux(K @ u)
        return u - tau / 2 * (slope + K.T @ flux(K @ (u - tau * slope)))
    return step


def two_steps(K, flux, tau):
    return FSI(K, flux, tau, 2)


def both(K, J, flux, tau):
    """Two operators, to two spaces."""
    return lambda u: u - tau * (K.T @ flux(K @ u) + J.T @ flux(J @ u))


@pytest.mark.slow
@pytest.mark.parametrize("scheme, notion, flux, square, end", [
    (Explicit, EUCLIDEAN, GENERAL, 2, 1), (Explicit, CONTRACTION, MONOTONE, 2, 1),
    (Explicit, EUCLIDEAN, STEEP, 3, F(2, 15)), (two_steps, EUCLIDEAN, MONOTONE, 4, F(5, 8)),
    (stages, CONTRACTION, MONOTONE, 3, F(2, 3)),
])
def test_the_sharp_end_is_proved_and_a_longer_step_is_not(scheme, notion, flux, square, end):
    """τLc <= 2, or 5/2 for a cycle of two steps: ends that linear fluxes reach."""
    of = dict(K=AnyOperator(square=square), flux=flux)
    found = prove(scheme, notion, **of, tau=UpTo(end))
    assert found.proved and found.statements[0]["bounds"] == {"K": str(square)}
    check(found.statements[0], found.proofs[0])
    assert prove(scheme, notion, **of, tau=UpTo(end * F(101, 100))).status == "refuted"


def test_a_proof_with_numbers_does_not_show_a_longer_step():
    """The kernel adds the multipliers up for that interval alone."""
    found = prove(Explicit, EUCLIDEAN, K=AnyOperator(square=2), flux=GENERAL, tau=UpTo(1))
    longer = {**found.statements[0], "assume": {"step": "1001/1000 - tau >= 0"}}
    with pytest.raises(Exception, match="left over"):
        check(longer, found.proofs[0])


@pytest.mark.slow
def test_an_interval_with_two_ends():
    """The lower end changes nothing."""
    def between(low, high):
        return Such((f"tau - {low} >= 0", f"{high} - tau >= 0"), "> 0")

    of = dict(K=AnyOperator(square=2), flux=MONOTONE)
    assert prove(stages, CONTRACTION, **of, tau=between("1/4", 1)).proved
    assert prove(stages, CONTRACTION, **of, tau=between("1/4", 2)).status == "refuted"


@pytest.mark.slow
def test_two_operators_with_a_bound_each():
    """τ(2 + 3) <= 2."""
    of = dict(K=AnyOperator(square=2), J=AnyOperator(to="P", square=3), flux=MONOTONE)
    assert prove(both, EUCLIDEAN, **of, tau=UpTo(F(2, 5))).proved
    assert prove(both, EUCLIDEAN, **of, tau=UpTo(F(41, 100))).status == "refuted"


@pytest.mark.slow
def test_the_largest_step_is_found():
    """2/3 for ‖K‖² <= 3."""
    found = prove(Explicit, EUCLIDEAN, K=AnyOperator(square=3), flux=MONOTONE, tau="sharp")
    assert (found.step, found.refuted_from) == (F(2, 3), F(1001, 1500))


def test_what_has_no_end_needs_none():
    """Implicit, for every τ; and an interval of it."""
    for tau in UpTo(None), UpTo(F(1, 3)):
        assert prove(Implicit, CONTRACTION, K=AnyOperator(square=3), flux=MONOTONE, tau=tau).proved


@pytest.mark.parametrize("scheme", [explicit, heun])
def test_bounds_by_letters_are_as_before(scheme):
    assert prove(scheme, EUCLIDEAN, K=AnyOperator(), flux=AnyFlux(
        diffusivities=(0, "L"), slopes=(0, "L")), ratio=UpTo(1)).proved
