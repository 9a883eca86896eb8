"""Whole networks under constraints: trained hard, and still proved; and what cannot be."""

import subprocess
import sys

import numpy as np
import pytest
from with_torch import load_torch

from stabkit import CONTRACTION, EUCLIDEAN, RANGE, Status, fluxes
from stabkit.errors import InvalidArgument
from stabkit.installation import install

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, nn, st
    torch, st = load_torch(seed=3)
    nn = torch.nn


def residual(first, second, bend):
    """A user's own block, in one of the ways that people write it."""
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.bend = first, second, nn.ReLU()

        def forward(self, u):
            return bend(self, u)
    return Block()


WAYS = {
    "a function": lambda self, u: u + self.two(torch.relu(self.one(u))),
    "a module, the skip last": lambda self, u: self.two(self.bend(self.one(u))) + u,
    "a method": lambda self, u: torch.add(u, self.two(self.one(u).tanh())),
}


def drive_apart(module, shape, steps=40):
    """Train for what the constraint forbids: to drive pairs of inputs apart."""
    optimiser = torch.optim.Adam(module.parameters(), lr=0.2)
    for _ in range(steps):
        u, w = torch.randn(2, 8, *shape)
        optimiser.zero_grad()
        (-(module(u) - module(w)).square().sum()).backward()
        optimiser.step()


@pytest.mark.parametrize("way", WAYS)
def test_a_users_own_block_is_proved_after_training(way):
    """u − Wᵀ act(W u + b) with ‖W‖² <= 2, for convolutions and for matrices."""
    for block, shape in (
            (residual(nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1), WAYS[way]),
             (2, 6, 6)),
            (residual(nn.Linear(5, 7), nn.Linear(7, 5), WAYS[way]), (5,))):
        drive_apart(st.stable(block), shape)
        found = st.certify(block, shape, budget=60)  # it takes a second, on a busy machine more
        assert found.status is Status.PROVED and found.blocks[0].form == "diffusion block"


def test_a_sequence_is_proved_after_training():
    """Linear layers, activations, blocks of this room and of the user, in a row."""
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(),
        st.DiffusionBlock(st.Stencil(3, 4, (3, 3)), bias=True, notion=CONTRACTION),
        residual(nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1), WAYS["a function"]),
        nn.Flatten(), nn.Linear(48, 5))
    with torch.no_grad():
        net[-1].weight *= 10  # its constant is at least 3.1 then
    free = st.certify(net, (1, 4, 4), budget=3)
    st.stable(net)
    drive_apart(net, (1, 4, 4))
    found = st.certify(net, (1, 4, 4), budget=60)
    assert found.status is Status.PROVED and found.upper <= 1
    assert free.status is not Status.PROVED


def test_a_second_call_finds_a_residual_block_again():
    """Its layers are parametrised by then, of classes that PyTorch makes up for each."""
    block = residual(nn.Linear(3, 5), nn.Linear(5, 3), WAYS["a function"])
    st.stable(st.stable(block))
    assert [len(layer.parametrizations.weight) for layer in (block.one, block.two)] == [1, 1]
    assert (block.two.weight == -block.one.weight.T).all()
    u, w = torch.randn(2, 8, 3)
    assert ((block(u) - block(w)).norm(dim=1) <= (u - w).norm(dim=1) * (1 + 1e-5)).all()


def test_a_block_may_stand_in_two_places_and_its_layers_may_not():
    """The same contraction twice is one; a layer that two blocks share would be bound twice."""
    block = residual(nn.Linear(3, 5), nn.Linear(5, 3), WAYS["a function"])
    st.stable(nn.Sequential(nn.Sequential(block), nn.Sequential(block)))
    first, square = nn.Linear(3, 5), nn.Linear(3, 3)
    tied = nn.Linear(3, 5)
    tied.weight = first.weight
    for net in (
            nn.Sequential(*(residual(first, nn.Linear(5, 3), WAYS["a function"])
                            for _ in range(2))),
            residual(square, square, WAYS["a function"]),
            nn.Sequential(square, residual(nn.Linear(3, 3), square, WAYS["a function"])),
            nn.Sequential(residual(first, nn.Linear(5, 3), WAYS["a function"]), nn.Linear(3, 3),
                          tied)):
        with pytest.raises(InvalidArgument, match="occur in two places"):
            st.stable(net)
        assert not any(nn.utils.parametrize.is_parametrized(part) for part in net.modules())


def of_a_subclass(known, *arguments):
    """A module of a class of PyTorch or of this room with a forward of its own, a planted fault."""
    class Louder(known):
        def forward(self, u):
            return 3 * super().forward(u)
    return Louder(*arguments)


@pytest.mark.parametrize("build", [
    lambda: of_a_subclass(nn.Sequential, nn.Linear(3, 3)), lambda: of_a_subclass(nn.Linear, 3, 3),
    lambda: of_a_subclass(nn.ReLU), lambda: of_a_subclass(nn.Flatten),
    lambda: of_a_subclass(nn.Conv2d, 1, 1, 3),
    lambda: of_a_subclass(st.HaarShrinkage), lambda: of_a_subclass(st.DiffusionBlock,
                                                                   st.Stencil(1, 1)),
    lambda: residual(of_a_subclass(nn.Linear, 3, 3), nn.Linear(3, 3), WAYS["a function"]),
    lambda: nn.utils.parametrizations.weight_norm(of_a_subclass(nn.Linear, 3, 3)),
])
def test_a_forward_of_its_own_is_not_taken_for_its_class(build):
    """3W with ‖W‖ <= 1 contracts nothing; and a subclass without one is what its class is."""
    with pytest.raises(InvalidArgument, match=r"is none of.*a forward of its own|Block is"):
        st.stable(build())

    class Plain(nn.Linear):
        pass
    st.stable(nn.Sequential(Plain(3, 3), nn.ReLU6()))


def test_keyword_arguments_of_a_function_are_read():
    """softplus(s, threshold=0) jumps by ln 2, and is not softplus(s)."""
    block = residual(nn.Linear(3, 3), nn.Linear(3, 3), lambda s, u: u + s.two(
        nn.functional.softplus(s.one(u), threshold=0)))
    with pytest.raises(InvalidArgument, match="Block is none of"):
        st.stable(block)


def test_what_stable_does_not_know_is_told_what_it_does():
    """The blocks by their names, and a parametrised module by the name that it has."""
    layer = st.HamiltonianLayer(st.Stencil(1, 2), st.Stencil(1, 2), bias=False)
    with pytest.raises(InvalidArgument, match="module: HamiltonianLayer is none of: DiffusionBlock,"
                                              " FSICycle, ImplicitBlock, HaarShrinkage, Seq"):
        st.stable(layer)


def test_notions_by_name_and_bad_shapes():
    """A name is a notion; a shape is some positive integers."""
    layer = st.stable(nn.Linear(3, 3), "contraction")
    assert st.certify(layer, [3], "contraction", budget=30).status is Status.PROVED
    implicit = st.ImplicitBlock(st.Stencil(1, 1, (3,)))
    for shape in (3, (1, 0), (1, "a"), (1, 2.5)):
        with pytest.raises(InvalidArgument, match="shape: must be"):
            st.certify(implicit, shape)
    with pytest.raises(InvalidArgument, match="notion: must be one of"):
        st.certify(layer, (3,), "contracts")


def test_what_was_trained_is_lost_without_the_constraint():
    """The planted fault: the same training of the same block without it is refuted."""
    block = residual(nn.Linear(5, 7), nn.Linear(7, 5), WAYS["a function"])
    drive_apart(block, (5,))
    assert st.certify(block, (5,), budget=2).status is Status.REFUTED


def test_gradients_flow_through_the_constraint():
    """Differences of the scaled weights against autograd, where the norm is above the limit."""
    from stabkit.torch.scaling import SpectralScaling

    weight = 3 * torch.randn(3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(SpectralScaling(1.0), weight.requires_grad_())


def test_constraints_can_be_set_again_and_copied():
    """A second call replaces the first; state and copies keep the weights' values."""
    import copy

    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    st.stable(st.stable(net))
    assert len(net[0].parametrizations.weight) == 1
    twin = copy.deepcopy(net)
    with torch.no_grad():
        twin[0].parametrizations.weight.original.mul_(3)
    u = torch.randn(2, 4)
    net.load_state_dict(twin.state_dict())
    assert (net(u) == twin(u)).all()


@pytest.mark.parametrize("change", [
    lambda weight: weight.mul_(0.1), lambda weight: weight.data.mul_(0.1),
    lambda weight: setattr(weight, "data", 0.1 * weight.data),
    lambda weight: weight.data.view(-1)[3:4].fill_(7.0)])
def test_a_tied_layer_is_never_behind(change):
    """−W₁ᵀ is that of the numbers now, however they were changed after the first layer was read."""
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    st.scaling.tie(first, second, 1.0)
    for gradients in (False, True):
        with torch.set_grad_enabled(gradients):
            first(torch.randn(4))  # and the second one is not asked for
            with torch.no_grad():
                change(st.scaling.weights_of(first))
            late = second.weight
            assert (late == -first.weight.T).all()
    first.weight.sum().backward()  # frees what the first reading has recorded
    second.weight.sum().backward()
    assert st.scaling.weights_of(first).grad.abs().max() <= 1e-6  # what sums in two orders leave


def test_a_tied_layer_costs_no_second_norm(monkeypatch):
    """The norm is computed once for both layers, and its gradient counts twice."""
    calls = []
    own = st.scaling.matrix_square
    monkeypatch.setattr(st.scaling, "matrix_square", lambda w: calls.append(w) or own(w))
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    st.scaling.tie(first, second, 1.0)
    with torch.inference_mode():
        second(first(torch.randn(4)))
    u = torch.randn(4)
    ((second(first(u)) - u) ** 2).sum().backward()
    assert len(calls) == 1
    leaf = st.scaling.weights_of(first)
    found = leaf.grad.clone()
    plain = leaf.detach().clone().requires_grad_()
    W = plain * (own(plain) / 1.0).clamp(min=1).rsqrt()
    ((-u @ W.T @ W - u) ** 2).sum().backward()
    assert torch.allclose(found, plain.grad, atol=1e-5)


def test_a_copy_of_a_block_follows_its_own_weights():
    """The bound of a copy is that of the weights of the copy, not of the original."""
    import copy

    block = st.DiffusionBlock(st.Stencil(1, 2, (3,)), notion=CONTRACTION)
    twin = copy.deepcopy(block)
    with torch.no_grad():
        block.layer.K.weight *= 10
    assert abs(float(twin.tau.detach()) / float(block.tau.detach()) - 100) < 1e-2


@pytest.mark.parametrize("make, shape", [
    (lambda: nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2), (4, 9, 9)),
    (lambda: nn.Conv2d(4, 4, 3, padding=1, groups=4), (4, 8, 8)),
    (lambda: nn.Conv2d(4, 8, 3, stride=2, padding=1), (4, 9, 8)),
    (lambda: nn.Conv1d(6, 3, 5, stride=2, dilation=3, padding=4, groups=3), (6, 40)),
    (lambda: nn.Conv2d(4, 2, 1, groups=2), (4, 3, 3))])
def test_holes_groups_and_strides(make, shape):
    """The largest singular value of the matrix of unit signals is at most 1, by LAPACK, and without
    a stride at least 0.8; the slope of the bound, of both sides of a stencil, is differences'."""
    layer = make()
    with torch.no_grad():
        layer.weight *= 5
        unit = torch.eye(int(np.prod(shape))).reshape(-1, *shape)
        st.stable(layer)
        matrix = (layer(unit) - layer(0 * unit)).flatten(1).double().numpy()
    assert 0.8 * (max(layer.stride) == 1) <= np.linalg.svd(matrix, compute_uv=False)[0] <= 1
    stencils = torch.randn(make().weight.shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda weight: st.scaling.convolution_square(weight, layer.groups), stencils)


def test_a_residual_block_with_holes_and_groups_is_proved():
    """u − Wᵀ act(W u + b) with W dilated and in two groups, after training against it."""
    block = residual(nn.Conv1d(2, 4, 3, padding=2, dilation=2, groups=2),
                     nn.Conv1d(4, 2, 3, padding="same", dilation=2, groups=2), WAYS["a function"])
    drive_apart(st.stable(block), (2, 6))
    found = st.certify(block, (2, 6), budget=5)
    assert found.status is Status.PROVED and found.blocks[0].form == "diffusion block"


@pytest.mark.parametrize("build, notion, words", [
    (lambda: nn.Sequential(nn.Linear(3, 3), nn.GELU()), CONTRACTION, "Sequential.1 is none of"),
    (lambda: nn.Linear(3, 3), EUCLIDEAN, "Linear has a bias"),
    (lambda: nn.Sequential(nn.Linear(3, 3, bias=False), nn.Sigmoid()), EUCLIDEAN, "moves 0"),
    (lambda: nn.Linear(3, 3), RANGE, "no block that can keep the range"),
    (lambda: nn.Conv2d(2, 2, 3, padding_mode="reflect"), CONTRACTION, "padding_mode 'reflect'"),
    *((lambda first=first, second=second: residual(
        nn.Conv2d(4, 4, 3, **first), nn.Conv2d(4, 4, 3, **second), WAYS["a function"]),
        CONTRACTION, words) for first, second, words in (
            (dict(padding=2, dilation=2), dict(padding=1), r"dilation the same .*got \(1, 1\)"),
            (dict(padding=1, groups=2), dict(padding=1), "groups the same .*got 1"),
            (dict(padding=1, stride=2), dict(padding=1), r"stride 1 .*got \(2, 2\)"),
            (dict(padding=1), dict(), r"padding \(1, 1\), which keeps the grid.*got \(0, 0\)"))),
    (lambda: residual(nn.Conv1d(2, 2, 4, padding=2), nn.Conv1d(2, 2, 4, padding=2),
                      WAYS["a function"]), CONTRACTION, "odd kernel_size"),
    (lambda: residual(nn.Linear(4, 4), nn.Conv1d(4, 4, 1), WAYS["a function"]), CONTRACTION,
     "unlike kinds"),
    (lambda: nn.Linear(3, 3).half(), CONTRACTION, "float16"),
    (lambda: nn.LeakyReLU(1.5), CONTRACTION, "slopes outside"),
    (lambda: residual(nn.Linear(3, 4), nn.Linear(4, 3), lambda s, u: u - s.two(s.one(u))),
     CONTRACTION, "Block is none of"),
    (lambda: residual(nn.Linear(3, 4), nn.Linear(4, 3), lambda s, u: 2 * u + s.two(s.one(u))),
     CONTRACTION, "Block is none of"),
    (lambda: residual(nn.Linear(3, 4), nn.Linear(4, 3),
                      lambda s, u: u if u.sum() > 0 else -u), CONTRACTION, "Block is none of"),
    (lambda: residual(nn.Conv2d(2, 3, 3), nn.Conv2d(3, 2, 3),
                      lambda s, u: u + s.two(torch.relu(s.one(u)))), CONTRACTION, "padding"),
    (lambda: nn.Sequential(nn.Linear(3, 3), st.DiffusionBlock(
        st.Stencil(1, 2), st.Activation(fluxes.rational))), CONTRACTION, "flux: rational falls"),
    (lambda: 3, CONTRACTION, "module: must be a torch.nn.Module"),
    (lambda: nn.Linear(3, 3), "convergence", "notion: must be"),
    (lambda: nn.Hardtanh(0.5, 1), EUCLIDEAN, "moves 0"),
    (lambda: nn.Softplus(), EUCLIDEAN, "moves 0"),
    (lambda: nn.Softplus(1, threshold=0), CONTRACTION, "slopes outside"),
    (lambda: nn.utils.weight_norm(nn.Linear(3, 3)), CONTRACTION, "computed by a hook"),
    (lambda: residual(nn.Linear(3, 4), nn.Linear(4, 3), lambda s, u: {}["missing"]),
     CONTRACTION, "Block is none of"),
    (lambda: residual(nn.Linear(3, 4), nn.Linear(4, 3), lambda s, u: s.nothing(u)),
     CONTRACTION, "Block is none of"),
])
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_what_cannot_be_constrained_is_named_and_left_alone(build, notion, words):
    """One line; and no part of the module is changed where another one is refused."""
    module = build()
    with pytest.raises(InvalidArgument, match=words) as caught:
        st.stable(module, notion)
    assert "\n" not in str(caught.value)
    if isinstance(module, nn.Module):
        assert not any(isinstance(part, st.scaling.SpectralScaling) for part in module.modules())


def test_no_shortcut_of_the_bound_is_taken():
    """A weight that a power iteration from ones would miss: its top direction sums to zero."""
    layer = nn.Linear(6, 6, bias=False)
    direction = torch.tensor([1.0, -1, 1, -1, 1, -1]) / 6**0.5
    with torch.no_grad():
        layer.weight.copy_(5 * torch.outer(direction, direction) + 0.1 * torch.eye(6))
    st.stable(layer)
    assert np.linalg.norm(layer.weight.detach().numpy(), 2) <= 1


def test_the_room_loads_late_and_says_what_it_needs():
    """``import stabkit`` imports no PyTorch, and without PyTorch the room names the extra."""
    code = ("import sys, stabkit, stabkit.learning\nprint('torch' in sys.modules)\n"
            "sys.modules['torch'] = None\n"
            "try: import stabkit.torch\nexcept ImportError as error: print(error)")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("False\n") and install("torch") in said.stdout


def test_a_block_that_was_changed_is_not_certified_as_the_scheme_of_its_class():
    """A hook that triples the output, and a part of a class of one's own that does: the scheme of
    the class keeps the norm, and what is computed does not."""
    class Tripled(st.Stencil):
        def adjoint(self, w):
            return 30 * super().adjoint(w)

    def cycle(K):
        return st.FSICycle(K, st.Activation(fluxes.identity), length=2)

    assert st.certify(cycle(st.Stencil(1, 2, (3,))), (1, 6), EUCLIDEAN).status is Status.PROVED
    hooked, own = cycle(st.Stencil(1, 2, (3,))), cycle(Tripled(1, 2, (3,)))
    hooked.register_forward_hook(lambda module, inputs, output: 3 * output)
    for module in (hooked, own):
        try:
            status = st.certify(module, (1, 6), EUCLIDEAN, budget=2).status
        except InvalidArgument:
            continue
        assert status is not Status.PROVED


@pytest.mark.parametrize("where", ["register_forward_hook", "register_forward_pre_hook"])
@pytest.mark.parametrize("part", [0, 1, "whole"], ids=str)
def test_a_hook_is_refused_and_nothing_is_changed(where, part):
    """A hook on a layer, on an activation or on the whole may triple what it computes."""
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    place = net if part == "whole" else net[part]
    hook = getattr(place, where)(lambda module, *signals: 3 * signals[-1]
                                 if where == "register_forward_hook" else (3 * signals[0][0],))
    with pytest.raises(InvalidArgument, match=r"has a forward hook.* remove it"):
        st.stable(net)
    assert not any(nn.utils.parametrize.is_parametrized(each) for each in net.modules())
    hook.remove()
    assert nn.utils.parametrize.is_parametrized(st.stable(net)[0])
