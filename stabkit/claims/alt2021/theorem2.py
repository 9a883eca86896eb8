"""Theorem 2, what its proof says on the way, and what it does not say."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

from stabkit import fluxes
from stabkit.aliases import Signal
from stabkit.claims.claim import claim
from stabkit.claims.configurations import (
    ANY_K,
    BEYOND,
    HALF,
    NEGATIVE,
    NONLINEAR,
    NONMONOTONE,
    ONE,
    REFLECTING_FIRST,
    SMOOTH_AT_ZERO,
    constant,
    draw_signal,
    some_step_is_stable,
)
from stabkit.classes import (
    AnyFlux,
    AnyNumberOf,
    AnyOperator,
    AnySymmetric,
    AnyVector,
    Positive,
    UpTo,
)
from stabkit.errors import require_value
from stabkit.fluxes.flux import Flux
from stabkit.operators import (
    NATURAL,
    difference,
    from_matrix,
    identity,
    norm_bound,
    stable_step,
)
from stabkit.schemes import Chain, Explicit, Linear, Pointwise, ResidualBlock, repeat
from stabkit.stability.notions import (
    CONTRACTION,
    CONTRAST,
    EUCLIDEAN,
    Energy,
    energy,
    inner,
    sensitivity,
    squared_norm,
)
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    Example,
    FaceWithin,
    Identity,
    NormAtMost,
    Not,
    Stable,
)
from stabkit.stability.verdict import REFUTED

#: Φ(s) = g(s²) s with g >= 0 and the Lipschitz constant L, and monotone Φ.
SECTOR = AnyFlux(diffusivities=(0, None), slopes=("-L", "L"))
MONOTONE = AnyFlux(slopes=(0, "L"))
THEOREM = "stable in the Euclidean norm if τ ≤ 2(L‖K‖²)⁻¹"


def _step(K, flux, ratio) -> Explicit:
    return Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio))


@claim("Theorem 2", notion="euclidean", quote=THEOREM,
       within=dict(K=ANY_K, flux=(*SMOOTH_AT_ZERO, fluxes.firm()), ratio=(HALF, ONE)),
       beyond=dict(ratio=BEYOND), for_all=dict(K=AnyOperator(), flux=SECTOR, ratio=UpTo(1)))
def euclidean_stability(K, flux, ratio):
    """Let K be any real matrix, g >= 0 and Φ(s) = g(s²) s with Lipschitz constant L.  If
    0 < τ <= 2/(L‖K‖²) then ‖T(u)‖ <= ‖u‖ for every u; here τ = ratio · 2/(L‖K‖²)."""
    return Stable(_step(K, flux, ratio), EUCLIDEAN)


@claim("derived (Theorem 2 does not repeat g >= 0)", notion="euclidean", expect=REFUTED,
       within=dict(K=REFLECTING_FIRST, flux=(fluxes.identity(), NEGATIVE), ratio=(HALF, ONE)))
def euclidean_stability_without_sign_condition(K, flux, ratio):
    """For every K, Φ(s) = g(s²) s with g of any sign and Lipschitz constant L, and
    0 < τ <= 2/(L‖K‖²): ‖T(u)‖ <= ‖u‖ for every u."""
    return Stable(_step(K, flux, ratio), EUCLIDEAN)


@claim("derived (Theorem 2)", notion="euclidean",
       within=dict(K=ANY_K, flux=SMOOTH_AT_ZERO, ratio=(*BEYOND, Fraction(2))))
def euclidean_bound_is_sharp(K, flux, ratio):
    """For these Φ, every K ≠ 0 and every τ > 2/(L‖K‖²) some u has ‖T(u)‖ > ‖u‖."""
    return Not(Stable(_step(K, flux, ratio), EUCLIDEAN))


@claim("proof of Theorem 2", notion="spectrum", weight="minor", expect=REFUTED,
       quote="the eigenvalues of KᵀG(uᵏ)K lie in the interval [0, τL‖K‖²]",
       within=dict(K=(difference(1, 2), difference(1, 3)), flux=SMOOTH_AT_ZERO,
                   tau=("2", "1", "1/2")))
def proof_eigenvalue_interval(K, flux, tau):
    """For every K, u, τ > 0 and nonincreasing g >= 0 with Φ Lipschitz (constant L), all
    eigenvalues of KᵀG(u)K lie in [0, τL‖K‖²]; here at u = 0, where G = g(0) I = I."""
    n = K.shape[1]
    square = stable_step(K, Fraction(2))
    return Calculation(dict(K=K.exact(), tau=tau, bound=1 / square),
                       [("A", "K.T @ K")], [f"psd(tau * bound * I({n}) - A)"],
                       "at u = 0 the diffusivities are 1 and L = 1; bound = ‖K‖²", necessary=True)


@claim("derived (proof of Theorem 2)", notion="spectrum", weight="minor",
       within=dict(K=(difference(1, 2), difference(1, 3)), flux=(
           fluxes.soft(), fluxes.garrote(), fluxes.rational()), tau=("2", "1/2"), u=(1,), x=(2,),
                   y=(3,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L")),
                    tau=Positive(), u=AnyVector(), x=AnyVector(), y=AnyVector()))
def proof_eigenvalue_interval_corrected(K, flux, tau, u, x, y):
    """All eigenvalues of τKᵀG(u)K, with the step in it, lie in [0, τL‖K‖²] for every K, u, τ > 0
    and g >= 0 with Φ Lipschitz (constant L): it is symmetric, and 0 <= x·τKᵀG(u)K x <=
    τL‖K‖²‖x‖²."""
    given = {name: draw_signal(value, K) for name, value in dict(u=u, x=x, y=y).items()}
    size, largest = constant(tau), constant(flux.facts.lipschitz) * constant(norm_bound(K))

    def diffuse(u: Signal, x: Any) -> Any:
        return size * (K.T @ (flux.diffusivity(K @ u) * (K @ x)))

    return AllOf([
        Identity(lambda u, x, y: inner(y, diffuse(u, x)), lambda u, x, y: inner(x, diffuse(u, y)),
                 given, "it is symmetric"),
        AtMost(lambda u, x, y: 0, lambda u, x, y: inner(x, diffuse(u, x)), given, "below"),
        AtMost(lambda u, x, y: inner(x, diffuse(u, x)),
               lambda u, x, y: size * largest * squared_norm(x), given, "above")])


@claim("proof of Theorem 2", notion="spectrum", weight="minor", expect=REFUTED,
       quote="The maximal eigenvalue of G is the given by the supremum of g",
       within=dict(flux=(fluxes.soft(), fluxes.garrote(), fluxes.rational()), s=("0", "1", "2")))
def proof_largest_eigenvalue_of_g(flux, s):
    """For every K ≠ 0, u and nonincreasing bounded g >= 0 the largest eigenvalue of G(u) is the
    supremum of g; here K = (−1, 1) and u = (0, s)."""
    value = flux.diffusivity(Fraction(s))
    return Calculation(dict(K=[[-1, 1]], u=[0, s], g=value, supremum=1), [],
                       ["g == supremum"], f"g is the diffusivity {flux!r} at K u = s",
                       necessary=True)


@claim("derived (proof of Theorem 2)", notion="spectrum", weight="minor",
       within=dict(K=(difference(1, 2), difference(1, 3)), flux=(
           fluxes.soft(), fluxes.garrote(), fluxes.rational()), u=(1,), v=(2,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(diffusivities=(0, "L")), u=AnyVector(),
                    v=AnyVector()))
def proof_largest_eigenvalue_of_g_corrected(K, flux, u, v):
    """All eigenvalues of G(u) lie between 0 and the supremum of g, for every K, u and bounded
    g >= 0; here along x = K v, which are all vectors for K = I."""
    given = dict(u=draw_signal(u, K), v=draw_signal(v, K))

    def along(u: Signal, v: Signal) -> Any:
        return inner(K @ v, flux.diffusivity(K @ u) * (K @ v))

    return AllOf([
        AtMost(lambda u, v: 0, along, given, "below"),
        AtMost(along, lambda u, v: constant(flux.facts.sup_diffusivity) * squared_norm(K @ v),
               given, "above")])


@claim("proof of Theorem 2", notion="bound", weight="minor",
       quote="this value is bounded by the Lipschitz constant L of Φ",
       within=dict(flux=(*SMOOTH_AT_ZERO, fluxes.weickert(), fluxes.firm())))
def proof_diffusivity_is_bounded_by_the_lipschitz_constant(flux):
    """For g >= 0 continuous at 0 with Φ(s) = g(s²) s Lipschitz with constant L: sup g <= L.

    Indeed |g(s) s| = |Φ(s) − Φ(0)| <= L |s|."""
    return FaceWithin(flux, "diffusivity", Fraction(0), flux.facts.lipschitz)


TRIANGULAR = tuple(from_matrix([[a, b], [0, c]])
                   for b, a, c in product((0, 1, 2), (0, HALF, 1), (0, HALF, -1)))


@claim("proof of Theorem 2, last step taken for a general block", notion="euclidean",
       quote="guarantees that the eigenvalues of the operator always lie in the interval [−1, 1]",
       expect=REFUTED, within=dict(M=TRIANGULAR))
def proof_unit_spectrum_gives_euclidean_stability(M):
    """If all eigenvalues of a real square matrix M = I + τW₂GW₁ (G >= 0 diagonal) are real and
    lie in [−1, 1], then ‖M u‖ <= ‖u‖ for every u; here M is triangular, W₁ = G = I, τW₂ = M − I."""
    block = ResidualBlock(identity(2), M - identity(2), fluxes.identity())
    return AllOf([Stable(block, EUCLIDEAN), Stable(Linear(M), EUCLIDEAN)])


@claim("derived (proof of Theorem 2, last step)", notion="euclidean",
       within=dict(M=tuple(from_matrix([[a, b], [b, c]]) for a, b, c in (
           (1, 0, -1), (0, 1, 0), (HALF, HALF, HALF), (Fraction(3, 5), Fraction(4, 5),
                                                     Fraction(-3, 5))))),
       for_all=dict(M=AnySymmetric(-1, 1)))
def proof_unit_spectrum_gives_euclidean_stability_corrected(M):
    """If a symmetric matrix M, as I − τKᵀGK is, has all eigenvalues in [−1, 1], then ‖M u‖ <= ‖u‖
    for every u."""
    return Stable(Linear(M), EUCLIDEAN)


def lipschitz(flux: Flux) -> Fraction:
    """The constant L, between continuous pieces with slopes in [−L, L]."""
    return require_value(flux.facts.lipschitz, "flux: must be continuous")


@claim("Theorem 2", notion="bound",
       quote="well-posed: the network output is a continuous function of the input data",
       within=dict(K=ANY_K[:6], flux=(*NONLINEAR, fluxes.firm()), tau=("3/2",), u=(1,), v=(2,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=("-L", "L")), tau=Positive(),
                    u=AnyVector(), v=AnyVector()))
def well_posedness(K, flux, tau, u, v):
    """For Lipschitz Φ, any K_j and τ_j, the output of any number of blocks is a continuous
    function of the input: as |Φ(s) − Φ(t)| <= L|s − t|, block j has a Lipschitz constant of at most
    1 + τ_j L‖K_j‖², and compositions of Lipschitz maps are Lipschitz.  Smoothness of g is not
    needed."""
    block, growth = Explicit(K, flux, tau), largest_growth(K, flux, tau)
    return AllOf([
        AtMost(lambda u, v: squared_norm(block(u) - block(v)),
               lambda u, v: growth**2 * squared_norm(u - v),
               dict(u=draw_signal(u, K), v=draw_signal(v, K)), "a block at two inputs"),
        Example(lambda: AllOf([FaceWithin(flux, "slope", -lipschitz(flux), lipschitz(flux)),
                               NormAtMost(K, norm_bound(K))]))])


def largest_growth(K, flux, tau):
    """1 + τL‖K‖²."""
    return 1 + constant(tau) * constant(flux.facts.lipschitz) * constant(norm_bound(K))


@claim("derived (Theorem 2 does not repeat g >= 0)", notion="bound",
       within=dict(K=REFLECTING_FIRST, flux=(fluxes.identity(), NEGATIVE), tau=("3/2",), u=(1,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(diffusivities=("-L", "L"), slopes=("-L", "L")),
                    tau=Positive(), u=AnyVector()))
def euclidean_stability_without_sign_condition_corrected(K, flux, tau, u):
    """For every K, τ > 0 and Φ(s) = g(s²) s with g of any sign and Lipschitz constant L:
    ‖T(u)‖ <= (1 + τL‖K‖²) ‖u‖ for every u."""
    block, growth = Explicit(K, flux, tau), largest_growth(K, flux, tau)
    return AtMost(lambda u: squared_norm(block(u)), lambda u: growth**2 * squared_norm(u),
                  dict(u=draw_signal(u, K)), "a block from one input")


@claim("derived (stability read as robustness: Theorem 2 with the introduction)",
       notion="contraction", expect=REFUTED,
       within=dict(K=REFLECTING_FIRST, flux=NONMONOTONE, ratio=(HALF, ONE)))
def differences_do_not_grow(K, flux, ratio):
    """For nonincreasing g >= 0, Φ(s) = g(s²) s with Lipschitz constant L, monotone or not, every
    K and 0 < τ <= 2/(L‖K‖²): ‖T(u) − T(v)‖ <= ‖u − v‖ for all u and v."""
    return Stable(_step(K, flux, ratio), CONTRACTION)


@claim("derived (stability read as robustness)", notion="contraction",
       within=dict(K=ANY_K, flux=(fluxes.identity(), fluxes.charbonnier(), fluxes.soft(),
                                  fluxes.tanh(), fluxes.relu()), ratio=(HALF, ONE)),
       for_all=dict(K=AnyOperator(), flux=MONOTONE, ratio=UpTo(1)))
def differences_do_not_grow_corrected(K, flux, ratio):
    """For nondecreasing Φ with Lipschitz constant L, every K and 0 < τ <= 2/(L‖K‖²):
    ‖T(u) − T(v)‖ <= ‖u − v‖ for all u and v."""
    return Stable(_step(K, flux, ratio), CONTRACTION)


def _block(K, flux, ratio, outer) -> Chain:
    return Chain([_step(K, flux, ratio), Pointwise(outer, K.shape[1])])


def _blocks(length: int, outer) -> tuple[dict, ...]:
    operators = (difference(1, 4), difference(2, 4), difference(2, 4, 1, NATURAL))
    return tuple(dict(K=operators[j % 3], flux=NONLINEAR[j % len(NONLINEAR)], ratio=ONE,
                      outer=outer) for j in range(length))


@claim('Theorem 2, "any number of diffusion blocks"', notion="euclidean",
       quote="a residual network chaining any number of diffusion blocks",
       within=dict(blocks=tuple(_blocks(length, outer) for length in (1, 2, 5) for outer in
                                (fluxes.identity(), fluxes.relu(), fluxes.tanh()))),
       for_all=dict(blocks=AnyNumberOf(K=AnyOperator(), flux=SECTOR, ratio=UpTo(1),
                                       outer=AnyFlux(diffusivities=(-1, 1)))))
def any_number_of_blocks(blocks):
    """A chain of blocks with their own K_j, Φ_j, τ_j, each within its bound and with g_j >= 0 and
    zero biases, does not increase the Euclidean norm; also with an outer activation
    |σ₂(x)| <= |x| after each block."""
    return Stable(Chain.of(_block, blocks), EUCLIDEAN)


@claim("derived (Theorem 2)", notion="uniform", expect=REFUTED,
       within=dict(blocks=(1, 16, 256), factor=(100,)))
def sensitivity_is_bounded_for_every_depth(blocks, factor):
    """For N = 2, K = K1, perona_malik with λ = 1 and τ = 1/4: ‖Tᵐ(u) − Tᵐ(v)‖ <= C‖u − v‖ for all
    u, v and every number of blocks m, with C = 100."""
    step = Explicit(difference(1, 2), fluxes.perona_malik(), Fraction(1, 4))
    return Stable(repeat(step, blocks), sensitivity(factor))


@claim("derived (Theorem 2)", notion="uniform",
       within=dict(blocks=tuple(tuple(dict(K=difference(1, 2), flux=flux, ratio=ONE)
                                      for _ in range(count)) for count in (1, 16)
                                for flux in (fluxes.soft(), fluxes.charbonnier()))),
       for_all=dict(blocks=AnyNumberOf(K=AnyOperator(), flux=MONOTONE, ratio=UpTo(1))))
def sensitivity_is_bounded_for_every_depth_corrected(blocks):
    """For nondecreasing Φ with Lipschitz constant L, every K and 0 < τ <= 2/(L‖K‖²):
    ‖Tᵐ(u) − Tᵐ(v)‖ <= ‖u − v‖ for all u, v and every number of blocks m, which may differ."""
    return Stable(Chain.of(_step, blocks), CONTRACTION)


ROTATION = from_matrix([[0, 1], [-1, 0]])


@claim('derived (after Theorem 2: W₂ = −W₁ᵀ as the "key requirement")', notion="euclidean",
       quote="The key requirement for network stability is the transposed convolution structure",
       expect=REFUTED, within=dict(W=(ROTATION,), outer=("−W₁",)))
def transposed_structure_can_be_dropped(W, outer):
    """For all square W₁, W₂ there is τ > 0 with ‖u + τW₂W₁u‖ <= ‖u‖ for every u; here W₂ = −W₁."""
    return some_step_is_stable(W, -W.T if outer == "−W₁ᵀ" else -W)


@claim("derived (Theorem 2)", notion="euclidean",
       within=dict(W=(ROTATION, difference(1, 4), difference(2, 4)), ratio=(HALF, ONE)),
       beyond=dict(ratio=BEYOND),
       for_all=dict(W=AnyOperator(letter="K"), ratio=UpTo(1)))
def transposed_structure_can_be_dropped_corrected(W, ratio):
    """With W₂ = −W₁ᵀ: ‖u + τW₂W₁u‖ <= ‖u‖ for every u and W₁ and 0 < τ <= 2/‖W₁‖²."""
    return Stable(Explicit(W, fluxes.identity(), stable_step(W, ratio=ratio)), EUCLIDEAN)


@claim("derived (eqs (1), (4))", notion="energy",
       within=dict(K=ANY_K, flux=SMOOTH_AT_ZERO, ratio=(HALF, ONE)), beyond=dict(ratio=BEYOND),
       for_all=dict(K=AnyOperator(), flux=SECTOR, ratio=UpTo(1)))
def energy_decay(K, flux, ratio):
    """For nonincreasing g >= 0 (not necessarily smooth), E(u) = Σᵢ Ψ((K u)ᵢ²), Ψ′ = g, Ψ(0) = 0,
    and 0 < τ <= 2/(L‖K‖²): E(T(u)) <= E(u) for every u."""
    return Stable(_step(K, flux, ratio), energy(Energy(K, flux)))


@claim("Section 2.5", notion="existence", weight="minor",
       quote="they may act contrast enhancing",
       within=dict(flux=(fluxes.rational(),), tau=("1/4",)))
def nonmonotone_flux_may_enhance_contrast(flux, tau):
    """The perona_malik flux decreases exactly for |s| > λ; and for the rational flux and τ within
    the bound of Theorem 2 some step increases the largest jump |u_{i+1} − u_i|."""
    slope = [("dphi(s)", "(1 - s**2) * exp(-s**2 / 2)")]
    sign = Calculation(dict(near=[0, 1], far=[1, float("inf")]), slope,
                       ["all(dphi(s) >= 0 for s in cells(near))",
                        "all(dphi(s) <= 0 for s in cells(far))"],
                       "Φ′(s) = (1 − s²/λ²) exp(−s²/(2λ²)) for λ = 1 vanishes only at |s| = 1")
    step = Explicit(difference(1, 4), flux, tau)
    return AllOf([sign, Not(Stable(step, CONTRAST))])


@claim("derived (Section 2.1, 𝒟 = ∂ₓ²)", notion="range", expect=REFUTED,
       within=dict(n=(3, 4, 5), order=(2,)))
def fourth_order_diffusion_keeps_the_range(n, order):
    """For second differences K (interior rows 1, −2, 1) and Φ = id some τ > 0 keeps the range of
    every u.  Where A = KᵀK has an entry a_ij > 0 beside its diagonal, T(u)_i = −τ a_ij for the
    signal that is 1 at j alone, below its minimum for every τ > 0."""
    diagonal = "[" + ", ".join(f"A[{i}, {i}]" for i in range(n)) + "]"
    return Calculation(
        dict(K=difference(order, n, 1, NATURAL).exact()),
        [("A", "K.T @ K"), ("beside", f"A - diag({diagonal})")],
        [f"A @ ones({n}) == 0", "nonneg(-beside)"],
        "if no entry beside the diagonal is positive and the rows sum to 0, I − τA averages for "
        "every small τ", necessary=True)
