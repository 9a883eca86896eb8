"""Jacobians of a step at a signal: operators in floats, matrices in exact numbers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.backend import is_foreign, to_host
from stabkit.arithmetic.derivative import Dual
from stabkit.arithmetic.enclosure import Interval, has_intervals
from stabkit.arithmetic.linearised import Row
from stabkit.arithmetic.rational import fractions
from stabkit.errors import UNFIT, InvalidArgument
from stabkit.operators import from_matrix
from stabkit.operators.derivatives import Derivative, derivative
from stabkit.schemes import Scheme, as_signal

_ENTRYWISE = 400  # samples up to which a step that works on single entries is differentiated


def jacobian(scheme: Scheme, u: Signal) -> Any:
    """The derivative of one step at u, by differentiation of the scheme's expression.

    Parameters
    ----------
    scheme : Scheme
    u : array_like, shape (N,)
        An array of floats; or rationals, or intervals.

    Returns
    -------
    Derivative or ndarray of Fraction or Interval, shape (N, N)
        For floats a map J in floats, in time and memory O(N): ``J @ v``, ``J.T @ w``,
        ``J.sparse()``, ``numpy.asarray(J)``.  Else the exact matrix, or one of intervals
        where u has them or the flux is transcendental.  At a breakpoint of the flux the slope of
        the piece before it counts.

    Raises
    ------
    InvalidArgument
        If u is no signal of the scheme, or the step cannot be followed and u is longer than 400.

    Examples
    --------
    >>> from stabkit import Explicit, difference, fluxes
    >>> scheme = Explicit(difference(1, 10**5), fluxes.perona_malik(), "1/4")
    >>> J = jacobian(scheme, np.linspace(0, 1, 10**5))
    >>> J.sparse().shape, (J @ np.ones(10**5)).max()
    ((100000, 100000), np.float64(1.0))
    """
    point = _point(scheme, u)
    try:
        found = derivative(scheme, point)
        rows = None if point.dtype != object else found.rows
    except UNFIT as error:
        if isinstance(error, InvalidArgument):
            raise
        matrix = _entry_by_entry(scheme, point)
        if point.dtype != object:
            return _of_matrix(matrix)
        if not all(isinstance(entry, int | Fraction | Interval) for entry in matrix.flat):
            raise InvalidArgument("u: the step leaves exact arithmetic; give floats") from error
        return matrix
    return found if rows is None else _dense(rows)


def jacobians(scheme: Scheme, u: Signal, steps: int) -> Iterator[Any]:
    """The Jacobians at the states of a trajectory, the start included, as `jacobian` gives them."""
    state = _point(scheme, u)
    for _ in range(steps):
        yield jacobian(scheme, state)
        state = scheme(state)


def exact_jacobian(scheme: Scheme, u: Signal) -> np.ndarray:
    """The matrix of the derivative of one step at u, floats being taken exactly."""
    return jacobian(scheme, _exact(to_host(u)))


def _point(scheme: Scheme, u: Signal) -> np.ndarray:
    u = to_host(u) if is_foreign(u) else u
    if isinstance(u, np.ndarray) and u.dtype.kind == "f":
        point = as_signal(u, scheme.size).astype(float)
    else:
        point = _exact(u)
    if point.shape != (scheme.size,):
        raise InvalidArgument(f"u: must have length {scheme.size}, got shape {point.shape}")
    return point


def _exact(u: Signal) -> np.ndarray:
    """A signal in fractions, or unchanged if it has intervals."""
    point = np.asarray(u, dtype=object)
    return point if has_intervals(point.flat) else fractions(u, "u")


def _dense(rows: list[Row]) -> np.ndarray:
    matrix = np.full((len(rows), len(rows)), Fraction(0), dtype=object)
    for i, row in enumerate(rows):
        for j, entry in row.items():
            matrix[i, j] = entry if isinstance(entry, Interval) else Fraction(entry)
    return matrix


def _entry_by_entry(scheme: Scheme, point: np.ndarray) -> np.ndarray:
    """The matrix column by column, for steps that are not written for whole arrays."""
    if scheme.size > _ENTRYWISE:
        raise InvalidArgument(f"scheme: a step of {type(scheme).__name__} is no expression of whole"
                              f" arrays, and differentiated up to {_ENTRYWISE} samples only")
    point = point if point.dtype == object else fractions(point, "u")
    columns = []
    for j in range(scheme.size):
        dual = np.empty(scheme.size, dtype=object)
        dual[:] = [Dual(value, Fraction(int(i == j))) for i, value in enumerate(point)]
        columns.append([entry.slope if isinstance(entry, Dual) else Fraction(0)
                        for entry in np.ravel(scheme.step(dual))])
    return np.array(columns, dtype=object).T


def _of_matrix(matrix: np.ndarray) -> Derivative:
    K = from_matrix(np.array([[float(entry) for entry in row] for row in matrix]))
    return derivative(lambda x: K @ x, np.zeros(len(matrix)))
