"""Executors by name: where the work of ``verify`` runs if not in processes of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from stabkit.aliases import Function
from stabkit.errors import InvalidArgument, WorkerDied
from stabkit.installation import install

_EXTRAS = {"distributed": "dask", "mpi4py": "mpi"}


@contextmanager
def executor(name: str) -> Iterator[Executor]:
    """Open the executor `name`, and close it in the end.

    Parameters
    ----------
    name : str
        ``dask`` (a cluster of processes on this machine), ``dask://HOST:PORT`` (a running
        scheduler) or ``mpi`` (`mpi4py.futures`).
    """
    kind, separator, address = name.partition("://")
    if kind == "dask" and bool(separator) == bool(address):
        distributed = _import_package("distributed")
        try:
            client = distributed.Client(f"tcp://{address}" if address else None)
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"executor: cannot reach {name}: {error}") from error
        with client:
            yield _Surviving(client.get_executor(), distributed.KilledWorker)
    elif name == "mpi":
        with _import_package("mpi4py.futures").MPIPoolExecutor() as pool:
            yield pool
    else:
        raise InvalidArgument(f"executor: {name!r} is unknown; use dask, dask://HOST:PORT or mpi")


class _Surviving(Executor):
    """An executor of Dask; of a task that its workers do not survive it says so as `Workers` does.

    Dask itself gives what a worker that died was at to another one, a few times.
    """

    def __init__(self, inner: Executor, killed: type[Exception]):
        self._inner, self._killed = inner, killed

    def submit(self, task: Function, /, *given: Any, **named: Any) -> Future:
        told: Future = Future()

        def pass_on(running: Future) -> None:
            error = None if running.cancelled() else running.exception()
            if running.cancelled():
                told.cancel()
            elif isinstance(error, self._killed):
                told.set_exception(WorkerDied("the worker died, each time that it was tried"))
            elif error is not None:
                told.set_exception(error)
            else:
                told.set_result(running.result())

        self._inner.submit(task, *given, **named).add_done_callback(pass_on)
        return told


def _import_package(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise InvalidArgument(
            f"executor: the package {package} is missing; {install(_EXTRAS[package])}") from error
