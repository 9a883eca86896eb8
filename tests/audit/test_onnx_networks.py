"""Whole networks as PyTorch's exporters write them, and the shapes that layers take there."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erf, expit

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from onnx import TensorProto  # noqa: E402
from plain_network import evaluate  # noqa: E402
from test_onnx_operators import agrees, computed, ints, model, weights  # noqa: E402

from stabkit.audit.onnx_file import read, read_bytes  # noqa: E402
from stabkit.networks.layers import (  # noqa: E402
    Activation,
    Convolution,
    Dense,
    MeanPooling,
    Product,
    Reshaping,
    Scaling,
    Selection,
    Sum,
    TransposedConvolution,
)

FILES = sorted((Path(__file__).parent / "exported").glob("*.onnx"))


def kinds(graph):
    return [type(node.layer) for node in graph.nodes]


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_pytorch_exports(path):
    """The files of both exporters at random inputs; none is larger than a picture."""
    assert path.stat().st_size < 50_000
    agrees(onnx.load(path))


def test_files_of_both_exporters_are_there():
    assert len(FILES) == 10


@pytest.mark.parametrize("exporter", ["dynamo", "script"])
def test_a_diffusion_block_keeps_its_structure(exporter):
    """Three times K, Φ, Kᵀ with one set of weights, all periodic, and the sums of the skips."""
    graph = read(Path(__file__).parent / "exported" / f"diffusion_{exporter}.onnx")
    forward = [n.layer for n in graph.nodes if isinstance(n.layer, Convolution)]
    back = [n.layer for n in graph.nodes if isinstance(n.layer, TransposedConvolution)]
    assert len(forward) == 3 == len(back) and all(layer.periodic for layer in forward)
    assert forward[0].padding == ((3, 0),) and forward[0].shape == (1, 8)
    for layer in (*forward, *(layer.convolution for layer in back)):
        assert (layer.weights == forward[0].weights).all()
    assert [n.layer.signs for n in graph.nodes if isinstance(n.layer, Sum)] == [(1, -1)] * 3


@pytest.mark.parametrize("exporter", ["dynamo", "script"])
def test_a_hamiltonian_block_keeps_its_structure(exporter):
    """Two halves of the channels, four half steps of K and Kᵀ, and nothing else with weights."""
    graph = read(Path(__file__).parent / "exported" / f"hamiltonian_{exporter}.onnx")
    assert sum(kind is Selection for kind in kinds(graph)) == 2
    assert [kind for kind in kinds(graph) if kind in (Convolution, TransposedConvolution)] == \
        [Convolution, TransposedConvolution] * 4
    assert graph.weights == 4 * (2 * (2 * 2 * 9) + 2 + 1)  # K twice, its bias, the step


# -- gates -----------------------------------------------------------------------------------------
ROOT = np.float32(np.sqrt(2))
F32 = {"half": np.float32(0.5), "one": np.float32(1), "root": ROOT,
       "inverse": np.float32(1 / np.sqrt(2)), "three": np.float32(3), "six": np.float32(6),
       "steep": np.float32(1.702)}


@pytest.mark.slow
def test_gelu_written_out():
    """x (1 + erf(x/√2))/2 in the two orders that exporters use; √2 as the file rounds it."""
    erf = [("Div", ["x", "root"], ["a"], {}), ("Erf", ["a"], ["b"], {}),
           ("Add", ["b", "one"], ["c"], {})]
    late = [("Mul", ["x", "c"], ["d"], {}), ("Mul", ["d", "half"], ["y"], {})]
    early = [("Mul", ["x", "half"], ["d"], {}), ("Mul", ["d", "c"], ["y"], {})]
    both = [("Mul", ["half", "c"], ["d"], {}), ("Mul", ["d", "x"], ["y"], {})]
    for rest in (late, early, both):
        graph = agrees(model(erf + rest, (9,), F32))
        assert kinds(graph) == [Activation]
        flux = graph.nodes[0].layer.flux
        assert flux.name == "gelu"
        factor = Fraction(1 / float(ROOT))  # the quotient in double precision
        assert flux.parameters["variance"] == 1 / (2 * factor**2)


@pytest.mark.slow
@pytest.mark.parametrize("nodes, name", [
    ([("Sigmoid", ["x"], ["a"], {}), ("Mul", ["x", "a"], ["y"], {})], "silu"),
    ([("Softplus", ["x"], ["b"], {}), ("Tanh", ["b"], ["a"], {}),
      ("Mul", ["x", "a"], ["y"], {})], "mish"),
    ([("Mul", ["x", "steep"], ["b"], {}), ("Sigmoid", ["b"], ["a"], {}),
      ("Mul", ["a", "x"], ["y"], {})], "silu"),
    ([("HardSigmoid", ["x"], ["a"], {"alpha": 0.25}), ("Mul", ["x", "a"], ["y"], {})],
     "hard_swish"),
    ([("Add", ["x", "three"], ["b"], {}), ("Clip", ["b", "zero", "six"], ["a"], {}),
      ("Mul", ["x", "a"], ["y"], {})], "hard_swish"),
])
def test_gates_written_out(nodes, name):
    """x σ(βx), x clip(αx + β, 0, 1): one activation and at most one factor."""
    graph = agrees(model(nodes, (9,), F32 | {"zero": np.float32(0)}))
    assert graph.nodes[0].layer.flux.name == name
    assert kinds(graph) in ([Activation], [Activation, Scaling])


@pytest.mark.parametrize("nodes", [
    [("Mul", ["x", "x"], ["y"], {})],
    [("Mish", ["x"], ["a"], {}), ("Mul", ["a", "x"], ["y"], {})],
])
def test_products_without_a_bound_are_products(nodes):
    """x² and x mish(x) are as steep as one likes far out."""
    graph = agrees(model(nodes, (9,), F32))
    assert kinds(graph)[-1] is Product and graph.bound is None


@pytest.mark.slow
@pytest.mark.parametrize("nodes, function", [
    ([("Sigmoid", ["x"], ["a"], {}), ("Add", ["x", "one"], ["b"], {}),
      ("Mul", ["a", "b"], ["y"], {})], lambda x: expit(x) * (x + 1)),
    ([("Neg", ["x"], ["b"], {}), ("Sigmoid", ["b"], ["a"], {}), ("Mul", ["a", "x"], ["y"], {})],
     lambda x: x * expit(-x)),
    ([("Erf", ["x"], ["a"], {}), ("Mul", ["a", "x"], ["y"], {})], lambda x: x * erf(x)),
    ([("Erf", ["x"], ["a"], {}), ("Add", ["a", "three"], ["b"], {}),
      ("Mul", ["b", "x"], ["y"], {})], lambda x: x * (erf(x) + 3)),
], ids=["sigmoid", "mirrored", "erf", "erf + 3"])
def test_products_of_functions_of_one_entry_are_activations(nodes, function):
    """Their slope has a bound, at least the steepest difference on a fine grid."""
    graph = agrees(model(nodes, (9,), F32))
    assert Activation in kinds(graph)
    x = np.linspace(-12, 12, 20_000)
    steepest = np.abs(np.diff(function(x)) / np.diff(x)).max()
    assert steepest <= graph.bound * (1 + 1e-9) < 1.01 * steepest


@pytest.mark.slow
def test_softplus_with_pytorchs_switch():
    """ln(1 + exp(2x))/2 with a switch to x at 2x > 20 is softplus; with a switch at 3 it
    jumps, and has no constant."""
    def switched(at):
        return model([("Mul", ["x", "two"], ["a"], {}), ("Softplus", ["a"], ["b"], {}),
                      ("Div", ["b", "two"], ["c"], {}), ("Greater", ["a", "t"], ["d"], {}),
                      ("Where", ["d", "x", "c"], ["y"], {})], (9,),
                     {"two": np.float32(2), "t": np.float32(at)})
    assert kinds(agrees(switched(20))) == [Scaling, Activation, Scaling]
    assert agrees(switched(3)).bound is None


# -- moving entries --------------------------------------------------------------------------------
def test_padding_joins_its_convolution():
    """Zeros and a wrap around the signal, as Pad and as slices side by side."""
    w = {"w": weights(2, 2, 3)}
    pad = [("Pad", ["x", "p"], ["a"], {}), ("Conv", ["a", "w"], ["y"], {"pads": [1, 0]})]
    graph = agrees(model(pad, (2, 5), w | {"p": ints(0, 0, 1, 0, 0, 2)}))
    assert kinds(graph) == [Convolution] and graph.nodes[0].layer.padding == ((2, 2),)
    wrap = [("Slice", ["x", "s", "e", "a"], ["l"], {}), ("Concat", ["l", "x"], ["c"], {"axis": 2}),
            ("Conv", ["c", "w"], ["y"], {})]
    graph = agrees(model(wrap, (2, 5), w | {"s": ints(-2), "e": ints(9), "a": ints(2)}))
    assert kinds(graph) == [Convolution] and graph.nodes[0].layer.periodic
    assert graph.nodes[0].layer.padding == ((2, 0),)
    # A wrap with zeros around it is neither; the wrapped signal is moved there first.
    wrap[-1] = ("Conv", ["c", "w"], ["y"], {"pads": [1, 1]})
    graph = agrees(model(wrap, (2, 5), w | {"s": ints(-2), "e": ints(9), "a": ints(2)}))
    assert kinds(graph) == [Selection, Convolution] and not graph.nodes[1].layer.periodic


def test_moves_that_undo_each_other_leave_nothing():
    """Transposed twice, split and joined in order, a factor 2 and a factor 1/2: the identity."""
    nodes = [("Transpose", ["x"], ["a"], {"perm": [0, 2, 1]}),
             ("Transpose", ["a"], ["b"], {"perm": [0, 2, 1]}),
             ("Split", ["b"], ["c", "d"], {"axis": 1, "num_outputs": 2}),
             ("Concat", ["c", "d"], ["e"], {"axis": 1}), ("Add", ["e", "e"], ["f"], {}),
             ("Mul", ["f", "half"], ["g"], {}), ("Mul", ["g", "two"], ["y"], {})]
    graph = agrees(model(nodes, (4, 3), {"half": np.float32(0.5), "two": np.float32(2)}))
    assert kinds(graph) == [Sum] and graph.nodes[0].inputs == (-1, -1)
    graph = agrees(model([("Identity", ["x"], ["y"], {})], (4, 3)))
    assert kinds(graph) == [Reshaping]


def test_zeros_joined_to_channels():
    """The shortcut of the first residual networks: every second entry, and channels of zeros."""
    nodes = [("Slice", ["x", "s", "e", "a", "t"], ["b"], {}),
             ("Concat", ["b", "z"], ["c"], {"axis": 1}), ("Relu", ["c"], ["y"], {})]
    constants = {"s": ints(0), "e": ints(9), "a": ints(2), "t": ints(2),
                 "z": np.zeros((1, 3, 2), np.float32)}
    agrees(model(nodes, (2, 4), constants))


def test_a_mean_over_padded_windows():
    """Padding before a pool is a layer of its own: ones as a stencil, zeros around."""
    nodes = [("Pad", ["x", "p"], ["a"], {}), ("AveragePool", ["a"], ["y"], {"kernel_shape": [2]})]
    graph = agrees(model(nodes, (2, 4), {"p": ints(0, 0, 1, 0, 0, 1)}))
    assert kinds(graph) == [Convolution, MeanPooling]


def test_shape_arithmetic_is_folded():
    """Flatten by Shape, Gather, Unsqueeze and Concat, with a batch of unknown size."""
    join = ("Concat", ["c", "rest"], ["d"], {"axis": 0})
    nodes = [("Shape", ["x"], ["a"], {}), ("Gather", ["a", "zero"], ["b"], {"axis": 0}),
             ("Unsqueeze", ["b", "front"], ["c"], {}), join,
             ("Reshape", ["x", "d"], ["e"], {}), ("Gemm", ["e", "w"], ["y"], {})]
    constants = {"zero": np.array(0), "front": ints(0), "rest": ints(-1), "w": weights(6, 2)}
    graph = agrees(model(nodes, (2, 3), constants, batch="N"))
    assert kinds(graph) == [Reshaping, Dense]
    graph = agrees(model(nodes, (2, 3), constants, batch=3))
    assert kinds(graph) == [Reshaping, Dense] and graph.shape == (2, 3)


def test_normalised_weights_are_folded():
    """W / ‖W‖ computed in the file from W, as hooks of spectral_norm leave it."""
    nodes = [("MatMul", ["w", "v"], ["a"], {}), ("MatMul", ["u", "a"], ["s"], {}),
             ("Div", ["w", "s"], ["n"], {}), ("Gemm", ["x", "n"], ["y"], {"transB": 1})]
    graph = agrees(model(nodes, (4,), {"w": weights(3, 4), "v": weights(4), "u": weights(3)}))
    assert kinds(graph) == [Dense] and graph.nodes[0].layer.weights.dtype == np.float32


@pytest.mark.parametrize("kind, dtype", [(TensorProto.DOUBLE, np.float64),
                                         (TensorProto.FLOAT16, np.float16)])
def test_weights_of_every_precision_are_exact(kind, dtype):
    """float64 and float16 weights bit by bit."""
    w = weights(4, 3, dtype=dtype)
    proto = model([("MatMul", ["x", "w"], ["y"], {})], (4,), {"w": w}, dtype=kind)
    assert (read_bytes(proto.SerializeToString(), "m").nodes[0].layer.weights == w.T).all()


def test_bfloat16_is_exact():
    """0x3FC0 is 1.5, 0xC040 is −3, 0x3E80 is 1/4."""
    proto = model([("Mul", ["x", "w"], ["y"], {})], (3,), {"w": weights(3)})
    tensor = proto.graph.initializer[0]
    for raw in (True, False):
        tensor.CopyFrom(onnx.TensorProto(name="w", data_type=TensorProto.BFLOAT16, dims=[3]))
        codes = np.array([0x3FC0, 0xC040, 0x3E80], dtype="<u2")
        if raw:
            tensor.raw_data = codes.tobytes()
        else:
            tensor.int32_data.extend(codes.tolist())
        graph = read_bytes(proto.SerializeToString(), "m")
        assert graph.nodes[0].layer.factors.tolist() == [1.5, -3, 0.25]


def test_quantised_weights_are_exact():
    """(q − z) s with integers of 8 bits and a float32 scale per row, as rationals."""
    q = np.random.default_rng(8).integers(-128, 128, (4, 3)).astype(np.int8)
    z = np.array([3, -1, 0, 7], np.int8)
    s = weights(4)
    proto = model([("DequantizeLinear", ["q", "s", "z"], ["w"], {"axis": 0}),
                   ("Gemm", ["x", "w"], ["y"], {})], (4,), {"q": q, "s": s, "z": z}, opset=21)
    read_ = agrees(proto).nodes[0].layer.weights
    for i, j in np.ndindex(4, 3):
        assert Fraction(float(read_[j, i])) == (int(q[i, j]) - int(z[i])) * Fraction(float(s[i]))


def test_external_data(tmp_path):
    """Weights in a file beside the model, at an offset."""
    proto = model([("Gemm", ["x", "w", "b"], ["y"], {})], (64,), {"w": weights(64, 32),
                                                                 "b": weights(32)})
    wanted = read_bytes(proto.SerializeToString(), "m").nodes[0].layer
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="m.data",
              size_threshold=0)
    assert (tmp_path / "m.data").exists() and (tmp_path / "m.onnx").stat().st_size < 1000
    found = read(tmp_path / "m.onnx").nodes[0].layer
    assert (found.weights == wanted.weights).all() and (found.bias == wanted.bias).all()


def test_a_file_without_a_batch_axis():
    """An input of one axis has no batch."""
    proto = model([("MatMul", ["w", "x"], ["a"], {}), ("Tanh", ["a"], ["y"], {})], (),
                  {"w": weights(3, 4)})
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    graph = read_bytes(proto.SerializeToString(), "m")
    x = np.random.default_rng(1).normal(size=4).astype(np.float32)
    assert graph.shape == (4,) and np.abs(evaluate(graph, x) - computed(proto, x)).max() < 1e-5
