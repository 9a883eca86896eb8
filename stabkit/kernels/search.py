"""Mass random search: draw a signal, apply a scheme, keep the worst margin, in one loop.

A chunk of trials is one call, which holds no lock; the worst of several chunks (on a tie the
smaller trial number) is the worst of all their trials, however they were cut.
"""

from __future__ import annotations

import numpy as np

from stabkit.kernels import inner, kernel
from stabkit.kernels.draws import fill, fill_near
from stabkit.kernels.linear import height
from stabkit.kernels.steps import copy, explicit_row, fixed_point_row, fsi_row, scratch

EXPLICIT, FSI, FROZEN_FSI, FIXED_POINT = range(4)
EUCLIDEAN, CONTRACTION, RANGE, SIGN = range(4)
_NOISE = 2.0**-40


@inner
def euclidean_margin(u, v):
    """1 − ‖v‖²/‖u‖²."""
    before = after = 0.0
    for i in range(u.size):
        before += u[i] * u[i]
        after += v[i] * v[i]
    return 1.0 - after / before


@inner
def range_margin(u, v):
    """How far v stays inside [min u, max u], over its length; of a constant u, over |u|."""
    low = high = u[0]
    least = most = v[0]
    for i in range(1, u.size):
        low, high = min(low, u[i]), max(high, u[i])
        least, most = min(least, v[i]), max(most, v[i])
    length = high - low if high > low else abs(high)
    return min(least - low, high - most) / length


@inner
def sign_changes(u, noise):
    """Sign changes along u; entries up to `noise` count as zero and are dropped."""
    changes, last = 0, 0
    for i in range(u.size):
        sign = (1 if u[i] > noise else 0) - (1 if u[i] < -noise else 0)
        if sign * last < 0:
            changes += 1
        last = sign if sign != 0 else last
    return changes


@inner
def sign_margin(u, v):
    """S(u) − S(v), where rounding noise of v counts as zero."""
    top = 0.0
    for i in range(u.size):
        top = max(top, abs(u[i]))
    return np.float64(sign_changes(u, 0.0) - sign_changes(v, _NOISE * top))


@inner
def advance(u, work, scheme, K, flux):
    """Apply a scheme to u."""
    name, steps, tau = scheme
    code, shape = flux[0], flux[1:]
    if name == EXPLICIT:
        explicit_row(code, u, work, steps, tau, K, shape)
    elif name == FIXED_POINT:
        fixed_point_row(code, u, work, steps, tau, K, shape)
    else:
        fsi_row(code, u, work, steps, tau, K, shape, name == FROZEN_FSI)


@inner
def subtract(u, v):
    """u ← u − v."""
    for i in range(u.size):
        u[i] -= v[i]


@inner
def margin(notion, u, v):
    """The margin of u ↦ v."""
    if notion == RANGE:
        return range_margin(u, v)
    if notion == SIGN:
        return sign_margin(u, v)
    return euclidean_margin(u, v)


@kernel
def search(n, scheme, K, flux, notion, seed, trials):
    """The worst margin over the trials first, …, first + count − 1, and the first with it.

    Parameters
    ----------
    n : length of the signals
    scheme : (name, steps, tau)
    K : operator in a form of `stabkit.kernels.linear`
    flux : (code, q, p)
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
    u, v = np.empty((2, n)), np.empty((2, n))
    work = scratch(3, max(n, height(K, n)), u)
    worst, where = np.inf, -1
    for trial in range(trials[0], trials[0] + trials[1]):
        fill(u[0], seed, trial, 0)
        if notion == CONTRACTION:
            fill_near(u[1], u[0], seed, trial)
        for k in range(2 if notion == CONTRACTION else 1):
            copy(v[k], u[k])
            advance(v[k], work, scheme, K, flux)
        if notion == CONTRACTION:
            subtract(u[0], u[1])
            subtract(v[0], v[1])
        m = margin(notion, u[0], v[0])
        if m < worst:
            worst, where = m, trial
    return worst, where
