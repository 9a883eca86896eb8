"""Bounds of a large spectral norm from floating-point numbers, with every rounding error counted.

A float vector, taken exactly, gives the lower end.  For the upper end a float R with
RᵀR ≈ c I − KᵀK is a witness of c I − KᵀK >= −e I, where e bounds the residual (after Rump 2006);
how R was found does not matter.  Where KᵀK is tridiagonal, one elimination of it decides each end.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np
import scipy

from stabkit.operators.eigenvalues import bounds_of_largest_eigenvalue
from stabkit.operators.operator import Operator

FACTORED = 2500  # columns up to which a dense factorisation is affordable, and its bound sharper
_EPS = Fraction(1, 2**52)  # twice the unit roundoff: covers underflow too, as entries are near 1
_SUM = 1 + Fraction(1, 2**20)  # for a float sum of up to 2^30 squares
_SMALLEST = 2.0**-44  # relative distance of the upper end from the guess that is tried first


def bounds_of_norm_squared(operator: Operator) -> tuple[Fraction, Fraction]:
    """Proven bounds of ‖K‖² for K ≠ 0, at the cost of a dense factorisation with N columns.

    The cost is that of O(N) operations where KᵀK is tridiagonal and N > 2500.

    Returns
    -------
    (Fraction, Fraction)
        Their relative distance is about N²/2^52.
    """
    largest = max(abs(operator.values))
    unit = Fraction(2) ** (largest.numerator.bit_length() - largest.denominator.bit_length())
    scaled = (1 / unit) * operator
    sparse = scaled.sparse()
    product = (sparse.T @ sparse).tocsr()
    # With S = ‖K‖₁‖K‖_∞ and u = 2^-53: rounding K to floats changes ‖K‖² by at most 4uS, and
    # the sums of up to m terms in KᵀK by at most m u |K|ᵀ|K|, whose norm is at most S.
    simple = row_and_column_bound(scaled)
    rounding = (operator.shape[0] + 8) * _EPS * simple
    if operator.shape[1] > FACTORED and has_tridiagonal_gram(operator):
        low, high = bounds_of_largest_eigenvalue(product.diagonal(), product.diagonal(1))
        return unit**2 * max(Fraction(0), low - rounding), unit**2 * min(simple, high + rounding)
    a = np.tril(product.toarray())
    a = a + np.tril(a, -1).T
    last = a.shape[0] - 1
    guess, vectors = scipy.linalg.eigh(a, subset_by_index=[last, last])
    upper = min(simple, _upper(a, float(guess[0])) + rounding)
    return unit**2 * rayleigh_quotient(scaled, vectors[:, 0]), unit**2 * upper


def has_tridiagonal_gram(operator: Operator) -> bool:
    """Whether every row of K has its entries in two neighbouring columns, so KᵀK three bands."""
    same_row = np.diff(operator.row_of_entry) == 0
    return bool(np.all(np.abs(np.diff(operator.columns))[same_row] <= 1)
                and np.bincount(operator.row_of_entry).max(initial=0) <= 2)


def rayleigh_quotient(operator: Operator, vector: np.ndarray) -> Fraction:
    """‖K v‖²/‖v‖², evaluated exactly at a float vector v with entries up to 1, rounded."""
    probe = np.array([round(x * 2**30) for x in vector], dtype=object)
    integers, denominator = _integers(operator)
    image = np.zeros(operator.shape[0], dtype=object)
    np.add.at(image, operator.row_of_entry, integers * probe[operator.columns])
    square = int(probe @ probe) * denominator**2
    return Fraction(int(image @ image), square) if square else Fraction(0)


def row_and_column_bound(operator: Operator) -> Fraction:
    """The bound ‖K‖₁‖K‖_∞ of ‖K‖²."""
    integers, denominator = _integers(operator)
    rows = np.zeros(operator.shape[0], dtype=object)
    columns = np.zeros(operator.shape[1], dtype=object)
    np.add.at(rows, operator.row_of_entry, abs(integers))
    np.add.at(columns, operator.columns, abs(integers))
    return Fraction(max(rows) * max(columns), denominator**2)


def _integers(operator: Operator) -> tuple[np.ndarray, int]:
    # The entries over one denominator: sums of Python's integers need no gcd.
    values = operator.values
    denominator = lcm(*{value.denominator for value in values})
    integers = np.empty(len(values), dtype=object)
    integers[:] = [value.numerator * (denominator // value.denominator) for value in values]
    return integers, denominator


def _upper(a: np.ndarray, guess: float) -> Fraction:
    """An upper bound of the largest eigenvalue of the symmetric float matrix a >= 0."""
    n = len(a)
    slack = max(_SMALLEST, n * n * 2.0**-53)
    while True:
        c = guess * (1 + slack)
        shifted = -a
        shifted[np.diag_indices(n)] += c
        try:
            root = scipy.linalg.cholesky(shifted)
            break
        except np.linalg.LinAlgError:
            slack *= 8
    # shifted = RᵀR + F up to |R|ᵀ|R| n u, and the norm of |R|ᵀ|R| is at most ‖R‖²_F.
    squares = _SUM * Fraction(float(np.sum(root * root)))
    residual = _SUM * Fraction(float(np.linalg.norm(shifted - root.T @ root)))
    return Fraction(c) * (1 + _EPS) + residual * (1 + _EPS) + (n + 2) * _EPS * squares
