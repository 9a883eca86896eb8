"""Operators that are not known and that the standard of ONNX writes by others: written out so.

The package onnx has these bodies, for the set of operators of a file, and puts them in.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from stabkit.errors import InvalidArgument

_DEEPEST = 5  # a loss is written by another loss, and that by a mean

Name = tuple[str, str]  # domain and kind of an operator


def write_out_standard(model: Any, source: str, known: Container[str], most: int) -> Any:
    """The model with such operators written by others; as it is where there is no other form.

    Raises
    ------
    InvalidArgument
        It has more than `most` nodes then.
    """
    for _ in range(_DEEPEST):
        versions = {entry.domain or "": entry.version for entry in model.opset_import}
        foreign = sorted({(node.domain, node.op_type) for node in all_nodes(model.graph.node)
                          if _is_written_by_others(node, versions, known)})
        written = _by_others(model, foreign, versions) if foreign else model
        if written is model:
            break
        model = written
        if sum(1 for _ in all_nodes(model.graph.node)) > most:
            raise InvalidArgument(f"model: {source}: has more than {most} nodes when its operators "
                                  "are written out as the standard says")
    return model


def _is_written_by_others(node: Any, versions: Mapping[str, int], known: Container[str]) -> bool:
    """Whether an operator of the standard is not known and has a body."""
    if not isinstance(node.op_type, str) or not isinstance(node.domain, str):
        return False  # texts that are not UTF-8 come as bytes
    if node.domain in ("", "ai.onnx") and node.op_type in known:
        return False
    schema = _schema_of(node, versions)
    return schema is not None and bool(
        schema.has_function or schema.has_context_dependent_function)


def _schema_of(node: Any, versions: Mapping[str, int]) -> Any:
    import onnx.defs

    domain = "" if node.domain == "ai.onnx" else node.domain
    version = versions.get(domain) or (versions.get("ai.onnx") if not domain else None)
    try:
        return onnx.defs.get_schema(node.op_type, version or 1, domain)
    except onnx.defs.SchemaError:
        return None


def _by_others(model: Any, foreign: list[Name], versions: Mapping[str, int]) -> Any:
    """The model with some operators written by others, as their schemas say; itself where onnx
    cannot do that."""
    import onnx.inliner
    import onnx.shape_inference

    given = type(model)()
    given.CopyFrom(model)
    try:
        for node in all_nodes(given.graph.node):
            if (node.domain, node.op_type) in foreign:
                defaults = _schema_of(node, versions).attributes.values()
                add_attributes(node, [entry.default_value for entry in defaults
                                      if entry.default_value.name])
        typed = onnx.shape_inference.infer_shapes(given)
        _say_types(typed.graph)
        written = onnx.inliner.inline_selected_functions(typed, foreign,
                                                         inline_schema_functions=True)
    except (RuntimeError, ValueError, TypeError, onnx.shape_inference.InferenceError):
        return model
    del written.graph.value_info[:]
    return written


def _say_types(graph: Any) -> None:
    """Types of weights, which onnx does not infer, and one for inputs that are left out, which it
    asks for; whether they are there it sees by their names."""
    from onnx import TensorProto, helper

    said = {entry.name for entry in (*graph.input, *graph.value_info)}
    graph.value_info.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        for tensor in graph.initializer if tensor.name not in said)
    graph.value_info.append(helper.make_tensor_value_info("", TensorProto.FLOAT, None))


# -- the nodes of a model --------------------------------------------------------------------------
def all_nodes(nodes: Sequence[Any]) -> Iterator[Any]:
    """The nodes, and those of their subgraphs."""
    for node in nodes:
        yield node
        for graph in subgraphs(node):
            yield from all_nodes(graph.node)


def subgraphs(node: Any) -> list[Any]:
    return [graph for attribute in node.attribute
            for graph in ([attribute.g] if attribute.HasField("g") else []) + [*attribute.graphs]]


def add_attributes(node: Any, defaults: Sequence[Any]) -> None:
    """Say the defaults of what a node does not say."""
    said = {attribute.name for attribute in node.attribute}
    node.attribute.extend(attribute for attribute in defaults if attribute.name not in said)
