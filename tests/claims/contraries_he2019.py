"""What is planted in the claims of he2019."""

from fractions import Fraction

import numpy as np
from planted import Planted

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.claims.he2019 import grids, matrices, mgnet, networks


def mirrored(m, kind):
    """The prolongation of the mirrored grid: the cells are cut along the other diagonal."""
    rows = matrices.prolongation(m, kind).reshape(2 * m - 1, 2 * m - 1, m, m)
    return rows[::-1, :, ::-1].reshape((2 * m - 1)**2, m * m)


def halved(m, kind):
    return matrices.prolongation(m, kind) / 2


def bent(log, name, matrix):
    """A map that is not linear where a linear one is asked for."""
    straight = linear(log, name, matrix)
    return lambda u: straight(u) * straight(u)


def biased(log, name, matrix):
    """A linear map with a bias."""
    straight = linear_map(log, name, matrix)
    return lambda u: straight(u) + 1


linear, linear_map, pooled = mgnet._linear, networks._map, grids._pool_constant
ABS = ("relu(x)", "abs(x)")
IDENTITY = ("relu(x)", "x")
BEYOND = (Fraction(1001, 1000),)

PLANTED = {
    # convolution, data and features
    "printed_formula_is_a_convolution": Planted(within=dict(tap=("centre",))),
    "printed_formula_is_a_convolution_corrected": Planted(
        put={"convolutions.PRINTED": "K[0, 0] * g[1:4, 0:3]"}),
    "reflected_padding": Planted(put={"convolutions.PRINTED_ROW": "m - abs(m - 1 - abs(x - 1))"}),
    "reflected_padding_corrected": Planted(put={"convolutions.REFLECTION": "abs(x - 1)"}),
    "strided_output_size": Planted(put={"convolutions.GREATER": "floor((m - 1)/s) + 1"}),
    "strided_output_size_corrected": Planted(put={"convolutions.AT_LEAST": "floor(m/s) + 1"}),
    "a_large_kernel_recovers_any_linear_map": Planted(within=dict(n=(1,))),
    "a_large_kernel_recovers_any_linear_map_corrected": Planted(
        put={"convolutions.tap_matrices": lambda padding, n, width: matrices.tap_matrices(
            "periodic", n, width)}),
    "feature_extractor_inverts_the_data_map": Planted(put={"convolutions.RELU": IDENTITY}),
    "feature_extractor_inverts_the_data_map_corrected": Planted(put={"convolutions.RELU": ABS}),
    # iterative schemes
    "semi_iterative_residual": Planted(within=dict(alphas=(("1/3", "1/3"),))),
    "semi_iteration_accelerates": Planted(put={"iterations.LOWEST": -1}),
    "semi_iteration_accelerates_corrected": Planted(
        put={"iterations.TWO_STEPS": [("top", "[0, 0, l, -l]"), ("bottom", "[4 - l**2, -4*l]")]}),
    "chebyshev_residual_polynomial": Planted(put={"iterations.CHEBYSHEV": [
        ("w1", "ones(112)"), ("w2", "2/(2 + q**2)")]}),
    "chebyshev_is_a_semi_iteration": Planted(put={"iterations.OMEGA2": "2/(2 + rho**2)"}),
    "chebyshev_is_a_semi_iteration_corrected": Planted(
        put={"iterations.semi_weights": lambda w: (w - 1, w)}),
    "chebyshev_residual_recursion": Planted(
        put={"iterations.PRINTED_RECURSION": "w*(r1 - A*B*r1) + (1 - w)*r0"}),
    "chebyshev_residual_recursion_corrected": Planted(
        put={"iterations.recursion": lambda w, before, now, corrected: w * now
             + (1 - w) * before - corrected}),
    # grids and transfer
    "printed_grid_points_are_nested": Planted(put={"grids.PRINTED_FIRST": 0}),
    "printed_grid_points_are_nested_corrected": Planted(put={"grids.FIRST": 1}),
    "prolongation_evaluates_the_finite_element_function": Planted(
        put={"grids.prolongation": mirrored}),
    "restriction_is_a_strided_convolution": Planted(put={"grids.prolongation": mirrored}),
    "zero_padded_restriction_fits_the_neumann_problem": Planted(put={"grids.prolongation": halved}),
    "average_pooling_keeps_constants": Planted(
        put={"grids.average": lambda m: np.kron(np.eye(m, dtype=int), [[3, 0]])[:, :-1]}),
    "average_pooling_keeps_constants_corrected": Planted(put={
        "grids._pool_constant": lambda m, pooling: pooled(m, "kron(a, a)/4")}),
    "projection_inverts_prolongation": Planted(put={
        "grids.PROJECTIONS": {"L² projection": "inverse(C) @ P.T"}},
        within=dict(Pi=("L² projection",))),
    "zero_padded_kernel_is_the_neumann_operator": Planted(
        put={"grids.assemble": lambda n: matrices.inner_part(matrices.assemble(n + 2), n)}),
    "zero_padded_kernel_is_the_neumann_operator_corrected": Planted(
        put={"grids.cell_shares": lambda n: fractions([1] * n)}),
    # multigrid
    "neumann_problem_is_solvable_for_every_f": Planted(
        within=dict(f=("1 at two nodes, with both signs",))),
    "neumann_problem_is_solvable_for_every_f_corrected": Planted(
        put={"smoothing.neumann": matrices.laplace}),
    "damped_jacobi_converges_for_omega_between_0_and_2": Planted(
        within=dict(omega=("1/2", "1"))),
    "damped_jacobi_converges_for_omega_between_0_and_2_corrected": Planted(
        put={"smoothing.TOO_LARGE": "2/(1 + cos(pi/n))"}, within=dict(n=(3,))),
    "two_sweeps_are_a_convolution": Planted(
        put={"smoothing.TWICE": ("{w}*(2 + {w})/4", "{w}**2/16")}),
    "galerkin_stencil_is_three_by_three": Planted(
        put={"galerkin.TAKEN": (Fraction(1, 4), Fraction(1, 2), Fraction(1, 4))}),
    "galerkin_operator_is_a_zero_padded_convolution": Planted(
        put={"galerkin.laplace": lambda n: 0 * matrices.laplace(n)}),
    "galerkin_operator_is_a_zero_padded_convolution_corrected": Planted(put={
        "galerkin.inner_between": lambda m: 0 * matrices.inner_between(m)}),
    "galerkin_reproduces_the_assembled_operator": Planted(put={
        "galerkin.prolongation": lambda m, kind: matrices.prolongation(m, "bilinear")}),
    "printed_multigrid_converges": Planted(within=dict(n=(5, 9))),
    "printed_multigrid_converges_corrected": Planted(put={"convergence.OMEGA": "2"}),
    "kernel_hierarchy_converges": Planted(within=dict(n=(5,))),
    "kernel_hierarchy_converges_corrected": Planted(put={"convergence.OMEGA": "6/5"}),
    "smoother_condition": Planted(put={"cycles._smoother": lambda A, kind, rng: A / 3}),
    "cycle_energy_identity": Planted(put={"cycles.ADJOINT": ""},
                                     within=dict(case=((3, 1, "Gauss-Seidel"),))),
    "w_cycle_bound": Planted(put={"cycles.W_BOUND": "s"}),
    "jacobi_smoothing_factor": Planted(put={"cycles.BEST": "2/3"}),
    "one_dimensional_two_grid_factor": Planted(
        put={"cycles.damping": lambda dimension: Fraction(4, 5)}),
    # MgNet
    "mgnet_is_multigrid": Planted(put={"mgnet._linear": bent}),
    "mgnet_is_multigrid_for_nonlinear_smoothers": Planted(
        put={"mgnet._size_of_image": mgnet._nonlinear}),
    "mgnet_is_multigrid_for_nonlinear_operators": Planted(within=dict(A2=("2u",))),
    "v_mgnet_is_a_v_cycle": Planted(put={"mgnet._linear": bent}),
    "parameter_saving": Planted(put={"mgnet.COUNTS": "[nu*k, (1 + nu)*k, 2*k]"}),
    # ResNet, iResNet and classic networks
    "mgnet_is_iresnet": Planted(put={"networks._map": biased}),
    "every_iresnet_is_an_mg_iresnet": Planted(
        put={"networks.block": lambda eta, i, count: np.vstack([eta] * count)}),
    "resnet_is_sigma_resnet": Planted(within=dict(eta=("0",))),
    "resnet_is_sigma_resnet_corrected": Planted(
        put={"networks.data": lambda xi, eta, f: f + xi(np.maximum(eta(f), 0))}),
    "relu_identity": Planted(within=dict(x=("0", "1", "2"))),
    "relu_identity_corrected": Planted(put={"networks.RELU": ABS}),
    "printed_delta_hat_recovers_a_cnn": Planted(within=dict(chi=("1", "2"), f=("0", "1", "2"))),
    "printed_delta_hat_recovers_a_cnn_corrected": Planted(put={"networks.RELU": ABS}),
    "every_cnn_is_an_mg_resnet": Planted(put={"networks.RELU": ABS}),
    "every_cnn_is_an_mgnet": Planted(put={"networks.RELU": IDENTITY}),
    "every_cnn_is_an_mgnet_corrected": Planted(
        put={"networks.activate": lambda f: -abs(f) - 1}),
    "mg_resnet_step_is_euclidean_stable": Planted(within=dict(ratio=BEYOND)),
    "mgnet_step_is_euclidean_stable": Planted(put={"stability.SIGMA": fluxes.identity()}),
    "mgnet_step_is_euclidean_stable_corrected": Planted(within=dict(ratio=BEYOND)),
    "mgnet_layers_stay_bounded": Planted(put={"stability.C": 9}),
    "mgnet_layers_stay_bounded_corrected": Planted(
        put={"stability.bound_of_layers": lambda layers: Fraction(layers + 1, 2)}),
    # parameter counts
    "resnet_parameter_counts": Planted(put={"counts._resnet": lambda blocks: "0 * classes"}),
    "epochs_are_whole_numbers_of_batches": Planted(put={"counts.BATCH": 125}),
    "epochs_are_whole_numbers_of_batches_corrected": Planted(put={"counts.BATCH": 127}),
    "mgnet_parameter_counts": Planted(put={"counts.DESCRIBED": (9, 3, 3)}),
    "mgnet_parameter_counts_corrected": Planted(put={"counts.MATCHING": (8, 3, 3)}),
}
