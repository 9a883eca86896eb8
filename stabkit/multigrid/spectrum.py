"""Spectral radius and energy norm of exact matrices, as enclosures."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import is_psd
from stabkit.errors import InvalidArgument
from stabkit.multigrid.matrices import Exact


def spectral_radius(E: Exact) -> Interval:
    """max |λ|, from the roots of the exact characteristic polynomial."""
    largest = Interval(0)
    roots: Any = E.flint.charpoly().complex_roots()
    for root, _ in roots:
        lower, upper = root.abs_lower(), root.abs_upper()
        largest = _maximum(largest, Interval(lower, upper))
    return largest


def _maximum(a: Interval, b: Interval) -> Interval:
    return Interval(_larger(a.lo, b.lo), _larger(a.hi, b.hi))


def _larger(a: arb, b: arb) -> arb:
    return b if a < b else a


def energy_adjoint(E: Exact, A: Exact) -> Exact:
    """E* = A⁻¹ Eᵀ A, the adjoint in ⟨u, v⟩ = uᵀ A v."""
    return A.inverse() @ E.T @ A


def energy_norm(E: Exact, A: Exact) -> Interval:
    """‖E‖_A = √ρ(E* E) for a positive definite A."""
    return spectral_radius(energy_adjoint(E, A) @ E).sqrt()


def energy_norm_at_most(E: Exact, A: Exact, bound: Any) -> bool:
    """Decide ‖E‖_A <= bound by the LDLᵀ signs of bound² A − Eᵀ A E; A may be singular."""
    return is_psd((bound * bound * A - E.T @ A @ E).to_array())


def on_quotient(E: Exact, kernel: np.ndarray) -> Exact:
    """E on the space modulo `kernel`, which it must map into itself.

    Coordinates are the first n − 1 entries after the multiple of the kernel that clears the last.
    """
    n = E.shape[0]
    if kernel[n - 1] == 0:
        raise InvalidArgument("kernel: its last entry must not be 0")
    lift = Exact(np.eye(n, n - 1, dtype=int))
    drop = lift.T - Exact([[kernel[i] / kernel[n - 1] if j == n - 1 else 0 for j in range(n)]
                           for i in range(n - 1)])
    if any(entry != 0 for entry in drop @ (E @ kernel)):
        raise InvalidArgument("kernel: is not mapped into itself")
    return drop @ E @ lift


def grounded(A: Exact) -> Exact:
    """A on the same quotient, for a symmetric A with that kernel: without last row and column."""
    n = A.shape[0]
    lift = Exact(np.eye(n, n - 1, dtype=int))
    return lift.T @ A @ lift
