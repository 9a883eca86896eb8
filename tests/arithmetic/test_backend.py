"""The arrays decide: whose library it is, where arrays are made, and what fits into memory."""

import subprocess
import sys

import numpy as np
import pytest
from array_libraries import agree

from stabkit import difference, fluxes
from stabkit.arithmetic import backend
from stabkit.errors import InvalidArgument
from stabkit.learning import ResidualNetwork
from stabkit.multigrid import Multigrid, geometric, poisson
from stabkit.schemes import Explicit
from stabkit.stability.falsify.search import search
from stabkit.stability.notions import EUCLIDEAN


# -- whose library ---------------------------------------------------------------------------------
def test_the_arrays_decide(xp):
    """Numbers and lists have no say; of no array at all it is NumPy's."""
    u = xp.array(np.ones(3))
    assert backend.namespace(1, u, [2.0], None) is xp.module
    assert backend.is_foreign(u) is (xp.module is not np)
    assert backend.namespace(1, "text") is np


def test_mixed_libraries_are_refused():
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(InvalidArgument, match="numpy and array_api_strict are mixed"):
        backend.namespace(np.ones(2), strict.ones(2))


def test_there_and_back(xp):
    """Numbers of the host beside an array take its library and type, and come back unchanged."""
    for dtype in (np.float32, np.float64):
        made = backend.like([1, 2, 3], xp.array(np.zeros(2, dtype)))
        agree(xp.host(made), np.array([1, 2, 3], dtype), exactly=True)


# -- births ----------------------------------------------------------------------------------------
@pytest.fixture
def selection():
    """Whatever a test selects is undone."""
    before = backend.selected_backend()
    yield
    backend._selected = before


def test_arrays_are_selected_numpy(selection):
    backend.select_backend("numpy")
    assert isinstance(backend.from_host([1.0, 2.0]), np.ndarray)
    with pytest.raises(InvalidArgument, match="backend: must be numpy or cupy, got 'torch'"):
        backend.select_backend("torch")


class NoDevice(RuntimeError):
    """Like CuPy's error where there is no driver."""


class Runtime:
    CUDARuntimeError = NoDevice

    @staticmethod
    def getDeviceCount():
        raise NoDevice("cudaErrorInsufficientDriver")


class Fake:
    """CuPy on a machine without a GPU, and where `runtime` counts devices, with one."""

    __version__ = "13.0.0"

    class cuda:
        runtime = Runtime


def test_without_cupy_or_without_a_gpu_it_says_what_to_do(monkeypatch, selection):
    monkeypatch.setattr(backend, "_cupy", lambda: Fake)
    with pytest.raises(InvalidArgument, match=r"finds no GPU \(cudaError.*nvidia-smi"):
        backend.select_backend("cupy")

    def missing():
        raise ModuleNotFoundError("No module named 'cupy'", name="cupy")

    monkeypatch.setattr(backend, "_cupy", missing)
    with pytest.raises(InvalidArgument,
                       match=r"is not installed; .* -m pip install .*(\[gpu\]|cupy)"):
        backend.select_backend("cupy")

    def broken():
        raise ImportError("libcudart.so.12: cannot open shared object file")

    monkeypatch.setattr(backend, "_cupy", broken)
    with pytest.raises(InvalidArgument, match=r"does not load \(libcudart"):
        backend.select_backend("cupy")
    assert backend.selected_backend() == "numpy"


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "stabkit", *arguments], capture_output=True,
                          text=True)


@pytest.mark.slow
def test_on_the_command_line():
    """Exit status 2, one line and nothing decided; `doctor` says what is missing, or why not."""
    usable, state = backend._cupy_state()
    if usable:
        pytest.skip("a GPU is here")
    done = run("verify", "alt2021.energy_decay", "--backend", "cupy")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.strip().endswith(state) and len(done.stderr.strip().splitlines()) == 1
    line, = [line for line in run("doctor").stdout.splitlines() if "search on a GPU" in line]
    assert "missing [gpu]" in line or state in line


# -- memory ----------------------------------------------------------------------------------------
class Small:
    """A step of a device that holds `rows` signals at a time."""

    def __init__(self, rows):
        self.rows, self.seen = rows, []

    def __call__(self, u):
        count = int(np.prod(u.shape[:-1]))
        if count > self.rows:
            raise MemoryError
        self.seen.append(count)
        return u + 1


@pytest.mark.parametrize("shape", [(8, 3), (7, 3), (2, 5, 3), (1, 3), (3,), (0, 3)], ids=str)
@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_a_batch_that_does_not_fit_is_cut(xp, shape, rows):
    """Halved until a part fits; every signal is stepped once and in its place."""
    u = np.arange(float(np.prod(shape))).reshape(shape)
    step = Small(rows)
    agree(xp.host(backend.in_parts(step, xp.array(u))), u + 1, exactly=True)
    assert sum(step.seen) == int(np.prod(shape[:-1])) and max(step.seen) <= rows


def test_a_signal_that_does_not_fit_is_refused(xp):
    with pytest.raises(InvalidArgument, match="not even one signal of 4 samples fits"):
        backend.in_parts(Small(0), xp.array(np.ones((5, 4))))


class Pool:
    @staticmethod
    def free_bytes():
        return 0


class Card:
    """A namespace of 2400 free bytes that is called cupy and computes with NumPy."""

    __name__ = "cupy"
    concat, reshape = staticmethod(np.concatenate), staticmethod(np.reshape)

    class cuda:
        class runtime:
            @staticmethod
            def memGetInfo():
                return 2400, 10**6

    @staticmethod
    def get_default_memory_pool():
        return Pool


def test_parts_follow_the_free_memory_of_the_card(monkeypatch):
    """2400 bytes hold two signals of 12 samples' worth of temporaries: parts of 2, 2 and 1."""
    monkeypatch.setattr(backend, "namespace", lambda *arrays: Card())
    step, samples = Small(100), 2400 // (2 * backend._TEMPORARIES * 8)
    u = np.arange(5.0 * samples).reshape(5, samples)
    assert (backend.in_parts(step, u) == u + 1).all()
    assert step.seen == [2, 2, 1]


def test_schemes_step_in_parts(monkeypatch):
    """A scheme meets a full device only with arrays of another library, and cuts the batch."""
    strict = pytest.importorskip("array_api_strict")
    scheme = Explicit(difference(1, 4), fluxes.soft(), "1/4")
    whole, definition, seen = np.random.default_rng(1).standard_normal((6, 4)), Explicit.step, []

    def step(self, u):
        if u.shape[0] > 2:
            raise MemoryError
        seen.append(u.shape[0])
        return definition(self, u)

    expected = scheme(whole)
    monkeypatch.setattr(Explicit, "step", step)
    assert (backend.to_host(scheme(strict.asarray(whole))) == expected).all()
    assert seen == [1] * 6  # halves of six are three, too many still; then one


class OutOfMemory(MemoryError):
    """Like CuPy's OutOfMemoryError, a MemoryError too."""


def full(*arguments):
    raise OutOfMemory("Out of memory allocating 2,048 bytes")


def test_a_network_too_large_for_the_card_offers_a_smaller_batch(monkeypatch):
    """Off the host it says how many samples to take; on the host the error is Python's."""
    strict = pytest.importorskip("array_api_strict")
    network = ResidualNetwork(channels=2)
    theta, start = network.initial(seed=0), np.zeros((6, 2, 4, 4))
    monkeypatch.setattr("stabkit.learning.network.correlate", full)
    message = (r"start: the work on an array of shape \(6, 2, 4, 4\) does not fit .*Out of memory "
               r"allocating 2,048 bytes\); take at most 3 of its 6 samples at a time")
    with pytest.raises(InvalidArgument, match=message):
        network(theta, strict.asarray(start))
    with pytest.raises(InvalidArgument, match="take a smaller grid"):
        network(theta, strict.asarray(start[:1]))
    with pytest.raises(OutOfMemory):
        network(theta, start)


def test_a_grid_too_large_for_the_card_is_refused(monkeypatch):
    strict = pytest.importorskip("array_api_strict")
    solver = Multigrid(geometric(poisson((15, 15))))
    monkeypatch.setattr(solver, "step", full)
    with pytest.raises(InvalidArgument, match=r"b: .*; take a smaller grid, or arrays of numpy"):
        solver.solve(strict.ones((15, 15)))


@pytest.mark.slow
def test_a_search_on_a_full_card_goes_on_in_halves(monkeypatch):
    """The same witness from 8 signals at a time as from all at once; none at all is refused."""
    scheme = Explicit(difference(1, 4), fluxes.identity(), "7/10")
    expected, whole = search(scheme, EUCLIDEAN, trials=300, seed=3), Explicit.step

    def small(rows):
        def step(self, u):
            if u.dtype == float and u.ndim > 1 and u.shape[0] > rows:
                raise OutOfMemory
            return whole(self, u)
        return step

    monkeypatch.setattr(Explicit, "step", small(8))
    found = search(scheme, EUCLIDEAN, trials=300, seed=3)
    assert [part.tolist() for part in found.witness] == [p.tolist() for p in expected.witness]
    assert found.trials == expected.trials
    monkeypatch.setattr(Explicit, "step", small(0))
    with pytest.raises(InvalidArgument, match="a signal of 4 samples does not fit"):
        search(scheme, EUCLIDEAN, trials=300, seed=3)
