"""A violation of a linear step, read off its exact matrix M.

For these notions the matrix decides: where it says that there is a violation, one is written down.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from stabkit.arithmetic.enclosure import has_intervals
from stabkit.arithmetic.rational import determinant, from_flint, negative_direction, solve, to_flint
from stabkit.errors import HypothesisNotMet, Undecided
from stabkit.schemes import Chain, Implicit, Linear, Scheme
from stabkit.stability.certificates import step_matrix
from stabkit.stability.falsify.exactness import Signals, exact_signals_near
from stabkit.stability.notions import CONTRACTION, CONTRAST, EUCLIDEAN, RANGE, SIGN, Notion

_ELIMINATED = 64  # rows of a matrix that is eliminated in fractions
_STEPS = 1 << 20  # entries of the matrix times the steps that it is made of
_ONE = Fraction(1)


def linear_violation(scheme: Scheme, notion: Notion) -> Signals | None:
    """Exact signals on which a linear step violates a notion, or None.

    RANGE and CONTRAST are decided so.  For the norms the search is complete up to 64 unknowns, and
    with more it begins with floats; for SIGN it looks at the nonsingular parts of the matrix.
    """
    if scheme.size > _LARGEST.get(notion, 0) or not scheme.is_linear or \
            isinstance(scheme, Implicit):
        return None
    try:
        matrix = _matrix(scheme)
    except (HypothesisNotMet, Undecided):
        return None
    if matrix is None or has_intervals(matrix.flat):
        return None
    u = _FOUND[notion](matrix)
    if u is None or notion.signals == 1:
        return None if u is None else (u,)
    return u, 0 * u


def _matrix(scheme: Scheme) -> np.ndarray | None:
    if isinstance(scheme, Linear):
        return scheme.matrix.exact()
    linear = [part for part in scheme.schemes if isinstance(part, Linear)] \
        if isinstance(scheme, Chain) else []
    if isinstance(scheme, Chain) and len(linear) == len(scheme.schemes):
        product, *others = (to_flint(part.matrix.exact()) for part in linear)
        for other in others:
            product = other * product
        return from_flint(product)
    return step_matrix(scheme) if scheme.size**2 * scheme.inner_steps <= _STEPS else None


def _longer(matrix: np.ndarray) -> np.ndarray | None:
    """u with |M u| > |u|: a direction in which I − MᵀM is negative."""
    m = to_flint(matrix)
    gap = to_flint(np.eye(len(matrix), dtype=int)) - m.transpose() * m
    exact = from_flint(gap)
    largest = max(map(abs, exact.flat))
    if not largest:
        return None
    lowest = np.linalg.eigh((exact / largest).astype(float))[1][:, 0]
    for u in exact_signals_near((lowest / np.abs(lowest).max(),)):
        x = to_flint(u)
        if (x * gap * x.transpose())[0, 0] < 0:
            return u[0]
    return negative_direction(exact) if len(matrix) <= _ELIMINATED else None


def _beyond(matrix: np.ndarray) -> np.ndarray | None:
    """1 all over where a row of M does not add up to 1, else 1 at the negative entries of a row.

    With sums 1 and no negative entries every new value is a mean of old ones.
    """
    if (matrix.sum(axis=1) != 1).any():
        return _ones_at(np.ones(len(matrix), dtype=bool))
    rows = np.flatnonzero((matrix < 0).any(axis=1))
    return _ones_at(matrix[rows[0]] < 0) if len(rows) else None


def _steeper(matrix: np.ndarray) -> np.ndarray | None:
    """u with jumps ±1 of which the step makes a larger one; 1 all over if that gets any jump.

    u = (0, d₁, d₁ + d₂, ...) has the jumps d, and those of M u are D M S d with the sums S.
    """
    if (np.diff(matrix.sum(axis=1)) != 0).any():
        return _ones_at(np.ones(len(matrix), dtype=bool))
    later = np.cumsum(matrix[:, ::-1], axis=1)[:, ::-1][:, 1:]
    jumps = np.diff(later, axis=0)
    rows = np.flatnonzero(abs(jumps).sum(axis=1) > 1)
    if not len(rows):
        return None
    signs = 2 * _ones_at(jumps[rows[0]] >= 0) - _ONE
    return np.concatenate([[0 * _ONE], np.cumsum(signs)])


def _ones_at(places: np.ndarray) -> np.ndarray:
    return _ONE * places.astype(int).astype(object)


def _more_changes(matrix: np.ndarray) -> np.ndarray | None:
    """u with fewer changes of sign than M u, from the nonsingular square parts B of M.

    B u = w where w alternates; u = B⁻¹w has as many changes of sign as w only if it alternates too.
    """
    n = len(matrix)
    for size in range(1, n + 1):
        for rows in combinations(range(n), size):
            for columns in combinations(range(n), size):
                part = matrix[np.ix_(rows, columns)]
                found = _signal_without_alternation(part) if determinant(part) else None
                if found is not None:
                    u = np.full(n, 0 * _ONE, dtype=object)
                    u[list(columns)] = found
                    return u
    return None


def _signal_without_alternation(part: np.ndarray) -> np.ndarray | None:
    """u that does not alternate in sign strictly, though B u does; or None if there is none.

    uᵢ = Σⱼ pᵢⱼ|wⱼ| with pᵢⱼ = (B⁻¹)ᵢⱼ(−1)ʲ.  If a row of p has entries of both signs, a choice of
    |wⱼ| > 0 makes uᵢ = 0; otherwise the sign of every uᵢ is the same for all of them.
    """
    n = len(part)
    p = solve(part, np.diag([_ONE if j % 2 == 0 else -_ONE for j in range(n)]))
    for row in p:
        up, down = (row > 0).sum(), (row < 0).sum()
        if up and down:
            weights = [_ONE / (int(up) * x) if x > 0 else -_ONE / (int(down) * x) if x else _ONE
                       for x in row]
            return p @ np.array(weights, dtype=object)
    u = p.sum(axis=1)
    return None if all(a * b < 0 for a, b in pairwise(u)) else u


_LARGEST = {EUCLIDEAN: 512, CONTRACTION: 512, RANGE: 512, CONTRAST: 512, SIGN: 7}  # unknowns
_FOUND: dict[Notion, Callable[[np.ndarray], Any]] = {
    EUCLIDEAN: _longer, CONTRACTION: _longer, RANGE: _beyond, CONTRAST: _steeper,
    SIGN: _more_changes,
}
