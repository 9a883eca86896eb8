"""Jacobians of a step and their spectra, as enclosures; growth that eigenvalues do not show."""

from stabkit.spectra import gallery
from stabkit.spectra.bounded import PowerBound, bound_of_powers
from stabkit.spectra.eigenvalues import Spectrum, along, extreme_eigenvalues, spectrum
from stabkit.spectra.jacobian import exact_jacobian, jacobian, jacobians
from stabkit.spectra.nonnormal import (
    NumericalRange,
    Pseudospectrum,
    TransientGrowth,
    departure_from_normality,
    numerical_range,
    pseudospectrum,
    transient_growth,
)
from stabkit.spectra.stable import stable_at, step_is_stable

__all__ = [
    "NumericalRange", "PowerBound", "Pseudospectrum", "Spectrum", "TransientGrowth", "along",
    "bound_of_powers", "departure_from_normality", "exact_jacobian", "extreme_eigenvalues",
    "gallery", "jacobian", "jacobians", "numerical_range", "pseudospectrum", "spectrum",
    "stable_at", "step_is_stable", "transient_growth",
]
