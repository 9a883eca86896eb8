"""Modules that are complex between two real signals, which the exporter of PyTorch refuses."""

import numpy as np
import pytest

from stabkit import audit
from stabkit.audit.torch_program import simpler_program
from stabkit.errors import InvalidArgument

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch
    torch = pytest.importorskip("torch", reason="the modules need PyTorch: stabkit[torch]")
    pytest.importorskip("onnxscript", reason="PyTorch's exporter needs onnxscript: stabkit[torch]")


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
