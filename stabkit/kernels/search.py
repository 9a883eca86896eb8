"""Mass random search: draw signals, apply a scheme, keep the worst margin.

LANES trials are drawn, stepped and measured together, one per lane, without a branch.  Only the
steps know the flux and the scheme, so only they are compiled for each.  The kernels hold no lock;
the worst of several chunks of trials (on a tie the smaller trial number) is the worst of all their
trials, however they were cut.
"""

# ruff: noqa: F821 - the names `flux` and `scheme` are bound when a kernel is compiled
from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.codes import SchemeCode
from stabkit.kernels import Family
from stabkit.kernels.difference_steps import LANES as GROUP
from stabkit.kernels.difference_steps import fsi_swing, step_tile
from stabkit.kernels.draws import draw_blocks
from stabkit.kernels.fluxes import FLUXES
from stabkit.kernels.linear import LANES, lanes_of
from stabkit.kernels.margins import CONTRACTION, worst_margin
from stabkit.kernels.parts import choose, inner
from stabkit.kernels.steps import (
    copy,
    explicit_row,
    fixed_point_row,
    free_fsi_row,
    frozen_fsi_row,
    scratch,
)

flux: Any  # the code of a flux, bound by number
scheme: Any  # that of a scheme

TWO = 2 * LANES  # the width of a row with two states
TOGETHER = 2**16  # numbers drawn in one call: so many that calls of kernels cost little


# -- many steps, with a matrix or with the reflecting difference --------------------------------
@inner
def with_lanes(K):
    """A matrix that acts on every lane, with a row to work in."""
    return K[0], K[1], K[2], K[3], K[4], K[5], np.empty(LANES)


def advance(flux, rows, tile, states, u, work, steps, tau, K, shape):
    """Apply a scheme to u: `rows` knows a matrix, `tile` one step with the difference."""


def _advance_with_matrix(flux, rows, tile, states, u, work, steps, tau, K, shape):
    rows(flux, u, work, steps, tau, with_lanes(K), shape)


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


@choose(advance)
def _advance(flux, rows, tile, states, u, work, steps, tau, K, shape):
    return _advance_with_difference if len(K) == 1 else _advance_with_matrix


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


# -- schemes: the name of a code, and _steps -----------------------------------------------------
@inner
def explicit_steps(flux, u, work, steps, tau, K, shape):
    advance(flux, explicit_row, explicit_tile, 1, u, work, steps, tau, K, shape)


@inner
def fsi_steps(flux, u, work, steps, tau, K, shape):
    advance(flux, free_fsi_row, fsi_tile, 2, u, work, steps, tau, K, shape)


@inner
def frozen_fsi_steps(flux, u, work, steps, tau, K, shape):
    frozen_fsi_row(flux, u, work, steps, tau, with_lanes(K), shape)


@inner
def fixed_point_steps(flux, u, work, steps, tau, K, shape):
    advance(flux, fixed_point_row, fixed_point_tile, 2, u, work, steps, tau, K, shape)


SCHEMES = tuple(globals()[f"{code.name.lower()}_steps"] for code in SchemeCode)


def step_blocks(signals, images, n, count, work, steps, tau, K, shape):
    """The images of signals in lanes (`stabkit.kernels.draws.draw_blocks`) under a scheme."""
    length = n * LANES
    for k in range(signals.shape[0]):
        for a in range(0, count * length, length):
            copy(images[k, a : a + length], signals[k, a : a + length])
            scheme(flux, images[k, a : a + length], work, steps, tau, K, shape)


stepped = Family(step_blocks, flux=FLUXES, scheme=SCHEMES)


def worst_of(code, scheme, n, steps, tau, K, shape, notion, seed, trials):
    """The worst margin over the trials first, …, first + count − 1, and the first with it.

    Parameters
    ----------
    code, scheme : FluxCode and SchemeCode
    n : int
        Length of the signals.
    steps, tau : int and float
    K : tuple
        The six arrays of a matrix (`stabkit.kernels.linear`), or (r,) for the reflecting first
        difference, r = 1/h or None for 1 (not for FROZEN_FSI).
    shape : tuple of float
        The parameters (q, p) of the flux.
    notion : NotionCode
    seed : int
    trials : tuple of int
        (first, count)

    Returns
    -------
    (float, int)
        (inf, −1) if no margin is a number.  `stabkit.kernels.draws` gives the signals again.

    Margins are relative: EUCLIDEAN 1 − ‖u⁺‖²/‖u‖², CONTRACTION the same for the difference of a
    pair, RANGE the distance to the range over its length, SIGN S(u) − S(u⁺).
    """
    notion = int(notion)  # of the type that the kernel was compiled for
    first, end = trials[0], trials[0] + trials[1]
    pair, like = 2 if notion == CONTRACTION else 1, np.empty(0)
    count = max(1, TOGETHER // (pair * n * LANES))
    room = scratch(2 * pair, count * n * LANES, like)
    signals, images = room[:pair], room[pair:]
    rows = 0 if len(K) == 1 else K[0].size - 1
    work, step = scratch(4, max(2 * n, rows) * LANES, like), stepped[code, scheme]
    worst, where = np.inf, -1
    for block in range(first // LANES, -(-end // LANES), count):
        blocks = min(count, -(-end // LANES) - block)
        draw_blocks(signals, n, seed, block, blocks)
        step(signals, images, n, blocks, work, steps, tau, K, shape)
        margin, trial = worst_margin(notion, signals, images, n, block, blocks, (first, end))
        if margin < worst:
            worst, where = margin, trial
    return worst, where
