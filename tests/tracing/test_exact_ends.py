"""Ends of sets of steps that are irrational or do not belong to them, exactly, as printed."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest

from stabkit import EUCLIDEAN, POWER_BOUNDED, RANGE, step_bound, weighted
from stabkit.arithmetic.algebraic import Algebraic
from stabkit.stability.sharpness.limits import Beside


@pytest.mark.parametrize("p, root, words", [
    ((1, -3, 1), (3 - 5**.5) / 2, "(3 - sqrt(5))/2"),
    ((1, -3, 1), (3 + 5**.5) / 2, "(3 + sqrt(5))/2"),
    ((-1, 1, 1), (5**.5 - 1) / 2, "(sqrt(5) - 1)/2"),
    ((-8, 0, 1), 8**.5, "2*sqrt(2)"), ((-3, 0, 4), 3**.5 / 2, "sqrt(3)/2"),
    ((2, -4, 1), 2 - 2**.5, "2 - sqrt(2)"), ((-1, 4, 9), (13**.5 - 2) / 9, "(sqrt(13) - 2)/9"),
    ((-2, 4, -1), 2 - 2**.5, "2 - sqrt(2)"), ((-1, 0, 8), 8**-.5, "sqrt(2)/4"),
])
def test_quadratic_numbers_by_square_roots(p, root, words):
    """By the quadratic formula, by hand; the text itself is evaluated as well."""
    low, high = Fraction(root - 1e-9), Fraction(root + 1e-9)
    text = Algebraic(p, low, high).words("t")
    closed, decimal = text.split(" = ")
    assert closed == words and abs(eval(closed, {"sqrt": sqrt}) - root) < 1e-12
    assert abs(float(decimal.removesuffix("...")) - root) < 1e-5


def test_other_numbers_by_their_polynomials():
    """2 cos(π/9) is a root of t³ − 3t − 1."""
    root = 2 * np.cos(np.pi / 9)
    number = Algebraic((-1, -3, 0, 1), Fraction(root - 1e-12), Fraction(root + 1e-12))
    assert number.words("t") == "1.879385... (root of t^3 - 3*t - 1)"
    assert "a polynomial of degree 9" in Algebraic(
        (10**9,) * 10, Fraction(1), Fraction(2)).words("dt")


def rod(u, dt):
    v = u.copy()
    v[1:-1] = u[1:-1] + 300 * dt * (u[2:] - 2 * u[1:-1] + u[:-2])
    return v


@pytest.mark.parametrize("n, words", [
    (4, "0 < dt <= 1/450,"), (5, "0 < dt <= (2 - sqrt(2))/300 = 0.001952621...,"),
    (6, "0 < dt <= (5 - sqrt(5))/1500 = 0.001842621...,"),
    (40, "0 < dt <= 0.001669373... (root of a polynomial of degree 12),")])
def test_a_rod_between_held_ends(n, words):
    """2/(1200 cos²(π/(2n − 2))): 1/450 for n = 4; cos²(π/8), cos²(π/10) for 5, 6; in
    general of degree φ(2n − 2)/2, 12 for n = 40."""
    found = step_bound(rod, EUCLIDEAN, shape=n, held={0: 0, -1: 0})
    assert words in str(found)
    top, exact = found.proved[0][1], 1 / (600 * np.cos(np.pi / (2 * n - 2))**2)
    assert exact * (1 - 1e-8) < top <= exact * (1 + 1e-12) < found.refuted[0][0]
    if n > 4:
        assert isinstance(top, Beside) and top.belongs and top < top.limit.low
        assert abs(float(top.limit) - exact) < 1e-15
    found.check()


@pytest.mark.slow
def test_an_asymmetric_step_is_not_taken_for_a_symmetric_one():
    """B = ((−1, 1), (2, −1)) has the eigenvalue √2 − 1 > 0, and with −2 for 2 none that is real."""
    def step(sign):
        return lambda u, t: np.stack([u[0] - t * (u[0] - u[1]),
                                      u[1] + t * (sign * 2 * u[0] - u[1])])

    assert step_bound(step(1), weighted([2, 1]), shape=2).proved == ()
    for t in (Fraction(1, 100), Fraction(1, 2)):
        matrix = np.eye(2) + float(t) * np.array([[-1, 1], [-2, -1]])
        holds = np.linalg.norm(matrix, 2) <= 1
        found = step_bound(step(-1), EUCLIDEAN, shape=2)
        assert any(low <= t <= (high or t) for low, high in found.proved) == holds


@pytest.mark.parametrize("above, words", [(0, "0 < t <= 2, refuted from 2.001"),
                                          (1, "0 < t < 2, refuted from 2")])
def test_an_eigenvalue_minus_one_with_and_without_a_jordan_block(above, words):
    """At t = 2 the matrix is −I but for its last row and column, or has ((−1, 2), (0, −1)) in it.

    The last two entries (−1, 1; 0, −1/2) keep it from being symmetric for any weights.
    """
    B = -np.eye(10)
    B[0, 1], B[8, 9], B[9, 9] = above, 1, -0.5
    found = step_bound(lambda u, t: u + t * (B @ u), POWER_BOUNDED, shape=10)
    assert words in str(found)


def test_an_end_that_does_not_belong():
    """u⁺ = 2u − p + c²(…) grows linearly at c² = 1: 0 < c² < 1, and the fraction is below it."""
    def leapfrog(s, c2):
        u, p = s
        return np.stack([2 * u - p + c2 * (np.roll(u, -1) - 2 * u + np.roll(u, 1)), u])

    found = step_bound(leapfrog, POWER_BOUNDED, shape=(2, 12)).rest
    assert "proved for 0 < c2 < 1, refuted from 1" in str(found)
    assert found.certified < 1 == found.certified.limit and not found.certified.belongs


@pytest.mark.slow
def test_runge_kutta_and_powers_of_the_step():
    """√3 bounds RK3 on the imaginary axis; 1 − c − c² >= 0 up to (√5 − 1)/2."""
    def rk3(u, c):
        v = u
        for k in (3, 2, 1):
            v = u - c * (np.roll(v, -1) - np.roll(v, 1)) / (2 * k)
        return v

    assert "0 < c <= sqrt(3) = 1.732050..., refuted" in str(step_bound(rk3, EUCLIDEAN, shape=12))
    found = step_bound(lambda u, c: u + (c + c**2) * (np.roll(u, 1) - u), RANGE, shape=5)
    assert "0 < c <= (sqrt(5) - 1)/2 = 0.6180339..., refuted" in str(found)
