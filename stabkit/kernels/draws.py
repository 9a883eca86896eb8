"""Random signals by number: entry i of trial t is a hash of (seed, t, i), nothing is stored.

So a trial can be drawn again from two integers, on any machine, in any order, on any number of
threads.  LANES consecutive trials are drawn together, one per lane, and are of one kind.  The key
of such a block is a hash of 64 bits, splitmix64 (Steele, Lea and Flood 2014); an entry mixes it
with the lane and the site in 32 bits, which vectorises.  Every entry is a float64, so it is a
rational number.
"""

from __future__ import annotations

import numpy as np

from stabkit.kernels import kernel
from stabkit.kernels.exponential import SHIFT, times_power
from stabkit.kernels.linear import LANES, lanes_of
from stabkit.kernels.parts import choose, inner

GROUP = 32  # lanes that are drawn by unrolled code
KINDS = 8  # uniform, heavy-tailed, integers, spikes, steps, alternating, walk, few values

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_GOLDEN32 = np.uint32(0x9E3779B9)
_ODD1, _ODD2 = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_S15, _S16 = np.uint32(15), np.uint32(16)
_LOW8 = np.uint32(255)


@inner
def mix(z):
    """The splitmix64 output function: a bijection of 64-bit words."""
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    return z ^ (z >> _S31)


@inner
def stream(seed, block, number):
    """The key of one signal of the trials of a block: `number` tells their signals apart."""
    key = mix(np.uint64(seed) * _GOLDEN + np.uint64(block) + _GOLDEN)
    key = mix(key + np.uint64(number))
    return np.uint32(key), np.uint32(key >> _S32)


@inner
def word(key, lane, i):
    """32 random bits of a lane and a site."""
    x = np.uint32(key[0] + np.uint32(np.uint32(i * LANES + lane) * _GOLDEN32))
    x = np.uint32(np.uint32(x ^ (x >> _S16)) * _ODD1)
    x = np.uint32(np.uint32(x ^ (x >> _S15)) + key[1])
    x = np.uint32(np.uint32(x ^ (x >> _S16)) * _ODD2)
    return np.uint32(x ^ (x >> _S16))


@inner
def unit(bits):
    """A number in [−1, 1), a multiple of 2⁻³¹."""
    return np.float64(np.int32(bits)) * 2.0**-31


@inner
def power(k):
    """2ᵏ, exactly, for −1022 <= k <= 1023."""
    return times_power(1.0, k + SHIFT)


@inner
def below(bits, count):
    """An integer in 0, …, count − 1 as a float, of the lowest 8 bits."""
    return np.float64(np.int32(np.uint32((bits & _LOW8) * np.uint32(count)) >> np.uint32(8)))


@inner
def entry(kind, bits, x, i, before):
    """Entry i of a signal of some kind, after the entry `before`, x being a number of its scale."""
    if kind == 1:
        return x * power(below(bits, 41) - 20.0)
    if kind == 2:
        return below(bits, 7) - 3.0
    if kind == 3:
        return x if below(bits, 4) == 0.0 else 0.0
    if kind == 4:
        return x if below(bits, 3) == 0.0 else before
    if kind == 5:
        return abs(x) if i % 2 == 1 else -abs(x)
    if kind == 6:
        return before + x
    return x if kind == 0 else x * (below(bits, 3) - 1.0)


def draw_kind(u, size, key, kind):
    """Signals of one kind in lanes, on the scale `size`; of the last kind size takes all values."""


@choose(draw_kind, prefer_literal=True)
def _draw_kind(u, size, key, kind):
    KIND = kind.literal_value  # a constant to the compiler, so it vectorises the row

    def draw(u, size, key, kind):
        for lane in range(size.size):
            bits = word(key, lane, 0)
            x = size[lane] if KIND == 7 else unit(bits) * size[lane]
            u[lane] = x if KIND in (4, 6) else entry(KIND, bits, x, 0, 0.0)
        for i in range(1, u.size // LANES):
            for first in range(0, LANES, GROUP):
                row, sizes = u[(i - 1) * LANES + first : i * LANES + first + GROUP], size[first:]
                for lane in range(GROUP):
                    bits = word(key, lane + first, i)
                    x = sizes[lane] if KIND == 7 else unit(bits) * sizes[lane]
                    row[lane + LANES] = entry(KIND, bits, x, i, row[lane])

    return draw


@inner
def draw_sizes(size, key, kind):
    """The scale of every lane: 2⁻⁶ to 2⁶, times a number in [−1, 1) for the last kind."""
    for lane in range(LANES):
        size[lane] = power(below(word(key, lane, -1), 13) - 6.0)
    if kind == KINDS - 1:
        for lane in range(LANES):
            size[lane] *= unit(word(key, lane, -2))


@inner
def scale(u, size):
    """Multiply every lane by its size."""
    for i in range(u.size // LANES):
        row = lanes_of(u, i)
        for lane in range(row.size):
            row[lane] *= size[lane]


@inner
def approach(v, u, size, seed, block):
    """Bring v, the second signal of every trial of a block, near u, at a random distance."""
    key = stream(seed, block, 2)
    for lane in range(size.size):
        size[lane] = power(-below(word(key, lane, 0), 21))
    scale(v, size)
    for i in range(u.size):
        v[i] += u[i]


@kernel
def draw_blocks(signals, n, seed, first, count):
    """The signals of length n of the trials of `count` blocks from `first` on, in lanes.

    signals (S, count · n · LANES or more): S = 1 for one signal of every trial, 2 for a pair.  The
    kind of signal number k is (block + k) mod KINDS; integers have no scale.
    """
    size, length = np.empty(LANES), n * LANES
    for each in range(count * signals.shape[0]):
        t, k = each // signals.shape[0], each % signals.shape[0]
        u = signals[k, t * length : (t + 1) * length]
        key, kind = stream(seed, first + t + k, k), (first + t + k) % KINDS
        draw_sizes(size, key, kind)
        if kind == 0:
            draw_kind(u, size, key, 0)
        elif kind == 1:
            draw_kind(u, size, key, 1)
        elif kind == 2:
            draw_kind(u, size, key, 2)
        elif kind == 3:
            draw_kind(u, size, key, 3)
        elif kind == 4:
            draw_kind(u, size, key, 4)
        elif kind == 5:
            draw_kind(u, size, key, 5)
        elif kind == 6:
            draw_kind(u, size, key, 6)
        else:
            draw_kind(u, size, key, 7)
        if k == 1:
            approach(u, signals[0, t * length : (t + 1) * length], size, seed, first + t)


def draw_pair(seed: int, trial: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the two signals of length n of a trial, as a search draws them."""
    pair, (block, lane) = np.empty((2, n * LANES)), divmod(trial, LANES)
    draw_blocks(pair, n, seed, block, 1)
    return pair[0, lane::LANES].copy(), pair[1, lane::LANES].copy()


def draw(seed: int, trial: int, n: int) -> np.ndarray:
    """Return the signal of length n of a trial, as a search draws it."""
    return draw_pair(seed, trial, n)[0]
