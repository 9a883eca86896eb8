"""Exact solutions of linear systems with rational coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat

from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq

Row = tuple[Mapping[str, Fraction], Fraction]  # coefficients of the unknowns, right side


def reduce_system(columns: Sequence[Mapping], keys: Sequence, right: Mapping
                  ) -> tuple[fmpq_mat, list[int]] | None:
    """The reduced echelon form of [columns | right], and its pivots; None if it has no solution."""
    n = len(columns)
    matrix = fmpq_mat(len(keys), n + 1, [
        to_fmpq(x) for key in keys
        for x in (*(column.get(key, Fraction(0)) for column in columns),
                  right.get(key, Fraction(0)))])
    form, rank = matrix.rref()
    pivots = [next(j for j in range(n + 1) if form[i, j] != 0) for i in range(rank)]
    return None if pivots and pivots[-1] == n else (form, pivots)


def complete(form: fmpq_mat, pivots: list[int], free: Mapping[int, Fraction]
             ) -> list[Fraction]:
    """The solution whose unknowns without a pivot have the given values."""
    n = form.ncols() - 1
    values = {j: to_fmpq(x) for j, x in free.items() if x}
    found = [free.get(j, Fraction(0)) for j in range(n)]
    for i, j in enumerate(pivots):
        found[j] = from_fmpq(form[i, n] - sum((form[i, k] * x for k, x in values.items()
                                               if form[i, k] != 0), fmpq(0)))
    return found


def solution(rows: Sequence[Row], names: Sequence[str]) -> dict[str, Fraction] | None:
    """A solution, with 0 for what is free; None if there is none."""
    columns = [{i: Fraction(row[name]) for i, (row, _) in enumerate(rows) if row.get(name)}
               for name in names]
    found = reduce_system(columns, range(len(rows)),
                          {i: right for i, (_, right) in enumerate(rows)})
    return None if found is None else dict(zip(names, complete(*found, {}), strict=True))


def factors(matrix: Sequence[Sequence[Fraction]]
            ) -> list[tuple[Fraction, list[Fraction]]] | None:
    """Pivots d > 0 and columns l with matrix = Σ d l lᵀ; None if it is not semidefinite."""
    left = [list(row) for row in matrix]
    n, found = len(left), []
    for i in range(n):
        pivot = left[i][i]
        if pivot < 0 or (pivot == 0 and any(left[i][i:])):
            return None
        if pivot == 0:
            continue
        column = [Fraction(0)] * i + [left[k][i] / pivot for k in range(i, n)]
        for a in range(i, n):
            for b in range(i, n):
                left[a][b] -= pivot * column[a] * column[b]
        found.append((pivot, column))
    return found
