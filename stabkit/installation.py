"""How this copy of stabkit was installed, and the command that adds one of its extras."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


def quote(text: str) -> str:
    """Return a word as the shell of this system takes it."""
    return shlex.quote(text) if os.name != "nt" else f'"{text}"' if re.search(r"[^\w.:\\-]", text) \
        else text


class Requirement(NamedTuple):
    """A package that stabkit can use: its name, its extra, and the versions, as pip takes them."""

    name: str
    extra: str | None
    wanted: str


def install(extra: str) -> str:
    """Return the command that adds an extra to this installation.

    What was installed from a folder, a file or a repository is installed from there again, into
    the Python that runs.  Where that is not known, or no longer there, the packages of the extra
    are named themselves, for an index may lack stabkit or have another version of it.
    """
    python = quote(sys.executable)
    installer = f"{python} -m pip install" if find_spec("pip") else \
        f"uv pip install --python {python}"
    return f"{installer} {_source(extra) or _packages(extra)}"


def requirements() -> list[Requirement]:
    """Return what the installed stabkit declares that it needs, or needs for an extra."""
    try:
        declared = metadata.requires("stabkit") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in declared:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if name != "stabkit":
            found.append(Requirement(name, extra and extra[1], line.partition(";")[0].strip()))
    return found


def knows_its_source() -> bool:
    """Whether stabkit can be installed again from where it came from."""
    return bool(_source("NAME"))


def _packages(extra: str) -> str:
    return " ".join(quote(item.wanted) for item in requirements()
                    if item.extra == extra) or extra


def _source(extra: str) -> str:
    """Return what pip takes for stabkit with an extra; nothing where its source is not known."""
    try:
        told = metadata.distribution("stabkit").read_text("direct_url.json")
    except metadata.PackageNotFoundError:  # a tree that is not installed
        return quote(f"{Path(__file__).parents[1]}[{extra}]")
    if told is None:
        return ""
    origin = json.loads(told)  # PEP 610
    url = origin["url"]
    if url.startswith("file:") and not Path(_path(url)).exists():
        return ""
    if "dir_info" in origin:
        folder = quote(f"{_path(url)}[{extra}]")
        return f"-e {folder}" if origin["dir_info"].get("editable") else folder
    if "vcs_info" in origin:
        url = f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    return quote(f"stabkit[{extra}] @ {url}")


def _path(url: str) -> str:
    from urllib.request import url2pathname  # imports much, and errors alone need it

    return url2pathname(url.removeprefix("file://"))
