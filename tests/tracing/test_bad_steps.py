"""Steps and arguments that cannot be meant: one clear error each, or an honest fallback."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    EUCLIDEAN,
    RANGE,
    Explicit,
    Stable,
    audit,
    decide,
    difference,
    fluxes,
    senses,
    step_bound,
    verify,
)
from stabkit.errors import InvalidArgument
from stabkit.testing import assert_stable


def heat(u, dt):
    return u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1))


SCHEME = Explicit(difference(1, 5), fluxes.identity(), "1/4")
RNG = np.random.default_rng(0)
CALLS = []


def remembers(u, dt):
    CALLS.append(1)
    return u * (1 + dt * len(CALLS))


def raises(u, dt):
    raise KeyError("viscosity")


REFUSED = {
    "another shape": (lambda u, dt: u[1:], r"step: .*shape of its input \(6,\), and returns \(5,"),
    "no array": (lambda u, dt: "abc", "step: .*shape of its input"),
    "nothing": (lambda u, dt: None, "step: .*add return"),
    "nan": (lambda u, dt: u * np.nan, "step: .*nan or inf"),
    "complex": (lambda u, dt: u * (1 + 1j * dt), r"complex128; .*np.stack\(\[z.real, z.imag\]\)"),
    "random": (lambda u, dt: u + dt * RNG.standard_normal(u.shape), "<lambda> is not determin"),
    "with a memory": (remembers, "remembers is not deterministic"),
    "raises": (raises, "step: .*raises KeyError: 'viscosity' for an array of shape"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("ask", [
    lambda step: step_bound(step, RANGE, shape=6, trials=50),
    lambda step: decide(step, EUCLIDEAN, shape=6, dt="1/4", trials=50)], ids=["bound", "decide"])
def test_a_step_that_cannot_be_meant_is_one_clear_error(kind, ask):
    """The message names the step and what is wrong with it."""
    step, words = REFUSED[kind]
    with pytest.raises(InvalidArgument, match=words):
        ask(step)


@pytest.mark.slow
def test_whole_numbers_and_single_precision_are_no_proof():
    """Both round in every step; so they are searched in floats, and the reason is told."""
    for kind in (int, np.float32):
        found = decide(lambda u, dt, kind=kind: (u - dt * u).astype(kind), EUCLIDEAN, shape=6,
                       dt="1/4", trials=50)
        assert found.status in ("supported", "refuted") and found.evidence[0].kind == "trials"
        assert "not proved" in found.reason or "numbers that the function returns" in found.reason


@pytest.mark.slow
def test_work_in_place_does_no_harm_and_a_side_effect_is_told():
    """u − dt u shrinks for dt <= 2; one that also keeps a list may do otherwise at a later call."""
    seen = []

    def in_place(u, dt):
        u *= 1 - dt
        return u

    def logs(u, dt):
        seen.append(u.shape)
        return in_place(u, dt)

    assert step_bound(in_place, EUCLIDEAN, shape=6).certified == 2
    found = decide(logs, EUCLIDEAN, shape=6, dt=1, trials=50)
    assert found.status == "supported" and "a memory" in found.reason and "seen" in found.reason


@pytest.mark.slow
@pytest.mark.parametrize("number", [float, np.float64])
def test_a_step_made_a_float_is_told_how_to_stay_open(number):
    """Single steps are still exact: u − dt u is a contraction at 1/4 and at 2, not at 4."""
    def step(u, dt):
        return u - number(dt) * u

    found = step_bound(step, EUCLIDEAN, shape=6)
    assert (Fraction(1, 4),) * 2 in found.proved and (Fraction(2),) * 2 in found.proved
    assert (Fraction(4),) * 2 in found.refuted and all(low == high for low, high in found.proved)
    assert "float() looks at a value; keep dt" in str(found)


@pytest.mark.parametrize("wrong, words", [
    (lambda: step_bound(heat, RANGE, shape=(10**6, 10**6)), "shape: .*GiB"),
    (lambda: step_bound(heat, RANGE, shape="5x5"), "shape: .*tuple"),
    (lambda: step_bound(heat, RANGE, shape=5.5), "shape: "),
    (lambda: step_bound(RANGE, heat, shape=5), "notion: "),
    (lambda: step_bound(heat, None, shape=5), "notion: "),
    (lambda: decide(SCHEME, "rage"), "notion: must be one of euclidean"),
    (lambda: decide(SCHEME, 3), "notion: "), (lambda: decide(SCHEME), r"decide\(scheme, EUCLI"),
    (lambda: decide(RANGE, SCHEME), "scheme: must be of type Scheme"),
    (lambda: Stable(RANGE, SCHEME), "the scheme first"),
    (lambda: Stable(heat, RANGE), "wrap a function"),
    (lambda: decide(heat, RANGE, shape=5, dt=float("nan")), "dt: .*finite"),
    (lambda: decide(heat, RANGE, shape=5, dt=1j), "dt: "), (lambda: senses(3, shape=5), "step: "),
    *((lambda ask=ask, seed=seed: ask(seed), f"seed: must be an integer >= 0, got {seed}")
      for seed in (None, -1, 1.5, True) for ask in (
          lambda seed: step_bound(heat, RANGE, shape=5, seed=seed),
          lambda seed: decide(heat, RANGE, shape=5, dt=1, seed=seed),
          lambda seed: decide(SCHEME, RANGE, seed=seed),
          lambda seed: senses(heat, shape=5, seed=seed),
          lambda seed: verify([], seed=seed), lambda seed: audit(SCHEME, seed=seed),
          lambda seed: assert_stable(SCHEME, RANGE, seed=seed))),
    (lambda: decide(SCHEME, RANGE, trials=None), "trials: "),
    (lambda: step_bound(SCHEME, RANGE, halvings="3"), "halvings: "),
])
def test_wrong_arguments_are_named(wrong, words):
    """Where they enter, with the remedy."""
    with pytest.raises(InvalidArgument, match=words):
        wrong()


def test_names_of_notions_and_counts_of_numpy():
    """'range' is RANGE, and np.int64(5) is 5."""
    assert decide(SCHEME, "range").status == decide(Stable(SCHEME, RANGE)).status == "proved"
    assert step_bound(heat, "range", shape=np.int64(5)).certified == Fraction(1, 2)
    assert step_bound(heat, RANGE, shape=np.array([3, 4])).certified == Fraction(1, 2)
    assert (difference(1, np.int64(5)).exact() == difference(1, 5).exact()).all()


@pytest.mark.slow
@pytest.mark.parametrize("nothing", [
    lambda u: 0 * np.log(u + 100), lambda u: np.sqrt(u) - np.sqrt(u), lambda u: 0 * (1 / (u - 3)),
], ids=["log", "sqrt", "quotient"])
def test_nothing_times_what_has_no_value_is_not_nothing(nothing):
    """u/2 alone is half as long; with 0·ln(u + 100) it is nan from u = −100 on."""
    bound = step_bound(lambda u, dt: u / 2 + nothing(u), EUCLIDEAN, shape=3)
    assert bound.proved == ()
