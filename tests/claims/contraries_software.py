"""What is planted in the claims about public software."""

from fractions import Fraction

from planted import Planted

from stabkit.claims.software.filters import CUBES
from stabkit.claims.software.terrain import NEGATIVE, STEEPEST, UNIFORM

BEYOND = (Fraction(1001, 1000),)
COPY, SHEAR = ((("0", "1", "0"),),), (("1", "1"), ("0", "1"))
COPY_2D = (((("0", "0", "0"), ("0", "1", "0"), ("0", "0", "0")),),)

PLANTED = {
    "medpy_gamma_up_to_a_quarter_keeps_the_range": Planted(within=dict(shape=CUBES[:2])),
    "medpy_gamma_up_to_a_quarter_keeps_the_range_corrected": Planted(within=dict(ratio=BEYOND)),
    "medpy_gamma_up_to_a_quarter_keeps_the_range_for_option_3": Planted(
        within=dict(gamma=(Fraction(3, 8),))),
    "medpy_option_3_allows_twice_the_step": Planted(within=dict(ratio=BEYOND)),
    "medpy_gamma_up_to_a_quarter_keeps_the_range_for_every_spacing": Planted(
        within=dict(spacing=(("1",), ("4",)))),
    "medpy_gamma_up_to_a_quarter_keeps_the_range_for_every_spacing_corrected": Planted(
        within=dict(ratio=BEYOND)),
    "itk_time_steps_that_give_no_warning_keep_the_range": Planted(
        within=dict(ratio=(Fraction(5, 2),))),
    "itk_time_steps_that_give_a_warning_are_unstable": Planted(within=dict(ratio=(Fraction(5),))),
    "itk_time_steps_that_give_a_warning_are_unstable_corrected": Planted(
        within=dict(ratio=(Fraction(1),))),
    "itk_range_bound": Planted(within=dict(ratio=BEYOND)),
    "itk_default_curvature_step_keeps_the_range": Planted(
        put={"filters.default_step": lambda N: Fraction(3, 5) / 2**N}),
    "itk_default_curvature_step_is_the_maximum": Planted(within=dict(N=(2,))),
    "itk_default_curvature_step_is_the_maximum_corrected": Planted(
        within=dict(ratio=(Fraction(1),))),
    "opencv_alpha_between_0_and_1_keeps_the_range": Planted(within=dict(alpha=("1/8",))),
    "opencv_alpha_between_0_and_1_keeps_the_range_corrected": Planted(within=dict(ratio=BEYOND)),
    "opencv_quarter_is_the_limit_of_the_explicit_scheme": Planted(within=dict(ratio=BEYOND)),
    "opencv_fed_cycle_does_not_increase_the_norm": Planted(within=dict(ratio=(Fraction(3, 2),))),
    "opencv_fed_reordering_is_a_permutation": Planted(within=dict(n=(2, 3, 7, 12))),
    "opencv_fed_reordering_is_a_permutation_corrected": Planted(within=dict(n=(1, 2))),
    "skimage_tv_step_meets_the_condition_of_chambolle": Planted(put={"images.TAU": "1 / (4 * d)"}),
    "skimage_tv_step_is_nonexpansive": Planted(within=dict(ratio=(Fraction(5, 2),))),
    "skimage_tv_step_is_within_twice_the_inverse_norm": Planted(put={"images.TAU": "3 / (4 * d)"}),
    "xarray_spatial_guard_keeps_the_range": Planted(within=dict(ratio=BEYOND)),
    "xarray_spatial_accepted_diffusivities_keep_the_range": Planted(within=dict(alpha=(UNIFORM,))),
    "xarray_spatial_accepted_diffusivities_keep_the_range_corrected": Planted(
        within=dict(alpha=(NEGATIVE,))),
    "xarray_spatial_guard_bounds_the_norm": Planted(within=dict(alpha=(UNIFORM,))),
    "landlab_dynamic_time_step_keeps_the_range": Planted(put={"terrain.SIGNED": STEEPEST}),
    "landlab_dynamic_time_step_keeps_the_range_corrected": Planted(
        within=dict(courant=("251/1000",))),
    "fipy_largest_stable_time_step": Planted(within=dict(ratio=BEYOND)),
    "fipy_largest_stable_time_step_keeps_the_range": Planted(within=dict(ratio=(Fraction(2, 3),))),
    "fipy_largest_stable_time_step_keeps_the_range_corrected": Planted(within=dict(ratio=BEYOND)),
    "pyamg_estimate_is_within_the_tolerance": Planted(within=dict(start=((0, 1),))),
    "pyamg_estimate_is_within_the_tolerance_corrected": Planted(
        put={"solvers.ERROR": "norm2(r) / norm2(v) / 2"}),
    "pyamg_estimate_is_an_upper_bound": Planted(within=dict(start=((0, 1),))),
    "pyamg_estimate_is_an_upper_bound_corrected": Planted(
        put={"solvers.ESTIMATED": "3 * dot(v, A @ v) / norm2(v)"}),
    "pyamg_jacobi_bears_an_estimate_from_below": Planted(within=dict(part=(Fraction(333, 500),))),
    "pyamg_chebyshev_bears_an_estimate_from_below": Planted(
        within=dict(reach=(Fraction(1135, 1000),))),
    "torch_spectral_norm_makes_convolutions_nonexpansive": Planted(within=dict(kernel=(COPY,))),
    "torch_spectral_norm_makes_convolutions_nonexpansive_corrected": Planted(
        within=dict(share=(Fraction(999, 1000),))),
    "torch_kernels_have_spectral_norm_one_after_reshaping": Planted(
        within=dict(kernel=(((("1", "1", "1"),),),))),
    "keras_spectral_normalization_makes_convolutions_nonexpansive": Planted(
        within=dict(kernel=(COPY,))),
    "torch_orthogonal_makes_convolutions_nonexpansive": Planted(within=dict(kernel=(COPY_2D,))),
    "keras_spectral_normalization_makes_convolutions_nonexpansive_corrected": Planted(
        within=dict(share=(Fraction(999, 1000),))),
    "torch_orthogonal_makes_convolutions_nonexpansive_corrected": Planted(
        within=dict(share=(Fraction(999, 1000),))),
    "xarray_spatial_guard_bounds_the_norm_corrected": Planted(put={"terrain.WEIGHTED": "alpha"}),
    "torch_orthogonal_linear_layers_are_nonexpansive": Planted(within=dict(Q=(SHEAR,))),
}
