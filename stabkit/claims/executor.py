"""Executors by name: where the work of ``verify`` runs if not in processes of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from stabkit.errors import InvalidArgument
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
        distributed = _imported("distributed")
        try:
            client = distributed.Client(f"tcp://{address}" if address else None)
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"executor: cannot reach {name}: {error}") from error
        with client:
            yield client.get_executor()
    elif name == "mpi":
        with _imported("mpi4py.futures").MPIPoolExecutor() as pool:
            yield pool
    else:
        raise InvalidArgument(f"executor: {name!r} is unknown; use dask, dask://HOST:PORT or mpi")


def _imported(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise InvalidArgument(
            f"executor: the package {package} is missing; {install(_EXTRAS[package])}") from error
