"""A formula with kinks against the same formula in plain Python, at many points of every piece."""

from fractions import Fraction
from math import inf

import numpy as np
import pytest

from stabkit.errors import InvalidArgument
from stabkit.fluxes.expression import VARIABLE as s
from stabkit.fluxes.flux import Facts, from_activation
from stabkit.fluxes.vanishing import vanishes, vanishes_almost
from stabkit.stability.certificates import check_facts

WIDE = Facts(False, (Fraction(-99), Fraction(99)), None)
POINTS = [Fraction(k, 4) for k in range(-40, 41)] + [Fraction(10**5), Fraction(-10**5)]
where = np.where

# A formula in NumPy, and what it means in plain Python.
FORMULAS = [
    (lambda s: where((s < 1) & (s > -2), s, where(s <= -2, -2, 1)), lambda s: max(-2, min(s, 1))),
    (lambda s: where((s < 1) | (s < 3), s, 3), lambda s: min(s, 3)),
    (lambda s: where((s > 3) | (s < -1), 2 * s, s + where(s > 0, s, s)),
     lambda s: 2 * s),
    (lambda s: where(~(s < 2), 2 * s - 2, s), lambda s: s if s < 2 else 2 * s - 2),
    (lambda s: where(np.logical_and(s < 1, s > -2), s, where(s <= -2, -2, 1)),
     lambda s: max(-2, min(s, 1))),
    (lambda s: where(np.logical_or(s < 1, s < 3), s, 3), lambda s: min(s, 3)),
    (lambda s: where(s, 2 * s, 0), lambda s: 2 * s), (lambda s: s * (s > 0), lambda s: max(s, 0)),
    (lambda s: where(np.logical_and(s - 1, True), s, 1), lambda s: s),
    (lambda s: where((s < 1) & True, s, where(False | (s < 2), s, 2)), lambda s: min(s, 2)),
    (lambda s: s * np.logical_not(s <= 0), lambda s: max(s, 0)),
    (lambda s: where(np.logical_not(s < 2), 2 * s - 2, s), lambda s: s if s < 2 else 2 * s - 2),
    (lambda s: where(np.logical_not((s < 2) & (s > -2)), 2 * s, s + s), lambda s: 2 * s),
    (lambda s: where(np.logical_not((s < 2) | (s < -2)), 3 * s - 4, s),
     lambda s: max(s, 3 * s - 4)),
    (lambda s: where((s < 2) & (s < 5), s, 2), lambda s: min(s, 2)),
    (lambda s: where((s < 2) | (s > 5), s, s + 0 * s * s), lambda s: s),
    (lambda s: abs(s - 1) - abs(s + 3), lambda s: abs(s - 1) - abs(s + 3)),
    (lambda s: np.maximum(np.minimum(s, 3), np.maximum(-s, 1)),
     lambda s: max(min(s, 3), max(-s, 1))),
    (lambda s: np.minimum(np.maximum(2 * s - 3, -1), s / 2), lambda s: min(max(2 * s - 3, -1),
                                                                           s / 2)),
    (lambda s: abs(abs(s) - 2) + abs(s), lambda s: abs(abs(s) - 2) + abs(s)),
    (lambda s: s + 2 * np.maximum(s - 5, 0) - 3 * np.minimum(s + 5, 0),
     lambda s: s + 2 * max(s - 5, 0) - 3 * min(s + 5, 0)),
    (lambda s: np.sign(s) * np.minimum(abs(s), 2), lambda s: max(-2, min(s, 2))),
    (lambda s: s * np.sign(s - 1) - np.sign(s - 1), lambda s: abs(s - 1)),
    (lambda s: where(s <= 0, s, where(s <= 0, 77, 2 * s)), lambda s: max(s, 2 * s)),
    (lambda s: where(s < 0, where(s < 1, s, 77), where(s < -1, 77, 3 * s)),
     lambda s: max(s, 3 * s)),
    (lambda s: where(s * s < 4, s * s, 4), lambda s: min(s * s, 4)),
    (lambda s: where(s - s < 0, 77, where(s - s <= 0, s, 77)), lambda s: s),
    (lambda s: where(s <= 1, where(s - s < 0, 2 * s - 1, s), 1), lambda s: min(s, 1)),
    (lambda s: where(s <= 1, where(s - s <= 0, s, 2 * s - 1), 1), lambda s: min(s, 1)),
    (lambda s: np.maximum(s, s) + np.minimum(2 * s, s + s), lambda s: 3 * s),
    (lambda s: where(s != 3, s, 3), lambda s: s),
    (lambda s: where((s == 3) | (s == 4), s, s), lambda s: s),
    (lambda s: np.maximum(np.exp(-s * s), 0) * 0 + s, lambda s: s),
    (lambda s: where(np.exp(s) > 0, s, 77) + 0 * s, lambda s: s),
    (lambda s: where(np.exp(s) < 0, 77, s) + 0 * s, lambda s: s),
    (lambda s: abs(1 + s * s) - s * s, lambda s: Fraction(1)),
    (lambda s: np.maximum(-1 - s * s, s), lambda s: max(-1 - s * s, s)),
]


@pytest.mark.parametrize("number", range(len(FORMULAS)))
def test_the_pieces_of_a_formula_have_its_values(number):
    """Exactly, at every quarter from -10 to 10 and far out; or the formula is refused."""
    formula, plain = FORMULAS[number]
    flux = from_activation(formula, WIDE)
    for point in POINTS:
        value = flux.activation(point)
        assert getattr(value, "lower", value) <= plain(point) <= getattr(value, "upper", value)
    near = POINTS[:-2]  # further out, exp underflows
    assert np.allclose(flux(np.array(near, dtype=float)),
                       np.array([float(plain(point)) for point in near]))


@pytest.mark.parametrize("formula", [
    lambda s: where((s < 1) & (s > -2), s, 7),
    lambda s: where(np.logical_not(s < 1) | (s < -1), 7, s),
    lambda s: where((s <= 1) & np.logical_not(s <= 1), s, where(s <= 1, s, 7)),
    lambda s: where((s == 1) | (s == 2), 7, s), lambda s: where((s < 1) & (s < 3), s, 7),
    lambda s: where(np.logical_not((s < 1) | (s < 3)), 7, s),
    lambda s: where(s == s, where(s < 2, s, 9), 7),
    lambda s: where(np.logical_not(s == s), 7, where(s < 2, s, 9)),
])
def test_a_jump_behind_a_condition_is_a_jump(formula):
    """Each takes the value 7 or 9 beside values of s below 4: it is refused, or not continuous."""
    try:
        flux = from_activation(formula, Facts(False, (Fraction(0), Fraction(1)), None))
    except InvalidArgument as error:
        assert "breakpoint" in str(error) or "piece before it" in str(error)
        return
    assert check_facts(flux)["continuous"] is not True


CELLS = [(-inf, inf), (0, inf), (-inf, 0), (0, 1), (1, 2), (Fraction(1, 2), 3), (-1, 0), (-3, -1),
         (-2, 2), (1, inf), (2, inf), (-inf, -1), (-1, 1), (2, 2), (-2, -2)]
DIFFERENCES = [
    abs(s - 1) - (s - 1), abs(s - 1) + (s - 1), abs(s + 1) - (s + 1), abs(s) - s, abs(s) + s,
    abs(2 * s - 3) - (3 - 2 * s), np.maximum(s, 1) - s, np.maximum(s, 1) - 1,
    np.minimum(s, 2) - 2, np.minimum(-s, 1) - 1, np.sign(s - 1) - 1, np.sign(s + 1) + 1,
    where(s < 1, 0, 5), where(s <= 1, 5, 0), where(s == 1, 5, 0), where(s != 1, 5, 0),
    where((s < 1) & (s > 0), 0, 5), where((s < 1) | (s > 2), 0, 5),
    where(~((s < 1) | (s > 2)), 0, 5), where(~(s < 1), 0, 5), where(s * s < 1, 0, 5),
    where(s - s < 0, 5, 0), where(s - s <= 0, 5, 0), abs(s * s - 1) - (s * s - 1),
    abs(1 + s * s) - 1 - s * s, where(np.exp(s) > 1, 0, 5), where(np.tanh(s) < 0, 0, 5),
    abs(s - 1) + abs(s + 1) - 2, abs(s - 1) + abs(s + 1) - 2 * abs(s),
]
EDGES = {Fraction(x) for x in (-2, -1, 0, 1, 2, 3)} | {Fraction(3, 2)}


def _inside(low, high):
    """Points of a cell off the places where the formulas change their mind, unless it is one."""
    if low == high:
        return [Fraction(low)]
    start, end = max(low, -7), min(high, 7)
    return [x for k in range(1, 60) if (x := start + (end - start) * Fraction(k, 60)) not in EDGES]


@pytest.mark.parametrize("number", range(len(DIFFERENCES)))
def test_what_vanishes_on_a_cell_is_zero_there(number):
    """For every s in the cell, or for all but single ones, and of what is linear by pieces the
    contrary too."""
    made = DIFFERENCES[number]
    smooth = not any(word in made.text for word in ("exp", "tanh", "*(x, x)"))
    for low, high in CELLS:
        zero = all(not made.at(x) > 0 and not made.at(x) < 0 for x in _inside(low, high))
        found = vanishes_almost(made, low, high)
        assert zero or not found, (made.text, low, high)
        assert found or not zero or not smooth or low == high, (made.text, low, high)
        everywhere = zero and all(made.at(x) == 0 for x in EDGES if low <= x <= high)
        found = vanishes(made, low, high)
        assert everywhere or not found, (made.text, low, high)
        assert found or not everywhere or not smooth or low == high, (made.text, low, high)


@pytest.mark.parametrize("formula", [lambda s: where(s & (s > 1), s, 0), lambda s: where(~s, s, 0),
                                     lambda s: where((s > 1) | s, s, 0)])
def test_conditions_are_joined_and_not_numbers(formula):
    with pytest.raises(InvalidArgument, match="join conditions"):
        from_activation(formula, WIDE)


SPIKES = {  # activations that are another number at a single point
    "at 0": lambda s: where(s == 0, 1, s),
    "at a third": lambda s: where(s == Fraction(1, 3), 5, s),
    "on both sides": lambda s: where(s * s == Fraction(1, 16), 5, s),
    "on the left": lambda s: where(s * s == Fraction(1, 16), where(s < 0, 20 * s, s), s),
    "behind a breakpoint": lambda s: where(s < 1, where(s * s == 4, 20 * s, s), s * 1),
    "by sign": lambda s: s + 20 * (1 - np.abs(np.sign(s))),
    "by two maxima": lambda s: where(np.maximum(s, 0.25) == np.minimum(s, 0.25), 5, s),
    "where no fraction is": lambda s: where(s * s == 2, 5, s),
    "of what fades": lambda s: where(s == 1000, 5, s * np.exp(-s * s)),
}


@pytest.mark.parametrize("name", SPIKES)
def test_a_single_point_counts(name):
    """Nothing is said to be odd, linear or bounded that is not at one point alone."""
    for odd, slopes in ((True, (-1, 1)), (False, (1, 1))):
        flux = from_activation(SPIKES[name], Facts(odd, slopes, (0, 1)))
        assert not flux.is_odd and not flux.piecewise_linear
        shown = check_facts(flux)
        assert shown["continuous"] is not True and shown["diffusivities"] is not True
        assert not (odd and shown["odd"] is True)
