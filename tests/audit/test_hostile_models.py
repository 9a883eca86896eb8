"""Small files that would take much: refused before it is taken, with both figures."""

import io
import subprocess
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from stabkit.audit import npz_file, torch_module
from stabkit.audit.reading import memory, order
from stabkit.errors import InvalidArgument

# -- npz -------------------------------------------------------------------------------------------


def packed(path, shape):
    """A file of zeros of this shape, without making them."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {
        "descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, \
            archive.open("A0.npy", "w", force_zip64=True) as member:
        member.write(head.getvalue())
        left = 8 * int(np.prod(shape))
        while left:
            left -= member.write(bytes(min(left, 1 << 22)))
    return path


@pytest.mark.slow
def test_what_unpacks_to_hundreds_of_times_its_size_is_refused(tmp_path):
    """0.3 MB that would be 0.3 GB: in less than a tenth of the time that unpacking takes, and in
    little memory."""
    path = packed(tmp_path / "bomb.npz", (6000, 6000))
    assert path.stat().st_size < 1 << 19

    def refused():
        with pytest.raises(InvalidArgument, match=r"unpacks to \d{3,4} times its size, 288.0 MB; .*"
                                                  "save it with numpy.savez"):
            npz_file.read(path)

    assert 10 * processor_time(refused) < processor_time(lambda: unpacked(path))
    tracemalloc.start()
    try:
        refused()
        assert tracemalloc.get_traced_memory()[1] < 5_000_000  # bytes, the most at once
    finally:
        tracemalloc.stop()


def unpacked(path):
    with zipfile.ZipFile(path) as archive, archive.open("A0.npy") as member:
        while member.read(1 << 22):
            pass


def processor_time(call):
    start = time.process_time()
    call()
    return time.process_time() - start


def test_small_files_and_files_that_are_not_packed_are_read(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "small.npz", A0=np.eye(500))
    assert npz_file.read(tmp_path / "small.npz").shape == (500,)
    monkeypatch.setattr(npz_file, "UNSUSPECTED", 1 << 10)
    with pytest.raises(InvalidArgument, match="times its size"):
        npz_file.read(tmp_path / "small.npz")
    np.savez(tmp_path / "plain.npz", A0=np.eye(500))
    assert npz_file.read(tmp_path / "plain.npz").shape == (500,)


def test_more_than_there_is_of_memory_is_refused(tmp_path, monkeypatch):
    np.savez(tmp_path / "plain.npz", A0=np.eye(500))
    monkeypatch.setattr(memory, "available", lambda: 4_000_000)
    with pytest.raises(InvalidArgument, match=r"needs 12.0 MB of memory, of which 4.0 MB"):
        npz_file.read(tmp_path / "plain.npz")


def test_an_input_that_leaves_no_room_for_its_audit_is_refused_before_it_is_made(monkeypatch):
    """Its own 8 bytes an entry fit; those of one layer's signals, 3 of input and output, do not."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(memory, "available", lambda: 10 * 2**31)
    with pytest.raises(InvalidArgument, match=r"shape: .* needs 103.1 GB of memory"):
        torch_module.read(torch.nn.ReLU(), (2**31,))


def test_a_word_that_is_no_word_is_refused(tmp_path):
    """A boundary without entries, or with two."""
    for given in (np.array([], dtype="U4"), np.array(["zero", "zero"])):
        np.savez(tmp_path / "m.npz", stencil1=np.array([1.0, 2.0, 1.0]), flux="relu",
                 boundary=given)
        with pytest.raises(InvalidArgument, match="boundary must be zero or periodic"):
            npz_file.read(tmp_path / "m.npz")


# -- ONNX ------------------------------------------------------------------------------------------
def nested_functions(depth, *, last="Relu", shape=(1, 3)):
    """Functions each of which calls the next one twice: 2^depth nodes in a file of a few kB."""
    onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = []
    for k in range(depth):
        name = last if k == depth - 1 else f"f{k + 1}"
        domain = "" if name == "Relu" else "own"
        calls = [helper.make_node(name, [a], [b], domain=domain) for a, b in ("ac", "cb")]
        functions.append(helper.make_function("own", f"f{k}", ["a"], ["b"], calls, sets))
    graph = helper.make_graph(
        [helper.make_node("f0", ["x"], ["y"], domain="own")], "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, None)])
    return helper.make_model(graph, functions=functions, opset_imports=sets)


def read(proto):
    from stabkit.audit.onnx_file import read_bytes

    return read_bytes(proto.SerializeToString(), "m.onnx")


def test_functions_of_functions_are_counted_before_they_are_written_out(monkeypatch):
    """2^5 nodes are read; 2^40 are refused at once, and so are functions that call themselves.

    The counting asks for the name of each node that the file writes down a few times, not 2^40.
    """
    assert len(read(nested_functions(5)).nodes) == 32
    asked, real = [], order._key
    monkeypatch.setattr(order, "_key", lambda *given: asked.append(given) or real(*given))
    with pytest.raises(InvalidArgument, match=r"has 1\.09951e\+12 nodes, more than 20000"):
        read(nested_functions(40))
    for proto in (nested_functions(3, last="f0"), nested_functions(60)):
        with pytest.raises(InvalidArgument, match="call themselves, or are nested more than 50"):
            read(proto)
    assert 0 < len(asked) < 1000


@pytest.mark.slow
def test_a_model_of_very_many_nodes_is_refused(tmp_path):
    """200 000 nodes in 5 MB, as a program: an error in one line, and little memory."""
    onnx = pytest.importorskip("onnx", reason="reading ONNX files needs the package onnx")
    helper, kind, count = onnx.helper, onnx.TensorProto.FLOAT, 200_000
    graph = helper.make_graph(
        [helper.make_node("Relu", [f"v{k}"], [f"v{k + 1}"]) for k in range(count)], "g",
        [helper.make_tensor_value_info("v0", kind, (1, 3))],
        [helper.make_tensor_value_info(f"v{count}", kind, None)])
    (tmp_path / "m.onnx").write_bytes(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    done = subprocess.run([sys.executable, "-m", "stabkit", "audit", tmp_path / "m.onnx"],
                          capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "has 200000 nodes, more than 20000" in done.stderr
