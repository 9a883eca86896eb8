"""Statements for all on lines of any length, and identities of polynomials and of words."""

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
from claims_for_all import HALF, SECTOR, SOFT, own, proved

from stabkit.claims import obligations
from stabkit.claims.settle import settle
from stabkit.classes import (
    AnyFlux,
    AnyLength,
    AnyOperator,
    AnyReal,
    AnyVector,
    OneOf,
    Positive,
    UpTo,
    signal,
)
from stabkit.errors import InvalidArgument
from stabkit.operators import DIRICHLET, PERIODIC, REFLECTING, difference
from stabkit.proof.sites import Length, rows
from stabkit.proof.symbols import Symbols
from stabkit.schemes import FSI, Explicit, Implicit, ResidualBlock
from stabkit.stability.notions import CONTRAST, EUCLIDEAN, MEAN, RANGE, SIGN
from stabkit.stability.property import Identity, Stable

# -- lines --------------------------------------------------------------------------


LINE = dict(n=AnyLength(), h=Positive(), flux=AnyFlux(diffusivities=(0, "L")), ratio=UpTo(1))
ON_A_LINE = {"n": (2, 3), "h": (F(1), HALF)}


def on_a_line(bound, notion, scheme=Explicit, boundary=REFLECTING, power=2):
    def body(n, h, flux, ratio):
        tau = ratio * h**power / (bound * flux.facts.sup_diffusivity)
        return Stable(scheme(difference(1, n, h, boundary), flux, tau), notion)
    return body


@pytest.mark.parametrize("bound, notion, scheme, boundary", [
    (2, RANGE, Explicit, REFLECTING), (2, RANGE, Explicit, PERIODIC),
    (4, SIGN, Explicit, REFLECTING), (4, SIGN, Explicit, DIRICHLET),
    (2, SIGN, Implicit, REFLECTING), (1, RANGE, Implicit, PERIODIC),
])
def test_range_and_sign_on_lines_of_every_length(bound, notion, scheme, boundary):
    entry = own(on_a_line(bound, notion, scheme, boundary), {**ON_A_LINE, "n": (3, 4)}, **LINE)
    assert proved(entry)
    assert obligations.shown_for_all(entry, list(entry.configurations()))


@pytest.mark.parametrize("bound, notion, boundary", [
    (F(1999, 1000), RANGE, REFLECTING), (1, RANGE, PERIODIC), (F(3999, 1000), SIGN, REFLECTING),
    (2, SIGN, DIRICHLET), (2, RANGE, DIRICHLET), (4, SIGN, PERIODIC),
])
def test_steps_over_the_bound_and_wrong_boundaries_are_not_proved(bound, notion, boundary):
    """Zeros outside may lie outside of the range; around a ring signs are counted otherwise."""
    entry = own(on_a_line(bound, notion, Explicit, boundary), {**ON_A_LINE, "n": (3,)}, **LINE)
    assert not proved(entry)


@pytest.mark.parametrize("slopes, bound, so", [
    ((0, "L"), 2, True), ((0, "L"), F(1999, 1000), False), (("-L", "L"), 2, None), (None, 2, None)])
def test_contrast_needs_a_flux_that_does_not_fall_and_the_bound(slopes, bound, so):
    """Without slopes in [0, L] it is not even stated."""
    entry = own(on_a_line(bound, CONTRAST), ON_A_LINE, **{**LINE, "flux": AnyFlux(
        diffusivities=(0, "L"), slopes=slopes)})
    if so is None:
        with pytest.raises(InvalidArgument, match=r"does not fall|slopes of the flux"):
            obligations.statements(entry)
    else:
        assert proved(entry) is so


def test_of_all_steps_on_a_line_the_mean_stays_but_not_with_zeros_outside():
    free = {**LINE, "ratio": UpTo(None)}
    assert proved(own(on_a_line(1, MEAN), ON_A_LINE, **free))
    assert not proved(own(on_a_line(1, MEAN, boundary=DIRICHLET), ON_A_LINE, **free))


def test_the_rows_are_those_of_the_matrix():
    """Against the matrix I − τDᵀGD itself, with numbers for τ, h and g."""
    statement, = obligations.statements(own(on_a_line(4, SIGN), ON_A_LINE, **LINE))
    tau, h, g = F(1, 7), F(3, 2), [F(1, 2), F(1, 3), F(2, 5)]
    D = difference(1, 4, h).exact()
    matrix = np.eye(4, dtype=int) - tau * (D.T @ np.diag(g) @ D)
    for site, kind in enumerate(("first", "inner", "inner", "last")):
        weights = {"l": tau * g[site - 1] / h**2 if site else None,
                   "r": tau * g[site] / h**2 if site < 3 else None}
        for name, text in statement["rows"][kind].items():
            assert eval(text, {}, weights) == matrix[site, site + int(name)]
    assert statement["weights"] == {"l": "1/4", "r": "1/4"}


@pytest.mark.parametrize("body", [
    on_a_line(2, RANGE, power=1), on_a_line(2, RANGE, power=3), on_a_line(2, EUCLIDEAN),
    lambda n, h, flux, ratio: Stable(Explicit(difference(2, n, h), flux, ratio), RANGE),
    lambda n, h, flux, ratio: Stable(Explicit(difference(1, 3), flux, ratio), RANGE),
    lambda n, h, flux, ratio: Stable(FSI(difference(1, n, h), flux, ratio, 2), RANGE),
])
def test_what_is_no_step_on_a_line_is_not_stated(body):
    with pytest.raises(InvalidArgument, match="for_all"):
        obligations.statements(own(body, ON_A_LINE, **LINE))


@pytest.mark.parametrize("make", [lambda value, first: first, lambda value, first: 0])
def test_what_stands_at_another_site_is_no_row_of_this_one(make):
    """The first site of a line, given for the inner ones, would say that nothing changes there."""
    symbols = Symbols()
    K = Length(symbols).difference(1, symbols.parameter("h"), "reflecting")
    seen = []

    def at_the_first(value):
        seen.append(value)
        return make(value, seen[0])

    with pytest.raises(InvalidArgument, match="does not give a value at the site"):
        rows(K, at_the_first, "explicit", "range")


def test_a_line_needs_a_flux_of_one_sign_and_listed_lines_are_lines():
    entry = own(on_a_line(2, RANGE), ON_A_LINE,
                **{**LINE, "flux": AnyFlux(diffusivities=(-1, "L"))})
    with pytest.raises(InvalidArgument, match="g >= 0"):
        obligations.statements(entry)

    def longer(n, h, flux, ratio):
        bound = 1 if isinstance(n, int) else 2
        return on_a_line(bound, RANGE)(n, h, flux, ratio)

    entry = own(longer, ON_A_LINE, **LINE)
    with pytest.raises(InvalidArgument, match="is assumed to be <= 1/2"):
        obligations.shown_for_all(entry, list(entry.configurations()))

    def second(n, h, flux, ratio):
        K = difference(1, n, h) if not isinstance(n, int) else difference(2, n, h)
        return Stable(Explicit(K, flux, ratio * h**2 / (2 * flux.facts.sup_diffusivity)), RANGE)

    entry = own(second, ON_A_LINE, **LINE)
    with pytest.raises(InvalidArgument, match="is not the first difference"):
        obligations.shown_for_all(entry, list(entry.configurations()))


def test_one_of_several_values_gives_a_statement_for_each():
    entry = own(lambda n, h, flux, ratio, notion: on_a_line(4, notion)(n, h, flux, ratio),
                {**ON_A_LINE, "notion": ("range", "sign")}, **LINE, notion=OneOf("range", "sign"))
    assert [each["keeps"] for each in obligations.statements(entry)] == ["range", "sign"]
    with pytest.raises(InvalidArgument, match="notion is no member"):
        obligations.shown_for_all(entry, [{"n": 2, "h": F(1), "flux": SOFT, "ratio": HALF,
                                           "notion": "euclidean"}])


# -- identities ----


def square_is_itself(x):
    return Identity(lambda u: u * u, lambda u: u, dict(u=x))


def test_an_identity_at_points_is_no_identity_for_all():
    """x² = x at 0 and 1: proved where it is listed, and for every x it is not even stated so."""
    at_points = own(lambda flux: square_is_itself([0, 1]), flux=SECTOR)
    with pytest.raises(InvalidArgument, match="at given points nothing is shown for all"):
        obligations.statements(at_points)
    listed = settle(replace(at_points, for_all={}), 256, 0)
    assert (str(listed.status), listed.scope) == ("proved", "listed")
    every = own(square_is_itself, {"x": (0, 1)}, x=AnyReal())
    assert obligations.statements(every) == [
        {"kind": "algebra", "parameters": {"x": "any"}, "goal": "(x**2) - (x) == 0"}]
    assert not proved(every) and settle(every, 256, 0).scope == "listed"


def test_identities_of_polynomials_and_of_words_are_decided_as_such():
    """(x + 1)² = x² + 2x + 1, but not with 3x; and an explicit step is the residual block."""
    def squares(x, factor=2):
        return Identity(lambda x: (x + 1) ** 2, lambda x: x**2 + factor * x + 1, dict(x=x))

    assert proved(own(lambda x: squares(x), {"x": (0, 3)}, x=AnyReal()))
    assert not proved(own(lambda x: squares(x, 3), {"x": (0,)}, x=AnyReal()))

    def block(K, flux, tau, u, sign=-1):
        u = signal(u, K.shape[1], lambda _, n: [F(k) for k in range(n)])
        return Identity(Explicit(K, flux, tau), ResidualBlock(K, (sign * tau) * K.T, flux),
                        dict(u=u))

    listed = {"tau": (F(1, 3),), "u": (1,)}
    classes = dict(K=AnyOperator(), flux=AnyFlux(), tau=Positive(), u=AnyVector())
    assert proved(own(lambda K, flux, tau, u: block(K, flux, tau, u), listed, **classes))
    assert not proved(own(lambda K, flux, tau, u: block(K, flux, tau, u, 1), listed, **classes))
