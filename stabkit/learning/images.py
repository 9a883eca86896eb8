"""Convolutions of batches of images with channels, shape (samples, channels, rows, columns).

A stencil acts as a correlation, (K y)ᵢ = Σₖ Kₖ y_{i+k}, with k = 0 in the middle, for floats and
for fractions alike.  (:class:`stabkit.multigrid.Convolution` is the same map for a single image,
with strides and any padding.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stabkit.backend import beside, is_foreign, namespace
from stabkit.errors import InvalidArgument
from stabkit.multigrid import PERIODIC, weighted_transfer, wrap
from stabkit.multigrid.stencil import Padding, zero
from stabkit.operators.sparse import portable

# With these two paddings the adjoint is a convolution too, with the reversed stencil.
_MODES = {wrap: "wrap", zero: "constant"}


def checked_padding(padding: Padding) -> Padding:
    """``wrap`` or ``zero``; anything else is refused."""
    if padding not in _MODES:
        raise InvalidArgument("padding: must be stabkit.multigrid.stencil.wrap or .zero, got "
                              f"{getattr(padding, '__name__', padding)}")
    return padding


def checked_images(images: Any, channels: int | None = None, name: str = "images") -> Any:
    """Images of floats or exact numbers, shape (samples, channels, rows, columns)."""
    array = images if is_foreign(images) else np.asarray(images)
    xp = namespace(array)
    if array.ndim != 4 or 0 in array.shape or channels not in (None, array.shape[1]):
        wanted = "channels" if channels is None else channels
        raise InvalidArgument(f"{name}: must have shape (samples, {wanted}, rows, columns), none "
                              f"of them 0, got {array.shape}")
    if array.dtype != object and array.dtype not in (xp.float32, xp.float64):
        raise InvalidArgument(f"{name}: dtype must be float32, float64 or exact (object), got "
                              f"{array.dtype}; convert with images.astype(float)")
    if array.dtype != object and not xp.all(xp.isfinite(array)):
        raise InvalidArgument(f"{name}: must be finite")
    return array


def patches(images: Any, width: int, padding: Padding) -> Any:
    """What the stencil sees at every pixel.

    Parameters
    ----------
    images : ndarray, shape (samples, channels, rows, columns)
    width : int
        Odd width of the stencil.
    padding : callable
        ``wrap`` or ``zero``.

    Returns
    -------
    ndarray, shape (samples, channels · width², rows · columns)
    """
    samples, channels, rows, columns = images.shape
    half = width // 2
    if is_foreign(images):
        padded = _padded(_padded(images, half, padding, -2), half, padding, -1)
        seen = namespace(images).stack(
            [padded[:, :, i:i + rows, j:j + columns] for i in range(width) for j in range(width)],
            axis=2)
        return namespace(images).reshape(seen, (samples, channels * width**2, rows * columns))
    padded = np.pad(images, ((0, 0), (0, 0), (half, half), (half, half)), mode=_MODES[padding])
    seen = sliding_window_view(padded, (width, width), axis=(2, 3))
    return seen.transpose(0, 1, 4, 5, 2, 3).reshape(samples, channels * width**2, rows * columns)


def _padded(images: Any, half: int, padding: Padding, axis: int) -> Any:
    """Images with `half` more samples on both sides of an axis, where NumPy's padding is not."""
    xp, n = namespace(images), images.shape[axis]
    places, factors = padding(np.arange(-half, n + half), n)
    shape = (-1, *[1] * (-1 - axis))
    inside = xp.reshape(xp.asarray(factors != 0), shape)
    return xp.where(inside, xp.take(images, xp.asarray(places), axis=axis), 0.0)


def correlate(kernel: Any, images: Any, padding: Padding) -> Any:
    """K y for every image.

    Parameters
    ----------
    kernel : ndarray, shape (channels out, channels in, width, width)
    images : ndarray, shape (samples, channels in, rows, columns)

    Returns
    -------
    ndarray, shape (samples, channels out, rows, columns)
    """
    seen = patches(images, kernel.shape[-1], padding)
    return namespace(seen).reshape(correlate_patches(kernel, seen),
                                   (images.shape[0], kernel.shape[0], *images.shape[2:]))


def adjoint(kernel: Any) -> Any:
    """The kernel of Kᵀ: channels exchanged, every stencil reversed."""
    return namespace(kernel).permute_dims(kernel, (1, 0, 2, 3))[:, :, ::-1, ::-1]


def correlate_patches(kernel: Any, seen: Any) -> Any:
    """K y from the patches of y, shape (samples, channels out, rows · columns)."""
    return _rows(beside(kernel, seen)) @ seen


def kernel_adjoint(images: Any, seen: Any, shape: tuple[int, ...]) -> Any:
    """The adjoint of K ↦ K y at `images`, from the patches of y; `shape` is that of the kernel."""
    xp = namespace(images)
    flat = xp.reshape(images, (*images.shape[:2], -1))
    return xp.reshape(xp.sum(flat @ xp.permute_dims(seen, (0, 2, 1)), axis=0), shape)


def restrict_images(images: Any) -> Any:
    """R y: full weighting onto every second pixel of a periodic grid.

    Parameters
    ----------
    images : ndarray, shape (..., rows, columns)
        Even sizes of at least 4.

    Returns
    -------
    ndarray, shape (..., rows/2, columns/2)
    """
    _, restriction = weighted_transfer(2).matrices(images.shape[-2:], PERIODIC)
    return _transferred(restriction, images, tuple(n // 2 for n in images.shape[-2:]))


def prolong_images(images: Any) -> Any:
    """P y: bilinear interpolation on a periodic grid, to twice the rows and columns."""
    fine = tuple(2 * n for n in images.shape[-2:])
    prolongation, _ = weighted_transfer(2).matrices(fine, PERIODIC)
    return _transferred(prolongation, images, fine)


def _transferred(matrix: Any, images: Any, shape: tuple[int, ...]) -> Any:
    xp = namespace(images)
    flat = xp.reshape(images, (-1, images.shape[-2] * images.shape[-1]))
    return xp.reshape((portable(matrix) @ flat.T).T, (*images.shape[:-2], *shape))


def _rows(kernel: Any) -> Any:
    return namespace(kernel).reshape(kernel, (kernel.shape[0], -1))
