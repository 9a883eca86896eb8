"""The contrary of every claim of haber2017: a changed constant, a flipped sign, a hypothesis that
is dropped (or added, where the claim is false).  No contrary has the verdict of its claim."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import registry
from stabkit.claims.configurations import BEYOND
from stabkit.claims.haber2017 import (
    euler,
    learning,
    propagation,
    refinement,
    transfer,
    windows,
)
from stabkit.claims.haber2017 import nine_stencils as nine
from stabkit.operators import difference
from stabkit.operators.stencils import coarsening, derivative_windows, rediscretisation
from stabkit.stability.decide import decide
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED

CLAIMS = registry(["haber2017"])
OVER = BEYOND[0]
SYMMETRIC = ((-2, 3), (3, -5))


def of(name, **configuration):
    """The claim at another configuration."""
    return lambda: CLAIMS[f"haber2017.{name}"](**configuration)


def _one_entry_moved():
    """The blocks of a convolution with one entry that is not like the others."""
    matrix = transfer._convolution_matrix(np.arange(1, 10).reshape(3, 3), 3, 4, True)
    matrix[0, 0] += 1
    return transfer._has_blocks(matrix, 3, 4, "periodic")


# claim -> (what is changed, the changed statement)
CONTRARIES = {
    # windows
    "stencil_basis_is_invertible": (
        "+1/Δ³", lambda: windows._has_determinant(windows.PRINTED, "1/3", 1)),
    "stencil_is_a_differential_operator": (
        "[1 −2 1]", lambda: windows._tends(derivative_windows()[2], 2)),
    "stencil_is_a_differential_operator_corrected": (
        "+y″ for the printed window",
        lambda: windows._tends_with_second_order(windows.PRINTED[2], 2, 1)),
    "limits_hold_for_piecewise_smooth_functions": (
        "y is smooth", of("limits_hold_for_piecewise_smooth_functions", order=2, values="1 1 1")),
    "limits_hold_for_piecewise_smooth_functions_corrected": (
        "max|y″|/5", lambda: windows._error_at_most(0, 5)),
    "wide_windows_are_products_of_windows_of_three": (
        "two windows of three for a window of seven",
        lambda: windows._is_product(fractions([1, -6, 11, -6, 0, 0, 3]), 2)),
    "wide_windows_are_products_of_windows_of_three_in_2d": (
        "a stencil with rows of degree <= 2",
        of("wide_windows_are_products_of_windows_of_three_in_2d", stencil="1 + x^1 y")),
    "wide_windows_are_products_of_windows_of_three_in_2d_corrected": (
        "three corners", lambda: windows._corners_span(3)),
    # nine
    "nine_stencils_are_consistent": (
        "the corrected stencil", lambda: nine._is_consistent("∂x∂y", *nine.CORRECTED["∂x∂y"])),
    "nine_stencils_are_consistent_corrected": (
        "the printed stencil", lambda: nine._is_of_second_order("∂x∂y", *nine.PRINTED["∂x∂y"])),
    "nine_printed_stencils_have_these_limits": (
        "+4∂x∂y", lambda: nine._has_limit("∂x∂y", "4", "∂x∂y")),
    "nine_stencils_are_independent": (
        "the power 16 of h", lambda: nine._are_independent(nine.PRINTED, "1/3", "32/9", 16)),
    "coefficients_are_mesh_independent": (
        "the corrected stencil", lambda: nine._scales("∂x²∂y²", "1/3", *nine.CORRECTED["∂x²∂y²"])),
    "coefficients_are_mesh_independent_corrected": (
        "the map to 3h", lambda: nine._rediscretises("2", rediscretisation("3"))),
    # transfer
    "restriction_inverts_prolongation": (
        "one coarse point", of("restriction_inverts_prolongation", n=2)),
    "restriction_inverts_prolongation_corrected": (
        "[1 −2 1]/4", lambda: transfer._weighting_of_interpolation(6, 4)),
    "prolongation_is_the_scaled_transpose": (
        "2 in two dimensions", lambda: transfer._is_scaled_transpose(4, 2, 2)),
    "convolution_matrix_is_circulant": (
        "an image of one row", of("convolution_matrix_is_circulant", image="1x4",
                                  stencil="right + 2 down")),
    "convolution_matrix_is_circulant_corrected": ("one entry moved", _one_entry_moved),
    "galerkin_operator_is_a_convolution": (
        "Mᵀ", lambda: transfer._galerkin(6, 1, coarsening(3).T)),
    "printed_coarse_stencil_is_galerkin": (
        "a tap off by 1/20", lambda: transfer.galerkin_within_rounding(
            transfer.FINE, fractions(transfer.COARSE) + np.diag([0, Fraction(1, 20), 0]))),
    "galerkin_and_rediscretisation_agree_to_second_order": (
        "H²/8", lambda: transfer._differ_by("∂x", "1/3", 8)),
    # refinement
    "fine_stencil_is_unique": ("width 9", of("fine_stencil_is_unique", width=9, dimension=1)),
    "fine_stencil_is_unique_for_width_seven": (
        "width 5", of("fine_stencil_is_unique_for_width_seven", width=5)),
    "fine_stencil_is_unique_for_width_seven_corrected": (
        "width 5", of("fine_stencil_is_unique_for_width_seven_corrected", width=5)),
    "fine_stencil_is_unique_for_width_one": (
        "width 3", of("fine_stencil_is_unique_for_width_one", width=3)),
    "fine_stencil_is_unique_for_width_one_corrected": (
        "[−1 5 −1]/2", lambda: refinement._comes_from("1", "[-1, 5, -1] / 2")),
    # propagation
    "network_is_stable_for_nonpositive_real_parts": (
        "rows dominated by the diagonal",
        of("network_is_stable_for_nonpositive_real_parts", K=((-2, 1), (1, -2)))),
    "network_is_stable_for_nonpositive_real_parts_corrected": (
        "a row that is not", of("network_is_stable_for_nonpositive_real_parts_corrected",
                                K=((-2, 3), (1, -2)))),
    "symmetric_negative_weights_are_stable": (
        "b/(25a)", lambda: propagation._is_bounded(SYMMETRIC, "1/25")),
    "negative_real_parts_do_not_suffice": (
        "a smaller shear", lambda: propagation._periodic_weights_grow(1)),
    "imaginary_eigenvalues_prevent_decay": (
        "σ = id", of("imaginary_eigenvalues_prevent_decay", sigma="id", K=((1, -3), (2, -1)))),
    "imaginary_eigenvalues_prevent_decay_corrected": (
        "real parts of −1/10", lambda: propagation._keeps_its_size((1, 2), "1", "1/10")),
    # euler
    "euler_is_stable_without_positive_eigenvalues": (
        "K symmetric", of("euler_is_stable_without_positive_eigenvalues", K=((-1, 1), (1, -1)))),
    "euler_is_stable_without_positive_eigenvalues_corrected": (
        "a larger step", of("euler_is_stable_without_positive_eigenvalues_corrected",
                            D=difference(1, 4), ratio=OVER)),
    "euler_is_stable_for_nonpositive_real_parts": (
        "real parts < 0", of("euler_is_stable_for_nonpositive_real_parts", K=((-1, 1), (-1, 0)))),
    "euler_is_stable_for_nonpositive_real_parts_corrected": (
        "a larger step", of("euler_is_stable_for_nonpositive_real_parts_corrected",
                            eigenvalues=((-1, 1), (-2, 1)), shear="-1/2", ratio=OVER)),
    # learning
    "derivative_with_respect_to_the_features": (
        "Kᵀ", lambda: learning._jacobian("x**2", "2x3", "I({ns}) + delta * (D @ kron(I({s}), K.T))",
                                         "Y", 1)),
    "derivative_with_respect_to_the_weights": (
        "without I", lambda: learning._jacobian("x**2", "2x2", "delta * (D @ kron(Y.T, I({n})))",
                                                "K", 1)),
    "derivative_with_respect_to_the_weights_corrected": (
        "with I", lambda: learning._weight_products(
            "x**2", "2x2", 1, "I({ns}) + delta * (D @ kron(Y.T, I({n})))")),
    "newton_needs_no_step_length": (
        "a start in [−1, 1]", of("newton_needs_no_step_length", start="1/2")),
    "newton_needs_no_step_length_corrected": (
        "a negative Hessian", lambda: learning._descends(2, 1, -1)),
    "newton_scales_naturally": (
        "steepest descent", lambda: learning._are_equivariant(2, 1, "I(2) / trace({})")),
    "fine_training_reduction": (
        "63.4%", of("fine_training_reduction", start="0.218", end="0.082", percent="63.4")),
    "coarse_training_reduction": (
        "62.1%", of("coarse_training_reduction", start="0.212", end="0.081", percent="62.1")),
    "coarse_training_reduction_corrected": (
        "60.8%", of("coarse_training_reduction_corrected", start="0.212", end="0.081",
                    percent="60.8")),
    "prolonged_start_reduction": (
        "32.4%", of("prolonged_start_reduction", start="0.218", end="0.147", percent="32.4")),
    "prolonged_start_reduction_corrected": (
        "35.5%", of("prolonged_start_reduction_corrected", start="0.218", end="0.147",
                    percent="35.5")),
    "coarse_work_adds_at_most_a_third": (
        "5/4 in two dimensions", lambda: learning._work_at_most(4, Fraction(5, 4))),
}
#: Of these nothing is decided.
OPEN: set[str] = set()


def test_every_claim_has_a_contrary():
    assert {f"haber2017.{name}" for name in CONTRARIES} == set(CLAIMS)


@pytest.mark.parametrize("name", CONTRARIES)
def test_a_contrary_has_the_other_verdict(name):
    """A false statement is refuted and a true one proved, or it is one of the open ones."""
    found = decide(CONTRARIES[name][1](), trials=256).status
    other = REFUTED if CLAIMS[f"haber2017.{name}"].expected is PROVED else PROVED
    assert found is (UNDECIDED if name in OPEN else other)


def test_nine_of_ten_contraries_are_decided():
    assert len(OPEN) <= len(CONTRARIES) // 10


# -- oracles --------------------------------------------------------------------------------------
@pytest.mark.slow
def test_the_growth_of_gated_differences():
    """Euler with small steps: the difference (0, 1) of two networks whose second unit is closed
    goes to (3/2, 1), the worst that is used against smaller constants."""
    K = np.array(SYMMETRIC, float)
    b = np.array([100.0, -1000.0])
    y, z = np.array([0.0, 1.0]), np.zeros(2)
    for _ in range(20_000):
        y, z = (u + 1e-3 * np.maximum(K @ u + b, 0) for u in (y, z))
    assert np.allclose(y - z, [1.5, 1], atol=1e-6)
    spectrum = np.abs(np.linalg.eigvalsh(K))
    assert spectrum.max() / spectrum.min() >= 3.25


@pytest.mark.parametrize("c, grows", [(1, False), (2, False), (3, True)])
def test_periodic_weights_by_powers_of_the_period(c, grows):
    """The largest eigenvalue of exp(Kᵀ)exp(K) for K = [[−1, c], [0, −1]]."""
    shear = np.array([[1, c], [0, 1]]) * np.exp(-1)
    assert (np.abs(np.linalg.eigvals(shear.T @ shear)).max() > 1) == grows
    assert (decide(propagation._periodic_weights_grow(c)).status is PROVED) == grows


def test_pyramids_by_adding_up():
    """1 + 1/4 + 1/16 + … + 1/4¹⁹ is below 4/3 and above 5/4."""
    assert Fraction(5, 4) < sum(Fraction(1, 4**k) for k in range(20)) < Fraction(4, 3)
    assert decide(learning._work_at_most(8, Fraction(8, 7))).status is PROVED
    assert decide(learning._work_at_most(8, Fraction(8, 7) - Fraction(1, 10**9))).status is REFUTED


def test_boundedness_of_powers_is_that_of_the_step():
    """`euler._bounded` against (I + δK)^4096 for a δ that is small enough."""
    for K in (((0, 1), (-1, 0)), ((-1, 1), (-1, 0)), ((0, 0), (0, 0)), ((0, 1), (0, 0))):
        power = np.linalg.matrix_power(np.eye(2) + np.array(K) / 8, 4096)
        stays = decide(euler._boundedness_of_powers(K)).status is PROVED
        assert stays == (np.abs(power).max() < 100)


@pytest.mark.parametrize("seed", range(20))
def test_growth_in_the_maximum_norm_by_all_signs(seed):
    """K does not let the maximum norm grow along ẏ = K y exactly if sᵢ(K s)ᵢ <= 0 for every
    vector s of signs and every i."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    K = rng.integers(-2, 3, (n, n)) - 2 * np.eye(n, dtype=int)
    worst = max((s * (K @ s)).max() for s in map(np.array, product((1, -1), repeat=n)))
    assert decide(propagation._rows_do_not_expand(K.tolist())).status is (
        PROVED if worst <= 0 else REFUTED)


@pytest.mark.parametrize("seed", range(10))
def test_decay_without_a_nonlinearity_against_eigenvalues(seed):
    """K = [[a, b], [c, −a]] has imaginary eigenvalues, or one that lets signals decay."""
    rng = np.random.default_rng(seed)
    a, b, c = (int(x) for x in rng.integers(-3, 4, 3))
    K = ((a, b), (c, -a))
    decays = np.linalg.eigvals(np.array(K, float)).real.min() < -1e-9
    if a * a + b * c == 0:
        pytest.skip("K² = 0")
    found = status_at("id", K)
    assert found is (REFUTED if decays else PROVED)


def status_at(sigma, K):
    return decide(CLAIMS["haber2017.imaginary_eigenvalues_prevent_decay"](sigma=sigma, K=K)).status
