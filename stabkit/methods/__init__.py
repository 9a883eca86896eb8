"""Time-stepping methods by name: how far they are stable, and steps made with them.

``methods.rk4(K, flux, tau)`` is a step of u̇ = −KᵀΦ(K u) like any other scheme.
"""

from stabkit.methods.cycles import Cycle, cycle
from stabkit.methods.dictionary import (
    adams_bashforth,
    backward_euler,
    bdf,
    euler,
    heun,
    heun3,
    implicit_midpoint,
    kutta3,
    leapfrog,
    lobatto_iiic2,
    midpoint,
    radau_iia2,
    ralston,
    rk4,
    rk38,
    rkc2,
    rkg2,
    rkl2,
    ssp2,
    ssp22,
    ssp33,
    ssp104,
    trapezoidal,
)
from stabkit.methods.families import Family, Region
from stabkit.methods.multistep import Multistep
from stabkit.methods.runge_kutta import RungeKutta, RungeKuttaStep

__all__ = [
    "Cycle", "Family", "Multistep", "Region", "RungeKutta", "RungeKuttaStep", "adams_bashforth",
    "backward_euler", "bdf", "cycle", "euler", "heun", "heun3", "implicit_midpoint", "kutta3",
    "leapfrog", "lobatto_iiic2", "midpoint", "radau_iia2", "ralston", "rk4", "rk38", "rkc2",
    "rkg2", "rkl2", "ssp2", "ssp22", "ssp33", "ssp104", "trapezoidal",
]
