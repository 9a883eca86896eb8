"""Diffusion blocks and their stability."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from stabkit import fluxes
from stabkit.aliases import Signal
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import Constant
from stabkit.claims.claim import claim
from stabkit.claims.configurations import (
    BEYOND,
    DICTIONARY,
    EXACT,
    FIRST,
    HALF,
    NEGATIVE,
    ONE,
    REFLECTING_FIRST,
    SMOOTH_AT_ZERO,
    draw_signal,
    ones,
    some_step_is_stable,
)
from stabkit.classes import (
    AnyFlux,
    AnyLength,
    AnyNumberOf,
    AnyOperator,
    AnyVector,
    OneOf,
    Positive,
    UpTo,
    signal,
)
from stabkit.operators import (
    DIRICHLET,
    MIRRORED,
    PERIODIC,
    REFLECTING,
    Operator,
    convolution,
    difference,
    from_matrix,
    stable_step,
)
from stabkit.schemes import Chain, Explicit, Linear, ResidualBlock, Scheme
from stabkit.stability.notions import CYCLIC_SIGN, EUCLIDEAN, RANGE, SIGN, inner
from stabkit.stability.property import AllOf, Calculation, Example, Identity, Not, Stable
from stabkit.stability.verdict import REFUTED

FLUXES = (*DICTIONARY, fluxes.rational(), fluxes.firm())
LIPSCHITZ = tuple(flux for flux in FLUXES if flux.facts.continuous)
PERIODIC_FIRST = tuple(difference(1, n, 1, PERIODIC) for n in (3, 4, 5))
#: K1 on a line of any length, 0 <= g <= L.
LINE = dict(n=AnyLength(), h=Positive(), flux=AnyFlux(diffusivities=(0, "L")), ratio=UpTo(1))
THEOREM = ("A residual network chaining any number of diffusion blocks … is stable in the L∞ norm "
           "if τ ≤ h²/(2L)")
GRIDS = ("1", "1/2")


def _grid(n, h):
    return difference(1, n, h)


def backward(forward: Operator) -> Operator:
    """D⁻ := −(D⁺)ᵀ."""
    return -forward.T


@claim("Theorem 1", quote="the resemblance to a residual block becomes apparent",
       within=dict(forward=tuple(_grid(n, h) for n in (2, 3, 5) for h in GRIDS), flux=EXACT,
                   tau=(Constant(1, 7), Constant(2)), u=(1,)),
       for_all=dict(forward=AnyOperator(), flux=AnyFlux(), tau=Positive(), u=AnyVector()))
def explicit_step_is_a_residual_block(forward, flux, tau, u):
    """With D⁻ := −(D⁺)ᵀ and D⁺ = K1, or any other matrix, the explicit step is the residual block
    σ₂(u + W₂ σ₁(W₁ u + b₁) + b₂) with σ₁ = Φ, σ₂ = id, W₁ = D⁺, W₂ = τD⁻, b₁ = b₂ = 0, for every
    u, τ > 0 and Φ."""
    block = ResidualBlock(forward, tau * backward(forward), flux)
    return Identity(Explicit(forward, flux, tau), block, dict(
        u=signal(u, forward.shape[1], lambda _, n: [Fraction((-1) ** i * (3 * i + 2), i + 1)
                                                    for i in range(n)])),
                    "eq. (6) against the block, as expressions")


#: The backward difference of the outer layer, and whether both are built by mirrored padding.
OUTER = {"mirrored": lambda n: convolution([-1, 1, 0], n, MIRRORED),
         "transposed": lambda n: -difference(1, n).T}


@claim('Sections 2, 3 ("reflecting boundary conditions", forward difference inside, backward '
       'difference outside)', notion="euclidean", expect=REFUTED,
       quote="Both can be realised with a simple convolution",
       within=dict(n=(2, 3), outer=("mirrored",)))
def block_with_two_reflecting_differences_is_euclidean_stable(n, outer):
    """Build both differences as N×N convolutions with mirrored padding, (D⁺u)ᵢ = u_{i+1} − uᵢ and
    (D⁻v)ᵢ = vᵢ − v_{i−1}.  For Φ = id and h = 1 some τ > 0 makes u⁺ = u + τD⁻D⁺u satisfy
    ‖u⁺‖ <= ‖u‖ for every u and N.  Every τ > 0 enlarges a u with u·D⁻D⁺u > 0."""
    forward = convolution([0, -1, 1], n, MIRRORED) if outer == "mirrored" else difference(1, n)
    return some_step_is_stable(forward, OUTER[outer](n))


@claim("derived (D⁻ := −(D⁺)ᵀ)", notion="euclidean",
       within=dict(K=tuple(convolution([0, -1, 1], n, MIRRORED) for n in (2, 3)),
                   ratio=(HALF, ONE)), beyond=dict(ratio=BEYOND),
       for_all=dict(K=AnyOperator(), ratio=UpTo(1)))
def block_with_two_reflecting_differences_is_euclidean_stable_corrected(K, ratio):
    """With D⁻ := −(D⁺)ᵀ, whatever the padding, and Φ = id: u⁺ = u + τD⁻D⁺u satisfies ‖u⁺‖ <= ‖u‖
    for every u, N and 0 < τ <= 2/‖D⁺‖²; here τ = ratio · 2/‖D⁺‖²."""
    return Stable(Explicit(K, fluxes.identity(), stable_step(K, ratio=ratio)), EUCLIDEAN)


@claim("derived (explicit scheme, eq. (6))", weight="minor",
       within=dict(K=(*REFLECTING_FIRST[:3], *PERIODIC_FIRST), flux=EXACT, tau=("1/3",), u=(1,)),
       for_all=dict(K=AnyOperator(constants=True), flux=AnyFlux(), tau=Positive(), u=AnyVector()))
def mean_is_preserved(K, flux, tau, u):
    """Σᵢ T(u)ᵢ = Σᵢ uᵢ for every u, Φ and τ with K = K1 reflecting or periodic, as K 1 = 0; so for
    every K with K 1 = 0."""
    return keeps_the_mean(Explicit(K, flux, tau), draw_signal(u, K))


def keeps_the_mean(step: Explicit, u: Signal) -> AllOf:
    """Σᵢ T(u)ᵢ = Σᵢ uᵢ, and that K 1 = 0."""
    K = step.K
    return AllOf([
        Identity(lambda one, u: inner(one, step(u)), lambda one, u: inner(one, u),
                 dict(one=ones(K), u=u), "1·T(u) = 1·u − τ (K1)·Φ(K u)"),
        Example(lambda: Calculation(
            dict(K=K.exact()), [], [f"K @ ones({K.shape[1]}) == zeros({K.shape[0]})"],
            "else some u and Φ have another mean", necessary=True))])


@claim("eq. (7)", notion="range", quote="the time step size must fulfil τ ≤ h²/(2 g_max)",
       within=dict(n=(2, 3, 4, 5), h=(ONE,), boundary=(REFLECTING, PERIODIC), flux=FLUXES,
                   ratio=(HALF, ONE)),
       for_all=dict(LINE, boundary=OneOf(REFLECTING, PERIODIC)))
def maximum_minimum_principle(n, h, boundary, flux, ratio):
    """If 0 <= g <= g_max and 0 < τ <= h²/(2 g_max) then T(u) stays in the range of u, for K1
    reflecting or periodic and every N; here τ = ratio · h²/(2 g_max)."""
    tau = ratio * h**2 / (2 * flux.facts.sup_diffusivity)
    return Stable(Explicit(difference(1, n, h, boundary), flux, tau), RANGE)


@claim('eq. (7), "the time step size must fulfil"', notion="range",
       quote="the time step size must fulfil τ ≤ h²/(2 g_max)",
       within=dict(n=(3, 4, 6), h=GRIDS, flux=SMOOTH_AT_ZERO, ratio=(*BEYOND, Fraction(2))))
def range_bound_is_necessary(n, h, flux, ratio):
    """For K1 reflecting, N >= 3, g(0) = g_max continuous at 0 and τ > h²/(2 g_max) some u leaves
    its range."""
    return Not(Stable(Explicit(_grid(n, h), flux, ratio * Fraction(h) ** 2 / 2), RANGE))


@claim("Theorem 2, eq. (16)", notion="range", quote=THEOREM, expect=REFUTED,
       within=dict(n=(2, 3), h=GRIDS, flux=(fluxes.soft(), NEGATIVE), ratio=(HALF, ONE)))
def range_stability_of_blocks(n, h, flux, ratio):
    """For antisymmetric Φ with Lipschitz constant L and 0 < τ <= h²/(2L), T(u) stays in the range
    of u (K1 reflecting), for any number of blocks; here τ = ratio · h²/(2L)."""
    tau = ratio * Fraction(h) ** 2 / (2 * flux.facts.lipschitz)
    return Stable(Explicit(_grid(n, h), flux, tau), RANGE)


@claim("Theorem 2, eq. (16)", notion="range", quote=THEOREM,
       within=dict(n=(3, 4, 6), h=(ONE, HALF), flux=(*LIPSCHITZ, fluxes.tanh(), fluxes.relu(),
                                                     fluxes.leaky_relu()), ratio=(HALF, ONE)),
       beyond=dict(flux=SMOOTH_AT_ZERO, ratio=BEYOND),
       for_all=dict(LINE, flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L"))))
def range_stability_of_blocks_corrected(n, h, flux, ratio):
    """If r Φ(r) >= 0 for all r, Φ has Lipschitz constant L and 0 < τ <= h²/(2L), T(u) stays in the
    range of u (K1 reflecting, every N), so that any number of blocks does; antisymmetry is not
    needed."""
    tau = ratio * h**2 / (2 * flux.facts.lipschitz)
    return Stable(Explicit(_grid(n, h), flux, tau), RANGE)


@claim('Theorem 2, "also sign stable if the bound is chosen half as large"', notion="sign",
       quote="also sign stable if the bound is chosen half as large", expect=REFUTED,
       within=dict(n=(2, 3), h=GRIDS, flux=(fluxes.soft(), NEGATIVE), ratio=(HALF, ONE)))
def sign_stability_of_blocks(n, h, flux, ratio):
    """For antisymmetric Φ with Lipschitz constant L and 0 < τ <= h²/(4L): S(T(u)) <= S(u) (K1
    reflecting); here τ = ratio · h²/(4L)."""
    tau = ratio * Fraction(h) ** 2 / (4 * flux.facts.lipschitz)
    return Stable(Explicit(_grid(n, h), flux, tau), SIGN)


@claim("Theorem 2; sentence after (11), τ ≤ h²/(4 g_max)", notion="sign",
       quote="the resulting signal shows not more sign changes than the input signal",
       within=dict(n=(2, 3, 4, 6), h=(ONE, HALF), boundary=(REFLECTING, DIRICHLET),
                   flux=(*FLUXES, fluxes.tanh(), fluxes.relu(), fluxes.weickert()),
                   ratio=(HALF, ONE)),
       for_all=dict(LINE, boundary=OneOf(REFLECTING, DIRICHLET)))
def sign_stability_of_blocks_corrected(n, h, boundary, flux, ratio):
    """If 0 <= g <= g_max and 0 < τ <= h²/(4 g_max), then S(T(u)) <= S(u) for K1 reflecting or
    zero-Dirichlet and every N.  If r Φ(r) >= 0 and Φ has Lipschitz constant L, g_max <= L."""
    tau = ratio * h**2 / (4 * flux.facts.sup_diffusivity)
    return Stable(Explicit(difference(1, n, h, boundary), flux, tau), SIGN)


@claim("derived (Theorem 2 with another boundary condition)", notion="sign",
       within=dict(K=PERIODIC_FIRST, flux=FLUXES[:1], ratio=(HALF, ONE)), expect=REFUTED)
def sign_stability_with_periodic_boundary(K, flux, ratio):
    """For K1 periodic, N >= 3, 0 <= g <= g_max and 0 < τ <= h²/(4 g_max): S(T(u)) <= S(u), with S
    counted along u₁, …, u_N and not around the circle."""
    return Stable(Explicit(K, flux, ratio / 4), SIGN)


@claim("derived (Theorem 2 with another boundary condition)", notion="sign",
       within=dict(n=(2, 3, 4, 5), flux=FLUXES[:3], ratio=(HALF, ONE)),
       for_all=dict(n=AnyLength(), flux=LINE["flux"], ratio=UpTo(1)))
def sign_stability_with_periodic_boundary_corrected(n, flux, ratio):
    """For K1 periodic, every N, 0 <= g <= g_max and 0 < τ <= h²/(4 g_max) the number of sign
    changes around the circle, from u_N to u₁ as well, does not grow; here τ = ratio · h²/(4
    g_max)."""
    tau = ratio / (4 * flux.facts.sup_diffusivity)
    return Stable(Explicit(difference(1, n, 1, PERIODIC), flux, tau), CYCLIC_SIGN)


@claim('derived (Theorem 2, "half as large")', notion="sign", expect=REFUTED,
       quote="if the bound is chosen half as large",
       within=dict(n=(2, 3, 4), ratio=(*BEYOND, Fraction(2))))
def sign_bound_is_sharp_for_every_length(n, ratio):
    """For K1 reflecting, Φ = g_max id, every N >= 2 and every τ > h²/(4 g_max) some u has
    S(T(u)) > S(u); here τ = ratio · h²/(4 g_max)."""
    return Not(Stable(Explicit(difference(1, n), fluxes.identity(), ratio / 4), SIGN))


def _sharp_sign_step(n: int, *, up: bool) -> Fraction:
    """1/(4 cos²(π/(2N − 1))), rounded down or up."""
    with precision(128):
        cosine = arb.cos_pi_fmpq(fmpq(1, 2 * n - 1))
        bound = 1 / (4 * Interval(cosine.lower(), cosine.upper()) ** 2)
        return bound.upper if up else bound.lower


@claim('derived (Theorem 2, "half as large")', notion="sign",
       within=dict(n=(2, 3, 4, 5, 6), ratio=(HALF, ONE)), beyond=dict(n=(2, 3, 4), ratio=BEYOND))
def sign_bound_is_sharp_for_every_length_corrected(n, ratio):
    """For K1 reflecting, Φ = id and N samples the sharp sign bound is h²/(4 cos²(π/(2N − 1))),
    which decreases to h²/4 as N → ∞; within it S(T(u)) <= S(u) for every u."""
    tau = ratio * _sharp_sign_step(n, up=ratio > 1)
    return Stable(Explicit(difference(1, n), fluxes.identity(), tau), SIGN)


DOUBLING = from_matrix([[2, 0], [0, 2]])
MEANS = tuple(from_matrix(rows) for rows in (
    [["3/4", "1/4"], ["1/4", "3/4"]], [["1/2", "1/2"], ["1/2", "1/2"]],
    [["2/3", "1/3", "0"], ["1/3", "1/3", "1/3"], ["0", "1/3", "2/3"]]))


def _implies_range(step: Scheme, *hypotheses: Any) -> Not:
    """Not both: the hypotheses with sign stability, and a signal that leaves its range."""
    return Not(AllOf([*hypotheses, Stable(step, SIGN), Not(Stable(step, RANGE))]))


@claim('after eq. (11), "a stronger stability notion than L∞ stability"', notion="sign",
       quote="This is a stronger stability notion than L∞ stability", expect=REFUTED,
       within=dict(M=(*MEANS, DOUBLING)))
def sign_stability_implies_range_stability(M):
    """Every map T with S(T(u)) <= S(u) for all u keeps the range of every u; decided on linear
    maps."""
    return _implies_range(Linear(M))


#: What T(u + c1) = T(u) + c1 and Σ T(u)ᵢ = Σ uᵢ say of a linear map.
SHIFTS_AND_MEAN = ("M @ ones({n}) == ones({n})", "M.T @ ones({n}) == ones({n})")


@claim("after eq. (11)", notion="sign",
       quote="This is a stronger stability notion than L∞ stability",
       within=dict(M=(*MEANS, DOUBLING, from_matrix([[0, 1], [1, 0]]),
                      from_matrix([["3/2", "-1/2"], ["-1/2", "3/2"]]))))
def sign_stability_implies_range_stability_corrected(M):
    """Every map T with S(T(u)) <= S(u), T(u + c1) = T(u) + c1 and Σ T(u)ᵢ = Σ uᵢ for all u and c
    keeps the range of every u: S(T(u − max u · 1)) = 0 and a mean <= 0 leave no positive entry.

    Decided on linear maps, some of which lack a hypothesis."""
    kept = Calculation(dict(M=M.exact()), [],
                       [condition.format(n=M.shape[1]) for condition in SHIFTS_AND_MEAN],
                       "the shift and the mean are kept", necessary=True)
    return _implies_range(Linear(M), kept)


#: The bounds are h² over so many times L.
PARTS = {"range": 2, "sign": 4}


@claim("after Theorem 2", notion="range",
       quote="Stability of the full network follows by induction",
       within=dict(n=(4,), h=(ONE,), notion=("range", "sign"), blocks=tuple(
           tuple(dict(flux=LIPSCHITZ[j], ratio=Fraction(1, 1 + j)) for j in range(length))
           for length in (1, 3))),
       for_all=dict(n=AnyLength(), h=Positive(), notion=OneOf("range", "sign"),
                    blocks=AnyNumberOf(flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L")),
                                       ratio=UpTo(1))))
def stability_follows_by_induction(n, h, notion, blocks):
    """Chains of blocks, each within its own bound (K1 reflecting, every N; Φ_j and τ_j may differ,
    r Φ_j(r) >= 0), keep the range of the first input; and S does not grow under the sign bounds."""
    def block(flux, ratio):
        return Explicit(_grid(n, h), flux, ratio * h**2 / (PARTS[notion] * flux.facts.lipschitz))

    return Stable(Chain.of(block, blocks), notion)


@claim('after Theorem 2, "can still produce overshoots"', notion="range", some=True,
       quote="An L2 stable network can still produce overshoots which violate L∞ stability",
       within=dict(K=FIRST, flux=(fluxes.identity(), fluxes.soft()), ratio=(ONE,)))
def euclidean_stable_blocks_may_overshoot(K, flux, ratio):
    """Some step within the Euclidean bound τ <= 2/(L‖K‖²) leaves the range."""
    step = Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio))
    return AllOf([Stable(step, EUCLIDEAN), Not(Stable(step, RANGE))])
