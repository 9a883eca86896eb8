"""Limiters and fluxes as people write them: means of inputs, for which dt, against known bounds.

A slope φ with 0 <= φ/a <= m and 0 <= φ/b <= m gives the coefficient c(1 + m/2) at most, so c is
2/(2 + m): m = 2 for van Leer, superbee and the monotonised centre, 1 for minmod (Sweby 1984).
"""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    CYCLIC_VARIATION,
    POSITIVITY,
    RANGE,
    VARIATION,
    box,
    decide,
    stays_in,
    step_bound,
)
from stabkit.errors import Undecided
from stabkit.stability.sharpness.homogeneous import limiter_ratios
from stabkit.stability.sharpness.means import by_means
from stabkit.stability.sharpness.ratios import Inputs, ratios
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing import trace
from stabkit.tracing.trees import sorts_of_rows


def van_leer(a, b):
    return np.where(a * b > 0, 2 * a * b / np.where(a * b > 0, a + b, 1), 0)


def minmod(a, b):
    return 0.5 * (np.sign(a) + np.sign(b)) * np.minimum(abs(a), abs(b))


def minmod_by_cases(a, b):
    return np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), 0.0)


def superbee(a, b):
    one, two = minmod(2 * a, b), minmod(a, 2 * b)
    return np.where(abs(one) > abs(two), one, two)


def centre(a, b):
    return minmod_by_cases(minmod_by_cases(2 * a, 2 * b), (a + b) / 2)


def by_quotients(a, b):
    """Van Leer's φ(r) b with r = a/b, as (r + |r|)/(1 + |r|)."""
    r = np.where(b != 0, a / np.where(b != 0, b, 1), 0)
    return (r + abs(r)) / (1 + abs(r)) * b


def advection(limiter, correction=False):
    def step(u, c):
        s = limiter(u - np.roll(u, 1), np.roll(u, -1) - u)
        face = u + (1 - c) * s / 2 if correction else u + s / 2
        return u - c * (face - np.roll(face, 1))
    return step


@pytest.mark.slow
@pytest.mark.parametrize("limiter, m", [
    (van_leer, 2), (minmod, 1), (minmod_by_cases, 1), (superbee, 2), (centre, 2),
    (by_quotients, 2)])
@pytest.mark.parametrize("n", [8, 80])
def test_limiters_keep_the_range(limiter, m, n):
    """2/(2 + m), and a signal beyond."""
    found = by_means(trace(advection(limiter), n), RANGE, "c")
    found.check()
    assert found.proved == ((0, Fraction(2, 2 + m)),)


@pytest.mark.slow
def test_a_signal_beyond():
    """Sharp: a signal leaves its range just beyond 1/2."""
    found = step_bound(advection(van_leer), RANGE, shape=8, trials=100)
    assert found.certified == Fraction(1, 2) < found.refuted[0][0] < Fraction(3, 5)


@pytest.mark.slow
def test_limiter_with_the_second_order_correction_and_its_variation():
    """c(2 − c) <= 1, so 1; the variation likewise, counted around."""
    assert by_means(trace(advection(van_leer, True), 8), RANGE, "c").certified == 1
    found = step_bound(advection(van_leer), CYCLIC_VARIATION, shape=8)
    assert found.certified == Fraction(1, 2) and found.notion == "cyclic variation"
    assert decide(advection(van_leer), CYCLIC_VARIATION, shape=8, dt="1/2").status is PROVED
    assert decide(advection(van_leer), VARIATION, shape=8, dt="1/4", trials=50).status is not PROVED


@pytest.mark.slow
def test_unsplit_in_two_dimensions():
    """2 (c/2)(2 − c/2) <= 1 where each direction has half of c: 2 − √2."""
    def step(u, c):
        out = u
        for axis in (0, 1):
            s = van_leer(u - np.roll(u, 1, axis), np.roll(u, -1, axis) - u)
            face = u + (1 - c / 2) * s / 2
            out = out - c / 2 * (face - np.roll(face, 1, axis))
        return out

    found = by_means(trace(step, (5, 5)), RANGE, "c")
    assert 2 - 2**0.5 - 1e-8 < found.certified <= 2 - 2**0.5
    found.check()


def perona_malik(u, dt, kappa=0.3):
    total = 0
    for axis in (0, 1):
        for shift in (1, -1):
            d = np.roll(u, shift, axis) - u
            total = total + np.exp(-(d / kappa)**2) * d
    return u + dt * total


def weickert(u, dt, contrast=0.3):
    d = np.diff(u)
    flux = d / np.sqrt(1 + (d / contrast)**2)
    return u + dt * np.diff(np.concatenate([[0], flux, [0]]))


def network(u, dt):
    return u - dt * (np.tanh(u - np.roll(u, 1)) - np.tanh(np.roll(u, -1) - u))


@pytest.mark.slow
@pytest.mark.parametrize("step, shape, top", [
    (perona_malik, (6, 6), Fraction(1, 4)), (perona_malik, (20, 20), Fraction(1, 4)),
    (weickert, 12, Fraction(1, 2)), (network, 9, Fraction(1, 2))])
def test_diffusion_with_a_bounded_diffusivity(step, shape, top):
    """g in [0, 1]: 1 − 4 dt >= 0 in two dimensions, 1 − 2 dt in one."""
    found = by_means(trace(step, shape), RANGE, "dt")
    assert found.certified == top
    found.check()
    assert decide(step, RANGE, shape=shape, dt=top).status is PROVED


@pytest.mark.slow
def test_a_flipped_sign_and_a_larger_slope_are_not_proved():
    """Backward diffusion, and three times minmod, of which 1 − 3/2 is negative; twice gives 1/2."""
    def backward(u, dt):
        return perona_malik(u, -dt)

    with pytest.raises(Undecided):
        by_means(trace(backward, (4, 4)), RANGE, "dt")
    with pytest.raises(Undecided):
        by_means(trace(advection(lambda a, b: 3 * minmod(a, b)), 8), RANGE, "c")
    found = by_means(trace(advection(lambda a, b: 2 * minmod(a, b)), 8), RANGE, "c")
    assert found.certified == Fraction(1, 2)
    outcome = decide(advection(van_leer), RANGE, shape=8, dt="3/5", trials=300)
    assert outcome.status is REFUTED


@pytest.mark.slow
def test_random_signals_at_the_ends():
    """No signal leaves its range at a proved end."""
    rng = np.random.default_rng(3)
    for limiter in (van_leer, minmod, superbee, centre, by_quotients):
        step = advection(limiter)
        top = float(by_means(trace(step, 8), RANGE, "c").certified)
        for _ in range(300):
            u = rng.standard_normal(8)**3
            v = step(u, top)
            assert u.min() - 1e-9 <= v.min() and v.max() <= u.max() + 1e-9


@pytest.mark.slow
def test_ratios_against_samples():
    """φ/a and φ/b on random a, b are within the bounds, which are reached to 1 per cent."""
    rng = np.random.default_rng(1)
    a, b = rng.standard_cauchy((2, 20_000))
    for limiter, expected in ((van_leer, (0, 2)), (minmod, (0, 1)), (superbee, (0, 2)),
                              (centre, (0, 2))):
        rows = sorts_of_rows(trace(lambda u, f=limiter: np.stack([f(u[0], u[1]), u[1]]), 2))
        node = next(row.nodes[0][1] for sort in rows.values() for row in sort if row.nodes)
        found = [*ratios(node, Inputs({})), *limiter_ratios(node)]
        for ratio in found:
            ((place, c),) = ratio.form
            by = (b if place else a) * float(c)
            seen = limiter(a, b) / by
            assert ratio.low <= seen.min() + 1e-12 and seen.max() - 1e-12 <= ratio.high
        assert (0, expected[1]) in {(r.low * r.form[0][1], r.high * r.form[0][1]) for r in found}


def test_boxes_and_positivity():
    """Logistic growth u(1 + dt(1 − u)) on [0, 1] is positive for every dt; the box [0, 4] of an
    upwind step with a speed in [0, 4] is kept up to 1/4."""
    step = lambda u, dt: u - dt * np.abs(u) * (u - np.roll(u, 1))  # noqa: E731
    assert by_means(trace(step, 6), stays_in(box(0, 4)), "dt").certified == Fraction(1, 4)
    decay = lambda u, dt: u - dt * u / (1 + u**2)  # noqa: E731
    assert by_means(trace(decay, 4), POSITIVITY, "dt").certified == 1


@pytest.mark.slow
def test_the_two_variations_are_told_apart_also_where_only_single_steps_are_followed():
    """(u + dt (left + right)/2)/(1 + dt) has Σ |uᵢ₊₁ − uᵢ| grow from 2 to 22/9 at dt = 8.

    That is of u = (1, 1, 1, −1); around the circle, with the jump of 2 back to 1, it does not grow.
    """
    def step(u, dt):
        return (u + dt * 0.5 * (np.roll(u, 1) + np.roll(u, -1))) / (1 + dt)

    u = np.array([Fraction(x) for x in (1, 1, 1, -1)], object)
    after = (u + 4 * (np.roll(u, 1) + np.roll(u, -1))) / 9
    assert (abs(np.diff(u)).sum(), abs(np.diff(after)).sum()) == (2, Fraction(22, 9))
    found = step_bound(step, CYCLIC_VARIATION, shape=4)
    assert (8, 8) in found.proved and found.notion == "cyclic variation"
    along = step_bound(step, VARIATION, shape=4, trials=200)
    assert along.proved == () and along.notion == "variation" and along.refuted[0][0] <= 8


@pytest.mark.slow
def test_a_step_with_ends_has_no_cyclic_variation():
    """Upwind behind a first entry that stays: the jumps become (1 − c) d_i + c d_{i−1}, so the
    variation along the line is kept up to c = 1; the conditions around the circle are not those of
    this step."""
    def step(u, c):
        v = u.copy()
        v[1:] -= c * (u[1:] - u[:-1])
        return v

    assert step_bound(step, VARIATION, shape=5).certified == 1
    asked = step_bound(step, CYCLIC_VARIATION, shape=5, trials=50)
    assert asked.proved == () and "not periodic: ask VARIATION" in str(asked)


def test_a_limiter_that_also_asks_about_a_single_value_is_told_by_its_line():
    """φ(a, b) where u > 1 does not scale with a and b: undecided, and no other error."""
    def step(u, dt):
        a, b = u - np.roll(u, 1), np.roll(u, -1) - u
        return u - dt * np.where(u > 1, van_leer(a, b), 0)

    with pytest.raises(Undecided, match=r"np\.where"):
        by_means(trace(step, 6), RANGE, "dt")


def test_a_row_without_inputs_keeps_nonnegative_signals_at_every_step():
    """|0| = 0 >= 0, whatever u and dt are."""
    bound = step_bound(lambda u, dt: np.abs(np.zeros_like(u)), POSITIVITY, shape=1, trials=1)
    assert bound.proved == ((0, None),) and not bound.refuted
