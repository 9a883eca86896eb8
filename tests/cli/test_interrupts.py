"""Audits and reports that are interrupted: within a second, with what is there, and the status."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stabkit.claims.verify import verify
from stabkit.cli import main
from stabkit.cli.journal import path_of

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


def started(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "stabkit", *map(str, arguments)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        # What runs in the background of a shell inherits an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Windows sends no such signals to a process")
@pytest.mark.parametrize("number, status", SIGNALS)
def test_an_audit_of_a_step_says_what_it_had(tmp_path, number, status):
    """The step waits in its third sense; the answers of two are told, and nothing is written."""
    (tmp_path / "slow.py").write_text(
        "import time\nfrom pathlib import Path\nimport numpy as np\n\n"
        "def step(u):\n"
        "    here = Path(__file__).parent / 'calls'\n"
        "    if here.exists():\n"
        "        (here.parent / 'waits').touch()\n"
        "        time.sleep(60)\n"
        "    return (u + np.roll(u, 1)) / 2\n", "utf-8")
    begin = time.perf_counter()
    with started("audit", tmp_path / "slow.py:step", "--shape", 8, "--json", tmp_path / "v.json",
                 env={**os.environ, "STABKIT_THREADS": "1"}) as running:
        (tmp_path / "calls").touch()
        while not (tmp_path / "waits").exists():
            assert running.poll() is None
            time.sleep(0.02)
        start = time.perf_counter()
        running.send_signal(number)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == status
    assert errors.startswith("stabkit: interrupted after ") and errors.count("\n") == 1
    # A second, on a machine that has nothing else to do; on a busy one as long as it took to start.
    assert time.perf_counter() - start < max(5, start - begin)
    assert not (tmp_path / "v.json").exists()


@pytest.mark.slow
def test_an_audit_tells_the_answers_it_had(tmp_path, monkeypatch, capsys):
    """An interrupt after the second sense: both are told with their verdicts."""
    np.savez(tmp_path / "net.npz", A0=np.eye(2) / 2)

    assert main(["audit", str(tmp_path / "net.npz"), "--budget", "1"]) == 0
    capsys.readouterr()

    from stabkit.audit import decision

    real, seen = decision._judge_notion, []

    def judged(name, *given):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(name)
        return real(name, *given)

    monkeypatch.setattr(decision, "_judge_notion", judged)
    assert main(["audit", str(tmp_path / "net.npz"), "--budget", "1"]) == 130
    errors = capsys.readouterr().err
    assert f"{seen[0]} (proved)" in errors and f"{seen[1]} (" in errors


@pytest.fixture
def short_ledger(monkeypatch, tmp_path):
    """Three built-in claims instead of all, and a report of one file."""
    from stabkit.claims import claim
    from stabkit.report import command

    real = claim.registry
    names = ("alt2021.euclidean_stability", "alt2021.fsi_formula",
             "alt2021.euclidean_stability_without_sign_condition")
    monkeypatch.setattr(claim, "registry", lambda *given: {
        name: real(["alt2021"])[name] for name in names})
    monkeypatch.setattr(command, "compose", lambda document, *rest, **more: {
        "verdicts.json": json.dumps(document["verdicts"])})
    return names


@pytest.mark.slow
def test_a_report_that_is_cut_goes_on(tmp_path, monkeypatch, capsys, short_ledger):
    """Interrupted after two claims: a journal with two; resumed, only the third is decided."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    options = ["--budget", "1"]
    assert main(["report", "--output", str(whole), *options]) == 0
    counted = []

    def deciding(claims, *, on_verdict, known=(), **more):
        def note(verdict):
            on_verdict(verdict)
            if verdict.claim not in {each.claim for each in known}:
                counted.append(verdict.claim)
            if len(counted) == 2 and not known:
                raise KeyboardInterrupt
        return verify(claims, on_verdict=note, known=known, **more)

    monkeypatch.setattr("stabkit.claims.verify.verify", deciding)
    assert main(["report", "--output", str(cut), *options]) == 130
    assert "2 of 3 claims were decided; --resume goes on" in capsys.readouterr().err
    assert not cut.exists() and len(Path(path_of(cut)).read_text("utf-8").splitlines()) == 3
    assert main(["report", "--output", str(cut), "--resume", *options]) == 0
    assert sorted(counted) == sorted(short_ledger)
    assert (cut / "verdicts.json").read_bytes() == (whole / "verdicts.json").read_bytes()
    assert not Path(path_of(cut)).exists()


@pytest.mark.parametrize("more", [["--check"], ["--json", "v.json"]])
def test_what_decides_nothing_or_writes_nothing_is_not_resumed(more, capsys):
    assert main(["report", "--resume", *more]) == 2
    assert "--resume: is for a report" in capsys.readouterr().err


def test_the_report_has_the_guards_of_replay(tmp_path, capsys):
    """A key that occurs twice, NaN, and digits that no float holds."""
    path = tmp_path / "v.json"
    for text, words in (('{"stabkit": "1", "stabkit": "2"}', "occurs twice"),
                        ('{"seed": NaN}', "NaN is not a JSON number"),
                        ('{"budget": 0.1000000000000000000001}', "more digits"),
                        ("[" * 100_000, "nested too deeply"), ("", "not a JSON file")):
        path.write_text(text, "utf-8")
        assert main(["report", "--json", str(path), "--output", str(tmp_path / "out")]) == 2
        assert words in capsys.readouterr().err
