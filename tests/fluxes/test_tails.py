"""Slopes far out: against central differences in 60 digits, and on endless intervals."""

from fractions import Fraction
from math import inf

import numpy as np
import pytest

from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.audit.reading import recognition
from stabkit.audit.reading.recognition import flux_of_formula
from stabkit.fluxes.expression import VARIABLE as S
from stabkit.fluxes.tails import far_out
from stabkit.fluxes.vanishing import vanishes
from stabkit.networks.layers.activation import certified_slopes

BOUNDED = {
    "logarithm": np.log(np.exp(-S) + 4), "log cosh": np.log((np.exp(S) + np.exp(-S)) / 2),
    "softplus": np.log(1 + np.exp(S)), "swish": S / (1 + np.exp(-S)),
    "tanh": S * np.tanh(S), "rational": S**3 / (1 + S**2), "root": np.sqrt(S * S + 1),
    "mish": S * np.tanh(np.log(1 + np.exp(S))), "sech": 2 / (np.exp(S) + np.exp(-S)),
    "bell": S * np.exp(-(S * S)) + S.erf(), "edge": S * (1 - np.exp(-3 / (S**4 + 1)))}


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("side", [1, -1])
def test_the_slope_is_the_same_far_out_and_bounded(name, side):
    formula, start = BOUNDED[name], Fraction(2)
    cell = (start, inf) if side > 0 else (-inf, -start)
    made = far_out(formula.derivative, start, side)
    assert made is not None and vanishes(made - formula.derivative, *cell)
    whole = made.at(Interval(*cell))
    assert whole.is_finite
    step = Fraction(1, 10**12)
    for s in (Fraction(side * n, 2) for n in (4, 5, 9, 20, 61)):
        with precision(300):
            rise = (Interval(0) + formula.at(s + step) - formula.at(s - step)) / (2 * step)
            assert abs(float(Interval(0) + made.at(s) - rise)) < 1e-15
        assert float(whole.lower) - 1e-15 <= float(rise) <= float(whole.upper) + 1e-15


@pytest.mark.parametrize("formula", [
    S * S, np.exp(S), S * np.log(1 + S * S), S**2 * np.tanh(S), np.exp(S) * S.erf()],
    ids=["square", "exp", "log", "tanh", "erf"])
def test_a_slope_that_grows_has_no_such_form(formula):
    assert far_out(formula.derivative, Fraction(1), 1) is None


@pytest.mark.slow
@pytest.mark.parametrize("name, low, high", [
    ("logarithm", -1, 0), ("log cosh", -1, 1), ("softplus", 0, 1), ("swish", -0.0998, 1.0998),
    ("tanh", -1.1997, 1.1997), ("rational", 0, 1.125), ("root", -1, 1), ("mish", -0.1126, 1.0885),
    ("sech", -0.5, 0.5), ("bell", -0.2538, 2.1284), ("edge", -0.5833, 0.9503)])
def test_slopes_are_certified_on_the_line(name, low, high, monkeypatch):
    """Within 2 % of those that differences show on a fine grid, never inside of them."""
    monkeypatch.setattr(recognition, "_SECONDS", 600.0)  # what a busy machine takes does not count
    slopes = certified_slopes(flux_of_formula(BOUNDED[name], name))
    s = np.linspace(-30, 30, 240001)
    with np.errstate(over="ignore"):
        steep = np.diff(BOUNDED[name].at(s)) / np.diff(s)
    steep = steep[np.isfinite(steep)]
    room = 0.021 * max(abs(low), high) + 1e-3
    assert slopes is not None
    assert slopes[0] <= steep.min() + 1e-9 and steep.max() - 1e-9 <= slopes[1]
    assert steep.min() - room <= slopes[0] and slopes[1] <= steep.max() + room
