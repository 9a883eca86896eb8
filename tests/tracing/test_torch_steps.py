"""Steps in PyTorch: the same exact answers as for NumPy, from the graph that torch.fx makes."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import CONTRACTION, EUCLIDEAN, RANGE, box, decide, senses, stays_in, step_bound
from stabkit.errors import TracingStopped
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing import in_numpy, trace

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch
    torch = pytest.importorskip("torch")


def heat(u, dt):
    return u + dt * (torch.roll(u, 1) - 2 * u + torch.roll(u, -1))


def in_place(u, dt):
    v = u.clone()
    v[1:-1] += dt * (u[2:] - 2 * u[1:-1] + u[:-2])
    return v


def by_convolution(u, dt):
    kernel = torch.tensor([[[1.0, -2.0, 1.0]]], dtype=u.dtype)
    wide = torch.nn.functional.pad(u[None, None], (1, 1), mode="replicate")
    return u + dt * torch.nn.functional.conv1d(wide, kernel)[0, 0]


def by_parts(u, dt):
    flux = torch.diff(u)
    zero = torch.zeros(1, dtype=u.dtype)
    return u + dt * (torch.cat([flux, zero]) - torch.cat([zero, flux]))


@pytest.mark.parametrize("step", [heat, in_place, by_convolution, by_parts])
def test_heat_in_four_ways(step):
    """1 − 2 dt >= 0 in every row: 1/2, as for the same step in NumPy."""
    found = step_bound(step, RANGE, shape=16)
    assert found.certified == Fraction(1, 2) < found.refuted[0][0] < Fraction(51, 100)
    found.check()
    assert decide(step, RANGE, shape=16, dt="1/2").status is PROVED
    assert decide(step, RANGE, shape=16, dt="51/100").status is REFUTED


def test_senses_of_a_torch_step():
    """The norm of the periodic step: |1 − 4 dt sin²| <= 1 up to 1/2."""
    table = senses(heat, shape=12, dt="1/2")
    assert table.status(RANGE) == table.status(EUCLIDEAN) == "proved"


def layer(middle):
    """u + dt (0.1 left + middle u + 0.1 right), in single precision."""
    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = torch.nn.Parameter(torch.tensor([[[0.1, middle, 0.1]]]))

        def forward(self, u, dt):
            wide = torch.nn.functional.pad(u[None, None], (1, 1), mode="circular")
            return u + dt * torch.nn.functional.conv1d(wide, self.kernel)[0, 0]
    return Layer()


def test_constants_in_single_precision_are_read_as_meant_and_told():
    """0.1 in single precision is 0.100000001490116; meant is 1/10, so 1 − dt/5 >= 0 up to 5, and
    with −0.19 in the middle a constant does not stay."""
    found = step_bound(layer(-0.2), RANGE, shape=8)
    assert found.certified == 5 and "as meant" in str(found) and "1/5" in found.rounding + "1/10"
    assert step_bound(layer(-0.19), RANGE, shape=8).refuted == ((0, None),)


def test_what_is_not_linear_and_what_depends_on_the_data():
    """tanh(u/2)·2 contracts; a box of the logistic map; a branch on the data is told."""
    assert decide(lambda u: torch.tanh(u), CONTRACTION, shape=5).status is PROVED
    assert step_bound(lambda u, dt: u + dt * u * (1 - u), stays_in(box(0, 1)),
                      shape=3).certified == 1

    def branches(u, dt):
        return heat(u, dt) if u.max() > 0 else u

    with pytest.raises(TracingStopped, match="PyTorch makes no graph"):
        trace(in_numpy(branches, (6,), True), 6)


def test_operations_give_the_numbers_of_torch():
    """The exact forms of many operations against torch itself, at random inputs."""
    index = torch.tensor([3, 0, 1, 1, 2, 5])

    def step(u, dt):
        w = torch.stack([u, u.flip(0)]).sum(0) / 3 + u[index] - u.mean() + torch.cumsum(u, 0)
        ones = torch.ones(2, dtype=u.dtype)
        w = torch.where(torch.arange(6) > 2, w, torch.zeros_like(u))
        w = w + (u.reshape(2, 3).T @ ones).repeat(2)
        v = torch.zeros_like(u)
        v[::2] = u[1::2] * dt
        v[index[:2]] = u[:2]
        return v + w - torch.narrow(torch.cat([u, u]), 0, 2, 6)

    function = in_numpy(step, (6,), True)
    u = np.random.default_rng(0).standard_normal(6)
    form = trace(function, 6, dt=Fraction(1, 3)).form
    matrix = np.zeros((6, 7))
    matrix[form.rows, form.columns] = form.numerators[:, 0] / form.denominator[0]
    assert np.abs(matrix @ np.append(1, u) - step(torch.from_numpy(u), 1 / 3).numpy()).max() < 1e-13


def test_an_operation_that_is_not_followed_is_named():
    """To sort is not linear, nor a function of single entries."""
    step = in_numpy(lambda u, dt: u - dt * torch.sort(u)[0], (4,), True)
    with pytest.raises(TracingStopped, match="operation sort"):
        trace(step, 4)


@pytest.mark.parametrize("largest", [
    lambda u: u.detach().numpy().max(), lambda u: max(u.detach().tolist()),
    lambda u: np.asarray(u.detach()).max()])
def test_what_reads_the_numbers_of_a_signal_has_no_graph(largest):
    """(1 − dt) u below 100 and 3 u above it: at no step is the norm kept, whatever is traced."""
    def switches(u, dt):
        return 3 * u if largest(u) > 100 else (1 - dt) * u

    with pytest.raises(TracingStopped, match="reads numbers"):
        trace(in_numpy(switches, (4,), True), 4)


def test_numbers_of_constants_may_be_read_and_half_precision_has_no_graph():
    """u − dt u/2 is stable up to 4; in half precision 65520 is infinite, and 0 times it nan."""
    weight = torch.tensor([0.5])
    assert step_bound(lambda u, dt: u - dt * float(weight.numpy()[0]) * u, EUCLIDEAN,
                      shape=3).certified == 4
    with pytest.raises(TracingStopped, match="float16"):
        trace(in_numpy(lambda u, dt: (1 - dt) * u.half().double(), (3,), True), 3)
