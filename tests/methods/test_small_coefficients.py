"""Methods and families at the edge of what they take: tiny coefficients, taps that are none."""

from fractions import Fraction

import pytest

from stabkit import methods
from stabkit.errors import InvalidArgument
from stabkit.methods import Family, RungeKutta


@pytest.mark.parametrize("bits", [1, 20, 22, 60])
def test_a_tiny_ssp_coefficient_is_not_zero(bits):
    """K(I + rK)⁻¹ has the entry b₁ − r a₂₁ b₂: with b₁ = b₂ the coefficient is 1/a₂₁."""
    method = RungeKutta("steep", [[], [2**bits]], ["1/2", "1/2"])
    found = method.ssp_coefficient
    assert found.lower <= Fraction(1, 2**bits) <= found.upper < Fraction(1, 2**bits) * (1 + 2**-40)


@pytest.mark.parametrize("method", [methods.rk4, methods.midpoint, methods.kutta3,
                                    RungeKutta("back", [[]], [-1])])
def test_a_coefficient_of_zero_is_zero(method):
    """Some entry of K is 0 and K² is positive there, or K itself is negative."""
    assert method.ssp_coefficient.upper == 0


def test_taps_between_points_are_refused():
    """r u(x + h/2) + (1 − r) u(x − h/2) is unstable for r = 3/2, where |g| = 2 at θ = π."""
    with pytest.raises(InvalidArgument, match="integers"):
        Family(lambda r: {Fraction(1, 2): r, Fraction(-1, 2): 1 - r}).is_stable("3/2")


def test_taps_that_are_polynomials_nearby_only_are_refused():
    """1 − |r − 30| is linear up to 30 and stable from 28 to 32, not for ever."""
    with pytest.raises(InvalidArgument, match="polynomials"):
        Family(lambda r: {0: 1 - abs(r - 30)}).intervals()


@pytest.mark.parametrize("method", [methods.backward_euler, methods.bdf(2)])
def test_an_infinite_end_is_said_to_be_none_of_the_fractions(method):
    """|1/(1 + r)| <= 1 for all r >= 0."""
    assert not method.real_interval.is_finite
    with pytest.raises(InvalidArgument, match="infinite"):
        method.real_interval.upper  # noqa: B018
