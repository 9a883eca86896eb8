"""Operators against index arithmetic, dense NumPy, and values that are known by hand."""

from fractions import Fraction
from itertools import pairwise
from math import comb, factorial

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import determinant, fractions, is_psd
from stabkit.errors import InvalidArgument
from stabkit.operators import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    PERIODIC,
    REFLECTING,
    Operator,
    convolution,
    difference,
    differential_operator,
    from_matrix,
    gram,
    identity,
    norm_squared,
    norms,
    operator_norm,
    stable_step,
)
from stabkit.operators.norms import rational_sqrt
from stabkit.testing import boundaries, operators, rationals, ratios, signals, stencils

PADDED = (PERIODIC, DIRICHLET, MIRRORED, NATURAL)


def sample(u, i, boundary):
    """The sample u_i, also outside the signal."""
    n = len(u)
    if boundary is PERIODIC:
        return u[i % n]
    if boundary is MIRRORED:  # ... u₁ u₀ | u₀ u₁ ... u_{n−1} | u_{n−1} ...
        while not 0 <= i < n:
            i = -1 - i if i < 0 else 2 * n - 1 - i
        return u[i]
    return u[i] if 0 <= i < n else 0


def correlate(taps, u, boundary, centre):
    """Σⱼ tapsⱼ u_{i+j−centre}, written as loops over i and j."""
    n, k = len(u), len(taps)
    sites = {DIRICHLET: range(-k, n + k), NATURAL: range(-k, n + k)}.get(boundary, range(n))
    rows = []
    for i in sites:
        places = [i + j - centre for j in range(k)]
        met = [0 <= place < n for place in places]
        if (boundary is DIRICHLET and not any(met)) or (boundary is NATURAL and not all(met)):
            continue
        rows.append(sum(tap * sample(u, place, boundary)
                        for tap, place in zip(taps, places, strict=True)))
    return rows


@pytest.mark.slow
@given(stencils(), st.data(), boundaries(paddings=True))
def test_convolutions_are_sums_over_samples(taps, data, boundary):
    """Any stencil, centre and boundary; also where the stencil is longer than the signal."""
    n = data.draw(st.integers(len(taps) if boundary is NATURAL else 1, 6))
    centre = data.draw(st.integers(0, len(taps) - 1))
    u = data.draw(signals(n))
    K = convolution(taps, n, boundary, centre=centre)
    assert list(K @ u) == correlate(taps, u, boundary, centre)


@pytest.mark.parametrize("boundary", PADDED)
@pytest.mark.parametrize("order", range(7))
def test_differences_are_differences_of_differences(order, boundary):
    """The m-th forward difference is the first one, m times, of the extended signal, over hᵐ."""
    for n in range(order + 1 if boundary is NATURAL else 1, 10):
        u = fractions([(7 * i * i + 3 * i) % 11 - 5 for i in range(n)])
        sites = {NATURAL: range(n - order), DIRICHLET: range(-order, n)}.get(boundary, range(n))
        wanted = []
        for i in sites:
            window = [sample(u, i + j, boundary) for j in range(order + 1)]
            while len(window) > 1:
                window = [b - a for a, b in pairwise(window)]
            wanted.append(window[0] * 2**order)
        K = difference(order, n, Fraction(1, 2), boundary)
        assert list(K @ u) == (wanted if order else list(u))


@pytest.mark.parametrize("n", range(2, 8))
def test_reflecting_differences_are_alternating_products(n):
    """K₂ = −K₁ᵀK₁, K₃ = −K₁K₁ᵀK₁, K₄ = K₁ᵀK₁K₁ᵀK₁, ...: sign and shape of ∂ᵐ with zero flux."""
    one = np.zeros((n - 1, n), int)
    for i in range(n - 1):
        one[i, i], one[i, i + 1] = -1, 1
    wanted = {1: one, 2: -one.T @ one, 3: -one @ one.T @ one, 4: one.T @ one @ one.T @ one,
              5: one @ one.T @ one @ one.T @ one, 6: -one.T @ one @ one.T @ one @ one.T @ one}
    for order, dense in wanted.items():
        assert (difference(order, n).exact() == dense).all()
        assert (difference(order, n, 3).exact() == dense * Fraction(1, 3**order)).all()


@pytest.mark.parametrize("boundary", [REFLECTING, *PADDED])
@pytest.mark.parametrize("order", range(1, 7))
def test_differences_of_powers_are_factorials(order, boundary):
    """∂ᵐ xᵐ = m!, exactly, where the boundary is not felt; so scale and sign are right."""
    n, h = 16, Fraction(1, 4)
    power = fractions([(i * h) ** order for i in range(n)])
    rows = difference(order, n, h, boundary) @ power
    assert rows[len(rows) // 2] == factorial(order)


@pytest.mark.parametrize("boundary", [NATURAL, PERIODIC, MIRRORED, DIRICHLET])
def test_differential_operators_are_sums_in_one_window(boundary):
    """(Σ αₘ ∂ᵐ u)ᵢ = Σₘ αₘ (Δᵐu)ᵢ / hᵐ, every Δᵐ taken at the same sample i."""
    weights, n, h = [Fraction(1, 2), 0, -3, 1], 7, Fraction(1, 3)
    u = fractions([2, 0, -1, 5, 3, -4, 1])
    K = differential_operator(weights, n, h, boundary)
    sites = {NATURAL: range(n - 3), DIRICHLET: range(-3, n)}.get(boundary, range(n))
    assert list(K @ u) == [
        sum(a * sum((-1) ** (m - j) * comb(m, j) * sample(u, i + j, boundary)
                    for j in range(m + 1)) / h**m for m, a in enumerate(weights)) for i in sites]


def test_reflecting_differential_operators_keep_one_parity():
    """Odd and even reflecting differences have different numbers of rows."""
    made = differential_operator([0, 2, 0, -1], 5, 1, REFLECTING)
    assert (made.exact() == 2 * difference(1, 5).exact() - difference(3, 5).exact()).all()
    with pytest.raises(InvalidArgument, match="weights: reflecting"):
        differential_operator([0, 1, 1], 5, 1, REFLECTING)


@pytest.mark.slow
@given(operators(), st.data())
def test_the_adjoint_identity(K, data):
    """⟨K u, v⟩ = ⟨u, Kᵀv⟩ exactly, and (Kᵀ)ᵀ = K."""
    u, v = data.draw(signals(K.shape[1])), data.draw(signals(K.shape[0]))
    assert (K @ u) @ v == u @ (K.T @ v)
    assert K.T.T is K and (K.T.exact() == K.exact().T).all()


@pytest.mark.slow
@given(operators(), st.data(), rationals())
def test_the_algebra_of_operators(K, data, factor):
    """Sums, multiples and products act as their dense matrices do."""
    dense = K.exact()
    L = data.draw(operators().filter(lambda L: L.shape == K.shape)) if K.shape == (1, 1) else \
        from_matrix(dense[::-1] * Fraction(2, 3))
    for made, wanted in ((K + L, dense + L.exact()), (K - L, dense - L.exact()),
                         (factor * K, factor * dense), (-K, -dense),
                         (K.T @ L, dense.T @ L.exact()), (L @ K.T, L.exact() @ dense.T)):
        assert (made.exact() == wanted).all()
    assert (gram(K) == dense.T @ dense).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_and_batches(dtype):
    """K @ u keeps the dtype and acts on the last axis of a batch, as the dense product does."""
    K = from_matrix([[0.5, 0, -2], [0, 0, 0]])
    batch = np.arange(24, dtype=dtype).reshape(2, 4, 3)
    found = K @ batch
    assert found.dtype == dtype and found.shape == (2, 4, 2)
    assert (found == batch @ K.exact().astype(dtype).T).all()
    assert (K @ batch.astype(object) == found).all()
    assert (K @ np.arange(3)).dtype == np.float64


def test_intervals_pass_through():
    """K X contains K x for every x in X."""
    K = difference(2, 4, 1, MIRRORED)
    box = np.array([Interval(i, i + 1) for i in range(4)], dtype=object)
    for shift in (0, Fraction(1, 3), 1):
        inside = K @ fractions([i + shift for i in range(4)])
        assert all(X.lower <= x <= X.upper for X, x in zip(K @ box, inside, strict=True))


@pytest.mark.slow
@given(operators(), st.data())
def test_exact_products_in_every_arithmetic(K, data):
    """K u entry by entry from the dense matrix: of fractions with large denominators, of integers
    among them, and of intervals, which stay points where entries are integers."""
    n = K.shape[1]
    number = st.fractions(-9, 9, max_denominator=10**30)
    for kind in (number, st.one_of(number, st.integers(-9, 9))):
        u = data.draw(st.lists(kind, min_size=n, max_size=n))
        expected = [sum(Fraction(a) * x for a, x in zip(row, u, strict=True)) for row in K.exact()]
        found = K @ np.array(u, dtype=object)
        assert found.tolist() == expected and all(isinstance(x, Fraction) for x in found)
    whole = data.draw(st.lists(st.integers(-9, 9), min_size=n, max_size=n))
    boxes = np.array([Interval(x, x + 1) for x in whole], dtype=object)
    for image, row in zip(K @ boxes, K.exact(), strict=True):
        low = sum(a * (x + (a < 0)) for a, x in zip(row, whole, strict=True))
        high = sum(a * (x + (a > 0)) for a, x in zip(row, whole, strict=True))
        if isinstance(image, Interval):
            assert image.lower <= low and high <= image.upper
            assert image.width <= float(high - low) + 1e-12
        else:
            assert image == low == high == 0


def test_matrices_in_and_out():
    """scipy.sparse and dense matrices make the same operator; entries at one place add up."""
    dense = np.array([[0.1, 0.0], [0.0, -2.5], [3.0, 0.0]])
    for made in (from_matrix(dense), from_matrix(scipy.sparse.csr_array(dense)),
                 from_matrix(scipy.sparse.coo_matrix(dense))):
        assert (made.exact() == fractions(dense)).all()
        assert (made.sparse().toarray() == dense).all()
    twice = Operator((2, 2), [0, 0, 1, 0], [1, 1, 0, 1], ["1/3", "1/3", 5, 1])
    assert (twice.exact() == fractions([[0, "5/3"], [5, 0]])).all()
    big = from_matrix([[10**30, 1], [Fraction(1, 10**30), 0]])
    assert ((big @ big).exact() == big.exact() @ big.exact()).all()


@pytest.mark.slow
@given(operators())
def test_norms_contain_the_singular_values(K):
    """‖K‖ is the largest singular value of the dense matrix."""
    svd = np.linalg.norm(K.exact().astype(float), 2)
    enclosure = operator_norm(K)
    assert enclosure.lower <= svd * (1 + 1e-12) and svd * (1 - 1e-12) <= enclosure.upper
    assert enclosure.width <= 1e-9 * svd
    square = norm_squared(K)
    eye = np.eye(K.shape[1], dtype=int)
    assert is_psd(square.upper * eye - gram(K))


@pytest.mark.parametrize("K, exact", [
    (difference(1, 2), 2), (difference(1, 3), 3), (difference(2, 2), 4), (difference(2, 3), 9),
    (difference(3, 3, 2), Fraction(27, 64)), (difference(1, 4, 1, PERIODIC), 4),
    (difference(2, 6, "1/2", PERIODIC), 256), (difference(1, 1, 1, DIRICHLET), 2),
    (difference(1, 2, 1, DIRICHLET), 3), (difference(1, 3, 1, PERIODIC), 3),
    (difference(6, 2), 64), (difference(1, 1, 1, PERIODIC), 0), (identity(5), 1),
    (from_matrix([[3, 4]]), 25), (from_matrix([[0, 1], [-1, 0]]), 1), (0 * identity(2), 0),
])
def test_norms_that_are_rational_are_points(K, exact):
    """‖K₁‖² = 4 cos²(π/2N) is 2 and 3 for N = 2, 3; 4 sin² of the grid's frequencies otherwise."""
    assert norm_squared(K).lower == norm_squared(K).upper == exact


@pytest.mark.parametrize("K", [
    difference(1, 120), difference(4, 77), difference(1, 64, 1, PERIODIC),
    Fraction(1, 3) * difference(3, 60), difference(1, 60, 1, MIRRORED), difference(2, 99).T,
    convolution([1, -3, 2], 80, DIRICHLET),
])
def test_norms_of_large_operators(K):
    """Beyond exact elimination: formulas are sharp, and bounds are bounds."""
    svd = np.linalg.norm(K.sparse().toarray(), 2) ** 2
    enclosure = norm_squared(K)
    assert float(enclosure.lower) <= svd * (1 + 1e-12)
    assert svd * (1 - 1e-12) <= float(enclosure.upper)
    assert K.norm_squared_formula is None or enclosure.width <= 1e-12 * svd


@pytest.mark.parametrize("size", [Fraction(1, 10**200), Fraction(10**200), Fraction(3, 10**170)])
def test_norms_of_tiny_and_huge_operators(size):
    """‖c K‖² = c²‖K‖², also where c² is no float."""
    found = norm_squared(size * difference(1, 3))
    assert found.lower <= 3 * size**2 <= found.upper <= found.lower * (1 + Fraction(1, 10**12))
    skew = norm_squared(from_matrix([[size, 1 / size], [0, size]]))
    assert skew.lower <= skew.upper <= 2 * (max(size, 1 / size)) ** 2


@pytest.mark.slow
@given(operators(), ratios(), st.sampled_from([Fraction(1), Fraction(7, 3)]))
def test_steps_lie_on_their_side_of_the_bound(K, ratio, lipschitz):
    """2 I − τ L KᵀK >= 0 for ratios up to 1 and not beyond, to the last digit."""
    if not norm_squared(K).lo > 0:
        return
    a, eye = gram(K), np.eye(K.shape[1], dtype=int)
    assert is_psd(2 * eye - stable_step(K, lipschitz, ratio) * lipschitz * a)
    beyond = stable_step(K, lipschitz, 1 + (1 - ratio) + Fraction(1, 10**30))
    assert not is_psd(2 * eye - beyond * lipschitz * a)


def test_the_exact_bound_is_met_exactly():
    """For rational ‖K‖² the step at ratio 1 is 2/(L‖K‖²): 2 I − τ L KᵀK is singular."""
    for K in (difference(1, 2), difference(1, 3), difference(2, 6, 1, PERIODIC)):
        step = stable_step(K)
        assert determinant(2 * np.eye(K.shape[1], dtype=int) - step * gram(K)) == 0


def test_roots_of_rationals():
    """Bounds of √x on both sides, exact for squares."""
    assert rational_sqrt(Fraction(9, 16), up=True) == rational_sqrt(Fraction(9, 16), up=False) \
        == Fraction(3, 4)
    low, high = (rational_sqrt(Fraction(2, 7), up=up) for up in (False, True))
    assert low**2 < Fraction(2, 7) < high**2 and high - low < Fraction(1, 10**15)


@pytest.mark.parametrize("argument, wrong", [
    ("order", lambda: difference(-1, 4)), ("order", lambda: difference(1.5, 4)),
    ("n", lambda: difference(1, 0)), ("n", lambda: difference(1, 4.0)),
    ("n", lambda: difference(1, 1)), ("n", lambda: difference(3, 3, 1, NATURAL)),
    ("n", lambda: convolution([1, 2], 1, NATURAL)), ("n", lambda: convolution([1], 2.5)),
    ("h", lambda: difference(1, 4, 0)), ("h", lambda: difference(1, 4, -1)),
    ("h", lambda: difference(1, 4, float("nan"))),
    ("boundary", lambda: difference(1, 4, 1, "periodic")),
    ("boundary", lambda: convolution([1], 4, "mirrored")),
    ("boundary", lambda: convolution([1], 4, REFLECTING)),
    ("taps", lambda: convolution([], 4)), ("taps", lambda: convolution([None], 4)),
    ("centre", lambda: convolution([1, 2], 4, centre=2)),
    ("weights", lambda: differential_operator([0, 0], 4)),
    ("weights", lambda: differential_operator([float("inf")], 4)),
    ("matrix", lambda: from_matrix([1, 2])), ("matrix", lambda: from_matrix([[float("nan")]])),
    ("matrix", lambda: from_matrix([[]])), ("matrix", lambda: from_matrix([["x"]])),
    ("shape", lambda: Operator((1, 0), [], [], [])),
    ("rows", lambda: Operator((1, 1), [1], [0], [1])),
    ("u", lambda: identity(3) @ np.ones(2)), ("u", lambda: identity(3) @ 1.0),
    ("sum", lambda: identity(3) + identity(2)), ("product", lambda: identity(3) @ identity(2)),
    ("factor", lambda: float("nan") * identity(3)),
    ("stable_step", lambda: stable_step(0 * identity(1))),
    ("value", lambda: rational_sqrt(Fraction(-1), up=True)),
])
def test_bad_input_names_the_argument(argument, wrong):
    """One line that says which argument cannot be used."""
    with pytest.raises(InvalidArgument, match=rf"\b{argument}\b") as raised:
        wrong()
    assert "\n" not in str(raised.value)


def test_operators_with_the_same_entries_are_told_apart():
    """A name, or what was meant by a float, belongs to one operator, not to its entries."""
    first, other = difference(1, 4), difference(1, 4)
    first.label = "G"
    assert other.label == difference(1, 4).label == "K" and first is not other
    assert first.T.T is first and other.T is not first.T
    rounded, exact = difference(1, 4, 0.1), difference(1, 4, Fraction(0.1))
    assert rounded.meant() is not rounded and exact.meant() is exact
    assert (rounded.exact() == exact.exact()).all()

@pytest.mark.parametrize("matrix", [
    [["1/3", 1], [2, "1/7"], [1, 1]], [[1, 2], [3, 4]], [[5, 0], [0, "1/9"]]])
def test_enclosures_do_not_depend_on_the_last_bits_of_a_guess(monkeypatch, matrix):
    """Eigenvalues in floats differ between processors; verdict files must not."""
    K, guess = from_matrix(matrix), scipy.linalg.eigvalsh
    found = set()
    for units in (-3, -1, 0, 2, 40):
        monkeypatch.setattr(scipy.linalg, "eigvalsh",
                            lambda a, units=units: guess(a) * (1 + units * 2.0**-52))
        norms._norm_squared.cache_clear()
        square = norm_squared(K)
        found.add((square.lower, square.upper))
    assert len(found) == 1
    low, high = found.pop()
    truth = guess(np.array(K.exact(), float).T @ np.array(K.exact(), float))[-1]
    assert low * (1 - Fraction(1, 2**40)) <= Fraction(truth) <= high * (1 + Fraction(1, 2**40))
