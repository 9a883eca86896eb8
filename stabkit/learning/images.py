"""Convolutions of batches of images with channels, shape (samples, channels, rows, columns).

The map is that of :class:`stabkit.operators.Convolution`, for floats and for fractions alike; as
one product with all patches, which the derivative by the stencils needs as well.
"""

from __future__ import annotations

import numpy as np

from stabkit.aliases import Array, Matrix, Signal
from stabkit.arithmetic.backend import beside, is_foreign, namespace
from stabkit.errors import InvalidArgument
from stabkit.multigrid import weighted_transfer
from stabkit.operators import DIRICHLET, PERIODIC, Boundary, Convolution
from stabkit.operators.boundary import check_boundary
from stabkit.operators.sparse import portable


def check_padding(boundary: Boundary) -> None:
    """``PERIODIC`` or ``DIRICHLET``: the adjoint is a convolution too, of the reversed stencil."""
    check_boundary(boundary, PERIODIC, DIRICHLET)


def as_images(images: Signal, channels: int | None = None, name: str = "images") -> Array:
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


def patches(images: Signal, width: int, boundary: Boundary) -> Array:
    """What a stencil of an odd width sees at every pixel.

    Parameters
    ----------
    images : ndarray, shape (samples, channels, rows, columns)
    width : int
    boundary : Boundary

    Returns
    -------
    ndarray, shape (samples, channels · width², rows · columns)
    """
    return Convolution(np.ones((1, 1, width, width)), boundary=boundary).patches(images)


def correlate(kernel: Array, images: Signal, boundary: Boundary) -> Array:
    """K y for every image.

    Parameters
    ----------
    kernel : ndarray, shape (channels out, channels in, width, width)
    images : ndarray, shape (samples, channels in, rows, columns)

    Returns
    -------
    ndarray, shape (samples, channels out, rows, columns)
    """
    seen = patches(images, kernel.shape[-1], boundary)
    return namespace(seen).reshape(correlate_patches(kernel, seen),
                                   (images.shape[0], kernel.shape[0], *images.shape[2:]))


def adjoint(kernel: Array) -> Array:
    """The kernel of Kᵀ: channels exchanged, every stencil reversed."""
    return namespace(kernel).permute_dims(kernel, (1, 0, 2, 3))[:, :, ::-1, ::-1]


def correlate_patches(kernel: Array, seen: Array) -> Array:
    """K y from the patches of y, shape (samples, channels out, rows · columns)."""
    return _rows(beside(kernel, seen)) @ seen


def kernel_adjoint(images: Signal, seen: Array, shape: tuple[int, ...]) -> Array:
    """The adjoint of K ↦ K y at `images`, from the patches of y; `shape` is that of the kernel."""
    xp = namespace(images)
    flat = xp.reshape(images, (*images.shape[:2], -1))
    return xp.reshape(xp.sum(flat @ xp.permute_dims(seen, (0, 2, 1)), axis=0), shape)


def restrict_images(images: Signal) -> Array:
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
    return _transfer(restriction, images, tuple(n // 2 for n in images.shape[-2:]))


def prolong_images(images: Signal) -> Array:
    """P y: bilinear interpolation on a periodic grid, to twice the rows and columns."""
    fine = tuple(2 * n for n in images.shape[-2:])
    prolongation, _ = weighted_transfer(2).matrices(fine, PERIODIC)
    return _transfer(prolongation, images, fine)


def _transfer(matrix: Matrix, images: Signal, shape: tuple[int, ...]) -> Array:
    xp = namespace(images)
    flat = xp.reshape(images, (-1, images.shape[-2] * images.shape[-1]))
    return xp.reshape((portable(matrix) @ flat.T).T, (*images.shape[:-2], *shape))


def _rows(kernel: Array) -> Array:
    return namespace(kernel).reshape(kernel, (kernel.shape[0], -1))
