"""Variational regularisation as an implicit step, and the two classes of regularisers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from stabkit import fluxes
from stabkit.aliases import Signal
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.configurations import (
    ANY_K,
    DICTIONARY,
    HALF,
    MONOTONE,
    ONE,
    REFLECTING_FIRST,
    SMOOTH_AT_ZERO,
    constant,
    draw_signal,
)
from stabkit.classes import (
    AnyFlux,
    AnyLength,
    AnyOperator,
    AnyVector,
    Positive,
    Such,
    UpTo,
)
from stabkit.errors import require_value
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator, difference, stable_step
from stabkit.proof.words import Expression
from stabkit.schemes import Explicit, Implicit, Pointwise, Regularisation, repeat
from stabkit.stability.notions import CONTRACTION, CONTRAST, inner, squared_norm
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    Example,
    FaceWithin,
    NormAtMost,
    Not,
    Stable,
    UniqueSolution,
)
from stabkit.stability.verdict import REFUTED

CONVEX = (fluxes.identity(), fluxes.charbonnier(), fluxes.soft())


@claim('after Theorem 2, "it follows that L = g_max"', expect=REFUTED,
       quote="g(r) is a symmetric diffusivity with bound g_max, it follows that L = g_max",
       within=dict(flux=(*DICTIONARY[:5], fluxes.weickert(), DICTIONARY[5])))
def lipschitz_constant_is_the_largest_diffusivity(flux):
    """For every symmetric g with 0 <= g <= g_max = sup g, the Lipschitz constant of Φ(r) = g(r) r
    is g_max; here g_max = 1, and |Φ(r) − Φ(s)| <= |r − s| is asked for all r, s."""
    return Stable(Pointwise(flux, 1), CONTRACTION)


#: sup g over L, at most.
AT_MOST = Fraction(1)


@claim("derived (after Theorem 2)", notion="bound",
       within=dict(flux=DICTIONARY[:5], r=(("1", "-1/2", "3", "0"),)),
       for_all=dict(flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L")), r=AnyVector("M")))
def lipschitz_constant_is_the_largest_diffusivity_corrected(flux, r):
    """For every g >= 0 continuous at 0 with Lipschitz Φ: g_max <= L, as |Φ(r) − Φ(0)| <= L|r|.

    For all: r·Φ(r) <= L|r|² for every vector r, so for every number."""
    L = flux.facts.lipschitz
    return AllOf([
        AtMost(lambda r: inner(flux(r), r), lambda r: L * squared_norm(r),
               dict(r=r if isinstance(r, Expression) else fractions(r)), "g_max r² = L r²"),
        Example(lambda: FaceWithin(flux, "diffusivity", Fraction(0), AT_MOST * L))])


#: The bounds of Euler's errors, for L‖K‖² = Lam or mu and ‖u⁰‖ = 1.
IMPLICIT_BOUND = "(mu*alpha)**2 / (2*m)"
EULER_BOUND = "step/2 * Lam * (exp(Lam*T) - 1)"


def _euler_error(K: Operator, flux: Flux) -> AllOf:
    """‖uᵐ − u(T)‖ <= (τ/2) L‖K‖² ‖u⁰‖ (e^{L‖K‖²T} − 1), the constants in it, and one mode."""
    L, square = require_value(flux.facts.lipschitz, "flux: must be continuous"), 2 / stable_step(K)
    points = dict(x=[0, 1, 2, 5, 9, 13], y=[1, 2, 4, 3, 8, 5])
    return AllOf([
        FaceWithin(flux, "slope", -L, L), FaceWithin(flux, "diffusivity", Fraction(0), None),
        NormAtMost(K, square),
        Calculation(points, [], [
            "(1 + x)*(y - 1)/2 + x/2 == ((1 + x)*y - 1)/2", "decay(0, 0) == 1",
            "all(-decay(1, s) <= 0 for s in cells([0, inf]))"],
            "with Λ = L‖K‖² the right side u ↦ −KᵀΦ(K u) has the Lipschitz constant Λ and norms at "
            "most Λ‖u‖, and ‖u(t)‖ <= ‖u⁰‖ as r Φ(r) >= 0; so ‖u(t + s) − u(t) + s KᵀΦ(K u(t))‖ <= "
            "Λ²s²‖u⁰‖/2 and the errors obey e_{k+1} <= (1 + x)e_k + (τ/2)Λ x‖u⁰‖, x = τΛ.  Hence "
            "e_k <= (τ/2)Λ‖u⁰‖(y − 1) with y = (1 + x)ᵏ, as the first line passes from k to k + 1 "
            "(both sides are of degree 1 in x and in y); and (1 + x)e^{−x} is 1 at 0 with the "
            "slope −x e^{−x} <= 0, so y <= e^{kx}"),
        *map(_euler_error_of_a_mode, (1, 4, 16))])


def _euler_error_of_a_mode(m: int) -> Calculation:
    """The same for Φ = id and an eigenvector of unit length with the eigenvalue 2 = ‖K1‖²."""
    K, log = difference(1, 2), Transcript()
    T = log.give("T", Fraction(1, 100))
    f = log.give("f", [-1, 1])
    last = repeat(Explicit(K, fluxes.identity(), Fraction(1, 100 * m)), m)(f)
    let: list[Sequence[str]] = [("Lam", "dot(K @ f, K @ f) / dot(f, f)"), ("step", f"T / {m}"),
           ("gap", f"{last.text} - exp(-Lam*{T.text}) * f")]
    return Calculation(
        log.given, [*log.let, *let],
        ["K.T @ (K @ f) == Lam * f", f"abs(gap) <= ({EULER_BOUND}) * abs(f)"],
        "the flow multiplies the eigenvector f by e^{−ΛT}", necessary=True)


SMOOTH = (fluxes.identity(), fluxes.perona_malik(), fluxes.charbonnier(), fluxes.rational())


@claim("before Theorem 2, T = mτ", weight="minor", notion="order",
       quote="approximates a nonlinear diffusion process with stopping time T = mτ",
       within=dict(K=REFLECTING_FIRST[:2], flux=SMOOTH))
def blocks_approximate_diffusion(K, flux):
    """m blocks of size τ = T/m approximate the semi-discrete flow u̇ = −KᵀΦ(K u) at time T with
    error O(τ), for smooth Lipschitz Φ: by Gronwall's inequality it is at most
    (τ/2) L‖K‖² ‖u⁰‖ (e^{L‖K‖²T} − 1)."""
    return _euler_error(K, flux)


@claim('derived (Section 3, "approximates a nonlinear diffusion process")', notion="order",
       within=dict(K=(ANY_K[0], ANY_K[3], ANY_K[6]), flux=(*SMOOTH_AT_ZERO, fluxes.firm())))
def euler_error_is_of_first_order(K, flux):
    """For Lipschitz Φ (constant L) with r Φ(r) >= 0, every K and T = mτ: ‖uᵐ − u(T)‖ <=
    (τ/2) L‖K‖² ‖u⁰‖ (e^{L‖K‖²T} − 1), where u solves u̇ = −KᵀΦ(K u) from u⁰.

    Shown are the constants, and the induction over the steps; that a solution stays within
    τ²L²‖K‖⁴‖u⁰‖/2 of its tangent in a step is Taylor's formula for Lipschitz right sides."""
    return _euler_error(K, flux)


@claim("Section 3, [Radmoser et al.]", weight="minor", notion="order",
       within=dict(m=(1, 4, 16, 64), flux=MONOTONE))
def implicit_substeps_converge_to_the_flow(m, flux):
    """m implicit steps of size α/m converge to the flow at time α with an error of order 1/m, for
    monotone Lipschitz Φ.

    The steps do not increase differences, and each deviates from the flow by at most Λ²τ²‖u⁰‖/2
    with Λ = L‖K‖²: the error is at most Λ²α²‖u⁰‖/(2m).  Shown are the hypotheses, the contraction,
    and the bound for Φ = id, K = K1, N = 2, α = 1."""
    K = difference(1, 2)
    return AllOf([
        FaceWithin(flux, "slope", Fraction(0), flux.facts.lipschitz),
        Stable(Implicit(K, flux, Fraction(1, m)), CONTRACTION),
        Calculation(dict(K=K.exact(), f=[-1, 1], alpha=1, m=m), [
            ("mu", "dot(K @ f, K @ f) / dot(f, f)"), ("new", f"(1 + alpha*mu/m)**(-{m})")], [
            "K.T @ (K @ f) == mu * f", f"abs(new - exp(-alpha*mu)) <= {IMPLICIT_BOUND}"],
            "each implicit step divides the eigenvector f by 1 + αμ/m", necessary=True)])


#: By how much a mode with the eigenvalue mu is shortened in the minimiser of E.
SHORTENED = "1 / (1 + alpha * mu)"


@claim('after eq. (15), "approximated by m explicit steps", τ = α/m', notion="order",
       quote="This process can also be approximated by m explicit diffusion steps", expect=REFUTED,
       within=dict(m=(8, 64)))
def many_small_steps_converge_to_the_regularisation(m):
    """For fixed α > 0 and Φ = id, m explicit steps of size α/m from f converge to the minimiser of
    E as m → ∞; here N = 2, f = (−1, 1) and α = 1/2, where the minimiser is f/2 and the steps tend
    to f/e."""
    return _many_small_steps(m, SHORTENED)


#: By how much the flow shortens it up to the time alpha.
FLOW = "exp(-alpha * mu)"


def _many_small_steps(m: int, shortened: str) -> Calculation:
    """Whether they are within x²/m of what shortens a mode so."""
    K, log = difference(1, 2), Transcript()
    f = log.give("f", [-1, 1])
    last = repeat(Explicit(K, fluxes.identity(), Fraction(1, 2 * m)), m)(f)
    log.give("alpha", "1/2")
    return Calculation(
        log.given, [*log.let, ("mu", "dot(K @ f, K @ f) / dot(f, f)"),
                    ("least", f"{shortened} * f"), ("gap", f"{last.text} - least")],
        ["K.T @ (K @ f) == mu * f", f"abs(gap) <= (alpha * mu)**2 / {m} * abs(f)"],
        "f is an eigenvector, and m steps multiply it by (1 − x/m)ᵐ with x = αμ = 1, which is "
        "within x²/m of its limit exp(−x): if `least` is the limit, the gap is as small",
        necessary=True)


#: A step s of descent shortens by this less s.
MODULUS = 1


@claim("derived (after eq. (15))", notion="order", within=dict(m=(8, 64)))
def many_small_steps_converge_to_the_regularisation_corrected(m):
    """For fixed α > 0 and Φ = id, m explicit steps of size α/m from f converge to the flow at time
    α, exp(−αKᵀK)f, as m → ∞; here N = 2, f = (−1, 1) and α = 1/2, where they are within x²/m of
    f/e, x = 1."""
    return _many_small_steps(m, FLOW)


@claim('Section 4, "have unique minimisers, … gradient descent converge globally"',
       notion="existence", quote="Strictly convex regularisers have unique minimisers",
       within=dict(K=REFLECTING_FIRST[:3], flux=CONVEX, alpha=("1/4", "10"), step=("1/50",), v=(1,),
                   w=(2,), f=(3,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=(0, "L")), alpha=Positive(),
                    step=Such(("1 - step - step*alpha*L*c >= 0",), "> 0"), v=AnyVector(),
                    w=AnyVector(), f=AnyVector()))
def convex_regularisers_have_unique_minimisers(K, flux, alpha, step, v, w, f):
    """For convex differentiable Ψ with Lipschitz Ψ′ (the first class) and α > 0: E has exactly one
    minimiser, and gradient descent with a small enough step converges to it from every start: E is
    strongly convex with modulus 2 and its gradient is Lipschitz.

    For all: a step s of descent, u ↦ u − (s/2)∇E(u), takes any v and w nearer by the factor 1 − s,
    if s(1 + αL‖K‖²) <= 1: its one fixed point is the one minimiser (Banach)."""
    def descend(u: Signal, f: Any) -> Any:
        half = constant(Fraction(1, 2))
        return u - half * constant(step) * Regularisation(K, flux, alpha).gradient(u, f)

    return AllOf([
        AtMost(lambda v, w, f: squared_norm(descend(v, f) - descend(w, f)),
               lambda v, w, f: (MODULUS - constant(step)) ** 2 * squared_norm(v - w),
               {name: draw_signal(x, K) for name, x in dict(v=v, w=w, f=f).items()},
               "a step of descent from v and from w"),
        Example(lambda: AllOf([FaceWithin(flux, "slope", Fraction(0), flux.facts.lipschitz),
                               UniqueSolution(Implicit(K, flux, alpha))]))])


@claim("Section 4", notion="existence",
       quote="nonconvex regularisers, which may lead to multiple energy minimisers",
       within=dict(alpha=("1/4",), flux=(fluxes.hard(),)))
def nonconvex_regularisers_may_have_several_minimisers(alpha, flux):
    """Some α, f and Ψ of the second class give E several global minimisers: the hard row
    Ψ(d) = min(d², 1), N = 2, f with difference D, D² = 3/2."""
    return AllOf([
        Not(UniqueSolution(Implicit(difference(1, 2), flux, alpha))),
        Calculation(
            dict(alpha=alpha, D2="3/2"),
            # In the difference d = tD the energy is (1 − t)² D²/2 + α Ψ(tD); t is 2/3 or 1.
            [("E(t)", "(1 - t)**2 * D2 / 2 + alpha * min(t**2 * D2, 1)"),
             ("inner", "D2 / 2 - D2 * D2 / (4 * (D2 / 2 + alpha * D2))")],
            ["(2/3)**2 * D2 <= 1", "D2 >= 1", "E(2/3) == E(1)", "E(1) == alpha", "inner == alpha",
             "2 * alpha * D2 * (2/3) == D2 * (1 - 2/3)"],
            "for |d| <= 1 E is a convex parabola in t with minimum `inner` at t = 2/3, for |d| >= "
            "1 it is at least α with equality only at t = 1: both are global minimisers")])


@claim("derived (Section 4, τ = α = 1/4, h = 1)", weight="minor", notion="existence",
       expect=REFUTED, within=dict(flux=(fluxes.perona_malik(), fluxes.garrote()),
                                   alpha=("1/4",)), some=True)
def second_class_energies_have_several_minimisers_at_one_quarter(flux, alpha):
    """At α = 1/4 and h = 1 the perona_malik or the garrote row gives some N and f several local
    minimisers of E.

    For every N they do not: up to α = 1/(4L₋), L₋ = sup(−Φ′), E is strictly convex."""
    steepest = -min(flux.facts.slopes[0], Fraction(0))
    for_every_length = AllOf([
        FaceWithin(flux, "slope", -steepest, None),
        Calculation(dict(alpha=alpha, steepest=steepest), [], ["4 * alpha * steepest <= 1"],
                    "½∇²E = I + αKᵀΦ′K is at least 1 − αL₋‖K‖² > 0, as ‖K1‖² < 4: for every N and "
                    "f E has one minimiser")])
    return Not(AllOf([for_every_length, UniqueSolution(Implicit(difference(1, 2), flux, alpha))]))


@claim('Section 4 ("these methods have strictly convex regularisers")', weight="minor",
       quote="These methods have strictly convex regularisers", expect=REFUTED,
       within=dict(q=("1", "2"), r=("1/2", "1", "2")))
def huber_regulariser_is_strictly_convex(q, r):
    """Ψ of the truncated TV row (Huber), r² for |r| <= q and 2q|r| − q² beyond, is strictly convex:
    Ψ at a midpoint is below the mean of its values at r and r + 2."""
    flux = fluxes.soft(q)
    values = [flux.regulariser(Fraction(r) + k) for k in range(3)]
    return Calculation(dict(left=values[0], middle=values[1], right=values[2]), [],
                       ["2 * middle < left + right"], "the values of Ψ at r, r + 1 and r + 2",
                       necessary=True)


@claim("derived (Section 4)", weight="minor", notion="bound",
       within=dict(flux=(fluxes.soft(1), fluxes.soft(2), fluxes.identity()),
                   r=(("1/2", 0, -3),), s=((5, "1/3", 4),)),
       for_all=dict(flux=AnyFlux(slopes=(0, None)), r=AnyVector("M"), s=AnyVector("M")))
def huber_regulariser_is_strictly_convex_corrected(flux, r, s):
    """Ψ of the truncated TV row (Huber) is convex, as Ψ is for every Φ that does not fall: its sum
    at a midpoint is at most the mean of its sums."""
    def total(x: Any) -> Any:
        densities = flux.regulariser(x)
        return densities.call("sum") if hasattr(densities, "call") else densities.sum()

    half = constant(Fraction(1, 2))
    return AtMost(lambda r, s: 2 * total(half * (r + s)), lambda r, s: total(r) + total(s),
                  dict(r=r, s=s), "at r, s and their midpoint")


def is_increasing(flux: Flux) -> bool:
    """Whether the row is said to be in the first class."""
    return flux.name in ("identity", "charbonnier", "soft")


@claim("Section 4", weight="minor", notion="bound",
       quote="their activation functions are monotonically increasing",
       within=dict(flux=DICTIONARY))
def flux_monotonicity_separates_the_classes(flux):
    """Φ is nondecreasing for the constant, charbonnier and truncated TV rows and not monotone for
    perona_malik, garrote and hard."""
    if is_increasing(flux):
        return FaceWithin(flux, "slope", Fraction(0), Fraction(1))
    return Calculation({}, [("phi(x)", flux.formula())],
                       ["phi(1/2) < phi(3/4)", "phi(3) < phi(1)"],
                       "Φ rises and falls; where it is nondecreasing it does not fall",
                       necessary=True)


@claim('Section 4, "act contrast reducing"', notion="bound",
       quote="the corresponding increasing flux functions act contrast reducing",
       within=dict(n=(2, 3, 4, 6), h=(ONE, HALF), flux=MONOTONE, ratio=(HALF, ONE)),
       beyond=dict(n=(4,), flux=MONOTONE[:3], ratio=(Fraction(11, 10),)),
       for_all=dict(n=AnyLength(), h=Positive(), ratio=UpTo(1),
                    flux=AnyFlux(diffusivities=(0, None), slopes=(0, "L"))))
def increasing_flux_reduces_contrast(n, h, flux, ratio):
    """For nondecreasing Lipschitz Φ with Φ(0) = 0, K1 reflecting, every N and 0 < τ <= h²/(2L):
    maxᵢ |T(u)_{i+1} − T(u)ᵢ| <= maxᵢ |u_{i+1} − uᵢ|; here τ = ratio · h²/(2L)."""
    tau = ratio * h**2 / (2 * flux.facts.lipschitz)
    return Stable(Explicit(difference(1, n, h), flux, tau), CONTRAST)


#: Φ for x >= 1, written so that it can be enclosed up to infinity.
FAR_OUT = {"identity": "x", "soft": "1 + 0 * x", "charbonnier": "1 / sqrt(1 / x**2 + 1)",
           "perona_malik": "decay(1, x**2 / 2) * 2 / x", "garrote": "1 / x", "hard": "0 * x"}
SECOND_CLASS = ("perona_malik", "garrote", "hard")


@claim("Section 4", weight="minor", notion="bound",
       quote="Their shrinkage functions converge to the identity function for r → ±∞",
       within=dict(flux=DICTIONARY))
def second_class_shrinkage_tends_to_the_identity(flux):
    """S(r) − r → 0 as r → ±∞ exactly for the rows perona_malik, garrote and hard, among the six.
    As S(r) − r = −g(√2 r) r = −Φ(√2 r)/√2, this asks whether Φ tends to 0."""
    far = [("flux(x)", flux.formula()), ("phi(x)", FAR_OUT[flux.name])]
    same = [f"abs(flux({x}) - phi({x})) < 1/10**9" for x in (2, 3, 10)]
    if flux.name in SECOND_CLASS:
        near, everywhere = "flux(100) <= 1/8", [
            "all(0 <= phi(x) <= 1 for x in cells([2, 4, 8, 16, inf]))",
            "all(phi(x) <= 1/8 for x in cells([16, inf]))"]
        by = "Φ(x) for x > 1; all three are at most 1/x there, so Φ → 0"
    else:
        near, everywhere = "flux(100) >= 1/2", ["all(phi(x) >= 1/2 for x in cells([1, inf]))"]
        by = "Φ(x) for x >= 1, written with x inside the root, stays away from 0"
    return AllOf([Calculation({}, far[:1], [near], "at x = 100", necessary=True),
                  Calculation({}, far, [*same, *everywhere], by)])
