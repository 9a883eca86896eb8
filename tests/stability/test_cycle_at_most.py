"""Convergence of multigrid cycles as a property: proved, refuted by an error, and replayed."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg

from stabkit import CycleAtMost, InvalidArgument, decide
from stabkit.multigrid import (
    PERIODIC,
    Cycle,
    F,
    Jacobi,
    Lines,
    Multigrid,
    Smoothed,
    W,
    algebraic,
    gauss_seidel,
    geometric,
    poisson,
    rediscretised,
    shifted,
    weighted_transfer,
)
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.verdict import INAPPLICABLE, PROVED, REFUTED, UNDECIDED


def true_factor(method):
    """‖E‖_A by LAPACK from the columns of E, which the method itself gives."""
    A, E = method.A.toarray(), method.error_operator()
    return float(np.sqrt(scipy.linalg.eigh(E.T @ A @ E, A, eigvals_only=True)[-1]))


def model(smoother, levels=2, shape=(3, 3), **options):
    return Multigrid(geometric(poisson(shape), levels=levels), Cycle(smoother, **options))


METHODS = [
    lambda: model(gauss_seidel()), lambda: model(Jacobi("4/5"), shape=(7,)),
    lambda: model(Jacobi(), 3, (7,), visit=W), lambda: model(Jacobi("4/5"), 3, (7,), pre=2, post=1),
    lambda: model(gauss_seidel(Lines(1)), shape=(3, 7)), lambda: model(Jacobi(), 1),
    lambda: Multigrid(geometric(poisson((3, 7)), weighted_transfer(2), levels=2,
                                coarse_operator=rediscretised), Cycle(gauss_seidel(), post=0)),
]


@pytest.mark.slow
@pytest.mark.parametrize("make", METHODS)
def test_a_factor_is_decided_on_both_sides(make):
    """A millionth above ‖E‖_A is proved, a millionth below is refuted by an error, exactly."""
    method = make()
    true = true_factor(method)
    above = decide(CycleAtMost(method, true * (1 + 1e-6) + 1e-12))
    assert above.status is PROVED and above.evidence[0].kind == "certificate"
    if true > 1e-6:
        below = decide(CycleAtMost(method, true * (1 - 1e-6)))
        assert below.status is REFUTED and below.evidence[0].kind == "witness"
        data = below.evidence[0].data
        e = np.array([float(Fraction(x)) for x in data["given"]["e"]])
        after = method.step(e, 0 * e)
        energies = [x @ (method.A @ x) for x in (e, after)]
        assert energies[1] >= (1 - 3e-6) * true**2 * energies[0]


def test_the_evidence_depends_on_every_number_of_it():
    """Planted: a smaller bound, a larger weight of the smoother, a prolongation of ones."""
    method = model(Jacobi("4/5"), shape=(7,))
    (evidence,) = decide(CycleAtMost(method, true_factor(method) * 1.001)).evidence
    assert confirm_evidence(evidence) is not None
    scaled = [[str(Fraction(x) * 3 / 2) for x in row] for row in evidence.data["given"]["pre_by0"]]
    for name, planted in (("bound", "1/10"), ("pre_by0", scaled), ("P0", [["1"] * 3] * 7)):
        given = dict(evidence.data["given"])
        assert name in given
        given[name] = planted
        spoilt = type(evidence)(evidence.kind, evidence.arithmetic,
                                dict(evidence.data, given=given))
        assert confirm_evidence(spoilt) is None


def test_a_wrong_sign_is_refuted():
    """A coarse correction that is subtracted enlarges the smoothest error about twice."""
    made = geometric(poisson((7,)), levels=2, coarse_operator=lambda A, P, R, coarse: -1 * (
        R @ A @ P))
    outcome = decide(CycleAtMost(Multigrid(made, Cycle(Jacobi())), 1))
    assert outcome.status is REFUTED


def test_what_is_not_decided_is_told():
    indefinite = Multigrid(geometric(shifted(poisson((7,)), -1), levels=2), Cycle(Jacobi()))
    assert decide(CycleAtMost(indefinite, 1)).status is INAPPLICABLE
    singular = Multigrid(geometric(poisson((8,), PERIODIC), levels=2), Cycle(Jacobi()))
    assert decide(CycleAtMost(singular, 1)).status is INAPPLICABLE
    lopsided = algebraic(poisson((4,)).matrix() + np.eye(4, k=1), [np.eye(4, 2)])
    assert decide(CycleAtMost(Multigrid(lopsided), 1)).status is INAPPLICABLE
    large = decide(CycleAtMost(model(Jacobi(), 2, (15, 15)), 1))
    assert large.status is UNDECIDED and "energy_bound" in large.reason


@pytest.mark.parametrize(("make", "words"), [
    (lambda: CycleAtMost("V", 1), r"^method: must be a Multigrid"),
    (lambda: CycleAtMost(model(Jacobi()), -1), r"^factor: must be at least 0"),
    (lambda: CycleAtMost(model(Jacobi()), "fast"), r"^factor"),
    (lambda: CycleAtMost(model(Jacobi(), 3, (7,), visit=F), 1), r"^method: must be a V- or W"),
    (lambda: CycleAtMost(model(Jacobi(), coarsest=Smoothed(Jacobi())), 1), r"^method: must be a V"),
])
def test_bad_input_is_named(make, words):
    with pytest.raises(InvalidArgument, match=words):
        make()
