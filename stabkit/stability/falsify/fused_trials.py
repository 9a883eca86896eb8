"""The trials of the mass search by one fused kernel, which draws, steps and measures on a GPU.

They are the trials of the loop for the host, and their margins have the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd
from typing import Any

import numpy as np

from stabkit.arithmetic.backend import from_host, namespace, to_host
from stabkit.codes import FluxCode, NotionCode, SchemeCode
from stabkit.launcher import Launcher
from stabkit.schemes import DiffusionScheme
from stabkit.schemes.fused import tables
from stabkit.schemes.twins import csr_form, shape_form, spacing

THREADS = 128  # of a block: trials of one kind, so no two of a warp part ways
TRIALS = 4096  # of a block
BLOCKS = 1024  # of a launch, after which the host looks at what was found
LONGEST = 128  # samples that a thread holds


def kernel(scheme: DiffusionScheme, notion: NotionCode, steps: tuple[SchemeCode, int, float]
           ) -> Callable[[int, int, int], Iterator[tuple[float, int]]] | None:
    """The search of a scheme where new arrays are made, or None where no kernel does it.

    Parameters
    ----------
    scheme : DiffusionScheme
    notion : NotionCode
    steps : (SchemeCode, int, float)
        The scheme, how many steps, and τ.

    Returns
    -------
    callable or None
        (seed, trials, chunk) ↦ for each chunk of trials the worst margin and the first trial with
        it, (inf, -1) if none has a margin.
    """
    (m, n), (code, length, tau), known = scheme.K.shape, steps, scheme.flux.kernel
    if known is None or known[0] == FluxCode.TANH or max(m, n) > LONGEST:
        return None
    place, width = from_host(np.zeros(1)), spacing(scheme.K)
    launch = Launcher.of(place, "search.cu", FLUX=known[0], REAL="double", N=n, M=m,
                         SCHEME=code, NOTION=notion, DIFFERENCE=int(width is not None))
    if launch is None:
        return None
    K = tables(scheme.K, lambda dtype: csr_form(scheme.K, dtype), place)
    given = (length, np.float64(tau), np.float64(width or 0), *K,
             *map(np.float64, shape_form(scheme.flux)))

    def chunks(seed: int, trials: int, chunk: int) -> Iterator[tuple[float, int]]:
        each = gcd(TRIALS, chunk)
        per_chunk = chunk // each  # blocks
        together = chunk * max(1, BLOCKS // per_chunk)
        for first in range(0, trials, together):
            end = min(trials, first + together)
            worst, where = _worst(launch, place, given, (seed, first, each, end))
            for at in range(0, worst.size, per_chunk):
                yield _first(worst[at:at + per_chunk], where[at:at + per_chunk])

    return chunks


def _worst(launch: Launcher, place: Any, given: tuple[Any, ...], part: tuple[int, int, int, int]
           ) -> tuple[np.ndarray, np.ndarray]:
    """The worst margin of each block, and the first trial with it."""
    xp, (_, first, each, end) = namespace(place), part
    blocks = -(-(end - first) // each)
    worst, where = xp.empty(blocks, dtype=xp.float64), xp.empty(blocks, dtype=xp.int64)
    launch("search", blocks, THREADS, worst, where, *given, *part, shared=16 * THREADS)
    return to_host(worst), to_host(where)


def _first(worst: np.ndarray, where: np.ndarray) -> tuple[float, int]:
    """The worst of some blocks; the trials of a block come before those of the next."""
    at = int(np.argmin(worst))
    return float(worst[at]), int(where[at])
