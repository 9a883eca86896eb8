"""Evidence in rational numbers as calculations that Coq repeats."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from stabkit.coq.context import Data
from stabkit.coq.values import (
    BUILTINS,
    CHECKED,
    OPERATIONS,
    Value,
    compare_entries,
    each,
    entrywise,
    integer,
    part,
    product,
    square,
    transpose,
)
from stabkit.errors import InvalidArgument

#: The functions of evidence, and definiteness with its proof.
EXACT = tuple(Path(__file__).with_name(name) for name in ("Exact.v", "Definite.v"))


def calculation(name: str, data: Data) -> list[str]:
    """What is given, what is made of it, and that it shows what it shows.

    Raises
    ------
    InvalidArgument
        For functions that are not written for Coq, such as ``exp`` or ``roots_in``.
    """
    made = Calculation()
    lines = [f"Module {name}_calculation.", ""]
    for key, value in data["given"].items():
        made.values[key] = _value_of_given(value, key)
        lines.append(f"Definition {_coq_name(key)} := {_literal(value)}.")
    for head, text in data["let"]:
        lines.append(made.define(head, text))
    conditions = [made.condition(_parse(text)) for text in data["shows"]]
    shown = " && ".join(dict.fromkeys([*made.checks, *conditions]))
    return [*lines, "", f"End {name}_calculation.", f"Import {name}_calculation.", "",
            f"Theorem {name} : {shown} = true.", "Proof. vm_compute. reflexivity. Qed."]


def _coq_name(name: str) -> str:
    """A name that neither Coq nor its library has."""
    return f"{name}'"


def _parse(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return "[" + "; ".join(map(_literal, value)) + "]"
    if not isinstance(value, str | int):
        raise InvalidArgument("a signal in runs is not written for Coq")
    number = Fraction(value)
    return f"({number.numerator} # {number.denominator})"


def _value_of_given(value: Any, name: str) -> Value:
    shape: tuple[int, ...] = ()
    inner = value
    while isinstance(inner, list) and inner:
        shape, inner = (*shape, len(inner)), inner[0]
    return Value(shape, _coq_name(name))


@dataclass
class Calculation:
    """Reads the notation of evidence; knows the shape of each value and the functions.

    Attributes
    ----------
    checks : list of str
        What must hold besides, where a program of the library may have found nothing: that a root's
        square is the number, and that a matrix times its inverse is I.
    """

    values: dict[str, Value] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    checks: list[str] = field(default_factory=list)

    def define(self, head: str, text: str) -> str:
        """The definition of a name, or of a function of numbers."""
        name, _, rest = head.partition("(")
        names = [one.strip() for one in rest.rstrip(")").split(",") if one.strip()]
        if names:
            inner = Calculation(self.values | {x: Value((), _coq_name(x)) for x in names},
                                set(self.functions))
            body = inner.read(_parse(text))
            if inner.checks:
                raise InvalidArgument(f"{head}: a root or an inverse in a function is not written "
                                      "for Coq")
            self.functions.add(name)
            return (f"Definition {_coq_name(name)} ({' '.join(map(_coq_name, names))} : Q) : Q := "
                    f"{body.text}.")
        found = self.read(_parse(text))
        self.values[name] = Value(found.shape, _coq_name(name))
        return f"Definition {_coq_name(name)} := {found.text}."

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
                return transpose(self.read(inner))
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return each("Qopp", self.read(inner))
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return product(self.read(left), self.read(right))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(self.read(left), right)
            case ast.BinOp(left=left, op=op, right=right):
                return entrywise(OPERATIONS[type(op)], self.read(left), self.read(right))
            case ast.IfExp(test=test, body=body, orelse=other):
                one, two = self.read(body), self.read(other)
                return Value(one.shape, f"(if {self.condition(test)} then {one.text} "
                                        f"else {two.text})")
            case ast.Subscript(value=whole):
                return part(self.read(whole), node.slice)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.call(name, arguments)
        raise InvalidArgument(f"{ast.unparse(node)}: is not written for Coq")

    @staticmethod
    def _power(base: Value, exponent: ast.expr) -> Value:
        match exponent:
            case ast.Constant(value=int(number)):
                return each(f"(fun x => Qred (Qpower x {number}))", base)
        raise InvalidArgument(f"** {ast.unparse(exponent)}: is not written for Coq")

    def call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        """A function of the evidence, entry by entry, or one of the notation."""
        found = [self.read(argument) for argument in arguments]
        if name in self.functions:
            if len(found) == 1:
                return each(_coq_name(name), found[0])
            if all(not one.shape for one in found):
                return Value((), f"({_coq_name(name)} {' '.join(one.text for one in found)})")
        if name in ("I", "ones", "zeros"):
            n = integer(arguments[0], 0)
            row = f"(repeat ({int(name != 'zeros')} # 1) {n})"
            return Value((n, n), f"(diagonal {row})") if name == "I" else Value((n,), row)
        if name in CHECKED:
            made, check = CHECKED[name](*found)
            self.checks.append(check)
            return made
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
                return "(" + " && ".join(map(compare_entries, ops, values, values[1:])) + ")"
            case ast.Call(func=ast.Name(id="nonneg"), args=[inner]):
                return f"(forallb (Qle_bool 0) {self.read(inner).flat})"
            case ast.Call(func=ast.Name(id="psd" | "pd" as name), args=[inner]):
                matrix = self.read(inner)
                square(matrix)
                return f"({name} {matrix.text})"
        raise InvalidArgument(f"{ast.unparse(node)}: is not written for Coq")


