"""A program of PyTorch with fewer operators, for modules that PyTorch's exporter cannot write.

What depends on weights alone is computed, as the module would compute it: an orthogonal matrix by
Cayley's formula is its numbers.  What is done between complex numbers, from one real signal to
another, is a matrix where it is affine: a Fourier transform, weights for some frequencies, and the
way back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, prod
from typing import Any

import numpy as np

from stabkit.aliases import Foreign, Library
from stabkit.audit.reading import memory
from stabkit.errors import InvalidArgument

_AFFINE = frozenset((  # in all the arguments that depend on the input
    "_fft_r2c", "_fft_c2r", "_fft_c2c", "fft_rfft", "fft_irfft", "fft_fft", "fft_ifft", "fft_rfft2",
    "fft_irfft2", "fft_fft2", "fft_ifft2", "fft_rfftn", "fft_irfftn", "fft_fftn", "fft_ifftn",
    "fft_fftshift", "fft_ifftshift", "roll", "flip", "slice", "select", "view", "reshape",
    "_unsafe_view", "permute", "transpose", "t", "expand", "squeeze", "unsqueeze", "clone",
    "contiguous", "copy", "slice_scatter", "select_scatter", "index", "cat", "stack",
    "constant_pad_nd", "pad", "add", "sub", "neg", "sum", "mean", "real", "imag", "view_as_real",
    "view_as_complex", "complex", "conj", "_conj", "conj_physical", "_conj_physical",
    "resolve_conj", "alias", "detach", "zeros_like", "flatten", "unflatten", "movedim"))
_BILINEAR = frozenset(("mul", "div", "einsum", "bmm", "mm", "matmul", "dot", "mv"))
_ENTRIES = 1 << 22  # of a matrix
_SCALES = (1.0, 3.0, 0.1)  # of random inputs
_ROUNDINGS = 4096  # by which a program may depart from its module
_HALF_ROUNDINGS = 16  # where they are coarse


def simpler_program(torch: Library, module: Foreign, x: Any) -> Any:
    """The module as a graph of PyTorch's operators on real numbers.

    Raises
    ------
    InvalidArgument
        It is not affine where it is complex, draws random numbers, or is not what was made of it.
    """
    program = torch.export.export(module, (x,)).run_decompositions({})
    graph = program.module()
    for node in graph.graph.nodes:  # one draw is no weight
        if node.users and torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
            raise InvalidArgument(f"{node.name}: a random number, another one in every call; "
                                  "audit a module without it")
    made = _Rewriting(torch, graph, x).rewritten()
    _compare(torch, module, made, x)
    return made


def _compare(torch: Library, module: Foreign, made: Any, x: Any) -> None:
    """Refuse a program that departs from its module at random inputs by more than rounding may."""
    away = max(departures(torch, module, made, x))
    if away > rounding(torch, x):
        raise InvalidArgument("the module with fewer operators departs from the module by "
                              f"{away:.2g} of its largest result, at a random input")


def departures(torch: Library, module: Foreign, other: Callable[[Any], Any], x: Any) -> list[float]:
    """How far another function departs from a module at random inputs like `x`, over the largest
    result; endless where only one of them is a number, or their shapes differ."""
    generator, found = torch.Generator().manual_seed(1), []
    for scale in _SCALES:
        at = scale * torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x)
        wanted, made = module(at), other(at)
        if wanted.shape != made.shape:
            return [inf]
        alike = (wanted == made) | (wanted.isnan() & made.isnan())
        away = torch.where(alike, 0, (wanted - made).abs()).max()
        largest = wanted.abs().nan_to_num(0, 0).max().clamp(min=scale)
        found.append(float((away / largest).nan_to_num(nan=inf)))
    return found


def rounding(torch: Library, x: Any) -> float:
    """How far rounding may move results; on other devices products may be those of half precision.
    """
    kind = torch.finfo(x.dtype)
    if kind.bits <= 16:
        return float(_HALF_ROUNDINGS * kind.eps)
    return _ROUNDINGS * max(kind.eps, 0.0 if x.device.type == "cpu" else 2.0**-18)


class _Rewriting:
    def __init__(self, torch: Library, module: Foreign, x: Any):
        self.torch, self.module, self.x = torch, module, x
        self.values = _values(torch, module, x)
        self.live = self._depending()
        self.count = 0

    def _depending(self) -> set[Any]:
        """The nodes that depend on the input."""
        found: set[Any] = set()
        for node in self.module.graph.nodes:
            if node.op == "placeholder" or any(source in found for source in node.all_input_nodes):
                found.add(node)
        return found

    def rewritten(self) -> Any:
        graph = self.module.graph
        for node in list(graph.nodes):
            if node.op != "call_function" or not any(user in self.live for user in node.users):
                continue
            if node not in self.live and isinstance(self.values.get(node), self.torch.Tensor):
                if not self.values[node].is_complex():
                    self._replace(node, graph, ())
            elif node in self.live and not self._is_complex(node) and any(
                    self._is_complex(source) for source in node.all_input_nodes
                    if source in self.live):
                self._replace(node, graph, self._island(node))
        graph.eliminate_dead_code()
        self.module.recompile()
        return self.module

    def _is_complex(self, node: Any) -> bool:
        value = self.values.get(node)
        return isinstance(value, self.torch.Tensor) and value.is_complex()

    # -- complex numbers ---------------------------------------------------------------------------
    def _island(self, last: Any) -> tuple[Any, ...]:
        """The nodes between a real signal, which comes first, and a real one, in order."""
        inside, waiting, sources = set[Any](), [last], set[Any]()
        while waiting:
            node = waiting.pop()
            if node in inside:
                continue
            inside.add(node)
            self._check(node)
            for source in node.all_input_nodes:
                if source in self.live and self._is_complex(source):
                    waiting.append(source)
                elif source in self.live:
                    sources.add(source)
        if len(sources) != 1:
            raise InvalidArgument(f"{last.name}: {len(sources)} real signals become complex ones "
                                  "together; only one is supported")
        return (*sources, *(node for node in self.module.graph.nodes if node in inside))

    def _check(self, node: Any) -> None:
        name = str(node.target).split(".")[1] if "." in str(node.target) else str(node.target)
        live = self._live_arguments(node)
        for source in live:
            value = self.values[source]
            if not (value.is_complex() or value.is_floating_point()):
                raise InvalidArgument(f"{node.name}: complex numbers chosen by {source.name}, that "
                                      "depends on the input, are no affine map, and not supported")
        if name in _AFFINE or (name in _BILINEAR and len(live) == 1 and (
                name != "div" or node.args[0] in self.live)):
            return
        raise InvalidArgument(f"{node.name}: {name} of complex signals is no affine map, and not "
                              "supported")

    def _live_arguments(self, node: Any) -> list[Any]:
        """Those that depend on the input, one twice where it is given twice, as in z·z."""
        found: list[Any] = []
        self.torch.fx.node.map_arg((node.args, node.kwargs), found.append)
        return [source for source in found if source in self.live]

    def _affine(self, nodes: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The matrix and the shift, in double precision."""
        torch, (source, *rest) = self.torch, nodes
        shape = tuple(self.values[source].shape)
        size, out = prod(shape), self.values[rest[-1]].numel()
        if size * out > _ENTRIES:
            raise InvalidArgument(f"{rest[-1].name}: a complex map from {size} to {out} numbers is "
                                  f"larger than {_ENTRIES} entries")
        memory.require(16 * size * out, "a complex map as a matrix")
        zero = torch.zeros(shape, dtype=torch.float64)
        shift = self._run(rest, {source: zero})
        matrix = np.empty((out, size))
        for place in range(size):
            unit = zero.clone().reshape(-1)
            unit[place] = 1.0
            matrix[:, place] = self._run(rest, {source: unit.reshape(shape)}) - shift
        return matrix, shift

    def _run(self, nodes: list[Any], found: Mapping[Any, Any]) -> np.ndarray:
        torch, values = self.torch, dict(found)

        def of(node: Any) -> Any:
            value = values[node] if node in values else self.values[node]
            if not isinstance(value, torch.Tensor):
                return value
            return value.to(torch.complex128) if value.is_complex() else value.double() \
                if value.is_floating_point() else value

        for node in nodes:
            args = torch.fx.node.map_arg(node.args, of)
            values[node] = node.target(*args, **torch.fx.node.map_arg(node.kwargs, of))
        return np.array(values[nodes[-1]].reshape(-1).numpy(), dtype=float)

    # -- the graph ---------------------------------------------------------------------------------
    def _replace(self, node: Any, graph: Any, island: tuple[Any, ...]) -> None:
        """Put numbers in the place of a node, or a matrix in that of an island."""
        torch, value = self.torch, self.values[node]
        with graph.inserting_before(node):
            if not island:
                new = self._buffer(graph, value.detach().clone())
            else:
                aten = torch.ops.aten
                matrix, shift = (torch.from_numpy(part) for part in self._affine(island))
                wide = graph.call_function(aten._to_copy.default, (island[0],),
                                           {"dtype": torch.float64})
                flat = graph.call_function(aten.view.default, (wide, [1, matrix.shape[1]]))
                made = graph.call_function(aten.linear.default, (
                    flat, self._buffer(graph, matrix), self._buffer(graph, shift)))
                back = graph.call_function(aten.view.default, (made, list(value.shape)))
                new = graph.call_function(aten._to_copy.default, (back,), {"dtype": value.dtype})
                self.live.update((wide, flat, made, back, new))
                for one in (wide, flat, made, back, new):
                    self.values[one] = value
        node.replace_all_uses_with(new)
        self.values[new] = value

    def _buffer(self, graph: Any, value: Any) -> Any:
        self.count += 1
        name = f"folded_{self.count}"
        self.module.register_buffer(name, value)
        return graph.get_attr(name)


def _values(torch: Library, module: Foreign, x: Any) -> dict[Any, Any]:
    """What every node computes of one input."""
    found: dict[Any, Any] = {}

    class Recording(torch.fx.Interpreter):
        def run_node(self, node: Any) -> Any:
            found[node] = super().run_node(node)
            return found[node]

    with torch.no_grad():
        Recording(module).run(x)
    return found
