"""Resize and Upsample: entries that are repeated, and linear and cubic interpolation.

Sizes and nearest entries are found in single precision, as onnxruntime and PyTorch find them: where
a scale is a rounded third, double precision finds others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import floor

import numpy as np

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.linear import along
from stabkit.audit.reading.movement import move, shape_of
from stabkit.audit.reading.operator import Array, Operator, within
from stabkit.errors import InvalidArgument


def resize(op: Operator) -> Array:
    """The result, axis by axis."""
    value = op.array(0)
    shape, old = shape_of(value), op.kind == "Upsample" or op.opset < 11
    mode = op.text("mode", "nearest")
    where = op.text("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    if mode not in ("nearest", "linear", "cubic") or op.integer("antialias", 0):
        raise op.refuse(f"mode {mode!r}, or antialias; only 'nearest', 'linear' and 'cubic'")
    for axis, size, new, scale in _targets(op, shape, old):
        if size == new and scale == 1:
            continue
        if where == "align_corners" and size * scale % 1 and not _by_sizes(op, old):
            raise op.refuse("aligned corners with a scale that gives no whole size, which readers "
                            "of ONNX files take differently")
        if size == new or (mode == "nearest" and where == "half_pixel_symmetric"):
            raise op.refuse(f"the scale {scale} along an axis of {size} with {where!r} "
                            "coordinates, which readers of ONNX files take differently")
        if mode == "nearest":
            op.build.spend(new)
            index = _nearest(op, where, "floor" if old else "round_prefer_floor", size, new, scale)
            value = move(op, value, partial(np.take, indices=index, axis=axis))
            continue
        if not isinstance(value, View) or (axis == 0 and op.build.has_batch(value.shape)):
            raise op.refuse("interpolation of constants, or between the samples of a batch")
        op.build.spend(new * size)
        value = along(op.build, value, _between(op, mode, where, size, new, scale), axis)
    return value


def _by_sizes(op: Operator, old: bool) -> bool:
    return not old and op.has(3) and op.constant(3).size > 0


def _targets(op: Operator, shape: Sequence[int], old: bool) -> list[tuple[int, int, int, float]]:
    """Axes with their old size, new size and scale."""
    asked = op.integers("axes")
    axes = [within(axis, len(shape)) for axis in asked] if asked is not None else \
        list(range(len(shape)))
    sizes = [shape[axis] for axis in axes]
    if _by_sizes(op, old):
        wanted = op.sizes(3) or []
        _check_count(wanted, axes)
        scales = [new / size for new, size in zip(wanted, sizes, strict=True)]
        policy = op.text("keep_aspect_ratio_policy", "stretch")
        if policy in ("not_larger", "not_smaller"):
            scales = [(min if policy == "not_larger" else max)(scales)] * len(axes)
            wanted = [floor(scale * size + 0.5) for scale, size in zip(scales, sizes, strict=True)]
        elif policy != "stretch":
            raise op.refuse(f"keep_aspect_ratio_policy {policy!r}")
    else:
        given = op.weights(1 if old else 2)
        scales = op.numbers("scales") if given is None else given.astype(float).ravel().tolist()
        _check_count(scales, axes)
        wanted = [int(np.float32(size) * np.float32(scale))
                  for size, scale in zip(sizes, scales, strict=True)]
    if min(wanted, default=1) < 1:
        raise InvalidArgument(f"a signal of shape {shape} would get the sizes {wanted}")
    return [*zip(axes, sizes, wanted, scales, strict=True)]


def _check_count(given: Sequence[float], axes: Sequence[int]) -> None:
    if len(given) != len(axes) or min(given, default=1) <= 0:
        raise InvalidArgument(f"scales or sizes {list(given)} do not fit {len(axes)} axes")


def _coordinates(op: Operator, where: str, size: int, new: int, scale: float, kind: type
                 ) -> np.ndarray:
    """Where the new entries lie among the old ones."""
    i: np.ndarray = np.arange(new, dtype=kind)
    half, s = kind(0.5), kind(scale)
    middle = (i + half) / s - half
    found = {"asymmetric": i / s, "half_pixel": middle, "tf_half_pixel_for_nn": (i + half) / s,
             "pytorch_half_pixel": middle if new > 1 else 0 * i,
             "half_pixel_symmetric": middle + kind(size / 2 * (1 - new / (scale * size))),
             "align_corners": i * kind(size - 1) / kind(max(new - 1, 1))}.get(where)
    if found is None:
        raise op.refuse(f"interpolation with {where!r} coordinates")
    return found


def _nearest(op: Operator, where: str, default: str, size: int, new: int, scale: float
             ) -> np.ndarray:
    """The places that are repeated along an axis."""
    rounding = op.text("nearest_mode", default)
    roundings: dict[str, Callable] = {
        "floor": np.floor, "ceil": np.ceil, "round_prefer_floor": lambda x: np.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: np.floor(x + 0.5)}
    if rounding not in roundings:
        raise op.refuse(f"nearest_mode {rounding!r}")
    at = roundings[rounding](_coordinates(op, where, size, new, scale, np.float32))
    return np.clip(at, 0, size - 1).astype(int)


def _between(op: Operator, mode: str, where: str, size: int, new: int, scale: float
             ) -> np.ndarray:
    """The matrix (new, size) of interpolation, its entries rounded to double precision."""
    places = _coordinates(op, where, size, new, scale, np.float64)
    low = np.floor(places)
    part = places - low
    a = op.number("cubic_coeff_a", -0.75)
    taps = linear_taps(part) if mode == "linear" else cubic_taps(part, a)
    matrix, inside = np.zeros((new, size)), mode == "cubic" and op.integer("exclude_outside", 0)
    for step, weights in taps.items():
        at = low + step
        kept = np.where((at >= 0) & (at < size), weights, 0) if inside else weights
        np.add.at(matrix, (np.arange(new), np.clip(at, 0, size - 1).astype(int)), kept)
    return matrix / matrix.sum(axis=1, keepdims=True) if inside else matrix


def linear_taps(part: np.ndarray) -> dict[int, np.ndarray]:
    """The weights of the entries at 0 and 1 between which a part of 1 is."""
    return {0: 1 - part, 1: part}


def cubic_taps(part: np.ndarray, a: float) -> dict[int, np.ndarray]:
    """The weights of the entries from −1 to 2, by Keys' kernel."""
    return {-1: _far(a, 1 + part), 0: _near(a, part), 1: _near(a, 1 - part), 2: _far(a, 2 - part)}


def _near(a: float, t: np.ndarray) -> np.ndarray:
    """Keys' kernel at distances up to 1."""
    return ((a + 2) * t - (a + 3)) * t * t + 1


def _far(a: float, t: np.ndarray) -> np.ndarray:
    """The same from 1 to 2."""
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
