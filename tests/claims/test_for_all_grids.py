"""Statements about grids of every shape, and scalings, inverses and products of every size."""

from fractions import Fraction as F

import numpy as np
import pytest
from claims_for_all import proved

from stabkit import fluxes
from stabkit.claims import obligations
from stabkit.claims.claim import Claim
from stabkit.claims.related_classes import (
    AnyInvertible,
    AnyOrthogonal,
    AnyProductBound,
    AnyScaling,
    AnyShape,
    AnySpacing,
)
from stabkit.classes import AnyFlux, AnyOperator, AnyVector, Relu, UpTo
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.operators import (
    DIRICHLET,
    edges_at_a_site,
    from_matrix,
    grid_differences,
    grid_gradient,
    tangential_differences,
)
from stabkit.proof import check
from stabkit.proof.symbols import Symbols
from stabkit.schemes import Chain, Explicit, FixedPoint, IsotropicExplicit, Linear, SymmetricLayer
from stabkit.stability.notions import EUCLIDEAN, RANGE, SIGN, inner
from stabkit.stability.property import AtMost, Identity, Stable
from stabkit.stability.verdict import PROVED

UNIT = AnyFlux(diffusivities=(0, 1))
GRID = dict(shape=AnyShape(), flux=UNIT, ratio=UpTo(1))
LISTED = dict(shape=((3, 3),), flux=(fluxes.rational(),), ratio=(F(1),))


def own(body, listed, **classes):
    return Claim("own.claim", "here", "range", "core", "", PROVED, listed, {}, False, body, classes)


def step(shape, flux, ratio, share=1):
    return Explicit(grid_gradient(shape), flux, share * ratio / edges_at_a_site(shape))


def keeps(share=1, notion=RANGE):
    return lambda shape, flux, ratio: Stable(step(shape, flux, ratio, share), notion)


def test_one_kind_of_row_stands_for_all_sites():
    """u + Σ w_e (u_e − u) with Σ w_e = w <= 1 is a mean; so it is with fewer edges."""
    statement, = obligations.statements(own(keeps(), LISTED, **GRID))
    assert statement == {"kind": "rows", "step": "explicit", "keeps": "range",
                         "weights": {"w": "1"}, "rows": {"site": {"0": "1 - w", "mean": "w"}}}
    check(statement, {})


@pytest.mark.parametrize("listed", [
    dict(shape=((2,), (7,), (2, 2), (4, 3), (2, 3, 4)), flux=(fluxes.perona_malik(),)),
    dict(flux=(fluxes.identity(), fluxes.tukey())),
])
def test_listed_grids_are_members(listed):
    entry = own(keeps(), {**LISTED, **listed}, **GRID)
    assert obligations.shown_for_all(entry, entry.configurations())


@pytest.mark.parametrize("classes", [
    dict(ratio=UpTo("1001/1000")), dict(ratio=UpTo(None)),
    dict(flux=AnyFlux(diffusivities=(0, "1001/1000"))), dict(flux=AnyFlux(diffusivities=(0, None))),
])
def test_a_longer_step_or_a_larger_flux_is_not_proved(classes):
    assert not proved(own(keeps(), LISTED, **{**GRID, **classes}))


def test_a_bound_that_forgets_edges_is_not_proved():
    """A step 1/edges times 2, and 1/4 where a site may have 6 neighbours."""
    assert not proved(own(keeps(2), LISTED, **GRID))

    def quarter(shape, flux, ratio):
        return Stable(Explicit(grid_gradient(shape), flux, ratio / 4), RANGE)

    assert proved(own(quarter, LISTED, **{**GRID, "shape": AnyShape(4)}))
    assert not proved(own(quarter, LISTED, **{**GRID, "shape": AnyShape(6)}))


@pytest.mark.parametrize("body, words", [
    (keeps(notion=SIGN), "only the range"),
    (lambda shape, flux, ratio: Stable(Chain([step(shape, flux, ratio)] * 2), RANGE),
     "is stated of"),
    (lambda shape, flux, ratio: Stable(FixedPoint(
        grid_gradient(shape), flux, ratio / edges_at_a_site(shape), 2), RANGE), "is stated of"),
])
def test_other_notions_and_schemes_are_not_stated(body, words):
    with pytest.raises(InvalidArgument, match=words):
        obligations.statements(own(body, LISTED, **GRID))


def test_a_flux_of_any_sign_has_no_rows():
    with pytest.raises(InvalidArgument, match="g >= 0"):
        obligations.statements(own(keeps(), LISTED, **{
            **GRID, "flux": AnyFlux(diffusivities=(-1, 1))}))


@pytest.mark.parametrize("edges, gradient", [
    (4, lambda shape: grid_differences(shape, ((0, 1), (1, 0), (1, 1), (1, -1)))),
    (7, lambda shape: grid_differences(shape, ((0, 1), (1, 0), (1, 1), (1, -1)))),
    (None, lambda shape: grid_differences(shape, ((0, 1), (1, 0)))),
    (4, lambda shape: grid_gradient(shape, "1/10")),
    (4, lambda shape: grid_gradient(shape, (1, 1))),
    (4, lambda shape: grid_gradient(shape, boundary=DIRICHLET)),
])
def test_nothing_is_stated_of_other_differences_than_the_edges_count(edges, gradient):
    """A bright pixel with eight neighbours and tau = 1/4 becomes 1 - 8/4; zeros outside take a
    constant signal out of its range; h = 1/10 makes each weight 100 times as large."""
    shape = AnyShape(edges).symbol(Symbols(), "shape")
    with pytest.raises(InvalidArgument, match=r"offsets|h, boundary"):
        gradient(shape)


def test_what_is_listed_must_take_differences_along_edges():
    """A second difference, and eight neighbours where four are assumed."""
    def second(shape, flux, ratio):
        K = grid_gradient(shape)
        K = K if not isinstance(shape, tuple) else from_matrix((K.T @ K).exact() if hasattr(
            K.T @ K, "exact") else K.exact().T @ K.exact())
        return Stable(Explicit(K, flux, ratio / edges_at_a_site(shape)), RANGE)

    entry = own(second, LISTED, **GRID)
    with pytest.raises(InvalidArgument, match="differences along edges"):
        obligations.shown_for_all(entry, entry.configurations())

    def eight(shape, flux, ratio):
        K = grid_differences(shape, ((0, 1), (1, 0), (1, 1), (1, -1)))
        return Stable(Explicit(K, flux, ratio / 4), RANGE)

    entry = own(eight, LISTED, **{**GRID, "shape": AnyShape(4)})
    with pytest.raises(InvalidArgument, match="8 edges"):
        obligations.shown_for_all(entry, entry.configurations())


def test_diffusivities_may_see_what_they_like_but_multiply_differences_along_edges():
    """g(|∇u|) times K u keeps the range, g times another derivative need not."""
    def isotropic(shape, flux, ratio):
        return Stable(IsotropicExplicit(
            grid_gradient(shape), flux, ratio / edges_at_a_site(shape),
            tangential_differences(shape)), RANGE)

    assert proved(own(isotropic, LISTED, **GRID))
    symbols = Symbols()
    shape, flux = AnyShape().symbol(symbols, "shape"), UNIT.symbol(symbols, "flux")
    K, (B,) = grid_gradient(shape), tangential_differences(shape)

    def across(u):
        return u - K.T @ (flux.diffusivity(K @ u) * (B @ u))

    with pytest.raises(InvalidArgument, match="differences at their edges"):
        K.rows(across, "explicit", "range")


def test_values_of_values_are_not_known():
    symbols = Symbols()
    shape, flux = AnyShape(4).symbol(symbols, "shape"), UNIT.symbol(symbols, "flux")
    K, tau = grid_gradient(shape), F(1, 4)

    def twice(u):
        v = u - tau * (K.T @ flux(K @ u))
        return v - tau * (K.T @ flux(K @ v))

    with pytest.raises(InvalidArgument, match="signal itself"):
        K.rows(twice, "explicit", "range")
    with pytest.raises(InvalidArgument, match="no weight"):
        K.rows(lambda u: u, "explicit", "range")
    other = UNIT.symbol(symbols, "other")
    with pytest.raises(InvalidArgument, match="one flux"):
        K.rows(lambda u: u - tau * (K.T @ flux(K @ u)) - tau * (K.T @ other(K @ u)),
               "explicit", "range")


def test_two_parts_with_one_flux_add_their_weights():
    """Twice a step of 1/4 to four neighbours: 1 − 2w/4 with w <= 4 falls to −1."""
    symbols = Symbols()
    shape, flux = AnyShape(4).symbol(symbols, "shape"), UNIT.symbol(symbols, "flux")
    K, tau = grid_gradient(shape), F(1, 4)
    rows = K.rows(lambda u: u - tau * (K.T @ flux(K @ u)) - tau * (K.T @ flux(K @ u)),
                  "explicit", "range")
    assert rows["rows"]["site"] == {"0": "1 - 1/2*w", "mean": "1/2*w"}
    assert rows["weights"] == {"w": "4"} and obligations.proof_of(rows) is None


def test_spacings_are_positive():
    assert AnySpacing().admits(("1/4", "9")) and not AnySpacing().admits(("1", "0"))
    assert not AnySpacing().admits(())


# -- scalings, inverses, products ------------------------------------------------------------------


def difference_of(classes, scales=lambda s, t: (s, s), flux=None):
    """−(F(Y) − F(W))·(Y − W) for layers with scalings."""
    def body(K, flux, s, t, b, Y, W):
        one, other = (SymmetricLayer(K, flux, scale=each, bias=b) for each in scales(s, t))
        return AtMost(lambda Y, W: inner(one(Y) - other(W), Y - W), lambda Y, W: 0,
                      dict(Y=Y, W=W))

    return own(body, {}, K=AnyOperator(), flux=flux or AnyFlux(slopes=(0, None)), s=AnyScaling(),
               t=AnyScaling(), b=AnyVector("M"), Y=AnyVector(), W=AnyVector(), **classes)


def test_a_scaling_of_either_size_keeps_a_flux_from_falling():
    assert proved(difference_of({}))


def test_two_scalings_are_two_fluxes():
    """σ(s x) − σ(t y) has no sign beside x − y."""
    assert not proved(difference_of({}, lambda s, t: (s, t)))


def test_a_falling_flux_falls_when_it_is_scaled():
    with pytest.raises(InvalidArgument, match="must not fall"):
        obligations.statements(difference_of({}, flux=AnyFlux(slopes=("-L", "L"))))


def test_a_negative_scaling_is_no_member():
    assert AnyScaling().admits(F(0)) and not AnyScaling().admits(F(-1))


def test_orthogonal_matrices_keep_the_norm_and_no_larger_ones():
    def body(Q):
        return Stable(Linear(Q), EUCLIDEAN)

    assert proved(own(body, {}, Q=AnyOrthogonal()))
    assert not proved(own(lambda Q: Stable(Linear(Q * F(1001, 1000)), EUCLIDEAN), {},
                          Q=AnyOrthogonal()))
    assert AnyOrthogonal().admits((("3/5", "4/5"), ("-4/5", "3/5")))
    assert not AnyOrthogonal().admits((("1", "1"), ("0", "1")))


def test_an_inverse_returns_what_it_was_applied_to_and_nothing_else():
    """A A⁻¹f = f, but A⁻¹ A⁻¹f is not f."""
    def body(A, f, first=0, second=1):
        return Identity(lambda f: A[first] @ (A[second] @ f), lambda f: f, dict(f=f))

    def shown(first, second):
        entry = own(lambda A, f: body(A, f, first, second), {}, A=AnyInvertible(), f=AnyVector())
        statement, = obligations.statements(entry)
        try:
            check(statement, {"steps": [{"use": "equation", "of": "returned", "with": "1"}]})
        except InvalidEvidence:
            return False
        return True

    assert shown(0, 1) and shown(1, 0) and not shown(1, 1) and not shown(0, 0)
    assert not AnyInvertible().admits((("1", "2"), ("2", "4")))


def test_a_product_is_bounded_in_its_own_order():
    symbols = Symbols()
    for name, to in (("K", "M"), ("H", "P")):
        symbols.operator(name, to=to)
    AnyProductBound("H@K.T", "M").symbol(symbols, "m")
    assert symbols.data["forms"]["product"] == {
        "of": "x", "in": "M", "holds": "m*x.T@x - (H@K.T@x).T@(H@K.T@x) >= 0"}
    assert not AnyProductBound("H@K.T", "M").admits(0)


def test_relu_of_both_signs_needs_both():
    def body(A, relu, f, u):
        forth, back = A
        return Identity(lambda f, u: forth @ (u + back @ relu(f - forth @ u)), lambda f, u: f,
                        dict(f=f, u=u))

    assert not proved(own(body, {}, A=AnyInvertible(), relu=Relu(), f=AnyVector(), u=AnyVector()))
    assert np.all(fluxes.relu()(np.array([-1.0, 2.0])) == [0.0, 2.0])
