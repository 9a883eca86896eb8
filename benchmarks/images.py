"""Explicit steps of nonlinear diffusion on images and volumes."""

from __future__ import annotations

from math import prod

import numpy as np
import SimpleITK
from medpy.filter.smoothing import anisotropic_diffusion
from numba import njit
from scipy.linalg.lapack import dptsv

from benchmarks.diffusion import NUMPY, divisions
from benchmarks.measuring import Job, rng
from benchmarks.operators import CODE, SHAPE
from stabkit import SemiImplicit, fluxes, grid_gradient
from stabkit.kernels import grid_steps
from stabkit.operators import tangential_differences
from stabkit.schemes import IsotropicExplicit

STEPS, SPLITTINGS = 20, 3


# -- peers -----------------------------------------------------------------------------------------
def numpy_steps(u, tau, flux):
    """Every temporary preallocated; the differences of all axes are formed before u changes."""
    u = u.copy()
    axes = []
    for axis in range(u.ndim):
        low = tuple(slice(-1) if other == axis else slice(None) for other in range(u.ndim))
        high = tuple(slice(1, None) if other == axis else slice(None) for other in range(u.ndim))
        axes.append((u[low], u[high], *(np.empty(u[low].shape, u.dtype) for _ in range(3))))
    for _ in range(STEPS):
        for low, high, s, scratch, d in axes:
            np.subtract(high, low, out=s)
            flux(s, scratch, d)
            np.multiply(d, u.dtype.type(tau), out=d)
        for low, high, _, _, d in axes:
            np.add(low, d, out=low)
            np.subtract(high, d, out=high)
    return u


@njit
def naive(u, steps, tau):
    """What one writes at first for an image: new array per step, four divisions per pixel."""
    m, n = u.shape
    for _ in range(steps):
        v = u.copy()
        for i in range(m):
            for j in range(n):
                total = 0.0
                if i > 0:
                    s = u[i - 1, j] - u[i, j]
                    total += s / (1 + s * s)
                if i < m - 1:
                    s = u[i + 1, j] - u[i, j]
                    total += s / (1 + s * s)
                if j > 0:
                    s = u[i, j - 1] - u[i, j]
                    total += s / (1 + s * s)
                if j < n - 1:
                    s = u[i, j + 1] - u[i, j]
                    total += s / (1 + s * s)
                v[i, j] += tau * total
        u = v
    return u


def medpy_steps(u, tau, option):
    """It works in float32 and divides differently, so nothing is compared."""
    anisotropic_diffusion(u, niter=STEPS, kappa=1 if option == 2 else 2**0.5, gamma=tau,
                          option=option)


def itk_steps(image, tau):
    """The diffusivity sees the whole gradient, so nothing is compared."""
    steps = SimpleITK.GradientAnisotropicDiffusionImageFilter()
    steps.SetNumberOfThreads(1)
    steps.SetNumberOfIterations(STEPS)
    steps.SetTimeStep(tau / 2)
    steps.Execute(image)


# -- jobs ------------------------------------------------------------------------------------------
def image(name, shape, dtype=np.float64):
    u = rng().standard_normal(shape).astype(dtype)
    strides = [prod(shape[axis + 1:]) for axis in range(u.ndim)]
    grid = np.array(shape), np.array(strides), np.ones(u.ndim)
    tau = 1 / (4 * len(shape))

    def ours():
        rows = u.reshape(1, -1).copy()
        grid_steps.explicit[CODE[name]](rows, STEPS, tau, grid, SHAPE)
        return rows.reshape(shape)

    others = {"NumPy tuned": lambda: numpy_steps(u, tau, NUMPY[name])}
    if name == "rational" and dtype == np.float64:
        if len(shape) == 2:
            others["Numba plain"] = lambda: naive(u, STEPS, tau)
        others["divisions"] = divisions(STEPS * u.size * len(shape))
    if dtype == np.float32:
        others["MedPy"] = lambda: medpy_steps(u, tau, 2 if name == "rational" else 1)
        if u.size <= 512**2:
            itk = SimpleITK.GetImageFromArray(u)
            others["SimpleITK"] = lambda: itk_steps(itk, tau)
    size = "x".join(map(str, shape))
    return Job(f"image {name} {np.dtype(dtype).name} {size}", {"stabkit": ours, **others},
               STEPS * u.size, 1e-12 if dtype == np.float64 else 1e-4,
               {"MedPy": 5} if "MedPy" in others and name == "rational" else {})


def numpy_isotropic(u, tau):
    """Rational diffusivities of the squared length of the gradient at the middles of edges."""
    u = u.copy()
    for _ in range(STEPS):
        padded = np.pad(u, 1, mode="edge")
        inside = (slice(1, -1),) * u.ndim
        slopes = []
        for axis in range(u.ndim):
            low, high = list(inside), list(inside)
            low[axis], high[axis] = slice(None, -2), slice(2, None)
            slopes.append((padded[tuple(high)] - padded[tuple(low)]) * u.dtype.type(0.5))
        total = np.zeros_like(u)
        for axis in range(u.ndim):
            low, high = [slice(None)] * u.ndim, [slice(None)] * u.ndim
            low[axis], high[axis] = slice(-1), slice(1, None)
            low, high = tuple(low), tuple(high)
            s = u[high] - u[low]
            square = s * s
            for other in range(u.ndim):
                if other != axis:
                    mean = (slopes[other][low] + slopes[other][high]) * u.dtype.type(0.5)
                    square += mean * mean
            s /= 1 + square
            total[low] += s
            total[high] -= s
        u += u.dtype.type(tau) * total
    return u


def isotropic(shape, dtype):
    """Explicit steps whose diffusivity depends on the whole gradient, as ITK's does."""
    u = rng().standard_normal(shape).astype(dtype)
    tau = 1 / (4 * len(shape))
    scheme = IsotropicExplicit(grid_gradient(shape), fluxes.rational(), f"1/{4 * len(shape)}",
                               tangential_differences(shape))
    others = {"NumPy": lambda: numpy_isotropic(u, tau)}
    if dtype == np.float32:
        itk = SimpleITK.GetImageFromArray(u)
        others["SimpleITK"] = lambda: itk_steps(itk, tau)
    return Job(f"image isotropic {np.dtype(dtype).name} {'x'.join(map(str, shape))}", {
        "stabkit": lambda: scheme.advance(u.ravel(), STEPS).reshape(shape), **others},
        STEPS * u.size, 1e-12 if dtype == np.float64 else 1e-4,
        {"SimpleITK": 5} if "SimpleITK" in others else {})


def numpy_splitting(u, tau):
    """Additive splitting with preallocated diagonals and LAPACK's dptsv, lines end to end."""
    u, m = u.copy(), u.ndim
    for _ in range(SPLITTINGS):
        total = np.zeros_like(u)
        for axis in range(m):
            lines = np.ascontiguousarray(np.moveaxis(u, axis, -1))
            weights = np.zeros_like(lines)  # to the right of each site, 0 where a line ends
            s = lines[..., 1:] - lines[..., :-1]
            weights[..., :-1] = m * tau / (1 + s * s)
            diagonal = 1 + weights
            diagonal[..., 1:] += weights[..., :-1]
            *_, solved, _ = dptsv(diagonal.ravel(), -weights.ravel()[:-1], lines.ravel(), 1, 1, 1)
            total += np.moveaxis(solved.reshape(lines.shape), -1, axis)
        u = total / m
    return u


def splitting(shape):
    """Steps of additive operator splitting."""
    u = rng().standard_normal(shape)
    K, edges = grid_gradient(shape), [u.size // n * (n - 1) for n in shape]
    scheme = SemiImplicit(K, fluxes.rational(), 5, edges)
    return Job(f"image splitting {'x'.join(map(str, shape))}", {
        "stabkit": lambda: scheme.advance(u.ravel(), SPLITTINGS).reshape(shape),
        "NumPy with dptsv": lambda: numpy_splitting(u, 5.0),
        "divisions": divisions(SPLITTINGS * u.size * len(shape))},
        SPLITTINGS * u.size, 1e-11, {"NumPy with dptsv": 5})


def jobs():
    """The jobs of this room, made when they are wanted."""
    for dtype in (np.float64, np.float32):
        for shape in ((512, 512), (2048, 2048), (64, 64, 64), (192, 192, 192)):
            yield lambda shape=shape, dtype=dtype: image("rational", shape, dtype)
    for dtype in (np.float64, np.float32):
        yield lambda dtype=dtype: image("perona_malik", (512, 512), dtype)
    for shape in ((512, 512), (2048, 2048), (96, 96, 96)):
        yield lambda shape=shape: splitting(shape)
    for dtype in (np.float64, np.float32):
        for shape in ((512, 512), (64, 64, 64)):
            yield lambda shape=shape, dtype=dtype: isotropic(shape, dtype)
