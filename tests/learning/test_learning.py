"""Learning across scales: derivatives and transfers exactly, training on small problems."""

import doctest
from fractions import Fraction

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Facts, Flux, Piece
from stabkit.learning import (
    GALERKIN,
    REDISCRETISED,
    UNCHANGED,
    Classifier,
    CrossEntropy,
    Expansion,
    GaussNewton,
    Labelled,
    LeastSquares,
    Model,
    ResidualNetwork,
    Training,
    WeightObjective,
    coarse_model,
    fit,
    load_digits,
    network,
    prolong_classifier,
    prolong_images,
    prolong_weights,
    pyramid,
    restrict_classifier,
    restrict_images,
    restrict_weights,
    train_coarse_to_fine,
)
from stabkit.learning.images import adjoint, correlate, kernel_adjoint, patches
from stabkit.multigrid import DIRICHLET, PERIODIC, Convolution, weighted_transfer
from stabkit.multigrid.stencil import correlation, stencil
from stabkit.operators import stencils

SQUARE = Flux("square", [Piece(None, lambda s: s * s, None, None, lambda s: 2 * s)],
              Facts(False, (Fraction(0), Fraction(1)), None, smooth=True))
BOUNDARIES = pytest.mark.parametrize("boundary", [PERIODIC, DIRICHLET])
# The derivative at 0 of every polynomial of degree <= 6, from its values at -3 … 3.
SEVEN_POINTS = [Fraction(c, 60) for c in (-1, 9, -45, 0, 45, -9, 1)]


def whole(seed, *shape):
    """Small integers as exact numbers."""
    return fractions(np.random.default_rng(seed).integers(-2, 3, shape))


def close(a, b, digits=12):
    """Equal up to rounding, relative to the size of what is compared."""
    size = max(np.abs(a).max(), np.abs(b).max(), 1e-300)
    return np.abs(np.asarray(a) - b).max() <= 10.0**-digits * size


def derivative(function):
    """The exact derivative at 0 of a polynomial of degree <= 6."""
    return sum(c * function(Fraction(e)) for e, c in zip(range(-3, 4), SEVEN_POINTS, strict=True))


# -- convolutions ----------------------------------------------------------------------------------
@BOUNDARIES
@pytest.mark.parametrize("width", [1, 3])
def test_a_batch_is_convolved_like_its_images(boundary, width):
    kernel, images = whole(1, 3, 2, width, width), whole(2, 2, 2, 4, 5)
    one = Convolution(kernel, boundary=boundary)
    assert (correlate(kernel, images, boundary) == np.array([one(f) for f in images])).all()


@BOUNDARIES
def test_convolutions_have_exact_adjoints(boundary):
    kernel, y, w = whole(1, 3, 2, 3, 3), whole(2, 2, 2, 4, 5), whole(3, 2, 3, 4, 5)
    image = (correlate(kernel, y, boundary) * w).sum()
    assert image == (y * correlate(adjoint(kernel), w, boundary)).sum()
    assert image == (kernel * kernel_adjoint(w, patches(y, 3, boundary), kernel.shape)).sum()


# -- derivative products (3.13) --------------------------------------------------------------------
@pytest.mark.slow
@BOUNDARIES
def test_a_layer_has_exact_derivatives(boundary):
    net = ResidualNetwork(1, 2, Fraction(1, 3), fluxes.cubic(), boundary)
    theta, y = whole(1, net.size), whole(2, 2, 2, 4, 4)
    layer, = net.linearise(theta, y).layers
    v, dk, db = whole(3, *y.shape), whole(4, 1, 2, 2, 3, 3), whole(5, 1, 2)
    kernel, bias = net.unpack(theta)
    assert (layer.features(v) == derivative(lambda e: net(theta, y + e * v))).all()
    assert (layer.weights(dk[0]) == derivative(
        lambda e: net(net.pack(kernel + e * dk, bias), y))).all()
    assert (layer.bias(db[0]) == derivative(
        lambda e: net(net.pack(kernel, bias + e * db), y))).all()
    w = whole(6, *y.shape)
    assert (layer.features(v) * w).sum() == (v * layer.features_adjoint(w)).sum()
    assert (layer.weights(dk[0]) * w).sum() == (dk[0] * layer.weights_adjoint(w)).sum()
    assert (layer.bias(db[0]) * w).sum() == (db[0] * layer.bias_adjoint(w)).sum()


@pytest.mark.slow
@BOUNDARIES
def test_a_network_has_exact_derivatives(boundary):
    net = ResidualNetwork(2, 2, Fraction(1, 2), SQUARE, boundary)
    theta, y = whole(1, net.size), whole(2, 1, 2, 4, 4)
    v, start, w = whole(3, net.size), whole(4, *y.shape), whole(5, *y.shape)
    near = net.linearise(theta, y)
    assert (near.features == net(theta, y)).all()
    assert (near.forward(v) == derivative(lambda e: net(theta + e * v, y))).all()
    moved = near.forward(0 * v, start)
    assert (moved == derivative(lambda e: net(theta, y + e * start))).all()
    assert (near.forward(v) * w).sum() == v @ near.adjoint(w)
    assert (moved * w).sum() == (start * near.start_adjoint(w)).sum()


@pytest.mark.parametrize("activation", [fluxes.tanh(), fluxes.charbonnier()], ids=repr)
def test_derivatives_in_floats(activation):
    net, rng = ResidualNetwork(3, 4, "1/2", activation), np.random.default_rng(0)
    theta, y = net.initial(1), rng.standard_normal((5, 4, 6, 8))
    v, start, w = net.initial(2), *rng.standard_normal((2, *y.shape))
    near, h = net.linearise(theta, y), 1e-5
    difference = (net(theta + h * v, y + h * start) - net(theta - h * v, y - h * start)) / (2 * h)
    assert close(near.forward(v, start), difference, 8)
    left = (near.forward(v, start) * w).sum()
    assert close(left, v @ near.adjoint(w) + (start * near.start_adjoint(w)).sum())


def test_the_printed_identity_in_the_derivative_by_the_weights_is_wrong():
    net = ResidualNetwork(1, 1, 1, fluxes.identity())
    centre = net.pack(np.pad([[1.0]], 1)[None, None, None], np.zeros((1, 1)))
    near = net.linearise(0 * centre, np.ones((1, 1, 4, 4)))
    assert (near.forward(centre) == 1).all()  # with the printed I it would be 2


# -- losses, classifiers, Gauss-Newton -------------------------------------------------------------
@pytest.mark.parametrize("loss", [LeastSquares(), CrossEntropy()])
def test_losses_have_these_derivatives(loss):
    rng, h = np.random.default_rng(0), 1e-5
    z, v, targets = *rng.standard_normal((2, 6, 3)), np.eye(3)[[0, 1, 2, 2, 1, 0]]
    slope = (loss.value(z + h * v, targets) - loss.value(z - h * v, targets)) / (2 * h)
    assert close((loss.gradient(z, targets) * v).sum(), slope, 8)
    curve = (loss.gradient(z + h * v, targets) - loss.gradient(z - h * v, targets)) / (2 * h)
    assert close(loss.curvature(z, v), curve, 8)


@pytest.mark.parametrize("loss", [LeastSquares(), CrossEntropy()])
def test_fitting_finds_the_stationary_classifier(loss):
    rng, ridge = np.random.default_rng(0), 0.1
    features, targets = rng.standard_normal((40, 2, 3, 3)), np.eye(3)[rng.integers(0, 3, 40)]
    found = fit(loss, features, targets, ridge, method=GaussNewton(20, 60, 1e-10, 1e-12))
    slope = loss.gradient(found(features), targets)
    assert np.abs(slope.sum(axis=0) + ridge * found.bias).max() < 1e-10
    rows = slope.T @ features.reshape(40, -1) + ridge * found.weights.reshape(3, -1)
    assert np.abs(rows).max() < 1e-10
    again = fit(loss, features, targets, ridge, found)
    assert close(again.weights, found.weights, 8)


class Bounded:
    """½ x²/(1 + x²): a full Gauss-Newton step goes from x to −x³, uphill for |x| > 1."""

    def value(self, x):
        return float(x[0] ** 2 / (1 + x[0] ** 2) / 2)

    def expand(self, x):
        slope = (1 + x[0] ** 2) ** -1.5
        residual = x / np.sqrt(1 + x[0] ** 2)
        return Expansion(self.value(x), slope * residual, lambda v: slope**2 * v)


def test_the_line_search_shortens_steps_that_go_uphill():
    full = GaussNewton(1, 1, halvings=0).minimise(Bounded(), [2.0])
    assert full.x == [2.0] and len(full.values) == 1 and not full.converged
    found = GaussNewton(20, 1).minimise(Bounded(), [2.0])
    assert found.converged and abs(found.x[0]) < 1e-6
    assert list(found.values) == sorted(found.values, reverse=True)
    assert found.evaluations > found.expansions > found.products - 1


def tiny(seed=0):
    """Three shapes of either sign in noise: no linear classifier tells them apart."""
    rng = np.random.default_rng(seed)
    labels = np.arange(240) % 3
    shapes = np.random.default_rng(9).standard_normal((3, 8, 8))[labels]
    signs = rng.choice([-1, 1], (240, 1, 1))
    return Labelled(signs * shapes + rng.standard_normal((240, 8, 8)) / 2, labels, 3)


@pytest.mark.parametrize("loss", [LeastSquares(), CrossEntropy()])
def test_the_gauss_newton_model_of_the_weights(loss):
    data, net = tiny(), ResidualNetwork(2, 2)
    theta, rng, h = net.initial(0), np.random.default_rng(1), 1e-5
    classifier = Classifier(rng.standard_normal((3, 2, 8, 8)) / 8, rng.standard_normal(3))
    objective = WeightObjective(net, classifier, loss, net.open(data.images), data.targets, 0.1)
    near, v, w = objective.expand(theta), *rng.standard_normal((2, net.size))
    slope = (objective.value(theta + h * v) - objective.value(theta - h * v)) / (2 * h)
    assert near.value == objective.value(theta) and close(near.gradient @ v, slope, 7)
    assert close(near.product(v) @ w, v @ near.product(w)) and v @ near.product(v) > 0


# -- scales ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [0, 1])
def test_prolonged_stencils_are_galerkin(seed):
    prolongation, restriction = weighted_transfer(2).matrices((8, 8), PERIODIC, object)

    def matrix(weights, n):
        return correlation(stencil(weights), (n, n), (n, n), boundary=PERIODIC, dtype=object)

    coarse = whole(seed, 3, 3) + Fraction(1, 7)
    fine = GALERKIN.refine(coarse)
    assert restriction @ matrix(fine, 8) @ prolongation == matrix(coarse, 4)
    assert (fine == stencils.refine(coarse)).all()
    assert (GALERKIN.coarsen(fine) == coarse).all()
    assert (GALERKIN.coarsen(coarse) == stencils.coarsen(coarse)).all()
    assert (REDISCRETISED.coarsen(coarse) == stencils.rediscretise(coarse)).all()
    assert (REDISCRETISED.refine(coarse) == stencils.rediscretise(coarse, "1/2")).all()
    assert (UNCHANGED.refine(coarse) == coarse).all()


def test_weights_come_back_from_the_next_grid():
    net = ResidualNetwork(2, 3)
    exact = whole(0, net.size)
    assert (restrict_weights(net, prolong_weights(net, exact)) == exact).all()
    theta = net.initial(0)
    assert close(prolong_weights(net, restrict_weights(net, theta)), theta)
    kernels, biases = net.unpack(exact)
    fine, same = net.unpack(prolong_weights(net, exact))
    assert (same == biases).all()
    assert all((stencils.refine(kernels[at]) == fine[at]).all() for at in np.ndindex(2, 3, 3))


def test_classification_weights_are_those_of_an_integral():
    rng = np.random.default_rng(0)
    fine = Classifier(rng.standard_normal((3, 2, 8, 8)), rng.standard_normal(3))
    coarse = restrict_classifier(fine)
    y, small = rng.standard_normal((5, 2, 8, 8)), rng.standard_normal((5, 2, 4, 4))
    assert close(coarse(small), fine(prolong_images(small)))
    assert close(prolong_classifier(coarse)(y), coarse(restrict_images(y)))


@pytest.mark.slow
def test_training_reduces_the_loss_and_repeats():
    data, held_out, net, seen = tiny(0), tiny(1), ResidualNetwork(2, 2), []
    training = Training(rounds=3, batch=200, decay=1e-3)
    model, records = training.run(net, net.initial(0), data, held_out, 0, watch=seen.append)
    assert [r.round for r in records] == [0, 1, 2, 3] and seen == records
    assert records[-1].loss < records[0].loss
    assert records[-1].accuracy == model.accuracy(data)
    assert [r.work for r in records] == sorted({r.work for r in records})
    again, _ = training.run(net, net.initial(0), data, held_out, 0)
    other, _ = training.run(net, net.initial(0), data, held_out, 1)
    assert (again.theta == model.theta).all() and (other.theta != model.theta).any()
    assert (again.classifier.weights == model.classifier.weights).all()


@pytest.mark.slow
def test_every_part_of_a_round_reduces_its_objective():
    data, net = tiny(), ResidualNetwork(2, 2)
    training = Training(rounds=1, batch=240, loss=CrossEntropy())
    _, (before, after) = training.run(net, net.initial(0), data, data, 0)
    assert after.loss < before.loss and after.validation_loss == after.loss


@pytest.mark.slow
def test_coarse_to_fine_trains_on_every_grid():
    data, held_out, net = pyramid(tiny(0), 2), pyramid(tiny(1), 2), ResidualNetwork(2, 2)
    training = Training(rounds=2, batch=200, decay=1e-3)
    models, records = train_coarse_to_fine(training, net, net.initial(0), data, held_out, 0)
    assert [(r.shape, r.round) for r in records] == [((n, n), k) for n in (4, 8) for k in range(3)]
    assert records[-1].loss < records[3].loss
    alone, found = training.run(net, net.initial(0), data[1], held_out[1], 0)
    assert (alone.theta == models[0].theta).all()
    assert found[-1].work == 4 * records[2].work < 4 * records[3].work
    start = prolong_weights(net, models[0].theta)
    _, first = Training(rounds=0).run(net, start, data[0], held_out[0], 0)
    assert first[0].loss == records[3].loss
    small = coarse_model(models[1])
    assert isinstance(small, Model) and small.scores(data[1].images).shape == (240, 3)


@pytest.mark.slow
def test_digits():
    training, validation = load_digits(0, training=1500, margin=2)
    assert training.images.shape == (1500, 12, 12) and len(validation) == 297
    assert training.images.min() == 0 and training.images.max() == 1
    assert set(training.labels) == set(range(10)) and training.targets.sum() == 1500
    again, _ = load_digits(0, training=1500, margin=2)
    assert (again.images == training.images).all()
    fine, _ = load_digits(0, training=1500, margin=2, refinements=1)
    assert (fine.images[:, ::2, ::2] == training.images).all()


# -- errors and examples ---------------------------------------------------------------------------
NET = ResidualNetwork(1, 1)


@pytest.mark.parametrize("name, call", [
    ("layers", lambda: ResidualNetwork(layers=0)), ("channels", lambda: ResidualNetwork(1, 1.5)),
    ("delta", lambda: ResidualNetwork(delta=0)),
    ("boundary", lambda: ResidualNetwork(boundary=abs)),
    ("theta", lambda: NET(np.zeros(3), np.zeros((1, 1, 4, 4)))),
    ("start", lambda: NET(np.zeros(10), np.zeros((1, 2, 4, 4)))),
    ("start", lambda: NET(np.zeros(10), np.full((1, 1, 4, 4), np.nan))),
    ("start", lambda: NET(np.zeros(10), np.zeros((1, 1, 4, 4), int))),
    ("images", lambda: NET.open(np.zeros((4, 4)))), ("steps", lambda: GaussNewton(steps=0)),
    ("accuracy", lambda: GaussNewton(accuracy=1)), ("tolerance", lambda: GaussNewton(tolerance=2)),
    ("ridge", lambda: Training(ridge=0)), ("rounds", lambda: Training(rounds=-1)),
    ("ridge", lambda: fit(LeastSquares(), np.zeros((2, 1, 1, 1)), np.eye(2), 0)),
    ("targets", lambda: fit(LeastSquares(), np.zeros((3, 1, 1, 1)), np.eye(2), 1)),
    ("labels", lambda: Labelled(np.zeros((2, 4, 4)), np.array([0, 5]), 3)),
    ("images", lambda: Labelled(np.zeros((2, 4, 4)), np.array([0]), 3)),
    ("bias", lambda: Classifier(np.zeros((2, 1, 4, 4)), np.zeros(3))),
    ("features", lambda: Classifier(np.zeros((2, 1, 4, 4)), np.zeros(2))(np.zeros((1, 1, 2, 2)))),
    ("stencils", lambda: GALERKIN.refine(np.zeros((5, 5)))), ("shape", lambda: pyramid(tiny(), 4)),
    ("levels", lambda: pyramid(tiny(), 0)), ("training", lambda: load_digits(0, training=2000)),
    ("margin", lambda: load_digits(0, margin=-1)),
    ("images", lambda: train_coarse_to_fine(Training(), NET, NET.initial(0), [], [], 0))])
def test_bad_arguments_are_named(name, call):
    with pytest.raises(InvalidArgument, match=rf"\b{name}\b.*:"):
        call()


def test_the_examples_in_the_documentation():
    assert doctest.testmod(network).failed == 0
