"""Decide a property: certificate first, then the falsifier, then an honest count of trials.

Whatever is decided, its evidence is re-checked by the independent checker before it is believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import singledispatch
from typing import Any, cast

import numpy as np

from stabkit.aliases import Function, Held, NotionName, Number, Record, Signal
from stabkit.arithmetic.enclosure import USUAL, precision
from stabkit.arithmetic.rational import doubles, fractions, integer
from stabkit.arithmetic.transcript import Transcript, as_text
from stabkit.errors import (
    HypothesisNotMet,
    InvalidArgument,
    InvalidEvidence,
    Undecided,
    limits_in_words,
)
from stabkit.fluxes.flux import Flux
from stabkit.proof import reach
from stabkit.schemes import Scheme
from stabkit.schemes.scheme import as_part, attributes
from stabkit.stability.both_ways import both_ways
from stabkit.stability.certificates import certified, certify_uniqueness
from stabkit.stability.certificates.searched import certify_by_search, growth_of_powers
from stabkit.stability.confirmation import confirm, confirm_evidence, written_witness
from stabkit.stability.cycles import CycleAtMost, decide_cycle
from stabkit.stability.entry_intervals import decide_for_all, holds_intervals
from stabkit.stability.face_bounds import decide_face
from stabkit.stability.falsify import exact_margin, search, two_solutions
from stabkit.stability.falsify.exactness import LARGEST as EXACT
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.falsify.windows import LARGE, has_windows, search_windows
from stabkit.stability.invariants import POWER_BOUNDED
from stabkit.stability.norms import decide_norm
from stabkit.stability.notions import Notion, as_notion
from stabkit.stability.property import (
    AllOf,
    Always,
    AtMost,
    Calculation,
    Either,
    Example,
    Experiment,
    FaceWithin,
    Identity,
    NormAtMost,
    Not,
    Property,
    Stable,
    UniqueSolution,
)
from stabkit.stability.relations import few_steps, relation
from stabkit.stability.verdict import (
    INAPPLICABLE,
    PROVED,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Outcome,
    calculation,
    worst,
)
from stabkit.time_limit import keep_least_time
from stabkit.user_files import no_leaving

_LONGEST_SIGNAL = 256  # samples of a suspicious signal that are kept in a file


def decide(what: Property | CycleAtMost | Scheme | Function,
           notion: Notion | NotionName | None = None, *, shape: Any = None,
           dt: Number | None = None, held: Held = None, trials: int = 20_000, seed: int = 0,
           signals: Signal = None) -> Outcome:
    """Decide a property.

    Parameters
    ----------
    what : Property, Scheme or callable
        See :mod:`stabkit.stability.property`; or a function ``step(u, dt)`` or ``step(u)``
        in NumPy, with `shape`, which is run once on symbols.
    notion : Notion or str, optional
        Beside a scheme: decide ``Stable(what, notion)``.
    shape : int or tuple of int, optional
        Of the array that a function is given.
    dt : rational, optional
        The step that a function is given.
    held : mapping, optional
        Places of the array that are held at a value; see ``step_bound``.
    trials : int
        Random signals to try where no certificate is found.
    seed : int
        Seed of every random draw.
    signals : array_like, shape (count, N), optional
        Signals to try first.

    Returns
    -------
    Outcome
        A status with evidence that ``stabkit.replay`` accepts.  Where memory, depth or size run
        out it is undecided, and its ``reason`` says so.

    Raises
    ------
    InvalidArgument
        If `what` is no property, or the step of a scheme returns no signal.
    """
    trials, seed = integer(trials, "trials"), integer(seed, "seed")
    signals = None if signals is None else doubles(fractions(signals, "signals"), "signals")
    if signals is not None and signals.ndim < 2:
        raise InvalidArgument("signals: must have shape (count, N), one signal a row, as in "
                              f"signals=[u], got shape {signals.shape}")
    is_function = callable(what) and not isinstance(what, (Scheme, type))
    if not is_function and not (shape is None and dt is None and held is None):
        raise InvalidArgument("shape, dt, held: are for functions in NumPy only")
    try:
        # The precision is that of this call, whatever another thread works with.
        with no_leaving("what"), limits_in_words(), precision(USUAL):
            if is_function:
                return _decide_function(cast(Function, what), notion, shape, dt, held, trials, seed)
            if notion is not None:
                what = Stable(as_part(what, Scheme, "scheme"), notion)
            if holds_intervals(what):
                return decide_for_all(what, lambda each: _stable(each, trials, seed, signals),
                                      confirm_evidence)
            return _decide(what, trials, seed, signals)
    except HypothesisNotMet as reason:
        return Outcome(INAPPLICABLE, reason=str(reason))
    except (Undecided, InvalidEvidence) as limit:
        return Outcome(UNDECIDED, reason=str(limit))


def _decide_function(function: Function, notion: Any, shape: Any, dt: Number | None,
                     held: Held, trials: int, seed: int) -> Outcome:
    from stabkit.stability.sharpness.own_step import decide_step  # it stands on what is here

    if notion is None or shape is None:
        raise InvalidArgument("what: a function needs a notion and the shape of its array, as in "
                              "decide(step, RANGE, shape=(64, 64), dt='1/4')")
    return decide_step(function, as_notion(notion), shape, dt=dt, held=held, trials=trials,
                       seed=seed)


@singledispatch
def _decide(what: object, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    hint = "; give a scheme its notion, as in decide(scheme, EUCLIDEAN)" \
        if isinstance(what, Scheme) else ""
    raise InvalidArgument(f"property: cannot decide a {type(what).__name__}{hint}")


@_decide.register
def _(what: Stable, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    return both_ways(what, lambda each: _stable(each, trials, seed, signals))


def _stable(what: Stable, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    proof, limit = _prove(what)
    if proof is not None:
        return Outcome(PROVED, proof)
    scheme, notion = what.scheme, what.notion
    # Of the package's own schemes the rules are known; trials of others are slower than a search.
    others = not all(part.trusted for part in (scheme, *getattr(scheme, "schemes", ())))
    traced = _by_trace(what) if others else None
    decided = traced is not None and (traced.status is PROVED or notion is POWER_BOUNDED)
    asked = others and (not decided or _holds_a_flux(scheme))
    theorem, missing = _by_search(what) if asked else (None, "")
    if theorem is not None:
        return theorem
    if traced is not None and decided:
        return traced
    if notion is POWER_BOUNDED and others:
        growth = growth_of_powers(scheme)
        if growth is not None:
            return Outcome(REFUTED, (growth,), reason="powers of the matrix of the step grow")
        return Outcome(UNDECIDED, reason=missing or "no form of the state was found that is "
                       "bounded and does not grow; that says nothing against the scheme")
    if scheme.size > LARGE and has_windows(scheme, notion):
        inside = search_windows(scheme, notion, trials=trials, seed=seed)
        if inside.signals is not None:
            witness, reason = written_witness(scheme, notion, inside.signals, inside.margin)
            if witness is not None:
                return Outcome(REFUTED, (witness,), inside.margin, inside.trials,
                               signals=inside.signals)
            return Outcome(UNDECIDED, trials=inside.trials, signals=inside.signals, reason=(
                f"a violation was found, but not as evidence: {reason}"))
        if scheme.size > EXACT:
            return Outcome(UNDECIDED, trials=inside.trials, reason=_join_reasons(limit, (
                f"too large: nothing was found by signals in {inside.windows} windows of up to "
                f"{inside.widest} samples, and no others were tried")))
    with keep_least_time():
        found = search(scheme, notion, trials=trials, seed=seed, extra=signals)
    suspect: Signals | None
    if found.witness is not None:
        margin, suspect = exact_margin(scheme, notion, found.witness), found.witness
        witness, reason = written_witness(scheme, notion, suspect, margin)
        if witness is not None:
            return Outcome(REFUTED, (witness,), margin, found.trials, reason=found.habits,
                           signals=suspect)
        reason = f"a violation was found, but not as evidence: {reason}"
    else:
        suspect, reason = found.suspect, found.reason
    if suspect is not None:
        return Outcome(UNDECIDED, (_trials(found.trials, seed, found.worst, suspect, reason),),
                       trials=found.trials, signals=suspect, reason=_join_reasons(reason,
                                                                                  found.habits))
    if traced is not None:
        return replace(traced, trials=found.trials)
    unproved = limit or missing or f"no certificate of the notion '{notion.name}' was found"
    return Outcome(SUPPORTED, (_trials(found.trials, seed, found.worst),), trials=found.trials,
                   reason=_join_reasons(unproved, found.habits))


def _holds_a_flux(scheme: Scheme) -> bool:
    """Whether a theorem may say for all fluxes what is seen of one."""
    return any(isinstance(part, Flux) for each in (scheme, *getattr(scheme, "schemes", ()))
               for part in attributes(each).values())


def _by_trace(what: Stable) -> Outcome | None:
    """What one run of a user's step on symbols decides, which reads floats as they were meant."""
    from stabkit.stability.sharpness.own_step import from_trace  # it stands on what is here

    if type(what.scheme).pair is not Scheme.pair or not what.scheme.exact:
        return None
    found = from_trace(what.scheme.step, what.notion, what.scheme.size)
    if found is None or found.status not in (PROVED, REFUTED):
        return None
    return found if not found.rounding or what.scheme.as_meant() is what.scheme else None


def _by_search(what: Stable) -> tuple[Outcome | None, str]:
    """What theorems that are searched prove, or None and what stood in the way."""
    proof, limit = _prove(what, certify_by_search)
    if proof is None:
        return None, limit
    reaches = [reach(item.data["theorem"]["statement"]) for item in proof if "theorem" in item.data]
    return Outcome(PROVED, proof, reason="; ".join(dict.fromkeys(
        f"proved for all {each}, by a theorem that was searched" for each in reaches))), ""


def _prove(what: Stable, certify: Callable[..., tuple[Evidence, ...] | None] = certified
           ) -> tuple[tuple[Evidence, ...] | None, str]:
    """Certificates that the checker confirms, or None with the limit that stood in the way."""
    try:
        certificates = certify(what.scheme, what.notion)
    except Undecided as limit:
        return None, str(limit)
    found = [confirm(certificate) for certificate in certificates or ()]
    evidence = tuple(made for made, _ in found if made is not None)
    if found and len(evidence) == len(found):
        return evidence, ""
    return None, next((f"a certificate was found, but not confirmed: {reason}"
                       for made, reason in found if made is None), "")


def _join_reasons(*parts: str) -> str:
    return "; ".join(filter(None, parts))


@_decide.register
def _(what: Not, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    inner = _decide(what.what, trials, seed, signals)
    turned = {PROVED: REFUTED, REFUTED: PROVED, SUPPORTED: UNDECIDED}
    rounding = f"of the contrary: {inner.rounding}" if inner.rounding else ""
    return replace(inner, status=turned.get(inner.status, inner.status), rounding=rounding,
                   evidence=tuple(map(_of_the_contrary, inner.evidence)))


def _of_the_contrary(evidence: Evidence) -> Evidence:
    """The same evidence, which now speaks against what it spoke for; a file says so."""
    if evidence.kind == "trials":
        return evidence
    data = {key: value for key, value in evidence.data.items() if key != "contrary"}
    return replace(evidence, data=data if "contrary" in evidence.data else
                   data | {"contrary": True})


_decide.register(Always)(lambda what, *_: few_steps(what))
_decide.register(Example)(lambda what, *rest: _decide(what.make(), *rest))


@_decide.register
def _(what: AllOf, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    if not what.parts:
        raise InvalidArgument("parts: need at least one, nothing follows from nothing")
    outcomes = [_decide(part, trials, seed + number, signals)
                for number, part in enumerate(what.parts)]
    status = worst(outcome.status for outcome in outcomes)
    if status is not PROVED:
        return next(outcome for outcome in outcomes if outcome.status is status)
    return Outcome(PROVED, tuple(item for outcome in outcomes for item in outcome.evidence),
                   trials=sum(outcome.trials for outcome in outcomes),
                   rounding="; ".join(dict.fromkeys(filter(None, (
                       outcome.rounding for outcome in outcomes)))))


@_decide.register
def _(what: Either, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    found = [_decide(what.shows, trials, seed, signals)]
    if found[0].status is not PROVED and what.against is not None:
        found.append(_decide(Not(what.against), trials, seed + 1, signals))
        if found[1].status is REFUTED:
            return found[1]
    return found[0] if found[0].status is PROVED else Outcome(
        UNDECIDED, reason="neither the statement nor its negation is shown: " + "; ".join(filter(
            None, (outcome.reason for outcome in found))))


_decide.register(FaceWithin)(lambda what, *_: both_ways(what, decide_face))
_decide.register(CycleAtMost)(lambda what, *_: decide_cycle(what))


@_decide.register
def _(what: NormAtMost, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    return both_ways(what, decide_norm)


@_decide.register
def _(what: UniqueSolution, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    certificate = certify_uniqueness(what.scheme)
    certificate = certificate and confirm_evidence(certificate)
    if certificate is not None:
        return Outcome(PROVED, (certificate,))
    pair = two_solutions(what.scheme)
    if pair is None:
        return Outcome(UNDECIDED, reason="neither a proof nor two simple solutions were found")
    log = Transcript()
    (u, v), (again, w) = (what.scheme.pair(log.give(name, solution))
                          for name, solution in zip(("v", "w"), pair, strict=True))
    witness = confirm_evidence(calculation(
        "witness", log, [f"{v.text} != {w.text}", f"{u.text} == {again.text}"],
        "v and w are two solutions for the same input u"))
    return Outcome(UNDECIDED, reason="the checker does not confirm the two solutions that were "
                   "found") if witness is None else Outcome(REFUTED, (witness,))


@_decide.register
def _(what: Identity, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    return relation(what, "==")


@_decide.register
def _(what: AtMost, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    return relation(what, "<=")


@_decide.register
def _(what: Calculation, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    log = Transcript()
    log.given.update({name: as_text(value) for name, value in what.given.items()})
    log.let.extend([left, right] for left, right in what.let)
    whole = confirm_evidence(calculation("certificate", log, what.shows, what.by))
    if whole is not None:
        return Outcome(PROVED, (whole,))
    if not what.necessary:
        return Outcome(UNDECIDED, reason="the conditions that would suffice do not all hold")
    against = what.shows[0] if len(what.shows) == 1 else \
        " and ".join(f"({condition})" for condition in what.shows)
    contrary = confirm_evidence(calculation("witness", log, [f"not ({against})"], what.by))
    return Outcome(UNDECIDED, reason="the checker can neither confirm nor refute it") \
        if contrary is None else Outcome(REFUTED, (contrary,))


@_decide.register
def _(what: Experiment, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    agrees, runs, worst = what.run()
    if not agrees:
        return Outcome(UNDECIDED, trials=runs, reason="an experiment in floats disagrees")
    return Outcome(SUPPORTED, (_trials(runs, seed, worst),), trials=runs,
                   reason="an experiment in floats agrees, which proves nothing")


def _trials(runs: int, seed: int, worst: float, suspect: Signals = (), reason: str = ""
            ) -> Evidence:
    data: Record = {"trials": runs, "seed": seed,
                            "worst": worst if np.isfinite(worst) else None}
    if reason:
        data["reason"] = reason
        if suspect[0].size <= _LONGEST_SIGNAL:
            data["signals"] = [as_text(u) for u in suspect]
    return Evidence("trials", "float64", data)
