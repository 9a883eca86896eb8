"""Statements just beyond true ones: none is proved, each falls by exact members of its classes."""

from fractions import Fraction as F

import numpy as np
import pytest
from statements import (
    MONOTONE,
    SECTOR,
    K,
    adams_bashforth,
    biased,
    energy_of,
    explicit,
    extragradient,
    fixed_point,
    fsi,
    heavy_ball,
    heun,
    implicit,
    leapfrog,
    midpoint,
    nesterov,
    primal_dual,
    runge_kutta,
    upto,
    verlet,
)

from stabkit import CONTRACTION, EUCLIDEAN, FSI, FixedPoint, bounded, prove, stable_step
from stabkit.classes import AnyCount, AnyFlux, AnyOperator, AnyVector, UpTo, below
from stabkit.prover.piecewise_linear import admissible_points, admits, flux_through, linear
from stabkit.replay import check
from stabkit.stability.growing_powers import growth_evidence

pytest.importorskip("clarabel", reason="the search needs the extra prove")

ODD = AnyFlux(diffusivities=(0, "L"), slopes=(0, "L"), odd=True)
FALLING = AnyFlux(slopes=("-L", "L"))


def fallen(found):
    """An exact witness that the independent checker confirms."""
    assert not found.proved and found.status == "refuted", found.reason
    assert check(found.witness.to_json({})) is None
    return found.witness.data


@pytest.mark.slow
@pytest.mark.parametrize("what, notion, flux, top", [
    (explicit, EUCLIDEAN, SECTOR, "2.00002"),                 # 1 − t at Φ = Ls
    (explicit, EUCLIDEAN, AnyFlux(diffusivities=("-1/100", 1), slopes=(-1, 1)), 2),  # 1 + t/100
    (explicit, EUCLIDEAN, AnyFlux(slopes=(0, "L")), 1),       # Φ(0) is not 0
    (explicit, CONTRACTION, MONOTONE, "2.0002"),
    (explicit, CONTRACTION, SECTOR, "0.01"),                  # slopes −L: 1 + t
    (explicit, CONTRACTION, AnyFlux(diffusivities=(0, "L"), slopes=("-L", "L"), odd=True), 1),
    (fixed_point(1), EUCLIDEAN, SECTOR, "2.002"),
    (fixed_point(2), EUCLIDEAN, SECTOR, "1.0001"),            # 1 − t + t²
    (fixed_point(3), EUCLIDEAN, SECTOR, "1.36"),              # 1 − t + t² − t³
    (fixed_point(4), EUCLIDEAN, MONOTONE, "1.001"),
    (fsi(2), EUCLIDEAN, MONOTONE, "2.501"),                   # (4t² − 10t + 5)/5
    (fsi(3), EUCLIDEAN, ODD, "2.5"),
    (fsi(2), CONTRACTION, MONOTONE, "1.67"),                  # 1 − 6t/5, slopes 0 and then L
    (fsi(3), CONTRACTION, MONOTONE, "1.5"),
    (heun, EUCLIDEAN, MONOTONE, "2.001"),                     # 1 − t + t²/2
    (heun, CONTRACTION, MONOTONE, "2.001"),
    (midpoint, EUCLIDEAN, MONOTONE, "2.001"),
    (midpoint, CONTRACTION, MONOTONE, 2),                     # 1 − t, slopes 0 and then L, and more
    (extragradient, EUCLIDEAN, MONOTONE, "1.001"),            # 1 − t + t²
    (runge_kutta, CONTRACTION, MONOTONE, "2.79"),             # the interval ends at 2.78529...
], ids=lambda value: "" if callable(value) else str(value)[:40])
def test_one_step_beyond_its_end(what, notion, flux, top):
    """The right ends are those of linear fluxes, or of fluxes with two slopes, by hand."""
    assert fallen(prove(what, notion, K=K, flux=flux, ratio=upto(top)))


@pytest.mark.slow
@pytest.mark.parametrize("what, flux, top", [
    (explicit, FALLING, "2.002"), (explicit, ODD, "2.002"), (fixed_point(2), MONOTONE, 2)])
def test_energies_that_grow(what, flux, top):
    """P(s + e) is P(s) + Φ(s) e + (L/2) e² at most: e = −tΦ(s)/L makes it grow from t = 2 on."""
    assert fallen(prove(energy_of(what), K=K, flux=flux, ratio=upto(top)))


@pytest.mark.slow
@pytest.mark.parametrize("notion, flux", [
    (EUCLIDEAN, AnyFlux(diffusivities=("-1/100", None))), (CONTRACTION, SECTOR)], ids=str)
def test_implicit_steps_of_fluxes_that_fall(notion, flux):
    """|v + τKᵀΦ(Kv)| < |v| where Φ(s) s < 0, and the same of differences."""
    assert fallen(prove(implicit, notion, K=K, flux=flux, tau=UpTo(None)))


@pytest.mark.slow
@pytest.mark.parametrize("notion, flux", [(EUCLIDEAN, MONOTONE), (CONTRACTION, SECTOR)], ids=str)
def test_biases(notion, flux):
    """Φ(Ku + b) at u = 0 is not 0, and a bias moves a signal to where the flux falls."""
    assert fallen(prove(biased, notion, K=K, b=AnyVector("M"), flux=flux, ratio=upto(1)))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [FSI, FixedPoint])
def test_any_number_of_inner_steps(scheme):
    """What holds for one does not for all: cycles of a monotone flux at 2, iterations at 1.1."""
    def what(K, flux, ratio, n):
        return scheme(K, flux, stable_step(K, flux.facts.lipschitz, ratio), n)
    assert fallen(prove(what, EUCLIDEAN, K=K, flux=MONOTONE, n=AnyCount(),
                        ratio=upto(2 if scheme is FSI else "1.1")))


@pytest.mark.slow
def test_an_end_that_is_not_reached():
    """Below t the statement is tried below t, so what holds there does not fall."""
    assert fallen(prove(explicit, EUCLIDEAN, K=K, flux=SECTOR, ratio=below("1.002")))
    assert prove(explicit, EUCLIDEAN, K=K, flux=SECTOR, ratio=below(1)).proved


def worst_eigenvalue(data):
    """Of the matrix that evidence of growth shows, by floats."""
    return abs(np.linalg.eigvals(np.array([[float(F(x)) for x in row]
                                           for row in data["given"]["M"]]))).max()


@pytest.mark.slow
@pytest.mark.parametrize("what, top, end", [
    (heavy_ball(F(1, 2)), "3.01", 3), (heavy_ball(F(0)), "2.01", 2),  # 2(1 + β)
    (heavy_ball(F(9, 10)), "3.81", F(38, 10)),
    (nesterov(F(1, 2)), "1.51", F(3, 2)),                             # 2(1 + β)/(1 + 2β)
    (adams_bashforth, "1.01", 1),
], ids=["1/2", "0", "9/10", "Nesterov", "Adams-Bashforth"])
def test_two_step_forms_grow(what, top, end):
    """The ends of quadratic functions, as in the textbooks: beyond them one eigenvalue is < −1."""
    data = fallen(prove(what, bounded(), K=K, flux=MONOTONE, ratio=upto(top)))
    assert F(top) > end and 1 < worst_eigenvalue(data) < 1.2


@pytest.mark.slow
def test_primal_dual_steps_grow_beyond_four_thirds():
    """[[1, −k], [k, 1 − 2k²]]: trace 2 − 2k², determinant 1 − k², so −1 is met at k² = 4/3."""
    data = fallen(prove(primal_dual, bounded(of=lambda x, y: x), spaces=("N", "M"),
                        K=AnyOperator(square=F(134, 100)),
                        prox=AnyFlux(slopes=(0, 1), diffusivities=(0, 1))))
    assert 1 < worst_eigenvalue(data) < 1.1


@pytest.mark.slow
@pytest.mark.parametrize("top, of, fast", [
    ("4.01", lambda y, z: y - z, True), ("4", lambda y, z: y - z, False),
    ("3", lambda y, z: y, False)], ids=["beyond", "at the end", "constants"])
def test_leapfrog(top, of, fast):
    """Beyond 4 it grows by a factor, at 4 like n; y itself drifts at every step."""
    data = fallen(prove(leapfrog, bounded(of=of), K=K, ratio=upto(top)))
    assert (worst_eigenvalue(data) > 1.001) == fast


@pytest.mark.parametrize("square, fast", [("4.01", True), (4, False)])
def test_verlet(square, fast):
    """[[1, b], [−b, 1 − b²]] has the trace −2 at b² = 4."""
    data = fallen(prove(verlet, bounded(of=lambda a, b: (a, b)), spaces=("N", "M"),
                        B=AnyOperator("M", "N", square=F(square))))
    assert (worst_eigenvalue(data) > 1.001) == fast


@pytest.mark.parametrize("step", [
    lambda y, z: (y, z), lambda y, z: (z, -y), lambda y, z: (y / 2, 3 * y + z / 2)])
def test_no_growth_is_seen_where_there_is_none(step):
    """The identity, a rotation, a shear that decays."""
    assert growth_evidence(step, lambda y, z: (y, z), ("y", "z")) is None


def test_growth_of_what_is_not_asked_about_is_no_evidence():
    """z doubles, y stays: y is bounded."""
    assert growth_evidence(lambda y, z: (y, 2 * z), lambda y, z: (y,), ("y", "z")) is None
    assert growth_evidence(lambda y, z: (y, 2 * z), lambda y, z: (z,), ("y", "z")) is not None


@pytest.mark.slow
def test_points_are_moved_onto_a_flux_of_the_class():
    """Rounding may leave the class; what comes back is in it, and near."""
    rng = np.random.default_rng(0)
    classes = [{"sector": (F(0), F(1))}, {"slopes": (F(-1), F(1))}, {"slopes": (F(0), F(1))},
               {"sector": (F(0), F(1)), "slopes": (F(-1), F(1))}, {"sector": (F(1, 3), None)}]
    for known in classes:
        for odd in (False, True):
            s = rng.standard_normal(6)
            made = admissible_points(list(zip(s, s / 2, strict=True)), known, odd, 1000)
            assert admits(made, known)
            assert max(abs(float(f) - x / 2) for (_, f), x in zip(made, s, strict=True)) < 0.01
            assert flux_through(made, known, odd).facts.odd == odd


def test_integrals_of_a_flux_through_points():
    """Between (0, 0) and (2, 1) slopes in [0, 1] leave ∫Φ in [1/2, 3/2]; P is even if Φ is odd."""
    known = {"sector": (F(0), F(1)), "slopes": (F(0), F(1))}
    points = [(F(0), F(0)), (F(2), F(1))]
    for odd in (False, True):
        for sign, area in ((1, F(1, 2)), (-1, F(3, 2))):
            flux = flux_through(points, known, odd, [F(-sign), F(sign)])
            assert flux.regulariser(F(2)) / 2 == area and flux.activation(F(2)) == 1
            if odd:
                assert flux.activation(F(-2)) == -1 and flux.regulariser(F(-2)) / 2 == area


def test_a_linear_flux_outside_of_its_class_is_none():
    known = {"slopes": (F(0), F(1))}
    assert linear(F(2), known) is None and linear(F(1), known).activation(F(3)) == 3
