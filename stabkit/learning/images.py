"""Convolutions of batches of images with channels, shape (samples, channels, rows, columns).

A stencil acts as a correlation, (K y)ᵢ = Σₖ Kₖ y_{i+k}, with k = 0 in the middle, for floats and
for fractions alike.  (:class:`stabkit.multigrid.Convolution` is the same map for a single image,
with strides and any padding.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stabkit.errors import InvalidArgument
from stabkit.multigrid import PERIODIC, weighted_transfer, wrap
from stabkit.multigrid.stencil import Padding, zero

# With these two paddings the adjoint is a convolution too, with the reversed stencil.
_MODES = {wrap: "wrap", zero: "constant"}


def checked_padding(padding: Padding) -> Padding:
    """``wrap`` or ``zero``; anything else is refused."""
    if padding not in _MODES:
        raise InvalidArgument("padding: must be stabkit.multigrid.stencil.wrap or .zero, got "
                              f"{getattr(padding, '__name__', padding)}")
    return padding


def checked_images(images: Any, channels: int | None = None, name: str = "images") -> np.ndarray:
    """Images of floats or exact numbers, shape (samples, channels, rows, columns)."""
    array = np.asarray(images)
    if array.ndim != 4 or 0 in array.shape or channels not in (None, array.shape[1]):
        wanted = "channels" if channels is None else channels
        raise InvalidArgument(f"{name}: must have shape (samples, {wanted}, rows, columns), none "
                              f"of them 0, got {array.shape}")
    if array.dtype not in (np.float32, np.float64, object):
        raise InvalidArgument(f"{name}: dtype must be float32, float64 or exact (object), got "
                              f"{array.dtype}; convert with images.astype(float)")
    if array.dtype != object and not np.isfinite(array).all():
        raise InvalidArgument(f"{name}: must be finite")
    return array


def patches(images: np.ndarray, width: int, padding: Padding) -> np.ndarray:
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
    padded = np.pad(images, ((0, 0), (0, 0), (half, half), (half, half)), mode=_MODES[padding])
    seen = sliding_window_view(padded, (width, width), axis=(2, 3))
    return seen.transpose(0, 1, 4, 5, 2, 3).reshape(samples, channels * width**2, rows * columns)


def correlate(kernel: np.ndarray, images: np.ndarray, padding: Padding) -> np.ndarray:
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
    return (_rows(kernel) @ seen).reshape(len(images), len(kernel), *images.shape[2:])


def adjoint(kernel: np.ndarray) -> np.ndarray:
    """The kernel of Kᵀ: channels exchanged, every stencil reversed."""
    return kernel.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]


def correlate_patches(kernel: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """K y from the patches of y, shape (samples, channels out, rows · columns)."""
    return _rows(kernel) @ seen


def kernel_adjoint(images: np.ndarray, seen: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The adjoint of K ↦ K y at `images`, from the patches of y; `shape` is that of the kernel."""
    flat = images.reshape(*images.shape[:2], -1)
    return (flat @ seen.transpose(0, 2, 1)).sum(axis=0).reshape(shape)


def restrict_images(images: np.ndarray) -> np.ndarray:
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


def prolong_images(images: np.ndarray) -> np.ndarray:
    """P y: bilinear interpolation on a periodic grid, to twice the rows and columns."""
    fine = tuple(2 * n for n in images.shape[-2:])
    prolongation, _ = weighted_transfer(2).matrices(fine, PERIODIC)
    return _transferred(prolongation, images, fine)


def _transferred(matrix: Any, images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    flat = images.reshape(-1, images.shape[-2] * images.shape[-1])
    return (matrix @ flat.T).T.reshape(*images.shape[:-2], *shape)


def _rows(kernel: np.ndarray) -> np.ndarray:
    return kernel.reshape(len(kernel), -1)
