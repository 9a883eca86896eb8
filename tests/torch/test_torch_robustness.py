"""Attacks, noise and certified radii, where the worst disturbance is known in closed form."""

import pytest
from with_torch import load_torch

from stabkit.errors import InvalidArgument

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, robustness
    torch, _ = load_torch(seed=8)
    from stabkit.torch import robustness


def linear():
    """A linear classifier of two classes, with images whose labels are its own."""
    model = torch.nn.Linear(6, 2)
    images = torch.randn(300, 6)
    return model, images, model(images).argmax(1)


def distances(model, images):
    """How far every image lies from the border between the two classes."""
    w = model.weight[0] - model.weight[1]
    return ((images @ w + model.bias[0] - model.bias[1]).abs() / w.norm()).detach()


def test_the_attack_finds_the_worst_disturbance_of_a_linear_net():
    """An image is lost exactly if its distance from the border is below the radius."""
    model, images, labels = linear()
    for radius in (0.0, 0.3, 1.0):
        moved = robustness.attacked(model, images, labels, radius)
        assert float((moved - images).norm(dim=1).max()) <= radius * (1 + 1e-5)
        lost = model(moved).argmax(1) != labels
        away = distances(model, images)
        assert (lost == (away < radius))[(away - radius).abs() > 1e-3].all()


def test_what_is_certified_is_never_lost():
    """The certificate counts images at a distance; with too small a constant it would be wrong."""
    model, images, labels = linear()
    constant = float(torch.linalg.matrix_norm(model.weight.detach(), 2)) * 1.0001
    for radius in (0.1, 0.4):
        rows = robustness.table(model, images, labels, [radius], seed=0, constant=constant)
        assert 0 < rows[0]["certified"] <= rows[0]["attack"] <= 1
        assert rows[0]["attack"] <= rows[0]["noise"] + 0.05
    wrong = robustness.certified_accuracy(model, images, labels, 0.4, constant / 10)
    assert wrong > robustness.table(model, images, labels, [0.4], 0)[0]["attack"]


def test_modes_are_put_back_and_noise_has_its_size():
    """Dropout is off while it is measured; the norm of noise is about the size."""
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.9), torch.nn.Linear(100, 2))
    model[1].eval()
    images = torch.zeros(50, 1, 10, 10)
    assert robustness.accuracy(model, images, torch.zeros(50, dtype=torch.long)) in (0, 1)
    assert [part.training for part in model] == [True, False, True]
    sizes = robustness.noisy(images, 2.0, seed=1).flatten(1).norm(dim=1)
    assert 1.8 < float(sizes.mean()) < 2.2


def test_bad_arguments_of_robustness():
    """No image, no constant, and numbers that would certify anything."""
    model, images, labels = linear()
    for call, words in (
            (lambda: robustness.attacked(model, images, labels, -1.0), "radius"),
            (lambda: robustness.noisy(images[:0], 1.0, 0), "images: must be at least one"),
            (lambda: robustness.accuracy(model, images[:0], labels[:0]), "images"),
            (lambda: robustness.certified_accuracy(model, images, labels, 1, None), "constant"),
            (lambda: robustness.certified_accuracy(model, images, labels, 1, -1), "constant"),
            (lambda: robustness.certified_accuracy(model, images, labels, -1, 1), "radius"),
            (lambda: robustness.certified_accuracy(model, images, labels, 1, float("nan")),
             "constant")):
        with pytest.raises(InvalidArgument, match=words):
            call()
