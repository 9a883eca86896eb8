"""The library in Coq, compiled once for all tests that rest on it."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from stabkit.coq import folder

_folder = TemporaryDirectory(prefix="stabkit-coq-")


def coqc(place, name, timeout=600):
    """Compile one file of a folder."""
    return subprocess.run(["coqc", "-q", "-w", "-all", name], cwd=place, capture_output=True,
                          text=True, timeout=timeout)


@cache
def _compiled(stem):
    """The folder of the library, where Coq has accepted this file of it."""
    place = Path(_folder.name)
    (place / f"{stem}.v").write_text(folder([]).files[f"{stem}.v"], "utf-8")
    done = coqc(place, f"{stem}.v")
    assert done.returncode == 0, done.stderr
    return place


def with_library(place, *stems):
    """Put files of the library into a folder, as Coq leaves them; each rests on those before it."""
    for stem in stems:
        for name in (f"{stem}.v", f"{stem}.vo"):  # in this order, as make asks which is older
            shutil.copy(_compiled(stem) / name, place)
    return place
