"""Inputs that are led by the code they reach: ``python tests/fuzz/guided.py DOOR -runs=100000``.

It needs atheris (``pip install atheris``), and runs until an error that is not the package's own,
an input that takes half a minute, or memory of 4 GB; other options are those of libFuzzer.  What
reached more code is kept in a folder, which is told, and can be given to go on from there.
"""

import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

sys.path[1:1] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
os.environ.setdefault("STABKIT_THREADS", "1")

import atheris  # noqa: E402

with atheris.instrument_imports(include=["stabkit.replay", "stabkit.audit"]):
    from stabkit.audit import onnx_file
    from stabkit.replay import check, replay

import evidence as written  # noqa: E402
import files  # noqa: E402
from evidence_files import evidence, sealed_again  # noqa: E402

from stabkit.errors import InvalidEvidence, StabkitError  # noqa: E402


def enter_json(content):
    """A verdict file, as it is and with new seals."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return
    try:
        tree = sealed_again(tree)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, InvalidEvidence):
        if not isinstance(tree, dict):
            return
    replay(tree)


def enter_language(content):
    """What a piece of evidence shows: conditions, one a line."""
    check(evidence(*content.decode("utf-8", "replace").splitlines(),
                   given={"u": ["1", "-2", "3/4"], "A": [["1", "2", "0"]] * 3, "n": "3",
                          "c": ["-inf", "-1", "0", "1", "inf"]},
                   let=[["f(x)", "x / (1 + x**2)"], ["g(x)", "max(x, 0)"]]))


def texts():
    """What a grammar writes."""
    from random import Random

    return ["\n".join(written.piece(Random(k))["data"]["shows"]).encode() for k in range(200)]


DOORS = {"json": (enter_json, lambda: [json.dumps(tree).encode()
                                       for tree in written.verdict_files()]),
         "language": (enter_language, texts),
         "onnx": (lambda content: onnx_file.read_bytes(content, "m.onnx"), files.models)}


def main(name, *options):
    """Begin with inputs that are right, and go on until the options or a find end it."""
    enter, starts = DOORS[name]

    def once(content):
        with suppress(StabkitError):
            enter(content)

    folder = next((option for option in options if not option.startswith("-")), None)
    if folder is None:
        folder = tempfile.mkdtemp(prefix=f"stabkit-{name}-")
        options += (folder,)
        for number, content in enumerate(starts()):
            Path(folder, f"start{number}").write_bytes(content)
    print(f"{name}: begins with and adds to {folder}", flush=True)
    atheris.Setup(["fuzz", "-timeout=30", "-rss_limit_mb=4096", *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
