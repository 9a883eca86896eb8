"""Whether all powers of a matrix are bounded, in exact arithmetic.

Sizes that add up to at most 1 in every row, or in every column, are a norm that does not grow; a
spectral radius below or above 1 decides as well.  In between, where floats cannot tell, the
characteristic polynomial does (:mod:`stabkit.arithmetic.unit_circle`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from math import fsum, inf

import numpy as np
from flint import fmpq_mat

from stabkit.aliases import Matrix
from stabkit.arithmetic.enclosure import Interval, has_intervals
from stabkit.arithmetic.rational import from_flint, is_psd, to_flint
from stabkit.arithmetic.unit_circle import BOUNDED, DEFECTIVE, state_of
from stabkit.errors import Undecided
from stabkit.operators import Operator, from_matrix
from stabkit.spectra.eigenvalues import Spectrum, spectrum
from stabkit.spectra.matrices import Enclosed, enclose
from stabkit.spectra.whole import LARGEST

_ROWS = 200  # up to which the characteristic polynomial is taken,
_WORK = 2**37  # and rows⁴ times the bits of the longest entry
_ELIMINATED = 64  # rows up to which I − AᵀA is eliminated in fractions
_SUMMED = 4 * 10**6  # entries whose sums are taken exactly
_ROUNDING = 2.0**-41  # beyond 1 of a root that the rounding of entries may have moved


@dataclass(frozen=True)
class PowerBound:
    """Whether the powers of a matrix are bounded.

    Attributes
    ----------
    bounded : bool or None
        ``None`` where it is not known.
    because : str
    most : Interval
        The supremum of ‖Aᵏ‖ over all k >= 0; its upper end is infinite where none is known.
    by_rounding : bool
        Whether they are unbounded as the entries are floats: a root is within 5·10⁻¹³ of the unit
        circle, or with the numbers that were meant they are bounded.
    """

    bounded: bool | None
    because: str = ""
    most: Interval = field(default_factory=lambda: Interval(1, inf))
    by_rounding: bool = False

    def __str__(self) -> str:
        kind = {True: "bounded", False: "unbounded", None: "not known to be bounded"}[self.bounded]
        return kind + (f": {self.because}" if self.because else "")


OPEN = PowerBound(None)
_SUMS = "the sizes of the entries in every {} add up to at most 1"
_INSIDE = "all eigenvalues lie inside the unit circle"
_OUTSIDE = "an eigenvalue lies outside the unit circle"
_ON_THE_CIRCLE = "no eigenvalue lies outside the unit circle, and those on it have no Jordan block"


def bound_of_powers(matrix: Matrix, found: Spectrum | None = None, *, whole: bool = True
                    ) -> PowerBound:
    """Decide whether ‖Aᵏ‖ stays bounded for k = 0, 1, …

    Parameters
    ----------
    matrix : array_like, sparse matrix, Operator or Jacobian, shape (N, N)
        Floats are taken exactly; where the numbers that were meant by them decide otherwise, the
        reason says so.
    found : Spectrum, optional
        Its spectrum, if it is known already.
    whole : bool
        Whether else all eigenvalues may be enclosed, of up to 2000 rows.

    Examples
    --------
    >>> print(bound_of_powers([[0, -1], [1, 0]]), bound_of_powers([[1, 1], [0, 1]]), sep="\\n")
    bounded: the sizes of the entries in every row and column add up to at most 1
    unbounded: a root on the unit circle with a Jordan block
    """
    given = enclose(matrix)
    by_sums = bound_by_sums(matrix, given)
    if by_sums.bounded:
        return by_sums
    radius = None if found is None else found.radius
    if radius is None and whole and given.size <= LARGEST:
        with suppress(Undecided):  # such as of a defective matrix
            radius = spectrum(matrix).radius
    if radius is not None and radius.hi < 1:
        return PowerBound(True, _INSIDE)
    if radius is not None and radius.lo > 1:
        return PowerBound(False, _OUTSIDE)
    K = _operator(matrix, given) if given.size <= _ROWS else None
    if K is None:
        return OPEN
    bound = _by_polynomial(K)
    if given.entries is not None or isinstance(matrix, Operator) or bound.because == DEFECTIVE:
        return bound
    return _compare_with_meaning(bound, K.meant(), radius)


def bound_by_sums(matrix: Matrix, given: Enclosed) -> PowerBound:
    """By ‖A‖_∞ <= 1 or ‖A‖₁ <= 1: ‖Aᵏ‖ <= √n, and <= 1 with both, as ‖A‖² <= ‖A‖₁‖A‖_∞."""
    if isinstance(matrix, Operator):
        return _by_sums(matrix.row_of_entry, matrix.columns, matrix.values, given.size)
    if given.entries is not None:
        rows, columns = np.nonzero(given.entries)
        return OPEN if has_intervals(given.entries.flat) else \
            _by_sums(rows, columns, given.entries[rows, columns], given.size)
    if given.radius is not None:
        return OPEN
    entries = given.floats.tocoo()
    return _by_sums(entries.row, entries.col, entries.data, given.size)


def _by_sums(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, n: int) -> PowerBound:
    sizes = np.abs(values)
    by_row, by_column = (_are_at_most_one(places, sizes) for places in (rows, columns))
    if by_row and by_column:
        return PowerBound(True, _SUMS.format("row and column"), Interval(1))
    if by_row or by_column:
        most = Interval(1).hull(Interval(Fraction(n)).sqrt())
        return PowerBound(True, _SUMS.format("row" if by_row else "column"), most)
    return OPEN


def _are_at_most_one(places: np.ndarray, sizes: np.ndarray) -> bool:
    """Whether the numbers of each place add up to at most 1, exactly."""
    sums = np.bincount(places, weights=sizes.astype(float), minlength=1)
    room = (int(np.bincount(places, minlength=1).max()) + 4) * 2.0**-52
    if not (sums <= 1 + room).all():
        return False
    close = np.flatnonzero((sums > 1 - room)[places])
    if close.size > _SUMMED:
        return False
    close = close[np.argsort(places[close], kind="stable")]
    exact = sizes[close].tolist()
    cuts = [0, *(np.flatnonzero(np.diff(places[close])) + 1).tolist(), len(exact)]
    if sizes.dtype != object:  # the sign of a sum that is rounded once is that of the sum
        return all(fsum((*exact[a:b], -1.0)) <= 0 for a, b in pairwise(cuts))
    return all(sum(exact[a:b]) <= 1 for a, b in pairwise(cuts))


def _operator(matrix: Matrix, given: Enclosed) -> Operator | None:
    """The matrix with its exact entries; None where they are not known."""
    if isinstance(matrix, Operator):
        return matrix
    if given.entries is None:
        return from_matrix(given.floats) if given.radius is None else None
    return None if has_intervals(given.entries.flat) else from_matrix(given.entries)


def _compare_with_meaning(bound: PowerBound, meant: Operator, radius: Interval | None
                           ) -> PowerBound:
    """What is known of a matrix of floats, with what rounding may have to do with it."""
    if bound.bounded is False and radius is not None and radius.hi < 1 + _ROUNDING:
        bound = replace(bound, by_rounding=True, because=f"{bound.because}, by "
                        f"{float(radius.hi) - 1:.1e} at most, which rounding may have done")
    other = bound_by_sums(meant, enclose(meant))
    other = other if other.bounded else _by_polynomial(meant)
    if other.bounded is None or other.bounded is bound.bounded:
        return bound
    return replace(bound, by_rounding=bound.bounded is False, because=(
        f"{bound.because or 'the doubles are not decided'}; with the numbers meant by the floats "
        f"they are {other}"))


def _by_polynomial(K: Operator) -> PowerBound:
    bits = max((max(x.numerator.bit_length(), x.denominator.bit_length())
                for x in {*K.values}), default=1)
    if K.shape[0] > _ROWS or K.shape[0] ** 4 * bits > _WORK:
        return OPEN
    m = to_flint(K.exact())
    gram = m.transpose() * m
    if _is_at_most_one(gram):
        return PowerBound(True, "the norm is at most 1, exactly", Interval(1))
    try:
        state = state_of(m)
    except Undecided:
        return OPEN
    if state != BOUNDED:
        return PowerBound(False, state)
    return PowerBound(True, _ON_THE_CIRCLE,
                      Interval(1) if gram == m * m.transpose() else Interval(1, inf))


def _is_at_most_one(gram: fmpq_mat) -> bool:
    """Whether AᵀA <= I."""
    rest = to_flint(np.eye(gram.nrows(), dtype=int)) - gram
    if rest == 0 * rest:
        return True
    exact = from_flint(rest)
    return len(exact) <= _ELIMINATED and bool(
        np.linalg.eigvalsh(exact.astype(float)).min() > -1e-9) and is_psd(exact)
