"""Jacobians of a step and their spectra, as enclosures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import acb, acb_mat, arb

from stabkit.aliases import Matrix, Rational, Scalar, Signal
from stabkit.arithmetic.backend import to_host
from stabkit.arithmetic.derivative import Dual
from stabkit.arithmetic.enclosure import PRECISIONS, Interval, precision
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import fraction, fractions, to_flint
from stabkit.arithmetic.roots import complex_roots
from stabkit.errors import InvalidArgument, Undecided
from stabkit.operators.eigenvalues import decide_below
from stabkit.schemes import Scheme

_LARGEST = 64


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of a matrix, and how far it is from normal.

    Attributes
    ----------
    eigenvalues : tuple of (Interval, Interval)
        Enclosures of real and imaginary parts; a multiple eigenvalue appears that often.
    radius : Interval
        The spectral radius: growth in the long run.
    norm : Interval
        The spectral norm: growth in one step.  Norm and radius agree for a normal matrix.
    normal : bool or None
        Whether MMᵀ = MᵀM; ``None`` for a matrix known only in enclosures.
    """

    eigenvalues: tuple[tuple[Interval, Interval], ...]
    radius: Interval
    norm: Interval
    normal: bool | None

    def __str__(self) -> str:
        kind = {True: "normal", False: "not normal", None: "normality unknown"}[self.normal]
        return f"spectral radius {self.radius}, norm {self.norm}, {kind}"


def jacobian(scheme: Scheme, u: Signal) -> np.ndarray:
    """The exact derivative of one step at u, by differentiation of the scheme's expression.

    Parameters
    ----------
    scheme : Scheme
    u : array_like of rationals or intervals, shape (N,)

    Returns
    -------
    ndarray of Fraction or Interval, shape (N, N)
        Intervals where u has them or the flux is transcendental.  At a breakpoint of the flux the
        slope of the piece before it counts.
    """
    point = np.asarray(u, dtype=object)
    if not any(isinstance(entry, Interval) for entry in point.flat):
        point = fractions(u, "u")
    if point.shape != (scheme.size,):
        raise InvalidArgument(f"u: must have length {scheme.size}, got shape {point.shape}")
    columns = []
    for j in range(scheme.size):
        dual = np.empty(scheme.size, dtype=object)
        dual[:] = [Dual(value, Fraction(int(i == j))) for i, value in enumerate(point)]
        columns.append([entry.slope if isinstance(entry, Dual) else Fraction(0)
                        for entry in scheme(dual)])
    return np.array(columns, dtype=object).T


def spectrum(matrix: Matrix) -> Spectrum:
    """Enclose the whole spectrum of a small matrix of fractions or intervals.

    Raises
    ------
    InvalidArgument
        If the matrix is not square or larger than 64.
    Undecided
        If the eigenvalues of an interval matrix cannot be enclosed.
    """
    matrix = np.asarray(matrix, dtype=object)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) > _LARGEST:
        raise InvalidArgument(f"matrix: must be square with at most {_LARGEST} rows, got shape "
                              f"{matrix.shape}")
    exact = not any(isinstance(entry, Interval) for entry in matrix.flat)
    normal = bool((matrix @ matrix.T == matrix.T @ matrix).all()) if exact else None
    values = _eigenvalues(matrix)
    sizes = [(real**2 + imaginary**2).sqrt() for real, imaginary in values]
    gram = [real for real, _ in _eigenvalues(matrix.T @ matrix)]
    return Spectrum(tuple(values), _largest(sizes), _nonnegative(_largest(gram)).sqrt(), normal)


def extreme_eigenvalues(matrix: Matrix) -> tuple[Interval, Interval]:
    """Enclose the smallest and the largest eigenvalue of a symmetric matrix."""
    values = [real for real, _ in _eigenvalues(np.asarray(matrix, dtype=object))]
    return -_largest([-value for value in values]), _largest(values)


def step_is_stable(slopes: np.ndarray, tau: Rational, h: Rational = 1) -> bool:
    """Whether λ < 2/τ for the largest eigenvalue λ of KᵀDK: no mode of I − τKᵀDK grows.

    K is the reflecting first difference with N − 1 rows and D = diag(slopes), the Jacobian of an
    explicit step where the flux has these slopes, all >= 0.  The answer is proved, for signals of
    any length: one elimination in floats with its rounding errors counted.

    Parameters
    ----------
    slopes : ndarray of float, shape (N − 1,)
        Taken exactly.
    tau, h : rational > 0

    Raises
    ------
    InvalidArgument
        If a slope is negative, NaN or infinite, or tau or h is not a number > 0.
    Undecided
        If λ is too close to 2/τ, some 10⁻¹⁵ of it.
    """
    try:
        slopes = np.asarray(slopes, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidArgument("slopes: must be a signal of finite numbers >= 0") from error
    if slopes.ndim != 1 or not slopes.size or not (np.isfinite(slopes) & (slopes >= 0)).all():
        raise InvalidArgument("slopes: must be a signal of finite numbers >= 0")
    tau, h = fraction(tau, "tau"), fraction(h, "h")
    if tau <= 0 or h <= 0:
        raise InvalidArgument(f"tau, h: must be > 0, got {tau} and {h}")
    # Divided by its largest slope D is near 1.  That and the sum of two slopes are three roundings
    # of entries up to 2, and KᵀDK has three of them in a row: 2⁻⁴⁹ is more than that.
    size = float(slopes.max())
    if size == 0:
        return True
    slopes = slopes / size
    diagonal = np.append(slopes, 0.0) + np.append(0.0, slopes)
    below = decide_below(diagonal, -slopes, 2 * h**2 / (tau * Fraction(size)), Fraction(1, 2**49))
    if below is None:
        raise Undecided("the largest eigenvalue is too close to 2/tau")
    return below


def along(scheme: Scheme, u: np.ndarray, steps: int) -> Iterator[Spectrum]:
    """The spectrum of the step at every state of a trajectory.

    Parameters
    ----------
    scheme : Scheme
    u : array of float, shape (N,)
        The start, of any library; the states are computed in floats and then taken exactly.
    steps : int
        Number of states, the start included.
    """
    for _ in range(steps):
        yield spectrum(jacobian(scheme, to_host(u)))
        u = scheme(u)


def _eigenvalues(matrix: np.ndarray) -> list[tuple[Interval, Interval]]:
    if not any(isinstance(entry, Interval) for entry in matrix.flat):
        # Exact entries: the roots of the characteristic polynomial, with their multiplicities.
        with precision(128):
            roots = complex_roots(to_flint(matrix).charpoly())
        return [(_interval(root.real), _interval(root.imag))
                for root, multiplicity in roots for _ in range(multiplicity)]
    for bits in PRECISIONS[:5]:
        with precision(bits):
            balls = acb_mat([[_ball(entry) for entry in row] for row in matrix])
            try:
                found = balls.eig(multiple=True)
            except ValueError:
                continue
            if all(value.real.rad() < 1e-6 and value.imag.rad() < 1e-6 for value in found):
                return [(_interval(value.real), _interval(value.imag)) for value in found]
    raise Undecided("the eigenvalues cannot be enclosed; the entries are too wide")


def _ball(entry: Scalar) -> acb:
    if isinstance(entry, Interval):
        return acb(entry.lo.union(entry.hi))
    return acb(arb(to_fmpq(entry)))


def _interval(ball: arb) -> Interval:
    return Interval(ball.lower(), ball.upper())


def _largest(values: list[Interval]) -> Interval:
    # The largest of unknown numbers lies above every lower end and below some upper end.
    found = values[0]
    for value in values[1:]:
        found = -((-found).lesser(-value))
    return found


def _nonnegative(value: Interval) -> Interval:
    return -((-value).lesser(0))
