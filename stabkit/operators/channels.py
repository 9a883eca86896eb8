"""Convolutions from several channels to several, in one and two dimensions.

A signal holds one channel after the other, each pixel by pixel (rows first); a kernel acts as a
correlation, like :func:`~stabkit.operators.differences.convolution`, and keeps the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np
from flint import acb, acb_mat, arb

from stabkit.aliases import Array
from stabkit.arithmetic.enclosure import Interval, from_ball, largest_of, precision
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import fractions
from stabkit.errors import InvalidArgument, Undecided
from stabkit.operators.boundary import DIRICHLET, MIRRORED, PERIODIC, Boundary, check_boundary
from stabkit.operators.convolution import Convolution
from stabkit.operators.norms import norm_squared
from stabkit.operators.operator import Operator

_BITS = 128
_SQUARINGS = 5


def channel_convolution(weights: Array, shape: int | Sequence[int], boundary: Boundary = PERIODIC
                        ) -> Operator:
    """The operator (K u)_{o,p} = Σ_c Σ_k w_{o,c,k} u_{c,p+k}, with k = 0 in the middle.

    Parameters
    ----------
    weights : array_like of rational, shape (c_out, c_in, a) or (c_out, c_in, a, b)
        One stencil of odd sizes for every pair of channels; in 2-D rows (downward), then columns.
    shape : int or (int, int)
        The size N of a channel, or its rows and columns.
    boundary : Boundary
        ``DIRICHLET`` puts zeros outside and keeps the size; ``PERIODIC``; ``MIRRORED``.

    Returns
    -------
    Operator
        Of shape (c_out P, c_in P) for P pixels; with ``PERIODIC`` its norm is known from the
        block symbol.

    Raises
    ------
    InvalidArgument
        For other shapes, an even stencil size, or another boundary.

    Examples
    --------
    >>> channel_convolution([[[0, 1, 0], [0, 0, 2]]], 4) @ np.arange(8.0)
    array([10., 13., 16., 11.])
    """
    weights, shape = _check(weights, shape, boundary)
    c_out, c_in = weights.shape[:2]
    made = Convolution(weights, boundary=boundary).matrix(shape)
    if boundary is PERIODIC:
        made.norm_squared_formula = lambda: _periodic_norm_squared(weights, shape)
    sizes, grid = ("x".join(map(str, part)) for part in (weights.shape[2:], shape))
    return made.described(f"channel_convolution({c_in} -> {c_out}, {sizes} stencils, {grid}, "
                          f"{boundary.value})")


def channel_norm_squared(weights: Array, shape: int | Sequence[int], boundary: Boundary = PERIODIC
                         ) -> Interval:
    """Enclose ‖K‖² of a :func:`channel_convolution`.

    With ``PERIODIC`` boundary it is the largest eigenvalue of Ŵ*Ŵ over the frequencies of the
    grid, Ŵ the exact c_out × c_in symbol in ball arithmetic; otherwise that of
    :func:`~stabkit.operators.norm_squared`.
    """
    if boundary is not PERIODIC:
        return norm_squared(channel_convolution(weights, shape, boundary))
    with precision(_BITS):
        return _periodic_norm_squared(*_check(weights, shape, boundary))


def norm_squared_bound(weights: Array) -> Fraction:
    """The bound (t max|w|)² c_in c_out of ‖K‖², t the number of taps, for all three boundaries.

    Rows of K have at most t c_in entries and columns t c_out (mirroring permutes them), so this is
    ‖K‖₁‖K‖_∞ <= t² max|w|² c_in c_out.  It is sharp for equal weights and a periodic boundary.
    """
    weights = _kernel(weights)
    c_out, c_in = weights.shape[:2]
    taps = int(np.prod(weights.shape[2:]))
    return Fraction(taps * max(abs(weight) for weight in weights.flat)) ** 2 * c_in * c_out


def block_symbol(weights: Array, shape: int | Sequence[int], frequency: int | Sequence[int]
                 ) -> acb_mat:
    """The block Ŵ_{o,c} = Σ_k w_{o,c,k} exp(2πi f·k/N) of the periodic operator, in balls.

    Parameters
    ----------
    weights, shape
        As for :func:`channel_convolution`.
    frequency : int or (int, int)
        f, any integers.
    """
    weights, shape = _check(weights, shape, PERIODIC)
    frequency = _integers(frequency, "frequency", weights.ndim - 2)
    return _symbol(weights, shape, frequency)


# -- arguments ------------------------------------------------------------------------------------
def _kernel(weights: Array) -> np.ndarray:
    exact = fractions(weights, "weights")
    if exact.ndim not in (3, 4) or not exact.size or any(n % 2 == 0 for n in exact.shape[2:]):
        raise InvalidArgument("weights: must have shape (c_out, c_in, a) or (c_out, c_in, a, b) "
                              f"with odd a and b, got {exact.shape}")
    return exact


def _integers(values: Any, name: str, count: int) -> tuple[int, ...]:
    given = (values,) if isinstance(values, Integral) else tuple(values)
    if len(given) != count or not all(isinstance(n, Integral) for n in given):
        raise InvalidArgument(f"{name}: needs {count} integers for these weights, got {values!r}")
    return tuple(map(int, given))


def _check(weights: Array, shape: Any, boundary: Any) -> tuple[np.ndarray, tuple[int, ...]]:
    weights = _kernel(weights)
    shape = _integers(shape, "shape", weights.ndim - 2)
    if min(shape) < 1:
        raise InvalidArgument(f"shape: sizes must be positive, got {shape}")
    check_boundary(boundary, DIRICHLET, PERIODIC, MIRRORED)
    return weights, shape


# -- the symbol -----------------------------------------------------------------------------------
def _symbol(weights: np.ndarray, shape: tuple, frequency: tuple) -> acb_mat:
    waves = {}
    for tap in product(*map(range, weights.shape[2:])):
        turns = sum((Fraction(2 * f * (k - size // 2), n) for f, k, size, n in
                     zip(frequency, tap, weights.shape[2:], shape, strict=True)), Fraction(0))
        angle = to_fmpq(turns)
        waves[tap] = acb(arb.cos_pi_fmpq(angle), arb.sin_pi_fmpq(angle))
    return acb_mat([[sum((wave * to_fmpq(stencil[tap])
                          for tap, wave in waves.items() if stencil[tap]), acb(0))
                     for stencil in row] for row in weights])


def _periodic_norm_squared(weights: np.ndarray, shape: tuple) -> Interval:
    """The maximum over the frequencies; K is real, so one of f and −f is enough."""
    frequencies = [f for f in product(*map(range, shape))
                   if f <= tuple(-k % n for k, n in zip(f, shape, strict=True))]
    waves = np.stack([_float_symbol(weights, shape, f) for f in frequencies])
    order = np.argsort(-np.linalg.norm(waves, ord=2, axis=(1, 2)))  # likely maxima first
    best = Interval(0)
    for place in order:
        wave = _symbol(weights, shape, frequencies[place])
        gram = wave.conjugate().transpose() * wave if wave.ncols() <= wave.nrows() else \
            wave * wave.conjugate().transpose()
        if not _is_below(gram, best.lo):
            value = _largest_eigenvalue(gram)
            best = -((-best).lesser(-value))
    return best


def _float_symbol(weights: np.ndarray, shape: tuple, frequency: tuple) -> np.ndarray:
    phase = np.zeros(())
    for f, size, n in zip(frequency, weights.shape[2:], shape, strict=True):
        phase = np.add.outer(phase, 2 * np.pi * f * (np.arange(size) - size // 2) / n)
    flat = weights.astype(float).reshape(*weights.shape[:2], -1)
    return flat @ np.exp(1j * phase).ravel()


def _is_below(gram: acb_mat, bound: arb) -> bool:
    """Whether tr H^{2ᵏ} < bound^{2ᵏ} for some k shows that H >= 0 has no eigenvalue above."""
    for _ in range(_SQUARINGS):
        if sum((gram[i, i].real for i in range(gram.nrows())), arb(0)) < bound:
            return True
        gram, bound = gram * gram, bound * bound
    return False


def _largest_eigenvalue(gram: acb_mat) -> Interval:
    try:
        values = [value.real for value in gram.eig(multiple=True)]
    except ValueError:
        raise Undecided("the eigenvalues of the symbol cannot be enclosed; raise the precision, or "
                        "scale the channels to be of like size") from None
    return largest_of([Interval(0), *map(from_ball, values)])
