"""Cells that a ball is cut into: what is shown of each, and whether they fill the ball.

A certificate of some cells bounds a network's constant in them by one matrix inequality, whose form
is written here, or only states constants that are taken as given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import inf
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.replay.fields import Data, Fields
from stabkit.replay.reading import require

CELLS = {"radius": (str,), "at_most": (str,), "inputs": (int,), "boxes": (list,)}
MAX_BOXES = 1024  # of one verdict
_MAX_STEPS = 20_000_000
_NUMBER = re.compile(r"-?[0-9]{1,4300}(/[1-9][0-9]{0,4300})?")
_AXIS = re.compile(r"[0-9]{1,7}")
_OF_CLAIM = re.compile(r"(?:.* )?local constant <= (\S+) within (\S+)")  # names may be like it
_AT_MOST = re.compile(r"L[0-9]*(?: \* L[0-9]*)* <= ([0-9]{1,4300}(?:/[1-9][0-9]{0,4300})?)")
_LINEAR, _CURVED = {"C", "square", "L"}, {"C", "square", "L", "G", "t", "a", "b"}

Number = Fraction | float  # the latter only where infinite
Box = dict[int, tuple[Number, Number]]  # the sides of some axes; the others are endless
_ENDLESS = (-inf, inf)


# -- one certificate -------------------------------------------------------------------------------
def inequality(inputs: int, curved: bool) -> tuple[list[list[str]], list[str]]:
    """The definitions and conditions by which L is a constant in a cell."""
    ends = ["square <= L**2"]
    if not curved:
        return [], [f"psd(square * I({inputs}) - C.T @ C)", *ends]
    return ([["J", f"I({inputs} + len(t))[:{inputs}]"], ["E", f"I({inputs} + len(t))[{inputs}:]"],
             ["P", "E - diag(a) @ G"], ["Q", "diag(t) @ (E - diag(b) @ G)"], ["R", "P.T @ Q"],
             ["M", "square * (J.T @ J) - C.T @ C + (R + R.T) / 2"]],
            ["nonneg(t)", "psd(M)", *ends])


def unshown(data: Fields) -> str | None:
    """What a certificate of cells does not show; None if it shows what it must."""
    cells = data["cells"]
    require(cells, CELLS)
    boxes = [*map(_box, cells["boxes"])]
    names, at_most = set(data["given"]), str(_number(cells["at_most"]))
    if names == {"L"}:
        if data["let"] or data["shows"] != [f"len(L) == {len(boxes)}", f"max(L) <= {at_most}"]:
            return "it does not state one constant for each of its cells"
        return None
    let, shows = inequality(cells["inputs"], names == _CURVED)
    if names not in (_LINEAR, _CURVED) or data["let"] != let or data["shows"] != [
            *shows, f"L <= {at_most}"]:
        return f"it does not show that {at_most} is a constant in its cells"
    return None


# -- all of a verdict ------------------------------------------------------------------------------
def gaps(verdict: Fields) -> Iterator[str]:
    """What is missing for the cells of a verdict to show what it claims of a ball."""
    found = [evidence["data"]["cells"] for evidence in verdict["evidence"]
             if "cells" in evidence["data"]]
    claimed = _OF_CLAIM.fullmatch(verdict["claim"])
    if not found:
        if claimed and verdict["status"] == "proved" and not _holds_everywhere(
                verdict["evidence"], claimed[1]):
            yield "neither cells nor a constant for all inputs show what it claims of a ball"
        return
    asked = {(_number(cells["at_most"]), _number(cells["radius"])) for cells in found}
    boxes = [_box(box) for cells in found for box in cells["boxes"]]
    if len(asked) > 1:
        yield "its cells are not those of one ball"
        return
    (at_most, radius), = asked
    if claimed is None or [*map(_decimal, claimed.groups())] != [at_most, radius]:
        yield "its cells are those of another ball or constant than it claims"
    if len(boxes) > MAX_BOXES:
        raise InvalidEvidence(f"it has more than {MAX_BOXES} cells")
    if not fill(boxes, radius):
        yield "its cells do not fill the ball"


def _holds_everywhere(pieces: Iterable[Fields], at_most: str) -> bool:
    """Whether a certificate ends with a constant for all inputs that is `at_most`."""
    ends = (_AT_MOST.fullmatch(piece["data"]["shows"][-1]) for piece in pieces
            if piece["kind"] == "certificate")
    return any(end is not None and Fraction(end[1]) == _decimal(at_most) for end in ends)


def fill(boxes: Sequence[Box], radius: Fraction) -> bool:
    """Whether every point within the radius lies in one of the boxes."""
    left, steps = [(Box(), list(boxes))], 0
    while left:
        outer, inside = left.pop()
        # What only touches the ball is held by what lies beside it: boxes have their faces.
        if any(_holds(box, outer) for box in inside) or _nearest(outer) >= radius**2:
            continue
        faces = {face for box in inside for face in _faces_within(box, outer)}
        if not faces:
            return False
        steps += len(faces) * len(inside)
        if steps > _MAX_STEPS:
            raise InvalidEvidence("its cells take too long to compare")
        axis, value = min(faces, key=lambda face: (_count_cut(face, inside), face))
        low, high = outer.get(axis, _ENDLESS)
        for start, end in ((low, value), (value, high)):
            left.append(({**outer, axis: (start, end)}, [box for box in inside if _meets(
                box.get(axis, _ENDLESS), start, end)]))
    return True


def _holds(box: Box, outer: Box) -> bool:
    return all(low <= outer.get(axis, _ENDLESS)[0] and outer.get(axis, _ENDLESS)[1] <= high
               for axis, (low, high) in box.items())


def _nearest(outer: Box) -> Number:
    """The square of the distance of a part of the space from 0."""
    return sum(max(low, -high, 0) ** 2 for low, high in outer.values())


def _faces_within(box: Box, outer: Box) -> Iterator[tuple[int, Number]]:
    for axis, ends in box.items():
        low, high = outer.get(axis, _ENDLESS)
        yield from ((axis, value) for value in ends if low < value < high)


def _count_cut(face: tuple[int, Number], boxes: Iterable[Box]) -> int:
    """How many boxes lie on both sides of a face."""
    axis, value = face
    return sum(low < value < high for box in boxes for low, high in (box.get(axis, _ENDLESS),))


def _meets(ends: tuple[Number, Number], low: Number, high: Number) -> bool:
    return ends[1] > low and ends[0] < high


# -- reading ---------------------------------------------------------------------------------------
def _box(given: Any) -> Box:
    if not isinstance(given, dict):
        raise InvalidEvidence("boxes: a box is an object of its sides by axis")
    found: Box = {}
    for axis, ends in given.items():
        if not _AXIS.fullmatch(axis) or not isinstance(ends, list) or len(ends) != 2:
            raise InvalidEvidence("boxes: a side is two numbers, by the number of its axis")
        found[int(axis)] = _end(ends[0]), _end(ends[1])
    if len(found) != len(given):
        raise InvalidEvidence("boxes: an axis occurs twice")
    return found


def _end(text: Data) -> Number:
    return {"-inf": -inf, "inf": inf}[text] if text in ("-inf", "inf") else _number(text)


def _number(text: Data) -> Fraction:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise InvalidEvidence("cells: must be of rational numbers like \"-3/4\"")
    return Fraction(text)


def _decimal(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
