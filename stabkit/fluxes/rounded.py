"""Fluxes made of floats, or of formulas with floats in them, as they were meant.

A constant in the expression of a formula knows what was meant by it; a flux of the dictionary is
made again from the parameters that were meant, when someone asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar, cast

from stabkit.aliases import Record
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import StabkitError
from stabkit.fluxes.expression import Expression
from stabkit.fluxes.faces import Facts, Piece
from stabkit.fluxes.recording import record

P = ParamSpec("P")
T = TypeVar("T")  # the flux

#: The place of a number, the number, and what was meant by it.
Rounding = tuple[str, Fraction, Fraction]

_OF_A_PIECE = ("upto", "activation", "diffusivity", "regulariser", "slope")


def note_meaning(make: Callable[P, T]) -> Callable[P, T]:
    """Let a flux remember how it was made, and so which one was meant."""
    parameters = signature(make)

    @wraps(make)
    def make_and_note(*arguments: P.args, **named: P.kwargs) -> T:
        given: Any = parameters.bind(*arguments, **named).arguments
        name = given.get("name", "custom")
        # A function is recorded now, whatever happens to its variables later.
        given = {each: record(value, f"{name}: {each}") if callable(value) else value
                 for each, value in given.items()}
        flux = cast(Any, make)(**given)
        object.__setattr__(flux, "making", (make, given))
        return flux
    return make_and_note


def as_meant(flux: Any) -> tuple[Any, tuple[Rounding, ...]]:
    """The flux that was meant, and each number that differs once; itself if none does."""
    make, given = flux.making or (type(flux), _arguments_of(flux))
    try:
        found: dict[Fraction, Rounding] = {}
        for name, value in given.items():
            for each in _roundings(value, name):
                found.setdefault(each[1], each)
        if found:
            return make(**{name: _meaning(value) for name, value in given.items()}), \
                tuple(found.values())
    except StabkitError:  # such as two breakpoints that coincide then
        return flux, ()
    return flux, ()


def _arguments_of(flux: Any) -> Record:
    """The arguments of its class, with the expressions that were given or are derived for them."""
    pieces = [Piece(piece.upto, **{
        face: faces[face] for face in faces if getattr(piece, face) is not None})
        for piece, faces in zip(flux.pieces, flux._faces, strict=True)]
    return {"name": flux.name, "pieces": pieces, "facts": flux.facts,
            "parameters": flux.parameters}


def _roundings(value: Any, name: str) -> Iterator[Rounding]:
    if isinstance(value, Expression):
        for part in value.parts():
            if part.operation == "constant":
                yield from _roundings(part.value, name)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _roundings(each, name)
    elif isinstance(value, Facts):
        yield from _roundings(value.slopes, "slopes")
        yield from _roundings(value.diffusivities, "diffusivities")
    elif isinstance(value, Piece):
        for face in _OF_A_PIECE:
            yield from _roundings(getattr(value, face), face)
    elif not isinstance(value, dict) and (near := _meaning(value)) is not value:
        yield name, Fraction(value), near


def _meaning(value: Any) -> Any:
    """What was meant by a number, or by the numbers inside a value."""
    if isinstance(value, (Constant, Expression)):
        return value.meant
    if is_rounded(value):
        near = meaning(value)
        return value if near == Fraction(float(value)) else near
    if isinstance(value, (list, tuple)):
        return type(value)(map(_meaning, value))
    if isinstance(value, dict):
        return {key: _meaning(each) for key, each in value.items()}
    if isinstance(value, Facts):
        return replace(value, slopes=_meaning(value.slopes),
                       diffusivities=_meaning(value.diffusivities))
    if isinstance(value, Piece):
        return Piece(*(_meaning(getattr(value, face)) for face in _OF_A_PIECE))
    return value
