"""Bounded powers of leapfrog in its forms, for any size: all angles are those of one matrix K.

u⁺ = 2u − p − q K u, p⁺ = u with q = tᵏ has the roots of z² − (2 − q λ) z + 1 for the eigenvalues λ
of K.  Staggered, h⁺ = h + t D u and u⁺ = u + t E h⁺, it has those of K = −ED and q = t².  Where K
is symmetric for some positive weights and λ >= 0, they are on the unit circle and simple for
0 < q λ < 4, and one is outside it beyond.  λ = 0 is a drift of the first form, and of the second
one where D or E has an inverse (a velocity and a place); where E = −Dᵀ but for weights it is
harmless, as then K u = 0 only if D u = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import lcm, prod

import numpy as np
from flint import fmpz_mat
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.signs import Cell, cells, up_to_first
from stabkit.stability.sharpness.weights import symmetrising_weights
from stabkit.tracing.form import CONSTANT, Form

_EXACT = 128  # unknowns of which the characteristic polynomial is taken
_FITS = 1 << 56  # entries of which a few may be added as int64
_LINE = 64  # entries of one row
#: Primes below 2²⁷; products of remainders, and sums of 256 of them, fit an int64.
_PRIMES = tuple(2**27 - k for k in (39, 79, 111, 115, 135, 187, 199, 219))
_ONE_BY_ONE = 40_000  # unknowns up to which weights are sought


@dataclass(frozen=True, eq=False)
class Leapfrog:
    """The matrix K, a matrix of integers over `divisor`, and the power of t in q.

    It is symmetric for `weights`, or as it is where these are None; `signs` is a signal that
    alternates.
    """

    matrix: csr_array
    divisor: int
    power: int
    signs: np.ndarray
    weights: list[int] | None = None

    def sets(self) -> tuple[Steps, Steps, str]:
        """Where powers are bounded, where a root is outside, and how that is shown."""
        if self.matrix.shape[0] <= _EXACT:
            p = self._characteristic
            top = [c * (4 * self.divisor)**j for j, c in enumerate(p)][::-1]
            return *intervals(_open(up_to_first(self._in_t(top)))), "the eigenvalues of K, exactly"
        bound = int(np.abs(self.matrix).sum(axis=1).max())
        proved = intervals(_open(up_to_first(self._in_t([4 * self.divisor, -bound]))))[0]
        return proved, self._refuted_steps(), "sums of the moduli of the rows of K"

    @cached_property
    def zeros(self) -> int | None:
        """How many eigenvalues of K are 0; None where it is not seen that no other is negative."""
        if self.matrix.shape[0] > _EXACT:
            return _zeros(self.matrix)
        p = self._characteristic
        count = next(k for k, c in enumerate(p) if c)
        falling = all((c > 0) == ((len(p) - 1 - k) % 2 == 0) for k, c in enumerate(p) if c)
        return count if falling else None

    def _in_t(self, in_q: list[int]) -> list[int]:
        spread = [0] * (self.power * (len(in_q) - 1) + 1)
        spread[::self.power] = in_q
        return spread

    @cached_property
    def _characteristic(self) -> list[int]:
        whole = self.matrix.tocoo()
        exact = fmpz_mat(*whole.shape)
        for i, j, c in zip(whole.row.tolist(), whole.col.tolist(), whole.data.tolist(),
                           strict=True):
            exact[i, j] = c
        return [int(c) for c in exact.charpoly().coeffs()]

    def _refuted_steps(self) -> Steps:
        """Beyond 4 over a quotient of Rayleigh, in q, as that is no larger than an eigenvalue."""
        u = np.random.default_rng(0).standard_normal(self.matrix.shape[0])
        for _ in range(60):
            u = self.matrix @ u
            u = u / np.abs(u).max()
        quotients = [self._quotient(np.rint(signal * 64).astype(np.int64))
                     for signal in (u, self.signs)]
        top = max(quotients)
        return intervals(cells([[Fraction(c) for c in self._in_t(
            [4 * self.divisor * top.denominator, -top.numerator])]]))[1] if top > 0 else ()

    def _quotient(self, u: np.ndarray) -> Fraction:
        own = u.tolist() if self.weights is None else \
            [w * a for w, a in zip(self.weights, u.tolist(), strict=True)]
        if _largest(self.matrix) * _LINE * int(np.abs(u).max()) < 1 << 62:
            image = (self.matrix @ u).tolist()
        else:
            whole, image = self.matrix.tocoo(), [0] * u.size
            for i, j, c in zip(whole.row.tolist(), whole.col.tolist(), whole.data.tolist(),
                               strict=True):
                image[i] += c * int(u[j])
        return Fraction(sum(a * b for a, b in zip(own, image, strict=True)),
                        sum(a * b for a, b in zip(own, u.tolist(), strict=True)))


def _open(line: list[Cell]) -> list[Cell]:
    """Without the end, at which a root on the unit circle is double."""
    return [Cell(c.low, c.high, False) if c.is_point else replace(c, closed=False) for c in line]


def leapfrog_of(step: OwnStep, drift: bool = False) -> Leapfrog | None:
    """K, where the step is one of the forms, apart from places that it holds; else None.

    With `drift`, one eigenvalue 0 is left out that makes a mean drift.
    """
    form = step.free.form
    kept = form.columns != CONSTANT
    width = form.numerators.shape[1]
    if len(form.denominator) > 1 or form.numerators.dtype == object or width > 4 or \
            np.abs(form.numerators).max(initial=0) >= _FITS or form.denominator[0] >= _FITS:
        return None
    places = form.rows[kept], form.columns[kept] - 1
    powers = [csr_array((form.numerators[kept, k], places), shape=(form.count,) * 2)
              for k in range(width)]
    for part in powers:
        part.eliminate_zeros()
    d = int(form.denominator[0])
    if width == 4:
        whole = _once_a_step(powers, d)
        if whole is None:
            return None
        powers = whole
    found = _two_levels(powers, d, step.chessboard)
    if found is not None:
        return found if found.zeros == (1 if drift else 0) else None
    return _split_fields(powers, d, step.chessboard, drift)


def _once_a_step(powers: list[csr_array], d: int) -> list[csr_array] | None:
    """Half a kick v − t/2 G x, a drift x + t B v, half a kick: as a whole kick and a drift.

    The two are similar, by half a kick, so their powers are bounded together.
    """
    v = np.diff(powers[3].tocsr().indptr) > 0
    x = ~v
    drift, kick = powers[1][x][:, v], -powers[1][v][:, x]
    places, speeds = -2 * powers[2][x][:, x], -2 * powers[2][v][:, v]
    if any(part.nnz for part in (powers[1][x][:, x], powers[1][v][:, v], powers[2][x][:, v],
                                 powers[2][v][:, x], powers[3][v][:, v])) or not (
            _same(powers[0], d * _eye(powers[0].shape[0])) and _is_product(drift, kick, places, d)
            and _is_product(kick, drift, speeds, d)
            and _is_product(kick, places, 4 * powers[3][v][:, x], d)):
        return None
    keep = csr_array((x.astype(np.int64), (np.arange(x.size),) * 2), shape=(x.size,) * 2)
    return [powers[0], powers[1], (2 * keep @ powers[2] @ keep).tocsr()]


def _two_levels(powers: list[csr_array], d: int, signs: np.ndarray) -> Leapfrog | None:
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
            not _same(free_first, 2 * d * inner) or first[:n, :n][free][:, held].nnz:
        return None
    return _of_matrix(matrix, d, power, signs[:n][free])


def _of_matrix(matrix: csr_array, divisor: int, power: int, signs: np.ndarray) -> Leapfrog | None:
    """K, where it is symmetric for some weights."""
    if _same(matrix, matrix.T):
        return Leapfrog(matrix, divisor, power, signs)
    weights = _weights(matrix)
    return None if weights is None else Leapfrog(matrix, divisor, power, signs, weights)


def _weights(matrix: csr_array) -> list[int] | None:
    """Weights that make a matrix symmetric, as integers."""
    if matrix.shape[0] > _ONE_BY_ONE:
        return None
    whole = matrix.tocsr()
    whole.sort_indices()
    entries = whole.tocoo()
    found = symmetrising_weights(Form(matrix.shape[0], entries.row.astype(np.int64),
                                              entries.col.astype(np.int64) + 1, entries.data[:,
                                                                                             None]))
    scale = 1 if found is None else lcm(*(w.denominator for w in found))
    return None if found is None else [int(w * scale) for w in found]


def _own(first: csr_array, held: np.ndarray, d: int) -> int:
    """How many of the places that are held keep their value; the others become 0."""
    rows = first[held].tocoo()
    index = np.flatnonzero(held)
    return int(np.sum((index[rows.row] == rows.col) & (rows.data == d)))


def _split_fields(powers: list[csr_array], d: int, signs: np.ndarray, drift: bool
                     ) -> Leapfrog | None:
    if len(powers) != 3 or not _same(powers[0], d * _eye(powers[0].shape[0])):
        return None
    once, twice = (np.diff(part.tocsr().indptr) > 0 for part in powers[1:])
    h, u = once & ~twice, twice
    still = ~(h | u)
    down, up = powers[1][h][:, u], powers[1][u][:, h]
    twice_uu = powers[2][u][:, u]
    if powers[1][h][:, h].nnz or powers[1][u][:, u].nnz or powers[2][u][:, h].nnz or \
            not h.any() or not _is_product(up, down, twice_uu, d):
        return None
    found = _of_matrix((-twice_uu).tocsr(), d, 2, signs[u])
    if found is None:
        return None
    fed = any(part[~still][:, still].nnz for part in powers[1:])
    has_inverse = h.sum() == u.sum() and found.zeros == 0
    # What stays as it is has the root 1, which no other place may have where it is read.
    if fed or not _are_opposite(down, up):
        return found if has_inverse or (
            drift and not fed and found.zeros == 1 and (_is_scaling(up) or _is_scaling(down))
        ) else None
    return None if drift else found


def _is_product(a: csr_array, b: csr_array, c: csr_array, d: int) -> bool:
    """Whether a b = d c, by remainders of so many primes that there is no other number."""
    a, b, c = a.tocsr(), b.tocsr(), c.tocsr()
    longest = int(np.diff(a.indptr).max(initial=0))
    size = 2 * (_largest(a) * _largest(b) * max(1, longest) + d * _largest(c)) + 1
    if longest > _LINE or size >= prod(_PRIMES):
        return False
    for p in _PRIMES:
        rest = _modulo(a, p) @ _modulo(b, p) - (d % p) * _modulo(c, p)
        if (rest.data % p).any():
            return False
        size //= p
        if not size:
            break
    return True


def _modulo(part: csr_array, p: int) -> csr_array:
    return csr_array((part.data % p, part.indices, part.indptr), shape=part.shape)


def _largest(part: csr_array) -> int:
    return int(np.abs(part.data).max(initial=0))


def _are_opposite(down: csr_array, up: csr_array) -> bool:
    """Whether E = −Dᵀ, but for positive weights of its rows and columns."""
    return _same(up, -down.T) or _weights(
        block_array([[None, down], [-up, None]], format="csr")) is not None


def _is_scaling(part: csr_array) -> bool:
    """Whether every row and every column has exactly one entry."""
    return part.shape[0] == part.shape[1] == part.nnz and \
        bool((np.diff(part.tocsr().indptr) == 1).all() and
             (np.diff(part.tocsc().indptr) == 1).all())


def _eye(n: int) -> csr_array:
    return csr_array((np.ones(n, dtype=np.int64), (np.arange(n), np.arange(n))), shape=(n, n))


def _same(a: csr_array, b: csr_array) -> bool:
    return a.shape == b.shape and (abs(a - b)).max() == 0 if a.shape[0] and a.shape[1] else \
        a.shape == b.shape


def _zeros(matrix: csr_array) -> int | None:
    """In how many parts of its graph all rows sum to 0; None for what is no M-matrix.

    Where no entry beside the diagonal is positive and no row sum is negative, each such part has
    one eigenvalue 0, and all others are positive.
    """
    beside = matrix - csr_array((matrix.diagonal(), (np.arange(matrix.shape[0]),) * 2),
                                shape=matrix.shape)
    sums = matrix.sum(axis=1)
    if beside.max() > 0 or (sums < 0).any():
        return None
    count, part = connected_components(matrix, directed=False)
    return int((np.bincount(part, weights=sums > 0, minlength=count) == 0).sum())
