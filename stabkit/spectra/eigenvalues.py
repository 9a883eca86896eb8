"""Enclosures of eigenvalues: extreme ones at any size, whole spectra of up to 2000 rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy

from stabkit.aliases import Matrix, Signal
from stabkit.arithmetic.enclosure import (
    Interval,
    has_intervals,
    largest_of,
)
from stabkit.arithmetic.rational import fractions, from_flint, to_flint
from stabkit.errors import InvalidArgument, Undecided
from stabkit.operators.derivatives import Inverse
from stabkit.schemes import Scheme
from stabkit.spectra.exact_eigenvalues import (
    are_short,
    by_balls,
    eigenvalues_of_entries,
    moduli,
)
from stabkit.spectra.jacobian import exact_jacobian
from stabkit.spectra.matrices import Enclosed, enclose
from stabkit.spectra.symmetric import bounds_of_largest, norm_within
from stabkit.spectra.whole import LARGEST, UP, Discs, discs

_BALLS = 128  # rows up to which eigenvalues are enclosed in balls where floats do not suffice
_EPS = Fraction(1, 2**50)


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
        Whether MMᵀ = MᵀM; ``None`` where it is not known, as for a matrix in enclosures.
    """

    eigenvalues: tuple[tuple[Interval, Interval], ...]
    radius: Interval
    norm: Interval
    normal: bool | None

    def __str__(self) -> str:
        kind = {True: "normal", False: "not normal", None: "normality unknown"}[self.normal]
        return f"spectral radius {self.radius}, norm {self.norm}, {kind}"


def spectrum(matrix: Matrix) -> Spectrum:
    """Enclose the whole spectrum of a matrix.

    Parameters
    ----------
    matrix : array_like, sparse matrix, Operator or Jacobian, shape (N, N)
        Of fractions with N <= 128: by the characteristic polynomial; of intervals with N <= 64:
        FLINT's enclosures.  Else N <= 2000: floats are taken exactly, every eigenvalue gets a
        proven disc, and eigenvalues whose discs meet share the enclosure of all of them.  Where
        eigenvectors are too close to dependent for discs, floats are fractions up to N = 128.

    Raises
    ------
    InvalidArgument
        If the matrix is not square, too large, or an entry is not finite.
    Undecided
        If the eigenvalues cannot be enclosed, as of wide intervals or of a large defective matrix.
    """
    if isinstance(matrix, np.ndarray) and matrix.dtype.kind == "c":
        return _of_complex(matrix)
    given = enclose(matrix)
    if given.size > LARGEST:
        raise InvalidArgument(f"matrix: must have at most {LARGEST} rows, got {given.size}; "
                              "extreme_eigenvalues takes more")
    if given.entries is not None and are_short(given.entries):
        return _of_entries(given.entries)
    if isinstance(found := _discs_or_entries(given), np.ndarray):
        if are_short(found):
            return _of_entries(found)
        values = by_balls(found)
        radius = largest_of(moduli(values))
    else:
        values = _boxes(found)
        radius = largest_of([Interval(float(low), float(high)) for low, high in _distances(found)])
    norm = radius if given.symmetric else norm_within(given.floats, given.spread)
    return Spectrum(tuple(values), radius, norm, _is_normal(given))


def extreme_eigenvalues(matrix: Matrix) -> tuple[Interval, Interval]:
    """Enclose the smallest and the largest eigenvalue, at any size.

    Parameters
    ----------
    matrix : array_like, sparse matrix, Operator or Jacobian, shape (N, N)
        Floats are taken exactly.

    Returns
    -------
    (Interval, Interval)
        Of a matrix that is not symmetric they are those of the real parts.  Sharp to some 10⁻¹⁴
        to 10⁻¹² of the largest entry for symmetric bands, symmetric sparse matrices whose rows can
        be ordered in few bands (of 2²⁸ numbers, as on grids of 640 x 640 sites), and
        tridiagonal matrices with products of opposite entries >= 0; for any other with up to 2000
        rows, by its whole spectrum.  Beyond that they are only known to lie between the ends of
        the numerical range, with the mean eigenvalue in between.

    Raises
    ------
    InvalidArgument
        If the matrix is not square, an entry is not finite, or the bands are too many.
    Undecided
        If the eigenvalues cannot be enclosed.

    Examples
    --------
    >>> from stabkit import difference
    >>> D = difference(1, 10**4)
    >>> low, high = extreme_eigenvalues(D.T @ D)
    >>> high.width < 1e-13, low.lower <= 0 <= low.upper, high < 4
    (True, True, True)
    """
    if isinstance(matrix, Inverse):
        return _of_inverse(matrix)
    given = enclose(matrix)
    if given.entries is not None and are_short(given.entries):
        return _ends([real for real, _ in eigenvalues_of_entries(given.entries)])
    if given.symmetric:
        return _of_symmetric(given.floats, given.spread)
    balanced = _balance(given)
    if balanced is not None:
        return _of_symmetric(*balanced)
    if given.size <= LARGEST:
        found = _discs_or_entries(given)
        values = _boxes(found) if isinstance(found, Discs) else \
            eigenvalues_of_entries(found) if are_short(found) else by_balls(found)
        return _ends([real for real, _ in values])
    return _by_numerical_range(given)


def _discs_or_entries(given: Enclosed) -> Discs | np.ndarray:
    """Discs; or, where floats do not suffice and there are few rows, the entries as fractions."""
    try:
        return _discs(given)
    except Undecided:
        if given.size > _BALLS or given.radius is not None:
            raise
        return fractions(given.floats.toarray(), "matrix")


def _ends(values: list[Interval]) -> tuple[Interval, Interval]:
    return -largest_of([-value for value in values]), largest_of(values)


def _of_symmetric(floats: scipy.sparse.csr_array, spread: Fraction) -> tuple[Interval, Interval]:
    low, high = bounds_of_largest(floats)
    below, above = bounds_of_largest(-floats)
    return (Interval(-above - spread, -below + spread), Interval(low - spread, high + spread))


def _of_inverse(J: Inverse) -> tuple[Interval, Interval]:
    low, high = extreme_eigenvalues(J.inverse)
    if not enclose(J.inverse).symmetric:
        raise InvalidArgument("J: extreme eigenvalues of an inverse need a symmetric matrix")
    if low.lo > 0 or high.hi < 0:
        return high.reciprocal(), low.reciprocal()
    raise Undecided("J: its inverse has eigenvalues of both signs, or one too close to 0")


def _balance(given: Enclosed) -> tuple[scipy.sparse.csr_array, Fraction] | None:
    """A symmetric tridiagonal matrix with the same spectrum, and how far it may be from one.

    Entries b, c that face each other can both be made √(bc) by a change of units, where bc > 0;
    where it is 0 the matrix falls apart.
    """
    n, A = given.size, given.floats
    entries = A.tocoo()
    if given.radius is not None or n < 2 or (np.abs(entries.row - entries.col) > 1).any():
        return None
    upper, lower = A.diagonal(1), A.diagonal(-1)
    if (np.sign(upper) * np.sign(lower) < 0).any():
        return None
    beside = np.sqrt(np.abs(upper)) * np.sqrt(np.abs(lower))  # cannot underflow or overflow
    beside[(upper == 0) | (lower == 0)] = 0
    balanced = scipy.sparse.diags_array([beside, A.diagonal(), beside], offsets=[-1, 0, 1],
                                        format="csr")
    return balanced, Fraction(float(beside.max())) * _EPS


def _by_numerical_range(given: Enclosed) -> tuple[Interval, Interval]:
    symmetric = (given.floats + given.floats.T.tocsr()).tocsr() * 0.5
    symmetric.sum_duplicates()
    rounding = Fraction(float((abs(symmetric) @ np.ones(given.size)).max())) * _EPS + given.spread
    (low, _), (_, high) = ((end.lower - rounding, end.upper + rounding)
                           for end in _of_symmetric(symmetric, Fraction(0)))
    diagonal = given.floats.diagonal()
    mean = sum(map(Fraction, diagonal.tolist())) / given.size
    return Interval(low, mean + given.spread), Interval(mean - given.spread, high)


def along(scheme: Scheme, u: Signal, steps: int) -> Iterator[Spectrum]:
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
        yield spectrum(exact_jacobian(scheme, u))
        u = scheme(u)


# -- small matrices of exact numbers ---------------------------------------------------------------
def _of_entries(matrix: np.ndarray) -> Spectrum:
    values = eigenvalues_of_entries(matrix)
    if has_intervals(matrix.flat):
        normal, gram = None, matrix.T @ matrix
    else:
        exact = to_flint(matrix)
        square = exact.transpose() * exact
        normal, gram = square == exact * exact.transpose(), from_flint(square)
    squares = [real for real, _ in eigenvalues_of_entries(gram)]
    return Spectrum(tuple(values), largest_of(moduli(values)),
                    _nonnegative(largest_of(squares)).sqrt(), normal)


def _nonnegative(value: Interval) -> Interval:
    return value.max(0)


# -- matrices of floats ----------------------------------------------------------------------------
def _discs(given: Enclosed) -> Discs:
    radius = None if given.radius is None else given.radius.toarray()
    if radius is not None and given.symmetric:
        found = discs(given.floats.toarray())
        spread = np.nextafter(float(given.spread), np.inf)
        return Discs(found.centres, found.radii * (1 + 2.0**-50) + spread * (1 + 2.0**-50),
                     real=True)
    return discs(given.floats.toarray(), radius)


def _boxes(found: Discs) -> list[tuple[Interval, Interval]]:
    """For every eigenvalue the box around the discs that it may lie in."""
    centres, groups = found.centres.astype(complex), found.groups
    boxes = {}
    for group in range(groups.max() + 1):
        inside = groups == group
        real, imaginary = (
            Interval(np.nextafter((part - found.radii[inside]).min(), -np.inf),
                     np.nextafter((part + found.radii[inside]).max(), np.inf))
            for part in (centres.real[inside], centres.imag[inside]))
        boxes[group] = real, imaginary
        if inside.sum() == 1 and _is_real(found, centres[inside][0], found.radii[inside][0]):
            boxes[group] = real, Interval(0)
    return [boxes[group] for group in groups.tolist()]


def _is_real(found: Discs, centre: complex, radius: float) -> bool:
    """Whether the only eigenvalue of a disc is real: a real matrix has its conjugate, too.

    Where the conjugate disc meets no other group, the conjugate eigenvalue is the same one.
    """
    if found.real and abs(centre.imag) <= radius:
        distance = np.abs(found.centres - centre.conjugate())
        return int((distance <= (found.radii + radius) * UP).sum()) == 1
    return False


def _distances(found: Discs) -> list[tuple[float, float]]:
    boxes = {}
    size, groups = np.abs(found.centres), found.groups
    for group in range(groups.max() + 1):
        inside = groups == group
        low = (size[inside] - found.radii[inside]).min() * (1 - 2.0**-50)
        boxes[group] = max(0.0, low), (size[inside] + found.radii[inside]).max() * (1 + 2.0**-50)
    return [boxes[group] for group in groups.tolist()]


def _of_complex(matrix: np.ndarray) -> Spectrum:
    # Its real form (Re −Im; Im Re) has the same norm, and is refused for the same entries.
    given = enclose(real_form(matrix))
    if given.size > 2 * LARGEST:
        raise InvalidArgument(f"matrix: must have at most {LARGEST} rows, got {len(matrix)}")
    found = discs(matrix)
    radius = largest_of([Interval(float(low), float(high)) for low, high in _distances(found)])
    return Spectrum(tuple(_boxes(found)), radius, norm_within(given.floats, given.spread), None)


def real_form(matrix: np.ndarray) -> np.ndarray:
    """The real matrix that acts on (Re v, Im v) as a complex matrix acts on v."""
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]]) \
        if matrix.ndim == 2 else matrix


def _is_normal(given: Enclosed) -> bool | None:
    if given.symmetric:
        return True
    if given.radius is not None:
        return None
    dense = given.floats.toarray()
    dense = dense / 2.0 ** np.ceil(np.log2(np.abs(dense).max()))  # so that nothing overflows
    apart = np.abs(dense @ dense.T - dense.T @ dense)
    size = np.abs(dense)
    error = (len(dense) + 8) * 2.0**-52 * (size @ size.T + size.T @ size)
    return False if (apart > 2 * error).any() else None
