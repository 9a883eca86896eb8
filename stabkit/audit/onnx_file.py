"""ONNX files: the graph of a network, read operator by operator and never executed.

Numbers are taken as they stand: float16, bfloat16, float32 and float64 weights exactly.  Three
things are rounded, all to double precision: the factors of a normalisation, quotients by constants
that are no power of two, and the sines and cosines of a Fourier transform.  Arithmetic on constants
alone is done in their own type.  The batch axis, in front, is stripped; a batch of unknown size is
read as one sample.
"""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from stabkit.aliases import Argument, Fields, Foreign
from stabkit.audit.reading import (
    choices,
    contraction,
    control,
    entrywise,
    extremes,
    folding,
    formulas,
    fourier,
    grouped,
    interpolation,
    linear,
    memory,
    movement,
    quantised,
    recurrent,
    reduction,
    sampling,
    selection,
)
from stabkit.audit.reading.builder import Builder, View
from stabkit.audit.reading.fixed import fixed_inputs
from stabkit.audit.reading.fusion import fuse
from stabkit.audit.reading.old_forms import PLAIN, old_form
from stabkit.audit.reading.operator import Constant, Operator, Value
from stabkit.audit.reading.order import MOST_NODES, names_behind, nodes_behind, write_out
from stabkit.audit.reading.tensors import FLOATS, read_tensor, total_bytes
from stabkit.errors import InvalidArgument
from stabkit.installation import install
from stabkit.networks.graph import Graph
from stabkit.user_files import open_file

OLDEST = 6
LARGEST = 1 << 31  # bytes; a protocol buffer holds no more


# What a handler of one signal returns is the operator's only output.
_ONE: dict[str, Callable[[Operator], Any]] = {
    "Gemm": contraction.gemm, "MatMul": contraction.matmul, "Conv": linear.conv,
    "ConvTranspose": linear.conv_transpose, "MaxPool": linear.pool, "AveragePool": linear.pool,
    "GlobalAveragePool": linear.global_pool, "GlobalMaxPool": linear.global_pool,
    "Add": entrywise.add, "Sub": entrywise.add, "Sum": entrywise.total, "Mean": entrywise.total,
    "Neg": entrywise.negate,
    "Mul": entrywise.multiply, "Div": entrywise.divide, "Clip": entrywise.clip,
    "Min": extremes.extreme, "Max": extremes.extreme, "PRelu": entrywise.prelu,
    "BatchNormalization": entrywise.batch_normalization, "Identity": entrywise.keep,
    "Dropout": entrywise.keep, "Cast": entrywise.keep, "CastLike": entrywise.keep,
    "HardSigmoid": entrywise.hard_sigmoid, "Selu": entrywise.scale_elu,
    "Celu": entrywise.scale_elu, "Gelu": entrywise.gelu, "Pow": formulas.power,
    "Not": formulas.negate, **dict.fromkeys(("And", "Or"), formulas.join_tests),
    **dict.fromkeys(formulas.COMPARISONS, formulas.compare),
    **dict.fromkeys(set(formulas.FORMULAS) - {"Abs"}, formulas.function),
    "ThresholdedRelu": formulas.threshold_relu, "LpNormalization": reduction.lp_normalise,
    **dict.fromkeys(reduction.REDUCTIONS, reduction.reduce_axes),
    "Where": choices.where, "Softmax": grouped.softmax, "LogSoftmax": grouped.softmax,
    "LayerNormalization": grouped.layer_norm, "RMSNormalization": grouped.layer_norm,
    "GroupNormalization": grouped.group_norm, "InstanceNormalization": grouped.group_norm,
    "LRN": grouped.local_response, "Shrink": grouped.shrink, "Einsum": contraction.einsum,
    **dict.fromkeys(("Resize", "Upsample"), interpolation.resize),
    **dict.fromkeys(selection.CHOICES, selection.choose), "ScatterND": selection.scatter_nd,
    **dict.fromkeys(("Scatter", "ScatterElements"), selection.scatter_elements),
    "Col2Im": linear.fold_back, "GridSample": sampling.grid_sample,
    "CumSum": contraction.cumulative, "DFT": fourier.transform,
    "QuantizeLinear": quantised.quantize, "DequantizeLinear": quantised.dequantize,
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"),
                    quantised.refuse_integers),
}
_SEVERAL: dict[str, Callable[[Operator], list]] = {
    **dict.fromkeys((*movement.RESHAPES, *movement.MOVES), movement.read_movement),
    "Pad": movement.pad, "Split": movement.split, "SplitToSequence": movement.split_to_sequence,
    "SequenceAt": movement.sequence_at, "Concat": movement.concat,
    "TopK": extremes.top,
    **dict.fromkeys(("RNN", "LSTM", "GRU"), recurrent.recurrent),
    "Shape": folding.shape_constant, "Size": folding.size_constant,
    "If": control.branch, "Loop": control.loop, "Scan": control.scan,
}


_KNOWN = {*_ONE, *_SEVERAL, *entrywise.FLUXES, *folding.FOLDED}


def read(path: str | Path, shape: tuple[int, ...] | None = None, output: str | None = None,
         fixed: Fields | None = None) -> Graph:
    """Read an ONNX file.

    Parameters
    ----------
    path : str or Path
    shape : tuple of int, optional
        Of one input without the batch axis; needed where the file leaves sizes open.
    output : str, optional
        Which output, of several.
    fixed : mapping, optional
        Numbers or arrays for inputs that do not vary, by name.

    Raises
    ------
    InvalidArgument
        The file is damaged or hostile, an operator is not supported (it is named with its
        place), a weight is not finite, or the network does not fit into memory.
    """
    path = Path(path)
    with open_file(path, "model") as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST:
            raise InvalidArgument(f"model: {path} has {memory.in_words(size)}; an ONNX file has at "
                                  "most 2.1 GB, larger weights lie in files beside it")
        memory.require(3 * size, f"model: {path}")
        content = file.read(size)
    return read_bytes(content, str(path), path.parent, shape, output, fixed)


def read_bytes(content: bytes, source: str, folder: Path | None = None,
               shape: tuple[int, ...] | None = None, output: str | None = None,
               fixed: Fields | None = None) -> Graph:
    """Read the bytes of an ONNX file; external data may lie in `folder`."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise InvalidArgument("model: an ONNX file is read with the package onnx; install it with: "
                              f"{install('onnx')}") from None
    try:
        model = onnx.ModelProto.FromString(content)
    except (DecodeError, RecursionError):
        raise InvalidArgument(f"model: {source} is damaged or no ONNX file") from None
    return read_model(model, source, folder, shape, output, fixed)


def read_model(model: Foreign, source: str, folder: Path | None = None,
               shape: tuple[int, ...] | None = None, output: str | None = None,
               fixed: Fields | None = None, decimals: bool = False) -> Graph:
    """Read an onnx.ModelProto; `decimals` says that its attributes stand for doubles."""
    return _Reading(write_out(model, source, _KNOWN), source, folder, decimals).graph(
        shape, output, fixed or {})


class _Reading:
    def __init__(self, model: Foreign, source: str, folder: Path | None, decimals: bool):
        self.proto, self.source, self.folder = model.graph, source, folder
        self.decimals = decimals
        self.functions = model.functions
        if not model.HasField("graph") or (not self.proto.node and not self.proto.output):
            raise self.error("is damaged or no ONNX file")
        versions = [entry.version for entry in model.opset_import
                    if entry.domain in ("", "ai.onnx")]
        self.opset = max(versions, default=1)
        if self.opset < OLDEST:
            raise self.error(f"uses operator set {self.opset}; {OLDEST} or later is needed")
        if self.proto.sparse_initializer:
            raise self.error("has sparse weights, which are not supported")
        self.tensors = ChainMap({tensor.name: tensor for tensor in self.proto.initializer})
        self.values: ChainMap[str, Value]

    def error(self, message: str) -> InvalidArgument:
        return InvalidArgument(" ".join(f"model: {self.source}: {message}".splitlines()))

    # -- the whole -----------------------------------------------------------------------------
    def graph(self, shape: tuple[int, ...] | None, output: str | None, fixed: Fields
              ) -> Graph:
        needed = total_bytes(self.proto.initializer)
        self.say_place("its weights", memory.require, 2 * needed, f"{needed} bytes of weights")
        name = self.output_name(output)
        nodes = self.say_place(f"output {name!r}", nodes_behind, self.proto.node, name)
        used = {name}.union(*map(names_behind, nodes))
        inputs = [entry for entry in self.proto.input if entry.name not in self.tensors]
        self.fixed = fixed_inputs(inputs, fixed, self.source)
        inputs = [entry for entry in inputs if entry.name not in self.fixed
                  and (entry.name in used or len(self.proto.input) == 1)]
        self.begin(inputs, shape)
        try:
            return self.read_all(nodes, name)
        except InvalidArgument as refusal:
            if self.build.batch == 1:
                raise
            reason = refusal
        # A leading axis that is mixed, such as that of time, is no batch.
        self.begin(inputs, shape, whole=True)
        try:
            return self.read_all(nodes, name)
        except InvalidArgument:
            raise reason from None

    def read_all(self, nodes: Sequence[Any], name: str) -> Graph:
        for number, node in enumerate(nodes):
            self.read_node(number, node)
        result = self.say_place(f"output {name!r}", self.lookup, name)
        if not isinstance(result, View):
            raise self.error(f"output {name!r} " + (
                "has no entries" if isinstance(result, Constant) and not result.values.size else
                "does not depend on the input"))
        return self.say_place(f"output {name!r}", lambda: fuse(self.build.finish(result)))

    def output_name(self, given: str | None) -> str:
        names = [entry.name for entry in self.proto.output]
        if given is not None and given not in names:
            raise InvalidArgument(f"output: {self.source} has no output {given!r}; it has "
                                  f"{', '.join(names)}")
        if given is None and len(names) != 1:
            raise self.error(f"has {len(names)} outputs, {', '.join(names)}; name one of them "
                             "(--output NAME, or output=NAME)")
        return given if given is not None else names[0]

    def begin(self, inputs: list[Any], shape: tuple[int, ...] | None, whole: bool = False) -> None:
        """Begin a graph; several inputs are taken side by side as one signal.

        An input is one sample as a `whole`, or as many as its leading axis has entries.
        """
        self.values, self.written, self.within = ChainMap(dict(self.fixed)), 0, ""
        self.left_out: dict[str, str] = {}  # outputs that are not read, with their nodes
        if not inputs:
            raise self.error("its output depends on no input")
        element = inputs[0].type.tensor_type.elem_type
        if len(inputs) == 1:
            full = self.input_shape(inputs[0], shape)
            apart = len(full) > 1 and not whole
            self.build = self.say_place(f"input {inputs[0].name!r}", Builder, full if apart else
                                        (1, *full), True, self.source, element)
            self.values[inputs[0].name] = View(-1, full)
            return
        if shape is not None:
            raise self.error(f"has {len(inputs)} inputs {_names(inputs)}, which are taken together;"
                             " a shape can be given only where there is one")
        fulls = [self.input_shape(entry, None) for entry in inputs]
        ends = np.cumsum([0, *map(prod, fulls)])
        self.build = self.say_place("its inputs", Builder, (1, int(ends[-1])), True, self.source,
                                    element)
        for entry, full, start, end in zip(inputs, fulls, ends, ends[1:], strict=False):
            self.values[entry.name] = View(-1, full, np.arange(start, end))

    def say_place(self, place: str, function: Callable, *args: Argument) -> Any:
        """Call a function; what goes wrong is said with its place."""
        try:
            return function(*args)
        except InvalidArgument as error:
            if str(error).startswith(f"model: {self.source}: "):  # a node within says its place
                raise
            raise self.error(f"{place}: {error}") from None
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError,
                MemoryError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise self.error(f"{place}: cannot be read ({reason})") from None

    def input_shape(self, entry: Any, given: tuple[int, ...] | None) -> tuple[int, ...]:
        """The shape with the batch axis, which is 1 where it is open."""
        place = f"input {entry.name!r}"
        kind = entry.type.tensor_type
        if kind.elem_type not in FLOATS:
            raise self.error(f"{place}: must be a tensor of floats")
        dims = [axis.dim_value if axis.HasField("dim_value") and axis.dim_value > 0 else None
                for axis in kind.shape.dim]
        if given is not None:
            if not all(isinstance(size, int) and size > 0 for size in given):
                raise InvalidArgument(f"shape: must be positive integers, got {given}")
            rest = dims[1:] if len(dims) > 1 else dims
            if kind.HasField("shape") and (len(rest) != len(given) or any(
                    size not in (None, new) for size, new in zip(rest, given, strict=True))):
                raise InvalidArgument(f"shape: {tuple(given)} does not fit {_sizes(dims)} in "
                                      f"{self.source}")
            batched = len(dims) > 1 or not kind.HasField("shape")
            return ((dims[0] or 1) if dims else 1, *given) if batched else tuple(given)
        if not kind.HasField("shape") or not dims:
            raise self.error(f"{place}: has no shape; give the shape of one input")
        first = dims[0] if len(dims) == 1 else dims[0] or 1
        sizes = [size for size in (first, *dims[1:]) if size is not None]
        if len(sizes) < len(dims):
            raise self.error(f"{place}: its shape {_sizes(dims)} leaves sizes open; give the "
                             "shape of one input")
        return tuple(sizes)

    # -- one node ------------------------------------------------------------------------------
    def read_node(self, number: int, node: Any) -> None:
        name = self.within + (_place_of(node) or f"{node.op_type}#{number}")
        place = f"node {name!r} ({node.op_type})"
        self.build.name, self.build.kind = name, node.op_type
        outputs = self.say_place(place, self.outputs_of, node)
        for output, value in zip(node.output, outputs, strict=False):
            if output in self.values.maps[0] or output in self.tensors.maps[0]:
                raise self.error(f"{place}: its output {output!r} is computed twice")
            if output:
                self.values[output] = value
        self.left_out.update(dict.fromkeys(filter(None, node.output[len(outputs):]), place))

    def outputs_of(self, node: Any) -> list[Any]:
        if node.domain not in ("", "ai.onnx"):
            raise InvalidArgument(f"not supported: {self.foreign(node)}")
        op = Operator(node.op_type, self.opset, [self.lookup(name) if name else None
                                                 for name in node.input],
                      {attribute.name: attribute for attribute in node.attribute},
                      sum(map(bool, node.output)), self.build, self.tensor, self.subgraph,
                      self.decimals)
        if self.opset < PLAIN:
            op = old_form(op)
        folded = folding.fold(op)
        if folded is not None:
            return folded
        if op.kind in _ONE:
            return [_ONE[op.kind](op)]
        if op.kind in _SEVERAL:
            return _SEVERAL[op.kind](op)
        if op.kind in entrywise.FLUXES:
            return [entrywise.activate(op, entrywise.FLUXES[op.kind](op))]
        raise op.refuse(self.what_was_read(op))

    def subgraph(self, graph: Any, given: Sequence[Value]) -> list[Value]:
        """The outputs of a graph within the file; what it computes has names of its own."""
        if len(graph.input) != len(given):
            raise InvalidArgument(f"a subgraph of {len(graph.input)} inputs gets {len(given)}")
        self.written += 1 + len(graph.node)
        if self.written > MOST_NODES:
            raise InvalidArgument(f"its subgraphs are more than {MOST_NODES} nodes, written out")
        values, tensors, within = self.values, self.tensors, self.within
        self.within = f"{self.build.name}/"
        self.values = values.new_child(dict(zip((entry.name for entry in graph.input), given,
                                                strict=True)))
        self.tensors = tensors.new_child({tensor.name: tensor for tensor in graph.initializer})
        try:
            for number, node in enumerate(graph.node):
                self.read_node(number, node)
            return [self.lookup(entry.name) for entry in graph.output]
        finally:
            self.build.name, self.within = self.within[:-1], within
            self.values, self.tensors = values, tensors

    def foreign(self, node: Any) -> str:
        """What a node of another domain is."""
        made = next((made for made in self.functions if made.name == node.op_type
                     and made.domain == node.domain), None)
        if made is None:
            return f"an operator of {node.domain!r}"
        other = [entry.version for entry in made.opset_import if entry.domain in ("", "ai.onnx")]
        return f"a function of operator set {', '.join(map(str, other))} in a file of set " \
            f"{self.opset}, which readers of ONNX files take differently"

    def what_was_read(self, op: Operator) -> str:
        """What was read before an operator that is not known."""
        given = " and ".join(str(value.shape) for value in op.inputs if isinstance(value, View))
        return f"before it {len(self.build.nodes)} layers were read; it is applied to a signal " \
            f"of shape {given or 'none'}"

    def lookup(self, name: str) -> Value:
        for values, tensors in zip(self.values.maps, self.tensors.maps, strict=True):
            if name not in values and name in tensors:
                values[name] = Constant(self.tensor(tensors[name]), name)
            if name in values:
                return values[name]
        if name in self.left_out:
            raise InvalidArgument(f"not supported: {name!r}, another output of "
                                  f"{self.left_out[name]}")
        raise InvalidArgument(f"{name!r} is used before anything computes it: the file is "
                              "incomplete, or its graph has a cycle")

    def tensor(self, proto: Any) -> np.ndarray:
        return read_tensor(proto, self.folder)


def _place_of(node: Any) -> str:
    """The name of a node, after that of the module that PyTorch's exporter says it stands in."""
    scopes = next((entry.value for entry in node.metadata_props
                   if entry.key == "pkg.torch.onnx.name_scopes"), "")
    # Texts that are not UTF-8 come as bytes.
    inside = [name for name in re.findall(r"'([\w.]*)'", str(scopes)[:1000])[:-1] if name]
    return f"{inside[-1]}/{node.name}" if inside else str(node.name)


def _names(entries: Iterable[Any]) -> str:
    return "(" + ", ".join(str(entry.name) for entry in entries) + ")"


def _sizes(dims: list[int | None]) -> str:
    return "(" + ", ".join("?" if size is None else str(size) for size in dims) + ")"
