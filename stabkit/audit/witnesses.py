"""Certified lower bounds of a network's Lipschitz constant: a pair that is driven apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from math import prod
from time import monotonic
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.audit.ascent import Pair, drive_pairs_apart, is_late, quotients
from stabkit.errors import Undecided
from stabkit.networks.derivatives import backward, forward
from stabkit.networks.enclosures import enclose, norm_between
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Activation
from stabkit.networks.layers.activation import leak_of
from stabkit.networks.network import Network
from stabkit.operators.singular_values import upper_root
from stabkit.stability.confirmation import write_witness
from stabkit.stability.falsify import exact_margin, is_violated, shrink
from stabkit.stability.falsify.exactness import exact_signals_near
from stabkit.stability.notions import CONTRACTION, sensitivity
from stabkit.stability.verdict import Evidence, calculation
from stabkit.time_limit import time_is_over, time_would_be_over

_AMPLITUDES = (0.0, 1.0, 0.1, 10.0, 0.01, 100.0)
_REACHES = (1.0, 0.1, 1e-3, 1e-6, 1e-12, 1e-30)  # the last ones from 0, without cancellation
_ROUNDS = 30
_FEW_ROUNDS = 6  # for networks of so many operations:
_HEAVY = 1e8
_DEEP = 20_000  # layers
_NEARLY = Fraction(999, 1000)
_ENOUGH = 1e-4  # by which a quotient may miss the upper bound
_TRIED = len(_AMPLITUDES) * len(_REACHES)
_LOST = 1e-6    # by which rounding errors may lessen a quotient
_WRITTEN = 10   # times an exact evaluation: what writing it down and replaying it take, about
_INTERVALS = 5e-5  # seconds that two entries take in ball arithmetic
_FEW, _NARROW = 12, 24  # layers and entries of a network that exact arithmetic is quick with
_SHRUNK = 2_000  # entries of a matrix up to which a pair is made simple


@dataclass(frozen=True)
class Quotient:
    """A pair u, w with ‖u⁺ − w⁺‖ >= lower ‖u − w‖ for certain, and the evidence."""

    lower: Fraction
    signals: tuple[np.ndarray, ...]
    evidence: tuple[Evidence, ...]
    best: tuple[np.ndarray, ...] = ()  # the pair that is driven apart so far, if it is exact

    def evidence_against(self, at_most: Fraction) -> tuple[Evidence, ...]:
        """The evidence, as it stands against a constant that is smaller than `lower`."""
        data = self.evidence[0].data
        return (replace(self.evidence[0],
                        data={**data, "shows": [f"apart > {at_most} * away"]}),)


@np.errstate(over="ignore", invalid="ignore")  # what overflows is no candidate
def largest_quotient(graph: Graph, until: float, seed: int, unit: Fraction = Fraction(0),
                     upper: Fraction | None = None) -> Quotient | None:
    """The best pair that is found by a time, or that is as good as an `upper` bound.

    First those of a power iteration on the derivative at a few points, then those of ascent; of
    large networks as many as there is time for.  It holds for all weights within a relative
    `unit` of those that stand there.
    """
    enough = np.inf if upper is None else float(upper) * (1 - _ENOUGH)
    best: Pair | None = None
    curved = any(not node.layer.is_linear for node in graph.nodes)
    ascended = drive_pairs_apart(graph, until, seed) if curved else iter(())
    for tried, found in enumerate(chain(_stretched_pairs(graph, seed), ascended)):
        if best is None or found[0] > best[0]:
            best = found
        if best[0] >= enough or is_late(graph) or (monotonic() >= until and (
                tried >= _TRIED or graph.work > _HEAVY)):
            break
    if best is None or not best[0] > 0:
        return None
    return _certain(graph, *best[1:], unit)


def _stretched_pairs(graph: Graph, seed: int) -> Iterator[Pair]:
    rng = np.random.default_rng(seed)
    rounds = _ROUNDS if graph.work < _HEAVY else _FEW_ROUNDS
    for number, size in enumerate(_AMPLITUDES[:2] if graph.work > _HEAVY else _AMPLITUDES):
        x = size * rng.standard_normal((1, *graph.shape))
        d, gain = direction_of_stretch(graph, x, rng, rounds)
        for reach in _REACHES[:3] if size else _REACHES:
            y = x + reach * max(size, 1.0) * d
            yield float(quotients(graph, x, y)[0]), x, y
        if gain == 0 and number >= 2:
            return


def seconds_to_enclose(graph: Graph) -> float:
    """About how long it takes to enclose the values at two inputs."""
    entries = 0
    for node in graph.nodes:
        if time_is_over():
            break
        if isinstance(node.layer, Activation) and leak_of(node.layer.flux) is None:
            entries += prod(node.shape)
    return _INTERVALS * entries


@np.errstate(over="ignore", invalid="ignore")
def growth_of_one(graph: Graph, seed: int, unit: Fraction = Fraction(0)) -> Quotient | None:
    """A single input u with ‖u⁺‖ >= lower ‖u‖; zero itself, with lower 0, if it is moved."""
    zero = np.zeros((1, *graph.shape))
    if is_late(graph):
        return None
    try:
        middle, error = enclose(graph, zero)
    except Undecided:  # the time is over
        return None
    moved = norm_between(middle, float(error[0]))[0] \
        if np.isfinite(error).all() and np.isfinite(middle).all() else Fraction(0)
    if moved > 0:
        log = Transcript()
        evidence = calculation(
            "witness", log, [f"{log.give('moved', _short(moved)).text} > 0"],
            "moved is a lower bound of |u+| for the input u = 0, computed by stabkit with every "
            "rounding error counted; taken as given here")
        return Quotient(Fraction(0), (zero.ravel(),), (evidence,))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(zero.shape)
    for _ in range(_ROUNDS if graph.work < _HEAVY else _FEW_ROUNDS):
        kept = graph.values(x, keep=True)
        pulled = backward(graph, kept, kept[len(graph.nodes) - 1])
        gain = float(np.linalg.norm(pulled))
        if gain == 0 or not np.isfinite(gain) or is_late(graph):
            break
        x = pulled * (np.linalg.norm(x) / gain)
    return _certain(graph, x, zero, unit)


def direction_of_stretch(graph: Graph, x: np.ndarray, rng: np.random.Generator, rounds: int
                          ) -> tuple[np.ndarray, float]:
    """The direction that the derivative at x stretches most, by power iteration."""
    kept = graph.values(x, keep=True)
    d, gain = rng.standard_normal(x.shape), 0.0
    d /= np.linalg.norm(d)
    for _ in range(rounds):
        pulled = backward(graph, kept, forward(graph, kept, d))
        gain = float(np.linalg.norm(pulled))
        if gain == 0 or not np.isfinite(gain):
            break
        d = pulled / gain
        if is_late(graph):
            break
    return d, gain


def is_quick(graph: Graph) -> bool:
    """Whether exact arithmetic with a network is done whatever the clock says."""
    widest = max([graph.size, *(prod(node.shape) for node in graph.nodes)])
    return graph.is_small and len(graph.nodes) <= _FEW and widest <= _NARROW


# -- certainty -------------------------------------------------------------------------------------
def _certain(graph: Graph, x: np.ndarray, y: np.ndarray, unit: Fraction = Fraction(0)
             ) -> Quotient | None:
    try:
        if graph.is_small and not unit:
            return _exactly(graph, x, y)
    except Undecided:  # the time is over
        pass
    try:
        return _enclose_quotient(graph, x, y, unit) if unit else certain_quotient(graph, x, y)
    except Undecided:  # before the activations' slopes were shown
        return None


def certain_quotient(graph: Graph, x: np.ndarray, y: np.ndarray) -> Quotient | None:
    """The quotient of this very pair, from below; None where no time is left for it."""
    try:
        found = _enclose_quotient(graph, x, y, Fraction(0))
    except Undecided:
        return None
    if graph.is_narrow and len(graph.nodes) <= _DEEP and (
            found is None or float(found.lower) < (1 - _LOST) * quotients(graph, x, y)[0]):
        try:
            return _exact_quotient_of_images(graph, x, y)  # float errors grow from layer to layer
        except Undecided:  # the time is over
            return found
    return found


def _enclose_quotient(graph: Graph, x: np.ndarray, y: np.ndarray, unit: Fraction
                      ) -> Quotient | None:
    middle, error = enclose(graph, np.concatenate([x, y]), float(unit))
    if not (np.isfinite(error).all() and np.isfinite(middle).all()):
        return None
    gap, moved = middle[0] - middle[1], x - y
    apart, _ = norm_between(gap, float(error.sum() * (1 + 2.0**-20)
                                       + 2.0**-52 * np.linalg.norm(gap)))
    _, away = norm_between(moved, float(2.0**-52 * np.linalg.norm(moved)))
    if apart <= 0 or away <= 0:
        return None
    return _quotient_of_images(x, y, apart, away, "with every rounding error counted")


def _quotient_of_images(x: np.ndarray, y: np.ndarray, apart: Fraction, away: Fraction, how: str
                        ) -> Quotient:
    """The quotient of a pair whose images are too long to be written down."""
    lower = _short(apart / away)
    log = Transcript()
    one, other = log.give("apart", _short(apart)), log.give("away", _short(away, up=True))
    evidence = calculation(
        "witness", log, [f"{one.text} > {other.text}"] if apart > away else
        [f"{one.text} >= {lower} * {other.text}"],
        "apart is a lower bound of |u+ - w+| and away an upper bound of |u - w| for two inputs u "
        f"and w, computed by stabkit {how}; taken as given here")
    return Quotient(lower, (x.ravel(), y.ravel()), (evidence,))


def _exact_quotient_of_images(graph: Graph, x: np.ndarray, y: np.ndarray,
                              quotient: Fraction | None = None) -> Quotient | None:
    if quotient is None:
        quotient = _exact_quotient(graph, tuple(fractions(part.ravel()) for part in (x, y)))
    away = _short(Fraction(float(np.linalg.norm(x - y))))
    if quotient <= 0 or away <= 0:
        return None
    return _quotient_of_images(x, y, quotient * away, away,
                               "in exact arithmetic; both are relative to |u - w|")


def _exactly(graph: Graph, x: np.ndarray, y: np.ndarray) -> Quotient | None:
    network, start = Network(graph), monotonic()
    best = tuple(fractions(part.ravel()) for part in (x, y))
    lower = _exact_quotient(graph, best)
    if time_would_be_over(_WRITTEN * (monotonic() - start)) and not is_quick(graph):
        return _exact_quotient_of_images(graph, x, y, lower)
    pair = best
    for near in exact_signals_near((x.ravel(), y.ravel())):
        if time_is_over():
            break
        found = _exact_quotient(graph, near) if any(near[0] != near[1]) else Fraction(0)
        # A simple pair may show a little less, but not less than what matters.
        if found >= lower or (lower > 1 and found > max(Fraction(1), _NEARLY * lower)):
            pair = near
            break
    lower = _short(lower)
    if lower <= 0:
        return None
    if lower > 1 and network.size**2 <= _SHRUNK:
        pair = shrink(pair, lambda tried: is_violated(network, CONTRACTION, tried), tries=200)
    notion = CONTRACTION if lower > 1 else sensitivity(lower * (1 - Fraction(1, 10**6)))
    evidence = write_witness(network, notion, pair, exact_margin(network, notion, pair))
    if evidence is None:  # too long to be checked, or no time is left for it
        return _exact_quotient_of_images(graph, x, y, lower)
    return Quotient(lower, pair, (evidence,), best)


def shows_more(graph: Graph, quotient: Quotient, at_most: Fraction) -> tuple[Evidence, ...] | None:
    """Evidence that a constant is too small, from a pair that is driven further apart."""
    if quotient.best:
        network, notion = Network(graph), sensitivity(at_most)
        made = write_witness(network, notion, quotient.best,
                             exact_margin(network, notion, quotient.best))
        return None if made is None else (made,)
    return quotient.evidence_against(at_most)


def _exact_quotient(graph: Graph, pair: tuple[Any, ...]) -> Fraction:
    """A lower bound of ‖u⁺ − w⁺‖/‖u − w‖ at an exact pair; 0 if it cannot be told."""
    u, w = pair
    up, wp = graph.values(np.stack(pair).reshape(2, *graph.shape), hurried=not is_quick(graph))[
        len(graph.nodes) - 1].reshape(2, -1)
    away, apart = np.sum((u - w) ** 2), np.sum((up - wp) ** 2)
    apart = Fraction(apart) if isinstance(apart, (int, Fraction)) else apart.lower
    if not away or apart <= 0:
        return Fraction(0)
    square = apart / away
    return _short(square / upper_root(square))


def _short(value: Fraction, *, up: bool = False) -> Fraction:
    """Rounded to 40 significant bits, down or `up`."""
    if value == 0:
        return value
    unit = Fraction(2) ** (value.numerator.bit_length() - value.denominator.bit_length() - 40)
    return (-(-value // unit) if up else value // unit) * unit
