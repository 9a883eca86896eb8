"""The entries of an array of any library, as the formulas of fluxes see them.

A formula is written with arithmetic, comparisons and NumPy's names, ``np.exp(-s**2)``.  NumPy hands
such a call to its argument; :class:`Entries` does it with the names of the array's own library.
"""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Argument, Array, Function, Operand, Scalar
from stabkit.arithmetic.backend import namespace, to_host

# NumPy's names where the standard has another.
_STANDARD = {"absolute": "abs", "arctan": "atan", "arcsin": "asin", "arccos": "acos",
             "arctanh": "atanh", "arcsinh": "asinh", "arccosh": "acosh", "power": "pow",
             "true_divide": "divide"}
_ON_THE_HOST = {"erf"}  # of SciPy, and in no standard
_FUNCTIONS = {np.where: "where", np.clip: "clip", np.sum: "sum", np.zeros_like: "zeros_like",
              np.ones_like: "ones_like"}


class Entries:
    """A float array from a library other than NumPy, for use in a formula of one variable."""

    __slots__ = ("array",)
    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"

    def __init__(self, array: Array):
        self.array = array

    def __bool__(self) -> bool:
        return bool(self.array)  # refused by the library for more than one entry

    def __neg__(self) -> Entries:
        return Entries(-self.array)

    def __abs__(self) -> Entries:
        return Entries(abs(self.array))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Array,
                        **options: Argument) -> Array:
        if method != "__call__" or options:
            return NotImplemented
        if ufunc.__name__ in _ON_THE_HOST:
            values = ufunc(*(to_host(value) for value in map(plain, inputs)))
            return Entries(namespace(self.array).asarray(values))
        return self._call(_STANDARD.get(ufunc.__name__, ufunc.__name__), inputs)

    def __array_function__(self, function: Function, types: Any, args: Any, options: Any) -> Array:
        if function not in _FUNCTIONS or options:
            return NotImplemented
        return self._call(_FUNCTIONS[function], args)

    def _call(self, name: str, inputs: Array) -> Any:
        function = getattr(namespace(self.array), name, None)
        return NotImplemented if function is None else Entries(function(*map(plain, inputs)))


def plain(value: Scalar) -> Scalar:
    """A value as a library takes it: arrays unchanged, numbers as Python's."""
    if isinstance(value, Entries):
        return value.array
    if isinstance(value, Fraction):
        return float(value)
    return value.item() if isinstance(value, np.generic) else value


def _binary(operation: Operand) -> Any:
    return lambda self, other: Entries(operation(self.array, plain(other)))


def _reflect(operation: Operand) -> Any:
    return lambda self, other: Entries(operation(plain(other), self.array))


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Entries, f"__{_name}__", _binary(getattr(operator, f"__{_name}__")))
    setattr(Entries, f"__r{_name}__", _reflect(getattr(operator, f"__{_name}__")))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Entries, f"__{_name}__", _binary(getattr(operator, f"__{_name}__")))
