"""Short cycles and truncated fixed points with the flux evaluated anew (Sections 2.6 and 2.7)."""

from __future__ import annotations

from fractions import Fraction

from stabkit import fluxes
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE, REFLECTING_FIRST
from stabkit.classes import AnyFlux, AnyOperator, OneOf, UpTo
from stabkit.fluxes import activations
from stabkit.operators import difference, from_matrix, stable_step
from stabkit.schemes import FSI, FixedPoint
from stabkit.stability.notions import EUCLIDEAN, RANGE, Energy, energy
from stabkit.stability.property import Calculation, Stable
from stabkit.stability.verdict import REFUTED

ONE_SAMPLE = from_matrix([[1]])
#: Odd monotone fluxes with L = 1, and one that is not odd: it is 0 below 0 and 3/7 beyond 3/7.
ODD = (fluxes.identity(), fluxes.soft(), fluxes.soft("1/3"))
ONE_SIDED = activations.clip(0, "3/7")

#: τ over the bound 2/(L‖K‖²), and the cycles that are spoken of.
CYCLE_STEP = ONE
SAMPLES = dict(K=(ONE_SAMPLE,), flux=ODD, ratio=(HALF, ONE))


def _short(K, flux, ratio, length) -> Stable:
    tau = stable_step(K, flux.facts.lipschitz, ratio * CYCLE_STEP)
    return Stable(FSI(K, flux, tau, length), EUCLIDEAN)


@claim("derived (a repair of the nonlinear cycle)", notion="euclidean",
       within=dict(SAMPLES, length=(1, 2, 3, 4)),
       for_all=dict(K=AnyOperator(), ratio=UpTo(1), length=OneOf(1, 2, 3, 4), flux=AnyFlux(
           diffusivities=(0, None), slopes=(0, "L"), odd=True, from_zero=True)))
def fsi_cycle_is_euclidean_stable_nonlinear_short(K, flux, ratio, length):
    """For monotone odd Φ with Lipschitz constant L, every K, 0 < τ <= 2/(L‖K‖²) and cycles of
    length n <= 4, Φ evaluated anew in every inner step: ‖uⁿ‖ <= ‖u⁰‖."""
    return _short(K, flux, ratio, length)


@claim("derived (a repair of the nonlinear cycle)", notion="euclidean", expect=REFUTED,
       within=dict(K=(ONE_SAMPLE,), flux=(ONE_SIDED,), ratio=(ONE,), length=(1, 2, 3)))
def fsi_cycle_is_euclidean_stable_nonlinear_short_without_symmetry(K, flux, ratio, length):
    """The same for monotone Φ with Φ(0) = 0, odd or not, and n <= 3."""
    return _short(K, flux, ratio, length)


@claim("derived (a repair of the nonlinear cycle)", notion="euclidean",
       within=dict(SAMPLES, flux=(*ODD, ONE_SIDED), length=(1, 2)),
       for_all=dict(K=AnyOperator(), ratio=UpTo(1), length=OneOf(1, 2), flux=AnyFlux(
           diffusivities=(0, None), slopes=(0, "L"), from_zero=True)))
def fsi_cycle_is_euclidean_stable_nonlinear_two_steps(K, flux, ratio, length):
    """The same for monotone Φ with Φ(0) = 0, odd or not, and n <= 2."""
    return _short(K, flux, ratio, length)


@claim("derived (Section 2.6, an acceleration of the gradient flow (1))", notion="energy",
       expect=REFUTED,
       within=dict(K=(ONE_SAMPLE,), length=(1, 2, 3, 4, 8),
                   flux=(fluxes.garrote(), fluxes.rational(), fluxes.soft())))
def fsi_cycle_decreases_the_energy(K, length, flux):
    """With Φ evaluated anew in every inner step and 0 < τ <= 2/(L‖K‖²), E(uⁿ) <= E(u⁰) after one
    cycle, E(u) = Σ Ψ((K u)ᵢ²); here τ is at the bound."""
    cycle = FSI(K, flux, stable_step(K, flux.facts.lipschitz), length)
    return Stable(cycle, energy(Energy(K, flux)))


@claim("derived (Section 2.6, an acceleration of the gradient flow (1))", notion="energy",
       within=dict(K=(ONE_SAMPLE, difference(1, 3)), ratio=(HALF, ONE),
                   flux=(fluxes.garrote(), fluxes.rational(), fluxes.soft())),
       beyond=dict(K=(ONE_SAMPLE,), flux=(fluxes.identity(),), ratio=BEYOND),
       for_all=dict(K=AnyOperator(), ratio=UpTo(1),
                    flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L"))))
def fsi_cycle_decreases_the_energy_corrected(K, ratio, flux):
    """A cycle of length 1 decreases the energy, E(u¹) <= E(u⁰), for every K, g >= 0 and
    0 < τ <= 3/(L‖K‖²): it is an explicit step of size 2τ/3; here τ = ratio · 3/(L‖K‖²)."""
    cycle = FSI(K, flux, stable_step(K, flux.facts.lipschitz, ratio * ENLARGED), 1)
    return Stable(cycle, energy(Energy(K, flux)))


#: τ over the bound of the explicit step.
ENLARGED = Fraction(3, 2)
#: Numerator and denominator of α_l, as polynomials in l, and the first l.
ALPHA, FROM_ZERO, FROM_ONE = ([2, 4], [3, 2]), 0, 1


def _extrapolates(first: int) -> Calculation:
    return Calculation(
        dict(zip(("top", "bottom"), ALPHA, strict=True), first=first), [],
        ["positive_on(bottom, first, inf)", "nonneg_on(top - bottom, first, inf)"],
        "α_l >= 1 if the numerator is at least the denominator", necessary=True)


@claim('Section 2.6, "a cycle of extrapolated explicit steps"', notion="bound", weight="minor",
       quote="a cycle of extrapolated explicit steps", expect=REFUTED)
def fsi_weights_extrapolate():
    """α_l = (4l+2)/(2l+3) >= 1 for every l >= 0, so every inner step extrapolates."""
    return _extrapolates(FROM_ZERO)


@claim("derived (Section 2.6)", notion="bound", weight="minor")
def fsi_weights_extrapolate_corrected():
    """α_l >= 1 for every l >= 1: all inner steps extrapolate but the first one, with α₀ = 2/3."""
    return _extrapolates(FROM_ONE)


# -- truncated fixed points ------------------------------------------------------------------------
#: Monotone Φ with Φ(0) = 0 and the Lipschitz constant L.
MONOTONE = AnyFlux(diffusivities=(0, None), slopes=(0, "L"))
THREE = dict(K=(ONE_SAMPLE, difference(1, 3)), flux=(*ODD, ONE_SIDED))


def _three_steps(K, flux, step) -> Stable:
    return Stable(FixedPoint(K, flux, stable_step(K, flux.facts.lipschitz, step / 2), 3), EUCLIDEAN)


@claim("derived (Section 2.7)", notion="euclidean", within=dict(THREE, step=(ONE, Fraction(5, 4))),
       for_all=dict(K=AnyOperator(), flux=MONOTONE, step=UpTo(Fraction(5, 4))))
def truncated_fixed_point_of_three_steps(K, flux, step):
    """For monotone Φ with Φ(0) = 0 and Lipschitz constant L and three fixed point steps,
    ‖v₃‖ <= ‖u‖ for every K, u and τL‖K‖² <= 5/4; here τL‖K‖² = step."""
    return _three_steps(K, flux, step)


@claim("derived (Section 2.7)", notion="euclidean", expect=REFUTED,
       within=dict(THREE, step=(Fraction(7, 5),)))
def truncated_fixed_point_of_three_steps_further(K, flux, step):
    """The same for τL‖K‖² <= 7/5."""
    return _three_steps(K, flux, step)


def _largest_root(n: int) -> Fraction:
    """The largest x with |1 − x + … ± xⁿ| <= 1, to a millionth from below: 1 for even n, the root
    of xⁿ⁺¹ = x + 2 for odd n."""
    if n % 2 == 0:
        return ONE
    low, high = ONE, Fraction(2)
    while high - low > Fraction(1, 10**6):
        middle = (low + high) / 2
        low, high = (middle, high) if middle ** (n + 1) <= middle + 2 else (low, middle)
    return low if n > 1 else high


@claim("derived (eq. (9), n iterations)", notion="euclidean",
       within=dict(K=REFLECTING_FIRST, iterations=(1, 2, 3, 4, 5), ratio=(HALF, ONE)),
       beyond=dict(ratio=BEYOND))
def truncated_fixed_point_is_euclidean_stable_at_the_explicit_bound_corrected(K, iterations, ratio):
    """For Φ = id the n-th iterate of (9) is qₙ(τKᵀK)u with qₙ(x) = 1 − x + … + (−x)ⁿ: its norm is
    at most ‖u‖ for every K if τ‖K‖² <= 1 for even n, and up to the root of xⁿ⁺¹ = x + 2 for odd n
    (2 for n = 1, 1.353 for n = 3, 1.2 for n = 5); here τ‖K‖² = ratio times that, to a millionth."""
    tau = stable_step(K, ONE, ratio * _largest_root(iterations) / 2)
    return Stable(FixedPoint(K, fluxes.identity(), tau, iterations), EUCLIDEAN)


@claim("derived (eq. (9), n iterations)", notion="range",
       within=dict(n=(2, 3, 6, 9), iterations=(1, 2, 3, 4, 5), ratio=(HALF, ONE)),
       beyond=dict(n=(12,), ratio=BEYOND))
def truncated_fixed_point_keeps_the_range_corrected(n, iterations, ratio):
    """For Φ = id, K1 reflecting and n iterations of (9), the last one stays in the range of u for
    0 < τ <= h²/(2n), and for longer signals up to there only; here τ = ratio · h²/(2n)."""
    return Stable(FixedPoint(difference(1, n), fluxes.identity(), ratio / (2 * iterations),
                             iterations), RANGE)
