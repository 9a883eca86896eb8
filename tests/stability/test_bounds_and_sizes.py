"""A bound that changes with the size names the shape it was proved for."""

import numpy as np
import pytest

from stabkit import RANGE, step_bound


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
