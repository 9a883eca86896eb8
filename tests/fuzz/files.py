"""The doors for files of data: ONNX, npz, npy, csv, wav."""

import itertools
import os
import struct
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from driving import Door
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from mutations import changed_bytes

from stabkit.audit import npz_file, onnx_file
from stabkit.cli.signal_file import read_signal

_FOLDER = Path(tempfile.mkdtemp(prefix="stabkit-fuzz-"))


def saved(ending, read):
    """What reads a file with some bytes."""
    path = _FOLDER / f"input{os.getpid()}{ending}"

    def enter(content):
        path.write_bytes(content)
        try:
            return read(path)
        finally:
            path.unlink()

    return enter


# -- ONNX ------------------------------------------------------------------------------------------
def models():
    """The exported networks, and a few small ones; their bytes."""
    from onnx import TensorProto, helper, numpy_helper

    files = sorted((Path(__file__).parents[1] / "audit/exported").glob("*.onnx"))
    made = [path.read_bytes() for path in files]
    rng = np.random.default_rng(0)

    def weights(*shape):
        return rng.integers(-4, 5, shape).astype(np.float32) / 4

    for nodes, shape, known in (
            ([("Gemm", ["x", "w", "b"], ["h"], {"transB": 1}), ("Relu", ["h"], ["y"], {})], (3,),
             {"w": weights(4, 3), "b": weights(4)}),
            ([("Conv", ["x", "w"], ["h"], {"pads": [1, 1], "kernel_shape": [3]}),
              ("Tanh", ["h"], ["g"], {}), ("Add", ["x", "g"], ["y"], {})], (2, 6),
             {"w": weights(2, 2, 3)}),
            ([("MaxPool", ["x"], ["h"], {"kernel_shape": [2], "strides": [2]}),
              ("Flatten", ["h"], ["g"], {}), ("MatMul", ["g", "w"], ["y"], {})], (2, 6),
             {"w": weights(6, 2)}),
            ([("Reshape", ["x", "s"], ["h"], {}), ("Transpose", ["h"], ["g"], {"perm": [0, 2, 1]}),
              ("Slice", ["g", "a", "e"], ["y"], {})], (6,),
             {"s": np.array([1, 2, 3]), "a": np.array([0, 0, 0]), "e": np.array([1, 2, 2])})):
        graph = helper.make_graph(
            [helper.make_node(kind, ins, outs, **options) for kind, ins, outs, options in nodes],
            "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *shape])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in known.items()])
        made.append(helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    return made


_KINDS = ("Relu", "Gemm", "MatMul", "Conv", "ConvTranspose", "Add", "Sub", "Mul", "Div", "Reshape",
          "Transpose", "Concat", "Slice", "Split", "Pad", "Gather", "Resize", "MaxPool",
          "AveragePool", "GlobalAveragePool", "BatchNormalization", "LayerNormalization", "Softmax",
          "Clip", "Einsum", "Expand", "Tile", "TopK", "ReduceMean", "ReduceSum", "Squeeze",
          "Unsqueeze", "Flatten", "LSTM", "GRU", "RNN", "Where", "If", "Loop", "Identity", "Cast",
          "Shape", "ConstantOfShape", "PRelu", "Gelu", "HardSwish", "DepthToSpace", "Abs", "Max")
_SIZES = st.one_of(st.integers(-3, 8), st.sampled_from([2**31, 2**62, -2**63]))


@st.composite
def changed_models(draw, files):
    """A model whose nodes, attributes and tensors are others; still a protobuf message."""
    import onnx

    model = onnx.load_from_string(draw(st.sampled_from(files)))
    graph = model.graph
    for _ in range(draw(st.integers(1, 4))):
        node = graph.node[draw(st.integers(0, len(graph.node) - 1))] if graph.node else None
        kind = draw(st.integers(0, 7))
        if node is None or kind == 0:
            node = graph.node.add(op_type=draw(st.sampled_from(_KINDS)), input=["x"], output=["y2"])
        elif kind == 1:
            node.op_type = draw(st.sampled_from(_KINDS))
        elif kind == 2 and node.attribute:
            entry = node.attribute[draw(st.integers(0, len(node.attribute) - 1))]
            entry.i = draw(_SIZES)
            del entry.ints[:]
            entry.ints.extend(draw(st.lists(_SIZES, max_size=5)))
            entry.f = draw(st.floats(width=32))
        elif kind == 3 and node.input:
            known = [name for each in graph.node for name in (*each.input, *each.output)]
            node.input[draw(st.integers(0, len(node.input) - 1))] = draw(st.sampled_from(known))
        elif kind == 4 and graph.initializer:
            tensor = graph.initializer[draw(st.integers(0, len(graph.initializer) - 1))]
            del tensor.dims[:]
            tensor.dims.extend(draw(st.lists(_SIZES, max_size=4)))
        elif kind == 5 and graph.initializer:
            tensor = graph.initializer[draw(st.integers(0, len(graph.initializer) - 1))]
            tensor.data_type = draw(st.integers(-1, 30))
        elif kind == 6:
            for value in graph.input:
                del value.type.tensor_type.shape.dim[:]
                for size in draw(st.lists(_SIZES, max_size=4)):
                    value.type.tensor_type.shape.dim.add(dim_value=size)
        elif kind == 7:
            graph.node.remove(node)
    return model.SerializeToString()


def onnx():
    files = models()
    return Door(st.one_of(changed_bytes(files[-4:]), changed_bytes(files), changed_models(files)),
                lambda content: onnx_file.read_bytes(content, "m.onnx"))


# -- arrays ----------------------------------------------------------------------------------------
_KEYS = ("W1", "W2", "stencil1", "stencil2", "flux", "contrast", "step", "b1", "b2", "sizes",
         "boundary", "A0", "A1", "b0", "flux0", "flux1", "x", "")
_WORDS = st.sampled_from(["relu", "tanh", "soft", "perona_malik", "identity", "periodic", "zero",
                          "nothing"]).map(np.array)
_NUMBERS = arrays.arrays(st.sampled_from([np.dtype(name) for name in (
    "f8", "f4", "f2", "i8", "u1", "?", "c16", "M8[s]", "U3", ">f8")]),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
_SQUARE = arrays.arrays("f8", (3, 3), elements=st.integers(-4, 4).map(lambda n: n / 4))


def written(**named):
    stream = BytesIO()
    np.savez(stream, **named)
    return stream.getvalue()


@st.composite
def networks(draw):
    """Layers in a row, or a block, most of them of shapes that fit."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    fluxes = st.sampled_from(["relu", "tanh", "soft", "perona_malik", "identity", "garrote",
                              "hard"])
    entries = st.integers(-4, 4).map(lambda n: n / 4)
    found = {}
    for k, (n, m) in enumerate(itertools.pairwise(sizes)):
        found[f"A{k}"] = draw(arrays.arrays("f8", (m, n), elements=entries))
        if draw(st.booleans()):
            found[f"flux{k}"] = np.array(draw(fluxes))
        if draw(st.booleans()):
            found[f"b{k}"] = draw(arrays.arrays("f8", (m,), elements=entries))
    if draw(st.booleans()):
        found = {"W1": found["A0"], "flux": np.array(draw(fluxes)), "step": np.array(
            draw(st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0])))}
    return written(**found)


def npz():
    named = st.dictionaries(st.sampled_from(_KEYS), st.one_of(_NUMBERS, _WORDS, _SQUARE),
                            max_size=6).map(lambda found: written(**found))
    block = written(W1=np.eye(3), b1=np.ones(3), flux="relu", step=0.5)
    row = written(A0=np.eye(3), flux0="soft", contrast0=2.0, A1=np.ones((2, 3)))
    stencil = written(stencil1=np.array([-1.0, 1.0]), sizes=np.array([6]), boundary="periodic",
                      flux="tanh")
    return Door(st.one_of(named, networks(), changed_bytes([block, row, stencil])),
                saved(".npz", npz_file.read))


def _saved_array(array):
    stream = BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def npy():
    return Door(st.one_of(_NUMBERS.map(_saved_array), changed_bytes(
        [_saved_array(np.arange(6.0)), _saved_array(np.ones((2, 3), np.float32))])),
        saved(".npy", read_signal))


def csv():
    lines = st.lists(st.lists(st.one_of(st.floats().map(repr), st.text(max_size=4)),
                              max_size=4).map(",".join), max_size=5).map("\n".join)
    return Door(st.one_of(lines.map(lambda text: text.encode("utf-8", "surrogatepass")),
                          changed_bytes([b"1,2,3\n", b"# s\n1\n2.5\n-3e2\n", b"\xef\xbb\xbf1\n2"])),
                saved(".csv", read_signal))


def _sound(channels, bits, kind=1):
    data = bytes(range(64))
    form = struct.pack("<HHIIHH", kind, channels, 8000, 8000, channels * bits // 8, bits)
    body = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 64) + data
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def wav():
    return Door(changed_bytes([_sound(1, 16), _sound(2, 8), _sound(1, 32, 3), _sound(1, 24),
                               _sound(1, 64, 3)]), saved(".wav", read_signal))
