"""Fluxes against the printed table, against each other, and their facts on the whole line."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.flux import (
    Facts,
    Flux,
    Piece,
    from_activation,
    from_diffusivity,
    from_regulariser,
    from_shrinkage,
)
from stabkit.stability.certificates import bounding_cells
from stabkit.stability.certificates.flux_bounds import show_junctions
from stabkit.stability.decide import decide
from stabkit.stability.property import FaceWithin
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.testing import fluxes as any_flux
from stabkit.testing import rationals

HALF, ONE = Fraction(1, 2), Fraction(1)
L, ROOT = 1.5, math.sqrt(2)
Q, Q1, Q2 = 1.5, 1.0, 3.0
THETA = Q / ROOT  # the threshold of shrinkage that belongs to the threshold q = √2 θ of the flux


def soft_shrinkage(r):
    return math.copysign(max(abs(r) - THETA, 0.0), r)


def sign(s):
    return math.copysign(1.0, s) if s else 0.0


# Row by row g, Ψ, S (for τ = 1/4, h = 1) and Φ as printed in alt2020, Table 3, for r != 0.
TABLE = {
    "identity": (fluxes.identity(), lambda r: 1.0, lambda r: r * r, lambda r: 0.0, lambda r: r),
    "charbonnier": (
        fluxes.charbonnier(L), lambda r: (1 + r**2 / L**2) ** -0.5,
        lambda r: 2 * L**2 * (math.sqrt(1 + r**2 / L**2) - 1),
        lambda r: r * (1 - (1 + 2 * r**2 / L**2) ** -0.5), lambda r: r * (1 + r**2 / L**2) ** -0.5),
    "soft": (
        fluxes.soft(Q), lambda r: 1.0 if abs(r) <= Q else Q / abs(r),
        lambda r: r * r if abs(r) <= Q else 2 * Q * abs(r) - Q * Q, soft_shrinkage,
        lambda r: r if abs(r) <= Q else Q * sign(r)),
    "perona_malik": (
        fluxes.perona_malik(L), lambda r: math.exp(-(r**2) / (2 * L**2)),
        lambda r: 2 * L**2 * (1 - math.exp(-(r**2) / (2 * L**2))),
        lambda r: r * (1 - math.exp(-(r**2) / L**2)), lambda r: r * math.exp(-(r**2) / (2 * L**2))),
    "garrote": (
        fluxes.garrote(Q), lambda r: 1.0 if abs(r) <= Q else Q * Q / r**2,
        lambda r: r * r if abs(r) <= Q else Q * Q * (1 + math.log(r**2 / Q**2)),
        lambda r: 0.0 if abs(r) <= THETA else r - THETA**2 / r,
        lambda r: r if abs(r) <= Q else Q * Q / r),
    "hard": (
        fluxes.hard(Q), lambda r: 1.0 if abs(r) <= Q else 0.0, lambda r: min(r * r, Q * Q),
        lambda r: 0.0 if abs(r) <= THETA else r, lambda r: r if abs(r) <= Q else 0.0),
    "rational": (
        fluxes.rational(L), lambda r: 1 / (1 + r**2 / L**2),
        lambda r: L**2 * math.log(1 + r**2 / L**2),
        lambda r: r * (1 - 1 / (1 + 2 * r**2 / L**2)), lambda r: r / (1 + r**2 / L**2)),
}
# No closed Ψ: it is 2 ∫ Φ.
MORE = {
    "weickert": (fluxes.weickert(L), lambda r: 1 - math.exp(-3.31488 * (L / r) ** 8)),
    "firm": (fluxes.firm(Q1, Q2), lambda r: 1.0 if abs(r) <= Q1 else
             max(Q1 * (Q2 - abs(r)) / ((Q2 - Q1) * abs(r)), 0.0)),
    "relu": (fluxes.relu(), lambda r: float(r > 0)),
    "leaky_relu": (fluxes.leaky_relu(0.25), lambda r: 1.0 if r > 0 else 0.25),
    "tanh": (fluxes.tanh(), lambda r: math.tanh(r) / r),
    "tukey": (fluxes.tukey(2), lambda r: max(1 - r**2 / 4, 0.0) ** 2 / 2),
}
ALL = {name: row[:2] for name, row in (TABLE | MORE).items()}
POINTS = [s * x for x in (0.01, 0.3, 0.9, 1.06, 1.4999, 1.5001, 2.1, 3.7, 50.0) for s in (1, -1)]


def near(found, wanted, digits=12):
    return abs(float(found) - wanted) <= 10.0**-digits * max(1.0, abs(wanted))


@pytest.mark.parametrize("name", TABLE)
def test_the_printed_table(name):
    """g, Ψ, S, Φ of each row at τ = 1/4, h = 1, in floating point and in balls."""
    flux, g, psi, shrinkage, phi = TABLE[name]
    for r in POINTS:
        for face, wanted in ((flux.diffusivity, g), (flux.regulariser, psi),
                             (flux.shrinkage, shrinkage), (flux.activation, phi)):
            assert near(face(r), wanted(r)), (face, r)
            assert near(face(Interval(r)), wanted(r))
        assert near(ROOT * flux.half_difference_shrinkage(r / ROOT), shrinkage(r))


@pytest.mark.parametrize("name", MORE)
def test_fluxes_beyond_the_table(name):
    """g and Φ = g s by formula; Ψ = 2∫Φ by the trapezoidal rule."""
    flux, g = MORE[name]
    for r in POINTS:
        assert near(flux.diffusivity(r), g(r)) and near(flux(r), g(r) * r)
    for r in (-2.0, 0.7, 4.0):
        x = np.linspace(0, r, 20001)[1:]
        y = np.array([g(s) * s for s in x])
        assert near(flux.regulariser(r), (2 * y.sum() - y[-1]) * abs(r) / 20000 * sign(r), 6)


@pytest.mark.slow
@pytest.mark.parametrize("tau, h", [("1/4", 1), ("1/16", "1/2"), (3, 2)])
@pytest.mark.parametrize("name", TABLE)
def test_conversions_in_every_direction(name, tau, h):
    """Each of g, Ψ, S, Φ determines the others: Φ = g r = Ψ′/2 = (h²/4τ) r − (h/(2√2τ)) S(hr/√2),
    S(r) = r (1 − (4τ/h²) g(√2 r/h)), for every τ and h (and α = τ of regularisation)."""
    flux, g, psi, _, phi = TABLE[name]
    step, grid = float(Fraction(tau)), float(Fraction(h))

    def shrink(r):
        return r * (1 - 4 * step / grid**2 * g(ROOT * r / grid))

    made = {
        "Φ": from_activation(flux.activation, flux.facts, diffusivity_at_zero=1),
        "g": from_diffusivity(flux.diffusivity, flux.facts),
        "Ψ": from_regulariser(flux.regulariser, flux.facts),
        "S": from_shrinkage(lambda r: flux.shrinkage(r, tau, h), flux.facts, tau, h),
    }
    if name in ("soft", "garrote", "hard"):
        del made["Ψ"]  # a user's function has one piece; these have three
    for source, other in made.items():
        for r in (-4.0, -1.2, 0.4, 1.3, 2.5):
            assert near(other.activation(r), phi(r), 9), source
            assert near(other.diffusivity(r), g(r), 9), source
            assert near(other.shrinkage(r, tau, h), shrink(r), 9), source
            assert near(other.regulariser(r), psi(r), 7), source


@pytest.mark.slow
@given(any_flux(), rationals(6, 12))
def test_the_faces_belong_together(flux, s):
    """Φ(s) = g(s) s exactly or with overlapping balls; Φ(0) = 0; Φ(−s) = −Φ(s) if declared odd."""
    with precision(256):
        pairs = [(flux(s), flux.diffusivity(s) * s), (flux(Fraction(0)), Fraction(0))]
        pairs += [(flux(-s), -flux(s))] if flux.facts.odd else []
        for left, right in pairs:
            if isinstance(left, Interval) or isinstance(right, Interval):
                left, right = Interval(0) + left, Interval(0) + right
                assert left.overlaps(right) and left.width < 1e-60
            else:
                assert left == right


@pytest.mark.slow
@given(any_flux(), rationals(6, 12))
def test_the_declared_slope_is_the_derivative(flux, s):
    """Difference quotients over [s − δ, s + δ] lie in the enclosure of Φ′ there (mean value)."""
    delta = Fraction(1, 10**6)
    points = flux.breakpoints()
    if any(abs(s - point) <= delta for point in points):
        return
    with precision(256):
        slope = flux.slope(Interval(s - delta, s + delta))
        quotient = (flux(s + delta) - flux(s - delta)) / (2 * delta)
        assert (Interval(0) + slope).overlaps(Interval(0) + quotient)
        assert (Interval(0) + slope).width < 1e-3


@pytest.mark.parametrize("name", ALL)
def test_facts_hold_on_the_whole_line(name):
    """The declared ranges of Φ′ and g, by cells that cover ℝ; and Φ is continuous if it says so."""
    flux = ALL[name][0]
    low, high = flux.facts.slopes
    assert decide(FaceWithin(flux, "slope", low, high)).status is PROVED
    if name != "tanh":  # its g needs no cells: it is a mean of slopes
        assert decide(FaceWithin(flux, "diffusivity", *flux.facts.diffusivities)).status is PROVED
    junctions = show_junctions(Transcript(), flux)
    edges = [piece.upto for piece in flux.pieces[:-1]]
    jump = max((abs(float(flux(edge + 1e-12)) - float(flux(float(edge)))) for edge in edges),
               default=0.0)
    assert None not in junctions and flux.facts.continuous == (jump < 1e-9)
    assert flux.facts.monotone == (name in (
        "identity", "charbonnier", "soft", "relu", "leaky_relu", "tanh"))


@pytest.mark.parametrize("name", ALL)
def test_facts_are_sharp(name):
    """Narrower ranges are refuted by a rational point, or left undecided; never proved."""
    flux, gap = ALL[name][0], Fraction(1, 50)
    low, high = flux.facts.slopes
    for bounds in ((low + gap, high), (low, high - gap)):
        status = decide(FaceWithin(flux, "slope", *bounds)).status
        assert status is not PROVED
        if low != high and flux.facts.smooth:
            assert status is REFUTED


def test_published_slopes():
    """min Φ′ is −2e^{−3/2} (perona_malik, at √3 λ), −1/8 (rational, at √3 λ), −1 (garrote, at q)
    and about −2.335 (weickert); sup g = 1 of all six rows."""
    steepest = {"perona_malik": -2 * math.exp(-1.5), "rational": -1 / 8, "garrote": -1.0,
                "weickert": -2.335}
    for name, slope in steepest.items():
        declared = float(ALL[name][0].facts.slopes[0])
        assert slope - 1e-3 <= declared <= slope + 1e-9
    assert float(fluxes.perona_malik().slope(math.sqrt(3))) == pytest.approx(-2 * math.exp(-1.5))
    s = np.linspace(0.5, 3, 100001)
    assert -2.335 < fluxes.weickert().slope(s).min() < -2.334
    assert all(make().facts.sup_diffusivity == 1 for make in fluxes.DICTIONARY.values())
    assert fluxes.weickert().facts.lipschitz > fluxes.weickert().facts.sup_diffusivity


@pytest.mark.slow
@given(any_flux(), st.lists(rationals(6, 12), min_size=1, max_size=4))
def test_arithmetics_agree(flux, values):
    """float32, float64, fractions and intervals of one flux agree to their own precision."""
    exact = fractions(values)
    floats = np.array(values, dtype=float)
    for face in ("activation", "diffusivity", "slope"):
        known = [float(x) for x in getattr(flux, face)(exact)]
        boxed = getattr(flux, face)(np.array([Interval(x) for x in exact], dtype=object))
        for dtype, digits in ((np.float64, 1e-12), (np.float32, 1e-4)):
            given_ = floats.astype(dtype)
            if any(abs(abs(x) - abs(float(edge))) < 1e-3 for x in floats
                   for edge in flux.breakpoints()):
                continue
            found = getattr(flux, face)(given_)
            assert found.dtype == dtype and found.shape == given_.shape
            assert np.abs(found - known).max() <= digits * 10
        for one, box in zip(known, boxed, strict=True):
            box = Interval(0) + box
            assert box.lower <= Fraction(one) + Fraction(1, 10**12)
            assert Fraction(one) - Fraction(1, 10**12) <= box.upper


@pytest.mark.slow
@given(any_flux(), st.tuples(rationals(6, 12), rationals(6, 12), rationals(6, 12)).map(sorted))
def test_intervals_enclose_across_breakpoints(flux, ends):
    """Every piece that an interval meets counts: s in X gives Φ(s) in Φ(X)."""
    low, s, high = ends
    for face in ("activation", "slope"):
        box = Interval(0) + getattr(flux, face)(Interval(low, high))
        value = Interval(0) + getattr(flux, face)(s)
        assert not value.lo < box.lo and not box.hi < value.hi


@pytest.mark.parametrize("name", ALL)
def test_nan_stays_nan(name):
    """What is not a number has no flux, and no neighbour suffers."""
    flux = ALL[name][0]
    for dtype in (np.float32, np.float64):
        row = np.array([0.5, np.nan, 2.5], dtype)
        for face in (flux.activation, flux.diffusivity, flux.slope):
            assert (np.isnan(face(row)) == [False, True, False]).all()


def test_a_users_own_function():
    """Φ(s) = s/(1 + |s|) with g = 1/(1 + |s|), Φ′ = 1/(1 + |s|)², Ψ = 2(|s| − ln(1 + |s|))."""
    flux = from_activation(lambda s: s / (1 + abs(s)), Facts(True, (Fraction(0), ONE),
                                                            (Fraction(0), ONE)), name="squash",
                           diffusivity_at_zero=1)
    assert flux(Fraction(-3)) == Fraction(-3, 4) and flux.diffusivity(Fraction(3)) == Fraction(1, 4)
    assert flux.slope(Fraction(-3)) == Fraction(1, 16) and flux.diffusivity(Fraction(0)) == 1
    assert near(flux.regulariser(2.0), 2 * (2 - math.log(3)), 9) and repr(flux) == "squash"
    assert decide(FaceWithin(flux, "slope", Fraction(0), HALF)).status is REFUTED


@pytest.mark.parametrize("function, slope", [
    (np.arctan, lambda s: 1 / (1 + s * s)), (np.tanh, lambda s: 1 / math.cosh(s) ** 2),
    (lambda s: np.exp(-(s**2)) * s, lambda s: (1 - 2 * s * s) * math.exp(-s * s)),
    (lambda s: np.sqrt(1 + s**2), lambda s: s / math.sqrt(1 + s * s)),
    (lambda s: np.log(1 + s**2), lambda s: 2 * s / (1 + s * s)),
    (lambda s: 1 / (1 + s**4) - 3 * s, lambda s: -4 * s**3 / (1 + s**4) ** 2 - 3),
])
def test_functions_are_differentiated(function, slope):
    """Slopes of a user's function by the chain rule, against derivatives by hand."""
    flux = from_activation(function, Facts(False, (-ONE, ONE), None), name="own")
    for s in (-2.5, -1.0, 0.25, 3.0):
        assert near(flux.slope(s), slope(s)) and near(flux.slope(Interval(s)), slope(s))
        assert near(flux.slope(np.array([s, 1.0]))[0], slope(s))
    if function in (np.arctan, np.tanh):
        assert decide(FaceWithin(flux, "slope", Fraction(0), ONE)).status is PROVED


def test_cells_cover_the_line():
    """From −∞ to ∞, increasing, with every breakpoint of a piecewise flux among the ends."""
    cells = list(bounding_cells(fluxes.garrote(Fraction(3, 2)), "slope", -ONE - HALF, ONE))
    assert cells[0] == -math.inf and cells[-1] == math.inf and cells == sorted(set(cells))
    assert {Fraction(-3, 2), Fraction(3, 2)} <= set(cells)
    assert bounding_cells(fluxes.garrote(), "slope", -ONE + Fraction(1, 10**6), ONE) is None


@pytest.mark.parametrize("flux", [
    fluxes.garrote("1/10"), fluxes.soft("1/3"), fluxes.firm(1, 4), fluxes.scaled_identity("1/3"),
    fluxes.charbonnier("2/7"), fluxes.garrote(Fraction(10**20 + 1, 10**20))])
def test_attained_bounds_are_not_lost_to_rounding(flux):
    """q²/s² <= 1 for s >= q is attained at s = q, which is no binary fraction: still proved."""
    for face, (low, high) in (("slope", flux.facts.slopes),
                              ("diffusivity", flux.facts.diffusivities)):
        assert decide(FaceWithin(flux, face, low, high)).status is PROVED
        tiny = Fraction(1, 10**40)
        assert decide(FaceWithin(flux, face, low, high - tiny)).status is not PROVED


def test_a_slope_of_one_sign_in_a_far_cell_is_not_missed():
    """A bump of width 1/100 at s = 1000 leaves the range, so nothing is proved."""
    flux = Flux("bump", [Piece(Fraction(1000), lambda s: s, None, None, lambda s: 1 + 0 * s),
                         Piece(Fraction(100001, 100), lambda s: 3 * s - 2000, None, None,
                               lambda s: 3 + 0 * s),
                         Piece(None, lambda s: s + Fraction(1, 50), None, None,
                               lambda s: 1 + 0 * s)], Facts(False, (ONE, ONE), None))
    assert decide(FaceWithin(flux, "slope", ONE, ONE)).status is not PROVED
    assert decide(FaceWithin(flux, "slope", ONE, 3 * ONE)).status is PROVED


@pytest.mark.parametrize("argument, wrong", [
    ("threshold", lambda: fluxes.soft(0)), ("threshold", lambda: fluxes.hard(-1)),
    ("contrast", lambda: fluxes.perona_malik(float("nan"))),
    ("contrast", lambda: fluxes.charbonnier("x")), ("lower", lambda: fluxes.firm(2, 1)),
    ("slope", lambda: fluxes.leaky_relu(float("inf"))),
    ("tau", lambda: fluxes.soft().shrinkage(1.0, 0)),
    ("h", lambda: fluxes.soft().shrinkage(1.0, 1, -1)),
])
def test_bad_input_names_the_argument(argument, wrong):
    """One line that says which argument cannot be used."""
    with pytest.raises(InvalidArgument, match=rf"\b{argument}\b"):
        wrong()


@pytest.mark.parametrize("flux, phi", [
    (fluxes.tanh(), math.tanh), (fluxes.firm(), lambda s: s if s <= 1 else max(2 - s, 0.0)),
])
def test_a_regulariser_without_closed_form_is_enclosed(flux, phi):
    """Ψ = 2 ∫ Φ in balls, against Simpson's rule; of an interval it holds the Ψ of its points."""
    n = 3000
    h = 2 / n
    wanted = 2 * h / 3 * sum((1 if k in (0, n) else 4 - 2 * (k % 2 == 0)) * (phi(k * h) if k else 0)
                             for k in range(n + 1))
    found = flux.regulariser(fractions([2, 0]))
    assert abs(float(found[0]) - wanted) < 1e-4 and Interval(0).overlaps(found[1])
    assert (Interval(0) + found[0]).width < 1e-3
    around = flux.regulariser(Interval(Fraction(15, 8), Fraction(17, 8)))
    assert around.lower <= Fraction(wanted) <= around.upper
    with pytest.raises(HypothesisNotMet, match="regulariser"):
        flux.formula("regulariser")  # it cannot be written down


def test_a_face_without_closed_form_says_so():
    """Weickert's Φ has no value at 0 as a formula, so its Ψ is not enclosed."""
    with pytest.raises(HypothesisNotMet, match="regulariser"):
        fluxes.weickert().regulariser(fractions([1]))


def test_the_names_of_the_room_are_fluxes():
    """What completion offers after ``fluxes.`` makes or holds fluxes; no module is among it."""
    assert {name for name in dir(fluxes) if not name.startswith("_")} == set(fluxes.__all__)
