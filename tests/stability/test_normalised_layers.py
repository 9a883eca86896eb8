"""Parabolic layers with a total variation normalisation: how long their steps may be."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.operators import from_matrix, stable_step
from stabkit.schemes import ForwardEuler, SymmetricLayer, TotalVariation
from stabkit.stability.certificates import certify
from stabkit.stability.confirmation import confirm_all
from stabkit.stability.decide import decide
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN
from stabkit.stability.property import Stable
from stabkit.stability.verdict import REFUTED

# Two pixels of two channels: rows (channel, pixel).
K = from_matrix([[1, -1, 0], [0, 1, -1], [2, 1, 0], [0, 2, 1]])
SCALE = [3, 3, Fraction(1, 2), Fraction(1, 2)]
EPS = Fraction(1, 16)


def layer(flux, ratio, scale=SCALE, bias=None, eps=EPS):
    """The step is `ratio` of 2√ε/(c max s ‖K‖²) with √ε = 1/4, max s = 3 and c = 1."""
    tau = Fraction(ratio) * stable_step(K) / 12
    return ForwardEuler(SymmetricLayer(K, flux, TotalVariation(eps, 2), scale, bias), tau)


@pytest.mark.slow
@pytest.mark.parametrize("flux", [fluxes.relu(), fluxes.soft(), fluxes.charbonnier(),
                                  fluxes.garrote(), fluxes.identity()], ids=str)
def test_the_step_is_certified_up_to_its_bound(flux):
    """Φ(s ⊙ N(y)) = D y with D diagonal, 0 <= D <= max s/√ε: I − τKᵀDK has norm at most 1 for the
    sixteen vertices D, by LAPACK, and so for all D between them."""
    scheme = layer(flux, 1)
    assert confirm_all(certify(scheme, EUCLIDEAN)) is not None
    assert certify(layer(flux, "1001/1000"), EUCLIDEAN) is None
    matrix, tau = np.asarray(K.exact(), dtype=float), float(scheme.tau)
    for corner in product((0, 12), repeat=4):
        step = np.eye(3) - tau * matrix.T @ np.diag(corner) @ matrix
        assert np.linalg.norm(step, 2) <= 1 + 1e-12
    u = np.random.default_rng(1).normal(size=(200, 3)) * np.geomspace(1e-3, 1e3, 200)[:, None]
    assert all(np.linalg.norm(scheme.step(each)) <= np.linalg.norm(each) for each in u)


@pytest.mark.parametrize("change", [
    dict(scale=[3, -3, 1, 1]), dict(bias=[0, 0, 0, 1]), dict(eps=EPS / 2)], ids=str)
def test_what_lacks_a_hypothesis_is_not_certified(change):
    """A scale that turns signs, a bias, and a smaller ε with the step of the larger one."""
    assert certify(layer(fluxes.relu(), 1, **change), EUCLIDEAN) is None


def test_differences_of_signals_have_no_certificate():
    """DS N′ is not symmetric for ReLU, so the argument says nothing of two signals."""
    assert certify(layer(fluxes.relu(), 1), CONTRACTION) is None


def test_the_bound_is_sharp_without_a_flux():
    """N(y) comes to y/√ε near 0, so the step beyond the bound lets some small signal grow."""
    scheme = layer(fluxes.identity(), "11/10", scale=[3] * 4)
    assert decide(Stable(scheme, EUCLIDEAN), seed=1).status is REFUTED
