"""The tensors of an ONNX file as arrays, exactly as they stand."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from stabkit.aliases import Array
from stabkit.audit.reading import memory
from stabkit.errors import InvalidArgument
from stabkit.user_files import open_file

# ONNX's number of an element type -> (its name, NumPy's type of the bytes, the field of values)
_TYPES = {
    1: ("float32", "<f4", "float_data"), 2: ("uint8", "u1", "int32_data"),
    3: ("int8", "i1", "int32_data"), 4: ("uint16", "<u2", "int32_data"),
    5: ("int16", "<i2", "int32_data"), 6: ("int32", "<i4", "int32_data"),
    7: ("int64", "<i8", "int64_data"), 9: ("bool", "?", "int32_data"),
    10: ("float16", "<f2", "int32_data"), 11: ("float64", "<f8", "double_data"),
    12: ("uint32", "<u4", "uint64_data"), 13: ("uint64", "<u8", "uint64_data"),
    16: ("bfloat16", "<u2", "int32_data"),
}
FLOATS = {1, 10, 11, 16}


def type_of_arrays(number: int) -> np.dtype | None:
    """The type of the arrays that tensors of an element type are read as."""
    if number not in _TYPES:
        return None
    return np.dtype(np.float32 if number in (10, 16) else _TYPES[number][1]).newbyteorder("=")


def total_bytes(tensors: Iterable[Any]) -> int:
    """What tensors take by their shapes, whatever is there of them."""
    return sum(abs(prod(tensor.dims)) * np.dtype(_TYPES[tensor.data_type][1]).itemsize
               for tensor in tensors if tensor.data_type in _TYPES)


def read_tensor(tensor: Any, folder: Path | None) -> np.ndarray:
    """The values of a TensorProto; float16 and bfloat16 become float32, which holds them exactly.

    Parameters
    ----------
    tensor : onnx.TensorProto
    folder : Path or None
        Where external data may lie: there and below, nowhere else.
    """
    name = f"tensor {tensor.name!r}"
    if tensor.data_type not in _TYPES:
        raise InvalidArgument(f"{name}: its element type (number {tensor.data_type}) is not "
                              "supported; use float16, bfloat16, float32 or float64")
    called, code, field = _TYPES[tensor.data_type]
    shape, dtype = tuple(tensor.dims), np.dtype(code)
    if min(shape, default=0) < 0 or tensor.HasField("segment"):
        raise InvalidArgument(f"{name}: shape {shape} cannot be read")
    size = prod(shape) * dtype.itemsize
    memory.require(2 * size, f"{name} of shape {shape}")
    if tensor.data_location == tensor.EXTERNAL:
        raw = _external(tensor, folder, size, name)
        values = np.frombuffer(raw, dtype)
    elif tensor.HasField("raw_data"):
        if len(tensor.raw_data) != size:
            raise InvalidArgument(f"{name}: {called} of shape {shape} takes {size} bytes, the file "
                                  f"holds {len(tensor.raw_data)}")
        values = np.frombuffer(tensor.raw_data, dtype)
    else:
        held = getattr(tensor, field)
        if len(held) != prod(shape):
            raise InvalidArgument(f"{name}: shape {shape} takes {prod(shape)} values, the file "
                                  f"holds {len(held)}")
        values = _from_numbers(held, called, dtype, name)
    if called == "bfloat16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    elif called == "float16":
        values = values.astype(np.float32)
    return values.astype(values.dtype.newbyteorder("="), copy=False).reshape(shape)


def _from_numbers(held: Array, called: str, dtype: np.dtype, name: str) -> np.ndarray:
    if called == "float16":
        dtype = np.dtype("<u2")
    values = np.array(held, dtype=np.float64 if dtype.kind == "f" else
                      np.uint64 if dtype == np.uint64 else np.int64)
    if dtype.kind in "iu" and len(values) and not (
            np.iinfo(dtype).min <= values.min() and values.max() <= np.iinfo(dtype).max):
        raise InvalidArgument(f"{name}: a value does not fit its type {called}")
    values = values.astype(dtype)
    return values.view("<f2") if called == "float16" else values


def _external(tensor: Any, folder: Path | None, size: int, name: str) -> bytes:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None or not location:
        raise InvalidArgument(f"{name}: its data lie in another file, which cannot be found")
    try:
        path = (folder / location).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside or Path(location).is_absolute():
        raise InvalidArgument(f"{name}: its data are said to lie in {location!r}, outside the "
                              "folder of the model")
    try:
        start, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    except ValueError:
        raise InvalidArgument(f"{name}: offset and length of its data must be integers") from None
    if length != size or start < 0:
        raise InvalidArgument(f"{name}: its shape takes {size} bytes, but {length} from place "
                              f"{start} on are said to hold it")
    with open_file(path, name) as file:
        file.seek(start)
        raw = file.read(size)
    if len(raw) != size:
        raise InvalidArgument(f"{name}: {location!r} ends before its {size} bytes do")
    return raw


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """The values as floats, or which one is no number."""
    values = values if values.dtype.kind == "f" else _exact_floats(values, name)
    wrong = ~np.isfinite(values)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InvalidArgument(f"tensor {name!r}: entry {list(first)} is {values[first]} "
                              f"({wrong.sum()} such of {values.size}); weights must be finite")
    return values


def _exact_floats(values: np.ndarray, name: str) -> np.ndarray:
    floats = values.astype(np.float64)
    if values.dtype.kind in "iu" and (np.abs(floats) > 2**53).any():
        raise InvalidArgument(f"tensor {name!r}: its integers are too large for floats")
    return floats
