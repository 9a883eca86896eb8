"""Verdicts about a user's own scheme, step or network, as they stand in a verdict file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stabkit.aliases import Record
from stabkit.errors import InvalidArgument
from stabkit.replay import seal, sealed


def verdict_about(name: str, status: str, evidence: Sequence[Any], *, location: str = "",
                  trials: int = 0, rounding: str = "") -> Record:
    """A verdict about one thing that no claim of a paper names, with its seals."""
    proved = status == "proved"
    fields: Record = {
        "claim": name, "location": location, "reading": "printed", "status": str(status),
        "expected": "proved", "as_expected": proved, "configurations": 1,
        "trials": trials, "margin": None, "sharp": None, "tightness": None,
        "scope": "listed" if proved else None}
    if rounding:
        fields["rounding"] = rounding
    unlike = [item for k, item in enumerate(evidence)
              if item not in evidence[:k]]  # equal blocks share it
    written = [item.to_json({}) for item in unlike]
    for item in written:
        item["data"]["seal"] = seal(fields, item)
    return {**fields, "evidence": written}


def contents_of(verdicts: Sequence[Record], seed: int = 0, budget: float = 60.0) -> Record:
    """The contents of a verdict file, which ``stabkit replay`` accepts."""
    from importlib import metadata  # late: it takes longer to load than claims to list

    return sealed({"stabkit": metadata.version("stabkit"), "seed": seed, "budget": budget,
                   "environment": {}, "verdicts": list(verdicts)})


def save(path: Any, verdicts: Sequence[Record]) -> None:
    """Write a verdict file.

    Raises
    ------
    InvalidArgument
        If the file cannot be written.
    """
    try:
        Path(path).write_text(json.dumps(contents_of(verdicts), ensure_ascii=False) + "\n",
                              encoding="utf-8")
    except (OSError, TypeError) as error:
        raise InvalidArgument(f"path: {path!r} cannot be written: {error}") from error
