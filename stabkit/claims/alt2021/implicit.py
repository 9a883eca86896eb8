"""The implicit scheme and its fixed point iteration (Section 2.7)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from stabkit import fluxes
from stabkit.aliases import Signal
from stabkit.claims.claim import claim
from stabkit.claims.configurations import (
    ANY_K,
    BEYOND,
    DICTIONARY,
    HALF,
    ONE,
    REFLECTING_FIRST,
    SMOOTH_AT_ZERO,
    constant,
    draw_signal,
)
from stabkit.classes import (
    AnyCount,
    AnyFlux,
    AnyLength,
    AnyOperator,
    AnyVector,
    ForExamples,
    Positive,
    Such,
    UpTo,
)
from stabkit.operators import difference, norm_bound, stable_step
from stabkit.schemes import Explicit, FixedPoint, Implicit
from stabkit.stability.notions import EUCLIDEAN, RANGE, SIGN, inner, squared_norm
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    Example,
    FaceWithin,
    Identity,
    Stable,
    UniqueSolution,
)
from stabkit.stability.verdict import REFUTED

ANY_STEP = ("1/10", "1", "1000")
FLUXES = (*DICTIONARY, fluxes.rational(), fluxes.firm())


@claim("eq. (8)", notion="euclidean", quote="The fully implicit discretisation of (1)",
       within=dict(K=ANY_K, flux=FLUXES, tau=("1", "1000")),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(diffusivities=(0, None)), tau=UpTo(None)))
def implicit_scheme_is_euclidean_stable(K, flux, tau):
    """For g >= 0, every K and every τ > 0: every solution u′ of u′ = u − τKᵀΦ(K u′) has
    ‖u′‖ <= ‖u‖ (for continuous Φ a solution exists: a minimiser of ‖v − u‖² + τE(v))."""
    return Stable(Implicit(K, flux, tau), EUCLIDEAN)


@claim("derived (eq. (8), 𝒟 = ∂ₓ)", notion="range",
       within=dict(n=(2, 3, 4, 6), flux=FLUXES, tau=ANY_STEP),
       for_all=dict(n=AnyLength(), flux=AnyFlux(diffusivities=(0, None)), tau=UpTo(None)))
def implicit_scheme_keeps_the_range(n, flux, tau):
    """For K1 reflecting, g >= 0 and every τ > 0, every solution u′ stays in the range of u."""
    return Stable(Implicit(difference(1, n), flux, tau), RANGE)


@claim("derived (eq. (8), 𝒟 = ∂ₓ)", notion="sign",
       within=dict(n=(2, 3, 4, 6), flux=FLUXES, tau=ANY_STEP),
       for_all=dict(n=AnyLength(), flux=AnyFlux(diffusivities=(0, None)), tau=UpTo(None)))
def implicit_scheme_is_sign_stable(n, flux, tau):
    """For K1 reflecting, g >= 0 and every τ > 0, every solution has S(u′) <= S(u)."""
    return Stable(Implicit(difference(1, n), flux, tau), SIGN)


@claim("derived (eq. (8))", notion="existence", expect=REFUTED,
       within=dict(flux=(fluxes.soft(), fluxes.rational()), tau=("1", "2", "5")))
def implicit_solution_is_unique(flux, tau):
    """For g >= 0 with Lipschitz Φ, every K, u and τ > 0, eq. (8) has exactly one solution; here
    K = K1 and N = 2, where s′ = K u′ solves s′ + 2τΦ(s′) = K u."""
    return UniqueSolution(Implicit(difference(1, 2), flux, tau))


@claim("derived (eq. (8))", notion="existence",
       within=dict(K=ANY_K[::3], flux=(*SMOOTH_AT_ZERO, fluxes.firm()), tau=("1/100",), v=(1,),
                   w=(2,), ratio=(HALF, Fraction(99, 100))),
       beyond=dict(K=(difference(1, 2),), flux=(fluxes.rational(),), ratio=(Fraction(5, 4),)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=("-m", "L")),
                    tau=Such(("1 - c*m*tau > 0",), "> 0"), v=AnyVector(), w=AnyVector(),
                    ratio=ForExamples()))
def implicit_solution_is_unique_corrected(K, flux, tau, v, w, ratio):
    """Let Φ be Lipschitz and L₋ = sup(−Φ′) (0 for nondecreasing Φ).  If τ L₋ ‖K‖² < 1, eq. (8)
    has exactly one solution for every u; here τ = ratio/(L₋‖K‖²), or 100 if L₋ = 0.

    For all: F(v) = v + τKᵀΦ(K v) has (v − w)·(F(v) − F(w)) >= (1 − τL₋‖K‖²)‖v − w‖².  Such a map,
    continuous as Φ is, takes every value exactly once (Browder, Minty)."""
    slowest = 1 - constant(tau) * constant(flux.facts.steepest_descent) * constant(norm_bound(K))
    return AllOf([grows(Implicit(K, flux, tau), slowest, v, w),
                  Example(lambda: _is_unique(K, flux, ratio))])


def grows(step: Implicit, slowest: Any, v: Signal, w: Any) -> AtMost:
    """(v − w)·(F(v) − F(w)) >= slowest · ‖v − w‖², where a step leads from F(v) to v."""
    def before(v: Signal) -> Any:
        return step.pair(v)[0]

    return AtMost(lambda v, w: slowest * squared_norm(v - w),
                  lambda v, w: inner(v - w, before(v) - before(w)),
                  dict(v=draw_signal(v, step.K),
                       w=draw_signal(w, step.K)), "at two solutions v and w")


def _is_unique(K, flux, ratio) -> UniqueSolution:
    steepest = flux.facts.steepest_descent
    tau = ratio / 2 * stable_step(K, steepest) if steepest else Fraction(100)
    return UniqueSolution(Implicit(K, flux, tau))


@claim('eq. (9), "τ is sufficiently small"', notion="contraction",
       quote="we assume that τ is sufficiently small to yield a contraction mapping",
       within=dict(K=ANY_K[:8], flux=(*SMOOTH_AT_ZERO, fluxes.firm()), tau=("1/5",), u=(1,),
                   v=(2,), base=(3,), ratio=(HALF, Fraction(9, 10))),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=("-L", "L")), tau=Positive(),
                    u=AnyVector(), v=AnyVector(), base=AnyVector(), ratio=ForExamples()))
def fixed_point_iteration_contracts(K, flux, tau, u, v, base, ratio):
    """If τL‖K‖² < 1, v ↦ u − τKᵀΦ(K v) is a contraction on ℝᴺ with factor τL‖K‖², so eq. (9)
    converges to the solution of (8); one iteration is the explicit step."""
    u, v, base = (draw_signal(x, K) for x in (u, v, base))
    size, L = constant(tau), constant(flux.facts.lipschitz)
    factor = size * L * constant(norm_bound(K))

    def again(base: Any, v: Signal) -> Any:
        return base - size * (K.T @ flux(K @ v))

    return AllOf([
        AtMost(lambda u, v, base: squared_norm(again(base, u) - again(base, v)),
               lambda u, v, base: factor**2 * squared_norm(u - v), dict(u=u, v=v, base=base),
               "an iteration from u and from v"),
        Identity(FixedPoint(K, flux, tau, 1), Explicit(K, flux, tau), dict(u=u),
                 "one iteration is the explicit step"),
        Example(lambda: _contracts(K, flux, ratio))])


def _contracts(K, flux, ratio) -> AllOf:
    L, n = flux.facts.lipschitz, K.shape[1]
    return AllOf([
        FaceWithin(flux, "slope", -L, L),
        Calculation(dict(K=K.exact(), tau=ratio / 2 * stable_step(K, L), q=ratio, L=L), [],
                    [f"psd(q * I({n}) - tau * L * (K.T @ K))", "q < 1"],
                    "|K'(Φ(Kv) − Φ(Kw))| <= L|K|²|v − w|, so the map has the factor q",
                    necessary=True)])


@claim("derived (eq. (9), n iterations)", notion="euclidean", expect=REFUTED,
       within=dict(K=REFLECTING_FIRST[:2], iterations=(1, 2, 3), ratio=(HALF, ONE)))
def truncated_fixed_point_is_euclidean_stable_at_the_explicit_bound(K, iterations, ratio):
    """For Φ = id, every K, every n >= 1 and 0 < τ <= 2/‖K‖², the n-th iterate of (9) started at u
    has norm at most ‖u‖."""
    return Stable(FixedPoint(K, fluxes.identity(), stable_step(K, ONE, ratio), iterations),
                  EUCLIDEAN)


@claim("derived (eq. (9), n iterations)", notion="euclidean",
       within=dict(K=ANY_K[:8], flux=(*SMOOTH_AT_ZERO, fluxes.firm()), iterations=(1, 2, 7),
                   ratio=(HALF, ONE)),
       beyond=dict(flux=(fluxes.identity(),), iterations=(2,), ratio=BEYOND),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L")),
                    iterations=AnyCount(), ratio=UpTo(1)))
def truncated_fixed_point_is_euclidean_stable_under_contraction(K, flux, iterations, ratio):
    """For Φ with g >= 0 and Lipschitz constant L, every K, every n >= 1 and 0 < τL‖K‖² <= 1, the
    n-th iterate of (9) started at u has norm at most ‖u‖; here τL‖K‖² = ratio."""
    tau = stable_step(K, flux.facts.lipschitz, ratio / 2) if ratio <= 1 else \
        stable_step(K, flux.facts.lipschitz) * ratio / 2
    return Stable(FixedPoint(K, flux, tau, iterations), EUCLIDEAN)


@claim("derived (eq. (9), n iterations)", notion="range", expect=REFUTED,
       within=dict(n=(2, 3, 4), iterations=(1, 2, 3), ratio=(HALF, ONE)))
def truncated_fixed_point_keeps_the_range(n, iterations, ratio):
    """For Φ = id, K1 reflecting, every n >= 1 and 0 < τ <= h²/4 (where (9) contracts), the n-th
    iterate of (9) stays in the range of u; here τ = ratio · h²/4."""
    return Stable(FixedPoint(difference(1, n), fluxes.identity(), ratio / 4, iterations), RANGE)
