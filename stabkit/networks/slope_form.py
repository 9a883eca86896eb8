"""A network as one linear map and a bank of activations, for differences of signals.

With w = (x, v) for the difference x of two inputs and those v of all activations, z = G w is what
the activations see, y = C w the output, and v_j = s_j z_j with a slope s_j in [low_j, high_j].
G and C are floats with bounds of their errors; G never looks ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from math import inf, prod

import numpy as np
import scipy

from stabkit.networks.graph import Graph
from stabkit.networks.layers import Activation
from stabkit.networks.layers.activation import certified_slopes
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, U
from stabkit.time_limit import time_is_over

MOST = 1400          # entries of w of a form whose multipliers are looked for
QUICK = 100          # entries whose multipliers are found in no time, on any clock
_FEW = 16            # activations whose slopes are shown on any clock
_SPREAD = 30_000_000  # entries of all signals, for a unit in the place of every entry of w

Slopes = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of G or C, and for every column a bound of the norm of its error."""

    matrix: np.ndarray
    error: np.ndarray


@dataclass(frozen=True, eq=False)
class SlopeForm:
    """See the top of this file.

    Attributes
    ----------
    inputs : int
        The length of x.
    seen : tuple of Rows
        Those of G, one group per layer of activations, in order.
    output : Rows
        Those of C.
    low, high : ndarray
        The slopes, rounded outward.
    """

    inputs: int
    seen: tuple[Rows, ...]
    output: Rows
    low: np.ndarray
    high: np.ndarray

    @property
    def size(self) -> int:
        """The length of w."""
        return self.inputs + len(self.low)

    @cached_property
    def input_rows(self) -> np.ndarray:
        """G, shape (activations, size)."""
        return np.concatenate([np.zeros((0, self.size)), *(rows.matrix for rows in self.seen)])

    @property
    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        """v − low z and v − high z as matrices that act on w."""
        one = np.zeros_like(self.input_rows)
        one[np.arange(len(one)), self.inputs + np.arange(len(one))] = 1.0
        return one - self.low[:, None] * self.input_rows, one - self.high[:,
                                                                           None] * self.input_rows

    @property
    def groups(self) -> list[slice]:
        """Which activations the groups of rows are for."""
        ends = np.cumsum([0, *(len(rows.matrix) for rows in self.seen)])
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def slope_form(graph: Graph, given: Mapping[int, Slopes] | None = None) -> SlopeForm | None:
    """The form of a network of linear layers and activations, or None, as where time is over.

    Parameters
    ----------
    graph : Graph
    given : mapping, optional
        Slopes of the activations of some nodes, entry by entry, where more is known of them.
    """
    slopes = all_slopes(graph, given or {})
    if slopes is None:
        return None
    curved = {number: np.flatnonzero(low < high) for number, (low, high) in slopes.items()}
    count = graph.size + sum(map(len, curved.values()))
    if count * sum(prod(node.shape) for node in graph.nodes) > _SPREAD:
        return None
    unit = np.zeros((count, graph.size))
    unit[:graph.size] = np.eye(graph.size)
    found: dict[int, Enclosure] = {-1: (unit.reshape(count, *graph.shape), np.zeros(count))}
    seen, lows, highs, at = [], [np.zeros(0)], [np.zeros(0)], graph.size
    for number, node in enumerate(graph.nodes):
        if count > QUICK and time_is_over():
            return None
        inputs = [found[source] for source in node.inputs]
        if number not in slopes:
            layer = node.layer.without_bias()
            middle, error = layer.enclose(inputs, 0.0)
            # A signal that is 0 stays 0, and so does what is only moved.
            error = np.where(_nothing(inputs), 0.0, error)
            found[number] = middle.reshape(count, *node.shape), error
            continue
        (low, high), places = slopes[number], curved[number]
        middle, error = inputs[0][0].reshape(count, -1), inputs[0][1]
        if len(places):
            seen.append(Rows(middle[:, places].T.copy(), error))
            lows.append(low[places])
            highs.append(high[places])
        straight = middle * np.where(low < high, 0.0, low)
        own = np.where(error > 0, UP * np.abs(low).max(initial=0) * error, 0.0) + \
            UP * U * np.sqrt(np.sum(straight**2, axis=1))
        straight[at + np.arange(len(places)), places] = 1.0
        found[number] = straight.reshape(count, *node.shape), own
        at += len(places)
    last, error = found[len(graph.nodes) - 1]
    form = SlopeForm(graph.size, tuple(seen), Rows(last.reshape(count, -1).T.copy(), error),
                     np.concatenate(lows), np.concatenate(highs))
    return narrow_form(form) if _is_finite(form) else None


def all_slopes(graph: Graph, given: Mapping[int, Slopes]) -> dict[int, Slopes] | None:
    """The slopes of all activations, rounded outward; None where something else is not linear."""
    found = {}
    for number, node in enumerate(graph.nodes):
        if node.layer.is_linear:
            continue
        if not isinstance(node.layer, Activation):
            return None
        if number in given:
            found[number] = given[number]
            continue
        if len(found) > _FEW and time_is_over():
            return None
        known = certified_slopes(node.layer.flux)
        if known is None:
            return None
        low, high = float(known[0]), float(known[1])
        low = low if low <= known[0] else float(np.nextafter(low, -inf))
        high = high if high >= known[1] else float(np.nextafter(high, inf))
        size = prod(node.shape)
        found[number] = np.full(size, low), np.full(size, high)
    return found


def _nothing(inputs: Sequence[Enclosure]) -> np.ndarray:
    """Which signals are 0 for certain."""
    nothing = np.ones(len(inputs[0][0]), dtype=bool)
    for middle, error in inputs:
        nothing &= ~middle.reshape(len(middle), -1).any(axis=1) & (error <= TINY)
    return nothing


def _is_finite(form: SlopeForm) -> bool:
    return all(np.isfinite(rows.matrix).all() and np.isfinite(rows.error).all()
               for rows in (*form.seen, form.output))


# -- fewer inputs ----------------------------------------------------------------------------------
def narrow_form(form: SlopeForm) -> SlopeForm:
    """A form with the same constant, or one a little larger, and no more inputs than see them.

    Let X be the columns of x in G and C, and R Rᵀ >= X Xᵀ.  Then X = R K with ‖K‖ <= 1 (Douglas
    1966), so a bound for all (K x, v) is one for all (x, v).
    """
    parts = (*form.seen, form.output)
    using = [rows.matrix[:, :form.inputs].any(axis=1) | (rows.error[:form.inputs] > 0).any()
             for rows in parts]
    count = int(sum(map(np.sum, using)))
    if count >= form.inputs:
        return form
    if count == 0:  # nothing depends on x
        return replace(form, inputs=1, seen=tuple(map(partial(_last, form.inputs - 1), form.seen)),
                       output=_last(form.inputs - 1, form.output))
    X = np.concatenate([rows.matrix[use, :form.inputs] for rows, use in zip(parts, using,
                                                                            strict=True)])
    away = UP * np.sqrt(sum(np.sum(rows.error[:form.inputs]**2) for rows in parts)) + TINY
    root = _above(X, float(away))
    if root is None:
        return form
    narrow, start = [], 0
    for rows, use in zip(parts, using, strict=True):
        first = np.zeros((len(rows.matrix), count))
        first[use] = root[start:start + int(use.sum())]
        start += int(use.sum())
        narrow.append(Rows(np.concatenate([first, rows.matrix[:, form.inputs:]], axis=1),
                           np.concatenate([np.zeros(count), rows.error[form.inputs:]])))
    return replace(form, inputs=count, seen=tuple(narrow[:-1]), output=narrow[-1])


def _last(start: int, rows: Rows) -> Rows:
    return Rows(rows.matrix[:, start:], rows.error[start:])


def _above(X: np.ndarray, away: float) -> np.ndarray | None:
    """A float R with R Rᵀ >= Y Yᵀ for every Y with ‖Y − X‖ <= `away`, for certain."""
    size = float(np.linalg.norm(X)) * UP
    gram = X @ X.T
    error = UP * ((X.shape[1] + 4) * U * size**2 + 2 * size * away + away**2) + TINY
    shift = 4 * error + 8 * len(X) * U * float(np.trace(gram))
    shifted = gram + shift * np.eye(len(X))
    try:
        root = scipy.linalg.cholesky(shifted, lower=True)
    except np.linalg.LinAlgError:
        return None
    residual = np.linalg.norm(root @ root.T - shifted)
    lost = residual + (len(X) + 8) * U * float(np.sum(root * root)) + \
        4 * U * (shift + float(np.linalg.norm(gram)))
    return root if UP * (lost + error) < shift * (1 - 2.0**-20) else None
