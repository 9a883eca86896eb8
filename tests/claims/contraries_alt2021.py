"""What is planted in the claims of alt2021."""

from fractions import Fraction

from planted import Planted

from stabkit import fluxes
from stabkit.claims.alt2021 import blocks, short_cycles, theorem2
from stabkit.claims.configurations import NEGATIVE
from stabkit.operators import NATURAL, difference
from stabkit.schemes import FSI, Explicit, ResidualBlock
from stabkit.stability.certificates import cycle_polynomial

BEYOND, AT, HALF = (Fraction(1001, 1000),), (Fraction(1),), (Fraction(1, 2),)
EXACT = {"Jacobi": "inverse(A)"}  # a smoother that solves
K2, K4 = difference(1, 2), difference(1, 4)
step, gradient_is = theorem2._step, blocks._gradient_is


def longer(K, flux, ratio):
    """A step that is twice as long."""
    return step(K, flux, 2 * ratio)


PLANTED = {
    # diffusion blocks and Theorem 2
    "gradient_flow_of_the_energy": Planted(
        put={"blocks._gradient_is": lambda factor, *rest: gradient_is(2, *rest)}),
    "gradient_flow_of_the_energy_corrected": Planted(
        put={"blocks._gradient_is": lambda factor, *rest: gradient_is(1, *rest)}),
    "explicit_step_is_a_residual_block": Planted(put={
        "blocks.ResidualBlock": lambda K, W, flux: ResidualBlock(K, -W, flux)}),
    "euclidean_stability": Planted(within=dict(ratio=BEYOND)),
    "euclidean_stability_without_sign_condition": Planted(within=dict(flux=(fluxes.identity(),))),
    "euclidean_bound_is_sharp": Planted(within=dict(ratio=AT)),
    "proof_eigenvalue_interval": Planted(within=dict(tau=("1", "2"))),
    "proof_largest_eigenvalue_of_g_corrected": Planted(within=dict(flux=(NEGATIVE,))),
    "proof_eigenvalue_interval_corrected": Planted(within=dict(flux=(NEGATIVE,))),
    "proof_largest_eigenvalue_of_g": Planted(within=dict(s=("0",))),
    "proof_diffusivity_is_bounded_by_the_lipschitz_constant": Planted(
        within=dict(flux=(NEGATIVE,))),
    "proof_unit_spectrum_gives_euclidean_stability": Planted(
        within=dict(M=theorem2.TRIANGULAR[:9])),
    "proof_unit_spectrum_gives_euclidean_stability_corrected": Planted(
        within=dict(M=(theorem2.TRIANGULAR[-1],))),
    "sensitivity_is_bounded_for_every_depth_corrected": Planted(put={"theorem2._step": longer},
                                                                decided=False),
    "transposed_structure_can_be_dropped_corrected": Planted(within=dict(ratio=BEYOND)),
    "well_posedness": Planted(put={"theorem2.lipschitz": lambda flux: flux.facts.lipschitz / 2}),
    "differences_do_not_grow": Planted(within=dict(flux=(fluxes.soft(),))),
    "differences_do_not_grow_corrected": Planted(within=dict(ratio=BEYOND)),
    "any_number_of_blocks": Planted(put={"theorem2._step": longer}),
    "sensitivity_is_bounded_for_every_depth": Planted(within=dict(blocks=(1, 16)), decided=False),
    "transposed_structure_can_be_dropped": Planted(within=dict(outer=("−W₁ᵀ",))),
    "energy_decay": Planted(within=dict(ratio=BEYOND)),
    "nonmonotone_flux_may_enhance_contrast": Planted(within=dict(flux=(fluxes.soft(),))),
    "fourth_order_diffusion_keeps_the_range": Planted(within=dict(order=(1,))),
    "fourth_order_diffusion_keeps_the_range_corrected": Planted(put={"averages.OVERSHOOT": 1}),
    "convex_functionals_do_not_grow": Planted(within=dict(ratio=BEYOND)),
    "total_variation_does_not_grow": Planted(within=dict(n=(5,), ratio=BEYOND)),
    "extrema_do_not_grow_at_the_range_bound": Planted(within=dict(n=(2,)), decided=False),
    "extrema_do_not_grow_at_the_sign_bound": Planted(within=dict(n=(4,), ratio=(Fraction(2),))),
    "signal_tends_to_its_mean": Planted(
        within=dict(n=(2,), flux=(fluxes.identity(),), ratio=(Fraction(2),))),
    "signal_tends_to_its_mean_when_g_may_vanish": Planted(
        within=dict(flux=(fluxes.rational(),))),
    # FSI schemes
    "fsi_formula": Planted(put={"fsi.FSI": lambda *rest, printed: FSI(*rest)}),
    "fsi_formula_corrected": Planted(
        put={"fsi.FSI": lambda *rest: FSI(*rest, printed=True)}),
    "fsi_cycle_polynomial": Planted(
        put={"fsi.cycle_polynomial": lambda log, n: f"({cycle_polynomial(log, n)}) * 2"}),
    "fsi_super_time_step": Planted(
        put={"fsi.cycle_polynomial": lambda log, n: cycle_polynomial(log, n + 1)}),
    "fsi_cycle_is_euclidean_stable_linear": Planted(
        within=dict(K=(K2,), length=(128,), ratio=BEYOND)),
    "fsi_cycle_is_euclidean_stable_frozen": Planted(
        within=dict(K=(K2, K4), length=(5,), ratio=(Fraction(2),))),
    "fsi_cycle_keeps_the_range_linear": Planted(
        within=dict(n=(6,), length=(3,), ratio=(Fraction(3, 2),))),
    "fsi_cycle_is_sign_stable_linear": Planted(within=dict(length=(1,))),
    "fsi_cycle_is_euclidean_stable_nonlinear": Planted(within=dict(length=(1,)), put={
        "fsi.FSI": lambda K, flux, tau, length: Explicit(K, flux, Fraction(2, 3) * tau)}),
    "fsi_cycle_keeps_the_range_frozen": Planted(within=dict(flux=(fluxes.identity(),))),
    "fsi_cycle_keeps_the_range_nonlinear": Planted(within=dict(length=(1,)), put={
        "fsi.FSI": lambda K, flux, tau, length: Explicit(K, flux, Fraction(2, 3) * tau)}),
    "fsi_cycle_is_sign_stable_linear_corrected": Planted(
        put={"fsi._slow_step": lambda length: Fraction(1, 4)}),
    "fsi_cycle_is_euclidean_stable_nonlinear_short": Planted(
        put={"short_cycles.CYCLE_STEP": Fraction(3)}),
    "fsi_cycle_is_euclidean_stable_nonlinear_short_without_symmetry": Planted(
        within=dict(flux=(fluxes.identity(),))),
    "fsi_cycle_is_euclidean_stable_nonlinear_two_steps": Planted(within=dict(length=(3,))),
    "fsi_cycle_decreases_the_energy": Planted(within=dict(length=(1,)), put={
        "short_cycles.FSI": lambda K, flux, tau, length: Explicit(K, flux, Fraction(2, 3) * tau)}),
    "fsi_cycle_decreases_the_energy_corrected": Planted(
        within=dict(K=(short_cycles.ONE_SAMPLE,), flux=(fluxes.identity(),), ratio=BEYOND)),
    "fsi_cycle_keeps_the_range_nonlinear_corrected": Planted(put={"fsi.SHORTEST": 3}),
    "fsi_cycle_keeps_the_range_frozen_corrected": Planted(put={"fsi.SHORTEST": 3}),
    "euclidean_stability_without_sign_condition_corrected": Planted(
        put={"theorem2.largest_growth": lambda *parts: 1}),
    "fsi_weights_extrapolate": Planted(put={"short_cycles.FROM_ZERO": 1}),
    "fsi_weights_extrapolate_corrected": Planted(put={"short_cycles.FROM_ONE": 0}),
    "truncated_fixed_point_of_three_steps": Planted(within=dict(step=(Fraction(7, 5),))),
    "truncated_fixed_point_of_three_steps_further": Planted(
        within=dict(K=(short_cycles.ONE_SAMPLE,), flux=(fluxes.identity(),),
                    step=(Fraction(5, 4),))),
    "truncated_fixed_point_is_euclidean_stable_at_the_explicit_bound_corrected": Planted(
        within=dict(ratio=BEYOND)),
    "truncated_fixed_point_keeps_the_range_corrected": Planted(
        within=dict(n=(12,), ratio=BEYOND)),
    # implicit scheme and fixed point iteration
    "implicit_scheme_is_euclidean_stable": Planted(within=dict(K=(K2,), flux=(NEGATIVE,),
                                                               tau=("1/10",))),
    "implicit_scheme_keeps_the_range": Planted(within=dict(n=(2,), flux=(NEGATIVE,),
                                                           tau=("1/10",))),
    "implicit_scheme_is_sign_stable": Planted(within=dict(n=(2,), flux=(NEGATIVE,),
                                                          tau=("1/10",))),
    "implicit_solution_is_unique": Planted(within=dict(tau=("1", "2"))),
    "implicit_solution_is_unique_corrected": Planted(
        within=dict(K=(K2,), flux=(fluxes.rational(),), ratio=(Fraction(5, 4),))),
    "fixed_point_iteration_contracts": Planted(within=dict(ratio=(Fraction(11, 10),))),
    "truncated_fixed_point_is_euclidean_stable_at_the_explicit_bound": Planted(
        within=dict(ratio=HALF)),
    "truncated_fixed_point_is_euclidean_stable_under_contraction": Planted(
        within=dict(flux=(fluxes.identity(),), iterations=(2,), ratio=BEYOND)),
    "truncated_fixed_point_keeps_the_range": Planted(within=dict(iterations=(1,))),
    # operators and boundaries
    "norm_of_higher_differences": Planted(put={"operators.LARGEST": Fraction(3)}),
    "norm_of_mirrored_forward_differences": Planted(within=dict(order=(1,))),
    "norm_is_at_most_the_symbol_maximum": Planted(within=dict(kernel=("1", "1 2 1"))),
    "reflecting_boundary_is_unambiguous": Planted(put={"operators.REFLECTING": NATURAL}),
    "norm_of_mirrored_forward_differences_corrected": Planted(put={"operators.TWICE": 1}),
    "norm_is_at_most_the_symbol_maximum_corrected": Planted(put={"operators.TWICE": 1}),
    # multigrid and U-nets
    "unet_repetition_solves_the_system_corrected": Planted(
        put={"multigrid.SMOOTHERS": {"Gauss-Seidel": "I({n}) / 3 * 5"}}),
    "w_cycle_is_two_v_cycles_corrected": Planted(put={"multigrid.TWICE": "F"}),
    "one_dimensional_v_cycle_contracts_for_every_depth": Planted(
        put={"multigrid.CONTRACTION": "1/(3 + 3*nu)"}),
    "unet_is_a_two_level_v_cycle": Planted(
        put={"multigrid.restrict_channels": lambda R, channels: R @ channels[1]}),
    "deeper_unet_is_a_v_cycle": Planted(
        put={"multigrid.restrict_channels": lambda R, channels: R @ channels[0]}),
    "unet_coarse_solver_works_on_the_residual_equation": Planted(
        put={"multigrid.RESTRICTED": "b"}),
    "unet_repetition_solves_the_system": Planted(
        put={"multigrid.SMOOTHERS": EXACT}, within=dict(smoother=("Jacobi",))),
    "w_cycle_is_two_v_cycles": Planted(
        put={"multigrid.SMOOTHERS": EXACT}, within=dict(smoother=("Jacobi",))),
}
