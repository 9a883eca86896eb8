"""Rounding errors of float signals: an enclosure is a float array with one number per signal.

The number bounds the Euclidean norm of the error.  With γ = (n + 4) u for sums of n products, a
float product of matrices is off by at most γ |W||x|, in any order of summation; an error that came
in grows by the layer's certified norm.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

U = 2.0**-53
UP = 1 + 2.0**-20   # covers the rounding of the radii themselves
TINY = 2.0**-1000   # covers underflow

Enclosure = tuple[np.ndarray, np.ndarray]


def norms(x: np.ndarray) -> np.ndarray:
    """An upper bound of the Euclidean norm of every signal."""
    return UP * np.sqrt(np.sum(np.square(x), axis=tuple(range(1, x.ndim)))) + TINY


def grow(bound: Fraction | None, error: np.ndarray) -> np.ndarray:
    """Errors behind a layer with a Lipschitz constant; without one, of nothing nothing comes."""
    if not error.any():
        return error
    return UP * (np.inf if bound is None else float(bound) * UP) * error
