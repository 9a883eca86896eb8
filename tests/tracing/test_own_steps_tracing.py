"""A function traced on symbols is the function: matrices by unit vectors, and what must stop it."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.ndimage as ndimage
import scipy.sparse as sparse

from stabkit.errors import InvalidArgument, StabkitError, TracingStopped
from stabkit.tracing import kinds_of, trace
from stabkit.tracing.evaluation import matrix_at
from stabkit.tracing.run import evaluate_at

SPARSE = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(6, 6)).tocsr()
DENSE = np.random.default_rng(1).integers(-3, 4, (6, 6)) / 4
MASK = np.arange(6) % 2 == 0


def padded(u, dt):
    p = np.pad(u, 1, mode="edge")
    return u + dt * (p[2:] - 2 * p[1:-1] + p[:-2])


def in_place(u, dt):
    v = np.zeros(u.shape)
    v[1:-1] = u[:-2]
    v[1:-1] += dt * u[2:]
    v[0], v[-1] = u[0], 2 * u[-1]
    w = v[2:4]
    w *= 3
    return v


def by_loops(u, dt):
    v = np.empty_like(u)
    for i in range(len(u)):
        v[i] = u[i] + dt * (u[i - 1] - u[i]) / 2
    return v


def two_levels(s, dt):
    u, p = s.reshape(2, 3)
    return np.concatenate([2 * u - p + dt * (np.roll(u, 1) - u), u])


def masked(u, dt):
    return np.where(MASK, u, dt * u[::-1])


def assigned_by_mask(u, dt):
    v = u.copy()
    v[MASK] = dt * u[~MASK]
    return v


def stacked(u, dt):
    return np.array([u[0] + dt * u[1], u[1], u[2], u[3] / (1 + dt), u[4], np.sum(u)])


STEPS = [
    padded, in_place, by_loops, two_levels, masked, assigned_by_mask, stacked,
    lambda u, dt: u + dt * (SPARSE @ u), lambda u, dt: u + dt * SPARSE.dot(u),
    lambda u, dt: DENSE @ u - dt * np.dot(u, DENSE),
    lambda u, dt: (np.eye(6) - dt * DENSE) @ u,
    lambda u, dt: (sparse.identity(6) + dt * SPARSE) @ u,
    lambda u, dt: np.einsum("ij,j->i", DENSE, u) * dt**2,
    lambda u, dt: u + dt * np.convolve(u, [0.25, 0.5, 0.25], mode="same"),
    lambda u, dt: np.convolve(u, [1, 2, 3, 4], mode="full")[1:7] * dt,
    lambda u, dt: np.correlate(u, [1, 2, 4], mode="same") + dt,
    lambda u, dt: u + dt * np.gradient(np.gradient(u, 0.5), 0.5),
    lambda u, dt: u + dt * np.diff(u, prepend=u[:1]),
    lambda u, dt: np.diff(u, n=2, append=[0, 0]) + dt * np.cumsum(u),
    lambda u, dt: u + dt * ndimage.laplace(u, mode="wrap"),
    lambda u, dt: ndimage.convolve(u, [1.0, 2.0, 5.0, 7.0], mode="reflect") * dt,
    lambda u, dt: ndimage.correlate(u, [1.0, 2.0, 5.0], mode="constant", cval=3.0) + dt * u,
    lambda u, dt: ndimage.convolve1d(u, [1.0, 2.0, 5.0, 3.0], mode="nearest") + dt * u,
    lambda u, dt: np.linalg.solve(np.eye(6) * 3 + DENSE, u) + dt,
    lambda u, dt: np.tile(u[:3], 2) + np.repeat(u[:2], 3) * dt - np.flip(u),
    lambda u, dt: np.mean(u) + dt * (u - u.mean()),
    lambda u, dt: u.reshape(2, 3).T.ravel() - dt * np.transpose(u.reshape(3, 2)).reshape(-1),
    lambda u, dt: (np.outer(u, [1, 2]) * dt).sum(axis=1),
]


@pytest.mark.parametrize("step", STEPS, ids=range(len(STEPS)))
def test_the_trace_has_the_matrix_of_the_function(step):
    """Columns step(eⱼ, dt) − step(0, dt) and the constant step(0, dt), in floats."""
    found = trace(step, 6)
    assert found.is_linear
    for dt in (0.25, 1.5):
        zero = step(np.zeros(6), dt)
        columns = [step(np.eye(6)[j], dt) - zero for j in range(6)]
        matrix = matrix_at(found.form, dt, 7).toarray()
        assert np.abs(matrix - np.column_stack([zero, *columns])).max() < 1e-12


def test_coefficients_are_exact_and_floats_are_what_was_meant():
    """0.1 is 1/10 and told; thirds of fractions stay thirds."""
    found = trace(lambda u, dt: 0.1 * u + dt * u / 3, 2)
    assert found.form.numerators.tolist() == [[3, 10]] * 2 and found.form.denominator == (30,)
    assert "0.1 as 1/10" in found.rounding
    at = evaluate_at(found.form, Fraction(3, 10))
    assert at.numerators.tolist() == [[1]] * 2 and at.denominator == (5,)


def test_integers_that_do_not_fit_are_carried_on():
    """(10²⁰ − 1) u through large and small factors."""
    found = trace(lambda u, dt: (u * 10**10) * 10**10 - u + dt * u, 2)
    assert found.form.numerators.tolist() == [[10**20 - 1, 1]] * 2
    A = np.random.default_rng(0).standard_normal((5, 3))  # doubles, of up to 52 binary digits
    assert trace(lambda u, dt: u - dt * A.T @ (A @ u), 3).form.numerators.dtype == object
    found = trace(lambda u, dt: u * 10**15 * 10**15 / 10**30 + dt * u, 2)
    assert found.form.numerators.tolist() == [[1, 1]] * 2 and found.form.denominator == (1,)


def branch(u, dt):
    return u if u[0] > 0 else 2 * u


def swallowed(u, dt):
    try:
        return u if u[0] > 0 else 2 * u
    except ArithmeticError:
        return u


STATE = []


def remembering(u, dt):
    STATE.append(1)
    return u * (1 if len(STATE) < 2 else 2)


class Instance:
    """Tells an array from a traced one."""

    def __call__(self, u, dt):
        return 2 * u if isinstance(u, np.ndarray) else u


@pytest.mark.parametrize("step, words", [
    (branch, "branch"), (swallowed, "branch"), (lambda u, dt: float(dt) * u, r"float\(\)"),
    (lambda u, dt: u * (dt > 1), None), (lambda u, dt: u * u.max(), "max over the data"),
    (lambda u, dt: np.asarray(u, dtype=int) * 1.0, None),
    (lambda u, dt: np.array(u.tolist()), "item"),
    (lambda u, dt: u[np.argsort(u)], "argsort"), (lambda u, dt: u[u > 0], "mask or index"),
    (lambda u, dt: np.fft.ifft(np.fft.fft(u)).real, "fft"), (lambda u, dt: u * 1j, "complex"),
    (lambda u, dt: 2 * u if hasattr(u, "tobytes") else u, "attribute tobytes"),
    (remembering, None), (Instance(), "on symbols"),
    (lambda u, dt: np.linalg.norm(u, 1) * u, "norm"), (lambda u, dt: np.linalg.norm(u) * u, None),
    (lambda u, dt: u + np.random.default_rng().random(4), None),
])
def test_what_is_not_an_affine_form_is_never_taken_for_one(step, words):
    """A look at a value stops with the line, also where the code goes on after it; hidden state,
    random numbers and functions that know what they are given are told by comparison."""
    try:
        found = trace(step, 4)
    except StabkitError as error:
        assert words is None or __import__("re").search(words, str(error))
    else:
        assert words is None and not found.is_linear


def test_the_line_is_told():
    """With file, number and text."""
    with pytest.raises(TracingStopped, match=r"test_own_steps_tracing.py, line \d+: return u if"):
        trace(branch, 4)


@pytest.mark.parametrize("step, shape, words", [
    (lambda u, dt: u[1:], 4, "must return an array of the shape"),
    (lambda u, dt: None, 4, "returns nothing"), (lambda u, dt: u * np.nan, 4, "nan or inf"),
    (lambda u, dt: u, (3, 0), "shape"), (lambda u, dt: u, (10**5, 10**5), "GiB"),
    (lambda u, dt, more: u, 3, "needs 3 arguments"), (lambda u, dt: u / 0, 3, "division by 0"),
])
def test_bad_input_is_one_clear_error(step, shape, words):
    """What is wrong, and where."""
    with pytest.raises((InvalidArgument, TracingStopped), match=words):
        trace(step, shape)


def test_kinds_of_rows():
    """A grid with held faces: interior, four edges, four corners; periodic: one kind."""
    def held(u, dt):
        v = u.copy()
        v[1:-1, 1:-1] += dt * (u[2:, 1:-1] - 2 * u[1:-1, 1:-1] + u[:-2, 1:-1])
        return v

    assert kinds_of(trace(held, (5, 6)).form, (5, 6)).number == 9
    around = kinds_of(trace(lambda u, dt: u - dt * (u - np.roll(u, 1)), 8).form, (8,))
    assert around.number == 1 and around.is_uniform
    assert sorted(around.offsets_of(0)) == [(-1,), (0,)]
    cells = np.arange(8)
    assert kinds_of(trace(lambda u, dt: u * (1 + dt * cells), 8).form, (8,)).number == 8


@pytest.mark.slow
def test_a_million_cells():
    """Five entries in each of the interior rows."""
    def heat(u, dt):
        v = u.copy()
        v[1:-1, 1:-1] += dt * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                               - 4 * u[1:-1, 1:-1])
        return v

    found = trace(heat, (1000, 1000))
    assert found.form.rows.size == 5 * 998**2 + 10**6 - 998**2
    assert kinds_of(found.form, found.shape).number == 9
