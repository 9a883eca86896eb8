"""Difference operators and their boundaries (Section 2.1)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import claim
from stabkit.classes import AnyOperator, AnyVector, ForExamples
from stabkit.operators import (
    MIRRORED,
    NATURAL,
    REFLECTING,
    convolution,
    difference,
    from_matrix,
    norm_squared,
)
from stabkit.proof.parts import SymbolicOperator
from stabkit.proof.words import Expression, expression
from stabkit.schemes import Explicit
from stabkit.stability.notions import squared_norm
from stabkit.stability.property import (
    AllOf,
    Always,
    AtMost,
    Calculation,
    Example,
    Identity,
    NormAtMost,
)
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


def _mirror(n):
    """E: a signal and its mirror image, one period of what mirrored padding makes of it."""
    return from_matrix(np.vstack([np.eye(n, dtype=int), np.eye(n, dtype=int)[::-1]]), label="E")


def _turn(n):
    """S: the next sample of a period of 2n."""
    return from_matrix(np.roll(np.eye(2 * n, dtype=int), 1, axis=1), label="S")


def _first(n):
    """R: the first n samples."""
    return from_matrix(np.eye(n, 2 * n, dtype=int), label="R")


#: R and S have norm 1; ‖E u‖² = 2‖u‖².
PERIOD = dict(R=AnyOperator("P", "N", square=1), E=AnyOperator("N", "P", square=2), u=AnyVector())
THREE = dict(R=(_first(3),), E=(_mirror(3),), u=(("1", "-1/2", "3"),))


def _times(power, x):
    return power @ x if isinstance(power, Expression) else power * x


@claim("derived (𝒟 = ∂ₓᵐ with reflecting boundary by padding)", notion="bound",
       within=dict(THREE, S=(_turn(3),), n=(3, 4, 6, 8), order=(1, 2, 3, 4, 6)),
       for_all=dict(PERIOD, S=AnyOperator("P", "P", square=1), n=ForExamples(),
                    order=ForExamples()))
def norm_of_mirrored_forward_differences_corrected(R, E, u, S, n, order):
    """For the N×N matrix of the m-th forward difference with mirrored padding (h = 1):
    ‖K‖² <= 2 · 4ᵐ for all m and N, as the mirrored signal has twice the square of the norm.

    For all m: K = R(S − 1)ᵐE, where E mirrors the signal to a period of 2N samples, S takes the
    next sample and R the first N; of them ‖R‖, ‖S‖ <= 1 and ‖E‖² <= 2 are used.  That K is this
    product is shown in the examples."""
    u = u if isinstance(u, Expression) else fractions(u)
    return AllOf([
        Always(lambda u: (expression(1) if isinstance(u, Expression) else Fraction(1), E @ u),
               lambda power, x: (4 * power, S @ x - x),
               lambda state, u: _times(state[0], TWICE * squared_norm(u))
               - squared_norm(R @ state[1]), dict(u=u), by="the differences of any order"),
        Example(lambda: AllOf([_is_mirrored(n, order), NormAtMost(
            difference(order, n, 1, MIRRORED), TWICE * 4**order)]))])


def _is_mirrored(n, order):
    given = {name: K.exact() for name, K in dict(R=_first(n), S=_turn(n), E=_mirror(n)).items()}
    power = " @ ".join(["D"] * order)
    return Calculation(
        dict(given, K=difference(order, n, 1, MIRRORED).exact()), [("D", f"S - I({2 * n})")],
        [f"R @ {power} @ E == K"], "the differences of the mirrored signal", necessary=True)


@claim('derived ("any convolution kernel", Theorem 2)', notion="bound",
       within=dict(THREE, W=(_turn(3),), n=(2, 3, 4), kernel=KERNELS),
       for_all=dict(PERIOD, W=AnyOperator("P", "P"), n=ForExamples(), kernel=ForExamples()))
def norm_is_at_most_the_symbol_maximum_corrected(R, E, u, W, n, kernel):
    """For every kernel w and the N×N convolution matrix K with mirrored padding:
    ‖K‖ <= √2 max_θ |Σⱼ wⱼ e^{ijθ}|, as the mirrored signal has twice the square of the norm.

    For all: K = R W E with the convolution W of a period of 2N samples, E and R as above, and
    ‖K u‖² <= 2‖W‖²‖u‖²; the norm of a periodic convolution is the largest value of its symbol at
    the frequencies of the period."""
    u = u if isinstance(u, Expression) else fractions(u)
    square: Any = W.bound if isinstance(W, SymbolicOperator) else norm_squared(W).upper
    return AllOf([
        AtMost(lambda u: squared_norm(R @ (W @ (E @ u))),
               lambda u: square * TWICE * squared_norm(u), dict(u=u), "of a period"),
        Example(lambda: _is_at_most_the_symbol(n, [int(tap) for tap in kernel.split()]))])


def _is_at_most_the_symbol(n, taps):
    return NormAtMost(convolution(taps, n, MIRRORED), TWICE * sum(map(abs, taps)) ** 2)
