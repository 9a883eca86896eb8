"""Signals over their own lengths and signals rounded to a grid, against ONNX's reference."""

from fractions import Fraction

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from onnx.reference import ReferenceEvaluator  # noqa: E402
from test_onnx_operators import RNG, agrees, ints, model, read_bytes  # noqa: E402

from stabkit import Status, audit, replay  # noqa: E402
from stabkit.networks.graph import Graph, Node, evaluate  # noqa: E402
from stabkit.networks.layers import Direction  # noqa: E402


def over_its_length(shape, axis, radius, **other):
    """torch.nn.functional.normalize as PyTorch's exporter writes it."""
    return model([("ReduceL2", ["x", "axis"], ["n"], {}), ("Clip", ["n", "eps"], ["c"], {}),
                  ("Shape", ["x"], ["s"], {}), ("Expand", ["c", "s"], ["w"], {}),
                  ("Div", ["x", "w"], ["y"], {})], shape,
                 {"axis": ints(axis), "eps": np.float32(radius)}, **other)


@pytest.mark.parametrize("shape, axis", [((4,), 1), ((3, 4), 2), ((3, 4), 1), ((2, 3, 4), -2)])
@pytest.mark.parametrize("radius", [1e-12, 0.5, 3.0])
def test_a_signal_over_its_length_is_one_layer(shape, axis, radius):
    """x/max(|x|, r) = P x/r with the projection P onto a ball of radius r: the constant is 1/r."""
    graph = agrees(over_its_length(shape, axis, radius))
    layer, = (node.layer for node in graph.nodes)
    assert isinstance(layer, Direction) and layer.bound == 1 / Fraction(float(np.float32(radius)))
    x = RNG.standard_normal((1, *shape)).astype(np.float32)
    for scale in (0.01, 100):
        wanted = ReferenceEvaluator(over_its_length(shape, axis, radius)).run(
            None, {"x": np.float32(scale) * x})[0]
        assert np.abs(evaluate(graph, scale * x.astype(float)) - wanted).max() < 1e-5


@pytest.mark.slow
def test_the_constant_of_a_direction_is_met_and_not_less():
    """Two points of the ball of radius 1/2 come twice as far apart: 1.999 is refuted, 2 proved."""
    graph = Graph([Node("n", "", Direction(np.arange(3)[None], Fraction(1, 2)), (-1,), (3,))],
                  (3,), "direction")
    for bound, status in (("2", Status.PROVED), ("1.999", Status.REFUTED)):
        found = audit(graph, at_most=bound, budget=2)
        assert found.status is status and all(one.holds for one in replay(found.to_json()))


def test_derivatives_of_a_direction():
    """Differences against the derivative and its adjoint, within the ball and outside."""
    layer = Direction(np.array([[0, 2, 4], [5, 3, 1]]), Fraction(1, 2))
    for size in (0.1, 2.0):
        x, d, e = size * RNG.standard_normal((3, 1, 6))
        h = 1e-6
        slope = layer.derivative([d], [x])
        wanted = (layer.apply(x + h * d) - layer.apply(x - h * d)) / (2 * h)
        assert np.abs(slope - wanted).max() < 1e-6
        assert abs(np.sum(slope * e) - np.sum(d * layer.adjoint(e, [x])[0])) < 1e-12


def test_what_is_divided_by_the_length_of_another_signal_is_no_direction():
    """The planted faults: rows over the lengths of columns, and 2x over |x|."""
    columns = model([("ReduceL2", ["x", "axis"], ["n"], {"keepdims": 0}),
                     ("Clip", ["n", "eps"], ["c"], {}), ("Div", ["x", "c"], ["y"], {})], (3, 3),
                    {"axis": ints(2), "eps": np.float32(1)})
    twice = model([("ReduceL2", ["x", "axis"], ["n"], {}), ("Clip", ["n", "eps"], ["c"], {}),
                   ("Mul", ["x", "two"], ["z"], {}), ("Div", ["z", "c"], ["y"], {})], (3,),
                  {"axis": ints(1), "eps": np.float32(1), "two": np.float32(2)})
    for proto in (columns, twice):
        graph = agrees(proto)
        assert not any(isinstance(node.layer, Direction) for node in graph.nodes)


@pytest.mark.slow
@pytest.mark.parametrize("scale, zero", [
    (np.float32(0.5), np.int8(0)), (np.float32(0.25), np.uint8(100)),
    (np.array([0.5, 2, 1], np.float32), np.zeros(3, np.int8))])
def test_a_signal_rounded_to_a_grid_is_read_as_that(scale, zero):
    """s (min(max(round(x/s) + z, a), b) − z), of two nearest integers the even one."""
    proto = model([("QuantizeLinear", ["x", "s", "z"], ["q"], {"axis": 1}),
                   ("DequantizeLinear", ["q", "s", "z"], ["y"], {"axis": 1})], (3, 2),
                  {"s": scale, "z": zero}, opset=19)
    graph = read_bytes(proto.SerializeToString(), "model.onnx")
    ties = np.arange(-16, 17)[:, None, None, None] / 8 * np.ones((1, 1, 3, 2))
    for x in (*ties, 100 * RNG.standard_normal((1, 3, 2))):
        wanted = ReferenceEvaluator(proto).run(None, {"x": x.astype(np.float32)})[0]
        assert (evaluate(graph, x.astype(np.float32).astype(float)) == wanted).all()


@pytest.mark.slow
def test_a_jump_has_no_constant_and_two_inputs_show_that_none_does():
    """Two inputs beside a jump of 1/2 refute the constant 2, as any; there is no upper bound."""
    proto = model([("QuantizeLinear", ["x", "s"], ["q"], {}),
                   ("DequantizeLinear", ["q", "s"], ["y"], {})], (3,), {"s": np.float32(0.5)})
    found = audit(read_bytes(proto.SerializeToString(), "model.onnx"), at_most=2, budget=10)
    assert found.status is Status.REFUTED and found.upper is None and found.unbounded
    assert all(one.holds for one in replay(found.to_json()))
