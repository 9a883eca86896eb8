"""The largest step with a proof, and a witness just beyond."""

from fractions import Fraction as F

import pytest
from statements import MONOTONE, SECTOR, K, explicit, fixed_point, fsi

from stabkit import EUCLIDEAN, prove
from stabkit.errors import InvalidArgument
from stabkit.prover.sharp_step import SHARP
from stabkit.stability.sharpness.signs import simplest

pytest.importorskip("clarabel", reason="the search needs the extra prove")


def sharp(what, flux):
    """τL‖K‖² up to which there is a proof, and from where on there is a witness."""
    found = prove(what, EUCLIDEAN, K=K, flux=flux, ratio=SHARP)
    assert found.proved and found.refuted_from > found.step
    return 2 * found.step, 2 * found.refuted_from


@pytest.mark.slow
def test_theorem_2_is_sharp():
    """|1 − τL‖K‖²| <= 1 for Φ(s) = Ls."""
    assert sharp(explicit, SECTOR) == (2, 2 * F(1001, 1000))


@pytest.mark.slow
@pytest.mark.parametrize("n, top", [(1, 3), (2, F(5, 2))])
def test_cycles_of_monotone_fluxes(n, top):
    """FSI of one and two steps: linear fluxes are the worst, |P_n(1 − τλ)| <= 1 up to there."""
    assert sharp(fsi(n), MONOTONE)[0] == top


@pytest.mark.slow
def test_three_fixed_point_iterations_of_a_monotone_flux():
    """Beyond 1.28, below the end 1.36 that a witness of one sample shows."""
    low, high = sharp(fixed_point(3), MONOTONE)
    assert F(128, 100) < low < high < F(137, 100)


def test_the_simplest_number_between_two():
    """The first denominator that has one."""
    assert simplest(F(9995, 10000), F(10005, 10000)) == 1
    assert simplest(F(161, 100), F(162, 100)) == F(21, 13)


def test_one_argument_can_be_sharp():
    with pytest.raises(InvalidArgument, match="only one"):
        prove(explicit, EUCLIDEAN, K=K, flux=SHARP, ratio=SHARP)
