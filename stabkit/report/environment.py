"""What this machine has: the versions behind a verdict, and the facts of ``stabkit doctor``."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from importlib import metadata
from typing import NamedTuple

from stabkit.installation import install

#: What the extras are for, in the order of interest; of two for one purpose either will do.  The
#: other extras are for developers.
PURPOSES = {
    None: "decide, replay, report", "onnx": "audit ONNX files", "torch": "audit PyTorch modules",
    "prove": "search proofs", "gpu": "search on a GPU", "gpu-cuda13": "search on a GPU",
    "dask": "use many machines", "mpi": "use a cluster by MPI", "learning": "train on digits",
    "report": "draw a recording", "notebooks": "execute the notebooks",
}
WIDE = max(map(len, PURPOSES.values()))


class Requirement(NamedTuple):
    """A package that stabkit can use: its installed version (None if missing) and its extra."""

    name: str
    version: str | None
    extra: str | None
    wanted: str  # as pip takes it


def version() -> str:
    """Return the version of the installed stabkit; "unknown" in a tree that is not installed."""
    return _version_of("stabkit") or "unknown"


def requirements(extras: bool = True) -> list[Requirement]:
    """Return what the installed stabkit declares that it needs, and what it needs for extras."""
    try:
        declared = metadata.requires("stabkit") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in declared:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if name != "stabkit" and (extras or extra is None):  # to look a version up takes time
            wanted = line.partition(";")[0].strip()
            found.append(Requirement(name, _version_of(name), extra and extra[1], wanted))
    return found


def environment() -> dict[str, object]:
    """Return what a verdict file says about where it was made; no names of people or machines."""
    core = {item.name: item.version for item in requirements(extras=False)}
    return {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "packages": core,
    }


def facts(backends: Mapping[str, str], compiled: str) -> str:
    """Return what can be done here, and how to get the rest, as ``stabkit doctor`` prints it."""
    lines = [_here()]
    missing: dict[str | None, list[str]] = {}
    for item in requirements():
        missing.setdefault(item.extra, [])
        if item.version is None:
            missing[item.extra].append(item.name)
    if not missing:
        lines.append("This tree is not installed: run  pip install .  in its folder.")
    for purpose in dict.fromkeys(PURPOSES.values()):
        found = {extra: missing[extra] for extra in PURPOSES
                 if PURPOSES[extra] == purpose and extra in missing}
        if found:
            lines.append(_row(purpose, _state(found)))
    others = [extra for extra in missing if extra is not None and extra not in PURPOSES]
    if others:
        ready = ", ".join(extra for extra in others if not missing[extra])
        gaps = " ".join(f"[{extra}]" for extra in others if missing[extra])
        lines.append(_row("work on stabkit", f"ready: {ready or 'nothing'}"
                          + (f"; missing {gaps}" if gaps else "")))
    lines += [_row(f"arrays of {name}", text) for name, text in backends.items()]
    lines.append(_row("compiled loops", compiled))
    if any(missing.values()):
        lines += ["", "To get what is missing, put its name for NAME:", f"  {install('NAME')}"]
    return "\n".join(lines)


def packages() -> str:
    """Return the versions of all packages that stabkit can use, for a report of a fault."""
    found = {item.name: item.version for item in requirements()}
    width = max(map(len, found), default=0)
    return "\n".join([_here(), *(f"{name:<{width}} {version or 'missing'}"
                                 for name, version in found.items())])


def _here() -> str:
    here = environment()
    return (f"stabkit {version()}, Python {here['python']}, {here['system']}, "
            f"{here['processors']} processors")


def _state(missing: Mapping[str | None, list[str]]) -> str:
    if not all(missing.values()):
        return "ready"
    return "missing " + " or ".join(f"[{extra}]: {', '.join(names)}"
                                    for extra, names in missing.items())


def _row(purpose: str, text: str) -> str:
    return f"{purpose:<{WIDE}}  {text}"


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
