"""Decide a property: certificate first, then the falsifier, then an honest count of trials.

Whatever is decided, its evidence is re-checked by the independent checker before it is believed.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np

from stabkit.both_ways import both_ways
from stabkit.certificates import certify, certify_uniqueness, show_bounds
from stabkit.enclosure import PRECISIONS, Interval, precision
from stabkit.entry_intervals import decide_for_all, holds_intervals
from stabkit.errors import HypothesisNotMet, InvalidArgument, Undecided
from stabkit.falsify import exact_margin, search, shrink, two_solutions
from stabkit.falsify.exactness import Signals, rounded, stays_short
from stabkit.falsify.search import SUSPICIOUS
from stabkit.flux import Flux
from stabkit.notions import Notion
from stabkit.property import (
    AllOf,
    AtMost,
    Calculation,
    Experiment,
    FaceWithin,
    Identity,
    NormAtMost,
    Not,
    Property,
    Stable,
    UniqueSolution,
)
from stabkit.rational import fraction, fractions
from stabkit.replay import check
from stabkit.schemes import Function, Scheme
from stabkit.transcript import Term, Transcript, as_text
from stabkit.verdict import (
    INAPPLICABLE,
    PROVED,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Outcome,
    calculation,
)

_LONGEST_MARGIN = 4096  # bits; a longer one is left for the checker to compute


def decide(what: Property, *, trials: int = 20_000, seed: int = 0,
           signals: np.ndarray | None = None) -> Outcome:
    """Decide a property.

    Parameters
    ----------
    what : Property
        See :mod:`stabkit.property`.
    trials : int
        Random signals to try where no certificate is found.
    seed : int
        Seed of every random draw.
    signals : ndarray, shape (count, N), optional
        Signals to try first.

    Returns
    -------
    Outcome
        A status with evidence that ``stabkit.replay`` accepts.
    """
    try:
        if holds_intervals(what):
            return decide_for_all(what, lambda each: _stable(each, trials, seed, signals),
                                  confirm_evidence)
        return _decide(what, trials, seed, signals)
    except HypothesisNotMet as reason:
        return Outcome(INAPPLICABLE, reason=str(reason))


@singledispatch
def _decide(what: Any, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    raise InvalidArgument(f"property: cannot decide a {type(what).__name__}")


@_decide.register
def _(what: Stable, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    return both_ways(what, lambda each: _stable(each, trials, seed, signals))


def _stable(what: Stable, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    certificates = certify(what.scheme, what.notion)
    if certificates is not None:
        confirmed = tuple(filter(None, map(confirm_evidence, certificates)))
        if len(confirmed) == len(certificates):
            return Outcome(PROVED, confirmed)
    found = search(what.scheme, what.notion, trials=trials, seed=seed, extra=signals)
    floats_only = isinstance(what.scheme, Function)  # it cannot be written down
    if found.witness is not None and not floats_only:
        margin = exact_margin(what.scheme, what.notion, found.witness)
        witness = write_witness(what.scheme, what.notion, found.witness, margin)
        if witness is None:
            return Outcome(UNDECIDED, trials=found.trials,
                           reason="the checker does not confirm the violation that was found")
        return Outcome(REFUTED, (witness,), margin, found.trials, signals=found.witness)
    if floats_only and (found.witness is not None or found.worst < -SUSPICIOUS):
        return Outcome(UNDECIDED, trials=found.trials,
                       reason="a violation was found, but in floating point only")
    return Outcome(SUPPORTED, (_trials(found.trials, seed, found.worst),), trials=found.trials)


@_decide.register
def _(what: Not, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    inner = _decide(what.what, trials, seed, signals)
    turned = {PROVED: REFUTED, REFUTED: PROVED, SUPPORTED: UNDECIDED}
    return replace(inner, status=turned.get(inner.status, inner.status))


@_decide.register
def _(what: AllOf, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    if not what.parts:
        raise InvalidArgument("parts: need at least one, nothing follows from nothing")
    outcomes = [_decide(part, trials, seed + number, signals)
                for number, part in enumerate(what.parts)]
    for status in (REFUTED, UNDECIDED, SUPPORTED):
        telling = [outcome for outcome in outcomes if outcome.status is status]
        if telling:
            return telling[0]
    return Outcome(PROVED, tuple(item for outcome in outcomes for item in outcome.evidence),
                   trials=sum(outcome.trials for outcome in outcomes),
                   rounding="; ".join(dict.fromkeys(filter(None, (
                       outcome.rounding for outcome in outcomes)))))


@_decide.register
def _(what: FaceWithin, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    log = Transcript()
    shown = show_bounds(log, what.flux, what.face, what.low, what.high)
    if shown is not None:
        certificate = confirm_evidence(
            calculation("certificate", log, [shown], "the cells cover the real line"))
        if certificate is not None:
            return Outcome(PROVED, (certificate,))
    for point in _points(what.flux):
        witness = _outside(what, point)
        if witness is not None:
            return Outcome(REFUTED, (witness,))
    return Outcome(UNDECIDED, reason=f"the {what.face} could not be enclosed well enough")


@_decide.register
def _(what: NormAtMost, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    return both_ways(what, _norm_at_most)


def _norm_at_most(what: NormAtMost) -> Outcome:
    log = Transcript()
    K = log.give_once(what.K, "K", what.K.exact).text
    bound = log.give("bound", what.square).text
    n = what.K.shape[1]
    certificate = confirm_evidence(calculation(
        "certificate", log, [f"psd({bound} * I({n}) - {K}.T @ {K})"], "|K u|^2 <= bound |u|^2"))
    if certificate is not None:
        return Outcome(PROVED, (certificate,))

    def exceeds(signals: Signals) -> bool:
        image = what.K @ signals[0]
        return image @ image > fraction(what.square) * (signals[0] @ signals[0])

    gram = (what.K.sparse().T @ what.K.sparse()).toarray()
    top = np.linalg.eigh(gram)[1][:, -1]
    near = next((u for u in rounded((top / np.abs(top).max(),)) if exceeds(u)), None)
    if near is None:
        return Outcome(UNDECIDED, reason="no rational vector shows that the norm is larger")
    log.give("u", shrink(near, exceeds)[0])
    witness = confirm_evidence(calculation(
        "witness", log, [f"norm2({K} @ u) > {bound} * norm2(u)"], "|K u|^2 > bound |u|^2"))
    return Outcome(UNDECIDED) if witness is None else Outcome(REFUTED, (witness,))


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
    return Outcome(UNDECIDED) if witness is None else Outcome(REFUTED, (witness,))


def _points(flux: Flux) -> list[Fraction]:
    """Simple rationals, dense around the breakpoints."""
    simple = {Fraction(i, d) for d in (1, 2, 3, 4, 10) for i in range(-12 * d, 12 * d + 1)}
    near = {point + sign * Fraction(1, 10**k) for point in flux.breakpoints()
            for sign in (-1, 1) for k in (1, 2, 3, 4, 6, 9)}
    return sorted({*simple, *near, *flux.breakpoints()},
                  key=lambda x: (x.denominator, abs(x), x < 0))


def _outside(what: FaceWithin, point: Fraction) -> Evidence | None:
    try:
        value = getattr(what.flux, what.face)(point)
        below = what.low is not None and value < what.low
        above = what.high is not None and value > what.high
    except (Undecided, ArithmeticError):
        return None
    if not (below or above):
        return None
    log = Transcript()
    text = getattr(what.flux, what.face)(log.give("s", point)).text
    shown = f"{text} < {what.low}" if below else f"{text} > {what.high}"
    return confirm_evidence(
        calculation("witness", log, [shown], f"the {what.face} leaves its range at s"))


@_decide.register
def _(what: Identity, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    return _relation(what, "==")


@_decide.register
def _(what: AtMost, trials: int, seed: int, signals: np.ndarray | None) -> Outcome:
    return _relation(what, "<=")


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
    return Outcome(SUPPORTED, (_trials(runs, seed, worst),), trials=runs)


def _trials(runs: int, seed: int, worst: float) -> Evidence:
    return Evidence("trials", "float64", {
        "trials": runs, "seed": seed, "worst": worst if np.isfinite(worst) else None})


def _relation(what: Identity | AtMost, sign: str) -> Outcome:
    """Settle a relation at what is given: by exact arithmetic, then by the checker."""
    given = {name: fractions(value) for name, value in what.given.items()}
    truth = _truth(what, sign, given)
    if truth is None:
        return Outcome(UNDECIDED, reason="the enclosures overlap at every precision")
    if not truth:
        vectors = [name for name, value in given.items() if value.ndim == 1]
        small = shrink(tuple(given[name] for name in vectors), lambda tried: _truth(
            what, sign, {**given, **dict(zip(vectors, tried, strict=True))}) is False)
        given |= dict(zip(vectors, small, strict=True))
    log = Transcript()
    terms = {name: log.give(name, value) for name, value in given.items()}
    left, right = what.left(**terms), what.right(**terms)
    sides = [side.text if isinstance(side, Term) else str(as_text(side)) for side in (left, right)]
    shown = f"{sides[0]} {sign} {sides[1]}"
    kind, condition = ("certificate", shown) if truth else ("witness", f"not ({shown})")
    evidence = confirm_evidence(calculation(kind, log, [condition], what.by))
    if evidence is None:
        return Outcome(UNDECIDED, reason="the checker does not confirm the calculation")
    return Outcome(PROVED if truth else REFUTED, (evidence,))


def _truth(what: Identity | AtMost, sign: str, given: dict[str, Any]) -> bool | None:
    for digits in PRECISIONS:
        with precision(digits):
            try:
                left, right = _sides(what, given)
                return bool(np.all(left == right if sign == "==" else left <= right))
            except Undecided:
                continue
    return None


def _sides(what: Identity | AtMost, given: dict[str, Any]) -> tuple[Any, Any]:
    try:
        return what.left(**given), what.right(**given)
    except TypeError:  # a function such as exp leaves the rationals
        boxed = {name: np.vectorize(Interval, otypes=[object])(value)
                 for name, value in given.items()}
        return what.left(**boxed), what.right(**boxed)


def write_witness(scheme: Scheme, notion: Notion, signals: Signals,
                  value: Fraction | Interval | None = None) -> Evidence | None:
    """Write a violation down: the signals, the steps, and the negative margin."""
    log = Transcript()
    names = ("u", "w")[:len(signals)]
    parts = [part for name, signal in zip(names, signals, strict=True)
             for part in scheme.pair(log.give(name, signal))]
    margin = notion.margin(*parts)
    written = calculation("witness", log, [f"{margin.text} < 0"],
                          f"the margin of the notion '{notion.name}' is negative",
                          margin=margin.text)
    if isinstance(value, Fraction) and max(value.numerator.bit_length(),
                                           value.denominator.bit_length()) <= _LONGEST_MARGIN:
        written.data["margin_value"] = str(value)
    if not stays_short(scheme):
        written = replace(written, arithmetic="ball")
        return written if check(written.to_json({})) is None else None
    return confirm_evidence(written)


def confirm_evidence(evidence: Evidence) -> Evidence | None:
    """The evidence with the arithmetic in which the independent checker accepts it, or None."""
    # Cells are intervals, so only ball arithmetic can accept them.
    cells = any("cells(" in condition for condition in evidence.data["shows"])
    for arithmetic in ("ball",) if cells else ("rational", "ball"):
        tried = replace(evidence, arithmetic=arithmetic)
        if check(tried.to_json({})) is None:
            return tried
    return None
