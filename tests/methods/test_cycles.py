"""Cycles of inner steps: exact polynomials, products of step sizes, and errors put in by hand."""

from fractions import Fraction

import numpy as np
import pytest

import stabkit
from stabkit import FSI, InvalidArgument, cycle, difference, fluxes
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fractions
from stabkit.methods.intervals import at, first_exit, first_failure

NAMES = ("fsi", "fed", "rkc", "rkl", "rkg")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 11])
def test_real_intervals_are_exact(name, n):
    """R² − 1 has its first sign change there (RKC, RKL, RKG), or a little later; R(0) = −R′(0) = 1.
    """
    found = cycle(name, n)
    R = found.polynomial
    end = first_exit(R**2 - 1)
    assert found.real_interval <= end.upper
    if name in ("rkc", "rkl", "rkg"):
        assert end.lower <= found.real_interval
    assert R.degree() == n and R[0] == 1 and R[1] == -1


def test_published_intervals():
    """2n² (van der Houwen and Sommeijer 1980), n² + n (Meyer et al. 2012), 2(n² + n)/3 (FED)."""
    assert [cycle(name, 10).real_interval for name in NAMES] == [
        Fraction(220, 3), Fraction(220, 3), 200, 110, 65]


@pytest.mark.parametrize("n", [1, 4, 9])
@pytest.mark.parametrize("order", ["natural", "kappa", "leja"])
def test_fed_in_any_order_is_fsi(n, order):
    """Both by their own recursion in floats, and FSI's by the scheme in fractions."""
    fed, fsi = cycle("fed", n, order=order), cycle("fsi", n)
    x = np.linspace(0, float(fsi.real_interval), 50)
    assert np.abs(fed.factors(x) - fsi.factors(x)).max() < 1e-11
    assert sorted(omega for _, omega, _ in fed.steps) == sorted(
        omega for _, omega, _ in cycle("fed", n, order="natural").steps)
    tau = Fraction(1, 3)
    scheme = FSI(difference(1, 2), fluxes.identity(), tau, n)  # K'K has the eigenvalue 2
    image = scheme(fractions([1, -1]))
    assert image[0] == at(fsi.polynomial, 2 * scheme.time)


@pytest.mark.parametrize("name", NAMES)
def test_internal_amplification_by_errors_put_in(name):
    """One stage moved by 1, for every stage, over a fine grid."""
    found, n = cycle(name, 9), 9
    x = found._grid
    worst = 1.0
    for wrong in range(1, n):
        before = now = np.ones_like(x)
        for j, step in enumerate(found.steps, 1):
            mu, omega, nu = map(float, step)
            before, now = now, mu * (1 - omega * x) * now + nu * before
            now = now + (j == wrong)
        worst = max(worst, np.abs(now - found.factors(x)).max())
    assert abs(worst - found.internal_amplification) < 1e-9 * worst


def test_orders_matter_and_lengths_to_a_thousand_are_looked_at():
    """Rising step sizes lose all digits at 100 steps; strides and Leja's order do not."""
    assert cycle("fed", 100, order="natural").internal_amplification > 1e40
    assert cycle("fed", 100, order="kappa").internal_amplification < 10
    assert cycle("fed", 100, order="leja").internal_amplification < 1000
    assert abs(cycle("rkc", 1000).internal_amplification - 1000) < 1  # U_{n−1}(1) = n
    assert cycle("fsi", 1000).damping < 0.25 and cycle("rkc", 100).damping > 0.999
    assert 0 < cycle("fsi", 100).rounding_noise < 1e-3
    assert "334 times" in str(cycle("fsi", 1000))


def test_what_is_no_cycle_is_refused():
    """The argument is named."""
    for arguments, name in ((("xyz", 3), "name"), (("fsi", 0), "length"),
                            (("rkc", 1001), "length")):
        with pytest.raises(InvalidArgument, match=name):
            stabkit.cycle(*arguments)
    with pytest.raises(InvalidArgument, match="order"):
        cycle("fed", 3, order="alphabetic")


def test_what_fails_between_two_changes_ends_at_the_first_of_them():
    """r < 2 or r > 3, as asked between 1, 2, 3 and beyond: it fails in (2, 3) only."""
    changes = [Interval(1), Interval(2), Interval(3)]
    assert first_failure(changes, lambda r: not 2 < r < 3).lower == 2
    assert first_failure(changes, lambda r: r < 3).upper == 3
    assert not first_failure(changes, lambda r: True).is_finite
    assert first_failure([], lambda r: False).upper == 0
