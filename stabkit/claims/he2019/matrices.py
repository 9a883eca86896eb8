"""Matrices of grids and kernels, written out entry by entry, and small exact random ones.

Grids are n×n nodes, numbered row by row; in 1-D they are n nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product

import numpy as np

from stabkit.arithmetic.rational import fractions

HALF = Fraction(1, 2)
#: K_A of (5.3) with zero padding on n×n nodes, from T = laplace(n).
FIVE_POINTS = "kron(T, I({n})) + kron(I({n}), T)"
#: The assembled Neumann matrix on n×n nodes, from L = neumann(n) and m = halved(n).
ASSEMBLED = "kron(L, diag(m)) + kron(diag(m), L)"


def integers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Small integers, drawn at random."""
    return fractions(rng.integers(-3, 4, shape))


def laplace(n: int) -> np.ndarray:
    """[−1 2 −1] with zeros outside."""
    return fractions(2 * np.eye(n, dtype=int) - np.eye(n, k=1, dtype=int)
                     - np.eye(n, k=-1, dtype=int))


def neumann(n: int) -> np.ndarray:
    """[−1 2 −1] with the rows (1, −1) and (−1, 1) at the ends: K1ᵀK1."""
    matrix = laplace(n)
    matrix[0, 0] = matrix[-1, -1] = Fraction(1)
    return matrix


def cell_shares(n: int) -> np.ndarray:
    """1/2, 1, …, 1, 1/2: how much of each node's cell lies inside."""
    weights = fractions([1] * n)
    weights[0] = weights[-1] = HALF
    return weights


def ends(n: int) -> np.ndarray:
    """1, 0, …, 0, 1."""
    return fractions([1] + [0] * (n - 2) + [1])


def shift(n: int, by: int) -> np.ndarray:
    """The matrix of u ↦ u_{i + by} on a ring."""
    return fractions(np.roll(np.eye(n, dtype=int), by, axis=1))


# -- between grids: 2m − 1 nodes and m ------------------------------------------------------------
def interpolation(m: int) -> np.ndarray:
    """Linear interpolation from m to 2m − 1 nodes: node i goes to node 2i, from 0."""
    matrix = fractions(np.zeros((2 * m - 1, m), dtype=int))
    for i in range(m):
        matrix[2 * i, i] = Fraction(1)
    for i in range(m - 1):
        matrix[2 * i + 1, i] = matrix[2 * i + 1, i + 1] = HALF
    return matrix


def inner_interpolation(m: int) -> np.ndarray:
    """Linear interpolation from m to 2m + 1 interior nodes, zeros outside."""
    matrix = fractions(np.zeros((2 * m + 1, m), dtype=int))
    for i in range(m):
        matrix[2 * i + 1, i] = Fraction(1)
        matrix[2 * i, i] = matrix[2 * i + 2, i] = HALF
    return matrix


def between(m: int) -> np.ndarray:
    """Half the forward difference of m nodes at the odd ones of 2m − 1 nodes, 0 at the others.

    Linear interpolation is p ⊗ p − r ⊗ r with this r: at nodes that are odd in both directions the
    bilinear mean of four loses (v₀₀ − v₁₀ − v₀₁ + v₁₁)/4.
    """
    matrix = fractions(np.zeros((2 * m - 1, m), dtype=int))
    for i in range(m - 1):
        matrix[2 * i + 1, i], matrix[2 * i + 1, i + 1] = -HALF, HALF
    return matrix


def inner_between(m: int) -> np.ndarray:
    """The same from m to 2m + 1 interior nodes, zeros outside."""
    matrix = fractions(np.zeros((2 * m + 1, m), dtype=int))
    for i in range(m):
        matrix[2 * i, i], matrix[2 * i + 2, i] = HALF, -HALF
    return matrix


def prolongation(m: int, kind: str) -> np.ndarray:
    """(4.7)–(4.9) on m×m coarse nodes, case by case; `kind` is "bilinear" or "linear"."""
    n = 2 * m - 1
    matrix = fractions(np.zeros((n * n, m * m), dtype=int))
    for row, column in product(range(n), repeat=2):
        i, j = row // 2, column // 2
        below, right = i + row % 2, j + column % 2
        corners = {(i, j), (below, j), (i, right), (below, right)}
        if kind == "linear" and len(corners) == 4:
            corners = {(below, j), (i, right)}
        for y, x in corners:
            matrix[row * n + column, y * m + x] += Fraction(1, len(corners))
    return matrix


# -- finite elements ------------------------------------------------------------------------------
ELEMENT = fractions([[1, -HALF, -HALF], [-HALF, HALF, 0], [-HALF, 0, HALF]])


#: ∫uv on a triangle of area 1/2, and on an interval of length 1.
TRIANGLE_MASS = fractions([[2, 1, 1], [1, 2, 1], [1, 1, 2]]) / 24
INTERVAL_MASS = fractions([[2, 1], [1, 2]]) / 6


def assemble(n: int) -> np.ndarray:
    """The matrix of ∫∇u·∇v for linear elements on n×n nodes, summed up triangle by triangle.

    Each cell is cut along the diagonal from (i+1, j) to (i, j+1); `ELEMENT` belongs to a right
    triangle with the corner of the right angle first.
    """
    return _sum_elements(n, ELEMENT)


def mass(n: int) -> np.ndarray:
    """The matrix of ∫uv for linear elements on n×n nodes."""
    return _sum_elements(n, TRIANGLE_MASS)


def line_mass(n: int) -> np.ndarray:
    """The matrix of ∫uv for linear elements on n nodes of a line."""
    matrix = fractions(np.zeros((n, n), dtype=int))
    for i in range(n - 1):
        matrix[i:i + 2, i:i + 2] += INTERVAL_MASS
    return matrix


def _sum_elements(n: int, element: np.ndarray) -> np.ndarray:
    matrix = fractions(np.zeros((n * n, n * n), dtype=int))
    for i, j in product(range(n - 1), repeat=2):
        diagonal = [(i + 1) * n + j, i * n + j + 1]
        for corner in (i * n + j, (i + 1) * n + j + 1):
            nodes = [corner, *diagonal]
            matrix[np.ix_(nodes, nodes)] += element
    return matrix


def inner_part(matrix: np.ndarray, n: int) -> np.ndarray:
    """Rows and columns of the interior of (n+2)×(n+2) nodes: u = 0 on the boundary."""
    inside = [i * (n + 2) + j for i, j in product(range(1, n + 1), repeat=2)]
    return matrix[np.ix_(inside, inside)]


# -- one-dimensional kernels ----------------------------------------------------------------------
def _zero(place: int, n: int) -> int | None:
    return place if 0 <= place < n else None


def _periodic(place: int, n: int) -> int | None:
    return place % n


def _about_edges(place: int, n: int) -> int | None:
    place %= 2 * n
    return min(place, 2 * n - 1 - place)


def _about_nodes(place: int, n: int) -> int | None:
    place %= max(2 * n - 2, 1)
    return min(place, 2 * n - 2 - place) if n > 1 else 0


PADDINGS: dict[str, Callable[[int, int], int | None]] = {
    "zero": _zero, "periodic": _periodic, "half": _about_edges, "whole": _about_nodes}


def tap_matrices(padding: str, n: int, width: int) -> np.ndarray:
    """One row per tap of a kernel of 2·width + 1 taps: its n×n matrix, entry by entry."""
    rows = fractions(np.zeros((2 * width + 1, n * n), dtype=int))
    for tap, i in product(range(2 * width + 1), range(n)):
        place = PADDINGS[padding](i + tap - width, n)
        if place is not None:
            rows[tap, i * n + place] += 1
    return rows
