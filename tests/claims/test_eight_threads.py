"""Public functions in eight threads at once, after a fork, and while rooms are first imported."""

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

import stabkit
from stabkit import EUCLIDEAN, RANGE, Explicit, difference, fluxes
from stabkit.audit.npz_file import from_arrays
from stabkit.multigrid import Multigrid, algebraic

LAPLACIAN = scipy.sparse.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(60, 60)).tocsr()


def heat(u, dt):
    return u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1))


def _decided():
    outcome = stabkit.decide(Explicit(difference(1, 4), fluxes.garrote(), "3/5"), EUCLIDEAN,
                             trials=300)
    return str(outcome.status), [item.to_json({}) for item in outcome.evidence]


def _traced():
    return str(stabkit.step_bound(heat, RANGE, shape=6))


def _verified():
    claims = [stabkit.registry(["alt2021"])["alt2021.euclidean_stability_without_sign_condition"]]
    return [verdict.to_json() for verdict in stabkit.verify(
        claims, budget=0.1, on_verdict=lambda verdict: None)]


def _audited():
    graph = from_arrays({"A0": np.array([[0.5, 0.25], [-0.25, 0.5]]), "flux0": np.array("relu")})
    return str(stabkit.audit(graph, budget=60).status)


def _replayed():
    outcome = stabkit.decide(Explicit(difference(1, 3), fluxes.soft(), 1), EUCLIDEAN, trials=300)
    from stabkit.replay import check

    return [check(item.to_json({})) for item in outcome.evidence]


def _enclosed():
    from stabkit.spectra import spectrum

    return str(spectrum(np.array([[0.5, 1.0], [0.0, 0.25]])))


def _solved():
    return Multigrid(algebraic(LAPLACIAN)).solve(np.ones(60)).u.tolist()


def _stepped():
    return Explicit(difference(1, 50), fluxes.rational(), Fraction(1, 4))(
        np.linspace(-1, 1, 50)).tolist()


JOBS = (_decided, _traced, _verified, _audited, _replayed, _enclosed, _solved, _stepped)


def all_of_them():
    return [job() for job in JOBS]


@pytest.mark.slow
def test_eight_threads_find_what_one_finds():
    """Each thread does all eight jobs, each in another order: the answers are those of one."""
    alone, start = all_of_them(), threading.Barrier(8)

    def work(first):
        start.wait()
        order = [*range(first, 8), *range(first)]
        found = {number: JOBS[number]() for number in order}
        return [found[number] for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [alone] * 8


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_finds_what_its_parent_finds():
    """After the parent has used all of it; what is compiled, cached and locked is inherited."""
    alone = all_of_them()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(all_of_them).get(timeout=120) == alone


@pytest.mark.slow
def test_rooms_are_imported_by_eight_threads_at_once():
    """In a new interpreter, where nothing is imported before: no deadlock, no half a module."""
    code = """
import threading
from concurrent.futures import ThreadPoolExecutor
import stabkit
start = threading.Barrier(8)
def first(name):
    start.wait()
    part = stabkit
    for step in name.split("."):
        part = getattr(part, step)
    return str(part) is not None
names = ["decide", "audit", "verify", "multigrid.Multigrid", "spectra.spectrum", "prove",
         "replay", "step_bound"]
for _ in range(2):
    with ThreadPoolExecutor(8) as pool:
        print(all(pool.map(first, names)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "True\nTrue\n"), done.stderr


@pytest.mark.slow
def test_neither_hashes_nor_threads_nor_workers_change_a_byte(tmp_path):
    """The verdict file of two claims, with other seeds of Python's hashes, threads and workers."""
    names = ["alt2021.euclidean_stability_without_sign_condition",
             "alt2020.sign_stability_of_blocks"]
    files = set()
    for hashes, threads, workers in (("0", "1", "1"), ("1", "2", "1"), ("7", "1", "2")):
        target = tmp_path / f"{hashes}.json"
        subprocess.run(
            [sys.executable, "-m", "stabkit", "verify", *names, "--budget", "0.1", "--json", target,
             "--workers", workers], check=True, capture_output=True, timeout=300,
            env={**os.environ, "PYTHONHASHSEED": hashes, "STABKIT_THREADS": threads})
        files.add(target.read_bytes())
    assert len(files) == 1
