"""The compiled search, and what the compiler makes of the loops."""

import time

import numpy as np
import pytest
from plain_loops import (
    CODE,
    SHAPE,
    compressed,
    difference_rows,
)

from stabkit import kernels
from stabkit.codes import NotionCode, SchemeCode
from stabkit.kernels import draws, search
from stabkit.kernels.implicit import tridiagonal
from stabkit.kernels.linear import NATURAL
from stabkit.kernels.steps import explicit, fixed_point, frozen_fsi, fsi


# -- search ----------------------------------------------------------------------------------------
def plain_words(seed, trial, number):
    """The words of one trial by site, in Python integers: splitmix64, then 32 bits."""
    low, low32, golden, lanes = 2**64 - 1, 2**32 - 1, 0x9E3779B97F4A7C15, draws.LANES

    def mixed(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & low
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & low
        return z ^ (z >> 31)

    key = mixed((mixed((seed * golden + trial // lanes + golden) & low) + number) & low)

    def word(i):
        x = (key + ((i * lanes + trial % lanes) & low32) * 0x9E3779B9) & low32
        x = ((x ^ (x >> 16)) * 0x7FEB352D) & low32
        x = ((x ^ (x >> 15)) + (key >> 32)) & low32
        x = ((x ^ (x >> 16)) * 0x846CA68B) & low32
        return x ^ (x >> 16)

    return word


def test_a_draw_is_a_hash_of_seed_trial_and_site():
    """A trial of the first kind: signed words over 2³¹, times a power of two of word −1."""
    block = draws.KINDS * draws.LANES
    for seed, trial in ((0, 0), (7, 8), (123, block * 10**7 + 5)):
        word = plain_words(seed, trial, 0)
        scale = 2.0 ** (((word(-1) & 255) * 13 >> 8) - 6)
        expected = [(word(i) - 2**32 * (word(i) >> 31)) * 2.0**-31 * scale for i in range(9)]
        assert draws.draw(seed, trial, 9).tolist() == expected


def test_draws_look_random():
    """Uniform draws fill [−1, 1) evenly, and neighbouring sites and lanes do not correlate."""
    u = np.stack([draws.draw(5, trial, 200) for trial in range(draws.LANES)])
    u /= 2.0 ** np.ceil(np.log2(np.max(abs(u), axis=1, keepdims=True)))
    assert abs(np.mean(u)) < 0.03 and abs(np.mean(u**2) - 1 / 3) < 0.02
    assert abs(np.mean(u[:, 1:] * u[:, :-1])) < 0.015
    assert abs(np.mean(u[1:] * u[:-1])) < 0.015


def test_the_kinds_of_signals():
    uniform, heavy, integers, spikes, steps, alternating, walk, few = (
        draws.draw(3, draws.LANES * kind + 7, 400) for kind in range(draws.KINDS))
    assert np.unique(uniform).size == np.unique(walk).size == 400
    assert np.ptp(np.log2(abs(heavy))) > 30
    assert set(integers) == {-3, -2, -1, 0, 1, 2, 3}
    assert 50 < np.count_nonzero(spikes) < 150
    assert 80 < np.count_nonzero(np.diff(steps)) < 190
    assert np.all(alternating[1:] * alternating[:-1] < 0)
    assert len(set(abs(few))) == 2


N, RATIO = 9, 0.6
SEARCHED = compressed(difference_rows(N, NATURAL, 1.0), N, np.float64)
DIFFERENCE = (None,)  # the same


def run(code, notion, first, count, scheme=SchemeCode.EXPLICIT, steps=1, tau=RATIO, K=SEARCHED):
    return search.worst_of(code, scheme, N, steps, tau, K, SHAPE, notion, 11, (first, count))


def changes(u):
    signs = np.sign(u)[u != 0]
    return np.count_nonzero(signs[1:] != signs[:-1])


def plain_margin(notion, pair, image):
    if notion == NotionCode.CONTRACTION:
        (u, v), (a, b) = pair, image
        return 1 - np.sum((a - b) ** 2) / np.sum((u - v) ** 2)
    u, v = pair[0], image[0]
    if notion == NotionCode.EUCLIDEAN:
        return 1 - np.sum(v**2) / np.sum(u**2)
    if notion == NotionCode.RANGE:
        length = np.ptp(u) or np.max(abs(u))
        return min(v.min() - u.min(), u.max() - v.max()) / length
    return changes(u) - changes(np.where(abs(v) <= 2.0**-40 * np.max(abs(u)), 0, v))


@pytest.mark.slow
@pytest.mark.parametrize("notion", range(4))
@pytest.mark.parametrize("scheme", range(4))
def test_search_finds_the_worst_of_its_trials(notion, scheme):
    code, steps, first, count = CODE["rational"], 2, 40, 8 * draws.LANES + 9
    advance = {SchemeCode.EXPLICIT: explicit, SchemeCode.FIXED_POINT: fixed_point,
               SchemeCode.FSI: fsi, SchemeCode.FROZEN_FSI: frozen_fsi}[scheme]
    found = []
    for trial in range(first, first + count):
        pair = np.stack(draws.draw_pair(11, trial, N))
        image = pair.copy()
        advance[code](image, steps, RATIO, SEARCHED, SHAPE)
        with np.errstate(all="ignore"):
            found.append(plain_margin(notion, pair, image))
    worst, where = run(code, notion, first, count, scheme, steps)
    assert where == first + int(np.nanargmin(found))
    assert abs(worst - np.nanmin(found)) <= 1e-12 * max(1, abs(worst))
    if scheme != SchemeCode.FROZEN_FSI:  # rows of a matrix and lanes of the difference agree
        assert run(code, notion, first, count, scheme, steps, K=DIFFERENCE) == (worst, where)


def test_search_does_not_depend_on_the_cuts():
    for notion in range(4):
        whole = run(CODE["rational"], notion, 0, 3000)
        parts = [run(CODE["rational"], notion, first, 1000) for first in (0, 1000, 2000)]
        assert min(parts) == whole
        assert run(CODE["rational"], notion, whole[1], 1) == whole


def test_search_without_a_usable_trial():
    assert run(CODE["rational"], NotionCode.EUCLIDEAN, 0, 0) == (np.inf, -1)


def test_search_makes_a_million_trials_per_second():
    run(CODE["rational"], NotionCode.EUCLIDEAN, 0, 10)
    assert best_time(lambda: run(CODE["rational"], NotionCode.EUCLIDEAN, 0, 20000)) < 0.02


# -- the compiler ----------------------------------------------------------------------------------
def best_time(job, rounds=15):
    """In processor time: what else runs on the machine does not count."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return min(times)


def test_the_loops_are_vectorised():
    n = 4096
    u, a, b = np.random.default_rng(6).random((3, 1, n)) + 1
    u = u[:1].reshape(1, -1).copy()
    step = explicit[CODE["rational"]]
    step(u, 1, 0.2, (NATURAL, (-1.0, 1.0)), SHAPE)
    ours = best_time(lambda: step(u, 20, 0.2, (NATURAL, (-1.0, 1.0)), SHAPE)) / 20
    division = best_time(lambda: np.divide(a, b, out=a))
    assert ours < 5 * division  # 2 to 3 when vectorised, 10 when not


def test_one_option_set_without_fastmath():
    assert kernels.OPTIONS == {"nogil": True, "error_model": "numpy"}
    steps = search.stepped[CODE["soft"], SchemeCode.EXPLICIT]
    for made in (explicit[CODE["rational"]], steps, tridiagonal):
        assert "fastmath" not in made.targetoptions
        assert made.targetoptions["error_model"] == "numpy"
        assert made.targetoptions["nogil"]
