"""The program as a process: from a claims file to replayed evidence, and what goes wrong."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from stabkit.cli import main
from stabkit.report.verdict_file import schema

CLAIMS = '''
    import time

    from stabkit import Calculation, claim


    @claim("page 1", quote="of course")
    def one_is_less_than_two():
        """1 < 2."""
        return Calculation(given={"u": ["1", "2"]}, shows=["u[0] < u[1]"])


    @claim("page 2", expect="refuted")
    def two_is_less_than_one():
        """2 < 1."""
        return Calculation(given={"u": ["2", "1"]}, shows=["u[0] < u[1]"],
                           necessary=True)
'''
SLOW = '''
    @claim("page 3")
    def three_takes_its_time():
        """3 < 4."""
        time.sleep(60)
        return Calculation(shows=["3 < 4"])
'''


HEAD = "from stabkit import claim\n\n\n@claim('page 1')\ndef f():\n    '''It holds.'''\n"


def stabkit(*arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.run([sys.executable, "-m", "stabkit", *map(str, arguments)], **options)


def inside(capsys, *arguments):
    """What the same command answers when it is called in this process."""
    status = main(list(map(str, arguments)))
    stdout, stderr = capsys.readouterr()
    return SimpleNamespace(returncode=status, stdout=stdout, stderr=stderr)


def claims_file(folder, *parts, name="mine.py"):
    path = folder / name
    path.write_text("\n\n".join(textwrap.dedent(part) for part in parts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """The verdict file of the two claims above."""
    folder = tmp_path_factory.mktemp("verdicts")
    target = folder / "verdicts.json"
    done = stabkit("verify", "--claims", claims_file(folder, CLAIMS), "--json", target)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 claims: 1 proved, 1 refuted; each as expected." in done.stdout
    return target


@pytest.mark.slow
def test_what_is_verified_is_replayed(verdicts):
    jsonschema.validate(json.loads(verdicts.read_text("utf-8")), schema())
    done = stabkit("replay", verdicts)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("holds  mine.one_is_less_than_two (proved), certificate 1: ")
    assert lines[-1] == "4 checked: all hold"


@pytest.mark.slow
@pytest.mark.parametrize("before, after", [
    ('"u": ["1", "2"]', '"u": ["1", "3"]'),
    ('"status": "refuted", "expected": "refuted"', '"status": "proved", "expected": "proved"'),
    ("u[0] < u[1]", "u[0] <= u[1]"),
])
def test_a_changed_file_does_not_hold(verdicts, tmp_path, capsys, before, after):
    text = verdicts.read_text("utf-8")
    assert before in text
    changed = tmp_path / "changed.json"
    changed.write_text(text.replace(before, after, 1), encoding="utf-8")
    done = inside(capsys, "replay", changed)
    assert done.returncode == 1
    assert "FAILS  mine." in done.stdout
    assert done.stdout.splitlines()[-1].endswith("FAIL")


@pytest.mark.slow
@pytest.mark.parametrize("cut", [0, 1, 100, -2])
def test_a_truncated_file_is_bad_input(verdicts, tmp_path, capsys, cut):
    part = tmp_path / "part.json"
    part.write_bytes(verdicts.read_bytes()[:cut])
    done = inside(capsys, "replay", part)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"stabkit: error: .*part\.json.*\n", done.stderr)


@pytest.mark.slow
def test_json_on_standard_output_stands_alone(tmp_path):
    done = stabkit("verify", "--claims", claims_file(tmp_path, CLAIMS), "--json", "-")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["verdicts"]) == 2
    assert "2 claims" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("source, words", [
    ("raise OSError('no such instrument')", ["line 1", "OSError", "no such instrument"]),
    ("x = 1\nif x:\nprint(x)", ["line 3", "IndentationError"]),
    ("from stabkit import no_such_name", ["line 1", "ImportError", "no_such_name"]),
    ("x = 1", ["no claims"]),
    (HEAD + "    return 1 / 0\n", ["line 7", "ZeroDivisionError", "mine.f"]),
    (HEAD + "    return True\n", ["mine.f", "bool"]),
])
def test_a_faulty_claims_file_is_one_line(tmp_path, capsys, source, words):
    path = claims_file(tmp_path, source)
    target = tmp_path / "v.json"
    done = inside(capsys, "verify", "--claims", path, "--json", target)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"stabkit: error: .*\n", done.stderr)
    for word in words:
        assert word in done.stderr
    assert not target.exists()


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_quietly(tmp_path):
    path = claims_file(tmp_path, CLAIMS)
    read, write = os.pipe()
    os.close(read)
    done = stabkit("claims", "--claims", path, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
def test_an_output_that_takes_nothing_is_named(tmp_path):
    with open(os.devnull) as readable:
        done = stabkit("claims", "--claims", claims_file(tmp_path, CLAIMS), stdout=readable)
    assert done.returncode == 2
    assert re.fullmatch(r"stabkit: error: <stdout>: Bad file descriptor\n", done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_has_colours_and_eighty_columns(tmp_path, colour):
    long = "\n".join(f'''
        @claim("page {page}")
        def a_statement_with_a_name_that_is_much_longer_than_a_line_can_be_{page}():
            """1 < 2."""
            return Calculation(shows=["1 < 2"])
    ''' for page in (1, 2))
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals")
    own, terminal = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    environment |= {"COLUMNS": "80", "TERM": "xterm"} | ({} if colour else {"NO_COLOR": "1"})
    done = stabkit("verify", "--claims", claims_file(tmp_path, CLAIMS, long), stdout=terminal,
                   env=environment)
    os.close(terminal)
    received = b""
    while chunk := _read(own):
        received += chunk
    assert (done.returncode, done.stderr) == (0, "")
    shown = received.decode().replace("\r\n", "\n")
    assert ("\x1b[32m" in shown) == colour
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in shown


def _read(file):
    try:
        return os.read(file, 65536)
    except OSError:  # what a terminal says when nobody writes any more
        return b""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_ends_it_at_once(tmp_path, workers):
    target = tmp_path / "v.json"
    path = claims_file(tmp_path, CLAIMS, SLOW)
    with subprocess.Popen(
        [sys.executable, "-m", "stabkit", "verify", "--claims", path, "--json", target,
         "--workers", str(workers)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # Tests that run in the background of a shell inherit an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:
        journal = Path(f"{target}.journal")
        while not journal.exists() or len(journal.read_text("utf-8").splitlines()) < 3:
            assert running.poll() is None
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
        output, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert errors == ("stabkit: interrupted; 2 of 3 claims were decided; "
                      f"--resume {target} goes on\n")
    assert "2 claims: 1 proved, 1 refuted; each as expected." in output
    assert not target.exists()
