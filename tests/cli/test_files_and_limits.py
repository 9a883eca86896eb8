"""What a user's file may be, how long a claim may take, and how code may end: each is one line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stabkit.audit.reading import memory
from stabkit.claims.claim import load_claims
from stabkit.claims.verify import verify
from stabkit.cli import main
from stabkit.errors import InvalidArgument
from stabkit.user_files import content, open_file

CLAIMS = '''
import os
from stabkit import RANGE, Explicit, Stable, claim, difference, fluxes

@claim("notes", notion="range")
def never_ends():
    """A loop without an end."""
    while True:
        pass

@claim("notes", notion="range")
def ends_all():
    """A claim that ends the process with status 0."""
    os._exit(0)

@claim("notes", notion="range")
def half_steps():
    """min u <= u+ <= max u for a step of 1/2 on four samples."""
    return Stable(Explicit(difference(1, 4), fluxes.soft(), "1/2"), RANGE)
'''


@pytest.fixture
def claims(tmp_path):
    path = tmp_path / "notes.py"
    path.write_text(CLAIMS, "utf-8")
    return path


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "model.onnx"
    os.mkfifo(path)
    return path


def link(tmp_path, name):
    path = tmp_path / name
    path.symlink_to("/dev/zero")
    return path


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
@pytest.mark.parametrize("name, command", [
    ("m.onnx", ["audit"]), ("m.npz", ["audit"]), ("m.npy", ["spectrum"]),
    ("v.json", ["report", "--json"]),
    ("s.csv", ["verify", "alt2021.euclidean_stability", "--signal"]),
    ("s.wav", ["verify", "alt2021.euclidean_stability", "--signal"])])
def test_a_device_is_no_file(tmp_path, name, command, capsys):
    """/dev/zero has no end: whoever reads it takes all memory."""
    assert main([*command, str(link(tmp_path, name))]) == 2
    assert "is a device; give a regular file" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_to_which_nobody_writes_is_not_waited_for(pipe, capsys):
    assert main(["audit", str(pipe)]) == 2
    assert "is a pipe" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
def test_an_input_to_look_around_is_a_file(tmp_path, capsys):
    np.savez(tmp_path / "net.npz", W1=np.eye(2), flux="relu", step=0.5)
    assert main(["audit", str(tmp_path / "net.npz"), "--around", str(link(tmp_path, "u.npy")),
                 "--radius", "1"]) == 2
    assert "is a device" in capsys.readouterr().err


def test_no_more_is_read_than_is_allowed(tmp_path):
    (tmp_path / "data").write_bytes(b"12345")
    assert content(tmp_path / "data", "data", 5) == b"12345"
    with pytest.raises(InvalidArgument, match=r"data: .* has more than 4 bytes"):
        content(tmp_path / "data", "data", 4)
    with pytest.raises(InvalidArgument, match=r"cannot read .*: No such file"), \
            open_file(tmp_path / "none", "data"):
        pass


def test_a_claims_file_that_ends_the_process_is_told(tmp_path, capsys):
    """Its exit status 0 would say that all is as expected."""
    path = tmp_path / "ending.py"
    path.write_text("import os\nos._exit(0)\n", "utf-8")
    assert main(["verify", "--claims", str(path)]) == 2
    assert "ending.py, line 2: InvalidArgument: it calls os._exit" in capsys.readouterr().err


def test_a_claim_that_ends_the_process_costs_no_other_its_verdict(claims, capsys):
    assert main(["verify", "--claims", str(claims), "notes.ends_all", "notes.half_steps"]) == 2
    said = capsys.readouterr()
    assert "proved on 1 configuration" in said.out and "it calls os._exit" in said.err


def test_ones_own_file_cannot_have_the_name_of_a_paper_s_claim(tmp_path, capsys):
    """Though without names of claims no paper but that one is looked at."""
    path = tmp_path / "alt2021.py"
    path.write_text(CLAIMS.replace("half_steps", "energy_decay"), "utf-8")
    assert main(["verify", "--claims", str(path)]) == 2
    assert "alt2021.energy_decay is the name of a built-in claim" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_may_end_as_it_likes(tmp_path):
    """Only the process that decides must not end; what a file forks off may."""
    path = tmp_path / "forking.py"
    path.write_text(f"import os\npid = os.fork()\nif not pid:\n    os._exit(7)\n"
                    f"assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n{CLAIMS}",
                    "utf-8")
    assert len(load_claims(path)) == 3


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_a_file_forgets_does_not_stay(tmp_path):
    """It would wait for ever for threads that it does not have."""
    path = tmp_path / "forking.py"
    path.write_text(f"import os\nchild = os.fork()\n{CLAIMS}", "utf-8")
    claims = load_claims(path)
    assert len(claims) == 3
    assert os.waitstatus_to_exitcode(os.waitpid(claims[0].body.__globals__["child"], 0)[1]) == 0


@pytest.mark.slow
def test_a_worker_whose_parent_is_gone_ends_without_a_word():
    """A worker that cannot hand its result back ends itself, which is no user's os._exit."""
    ended = subprocess.run(
        [sys.executable, "-c", "from pebble.common.process import process_exit\n"
         "from stabkit.user_files import no_sudden_exit\n"
         "with no_sudden_exit():\n    process_exit(32)"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (32, "")


@pytest.mark.slow
def test_a_claim_without_end_is_stopped_at_its_limit(claims):
    """Three claims, 3 s each: the loop is stopped, the others are told as ever."""
    listed = [entry for entry in load_claims(claims) if entry.name != "notes.ends_all"]
    found = {each.claim: each for each in verify(listed, budget=1.0, limit=3.0)}
    assert str(found["notes.half_steps"].status) == "proved"
    assert str(found["notes.never_ends"].status) == "undecided"
    assert found["notes.never_ends"].reason == "stopped after 3 s, the limit for one claim"


@pytest.mark.parametrize("limit", [0, -1, float("inf"), float("nan")])
def test_a_limit_is_a_number_of_seconds(claims, limit):
    with pytest.raises(InvalidArgument, match="limit: must be a positive number"):
        verify(load_claims(claims), limit=limit)


ENDINGS = {
    "a thread of the file": ("threading.Thread(target=time.sleep, args=(999,)).start()", 0, ""),
    "a thread of a claim": (
        "def also():\n    '1 < 2.'\n    threading.Thread(target=time.sleep, args=(999,)).start()\n"
        "    return Calculation({}, [], ['1 < 2'], '')\nmade = claim('p')(also)", 0, ""),
    "an exit at the exit": (
        "atexit.register(os._exit, 0)\ndef wrong():\n    '2 < 1.'\n"
        "    return Calculation({}, [], ['2 < 1'], '', True)\nmade = claim('p')(wrong)", 1,
        "os._exit"),
    "an exit that is looked up at the exit": (
        "atexit.register(lambda: sys.modules[os.name]._exit(0))\ndef wrong():\n    '2 < 1.'\n"
        "    return Calculation({}, [], ['2 < 1'], '', True)\nmade = claim('p')(wrong)", 1,
        "os._exit"),
    "a polite exit at the exit": (
        "atexit.register(sys.exit, 0)\ndef wrong():\n    '2 < 1.'\n"
        "    return Calculation({}, [], ['2 < 1'], '', True)\nmade = claim('p')(wrong)", 1, ""),
    "an exit by the module behind os": ("sys.modules[os.name]._exit(0)", 2, "it calls os._exit"),
    "another program in its place": ("os.execlp('true', 'true')", 2, "it calls os.execv"),
    "a timer that exits": (
        "threading.Timer(0.1, os._exit, [0]).start()\ntime.sleep(1)", 0, "os._exit"),
    "an error without a text": (
        "class E(Exception):\n    def __str__(self): raise RuntimeError\n    __repr__ = __str__\n"
        "def raises():\n    '1 < 2.'\n    raise E\nmade = claim('p')(raises)", 2, "str() failed"),
    "an error that cannot travel": (
        "class E(Exception):\n    def __reduce__(self): raise RuntimeError\n"
        "def raises():\n    '1 < 2.'\n    raise E\nmade = claim('p')(raises)", 2,
        "raises: E: no message"),
    "an interrupt of its own": (
        "def raises():\n    '1 < 2.'\n    raise KeyboardInterrupt\nmade = claim('p')(raises)", 2,
        "raises: KeyboardInterrupt"),
    "an exit of a claim past os": (
        "def ends():\n    '1 < 2.'\n    sys.modules[os.name]._exit(0)\nmade = claim('p')(ends)", 2,
        "ends: it calls os._exit"),
    "an exit of a claim": (
        "def ends():\n    '1 < 2.'\n    os._exit(0)\nmade = claim('p')(ends)", 2,
        "ends: it calls os._exit"),
    "a closed output": ("sys.stdout.close()", 2, "closed file"),
}


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("kind", ENDINGS)
def test_code_that_ends_badly_is_told_and_ends(tmp_path, kind, workers):
    """The exit status is that of the verdicts, or of bad input, and nobody waits for ever."""
    code, status, words = ENDINGS[kind]
    (tmp_path / "odd.py").write_text(
        "import atexit, os, sys, threading, time\nfrom stabkit import Calculation, claim\n"
        "@claim('p')\ndef fine():\n    '1 < 2.'\n    return Calculation({}, [], ['1 < 2'], '')\n"
        f"{code}\n", "utf-8")
    done = subprocess.run([sys.executable, "-m", "stabkit", "verify", "--claims",
                           tmp_path / "odd.py", "--workers", workers],
                          text=True, capture_output=True, timeout=120)
    assert done.returncode == status and words in done.stderr
    assert status == 2 or "proved" in done.stdout


@pytest.mark.slow
def test_threads_are_looked_at_before_anything_else():
    done = subprocess.run([sys.executable, "-m", "stabkit", "claims"], text=True, check=False,
                          capture_output=True, env={**os.environ, "STABKIT_THREADS": "many"})
    assert done.returncode == 2 and done.stdout == ""
    assert "STABKIT_THREADS: must be an integer >= 1, got 'many'" in done.stderr


@pytest.mark.parametrize("limit, used, there", [("4096", "96", 4000), ("100", "200", 0)])
def test_memory_is_what_the_control_group_leaves(tmp_path, monkeypatch, limit, used, there):
    """A container's limit counts, not only the machine's memory."""
    files = tmp_path / "memory.max", tmp_path / "memory.current"
    for file, text in zip(files, (limit, used), strict=True):
        file.write_text(f"{text}\n", "ascii")
    monkeypatch.setattr(memory, "_GROUPS", (files,))
    assert memory.available() == there
    files[0].write_text("max\n", "ascii")
    assert memory.available() > 1 << 20
