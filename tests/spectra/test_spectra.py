"""Jacobians and spectra: against differences, dense linear algebra and hand values."""

import numpy as np
import pytest

from stabkit import FSI, Explicit, InvalidArgument, difference, fluxes, from_matrix
from stabkit.schemes import Implicit
from stabkit.spectra import along, exact_jacobian, extreme_eigenvalues, jacobian, spectrum
from stabkit.stability.falsify import two_solutions

FLUXES = (fluxes.identity(), fluxes.rational(), fluxes.perona_malik(), fluxes.charbonnier())


@pytest.mark.parametrize("flux", FLUXES, ids=str)
def test_jacobian_is_the_limit_of_differences(flux):
    """∂T/∂u by central differences of the step, for one step and for a cycle of three."""
    K, u = difference(1, 5), np.array([0.3, -1.2, 0.7, 2.0, 0.1])
    for scheme in (Explicit(K, flux, "1/2"), FSI(K, flux, "1/3", 3)):
        exact = np.asarray(jacobian(scheme, u))
        steps = 1e-6 * np.eye(5)
        numeric = np.array([(scheme(u + e) - scheme(u - e)) / 2e-6 for e in steps]).T
        assert np.abs(exact - numeric).max() < 1e-8


def test_extreme_eigenvalues_enclose_the_dense_ones():
    """I − τKᵀGK is symmetric; its extreme eigenvalues by LAPACK lie in the enclosures."""
    u = np.array([0.5, -1.0, 2.0, 0.25])
    matrix = exact_jacobian(Explicit(difference(1, 4), fluxes.perona_malik(), "1/2"), u)
    low, high = extreme_eigenvalues(matrix)
    dense = np.linalg.eigvalsh(np.array([[float(x) for x in row] for row in matrix]))
    assert abs(float(low) - dense[0]) < 1e-12 and abs(float(high) - dense[-1]) < 1e-12
    assert low.width < 1e-10 and high.width < 1e-10


def test_radius_and_norm_differ_for_a_shear():
    """[1 2; 0 1]: radius 1, norm 1 + √2, not normal; a rotation: radius = norm = 1, normal."""
    shear, turn = spectrum([[1, 2], [0, 1]]), spectrum([[0, 1], [-1, 0]])
    assert shear.normal is False and abs(float(shear.norm) - (1 + np.sqrt(2))) < 1e-12
    assert abs(float(shear.radius) - 1) < 1e-12
    assert turn.normal is True and abs(float(turn.norm) - 1) < 1e-12
    assert sorted(round(float(part)) for _, part in turn.eigenvalues) == [-1, 1]


def test_along_a_trajectory():
    """One spectrum per state; inside the bound of a monotone flux every radius is at most 1."""
    scheme = Explicit(difference(1, 4), fluxes.charbonnier(), "1/2")
    found = list(along(scheme, np.array([0.0, 3.0, -1.0, 2.0]), 4))
    assert len(found) == 4
    assert all(float(one.radius) <= 1 + 1e-12 for one in found)


def test_what_is_no_square_matrix_or_signal_is_refused():
    """The argument is named."""
    with pytest.raises(InvalidArgument, match="matrix"):
        spectrum([[1, 2]])
    with pytest.raises(InvalidArgument, match="u:"):
        jacobian(Explicit(difference(1, 3), FLUXES[0], 1), [1, 2])


def test_a_zero_row_of_the_operator_is_passed_over():
    """K with a row of zeros: the search for two solutions along its rows skips that row."""
    K = from_matrix([[0, 0], [-1, 1]])
    v, w = two_solutions(Implicit(K, fluxes.rational(), 5))
    assert (v != w).any()
