"""What is planted in the claims of alt2020."""

from fractions import Fraction

from planted import Planted

from stabkit import fluxes
from stabkit.claims.alt2020 import blocks, dictionary
from stabkit.claims.configurations import DICTIONARY, REFLECTING_FIRST
from stabkit.operators import DIRICHLET, difference
from stabkit.schemes import HaarShrinkage

BEYOND, AT = (Fraction(1001, 1000),), (Fraction(1),)


def rows(name, piece, *formulas):
    """The dictionary with other formulas Φ, g, Ψ′ and x − Φ in one place."""
    return {"dictionary.ROWS": dictionary.ROWS | {name: dictionary.ROWS[name] | {piece: formulas}}}


PLANTED = {
    # diffusion blocks
    "explicit_step_is_a_residual_block": Planted(
        put={"blocks.backward": lambda forward: forward.T}),
    "block_with_two_reflecting_differences_is_euclidean_stable": Planted(
        within=dict(outer=("transposed",))),
    "block_with_two_reflecting_differences_is_euclidean_stable_corrected": Planted(
        within=dict(ratio=BEYOND)),
    "lipschitz_constant_is_the_largest_diffusivity_corrected": Planted(
        put={"regularisation.AT_MOST": Fraction(1, 2)}),
    "sign_stability_with_periodic_boundary_corrected": Planted(
        within=dict(n=(4,), flux=(fluxes.identity(),), ratio=(Fraction(3),))),
    "huber_regulariser_is_strictly_convex_corrected": Planted(within=dict(
        flux=(fluxes.hard(),), r=(("1/2",),), s=((2,),))),
    "many_small_steps_converge_to_the_regularisation_corrected": Planted(
        put={"regularisation.FLOW": "1 / (1 + alpha * mu)"}),
    "mean_is_preserved": Planted(within=dict(K=(difference(1, 3, 1, DIRICHLET),))),
    "maximum_minimum_principle": Planted(within=dict(ratio=BEYOND)),
    "range_bound_is_necessary": Planted(within=dict(ratio=AT)),
    "range_stability_of_blocks": Planted(within=dict(flux=(fluxes.soft(),))),
    "range_stability_of_blocks_corrected": Planted(within=dict(ratio=BEYOND)),
    "sign_stability_of_blocks": Planted(within=dict(flux=(fluxes.soft(),))),
    "sign_stability_of_blocks_corrected": Planted(
        within=dict(n=(6,), ratio=(Fraction(2),))),
    "sign_stability_with_periodic_boundary": Planted(within=dict(K=REFLECTING_FIRST)),
    "sign_bound_is_sharp_for_every_length": Planted(within=dict(ratio=(Fraction(5),))),
    "sign_bound_is_sharp_for_every_length_corrected": Planted(within=dict(ratio=BEYOND)),
    "sign_stability_implies_range_stability": Planted(within=dict(M=blocks.MEANS)),
    "sign_stability_implies_range_stability_corrected": Planted(
        put={"blocks.SHIFTS_AND_MEAN": ("M == M.T",)}),
    "stability_follows_by_induction": Planted(
        put={"blocks.PARTS": {"range": Fraction(5, 3), "sign": 1}}),
    "euclidean_stable_blocks_may_overshoot": Planted(
        within=dict(K=REFLECTING_FIRST[:3], ratio=(Fraction(1, 4),))),
    "lipschitz_constant_is_the_largest_diffusivity": Planted(within=dict(flux=DICTIONARY[:3])),
    "blocks_approximate_diffusion": Planted(
        put={"regularisation.EULER_BOUND": "step/4 * Lam * (exp(Lam*T) - 1)"}),
    "euler_error_is_of_first_order": Planted(
        put={"regularisation.EULER_BOUND": "step/4 * Lam * (exp(Lam*T) - 1)"}),
    "implicit_substeps_converge_to_the_flow": Planted(
        put={"regularisation.IMPLICIT_BOUND": "(mu*alpha)**2 / (20*m)"}),
    # wavelet shrinkage
    "haar_shrinkage_is_a_diffusion_step": Planted(put={
        "wavelets.HaarShrinkage": lambda flux, n, boundary, tau, h: HaarShrinkage(
            flux, n, boundary, Fraction(tau) / 2, h)}),
    "shrinkage_bounds_match_the_step_size_bounds": Planted(within=dict(ratio=BEYOND)),
    "cycle_spinning_is_shift_invariant": Planted(put={"wavelets.TWO_SHIFTS": "H"}),
    # regularisation
    "euler_lagrange_equation_is_an_implicit_step": Planted(put={
        "stationarity.PENALISERS": {"r²": (lambda r: r**2, lambda r: 2 * r)}},
        within=dict(penaliser=("r²",))),
    "many_small_steps_converge_to_the_regularisation": Planted(
        put={"regularisation.SHORTENED": "exp(-alpha * mu)"}),
    "convex_regularisers_have_unique_minimisers": Planted(
        within=dict(flux=(fluxes.garrote(),))),
    "nonconvex_regularisers_may_have_several_minimisers": Planted(
        within=dict(flux=(fluxes.soft(),))),
    "second_class_energies_have_several_minimisers_at_one_quarter": Planted(
        within=dict(alpha=("2",))),
    "huber_regulariser_is_strictly_convex": Planted(within=dict(q=("2",), r=("1/2", "1"))),
    "flux_monotonicity_separates_the_classes": Planted(
        put={"regularisation.is_increasing": lambda flux: flux.name != "soft"}),
    "increasing_flux_reduces_contrast": Planted(
        within=dict(n=(4,), ratio=(Fraction(11, 10),))),
    "second_class_shrinkage_tends_to_the_identity": Planted(
        put={"regularisation.SECOND_CLASS": ("perona_malik", "garrote", "hard", "charbonnier")}),
    # the dictionary
    "dictionary_conversions_are_consistent": Planted(put={"dictionary.FOUR": 2}),
    "dictionary_satisfies_the_sign_condition": Planted(
        put={"dictionary.FALLS": {"tukey": "0 * x"}}, within=dict(flux=(fluxes.tukey(),))),
    "dictionary_row_constant": Planted(put=rows("constant", "all", "x", "1", "x**2", "0 * x")),
    "dictionary_row_charbonnier": Planted(
        put=rows("charbonnier", "all", "x / y", "1 / y", "2 * x / y", "x * (1 + 1 / y)")),
    "dictionary_row_truncated_tv": Planted(put=rows(
        "truncated_tv", "outside", "q * sign(x)", "q / abs(x)", "q * sign(x)", "x - q * sign(x)")),
    "dictionary_row_perona_malik": Planted(
        put=rows("perona_malik", "all", "x * y", "y", "2 * x * y", "x * (1 - y**2)")),
    "dictionary_row_garrote": Planted(
        put=rows("garrote", "outside", "q**2 / x", "q / abs(x)", "q**2 * (2 / x)", "x - q**2 / x")),
    "dictionary_row_hard": Planted(
        put=rows("hard", "outside", "0 * x", "0 * x", "0 * x", "x - q * sign(x)")),
}
