"""Arrays of float intervals: against fractions and Arb, at ends, zeros and infinities."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import Undecided, fluxes
from stabkit.arithmetic.enclosure import Interval, precision, to_fraction
from stabkit.arithmetic.float_intervals import FloatIntervals
from stabkit.spectra.stable import _all_at_once

FLOATS = st.floats(-1e6, 1e6, allow_subnormal=True)
OPERATIONS = [lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y,
              lambda x, y: x * x - y**3 + Fraction(1, 3), lambda x, y: abs(x) * 2 - 1,
              lambda x, y: x / (1 + y * y), lambda x, y: 1 / (x**2 + Fraction(1, 7)) - y**0]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(FLOATS, min_size=4, max_size=4), st.integers(0, len(OPERATIONS) - 1))
def test_every_value_inside_gives_one_inside(numbers, which):
    """The operation in fractions, at the four corners and the middle of a box."""
    a, b, c, d = numbers
    x, y = sorted((a, b)), sorted((c, d))
    operation = OPERATIONS[which]
    found = operation(*(FloatIntervals(np.array([low]), np.array([high])) for low, high in (x, y)))
    points = [(Fraction(p), Fraction(q)) for p in x for q in y]
    points.append(((points[0][0] + points[-1][0]) / 2, (points[0][1] + points[-1][1]) / 2))
    for p, q in points:
        assert found.lo[0] <= operation(p, q) <= found.hi[0]


def test_exponentials_hold_those_of_arb():
    """From −800 to 800, to the accuracy of x; far out 0 and ∞."""
    x = np.concatenate([np.random.default_rng(0).uniform(-690, 690, 400), np.linspace(-1, 1, 101),
                        [0.0, 1e-300, -1e-300, 699.9, -699.9]])
    found = FloatIntervals(x, x).exp()
    for value, low, high in zip(x, found.lo, found.hi, strict=True):
        with precision(200):
            exact = arb(value).exp()
        assert to_fraction(exact.lower()) >= Fraction(low) and Fraction(high) >= to_fraction(
            exact.upper())
        assert high - low <= 5e-15 * (1 + abs(value)) * high
    far = FloatIntervals(np.array([-1e4, 1e4, -np.inf]), np.array([-900.0, np.inf, np.inf])).exp()
    assert far.lo.tolist()[0] == 0 and far.lo[1] > 1e300 and far.hi[1] == np.inf
    assert 0 < far.hi[0] < 1e-300 and far.lo[2] == 0 and far.hi[2] == np.inf


def test_roots_quotients_and_nothing_known():
    """√ of squares, 1/x across 0, ∞ − ∞."""
    whole = FloatIntervals(np.array([-1.0]), np.array([2.0])).reciprocal()
    assert whole.lo[0] == -np.inf and whole.hi[0] == np.inf
    nothing = whole - whole
    assert nothing.lo[0] == -np.inf and nothing.hi[0] == np.inf
    root = FloatIntervals(np.array([2.0, 0.0]), np.array([2.0, 0.0])).sqrt()
    assert Fraction(root.lo[0]) ** 2 <= 2 <= Fraction(root.hi[0]) ** 2 and root.lo[1] == 0
    with pytest.raises(Undecided):
        FloatIntervals(np.array([-1.0]), np.array([2.0])).sqrt()


def test_comparisons_are_refused():
    """An equality that fell back to identity would take the wrong branch of a formula."""
    x = FloatIntervals(np.zeros(2), np.ones(2))
    for compare in (lambda: x == 0, lambda: x != 0, lambda: x < 1, lambda: x >= 1, lambda: bool(x)):
        with pytest.raises(Undecided):
            compare()


@pytest.mark.parametrize("flux", [fluxes.perona_malik("1/2"), fluxes.rational(), fluxes.soft(),
                                  fluxes.charbonnier(), fluxes.garrote(), fluxes.relu()], ids=str)
def test_slopes_of_fluxes(flux):
    """Φ′ on small intervals in Arb lies inside, at breakpoints that of both pieces."""
    middle = np.concatenate([np.random.default_rng(1).uniform(-4, 4, 60), [0.0, 1.0, -1.0, 0.5]])
    low, high = _all_at_once(flux, FloatIntervals(middle - 1e-9, middle + 1e-9))
    for x, a, b in zip(middle, low, high, strict=True):
        exact = flux.slope(Interval(x))
        ends = (exact.lower, exact.upper) if isinstance(exact, Interval) else (exact, exact)
        assert a <= ends[0] and ends[1] <= b
    assert (high - low < 1e-6).sum() >= 60
