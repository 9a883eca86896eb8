"""Expressions in one variable: what the formula of a flux does, recorded by running it once.

A formula is an ordinary function, ``lambda s: s * np.exp(-s * s)``.  Run on :data:`VARIABLE` it
returns its expression, a tree of operations.  Whatever is exact about a flux (values,
enclosures, evidence, derivatives, proofs) is taken from that one tree, so all of it is about one
function.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from stabkit.aliases import Argument, Function, Operand, Scalar
from stabkit.arithmetic.derivative import Dual, derivative
from stabkit.arithmetic.elementary import (
    connective,
    decay,
    function,
    negation,
    of_numbers,
    pi_beside,
    relation,
    select,
)
from stabkit.arithmetic.rational import Constant, fraction, power, quotient
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import InvalidArgument

Apply = Function

_BINARY: dict[str, Apply] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": quotient}
_APPLY: dict[str, Apply] = _BINARY | {
    "neg": operator.neg, "abs": abs, "and": connective("and", operator.and_),
    "or": connective("or", operator.or_), "not": connective("not", negation)} | {
    sign: relation(sign, apply) for sign, apply in (
        ("<", operator.lt), ("<=", operator.le), ("==", operator.eq))}
_UFUNCS = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.absolute: "abs",
    np.sign: "sign", np.exp: "exp", np.log: "log", np.sqrt: "sqrt", np.tanh: "tanh",
    np.arctan: "arctan", np.sin: "sin", np.cos: "cos", np.floor: "floor", np.maximum: "max",
    np.minimum: "min",
}


def _exp(x: Scalar) -> Scalar:
    return Expression._of("exp", x)


# Functions that are written with other operations.
_WRITTEN: dict[Any, Function] = {
    np.negative: lambda x: -x, np.positive: lambda x: x, np.square: lambda x: x * x,
    np.fabs: abs, np.reciprocal: lambda x: 1 / x, np.power: lambda x, k: x**k,
    np.log1p: lambda x: Expression._of("log", 1 + x), np.expm1: lambda x: _exp(x) - 1,
    np.sinh: lambda x: (_exp(x) - _exp(-x)) / 2,
    np.cosh: lambda x: (_exp(x) + _exp(-x)) / 2,
    np.tan: lambda x: Expression._of("sin", x) / Expression._of("cos", x),
    np.fmax: lambda x, y: Expression._of("max", x, y),
    np.fmin: lambda x, y: Expression._of("min", x, y),
    np.ceil: lambda x: -Expression._of("floor", -x),
    np.heaviside: lambda x, h: _where(x < 0, 0, _where(x > 0, 1, h)),
    np.less: lambda x, y: x < y, np.less_equal: lambda x, y: x <= y,
    np.greater: lambda x, y: x > y, np.greater_equal: lambda x, y: x >= y,
    np.equal: lambda x, y: x == y, np.not_equal: lambda x, y: x != y,
}
_LOGICAL: dict[Any, Function] = {
    np.logical_and: lambda x, y: _truth(x) & _truth(y), np.logical_not: lambda x: ~_truth(x),
    np.logical_or: lambda x, y: _truth(x) | _truth(y)}
TRANSCENDENTAL = {"exp", "log", "sqrt", "tanh", "arctan", "sin", "cos", "erf", "decay", "pi"}
HOW = "write it with arithmetic and np.exp, np.sqrt, np.log, np.tanh, np.abs, np.maximum, ..."


class Expression:
    """An operation and its arguments; arithmetic on it makes larger expressions.

    Parameters
    ----------
    operation : str
        ``"x"`` (the variable), ``"constant"``, ``"pi"``, an arithmetic sign, or a function's name.
    *arguments
        Expressions; a number for ``"constant"``, an integer exponent last for ``"**"``.
    """

    __hash__ = None  # type: ignore[assignment]  # so Python says "no hash"
    exp: Callable[..., Expression]  # and so on: the functions are set below, by their names
    sqrt: Callable[..., Expression]
    erf: Callable[..., Expression]
    sign: Callable[..., Expression]

    def __init__(self, operation: str, *arguments: Scalar):
        self.operation, self.arguments = operation, arguments

    def __call__(self, x: Scalar) -> Scalar:
        """The value, in the arithmetic of x; so an expression is a formula like any other."""
        return self.at(x)

    @cached_property
    def text(self) -> str:
        """The whole tree; expressions with the same text are equal."""
        parts = (part.text if isinstance(part, Expression) else str(part)
                 for part in self.arguments)
        return f"{self.operation}({', '.join(parts)})"

    @classmethod
    def _of(cls, name: str, *parts: Scalar) -> Expression:
        return cls(name, *map(as_expression, parts))

    @staticmethod
    def pi() -> Expression:
        """π."""
        return Expression("pi")

    def decay(self, k: int) -> Expression:
        """xᵏ e⁻ˣ of a nonnegative expression."""
        return Expression("decay", self, k)

    @staticmethod
    def where(condition: Scalar, yes: Scalar, no: Scalar) -> Expression:
        """`yes` where a condition holds, else `no`."""
        return _where(condition, yes, no)

    # -- what Python and NumPy do with it ----------------------------------------------------------
    def __add__(self, other: Operand) -> Expression:
        return _arithmetic("+", self, other)

    def __radd__(self, other: Operand) -> Expression:
        return _arithmetic("+", other, self)

    def __sub__(self, other: Operand) -> Expression:
        return _arithmetic("-", self, other)

    def __rsub__(self, other: Operand) -> Expression:
        return _arithmetic("-", other, self)

    def __mul__(self, other: Operand) -> Expression:
        return _arithmetic("*", self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return _arithmetic("*", other, self)

    def __truediv__(self, other: Operand) -> Expression:
        return _arithmetic("/", self, other)

    def __rtruediv__(self, other: Operand) -> Expression:
        return _arithmetic("/", other, self)

    def __neg__(self) -> Expression:
        return Expression("constant", -self.value) if self.operation == "constant" else \
            Expression("neg", self)

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        return Expression._of("abs", self)

    def __pow__(self, exponent: Scalar) -> Expression:
        number = Fraction(exponent) if isinstance(exponent, (int, float, Fraction)) else None
        if number is not None and number.denominator == 1:
            return Expression("**", self, int(number))
        if number is not None and number.denominator == 2:
            return Expression("**", Expression._of("sqrt", self), int(2 * number))
        raise InvalidArgument(f"formula: the power {exponent!r} is no whole number or half of one; "
                              "write np.exp(p * np.log(s))")

    def __lt__(self, other: Operand) -> Expression:
        return Expression("<", self, as_expression(other))

    def __le__(self, other: Operand) -> Expression:
        return Expression("<=", self, as_expression(other))

    def __gt__(self, other: Operand) -> Expression:
        return Expression("<", as_expression(other), self)

    def __ge__(self, other: Operand) -> Expression:
        return Expression("<=", as_expression(other), self)

    def __eq__(self, other: Operand) -> Expression:  # type: ignore[override]  # an expression too
        return Expression("==", self, as_expression(other))

    def __ne__(self, other: Operand) -> Expression:  # type: ignore[override]  # the same
        return ~(self == other)

    def __and__(self, other: Operand) -> Expression:
        return Expression("and", *map(_condition, (self, other)))

    def __or__(self, other: Operand) -> Expression:
        return Expression("or", *map(_condition, (self, other)))

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Expression:
        return Expression("not", _condition(self))

    def __bool__(self) -> bool:
        raise InvalidArgument("formula: a branch (if, and, or, min, max) cannot be read for all s "
                              "at once; give the flux in pieces, or write np.where, np.maximum or "
                              "np.minimum")

    def __float__(self) -> float:
        raise InvalidArgument("formula: it turns s into a float, as math.exp does; write np.exp "
                              "and its kin")

    __int__ = __index__ = __float__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Argument) -> Scalar:
        if method == "__call__" and not options:
            if ufunc in _LOGICAL:
                return _LOGICAL[ufunc](*inputs)
            inputs = tuple(map(as_expression, inputs)) if ufunc is not np.power else inputs
            if ufunc in _WRITTEN:
                return _WRITTEN[ufunc](*inputs)
            if ufunc in _UFUNCS:
                name = _UFUNCS[ufunc]
                apply = _arithmetic if name in _BINARY else Expression._of
                return apply(name, *inputs)
        raise InvalidArgument(f"formula: np.{ufunc.__name__} is not among the functions that can "
                              f"be decided; {HOW}")

    def __array_function__(self, function: Function, types: Any, args: Any, options: Any) -> Scalar:
        if function is np.where and len(args) == 3 and not options:
            return _where(*args)
        if function is np.clip:
            return _clip(*args, **options)
        if function in (np.zeros_like, np.ones_like):
            return as_expression(int(function is np.ones_like))
        raise InvalidArgument(f"formula: np.{function.__name__} is not among the functions that "
                              f"can be decided; {HOW}")

    # -- what is asked of it -----------------------------------------------------------------------
    @property
    def value(self) -> Scalar:
        """The number of a constant."""
        return self.arguments[0]

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false rather than a number."""
        return self.operation in ("<", "<=", "==", "and", "or", "not")

    def parts(self) -> Iterator[Expression]:
        """Every expression inside, this one last."""
        for part in self.arguments:
            if isinstance(part, Expression):
                yield from part.parts()
        yield self

    @cached_property
    def at(self) -> Callable[[Scalar], Scalar]:
        """The function, of fractions, intervals, terms, arrays, or other expressions."""
        name, arguments = self.operation, self.arguments
        if name == "x":
            return lambda x: x
        if name == "pi":
            return pi_beside
        if name == "constant":
            number = self.value
            return lambda x: number
        parts = [part.at for part in arguments if isinstance(part, Expression)]
        if name == "where":
            return select(*parts)
        if name in ("**", "decay"):
            (base,), number = parts, arguments[1]
            apply = power if name == "**" else decay
            return lambda x: apply(base(x), number)
        apply = _APPLY.get(name) or function(name)
        if all(part.operation == "constant" for part in arguments):
            return lambda x: self if isinstance(x, (Expression, Dual)) else of_numbers(
                apply, x, *(part.value for part in arguments))
        if len(parts) == 1:
            (first,) = parts
            return lambda x: apply(first(x))
        first, second = parts
        return lambda x: apply(first(x), second(x))

    @cached_property
    def meant(self) -> Expression:
        """The expression with the numbers meant by its floats; itself if it has none."""
        if self.operation == "constant":
            number = self.value.meant if isinstance(self.value, Constant) else self.value
            return self if number is self.value else as_expression(number)
        parts = [part.meant if isinstance(part, Expression) else part for part in self.arguments]
        same = all(a is b for a, b in zip(self.arguments, parts, strict=True))
        return self if same else Expression(self.operation, *parts)

    @cached_property
    def derivative(self) -> Expression:
        """The expression of the derivative, by the chain rule; at a kink sign is 0."""
        return as_expression(derivative(self.at, VARIABLE))


def _method(name: str) -> Callable[..., Expression]:
    return lambda *parts: Expression._of(name, *parts)


for _name in ("exp", "log", "sqrt", "tanh", "arctan", "sin", "cos", "erf", "sign", "floor", "max",
              "min"):
    setattr(Expression, _name, _method(_name))

VARIABLE = Expression("x")


def as_expression(value: Scalar) -> Expression:
    """A number as an expression; floats and integers are taken exactly.

    A constant knows what was meant by it, see ``stabkit.arithmetic.rounding``.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, Expression):
        return _where(value, 1, 0) if value.is_condition else value
    near = value.meant if isinstance(value, Constant) else \
        meaning(value) if is_rounded(value) else None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return Expression("constant", int(value))
    made = Constant(fraction(value, "formula"))
    return Expression("constant", made if near is None else made.note_meaning(near))


def _where(condition: Scalar, yes: Scalar, no: Scalar) -> Expression:
    if not isinstance(condition, Expression):
        return as_expression(yes if condition else no)
    return Expression("where", _truth(condition), as_expression(yes), as_expression(no))


def _truth(value: Scalar) -> Expression:
    """A condition as it is; for a number, that it is not 0."""
    return value if isinstance(value, Expression) and value.is_condition else ~(
        as_expression(value) == 0)


def _condition(value: Scalar) -> Expression:
    if isinstance(value, (bool, np.bool_)):
        return _truth(value)
    if isinstance(value, Expression) and value.is_condition:
        return value
    raise InvalidArgument("formula: &, | and ~ join conditions such as s > 1, not numbers")


def _clip(a: Scalar, a_min: Scalar = None, a_max: Scalar = None, **names: Any) -> Expression:
    """np.clip, with its argument names from before and after NumPy 2.1."""
    low, high = names.pop("min", a_min), names.pop("max", a_max)
    if names:
        raise InvalidArgument(f"formula: np.clip with {', '.join(names)} cannot be decided")
    x = a if low is None else Expression._of("max", a, low)
    return x if high is None else Expression._of("min", x, high)


def _arithmetic(sign: str, left: Scalar, right: Scalar) -> Scalar:
    if isinstance(left, Dual) or isinstance(right, Dual):
        return NotImplemented
    left, right = as_expression(left), as_expression(right)
    known: list[Scalar] = [part.value if part.operation == "constant" else None
                           for part in (left, right)]
    if None not in known:
        if sign == "/" and known[1] == 0:
            raise InvalidArgument("formula: it divides by zero")
        value, near = (Fraction(_BINARY[sign](*map(Fraction, numbers))) for numbers in (
            known, (left.meant.value, right.meant.value)))
        return as_expression(Constant(value).note_meaning(near) if near != value else
                             int(value) if value.denominator == 1 else value)
    if known[1] == (1 if sign in "*/" else 0):
        return left
    if known[0] == {"*": 1, "+": 0}.get(sign, 2) and sign in "*+":
        return right
    return Expression(sign, left, right)
