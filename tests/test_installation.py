"""Installed, installed to be edited, removed, in every order: a package that works, or none.

The environment is new, but borrows the packages of this one, so that nothing is downloaded.
"""

import os
import shutil
import site
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Every action after every other.
ORDER = ("install", "edit", "install", "remove", "edit", "remove")
OFFLINE = ("install", "--no-index", "--no-deps", "--no-build-isolation")
COMMANDS = {"install": OFFLINE, "edit": (*OFFLINE, "--editable"), "remove": ("uninstall", "--yes")}
FOUND = """
import pytest_stabkit, stabkit
assert stabkit.Status.__module__ == "stabkit.stability.verdict"
print(stabkit.__file__)
"""
# Compiles a loop, which is kept, reads the installed metadata and a file of the package.
USED = """
import numpy as np
from stabkit.kernels.eigenvalues import all_below
from stabkit.report.environment import version
from stabkit.report.recorded import record
from stabkit.report.verdict_file import schema
assert record().is_file()
assert schema() and all_below(np.ones(1), np.zeros(0), 2.0)
print(version())
"""


class Environment:
    """A new environment, and a clone whose folder has the name of the package."""

    def __init__(self, folder):
        self.holder, self.elsewhere = folder / "holder", folder / "elsewhere"
        self.clone = self.holder / "stabkit"
        self.elsewhere.mkdir()
        shutil.copytree(ROOT / "stabkit", self.clone / "stabkit",
                        ignore=shutil.ignore_patterns("__pycache__"))
        (self.clone / "reports").mkdir()
        shutil.copy(ROOT / "reports" / "verdicts.json", self.clone / "reports")
        for name in ("pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE",
                     "pytest_stabkit.py"):
            shutil.copy(ROOT / name, self.clone)
        venv.create(folder / "new", symlinks=True)
        self.python = folder / "new" / "bin" / "python"
        self.packages, = (folder / "new" / "lib").glob("python*/site-packages")
        borrowed = folder / "borrowed"
        borrowed.mkdir()
        for package in Path(site.getsitepackages()[0]).iterdir():
            if "stabkit" not in package.name:
                (borrowed / package.name).symlink_to(package)
        (self.packages / "borrowed.pth").write_text(f"{borrowed}\n")
        self.variables = {name: value for name, value in os.environ.items()
                          if name != "PYTHONPATH"} | {"XDG_CACHE_HOME": str(folder / "cache")}

    def run(self, *arguments, place):
        return subprocess.run([self.python, *map(str, arguments)], cwd=place, text=True,
                              capture_output=True, env=self.variables)

    def pip(self, action):
        what = "stabkit" if action == "remove" else self.clone
        done = self.run("-m", "pip", "--disable-pip-version-check", *COMMANDS[action], what,
                        place=self.elsewhere)
        assert done.returncode == 0, done.stdout + done.stderr

    def says(self, program, place):
        done = self.run("-c", program, place=place)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def found(self, place):
        """Where the package comes from that is imported at this place."""
        return Path(self.says(FOUND, place)).parents[1]


@pytest.mark.slow
def test_what_is_installed_works_in_every_order_and_what_is_removed_is_gone(tmp_path):
    here = Environment(tmp_path)
    for action in ORDER:
        here.pip(action)
        if action == "remove":
            done = here.run("-c", "import stabkit", place=here.elsewhere)
            assert "No module named 'stabkit'" in done.stderr
            assert not list(here.packages.glob("*stabkit*"))
            continue
        home = {"install": here.packages, "edit": here.clone}[action]
        assert here.found(here.elsewhere) == here.found(here.holder) == home
        assert here.found(here.clone) == here.clone
        assert here.says(USED, here.elsewhere) == "0.1.0"
        assert (here.python.parent / "stabkit").exists()
    kept = list(tmp_path.rglob("*.nbi"))
    assert kept and all(path.is_relative_to(tmp_path / "cache") for path in kept)
