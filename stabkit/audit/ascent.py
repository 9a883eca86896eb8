"""Pairs of inputs that a network drives far apart: gradient ascent, in floats, for searching only.

|f(x) − f(y)|/|x − y| is followed uphill from many pairs at once, near and far.  Where slopes jump,
as those of ReLU do, a gradient says nothing of the next piece; so the best places are also moved at
random, and the direction that the derivative there stretches most is taken anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import numpy as np

from stabkit.networks.derivatives import backward, forward
from stabkit.networks.graph import Graph
from stabkit.time_limit import time_is_over

_AMPLITUDES = (1.0, 0.1, 10.0, 0.01, 100.0, 1.0)
_FAR = (1.0, 0.1, 1e-2)       # distances of the first pairs, relative to their amplitudes
_NEAR = 1e-4                  # distance of a pair that stands for a derivative
_UPHILL = 60                  # steps of one ascent
_RATE = 0.05
_ROUNDS = 40                  # random moves of one place
_POWERS = 4                   # steps of a power iteration after a move
_ENTRIES = 2_000_000          # of all signals that are kept at once

_WORK = 1e8                   # operations of an evaluation of all pairs
LIGHT = 2e5                   # of a network that is searched to the end, whatever the clock says
_RESTARTS = 1_000_000

Pair = tuple[float, np.ndarray, np.ndarray]
Ball = tuple[np.ndarray, float]


@np.errstate(all="ignore")  # what is not finite is no candidate
def drive_pairs_apart(graph: Graph, until: float, seed: int, within: Ball | None = None
                      ) -> Iterator[Pair]:
    """Better and better pairs x, y of shape (1, *graph.shape), with their quotients.

    The search starts anew until the time is over; one start is always made, and cut short only
    where :func:`is_late`.

    Parameters
    ----------
    graph : Graph
    until : float
        On the clock of ``time.monotonic``.
    seed : int
    within : (ndarray, float), optional
        Centre and radius of the ball in which both inputs lie, up to rounding.
    """
    rng = np.random.default_rng(seed)
    signals = sum(int(np.prod(node.shape)) for node in graph.nodes) + graph.size
    count = int(np.clip(min(_ENTRIES / (2 * signals), _WORK / graph.work), 1, 24))
    best = 0.0
    for number in range(_RESTARTS):
        x, y = _random_pairs(graph, rng, count, number, within)
        x, y, values = _uphill(graph, x, y, until, within)
        place = int(np.argmax(values))
        top = x[place:place + 1]
        if values[place] > best:
            best = float(values[place])
            yield best, top, y[place:place + 1]
        middle = (x[place:place + 1] + y[place:place + 1]) / 2
        for found in _wander(graph, middle, y[place:place + 1] - top, rng, count, until,
                             within):
            if found[0] > best:
                best = found[0]
                yield found
        if monotonic() >= until or best == 0 or is_late(graph):
            return


def is_late(graph: Graph) -> bool:
    """Whether the time is over, and the network so large that it matters."""
    return graph.work > LIGHT and time_is_over()


def quotients(graph: Graph, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|f(x) − f(y)|/|x − y| for signals of shape (batch, *graph.shape); 0 where it is none."""
    both = graph.values(np.concatenate([x, y]))[len(graph.nodes) - 1]
    away, apart = (_sizes(part) for part in (x - y, both[:len(x)] - both[len(x):]))
    values = apart / np.where(away > 0, away, np.inf)
    return np.where(np.isfinite(values), values, 0.0)


def _sizes(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(x.reshape(len(x), -1) ** 2, axis=1))


def _wide(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    return values.reshape(-1, *[1] * (x.ndim - 1))


def _inside(x: np.ndarray, within: Ball | None) -> np.ndarray:
    """The nearest signals in the ball."""
    if within is None:
        return x
    away = x - within[0]
    return within[0] + _wide(np.minimum(1.0, within[1] / np.maximum(_sizes(away), 1e-300)),
                             x) * away


def _random_pairs(graph: Graph, rng: np.random.Generator, count: int, number: int,
                  within: Ball | None) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of random signals at several amplitudes and distances, or in the ball."""
    kinds = number * count + np.arange(count)
    size = np.take(_AMPLITUDES, kinds % len(_AMPLITUDES))
    far = size * np.take(_FAR, (kinds // len(_AMPLITUDES)) % len(_FAR))
    x, d = rng.standard_normal((2, count, *graph.shape))
    if within is not None:
        unit = within[1] / np.sqrt(graph.size)
        x = _inside(within[0] + unit * x, within)
        return x, _inside(x + _wide(unit * far / size, d) * d, within)
    x = _wide(size, x) * x
    return x, x + _wide(far, d) * d


def _uphill(graph: Graph, x: np.ndarray, y: np.ndarray, until: float, within: Ball | None
            ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where Adam (Kingma and Ba 2015) comes from some pairs: the best pair of each path."""
    z = np.concatenate([x, y])
    count, size = len(x), _wide(np.tile(_sizes(x - y) / np.sqrt(graph.size), 2), z)
    first, second = np.zeros_like(z), np.zeros_like(z)
    best, where = np.zeros(count), z.copy()
    for step in range(1, _UPHILL + 1):
        kept = graph.values(z, keep=True)
        out = kept[len(graph.nodes) - 1]
        r, d = out[:count] - out[count:], z[:count] - z[count:]
        apart, away = _sizes(r), _sizes(d)
        with np.errstate(invalid="ignore", divide="ignore"):  # pairs that met
            values = apart / away
        better = np.isfinite(values) & (values > best)
        best = np.where(better, values, best)
        where = np.where(_wide(np.tile(better, 2), z), z, where)
        if not np.isfinite(values).any() or not apart.any() or is_late(graph) or (
                step > 5 and monotonic() >= until):
            break
        pull = _wide(1 / np.maximum(apart, 1e-100) ** 2, r) * r
        g = backward(graph, kept, np.concatenate([pull, -pull]))
        push = _wide(1 / np.maximum(away, 1e-100) ** 2, d) * d
        g = np.nan_to_num(g - np.concatenate([push, -push]))
        first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g * g
        move = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-30)
        z = _inside(z + _RATE * size * move, within)
    return where[:count], where[count:], best


def _wander(graph: Graph, x: np.ndarray, d: np.ndarray, rng: np.random.Generator, count: int,
            until: float, within: Ball | None) -> Iterator[Pair]:
    """Random moves of a place and power iterations there; what is better is kept."""
    best, scale, order = 0.0, 1.0, np.arange(count)
    d = d / max(float(_sizes(d)[0]), 1e-300)
    for number in range(_ROUNDS):
        size = max(float(np.abs(x).mean()), 1e-3) if within is None else \
            within[1] / np.sqrt(graph.size)
        noise = rng.standard_normal((count, *graph.shape))
        noise *= _wide(scale * size * np.exp2(-(order % 6)), noise)
        # Farther out a network with biases comes near to one without.
        grown = np.exp(scale * rng.standard_normal(count))
        grown = np.where((order % 4 == 3) & (within is None), grown, 1.0)
        places = _inside(_wide(grown, noise) * (x + noise), within)
        places[0] = x[0]
        stretched, gains = _directions_of_stretch(graph, places, np.repeat(d, count, axis=0)
                                                  + 0.1 / np.sqrt(graph.size) * rng.standard_normal(
                                                      places.shape))
        place = int(np.argmax(gains))
        if gains[place] > best:
            best, x = float(gains[place]), places[place:place + 1]
            d = stretched[place:place + 1]
            reach = _NEAR * size
            for far in (reach, 1e-3 * reach, 100 * reach):
                ends = _inside(np.concatenate([x, x + far * d, x - far * d]), within)
                for y in (ends[1:2], ends[2:]):
                    yield float(quotients(graph, ends[:1], y)[0]), ends[:1], y
        else:
            scale *= 0.85
        if (number >= 2 and monotonic() >= until) or is_late(graph):
            return


def _directions_of_stretch(graph: Graph, x: np.ndarray, d: np.ndarray
                           ) -> tuple[np.ndarray, np.ndarray]:
    """The directions that the derivatives at some places stretch most, and by how much."""
    kept, gains = graph.values(x, keep=True), np.zeros(len(x))
    for _ in range(_POWERS):
        d = d / _wide(np.maximum(_sizes(d), 1e-300), d)
        pushed = forward(graph, kept, d)
        gains = np.nan_to_num(_sizes(pushed), posinf=0.0)
        pulled = backward(graph, kept, pushed)
        d = np.where(_wide(_sizes(pulled) > 0, d), pulled, d)
    return d / _wide(np.maximum(_sizes(d), 1e-300), d), gains
