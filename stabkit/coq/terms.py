"""Expressions of the kernel's notation as terms of Coq, each with its space.

The kernel's operators and row vectors are no terms of their own in Coq: an operator is what it
makes of a vector, and a row vector is what it is multiplied with.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from stabkit.errors import InvalidArgument
from stabkit.proof.text import tree


@dataclass(frozen=True)
class Number:
    """A real number: a parameter, a scalar product, or what is made of them."""

    text: str

    @property
    def T(self) -> Number:
        return self


@dataclass(frozen=True)
class Vector:
    """A vector of a space: `text` in Coq, `deep` as a ``vexpr`` of the library."""

    space: str
    text: str
    deep: str


@dataclass(frozen=True)
class Row:
    """The transpose of a vector."""

    vector: Vector

    @property
    def T(self) -> Vector:
        return self.vector


@dataclass(frozen=True)
class Operator:
    """A linear map from a space to a space, and its transpose."""

    of: str
    to: str
    forwards: Callable[[Vector], Vector]
    backwards: Callable[[Vector], Vector]

    @property
    def T(self) -> Operator:
        return Operator(self.to, self.of, self.backwards, self.forwards)


Term = Number | Vector | Row | Operator


@dataclass(frozen=True)
class Product:
    """A scalar product: its text, and its vectors as the library's ``vexpr``."""

    space: str
    text: str
    left: str
    right: str


@dataclass
class Terms:
    """Builds terms and notes the vectors, operators and scalar products that occur.

    Attributes
    ----------
    spaces, letters, vectors : dict
        The number by which the library knows a space, an operator, a vector.
    products : dict
        The deep form of each scalar product, by its text.
    """

    spaces: dict[str, int] = field(default_factory=dict)
    letters: dict[str, int] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)
    symmetric: set[str] = field(default_factory=set)
    products: dict[str, Product] = field(default_factory=dict)

    def generator(self, text: str, space: str) -> Vector:
        """A vector that is not made of others."""
        return Vector(space, text, f"(Gen {self.vectors.setdefault(text, len(self.vectors))})")

    def zero(self, space: str) -> Vector:
        return Vector(space, "zero", "Zero")

    def operator(self, text: str, of: str, to: str, symmetric: bool = False) -> Operator:
        """A matrix from a space to a space."""
        number = self.letters.setdefault(text, len(self.letters))
        if symmetric:
            self.symmetric.add(text)

        def forwards(x: Vector) -> Vector:
            self._fits(x.space, of)
            return Vector(to, f"(mul {of} {text} {x.text})",
                          self._apply(number, of, to, "false", x))

        def backwards(x: Vector) -> Vector:
            self._fits(x.space, to)
            return Vector(of, f"(mulT {to} {text} {x.text})",
                          self._apply(number, to, of, "true", x))
        return Operator(of, to, forwards, forwards if symmetric else backwards)

    def _apply(self, number: int, of: str, to: str, turned: str, x: Vector) -> str:
        return f"(App (Letter {number} {self.space(of)} {self.space(to)} {turned}) {x.deep})"

    def space(self, name: str) -> int:
        return self.spaces.setdefault(name, len(self.spaces))

    def scale(self, factor: Number, x: Vector) -> Vector:
        return Vector(x.space, f"(scal {factor.text} {x.text})", f"(Scal {factor.text} {x.deep})")

    def dot(self, x: Vector, y: Vector) -> Number:
        self._fits(x.space, y.space)
        text = f"(dot {x.space} {x.text} {y.text})"
        self.space(x.space)
        self.products[text] = Product(x.space, text, x.deep, y.deep)
        return Number(text)

    def sum(self, left: Term, right: Term, minus: bool = False) -> Term:
        if isinstance(left, Number) and left.text == "0" and not isinstance(right, Number):
            return self.times(Number("(-1)"), right) if minus else right
        if isinstance(right, Number) and right.text == "0" and not isinstance(left, Number):
            return left
        match left, right:
            case Number(), Number():
                return Number(f"({left.text} {'-' if minus else '+'} {right.text})")
            case Vector(), Vector():
                self._fits(left.space, right.space)
                name = "sub" if minus else "add"
                return Vector(left.space, f"({name} {left.text} {right.text})",
                              f"({name.capitalize()} {left.deep} {right.deep})")
            case Row(), Row():
                return Row(self.vector(self.sum(left.T, right.T, minus)))
            case Operator(), Operator():
                return replace(
                    left, forwards=lambda x: self.vector(
                        self.sum(left.forwards(x), right.forwards(x), minus)),
                    backwards=lambda x: self.vector(
                        self.sum(left.backwards(x), right.backwards(x), minus)))
        raise InvalidArgument(f"{type(left).__name__} and {type(right).__name__} cannot be added")

    def vector(self, x: Term) -> Vector:
        if not isinstance(x, Vector):
            raise InvalidArgument(f"needs a vector, got {type(x).__name__.lower()}")
        return x

    def times(self, factor: Number, x: Term) -> Term:
        """A multiple of a term."""
        match x:
            case Number():
                return Number(f"({factor.text} * {x.text})")
            case Vector():
                return self.scale(factor, x)
            case Row():
                return Row(self.scale(factor, x.vector))
            case Operator():
                return replace(x, forwards=lambda y: self.scale(factor, x.forwards(y)),
                               backwards=lambda y: self.scale(factor, x.backwards(y)))

    def product(self, left: Term, right: Term) -> Term:
        """What @ writes, and * where one side is a number."""
        match left, right:
            case Number(), _:
                return self.times(left, right)
            case _, Number():
                return self.times(right, left)
            case Row(), Vector():
                return self.dot(left.vector, right)
            case Row(), Operator():
                return Row(right.backwards(left.vector))
            case Operator(), Vector():
                return left.forwards(right)
            case Operator(), Operator():
                return Operator(right.of, left.to, lambda x: left.forwards(right.forwards(x)),
                                lambda x: right.backwards(left.backwards(x)))
        raise InvalidArgument("the product of a vector and a row vector is not written for Coq")

    def _fits(self, one: str, other: str) -> None:
        if one != other:
            raise InvalidArgument(f"the spaces {one} and {other} do not fit")

    def read(self, text: str, names: Mapping[str, Term]) -> Term:
        """The term that a text of the kernel's notation stands for."""
        return self._walk(tree(text), names)

    def _walk(self, node: ast.expr, names: Mapping[str, Term]) -> Term:
        match node:
            case ast.Constant(value=int(value)):
                return Number(str(value))
            case ast.Name(id=name):
                return names[name]
            case ast.Attribute(value=inner, attr="T"):
                x = self._walk(inner, names)
                return Row(x) if isinstance(x, Vector) else x.T
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self.times(Number("(-1)"), self._walk(inner, names))
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
                base = self._walk(left, names)
                if isinstance(base, Number):
                    return Number(f"({base.text} ^ {exponent})")
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                over = self._walk(right, names)
                if isinstance(over, Number):
                    return self.times(Number(f"(/ {over.text})"), self._walk(left, names))
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                return self.sum(self._walk(left, names), self._walk(right, names),
                                isinstance(op, ast.Sub))
            case ast.BinOp(left=left, op=ast.Mult() | ast.MatMult(), right=right):
                return self.product(self._walk(left, names), self._walk(right, names))
        raise InvalidArgument(f"{ast.unparse(node)}: is not written for Coq")
