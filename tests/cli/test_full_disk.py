"""A disk that is full: one line, and the old file is whole."""

import os
import subprocess
import sys

import pytest

CLAIMS = '''
from stabkit import Calculation, claim

@claim("notes")
def quick():
    """1 < 2."""
    return Calculation({}, [], ["1 < 2"], "")
'''


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Windows has no limit for the size of a file")
@pytest.mark.parametrize("size", [0, 100, 600])
def test_a_file_that_may_not_grow_is_one_line_and_the_old_one_stays(tmp_path, size):
    """The system lets no file have more bytes: the beginning of the journal, its first line, or
    the verdicts do not fit."""
    import resource  # which Windows has not

    (tmp_path / "notes.py").write_text(CLAIMS, "utf-8")
    (tmp_path / "v.json").write_text("old", "utf-8")
    done = subprocess.run(
        [sys.executable, "-B", "-m", "stabkit", "verify", "--claims", "notes.py", "--json",
         "v.json"], cwd=tmp_path, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    assert done.returncode == 2
    assert done.stderr.startswith("stabkit: error: --json: cannot write ")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "v.json").read_text("utf-8") == "old"
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"notes.py", "v.json", "v.json.journal"} and (size > 100) == (len(left) > 2)
