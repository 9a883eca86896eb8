"""Bounds of norms against singular values of the matrices themselves, and steps under them."""

import numpy as np
import pytest
from with_torch import load_torch

from stabkit import (
    CONTRACTION,
    DIRICHLET,
    EUCLIDEAN,
    MIRRORED,
    NATURAL,
    PERIODIC,
    RANGE,
    fluxes,
)
from stabkit.errors import InvalidArgument

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, st, norms
    torch, st = load_torch(seed=7)
    from stabkit.torch import norms


def largest(K, grid):
    """‖K‖² of the matrix that is made of unit signals, by LAPACK."""
    unit = torch.eye(K.channels * int(np.prod(grid))).reshape(-1, K.channels, *grid)
    with torch.no_grad():
        matrix = K(unit).reshape(len(unit), -1).double().numpy()
    return np.linalg.svd(matrix, compute_uv=False)[0] ** 2


@pytest.mark.parametrize("taps, grid", [((3,), (40,)), ((5,), (40,)), ((1,), (6,)),
                                        ((3, 3), (12, 12)), ((5, 5), (12, 12)), ((1, 3), (8, 12))])
@pytest.mark.parametrize("boundary", [DIRICHLET, PERIODIC, NATURAL, MIRRORED], ids=repr)
def test_the_bound_lies_above_the_norm_and_near_it(taps, grid, boundary):
    """‖K‖² <= bound for random stencils, and the bound is at most 1.7 times as large; twice that
    for every axis that is mirrored."""
    for channels, features in ((1, 1), (3, 2), (2, 5)):
        K = st.Stencil(channels, features, taps, boundary)
        found = float(K.square().detach())
        assert largest(K, grid) <= found
        if boundary is not NATURAL:  # where a small grid has a norm far below the symbol's
            twice = sum(size > 1 for size in taps) if boundary is MIRRORED else 0
            assert found <= 1.7 * 2**twice * largest(K, grid)


def test_a_mirror_doubles_the_square_and_not_less():
    """(1, 0, 0) reads u₁ twice: ‖K‖² = 2 where the symbol has modulus 1; in both axes 4."""
    for taps, wanted in (((3,), 2), ((3, 3), 4)):
        K = st.Stencil(1, 1, taps, MIRRORED)
        with torch.no_grad():
            K.weight.zero_()
            K.weight.view(-1)[0] = 1
        assert abs(largest(K, (6,) * len(taps)) - wanted) < 1e-12
        assert wanted <= float(K.square().detach()) <= 1.15 * wanted


def test_a_stencil_whose_norm_is_reached_between_frequencies():
    """Modulated averages, with the largest response at a frequency that no grid holds."""
    places = torch.arange(5.0)
    for frequency in torch.linspace(0, torch.pi, 23):
        K = st.Stencil(1, 1, (5,), PERIODIC)
        with torch.no_grad():
            K.weight[0, 0] = torch.cos(frequency * places)
        fine = np.abs(np.fft.fft(K.weight[0, 0].detach().numpy(), 100_000)).max() ** 2
        assert fine <= float(K.square().detach())


def test_matrices():
    """All shapes, rank one, zero and NaN; gradients, of convolutions too, are differences'."""
    for shape in ((4, 4), (2, 9), (30, 3), (1, 1)):
        matrix = torch.randn(shape)
        true = np.linalg.svd(matrix.numpy(), compute_uv=False)[0] ** 2
        assert true <= float(norms.matrix_square(matrix)) <= 1.2 * true
    flat = torch.outer(torch.randn(5), torch.randn(4)).requires_grad_()
    norms.matrix_square(flat).backward()
    assert torch.isfinite(flat.grad).all()
    nothing = torch.zeros(3, 3, requires_grad=True)
    norms.matrix_square(nothing).backward()
    assert torch.isfinite(nothing.grad).all()
    assert norms.matrix_square(torch.tensor([[1.0, float("nan")]])).isnan()
    assert norms.convolution_square(torch.full((2, 2, 3, 3), float("nan"))).isnan()
    matrix = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norms.matrix_square, matrix)
    for shape in ((1, 1, 5), (3, 2, 3), (2, 3, 3, 3), (3, 1, 1, 3), (2, 2, 1, 1)):
        stencils = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(norms.convolution_square, stencils)


def test_autocast_leaves_the_bound_its_digits():
    """‖A‖² <= bound under bfloat16, whose products alone would round it below: the planted fault.

    A of rank one, where the bound has nothing to spare but its rounding.
    """
    generator = torch.Generator().manual_seed(0)
    below = 0
    for _ in range(10):
        left, right = torch.randn(2, 24, generator=generator)
        matrix = torch.outer(left, right)
        true = np.linalg.svd(matrix.double().numpy(), compute_uv=False)[0] ** 2
        with torch.autocast("cpu", torch.bfloat16):
            assert true <= float(norms.matrix_square(matrix))
            assert true <= float(norms.convolution_square(matrix[:, :, None, None]))
            stencils = matrix.reshape(8, 8, 3, 3)
            under = norms.convolution_square(stencils)
            below += float((matrix.T @ matrix).float().norm()) < true
        assert under.dtype is torch.float32 and under == norms.convolution_square(stencils)
    assert below > 0
    K = st.Differences(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        square = K.square()
    assert square.dtype is torch.float32 and square == K.square()


def test_a_block_under_autocast_keeps_its_step_and_takes_no_signal():
    """The step is that of float32; the block refuses, and runs where autocast is off inside."""
    block = st.DiffusionBlock(st.Stencil(1, 4, (3, 3)), notion=CONTRACTION)
    tau, u = float(block.tau.detach()), torch.randn(1, 1, 5, 5)
    with torch.autocast("cpu", torch.bfloat16):
        assert float(block.tau.detach()) == tau
        for module, signal in ((block, u), (st.HaarShrinkage(), u[0]), (st.MgNet(1, 2, 2, 1), u)):
            with pytest.raises(InvalidArgument, match=r"under autocast.*\('cpu', enabled=False\)"):
                module(signal)
        with torch.autocast("cpu", enabled=False):
            assert block(u).dtype is torch.float32


def test_a_gpu_has_all_digits_too():
    """‖A‖² <= bound where TensorFloat-32 would round the products."""
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    for _ in range(10):
        matrix = torch.outer(*torch.randn(2, 24))
        true = np.linalg.svd(matrix.double().numpy(), compute_uv=False)[0] ** 2
        kernel = matrix.reshape(8, 8, 3, 3)
        wanted = float(norms.convolution_square(kernel.double()))
        assert true <= float(norms.matrix_square(matrix.cuda()))
        assert float(norms.convolution_square(kernel.cuda())) >= wanted * (1 - 2.0**-20)


def test_differences_by_their_matrix():
    """‖K‖² and the diagonal of KᵀK of differences with random weights."""
    for dimension, grid in ((1, (9,)), (2, (5, 6))):
        K = st.Differences(2, dimension)
        with torch.no_grad():
            K.weight.normal_()
        matrix = K.exact(grid).exact().astype(float)
        gram = matrix.T @ matrix
        assert np.linalg.eigvalsh(gram)[-1] <= float(K.square().detach())
        assert gram.diagonal().max() <= float(K.largest_row().detach())


def test_the_step_follows_the_weights_and_is_learned():
    """τ(sK) = τ(K)/s² at one raw number; both it and the weights have a gradient."""
    block = st.DiffusionBlock(st.Stencil(1, 3, (3, 3)), notion=CONTRACTION)
    before = float(block.tau.detach())
    with torch.no_grad():
        block.layer.K.weight *= 4
    assert abs(float(block.tau.detach()) * 16 / before - 1) < 1e-5
    block.tau.backward()
    names = {name for name, each in block.named_parameters() if each.grad is not None}
    assert any("tau" in name for name in names) and "layer.K.weight" in names


def test_no_optimiser_leaves_the_bound():
    """Ascent in τ and in K at an absurd rate: τ stays below 2/(L‖K‖²) all the time."""
    block = st.DiffusionBlock(st.Stencil(1, 2, (3,)), notion=CONTRACTION)
    optimiser = torch.optim.SGD(block.parameters(), lr=10.0)
    for _ in range(20):
        optimiser.zero_grad()
        (-block.tau - block.layer.K.weight.sum()).backward()
        optimiser.step()
        if not torch.isfinite(block.layer.K.weight).all():
            break
        assert 0 < float(block.tau.detach()) * largest(block.layer.K, (30,)) <= 2


@pytest.mark.parametrize("build, words", [
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), st.Activation(fluxes.garrote), CONTRACTION),
     "flux: garrote falls"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), notion=EUCLIDEAN, bias=True), "bias: .* moves 0"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), notion=RANGE), "K: the range .* Differences"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), notion="rage"), "notion: must be"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), notion=None), "tau: must be given"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), tau=50.0), "tau: .* largest step .* got 50"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), tau=float("nan")), "tau: must be positive"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), None, None, -1.0), "tau: must be positive"),
    (lambda: st.DiffusionBlock(st.Stencil(1, 2), None, None, "x"), "tau: must be a number"),
    (lambda: setattr(st.DiffusionBlock(st.Stencil(1, 2)), "tau", 0.1),
     r"tau: must be set to a tensor, such as torch.tensor\(0.1\)"),
    (lambda: setattr(st.DiffusionBlock(st.Stencil(1, 2), None, None, 1.0), "tau", 0.1),
     "tau: must be set to a tensor"),
    (lambda: st.Stencil(1, 1, 3), "taps: must be a sequence"),
    (lambda: st.HaarShrinkage(3), "flux: must be an Activation, got int"),
    (lambda: st.PixelVariation(-2), "channels: must be an integer >= 1, got -2"),
    (lambda: st.MgNet(1, classes=0), "classes: must be an integer >= 1, got 0"),
    (lambda: st.Activation([1]), r"make: must be one of .*got \[1\]"),
    (lambda: st.Activation(contrast=-1), "contrast: must be positive"),
    (lambda: st.Activation(contrast=-1, learnable=False), "contrast: must be positive"),
    (lambda: st.HamiltonianLayer(st.Stencil(1, 2), st.Stencil(1, 2), tau=-1), "tau: must be pos"),
    (lambda: st.DiffusionBlock(3), "K: must be a Stencil"),
    (lambda: st.Stencil(1, 2, (2, 2)), "taps: .* odd"),
    (lambda: st.Stencil(0, 2), "channels"),
    (lambda: st.Activation(fluxes.cubic), "make: must be one of"),
    (lambda: st.Activation(contrast=0.0), "positive"),
    (lambda: st.ImplicitBlock(st.Stencil(1, 2), st.Activation(fluxes.rational)), "flux: rational"),
    (lambda: st.FSICycle(st.Stencil(1, 2), frozen=False), "notion: a cycle"),
    (lambda: st.HamiltonianLayer(st.Stencil(1, 2), st.Stencil(2, 2)), "second: must have 1"),
    (lambda: st.LeapfrogLayer(st.Stencil(1, 2), normalisation=torch.nn.Identity()), "tau: must be"),
    (lambda: st.HamiltonianLayer("", (3, 3)), "first: must be of the kind Stencil, got str"),
    (lambda: st.PixelVariation(2, "x"), "eps: must be of the kind Real, got str"),
])
def test_bad_blocks(build, words):
    """One line that names the argument and the remedy."""
    with pytest.raises(InvalidArgument, match=words) as caught:
        build()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change, words", [
    (lambda u: u[0], r"u: must have the shape \(batch, 2, rows, columns\)"),
    (lambda u: u[:, :1], r"u: must have the shape .* got \(3, 1, 5, 5\)"),
    (lambda u: u.half(), "u: .*float16"), (lambda u: u.bfloat16(), "u: .*bfloat16"),
    (lambda u: u.long(), "u: must be of float32"),
    (lambda u: u.double(), "u: must be of torch.float32 like the weights, got torch.float64"),
    (lambda u: u.numpy(), "u: must be of the kind Tensor, got ndarray"),
])
def test_bad_signals(change, words):
    """The shape that is wanted, and the one that came; no half precision, which proves nothing."""
    block = st.DiffusionBlock(st.Stencil(2, 2))
    with pytest.raises(InvalidArgument, match=words):
        block(change(torch.randn(3, 2, 5, 5)))


@pytest.mark.parametrize("build, shape, kind, words", [
    (lambda: st.PixelVariation(2), (2,), "float32", r"y: must be floats of .* got .*\(2,\)"),
    (lambda: st.PixelVariation(2), (1, 3, 4), "float32", r"y: must be floats .*\(1, 3, 4\)"),
    (lambda: st.LeapfrogLayer(st.Stencil(1, 2, (3,))), (1, 2, 4), "bool",
     "state: must be floats of the shape .* got torch.bool"),
    (lambda: st.ImplicitBlock(st.Stencil(1, 2, (3,))), (1, 1, 4), "int64",
     "u: must be of float32"),
    (lambda: st.MgNet(1), (1, 1, 8, 8), "float64", "images: must be of torch.float32"),
    (lambda: st.VCycle(2), (1, 1, 7, 7), "float64", "b: must be of torch.float32")])
def test_signals_of_another_kind(build, shape, kind, words):
    """In the package's words, where PyTorch would say something of an operation inside."""
    with pytest.raises(InvalidArgument, match=words):
        build()(torch.ones(shape, dtype=getattr(torch, kind)))


@pytest.mark.parametrize("boundary, taps, grid", [
    (NATURAL, (3,), (2,)), (NATURAL, (1, 4), (5, 3)), (PERIODIC, (5,), (1,)),
    (MIRRORED, (5,), (3,)), (PERIODIC, (3,), (0,)), (DIRICHLET, (3,), (0,))], ids=str)
def test_grids_too_short_for_a_stencil(boundary, taps, grid):
    """A stencil that fits nowhere, reaches around a circle more than once, or into two mirrors."""
    with pytest.raises(InvalidArgument, match="u: its grid must have at least"):
        st.Stencil(1, 1, taps, boundary)(torch.ones(1, 1, *grid))


def test_differences_along_an_axis_of_one_point():
    """A row of pixels has no neighbours above: the step is that of the row, and is proved."""
    block = st.DiffusionBlock(st.Differences(2))
    u = torch.randn(1, 2, 1, 4)
    row = st.DiffusionBlock(st.Differences(2, 1), tau=float(block.tau.detach()))
    assert torch.allclose(block(u)[:, :, 0], row(u[:, :, 0]))
    assert str(st.certify(block, (2, 1, 4), EUCLIDEAN, budget=2).status) == "proved"


@pytest.mark.parametrize("name, raw, words", [
    ("contrast", 1e4, "contrast: must be a finite"), ("contrast", -1e4, "1/contrast: must be"),
    ("tau", float("nan"), "tau: must be a finite"), ("tau", 1e4, "tau: must be a finite")])
def test_a_parameter_that_an_optimiser_lost(name, raw, words):
    """e^x overflows or vanishes in float32: no scheme has such numbers."""
    block = st.FSICycle(st.Stencil(1, 1, (3,)), st.Activation(fluxes.soft), 2, None, 0.1)
    with torch.no_grad():
        next(each for key, each in block.named_parameters() if name in key).fill_(raw)
    with pytest.raises(InvalidArgument, match=words):
        st.certify(block, (1, 3), EUCLIDEAN)


def test_half_precision_has_no_certified_step():
    """A block that is cast to float16 says so instead of computing a bound with three digits."""
    block = st.DiffusionBlock(st.Stencil(2, 2)).half()
    with pytest.raises(InvalidArgument, match="float16"):
        _ = block.tau
