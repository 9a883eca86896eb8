"""Local worker processes that may die: what one of them worked on is tried once more."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from multiprocessing import parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext
from threading import Thread
from typing import Any

from pebble import ProcessExpired, ProcessPool

from stabkit.aliases import Function
from stabkit.errors import WorkerDied
from stabkit.user_files import no_sudden_exit

_TRIES = 2
_FOR_GOOD = ExitStack()  # of a worker


class _KeptLocks(SpawnContext):
    """Its locks last as it does: a pool drops them before it stops a process that starts."""

    def __init__(self) -> None:
        super().__init__()
        self._locks: list[Any] = []

    def RLock(self) -> Any:
        self._locks.append(super().RLock())
        return self._locks[-1]


class Workers(Executor):
    """A number of processes; one that is killed is replaced, and the others do not feel it.

    No process outlives the one that made it, however that one ends.

    Parameters
    ----------
    count : int
    limit : float, optional
        Seconds that one task may take; then its process is stopped, and the task is not tried
        again.
    """

    def __init__(self, count: int, limit: float | None = None):
        self._limit = limit
        self._context = _KeptLocks()
        self._pool = ProcessPool(count, initializer=_begin, context=self._context)

    def submit(self, task: Function, /, *given: Any, **named: Any) -> Future:
        told: Future = Future()
        self._try(told, task, given, named, _TRIES)
        return told

    def _try(self, told: Future, task: Function, given: Any, named: Any,
             left: int) -> None:
        def pass_on(running: Future) -> None:
            if running.cancelled():
                told.cancel()
                return
            error = running.exception()
            if error is None:
                told.set_result(running.result())
            elif isinstance(error, TimeoutError):
                told.set_exception(WorkerDied(
                    f"stopped after {self._limit:g} s, the limit for one claim"))
            elif not isinstance(error, ProcessExpired):
                told.set_exception(error)
            elif left > 1:
                self._try(told, task, given, named, left - 1)
            else:
                told.set_exception(WorkerDied(
                    f"the worker died, {_TRIES} times ({_cause(error)})"))

        self._pool.schedule(task, given, named, timeout=self._limit).add_done_callback(pass_on)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures and not wait:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()


def _cause(error: ProcessExpired) -> str:
    code = error.exitcode
    if code is None or code >= 0:
        return f"exit status {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return name + (": out of memory?" if name == "SIGKILL" else "")


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is interrupted stops its workers
    Thread(target=_end_with_parent, args=(os._exit,), daemon=True).start()
    _FOR_GOOD.enter_context(no_sudden_exit())  # a task of a worker that ends well is waited for


def _end_with_parent(end: Function) -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        end(1)
