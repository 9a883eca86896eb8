"""Which built-in claims take long to decide, and which functions: ``python -m benchmarks.claims``.

    python -m benchmarks.claims [NAME ...] [--profile] [--json FILE]

Seconds of this process for each claim, without a search beyond the least; a profile takes longer.
"""

from __future__ import annotations

import argparse
import cProfile
import fnmatch
import json
import pstats
import sys
import time
from pathlib import Path

from stabkit import registry
from stabkit.claims.settle import settle

TRIALS, SHOWN = 256, 25


def seconds(names: list[str]) -> dict[str, float]:
    """The time of each claim whose name fits one of the patterns."""
    found = {}
    for name, claim in registry().items():
        if any(fnmatch.fnmatch(name, pattern) for pattern in names):
            start = time.process_time()
            settle(claim, TRIALS, 0)
            found[name] = time.process_time() - start
    return found


def show(found: dict[str, float]) -> None:
    """The sum, and the claims that take most of it."""
    whole = sum(found.values())
    print(f"{len(found)} claims: {whole:.1f} s, {whole / max(len(found), 1):.3f} s for one")
    for name, taken in sorted(found.items(), key=lambda each: -each[1])[:SHOWN]:
        print(f"  {taken:7.2f} s  {taken / whole:4.0%}  {name}")


def main(arguments: list[str] | None = None) -> int:
    """Decide, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["*"], metavar="NAME")
    parser.add_argument("--profile", action="store_true", help="also which functions take it")
    parser.add_argument("--json", type=Path, help="write the seconds to this file")
    options = parser.parse_args(arguments)
    profile = cProfile.Profile(timer=time.process_time)
    found = profile.runcall(seconds, options.names) if options.profile else seconds(options.names)
    show(found)
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(SHOWN)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
