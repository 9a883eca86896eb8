"""Monotone steps and functions after linear steps: boxes, ranges and contraction, exactly.

A flux F(a, b) that grows in a and falls in b, with slopes that sum to s at most, gives a step that
grows with every input for dt <= 1/s (Crandall and Majda 1980); the numbers follow from it.
"""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import CONTRACTION, EUCLIDEAN, MAX_NORM, RANGE, box, decide, stays_in, step_bound
from stabkit.errors import Undecided
from stabkit.stability.sharpness.differences import Differences
from stabkit.stability.sharpness.piecewise import Pieces
from stabkit.stability.sharpness.ratios import Inputs
from stabkit.tracing import trace
from stabkit.tracing.trees import sorts_of_rows

N = 12


def conservative(flux):
    return lambda u, dt: u - dt * (flux(u, np.roll(u, -1)) - np.roll(flux(u, np.roll(u, -1)), 1))


def rusanov(a, b, sign=1):
    return (a**2 + b**2) / 4 - sign * np.maximum(np.abs(a), np.abs(b)) * (b - a) / 2


def godunov(a, b):
    return np.maximum(np.maximum(a, 0)**2, np.minimum(b, 0)**2) / 2


def godunov_by_cases(a, b):
    return np.where(a > b, np.where(a + b > 0, a**2, b**2),
                    np.where(a > 0, a**2, np.where(b < 0, b**2, 0))) / 2


def engquist_osher(a, b):
    return np.maximum(a, 0)**2 / 2 + np.minimum(b, 0)**2 / 2


FLUXES = [rusanov, godunov, godunov_by_cases, engquist_osher]


@pytest.mark.slow
@pytest.mark.parametrize("flux", FLUXES)
def test_fluxes_of_burgers_keep_a_box_up_to_the_courant_number_1(flux):
    """|f'| = |u| <= 1 and h = 1: dt <= 1; beyond it a signal leaves the box, in fractions too."""
    step = conservative(flux)
    found = step_bound(step, stays_in(box(-1, 1)), shape=N)
    assert found.proved == ((0, 1),) and 1 < found.refuted[0][0] < Fraction(103, 100)
    found.check()
    rng = np.random.default_rng(1)
    for u in rng.integers(-8, 9, (200, N)):
        after = step(np.array([Fraction(int(k), 8) for k in u], dtype=object), Fraction(1))
        assert (np.abs(after) <= 1).all()
    u = np.array([Fraction(x) for x in found.signals[0]], dtype=object)
    assert (np.abs(u) <= 1).all() and (np.abs(step(u, found.refuted[0][0])) > 1).any()


@pytest.mark.slow
def test_a_flipped_viscosity_and_a_flux_that_jumps_are_not_proved():
    """−α/2 (b − a) with the other sign is antidiffusion; a flux that jumps has no slopes, be
    the jump at a face of the box, where a b = 0."""
    for flux in (lambda a, b: rusanov(a, b, -1), lambda a, b: np.where(a > 0, a / 2, -b / 8),
                 lambda a, b: np.where(a == b, 1, 0) + a / 2,
                 lambda a, b: np.where(a * b > 0, 2 * b, 0)):
        assert not step_bound(conservative(flux), stays_in(box(0, 1)), shape=6, trials=50).proved
        assert not step_bound(conservative(flux), stays_in(box(-1, 1)), shape=6, trials=50).proved


@pytest.mark.slow
@pytest.mark.parametrize("flux", [
    lambda a, b: np.where(b == 2 * a, np.where(b == 1, 5, a), a),
    lambda a, b: np.where(b == 2 * a, np.where(b > 0.95, 5, a), a),
    lambda a, b: np.where(b == 2 * a, np.where(b > 0.95, 5, a),
                          np.where(a > 0.75, np.where(b > 0.95, a, a), a))])
def test_a_jump_at_the_end_of_a_line_alone_is_seen(flux):
    """On the line b = 2a the flux is a but for b = 1, or b > 0.95, where it is 5; so the signal
    (1/2, 1, 0) leaves [0, 1] at every step."""
    assert conservative(flux)(np.array([0.5, 1, 0]), 0.01)[1] > 1
    assert not step_bound(conservative(flux), stays_in(box(0, 1)), shape=3, trials=50).proved


@pytest.mark.slow
@pytest.mark.parametrize("flow", [
    lambda a, b: a * (np.abs(a) / (np.abs(a) + np.abs(b))),
    lambda a, b: np.where((a == 0) & (b == 0), 1, np.where(a * b > 0, np.minimum(
        np.maximum(a, 0), np.maximum(b, 0)), 0))])
def test_a_limiter_that_is_no_number_or_not_0_where_both_slopes_are_0_is_not_proved(flow):
    """A constant signal gives 0/0, or moves by dt: no range is kept, for any step."""
    def step(u, dt):
        return u + dt * flow(np.roll(u, 1) - u, np.roll(u, -1) - u)

    with np.errstate(invalid="ignore"):
        assert not (step(np.ones(3), 0.5) <= 1).all()
        assert not step_bound(step, RANGE, shape=3, trials=50).proved


def level_set(u, dt):
    a, b = u - np.roll(u, 1, 0), np.roll(u, -1, 0) - u
    c, d = u - np.roll(u, 1, 1), np.roll(u, -1, 1) - u
    return u - dt * np.sqrt(np.maximum(a, 0)**2 + np.minimum(b, 0)**2
                            + np.maximum(c, 0)**2 + np.minimum(d, 0)**2)


@pytest.mark.parametrize(("step", "shape", "top"), [
    (level_set, (5, 5), 0.5),
    (lambda u, dt: u + dt * np.maximum(np.maximum(
        np.roll(u, 1) - u, np.roll(u, -1) - u), 0), N, 1.0),
    (lambda u, dt: u - dt * np.hypot(np.maximum(u - np.roll(u, 1), 0),
                                     np.minimum(np.roll(u, -1) - u, 0)), N, 0.5**0.5),
])
def test_fronts_keep_the_range(step, shape, top):
    """Osher and Sethian: with all four differences at work the slope in u is dt·√4."""
    found = step_bound(step, RANGE, shape=shape)
    assert found.proved[0][0] == 0 and found.proved[0][1] == pytest.approx(top, rel=1e-9)
    assert found.refuted and found.refuted[0][0] < Fraction(top) * Fraction(1002, 1000)
    found.check()


@pytest.mark.slow
def test_differences_against_samples():
    """Cⱼ enclose what an operation changes when one input changes, at random fractions."""
    def step(u, dt):
        a, b = u - np.roll(u, 1), np.roll(u, -1)
        return u + dt * (np.abs(a) * np.tanh(b) + a / (2 + b * b) - np.maximum(a, b)**2
                         + np.sqrt(1 + 4 * a * a + b * b))

    rng = np.random.default_rng(3)
    sides = (Fraction(-1), Fraction(2))
    row = next(iter(sorts_of_rows(trace(step, 8)).values()))[0]
    differences = Differences(Inputs(dict.fromkeys(range(3), sides)))
    for name, place in enumerate(row.places):
        low = sum(differences.of(node, name)[0] * p[1] if p[1] > 0 else
                  differences.of(node, name)[1] * p[1] for p, node in row.nodes)
        high = sum(differences.of(node, name)[1] * p[1] if p[1] > 0 else
                   differences.of(node, name)[0] * p[1] for p, node in row.nodes)
        for _ in range(300):
            u = rng.uniform(-1, 2, 8)
            w = u.copy()
            w[place] = rng.uniform(-1, 2)
            there = row.places[0]
            change = (step(w, 1.0) - w - step(u, 1.0) + u)[there] / (w[place] - u[place])
            assert float(low) - 1e-9 <= change <= float(high) + 1e-9


@pytest.mark.slow
def test_pieces_are_the_function():
    """On every cell the quadratic is the flux itself, at random points of it; a jump is told."""
    found = trace(conservative(godunov_by_cases), 6)
    row = next(iter(sorts_of_rows(found).values()))[0]
    nodes = [node for _, node in row.nodes]
    pieces = Pieces(nodes, range(3), [(Fraction(-1), Fraction(1))] * 3)
    assert len(pieces.cells) > 4
    jump = trace(conservative(lambda a, b: np.where(a > b, a, 0)), 6)
    row = next(iter(sorts_of_rows(jump).values()))[0]
    with pytest.raises(Undecided, match="jumps"):
        Pieces([node for _, node in row.nodes], range(3), [(Fraction(-1), Fraction(1))] * 3)


A = np.array([[2.0, 1, 0, 0], [1, 2, 1, 0], [0, 1, 2, 1], [0, 0, 1, 2]])
SHRINKAGES = {
    "sign": lambda y, c: np.sign(y) * np.maximum(np.abs(y) - c, 0),
    "two maxima": lambda y, c: np.maximum(y - c, 0) - np.maximum(-y - c, 0),
    "cases": lambda y, c: np.where(np.abs(y) > c, y - np.sign(y) * c, 0),
    "clip": lambda y, c: y - np.clip(y, -c, c),
    "box": lambda y, c: np.clip(y, 0, 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [lambda t: t / 10, lambda t: 0.25], ids=["t", "fixed"])
@pytest.mark.parametrize("name", list(SHRINKAGES))
def test_proximal_gradient_steps_contract_up_to_2_over_the_squared_norm(name, threshold):
    """The largest eigenvalue of A is 2 + 2 cos(π/5) = (5 + √5)/2, so t <= 2/λ² = (3 − √5)/5."""
    def ista(x, t):
        return SHRINKAGES[name](x - t * (A.T @ (A @ x - np.array([1.0, 0, 0, 1]))), threshold(t))

    found = step_bound(ista, CONTRACTION, shape=4)
    assert found.proved[0][1] == pytest.approx((3 - 5**0.5) / 5, rel=1e-8)
    assert found.refuted[0][0] < found.proved[0][1] * Fraction(1002, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [
    lambda y: np.where(np.abs(y) > 0.1, y, 0), lambda y: y * y / 4, lambda y: 1.01 * np.abs(y),
    lambda y: y + np.maximum(y, 0) / 100, lambda y: np.sign(y) / 2])
def test_functions_that_jump_or_are_too_steep_are_not_taken_for_such(wrong):
    """Hard thresholding is no contraction, nor is what has a slope beyond 1 somewhere."""
    def step(u, dt):
        return wrong(u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1)))

    assert not step_bound(step, CONTRACTION, shape=6, trials=50).proved


@pytest.mark.slow
def test_clipped_diffusion_and_the_norms():
    """Clipping to [−1, 1] moves no value away from 0: both norms are those of the diffusion."""
    def step(u, dt):
        return np.clip(u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1)), -1, 1)

    for notion in (MAX_NORM, EUCLIDEAN):
        assert step_bound(step, notion, shape=6).proved == ((0, Fraction(1, 2)),)
    shifted = decide(lambda u: np.maximum(u / 2, 1), EUCLIDEAN, shape=3, trials=50)
    assert shifted.status == "refuted"
