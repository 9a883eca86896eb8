"""The ways into the package under a few inputs each, and what more of them have found."""

import importlib.util
import signal
import struct
from fractions import Fraction

import numpy as np
import pytest
from doors import DOORS
from driving import Door, drive
from hypothesis import strategies as st

import stabkit
from stabkit.cli.signal_file import read_signal
from stabkit.errors import InvalidArgument
from stabkit.tracing import trace

NEEDS = {"onnx": ("onnx",), "torch": ("torch",), "torch_export": ("torch", "onnxscript"),
         "small_export": ("torch", "onnxscript")}
TIMED = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm signal")
INPUTS = {"small_export": 5, "small_audit": 5, "torch_export": 2,
          "step_bound": 2, "steps": 5, "decide": 5, "audit": 3, "multigrid": 10}


@TIMED
@pytest.mark.slow
@pytest.mark.parametrize("name", DOORS)
def test_nothing_but_own_errors_comes_out(name):
    """A few random inputs; ``python tests/fuzz`` tries as many as one likes."""
    missing = [package for package in NEEDS.get(name, ())
               if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    count = drive(DOORS[name](), INPUTS.get(name, 40))
    assert count.tried and not count.finds


@pytest.mark.slow
@TIMED
def test_the_driver_notes_what_it_is_for():
    """Planted: an error of Python's, one that lasts, and one of the package, which is none."""
    def enter(number):
        if number == 1:
            raise KeyError("planted")
        if number == 2:
            while True:
                pass
        if number == 3:
            raise InvalidArgument("it is 3")

    count = drive(Door(st.integers(0, 3), enter, limit=0.1), 20)
    assert count.tried == 20 and 0 < count.refused < 10
    assert sorted(find.partition(" ")[0] for find in count.finds) == ["KeyError", "TooLong"]


def _sound(kind=3, channels=1, block=8, bits=64, samples=8):
    form = struct.pack("<HHIIHH", kind, channels, 8000, 8000, block, bits)
    body = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 8 * samples)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body + bytes(8 * samples)


@pytest.mark.parametrize("content", [
    _sound().replace(b"fmt ", b"fma "), _sound().replace(b"data", b"dada"), _sound(block=0xff08),
    _sound(channels=72), _sound()[:44] + b"cut", _sound()[:30], b"RIFF"])
def test_a_damaged_recording_is_one_line(tmp_path, content):
    """SciPy says these with NameError, ZeroDivisionError, TypeError and struct.error."""
    path = tmp_path / "s.wav"
    path.write_bytes(_sound())
    assert read_signal(path).tolist() == [0.0] * 8
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match="signal: "):
        read_signal(path)


@pytest.mark.parametrize("make, name", [
    (lambda: stabkit.AllOf(3.5), "parts"),
    (lambda: stabkit.Chain(stabkit.fluxes.soft()), "schemes"),
    (lambda: stabkit.Calculation({}, 7), "let"), (lambda: stabkit.Calculation({}, (), 7), "shows"),
    (lambda: stabkit.make_stable(print, 2.5), "shape"),
    (lambda: stabkit.differential_operator(2, 5), "weights"),
    (lambda: stabkit.convolution(2, 5), "taps"), (lambda: stabkit.box(stabkit.Linear, 1), "low"),
    (lambda: stabkit.identity(2.5), "n"), (lambda: stabkit.load_claims(7), "claims file"),
    (lambda: stabkit.fluxes.weickert(np.eye(2)), "contrast")])
def test_an_argument_of_another_kind_is_named(make, name):
    """In one line."""
    with pytest.raises(InvalidArgument, match=rf"^{name}: must be .*\Z"):
        make()


@pytest.mark.parametrize("make, words", [
    (lambda: stabkit.fluxes.garrote("1e999"), "threshold: must lie between 1e-300 and 1e300"),
    (lambda: stabkit.fluxes.rational(Fraction(1, 10**400)), "contrast: must lie between"),
    (lambda: stabkit.fluxes.scaled_identity(10**400), "factor: must lie between"),
    (lambda: stabkit.fluxes.leaky_relu(10**400), "slope: must lie between"),
    (lambda: stabkit.identity(10**30), "n: must be at most"),
    (lambda: stabkit.convolution(["1"], 3, np.ones((0, 3))), "boundary: must be one of"),
    (lambda: stabkit.weighted(["1e999"]), "weights: must be at most"),
    (lambda: stabkit.box([0, 0], [1, 1, 1]), r"low, high: must have shapes that fit, got \(2,\)")])
def test_numbers_no_float_holds_and_shapes_that_do_not_fit(make, words):
    """The compiled twin takes a parameter as a double, and the ends of a box are compared."""
    with pytest.raises(InvalidArgument, match=words):
        make()


_STEP = stabkit.Explicit(stabkit.difference(1, 2), stabkit.fluxes.soft(), "1/2")


@pytest.mark.parametrize("call, words", [
    (lambda: stabkit.audit("\0"), "model: embedded null byte"),
    (lambda: stabkit.audit(lambda u: u, shape=10**30), "shape: must have at most"),
    (lambda: stabkit.audit(_STEP, budget=1e308), "budget: must be a positive number of seconds"),
    (lambda: stabkit.verify([], budget=1e308), "budget: must be a positive number of seconds"),
    (lambda: stabkit.audit(_STEP, notions=3.5), "notions: must be a sequence, got float"),
    (lambda: stabkit.audit(_STEP, notions=np.eye(2)), "notion: must be among euclidean"),
    (lambda: stabkit.audit(_STEP, rounding=np.eye(2)), "rounding: must be among snapped"),
    (lambda: stabkit.decide(_STEP, stabkit.RANGE, signals=[["1e999", 0]]),
     "signals: must be at most 1e308"),
    (lambda: stabkit.HaarShrinkage(stabkit.fluxes.hard(), 4, np.eye(2)), "boundary: must be"),
    (lambda: stabkit.FaceWithin(stabkit.fluxes.soft(), np.eye(2), 0, 1), "face: must be one of"),
    (lambda: stabkit.decide(lambda u: u, stabkit.RANGE, shape=["\0", [0]]),
     "shape: must be a positive integer or a tuple"),
    (lambda: stabkit.decide(lambda u: u, stabkit.RANGE, shape=stabkit.difference(1, 3)),
     "shape: must be a positive integer or a tuple")])
def test_calls_that_a_random_one_was(call, words):
    """Found among small random calls; each was an error of Python's."""
    with pytest.raises(InvalidArgument, match=f"^{words}"):
        call()


def test_a_step_that_returns_numpys_integers_is_compared_exactly():
    """A fraction of NumPy's integers overflows where one of Python's does not."""
    trace(lambda u, dt: np.argsort(None), 1, dt=Fraction(1, 4))


def test_a_time_that_is_over_is_no_refusal():
    """Planted: the end of a user's code is told as an error of the package, and hid a hang."""
    def enter(number):
        try:
            while True:
                pass
        except BaseException as error:
            raise InvalidArgument("the code ended") from error

    count = drive(Door(lambda random: 1, enter, limit=0.1), 1)
    assert not count.refused and [find[:7] for find in count.finds] == ["TooLong"]


def test_an_operator_is_an_array_of_fractions_too():
    """Its entries are exact, and NumPy is given them as they are."""
    K = stabkit.from_matrix([["1/3", "0"], ["-2", "1"]])
    assert (np.asarray(K, dtype=object) == K.exact()).all()
    assert np.asarray(K, dtype=object)[0, 0] == Fraction(1, 3)


@pytest.mark.parametrize("enter", [
    lambda: stabkit.load_claims("a" * 300), lambda: stabkit.audit("a" * 300 + ".py:step", shape=2),
    lambda: stabkit.repeat(stabkit.Linear(stabkit.identity(2)), 10**35)])
def test_names_and_chains_may_not_be_too_long(enter):
    """No system has a name of 300 letters, or memory for 10³⁵ steps."""
    with pytest.raises(InvalidArgument):
        enter()
