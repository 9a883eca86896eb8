"""A run that is cut loses nothing that was decided; a process that dies harms no other claim."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from stabkit.claims.claim import load_claims
from stabkit.claims.verify import verify
from stabkit.cli.journal import Journal, path_of, resume_from
from stabkit.report import output

UNIX = pytest.mark.skipif(os.name != "posix", reason="Windows sends no such signals to a process")
HEAD = """
import os, signal, time
from stabkit import Calculation, Not, claim
"""
CLAIM = """
@claim("page {0}")
def claim_{0}():
    '''{0} < {0} + 1.'''
    time.sleep({1})
    return Calculation(dict(a={0}), [], ["a < a + 1"], "")
"""


def claims_file(folder, *bodies, count=6, seconds=0.1):
    path = folder / "mine.py"
    claims = [CLAIM.format(number, seconds) for number in range(count)]
    path.write_text(HEAD + "".join([*claims, *bodies]))
    return path


def stabkit(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "stabkit", "verify", *map(str, arguments)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def finished(*arguments):
    with stabkit(*arguments) as running:
        output, errors = running.communicate(timeout=120)
    return running.returncode, output, errors


def decided(journal):
    """The claims on the whole lines of a journal, after its first line."""
    return [json.loads(line)["claim"] for line in journal.read_text().split("\n")[1:-1]]


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_and_ends_as_one_that_was_not(tmp_path):
    """SIGKILL at random moments: no decided claim is lost, the end has the bytes of an uncut run.

    ``STABKIT_KILLS=100`` kills a hundred times instead of four.
    """
    path, whole, target = claims_file(tmp_path), tmp_path / "whole.json", tmp_path / "cut.json"
    begin = time.perf_counter()
    assert finished("--claims", path, "--json", whole)[0] == 0
    duration = time.perf_counter() - begin
    journal, rng, before = Path(f"{target}.journal"), random.Random(0), []
    for _ in range(int(os.environ.get("STABKIT_KILLS", "4"))):
        with stabkit("--claims", path, "--resume", target) as running:
            time.sleep(rng.uniform(0, duration))
            running.kill()
        if target.exists():  # whole, or it would not be there
            assert target.read_bytes() == whole.read_bytes()
            target.unlink()
            journal.unlink(missing_ok=True)
            before = []
        kept = decided(journal) if journal.exists() else []
        assert kept[:len(before)] == before
        before = kept
    assert finished("--claims", path, "--resume", target)[0] == 0
    assert target.read_bytes() == whole.read_bytes()
    assert not journal.exists()


@UNIX
@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_keeps_what_is_there(tmp_path, workers, number, status):
    """The exit status is 128 + the number of the signal; the journal holds what was decided.

    In two seconds, or as long as it took to start and to decide two claims on a busy machine.
    """
    path = claims_file(tmp_path, CLAIM.format(9, 60), count=2, seconds=0)
    target, begin = tmp_path / "v.json", time.perf_counter()
    with stabkit("--claims", path, "--json", target, "--workers", workers, preexec_fn=lambda:
                 signal.signal(signal.SIGINT, signal.default_int_handler)) as running:
        journal = Path(f"{target}.journal")
        while not journal.exists() or len(decided(journal)) < 2:
            assert running.poll() is None
            time.sleep(0.05)
        start = time.perf_counter()
        running.send_signal(number)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == status
    assert time.perf_counter() - start < max(2, start - begin)
    assert "2 of 3 claims were decided; --resume" in errors
    assert sorted(decided(journal)) == ["mine.claim_0", "mine.claim_1"] and not target.exists()


@pytest.mark.slow
def test_a_journal_of_another_question_is_refused(tmp_path):
    """Another seed, or a claims file that was changed meanwhile."""
    path, target = claims_file(tmp_path, count=1, seconds=0), tmp_path / "v.json"
    assert finished("--claims", path, "--json", target)[0] == 0
    journal = Path(f"{target}.journal")
    journal.write_text('{"stabkit": "0.1.0"')
    status, _, errors = finished("--claims", path, "--resume", target, "--seed", "1")
    assert status == 2 and "is of a run with 0, this one has seed 1" in errors
    journal.write_text('{"stabkit": "0.1.0"}\n')
    target.unlink()
    status, _, errors = finished("--claims", path, "--resume", target)
    assert status == 2 and "--resume" in errors and len(errors.splitlines()) == 1


@pytest.mark.slow
def test_a_complete_file_says_nothing_of_changed_claims(tmp_path):
    """a < a + 1 was proved; then the claim of this name says a < a."""
    path, target = claims_file(tmp_path, count=1, seconds=0), tmp_path / "v.json"
    assert finished("--claims", path, "--json", target)[0] == 0
    path.write_text(path.read_text().replace('"a < a + 1"', '"a < a"'))
    status, output, _ = finished("--claims", path, "--resume", target)
    assert status == 1 and "proved" not in output.replace("expected proved", "")


def test_a_run_that_is_killed_while_it_begins_has_lost_nothing(tmp_path, monkeypatch):
    """What is known is whole under its name before the journal of the run that goes on is there."""
    target = tmp_path / "v.json"
    path = claims_file(tmp_path, count=2, seconds=0)
    known = verify(load_claims(path))
    with Journal(target, {}) as journal:
        journal.start(known)
    kept = path_of(target).read_bytes()

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    for place in ("stabkit.cli.journal.Journal._write", "os.fsync", "os.replace"):
        with monkeypatch.context() as patch, pytest.raises(Killed), Journal(target, {}) as journal:
            patch.setattr(place, killed)
            journal.start(known)
        assert path_of(target).read_bytes() == kept


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_journal_follows_no_link_and_waits_for_no_pipe(tmp_path):
    """Whoever may write beside the target cannot choose what else is written, or stop the run."""
    other, target = tmp_path / "other", tmp_path / "v.json"
    other.write_text("mine", "utf-8")
    for make in (lambda path: path.symlink_to(other), os.mkfifo):
        make(path_of(target))
        with Journal(target, {}) as journal:
            journal.start()
            assert path_of(target).is_file() and not path_of(target).is_symlink()
        journal.remove()
    assert other.read_text("utf-8") == "mine" and sorted(tmp_path.iterdir()) == [other]


@UNIX
@pytest.mark.slow
def test_a_worker_that_dies_harms_no_other_claim(tmp_path):
    """Died once: decided the second time.  Died twice: undecided, and the others are decided."""
    mark = tmp_path / "died"
    once = (f"@claim('page 7')\ndef once():\n    '''It holds.'''\n"
            f"    if not os.path.exists({str(mark)!r}):\n        open({str(mark)!r}, 'w').close()\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
            "    return Calculation(dict(a=1), [], ['a < 2'], '')\n")
    always = ("@claim('page 8')\ndef always():\n    '''It holds.'''\n"
              "    os.kill(os.getpid(), signal.SIGKILL)\n")
    path, target = claims_file(tmp_path, once, always, count=3, seconds=0), tmp_path / "v.json"
    status, _, errors = finished("--claims", path, "--workers", 2, "--json", target)
    verdicts = {item["claim"]: item for item in json.loads(target.read_text())["verdicts"]}
    assert status == 1 and errors == ""
    assert [verdicts[f"mine.{name}"]["status"] for name in (
        "claim_0", "claim_1", "claim_2", "once", "always")] == [*["proved"] * 4, "undecided"]
    assert verdicts["mine.always"]["reason"] == "the worker died, 2 times (SIGKILL: out of memory?)"


@UNIX
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_no_worker_outlives_its_parent(tmp_path, name):
    """Two seconds after the parent alone was ended, its workers are gone.

    On a busy machine it may take as long as they took to start.
    """
    note = "@claim('page 7')\ndef at_work():\n    '''It holds.'''\n" \
           f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
    path, begin = claims_file(tmp_path, note, count=1, seconds=0), time.perf_counter()
    with stabkit("--claims", path, "--workers", 2, preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler)) as running:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert running.poll() is None
            time.sleep(0.05)
        allowed = max(2, time.perf_counter() - begin)
        running.send_signal(getattr(signal, name))
        running.wait(timeout=30)
        running.stdout.close()
        running.stderr.close()
    worker = int((tmp_path / "pid").read_text())
    deadline = time.perf_counter() + allowed
    while alive(worker):
        assert time.perf_counter() < deadline
        time.sleep(0.05)


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    told = Path(f"/proc/{process}/stat")  # of Linux: a dead one may wait for its parent
    return not told.exists() or told.read_text().split()[2] != "Z"


@pytest.mark.slow
def test_a_damaged_line_of_a_journal_is_no_verdict(tmp_path):
    """One byte of the line is set to others, at each place: what is taken is what was decided."""
    target, path = tmp_path / "v.json", claims_file(tmp_path, count=1, seconds=0)
    claims = load_claims(path)
    known = verify(claims)
    with Journal(target, {}) as journal:
        journal.start(known)
    head, line, _ = path_of(target).read_bytes().split(b"\n")
    assert [item.to_json() for item in resume_from(str(target), {}, claims)] == [known[0].to_json()]
    taken = 0
    for place in range(len(line)):
        byte = line[place]
        for other in {byte ^ 1, byte ^ 0x20, ord(" "), ord('"'), 0xff} - {byte}:
            changed = line[:place] + bytes([other]) + line[place + 1:]
            path_of(target).write_bytes(head + b"\n" + changed + b"\n")
            found = resume_from(str(target), {}, claims)
            assert [item.to_json() for item in found] in ([], [known[0].to_json()])
            taken += len(found)
    assert taken <= 5 * line.count(b" ")  # white space says nothing


def test_a_line_that_was_rewritten_is_no_verdict(tmp_path):
    """Planted: "refuted" is made "proved" with the old seal, without one, and two lines in one."""
    target = tmp_path / "v.json"
    path = claims_file(tmp_path, "@claim('p. 9')\ndef claim_9():\n    '''False.'''\n    return "
                       "Calculation(dict(a=0), [], ['a > a'], '')\n", count=1, seconds=0)
    claims = load_claims(path)
    known = verify(claims)
    with Journal(target, {}) as journal:
        journal.start(known)
    head, first, second, _ = path_of(target).read_text("utf-8").split("\n")
    changed = {**json.loads(second), "status": "proved", "scope": "listed", "expected": "proved"}
    for bad in (json.dumps(changed), json.dumps({**changed, "seal": None}), second[:-1], "[" * 9999,
                first[:-2] + second[-66:], '{"seal": 1}', "null", '{"seal": NaN, "a": NaN}'):
        path_of(target).write_text(f"{head}\n{first}\n{bad}\n", "utf-8")
        found = resume_from(str(target), {}, claims)
        assert [item.to_json() for item in found] == [known[0].to_json()]


@UNIX
def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    """Half a file of one that was killed goes when the file is written next; others' stay."""
    target, other, ended = tmp_path / "v.json", tmp_path / "w.json", subprocess.Popen(["true"])
    ended.wait()
    left = []
    for path, process in ((target, ended.pid), (other, ended.pid), (target, os.getppid())):
        handle, name = tempfile.mkstemp(".part", output._mark(path, process), tmp_path)
        os.close(handle)
        left.append(Path(name))
    output.write(target, "whole")
    assert [path.exists() for path in left] == [False, True, True]
    assert target.read_text() == "whole" and len(list(tmp_path.iterdir())) == 3


@UNIX
@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_nothing_for_long(tmp_path):
    """SIGKILL while it waits for the disk; the next writer has the folder to itself."""
    target = tmp_path / "v.json"
    code = ("import os, sys, time\nfrom stabkit.report.output import write\n"
            "os.fsync = lambda number: (print('waits', flush=True), time.sleep(60))\n"
            "write(sys.argv[1], 'half')\n")
    with subprocess.Popen([sys.executable, "-c", code, target], stdout=subprocess.PIPE) as running:
        assert running.stdout.readline() == b"waits\n"
        assert len(list(tmp_path.glob(".stabkit-*.part"))) == 1
        output.write(target, "one")  # beside one that is alive
        assert len(list(tmp_path.glob(".stabkit-*.part"))) == 1
        running.kill()
    output.write(target, "two")
    assert [path.name for path in tmp_path.iterdir()] == ["v.json"]
    assert target.read_text() == "two"


@UNIX
def test_a_folder_of_one_that_was_killed_between_two_renamings_comes_back(tmp_path):
    """The old report is whole in what was left; then the new one takes its place."""
    place, ended = tmp_path / "reports", subprocess.Popen(["true"])
    ended.wait()
    trial = Path(tempfile.mkdtemp(".part", output._mark(place, ended.pid), tmp_path))
    (trial / "old").mkdir()
    (trial / "old" / "a").write_text("old")
    output._clear_away(place)
    assert (place / "a").read_text() == "old" and not trial.exists()
    output.write_folder(place, {"b": "new"})
    assert [path.name for path in place.iterdir()] == ["b"] and not list(tmp_path.glob(".*"))
