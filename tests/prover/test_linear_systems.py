"""The exact steps of rounding, beside floats and by multiplying out."""

from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("flint")

from stabkit.multipliers.linear_systems import complete, factors, reduce_system, solution
from stabkit.multipliers.rounding import simple

ENTRIES = st.lists(st.integers(-3, 3), min_size=12, max_size=12)


@pytest.mark.slow
@given(ENTRIES)
def test_factors_multiply_out(entries):
    """A semidefinite matrix BᵀB is Σ d l lᵀ with d > 0."""
    B = np.array([F(x) for x in entries], dtype=object).reshape(3, 4)
    A = B.T @ B
    found = factors(A.tolist())
    total = sum((d * np.outer(x, x) for d, x in found), np.zeros((4, 4), dtype=object))
    assert (total == A).all() and all(d > 0 for d, _ in found)


@pytest.mark.slow
@given(ENTRIES)
def test_a_matrix_with_a_negative_direction_has_no_factors(entries):
    """xᵀ A x < 0 for A = BᵀB − (1 + |Be|²) e eᵀ and x = e."""
    B = np.array([F(x) for x in entries], dtype=object).reshape(3, 4)
    A = B.T @ B
    A[1, 1] -= 1 + A[1, 1]
    assert factors(A.tolist()) is None


def test_a_zero_pivot_needs_a_zero_row():
    assert factors([[F(0), F(1)], [F(1), F(5)]]) is None
    assert factors([[F(0), F(0)], [F(0), F(5)]]) == [(F(5), [F(0), F(1)])]


@pytest.mark.slow
@given(ENTRIES, st.lists(st.integers(-3, 3), min_size=4, max_size=4))
def test_solutions_solve(entries, x):
    """A y = A x; unknowns without a pivot take what they are given."""
    rows = [{str(j): F(entries[4 * i + j]) for j in range(4)} for i in range(3)]
    right = [sum(row[str(j)] * x[j] for j in range(4)) for row in rows]
    y = solution(list(zip(rows, right, strict=True)), list("0123"))
    assert [sum(row[name] * y[name] for name in row) for row in rows] == right
    columns = [{i: F(entries[4 * i + j]) for i in range(3)} for j in range(4)]
    form, pivots = reduce_system(columns, range(3), dict(enumerate(right)))
    free = {j: F(7) for j in range(4) if j not in pivots}
    z = complete(form, pivots, free)
    assert [sum(columns[j][i] * z[j] for j in range(4)) for i in range(3)] == right
    assert all(z[j] == 7 for j in free)


def test_a_contradiction_has_no_solution():
    assert solution([({"a": F(1)}, F(1)), ({"a": F(2)}, F(3))], ["a"]) is None


@pytest.mark.parametrize("x, tolerance, size, expected", [
    (0.3333, 1e-3, 60, F(1, 3)), (0.0004, 1e-3, 60, F(0)), (1e-4, 1e-7, 5000, F(1, 5000)),
    (-2.5000001, 1e-5, 60, F(-5, 2)),
])
def test_simple_numbers(x, tolerance, size, expected):
    assert simple(x, tolerance, size) == expected
