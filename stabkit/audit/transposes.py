"""Whether the second linear map of a block is a multiple of the first one's adjoint, exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from stabkit.audit.layers import (
    Convolution,
    Dense,
    Graph,
    Reshaping,
    Scaling,
    TransposedConvolution,
)
from stabkit.audit.lipschitz import size_of
from stabkit.audit.network import is_small, matrix_of, without_bias
from stabkit.rational import fraction

_MOST = 8_000_000  # operations that the exact matrices of two chains may take


@dataclass(frozen=True)
class Transpose:
    """How W₂ compares to W₁ᵀ.

    Attributes
    ----------
    factor : Fraction or None
        c if W₂ = c W₁ᵀ exactly.
    nearest : float
        The c for which c W₁ᵀ is nearest to W₂.
    distance : float
        ‖W₂ − c W₁ᵀ‖/‖W₂‖ for that c, entry by entry (Frobenius).
    largest : float
        The largest entry of |W₂ − c W₁ᵀ| over the largest one of |W₂|.
    away : Fraction
        A certified bound of the norm of W₂ − c W₁ᵀ for c = `nearest`.
    """

    factor: Fraction | None
    nearest: float
    distance: float
    largest: float
    away: Fraction


def compare(before: Graph, after: Graph) -> Transpose | None:
    """Compare two chains of linear layers; None where they cannot be laid on each other."""
    if is_small(before) and is_small(after):
        return _matrices_compared(before, after)
    one, two = _single(before), _single(after)
    if one is not None and two is not None:
        (scale_one, layer_one), (scale_two, layer_two) = one, two
        pair = _laid_together(layer_one, layer_two)
        if pair is not None:
            return _compared(*pair, scale_one, scale_two)
    return _matrices_compared(before, after) if _work(before) + _work(after) <= _MOST else None


def _matrices_compared(before: Graph, after: Graph) -> Transpose | None:
    first, second = matrix_of(before).exact().T, matrix_of(after).exact()
    return None if first.shape != second.shape else _compared(
        first, second, Dense(second), Fraction(1), Fraction(1))


def _work(chain: Graph) -> int:
    """About how many operations the exact matrix of a chain takes."""
    taps = [prod(node.layer.weights.shape[1:]) for node in chain.nodes
            if isinstance(node.layer, (Dense, Convolution))]
    return chain.size * sum(prod(node.shape) for node in chain.nodes) * max([1, *taps])


def _compared(first: np.ndarray, second: np.ndarray, layer: Any, scale_one: Fraction,
              scale_two: Fraction) -> Transpose:
    """Compare the entries of W₂ = s₂ L₂ to those of W₁ᵀ = s₁ L₁ᵀ; `layer` is L₂."""
    scale = scale_two / scale_one
    a, b = first.astype(float).ravel(), second.astype(float).ravel()
    nearest = float(a @ b) / (float(a @ a) or 1.0)
    size, top = float(np.linalg.norm(b)), float(np.abs(b).max(initial=0))
    distance = float(np.linalg.norm(b - nearest * a)) / size if size else 0.0
    largest = float(np.abs(b - nearest * a).max(initial=0)) / top if top else 0.0
    factor = None
    if a.any() and distance < 1e-6:  # a larger distance cannot be rounding
        place = int(np.argmax(np.abs(a)))
        factor = fraction(second.flat[place]) / fraction(first.flat[place])
        if not _is_multiple(first, second, place):
            factor = None
    return Transpose(None if factor is None else factor * scale, nearest * float(scale), distance,
                     largest, abs(scale_two) * _away(a, b, nearest, layer))


def _away(a: np.ndarray, b: np.ndarray, nearest: float, layer: Any) -> Fraction:
    """A bound of the norm of the layer with the entries b − nearest a, with their rounding."""
    rest = np.abs(b - nearest * a) + 2.0**-49 * (np.abs(b) + np.abs(nearest * a)) + 2.0**-1000
    inner = layer.convolution if isinstance(layer, TransposedConvolution) else layer
    return size_of(replace(inner, weights=rest.reshape(inner.weights.shape)))


def _is_multiple(first: np.ndarray, second: np.ndarray, place: int) -> bool:
    """Whether second · first[place] = first · second[place], exactly, entry by entry."""
    if first.dtype == object or second.dtype == object:
        one, two = fraction(first.flat[place]), fraction(second.flat[place])
        return all(fraction(b) * one == fraction(a) * two
                   for a, b in zip(first.flat, second.flat, strict=True))
    left = _product(second.astype(float).ravel(), float(first.flat[place]))
    right = _product(first.astype(float).ravel(), float(second.flat[place]))
    return left is not None and right is not None and all(
        bool((x == y).all()) for x, y in zip(left, right, strict=True))


def _product(a: np.ndarray, b: float) -> tuple[np.ndarray, np.ndarray] | None:
    """a b as an exact sum of two floats (Dekker 1971); None where that might underflow."""
    sizes = np.abs(a[a != 0])
    if sizes.size and not (sizes.min() > 1e-100 and sizes.max() < 1e100):
        return None
    if b != 0 and not 1e-100 < abs(b) < 1e100:
        return None
    high = a * b
    (a1, a2), (b1, b2) = _split(a), _split(np.float64(b))
    return high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2


def _split(x: Any) -> tuple[Any, Any]:
    high = 134217729.0 * x  # 2^27 + 1
    high = high - (high - x)
    return high, x - high


def _single(chain: Graph) -> tuple[Fraction, Any] | None:
    """A chain as a number times one layer, if it is that."""
    scale, layer = Fraction(1), None
    for node in chain.nodes:
        own = without_bias(node.layer)
        if isinstance(own, Scaling):
            factors = np.ravel(1 if own.factors is None else own.factors)
            if factors[0] == 0 or (factors != factors[0]).any():
                return None
            scale *= fraction(factors[0])
        elif isinstance(own, Reshaping) and own.order is None:
            continue
        elif layer is None:
            layer = own
        else:
            return None
    return None if layer is None else (scale, layer)


def _laid_together(one: Any, two: Any) -> tuple[np.ndarray, np.ndarray, Any] | None:
    """The entries of the adjoint of `one`, and those of `two`, in the order of the layer behind.
    """
    if isinstance(one, Dense) and isinstance(two, Dense):
        pair = one.weights.T, two.weights, two
        return pair if pair[0].shape == pair[1].shape else None
    adjoint, two = _as_convolution(_adjoint(one)), _as_convolution(two)
    if adjoint is None or two is None or type(adjoint) is not type(two):
        return None
    a, b = (layer.convolution if isinstance(layer, TransposedConvolution) else layer
            for layer in (adjoint, two))
    same = all(getattr(a, name) == getattr(b, name) for name in (
        "shape", "stride", "padding", "dilation", "groups", "periodic"))
    return (a.weights, b.weights, two) if same and a.weights.shape == b.weights.shape else None


def _adjoint(layer: Any) -> Any:
    if isinstance(layer, Convolution):
        return TransposedConvolution(layer)
    return layer.convolution if isinstance(layer, TransposedConvolution) else None


def _as_convolution(layer: Any) -> Any:
    """The adjoint of a convolution without stride as one with flipped, channel-swapped stencils."""
    if not isinstance(layer, TransposedConvolution):
        return layer if isinstance(layer, Convolution) else None
    inner = layer.convolution
    reach = [d * (k - 1) for d, k in zip(inner.dilation, inner.weights.shape[2:], strict=True)]
    padding = tuple((r - before, r - after) for r, (before, after) in
                    zip(reach, inner.padding, strict=True))
    if set(inner.stride) != {1} or min(map(min, padding), default=0) < 0:
        return layer
    sizes = tuple(n + sum(pad) - r for n, pad, r in
                  zip(inner.shape[1:], inner.padding, reach, strict=True))
    if inner.periodic and sizes != inner.shape[1:]:
        return layer
    g, taps = inner.groups, inner.weights.shape[2:]
    grouped = np.asarray(inner.weights).reshape(g, -1, inner.weights.shape[1], *taps)
    flipped = np.flip(grouped.swapaxes(1, 2), tuple(range(3, 3 + len(taps))))
    c_out = inner.weights.shape[0]
    return replace(inner, weights=flipped.reshape(-1, c_out // g, *taps), bias=None,
                   shape=(c_out, *sizes), padding=padding)
