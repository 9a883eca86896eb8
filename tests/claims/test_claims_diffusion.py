"""The claims of alt2020 and alt2021: every name is there, every verdict as expected."""

from fractions import Fraction

import pytest

from stabkit import registry
from stabkit.claims.settle import settle
from stabkit.replay import replay
from stabkit.report.verdict_file import document

ALT2020 = """
explicit_step_is_a_residual_block block_with_two_reflecting_differences_is_euclidean_stable
mean_is_preserved maximum_minimum_principle range_bound_is_necessary range_stability_of_blocks
range_stability_of_blocks_corrected sign_stability_of_blocks sign_stability_of_blocks_corrected
sign_stability_with_periodic_boundary sign_bound_is_sharp_for_every_length
sign_stability_implies_range_stability sign_stability_implies_range_stability_corrected
stability_follows_by_induction euclidean_stable_blocks_may_overshoot
lipschitz_constant_is_the_largest_diffusivity blocks_approximate_diffusion
haar_shrinkage_is_a_diffusion_step shrinkage_bounds_match_the_step_size_bounds
cycle_spinning_is_shift_invariant euler_lagrange_equation_is_an_implicit_step
many_small_steps_converge_to_the_regularisation convex_regularisers_have_unique_minimisers
nonconvex_regularisers_may_have_several_minimisers
second_class_energies_have_several_minimisers_at_one_quarter huber_regulariser_is_strictly_convex
flux_monotonicity_separates_the_classes increasing_flux_reduces_contrast
second_class_shrinkage_tends_to_the_identity dictionary_conversions_are_consistent
dictionary_satisfies_the_sign_condition dictionary_row_constant dictionary_row_charbonnier
dictionary_row_truncated_tv dictionary_row_perona_malik dictionary_row_garrote dictionary_row_hard
""".split()  # noqa: SIM905
ALT2021 = """
gradient_flow_of_the_energy gradient_flow_of_the_energy_corrected explicit_step_is_a_residual_block
euclidean_stability euclidean_stability_without_sign_condition euclidean_bound_is_sharp
proof_eigenvalue_interval proof_largest_eigenvalue_of_g
proof_diffusivity_is_bounded_by_the_lipschitz_constant
proof_unit_spectrum_gives_euclidean_stability well_posedness differences_do_not_grow
any_number_of_blocks sensitivity_is_bounded_for_every_depth transposed_structure_can_be_dropped
energy_decay nonmonotone_flux_may_enhance_contrast fourth_order_diffusion_keeps_the_range
fsi_formula fsi_formula_corrected fsi_cycle_polynomial fsi_super_time_step
fsi_cycle_is_euclidean_stable_linear fsi_cycle_is_euclidean_stable_frozen
fsi_cycle_is_euclidean_stable_nonlinear fsi_cycle_keeps_the_range_linear
fsi_cycle_keeps_the_range_frozen fsi_cycle_keeps_the_range_nonlinear fsi_cycle_is_sign_stable_linear
fsi_cycle_is_sign_stable_linear_corrected implicit_scheme_is_euclidean_stable
implicit_scheme_keeps_the_range implicit_scheme_is_sign_stable implicit_solution_is_unique
implicit_solution_is_unique_corrected fixed_point_iteration_contracts
truncated_fixed_point_is_euclidean_stable_at_the_explicit_bound
truncated_fixed_point_is_euclidean_stable_under_contraction truncated_fixed_point_keeps_the_range
norm_of_higher_differences norm_of_mirrored_forward_differences
norm_is_at_most_the_symbol_maximum reflecting_boundary_is_unambiguous unet_is_a_two_level_v_cycle
unet_coarse_solver_works_on_the_residual_equation unet_repetition_solves_the_system
w_cycle_is_two_v_cycles
""".split()  # noqa: SIM905
CLAIMS = registry(["alt2020", "alt2021"])


def test_every_published_name_is_registered():
    """37 entries of alt2020 and 47 of alt2021; further ones may stand beside them."""
    assert (len(ALT2020), len(ALT2021)) == (37, 47)
    named = {f"alt2020.{name}" for name in ALT2020} | {f"alt2021.{name}" for name in ALT2021}
    assert named <= set(CLAIMS)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_the_verdict_is_the_expected_one_and_its_evidence_replays(name):
    """The program decides the claim afresh; the checker accepts every piece of evidence."""
    verdict = settle(CLAIMS[name], 256, 0)
    assert verdict.as_expected, (verdict.status, verdict.expected)
    assert verdict.sharp is not False
    findings = replay(document([verdict.to_json()], seed=0, budget=1.0))
    assert findings and all(finding.holds for finding in findings)


WITNESSES = [
    # name, argument, largest acceptable value: how small the found witness must be
    ("alt2021.fsi_cycle_is_euclidean_stable_nonlinear", "length", 4),
    ("alt2021.fsi_cycle_keeps_the_range_nonlinear", "length", 2),
    ("alt2021.fsi_cycle_is_sign_stable_linear", "n", 3),
    ("alt2021.truncated_fixed_point_keeps_the_range", "n", 4),
    ("alt2021.norm_of_mirrored_forward_differences", "n", 8),
    ("alt2020.sign_stability_with_periodic_boundary", "n", 3),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "argument", "most"), WITNESSES)
def test_the_search_finds_a_small_witness(name, argument, most):
    """The smallest configuration in which a false claim fails is found by search, not listed."""
    verdict = settle(CLAIMS[name], 256, 1)
    where = verdict.evidence[0]["configuration"]
    value = where.get(argument)
    size = int(value) if value is not None else len(verdict.evidence[0]["data"]["given"]["u"])
    assert verdict.status == "refuted" and size <= most
    entries = [Fraction(x) for x in verdict.evidence[0]["data"]["given"]["u"]]
    assert max(max(abs(x.numerator), x.denominator) for x in entries) <= 64
