"""The benchmark that counts what is read says so where something is read otherwise."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from onnx import TensorProto, helper  # noqa: E402

from benchmarks import reading  # noqa: E402


def model(kind, shape=(1, 3)):
    graph = helper.make_graph(
        [helper.make_node(kind, ["x", "w"] if kind == "Add" else ["x"], ["y"])], "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
         for name in ("xw" if kind == "Add" else "x")],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_what_is_read_is_counted_as_it_is(monkeypatch):
    """Relu is read, Det is not; planted: a graph that is off by 1, and one with a number more."""
    assert reading.outcome("m", model("Relu")) == (reading.READ, "")
    assert reading.outcome("m", model("Det", (2, 3, 3))) == (reading.UNREAD, "Det: not known")
    real = reading.evaluate
    for fault in (lambda *given: real(*given) + 1, lambda *given: np.append(real(*given), 0)):
        monkeypatch.setattr(reading, "evaluate", fault)
        assert reading.outcome("m", model("Relu"))[0] == reading.DIFFERS


def test_other_inputs_take_the_values_of_the_test():
    """u + w with w = (1, 2, 3): one input is left, and the reference agrees."""
    x, w = np.zeros((1, 3), np.float32), np.array([[1, 2, 3]], np.float32)
    made = reading.with_one_input(model("Add"), [x, w])
    assert [entry.name for entry in reading.open_inputs(made)] == ["x"]
    assert reading.outcome("m", made) == (reading.READ, "")
