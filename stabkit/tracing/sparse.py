"""Sparse matrices that can be applied to symbols, and sums of them with an open step."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from stabkit.aliases import Argument, Array, Function, Matrix, Operand, Record
from stabkit.errors import InvalidArgument
from stabkit.operators.linear_map import LinearMap
from stabkit.operators.matrices import of_products
from stabkit.tracing.array import (
    Traced,
    TracedArray,
    holds_numbers,
    make_array,
    operand,
    plain,
    shape_of,
)
from stabkit.tracing.form import share_denominator, step
from stabkit.tracing.summing import product_with
from stabkit.tracing.tracer import Tracer

#: Functions that are linear in their first argument, or in the first part of it.
_LINEAR = {"diags", "diags_array", "spdiags", *(f"{name}_{kind}" for kind in ("matrix", "array")
                                                for name in ("csr", "csc", "coo", "dia", "bsr"))}
_FORMATS = ("tocsc", "tocsr", "todia", "tolil", "tocoo", "tobsr", "asformat", "copy")


class Sparse:
    """A sparse matrix that can be applied to symbols."""

    def __init__(self, tracer: Tracer, matrix: Matrix):
        self._tracer, self._matrix = tracer, matrix

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._matrix, name)
        if name not in _FORMATS:
            return value
        return lambda *args, **options: self._wrap(value(*args, **options))

    def __matmul__(self, other: Operand) -> Array:
        if isinstance(other, TracedArray):
            return product_with(self._tracer, self._matrix, other)
        other = other._matrix if isinstance(other, Sparse) else other
        return self._wrap(self._matrix @ other)

    dot = matvec = __matmul__

    def rmatvec(self, other: Operand) -> Array:
        return self.T @ other

    def __rmatmul__(self, other: Operand) -> Array:
        if isinstance(other, TracedArray):
            return product_with(self._tracer, self._matrix.T, other.T).T
        return self._wrap(other @ self._matrix)

    def __mul__(self, other: Operand) -> Array:
        if isinstance(other, Traced) and other.ndim == 0:
            return Pencil((self, other))
        return self @ other if isinstance(other, TracedArray) else self._wrap(self._matrix * other)

    def __rmul__(self, other: Operand) -> Array:
        return Pencil((self, other)) if isinstance(other, Traced) else \
            self._wrap(other * self._matrix)

    def __truediv__(self, other: Operand) -> Array:
        return Pencil((self, 1 / other)) if isinstance(other, Traced) else \
            self._wrap(self._matrix / other)

    def __add__(self, other: Operand) -> Array:
        if isinstance(other, Pencil):
            return other + self
        return self._wrap(self._matrix + (other._matrix if isinstance(other, Sparse) else other))

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Array:
        return self + -1 * other if isinstance(other, Pencil) else self._wrap(
            self._matrix - (other._matrix if isinstance(other, Sparse) else other))

    def __neg__(self) -> Sparse:
        return Sparse(self._tracer, -self._matrix)

    @property
    def T(self) -> Sparse:
        return Sparse(self._tracer, self._matrix.T)

    H = T  # the entries are real

    def _wrap(self, result: Array) -> Array:
        return Sparse(self._tracer, result) if hasattr(result, "tocoo") else result


def is_linear_operator(value: Any) -> bool:
    """Whether it is known by its products, as those of SciPy and PyLops are."""
    return hasattr(type(value), "matvec") and hasattr(value, "shape") and \
        not isinstance(value, LinearMap)


def of_linear_operator(tracer: Tracer, operator: Any) -> Any:
    """Its matrix, by its products; where that is too large or complex, it is left as it is."""
    try:
        return Sparse(tracer, csr_array(of_products(operator)))
    except InvalidArgument:
        return operator


class Pencil:
    """A sum of sparse matrices times numbers, some of which are polynomials in the step."""

    __array_ufunc__ = None

    def __init__(self, *terms: tuple[Sparse, Any]):
        self.terms = terms
        self.shape = terms[0][0].shape

    def __add__(self, other: Operand) -> Pencil:
        more = other.terms if isinstance(other, Pencil) else ((other, 1),)
        return Pencil(*self.terms, *more) if all(isinstance(m, Sparse) for m, _ in more) else \
            NotImplemented

    __radd__ = __add__

    def __mul__(self, factor: Operand) -> Pencil:
        return Pencil(*((matrix, factor * c) for matrix, c in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> Pencil:
        return self * -1

    def __truediv__(self, divisor: Operand) -> Pencil:
        return Pencil(*((matrix, c / divisor) for matrix, c in self.terms))

    def __sub__(self, other: Operand) -> Pencil:
        return self + -other

    def __rsub__(self, other: Operand) -> Pencil:
        return -self + other

    def __matmul__(self, other: Operand) -> Array:
        total: Any = 0
        for matrix, factor in self.terms:
            total = total + factor * (matrix @ other)
        return total

    dot = __matmul__

    @property
    def T(self) -> Pencil:
        return Pencil(*((matrix.T, c) for matrix, c in self.terms))

    def toarray(self) -> Array:
        """As an array of symbols."""
        total: Any = 0
        for matrix, factor in self.terms:
            total = total + factor * matrix.toarray()
        return total

    todense = toarray

    def tocsc(self, *args: Argument, **options: Argument) -> Pencil:
        return self

    tocsr = tocoo = todia = asformat = copy = tocsc


def unwrap(matrix: Matrix) -> Any:
    """The matrix of SciPy itself, or what is none."""
    return matrix._matrix if isinstance(matrix, Sparse) else matrix


def is_symbolic(value: Any) -> bool:
    """Whether symbols are in it."""
    return isinstance(value, (Traced, Pencil)) or (
        isinstance(value, np.ndarray) and value.dtype == object and any(
            isinstance(entry, Traced) for entry in value.flat))


def maker_of_matrices(tracer: Tracer, make: Function) -> Function:
    """A function of scipy.sparse whose results can be applied to symbols.

    One that is linear in its first argument may be given symbols there, which no data are.
    """
    def run(*args: Argument, **options: Argument) -> Any:
        pencil = next((k for k, arg in enumerate(args) if isinstance(arg, Pencil)), None)
        if pencil is not None:
            return Pencil(*((run(*args[:pencil], matrix, *args[pencil + 1:], **options), factor)
                            for matrix, factor in args[pencil].terms))
        if args and not _is_plain(args[0]) and make.__name__ in _LINEAR:
            return _of_symbols(tracer, make, args, options)
        result = make(*map(_plainly, args), **options)
        return Sparse(tracer, result) if hasattr(result, "tocoo") else result

    return run


def _of_symbols(tracer: Tracer, make: Function, args: tuple, options: Record) -> Pencil:
    """By the powers of the step, each with a matrix of integers."""
    given, *rest = args
    is_tuple = isinstance(given, tuple) and not make.__name__.startswith(("diags", "spdiags"))
    places = given[1:] if is_tuple else None
    data = given[0] if places is not None else given
    parts = list(data) if isinstance(data, (list, tuple)) else [data]
    forms = share_denominator([operand(tracer, part) for part in parts])
    if not all(form.is_constant for form in forms):
        tracer.stop("a sparse matrix that depends on the data")
    t = make_array(tracer, step(), ())
    divisor = sum(c * t**k for k, c in enumerate(forms[0].denominator))
    options = {name: value for name, value in options.items() if name != "dtype"}
    if make.__name__ in ("diags", "diags_array"):
        options["dtype"] = None  # that of the integers
    terms = []
    for k in range(forms[0].numerators.shape[1]):
        whole = [form.constants()[:, k].reshape(shape_of(part))
                 for form, part in zip(forms, parts, strict=True)]
        numbers = whole if isinstance(data, (list, tuple)) else whole[0]
        matrix = make(numbers if places is None else (numbers, *places), *rest, **options)
        terms.append((Sparse(tracer, matrix), t**k / divisor))
    return Pencil(*terms)


def _is_plain(arg: Any) -> bool:
    """Whether only numbers are in it."""
    return all(map(_is_plain, arg)) if isinstance(arg, (list, tuple)) else holds_numbers(arg)


def _plainly(arg: Any) -> Any:
    if isinstance(arg, (list, tuple)):
        return type(arg)(map(_plainly, arg))
    return plain(arg).astype(float) if isinstance(arg, Traced) else unwrap(arg)
