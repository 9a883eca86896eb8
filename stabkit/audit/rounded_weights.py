"""The network that was meant: what its numbers were before they were rounded.

A file holds 0.1 as the float that is nearest, a matrix with rows that add to 1 as floats that do
not quite, and −τW₁ᵀ rounded entry by entry.  Each is put back where it is known, and how far that
moves the weights is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Array
from stabkit.arithmetic.rational import fractions
from stabkit.audit.composition import Composition, composition_of
from stabkit.errors import InvalidArgument
from stabkit.networks.blocks import AFFINE, DIFFUSION, RESIDUAL, Block
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Scaling
from stabkit.networks.segments import join_graphs
from stabkit.networks.step_sizes import certified_step
from stabkit.networks.transposed_block import diffusion_block
from stabkit.networks.transposes import Transpose
from stabkit.time_limit import time_is_over

SINGLE, DOUBLE = Fraction(1, 2**24), Fraction(1, 2**53)  # the largest relative rounding errors
_SHORT_BITS = 12
_ENTRIES = 16  # roundings that an entry of -tau W1' may have seen
_NORM = 8      # roundings that a matrix meant to have norm 1 may have seen

Changes = list[str]


def unit_of(graph: Graph) -> Fraction:
    """The relative rounding error of the precision that a network's numbers were written in."""
    arrays = [np.asarray(array) for node in graph.nodes for array in node.layer.arrays]
    if any(array.dtype.kind == "f" and array.dtype.itemsize < 8 for array in arrays):
        return SINGLE
    flat = np.concatenate([array.astype(float).ravel() for array in arrays] or [np.zeros(1)])
    with np.errstate(over="ignore"):
        if (flat.astype(np.float32).astype(float) != flat).any():
            return DOUBLE
    return DOUBLE if (_shorten(flat, _SHORT_BITS) == flat).all() else SINGLE


def _shorten(values: np.ndarray, bits: int) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2.0**bits) / 2.0**bits, exponent)


def before_rounding(network: Composition) -> tuple[Composition, tuple[str, ...]] | None:
    """The network that was meant, and in words what differs; None where nothing does, or where no
    time is left to say."""
    unit, small = unit_of(network.graph), network.graph.is_small
    parts: list[Graph] = []
    changes: Changes = []
    for block in network.blocks:
        if time_is_over():
            return None
        changed, said = _block_before_rounding(block, unit, small)
        parts.append(changed)
        changes += said
    return (composition_of(replace(join_graphs(parts), source=network.graph.source)),
            tuple(changes)) \
        if changes else None


def _block_before_rounding(block: Block, unit: Fraction, small: bool) -> tuple[Graph, Changes]:
    found = block.transpose
    if block.form in (DIFFUSION, RESIDUAL) and found is not None and found.nearest < 0 and (
            found.factor is not None or found.largest <= _ENTRIES * unit):
        try:
            return _diffusion(block, found, unit, small)
        except InvalidArgument:
            return block.graph, []
    graph, said = _plain(block.graph, unit) if small else (block.graph, [])
    if block.form != AFFINE:
        return graph, said
    scaled = _norm_one(Block(graph, AFFINE), unit)
    return (graph, said) if scaled is None else (scaled[0], [*said, scaled[1]])


# -- the transposed structure ----------------------------------------------------------------------
def _diffusion(block: Block, found: Transpose, unit: Fraction, small: bool
               ) -> tuple[Graph, Changes]:
    first = block.parts[0]
    before, said = _plain(first, unit) if small else (first, [])
    written = -found.factor if found.factor is not None else Fraction(-found.nearest)
    tau = _short(written, 4 * unit) or written
    changed = block if before is first else replace(block, before=before)
    safe = certified_step(changed)
    if safe is not None and safe < tau <= safe * (1 + 4 * unit):
        tau = safe
    if found.factor is None:
        said.append(f"{block.name}: the second map is -{_text(tau)} times the transpose of the "
                    f"first, from which its entries differ by {_size(found.largest)} at most "
                    "(relative to the largest)")
    elif tau != written:
        said.append(f"{block.name}: step {_text(tau)}, from which the number in the file differs "
                    f"by {_size(abs(tau - written))}")
    return (diffusion_block(block, tau, before), said) if said else (block.graph, [])


# -- short numbers, rows that add to 0 or 1 --------------------------------------------------------
def _plain(graph: Graph, unit: Fraction) -> tuple[Graph, Changes]:
    """A small graph with short numbers for weights, and rows that add to 0 or 1 exactly."""
    said: Changes = []
    nodes = []
    for node in graph.nodes:
        layer, how = node.layer.map_weights(
            lambda weights, rows: _plain_weights(weights, rows, unit))
        nodes.append(node if layer is node.layer else replace(node, layer=layer))
        said += [f"{node.name}: {text}" for text in how]
    return (replace(graph, nodes=nodes), said) if said else (graph, [])


def _plain_weights(weights: np.ndarray, rows: bool, unit: Fraction
                   ) -> tuple[np.ndarray, Changes]:
    values = _short_entries(weights, unit)
    if values is not None:
        return values, [_note_on_moves(weights, values)]
    values, sums = _repair_sums(weights, unit) if rows else (weights, [])
    return values, [f"rows that add to {' and '.join(sums)} exactly, "
                    + _note_on_moves(weights, values, "entries are moved")] if sums else []


def _note_on_moves(old: Any, new: np.ndarray,
                   what: str = "short decimals or fractions, entries are moved") -> str:
    return f"{what} by {_size(max(abs(a - b) for a, b in _pairs(old, new)))} at most"


def _pairs(old: Any, new: np.ndarray) -> Iterable[tuple[Fraction, Fraction]]:
    return zip(fractions(old).ravel(), new.ravel(), strict=True)


def _short_entries(values: Array, unit: Fraction) -> np.ndarray | None:
    """Short numbers for all entries, if each has one and one differs."""
    exact = fractions(values)
    short = np.empty_like(exact)
    for place, value in np.ndenumerate(exact):
        found = _short(value, unit)
        if found is None:
            return None
        short[place] = found
    return short if (short != exact).any() else None


def _short(value: Fraction, unit: Fraction) -> Fraction | None:
    """A decimal of few digits, or a fraction of a small denominator, within rounding."""
    digits = 5 if unit >= SINGLE else 12
    for near in (Fraction(f"{float(value):.{digits}g}"), value.limit_denominator(100)):
        if abs(near - value) <= abs(value) * unit:
            return near
    return None


def _repair_sums(weights: Array, unit: Fraction) -> tuple[np.ndarray, list[str]]:
    """Weights whose rows add to 0 or 1 where they nearly do, by a change of the largest entry."""
    exact = fractions(weights)
    rows, sums = exact.reshape(len(exact), -1).copy(), set()
    for row in rows:
        total, size = sum(row, Fraction(0)), sum(map(abs, row), Fraction(0))
        for wanted in (0, 1):
            if total != wanted and abs(total - wanted) <= 4 * unit * size:
                row[int(np.argmax(np.abs(row)))] -= total - wanted
                sums.add(str(wanted))
    return rows.reshape(exact.shape), sorted(sums)


# -- norm 1 ----------------------------------------------------------------------------------------
def _norm_one(block: Block, unit: Fraction) -> tuple[Graph, str] | None:
    """An affine block scaled to norm 1 where rounding alone may have made it larger."""
    bound = block.bound
    if bound is None or bound <= 1 or bound - 1 > _roundings(block.graph) * unit:
        return None
    graph, last = block.graph, block.graph.nodes[-1]
    factor = (1 - Fraction(1, 2**40)) / bound  # room for the rounding of bounds
    node = Node(last.name, "Mul", Scaling(np.array(factor, dtype=object)),
                (len(graph.nodes) - 1,), last.shape)
    return replace(graph, nodes=[*graph.nodes, node]), (
        f"{block.name}: scaled to norm 1, which moves its matrix by {_size(1 / factor - 1)} at "
        "most (in norm)")


def _roundings(graph: Graph) -> Fraction:
    """How many units the norm of linear layers in a row may have been moved by rounding."""
    total = Fraction(0)
    for node in graph.nodes:
        bound = None if node.layer.joins else node.layer.bound
        total += _NORM * node.layer.size / bound if bound else 0
    return total


def _size(value: Array) -> str:
    return f"{float(value) * 1.05:.1e}"  # so that what is printed is not below the number


def _text(value: Fraction) -> str:
    return f"{float(value):.6g}"
