"""The derivative of many steps along a trajectory, and exponents that are only estimated."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.backend import to_host
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import fractions, integer
from stabkit.errors import InvalidArgument
from stabkit.growth.rates import matrix_norm
from stabkit.schemes import Scheme
from stabkit.spectra import jacobian, jacobians
from stabkit.stability.verdict import SUPPORTED, Status

_ROUNDS, _SETTLED = 32, 1e-6  # the most rounds, and the relative change at which they end


@dataclass(frozen=True, eq=False)
class Propagator:
    """The derivative of a number of steps with respect to the start.

    Attributes
    ----------
    matrix : ndarray of Fraction or Interval, shape (N, N)
        The product of the Jacobians; small perturbations e of the start become matrix·e.
    state : ndarray of Fraction or Interval, shape (N,)
        The state reached.
    norm : Interval
        The largest growth of a small perturbation.
    steps : int
    """

    matrix: np.ndarray
    state: np.ndarray
    norm: Interval
    steps: int


def propagator(scheme: Scheme, u: Signal, steps: int, *, bits: int | None = None) -> Propagator:
    """The product of the Jacobians of a scheme along the trajectory of u.

    Parameters
    ----------
    scheme : Scheme
        A :class:`~stabkit.schemes.Chain` has its own weights in every layer.
    u : array_like of rationals, shape (N,)
    steps : int
    bits : int, optional
        Compute in enclosures of this precision.  If left out everything is exact where the flux
        is rational; then the digits of a nonlinear scheme may multiply with every step.

    Raises
    ------
    Undecided
        If the enclosures grow so wide that the scheme cannot be evaluated.
    """
    _check_steps(steps)
    state = fractions(to_host(u), "u")
    if bits is not None:
        with precision(bits):
            intervals = np.empty(state.shape, dtype=object)
            intervals[...] = [Interval(entry) for entry in state]
            matrix, state = _product(scheme, intervals, steps)
    else:
        matrix, state = _product(scheme, state, steps)
    return Propagator(matrix, state, matrix_norm(matrix), steps)


def _product(scheme: Scheme, state: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    matrix = np.eye(scheme.size, dtype=int).astype(object)
    for _ in range(steps):
        matrix = _jacobian(scheme, state) @ matrix
        state = scheme(state)
    return matrix, state


def _jacobian(scheme: Scheme, state: np.ndarray) -> np.ndarray:
    # A scheme with a Jacobian of its own has a sharper one on intervals across a breakpoint.
    own = getattr(scheme, "jacobian", None)
    return own(state) if own is not None else jacobian(scheme, state)


def _check_steps(steps: Any) -> None:
    if not isinstance(steps, Integral) or steps < 1:
        raise InvalidArgument(f"steps: must be a positive integer, got {steps!r}")


@dataclass(frozen=True)
class LyapunovEstimate:
    """Lyapunov exponents per step, estimated in floating point: evidence, never a proof.

    Attributes
    ----------
    exponents : tuple of float
        Mean logarithmic growth per step, largest first; log of the growth factor.
    later : tuple of float
        The same over the second half of the steps alone: how far the means have settled.
    steps : int
    status : Status
        Always ``SUPPORTED``.
    """

    exponents: tuple[float, ...]
    later: tuple[float, ...]
    steps: int
    status: Status = SUPPORTED

    def __post_init__(self) -> None:
        if self.status is not SUPPORTED:
            raise InvalidArgument(f"status: an estimate in floats is supported evidence only, got "
                                  f"{self.status}")

    def __str__(self) -> str:
        return (f"largest exponent about {self.exponents[0]:.6g} per step, supported by "
                f"{self.steps} steps in floating point; not proven")


def lyapunov_exponents(scheme: Scheme, u: Signal, steps: int, *, count: int | None = None,
                       seed: int = 0) -> LyapunovEstimate:
    """Estimate the Lyapunov exponents of a scheme along the float trajectory of u.

    A frame of `count` directions is carried along by products with the Jacobian, and kept as Q R
    by a QR factorisation after every step; the exponents are the means of log |Rᵢᵢ|.

    Parameters
    ----------
    scheme : Scheme
    u : array_like of float, shape (N,)
    steps : int
        At least 2.
    count : int, optional
        How many, the largest ones; all N of up to 64 samples if left out, else 8.
    seed : int
        Of the random frame, if count < N.
    """
    _check_steps(steps)
    if steps < 2:
        raise InvalidArgument(f"steps: must be at least 2 for a mean, got {steps}")
    n, few = scheme.size, 64
    count = (n if n <= few else 8) if count is None else integer(count, "count", 1)
    if count > n:
        raise InvalidArgument(f"count: there are {n} exponents, got {count}")
    start = np.eye(n) if count == n else np.random.default_rng(seed).standard_normal((count, n))
    frame, logs = np.linalg.qr(start.T)[0].T, np.empty((steps, count))
    for place, J in enumerate(jacobians(scheme, _floats(u), steps)):
        columns, triangle = np.linalg.qr((J @ frame).T)
        frame = columns.T
        with np.errstate(divide="ignore"):
            logs[place] = np.log(np.abs(np.diag(triangle)))
    return LyapunovEstimate(_means(logs), _means(logs[steps // 2:]), int(steps))


@dataclass(frozen=True, eq=False)
class FiniteTimeGrowth:
    """How much small perturbations of the start grow in a number of steps, in floats.

    Attributes
    ----------
    factors : ndarray of float
        The largest singular values of the derivative of all the steps, largest first.
    directions : ndarray of float, shape (count, N)
        The perturbations of the start that grow by these factors.
    steps : int
    """

    factors: np.ndarray
    directions: np.ndarray
    steps: int

    def __str__(self) -> str:
        return (f"a perturbation grows {self.factors[0]:.6g} times in {self.steps} steps; in "
                "floating point, not proven")


def finite_time_growth(scheme: Scheme, u: Signal, steps: int, *, count: int = 1, seed: int = 0
                       ) -> FiniteTimeGrowth:
    """Estimate the largest singular values of the derivative of many steps, by products alone.

    As many directions go through all Jacobians of the trajectory and back through their adjoints,
    again and again; of all the directions met on the way the best combinations are taken, until
    the values settle (block Krylov; Musco and Musco 2015).  The factors are attained by the
    directions, so the growth is at least that, but for rounding; :func:`propagator` encloses it at
    small size.

    Parameters
    ----------
    scheme : Scheme
    u : array_like of float, shape (N,)
    steps : int
    count : int
        How many, at most N.
    seed : int
        Of the directions that the iteration starts from.
    """
    _check_steps(steps)
    n, count = scheme.size, integer(count, "count", 1)
    if count > n:
        raise InvalidArgument(f"count: there are {n} singular values, got {count}")
    along = list(jacobians(scheme, _floats(u), steps))
    back = [J.T for J in reversed(along)]
    rows = np.random.default_rng(seed).standard_normal((count, n))
    basis = images = np.empty((0, n))
    factors = np.zeros(count)
    for _ in range(_ROUNDS):
        rows = _orthonormal(rows, basis)
        basis = np.vstack([basis, rows])
        images = np.vstack([images, _through(along, rows)])
        mixed, after, _ = np.linalg.svd(images, full_matrices=False)
        settled = np.abs(after[:count] - factors).max() <= _SETTLED * after[0]
        factors = after[:count]
        if settled or len(basis) == n:
            break
        rows = _through(back, images[-len(rows):])[:n - len(basis)]
    return FiniteTimeGrowth(factors, mixed.T[:count] @ basis, int(steps))


def _floats(u: Signal) -> np.ndarray:
    try:
        return np.asarray(to_host(u), dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"u: must be a signal of numbers, got {u!r:.60}") from error


def _orthonormal(rows: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Rows orthogonal to a basis and to one another, projected twice against rounding."""
    for _ in range(2):
        rows = np.linalg.qr((rows - rows @ basis.T @ basis).T)[0].T
    return rows


def _through(maps: list[Any], rows: np.ndarray) -> np.ndarray:
    """The images of rows under one map after the other; products row by row are the quicker."""
    images = []
    for row in rows:
        for J in maps:
            row = J @ row
        images.append(row)
    return np.array(images)


def _means(logs: np.ndarray) -> tuple[float, ...]:
    return tuple(sorted(logs.mean(axis=0).tolist(), reverse=True))
