"""What the page of discoveries says, end by end: a proof there, and a witness beyond."""

from fractions import Fraction as F

import numpy as np
import pytest
from statements import MONOTONE, SECTOR, K, fixed_point, fsi, heun, upto

from stabkit import CONTRACTION, EUCLIDEAN, prove

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
    (fsi(2), CONTRACTION, MONOTONE, F(27, 17), None),
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
