"""Floats are decided as what was meant and as themselves; only rounding is ever forgiven."""

import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    Chain,
    Explicit,
    InvalidArgument,
    Linear,
    decide,
    difference,
    energy,
    fluxes,
    from_matrix,
    sensitivity,
    stable_step,
    step_bound,
)
from stabkit.arithmetic.rounding import meaning, meaning_in_sums
from stabkit.claims.claim import load_claims
from stabkit.claims.verify import verify
from stabkit.operators import convolution, grid_gradient, identity, tangential_differences
from stabkit.replay import check
from stabkit.schemes.scheme import as_step
from stabkit.stability.notions import Energy
from stabkit.stability.property import AllOf, NormAtMost, Not, Stable
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED

F = Fraction
THREE = np.array([[.9, .1, 0], [.1, .8, .1], [0, .1, .9]])


def stable(scheme, notion=RANGE):
    return decide(Stable(scheme, notion), trials=256)


# -- single numbers --------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["0.1", "1/3", "0.005", "123.456", "-7/9", "1e-300", "2", "1/2",
                                  "0", "355/113", "1e22", "0.1234567"])
@pytest.mark.parametrize("kind", [float, np.float64])
def test_a_short_number_is_meant_by_its_double(text, kind):
    assert meaning(kind(float(F(text)))) == F(text)


@pytest.mark.parametrize("text", ["0.1", "1/3", "0.05", "123.45", "-7/9"])
def test_a_short_number_is_meant_by_its_single(text):
    assert meaning(np.float32(float(F(text)))) == F(text)


@pytest.mark.slow
def test_what_is_meant_rounds_to_the_float_and_random_floats_mean_themselves():
    """The oracle is Python's own rounding of fractions."""
    rng, changed = np.random.default_rng(0), 0
    for x in [*rng.standard_normal(3000), *rng.random(3000), *np.ldexp(rng.random(500), -1000)]:
        assert float(meaning(x)) == x
        changed += meaning(x) != F(float(x))
    assert changed < 10


@pytest.mark.parametrize("x", [np.nextafter(.1, 1), np.nextafter(.5, 1), .1 + .2, 1 + 1e-12])
def test_a_neighbour_of_a_short_number_means_itself_or_its_own_decimal(x):
    assert float(meaning(x)) == x and meaning(x) not in (F(1, 10), F(1, 2), F(3, 10), F(1))


@pytest.mark.parametrize("short", [k / 10 for k in range(1, 30)] + [k / 7 for k in range(1, 9)])
def test_what_is_subtracted_from_1_in_floats_is_meant_so(short):
    """The oracle subtracts the fractions; the difference is half a unit of 1 at most."""
    assert meaning_in_sums(1 - short) == 1 - meaning(short)
    assert meaning_in_sums(np.float32(1) - np.float32(0.7)) == F(3, 10)
    assert abs(meaning_in_sums(1 - short) - F(1 - short)) <= F(1, 2**52)


@pytest.mark.parametrize("x", [np.nextafter(.1, 1), .1 + .7, 1 + 1e-12, 1 / np.pi, 0.25, 1e-30])
def test_other_floats_mean_in_sums_what_they_mean_alone(x):
    assert meaning_in_sums(x) == meaning(x)


# -- steps -----------------------------------------------------------------------------------------
def explicit(tau):
    return Explicit(from_matrix([["4", "2"]]), fluxes.identity(), tau)


def test_a_step_of_a_tenth_is_proved_and_the_double_told():
    outcome = stable(explicit(0.1), EUCLIDEAN)
    assert outcome.status is PROVED
    assert outcome.rounding == (
        "proved as meant, while the floats themselves are refuted by 1.8e-16; the double 0.1 of "
        "tau lies 5.6e-18 above 1/10")
    assert outcome.evidence[0].data["given"]["tau"] == "1/10"
    assert all(check(item.to_json({})) is None for item in outcome.evidence)


@pytest.mark.parametrize("tau", ["1/10", F(1, 10), Decimal("0.1"), 0.0625, 0.125, 1])
def test_exact_steps_are_not_touched(tau):
    outcome = stable(explicit(tau), EUCLIDEAN)
    assert outcome.rounding == "" and as_step(tau).meant == F(tau)
    assert outcome.status is (PROVED if F(tau) <= F(1, 10) else REFUTED)


@pytest.mark.parametrize("tau", ["100000000001/1000000000000", np.nextafter(.1, 1),
                                 F(1, 10) + F(1, 10**30), F(0.1)])
def test_a_step_above_the_bound_is_refuted_however_near(tau):
    assert stable(explicit(tau), EUCLIDEAN).status is REFUTED


def test_a_refuted_step_is_refuted_in_both_ways():
    outcome = stable(explicit(0.1001), EUCLIDEAN)
    assert outcome.status is REFUTED and "and so are the floats themselves" in outcome.rounding
    assert outcome.evidence[0].data["given"]["tau"] == "1001/10000"


# -- matrices --------------------------------------------------------------------------------------
@pytest.mark.parametrize("matrix", [
    THREE, THREE.tolist(), THREE.astype(np.float32), scipy.sparse.csr_array(THREE),
    scipy.sparse.coo_matrix(THREE), [list(map(np.float32, row)) for row in THREE]])
def test_a_matrix_of_tenths_keeps_the_range_as_it_was_meant(matrix):
    operator = from_matrix(matrix)
    outcome = stable(Linear(operator))
    assert outcome.status is PROVED and "floats themselves are refuted" in outcome.rounding
    assert operator.meant().exact().tolist() == [
        [F(9, 10), F(1, 10), 0], [F(1, 10), F(8, 10), F(1, 10)], [0, F(1, 10), F(9, 10)]]
    assert operator.exact()[0, 0] == F(float(np.asarray(
        matrix.toarray() if scipy.sparse.issparse(matrix) else matrix)[0, 0]))


@pytest.mark.parametrize("size", [1e-9, 1e-12, -1e-12, 1e-14])
def test_a_row_that_is_off_by_more_than_rounding_is_refuted(size):
    wrong = THREE.copy()
    wrong[0, 0] += size
    assert stable(Linear(from_matrix(wrong))).status is REFUTED


def test_a_row_that_is_off_as_a_fraction_is_refuted_however_little():
    rows = [[F(9, 10) + F(1, 10**40), F(1, 10)], [F(1, 2), F(1, 2)]]
    outcome = stable(Linear(from_matrix(rows)))
    assert outcome.status is REFUTED and outcome.rounding == ""


def test_a_negative_entry_is_not_rounded_away():
    outcome = stable(Linear(from_matrix([[1 + 2.0**-40, -2.0**-40], [.1, .9]])))
    assert outcome.status is REFUTED


def stiffness(x):
    """P1 finite elements on a grid of any spacing, assembled in floats as libraries do."""
    matrix = np.zeros((len(x), len(x)))
    for k, h in enumerate(np.diff(x)):
        matrix[k:k + 2, k:k + 2] += np.array([[1, -1], [-1, 1]]) / h
    return matrix


@pytest.mark.slow
@pytest.mark.parametrize("seed", [
    0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_finite_elements_keep_the_range_up_to_the_step_of_their_diagonal(seed):
    x = np.sort(np.random.default_rng(seed).random(9))
    A = stiffness(x)
    K = from_matrix(A)
    twin = K.meant().exact()
    assert all(sum(row) == 0 for row in twin) and (twin == twin.T).all()
    assert max(abs(F(float(a)) - b) for a, b in zip(A.ravel(), twin.ravel(), strict=True)) <= \
        9 * F(float(np.spacing(A.max())))
    safe = F(1) / F(A.max()) * F(999, 1000)
    assert stable(Linear(identity(9) - safe * K)).status is PROVED
    assert stable(Linear(identity(9) - safe * F(1002, 1000) * K)).status is REFUTED
    found = step_bound(lambda t: Linear(identity(9) - t * K), RANGE)
    written = step_bound(lambda t: Linear(from_matrix(np.eye(9) - t * A)), RANGE)
    for each in (found, written):
        assert float(each.certified) == pytest.approx(1 / A.max(), rel=1e-9)
        assert each.proved[0][0] == 0 and each.refuted[0][1] is None


@pytest.mark.slow
def test_scipy_laplacians_with_a_grid_size_of_a_tenth():
    n, h = 8, 0.1
    rows = scipy.sparse.diags_array([np.ones(n - 1), -2 * np.ones(n), np.ones(n - 1)],
                                    offsets=[-1, 0, 1]).tolil()
    rows[0, 0] = rows[-1, -1] = -1
    L = rows.tocsr() / h**2
    for dt, status in ((0.005, PROVED), (0.0049, PROVED), (0.0051, REFUTED)):
        assert stable(Linear(from_matrix(scipy.sparse.eye_array(n) + dt * L))).status is status


def test_what_was_meant_is_inherited_by_sums_products_and_adjoints():
    A, t = from_matrix([[.1, .2], [.3, .4]]), F(1, 7)
    a = np.array([[F(1, 10), F(2, 10)], [F(3, 10), F(4, 10)]], dtype=object)
    one = np.eye(2, dtype=int)
    for made, right in ((A.T, a.T), (A @ A, a @ a), (A.T @ A, a.T @ a), (t * A, t * a),
                        (identity(2) - A, one - a), (0.1 * A, a / 10),
                        (0.1 * identity(2), one * F(1, 10))):
        assert (made.meant().exact() == right).all()
        assert (made.exact() != right).any()
    sent = pickle.loads(pickle.dumps(A.T @ A))
    assert (sent.meant().exact() == a.T @ a).all()
    assert identity(2).meant().exact().tolist() == one.tolist()


@pytest.mark.slow
def test_grid_sizes_and_stencils_of_floats():
    assert difference(2, 5, 0.1).meant().exact().tolist() == \
        difference(2, 5, "1/10").exact().tolist()
    assert convolution([.1, .8, .1], 5).meant().exact().tolist() == \
        convolution(["1/10", "4/5", "1/10"], 5).exact().tolist()
    assert difference(2, 5, 0.25).meant().exact().tolist() == \
        difference(2, 5, "1/4").exact().tolist()
    assert grid_gradient((3, 3), 0.1).meant().exact().tolist() == \
        grid_gradient((3, 3), "1/10").exact().tolist()
    for one, other in zip(tangential_differences((3, 3), 0.1),
                          tangential_differences((3, 3), "1/10"), strict=True):
        assert one.meant().exact().tolist() == other.exact().tolist()
    assert stable(Explicit(difference(1, 4, 0.1), fluxes.soft(), 0.005)).status is PROVED
    assert stable(Explicit(difference(1, 4, 0.1), fluxes.soft(), 0.0050001)).status is REFUTED


def test_the_parameter_rounding_says_which_numbers_are_decided():
    assert stable(Linear(from_matrix(THREE, rounding="exact"))).status is REFUTED
    snapped = from_matrix(THREE, rounding="snapped")
    outcome = stable(Linear(snapped))
    assert outcome.status is PROVED and outcome.rounding == ""
    assert repr(snapped) == ("[9/10 1/10 0; 1/10 4/5 1/10; 0 1/10 9/10], floats taken as meant, "
                             "4.4e-17 away at most")
    with pytest.raises(InvalidArgument, match="rounding"):
        from_matrix(THREE, rounding="nearest")


def test_entries_in_intervals_are_decided_for_all_of_them():
    """At norm 1 − 1e-12 all matrices within rounding are stable; at norm 1 some are not."""
    turn = np.array([[.6, .8], [-.8, .6]])

    def made(factor):
        return Linear(from_matrix(factor * turn, rounding="intervals"))

    inside, edge, outside = (stable(made(f), EUCLIDEAN) for f in (1 - 1e-12, 1, 1 + 1e-12))
    assert inside.status is PROVED and "all entries" in inside.rounding
    assert check(inside.evidence[0].to_json({})) is None
    assert edge.status is UNDECIDED and "within rounding" in edge.reason
    assert outside.status is REFUTED
    assert stable(Linear(from_matrix(THREE, rounding="intervals"))).status is UNDECIDED
    wrong = Linear(from_matrix([[1.1, -.1], [.5, .5]], rounding="intervals"))
    assert stable(wrong).status is REFUTED
    assert "half a unit" in repr(wrong.matrix)


def test_entries_in_intervals_are_never_lost():
    K = from_matrix(np.array([[.6, .8], [-.8, .6]]), rounding="intervals")
    for made in (K.T, F(-1) * K, K + identity(2) - identity(2)):
        assert made.spread.values.tolist() and min(made.spread.values) > 0
        assert stable(Linear(made), EUCLIDEAN).status is UNDECIDED
    assert decide(NormAtMost(K, 2)).status is UNDECIDED
    assert stable(Explicit(K, fluxes.soft(), "1/10"), EUCLIDEAN).status is UNDECIDED
    assert stable(Chain([Linear(K)]), EUCLIDEAN).status is UNDECIDED
    assert decide(Not(Stable(Linear(K), EUCLIDEAN))).status is UNDECIDED
    with pytest.raises(InvalidArgument, match="intervals"):
        K @ K
    with pytest.raises(InvalidArgument, match="intervals"):
        step_bound(Explicit(K, fluxes.soft(), 1), EUCLIDEAN)


# -- other ways in ---------------------------------------------------------------------------------
def test_chains_and_energies_are_decided_as_meant():
    K, flux = difference(1, 4, 0.1), fluxes.soft()
    step = Explicit(K, flux, 0.005)
    assert stable(Chain([step, step]), EUCLIDEAN).status is PROVED
    outcome = stable(step, energy(Energy(K, flux)))
    assert outcome.status is PROVED and "1/200" in outcome.rounding


def test_constants_of_notions_and_of_norms():
    outcome = decide(NormAtMost(from_matrix([[.3, .4]]), 0.25))
    assert outcome.status is PROVED and outcome.rounding
    outcome = decide(NormAtMost(from_matrix([["3/10", "1/10"]]), 0.1))
    assert outcome.status is PROVED and "1/10" in outcome.rounding
    assert decide(NormAtMost(from_matrix([["3/10", "1/10"]]), np.nextafter(.1, 0))
                  ).status is REFUTED
    notion = sensitivity(0.1)
    assert notion.as_meant().name == "sensitivity at most 1/10"


@pytest.mark.slow
def test_negations_and_conjunctions_keep_the_word():
    what = Stable(explicit(0.1), EUCLIDEAN)
    assert decide(Not(what)).status is REFUTED and "1/10" in decide(Not(what)).rounding
    both = decide(AllOf([what, Stable(explicit(0.1), CONTRACTION)]))
    assert both.status is PROVED and "5.6e-18" in both.rounding


@pytest.mark.slow
def test_a_bound_on_the_step_is_that_of_what_was_meant():
    found = step_bound(Explicit(difference(1, 4, 0.1), fluxes.soft(), 0.1), RANGE)
    assert found.proved == ((0, F(1, 200)),) and "difference" not in str(found)
    assert "5.6e-16" in found.rounding and "as meant" in str(found)


CLAIMS = '''
from stabkit import RANGE, Explicit, Stable, claim, difference, fluxes


@claim("a note", within=dict(n=(4,), ratio=("1/2", "1")), beyond=dict(ratio=("101/100",)))
def the_range_is_kept(n, ratio):
    """The range is kept up to half."""
    from fractions import Fraction
    return Stable(Explicit(difference(1, n), fluxes.soft(), Fraction(ratio) / 2), RANGE)
'''


def test_ratios_of_a_claim_may_be_texts(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(CLAIMS)
    verdict, = verify(load_claims(path), budget=1, on_verdict=lambda verdict: None)
    assert verdict.status is PROVED and verdict.sharp
    assert 1 < verdict.tightness <= 1.01


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION])
def test_what_only_the_rounding_breaks_is_told_as_rounding(dtype, notion):
    """An orthogonal matrix has norm 1, its floats a little more; times 1 + 1e-5 it is more."""
    q = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    outcome = stable(Linear(from_matrix(q.astype(dtype))), notion)
    assert outcome.status is REFUTED and "within the rounding of the entries" in outcome.rounding
    beyond = stable(Linear(from_matrix((q * (1 + 1e-5)).astype(dtype))), notion)
    assert beyond.status is REFUTED and not beyond.rounding
    assert not stable(Linear(from_matrix([[1 + F(1, 2**60)]])), notion).rounding


def test_the_ratio_of_a_step_is_read_like_any_number():
    """2/3 times the ratio for three samples; 0.1 as the double and as 1/10; words are refused."""
    K = difference(1, 3)
    assert stable_step(K, ratio="1/2") == F(1, 3) and stable_step(K, "2", "101/100") < F(1, 2)
    half, tenth = stable_step(K, ratio=0.5), stable_step(K, ratio=0.1)
    assert half == half.meant == F(1, 3)
    assert tenth == F(2, 3) * F(0.1) and tenth.meant == F(2, 30)
    outcome = stable(Explicit(K, fluxes.identity(), stable_step(K, ratio=1.1)), EUCLIDEAN)
    assert outcome.status is REFUTED
    for wrong in ("half", None, [1], float("nan")):
        with pytest.raises(InvalidArgument, match="ratio"):
            stable_step(K, ratio=wrong)
