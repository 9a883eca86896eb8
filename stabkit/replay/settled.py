"""Conditions that were confirmed before, with all that they speak of: none is decided twice.

Evidence says many things often: the same facts of a flux for every operator, the same bound of an
operator for every flux.  A condition is known by its text, by the text of what is given and defined
in it, and by the arithmetic; the value of all that cannot depend on anything else.  What was
decided before changes neither a result nor the count of steps, only the time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from stabkit.replay.fields import Fields

MOST = 1 << 12

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Confirmed(NamedTuple):
    """What was shown, and the steps that it took: whoever relies on it is charged the same."""

    shown: str
    steps: int


_confirmed: dict[tuple[bytes, int], Confirmed] = {}


class Source:
    """The text of a calculation, in which conditions can be looked up.

    Parameters
    ----------
    data : mapping
        Its ``given`` and ``let``.
    rounding : bool
        Whether long fractions may become intervals.
    """

    def __init__(self, data: Fields, rounding: bool):
        self._given, self._rounding = data["given"], rounding
        self._let = {line[0].partition("(")[0]: line for line in data["let"]}
        self._text: dict[str, str] = {}
        self._digests: dict[tuple[str, str], bytes] = {}

    def names(self, texts: Iterable[str]) -> set[str]:
        """The names in some expressions, and in what defines those."""
        found: set[str] = set()
        left = {word for text in texts for word in _WORD.findall(text)}
        while left:
            name = left.pop()
            if name in self._given:
                found.add(name)
            elif name in self._let and name not in found:
                found.add(name)
                left.update(_WORD.findall(self._let[name][1]))
        return found

    def look_up(self, kind: str, text: str, precision: int) -> Confirmed | None:
        """What was found with so many bits; None if it is new.

        Parameters
        ----------
        kind : {"condition", "definition"}
        text : str
            The condition, which held; or the defined name, which has a value.
        precision : int
        """
        return _confirmed.get((self._digest(kind, text), precision))

    def confirm(self, kind: str, text: str, precision: int, found: Confirmed) -> None:
        """Keep what was found."""
        if len(_confirmed) >= MOST:
            _confirmed.clear()
        _confirmed[self._digest(kind, text), precision] = found

    def _digest(self, kind: str, text: str) -> bytes:
        if (kind, text) not in self._digests:
            parts = [kind, text, str(self._rounding),
                     *(self._source_text(name) for name in sorted(self.names([text])))]
            self._digests[kind, text] = sha256(json.dumps(parts).encode()).digest()
        return self._digests[kind, text]

    def _source_text(self, name: str) -> str:
        if name not in self._text:
            value = [self._given[name]] if name in self._given else self._let[name]
            self._text[name] = json.dumps([name, value])
        return self._text[name]
