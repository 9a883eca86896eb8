"""Steps I + t B whose eigenvalues 1 + t λ are real: one characteristic polynomial decides.

|1 + t λ| <= 1 for 0 < t <= −2/λ where λ < 0, and for no t > 0 where λ > 0.  The set ends at the
smallest of these numbers, the first root of tⁿ p(−2/t).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from flint import fmpz_mat, fmpz_poly

from stabkit.arithmetic.enclosure import precision
from stabkit.arithmetic.roots import complex_roots
from stabkit.stability.sharpness.growth import Matrix
from stabkit.stability.sharpness.signs import Cell, up_to_first

_BITS = 256


def symmetric_line(matrix: Matrix) -> list[Cell] | None:
    """The positive line, cut where the weighted norm begins to grow.

    None where B is not symmetric for the weights, or has a positive eigenvalue.
    """
    if matrix.degree != 1 or not matrix.starts_at_identity:
        return None
    entries = _slopes(matrix)
    weights = matrix.weights or [Fraction(1)] * matrix.size
    if any(weights[i] * c != weights[j] * entries.get((j, i), 0) for (i, j), c in entries.items()):
        return None
    p = _characteristic(matrix, entries)
    return None if _has_positive(p) else _up_to(p, matrix.form.denominator[0])


def real_line(matrix: Matrix) -> list[Cell] | None:
    """The same for the largest modulus of an eigenvalue of I + t B.

    None where eigenvalues are not real, or one is positive.  An irrational end at which an
    eigenvalue −1 is not simple is left open.
    """
    p = _characteristic(matrix, _slopes(matrix))
    with precision(_BITS):
        if not all(root.imag.is_zero() for factor, _ in p.factor()[1]
                   for root, _ in complex_roots(factor)) or _has_positive(p):
            return None
    line = _up_to(p, matrix.form.denominator[0])
    simple = all(power == 1 for factor, power in p.factor()[1] if factor[0])
    return [replace(cell, closed=simple) for cell in line]


def _slopes(matrix: Matrix) -> dict[tuple[int, int], int]:
    form = matrix.form
    return {(i, j): c for i, j, c in zip(form.rows.tolist(), form.columns.tolist(),
                                         form.numerators[:, 1].tolist(), strict=True) if c}


def _characteristic(matrix: Matrix, entries: dict[tuple[int, int], int]) -> fmpz_poly:
    """Of the integers in place of B, which is they over the denominator."""
    whole = fmpz_mat(matrix.size, matrix.size)
    for place, c in entries.items():
        whole[place] = c
    return whole.charpoly()


def _has_positive(p: fmpz_poly) -> bool:
    """Whether a root is positive; as all are real, there are as many as changes of sign."""
    signs = [c > 0 for c in p.coeffs() if c]
    return any(a != signs[0] for a in signs)


def _up_to(p: fmpz_poly, divisor: int) -> list[Cell]:
    return up_to_first([int(c) * (-2 * divisor)**k
                        for k, c in reversed(list(enumerate(p.coeffs())))])
