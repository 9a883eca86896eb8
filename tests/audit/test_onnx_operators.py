"""What is read from an ONNX file is what ONNX's own reference says the file computes."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from plain_network import evaluate  # noqa: E402

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

from stabkit import InvalidArgument  # noqa: E402
from stabkit.audit.onnx_file import read_bytes  # noqa: E402
from stabkit.networks import graph as networks  # noqa: E402

RNG = np.random.default_rng(6)


def weights(*shape, dtype=np.float32):
    return RNG.uniform(-1, 1, shape).astype(dtype)


def ints(*values):
    return np.array(values, dtype=np.int64)


def model(nodes, shape, constants=(), output="y", opset=18, batch=1, dtype=TensorProto.FLOAT):
    """A model of nodes (kind, inputs, outputs, attributes) with the input x."""
    made = [helper.make_node(kind, list(ins), list(outs), name=f"n{i}", **attributes)
            for i, (kind, ins, outs, attributes) in enumerate(nodes)]
    given = [numpy_helper.from_array(value, name) for name, value in dict(constants).items()]
    graph = helper.make_graph(
        made, "g", [helper.make_tensor_value_info("x", dtype, [batch, *shape])],
        [helper.make_tensor_value_info(output, dtype, None)], given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)],
                             ir_version=8)


def single(kind, shape, constants=(), opset=18, batch=1, first=False, **attributes):
    names = list(dict(constants))
    inputs = [*names, "x"] if first else ["x", *names]
    return model([(kind, inputs, ["y"], attributes)], shape, constants, opset=opset, batch=batch)


def computed(proto, x):
    """What a file computes, by ONNX's own reference and by onnxruntime where it is there."""
    if onnxruntime is not None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(proto.SerializeToString(), options,
                                               providers=["CPUExecutionProvider"])
        return session.run(None, {proto.graph.input[0].name: x})[0]
    return ReferenceEvaluator(proto).run(None, {proto.graph.input[0].name: x})[0]


def agrees(proto, digits=5):
    """The graph at random inputs, against what ONNX says; returns the graph."""
    graph = read_bytes(proto.SerializeToString(), "model.onnx")
    size = proto.graph.input[0].type.tensor_type.shape.dim[0]
    batch = size.dim_value if size.HasField("dim_value") else 1
    x = RNG.normal(0, 2, (batch, *graph.shape)).astype(np.float32)
    wanted = computed(proto, x)
    found = np.array([evaluate(graph, sample) for sample in x])
    assert np.abs(found - networks.evaluate(graph, x.astype(float))).max() <= 1e-9
    assert found.size == wanted.size
    assert np.abs(found.reshape(wanted.shape) - wanted).max() <= 10.0**-digits * (
        1 + np.abs(wanted).max())
    return graph


CASES = {
    "gemm of a turned signal": single("Gemm", (4,), {"w": weights(1, 3), "b": weights(3)},
                                      transA=1, alpha=0.5, beta=2.0),
    "gemm of weights and a signal": single("Gemm", (3,), {"w": weights(3, 4)}, first=True,
                                           transA=1, transB=1, alpha=-2.0),
    "softmax": single("Softmax", (5,)),
    "softmax along channels": single("Softmax", (3, 4), axis=1),
    "log-softmax": single("LogSoftmax", (4,)),
    # onnx.reference ends windows at the number of samples: as many as channels
    "local response": single("LRN", (4, 2, 1), batch=4, size=3, alpha=2.5, beta=0.75, bias=0.5),
    "local response of an even window": single("LRN", (5, 1, 2), batch=5, size=4, alpha=9.0,
                                               beta=1.0),
    "layer norm": single("LayerNormalization", (3, 4), {"s": weights(4), "b": weights(4)}),
    "layer norm over two axes": single("LayerNormalization", (3, 4), {"s": weights(3, 4)}, axis=1,
                                       epsilon=0.1),
    "group norm": single("GroupNormalization", (4, 3), {"s": weights(4), "b": weights(4)},
                         opset=21, num_groups=2),
    "instance norm": single("InstanceNormalization", (2, 5), {"s": weights(2), "b": weights(2)}),
    "soft shrinkage": single("Shrink", (6,), lambd=0.75, bias=0.75),
    "hard shrinkage": single("Shrink", (6,), lambd=0.75),
    "softsign": single("Softsign", (6,)),
    "gemm": single("Gemm", (4,), {"w": weights(4, 3), "b": weights(3)}),
    "gemm transposed": single("Gemm", (4,), {"w": weights(3, 4), "b": weights(1, 3)}, transB=1),
    "gemm scaled": single("Gemm", (4,), {"w": weights(4, 3), "b": weights(3)}, alpha=0.3, beta=2.0),
    "gemm without bias": single("Gemm", (4,), {"w": weights(4, 3)}),
    "matmul": single("MatMul", (4,), {"w": weights(4, 3)}),
    "matmul to a number": single("MatMul", (4,), {"w": weights(4)}),
    "matmul of rows": single("MatMul", (5, 4), {"w": weights(4, 3)}),
    "matmul of deep rows": single("MatMul", (2, 5, 4), {"w": weights(4, 3)}),
    "matmul from the left": single("MatMul", (5, 4), {"w": weights(3, 5)}, first=True),
    "conv": single("Conv", (2, 6), {"w": weights(3, 2, 3), "b": weights(3)}, pads=[1, 2]),
    "conv 2-D": single("Conv", (2, 5, 6), {"w": weights(4, 2, 3, 2)}, strides=[2, 1],
                       pads=[1, 0, 0, 1], dilations=[1, 2]),
    "conv 3-D": single("Conv", (1, 3, 4, 3), {"w": weights(2, 1, 2, 2, 2)}),
    "conv in groups": single("Conv", (4, 5, 5), {"w": weights(6, 2, 3, 3)}, group=2),
    "conv same upper": single("Conv", (1, 6, 5), {"w": weights(1, 1, 4, 2)},
                              auto_pad="SAME_UPPER", strides=[1, 2]),
    "conv same lower": single("Conv", (1, 6, 5), {"w": weights(1, 1, 4, 2)},
                              auto_pad="SAME_LOWER"),
    "transposed conv": single("ConvTranspose", (2, 4, 3), {"w": weights(2, 3, 3, 3),
                                                           "b": weights(3)},
                              strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
    "transposed conv in groups": single("ConvTranspose", (4, 5), {"w": weights(4, 3, 3)}, group=2,
                                        dilations=[2]),
    "add": single("Add", (3, 4), {"c": weights(3, 1)}),
    "add a row": single("Add", (3, 4), {"c": weights(1, 1, 4)}),
    "sub": single("Sub", (3, 4), {"c": weights(3, 4)}),
    "sub from": single("Sub", (3,), {"c": weights(3)}, first=True),
    "mul": single("Mul", (3, 4), {"c": weights(3, 1)}),
    "mul widens": single("Mul", (1, 4), {"c": weights(3, 1)}),
    "div": single("Div", (3,), {"c": weights(3) + 2}),
    "neg": single("Neg", (3,)), "identity": single("Identity", (3,)),
    "relu": single("Relu", (9,)), "tanh": single("Tanh", (9,)), "sigmoid": single("Sigmoid", (9,)),
    "leaky relu": single("LeakyRelu", (9,), alpha=0.2), "abs": single("Abs", (9,)),
    "prelu": single("PRelu", (9,), {"a": weights(1)}), "softplus": single("Softplus", (9,)),
    "elu": single("Elu", (9,), alpha=0.7), "selu": single("Selu", (9,)),
    "celu": single("Celu", (9,), alpha=0.7), "erf": single("Erf", (9,)),
    "gelu": single("Gelu", (9,), opset=20), "mish": single("Mish", (9,)),
    "hard sigmoid": single("HardSigmoid", (9,), alpha=0.3, beta=0.4),
    "hard swish": single("HardSwish", (9,)),
    "clip": single("Clip", (9,), {"a": weights() - 1, "b": weights() + 1}),
    "clip by attributes": single("Clip", (9,), opset=7, min=-1.0, max=1.0),
    "relu6": single("Clip", (9,), opset=7, min=0.0, max=6.0),
    "max": single("Max", (9,), {"c": np.float32(0.5)}),
    "min": single("Min", (9,), {"c": np.float32(0.5)}, first=True),
    "batch normalisation": single("BatchNormalization", (3, 4), {
        "s": weights(3), "b": weights(3), "m": weights(3), "v": weights(3) ** 2}),
    "dropout": single("Dropout", (3,)),
    "flatten": single("Flatten", (2, 3)), "flatten all": single("Flatten", (2, 3), axis=0),
    "reshape": single("Reshape", (2, 6), {"s": ints(0, 3, -1)}),
    "transpose": single("Transpose", (2, 3, 4), perm=[0, 3, 1, 2]),
    "squeeze": single("Squeeze", (1, 3), {"a": ints(1)}),
    "unsqueeze": single("Unsqueeze", (3,), {"a": ints(1)}),
    "slice": single("Slice", (7, 5), {"s": ints(5, 1), "e": ints(0, 9), "a": ints(1, 2),
                                      "t": ints(-2, 1)}),
    "gather": single("Gather", (5, 2), {"i": ints(3, 0, -1)}, axis=1),
    "tile": single("Tile", (2, 3), {"r": ints(1, 2, 2)}),
    "expand": single("Expand", (1, 3), {"s": ints(1, 4, 1)}),
    "pad": single("Pad", (2, 3, 3), {"p": ints(0, 0, 1, 2, 0, 0, 0, 1)}),
    "pad channels": single("Pad", (2, 3), {"p": ints(0, 1, 0, 0, 2, 0)}),
    "pad and cut": single("Pad", (2, 3), {"p": ints(0, 0, -1, 0, 0, 2)}),
    "pad reflecting": single("Pad", (2, 4), {"p": ints(0, 0, 2, 0, 0, 1)}, mode="reflect"),
    "pad with the edge": single("Pad", (2, 4), {"p": ints(0, 0, 2, 0, 0, 1)}, mode="edge"),
    "pad periodically": single("Pad", (2, 4), {"p": ints(0, 0, 2, 0, 0, 1)}, mode="wrap", opset=19),
    "depth to space": single("DepthToSpace", (8, 2, 3), blocksize=2),
    "depth to space by columns": single("DepthToSpace", (8, 2, 3), blocksize=2, mode="CRD"),
    "space to depth": single("SpaceToDepth", (2, 4, 6), blocksize=2),
    "max pool": single("MaxPool", (2, 5, 5), kernel_shape=[3, 2], strides=[2, 1],
                       pads=[1, 0, 1, 1]),
    "max pool with ceiling": single("MaxPool", (2, 6), kernel_shape=[3], strides=[2], ceil_mode=1),
    "average pool": single("AveragePool", (2, 5, 5), kernel_shape=[3, 2], strides=[2, 1],
                           pads=[1, 0, 1, 1]),
    "average pool with padding": single("AveragePool", (2, 5), kernel_shape=[3], pads=[1, 1],
                                        count_include_pad=1),
    "global average": single("GlobalAveragePool", (2, 3, 4)),
    "global max": single("GlobalMaxPool", (2, 3, 4)),
    "mean over space": single("ReduceMean", (2, 3, 4), {"a": ints(2, 3)}, keepdims=0),
    "mean over space, kept": single("ReduceMean", (2, 3, 4), opset=13, axes=[-1, -2]),
    "einsum": single("Einsum", (3, 4), {"w": weights(4, 2, 3)}, equation="bij,jki->bk"),
    "einsum of rows": single("Einsum", (3, 4), {"w": weights(5, 4)}, equation="oj,bij->boi",
                             first=True),
    "einsum that moves": single("Einsum", (3, 4), equation="bij->bji"),
    "sorted": model([("TopK", ["x", "k"], ["y", "places"], {"axis": 1})], (4, 3), {"k": ints(4)}),
    "the two least": model([("TopK", ["x", "k"], ["y", "p"], {"largest": 0})], (2, 5),
                           {"k": ints(2)}),
    "maxmin": model([("Split", ["x"], ["a", "b"], {"axis": 1, "num_outputs": 2}),
                     ("Max", ["a", "b"], ["c"], {}), ("Min", ["a", "b"], ["d"], {}),
                     ("Concat", ["c", "d"], ["y"], {"axis": 1})], (6, 2)),
    "max of three signals": model([("Gemm", ["x", "w"], ["a"], {}), ("Tanh", ["x"], ["b"], {}),
                                   ("Max", ["a", "x", "b"], ["y"], {})], (4,),
                                  {"w": weights(4, 4)}),
    "a gate per channel": model([
        ("GlobalAveragePool", ["x"], ["m"], {}), ("Conv", ["m", "w"], ["s"], {}),
        ("Sigmoid", ["s"], ["g"], {}), ("Mul", ["x", "g"], ["y"], {})], (3, 4, 4),
        {"w": weights(3, 3, 1, 1)}),
    "bilinear": single("Resize", (2, 3, 4), {"r": np.zeros(0, np.float32), "s": np.float32(
        [1, 1, 2, 2])}, mode="linear"),
    "bilinear to sizes": single("Resize", (1, 3, 5), {
        "r": np.zeros(0, np.float32), "s": np.zeros(0, np.float32), "z": ints(1, 1, 5, 3)},
        mode="linear", coordinate_transformation_mode="align_corners"),
    "bilinear from the corner": single("Resize", (1, 3), {
        "r": np.zeros(0, np.float32), "s": np.float32([1, 1, 3])}, mode="linear",
        coordinate_transformation_mode="asymmetric"),
    "unknown batch": single("Gemm", (4,), {"w": weights(4, 3)}, batch="N"),
    "batch of three": single("Conv", (2, 6), {"w": weights(3, 2, 3)}, batch=3),
    "batch of three, moved": single("Transpose", (2, 6), perm=[0, 2, 1], batch=3),
}

# The reference evaluator has the wrong size for the first and refuses the second.
BEYOND_THE_REFERENCE = ("transposed conv in groups", "pad and cut")


@pytest.mark.parametrize("name", CASES)
def test_an_operator(name):
    """One operator on random inputs, with weights drawn once."""
    if onnxruntime is None and name in BEYOND_THE_REFERENCE:
        pytest.skip("onnx.reference errs here; onnxruntime is not installed")
    agrees(CASES[name])


def recurrent(kind, ways=1, start=False, **attributes):
    """Four steps of three features and two states, all weights random."""
    gates, way = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind], {
        1: attributes.pop("direction", "forward"), 2: "bidirectional"}[ways]
    given = {"w": weights(ways, gates * 2, 3), "r": weights(ways, gates * 2, 2),
             "b": weights(ways, gates * 4), "": None}
    names = ["t", "w", "r", "b", ""]
    if start:
        given |= {"h": weights(ways, 1, 2), "c": weights(ways, 1, 2)}
        names += ["h", "c"] if kind == "LSTM" else ["h"]
    return model([("Transpose", ["x"], ["t"], {"perm": [1, 0, 2]}),
                  (kind, names, ["y", "last"], {"hidden_size": 2, "direction": way, **attributes})],
                 (4, 3), {name: value for name, value in given.items() if value is not None})


@pytest.mark.parametrize("proto", [
    recurrent("RNN"), recurrent("RNN", start=True, direction="reverse"),
    recurrent("LSTM"), recurrent("LSTM", start=True), recurrent("GRU"),
    recurrent("GRU", start=True, linear_before_reset=1)])
@pytest.mark.parametrize("output", ["y", "last"])
def test_a_recurrent_operator_is_written_out(proto, output):
    proto.graph.output[0].name = output
    agrees(proto)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_both_directions_are_one_direction_each(kind):
    """A bidirectional operator against two runs of the plain one, the second one backward."""
    both = recurrent(kind, 2)
    read = read_bytes(both.SerializeToString(), "both.onnx")
    x = RNG.normal(size=(1, 4, 3)).astype(np.float32)
    found = networks.evaluate(read, x.astype(float)).reshape(4, 2, 2)
    for way, along in enumerate((x, x[:, ::-1].copy())):
        alone = recurrent(kind)
        for mine, its in zip(alone.graph.initializer, both.graph.initializer, strict=True):
            name = mine.name
            mine.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(its)[way:way + 1], name))
        states = computed(alone, along).reshape(4, 2)
        assert np.abs(found[:, way] - (states[::-1] if way else states)).max() < 1e-5


@pytest.mark.slow
def test_maxmin_is_an_isometry_of_pieces():
    """MaxMin (Anil, Lucas and Grosse 2019) only moves entries: 1-Lipschitz, and no less."""
    from stabkit import audit

    graph = read_bytes(CASES["maxmin"].SerializeToString(), "model.onnx")
    found = audit(graph, notions=["contraction"], budget=1)
    assert str(found.status) == "proved" and found.upper == 1 and found.lower > 0.999
    assert str(audit(graph, at_most="0.99", budget=1).status) == "refuted"


@pytest.mark.slow
def test_a_gate_has_no_constant_and_says_so():
    """x σ(w x̄) grows faster than any multiple of x: refuted for a constant, or left open."""
    from stabkit import audit

    found = audit(read_bytes(CASES["a gate per channel"].SerializeToString(), "m"), at_most=1000,
                  budget=1)
    assert found.upper is None and str(found.status) != "proved"


# -- several outputs and inputs, functions, order --------------------------------------------------
def two_outputs():
    proto = model([("Gemm", ["x", "w"], ["a"], {}), ("Relu", ["a"], ["y"], {}),
                   ("Erfinv", ["a"], ["strange"], {})], (4,), {"w": weights(4, 3)})
    proto.graph.output.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, None))
    return proto


def test_an_output_is_named_and_only_what_is_behind_it_is_read():
    proto = two_outputs()
    graph = read_bytes(proto.SerializeToString(), "two.onnx", output="a")
    x = RNG.normal(size=(1, 4))
    assert np.allclose(networks.evaluate(graph, x), x @ numpy_helper.to_array(
        proto.graph.initializer[0]), atol=1e-6)
    with pytest.raises(InvalidArgument, match=r"has 2 outputs, y, a; name one"):
        read_bytes(proto.SerializeToString(), "two.onnx")
    with pytest.raises(InvalidArgument, match="has no output 'z'; it has y, a"):
        read_bytes(proto.SerializeToString(), "two.onnx", output="z")


def test_several_inputs_are_one_signal():
    """y = A x + B h: the graph takes (x, h)."""
    proto = model([("Gemm", ["x", "w"], ["a"], {}), ("Gemm", ["h", "v"], ["b"], {}),
                   ("Add", ["a", "b"], ["c"], {}), ("Tanh", ["c"], ["y"], {})], (4,),
                  {"w": weights(4, 3), "v": weights(2, 3)})
    proto.graph.input.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, 2]))
    graph = read_bytes(proto.SerializeToString(), "two.onnx")
    assert graph.shape == (6,)
    x, h = RNG.normal(size=(1, 4)).astype(np.float32), RNG.normal(size=(1, 2)).astype(np.float32)
    wanted = ReferenceEvaluator(proto).run(None, {"x": x, "h": h})[0]
    found = networks.evaluate(graph, np.concatenate([x, h], axis=1).astype(float))
    assert np.abs(found - wanted).max() < 1e-6


def test_a_leading_axis_that_is_mixed_is_part_of_the_signal():
    """W x with a matrix over the first axis of x, which can be no batch then."""
    proto = single("Gemm", (2,), {"w": weights(4, 3)}, first=True, batch=3)
    proto.graph.node[0].op_type = "MatMul"
    graph = read_bytes(proto.SerializeToString(), "m")
    assert graph.shape == (3, 2)
    x = RNG.normal(size=(3, 2)).astype(np.float32)
    wanted = ReferenceEvaluator(proto).run(None, {"x": x})[0]
    assert np.abs(networks.evaluate(graph, x.astype(float)[None])[0] - wanted).max() < 1e-6


def test_constants_may_stand_behind_what_uses_them():
    proto = model([("Constant", [], ["w"], {"value": numpy_helper.from_array(weights(4, 3))}),
                   ("Gemm", ["x", "w"], ["y"], {})], (4,))
    wanted = agrees(proto)
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(reversed(nodes))
    graph = read_bytes(proto.SerializeToString(), "turned.onnx")
    x = RNG.normal(size=(2, 4))
    assert (networks.evaluate(graph, x) == networks.evaluate(wanted, x)).all()


def test_functions_of_a_file_are_written_out():
    made = helper.make_function("own", "Twice", ["a"], ["b"], [
        helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 18)])
    proto = model([("Relu", ["x"], ["r"], {})], (4,))
    proto.graph.node.append(helper.make_node("Twice", ["r"], ["y"], domain="own"))
    proto.functions.append(made)
    proto.opset_import.append(helper.make_opsetid("own", 1))
    agrees(proto)


def test_operator_set_6_broadcasts_as_it_says():
    """Add with axis=1 of a bias per channel, as operator sets up to 6 write it."""
    proto = model([("Add", ["x", "b"], ["a"], {"broadcast": 1, "axis": 1}),
                   ("Relu", ["a"], ["y"], {})], (3, 5), {"b": weights(3)}, opset=6)
    graph = read_bytes(proto.SerializeToString(), "old.onnx")
    x, b = RNG.normal(size=(1, 3, 5)), numpy_helper.to_array(proto.graph.initializer[0])
    assert np.abs(networks.evaluate(graph, x) - np.maximum(x + b[:, None], 0)).max() < 1e-6


# -- what is said of layers that see groups --------------------------------------------------------
@pytest.mark.parametrize("name", ["softmax", "log-softmax", "layer norm", "group norm",
                                  "local response", "local response of an even window"])
def test_the_derivative_of_a_group_is_that_of_differences_and_within_the_bound(name):
    """(f(x + h d) − f(x − h d))/(2 h) against the derivative, its adjoint, and the constant."""
    graph = read_bytes(CASES[name].SerializeToString(), "model.onnx")
    layer, shape = graph.nodes[0].layer, graph.shape
    for size in (1.0, 0.05):
        x, d, e = size * RNG.normal(size=(3, 1, *shape))
        wanted = (layer.apply(x + 1e-5 * d) - layer.apply(x - 1e-5 * d)) / 2e-5
        found = layer.derivative([d], [x])
        assert np.abs(found - wanted).max() < 1e-6 * (1 + np.abs(wanted).max())
        assert abs(np.sum(e * found) - np.sum(layer.adjoint(e, [x])[0] * d)) < 1e-9 * (
            1 + np.abs(found).max())
        assert np.linalg.norm(found) <= float(layer.bound) * np.linalg.norm(d)


def test_the_bounds_of_groups_are_reached():
    """Softmax at two equal logits: 1/2; a normalisation near a constant: 1/√ε."""
    soft = read_bytes(CASES["softmax"].SerializeToString(), "m").nodes[0].layer
    x, d = np.array([[0.0, 0, -99, -99, -99]]), np.array([[1.0, -1, 0, 0, 0]])
    assert np.linalg.norm(soft.derivative([d], [x])) == pytest.approx(
        float(soft.bound) * np.linalg.norm(d))
    norm = read_bytes(CASES["layer norm over two axes"].SerializeToString(), "m").nodes[0].layer
    d = RNG.normal(size=(1, 3, 4))
    d -= d.mean()
    assert np.linalg.norm(norm.derivative([d], [np.ones((1, 3, 4))])) == pytest.approx(
        float(norm.bound) * np.linalg.norm(d))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["softmax", "log-softmax", "layer norm", "softsign",
                                  "local response"])
def test_what_is_written_down_of_groups_is_what_they_compute(name):
    """An audit of a small network with a certificate or witness that replays."""
    from stabkit import audit

    graph = read_bytes(CASES[name].SerializeToString(), "model.onnx")
    found = audit(graph, budget=1, at_most=10)
    from stabkit.replay import check
    for item in found.judgements:
        assert all(check(piece.to_json({})) is None for piece in item.evidence
                   if piece.kind != "trials")
