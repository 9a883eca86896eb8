"""Growth of perturbations along a trajectory: proven rates, propagators, and monodromy."""

from stabkit.growth.flow import Monodromy, monodromy
from stabkit.growth.rates import logarithmic_norm, matrix_norm, parabolic_rate, second_order_rate
from stabkit.growth.trajectory import (
    FiniteTimeGrowth,
    LyapunovEstimate,
    Propagator,
    finite_time_growth,
    lyapunov_exponents,
    propagator,
)

__all__ = [
    "FiniteTimeGrowth", "LyapunovEstimate", "Monodromy", "Propagator", "finite_time_growth",
    "logarithmic_norm", "lyapunov_exponents", "matrix_norm", "monodromy", "parabolic_rate",
    "propagator", "second_order_rate",
]
