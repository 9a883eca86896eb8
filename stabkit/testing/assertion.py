"""``assert_stable``: a test that fails with an exact witness, and never for rounding."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import wraps
from math import inf
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from stabkit.aliases import NotionName, Number, Signal
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import Constant, fraction, fractions, integer
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import (
    HypothesisNotMet,
    InvalidArgument,
    NotStable,
    Undecided,
    limits_in_words,
)
from stabkit.schemes import Function, Scheme
from stabkit.schemes.foreign_steps import Habits
from stabkit.stability.confirmation import write_witness
from stabkit.stability.decide import decide
from stabkit.stability.falsify import exact_margin, search, shrink
from stabkit.stability.falsify.computed import Computed
from stabkit.stability.falsify.exactness import Judge, Signals
from stabkit.stability.notions import NAMED, Notion, as_notion
from stabkit.stability.property import Stable
from stabkit.stability.sharpness.own_step import from_trace
from stabkit.stability.verdict import (
    INAPPLICABLE,
    PROVED,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Outcome,
)
from stabkit.testing import message
from stabkit.time_limit import time_limit
from stabkit.tracing import as_shape

# Signals that a trace gives are simple, and to make them smaller must not take longer than a proof.
_TRIES = 8192
_TRIALS = 20_000


def assert_stable(scheme: Scheme | Callable[[np.ndarray], np.ndarray],
                  notion: Notion | NotionName, *,
                  size: int | None = None, shape: Any = None, dt: Number | None = None,
                  trials: int | None = None, seconds: float | None = None, seed: int = 0,
                  signals: Signal = None, strict: bool = False, dtype: DTypeLike = np.float64,
                  rounding: int = 64) -> Outcome:
    """Assert that a scheme is stable in the sense of a notion, for every input.

    It fails only where the notion is certainly violated, and then shows a small input that does
    it.  A stable scheme never fails for rounding.

    Parameters
    ----------
    scheme : Scheme or callable
        A scheme of stabkit, which may be proved or refuted in exact arithmetic; or any function
        u ↦ u⁺ of NumPy arrays, or ``step(u, dt)``: it is run once on symbols, and proved where
        that gives exact forms; else it can be refuted or supported.
    notion : Notion or str
        Such as ``EUCLIDEAN``, ``CONTRACTION``, ``RANGE``, ``SIGN``, ``CONTRAST``, ``energy(E)`` or
        ``sensitivity(C)``; or the name of one, such as ``"range"``.
    size : int
        The length N of the signals of a function; a scheme knows its own.
    shape : int or tuple of int
        Instead of `size`: the shape of the array that a function is given.
    dt : rational
        For a function ``step(u, dt)``: the step.
    trials : int
        Random signals to try where no certificate is found; a few thousand structured ones come
        first.  20 000, or what ``stabkit_trials`` says in pytest's configuration.
    seconds : float
        After so long a search ends, and what was found until then counts: how many trials that are
        depends on the machine.  No limit, or what ``stabkit_seconds`` says there.
    seed : int
        Seed of every random draw.
    signals : array_like, shape (count, N), or (count, 2, N) for a notion of pairs
        Signals to try first; texts such as ``"1/3"`` are exact.  With a witness here a refutation
        is repeated at once.
    strict : bool
        Fail also if the notion is not proved.
    dtype : dtype
        What a function is given: float64 or float32.  Give float32 for a function that computes
        in float32 within.
    rounding : int
        The allowance for the rounding errors of a function: every output may be off by
        ``rounding · N · eps · max(|u|, |u⁺|)`` with the largest entries of input and output, and
        it is refuted only if no outputs within that distance would keep the notion.  Raise it
        for a function that amplifies rounding errors, such as an ill-conditioned solve.

    Returns
    -------
    Outcome
        Its ``status`` is PROVED, SUPPORTED (trials found nothing; not a proof) or UNDECIDED (a
        suspicion that could not be confirmed); with the evidence and the number of trials.

    Raises
    ------
    NotStable
        An ``AssertionError`` whose message is the witness.
    HypothesisNotMet
        If the scheme is not defined, such as an implicit one without a unique solution.
    InvalidArgument
        If an argument cannot be used, or a function is not deterministic.

    Examples
    --------
    >>> from stabkit import RANGE
    >>> def smooth(u):
    ...     return (u + np.roll(u, 1)) / 2
    >>> assert_stable(smooth, RANGE, size=5).status
    <Status.PROVED: 'proved'>
    """
    __tracebackhide__ = True
    notion = as_notion(notion)
    trials, until = _given_value("trials", trials,
                                         _TRIALS), _given_value("seconds", seconds, inf)
    if not (isinstance(until, (int, float)) and until > 0):
        raise InvalidArgument(f"seconds: must be positive, got {seconds!r}")
    flat, size = _flat(scheme, size, shape, dt)
    judged, exact, floats = _read(flat, notion, size, trials, seed, signals, dtype, rounding)

    def outcome_of_trace() -> Outcome | None:
        return None if isinstance(scheme, Scheme) or dtype is not np.float64 else \
            from_trace(scheme, notion, shape if shape is not None else size, dt)

    try:
        with limits_in_words(), time_limit(monotonic() + float(until)):
            outcome = _outcome(judged, notion, outcome_of_trace, trials, seed, exact, floats)
    except Undecided as limit:
        outcome = Outcome(UNDECIDED, reason=str(limit))
    _tell(outcome, notion)
    if outcome.status is INAPPLICABLE:
        raise HypothesisNotMet(outcome.reason)
    if outcome.status is REFUTED:
        inputs, outputs = _pairs(judged, outcome.signals)
        text = message.refutation_message(judged, notion, outcome, inputs, outputs, seed)
        raise NotStable(text, outcome, inputs, outputs)
    if strict and outcome.status is not PROVED:
        raise NotStable(message.undecided_message(judged, notion, outcome, seed), outcome)
    return outcome


def _outcome(judged: Scheme, notion: Notion, traced: Callable[[], Outcome | None], trials: int,
             seed: int, exact: list[Signals], floats: np.ndarray | None) -> Outcome:
    """By the given signals, else by the trace, else by a search."""
    first = Habits(judged, 1 + np.arange(judged.size) / 8) if isinstance(judged, Computed) else None
    known = traced()
    outcome = _refutation_by(judged, notion, exact)
    if outcome is None and known is not None and known.status is REFUTED and known.signals:
        outcome = _refutation_by(judged, notion, [known.signals], _TRIES // judged.size**2)
        outcome = outcome and replace(outcome, reason=message.TRACED)
    if outcome is None and known is not None and known.status is PROVED:
        outcome = known
    outcome = outcome or _decide(judged, notion, trials, seed, floats)
    if outcome.status is SUPPORTED and known is not None and known.status is REFUTED:
        outcome = replace(outcome, reason="in exact arithmetic the numbers in it break it, by no "
                          f"more than the rounding of what it returns; {outcome.reason}")
    if first is not None and outcome.status is REFUTED:
        first.words()  # an error if it no longer answers as before all else
    return outcome


def _flat(scheme: Any, size: Any, shape: Any, dt: Number | None) -> tuple[Any, Any]:
    """The function of flat signals, and their length."""
    if isinstance(scheme, Scheme) or not callable(scheme) or (shape is None and dt is None):
        return scheme, size
    if size is not None and shape is not None:
        raise InvalidArgument("size, shape: give one of them")
    shape = as_shape(size if shape is None else shape)
    step = None if dt is None else Constant(meaning(dt) if is_rounded(dt) else fraction(dt, "dt"))

    @wraps(scheme)
    def flat(u: np.ndarray) -> Any:
        u = u.reshape(shape)
        made = scheme(u) if step is None else scheme(u, step)
        return np.asarray(made).reshape(-1) if np.shape(made) == shape else made

    return flat, int(np.prod(shape))


def _read(scheme: Any, notion: Any, size: Any, trials: Any, seed: Any, signals: Signal,
          dtype: DTypeLike, rounding: Any) -> tuple[Scheme, list[Signals], np.ndarray | None]:
    """The arguments, checked: the scheme, exact signals to try, and float ones."""
    for name, value in (("trials", trials), ("seed", seed)):
        integer(value, name)
    judged = _scheme_of_function(scheme, size, dtype, rounding)
    _check_notion(notion, judged.size)
    if signals is None:
        return judged, [], None
    given = fractions(signals, "signals")
    shapes = [(judged.size,), (2, judged.size)][:notion.signals]
    if given.ndim < 2 or given.shape[1:] not in shapes:
        wanted = " or ".join(str(("count", *shape)).replace("'", "") for shape in shapes)
        raise InvalidArgument(f"signals: must have shape {wanted}, got {given.shape}")
    if given.ndim == 2 and notion.signals == 1:
        return judged, [(u,) for u in given], given.astype(float)
    if given.ndim == 2:  # the search adds a neighbour to each
        return judged, [], given.astype(float)
    return judged, [tuple(pair) for pair in given], given[:, 0].astype(float)


def _scheme_of_function(scheme: Any, size: Any, dtype: DTypeLike, rounding: Any) -> Scheme:
    if isinstance(scheme, Function):
        return Computed(scheme.function, scheme.length, dtype, rounding)
    if isinstance(scheme, Scheme):
        if size is not None and size != scheme.size:
            raise InvalidArgument(f"size: the scheme has size {scheme.size}, got {size!r}; leave "
                                  "it out")
        return scheme
    if not callable(scheme):
        raise InvalidArgument(f"scheme: must be a scheme or a function of arrays, got {scheme!r}")
    if size is None:
        raise InvalidArgument("size: give the length of the signals of a function, such as size=8")
    return Computed(scheme, size, dtype, rounding)


def _check_notion(notion: Notion, size: int) -> None:
    """An energy must be an array expression that takes exact entries, else it decides nothing."""
    if notion in NAMED.values():
        return
    ones = np.array([Fraction(1)] * size, dtype=object)
    boxes = np.array([Interval(1)] * size, dtype=object)
    try:
        margins = [notion.margin(*[entries] * (2 * notion.signals)) for entries in (ones, boxes)]
    except Undecided:
        return
    except (TypeError, AttributeError) as error:
        raise InvalidArgument(f"notion: the functional of {notion.name!r} must take exact entries "
                              f"(fractions and intervals): {error}") from error
    if any(isinstance(margin, (float, np.floating)) for margin in margins):
        raise InvalidArgument(f"notion: the functional of {notion.name!r} must keep exact entries "
                              "exact, and returned a float; see stabkit.Energy")


def _refutation_by(scheme: Scheme, notion: Notion, exact: Sequence[Signals], tries: int = 600
                   ) -> Outcome | None:
    """The refutation by one of the given signals, if there is one, made smaller in some tries."""
    violated = _violation(scheme, notion)
    witness = next((signals for signals in exact if violated(signals)), None)
    return None if witness is None else \
        _refutation(scheme, notion, shrink(witness, violated, tries), 0)


def _decide(scheme: Scheme, notion: Notion, trials: int, seed: int, floats: np.ndarray | None
            ) -> Outcome:
    if not isinstance(scheme, Computed):
        return decide(Stable(scheme, notion), trials=trials, seed=seed, signals=floats)
    found = search(scheme, notion, trials=trials, seed=seed, extra=floats,
                   violated=_violation(scheme, notion))
    if found.witness is not None:
        return _refutation(scheme, notion, found.witness, found.trials)
    counts = {"trials": found.trials, "seed": seed, "rounding": scheme.rounding,
              "worst": found.worst if np.isfinite(found.worst) else None}
    return Outcome(SUPPORTED, (Evidence("trials", "float64", counts),), trials=found.trials,
                   reason="a function of floats can be supported, never proved")


def _violation(scheme: Scheme, notion: Notion) -> Callable[[Signals], bool | None]:
    if isinstance(scheme, Computed):
        return lambda signals: scheme.violates(notion, signals)
    return Judge(scheme, notion)


def _refutation(scheme: Scheme, notion: Notion, witness: Signals, trials: int) -> Outcome:
    if isinstance(scheme, Computed):
        return _refutation_as_computed(scheme, notion, witness, trials)
    margin = exact_margin(scheme, notion, witness)
    written = write_witness(scheme, notion, witness, margin)
    if written is None:
        return Outcome(UNDECIDED, trials=trials,
                       reason="the checker does not confirm the violation that was found")
    return Outcome(REFUTED, (written,), margin, trials, signals=witness)


def _refutation_as_computed(scheme: Computed, notion: Notion, witness: Signals, trials: int
                            ) -> Outcome:
    """The outcome, once the function has given the same numbers again."""
    (_, outputs), (inputs, again) = scheme.evaluate(witness), scheme.evaluate(witness)
    if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, again, strict=True)):
        raise InvalidArgument("scheme: the function is not deterministic: it gave two outputs for "
                              f"the input {inputs[0].tolist()}")
    if not all(np.isfinite(part).all() for part in outputs):
        return Outcome(REFUTED, trials=trials, reason="an output is not finite", signals=witness)
    return Outcome(REFUTED, margin=scheme.margin(notion, witness), trials=trials, signals=witness)


def _given_value(name: str, given: Any, usual: Any) -> Any:
    """What is given, or else what pytest's configuration says, where its plugin is loaded."""
    settings = getattr(sys.modules.get("pytest_stabkit"), "settings", {})
    return settings.get(name, usual) if given is None else given


def _tell(outcome: Outcome, notion: Notion) -> None:
    """Tell the pytest plugin, if pytest has loaded it."""
    plugin = sys.modules.get("pytest_stabkit")
    if plugin is not None:
        plugin.note(str(outcome.status), notion.name, outcome.trials)


def _pairs(scheme: Scheme, witness: Signals) -> tuple[Signals, Signals]:
    if isinstance(scheme, Computed):
        return scheme.evaluate(witness)
    pairs = [scheme.pair(signal) for signal in witness]
    return tuple(u for u, _ in pairs), tuple(output for _, output in pairs)
