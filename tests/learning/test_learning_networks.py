"""The full networks of ruthotto2018: weights, dynamics, normalisations, the regulariser (13)."""

import doctest

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.errors import InvalidArgument
from stabkit.learning import (
    CIFAR10,
    CIFAR100,
    STL10,
    Architecture,
    BatchStatistics,
    Normalisation,
    PixelVariation,
    TimeSmoothness,
    architecture,
    frozen,
    hamiltonian,
    parabolic,
    second_order,
    unchanged,
)
from stabkit.learning.images import adjoint, correlate
from stabkit.learning.normalisation import fresh
from stabkit.operators import DIRICHLET, PERIODIC, from_matrix
from stabkit.schemes import SymmetricLayer


def close(a, b, digits=12):
    """Equal up to rounding, relative to the size of what is compared."""
    size = max(np.abs(a).max(), np.abs(b).max(), 1e-300)
    return np.abs(np.asarray(a) - b).max() <= 10.0**-digits * size


@pytest.mark.parametrize("described, dynamics, weights", [
    (STL10, parabolic, 618554), (STL10, hamiltonian, 324794), (STL10, second_order, 618554),
    (CIFAR10, parabolic, 502570), (CIFAR10, hamiltonian, 264106), (CIFAR10, second_order, 502570),
    (CIFAR100, parabolic, 652484), (CIFAR100, hamiltonian, 362180),
    (CIFAR100, second_order, 652484)])
def test_networks_have_as_many_weights_as_printed(described, dynamics, weights):
    assert described.build(dynamics, seed=0).weights == weights


SMALL = dict(image=(3, 8, 12), widths=(4, 6), last=6, classes=5, delta="1/2")
DYNAMICS = pytest.mark.parametrize("dynamics", [parabolic, hamiltonian, second_order])


@DYNAMICS
def test_networks_run_forward(dynamics):
    images = np.random.default_rng(0).standard_normal((4, 3, 8, 12))
    net = Architecture(**SMALL).build(dynamics, seed=0)
    scores = net(images)
    assert scores.shape == (4, 5) and np.isfinite(scores).all()
    assert (scores == Architecture(**SMALL).build(dynamics, seed=0)(images)).all()
    assert not close(net(images[:2]), scores[:2], 3)  # the batch matters, until it is frozen
    fixed = frozen(net, images)
    assert close(fixed(images), scores) and close(fixed(images[:2]), scores[:2])
    assert fixed.weights == net.weights
    assert sum(t.size for t in net.trajectories()) < net.weights
    assert [len(t) for t in net.trajectories()] == [3, 3]


@DYNAMICS
@pytest.mark.parametrize("standardise", [unchanged, PixelVariation(), BatchStatistics()])
def test_blocks_take_the_steps_of_the_paper(dynamics, standardise):
    rng = np.random.default_rng(0)

    def layer(n):
        kernel = rng.standard_normal((n, n, 3, 3)) / 9
        return architecture.image_layer(kernel, fresh(n, standardise), fluxes.relu(), (4, 4))

    y = rng.standard_normal((2, 4, 4, 4))
    block = dynamics(layer, 4, 2, "1/2")

    def flow(part, images):  # −Kᵀσ(N(K y))
        z = part.normalisation.images(correlate(part.K.kernel, images, DIRICHLET))
        return -correlate(adjoint(part.K.kernel), np.maximum(z, 0), DIRICHLET)

    before, now = y, y
    for step in block.steps:
        if dynamics is parabolic:
            now = now + flow(step.layer, now) / 2
        elif dynamics is second_order:
            before, now = now, 2 * now - before + flow(step.layer, now) / 4
        else:
            top = now[:, :2] - flow(step.first, now[:, 2:]) / 2
            now = np.concatenate([top, now[:, 2:] + flow(step.second, top) / 2], axis=1)
    assert close(block(y), now)


def test_normalisations():
    y = np.random.default_rng(0).standard_normal((5, 3, 4, 6)) + 2
    assert (fresh(3)(y) == y).all()
    scaled = Normalisation(np.array([1.0, 2, 3]), np.array([0.0, 1, 0]))(y)
    assert (scaled[:, 1] == 2 * y[:, 1] + 1).all()
    batch = fresh(3, BatchStatistics())(y)
    assert np.abs(batch.mean(axis=(0, 2, 3))).max() < 1e-14
    assert np.abs(batch.var(axis=(0, 2, 3)) - 1).max() < 1e-4
    statistics = BatchStatistics().frozen(y)
    assert (statistics(y) == batch).all() and (statistics(y[:1]) == batch[:1]).all()
    varied = PixelVariation("1/1000")(y)
    assert close(varied, y / np.sqrt((y**2).sum(axis=1, keepdims=True) + 1e-3))


def test_the_time_smoothness_regulariser():
    theta = np.array([[0.0, 1.0], [3.0, 1.0]])
    plain = TimeSmoothness(2.0, 0.5, tau=16.0, delta=0.5)
    # α₁ δ (√(6² + 16) + √(0 + 16)) + (α₂/2)(δ · 11 + 4)
    assert close(plain.value([theta], [np.array([2.0])]), np.sqrt(52) + 4 + 0.25 * (5.5 + 4))
    rng, h = np.random.default_rng(0), 1e-6
    thetas, others = [rng.standard_normal((4, 5)), rng.standard_normal((1, 3))], [np.ones(2)]
    slopes, rest = plain.gradient(thetas, others)
    moved = [rng.standard_normal(t.shape) for t in thetas]
    up, down = ([t + s * h * m for t, m in zip(thetas, moved, strict=True)] for s in (1, -1))
    slope = (plain.value(up, others) - plain.value(down, others)) / (2 * h)
    assert close(sum((a * b).sum() for a, b in zip(slopes, moved, strict=True)), slope, 7)
    assert (rest[0] == 0.5).all()


@pytest.mark.parametrize("name, call", [
    ("widths", lambda: Architecture((3, 8, 8), (), 2, 2)),
    ("image", lambda: Architecture((3, 8, 9), (2, 2), 2, 2)),
    ("channels", lambda: Architecture((3, 8, 8), (3,), 2, 2).build(hamiltonian, 0)),
    ("images", lambda: architecture.average_pooling(np.zeros((1, 1, 3, 4)))),
    ("images", lambda: fresh(2)(np.zeros((1, 3, 4, 4)))),
    ("scale", lambda: Normalisation(np.ones(2), np.ones(3))),
    ("tau", lambda: TimeSmoothness(1, 1, 0)), ("alpha1", lambda: TimeSmoothness(-1, 1)),
    ("trajectories", lambda: TimeSmoothness(1, 1).value([np.zeros(3)]))])
def test_bad_arguments_are_named(name, call):
    with pytest.raises(InvalidArgument, match=rf"\b{name}\b.*:"):
        call()


def test_the_examples_in_the_documentation():
    assert doctest.testmod(architecture).failed == 0


@pytest.mark.parametrize("boundary", [DIRICHLET, PERIODIC])
def test_a_layer_of_images_is_the_layer_of_its_matrix(boundary):
    """−Kᵀσ(N(K y)), once by stencils and once with the matrix of K, N scaling by channel."""
    rng = np.random.default_rng(5)
    kernel, y = rng.standard_normal((2, 2, 3, 3)), rng.standard_normal((3, 40))
    scale, bias = np.array([2.0, 0.5]), np.array([1.0, -1.0])
    images = architecture.image_layer(kernel, Normalisation(scale, bias), fluxes.relu(), (4, 5),
                                      boundary)
    matrix = from_matrix(images.K.exact())
    flat = SymmetricLayer(matrix, fluxes.relu(), scale=np.repeat(scale, 20).tolist(),
                          bias=np.repeat(bias, 20).tolist())
    assert close(images(y), flat(y)) and images.size == flat.size == 40
    assert close(images.K.T @ y, y @ np.asarray(matrix))
    with pytest.raises(InvalidArgument, match="normalisation"):
        images.jacobian(y[0:1])
