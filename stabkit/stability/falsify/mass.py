"""Mass random search in one compiled loop, for the schemes that have one.

A trial is a function of the seed and its number, so the worst one is drawn again from two
integers, and the result does not depend on how the trials are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeGuard

import numpy as np

from stabkit.codes import NotionCode, SchemeCode
from stabkit.errors import require_value
from stabkit.schemes import FSI, DiffusionScheme, Explicit, FixedPoint, Scheme, threads
from stabkit.schemes.twins import code_of, csr_form, shape_form, spacing
from stabkit.stability.falsify import fused_trials
from stabkit.stability.notions import Notion

# From so many trials on it pays to load, and perhaps compile, the loop.
WORTH_COMPILING = 1_000_000
_CHUNK = 1 << 16


def has_compiled_search(scheme: Scheme, notion: Notion) -> TypeGuard[DiffusionScheme]:
    """Whether the compiled loop knows the scheme, its flux and the notion."""
    if not scheme.certifiable or notion.kernel is None:
        return False
    return isinstance(scheme, Explicit | FixedPoint | FSI) and scheme.flux.kernel is not None and \
        not (isinstance(scheme, FSI) and scheme.printed)


def worst_trials(scheme: DiffusionScheme, notion: Notion, trials: int, seed: int
                 ) -> Iterator[tuple[float, tuple[np.ndarray, ...]]]:
    """The worst margin of every chunk of trials, with the signals that have it.

    Parameters
    ----------
    scheme, notion
        For which :func:`has_compiled_search` holds.
    trials, seed : int
    """
    from stabkit.kernels.draws import draw_pair  # loads Numba

    code = require_value(notion.kernel, f"{notion.name}: has no compiled margin")
    job = scheme, code, _steps(scheme)
    look = fused_trials.kernel(*job) or _loop(*job)
    for margin, trial in look(seed, trials, _CHUNK):
        if trial >= 0:
            pair = draw_pair(seed, trial, scheme.size)
            yield float(margin), pair[:notion.signals]


def _steps(scheme: DiffusionScheme) -> tuple[SchemeCode, int, float]:
    if isinstance(scheme, FSI):
        code = SchemeCode.FROZEN_FSI if scheme.frozen else SchemeCode.FSI
    else:
        code = SchemeCode.EXPLICIT if isinstance(scheme, Explicit) else SchemeCode.FIXED_POINT
    return code, scheme.inner_steps, float(scheme.tau)


def _loop(scheme: DiffusionScheme, notion: NotionCode, steps: tuple[SchemeCode, int, float]
          ) -> Callable[[int, int, int], Iterator[tuple[float, int]]]:
    """The compiled loop for the host, chunk by chunk."""
    from stabkit.kernels.search import worst_of  # loads Numba

    code, length, tau = steps
    r = None if code == SchemeCode.FROZEN_FSI else spacing(scheme.K)
    K = csr_form(scheme.K, np.dtype(float)) if r is None else (None if r == 1 else r,)

    def chunks(seed: int, trials: int, chunk: int) -> Iterator[tuple[float, int]]:
        def look(first: int) -> tuple[float, int]:
            return worst_of(code_of(scheme.flux), code, scheme.size, length, tau, K,
                            shape_form(scheme.flux), notion, seed,
                            (first, min(chunk, trials - first)))

        with ThreadPoolExecutor(threads.count()) as pool:  # a search holds no lock
            yield from pool.map(look, range(0, trials, chunk))

    return chunks
