"""Random signals by number: entry i of trial t is a hash of (seed, t, i), nothing is stored.

So a trial can be drawn again from two integers, on any machine, in any order, on any number of
threads.  The hash is splitmix64 (Steele, Lea and Flood 2014).  Every entry is a float64, so it is
a rational number.
"""

from __future__ import annotations

import numpy as np

from stabkit.kernels import inner, kernel

KINDS = 8  # uniform, heavy-tailed, integers, spikes, steps, alternating, walk, few values

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)
_S8, _S12, _LOW8 = np.uint64(8), np.uint64(12), np.uint64(255)


@inner
def mixed(z):
    """The splitmix64 output function: a bijection of 64-bit words."""
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    return z ^ (z >> _S31)


@inner
def stream(seed, trial, number):
    """The key of one signal of a trial: `number` tells its signals apart."""
    key = mixed(np.uint64(seed) * _GOLDEN + np.uint64(trial) + _GOLDEN)
    return mixed(key + np.uint64(number))


@inner
def word(key, i):
    """64 random bits of site i."""
    return mixed(key + (np.uint64(i) + np.uint64(1)) * _GOLDEN)


@inner
def unit(bits):
    """A number in [−1, 1), a multiple of 2⁻⁵¹."""
    return np.float64(np.int64(bits >> _S12)) * 2.0**-51 - 1.0


@inner
def power(k):
    """2ᵏ, exactly, for −1022 <= k <= 1023."""
    return np.ldexp(1.0, np.int64(k))


@inner
def below(bits, count):
    """An integer in 0, …, count − 1, of the lowest 8 bits."""
    return np.int64(((bits & _LOW8) * np.uint64(count)) >> _S8)


@inner
def fill_plain(u, key, kind):
    """Kinds whose sites are drawn one by one."""
    for i in range(u.size):
        bits = word(key, i)
        x = unit(bits)
        if kind == 1:
            x *= power(below(bits, 41) - 20)
        elif kind == 2:
            x = np.float64(below(bits, 7) - 3)
        elif kind == 3:
            x = x if below(bits, 4) == 0 else 0.0
        elif kind == 5:
            x = x if (x < 0) == (i % 2 == 0) else -x
        u[i] = x


@inner
def fill_running(u, key, kind):
    """Kinds that depend on the sites before."""
    value, base = 0.0, unit(word(key, -2))
    for i in range(u.size):
        bits = word(key, i)
        x = unit(bits)
        if kind == 4:
            value = x if i == 0 or below(bits, 3) == 0 else value
        elif kind == 6:
            value += x
        else:
            value = base * np.float64(below(bits, 3) - 1)
        u[i] = value


@inner
def fill(u, seed, trial, number):
    """Signal `number` of a trial: kind trial mod KINDS, scale 2⁻⁶ to 2⁶ unless integers."""
    key = stream(seed, trial, number)
    kind = trial % KINDS
    if kind in (0, 1, 2, 3, 5):
        fill_plain(u, key, kind)
    else:
        fill_running(u, key, kind)
    if kind != 2:
        scale = power(below(word(key, -1), 13) - 6)
        for i in range(u.size):
            u[i] *= scale


@inner
def fill_near(v, u, seed, trial):
    """The second signal of a trial: near u, at a random distance."""
    fill(v, seed, trial + 1, 1)
    distance = power(-below(word(stream(seed, trial, 2), 0), 21))
    for i in range(u.size):
        v[i] = u[i] + distance * v[i]


@kernel
def draw_pair(seed, trial, n):
    """Return the two signals of length n of a trial, as `search` draws them."""
    u, v = np.empty(n), np.empty(n)
    fill(u, seed, trial, 0)
    fill_near(v, u, seed, trial)
    return u, v


def draw(seed: int, trial: int, n: int) -> np.ndarray:
    """Return the signal of length n of a trial, as `search` draws it."""
    return draw_pair(seed, trial, n)[0]
