"""Matrices and signals as they come from other libraries, and operators given to these."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator, lsqr, svds

from stabkit import (
    EUCLIDEAN,
    MAX_NORM,
    RANGE,
    Explicit,
    Linear,
    Stable,
    decide,
    difference,
    fluxes,
    from_matrix,
    operator_norm,
    step_bound,
)
from stabkit.errors import InvalidArgument
from stabkit.stability.property import NormAtMost

D = np.array([[-1.0, 1, 0], [0, -1, 1], [1, 0, -1]])  # ‖D‖² = 3: around a circle of three


class Labelled:
    """What frames of pandas and arrays of xarray have in common."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)


def of(library, make):
    return lambda: make(pytest.importorskip(library))


def hierarchy(pyamg):
    a = scipy.sparse.diags_array([2.0, -1, -1], offsets=[0, 1, -1], shape=(20, 20)).tocsr()
    return pyamg.ruge_stuben_solver(a, max_coarse=5)


SPARSE = {f"{kind}_{what}": (lambda kind=kind, what=what: getattr(
    scipy.sparse, f"{kind}_{what}")(D)) for kind in (
        "bsr", "coo", "csc", "csr", "dia", "dok", "lil") for what in ("array", "matrix")}
MATRICES = {
    **SPARSE,
    "array": lambda: D, "integers": lambda: D.astype(int), "float32": lambda: D.astype(np.float32),
    "list": lambda: D.tolist(),
    "tuples": lambda: tuple(map(tuple, D)), "texts": lambda: [[str(x) for x in r] for r in D],
    "fractions": lambda: [[Fraction(x) for x in r] for r in D.tolist()],
    "aslinearoperator": lambda: aslinearoperator(D),
    "aslinearoperator of sparse": lambda: aslinearoperator(scipy.sparse.csr_array(D)),
    "LinearOperator": lambda: LinearOperator(
        D.shape, matvec=lambda u: np.roll(np.ravel(u), -1) - np.ravel(u), dtype=float),
    "an operator": lambda: from_matrix(D), "aslinearoperator of an operator": lambda:
        aslinearoperator(from_matrix(D)),
    "labelled": lambda: Labelled(D),
    "pandas": of("pandas", lambda pandas: pandas.DataFrame(D)),
    "xarray": of("xarray", lambda xarray: xarray.DataArray(D)),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_a_matrix_of_any_kind_where_an_operator_is(kind):
    """Each is the same exact matrix, of norm √3."""
    matrix = MATRICES[kind]()
    assert (from_matrix(matrix).exact() == D).all()
    assert operator_norm(matrix).lower**2 <= 3 <= operator_norm(matrix).upper**2
    assert decide(NormAtMost(matrix, 3)).status == "proved"
    assert decide(NormAtMost(matrix, "299/100")).status == "refuted"
    step = Explicit(matrix, fluxes.identity(), "2/3")
    assert decide(Stable(step, EUCLIDEAN)).status == "proved"
    assert (Linear(matrix).matrix.exact() == D).all()


@pytest.mark.parametrize("name", ["A", "P", "R"])
def test_the_matrices_of_a_hierarchy(name):
    level = hierarchy(pytest.importorskip("pyamg")).levels[0]
    matrix = getattr(level, name)
    assert (np.asarray(from_matrix(matrix)) == matrix.toarray()).all()


def test_a_cycle_of_a_hierarchy_is_an_operator():
    """One V-cycle from 0 is a linear map of the right side."""
    cycle = hierarchy(pytest.importorskip("pyamg")).aspreconditioner()
    b = np.linspace(-1, 2, 20)
    assert np.allclose(from_matrix(cycle) @ b, cycle @ b)


@pytest.mark.parametrize("wrong, words", [
    (3, "must be an Operator or a matrix, got int 3; .*from_matrix"),
    (None, "must be an Operator or a matrix"), ("abc", "must be an Operator or a matrix"),
    ({"a": 1}, "must be an Operator or a matrix"), (np.sin, "must be an Operator or a matrix"),
    (fluxes.identity(), "must be an Operator or a matrix"),
    (np.ones(3), "two dimensions"), (np.ones((2, 2, 2)), "two dimensions"),
    ([[1, 2], [3]], "two dimensions"), (np.zeros((0, 0)), "two dimensions"),
    ([[np.nan]], "finite"), ([[1j]], "rational"), (scipy.sparse.csr_array([[1j]]), "rational"),
    ([["a"]], "rational"),
    (LinearOperator((2, 2), matvec=lambda u: np.ravel(u)**2, dtype=float), "not linear"),
    (LinearOperator((9999, 9999), matvec=lambda u: u, dtype=float), "sparse matrix"),
])
def test_what_is_no_matrix_is_refused_where_it_enters(wrong, words):
    with pytest.raises(InvalidArgument, match=f"^K: .*{words}"):
        Explicit(wrong, fluxes.identity(), "1/4")
    with pytest.raises(InvalidArgument, match=f"^matrix: .*{words}"):
        Linear(wrong)
    with pytest.raises(InvalidArgument, match=f"^operator: .*{words}"):
        operator_norm(wrong)


def test_a_hierarchy_itself_is_refused_with_a_remedy():
    with pytest.raises(InvalidArgument, match=r"^K: .*levels\[0\].A"):
        Explicit(hierarchy(pytest.importorskip("pyamg")), fluxes.identity(), "1/4")


def test_operators_in_other_libraries():
    """NumPy, scipy.sparse and its solvers take an operator; the matrix is written down here."""
    K = difference(1, 3)
    by_hand = np.array([[-1.0, 1, 0], [0, -1, 1]])
    assert (np.asarray(K) == by_hand).all() and (K.sparse().toarray() == by_hand).all()
    product = aslinearoperator(K)
    u, v = np.array([1.0, 4, 9]), np.array([2.0, -1])
    assert (product @ u == [3, 5]).all() and (product.rmatvec(v) == [-2, 3, -1]).all()
    assert (product @ np.eye(3) == by_hand).all()
    assert np.allclose(svds(product, k=1, return_singular_vectors=False), 3**0.5)
    assert np.allclose(by_hand @ lsqr(product, v)[0], v)


SIGNALS = {
    "array": lambda: np.arange(4.0), "list": lambda: [0, 1, 2, 3], "tuple": lambda: (0, 1, 2, 3),
    "range": lambda: range(4), "texts": lambda: ["0", "1", "2", "3"],
    "fractions": lambda: [Fraction(k) for k in range(4)],
    "labelled": lambda: Labelled(np.arange(4.0)),
    "sparse": lambda: scipy.sparse.coo_array(np.arange(4.0)),
    "pandas": of("pandas", lambda pandas: pandas.Series(np.arange(4.0))),
    "xarray": of("xarray", lambda xarray: xarray.DataArray(np.arange(4.0))),
}


@pytest.mark.parametrize("kind", SIGNALS)
def test_a_signal_of_any_kind(kind):
    """u + (1/4)(second difference, ends reflected) of 0 1 2 3 is 1/4 1 2 11/4."""
    made = Explicit(difference(1, 4), fluxes.identity(), "1/4")(SIGNALS[kind]())
    assert list(made) == [Fraction(1, 4), 1, 2, Fraction(11, 4)]


@pytest.mark.parametrize("wrong", [None, 3, "abc", {"a": 1}, [1, 2], np.arange(4) * 1j,
                                   [np.nan] * 4, ["a"] * 4, np.arange(4)])
def test_what_is_no_signal_is_refused(wrong):
    with pytest.raises(InvalidArgument, match=r"^u: "):
        Explicit(difference(1, 4), fluxes.identity(), "1/4")(wrong)


SECOND = 2 * np.eye(8) - np.eye(8, k=1) - np.eye(8, k=-1)  # rows -1, 2, -1


def of_pylops(pylops):
    return pylops.MatrixMult(SECOND)


OPERATORS = {"aslinearoperator": lambda: aslinearoperator(SECOND),
             "by products": lambda: LinearOperator((8, 8), matvec=SECOND.dot, dtype=float),
             "a sum": lambda: aslinearoperator(SECOND / 2) + aslinearoperator(SECOND / 2),
             "pylops": of("pylops", of_pylops)}


@pytest.mark.parametrize("kind", OPERATORS)
def test_a_step_with_a_linear_operator_is_followed(kind):
    """The rows of I - dt A hold 1 - 2 dt and one or two dt: moduli sum to 1 at most until 1/2."""
    A = OPERATORS[kind]()
    for step in (lambda u, dt: u - dt * (A @ u), lambda u, dt: u - (dt * A) @ u,
                 lambda u, dt: u - dt * A.matvec(u)):
        found = step_bound(step, MAX_NORM, shape=8)
        assert found.proved == ((0, Fraction(1, 2)),)
        assert found.refuted[0][0] > Fraction(1, 2) and found.refuted[-1][1] is None


@pytest.mark.slow
def test_what_only_looks_like_a_linear_operator_proves_nothing():
    """|u| is not linear, whatever its class says: on signals >= 0 it would be the identity."""
    crooked = LinearOperator((8, 8), matvec=np.abs, dtype=float)
    found = step_bound(lambda u, dt: u - dt * crooked.matvec(u), MAX_NORM, shape=8, trials=200)
    assert not found.proved


@pytest.mark.parametrize("kind", [list, tuple, Labelled, lambda u: [str(k) for k in u],
                                  lambda u: [Fraction(k) for k in u.tolist()]])
def test_signals_to_try_first_of_any_kind(kind):
    """(1, ..., 1) loses 1/8 at both ends under I - A/8, so its range is left."""
    K = Linear(np.eye(8) - SECOND / 8)
    assert str(decide(K, RANGE, trials=0, signals=[kind(np.ones(8))]).status) == "refuted"


@pytest.mark.parametrize("wrong", [3, "a", [1, 2], [["x"] * 8], [[np.nan] * 8], [[1, 2]]])
def test_what_is_no_list_of_signals_is_refused(wrong):
    """It is told which argument, not what went wrong within."""
    with pytest.raises(InvalidArgument, match=r"^(signals|u): "):
        decide(Linear(np.eye(8) - SECOND / 8), RANGE, signals=wrong)


def test_texts_are_exact_signals():
    """K (1/3, 1/2, 1) in thirds and halves: the differences 1/6 and 1/2, no doubles near them."""
    assert (difference(1, 3) @ ["1/3", "1/2", "1"]).tolist() == [Fraction(1, 6), Fraction(1, 2)]
