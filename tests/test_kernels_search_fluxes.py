"""The compiled search by the codes of fluxes: a file of its own, as each is compiled for it."""

import numpy as np
import pytest
from plain_loops import CODE, SHAPE, compressed, difference_rows

from stabkit.kernels import draws, margins, search
from stabkit.kernels.fluxes import FLUXES, phi
from stabkit.kernels.linear import NATURAL

N, TAU, SEED = 9, 0.4, 11


def test_search_knows_the_fluxes_by_the_codes_of_the_others():
    assert search.stepped.members["flux"] is FLUXES is phi.members["flux"]


@pytest.mark.slow
@pytest.mark.parametrize("code", [CODE["identity"], CODE["perona_malik"], len(FLUXES) - 1])
def test_search_takes_a_flux_by_its_code(code):
    """The worst margin is 1 − ‖v‖²/‖u‖² of its trial, v = u − τKᵀΦ(K u) with K the differences."""
    K = compressed(difference_rows(N, NATURAL, 1.0), N, np.float64)
    worst, trial = search.worst_of(code, search.EXPLICIT, N, 1, TAU, K, SHAPE, margins.EUCLIDEAN,
                                    SEED, (0, 200))
    u = draws.draw(SEED, trial, N)
    s = np.empty(N - 1)
    phi[code](np.diff(u), s, SHAPE)
    v = u + TAU * np.diff(s, prepend=0, append=0)
    assert abs(worst - (1 - np.sum(v**2) / np.sum(u**2))) <= 1e-12 * max(1, abs(worst))
