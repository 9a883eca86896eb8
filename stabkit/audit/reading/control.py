"""Choices and loops over subgraphs, where what decides of them is known: If, Loop and Scan."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from stabkit.audit.reading.builder import View
from stabkit.audit.reading.movement import move, shape_of, stack
from stabkit.audit.reading.operator import Array, Constant, Operator, Value, within
from stabkit.errors import InvalidArgument


def branch(op: Operator) -> list[Value]:
    """If, with a condition that does not depend on the network's input."""
    name = "then_branch" if _holds(op, op.value(0)) else "else_branch"
    found = op.subgraph(op.graph(name), [])
    if len(found) < op.outputs:
        raise InvalidArgument(f"its subgraph has {len(found)} outputs of {op.outputs}")
    return found


def _holds(op: Operator, test: Value | None) -> bool:
    if not isinstance(test, Constant):
        raise op.refuse("a condition that depends on the network's input")
    if test.values.size != 1:
        raise InvalidArgument(f"its condition has {test.values.size} entries")
    return bool(test.values.item())


def loop(op: Operator) -> list[Value]:
    """Loop, whose number of turns is known; it is written out turn by turn."""
    body, count = op.graph("body"), op.sizes(0)
    going = _holds(op, op.value(1)) if op.has(1) else True
    states = [_start(value) for value in op.inputs[2:]]
    rows: list[list[Array]] = []
    turn = 0
    while going and (not count or turn < count[0]):
        results = op.subgraph(body, [Constant(np.array(turn, np.int64), op.build.name),
                                     Constant(np.array(going), op.build.name), *states])
        _check_count(op, results[1:], len(states))
        going, results = _holds(op, results[0]), results[1:]
        states = results[:len(states)]
        rows.append([_array(value) for value in results[len(states):]])
        turn += 1
    if not rows and op.outputs > len(states):
        raise op.refuse("a loop of no turns that collects results")
    return [*states, *(stack(op, column) for column in zip(*rows, strict=True))]


def scan(op: Operator) -> list[Value]:
    """Scan over the entries of arrays along an axis; it is written out entry by entry."""
    body, count = op.graph("body"), op.integer("num_scan_inputs")
    if op.opset < 9 or not 1 <= count <= len(op.inputs):
        raise op.refuse("a batch of scans, or none")
    first = len(op.inputs) - count
    states = [_start(value) for value in op.inputs[:first]]
    arrays = [op.array(first + number) for number in range(count)]
    axes = [within(axis, len(shape_of(array))) for axis, array in zip(
        _entries(op, "scan_input_axes", count), arrays, strict=True)]
    lengths = {shape_of(array)[axis] for array, axis in zip(arrays, axes, strict=True)}
    if len(lengths) != 1:
        raise InvalidArgument(f"its arrays differ in length: {sorted(lengths)}")
    length, turned = lengths.pop(), _entries(op, "scan_input_directions", count)
    rows: list[list[Array]] = []
    for turn in range(length):
        taken = [move(op, array, partial(np.take, indices=length - 1 - turn if back else turn,
                                         axis=axis))
                 for array, axis, back in zip(arrays, axes, turned, strict=True)]
        results = op.subgraph(body, [*states, *taken])
        _check_count(op, results, first)
        states = results[:first]
        rows.append([_array(value) for value in results[first:]])
    columns = [*zip(*rows, strict=True)]
    ends = _entries(op, "scan_output_directions", len(columns))
    places = _entries(op, "scan_output_axes", len(columns))
    return [*states, *(stack(op, column[::-1] if back else column,
                             within(axis, len(shape_of(column[0])) + 1))
                       for column, back, axis in zip(columns, ends, places, strict=True))]


def _check_count(op: Operator, results: Sequence[Value], states: int) -> None:
    if len(results) < max(states, op.outputs):
        raise InvalidArgument(f"its body has {len(results)} results of {max(states, op.outputs)}")


def _entries(op: Operator, name: str, count: int) -> Sequence[int]:
    """One integer for each of so many arrays, 0 where none are said."""
    found = op.integers(name) or [0] * count
    if len(found) != count:
        raise InvalidArgument(f"its attribute {name!r} must have {count} entries, got {found}")
    return found


def _start(value: Value | None) -> Value:
    if value is None:
        raise InvalidArgument("a state at the start is missing")
    return value


def _array(value: Value) -> Array:
    if isinstance(value, Constant | View):
        return value
    raise InvalidArgument("what it collects is no array")
