"""Sets of steps: what is proved and what is refuted, against eigenvalues and brute force."""

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    CONTRAST,
    EUCLIDEAN,
    FSI,
    PERIODIC,
    RANGE,
    SIGN,
    Chain,
    Explicit,
    FixedPoint,
    Implicit,
    InvalidArgument,
    Linear,
    ResidualBlock,
    difference,
    fluxes,
    from_matrix,
    step_bound,
)
from stabkit.arithmetic.open_step import Unknown
from stabkit.errors import Undecided
from stabkit.fluxes.flux import Facts, from_activation, from_diffusivity
from stabkit.operators import identity
from stabkit.replay import check
from stabkit.schemes import Pointwise, Scheme
from stabkit.stability.sharpness import bisect
from stabkit.stability.sharpness.linear import is_followed
from stabkit.stability.sharpness.signs import cells, simplest

F = Fraction


def holds(found, tau):
    """What a result says of one step: True, False or None."""
    def inside(steps):
        return any(low <= tau and (high is None or tau <= high) for low, high in steps)
    assert not (inside(found.proved) and inside(found.refuted) and tau > 0)
    return True if inside(found.proved) else False if inside(found.refuted) else None


def lax_wendroff(c, n=6):
    rows = [[0] * n for _ in range(n)]
    for i in range(n):
        rows[i][i] = 1 - c * c
        rows[i][i - 1] = (c * c + c) / 2
        rows[i][(i + 1) % n] = (c * c - c) / 2
    return Linear(from_matrix(rows))


def explicit(tau, n=4, flux=None):
    return Explicit(difference(1, n), flux or fluxes.identity(), tau)


@pytest.mark.slow
def test_lax_wendroff_keeps_the_range_at_one_step_only():
    found = step_bound(lax_wendroff, RANGE, "1/2")
    assert found.proved == ((1, 1),)
    for c in ("1/1000000", "1/1000", "1/2", "9/10", "99/100", "101/100", "2", "1000000"):
        assert holds(found, F(c)) is False
    for c in (F(1, 7), F(6, 7), F(8, 7)):  # a spike overshoots, by the formula on paper
        spike = [c * (c + 1) / 2, 1 - c * c, c * (c - 1) / 2]
        assert min(spike) < 0


@pytest.mark.parametrize("entry, off, followed", [
    (0, 1, True), (0, F(3, 2), False), (99, 100, True), (99, 101, False), (-99, -100, True)])
def test_a_scheme_follows_its_open_step_in_every_entry(entry, off, followed):
    """The matrix (1 − τ, τ; 0, a), of which one entry is a + d at a number: with d in units of
    2⁻²⁰ it is the same but for rounding if and only if |d| <= 1 + |a|."""
    def scheme(tau):
        last = entry if isinstance(tau, Unknown) else entry + off * F(1, 2**20)
        return Linear(from_matrix([[1 - tau, tau], [0, last]]))

    assert is_followed(scheme(Unknown()), scheme, [F(1, 2), F(3)]) is followed


@pytest.mark.slow
def test_lax_wendroff_keeps_the_norm_up_to_the_courant_number_1():
    found = step_bound(lax_wendroff, EUCLIDEAN, "1/64")
    assert found.proved == ((0, 1),) and found.refuted[0][1] is None
    assert 1 < found.refuted[0][0] < F(1002, 1000) and len(found.refuted) == 1


@pytest.mark.slow
@pytest.mark.parametrize("notion", [RANGE, EUCLIDEAN, CONTRACTION])
def test_random_polynomial_matrices_agree_with_brute_force(notion):
    """At random steps the entries, the row sums and the singular values in floats."""
    rng, seen = np.random.default_rng(3), set()
    for _ in range(12):
        base = rng.integers(-2, 3, (3, 3, 3))
        if notion is RANGE:
            for power in (1, 2):
                base[:, 0, power] -= base[:, :, power].sum(axis=1)
            base[:, :, 0] = np.eye(3)

        def family(t, base=base):
            return Linear(from_matrix([[sum(int(c) * t**k for k, c in enumerate(entry)) / 4
                                        + F(3, 4) * int(i == j) * (notion is RANGE)
                                        for j, entry in enumerate(row)]
                                       for i, row in enumerate(base)]))

        found = step_bound(family, notion, 1, trials=64)
        for tau in [F(int(k), 97) for k in rng.integers(1, 400, 40)]:
            m = family(tau).matrix.exact().astype(float)
            if notion is RANGE:
                margin = min(m.min(), -abs(m.sum(axis=1) - 1).max() * 1e9)
            else:
                margin = 1 - np.linalg.svd(m)[1].max()
            said = holds(found, tau)
            seen.add(said)
            if abs(margin) > 1e-9 and said is not None:
                assert said is bool(margin > 0)
            if abs(margin) > 1e-2:
                assert said is not None
    assert False in seen


def test_a_hole_between_two_intervals_is_seen():
    """(τ − 1)(τ − 2) >= 0 and τ <= 3: proved on (0, 1] and [2, 3]."""
    def family(t):
        off = (t - 1) * (t - 2) / 12
        return Linear(from_matrix([[1 - off, off], [t / 3, 1 - t / 3]]))

    found = step_bound(family, RANGE, 5)
    assert found.proved == ((0, 1), (2, 3))
    assert [holds(found, F(k, 100)) for k in (50, 110, 150, 190, 250, 310)] == \
        [True, False, False, False, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("factor", [F(1, 10**6), F(1, 64), F(1), F(64), F(10**6)])
@pytest.mark.parametrize("flux", [fluxes.soft(), fluxes.perona_malik()])
def test_the_scale_is_found_from_far_away(factor, flux):
    found = step_bound(explicit(1, flux=flux), RANGE, factor / 2)
    assert found.proved == ((0, F(1, 2)),)
    assert F(1, 2) < found.refuted[0][0] < F(501, 1000) and found.refuted[-1][1] is None


CERTIFIED = [
    (lambda t: explicit(t, 5, fluxes.soft()), EUCLIDEAN),
    (lambda t: explicit(t, 5, fluxes.soft()), CONTRACTION),
    (lambda t: explicit(t, 5, fluxes.perona_malik()), RANGE),
    (lambda t: explicit(t, 5, fluxes.charbonnier()), SIGN),
    (lambda t: explicit(t, 5, fluxes.charbonnier()), CONTRAST),
    (lambda t: FSI(difference(1, 4), fluxes.soft(), t, length=3, frozen=True), EUCLIDEAN),
    (lambda t: FixedPoint(difference(1, 4), fluxes.charbonnier(), t, 2), EUCLIDEAN),
    (lambda t: Chain([explicit(t, 4, fluxes.soft()), explicit(t / 3, 4, fluxes.soft())]), RANGE),
]


@cache
def answer(case):
    """Asked once for all tests of it."""
    return step_bound(*CERTIFIED[case], 1, halvings=6, trials=64)


@pytest.mark.slow
@pytest.mark.parametrize("case", range(len(CERTIFIED)))
def test_no_signal_breaks_a_notion_below_a_proved_step(case):
    """By brute force at fractions of the proved step, on random and on alternating signals."""
    family, notion = CERTIFIED[case]
    found = answer(case)
    (low, high), = found.proved
    assert low == 0 and high is not None
    rng = np.random.default_rng(case)
    n = family(high).size
    u = np.concatenate([rng.standard_normal((400, n)), rng.integers(-2, 3, (400, n)),
                        np.array(list(itertools.product((-1, 0, 1), repeat=n)))]).astype(float)
    v = u + rng.standard_normal(u.shape)
    for share in (F(1, 1000), F(1, 10), F(1, 3), F(1, 2), F(9, 10), F(1)):
        scheme = family(high * share)
        parts = [part for each in (u, v)[:notion.signals] for part in (each, scheme(each))]
        if notion is SIGN:  # rounding may make a sign of a zero
            for part in parts:
                part[np.abs(part) < 1e-12] = 0
        assert notion.margins(*parts).min() > -1e-9


@pytest.mark.slow
@pytest.mark.parametrize("case", range(len(CERTIFIED)))
def test_a_refuted_interval_is_refuted_at_every_step_that_is_tried(case):
    """Within each interval the first signals, or a few random ones, break the notion in floats."""
    family, notion = CERTIFIED[case]
    found = answer(case)
    for low, high in found.refuted:
        top = 1000 * low if high is None else high
        assert family(low) and top >= low
        if found.signals and low == found.refuted[0][0] and notion is not SIGN:
            floats = [np.asarray(u, dtype=float) for u in found.signals]
            for share in np.linspace(0, 1, 9):
                scheme = family(low + F(float(share)) * min(low / 100, top - low))
                parts = [part for u in floats for part in (u[None], scheme(u[None]))]
                assert notion.margins(*parts).min() < 1e-12
    assert found.refuted


def test_an_implicit_step_is_proved_for_all_steps():
    found = step_bound(Implicit(difference(1, 4), fluxes.perona_malik(), "1/4"), RANGE)
    assert found.proved == ((0, None),) and found.refuted == () and found.certified is None
    assert str(found) == ("range: proved for all tau > 0, nothing refuted for tau between "
                          "2.38e-07 and 2.62e+05")


@pytest.mark.slow
def test_a_function_that_looks_at_the_step_is_answered_by_points():
    """At 2 <= τ < 4 the family is stable again: an interval over it would be wrong."""
    def family(tau):
        return explicit(tau if tau < 2 or tau >= 4 else tau / 8, flux=fluxes.soft())

    found = step_bound(family, RANGE, "1/8")
    assert all(low == high for low, high in found.proved + found.refuted)
    points = [low for low, _ in found.proved]
    assert F(1, 2) in points and F(2) in points and F(1, 8) in points
    assert all(holds(found, tau) is not True for tau in (F(3, 5), F(1), F(5)))


@pytest.mark.slow
def test_steps_beyond_a_gap_are_found_in_a_traced_family():
    """Upwind with central differences swapped in: RANGE of u − τ(τ − 1)(τ − 3) D'D u."""
    gram = difference(1, 4).T @ difference(1, 4)
    found = step_bound(
        lambda t: Linear(identity(4) - t * (t - 1) * (t - 3) / 10 * gram), RANGE, "1/8")
    assert holds(found, F(1, 2)) and holds(found, F(2)) is False and holds(found, F(3))
    assert holds(found, F(10)) is False


@pytest.mark.slow
def test_the_evidence_is_accepted_and_belongs_to_the_ends():
    found = step_bound(explicit(1, flux=fluxes.soft()), EUCLIDEAN)
    assert found.certificate and found.witness
    for item in found.certificate + found.witness:
        assert check(item.to_json({})) is None
    assert found.certificate[0].data["given"]["tau"] == str(found.certified)
    assert found.witness[0].data["given"]["tau"] == str(found.refuted[0][0])


@pytest.mark.slow
def test_the_printed_form():
    assert str(step_bound(explicit(1, flux=fluxes.soft()), RANGE)) == (
        "range: proved for 0 < tau <= 1/2, refuted from 0.500488 by u = (0, 0, 1, 0)")
    assert str(step_bound(lax_wendroff, RANGE)).startswith(
        "range: proved for tau = 1, refuted from 5.96046e-08 to 0.999023 and from 1.00098 by u = ")


def test_arguments_are_named():
    for start, halvings in ((0, 10), (-1, 10), (1, 0)):
        with pytest.raises(InvalidArgument, match=r"positive|integer >= 1"):
            step_bound(explicit(1), RANGE, start, halvings=halvings)
    with pytest.raises(InvalidArgument, match="Linear"):
        step_bound(lambda tau: np.eye(3), RANGE)
    with pytest.raises(InvalidArgument, match="step alone"):
        step_bound(lambda u, dt: u - dt * u, RANGE)
    with pytest.raises(InvalidArgument, match="no step to vary"):
        step_bound(Linear(identity(3)), RANGE)
    with pytest.raises(InvalidArgument, match="function from a step"):
        step_bound(3, RANGE)


@dataclass(frozen=True, eq=False)
class Damped(Scheme):
    """A user's scheme u − τ u."""

    tau: Any

    @property
    def size(self):
        return 2

    def step(self, u):
        return u - self.tau * u


@pytest.mark.slow
def test_a_users_linear_scheme_is_proved_and_refuted_on_intervals():
    """|1 − τ| <= 1 for τ <= 2."""
    found = step_bound(Damped(F(1)), EUCLIDEAN, trials=64)
    assert found.proved == ((0, 2),)
    assert 2 < found.refuted[-1][0] < F(21, 10) and found.refuted[-1][1] is None


@pytest.mark.slow
def test_a_planted_refusal_to_be_monotone_is_not_proved_below():
    """An explicit step with τ(3 − τ) is stable at 29/10 and 1/10, not in between."""
    found = step_bound(lambda t: Explicit(difference(1, 4), fluxes.soft(), t * (3 - t)), RANGE,
                       "1/10", trials=64)
    assert all(low == high for low, high in found.proved)


@pytest.mark.slow
@pytest.mark.parametrize("family", [
    lambda t: Explicit(difference(1, 4), from_diffusivity(
        lambda s: t * (3 - t) / (1 + s * s), Facts(True, (F(-9), F(9)), (F(0), F(9, 4)))), "1/9"),
    lambda t: Explicit(difference(1, 4), from_activation(
        lambda s: (1 + t * (t - 1)) * s, Facts(True, (F(1), F(1)), (F(1), F(1))),
        diffusivity_at_zero=1), "1/2"),
    lambda t: Chain([explicit(t, 4, fluxes.soft()), Pointwise(from_activation(
        lambda s: s + t * (t - 1) * s, Facts(True, (F(0), F(1)), (F(0), F(1))),
        diffusivity_at_zero=1), 4)]),
])
def test_a_step_that_is_hidden_in_a_flux_proves_no_interval(family):
    """The facts that are declared hold at some steps only."""
    found = step_bound(family, EUCLIDEAN, 1, trials=64)
    assert all(low == high for low, high in found.proved)


@pytest.mark.slow
def test_a_residual_block_with_the_step_in_its_weights_is_answered():
    K = difference(1, 4)
    found = step_bound(lambda t: ResidualBlock(K, -t * K.T, fluxes.charbonnier()), CONTRACTION,
                       trials=64)
    assert found.proved and all(low == high for low, high in found.proved)
    assert found.refuted[-1][1] is None


# -- the parts ------------------------------------------------------------------------------------
def test_an_unknown_step_computes_like_a_number_and_shows_no_value():
    t = Unknown()
    made = (2 * t - 1) * (t + F(1, 2)) / 4 + t**2
    for tau in (F(1, 3), F(5)):
        value = sum(c * tau**k for k, c in enumerate(made.coefficients))
        assert value == (2 * tau - 1) * (tau + F(1, 2)) / 4 + tau**2
    looks = (lambda: t > 0, lambda: t == 1, lambda: bool(t), lambda: max(t, 1), lambda: float(t),
             lambda: t in {F(1)}, lambda: {F(1): 2}.get(2 * t, 1))
    for number, look in enumerate(looks, start=1):
        with pytest.raises(Undecided):
            look()
        assert len(t.looks) == number  # also where whoever looks swallows the error


@pytest.mark.slow
@pytest.mark.parametrize("factor", [
    lambda tau: {F(1, 4): 100}.get(tau, 1), lambda tau: 100 if tau in {F(1, 4)} else 1,
    lambda tau: 100 if isinstance(tau, F) and F(1, 4) < tau < F(3, 8) else 1,
    lambda tau: _swallowed(lambda: F(1, 4) < tau < F(3, 8)),
], ids=["table", "set", "type", "swallowed error"])
@pytest.mark.parametrize("flux", [fluxes.soft(), fluxes.identity()], ids=repr)
@pytest.mark.parametrize("notion", [EUCLIDEAN, RANGE], ids=repr)
def test_a_function_that_tells_an_open_step_from_a_number_proves_no_false_interval(
        factor, flux, notion):
    """100 times the step near 1/4, which is far beyond the bound."""
    found = step_bound(lambda tau: Explicit(difference(1, 3), flux, tau * factor(tau)), notion, 1,
                       trials=64)
    for low, high in found.proved:
        assert not low < F(5, 16) < high and not low <= F(1, 4) <= high


def _swallowed(condition):
    try:
        return 100 if condition() else 1
    except Exception:
        return 1


def test_signs_of_polynomials_are_told_on_the_whole_line():
    """(x² − 2)(x − 3) and (x − 1)², against a fine grid."""
    p, q = [F(6), F(-2), F(-3), F(1)], [F(1), F(-2), F(1)]
    found = cells([p, q])
    for k in range(1, 600):
        x = F(k, 100)
        truth = (x * x - 2) * (x - 3) >= 0
        said = {cell.holds for cell in found if x == cell.low == cell.high or
                (cell.low < x and (cell.high is None or x < cell.high))}
        assert said == {truth}
    touching = cells([[F(4), F(0), F(-4), F(0), F(1)]])  # (x² − 2)²
    assert all(cell.holds for cell in touching)


def test_the_simplest_rational_and_bisection():
    assert simplest(F(314, 100), F(315, 100)) == F(22, 7)
    assert simplest(F(3, 7), F(3, 7)) == F(3, 7)
    assert bisect(lambda x: x * x <= 2, F(2), F(1), 20)[1] == pytest.approx(2**0.5, abs=1e-5)


@pytest.mark.slow
def test_periodic_heat_with_user_matrices_of_rationals():
    """u − τ A u: the bound is 2/λ with λ by NumPy."""
    K = difference(1, 8, "1/10", PERIODIC)
    found = step_bound(lambda t: Linear(identity(8) - 3 * t * (K.T @ K)), EUCLIDEAN)
    top = np.linalg.eigvalsh((K.T @ K).exact().astype(float)).max()
    assert float(found.certified) == pytest.approx(2 / (3 * top), rel=2e-3)
    assert float(found.certified) <= 2 / (3 * top) * (1 + 1e-12)


@pytest.mark.slow
def test_a_pointwise_part_of_a_chain_does_not_stop_the_certificate():
    found = step_bound(lambda t: Chain([explicit(t, 4, fluxes.soft()),
                                        Pointwise(fluxes.soft(), 4)]), EUCLIDEAN, trials=64)
    assert found.proved and found.proved[0][0] == 0
