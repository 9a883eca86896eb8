"""V-cycle, MgNet and V-MgNet against the same networks in NumPy, and as they export."""

import numpy as np
import pytest
from with_torch import load_torch

from stabkit import audit
from stabkit import multigrid as mg
from stabkit.errors import InvalidArgument

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, st
    torch, st = load_torch(seed=2)


@pytest.mark.parametrize("dimension, shape, levels", [(1, (15,), 3), (2, (7, 15), 2),
                                                      (2, (15, 15), 3)])
def test_the_v_cycle_is_the_one_of_multigrid(dimension, shape, levels):
    """At its initial weights: Jacobi 2/3, linear transfers, rediscretised, smoothed at the end."""
    hierarchy = mg.geometric(
        mg.poisson(shape), mg.Transfer(mg.linear(dimension), mg.full_weighting(dimension)),
        coarse_operator=mg.rediscretised, levels=levels)
    method = mg.Multigrid(hierarchy, mg.Cycle(mg.Jacobi(), 2, 1,
                                              coarsest=mg.Smoothed(mg.Jacobi(), 3)))
    b = torch.randn(2, 1, *shape, dtype=torch.float64)
    module = st.VCycle(levels, 2, 1, 3, dimension).double()
    with torch.no_grad():
        found = module(b).numpy().reshape(2, -1)
    # 2/3 in float32 is off by 2e-8.
    wanted = [method.step(np.zeros(each.size), each.ravel()) for each in b.numpy()]
    assert np.abs(found - wanted).max() < 1e-6 * np.abs(wanted).max()


def test_a_v_cycle_learns():
    """Its weights are trained to solve better than the textbook's in one cycle."""
    torch.manual_seed(2)
    module, wanted = st.VCycle(2, dimension=1), torch.randn(32, 1, 7)
    b = torch.nn.functional.conv1d(wanted, module.laplacian, padding=1)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = (module(b) - wanted).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2


def convolution(module, **options):
    return mg.Convolution(module.weight.detach().double().numpy(), **options)


def test_mgnet_is_algorithm_3_and_v_mgnet_algorithm_4():
    """The last features of both, from convolutions that are evaluated by NumPy."""
    net = st.VMgNet(1, 3, 4, grids=3, steps=2, normalised=False).double()
    images = torch.randn(1, 1, 6, 7, dtype=torch.float64)
    sizes = [(6, 7), (3, 4), (2, 2)]
    grids = []
    for number in range(3):
        last = number == 2
        post = None if last else mg.SingleStep(tuple(
            mg.extractor(convolution(each[1])) for each in net.post[number]))
        P = None if last else mg.TransposedConvolution(mg.Convolution(
            net.P[number].detach().numpy(), stride=2), sizes[number])
        grids.append(mg.Grid(
            convolution(net.A[number]),
            mg.SingleStep(tuple(mg.extractor(convolution(each[1])) for each in net.B[number])),
            None if last else convolution(net.R[number], stride=2),
            None if last else convolution(net.Pi[number], stride=2), P, post))

    def zeros(f):
        return np.zeros((3, *f.shape[1:]))

    opening = mg.chain(convolution(net.opening), mg.relu)
    image = images[0].numpy()
    wanted = mg.v_mgnet(image, grids, f_in=opening, start=zeros)
    with torch.no_grad():
        assert np.abs(net(images)[0].numpy() - wanted).max() < 1e-12
        plain = st.MgNet.forward(net, images)[0].numpy()
    states = mg.mgnet(image, grids, f_in=opening, start=zeros)
    assert np.abs(plain - states[-1].last).max() < 1e-12


def test_classifiers_have_scores_and_gradients():
    """MgNet has the weights that he2019 counts: A and the ν of η per grid, R and Π between."""
    net = st.MgNet(1, 4, 4, grids=2, steps=2, classes=10)
    scores = net(torch.randn(5, 1, 8, 8))
    assert scores.shape == (5, 10)
    scores.sum().backward()
    assert all(each.grad is not None for each in net.parameters())
    kernels = sum(each.numel() for each in net.parameters() if each.ndim == 4)
    assert kernels == 9 * (4 + 2 * (16 + 2 * 16) + 16 + 16)


@pytest.mark.parametrize("build, words", [
    (lambda: st.MgNet(1, grids=0), "grids"), (lambda: st.VCycle(dimension=3), "dimension"),
    (lambda: st.VCycle(3)(torch.zeros(1, 1, 8, 8)), r"b: its grid must have 2\^2 m - 1"),
    (lambda: st.MgNet(2)(torch.zeros(1, 1, 8, 8)), r"images: must have the shape \(batch, 2"),
])
def test_bad_input(build, words):
    """The argument, and what it must be."""
    with pytest.raises(InvalidArgument, match=words):
        build()


def test_a_v_cycle_is_read_as_the_linear_map_that_it_is():
    """Its constant is the largest singular value of the matrix of unit signals, by LAPACK."""
    cycle = st.VCycle(2, dimension=1)
    with torch.no_grad():
        matrix = cycle(torch.eye(7)[:, None]).squeeze(1).double().numpy()
    found = audit(cycle, (1, 7), rounding="exact", budget=2)
    block, = found.blocks
    true = np.linalg.svd(matrix, compute_uv=False)[0]
    assert block.form == "affine" and true * (1 - 1e-6) <= found.upper <= true * (1 + 1e-6)
