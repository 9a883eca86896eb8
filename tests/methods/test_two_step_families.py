"""Schemes with two steps: published limits, roots by NumPy, and double factors on the circle."""

from fractions import Fraction
from math import inf

import numpy as np
import pytest
from flint import fmpq_poly

from stabkit import InvalidArgument, methods
from stabkit.methods import Family, amplification


def heat(r):
    return {-1: r, 0: -2 * r, 1: r}


def advection(r):
    return {-1: r / 2, 1: -r / 2}


def fourth_order_advection(r):
    return {-2: -r / 12, -1: 2 * r / 3, 1: -2 * r / 3, 2: r / 12}


def wave(weights):
    """u⁺ − 2u + u⁻ = r² Σ w_k u_{j+k}."""
    middle = len(weights) // 2
    return Family(lambda r: {k - middle: r * r * w + 2 * (k == middle)
                             for k, w in enumerate(weights)},
                  older=lambda r: {0: -1}, second_order=True)


def lagged(C, d):
    """The right-hand side of Du Fort and Frankel's scheme for advection and diffusion."""
    return {-1: C + 2 * d, 1: 2 * d - C}


du_fort_frankel = Family(lambda C, d: lagged(C, d), lambda C, d: {0: 1 + 2 * d},
                         lambda C, d: {0: 1 - 2 * d})
_C = 1 - 1.5**0.5  # cos θ where 8 sin θ − sin 2θ is largest
_FOURTH = 6 / ((1 - _C**2) ** 0.5 * (8 - 2 * _C))
#: Where stability from 0 on ends, 0 if there is none; whether it holds there. Strikwerda (2004),
#: chapters 4 and 8; LeVeque (2007), chapters 9 and 10; for the fourth order in space the extremes
#: of (8 sin θ − sin 2θ)/6 and of the symbol −16/3.
KNOWN = {
    "leapfrog": (Family.of(methods.leapfrog, advection), 1, False),
    "leapfrog, fourth order": (Family.of(methods.leapfrog, fourth_order_advection), _FOURTH, None),
    "Richardson": (Family.of(methods.leapfrog, heat), 0, False),
    "Du Fort-Frankel": (Family(lambda r: lagged(0, r), lambda r: {0: 1 + 2 * r},
                               lambda r: {0: 1 - 2 * r}), inf, None),
    "wave": (wave([1, -2, 1]), 1, True),
    "wave, fourth order": (wave([Fraction(w, 12) for w in (-1, 16, -30, 16, -1)]), 0.8660254, None),
    "AB2 for heat": (Family.of(methods.adams_bashforth(2), heat), Fraction(1, 4), True),
    "AB2 for advection": (Family.of(methods.adams_bashforth(2), advection), 0, False),
    "BDF2 for heat": (Family.of(methods.bdf(2), heat), inf, None),
    "BDF2 for advection": (Family.of(methods.bdf(2), advection), inf, None),
    "AB1 for heat": (Family.of(methods.adams_bashforth(1), heat), Fraction(1, 2), True),
    "BDF1 for heat": (Family.of(methods.bdf(1), heat), inf, None),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name):
    """Just inside the known end the scheme is stable, just beyond it is not."""
    family, end, there = KNOWN[name]
    parts = family.intervals()
    if end == 0:
        assert parts == [] and not family.is_stable(Fraction(1, 1000))
        return
    (_, high), = (part for part in parts if part[0] == 0)
    if end == inf:
        assert not high.hi.is_finite() and family.is_stable(10**6)
        return
    assert abs(float(high) - end) < 1e-6 and high.width < 1e-15
    assert family.is_stable(high.lower - Fraction(1, 10**6))
    assert not family.is_stable(high.upper + Fraction(1, 10**6))
    if there is not None:
        assert high.lower <= end <= high.upper and family.is_stable(end) is there


def largest_factor(family, *parameters):
    """The largest root for 401 frequencies, by companion matrices."""
    symbols = []
    for taps in family._taps([Fraction(x) for x in parameters]):
        theta = np.linspace(0, np.pi, 401)
        symbols.append(sum((float(x) * np.exp(1j * k * theta) for k, x in taps.items()), 0 * theta))
    return max(np.abs(np.roots(p)).max() for p in np.array(symbols).T)


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_roots_by_floats(name):
    """The decision in fractions is that of the largest root, off the ends."""
    family, rng = KNOWN[name][0], np.random.default_rng(5)
    for r in rng.integers(100, 3000, 25):
        top = largest_factor(family, Fraction(int(r), 1009))
        assert family.is_stable(Fraction(int(r), 1009)) == (top < 1 + 1e-6), r


@pytest.mark.slow
def test_two_parameters():
    """Du Fort and Frankel with advection: C² <= 1 for all d > 0, and < 1 for d = 0; by roots too.
    """
    C, d = [Fraction(k, 4) for k in range(7)], [Fraction(k, 5) for k in range(6)]
    found = du_fort_frankel.region(C, d).stable
    assert (found == [[x < 1 or (x == 1 and y > 0) for x in C] for y in d]).all()
    for i, y in enumerate(d):
        for j, x in enumerate(C):
            assert x == 1 or found[i, j] == (largest_factor(du_fort_frankel, x, y) < 1 + 1e-6)


def test_double_factors_on_the_circle():
    """ζ² − 2ζ + 1 grows linearly, ζ² − ζ + 1/4 decays; ζ² + 2iζ sin θ − 1 is double at r = 1 only
    where sin θ = 1."""
    assert not Family(lambda r: {0: 2}, older=lambda r: {0: -1}).is_stable(1)
    assert Family(lambda r: {0: 2}, older=lambda r: {0: -1}, second_order=True).is_stable(1)
    assert Family(lambda r: {0: 1}, older=lambda r: {0: Fraction(-1, 4)}).is_stable(1)
    strict, (leapfrog, *_) = wave([1, -2, 1]), KNOWN["leapfrog"]
    assert strict.is_stable(1) and not leapfrog.is_stable(1)
    assert leapfrog.is_stable(Fraction(10**9 - 1, 10**9))
    assert Family(strict.right, older=strict.older).intervals() == []  # the constant mode


def test_an_isolated_double_factor():
    """With p₀ = (1 − c)/2 and p₁ = −m(1 − c), D >= 0 vanishes at θ = π alone; the factors there
    are those of ζ² − 2mζ + 1, on the circle, and double for m = 1."""
    for m, stable in ((Fraction(1, 2), True), (Fraction(1), False), (Fraction(11, 10), False)):
        family = Family(lambda r, m=m: {-1: -m / 2, 0: m, 1: -m / 2},
                        older=lambda r: {-1: Fraction(1, 4), 0: Fraction(-1, 2), 1: Fraction(1, 4)})
        assert family.is_stable(1) is stable, m
        assert (largest_factor(family, 1) < 1 + 1e-6) == (m <= 1)
        assert m > 1 or Family(family.right, older=family.older, second_order=True).is_stable(1)


@pytest.mark.slow
@pytest.mark.parametrize("square", [False, True])
@pytest.mark.parametrize("family", [
    lambda at: Family(lambda r: {}, lambda r: {0: at(r)}),  # 0 u⁺ = 0 there
    lambda at: Family(lambda r: {0: 2 - at(r)**2}, older=lambda r: {0: -1}),  # (ζ − 1)² there
    # At cos θ = 0, where |p₀| = 1, (ζ ± i)² there: p₀ = −sin²θ, p₁ = 2i sin θ (1 − at²).
    lambda at: Family(lambda r: {-1: 1 - at(r)**2, 1: at(r)**2 - 1},
                      older=lambda r: {0: Fraction(1, 2), 2: Fraction(-1, 4), -2: Fraction(-1, 4)}),
])
def test_no_interval_runs_across_a_point_that_is_not_stable(family, square):
    """All are stable on both sides of r = 1, or √2, but not at it; the intervals end there."""
    made = family(lambda r: r * r - 2 if square else r - 1)
    first, second, *_ = made.intervals()
    assert first[1].lower**(1 + square) <= 1 + square <= second[0].upper**(1 + square)
    assert first[1].width < 1e-9 and second[0].width < 1e-9
    assert made.is_stable(Fraction(9, 10)) and made.is_stable(Fraction(3, 2))
    assert square or not made.is_stable(1)
    assert made.isolated_points() == []


def test_wrong_taps_move_the_end():
    """2r for r in the leapfrog scheme; and ζ² − 3ζ, whose factor 3 shows in the third sign."""
    wrong = Family(lambda r: {-1: 2 * r, 1: -2 * r}, older=lambda r: {0: 1})
    assert abs(float(wrong.intervals()[0][1]) - 0.5) < 1e-12
    right = amplification.conditions([{0: Fraction(1)}, {0: Fraction(-3)}, {0: Fraction(0)}])
    assert right == [fmpq_poly([1]), fmpq_poly([1]), fmpq_poly([1 - 9]), fmpq_poly([4 - 9])]
    assert not amplification.hold(right, double=True)


def test_what_is_no_family_is_refused():
    """More than two steps; an implicit table; taps that are no numbers; a leading symbol of 0."""
    with pytest.raises(InvalidArgument, match="two steps"):
        Family.of(methods.adams_bashforth(3), heat)
    with pytest.raises(InvalidArgument, match="integers"):
        Family(heat, older=lambda r: {0.5: r}).is_stable(1)
    assert not Family(heat, lambda r: {-1: Fraction(1), 1: Fraction(1)},
                      lambda r: {0: r}).is_stable(Fraction(1, 10))
