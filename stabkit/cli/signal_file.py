"""Recorded signals: a csv, npy or wav file becomes a vector of floats, or one clear error."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stabkit.array_files import read_array
from stabkit.errors import InvalidArgument


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
    values = read_array(path, "signal", "signal", (".csv", ".npy", ".wav"))
    return _check(values, Path(path))


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
