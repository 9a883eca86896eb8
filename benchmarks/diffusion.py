"""Explicit steps of nonlinear diffusion, FSI cycles, and the limits of division and memory."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from math import comb

import numpy as np
from medpy.filter.smoothing import anisotropic_diffusion
from numba import njit

from benchmarks.measuring import AHEAD, Job
from benchmarks.operators import CODE, SHAPE, TAU, adjoint, difference, rng, stepped
from stabkit.kernels import difference_steps as compiled
from stabkit.kernels.linear import NATURAL
from stabkit.kernels.steps import explicit
from stabkit.schemes.threads import run as in_threads


# -- peers -----------------------------------------------------------------------------------------
def numpy_steps(u, steps, tau, flux):
    """Explicit steps with every temporary preallocated."""
    u = u.copy()
    s, scratch, d = (np.empty((u.shape[0], u.shape[1] - 1), u.dtype) for _ in range(3))
    low, high = u[:, :-1], u[:, 1:]
    for _ in range(steps):
        np.subtract(high, low, out=s)
        flux(s, scratch, d)
        np.multiply(d, u.dtype.type(tau), out=d)
        np.add(low, d, out=low)
        np.subtract(high, d, out=high)
    return u


def numpy_rational(s, scratch, out):
    np.multiply(s, s, out=scratch)
    np.add(scratch, s.dtype.type(1), out=scratch)
    np.divide(s, scratch, out=out)


def numpy_gauss(s, scratch, out):
    np.multiply(s, s, out=scratch)
    np.multiply(scratch, s.dtype.type(-0.5), out=scratch)
    np.exp(scratch, out=scratch)
    np.multiply(s, scratch, out=out)


def numpy_identity(s, scratch, out):
    np.copyto(out, s)


NUMPY = {"rational": numpy_rational, "perona_malik": numpy_gauss, "identity": numpy_identity}


@njit
def naive_rational(u, steps, tau):
    """What one writes at first: new array per step, two divisions per site."""
    n = u.size
    for _ in range(steps):
        v = np.empty(n)
        for i in range(n):
            right = u[i + 1] - u[i] if i < n - 1 else 0.0
            left = u[i] - u[i - 1] if i > 0 else 0.0
            v[i] = u[i] + tau * (right / (1 + right * right) - left / (1 + left * left))
        u = v
    return u


@njit
def naive_gauss(u, steps, tau):
    n = u.size
    for _ in range(steps):
        v = np.empty(n)
        for i in range(n):
            right = u[i + 1] - u[i] if i < n - 1 else 0.0
            left = u[i] - u[i - 1] if i > 0 else 0.0
            v[i] = u[i] + tau * (right * np.exp(-0.5 * right * right)
                                 - left * np.exp(-0.5 * left * left))
        u = v
    return u


NAIVE = {"rational": naive_rational, "perona_malik": naive_gauss}


def sparse_steps(u, steps, tau, matrix):
    turned, u = adjoint(matrix), np.ascontiguousarray(u.T)
    for _ in range(steps):
        s = matrix @ u
        u = u - tau * (turned @ (s / (1 + s * s)))
    return u.T


def medpy_steps(u, steps):
    """medpy's diffusion with the exponential flux; it works in float32, so nothing is compared."""
    anisotropic_diffusion(u, niter=steps, kappa=2**0.5, gamma=TAU, option=1)


# -- limits of the machine -------------------------------------------------------------------------
@njit(error_model="numpy", nogil=True)
def divide(x, times):
    one = x.dtype.type(1)
    for _ in range(times):
        for i in range(x.size):
            x[i] = one / (one + x[i])


@njit
def touch(x, times):
    for _ in range(times):
        for i in range(x.size):
            x[i] += 1


def divisions(work):
    """As many divisions as there are site-steps, in the first cache."""
    x = rng().random(1024)
    return lambda: divide(x, int(work // 1024))


def divisions_on_two(work):
    """The same on two threads: processors that share a division unit are no faster together."""
    parts = [rng().random(1024) for _ in range(2)]

    def both():
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(divide, parts, [int(work // 2048)] * 2))

    return both


def passes(n, dtype, steps):
    """As many passes over the signal as there are steps, in place."""
    x = np.zeros(n, dtype)
    return lambda: touch(x, steps)


# -- jobs ------------------------------------------------------------------------------------------
def single(name, n, dtype=np.float64):
    steps = max(64, min(2000, int(2e6 // n)))
    u = rng().standard_normal((1, n)).astype(dtype)
    others = {"NumPy tuned": lambda: numpy_steps(u, steps, TAU, NUMPY[name])}
    if name in NAIVE and dtype == np.float64:
        others["Numba plain"] = lambda: NAIVE[name](u[0], steps, TAU)[None]
    if name == "perona_malik":
        others["medpy"] = lambda: medpy_steps(u[0], steps)
    goals = dict.fromkeys(others, AHEAD)
    if name == "rational" and dtype == np.float64:
        others["divisions"] = divisions(steps * n)
        goals["divisions"] = 0.9 if n <= 1000 else 0.8
    elif n == 10_000_000 and name != "perona_malik":
        others["passes"] = passes(n, dtype, steps)
        goals["passes"] = 1.5 if name == "identity" else 1.1
    return Job(f"explicit {name} {np.dtype(dtype).name} N={n}",
               {"stabkit": lambda: stepped(
                    compiled.explicit[CODE[name]], u, steps, TAU, None, SHAPE),
                **others}, steps * n, 1e-12 if dtype == np.float64 else 1e-4, goals,
               f"explicit {name} {np.dtype(dtype).name}", n)


def on_two_threads(n):
    """By the clock on the wall: these figures need a machine with two idle processors."""
    steps = max(128, min(2000, int(2e7 // n)))
    u = rng().standard_normal((1, n))

    def ours(count):
        rows = u.copy()
        in_threads(lambda rows, steps: compiled.explicit[CODE["rational"]](
            rows, steps, TAU, None, SHAPE), rows, steps, True, count)
        return rows

    return Job(f"explicit rational on 2 threads N={n}", {
        "stabkit": lambda: ours(2), "stabkit, 1 thread": lambda: ours(1),
        "NumPy tuned": lambda: numpy_steps(u, steps, TAU, numpy_rational),
        "divisions, 2 threads": divisions_on_two(steps * n)}, steps * n, 1e-12,
        {"NumPy tuned": AHEAD, "divisions, 2 threads": 0.8}, clock=time.perf_counter)


def batch(count, n):
    u, steps = rng().standard_normal((count, n)), 50
    matrix = difference(n)
    return Job(f"explicit rational {count}x{n}", {
        "stabkit": lambda: stepped(compiled.explicit[CODE["rational"]], u, steps, TAU, None, SHAPE),
        "NumPy tuned": lambda: numpy_steps(u, steps, TAU, numpy_rational),
        "scipy.sparse": lambda: sparse_steps(u, steps, TAU, matrix),
        "Numba plain": lambda: np.stack([naive_rational(row, steps, TAU) for row in u]),
        "divisions": divisions(count * n * steps),
    }, count * n * steps, 1e-12,
        {"NumPy tuned": AHEAD, "scipy.sparse": AHEAD, "Numba plain": AHEAD, "divisions": 0.8})


def higher_order(order, n=100_000):
    u, steps = rng().standard_normal((1, n)), 20
    matrix = difference(n, order)
    taps = tuple(float((-1) ** (order - j) * comb(order, j)) for j in range(order + 1))
    K = (NATURAL, taps)
    tau = 1 / 4**order
    return Job(f"explicit rational order {order} N={n}", {
        "stabkit": lambda: stepped(explicit[CODE["rational"]], u, steps, tau, K, SHAPE),
        "scipy.sparse": lambda: sparse_steps(u, steps, tau, matrix),
    }, n * steps, 1e-12, {"scipy.sparse": AHEAD})


def fsi_cycle(n=10_000, steps=100):
    u = rng().standard_normal((1, n))

    def with_numpy():
        v = u[0].copy()
        old, flux = v.copy(), np.zeros(n + 1)
        s, scratch = np.empty(n - 1), np.empty(n - 1)
        for step in range(steps):
            a = (4 * step + 2) / (2 * step + 3)
            np.subtract(v[1:], v[:-1], out=s)
            numpy_rational(s, scratch, flux[1:-1])
            down = v + TAU * np.diff(flux)
            v, old = a * down + (1 - a) * old, v
        return v[None]

    return Job(f"FSI cycle rational N={n}", {
        "stabkit": lambda: stepped(compiled.fsi[CODE["rational"]], u, steps, TAU, None, SHAPE),
        "NumPy": with_numpy, "divisions": divisions(n * steps)}, n * steps, 1e-9,
        {"NumPy": AHEAD, "divisions": 0.65}, "FSI cycle", n)


def jobs():
    """The jobs of this room, made when they are wanted."""
    for n in (1000, 10_000, 100_000, 1_000_000, 10_000_000):
        yield lambda n=n: single("rational", n)
    for n in (100_000, 1_000_000, 10_000_000):
        yield lambda n=n: on_two_threads(n)
    yield lambda: single("identity", 10_000_000)
    yield lambda: single("rational", 10_000_000, np.float32)
    for n in (1000, 100_000, 1_000_000, 10_000_000):
        yield lambda n=n: single("perona_malik", n)
    for count, n in ((2000, 64), (2500, 100), (64, 4096)):
        yield lambda count=count, n=n: batch(count, n)
    for order in (2, 3, 4):
        yield lambda order=order: higher_order(order)
    for n in (1000, 10_000, 100_000):
        yield lambda n=n: fsi_cycle(n)
