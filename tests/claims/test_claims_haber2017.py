"""The claims of haber2017: all are there, come out as expected, and notice planted faults."""

from fractions import Fraction

import numpy as np
import pytest
from claim_ledger import check_derived, check_evidence, check_sharp

from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import registry
from stabkit.claims.haber2017 import (
    euler,
    learning,
    nine_stencils,
    propagation,
    refinement,
    transfer,
)
from stabkit.claims.haber2017 import windows as wide
from stabkit.stability.decide import decide
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED

CLAIMS = registry(["haber2017"])

# name -> (verdict, notion, weight)
LEDGER = {
    "stencil_basis_is_invertible": (PROVED, "identity", "minor"),
    "stencil_is_a_differential_operator": (REFUTED, "order", "core"),
    "stencil_is_a_differential_operator_corrected": (PROVED, "order", "core"),
    "limits_hold_for_piecewise_smooth_functions": (REFUTED, "bound", "minor"),
    "limits_hold_for_piecewise_smooth_functions_corrected": (PROVED, "bound", "minor"),
    "wide_windows_are_products_of_windows_of_three": (PROVED, "existence", "core"),
    "wide_windows_are_products_of_windows_of_three_in_2d": (REFUTED, "existence", "core"),
    "nine_stencils_are_consistent": (REFUTED, "order", "core"),
    "nine_stencils_are_consistent_corrected": (PROVED, "order", "core"),
    "nine_stencils_are_independent": (PROVED, "identity", "minor"),
    "coefficients_are_mesh_independent": (REFUTED, "identity", "minor"),
    "coefficients_are_mesh_independent_corrected": (PROVED, "identity", "minor"),
    "restriction_inverts_prolongation": (REFUTED, "identity", "core"),
    "prolongation_is_the_scaled_transpose": (PROVED, "identity", "minor"),
    "convolution_matrix_is_circulant": (REFUTED, "identity", "minor"),
    "convolution_matrix_is_circulant_corrected": (PROVED, "identity", "minor"),
    "galerkin_operator_is_a_convolution": (PROVED, "identity", "core"),
    "printed_coarse_stencil_is_galerkin": (PROVED, "identity", "minor"),
    "galerkin_and_rediscretisation_agree_to_second_order": (PROVED, "order", "minor"),
    "fine_stencil_is_unique": (PROVED, "existence", "core"),
    "fine_stencil_is_unique_for_width_seven": (REFUTED, "existence", "core"),
    "fine_stencil_is_unique_for_width_one": (REFUTED, "existence", "minor"),
    "network_is_stable_for_nonpositive_real_parts": (REFUTED, "uniform", "core"),
    "imaginary_eigenvalues_prevent_decay": (REFUTED, "bound", "core"),
    "imaginary_eigenvalues_prevent_decay_corrected": (PROVED, "bound", "core"),
    "euler_is_stable_without_positive_eigenvalues": (REFUTED, "uniform", "core"),
    "euler_is_stable_for_nonpositive_real_parts": (REFUTED, "uniform", "core"),
    "derivative_with_respect_to_the_features": (PROVED, "identity", "minor"),
    "derivative_with_respect_to_the_weights": (REFUTED, "identity", "minor"),
    "derivative_with_respect_to_the_weights_corrected": (PROVED, "identity", "minor"),
    "newton_needs_no_step_length": (REFUTED, "bound", "minor"),
    "newton_scales_naturally": (PROVED, "identity", "minor"),
    "fine_training_reduction": (PROVED, "identity", "minor"),
    "coarse_training_reduction": (REFUTED, "identity", "minor"),
    "prolonged_start_reduction": (REFUTED, "identity", "minor"),
    "coarse_work_adds_at_most_a_third": (PROVED, "bound", "minor"),
}

# Repaired readings, and statements beside them; all true.
OWN = [
    "wide_windows_are_products_of_windows_of_three_in_2d_corrected",
    "nine_printed_stencils_have_these_limits", "restriction_inverts_prolongation_corrected",
    "fine_stencil_is_unique_for_width_seven_corrected",
    "fine_stencil_is_unique_for_width_one_corrected",
    "network_is_stable_for_nonpositive_real_parts_corrected",
    "symmetric_negative_weights_are_stable", "negative_real_parts_do_not_suffice",
    "euler_is_stable_without_positive_eigenvalues_corrected",
    "euler_is_stable_for_nonpositive_real_parts_corrected",
    "newton_needs_no_step_length_corrected", "coarse_training_reduction_corrected",
    "prolonged_start_reduction_corrected",
]


def claim(name):
    return CLAIMS[f"haber2017.{name}"]


def test_every_statement_has_its_name():
    assert set(CLAIMS) == {f"haber2017.{name}" for name in (*LEDGER, *OWN)}


@pytest.mark.parametrize("name", LEDGER)
def test_expectation_notion_and_weight(name):
    entry = claim(name)
    assert (entry.expected, entry.notion, entry.weight) == LEDGER[name]


@pytest.mark.parametrize("name", OWN)
def test_what_the_paper_does_not_print_is_said_to_be_derived(name):
    check_derived(claim(name))


@pytest.mark.parametrize("name", [*LEDGER, *OWN])
def test_verdict_and_evidence(name):
    check_evidence(claim(name))


@pytest.mark.parametrize("name", ["euler_is_stable_without_positive_eigenvalues_corrected",
                                  "euler_is_stable_for_nonpositive_real_parts_corrected"])
def test_step_bounds_are_sharp(name):
    check_sharp(claim(name))


# -- planted faults --------------------------------------------------------------------------------
def status(name, **configuration):
    return decide(claim(name)(**configuration)).status


@pytest.mark.parametrize("name, configuration", [
    ("fine_training_reduction", dict(start="0.218", end="0.082", percent="63.4")),
    ("coarse_training_reduction_corrected", dict(start="0.212", end="0.081", percent="61.3")),
    ("fine_stencil_is_unique", dict(width=9, dimension=1)),
    ("fine_stencil_is_unique", dict(width=7, dimension=2)),
    ("restriction_inverts_prolongation", dict(n=12)),
    ("imaginary_eigenvalues_prevent_decay", dict(sigma="tanh", K=((1, -3), (2, -1)))),
    ("wide_windows_are_products_of_windows_of_three_in_2d", dict(stencil="1 + x^4 y")),
])
def test_other_configurations_are_refuted(name, configuration):
    assert status(name, **configuration) is REFUTED


def test_weights_outside_the_hypotheses():
    """Not dominated by its diagonal: differences grow in the maximum norm.  Not symmetric: what
    would suffice fails, and nothing follows."""
    K = ((-2, 3), (1, -2))
    assert status("network_is_stable_for_nonpositive_real_parts_corrected", K=K) is REFUTED
    assert decide(propagation._is_bounded(K)).status is UNDECIDED


@pytest.mark.parametrize("name, configuration", [
    ("restriction_inverts_prolongation", dict(n=2)),
    ("coarse_training_reduction", dict(start="0.212", end="0.081", percent="62.1")),
    ("imaginary_eigenvalues_prevent_decay", dict(sigma="id", K=((1, -2), (1, -1)))),
    ("imaginary_eigenvalues_prevent_decay", dict(sigma="tanh", K=((-1, 3), (-2, 1)))),
    ("imaginary_eigenvalues_prevent_decay", dict(sigma="tanh", K=((0, -2), (1, 0)))),
    ("derivative_with_respect_to_the_features", dict(sigma="x", shape="3x2", seed=5)),
    ("euler_is_stable_for_nonpositive_real_parts", dict(K=((-1, 1), (-1, 0)))),
    ("newton_needs_no_step_length", dict(start="1/2")),
    ("convolution_matrix_is_circulant", dict(image="1x4", stencil="right + 2 down")),
])
def test_other_configurations_are_proved(name, configuration):
    assert status(name, **configuration) is PROVED


@pytest.mark.parametrize("order, factor", [(0, 2), (1, -1), (2, -1)])
def test_a_wrong_window_is_noticed(monkeypatch, order, factor):
    monkeypatch.setattr(wide, "PRINTED", factor * wide.PRINTED)
    assert status("stencil_is_a_differential_operator_corrected", order=order,
                  windows="(2.4)") is REFUTED


@pytest.mark.parametrize("derivative", nine_stencils.ORDERS)
def test_a_wrong_stencil_is_noticed(monkeypatch, derivative):
    order, stencil = nine_stencils.CORRECTED[derivative]
    moved = stencil.copy()
    moved[0, 2] += Fraction(1, 100)
    monkeypatch.setitem(nine_stencils.CORRECTED, derivative, (order, moved))
    assert status("nine_stencils_are_consistent_corrected", derivative=derivative) is REFUTED


@pytest.mark.parametrize("derivative", ["∂x", "∂y", "∂x∂y", "∂x²∂y", "∂x∂y²", "∂x²∂y²"])
def test_every_misprinted_stencil_is_found(derivative):
    assert status("nine_stencils_are_consistent", derivative=derivative) is REFUTED


@pytest.mark.parametrize("derivative", ["id", "∂x²", "∂y²"])
def test_the_right_stencils_are_not_blamed(derivative):
    assert status("nine_stencils_are_consistent", derivative=derivative) is PROVED


@pytest.mark.parametrize("matrix", ["I({ns}) + 2 * delta * (D @ kron(I({s}), K))",
                                    "delta * (D @ kron(I({s}), K))"])
def test_a_wrong_derivative_is_noticed(matrix):
    assert decide(learning._jacobian("x**2", "2x3", matrix, "Y", 1)).status is REFUTED


@pytest.mark.parametrize("shift", ["0.05", "-0.05"])
def test_a_wrong_coarse_tap_is_excluded_by_the_hull(shift):
    coarse = fractions(transfer.COARSE)
    coarse[1, 1] += Fraction(shift)
    assert decide(transfer.galerkin_within_rounding(transfer.FINE, coarse)).status is REFUTED


def test_a_coarse_tap_that_is_not_met_is_not_a_proof():
    coarse = fractions(transfer.COARSE)
    coarse[1, 1] += Fraction("0.014")
    assert decide(transfer.galerkin_within_rounding(transfer.FINE, coarse)).status is UNDECIDED


def test_a_prolongation_with_wrong_weights_is_noticed(monkeypatch):
    monkeypatch.setattr(refinement, "HATS", [refinement.HATS[0],
                                             ("weighting(x)", "max(0, 1 - abs(x))")])
    assert status("fine_stencil_is_unique_for_width_one_corrected", tap="1") is REFUTED


@pytest.mark.slow
def test_a_lyapunov_function_must_fit():
    K = fractions([[1, -2], [1, -1]])
    Q = propagation._conserved_form(K)
    w, c = propagation._focus(K, Q)
    for wrong in (propagation._lyapunov(K, Q, w, c / 2), propagation._lyapunov(K, Q, 2 * w, c)):
        assert decide(wrong).status is UNDECIDED


@pytest.mark.parametrize("K, c", [(((1, -3), (2, -1)), Fraction(1, 20)),
                                  (((1, -2), (1, -1)), Fraction(1, 4)),
                                  (((-1, 2), (-1, 1)), Fraction(-1, 4)), (((0, 1), (-2, 0)), 0)])
def test_strength_of_the_focus(K, c):
    K = fractions(K)
    Q = propagation._conserved_form(K)
    assert propagation._focus(K, Q)[1] == c


def test_boundedness_by_trace_and_determinant_agrees_with_powers():
    for wanted in (euler._no_positive_eigenvalue, euler._nonpositive_and_diagonalisable):
        for K in euler._matrices(wanted):
            step = np.eye(2) + np.array(K, dtype=float) / 8
            bounded = np.abs(np.linalg.matrix_power(step, 4096)).max() < 100
            assert (decide(euler._boundedness_of_powers(K)).status is PROVED) == bounded


def test_enclosed_factors_need_close_factors():
    taps = fractions([1, 0, 0, 0, 1])
    found = wide.factorise(taps, 6)
    moved = type(found)(found.scale, found.windows + Fraction(1, 100), found.radius)
    assert decide(wide._enclosed_factors(taps, moved, 2)).status is UNDECIDED
