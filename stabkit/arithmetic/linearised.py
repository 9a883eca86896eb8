"""Derivatives of array expressions: a step is run once, and its derivative is recorded.

Beside its values an array has a line of a :class:`Tape`: a sum of linear maps of earlier lines,
the first of which is the input.  So the derivative of a whole step, with all its inner steps, is
one list of products by operators and by diagonals, to be followed forwards or, for the adjoint,
backwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from stabkit.aliases import Array, Matrix, Operand, Scalar

Row = dict[int, Scalar]


class Tape:
    """Lines Σ M x of earlier lines x; M is a diagonal, given by its entries, a number, or a map.

    A map is whatever knows ``@``, ``T``, ``shape`` and ``sparse()``; for exact numbers also
    ``rows``.
    """

    def __init__(self, size: int):
        self.lines: list[tuple[int, list[tuple[Any, int]]]] = [(size, [])]
        self._needed: dict[int, list[int]] = {}

    def add(self, size: int, terms: list[tuple[Any, int]]) -> int:
        """Record a line, and return its number."""
        self.lines.append((size, terms))
        return len(self.lines) - 1

    def ancestors(self, last: int) -> list[int]:
        """The lines that a line depends on, itself last."""
        if last not in self._needed:
            met, open_ = {last}, [last]
            while open_:
                for _, source in self.lines[open_.pop()][1]:
                    if source not in met:
                        met.add(source)
                        open_.append(source)
            self._needed[last] = sorted(met)
        return self._needed[last]

    def image(self, last: int, v: np.ndarray) -> np.ndarray:
        """The line for an input v, of shape (N,) or (..., N)."""
        values = {0: v}
        for number in self.ancestors(last):
            size, terms = self.lines[number]
            if number:
                parts = [_apply(M, values[source]) for M, source in terms]
                values[number] = sum(parts[1:], parts[0]) if parts else \
                    np.zeros((*v.shape[:-1], size))
        return values.get(last, np.zeros((*v.shape[:-1], self.lines[last][0])))

    def adjoint_image(self, last: int, w: np.ndarray) -> np.ndarray:
        """The adjoint of the line for w, backwards along the tape."""
        sums = {last: w}
        for number in reversed(self.ancestors(last)):
            for M, source in self.lines[number][1]:
                part = M.T @ sums[number] if hasattr(M, "sparse") else M * sums[number]
                sums[source] = sums[source] + part if source in sums else part
        return sums.get(0, np.zeros((*w.shape[:-1], self.lines[0][0])))

    def sparse(self, last: int) -> scipy.sparse.csr_array:
        """The matrix of the line, in floats."""
        n = self.lines[0][0]
        found: dict[int, Any] = {0: None}  # the identity, which need not be multiplied by
        for number in self.ancestors(last):
            size, terms = self.lines[number]
            parts = [_times(M, found[source], n) for M, source in terms]
            if number:
                found[number] = sum(parts[1:], parts[0]) if parts else \
                    scipy.sparse.csr_array((size, n))
        matrix = scipy.sparse.eye_array(n, format="csr") if found[last] is None else found[last]
        matrix.sum_duplicates()
        return matrix

    def rows(self, last: int) -> list[Row]:
        """The rows of the line's matrix, by column, in the arithmetic of its numbers."""
        found: dict[int, list[Row]] = {0: [{j: 1} for j in range(self.lines[0][0])]}
        for number in self.ancestors(last):
            size, terms = self.lines[number]
            if number:
                found[number] = [_add_rows(_row(M, i, found[source]) for M, source in terms)
                                 for i in range(size)]
        return found[last]


def _apply(M: Any, x: np.ndarray) -> np.ndarray:
    if hasattr(M, "sparse"):
        return M @ x
    return x if type(M) is int and M == 1 else M * x


def _times(M: Any, matrix: Matrix, n: int) -> Any:
    if hasattr(M, "sparse"):
        return M.sparse() if matrix is None else M.sparse() @ matrix
    if matrix is None:
        return scipy.sparse.diags_array(np.broadcast_to(_float(M), (n,)), format="csr")
    scaled = matrix.copy()
    scaled.data *= np.repeat(M, np.diff(matrix.indptr)) if np.ndim(M) else _float(M)
    return scaled


def _float(factor: Any) -> Any:
    return factor if isinstance(factor, np.ndarray) else float(factor)


def _row(M: Any, i: int, rows: list[Row]) -> Row:
    if hasattr(M, "sparse"):
        return _add_rows({column: value * entry for column, entry in rows[j].items()}
                      for j, value in M.rows[i])
    factor = M[i] if np.ndim(M) else M
    return {column: factor * entry for column, entry in rows[i].items()}


def _add_rows(rows: Any) -> Row:
    total: Row = {}
    for row in rows:
        for column, entry in row.items():
            total[column] = total[column] + entry if column in total else entry
    return total


class Linearised:
    """An array of shape (N,) and the line of a tape that holds its derivative."""

    __slots__ = ("line", "tape", "value")
    __array_ufunc__ = None  # arrays of NumPy leave the operation to this class
    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"

    def __init__(self, value: np.ndarray, tape: Tape | None = None, line: int = 0):
        self.value, self.line = value, line
        self.tape = Tape(value.shape[-1]) if tape is None else tape

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype

    def image_under(self, value: np.ndarray, map: Any) -> Linearised:
        """The image under a linear map; `value` is what the map gives."""
        return self._record(value, [(map, self.line)])

    def through(self, value: np.ndarray, rise: np.ndarray) -> Linearised:
        """The image under an entrywise function with these values and derivatives."""
        return self._record(value, [(rise, self.line)])

    def _record(self, value: np.ndarray, terms: list[tuple[Any, int]]) -> Linearised:
        return Linearised(value, self.tape, self.tape.add(value.shape[-1], terms))

    def __add__(self, other: Operand) -> Linearised:
        if isinstance(other, Linearised):
            return self._record(self.value + other.value, [(1, self.line), (1, other.line)])
        return Linearised(self.value + other, self.tape, self.line)

    __radd__ = __add__

    def __neg__(self) -> Linearised:
        return self._record(-self.value, [(-1, self.line)])

    def __sub__(self, other: Operand) -> Linearised:
        if isinstance(other, Linearised):
            return self._record(self.value - other.value, [(1, self.line), (-1, other.line)])
        return Linearised(self.value - other, self.tape, self.line)

    def __rsub__(self, other: Operand) -> Linearised:
        return -self + other

    def __mul__(self, other: Operand) -> Linearised:
        if isinstance(other, Linearised):
            return self._record(self.value * other.value,
                                [(other.value, self.line), (self.value, other.line)])
        return self._record(other * self.value, [(other, self.line)])

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Linearised:
        if isinstance(other, Linearised):
            return self * (1 / other)
        return self._record(self.value / other, [(1 / other, self.line)])

    def __rtruediv__(self, other: Operand) -> Linearised:
        inverse = 1 / self.value
        return self.through(other * inverse, -other * inverse**2)

    def __pow__(self, exponent: int) -> Linearised:
        return self.through(self.value**exponent, exponent * self.value ** (exponent - 1))

    def __getitem__(self, key: Any) -> Linearised:
        whole = key[-1] if isinstance(key, tuple) else key
        if not isinstance(whole, slice) or (isinstance(key, tuple) and key[:-1] != (...,)):
            raise TypeError(f"a linearised array is cut by slices of its last axis, not by {key}")
        start, stop, stride = whole.indices(self.size)
        columns = np.arange(start, stop, stride)
        return self.image_under(self.value[whole], Selection(columns, self.size))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Linearised:
        if function is not np.concatenate:
            return NotImplemented
        parts = [part if isinstance(part, Linearised) else self * 0 + part for part in args[0]]
        value = np.concatenate([part.value for part in parts])
        ends = np.cumsum([part.size for part in parts])
        terms = [(Selection(np.arange(end - part.size, end), value.size).T, part.line)
                 for part, end in zip(parts, ends, strict=True)]
        return self._record(value, terms)


class Selection:
    """Picks the entries of a signal at some places, or puts them there, with 0 elsewhere."""

    def __init__(self, places: np.ndarray, size: int, *, back: bool = False):
        self.places, self.size, self.back = places, size, back
        self.shape = (size, places.size) if back else (places.size, size)

    @property
    def T(self) -> Selection:
        return Selection(self.places, self.size, back=not self.back)

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        if not self.back:
            return x[..., self.places]
        image = np.zeros((*x.shape[:-1], self.size), dtype=x.dtype)
        image[..., self.places] = x
        return image

    def sparse(self) -> scipy.sparse.csr_array:
        """Its matrix."""
        ones = np.ones(self.places.size)
        chosen = scipy.sparse.csr_array((ones, self.places, np.arange(self.places.size + 1)),
                                        shape=(self.places.size, self.size))
        return chosen.T.tocsr() if self.back else chosen

    @property
    def rows(self) -> list[list[tuple[int, int]]]:
        """Per row the pairs (column, entry)."""
        if not self.back:
            return [[(int(j), 1)] for j in self.places]
        rows: list[list[tuple[int, int]]] = [[] for _ in range(self.size)]
        for column, place in enumerate(self.places.tolist()):
            rows[place] = [(column, 1)]
        return rows


def root(x: Linearised, values: Array) -> Linearised:
    """√x with its values given.

    Where it is 0 its derivative counts as 0: there it stands for a length |s|, which flattens
    whatever is multiplied by s.
    """
    rise = np.array([0 * r if r == 0 else 1 / (2 * r) for r in values], dtype=object) \
        if values.dtype == object else np.where(values == 0, 0, 0.5 / np.where(values, values, 1))
    return x.through(values, rise)
