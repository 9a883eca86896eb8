"""Mass random search: draw a signal, apply a scheme, keep the worst margin, in one loop.

LANES trials are drawn, stepped and measured together, one per lane, without a branch.
A chunk of trials is one call, which holds no lock; the worst of several chunks (on a tie the
smaller trial number) is the worst of all their trials, however they were cut.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

import numpy as np
from numba.extending import overload

from stabkit.kernels import inner
from stabkit.kernels.draws import approach, fill
from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.lanes import LANES as GROUP
from stabkit.kernels.lanes import fsi_swing, step_tile
from stabkit.kernels.linear import LANES, lanes_of
from stabkit.kernels.steps import copy, explicit_row, fixed_point_row, fsi_row, scratch

TWO = 2 * LANES  # the width of a row with two states
EXPLICIT, FSI, FROZEN_FSI, FIXED_POINT = range(4)
EUCLIDEAN, CONTRACTION, RANGE, SIGN = range(4)
_NOISE = 2.0**-40


# -- margins ---------------------------------------------------------------------------------------
# `more` holds rows of LANES numbers at constant distances: the compiler need not ask if they
# overlap.  A sum with 0.0 keeps it from making a store that is masked, which is not vectorised.
@inner
def sum_squares(u, total):
    """‖u‖² of every lane."""
    for lane in range(LANES):
        total[lane] = 0.0
    for i in range(u.size // LANES):
        x = lanes_of(u, i)
        for lane in range(LANES):
            total[lane] += x[lane] * x[lane]


@inner
def euclidean_margins(u, v, margins, more):
    """1 − ‖v‖²/‖u‖²."""
    sum_squares(u, more)
    sum_squares(v, more[LANES:])
    for lane in range(LANES):
        margins[lane] = 1.0 - more[lane + LANES] / more[lane]


@inner
def range_of(u, ends):
    """The smallest and, LANES behind it, the largest entry; NaN passes by."""
    for lane in range(LANES):
        ends[lane], ends[lane + LANES] = np.inf, -np.inf
    for i in range(u.size // LANES):
        x = lanes_of(u, i)
        for lane in range(LANES):
            y, low, high = x[lane], ends[lane], ends[lane + LANES]
            ends[lane] = (y if y < low else low) + 0.0
            ends[lane + LANES] = (y if y > high else high) + 0.0


@inner
def range_margins(u, v, margins, more):
    """How far v stays inside [min u, max u], over its length; of a constant u, over |u|."""
    range_of(u, more)
    range_of(v, more[2 * LANES:])
    for lane in range(LANES):
        low, high = more[lane], more[lane + LANES]
        length = high - low
        length = length if length > 0 else abs(high)
        below, above = more[lane + 2 * LANES] - low, high - more[lane + 3 * LANES]
        margins[lane] = (below if below < above else above) / length


@inner
def count_changes(u, state):
    """Sign changes along u: state = (changes, last sign, noise), where `noise` counts as zero."""
    for lane in range(LANES):
        state[lane] = state[lane + LANES] = 0.0
    for i in range(u.size // LANES):
        x = lanes_of(u, i)
        for lane in range(LANES):
            last, noise = state[lane + LANES], state[lane + 2 * LANES]
            sign = 1.0 if x[lane] > noise else 0.0
            sign -= 1.0 if x[lane] < -noise else 0.0
            state[lane] += 1.0 if sign * last < 0 else 0.0
            state[lane + LANES] = sign + last * (1.0 - abs(sign))


@inner
def sign_margins(u, v, margins, more):
    """S(u) − S(v), where rounding noise of v counts as zero."""
    range_of(u, more)
    for lane in range(LANES):
        low, high = more[lane], more[lane + LANES]
        margins[lane] = _NOISE * (high if high > -low else -low)
    for lane in range(LANES):
        more[lane + 2 * LANES] = 0.0
    count_changes(u, more)
    for lane in range(LANES):
        more[lane + 2 * LANES], margins[lane] = margins[lane], more[lane]
    count_changes(v, more)
    for lane in range(LANES):
        margins[lane] -= more[lane]


@inner
def spoil(v, margins):
    """NaN for the margins of lanes with a NaN."""
    for i in range(v.size // LANES):
        y = lanes_of(v, i)
        for lane in range(LANES):
            margins[lane] += 0.0 if y[lane] == y[lane] else np.nan


# -- schemes ---------------------------------------------------------------------------------------
def advance(flux, u, work, scheme, K, shape):
    """Apply a scheme to u."""


def _advance_with_matrix(flux, u, work, scheme, K, shape):
    name, steps, tau = scheme
    K = K[0], K[1], K[2], K[3], K[4], K[5], np.empty(LANES)
    if name == EXPLICIT:
        explicit_row(flux, u, work, steps, tau, K, shape)
    elif name == FIXED_POINT:
        fixed_point_row(flux, u, work, steps, tau, K, shape)
    else:
        fsi_row(flux, u, work, steps, tau, K, shape, name == FROZEN_FSI)


def _advance_with_difference(flux, u, work, scheme, K, shape):
    # GROUP lanes at a time stay in cache for all steps.
    name, steps, tau = scheme
    rows, edges, step = u.size // LANES, work[1][: 2 * GROUP].reshape(2, GROUP), (tau, K[0])
    states = 1 if name == EXPLICIT else 2
    end, w = (rows - 1, GROUP - 1, False), u
    if states == 2:
        w = work[0][: 2 * u.size]
        for i in range(rows):
            for state in range(2):
                copy(w[(2 * i + state) * LANES : (2 * i + state + 1) * LANES], lanes_of(u, i))
    for first in range(0, LANES, GROUP):
        for k in range(steps):
            if name == EXPLICIT:
                step_tile(flux, w[first:], edges, end, step, shape, LANES, 0, 0, 0)
            elif name == FIXED_POINT:
                step_tile(flux, w[first:], edges, end, step, shape, TWO, 0, LANES, 0)
            else:
                fsi_swing(flux, w[first:], edges, end, k, step, shape, TWO, LANES)
    if states == 2:
        result = steps % 2 if name == FSI else 0
        for i in range(rows):
            copy(lanes_of(u, i), w[(2 * i + result) * LANES : (2 * i + result + 1) * LANES])


@overload(advance)
def _advance(flux, u, work, scheme, K, shape):
    return _advance_with_difference if len(K) == 1 else _advance_with_matrix


def images_of(K):
    """The rows of a matrix; 0 of the difference, which needs no room for K u."""


@overload(images_of)
def _images_of(K):
    return (lambda K: 0) if len(K) == 1 else (lambda K: K[0].size - 1)


@inner
def subtract(u, v):
    """u ← u − v."""
    for i in range(u.size):
        u[i] -= v[i]


@inner
def measure(notion, u, v, margins, more):
    """The margins of u ↦ v, a trial per lane."""
    if notion == RANGE:
        range_margins(u, v, margins, more)
    elif notion == SIGN:
        sign_margins(u, v, margins, more)
    else:
        euclidean_margins(u, v, margins, more)  # NaN where v has one
    if notion in (RANGE, SIGN):
        spoil(v, margins)


@per_flux
def search(n, scheme, K, shape, notion, seed, trials):
    """The worst margin over the trials first, …, first + count − 1, and the first with it.

    Parameters
    ----------
    n : length of the signals
    scheme : (name, steps, tau)
    K : operator, as the six arrays of a matrix (`stabkit.kernels.linear`), or (r,) for the
        reflecting first difference, r = 1/h or None for 1 (not for FROZEN_FSI)
    shape : the parameters (q, p) of the flux
    notion, seed : int
    trials : (first, count)

    Returns
    -------
    (float, int)
        A margin that is no number (0/0, overflow) is passed over; (inf, -1) if none is left.
        `stabkit.kernels.draws` gives the signals again.

    Margins are relative: EUCLIDEAN 1 − ‖u⁺‖²/‖u‖², CONTRACTION the same for the difference of a
    pair, RANGE the distance to the range over its length, SIGN S(u) − S(u⁺).
    """
    size, first, end = n * LANES, trials[0], trials[0] + trials[1]
    margins = np.empty(LANES)
    signals, images = scratch(2, size, margins), scratch(2, size, margins)
    work = scratch(4, max(2 * n, images_of(K)) * LANES, margins)
    more = np.empty(4 * LANES)
    worst, where = np.inf, -1
    for block in range(first // LANES, (end + LANES - 1) // LANES):
        for k in range(2 if notion == CONTRACTION else 1):
            u, v = signals[k, :size], images[k, :size]
            fill(u, margins, seed, block + k, k)
            if k == 1:
                approach(u, signals[0, :size], margins, seed, block)
            copy(v, u)
            advance(flux, v, work, scheme, K, shape)
        u, v = signals[0, :size], images[0, :size]
        if notion == CONTRACTION:
            subtract(u, signals[1, :size])
            subtract(v, images[1, :size])
        measure(notion, u, v, margins, more)
        for lane in range(margins.size):
            trial = block * LANES + lane
            if margins[lane] < worst and first <= trial < end:
                worst, where = margins[lane], trial
    return worst, where
