"""A user's model, whatever it is, as a graph of layers or as a scheme."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import ClassVar

from stabkit.aliases import Fields, Foreign
from stabkit.errors import InvalidArgument
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Shape
from stabkit.schemes import Function, Scheme
from stabkit.user_files import open_file


class ExactFunction(Function):
    """A function of float arrays that is given exact numbers, too, as far as it takes them."""

    exact: ClassVar[bool] = True


def as_model(model: Foreign, shape: Shape | None = None, output: str | None = None,
             fixed: Fields | None = None) -> Graph | Scheme:
    """A user's model as a graph or a scheme."""
    if not isinstance(model, (str, Path)):
        if output is not None:
            raise InvalidArgument("output: names an output of an ONNX file, for nothing else")
        if fixed:
            raise InvalidArgument("fixed: is for inputs of an ONNX file, for nothing else")
    if isinstance(model, (Graph, Scheme)):
        return model
    if isinstance(model, (str, Path)):
        return read(model, shape, output, fixed)
    if hasattr(model, "state_dict") and hasattr(model, "parameters"):
        if shape is None and not hasattr(model, "graph_signature"):
            raise InvalidArgument("shape: a torch module needs the shape of one input")
        from stabkit.audit import torch_module  # late, like all readers: they need much

        return torch_module.read(model, shape)
    if callable(model):
        if shape is None:
            raise InvalidArgument("shape: a function needs the shape of one input, such as (64,)")
        return ExactFunction(model, prod(shape))
    raise InvalidArgument(f"model: must be a file, a torch module, a graph, a scheme or a "
                          f"function, got {type(model).__name__}")


def read(path: str | Path, shape: Shape | None = None, output: str | None = None,
         fixed: Fields | None = None) -> Graph:
    """Read a network from a file: by its content, and by its ending where that says nothing."""
    path = Path(path)
    with open_file(path, "model") as stream:
        start = stream.read(4)
    ending = path.suffix.lower()
    if ending not in (".npz", ".onnx"):
        raise InvalidArgument(f"{path}: must be an .onnx or .npz file")
    if ending == ".npz" or start == b"PK\x03\x04":
        if shape is not None:
            raise InvalidArgument(f"shape: {path} says its own shape; leave this out")
        if output is not None:
            raise InvalidArgument(f"output: {path} has one output; leave this out")
        if fixed:
            raise InvalidArgument(f"fixed: {path} has one input; leave this out")
        from stabkit.audit import npz_file

        return npz_file.read(path)
    from stabkit.audit import onnx_file

    return onnx_file.read(path, shape, output, fixed)
