"""Files that are written: whole or not at all, on a full disk and by several at once."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stabkit.cli import main

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


@pytest.mark.skipif(os.name != "posix", reason="Windows lets few make links")
@pytest.mark.parametrize("command, other", [
    ("verify --claims notes.py --json link.py", "--claims"),
    ("claims --claims notes.py --json ./notes.py", "--claims"),
    ("verify --claims notes.py --signal s.npy --json s.npy", "--signal"),
    ("audit notes.py:quick --shape 2 --json notes.py", "FILE"),
    ("audit s.npy --page p --json p", "--page"), ("spectrum s.npy --picture s.npy", "FILE")])
def test_what_is_read_is_not_written_over(tmp_path, monkeypatch, capsys, command, other):
    """The same file under its name, under another, and by a link; and two outputs in one file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.py").write_text(CLAIMS, "utf-8")
    (tmp_path / "link.py").symlink_to("notes.py")
    np.save("s.npy", np.eye(2))
    assert main(command.split()) == 2
    assert f"is that of {other}; give another file" in capsys.readouterr().err
    assert (tmp_path / "notes.py").read_text("utf-8") == CLAIMS and np.load("s.npy").shape == (2, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.py", "link.py", "s.npy"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_gets_the_verdicts_and_has_no_journal(tmp_path, capsys):
    """As of a device, nothing could go on from it; --resume says so, and does not wait."""
    pipe, own = tmp_path / "pipe", tmp_path / "notes.py"
    own.write_text(CLAIMS, "utf-8")
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as one:
        read = one.submit(pipe.read_text, "utf-8")
        assert main(["verify", "--claims", str(own), "--json", str(pipe)]) == 0
        assert json.loads(read.result())["verdicts"][0]["status"] == "proved"
    assert main(["verify", "--claims", str(own), "--resume", str(pipe)]) == 2
    assert f"--resume: {pipe} is no regular file" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"pipe", "notes.py"}


@pytest.mark.skipif(os.name != "posix", reason="Windows lets few make links")
def test_a_link_to_itself_is_told_before_anything_is_decided(tmp_path, capsys):
    target = tmp_path / "v.json"
    target.symlink_to(target)
    assert main(["verify", "alt2020.*", "--json", str(target)]) == 2
    assert "cannot write" in capsys.readouterr().err and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("error", [OSError(9, "Bad file descriptor"), ValueError("closed")])
def test_bad_input_has_its_status_where_nobody_hears_of_it(monkeypatch, error):
    """The stream for errors was closed, by the system's number or as a file."""
    class Closed:
        def write(self, text):
            raise error

        flush = write

    monkeypatch.setattr("sys.stderr", Closed())
    assert main(["verify", "--claims", "nowhere.py"]) == 2
