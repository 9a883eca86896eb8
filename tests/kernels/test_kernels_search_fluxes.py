"""The compiled search by the codes of fluxes: a file of its own, as each is compiled for it."""

import numpy as np
import pytest
from plain_loops import SHAPE, compressed, difference_rows

from stabkit.codes import FluxCode, NotionCode, SchemeCode
from stabkit.kernels import draws, search
from stabkit.kernels.fluxes import FLUXES, phi
from stabkit.kernels.linear import NATURAL

N, TAU, SEED = 9, 0.4, 11


def test_search_knows_the_fluxes_by_the_codes_of_the_others():
    """And a code has the name of its flux, or of its steps."""
    assert [flux.__name__ for flux in FLUXES] == [code.name.lower() for code in FluxCode]
    assert [steps.__name__ for steps in search.SCHEMES] == [
        f"{code.name.lower()}_steps" for code in SchemeCode]
    assert search.stepped.members["flux"] is FLUXES is phi.members["flux"]


@pytest.mark.slow
@pytest.mark.parametrize("code", FluxCode, ids=lambda code: code.name.lower())
def test_search_takes_every_flux_by_its_code(code):
    """The worst margin is 1 − ‖v‖²/‖u‖² of its trial, v = u − τKᵀΦ(K u) with K the differences."""
    K = compressed(difference_rows(N, NATURAL, 1.0), N, np.float64)
    worst, trial = search.worst_of(code, SchemeCode.EXPLICIT, N, 1, TAU, K, SHAPE,
                                    NotionCode.EUCLIDEAN, SEED, (0, 200))
    u = draws.draw(SEED, trial, N)
    s = np.empty(N - 1)
    phi[code](np.diff(u), s, SHAPE)
    v = u + TAU * np.diff(s, prepend=0, append=0)
    assert abs(worst - (1 - np.sum(v**2) / np.sum(u**2))) <= 1e-12 * max(1, abs(worst))
