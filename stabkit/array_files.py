"""Files that hold one array of numbers: csv, npy, npz, mtx and wav, or one clear error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from io import BytesIO, TextIOWrapper
from pathlib import Path
from struct import error as StructError
from tokenize import TokenError  # a broken npy header is parsed as Python by numpy
from typing import Any

import numpy as np

from stabkit.errors import UNFIT, InvalidArgument, in_words
from stabkit.user_files import content

LARGEST = 1 << 30  # bytes


def read_array(path: str | Path, name: str, what: str, kinds: Sequence[str]) -> Any:
    """Read the array of a file; nothing in it is executed.

    Parameters
    ----------
    path : str or Path
    name : str
        What the file was given as, for an error.
    what : str
        What it should hold, such as ``"signal"``, for an error.
    kinds : sequence of str
        The endings that are taken, out of those of :data:`READERS`.

    Returns
    -------
    ndarray or sparse matrix
        As the file has it; of a csv file with one row or column the numbers in a row.

    Raises
    ------
    InvalidArgument
        The file is missing, of another kind, or damaged.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in kinds:
        raise InvalidArgument(f"{name}: {path} has an unknown kind {path.suffix!r}; use "
                              f"{', '.join(kinds)}")
    stream = BytesIO(content(path, name, LARGEST))
    try:
        return READERS[kind](stream)
    except (ValueError, TypeError, KeyError, EOFError, MemoryError, SyntaxError, TokenError
            ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidArgument(f"{name}: {path} is damaged or no {what}: {reason}") from error


def _read_csv(stream: BytesIO) -> np.ndarray:
    with TextIOWrapper(stream, "utf-8-sig") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty file is known by its size
        table = np.loadtxt(file, delimiter=",", ndmin=2)
    return table.ravel() if 1 in table.shape else table


def _read_npy(stream: BytesIO) -> np.ndarray:
    return np.lib.format.read_array(stream, allow_pickle=False)


def _read_npz(stream: BytesIO) -> Any:
    from scipy.sparse import load_npz  # SciPy is slow to import

    with np.load(stream, allow_pickle=False) as file:
        if "format" not in file.files:
            raise ValueError("it is an archive of numpy.savez; take scipy.sparse.save_npz for a "
                             "sparse matrix, or numpy.save and .npy for a dense one")
    stream.seek(0)
    return load_npz(stream)


def _read_mtx(stream: BytesIO) -> Any:
    from scipy.io import mmread

    return mmread(stream)


def _read_wav(stream: BytesIO) -> np.ndarray:
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that are not samples
        try:
            return wavfile.read(stream)[1]
        except (*UNFIT, StructError) as error:  # whatever SciPy makes of a damaged header
            raise ValueError(in_words(error)) from error


#: By the endings of files.
READERS: dict[str, Callable[[BytesIO], Any]] = {
    ".csv": _read_csv, ".npy": _read_npy, ".npz": _read_npz, ".mtx": _read_mtx, ".wav": _read_wav,
}
