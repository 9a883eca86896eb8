"""Jacobians of a step and their spectra, as enclosures."""

from stabkit.spectra.eigenvalues import (
    Spectrum,
    along,
    extreme_eigenvalues,
    spectrum,
)
from stabkit.spectra.jacobian import exact_jacobian, jacobian, jacobians
from stabkit.spectra.stable import stable_at, step_is_stable

__all__ = ["Spectrum", "along", "exact_jacobian", "extreme_eigenvalues", "jacobian", "jacobians",
           "spectrum", "stable_at", "step_is_stable"]
