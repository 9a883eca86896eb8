"""Rows of lines and grids, and pieces of functions of one variable, for Coq."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from stabkit.coq.addition import indented
from stabkit.coq.context import Data
from stabkit.coq.terms import Number, Terms, symbol
from stabkit.errors import InvalidArgument
from stabkit.proof.text import relation, tree


def rows(name: str, statement: Data, proof: Data) -> list[str]:
    """That a value stays between the values before, for each kind of row.

    Raises
    ------
    InvalidArgument
        For what is not shown row by row: sign, variation, extrema.
    """
    del proof
    if statement["keeps"] != "range":
        raise InvalidArgument(f"{statement['keeps']}: only what keeps the range is written for Coq")
    lines = ["(* A line or grid of any size is made of these kinds of rows. *)"]
    for number, (kind, row) in enumerate(statement["rows"].items()):
        made = _implicit if statement["step"] == "implicit" else _explicit
        lines += ["", f"(* {kind} *)", *made(f"{name}_{number}", row, statement["weights"])]
    shown = " ".join(f"(conj {name}_{number}" for number in range(len(statement["rows"])))
    return [*lines, "", f"Definition {name} := {shown} I{')' * len(statement['rows'])}."]


def _binders(row: Mapping[str, str], weights: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The weights with their ends, and the names of the values."""
    lines = []
    for weight, end in weights.items():
        high = "" if end == "inf" else f" <= {end}"
        lines.append(f"forall {symbol(weight)} : R, 0 <= {symbol(weight)}{high} ->")
    values = [f"u{k}" for k in range(len(row))]
    return [*lines, f"forall {' '.join(values)} low high : R,"], values


def _entries(row: Mapping[str, str], weights: Mapping[str, str]) -> list[str]:
    names = {weight: Number(symbol(weight)) for weight in weights}
    found = [Terms().read(text, names) for text in row.values()]
    return [entry.text for entry in found if isinstance(entry, Number)]


def _explicit(name: str, row: Mapping[str, str], weights: Mapping[str, str]) -> list[str]:
    given, values = _binders(row, weights)
    entries = _entries(row, weights)
    total = " + ".join(f"{a} * {u}" for a, u in zip(entries, values, strict=True))
    between = [f"low <= {u} <= high ->" for u in values]
    parts = [f"assert (0 <= {a} * ({x})) by (apply Rmult_le_pos; lra)."
             for a, u in zip(entries, values, strict=True) for x in (f"{u} - low", f"high - {u}")]
    return [f"Theorem {name} :", *indented([*given, *between, f"low <= {total} <= high."]),
            "Proof.", *indented(["intros.", *parts, "lra."]), "Qed."]


def _implicit(name: str, row: Mapping[str, str], weights: Mapping[str, str]) -> list[str]:
    """At a largest (smallest) value after the step, the value before is at least (most) that."""
    given, values = _binders(row, weights)
    entries, place = _entries(row, weights), list(row).index("0")
    total = " + ".join(f"{a} * {u}" for a, u in zip(entries, values, strict=True))
    mine = values[place]
    others = [(a, u) for k, (a, u) in enumerate(zip(entries, values, strict=True)) if k != place]
    largest = [f"{u} <= {mine} ->" for _, u in others]
    smallest = [f"{mine} <= {u} ->" for _, u in others]
    shown = [f"({' '.join(largest)} {mine} <= {total}) /\\",
             f"({' '.join(smallest)} {total} <= {mine})."]
    parts = [[f"assert (0 <= - ({a}) * ({d})) by (apply Rmult_le_pos; lra)." for a, d in pairs]
             for pairs in ([(a, f"{mine} - {u}") for a, u in others],
                           [(a, f"{u} - {mine}") for a, u in others])]
    return [f"Theorem {name} :", *indented([*given, *shown]), "Proof.",
            "  intros. split; intros.", *(f"  - {' '.join([*each, 'lra.'])}" for each in parts),
            "Qed."]


def pieces(name: str, statement: Data, proof: Data) -> list[str]:
    """A function of one variable that is a polynomial on each of some pieces."""
    y, (low, high) = symbol(statement["variable"]), statement["on"]
    left, sign = relation(statement["goal"], (">=", "=="))
    given = [f"forall {y} : R,"]
    given += [f"{low} <= {y} ->"] if low != "-inf" else []
    given += [f"{y} <= {high} ->"] if high != "inf" else []
    text = _function(tree(left), {statement["variable"]: y})
    cases = [f"destruct (Rle_dec {y} ({b}));" for b in proof["breaks"]]
    return [f"Theorem {name} :", *indented([*given, f"{text} = 0." if sign == "==" else
                                            f"0 <= {text}."]),
            "Proof.", f"  intros. {' '.join(cases)} unfold Rmax, Rmin, Rabs;",
            "  repeat match goal with",
            "  | |- context [Rle_dec ?a ?b] => destruct (Rle_dec a b)",
            "  | |- context [Rcase_abs ?a] => destruct (Rcase_abs a)",
            "  end; nra.", "Qed."]


_FUNCTIONS = {"max": "Rmax", "min": "Rmin", "abs": "Rabs"}
_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def _function(node: ast.expr, names: Mapping[str, str]) -> str:
    """A real expression with max, min and abs."""
    match node:
        case ast.Constant(value=int(value)):
            return str(value)
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(operand=inner):
            return f"(- {_function(inner, names)})"
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=k)):
            return f"({_function(left, names)} ^ {k})"
        case ast.BinOp(left=left, op=op, right=right):
            return f"({_function(left, names)} {_SIGNS[type(op)]} {_function(right, names)})"
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return f"({_FUNCTIONS[name]} {' '.join(_function(x, names) for x in arguments)})"
    raise InvalidArgument(f"{ast.unparse(node)}: is not written for Coq")
