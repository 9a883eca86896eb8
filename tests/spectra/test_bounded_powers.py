"""Whether powers are bounded, where the spectral radius is exactly 1: by hand and by powers."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import scipy

from stabkit.operators import from_matrix
from stabkit.spectra import bound_of_powers, bounded

THIRD = Fraction(1, 3)


@pytest.mark.parametrize("matrix, bounded", [
    ([[1]], True), ([[-1]], True), ([[0]], True), (np.eye(9, k=1), True),
    ([[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]], True),
    ([[0, -1, 1, 0], [1, 0, 0, 1], [0, 0, 0, -1], [0, 0, 1, 0]], False),  # a Jordan block at ±i
    ([[1, 5], [0, -1]], True), ([[-1, 3, 0], [0, -1, 0], [0, 0, 7]], False),
    ([[-1, 3], [0, -1]], False), ([[1, 1], [0, THIRD]], True), ([[0, -1], [1, 1]], True),
    ([[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(3, 5)]], True),
    ([[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(601, 1000)]], False),
    ([[THIRD] * 3] * 3, True), ([[THIRD, THIRD, THIRD + Fraction(1, 10**30)]] * 3, False),
    ([[1, Fraction(1, 10**40)], [0, 1]], False)])
def test_by_hand(matrix, bounded):
    """Rotations, reflections, means and Jordan blocks; a mean that is 10⁻³⁰ too large grows."""
    found = bound_of_powers(np.array(matrix, dtype=object))
    assert found.bounded is bounded and not found.by_rounding
    assert str(found).startswith("bounded" if bounded else "unbounded")


@pytest.mark.slow
def test_all_small_integer_matrices_against_their_powers():
    """2 x 2 with entries −1, 0, 1: bounded integer powers repeat within 12 steps, others pass any
    size, so the largest entry of the 40th power tells."""
    for entries in product((-1, 0, 1), repeat=4):
        A = np.array(entries, dtype=object).reshape(2, 2)
        power = np.linalg.matrix_power(A, 40)
        assert bound_of_powers(A).bounded is bool(np.abs(power).max() <= 2), entries


@pytest.mark.slow
def test_large_matrices_by_sums_of_rows():
    """A mean of 10⁵ samples is decided by its sums, and one that is an ulp too large is not."""
    def mean(middle):
        return scipy.sparse.diags_array([0.25, middle, 0.25], offsets=[-1, 0, 1],
                                        shape=(100_000, 100_000), format="csr")

    assert bound_of_powers(mean(0.5)).bounded is True
    assert float(bound_of_powers(mean(0.5)).most) == 1
    assert bound_of_powers(mean(0.5 + 2.0**-53)).bounded is None
    upper = scipy.sparse.lil_array(np.eye(3000, k=1) + np.eye(3000, k=2)) * 0.5
    upper[:, [0]] = np.full((3000, 1), 0.25)
    assert bound_of_powers(upper, whole=False).bounded is None
    thirds = from_matrix([[THIRD, THIRD, THIRD], [1, 0, 0], [1, 0, 0]])
    found = bound_of_powers(thirds)
    assert found.bounded is True and found.most.lower == 1 and abs(found.most.hi - 3**0.5) < 1e-9


@pytest.mark.parametrize("angle", [0.5, 1.0, 2.0])
def test_rotations_in_floats(angle):
    """cos² + sin² of the doubles is 1 within rounding on either side: what grows, grows by that."""
    c, s = np.cos(angle), np.sin(angle)
    found = bound_of_powers(np.array([[c, -s], [s, c]]))
    assert found.bounded is (Fraction(c) ** 2 + Fraction(s) ** 2 <= 1)
    assert found.by_rounding is not found.bounded


def test_what_was_meant_by_floats():
    """0.6 and 0.8 are 3/5 and 4/5; ten times 0.1 is 1; and a matrix that grows grows."""
    for matrix in (np.array([[0.6, -0.8], [0.8, 0.6]]), np.full((10, 10), 0.1)):
        found = bound_of_powers(matrix)
        assert found.by_rounding and "meant by the floats they are bounded" in found.because
    assert not bound_of_powers(np.array([[0.6, -0.8], [0.8, 0.7]])).by_rounding


def test_many_rows_are_left_open_in_time(monkeypatch):
    """Beyond a limit sums are not taken exactly, and nothing is claimed."""
    monkeypatch.setattr(bounded, "_SUMMED", 100)
    halves = scipy.sparse.diags_array([0.5, 0.5], offsets=[0, 1], shape=(300, 300), format="csr")
    assert bound_of_powers(halves, whole=False).bounded is None
