"""The layers of a network as data: what a file says, and nothing yet about stability.

A signal has the shape (channels, *sizes), or (features,) for vectors; there is no batch axis.
Weights are float arrays, taken exactly as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from stabkit.flux import Flux

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Dense:
    """x ↦ W x + b on vectors.

    Attributes
    ----------
    weights : ndarray, shape (M, N)
    bias : ndarray, shape (M,), or None
    """

    weights: np.ndarray
    bias: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Convolution:
    """A correlation with a stencil, zeros outside unless `periodic`.

    Attributes
    ----------
    weights : ndarray, shape (c_out, c_in / groups, *taps)
    bias : ndarray, shape (c_out,), or None
    shape : (c_in, *sizes)
        What it is applied to.
    stride, dilation : tuple of int
        One number per axis.
    padding : tuple of (int, int)
        Before and after, per axis.
    """

    weights: np.ndarray
    bias: np.ndarray | None
    shape: Shape
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1
    periodic: bool = False


@dataclass(frozen=True, eq=False)
class TransposedConvolution:
    """The adjoint of a convolution (its bias left out), plus a bias.

    Attributes
    ----------
    convolution : Convolution
    bias : ndarray, shape (c_in of the convolution,), or None
    """

    convolution: Convolution
    bias: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Scaling:
    """x ↦ f x + b, entry by entry: constants, step sizes, normalisation in inference form.

    Attributes
    ----------
    factors, bias : ndarray or None
        Of a shape that broadcasts to the signal's; None is one and zero.
    """

    factors: np.ndarray | None
    bias: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Activation:
    """A flux, entry by entry."""

    flux: Flux


@dataclass(frozen=True, eq=False)
class Reshaping:
    """The same entries in another order or shape: flatten, reshape, transpose.

    Attributes
    ----------
    order : ndarray of int, or None
        Entry i of the result is entry order[i] of the (flattened) signal.
    """

    order: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Selection:
    """Some entries of a signal: split, slice, chunk.

    Attributes
    ----------
    places : ndarray of int
        The (flat) places that are kept, in order.
    """

    places: np.ndarray


@dataclass(frozen=True, eq=False)
class Pooling:
    """The mean or the largest entry of windows.

    Attributes
    ----------
    kind : {"mean", "max"}
    shape : (channels, *sizes)
    window, stride : tuple of int
    padding : tuple of (int, int)
    counts_padding : bool
        A mean divides by the size of the whole window, also where it sticks out.
    """

    kind: str
    shape: Shape
    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    counts_padding: bool = True


@dataclass(frozen=True, eq=False)
class Sum:
    """x₁ + x₂ + …, with signs; a skip connection ends in one.

    Attributes
    ----------
    signs : tuple of {1, -1}
    """

    signs: tuple[int, ...] = (1, 1)


@dataclass(frozen=True, eq=False)
class Concatenation:
    """Signals side by side along an axis of their shape (0 is the channels)."""

    axis: int = 0


Layer = (Dense | Convolution | TransposedConvolution | Scaling | Activation | Reshaping
         | Selection | Pooling | Sum | Concatenation)


@dataclass(frozen=True, eq=False)
class Node:
    """One layer in its place.

    Attributes
    ----------
    name : str
        As the user's file says it, for messages: ``"/block/conv1"``.
    kind : str
        The operator's own name there: ``"Conv"``, ``"BatchNormalization"``.
    layer : Layer
    inputs : tuple of int
        Numbers of the nodes it is applied to; -1 is the network's input.
    shape : tuple of int
        Of its result.
    """

    name: str
    kind: str
    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True, eq=False)
class Graph:
    """A network: nodes in an order in which each follows its inputs; the last one is the output.

    Attributes
    ----------
    shape : tuple of int
        Of the network's input.
    source : str
        Where it came from, for messages and reports.
    """

    nodes: Sequence[Node]
    shape: Shape
    source: str = ""

    @property
    def size(self) -> int:
        """The number of entries of an input."""
        return prod(self.shape)

    @property
    def weights(self) -> int:
        """The number of weights, biases and factors."""
        return sum(array.size for node in self.nodes for array in arrays_of(node.layer))


def arrays_of(layer: Any) -> list[np.ndarray]:
    """The weights, factors and biases of a layer."""
    if isinstance(layer, TransposedConvolution):
        return [part for part in (layer.convolution.weights, layer.bias) if part is not None]
    return [part for name in ("weights", "factors", "bias")
            if (part := getattr(layer, name, None)) is not None]
