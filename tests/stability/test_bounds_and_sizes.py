"""A bound that changes with the size names the shape it was proved for."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import EUCLIDEAN, POWER_BOUNDED, RANGE, step_bound


def heat(u, dt):
    v = u.copy()
    v[1:-1] += dt * (u[2:] - 2 * u[1:-1] + u[:-2])
    v[0] = 0
    return v


@pytest.mark.slow
def test_bounded_powers_are_said_for_one_shape_alone():
    """Five samples allow 0.58 < 2 - sqrt(2); nine have an eigenvalue 1 - 4 (0.58) sin^2 < -1."""
    text = str(step_bound(heat, RANGE, shape=(5,)))
    matrix = np.array([heat(e, 0.58) for e in np.eye(9)]).T
    assert abs(np.linalg.eigvals(matrix)).max() > 1.2
    line = next(line for line in text.splitlines() if "bounded powers" in line)
    assert line.endswith(", for shape 5")
    assert "but max norm is proved for 0 < dt <= 1/2\n" in text


def exchange(u, dt):
    left, right = np.roll(u, 1), np.roll(u, -1)
    v = u.copy()
    v[::2] += dt * (right[::2] - u[::2])
    v[1::2] += dt * (left[1::2] - u[1::2])
    return v


@pytest.mark.slow
def test_alike_rows_with_other_columns_show_no_norm_of_all_sizes():
    """Pairs of 200 samples exchange, a symmetric matrix; of 201 samples the first feeds three.

    Both have the rows (1 - dt, dt) alone; at dt = 1/2 the second takes (1, 2/3, 0, ..., 0, 2/3),
    of squared norm 17/9, to (5/6, 5/6, 0, ..., 0, 5/6), of squared norm 75/36.
    """
    text = str(step_bound(exchange, EUCLIDEAN, shape=200))
    assert "proved for 0 < dt <= 1," in text and "every size" not in text
    u = np.zeros(201)
    u[[0, 1, -1]] = 1, 2 / 3, 2 / 3
    assert (exchange(u, 0.5)**2).sum() > 1.1 * (u**2).sum()


@pytest.mark.slow
def test_alike_columns_are_named_where_they_show_the_norm():
    """Upwind: rows and columns hold 1 - dt and dt, at every size; at the inflow less."""
    def inflow(u, dt):
        v = (1 - dt) * (1 - dt) * u
        v[1:] += dt * (1 - dt) * u[:-1]
        return v

    text = str(step_bound(inflow, EUCLIDEAN, shape=40))
    assert "so for every size made of these rows and columns" in text


def test_two_rows_of_a_chessboard_are_no_two_fields():
    """White places pass dt on to white ones, black places 4 dt to black ones: bounded to 1/4."""
    def board(s, dt):
        colour = np.add.outer(np.arange(2), np.arange(s.shape[1])) % 2
        return dt * (1 + 3 * colour) * np.roll(s[::-1], 1, axis=1)

    found = step_bound(board, POWER_BOUNDED, shape=(2, 4))
    assert found.proved == ((0, Fraction(1, 4)),)
    assert Fraction(1, 4) < found.refuted[0][0] < Fraction(251, 1000)
