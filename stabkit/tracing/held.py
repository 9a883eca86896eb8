"""Values that are held fixed: they are no unknowns of the step, but constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Array, Held
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import InvalidArgument
from stabkit.tracing.form import CONSTANT, Form, merge_entries, products
from stabkit.tracing.run import Trace


@dataclass(frozen=True, eq=False)
class Free:
    """A linear step on the entries that are not held.

    Attributes
    ----------
    form : Form
        With as many rows as entries are free; its unknowns are those entries.
    places : ndarray of int
        Their flat places in the array.
    shape : tuple of int
        That of the array where nothing is held, else (number of free entries,).
    held : tuple of Fraction
        The values that are held, each once.
    """

    form: Form
    places: np.ndarray
    shape: tuple[int, ...]
    held: tuple[Fraction, ...] = ()


def free(found: Trace, held: Held = None) -> Free:
    """The step with some entries held at given values.

    Parameters
    ----------
    found : Trace
        Of a linear step.
    held : mapping or (mask, value), optional
        From an index of the array to a value, ``"boundary"`` for all faces of it; an array of
        truth values with the value of the places that it marks; or ``"boundary"`` alone, for 0.

    Raises
    ------
    InvalidArgument
        If an index does not fit, or the step moves a held value.
    """
    if held is None or (isinstance(held, Mapping) and not held):
        return Free(found.form, np.arange(found.size), found.shape)
    values = np.zeros(found.shape, dtype=object)
    fixed = np.zeros(found.shape, dtype=bool)
    for place, value in _pairs(held, found.shape):
        try:
            fixed[place] = True
            values[place] = _exact(value)
        except (IndexError, ValueError) as error:
            raise InvalidArgument(f"held: {place!r} is no place in an array of shape "
                                  f"{found.shape}, or its value does not fit") from error
    flat, exact = fixed.ravel(), values.ravel()
    places = np.flatnonzero(~flat)
    if not places.size:
        raise InvalidArgument("held: every entry is held, nothing is left to be a signal")
    form = _put_in(found.form, flat, exact)
    _check_constancy(form, flat, exact, found.shape)
    number = np.full(flat.size + 1, -1, dtype=np.int64)
    number[0], number[places + 1] = 0, 1 + np.arange(places.size)
    kept = form.take(places)
    kept = Form(kept.count, kept.rows, number[kept.columns], kept.numerators, kept.denominator)
    return Free(kept, places, (places.size,), tuple(sorted(set(exact[flat]))))


def _pairs(held: Held, shape: tuple[int, ...]) -> list[tuple[Array, Array]]:
    if isinstance(held, tuple) and len(held) == 2 and \
            isinstance(held[0], np.ndarray) and held[0].dtype.kind == "b":
        return [held]
    if isinstance(held, str) and held == "boundary":
        held = {held: 0}
    if not isinstance(held, Mapping):
        raise InvalidArgument(f"held: must be a mapping from places to values, such as "
                              f"{{0: 0, -1: 0}} or {{'boundary': 0}}, or a pair of a mask and a "
                              f"value; got {held!r:.60}")
    faces = np.ones(shape, dtype=bool)
    faces[tuple(slice(1, -1) for _ in shape)] = False
    return [(faces if isinstance(place, str) and place == "boundary" else place, value)
            for place, value in held.items()]


def _exact(value: Array) -> Array:
    if np.ndim(value) == 0:
        return meaning(value) if is_rounded(value) else fractions([value], "held")[0]
    return np.vectorize(_exact, otypes=[object])(np.asarray(value, dtype=object))


def _put_in(form: Form, flat: np.ndarray, values: np.ndarray) -> Form:
    """The form with constants in place of the unknowns that are held."""
    chosen = (form.columns != CONSTANT) & flat[form.columns - 1]
    used = ~chosen
    used[chosen] = values[form.columns[chosen] - 1] != 0
    form = Form(form.count, form.rows[used], form.columns[used], form.numerators[used],
                form.denominator)
    moved = np.flatnonzero(chosen[used])
    if not moved.size:
        return form
    exact = [values[c - 1] for c in form.columns[moved].tolist()]
    denominator = int(np.lcm.reduce([1, *(v.denominator for v in exact)]))
    weights = np.full((form.rows.size, 1), denominator, dtype=object)
    weights[moved, 0] = [v.numerator * (denominator // v.denominator) for v in exact]
    columns = form.columns.copy()
    columns[moved] = CONSTANT
    return merge_entries(form.count, form.rows, columns, products(form.numerators, weights),
                         tuple(c * denominator for c in form.denominator))


def _check_constancy(form: Form, flat: np.ndarray, values: np.ndarray, shape: tuple[int, ...]
                     ) -> None:
    rows = form.take(np.flatnonzero(flat))
    wanted = values[flat]
    constants = rows.constants()
    if rows.is_constant and all(
            _scale(row, wanted[k].denominator) == _scale(form.denominator, wanted[k].numerator)
            for k, row in enumerate(constants.tolist())):
        return
    raise InvalidArgument(f"held: the step of shape {shape} does not keep all of the values that "
                          "are held; hold places that it leaves as they are")


def _scale(p: Any, factor: int) -> list[int]:
    scaled = [int(c) * factor for c in p]
    while scaled and scaled[-1] == 0:
        scaled.pop()
    return scaled
