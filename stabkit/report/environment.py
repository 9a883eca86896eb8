"""What this machine has: the versions behind a verdict, and the facts of ``stabkit doctor``."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from importlib import metadata
from typing import NamedTuple


class Requirement(NamedTuple):
    """A package that stabkit can use: its installed version (None if missing) and its extra."""

    name: str
    version: str | None
    extra: str | None
    wanted: str  # as pip takes it


def version() -> str:
    """Return the version of the installed stabkit; "unknown" in a tree that is not installed."""
    return _version_of("stabkit") or "unknown"


def requirements() -> list[Requirement]:
    """Return what the installed stabkit declares that it needs, or needs for an extra."""
    try:
        declared = metadata.requires("stabkit") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in declared:
        name = re.match(r"[\w.-]+", line)[0]
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if name != "stabkit":
            wanted = line.partition(";")[0].strip()
            found.append(Requirement(name, _version_of(name), extra and extra[1], wanted))
    return found


def environment() -> dict[str, object]:
    """Return what a verdict file says about where it was made; no names of people or machines."""
    core = {item.name: item.version for item in requirements() if item.extra is None}
    return {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "packages": core,
    }


def facts(backends: Mapping[str, str], compiled: str) -> str:
    """Return what is installed, and how to get the rest, as ``stabkit doctor`` prints it."""
    here = environment()
    lines = [f"stabkit {version()}, Python {here['python']}, {here['system']}, "
             f"{here['processors']} processors", "", "packages"]
    needed = requirements()
    if not needed:
        lines.append("  This tree is not installed: run  pip install .  in its folder.")
    for item in needed:
        use = f"only for {item.extra}" if item.extra else "stabkit needs it"
        missing = f"missing ({use}); pip install '{item.wanted}'"
        lines.append(f"  {item.name:<18} {item.version or missing}")
    lines += ["", "backends"]
    lines += [f"  {name:<18} {description}" for name, description in backends.items()]
    lines += ["", f"compiled loops       {compiled}"]
    return "\n".join(lines)


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
