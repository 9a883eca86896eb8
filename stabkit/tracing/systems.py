"""Linear systems A x = b, where A may depend on the step and b on the data.

One with numbers is solved exactly, if it is not large.  Of any other the solution stays unknown,
as values of a node "solve" whose first part holds the rows of A, over the unknowns 1, ..., n, and
whose second part is b.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from stabkit.aliases import Array, Matrix
from stabkit.arithmetic.rational import from_flint
from stabkit.tracing.array import Traced, make_array, operand, shape_of
from stabkit.tracing.form import Form, join_forms, merge_entries
from stabkit.tracing.numbers import exact_matrix
from stabkit.tracing.sparse import Pencil, unwrap
from stabkit.tracing.summing import product_with
from stabkit.tracing.tracer import Tracer

_SOLVED = 128  # unknowns of a system with numbers that is solved exactly


def solve(tracer: Tracer, matrix: Matrix, array: Array) -> Array:
    """The solution of a linear system whose matrix does not depend on the data."""
    rows = rows_of(tracer, matrix)
    shape = shape_of(array)
    if not shape or shape[0] != rows.count or len(shape) > 2:
        tracer.stop(f"a linear system of {rows.count} equations with a right side of shape "
                    f"{shape} is not followed")
    if rows.count <= _SOLVED and not _is_open(rows):
        return product_with(tracer, _inverse_of_numbers(tracer, rows), array)
    right = operand(tracer, array)
    return make_array(tracer, tracer.node("solve", (rows, right), right.count), shape)


def inverse(tracer: Tracer, matrix: Matrix) -> Any:
    """The inverse of a matrix that does not depend on the data, or what it does to an array."""
    rows = rows_of(tracer, matrix)
    if rows.count <= _SOLVED and not _is_open(rows):
        return _inverse_of_numbers(tracer, rows)
    return Factored(tracer, matrix)


def _is_open(rows: Form) -> bool:
    return rows.numerators.shape[1] > 1 or len(rows.denominator) > 1


def rows_of(tracer: Tracer, matrix: Matrix) -> Form:
    """The rows of a square matrix as forms of the unknowns 1, ..., n."""
    if isinstance(matrix, Pencil):
        total = None
        for part, factor in matrix.terms:
            each = rows_of(tracer, part)
            weight = operand(tracer, factor)
            each = each.times(join_forms([weight] * each.count) if weight.count == 1 else weight)
            total = each if total is None else total + each
        return _square(tracer, total)
    if isinstance(matrix, Traced):
        form = matrix.form
        if not form.is_constant:
            tracer.stop("a linear system whose matrix depends on the data")
        n = matrix.shape[-1] if matrix.ndim == 2 else 0
        return _square(tracer, Form(matrix.shape[0], form.rows // n, 1 + form.rows % n,
                                    form.numerators, form.denominator) if n else None)
    matrix = unwrap(matrix)
    rows, columns, values = exact_matrix(matrix, tracer.reading)
    numerators = np.zeros((rows.size, 1), dtype=values.numerators.dtype)
    numerators[values.rows] = values.numerators
    return _square(tracer, merge_entries(
        matrix.shape[0], rows.astype(np.int64), 1 + columns.astype(np.int64), numerators,
        values.denominator))


def _square(tracer: Tracer, rows: Form | None) -> Form:
    if rows is None or int(rows.columns.max(initial=0)) > rows.count:
        tracer.stop("a linear system whose matrix is not square")
    return rows


def _inverse_of_numbers(tracer: Tracer, rows: Form) -> np.ndarray:
    exact = fmpq_mat(rows.count, rows.count)
    for i, j, c in zip(rows.rows.tolist(), rows.columns.tolist(), rows.numerators[:, 0].tolist(),
                       strict=True):
        exact[i, j - 1] = fmpq(int(c), rows.denominator[0])
    try:
        return from_flint(exact.inv())
    except ZeroDivisionError:
        tracer.stop("a linear system without a unique solution")


class Factored:
    """What solvers are handed in place of the factors of a matrix, or of its inverse."""

    __array_ufunc__ = None

    def __init__(self, tracer: Tracer, matrix: Matrix):
        self._tracer, self._matrix = tracer, matrix

    def solve(self, b: Array, trans: str = "N") -> Array:
        return solve(self._tracer, self._matrix if trans == "N" else self._matrix.T, b)

    __call__ = __matmul__ = dot = solve

