"""Vectors and matrices of the checker: a vector is a tuple of numbers, a matrix a tuple of rows."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from itertools import combinations, pairwise
from math import lcm, prod
from typing import Any

from stabkit.errors import InvalidEvidence, Undecided
from stabkit.replay.reals import (
    SHORT,
    Undefined,
    conjunction,
    equal,
    less,
    maximum,
    minimum,
    negation,
    pay_for_bits,
    sign,
    trim,
)
from stabkit.replay.work import Exhausted, spend

MAX_LENGTH = 1 << 18  # of a vector
MAX_SIDE = 4096  # of a matrix
MAX_ENTRIES = 1 << 16
MAX_MINORS = 8
ZERO, ONE = Fraction(0), Fraction(1)


def shape(x) -> tuple[int, ...]:
    """() for a number, (n,) for a vector, (rows, columns) for a matrix."""
    if not isinstance(x, tuple):
        return ()
    return (len(x), len(x[0])) if x and isinstance(x[0], tuple) else (len(x),)


def array(items) -> tuple:
    """A vector of numbers, or a matrix of rows, if the items fit together."""
    items = tuple(items)
    shapes = {shape(item) for item in items}
    if len(shapes) > 1 or any(len(inner) > 1 or inner == (0,) for inner in shapes):
        raise InvalidEvidence("a vector holds numbers, a matrix rows of one length, at least 1")
    pay_for_array(shape(items))
    return items


def pay_for_array(sizes: tuple[int, ...]) -> None:
    """Pay for an array of this shape, or refuse it."""
    count = prod(sizes)
    if max(sizes) > MAX_LENGTH or (
            len(sizes) > 1 and (max(sizes) > MAX_SIDE or count > MAX_ENTRIES)):
        raise Exhausted(f"an array of the shape {sizes} is too large")
    spend(count)


def entries(x) -> tuple:
    """All entries, row by row; a number has one, and an empty vector none."""
    if len(shape(x)) == 2:
        return tuple(entry for row in x for entry in row)
    return x if isinstance(x, tuple) else (x,)


def some_entries(x) -> tuple:
    """All entries, of which there must be one: of nothing, anything would be true."""
    if not (found := entries(x)):
        raise InvalidEvidence("an empty vector has no entry of which anything is true")
    return found


def entrywise(f: Callable, *args):
    """f of numbers; for arrays of one shape (and numbers among them) f of their entries."""
    shapes = {shape(arg) for arg in args if isinstance(arg, tuple)}
    if not shapes:
        return trim(pay_for_bits(f(*args)))
    if len(shapes) > 1:
        raise InvalidEvidence(f"the shapes {sorted(shapes)} do not fit together")
    length, *width = shapes.pop()
    beside = zip(*(arg if isinstance(arg, tuple) else (arg,) * length for arg in args),
                 strict=True)
    if width:
        return tuple(entrywise(f, *row) for row in beside)
    return tuple(trim(pay_for_bits(f(*numbers))) for numbers in beside)


def transpose(matrix) -> tuple:
    return array(zip(*matrix, strict=True))


def vector_sum(numbers):
    return trim(reduce(lambda x, y: pay_for_bits(x + y), numbers, ZERO))


def dot(u, v):
    """The sum of u[i] v[i]; of empty vectors it says nothing, and is refused."""
    some_entries(u)
    _same_length(len(u), len(v))
    spend(len(u))
    return _sum_of_products([(x, y) for x, y in zip(u, v, strict=True) if x and y])


def _same_length(m: int, n: int) -> None:
    if m != n:
        raise InvalidEvidence(f"the lengths {m} and {n} do not fit together")


def _sum_of_products(pairs):
    # Short fractions are summed over one denominator: one gcd instead of one per term.
    terms, d = [], 1
    for x, y in pairs:
        if type(x) is not Fraction or type(y) is not Fraction:
            break
        top, bottom = x.numerator * y.numerator, x.denominator * y.denominator
        d = lcm(d, bottom)
        if top.bit_length() > SHORT or d.bit_length() > SHORT:
            break
        terms.append((top, bottom))
    else:
        spend(len(terms))
        return trim(pay_for_bits(Fraction(sum(top * (d // bottom) for top, bottom in terms), d)))
    return vector_sum(x * y for x, y in pairs)


def product(a, b):
    """The product a @ b of vectors (dot), of matrices, or of one of each."""
    match len(shape(a)), len(shape(b)):
        case 1, 1:
            return dot(a, b)
        case 1, 2:
            return array(dot(a, column) for column in transpose(b))
        case 2, 1:
            return array(dot(row, b) for row in a)
        case 2, 2:
            return _matrix_product(a, b)
    raise InvalidEvidence("@ takes vectors and matrices")


def _matrix_product(a, b) -> tuple:
    # Matrices of evidence are mostly zeros.
    _same_length(len(a[0]), len(b))
    spend(len(a) * len(b) * len(b[0]))
    columns = [dict(_nonzero(column)) for column in transpose(b)]
    return array(array(_sum_of_products([(x, column[k]) for k, x in row if k in column])
                       for column in columns) for row in map(_nonzero, a))


def _nonzero(v) -> list:
    return [(k, x) for k, x in enumerate(v) if x]


def norm2(x):
    return dot(some_entries(x), entries(x))


def least(*args):
    """The least entry of one array, or entry by entry the least of several arguments."""
    return _extreme(minimum, args)


def greatest(*args):
    return _extreme(maximum, args)


def _extreme(choose: Callable, args):
    if len(args) == 1:
        found = some_entries(args[0])
        if all(type(x) is Fraction for x in found):  # long signals repeat few values
            spend(len(found))
            found = tuple(dict.fromkeys(found))
        return reduce(choose, found)
    return reduce(lambda x, y: entrywise(choose, x, y), args)


def identity(n: int) -> tuple:
    return diagonal((ONE,) * n)


def diagonal(v) -> tuple:
    n = len(v)
    pay_for_array((n, n))
    return array(tuple(v[i] if i == j else ZERO for j in range(n)) for i in range(n))


def stack(a, b) -> tuple:
    return array(a + b)


def outer(u, v) -> tuple:
    pay_for_array((len(u), len(v)))
    return array(array(pay_for_bits(x * y) for y in v) for x in u)


def kron(a, b) -> tuple:
    pay_for_array((len(a) * len(b), len(a[0]) * len(b[0])))
    return array(array(pay_for_bits(x * y) if x and y else ZERO for x in row for y in line)
                 for row in a for line in b)


def vec(matrix) -> tuple:
    """The entries of a matrix, column by column."""
    return array(entries(transpose(matrix)))


def sign_changes(u) -> Fraction:
    """How often the sign changes along the signal, zeros dropped."""
    signs = [sign(x) for x in some_entries(u)]
    if not all(isinstance(s, Fraction) for s in signs):
        raise Undecided("the sign of an entry")
    signs = [s for s in signs if s]
    return Fraction(sum(s != t for s, t in pairwise(signs)))


def largest_product(matrix):
    """The greatest K[k,i] K[k,j] over all rows k and i != j; 0 for a single column."""
    products = [pay_for_bits(x * y) for row in matrix for x, y in combinations(row, 2)]
    return reduce(maximum, products) if products else ZERO


def nonnegative(x) -> bool | None:
    return conjunction(negation(less(entry, ZERO)) for entry in some_entries(x))


def tridiagonal(matrix) -> bool | None:
    return conjunction(equal(entry, ZERO) for i, row in enumerate(matrix)
                       for j, entry in enumerate(row) if abs(i - j) > 1)


def trace(matrix):
    return vector_sum(matrix[i][i] for i in range(_order(matrix)))


def _order(matrix) -> int:
    rows, columns = shape(matrix)
    if rows != columns:
        raise InvalidEvidence(f"a {rows} x {columns} matrix is not square")
    return rows


# -- elimination -------------------------------------------------------------------------------


def eliminate(matrix, columns: int) -> tuple[list, int, object]:
    """Gauss-Jordan elimination of the first `columns` columns: rows, rank, product of pivots."""
    rows, rank, pivots = [list(row) for row in matrix], 0, ONE
    for j in range(columns):
        found = [equal(row[j], ZERO) for row in rows[rank:]]
        if False not in found:
            if None in found:
                raise Undecided("whether a pivot is zero")
            continue
        k = rank + found.index(False)
        if k != rank:
            rows[rank], rows[k], pivots = rows[k], rows[rank], -pivots
        pivot = rows[rank][j]
        pivots = pay_for_bits(pivots * pivot)
        rows[rank] = [pay_for_bits(x / pivot) for x in rows[rank]]
        for i, row in enumerate(rows):
            if i != rank:
                rows[i] = _minus(row, row[j], rows[rank])
        rank += 1
    return rows, rank, pivots


def _minus(row, factor, other) -> list:
    spend(len(row))
    if not factor:
        return list(row)
    return [pay_for_bits(x - factor * y) if y else x for x, y in zip(row, other, strict=True)]


def rank(matrix) -> Fraction:
    return Fraction(eliminate(matrix, len(matrix[0]))[1])


def determinant(matrix):
    _, found, pivots = eliminate(matrix, _order(matrix))
    return pivots if found == len(matrix) else ZERO


def inverse(matrix) -> tuple:
    n = _order(matrix)
    beside = [row + unit for row, unit in zip(matrix, identity(n), strict=True)]
    rows, found, _ = eliminate(beside, n)
    if found < n:
        raise Undefined("the inverse of a singular matrix")
    return array(tuple(row[n:]) for row in rows)


# -- definiteness and total positivity ----------------------------------------------------------


def semidefinite(matrix) -> bool | None:
    return _definite(matrix, strict=False)


def definite(matrix) -> bool | None:
    return _definite(matrix, strict=True)


def _definite(matrix, strict: bool) -> bool | None:
    """Whether M is symmetric with x'Mx >= 0 (> 0) for all x /= 0: the pivots of M = L D L'.

    A zero pivot is allowed (unless `strict`) only if the rest of its row is zero.  Enclosures of
    mirrored entries need only overlap; then x'Mx is decided, that is, the symmetric part of M.
    """
    n = _order(matrix)
    if any(equal(matrix[i][j], matrix[j][i]) is False for i in range(n) for j in range(i)):
        return False
    # Each row from its diagonal on; what is to the left of it mirrors what is above.
    rows = [[pay_for_bits(_mean(matrix[i][j], matrix[j][i])) for j in range(i, n)]
            for i in range(n)]
    while rows:
        first, *rest = rows
        pivot = first[0]
        if less(ZERO, pivot):
            rows = [_minus(row, first[k] / pivot, first[k:]) for k, row in enumerate(rest, 1)]
        elif equal(pivot, ZERO) and not strict:
            if not (zero := conjunction(equal(x, ZERO) for x in first)):
                return zero
            rows = rest
        else:
            return False if less(pivot, ZERO) or equal(pivot, ZERO) else None
    return True


def _mean(x, y):
    return x if type(x) is type(y) is Fraction and x == y else (x + y) / 2


def totally_nonnegative(matrix) -> bool | None:
    """Whether every minor is >= 0; minors of order k from those of order k - 1."""
    if max(shape(matrix)) > MAX_MINORS:
        raise Exhausted(f"totally_nonneg tries all minors: at most {MAX_MINORS} rows and columns")
    n, m = shape(matrix)
    minors: dict[tuple[tuple[int, ...], tuple[int, ...]], Any] = {((), ()): ONE}
    for k in range(1, min(n, m) + 1):
        minors = {(rows, columns): _minor(matrix, rows, columns, minors)
                  for rows in combinations(range(n), k) for columns in combinations(range(m), k)}
        if not (known := conjunction(negation(less(x, ZERO)) for x in minors.values())):
            return known
    return True


def _minor(matrix, rows, columns, smaller):
    """Expand along the first row; `smaller` holds the minors of one order less."""
    first, *_ = rows
    terms = ((-1) ** k * matrix[first][j] * smaller[rows[1:], columns[:k] + columns[k + 1:]]
             for k, j in enumerate(columns))
    return vector_sum(map(pay_for_bits, terms))
