"""Mass random search in one compiled loop, for the schemes that have one.

A trial is a function of the seed and its number, so the worst one is drawn again from two
integers, and the result does not depend on how the trials are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import numpy as np

from stabkit.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, Notion
from stabkit.schemes import FSI, Explicit, FixedPoint, Scheme
from stabkit.schemes.twins import csr_form, shape_form, spacing_of

# From so many trials on it pays to load, and perhaps compile, the loop.
WORTH_COMPILING = 50_000
_CHUNK = 1 << 16
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
    steps = getattr(scheme, "length", getattr(scheme, "iterations", 1))
    search = loop.search[scheme.flux.kernel[0]]
    spacing = None if named == loop.FROZEN_FSI else spacing_of(scheme.K)
    K = csr_form(scheme.K, np.dtype(float)) if spacing is None else \
        (None if spacing == 1 else spacing,)
    for first in range(0, trials, _CHUNK):
        margin, trial = search(
            scheme.size, (named, steps, float(scheme.tau)), K, shape_form(scheme.flux),
            _NOTIONS[notion], seed, (first, min(_CHUNK, trials - first)))
        if trial >= 0:
            pair = draws.draw_pair(seed, trial, scheme.size)
            yield float(margin), pair[:notion.signals]
