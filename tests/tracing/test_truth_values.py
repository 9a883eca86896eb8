"""Masks in arithmetic: NumPy adds truth values with "or", and counts them beside numbers."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import EUCLIDEAN, POSITIVITY, RANGE, step_bound
from stabkit.errors import TracingStopped
from stabkit.stability.sharpness.flows import by_flow
from stabkit.stability.sharpness.means import by_means
from stabkit.tracing import trace
from stabkit.tracing.run import evaluate

POINTS = np.array([-2.0, 1, 1, 3, 0, 2])


def _sum_of_masks(u):
    return u * ((u <= 1) + (u >= 1) - 1 * (u == 1))


def _moved_masks(u):
    return u * (np.roll(u == 1, 1) + (np.roll(u, 1) == 1) + (u <= 1))


def _counted(u):
    return u * (1 * (u <= 1) + 1 * (u >= 1)) + ((u <= 1).astype(float) + (u >= 1))


def _summed(u):
    masks = np.stack([u <= 1, u >= 1])
    return u * np.cumsum(masks, axis=0)[1] + np.sum(masks, axis=0) + masks.mean(axis=0)


def _chosen(u):
    return u * (np.where(u < 0, u <= 1, u >= 1) + (u == 1)) + np.pad(u == 1, 1)[1:-1] * (u >= 1)


def _filled(u):
    mask = u == 1
    return u * (np.ones_like(mask) + mask + (mask * mask + mask)) + (np.maximum(mask, u > 1) + mask)


@pytest.mark.parametrize("step", [_sum_of_masks, _moved_masks, _counted, _summed, _chosen, _filled])
def test_the_trace_is_the_function_where_masks_overlap(step):
    """At entries that are 1, where two masks are true at once, forms and function agree."""
    found = trace(step, POINTS.size)
    assert np.array_equal(evaluate(found, POINTS, Fraction(1))[0], step(POINTS))


def _spiked(u, dt):
    d = np.roll(u, -1) - u
    flow = d * (6 - 5 * ((d <= 1) + (d >= 1) - 1 * (d == 1)))  # 6 d at d = 1, else d
    return u + dt * (flow - np.roll(flow, 1))


@pytest.mark.parametrize("step", [
    lambda u: u + np.sum([u <= 1, u == 1], axis=0),
    lambda u: u * np.einsum("ij->j", np.stack([u <= 1, u >= 1])),
    lambda u: u * np.convolve(u == 1, np.array([True, True]), "same"),
])
def test_sums_of_masks_that_are_no_counts_are_not_followed(step):
    """In a list it is not told whether masks are counted; einsum and convolve join them."""
    with pytest.raises(TracingStopped):
        trace(step, 3)


@pytest.mark.parametrize(("certify", "notion"), [
    (by_means, RANGE), (by_means, POSITIVITY), (by_flow, EUCLIDEAN)])
def test_a_spike_by_overlapping_masks_counts(certify, notion):
    """A single bright pixel of 1 takes 6 dt from one side: at dt = 2/7 it breaks each."""
    assert certify(trace(_spiked, 4), notion, "dt").proved == ((0, Fraction(1, 12)),)
    one = np.array([0, 0, 1, 0])
    after = _spiked(one, 2 / 7)
    assert after.min() < 0 and after @ after > 1


def _guarded(u, dt):
    if not np.isfinite(u).all() or np.any(np.isnan(u)) or np.isinf(u).any():
        raise FloatingPointError("blown up")
    return u + dt * (np.roll(u, 1) - 2 * np.nan_to_num(u) + np.roll(u, -1))


@pytest.mark.slow
def test_guards_against_nan_are_passed_by_numbers():
    """Every number is finite, so the range of the heat step is kept up to 1/2; 1/(u − 1) is none
    at u = 1, where its guard fills in 0."""
    assert step_bound(_guarded, RANGE, shape=5).certified == Fraction(1, 2)
    found = trace(lambda u: np.where(np.isfinite(1 / (u - 1)), 0.5 * u, 7.0), 3)
    assert [node.name for node in found.nodes] == ["divide", "isfinite", "where"]
