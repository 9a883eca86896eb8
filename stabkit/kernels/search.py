"""Mass random search: draw a signal, apply a scheme, keep the worst margin, in one loop.

LANES trials are drawn, stepped and measured together, one per lane, without a branch.
A chunk of trials is one call, which holds no lock; the worst of several chunks (on a tie the
smaller trial number) is the worst of all their trials, however they were cut.
"""

# ruff: noqa: F821 - the name `flux` is bound when a kernel is compiled
from __future__ import annotations

import numpy as np

from stabkit.kernels import inner
from stabkit.kernels.draws import approach, fill
from stabkit.kernels.fluxes import per_flux
from stabkit.kernels.linear import LANES, height, lanes_of
from stabkit.kernels.steps import copy, explicit_row, fixed_point_row, fsi_row, scratch

EXPLICIT, FSI, FROZEN_FSI, FIXED_POINT = range(4)
EUCLIDEAN, CONTRACTION, RANGE, SIGN = range(4)
_NOISE = 2.0**-40


@inner
def euclidean_margins(u, v, margins, more):
    """1 − ‖v‖²/‖u‖²."""
    before, after = more[0], more[1]
    for lane in range(margins.size):
        before[lane] = after[lane] = 0.0
    for i in range(u.size // LANES):
        x, y = lanes_of(u, i), lanes_of(v, i)
        for lane in range(margins.size):
            before[lane] += x[lane] * x[lane]
            after[lane] += y[lane] * y[lane]
    for lane in range(margins.size):
        margins[lane] = 1.0 - after[lane] / before[lane]


@inner
def range_of(u, low, high):
    """The smallest and the largest entry; NaN passes by."""
    for lane in range(low.size):
        low[lane], high[lane] = np.inf, -np.inf
    for i in range(u.size // LANES):
        x = lanes_of(u, i)
        for lane in range(low.size):
            low[lane] = x[lane] if x[lane] < low[lane] else low[lane]
            high[lane] = x[lane] if x[lane] > high[lane] else high[lane]


@inner
def range_margins(u, v, margins, more):
    """How far v stays inside [min u, max u], over its length; of a constant u, over |u|."""
    low, high, least, most = more[0], more[1], more[2], more[3]
    range_of(u, low, high)
    range_of(v, least, most)
    for lane in range(margins.size):
        length = high[lane] - low[lane]
        length = length if length > 0 else abs(high[lane])
        below, above = least[lane] - low[lane], high[lane] - most[lane]
        margins[lane] = (below if below < above else above) / length


@inner
def count_changes(u, noise, changes, last):
    """Sign changes along u; entries up to `noise` count as zero and are dropped."""
    for lane in range(last.size):
        changes[lane] = last[lane] = 0.0
    for i in range(u.size // LANES):
        x = lanes_of(u, i)
        for lane in range(last.size):
            sign = 1.0 if x[lane] > noise[lane] else 0.0
            sign -= 1.0 if x[lane] < -noise[lane] else 0.0
            changes[lane] += 1.0 if sign * last[lane] < 0 else 0.0
            last[lane] = sign + last[lane] * (1.0 - abs(sign))


@inner
def sign_margins(u, v, margins, more):
    """S(u) − S(v), where rounding noise of v counts as zero."""
    noise, before, after, last = more[0], more[1], more[2], more[3]
    for lane in range(margins.size):
        noise[lane] = 0.0
    count_changes(u, noise, before, last)
    range_of(u, after, last)
    for lane in range(margins.size):
        top = last[lane] if last[lane] > -after[lane] else -after[lane]
        noise[lane] = _NOISE * top
    count_changes(v, noise, after, last)
    for lane in range(margins.size):
        margins[lane] = before[lane] - after[lane]


@inner
def spoil(v, margins):
    """NaN for the margins of lanes with a NaN."""
    for i in range(v.size // LANES):
        y = lanes_of(v, i)
        for lane in range(margins.size):
            margins[lane] += 0.0 if y[lane] == y[lane] else np.nan


@inner
def advance(flux, u, work, scheme, K, shape):
    """Apply a scheme to u."""
    name, steps, tau = scheme
    if name == EXPLICIT:
        explicit_row(flux, u, work, steps, tau, K, shape)
    elif name == FIXED_POINT:
        fixed_point_row(flux, u, work, steps, tau, K, shape)
    else:
        fsi_row(flux, u, work, steps, tau, K, shape, name == FROZEN_FSI)


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
        euclidean_margins(u, v, margins, more)
    spoil(v, margins)


@per_flux
def search(n, scheme, K, shape, notion, seed, trials):
    """The worst margin over the trials first, …, first + count − 1, and the first with it.

    Parameters
    ----------
    n : length of the signals
    scheme : (name, steps, tau)
    K : operator, as the six arrays of a matrix (`stabkit.kernels.linear`)
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
    laned = (K[0], K[1], K[2], K[3], K[4], K[5], np.empty(LANES))
    signals, images = scratch(2, size, margins), scratch(2, size, margins)
    work, more = scratch(4, max(size, height(laned, size)), margins), np.empty((4, LANES))
    worst, where = np.inf, -1
    for block in range(first // LANES, (end + LANES - 1) // LANES):
        for k in range(2 if notion == CONTRACTION else 1):
            u, v = signals[k, :size], images[k, :size]
            fill(u, margins, seed, block + k, k)
            if k == 1:
                approach(u, signals[0, :size], margins, seed, block)
            copy(v, u)
            advance(flux, v, work, scheme, laned, shape)
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
