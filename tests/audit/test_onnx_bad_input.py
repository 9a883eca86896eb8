"""Files that cannot be audited: one line that says what is wrong and where, and never a crash."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")

from onnx import TensorProto, helper  # noqa: E402
from test_onnx_operators import ints, model, single, weights  # noqa: E402

from stabkit.audit.onnx_file import read, read_bytes, read_model  # noqa: E402
from stabkit.audit.reading import memory  # noqa: E402
from stabkit.errors import InvalidArgument  # noqa: E402
from stabkit.installation import install  # noqa: E402
from stabkit.networks.graph import Graph  # noqa: E402

FILES = sorted((Path(__file__).parent / "exported").glob("*.onnx"))


def refused(proto, match):
    """The message, which is one line and names the file."""
    with pytest.raises(InvalidArgument, match=match) as caught:
        read_model(proto, "net.onnx")
    assert "\n" not in str(caught.value) and "net.onnx" in str(caught.value)


W = {"w": weights(4, 3)}


@pytest.mark.parametrize("proto, match", [
    (single("MaxRoiPool", (2, 4, 4), {"g": weights(1, 5)}, pooled_shape=[2, 2]),
     r"node 'n0' \(MaxRoiPool\): not supported"),
    (single("Hardmax", (4,)), r"\(Hardmax\): not supported: before it"),
    (single("LSTM", (4, 3)), r"\(LSTM\): its input must be"),
    (single("Gemm", (5,), W), "weights for 4 features are applied to 5"),
    (single("Gemm", (4,), W | {"b": weights(7)}), r"\(Gemm\)"),
    (single("Gemm", (4,), W, transA=1), "weights for 4 features are applied to 1"),
    (single("MatMul", (5,), W), "weights for 4 features are applied to 5"),
    (single("Conv", (3, 6), {"w": weights(2, 2, 3)}), r"do not fit a signal of shape \(1, 3, 6\)"),
    (single("Conv", (2, 6), {"w": weights(2, 2, 3), "b": weights(5)}), "bias of shape"),
    (single("Conv", (2, 2), {"w": weights(2, 2, 3)}), "does not fit into"),
    (single("Conv", (2, 6), {"w": weights(2, 2, 3)}, strides=[0]), "strides"),
    (single("Conv", (2, 6), {"w": weights(2, 2, 3)}, pads=[-1, 0]), "pads"),
    (single("Conv", (2, 6), {"w": weights(2, 2, 3)}, pads=[10**15, 0]), "of memory"),
    (single("Conv", (2, 6), {"w": weights(2, 2, 3)}, kernel_shape=[4]), "kernel_shape"),
    (single("Conv", (2, 6), {"w": weights(2, 2, 3)}, group="two"), "wrong type"),
    (single("Add", (4,), {"c": weights(3)}), r"\(Add\)"),
    (single("Div", (4,), {"c": np.zeros(4, np.float32)}), "divided by zero"),
    (single("BatchNormalization", (2, 3), {n: weights(2) for n in "sbm"} | {
        "v": -np.ones(2, np.float32)}), "must be positive"),
    (single("BatchNormalization", (2, 3), {n: weights(2) for n in "sbmv"}, training_mode=1),
     "eval mode"),
    (single("Dropout", (3,), {"r": np.float32(0.5), "t": np.array(True)}), "eval mode"),
    (single("Reshape", (2, 6), {"s": ints(5, -1)}), "cannot become"),
    (model([("MaxPool", ["x"], ["m", "y"], {"kernel_shape": [2]})], (2, 6)),
     r"'y', another output of node 'n0' \(MaxPool\)"),
    (single("Reshape", (2, 6), {"s": ints(-1, -1)}), "is none"),
    (single("Transpose", (2, 3), perm=[0, 1, 1]), "no order"),
    (single("Unsqueeze", (2, 3), {"a": ints(1, 1)}), "name one of them twice"),
    (single("Slice", (7,), {"s": ints(3), "e": ints(3)}, opset=13), "no entries"),
    (single("Pad", (2, 3), {"p": ints(0, 0, 1, 0, 0, 1), "v": np.float32("inf")}), "with inf"),
    (single("Tile", (3,), {"r": ints(1, 10**12)}), "more than"),
    (single("Expand", (3,), {"s": ints(10**9, 1, 3)}), "more than|of memory"),
    (single("Resize", (2, 4), {"r": weights(0), "s": np.array([1, 1, 2], np.float32)},
            mode="linear", antialias=1), "only 'nearest'"),
    (single("Resize", (2, 3), {"r": weights(0), "s": np.array([1, 1, 1.1], np.float32)}),
     "take differently"),
    (single("MaxPool", (2, 6), kernel_shape=[2], dilations=[2], auto_pad="SAME_UPPER"),
     "take differently"),
    (single("ScatterND", (4,), {"i": np.array([[0, 1], [0, 1]]), "u": weights(2)}),
     "several entries for one place"),
    (single("Resize", (2, 4), {"r": weights(0), "s": np.array([1, 1, 2**40], np.float32)},
            mode="linear"), "more than"),
    (single("Resize", (2, 4), {"r": weights(0), "s": np.array([1, 1, 2], np.float32)},
            mode="linear", coordinate_transformation_mode="tf_crop_and_resize"), "coordinates"),
    (single("Einsum", (3, 4), {"w": weights(3, 4)}, equation="bij,i->bij"), "the equation"),
    (single("TopK", (4,), {"k": ints(5)}), "more of them than there are"),
    (single("AveragePool", (2, 6), kernel_shape=[3], strides=[2], ceil_mode=1, pads=[1, 1],
            count_include_pad=1), "ceil_mode"),
    (model([("ReduceMean", ["x", "a"], ["m"], {"keepdims": 0}), ("Conv", ["m", "w"], ["y"], {})],
           (2, 3, 6), {"a": ints(0), "w": weights(2, 3, 3)}, batch=3), "the batch axis"),
    (single("QuantizeLinear", (3,), {"s": np.float32(-0.1), "z": np.int8(0)}), "not positive"),
    (single("QLinearMatMul", (3,), {"s": np.float32(0.1), "z": np.int8(0), "w": weights(3, 3)}),
     r"\(QLinearMatMul\): not supported: arithmetic on integers"),
    (single("Hardmax", (3,)), r"\(Hardmax\): not supported: before it 0 layers"),
    (single("Cast", (3,), to=TensorProto.INT32), "cast to something else"),
    (model([("Transpose", ["x"], ["t"], {"perm": [1, 0, 2]}), ("Conv", ["t", "w"], ["y"], {})],
           (2, 6), {"w": weights(2, 3, 3)}, batch=3), "samples of (a|the) batch"),
    (single("Clip", (3,), {"a": np.float32("nan")}), "is nan"),
    (single("GridSample", (2, 4, 5), {"g": weights(1, 3, 2)}), "a grid of 2 numbers for each"),
    (single("GridSample", (2, 4, 5), {"g": 2 * np.ones((1, 3, 3, 2), np.float32)}, opset=20,
            mode="cubic", padding_mode="border"), "with places outside of the signal"),
    (single("Relu", (3,), opset=5), "operator set 5"),
    (model([("Greater", ["x", "a"], ["c"], {}), ("MatMul", ["x", "w"], ["z"], {}),
            ("Where", ["c", "x", "z"], ["y"], {})], (3,), {"a": np.float32(0), "w": weights(3, 3)}),
     "no function of one signal"),
    (single("Pow", (3,), {"e": np.float32(0.3)}), "quarters"),
    (model([("Relu", ["nothing"], ["y"], {})], (3,)), "'nothing' is used before"),
    (model([("Add", ["x", "b"], ["a"], {}), ("Relu", ["a"], ["b"], {})], (3,), output="b"),
     "has a cycle"),
    (model([("Relu", ["x"], ["y"], {}), ("Tanh", ["x"], ["y"], {})], (3,)), "computed twice"),
    (model([("Relu", ["x"], ["z"], {})], (3,)), "output 'y'"),
    (model([("Relu", ["w"], ["y"], {})], (3,), W), "does not depend on the input"),
    (model([("ConstantOfShape", ["s"], ["c"], {}), ("Add", ["x", "c"], ["y"], {})], (3,),
           {"s": ints(10**6, 10**6)}), "more than"),
    (model([("Relu", ["x"], ["y"], {})], (10**7, 10**7)), "of memory, of which"),
    (model([("Relu", ["x"], ["y"], {})], ("h", 3)), r"leaves sizes open"),
])
def test_what_is_wrong_and_where(proto, match):
    """Unsupported, of the wrong shape, not finite, without beginning or end, or too large."""
    refused(proto, match)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(value):
    """The tensor, the entry and its value."""
    bad = weights(4, 3)
    bad[2, 1] = value
    refused(single("Gemm", (4,), {"w": bad}), rf"tensor 'w': entry \[2, 1\] is {value} \(1 such of")


def test_numbers_of_inputs_and_outputs():
    """Two inputs or outputs are named."""
    proto = single("Relu", (3,))
    proto.graph.output.add().CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, None))
    refused(proto, r"has 2 outputs, y, x; name one of them")
    proto = model([("Add", ["x", "z"], ["y"], {})], (3,))
    proto.graph.input.add().CopyFrom(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N"]))
    refused(proto, r"input 'z': its shape \(\?\) leaves sizes open")
    proto = model([("Relu", ["x"], ["y"], {})], (3,), dtype=TensorProto.INT64)
    refused(proto, "must be a tensor of floats")


def test_foreign_operators_and_functions():
    """Other domains, functions of the file itself, and subgraphs."""
    proto = single("Relu", (3,))
    proto.graph.node[0].domain = "com.example"
    refused(proto, r"node 'n0' \(Relu\): not supported: an operator of 'com.example'")
    proto.functions.add(name="Relu", domain="com.example")
    refused(proto, "its functions cannot be written out by onnx")
    inner = helper.make_graph([], "inner", [], [])
    refused(model([("If", ["c"], ["y"], {"then_branch": inner, "else_branch": inner})], (3,),
                  {"c": np.array(True)}), r"\(If\): its subgraph has 0 outputs of 1")


@pytest.mark.parametrize("change, match", [
    (lambda t: t.dims.append(10**12), "of weights needs .* of memory, of which"),
    (lambda t: t.dims.append(2), "takes 96 bytes, the file holds 48"),
    (lambda t: t.dims.__setitem__(0, -4), "cannot be read"),
    (lambda t: setattr(t, "raw_data", t.raw_data[:-1]), "the file holds 47"),
    (lambda t: (t.ClearField("raw_data"), t.float_data.extend([1.0] * 5)), "12 values, the file"),
    (lambda t: setattr(t, "data_type", TensorProto.STRING), "element type"),
    (lambda t: setattr(t, "data_type", TensorProto.FLOAT8E4M3FN), "element type"),
    (lambda t: setattr(t, "data_type", 99), "element type"),
    (lambda t: setattr(t, "data_location", TensorProto.EXTERNAL), "cannot be found"),
])
def test_tensors_that_are_not_what_they_say(change, match):
    """Sizes are compared before anything of that size is made."""
    proto = single("Gemm", (4,), W)
    change(proto.graph.initializer[0])
    refused(proto, match)


@pytest.mark.parametrize("location, match", [
    ("../w.data", "outside the folder"), ("/etc/passwd", "outside the folder"),
    ("link.data", "outside the folder"), ("missing.data", "No such file"), (".", "Is a directory"),
    ("short.data", "ends before its 48 bytes do"), ("in/../../w.data", "outside the folder"),
    ("a\0b", "outside the folder|is no file|cannot read"),
])
def test_external_data_stay_in_the_folder(tmp_path, location, match):
    """Neither a path, nor a link, nor a file that is too short is followed."""
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.data").write_bytes(bytes(48))
    (folder / "short.data").write_bytes(bytes(47))
    (folder / "link.data").symlink_to(tmp_path / "w.data")
    proto = single("Gemm", (4,), W)
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    (folder / "m.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(InvalidArgument, match=match):
        read(folder / "m.onnx")
    for key, value in (("offset", "-1"), ("length", "10"), ("offset", "x")):
        tensor.external_data[0].value = "short.data"
        tensor.external_data.add(key=key, value=value)
        (folder / "m.onnx").write_bytes(proto.SerializeToString())
        with pytest.raises(InvalidArgument, match="tensor 'w'"):
            read(folder / "m.onnx")
        del tensor.external_data[1:]


def test_files_that_are_none(tmp_path):
    """Missing, a folder, empty, text, and cut off in the middle."""
    (tmp_path / "text.onnx").write_text("not a model")
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "cut.onnx").write_bytes(FILES[0].read_bytes()[:1000])
    for name, match in (("none.onnx", "cannot read"), (".", "cannot read"),
                        ("text.onnx", "damaged"), ("empty.onnx", "damaged"),
                        ("cut.onnx", "damaged")):
        with pytest.raises(InvalidArgument, match=match):
            read(tmp_path / name)


def test_a_file_larger_than_memory(tmp_path, monkeypatch):
    """What it needs and what there is, before it is read."""
    monkeypatch.setattr(memory, "available", lambda: 5_000)
    with pytest.raises(InvalidArgument, match=r"needs 1\d\.\d kB of memory, of which 5.0 kB"):
        read(FILES[0])


def test_open_sizes_are_given():
    """The shape of one input fills in what the file leaves open, and must fit the rest."""
    proto = model([("Relu", ["x"], ["y"], {})], ("h", 3), batch="n")
    content = proto.SerializeToString()
    assert read_bytes(content, "m", shape=(5, 3)).shape == (5, 3)
    for wrong in ((5, 4), (5,), (0, 3), (5, 3, 1)):
        with pytest.raises(InvalidArgument, match="shape"):
            read_bytes(content, "m", shape=wrong)


@pytest.mark.slow
def test_thousands_of_nodes_and_deep_nesting():
    """A long chain is read in a moment; nested subgraphs are refused without recursion."""
    nodes = [("Relu", [f"v{i}" if i else "x"], [f"v{i + 1}"], {}) for i in range(3_000)]
    start = time.process_time()
    assert len(read_model(model(nodes, (3,), output="v3000"), "m").nodes) == 3_000
    inner = helper.make_graph([], "g", [], [])
    for _ in range(20):
        inner = helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=inner)], "g",
                                  [], [])
    refused(model([("If", ["c"], ["y"], {"then_branch": inner})], (3,), {"c": np.array(True)}),
            r"node 'n0(/If#0){20}' \(If\): its subgraph has 0 outputs of 1")
    assert time.process_time() - start < 20


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_flipped_bytes(path):
    """Sixty files with one to eight wrong bytes each (seed 0): a graph or a refusal, soon."""
    content, rng = path.read_bytes(), np.random.default_rng(0)
    graphs, start = 0, time.process_time()
    for _ in range(60):
        wrong = bytearray(content)
        for place in rng.integers(0, len(wrong), rng.integers(1, 9)):
            wrong[place] = rng.integers(0, 256)
        try:
            graphs += isinstance(read_bytes(bytes(wrong), "m"), Graph)
        except InvalidArgument as error:
            assert "\n" not in str(error)
    assert 0 < graphs < 60 and time.process_time() - start < 30


@pytest.mark.slow
def test_without_onnx_it_says_what_to_install():
    """The package is an extra."""
    code = ("import sys; sys.modules['onnx'] = None\n"
            "from stabkit.audit.onnx_file import read\n"
            f"try: read({str(FILES[0])!r})\n"
            "except ValueError as error: print(error)")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert install("onnx") in said.stdout


def test_shapes_that_onnx_cannot_infer_are_one_clear_error():
    """A Reshape of which ONNX says "out of bounds", and an operator that is not known."""
    content = bytes.fromhex(
        "080e3ad9010a128001780a01731201682207526573686170650a220a016812016722095472616e73706f"
        "73652a0f0a047065726d400040024001a001070a130a01670a01610a01651201792205536c0163651201"
        "672a21080310074201734a180100000000000000020000000000000003000000000000002a2108031007"
        "4201614a180000000000000000000000000000000000000000000000002a21080310074201654a180100"
        "000000000000020000000000000002000000000000005a130a0178120e0a0c080112080a0208010a0208"
        "0662090a017912040a02080142040a001011")
    with pytest.raises(InvalidArgument):
        read_bytes(content, "net.onnx")
