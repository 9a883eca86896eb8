"""JSON files that a user names, read with an error in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stabkit.errors import InvalidArgument, InvalidEvidence


def read_json(path: str | Path, name: str) -> Any:
    """The contents of a JSON file; `name` says in the message what it was given as.

    Raises
    ------
    InvalidArgument
        It cannot be read.
    InvalidEvidence
        It is not JSON.
    """
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise InvalidArgument(f"{name}: cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidEvidence(f"{path}: is not JSON: {error}") from error
