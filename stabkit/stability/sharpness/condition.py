"""One condition on a row of a linear step."""

from __future__ import annotations

from dataclasses import dataclass

Polynomial = tuple[int, ...]


@dataclass(frozen=True)
class Condition:
    """A polynomial that must be >= 0, and what is tried where it is not.

    Attributes
    ----------
    polynomial : tuple of int
    row : int
        The row of the form that it is a condition on.
    signal : str
        "pixel" (1 at `column`), "constant" (all 1), "zero", or "signs" (those of the row).
    column : int
        The flat place of an input.
    """

    polynomial: Polynomial
    row: int
    signal: str
    column: int = -1
