"""Parabolic layers with N_tv: certified in training, exported, and read back as what they are."""

import warnings

import numpy as np
import pytest
from with_torch import load_torch

from stabkit import CONTRACTION, EUCLIDEAN, InvalidArgument, Status, audit, fluxes
from stabkit.audit.onnx_file import read
from stabkit.networks.graph import evaluate

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, st
    torch, st = load_torch(seed=5)


def parabolic(flux=fluxes.relu):
    return st.ParabolicLayer(st.Stencil(2, 3, (3,)), st.Activation(flux), notion=EUCLIDEAN)


def export(module, u, path, dynamo):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (u,), path, dynamo=dynamo, verbose=False)


def drive_up(module, shape, steps=30):
    """Train for what the constraint forbids: for norms that grow."""
    climb = torch.optim.Adam(module.parameters(), lr=0.2)
    for _ in range(steps):
        climb.zero_grad()
        (-module(torch.randn(8, *shape)).square().mean()).backward()
        climb.step()


@pytest.mark.parametrize("shape", [(2, 5), (2, 90)], ids=["small", "large"])
def test_a_trained_layer_is_proved_from_the_files_of_both_exporters(shape, tmp_path):
    """A small one by a matrix inequality in exact numbers, a large one by a bound of ‖K‖; and the
    graph that is read computes what the module does, on random signals of any size."""
    module = parabolic()
    drive_up(module, shape)
    plain, u = st.plain_copy(module).double(), torch.randn(20, *shape, dtype=torch.float64)
    u *= torch.logspace(-3, 3, 20, dtype=torch.float64)[:, None, None]
    for dynamo in (True, False):
        export(plain, u[:1], tmp_path / "net.onnx", dynamo)
        away = evaluate(read(tmp_path / "net.onnx"), u.numpy()) - plain(u).detach().numpy()
        assert np.abs(away).max() <= 1e-9 * np.abs(u.numpy()).max()
        found = audit(tmp_path / "net.onnx", notions=["euclidean"], rounding="exact", budget=20)
        block, = found.blocks
        assert block.form == "parabolic block" and found.status is Status.PROVED
        assert block.statuses["euclidean"] is Status.PROVED and block.step < block.safe


@pytest.mark.parametrize("plant", [
    lambda layer: layer.tau.mul_(4), lambda layer: layer.tau.neg_(),
    lambda layer: setattr(layer.layer.normalisation, "eps", 1e-3 / 16),
    lambda layer: layer.layer.normalisation.weight[1:2].neg_(),
    lambda layer: layer.layer.K.weight.mul_(2),
    lambda layer: layer.layer.normalisation.register_parameter(
        "bias", torch.nn.Parameter(torch.full((3,), 0.1))),
], ids=["step", "sign", "epsilon", "scale", "stencil", "bias"])
def test_a_planted_fault_is_not_proved(plant, tmp_path):
    """Twice the bound, a sign turned, or 0 moved: never proved, whatever the form is called."""
    plain = st.plain_copy(parabolic(fluxes.identity))
    with torch.no_grad():
        plant(plain)
    export(plain, torch.zeros(1, 2, 6), tmp_path / "net.onnx", False)
    found = audit(tmp_path / "net.onnx", notions=["euclidean"], rounding="exact", budget=1)
    assert found.status is not Status.PROVED


@pytest.mark.parametrize("build, words", [
    (lambda: st.ParabolicLayer(st.Stencil(1, 2), notion=CONTRACTION), "PixelVariation in EUCL"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), normalisation=torch.nn.BatchNorm2d(2)),
     "normalisation: no step"),
    (lambda: st.stable(st.ParabolicLayer(st.Stencil(1, 2)), EUCLIDEAN), r"bias=False"),
    (lambda: st.stable(turned(), EUCLIDEAN), "positive weights"),
])
def test_what_has_no_certificate_is_named(build, words):
    """A notion, another normalisation, a bias, and a scale that turns signs."""
    with pytest.raises(InvalidArgument, match=words):
        build()


def turned():
    """A free layer one of whose scales is negative."""
    layer = st.ParabolicLayer(st.Stencil(1, 2), None, st.PixelVariation(2, bias=False))
    with torch.no_grad():
        layer.layer.normalisation.weight[0] = -1.0
    return layer


def test_scales_stay_positive_and_the_step_follows_them():
    """τ max s is the same for every s that the bound allows for, so 10 s has a tenth of the step.
    """
    layer = parabolic()
    before = layer.tau.item()
    with torch.no_grad():
        layer.layer.normalisation.weight = torch.tensor([1.0, 10.0, 0.5])
    assert abs(layer.tau.item() - before / 10) <= 1e-4 * before
    with pytest.raises(InvalidArgument, match="weight: must be positive"):
        layer.layer.normalisation.weight = torch.tensor([1.0, -1.0, 1.0])
    for eps in (-1.0, 1e-50, float("inf"), float("nan")):  # 1e-50 is 0 in float32
        layer.layer.normalisation.eps = eps
        with pytest.raises(InvalidArgument, match="eps: must be positive"):
            layer(torch.zeros(1, 2, 5))
