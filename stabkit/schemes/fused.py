"""Fused kernels for the schemes' arrays that live on a GPU, many steps in a launch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.backend import namespace
from stabkit.codes import BendCode, FluxCode, SchemeCode
from stabkit.launcher import SHARED, THREADS, Launcher, adjacent, contiguous_copy, host_dtype, real
from stabkit.operators import Operator

EXPLICIT, FSI, FROZEN_FSI, FIXED_POINT = SchemeCode
SITES = 8  # of one thread, in tiles.cu
WIDTH = 2048  # sites of a block, in haar.cu
STEPS = 32  # of one launch over signals that are longer than a block

_tables: WeakKeyDictionary[Operator, dict] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Job:
    """Steps of one of the four schemes.

    Attributes
    ----------
    scheme : SchemeCode
    K : Operator
    csr : callable
        dtype ↦ the six arrays of K and its adjoint.
    spacing : float or None
        1/h if K is the reflecting first difference.
    flux : (FluxCode, float, float)
        Code and shape.
    tau : float
    steps : int
    """

    scheme: SchemeCode
    K: Operator
    csr: Callable[[np.dtype], tuple[np.ndarray, ...]]
    spacing: float | None
    flux: tuple[FluxCode, float, float]
    tau: float
    steps: int


def run(job: Job, u: Signal) -> Signal:
    """The result of the steps, or None where no fused kernel fits the library of u or the flux."""
    if job.flux[0] == FluxCode.TANH or not u.size:
        return None
    file, more = ("steps.cu", {}) if job.spacing is None else ("tiles.cu", {"SCHEME": job.scheme})
    launch = Launcher.of(u, file, FLUX=job.flux[0], REAL=real(u), **more)
    if launch is None:
        return None
    shape, size = (u.size // u.shape[-1], u.shape[-1]), host_dtype(u).itemsize
    if job.spacing is not None:
        rows = _in_tiles(job, launch, adjacent(u, shape))
    elif 2 * sum(job.K.shape) * size <= SHARED:
        rows = contiguous_copy(u, shape)
        _in_blocks(job, launch, rows)
    else:
        rows = _in_pairs(job, launch, contiguous_copy(u, shape))
    return namespace(u).reshape(rows, u.shape)


def _in_tiles(job: Job, launch: Launcher, start: Signal) -> Signal:
    """The first difference, sites in registers.

    A block takes whole signals through all steps in one launch; of longer signals it takes a part
    with a halo through STEPS of them.
    """
    xp, n = namespace(start), start.shape[-1]
    tau, r, *shape = map(host_dtype(start).type, (job.tau, job.spacing, *job.flux[1:]))
    block, cycle = THREADS * SITES, job.scheme in (FSI, FROZEN_FSI)
    most = job.steps if n <= block else STEPS
    x = old = start  # which is read only
    for first in range(0, job.steps, most):
        steps = min(most, job.steps - first)
        halo = 0 if n <= block else steps
        home = block // n * n if n <= block else block - 2 * halo
        after = xp.empty_like(x)
        before = xp.empty_like(x) if cycle else start
        launch("tiles", -(-x.size // home), THREADS, x, after, old, before, start, n, x.size, first,
               steps, home, halo, tau, r, *shape,
               shared=THREADS * (SITES + 5) * host_dtype(x).itemsize)
        x, old = after, before
    return x


def _in_blocks(job: Job, launch: Launcher, rows: Signal) -> None:
    """Short signals with any K, in place: a block for each, all steps in one launch."""
    m, n = job.K.shape
    tau, *shape = map(host_dtype(rows).type, (job.tau, *job.flux[1:]))
    launch("rows", rows.shape[0], min(THREADS, -(-max(m, n) // 32) * 32), rows, n, m, job.scheme,
           job.steps, tau, *tables(job.K, job.csr, rows), *shape,
           shared=2 * (n + m) * host_dtype(rows).itemsize)


def _in_pairs(job: Job, launch: Launcher, x: Signal) -> Signal:
    """Long signals with any K: two launches for a step, one thread for an entry."""
    xp, (m, n), count = namespace(x), job.K.shape, x.shape[0]
    tau, *shape = map(host_dtype(x).type, (job.tau, *job.flux[1:]))
    K, Kt = tables(job.K, job.csr, x)[:3], tables(job.K, job.csr, x)[3:]
    f, frozen = xp.empty((count, m), dtype=x.dtype), job.scheme == FROZEN_FSI
    g = xp.empty_like(f) if frozen else f
    start = x if job.scheme == EXPLICIT else contiguous_copy(x, x.shape)

    def bend(to: Any, what: BendCode) -> None:
        launch("bend", -(-count * m // THREADS), THREADS, x, to, g, what, count, n, m, *K, *shape)

    if frozen:
        bend(g, BendCode.DIFFUSIVITIES)
    extrapolate = job.scheme in (FSI, FROZEN_FSI)
    for step in range(job.steps):
        bend(f, BendCode.SCALED if frozen else BendCode.FLUXES)
        to, source = (start, x) if extrapolate else (x, start)
        launch("descend", -(-count * n // THREADS), THREADS, to, source, f, int(extrapolate), step,
               count, n, m, tau, *Kt)
        if extrapolate:
            x, start = start, x
    return x


def shrinkage(flux: tuple[FluxCode, float, float], weight: float, periodic: bool, f: Signal,
              steps: int) -> Signal:
    """Steps of shift-invariant Haar shrinkage with S(r) = r − weight Φ(r), or None as `run`."""
    launch = None if flux[0] == FluxCode.TANH or not f.size else \
        Launcher.of(f, "haar.cu", FLUX=flux[0], REAL=real(f))
    if launch is None:
        return None
    xp, n, typed = namespace(f), f.shape[-1], host_dtype(f).type
    rows = adjacent(f, (f.size // n, n))
    for first in range(0, steps, STEPS):
        halo = min(STEPS, steps - first)
        width = min(WIDTH, -(-(n + 2 * halo) // 32) * 32)
        after = xp.empty_like(rows)
        launch("haar", f.size // n * -(-n // (width - 2 * halo)), min(THREADS, width), rows, after,
               n, int(periodic), halo, width, *map(typed, (weight, *flux[1:])),
               shared=2 * width * host_dtype(f).itemsize)
        rows = after
    return xp.reshape(rows, f.shape)


def tables(K: Operator, csr: Callable[[np.dtype], tuple[np.ndarray, ...]], beside: Signal
           ) -> tuple[Signal, ...]:
    """The six arrays of K on the device and in the dtype of `beside`, made once."""
    xp, dtype = namespace(beside), host_dtype(beside)
    known = _tables.setdefault(K, {})
    key = xp.__name__, dtype.str, str(beside.device)
    if key not in known:
        known[key] = tuple(map(xp.asarray, csr(dtype)))
    return known[key]
