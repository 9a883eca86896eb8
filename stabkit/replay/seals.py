"""Seals: SHA-256 of canonical JSON, on each piece of evidence, each verdict and the whole file.

A seal shows that something was changed by chance or without knowing of it; anyone can compute it.
What a seal cannot show, :mod:`~stabkit.replay.consistency` and the calculations themselves do.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.replay.fields import Fields, Record

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False,
                            allow_nan=False)


def canonical(thing: Any) -> str:
    """Sorted, compact, unescaped JSON."""
    try:
        return _ENCODER.encode(thing)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEvidence(f"it holds what JSON has not: {error}") from None


def _hash(thing: Any) -> str:
    try:
        return hashlib.sha256(canonical(thing).encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise InvalidEvidence(f"cannot be sealed: {error}") from None


def without(thing: Fields, *keys: str) -> Record:
    """The entries of a JSON object but for some."""
    return {key: value for key, value in thing.items() if key not in keys}


def seal(verdict: Fields, evidence: Fields) -> str:
    """The SHA-256 (hex) of a verdict and one piece of its evidence, in canonical JSON.

    The verdict counts without its list of evidence, and both without their own seals.
    """
    return _hash({"verdict": without(verdict, "evidence", "seal"),
                  "evidence": {**evidence, "data": without(evidence["data"], "seal")}})


def seal_of(thing: Fields) -> str:
    """The SHA-256 of a whole verdict, or of a whole file: of all that it holds but its seal."""
    return _hash(without(thing, "seal"))


def sealed(content: Fields) -> Record:
    """The content of a verdict file with the seals of its verdicts, and its own.

    Parameters
    ----------
    content : mapping
        A verdict file; the pieces of evidence carry their seals already.
    """
    verdicts = [{**verdict, "seal": seal_of(verdict)} for verdict in content["verdicts"]]
    whole = {**content, "verdicts": verdicts}
    return {**without(whole, "verdicts", "seal"), "seal": seal_of(whole), "verdicts": verdicts}
