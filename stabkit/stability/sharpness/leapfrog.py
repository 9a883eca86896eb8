"""Bounded powers of the two forms of leapfrog, for any size: all angles are those of one matrix K.

u⁺ = 2u − p − q K u, p⁺ = u with q = tᵏ has the roots of z² − (2 − q λ) z + 1 for the eigenvalues λ
of K.  Staggered, h⁺ = h + t D u and u⁺ = u − t Dᵀ h⁺, it has those of K = DᵀD and q = t².  Where K
is symmetric they are on the unit circle and simple for 0 < q λ < 4, and one is outside it beyond;
λ = 0 is a drift of the first form, and harmless in the second one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from flint import fmpz_mat
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.signs import Cell, cells, up_to_first
from stabkit.tracing.form import CONSTANT

_EXACT = 128  # unknowns of which the characteristic polynomial is taken
_FITS = 1 << 20  # entries whose products and sums of such fit an int64


@dataclass(frozen=True, eq=False)
class Leapfrog:
    """The symmetric matrix K, a matrix of integers over `divisor`, and the power of t in q."""

    matrix: csr_array
    divisor: int
    power: int

    def sets(self) -> tuple[Steps, Steps, str]:
        """Where powers are bounded, where a root is outside, and how that is shown."""
        if self.matrix.shape[0] <= _EXACT:
            p = self._characteristic()
            top = [c * (4 * self.divisor)**j for j, c in enumerate(p)][::-1]
            return *intervals(_open(up_to_first(self._in_t(top)))), "the eigenvalues of K, exactly"
        bound = int(np.abs(self.matrix).sum(axis=1).max())
        proved = intervals(_open(up_to_first(self._in_t([4 * self.divisor, -bound]))))[0]
        return proved, self._refuted(), "sums of the moduli of the rows of K"

    @property
    def has_inverse(self) -> bool:
        """Whether K is seen to have one."""
        if self.matrix.shape[0] <= _EXACT:
            return self._characteristic()[0] != 0
        return _is_definite(self.matrix)

    def _in_t(self, in_q: list[int]) -> list[int]:
        spread = [0] * (self.power * (len(in_q) - 1) + 1)
        spread[::self.power] = in_q
        return spread

    def _characteristic(self) -> list[int]:
        whole = self.matrix.tocoo()
        exact = fmpz_mat(*whole.shape)
        for i, j, c in zip(whole.row.tolist(), whole.col.tolist(), whole.data.tolist(),
                           strict=True):
            exact[i, j] = c
        return [int(c) for c in exact.charpoly().coeffs()]

    def _refuted(self) -> Steps:
        """Beyond 4 over a quotient of Rayleigh, in q, as that is no larger than an eigenvalue."""
        u = np.random.default_rng(0).standard_normal(self.matrix.shape[0])
        for _ in range(60):
            u = self.matrix @ u
            u = u / np.abs(u).max()
        whole = np.rint(u * 64).astype(np.int64)
        image = (self.matrix @ whole).tolist()
        top = sum(a * b for a, b in zip(whole.tolist(), image, strict=True))
        bottom = int(whole @ whole)
        if top <= 0:
            return ()
        return intervals(cells([[Fraction(c) for c in self._in_t(
            [4 * self.divisor * bottom, -top])]]))[1]


def _open(line: list[Cell]) -> list[Cell]:
    """Without the end, at which a root on the unit circle is double."""
    return [Cell(c.low, c.high, False) if c.is_point else replace(c, closed=False) for c in line]


def leapfrog_of(step: OwnStep) -> Leapfrog | None:
    """K, where the step is one of the two forms, apart from places that it holds; else None."""
    form = step.free.form
    kept = form.columns != CONSTANT
    width = form.numerators.shape[1]
    if len(form.denominator) > 1 or form.numerators.dtype == object or width > 3 or \
            np.abs(form.numerators).max(initial=0) >= _FITS or form.denominator[0] >= _FITS:
        return None
    places = form.rows[kept], form.columns[kept] - 1
    powers = [csr_array((form.numerators[kept, k], places), shape=(form.count,) * 2)
              for k in range(width)]
    for part in powers:
        part.eliminate_zeros()
    d = int(form.denominator[0])
    return _two_levels(powers, d) or _staggered(powers, d)


def _two_levels(powers: list[csr_array], d: int) -> Leapfrog | None:
    size = powers[0].shape[0]
    n = size // 2
    if size % 2 or len(powers) < 2 or sum(bool(p.nnz) for p in powers[1:]) != 1:
        return None
    first, power = powers[0], next(k for k, p in enumerate(powers) if k and p.nnz)
    change = powers[power]
    if not _same(first[n:, :n], d * _eye(n)) or first[n:, n:].nnz or change[n:].nnz or \
            change[:, n:].nnz:
        return None
    own = first[:n, n:]
    free = own.diagonal() != 0  # the others are held: they follow nothing but themselves
    if not free.any():
        return None
    held = ~free
    if change[:n][held].nnz or first[:n, :n][held].nnz > _own(first[:n, :n], held, d):
        return None
    free_first, free_own = first[:n, :n][free][:, free], own[free][:, free]
    inner = _eye(int(free.sum()))
    matrix = (-change[:n, :n][free][:, free]).tocsr()
    if own[held].nnz or own[free].nnz != free.sum() or not _same(free_own, -d * inner) or \
            not _same(free_first, 2 * d * inner) or first[:n, :n][free][:, held].nnz or \
            not _same(matrix, matrix.T) or not _is_definite(matrix):
        return None
    return Leapfrog(matrix, d, power)


def _own(first: csr_array, held: np.ndarray, d: int) -> int:
    """How many of the places that are held keep their value; the others become 0."""
    rows = first[held].tocoo()
    index = np.flatnonzero(held)
    return int(np.sum((index[rows.row] == rows.col) & (rows.data == d)))


def _staggered(powers: list[csr_array], d: int) -> Leapfrog | None:
    if len(powers) != 3 or not _same(powers[0], d * _eye(powers[0].shape[0])):
        return None
    once, twice = (np.diff(part.tocsr().indptr) > 0 for part in powers[1:])
    h, u = once & ~twice, twice
    still = ~(h | u)
    down, up = powers[1][h][:, u], powers[1][u][:, h]
    if powers[1][h][:, h].nnz or powers[1][u][:, u].nnz or powers[2][u][:, h].nnz or \
            not h.any() or not _same(up, -down.T):
        return None
    matrix = (down.T @ down).tocsr()
    if not _same(d * powers[2][u][:, u], -matrix):
        return None
    found = Leapfrog(matrix, d * d, 2)
    fed = any(part[~still][:, still].nnz for part in powers[1:])
    # What stays as it is has the root 1, which no other place may have where it is read.
    return found if not fed or (h.sum() == u.sum() and found.has_inverse) else None


def _eye(n: int) -> csr_array:
    return csr_array((np.ones(n, dtype=np.int64), (np.arange(n), np.arange(n))), shape=(n, n))


def _same(a: csr_array, b: csr_array) -> bool:
    return a.shape == b.shape and (abs(a - b)).max() == 0 if a.shape[0] and a.shape[1] else \
        a.shape == b.shape


def _is_definite(matrix: csr_array) -> bool:
    """Whether no entry beside the diagonal is positive, and in every part of the graph a row sum.

    Such a matrix has positive eigenvalues alone.
    """
    beside = matrix - csr_array((matrix.diagonal(), (np.arange(matrix.shape[0]),) * 2),
                                shape=matrix.shape)
    sums = matrix.sum(axis=1)
    if beside.max() > 0 or (sums < 0).any():
        return False
    count, part = connected_components(matrix, directed=False)
    return bool((np.bincount(part, weights=sums > 0, minlength=count) > 0).all())
