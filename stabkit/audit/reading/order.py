"""What is done to an ONNX file before its operators are read: functions and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stabkit.errors import InvalidArgument


def written_out(model: Any, source: str) -> Any:
    """The model without functions of its own."""
    import onnx.inliner

    if not model.functions:
        return model
    try:
        return onnx.inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, TypeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise InvalidArgument(f"model: {source}: its functions cannot be written out by onnx: "
                              f"{lines[0]}") from None


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
        missing = sorted({makers[name] for name in nodes[number].input
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
    return all(makers[name] < number for number in found for name in nodes[number].input
               if name in makers)
