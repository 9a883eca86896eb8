"""The folder that keeps compiled loops between processes: the user's, never the package's own.

What lies in an installed package and was not put there by pip stays behind when pip removes the
package, and the folder that is left would be imported in its place.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from platformdirs import user_cache_path

VARIABLE = "NUMBA_CACHE_DIR"  # where Numba looks too


def cache_folder() -> Path:
    """Return the folder, which need not exist; ``NUMBA_CACHE_DIR`` moves it."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).absolute() / "stabkit"
    return user_cache_path("stabkit", appauthor=False)


def keeps_files(folder: Path) -> bool:
    """Return whether files can be written there, if need be into a new folder."""
    if not folder.is_absolute():  # an unknown home stays "~"
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def in_words() -> str:
    """Return where compiled loops are kept and how large they are, in one line."""
    folder = cache_folder()
    if not keeps_files(folder):
        return f"not kept: {folder} cannot be written; set {VARIABLE} to a folder that can"
    return f"{folder}, {_size(folder) / 1e6:.0f} MB; can be deleted at any time"


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):  # removed meanwhile
            total += file.stat().st_size
    return total
