"""Schemes and classes that the tests of the prover ask about."""

from fractions import Fraction as F

from stabkit import FSI, Explicit, FixedPoint, Implicit, stable_step
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
