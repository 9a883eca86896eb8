"""Exact witnesses against a claim, as calculations with rational numbers that Coq repeats."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from stabkit.coq.context import Data
from stabkit.errors import InvalidArgument

EXACT = Path(__file__).with_name("Exact.v")
_OPERATIONS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_COMPARED = {ast.Lt: "less {} {}", ast.Gt: "less {1} {0}", ast.LtE: "Qle_bool {} {}",
             ast.GtE: "Qle_bool {1} {0}", ast.Eq: "Qeq_bool {} {}",
             ast.NotEq: "negb (Qeq_bool {} {})"}


@dataclass(frozen=True)
class Value:
    """A number, vector or matrix: its shape, and its text in Coq."""

    shape: tuple[int, ...]
    text: str

    @property
    def flat(self) -> str:
        """The entries in a list."""
        return (f"[{self.text}]", self.text, f"(concat {self.text})")[len(self.shape)]


def calculation(name: str, data: Data) -> list[str]:
    """What is given, what is made of it, and that it shows what it shows.

    Raises
    ------
    InvalidArgument
        For functions that are not written for Coq, such as ``psd`` or ``sqrt``.
    """
    made = Calculation()
    lines = [f"Module {name}_calculation.", ""]
    for key, value in data["given"].items():
        made.values[key] = _given(value, key)
        lines.append(f"Definition {_called(key)} := {_literal(value)}.")
    for head, text in data["let"]:
        lines.append(made.define(head, text))
    shown = " && ".join(made.condition(_parsed(text)) for text in data["shows"])
    return [*lines, "", f"End {name}_calculation.", f"Import {name}_calculation.", "",
            f"Theorem {name} : {shown} = true.", "Proof. vm_compute. reflexivity. Qed."]


def _called(name: str) -> str:
    """A name that neither Coq nor its library has."""
    return f"{name}'"


def _parsed(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return "[" + "; ".join(map(_literal, value)) + "]"
    if not isinstance(value, str | int):
        raise InvalidArgument("a signal in runs is not written for Coq")
    number = Fraction(value)
    return f"({number.numerator} # {number.denominator})"


def _given(value: Any, name: str) -> Value:
    shape: tuple[int, ...] = ()
    inner = value
    while isinstance(inner, list) and inner:
        shape, inner = (*shape, len(inner)), inner[0]
    return Value(shape, _called(name))


@dataclass
class Calculation:
    """Reads the notation of evidence; knows the shape of each value and the functions."""

    values: dict[str, Value] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)

    def define(self, head: str, text: str) -> str:
        """The definition of a name, or of a function of numbers."""
        name, _, rest = head.partition("(")
        names = [each.strip() for each in rest.rstrip(")").split(",") if each.strip()]
        if names:
            inner = Calculation(self.values | {x: Value((), _called(x)) for x in names},
                                set(self.functions))
            body = inner.read(_parsed(text))
            self.functions.add(name)
            return (f"Definition {_called(name)} ({' '.join(map(_called, names))} : Q) : Q := "
                    f"{body.text}.")
        found = self.read(_parsed(text))
        self.values[name] = Value(found.shape, _called(name))
        return f"Definition {_called(name)} := {found.text}."

    def read(self, node: ast.expr) -> Value:
        """The value of an expression."""
        match node:
            case ast.Constant(value=int(number)):
                return Value((), f"({number} # 1)")
            case ast.Name(id=name) if name in self.values:
                return self.values[name]
            case ast.List(elts=parts):
                found = [self.read(part) for part in parts]
                return Value((len(found), *found[0].shape),
                             "[" + "; ".join(part.text for part in found) + "]")
            case ast.Attribute(value=inner, attr="T"):
                matrix = self.read(inner)
                (m, n), text = matrix.shape, matrix.text
                return Value((n, m), f"(transposed {n} {text})")
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return _each("Qopp", self.read(inner))
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return _product(self.read(left), self.read(right))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(self.read(left), right)
            case ast.BinOp(left=left, op=op, right=right):
                return _entrywise(_OPERATIONS[type(op)], self.read(left), self.read(right))
            case ast.IfExp(test=test, body=body, orelse=other):
                one, two = self.read(body), self.read(other)
                return Value(one.shape, f"(if {self.condition(test)} then {one.text} "
                                        f"else {two.text})")
            case ast.Subscript(value=whole):
                return _part(self.read(whole), node.slice)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.call(name, arguments)
        raise InvalidArgument(f"{ast.unparse(node)}: is not written for Coq")

    @staticmethod
    def _power(base: Value, exponent: ast.expr) -> Value:
        match exponent:
            case ast.Constant(value=int(number)):
                return _each(f"(fun x => Qred (Qpower x {number}))", base)
        raise InvalidArgument(f"** {ast.unparse(exponent)}: is not written for Coq")

    def call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        """A function of the evidence, entry by entry, or one of the notation."""
        found = [self.read(argument) for argument in arguments]
        if name in self.functions:
            if len(found) == 1:
                return _each(_called(name), found[0])
            if all(not each.shape for each in found):
                return Value((), f"({_called(name)} {' '.join(each.text for each in found)})")
        if name in ("I", "ones", "zeros"):
            n = _integer(arguments[0], 0)
            row = f"(repeat ({int(name != 'zeros')} # 1) {n})"
            return Value((n, n), f"(diagonal {row})") if name == "I" else Value((n,), row)
        if name in BUILTINS:
            return BUILTINS[name](*found)
        raise InvalidArgument(f"{name}: is not written for Coq")

    def condition(self, node: ast.expr) -> str:
        """The truth of a condition, as a boolean of Coq."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return f"negb {self.condition(inner)}"
            case ast.BoolOp(op=op, values=parts):
                sign = " && " if isinstance(op, ast.And) else " || "
                return f"({sign.join(map(self.condition, parts))})"
            case ast.Compare(left=left, ops=ops, comparators=others):
                values = [self.read(x) for x in (left, *others)]
                return "(" + " && ".join(map(_compared, ops, values, values[1:])) + ")"
            case ast.Call(func=ast.Name(id="nonneg"), args=[inner]):
                return f"(forallb (Qle_bool 0) {self.read(inner).flat})"
        raise InvalidArgument(f"{ast.unparse(node)}: is not written for Coq")


def _each(function: str, x: Value) -> Value:
    text = (f"({function} {x.text})", f"(map {function} {x.text})",
            f"(map (map {function}) {x.text})")[len(x.shape)]
    return Value(x.shape, text)


def _entrywise(function: str, x: Value, y: Value) -> Value:
    if not x.shape and not y.shape:
        return Value((), f"({function} {x.text} {y.text})")
    if not x.shape:
        return _each(f"({function} {x.text})", y)
    if not y.shape:
        return _each(f"(fun x => {function} x {y.text})", x)
    _same(x.shape, y.shape)
    return Value(x.shape, f"({'zip' if len(x.shape) == 1 else 'zip_rows'} {function} {x.text} "
                          f"{y.text})")


def _product(x: Value, y: Value) -> Value:
    _same(x.shape[-1:], y.shape[:1])
    match len(x.shape), len(y.shape):
        case 1, 1:
            return Value((), f"(dot {x.text} {y.text})")
        case 2, 1:
            return Value(x.shape[:1], f"(applied {x.text} {y.text})")
        case 1, 2:
            return Value(y.shape[1:], f"(applied (transposed {y.shape[1]} {y.text}) {x.text})")
    return Value((x.shape[0], y.shape[1]), f"(product {y.shape[1]} {x.text} {y.text})")


def _same(one: Sequence[int], other: Sequence[int]) -> None:
    if tuple(one) != tuple(other):
        raise InvalidArgument(f"the shapes {tuple(one)} and {tuple(other)} do not fit")


def _compared(op: ast.cmpop, x: Value, y: Value) -> str:
    """All entries; a number is compared with each.  Arrays differ if some entry does."""
    if isinstance(op, ast.NotEq) and (x.shape or y.shape):
        return f"negb {_compared(ast.Eq(), x, y)}"
    form = _COMPARED[type(op)]
    if not x.shape and not y.shape:
        return "(" + form.format(x.text, y.text) + ")"
    if not x.shape:
        return f"(forallb (fun y => {form.format(x.text, 'y')}) {y.flat})"
    if not y.shape:
        return f"(forallb (fun x => {form.format('x', y.text)}) {x.flat})"
    _same(x.shape, y.shape)
    return f"(both (fun x y => {form.format('x', 'y')}) {x.flat} {y.flat})"


def _part(whole: Value, index: ast.expr) -> Value:
    """u[i], A[i], A[i, j] and slices, with integers that are written out."""
    places = list(index.elts) if isinstance(index, ast.Tuple) else [index]
    first, *second = places
    found = _taken(whole, first)
    if not second:
        return found
    if isinstance(first, ast.Slice) and not isinstance(second[0], ast.Slice):
        j = _integer(second[0], whole.shape[1])
        return Value(found.shape[:1], f"(column {j} {found.text})")
    if isinstance(first, ast.Slice):
        inner = _taken(Value(whole.shape[1:], "r"), second[0])
        return Value((*found.shape[:1], *inner.shape),
                     f"(map (fun r => {inner.text}) {found.text})")
    return _taken(found, second[0])


def _taken(x: Value, place: ast.expr) -> Value:
    n = x.shape[0]
    if isinstance(place, ast.Slice):
        low, high, _ = slice(*(None if end is None else _integer(end, n, True)
                               for end in (place.lower, place.upper))).indices(n)
        return Value((max(0, high - low), *x.shape[1:]),
                     f"(firstn {max(0, high - low)} (skipn {low} {x.text}))")
    return Value(x.shape[1:], f"(nth {_integer(place, n)} {x.text} "
                              f"{'0' if len(x.shape) == 1 else '[]'})")


def _integer(node: ast.expr, n: int, bound: bool = False) -> int:
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
            return -number if bound else n - number
    raise InvalidArgument(f"the index {ast.unparse(node)} is not written for Coq")


def _extreme(of_two: str, of_all: str) -> Callable[..., Value]:
    def made(*found: Value) -> Value:
        if len(found) == 1:
            return Value((), f"({of_all} {found[0].flat})")
        first, *others = found
        for other in others:
            first = _entrywise(of_two, first, other)
        return first
    return made


def _joined(*found: Value) -> Value:
    return Value((sum(each.shape[0] for each in found), *found[0].shape[1:]),
                 "(" + " ++ ".join(each.text for each in found) + ")")


def _dot(x: Value, y: Value) -> Value:
    _same(x.shape, y.shape)
    return Value((), f"(dot {x.flat} {y.flat})")


BUILTINS: Mapping[str, Callable[..., Value]] = {
    "abs": lambda x: _each("Qabs", x),
    "floor": lambda x: _each("(fun x => inject_Z (Qfloor x))", x),
    "min": _extreme("Qmin", "least"), "max": _extreme("Qmax", "greatest"),
    "norm2": lambda x: _dot(x, x), "dot": _dot,
    "sum": lambda x: Value((), f"(total {x.flat})"),
    "sign_changes": lambda x: Value((), f"(sign_changes {x.text})"),
    "diag": lambda x: Value((*x.shape, *x.shape), f"(diagonal {x.text})"),
    "outer": lambda x, y: Value((*x.shape, *y.shape), f"(outer {x.text} {y.text})"),
    "kron": lambda A, B: Value((A.shape[0] * B.shape[0], A.shape[1] * B.shape[1]),
                               f"(kron {A.text} {B.text})"),
    "stack": _joined, "concat": _joined,
    "len": lambda x: Value((), f"({x.shape[0]} # 1)"),
}
