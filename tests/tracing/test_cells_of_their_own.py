"""Thousands of rows with coefficients of their own: none that cuts the line of steps, and numbers
whose common denominator has more digits than Python writes."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import MAX_NORM, POSITIVITY, RANGE, step_bound
from stabkit.arithmetic.transcript import TOO_LONG, as_text
from stabkit.errors import Undecided
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.signs import Cell

CELLS = 2500
OWN = np.random.default_rng(0).integers(2, 100_000, CELLS)
OWN[7] = 2


@pytest.mark.slow
def test_rows_that_are_nonnegative_at_every_step_have_no_end():
    """u + dt a u' with a > 0 is nonnegative for u >= 0, and its range grows at every dt > 0."""
    def step(u, dt):
        return u + dt * OWN * np.roll(u, 1)

    found = step_bound(step, POSITIVITY, shape=CELLS)
    assert found.proved == ((0, None),) and not found.refuted
    found.check()
    assert step_bound(step, RANGE, shape=CELLS).refuted == ((0, None),)


@pytest.mark.slow
def test_a_multiple_of_every_cell():
    """|a u| <= |u| for a = 1/2 and fails for a > 1, with or without dt."""
    half = step_bound(lambda u, dt: np.where(OWN > 2, u / 2, u / 4) * (OWN / OWN), MAX_NORM,
                      shape=CELLS)
    assert half.proved == ((0, None),)
    assert step_bound(lambda u, dt: OWN * u, MAX_NORM, shape=CELLS).refuted == ((0, None),)


@pytest.mark.slow
@pytest.mark.parametrize(("notion", "end"), [(POSITIVITY, 2), (MAX_NORM, 4)])
def test_a_common_denominator_of_ten_thousand_digits(notion, end):
    """(1 - dt/a) u is nonnegative up to the smallest a, which is 2, and below |u| up to 2 a."""
    found = step_bound(lambda u, dt: u - dt * u / OWN, notion, shape=CELLS)
    assert found.proved == ((0, end),) and found.certificate and found.witness
    found.check()


def test_an_end_of_more_digits_than_are_written_is_undecided():
    end = Fraction(10**4300 + 1, 10**4300)
    line = [Cell(Fraction(0), end, True), Cell(end, end, True), Cell(end, None, False)]
    with pytest.raises(Undecided, match="digits"):
        intervals(line)


def test_a_number_that_is_too_long_is_not_written():
    assert as_text([10**4300 - 1, 10**4300]) == ["9" * 4300, TOO_LONG]
