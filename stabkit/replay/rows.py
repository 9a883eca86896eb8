"""Large sparse matrices of the checker: blocks of equal rows, which are never written out.

A block is one row, and how often it is repeated: ``{"values": ["-1", "1"], "at": [0, 1], "times":
[[999, 1]]}`` is the first difference of 1000 samples, each row one column to the right of the row
above it.  Several pairs in ``times`` are nested loops, the first one outermost, as a grid needs
them.  The matrix has the rows of its blocks, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, combinations, pairwise, product
from math import lcm, prod
from typing import Any, NamedTuple

from stabkit.errors import InvalidEvidence
from stabkit.replay.fields import Data, Fields
from stabkit.replay.reals import pay_for_bits
from stabkit.replay.work import current, spend

MAX_COLUMNS = 1 << 20
MAX_BLOCKS = 1 << 12
MAX_LOOPS = 4
MAX_SIDE_BY_SIDE = 256  # entries of one row
ZERO = Fraction(0)


class Block(NamedTuple):
    """A row with its entries at some columns, repeated (count, shift) times in nested loops."""

    values: tuple[Fraction, ...]
    at: tuple[int, ...]
    times: tuple[tuple[int, int], ...]

    def shifts(self) -> Iterator[int]:
        """How far each row lies to the right of the first one, from top to bottom."""
        return map(sum, product(*(range(0, count * shift, shift) if shift else [0] * count
                                  for count, shift in self.times)))


@dataclass(frozen=True)
class Rows:
    """A matrix of blocks."""

    height: int
    width: int
    blocks: tuple[Block, ...]

    def __matmul__(self, u) -> tuple:
        """The product with a vector."""
        _fits(self.width, u)
        spend(self.height)
        return tuple(total(value * u[j + shift] for j, value in zip(block.at, block.values,
                                                                     strict=True) if u[j + shift])
                     for block in self.blocks for shift in block.shifts())


@dataclass(frozen=True)
class Transposed:
    """The transpose of such a matrix."""

    of: Rows

    def __matmul__(self, u) -> tuple:
        _fits(self.of.height, u)
        spend(self.of.height)
        sums: list[Any] = [ZERO] * self.of.width
        i = 0
        for block in self.of.blocks:
            for shift in block.shifts():
                if u[i]:
                    for j, value in zip(block.at, block.values, strict=True):
                        sums[j + shift] = pay_for_bits(sums[j + shift] + value * u[i])
                i += 1
        return tuple(sums)


def _fits(length: int, u: Any) -> None:
    if not isinstance(u, tuple) or (u and isinstance(u[0], tuple)):
        raise InvalidEvidence("a matrix of blocks is multiplied with vectors only")
    if len(u) != length:
        raise InvalidEvidence(f"the lengths {length} and {len(u)} do not fit together")


def total(terms: Iterable) -> Any:
    """A sum that is paid for."""
    found: Any = ZERO
    for term in terms:
        found = pay_for_bits(found + term)
    return found


def read_rows(value: Fields, rational: Callable[[Any], Fraction]) -> Rows:
    """The matrix that a JSON object describes, every entry inside it."""
    if set(value) != {"shape", "rows"}:
        raise InvalidEvidence("a matrix of blocks has the keys shape and rows")
    height, width = _integers(value["shape"], 2)
    if not 1 <= height <= 8 * MAX_COLUMNS or not 1 <= width <= MAX_COLUMNS:
        raise InvalidEvidence(f"shape: up to {MAX_COLUMNS} columns")
    if not isinstance(value["rows"], list) or len(value["rows"]) > MAX_BLOCKS:
        raise InvalidEvidence(f"rows: must be a list of {MAX_BLOCKS} blocks at most")
    found = Rows(height, width, tuple(_block(item, rational, width) for item in value["rows"]))
    if sum(prod(count for count, _ in block.times) for block in found.blocks) != height:
        raise InvalidEvidence(f"rows: the blocks have not {height} rows in all")
    return found


def _block(item: Any, rational: Callable[[Any], Fraction], width: int) -> Block:
    if not isinstance(item, dict) or set(item) != {"values", "at", "times"}:
        raise InvalidEvidence("a block has the keys values, at and times")
    if not isinstance(item["values"], list) or len(item["values"]) > MAX_SIDE_BY_SIDE:
        raise InvalidEvidence(f"values: must be a list of {MAX_SIDE_BY_SIDE} numbers at most")
    values, at = tuple(map(rational, item["values"])), _integers(item["at"], len(item["values"]))
    if any(a >= b for a, b in pairwise(at)):
        raise InvalidEvidence("at: the columns of a row must increase")
    if not isinstance(item["times"], list) or len(item["times"]) > MAX_LOOPS:
        raise InvalidEvidence(f"times: must be a list of {MAX_LOOPS} pairs at most")
    times = tuple((count, shift) for count, shift in (_integers(pair, 2)
                                                      for pair in item["times"]))
    if any(count < 1 for count, _ in times):
        raise InvalidEvidence("times: a row is repeated at least once")
    least, most = (sum(choose((count - 1) * shift, 0) for count, shift in times)
                   for choose in (min, max))
    if at and (at[0] + least < 0 or at[-1] + most >= width):
        raise InvalidEvidence("at: an entry lies outside the matrix")
    spend(len(values))
    return Block(values, at, times)


def _integers(value: Data, count: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) != count or \
            any(type(x) is not int or abs(x) > 8 * MAX_COLUMNS for x in value):
        raise InvalidEvidence(f"{count} integers are needed, not too large")
    return tuple(value)


def as_rows(matrix) -> Rows:
    """A matrix that is written out, every row a block of its own."""
    if isinstance(matrix, Rows):
        return matrix
    blocks = []
    for row in matrix:
        at = tuple(j for j, x in enumerate(row) if x)
        blocks.append(Block(tuple(row[j] for j in at), at, ()))
    return Rows(len(matrix), len(matrix[0]), tuple(blocks))


# -- what is asked of them -------------------------------------------------------------------------


def row_sums(matrix) -> tuple:
    """The sum of each row; of a block of equal rows, once."""
    return tuple(total(block.values) for block in as_rows(matrix).blocks)


def smallest_entry(matrix) -> Fraction:
    """The least of all entries, the zeros that are not written included."""
    K = as_rows(matrix)
    written = [pay_for_bits(value) for block in K.blocks for value in block.values]
    if any(len(block.values) < K.width for block in K.blocks):
        written.append(ZERO)
    return min(written)


def largest_product(matrix: Rows):
    """The greatest K[k,i] K[k,j] over all rows k and i != j; 0 for rows of one entry."""
    return max((pay_for_bits(x * y) for block in matrix.blocks
                for x, y in combinations(block.values, 2)), default=ZERO)


def side_by_side(matrix) -> bool:
    """Whether no row has more than two entries, and those in neighbouring columns."""
    return all(len(block.at) < 2 or block.at == (block.at[0], block.at[0] + 1)
               for block in as_rows(matrix).blocks)


def column_squares(matrix) -> Fraction:
    """The largest sum of squares in a column: the largest entry of the diagonal of K'K."""
    K, d = _whole(matrix)
    sums = _column_sums(K, lambda block: [int(value) ** 2 for value in block.values])
    return Fraction(max(sums), d * d)


def gram_bound(matrix) -> Fraction:
    """The largest row sum of |K|'|K|, which is not less than the square of the norm of K."""
    K, d = _whole(matrix)

    def weights(block: Block) -> list[int]:
        sizes = [abs(int(value)) for value in block.values]
        return [size * sum(sizes) for size in sizes]

    return Fraction(max(_column_sums(K, weights)), d * d)


def gram_at_most(matrix, bound: Fraction) -> bool | None:
    """Whether ``bound`` I - K'K is positive semidefinite, for rows of two neighbouring entries.

    The matrix has three bands.  Its pivots, p_(i+1) = a_(i+1) - b_i^2 / p_i, grow with those
    before them; so they are rounded down, and if none of what is found is negative, all is shown.
    None where a pivot might be negative.
    """
    if not side_by_side(matrix):
        raise InvalidEvidence("gram_at_most needs rows of two neighbouring entries at most")
    K, d = _whole(matrix)
    top, below = (bound * d * d).as_integer_ratio()
    diagonal = _column_sums(K, lambda block: [below * int(value) ** 2 for value in block.values])
    beside = _column_sums(K, lambda block: [below * int(block.values[0] * block.values[1]), 0]
                          if len(block.values) == 2 else [0] * len(block.values))
    bits = 2 * current().precision + 64
    spend(K.width * (1 + bits // 512))
    pivot, before = 1 << bits, 0
    for a, b in zip(diagonal, beside, strict=True):
        pivot = ((top - a) << bits) - (-(-(before * before << 2 * bits) // pivot) if before else 0)
        if pivot < 0 or (pivot == 0 and b):
            return None
        before = b
    return True


def _whole(matrix) -> tuple[Rows, int]:
    """The matrix times the common denominator of its entries, and that denominator."""
    K = as_rows(matrix)
    d = 1
    for block in K.blocks:
        for value in block.values:
            d = lcm(d, value.denominator)
            spend(1 + (d.bit_length() >> 6))
    blocks = (block._replace(values=tuple(value * d for value in block.values))
              for block in K.blocks)
    return replace(K, blocks=tuple(blocks)), d


def _column_sums(K: Rows, weights: Callable[[Block], list[int]]) -> list[int]:
    """Per column the sum of the weights of the entries in it."""
    steps = [0] * (K.width + 1)
    spend(1 + K.width // 16)
    for block in K.blocks:
        # The loops may be taken in any order; one that goes from column to column is a step up
        # at its first column, and down behind its last one.
        loops = list(block.times)
        along = max((pair for pair in loops if abs(pair[1]) == 1), default=(1, 1))
        if along in loops:
            loops.remove(along)
        first = min(0, (along[0] - 1) * along[1])
        spend(prod(count for count, _ in loops) * (1 + len(block.values)))
        chosen = list(zip(block.at, weights(block), strict=True))
        for shift in Block((), (), tuple(loops)).shifts():
            for j, weight in chosen:
                steps[j + shift + first] += weight
                steps[j + shift + first + along[0]] -= weight
    return list(accumulate(steps[:-1]))
