"""What the page of discoveries says, end by end: a proof there, and a witness beyond."""

from fractions import Fraction as F

import numpy as np
import pytest
from statements import (
    MONOTONE,
    SECTOR,
    K,
    energy_of,
    extragradient,
    fixed_point,
    fsi,
    heun,
    midpoint,
    upto,
)

from stabkit import CONTRACTION, EUCLIDEAN, FSI, fluxes, prove
from stabkit.operators import from_matrix

pytest.importorskip("clarabel", reason="the search needs the extra prove")


@pytest.mark.slow
@pytest.mark.parametrize("what, notion, flux, proved, refuted", [
    (fsi(1), EUCLIDEAN, MONOTONE, 3, "3.003"),
    (fsi(2), EUCLIDEAN, MONOTONE, F(5, 2), "2.525"),
    (fsi(3), EUCLIDEAN, MONOTONE, F(21, 13), "1.617"),
    (fsi(4), EUCLIDEAN, MONOTONE, F(136, 107), "1.3"),
    (fsi(5), EUCLIDEAN, MONOTONE, F(24, 25), None),
    (fsi(6), EUCLIDEAN, MONOTONE, F(7, 10), "0.9"),
    (fsi(1), EUCLIDEAN, SECTOR, 3, "3.003"),
    (fsi(2), EUCLIDEAN, SECTOR, F(62, 39), "2.525"),
    (fsi(3), EUCLIDEAN, SECTOR, F(62, 65), None),
    (fixed_point(3), EUCLIDEAN, MONOTONE, F(23, 17), "1.3543"),
    (fixed_point(5), EUCLIDEAN, MONOTONE, F(17, 14), "1.2265"),
    (heun, EUCLIDEAN, MONOTONE, 2, "2.002"),
    (heun, CONTRACTION, MONOTONE, 2, "2.002"),
    (heun, EUCLIDEAN, SECTOR, 2, "2.002"),
    (midpoint, EUCLIDEAN, SECTOR, 2, "2.002"),
    (fsi(1), CONTRACTION, MONOTONE, 3, "3.003"),
    (fsi(2), CONTRACTION, MONOTONE, F(27, 17), "1.6667"),
    (fsi(3), CONTRACTION, MONOTONE, F(50, 53), "1.17"),
    (fsi(4), CONTRACTION, MONOTONE, F(11, 18), "0.91"),
    (energy_of(fsi(1)), None, MONOTONE, 3, "3.003"),
    (energy_of(fsi(2)), None, MONOTONE, F(9, 4), "2.3"),
    (energy_of(fsi(3)), None, MONOTONE, F(185, 93), "2.1"),
], ids=lambda value: "" if callable(value) else str(value))
def test_an_end(what, notion, flux, proved, refuted):
    """The proof is the kernel's, the witness the checker's."""
    found = prove(what, notion, refute=False, K=K, flux=flux, ratio=upto(proved))
    assert found.proved, found.reason
    if refuted is not None:
        assert prove(what, notion, K=K, flux=flux, ratio=upto(refuted)).status == "refuted"


@pytest.mark.parametrize("coefficients, end", [
    ([3, -2], 3), ([5, -10, 4], 2.5), ([1, -1, 1, -1], 1.35321), ([1, -1, 1, -1, 1, -1], 1.21486)])
def test_the_ends_of_linear_fluxes(coefficients, end):
    """|p(t)| <= p(0) up to there: the cycles of one and two steps, 3 and 5 iterations."""
    p = np.polynomial.Polynomial(coefficients)
    t = np.linspace(0, end - 1e-4, 2000)
    assert (abs(p(t)) <= p(0) + 1e-12).all() and abs(p(end + 1e-3)) > p(0)


@pytest.mark.parametrize("n", range(1, 13))
def test_cycles_of_soft_shrinkage_stretch_differences(n):
    """By 1 − tα, α = (4n − 2)/(2n + 1): beyond 1 if and only if t > (2n + 1)/(2n − 1)."""
    end = F(2 * n + 1, 2 * n - 1)
    for t in (end, end * F(1001, 1000), F(2)):
        cycle = FSI(from_matrix(np.array([[1]])), fluxes.soft(1), t, n)
        u = t * n * (n - 1) / 3 + F(1, 2)
        one, other = (cycle.step(np.array([x], dtype=object))[0] for x in (u, u + F(1, 100)))
        factor = (other - one) * 100
        assert factor == 1 - t * F(4 * n - 2, 2 * n + 1)
        assert (abs(factor) > 1) == (t > end)


@pytest.mark.slow
@pytest.mark.parametrize("what, top", [(midpoint, "0.5"), (extragradient, "0.25")])
def test_steps_that_contract_numbers_but_not_pairs(what, top, monkeypatch):
    """The worst case says where; random starts with random operators do not get there.

    With one sample the slopes a, b in [0, 1] at the two visits leave 1 − tb(1 − sa), s = t/2 or t.
    """
    found = prove(what, CONTRACTION, K=K, flux=MONOTONE, ratio=upto(top))
    assert found.status == "refuted" and len(found.witness.data["given"]["K"]) == 2
    monkeypatch.setattr("stabkit.prover.witnesses.GUIDED", 0)
    assert prove(what, CONTRACTION, K=K, flux=MONOTONE, ratio=upto(top)).status == "undecided"
    t = float(F(top))
    a, b = np.meshgrid(np.linspace(0, 1, 50), np.linspace(0, 1, 50))
    assert (abs(1 - t * b * (1 - (t / 2 if what is midpoint else t) * a)) <= 1).all()
