"""Symmetric layers and their networks, against potentials, closed forms and exact inverses."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidArgument
from stabkit.operators import difference, from_matrix
from stabkit.schemes import (
    Chain,
    ForwardEuler,
    Leapfrog,
    Reverse,
    SymmetricLayer,
    TotalVariation,
    Verlet,
    halves,
    joined,
    repeat,
    reverse,
)
from stabkit.stability.decide import decide
from stabkit.stability.property import Calculation, Identity

TALL = from_matrix([[1, -2], [0, 3], [-1, 1]])
ONE = from_matrix([[1]])
Y = fractions(["1/2", -3])
V = fractions([2, "1/3"])


def slope_along(function, y, v):
    """The derivative of a polynomial of degree <= 4 along v, exactly."""
    return (8 * (function(y + v) - function(y - v))
            - (function(y + 2 * v) - function(y - 2 * v))) / Fraction(12)


def exact(values):
    return [Fraction(x) for x in np.ravel(values)]


# -- the layer ------------------------------------------------------------------------------------
def test_the_layer_is_minus_the_gradient_of_its_potential():
    bias = fractions([1, "-1/2", 2])
    layer = SymmetricLayer(TALL, fluxes.cubic(), bias=bias)

    def potential(y):
        return np.sum((TALL.exact() @ y + bias) ** 4) / 4

    assert slope_along(potential, Y, V) == -np.dot(layer(Y), V)


def test_the_jacobian_is_the_derivative():
    layer = SymmetricLayer(TALL, fluxes.cubic(), scale=[2, -1, "1/3"], bias=[1, 0, -1])
    assert exact(layer.jacobian(Y) @ V) == exact(slope_along(layer, Y, V))


def test_a_scale_and_a_bias_act_before_the_activation():
    layer = SymmetricLayer(ONE, fluxes.relu(), scale=[-2], bias=[1])
    assert exact(layer(fractions([-3]))) == [-7]
    assert exact(layer(fractions([1]))) == [0]
    assert layer(np.array([[-3.0], [1.0]])).tolist() == [[-7.0], [0.0]]


def test_total_variation_normalises_every_pixel():
    rng = np.random.default_rng(0)
    u = rng.standard_normal((5, 3, 4))  # signals, channels, pixels
    tv, flat = TotalVariation("1/4", 3), u.reshape(5, 12)
    found = tv.apply(flat, tv.lengths(flat, 12), 12).reshape(u.shape)
    for s in range(5):
        for p in range(4):
            pixel = u[s, :, p]
            np.testing.assert_allclose(found[s, :, p], pixel / np.hypot(np.linalg.norm(pixel), 0.5))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_the_jacobian_of_total_variation(channels):
    rng = np.random.default_rng(1)
    u, v, tv = rng.standard_normal(6), rng.standard_normal(6), TotalVariation(2, channels)

    def normalise(u):
        return tv.apply(u, tv.lengths(u, 6), 6)

    quotient = (normalise(u + 1e-6 * v) - normalise(u - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(tv.jacobian(u, tv.lengths(u, 6), 6) @ v, quotient, atol=1e-8)


def test_total_variation_is_exact_where_lengths_are_rational():
    layer = SymmetricLayer(from_matrix([[1, 0], [0, 1]]), fluxes.relu(), TotalVariation(1, 2))
    assert exact(layer(fractions([2, -2]))) == [Fraction(-2, 3), 0]
    irrational = layer(fractions([1, 2]))
    assert all(isinstance(x, Interval) for x in irrational)
    assert irrational[0].overlaps(-1 / Interval(6).sqrt())


@pytest.mark.parametrize("normalisation", [None, TotalVariation("3", 3), TotalVariation("3", 1)])
def test_what_is_written_down_is_what_is_computed(normalisation):
    layer = SymmetricLayer(TALL, fluxes.leaky_relu(Fraction(1, 10)), normalisation, [1, 2, 3],
                           [0, 1, "-1/2"])
    y = fractions([3, 2])
    log = Transcript()
    force, matrix = layer(log.give("y", y)).text, layer.jacobian(log.term("y")).text
    if normalisation is None:
        shows = [f"{force} == F", f"{matrix} == D"]
    else:
        shows = [f"norm2({force} - F) < e", f"norm2({matrix} - D) < e"]
    given = {**log.given, "F": layer(y.astype(float)), "D": layer.jacobian(y.astype(float)),
             "e": "1/1000000000000000000000000"}
    if normalisation is None:
        given |= {"F": layer(y), "D": layer.jacobian(y)}
    what = Calculation(given, [tuple(line) for line in log.let], shows)
    assert decide(what).status == "proved"


# -- forward Euler --------------------------------------------------------------------------------
def test_forward_euler_of_the_linear_layer():
    step = ForwardEuler(SymmetricLayer(ONE, fluxes.identity()), "1/10")
    assert exact(repeat(step, 7)(fractions([1]))) == [Fraction(9, 10) ** 7]
    assert exact(step.jacobian(fractions([5]))) == [Fraction(9, 10)]


def test_forward_euler_smooths_a_step():
    # K1 reflecting: the heat equation keeps the mean.
    step = ForwardEuler(SymmetricLayer(difference(1, 6), fluxes.identity()), "1/4")
    u = repeat(step, 200)(np.array([0.0, 0, 0, 1, 1, 1]))
    np.testing.assert_allclose(u, 0.5, atol=1e-3)


@pytest.mark.parametrize("make", [
    lambda layer: ForwardEuler(layer, "1/3"), lambda layer: Verlet(layer, layer, "1/3"),
    lambda layer: Leapfrog(layer, "1/3")], ids=["euler", "verlet", "leapfrog"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_of_floats_follow_the_fractions(make, dtype):
    step = make(SymmetricLayer(TALL, fluxes.soft(), bias=[1, 2, 3]))
    batch = np.arange(3 * step.size, dtype=dtype).reshape(3, -1) / 4
    moved = step(batch)
    assert moved.dtype == dtype and moved.shape == batch.shape
    for row, image in zip(batch, moved, strict=True):
        near = step(fractions(row.astype(float))).astype(float)
        np.testing.assert_allclose(image, near, rtol=1e-5 if dtype is np.float32 else 1e-13)
    balls = step(np.array([Interval(Fraction(float(x))) for x in batch[0]], dtype=object))
    assert all(x.overlaps(y) for x, y in zip(balls, step(fractions(batch[0])), strict=True))


# -- Verlet ---------------------------------------------------------------------------------------
def oscillation(first, delta, steps):
    """Verlet for dY/dt = Z, dZ/dt = −Y from (1, 0), against (cos, −sin)."""
    layer = SymmetricLayer(ONE, fluxes.identity())
    step = Verlet(layer, layer, delta, printed=first)
    x = repeat(step, steps)(np.array([1.0, 0.0]))
    t = float(delta) * steps
    return float(np.abs(x - [np.cos(t), -np.sin(t)]).max())


@pytest.mark.slow
def test_the_corrected_verlet_scheme_converges_and_the_printed_one_does_not():
    errors = [oscillation(False, Fraction(1, n), n) for n in (10, 20, 40, 80)]
    rates = [a / b for a, b in pairwise(errors)]
    assert all(1.9 < rate < 2.2 for rate in rates)
    assert all(oscillation(True, Fraction(1, n), n) > 1 for n in (10, 80))


def test_a_verlet_step_is_symplectic_for_every_state():
    layers = [SymmetricLayer(from_matrix(rows), fluxes.cubic(), bias=[1, 0]) for rows in
              ([[1, 2], [0, 1]], [[1, -1], [2, 1]])]
    omega = np.kron([[0, 1], [-1, 0]], np.eye(2, dtype=int))
    for printed in (False, True):
        step = Verlet(*layers, "1/2", printed)
        matrix = step.jacobian(fractions([1, 2, "1/3", -1]))
        assert exact(matrix.T @ omega @ matrix) == exact(omega)


def test_the_jacobian_of_a_verlet_step_along_a_line():
    # With one layer linear, a step is a polynomial of degree 3 in the state.
    linear, cubic = (SymmetricLayer(TALL, flux) for flux in (fluxes.identity(), fluxes.cubic()))
    step = Verlet(linear, cubic, "1/5")
    x, v = joined(Y, V), joined(V, V - Y)
    assert exact(step.jacobian(x) @ v) == exact(slope_along(step, x, v))


@pytest.mark.parametrize("printed", [False, True])
@pytest.mark.parametrize("flux", [fluxes.relu(), fluxes.cubic(), fluxes.soft()], ids=repr)
def test_a_network_with_changing_weights_runs_backwards_exactly(flux, printed):
    layers = [SymmetricLayer(Fraction(k, 2) * TALL, flux, bias=[k, 0, -1]) for k in (1, 2, 3, 4)]
    network = Chain([Verlet(a, b, "1/3", printed) for a, b in pairwise(layers)])
    x = fractions([1, "-2/3", 4, "1/7"])
    assert exact(reverse(network)(network(x))) == exact(x)
    assert exact(network(reverse(network)(x))) == exact(x)


def test_the_printed_inverse_is_not_one():
    layer = SymmetricLayer(ONE, fluxes.identity())
    step = Verlet(layer, layer, "1/2", printed=True)
    assert exact(step(fractions([1, 2]))) == [0, 2]
    assert exact(Reverse(step)(fractions([0, 2]))) == [1, 2]
    assert exact(Reverse(step, printed=True)(fractions([0, 2]))) == [0, 2]


# -- leapfrog -------------------------------------------------------------------------------------
@pytest.mark.parametrize("second_order, rate", [(False, 2), (True, 4)])
def test_the_two_starts_of_leapfrog_have_their_orders(second_order, rate):
    errors = []
    for n in (20, 40, 80):
        step = Leapfrog(SymmetricLayer(ONE, fluxes.identity()), Fraction(1, n))
        x = repeat(step, n)(step.start(np.array([1.0]), second_order=second_order))
        errors.append(abs(x[0] - np.cos(1.0)))
    for coarse, fine in pairwise(errors):
        assert 0.95 * rate < coarse / fine < 1.05 * rate


def test_leapfrog_with_relu_leaves_on_a_straight_line():
    step = Leapfrog(SymmetricLayer(ONE, fluxes.relu()), 1)
    x, seen = step.start(fractions([1])), []
    for _ in range(6):
        x = step(x)
        seen += exact(x[:1])
    assert seen == [0, -1, -2, -3, -4, -5]


def test_leapfrog_runs_backwards_and_its_matrix_is_its_derivative():
    network = Chain([Leapfrog(SymmetricLayer(k * TALL, fluxes.cubic()), "1/2") for k in (1, 2)])
    x, v = joined(Y, V), joined(V, Y)
    assert exact(reverse(network)(network(x))) == exact(x)
    step = network.schemes[0]
    assert exact(step.jacobian(x) @ v) == exact(slope_along(step, x, v))


def test_a_step_is_written_down_with_one_step_size():
    layers = [SymmetricLayer(k * TALL, fluxes.relu()) for k in (1, 2)]
    network = Chain([Verlet(layers[0], layers[1], "1/3"), Leapfrog(layers[1], "1/3")])
    x = fractions([1, -2, 3, "1/2"])
    log = Transcript()
    network(log.give("x", x))
    assert log.given["delta"] == "1/3" and "delta1" not in log.given
    there_and_back = Identity(lambda x: reverse(network)(network(x)), lambda x: x, dict(x=x))
    assert decide(there_and_back).status == "proved"


def test_halves_and_joined_are_inverse():
    x = np.arange(12.0).reshape(2, 6)
    assert (joined(*halves(x, 3)) == x).all()


# -- what is refused ------------------------------------------------------------------------------
@pytest.mark.parametrize("make, word", [
    (lambda: SymmetricLayer(TALL, fluxes.relu(), bias=[1]), "bias"),
    (lambda: SymmetricLayer(TALL, fluxes.relu(), scale=[1, 2]), "scale"),
    (lambda: TotalVariation(0), "eps"),
    (lambda: TotalVariation(1, 0), "channels"),
    (lambda: SymmetricLayer(TALL, fluxes.relu(), TotalVariation(1, 2))(Y), "channels"),
    (lambda: ForwardEuler(SymmetricLayer(TALL, fluxes.relu()), 0), "tau"),
    (lambda: Verlet(SymmetricLayer(ONE, fluxes.relu()), SymmetricLayer(TALL, fluxes.relu()), 1),
     "first, second"),
    (lambda: SymmetricLayer(TALL, fluxes.relu())(np.ones(3)), "y"),
])
def test_wrong_arguments_are_named(make, word):
    with pytest.raises(InvalidArgument, match=word):
        make()
