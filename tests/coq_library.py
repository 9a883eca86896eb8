"""The library in Coq, compiled and read once for all tests that rest on it."""

import shutil
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

from stabkit.coq import folder

_folder = TemporaryDirectory(prefix="stabkit-coq-")


def coqc(place, name, timeout=600):
    """Compile one file of a folder."""
    return subprocess.run(["coqc", "-q", "-w", "-all", name], cwd=place, capture_output=True,
                          text=True, timeout=timeout)


@cache
def _compiled(stem):
    """The folder of the library, where Coq has accepted this file of it."""
    place = Path(_folder.name)
    (place / f"{stem}.v").write_text(folder([]).files[f"{stem}.v"], "utf-8")
    done = coqc(place, f"{stem}.v")
    assert done.returncode == 0, done.stderr
    return place


def with_library(place, *stems):
    """Put files of the library into a folder, as Coq leaves them; each rests on those before it."""
    for stem in stems:
        for name in (f"{stem}.v", f"{stem}.vo"):  # in this order, as make asks which is older
            shutil.copy(_compiled(stem) / name, place)
    return place


class Session:
    """One Coq for many files that it should refuse: to begin with the library costs it most."""

    def __init__(self, running):
        self._running = running

    def say(self, command, timeout=600):
        """Return what Coq answers; it is stopped when that takes too long."""
        clock = Timer(timeout, self._running.kill)
        clock.start()
        self._running.stdin.write(f"{command}\nLocate all_is_said.\n")
        self._running.stdin.flush()
        answer = []
        for line in self._running.stdout:
            if line.endswith("No object of basename all_is_said\n"):
                break
            answer.append(line)
        else:
            raise ChildProcessError(f"Coq has ended: {''.join(answer)}")
        clock.cancel()
        return "".join(answer)

    def refusal(self, name):
        """Why Coq does not accept a file; empty if it does.  Nothing of the file is kept."""
        answer = self.say(f'Fail Load "{name}".')
        if "The command has not failed!" in answer:
            return ""
        assert "has indeed failed with message:" in answer and "Can't find" not in answer, answer
        return answer


@contextmanager
def session(place, *imports):
    """A Coq in a folder, which has read what the files begin with."""
    with subprocess.Popen(["coqtop", "-q", "-w", "-all"], cwd=place, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as running:
        coq = Session(running)
        answer = "".join(map(coq.say, imports))
        assert "Error" not in answer, answer
        yield coq
