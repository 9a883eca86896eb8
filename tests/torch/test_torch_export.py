"""What users do to a network besides training it: export, copy, prune, compile, take it apart."""

import io
import pickle

import pytest

from stabkit import CONTRACTION, EUCLIDEAN, RANGE, InvalidArgument, audit, fluxes
from stabkit.operators import MIRRORED, PERIODIC
from stabkit.stability.verdict import PROVED

pytestmark = pytest.mark.slow  # loading PyTorch takes more than a second


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, nn, st
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from torch import nn

    from stabkit import torch as st

    torch.set_num_threads(1)
    torch.manual_seed(0)


def block(notion=CONTRACTION, **options):
    return st.DiffusionBlock(st.Stencil(1, 2, (3,), **options), st.Activation(fluxes.soft), notion)


def residual():
    class Block(nn.Module):
        """A user's own."""

        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 4)

        def forward(self, u):
            return u + self.second(torch.relu(self.first(u)))

    return st.stable(nn.Sequential(Block()))


EXPORTED = {
    "zeros outside": (lambda: block(), (1, 4), "diffusion block"),
    "around": (lambda: block(boundary=PERIODIC), (1, 4), "diffusion block"),
    "mirrored": (lambda: block(boundary=MIRRORED), (1, 4), "diffusion block"),
    "differences": (lambda: st.DiffusionBlock(st.Differences(1, 1), st.Activation(fluxes.soft),
                                              RANGE), (1, 4), "diffusion block"),
    "Haar": (lambda: st.HaarShrinkage(), (1, 4), "diffusion block"),
    "a user's own": (residual, (4,), "diffusion block"),
}


@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.parametrize("build", EXPORTED.values(), ids=EXPORTED)
def test_a_plain_copy_is_exported_and_read_with_the_same_verdict(build, dynamo, tmp_path):
    """By both of PyTorch's exporters, with their optimisations: the form, and that it contracts."""
    make, shape, form = build
    module, u = make(), torch.randn(3, *shape)
    plain = st.plain_copy(module)
    assert torch.equal(plain(u), module(u))
    torch.onnx.export(plain, (u[:1],), tmp_path / "net.onnx", dynamo=dynamo, verbose=False)
    found = audit(tmp_path / "net.onnx", notions=["contraction"], budget=2)
    assert [part.form for part in found.blocks] == [form]
    assert found.status is PROVED


@pytest.mark.parametrize("make", [block, lambda: st.ParabolicLayer(
    st.Stencil(1, 2, (3,)), notion=EUCLIDEAN), lambda: st.HaarShrinkage()])
def test_a_plain_copy_can_be_pickled_and_saved(make):
    """What comes back computes the same, and so does what a state is loaded into."""
    module, u = make(), torch.randn(2, 1, 5)
    plain = st.plain_copy(module)
    assert torch.equal(pickle.loads(pickle.dumps(plain))(u), module(u))
    whole = io.BytesIO()
    torch.save(plain, whole)
    whole.seek(0)
    assert torch.equal(torch.load(whole, weights_only=False)(u), module(u))
    other = make()
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(u), module(u))


@pytest.mark.parametrize("dynamo", [True, False])
def test_a_nonlinear_cycle_is_read_as_what_it_is(dynamo, tmp_path):
    """With its inner steps and its τ, also of one step; and with another coefficient it is none."""
    for length, spoil in ((3, None), *(() if dynamo else ((1, None), (3, 0.0), (3, 1e-4)))):
        cycle = st.plain_copy(st.FSICycle(st.Stencil(1, 2, (3,)), st.Activation(fluxes.soft),
                                          length, None, 0.375, frozen=False))
        whole = cycle if spoil is None else spoilt(cycle, spoil)
        torch.onnx.export(whole, (torch.zeros(1, 1, 5),), tmp_path / "net.onnx", dynamo=dynamo,
                          verbose=False)
        block, = audit(tmp_path / "net.onnx", notions=["euclidean"], budget=0.5).blocks
        assert block.form == ("general" if spoil else "FSI cycle")
        if not spoil:
            assert f"of {length} step" in block.note and abs(block.step - 0.375) < 1e-6


def spoilt(cycle, by):
    """The cycle of three steps with another coefficient in the last one."""
    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = cycle.layer

        def forward(self, u):
            one = 2 / 3 * (u + 0.375 * self.layer(u)) + 1 / 3 * u
            two = 6 / 5 * (one + 0.375 * self.layer(one)) - 1 / 5 * u
            return (10 / 7 + by) * (two + 0.375 * self.layer(two)) - 3 / 7 * one
    return Module()


@pytest.mark.parametrize("write", [
    lambda module, u: torch.export.export(module, (u,)),
    lambda module, u: torch.jit.trace(module, (u,)),
    lambda module, u: torch.onnx.export(module, (u,), io.BytesIO(), dynamo=False)])
@pytest.mark.parametrize("make", [block, residual])
def test_an_export_under_a_bound_names_the_plain_copy(make, write):
    """The bound is computed from the weights by choices that no graph holds."""
    u = torch.zeros((1, 1, 4) if make is block else (1, 4))
    with pytest.raises(InvalidArgument, match="plain_copy"):
        write(make(), u)


def test_a_step_follows_a_part_that_is_replaced():
    """τ <= 2/(L‖K‖²) of the K and the Φ that are there, and no step where there is none."""
    made = st.DiffusionBlock(st.Stencil(1, 2, (3,)), st.Activation(fluxes.charbonnier), CONTRACTION)
    before, old = made.tau.item(), made.layer.K.weight.detach()
    made.layer.K = st.Stencil(1, 2, (3,))
    with torch.no_grad():
        made.layer.K.weight.copy_(100 * old)
    taps = made.layer.K.weight.detach().double()
    assert made.tau.item() < before / 1000
    assert made.tau.item() * float((taps**2).sum()) <= 2 * 3  # ‖K‖² >= ‖taps‖²/3
    made.layer.flux = st.Activation(fluxes.perona_malik)
    with pytest.raises(InvalidArgument, match="falls somewhere"):
        made(torch.zeros(1, 1, 4))


def test_weights_that_a_hook_computes_have_no_bound():
    """Pruning writes them when the stencil is called, after the step was computed."""
    from torch.nn.utils import prune

    made = block()
    prune.random_unstructured(made.layer.K, "weight", 0.5)
    with pytest.raises(InvalidArgument, match="computed by a hook"):
        made(torch.zeros(1, 1, 4))
    prune.remove(made.layer.K, "weight")
    assert st.certify(made, (1, 4), CONTRACTION, budget=2).status is PROVED


def test_what_is_left_of_a_tied_layer_is_not_trained():
    """Every parameter that wants a gradient gets one, as data-parallel training asks for."""
    net = residual()
    net(torch.randn(2, 4)).square().sum().backward()
    assert all(each.grad is not None for each in net.parameters() if each.requires_grad)


def test_checkpoints_and_functional_calls_compute_the_same():
    """Values and gradients, with the forward pass computed again in the backward one."""
    from torch.utils.checkpoint import checkpoint

    net, u = nn.Sequential(block(), block(EUCLIDEAN)), torch.randn(2, 1, 4)
    plain = torch.autograd.grad(net(u).square().sum(), list(net.parameters()))
    again = torch.autograd.grad(checkpoint(net, u, use_reentrant=False).square().sum(),
                                list(net.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))
    assert torch.equal(net(u), torch.func.functional_call(net, dict(net.named_parameters()), (u,)))


def test_a_compiled_net_is_trained_under_the_same_bound():
    """What Dynamo makes of it computes the same, also after the weights have moved."""
    net, u = residual(), torch.randn(2, 4)
    compiled = torch.compile(net, backend="eager")
    descent = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(2):
        loss = -compiled(u).square().sum()
        assert torch.equal(compiled(u), net(u))
        descent.zero_grad()
        loss.backward()
        descent.step()
    matrix = net[0].first.weight.detach().double()
    assert float(torch.linalg.matrix_norm(matrix, 2)) ** 2 <= 2


@pytest.mark.parametrize("make, shape", [
    (lambda: nn.Sequential(block(), block()), (1, 6)), (residual, (4,))], ids=["blocks", "own"])
def test_ascent_in_weights_and_inputs_never_drives_a_pair_apart(make, shape):
    """max |f(x) − f(y)|/|x − y| by Adam over weights, x and y at once, in double precision: at most
    1 at every step up to rounding, and proved afterwards."""
    net = make().double()
    x, y = (torch.randn(16, *shape, dtype=torch.float64, requires_grad=True) for _ in range(2))
    climb = torch.optim.Adam([*(p for p in net.parameters() if p.requires_grad), x, y], lr=0.1)
    worst = 0.0
    for _ in range(100):
        quotient = (net(x) - net(y)).flatten(1).norm(dim=1) / (x - y).flatten(1).norm(dim=1)
        worst = max(worst, float(quotient.detach().amax()))
        climb.zero_grad()
        (-quotient.sum()).backward()
        climb.step()
    assert 0.99 < worst <= 1 + 1e-12
    assert st.certify(net, shape, CONTRACTION, budget=2).status is PROVED
