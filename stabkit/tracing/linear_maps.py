"""Functions of NumPy and SciPy that are linear in the data: their matrices, by unit signals."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from stabkit.aliases import Argument, Array, Function, Library
from stabkit.tracing.array import Traced, TracedArray
from stabkit.tracing.moving import MOVING
from stabkit.tracing.sparse import is_symbolic
from stabkit.tracing.summing import PADDED, product_with
from stabkit.tracing.tracer import Tracer

_LARGEST = 4096  # entries whose unit signals are tried
_NOISE = 1e-15   # relatively to the largest weight: 0 was meant

# Which argument holds the data.
_IMAGES = {name: 0 for name in (
    "gaussian_filter", "gaussian_filter1d", "gaussian_laplace", "sobel", "prewitt", "shift",
    "map_coordinates", "zoom", "rotate", "affine_transform", "spline_filter")}
_SIGNALS = {"convolve2d": 0, "correlate2d": 0, "lfilter": 2, "sosfilt": 1, "savgol_filter": 0,
            "detrend": 0, "filtfilt": 2, "resample": 0}
_DIRECT = ("convolve", "fftconvolve", "oaconvolve", "correlate")  # transforms only round


def image_filters(ndimage: Library, tracer: Tracer) -> dict[Function, Function]:
    """For functions of scipy.ndimage."""
    return {getattr(ndimage, name): _map_linearly(tracer, getattr(ndimage, name), at)
            for name, at in _IMAGES.items()}


def signal_filters(signal: Any, tracer: Tracer) -> dict[Function, Function]:
    """For functions of scipy.signal."""
    found = {getattr(signal, name): _map_linearly(tracer, getattr(signal, name), at)
             for name, at in _SIGNALS.items()}
    for name in _DIRECT:
        directly = signal.correlate if name == "correlate" else signal.convolve
        found[getattr(signal, name)] = _convolve(tracer, getattr(signal, name), directly)
    return found


def interpolation(tracer: Tracer) -> Function:
    """np.interp, which is linear in the values between which it interpolates."""
    return _map_linearly(tracer, np.interp, 2)


def _map_linearly(tracer: Tracer, plainly: Function, at: int) -> Function:
    def run(*args: Argument, **options: Argument) -> Any:
        if len(args) <= at or not isinstance(args[at], TracedArray):
            return plainly(*args, **options)
        if any(is_symbolic(value) for k, value in enumerate((*args, *options.values())) if k != at):
            tracer.stop(f"{plainly.__name__} whose parameters depend on the data or on the step")
        return _by_units(tracer, lambda u: plainly(*args[:at], u, *args[at + 1:], **options),
                         args[at], plainly.__name__)
    return run


def _convolve(tracer: Tracer, plainly: Function, directly: Function) -> Function:
    def run(a: Any, b: Any, mode: str = "full", *args: Argument, **options: Argument) -> Any:
        if not (isinstance(a, Traced) or isinstance(b, Traced)):
            return plainly(a, b, mode, *args, **options)
        if (isinstance(a, Traced) and isinstance(b, Traced)) or options.get("axes") is not None:
            tracer.stop(f"{plainly.__name__} of two arrays of data, or along some axes")
        whole: Function = (lambda u: directly(u, b, mode, "direct")) if isinstance(a, Traced) \
            else (lambda u: directly(a, u, mode, "direct"))
        return _by_units(tracer, whole, a if isinstance(a, Traced) else b, plainly.__name__)
    return run


def _by_units(tracer: Tracer, function: Function, data: Array, name: str) -> Array:
    if data.size > _LARGEST:
        tracer.stop(f"{name} is followed up to {_LARGEST} entries; take a smaller shape")
    unit = np.zeros(data.size)
    constant = np.asarray(function(unit.reshape(data.shape)))
    columns, places, weights = [], [], []
    for k in range(data.size):
        unit[k] = 1
        image = (np.asarray(function(unit.reshape(data.shape))) - constant).ravel()
        unit[k] = 0
        found = np.flatnonzero(np.abs(image) > _NOISE * np.abs(image).max())
        columns.append(np.full(found.size, k))
        places.append(found)
        weights.append(image[found])
    matrix = csr_array((np.concatenate(weights), (np.concatenate(places), np.concatenate(columns))),
                       shape=(constant.size, data.size))
    moved = product_with(tracer, matrix, data.ravel()).reshape(constant.shape)
    return moved + constant if constant.any() else moved


def generic_filter(tracer: Tracer, array: Array, function: Function, size: Any = None,
                   footprint: Any = None, output: object = None, mode: str = "reflect",
                   cval: Argument = 0, origin: Argument = 0, *more: Any,
                   **options: Argument) -> Array:
    """scipy.ndimage.generic_filter: the function of the user's for every window."""
    if output is not None or np.any(origin) or options or more or mode not in PADDED:
        tracer.stop("generic_filter with these arguments is not followed")
    if array.size > _LARGEST:
        tracer.stop(f"generic_filter is followed up to {_LARGEST} entries; take a smaller shape")
    shown = np.ones([size] * array.ndim if np.ndim(size) == 0 else size, dtype=bool) \
        if footprint is None else np.asarray(footprint, dtype=bool)
    widths = [(n // 2, n - 1 - n // 2) for n in shown.shape]
    shown_beyond = {"constant_values": cval} if PADDED[mode] == "constant" else {}
    padded: Array = MOVING[np.pad](tracer, array, widths, PADDED[mode], **shown_beyond)
    out = np.zeros_like(array)
    for place in product(*map(range, array.shape)):
        window = padded[tuple(slice(k, k + n) for k, n in zip(place, shown.shape, strict=True))]
        out[place] = function(window[shown])
    return out
