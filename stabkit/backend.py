"""Array libraries: which ones work, and which one new arrays are born in."""

from __future__ import annotations

import numpy as np

from stabkit.errors import InvalidArgument


def backends() -> dict[str, str]:
    """The known array libraries: their version, or why they cannot be used."""
    return {"numpy": np.__version__, "cupy": "not supported by this version of stabkit"}


def select_backend(name: str) -> None:
    """Choose the library that new arrays are born in.

    Raises
    ------
    InvalidArgument
        If it is unknown or not supported.
    """
    if name != "numpy":
        reason = backends().get(name, "unknown")
        raise InvalidArgument(f"backend: {name!r} is {reason}; use numpy")
