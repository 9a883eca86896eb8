"""The notation of evidence: Python expressions, parsed and checked against what is allowed."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Mapping
from functools import lru_cache
from typing import NamedTuple

from stabkit.errors import InvalidEvidence
from stabkit.replay.functions import BUILTINS, CONSTANTS

MAX_CHARACTERS = 20_000  # of an expression, or another text
MAX_DEPTH = 80

RESERVED = {*BUILTINS, *CONSTANTS, "all", "cells"}
SYMBOLS = {ast.Lt: "<", ast.Gt: ">", ast.LtE: "<=", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEAD = re.compile(r"(\w+)\(([\w, ]+)\)")
_CHARACTERS = re.compile(r"[A-Za-z0-9_ +\-*/@().,\[\]:<>=!]+")
_FORMS = (
    ast.Name, ast.Constant, ast.List, ast.Attribute, ast.UnaryOp, ast.BinOp, ast.BoolOp,
    ast.Compare, ast.IfExp, ast.Load, ast.USub, ast.Not, ast.And, ast.Or,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult, *SYMBOLS,
)


class Function(NamedTuple):
    """A function of numbers that the evidence defines."""

    parameters: tuple[str, ...]
    body: ast.expr


def shorten(text: str, limit: int = 60) -> str:
    """The text, in one line and not too long, for a message."""
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def new_name(name: str, *taken: Container[str]) -> str:
    """The name, if evidence may define it."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidEvidence(f"{shorten(str(name))} is not a name")
    if any(name in names for names in (RESERVED, *taken)):
        raise InvalidEvidence(f"the name {shorten(name)} is already taken")
    return name


def parse_head(text: str) -> tuple[str, tuple[str, ...]]:
    """The left side of a definition: ``"s"`` or ``"phi(x, y)"`` as a name and its parameters."""
    if not (match := _HEAD.fullmatch(text)):
        return text, ()
    parameters: list[str] = []
    for parameter in match[2].split(","):
        parameters.append(new_name(parameter.strip(), parameters))
    return match[1], tuple(parameters)


def parse(text: str, names: set[str], functions: Mapping[str, Function]) -> ast.expr:
    """The syntax tree of an expression in which only known names and forms occur."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidEvidence(f"an expression has more than {MAX_CHARACTERS} characters")
    if strange := _CHARACTERS.sub("", text):
        raise InvalidEvidence(f"{strange[0]!r} is not part of the notation")
    tree, spoken_of, called = _tree(text.strip())
    for name in spoken_of:
        if name not in names:
            raise InvalidEvidence(f"unknown name {shorten(name)}")
    for name in called:
        if name not in functions:
            raise InvalidEvidence(f"unknown function {shorten(name)}")
    return tree


@lru_cache(maxsize=1024)  # certificates of one kind say the same
def _tree(text: str) -> tuple[ast.expr, tuple[str, ...], tuple[str, ...]]:
    """The tree, and the names and functions that must be known."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise InvalidEvidence(f"{shorten(text)} is not an expression") from None
    found: list[str] = []
    called: list[str] = []
    _check(tree, frozenset(CONSTANTS), found, called, 0)
    return tree, tuple(dict.fromkeys(found)), tuple(dict.fromkeys(called))


def _check(node: ast.AST, bound: frozenset[str], found: list[str], called: list[str],
           depth: int) -> None:
    """Note names and functions, but for those that are `bound`; refuse what is no notation."""
    if depth > MAX_DEPTH:
        raise InvalidEvidence(f"an expression is nested more than {MAX_DEPTH} deep")
    children: list[ast.AST] = list(ast.iter_child_nodes(node))
    match node:
        case ast.Call(func=ast.Name(id="all"), args=[over], keywords=[]):
            variable, knots, condition = cells(over)
            _check(knots, bound, found, called, depth + 1)
            bound, children = bound | {variable}, [condition]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            children = [*arguments]
            called += [name] if name not in BUILTINS else []
        case ast.Subscript(value=value):
            children = [value, *(bound for index in indices(node) for bound in _bounds(index))]
        case ast.Name(id=name):
            found += [name] if name not in bound else []
        case ast.Constant(value=number) if type(number) is not int:
            raise InvalidEvidence(f"{number!r} is not an integer")
        case ast.Attribute(attr=attribute) if attribute != "T":
            raise InvalidEvidence(f"unknown attribute {shorten(attribute)}")
        case _ if not isinstance(node, _FORMS):
            raise InvalidEvidence(f"{type(node).__name__} is not part of the notation")
    for child in children:
        _check(child, bound, found, called, depth + 1)


def cells(node: ast.expr) -> tuple[str, ast.expr, ast.expr]:
    """Variable, knots and condition of ``CONDITION for VARIABLE in cells(KNOTS)``."""
    match node:
        case ast.GeneratorExp(elt=condition, generators=[ast.comprehension(
                target=ast.Name(id=variable), ifs=[], is_async=0,
                iter=ast.Call(func=ast.Name(id="cells"), args=[knots], keywords=[]))]):
            return new_name(variable), knots, condition
    raise InvalidEvidence("all(...) is written all(CONDITION for x in cells(v))")


def indices(node: ast.Subscript) -> list[ast.expr]:
    """The one or two indices of ``u[i]`` or ``A[i, j]``; each an expression or a slice."""
    found = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if len(found) not in (1, 2):
        raise InvalidEvidence("at most two indices")
    return found


def _bounds(index: ast.expr) -> list[ast.expr]:
    if not isinstance(index, ast.Slice):
        return [index]
    if index.step:
        raise InvalidEvidence("a slice has no step")
    return [bound for bound in (index.lower, index.upper) if bound]
