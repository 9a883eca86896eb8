"""The implicit scheme and its fixed point iteration (Section 2.7)."""

from __future__ import annotations

from fractions import Fraction

from stabkit import fluxes
from stabkit.claim import claim
from stabkit.claims.configurations import (
    ANY_K, BEYOND, DICTIONARY, HALF, NONLINEAR, ONE, REFLECTING_FIRST, SMOOTH_AT_ZERO,
)
from stabkit.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, sensitivity
from stabkit.operators import difference, norm_squared, stable_step
from stabkit.property import AllOf, Calculation, FaceWithin, Identity, Stable
from stabkit.schemes import Explicit, FixedPoint, Implicit
from stabkit.verdict import REFUTED

ANY_STEP = ("1/10", "1", "1000")
FLUXES = (*DICTIONARY, fluxes.rational(), fluxes.firm())


@claim("eq. (8)", notion="euclidean", quote="The fully implicit discretisation of (1)",
       within=dict(K=ANY_K, flux=FLUXES, tau=("1", "1000")))
def implicit_scheme_is_euclidean_stable(K, flux, tau):
    """For g >= 0, every K and every τ > 0: every solution u′ of u′ = u − τKᵀΦ(K u′) has
    ‖u′‖ <= ‖u‖ (for continuous Φ a solution exists: a minimiser of ‖v − u‖² + τE(v))."""
    return Stable(Implicit(K, flux, tau), EUCLIDEAN)


@claim("derived (eq. (8), 𝒟 = ∂ₓ)", notion="range",
       within=dict(K=REFLECTING_FIRST, flux=FLUXES, tau=ANY_STEP))
def implicit_scheme_keeps_the_range(K, flux, tau):
    """For K1 reflecting, g >= 0 and every τ > 0, every solution u′ stays in the range of u."""
    return Stable(Implicit(K, flux, tau), RANGE)


@claim("derived (eq. (8), 𝒟 = ∂ₓ)", notion="sign",
       within=dict(K=REFLECTING_FIRST, flux=FLUXES, tau=ANY_STEP))
def implicit_scheme_is_sign_stable(K, flux, tau):
    """For K1 reflecting, g >= 0 and every τ > 0, every solution has S(u′) <= S(u)."""
    return Stable(Implicit(K, flux, tau), SIGN)
