"""Largest eigenvalues of band matrices, and whether a step is stable, against LAPACK and Arb."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_loops import same

from stabkit import InvalidArgument, Undecided, difference, from_matrix, norm_squared
from stabkit.arithmetic.enclosure import to_fraction
from stabkit.kernels import eigenvalues as kernels
from stabkit.operators import eigenvalues
from stabkit.operators.eigenvalues import bounds_of_largest_eigenvalue, decide_below
from stabkit.operators.float_bounds import bounds_of_norm_squared, has_tridiagonal_gram
from stabkit.spectra import step_is_stable

BAD = (np.nan, np.inf, -np.inf)


def matrix(n, width=2, seed=0):
    """Random bands with zeros, as the kernel takes them, and the dense matrix."""
    rng = np.random.default_rng((seed, n))
    bands = rng.standard_normal((width, n)) * (rng.random((width, n)) < 0.8)
    for k in range(1, width):
        bands[k, :k] = 0
    dense = sum((np.diag(bands[k, k:], k) + np.diag(bands[k, k:], -k) for k in range(1, width)
                 if k < n), np.diag(bands[0]))
    return bands, dense


def plain_all_below(diagonal, beside, x):
    """The elimination from both ends as one writes it."""
    n = len(diagonal)
    middle, pivots = n // 2, {}
    for i in [*range(middle), *range(n - 1, middle, -1), middle]:
        pivots[i] = diagonal[i] - x
        for near in (i - 1, i + 1):
            if near in pivots and (i == middle or (near < i) == (i < middle)):
                b = beside[min(i, near)]
                pivots[i] -= b * b / pivots[near]
    return all(-np.inf < pivot < 0 for pivot in pivots.values())


def middle_pivot(bands, x):
    """One lane of the sweep: the pivot of the middle row, NaN once one is not negative."""
    def kept(pivot):
        return pivot if pivot < 0 else np.float64(np.nan)

    n = bands.shape[1]
    left = right = np.float64(-1)
    for i in range(n // 2):
        left = kept(bands[0, i] - x - bands[1, i] ** 2 / left)
    for i in range(n - 1, n // 2, -1):
        right = kept(bands[0, i] - x - (bands[1, i + 1] ** 2 if i + 1 < n else 0.0) / right)
    beside = bands[1, n // 2 + 1] if n // 2 + 1 < n else 0.0
    return kept(bands[0, n // 2] - x - bands[1, n // 2] ** 2 / left - beside ** 2 / right)


@pytest.mark.slow
@pytest.mark.parametrize("width", [2, 3])
def test_largest_eigenvalue_is_that_of_lapack(width):
    for n in (1, 2, 3, 7, 40, 150):
        for bands, dense in (matrix(n, width), matrix(n, width, seed=1)):
            expected = scipy.linalg.eigvalsh(dense)[-1]
            for found in (kernels.largest_eigenvalue(bands), eigenvalues.largest_eigenvalue(bands)):
                assert abs(found - expected) <= 1e-14 * np.abs(dense).sum(axis=0).max()
        for value in BAD:
            bands[0, n // 2] = value
            assert np.isnan(kernels.largest_eigenvalue(bands))
            assert np.isnan(eigenvalues.largest_eigenvalue(bands))


def test_sweep_in_lanes_is_its_plain_loop():
    for n in (1, 2, 3, 20, 21):
        for value in (0.5, *BAD):
            bands, _ = matrix(n)
            bands[0, n // 3] = value
            x, pivots = np.linspace(0, 4, kernels.SHIFTS), np.empty(kernels.SHIFTS)
            with np.errstate(all="ignore"):
                expected = np.array([middle_pivot(bands, shift) for shift in x])
            sweep(bands, x, pivots, np.empty(2 * kernels.WIDE))
            assert same(pivots, expected)


@kernels.kernel
def sweep(bands, x, pivots, w):
    """The pivots in lanes, compiled."""
    kernels.pivots_tridiagonal(bands, x, pivots, w)


def test_elimination_from_both_ends_is_its_plain_loop():
    """At the eigenvalue itself and a few floats beside it, where rounding decides."""
    for n in (1, 2, 3, 4, 5, 8, 33):
        bands, dense = matrix(n, seed=3)
        diagonal, beside = bands[0].copy(), bands[1, 1:].copy()
        top = scipy.linalg.eigvalsh(dense)[-1]
        for x in (*(top + k * np.spacing(top) for k in range(-6, 7)), top + 1, top - 1, *BAD):
            with np.errstate(all="ignore"):
                expected = plain_all_below(diagonal, beside, x)
            assert kernels.all_below(diagonal, beside, x) == expected
        assert kernels.all_below(diagonal, beside, top + 1e-9)
        assert eigenvalues.all_below(diagonal, beside, top + 1e-9)
        assert not kernels.all_below(diagonal, beside, top - 1e-9)


def test_nan_and_infinity_are_never_below():
    """In the diagonal, beside it, or as the bound, at the ends and in the middle."""
    for compiled in (kernels.all_below, eigenvalues.all_below):
        for n in (1, 2, 5, 6):
            diagonal, beside = np.zeros(n), np.zeros(n - 1)
            assert compiled(diagonal, beside, 1.0)
            for value in BAD:
                assert not compiled(diagonal, beside, value)
                for place in range(n):
                    d, b = diagonal.copy(), beside.copy()
                    d[place] = value
                    assert not compiled(d, beside, 1.0)
                    assert decide_below(d, beside, Fraction(1)) is None
                    if place < n - 1:
                        b[place] = value
                        assert not compiled(diagonal, b, 1.0)
                        assert decide_below(diagonal, b, Fraction(1)) is None


def exact_top(n):
    """λ = 2 + 2 cos(π/n), the largest eigenvalue of the reflecting second difference, by Arb."""
    return 2 + 2 * (arb.pi() / n).cos()


@pytest.mark.parametrize("n", [2, 3, 50, 1000, 30_000])
def test_a_step_just_over_the_bound_is_refused(n):
    """τ = 2/λ (1 ± 10⁻⁹); the bound itself is too close, or told exactly where it is rational."""
    bound = to_fraction((2 / exact_top(n)).mid())
    flat = np.ones(n - 1)
    near = Fraction(1, 10**9)
    assert step_is_stable(flat, bound * (1 - near)) is True
    assert step_is_stable(flat, bound * (1 + near)) is False
    assert step_is_stable(3 * flat, bound * (1 - near) / 12, h="1/2") is True
    assert step_is_stable(3 * flat, bound * (1 + near) / 12, h="1/2") is False
    with pytest.raises(Undecided):
        step_is_stable(flat, bound)


def test_slopes_that_are_no_numbers_are_refused():
    for value in BAD:
        with pytest.raises(InvalidArgument, match="slopes"):
            step_is_stable(np.array([1.0, value, 1.0]), "1/8")
    for slopes in (["x"], [[1.0]], []):
        with pytest.raises(InvalidArgument, match="slopes"):
            step_is_stable(slopes, "1/8")
    for tau in (0, -1, "nan"):
        with pytest.raises(InvalidArgument, match="tau"):
            step_is_stable(np.ones(3), tau)
    assert step_is_stable(np.zeros(4), 10**6)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=7), st.data())
def test_decisions_agree_with_exact_elimination(entries, data):
    """Small integers and a bound near an eigenvalue: pivots in fractions decide the same."""
    n = len(entries)
    beside = [data.draw(st.integers(-5, 5)) for _ in range(n - 1)]
    dense = np.diag(entries) + np.diag(beside, 1) + np.diag(beside, -1)
    top = Fraction(float(np.linalg.eigvalsh(dense)[-1]))
    bound = top + Fraction(data.draw(st.integers(-40, 40)), 2**51)
    decided = decide_below(np.array(entries, float), np.array(beside, float), bound)
    pivot, below = None, True
    for i in range(n):
        pivot = entries[i] - bound - (Fraction(beside[i - 1] ** 2) / pivot if i else 0)
        below = below and pivot < 0
        if not below:
            break
    assert decided in (None, below)


def test_bounds_enclose_the_eigenvalue():
    """λ = 2 + 2 cos(π/n) lies between them, 10⁻¹³ apart; entries beyond the range are refused."""
    for n in (3, 100, 25_000):
        diagonal = np.full(n, 2.0)
        diagonal[[0, -1]] = 1.0
        low, high = bounds_of_largest_eigenvalue(diagonal, -np.ones(n - 1))
        top = exact_top(n)
        assert low <= to_fraction(top.lower()) and to_fraction(top.upper()) <= high
        assert high - low < 1e-13
    for value in (*BAD, 1e200):
        with pytest.raises(InvalidArgument, match="diagonal"):
            bounds_of_largest_eigenvalue(np.array([1.0, value]), np.ones(1))


def test_norm_of_an_operator_with_two_neighbours_in_a_row_is_enclosed():
    """Rows (−cᵢ, cᵢ): ‖K‖² by LAPACK; the first difference at any size: 2 + 2 cos(π/N)."""
    c = np.random.default_rng(4).integers(1, 100, 59)
    rows = np.zeros((59, 60), dtype=int)
    rows[np.arange(59), np.arange(59)], rows[np.arange(59), np.arange(1, 60)] = -c, c
    found, dense = norm_squared(from_matrix(rows)), np.linalg.eigvalsh(rows.T @ rows)[-1]
    assert found.lower <= dense * (1 + 1e-13) and found.upper >= dense * (1 - 1e-13)
    assert found.upper - found.lower < 1e-10 * dense
    low, high = bounds_of_norm_squared(difference(1, 3000))
    top = exact_top(3000)
    assert low <= to_fraction(top.lower()) and to_fraction(top.upper()) <= high
    assert high - low < 1e-10
    assert not has_tridiagonal_gram(difference(2, 60))
    assert not has_tridiagonal_gram(from_matrix([[1, 0, 1]]))
