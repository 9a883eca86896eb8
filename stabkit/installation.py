"""How this copy of stabkit was installed, and the command that adds one of its extras."""

from __future__ import annotations

import json
import shlex
import sys
from importlib import metadata
from pathlib import Path


def install(extra: str) -> str:
    """Return the command that adds an extra to this installation.

    An index may lack the package or have another version: what was installed from a folder, a file
    or a repository is installed from there again, into the Python that runs.
    """
    return f"{shlex.quote(sys.executable)} -m pip install {_source(extra)}"


def _source(extra: str) -> str:
    try:
        told = metadata.distribution("stabkit").read_text("direct_url.json")
    except metadata.PackageNotFoundError:  # a tree that is not installed
        return shlex.quote(f"{Path(__file__).parents[1]}[{extra}]")
    if told is None:
        return shlex.quote(f"stabkit[{extra}]")
    origin = json.loads(told)  # PEP 610
    url = origin["url"]
    if "dir_info" in origin:
        folder = shlex.quote(f"{_path(url)}[{extra}]")
        return f"-e {folder}" if origin["dir_info"].get("editable") else folder
    if "vcs_info" in origin:
        url = f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    return shlex.quote(f"stabkit[{extra}] @ {url}")


def _path(url: str) -> str:
    from urllib.request import url2pathname  # imports much, and errors alone need it

    return url2pathname(url.removeprefix("file://"))
