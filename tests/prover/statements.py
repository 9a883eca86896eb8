"""Schemes and classes that the tests of the prover ask about."""

from fractions import Fraction as F

from stabkit import (
    FSI,
    Energy,
    Explicit,
    FixedPoint,
    Implicit,
    Stable,
    energy,
    stable_step,
)
from stabkit.classes import AnyFlux, AnyOperator, UpTo

SECTOR = AnyFlux(diffusivities=(0, "L"), slopes=("-L", "L"))
MONOTONE = AnyFlux(diffusivities=(0, "L"), slopes=(0, "L"))
K = AnyOperator()


def upto(top):
    """τ L‖K‖² <= top."""
    return UpTo(F(top) / 2)


def explicit(K, flux, ratio):
    return Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio))


def fixed_point(n):
    return lambda K, flux, ratio: FixedPoint(
        K, flux, stable_step(K, flux.facts.lipschitz, ratio), n)


def fsi(n):
    return lambda K, flux, ratio: FSI(K, flux, stable_step(K, flux.facts.lipschitz, ratio), n)


def implicit(K, flux, tau):
    return Implicit(K, flux, tau)


def heun(K, flux, ratio):
    """u − (τ/2)(F(u) + F(u − τF(u)))."""
    tau = stable_step(K, flux.facts.lipschitz, ratio)

    def step(u):
        slope = K.T @ flux(K @ u)
        return u - tau / 2 * (slope + K.T @ flux(K @ (u - tau * slope)))
    return step


def heavy_ball(beta):
    """u⁺ = u − τ KᵀΦ(K u) + β(u − w), w⁺ = u."""
    def what(K, flux, ratio):
        tau = stable_step(K, flux.facts.lipschitz, ratio)
        return lambda u, w: (u - tau * (K.T @ flux(K @ u)) + beta * (u - w), u)
    return what


def primal_dual(K, prox):
    """x⁺ = x − Kᵀy, y⁺ = prox(y + K(2x⁺ − x)), in units in which τ = σ = 1."""
    def step(x, y):
        new = x - K.T @ y
        return new, prox(y + K @ (2 * new - x))
    return step


def leapfrog(K, ratio):
    """y⁺ = 2y − z − τ KᵀK y, z⁺ = y."""
    tau = stable_step(K, 1, ratio)
    return lambda y, z: (2 * y - z - tau * (K.T @ (K @ y)), y)


def verlet(B):
    """a⁺ = a + B b, b⁺ = b − Bᵀa⁺: the linear Verlet network for a = H Y, b = K Z, B = δHKᵀ."""
    def step(a, b):
        new = a + B @ b
        return new, b - B.T @ new
    return step


def midpoint(K, flux, ratio):
    """u − τF(u − (τ/2)F(u))."""
    tau = stable_step(K, flux.facts.lipschitz, ratio)
    return lambda u: u - tau * (K.T @ flux(K @ (u - tau / 2 * (K.T @ flux(K @ u)))))


def runge_kutta(K, flux, ratio):
    """The classical one of four stages."""
    tau = stable_step(K, flux.facts.lipschitz, ratio)

    def step(u):
        slopes = [K.T @ flux(K @ u)]
        for share in F(1, 2), F(1, 2), F(1):
            slopes.append(K.T @ flux(K @ (u - share * tau * slopes[-1])))
        return u - tau / 6 * (slopes[0] + 2 * slopes[1] + 2 * slopes[2] + slopes[3])
    return step


def extragradient(K, flux, ratio):
    """u − τF(u − τF(u))."""
    tau = stable_step(K, flux.facts.lipschitz, ratio)
    return lambda u: u - tau * (K.T @ flux(K @ (u - tau * (K.T @ flux(K @ u)))))


def adams_bashforth(K, flux, ratio):
    """u⁺ = u − τ(3F(u) − F(w))/2, w⁺ = u."""
    tau = stable_step(K, flux.facts.lipschitz, ratio)
    return lambda u, w: (u - tau / 2 * (3 * (K.T @ flux(K @ u)) - K.T @ flux(K @ w)), u)


def nesterov(beta):
    """y = u + β(u − w), u⁺ = y − τF(y), w⁺ = u."""
    def what(K, flux, ratio):
        tau = stable_step(K, flux.facts.lipschitz, ratio)

        def step(u, w):
            y = u + beta * (u - w)
            return y - tau * (K.T @ flux(K @ y)), u
        return step
    return what


def biased(K, b, flux, ratio):
    """u − τKᵀΦ(Ku + b)."""
    tau = stable_step(K, flux.facts.lipschitz, ratio)
    return lambda u: u - tau * (K.T @ flux(K @ u + b))


def energy_of(scheme):
    """Whether ΣP(K u) does not grow."""
    return lambda K, flux, ratio: Stable(scheme(K, flux, ratio), energy(Energy(K, flux)))
