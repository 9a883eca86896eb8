"""Packing of verdict files: what occurs often is written once, and referred to.

:mod:`stabkit.replay.unpacking` tells the form, and reads it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stabkit.aliases import Fields, Record
from stabkit.arithmetic.transcript import dependencies
from stabkit.errors import InvalidEvidence
from stabkit.replay.unpacking import apply_patch, unpack, with_facts

_WORTH = 16  # characters of a piece that is shared
_LISTS = ("let", "shows")  # shared line by line


def pack(content: Fields) -> Record:
    """The content of a sealed verdict file, packed; as it is, where that cannot be undone."""
    facts = _shared_facts(content)
    evidence = [[_shorter(item, facts) for item in verdict["evidence"]]
                for verdict in content["verdicts"]]
    used = {name for items in evidence for item in items
            if isinstance(names := item["data"].get("facts"), list) for name in names}
    pieces = _Pieces(evidence)
    verdicts = [{**verdict, "evidence": list(_changes(map(pieces.put_references, items)))}
                for verdict, items in zip(content["verdicts"], evidence, strict=True)]
    made = {**{key: content[key] for key in content if key != "verdicts"},
            "shared": {"facts": {name: fact for name, fact in facts.items() if name in used},
                       "pieces": pieces.named},
            "verdicts": verdicts}
    try:
        return made if _text(unpack(made)) == _text(content) else dict(content)
    except InvalidEvidence:
        return dict(content)


def _shared_facts(content: Fields) -> Record:
    """The facts that more than one piece of evidence uses; of one name the most frequent."""
    counts: Counter[str] = Counter()
    for verdict in content["verdicts"]:
        for item in verdict["evidence"]:
            counts.update(json.dumps([name, fact], sort_keys=True)
                          for name, fact in _facts(item["data"]).items())
    found: Record = {}
    for text, count in counts.most_common():
        name, fact = json.loads(text)
        if count > 1:
            found.setdefault(name, fact)
    return found


def _facts(data: Fields) -> Record:
    """The facts that a calculation names, each with all that it speaks of."""
    found = {}
    for name, shows in data.get("facts", {}).items():
        names = dependencies(shows, data["given"], data["let"])
        found[name] = {"given": {key: value for key, value in data["given"].items()
                                 if key in names},
                       "let": [line for line in data["let"] if line[0].partition("(")[0] in names],
                       "shows": shows}
    return found


def _shorter(item: Fields, shared: Fields) -> Record:
    """The evidence without its seal, and without what the facts that it names say, if those do."""
    data = {key: value for key, value in item["data"].items() if key != "seal"}
    facts = _facts(data)
    if facts and all(shared.get(name) == fact for name, fact in facts.items()):
        given = {key for fact in facts.values() for key in fact["given"]}
        lines = [line for fact in facts.values() for line in fact["let"]]
        left = {**data, "given": {k: v for k, v in data["given"].items() if k not in given},
                "let": [line for line in data["let"] if line not in lines],
                "shows": data["shows"][sum(len(fact["shows"]) for fact in facts.values()):]}
        try:
            again = with_facts(facts, left)
        except InvalidEvidence:
            again = {}
        if _text(again) == _text(data):
            data = {**left, "facts": list(facts)}
    return {**item, "data": _escape_references(data),
            "configuration": _escape_references(item["configuration"])}


def _escape_references(value: Any) -> Any:
    """The value, in which no text looks like a reference."""
    if isinstance(value, dict):
        return {key: entry if key == "facts" else _escape_references(entry)
                for key, entry in value.items()}
    if isinstance(value, list):
        return [_escape_references(entry) for entry in value]
    return f"@{value}" if isinstance(value, str) and value.startswith("@") else value


def _changes(items: Iterable[Record]) -> Iterator[Record]:
    """The first piece of evidence, and of each other what makes it differ from the one before."""
    before: Record | None = None
    for item in items:
        patch = None
        if before is not None and before["kind"] == item["kind"]:
            patch = _patch(before, item)
            if patch is not None and _text(apply_patch(before, patch)) != _text(item):
                patch = None  # the order would be another one, which people see
        yield item if patch is None else {"but": patch}
        before = item


def _patch(old: Fields, new: Fields) -> Record | None:
    """The JSON merge patch that makes `new` of `old`; None if there is none, as `new` has nulls."""
    patch: Record = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key in old and type(old[key]) is type(value) and old[key] == value:
            continue
        if isinstance(value, dict):
            value = _patch(old[key] if isinstance(old.get(key), dict) else {}, value)
        if value is None:
            return None
        patch[key] = value
    return patch


class _Pieces:
    """The values that are written more than once, by name."""

    def __init__(self, evidence: list[list[Record]]):
        self._counts: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._before: dict[tuple[str, ...], str] = {}
        for items in evidence:
            self._before = {}
            for item in items:
                _map_values(item, self._count)
        self.named: Record = {}

    def put_references(self, item: Record) -> Record:
        """The evidence, in which such values are references."""
        return _map_values(item, self._reference)

    def _count(self, place: tuple[str, ...], value: Any) -> Any:
        text = _text(value)  # what is as in the evidence before is not written again
        if self._before.get(place) != text:
            self._before[place] = text
            self._counts[text] += 1
        return value

    def _reference(self, place: tuple[str, ...], value: Any) -> Any:
        text = _text(value)
        if self._counts[text] < 2 or len(text) < _WORTH or '"@' in text:
            return value
        if text not in self._names:
            self._names[text] = f"{place[1]}{len(self._names) + 1}"
            self.named[self._names[text]] = value
        return f"@{self._names[text]}"


def _map_values(item: Record, with_: Callable[[tuple[str, ...], Any], Any]) -> Record:
    """The evidence with its values replaced."""
    configuration = {key: with_(("where", key), value)
                     for key, value in item["configuration"].items()}
    return {**item, "configuration": configuration,
            "data": {key: _mapped_data(key, value, with_) for key, value in item["data"].items()}}


def _mapped_data(key: str, value: Any, with_: Callable[[tuple[str, ...], Any], Any]) -> Any:
    if key == "facts":
        return value
    if key == "given" and isinstance(value, dict):
        return {name: with_(("given", name), entry) for name, entry in value.items()}
    if key in _LISTS and isinstance(value, list):
        return [with_(("data", key, str(k)), line) for k, line in enumerate(value)]
    return with_(("data", key), value)


_text = json.JSONEncoder(ensure_ascii=False).encode
