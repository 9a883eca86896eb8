"""Mass random search in one compiled loop, for the schemes that have one.

A trial is a function of the seed and its number, so the worst one is drawn again from two
integers, and the result does not depend on how the trials are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from stabkit.falsify import fused_trials
from stabkit.notions import Notion
from stabkit.schemes import FSI, Explicit, FixedPoint, Scheme, threads
from stabkit.schemes.fused import EXPLICIT, FIXED_POINT, FROZEN_FSI
from stabkit.schemes.fused import FSI as FREE_FSI
from stabkit.schemes.twins import csr_form, shape_form, spacing

# From so many trials on it pays to load, and perhaps compile, the loop.
WORTH_COMPILING = 1_000_000
_CHUNK = 1 << 16


def has_compiled_search(scheme: Scheme, notion: Notion) -> bool:
    """Whether the compiled loop knows the scheme, its flux and the notion."""
    if not scheme.certifiable or notion.kernel is None:
        return False
    known = isinstance(scheme, (Explicit, FixedPoint)) or (
        isinstance(scheme, FSI) and not scheme.printed)
    return known and scheme.flux.kernel is not None


def worst_trials(scheme: Scheme, notion: Notion, trials: int, seed: int
                 ) -> Iterator[tuple[float, tuple[np.ndarray, ...]]]:
    """The worst margin of every chunk of trials, with the signals that have it.

    Parameters
    ----------
    scheme, notion
        For which :func:`has_compiled_search` holds.
    trials, seed : int
    """
    from stabkit.kernels.draws import draw_pair  # Numba is loaded when a loop is to run

    task = scheme, notion.kernel, _steps(scheme)
    look = fused_trials.kernel(*task) or _loop(*task)
    for margin, trial in look(seed, trials, _CHUNK):
        if trial >= 0:
            pair = draw_pair(seed, trial, scheme.size)
            yield float(margin), pair[:notion.signals]


def _steps(scheme: Scheme) -> tuple[int, int, float]:
    if isinstance(scheme, FSI):
        named = FROZEN_FSI if scheme.frozen else FREE_FSI
    else:
        named = EXPLICIT if isinstance(scheme, Explicit) else FIXED_POINT
    return named, scheme.inner_steps, float(scheme.tau)


def _loop(scheme: Scheme, notion: int, steps: tuple[int, int, float]
          ) -> Callable[[int, int, int], Iterator[tuple[float, int]]]:
    """The compiled loop for the host, chunk by chunk."""
    from stabkit.kernels.search import worst_of  # as above

    named, length, tau = steps
    r = None if named == FROZEN_FSI else spacing(scheme.K)
    K = csr_form(scheme.K, np.dtype(float)) if r is None else (None if r == 1 else r,)

    def chunks(seed: int, trials: int, chunk: int) -> Iterator[tuple[float, int]]:
        def look(first: int) -> tuple[float, int]:
            return worst_of(scheme.flux.kernel[0], named, scheme.size, length, tau, K,
                            shape_form(scheme.flux), notion, seed,
                            (first, min(chunk, trials - first)))

        with ThreadPoolExecutor(threads.count()) as pool:  # a search holds no lock
            yield from pool.map(look, range(0, trials, chunk))

    return chunks
