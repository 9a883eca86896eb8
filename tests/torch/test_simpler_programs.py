"""Modules that PyTorch's exporter cannot write: weights that are computed, complex numbers."""

import numpy as np
import pytest
from with_torch import load_torch

from stabkit import audit
from stabkit.audit.torch_module import read
from stabkit.audit.torch_program import simpler_program
from stabkit.errors import InvalidArgument
from stabkit.networks.graph import evaluate

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch, and modules of it: not before the first of these tests runs."""
    global torch, nn, modules
    torch, _ = load_torch()
    nn = torch.nn
    import rewritten_modules as modules


def agrees(module, shape):
    graph = read(module, shape)
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        wanted = module.eval()(x).numpy()
    found = evaluate(graph, x.double().numpy())
    assert np.abs(found - wanted).max() < 1e-5
    return graph


def test_weights_that_are_computed_are_numbers():
    """An orthogonal matrix of single precision: its norm is 1 within 10⁻⁵."""
    assert abs(float(agrees(nn.Sequential(modules.Cayley(5), nn.ReLU()), (5,)).bound) - 1) < 1e-5


def test_a_fourier_layer_is_a_matrix():
    """FNO's layer: the norm of the matrix is that of NumPy's transforms of unit signals."""
    module = modules.Fourier(2, 3)
    graph = agrees(module, (2, 8))
    made = graph.nodes[1].layer if graph.nodes[0].layer.sides == (0, 0) else graph.nodes[0].layer
    unit = np.eye(16).reshape(16, 2, 8)
    there = np.zeros((16, 2, 5), dtype=complex)
    weights = torch.view_as_complex(module.R).detach().numpy().astype(complex)
    there[..., :3] = np.einsum("bix,iox->box", np.fft.rfft(unit)[..., :3], weights)
    wanted = np.linalg.norm(np.fft.irfft(there, n=8).reshape(16, 16), 2)
    assert abs(float(made.bound) - wanted) < 1e-6


def test_a_program_with_complex_numbers_is_read_too():
    module = modules.Fourier(2, 3).eval()
    program = torch.export.export(module, (torch.zeros(1, 2, 8),))
    x = torch.randn(1, 2, 8, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        wanted = module(x).numpy()
    assert np.abs(evaluate(read(program, None), x.double().numpy()) - wanted).max() < 1e-5


@pytest.mark.parametrize("name, size, text", [
    ("Power", 8, "of complex signals is no affine map"),
    ("Square", 8, "of complex signals is no affine map"),
    ("Choice", 3, "complex numbers chosen by"), ("Noise", 3, "a random number")])
def test_what_is_no_affine_map_or_no_map_is_refused(name, size, text):
    """|F x|², (F x)² and a choice; a matrix that is drawn anew is no function of the input."""
    with pytest.raises(InvalidArgument, match=text):
        read(getattr(modules, name)(), (size,))


def test_random_slopes_are_their_mean():
    """RReLU outside of training: (1/8 + 1/3)/2; the module keeps what it is made of."""
    module = nn.Sequential(nn.Linear(3, 4), nn.RReLU())
    agrees(module, (3,))
    assert isinstance(module[1], nn.RReLU)


# -- filters: complex between two real signals ----------------------------------------------------
def _filter(function):
    """Some function of the Fourier coefficients of eight numbers, and the way back."""
    class Filter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.full((5,), 0.5, dtype=torch.complex64))

        def forward(self, x):
            return torch.fft.irfft(function(torch.fft.rfft(x), self.weight), n=8)

    return Filter()


def _multiply(z, w):
    return torch.einsum("bi,i->bi", z, w)


def test_a_filter_is_the_circulant_matrix_of_its_weights():
    """Every coefficient is halved, so the map is half of the identity."""
    found = audit(_filter(_multiply), shape=8, budget=2)
    assert {str(one.notion): str(one.status) for one in found.judgements}["contraction"] == "proved"
    assert float(found.blocks[0].bound) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("function", [
    lambda z, w: torch.einsum("bi,bi->bi", z, z),
    lambda z, w: torch.einsum("bi,bi->bi", z, w / z),
], ids=["square", "quotient"])
def test_a_signal_times_itself_is_not_affine(function):
    """The cyclic convolution of x with itself is quadratic: one argument twice is two of them."""
    with pytest.raises(InvalidArgument, match="no affine map"):
        audit(_filter(function), shape=8, budget=2)


def test_one_draw_of_random_numbers_is_no_weight():
    """What is drawn anew at every call is not the number that it was when the graph was written."""
    def draw(z, w):
        return _multiply(z, w) * torch.rand(5)

    with pytest.raises(InvalidArgument, match="random"):
        audit(_filter(draw), shape=8, budget=2)


def test_the_matrix_is_what_the_module_computes():
    """Against the module itself, at signals that the graph was not written with."""
    module = _filter(_multiply).eval()
    for part in module.parameters():
        part.requires_grad_(False)
    graph = simpler_program(torch, module, torch.zeros(1, 8))
    for seed in range(3):
        x = torch.from_numpy(np.random.default_rng(seed).random((1, 8), dtype=np.float32))
        assert torch.allclose(graph(x), module(x), atol=1e-6)
