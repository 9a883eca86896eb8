"""Mass random search in one compiled loop, for the schemes that have one.

A trial is a function of the seed and its number, so the worst one is drawn again from two
integers, and the result does not depend on how the trials are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

from stabkit.backend import born, namespace, raw_kernel, to_host
from stabkit.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, Notion
from stabkit.schemes import FSI, Explicit, FixedPoint, Scheme
from stabkit.schemes.fused import TANH, source, tables
from stabkit.schemes.twins import csr_form, shape_form

# From so many trials on it pays to load, and perhaps compile, the loop.
WORTH_COMPILING = 50_000
_CHUNK = 1 << 16
# On a GPU: blocks of threads, trials in one launch, and the longest signal that a thread holds.
_BLOCKS, _THREADS, _FUSED_CHUNK, _LONGEST = 1024, 128, 1 << 22, 128
_NOTIONS = {EUCLIDEAN: 0, CONTRACTION: 1, RANGE: 2, SIGN: 3}


def has_compiled_search(scheme: Scheme, notion: Notion) -> bool:
    """Whether the compiled loop knows the scheme, its flux and the notion."""
    known = isinstance(scheme, (Explicit, FixedPoint, FSI)) and notion in _NOTIONS
    return known and not getattr(scheme, "printed", False) and scheme.flux.kernel is not None


def worst_trials(scheme: Scheme, notion: Notion, trials: int, seed: int
                 ) -> Iterator[tuple[float, tuple[np.ndarray, ...]]]:
    """The worst margin of every chunk of trials, with the signals that have it.

    Parameters
    ----------
    scheme, notion
        For which :func:`has_compiled_search` holds.
    trials, seed : int
    """
    loop, draws = (import_module(f"stabkit.kernels.{room}") for room in ("search", "draws"))
    named = {Explicit: loop.EXPLICIT, FixedPoint: loop.FIXED_POINT}.get(
        type(scheme), loop.FROZEN_FSI if getattr(scheme, "frozen", False) else loop.FSI)
    told = named, getattr(scheme, "length", getattr(scheme, "iterations", 1)), float(scheme.tau)
    margins = born(np.zeros(_BLOCKS))  # where it is born decides what looks through the trials
    fused = _fused(scheme, margins)
    K = None if fused else csr_form(scheme.K, np.dtype(float))
    chunk = _FUSED_CHUNK if fused else _CHUNK
    for first in range(0, trials, chunk):
        part = first, min(chunk, trials - first)
        margin, trial = _worst(fused, scheme, margins, (*told, _NOTIONS[notion], seed, *part)) \
            if fused else loop.search[scheme.flux.kernel[0]](
                scheme.size, told, K, shape_form(scheme.flux), _NOTIONS[notion], seed, part)
        if trial >= 0:
            pair = draws.draw_pair(seed, trial, scheme.size)
            yield float(margin), pair[:notion.signals]


def _fused(scheme: Scheme, margins: Any) -> Any:
    """The kernel of a GPU that draws, steps and measures; None where there is none."""
    m, n = scheme.K.shape
    if scheme.flux.kernel[0] == TANH or max(m, n) > _LONGEST:
        return None
    options = ("--fmad=false", f"-DFLUX={scheme.flux.kernel[0]}", "-DREAL=double", f"-DN={n}",
               f"-DM={m}")
    return raw_kernel(margins, source("search.cu"), "search", options)


def _worst(fused: Any, scheme: Scheme, margins: Any, numbers: tuple) -> tuple[float, int]:
    """The worst margin of the trials, and the first trial with it; (inf, -1) if there is none."""
    xp, (name, steps, tau, *rest) = namespace(margins), numbers
    trials = xp.zeros(margins.shape, dtype=xp.int64)
    K = tables(scheme.K, lambda dtype: csr_form(scheme.K, dtype), margins)
    fused(margins.shape[0], _THREADS,
          (margins, trials, np.int64(name), np.int64(steps), np.float64(tau), *K,
           *map(np.float64, shape_form(scheme.flux)), *map(np.int64, rest)), 16 * _THREADS)
    worst, where = to_host(margins), to_host(trials)
    found = where[(worst == worst.min()) & (where >= 0)]
    return float(worst.min()), int(found.min()) if found.size else -1
