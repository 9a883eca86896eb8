"""Gates: constants of networks with products, against derivatives by torch and by hand."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import Status, audit, fluxes, replay
from stabkit.fluxes import activations
from stabkit.networks.graph import Graph, Node, evaluate
from stabkit.networks.layers import Activation, Dense, Product, Scaling, Selection, Sum
from stabkit.networks.reach import reaches_of, with_free_slopes
from stabkit.networks.slope_bound import active_entries
from stabkit.networks.slope_form import slope_form

TANH, SIGMOID = Activation(fluxes.tanh()), Activation(activations.sigmoid())
RNG = np.random.default_rng(3)


def gated(flux, gate, factor=1.0):
    """(x, y) ↦ factor Φ(x) Ψ(y)."""
    return Graph([Node("x", "", Selection(np.array([0])), (-1,), (1,)),
                  Node("y", "", Selection(np.array([1])), (-1,), (1,)),
                  Node("phi", "", flux, (0,), (1,)), Node("psi", "", gate, (1,), (1,)),
                  Node("gate", "Mul", Product(), (2, 3), (1,)),
                  Node("times", "Mul", Scaling(np.array(factor)), (4,), (1,))], (2,), "gate")


@pytest.mark.slow
def test_a_gated_tanh_has_the_constant_that_it_has():
    """∇ tanh(x) σ(y) = (σ(y)/cosh² x, tanh(x) σ(y)(1 − σ(y))) is 1 at most: at x = 0, y → ∞.

    Slopes in [0, 1] and [−1, 1] times those of tanh and σ give √(1 + 1/16) for every input.
    """
    found = audit(gated(TANH, SIGMOID), at_most="1.0308", budget=2)
    assert found.status is Status.PROVED and 1 <= found.upper <= Fraction("1.0308")
    assert found.lower > 0.9 and all(one.holds for one in replay(found.to_json()))
    assert audit(gated(TANH, SIGMOID, 2.0), at_most="1.9", budget=4).status is Status.REFUTED


@pytest.mark.slow
def test_a_gate_that_is_not_bounded_has_no_constant():
    """x σ(y) is as steep in y as x is large."""
    line = Scaling(np.array(1.0), np.array(0.5))
    found = audit(gated(line, SIGMOID), at_most=100, budget=1)
    assert found.upper is None and found.status is not Status.PROVED
    assert with_free_slopes(gated(Activation(fluxes.relu()), SIGMOID)) is None


def cell(pairs, steps):
    """h⁺ = n + z (h − n) from h = 0, or h⁺ = h f + i g: what GRU and LSTM do with their states."""
    size, nodes = 2, []
    def add(layer, *inputs):
        nodes.append(Node(f"n{len(nodes)}", type(layer).__name__, layer, inputs, (size,)))
        return len(nodes) - 1
    def gate(layer):
        return add(layer, add(Dense(RNG.standard_normal((size, size))), -1))
    h = gate(TANH)
    for _ in range(steps):
        z, n = gate(SIGMOID), gate(TANH)
        h = add(Sum(), n, add(Product(), z, add(Sum((1, -1)), h, n))) if pairs == "mean" else \
            add(Sum(), add(Product(), z, h), add(Product(), gate(SIGMOID), n))
    return Graph(nodes, (size,), pairs)


@pytest.mark.parametrize("pairs, most", [("mean", 1), ("cell", 4)])
def test_signals_stay_within_what_they_reach(pairs, most):
    """Means of numbers in [−1, 1] stay there; a cell grows by 1 a step."""
    graph = cell(pairs, 3)
    x = 10 * RNG.standard_normal((500, 2))
    values, reaches = graph.values(x, keep=True), reaches_of(graph)
    last = reaches[len(graph.nodes) - 1]
    assert np.abs(last).max() == pytest.approx(most)
    for number, (low, high) in reaches.items():
        assert (low <= values[number]).all() and (values[number] <= high).all()


@pytest.mark.slow
@pytest.mark.parametrize("pairs", ["mean", "cell"])
def test_no_derivative_beats_the_constant(pairs):
    """Central differences at random inputs, near and far."""
    graph = cell(pairs, 2)
    upper = float(audit(graph, at_most=1000, budget=2).upper)
    steepest = 0.0
    for size in (0.1, 1.0, 3.0):
        x = size * RNG.standard_normal((200, 2))
        J = np.stack([(evaluate(graph, x + 1e-6 * e) - evaluate(graph, x - 1e-6 * e)) / 2e-6
                      for e in np.eye(2)], axis=-1)
        steepest = max(steepest, np.linalg.norm(J, 2, axis=(1, 2)).max())
    assert steepest < upper * (1 + 1e-6) < 20 * steepest


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("first", [False, True])
def test_recurrent_modules_have_a_constant_from_both_sides(kind, first):
    """As torch evaluates them; time in front or the sample."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)

    class Last(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = getattr(torch.nn, kind)(2, 3, batch_first=first)

        def forward(self, x):
            states, _ = self.cell(x if first else x.transpose(0, 1))
            return states[:, -1] if first else states[-1]

    module = Last().eval()
    found = audit(module, (3, 2), at_most=50, budget=3)
    x = torch.randn(3, 2)
    jacobian = torch.autograd.functional.jacobian(lambda x: module(x[None]), x).reshape(3, 6)
    assert found.status is Status.PROVED
    assert np.linalg.norm(jacobian, 2) <= float(found.upper) and found.lower <= found.upper


@pytest.mark.parametrize("graph", [gated(TANH, SIGMOID), cell("mean", 3), cell("cell", 2)])
def test_a_product_counts_twice_among_what_multipliers_are_sought_for(graph):
    """As many entries as the form that they are sought in has beside the inputs."""
    form = slope_form(*with_free_slopes(graph))
    assert active_entries(graph) == form.size - form.inputs
