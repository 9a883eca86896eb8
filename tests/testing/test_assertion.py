"""``assert_stable``: what fails, what never fails, what the message says, and the plugin."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import stabkit
from stabkit import (
    CONTRACTION,
    CONTRAST,
    EUCLIDEAN,
    FSI,
    RANGE,
    SIGN,
    Energy,
    Explicit,
    HypothesisNotMet,
    Implicit,
    InvalidArgument,
    Linear,
    Status,
    difference,
    energy,
    fluxes,
    from_matrix,
    sensitivity,
    stable_step,
)
from stabkit.installation import install
from stabkit.replay import check
from stabkit.stability.falsify.computed import Computed
from stabkit.testing import NotStable, assert_stable, operators, ratios
from stabkit.testing import fluxes as any_flux

ROOT = Path(stabkit.__file__).parent.parent
NOTIONS = (EUCLIDEAN, CONTRACTION, RANGE, SIGN, CONTRAST, sensitivity(1),
           energy(Energy(difference(1, 3), fluxes.soft())))
EPS = Fraction(1, 2**52)
RANDOM = np.random.default_rng(0)


def words(text):
    return " ".join(text.split())


def failure(*arguments, **options):
    with pytest.raises(NotStable) as raised:
        assert_stable(*arguments, **options)
    return raised.value


# -- schemes ---------------------------------------------------------------------------------------
def test_a_scheme_is_proved_or_refuted_and_the_message_is_the_witness():
    """K = (−1, 1) and Φ = id: u⁺ = u − τ KᵀK u; for τ = 2 the spike (0, 1) becomes (2, −1), whose
    square is 5 > 1.  For τ = 1 the eigenvalues of the step are 1 and −1."""
    K = from_matrix([[-1, 1]])
    assert assert_stable(Explicit(K, fluxes.identity(), 1), EUCLIDEAN).status is Status.PROVED
    error = failure(Explicit(K, fluxes.identity(), 2), EUCLIDEAN)
    assert isinstance(error, AssertionError)
    assert error.inputs[0].tolist() == [0, 1] and error.outputs[0].tolist() == [2, -1]
    assert (error.outcome.status, error.outcome.margin) == (Status.REFUTED, -4)
    assert check(error.outcome.evidence[0].to_json({})) is None
    for line in ("is not stable in the sense of 'euclidean'", "u = (0, 1)", "u⁺ = (2, -1)",
                 "margin = ‖u‖² − ‖u⁺‖² = -4", "seed 0", "tau=Constant(2, 1)"):
        assert line in words(str(error))


@pytest.mark.parametrize("scheme, notion", [
    (FSI(difference(1, 3), fluxes.garrote(), 1, 3), EUCLIDEAN),
    (Explicit(difference(1, 3), fluxes.perona_malik(), "1/4"), CONTRACTION),
    (Implicit(difference(1, 3), fluxes.scaled_identity(-1), "1/10"), EUCLIDEAN),
])
def test_the_lines_of_a_message_show_it_again(scheme, notion):
    """The last paragraph is Python: run, it gives the outputs above it."""
    error = failure(scheme, notion)
    code = str(error).partition("To see it again:\n")[2].strip().splitlines()
    names = {"np": np, "Fraction": Fraction, "scheme": scheme}
    lines = [line.strip() for line in code if "#" not in line]
    exec("\n".join(lines[:-1]), names)
    shown = eval(lines[-1], names)
    outputs = [part[1] if isinstance(part, tuple) else part for part in
               (shown if notion.signals == 2 else [shown])]
    for again, output in zip(outputs, error.outputs, strict=True):
        assert all(abs(float(a) - float(b)) < 1e-12 for a, b in zip(again, output, strict=True))


@pytest.mark.slow
@settings(max_examples=15)
@given(operators(samples=4), any_flux(continuous=True), ratios())
def test_a_stable_scheme_never_fails(K, flux, ratio):
    """τ <= 2/(L‖K‖²) for Φ = g(s) s with 0 <= g <= L: the norm does not grow, up to the bound."""
    step = Explicit(K, flux, stable_step(K, flux.facts.diffusivities[1], ratio))
    assert assert_stable(step, EUCLIDEAN, trials=50).status in (Status.PROVED, Status.SUPPORTED)


@pytest.mark.slow
@settings(max_examples=10)
@given(operators(samples=4), ratios(beyond=True).filter(lambda ratio: ratio > Fraction(1001, 1000)))
def test_a_linear_scheme_beyond_its_bound_fails(K, ratio):
    """τ > 2/‖K‖² has the eigenvalue 1 − τ‖K‖² < −1, which grows the top singular vector of K."""
    failure(Explicit(K, fluxes.identity(), stable_step(K, 1, ratio)), EUCLIDEAN)


@pytest.mark.slow
def test_strict_asks_for_a_proof():
    """Eigenvalues 1/2 on a Jordan block: ‖M^k‖ stays below 1, and FSI of a garrote is not
    certified."""
    supported = FSI(difference(1, 3), fluxes.garrote(), "1/2", 2)
    assert assert_stable(supported, EUCLIDEAN, trials=100).status is Status.SUPPORTED
    error = failure(supported, EUCLIDEAN, trials=100, strict=True)
    assert error.inputs == () and error.outcome.status is Status.SUPPORTED
    assert "supported, after" in str(error) and "strict=True asks for a proof" in str(error)
    assert assert_stable(Linear(from_matrix([["1/2", "1/2"], [0, "1/2"]])), EUCLIDEAN,
                         strict=True).status is Status.PROVED


@pytest.mark.slow
def test_a_function_that_can_be_traced_is_proved():
    """A mean of neighbours keeps the range, on a grid and with a step; a sorted signal does too,
    but sorting is no affine form, so that strict fails."""
    def heat(u, dt):
        return u + dt * (np.roll(u, 1, 0) + np.roll(u, -1, 1) - 2 * u)

    assert assert_stable(heat, stabkit.RANGE, shape=(4, 5), dt="1/2", strict=True
                         ).status is Status.PROVED
    error = failure(heat, stabkit.RANGE, shape=(4, 5), dt=0.51)
    assert error.inputs[0].shape == (20,)
    assert assert_stable(np.sort, stabkit.RANGE, size=4, trials=50).status is Status.SUPPORTED
    assert "strict" in str(failure(np.sort, stabkit.RANGE, size=4, trials=50, strict=True))


def test_given_signals_come_first():
    """A witness of an earlier run fails at once, thirds included; a float one is rounded."""
    step = Explicit(difference(1, 4), fluxes.soft(), "3/5")
    error = failure(step, EUCLIDEAN, signals=[["0", "1", "0", "2/3"]], trials=0)
    assert error.outcome.trials == 0
    assert "One of the given signals shows it." in str(error)
    pair = [[["0", "1", "0"], ["0", "1", "-1"]]]
    error = failure(Explicit(difference(1, 3), fluxes.perona_malik(), "1/4"), CONTRACTION,
                    signals=pair, trials=0)
    assert error.outcome.trials == 0 and len(error.inputs) == 2
    step = FSI(difference(1, 1, 1, stabkit.DIRICHLET), fluxes.garrote(), 2, 4)
    assert failure(step, EUCLIDEAN, signals=np.array([[1.75]])).outcome.status is Status.REFUTED


def test_what_is_not_defined_is_no_pass():
    """The regulariser of weickert's flux has no closed form: its energy decides nothing."""
    notion = energy(Energy(difference(1, 3), fluxes.weickert()))
    with pytest.raises(HypothesisNotMet, match="regulariser"):
        assert_stable(Explicit(difference(1, 3), fluxes.weickert(), "1/4"), notion)


# -- functions -------------------------------------------------------------------------------------
#: The identity in exact arithmetic; computed, it is not.
Q = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
NOISY = {
    "rotated": (lambda u: Q.T @ (Q @ u), np.float64),
    "tripled": (lambda u: (u * 3.0) / 3.0 + (0.1 + 0.2 - 0.3) * u, np.float64),
    "summed": (lambda u: np.outer(np.full(49, 1 / 49.0), u).cumsum(axis=0)[-1], np.float64),
    "narrow": (lambda u: Q.T.astype("f") @ (Q.astype("f") @ u), np.float32),
}


@pytest.mark.slow
@pytest.mark.parametrize("name, notion", [
    *(("rotated", notion) for notion in NOTIONS), *(("narrow", notion) for notion in NOTIONS[:5]),
    ("tripled", EUCLIDEAN), ("tripled", RANGE), ("summed", CONTRACTION), ("summed", SIGN)], ids=str)
def test_rounding_never_fails_a_stable_function(name, notion):
    """Every notion holds for the identity with margin 0; rounding violates it all the time."""
    function, dtype = NOISY[name]
    outcome = assert_stable(function, notion, size=3, trials=300, seed=3, dtype=dtype)
    assert outcome.status is Status.SUPPORTED
    assert outcome.evidence[0].data["rounding"] == 64
    assert outcome.trials > 300


@pytest.mark.slow
@pytest.mark.parametrize("dtype, smallest", [(np.float64, 1e-9), (np.float32, 1e-3)])
def test_a_function_just_over_the_bound_fails(dtype, smallest):
    """u ↦ c u grows, and u ↦ u + c leaves the range, for c as small as N·64·eps allows."""
    for notion in (EUCLIDEAN, CONTRACTION, sensitivity(1), CONTRAST, RANGE):
        error = failure(lambda u: u * dtype(1 + smallest), notion, size=3, dtype=dtype,
                        trials=100)
        assert error.outcome.margin < 0 and error.outcome.evidence == ()
        assert str(error).splitlines()[0].endswith(f"is not stable in the sense of '{notion.name}'")
    failure(lambda u: u + dtype(smallest), RANGE, size=3, dtype=dtype, trials=100)


@pytest.mark.slow
def test_planted_faults_in_functions_fail():
    """Step 1.01 times the bound; a flipped sign; a tap of a mean that is off by a thousandth."""
    K = np.diff(np.eye(4), axis=0)
    top = np.linalg.norm(K, 2) ** 2
    assert_stable(lambda u: u - 2 / top * (K.T @ (K @ u)), EUCLIDEAN, size=4, trials=200)
    failure(lambda u: u - 2.02 / top * (K.T @ (K @ u)), EUCLIDEAN, size=4, trials=200)
    failure(lambda u: u + 0.01 * (K.T @ (K @ u)), EUCLIDEAN, size=4, trials=200)
    assert_stable(lambda u: 0.5 * u + 0.5 * np.roll(u, 1), RANGE, size=4, trials=200)
    failure(lambda u: 0.5 * u + 0.501 * np.roll(u, 1), RANGE, size=4, trials=200)
    failure(lambda u: 0.5 * u - 0.5 * np.roll(u, 1), RANGE, size=4, trials=200)


@pytest.mark.parametrize("gap, violated", [(63, False), (64, False), (65, False), (66, True),
                                           (1000, True)])
def test_the_allowance_is_what_is_stated(gap, violated):
    """N = 1, u = 1, u⁺ = 1 + g eps, so δ = 64 eps (1 + g eps): it grows beyond δ iff
    1 + g eps − δ > 1, that is g > 64 + 64 g eps: from g = 65 on.  The float 1 + g eps is exact.
    One unit more is left to the interval, whose ends are rounded outward."""
    function = Computed(lambda u: u * (1 + gap * float(EPS)), 1)
    one = (np.array([Fraction(1)], dtype=object),)
    found = function.violates(EUCLIDEAN, one)
    assert found == (gap > 64) if gap != 65 else found in (True, False)
    assert found == violated or gap == 65
    assert function.margin(EUCLIDEAN, one) == 1 - (1 + gap * EPS) ** 2
    assert function.allowance(*function.evaluate(one)) == 64 * EPS * (1 + gap * EPS)


@pytest.mark.parametrize("u, up", [((0, 3), (1, 0)), ((0, 1), (3, 0)), ((-3, 0), (0, 0))])
def test_the_allowance_is_that_of_the_largest_number(u, up):
    """δ = 64 N eps max(|u|, |u⁺|): N = 2 and the largest of the four numbers is 3, others are 0."""
    function = Computed(lambda x: np.array(up, dtype=float), 2)
    signals = (np.array([Fraction(x) for x in u], dtype=object),)
    assert function.allowance(*function.evaluate(signals)) == 64 * 2 * EPS * 3


def test_signs_that_may_be_zero_are_not_counted():
    """(1, 1, 1) becomes (1, −t, 1): two sign changes more, if t is more than 64·3·eps."""
    ones = (np.array([Fraction(1)] * 3, dtype=object),)
    for t, violated in ((1e-14, False), (1e-12, True)):
        function = Computed(lambda u, t=t: np.array([u[0], -t, u[2]]), 3)
        assert function.violates(SIGN, ones) is violated
    lone = Computed(lambda u: np.array([-1.0, 1.0, -1e-15]), 3)
    assert lone.violates(SIGN, ones)  # whatever the last sign is


@pytest.mark.slow
@pytest.mark.parametrize("value, notion", [
    *((np.nan, notion) for notion in NOTIONS), (np.inf, SIGN), (-np.inf, RANGE)], ids=str)
def test_what_is_not_finite_never_passes(value, notion):
    error = failure(lambda u: np.where(u > 2, value, u), notion, size=3, trials=200)
    assert "An output is not finite." in str(error)
    assert np.isfinite(error.inputs[0]).all()


def test_a_function_may_work_in_place_or_on_single_precision():
    def halve(u):
        u *= 0.5
        return u

    assert_stable(halve, EUCLIDEAN, size=3, trials=50)
    assert "float32" in str(failure(lambda u: 2 * u, EUCLIDEAN, size=2, dtype=np.float32))


@pytest.mark.parametrize("options, complaint", [
    (dict(scheme=3), "scheme: must be a scheme or a function"),
    (dict(size=None), "size: give the length"),
    (dict(size=0), "size: must be an integer >= 1"),
    (dict(notion="stable"), "notion: must be one of euclidean, contraction, range"),
    (dict(notion=energy(lambda u: float(u @ u))), "functional of 'energy' must"),
    (dict(notion=energy(np.linalg.norm)), "functional of 'energy' must"),
    (dict(trials=-1), "trials: must be an integer >= 0, got -1"),
    (dict(seconds=0), "seconds: must be positive, got 0"),
    (dict(seed=1.5), "seed: must be an integer >= 0, got 1.5"),
    (dict(signals=[[1, 2]]), r"signals: must have shape \(count, 3\), got \(1, 2\)"),
    (dict(signals=[[1, 2, float("nan")]]), "signals: must be a finite rational number, got nan"),
    (dict(signals=[1, 2, 3], notion=CONTRACTION), r"\(count, 3\) or \(count, 2, 3\)"),
    (dict(size=3, shape=(1, 3)), "size, shape: give one of them"),
    (dict(dtype=int), "dtype: must be float32 or float64"),
    (dict(rounding=0), "rounding: must be an integer >= 1, got 0"),
    (dict(scheme=lambda u: u[1:]), r"must return a real array of shape \(3,\), got shape \(2,\)"),
    (dict(scheme=lambda u: u * 1j), "must return a real array"),
    (dict(scheme=lambda u: 9 * RANDOM.random(3)), "is not deterministic"),
    (dict(scheme=Linear(from_matrix([[1]]))), "size: the scheme has size 1, got 3; leave it out"),
])
def test_bad_input_is_named(options, complaint):
    options = {"scheme": lambda u: u, "notion": EUCLIDEAN, "size": 3, **options}
    with pytest.raises(InvalidArgument, match=complaint):
        assert_stable(options.pop("scheme"), options.pop("notion"), **options)


def test_what_a_function_raises_is_seen():
    with pytest.raises(ZeroDivisionError):
        assert_stable(lambda u: 1 / 0, EUCLIDEAN, size=2)


# -- without hypothesis, and with pytest -----------------------------------------------------------
@pytest.mark.slow
def test_only_the_strategies_need_hypothesis():
    done = subprocess.run([sys.executable, "-c", (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from stabkit import RANGE\n"
        "from stabkit.testing import assert_stable\n"
        "print(assert_stable(lambda u: u, RANGE, size=2, trials=0).status)\n"
        "try:\n    from stabkit.testing import signals\n"
        "except ImportError as error:\n    print(error)\n")],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)})
    status, error = done.stdout.splitlines()
    assert status == "proved" and install("test") in error
