"""JSON files that a user names, read with an error in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.user_files import content

LARGEST = 1 << 28  # bytes


def read_json(path: str | Path, name: str) -> Any:
    """The contents of a JSON file; `name` says in the message what it was given as.

    Raises
    ------
    InvalidArgument
        It cannot be read, is no regular file, or is larger than any such file is.
    InvalidEvidence
        It is not JSON.
    """
    read = content(path, name, LARGEST)
    try:
        return json.loads(read.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidEvidence(f"{path}: is not JSON: {error}") from error
