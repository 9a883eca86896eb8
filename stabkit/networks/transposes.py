"""Whether the second linear map of a block is a multiple of the first one's adjoint, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from stabkit.arithmetic.rational import fraction
from stabkit.arithmetic.twofold import two_product
from stabkit.networks.graph import Graph, evaluate
from stabkit.networks.layers import Dense, Layer, Reshaping

_MOST = 8_000_000  # operations that the exact matrices of two chains may take
_QUICK = 50_000    # operations of exact matrices that are always compared
_FAR = 0.5         # distance, relative, from which on nothing is made of being nearly transposed


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
    small = before.is_small and after.is_small
    (scale_one, ones), (scale_two, twos) = _layers(before), _layers(after)
    pairs = list(zip(ones, reversed(twos), strict=True)) if len(ones) == len(twos) else []
    laid = _lay_out(*pairs[0], small) if len(pairs) == 1 else None
    if laid is not None:
        return _compare_layers(*laid, scale_one, scale_two)
    if len(pairs) > 1 and not small:
        whole = prod((_multiple(one, two) for one, two in pairs), start=scale_two / scale_one)
        if whole:
            return Transpose(whole, float(whole), 0.0, 0.0, Fraction(0))
    work = _work(before) + _work(after)
    if not small and work > _MOST:
        return None
    far = _compare_far_ones(before, after) if work > _QUICK else None
    return far or _compare_matrices(before, after)


def _compare_far_ones(before: Graph, after: Graph) -> Transpose | None:
    """The comparison in floats, of matrices so far apart that exact ones are not needed."""
    first, second = (evaluate(chain.without_bias(), np.eye(chain.size).reshape(
        -1, *chain.shape)).reshape(chain.size, -1) for chain in (before, after))
    one, other = before.bound, after.bound
    if first.shape != second.T.shape or one is None or other is None:
        return None
    a, b = first.ravel(), second.T.ravel()
    nearest = float(a @ b) / (float(a @ a) or 1.0)
    rest = b - nearest * a
    distance = float(np.linalg.norm(rest)) / (float(np.linalg.norm(b)) or 1.0)
    if distance <= _FAR:
        return None
    largest = float(np.abs(rest).max()) / float(np.abs(b).max())
    return Transpose(None, nearest, distance, largest, other + abs(Fraction(nearest)) * one)


def _compare_matrices(before: Graph, after: Graph) -> Transpose | None:
    first, second = before.matrix.exact().T, after.matrix.exact()
    return None if first.shape != second.shape else _compare_layers(
        Dense(first), Dense(second), Fraction(1), Fraction(1))


def _work(chain: Graph) -> int:
    """About how many operations the exact matrix of a chain takes."""
    return chain.size * sum(prod(node.shape) for node in chain.nodes) * max(
        [1, *(node.layer.cost for node in chain.nodes)])


def _compare_layers(one: Layer, two: Layer, scale_one: Fraction, scale_two: Fraction) -> Transpose:
    """Compare the entries of W₂ = s₂ L₂ to those of W₁ᵀ = s₁ L₁ᵀ, for L₁ᵀ and L₂ of one layout."""
    scale, first, second = scale_two / scale_one, _weights(one), _weights(two)
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
                     largest, abs(scale_two) * _away(a, b, nearest, two))


def _weights(layer: Layer) -> np.ndarray:
    weights, = layer.arrays
    return np.asarray(weights)


def _away(a: np.ndarray, b: np.ndarray, nearest: float, layer: Layer) -> Fraction:
    """A bound of the norm of the layer with the entries b − nearest a, with their rounding."""
    rest = np.abs(b - nearest * a) + 2.0**-49 * (np.abs(b) + np.abs(nearest * a)) + 2.0**-1000
    return layer.map_weights(lambda weights, _: (rest.reshape(weights.shape), ["rest"]))[0].size


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
    """a b as an exact sum of two floats; None where that might underflow."""
    sizes = np.abs(a[a != 0])
    if sizes.size and not (sizes.min() > 1e-100 and sizes.max() < 1e100):
        return None
    if b != 0 and not 1e-100 < abs(b) < 1e100:
        return None
    return two_product(a, np.float64(b))


def _lay_out(one: Layer, two: Layer, small: bool) -> tuple[Layer, Layer] | None:
    """The adjoint of a layer and another layer in one layout, where they have one."""
    adjoint, second = one.transpose, two.canonical
    first = adjoint and adjoint.canonical
    fits = first is not None and first.layout is not None and first.layout == second.layout and (
        not small or isinstance(first, Dense))
    return (first, second) if fits and first is not None else None


def _multiple(one: Layer, two: Layer) -> Fraction:
    """c if a layer is exactly c times the adjoint of another; 0 where that is not seen."""
    if isinstance(one, Reshaping) and isinstance(two, Reshaping) and \
            one.order is not None and two.order is not None:
        there, back = np.ravel(one.order), np.ravel(two.order)
        undone = len(there) == len(back) and (there[back] == np.arange(len(back))).all()
        return Fraction(int(undone))
    laid = _lay_out(one, two, False)
    found = None if laid is None else _compare_layers(*laid, Fraction(1), Fraction(1)).factor
    return found or Fraction(0)


def _layers(chain: Graph) -> tuple[Fraction, list[Layer]]:
    """A chain as a number times some layers."""
    factors = [node.layer.factor for node in chain.nodes]
    return prod((factor for factor in factors if factor is not None), start=Fraction(1)), \
        [node.layer for node, factor in zip(chain.nodes, factors, strict=True) if factor is None]
