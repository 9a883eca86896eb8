"""Violations of linear steps are read off the matrix: none is too small to be found."""

from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.rational import determinant, negative_direction
from stabkit.arithmetic.rounding import size
from stabkit.operators import difference, from_matrix, identity
from stabkit.schemes import Chain, Explicit, Function, Linear
from stabkit.stability.decide import decide
from stabkit.stability.falsify import exact_margin
from stabkit.stability.falsify.linear import linear_violation
from stabkit.stability.notions import CONTRACTION, CONTRAST, EUCLIDEAN, RANGE, SIGN
from stabkit.stability.property import NormAtMost, Stable
from stabkit.stability.sign_changes import sign_changes
from stabkit.stability.verdict import PROVED, REFUTED

TINY = Fraction(1, 10**60)
HALF = Fraction(1, 2)


def turned(first, second, cosine=Fraction(20, 29), sine=Fraction(21, 29)):
    """The symmetric matrix with these eigenvalues and the eigenvectors (c, s) and (−s, c)."""
    Q = np.array([[cosine, -sine], [sine, cosine]], dtype=object)
    return from_matrix(Q @ np.array([[first, 0], [0, second]], dtype=object) @ Q.T)


@pytest.mark.parametrize("matrix, notion", [
    ([[HALF, HALF], [HALF, HALF + TINY]], RANGE),
    ([[HALF, HALF], [HALF, HALF - TINY]], RANGE),
    ([[1, 0], [-TINY, 1 + TINY]], RANGE),
    (turned(1 + TINY, HALF), EUCLIDEAN),
    (turned(1 + TINY, HALF), CONTRACTION),
    (turned(-1 - TINY, 0), EUCLIDEAN),
    ([[1, TINY], [0, 1]], EUCLIDEAN),
    ([[1, 0, 0], [0, 0, 1], [0, 1 + TINY, 0]], CONTRACTION),
    ([[1, 0], [TINY, 1]], CONTRAST),
    ([[1, 0, 0], [0, 1, 0], [0, -TINY, 1 + TINY]], CONTRAST),
    ([[1, 1, 0], [1, 1 - TINY, 0], [0, 0, 1]], SIGN),
])
def test_a_matrix_that_is_off_by_ten_to_the_minus_sixty_is_refuted(matrix, notion):
    """Row sums 1 ± ε, an entry −ε, an eigenvalue 1 + ε, a jump of 1 + 2ε, and minors −ε and
    1 of one size."""
    step = Linear(matrix if not isinstance(matrix, list) else from_matrix(matrix))
    outcome = decide(Stable(step, notion), trials=100)
    assert outcome.status is REFUTED
    assert exact_margin(step, notion, outcome.signals) < 0


@pytest.mark.parametrize("matrix, notion", [
    ([[HALF, HALF], [TINY, 1 - TINY]], RANGE),
    (turned(1, HALF), EUCLIDEAN), (turned(1 - TINY, -1), CONTRACTION),
    ([[1, 0], [0, 1]], EUCLIDEAN), ([[HALF, HALF], [HALF, HALF]], CONTRAST),
    ([[1, 0, 0], [TINY, 1 - TINY, 0], [0, TINY, 1 - TINY]], CONTRAST),
    ([[1, TINY], [TINY, 1]], SIGN),
])
def test_nothing_is_read_off_where_the_notion_holds(matrix, notion):
    """Means of old values, eigenvalues of modulus at most 1, jumps that are means of jumps."""
    step = Linear(matrix if not isinstance(matrix, list) else from_matrix(matrix))
    assert linear_violation(step, notion) is None


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(st.sampled_from([-2, -1, -HALF, 0, HALF, 1, 2]), min_size=9, max_size=9),
       st.sampled_from([RANGE, EUCLIDEAN, CONTRAST, CONTRACTION]))
def test_the_matrix_decides(entries, notion):
    """Brute force over the cube: where it finds a violation one is read off, and what is read off
    is one."""
    step = Linear(from_matrix(np.array(entries, dtype=object).reshape(3, 3)))
    found = linear_violation(step, notion)
    if found is not None:
        assert exact_margin(step, notion, found) < 0
        return
    for u in product((-1, 0, 1), repeat=3):
        signals = np.array(u, dtype=object), np.array([0, 0, 0], dtype=object)
        assert exact_margin(step, notion, signals[:notion.signals]) >= 0


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 3])
def test_signs_are_counted_by_minors(n):
    """A nonsingular matrix of the grid for which brute force finds more changes of sign: a signal
    is read off, and its image has more changes."""
    rng = np.random.default_rng(n)
    grid = [np.array(u, dtype=object) for u in product((-3, -1, 0, 1, 2), repeat=n) if any(u)]
    found = 0
    for entries in rng.integers(-1, 3, (60, n, n)):
        exact = np.array([[Fraction(int(x)) for x in row] for row in entries], dtype=object)
        read = linear_violation(Linear(from_matrix(exact)), SIGN)
        if read is not None:
            found += 1
            assert sign_changes(exact @ read[0]) > sign_changes(read[0])
        elif determinant(exact):
            assert all(sign_changes(exact @ u) <= sign_changes(u) for u in grid)
    assert n == 1 or found > 10


def is_semidefinite(S):
    """All principal minors are nonnegative."""
    n = len(S)
    return all(determinant(S[np.ix_(rows, rows)]) >= 0
               for k in range(1, n + 1) for rows in map(list, combinations(range(n), k)))


@pytest.mark.slow
@settings(max_examples=80)
@given(st.integers(1, 4).flatmap(lambda n: st.lists(
    st.integers(-2, 3), min_size=n * n, max_size=n * n)), st.booleans())
def test_a_direction_is_found_where_a_minor_is_negative(entries, squared):
    """Sylvester: S >= 0 if and only if all principal minors are; else xᵀS x < 0 for some x."""
    n = round(len(entries) ** 0.5)
    B = np.array([Fraction(x) for x in entries], dtype=object).reshape(n, n)
    S = B @ B.T - (B[:, :1] @ B[:, :1].T if squared else 0 * B) if entries[0] > 0 else B + B.T
    x = negative_direction(S)
    assert (x is None) == is_semidefinite(S)
    assert x is None or x @ S @ x < 0


def test_the_norm_of_a_matrix_is_told_from_a_bound_just_below_it():
    """|K|² = (1 + ε)², and 1 is no bound; K has no rational direction near by."""
    K = turned(1 + TINY, HALF)
    assert decide(NormAtMost(K, (1 + TINY) ** 2)).status is PROVED
    assert decide(NormAtMost(K, 1)).status is REFUTED


@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION, RANGE])
def test_entries_as_large_as_doubles_get(notion):
    """The square of 1e308 is no double, and the square of its square neither."""
    assert decide(Stable(Linear(from_matrix([[1e308]])), notion)).status is REFUTED
    shift = from_matrix([[0, 1e-320], [0, 0]])
    assert decide(Stable(Linear(shift), EUCLIDEAN)).status is PROVED


@pytest.mark.parametrize("number, words", [
    (Fraction(10) ** 616, "1e+616"), (Fraction(-12, 10 ** 500), "1.2e-499"),
    (Fraction(1, 8), "0.12"), (Fraction(0), "0"), (Fraction(3, 2), "1.5"),
])
def test_sizes_beyond_floats_are_told(number, words):
    """What is not zero is not told as zero, nor is it an error."""
    assert size(number) == words


@pytest.mark.slow
def test_hundreds_of_unknowns_take_a_moment():
    """An orthogonal matrix times 1 + 1e-12, rounded: the largest singular value is above 1."""
    rng = np.random.default_rng(5)
    rotation = np.linalg.qr(rng.standard_normal((128, 128)))[0]
    step = Linear(from_matrix(rotation * (1 + 1e-12)))
    (u,) = linear_violation(step, EUCLIDEAN)
    image = step(u)
    assert image @ image > u @ u
    assert linear_violation(Linear(from_matrix(rotation * (1 - 1e-9))), EUCLIDEAN) is None


def test_chains_and_fluxes_are_linear_too():
    """2/3 twice in a row 3/2 and the step 1/2 + ε of a flux φ(s) = s with two samples."""
    M, N = from_matrix([[HALF, HALF], [0, 1]]), from_matrix([[1, 0], [HALF, HALF + TINY]])
    assert linear_violation(Chain([Linear(M), Linear(M)]), RANGE) is None
    assert linear_violation(Chain([Linear(M), Linear(N)]), RANGE) is not None
    step = Explicit(difference(1, 2), fluxes.identity(), 1 + TINY)
    assert linear_violation(step, EUCLIDEAN) is not None
    assert decide(Stable(step, EUCLIDEAN), trials=10).status is REFUTED
    assert linear_violation(Explicit(difference(1, 2), fluxes.identity(), 1), EUCLIDEAN) is None
    assert linear_violation(Explicit(difference(1, 2), fluxes.soft(), 5), EUCLIDEAN) is None
    assert linear_violation(Linear(identity(600)), RANGE) is None
    assert linear_violation(Function(lambda u: 2 * u, 2), EUCLIDEAN) is None


def test_the_order_of_a_chain_is_kept():
    """M first, then N: N M has the row sums 1 and 2, M N those 3/2 and 2."""
    M, N = from_matrix([[1, 0], [0, 2]]), from_matrix([[0, 1], [0, 0]])
    (u,) = linear_violation(Chain([Linear(M), Linear(N)]), EUCLIDEAN)
    assert exact_margin(Chain([Linear(M), Linear(N)]), EUCLIDEAN, (u,)) < 0
    assert linear_violation(Chain([Linear(N), Linear(N)]), EUCLIDEAN) is None
    jumps = [abs(b - a) for a, b in pairwise(u)]
    assert len(jumps) == 1
