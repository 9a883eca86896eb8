"""Steps in JAX: the same exact answers as for NumPy, from their jaxpr."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import EUCLIDEAN, RANGE, box, decide, senses, stays_in, step_bound
from stabkit.errors import TracingStopped
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing import in_numpy, trace

jax = pytest.importorskip("jax")
jnp = jax.numpy


def heat(u, dt):
    return u + dt * (jnp.roll(u, 1) - 2 * u + jnp.roll(u, -1))


@jax.jit
def in_place(u, dt):
    return u.at[1:-1].add(dt * (u[2:] - 2 * u[1:-1] + u[:-2]))


def padded(u, dt):
    wide = jnp.pad(u, 1, mode="edge")
    return u + dt * (wide[2:] - 2 * u + wide[:-2])


def in_a_loop(u, dt):
    return jax.lax.fori_loop(0, 4, lambda k, v: in_place(v, dt / 4), u)


@pytest.mark.parametrize("step, top", [(heat, "1/2"), (in_place, "1/2"), (padded, "1/2"),
                                       (in_a_loop, None)])
def test_heat_in_four_ways(step, top):
    """1 − 2 dt >= 0 in every row: 1/2; four steps of a quarter of dt keep the range up to 2."""
    found = step_bound(step, RANGE, shape=8)
    top = Fraction(top or 2)
    assert top <= found.certified and found.refuted[0][0] > top and found.proved[0][0] == 0
    if top < 1:
        assert found.certified == top and found.refuted[0][0] < top * Fraction(101, 100)
        assert decide(step, RANGE, shape=8, dt=top).status is PROVED
        assert decide(step, RANGE, shape=8, dt=top * 2).status is REFUTED
    found.check()


def test_senses_and_single_precision():
    """|1 − 4 dt sin²| <= 1 up to 1/2; 0.1 in single precision is read as 1/10, and that is told."""
    assert senses(heat, shape=12, dt="1/2").status(EUCLIDEAN) == "proved"
    kernel = np.array([0.1, -0.2, 0.1], dtype=np.float32)

    def step(u, dt):
        return u + dt * (kernel[0] * jnp.roll(u, 1) + kernel[1] * u + kernel[2] * jnp.roll(u, -1))

    found = step_bound(step, RANGE, shape=8)
    assert found.certified == 5 and "as meant" in str(found)


def test_boxes_and_branches():
    """The logistic map keeps [0, 1] up to 1; a branch on the data is told."""
    assert step_bound(lambda u, dt: jnp.asarray(u) + dt * u * (1 - u), stays_in(box(0, 1)),
                      shape=3).certified == 1

    def branches(u, dt):
        return heat(u, dt) if u.max() > 0 else jnp.asarray(u)

    with pytest.raises(TracingStopped, match="JAX makes no jaxpr"):
        trace(in_numpy(branches, (6,), True), 6)


def test_operations_give_the_numbers_of_jax():
    """The exact forms of many operations against JAX itself, at a random input."""
    index = np.array([3, 0, 1, 1, 2, 5])

    def step(u, dt):
        w = jnp.stack([u, u[::-1]]).sum(0) / 3 + u[index] - u.mean() + jnp.cumsum(u)
        w = jnp.where(jnp.arange(6) > 2, w, 0) + jnp.tile(u.reshape(2, 3).T @ jnp.ones(2), 2)
        v = jnp.zeros_like(u).at[::2].set(u[1::2] * dt)
        return v.at[index[:2]].set(u[:2]) + w - jnp.concatenate([u, u])[2:8]

    function = in_numpy(step, (6,), True)
    u = np.random.default_rng(0).standard_normal(6)
    form = trace(function, 6, dt=Fraction(1, 3)).form
    matrix = np.zeros((6, 7))
    matrix[form.rows, form.columns] = form.numerators[:, 0] / form.denominator[0]
    assert np.abs(matrix @ np.append(1, u) - function(u, 1 / 3)).max() < 1e-13
