"""False statements have no proof, and fall by exact members that a few lines here evaluate."""

from fractions import Fraction as F

import pytest
from statements import MONOTONE, SECTOR, K, explicit, fixed_point, fsi, upto

from stabkit import CONTRACTION, EUCLIDEAN, prove, replay, stable_step
from stabkit.prover.piecewise_linear import admits, flux_through
from stabkit.replay import check
from stabkit.stability.certificates import check_facts

pytest.importorskip("clarabel", reason="the search needs the extra prove")


def refuted(found):
    assert not found.proved and found.witness is not None, found.reason
    assert found.status == "refuted" and check(found.witness.to_json({})) is None
    return found


@pytest.mark.parametrize("what, notion, flux, top", [
    (explicit, EUCLIDEAN, SECTOR, "2.002"),           # |1 − τ| > 1
    (explicit, CONTRACTION, SECTOR, 2),               # a falling flux drives two inputs apart
    (explicit, CONTRACTION, MONOTONE, "2.002"),
    pytest.param(fixed_point(2), EUCLIDEAN, SECTOR, "1.01", marks=pytest.mark.slow),
    (fsi(3), EUCLIDEAN, MONOTONE, 2),                 # proved for linear fluxes only
    pytest.param(fsi(4), EUCLIDEAN, MONOTONE, "1.5", marks=pytest.mark.slow),
], ids=["step", "falling flux", "contraction", "fixed point", "cycle 3", "cycle 4"])
def test_false_statements_fall(what, notion, flux, top):
    """The relaxation has a worst case above 1, and its neighbourhood an exact witness."""
    found = refuted(prove(what, notion, K=K, flux=flux, ratio=upto(top)))
    assert found.value > 1


def test_own_steps_fall_too():
    """u − τAᵀΦ(Au) with τ L‖A‖² <= 2.002."""
    def what(K, flux, ratio):
        tau = stable_step(K, flux.facts.lipschitz, ratio)
        return lambda u: u - tau * (K.T @ flux(K @ u))
    refuted(prove(what, EUCLIDEAN, K=K, flux=SECTOR, ratio=upto("2.002")))


@pytest.mark.slow
def test_true_statements_do_not_fall():
    """The falsifier alone finds nothing against Theorem 2."""
    from stabkit.prover.concrete import evidence_against
    from stabkit.prover.question import questions

    classes = {"K": K, "flux": SECTOR, "ratio": upto(2)}
    question, = questions(explicit, EUCLIDEAN, classes, ())
    assert evidence_against(explicit, EUCLIDEAN, classes, question) is None


def test_a_failed_search_refutes_nothing():
    """Without a witness it is undecided, and says what is left."""
    found = prove(fsi(3), EUCLIDEAN, refute=False, K=K, flux=MONOTONE, ratio=upto(2))
    assert found.status == "undecided" and found.value == pytest.approx(1.4498, abs=1e-3)
    assert "a worst case has value 1.45" in str(found)


def test_fluxes_through_points_have_the_facts_of_their_class():
    """The certificates of all cells say so, and points that no such flux has are refused."""
    known = {"sector": (F(0), F(1)), "slopes": (F(-1), F(1))}
    points = [(F(1), F(1, 2)), (F(3, 2), F(0)), (F(-2), F(-1))]
    assert admits(points, known)
    flux = flux_through(points, known)
    check_facts(flux)
    assert [flux(s) for s, _ in points] == [f for _, f in points]
    for wrong in ([(F(1), F(2))], [(F(0), F(1))], [(F(1), F(0)), (F(1), F(1))],
                  [(F(1), F(1)), (F(11, 10), F(1, 2))]):
        assert not admits(wrong, known)


def test_a_witness_is_saved_and_replayed(tmp_path):
    """As any other evidence."""
    found = refuted(prove(explicit, EUCLIDEAN, K=K, flux=SECTOR, ratio=upto("2.002")))
    found.save(tmp_path / "witness.json", "too long a step")
    assert all(finding.holds for finding in replay(tmp_path / "witness.json"))
