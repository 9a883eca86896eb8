"""Differences along the edges of a grid in any dimension.

A signal holds the pixels of the grid in C order, the last axis fastest: ``image.ravel()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from numbers import Integral
from typing import Any, cast

import numpy as np
from flint import arb, fmpq

from stabkit.aliases import Array, Rational
from stabkit.arithmetic.enclosure import Interval, from_ball
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument, several
from stabkit.operators.boundary import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    PERIODIC,
    REFLECTING,
    Boundary,
    check_boundary,
)
from stabkit.operators.differences import convolution, difference
from stabkit.operators.operator import Operator
from stabkit.operators.rounded import note_meaning
from stabkit.proof.grids import GridShape


@note_meaning
def grid_gradient(shape: int | Sequence[int], h: Rational = 1, boundary: Boundary = REFLECTING
                  ) -> Operator:
    """The one-sided differences of every axis of a grid, one axis below the other.

    One row per edge between neighbours, (u_{p+e} − u_p)/h along axis e; so a flux acts on each
    edge for itself, as in the scheme of Perona and Malik (1990).

    Parameters
    ----------
    shape : int or sequence of int
        The samples along each axis; an axis of one sample has no edges.
    h : rational or sequence of rational
        The grid size, one for all axes or one for each.
    boundary : Boundary
        As for :func:`~stabkit.operators.difference` of order 1, along every axis.

    Returns
    -------
    Operator
        With its norm known: ‖K‖² is the sum over the axes of the squared norm in one dimension,
        for ``REFLECTING`` Σ (2 cos(π/2N)/h)².

    Raises
    ------
    InvalidArgument
        For an empty grid, a grid without edges, h <= 0, or another number of sizes than of axes.

    Examples
    --------
    >>> grid_gradient((2, 2)) @ np.array([0.0, 1.0, 3.0, 7.0])
    array([3., 6., 1., 4.])
    """
    if isinstance(shape, GridShape):
        if boundary is not REFLECTING or np.ndim(h) or fraction(h, "h") != 1:
            raise InvalidArgument("h, boundary: on a grid of any shape h = 1 and the boundary "
                                  "reflects; give a shape of numbers for others")
        return cast(Operator, shape.gradient())
    shape, sizes = _grid(shape, h, boundary)
    parts = [_along(difference(1, n, size, boundary), shape, axis)
             for axis, (n, size) in enumerate(zip(shape, sizes, strict=True))
             if n > 1 or boundary is DIRICHLET]
    made = _stack(parts, prod(shape))

    def formula() -> Interval:
        total = Interval(0)
        for n, size in zip(shape, sizes, strict=True):
            total = total + _norm_squared(n, size, boundary)
        return total

    made.norm_squared_formula = formula
    grid = "x".join(map(str, shape))
    spacing = ", ".join(map(str, dict.fromkeys(sizes) if len(set(sizes)) == 1 else sizes))
    return made.described(f"grid_gradient({grid}, h={spacing}, {boundary.value})")


def grid_differences(shape: int | Sequence[int], offsets: Sequence[Sequence[int]]) -> Operator:
    """The differences u_{p+o} − u_p over all pixels p and offsets o with p + o on the grid.

    Parameters
    ----------
    shape : int or sequence of int
    offsets : sequence of sequences of int
        One integer per axis; ``((0, 1), (1, 0), (1, 1), (1, -1))`` gives the edges between a
        pixel and its eight neighbours in 2-D.

    Raises
    ------
    InvalidArgument
        For another number of integers than of axes, the offset 0, or no edge at all.
    """
    if isinstance(shape, GridShape):
        return cast(Operator, shape.differences(offsets))
    shape, _ = _grid(shape, 1, REFLECTING)
    pixels = np.arange(prod(shape)).reshape(shape)
    tails, heads = [], []
    for offset in offsets:
        if len(offset) != len(shape) or not any(offset) or \
                not all(isinstance(step, Integral) for step in offset):
            raise InvalidArgument(f"offsets: each needs {len(shape)} integers, not all zero; got "
                                  f"{offset!r}")
        tails.append(pixels[_window(shape, offset)].ravel())
        heads.append(pixels[_window(shape, [-step for step in offset])].ravel())
    if not any(part.size for part in tails):
        raise InvalidArgument(f"offsets: no edge of {offsets!r} fits into the grid {shape}")
    columns = np.stack([np.concatenate(tails), np.concatenate(heads)], axis=1)
    rows = np.repeat(np.arange(len(columns)), 2)
    made = Operator._of_codes((len(columns), prod(shape)), rows, columns.ravel(),
                              np.tile([0, 1], len(columns)), [Fraction(-1), Fraction(1)])
    return made.described(f"grid_differences({'x'.join(map(str, shape))}, {offsets})")


@note_meaning
def tangential_differences(shape: int | Sequence[int], h: Rational = 1) -> tuple[Operator, ...]:
    """The derivatives across the edges of a reflecting :func:`grid_gradient`, at their middles.

    For an edge along one axis and every other axis, the mean of the central differences at its
    two ends (samples are repeated at the boundary).

    Parameters
    ----------
    shape, h
        As for :func:`grid_gradient`.

    Returns
    -------
    tuple of Operator
        One fewer than there are axes, each with the rows of ``grid_gradient(shape, h)``.
    """
    if isinstance(shape, GridShape):
        return (cast(Operator, shape.across()),)
    shape, sizes = _grid(shape, h, REFLECTING)
    dimension = len(shape)
    made = []
    for turn in range(1, dimension):
        blocks = []
        for axis, n in enumerate(shape):
            across = (axis + turn) % dimension
            if n == 1:
                continue
            mean = convolution([Fraction(1, 2), Fraction(1, 2)], n, NATURAL, centre=0)
            weight = 1 / (2 * sizes[across])
            central = convolution([-weight, 0, weight], shape[across], MIRRORED)
            blocks.append(_along(mean, shape, axis) @ _along(central, shape, across))
        made.append(_stack(blocks, prod(shape)))
        made[-1].label = "B"
    return tuple(made)


def edges_at_a_site(shape: Any) -> Any:
    """The number of edges of a :func:`grid_gradient` at a site inside, 2 for each axis."""
    return shape.edges if isinstance(shape, GridShape) else 2 * len(shape)


# -- arguments ------------------------------------------------------------------------------------
def _grid(shape: Any, h: Rational, boundary: Any) -> tuple[tuple[int, ...], tuple[Fraction, ...]]:
    shape = (shape,) if isinstance(shape, Integral) else several(shape, "shape")
    if not shape or not all(isinstance(n, Integral) and int(n) >= 1 for n in shape) or \
            (prod(shape) == 1 and boundary is not DIRICHLET):
        raise InvalidArgument("shape: needs a positive number of samples along each axis, and two "
                              f"along one of them, got {shape}")
    check_boundary(boundary, REFLECTING, NATURAL, PERIODIC, DIRICHLET, MIRRORED)
    sizes = tuple(h) if isinstance(h, (list, tuple, np.ndarray)) else (h,) * len(shape)
    if len(sizes) != len(shape):
        raise InvalidArgument(f"h: needs one grid size or one per axis ({len(shape)}), got "
                              f"{len(sizes)}")
    sizes = tuple(fraction(size, "h") for size in sizes)
    if min(sizes) <= 0:
        raise InvalidArgument(f"h: must be positive, got {h}")
    return tuple(map(int, shape)), sizes


def _window(shape: tuple[int, ...], offset: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(max(-step, 0), max(min(n, n - step), 0))
                 for n, step in zip(shape, offset, strict=True))


# -- one axis -------------------------------------------------------------------------------------
def _norm_squared(n: int, h: Fraction, boundary: Boundary) -> Interval:
    """‖K‖² of the first difference of n samples: 4/h² times a squared cosine."""
    if n == 1:
        return Interval(2 / h**2 if boundary is DIRICHLET else 0)
    turn = {DIRICHLET: fmpq(1, 2 * (n + 1)), PERIODIC: fmpq(n % 2, 2 * n)}.get(
        boundary, fmpq(1, 2 * n))
    cosine = arb.cos_pi_fmpq(turn)
    return from_ball(cosine) ** 2 * 4 / h**2


# -- products with identities ---------------------------------------------------------------------
def _along(operator: Operator, shape: tuple[int, ...], axis: int) -> Operator:
    """I ⊗ K ⊗ I: a map of one axis on the whole grid."""
    before, after = prod(shape[:axis]), prod(shape[axis + 1:])
    m, n = operator.shape
    outer, inner = np.arange(before)[:, None, None], np.arange(after)[None, None, :]

    def spread(places: np.ndarray, count: int) -> np.ndarray:
        return ((outer * count + places[None, :, None]) * after + inner).ravel()

    code = np.broadcast_to(operator._code[None, :, None],
                           (before, operator._code.size, after)).ravel()
    return Operator._of_codes((before * m * after, before * n * after),
                              spread(operator.row_of_entry, m), spread(operator.columns, n), code,
                              list(operator._palette))


def _stack(operators: Sequence[Operator], size: int) -> Operator:
    rows, columns, code, start = [], [], [], 0
    palette: list[Array] = []
    for operator in operators:
        rows.append(operator.row_of_entry + start)
        columns.append(operator.columns)
        code.append(operator._code + len(palette))
        palette += list(operator._palette)
        start += operator.shape[0]
    return Operator._of_codes((start, size), np.concatenate(rows), np.concatenate(columns),
                              np.concatenate(code), palette)
