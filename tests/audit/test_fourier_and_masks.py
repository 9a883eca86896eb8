"""Fourier transforms, masks of −∞ and slopes by channel, against ONNX's reference and NumPy."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from test_onnx_operators import RNG, agrees, ints, model, read_bytes, single  # noqa: E402

from stabkit import InvalidArgument  # noqa: E402
from stabkit.networks.graph import evaluate  # noqa: E402
from stabkit.networks.layers import Softmax  # noqa: E402

LOW = np.triu(np.full((4, 4), -np.inf, dtype=np.float32), 1)  # of causal attention


def pairs(values):
    """Complex numbers as ONNX has them."""
    return np.stack([values.real, values.imag], axis=-1)


def read(proto):
    return read_bytes(proto.SerializeToString(), "model.onnx")


@pytest.mark.parametrize("length", [4, 7, 8, 11])
@pytest.mark.parametrize("half", [0, 1])
def test_a_transform_is_that_of_numpy(length, half):
    """exp(−2πi jk/n), of 7 numbers cut or filled up to n; along the middle axis of three."""
    proto = model([("Unsqueeze", ["x", "last"], ["a"], {}),
                   ("DFT", ["a", "length", "axis"], ["y"], {"onesided": half})], (7, 3),
                  {"last": ints(3), "length": ints(length)[0], "axis": ints(1)[0]}, opset=20)
    x = RNG.standard_normal((1, 7, 3))
    wanted = pairs((np.fft.rfft if half else np.fft.fft)(x, length, axis=1))
    assert np.abs(evaluate(read(proto), x) - wanted).max() < 1e-12


def test_an_inverse_transform_is_that_of_numpy_and_turns_back():
    """F⁻¹F = 1, and ‖F‖² = n: the constants of both are √5 and 1/√5."""
    forth = model([("DFT", ["x"], ["y"], {"axis": 1})], (5, 2), opset=17)
    back = model([("DFT", ["x"], ["y"], {"axis": 1, "inverse": 1})], (5, 2), opset=17)
    x = RNG.standard_normal((1, 5, 2))
    there = evaluate(read(forth), x)
    assert np.abs(there - pairs(np.fft.fft(x[..., 0] + 1j * x[..., 1]))).max() < 1e-12
    assert np.abs(evaluate(read(back), there) - x).max() < 1e-12
    for graph, wanted in ((read(forth), 5**0.5), (read(back), 5**-0.5)):
        assert abs(float(graph.bound) - wanted) < 1e-9 and float(graph.bound) >= wanted - 1e-12


@pytest.mark.parametrize("length", [None, 8, 9, 4])
def test_half_of_the_frequencies_turn_back_into_real_numbers(length):
    """What NumPy says: the imaginary parts of frequency 0 and of n/2 are left out."""
    given = {"axis": ints(1)[0]} | ({"length": ints(length)[0]} if length else {})
    proto = model([("DFT", ["x", "length" if length else "", "axis"], ["y"],
                    {"onesided": 1, "inverse": 1})], (5, 2), given, opset=20)
    x = RNG.standard_normal((1, 5, 2))
    wanted = np.fft.irfft(x[..., 0] + 1j * x[..., 1], length, axis=1)
    assert np.abs(evaluate(read(proto), x)[..., 0] - wanted).max() < 1e-12


def test_masks_are_zeros_behind_a_softmax():
    """Of −∞ added or chosen; rows of 1 to 4 entries have softmaxes of their own."""
    added = model([("Add", ["x", "m"], ["a"], {}), ("Softmax", ["a"], ["y"], {})], (2, 4, 4),
                  {"m": LOW})
    chosen = model([("Where", ["keep", "x", "low"], ["a"], {}), ("Softmax", ["a"], ["y"], {})],
                   (2, 4, 4), {"keep": LOW == 0, "low": np.float32(-np.inf)})
    for proto in (added, chosen):
        graph = agrees(proto)
        assert sum(isinstance(node.layer, Softmax) for node in graph.nodes) == 4
        assert np.triu(evaluate(graph, RNG.standard_normal((1, 2, 4, 4)))[0, 0], 1).max() == 0


@pytest.mark.parametrize("last, text", [
    ("Relu", "a softmax of a signal with entries of -inf"), ("LogSoftmax", "with a logarithm")])
def test_a_mask_before_anything_else_is_refused(last, text):
    proto = model([("Add", ["x", "m"], ["a"], {}), (last, ["a"], ["y"], {})], (4, 4), {"m": LOW})
    with pytest.raises(InvalidArgument, match=text):
        read(proto)


def test_a_row_of_nothing_is_refused():
    """The softmax of −∞ alone is no number."""
    proto = model([("Add", ["x", "m"], ["a"], {}), ("Softmax", ["a"], ["y"], {})], (2, 3),
                  {"m": np.array([[0, 0, 0], [-np.inf] * 3], dtype=np.float32)})
    with pytest.raises(InvalidArgument, match="nothing but -inf"):
        read(proto)


def test_slopes_by_channel_are_what_they_are():
    """max(x, 0) + a min(x, 0) with a = −1/2, 1/10 (no float) and 2: the constant is at least 2."""
    graph = agrees(single("PRelu", (3, 4), {"a": np.array([[-0.5], [0.1], [2]], np.float32)}))
    assert 2 <= graph.bound <= 3.1


def test_learned_thresholds_are_soft_shrinkage():
    """sgn(x) max(|x| − θᵢ, 0) by its operators; 1 is its constant, θ max/θ min is shown."""
    proto = model([("Sign", ["x"], ["s"], {}), ("Abs", ["x"], ["b"], {}),
                   ("Sub", ["b", "t"], ["c"], {}), ("Relu", ["c"], ["d"], {}),
                   ("Mul", ["s", "d"], ["y"], {})], (3,),
                  {"t": np.array([0.25, 0.5, 0.3], np.float32)})
    assert 1 <= agrees(proto).bound < 2.001


def test_a_threshold_below_zero_has_no_constant():
    """sgn(x)(|x| + 1) jumps at 0."""
    proto = model([("Sign", ["x"], ["s"], {}), ("Abs", ["x"], ["b"], {}),
                   ("Sub", ["b", "t"], ["c"], {}), ("Relu", ["c"], ["d"], {}),
                   ("Mul", ["s", "d"], ["y"], {})], (2,), {"t": np.array([-1, 1], np.float32)})
    assert agrees(proto).bound is None
