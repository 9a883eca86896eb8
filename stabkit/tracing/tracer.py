"""What one run of a function on symbols leaves behind, and where it was stopped."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from stabkit import errors
from stabkit.aliases import Function
from stabkit.errors import TracingStopped
from stabkit.tracing.form import Form, unknowns
from stabkit.tracing.numbers import Reading

_INSIDE = tuple(str(Path(file).parent) for file in (errors.__file__, np.__file__) if file)

PARTIAL = ("log", "log1p", "sqrt", "divide", "power", "float_power")  # without a value somewhere


@dataclass(frozen=True, eq=False)
class Node:
    """An elementwise operation that is not linear; its values are unknowns of their own.

    Or a linear system, "solve": its parts are the rows of the matrix and the right side.

    Attributes
    ----------
    name : str
        Of the function of NumPy.
    parts : tuple of Form
        Its arguments, each of `count` rows.
    first, count : int
        The columns of its values.
    line : str
        Where it stands.
    """

    name: str
    parts: tuple[Form, ...]
    first: int
    count: int
    line: str


@dataclass
class Tracer:
    """The unknowns of one run, in order: the inputs first, then the values of the nodes.

    Attributes
    ----------
    inputs : int
    nodes : list of Node
    stops : list of str
        Every attempt to leave the symbols, as code may swallow the error.
    reading : Reading
    functions : mapping
        What is done for functions of NumPy.
    fills_numbers : bool
        Whether symbols were to be written into an array of numbers.
    vanished : set of int
        The columns that were multiplied by 0, or taken from themselves.
    """

    inputs: int
    nodes: list[Node] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    reading: Reading = field(default_factory=Reading)
    functions: Mapping[Any, Function] = field(default_factory=dict)
    fills_numbers: bool = False
    vanished: set[int] = field(default_factory=set)

    @property
    def next_column(self) -> int:
        """The next column that is free."""
        return 1 + self.inputs + sum(node.count for node in self.nodes)

    def node(self, name: str, parts: Sequence[Form], count: int | None = None) -> Form:
        """The values of an elementwise operation, or of a system, as new unknowns."""
        first, count = self.next_column, parts[0].count if count is None else count
        self.nodes.append(Node(name, tuple(parts), first, count, line_of_user()))
        return unknowns(count, first)

    def _nodes_behind(self, columns: Any) -> list[bool]:
        """Which nodes are among some columns, or parts of those that are."""
        marked = np.zeros(self.next_column, dtype=bool)
        marked[columns] = True
        found = []
        for node in reversed(self.nodes):  # the parts of each came before it
            found.append(bool(marked[node.first:node.first + node.count].any()))
            if found[-1]:
                for part in node.parts:
                    marked[part.columns] = True
        return found[::-1]

    @property
    def loses_values(self) -> bool:
        """Whether a value that may be none was multiplied by 0, and so left no trace."""
        return any(lost and node.name in PARTIAL for node, lost in zip(
            self.nodes, self._nodes_behind(list(self.vanished)), strict=True))

    def refuse_losses(self, form: Form) -> Form:
        """The form; refused if a function without a value somewhere does not occur in it.

        0·√u is no zero where √u is nan.
        """
        if self.loses_values:
            raise TracingStopped("a quotient, root or logarithm is multiplied by 0, or taken from "
                                 "itself, which is no 0 where it has no value")
        occurs = self._nodes_behind(form.columns)
        for node, occurring in reversed([*zip(self.nodes, occurs, strict=True)]):
            if not occurring and node.name in PARTIAL:
                raise TracingStopped(
                    f"np.{node.name} does not occur in the result, being unused or multiplied by "
                    f"0, which does not help where it has no value ({node.line})")
        return form

    def stop(self, what: str) -> NoReturn:
        """Refuse what cannot be followed."""
        message = f"{what} ({line_of_user()})"
        self.stops.append(message)
        raise TracingStopped(message)


def line_of_user() -> str:
    """The line of the function under trace that is being run."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
    if frame is None:
        return "unknown line"
    file, number = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, number).strip()
    return f"{Path(file).name}, line {number}" + (f": {text}" if text else "")
