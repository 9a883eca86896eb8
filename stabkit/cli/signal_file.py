"""Recorded signals: a csv, npy or wav file becomes a vector of floats, or one clear error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from struct import error as StructError
from tokenize import TokenError  # a broken npy header is parsed as Python by numpy

import numpy as np

from stabkit.errors import UNFIT, InvalidArgument, in_words
from stabkit.user_files import content

LARGEST = 1 << 30  # bytes


def read_signal(path: str | Path) -> np.ndarray:
    """Read one recorded signal.

    Parameters
    ----------
    path : str or Path
        A ``.csv`` file (one row or one column of numbers; ``#`` starts a comment), a ``.npy`` file
        (never unpickled), or a ``.wav`` file with one channel (its samples, unscaled).

    Returns
    -------
    ndarray, shape (n,), float64
        At least two samples, all finite.

    Raises
    ------
    InvalidArgument
        The file is missing, not of these kinds, damaged, or holds anything but such a signal.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise InvalidArgument(f"signal: {path} has an unknown kind {path.suffix!r}; use {known}")
    stream = BytesIO(content(path, "signal", LARGEST))
    try:
        values = reader(stream)
    except (ValueError, EOFError, MemoryError, SyntaxError, TokenError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidArgument(f"signal: {path} is damaged or no signal: {reason}") from error
    return _check(values, path)


def _check(values: np.ndarray, path: Path) -> np.ndarray:
    """Return `values` as finite float64 samples along one axis, or say what they are instead."""
    if values.dtype.kind not in "iuf":
        what = "complex numbers" if values.dtype.kind == "c" else f"values of type {values.dtype}"
        raise InvalidArgument(f"signal: {path} holds {what}; real numbers are needed")
    if values.size == 0:
        raise InvalidArgument(f"signal: {path} is empty")
    if values.ndim != 1:
        raise InvalidArgument(
            f"signal: {path} has shape {values.shape}; a signal has one axis, so choose one "
            "column, row or channel"
        )
    if values.size == 1:
        raise InvalidArgument(f"signal: {path} has one sample; at least two are needed")
    samples = values.astype(np.float64)
    faulty = np.flatnonzero(~np.isfinite(samples))
    if faulty.size:
        first = faulty[0]
        raise InvalidArgument(
            f"signal: {path} is not finite: sample {first} is {samples[first]} "
            f"({faulty.size} such of {samples.size})"
        )
    return samples


def _read_csv(stream: BytesIO) -> np.ndarray:
    with TextIOWrapper(stream, "utf-8-sig") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty file: said better by _check
        table = np.loadtxt(file, delimiter=",", ndmin=2)
    return table.ravel() if 1 in table.shape else table


def _read_npy(stream: BytesIO) -> np.ndarray:
    return np.lib.format.read_array(stream, allow_pickle=False)


def _read_wav(stream: BytesIO) -> np.ndarray:
    from scipy.io import wavfile  # slow to import, and most runs read no sound

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that are not samples
        try:
            return wavfile.read(stream)[1]
        except (*UNFIT, StructError) as error:  # whatever SciPy makes of a damaged header
            raise ValueError(in_words(error)) from error


_READERS: dict[str, Callable[[BytesIO], np.ndarray]] = {
    ".csv": _read_csv, ".npy": _read_npy, ".wav": _read_wav,
}
