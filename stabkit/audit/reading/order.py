"""What is done to an ONNX file before its operators are read: functions and their order."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from stabkit.audit.reading.standard import add_attributes, all_nodes, subgraphs, write_out_standard
from stabkit.errors import InvalidArgument

MOST_NODES = 20_000  # some seconds to read
DEEPEST = 50  # functions within functions


def write_out(model: Any, source: str, known: Container[str]) -> Any:
    """The model without functions of its own, and without operators that are not known and that
    the standard writes by others.

    Raises
    ------
    InvalidArgument
        If it has too many nodes then, which functions of functions may make of a small file.
    """
    import onnx.inliner

    count = count_nodes(model, source)
    if count > MOST_NODES:
        raise InvalidArgument(f"model: {source}: has {count:.6g} nodes, more than {MOST_NODES}")
    if model.functions:
        try:
            model = onnx.inliner.inline_local_functions(_with_defaults(model))
        except (RuntimeError, ValueError, TypeError) as error:
            raise InvalidArgument(f"model: {source}: its functions cannot be written out by onnx "
                                  f"({type(error).__name__})") from None
    return write_out_standard(model, source, known, MOST_NODES)


def _with_defaults(model: Any) -> Any:
    """The model whose calls of functions say the attributes that the functions have defaults of,
    which onnx's inliner leaves out."""
    defaults = {_key(made, made.name): list(made.attribute_proto) for made in model.functions}
    if not any(defaults.values()):
        return model
    given = type(model)()
    given.CopyFrom(model)
    for nodes in (given.graph.node, *(made.node for made in given.functions)):
        for node in all_nodes(nodes):
            add_attributes(node, defaults.get(_key(node, node.op_type), ()))
    return given


def count_nodes(model: Any, source: str) -> int:
    """How many nodes a model has when its functions are written out, in subgraphs too."""
    functions = {_key(made, made.name): made.node for made in model.functions}
    known: dict[tuple[str, ...], int] = {}

    def count(nodes: Sequence[Any], above: tuple) -> int:
        total = 0
        for node in nodes:
            key = _key(node, node.op_type)
            if key not in functions:
                total += 1
            elif key in above or len(above) >= DEEPEST:
                raise InvalidArgument(f"model: {source}: its functions call themselves, or are "
                                      f"nested more than {DEEPEST} deep")
            else:
                if key not in known:
                    known[key] = count(functions[key], (*above, key))
                total += known[key]
            for graph in subgraphs(node):
                total += count(graph.node, above)
        return total

    return count(model.graph.node, ())


def _key(entry: Any, name: str) -> tuple[str, ...]:
    return entry.domain, name, getattr(entry, "overload", "")


def nodes_behind(nodes: Sequence[Any], output: str) -> list[Any]:
    """The nodes that an output rests on, each after those that it rests on itself."""
    makers: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for name in node.output:
            if name and name in makers:
                raise InvalidArgument(f"{name!r} is computed twice")
            if name:
                makers[name] = number
    done: dict[int, bool] = {}  # False while what is behind a node is looked for
    found: list[Any] = []
    waiting = [makers[output]] if output in makers else []
    while waiting:
        number = waiting[-1]
        if done.get(number):
            waiting.pop()
            continue
        missing = sorted({makers[name] for name in names_behind(nodes[number])
                          if name in makers and not done.get(makers[name])})
        if not missing:
            done[number] = True
            found.append(number)
            waiting.pop()
            continue
        if done.get(number) is False:
            raise InvalidArgument("its graph has a cycle")
        done[number] = False
        waiting += missing
    return [nodes[number] for number in sorted(found)] if _is_ordered(found, nodes, makers) else \
        [nodes[number] for number in found]


def _is_ordered(found: Sequence[int], nodes: Sequence[Any], makers: dict[str, int]) -> bool:
    """Whether the order of the file will do."""
    return all(makers[name] < number for number in found for name in names_behind(nodes[number])
               if name in makers)


def names_behind(node: Any) -> set[str]:
    """What a node takes: its inputs, and what its subgraphs take of the graph around them."""
    found = set(node.input)
    for graph in subgraphs(node):
        own = {entry.name for entry in (*graph.input, *graph.initializer)}
        own.update(name for inner in graph.node for name in inner.output)
        taken = {entry.name for entry in graph.output}.union(*map(names_behind, graph.node))
        found |= taken - own
    return found
