"""Sets of steps of one's own functions: against brute force, at single steps, in every sense."""

from ast import literal_eval
from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    MAX_NORM,
    POSITIVITY,
    POWER_BOUNDED,
    RANGE,
    InvalidArgument,
    box,
    decide,
    senses,
    stays_in,
    step_bound,
    weighted,
)
from stabkit.errors import StabkitError
from stabkit.replay import check
from stabkit.stability.verdict import PROVED, REFUTED, SUPPORTED


def rod(u, dt):
    v = u.copy()
    v[1:-1] = u[1:-1] + 300 * dt * (u[2:] - 2 * u[1:-1] + u[:-2])
    return v


def heat(u, dt):
    v = u.copy()
    v[1:-1, 1:-1] += dt * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                           - 4 * u[1:-1, 1:-1])
    return v


@pytest.mark.slow
def test_the_first_example():
    """One answer for all sizes: 1/4, and a bright pixel beyond."""
    found = step_bound(heat, RANGE, shape=(512, 512))
    assert found.proved == ((0, Fraction(1, 4)),) and found.refuted == ((Fraction(2501, 10000),
                                                                         None),)
    assert str(found).startswith("range: proved for 0 < dt <= 1/4, refuted from 0.2501 by one "
                                 "bright pixel\nlinear, 9 kinds of rows, valid for every size")
    found.check()


@pytest.mark.slow
def test_at_one_step_and_in_every_sense():
    """decide at dt, and the table."""
    assert decide(heat, RANGE, shape=(20, 20), dt="1/4").status is PROVED
    outcome = decide(heat, "range", shape=(20, 20), dt=0.26)
    assert outcome.status is REFUTED and outcome.signals[0].sum() == 1
    table = senses(rod, shape=12, dt="1/600")
    assert {name: table.status(name) for name in ("range", "max norm", "euclidean")} == {
        "range": "proved", "max norm": "proved", "euclidean": "refuted"}
    assert "a held end feeds its neighbour" in str(table)
    curved = senses(lambda u, dt: u - dt * u**2, shape=4)
    assert not curved.sets and "np.multiply" in curved.limits["range"]


@pytest.mark.parametrize("step, notion, words", [
    (lambda u, dt: u + dt, RANGE, "the zero signal"),
    (lambda u, dt: u + dt, EUCLIDEAN, "a source"),
    (lambda u, dt: 2 * u + 0 * dt, MAX_NORM, "every dt > 0"),
])
def test_sources_and_growth_are_told(step, notion, words):
    """What moves constants, or grows whatever the step is."""
    found = step_bound(step, notion, shape=4)
    found.check()
    assert found.refuted == ((0, None),) and words in str(found)


def test_a_source_that_vanishes_at_one_step():
    """u + dt(1 − dt) keeps the range at dt = 1 alone."""
    for notion in (RANGE, EUCLIDEAN):
        found = step_bound(lambda u, dt: u + dt * (1 - dt), notion, shape=3)
        assert all(not (low < 1 and (high is None or high > 1)) for low, high in found.refuted)


# -- against brute force ---------------------------------------------------------------------------
def random_step(seed, n, degree, circulant):
    """I + t A₁ + t² A₂ with small rational entries, and its matrix in floats."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(degree):
        A = np.zeros((n, n))
        for offset, c in zip((-1, 0, 1), rng.integers(-4, 5, 3), strict=True):
            A += c / 4 * np.roll(np.eye(n), offset, axis=1)
        A -= np.diag(A.sum(axis=1)) * rng.integers(0, 2)
        parts.append(A if circulant else np.round(A * rng.random((n, n)) * 8) / 8)

    def step(u, t):
        return u + sum(t**(k + 1) * (A @ u) for k, A in enumerate(parts))

    def matrix(t):
        return np.eye(n) + sum(float(t)**(k + 1) * A for k, A in enumerate(parts))

    return step, matrix


def powers_bounded(M):
    return np.abs(np.linalg.matrix_power(M, 400)).max() < 1e5


HOLDS = {
    RANGE: lambda M: M.min() >= -1e-9 and np.abs(M.sum(axis=1) - 1).max() < 1e-9,
    POSITIVITY: lambda M: M.min() >= -1e-9,
    MAX_NORM: lambda M: np.abs(M).sum(axis=1).max() <= 1 + 1e-9,
    EUCLIDEAN: lambda M: np.linalg.norm(M, 2) <= 1 + 1e-9,
    CONTRACTION: lambda M: np.linalg.norm(M, 2) <= 1 + 1e-9,
    POWER_BOUNDED: powers_bounded,
}


@pytest.mark.slow
@pytest.mark.parametrize("notion", HOLDS, ids=str)
@pytest.mark.parametrize("circulant", [True, False])
def test_random_steps_against_their_matrices(notion, circulant):
    """No proved step fails and no refuted one holds, at ends and in between."""
    asked = 0
    for seed in range(24):
        step, matrix = random_step(seed, 3 + seed % 4, 1 + seed % 2, circulant)
        found = step_bound(step, notion, shape=3 + seed % 4)
        found.check()
        for wanted, sets in ((True, found.proved), (False, found.refuted)):
            for low, high in sets:
                top = high if high is not None else 4 * max(low, Fraction(1))
                inner = [low + (top - low) * Fraction(k, 7) for k in range(8)]
                for t in inner if wanted or notion is not POWER_BOUNDED else inner[3:5]:
                    if t == 0 or (not wanted and t in (low, top)):
                        continue
                    M = matrix(t)
                    if not wanted and notion is not POWER_BOUNDED and _is_close(M, notion):
                        continue
                    if notion is POWER_BOUNDED and 1 - 1e-2 < max(abs(np.linalg.eigvals(M))) < 1.05:
                        continue
                    assert HOLDS[notion](M) == wanted, (seed, t)
                    asked += 1
    assert asked > 40


def _is_close(M, notion):
    """Whether a violation is too small to be told in floats."""
    return HOLDS[notion](M * (1 - 1e-7)) if notion is not RANGE else \
        M.min() > -1e-7 and np.abs(M.sum(axis=1) - 1).max() < 1e-7


@pytest.mark.slow
def test_symbols_against_a_scan_of_angles():
    """|g(θ)| <= 1 on 10⁴ angles, at the ends of what is proved and just beyond."""
    theta = np.linspace(0, 2 * np.pi, 10_001)
    shown = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        c, d = rng.integers(-3, 4, 3) / 4, rng.integers(-2, 3, 5) / 8
        c[1] -= c.sum()
        d[2] -= d.sum()

        def step(u, t, c=c, d=d):
            return u + t * sum(k * np.roll(u, j - 1) for j, k in enumerate(c)) + \
                t**2 * sum(k * np.roll(u, j - 2) for j, k in enumerate(d))

        def gain(t, c=c, d=d):
            return np.abs(1 + t * sum(k * np.exp(1j * (1 - j) * theta) for j, k in enumerate(c))
                          + t**2 * sum(k * np.exp(1j * (2 - j) * theta)
                                       for j, k in enumerate(d))).max()

        for low, high in step_bound(step, EUCLIDEAN, shape=24).proved:
            top = float(high) if high is not None else 50.0
            assert all(gain(t) <= 1 + 1e-9 for t in np.linspace(float(low), top, 9))
            assert high is None or gain(top * (1 + 1e-3)) > 1
            shown += 1
    assert shown > 5


@pytest.mark.slow
@pytest.mark.parametrize("levels", [True, False])
def test_two_fields_against_the_roots_at_every_angle(levels):
    """Roots of the symbol at the angles of the grid for what is refuted, at 2000 for what is
    proved; with two time levels the second row is (1, 0)."""
    shown = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        a = rng.integers(-2, 3, (2, 2, 2)) / 4  # row, field, (centre, second difference)

        def step(s, t, a=a):
            second = np.roll(s, 1, axis=1) - 2 * s + np.roll(s, -1, axis=1)
            rows = [sum(a[i, j, 0] * s[j] * (0 if i == j else t) + t * a[i, j, 1] * second[j]
                        for j in range(2)) + (1 - a[i, i, 0]) * s[i] for i in range(2)]
            rows[0] = rows[0] + a[0, 0, 0] * s[0]
            return np.stack([rows[0], s[0] if levels else rows[1] + a[1, 1, 0] * s[1]])

        def largest(t, angles, a=a):
            y = 2 * np.cos(angles)[:, None, None] - 2
            G = np.eye(2) + t * a[..., 0] * (1 - np.eye(2)) + t * a[..., 1] * y
            if levels:
                G[:, 1] = 1, 0
            return np.abs(np.linalg.eigvals(G)).max()

        found = step_bound(step, POWER_BOUNDED, shape=(2, 12))
        found = found.rest or found
        for low, high in found.proved:
            for t in np.linspace(float(low), float(high if high is not None else 9), 5)[1:]:
                assert largest(t, np.linspace(0, np.pi, 2000)) < 1 + 1e-6, (seed, t)
                shown += 1
        for low, high in found.refuted:
            t = (float(low) + float(high if high is not None else 2 * low + 2)) / 2
            assert largest(t, np.pi * np.arange(7) / 6) > 1 - 1e-9, (seed, t)
    assert shown > 3


@pytest.mark.slow
def test_the_bound_of_a_box_against_random_signals():
    """u + dt (u_left − u)(a + b u) stays in [−1, 2]: random signals and corners of it, at the end;
    and the signal of a refutation leaves it."""
    rng = np.random.default_rng(5)
    for _ in range(12):
        a, b, c = rng.integers(-3, 4, 3) / 4

        def step(u, dt, a=a, b=b, c=c):
            return u + dt * (np.roll(u, 1) - u) * (a + b * u) + dt * c * (np.roll(u, -1) - u)

        found = step_bound(step, stays_in(box(-1, 2)), shape=4)
        found.check()
        signals = np.concatenate([rng.uniform(-1, 2, (300, 4)), rng.choice([-1.0, 2], (300, 4))])
        for low, high in found.proved:
            for t in (float(low) or 1e-6, float(high or 5)):
                out = np.array([step(u, t) for u in signals])
                assert out.min() >= -1 - 1e-9 and out.max() <= 2 + 1e-9
        for low, high in found.refuted[:1]:
            t = float(low) * 1.01 or 0.01
            grid = np.array(np.meshgrid(*[np.linspace(-1, 2, 5)] * 4)).reshape(4, -1).T
            out = np.array([step(u, t) for u in grid])
            assert out.min() < -1 or out.max() > 2 or (high is not None and t > high)


@pytest.mark.slow
def test_evidence_with_a_wrong_number_is_refused():
    """A larger end, or another coefficient, and the certificate fails."""
    found = step_bound(heat, RANGE, shape=(6, 6))
    good = found.certificate[0].to_json({})
    assert check(good) is None
    text = str(good["data"])
    for old, new in (("1/4]", "26/100]"), ("['0', '1']", "['0', '-1']"), ("'-4'", "'-3'")):
        assert old in text
        bad = dict(good, data=literal_eval(text.replace(old, new)))
        assert check(bad) is not None, (old, new)


@pytest.mark.parametrize("wrong, words", [
    (lambda: step_bound(heat, RANGE), "shape"),
    (lambda: step_bound(lambda u: u, RANGE, shape=3), r"step\(u, dt\)"),
    (lambda: step_bound(heat, RANGE, shape=(4, 4), held={(1, 1): 0}), "does not keep"),
    (lambda: step_bound(heat, RANGE, shape=(4, 4), held={(9, 9): 0}), "no place"),
    (lambda: step_bound(heat, RANGE, shape=(4, 4), held=3), "mapping"),
    (lambda: decide(heat, RANGE, shape=(4, 4)), "dt"), (lambda: decide(heat, RANGE), "shape"),
    (lambda: weighted([1, 0]), "positive"), (lambda: box(1, 0), "low, high"),
    (lambda: stays_in((0, 1)), "box"), (lambda: step_bound(rod, weighted([1, 2]), shape=5), "fit"),
    (lambda: senses(heat, shape=(4, 4), dt=0), "dt"),
    (lambda: step_bound(rod, RANGE, shape=5, start=-1), "start"),
])
def test_bad_input_names_the_argument(wrong, words):
    """One line with the remedy."""
    with pytest.raises(InvalidArgument, match=words):
        wrong()


@pytest.mark.slow
def test_a_random_step_and_a_step_with_a_memory_are_never_proved():
    """Errors or floats, never a proof."""
    calls = []

    def tired(u, dt):
        calls.append(1)
        return u / 2 if len(calls) < 4 else 2 * u

    for step in (lambda u, dt: u * np.random.default_rng().random(), tired):
        try:
            assert not step_bound(step, RANGE, shape=4, trials=20).proved
        except StabkitError as error:
            assert "deterministic" in str(error) or "every call" in str(error)


@pytest.mark.slow
def test_functions_that_cannot_be_traced_are_supported():
    """Sorting keeps the range: supported, with the reason."""
    outcome = decide(np.sort, RANGE, shape=5, trials=100)
    assert outcome.status is SUPPORTED and "not proved" in outcome.reason


@pytest.mark.parametrize("function, words", [
    (lambda u: 1 / 0, "ZeroDivisionError"), (lambda u: u[9], "IndexError"),
    (lambda u: np.linalg.inv(np.zeros((2, 2))), "LinAlgError"),
])
def test_a_function_that_raises_is_told_so(function, words):
    """One clear error, and not whatever the function raises."""
    with pytest.raises(InvalidArgument, match=f"the function raises {words}"):
        decide(function, EUCLIDEAN, shape=4, trials=8)


@pytest.mark.slow
def test_a_grid_with_held_ends_beyond_what_is_decomposed():
    """28² free cells of 30 x 30: ‖I + dt L‖ with −L between 0 and 8 sin²(π 28/58) < 8, so 1/4 is
    proved by sums of rows; beyond 2/(8 sin²(14π/29)) = .25074 a signal grows, by a hundredth of
    the step at most, which is multiplied out here."""
    def heat(u, dt):
        v = u.copy()
        v[1:-1, 1:-1] += dt * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                               - 4 * u[1:-1, 1:-1])
        return v

    found = step_bound(heat, EUCLIDEAN, shape=(30, 30), held={"boundary": 0})
    assert found.certified == Fraction(1, 4)
    low, high = found.refuted[0]
    assert 2 / (8 * np.sin(14 * np.pi / 29)**2) < low <= Fraction(101, 400)
    assert high is None
    u = np.zeros((30, 30), dtype=object)
    u[1:-1, 1:-1] = found.signals[0].reshape(28, 28)
    assert (heat(u, low)**2).sum() > (u**2).sum()
    found.check()
