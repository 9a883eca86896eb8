"""GridSample: a signal at fixed places between its samples, which is a matrix."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.interpolation import cubic_taps, linear_taps
from stabkit.audit.reading.linear import along, images
from stabkit.audit.reading.operator import Operator
from stabkit.errors import InvalidArgument

_MODES = {"bilinear": "linear", "bicubic": "cubic"}  # as they were called before set 20
Taps = list[tuple[np.ndarray, np.ndarray]]  # places along an axis and their weights


def grid_sample(op: Operator) -> View:
    """The signal at the places of a grid, the same for all channels.

    A place is said by one number for each axis, the last axis first, from −1 at its begin to 1 at
    its end.
    """
    view, count = images(op)
    grid = op.weights(1)
    if grid is None or grid.ndim != count + 2 or grid.shape[-1] != count:
        raise InvalidArgument(f"a grid of {count} numbers for each of its places is needed")
    if grid.shape[0] != 1 or view.shape[0] != 1:
        raise op.refuse("a grid for each sample of a batch")
    sizes, steps = view.shape[2:], grid.shape[1:-1]
    op.build.spend(prod(steps) * prod(sizes))
    places = grid.reshape(-1, count)[:, ::-1]
    taps = [_taps(op, places[:, axis], size) for axis, size in enumerate(sizes)]
    matrix = np.zeros((prod(steps), prod(sizes)))
    for chosen in product(*taps):
        at = np.ravel_multi_index([place for place, _ in chosen], sizes)
        np.add.at(matrix, (np.arange(len(matrix)), at), prod(weight for _, weight in chosen))
    flat = op.build.reshape(view, (*view.shape[:2], prod(sizes)))
    made = along(op.build, flat, matrix, 2)
    return op.build.reshape(made, (*view.shape[:2], *steps))


def _taps(op: Operator, places: np.ndarray, size: int) -> Taps:
    """The entries of an axis that count at places from −1 to 1, and by how much."""
    mode, corners = op.text("mode", "linear"), bool(op.integer("align_corners", 0))
    mode, outside = _MODES.get(mode, mode), op.text("padding_mode", "zeros")
    # What lies halfway is told in float32, in which whole numbers leave x.
    kind: type = np.float32 if mode == "nearest" else np.float64
    x: np.ndarray = places.astype(kind)
    at = (x + 1) / 2 * (size - 1) if corners else ((x + 1) * size - 1) / 2
    if mode not in ("linear", "nearest", "cubic") or outside not in (
            "zeros", "border", "reflection"):
        raise op.refuse(f"mode {mode!r} with the padding mode {outside!r}")
    alike = outside == "zeros" or mode == "linear" or (mode, outside) == ("nearest", "border")
    if not alike and ((at < 0) | (at > size - 1)).any():
        raise op.refuse(f"mode {mode!r} and the padding mode {outside!r} with places outside of "
                        "the signal, which readers of ONNX files take differently")
    low = np.floor(at)
    if mode == "nearest":
        low, taps = np.rint(at), {0: np.ones(len(at))}
    else:
        taps = linear_taps(at - low) if mode == "linear" else cubic_taps(at - low, -0.75)
    return [_inside(low + step, weights, size, outside, corners)
            for step, weights in taps.items()]


def _inside(at: np.ndarray, weights: np.ndarray, size: int, outside: str, corners: bool
            ) -> tuple[np.ndarray, np.ndarray]:
    """Entries that lie outside of the axis, as entries that lie in it."""
    if outside == "zeros":
        weights = np.where((at >= 0) & (at < size), weights, 0)
    elif outside == "reflection":  # at the outermost entries, or half a sample beyond them
        period = 2 * (size - 1) if corners else 2 * size
        at = np.abs(at) if corners else np.where(at < 0, -at - 1, at)
        at = at % max(period, 1)
        at = np.where(at >= size, period - at - (not corners), at)
    return np.clip(at, 0, size - 1).astype(int), weights
