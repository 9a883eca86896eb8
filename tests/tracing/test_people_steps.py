"""Steps as people write them: methods, solvers, checks of dt, boundary functions, loops."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sparse
import scipy.sparse.linalg

from stabkit import EUCLIDEAN, MAX_NORM, POWER_BOUNDED, RANGE, decide, step_bound
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing import trace


class Heat:
    """Holds its matrix, writes into itself, and is called."""

    def __init__(self, n):
        self.n = n
        self.L = sparse.diags([np.ones(n - 1), -2 * np.ones(n), np.ones(n - 1)], [-1, 0, 1]).tocsr()

    def laplacian(self, u):
        self.last = u
        return self.L @ u

    def step(self, u, dt):
        out = np.zeros(self.n)
        out[:] = u + dt * self.laplacian(u)
        return out

    def __call__(self, u, dt):
        return self.step(u, dt)


def with_matrix(u, dt, L=None):
    return u + dt * (L @ u)


@pytest.mark.parametrize("step", [Heat(9).step, Heat(9), partial(with_matrix, L=Heat(9).L)],
                         ids=["method", "object", "partial"])
def test_methods_objects_and_partials(step):
    """Rows (dt, 1 − 2 dt, dt): 1/2; the object is left as it was."""
    found = step_bound(step, MAX_NORM, shape=9)
    assert found.certified == Fraction(1, 2)
    assert not hasattr(getattr(step, "__self__", None), "last") or isinstance(
        step.__self__.last, np.ndarray)


def second(n):
    return np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1)


def banded(u, dt):
    ab = np.zeros((3, len(u)))
    ab[0, 1:], ab[1], ab[2, :-1] = -dt, 1 + 2 * dt, -dt
    return scipy.linalg.solve_banded((1, 1), ab, u)


def half_banded(u, dt):
    ab = np.zeros((2, len(u)))
    ab[0, 1:], ab[1] = -dt, 1 + 2 * dt
    return scipy.linalg.solveh_banded(ab, u)


def dense(u, dt):
    return np.linalg.solve(np.eye(len(u)) - dt * second(len(u)), u)


def by_sparse(u, dt):
    return scipy.sparse.linalg.spsolve(
        sparse.csc_matrix(np.eye(len(u)) - dt * second(len(u))), u)


@pytest.mark.parametrize("step", [banded, half_banded, dense, by_sparse])
def test_implicit_steps_at_one_dt(step):
    """The inverse of I − dt L, by NumPy, has rows that sum to less than 1: proved at every dt."""
    assert decide(step, MAX_NORM, shape=7, dt="3/2").status is PROVED
    matrix = np.column_stack([step(e, 1.5) for e in np.eye(7)])
    found = trace(step, 7, dt=Fraction(3, 2))
    values = np.zeros((7, 7))
    values[found.form.rows, found.form.columns - 1] = \
        found.form.numerators[:, 0] / found.form.denominator[0]
    assert np.abs(values - matrix).max() < 1e-14


@pytest.mark.slow
def test_crank_nicolson_at_one_dt():
    """The norm does not grow; the largest modulus does beyond dt = 2 (three points, by hand)."""
    def step(u, dt):
        L = second(len(u))
        return np.linalg.solve(np.eye(len(u)) - dt / 2 * L, u + dt / 2 * (L @ u))

    assert decide(step, EUCLIDEAN, shape=6, dt=7).status is PROVED
    assert decide(step, MAX_NORM, shape=6, dt=9).status is REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_dt_that_cannot_be_left_open(number):
    """float(dt), and a step that refuses large ones: single steps, proved up to 1/2."""
    def rounded(u, dt):
        return u + float(dt) * (np.roll(u, 1) - 2 * u + np.roll(u, -1))

    def refusing(u, dt):
        if dt > 0.75:
            raise ValueError("unstable")
        return u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1))

    found = step_bound((rounded, refusing)[number], RANGE, shape=6, trials=1)
    assert max(high for _, high in found.proved) == Fraction(1, 2)
    assert all(low > Fraction(1, 2) for low, _ in found.refuted)
    assert "single steps only" in str(found)
    found.check()


@pytest.mark.slow
def test_values_that_the_step_sets():
    """Ends set to 0 and 1 move constants; with them held the range is kept up to 1/2."""
    def ends(u):
        u[0], u[-1] = 0, 1
        return u

    def step(u, dt):
        v = u.copy()
        v[1:-1] = u[1:-1] + dt * (u[2:] - 2 * u[1:-1] + u[:-2])
        return ends(v)

    found = step_bound(step, RANGE, shape=8)
    assert found.refuted == ((0, None),)
    assert "range is proved for 0 < dt <= 1/2, with the places whose values" in str(found)
    held = step_bound(step, RANGE, shape=8, held={0: 0, -1: 1})
    assert held.certified == Fraction(1, 2)


@pytest.mark.slow
def test_loops_over_cells_with_numbers_of_one_entry():
    """The matrix of the loops is that of the slices; functions of one entry are followed."""
    def loops(u, dt):
        v = u.copy()
        for i in range(1, len(u) - 1):
            v[i] = u[i] + dt * (u[i + 1] - 2 * u[i] + u[i - 1])
        return v

    assert step_bound(loops, RANGE, shape=30).certified == Fraction(1, 2)
    limited = trace(lambda u, dt: np.stack([np.where(u[0] > 0, u[0], 0), u[1]]), 2)
    assert [node.name for node in limited.nodes] == ["greater", "where"]


def test_large_grids_have_bounded_powers_by_their_rows():
    """Beyond what a characteristic polynomial is taken of: 1/4 for the heat step in 2-D."""
    def heat(u, dt):
        v = u.copy()
        v[1:-1, 1:-1] += dt * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                               - 4 * u[1:-1, 1:-1])
        return v

    found = step_bound(heat, POWER_BOUNDED, shape=(40, 40))
    assert found.certified == Fraction(1, 4)
    found.check()
