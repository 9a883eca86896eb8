"""Statements for all with a wrong constant, a flipped sign or a hypothesis less are not proved."""

from dataclasses import replace
from importlib import import_module

import pytest

from stabkit.arithmetic.rational import Constant
from stabkit.claims import obligations
from stabkit.claims.claim import registry
from stabkit.claims.related_classes import AnyProductBound, AnyShape
from stabkit.classes import AnyFlux, AnyOperator, AnyReal, AnySymmetric, Positive, Such, UpTo
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.operators import from_matrix

CLAIMS = registry()


def proved(entry):
    """Whether all of it is stated and proved."""
    try:
        return all(obligations.proof_of(s) is not None for s in obligations.statements(entry))
    except (InvalidArgument, InvalidEvidence):
        return False


# What is changed among the classes of a claim.
CLASSES = {
    "alt2021.implicit_solution_is_unique_corrected": (
        dict(flux=AnyFlux(slopes=("-L", "L"))), dict(flux=AnyFlux(slopes=(None, "L"))),
        dict(K=AnyOperator(letter="H"))),
    "alt2020.convex_regularisers_have_unique_minimisers": (
        dict(flux=AnyFlux(slopes=("-L", "L"))), dict(step=Positive()),
        dict(step=Such(("1001/1000 - step - step*alpha*L*c >= 0",), "> 0"))),
    "alt2021.one_dimensional_v_cycle_contracts_for_every_depth": (
        dict(B=AnyOperator("C", "F")), dict(B=AnyOperator("C", "F", square="4001/1000")),
        dict(nu=AnyReal())),
    "alt2021.convex_functionals_do_not_grow": (
        dict(ratio=UpTo("1001/1000")), dict(ratio=UpTo(None))),
    "alt2020.mean_is_preserved": (dict(K=AnyOperator()),),
    "alt2020.increasing_flux_reduces_contrast": (dict(ratio=UpTo("1001/1000")),),
    "alt2021.proof_unit_spectrum_gives_euclidean_stability_corrected": (
        dict(M=AnySymmetric(-1, "1001/1000")), dict(M=AnySymmetric(-2, 1)),
        dict(M=AnyOperator("N", "N"))),
    "alt2021.fsi_super_time_step": (dict(n=AnyReal("9/10")), dict(n=AnyReal())),
    "alt2020.sign_stability_with_periodic_boundary_corrected": (dict(ratio=UpTo("1001/1000")),),
    "alt2020.huber_regulariser_is_strictly_convex_corrected": (
        dict(flux=AnyFlux(slopes=("-L", "L"))),),
    "alt2021.proof_largest_eigenvalue_of_g_corrected": (
        dict(flux=AnyFlux(diffusivities=("-L", "L"))),),
    "alt2021.proof_eigenvalue_interval_corrected": (
        dict(flux=AnyFlux(diffusivities=("-L", "L"), slopes=("-L", "L"))),),
    "ruthotto2018.symmetric_layer_jacobian_is_negative_semidefinite": (
        dict(flux=AnyFlux(slopes=("-L", "L"))),),
    "ruthotto2018.a_stable_step_size_exists_corrected": (
        dict(delta=Positive()), dict(delta=Such(("2001/1000 - delta*L*c >= 0",), "> 0"))),
    "haber2017.symmetric_negative_weights_are_stable": (
        dict(K=AnyOperator("N", "N")), dict(flux=AnyFlux(slopes=("-L", "L")))),
    "ruthotto2018.hamiltonian_network_growth_bound": (
        dict(flux=AnyFlux(slopes=("-L", "L"))), dict(w=AnyReal()),
        dict(g=Such(("1001/1000*g - w*L*c >= 0", "g*w - L*c_H >= 0"), "> 0")),
        dict(g=Such(("g - w*L*c >= 0", "1001/1000*g*w - L*c_H >= 0"), "> 0"))),
    "ruthotto2018.verlet_step_bound": (
        dict(delta=Such(("4001/1000 - 4*room - delta**2*m >= 0",))),
        dict(m=AnyProductBound("K@H.T", "P")), dict(m=Positive())),
    "ruthotto2018.hamiltonian_jacobian_is_imaginary": (
        dict(flux=AnyFlux(slopes=("-L", "L"))),),
    "ruthotto2018.leapfrog_is_stable_for_relu_corrected": (
        dict(flux=AnyFlux(slopes=(0, "1001/1000"))), dict(flux=AnyFlux(slopes=(-1, 1))),
        dict(delta=Such(("1001/1000 - c*delta**2 >= 0",), "> 0"))),
    "ruthotto2018.stability_extends_to_scaling_and_bias_corrected": (
        dict(flux=AnyFlux(slopes=("-L", "L"))),),
    "ruthotto2018.symmetric_layer_jacobian_is_negative_semidefinite_with_scaling_corrected": (
        dict(flux=AnyFlux(slopes=("-L", "L"))),),
    "alt2020.euler_lagrange_equation_is_an_implicit_step": (
        dict(flux=AnyFlux(slopes=(None, "L"))), dict(step=AnyReal())),
    "alt2020.lipschitz_constant_is_the_largest_diffusivity_corrected": (
        dict(flux=AnyFlux(diffusivities=(None, None), slopes=("-L", "L"))),),
    "alt2021.norm_of_mirrored_forward_differences_corrected": tuple(
        {name: AnyOperator(of, to, square=square)} for name, of, to, square in (
            ("R", "P", "N", "1001/1000"), ("S", "P", "P", "1001/1000"),
            ("E", "N", "P", "2001/1000"))),
    "alt2021.norm_is_at_most_the_symbol_maximum_corrected": (
        dict(R=AnyOperator("P", "N", square="1001/1000")), dict(E=AnyOperator("N", "P", square=3))),
    "software.torch_orthogonal_linear_layers_are_nonexpansive": (
        dict(Q=AnyOperator("N", "N")), dict(Q=AnyOperator("N", "N", square="1001/1000"))),
    "software.medpy_gamma_up_to_a_quarter_keeps_the_range_corrected": (
        dict(ratio=UpTo("1001/1000")), dict(flux=AnyFlux(diffusivities=(0, 1))),
        dict(flux=AnyFlux(diffusivities=(0, "1001/1000"), slopes=(None, 1)))),
    "software.medpy_gamma_up_to_a_quarter_keeps_the_range_for_option_3": (
        dict(flux=AnyFlux(diffusivities=(0, 1))), dict(shape=AnyShape(9))),
    "software.medpy_option_3_allows_twice_the_step": (
        dict(flux=AnyFlux(diffusivities=(0, "501/1000"))),),
    "software.medpy_gamma_up_to_a_quarter_keeps_the_range_for_every_spacing_corrected": (
        dict(ratio=UpTo("1001/1000")),),
    "software.itk_range_bound": (
        dict(ratio=UpTo("1001/1000")), dict(flux=AnyFlux(diffusivities=(0, "1001/1000")))),
    "software.opencv_alpha_between_0_and_1_keeps_the_range_corrected": (
        dict(shape=AnyShape(9)), dict(ratio=UpTo("1001/1000"))),
    "software.opencv_quarter_is_the_limit_of_the_explicit_scheme": (
        dict(shape=AnyShape(6)), dict(ratio=UpTo("1001/1000"))),
    "software.skimage_tv_step_is_nonexpansive": (dict(ratio=UpTo("1001/1000")),),
    "ruthotto2018.energy_is_positive_corrected": (
        dict(flux=AnyFlux(diffusivities=(None, 0))), dict(flux=AnyFlux(slopes=(0, "L")))),
    "ruthotto2018.parabolic_network_reduces_the_energy_corrected": (
        dict(flux=AnyFlux(diffusivities=(None, 1))), dict(flux=AnyFlux(slopes=(0, "L")))),
}


@pytest.mark.slow
@pytest.mark.parametrize("name, number", [
    (name, number) for name, several in CLASSES.items() for number in range(len(several))])
def test_with_other_classes_a_claim_is_not_proved_for_all(name, number):
    """A step or bound just over, a flux that falls or of any sign, a hypothesis left out."""
    entry = CLAIMS[name]
    assert proved(entry)
    assert not proved(replace(entry, for_all={**entry.for_all, **CLASSES[name][number]}))


def turned(B):
    return B


def wrong(value):
    return lambda n: value * (n + 1) * n


# What stands in place of a constant or formula of a claim's module.
PUT = {
    "alt2020.convex_regularisers_have_unique_minimisers": {"regularisation.MODULUS": 2},
    "alt2021.one_dimensional_v_cycle_contracts_for_every_depth": {
        "multigrid.SWEEP": Constant(1, 2)},
    "alt2021.fsi_super_time_step": {"fsi._first": wrong(Constant(1, 2))},
    "he2019.one_dimensional_two_grid_factor": {"cycles.THIRD": Constant(1, 4)},
    "alt2021.w_cycle_is_two_v_cycles_corrected": {"multigrid.twice": lambda F, x: F @ x},
    "ruthotto2018.verlet_discretises_the_hamiltonian_network_corrected": {
        "verlet.area": lambda one, other: one[0].T @ other[1] + one[1].T @ other[0]},
    "he2019.smoother_condition": {"cycles.LOST": 1},
    "he2019.w_cycle_bound": {"cycles.bound_of_cycle": lambda s, d2: s + s * d2},
    "he2019.cycle_energy_identity": {"cycles.adjoint": turned},
    "he2019.chebyshev_residual_recursion_corrected": {
        "iterations.recursion": lambda w, before, now, corrected: w * now + (1 - w) * before
        - corrected},
    "he2019.chebyshev_is_a_semi_iteration_corrected": {
        "iterations.semi_weights": lambda w: (w - 1, w)},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUT)
def test_with_another_constant_or_formula_a_claim_is_not_proved_for_all(name, monkeypatch):
    paper = CLAIMS[name].paper
    for place, value in PUT[name].items():
        module, attribute = place.split(".")
        monkeypatch.setattr(import_module(f"stabkit.claims.{paper}.{module}"), attribute, value)
    assert not proved(CLAIMS[name])


@pytest.mark.parametrize("rows, so", [
    ([[1, 0], [0, -1]], True), ([["3/5", "4/5"], ["4/5", "-3/5"]], True),
    ([[1, 1], [1, 1]], False), ([[0, 1], [-1, 0]], False), ([[1, 0]], False)])
def test_a_symmetric_matrix_is_a_member_if_its_eigenvalues_are(rows, so):
    """Eigenvalues ±1, ±1; 0 and 2; not symmetric; not square."""
    assert AnySymmetric(-1, 1).admits(from_matrix(rows)) is so


@pytest.mark.parametrize("rows, so", [([[-1, 1]], True), ([[1, -2, 1]], True), ([[-1, 2]], False)])
def test_an_operator_that_maps_constants_to_zero_is_one_whose_rows_sum_to_zero(rows, so):
    assert AnyOperator(constants=True).admits(from_matrix(rows)) is so
