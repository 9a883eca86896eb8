"""How steep activations can be for inputs in a ball: bounds propagated from layer to layer.

For |x − c| <= r the argument of an activation stays within a distance of what it is at c, by the
gain of the rows in front of it; there its slopes lie in a smaller range.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf

import numpy as np

from stabkit.arithmetic.enclosure import Interval, hull_of, precision
from stabkit.errors import Undecided
from stabkit.fluxes.flux import Flux
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Activation
from stabkit.networks.layers.activation import certified_slopes
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, U
from stabkit.networks.slope_form import SlopeForm, Slopes, slope_form

_CELLS = 8  # parts of a range on which a slope is enclosed


def local_slopes(graph: Graph, centre: np.ndarray, radius: float) -> dict[int, Slopes] | None:
    """The slopes of all activations between any two inputs in a ball, rounded outward.

    Parameters
    ----------
    graph : Graph
    centre : ndarray, shape graph.shape
    radius : float

    Returns
    -------
    dict of {int: (ndarray, ndarray)} or None
        Per node of an activation the lowest and highest slope of every entry; None where
        :func:`slope_form` has no form.
    """
    form = slope_form(graph)
    if form is None:
        return None
    found: dict[int, Slopes] = {}
    arguments = _arguments(graph, centre)
    # Per group its rows of dv/dx: a middle, and for each row the norm of what is around it.
    middles = np.zeros((len(form.low), form.inputs))
    around, moved = np.zeros(len(form.low)), np.zeros(len(form.low))
    groups = iter(zip(form.seen, form.groups, strict=True))
    for number, (middle, error) in arguments.items():
        layer = graph.nodes[number].layer
        known = certified_slopes(layer.flux) if isinstance(layer, Activation) else None
        if not isinstance(layer, Activation) or known is None or known[0] == known[1]:
            continue
        rows, group = next(groups)
        row, rest, away = _gains(form, rows.matrix, rows.error, middles, around, moved, radius)
        reach = UP * (away + error) + TINY
        low, high = _slopes_on(layer.flux, middle - reach, middle + reach, known)
        found[number] = low, high
        mean, half = (low + high) / 2, (high - low) / 2 * UP + TINY
        steep = np.maximum(np.abs(low), np.abs(high))
        middles[group] = mean[:, None] * row
        size = np.sqrt(np.sum(row * row, axis=1)) * UP
        around[group] = UP * (steep * rest + (half + 4 * U * steep) * size) + TINY
        moved[group] = UP * steep * away + TINY
    return found


def _arguments(graph: Graph, centre: np.ndarray) -> dict[int, tuple[np.ndarray, float]]:
    """What every activation is applied to at the centre, and a bound of its error."""
    found: dict[int, Enclosure] = {-1: (centre.reshape(1, *graph.shape), np.zeros(1))}
    kept = {}
    for number, node in enumerate(graph.nodes):
        inputs = [found[source] for source in node.inputs]
        if not node.layer.is_linear:
            kept[number] = inputs[0][0].ravel(), float(inputs[0][1][0])
        middle, error = node.layer.enclose(inputs, 0.0)
        found[number] = middle.reshape(1, *node.shape), error
    return kept


def _gains(form: SlopeForm, G: np.ndarray, error: np.ndarray, middles: np.ndarray,
           around: np.ndarray, moved: np.ndarray, radius: float
           ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of dz/dx, the norms of what is around them, and how far z can move."""
    n = form.inputs
    X, V = G[:, :n], np.abs(G[:, n:])
    row = X + G[:, n:] @ middles
    size = np.sqrt(np.sum(middles * middles, axis=1)) * UP
    rounded = (len(middles) + 4) * U * (np.sqrt(np.sum(X * X, axis=1)) + V @ size)
    own = np.sqrt(np.sum(error[:n] ** 2)) + error[n:] @ (size + around)
    rest = UP * (V @ around + rounded + own) + TINY
    by_rows = UP * radius * (np.sqrt(np.sum(row * row, axis=1)) + rest)
    by_entries = UP * (radius * (np.sqrt(np.sum(X * X, axis=1)) + np.sqrt(
        np.sum(error[:n] ** 2))) + V @ moved + error[n:] @ moved) + TINY
    return row, rest, np.minimum(by_rows, by_entries)


# -- slopes on a range -----------------------------------------------------------------------------
def _slopes_on(flux: Flux, low: np.ndarray, high: np.ndarray, known: tuple[Fraction, Fraction]
               ) -> Slopes:
    """The range of Φ' on [low, high], entry by entry, within the one that is known."""
    found = [_range(flux, float(a), float(b), known) for a, b in zip(low, high, strict=True)]
    return np.array([a for a, _ in found]), np.array([b for _, b in found])


def _range(flux: Flux, a: float, b: float, known: tuple[Fraction, Fraction]
           ) -> tuple[float, float]:
    low, high = known
    if np.isfinite(a) and np.isfinite(b):
        try:
            with precision(64):
                steep = _enclosed_slope(flux, Fraction(a), Fraction(b))
            low, high = max(low, steep.lower), min(high, steep.upper)
        except Undecided:
            pass
    return _down(low), -_down(-high)


def _enclosed_slope(flux: Flux, a: Fraction, b: Fraction) -> Interval:
    cells = 1 if flux.piecewise_linear else _CELLS
    parts = [flux.slope(Interval(a + (b - a) * k / cells, a + (b - a) * (k + 1) / cells))
             for k in range(cells)]
    return hull_of([part if isinstance(part, Interval) else Interval(part) for part in parts])


def _down(value: Fraction) -> float:
    near = float(value)
    return near if Fraction(near) <= value else float(np.nextafter(near, -inf))
