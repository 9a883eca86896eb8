"""A linear step of the user's: its rows, what is held, and what it is in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from stabkit.errors import StabkitError
from stabkit.tracing import Free, Kinds, Trace, at_step, free, kinds_of, trace
from stabkit.tracing.form import CONSTANT, merge_entries

_VARIED = 5  # entries along an axis of which others are tried as well
_SORTS = 1000  # of rows, beyond which they are taken for those of this size alone
_HELD = 4096  # places that are proposed to be held
_OTHERS = ((16, 17, 15), (21, 19, 18))  # lengths of such axes


@dataclass(frozen=True, eq=False)
class OwnStep:
    """A linear step of the user's at one shape, with what is held.

    Attributes
    ----------
    trace : Trace
    held : mapping or None
    dt : Fraction or None
        The step, where it is not open.
    """

    trace: Trace
    held: Mapping[Any, Any] | None = None
    dt: Fraction | None = None

    @cached_property
    def free(self) -> Free:
        """The step on the entries that are not held."""
        return free(self.trace, self.held)

    @cached_property
    def kinds(self) -> Kinds:
        """Its kinds of rows; of the whole array, where nothing is held."""
        return kinds_of(self.free.form, self.free.shape)

    @cached_property
    def transpose(self) -> Kinds:
        """The kinds of the columns of its linear part, taken as rows."""
        form = self.free.form
        linear = form.columns != CONSTANT
        return kinds_of(merge_entries(form.count, form.columns[linear] - 1, form.rows[linear] + 1,
                                      form.numerators[linear], form.denominator), self.free.shape)

    @property
    def is_fixed(self) -> bool:
        """Whether no step enters."""
        form = self.trace.form
        return form.numerators.shape[1] == 1 and len(form.denominator) == 1

    @property
    def chessboard(self) -> np.ndarray:
        """1 and -1 like the squares of a chessboard, on the entries that are not held."""
        places = np.unravel_index(self.free.places, self.trace.shape)
        return np.where(sum(places) % 2, -1.0, 1.0)

    def words(self, by_rows: bool = False) -> str:
        """What the step is, in words; `by_rows` says that the answer depends on its rows alone."""
        shape = " x ".join(map(str, self.trace.shape))
        size = ", valid for every size made of these rows" if by_rows and self.repeats else \
            f", for shape {shape}"
        constants = "affine" if (self.free.form.columns == 0).any() else "linear"
        return f"{constants}, {self.kinds.words}{size}"

    @cached_property
    def repeats(self) -> bool:
        """Whether other lengths of the longer axes give the same stencils."""
        return self._recurs(lambda step: step.kinds)

    @cached_property
    def repeats_columns(self) -> bool:
        """Whether they give the same columns, too: rows that are alike may lie otherwise."""
        return self.repeats and len(self.transpose.examples) <= _SORTS and self._recurs(
            lambda step: step.transpose)

    def _recurs(self, kinds: Callable[[OwnStep], Kinds]) -> bool:
        if not self.at_others:  # of many sorts of rows the stencils are not listed at all
            return False
        known = stencils(kinds(self))
        return all(stencils(kinds(other)) == known for other in self.at_others)

    @cached_property
    def at_others(self) -> list[OwnStep]:
        """The step at other lengths of the longer axes; none where it is not linear at all."""
        shape = self.trace.shape
        found: list[OwnStep] = []
        if self.held or not any(n >= _VARIED for n in shape) or \
                len(self.kinds.examples) > _SORTS:
            return []
        for lengths in _OTHERS:
            other = tuple(lengths[k % 3] if n >= _VARIED else n for k, n in enumerate(shape))
            try:
                made = trace(self.trace.function, other)
            except StabkitError:
                return []
            made = made if self.dt is None else at_step(made, self.dt)
            if not made.is_linear:
                return []
            found.append(OwnStep(made, None, self.dt))
        return found


def stencils(kinds: Kinds) -> set[tuple]:
    """The different rows: where from the row they read, and with which coefficients."""
    divisor = kinds.form.denominator
    return {(divisor, frozenset(zip(kinds.offsets_of(row), map(tuple, kinds.numerators_of(row)),
                                    strict=True))) for row in kinds.examples.tolist()}


def held_ends(step: OwnStep) -> list[Any]:
    """Places that the step leaves as they are and that other rows read."""
    form = step.free.form
    starts = form.starts
    single = np.flatnonzero(np.diff(starts) == 1)
    first = starts[single]
    divisor = form.denominator
    width = form.numerators.shape[1]
    one = np.array([*divisor, *[0] * width][:width], dtype=form.numerators.dtype)
    same = (form.columns[first] == single + 1) & (form.numerators[first] == one).all(axis=1)
    places = single[same & (len(divisor) <= width)]
    read = np.bincount(form.columns, minlength=form.count + 1)[1:]
    fed = [int(place) for place in places if read[place] > 1]
    shape = step.free.shape
    return fed if len(shape) == 1 else \
        [tuple(map(int, np.unravel_index(place, shape))) for place in fed]


def fixed_values(found: Trace) -> dict[Any, Fraction] | None:
    """Places whose outputs are numbers, whatever the input and the step; None without any."""
    form = found.form
    lengths = np.diff(form.starts)
    if len(form.denominator) > 1 or not found.is_linear:
        return None
    constant = np.zeros(form.count, dtype=bool)
    constant[lengths == 0] = True
    single = np.flatnonzero(lengths == 1)
    constant[single] = (form.columns[form.starts[single]] == CONSTANT) & (
        form.numerators[form.starts[single], 1:] == 0).all(axis=1)
    places = np.flatnonzero(constant)
    if not places.size or places.size in (form.count, 0) or places.size > _HELD:
        return None
    values = form.constants()[:, 0]
    return {tuple(map(int, np.unravel_index(k, found.shape))):
            Fraction(int(values[k]), form.denominator[0]) for k in places.tolist()}
