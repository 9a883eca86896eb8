"""The headline of an audit is about the whole network: compositions, depth, constants, steps."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import InvalidArgument, Status, audit, fluxes, make_stable, replay
from stabkit.audit import npz_file
from stabkit.cli import main
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import (
    Activation,
    Concatenation,
    Convolution,
    Dense,
    Scaling,
    Selection,
    Sum,
)
from stabkit.networks.segments import join_graphs
from stabkit.report.audit import headline


def holds(result):
    return all(finding.holds for finding in replay(result.to_json()))


def status(result, notion):
    return next(item.status for item in result.judgements if item.notion == notion)


def verlet(weights, flux):
    """Y⁺ = Y + w₁Φ(w₁Z), Z⁺ = Z − w₂Φ(w₂Y⁺), one block for each pair (w₁, w₂)."""
    def branch(start, source, skip, sign, w):
        return [Node("in", "", Dense(np.array([[w]])), (source,), (1,)),
                Node("phi", "", Activation(flux), (start,), (1,)),
                Node("out", "", Dense(np.array([[w]])), (start + 1,), (1,)),
                Node("add", "", Sum((1, sign)), (skip, start + 2), (1,))]
    halves = [Node(f"half{i}", "Split", Selection(np.array([i])), (-1,), (1,)) for i in (0, 1)]
    return join_graphs([Graph([*halves, *branch(2, 1, 0, 1, w1), *branch(6, 5, 1, -1, w2),
                                              Node("cat", "Concat", Concatenation(0), (5, 9),
                                                   (2,))], (2,), "verlet")
                                       for w1, w2 in weights])


def gain(weights):
    """The norm of the product of the linear steps, by plain loops."""
    total = np.eye(2)
    for w1, w2 in weights:
        first, second = np.array([[1, w1 * w1], [0, 1]]), np.array([[1, 0], [-w2 * w2, 1]])
        total = second @ first @ total
    return np.linalg.norm(total, 2)


IN_TURN = [(3.0, 1 / 3), (1 / 3, 3.0)]


@pytest.mark.slow
@pytest.mark.parametrize("flux, found", [
    (fluxes.tanh(), Status.REFUTED), (fluxes.relu(), Status.UNDECIDED)])
def test_blocks_whose_modes_do_not_grow_make_no_stable_network(flux, found):
    """Each block is inside its bound, |w₁w₂|² <= 4; a row of eight of them grows by 1e7."""
    result = audit(verlet(IN_TURN * 4, flux), budget=1)
    assert gain(IN_TURN * 4) > 1e7
    assert status(result, "modes") is Status.PROVED and result.status is found
    assert status(result, "contraction") is Status.REFUTED and holds(result)
    assert not headline(result).startswith("stable") and "bounded" in headline(result)
    if flux.name == "tanh":
        assert result.lower > 1e7 * Fraction(99, 100)


@pytest.mark.slow
def test_modes_alone_never_say_stable():
    result = audit(verlet([(1.0, 1.0)], fluxes.relu()), notions=["modes"], budget=1)
    assert result.status is Status.UNDECIDED
    assert "nothing follows for the network" in " ".join(headline(result).split())


@pytest.mark.slow
@pytest.mark.parametrize("weights, found", [
    ([(1.0, 1.0)] * 6, Status.PROVED), ([(1.4, 1.4)] * 3, Status.PROVED),
    ([(1.415, 1.415)], Status.REFUTED), ([(3.0, 1 / 3)] * 3, Status.PROVED),
    (IN_TURN, Status.REFUTED), ([(1.0, 1.0), (1.25, 1.25)], Status.REFUTED),
    ([(2.0, 0.0)], Status.UNDECIDED)])
def test_linear_verlet_steps_have_one_bound_only_where_their_powers_have(weights, found):
    """Against the eigenvalues of the product, by LAPACK; a shear grows like its power."""
    result = audit(verlet(weights, fluxes.identity()), notions=["bounded"], budget=1)
    assert result.status is found and holds(result)
    total = np.eye(2)
    for w1, w2 in weights:
        total = np.array([[1, 0], [-w2**2, 1]]) @ np.array([[1, w1**2], [0, 1]]) @ total
    radius = np.abs(np.linalg.eigvals(total)).max()
    assert bool(radius > 1 + 1e-9) is (found is Status.REFUTED)


@pytest.mark.slow
def test_a_common_kernel_does_not_spoil_the_bound():
    """Blocks with A = B = KᵀK for differences K, which do not see constants."""
    K = np.array([[-1.0, 1, 0], [0, -1, 1]])
    def branch(start, source, skip, sign):
        return [Node("in", "", Dense(K), (source,), (2,)),
                Node("phi", "", Activation(fluxes.identity()), (start,), (2,)),
                Node("out", "", Dense(0.5 * K.T), (start + 1,), (3,)),
                Node("add", "", Sum((1, sign)), (skip, start + 2), (3,))]
    halves = [Node(f"half{i}", "", Selection(np.arange(3) + 3 * i), (-1,), (3,)) for i in (0, 1)]
    graph = Graph([*halves, *branch(2, 1, 0, 1), *branch(6, 5, 1, -1),
                   Node("cat", "", Concatenation(0), (5, 9), (6,))], (6,), "waves")
    assert audit(graph, notions=["bounded"], budget=1).status is Status.PROVED


# -- rows of layers --------------------------------------------------------------------------------
def row(*matrices, flux="relu"):
    arrays = {f"A{i}": np.array(matrix, float) for i, matrix in enumerate(matrices)}
    if flux:
        arrays |= {f"flux{i}": flux for i in range(len(matrices) - 1)}
    return npz_file.from_arrays(arrays, "row")


I3 = np.eye(3)
TURNED = [np.diag([2.0, 0.5]), np.diag([0.5, 2.0])]


@pytest.mark.slow
@pytest.mark.parametrize("graph, constant", [
    (row(2 * I3, I3 / 4), 0.5), (row(*TURNED), 1), (row(*TURNED, flux=None), 1),
    (row(*TURNED, *TURNED), 1), (row(.001 * I3, 30 * I3, 33 * I3), 0.99)])
def test_a_row_is_judged_as_a_row(graph, constant):
    result = audit(graph, budget=1)
    assert result.status is Status.PROVED and holds(result) and not result.advice
    assert float(result.lower) <= constant * (1 + 1e-9)
    assert constant <= float(result.upper) * (1 + 1e-9) <= constant * (1 + 1e-6)
    assert make_stable(graph, budget=1).graph is graph


@pytest.mark.slow
@pytest.mark.parametrize("graph", [
    row(2 * I3, I3 * 0.5005), row(np.diag([2, .5]), np.diag([.5, 2.002])),
    row(np.diag([2.0, 0.5]), np.diag([0.5, 2.002]), flux=None),
    row(*TURNED, flux="soft")])
def test_a_row_that_is_false_by_a_hair_is_not_proved(graph):
    """Constant 1.001; and soft shrinkage, through which no factor can be moved."""
    result = audit(graph, budget=1)
    assert result.status is not Status.PROVED and holds(result)


@pytest.mark.slow
def test_a_row_is_scaled_at_one_place_by_what_is_missing():
    """0.001 · 30 · 40 = 1.2."""
    graph = row(.001 * I3, 30 * I3, 40 * I3)
    assert audit(graph, budget=1).advice == ("A2: scale by 0.833333",)
    repaired = make_stable(graph, budget=1)
    assert len(repaired.changes) == 1 and repaired.audit.status is Status.PROVED
    scaled = [new.layer.weights / old.layer.weights for old, new in
              zip(graph.nodes, repaired.graph.nodes, strict=True) if hasattr(old.layer, "weights")
              for _ in [np.seterr(all="ignore")]]
    factors = sorted(float(np.nanmax(part)) for part in scaled)
    assert 0.8333 < factors[0] < 0.83334 and factors[1:] == [1, 1]


# -- the constant that is asked for ----------------------------------------------------------------
@pytest.mark.parametrize("at_most, code, word", [
    ("3/2", 0, "proved"), ("1.4", 1, "refuted"), ("nonsense", 2, ""), ("-1", 2, "")])
def test_a_constant_can_be_asked_for(tmp_path, capsys, at_most, code, word):
    """A0 = diag(3/2, 1) has the constant 3/2."""
    path, verdicts = tmp_path / "row.npz", tmp_path / "v.json"
    np.savez(path, A0=np.diag([1.5, 1.0]))
    assert main(["audit", str(path), "--at-most", at_most, "--budget", "1",
                 "--json", str(verdicts)]) == code
    if word:
        assert f"\n{word}: " in capsys.readouterr().out and main(["replay", str(verdicts)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("at_most", [1, 3, "3.9"])
def test_the_pair_that_is_shown_is_driven_that_far_apart(at_most):
    """2 tanh(2 u): two inputs near 0 are driven apart by 4, inputs at 1 by less than 2."""
    graph = Graph([Node("in", "", Scaling(np.array(2.0)), (-1,), (1,)),
                   Node("tanh", "", Activation(fluxes.tanh()), (0,), (1,)),
                   Node("out", "", Scaling(np.array(2.0)), (1,), (1,))], (1,), "steep")
    found = audit(graph, at_most=at_most, budget=2)
    refuted = [each for each in found.judgements if each.counts]
    assert refuted and all(each.status is Status.REFUTED for each in refuted)
    for judgement in refuted:
        if judgement.notion.startswith("constant") or judgement.notion == "contraction":
            u, w = (np.array(signal, dtype=float)[0] for signal in judgement.signals)
            bound = float(Fraction(at_most)) if judgement.notion.startswith("constant") else 1
            assert abs(2 * np.tanh(2 * u) - 2 * np.tanh(2 * w)) > bound * abs(u - w)


@pytest.mark.slow
def test_a_constant_between_the_bounds_is_undecided():
    graph = row(*(np.random.default_rng(1).standard_normal((3, 3)) for _ in range(4)))
    found = audit(graph, budget=1)
    middle = (found.lower + found.upper) / 2
    assert found.lower < middle < found.upper
    assert audit(graph, at_most=middle, budget=1).status is Status.UNDECIDED
    assert audit(graph, at_most=found.upper, budget=1).status is Status.PROVED


# -- certified steps -------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("samples", [12, 32])
def test_certified_steps_are_of_the_notion_that_is_asked_for(samples):
    """u − 0.1 KᵀK u for the stencil (1, −2, 1): K has rows of both signs, so no step keeps the
    range, as the input that is 1 where a row of KᵀK is positive shows."""
    graph = npz_file.from_arrays({"stencil1": np.array([1.0, -2, 1]), "sizes": np.array([samples]),
                                  "flux": "identity", "step": np.array(0.1)})
    asked = audit(graph, notions=["range"], budget=1)
    assert asked.status is Status.REFUTED and asked.blocks[0].safe is None
    norm = audit(graph, notions=["contraction"], budget=1)
    assert norm.status is Status.PROVED and norm.blocks[0].safe > Fraction(1, 10)


def test_a_bias_leaves_no_step_for_the_norm():
    K = np.array([[-1.0, 1, 0], [0, -1, 1]])
    graph = npz_file.from_arrays({"W1": K, "b1": np.ones(2), "flux": "relu", "step": np.array(.1)})
    asked = audit(graph, notions=["euclidean"], budget=1)
    assert asked.status is Status.REFUTED and asked.blocks[0].safe is None


# -- functions -------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("function, found", [
    (lambda x: 3 * x, Status.REFUTED), (lambda x: 1.5 * np.tanh(x), Status.REFUTED),
    (lambda x: 1.001 * x, Status.REFUTED), (lambda x: 0.999 * np.tanh(x), Status.PROVED),
    (lambda x: np.roll(x, 1, axis=-1), Status.PROVED),
    (lambda x: np.sin(2 * x), Status.UNDECIDED)])
def test_functions_are_refuted_by_exact_inputs(function, found):
    result = audit(function, shape=(4,), budget=1)
    assert result.status is found and holds(result)
    if found is Status.REFUTED:
        u = next(item for item in result.judgements if item.counts).signals[0].astype(float)
        assert np.linalg.norm(function(u)) > np.linalg.norm(u)


@pytest.mark.slow
def test_a_function_gets_its_own_copy_and_keeps_the_shape():
    def grow(u):
        u *= 2
        return u
    assert audit(grow, shape=(4,), budget=1).status is Status.REFUTED
    with pytest.raises(InvalidArgument, match="real array of shape"):
        audit(lambda u: u[..., :2], shape=(4,), budget=1)


# -- wiring ----------------------------------------------------------------------------------------
def by_slices(tau, sign=1, flux=None, bias=None):
    """u + τ (Φ(u₊ − u) − Φ(u − u₋)), the two differences taken apart; 0 beyond the ends."""
    n, flux = 6, flux or fluxes.tanh()
    right, left = np.minimum(np.arange(n) + 1, n - 1), np.maximum(np.arange(n) - 1, 0)
    return Graph([
        Node("r", "Slice", Selection(right), (-1,), (n,)),
        Node("l", "Slice", Selection(left), (-1,), (n,)),
        Node("dr", "Sub", Sum((1, -1)), (0, -1), (n,)),
        Node("dl", "Sub", Sum((1, -1)), (-1, 1), (n,)),
        Node("b", "Add", Scaling(None, bias), (2,), (n,)),
        Node("fr", "Tanh", Activation(flux), (4,), (n,)),
        Node("fl", "Tanh", Activation(flux), (3,), (n,)),
        Node("div", "Sub", Sum((1, -1)), (5, 6), (n,)),
        Node("tau", "Mul", Scaling(np.array(float(tau))), (7,), (n,)),
        Node("out", "Add", Sum((sign, 1)), (-1, 8), (n,))], (n,), "slices")


@pytest.mark.slow
@pytest.mark.parametrize("tau, sign, found", [
    (0.25, 1, Status.PROVED), (0.5, 1, Status.PROVED), (-0.25, 1, Status.REFUTED),
    (0.75, 1, Status.REFUTED)])
def test_a_diffusion_block_by_slices_is_read_as_one(tau, sign, found):
    """The linear part at 0 is I − τKᵀK with eigenvalues 1 − τ(2 − 2 cos(πk/6)) >= 1 − 3.74 τ."""
    result = audit(by_slices(tau, sign), budget=1)
    assert result.status is found and holds(result)
    assert result.blocks[0].form == ("diffusion block" if tau > 0 else "residual block")


@pytest.mark.slow
def test_a_circular_convolution_and_its_transpose_on_a_padded_signal():
    """12 × 12 pixels; the transposed convolution acts on the signal with its margins copied."""
    rng, shape = np.random.default_rng(1), (1, 12, 12)
    kernel = (rng.standard_normal((2, 1, 3, 3)) / 4).astype(np.float32)
    forward = Convolution(kernel, None, shape, (1, 1), ((1, 1), (1, 1)), (1, 1), periodic=True)
    flipped = np.flip(kernel.swapaxes(0, 1), (2, 3))
    index = np.pad(np.arange(288).reshape(2, 12, 12), ((0, 0), (1, 1), (1, 1)), mode="wrap")
    back = Convolution(flipped, None, (2, 14, 14), (1, 1), ((0, 0), (0, 0)), (1, 1))
    graph = Graph([
        Node("k", "Conv", forward, (-1,), (2, 12, 12)),
        Node("phi", "Tanh", Activation(fluxes.tanh()), (0,), (2, 12, 12)),
        Node("pad", "Pad", Selection(index.ravel()), (1,), (2, 14, 14)),
        Node("kt", "Conv", back, (2,), shape),
        Node("tau", "Mul", Scaling(np.array(0.1)), (3,), shape),
        Node("out", "Sub", Sum((1, -1)), (-1, 4), shape)], shape, "circular")
    result = audit(graph, budget=1)
    assert result.status is Status.PROVED and holds(result)
    broken = list(graph.nodes)
    broken[3] = Node("kt", "Conv", Convolution(
        flipped + np.float32(1e-3) * (np.arange(9).reshape(3, 3) == 0), None, (2, 14, 14), (1, 1),
        ((0, 0), (0, 0)), (1, 1)), (2,), shape)
    assert audit(Graph(broken, shape), budget=1).status is not Status.PROVED
