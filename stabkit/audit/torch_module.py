"""PyTorch modules in memory: traced by PyTorch's own exporter, and read like an ONNX file.

The module is read in eval mode and left as it is: a copy is traced.  Parametrizations (such as
spectral_norm) and the older hooks of the same names are read at the weights that they produce.
A program of ``torch.export`` is read as it was traced.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from functools import partial
from math import inf, prod
from threading import RLock
from typing import Any

import numpy as np

from stabkit.aliases import Foreign, Library
from stabkit.audit.onnx_file import read_model
from stabkit.audit.reading import memory
from stabkit.audit.requirements import LEAST
from stabkit.audit.torch_program import departures, rounding, simpler_program
from stabkit.errors import InvalidArgument, TracingStopped
from stabkit.installation import install
from stabkit.networks.graph import Graph, evaluate
from stabkit.tracing.state import refuse_state

_TRACING = RLock()  # what a tracer asks is noted for one module at a time


def read(module: Foreign, shape: tuple[int, ...] | None) -> Graph:
    """Read a ``torch.nn.Module``, or what ``torch.export.export`` made of one.

    Parameters
    ----------
    module : torch.nn.Module or torch.export.ExportedProgram
        It maps one tensor to one tensor.
    shape : tuple of int, or None
        Of one input, without the batch axis: ``(3, 32, 32)``; a program may know it.

    Raises
    ------
    InvalidArgument
        PyTorch or its exporter is missing, the module does not take such an input or cannot be
        traced, or the reader of ONNX files refuses what is in it.
    """
    try:
        import onnx  # noqa: F401 - the exporter needs both, and says so at length
        import onnxscript  # noqa: F401
        import torch
    except ImportError as missing:
        raise InvalidArgument(f"module: reading a PyTorch module needs the package {missing.name}; "
                              f"install it with: {install('torch')}") from None
    if isinstance(module, torch.export.ExportedProgram):
        with _silence(), torch.no_grad():
            graph, x = _graph_of(torch, module, None, "program", shape), _examples(module)
            if x is not None and len(x) == 1 and shape is None:
                _compare(torch, module.module(), graph, x[0], "program")
            return graph
    if not isinstance(module, torch.nn.Module):
        raise InvalidArgument(f"module: must be a torch.nn.Module, got {type(module).__name__}")
    if not isinstance(shape, tuple | list) or not shape or not all(
            type(size) is int and size > 0 for size in shape):
        raise InvalidArgument(f"shape: must be the positive sizes of one input, without the batch "
                              f"axis, got {shape!r}")
    parts = [*module.parameters(), *module.buffers()]
    memory.require(6 * sum(part.numel() * part.element_size() for part in parts), "module: tracing")
    memory.require(LEAST * prod(shape), f"shape: an input of shape {tuple(shape)}")
    kind = type(module).__name__
    with _eval_copy(module, torch) as traced:
        x = _example(torch, traced, tuple(shape), kind)
        with _no_hidden_question(kind):
            graph = _graph_of(torch, traced, (x,), kind, tuple(shape))
        _compare(torch, traced, graph, x, kind)
        return graph


def _compare(torch: Library, module: Foreign, graph: Graph, x: Any, kind: str) -> None:
    """Refuse a graph that is not its module: exporters err, too, and leave out projections.

    One departure at three random inputs may come from a jump that rounding moves.
    """
    def other(at: Any) -> Any:
        values = evaluate(graph, at.double().cpu().numpy().reshape(1, *graph.shape))
        return torch.from_numpy(values).to(at).reshape(shape)

    allowed = rounding(torch, x)
    if torch.finfo(x.dtype).bits <= 16:
        module, x, allowed = _in_double(torch, module, x, allowed)
    with np.errstate(all="ignore"):
        shape = module(x).shape
        if prod(shape) != prod(graph.output_shape):
            away = inf
        else:
            away = sorted(departures(torch, module, other, x))[1]
    if away > allowed:
        raise InvalidArgument(f"module: {kind}: what PyTorch's exporter writes of it departs from "
                              f"it by {away:.2g} of its largest result, at random inputs")


def _in_double(torch: Any, module: Any, x: Any, allowed: float) -> tuple[Any, Any, float]:
    """A module of half precision with its weights held as doubles, whose results say more; itself
    where it asks for half precision within."""
    try:
        wide, at = copy.deepcopy(module).double(), x.double()
        wide(at)
    except (RuntimeError, TypeError, ValueError, NotImplementedError):
        return module, x, allowed
    return wide, at, rounding(torch, x.float())


@contextlib.contextmanager
def _no_hidden_question(kind: str) -> Iterator[None]:
    """Refuse a module that asks what an entry of its input is, and hides in a try that a tracer
    has no answer: what is traced then is one of its branches."""
    from torch.fx.experimental import symbolic_shapes

    Question: Any = symbolic_shapes.GuardOnDataDependentSymNode
    asked = []

    def note(self: Any, *given: Any, **named: Any) -> None:
        asked.append(self)
        real(self, *given, **named)

    with _TRACING:
        real, Question.__init__ = Question.__init__, note
        try:
            yield
        finally:
            Question.__init__ = real
    if asked:
        raise InvalidArgument(f"module: {kind}: its forward asks for a number that depends on the "
                              "input, and goes on in a try ... except where a tracer has none; "
                              "audit the branch that is meant")


@contextlib.contextmanager
def _eval_copy(module: Foreign, torch: Library) -> Iterator[Any]:
    """A copy in eval mode with plain weights; or the module itself, put back afterwards."""
    before = [(part, part.training) for part in module.modules()]
    try:
        try:
            traced = copy.deepcopy(module)
        except (RuntimeError, TypeError, NotImplementedError):
            traced = module  # a module that cannot be copied is traced as it is
        with _silence(), torch.no_grad():
            traced.eval()
            if traced is not module:
                write_weights_out(traced, torch)
            yield traced
    finally:
        for part, training in before:
            part.training = training


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What the exporter prints, warns of and logs is left out."""
    silence, log = io.StringIO(), logging.getLogger("torch.onnx")
    level = log.level
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(silence), \
                contextlib.redirect_stderr(silence):
            warnings.simplefilter("ignore")
            log.setLevel(logging.ERROR)
            yield
    finally:
        log.setLevel(level)


def write_weights_out(module: Foreign, torch: Library) -> None:
    """Put numbers in the place of weights that are computed, in all parts of a module."""
    from torch.nn.utils import parametrize, remove_spectral_norm, remove_weight_norm

    for part in list(module.modules()):
        for name, child in part.named_children():
            if isinstance(child, torch.nn.RReLU):  # which has its mean slope outside of training
                setattr(part, name, torch.nn.LeakyReLU((child.lower + child.upper) / 2))
        if parametrize.is_parametrized(part):
            # Not remove_parametrizations: that changes the class, which the original shares.
            weights = {name: getattr(part, name).clone() for name in part.parametrizations}
            part.__class__ = parametrize.type_before_parametrizations(part)
            del part.parametrizations
            for name, weight in weights.items():
                part.register_parameter(name, torch.nn.Parameter(weight))
        for hook in list(part._forward_pre_hooks.values()):
            remove = {"SpectralNorm": remove_spectral_norm, "WeightNorm": remove_weight_norm}.get(
                type(hook).__name__ if type(hook).__module__.startswith("torch.nn.utils") else "")
            if remove is not None:
                remove(part, hook.name)


def _example(torch: Library, module: Foreign, shape: tuple[int, ...], kind: str) -> Any:
    """An input that the module takes."""
    like = next((part for part in module.parameters() if part.is_floating_point()), None)
    x = torch.zeros((1, *shape), dtype=None if like is None else like.dtype,
                    device=None if like is None else like.device)
    try:
        y = module(x)
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        raise InvalidArgument(f"module: {kind} cannot be applied to an input of shape "
                              f"{tuple(x.shape)}: {_first_line(error)}") from None
    if not isinstance(y, torch.Tensor):
        raise InvalidArgument(f"module: {kind} returns {type(y).__name__}; one tensor is needed")
    try:
        refuse_state(module, lambda: module(x))
    except TracingStopped as reason:  # what is exported is one call of many
        raise InvalidArgument(f"module: {kind}: {reason}; audit one without it") from None
    return x


def _graph_of(torch: Library, module: Foreign, inputs: tuple[Any, ...] | None, kind: str,
                  shape: tuple[int, ...] | None) -> Graph:
    """The graph of the ONNX model that PyTorch's exporter writes.

    What it cannot write, or writes with Fourier transforms that cannot be read, it is given once
    more with fewer operators.
    """
    x = inputs or _examples(module)
    # ONNX has attributes in single precision: of a module in double precision they are read as the
    # short decimals that were meant, and the comparison with the module says whether they were.
    read_as = partial(read_model, source=kind, shape=shape,
                      decimals=x is not None and len(x) > 0 and x[0].dtype == torch.float64)
    try:
        model = _exporter(torch, module, inputs or ())
    except _errors(torch) as error:
        simple = _simpler_model(torch, module, inputs, kind, error)
        return read_as(simple)
    try:
        return read_as(model)
    except InvalidArgument as refusal:
        if not any(node.op_type == "DFT" for node in model.graph.node):
            raise
        simple = _simpler_model(torch, module, inputs, kind, refusal)
    return read_as(simple)


def _simpler_model(torch: Library, module: Foreign, inputs: tuple[Any, ...] | None, kind: str,
                   first: BaseException) -> Any:
    """The model that is written of a program with fewer operators; else the first error."""
    given = module if inputs else module.module()
    x = inputs or _examples(module)
    try:
        if x is not None and len(x) == 1:
            return _exporter(torch, simpler_program(torch, given, x[0]), tuple(x))
    except InvalidArgument as reason:
        raise InvalidArgument(f"module: {kind}: {reason}") from None
    except _errors(torch):
        pass  # the first one says what is wrong
    if isinstance(first, InvalidArgument):
        raise first
    while first.__cause__ is not None:
        first = first.__cause__
    raise InvalidArgument(f"module: {kind} cannot be traced by PyTorch's exporter: "
                          f"{_first_line(first)}") from None


def _errors(torch: Library) -> tuple[type[BaseException], ...]:
    return torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError, TypeError


def _exporter(torch: Library, module: Foreign, inputs: tuple[Any, ...]) -> Any:
    """An ONNX model, unoptimised: that would round weights anew."""
    return torch.onnx.export(module, inputs, dynamo=True, optimize=False,
                             verbose=False).model_proto


def _examples(program: Any) -> tuple[Any, ...] | None:
    """The inputs by which a program was traced, if it keeps them."""
    given = program.example_inputs
    return None if given is None or given[1] else tuple(given[0])


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
