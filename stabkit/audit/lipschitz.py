"""Certified Lipschitz constants of layers and of graphs, in the Euclidean norm.

Bounds of layers add over a sum, add in squares side by side, and multiply in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache, singledispatch
from math import prod
from typing import Any

import numpy as np

from stabkit.audit.evaluation import counted, output_sizes, pooled_places, summing
from stabkit.audit.layers import (
    Activation,
    Concatenation,
    Convolution,
    Dense,
    Graph,
    Pooling,
    Reshaping,
    Scaling,
    Selection,
    Sum,
    TransposedConvolution,
)
from stabkit.audit.network import is_small, matrix_of
from stabkit.certificates.flux_bounds import show_slopes
from stabkit.errors import InvalidArgument
from stabkit.flux import Flux
from stabkit.operators import from_matrix, norm_squared
from stabkit.operators.singular_values import (
    convolution_square_bound,
    square_bound,
    upper_root,
)
from stabkit.rational import fraction
from stabkit.replay import check
from stabkit.transcript import Transcript
from stabkit.verdict import Evidence, calculation

_EXACT = 32  # smaller side up to which a dense norm is enclosed in rational arithmetic
_FREQUENCIES = 1 << 31  # c_in c_out min(c_in, c_out) times the number of frequencies, about


def upper_bound(graph: Graph) -> Fraction | None:
    """A certified Lipschitz constant of a graph, or None where an activation has none."""
    return widened_bound(graph, Fraction(0))


def widened_bound(graph: Graph, unit: Fraction) -> Fraction | None:
    """The same for every graph whose weights are within a relative `unit` of these."""
    found: dict[int, Fraction | None] = {-1: Fraction(1)}
    for number, node in enumerate(graph.nodes):
        inputs = [found[source] for source in node.inputs]
        found[number] = None if None in inputs else _through(node.layer, inputs, unit)
    return found[len(graph.nodes) - 1]


def _through(layer: Any, inputs: Sequence[Fraction], unit: Fraction) -> Fraction | None:
    if isinstance(layer, Sum):
        return sum(inputs, Fraction(0))
    if isinstance(layer, Concatenation):
        return upper_root(sum((bound**2 for bound in inputs), Fraction(0)))
    own = layer_bound(layer)
    return None if own is None else (own + (unit and unit * size_of(layer))) * inputs[0]


def size_of(layer: Any) -> Fraction:
    """An upper bound of the norm of a layer with the sizes of its weights for its weights."""
    if isinstance(layer, TransposedConvolution):
        return size_of(layer.convolution)
    if isinstance(layer, Scaling):
        return layer_bound(layer) if layer.factors is not None else Fraction(0)
    if not isinstance(layer, (Dense, Convolution)):
        return Fraction(0)
    weights = np.asarray(layer.weights, dtype=float)
    slack = 1 + Fraction(weights.size + 8, 2**50)
    square = Fraction(float(np.sum(weights * weights))) * slack**2
    repeats = prod(weights.shape[2:]) * (
        _repeated_rows(layer) if isinstance(layer, Convolution) else 1)
    return upper_root(repeats * square)


@lru_cache(maxsize=4096)
def layer_bound(layer: Any) -> Fraction | None:
    """A certified Lipschitz constant of one layer with one input; its norm if it is linear."""
    if isinstance(layer, Activation):
        slopes = certified_slopes(layer.flux)
        return None if slopes is None else max(abs(slopes[0]), abs(slopes[1]))
    return upper_root(square_of(layer))


@singledispatch
def square_of(layer: Any) -> Fraction:
    """A certified upper bound of the squared norm of a linear layer (or of max pooling)."""
    raise InvalidArgument(f"layer: {type(layer).__name__} has no norm")


@square_of.register
def _(layer: Dense) -> Fraction:
    weights = np.asarray(layer.weights)
    if min(weights.shape) <= _EXACT and weights.size <= _EXACT**2:
        return norm_squared(from_matrix(weights)).upper
    floats = weights.astype(float)
    square = _near_orthogonal(floats, square_bound(floats[None]))
    return _with_rest(square, weights, floats, 1)


def _with_rest(square: Fraction, weights: np.ndarray, floats: np.ndarray, taps: int) -> Fraction:
    """A bound for weights, from one for the floats nearest to them."""
    if weights.dtype != object:
        return square
    rest = sum(((fraction(w) - Fraction(float(x))) ** 2
                for w, x in zip(weights.flat, floats.flat, strict=True)), Fraction(0))
    return square if rest == 0 else (upper_root(square) + upper_root(taps * rest)) ** 2


def _near_orthogonal(a: np.ndarray, square: Fraction) -> Fraction:
    """‖A‖² <= c + ‖AᵀA − c I‖, with the mean c of the diagonal, which is tight for orthogonal A;
    or the bound that is given.
    """
    if not Fraction(1, 2**100) < square < 2**100:
        return square
    a = a if a.shape[0] >= a.shape[1] else a.T
    gram = a.T @ a
    c = float(np.mean(np.diag(gram)))
    away = gram - c * np.eye(len(gram))
    frobenius = Fraction(float(np.linalg.norm(away))) * (1 + Fraction(gram.size + 8, 2**52))
    # A product of floats with m terms is off by at most (m + 2) u |A|ᵀ|A|, whose norm is <= ‖A‖²_F.
    whole = Fraction(float(np.sum(a * a))) * (1 + Fraction(a.size + 8, 2**52))
    return min(square, Fraction(c) + frobenius + (whole + abs(Fraction(c))) * Fraction(
        len(a) + 8, 2**52) + Fraction(1, 2**300))


@square_of.register
def _(layer: Convolution) -> Fraction:
    if all(size == 1 for size in layer.weights.shape[2:]):
        dense = [Dense(part.reshape(part.shape[:2])) for part in _groups(layer)]
        return _repeated_rows(layer) * max(map(square_of, dense))
    sizes = layer.shape[1:]
    if set(layer.stride) | set(layer.dilation) == {1}:
        parts, periodic = _groups(layer), layer.periodic
    else:
        # A stride s sorts the signal into s phases per axis, which are channels of a convolution
        # without a stride.  Holes only change the frequencies, so all of the circle counts then.
        fits = not layer.periodic or all(
            n % s == 0 for n, s in zip(sizes, layer.stride, strict=True))
        phased = fits and set(layer.dilation) == {1}
        parts = [_phases(part, layer.stride) if phased else part for part in _groups(layer)]
        sizes, periodic = tuple(n // s + 2 if phased and not layer.periodic else _MANY
                                for n, s in zip(sizes, layer.stride, strict=True)), False
    square = max(_grouped_bound(np.stack(parts), sizes, periodic))
    weights = np.asarray(layer.weights)
    taps = prod(weights.shape[2:])
    return _repeated_rows(layer) * _with_rest(square, weights, weights.astype(float), taps)


def _repeated_rows(layer: Convolution) -> int:
    """How often an output of a periodic convolution occurs, for padding that goes round."""
    if not layer.periodic:
        return 1
    return prod(-(-((m - 1) * s + 1) // n) for n, s, m in
                zip(layer.shape[1:], layer.stride, output_sizes(layer), strict=True))


_MANY = 1 << 20  # points of an axis so long that its frequencies count as all of the circle


def _groups(layer: Convolution) -> list[np.ndarray]:
    return list(np.asarray(layer.weights).reshape(
        layer.groups, -1, *layer.weights.shape[1:]).astype(float))


def _phases(weights: np.ndarray, stride: tuple[int, ...]) -> np.ndarray:
    """The stencils of a strided convolution, its phases as channels."""
    for axis, step in enumerate(stride):
        place = 2 + axis
        taps = weights.shape[place]
        missing = -taps % step
        weights = np.pad(weights, [(0, missing if i == place else 0)
                                   for i in range(weights.ndim)])
        split = weights.reshape(*weights.shape[:place], -1, step, *weights.shape[place + 1:])
        moved = np.moveaxis(split, place + 1, 2)
        weights = moved.reshape(moved.shape[0], -1, *moved.shape[3:])
    return weights


def _grouped_bound(parts: np.ndarray, sizes: tuple[int, ...], periodic: bool) -> list[Fraction]:
    c_out, c_in = parts.shape[1:3]
    work = c_out * c_in * min(c_out, c_in) + 1
    points = 32
    while points > 8 and work * points ** len(sizes) > _FREQUENCIES * 2:
        points //= 2
    unlike = {part.tobytes(): part for part in parts}.values()
    return [convolution_square_bound(part, sizes, periodic=periodic, points=points)
            for part in unlike]


@square_of.register
def _(layer: TransposedConvolution) -> Fraction:
    return square_of(layer.convolution)


@square_of.register
def _(layer: Scaling) -> Fraction:
    if layer.factors is None:
        return Fraction(1)
    return fraction(np.max(np.abs(layer.factors))) ** 2


@square_of.register
def _(layer: Reshaping) -> Fraction:
    return Fraction(1) if layer.order is None else _repeats(layer.order)


@square_of.register
def _(layer: Selection) -> Fraction:
    return _repeats(layer.places)


def _repeats(places: np.ndarray) -> Fraction:
    return Fraction(int(np.bincount(np.ravel(places)).max()))


@square_of.register
def _(layer: Pooling) -> Fraction:
    """|max - max| is at most the largest difference in a window, and a mean is at most the mean."""
    places = pooled_places(layer)
    covered = int(np.bincount(places[places >= 0]).max())
    if layer.kind == "max":
        return Fraction(covered)
    least = int(counted(layer).min())
    rows = min(int((places >= 0).sum(axis=1).max()), prod(layer.window))
    simple = Fraction(rows * covered, least**2)  # ‖K‖₁‖K‖_∞
    return simple if output_sizes(layer) == (1,) * len(layer.window) else min(
        simple, square_of(summing(layer)) / least**2)


def chain_square(chain: Graph) -> Fraction:
    """A certified upper bound of the squared norm of a linear graph, biases left out."""
    if not chain.nodes:
        return Fraction(1)
    if is_small(chain) and min(chain.size, prod(chain.nodes[-1].shape)) <= _EXACT:
        return norm_squared(matrix_of(chain)).upper
    return upper_bound(chain) ** 2


# -- activations -----------------------------------------------------------------------------------
@lru_cache(maxsize=256)
def certified_slopes(flux: Flux) -> tuple[Fraction, Fraction] | None:
    """The declared range of difference quotients, if the checker confirms it."""
    evidence = slope_evidence(flux)
    return None if evidence is None else flux.facts.slopes


@lru_cache(maxsize=256)
def slope_evidence(flux: Flux) -> Evidence | None:
    """The certificate that an activation is continuous with slopes in the declared range."""
    if not flux.facts.continuous:
        return None
    log, (low, high) = Transcript(), flux.facts.slopes
    shows = show_slopes(log, flux, low, high)
    if None in shows:
        return None
    for arithmetic in ("ball", "rational"):
        made = calculation("certificate", log, shows, "phi is continuous and its difference "
                           f"quotients are means of slopes in [{low}, {high}]",
                           arithmetic=arithmetic)
        if check(made.to_json({})) is None:
            return made
    return None
