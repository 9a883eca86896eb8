"""A certified Lipschitz constant of a network from the slopes of its activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf, prod
from time import monotonic

import numpy as np

from stabkit.networks.form_certificate import certified_square
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Activation, Product
from stabkit.networks.multipliers import Multipliers, better_multipliers, first_multipliers
from stabkit.networks.reach import with_free_slopes
from stabkit.networks.slope_form import MOST, QUICK, SlopeForm, Slopes, all_slopes, slope_form
from stabkit.operators.singular_values import upper_root
from stabkit.time_limit import time_is_over, time_limit

_LEAST = 0.5  # seconds
_STEP = 10  # times a certificate: what the first better multipliers and theirs take, about
_ROOM = (0.0, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)  # relative, above L² as it was found


@dataclass(frozen=True, eq=False)
class SlopeBound:
    """A constant with what certifies it.

    Attributes
    ----------
    constant : Fraction
        |y − y'| <= constant |x − x'|.
    square : float
        Not above the square of the constant.
    weights : ndarray
        The multipliers, one for each activation.
    form : SlopeForm
    """

    constant: Fraction
    square: float
    weights: np.ndarray
    form: SlopeForm


def may_have_slope_bound(graph: Graph) -> bool:
    """Whether a network is one of linear layers and not too many activations and products."""
    return all(isinstance(node.layer, Activation | Product) or node.layer.is_linear
               for node in graph.nodes) and 0 < active_entries(graph) <= MOST


def active_entries(graph: Graph) -> int:
    """The entries that multipliers are sought for: of activations, and of both factors of products.
    """
    return sum(prod(node.shape) * len(node.inputs) for node in graph.nodes
               if isinstance(node.layer, Activation | Product))


def slope_bound(graph: Graph, until: float, given: Mapping[int, Slopes] | None = None
                ) -> SlopeBound | None:
    """The least constant that multipliers certify, as far as it is found by a time.

    Parameters
    ----------
    graph : Graph
    until : float
        On the clock of ``time.monotonic``.
    given : mapping, optional
        Slopes of the activations of some nodes; see :func:`slope_form`.

    Returns
    -------
    SlopeBound or None
        Every rounding error is counted.  None where a layer is neither linear nor an activation
        with certified slopes nor a product of bounded signals, or the network is too large.

    Notes
    -----
    The bound of Fazlyab, Robey, Hassani, Morari and Pappas (2019), "LipSDP-Neuron".
    """
    made = with_free_slopes(graph) if given is None else (graph, given)
    if made is None:
        return None
    with time_limit(until):
        form = slope_form(*made)
    if form is None or form.size > MOST:
        return None
    until = inf if form.size <= QUICK else until
    with np.errstate(all="ignore"), time_limit(until):  # what is not finite is not certified
        return _bound(form, until)


def quick_slope_bound(graph: Graph, given: Mapping[int, Slopes]) -> SlopeBound | None:
    """The constant of the first multipliers, which take no search."""
    form = slope_form(graph, given)
    if form is None or form.size > MOST:
        return None
    with np.errstate(all="ignore"):
        first = first_multipliers(form)
        return None if first is None else _certain(form, first)


def rescale_bound(known: SlopeBound, graph: Graph, front: Graph | None, factor: float, until: float
                  ) -> SlopeBound | None:
    """The constant of a network in which one linear layer is `factor` times what it was.

    With yʹ = s y and vʹ = s v behind that layer, s² times the inequality holds, if the multipliers
    of the activations in front of it are taken times s².

    Parameters
    ----------
    known : SlopeBound
        Of the network as it was.
    graph : Graph
        The network as it is.
    front : Graph or None
        What stands in front of the layer, if anything.
    factor : float
    until : float
        Until when other multipliers are looked for where these do not do.
    """
    weights = known.weights.copy()
    weights[:0 if front is None else _count(front)] *= factor**2
    made = with_free_slopes(graph)
    if made is None:
        return None
    with time_limit(max(until, monotonic() + _LEAST)):
        form = slope_form(*made)
    if form is None or len(form.low) != len(weights):
        return slope_bound(graph, until)
    with np.errstate(all="ignore"):
        certain = _certain(form, Multipliers(known.square * factor**2, weights))
    return certain or slope_bound(graph, until)


def _count(graph: Graph) -> int:
    """The number of activations that are no straight lines."""
    slopes = all_slopes(*(with_free_slopes(graph) or (graph, {}))) or {}
    return sum(int(np.sum(low < high)) for low, high in slopes.values())


def _bound(form: SlopeForm, until: float) -> SlopeBound | None:
    first = first_multipliers(form)
    if first is None:
        return None
    start = monotonic()
    best, certain = [first], _certain(form, first)
    took = monotonic() - start
    if certain is None or monotonic() + _STEP * took > until:
        return certain
    start = monotonic()
    for found in better_multipliers(form, first, until):
        best.append(found)
        # What another step and certifying take is left over.
        if monotonic() + (monotonic() - start) / (len(best) - 1) + 2 * took > until:
            break
    for found in reversed(best[-4:]):
        if time_is_over() and found is not best[-1]:
            break
        better = _certain(form, found)
        if better is not None and better.constant < certain.constant:
            return better
    return certain


def _certain(form: SlopeForm, found: Multipliers) -> SlopeBound | None:
    for room in _ROOM:
        square = found.square * (1 + room)
        if certified_square(form, square, found.weights):
            return SlopeBound(upper_root(Fraction(square)), square, found.weights, form)
    return None
