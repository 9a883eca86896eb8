"""Fused kernels for the schemes' arrays that live on a GPU, many steps in a launch.

The sources are in ``stabkit/kernels/cuda``; they compute what the loops of ``stabkit/kernels`` do,
in the same order and without contraction, so with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from stabkit.backend import namespace, raw_kernel
from stabkit.operators import Operator

EXPLICIT, FSI, FROZEN_FSI, FIXED_POINT = range(4)
FLUXES, SCALED, DIFFUSIVITIES = range(3)  # what `bend` writes
TANH = 9  # of the host's library; it has no fused kernel
THREADS = 256
SITES = 8  # of one thread, in tiles.cu
SHARED = 48 * 1024  # bytes of shared memory that every GPU gives a block
STEPS = 32  # of one launch over long signals

_SOURCES = Path(__file__).parents[1] / "kernels" / "cuda"
_tables: WeakKeyDictionary[Operator, dict] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Job:
    """Steps of one of the four schemes.

    Attributes
    ----------
    scheme : int
    K : Operator
    csr : callable
        dtype ↦ the six arrays of K and its adjoint.
    spacing : float or None
        1/h if K is the reflecting first difference.
    flux : (int, float, float)
        Code and shape.
    tau : float
    steps : int
    """

    scheme: int
    K: Operator
    csr: Callable[[np.dtype], tuple[np.ndarray, ...]]
    spacing: float | None
    flux: tuple[int, float, float]
    tau: float
    steps: int


def shrinkage(flux: tuple[int, float, float], periodic: bool, f: Any) -> Any:
    """Shift-invariant Haar shrinkage with S(r) = r − Φ(r), or None as for :func:`run`."""
    launcher = None if flux[0] == TANH or not f.size else _Launcher.of(flux, 0.0, f)
    if launcher is None:
        return None
    xp, n = namespace(f), f.shape[-1]
    rows = launcher.adjacent(f, (f.size // n, n))
    u = xp.empty_like(rows)
    launcher("haar.cu", "haar", -(-f.size // THREADS), THREADS, 0, rows, u, f.size // n, n,
             int(periodic), *launcher.shape)
    return xp.reshape(u, f.shape)


def run(job: Job, u: Any) -> Any:
    """What the steps make of u, or None where no fused kernel fits its library or the flux."""
    launcher = None if job.flux[0] == TANH or not u.size else _Launcher.of(job.flux, job.tau, u)
    if launcher is None:
        return None
    shape = u.size // u.shape[-1], u.shape[-1]
    (m, n), size = job.K.shape, launcher.dtype.itemsize
    if (2 * n + 2 * m) * size <= SHARED:
        rows = launcher.copy(u, shape)
        _in_blocks(job, launcher, rows)
    elif job.spacing is not None and job.scheme != FIXED_POINT:
        rows = _in_tiles(job, launcher, launcher.adjacent(u, shape))
    else:
        rows = _in_pairs(job, launcher, launcher.copy(u, shape))
    return namespace(u).reshape(rows, u.shape)


def _in_blocks(job: Job, launcher: _Launcher, rows: Any) -> None:
    """Short signals: a block for each."""
    m, n = job.K.shape
    threads = min(THREADS, -(-max(m, n) // 32) * 32)
    launcher("steps.cu", "rows", rows.shape[0], threads, (2 * n + 2 * m) * launcher.dtype.itemsize,
             rows, n, m, job.scheme, job.steps, launcher.tau, *tables(job.K, job.csr, rows),
             *launcher.shape)


def _in_tiles(job: Job, launcher: _Launcher, start: Any) -> Any:
    """Long signals with the first difference: tiles that overlap, STEPS steps in a launch."""
    xp, (count, n) = namespace(start), start.shape
    r = launcher.dtype.type(job.spacing)
    x = old = start  # which is read only
    for first in range(0, job.steps, STEPS):
        steps = min(STEPS, job.steps - first)
        home = THREADS * SITES - 2 * steps
        after = xp.empty_like(x)
        before = after if job.scheme == EXPLICIT else xp.empty_like(x)
        launcher("tiles.cu", "tiles", count * -(-n // home), THREADS,
                 4 * THREADS * launcher.dtype.itemsize, x, after, old, before, start, n,
                 job.scheme, first, steps, launcher.tau, r, *launcher.shape)
        x, old = after, before
    return x


def _in_pairs(job: Job, launcher: _Launcher, x: Any) -> Any:
    """Long signals with any K: two launches for a step, one thread for an entry."""
    xp, (m, n), count = namespace(x), job.K.shape, x.shape[0]
    K, Kt = tables(job.K, job.csr, x)[:3], tables(job.K, job.csr, x)[3:]
    f = xp.empty((count, m), dtype=x.dtype)
    g = xp.empty_like(f) if job.scheme == FROZEN_FSI else f
    start = x if job.scheme == EXPLICIT else launcher.copy(x, x.shape)

    def bend(to: Any, what: int) -> None:
        launcher("steps.cu", "bend", -(-count * m // THREADS), THREADS, 0, x, to, g, what, count,
                 n, m, *K, *launcher.shape)

    if job.scheme == FROZEN_FSI:
        bend(g, DIFFUSIVITIES)
    extrapolate = job.scheme in (FSI, FROZEN_FSI)
    for step in range(job.steps):
        bend(f, SCALED if job.scheme == FROZEN_FSI else FLUXES)
        to, source = (start, x) if extrapolate else (x, start)
        launcher("steps.cu", "descend", -(-count * n // THREADS), THREADS, 0, to, source, f,
                 int(extrapolate), step, count, n, m, launcher.tau, *Kt)
        if extrapolate:
            x, start = start, x
    return x


def tables(K: Operator, csr: Callable[[np.dtype], tuple[np.ndarray, ...]], beside: Any
           ) -> tuple[Any, ...]:
    """The six arrays of K where `beside` lives, in its dtype, made once."""
    xp = namespace(beside)
    dtype = np.dtype(np.float64 if beside.dtype == xp.float64 else np.float32)
    known = _tables.setdefault(K, {})
    key = xp.__name__, dtype.str, str(beside.device)
    if key not in known:
        known[key] = tuple(map(xp.asarray, csr(dtype)))
    return known[key]


class _Launcher:
    """Kernels of one flux and one dtype, and the numbers that all of them take."""

    def __init__(self, shape: tuple[float, float], tau: float, dtype: np.dtype,
                 compiled: Callable[[str, str], Any]):
        self.dtype, self._compiled = dtype, compiled
        self.tau = dtype.type(tau)
        self.shape = tuple(map(dtype.type, shape))

    @classmethod
    def of(cls, flux: tuple[int, float, float], tau: float, u: Any) -> _Launcher | None:
        double = u.dtype == namespace(u).float64
        options = ("--fmad=false", f"-DFLUX={flux[0]}",
                   f"-DREAL={'double' if double else 'float'}")

        def compiled(file: str, name: str) -> Any:
            return raw_kernel(u, source(file), name, options)

        dtype = np.dtype(np.float64 if double else np.float32)
        return None if compiled("steps.cu", "rows") is None else \
            cls(flux[1:], tau, dtype, compiled)

    def __call__(self, file: str, name: str, blocks: int, threads: int, shared: int,
                 *arguments: Any) -> None:
        typed = tuple(np.int64(value) if isinstance(value, int) else value for value in arguments)
        self._compiled(file, name)(blocks, threads, typed, shared)

    def adjacent(self, u: Any, shape: tuple[int, ...]) -> Any:
        """u itself if its entries are known to be adjacent, else a copy."""
        known = getattr(u, "flags", None)
        return namespace(u).reshape(u, shape) if known is not None and known.c_contiguous else \
            self.copy(u, shape)

    def copy(self, u: Any, shape: tuple[int, ...]) -> Any:
        """A copy with adjacent entries."""
        xp = namespace(u)
        made = xp.empty(shape, dtype=u.dtype)
        made[...] = xp.reshape(u, shape)
        return made


@cache
def source(file: str) -> str:
    """A source with the text of its headers in their places."""
    lines = []
    for line in (_SOURCES / file).read_text("utf-8").splitlines():
        header = line.removeprefix("#include ").strip('"')
        lines.append(line if header == line else source(header))
    return "\n".join(lines) + "\n"
