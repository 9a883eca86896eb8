"""Graphs within the graph of a file, functions of it, and inputs that are fixed."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from test_onnx_operators import model, weights  # noqa: E402

from stabkit import InvalidArgument, audit  # noqa: E402
from stabkit.audit.onnx_file import read_bytes, read_model  # noqa: E402
from stabkit.networks.graph import evaluate  # noqa: E402

FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def inner(nodes, inputs, outputs, constants=()):
    """A subgraph; inputs and outputs are (name, kind)."""
    def infos(given):
        return [helper.make_tensor_value_info(name, kind, [] if kind != FLOAT else None)
                for name, kind in given]

    return helper.make_graph([helper.make_node(*node) for node in nodes], "inner", infos(inputs),
                             infos(outputs), [numpy_helper.from_array(value, name)
                                              for name, value in dict(constants).items()])


W, K = weights(3, 3), weights(3)
RELU = inner([("Relu", ["x"], ["t"])], [], [("t", FLOAT)])
TANH = inner([("Mul", ["x", "k"], ["t"]), ("Tanh", ["t"], ["u"])], [], [("u", FLOAT)], {"k": K})
CELL = inner([("MatMul", ["h", "w"], ["a"]), ("Add", ["a", "e"], ["b"]), ("Tanh", ["b"], ["n"]),
              ("Identity", ["n"], ["o"])], [("h", FLOAT), ("e", FLOAT)],
             [("n", FLOAT), ("o", FLOAT)], {"w": W})
TURN = inner([("MatMul", ["h", "w"], ["a"]), ("Tanh", ["a"], ["n"]), ("Less", ["i", "m"], ["c"]),
              ("Identity", ["n"], ["o"])], [("i", INT), ("go", BOOL), ("h", FLOAT)],
             [("c", BOOL), ("n", FLOAT), ("o", FLOAT)], {"w": W, "m": np.array(2)})


def computes(proto, function, shape):
    """The graph at a random input against NumPy; onnx.reference does not know all of this."""
    graph, x = read_model(proto, "m"), np.random.default_rng(3).normal(size=(1, *shape))
    wanted = function(x[0])
    assert np.abs(evaluate(graph, x)[0].ravel() - wanted.ravel()).max() < 1e-12


@pytest.mark.parametrize("taken", [True, False])
def test_a_choice_that_is_known_is_one_branch(taken):
    """The shape decides; a name of a branch is its own, and k outside is another constant."""
    proto = model([
        ("Shape", ["x"], ["s"], {}), ("Gather", ["s", "one"], ["n"], {"axis": 0}),
        ("Equal", ["n", "three"], ["c"], {}),
        ("If", ["c"], ["z"], {"then_branch": RELU, "else_branch": TANH}),
        ("Add", ["z", "k"], ["y"], {})], (3,),
        {"one": np.array(1), "three": np.array(3 if taken else 4), "k": np.float32([1, 2, 3])})
    computes(proto, lambda x: (np.maximum(x, 0) if taken else np.tanh(K * x)) + [1, 2, 3], (3,))


def test_a_choice_by_the_signal_is_refused():
    proto = model([("ReduceSum", ["x"], ["s"], {"keepdims": 0}), ("Less", ["s", "o"], ["c"], {}),
                   ("If", ["c"], ["y"], {"then_branch": RELU, "else_branch": TANH})], (3,),
                  {"o": np.float32(0)})
    with pytest.raises(InvalidArgument, match=r"\(If\): not supported: a condition that depends"):
        read_model(proto, "m")


@pytest.mark.parametrize("output", ["y", "rows"])
def test_loops_are_written_out(output):
    """h ← tanh(h W) while i < 2, three turns of at most seven; the states side by side."""
    def states(x):
        found = [x]
        for _ in range(3):
            found.append(np.tanh(found[-1] @ W))
        return found[-1] if output == "y" else np.stack(found[1:])

    computes(model([("Loop", ["most", "", "x"], ["y", "rows"], {"body": TURN})], (3,),
                   {"most": np.array(7)}, output=output), states, (3,))


@pytest.mark.parametrize("output", ["y", "rows"])
def test_scans_are_written_out(output):
    """h ← tanh(h W + e) over the columns e of x, from the last one on; collected backward."""
    def states(x):
        found = [np.zeros(3)]
        for e in x.T[::-1]:
            found.append(np.tanh(found[-1] @ W + e))
        return found[-1] if output == "y" else np.stack(found[:0:-1])

    computes(model([("Scan", ["start", "x"], ["y", "rows"], {
        "body": CELL, "num_scan_inputs": 1, "scan_input_axes": [-1], "scan_input_directions": [1],
        "scan_output_axes": [1], "scan_output_directions": [1]})], (3, 4),
        {"start": np.zeros((1, 3), np.float32)}, output=output), states, (3, 4))


def test_a_loop_without_end_is_refused():
    endless = inner([("Relu", ["h"], ["n"]), ("Identity", ["go"], ["c"])],
                    [("i", INT), ("go", BOOL), ("h", FLOAT)], [("c", BOOL), ("n", FLOAT)])
    proto = model([("Loop", ["", "yes", "x"], ["y"], {"body": endless})], (3,),
                  {"yes": np.array(True)})
    with pytest.raises(InvalidArgument, match="more than 20000 nodes, written out"):
        read_model(proto, "m")


def test_an_operator_within_is_named_with_its_place():
    strange = inner([("Erfinv", ["x"], ["t"])], [], [("t", FLOAT)])
    proto = model([("If", ["c"], ["y"], {"then_branch": strange, "else_branch": RELU})], (3,),
                  {"c": np.array(True)})
    with pytest.raises(InvalidArgument, match=r"m: node 'n0/Erfinv#0' \(Erfinv\): not supported"):
        read_model(proto, "m")


# -- functions -------------------------------------------------------------------------------------
def with_function(proto, made, **said):
    proto.graph.node.append(helper.make_node(made.name, ["r"], ["y"], domain="own", **said))
    proto.functions.append(made)
    proto.opset_import.append(helper.make_opsetid("own", 1))
    return proto


@pytest.mark.parametrize("said, slope", [({}, 0.75), ({"a": 0.5}, 0.5)])
def test_a_function_has_the_attributes_that_it_says_or_is_told(said, slope):
    """A leaky ReLU of slope 3/4 by default; onnx's inliner alone makes 1/100 of it."""
    node = helper.make_node("LeakyRelu", ["u"], ["v"])
    node.attribute.add(name="alpha", ref_attr_name="a", type=onnx.AttributeProto.FLOAT)
    made = helper.make_function("own", "Leaky", ["u"], ["v"], [node], [helper.make_opsetid("", 18)],
                                attribute_protos=[helper.make_attribute("a", 0.75)])
    graph = read_model(with_function(model([("Neg", ["x"], ["r"], {})], (3,)), made, **said), "m")
    assert evaluate(graph, np.ones((1, 3))).tolist() == [[-slope] * 3]


def test_a_function_of_another_operator_set_is_refused():
    """Softmax of set 11 takes all axes together, of set 18 one: readers of files choose either."""
    made = helper.make_function("own", "Old", ["u"], ["v"], [
        helper.make_node("Softmax", ["u"], ["v"])], [helper.make_opsetid("", 11)])
    with pytest.raises(InvalidArgument, match="a function of operator set 11 in a file of set 18"):
        read_model(with_function(model([("Neg", ["x"], ["r"], {})], (3, 2)), made), "m")


# -- inputs that do not vary -----------------------------------------------------------------------
def gated():
    """y = x times the scale at a place: the input "at" is an integer, "scale" has 3 entries."""
    proto = model([("Gather", ["scale", "at"], ["s"], {"axis": 1}), ("Mul", ["x", "s"], ["y"], {})],
                  (2,))
    for name, kind, shape in (("scale", FLOAT, ["N", 3]), ("at", INT, [])):
        proto.graph.input.append(helper.make_tensor_value_info(name, kind, shape))
    return proto


def test_inputs_that_are_fixed_are_constants(tmp_path):
    """The others alone are the signal, with a shape of their own; arrays come from files, too."""
    content = gated().SerializeToString()
    np.save(tmp_path / "scale.npy", np.array([1.0, 2.0, 3.0]))
    for scale, factor in (([[1.0, 2.0, 3.0]], 3.0), (tmp_path / "scale.npy", 3.0), (7, 7.0)):
        graph = read_bytes(content, "m", fixed={"scale": scale, "at": 2})
        assert evaluate(graph, np.ones((1, 2))).tolist() == [[factor] * 2]
    (tmp_path / "m.onnx").write_bytes(content)
    found = audit(tmp_path / "m.onnx", fixed={"scale": 0.5, "at": 0}, budget=1)
    assert str(found.status) == "proved" and float(found.upper) == 0.5


@pytest.mark.parametrize("fixed, match", [
    ({}, "input 'at': must be a tensor of floats"),
    ({"a": 1}, "no input 'a'; it has x, scale, at"),
    ({"at": 0.5}, "'at' must be finite numbers of its type"),
    ({"scale": [1.0, 2.0], "at": 0}, r"'scale' has the shape \[None, 3\], got \(2,\)"),
    ({"scale": np.nan, "at": 0}, "finite"),
    ({"scale": "one", "at": 0}, "fixed: one has an unknown"),
])
def test_what_cannot_be_fixed(fixed, match):
    with pytest.raises(InvalidArgument, match=match):
        read_bytes(gated().SerializeToString(), "m", fixed=fixed)
