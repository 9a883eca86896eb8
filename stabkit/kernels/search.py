"""Mass random search: draw a signal, apply a scheme, keep the worst margin, in one loop.

LANES trials are drawn, stepped and measured together, one per lane, without a branch.
A chunk of trials is one call, which holds no lock; the worst of several chunks (on a tie the
smaller trial number) is the worst of all their trials, however they were cut.
"""

# ruff: noqa: F821 - the names `flux` and `scheme` are bound when a kernel is compiled
from __future__ import annotations

import numpy as np
from numba.extending import overload

from stabkit.kernels import Family, inner
from stabkit.kernels.draws import approach, fill
from stabkit.kernels.fluxes import FLUXES
from stabkit.kernels.lanes import LANES as GROUP
from stabkit.kernels.lanes import fsi_swing, step_tile
from stabkit.kernels.linear import LANES, lanes_of
from stabkit.kernels.margins import CONTRACTION, measure
from stabkit.kernels.steps import copy, explicit_row, fixed_point_row, fsi_row, scratch

TWO = 2 * LANES  # the width of a row with two states
EXPLICIT, FSI, FROZEN_FSI, FIXED_POINT = range(4)


# -- many steps, with a matrix or with the reflecting difference --------------------------------
@inner
def laned(K):
    """A matrix that acts on every lane, with a row to work in."""
    return K[0], K[1], K[2], K[3], K[4], K[5], np.empty(LANES)


def advance(flux, rows, tile, states, u, work, steps, tau, K, shape):
    """Apply a scheme to u: `rows` knows a matrix, `tile` one step with the difference."""


def _advance_with_matrix(flux, rows, tile, states, u, work, steps, tau, K, shape):
    rows(flux, u, work, steps, tau, laned(K), shape)


def _advance_with_difference(flux, rows, tile, states, u, work, steps, tau, K, shape):
    # GROUP lanes at a time stay in cache for all steps.
    n, edges, step = u.size // LANES, work[1][: 2 * GROUP].reshape(2, GROUP), (tau, K[0])
    end, w = (n - 1, GROUP - 1, False), u if states == 1 else work[0][: 2 * u.size]
    for i in range(n if states == 2 else 0):
        for state in range(2):
            copy(w[(2 * i + state) * LANES : (2 * i + state + 1) * LANES], lanes_of(u, i))
    result = 0
    for first in range(0, LANES, GROUP):
        for k in range(steps):
            result = tile(flux, w[first:], edges, end, k, step, shape)
    for i in range(n if states == 2 else 0):
        copy(lanes_of(u, i), w[(2 * i + result) * LANES : (2 * i + result + 1) * LANES])


@overload(advance)
def _advance(flux, rows, tile, states, u, work, steps, tau, K, shape):
    return _advance_with_difference if len(K) == 1 else _advance_with_matrix


@inner
def free_fsi_row(flux, u, work, steps, tau, K, shape):
    fsi_row(flux, u, work, steps, tau, K, shape, False)


@inner
def explicit_tile(flux, w, edges, end, k, step, shape):
    """One step; return which state is the newest, as the others do."""
    step_tile(flux, w, edges, end, step, shape, LANES, 0, 0, 0)
    return 0


@inner
def fixed_point_tile(flux, w, edges, end, k, step, shape):
    step_tile(flux, w, edges, end, step, shape, TWO, 0, LANES, 0)
    return 0


@inner
def fsi_tile(flux, w, edges, end, k, step, shape):
    fsi_swing(flux, w, edges, end, k, step, shape, TWO, LANES)
    return (k + 1) % 2


# -- schemes, in the order of their names ----------------------------------------------------------
@inner
def explicit_steps(flux, u, work, steps, tau, K, shape):
    advance(flux, explicit_row, explicit_tile, 1, u, work, steps, tau, K, shape)


@inner
def fsi_steps(flux, u, work, steps, tau, K, shape):
    advance(flux, free_fsi_row, fsi_tile, 2, u, work, steps, tau, K, shape)


@inner
def frozen_fsi_steps(flux, u, work, steps, tau, K, shape):
    fsi_row(flux, u, work, steps, tau, laned(K), shape, True)


@inner
def fixed_point_steps(flux, u, work, steps, tau, K, shape):
    advance(flux, fixed_point_row, fixed_point_tile, 2, u, work, steps, tau, K, shape)


SCHEMES = explicit_steps, fsi_steps, frozen_fsi_steps, fixed_point_steps


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


def worst_of(n, steps, tau, K, shape, notion, seed, trials):
    """The worst margin over the trials first, …, first + count − 1, and the first with it.

    Parameters
    ----------
    n : length of the signals
    steps, tau : int and float
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
            scheme(flux, v, work, steps, tau, K, shape)
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


search = Family(worst_of, flux=FLUXES, scheme=SCHEMES)
