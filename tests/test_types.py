"""Types are held by mypy, with the configuration in pyproject.

What it knows of files that have not changed is kept beside the compiled loops, and a fresh checkout
finds it there.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from stabkit.aliases import NotionName
from stabkit.cache_folder import cache_folder
from stabkit.stability.notions import NAMED

ROOT = Path(__file__).parents[1]

#: A user's script: as it should be, and after each line of comment one with a usual slip.
SCRIPT = """\
from fractions import Fraction

import numpy as np

from stabkit import (
    EUCLIDEAN, RANGE, Explicit, Flux, Operator, Stable, audit, decide, difference, fluxes, senses,
    stable_step, step_bound)
from stabkit.testing import assert_stable


def step(u: np.ndarray, dt: float) -> np.ndarray:
    return u - dt * u


K: Operator = difference(1, 4)
flux: Flux = fluxes.soft()
tau: Fraction = stable_step(K)
block = Explicit(K, flux, "1/2")
assert decide(Stable(block, EUCLIDEAN)).proved
text: str = decide(Stable(block, "range")).reason
print(step_bound(step, RANGE, shape=100).proved, senses(step, shape=(8, 8)))
print(audit("net.onnx").status)
assert_stable(lambda u: u / 2, RANGE, size=4)
# a notion that does not exist
Stable(block, "euclidian")
# a notion and a scheme in the wrong order
Stable(EUCLIDEAN, block)
# another kind of object than a notion
step_bound(step, flux, shape=100)
# a name that the argument has not
step_bound(step, RANGE, size=100)
# another
fluxes.soft(contrast=1)
# a step forgotten
Explicit(K, flux)
# None for a number
Explicit(K, flux, None)
# None for a flux
Explicit(K, None, "1/2")
# a matrix's numbers for an operator
Explicit([[1, -1]], flux, "1/2")
# a flux that was not made
Explicit(K, fluxes.soft, "1/2")
# what may be None is computed with
print(decide(Stable(block, EUCLIDEAN)).margin + 1)
# an outcome has no such word
print(decide(Stable(block, EUCLIDEAN)).is_stable)
# a status that does not exist
assert_stable(lambda u: u, RANGE, size=4).status.TRUE
# a size in text
assert_stable(lambda u: u, RANGE, size="4")
# a step that is a list
stable_step(K, ratio=[1])
"""


#: What ``--strict`` adds, for the script alone: so the cache knows the package from the other test.
STRICT = """
[[tool.mypy.overrides]]
module = "script"
disallow_any_generics = true
disallow_incomplete_defs = true
disallow_subclassing_any = true
disallow_untyped_calls = true
disallow_untyped_decorators = true
disallow_untyped_defs = true
extra_checks = true
implicit_reexport = false
strict_equality = true
warn_return_any = true
"""


def mypy(*arguments):
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", f"--cache-dir={cache_folder() / 'mypy'}",
         *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "MYPYPATH": str(ROOT)})
    return done.stdout


@pytest.mark.slow
def test_the_whole_package_is_typed():
    """No error in any file: some 45 s of work without a cache, a few with it."""
    assert "Success" in mypy()


def test_the_names_of_notions_are_those_that_type_checkers_know():
    assert list(get_args(NotionName)) == list(NAMED)


@pytest.mark.slow
def test_a_type_checker_finds_the_usual_slips_of_a_user(tmp_path):
    """Checked strictly, a right script has no error, and every line with a slip has one."""
    script, settings = tmp_path / "script.py", tmp_path / "pyproject.toml"
    script.write_text(SCRIPT, "utf-8")
    settings.write_text((ROOT / "pyproject.toml").read_text("utf-8") + STRICT, "utf-8")
    lines = SCRIPT.splitlines()
    wrong = {number for number, line in enumerate(lines, start=1)
             if lines[number - 2].startswith("#")}
    found = mypy("--config-file", settings, script)
    told = {int(line.split(":")[1]) for line in found.splitlines() if ": error:" in line}
    assert told == wrong and len(wrong) == 15, found
