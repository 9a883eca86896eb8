"""Files that are written: whole or not at all, on a full disk and by several at once."""

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


@pytest.mark.slow
def test_of_four_writers_at_once_each_writes_the_whole_file(tmp_path):
    """Whoever reads meanwhile, some thousand times, sees a file of one of them; at the end it is
    alone."""
    target = tmp_path / "v.json"
    target.write_text("0" * 9999, "ascii")
    writer = "import sys\nfrom stabkit.report.output import write\n" \
             "for _ in range(100):\n    write(sys.argv[1], sys.argv[2] * 9999)"
    running = [subprocess.Popen([sys.executable, "-c", writer, target, each], env={
        **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}) for each in "1234"]
    while any(process.poll() is None for process in running):
        text = target.read_text("ascii")
        assert text == text[0] * 9999
    assert [process.returncode for process in running] == [0] * 4
    assert target.read_text("ascii")[0] in "1234" and os.listdir(tmp_path) == ["v.json"]
