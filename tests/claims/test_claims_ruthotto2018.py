"""The claims of ruthotto2018: all there, decided as expected, replayable, not blind to faults."""


import numpy as np
import pytest

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import registry
from stabkit.claims.ruthotto2018 import (
    growth,
    hamiltonian,
    networks,
    reverse_pass,
    second_order,
)
from stabkit.claims.settle import settle
from stabkit.errors import HypothesisNotMet
from stabkit.replay import check
from stabkit.stability.decide import decide

PUBLISHED = [
    "resnet_is_forward_euler",
    "stencil_is_a_differential_operator",
    "stencil_is_a_differential_operator_corrected",
    "symmetric_layer_jacobian_is_negative_semidefinite",
    "symmetric_layer_jacobian_is_negative_semidefinite_with_scaling",
    "symmetric_layer_jacobian_is_negative_semidefinite_with_tv_normalisation",
    "gradient_operator_gives_the_heat_equation",
    "tv_normalisation_gives_tv_dynamics",
    "tv_normalisation_gives_tv_dynamics_corrected",
    "tv_normalisation_is_bounded_and_monotone",
    "parabolic_network_is_stable",
    "stability_extends_to_scaling_and_bias",
    "stability_extends_to_tv_normalisation",
    "euler_criterion_bounds_the_derivative",
    "euler_criterion_bounds_finite_perturbations",
    "a_stable_step_size_exists",
    "a_stable_step_size_exists_corrected",
    "box_constraint_gives_stability",
    "box_constraint_gives_stability_corrected",
    "step_size_can_be_absorbed",
    "step_size_can_be_absorbed_corrected",
    "parabolic_network_reduces_the_energy",
    "parabolic_network_reduces_the_energy_corrected",
    "hamiltonian_jacobian_is_imaginary",
    "hamiltonian_jacobian_is_imaginary_with_tv_normalisation",
    "hamiltonian_network_is_stable",
    "hamiltonian_network_is_stable_corrected",
    "hamiltonian_network_growth_bound",
    "hyperbolic_networks_conserve_an_energy",
    "verlet_discretises_the_hamiltonian_network",
    "verlet_discretises_the_hamiltonian_network_corrected",
    "verlet_inverse",
    "verlet_inverse_corrected",
    "reverse_pass_is_numerically_stable",
    "reverse_pass_is_numerically_stable_corrected",
    "verlet_step_bound",
    "verlet_step_bound_at_equality",
    "verlet_step_bound_for_changing_weights",
    "second_order_network_is_stable",
    "second_order_network_is_stable_corrected",
    "second_order_network_growth_bound",
    "bounded_weight_change_gives_stability",
    "energy_is_bounded_by_the_linear_energy",
    "energy_is_positive",
    "leapfrog_is_reversible",
    "leapfrog_start_is_second_order",
    "leapfrog_step_bound",
    "leapfrog_step_bound_at_equality",
    "leapfrog_step_bound_for_changing_weights",
    "leapfrog_is_stable_for_relu",
    "weight_counts",
    "second_order_network_is_best_on_cifar",
    "batch_normalisation_acts_on_single_examples",
]
REPAIRS = [f"{name}_corrected" for name in (
    "symmetric_layer_jacobian_is_negative_semidefinite_with_scaling",
    "symmetric_layer_jacobian_is_negative_semidefinite_with_tv_normalisation",
    "stability_extends_to_scaling_and_bias",
    "stability_extends_to_tv_normalisation",
    "euler_criterion_bounds_finite_perturbations",
    "hamiltonian_jacobian_is_imaginary_with_tv_normalisation",
    "verlet_step_bound_for_changing_weights",
    "bounded_weight_change_gives_stability",
    "energy_is_bounded_by_the_linear_energy",
    "energy_is_positive",
    "leapfrog_start_is_second_order",
    "leapfrog_step_bound_at_equality",
    "leapfrog_step_bound_for_changing_weights",
    "verlet_step_bound_at_equality",
    "leapfrog_is_stable_for_relu",
    "second_order_network_is_best_on_cifar",
    "batch_normalisation_acts_on_single_examples",
)]
CLAIMS = registry(["ruthotto2018"])
NEGATIVE = fluxes.scaled_identity(-1)


def short(name):
    return name.partition(".")[2]


def test_every_name_is_there_once_and_in_order():
    names = [short(name) for name in CLAIMS]
    assert [name for name in names if name in PUBLISHED] == PUBLISHED
    assert sorted(names) == sorted(PUBLISHED + REPAIRS)


def test_every_repair_stands_behind_its_claim():
    names = [short(name) for name in CLAIMS]
    for repair in REPAIRS:
        assert names.index(repair) == names.index(repair.removesuffix("_corrected")) + 1


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS, ids=short)
def test_the_verdict_is_the_expected_one_and_replays(name):
    verdict = settle(CLAIMS[name], 4000, 0)
    assert verdict.as_expected, verdict.status
    assert verdict.sharp in (None, True)
    assert verdict.evidence
    for evidence in verdict.evidence:
        unsealed = {**evidence, "data": {key: value for key, value in evidence["data"].items()
                                         if key != "seal"}}
        assert check(unsealed) is None
        assert evidence["kind"] == "proof" or evidence["data"]["by"]


# -- hypotheses that are not met -------------------------------------------------------------------
def test_a_change_of_the_wrong_size_is_left_open():
    """The sum of the changes is bounded by another number than theirs: no bound follows."""
    what = second_order.bounded_weight_change_gives_stability_corrected(change="3 | 5", seed=1)
    assert decide(what, trials=1000).status == "undecided"


def test_a_certificate_that_only_suffices_does_not_refute():
    """A flux that decreases somewhere breaks no bound at the sample: nothing follows."""
    what = hamiltonian._growth_is_bounded("1 | 2", fluxes.garrote())
    assert decide(what, trials=1000).status == "undecided"


def test_the_error_analysis_does_not_reach_larger_networks():
    with pytest.raises(HypothesisNotMet):
        reverse_pass.reverse_pass_is_numerically_stable_corrected(size=16, steps=1)


@pytest.mark.parametrize("name, repaired", [
    ("hamiltonian_network_is_stable", dict(flux=networks.LEAKY, start=(1, 0))),
    ("leapfrog_is_stable_for_relu", dict(flux=networks.LEAKY, steps=3)),
    ("second_order_network_is_stable", dict(flux=networks.LEAKY)),
    ("energy_is_bounded_by_the_linear_energy", dict(values="-1 -2", y="-2")),
])
def test_no_witness_is_seen_where_there_is_none(name, repaired):
    assert decide(CLAIMS[f"ruthotto2018.{name}"](**repaired)).status == "undecided"


# -- what the search rests on ----------------------------------------------------------------------
@pytest.mark.parametrize("matrix, start, status", [
    ([[0, 1], [-1, 0]], None, "proved"),
    ([[0, -1], [1, "6/5"]], None, "proved"),
    ([[1, 0], [0, 1]], None, "proved"),
    ([[1, 1], [0, 1]], None, "refuted"),
    ([[1, 1], [0, 1]], [1, 0], "proved"),
    ([[-1, 1], [0, -1]], [0, 1], "refuted"),
    ([[2, 0], [0, "1/2"]], None, "refuted"),
    ([[2, 0], [0, "1/2"]], [0, 3], "proved"),
    ([[2, 0], [0, "1/2"]], [1, 0], "refuted"),
    ([[-2, 1], [0, "-1/2"]], [1, 1], "refuted"),
    ([[1, 1], [0, 1]], [0, 0], "proved"),
])
def test_growth_of_powers(matrix, start, status):
    """Against the powers themselves, in floats."""
    log, exact = Transcript(), fractions(matrix)
    log.give("V", exact)
    assert decide(growth.bounded(log, "V", start)).status == status
    largest = float(np.abs(np.linalg.matrix_power(exact.astype(float), 400) @ (
        np.eye(2) if start is None else np.array(start, float))).max())
    assert (largest < 10) == (status == "proved")


@pytest.mark.parametrize("matrix, status", [
    ([[0, 1], [-1, 0]], "proved"), ([[1, 1], [0, 1]], "proved"), ([[-1, 1], [0, -1]], "proved"),
    ([[2, 0], [0, "1/2"]], "refuted"), ([[-2, 1], [0, "-1/2"]], "refuted"),
])
def test_linear_growth_of_powers(matrix, status):
    """|Vʲ| <= c(1 + j) for all j, against |V⁴⁰⁰|."""
    log, exact = Transcript(), fractions(matrix)
    log.give("V", exact)
    assert decide(growth.bounded(log, "V", grows="linearly")).status == status
    largest = np.abs(np.linalg.matrix_power(exact.astype(float), 400)).max()
    assert (largest <= 401) == (status == "proved")


def test_powers_of_another_determinant_are_left_open():
    log = Transcript()
    log.give("V", [[3, 0], [0, 1]])
    assert decide(growth.bounded(log, "V")).status == "undecided"


def test_the_float_run_breaks_the_bound_of_the_reverse_pass():
    K, z = np.ones((8, 8)), np.full(8, 1 + 2.0**-43)
    y1 = K.T @ (K @ z)
    z1 = z - K.T @ (K @ y1)
    z0 = z1 + K.T @ (K @ y1)
    y0 = y1 - K.T @ (K @ z0)
    error = np.linalg.norm(np.concatenate([y0, z0 - z]))
    assert error > 7 * 2.0**-40 * np.linalg.norm(z)
    what = reverse_pass.reverse_pass_is_numerically_stable(size=8, bits=43)
    assert decide(what).status == "refuted"


@pytest.mark.parametrize("seed", range(3))
def test_float_runs_stay_far_below_the_bound_of_the_corrected_reverse_pass(seed):
    rng = np.random.default_rng(seed)
    K = rng.standard_normal((8, 5))
    delta = 1.4142 / np.linalg.norm(K, 2) ** 2
    start = y, z = rng.standard_normal(5), rng.standard_normal(5)
    for _ in range(1000):
        y = y + delta * (K.T @ (K @ z))
        z = z - delta * (K.T @ (K @ y))
    for _ in range(1000):
        z = z + delta * (K.T @ (K @ y))
        y = y - delta * (K.T @ (K @ z))
    error = np.linalg.norm(np.concatenate([y, z]) - np.concatenate(start))
    assert error < 1000 * 2.0**-40 * np.linalg.norm(np.concatenate(start)) / 10
