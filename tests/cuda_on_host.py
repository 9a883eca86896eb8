"""CUDA kernels on the host: compiled by a C++ compiler, run thread by thread (cuda_on_host.h)."""

import ctypes
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pytest

from stabkit import launcher
from stabkit.arithmetic import backend
from stabkit.cache_folder import cache_folder, keeps_files

HEADER = Path(__file__).with_name("cuda_on_host.h")
_folder = TemporaryDirectory(prefix="stabkit-cuda-")


def needs_a_compiler():
    """Skip where there is none."""
    if shutil.which("g++") is None:
        pytest.skip("needs g++ to run the CUDA kernels on the host")


OPTIONS = ("-std=c++17", "-O1", "-ffp-contract=off", "-fPIC", "-w")  # no contraction, as there


@cache
def _compiler():
    """What the libraries depend on beside their source."""
    version = subprocess.run(["g++", "-v"], capture_output=True, text=True, check=True).stderr
    return f"{version}{OPTIONS}{HEADER.read_text('utf-8')}"


@cache
def _header():
    """The header, compiled once for all kernels."""
    copy = Path(_folder.name) / HEADER.name
    copy.write_text(HEADER.read_text("utf-8"), "utf-8")
    subprocess.run(["g++", *OPTIONS, "-x", "c++-header", str(copy)], check=True)
    return copy


@cache
def library(source, names, defines):
    """The source as a shared library, which is kept beside the loops of Numba."""
    macros = (define.removeprefix("-D").replace("=", " ") for define in defines)
    text = "\n".join([*(f"#define {macro}" for macro in macros), source,
                      *(f"LAUNCH({name})" for name in names), ""])
    folder = cache_folder() / "cuda-on-host"
    folder = folder if keeps_files(folder) else Path(_folder.name)
    kept = folder / f"{sha256((_compiler() + text).encode()).hexdigest()[:24]}.so"
    if not kept.exists():
        made = folder / f"{kept.stem}.{uuid4().hex}.so"  # whole or not at all, whoever else writes
        subprocess.run(["g++", *OPTIONS, "-shared", "-include", str(_header()), "-o", str(made),
                        "-x", "c++", "-"], input=text, text=True, check=True)
        made.replace(kept)
    return ctypes.CDLL(str(kept))


def names_of(source):
    return tuple(line.split("__global__ void ")[1].split("(")[0]
                 for line in source.splitlines() if "__global__ void " in line)


class Launches:
    """Stands for `backend.raw_kernel`, for NumPy's arrays and those of array_api_strict."""

    def __init__(self, falling=False):
        self.falling, self.names = falling, []

    def __call__(self, beside, source, name, options):
        defines = tuple(option for option in options if option.startswith("-D"))
        assert set(options) - set(defines) == {"--fmad=false"}
        kernel = getattr(library(source, names_of(source), defines), f"launch_{name}")

        def launch(blocks, threads, arguments, shared):
            assert 1 <= threads <= 1024 and threads % 32 == 0 and 1 <= blocks < 2**31
            assert shared <= 48 * 1024
            self.names.append(name)
            boxes = [box(value) for value in arguments]
            pointers = (ctypes.c_void_p * len(boxes))(*(part.ctypes.data for part in boxes))
            assert kernel(blocks, threads, pointers, int(self.falling)) == 0, \
                "a barrier that only some threads reach"

        return launch


def box(value):
    """One argument in memory: the address of an array, or a number."""
    if isinstance(value, np.generic):
        return np.array([value])
    array = getattr(value, "_array", value)
    assert array.flags.c_contiguous
    return np.array([array.ctypes.data], np.uint64)


class Module:
    """Stands for the module `cupy`: arrays of array_api_strict, events of the host's clock."""

    __version__ = "of the host"

    def __init__(self, launches):
        strict = pytest.importorskip("array_api_strict")
        self.asarray, self.launches = strict.asarray, launches
        self.cuda = SimpleNamespace(
            Event=Event, get_elapsed_time=lambda a, b: 1000 * (b.time - a.time) + 1e-3,
            runtime=SimpleNamespace(
                CUDARuntimeError=RuntimeError, getDeviceCount=lambda: 1,
                memGetInfo=lambda: (2**30, 2**31), getDeviceProperties=lambda _: {"name": b"none"}))

    def get_default_memory_pool(self):
        return SimpleNamespace(total_bytes=lambda: 2**20)

    def RawKernel(self, source, name, *, options, backend):
        assert backend == "nvrtc"
        kernel = self.launches(None, source, name, options)

        def launch(grid, block, arguments, *, shared_mem):
            (blocks,), (threads,) = grid, block
            kernel(blocks, threads, arguments, shared_mem)

        return launch


class Event:
    """Of a device that is as fast as its clock."""

    time = None

    def record(self):
        self.time = time.perf_counter()

    def synchronize(self):
        assert self.time is not None


@contextmanager
def device(monkeypatch, launches):
    """A GPU that is the host: `import cupy` finds it, and arrays made there take its kernels."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cupy", Module(launches))
        patch.setattr(launcher, "raw_kernel", lambda beside, *rest: None if isinstance(
            beside, np.ndarray) else backend._launch(*rest))
        patch.setattr(backend, "_selected", "numpy")
        backend._launch.cache_clear()
        yield
    backend._launch.cache_clear()
