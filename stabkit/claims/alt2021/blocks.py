"""Diffusion blocks: the gradient flow of eq. (1), and Theorem 1."""

from __future__ import annotations

import numpy as np

from stabkit.arithmetic.rational import Constant
from stabkit.claims.claim import claim
from stabkit.claims.configurations import ANY_K, EXACT
from stabkit.classes import AnyFlux, AnyOperator, AnyVector, Positive, signal
from stabkit.operators import difference, from_matrix
from stabkit.schemes import Explicit, ResidualBlock
from stabkit.stability.property import AllOf, Identity
from stabkit.stability.verdict import REFUTED

GRADIENT = "which is the gradient flow that minimises the energy"
TWELFTH = Constant(1, 12)
# Penalisers Ψ(x) of the squared argument, with g = Ψ′.
PENALISERS = {
    "x": (lambda x: x, lambda x: 1 + 0 * x),
    "x - x²/10": (lambda x: x - Constant(1, 10) * x**2, lambda x: 1 - Constant(1, 5) * x),
}


def _rational(rng: np.random.Generator, n: int) -> list:
    return [Constant(int(p), int(q)) for p, q in
            zip(rng.integers(-1000, 1001, n), rng.integers(1, 17, n), strict=True)]


def _gradient_is(factor: int, K, penaliser, seed: int) -> Identity:
    psi, g = PENALISERS[penaliser]
    rng = np.random.default_rng(seed)

    def energy(u):
        return np.sum(psi((K @ u) ** 2))

    def slope(u, v):
        # E is a polynomial of degree <= 4 along a line, for which this difference is exact.
        near, far = energy(u + v) - energy(u - v), energy(u + 2 * v) - energy(u - 2 * v)
        return TWELFTH * (8 * near - far)

    def derivative(u, v):
        s = K @ u
        return factor * np.dot(K.T @ (g(s**2) * s), v)

    n = K.shape[1]
    return Identity(slope, derivative, dict(u=_rational(rng, n), v=_rational(rng, n)),
                    "the slope of the quartic E along v, by an exact difference; polynomials of "
                    "degree 4 in 2n variables that differ agree at a random point of this grid "
                    "with probability below 4/2001")


@claim("eq. (1)", weight="minor", quote=GRADIENT, expect=REFUTED,
       within=dict(K=(from_matrix([[-1, 1]]), difference(1, 3)), penaliser=tuple(PENALISERS),
                   seed=(1, 2)))
def gradient_flow_of_the_energy(K, penaliser, seed):
    """For E(u) = Σᵢ Ψ((K u)ᵢ²) and g = Ψ′ (in the squared argument): ∇E(u) = KᵀΦ(K u) for every
    K and u."""
    return _gradient_is(1, K, penaliser, seed)


@claim("eq. (1)", weight="minor", quote=GRADIENT,
       within=dict(K=(from_matrix([[-1, 1]]), difference(1, 3), difference(2, 4)),
                   penaliser=tuple(PENALISERS), seed=(1, 2, 3)))
def gradient_flow_of_the_energy_corrected(K, penaliser, seed):
    """∇E(u) = 2 KᵀΦ(K u): eq. (1) is the gradient flow of E/2, and along u̇ = −KᵀΦ(K u)
    dE/dt = ∇E · u̇ = −2‖KᵀΦ(K u)‖² <= 0."""
    return _gradient_is(2, K, penaliser, seed)


@claim("Theorem 1, eqs (2), (4), (5)",
       quote="A higher order diffusion step (4) is equivalent to a residual block (2) if σ₁ = τΦ, "
             "σ₂ = Id, W₁ = K, W₂ = −Kᵀ",
       within=dict(K=ANY_K[::2], flux=EXACT, tau=(Constant(1, 7), Constant(3, 2)), u=(1, 2)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(), tau=Positive(), u=AnyVector()))
def explicit_step_is_a_residual_block(K, flux, tau, u):
    """For all K, Φ, τ > 0 and u: T(u) = σ₂(u + W₂ σ₁(W₁ u + b₁) + b₂) with σ₁ = τΦ, σ₂ = id,
    W₁ = K, W₂ = −Kᵀ, b₁ = b₂ = 0."""
    u = signal(u, K.shape[1], _rational)
    block = ResidualBlock(K, (-tau) * K.T, flux)

    def step_in_full(u):
        # Eq. (2) with the scaled activation τΦ and the outer operator −Kᵀ.
        return u - K.T @ (tau * flux.activation(K @ u))

    step = Explicit(K, flux, tau)
    return AllOf([Identity(step, step_in_full, dict(u=u), "eq. (4) against eq. (2) with (5)"),
                  Identity(step, block, dict(u=u), "the same with the factor in W₂ = −τKᵀ")])
