"""Bounds for all time, by forms of the state that a search finds."""

from fractions import Fraction as F

import numpy as np
import pytest
from statements import MONOTONE, K, heavy_ball, leapfrog, primal_dual, upto, verlet

from stabkit import bounded, prove
from stabkit.classes import AnyFlux, AnyOperator
from stabkit.proof import check

pytest.importorskip("clarabel", reason="the search needs the extra prove")


def constant(found):
    """The C of |of(n)|² <= C |by(0)|², from the goal that is proved."""
    assert found.proved, found.reason
    check(**found.proof)
    return F(found.statements[0]["goal"].partition("*")[0])


def worst_growth(matrix, of, count=400):
    """max |of Mⁿ|² over n, by floats."""
    power, worst = np.eye(len(matrix)), 0.0
    for _ in range(count):
        power = matrix @ power
        worst = max(worst, np.linalg.norm(of @ power, 2) ** 2)
    return worst


@pytest.mark.slow
def test_leapfrog():
    """y_n − y_{n−1} stays bounded for τ‖K‖² <= 3.9; V is the form that is conserved.

    It is |y − z|² + τ(Ky)·(Kz): y and z have one coefficient, y·z minus twice that, Ky·Kz the same.
    """
    found = prove(leapfrog, bounded(of=lambda y, z: y - z), K=K, ratio=upto("3.9"))
    C = constant(found)
    invariant = found.proof["proof"]["invariants"]["J"]
    a, b = (part.partition("*")[0] for part in invariant.split(" - ")[1:3])
    assert a == b and f"{2 * F(a)}*(y.T@z)" in invariant and f"{a}*tau*(z.T@K.T@K@y)" in invariant
    for x in np.linspace(0, 3.9, 40):  # τ times an eigenvalue
        assert worst_growth(np.array([[2 - x, -1], [1, 0]]), np.array([[1, -1]])) <= C + 1e-9


@pytest.mark.slow
def test_leapfrog_has_no_bound_at_its_limit():
    """At τ‖K‖² = 4 it grows linearly, so nothing may be found."""
    assert not prove(leapfrog, bounded(of=lambda y, z: y - z), refute=False, K=K,
                     ratio=upto(4)).proved


@pytest.mark.slow
def test_verlet():
    """a and b stay bounded for ‖B‖² <= 3.9."""
    found = prove(verlet, bounded(of=lambda a, b: (a, b)), spaces=("N", "M"),
                  B=AnyOperator("M", "N", square=F(39, 10)))
    C = constant(found)
    for s in np.sqrt(np.linspace(0, 3.9, 40)):
        assert worst_growth(np.array([[1, s], [-s, 1 - s * s]]), np.eye(2)) <= C + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("beta", [F(1, 2), F(1, 4)])
def test_heavy_ball(beta):
    """u_n stays bounded for a monotone flux and τL‖K‖² <= 1, with energies in V."""
    found = prove(heavy_ball(beta), bounded(), K=K, flux=MONOTONE, ratio=upto(1))
    C = constant(found)
    assert "p_Z0" in found.proof["proof"]["invariants"]["J"]
    rng, largest = np.random.default_rng(0), 0.0
    for _ in range(300):
        edge = rng.random()
        u, w = rng.standard_normal(2)
        first = u * u + w * w
        for _ in range(60):
            u, w = u - np.clip(u, -edge, edge) + float(beta) * (u - w), u
            largest = max(largest, u * u / first)
    assert largest <= C


@pytest.mark.slow
def test_primal_dual():
    """x_n stays bounded for ‖K‖² <= 0.99 and every prox of slopes in [0, 1] that keeps 0."""
    assert constant(prove(primal_dual, bounded(of=lambda x, y: x), spaces=("N", "M"),
                          K=AnyOperator(square=F(99, 100)),
                          prox=AnyFlux(slopes=(0, 1), diffusivities=(0, 1)))) >= 1


@pytest.mark.slow
def test_weights_of_the_state_are_others_after_a_step():
    """y⁺ = 2y − z − g(y)y with 0 <= g <= 3/2: g = 1/2, 1, 3/2, ... at distinct y pumps it up.

    For one g in all steps |y − z|² <= 18/5 (|y₀|² + |z₀|²) has a proof.
    """
    def lagged(flux):
        return lambda y, z: (2 * y - z - flux.diffusivity(y) * y, y)

    found = prove(lagged, bounded(of=lambda y, z: y - z), flux=AnyFlux(diffusivities=(0, "3/2")))
    assert not found.proved
    g = {3: F(0), 10: F(0), 17: F(1), 7: F(3, 2), F(-27, 2): F(0), -34: F(0),
         F(-109, 2): F(0), -75: F(3, 2)}
    y, z = F(3), F(-4)
    for _ in g:
        y, z = 2 * y - z - g[y] * y, y
    assert (y - z)**2 > 300 * (3**2 + 4**2)
