"""Growth of perturbations along a trajectory: proven rates, propagators, and monodromy."""

from stabkit.growth.flow import Monodromy, monodromy
from stabkit.growth.rates import logarithmic_norm, matrix_norm, parabolic_rate, second_order_rate
from stabkit.growth.trajectory import (
    LyapunovEstimate,
    Propagator,
    lyapunov_exponents,
    propagator,
)

__all__ = [
    "LyapunovEstimate", "Monodromy", "Propagator", "logarithmic_norm", "lyapunov_exponents",
    "matrix_norm", "monodromy", "parabolic_rate", "propagator", "second_order_rate",
]
