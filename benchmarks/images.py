"""Nonlinear diffusion of images and volumes: explicit steps, FSI cycles, additive splitting.

The goal is five times the best peer on one thread.  SimpleITK, MedPy, OpenCV and scikit-image are
what is public: MedPy makes the explicit step, ITK the one whose diffusivity sees the whole
gradient, both in float32; OpenCV steps images of three channels of bytes, and scikit-image's total
variation is another iteration with as many sites.  They round, divide or iterate differently, so
nothing is compared but times.  NumPy and LAPACK do what stabkit does, and the results must agree.
The loops are called on their own: the exact operators of a scheme on 4096^2 sites take gigabytes.
"""

from __future__ import annotations

from math import prod

import numpy as np
import SimpleITK
from medpy.filter.smoothing import anisotropic_diffusion
from numba import njit
from scipy.linalg.lapack import dptsv, sptsv

from benchmarks.diffusion import NUMPY, divisions
from benchmarks.measuring import Job, rng
from benchmarks.operators import CODE, SHAPE
from stabkit.kernels import grid_steps
from stabkit.kernels import isotropic as isotropic_steps
from stabkit.kernels.splitting import semi_implicit

try:  # with the extra modules of opencv-contrib-python-headless
    import cv2
    cv2.setNumThreads(1)
    CV = cv2.ximgproc.anisotropicDiffusion
except (ImportError, AttributeError):
    CV = None
try:
    from skimage.restoration import denoise_tv_chambolle
except ImportError:
    denoise_tv_chambolle = None

SPLITTINGS, GOAL = 3, 5
IMAGES = ((512, 512), (2048, 2048), (4096, 4096), (64, 64, 64), (256, 256, 256))
SMALL = ((512, 512), (64, 64, 64))
TYPES = (np.float64, np.float32)
LARGE = 1 << 22  # sites from which on a few steps are enough to time


def steps_for(u):
    """How many steps of an image are timed."""
    return 20 if u.size < LARGE else 4


def numpy_charbonnier(s, scratch, out):
    np.multiply(s, s, out=scratch)
    np.add(scratch, s.dtype.type(1), out=scratch)
    np.sqrt(scratch, out=scratch)
    np.divide(s, scratch, out=out)


def numpy_weickert(s, scratch, out):
    np.multiply(s, s, out=scratch)
    np.multiply(scratch, scratch, out=scratch)
    np.multiply(scratch, scratch, out=scratch)
    with np.errstate(divide="ignore"):
        np.divide(s.dtype.type(-3.31488), scratch, out=scratch)
    np.exp(scratch, out=scratch)
    np.multiply(s, scratch, out=scratch)
    np.subtract(s, scratch, out=out)


FLUX = NUMPY | {"charbonnier": numpy_charbonnier, "weickert": numpy_weickert}


# -- peers -----------------------------------------------------------------------------------------
def numpy_steps(u, tau, flux):
    """Every temporary preallocated; the differences of all axes are formed before u changes."""
    u = u.copy()
    axes = []
    for axis in range(u.ndim):
        low = tuple(slice(-1) if other == axis else slice(None) for other in range(u.ndim))
        high = tuple(slice(1, None) if other == axis else slice(None) for other in range(u.ndim))
        axes.append((u[low], u[high], *(np.empty(u[low].shape, u.dtype) for _ in range(3))))
    for _ in range(steps_for(u)):
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
    anisotropic_diffusion(u, niter=steps_for(u), kappa=1 if option == 2 else 2**0.5, gamma=tau,
                          option=option)


def itk_steps(image, count, tau):
    """The diffusivity sees the whole gradient, so nothing is compared."""
    steps = SimpleITK.GradientAnisotropicDiffusionImageFilter()
    steps.SetNumberOfThreads(1)
    steps.SetNumberOfIterations(count)
    steps.SetTimeStep(tau / 2)
    steps.Execute(image)


def scikit_steps(u):
    """Chambolle's iteration for total variation, which never ends before."""
    denoise_tv_chambolle(u, weight=0.1, eps=0, max_num_iter=steps_for(u))


def cv_steps(bytes_of, count, tau):
    CV(bytes_of, tau, 10, count)


def numpy_fsi(u, tau, flux):
    """A cycle with every temporary preallocated."""
    u, old = u.copy(), u.copy()
    axes = []
    for axis in range(u.ndim):
        low = tuple(slice(-1) if other == axis else slice(None) for other in range(u.ndim))
        high = tuple(slice(1, None) if other == axis else slice(None) for other in range(u.ndim))
        axes.append((low, high, *(np.empty(u[low].shape, u.dtype) for _ in range(3))))
    for step in range(steps_for(u)):
        a = (4 * step + 2) / (2 * step + 3)
        np.multiply(old, u.dtype.type(1 - a), out=old)
        for low, high, s, scratch, d in axes:
            np.subtract(u[high], u[low], out=s)
            flux(s, scratch, d)
            np.multiply(d, u.dtype.type(a * tau), out=d)
            np.add(old[low], d, out=old[low])
            np.subtract(old[high], d, out=old[high])
        old += u.dtype.type(a) * u
        u, old = old, u
    return u


def numpy_isotropic(u, tau, name):
    """Diffusivities of the squared length of the gradient at the middles of edges."""
    u = u.copy()
    for _ in range(steps_for(u)):
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
            if name == "rational":
                s /= 1 + square
            else:
                s *= np.exp(square * u.dtype.type(-0.5))
            total[low] += s
            total[high] -= s
        u += u.dtype.type(tau) * total
    return u


def numpy_splitting(u, tau):
    """Additive splitting with LAPACK's solver, lines end to end."""
    u, m, solve = u.copy(), u.ndim, dptsv if u.dtype == np.float64 else sptsv
    for _ in range(SPLITTINGS):
        total = np.zeros_like(u)
        for axis in range(m):
            lines = np.ascontiguousarray(np.moveaxis(u, axis, -1))
            weights = np.zeros_like(lines)  # to the right of each site, 0 where a line ends
            s = lines[..., 1:] - lines[..., :-1]
            weights[..., :-1] = u.dtype.type(m * tau) / (1 + s * s)
            diagonal = 1 + weights
            diagonal[..., 1:] += weights[..., :-1]
            *_, solved, _ = solve(diagonal.ravel(), -weights.ravel()[:-1], lines.ravel(), 1, 1, 1)
            total += np.moveaxis(solved.reshape(lines.shape), -1, axis)
        u = total / m
    return u


# -- jobs ------------------------------------------------------------------------------------------
def job(title, name, u, ours, others, close, divided=0):
    """Ours beside those peers that are there; every one of them has the goal."""
    others = {peer: run for peer, run in others.items() if run is not None}
    goals = dict.fromkeys(set(others) - {"Numba plain"}, GOAL)
    if divided:
        others["divisions"] = divisions(divided)
    size = "x".join(map(str, u.shape))
    if close is None:
        close = 1e-12 if u.dtype == np.float64 else 1e-4
    return Job(f"image {title} {name} {u.dtype} {size}".replace("  ", " "),
               {"stabkit": ours, **others}, steps_for(u) * u.size, close, goals,
               size=u.size)


def grid_of(shape):
    """The axes of a grid as kernels take them, and a stable step."""
    strides = [prod(shape[axis + 1:]) for axis in range(len(shape))]
    return (np.array(shape), np.array(strides), np.ones(len(shape))), 1 / (4 * len(shape))


def signal(shape, dtype):
    return rng().standard_normal(shape).astype(dtype)


def explicit(name, shape, dtype):
    """Explicit steps, every edge by itself."""
    u, (grid, tau) = signal(shape, dtype), grid_of(shape)

    def ours():
        rows = u.reshape(1, -1).copy()
        grid_steps.explicit[CODE[name]](rows, steps_for(u), tau, grid, SHAPE)
        return rows.reshape(shape)

    others = {"NumPy tuned": lambda: numpy_steps(u, tau, FLUX[name])}
    if name == "rational" and dtype == np.float64 and len(shape) == 2:
        others["Numba plain"] = lambda: naive(u, steps_for(u), tau)
    if name in ("rational", "perona_malik") and dtype == np.float32:
        others["MedPy"] = lambda: medpy_steps(u, tau, 2 if name == "rational" else 1)
    if name == "perona_malik" and len(shape) == 2 and dtype == np.float32 and CV is not None:
        picture = np.clip(128 + 40 * u[..., None], 0, 255).astype(np.uint8).repeat(3, 2)
        others["OpenCV, of a channel"] = lambda: cv_steps(picture, steps_for(u), tau)
    if name == "charbonnier" and denoise_tv_chambolle is not None:
        others["scikit-image TV"] = lambda: scikit_steps(u)
    divided = name == "rational" and dtype == np.float64
    made = job("explicit", name, u, ours, others, None,
               divided * steps_for(u) * u.size * len(shape))
    if "OpenCV, of a channel" in others:
        made.work = dict.fromkeys(made.candidates, made.work)
        made.work["OpenCV, of a channel"] *= 3
    return made


def fsi(shape, dtype):
    """A cycle of extrapolated steps."""
    u, (grid, tau) = signal(shape, dtype), grid_of(shape)

    def ours():
        rows = u.reshape(1, -1).copy()
        grid_steps.fsi[CODE["rational"]](rows, steps_for(u), tau, grid, SHAPE)
        return rows.reshape(shape)

    return job("FSI", "rational", u, ours, {
        "NumPy tuned": lambda: numpy_fsi(u, tau, FLUX["rational"])},
        1e-9 if dtype == np.float64 else 1e-3)


def isotropic(name, shape, dtype):
    """Explicit steps whose diffusivity depends on the whole gradient, as ITK's does."""
    u, (grid, tau) = signal(shape, dtype), grid_of(shape)

    def ours():
        rows = u.reshape(1, -1).copy()
        kernel(rows, steps_for(u), tau, grid, SHAPE)
        return rows.reshape(shape)

    others = {"NumPy": lambda: numpy_isotropic(u, tau, name)}
    if dtype == np.float32:
        itk = SimpleITK.GetImageFromArray(u)
        others["SimpleITK"] = lambda: itk_steps(itk, steps_for(u), tau)
    kernel = isotropic_steps.isotropic[CODE[name]]
    return job("isotropic", name, u, ours, others, None)


def splitting(shape, dtype):
    """Steps of additive operator splitting."""
    u, (grid, _) = signal(shape, dtype), grid_of(shape)

    def ours():
        rows = u.reshape(1, -1).copy()
        semi_implicit[CODE["rational"]](rows, np.empty(u.size, u.dtype), SPLITTINGS, 5.0, grid,
                                        SHAPE)
        return rows.reshape(shape)

    made = job("splitting", "", u, ours, {"NumPy with LAPACK": lambda: numpy_splitting(u, 5.0)},
               1e-11 if dtype == np.float64 else 1e-4)
    made.work = SPLITTINGS * u.size
    if dtype == np.float64:  # one for each site and axis
        made.candidates["divisions"] = divisions(SPLITTINGS * u.size * len(shape))
    return made


def jobs():
    """The jobs of this room, made when they are wanted."""
    for dtype in TYPES:
        for shape in IMAGES:
            yield lambda shape=shape, dtype=dtype: explicit("rational", shape, dtype)
            yield lambda shape=shape, dtype=dtype: isotropic("rational", shape, dtype)
            yield lambda shape=shape, dtype=dtype: splitting(shape, dtype)
            yield lambda shape=shape, dtype=dtype: fsi(shape, dtype)
        for shape in SMALL:
            for name in ("perona_malik", "charbonnier", "weickert"):
                yield lambda name=name, shape=shape, dtype=dtype: explicit(name, shape, dtype)
            yield lambda shape=shape, dtype=dtype: isotropic("perona_malik", shape, dtype)
