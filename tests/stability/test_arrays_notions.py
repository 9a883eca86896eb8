"""The margins of every notion in every array library, and the search that uses them."""

from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
from array_libraries import agree

from stabkit import difference, fluxes
from stabkit.schemes import Explicit
from stabkit.stability.falsify.search import search
from stabkit.stability.notions import (
    CONTRACTION,
    CONTRAST,
    EUCLIDEAN,
    RANGE,
    SIGN,
    Energy,
    energy,
    sensitivity,
    sign_changes,
)

N = 6
# Minima, maxima, counts and one division: equal bits.  The others add up a signal, in an order
# that a library chooses.
ORDERED = [RANGE, SIGN, CONTRAST]
SUMMED = [EUCLIDEAN, CONTRACTION, sensitivity("3/2"),
          energy(Energy(difference(1, N), fluxes.rational()))]


def signals(notion, shape, dtype=float):
    count = 2 * notion.signals
    return (3 * np.random.default_rng(8).standard_normal((count, *shape))).astype(dtype)


def compare(xp, notion, parts, **options):
    with np.errstate(all="ignore"):
        reference = np.asarray(notion.margins(*parts))
        mine = np.asarray(xp.host(notion.margins(*map(xp.array, parts))))
    agree(mine, reference, exactly=notion in ORDERED or xp.computes_like_numpy(), **options)


@pytest.mark.parametrize("notion", [*ORDERED, *SUMMED], ids=str)
def test_margins(xp, notion):
    """Batches of all shapes, and signals in strided views."""
    for dtype in (np.float32, np.float64):
        for batch in ((3,), (1,), (0,), (2, 2), ()):
            compare(xp, notion, signals(notion, (*batch, N), dtype))
    compare(xp, notion, [part.T[::-1, ::2] for part in signals(notion, (2 * N, 4))]
            if notion not in SUMMED[3:] else signals(notion, (4, 2 * N))[..., ::-2])


@pytest.mark.parametrize("notion", [*ORDERED, *SUMMED[:3]], ids=str)
def test_lengths(xp, notion):
    """Signals of one, two, an odd and an even number of samples."""
    for n in (1, 2, 5, 8):
        if notion is CONTRAST and n == 1:
            continue
        compare(xp, notion, signals(notion, (3, n)))


@pytest.mark.parametrize("notion", [*ORDERED, *SUMMED], ids=str)
def test_margins_of_what_is_not_finite_or_does_not_change(xp, notion):
    """NaN, infinity, zero and constant signals, before and after the step."""
    for value in (np.nan, np.inf, -np.inf, 0.0):
        for which in range(2 * notion.signals):
            parts = signals(notion, (3, N))
            parts[which, 1, 2] = value
            parts[which, 2] = value
            compare(xp, notion, parts)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf], ids=str)
def test_a_result_that_is_not_finite_never_passes_as_stable(xp, special):
    """NaN or a violation, whatever the notion's sums and comparisons make of it."""
    for notion in (RANGE, CONTRAST, EUCLIDEAN):
        u, after = signals(notion, (1, N))
        after[0, 3] = special
        with np.errstate(all="ignore"):
            margin = xp.host(notion.margins(xp.array(u), xp.array(after)))
        assert not (margin >= 0).any()


def changes(u):
    signs = [np.sign(x) for x in u if x != 0]
    return sum(a != b for a, b in pairwise(signs))


def test_sign_changes(xp):
    """Counted one by one, with runs of zeros in every place."""
    u = np.random.default_rng(9).integers(-1, 2, (200, 9)).astype(float)
    counted = np.array([changes(row) for row in u])
    agree(xp.host(sign_changes(xp.array(u))), counted, exactly=True)


def test_a_search_takes_its_arrays_where_they_are_born(xp, monkeypatch):
    """The same witness from every library: the draws come from the host, the proof is exact."""
    K = difference(1, 4)
    scheme = Explicit(K, fluxes.identity(), "7/10")
    expected = search(scheme, EUCLIDEAN, trials=500, seed=3)
    monkeypatch.setattr(import_module("stabkit.stability.falsify.search"), "from_host", xp.array)
    found = search(scheme, EUCLIDEAN, trials=500, seed=3)
    assert found.trials == expected.trials
    assert [part.tolist() for part in found.witness] == [p.tolist() for p in expected.witness]
