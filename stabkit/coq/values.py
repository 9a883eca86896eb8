"""Numbers, vectors and matrices of rational numbers as terms of Coq, each with its shape."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stabkit.errors import InvalidArgument

OPERATIONS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
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


def each(function: str, x: Value) -> Value:
    text = (f"({function} {x.text})", f"(map {function} {x.text})",
            f"(map (map {function}) {x.text})")[len(x.shape)]
    return Value(x.shape, text)


def entrywise(function: str, x: Value, y: Value) -> Value:
    if not x.shape and not y.shape:
        return Value((), f"({function} {x.text} {y.text})")
    if not x.shape:
        return each(f"({function} {x.text})", y)
    if not y.shape:
        return each(f"(fun x => {function} x {y.text})", x)
    same(x.shape, y.shape)
    return Value(x.shape, f"({'zip' if len(x.shape) == 1 else 'zip_rows'} {function} {x.text} "
                          f"{y.text})")


def product(x: Value, y: Value) -> Value:
    same(x.shape[-1:], y.shape[:1])
    match len(x.shape), len(y.shape):
        case 1, 1:
            return Value((), f"(dot {x.text} {y.text})")
        case 2, 1:
            return Value(x.shape[:1], f"(applied {x.text} {y.text})")
        case 1, 2:
            return Value(y.shape[1:], f"(applied (transposed {y.shape[1]} {y.text}) {x.text})")
    return Value((x.shape[0], y.shape[1]), f"(product {y.shape[1]} {x.text} {y.text})")


def transpose(x: Value) -> Value:
    """The transpose of a matrix."""
    m, n = _matrix(x)
    return Value((n, m), f"(transposed {n} {x.text})")


def _matrix(x: Value) -> tuple[int, int]:
    if len(x.shape) != 2:
        raise InvalidArgument(f"a matrix is needed, not the shape {x.shape}")
    m, n = x.shape
    return m, n


def same(one: Sequence[int], other: Sequence[int]) -> None:
    if tuple(one) != tuple(other):
        raise InvalidArgument(f"the shapes {tuple(one)} and {tuple(other)} do not fit")


def compare_entries(op: ast.cmpop, x: Value, y: Value) -> str:
    """All entries; a number is compared with each.  Arrays differ if some entry does."""
    if isinstance(op, ast.NotEq) and (x.shape or y.shape):
        return f"negb {compare_entries(ast.Eq(), x, y)}"
    form = _COMPARED[type(op)]
    if not x.shape and not y.shape:
        return "(" + form.format(x.text, y.text) + ")"
    if not x.shape:
        return f"(forallb (fun y => {form.format(x.text, 'y')}) {y.flat})"
    if not y.shape:
        return f"(forallb (fun x => {form.format('x', y.text)}) {x.flat})"
    same(x.shape, y.shape)
    return f"(both (fun x y => {form.format('x', 'y')}) {x.flat} {y.flat})"


def part(whole: Value, index: ast.expr) -> Value:
    """u[i], A[i], A[i, j] and slices, with integers that are written out."""
    places = list(index.elts) if isinstance(index, ast.Tuple) else [index]
    first, *second = places
    found = _take(whole, first)
    if not second:
        return found
    if isinstance(first, ast.Slice) and not isinstance(second[0], ast.Slice):
        j = integer(second[0], whole.shape[1])
        return Value(found.shape[:1], f"(column {j} {found.text})")
    if isinstance(first, ast.Slice):
        inner = _take(Value(whole.shape[1:], "r"), second[0])
        return Value((*found.shape[:1], *inner.shape),
                     f"(map (fun r => {inner.text}) {found.text})")
    return _take(found, second[0])


def _take(x: Value, place: ast.expr) -> Value:
    n = x.shape[0]
    if isinstance(place, ast.Slice):
        low, high, _ = slice(*(None if end is None else integer(end, n, True)
                               for end in (place.lower, place.upper))).indices(n)
        return Value((max(0, high - low), *x.shape[1:]),
                     f"(firstn {max(0, high - low)} (skipn {low} {x.text}))")
    return Value(x.shape[1:], f"(nth {integer(place, n)} {x.text} "
                              f"{'0' if len(x.shape) == 1 else '[]'})")


def integer(node: ast.expr, n: int, bound: bool = False) -> int:
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
            return -number if bound else n - number
    raise InvalidArgument(f"the index {ast.unparse(node)} is not written for Coq")


def _extreme(of_two: str, of_all: str) -> Callable[..., Value]:
    def fold_entries(*found: Value) -> Value:
        if len(found) == 1:
            return Value((), f"({of_all} {found[0].flat})")
        first, *others = found
        for other in others:
            first = entrywise(of_two, first, other)
        return first
    return fold_entries


def _concatenate(*found: Value) -> Value:
    return Value((sum(one.shape[0] for one in found), *found[0].shape[1:]),
                 "(" + " ++ ".join(one.text for one in found) + ")")


def _dot(x: Value, y: Value) -> Value:
    same(x.shape, y.shape)
    return Value((), f"(dot {x.flat} {y.flat})")


def square(x: Value) -> int:
    """The number of rows of a square matrix."""
    m, n = _matrix(x)
    same((m,), (n,))
    return m


def _det(x: Value) -> Value:
    """By minors, of which there are n! in all."""
    if square(x) > 7:
        raise InvalidArgument(f"det of {x.shape[0]} rows is not written for Coq")
    return Value((), f"(det {x.shape[0]} {x.text})")


def _trace(x: Value) -> Value:
    square(x)
    return Value((), f"(trace {x.text})")


def _rank(x: Value) -> Value:
    _, width = _matrix(x)
    return Value((), f"(rank {width} {x.text})")


def _vec(x: Value) -> Value:
    m, n = _matrix(x)
    return Value((m * n,), f"(vec {n} {x.text})")


def _root(x: Value) -> tuple[Value, str]:
    made = each("root", x)
    return made, compare_entries(ast.Eq(), entrywise("mul", made, made), x)


def _inverse(x: Value) -> tuple[Value, str]:
    n = square(x)
    made = Value(x.shape, f"(inverse {x.text})")
    unit = Value(x.shape, f"(diagonal (repeat (1 # 1) {n}))")
    lengths = f"forallb (fun r => Nat.eqb (length r) {n}) {made.text}"
    return made, (f"Nat.eqb (length {made.text}) {n} && {lengths} && "
                  + compare_entries(ast.Eq(), product(x, made), unit))


#: Functions whose value is to be checked, too.
CHECKED: Mapping[str, Callable[..., tuple[Value, str]]] = {"sqrt": _root, "inverse": _inverse}

BUILTINS: Mapping[str, Callable[..., Value]] = {
    "abs": lambda x: each("Qabs", x),
    "floor": lambda x: each("(fun x => inject_Z (Qfloor x))", x),
    "min": _extreme("Qmin", "least"), "max": _extreme("Qmax", "greatest"),
    "norm2": lambda x: _dot(x, x), "dot": _dot,
    "sum": lambda x: Value((), f"(total {x.flat})"),
    "sign_changes": lambda x: Value((), f"(sign_changes {x.text})"),
    "diag": lambda x: Value((*x.shape, *x.shape), f"(diagonal {x.text})"),
    "outer": lambda x, y: Value((*x.shape, *y.shape), f"(outer {x.text} {y.text})"),
    "kron": lambda A, B: Value((A.shape[0] * B.shape[0], A.shape[1] * B.shape[1]),
                               f"(kron {A.text} {B.text})"),
    "sign": lambda x: each("sign", x),
    "polyval": lambda c, x: each(f"(polyval {c.text})", x),
    "vec": _vec,
    "det": _det, "trace": _trace, "rank": _rank,
    "stack": _concatenate, "concat": _concatenate,
    "len": lambda x: Value((), f"({x.shape[0]} # 1)"),
}
