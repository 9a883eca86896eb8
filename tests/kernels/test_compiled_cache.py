"""Compiled loops are kept in the user's cache folder, found by what the sources say,
and never needed.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stabkit import kernels
from stabkit.cache_folder import cache_folder, in_words, keeps_files
from stabkit.kernels.cache import cache_of

CALLER = """
from room import kernel
from room.callee import number

@kernel
def doubled(x):
    return 2 * number(x)
"""
CALLEE = """
from stabkit.kernels.parts import inner

@inner
def number(x):
    return x + {constant}
"""
# Each call of again() compiles the loop, or finds it on the disk, as a process of its own would.
PROGRAM = """
import importlib
from pathlib import Path
from room import callee, caller

def again():
    importlib.reload(callee), importlib.reload(caller)
    print(caller.doubled(1), sum(caller.doubled.stats.cache_hits.values()))

again()
"""
CUT = """
for file in sorted(Path({kept!r}).rglob("*.nb[ic]")):
    whole = file.read_bytes()
    for size in 0, 1, 20:
        file.write_bytes(whole[:size])
        again()
        file.write_bytes(whole)
"""


@pytest.fixture
def answer(tmp_path):
    """A program with a kernel of its own: what it gives, and whether it found it compiled."""
    def run(constant=10, place="one", more="", **variables):
        room = tmp_path / place / "room"
        room.mkdir(parents=True, exist_ok=True)
        (room / "__init__.py").write_text(Path(kernels.__file__).read_text("utf-8"), "utf-8")
        (room / "caller.py").write_text(CALLER)
        (room / "callee.py").write_text(CALLEE.format(constant=constant))
        path = os.pathsep.join([str(room.parent), str(Path(kernels.__file__).parents[2])])
        # Python's own cache would not see a change of the same length within a second
        variables = {"NUMBA_CACHE_DIR": str(tmp_path / "kept"), **variables, "PYTHONPATH": path,
                     "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([sys.executable, "-c", PROGRAM + more], check=True, cwd=tmp_path,
                              text=True, capture_output=True, env=os.environ | variables)
        assert done.stderr == ""
        return done.stdout.split()
    return run


def kept(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".nbi", ".nbc"))


@pytest.mark.slow
def test_changed_code_is_compiled_and_a_copy_of_the_code_is_found(answer, tmp_path):
    assert answer(10) == ["22", "0"]
    assert answer(10) == ["22", "1"]
    assert answer(20) == ["42", "0"]  # only the callee has changed, in another file
    assert answer(10, place="another checkout") == ["22", "1"]
    assert answer(20) == ["42", "1"]  # side by side, nothing is overwritten
    assert len(kept(tmp_path)) == len(kept(tmp_path / "kept" / "stabkit")) == 4


@pytest.mark.slow
def test_a_cut_off_file_is_compiled_anew(answer, tmp_path):
    values = answer(more=CUT.format(kept=str(tmp_path)))[::2]
    assert values == ["22"] * (1 + 3 * 2) and len(kept(tmp_path)) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("variables", [
    {"NUMBA_CACHE_DIR": "{file}/below"},
    {"NUMBA_CACHE_DIR": "", "HOME": "{file}", "XDG_CACHE_HOME": ""},
    {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": "{file}"},
    {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": "{new}/not there yet"},
], ids=str)
def test_without_a_folder_it_is_compiled_each_time(answer, tmp_path, variables):
    file = tmp_path / "no folder"
    file.touch()
    variables = {name: value.format(file=file, new=tmp_path / "new")
                 for name, value in variables.items()}
    found = answer(more="again()", **variables)
    again = "1" if kept(tmp_path / "new") else "0"
    assert found == ["22", "0", "22", again]
    assert kept(tmp_path) == kept(tmp_path / "new")


def test_the_folder_is_the_users_and_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path / "stabkit"
    assert not cache_folder().exists()
    (tmp_path / "stabkit").mkdir()
    (tmp_path / "stabkit" / "some.nbc").write_bytes(bytes(3_000_000))
    assert in_words() == f"{tmp_path / 'stabkit'}, 3 MB; can be deleted at any time"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "stabkit" / "some.nbc"))
    assert in_words().startswith("not kept: ") and "set NUMBA_CACHE_DIR" in in_words()
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert cache_folder().name.lower() in ("stabkit", "cache")
    assert not cache_folder().is_relative_to(Path(kernels.__file__).parents[2])


def test_an_unknown_home_makes_no_folder_named_tilde(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert not keeps_files(Path("~/.cache/stabkit"))
    assert list(tmp_path.iterdir()) == []


def test_processes_that_save_at_once_write_files_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    one, other = (cache_of("0")(keeps_files)._cache_file for _ in range(2))
    one.save("float64", "code for float64")
    monkeypatch.setattr(other, "_load_index", dict)  # read before the first had written
    other.save("float32", "code for float32")
    assert {one.load(key) for key in ("float64", "float32")} == {None, "code for float32"}
    assert sum("code for float64" in path.read_bytes().decode("latin-1")
               for path in kept(tmp_path)) == 1


@pytest.mark.slow
def test_a_full_disk_costs_no_result(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kernels, "CACHE", cache_of("0"))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)
    assert kernels.kernel(lambda x: x + 1)(1) == 2


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"])
def test_what_numba_is_told_changes_no_bit(variable, tmp_path):
    """Without compilation loops that are chosen by types would do nothing, and say nothing.

    Functions of others stay as the variable says, and the variable stays.
    """
    code = ("import hashlib, numpy as np\n"
            "from stabkit import FSI, Explicit, difference, fluxes, repeat\n"
            "u, K = np.linspace(-3, 3, 5000), difference(1, 5000)\n"
            "for step in (repeat(Explicit(K, fluxes.rational(), '1/4'), 100),\n"
            "             FSI(K, fluxes.perona_malik(), '1/4', 50)):\n"
            "    print(hashlib.sha256(step(u).tobytes()).hexdigest())\n"
            "import os, numba, sys\n"
            "compiled = hasattr(numba.njit(lambda x: x), 'py_func')\n"
            "print(os.environ.get('NUMBA_DISABLE_JIT', '0'), compiled, file=sys.stderr)\n")
    told = {variable: "1", "NUMBA_CACHE_DIR": str(tmp_path)}  # else what is kept would be found
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                           env={**os.environ, **more}) for more in ({}, told)]
    assert runs[0].stdout == runs[1].stdout and runs[0].stdout.count("\n") == 2
    off = variable == "NUMBA_DISABLE_JIT"
    assert [run.stderr for run in runs] == ["0 True\n", "1 False\n" if off else "0 True\n"]
