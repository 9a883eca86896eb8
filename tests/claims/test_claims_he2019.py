"""The claims of he2019: all are there, come out as expected, and notice planted faults."""

from fractions import Fraction

import numpy as np
import pytest
import scipy
from claim_ledger import check_derived, check_evidence, check_sharp, decided

from stabkit import multigrid as mg
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import as_text
from stabkit.claims.claim import registry
from stabkit.claims.he2019 import (
    convergence,
    cycles,
    galerkin,
    grids,
    iterations,
    matrices,
    mgnet,
    networks,
    symmetry,
)
from stabkit.errors import Undecided
from stabkit.replay import check
from stabkit.stability.decide import decide
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence

CLAIMS = registry(["he2019"])

# name -> (verdict, notion, weight)
LEDGER = {
    "printed_formula_is_a_convolution": (REFUTED, "identity", "minor"),
    "printed_formula_is_a_convolution_corrected": (PROVED, "identity", "minor"),
    "reflected_padding": (REFUTED, "identity", "minor"),
    "strided_output_size": (REFUTED, "identity", "minor"),
    "strided_output_size_corrected": (PROVED, "identity", "minor"),
    "a_large_kernel_recovers_any_linear_map": (REFUTED, "existence", "core"),
    "a_large_kernel_recovers_any_linear_map_corrected": (PROVED, "existence", "core"),
    "feature_extractor_inverts_the_data_map": (REFUTED, "identity", "core"),
    "semi_iterative_residual": (PROVED, "identity", "core"),
    "semi_iteration_accelerates": (REFUTED, "bound", "core"),
    "chebyshev_residual_polynomial": (PROVED, "identity", "core"),
    "chebyshev_is_a_semi_iteration": (REFUTED, "identity", "minor"),
    "chebyshev_residual_recursion": (REFUTED, "identity", "minor"),
    "printed_grid_points_are_nested": (REFUTED, "identity", "minor"),
    "prolongation_evaluates_the_finite_element_function": (PROVED, "identity", "minor"),
    "restriction_is_a_strided_convolution": (PROVED, "identity", "core"),
    "zero_padded_restriction_fits_the_neumann_problem": (PROVED, "identity", "core"),
    "average_pooling_keeps_constants": (REFUTED, "identity", "minor"),
    "projection_inverts_prolongation": (PROVED, "identity", "minor"),
    "zero_padded_kernel_is_the_neumann_operator": (REFUTED, "identity", "core"),
    "neumann_problem_is_solvable_for_every_f": (REFUTED, "existence", "minor"),
    "neumann_problem_is_solvable_for_every_f_corrected": (PROVED, "existence", "minor"),
    "damped_jacobi_converges_for_omega_between_0_and_2": (REFUTED, "spectrum", "core"),
    "two_sweeps_are_a_convolution": (PROVED, "identity", "core"),
    "galerkin_stencil_is_three_by_three": (PROVED, "identity", "core"),
    "galerkin_operator_is_a_zero_padded_convolution": (REFUTED, "identity", "core"),
    "galerkin_reproduces_the_assembled_operator": (PROVED, "identity", "minor"),
    "printed_multigrid_converges": (REFUTED, "spectrum", "core"),
    "kernel_hierarchy_converges": (REFUTED, "spectrum", "core"),
    "smoother_condition": (PROVED, "energy", "core"),
    "cycle_energy_identity": (PROVED, "energy", "core"),
    "w_cycle_bound": (PROVED, "energy", "core"),
    "jacobi_smoothing_factor": (PROVED, "spectrum", "minor"),
    "one_dimensional_two_grid_factor": (PROVED, "spectrum", "core"),
    "mgnet_is_multigrid": (PROVED, "identity", "core"),
    "mgnet_is_multigrid_for_nonlinear_smoothers": (PROVED, "identity", "core"),
    "mgnet_is_multigrid_for_nonlinear_operators": (REFUTED, "identity", "core"),
    "v_mgnet_is_a_v_cycle": (PROVED, "identity", "core"),
    "parameter_saving": (PROVED, "identity", "minor"),
    "mgnet_is_iresnet": (PROVED, "identity", "core"),
    "every_iresnet_is_an_mg_iresnet": (PROVED, "identity", "core"),
    "resnet_is_sigma_resnet": (REFUTED, "identity", "core"),
    "resnet_is_sigma_resnet_corrected": (PROVED, "identity", "core"),
    "relu_identity": (REFUTED, "identity", "minor"),
    "printed_delta_hat_recovers_a_cnn": (REFUTED, "identity", "core"),
    "every_cnn_is_an_mg_resnet": (PROVED, "existence", "core"),
    "every_cnn_is_an_mgnet": (REFUTED, "existence", "core"),
    "mg_resnet_step_is_euclidean_stable": (PROVED, "euclidean", "core"),
    "mgnet_step_is_euclidean_stable": (REFUTED, "euclidean", "core"),
    "mgnet_layers_stay_bounded": (REFUTED, "uniform", "core"),
    "resnet_parameter_counts": (PROVED, "identity", "minor"),
    "epochs_are_whole_numbers_of_batches": (REFUTED, "identity", "minor"),
    "mgnet_parameter_counts": (REFUTED, "identity", "minor"),
    "mgnet_parameter_counts_corrected": (PROVED, "identity", "minor"),
}

# Repaired readings that the paper does not print; all true.
OWN = [
    "reflected_padding_corrected", "feature_extractor_inverts_the_data_map_corrected",
    "semi_iteration_accelerates_corrected", "chebyshev_is_a_semi_iteration_corrected",
    "chebyshev_residual_recursion_corrected", "printed_grid_points_are_nested_corrected",
    "zero_padded_kernel_is_the_neumann_operator_corrected",
    "damped_jacobi_converges_for_omega_between_0_and_2_corrected",
    "printed_multigrid_converges_corrected", "kernel_hierarchy_converges_corrected",
    "relu_identity_corrected", "printed_delta_hat_recovers_a_cnn_corrected",
    "every_cnn_is_an_mgnet_corrected", "mgnet_step_is_euclidean_stable_corrected",
    "mgnet_layers_stay_bounded_corrected", "average_pooling_keeps_constants_corrected",
    "galerkin_operator_is_a_zero_padded_convolution_corrected",
    "epochs_are_whole_numbers_of_batches_corrected",
]
SEARCHED = {"mgnet_step_is_euclidean_stable"}  # its witness is found, not given
SLOW = {"printed_multigrid_converges", "kernel_hierarchy_converges"}


def claim(name):
    return CLAIMS[f"he2019.{name}"]


def status(name, **configuration):
    return decide(claim(name)(**configuration)).status


def test_every_statement_has_its_name_in_order():
    assert {f"he2019.{name}" for name in (*LEDGER, *OWN)} == set(CLAIMS)
    listed = [name.partition(".")[2] for name in CLAIMS]
    assert [name for name in listed if name in LEDGER] == list(LEDGER)


@pytest.mark.parametrize("name", LEDGER)
def test_expectation_notion_and_weight(name):
    entry = claim(name)
    assert (entry.expected, entry.notion, entry.weight) == LEDGER[name]


@pytest.mark.parametrize("name", OWN)
def test_what_the_paper_does_not_print_is_said_to_be_derived(name):
    check_derived(claim(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
    for name in (*LEDGER, *OWN)])
def test_verdict_and_evidence(name):
    check_evidence(claim(name), name in SEARCHED)


@pytest.mark.parametrize("name", ["mg_resnet_step_is_euclidean_stable",
                                  "mgnet_step_is_euclidean_stable_corrected"])
def test_step_bounds_are_sharp(name):
    check_sharp(claim(name))


def test_weights_that_do_not_sum_to_one_leave_a_defect():
    assert decided(claim("semi_iterative_residual")).sharp


# -- other configurations --------------------------------------------------------------------------
@pytest.mark.parametrize("name, configuration", [
    ("printed_formula_is_a_convolution", dict(tap="below")),
    ("reflected_padding", dict(m=5, n=4, k=3)),
    ("strided_output_size", dict(m=32, s=2)),
    ("strided_output_size", dict(m=9, s=3)),
    ("a_large_kernel_recovers_any_linear_map", dict(n=3)),
    ("chebyshev_residual_recursion", dict(omega="8/7", B="1/2")),
    ("printed_grid_points_are_nested", dict(grid=(4, 2))),
    ("neumann_problem_is_solvable_for_every_f", dict(n=4, f="1 everywhere")),
    ("damped_jacobi_converges_for_omega_between_0_and_2", dict(omega="7/4", n=2)),
    ("damped_jacobi_converges_for_omega_between_0_and_2", dict(omega="9/8", n=5)),
    ("galerkin_operator_is_a_zero_padded_convolution", dict(n=3)),
    ("mgnet_is_multigrid_for_nonlinear_operators", dict(A1="2u", A2="u²", f="1")),
    ("printed_delta_hat_recovers_a_cnn", dict(chi="-1", f="2")),
    ("mgnet_layers_stay_bounded", dict(k=7, layers=64)),
    *(("mgnet_parameter_counts", dict(row=row)) for row in (2, 3, 4)),
])
def test_other_configurations_are_refuted(name, configuration):
    assert status(name, **configuration) is REFUTED


@pytest.mark.parametrize("name, configuration", [
    ("printed_formula_is_a_convolution", dict(tap="centre")),
    ("strided_output_size", dict(m=3, s=2)),
    ("a_large_kernel_recovers_any_linear_map", dict(n=1)),
    ("chebyshev_residual_recursion", dict(omega="1", B="1/2")),
    ("neumann_problem_is_solvable_for_every_f", dict(n=3, f="1 at two nodes, with both signs")),
    ("damped_jacobi_converges_for_omega_between_0_and_2", dict(omega="7/4", n=1)),
    ("damped_jacobi_converges_for_omega_between_0_and_2", dict(omega="5/4", n=2)),
    ("printed_multigrid_converges", dict(n=17, P="bilinear")),
    ("printed_multigrid_converges", dict(n=9, P="linear")),
    ("mgnet_is_multigrid_for_nonlinear_operators", dict(A1="2u", A2="2u", f="1")),
    ("resnet_is_sigma_resnet", dict(eta="0", xi="1", f="1")),
    ("printed_delta_hat_recovers_a_cnn", dict(chi="1", f="2")),
    ("relu_identity", dict(x="2")),
    ("mgnet_layers_stay_bounded", dict(k=1, layers=64)),
])
def test_other_configurations_are_proved(name, configuration):
    assert status(name, **configuration) is PROVED


@pytest.mark.slow
@pytest.mark.parametrize("name, configuration", [
    ("printed_multigrid_converges", dict(n=33, P="bilinear")),
    ("printed_multigrid_converges", dict(n=65, P="linear")),
    ("kernel_hierarchy_converges", dict(n=129, P="bilinear")),
])
def test_what_is_not_known_is_not_decided(name, configuration):
    with pytest.raises(Undecided):
        claim(name)(**configuration)


# -- planted faults --------------------------------------------------------------------------------
def test_a_transposed_prolongation_is_noticed(monkeypatch):
    monkeypatch.setattr(grids, "prolongation", lambda m, kind: np.flipud(
        matrices.prolongation(m, kind).reshape(2 * m - 1, -1)).reshape((2 * m - 1)**2, -1))
    assert status("prolongation_evaluates_the_finite_element_function", P="linear") is REFUTED
    assert status("restriction_is_a_strided_convolution", m=3, P="linear") is REFUTED


def test_the_other_diagonal_is_noticed(monkeypatch):
    flipped = grids.KERNELS["linear"].replace("kron(l, r) + kron(r, l)", "kron(l, l) + kron(r, r)")
    monkeypatch.setitem(grids.KERNELS, "linear", flipped)
    assert status("restriction_is_a_strided_convolution", m=2, P="linear") is REFUTED


def test_another_weighting_is_noticed(monkeypatch):
    monkeypatch.setattr(galerkin, "TAKEN", (Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)))
    for part in galerkin.STENCIL_PARTS[0::3]:
        assert status("galerkin_stencil_is_three_by_three", part=part) is REFUTED


def test_bilinear_prolongation_does_not_reproduce_the_assembled_operator(monkeypatch):
    monkeypatch.setattr(galerkin, "prolongation",
                        lambda m, kind: matrices.prolongation(m, "bilinear"))
    assert status("galerkin_reproduces_the_assembled_operator", m=3) is REFUTED


@pytest.mark.parametrize("k, wrong", [(2, "2*y**2 + 1"), (3, "4*y**3 - 2*y")])
def test_a_wrong_chebyshev_polynomial_is_noticed(monkeypatch, k, wrong):
    monkeypatch.setitem(iterations.T, k, wrong)
    assert status("chebyshev_residual_polynomial", k=k) is REFUTED


@pytest.mark.slow
def test_a_wrong_coarse_operator_is_noticed(monkeypatch):
    """The conditions for convergence only suffice: where one fails, nothing is decided."""
    right = convergence._widen
    monkeypatch.setattr(convergence, "_widen", lambda n, h: (
        right(n, h)[0], right(n, h)[1] + Fraction(1, 1000) * np.eye(n, dtype=int)))
    for P in convergence.KINDS:
        assert status("printed_multigrid_converges_corrected", P=P, level=2) is UNDECIDED


def test_the_w_cycle_bound_is_not_smaller():
    what = cycles._w_cycle("n = 7").parts[1]
    closer = [text.replace("bound*A7", "A7/9*(1 - 1/1000)") for text in what.shows]
    assert decide(Calculation(what.given, what.let, closer, necessary=True)).status is REFUTED


def test_a_post_smoother_that_is_not_adjoint_is_noticed():
    what = cycles._whole_cycle((3, 1, "Gauss-Seidel"))
    let = [(name, line.replace("Z3 @", "S3 @")) for name, line in what.let]
    assert decide(Calculation(what.given, let, what.shows, necessary=True)).status is REFUTED


def test_two_grid_factor_needs_its_damping():
    what = cycles._factor(7)
    let = [(name, line.replace("2/3 /", "4/5 /")) for name, line in what.let]
    assert decide(Calculation(what.given, let, what.shows, necessary=True)).status is REFUTED


def listed(name, levels, seed):
    """The configuration of a claim with these levels and this seed."""
    return next(configuration for configuration in claim(name).configurations(0)
                if (configuration["levels"], configuration["seed"]) == (levels, seed))


def test_a_level_operator_that_is_not_linear_breaks_the_theorem(monkeypatch):
    linear = mgnet._linear

    def bent(log, name, matrix):
        straight = linear(log, name, matrix)
        return lambda u: straight(u) * straight(u)

    monkeypatch.setattr(mgnet, "_linear", bent)
    assert status("mgnet_is_multigrid", **listed("mgnet_is_multigrid", 2, 1)) is REFUTED


def test_a_first_operator_that_is_not_zero_at_zero_breaks_the_theorem(monkeypatch):
    monkeypatch.setattr(mgnet, "_size_of_image", mgnet._nonlinear)
    name = "mgnet_is_multigrid_for_nonlinear_smoothers"
    assert status(name, **listed(name, 2, 1)) is REFUTED


def test_recovering_a_cnn_needs_the_right_sign():
    what = networks._recovery("-", [[0]], [1])
    assert decide(what).status is REFUTED


def test_smoothers_are_what_they_are_called():
    A = fractions([[2, -1], [-1, 2]])
    rng = np.random.default_rng(0)
    assert (cycles._smoother(A, "Gauss-Seidel", rng) == [[2, 0], [-1, 2]]).all()


# -- the cone of growing signals -------------------------------------------------------------------
def error_operator(n, coarse_operator):
    problem = mg.StencilProblem((n, n), mg.LAPLACE_5_POINT, mg.ZERO_PADDED)
    levels = int(np.log2(n - 1))
    hierarchy = mg.geometric(problem, coarse_operator=coarse_operator, levels=levels)
    smoother = mg.Richardson(Fraction(1, 5))
    cycle = mg.Cycle(smoother, pre=2, post=0, coarsest=mg.Smoothed(smoother, 2))
    return np.asarray(mg.Multigrid(hierarchy, cycle).error_operator())


def dense(matrix):
    return matrix.toarray() if scipy.sparse.issparse(matrix) else matrix


@pytest.mark.parametrize("n", [9, 17])
@pytest.mark.parametrize("parity", [symmetry.ODD, symmetry.EVEN])
@pytest.mark.parametrize("is_galerkin", [True, False])
def test_symmetric_signals_are_kept_and_halved_correctly(n, parity, is_galerkin):
    levels = symmetry.halves(n, parity, is_galerkin)
    W, K, F, C = map(dense, symmetry._operators(levels, 1))
    A = dense(symmetry._grid(levels[0]))
    step = F - C @ (np.eye(len(W)) - K) @ np.linalg.solve(W, C.T @ A @ F)
    unfold = symmetry._unfold(n, parity)
    unfold = np.kron(unfold, unfold)
    E = error_operator(n, mg.galerkin if is_galerkin else mg.rediscretised)
    assert np.allclose(E @ unfold, unfold @ step, atol=1e-12)


@pytest.mark.slow
def test_growth_agrees_with_the_spectral_radius():
    levels = symmetry.halves(33, symmetry.EVEN, galerkin=False)
    W, K, F, C = map(dense, symmetry._operators(levels, 1))
    A = dense(symmetry._grid(levels[0]))
    step = F - C @ (np.eye(len(W)) - K) @ np.linalg.solve(W, C.T @ A @ F)
    values = np.linalg.eigvals(step)
    top = values[np.argmax(abs(values))]
    assert top.real == pytest.approx(-1.860, abs=1e-3)
    assert symmetry.find_cone(levels, galerkin=False).side == -1


@pytest.mark.parametrize("n, is_galerkin", [(9, True), (33, True), (9, False), (17, False)])
def test_no_cone_is_found_where_the_cycle_converges(n, is_galerkin):
    for parity in (symmetry.ODD, symmetry.EVEN):
        assert symmetry.find_cone(symmetry.halves(n, parity, is_galerkin), is_galerkin) is None


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["t too large", "sign"])
def test_a_cone_that_does_not_fit_is_not_accepted(fault):
    right = claim("kernel_hierarchy_converges")(n=33, P="bilinear").what
    given, let = dict(right.given), [list(line) for line in right.let]
    if fault == "t too large":
        given["t"] = 4 * given["t"]
    else:
        let = [[name, line.removeprefix("-") if name == "a" else line] for name, line in let]
    # The semidefiniteness is left out: it costs most, and the rest must fail by itself.
    data = {"given": {name: as_text(value) for name, value in given.items()},
            "let": [line for line in let if line[0] != "N"],
            "shows": [text for text in right.shows if not text.startswith("all")], "by": ""}
    reason = check(Evidence("certificate", "ball", data).to_json({}))
    assert "does not hold that" in reason
