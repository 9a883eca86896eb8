"""Verdict files: reading them, and the form of what they hold."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from decimal import Decimal
from os import PathLike
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.replay.fields import Data, Fields, Record
from stabkit.replay.language import shorten
from stabkit.replay.unpacking import unpack

MAX_BYTES = 1 << 26

NOTHING: Mapping[str, tuple] = {}
_NO_SEAL = "; the file was made by an older version: run `stabkit verify --json` again"
_NUMBER = (int, float)
_STATUSES = ("proved", "refuted", "supported", "undecided", "inapplicable")

# key -> types of its value, or a tuple of the words it may be; ints are counts, from 0 on
FILE = {
    "stabkit": (str,), "seed": (int,), "budget": _NUMBER, "environment": (dict,),
    "seal": (str,), "verdicts": (list,),
}
VERDICT = {
    "claim": (str,), "location": (str,), "reading": ("printed", "corrected"),
    "status": _STATUSES, "expected": _STATUSES, "as_expected": (bool,),
    "configurations": (int,), "trials": (int,), "margin": (*_NUMBER, type(None)),
    "sharp": (bool, type(None)), "tightness": (*_NUMBER, type(None)), "seal": (str,),
    "evidence": (list,),
}
MORE_OF_VERDICT = {
    "inapplicable": (int,), "some": (bool,), "scope": ("for all", "listed", None),
    "rounding": (str,), "reason": (str,),
}
EVIDENCE = {
    "kind": ("witness", "certificate", "trials", "proof"),
    "arithmetic": ("rational", "ball", "float64"),
    "configuration": (dict,), "data": (dict,),
}
MORE_OF_EVIDENCE = {"place": (int,)}
CALCULATION = {"given": (dict,), "let": (list,), "shows": (list,), "by": (str,)}
MORE_OF_CALCULATION = {"margin": (str,), "margin_value": (*_NUMBER, str), "seal": (str,),
                       "contrary": (bool,), "facts": (dict,), "theorem": (dict,), "cells": (dict,)}
PROOF = {"statement": (dict,), "proof": (dict,)}
MORE_OF_PROOF = {"seal": (str,)}
TRIALS = {"trials": (int,), "seed": (int,), "worst": (*_NUMBER, type(None))}
MORE_OF_TRIALS = {"seal": (str,), "reason": (str,), "signals": (list,)}


def require(thing: Any, form: Mapping[str, tuple], more: Mapping[str, tuple] = NOTHING) -> None:
    """Raise unless `thing` is a JSON object with the keys of `form`, perhaps some of `more`, and
    no others, their values of these types or among these words."""
    if not isinstance(thing, dict):
        raise InvalidEvidence(f"expected an object, got {type(thing).__name__}")
    for key in form:
        if key not in thing:
            raise InvalidEvidence(f"{key}: is missing" + (_NO_SEAL if key == "seal" else ""))
    for key, value in thing.items():
        if key not in form and key not in more:
            raise InvalidEvidence(f"unknown key {shorten(str(key))}")
        _require_value(key, value, form[key] if key in form else more[key])


def _require_value(key: str, value: Data, allowed: tuple) -> None:
    if not isinstance(allowed[0], type):
        if value not in allowed:
            raise InvalidEvidence(f"{key}: must be one of {', '.join(map(str, allowed))}")
        return
    if type(value) not in allowed:
        names = " or ".join(kind.__name__ for kind in allowed)
        raise InvalidEvidence(f"{key}: must be {names}, got {type(value).__name__}")
    if allowed == (int,) and value < 0:
        raise InvalidEvidence(f"{key}: must be 0 or more, got {shorten(str(value))}")


def read(source: str | PathLike | Fields) -> Any:
    """The JSON content of a file, unpacked; a dict is read as the file it would make."""
    if not isinstance(source, (str, PathLike, Mapping)):
        raise InvalidEvidence(f"expected a path or a dict, got {type(source).__name__}")
    try:
        if isinstance(source, Mapping):
            return read_text(json.dumps(dict(source)))
        with open(source, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidEvidence(f"cannot read {source}: it is no regular file")
            return read_text(file.read(MAX_BYTES + 1) or b"")
    except OSError as error:
        raise InvalidEvidence(f"cannot read {source}: {error.strerror or error}") from None
    except (TypeError, ValueError) as error:
        raise InvalidEvidence(f"not a JSON file: {error}") from None
    except RecursionError:
        raise InvalidEvidence("not a JSON file: nested too deeply") from None


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever may never write to a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_text(text: str | bytes) -> Any:
    """The JSON content of a file with this text, unpacked."""
    if len(text) > MAX_BYTES:
        raise InvalidEvidence(f"the file has more than {MAX_BYTES} bytes")
    try:
        content = json.loads(text if isinstance(text, str) else text.decode(), parse_float=_float,
                             parse_constant=_constant, object_pairs_hook=_object)
    except (TypeError, ValueError) as error:
        raise InvalidEvidence(f"not a JSON file: {error}") from None
    except RecursionError:
        raise InvalidEvidence("not a JSON file: nested too deeply") from None
    if not isinstance(content, dict):
        raise InvalidEvidence(f"it holds a {type(content).__name__}, not a verdict file")
    return unpack(content)


def _constant(token: str) -> Any:
    raise InvalidEvidence(f"{token} is not a JSON number")


def _float(text: str) -> float:
    """The float; refused if the text has digits that it cannot hold, as no seal protects them."""
    value = float(text)
    if not math.isfinite(value):
        raise InvalidEvidence(f"{shorten(text)} is too large for a float")
    try:
        exact = Decimal(text) == Decimal(repr(value))
    except ArithmeticError:
        exact = False
    if not exact:
        raise InvalidEvidence(f"{shorten(text)} has more digits than a float holds")
    return value


def _object(pairs: list[tuple[str, Any]]) -> Record:
    content: Record = {}
    for key, value in pairs:
        if key in content:
            raise InvalidEvidence(f"the key {shorten(key)} occurs twice")
        content[key] = value
    return content
