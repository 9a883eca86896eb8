"""Boxes that reaction and diffusion keep: Allen-Cahn, Gray-Scott, FitzHugh-Nagumo, Perona-Malik.

The ends that are compared with come from factors worked out by hand.
"""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import RANGE, Undecided, box, decide, stays_in, step_bound
from stabkit.stability.sharpness.bernstein import bernstein
from stabkit.stability.sharpness.polynomials import by_polynomials
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.tracing import trace


def laplacian(u):
    return sum(np.roll(u, s, a) for a in (0, 1) for s in (1, -1)) - 4 * u


def allen_cahn(u, dt):
    return u + dt * (laplacian(u) + u - u**3)


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, 12])
def test_allen_cahn(n):
    """With neighbours 1, 1 − u⁺ = (1 − u)(1 − dt (4 + u + u²)), so [−1, 1] is kept up to 1/6."""
    found = step_bound(allen_cahn, stays_in(box(-1, 1)), shape=(n, n))
    assert found.certified == Fraction(1, 6) < found.refuted[0][0] < Fraction(17, 100)
    found.check()
    u = np.full((n, n), Fraction(1), dtype=object)
    u[1, 1] = 1 - Fraction(1, 2**12)
    assert allen_cahn(u, found.refuted[0][0]).max() > 1 >= allen_cahn(u, Fraction(1, 6)).max()
    assert decide(allen_cahn, stays_in(box(-1, 1)), shape=(n, n), dt="1/6").status is PROVED
    assert decide(allen_cahn, stays_in(box(-1, 1)), shape=(n, n), dt="1/5").status is REFUTED


@pytest.mark.slow
def test_a_flipped_sign_of_the_reaction_is_refuted_at_every_step():
    """u − u + u³ instead: at the corner 1 the box [−2, 2] is left upwards, as u³ − u = 6."""
    found = step_bound(lambda u, dt: u + dt * (laplacian(u) - u + u**3), stays_in(box(-2, 2)),
                       shape=(4, 4))
    assert found.refuted == ((0, None),) and found.proved == ()


FEED, KILL = Fraction(1, 25), Fraction(3, 50)


def gray_scott(s, dt):
    u, v = s
    return np.stack([u + dt * (laplacian(u) * Fraction(4, 25) - u * v**2 + FEED * (1 - u)),
                     v + dt * (laplacian(v) * Fraction(2, 25) + u * v**2 - (FEED + KILL) * v)])


def sides(low, high):
    shape = (2, 1, 1)
    return stays_in(box(np.reshape(low, shape), np.reshape(high, shape)))


@pytest.mark.slow
def test_gray_scott():
    """1 − u⁺ = (1 − u)(1 − .68 dt) + dt u v² for neighbours 1, and v⁺ <= V where u v <= F + k: the
    box [0, 1] x [0, 1/10] up to 1/.68; [0, 1] x [0, 1] never, as 1 + dt (1 − 1/10) > 1."""
    found = step_bound(gray_scott, sides([0, 0], ["1", "1/10"]), shape=(2, 3, 3))
    assert found.certified == Fraction(25, 17) < found.refuted[0][0] < Fraction(148, 100)
    found.check()
    assert step_bound(gray_scott, sides([0, 0], [1, 1]), shape=(2, 3, 3)).refuted == ((0, None),)


@pytest.mark.slow
def test_fitzhugh_nagumo():
    """v' = v − v³/3 − w + 1/2 points inwards at ±3 for |w| <= 37/8, w' at ±37/8 for |v| <= 3;
    random signals stay at the proved end, and with 4 for 37/8 the box is left at once."""
    def step(s, dt):
        v, w = s
        return np.stack([v + dt * (np.roll(v, 1) - 2 * v + np.roll(v, -1) + v - v**3 / 3 - w + 0.5),
                         w + dt * 0.08 * (v + 0.7 - 0.8 * w)])

    def region(w):
        return stays_in(box([[-3], [-w]], [[3], [w]]))

    found = step_bound(step, region(Fraction(37, 8)), shape=(2, 6))
    assert Fraction(1, 10) < found.certified < found.refuted[0][0]
    rng = np.random.default_rng(0)
    top = np.array([[3], [4.625]])
    for _ in range(300):
        s = top * rng.choice([-1, 1, *rng.uniform(-1, 1, 3)], (2, 6))
        assert (np.abs(step(s, float(found.certified))) <= top * (1 + 1e-12)).all()
    assert step_bound(step, region(4), shape=(2, 6)).refuted == ((0, None),)


@pytest.mark.slow
def test_fisher_and_perona_malik():
    """(1 − u)(1 − dt (4 + u)) >= 0 up to 1/5; g = 1/(1 + s²/9) <= 1, so 1/4 keeps the range."""
    fisher = lambda u, dt: u + dt * (laplacian(u) + u * (1 - u))  # noqa: E731
    assert step_bound(fisher, stays_in(box(0, 1)), shape=(5, 5)).certified == Fraction(1, 5)

    def perona_malik(u, dt):
        d = [np.roll(u, s, a) - u for a in (0, 1) for s in (1, -1)]
        return u + dt * sum(x / (1 + (x / 3)**2) for x in d)

    for notion in (RANGE, stays_in(box(0, 255))):
        assert step_bound(perona_malik, notion, shape=(4, 4), trials=20).certified == Fraction(1, 4)


def test_what_is_no_polynomial_is_named():
    """exp has no Bernstein form; the line is told."""
    with pytest.raises(Undecided, match=r"np\.exp"):
        by_polynomials(trace(lambda u, dt: u - dt * np.exp(u), 3), stays_in(box(0, 1)), "dt")


def test_bernstein_coefficients():
    """y² and y(1 − y) have (0, 0, 1) and (0, 1/2, 0): the values of polar forms, by hand."""
    one = Fraction(1)
    assert bernstein({(2,): one}, 1) == {(0,): 0, (1,): 0, (2,): 1}
    assert bernstein({(1,): one, (2,): -one}, 1) == {(0,): 0, (1,): Fraction(1, 2), (2,): 0}
    assert bernstein({(1, 7): one}, 1) == {(0, 7): 0, (1, 7): 1}
