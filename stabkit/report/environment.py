"""What this machine has: the versions behind a verdict, and the facts of ``stabkit doctor``."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import metadata

from stabkit.installation import install, knows_its_source, requirements

#: What the extras are for, in the order of interest; of two for one purpose either will do.  The
#: other extras are for developers.
PURPOSES = {
    None: "decide, replay, report", "onnx": "audit ONNX files",
    "torch": "train, audit in PyTorch", "prove": "search proofs",
    "gpu": "search on a GPU", "gpu-cuda13": "search on a GPU",
    "dask": "use many machines", "mpi": "use a cluster by MPI",
    "samples": "train on sample data", "learning": "train on sample data",
    "report": "draw a recording", "notebooks": "execute the notebooks",
}
SEVERAL = 4  # extras for developers that are listed
WIDE = max(map(len, PURPOSES.values()))


def version() -> str:
    """Return the version of the installed stabkit; "unknown" in a tree that is not installed."""
    return _version_of("stabkit") or "unknown"


def environment() -> dict[str, object]:
    """Return what a verdict file says about where it was made; no names, and no date or time.

    A file is a function of the claims, the options and the installation.
    """
    core = {item.name: _version_of(item.name) for item in requirements() if item.extra is None}
    return {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "packages": core,
    }


def facts(cupy: str, compiled: str) -> str:
    """Return what can be done here, and how to get the rest, as ``stabkit doctor`` prints it.

    Parameters
    ----------
    cupy : str
        Its version and the GPU, or why it cannot be used.
    compiled : str
        Where compiled loops are kept.
    """
    lines = [_here()]
    missing: dict[str | None, list[str]] = {}
    for item in requirements():
        missing.setdefault(item.extra, [])
        if _version_of(item.name) is None:
            missing[item.extra].append(item.name)
    if not missing:
        lines.append("This tree is not installed: run  pip install .  in its folder.")
    for purpose in dict.fromkeys(PURPOSES.values()):
        found = {extra: missing[extra] for extra in PURPOSES
                 if PURPOSES[extra] == purpose and extra in missing}
        if found:
            lines.append(_row(purpose, cupy if "gpu" in found and not all(found.values())
                              else _state(found)))
    others = [extra for extra in missing if extra is not None and extra not in PURPOSES]
    if others:
        gaps = [f"[{extra}]" for extra in others if missing[extra]]
        more = f" and {len(gaps) - SEVERAL} more" * (len(gaps) > SEVERAL)
        lines.append(_row("work on stabkit", f"missing {' '.join(gaps[:SEVERAL])}{more}" if gaps
                          else "ready"))
    lines.append(_row("compiled loops", compiled))
    if any(missing.values()):
        names = "a name in brackets" if knows_its_source() else "the names of packages"
        lines.append(f"To get what is missing, with {names} for NAME:")
        lines.append(f"  {install('NAME')}")
    return "\n".join(lines)


def packages() -> str:
    """Return the versions of all packages that stabkit can use, for a report of a fault."""
    found = {item.name: _version_of(item.name) for item in requirements()}
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
    return "missing " + " or ".join(f"[{extra}] {', '.join(names)}"
                                    for extra, names in missing.items())


def _row(purpose: str, text: str) -> str:
    return f"{purpose:<{WIDE}}  {text}"


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
