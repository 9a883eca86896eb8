"""The minimiser of a regularised energy as an implicit step (eqs (13) to (15))."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit import fluxes
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.claims.claim import claim
from stabkit.claims.configurations import draw_signal
from stabkit.classes import AnyFlux, AnyOperator, AnyVector, ForExamples, Positive
from stabkit.operators import difference
from stabkit.proof.words import Expression
from stabkit.stability.notions import Energy, inner, squared_norm
from stabkit.stability.property import AllOf, AtMost, Example, Identity

#: Ψ and Φ = Ψ′/2.
PENALISERS = {"r²": (lambda r: r**2, lambda r: r),
              "r⁴ + r²": (lambda r: r**4 + r**2, lambda r: 2 * r**3 + r)}


@claim("eqs (13)–(15)",
       quote="This can be regarded as a fully implicit time discretisation",
       within=dict(K=(difference(1, 3),), flux=(fluxes.soft(),), step=("2",), f=(1,), u=(2,),
                   v=(3,), n=(2, 3), alpha=("1/4", "3"), penaliser=tuple(PENALISERS), seed=(1, 2)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=("-L", "L")), step=Positive(),
                    f=AnyVector(), u=AnyVector(), v=AnyVector(), n=ForExamples(),
                    alpha=ForExamples(), penaliser=ForExamples(), seed=ForExamples()))
def euler_lagrange_equation_is_an_implicit_step(
        K, flux, step, f, u, v, n, alpha, penaliser, seed):
    """u is stationary for E(u) = ‖u − f‖² + α Σᵢ Ψ((K u)ᵢ) iff u = f − αKᵀΦ(K u) with Φ = Ψ′/2: an
    implicit step with τ = T = α and g(r) = Ψ′(r)/(2r).

    For all Φ with the Lipschitz constant L: E(u + v) − E(u) − 2v·(u − f + αKᵀΦ(K u)) differs from
    ‖v‖² by at most αL‖K v‖², so ∇E(u) is what is multiplied with v.  In the examples the slope of E
    along v is compared, by a difference that is exact for quartics."""
    given = {name: draw_signal(x, K) for name, x in dict(f=f, u=u, v=v).items()}
    total, L = Energy(K, flux), flux.facts.lipschitz
    step = step if isinstance(step, Expression) else Constant(fraction(step))

    def excess(f, u, v):
        rise = squared_norm(u + v - f) - squared_norm(u - f) + step * (total(u + v) - total(u))
        return rise - 2 * inner(v, u - f + step * (K.T @ flux(K @ u))) - squared_norm(v)

    def most(f, u, v):
        return step * L * squared_norm(K @ v)

    return AllOf([
        AtMost(excess, most, given, "above its tangent"),
        AtMost(lambda f, u, v: -excess(f, u, v), most, given, "below its tangent"),
        Example(lambda: _slopes_agree(n, alpha, penaliser, seed))])


def _slopes_agree(n, alpha, penaliser, seed):
    K, alpha = difference(1, n), Constant(alpha)
    psi, phi = PENALISERS[penaliser]
    rng = np.random.default_rng(seed)

    def energy(u, f):
        return np.sum((u - f) ** 2) + alpha * np.sum(psi(K @ u))

    def slope(u, f, v):
        near = energy(u + v, f) - energy(u - v, f)
        far = energy(u + 2 * v, f) - energy(u - 2 * v, f)
        return Constant(1, 12) * (8 * near - far)

    def derivative(u, f, v):
        return 2 * np.dot(u - f + alpha * (K.T @ phi(K @ u)), v)

    given = {name: [Fraction(int(p), 4) for p in rng.integers(-99, 100, n)]
             for name in ("u", "f", "v")}
    return Identity(slope, derivative, given, "both sides are polynomials of degree 4")
