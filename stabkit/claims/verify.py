"""Verify claims: decide every configuration, gather one verdict per claim."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from stabkit.aliases import Record
from stabkit.arithmetic.backend import select_backend, selected_backend
from stabkit.arithmetic.enclosure import USUAL, precision
from stabkit.arithmetic.rational import fraction, integer
from stabkit.claims.bounds import Bounds, as_text, seed_of
from stabkit.claims.claim import Claim, Draw, all_different, load_claims, registry
from stabkit.claims.obligations import examples, shown_for_all
from stabkit.errors import (
    ClaimsFailed,
    Contradiction,
    HypothesisNotMet,
    InvalidArgument,
    StabkitError,
    TimeOver,
    Undecided,
    WorkerDied,
    in_words,
)
from stabkit.progress import progress
from stabkit.replay import seal
from stabkit.stability.decide import decide
from stabkit.stability.property import AllOf, Not, Property, Stable
from stabkit.stability.verdict import (
    INAPPLICABLE,
    PROVED,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Outcome,
    Status,
    Verdict,
    worst,
)
from stabkit.time_limit import LONGEST
from stabkit.user_files import line_of

_TRIALS_PER_SECOND = 100_000


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
            task: Callable[..., Verdict] = partial(
                _by_name, entry.name, _file_of(entry), selected_backend()
            ) if remote else partial(settle, entry)
            tasks[runner.submit(task, trials, seed, tuple(signals))] = entry
        left = None if until is None else max(until - monotonic(), 0)
        for done in as_completed(tasks, left):
            name, error = tasks[done].name, done.exception()
            if isinstance(error, WorkerDied):
                verdicts[name] = _verdict(tasks[done], UNDECIDED, [], None, {}, reason=str(error))
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


def _file_of(entry: Claim) -> str | None:
    return None if entry.body.__module__.startswith("stabkit.") else \
        entry.body.__code__.co_filename


def _by_name(name: str, path: str | None, backend: str, *rest: Any) -> Verdict:
    select_backend(backend)
    if path is None:
        return settle(registry([name.partition(".")[0]])[name], *rest)
    written = os.stat(path)
    entry = _load(path, written.st_mtime_ns, written.st_size)[name]
    with ThreadPoolExecutor(1) as one:
        done = one.submit(settle, entry, *rest)
    error = done.exception()
    if error is not None:  # told here, as what travels has no places, and not all can travel
        raise ClaimsFailed((_note_on_failure(entry, error),))
    return done.result()


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


def settle(entry: Claim, trials: int, seed: int, signals: Sequence[np.ndarray] = ()) -> Verdict:
    """Decide one claim on all its configurations."""
    listed = list(entry.configurations(seed))
    if not listed:
        raise InvalidArgument(f"claim {entry.name}: its hypotheses hold in no configuration")
    for_all = shown_for_all(entry, listed) if entry.for_all else ()
    # Beside a proof, trials only guard against a slip in what is stated.
    share = 128 if for_all else max(128, trials // len(listed))
    outcomes: list[tuple[Record, Outcome]] = []
    decisive = PROVED if entry.some else REFUTED
    for number, configuration in enumerate(listed):
        one = _decide_configuration(entry, configuration, share, seed_of(seed, entry.name, number),
                                    signals)
        if for_all and one.status in (SUPPORTED, UNDECIDED):
            one = _decide_examples(entry, configuration, share, seed)
        outcomes.append((configuration, one))
        if outcomes[-1][1].status is decisive:
            break
    status = _gather([outcome.status for _, outcome in outcomes], decisive)
    reasons = [outcome.reason for _, outcome in outcomes if outcome.status is UNDECIDED]
    if entry.some and status is REFUTED and any(
            isinstance(values, Draw) for values in entry.within.values()):
        status, reasons = UNDECIDED, ["none that was drawn is an example; of others nothing is "
                                      "known"]
    if for_all and status is REFUTED and _decide_examples(
            entry, outcomes[-1][0], share, seed).status is not REFUTED:
        raise Contradiction(f"claim {entry.name}: it is proved for all and refuted where "
                            f"{outcomes[-1][0]}; one of the two is wrong, so is stabkit")
    bounds = Bounds(entry, share, seed)
    sharp = bounds.are_sharp() if status is PROVED and entry.beyond else None
    tightness = bounds.tightness(status, [configuration for configuration, _ in outcomes],
                                 sharp)
    reason = reasons[0] if status is UNDECIDED and reasons else ""
    return _verdict(entry, status, outcomes, sharp, tightness, for_all, reason)


def _decide_configuration(entry: Claim, configuration: Record, trials: int, seed: int,
                          signals: Sequence[np.ndarray] = ()) -> Outcome:
    """The outcome in one configuration; the claim's body may find its hypotheses not met."""
    try:
        with precision(USUAL):  # whatever another thread works with
            what = entry(**configuration)
    except HypothesisNotMet as reason:
        return Outcome(INAPPLICABLE, reason=str(reason))
    except Undecided as reason:
        return Outcome(UNDECIDED, reason=str(reason))
    return decide(what, trials=trials, seed=seed, signals=windows(signals, what))


def _decide_examples(entry: Claim, configuration: Record, trials: int, seed: int) -> Outcome:
    """Where a proof for all covers a configuration, only its examples are left to decide."""
    left = examples(entry(**configuration))
    return decide(AllOf(left), trials=trials, seed=seed) if left else Outcome(PROVED)


def _gather(statuses: Sequence[Status], decisive: Status) -> Status:
    """One status for all configurations: the weakest, unless one is decisive."""
    if decisive in statuses:
        return decisive
    applicable = [status for status in statuses if status is not INAPPLICABLE]
    if not applicable:
        return INAPPLICABLE
    if decisive is REFUTED:
        return worst(applicable)
    return REFUTED if set(applicable) == {REFUTED} else UNDECIDED


def windows(signals: Sequence[np.ndarray], what: Property) -> np.ndarray | None:
    """Windows of the recorded signals, as long as the scheme of a property needs them."""
    what = what.what if isinstance(what, Not) else what
    if not signals or not isinstance(what, Stable):
        return None
    size, cut = what.scheme.size, []
    for recorded in signals:
        starts = np.unique(np.linspace(0, max(len(recorded) - size, 0), 64).astype(int))
        cut += [np.resize(recorded[start:start + size], size) for start in starts]
    return np.array(cut, dtype=float)


def _verdict(entry: Claim, status: Status, outcomes: Sequence[tuple[Record, Outcome]],
             sharp: bool | None, tightness: dict[int, Fraction],
             for_all: tuple[Evidence, ...] = (), reason: str = "") -> Verdict:
    scope = None if status is not PROVED else "for all" if for_all else "listed"
    evidence = [item.to_json({}) for item in for_all if scope == "for all"]
    margins: list[Any] = []
    told: dict[str, None] = {}
    for number, (configuration, outcome) in enumerate(outcomes):
        if outcome.status is not status:
            continue
        told[outcome.rounding] = None
        where = {name: as_text(value) for name, value in configuration.items()}
        if number in tightness:
            where["tightness"] = float(tightness[number])
        unlike = [item for k, item in enumerate(outcome.evidence)
                  if item not in outcome.evidence[:k]]  # parts of a statement may share it
        evidence += [{**item.to_json(where), "place": number} for item in unlike]
        margins += [outcome.margin] if outcome.margin is not None else []
    refuted = [*tightness.values(), *(fraction(ratio, "ratio") for ratio in
                                      (entry.beyond.get("ratio", ()) if sharp else ()))]
    verdict = Verdict(
        entry.name, entry.location, entry.reading, status, entry.expected,
        status is entry.expected, len(outcomes), sum(outcome.trials for _, outcome in outcomes),
        float(min(margins, key=float)) if margins else None, sharp,
        float(min(refuted)) if refuted else None, tuple(evidence),
        sum(outcome.status is INAPPLICABLE for _, outcome in outcomes), entry.some,
        scope, "; ".join(filter(None, told)), reason)
    fields = verdict.to_json()
    for item in evidence:
        item["data"]["seal"] = seal(fields, item)
    return verdict
