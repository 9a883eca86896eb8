"""How steep activations can be for inputs near one: their arguments bounded layer by layer."""

from __future__ import annotations

import numpy as np

from stabkit.networks.affine_forms import AffineForms, Cell
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Activation
from stabkit.networks.layers.activation import certified_slopes
from stabkit.networks.layers.float_errors import Enclosure
from stabkit.networks.lines import lines_beside
from stabkit.networks.slope_form import Slopes, slope_form

_Known = tuple[np.ndarray, float]  # a flat signal, and a bound of its error


class Neighbourhood:
    """A network near one input.

    Attributes
    ----------
    graph : Graph
    form : SlopeForm or None
        None where :func:`slope_form` has none.
    """

    def __init__(self, graph: Graph, centre: np.ndarray):
        self.graph, self.form = graph, slope_form(graph)
        self._at = {} if self.form is None else _values_at(graph, centre)

    def ball(self, radius: float) -> Cell:
        """All inputs within a radius of the centre."""
        ends = np.full(0 if self.form is None else self.form.inputs, radius)
        return Cell(-ends, ends, radius)

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite is not bounded
    def slopes(self, cell: Cell) -> tuple[dict[int, Slopes], int]:
        """The slopes of all activations between any two inputs of a cell, rounded outward.

        The number is that of the axis by which the cell is best cut.
        """
        if self.form is None:
            return {}, 0
        forms, found, pulls = AffineForms(self.form, cell), {}, np.zeros(self.form.inputs)
        groups = iter(zip(self.form.seen, self.form.groups, strict=True))
        for number, (seen, given) in self._at.items():
            layer = self.graph.nodes[number].layer
            known = certified_slopes(layer.flux) if isinstance(layer, Activation) else None
            if not isinstance(layer, Activation) or known is None or known[0] == known[1]:
                continue
            rows, group = next(groups)
            low, high = forms.arguments(rows, *seen, group.start)
            lines = lines_beside(layer.flux, low, high, known)
            pulls += forms.pulls(high - low, lines.high - lines.low)
            forms.pass_through(lines, *given, group)
            found[number] = lines.low, lines.high
        return found, int(np.argmax(pulls))


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
    near = Neighbourhood(graph, centre)
    return None if near.form is None else near.slopes(near.ball(radius))[0]


def _values_at(graph: Graph, centre: np.ndarray) -> dict[int, tuple[_Known, _Known]]:
    """What every activation sees and gives at the centre."""
    found: dict[int, Enclosure] = {-1: (centre.reshape(1, *graph.shape), np.zeros(1))}
    kept = {}
    for number, node in enumerate(graph.nodes):
        inputs = [found[source] for source in node.inputs]
        middle, error = node.layer.enclose(inputs, 0.0)
        found[number] = middle.reshape(1, *node.shape), error
        if not node.layer.is_linear:
            kept[number] = _known_values(inputs[0]), _known_values(found[number])
    return kept


def _known_values(signal: Enclosure) -> _Known:
    return signal[0].ravel(), float(signal[1][0])
