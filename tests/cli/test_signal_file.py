"""Recorded signals are read exactly, or refused with one line that says why."""

import numpy as np
import pytest
from scipy.io import wavfile

from stabkit.cli.signal_file import read_signal
from stabkit.errors import InvalidArgument

SAMPLES = [0.5, -1.0, 2.25, 3.0]


def written(folder, name, content):
    path = folder / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize("name, content", [
    ("column.csv", "0.5\n-1\n2.25\n3\n"),
    ("row.csv", "0.5, -1, 2.25, 3"),
    ("comment.csv", "# volts\n0.5\n\n-1\n2.25  # peak\n3\n"),
    ("mark.CSV", b"\xef\xbb\xbf0.5\r\n-1\r\n2.25\r\n3\r\n"),
    ("double.npy", np.array(SAMPLES)),
    ("single.npy", np.array(SAMPLES, dtype=np.float32)),
    ("swapped.npy", np.array(SAMPLES, dtype=">f8")),
])
def test_a_signal_is_read_as_float64(tmp_path, name, content):
    signal = read_signal(written(tmp_path, name, content))
    assert signal.dtype == np.float64
    assert signal.tolist() == SAMPLES


def test_integers_become_floats(tmp_path):
    signal = read_signal(str(written(tmp_path, "counts.npy", np.array([3, -4, 5], dtype=np.int16))))
    assert signal.dtype == np.float64
    assert signal.tolist() == [3, -4, 5]


@pytest.mark.parametrize("samples", [
    np.array([1, -2, 30000], dtype=np.int16), np.array([0.25, -0.5], dtype=np.float32),
])
def test_sound_keeps_its_samples_unscaled(tmp_path, samples):
    wavfile.write(tmp_path / "sound.wav", 8000, samples)
    assert read_signal(tmp_path / "sound.wav").tolist() == samples.tolist()


@pytest.mark.parametrize("name, content, reason", [
    ("gap.csv", "1\nnan\n3\n", "sample 1 is nan"),
    ("huge.npy", np.array([1.0, 2.0, np.inf, np.nan]), "sample 2 is inf (2 such of 4)"),
    ("empty.csv", "", "is empty"),
    ("comments.csv", "# nothing\n", "is empty"),
    ("empty.npy", np.array([]), "is empty"),
    ("one.csv", "7\n", "one sample"),
    ("one.npy", np.array([7.0]), "one sample"),
    ("scalar.npy", np.array(7.0), "shape ()"),
    ("table.csv", "1,2\n3,4\n", "shape (2, 2)"),
    ("table.npy", np.ones((3, 1)), "shape (3, 1)"),
    ("ragged.csv", "1,2\n3\n", "damaged"),
    ("words.csv", "time,volt\n1,2\n", "'time'"),
    ("latin.csv", b"\xff\xfe1\x00", "damaged"),
    ("complex.npy", np.array([1j, 2]), "complex"),
    ("truth.npy", np.array([True, False]), "type bool"),
    ("text.npy", np.array(["a", "b"]), "type <U1"),
    ("false.npy", b"not an array", "damaged"),
    ("none.npy", b"", "damaged"),
    ("false.wav", b"RIFFnothing", "damaged"),
    ("signal.txt", "1\n2\n", "unknown kind '.txt'; use .csv, .npy, .wav"),
    ("signal", "1\n2\n", "unknown kind ''"),
])
def test_anything_else_is_refused_in_one_line(tmp_path, name, content, reason):
    path = written(tmp_path, name, content)
    with pytest.raises(InvalidArgument) as caught:
        read_signal(path)
    assert str(caught.value).startswith("signal: ")
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_array_is_refused(tmp_path):
    whole = written(tmp_path, "whole.npy", np.arange(100.0)).read_bytes()
    with pytest.raises(InvalidArgument, match="damaged"):
        read_signal(written(tmp_path, "part.npy", whole[:-5]))


@pytest.mark.parametrize("shape", ["(99999999999999,)", "(10,", "(10,, )", "(-3,)", "[1]", "x"])
def test_a_hostile_header_is_refused(tmp_path, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(80)
    with pytest.raises(InvalidArgument, match=r"signal: .*hostile.npy"):
        read_signal(written(tmp_path, "hostile.npy", content))


def test_objects_are_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the file was executed",))

    np.save(tmp_path / "trap.npy", np.array([Trap(), Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidArgument, match="damaged"):
        read_signal(tmp_path / "trap.npy")


def test_two_channels_are_refused(tmp_path):
    wavfile.write(tmp_path / "stereo.wav", 8000, np.zeros((5, 2), dtype=np.int16))
    with pytest.raises(InvalidArgument, match="channel"):
        read_signal(tmp_path / "stereo.wav")


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(InvalidArgument, match=r"none\.csv: No such file"):
        read_signal(tmp_path / "none.csv")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(InvalidArgument, match="directory"):
        read_signal(tmp_path / "folder.npy")
