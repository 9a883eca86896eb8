"""The compiled search with every flux: a file of its own, as each flux is compiled for it."""

import numpy as np
import pytest
from plain_loops import SHAPE, compressed, difference_rows

from stabkit.kernels import draws, margins, search
from stabkit.kernels.fluxes import FLUXES, phi
from stabkit.kernels.linear import NATURAL

N, TAU, SEED = 9, 0.4, 11


@pytest.mark.slow
@pytest.mark.parametrize("code", range(len(FLUXES)))
def test_search_takes_every_flux_by_its_code(code):
    """The worst margin is 1 − ‖v‖²/‖u‖² of its trial, v = u − τKᵀΦ(K u) with K the differences."""
    K = compressed(difference_rows(N, NATURAL, 1.0), N, np.float64)
    worst, trial = search.worst_of(code, search.EXPLICIT, N, 1, TAU, K, SHAPE, margins.EUCLIDEAN,
                                    SEED, (0, 200))
    u = draws.draw(SEED, trial, N)
    s = np.empty(N - 1)
    phi[code](np.diff(u), s, SHAPE)
    v = u + TAU * np.diff(s, prepend=0, append=0)
    assert abs(worst - (1 - np.sum(v**2) / np.sum(u**2))) <= 1e-12 * max(1, abs(worst))
