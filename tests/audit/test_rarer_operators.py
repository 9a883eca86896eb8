"""Operators that choose, move, compare, resize and sum, as ONNX's own reference computes them."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from onnx import TensorProto  # noqa: E402
from test_onnx_operators import agrees, ints, model, single, weights  # noqa: E402

from stabkit.audit.onnx_file import read_bytes  # noqa: E402
from stabkit.networks import graph as networks  # noqa: E402

GRID = {"g": np.random.default_rng(7).uniform(-1.6, 1.6, (1, 3, 4, 2)).astype(np.float32)}
INSIDE = {"g": np.random.default_rng(7).uniform(-0.7, 0.7, (1, 3, 4, 2)).astype(np.float32)}
CASES = {
    **{f"at places of a grid, {outside}, {corners}": single(
        "GridSample", (2, 4, 5), GRID, opset=20, padding_mode=outside, align_corners=corners)
        for outside in ("zeros", "border", "reflection") for corners in (0, 1)},
    "at the nearest places of a grid": single("GridSample", (2, 4, 5), GRID, opset=20,
                                              mode="nearest"),
    "at the nearest places of a grid, clipped": single("GridSample", (2, 4, 5), GRID, opset=20,
                                                       mode="nearest", padding_mode="border"),
    "at places of a grid, cubic": single("GridSample", (2, 4, 5), GRID, opset=20, mode="cubic"),
    "at places of a grid, cubic, inside": single(
        "GridSample", (2, 6, 7), INSIDE, opset=20, mode="cubic", padding_mode="reflection",
        align_corners=1),
    "at places of a grid of volumes": single("GridSample", (2, 3, 4, 2), {
        "g": np.random.default_rng(7).uniform(-1.3, 1.3, (1, 2, 1, 3, 3)).astype(np.float32)},
        opset=20, padding_mode="border"),
    "einsum of anything": single("Einsum", (3, 3), {"w": weights(1, 3), "v": weights(3, 2)},
                                 equation="...ii,...i,ij"),
    "einsum of one": single("Einsum", (3, 4), equation="bij->bj"),
    "cubic": single("Resize", (2, 3, 4), {"r": np.zeros(0, np.float32), "s": np.float32(
        [1, 1, 2, 0.6])}, mode="cubic", exclude_outside=1),
    "kept proportions": single("Resize", (1, 4, 3), {
        "r": np.zeros(0, np.float32), "s": np.zeros(0, np.float32), "z": ints(8, 9)}, axes=[2, 3],
        mode="linear", keep_aspect_ratio_policy="not_larger"),
    "pad with a number": single("Pad", (2, 3), {"p": ints(0, 1, 1, 0, 0, 2), "v": np.float32(2)}),
    "entries by place": single("GatherElements", (2, 4), {"i": np.array([[[3, 0], [1, -1]]])},
                               axis=2),
    "entries put into places": model([
        ("Tanh", ["x"], ["t"], {}), ("Slice", ["t", "s", "e", "a"], ["u"], {}),
        ("Transpose", ["u"], ["v"], {"perm": [1, 0]}), ("ScatterND", ["x", "i", "v"], ["y"], {})],
        (5,), {"s": ints(1), "e": ints(3), "a": ints(1), "i": np.array([[[0, 4]], [[0, 0]]])}),
    "numbers put into places": single("ScatterElements", (2, 3), {
        "i": np.array([[[1, 0, 1]]]), "u": weights(1, 1, 3)}, axis=1),
    "numbers with entries put in": single(
        "ScatterElements", (2,), {"d": weights(1, 4), "i": np.array([[3, 1]])}, axis=1, first=True),
    "sorted alike under two shapes": model([
        ("TopK", ["x", "k"], ["y1", "p1"], {"axis": 2}), ("Reshape", ["x", "s"], ["x2"], {}),
        ("TopK", ["x2", "k"], ["y2", "p2"], {"axis": 2}), ("Mul", ["y2", "c"], ["z"], {}),
        ("ReduceSum", ["z", "a"], ["r"], {"keepdims": 0}), ("Reshape", ["r", "f"], ["r1"], {}),
        ("Reshape", ["y1", "f"], ["y3"], {}), ("Concat", ["r1", "y3"], ["y"], {"axis": 1})],
        (2, 2), {"k": ints(2), "s": ints(1, 2, 2, 1), "c": np.float32([[1], [0]]), "a": ints(1),
                 "f": ints(1, -1)}),
    "some entries": single("Compress", (4, 2), {"c": np.array([True, False, True])}, axis=1),
    "lower triangle": single("Trilu", (3, 4), {"k": np.array(1)}, upper=0),
    "sequences turned": single("ReverseSequence", (5, 2), {"l": ints(3)}, batch_axis=0,
                               time_axis=1),
    "sums of blocks": single("Col2Im", (4, 6), {"s": ints(3, 4), "b": ints(2, 2)},
                             strides=[2, 2], pads=[1, 1, 0, 1]),
    "mean pool that sticks out": single("AveragePool", (2, 6), kernel_shape=[3], strides=[2],
                                        ceil_mode=1, opset=19),
    "transposed conv to a size": single("ConvTranspose", (2, 4), {"w": weights(2, 3, 4)},
                                        strides=[2], output_shape=[7], auto_pad="SAME_LOWER"),
    "mean of three": model([("Tanh", ["x"], ["t"], {}), ("Mean", ["x", "c", "t"], ["y"], {})],
                           (3,), {"c": weights(3)}),
    "max with numbers": single("Max", (3, 2), {"c": weights(3, 1), "d": weights()}),
    "min with numbers": single("Min", (3,), {"c": weights(3)}, first=True),
    "clip the wrong way round": single("Clip", (3,), {"a": np.float32(1), "b": np.float32(-1)}),
    "power of whole numbers": model([
        ("Pow", ["k", "e"], ["p"], {}), ("Cast", ["p"], ["f"], {"to": TensorProto.FLOAT}),
        ("Mod", ["m", "f"], ["r"], {"fmod": 1}), ("Mul", ["x", "r"], ["y"], {})],
        (3,), {"k": ints(2, 3, 4), "e": np.float32([2.5, 0.5, 2]), "m": np.float32([-7, 5, 2.5])}),
    "whole numbers cast like a signal": model([
        ("CastLike", ["m", "x"], ["a"], {}), ("CastLike", ["k", "x"], ["b"], {}),
        ("Div", ["a", "b"], ["c"], {}), ("Mul", ["x", "c"], ["y"], {})],
        (3,), {"k": ints(2, 3, 4), "m": ints(1, 5, 7)}),
    "a choice by either of two tests": model([
        ("Greater", ["x", "a"], ["g"], {}), ("Less", ["x", "b"], ["l"], {}),
        ("Or", ["g", "l"], ["o"], {}), ("Cast", ["o"], ["k"], {"to": TensorProto.BOOL}),
        ("Where", ["k", "x", "z"], ["y"], {})], (9,),
        {"a": np.float32(0.5), "b": np.float32(-0.5), "z": np.float32(0)}),
    "where neither of two tests holds": model([
        ("Greater", ["x", "a"], ["g"], {}), ("Less", ["x", "b"], ["l"], {}),
        ("Or", ["g", "l"], ["o"], {}), ("Not", ["o"], ["n"], {}),
        ("Cast", ["n"], ["k"], {"to": TensorProto.FLOAT}), ("Mul", ["x", "k"], ["y"], {})], (9,),
        {"a": np.float32(0.5), "b": np.float32(-0.5)}),
    "a choice at one point": model([
        ("Equal", ["x", "z"], ["e"], {}), ("Tanh", ["x"], ["t"], {}),
        ("Where", ["e", "x", "t"], ["y"], {})], (9,), {"z": np.float32(0)}),
    "a normalisation by default axes": single("MeanVarianceNormalization", (2, 3, 2)),
    "layer norm of rows": model([
        ("Squeeze", ["x", "a"], ["s"], {}), ("LayerNormalization", ["s", "w"], ["n"], {}),
        ("Softmax", ["n"], ["y"], {"axis": 0})], (3, 4), {"a": ints(0), "w": weights(4)}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_rarer_operator(name):
    """One operator, or a few, on random inputs, with weights drawn once."""
    agrees(CASES[name])


def test_places_of_a_grid_as_they_were_called_before():
    """"bilinear" and "bicubic" are "linear" and "cubic", which onnx.reference knows alone."""
    x = np.random.default_rng(8).standard_normal((1, 2, 4, 5))
    for old, new in (("bilinear", "linear"), ("bicubic", "cubic")):
        first, second = (networks.evaluate(read_bytes(single(
            "GridSample", (2, 4, 5), GRID, opset=opset, mode=mode).SerializeToString(), "m"), x)
            for mode, opset in ((old, 16), (new, 20)))
        assert (first == second).all()


@pytest.mark.parametrize("size, scale, places", [
    (9, 1 / 3, [0, 3, 6]), (3, 7 / 3, [0, 0, 0, 1, 1, 2, 2])])
@pytest.mark.parametrize("kind", ["Resize", "Upsample"])
def test_repeated_entries_are_those_of_single_precision(size, scale, places, kind):
    """floor(i/s) for i < floor(s n) in float32; onnx.reference takes double precision, with which
    3 · 7/3 is 6 and 1 over a rounded third is 2."""
    proto = single("Upsample", (1, size), opset=7, scales=[1.0, 1.0, scale]) \
        if kind == "Upsample" else single("Resize", (1, size), {
            "r": np.zeros(0, np.float32), "s": np.float32([1, 1, scale])}, nearest_mode="floor",
            coordinate_transformation_mode="asymmetric")
    graph = read_bytes(proto.SerializeToString(), "m")
    assert networks.evaluate(graph, np.arange(float(size))[None, None]).ravel().tolist() == places
