"""The contrary of every claim of ruthotto2018: a changed constant, a flipped sign, a hypothesis
that is dropped (or added, where the claim is false).  No contrary has the verdict of its claim."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import registry
from stabkit.claims.configurations import BEYOND
from stabkit.claims.ruthotto2018 import (
    euler,
    experiments,
    growth,
    hamiltonian,
    layers,
    leapfrog,
    parabolic,
    reverse_pass,
    second_order,
    verlet,
    verlet_bounds,
)
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.operators import PERIODIC
from stabkit.stability.decide import decide
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED

CLAIMS = registry(["ruthotto2018"])
OPPOSITE, RELU, IDENTITY = fluxes.scaled_identity(-1), net.RELU, net.IDENTITY
HALF, OVER = Fraction(1, 2), BEYOND[0]
RISING = [["1/4", "-1/2", "1"], ["1/2", "0", "-2"], ["1/4", "1/2", "1"]]


def of(name, **configuration):
    """The claim at another configuration; the rest is as in the first one that is listed."""
    entry = CLAIMS[f"ruthotto2018.{name}"]
    return lambda: entry(**{**next(entry.configurations()), **configuration})


# claim -> (what is changed, the changed statement)
CONTRARIES = {
    # layers
    "resnet_is_forward_euler": (
        "a step of size 1/2", lambda: layers._is_euler_step(RELU, "1/2")),
    "stencil_is_a_differential_operator": (
        "[1 −2 1]", lambda: layers._moments(RISING, 2)),
    "stencil_is_a_differential_operator_corrected": (
        "+∂ₓ² for the printed column", lambda: layers._second_order("printed", 1, "1/2")),
    "symmetric_layer_jacobian_is_negative_semidefinite": (
        "σ decreases", of("symmetric_layer_jacobian_is_negative_semidefinite", K=net.TALL,
                          flux=OPPOSITE)),
    "symmetric_layer_jacobian_is_negative_semidefinite_with_scaling": (
        "s >= 0", of("symmetric_layer_jacobian_is_negative_semidefinite_with_scaling",
                     flux=net.SOFTSIGN, bias="1", scale="1")),
    "symmetric_layer_jacobian_is_negative_semidefinite_with_scaling_corrected": (
        "s < 0", of("symmetric_layer_jacobian_is_negative_semidefinite_with_scaling_corrected",
                    K=net.TALL, flux=net.SOFTSIGN, sign=-1)),
    "symmetric_layer_jacobian_is_negative_semidefinite_with_tv_normalisation": (
        "K triangular with m = 0",
        of("symmetric_layer_jacobian_is_negative_semidefinite_with_tv_normalisation", m=0,
           u=(1, -1))),
    "symmetric_layer_jacobian_is_negative_semidefinite_with_tv_normalisation_corrected": (
        "ReLU", lambda: layers._symmetric_with_tv("8, -4", 1, RELU)),
    "gradient_operator_gives_the_heat_equation": (
        "periodic ends", lambda: layers._is_heat(4, PERIODIC)),
    "tv_normalisation_gives_tv_dynamics": (
        "σ = id", lambda: layers._is_tv_flow(net.weights([[-1, 1]]), IDENTITY, 1, 3, (1, 0),
                                             [1, 0])),
    "tv_normalisation_gives_tv_dynamics_corrected": (
        "ReLU", lambda: layers._is_tv_flow(net.weights([[-1, 1]]), RELU, 1, 3, (1, 0), [1, 0])),
    "tv_normalisation_is_bounded_and_monotone": (
        "half the Lipschitz constant", lambda: layers._normalise("0, 0", "2, -2", "2", "1/2")),
    # parabolic
    "parabolic_network_is_stable": (
        "σ decreases", of("parabolic_network_is_stable", K=net.TALL, flux=OPPOSITE)),
    "stability_extends_to_scaling_and_bias": (
        "s >= 0", of("stability_extends_to_scaling_and_bias", k=2, scale="1", bias="1")),
    "stability_extends_to_scaling_and_bias_corrected": (
        "s <= 0", of("stability_extends_to_scaling_and_bias_corrected", K=net.TALL,
                     flux=IDENTITY, sign=-1)),
    "stability_extends_to_tv_normalisation": (
        "K = id", of("stability_extends_to_tv_normalisation", m=0, u=(2, -2))),
    "stability_extends_to_tv_normalisation_corrected": (
        "σ decreases", lambda: parabolic._monotone_with_tv(("8, -4", "0, 0"), 1, OPPOSITE)),
    # euler
    "euler_criterion_bounds_the_derivative": (
        "a step that does not meet the criterion", lambda: euler._derivative_is_bounded(
            euler._changing_layers(net.SOFTSIGN, 2, 1), net.state(2, 1), 16)),
    "euler_criterion_bounds_finite_perturbations": (
        "σ has the slope 1 everywhere", of("euler_criterion_bounds_finite_perturbations",
                                           flux=IDENTITY, delta=2, other=1)),
    "euler_criterion_bounds_finite_perturbations_corrected": (
        "a larger step", of("euler_criterion_bounds_finite_perturbations_corrected",
                            K=net.TALL, flux=IDENTITY, share=OVER)),
    "a_stable_step_size_exists": ("σ Lipschitz", of("a_stable_step_size_exists",
                                                    flux=net.SOFTSIGN)),
    "a_stable_step_size_exists_corrected": (
        "a larger step", of("a_stable_step_size_exists_corrected", K=net.TALL, flux=net.SOFTSIGN,
                            ratio=OVER)),
    "box_constraint_gives_stability": (
        "a smaller box", of("box_constraint_gives_stability", K="2/3 2/3; 2/3 2/3")),
    "box_constraint_gives_stability_corrected": (
        "|θ|² <= 3/(81 c c)", lambda: euler._small_stencils("periodic", 3, (2, 1),
                                                            Fraction(3, 162))),
    "step_size_can_be_absorbed": (
        "σ = ReLU", of("step_size_can_be_absorbed", flux=RELU, root="2", y="1")),
    "step_size_can_be_absorbed_corrected": (
        "σ bends", of("step_size_can_be_absorbed_corrected", K=net.SCALAR, flux=net.CLIP,
                      root="2")),
    "parabolic_network_reduces_the_energy": (
        "no bias", of("parabolic_network_reduces_the_energy", flux=RELU, bias="0", y="1/2")),
    "parabolic_network_reduces_the_energy_corrected": (
        "x σ(x) <= 0", of("parabolic_network_reduces_the_energy_corrected", K=net.TALL,
                          flux=OPPOSITE)),
    # hamiltonian
    "hamiltonian_jacobian_is_imaginary": (
        "σ′ < 0 in one half", of("hamiltonian_jacobian_is_imaginary", pair=net.PAIRS[1],
                                 first="-1", second="2 1")),
    "hamiltonian_jacobian_is_imaginary_with_tv_normalisation": (
        "σ = id", lambda: hamiltonian._imaginary_with_tv(2, (2, -2), IDENTITY)),
    "hamiltonian_jacobian_is_imaginary_with_tv_normalisation_corrected": (
        "σ = ReLU", lambda: hamiltonian._imaginary_with_tv(2, (2, -2), RELU)),
    "hamiltonian_network_is_stable": (
        "σ = id", of("hamiltonian_network_is_stable", flux=IDENTITY, start=(1, 0))),
    "hamiltonian_network_is_stable_corrected": (
        "99/100 of the constant", lambda: hamiltonian._is_bounded("2 | 1", "99/100")),
    "hamiltonian_network_growth_bound": (
        "half the exponent", lambda: hamiltonian._growth_is_bounded("1 | 1", IDENTITY, "1/2")),
    "hyperbolic_networks_conserve_an_energy": (
        "the other sign", lambda: hamiltonian._conserves(net.PAIRS[1], RELU, -1)),
    # verlet
    "verlet_discretises_the_hamiltonian_network": (
        "the other signs", lambda: verlet._consistent(
            verlet.verlet_network("1 | 1", IDENTITY, "1/2"), (1, 2))),
    "verlet_discretises_the_hamiltonian_network_corrected": (
        "the printed signs", lambda: verlet._consistent(
            verlet.verlet_network("1 | 1", IDENTITY, "1/2", printed=True), (1, 2))),
    "verlet_inverse": (
        "Z_j in place of Y_{j+1}", lambda: verlet._inverts(
            verlet.verlet_network("1 | 1", IDENTITY, "1/2", printed=True), (1, 2), False)),
    "verlet_inverse_corrected": (
        "back with another step size", lambda: verlet._chain_is_inverted(
            net.PAIRS[1], net.SOFTSIGN, False, 2, "1/2")),
    # reverse pass
    "reverse_pass_is_numerically_stable": (
        "2⁻³⁰", lambda: reverse_pass._one_step_is_recovered(8, 43, 30)),
    "reverse_pass_is_numerically_stable_corrected": (
        "2⁻⁵⁵", lambda: reverse_pass._error_is_bounded(4, 100, 55)),
    # verlet bounds
    "verlet_step_bound": (
        "a larger step", of("verlet_step_bound", pair="2 1; 1 2 | 1 0; 0 1", ratio=OVER)),
    "verlet_step_bound_at_equality": (
        "below equality", of("verlet_step_bound_at_equality", pair="2 | 1",
                             ratio=Fraction(999, 1000))),
    "verlet_step_bound_at_equality_corrected": (
        "a larger step", of("verlet_step_bound_at_equality_corrected",
                            pair="2 1; 1 2 | 1 0; 0 1", ratio=OVER)),
    "verlet_step_bound_for_changing_weights": (
        "weights that stay", of("verlet_step_bound_for_changing_weights",
                                word="1 | 3/2, 1 | 3/2")),
    "verlet_step_bound_for_changing_weights_corrected": (
        "the form with the other sign", lambda: verlet_bounds._forms_are_conserved(
            verlet_bounds.CHANGES[0], "1/2", -1)),
    # second order
    "second_order_network_is_stable": (
        "σ = id", of("second_order_network_is_stable", flux=IDENTITY)),
    "second_order_network_is_stable_corrected": (
        "a < 0", of("second_order_network_is_stable_corrected", K=net.TALL, a="-1/1000")),
    "second_order_network_growth_bound": (
        "half the exponent", lambda: second_order._growth_is_bounded(net.TALL, RELU, "1/2")),
    "bounded_weight_change_gives_stability": (
        "q without its part in sin 4t", lambda: second_order.Not(
            second_order._small_changes_grow("0 * a"))),
    "bounded_weight_change_gives_stability_corrected": (
        "half the constant", lambda: second_order._change_is_bounded("1 | 0", 1, "1/2")),
    "energy_is_bounded_by_the_linear_energy": (
        "σ(x) = x down to −2", of("energy_is_bounded_by_the_linear_energy", values="-1 -2",
                                  y="-1/2")),
    "energy_is_bounded_by_the_linear_energy_corrected": (
        "σ(x) = 2x", of("energy_is_bounded_by_the_linear_energy_corrected", K=net.TALL,
                        flux=fluxes.scaled_identity(2))),
    "energy_is_positive": ("x σ(x) >= 0", of("energy_is_positive", flux=RELU, y="-1")),
    "energy_is_positive_corrected": ("σ(x) = −x", of("energy_is_positive_corrected",
                                                     flux=OPPOSITE)),
    # leapfrog
    "leapfrog_is_reversible": (
        "back with another step size", lambda: leapfrog._is_reversible(net.TALL, RELU, 2, "1/2")),
    "leapfrog_start_is_second_order": (
        "the start of second order", lambda: leapfrog._constant_force("1", "1/2", True)),
    "leapfrog_start_is_second_order_corrected": (
        "the start Y₋₁ = Y₀", lambda: leapfrog._constant_force("1", "1/2", False)),
    "leapfrog_step_bound": (
        "at equality", of("leapfrog_step_bound", K=net.weights([[2, 1], [1, 2]]), ratio=1)),
    "leapfrog_step_bound_at_equality": (
        "below equality", of("leapfrog_step_bound_at_equality", K=net.SCALAR,
                             ratio=Fraction(999, 1000))),
    "leapfrog_step_bound_at_equality_corrected": (
        "beyond", of("leapfrog_step_bound_at_equality_corrected",
                     K=net.weights([[2, 1], [1, 2]]), ratio=OVER)),
    "leapfrog_step_bound_for_changing_weights": (
        "weights that stay", of("leapfrog_step_bound_for_changing_weights", word=("3/2", "3/2"))),
    "leapfrog_step_bound_for_changing_weights_corrected": (
        "A singular", of("leapfrog_step_bound_for_changing_weights_corrected",
                         change="1 0; 0 1 | 1 1; 1 1", seed=1)),
    "leapfrog_is_stable_for_relu": (
        "σ = id", of("leapfrog_is_stable_for_relu", flux=IDENTITY, steps=2)),
    "leapfrog_is_stable_for_relu_corrected": (
        "no growth", lambda: leapfrog._grows_at_most(RELU, 1)),
    # experiments
    "weight_counts": (
        "one weight more", lambda: experiments._counts([32, 64, 112], 112, 10, 502571, 264106)),
    "second_order_network_is_best_on_cifar": (
        "on CIFAR-100", of("second_order_network_is_best_on_cifar", dataset="CIFAR-100")),
    "second_order_network_is_best_on_cifar_corrected": (
        "the parabolic one is best", lambda: experiments._is_best(
            experiments.ACCURACY["CIFAR-100"], 0)),
    "batch_normalisation_acts_on_single_examples": (
        "fixed statistics", lambda: experiments._of_one_example("1", "1/2", "one batch for good")),
    "batch_normalisation_acts_on_single_examples_corrected": (
        "the statistics of the batch", lambda: experiments._of_one_example("1", "1/2", "batch")),
}
#: Of these nothing is decided.
OPEN: set[str] = {"bounded_weight_change_gives_stability"}


def test_every_claim_has_a_contrary():
    assert [f"ruthotto2018.{name}" for name in CONTRARIES] == list(CLAIMS)


@pytest.mark.parametrize("name", CONTRARIES)
def test_a_contrary_has_the_other_verdict(name):
    """A false statement is refuted and a true one proved, or it is one of the open ones."""
    found = decide(CONTRARIES[name][1](), trials=256).status
    other = REFUTED if CLAIMS[f"ruthotto2018.{name}"].expected is PROVED else PROVED
    assert found is (UNDECIDED if name in OPEN else other)


def test_nine_of_ten_contraries_are_decided():
    assert len(OPEN) <= len(CONTRARIES) // 10


# -- oracles --------------------------------------------------------------------------------------
def test_batch_statistics_couple_the_examples_of_a_batch():
    """The library's own normalisation, in floats: (2, 2) has the output 0 for the first example,
    (2, 1/2) has 3/5, for ε = 1."""
    from stabkit.learning.normalisation import BatchStatistics

    def first(*examples):
        return BatchStatistics(1.0)(np.reshape(np.array(examples, float), (-1, 1, 1, 1))).ravel()[0]

    assert first(2, 2) == 0
    assert abs(first(2, 0.5) - 0.6) < 1e-15


def test_leapfrog_with_relu_grows_but_not_faster_than_its_bound():
    """1, 0, −1, −2, −3, … against the start 0, which rests; 1.62ʲ is above."""
    y, before, orbit = 1.0, 1.0, []
    for _ in range(6):
        y, before = 2 * y - before - max(y, 0), y
        orbit.append(y)
    assert orbit == [0, -1, -2, -3, -4, -5]
    assert all(abs(value) <= 1.62 ** j for j, value in enumerate(orbit, 1))


@pytest.mark.slow
def test_the_sharp_growth_bound_of_the_second_order_network_is_not_half_of_it():
    """K² = 1 until π/2, then 0: |e(4)| = 4 − π/2 > exp(4√2/8), below exp(4√2/4)."""
    times = np.linspace(0, 4, 400_001)
    e, v, step = 1.0, 0.0, times[1]
    for t in times[1:]:
        v -= step * e * (t <= np.pi / 2)
        e += step * v
    assert np.exp(np.sqrt(2) / 2) < abs(e) < np.exp(np.sqrt(2))
    assert abs(abs(e) - (4 - np.pi / 2)) < 1e-3


# -- verdicts against brute force at random members, on both sides of the bounds ------------------
def rational(rng, *shape, largest=3):
    return fractions(rng.integers(-largest, largest + 1, shape)) / 2


@pytest.mark.parametrize("seed", range(6))
def test_boundedness_against_the_powers_of_random_shears(seed):
    """|Vʲx| for j = 4096 and V a product of shears, as Verlet and leapfrog steps are."""
    rng = np.random.default_rng(seed)
    for _ in range(8):
        V = fractions(np.eye(2, dtype=int))
        for k, a in enumerate(rational(rng, 4)):
            V = V @ fractions([[1, a], [0, 1]] if k % 2 else [[1, 0], [a, 1]])
        log = Transcript()
        log.give("V", V)
        with np.errstate(over="ignore", invalid="ignore"):
            power = np.linalg.matrix_power(V.astype(float), 4096)
        grows = not np.abs(power).max() < 200  # an overflow is growth
        assert decide(growth.bounded(log, "V")).status == (REFUTED if grows else PROVED)


@pytest.mark.parametrize("seed", range(12))
def test_verlet_bound_against_eigenvalues(seed):
    """Random 2x2 weights: the spectral radius of a step is 1 for δ²ρ(BC) < 4, larger beyond."""
    rng = np.random.default_rng(seed)
    K, H = (rng.integers(-3, 4, (2, 2)) for _ in "KH")
    if np.linalg.det(K) * np.linalg.det(H) == 0:
        pytest.skip("B or C is singular")
    text = " | ".join("; ".join(" ".join(map(str, row)) for row in M) for M in (K, H))
    B, C = K.T @ K, H.T @ H
    bound = 2 / np.sqrt(np.abs(np.linalg.eigvals(B @ C)).max())
    for ratio, status in ((0.9, PROVED), (1.1, REFUTED)):
        delta = Fraction(int(bound * ratio * 10**6), 10**6)
        assert decide(verlet_bounds._verlet_is_bounded(text, delta)).status == status
        d, one, none = float(delta), np.eye(2), np.zeros((2, 2))
        step = np.block([[one, none], [-d * C, one]]) @ np.block([[one, d * B], [none, one]])
        radius = np.abs(np.linalg.eigvals(step)).max()
        assert (radius < 1 + 1e-6) == (status == PROVED)


@pytest.mark.parametrize("seed", range(20))
def test_imaginary_eigenvalues_against_numpy(seed):
    """Random slopes of either sign in [[0, K'DK], [−H'EH, 0]]: proved only if all real parts are
    0, refuted only if one is not."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(-1, 3, (2, 2)) if seed % 2 else rng.integers(0, 3, (2, 2))
    pair = "1 -2; 0 3 | 2 1; 1 1/2"
    what = hamiltonian._jacobian_is_imaginary(
        pair, " ".join(map(str, first)), " ".join(map(str, second)))
    K, H = np.array([[1, -2], [0, 3]]), np.array([[2, 1], [1, 0.5]])
    A, C = K.T @ np.diag(first) @ K, H.T @ np.diag(second) @ H
    zero = np.zeros((2, 2))
    real = np.abs(np.linalg.eigvals(np.block([[zero, A], [-C, zero]])).real).max()
    found = decide(what).status
    assert found == (PROVED if real < 1e-6 else REFUTED) or (found == UNDECIDED and real < 1e-6)
    assert found != UNDECIDED or min(first) < 0 or min(second) < 0


@pytest.mark.parametrize("m", net.LOWER_TRIANGLES)
@pytest.mark.parametrize("u", net.TWO_CHANNELS)
def test_jacobians_with_tv_normalisation_against_differences(m, u):
    """The derivative of −K'ReLU(N_tv(K Y)) by central differences."""
    K = np.array([[1.0, 0], [-m, 1]])
    eps = float(net.eps_for(u))

    def force(y):
        z = K @ y
        return -K.T @ np.maximum(z / np.sqrt(z @ z + eps), 0)

    y, h = np.linalg.solve(K, np.array(u, float)), 1e-6
    J = np.column_stack([(force(y + h * e) - force(y - h * e)) / (2 * h) for e in np.eye(2)])
    largest = np.linalg.eigvals(J).real.max()
    what = CLAIMS["ruthotto2018.symmetric_layer_jacobian_is_negative_semidefinite_with_tv_"
                  "normalisation"](m=m, u=u)
    assert decide(what).status == (PROVED if largest < 1e-6 else REFUTED)
