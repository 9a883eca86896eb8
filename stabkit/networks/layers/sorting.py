"""Entries in ascending order, in groups: GroupSort, MaxMin, and the maxima of several signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.transcript import Term
from stabkit.networks.layers.float_errors import Enclosure
from stabkit.networks.layers.grouped import Grouped
from stabkit.networks.layers.pooling import greater


@dataclass(frozen=True, eq=False)
class Sorting(Grouped):
    """x ↦ the entries of every group in ascending order (Anil, Lucas and Grosse 2019).

    On each of the cones where it is linear it permutes entries, so it is 1-Lipschitz.
    """

    @cached_property
    def bound(self) -> Fraction | None:
        return Fraction(1)

    def of_floats(self, rows: np.ndarray) -> np.ndarray:
        return np.sort(rows, axis=-1)

    def of_exact(self, row: list[Any]) -> list[Any]:
        if not any(isinstance(value, Interval) for value in row):
            return sorted(row)
        return _sort_by_comparisons(row, lambda a, b: (-greater(-a, -b), greater(a, b)))

    def slope(self, rows: np.ndarray, d: np.ndarray, adjoint: bool) -> np.ndarray:
        order = np.argsort(rows, axis=-1, kind="stable")
        if not adjoint:
            return np.take_along_axis(d, order, axis=-1)
        out = np.empty_like(d)
        np.put_along_axis(out, order, d, axis=-1)
        return out

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        middle, error = inputs[0]
        return self.apply(middle), error

    def _write_group(self, v: Term) -> Term:
        def order_pair(a: str, b: str) -> tuple[str, str]:
            low, high = (v.log.define("m", v.log.term(f"{name}({a}, {b})")).text
                         for name in ("min", "max"))
            return low, high

        texts = [v[place].text for place in range(self.places.shape[1])]
        return v.log.term(f"[{', '.join(_sort_by_comparisons(texts, order_pair))}]")


def _sort_by_comparisons(row: list[Any], ordered: Callable[[Any, Any], tuple[Any, Any]]
                         ) -> list[Any]:
    """A row in order by comparisons of neighbours, odd and even ones in turn."""
    row = list(row)
    for turn in range(len(row)):
        for place in range(turn % 2, len(row) - 1, 2):
            row[place:place + 2] = ordered(*row[place:place + 2])
    return row
