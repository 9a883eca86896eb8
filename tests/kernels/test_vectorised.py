"""The compiler still makes packed instructions of the kernels' innermost loops."""

import platform
import re

import pytest

from benchmarks import machine_code

PACKED_DIVISION = {"x86_64": r"\bv?divpd\b", "amd64": r"\bv?divpd\b",
                   "aarch64": r"\bfdiv\s+v\d+\.2d", "arm64": r"\bfdiv\.2d|\bfdiv\s+v\d+\.2d"}
MACHINE = platform.machine().lower()
pytestmark = pytest.mark.skipif(MACHINE not in PACKED_DIVISION,
                                reason=f"the packed instructions of {MACHINE} are not known here")

LOOPS = {function.__name__: (function, given) for function, given in machine_code.LOOPS}


def packed_divisions(function, arguments, **options):
    """How many divisions of several float64 at once the machine code has."""
    code = machine_code.compiled(function, arguments, **options)
    return len(re.findall(PACKED_DIVISION[MACHINE], code))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["next_pivots", "eliminate_row", "explicit_step", "fsi_step"])
def test_divisions_are_packed(name):
    """A compiler that no longer does so costs a factor of two to four."""
    assert packed_divisions(*LOOPS[name]) > 0


@pytest.mark.slow
def test_a_loop_that_is_not_vectorised_is_noticed():
    """Division that must raise at 0 cannot be packed: the error model of Python."""
    assert packed_divisions(*LOOPS["next_pivots"], error_model="python") == 0


@pytest.mark.slow
@pytest.mark.skipif(MACHINE not in ("x86_64", "amd64"), reason="the benchmark reads x86-64 only")
def test_the_innermost_loop_is_found():
    """Of a loop of divisions: a packed one, and no jump beside it."""
    loop = machine_code.innermost(machine_code.compiled(*LOOPS["divide"]))
    assert machine_code.divisions(loop) > 0
    assert not any(line.strip().startswith("j") for line in loop)


def test_a_missing_program_is_named(capsys):
    assert machine_code.main(["--mca", "no-such-llvm-mca"]) == 2
    assert "no program no-such-llvm-mca" in capsys.readouterr().err
