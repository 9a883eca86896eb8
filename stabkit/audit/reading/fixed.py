"""Inputs of an ONNX file that are given numbers and do not vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stabkit.array_files import read_array
from stabkit.audit.reading.operator import Constant
from stabkit.audit.reading.tensors import type_of_arrays
from stabkit.errors import InvalidArgument


def fixed_inputs(inputs: Sequence[Any], given: Mapping[str, Any], source: str
                 ) -> dict[str, Constant]:
    """The constants that stand for inputs, by name.

    Parameters
    ----------
    inputs : sequence of onnx.ValueInfoProto
    given : mapping
        A number, which stands in every entry, an array, or a .npy or .csv file of one.
    source : str
        For messages.
    """
    entries = {entry.name: entry for entry in inputs}
    unknown = [name for name in given if name not in entries]
    if unknown:
        raise InvalidArgument(f"fixed: {source} has no input {unknown[0]!r}; it has "
                              f"{', '.join(map(str, entries))}")
    return {name: Constant(_array(entries[name], value), name) for name, value in given.items()}


def _array(entry: Any, value: Any) -> np.ndarray:
    """The value in the type and shape of an input; an open size of a number is 1."""
    if isinstance(value, str | Path):
        value = read_array(value, "fixed", "input", (".npy", ".csv"))
    kind, name = entry.type.tensor_type, entry.name
    dtype = type_of_arrays(kind.elem_type)
    try:
        values = np.asarray(value)
        made = values.astype(np.float64).astype(dtype) if values.dtype.kind in "biuf" else None
    except (TypeError, ValueError, OverflowError):
        made = None
    if made is None or dtype is None or not np.isfinite(made).all() or (
            dtype.kind != "f" and (made != values).any()):
        raise InvalidArgument(f"fixed: {name!r} must be finite numbers of its type")
    dims = [axis.dim_value if axis.dim_value > 0 else None for axis in kind.shape.dim]
    if made.ndim == 0:
        return np.full([size or 1 for size in dims], made)
    if made.ndim != len(dims) and made.ndim == len(dims) - 1:  # without its batch axis
        made = made[None]
    if made.ndim != len(dims) or any(size not in (None, new) for size, new in zip(
            dims, made.shape, strict=True)):
        raise InvalidArgument(f"fixed: {name!r} has the shape {dims}, got {values.shape}")
    return made
