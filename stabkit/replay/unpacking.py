"""Packed verdict files: what a file says once and refers to, put back where it belongs.

A packed file has an entry ``shared`` with two tables.  ``pieces`` are values; the text ``"@name"``
in a piece of evidence stands for one (``"@@..."`` for a text that begins with ``@``).  ``facts``
are what is shown of a flux, each with all that it speaks of; evidence names those that it uses.
``{"but": changes}`` is the piece of evidence before, changed as a JSON merge patch (RFC 7396) says.

Every seal is of the unpacked form, which is all that is checked.  No table refers to a table, so
nothing can go round in a circle, and what a file may unpack to is limited as if it were not packed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.replay.fields import Data, Fields, Record
from stabkit.replay.language import shorten
from stabkit.replay.seals import seal

MAX_CHARACTERS_OF_FILE = 1 << 26  # unpacked, about
_MARK = "@"
_FACT = ("given", "let", "shows")


def unpack(content: Any, claim: str | None = None) -> Any:
    """The content of a verdict file with nothing left to refer to; of another file as it is.

    Of the verdicts only the one on `claim`, if that is given: the others are left away as they are.

    Raises
    ------
    InvalidEvidence
        If a reference is to nothing, or something shared is referred to by nothing or refers to
        more; or if the file unpacks to more than a file may hold.
    """
    if not isinstance(content, dict) or "shared" not in content:
        return content
    tables = _Tables(content["shared"])
    verdicts = content.get("verdicts")
    if not isinstance(verdicts, list):
        raise InvalidEvidence("verdicts: must be a list")
    made = [_verdict(verdict, tables, f"verdicts[{i}]") for i, verdict in enumerate(verdicts)
            if claim is None or verdict.get("claim") == claim]
    if tables.unused and claim is None:
        raise InvalidEvidence(f"shared: nothing refers to {shorten(min(tables.unused))}")
    return {**{key: value for key, value in content.items() if key != "shared"}, "verdicts": made}


def with_facts(facts: Fields, data: Fields) -> Record:
    """The data of a calculation that uses facts: what those give, define and show comes first.

    Parameters
    ----------
    facts : mapping of str to dict
        Facts by name; each has ``given``, ``let`` and ``shows``.
    data : mapping
        What is left of the calculation without them.
    """
    given: Record = {}
    let: Record = {}
    for fact in (*facts.values(), data):
        _add(given, fact["given"].items(), fact is data)
        _add(let, ((line[0], line) for line in fact["let"]), fact is data)
    shows = [text for fact in (*facts.values(), data) for text in fact["shows"]]
    given = {**data["given"], **given}  # K and tau before the ends of cells
    return {**data, "given": given, "let": list(let.values()), "shows": shows,
            "facts": {name: fact["shows"] for name, fact in facts.items()}}


def _add(found: Record, new: Iterable[tuple[str, Any]], own: bool) -> None:
    """Two facts may speak of the same; but nothing gets two meanings, nor is it said twice."""
    for name, value in new:
        if name in found and (own or found[name] != value):
            raise InvalidEvidence(f"the name {shorten(str(name))} is already taken by a fact")
        found[name] = value


class _Tables:
    """What is shared, what of it was not yet referred to, and how much may still be unpacked."""

    def __init__(self, shared: Data):
        if not isinstance(shared, dict) or set(shared) != {"facts", "pieces"} or not all(
                isinstance(table, dict) for table in shared.values()):
            raise InvalidEvidence("shared: must hold two objects, facts and pieces")
        self.facts: Record = shared["facts"]
        self.pieces: Record = shared["pieces"]
        for name, fact in self.facts.items():
            if not _is_fact(fact):
                raise InvalidEvidence(f"shared: {shorten(name)} is not a fact; one has given, "
                                      "let and shows, nothing else")
        for name, value in (*self.facts.items(), *self.pieces.items()):
            if _refers(value):
                raise InvalidEvidence(f"shared: {shorten(name)} refers to something itself")
        self.sizes = {key: len(json.dumps(table[key])) for table in (self.facts, self.pieces)
                      for key in table}
        if len(self.sizes) < len(self.facts) + len(self.pieces):
            raise InvalidEvidence("shared: a fact and a piece have the same name")
        self.unused = set(self.sizes)
        self.left = MAX_CHARACTERS_OF_FILE

    def spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise InvalidEvidence("the file unpacks to more than "
                                  f"{MAX_CHARACTERS_OF_FILE} characters")

    def get(self, table: Fields, name: Any) -> Any:
        if not isinstance(name, str) or name not in table:
            raise InvalidEvidence(f"nothing shared has the name {shorten(str(name))}")
        self.spend(self.sizes[name])
        self.unused.discard(name)
        return table[name]

    def fill(self, value: Data) -> Any:
        """The value with every reference replaced."""
        self.spend(2 + (len(value) if isinstance(value, str) else 0))
        if isinstance(value, dict):
            return {key: self.fill(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [self.fill(entry) for entry in value]
        if isinstance(value, str) and value.startswith(_MARK):
            return value[1:] if value.startswith(2 * _MARK) else \
                self.get(self.pieces, value[1:])
        return value


def _is_fact(fact: Any) -> bool:
    return isinstance(fact, dict) and set(fact) == set(_FACT) and bool(fact["shows"]) \
        and _is_calculation(fact)


def _is_calculation(data: Fields) -> bool:
    """Whether given, let and shows are what they must be for facts to be put before them."""
    return isinstance(data.get("given"), dict) and all(
        isinstance(data.get(part), list) for part in ("let", "shows")) and all(
        isinstance(line, list) and len(line) == 2 and isinstance(line[0], str)
        for line in data["let"])


def _refers(value: Data) -> bool:
    if isinstance(value, dict):
        return any(map(_refers, value.values()))
    if isinstance(value, list):
        return any(map(_refers, value))
    return isinstance(value, str) and value.startswith(_MARK)


def _verdict(verdict: Data, tables: _Tables, place: str) -> Any:
    if not isinstance(verdict, dict) or not isinstance(verdict.get("evidence"), list):
        return verdict  # its form is checked later, and refused
    made, before = [], None
    for k, item in enumerate(verdict["evidence"]):
        try:
            if isinstance(item, dict) and set(item) == {"but"}:
                if before is None:
                    raise InvalidEvidence("nothing stands before it that it could differ from")
                item = apply_patch(before, item["but"])
            before = item
            made.append(_evidence(item, tables, verdict))
        except InvalidEvidence as error:
            raise InvalidEvidence(f"{place}: evidence[{k}]: {error}") from None
    return {**verdict, "evidence": made}


def apply_patch(target: Data, patch: Data) -> Any:
    """The target changed by a JSON merge patch: None takes an entry away, an object goes in."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = apply_patch(found.get(key), value)
    return found


def _evidence(item: Any, tables: _Tables, verdict: Fields) -> Any:
    """The piece of evidence with what it refers to, and with its seal."""
    if not isinstance(item, dict) or not isinstance(item.get("data"), dict):
        return item
    data = {key: value if key == "facts" else tables.fill(value)
            for key, value in item["data"].items()}
    made = {key: value if key == "data" else tables.fill(value) for key, value in item.items()}
    if isinstance(names := data.get("facts"), list):
        if len({str(name) for name in names}) < len(names):
            raise InvalidEvidence("facts: one is named twice")
        if not _is_calculation(data):
            raise InvalidEvidence("only a calculation uses facts")
        data = with_facts({name: tables.get(tables.facts, name) for name in names}, data)
    made["data"] = data
    if "seal" not in data:
        data["seal"] = seal(verdict, made)
    return made
