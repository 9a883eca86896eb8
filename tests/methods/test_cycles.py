"""Cycles of inner steps: exact polynomials, products of step sizes, and errors put in by hand."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

import stabkit
from stabkit import FSI, InvalidArgument, cycle, difference, fluxes, methods
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fractions
from stabkit.methods.intervals import at, first_exit, first_failure

NAMES = ("fsi", "fed", "rkc", "rkl", "rkg")
SECOND = ("rkc2", "rkl2", "rkg2")


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


@pytest.mark.parametrize("name", SECOND)
@pytest.mark.parametrize("n", [2, 3, 4, 7, 10])
def test_cycles_of_second_order(name, n):
    """R(x) = 1 − x + x²/2 + …, |R| <= 1 up to the interval, sharp for even n; the stages by their
    table have all conditions of order 2 and the same polynomial."""
    found = cycle(name, n)
    R, method = found.polynomial, found.runge_kutta
    assert R.degree() == n and [R[k] for k in range(3)] == [1, -1, fmpq(1, 2)]
    end = first_exit(R**2 - 1)
    assert found.real_interval <= end.upper
    if n % 2 == 0:
        assert end.lower < found.real_interval + Fraction(1, 10**6)
    assert method.order == 2 and method.stages == n
    above, below = method.stability_function
    assert below == 1 and all(above[k] == R[k] * (-1) ** k for k in range(n + 1))
    assert method.real_interval.overlaps(end)


def test_published_cycles_of_second_order():
    """Meyer, Balsara and Aslam (2014): b_j = (j² + j − 2)/(2j(j + 1)), w = 4/(s² + s − 2),
    μ_j = (2j − 1)b_j/(j b_{j−1}), ν_j = −(j − 1)b_j/(j b_{j−2}), γ̃_j = −(1 − b_{j−1}) μ_j w.
    RKG2 reaches (s + 4)(s − 1)/3, and RKC2 ⅔(s² − 1)(1 − 2ε/15 + O(ε²)), ε = 2/13.
    By hand for three steps: R = 1 − x + x²/2 − x³/15 and − x³/14.
    """
    s = 7
    b = [Fraction(1, 3)] * 2 + [Fraction(j * j + j - 2, 2 * j * (j + 1)) for j in range(2, s + 1)]
    w = Fraction(4, s * s + s - 2)
    found = cycle("rkl2", s)
    assert found.steps[0] == (1, b[1] * w, 0)
    for j in range(2, s + 1):
        mu, nu = (2 * j - 1) * b[j] / (j * b[j - 1]), -(j - 1) * b[j] / (j * b[j - 2])
        assert found.steps[j - 1] == (mu, w, nu)
        assert found.from_start[j - 1] == (1 - b[j - 1]) * mu * w
    for s in (2, 3, 6, 15, 40):
        assert cycle("rkl2", s).real_interval == Fraction(s * s + s - 2, 2)
        assert cycle("rkg2", s).real_interval == Fraction((s + 4) * (s - 1), 3)
        published = 2 / 3 * (s * s - 1) * (1 - 2 / 15 * 2 / 13)
        assert s < 6 or abs(cycle("rkc2", s).real_interval / published - 1) < 0.003
    assert cycle("rkl2", 3).polynomial[3] == fmpq(-1, 15)
    assert cycle("rkg2", 3).polynomial[3] == fmpq(-1, 14)


@pytest.mark.parametrize("name", SECOND)
def test_steps_of_second_order_halve_their_error_twice(name):
    """u̇ = −u³, u(t) = u₀/√(1 + 2u₀²t): errors at τ and τ/2 are 4 : 1."""
    A, b = (np.asarray(table, dtype=float) for table in (
        getattr(methods, name)(5).A, getattr(methods, name)(5).b))
    errors = []
    for steps in (40, 80):
        u = 1.0
        for _ in range(steps):
            slopes = []
            for row in A:
                slopes.append(-(u + row[:len(slopes)] @ np.array(slopes) / steps) ** 3)
            u += b @ np.array(slopes) / steps
        errors.append(abs(u - 3**-0.5))
    assert 3.8 < errors[0] / errors[1] < 4.3


@pytest.mark.slow
def test_modes_in_float32_and_a_wrong_coefficient():
    """Noise below 10⁻³ to 100 steps; damped RKC2 keeps |R| < 1 inside; a γ_j off by 1/1000 is
    seen in R′(0)."""
    for name in SECOND:
        found = cycle(name, 100)
        assert 0 < found.rounding_noise < 1e-3
        x = np.linspace(0.05, 0.9, 999) * float(found.real_interval)
        assert np.abs(found.factors(x)).max() < 0.96
        short = cycle(name, 6)
        wrong = replace(short, from_start=[*short.from_start[:-1],
                                           short.from_start[-1] * Fraction(1001, 1000)])
        assert short.polynomial[1] == -1 != wrong.polynomial[1]
    assert abs(cycle("rkl2", 1000).damping - 1) < 1e-9


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


@pytest.mark.parametrize("name", NAMES + SECOND)
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
            if found.from_start:
                now = now + 1 - mu - nu + float(found.from_start[j - 1]) * x
            now = now + (j == wrong)
        worst = max(worst, np.abs(now - found.factors(x)).max())
    assert abs(worst - found.internal_amplification) < 1e-9 * worst


@pytest.mark.slow
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
    with pytest.raises(InvalidArgument, match="at least 2"):
        methods.rkl2(1)
    with pytest.raises(InvalidArgument, match="cosines"):
        cycle("fed", 3).runge_kutta  # noqa: B018


def test_what_fails_between_two_changes_ends_at_the_first_of_them():
    """r < 2 or r > 3, as asked between 1, 2, 3 and beyond: it fails in (2, 3) only."""
    changes = [Interval(1), Interval(2), Interval(3)]
    assert first_failure(changes, lambda r: not 2 < r < 3).lower == 2
    assert first_failure(changes, lambda r: r < 3).upper == 3
    assert not first_failure(changes, lambda r: True).is_finite
    assert first_failure([], lambda r: False).upper == 0
