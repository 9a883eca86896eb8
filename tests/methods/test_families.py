"""Stable regions of schemes with constant coefficients: the table of known answers."""

from fractions import Fraction
from math import inf

import numpy as np
import pytest

from stabkit import InvalidArgument, methods
from stabkit.methods import Family

HALF, QUARTER, SIXTH = Fraction(1, 2), Fraction(1, 4), Fraction(1, 6)


def heat(r):
    return {-1: r, 0: -2 * r, 1: r}


def fourth_order_heat(r):
    return {k - 2: r * Fraction(w, 12) for k, w in enumerate((-1, 16, -30, 16, -1))}


def biharmonic(r):
    return {k - 2: -r * w for k, w in enumerate((1, -4, 6, -4, 1))}


def centred_advection(r):
    return {-1: r / 2, 1: -r / 2}


def plus_one(taps):
    return lambda r: {**(step := taps(r)), 0: 1 + step.get(0, Fraction(0))}


def implicit(taps, theta):
    return Family(plus_one(lambda r: taps((1 - theta) * r)),
                  plus_one(lambda r: {k: -x for k, x in taps(theta * r).items()}))


#: The largest r from 0 on, by Fourier analysis; Strikwerda (2004), LeVeque (2002), and for the
#: methods of Runge and Kutta their intervals over 4 or 1.
KNOWN = {
    "upwind": (Family(lambda r: {0: 1 - r, -1: r}), 1),
    "Lax-Friedrichs": (Family(lambda r: {-1: (1 + r) / 2, 1: (1 - r) / 2}), 1),
    "Lax-Wendroff": (Family(lambda r: {-1: (r + r * r) / 2, 0: 1 - r * r, 1: (r * r - r) / 2}), 1),
    "Beam-Warming": (Family(lambda r: {0: 1 - r * (3 - r) / 2, -1: r * (2 - r),
                                       -2: r * (r - 1) / 2}), 2),
    "Fromm": (Family(lambda r: {-2: -r * (1 - r) / 4, -1: r * (5 - r) / 4,
                                0: (1 - r) * (4 + r) / 4, 1: -r * (1 - r) / 4}), 1),
    "FTCS for heat": (Family(plus_one(heat)), HALF),
    "fourth-order heat": (Family(plus_one(fourth_order_heat)), Fraction(3, 8)),
    "biharmonic": (Family(plus_one(biharmonic)), Fraction(1, 8)),
    "Crank-Nicolson": (implicit(heat, HALF), inf),
    "implicit Euler": (implicit(heat, Fraction(1)), inf),
    "theta 1/4": (implicit(heat, QUARTER), 1),
    "implicit advection": (implicit(centred_advection, Fraction(1)), inf),
    "RK4 for heat": (Family.of(methods.rk4, heat), 2.7852935634 / 4),
    "RK4 for advection": (Family.of(methods.rk4, centred_advection), 8**0.5),
    "RK3 for advection": (Family.of(methods.kutta3, centred_advection), 3**0.5),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name):
    """One interval from 0 to the known end; just inside it is stable, just beyond it is not."""
    family, end = KNOWN[name]
    ((low, high),) = [part for part in family.intervals() if part[0] == 0]
    assert low == 0
    if end == inf:
        assert not high.hi.is_finite() and family.is_stable(10**6)
        return
    assert abs(float(high) - end) < 1e-9 and high.width < 1e-15
    assert family.is_stable(high.lower - Fraction(1, 10**6))
    assert not family.is_stable(high.upper + Fraction(1, 10**6))
    if isinstance(end, Fraction | int):
        assert high.lower <= end <= high.upper and family.is_stable(end)


@pytest.mark.slow
def test_schemes_that_are_never_stable():
    """Centred differences and Euler's step for advection, but for r = 0; a growing mode."""
    assert Family(plus_one(centred_advection)).isolated_points() == [0]
    assert Family(plus_one(heat)).isolated_points() == []
    assert Family(lambda r: {0: 1 + (r - 1) ** 2 * r}).isolated_points() == [0, 1]
    assert Family(plus_one(centred_advection)).intervals() == []
    assert Family(lambda r: {0: 1 + r}).intervals() == []
    assert Family(plus_one(lambda r: heat(-r))).intervals() == []


@pytest.mark.slow
def test_a_wrong_tap_moves_the_end():
    """The Lax–Wendroff scheme with r² + r in place of r² − r; and agreement with symbols in floats.
    """
    wrong = Family(lambda r: {-1: (r + r * r) / 2, 0: 1 - r * r, 1: (r * r + r) / 2})
    assert wrong.intervals() == []
    theta = np.linspace(0, np.pi, 400)
    for name, (family, _) in KNOWN.items():
        for r in (Fraction(1, 7), Fraction(5, 9), Fraction(17, 10), Fraction(14, 5)):
            left, right = family._taps([r])
            right = {k: -x for k, x in right.items()}
            size = [abs(sum(float(x) * np.exp(1j * k * theta) for k, x in taps.items()))
                    for taps in (left, right)]
            top = (size[1] / size[0]).max()
            if abs(top - 1) > 1e-9:
                assert family.is_stable(r) == (top < 1), (name, r)


@pytest.mark.parametrize("name", KNOWN)
def test_a_step_backwards_in_time_is_not_stable(name):
    """The contrary of every row: −r for r, but for Lax's schemes, which know no direction."""
    family = KNOWN[name][0]
    mirrored = Family(lambda r: family.right(-r), family.left and (lambda r: family.left(-r)))
    symmetric = name in ("Lax-Friedrichs", "Lax-Wendroff", "RK4 for advection",
                         "RK3 for advection", "implicit advection")
    assert bool([part for part in mirrored.intervals() if part[0] == 0]) is symmetric


def test_two_intervals():
    """|1 − 3r + r²| <= 1 for r in [0, 1] and [2, 3]; (1 − r)² <= 1 for r in [0, 2]."""
    parts = Family(lambda r: {0: 1 - 3 * r + r * r}).intervals()
    assert [(round(float(low), 9), round(float(high), 9)) for low, high in parts] == [
        (0, 1), (2, 3)]
    ((_, end),) = Family(lambda r: {0: (1 - r) ** 2}).intervals()
    assert end.lower <= 2 <= end.upper


@pytest.mark.slow
def test_advection_and_diffusion_in_two_parameters():
    """Euler's step with Courant number C and d = τ/h²: stable if and only if C² <= 2d <= 1."""
    family = Family(lambda C, d: {-1: d + C / 2, 0: 1 - 2 * d, 1: d - C / 2})
    C, d = ([Fraction(k, 16) for k in range(19)], [Fraction(k, 32) for k in range(19)])
    expected = [[x * x <= 2 * y <= 1 for x in C] for y in d]
    assert (family.region(C, d).stable == np.array(expected)).all()


def test_what_is_no_family_is_refused():
    """Taps that are no polynomials in r, and implicit methods."""
    with pytest.raises(InvalidArgument, match="degree"):
        Family(lambda r: {0: 1 / (1 + r)}).intervals()
    with pytest.raises(InvalidArgument, match="explicit"):
        Family.of(methods.backward_euler, heat)
    with pytest.raises(InvalidArgument, match="taps"):
        Family(lambda r: {0: float("nan")}).is_stable(1)
    with pytest.raises(InvalidArgument, match="mapping, got 3"):
        Family(lambda r: 3).is_stable(1)
