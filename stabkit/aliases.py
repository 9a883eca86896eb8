"""Names for what one formula takes in many forms, which no type checker can follow.

A scheme is written once and runs on floats of any library, on fractions, intervals and symbols; so
most of these names stand for "anything", and say what is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:  # `stabkit --version` and completions answer before NumPy is loaded
    import numpy as np

#: What a user gives for a number: an integer, a fraction, a float at its exact value, a text "1/3".
Number: TypeAlias = "int | float | str | Fraction | np.number[Any]"
#: A number that is computed with: such a one as a fraction, an interval, or a step left open.
Rational: TypeAlias = Any
#: Rationals in a row.
Vector: TypeAlias = "Sequence[Rational] | np.ndarray"
#: What a formula of one variable takes: a number, an array of them, an interval, a symbol.
Scalar: TypeAlias = Any
#: Signals: floats of any array library, NumPy's fractions and intervals, or symbols for a signal.
Signal: TypeAlias = Any
#: An array of any library, a traced one, or a number beside it.
Array: TypeAlias = Any
#: A matrix, dense or sparse, of floats or exact.
Matrix: TypeAlias = Any
#: The other operand of an arithmetic operation.
Operand: TypeAlias = Any
#: What a notion compares: a fraction, an interval, floats, or a term.
Margin: TypeAlias = Any
#: The namespace of an array library.
Library: TypeAlias = Any
#: A thing of a library that may be missing: a module, a tensor, a graph.
Foreign: TypeAlias = Any
#: An argument of a function of such a library or of NumPy, handed on as it is given.
Argument: TypeAlias = Any
#: What a file, a piece of evidence or a message says, by name.
Fields: TypeAlias = Mapping[str, Any]
#: The same, to be filled.
Record: TypeAlias = dict[str, Any]
#: The arguments with which a claim is decided, by name.
Configuration: TypeAlias = Mapping[str, Any]
#: A function in NumPy, such as ``step(u, dt)``, or one that makes something of members of classes.
Function: TypeAlias = Callable[..., Any]
#: The notions of stability that have a name.
NotionName: TypeAlias = Literal[
    "euclidean", "contraction", "range", "sign", "cyclic sign", "contrast", "variation",
    "cyclic variation", "extrema", "mean", "positivity", "max norm"]
#: The shape of an array as a user gives it.
Size: TypeAlias = int | Sequence[int]
#: Places of an array that are held at a value: a mapping, or a mask and its values; or None.
Held: TypeAlias = Any
