"""Functions of one variable that are polynomials on each of some pieces, for Coq."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from stabkit.coq.addition import indent_lines
from stabkit.coq.context import Data
from stabkit.coq.names import symbol
from stabkit.errors import InvalidArgument
from stabkit.proof.text import relation, tree


def pieces(name: str, statement: Data, proof: Data) -> list[str]:
    """A function of one variable that is a polynomial on each of some pieces."""
    y, (low, high) = symbol(statement["variable"]), statement["on"]
    left, sign = relation(statement["goal"], (">=", "=="))
    given = [f"forall {y} : R,"]
    given += [f"{low} <= {y} ->"] if low != "-inf" else []
    given += [f"{y} <= {high} ->"] if high != "inf" else []
    text = _function(tree(left), {statement["variable"]: y})
    cases = [f"destruct (Rle_dec {y} ({b}));" for b in proof["breaks"]]
    return [f"Theorem {name} :", *indent_lines([*given, f"{text} = 0." if sign == "==" else
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
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(k))):
            return f"({_function(left, names)} ^ {k})"
        case ast.BinOp(left=left, op=op, right=right):
            return f"({_function(left, names)} {_SIGNS[type(op)]} {_function(right, names)})"
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return f"({_FUNCTIONS[name]} {' '.join(_function(x, names) for x in arguments)})"
    raise InvalidArgument(f"{ast.unparse(node)}: is not written for Coq")
