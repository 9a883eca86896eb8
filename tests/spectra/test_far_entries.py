"""Matrices at the ends of what floats hold, and types that hold no floats."""

from fractions import Fraction

import numpy as np
import pytest
import scipy

from stabkit import spectra
from stabkit.errors import InvalidArgument, Undecided

TINY = Fraction(1, 10**400)
FUNCTIONS = [spectra.extreme_eigenvalues, spectra.spectrum, spectra.transient_growth,
             spectra.numerical_range, spectra.departure_from_normality,
             lambda A: spectra.pseudospectrum(A, [0.5], [0.0])]


def test_what_underflows_is_not_zero():
    """The matrix of ones of N = 65 rows has the eigenvalue N, times 10⁻⁴⁰⁰."""
    ones = np.full((65, 65), TINY, dtype=object)
    found = spectra.spectrum(ones)
    assert found.radius.lower <= 65 * TINY <= found.radius.upper
    assert found.norm.lower <= 65 * TINY <= found.norm.upper
    assert spectra.extreme_eigenvalues(ones)[1].upper >= 65 * TINY


def test_eigenvalues_that_no_polynomial_tells_apart_in_time():
    """1/3 ± 10⁻⁴⁰⁰."""
    third = Fraction(1, 3)
    low, high = spectra.extreme_eigenvalues([[third, TINY], [TINY, third]])
    assert low.lower <= third - TINY <= low.upper and high.lower <= third + TINY <= high.upper
    assert high.width < 1e-14


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("matrix", [
    [[Fraction(10**400), 1], [2, 3]], np.ma.array(np.eye(2), mask=[[0, 1], [0, 0]])],
    ids=["beyond floats", "masked"])
def test_what_holds_no_floats_is_refused(function, matrix):
    with pytest.raises(InvalidArgument, match="matrix"):
        function(matrix)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("size", [1e-315, 1e-200, 1e160, 1e308])
def test_far_matrices_end_in_a_result_or_a_refusal(function, size):
    with np.errstate(over="raise", invalid="raise"):
        try:
            function(np.array([[size, size], [0, size / 2]]))
        except (InvalidArgument, Undecided) as error:
            assert "matrix" in str(error) or "enclosed" in str(error)


def test_half_floats_are_taken_and_long_ones_are_not_cut():
    """In half precision 0.1 is 819/8192; a long double of 2⁻²⁰⁰⁰ is no 0."""
    low, high = spectra.extreme_eigenvalues(np.array([[0.1]], dtype=np.float16))
    assert low.lower <= Fraction(819, 8192) <= high.upper and high.width < 1e-14
    if np.finfo(np.longdouble).minexp < -2000:
        long = np.array([[np.ldexp(np.longdouble(1), -2000)]])
        assert spectra.extreme_eigenvalues(long)[1].upper >= Fraction(1, 2**2000)


def test_long_integers_of_sparse_matrices_are_not_rounded():
    """2⁶² + 1 is no float; 2⁶² + 1 against 2⁶² is not symmetric."""
    given = scipy.sparse.csr_array(np.array([[0, 2**62 + 1], [2**62, 0]]))
    assert spectra.spectrum(given).normal is not True


@pytest.mark.parametrize("size", [2.0**-300, 2.0**260, 2.0**700])
def test_far_matrices_are_scaled(size):
    """The eigenvalues of (2 1; 0 1) times a power of two, and one entry that underflows."""
    found = spectra.spectrum(np.array([[2.0, 1.0], [0.0, 1.0]]) * size)
    assert sorted(round(float(real) / size, 9) for real, _ in found.eigenvalues) == [1, 2]
    mixed = spectra.spectrum(np.array([[2.0**700, 1.0], [2.0**-800, 2.0**699]]))
    assert mixed.radius.lower <= 2**700 <= mixed.radius.upper and mixed.radius.width < 2.0**660
