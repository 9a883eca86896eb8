"""Difference operators and their boundaries (Section 2.1)."""

from __future__ import annotations

from fractions import Fraction

from stabkit import fluxes
from stabkit.claims.claim import claim
from stabkit.operators import MIRRORED, NATURAL, REFLECTING, convolution, difference
from stabkit.schemes import Explicit
from stabkit.stability.property import AllOf, Calculation, Identity, NormAtMost
from stabkit.stability.verdict import REFUTED

LARGEST = Fraction(4)  # ‖K1‖² < 4/h²
TWICE = 2  # the square of the norm of a mirrored signal, over that of the signal


@claim("derived (Section 2.1, 𝒟 = ∂ₓᵐ)", notion="bound", weight="minor",
       within=dict(order=(1, 2, 3, 4, 6), n=(2, 3, 4, 6, 9), boundary=(REFLECTING, NATURAL),
                   h=("1/2",)))
def norm_of_higher_differences(order, n, boundary, h):
    """‖K‖ <= 2ᵐ/hᵐ for (a) the alternating product of m factors K1, K1ᵀ (reflecting), where
    ‖K‖ = (2 cos(π/2N)/h)ᵐ, and (b) the (N − m)×N matrix of interior m-th differences."""
    if boundary is NATURAL and n <= order:
        n = order + 1
    K = difference(order, n, h, boundary)
    bound = NormAtMost(K, LARGEST**order / Fraction(h) ** (2 * order))
    if boundary is NATURAL:
        return bound
    return AllOf([bound, Calculation(
        dict(K=K.exact(), h=h, N=n),
        [("A", f"(h**{2 * order}) * (K.T @ K)"), ("top", f"(2*cos(pi/(2*N)))**{2 * order}")],
        [f"psd((top + 1/10**9)*I({n}) - A)", f"not psd((top - 1/10**9)*I({n}) - A)"],
        "‖K‖ to within 1e-9 of its square", necessary=True)])


@claim("derived (𝒟 = ∂ₓᵐ with reflecting boundary by padding)", notion="bound", expect=REFUTED,
       within=dict(n=(3, 4, 5, 6, 7, 8), order=(1, 2, 3, 4, 5, 6)))
def norm_of_mirrored_forward_differences(n, order):
    """For the N×N matrix of the m-th forward difference Σⱼ (−1)^{m−j} C(m, j) u_{i+j} with
    mirrored padding (h = 1): ‖K‖ <= 2ᵐ for all m and N."""
    return NormAtMost(difference(order, n, 1, MIRRORED), 4**order)


KERNELS = ("1", "-1 1 0", "1 2 1", "0 0 1", "-1 2 -1")


@claim('derived ("any convolution kernel", Theorem 2)', notion="bound", expect=REFUTED,
       quote="any convolution kernel can be seen as a discretisation of a suitable differential "
             "operator",
       within=dict(n=(2, 3, 4), kernel=KERNELS))
def norm_is_at_most_the_symbol_maximum(n, kernel):
    """For every kernel w and the N×N convolution matrix K with mirrored padding:
    ‖K‖ <= max_θ |Σⱼ wⱼ e^{ijθ}|, so this maximum may replace ‖K‖ in Theorem 2.  (The maximum is
    Σ|wⱼ|, at θ = 0 or π, for these kernels, whose signs are constant or alternate.)"""
    taps = [int(tap) for tap in kernel.split()]
    return NormAtMost(convolution(taps, n, MIRRORED), sum(map(abs, taps)) ** 2)


@claim("Section 2.1", weight="minor", expect=REFUTED,
       quote="we impose reflecting boundary conditions", within=dict(n=(3, 4), tau=("1/8",)))
def reflecting_boundary_is_unambiguous(n, tau):
    """For 𝒟 = ∂ₓ² "reflecting boundary conditions" fix the scheme: K = K1ᵀK1 and K = interior
    second differences give the same explicit step."""
    interior = Explicit(difference(2, n, 1, NATURAL), fluxes.identity(), tau)
    product = Explicit(difference(2, n, 1, REFLECTING), fluxes.identity(), tau)
    return Identity(interior, product, dict(u=list(range(n))), "both are called reflecting")


@claim("derived (𝒟 = ∂ₓᵐ with reflecting boundary by padding)", notion="bound",
       within=dict(n=(3, 4, 6, 8), order=(1, 2, 3, 4, 6)))
def norm_of_mirrored_forward_differences_corrected(n, order):
    """For the N×N matrix of the m-th forward difference with mirrored padding (h = 1):
    ‖K‖² <= 2 · 4ᵐ for all m and N, as the mirrored signal has twice the square of the norm."""
    return NormAtMost(difference(order, n, 1, MIRRORED), TWICE * 4**order)


@claim('derived ("any convolution kernel", Theorem 2)', notion="bound",
       within=dict(n=(2, 3, 4), kernel=KERNELS))
def norm_is_at_most_the_symbol_maximum_corrected(n, kernel):
    """For every kernel w and the N×N convolution matrix K with mirrored padding:
    ‖K‖ <= √2 max_θ |Σⱼ wⱼ e^{ijθ}|, as the mirrored signal has twice the square of the norm."""
    taps = [int(tap) for tap in kernel.split()]
    return NormAtMost(convolution(taps, n, MIRRORED), TWICE * sum(map(abs, taps)) ** 2)
