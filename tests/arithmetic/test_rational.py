"""Exact linear algebra against sums over permutations, and constants that mind their company."""

from fractions import Fraction
from itertools import combinations, permutations
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit.arithmetic.rational import (
    Constant,
    determinant,
    fraction,
    fractions,
    from_flint,
    interpolate,
    is_psd,
    is_totally_nonnegative,
    rank,
    solve,
    to_flint,
)
from stabkit.errors import InvalidArgument
from stabkit.testing import rationals


def matrices(rows, columns, entries=None):
    entries = rationals(4, 3) if entries is None else entries
    return st.lists(st.lists(entries, min_size=columns, max_size=columns),
                    min_size=rows, max_size=rows)


@pytest.mark.slow
@given(matrices(4, 3))
def test_polynomials_are_known_by_their_values(coefficients):
    """Columns of coefficients, evaluated by Horner's rule at four nodes, come back."""
    nodes, values = (-2, 0, 1, 5), []
    for node in nodes:
        row = [Fraction(0)] * 3
        for line in reversed(coefficients):
            row = [node * value + c for value, c in zip(row, line, strict=True)]
        values.append(row)
    found = from_flint(interpolate(nodes, to_flint(values).tolist()))
    assert (found == fractions(coefficients)).all()
    if any(map(any, coefficients)):  # a wrong node is seen
        assert (from_flint(interpolate((-2, 0, 1, 4), to_flint(values).tolist())) != found).any() \
            or not any(map(any, coefficients[1:]))


def leibniz(a):
    """The determinant as a sum over permutations."""
    n = len(a)
    total = Fraction(0)
    for order in permutations(range(n)):
        inversions = sum(order[i] > order[j] for i, j in combinations(range(n), 2))
        total += (-1) ** inversions * prod((a[i][order[i]] for i in range(n)), start=Fraction(1))
    return total


def minors(a, principal=False):
    """All minors of a matrix (or the principal ones), by permutations."""
    for size in range(1, min(len(a), len(a[0])) + 1):
        for rows in combinations(range(len(a)), size):
            for columns in [rows] if principal else combinations(range(len(a[0])), size):
                yield leibniz([[a[i][j] for j in columns] for i in rows])


SQUARE = st.integers(1, 4).flatmap(lambda n: matrices(n, n))


@pytest.mark.slow
@given(SQUARE)
def test_determinant_is_the_sum_over_permutations(a):
    """det A = Σ sgn(σ) Π A[i, σ(i)] (Leibniz)."""
    assert determinant(a) == leibniz(a)


@pytest.mark.slow
@given(st.integers(1, 4).flatmap(lambda n: matrices(n, n, st.integers(-2, 2))))
def test_semidefinite_means_nonnegative_principal_minors(a):
    """A symmetric A is positive semidefinite iff all principal minors are >= 0 (Sylvester)."""
    n = len(a)
    symmetric = [[a[max(i, j)][min(i, j)] for j in range(n)] for i in range(n)]
    assert is_psd(symmetric) == all(minor >= 0 for minor in minors(symmetric, principal=True))


@pytest.mark.slow
@given(st.integers(1, 3).flatmap(lambda m: matrices(m, 4)), rationals(1, 10**6).filter(bool))
def test_gram_matrices_are_semidefinite_up_to_the_last_digit(b, gap):
    """BᵀB >= 0 with rank <= 3 < 4 is singular, so BᵀB − εI is not semidefinite, however small ε."""
    gram = np.array(b, dtype=object).T @ np.array(b, dtype=object)
    eye = np.eye(4, dtype=int)
    assert is_psd(gram) and not is_psd(gram - abs(gap) * eye) and is_psd(gram + abs(gap) * eye)


@pytest.mark.parametrize("matrix", [[[1, 2], [3, 4]], [[1, 2, 3], [2, 1, 3]], [[0], [1]]])
def test_only_symmetric_matrices_are_semidefinite_or_not(matrix):
    """The question is asked of symmetric matrices."""
    with pytest.raises(InvalidArgument, match="matrix: must be symmetric"):
        is_psd(matrix)


@pytest.mark.slow
@given(st.tuples(st.integers(1, 3), st.integers(1, 3)).flatmap(
    lambda shape: matrices(*shape, st.integers(0, 2))))
def test_totally_nonnegative_means_all_minors(a):
    """Every minor is >= 0."""
    assert is_totally_nonnegative(a) == all(minor >= 0 for minor in minors(a))


def test_published_totally_nonnegative_matrices():
    """Pascal's matrices, and Vandermonde's with 0 < x₁ < x₂ < ... (Gantmacher and Krein), have
    this property; with two rows exchanged they lose it."""
    pascal = [[comb(i, j) for j in range(6)] for i in range(6)]
    vandermonde = [[Fraction(x, 2)**j for j in range(5)] for x in (1, 2, 5, 7, 11)]
    for matrix in (pascal, vandermonde):
        assert is_totally_nonnegative(matrix)
        assert not is_totally_nonnegative([matrix[1], matrix[0], *matrix[2:]])
    with pytest.raises(InvalidArgument, match="up to size 8"):
        is_totally_nonnegative(np.eye(9, dtype=int))


@pytest.mark.slow
@given(SQUARE, st.lists(rationals(), min_size=4, max_size=4))
def test_solving_inverts_the_product(a, right):
    """A x = b exactly, or A is singular and that is said."""
    n = len(a)
    if leibniz(a) == 0:
        with pytest.raises(InvalidArgument, match="nonsingular"):
            solve(a, right[:n])
        return
    x = solve(a, right[:n])
    assert list(np.array(a, dtype=object) @ x) == right[:n]
    both = solve(a, [[b, 2 * b] for b in right[:n]])
    assert list(both[:, 1]) == list(2 * x)


@pytest.mark.slow
@given(st.integers(0, 3), st.data())
def test_rank_of_a_sum_of_dyads(r, data):
    """Σ xᵢ yᵢᵀ over r dyads has the rank of the largest nonzero minor."""
    size = st.lists(st.integers(-2, 2), min_size=4, max_size=4)
    total = sum((np.outer(data.draw(size), data.draw(size)) for _ in range(r)),
                np.zeros((4, 4), int))
    largest = max((k for k in range(1, 5) for rows in combinations(range(4), k)
                   for columns in combinations(range(4), k)
                   if leibniz(total[np.ix_(rows, columns)].tolist())), default=0)
    assert rank(total) == largest


def test_flint_there_and_back():
    """No entry changes on the way to FLINT and back; a matrix may have no columns."""
    exact = fractions([["1/3", -2], [0.125, Fraction(7, 10**30)]])
    assert (from_flint(to_flint(exact)) == exact).all()
    assert from_flint(to_flint(np.empty((2, 0), dtype=object))).shape == (2, 0)


@pytest.mark.parametrize("given_, exact", [
    ("-3/4", Fraction(-3, 4)), (0.1, Fraction(0.1)), (np.float32(0.5), Fraction(1, 2)),
    (np.int64(-7), Fraction(-7)), (True, Fraction(1)), (Constant(1, 3), Fraction(1, 3)),
])
def test_numbers_are_taken_exactly(given_, exact):
    """A float is the dyadic rational that it is, not the decimal that it prints."""
    assert fraction(given_) == exact


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), None, "x", "1/0", 1j, [1]])
def test_what_is_no_rational_number_is_named(wrong):
    """The message names the argument."""
    with pytest.raises(InvalidArgument, match="weight: must be a finite rational number"):
        fraction(wrong, "weight")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_is_rounded_beside_floats(dtype):
    """1/3 beside float32 is float32(1/3), on either side of every operation."""
    third, row = Constant(1, 3), np.array([1, 2], dtype)
    near = dtype(1 / 3)
    for found, wanted in ((third * row, near * row), (row * third, row * near),
                          (row + third, row + near), (third + row, near + row),
                          (row - third, row - near), (third - row, near - row),
                          (row / third, row / near), (third / row, near / row),
                          (-third * row, -near * row), (dtype(2) * third, dtype(2) * near)):
        assert found.dtype == dtype and (found == wanted).all()


def test_a_constant_is_exact_beside_exact_numbers():
    """Among fractions and integers it is the fraction, and products remain constants."""
    third, row = Constant(1, 3), fractions([1, "1/2"])
    for found in (third * row, row * third):
        assert found.dtype == object and list(found) == [Fraction(1, 3), Fraction(1, 6)]
    assert list(row - third) == [Fraction(2, 3), Fraction(1, 6)]
    for product in (2 * third, third * Fraction(2), -third, third / 2):
        assert isinstance(product, Constant) and product.denominator in (3, 6)
