"""Verify claims: hand them out, here or to workers, and gather one verdict per claim.

What decides is imported where it decides: whoever hands claims to workers needs none of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import chdir
from contextvars import Context
from functools import lru_cache, partial
from pathlib import Path
from threading import local
from time import monotonic
from typing import Any

import numpy as np

from stabkit.arithmetic.backend import select_backend, selected_backend
from stabkit.arithmetic.rational import integer
from stabkit.claims.claim import Claim, all_different, load_claims, registry
from stabkit.errors import (
    ClaimsFailed,
    InvalidArgument,
    StabkitError,
    TimeOver,
    WorkerDied,
    in_words,
)
from stabkit.progress import progress
from stabkit.stability.verdict import Verdict
from stabkit.time_limit import LONGEST
from stabkit.user_files import line_of

_TRIALS_PER_SECOND = 100_000
_HERE = local()


def verify(claims: Sequence[Claim], *, budget: float = 60.0, seed: int = 0, workers: int = 1,
           executor: Executor | None = None, signals: Sequence[np.ndarray] = (),
           known: Iterable[Verdict] = (), limit: float | None = None, within: float | None = None,
           on_verdict: Callable[[Verdict], None] | None = None) -> list[Verdict]:
    """Decide claims.

    Parameters
    ----------
    claims : sequence of Claim
    budget : float
        How much random search to do, in seconds of a nominal machine.  It is turned into a number
        of trials beforehand, so that verdicts do not depend on the speed of this one.
    seed : int
        Seed of every random draw.
    workers : int
        Number of local processes; 1 works in this one.
    executor : concurrent.futures.Executor, optional
        Where to run instead.
    signals : sequence of ndarray
        Recorded signals whose windows are tried first.
    known : iterable of Verdict
        Verdicts of an earlier run with the same claims and options that was cut: these claims are
        not decided again.
    limit : float, optional
        Seconds that one claim may take on a local process, which is stopped then: the claim stays
        undecided.  Unlike `budget` it makes verdicts depend on the speed of the machine.
    within : float, optional
        Seconds for all claims together, on local processes.
    on_verdict : callable, optional
        Called with each verdict as it arrives; by default a bar shows them, on a terminal and in
        a notebook.

    Returns
    -------
    list of Verdict
        In the order of `claims`, the same for any number of workers.

    Raises
    ------
    ClaimsFailed
        At the end, if the code of some claims fails; it holds the verdicts of the others.
    TimeOver
        When the seconds of `within` are over before all is decided; it holds what is.
    """
    if not 0 < budget <= LONGEST:
        raise InvalidArgument(f"budget: must be a positive number of seconds, got {budget}")
    for name, seconds in (("limit", limit), ("within", within)):
        if seconds is not None and not 0 < seconds <= LONGEST:
            raise InvalidArgument(f"{name}: must be a positive number of seconds, got {seconds}")
        if seconds is not None and executor is not None:
            raise InvalidArgument(f"{name}: holds for local processes; leave it out beside an "
                                  "executor")
    if workers < 1:
        raise InvalidArgument(f"workers: must be at least 1, got {workers}")
    integer(seed, "seed")
    until = None if within is None else monotonic() + within
    claims = all_different(claims)
    if on_verdict is None:
        with progress(len(claims)) as advance:
            return verify(claims, budget=budget, seed=seed, workers=workers, executor=executor,
                          signals=signals, known=known, limit=limit, within=within,
                          on_verdict=lambda verdict: advance(verdict.claim))
    trials = max(256, int(budget * _TRIALS_PER_SECOND / max(len(claims), 1)))
    stops = limit is not None or within is not None  # what is stopped is a process of its own
    runner = executor or _local(workers, limit, stops)
    remote = executor is not None or workers > 1 or stops
    names = {entry.name for entry in claims}
    verdicts = {verdict.claim: verdict for verdict in known if verdict.claim in names}
    failures: dict[str, str] = {}
    try:
        tasks = {}
        for entry in claims:
            if entry.name in verdicts:
                on_verdict(verdicts[entry.name])
                continue
            tasks[runner.submit(_task(entry, remote), trials, seed, tuple(signals))] = entry
        left = None if until is None else max(until - monotonic(), 0)
        for done in as_completed(tasks, left):
            name, error = tasks[done].name, done.exception()
            if isinstance(error, WorkerDied):
                from stabkit.claims.settle import open_verdict

                verdicts[name] = open_verdict(tasks[done], str(error))
                on_verdict(verdicts[name])
                continue
            if error is not None:
                failures[name] = _note_on_failure(tasks[done], error)
                continue
            verdicts[name] = done.result()
            on_verdict(verdicts[name])
    except TimeoutError:
        raise TimeOver(f"{within:g} s are over; {len(verdicts)} of {len(claims)} claims were "
                       "decided", tuple(verdicts.values())) from None
    finally:
        if executor is None:
            # after an error or an interrupt nobody waits for what is still running
            runner.shutdown(wait=len(verdicts) + len(failures) == len(claims),
                            cancel_futures=True)
    ordered = [verdicts[entry.name] for entry in claims if entry.name in verdicts]
    if failures:
        raise ClaimsFailed(tuple(failures[entry.name] for entry in claims
                                 if entry.name in failures), tuple(ordered))
    return ordered


def _local(workers: int, limit: float | None, stops: bool) -> Executor:
    if workers == 1 and not stops:
        return ThreadPoolExecutor(1)
    from stabkit.claims.workers import Workers  # slow to import, and most runs need none

    return Workers(workers, limit)


def _task(entry: Claim, remote: bool) -> Callable[..., Verdict]:
    if remote:
        return partial(_by_name, entry.name, _file_of(entry), selected_backend())
    from stabkit.claims.settle import settle

    return partial(_apart, settle, entry)


def _apart(settle: Callable[..., Verdict], *given: Any) -> Verdict:
    """What a claim sets for numbers, and the folder that it goes to, are so for it alone."""
    with chdir("."):
        return Context().run(settle, *given)


def _file_of(entry: Claim) -> str | None:
    return None if entry.body.__module__.startswith("stabkit.") else \
        entry.body.__code__.co_filename


def _by_name(name: str, path: str | None, backend: str, *rest: Any) -> Verdict:
    from stabkit.claims.settle import settle

    select_backend(backend)
    if path is None:
        return settle(registry([name.partition(".")[0]])[name], *rest)
    written = os.stat(path)
    entry = _load(path, written.st_mtime_ns, written.st_size)[name]
    done = _own_thread().submit(_apart, settle, entry, *rest)
    error = done.exception()
    if error is not None:  # told here, as what travels has no places, and not all can travel
        raise ClaimsFailed((_note_on_failure(entry, error),))
    return done.result()


def _own_thread() -> Executor:
    """Where a thread of a worker runs the code of claims; a new thread for each takes longer."""
    if getattr(_HERE, "process", None) != os.getpid():  # after a fork there is none
        _HERE.process, _HERE.thread = os.getpid(), ThreadPoolExecutor(1)
    return _HERE.thread


@lru_cache(1)
def _load(path: str, *written: int) -> dict[str, Claim]:
    """The claims of a file, which a worker executes once, and again if it was written anew."""
    return {entry.name: entry for entry in load_claims(path)}


def _note_on_failure(entry: Claim, error: BaseException) -> str:
    """The line about a claim whose code raises: its name, the error, and its place."""
    if isinstance(error, ClaimsFailed):
        return error.failures[0]
    own = _file_of(entry)
    text = str(error) if isinstance(error, StabkitError) else in_words(error)
    if own is None:
        return f"claim {entry.name}: {text}"
    line = line_of(error, Path(own)) or entry.body.__code__.co_firstlineno
    return f"claim {entry.name}: {text} ({own}, line {line})"
