"""The compiler still makes packed instructions of the kernels' innermost loops."""

import platform
import re

import numpy as np
import pytest
from numba import njit

from benchmarks import machine_code
from stabkit.kernels import OPTIONS, eigenvalues, fluxes, implicit, lanes

PACKED_DIVISION = {"x86_64": r"\bv?divpd\b", "amd64": r"\bv?divpd\b",
                   "aarch64": r"\bfdiv\s+v\d+\.2d", "arm64": r"\bfdiv\.2d|\bfdiv\s+v\d+\.2d"}
MACHINE = platform.machine().lower()
pytestmark = pytest.mark.skipif(MACHINE not in PACKED_DIVISION,
                                reason=f"the packed instructions of {MACHINE} are not known here")

ROW = np.ones(64)


def explicit_step(w, edges):
    """A step of a tile of two rows."""
    lanes.explicit_step(fluxes.rational, w, edges, (1, 31, True), 0, (0.2, None), (1.0, 0.0))


def fsi_step(w, edges):
    lanes.fsi_step(fluxes.rational, w, edges, (1, 31, True), 0, (0.2, None), (1.0, 0.0))


def packed_divisions(function, *arguments, **options):
    """How many divisions of several float64 at once the machine code has; nothing is cached."""
    made = njit(**(OPTIONS | {"cache": False} | options))(function)
    made(*arguments)
    code, = made.inspect_asm().values()
    return len(re.findall(PACKED_DIVISION[MACHINE], code))


@pytest.mark.parametrize(("function", "arguments"), [
    (eigenvalues.next_pivots, (ROW, -ROW, 0.5, 0.25)),
    (implicit.eliminate_row, (4 * ROW, ROW, ROW, ROW, ROW)),
    (explicit_step, (np.ones(2 * lanes.LANES), np.ones((2, lanes.LANES)))),
    (fsi_step, (np.ones(2 * lanes.TWO), np.ones((2, lanes.LANES)))),
], ids=["next_pivots", "eliminate_row", "explicit_step", "fsi_step"])
def test_divisions_are_packed(function, arguments):
    """A compiler that no longer does so costs a factor of two to four."""
    assert packed_divisions(function, *(np.copy(a) if isinstance(a, np.ndarray) else a
                                        for a in arguments)) > 0


def test_a_loop_that_is_not_vectorised_is_noticed():
    """Division that must raise at 0 cannot be packed: the error model of Python."""
    assert packed_divisions(eigenvalues.next_pivots, ROW.copy(), -ROW, 0.5, 0.25,
                            error_model="python") == 0


@pytest.mark.skipif(MACHINE not in ("x86_64", "amd64"), reason="the benchmark reads x86-64 only")
def test_the_innermost_loop_is_found():
    """Of a loop of divisions: a packed one, and no jump beside it."""
    made = njit(**(OPTIONS | {"cache": False}))(machine_code.divide)
    made(ROW.copy())
    code, = made.inspect_asm().values()
    loop = machine_code.innermost(code)
    assert machine_code.divisions(loop) > 0
    assert not any(line.strip().startswith("j") for line in loop)


def test_a_missing_program_is_named(capsys):
    assert machine_code.main(["--mca", "no-such-llvm-mca"]) == 2
    assert "no program no-such-llvm-mca" in capsys.readouterr().err
