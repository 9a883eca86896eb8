"""What eigenvalues do not show: resolvents, the numerical range, and growth before decay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import cos, sin

import numpy as np
import scipy

from stabkit.aliases import Matrix
from stabkit.arithmetic.enclosure import Interval, as_interval, largest_of, precision
from stabkit.arithmetic.rational import integer
from stabkit.errors import InvalidArgument
from stabkit.spectra.bounded import PowerBound, bound_by_sums, bound_of_powers
from stabkit.spectra.eigenvalues import spectrum
from stabkit.spectra.matrices import enclose
from stabkit.spectra.symmetric import bounds_of_largest
from stabkit.spectra.whole import TINY, UP, U, enclose_norm, norm_bounds

_LARGEST = 500  # rows
_BATCH = 2**22  # entries of the matrices that are decomposed together
_RANGE = 2.0**400  # of entries that are decomposed, so that squares do not overflow
_INVERSE = 6  # solutions, which find a vector that a resolvent stretches most


@dataclass(frozen=True, eq=False)
class Pseudospectrum:
    """Proven bounds of ‖(z I − A)⁻¹‖ on a grid; the ε-pseudospectrum is where it exceeds 1/ε.

    Attributes
    ----------
    real, imaginary : ndarray of float
        The axes of the grid.
    lower, upper : ndarray of float, shape (imaginary.size, real.size)
        Of the norm; `upper` is infinite where z is too close to an eigenvalue.
    """

    real: np.ndarray
    imaginary: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def inside(self, eps: float) -> np.ndarray:
        """Where z is proved to belong to the ε-pseudospectrum."""
        return self.lower > 1 / eps

    def outside(self, eps: float) -> np.ndarray:
        """Where z is proved not to."""
        return self.upper < 1 / eps

    def __str__(self) -> str:
        return (f"resolvent norms on {self.imaginary.size} x {self.real.size} points, from "
                f"{self.lower.min():.3g} to {self.lower.max():.3g} at least")


def pseudospectrum(matrix: Matrix, real: Sequence[float], imaginary: Sequence[float]
                   ) -> Pseudospectrum:
    """Enclose the norm of the resolvent at the points x + iy of a grid.

    By singular values whose errors are bounded.

    Parameters
    ----------
    matrix : array_like, sparse matrix, Operator or Jacobian, shape (N, N), N <= 500
    real, imaginary : sequence of float
        The axes of the grid; a decomposition of cost N³ is made at each of its points.

    Raises
    ------
    InvalidArgument
        If the matrix is not square or too large, or an axis is empty or not finite.

    Examples
    --------
    >>> shift = np.eye(20, k=1)
    >>> found = pseudospectrum(shift, [0.5, 1.5], [0.0])
    >>> float(found.lower[0, 0]) > 10**5, found.outside(0.1)[0, 1]
    (True, np.True_)
    """
    a, spread = _dense(matrix)
    axes = []
    for name, values in (("real", real), ("imaginary", imaginary)):
        axis = np.atleast_1d(np.asarray(values, dtype=float))
        if axis.ndim != 1 or not axis.size or not (np.abs(axis) <= _RANGE).all():
            raise InvalidArgument(f"{name}: must be numbers up to 1e120 in a row, got "
                                  f"{values!r:.60}")
        axes.append(axis)
    points = (axes[0][None, :] + 1j * axes[1][:, None]).ravel()
    size, parts = max(1, _BATCH // a.size), []
    for start in range(0, points.size, size):
        parts.append(_smallest_singular_values(a, points[start:start + size]))
    least, error = (np.concatenate(part).reshape(axes[1].size, axes[0].size)
                    for part in zip(*parts, strict=True))
    error = (error + float(spread)) * UP
    room = (least - error) / UP
    with np.errstate(divide="ignore"):
        upper = np.where(room > 0, UP / np.where(room > 0, room, 1), np.inf)
        return Pseudospectrum(axes[0], axes[1], 1 / ((least + error) * UP), upper)


def _smallest_singular_values(a: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """σ of z I − A for points z, and how far it may be off.

    For U, V within α, β of unitary and R = M V − U S, ‖U*M V − S‖ <= ‖R‖ + β‖M‖ + α‖S‖ bounds the
    distance of all singular values (Weyl).
    """
    n = len(a)
    shifted = np.broadcast_to(-a.astype(complex), (points.size, n, n)).copy()
    places = np.arange(n)
    shifted[:, places, places] += points[:, None]
    left, values, right = np.linalg.svd(shifted)
    v, largest = right.conj().swapaxes(1, 2), values.max(axis=1)
    error = 4 * (n + 8) * U
    of_m, of_u, of_v = norm_bounds(shifted), norm_bounds(left), norm_bounds(v)
    alpha, beta = (norm_bounds(w.conj().swapaxes(1, 2) @ w - np.eye(n)) + error * of_w**2
                   for w, of_w in ((left, of_u), (v, of_v)))
    residual = norm_bounds(shifted @ v - left * values[:, None, :]) + \
        error * (of_m * of_v + of_u * largest)
    diagonal = 2 * U * (np.abs(points) + np.abs(np.diagonal(a)).max(initial=0))
    return values.min(axis=1), residual + beta * of_m + alpha * largest + diagonal + TINY


@dataclass(frozen=True, eq=False)
class NumericalRange:
    """The set of all v*A v with ‖v‖ = 1, between two polygons.

    Attributes
    ----------
    angles : ndarray of float
    supports : list of Interval
        max Re(e^{−iθ} z) over the set, for every angle θ: proven.
    points : ndarray of complex
        Points of the set, in floats, on these supporting lines.
    radius : Interval
        The largest modulus: ‖Aᵏ‖ <= 2 radiusᵏ (Berger).
    """

    angles: np.ndarray
    supports: list[Interval]
    points: np.ndarray
    radius: Interval


def numerical_range(matrix: Matrix, angles: int = 64) -> NumericalRange:
    """Enclose the numerical range by supporting lines in some directions.

    Parameters
    ----------
    matrix : array_like, sparse matrix, Operator or Jacobian, shape (N, N), N <= 500
    angles : int
        How many directions, at least 8.
    """
    a, spread = _dense(matrix)
    angles = integer(angles, "angles", 8)
    theta = 2 * np.pi * np.arange(angles) / angles
    supports, points = [], []
    for angle in theta.tolist():
        # The Hermitian part of e^{-iθ} A is h + i k with k skew; its real form is symmetric.
        c, s = cos(angle), sin(angle)
        h, k = c * (a + a.T) / 2, s * (a.T - a) / 2
        block = np.block([[h, -k], [k, h]])
        low, high = bounds_of_largest(scipy.sparse.csr_array((block + block.T) / 2))
        # c, s, the sums and the products are off by 2⁻⁵² each, relatively.
        rounding = Fraction(float(np.abs(block).sum(axis=1).max()) + TINY) / 2**49 + 2 * spread
        supports.append(Interval(low - rounding, high + rounding))
        _, vectors = np.linalg.eigh(h + 1j * k)
        points.append(vectors[:, -1].conj() @ a @ vectors[:, -1])
    largest = largest_of(supports)
    # A boundary point lies within half a direction's turn of one of them, but for rounding.
    turn = Fraction(cos(np.pi / angles + 2.0**-40) * (1 - 2.0**-40))
    return NumericalRange(theta, supports, np.array(points),
                          Interval(largest.lower, largest.upper / turn))


def departure_from_normality(matrix: Matrix) -> Interval:
    """Henrici's measure √(‖A‖²_F − Σ|λ|²), enclosed; 0 for a normal matrix."""
    given = enclose(matrix)
    found = spectrum(matrix)
    data = given.floats.toarray() if given.entries is None else given.entries
    with precision(128):
        total = Interval(0)
        for entry in data.ravel().tolist():
            total = total + as_interval(entry) ** 2
        for real, imaginary in found.eigenvalues:
            total = total - real**2 - imaginary**2
        return total.max(0).sqrt()


@dataclass(frozen=True, eq=False)
class TransientGrowth:
    """How large the powers of a matrix get.

    Attributes
    ----------
    norms : list of Interval
        ‖Aᵏ‖ for k = 0, 1, …
    largest : Interval
        The supremum over all k if `bounded`, else over those that were computed.  Its upper end is
        infinite where the powers are bounded, but it is not known by what.
    bounded : bool or None
        Whether all powers are bounded, proved: a power has norm <= 1, or `bound_of_powers` tells.
    kreiss : Interval
        The Kreiss constant sup (|z| − 1) ‖(z I − A)⁻¹‖, |z| > 1: from values at some points up to
        `largest`, which bounds it.
    bound : PowerBound
        Why the powers are bounded, or why not.
    """

    norms: list[Interval]
    largest: Interval
    bounded: bool | None
    kreiss: Interval
    bound: PowerBound = field(default_factory=lambda: PowerBound(None))

    def __str__(self) -> str:
        return f"powers are {self.bound}; the largest norm of {len(self.norms)} is {self.largest}"


def transient_growth(matrix: Matrix, steps: int = 200) -> TransientGrowth:
    """Enclose the norms of the powers of a matrix, up to the first that is at most 1.

    If ‖Aᵐ‖ <= 1 with m >= 1, no later power is larger than those before m.

    Parameters
    ----------
    matrix : array_like, sparse matrix, Operator or Jacobian, shape (N, N), N <= 500
    steps : int
        The most powers that are computed.
    """
    a, spread = _dense(matrix)
    steps, n = integer(steps, "steps", 1), len(a)
    size, bound = enclose_norm(a, spread), bound_by_sums(matrix, enclose(matrix))
    power, off, norms = np.eye(n), Fraction(0), [Interval(1)]
    own, sizes, away = float(norm_bounds(a)), np.abs(a), np.zeros_like(a)
    for _ in range(steps):
        rounding = Fraction((n + 4) * U * UP * own * float(norm_bounds(power)))
        off = size.upper * off + spread * (norms[-1].upper + off) + rounding
        if not spread:  # and entry by entry, where |A| grows less than the powers of ‖A‖
            away = UP * ((away + (n + 4) * U * np.abs(power)) @ sizes) + TINY
            if np.isfinite(away).all():
                off = min(off, Fraction(float(norm_bounds(away))))
        power = power @ a
        norms.append(enclose_norm(power, off))
        if norms[-1].hi <= 1 or bound.most.hi <= 1 or not norms[-1].upper < 2**400:
            break
    largest = largest_of(norms)
    if norms[-1].hi <= 1:
        bound = bound if bound.bounded else PowerBound(True, most=largest)
    if bound.bounded is None:
        bound = bound_of_powers(matrix)
    if bound.bounded and norms[-1].hi > 1:
        largest = Interval(largest.lower, max(largest.hi, bound.most.hi)) \
            if bound.most.hi > 1 else Interval(1)
    return TransientGrowth(norms, largest, bound.bounded, _kreiss(
        a, spread, largest if bound.bounded else Interval(1, np.inf)), bound)


def _kreiss(a: np.ndarray, spread: Fraction, largest: Interval) -> Interval:
    """From 1, for |z| → ∞, or the best of some points, up to the largest norm.

    ‖(z − A)⁻¹‖ >= ‖v‖/‖(z − A) v‖ for any v.
    """
    try:
        triangle, basis = scipy.linalg.schur(a, output="complex")
    except np.linalg.LinAlgError:  # LAPACK may give up on entries of very different sizes
        return Interval(1, largest.hi)
    turns = np.exp(1j * np.pi * np.arange(25) / 24)  # a real matrix is as large at conjugates
    best, where = 1.0, None
    for point in np.outer(1 + 2.0 ** -np.arange(-1, 12), turns).ravel():
        v, value = _rough_singular_vector(triangle, point)
        if (abs(point) - 1) / value > best:
            best, where = (abs(point) - 1) / value, (point, basis @ v)
    if where is None:
        return Interval(1, largest.hi)
    z, v = where
    rounding = 4 * (len(a) + 8) * U * (abs(z) + norm_bounds(a)) * np.linalg.norm(v)
    value = UP * ((np.linalg.norm(z * v - a @ v) + rounding) / np.linalg.norm(v) + float(spread))
    best = max(1.0, (abs(z) * (1 - 2.0**-50) - 1) / (value * UP))
    return Interval(best, largest.hi if largest.hi > best else best)


def _rough_singular_vector(triangle: np.ndarray, z: complex) -> tuple[np.ndarray, float]:
    """A vector v of length 1 and ‖(z − T) v‖, about as small as it gets, by inverse iteration."""
    shifted = z * np.eye(len(triangle)) - triangle
    v = np.random.default_rng(0).standard_normal(len(triangle)) + 0j
    with np.errstate(all="ignore"):  # of what overflows nothing is told
        for _ in range(_INVERSE):
            for trans in "C", "N":
                try:
                    v = scipy.linalg.solve_triangular(shifted, v, trans=trans, check_finite=False)
                except np.linalg.LinAlgError:  # z is an eigenvalue
                    return v, np.inf
                v /= np.abs(v).max()
        v /= np.linalg.norm(v)
        value = float(np.linalg.norm(shifted @ v))
    return v, value if value > 0 else np.inf


def _dense(matrix: Matrix) -> tuple[np.ndarray, Fraction]:
    given = enclose(matrix)
    if given.size > _LARGEST:
        raise InvalidArgument(f"matrix: must have at most {_LARGEST} rows here, got {given.size}")
    dense = given.floats.toarray()
    if not np.abs(dense).max(initial=0) <= _RANGE:
        raise InvalidArgument("matrix: must have entries up to 1e120 here; scale it")
    return dense, given.spread
