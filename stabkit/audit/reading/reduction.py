"""Sums, means, maxima, lengths and their kin over axes of a signal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np

from stabkit.arithmetic.enclosure import precision
from stabkit.audit.reading import formulas
from stabkit.audit.reading.builder import View
from stabkit.audit.reading.linear import along, over_everything
from stabkit.audit.reading.operator import Operator, within
from stabkit.audit.reading.recognition import number
from stabkit.errors import StabkitError
from stabkit.fluxes.expression import VARIABLE, Expression
from stabkit.fluxes.vanishing import vanishes
from stabkit.networks.layers import (
    Activation,
    Direction,
    Length,
    MaxPooling,
    MeanPooling,
    Normalisation,
    Product,
    Reshaping,
    Softmax,
    Sorting,
)


def reduce_axes(op: Operator) -> View:
    """The operators Reduce... over some axes or all; the batch axis is none of them."""
    view = op.signal(0)
    axes = op.sizes(1) if op.has(1) else op.integers("axes")
    if not axes and op.integer("noop_with_empty_axes", 0):
        raise op.refuse("a reduction over no axes")
    rank = len(view.shape)
    spatial = set(range(2, rank))
    if op.kind in ("ReduceMean", "ReduceMax") and spatial and op.build.has_batch(view.shape) and \
            {within(axis, rank) for axis in axes or ()} == spatial:
        made = over_everything(op, view, "max" if op.kind == "ReduceMax" else "mean", rank - 2)
        op.build.means[made.node] = op.build.reshape(view, (*view.shape[:2],
                                                            prod(view.shape[2:])))
        return made if op.integer("keepdims", 1) else op.build.reshape(made, view.shape[:2])
    over = sorted({within(axis, rank) for axis in axes}) if axes else list(range(rank))
    if axes is None and op.build.has_batch(view.shape) and op.build.batch == 1 and rank > 1:
        over = over[1:]  # of one sample: its axis has one entry
    made = over_axes(op, view, over)
    kept = tuple(1 if axis in over else size for axis, size in enumerate(view.shape))
    if op.integer("keepdims", 1) or (axes is None and len(over) < rank):
        whole = op.build.reshape(made, kept)
        return whole if op.integer("keepdims", 1) else op.build.reshape(whole, kept[:1])
    return op.build.reshape(made, tuple(size for axis, size in enumerate(view.shape)
                                        if axis not in over))


def over_axes(op: Operator, view: View, over: Sequence[int]) -> View:
    """One entry for each place of the other axes, in the shape (batch, places, 1)."""
    lead = int(op.build.has_batch(view.shape))
    if lead and 0 in over:
        if op.build.batch > 1:
            raise op.refuse("a reduction over the batch axis")
        over = [axis for axis in over if axis]
    kept = [axis for axis in range(lead, len(view.shape)) if axis not in over]
    order = [*range(lead), *kept, *over]
    moved = view if order == list(range(len(view.shape))) else op.build.move(
        view, lambda index: index.transpose(order))
    count = prod(view.shape[axis] for axis in over)
    rows = op.build.reshape(moved, (*view.shape[:lead], prod(view.shape[axis] for axis in kept),
                                    count))
    if count == 1 and op.kind in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"):
        return rows
    return _REDUCTIONS[op.kind](op, rows)


def _pool_rows(op: Operator, rows: View, layer: type[MaxPooling] | type[MeanPooling]) -> View:
    places, count = rows.shape[-2:]
    return op.build.add(layer((places, count), (count,), (1,), ((0, 0),)), [rows],
                        (*rows.shape[:-1], 1))


def _mean(op: Operator, rows: View) -> View:
    made = _pool_rows(op, rows, MeanPooling)
    op.build.means[made.node] = rows
    return made


def _sum(op: Operator, rows: View) -> View:
    made = along(op.build, rows, np.ones((1, rows.shape[-1])), len(rows.shape) - 1)
    if made.places is None:
        op.build.sums[made.node] = rows
    return made


def _largest(op: Operator, rows: View) -> View:
    return _of_pair(op, rows, slice(1, 2)) if rows.shape[-1] == 2 else \
        _pool_rows(op, rows, MaxPooling)


def _least(op: Operator, rows: View) -> View:
    if rows.shape[-1] == 2:
        return _of_pair(op, rows, slice(0, 1))
    return op.build.scale(_pool_rows(op, op.build.scale(rows, -1.0), MaxPooling), -1.0)


def _of_pair(op: Operator, rows: View, which: slice) -> View:
    """Both extremes of pairs are places of one layer, so that MaxMin is an isometry of pieces."""
    places = np.arange(prod(rows.shape[-2:])).reshape(-1, 2)
    ordered = op.build.add(Sorting(places), [rows], rows.shape)
    return op.build.move(ordered, lambda index: index[..., which])


def _square(op: Operator, rows: View) -> View:
    return op.build.add(Product(), [rows, rows], rows.shape)


def _length(op: Operator, rows: View) -> View:
    places = np.arange(prod(rows.shape[-2:])).reshape(rows.shape[-2:])
    made = op.build.add(Length(places), [rows], (*rows.shape[:-1], 1))
    op.build.lengths[made.node] = rows
    return made


def _log_sum_exp(op: Operator, rows: View) -> View:
    """x₁ minus the first entry of the logarithm of the softmax."""
    places = np.arange(prod(rows.shape[-2:])).reshape(rows.shape[-2:])
    other = op.build.add(Softmax(places, True), [rows], rows.shape)
    return op.build.minus(*(op.build.move(view, lambda index: index[..., :1])
                            for view in (rows, other)))


_REDUCTIONS = {
    "ReduceMean": _mean, "ReduceSum": _sum, "ReduceMin": _least, "ReduceL2": _length,
    "ReduceMax": _largest,
    "ReduceL1": lambda op, rows: _sum(op, formulas.apply_function(op, "Abs", rows)),
    "ReduceSumSquare": lambda op, rows: _sum(op, _square(op, rows)),
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceLogSum": lambda op, rows: formulas.apply_function(op, "Log", _sum(op, rows)),
}
REDUCTIONS = tuple(_REDUCTIONS)


def lp_normalise(op: Operator) -> View:
    """LpNormalization: a signal divided by its lengths along an axis."""
    view, p = op.signal(0), op.integer("p", 2)
    axis = op.axis(len(view.shape), -1)
    if p not in (1, 2) or (axis == 0 and op.build.has_batch(view.shape)):
        raise op.refuse(f"p = {p}, or the batch axis")
    kept = tuple(1 if i == axis else size for i, size in enumerate(view.shape))
    kind = "ReduceL2" if p == 2 else "ReduceL1"
    lengths = op.build.reshape(over_axes(op.of_kind(kind), view, [axis]), kept)
    return formulas.product(op, view, formulas.apply_function(op, "Reciprocal", lengths))


# -- normalisation written out ---------------------------------------------------------------------
def divide_by_own_size(op: Operator, x: View, other: View) -> View | None:
    """x/√(m + ε) with the mean square m of x in groups, as RMSNorm and LayerNorm are written out.

    With the sum of the squares for m it is N_tv of ruthotto2018.  None where the other factor is
    not that.
    """
    for source, formula in formulas.formulas_of(op.build, other.node):
        summed = source in op.build.sums
        rows = (op.build.sums if summed else op.build.means).get(source)
        squared = None if rows is None else _root_of_squares(op, rows)
        epsilon = None if squared is None else _epsilon(formula)
        places = None if epsilon is None or squared is None else _groups(op, x, squared, other)
        if epsilon is not None and places is not None:
            return op.build.add(Normalisation(places, epsilon, False, summed), [x], x.shape)
    return None


def divide_by_own_length(op: Operator, x: View, other: View) -> View | None:
    """x/max(|x|, r) with the lengths of groups and a positive r; None where `other` is not that."""
    node = op.build.nodes[other.node] if other.node >= 0 else None
    if node is None or not isinstance(node.layer, Activation) or node.layer.flux.name != "clip":
        return None
    source, ends = node.inputs[0], node.layer.flux.parameters
    while source >= 0 and isinstance(moved := op.build.nodes[source].layer, Reshaping) and \
            moved.order is None:
        source = op.build.nodes[source].inputs[0]
    rows, radius = op.build.lengths.get(source), Fraction(ends.get("lower", 0))
    if rows is None or "upper" in ends or radius <= 0:
        return None
    places = _groups(op, x, rows, other)
    return None if places is None else op.build.add(Direction(places, radius), [x], x.shape)


def _groups(op: Operator, x: View, rows: View, other: View) -> np.ndarray | None:
    """The places of groups of entries, if those of x are the rows, and `other` is one of each."""
    if x.places is not None or rows.node != op.build.settle(x):
        return None
    count = prod(x.shape)
    places = (np.arange(count) if rows.places is None else rows.places)
    if len(places) != count or op.build.batch > 1:
        return None
    places = places.reshape(rows.shape[-2:])
    wide = np.empty(count, dtype=np.int64)
    wide[places] = np.arange(len(places))[:, None]
    spread = op.build.broadcast(other, x.shape)
    seen = spread.places if spread.places is not None else np.arange(count)
    return places if np.array_equal(seen, wide) else None


def _epsilon(formula: Expression) -> Fraction | None:
    """ε, if the formula is 1/√(s + ε) for s >= 0."""
    try:
        with precision(512):
            value = formula.at(Fraction(0))
            found = number(1 / (value * value))
    except (StabkitError, ArithmeticError):
        return None
    square = formula * formula * (VARIABLE + found) - 1
    return found if found > 0 and vanishes(square, Fraction(0)) else None


def _root_of_squares(op: Operator, rows: View) -> View | None:
    """The signal of whose squares these are the entries."""
    node, places = rows.node, rows.places
    if node < 0:
        return None
    made = op.build.nodes[node]
    squares = (isinstance(made.layer, Product) and made.inputs[0] == made.inputs[1]) or \
        formulas.is_square(made.layer)
    if not squares:
        return None
    if places is None:
        places = np.arange(prod(made.shape))
    return View(made.inputs[0], rows.shape, places)
