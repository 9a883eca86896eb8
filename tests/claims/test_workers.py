"""Processes that decide claims, when they start, die and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from pebble.pool import process as pool

from stabkit.claims.workers import Workers
from stabkit.errors import WorkerDied


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_a_process_that_still_starts_ends_without_a_word(monkeypatch, capfd):
    """It takes the place of one that died, and is stopped half a second late, as under load."""
    stop = pool.stop_process

    def stop_late(process):
        time.sleep(0.5)
        stop(process)

    monkeypatch.setattr(pool, "stop_process", stop_late)
    workers = Workers(2)
    with pytest.raises(WorkerDied, match="SIGKILL"):
        workers.submit(signal.raise_signal, signal.SIGKILL).result()
    workers.shutdown()
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_who_hands_claims_out_does_not_import_what_decides_them():
    """It takes about as long to import as a worker takes to start."""
    code = ("import sys, stabkit.claims.verify, stabkit.claims.workers\n"
            "print([name for name in sys.modules if name.startswith('stabkit.stability.decide')])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True).stdout == "[]\n"
