"""Audits of networks: planted faults are found, bounds hold against brute force."""

import gc
import time
import zipfile
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import InvalidArgument, Status, audit, fluxes, make_stable, replay
from stabkit.audit import npz_file
from stabkit.cli import main
from stabkit.networks.enclosures import enclose
from stabkit.networks.graph import Graph, Node, evaluate
from stabkit.networks.layers import (
    Activation,
    Concatenation,
    Convolution,
    Dense,
    MeanPooling,
    Scaling,
    Selection,
    Sum,
)
from stabkit.networks.network import Network
from stabkit.operators.singular_values import square_bound

RNG = np.random.default_rng(3)
K = np.array([[-1.0, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1]])  # ‖K‖² = 2 + √2


def block(W1=K, W2=None, step=0.25, bias=None, flux=None):
    """u − step W₂Φ(W₁u + b), with W₂ = W₁ᵀ if it is left out."""
    m, n = W1.shape
    flux = flux or fluxes.relu()
    return Graph([
        Node("one", "Gemm", Dense(W1, bias), (-1,), (m,)),
        Node("phi", "Relu", Activation(flux), (0,), (m,)),
        Node("two", "Gemm", Dense(W1.T if W2 is None else W2), (1,), (n,)),
        Node("tau", "Mul", Scaling(np.array(step)), (2,), (n,)),
        Node("add", "Sub", Sum((1, -1)), (-1, 3), (n,))], (n,), "planted")


def holds(result):
    return all(finding.holds for finding in replay(result.to_json()))


@pytest.mark.slow
@pytest.mark.parametrize("step, status", [(0.58578, Status.PROVED), (0.58579, Status.REFUTED)])
def test_the_step_bound_2_over_2_plus_root_2_is_met_on_both_sides(step, status):
    """2/(2 + √2) = 0.585786…"""
    result = audit(block(step=step, flux=fluxes.identity()), budget=1)
    assert result.status is status and holds(result)
    assert bool(result.advice) is (status is Status.REFUTED)


@pytest.mark.slow
@pytest.mark.parametrize("W2, word", [
    (-K.T, "reverse the sign"),
    (K.T + np.array([[0, 0, 0]] * 3 + [[0, 1e-3, 0]]), "transpose the second matrix exactly"),
    (np.roll(K.T, 1, axis=0), "multiply its result by"),
])
def test_a_second_map_that_is_not_the_transpose_is_never_proved(W2, word):
    result = audit(block(W2=W2), budget=1)
    assert result.status is not Status.PROVED and holds(result)
    assert word in result.advice[0] and result.advice[0].split(":")[0] in ("two", "add")


@pytest.mark.slow
def test_a_bias_breaks_the_norm_but_not_the_contraction():
    result = audit(block(bias=np.ones(3)), budget=1)
    found = {item.notion: item for item in result.judgements}
    assert found["contraction"].status is Status.PROVED and found["contraction"].counts
    assert found["euclidean"].status is Status.REFUTED
    assert not any(found["euclidean"].signals[0])  # zero is what shows it
    assert holds(result)


def coupling(sign, step):
    """Y⁺ = Y + step Aᵀ tanh(A Z), Z⁺ = Z + sign step Aᵀ tanh(A Y⁺); A = 2 on both halves."""
    A = np.array([[2.0]])
    def nodes(start, source, skip, sign):
        return [Node("in", "", Dense(A), (source,), (1,)),
                Node("phi", "", Activation(fluxes.tanh()), (start,), (1,)),
                Node("out", "", Dense(A.T), (start + 1,), (1,)),
                Node("delta", "", Scaling(np.array(step)), (start + 2,), (1,)),
                Node("add", "", Sum((1, sign)), (skip, start + 3), (1,))]
    halves = [Node(f"half{i}", "Split", Selection(np.array([i])), (-1,), (1,)) for i in (0, 1)]
    return Graph([*halves, *nodes(2, 1, 0, 1), *nodes(7, 6, 1, sign),
                  Node("cat", "Concat", Concatenation(0), (6, 11), (2,))], (2,), "coupling")


@pytest.mark.slow
@pytest.mark.parametrize("sign, step, status", [
    (-1, 0.5, Status.PROVED), (-1, 0.501, Status.REFUTED), (1, 0.1, Status.REFUTED)])
def test_modes_of_a_verlet_step(sign, step, status):
    """Linearised at 0 it is [[1, a], [−a, 1 − a²]] with a = 4 step, whose trace 2 − a² leaves
    [−2, 2] beyond a = 2; with equal signs the trace 2 + a² does so at once."""
    result = audit(coupling(sign, step), notions=["modes"], budget=1)
    modes = [item for item in result.judgements if item.notion == "modes"]
    assert [item.status for item in modes] == [status, status] and holds(result)
    assert {item.direction for item in modes if item.counts} == {"forward", "backward"}
    # What is proved of each block alone proves nothing of the network.
    assert result.status is (Status.REFUTED if status is Status.REFUTED else Status.UNDECIDED)


def wide(scale):
    """Two convolutions on 16 channels of 10 × 10 pixels: too large for rational arithmetic."""
    weights = np.random.default_rng(1).standard_normal((16, 16, 3, 3)) * scale
    layer = Convolution(weights, None, (16, 10, 10), (1, 1), ((1, 1), (1, 1)), (1, 1))
    shape = (16, 10, 10)
    return layer, Graph([Node("a", "Conv", layer, (-1,), shape),
                         Node("b", "Relu", Activation(fluxes.relu()), (0,), shape),
                         Node("c", "Conv", layer, (1,), shape)], shape)


@pytest.mark.slow
def test_large_networks_are_bounded_from_both_sides():
    """The network is at most ‖K‖² steep, and the pair that was found is driven apart so far."""
    layer, graph = wide(0.2)
    result = audit(graph, budget=1)
    assert result.upper >= brute(layer, layer.shape) ** 2 * (1 - 1e-12) >= float(result.lower) > 1
    assert result.status is Status.REFUTED and holds(result)
    u = next(item for item in result.judgements if item.counts).signals[0]
    up = Network(graph)(u)
    assert np.linalg.norm(up) > np.linalg.norm(u)
    assert audit(wide(0.005)[1], budget=1).status is Status.PROVED


def test_a_graph_with_a_number_that_is_not_finite_is_refused():
    with pytest.raises(InvalidArgument, match=r"one .* not finite"):
        audit(block(W1=np.where(K == 0, np.inf, K)))


def brute(layer, shape):
    """The norm of a linear layer, from its matrix, by LAPACK."""
    n = int(np.prod(shape))
    return np.linalg.norm(layer.apply(np.eye(n).reshape(n, *shape)).reshape(n, -1), 2)


@pytest.mark.parametrize("stride, padding, dilation, groups, periodic", [
    ((1, 1), ((1, 1), (1, 1)), (1, 1), 1, False), ((2, 3), ((1, 0), (2, 1)), (1, 1), 2, False),
    ((1, 1), ((2, 2), (2, 2)), (2, 2), 1, False), ((1, 1), ((1, 1), (1, 1)), (1, 1), 4, True),
    ((1, 1), ((1, 1), (4, 4)), (1, 1), 1, True), ((2, 1), ((1, 1), (1, 1)), (1, 1), 1, True),
])
def test_bounds_of_convolutions_hold_and_are_near(stride, padding, dilation, groups, periodic):
    weights = RNG.standard_normal((4, 4 // groups, 3, 3))
    layer = Convolution(weights, None, (4, 9, 7), stride, padding, dilation, groups, periodic)
    exact, bound = brute(layer, layer.shape), float(layer.bound)
    assert exact * (1 - 1e-12) <= bound <= 1.7 * exact


@pytest.mark.parametrize("counts", [True, False])
def test_bounds_of_pooling_hold(counts):
    layer = MeanPooling((2, 6, 5), (3, 2), (2, 1), ((1, 1), (0, 1)), counts_padding=counts)
    assert brute(layer, layer.shape) <= float(layer.bound) * (1 + 1e-12)


@pytest.mark.parametrize("shape, away", [((5, 3), 1e-9), ((40, 60), 1e-9), ((150, 140), 2e-3)])
def test_singular_values_are_bounded_tightly(shape, away):
    matrix = RNG.standard_normal(shape)
    exact, bound = np.linalg.norm(matrix, 2) ** 2, float(square_bound(matrix[None]))
    assert exact * (1 - 1e-13) <= bound <= exact * (1 + away)


@pytest.mark.parametrize("size", [3, pytest.param(2100, marks=pytest.mark.slow)])
def test_singular_values_of_matrices_that_vanish(size):
    """Two matrices of a batch, the first of them zero: the bound is that of the other."""
    blocks = np.zeros((2, size, size))
    blocks[1, 0, 0] = 2
    assert 4 <= square_bound(blocks) <= 4.1
    assert square_bound(blocks[:1]) == 0


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_no_exact_pair_is_driven_further_apart_than_the_bound(seed):
    rng = np.random.default_rng(seed)
    graph = block(rng.integers(-3, 4, (3, 4)) / 2, rng.integers(-3, 4, (4, 3)) / 2,
                  bias=rng.integers(-2, 3, 3) / 2.0)
    bound, network = graph.bound, Network(graph)
    u, w = (np.array([Fraction(int(x)) for x in rng.integers(-4, 5, 4)], dtype=object)
            for _ in "uw")
    apart, away = np.sum((network(u) - network(w)) ** 2), np.sum((u - w) ** 2)
    assert apart <= bound**2 * away


@pytest.mark.slow
@pytest.mark.parametrize("graph", [
    block(step=1.0), block(W2=-K.T), block(W2=K.T * [1, 2, 1], bias=np.ones(3)),
    Graph([Node("A", "Gemm", Dense(3 * K, np.ones(3)), (-1,), (3,))], (4,))])
def test_what_was_made_stable_is_proved_and_says_what_changed(graph):
    repaired = make_stable(graph, budget=1)
    assert repaired.audit.status is Status.PROVED and len(repaired.changes) == 1
    assert make_stable(repaired.graph, budget=1).changes == ()


def test_float_enclosures_hold_what_fractions_say():
    """A network of three layers at float inputs, against exact rational arithmetic."""
    weights = RNG.standard_normal((3, 3, 3, 3))
    one = Convolution(weights, RNG.standard_normal(3), (3, 4, 4), (1, 1), ((1, 1), (1, 1)), (1, 1))
    pool = MeanPooling((3, 4, 4), (3, 3), (1, 1), ((1, 1), (1, 1)))
    graph = Graph([Node("a", "", one, (-1,), (3, 4, 4)),
                   Node("b", "", Activation(fluxes.leaky_relu(0.1)), (0,), (3, 4, 4)),
                   Node("c", "", Sum((1, -1)), (-1, 1), (3, 4, 4)),
                   Node("d", "", pool, (2,), (3, 4, 4))], (3, 4, 4))
    x = RNG.standard_normal((2, 3, 4, 4))
    middle, error = enclose(graph, x)
    exact = evaluate(graph, np.vectorize(Fraction, otypes=[object])(x))
    for near, bound, true in zip(middle, error, exact, strict=True):
        off = sum((Fraction(float(a)) - b) ** 2 for a, b in zip(near.flat, true.flat, strict=True))
        assert off <= Fraction(float(bound)) ** 2 < Fraction(1, 10**24)


@pytest.mark.slow
def test_a_function_is_proved_by_its_trace_alone():
    """u/2 is a matrix; which branch is taken is not to be seen from symbols, so that is tried."""
    assert audit(lambda u: u / 2, (4,), budget=1).status is Status.PROVED
    branch = audit(lambda u: u / 2 if float(u[0]) > 0 else u / 3, (4,), budget=1)
    assert branch.status is Status.SUPPORTED


@pytest.mark.parametrize("arrays, word", [
    ({"W1": K * np.nan, "flux": "soft"}, "W1 must be finite"),
    ({"W1": K, "flux": "softt"}, "flux must be one of"),
    ({"W1": K}, "needs flux"), ({"flux": "soft"}, "needs W1"),
    ({"W1": K, "W2": K, "flux": "soft"}, "W2 must have 3 columns"),
    ({"W1": K, "flux": "soft", "step": -1.0}, "step must be one positive number"),
    ({"W1": K, "flux": "soft", "b1": np.ones(4)}, "b1 must have length 3"),
    ({"W1": K, "flux": "soft", "tau": 1.0}, "unknown key 'tau'"),
])
def test_bad_arrays_get_one_clear_line(arrays, word):
    with pytest.raises(InvalidArgument, match=word):
        npz_file.from_arrays(arrays)


def test_files_are_never_unpickled_and_never_half_read(tmp_path):
    pickled, cut = tmp_path / "pickled.npz", tmp_path / "cut.npz"
    np.savez(pickled, W1=np.array([K, None], dtype=object), flux="soft")
    with pytest.raises(InvalidArgument, match="Python objects"):
        npz_file.read(pickled)
    cut.write_bytes(pickled.read_bytes()[:200])
    with pytest.raises(InvalidArgument, match=r"not an \.npz file"):
        npz_file.read(cut)


@pytest.mark.slow
def test_the_command_says_stable_by_its_exit_status_and_its_file_replays(tmp_path, capsys):
    path, verdicts = tmp_path / "block.npz", tmp_path / "v.json"
    for step, status in ((0.5, 0), (0.6, 1)):  # the bound is 2/(2 + √2) = 0.5857…
        np.savez(path, W1=K, flux="soft", step=step)
        assert main(["audit", str(path), "--budget", "1", "--json", str(verdicts)]) == status
        assert main(["replay", str(verdicts)]) == 0
    assert "step at most 0.585786, it is 0.6" in capsys.readouterr().out
    path.write_bytes(b"PK\x03\x04 and no more")
    assert main(["audit", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_archive_is_judged_before_it_is_unpacked(tmp_path):
    """What unpacks to more than the limit, or has arrays of no known name, is refused at once."""
    bomb, foreign = tmp_path / "bomb.npz", tmp_path / "foreign.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, \
            archive.open("W1.npy", "w", force_zip64=True) as member:
        for _ in range(3):
            member.write(bytes(1 << 20))
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("matrix.npy", b"never read")
    with pytest.raises(InvalidArgument, match="unknown key 'matrix'"):
        npz_file.read(foreign)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(InvalidArgument, match="would need"):
        patch.setattr(npz_file, "LARGEST", 1 << 20)
        npz_file.read(bomb)


@pytest.mark.slow
def test_audits_leave_nothing_behind(tmp_path):
    """Forty networks more, each another, and the objects in memory are nearly as many as before."""
    path, rng = tmp_path / "net.npz", np.random.default_rng(0)

    def objects_after(audits):
        for number in range(audits):
            np.savez(path, A0=rng.integers(-4, 5, (2, 2)) / 4, flux0="soft", contrast0=1.5,
                     A1=rng.integers(-4, 5, (1 + number % 3, 2)) / 4, flux1="tanh")
            audit(path, budget=0.02)
        gc.collect()
        return len(gc.get_objects())

    before = objects_after(40)
    assert objects_after(40) - before < 40 * 150  # those of one flux with what is known are 400


@pytest.mark.slow
def test_an_audit_of_a_scheme_keeps_its_budget():
    """A step that takes a hundredth of a second is taken some hundred times, not some thousand."""
    calls = []

    def slow(u):
        calls.append(time.sleep(0.01))
        return u / 2

    audit(slow, 4, budget=0.5)
    assert 0 < len(calls) < 400
