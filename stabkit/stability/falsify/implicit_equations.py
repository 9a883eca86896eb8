"""Two solutions of an implicit equation for one input."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from stabkit.arithmetic.enclosure import has_intervals
from stabkit.errors import Undecided
from stabkit.schemes import Implicit
from stabkit.stability.falsify.exactness import Signals


def two_solutions(scheme: Implicit) -> Signals | None:
    """Two exact solutions of the implicit equation for one input, or None.

    The solutions are sought along the rows of K, v = t Kᵀeᵢ with simple rational t.
    """
    rows = [row / (row @ row) for row in scheme.K.exact() if row.any()]
    tried = [(t, row) for row in rows for t in _simple_rationals()]
    found: dict[tuple, np.ndarray] = {}
    for k in _near_another(scheme, tried):
        t, row = tried[k]
        v = t * row
        try:
            u = scheme.pair(v)[0]
        except Undecided:  # the flux has no value there
            continue
        if has_intervals(u):
            return None
        other = found.setdefault(tuple(u), v)
        if any(other != v):
            return other, v
    return None


def _near_another(scheme: Implicit, tried: list[tuple[Fraction, np.ndarray]]) -> list[int]:
    """The places of those v = t row whose input u is, in floats, about that of another one."""
    v = np.array([float(t) * row.astype(float) for t, row in tried]).reshape(-1, scheme.size)
    # Inputs that are the same have the same height over any plane.
    height = scheme.pair(v)[0] @ np.random.default_rng(0).standard_normal(scheme.size)
    order = np.argsort(height)
    near = np.diff(height[order]) <= 1e-9 * (1 + np.abs(height[order[1:]]))
    return np.unique(np.concatenate([order[1:][near], order[:-1][near]])).tolist()


@cache
def _simple_rationals() -> list[Fraction]:
    """Those up to 8 in modulus with denominators up to 8, the simplest first."""
    return sorted({Fraction(p, q) for q in range(1, 9) for p in range(-8 * q, 8 * q + 1)},
                  key=lambda x: (x.denominator, abs(x)))
