"""The calculator: walks the expressions of evidence with exact numbers and intervals."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.replay.algebra import (
    array,
    entries,
    entrywise,
    product,
    shape,
    some_entries,
    transpose,
)
from stabkit.replay.fields import Fields, Record
from stabkit.replay.functions import BUILTINS, CONSTANTS, call
from stabkit.replay.language import SYMBOLS, Function, cells, indices
from stabkit.replay.reals import (
    COMPARISONS,
    Interval,
    Undefined,
    conjunction,
    ends,
    hull,
    infinite,
    interval,
    less,
    negation,
    pay_for_bits,
    power,
    reciprocal,
    size,
    trim,
)
from stabkit.replay.rows import Rows, Transposed
from stabkit.replay.work import spend


def _quotient(x, y):
    return x / y if isinstance(x, Fraction) and isinstance(y, Fraction) and y else x * reciprocal(y)


# Arrays of evidence are mostly zeros, and a fraction knows at once whether it is 0.
def _sum(x, y):
    return x + y if x and y else x or y


def _difference(x, y):
    return x - y if x and y else x or -y


def _times(x, y):
    return x * y if x and y else Fraction(0)


_BINARY = {
    ast.Add: _sum, ast.Sub: _difference, ast.Mult: _times,
    ast.Div: _quotient, ast.Pow: power,
}


def _within(index: int | slice, length: int) -> bool:
    """Whether an index, or both bounds of a slice, lie inside a vector."""
    if isinstance(index, slice):
        return all(bound is None or -length <= bound <= length
                   for bound in (index.start, index.stop))
    return -length <= index < length


def compare(symbol: str, x, y) -> bool | None:
    """Compare all entries; a number is compared with each entry of an array."""
    if symbol == "!=":
        return negation(compare("==", x, y))
    if shape(x) and shape(y) and shape(x) != shape(y):
        raise InvalidEvidence(f"the shapes {shape(x)} and {shape(y)} cannot be compared")
    left, right = some_entries(x), some_entries(y)
    if not shape(x):
        left *= len(right)
    if not shape(y):
        right *= len(left)
    return conjunction(COMPARISONS[symbol](pay_for_bits(a), pay_for_bits(b))
                       for a, b in zip(left, right, strict=True))


def as_text(x) -> str:
    """A value in a few characters."""
    if isinstance(x, Interval):
        return f"[{as_text(x.lo)}, {as_text(x.hi)}]"
    if isinstance(x, tuple):
        return "(" + ", ".join([as_text(entry) for entry in x[:4]] + ["..."] * (len(x) > 4)) + ")"
    if infinite(x) or size(x) <= 40:
        return str(x)
    exponent = x.numerator.bit_length() - x.denominator.bit_length()
    if abs(exponent) < 1000:
        return f"{float(x):.12g}"
    return f"about {'-' if x < 0 else ''}2**{exponent}"


class Calculator:
    """Evaluates expressions; knows the values defined so far and the defined functions."""

    def __init__(self, given: Fields, functions: Mapping[str, Function]):
        self.values: Record = dict(given)
        self.functions = functions
        self.open_cell = ""  # where the latest all(...) failed

    def truth(self, node: ast.expr, local: Fields) -> bool | None:
        found = self.value(node, local)
        if found is not None and not isinstance(found, bool):
            raise InvalidEvidence("a number stands where a condition is needed")
        return found

    def numbers(self, node: ast.expr, local: Fields, or_infinite: bool = False):
        """The value of an expression that must be a number, vector or matrix."""
        return self._numbers_in(self.value(node, local), or_infinite)

    @staticmethod
    def _numbers_in(found, or_infinite: bool = False):
        if isinstance(found, Rows | Transposed):
            raise InvalidEvidence("a matrix of blocks is only multiplied with vectors, or asked "
                                  "by a function for such matrices")
        for entry in entries(found):
            if type(entry) is Fraction:
                continue
            if infinite(entry) and not or_infinite:
                raise InvalidEvidence("infinity is only a bound of an interval")
            if not isinstance(entry, (Fraction, Interval, float)):
                raise InvalidEvidence("a condition stands where a number is needed")
        return found

    def value(self, node: ast.expr, local: Fields):
        spend(1)
        if type(node) not in _WAYS:
            raise InvalidEvidence(f"{type(node).__name__} is not part of the notation")
        return _WAYS[type(node)](self, node, local)

    def _constant(self, node: ast.Constant, local: Fields):
        value: Any = node.value  # an integer, as the language has no others
        return pay_for_bits(Fraction(value))

    def _list(self, node: ast.List, local: Fields):
        return array(self.numbers(item, local, or_infinite=True) for item in node.elts)

    def _unary(self, node: ast.UnaryOp, local: Fields):
        if isinstance(node.op, ast.Not):
            return negation(self.truth(node.operand, local))
        return entrywise(operator.neg, self.numbers(node.operand, local, or_infinite=True))

    def _binary(self, node: ast.BinOp, local: Fields):
        if isinstance(node.op, ast.MatMult):
            return self._product(node, local)
        x, y = self.numbers(node.left, local), self.numbers(node.right, local)
        return entrywise(_BINARY[type(node.op)], x, y)

    def _product(self, node: ast.BinOp, local: Fields):
        left = self.value(node.left, local)
        if isinstance(left, Rows | Transposed):
            return array(map(trim, left @ self.numbers(node.right, local)))
        return product(self._numbers_in(left), self.numbers(node.right, local))

    def _truth_of_comparison(self, node: ast.Compare, local: Fields) -> bool | None:
        return self.comparison(node, local)[0]

    def _truth_of_junction(self, node: ast.BoolOp, local: Fields) -> bool | None:
        truths = (self.truth(x, local) for x in node.values)
        if isinstance(node.op, ast.And):
            return conjunction(truths)
        return negation(conjunction(map(negation, truths)))

    def comparison(self, node: ast.Compare, local: Fields) -> tuple[bool | None, str]:
        """The truth of a chain of comparisons, and the chain with the values in it."""
        values = [self.numbers(x, local) for x in (node.left, *node.comparators)]
        symbols = [SYMBOLS[type(op)] for op in node.ops]
        truth = conjunction(map(compare, symbols, values, values[1:]))
        chain = [as_text(values[0])]
        for symbol, x in zip(symbols, values[1:], strict=True):
            chain += [symbol, as_text(x)]
        return truth, " ".join(chain)

    def _value_of_name(self, node: ast.Name, local: Fields):
        name = node.id
        if name in local:
            return local[name]
        return self.values[name] if name in self.values else CONSTANTS[name]()

    def _transpose(self, node: ast.Attribute, local: Fields):
        matrix = self.value(node.value, local)
        if isinstance(matrix, Rows):
            return Transposed(matrix)
        if len(shape(self._numbers_in(matrix))) != 2:
            raise InvalidEvidence(".T needs a matrix")
        return transpose(matrix)

    def _entry(self, node: ast.Subscript, local: Fields):
        """u[i], A[i] (a row), A[i, j], and slices of them."""
        whole = self.value(node.value, local)
        where = [self._index(index, local) for index in indices(node)]
        if len(where) > len(shape(whole)):
            raise InvalidEvidence(f"too many indices for the shape {shape(whole)}")
        if not all(map(_within, where, shape(whole))):
            raise InvalidEvidence(f"an index is outside the shape {shape(whole)}")
        part = whole[where[0]]
        if len(where) == 2:
            rows = part if isinstance(where[0], slice) else (part,)
            columns = tuple(row[where[1]] for row in rows)
            part = columns if isinstance(where[0], slice) else columns[0]
        return array(part) if isinstance(part, tuple) else part

    def _index(self, node: ast.expr | None, local: Fields):
        if node is None:
            return None
        if isinstance(node, ast.Slice):
            return slice(self._index(node.lower, local), self._index(node.upper, local))
        index = self.value(node, local)
        if not isinstance(index, Fraction) or index.denominator != 1:
            raise InvalidEvidence("an index must be an integer")
        return int(index)

    def _call(self, node: ast.Call, local: Fields):
        function: Any = node.func  # a name, as the language calls nothing else
        name = function.id
        if name == "all":
            return self._on_all_cells(*cells(node.args[0]), local)
        if name in BUILTINS:
            return call(name, [self.value(arg, local) for arg in node.args])
        parameters, body = self.functions[name]
        args = [self.numbers(arg, local) for arg in node.args]
        if len(args) != len(parameters):
            raise InvalidEvidence(f"{name} takes {len(parameters)} arguments, got {len(args)}")
        if not any(shape(arg) for arg in args):
            return self.value(body, dict(zip(parameters, args, strict=True)))
        known: dict[tuple, Any] = {}  # long signals repeat few values

        def apply(*xs):
            if any(type(x) is not Fraction for x in xs):
                return self._one(body, dict(zip(parameters, xs, strict=True)))
            if xs not in known:
                known[xs] = self._one(body, dict(zip(parameters, xs, strict=True)))
            return known[xs]

        return entrywise(apply, *args)

    def _one(self, node: ast.expr, local: Fields):
        found = self.numbers(node, local)
        if shape(found):
            raise InvalidEvidence("a function applied to entries must give numbers")
        return found

    # -- intervals -----------------------------------------------------------------------------

    def _on_all_cells(self, variable: str, knots: ast.expr, condition: ast.expr,
                      local: Fields) -> bool | None:
        """Whether the condition is certain on every cell [a, b] between neighbouring knots."""
        v = self.numbers(knots, local, or_infinite=True)
        if len(shape(v)) != 1 or len(v) < 2:
            raise InvalidEvidence("cells needs a vector of at least two numbers")
        result: bool | None = True
        for a, b in pairwise(v):
            if not less(a, b):
                raise Undefined(f"cells: {as_text(a)} is not known to be less than {as_text(b)}")
            cell = pay_for_bits(interval(ends(a)[0], ends(b)[1]))
            truth = self.truth(condition, {**local, variable: cell})
            if not truth:
                self.open_cell = f" on the cell {as_text(cell)}"
                result = truth
            if truth is False:
                break
        return result

    def _either(self, node: ast.IfExp, local: Fields):
        """One branch; both, as a hull, where the condition may hold and may fail."""
        truth = self.truth(node.test, local)
        if truth is not None:
            return self.value(node.body if truth else node.orelse, local)
        x = self.value(node.body, self._narrow(node.test, local, True))
        y = self.value(node.orelse, self._narrow(node.test, local, False))
        conditions = [found is None or isinstance(found, bool) for found in (x, y)]
        if all(conditions):
            return x if x is y else None
        if any(conditions) or shape(x) != shape(y):
            raise InvalidEvidence("the two branches of an if are not of one shape")
        return entrywise(hull, x, y)

    def _narrow(self, test: ast.expr, local: Fields, holds: bool):
        """`local` with the interval of x cut to where the test ``x < c`` or ``abs(x) < c`` holds
        (or fails); unchanged for tests of any other form."""
        match test:
            case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[bound]):
                inside = False
            case ast.Compare(left=ast.Call(func=ast.Name(id="abs"), args=[ast.Name(id=name)]),
                             ops=[op], comparators=[bound]):
                inside = True
            case _:
                return local
        if not isinstance(local.get(name), Interval) or SYMBOLS[type(op)] in ("==", "!="):
            return local
        limit = self.numbers(bound, local)
        if shape(limit):
            return local
        (lo, hi), (a, b) = ends(local[name]), ends(limit)
        below = (SYMBOLS[type(op)] in ("<", "<=")) == holds
        if below:
            lo, hi = max(lo, -b) if inside else lo, min(hi, b)
        elif not inside or lo > -a:
            lo = max(lo, a)
        elif hi < a:
            hi = min(hi, -a)
        return {**local, name: interval(lo, hi)} if lo <= hi else local


_WAYS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Constant: Calculator._constant, ast.Name: Calculator._value_of_name,
    ast.List: Calculator._list,
    ast.Attribute: Calculator._transpose, ast.Subscript: Calculator._entry,
    ast.UnaryOp: Calculator._unary, ast.BinOp: Calculator._binary,
    ast.Compare: Calculator._truth_of_comparison, ast.BoolOp: Calculator._truth_of_junction,
    ast.IfExp: Calculator._either, ast.Call: Calculator._call,
}
