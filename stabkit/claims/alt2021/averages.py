"""Steps as averages: T(u) = A(u)u with A = I − τKᵀG(u)K symmetric (Section 2.1, 𝒟 = ∂ₓ)."""

from __future__ import annotations

from fractions import Fraction

from stabkit import fluxes
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, NONLINEAR, ONE
from stabkit.classes import AnyFlux, AnyLength, UpTo
from stabkit.errors import require_value
from stabkit.fluxes.flux import Flux
from stabkit.operators import NATURAL, difference
from stabkit.schemes import Explicit, repeat
from stabkit.stability.notions import EXTREMA, MEAN, RANGE, VARIATION
from stabkit.stability.property import (
    AllOf,
    Calculation,
    Example,
    FaceWithin,
    Identity,
    Not,
    Stable,
)
from stabkit.stability.verdict import REFUTED

SIMPLIFIED = 'derived (Section 2.1, "gradually simplified versions")'


def _step(n: int, flux: Flux, ratio: Fraction) -> Explicit:
    L = require_value(flux.facts.lipschitz, "flux: must be continuous")
    return Explicit(difference(1, n), flux, ratio / (2 * L))


def _keeps_the_sum(n: int) -> Calculation:
    return Calculation(dict(K=difference(1, n).exact()), [], [f"K @ ones({n}) == zeros({n - 1})"],
                       "A 1 = 1, and A is symmetric: the sum is kept", necessary=True)


@claim("derived (Section 2.1)", notion="energy",
       within=dict(n=(2, 3, 4, 6), flux=(fluxes.identity(), *NONLINEAR), ratio=(HALF, ONE)),
       beyond=dict(n=(3,), ratio=BEYOND),
       for_all=dict(n=AnyLength(), ratio=UpTo(1),
                    flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L"))))
def convex_functionals_do_not_grow(n, flux, ratio):
    """K = K1 reflecting, every N, r Φ(r) >= 0, Φ Lipschitz with constant L, 0 < τ <= h²/(2L):
    Σ r(u⁺_i) <= Σ r(u_i) for every convex r and every u; here τ = ratio · h²/(2L).

    T(u) = A u with A nonnegative and with row sums 1, which keeps the range, and with column sums
    1, which keeps the mean: doubly stochastic; then Jensen.  Where a signal leaves its range
    upwards, r(x) = max(x − max u, 0) grows, so the range is necessary as well."""
    step = _step(n, flux, ratio)
    return AllOf([Stable(step, RANGE), Stable(step, MEAN), Example(lambda: _keeps_the_sum(n))])


#: On every line, any N, for r Φ(r) >= 0 and any ratio up to 1.
LINES = dict(n=AnyLength(), flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L")),
             ratio=UpTo(1))
LISTED = dict(n=(2, 4), flux=(fluxes.identity(), fluxes.soft(), fluxes.rational()), ratio=(ONE,))


@claim(SIMPLIFIED, notion="variation", within=LISTED, beyond=dict(n=(5,), ratio=BEYOND),
       for_all=LINES)
def total_variation_does_not_grow(n, flux, ratio):
    """K = K1 reflecting, any N, r Φ(r) >= 0, Φ Lipschitz with constant L, monotone or not,
    0 < τ <= h²/(2L): Σ|u⁺_{i+1} − u⁺_i| <= Σ|u_{i+1} − u_i| for every u; here
    τ = ratio · h²/(2L)."""
    return Stable(_step(n, flux, ratio), VARIATION)


@claim(SIMPLIFIED, notion="extrema", expect=REFUTED, within=LISTED)
def extrema_do_not_grow_at_the_range_bound(n, flux, ratio):
    """In the same setting and for 0 < τ <= h²/(2L) the number of local extrema (sign changes of the
    first differences, zeros dropped) does not grow."""
    return Stable(_step(n, flux, ratio), EXTREMA)


@claim("derived (Section 2.1)", notion="extrema", within=LISTED, for_all=LINES)
def extrema_do_not_grow_at_the_sign_bound(n, flux, ratio):
    """In the same setting and for 0 < τ <= h²/(4L), every N, the number of local extrema does not
    grow; here τ = ratio · h²/(4L)."""
    return Stable(_step(n, flux, ratio / 2), EXTREMA)


#: Signals of at most these differences are spoken of where g has no positive lower bound.
LARGEST_JUMP = 100


def _tends_to_the_mean(n: int, flux: Flux, ratio: Fraction) -> AllOf:
    step, u = _step(n, flux, ratio), [2 * (i % 2) for i in range(n)]
    returns = [Not(Identity(repeat(step, count), lambda u: u, dict(u=u),
                            f"a signal that is back after {count} steps does not tend to its mean"))
               for count in (1, 2)]
    contracts = Calculation(
        dict(K=difference(1, n).exact(), x=ratio, jump=LARGEST_JUMP),
        [("g(x)", flux.formula("diffusivity"))],
        ["x < 1", f"rank(K) == {n - 1}", "all(g(s) > 0 for s in cells([-jump, -2, -1, 0]))",
         "all(g(s) > 0 for s in cells([0, 1, 2, jump]))"],
        "|u|² − |T(u)|² >= 2τ(1 − 2τL) Σ g s² with s = K u: the range is kept, so g has a positive "
        "minimum, and Σ s² is at least a multiple of the distance from the mean")
    return AllOf([*returns, FaceWithin(flux, "diffusivity", Fraction(0), flux.facts.lipschitz),
                  Stable(step, RANGE), _keeps_the_sum(n), contracts])


@claim("derived (Section 2.1)", notion="order",
       within=dict(n=(2, 3, 5), flux=(fluxes.identity(), fluxes.rational(), fluxes.soft(),
                                      fluxes.garrote()), ratio=(HALF, Fraction(9, 10))))
def signal_tends_to_its_mean(n, flux, ratio):
    """In the same setting, with g continuous and g > 0 everywhere and 0 < τ < h²/(2L), Tᵐ(u) tends
    to the constant signal of the mean of u for every u; here for jumps of at most 100.

    Shown are the hypotheses, for the listed N; that a continuous g > 0 has a positive least value
    on a bounded interval, and that powers of a factor below 1 tend to 0, is calculus."""
    return _tends_to_the_mean(n, flux, ratio)


@claim("derived (Section 2.1)", notion="order", weight="minor", expect=REFUTED,
       within=dict(n=(2, 3), flux=(fluxes.rational(), fluxes.tukey()), ratio=(HALF,)))
def signal_tends_to_its_mean_when_g_may_vanish(n, flux, ratio):
    """The same with g >= 0 only."""
    return _tends_to_the_mean(n, flux, ratio)


#: How far a step of fourth order may leave the range, over τ and the width of the range.
OVERSHOOT = 2


@claim("derived (Section 2.1, 𝒟 = ∂ₓ²)", notion="range",
       within=dict(n=(3, 4, 5, 8), tau=("1/12", "1/6")))
def fourth_order_diffusion_keeps_the_range_corrected(n, tau):
    """For second differences K (interior rows 1, −2, 1), Φ = id and 0 < τ <= 1/6 a step leaves the
    range by at most 2τ(max u − min u)."""
    return Calculation(
        dict(K=difference(2, n, 1, NATURAL).exact(), tau=tau, c=OVERSHOOT),
        [("M", f"I({n}) - tau*(K.T @ K)")],
        [f"M @ ones({n}) == 1", f"min(M, 0) @ ones({n}) >= -c*tau"],
        "the rows sum to 1; row i leaves the range by its negative weights times the width, which "
        "the signal that is 0 where they stand and 1 elsewhere attains", necessary=True)
