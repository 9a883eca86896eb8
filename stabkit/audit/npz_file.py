"""Networks and schemes from ``.npz`` files: named arrays, never pickles.

One block u⁺ = u + step W₂Φ(W₁u + b₁) + b₂ by the keys ``W1`` (or ``stencil1`` with ``sizes`` and
``boundary``), ``W2`` (or ``stencil2``; the negative transpose if left out), ``flux``,
``contrast``, ``step``, ``b1``, ``b2``; or layers in a row by ``A0``, ``b0``, ``flux0``, ``A1``, …
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from inspect import signature
from math import prod
from pathlib import Path
from tokenize import TokenError

import numpy as np

from stabkit import fluxes
from stabkit.audit.reading import memory
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import (
    Activation,
    Convolution,
    Dense,
    Layer,
    Scaling,
    Shape,
    Sum,
)
from stabkit.networks.layers.activation import flux_of
from stabkit.user_files import open_file

LARGEST = 1 << 30  # bytes that the arrays of a file may have together
UNSUSPECTED = 1 << 26  # bytes that a file may unpack to, however small it is
PACKED = 100  # times its size that a file may unpack to beyond that
USED = 6  # times its size that a network of one matrix takes when it is audited
_MEMBERS = 10_000
_BLOCK = {"W1", "W2", "stencil1", "stencil2", "flux", "contrast", "step", "b1", "b2", "sizes",
          "boundary"}
_FLUXES = ("identity", "charbonnier", "soft", "perona_malik", "garrote", "hard", "rational",
           "weickert", "relu", "leaky_relu", "tanh")


def read(path: str | Path) -> Graph:
    """Read a network.

    Raises
    ------
    InvalidArgument
        The file is missing, damaged, too large, or its arrays are not as described above; one
        line that names the key.
    """
    return from_arrays(_arrays(Path(path)), str(path))


def from_arrays(arrays: Mapping[str, np.ndarray], source: str = "arrays") -> Graph:
    """A network from named arrays; see the top of this file."""
    _check_keys(source, set(arrays))
    found = {key: _check_array(source, key, np.asarray(value)) for key, value in arrays.items()}
    return _row(source, found) if "A0" in found else _block(source, found)


def _check_keys(source: str, keys: set[str]) -> None:
    if "A0" not in keys:
        unknown = sorted(keys - _BLOCK)
        hint = f"; known are {', '.join(sorted(_BLOCK))}, or A0, b0, flux0, A1, ..."
    else:
        count = next(i for i in range(len(keys) + 1) if f"A{i}" not in keys)
        unknown = sorted(keys - {f"{name}{i}" for i in range(count)
                                 for name in ("A", "b", "flux", "contrast")})
        hint = f" beside A0 to A{count - 1}"
    if unknown:
        raise InvalidArgument(f"{source}: unknown key {unknown[0]!r}{hint}")


# -- the file --------------------------------------------------------------------------------------
def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with open_file(path, "model") as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if len(members) > _MEMBERS:
                raise InvalidArgument(f"{path}: it has {len(members)} arrays, more than {_MEMBERS}")
            if size > LARGEST:
                raise InvalidArgument(f"{path}: its {len(members)} arrays would need about "
                                      f"{size / 2**30:.1f} GiB, more than {LARGEST >> 30} GiB")
            packed = max(1, sum(member.compress_size for member in members))
            if size > max(UNSUSPECTED, PACKED * packed):
                raise InvalidArgument(
                    f"{path}: unpacks to {size // packed} times its size, {memory.in_words(size)}; "
                    "if it is meant so, save it with numpy.savez, which does not pack")
            memory.require(USED * size, f"{path}")
            named = {member.filename.removesuffix(".npy"): member for member in members}
            _check_keys(str(path), set(named))  # before anything is unpacked
            return {key: _array(archive, member, path) for key, member in named.items()}
    except InvalidArgument:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError, KeyError,
            NotImplementedError, RuntimeError, TokenError, SyntaxError, MemoryError,
            OverflowError) as error:
        raise InvalidArgument(f"{path}: not an .npz file of numbers: {error}") from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> np.ndarray:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else \
            np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(stream)
        if dtype.hasobject:
            raise InvalidArgument(f"{path}: {member.filename} holds Python objects, which are "
                                  "never loaded; save plain numbers")
        if prod(shape) * dtype.itemsize > member.file_size:
            raise InvalidArgument(f"{path}: {member.filename} is cut off: its header says shape "
                                  f"{shape}")
    with archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _check_array(source: str, key: str, value: np.ndarray) -> np.ndarray:
    if value.dtype.kind == "U":
        return value
    if value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
        raise InvalidArgument(f"{source}: {key} must hold real numbers up to 64 bits, got "
                              f"{value.dtype}")
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
        raise InvalidArgument(f"{source}: {key} must be finite, got {value[place]} at index "
                              f"{place}")
    exact = value.astype(float)
    if value.dtype.kind in "iu" and any(int(x) != int(y) for x, y in zip(
            exact.ravel(), value.ravel(), strict=True)):
        raise InvalidArgument(f"{source}: {key} has integers that no float64 holds, beyond 2^53")
    return exact


# -- networks --------------------------------------------------------------------------------------
def _row(source: str, found: Mapping[str, np.ndarray]) -> Graph:
    count = next(i for i in range(len(found) + 1) if f"A{i}" not in found)
    nodes: list[Node] = []
    width = _matrix(source, "A0", found["A0"]).shape[1]
    shape: Shape = (width,)
    for i in range(count):
        weights = _matrix(source, f"A{i}", found[f"A{i}"])
        if weights.shape[1] != width:
            raise InvalidArgument(f"{source}: A{i} must have {width} columns, got shape "
                                  f"{weights.shape}")
        width = weights.shape[0]
        layer = Dense(weights, _bias(source, f"b{i}", found, width))
        nodes.append(Node(f"A{i}", "matrix", layer, (len(nodes) - 1,), (width,)))
        if f"flux{i}" in found:
            flux = _flux(source, found, f"flux{i}", f"contrast{i}")
            nodes.append(Node(f"flux{i}", flux.name, Activation(flux), (len(nodes) - 1,),
                              (width,)))
    return Graph(nodes, shape, source)


def _block(source: str, found: Mapping[str, np.ndarray]) -> Graph:
    first, shape = _linear(source, found, "1", None)
    middle = first.result_shape(shape)
    if "W2" in found or "stencil2" in found:
        second: Layer = _linear(source, found, "2", middle)[0]
        sign = 1
    else:
        second, sign = first.transpose, -1
    step = found.get("step", np.array(1.0))
    if step.size != 1 or step.dtype.kind == "U" or not float(step.ravel()[0]) > 0:
        raise InvalidArgument(f"{source}: step must be one positive number, got {step}")
    if second.result_shape(middle) != shape:
        raise InvalidArgument(f"{source}: W2 must lead back to the shape {shape}, it leads to "
                              f"{second.result_shape(middle)}")
    first = _with_bias(source, first, "b1", found, middle)
    flux = _flux(source, found, "flux", "contrast")
    nodes = [Node("W1", "first map", first, (-1,), middle),
             Node("flux", flux.name, Activation(flux), (0,), middle),
             Node("W2", "second map", second, (1,), shape),
             Node("step", "step", Scaling(step.reshape(())), (2,), shape)]
    if "b2" in found:
        bias = found["b2"].reshape(-1, *[1] * (len(shape) - 1))
        if bias.shape[0] != shape[0]:
            raise InvalidArgument(f"{source}: b2 must have length {shape[0]}, got "
                                  f"{found['b2'].shape}")
        nodes.append(Node("b2", "bias", Scaling(None, bias), (3,), shape))
    nodes.append(Node("sum", "sum", Sum((1, sign)), (-1, len(nodes) - 1), shape))
    return Graph(nodes, shape, source)


def _linear(source: str, found: Mapping[str, np.ndarray], number: str, shape: Shape | None
            ) -> tuple[Dense | Convolution, Shape]:
    """W₁ or W₂, and the shape of what it is applied to."""
    key, other = f"W{number}", f"stencil{number}"
    if key in found and other in found:
        raise InvalidArgument(f"{source}: give {key} or {other}, not both")
    if key in found:
        weights = _matrix(source, key, found[key])
        if shape is not None and shape != (weights.shape[1],):
            raise InvalidArgument(f"{source}: {key} must have {prod(shape)} columns, got shape "
                                  f"{weights.shape}")
        return Dense(weights), (weights.shape[1],)
    if other not in found:
        raise InvalidArgument(f"{source}: needs {key} (a matrix) or {other}, or A0; it has "
                              f"{', '.join(sorted(found)) or 'nothing'}")
    return _stencil(source, found, other, shape)


def _stencil(source: str, found: Mapping[str, np.ndarray], key: str, shape: Shape | None
             ) -> tuple[Convolution, Shape]:
    weights = found[key]
    weights = weights[None, None] if weights.ndim == 1 else weights
    if weights.ndim not in (3, 4) or not weights.size or weights.dtype.kind == "U" or \
            any(size % 2 == 0 for size in weights.shape[2:]):
        raise InvalidArgument(f"{source}: {key} must have shape (taps) or (out, in, *taps) with "
                              f"odd numbers of taps, got {found[key].shape}")
    axes = weights.ndim - 2
    sizes = found.get("sizes", np.array([16.0] * axes)).ravel()
    if sizes.dtype.kind == "U" or len(sizes) != axes or not all(
            size >= 1 and size == int(size) and size <= 1 << 24 for size in sizes):
        raise InvalidArgument(f"{source}: sizes must be {axes} positive integers, got {sizes}")
    given = found.get("boundary", np.array("zero"))
    boundary = str(given.ravel()[0]) if given.size == 1 else ""
    if boundary not in ("zero", "periodic"):
        raise InvalidArgument(f"{source}: boundary must be zero or periodic, got {boundary!r}")
    here = (weights.shape[1], *map(int, sizes))
    if shape is not None and shape != here:
        raise InvalidArgument(f"{source}: {key} must take {shape[0]} channels, got shape "
                              f"{weights.shape}")
    padding = tuple((size // 2, size // 2) for size in weights.shape[2:])
    one = (1,) * axes
    return Convolution(weights, None, here, one, padding, one,
                       periodic=boundary == "periodic"), here


def _with_bias(source: str, layer: Dense | Convolution, key: str,
               found: Mapping[str, np.ndarray], shape: Shape) -> Dense | Convolution:
    return layer.with_parts(bias=_bias(source, key, found, shape[0]))


def _matrix(source: str, key: str, value: np.ndarray) -> np.ndarray:
    if value.ndim != 2 or not value.size or value.dtype.kind == "U":
        raise InvalidArgument(f"{source}: {key} must be a matrix, got shape {value.shape}")
    return value


def _bias(source: str, key: str, found: Mapping[str, np.ndarray], length: int
          ) -> np.ndarray | None:
    bias = found.get(key)
    if bias is not None and (bias.shape != (length,) or bias.dtype.kind == "U"):
        raise InvalidArgument(f"{source}: {key} must have length {length}, got shape {bias.shape}")
    return bias


def _flux(source: str, found: Mapping[str, np.ndarray], key: str, contrast: str) -> Flux:
    if key not in found:
        raise InvalidArgument(f"{source}: needs {key}, one of {', '.join(_FLUXES)}")
    name = str(found[key].ravel()[0]) if found[key].size == 1 else ""
    if name not in _FLUXES:
        raise InvalidArgument(f"{source}: {key} must be one of {', '.join(_FLUXES)}, got "
                              f"{name!r}")
    make = getattr(fluxes, name)
    if contrast not in found:
        return flux_of(make)
    if not signature(make).parameters or found[contrast].size != 1 or \
            found[contrast].dtype.kind == "U":
        raise InvalidArgument(f"{source}: {contrast} must be one number, for a flux that has a "
                              f"parameter; got {found[contrast]} for {name}")
    return flux_of(make, float(found[contrast].ravel()[0]))
