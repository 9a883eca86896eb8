"""Verdicts do not depend on where, or in how many pieces, the work is done."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

from stabkit import Explicit, difference, fluxes, load_claims, registry, verify
from stabkit.claims.executor import executor
from stabkit.codes import FluxCode, NotionCode, SchemeCode
from stabkit.kernels import search as compiled
from stabkit.kernels.draws import draw_pair
from stabkit.schemes.threads import VARIABLE
from stabkit.schemes.twins import csr_form
from stabkit.stability import notions
from stabkit.stability.falsify import mass

NAMES = ("alt2021.euclidean_stability_without_sign_condition", "alt2021.fsi_formula",
         "alt2021.fsi_cycle_is_sign_stable_linear", "alt2020.range_stability_of_blocks",
         "alt2020.sign_stability_with_periodic_boundary")


def verdicts(**options):
    """The verdicts of a few claims, as they would be written down."""
    claims = [registry([name.partition(".")[0]])[name] for name in NAMES]
    return [verdict.to_json() for verdict in verify(claims, budget=1, seed=3, **options)]


@pytest.mark.slow
def test_two_processes_and_a_pool_give_the_verdicts_of_one():
    """The same seed gives the same witnesses on one worker, on two processes, on a thread pool."""
    alone = verdicts()
    assert verdicts(workers=2) == alone
    with ThreadPoolExecutor(1) as pool:
        assert verdicts(executor=pool) == alone


@pytest.mark.slow
def test_a_dask_cluster_of_processes_gives_the_verdicts_of_one():
    """The same on a Dask LocalCluster of two real processes."""
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is an extra")
    alone = verdicts()
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True,
                                  dashboard_address=None) as cluster:
        address = cluster.scheduler_address.removeprefix("tcp://")
        with executor(f"dask://{address}") as pool:
            assert verdicts(executor=pool) == alone


CLAIMS = """
import os, signal, time
from stabkit import Calculation, claim
"""
CLAIM = """
@claim("page {0}")
def claim_{0}():
    '''{0} < {0} + 1.'''
    {1}
    return Calculation(dict(a={0}), [], ["a < a + 1"], "")
"""


def written(path, *bodies):
    path.write_text(CLAIMS + "".join(CLAIM.format(k, body) for k, body in enumerate(bodies)),
                    "utf-8")
    return load_claims(path)


@pytest.mark.slow
def test_a_killed_worker_of_dask_costs_no_verdict(tmp_path):
    """One of two is killed at work: its claim is decided by the other, all as on one worker.

    A claim that kills whoever works on it is undecided, and the others are decided.
    """
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is an extra")
    mark = tmp_path / "pid"
    note = (f"if not os.path.exists({str(mark)!r}): "
            f"open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    claims = written(tmp_path / "mine.py", *["time.sleep(0.1)"] * 3, note)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True,
                                  dashboard_address=None) as cluster:
        address = cluster.scheduler_address.removeprefix("tcp://")
        with executor(f"dask://{address}") as pool, ThreadPoolExecutor(1) as beside:
            running = beside.submit(verify, claims, executor=pool, on_verdict=lambda _: None)
            while not mark.exists() or not mark.read_text():
                assert not running.done()
                time.sleep(0.05)
            os.kill(int(mark.read_text()), signal.SIGKILL)
            found = [verdict.to_json() for verdict in running.result(timeout=120)]
            assert found == [verdict.to_json() for verdict in verify(claims)]
            claims = written(tmp_path / "deadly.py", "", "os.kill(os.getpid(), signal.SIGKILL)")
            found = verify(claims, executor=pool)
    assert [str(verdict.status) for verdict in found] == ["proved", "undecided"]
    assert found[1].reason == "the worker died, each time that it was tried"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mpiexec") is None or find_spec("mpi4py") is None,
                    reason="needs mpiexec and the extra mpi")
def test_processes_of_mpi_give_the_file_of_one(tmp_path):
    """Three of them, and the same bytes."""
    written(tmp_path / "mine.py", *["time.sleep(0.1)"] * 6)
    verify_them = ["-m", "stabkit", "verify", "--claims", str(tmp_path / "mine.py"), "--json"]
    subprocess.run([sys.executable, *verify_them, str(tmp_path / "one.json")], check=True,
                   capture_output=True)
    subprocess.run(
        ["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures",
         *verify_them, str(tmp_path / "three.json"), "--executor", "mpi"], check=True,
        capture_output=True, timeout=300, env={
            **os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            # three on fewer cores, as Open MPI 4 and 5 have it; others need no word
            "OMPI_MCA_rmaps_base_oversubscribe": "1",
            "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"})
    assert (tmp_path / "three.json").read_bytes() == (tmp_path / "one.json").read_bytes()


@pytest.mark.slow
def test_chunks_and_threads_do_not_change_the_worst_trial():
    """The worst of 3000 trials is the worst of its chunks, on one thread or on two."""
    K = csr_form(difference(1, 8), np.dtype(float))
    call = (FluxCode.RATIONAL, SchemeCode.EXPLICIT, 8, 1, 0.6, K, (1.0, 0.0), NotionCode.RANGE, 5)
    whole = compiled.worst_of(*call, (0, 3000))
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda first: compiled.worst_of(*call, (first, 500)),
                              range(0, 3000, 500)))
    assert min(parts) == whole
    u, _ = draw_pair(5, whole[1], 8)
    f = u[1:] - u[:-1]
    f = f / (1 + f * f)
    v = u.copy()
    v[:-1] += 0.6 * f
    v[1:] -= 0.6 * f
    margin = min(v.min() - u.min(), u.max() - v.max()) / (u.max() - u.min())
    assert abs(margin - whole[0]) < 1e-14


@pytest.mark.slow
def test_threads_change_no_trial(monkeypatch):
    """The worst of every chunk, in order, on one thread and on three; and when nobody asks on."""
    scheme = Explicit(difference(1, 8), fluxes.rational(), "3/5")
    monkeypatch.setattr(mass, "_CHUNK", 512)
    found = []
    for count in ("1", "3"):
        monkeypatch.setenv(VARIABLE, count)
        found.append([(margin, u.tolist()) for margin, (u,) in
                      mass.worst_trials(scheme, notions.RANGE, 5000, 7)])
        assert next(mass.worst_trials(scheme, notions.RANGE, 10**6, 7))[0] == found[0][0][0]
    assert found[0] == found[1] and len(found[0]) == 10


STAND_IN = '''
"""A GPU's library that computes with array-api-strict, and leaves the number of each process."""
import os
from pathlib import Path

import array_api_strict

__version__ = "0"


def asarray(values):
    (Path(__file__).parent / f"born.{os.getpid()}").touch()
    return array_api_strict.asarray(values)


class cuda:
    class runtime:
        CUDARuntimeError = RuntimeError
        getDeviceCount = staticmethod(lambda: 1)
        memGetInfo = staticmethod(lambda: (2**30, 2**30))
        getDeviceProperties = staticmethod(lambda number: {"name": b"none"})
'''


@pytest.mark.slow
def test_a_backend_reaches_the_workers_and_changes_no_verdict(tmp_path):
    """Born in another library, in two processes: the file of verdicts is that of one in NumPy."""
    pytest.importorskip("array_api_strict", reason="needs array-api-strict: the extra test")
    (tmp_path / "cupy").mkdir()
    (tmp_path / "cupy/__init__.py").write_text(STAND_IN)
    names = [name for name in NAMES if name.startswith("alt2020")]
    files = []
    for number, options in enumerate([[], ["--backend", "cupy", "--workers", "2"]]):
        files.append(tmp_path / f"{number}.json")
        done = subprocess.run(
            [sys.executable, "-m", "stabkit", "verify", *names, "--budget", "0.01", "--seed", "3",
             "--json", files[-1], *options], capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])})
        assert done.returncode == 0, done.stderr
    alone, two = (json.loads(file.read_text())["verdicts"] for file in files)
    assert two == alone and len(two) == len(names)
    assert len(list((tmp_path / "cupy").glob("born.*"))) >= 1
