"""K u and rows of Kᵀ f, for the three forms a kernel takes an operator K in.

Stencil: ``(boundary, taps)`` with (K u)ⱼ = Σₜ tapsₜ u_{j+t}; `taps` is a tuple of floats.  NATURAL
keeps the rows that lie inside the signal, so ``(NATURAL, (-1/h, 1/h))`` is the reflecting first
difference; ZERO keeps every row that meets it; PERIODIC has N rows.  N >= len(taps), for ZERO
N >= 1.

Any matrix: ``(starts, columns, values, starts_t, columns_t, values_t)``, the compressed rows of K
and of Kᵀ, columns sorted.  Numba adds a sign test to every signed index, so pass starts and
columns as uint32.

Lanes: the six arrays of a matrix and a row of LANES entries to work in.  Then a vector holds LANES
signals, ``u[i * LANES + l]`` is site i of lane l, and K acts on every lane.

Rows of a matrix are summed in the order of the columns, of a stencil in the order of the taps, of
its adjoint in the order of the rows; that is the same but where a periodic stencil wraps.
"""

from __future__ import annotations

import numpy as np

from stabkit.codes import EdgeCode
from stabkit.kernels.parts import choose, inner

NATURAL, PERIODIC, ZERO = map(int, EdgeCode)
LANES = 128  # of `lanes_of`: so many hide the check that arrays do not overlap


def is_stencil(K):
    """Whether K is of that form; asked when a kernel is compiled."""
    return len(K) == 2


def is_laned(K):
    """Whether K acts on lanes; asked when a kernel is compiled."""
    return len(K) == 7


def height(K, n):
    """How many entries `apply` writes: the rows of a matrix, N + len(taps) − 1 for a stencil."""


@choose(height)
def _height(K, n):
    if is_stencil(K):
        return lambda K, n: n + len(K[1]) - 1
    if is_laned(K):
        return lambda K, n: (K[0].size - 1) * LANES
    return lambda K, n: K[0].size - 1


def apply(K, u, s):
    """Write s = K u.

    A stencil writes all rows that meet the signal, from its left to its right: those that stick
    out are 0 if NATURAL and repeat the rows they are if PERIODIC.
    """


@inner
def _edge_row(K, u, site):
    boundary, taps = K
    total = u.dtype.type(0)
    for t in range(len(taps)):
        j = site + t
        if boundary == PERIODIC:
            total += u.dtype.type(taps[t]) * u[j % u.size]
        elif boundary == ZERO and 0 <= j < u.size:
            total += u.dtype.type(taps[t]) * u[j]
    return total


@inner
def apply_edges(K, u, s):
    """The rows of K u that stick out of the signal, to the ends of s."""
    n, edge = u.size, len(K[1]) - 1
    for k in range(edge):
        s[k] = _edge_row(K, u, k - edge)
    for k in range(max(n, edge), n + edge):
        s[k] = _edge_row(K, u, k - edge)


@inner
def apply_inside(K, u, s):
    """The rows of K u that lie inside u: those from site 0 on, as many as s has."""
    taps = K[1]
    to = u.dtype.type
    for j in range(s.size):
        total = to(taps[0]) * u[j]
        for t in range(1, len(taps)):
            total += to(taps[t]) * u[j + t]
        s[j] = total


def _apply_stencil(K, u, s):
    apply_edges(K, u, s)
    apply_inside(K, u, s[len(K[1]) - 1:u.size])


@inner
def _row(starts, columns, values, x, i):
    total = x.dtype.type(0)
    for k in range(starts[i], starts[i + 1]):
        total += values[k] * x[columns[k]]
    return total


def _apply_rows(K, u, s):
    for j in range(s.size):
        s[j] = _row(K[0], K[1], K[2], u, j)


@inner
def lanes_of(x, site):
    """One site of every lane."""
    at = np.int64(site) * LANES
    return x[at:at + LANES]


@inner
def add_lanes(value, x, out):
    """out += value x."""
    for lane in range(out.size):
        out[lane] += value * x[lane]


@inner
def lane_row(starts, columns, values, x, i, out):
    """Row i of a matrix applied to every lane of x."""
    first, count = np.int64(starts[i]), np.int64(starts[i + 1]) - np.int64(starts[i])
    if count < 2:
        for lane in range(out.size):
            out[lane] = x.dtype.type(0)
        if count == 1:
            add_lanes(values[first], lanes_of(x, columns[first]), out)
        return
    a, b = values[first], values[first + 1]
    left, right = lanes_of(x, columns[first]), lanes_of(x, columns[first + 1])
    for lane in range(out.size):
        out[lane] = a * left[lane] + b * right[lane]
    for k in range(first + 2, first + count):
        add_lanes(values[k], lanes_of(x, columns[k]), out)


def _apply_lanes(K, u, s):
    for j in range(K[0].size - 1):
        lane_row(K[0], K[1], K[2], u, j, s[j * LANES:(j + 1) * LANES])


@choose(apply)
def _apply(K, u, s):
    if is_laned(K):
        return _apply_lanes
    return _apply_stencil if is_stencil(K) else _apply_rows


def pull(K, f, i):
    """(Kᵀ f)ᵢ."""


def _pull_stencil(K, f, i):
    taps = K[1]
    to, edge = f.dtype.type, len(K[1]) - 1
    total = to(taps[edge]) * f[i]
    for k in range(1, len(taps)):
        total += to(taps[edge - k]) * f[i + k]
    return total


def _pull_rows(K, f, i):
    return _row(K[3], K[4], K[5], f, i)


@choose(pull)
def _pull(K, f, i):
    return _pull_stencil if is_stencil(K) else _pull_rows
