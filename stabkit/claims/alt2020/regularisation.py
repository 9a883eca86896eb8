"""Variational regularisation as an implicit step, and the two classes of regularisers."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

from stabkit import fluxes
from stabkit.claim import claim
from stabkit.claims.configurations import (
    DICTIONARY,
    HALF,
    MONOTONE,
    ONE,
    REFLECTING_FIRST,
)
from stabkit.notions import CONTRACTION, CONTRAST
from stabkit.operators import difference
from stabkit.property import (
    AllOf,
    Calculation,
    Experiment,
    FaceWithin,
    Identity,
    Not,
    Stable,
    UniqueSolution,
)
from stabkit.rational import Constant
from stabkit.schemes import Explicit, Implicit, Pointwise
from stabkit.verdict import REFUTED, SUPPORTED

CONVEX = (fluxes.identity(), fluxes.charbonnier(), fluxes.soft())


@claim('after Theorem 2, "it follows that L = g_max"', expect=REFUTED,
       quote="g(r) is a symmetric diffusivity with bound g_max, it follows that L = g_max",
       within=dict(flux=(*DICTIONARY[:5], fluxes.weickert(), DICTIONARY[5])))
def lipschitz_constant_is_the_largest_diffusivity(flux):
    """For every symmetric g with 0 <= g <= g_max = sup g, the Lipschitz constant of Φ(r) = g(r) r
    is g_max; here g_max = 1, and |Φ(r) − Φ(s)| <= |r − s| is asked for all r, s."""
    return Stable(Pointwise(flux, 1), CONTRACTION)


def _observed_order() -> tuple[bool, int, float]:
    """Euler's error for perona_malik at T = 1, with twice the steps each time."""
    K, T = difference(1, 8), 1
    start = np.cos(np.arange(8.0)) * 3

    def end(m: int) -> np.ndarray:
        step, u = Explicit(K, fluxes.perona_malik(), Fraction(T, m)), start
        for _ in range(m):
            u = step(u)
        return u

    finest = end(2**13)
    errors = [float(np.abs(end(m) - finest).max()) for m in (16, 32, 64, 128)]
    orders = [float(np.log2(a / b)) for a, b in pairwise(errors)]
    return all(abs(order - 1) < 1 / 10 for order in orders), len(errors), min(orders)


@claim("before Theorem 2, T = mτ", weight="minor", notion="order", expect=SUPPORTED,
       quote="approximates a nonlinear diffusion process with stopping time T = mτ",
       within=dict(m=(4, 16, 64, 256), flux=("identity", "perona_malik")))
def blocks_approximate_diffusion(m, flux):
    """m blocks of size τ = T/m approximate the semi-discrete flow u̇ = −KᵀΦ(K u) at time T with
    error O(τ), for smooth Lipschitz Φ.  For Φ = id it is shown on an eigenvector, with eigenvalue
    μ = 2 and T = 1; for perona_malik the order 1 is observed."""
    if flux == "perona_malik":
        return Experiment(_observed_order)
    return Calculation(dict(mu="2", T="1"), [],
                       [f"abs((1 - mu * T / {m})**{m} - exp(-mu * T)) <= (mu * T)**2 / {m}"],
                       "the step multiplies the eigenvector by 1 − μT/m, the flow by e^{−μT}")


@claim("eqs (13)–(15)",
       quote="This can be regarded as a fully implicit time discretisation",
       within=dict(n=(2, 3), alpha=("1/4", "3"), penaliser=("r²", "r⁴ + r²"), seed=(1, 2)))
def euler_lagrange_equation_is_an_implicit_step(n, alpha, penaliser, seed):
    """u is stationary for E(u) = ‖u − f‖² + α Σᵢ Ψ((K u)ᵢ) iff u = f − αKᵀΦ(K u) with Φ = Ψ′/2: an
    implicit step with τ = T = α and g(r) = Ψ′(r)/(2r).  As ∇E(u) = 2(u − f + αKᵀΦ(K u)), the slope
    of E along any v is compared, by a difference that is exact for quartics."""
    K, alpha = difference(1, n), Constant(alpha)
    psi, phi = {"r²": (lambda r: r**2, lambda r: r),
                "r⁴ + r²": (lambda r: r**4 + r**2, lambda r: 2 * r**3 + r)}[penaliser]
    rng = np.random.default_rng(seed)

    def energy(u, f):
        return np.sum((u - f) ** 2) + alpha * np.sum(psi(K @ u))

    def slope(u, f, v):
        near = energy(u + v, f) - energy(u - v, f)
        far = energy(u + 2 * v, f) - energy(u - 2 * v, f)
        return Constant(1, 12) * (8 * near - far)

    def stated(u, f, v):
        return 2 * np.dot(u - f + alpha * (K.T @ phi(K @ u)), v)

    given = {name: [Fraction(int(p), 4) for p in rng.integers(-99, 100, n)]
             for name in ("u", "f", "v")}
    return Identity(slope, stated, given, "both sides are polynomials of degree 4")


@claim('after eq. (15), "approximated by m explicit steps", τ = α/m', notion="order",
       quote="This process can also be approximated by m explicit diffusion steps", expect=REFUTED,
       within=dict(m=(8, 64)))
def many_small_steps_converge_to_the_regularisation(m):
    """For fixed α > 0 and Φ = id, m explicit steps of size α/m from f converge to the minimiser of
    E as m → ∞; here N = 2, f = (−1, 1) and α = 1/2, where the minimiser is f/2."""
    return Not(Calculation(
        dict(K=[[-1, 1]], f=[-1, 1], alpha="1/2"),
        [("mu", "dot(K @ f, K @ f) / dot(f, f)"), ("least", "f / (1 + alpha * mu)")],
        ["K.T @ (K @ f) == mu * f", "alpha * mu == 1",
         "least + alpha * (K.T @ (K @ least)) == f",
         "exp(-1) < 3/8", f"(1 - alpha * mu / {m})**{m} < exp(-1)"],
        "f is an eigenvector: m steps give (1 − 1/m)ᵐ f, which increases to f/e < 3f/8, not f/2"))


@claim('Section 4, "have unique minimisers, … gradient descent converge globally"',
       notion="existence", quote="Strictly convex regularisers have unique minimisers",
       within=dict(K=REFLECTING_FIRST[:3], flux=CONVEX, alpha=("1/4", "10")))
def convex_regularisers_have_unique_minimisers(K, flux, alpha):
    """For convex differentiable Ψ with Lipschitz Ψ′ (the first class) and α > 0: E has exactly one
    minimiser, and gradient descent with a small enough step converges to it from every start: E is
    strongly convex with modulus 2 and its gradient is Lipschitz."""
    return AllOf([FaceWithin(flux, "slope", Fraction(0), flux.facts.lipschitz),
                  UniqueSolution(Implicit(K, flux, alpha))])


@claim("Section 4", notion="existence",
       quote="nonconvex regularisers, which may lead to multiple energy minimisers",
       within=dict(alpha=("1/4",)))
def nonconvex_regularisers_may_have_several_minimisers(alpha):
    """Some α, f and Ψ of the second class give E several global minimisers: the hard row
    Ψ(d) = min(d², 1), N = 2, f with difference D, D² = 3/2."""
    return Calculation(
        dict(alpha=alpha, D2="3/2"),
        # In the difference d = tD the energy is (1 − t)² D²/2 + α Ψ(tD); t = 2/3 inside, 1 outside.
        [("E(t)", "(1 - t)**2 * D2 / 2 + alpha * min(t**2 * D2, 1)"),
         ("inner", "D2 / 2 - D2 * D2 / (4 * (D2 / 2 + alpha * D2))")],
        ["(2/3)**2 * D2 <= 1", "D2 >= 1", "E(2/3) == E(1)", "E(1) == alpha", "inner == alpha",
         "2 * alpha * D2 * (2/3) == D2 * (1 - 2/3)"],
        "for |d| <= 1 E is a convex parabola in t with minimum `inner` at t = 2/3, for |d| >= 1 it "
        "is at least α with equality only at t = 1: both are global minimisers")


@claim("derived (Section 4, τ = α = 1/4, h = 1)", weight="minor", notion="existence",
       expect=REFUTED, within=dict(n=(2, 3, 4, 8), flux=(fluxes.perona_malik(), fluxes.garrote())),
       some=True)
def second_class_energies_have_several_minimisers_at_one_quarter(n, flux):
    """At α = 1/4 and h = 1 the perona_malik or the garrote row gives some N and f several local
    minimisers of E."""
    return Not(UniqueSolution(Implicit(difference(1, n), flux, Fraction(1, 4))))


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


@claim("Section 4", weight="minor", notion="bound",
       quote="their activation functions are monotonically increasing",
       within=dict(flux=DICTIONARY))
def flux_monotonicity_separates_the_classes(flux):
    """Φ is nondecreasing for the constant, charbonnier and truncated TV rows and not monotone for
    perona_malik, garrote and hard."""
    if flux.facts.monotone:
        return FaceWithin(flux, "slope", Fraction(0), Fraction(1))
    return Calculation({}, [("phi(x)", flux.formula())],
                       ["phi(1/2) < phi(3/4)", "phi(3) < phi(1)"], "Φ rises and falls")


@claim('Section 4, "act contrast reducing"', notion="bound",
       quote="the corresponding increasing flux functions act contrast reducing",
       within=dict(n=(2, 3, 4, 6), h=("1", "1/2"), flux=MONOTONE, ratio=(HALF, ONE)),
       beyond=dict(n=(4,), flux=MONOTONE[:3], ratio=(Fraction(11, 10),)))
def increasing_flux_reduces_contrast(n, h, flux, ratio):
    """For nondecreasing Lipschitz Φ with Φ(0) = 0, K1 reflecting and 0 < τ <= h²/(2L):
    maxᵢ |T(u)_{i+1} − T(u)ᵢ| <= maxᵢ |u_{i+1} − uᵢ|."""
    tau = ratio * Fraction(h) ** 2 / (2 * flux.facts.lipschitz)
    return Stable(Explicit(difference(1, n, h), flux, tau), CONTRAST)


@claim("Section 4", weight="minor", notion="bound",
       quote="Their shrinkage functions converge to the identity function for r → ±∞",
       within=dict(row=("identity", "charbonnier", "soft", "perona_malik", "garrote", "hard")))
def second_class_shrinkage_tends_to_the_identity(row):
    """S(r) − r → 0 as r → ±∞ exactly for the rows perona_malik, garrote and hard, among the six.
    As S(r) − r = −g(√2 r) r = −Φ(√2 r)/√2, this asks whether Φ tends to 0."""
    away = {"identity": "x", "soft": "1 + 0 * x", "charbonnier": "1 / sqrt(1 / x**2 + 1)"}
    if row in away:
        return Calculation({}, [("phi(x)", away[row])],
                           ["all(phi(x) >= 1/2 for x in cells([1, inf]))"],
                           "Φ(x) for x >= 1, written with x inside the root, stays away from 0")
    fading = {"perona_malik": "decay(1, x**2 / 2) * 2 / x", "garrote": "1 / x", "hard": "0 * x"}
    return Calculation({}, [("phi(x)", fading[row])],
                       ["all(0 <= phi(x) <= 1 for x in cells([2, 4, 8, 16, inf]))",
                        "all(phi(x) <= 1/8 for x in cells([16, inf]))"],
                       "Φ(x) for x > 1; all three are at most 1/x there, so Φ → 0")
