"""Matrices from the literature whose eigenvalues say little about their powers.

Most are in Trefethen and Embree, *Spectra and Pseudospectra* (2005), and in EigTool.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy

from stabkit.arithmetic.rational import integer


def toeplitz(n: int, taps: Mapping[int, float]) -> np.ndarray:
    """The Toeplitz matrix with `taps[k]` on the k-th diagonal above the main one."""
    n = integer(n, "n", 1)
    return sum((value * np.eye(n, k=k) for k, value in taps.items()), np.zeros((n, n)))


def jordan_block(n: int, eigenvalue: float = 0.0) -> np.ndarray:
    """The Jordan block: the backward shift plus a multiple of the identity."""
    return toeplitz(n, {0: eigenvalue, 1: 1.0})


def grcar(n: int, above: int = 3) -> np.ndarray:
    """Grcar's matrix (1989): −1 below the diagonal, 1 on it and on some diagonals above."""
    return toeplitz(n, {-1: -1.0} | {k: 1.0 for k in range(above + 1)})


def triangle(n: int) -> np.ndarray:
    """The Toeplitz matrix with symbol z⁻¹ + z²/4, whose curve is a triangle."""
    return toeplitz(n, {-1: 1.0, 2: 0.25})


def limacon(n: int) -> np.ndarray:
    """The Toeplitz matrix with symbol z + z², whose curve is a limaçon."""
    return toeplitz(n, {1: 1.0, 2: 1.0})


def kahan(n: int, angle: float = 1.2) -> np.ndarray:
    """Kahan's triangular matrix (1966): rows −cos with 1 on the diagonal, times powers of sin."""
    upper = np.eye(integer(n, "n", 1)) - np.cos(angle) * np.triu(np.ones((n, n)), 1)
    return np.sin(angle) ** np.arange(n)[:, None] * upper


def frank(n: int) -> np.ndarray:
    """Frank's matrix (1958) of integers, of determinant 1; its eigenvalues come with inverses."""
    i, j = np.ogrid[:integer(n, "n", 1), :n]
    return np.where(j >= i - 1, n - np.maximum(i, j), 0).astype(float)


def lesp(n: int) -> np.ndarray:
    """Lenferink and Spijker's tridiagonal matrix (1990): real eigenvalues, from −2n − 3.5 to −4.5.
    """
    k = np.arange(2, integer(n, "n", 2) + 1)
    return np.diag(-(2.0 * np.arange(2, n + 2) + 1)) + np.diag(k.astype(float), 1) + \
        np.diag(1.0 / k, -1)


def demmel(n: int) -> np.ndarray:
    """Demmel's triangular Toeplitz matrix: −1 on the diagonal, −10^(4k/(n − 1)) above."""
    n = integer(n, "n", 2)
    return toeplitz(n, {k: -(10.0 ** (4 * k / (n - 1))) for k in range(n)})


def convection_diffusion(n: int, peclet: float = 0.5) -> np.ndarray:
    """−u″ + convection by central differences: −1 − p, 2, −1 + p with the cell Péclet number p.

    For p < 1 the eigenvalues are 2 − 2√(1 − p²) cos(kπ/(n + 1)).
    """
    return toeplitz(n, {-1: -1.0 - peclet, 0: 2.0, 1: -1.0 + peclet})


def orr_sommerfeld(n: int, reynolds: float = 10_000.0, alpha: float = 1.0) -> np.ndarray:
    """The Orr–Sommerfeld operator of plane Poiseuille flow at n Chebyshev points, in floats.

    v(t, y) = exp(λ t) with λ = −iαc for a wave of speed c and wave number α; complex.
    """
    n = integer(n, "n", 4)
    k = np.arange(n + 2)
    y = np.cos(np.pi * k / (n + 1))
    weight = np.where((k == 0) | (k == n + 1), 2.0, 1.0) * (-1.0) ** k
    apart = y[:, None] - y[None, :] + np.eye(n + 2)
    D = weight[:, None] / weight[None, :] / apart
    D -= np.diag(D.sum(axis=1))
    D2 = (D @ D)[1:-1, 1:-1]
    # With v = (1 − y²) q both conditions v = v′ = 0 at the walls hold for q = 0 there.
    inner = np.append(np.append(0.0, 1 / (1 - y[1:-1] ** 2)), 0.0)
    D4 = ((np.diag(1 - y**2) @ np.linalg.matrix_power(D, 4) - 8 * np.diag(y) @ D @ D @ D
           - 12 * D @ D) @ np.diag(inner))[1:-1, 1:-1]
    one, square = np.eye(n), alpha**2
    flow = np.diag(1 - y[1:-1] ** 2)
    left = (D4 - 2 * square * D2 + square**2 * one) / reynolds - 2j * alpha * one \
        - 1j * alpha * flow @ (D2 - square * one)
    return scipy.linalg.solve(D2 - square * one, left)
