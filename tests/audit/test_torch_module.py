"""PyTorch modules: read as they compute, and left as they were."""

import subprocess
import sys
import time
import warnings
from fractions import Fraction

import numpy as np
import pytest
from plain_network import evaluate
from with_torch import load_torch

from stabkit.audit import torch_module
from stabkit.audit.torch_module import read
from stabkit.errors import InvalidArgument
from stabkit.installation import install
from stabkit.networks.layers import Dense, Scaling

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch, which takes seconds to load: not before the first of these tests runs."""
    global torch, nn
    torch, _ = load_torch()
    nn = torch.nn


def agrees(module, shape, digits=5):
    """The graph against the module, in eval mode, at two random inputs; returns the graph."""
    graph = read(module, shape)
    module.eval()
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    x = torch.randn(2, *shape, dtype=dtype, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        wanted = module(x).numpy()
    found = np.array([evaluate(graph, sample) for sample in x.numpy()])
    assert np.abs(found - wanted).max() <= 10.0**-digits * (1 + np.abs(wanted).max())
    return graph


@pytest.mark.parametrize("name", ["resnet", "mixer"])
def test_networks(name):
    """Residual blocks with normalisation, and one of every activation."""
    from exported.make import network  # loads PyTorch

    graph = agrees(*network(name))
    if name == "resnet":  # normalisation is not merged into weights, which would round them
        assert sum(isinstance(node.layer, Scaling) for node in graph.nodes) == 5
        assert "last/" in graph.nodes[-1].name


def test_a_program_is_read_like_its_module():
    """What torch.export made of a module computes what the module does; its shape is known."""
    module = nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), nn.Tanh(), nn.Flatten(),
                           nn.Linear(15, 4)).eval()
    graph = read(torch.export.export(module, (torch.zeros(1, 2, 5),)), None)
    x = torch.randn(1, 2, 5, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        wanted = module(x).numpy()[0]
    assert graph.shape == (2, 5) and np.abs(evaluate(graph, x.numpy()[0]) - wanted).max() < 1e-5


def test_what_the_exporter_writes_wrongly_is_refused(monkeypatch):
    """Planted: a slope of 0.02 for 0.01.  PyTorch 2.13 drops the projection of an LSTM so."""
    real, wrong = torch_module._exporter, nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.02)).eval()
    right = nn.Sequential(wrong[0], nn.LeakyReLU(0.01)).eval()
    monkeypatch.setattr(torch_module, "_exporter", lambda torch, module, inputs: real(
        torch, wrong, inputs))
    assert read(wrong, (3,)).output_shape == (4,)
    with pytest.raises(InvalidArgument, match="what PyTorch's exporter writes of it departs from"):
        read(right, (3,))


def test_a_question_hidden_from_the_exporter_is_refused():
    """u where ΣU > 0, else 5u: the branch of the tracer, which cannot ask, is one of two."""
    class Hides(nn.Module):
        def forward(self, u):
            try:
                if u.sum().item() > 0:
                    return u
            except RuntimeError:
                return u
            return 5 * u

    with pytest.raises(InvalidArgument, match="asks for a number that depends on the"):
        read(Hides(), (3,))
    assert read(nn.Tanh(), (3,)).output_shape == (3,)


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_half_precision_is_held_against_its_doubles(kind, monkeypatch):
    """Results of halves have three or two digits; with their weights as doubles, a slope of 0.02
    for 0.03 shows."""
    torch.manual_seed(6)
    module = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.02), nn.Linear(8, 3)).eval()
    module = module.to(getattr(torch, kind))
    x = torch.randn(4, generator=torch.Generator().manual_seed(6)).double()
    with torch.no_grad():
        wanted = module.double()(x).numpy()
    module = module.to(getattr(torch, kind))
    assert np.abs(evaluate(read(module, (4,)), x.numpy()) - wanted).max() < 1e-9
    wrong = nn.Sequential(module[0], nn.LeakyReLU(0.03), module[2]).eval()
    real = torch_module._exporter
    monkeypatch.setattr(torch_module, "_exporter", lambda torch, module, inputs: real(
        torch, wrong, inputs))
    with pytest.raises(InvalidArgument, match="what PyTorch's exporter writes of it departs from"):
        read(module, (4,))


def test_double_precision():
    """The weights are the module's own doubles."""
    module = nn.Sequential(nn.Linear(4, 4), nn.Tanh()).double()
    graph = agrees(module, (4,), digits=14)
    assert (graph.nodes[0].layer.weights == module[0].weight.detach().numpy()).all()


@pytest.mark.slow
def test_numbers_of_activations_in_double_precision():
    """ONNX keeps them in single: 0.1 is meant where the module has it, and 1/3 is not guessed."""
    for kind, slope, low in ((nn.LeakyReLU, 0.1, 0.1), (nn.ELU, 0.7, 0.0)):
        graph = read(nn.Sequential(nn.Linear(2, 2), kind(slope)).double(), (2,))
        flux = graph.nodes[-1].layer.flux
        assert flux.facts.slopes == (Fraction(low), 1)
    with pytest.raises(InvalidArgument, match="departs from it by"):
        read(nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(1 / 3)).double(), (2,))
    single = read(nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.1)), (2,))
    assert single.nodes[-1].layer.flux.facts.slopes[0] == Fraction(float(np.float32(0.1)))


def test_parametrized_weights_are_the_effective_ones():
    """Bit by bit what each layer multiplies with, and the parametrizations still there after."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        new = nn.utils.parametrizations
        layers = [wrap(nn.Linear(4, 4)) for wrap in (
            new.spectral_norm, new.weight_norm, new.orthogonal, nn.utils.spectral_norm,
            nn.utils.weight_norm)]
    module = nn.Sequential(*layers)
    with torch.no_grad():
        module(torch.ones(1, 4))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    graph = read(module, (4,))
    assert module.training and module.state_dict().keys() == before.keys()
    assert all((module.state_dict()[name] == value).all() for name, value in before.items())
    module.eval()
    with torch.no_grad():
        module(torch.ones(1, 4))
    for node, layer in zip(graph.nodes, layers, strict=True):
        assert isinstance(node.layer, Dense)
        assert (node.layer.weights == layer.weight.detach().numpy()).all()


def test_the_module_is_left_as_it_was():
    """Training flags, running statistics, gradients, hooks and parameters."""
    module = nn.Sequential(nn.Conv1d(2, 2, 3), nn.BatchNorm1d(2), nn.Dropout(), nn.ReLU())
    module[1].eval()
    calls = []
    hook = module[0].register_forward_hook(lambda *_: calls.append(1))
    module(torch.randn(3, 2, 5)).sum().backward()
    parameters = [id(p) for p in module.parameters()]
    grads = [p.grad.clone() for p in module.parameters()]
    state = {name: value.clone() for name, value in module.state_dict().items()}
    read(module, (2, 5))
    assert [part.training for part in module.modules()] == [True, True, False, True, True]
    assert parameters == [id(p) for p in module.parameters()]
    assert all((p.grad == g).all() for p, g in zip(module.parameters(), grads, strict=True))
    assert all((module.state_dict()[name] == value).all() for name, value in state.items())
    count = len(calls)
    module(torch.randn(3, 2, 5))
    assert len(calls) == count + 1
    hook.remove()


def strange(function):
    """A module that computes a function."""
    class Strange(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

        def forward(self, x):
            return function(x)
    return Strange()


@pytest.mark.parametrize("make, shape, match", [
    (lambda: nn.Linear(4, 3), (5,),
     r"module: Linear cannot be applied to an input of shape \(1, 5\)"),
    (lambda: nn.Linear(4, 3), 4, "shape: must be the positive sizes"),
    (lambda: nn.Linear(4, 3), (0,), "shape: must be the positive sizes"),
    (lambda: nn.Conv1d(1, 1, 1), (True,), "shape: must be the positive sizes"),
    (lambda: lambda x: x, (4,), "module: must be a torch.nn.Module, got function"),
    (lambda: strange(lambda x: (x, x)), (3,), "returns tuple; one tensor"),
    (lambda: strange(lambda x: x if x.sum() > 0 else -x), (3,), "cannot be traced"),
    (lambda: nn.Sequential(nn.Linear(3, 3), strange(lambda x: torch.argmax(x, 1) * 1.0)), (3,),
     r"ArgMax\): not supported"),
])
def test_bad_input(make, shape, match):
    """One line that says what the module is not, or which operator is not known."""
    with pytest.raises(InvalidArgument, match=match) as caught:
        read(make(), shape)
    assert "\n" not in str(caught.value)


def counting(keep):
    """A module that halves its input in 49 calls, and doubles it in all later ones."""
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))
            self.own, self.last = 0, None

        def forward(self, x):
            self.last = x  # kept, and no memory of other calls
            if keep == "buffer":
                self.calls += 1
                return x * torch.where(self.calls < 50, 0.5, 2.0)
            self.own += keep == "attribute"
            return x / 2 if self.own < 50 and (keep != "clock" or time.time() > 0) else 2 * x

    return Counting()


@pytest.mark.parametrize("keep, words", [
    ("buffer", r"memory.*calls"), ("attribute", r"memory.*own"), ("clock", "asks.*time"),
])
def test_a_module_that_answers_otherwise_later_is_refused(keep, words):
    """What is exported is one call, here u/2, of which nothing follows for the 50th."""
    with pytest.raises(InvalidArgument, match=words):
        read(counting(keep), (3,))
    assert read(counting(""), (3,)).output_shape == (3,)


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell", "LSTMCell"])
def test_a_cell_that_is_called_step_by_step_from_a_zero_state(kind):
    """The products of weights and the zero state are constants, and folded."""
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = getattr(nn, kind)(2, 3)

        def forward(self, x):
            state = h = x.new_zeros(x.shape[0], 3)
            for t in range(3):
                if kind == "LSTMCell":
                    h, state = self.cell(x[:, t], (h, state))
                else:
                    h = self.cell(x[:, t], h)
            return h

    torch.manual_seed(3)
    agrees(Loop(), (3, 2))


def test_weights_that_are_no_numbers():
    """The name of the parameter, and its entry."""
    module = nn.Sequential(nn.Linear(3, 2))
    with torch.no_grad():
        module[0].weight[1, 2] = float("nan")
    with pytest.raises(InvalidArgument, match=r"tensor '0.weight': entry \[1, 2\] is nan"):
        read(module, (3,))


def test_without_torch_it_says_what_to_install():
    """The package is an extra."""
    code = ("import sys; sys.modules['torch'] = None\n"
            "from stabkit.audit.torch_module import read\n"
            "try: read(None, (3,))\n"
            "except ValueError as error: print(error)")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert install("torch") in said.stdout
