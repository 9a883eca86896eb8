"""Steps of PyTorch, by the graph that torch.fx makes of them."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from stabkit.aliases import Argument, Array, Function, Rational, Record
from stabkit.errors import UNFIT, in_words
from stabkit.tracing.array import holds_numbers, plain
from stabkit.tracing.foreign import ALIKE, ForeignStep, holds_symbols, move_by_places, to_symbols
from stabkit.tracing.summing import exactly
from stabkit.tracing.tracer import Tracer

# Operations that move entries, and which of their arguments hold entries.
_MOVING = dict.fromkeys((
    "view", "reshape", "_unsafe_view", "permute", "transpose", "t", "expand",
    "unsqueeze", "squeeze", "clone", "detach", "alias", "roll", "flip", "diagonal", "index",
    "index_select", "gather", "repeat", "cat", "stack", "split", "split_with_sizes", "unbind",
    "reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d", "unfold",
    "lift_fresh_copy", "narrow", "tril", "triu", "rot90"), (0,)) | dict.fromkeys((
        "slice_scatter", "select_scatter", "diagonal_scatter", "copy"), (0, 1)) | {
            "index_put": (0, 2)}


# By these a step reads the numbers of a tensor, of which its graph then knows nothing.
_READING = ("numpy", "__array__", "tolist", "item", "data_ptr", "__dlpack__", "untyped_storage")


class _Unread(TorchFunctionMode):
    """While a graph is made, what depends on the signal hands out no numbers."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _READING and torch._is_functional_tensor(args[0]):
            raise TypeError(f"the step reads numbers by Tensor.{name}")
        return func(*args, **(kwargs or {}))


class TorchStep(ForeignStep):
    """A function or module of PyTorch; in double precision where it can be."""

    library = "PyTorch"

    dtype = torch.float64

    @property
    def is_single(self) -> bool:
        return self.dtype is torch.float32

    def takes(self, shape: tuple[int, ...], steps: list[float]) -> bool:
        for self.dtype in (torch.float64, torch.float32):
            try:
                given = torch.ones(shape, dtype=self.dtype)
                if isinstance(self.function(given, *steps), torch.Tensor):
                    return True
            except UNFIT:
                continue
        return False

    def __call__(self, u: np.ndarray, *dt: Any) -> np.ndarray:
        with torch.no_grad():
            given = torch.tensor(np.asarray(u, dtype=float), dtype=self.dtype)
            return self.function(given, *map(float, dt)).numpy()

    def follow(self, tracer: Tracer, u: Array, *dt: Any) -> Array:
        graph = self._graph(tracer, u.shape, len(dt))
        inputs = iter((u, *dt))
        known: dict[Any, Any] = {}
        for node in graph.graph.nodes:
            args, options = tree_map(lambda part: known.get(part, part) if isinstance(
                part, torch.fx.Node) else part, (node.args, node.kwargs))
            if node.op == "placeholder":
                known[node] = next(inputs)
            elif node.op == "get_attr":
                known[node] = getattr(graph, node.target).detach().numpy()
            elif node.op == "output":
                return args[0]
            else:
                known[node] = _apply(tracer, node.target, args, options)
        raise AssertionError("a graph ends with its output")

    def _graph(self, tracer: Tracer, shape: tuple[int, ...], steps: int) -> torch.fx.GraphModule:
        given = [torch.ones(shape, dtype=self.dtype),
                 *[torch.tensor(0.5, dtype=self.dtype)] * steps]

        def unread(*args: Argument) -> Any:
            with _Unread():
                return self.function(*args)

        try:
            with torch.no_grad():
                return make_fx(torch.func.functionalize(unread))(*given)
        except UNFIT as error:  # torch raises its own kinds for what depends on the data
            tracer.stop(f"PyTorch makes no graph of it: {in_words(error)}")


def _apply(tracer: Tracer, target: Any, args: Any, options: Record) -> Any:
    if not holds_symbols([*args, *options.values()]):
        return _in_torch(target, *args, **options)
    name = getattr(target, "_opname", getattr(target, "__name__", str(target)))
    if name in _MOVING:
        if name == "index_put" and len(args) > 3 and args[3]:
            tracer.stop("index_put with accumulate=True is not followed")
        return move_by_places(tracer, partial(_in_torch, target, **options), args, _MOVING[name])
    if name not in _FOLLOWED:
        tracer.stop(f"PyTorch's operation {name} is not followed")
    return _FOLLOWED[name](tracer, *args, **options)


def _in_torch(target: Any, *args: Argument, **options: Argument) -> Any:
    """An operation of PyTorch on arrays of NumPy."""
    args = tree_map(lambda part: torch.from_numpy(np.array(part)) if isinstance(
        part, np.ndarray) else part, args)
    found = tree_map(lambda part: part.numpy() if isinstance(part, torch.Tensor) else part,
                     target(*args, **options))
    return found


# -- operations ------------------------------------------------------------------------------------
def _add(sign: int, tracer: Tracer, a: Array, b: Array, alpha: Any = 1) -> Array:
    return np.add(a, sign * alpha * b) if alpha != 1 or sign != 1 else np.add(a, b)


def _slice(tracer: Tracer, a: Array, dim: int = 0, start: Any = None, end: Any = None,
           step: int = 1) -> Array:
    return a[(slice(None),) * (dim % a.ndim) + (slice(start, end, step),)]


def _copy(tracer: Tracer, a: Array, b: Array) -> Array:
    """Written through views, where PyTorch has left that in a graph."""
    a[...] = b
    return a


def _clamp(tracer: Tracer, a: Array, low: Rational = None, high: Rational = None,
           **options: Argument) -> Array:
    return np.clip(a, options.get("min", low), options.get("max", high))


def _sum(mean: bool, tracer: Tracer, a: Array, dim: Any = None, keepdim: bool = False,
         **options: object) -> Array:
    axes = tuple(dim) if isinstance(dim, (list, tuple)) and dim else dim or None
    axes = dim if isinstance(dim, int) else axes
    return (np.mean if mean else np.sum)(a, axis=axes, keepdims=keepdim)


def _as_float(tracer: Tracer, a: Array, dtype: Any = None, **options: object) -> Array:
    if dtype not in (None, torch.float64, torch.float32):  # in half precision 65520 is infinite
        tracer.stop(f"a change to {dtype} is not followed")
    return a


def _divide(tracer: Tracer, a: Array, b: Array, rounding_mode: object = None) -> Array:
    if rounding_mode is not None:
        tracer.stop(f"a division rounded by {rounding_mode} is not followed")
    return np.divide(a, b)


def _pad(tracer: Tracer, a: Array, width: list[int], value: Any = 0) -> Array:
    pairs = [(width[k], width[k + 1]) for k in range(0, len(width), 2)][::-1]
    if min(width) < 0:
        tracer.stop("a pad of negative width is not followed")
    return np.pad(a, [(0, 0)] * (a.ndim - len(pairs)) + pairs, constant_values=value)


def _convolve(tracer: Tracer, x: Array, weight: Array, bias: Any, stride: list[int],
              padding: list[int], dilation: list[int], transposed: bool, more: object, groups: int
              ) -> Array:
    if transposed or not holds_numbers(weight):
        tracer.stop("a transposed convolution, or one with a kernel of data, is not followed")
    weight, axes = plain(weight), len(stride)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    lengths = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(
        x.shape[2:], weight.shape[2:], stride, dilation, strict=True)]
    channels, rows = weight.shape[1], weight.shape[0] // groups
    found = []
    for out in range(weight.shape[0]):
        total: Any = np.zeros_like(x[(slice(None), 0, *(slice(n) for n in lengths))])
        for c, place in product(range(channels), np.ndindex(weight.shape[2:])):
            part = tuple(slice(place[a] * dilation[a], place[a] * dilation[a]
                               + (lengths[a] - 1) * stride[a] + 1, stride[a]) for a in range(axes))
            total = total + exactly(tracer, weight[(out, c, *place)]) * \
                x[(slice(None), out // rows * channels + c, *part)]
        found.append(total if bias is None else total + exactly(tracer, plain(bias)[out]))
    return np.stack(found, axis=1)


def _plainly(func: Function) -> Function:
    return lambda tracer, *args: func(*args)


_FOLLOWED: dict[str, Function] = {
    **{name: _plainly(func) for name, func in ALIKE.items()},
    "add": partial(_add, 1), "sub": partial(_add, -1), "div": _divide, "clamp": _clamp,
    "rsub": lambda tracer, a, b, alpha=1: np.subtract(b, alpha * a),
    "reciprocal": lambda tracer, a: 1 / a, "relu": lambda tracer, a: np.maximum(a, 0),
    "sigmoid": lambda tracer, a: 1 / (1 + np.exp(-a)),
    "maximum": _plainly(np.maximum), "minimum": _plainly(np.minimum), "where": _plainly(np.where),
    "clamp_min": _plainly(np.maximum), "clamp_max": _plainly(np.minimum),
    "logical_and": _plainly(np.logical_and), "logical_or": _plainly(np.logical_or),
    "logical_not": _plainly(np.logical_not), "bitwise_and": _plainly(np.logical_and),
    "sum": partial(_sum, False), "mean": partial(_sum, True),
    "cumsum": lambda tracer, a, dim: np.cumsum(a, axis=dim), "_to_copy": _as_float,
    "mm": _plainly(np.dot), "mv": _plainly(np.dot), "dot": _plainly(np.dot),
    "addmm": lambda tracer, c, a, b: c + np.dot(a, b), "constant_pad_nd": _pad,
    "addmv": lambda tracer, c, a, b: c + np.dot(a, b), "convolution": _convolve,
    "slice": _slice, "copy_": _copy,
    "select": lambda tracer, a, dim, k: a[(slice(None),) * (dim % a.ndim) + (k,)],
    "getitem": lambda tracer, a, k: a[k],
    "zeros_like": lambda tracer, a, **options: to_symbols(tracer, np.zeros(a.shape)),
    "ones_like": lambda tracer, a, **options: to_symbols(tracer, np.ones(a.shape)),
    **{name: lambda tracer, a, size, **options: to_symbols(tracer, np.zeros(tuple(size)))
       for name in ("new_empty", "new_zeros")},
    "empty_like": lambda tracer, a, **options: to_symbols(tracer, np.zeros(a.shape)),
    "full_like": lambda tracer, a, value, **options: to_symbols(tracer, np.full(a.shape, value)),
    "lerp": lambda tracer, a, b, weight: a + weight * (b - a),
}
