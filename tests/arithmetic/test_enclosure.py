"""Enclosures contain what they stand for; the oracles are fractions, and flint with many bits."""

import math
from fractions import Fraction
from itertools import combinations_with_replacement, product
from operator import eq, ge, gt, le, lt, ne

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from stabkit.arithmetic.enclosure import Interval, precision, to_fraction
from stabkit.errors import InvalidArgument, Undecided
from stabkit.testing import rationals

INF = float("inf")
FEW = [Fraction(x, 2) for x in range(-4, 5)]
BOXES = list(combinations_with_replacement(FEW, 2))


@st.composite
def inside(draw, entries=None):
    """An interval and a rational number in it."""
    entries = rationals() if entries is None else entries
    low, x, high = sorted(draw(st.tuples(entries, entries, entries)))
    return Interval(low, high), x


def holds(interval, x):
    return interval.lower <= x <= interval.upper


def ball(x, bits=256):
    """x in [low, high] from flint alone, with many bits."""
    with precision(bits):
        return to_fraction(x().lower()), to_fraction(x().upper())


def exact_arb(x):
    return arb(fmpq(x.numerator, x.denominator))


@pytest.mark.slow
@given(inside(), inside(), st.integers(0, 5))
def test_arithmetic_contains_the_exact_result(a, b, exponent):
    """x in X and y in Y give x + y in X + Y, and so on; a power minds the sign of x."""
    (X, x), (Y, y) = a, b
    for found, exact in ((X + Y, x + y), (X - Y, x - y), (X * Y, x * y), (-X, -x), (abs(X), abs(x)),
                         (X**exponent, x**exponent), (X.lesser(Y), min(x, y)), (X.hull(Y), x),
                         (X.hull(Y), y), (2 - X, 2 - x), (Fraction(1, 3) * X, x / 3),
                         (X + 0.5, x + Fraction(1, 2))):
        assert holds(found, exact)


@pytest.mark.slow
@given(inside(rationals().filter(bool)), inside())
def test_division_contains_the_exact_result(a, b):
    """1/X is taken over the part of X without 0, and is the whole line if 0 lies inside X."""
    (X, x), (Y, y) = a, b
    quotient = Y / X
    if quotient.is_finite:
        assert holds(quotient, y / x)
    else:
        assert not quotient.lo > exact_arb(y / x) and not quotient.hi < exact_arb(y / x)


@pytest.mark.slow
@given(rationals(64, 64))
def test_one_operation_costs_one_rounding(x):
    """A point stays within 2^-60 of the exact value in 64 bits, or is exact where x is dyadic."""
    with precision(64):
        made = Interval(x)
    assert made.lower <= x <= made.upper and made.width <= 2.0**-60 * max(1, abs(x))
    assert Interval(float(x)).lower == Interval(float(x)).upper == Fraction(float(x))


@pytest.mark.slow
@pytest.mark.parametrize("name, function, domain", [
    ("exp", arb.exp, rationals()), ("tanh", arb.tanh, rationals()),
    ("arctan", arb.atan, rationals()),
    ("sqrt", arb.sqrt, rationals().map(abs)), ("log", arb.log, rationals().map(abs).filter(bool)),
])
def test_increasing_functions_contain_flints_value(name, function, domain):
    """f([a, b]) contains f(x) for x in [a, b], where flint gives f(x) with 256 bits."""
    @given(inside(domain))
    def check(pair):
        X, x = pair
        found, (low, high) = getattr(X, name)(), ball(lambda: function(exact_arb(x)))
        assert found.lower <= low and high <= found.upper
        point = getattr(Interval(x), name)()
        assert point.width <= 2.0**-40 * max(1.0, abs(float(point)))
    check()


@pytest.mark.slow
@given(inside(rationals().map(abs)), st.integers(0, 4))
def test_decay_contains_flints_value(pair, k):
    """x^k exp(-x) rises up to x = k and falls beyond, so the peak counts if it lies inside."""
    X, x = pair
    low, high = ball(lambda: exact_arb(x)**k * (-exact_arb(x)).exp())
    assert X.decay(k).lower <= low and high <= X.decay(k).upper
    assert Interval(0, INF).decay(3).upper >= ball(lambda: 27 * arb(-3).exp())[1]


@pytest.mark.slow
@given(inside(rationals(3, 8).map(abs)))
def test_cosine_contains_flints_value(pair):
    """cos falls on [0, pi]."""
    X, x = pair
    low, high = ball(lambda: exact_arb(x).cos())
    assert X.cos().lower <= low and high <= X.cos().upper


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons_are_certain_or_undecided(sign):
    """X < Y is True (False) only if x < y for all (no) x in X and y in Y.

    On boxes, the order relations of real numbers are decided by the corners; equality is certain
    only between equal points, and inequality only between disjoint intervals.
    """
    relation = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}[sign]

    for (a, b), (c, d) in product(BOXES, repeat=2):
        truths = {relation(x, y) for x in {a, b} for y in {c, d}}
        if sign in ("==", "!=") and a <= d and c <= b and not a == b == c == d:
            truths = {True, False}
        X, Y = Interval(a, b), Interval(c, d)
        if len(truths) == 1:
            assert relation(X, Y) is truths.pop()
        else:
            with pytest.raises(Undecided):
                relation(X, Y)


def test_infinite_ends():
    """An enclosure may reach to infinity; the limits are exact."""
    line, right = Interval(-INF, INF), Interval(1, INF)
    assert str(line.exp()) == "[0, inf]" and str(Interval(0, INF).sqrt()) == "[0, inf]"
    assert str(Interval(0, INF).log()) == "[-inf, inf]"
    assert line.tanh().lower == -1 and line.tanh().upper == 1
    assert (line * 0).lower == (line * 0).upper == 0
    assert right.reciprocal().lower == 0 and right.reciprocal().upper == 1
    assert str(Interval(0, 2).reciprocal()) == "[0.50000000, inf]"
    assert str(Interval(-2, 0).reciprocal()) == "[-inf, -0.50000000]"
    assert str(Interval(-1, 1).reciprocal()) == str(line)
    with pytest.raises(Undecided):  # 0 · (1/0) is no number, and not 0
        Interval(0).reciprocal()
    assert str(line**2) == "[0, inf]" and str(line**3) == str(line)
    assert (line**0).lower == (line**0).upper == 1 and str(right**-2) == "[0, 1.0000000]"


def test_what_is_undefined_encloses_everything():
    """inf - inf is not a number, so nothing is known about it: the result is the whole line."""
    top = Interval(INF)
    for unknown in (top - top, Interval(-INF, INF) + top, Interval(-INF, INF) - Interval(1, INF)):
        assert str(unknown) == "[-inf, inf]"


def test_huge_values_stay_enclosed():
    """exp(10^30) and its hull with 3: no overflow, and no endpoint is lost."""
    huge = Interval(10**30).exp()
    assert Interval(3).hull(huge) > 2 and huge > 10**1000 and Interval(3).hull(huge).hi == huge.hi
    assert (-huge).exp() < Fraction(1, 10**1000) and (-huge).exp() >= 0


@pytest.mark.parametrize("wrong", [
    lambda: Interval(2, 1), lambda: Interval(float("nan")), lambda: Interval(1, float("nan")),
    lambda: Interval("1"), lambda: Interval(1j), lambda: Interval(1) < "2",
])
def test_no_number_no_interval(wrong):
    """An interval has ends a <= b, which are numbers."""
    with pytest.raises(InvalidArgument, match="interval"):
        wrong()


@pytest.mark.parametrize("wrong", [
    lambda: Interval(-1, 1).sqrt(), lambda: Interval(-2, -1).log(),
    lambda: Interval(-1, 1).decay(1),
    lambda: bool(Interval(0, 1) > 0),
])
def test_outside_the_domain_nothing_is_decided(wrong):
    """sqrt of [-1, 1] exists for some of its numbers only."""
    with pytest.raises(Undecided):
        wrong()


def test_numpy_calls_the_methods():
    """np.exp, np.sqrt, ... of object arrays act on each entry; np.int64 and np.float64 mix in."""
    row = np.array([Interval(1), Interval(4)], dtype=object)
    assert holds(np.sqrt(row)[1], 2) and holds((np.float64(0.5) * row)[1], 2)
    assert holds((row + np.int64(1))[0], 2) and holds(np.sum(row), 5)
    for name in ("exp", "log", "tanh", "arctan"):
        assert abs(float(getattr(np, name)(row)[0]) - getattr(np, name)(1.0)) < 1e-15


def test_precision_is_restored():
    """More bits give a narrower enclosure; after the block, also by an error, all is as before."""
    wide = Interval(2).sqrt().width
    with pytest.raises(ZeroDivisionError), precision(512):
        assert Interval(2).sqrt().width < wide * 2.0**-400
        raise ZeroDivisionError
    assert Interval(2).sqrt().width == wide
    with precision(4096):
        assert Interval(2).sqrt() ** 2 >= 2 - Fraction(1, 2**4000)


@pytest.mark.parametrize("low, high", [(-1, 1), (3, 4), (0, 7), (Fraction(-1, 3), 2), (100, 101)])
def test_waves_are_enclosed_wherever_the_interval_lies(low, high):
    """sin and cos of points inside, and of the whole line nothing but [-1, 1]."""
    box = Interval(low, high)
    for k in range(9):
        x = float(low + (high - low) * Fraction(k, 8))
        for image, value in ((box.sin(), math.sin(x)), (box.cos(), math.cos(x))):
            assert float(image.lo) - 1e-12 <= value <= float(image.hi) + 1e-12
            assert image.lower >= -1 and image.upper <= 1
    assert Interval(low, math.inf).cos().width == 2


@pytest.mark.parametrize("power", [10**12, 10**30])
def test_ends_that_no_memory_holds_as_fractions(power):
    """exp(10¹²) has 10¹¹ digits: ends move outward to 0 or 2^(±2²⁰), or are refused."""
    far, small, large = 2**2**20, Interval(-power).exp(), Interval(power).exp()
    assert small.lower == (-small).upper == 0
    assert small.upper == -(-small).lower == Fraction(1, far)
    assert large.lower == -(-large).upper == far
    for ask in (lambda: large.upper, lambda: (-large).lower):
        with pytest.raises(Undecided, match="digits"):
            ask()


def test_ends_of_more_digits_than_the_precision_stay_as_they_are():
    """An end that was made with 512 bits is read exactly where fewer are set."""
    with precision(512):
        third = Interval(Fraction(1, 3))
    assert 0 < third.upper - third.lower < Fraction(1, 2**500)
    assert third.lower < Fraction(1, 3) < third.upper
