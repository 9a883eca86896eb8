"""The methods by name; the names are those of NodePy where it has them."""

from __future__ import annotations

from fractions import Fraction
from math import comb

from stabkit.arithmetic.rational import integer
from stabkit.errors import InvalidArgument
from stabkit.methods.cycles import cycle
from stabkit.methods.multistep import Multistep
from stabkit.methods.runge_kutta import RungeKutta

_half, _third, _sixth = Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)

euler = RungeKutta("euler", [[0]], [1])
midpoint = RungeKutta("midpoint", [[], [_half]], [0, 1])
heun = RungeKutta("heun", [[], [1]], [_half, _half])
ralston = RungeKutta("ralston", [[], [Fraction(2, 3)]], [Fraction(1, 4), Fraction(3, 4)])
kutta3 = RungeKutta("kutta3", [[], [_half], [-1, 2]], [_sixth, Fraction(2, 3), _sixth])
heun3 = RungeKutta("heun3", [[], [_third], [0, Fraction(2, 3)]],
                   [Fraction(1, 4), 0, Fraction(3, 4)])
ssp33 = RungeKutta("ssp33", [[], [1], [Fraction(1, 4)] * 2], [_sixth, _sixth, Fraction(2, 3)])
rk4 = RungeKutta("rk4", [[], [_half], [0, _half], [0, 0, 1]], [_sixth, _third, _third, _sixth])
rk38 = RungeKutta("rk38", [[], [_third], [-_third, 1], [1, -1, 1]],
                  [Fraction(1, 8), Fraction(3, 8), Fraction(3, 8), Fraction(1, 8)])
ssp22 = heun
ssp104 = RungeKutta("ssp104", [[_sixth] * k for k in range(5)] + [
    [Fraction(1, 15)] * 5 + [_sixth] * k for k in range(5)], [Fraction(1, 10)] * 10)
backward_euler = RungeKutta("backward_euler", [[1]], [1])
implicit_midpoint = RungeKutta("implicit_midpoint", [[_half]], [1])
trapezoidal = RungeKutta("trapezoidal", [[], [_half, _half]], [_half, _half])
lobatto_iiic2 = RungeKutta("lobatto_iiic2", [[_half, -_half], [_half, _half]], [_half, _half])
radau_iia2 = RungeKutta("radau_iia2", [[Fraction(5, 12), Fraction(-1, 12)],
                                       [Fraction(3, 4), Fraction(1, 4)]],
                        [Fraction(3, 4), Fraction(1, 4)])
leapfrog = Multistep("leapfrog", [-1, 0, 1], [0, 2, 0])


def ssp2(stages: int) -> RungeKutta:
    """The optimal second-order method with s stages that preserves strong stability: s − 1."""
    s = integer(stages, "stages", 2)
    return RungeKutta(f"ssp{s}2", [[Fraction(1, s - 1)] * k for k in range(s)],
                      [Fraction(1, s)] * s)


def rkc2(stages: int) -> RungeKutta:
    """The damped Runge–Kutta–Chebyshev method of second order; see ``stabkit.cycle``."""
    return cycle("rkc2", stages).runge_kutta


def rkl2(stages: int) -> RungeKutta:
    """The Runge–Kutta–Legendre method of second order."""
    return cycle("rkl2", stages).runge_kutta


def rkg2(stages: int) -> RungeKutta:
    """The Runge–Kutta–Gegenbauer method of second order."""
    return cycle("rkg2", stages).runge_kutta


def adams_bashforth(k: int) -> Multistep:
    """The explicit Adams method with k steps, of order k."""
    k = integer(k, "k", 1)
    weights = [_integral(k, j) for j in range(k)]
    return Multistep(f"ab{k}", [0] * (k - 1) + [-1, 1], [*weights, 0])


def bdf(k: int) -> Multistep:
    """The backward differentiation formula with k <= 6 steps."""
    k = integer(k, "k", 1)
    if k > 6:
        raise InvalidArgument(f"k: for more than 6 steps BDF is not even zero-stable, got {k}")
    alpha = [Fraction(0)] * (k + 1)
    for j in range(1, k + 1):  # Σ ∇ʲ/j
        for i in range(j + 1):
            alpha[k - i] += Fraction((-1) ** i * comb(j, i), j)
    return Multistep(f"bdf{k}", alpha, [0] * k + [1])


def _integral(k: int, j: int) -> Fraction:
    """∫ over [k − 1, k] of the Lagrange polynomial for the node j of 0 … k − 1."""
    coefficients = [Fraction(1)]
    for i in range(k):
        if i != j:  # times (x − i)/(j − i)
            shifted = [Fraction(0), *coefficients]
            kept = [-i * c for c in coefficients] + [Fraction(0)]
            coefficients = [(a + b) / (j - i) for a, b in zip(shifted, kept, strict=True)]
    return sum((c * (Fraction(k) ** (n + 1) - Fraction(k - 1) ** (n + 1)) / (n + 1)
                for n, c in enumerate(coefficients)), Fraction(0))
