"""Margins of many signals at once, a trial per lane: which notions hold, and by how much.

Rows of LANES numbers stand at constant distances in `more`, so the compiler need not ask whether
they overlap.  A sum with 0.0 keeps it from making a masked store, which is not vectorised.
"""

from __future__ import annotations

import numpy as np

from stabkit.codes import NotionCode
from stabkit.kernels import kernel
from stabkit.kernels.linear import LANES, lanes_of
from stabkit.kernels.parts import inner

_, CONTRACTION, RANGE, SIGN = map(int, NotionCode)
_NOISE = 2.0**-40


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


@inner
def subtract(u, v):
    """u ← u − v."""
    for i in range(u.size):
        u[i] -= v[i]


@kernel
def worst_margin(notion, signals, images, n, block, count, trials):
    """The worst margin of signals ↦ images, and the first trial of `trials` that has it.

    signals, images (S, count · n · LANES or more) are those of `stabkit.kernels.draws.draw_blocks`
    from `block` on; trials = (first, behind the last).  A margin that is no number (0/0, overflow)
    is passed over; (inf, −1) if none is left.
    """
    margins, more = np.empty(LANES), np.empty(4 * LANES)
    worst, where, length = np.inf, -1, n * LANES
    for t in range(count):
        a, b = t * length, (t + 1) * length
        u, v = signals[0, a:b], images[0, a:b]
        if notion == CONTRACTION:
            subtract(u, signals[1, a:b])
            subtract(v, images[1, a:b])
        measure(notion, u, v, margins, more)
        for lane in range(margins.size):
            trial = (block + t) * LANES + lane
            if margins[lane] < worst and trials[0] <= trial < trials[1]:
                worst, where = margins[lane], trial
    return worst, where
