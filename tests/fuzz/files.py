"""The doors for files of data: ONNX, npz, npy, csv, wav."""

import itertools
import os
import struct
import tempfile
from io import BytesIO
from math import prod
from pathlib import Path

import numpy as np
from driving import Door
from mutations import changed_bytes, one_of

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
_SIZES = (*range(-3, 9), 2**31, 2**62, -2**63)


def changed_models(files):
    """A model whose nodes, attributes and tensors are others; still a protobuf message."""
    import onnx

    def sizes(random):
        return random.choices(_SIZES, k=random.randint(0, 4))

    def make(random):
        model = onnx.load_from_string(random.choice(files))
        graph = model.graph
        for _ in range(random.randint(1, 4)):
            node = random.choice(graph.node) if graph.node else None
            kind = random.randint(0, 7)
            if node is None or kind == 0:
                graph.node.add(op_type=random.choice(_KINDS), input=["x"], output=["y2"])
            elif kind == 1:
                node.op_type = random.choice(_KINDS)
            elif kind == 2 and node.attribute:
                entry = random.choice(node.attribute)
                entry.i = random.choice(_SIZES)
                del entry.ints[:]
                entry.ints.extend(sizes(random))
                entry.f = random.choice((0.0, -1.5, float("nan"), float("inf")))
            elif kind == 3 and node.input:
                known = [name for each in graph.node for name in (*each.input, *each.output)]
                node.input[random.randrange(len(node.input))] = random.choice(known)
            elif kind == 4 and graph.initializer:
                tensor = random.choice(graph.initializer)
                del tensor.dims[:]
                tensor.dims.extend(sizes(random))
            elif kind == 5 and graph.initializer:
                random.choice(graph.initializer).data_type = random.randint(-1, 30)
            elif kind == 6:
                for value in graph.input:
                    del value.type.tensor_type.shape.dim[:]
                    for size in sizes(random):
                        value.type.tensor_type.shape.dim.add(dim_value=size)
            elif kind == 7:
                graph.node.remove(node)
        return model.SerializeToString()

    return make


def onnx():
    files = models()
    return Door(one_of(changed_bytes(files[-4:]), changed_bytes(files), changed_models(files[-4:]),
                       changed_models(files)),
                lambda content: onnx_file.read_bytes(content, "m.onnx"))


# -- arrays ----------------------------------------------------------------------------------------
_KEYS = ("W1", "W2", "stencil1", "stencil2", "flux", "contrast", "step", "b1", "b2", "sizes",
         "boundary", "A0", "A1", "b0", "flux0", "flux1", "x", "")
_FLUXES = ("relu", "tanh", "soft", "perona_malik", "identity", "garrote", "hard")
_DTYPES = ("f8", "f4", "f2", "i8", "u1", "?", "c16", "M8[s]", "U3", ">f8")


def any_array(random):
    shape = random.choices(range(5), k=random.randint(0, 4))
    values = np.frombuffer(random.randbytes(16 * prod(shape)), np.uint8).astype(float) - 128
    with np.errstate(all="ignore"):
        made = values[:prod(shape)].reshape(shape).astype(random.choice(_DTYPES))
    if made.dtype.kind == "f" and made.size and random.random() < 0.2:
        made.flat[0] = random.choice((np.nan, np.inf, -np.inf, 5e-324))
    return made


def quarters(random, *shape):
    return np.array(random.choices(range(-4, 5), k=prod(shape))).reshape(shape) / 4


def written(**named):
    stream = BytesIO()
    np.savez(stream, **named)
    return stream.getvalue()


def named_arrays(random):
    makers = (any_array, lambda random: np.array(random.choice(("zero", "nothing", *_FLUXES))),
              lambda random: quarters(random, 3, 3))
    return written(**{key: random.choice(makers)(random)
                      for key in random.choices(_KEYS, k=random.randint(0, 6))})


def networks(random):
    """Layers in a row, or a block, of shapes that fit."""
    sizes = random.choices(range(1, 5), k=random.randint(2, 4))
    if random.random() < 0.5:
        return written(W1=quarters(random, *sizes[:2]), flux=random.choice(_FLUXES),
                       step=random.choice((0.1, 0.25, 0.5, 1.0, 2.0)))
    found = {}
    for k, (n, m) in enumerate(itertools.pairwise(sizes)):
        found[f"A{k}"] = quarters(random, m, n)
        if random.random() < 0.5:
            found[f"flux{k}"] = random.choice(_FLUXES)
        if random.random() < 0.5:
            found[f"b{k}"] = quarters(random, m)
    return written(**found)


def npz():
    block = written(W1=np.eye(3), b1=np.ones(3), flux="relu", step=0.5)
    row = written(A0=np.eye(3), flux0="soft", contrast0=2.0, A1=np.ones((2, 3)))
    stencil = written(stencil1=np.array([-1.0, 1.0]), sizes=np.array([6]), boundary="periodic",
                      flux="tanh")
    return Door(one_of(named_arrays, networks, changed_bytes([block, row, stencil])),
                saved(".npz", npz_file.read))


def _saved_array(array):
    stream = BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def npy():
    return Door(one_of(lambda random: _saved_array(any_array(random)), changed_bytes(
        [_saved_array(np.arange(6.0)), _saved_array(np.ones((2, 3), np.float32))])),
        saved(".npy", read_signal))


def csv():
    words = ("1", "-2.5", "3e2", "nan", "inf", "", "x", "#", "1e999", "0x1", "1_000", '"', "é")

    def table(random):
        return "\n".join(",".join(random.choices(words, k=random.randint(0, 4)))
                         for _ in range(random.randint(0, 5))).encode()

    return Door(one_of(table, changed_bytes([b"1,2,3\n", b"# s\n1\n2.5\n-3e2\n",
                                             b"\xef\xbb\xbf1\n2"])), saved(".csv", read_signal))


def _sound(channels, bits, kind=1):
    data = bytes(range(64))
    form = struct.pack("<HHIIHH", kind, channels, 8000, 8000, channels * bits // 8, bits)
    body = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 64) + data
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def wav():
    return Door(changed_bytes([_sound(1, 16), _sound(2, 8), _sound(1, 32, 3), _sound(1, 24),
                               _sound(1, 64, 3)]), saved(".wav", read_signal))
