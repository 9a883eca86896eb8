"""Contrast, the mean and sign changes around a ring, from the rows of lines of every length."""

import random
from fractions import Fraction as F

import pytest
from nested_data import changed
from test_proof_lines import applied, changes, matrix, refused, rises

from stabkit.proof import THEOREMS, check
from stabkit.proof.symbols import line

CONTRAST, MEAN = line(1, "1/2", "contrast"), line(1, "inf", "mean")
RING, PIVOT = THEOREMS["explicit step on a ring, sign"].statement, {"pivot": "1/2 - x"}


@pytest.mark.slow
def test_lines_of_many_lengths_keep_contrast_and_mean():
    """u⁺ᵢ = uᵢ + φ(dᵢ) − φ(dᵢ₋₁) with φ nondecreasing, φ(0) = 0 and slopes of at most 1/2: the
    largest |uᵢ₊₁ − uᵢ| does not grow, and the sum stays for any weights."""
    rng = random.Random(3)
    for _ in range(300):
        n, bend, cap = rng.randint(2, 8), F(rng.randint(0, 2), 4), rng.randint(0, 3)
        u = [F(rng.randint(-4, 4)) for _ in range(n)]
        flow = [min(d / 2, F(cap, 2)) if d > 0 else bend * d for d in rises(u)]
        after = [x + a - b for x, a, b in zip(u, [*flow, F(0)], [F(0), *flow], strict=True)]
        assert max(map(abs, rises(after))) <= max(map(abs, rises(u)))
        weights = [F(rng.randint(0, 9)) for _ in range(n - 1)]
        assert sum(applied(matrix(weights, 1), u)) == sum(u)


def test_beyond_the_bound_or_for_a_flux_that_falls_the_contrast_grows():
    """d = (1, −1, 1) becomes (1 − 3w, −1 + 4w, 1 − 3w), larger for w > 1/2; and with φ(1) = 1/2,
    φ(2) = 0 the differences (1, 2, 1) become (0, 3, 0)."""
    after = applied(matrix([F(501, 1000)] * 3, 1), [F(0), F(1), F(0), F(1)])
    assert max(map(abs, rises(after))) > 1
    flow, u = [F(1, 2), F(0), F(1, 2)], [F(0), F(1), F(3), F(4)]
    after = [x + a - b for x, a, b in zip(u, [*flow, F(0)], [F(0), *flow], strict=True)]
    assert rises(after) == [0, 3, 0]


@pytest.mark.parametrize("statement, reason", [
    (line(1, "501/1000", "contrast"), "what stays of a difference"),
    (changed(changed(CONTRAST, "rows", "inner", "1", to="2*r"), "rows", "inner", "0",
             to="1 - l - 2*r"), "stays of a difference|hands out"),
    (changed(changed(line(1, "1/8", "contrast"), "rows", "inner", "-1", to="3*l"), "rows", "inner",
             "0", to="1 - 3*l - r"), "hands out"),
    (changed(changed(CONTRAST, "rows", "inner", "1", to="r**2"), "rows", "inner", "0",
             to="1 - l - r**2"), "no multiple"),
    (changed(changed(CONTRAST, "rows", "last", "-1", to="-l"), "rows", "last", "0", to="1 + l"),
     "entry -1"),
    (changed(MEAN, "rows", "inner", "1", to="2*r"), "column"),
    (changed(MEAN, "rows", "last", "0", to="1 - 2*l"), "column"),
    (changed(MEAN, "rows", "single", "0", to="2"), "column"),
])
def test_what_is_not_so_of_contrast_and_mean_is_refused(statement, reason):
    """A weight just over the bound, edges that are handed more than they hand out, entries that are
    no multiples of weights or negative, columns that do not sum to 1."""
    check(CONTRAST, {})
    check(MEAN, {})
    refused(statement, {}, reason)


def around(u):
    """The changes of sign around a ring, from its list of signs."""
    signs = [x > 0 for x in u if x]
    return sum(a is not b for a, b in zip(signs, signs[1:] + signs[:1], strict=True))


def test_rings_of_many_lengths_add_no_changes_of_sign_around_them():
    """u⁺ᵢ = uᵢ + wᵢ(uᵢ₊₁ − uᵢ) − wᵢ₋₁(uᵢ − uᵢ₋₁) with 0 <= w <= 1/4; along the line that the ring
    is cut to there may be more."""
    rng, more = random.Random(4), 0
    for _ in range(400):
        n = rng.randint(2, 7)
        u = [F(rng.randint(-3, 3)) for _ in range(n)]
        w = [F(rng.choice([0, 1, 2, 4, 4]), 16) for _ in range(n)]
        after = [u[i] + w[i] * (u[(i + 1) % n] - u[i]) - w[i - 1] * (u[i] - u[i - 1])
                 for i in range(n)]
        assert around(after) <= around(u)
        more += changes(after) > changes(u)
    assert more


@pytest.mark.parametrize("statement, proof, reason", [
    ({**RING, "weights": {"l": "251/1000", "r": "251/1000"}}, PIVOT, "pivot"),
    (RING, {"pivot": "1 - x"}, "pivot"), (RING, {"pivot": "1/2 - 3*x"}, "bound of pivots"),
    (changed(RING, "rows", "inner", "1", to="-r"), PIVOT, "entry 1"),
    ({**RING, "rows": line(1, "1/4", "sign")["rows"]}, PIVOT, "a ring needs"),
    ({**RING, "rows": {"inner": {"0": "1 - l", "-1": "l"}, "single": {"0": "1"}}}, PIVOT,
     "a ring needs"),
])
def test_what_is_not_so_of_a_ring_is_refused(statement, proof, reason):
    """A weight just over the bound, wrong pivots, a wrong sign, rows of a line, an entry less."""
    check(RING, PIVOT)
    refused(statement, proof, reason)
