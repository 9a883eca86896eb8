"""Cycles of innermost loops on an idle core, as llvm-mca counts them: no noise, and no memory.

    python -m benchmarks.machine_code [--cpu znver3] [--mca llvm-mca-14]

A loop that takes the cycles of its divisions is at the limit of the division unit.  For x86-64;
needs llvm-mca, which comes with LLVM, and Numba compiling for a processor with the same vectors.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit

from stabkit.kernels import OPTIONS, difference_steps, eigenvalues, fluxes, implicit

ROUNDS = 200
ROW = np.ones(64)
PACKED = re.compile(r"\bv?divpd\b")
LABEL, JUMP = re.compile(r"^\.?\w+:"), re.compile(r"^\tj")


def divide(x):
    """Divisions alone: the limit."""
    for i in range(x.size):
        x[i] = 1 / (1 + x[i])


def explicit_step(w, edges):
    """A step of a tile of four rows."""
    difference_steps.explicit_step(
        fluxes.rational, w, edges, (3, 31, True), 0, (0.2, None), (1.0, 0.0))


def fsi_step(w, edges):
    """The same with two states."""
    difference_steps.fsi_step(fluxes.rational, w, edges, (3, 31, True), 0, (0.2, None), (1.0, 0.0))


EDGES = np.ones((2, difference_steps.LANES))
LOOPS = [(divide, (ROW,)), (explicit_step, (np.ones(4 * difference_steps.LANES), EDGES)),
         (fsi_step, (np.ones(4 * difference_steps.TWO), EDGES)),
         (implicit.eliminate_row, (4 * ROW, ROW, ROW, ROW, ROW)),
         (eigenvalues.next_pivots, (ROW, -ROW, 0.5, 0.25))]


def compiled(function: Callable, arguments: Sequence[Any], **options: Any) -> str:
    """The machine code for such arguments, copies of which are changed; nothing is cached."""
    made = njit(**(OPTIONS | options))(function)
    made(*(np.copy(each) if isinstance(each, np.ndarray) else each for each in arguments))
    code, = made.inspect_asm().values()
    return code


def innermost(code: str) -> list[str]:
    """The instructions without a jump among them that have the most packed divisions."""
    runs: list[list[str]] = [[]]
    for line in code.splitlines():
        if LABEL.match(line) or JUMP.match(line):
            runs.append([])
        elif re.match(r"^\t[a-z]", line):
            runs[-1].append(line)
    return max(runs, key=divisions)


def divisions(instructions: list[str]) -> int:
    """How many of them divide several numbers."""
    return sum(bool(PACKED.search(line)) for line in instructions)


def counted(instructions: list[str], mca: str, cpu: str) -> tuple[float, float]:
    """Cycles and operations per packed division."""
    done = subprocess.run([mca, f"-mcpu={cpu}", f"-iterations={ROUNDS}"], text=True, check=True,
                          input="\n".join(instructions) + "\n", capture_output=True)
    totals = (int(re.search(rf"Total {what}: +(\d+)", done.stdout)[1])
              for what in ("Cycles", "uOps"))
    cycles, operations = (total / ROUNDS / divisions(instructions) for total in totals)
    return cycles, operations


def main(arguments: list[str] | None = None) -> int:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.machine_code",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", default="znver3", help="as llvm-mca names it")
    parser.add_argument("--mca", default="llvm-mca", help="the program")
    options = parser.parse_args(arguments)
    if shutil.which(options.mca) is None:
        print(f"no program {options.mca}; install LLVM, or say --mca llvm-mca-14", file=sys.stderr)
        return 2
    limit = None
    print(f"per packed division on {options.cpu}")
    for function, given in LOOPS:
        loop = innermost(compiled(function, given))
        if not divisions(loop):
            print(f"{function.__name__:16s} is not vectorised")
            continue
        cycles, operations = counted(loop, options.mca, options.cpu)
        limit = limit or cycles
        print(f"{function.__name__:16s} {cycles:6.2f} cycles {operations:6.1f} operations   "
              f"{limit / cycles:.2f} of the division rate", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
