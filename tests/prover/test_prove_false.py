"""False statements have no proof, and fall by exact members that a few lines here evaluate."""

from fractions import Fraction as F

import numpy as np
import pytest
from statements import MONOTONE, SECTOR, K, explicit, fixed_point, fsi, heun, upto

from stabkit import CONTRACTION, EUCLIDEAN, prove, replay, stable_step
from stabkit.prover.piecewise_linear import admits, flux_through
from stabkit.replay import check
from stabkit.stability.certificates import check_facts

pytest.importorskip("clarabel", reason="the search needs the extra prove")


def refuted(found):
    assert not found.proved and found.witness is not None, found.reason
    assert found.status == "refuted" and check(found.witness.to_json({})) is None
    return found


@pytest.mark.slow
@pytest.mark.parametrize("what, notion, flux, top", [
    (explicit, EUCLIDEAN, SECTOR, "2.002"),           # |1 − τ| > 1
    (explicit, CONTRACTION, SECTOR, 2),               # a falling flux drives two inputs apart
    (explicit, CONTRACTION, MONOTONE, "2.002"),
    pytest.param(fixed_point(2), EUCLIDEAN, SECTOR, "1.01", marks=pytest.mark.slow),
    (fsi(3), EUCLIDEAN, MONOTONE, 2),                 # proved for linear fluxes only
], ids=["step", "falling flux", "contraction", "fixed point", "cycle 3"])
def test_false_statements_fall(what, notion, flux, top):
    """The relaxation has a worst case above 1, and its neighbourhood an exact witness."""
    found = refuted(prove(what, notion, K=K, flux=flux, ratio=upto(top)))
    assert found.value > 1


def draws(seed, low, count=50_000):
    """Inputs u, and for each a flux through 0 with 32 straight pieces of slopes drawn evenly."""
    rng = np.random.default_rng(seed)
    knots = np.linspace(-4, 4, 33)
    values = np.cumsum(rng.uniform(low, 1, (count, 32)) / 4, axis=1)
    values = np.concatenate([np.zeros((count, 1)), values], axis=1)
    values -= values[:, 16:17]
    row = np.arange(count)

    def flux(s):
        s = np.clip(s, -3.99, 3.99)
        k = ((s + 4) * 4).astype(int)
        return values[row, k] + (values[row, k + 1] - values[row, k]) * (s - knots[k]) * 4

    return rng.uniform(-2, 2, count), flux


def cycle(t, factors):
    """v ← a (v − tΦ(v)) + (1 − a) v₋₁ with these factors a, for K = 1."""
    def step(u, flux):
        before = now = u
        for a in factors:
            before, now = now, a * (now - t * flux(now)) + (1 - a) * before
        return now
    return step


@pytest.mark.slow
@pytest.mark.parametrize("what, top, step", [
    (fsi(2), "2.502", cycle(2.502, (2 / 3, 6 / 5))),
    (fsi(3), "1.65", cycle(1.65, (2 / 3, 6 / 5, 10 / 7))),
    (fsi(4), "1.35", cycle(1.35, (2 / 3, 6 / 5, 10 / 7, 14 / 9))),
    (fsi(5), "1.15", cycle(1.15, (2 / 3, 6 / 5, 10 / 7, 14 / 9, 18 / 11))),
    (heun, "2.002", lambda u, flux: u - 1.001 * (flux(u) + flux(u - 2.002 * flux(u)))),
], ids=["cycle 2", "cycle 3", "cycle 4", "cycle 5", "Heun"])
def test_what_random_members_do_not_break_falls(what, top, step):
    """Of 50,000 random fluxes and inputs none breaks it by 1e-9, but the guided search does."""
    u, flux = draws(0, 0)
    assert (abs(step(u, flux)) <= (1 + 1e-9) * abs(u)).all()
    found = refuted(prove(what, EUCLIDEAN, K=K, flux=MONOTONE, ratio=upto(top)))
    assert 1 < found.value < 1.2


def test_the_random_search_finds_what_is_far_from_true():
    """At twice the sharp step it meets many."""
    u, flux = draws(0, 0)
    assert (abs(u - 4 * flux(u)) > abs(u)).sum() > 1000


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_witness_is_saved_and_replayed(tmp_path):
    """As any other evidence."""
    found = refuted(prove(explicit, EUCLIDEAN, K=K, flux=SECTOR, ratio=upto("2.002")))
    found.save(tmp_path / "witness.json", "too long a step")
    assert all(finding.holds for finding in replay(tmp_path / "witness.json"))
