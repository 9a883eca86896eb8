"""How expressions and relations are written in files: as Python writes them, ``u - tau*K.T@f``.

Read by :mod:`ast` and a walk that knows only +, −, *, /, **, @, ``.T``, names and integers;
nothing is executed.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.proof.aliases import Data
from stabkit.proof.words import Expression, expression

MAX_TEXT = 4000
RELATIONS = (">=", "==", ">")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")
_RATIONAL = re.compile(r"-?[0-9]{1,400}(/[0-9]{1,400})?")
_BINARY = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
           ast.Div: operator.truediv, ast.MatMult: operator.matmul}


Function = tuple[Callable[..., Expression], int]  # and the number of its arguments


def tree(text: Data) -> ast.expr:
    """The syntax tree of an expression."""
    if not isinstance(text, str) or len(text) > MAX_TEXT or not text.isascii():
        raise InvalidEvidence(f"an expression must be a text of at most {MAX_TEXT} ASCII "
                              f"characters, got {str(text)[:40]!r}")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        raise InvalidEvidence(f"{text[:60]!r} is not an expression") from None


def parse(text: Data, names: Mapping[str, Expression],
          functions: Mapping[str, Function] = MappingProxyType({})) -> Expression:
    """The expression that a text writes in these names, and functions if there are any.

    Raises
    ------
    InvalidEvidence
        For an unknown name, spaces that do not fit, or what is not in the notation.
    """
    try:
        return _walk(tree(text), names, functions)
    except RecursionError:
        raise InvalidEvidence(f"{text[:60]!r} is nested too deeply") from None
    except InvalidEvidence as error:
        raise InvalidEvidence(f"{str(text)[:80]}: {error}") from None


def _walk(node: ast.expr, names: Mapping[str, Expression],
          functions: Mapping[str, Function]) -> Expression:
    def inside(part: ast.expr) -> Expression:
        return _walk(part, names, functions)

    match node:
        case ast.Constant(value=value) if type(value) is int:
            return expression(value)
        case ast.Name(id=name):
            if name not in names:
                raise InvalidEvidence(f"{name} is not a name that the statement declares")
            return names[name]
        case ast.Attribute(value=inner, attr="T"):
            return inside(inner).T
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -inside(inner)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=exponent)) \
                if type(exponent) is int:
            return inside(left) ** exponent
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](inside(left), inside(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in functions:
            function, count = functions[name]
            if len(args) != count:
                raise InvalidEvidence(f"{name} has {count} arguments")
            return function(*map(inside, args))
    raise InvalidEvidence(f"{type(node).__name__} is not part of the notation")


def relation(text: Data, allowed: tuple[str, ...] = RELATIONS) -> tuple[str, str]:
    """The left side and the relation of ``... >= 0``, ``... > 0`` or ``... == 0``."""
    for sign in RELATIONS:
        if isinstance(text, str) and text.endswith(f" {sign} 0") and sign in allowed:
            return text.removesuffix(f" {sign} 0"), sign
    raise InvalidEvidence(f"{str(text)[:60]!r} must end in one of " +
                          ", ".join(f"' {sign} 0'" for sign in allowed))


def rational(text: Data) -> Fraction:
    """The number that a text such as "-3/4" writes."""
    if not isinstance(text, str) or not _RATIONAL.fullmatch(text) or \
            int(text.partition("/")[2] or 1) == 0:
        raise InvalidEvidence(f"{str(text)[:40]!r} is not a fraction like '-3/4'")
    return Fraction(text)


def new_name(name: Any, taken: Any) -> str:
    """A name that can be written in expressions and is not yet taken."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidEvidence(f"{str(name)[:40]!r} is not a name")
    if name in taken:
        raise InvalidEvidence(f"{name} is declared twice")
    return name


def fields(data: Data, needed: tuple[str, ...] = (), others: tuple[str, ...] = ()) -> dict:
    """The dictionary, if it has all keys that are needed and no unknown ones."""
    if not isinstance(data, dict):
        raise InvalidEvidence(f"needs a dictionary with {', '.join(needed + others)}, got "
                              f"{type(data).__name__}")
    missing, unknown = set(needed) - set(data), set(data) - set(needed) - set(others)
    if missing:
        raise InvalidEvidence(f"{sorted(missing)[0]} is missing")
    if unknown:
        raise InvalidEvidence(f"{str(sorted(unknown, key=str)[0])[:40]!r} is not known here")
    return data


def table(data: Data, at_most: int = 60) -> dict:
    """A dictionary of named entries, not too many."""
    if not isinstance(data, dict) or len(data) > at_most:
        raise InvalidEvidence(f"needs a dictionary of at most {at_most} entries")
    return data


def text_of(x: Expression) -> str:
    """The text of an expression; :func:`parse` reads it back."""
    parts = []
    for (word, powers), c in x.terms.items():
        factors = [name if k == 1 else f"{name}**{k}" for name, k in powers]
        if abs(c) != 1 or not (word or factors):
            factors.insert(0, str(abs(c)))
        if word:
            factors.append("@".join(a.name + ".T" * a.turned for a in word))
        parts.append(("- " if c < 0 else "+ ") + "*".join(factors))
    text = " ".join(parts) or "0"
    return text.removeprefix("+ ") if text[0] == "+" else "-" + text[2:] if text[:2] == "- " \
        else text
