"""The regulariser (13) of ruthotto2018: weights that are smooth in time, up to a few jumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stabkit.arithmetic.backend import namespace
from stabkit.errors import InvalidArgument


@dataclass(frozen=True)
class TimeSmoothness:
    """R = α₁ ∫ φ_τ(∂ₜθ) dt + (α₂/2)(∫ |θ|² dt + |W|² + |μ|²), φ_τ(x) = √(x² + τ).

    With layers at distance δ in time the integrals are sums of δ times the integrand; ∂ₜθ is a
    difference quotient, and φ_τ, a smoothed absolute value, is summed over the weights.

    Parameters
    ----------
    alpha1, alpha2 : float
        α₁, α₂ >= 0.
    tau : float
        τ > 0.
    delta : float
        δ > 0.
    """

    alpha1: float
    alpha2: float
    tau: float = 1e-4
    delta: float = 1.0

    def __post_init__(self) -> None:
        for name in ("alpha1", "alpha2"):
            if not getattr(self, name) >= 0:
                raise InvalidArgument(f"{name}: must be >= 0, got {getattr(self, name)}")
        for name in ("tau", "delta"):
            if not getattr(self, name) > 0:
                raise InvalidArgument(f"{name}: must be positive, got {getattr(self, name)}")

    def value(self, trajectories: Sequence[np.ndarray], others: Sequence[np.ndarray] = ()
              ) -> float:
        """R.

        Parameters
        ----------
        trajectories : sequence of ndarray, shape (layers, weights)
            θ of every block in the order of time; nothing couples one block to the next.
        others : sequence of ndarray
            W, μ and whatever else does not depend on time.
        """
        total = 0.0
        for theta in trajectories:
            rates = self._rates(theta)
            xp = namespace(theta)
            total += self.alpha1 * self.delta * float(xp.sum(xp.sqrt(rates**2 + self.tau)))
            total += self.alpha2 / 2 * self.delta * float(xp.sum(theta**2))
        return total + self.alpha2 / 2 * sum(float(namespace(each).sum(each**2)) for each in others)

    def gradient(self, trajectories: Sequence[np.ndarray], others: Sequence[np.ndarray] = ()
                 ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The derivatives of :meth:`value` by the trajectories and by the others."""
        slopes = []
        for theta in trajectories:
            rates = self._rates(theta)
            flux = self.alpha1 * rates / namespace(theta).sqrt(rates**2 + self.tau)
            slope = self.alpha2 * self.delta * theta
            slope[1:, :] += flux
            slope[:-1, :] -= flux
            slopes.append(slope)
        return slopes, [self.alpha2 * each for each in others]

    def _rates(self, theta: np.ndarray) -> np.ndarray:
        if theta.ndim != 2:
            raise InvalidArgument("trajectories: each must have shape (layers, weights), got "
                                  f"{theta.shape}")
        return (theta[1:, :] - theta[:-1, :]) / self.delta
