"""Theorems that are known are found again: no proof is given, the kernel checks what comes out."""

from fractions import Fraction as F

import pytest
from statements import MONOTONE, SECTOR, K, explicit, fixed_point, heun, implicit, upto

from stabkit import CONTRACTION, EUCLIDEAN, Energy, Explicit, Stable, energy, prove, stable_step
from stabkit.claims.claim import registry
from stabkit.classes import AnyFlux, AnyOperator, AnyVector, UpTo
from stabkit.proof import check, recipe

pytest.importorskip("clarabel", reason="the search needs the extra prove")


def printed(program):
    """What a program prints, line by line."""
    said = []
    exec(program, {"print": lambda *words: said.append(words)})
    return said


def shown(found):
    """Whether it is proved; the kernel and the program in plain Python say so, too."""
    assert found.proved, found.reason
    for statement, proof in zip(found.statements, found.proofs, strict=True):
        check(statement, proof)
        assert {words[-1] for words in printed(recipe(statement, proof))} == {"holds"}
    return True


def test_theorem_2():
    """alt2021, Theorem 2: |u − τKᵀΦ(Ku)| <= |u| for τL‖K‖² <= 2; three steps are enough."""
    found = prove(explicit, EUCLIDEAN, K=K, flux=SECTOR, ratio=upto(2))
    assert shown(found) and len(found.proof["proof"]["steps"]) == 3
    assert {step["use"] for step in found.proof["proof"]["steps"]} == {"sector", "bound", "square"}


def test_contraction():
    """|Tu − Tv| <= |u − v| for slopes in [0, L]."""
    assert shown(prove(explicit, CONTRACTION, K=K, flux=AnyFlux(slopes=(0, "L")), ratio=upto(2)))


def test_energy_decay():
    """ΣP(K u) does not grow for slopes <= L, also where they are negative."""
    assert shown(prove(lambda K, flux, ratio: Stable(
        explicit(K, flux, ratio), energy(Energy(K, flux))), K=K, ratio=upto(2),
        flux=AnyFlux(slopes=("-L", "L"))))


@pytest.mark.parametrize("notion, flux", [
    (EUCLIDEAN, AnyFlux(diffusivities=(0, None))), (CONTRACTION, AnyFlux(slopes=(0, None)))])
def test_implicit_steps(notion, flux):
    """|v| <= |v + τKᵀΦ(Kv)| for every τ > 0, and the same of differences."""
    assert shown(prove(implicit, notion, K=K, flux=flux, tau=UpTo(None)))


@pytest.mark.parametrize("n", [1, 2, 3, *(pytest.param(n, marks=pytest.mark.slow)
                                          for n in (4, 5, 6, 7))])
def test_truncated_fixed_point(n):
    """|v_n| <= |u| for v ← u − τKᵀΦ(Kv) and τL‖K‖² <= 1; the proof grows by 3 steps with n."""
    found = prove(fixed_point(n), EUCLIDEAN, K=K, flux=SECTOR, ratio=upto(1))
    assert shown(found) and len(found.proof["proof"]["steps"]) <= 3 * n + 4


@pytest.mark.slow
def test_fixed_point_of_a_monotone_flux_goes_further():
    """For n = 3 up to τL‖K‖² = 1.28."""
    assert shown(prove(fixed_point(3), EUCLIDEAN, K=K, flux=MONOTONE, ratio=upto("1.28")))


@pytest.mark.slow
@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION], ids=str)
def test_heun(notion):
    """An own step of two stages."""
    assert shown(prove(heun, notion, K=K, flux=MONOTONE, ratio=upto(1)))


def test_own_step_of_two_operators_and_biases():
    """u − τKᵀΦ(Ku + b) − τHᵀΦ(Hu) contracts for τL‖K‖² <= 1, τL‖H‖² <= 1: half of each step."""
    def what(K, H, b, flux, one):
        return lambda u: u - K.T @ flux(K @ u + b) / 2 - H.T @ flux(H @ u) / 2
    assert shown(prove(what, CONTRACTION, K=AnyOperator(square=2), H=AnyOperator(square=2, to="P"),
                       b=AnyVector("M"), flux=AnyFlux(slopes=(0, 1)), one=UpTo(None)))


def test_a_step_may_be_a_function_of_a_step_size():
    """u − τAᵀΦ(Au) as one's own step, with τ L‖A‖² <= 2."""
    def what(A, phi, ratio):
        tau = stable_step(A, phi.facts.lipschitz, ratio)
        return lambda u: u - tau * (A.T @ phi(A @ u))
    assert shown(prove(what, EUCLIDEAN, A=K, phi=SECTOR, ratio=upto(2)))


@pytest.mark.slow
def test_a_claim_is_asked_for_all_of_its_statements():
    """Also any number of blocks, by induction."""
    for name in ("alt2021.energy_decay", "alt2021.any_number_of_blocks"):
        assert shown(prove(registry()[name]))


def test_what_a_proof_says_can_be_read():
    """Hypotheses, goal, one line a step."""
    found = prove(explicit, EUCLIDEAN, K=K, flux=SECTOR, ratio=upto(2))
    for line in ("proved for all N, K, Φ, τ", "2 - L c τ >= 0   [step]", "[sector E0]"):
        assert line in str(found)


@pytest.mark.slow
def test_nothing_beyond_the_class_is_proved():
    """Just over the bound, or with a fact less, there is no proof."""
    for flux, ratio in ((SECTOR, F(1001, 1000)), (AnyFlux(slopes=("-L", "L")), F(1))):
        assert not prove(explicit, EUCLIDEAN, refute=False, K=K, flux=flux,
                         ratio=UpTo(ratio)).proved


def test_a_scheme_of_numbers_and_classes():
    """τ = 1/2 and ‖K‖² <= 4 are numbers."""
    assert shown(prove(lambda K, flux: Explicit(K, flux, F(1, 2)), EUCLIDEAN,
                       K=AnyOperator(square=4), flux=AnyFlux(diffusivities=(0, 1))))
