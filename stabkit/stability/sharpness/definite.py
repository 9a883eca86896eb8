"""Polynomials in the step with integer matrices as coefficients, and where they are definite."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import fmpq_mat, fmpz_mat
from scipy.sparse import csr_array

from stabkit.arithmetic.rational import from_flint, is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.sharpness.bisection import last_of
from stabkit.stability.sharpness.signs import simplest
from stabkit.stability.verdict import Evidence, calculation
from stabkit.tracing.form import CONSTANT, Form

_DENSE = 128  # unknowns up to which a matrix is decomposed exactly
_WRITTEN = 128  # unknowns of a matrix in a certificate
_FITS = 1 << 62
_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Σ tᵏ Mₖ; sparse matrices of int64 where products of them certainly fit, else FLINT's."""

    coefficients: tuple[csr_array | fmpz_mat, ...]

    @classmethod
    def of(cls, form: Form) -> Polynomial:
        """The numerators of a form, without its constants."""
        kept = form.columns != CONSTANT
        places = form.rows[kept], form.columns[kept] - 1
        n, numerators = form.count, form.numerators[kept]
        largest = max(map(abs, (int(numerators.max(initial=0)), int(numerators.min(initial=0)))))
        most = max(int(np.bincount(part, minlength=1).max(initial=1)) for part in places)
        if 4 * numerators.shape[1] * (most * largest)**2 < _FITS:
            return cls(tuple(csr_array((c.astype(np.int64), places), shape=(n, n))
                             for c in numerators.T))
        if n > _DENSE:
            raise Undecided(f"the numbers of the step are too long for more than {_DENSE} unknowns")
        made = []
        for c in numerators.T:
            whole = fmpz_mat(n, n)
            for i, j, value in zip(*(part.tolist() for part in (*places, c)), strict=True):
                whole[i, j] = int(value)
            made.append(whole)
        return cls(tuple(made))

    def __matmul__(self, other: Polynomial) -> Polynomial:
        width = len(self.coefficients) + len(other.coefficients) - 1
        total: list = [None] * width
        for i, a in enumerate(self.coefficients):
            for j, b in enumerate(other.coefficients):
                product = a * b if isinstance(a, fmpz_mat) else a @ b
                total[i + j] = product if total[i + j] is None else total[i + j] + product
        return Polynomial(tuple(total))

    def __sub__(self, other: Polynomial) -> Polynomial:
        short, long = sorted((self.coefficients, other.coefficients), key=len)
        padded = (*short, *(0 * c for c in long[len(short):]))
        pairs = (padded, long) if short is self.coefficients else (long, padded)
        return Polynomial(tuple(a - b for a, b in zip(*pairs, strict=True)))

    def transpose(self) -> Polynomial:
        """The transposes."""
        return Polynomial(tuple(c.transpose() if isinstance(c, fmpz_mat) else c.T.tocsr()
                                for c in self.coefficients))

    def gram(self) -> Polynomial:
        """M Mᵀ."""
        return self @ self.transpose()

    @property
    def is_zero(self) -> bool:
        return all(_is_zero(c) for c in self.coefficients)

    @property
    def is_symmetric(self) -> bool:
        return (self - self.transpose()).is_zero


class Difference:
    """A Aᵀ − B Bᵀ, a polynomial in the step as well.

    Of the coefficient of t^2i a part A_i A_iᵀ − B_i B_iᵀ is seen to be positive where B_i is a
    multiple of A_i by a number of modulus 1 at most.
    """

    def __init__(self, a: Polynomial, b: Polynomial):
        whole = (a @ a.transpose() - b @ b.transpose()).coefficients
        self.coefficients = [Coefficient(c, *_square_part(a, b, k)) for k, c in enumerate(whole)]
        while self.coefficients and _is_zero(self.coefficients[0].whole):
            self.coefficients.pop(0)
        while self.coefficients and _is_zero(self.coefficients[-1].whole):
            self.coefficients.pop()


@dataclass(frozen=True, eq=False)
class Coefficient:
    """A symmetric matrix; and a part of it that is (1 − ratio²) X Xᵀ, where that is seen."""

    whole: csr_array | fmpz_mat
    ratio: Fraction | None = None
    square: csr_array | fmpz_mat | None = None

    @cached_property
    def rest(self) -> csr_array | fmpz_mat:
        """Without the part that is seen to be positive."""
        return self.whole if self.square is None else self.whole - self.square

    @cached_property
    def is_positive(self) -> bool:
        """Whether it is positive semidefinite; False if that is not shown."""
        return _outweighs(self.rest) or _is_positive(self.whole)


def _square_part(a: Polynomial, b: Polynomial, k: int) -> tuple:
    i = k // 2
    if k % 2 or i >= len(a.coefficients):
        return None, None
    first = a.coefficients[i]
    if i >= len(b.coefficients) or _is_zero(b.coefficients[i]):
        return Fraction(0), first * first.transpose() if isinstance(first, fmpz_mat) \
            else first @ first.T
    second = b.coefficients[i]
    top, bottom = _largest(second), _largest(first)
    if not bottom or abs(top) > abs(bottom) or not (
            _is_zero(bottom * second - top * first) or _is_zero(bottom * second + top * first)):
        return None, None
    difference = Polynomial((first,)).gram() - Polynomial((second,)).gram()
    return Fraction(top, bottom), difference.coefficients[0]


def _largest(c: csr_array | fmpz_mat) -> int:
    entries = [int(x) for x in c.entries()] if isinstance(c, fmpz_mat) else c.data.tolist()
    return max(map(abs, entries), default=0)


def first_interval(found: Difference) -> Fraction | None:
    """T such that it is positive semidefinite for 0 < t <= T; None where it is for every t > 0.

    Raises
    ------
    Undecided
        If there is no such T, or it is not shown.
    """
    left = found.coefficients
    if all(c.is_positive for c in left):
        return None
    if len(left) != 2 or not left[0].is_positive or _size(left[0].whole) > _DENSE:
        raise Undecided("a matrix that must be positive semidefinite is not shown to be so")
    first, second = (_exact(c.whole) for c in left)
    low, high = first.astype(float), second.astype(float)

    def holds(t: float) -> bool:
        return bool(np.linalg.eigvalsh(low + t * high)[0] >= -1e-9 * np.abs(low).max())

    bottom, _ = last_of(holds, _ROUNDS)
    for away in (1e-9, 1e-7, 1e-5, 1e-3):
        at = Fraction(bottom) * (1 - Fraction(away))
        end = simplest(at * (1 - Fraction(away) / 10), Fraction(bottom) * (1 + Fraction(away) / 10))
        if end > 0 and is_psd(first + end * second):
            return end
    raise Undecided("the matrix that must be positive semidefinite is not for any dt")


def are_positive(found: list[Difference], end: Fraction | None) -> Evidence | None:
    """The certificate of what `first_interval` says; None if it is too long."""
    log, shows = Transcript(), []
    for difference in found:
        left = difference.coefficients
        for k, c in enumerate(left):
            if _outweighs(c.rest):
                spare = log.give("spare", sorted(set(_spare(c.rest)))).text
                shows.append(f"nonneg({spare})")
                shows += [f"{c.ratio} * {c.ratio} <= 1"] if c.ratio is not None else []
                continue
            if _size(c.whole) > _WRITTEN:
                return None
            matrix = _exact(c.whole)
            if k and not c.is_positive:  # of two, the second one at the end
                matrix = _exact(left[0].whole) + (end or Fraction(0)) * matrix
            shows.append(f"psd({log.give('G', matrix).text})")
    return confirm_evidence(calculation(
        "certificate", log, shows, "the coefficients of the powers of dt of matrices A A' - B B' "
        "that must be positive semidefinite, or the matrix at the upper end: in full; or by how "
        "much the diagonal outweighs the moduli beside it, in every row, apart from a part "
        "(1 - r*r) X X'"))


def has_inverse(p: Polynomial) -> None:
    """Make sure that p + pᵀ is positive at every t >= 0, so that p has an inverse; or Undecided."""
    first, *others = [_symmetric(c) for c in p.coefficients]
    if not (_outweighs(first, strictly=True) or _is_definite(first)) or \
            not all(_is_positive(c) for c in others):
        raise Undecided("the symmetric part of the matrix of a system is not positive at every dt")


def _symmetric(c: csr_array | fmpz_mat) -> csr_array | fmpz_mat:
    return c + c.transpose() if isinstance(c, fmpz_mat) else (c + c.T).tocsr()


def _size(c: csr_array | fmpz_mat) -> int:
    return c.nrows() if isinstance(c, fmpz_mat) else c.shape[0]


def _is_zero(c: csr_array | fmpz_mat) -> bool:
    if isinstance(c, fmpz_mat):
        return not any(c.entries())
    return c.nnz == 0 or not c.data.any()


def _is_positive(c: csr_array | fmpz_mat) -> bool:
    """Whether a symmetric matrix is positive semidefinite; False if that is not shown."""
    if _outweighs(c):
        return True
    return _size(c) <= _DENSE and bool(is_psd(_exact(c)))


def _is_definite(c: csr_array | fmpz_mat) -> bool:
    n = _size(c)
    if n > _DENSE:
        return False
    whole = _exact(c)
    return bool(is_psd(whole - np.diag(np.full(n, Fraction(1, 2**20), dtype=object))))


def _outweighs(c: csr_array | fmpz_mat, strictly: bool = False) -> bool:
    """Whether the diagonal is at least the sum of the moduli beside it, in every row."""
    return min(_spare(c), default=0) >= strictly


def _spare(c: csr_array | fmpz_mat) -> list[int]:
    """In every row, by how much the diagonal outweighs the moduli beside it."""
    if isinstance(c, fmpz_mat):
        n = c.nrows()
        rows = [[int(c[i, j]) for j in range(n)] for i in range(n)]
        return [row[i] + abs(row[i]) - sum(map(abs, row)) for i, row in enumerate(rows)]
    diagonal = c.diagonal()
    return (diagonal + np.abs(diagonal) - np.abs(c).sum(axis=1)).tolist()


def _exact(c: csr_array | fmpz_mat) -> np.ndarray:
    return from_flint(fmpq_mat(c)) if isinstance(c, fmpz_mat) else \
        c.toarray().astype(object) + Fraction(0)
