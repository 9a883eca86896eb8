"""Difference operators in one dimension, of any order, and convolutions with one channel."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from fractions import Fraction
from functools import lru_cache
from math import comb
from numbers import Integral
from typing import Any

import numpy as np
from flint import arb, fmpq

from stabkit.aliases import Array, Number
from stabkit.arithmetic.enclosure import Interval, from_ball
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument, several
from stabkit.operators.boundary import (
    DIRICHLET,
    NATURAL,
    PERIODIC,
    REFLECTING,
    Boundary,
    check_boundary,
)
from stabkit.operators.convolution import Convolution
from stabkit.operators.matrices import identity
from stabkit.operators.operator import Operator
from stabkit.operators.rounded import note_meaning
from stabkit.proof.sites import Length

_SHORT = 256  # samples, up to which the entries are kept for the next call


@note_meaning
def difference(order: int, n: int | Any, h: Number = 1, boundary: Boundary = REFLECTING
               ) -> Operator:
    """The finite difference of a given order, an approximation of ∂ˣᵐ.

    Parameters
    ----------
    order : int
        The order m >= 0.
    n : int
        Number of samples N.
    h : rational
        Grid size.
    boundary : Boundary
        ``REFLECTING`` gives the alternating products of K1 and its adjoint, signed as ∂ᵐ;
        ``NATURAL``, ``PERIODIC``, ``DIRICHLET`` and ``MIRRORED`` give the forward difference
        Σⱼ (−1)^{m−j} C(m, j) u_{i+j} / hᵐ with that boundary.

    Returns
    -------
    Operator
        With the norm formula (2 cos(π/2N)/h)ᵐ (reflecting) or 2ᵐ/hᵐ (periodic, even N) attached.

    Raises
    ------
    InvalidArgument
        For a negative order, an empty grid, h <= 0, or too few samples for the order.
    """
    if isinstance(n, Length):
        _check(1, boundary)
        made: Any = n.difference(order, h, boundary.value)
        return made
    h = fraction(h, "h")
    _check(n, boundary)
    if not isinstance(order, Integral) or order < 0 or n < 1 or h <= 0:
        raise InvalidArgument(f"difference: needs order >= 0, n >= 1 and h > 0, "
                              f"got order={order}, n={n}, h={h}")
    # Each caller gets an operator of its own, whose name and meaning may be set; the entries are
    # shared.
    return copy(_difference(order, n, h, boundary)) if n <= _SHORT else \
        _difference.__wrapped__(order, n, h, boundary)


@lru_cache(maxsize=256)
def _difference(order: int, n: int, h: Fraction, boundary: Boundary) -> Operator:
    text = f"difference(order={order}, n={n}, h={h}, {boundary.value})"
    if order == 0:
        return identity(n)
    if boundary is REFLECTING:
        return _alternating_product(order, n, h).described(text)
    taps = [(-1) ** (order - j) * comb(order, j) / h**order for j in range(order + 1)]
    made = convolution(taps, n, boundary, centre=0)
    if boundary is PERIODIC and n % 2 == 0 and n > order:
        made.norm_squared_formula = lambda: Interval(Fraction(4**order) / h ** (2 * order))
    return made.described(text)


def _check(n: object, boundary: Any) -> None:
    if not isinstance(n, Integral):
        raise InvalidArgument(f"n: must be an integer, got {n!r}")
    check_boundary(boundary)


def _alternating_product(order: int, n: int, h: Fraction) -> Operator:
    if n < 2:
        raise InvalidArgument(f"n: a reflecting difference needs at least 2 samples, got {n}")
    first = difference(1, n, h, NATURAL)
    product = first
    for factor in range(2, order + 1):
        product = (first.T if factor % 2 == 0 else first) @ product
    made = (-1) ** (order // 2) * product
    made.label = "K"

    def formula() -> Interval:
        cosine = arb.cos_pi_fmpq(fmpq(1, 2 * n))
        squared = from_ball(cosine) ** 2 * 4 / h**2
        return squared**order

    made.norm_squared_formula = formula
    return made


@note_meaning
def convolution(taps: Sequence[Array], n: int, boundary: Boundary = PERIODIC, *,
                centre: int | None = None) -> Operator:
    """The correlation (K u)ᵢ = Σⱼ tapsⱼ u_{i + j − centre} of a signal of length n.

    Parameters
    ----------
    taps : sequence of rational
        The stencil; `centre` is the index of its middle tap (default ``len(taps) // 2``).
    boundary : Boundary
        ``REFLECTING`` is not a padding and is refused: choose ``MIRRORED`` or ``NATURAL``.
    """
    _check(n, boundary)
    taps = [fraction(tap, "taps") for tap in several(taps, "taps")]
    centre = len(taps) // 2 if centre is None else centre
    if not taps or not 0 <= centre < len(taps):
        raise InvalidArgument(f"taps: need at least one, with centre inside; got {len(taps)} "
                              f"and centre={centre}")
    if boundary is REFLECTING:
        raise InvalidArgument("boundary: a stencil has no reflecting form; use MIRRORED padding, "
                              "NATURAL rows, or difference(order, n, h, REFLECTING)")
    if boundary is NATURAL and n < len(taps):
        raise InvalidArgument(f"n: {len(taps)} taps need at least {len(taps)} samples, got {n}")
    if boundary is DIRICHLET:
        pads = (len(taps) - 1,) * 2  # every row that meets the signal
    else:
        pads = (0, 0) if boundary is NATURAL else (centre, len(taps) - 1 - centre)
    kernel = np.array(taps, dtype=object)[None, None]
    made = Convolution(kernel, boundary=boundary, pads=(pads,)).matrix((n,))
    return made.described(f"convolution([{', '.join(map(str, taps))}], n={n}, {boundary.value})")


@note_meaning
def differential_operator(weights: Sequence[Array], n: int, h: Number = 1,
                          boundary: Boundary = NATURAL) -> Operator:
    """The operator Σₘ αₘ ∂ᵐ of alt2021, eq. (1), with ``weights[m]`` = αₘ.

    Every term is a forward difference inside one window of M + 1 samples, so all terms have the
    same rows.  ``REFLECTING`` is possible only for orders of one parity, because odd differences
    live between the samples.
    """
    weights = several(weights, "weights")
    orders = [m for m, weight in enumerate(weights) if fraction(weight, "weights") != 0]
    if not orders:
        raise InvalidArgument("weights: at least one must be nonzero")
    if boundary is REFLECTING:
        if len({m % 2 for m in orders}) > 1:
            raise InvalidArgument("weights: reflecting differences of odd and even order have "
                                  "different rows; use NATURAL, PERIODIC or MIRRORED")
        terms = [fraction(weights[m]) * difference(m, n, h, REFLECTING) for m in orders]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
    h = fraction(h, "h")
    top = max(orders)
    taps = [sum((fraction(weights[m]) * (-1) ** (m - j) * comb(m, j) / h**m
                 for m in orders if j <= m), Fraction(0)) for j in range(top + 1)]
    return convolution(taps, n, boundary, centre=0)
