"""Functions of one number written out by operators are one activation, with its own slopes."""

from fractions import Fraction

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from test_onnx_operators import CASES, agrees, ints, model, read_bytes, single, weights  # noqa: E402

from stabkit import audit  # noqa: E402
from stabkit.audit.onnx_file import read_model  # noqa: E402
from stabkit.audit.reading import recognition  # noqa: E402
from stabkit.networks.derivatives import backward, forward  # noqa: E402
from stabkit.networks.layers import Activation, Normalisation  # noqa: E402

ONE, HALF, TENTH = np.float32(1), np.float32(0.5), np.float32(0.1)
CHARBONNIER = [("Mul", ["x", "x"], ["a"], {}), ("Add", ["a", "one"], ["b"], {}),
               ("Sqrt", ["b"], ["c"], {}), ("Div", ["x", "c"], ["y"], {})]
PERONA_MALIK = [("Mul", ["x", "x"], ["a"], {}), ("Mul", ["a", "half"], ["b"], {}),
                ("Neg", ["b"], ["c"], {}), ("Exp", ["c"], ["d"], {}),
                ("Mul", ["x", "d"], ["y"], {})]
RATIONAL = [("Pow", ["x", "two"], ["a"], {}), ("Add", ["a", "one"], ["b"], {}),
            ("Reciprocal", ["b"], ["c"], {}), ("Mul", ["x", "c"], ["y"], {})]
SOFTSIGN = [("Abs", ["x"], ["a"], {}), ("Add", ["a", "one"], ["b"], {}),
            ("Div", ["x", "b"], ["y"], {})]
SHRINKAGE = [("Sign", ["x"], ["a"], {}), ("Abs", ["x"], ["b"], {}),
             ("Sub", ["b", "tenth"], ["c"], {}), ("Relu", ["c"], ["d"], {}),
             ("Mul", ["a", "d"], ["y"], {})]
LEAKY = [("Greater", ["x", "zero"], ["a"], {}), ("Mul", ["x", "tenth"], ["b"], {}),
         ("Where", ["a", "x", "b"], ["y"], {})]
SINE = [("Mul", ["x", "thirty"], ["a"], {}), ("Sin", ["a"], ["y"], {})]
GATED = [("Tanh", ["x"], ["a"], {}), ("Sigmoid", ["x"], ["b"], {}), ("Mul", ["a", "b"], ["y"], {})]
GARROTE = [("Mul", ["x", "x"], ["a"], {}), ("Max", ["a", "one"], ["b"], {}),
           ("Div", ["x", "b"], ["y"], {})]
BELL = [("Mul", ["x", "x"], ["a"], {}), ("Neg", ["a"], ["b"], {}), ("Exp", ["b"], ["y"], {})]
CONSTANTS = {"one": ONE, "half": HALF, "tenth": TENTH, "two": np.float32(2),
             "zero": np.float32(0), "thirty": np.float32(30)}


def written(nodes, shape=(7,)):
    used = {name for _, inputs, _, _ in nodes for name in inputs}
    return model(nodes, shape, {name: value for name, value in CONSTANTS.items() if name in used})


@pytest.mark.slow
@pytest.mark.parametrize("nodes, least, most", [
    (CHARBONNIER, 1, 1), (RATIONAL, 1, 1), (SOFTSIGN, 1, 1), (PERONA_MALIK, 1, 1), (GARROTE, 1, 1),
    (SHRINKAGE, 1, 1), (LEAKY, 1, 1), (SINE, 29.9, 30.1), (GATED, 0.6, 0.7), (BELL, 0.857, 0.858),
], ids=lambda case: case[-1][0] if isinstance(case, list) else "")
def test_formulas_are_activations(nodes, least, most):
    """The steepest slopes: 1 of s/√(1+s²), s/(1+s²), s/(1+|s|), s exp(−s²/2), s/max(1, s²) and
    shrinkage at 0 or far out, √(2/e) of exp(−s²), 30 of sin 30s."""
    steep = agrees(written(nodes)).bound
    assert steep is not None and least <= steep <= most


@pytest.mark.parametrize("nodes", [SHRINKAGE, CHARBONNIER, PERONA_MALIK, GARROTE])
def test_a_formula_is_one_layer(nodes):
    assert [type(node.layer) for node in agrees(written(nodes)).nodes] == [Activation]


def test_scalings_before_a_formula_stay_scalings():
    """3x exp(−(3x)²/2), with −3x written as a scaling of its own: 3x, then s exp(−s²/2)."""
    proto = model([("Mul", ["x", "w"], ["s"], {}), ("Neg", ["s"], ["n"], {}),
                   ("Mul", ["n", "s"], ["q"], {}), ("Mul", ["q", "half"], ["e"], {}),
                   ("Exp", ["e"], ["g"], {}), ("Mul", ["s", "g"], ["y"], {})], (7,),
                  {"w": np.float32(3), "half": HALF})
    scaling, activation = (node.layer for node in agrees(proto).nodes)
    assert scaling.factors == 3 and activation.flux.parameters == {"a": HALF, "factor": 1}


def test_a_formula_for_which_the_time_is_over_is_looked_at_again(monkeypatch):
    """exp(sin(sin u)) has a constant of at most e: none is known after no time, one later."""
    nodes = [("Sin", ["x"], ["a"], {}), ("Sin", ["a"], ["b"], {}), ("Exp", ["b"], ["y"], {})]
    with monkeypatch.context() as patch:
        patch.setattr(recognition, "_SECONDS", 0.0)
        assert read_graph(model(nodes, (3,))).bound is None
    assert 1 < read_graph(model(nodes, (3,))).bound < 3


@pytest.mark.slow
def test_a_formula_that_falls_far_below_all_floats():
    """x exp(−|x|) at 2⁴⁰ has a denominator of 10¹² digits; its slope (1 − |x|) exp(−|x|) <= 1."""
    nodes = [("Abs", ["x"], ["a"], {}), ("Neg", ["a"], ["b"], {}), ("Exp", ["b"], ["c"], {}),
             ("Mul", ["x", "c"], ["y"], {})]
    bound = agrees(model(nodes, (3,))).bound
    assert bound is None or bound >= 1


@pytest.mark.parametrize("kind", ["Exp", "Sqrt", "Log", "Reciprocal", "Tan"])
def test_what_has_no_constant_gets_none(kind):
    """No L holds for exp, √, ln, 1/s and tan on the whole line."""
    assert read_model(single(kind, (3,)), "m").bound is None


@pytest.mark.slow
def test_squares_have_no_constant_and_bounded_gates_do():
    assert read_model(model([("Mul", ["x", "x"], ["y"], {})], (3,)), "m").bound is None
    nodes = [("Tanh", ["x"], ["a"], {}), ("Exp", ["a"], ["y"], {})]
    assert 1.25 < agrees(model(nodes, (3,))).bound < 1.26  # max (1 − t²) eᵗ = 1.2536


def test_a_choice_that_jumps_has_no_constant():
    nodes = [("Greater", ["x", "half"], ["a"], {}), ("Where", ["a", "x", "zero"], ["y"], {})]
    assert agrees(written(nodes)).bound is None


@pytest.mark.slow
def test_a_flow_by_torch_like_operators_contracts():
    """u + (1/4)(−Kᵀ)Φ(Ku) with Φ = s/√(1+s²), by slices: 1/4 <= 2/‖K‖² = 1/2."""
    cut = {"s0": ints(0), "s1": ints(1), "e": ints(9), "e1": ints(-1), "axis": ints(1)}
    nodes = [("Slice", ["x", "s1", "e", "axis"], ["right"], {}),
             ("Slice", ["x", "s0", "e1", "axis"], ["left"], {}),
             ("Sub", ["right", "left"], ["d"], {}),
             *[(kind, [{"x": "d", "y": "g"}.get(n, n) for n in ins],
                [{"y": "g"}.get(n, n) for n in outs], more)
               for kind, ins, outs, more in CHARBONNIER],
             ("Mul", ["g", "quarter"], ["h"], {}), ("Concat", ["h", "nothing"], ["p"], {"axis": 1}),
             ("Concat", ["nothing", "h"], ["q"], {"axis": 1}), ("Sub", ["p", "q"], ["k"], {}),
             ("Add", ["x", "k"], ["y"], {})]
    proto = model(nodes, (6,), cut | {"one": ONE, "quarter": np.float32(0.25),
                                      "nothing": np.zeros((1, 1), np.float32)})
    found = audit(read_graph(proto), budget=4, notions=["contraction"])
    assert found.status.value == "proved"


def read_graph(proto):
    return read_model(proto, "m")


# -- reductions ------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind, exact", [
    ("ReduceSum", 2), ("ReduceMean", Fraction(1, 2)), ("ReduceMax", 1), ("ReduceMin", 1),
    ("ReduceL2", 1), ("ReduceL1", 2)])
@pytest.mark.parametrize("keep", [0, 1])
def test_reductions_over_one_axis(kind, exact, keep):
    """Over 4 entries: the sum has the norm √4 = 2, the mean 1/2, maximum and length 1."""
    graph = agrees(single(kind, (3, 4), {"a": ints(2)}, keepdims=keep))
    assert graph.bound is not None and exact <= graph.bound <= exact * (1 + 1e-9)


def test_reductions_over_the_first_axis_and_all():
    agrees(single("ReduceSum", (3, 4), {"a": ints(1)}, keepdims=0))
    agrees(single("ReduceSumSquare", (3, 4), {"a": ints(1, 2)}))
    agrees(single("ReduceLogSumExp", (3, 4), {"a": ints(2)}, keepdims=1))


def test_normalisation_written_out():
    """x/√(mean x² + ε) has the constant 1/√ε, as RMSNormalization has."""
    nodes = [("Mul", ["x", "x"], ["a"], {}), ("ReduceMean", ["a", "axis"], ["m"], {}),
             ("Add", ["m", "eps"], ["b"], {}), ("Sqrt", ["b"], ["c"], {}),
             ("Div", ["x", "c"], ["y"], {})]
    graph = agrees(model(nodes, (3, 4), {"axis": ints(-1), "eps": np.float32(0.01)}))
    assert [type(node.layer) for node in graph.nodes] == [Normalisation]
    assert 9.9 < graph.bound < 10.1
    # Another signal above: no normalisation.
    nodes[-1:] = [("Relu", ["x"], ["w"], {}), ("Div", ["w", "c"], ["y"], {})]
    assert agrees(model(nodes, (3, 4), {"axis": ints(-1), "eps": np.float32(0.01)})).bound is None


def test_products_of_signals_have_no_constant():
    graph = agrees(model([("Transpose", ["x"], ["t"], {"perm": [0, 2, 1]}),
                          ("MatMul", ["x", "t"], ["y"], {})], (3, 4)))
    assert graph.bound is None
    agrees(model([("Transpose", ["x"], ["t"], {"perm": [0, 2, 1]}),
                  ("Einsum", ["x", "t"], ["y"], {"equation": "bij,bjk->bik"})], (3, 4)))


@pytest.mark.parametrize("proto", [
    single("MaxPool", (2, 9), kernel_shape=[3], dilations=[2]),
    single("MaxPool", (2, 7, 7), kernel_shape=[2, 3], dilations=[2, 1], pads=[1, 1, 1, 1]),
    single("AveragePool", (2, 9), opset=19, kernel_shape=[3], dilations=[2]),
    single("CumSum", (2, 5), {"a": np.array(2)}),
    single("CumSum", (5,), {"a": np.array(1)}, reverse=1, exclusive=1),
    single("Gelu", (5,), opset=20, approximate="tanh"),
    single("ThresholdedRelu", (5,), alpha=0.7),
    single("LpNormalization", (3, 4), axis=1),
    single("Pow", (3, 4), {"e": np.float32(3)}),
    model([("Concat", ["c", "x"], ["y"], {"axis": 1})], (3, 4), {"c": weights(1, 2, 4)}),
    single("GatherND", (3, 4), {"i": np.array([[0, 2], [0, 1]])}),
    model([("Conv", ["c", "w"], ["k"], {}), ("Add", ["x", "k"], ["y"], {})], (2, 3),
          {"c": weights(1, 1, 5), "w": weights(2, 1, 3)}),
    single("Resize", (2, 4), {"r": np.array([], np.float32),
                              "s": np.array([1, 1, 1.5], np.float32)},
           coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
], ids=lambda proto: proto.graph.node[0].op_type)
def test_other_operators(proto):
    agrees(proto)


def test_rows_of_one_sample_meet_weights():
    """A matrix of 4 rows without a batch axis is 4 signals, not a batch."""
    nodes = [("Transpose", ["x"], ["t"], {"perm": [1, 0, 2]}), ("Reshape", ["t", "s"], ["r"], {}),
             ("Gemm", ["r", "w", "b"], ["y"], {"transB": 1})]
    agrees(model(nodes, (4, 3), {"s": ints(4, 3), "w": weights(2, 3), "b": weights(2)}))


def test_a_single_feature_of_many_times_is_no_batch():
    """Time first: weights 3 × 1 at each of 4 times, and their adjoint 1 × 3, by hand."""
    w = weights(1, 3)
    graph = agrees(model([("Transpose", ["x"], ["t"], {"perm": [1, 0, 2]}),
                          ("MatMul", ["t", "w"], ["y"], {})], (4, 1), {"w": w}))
    kept = graph.values(np.ones((2, 4, 1)), keep=True)
    e = np.arange(24.0).reshape(2, *graph.output_shape)
    away = backward(graph, kept, e) - e.reshape(2, 4, 3) @ w.T.astype(float)
    assert np.abs(away).max() <= 1e-9


def test_blocks_of_channels_in_the_other_order():
    agrees(single("SpaceToDepth", (2, 4, 4), blocksize=2))


@pytest.mark.parametrize("name", CASES)
def test_backward_is_the_adjoint_of_forward_for_a_batch(name):
    """<J d, e> = <d, Jᵀ e> for each of three inputs, whose maxima stand at different places."""
    graph = read_bytes(CASES[name].SerializeToString(), "m")
    draw = np.random.default_rng(3).normal
    kept = graph.values(draw(size=(3, *graph.shape)), keep=True)
    d, e = draw(size=(3, *graph.shape)), draw(size=(3, *graph.output_shape))
    ahead, back = forward(graph, kept, d) * e, d * backward(graph, kept, e)
    sums = [part.reshape(3, -1).sum(axis=1) for part in (ahead, back)]
    assert np.abs(sums[0] - sums[1]).max() <= 1e-9 * (1 + np.abs(sums[0]).max())
