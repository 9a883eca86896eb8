"""What workers and trials cost: ``python -m benchmarks.workers``, with ``--help`` for the sizes.

Short claims are decided in one process and in workers; the files of verdicts must have the same
bytes.  Processor time is that of all processes together, user and system.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from stabkit import RANGE, Explicit, difference, fluxes
from stabkit.stability.falsify.mass import worst_trials

HEAD = "import time\nfrom stabkit import Calculation, claim\n"
CLAIM = '''
@claim("page {0}")
def claim_{0}():
    """{0} < {0} + 1."""
    end = time.thread_time() + {1}
    while time.thread_time() < end: pass
    return Calculation(dict(a={0}), [], ["a < a + 1"], "")
'''
WAYS = {"one process": [], "one worker": ["--limit", "600"], "two workers": ["--workers", "2"],
        "two workers of Dask": ["--workers", "2", "--executor", "dask"],
        "two workers of MPI": ["--executor", "mpi"]}
#: Open MPI starts no processes for root, nor more than there are cores, unless it is told to.
OPEN_MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy":
            ":oversubscribe"}


def missing(way: str) -> bool:
    """Whether this machine lacks what a way needs."""
    return ("Dask" in way and find_spec("distributed") is None) or (
        "MPI" in way and (find_spec("mpi4py") is None or shutil.which("mpiexec") is None))


def program(way: str) -> list[str]:
    """What starts the program; three processes of MPI are one that leads and two that work."""
    if "MPI" in way:
        return ["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures", "-m", "stabkit"]
    return [sys.executable, "-m", "stabkit"]


def children() -> float:
    """The processor time of processes that were started and have ended, in seconds."""
    spent = os.times()
    return spent.children_user + spent.children_system


def decide(folder: Path, way: str) -> tuple[float, bytes]:
    """Processor seconds of one run, and its file of verdicts."""
    target, start = folder / "v.json", children()
    subprocess.run([*program(way), "verify", "--claims", str(folder / "mine.py"), "--json",
                    str(target), *WAYS[way]], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, text=True, env=os.environ | OPEN_MPI)
    return children() - start, target.read_bytes()


def table(claims: int, seconds: float) -> int:
    """Print a row for every way; the number of ways whose bytes are others."""
    wrong, whole = 0, None
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mine.py").write_text(HEAD + "".join(
            CLAIM.format(number, seconds) for number in range(claims)), "utf-8")
        print(f"{claims} claims that work for {seconds:g} s each: processor seconds")
        for way in WAYS:
            if missing(way):
                print(f"  {way:20} not installed")
                continue
            try:
                spent, found = decide(folder, way)
            except subprocess.CalledProcessError as failure:
                said = [line for line in failure.stderr.splitlines() if line.strip("- ")]
                print(f"  {way:20} ended with status {failure.returncode}: {' '.join(said[:1])}")
                wrong += 1
                continue
            whole = found if whole is None else whole
            wrong += found != whole
            print(f"  {way:20} {spent:6.1f}  {'the same' if found == whole else 'OTHER'} bytes",
                  flush=True)
    return wrong


def trials(count: int) -> None:
    """Print the processor time of a trial, and the memory of the process."""
    scheme = Explicit(difference(1, 8), fluxes.rational(), "1/2")
    list(worst_trials(scheme, RANGE, 1000, 7))  # compiles
    start = time.process_time()
    worst = min(margin for margin, _ in worst_trials(scheme, RANGE, count, 7))
    spent = time.process_time() - start
    print(f"{count:g} trials: {spent / count * 1e9:.3g} ns each, smallest margin {worst:g}"
          + memory(), flush=True)


def memory() -> str:
    """The most memory that this process has had, in words; nothing where nobody counts it."""
    try:
        import resource  # which Windows has not
    except ImportError:
        return ""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f", memory at most {most / (1e6 if sys.platform == 'darwin' else 1e3):.0f} MB"


def main() -> int:
    """Measure, print, and end with 1 where bytes differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=0.03, help="that each claim works")
    parser.add_argument("--trials", type=int, nargs="*", default=[10**6, 10**7, 10**8])
    options = parser.parse_args()
    wrong = table(options.claims, options.seconds)
    for count in options.trials:
        trials(count)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
