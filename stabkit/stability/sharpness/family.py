"""A scheme for every step: what is asked of it, at one step and at many at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import numpy as np

from stabkit.aliases import Function, Margin, Rational
from stabkit.arithmetic.enclosure import Interval, as_interval, precision
from stabkit.arithmetic.open_step import Unknown
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.arithmetic.rounding import ROUNDING
from stabkit.errors import STOPPED, InvalidArgument, StabkitError
from stabkit.operators import Operator
from stabkit.schemes import Linear, Scheme
from stabkit.schemes.scheme import HasStep
from stabkit.stability.decide import decide
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.notions import Notion
from stabkit.stability.property import Stable
from stabkit.stability.verdict import INAPPLICABLE, Outcome

_BITS = 128
_SAMPLES = 32


class Family:
    """A scheme for every step, with a notion; each step is decided once.

    Parameters
    ----------
    scheme : callable
        From a step to a scheme.
    notion : Notion
    trials, seed : int
        As for :func:`~stabkit.stability.decide.decide`.
    """

    def __init__(self, scheme: Callable[[Any], Any], notion: Notion, trials: int, seed: int):
        self.scheme, self.notion, self.trials, self.seed = scheme, notion, trials, seed
        self.known: dict[Fraction, Outcome] = {}
        # The matrix of a linear scheme as a polynomial in the step, without rounding in between.
        opened = self.with_open_step()
        self.open_matrix = opened.matrix if isinstance(opened, Linear) else None

    def at(self, tau: Rational) -> Scheme:
        """The scheme at a step, as it was meant where it holds floats."""
        return self.as_returned(tau).as_meant()

    def as_returned(self, tau: Rational) -> Scheme:
        """The scheme at a step, as the function returns it."""
        made = self.scheme(Constant(tau) if isinstance(tau, Fraction) else tau)
        if not isinstance(made, Scheme):
            raise InvalidArgument(f"scheme: the function must return a Scheme, got a "
                                  f"{type(made).__name__}; wrap a matrix in Linear(from_matrix())")
        return made

    def with_open_step(self, over: Interval | None = None) -> Scheme | None:
        """The scheme with its step left open; None if the function looks at the step."""
        step = Unknown(over=over)
        try:
            made = self.at(step)
        except STOPPED:
            return None
        return None if step.looks else made

    def samples(self, top: Fraction) -> list[Fraction]:
        """Steps up to `top` at which what was read from the open step is compared with the scheme:

        a function may tell an open step from a number without looking at its value.
        """
        rng = np.random.default_rng([self.seed, _SAMPLES])
        even = rng.integers(1, 2**30, _SAMPLES).tolist()
        small = rng.integers(2**20, 2**30, _SAMPLES).tolist()
        return [top * Fraction(number * 2**30 + k, _SAMPLES * 2**30)
                for number, k in enumerate(even)] + [
            top * Fraction(k, 2**30) / 2**number for number, k in enumerate(small)]

    def outcome(self, tau: Fraction) -> Outcome:
        """What is decided at one step."""
        if tau not in self.known:
            try:
                scheme = self._scheme_without_rounding(self.at(tau), tau)
            except (StabkitError, ValueError, ArithmeticError) as reason:
                self.known[tau] = Outcome(INAPPLICABLE, reason=str(reason))
            else:
                self.known[tau] = decide(Stable(scheme, self.notion), trials=self.trials,
                                         seed=self.seed)
        return self.known[tau]

    def _scheme_without_rounding(self, scheme: Scheme, tau: Fraction) -> Scheme:
        """The scheme as the open step says, if the two are one but for the rounding of floats."""
        if self.open_matrix is None or not isinstance(scheme, Linear):
            return scheme
        exact = _at(self.open_matrix, tau)
        return exact if _are_near(exact.matrix, scheme.matrix) else scheme

    def breaks_at(self, signals: Signals, tau: Fraction) -> bool:
        """Whether signals break the notion at one step, asked without an open step."""
        try:
            scheme = self.at(tau)
            margin = self.notion.margin(*(part for u in signals for part in scheme.pair(u)))
            return bool(margin < 0)
        except (StabkitError, ValueError, ArithmeticError):
            return False

    def is_violated(self, signals: Signals, low: Fraction, high: Fraction | None) -> bool:
        """Whether exact signals break the notion for every step in [low, high]."""
        with precision(_BITS):
            margin = self._margin(signals, None)  # a polynomial in the step, if nothing compares
            if isinstance(margin, Unknown):
                return margin.is_negative(low, high)
            margin = self._margin(signals, Interval(low, float("inf") if high is None else high))
            return margin is not None and margin.hi < 0

    def _margin(self, signals: Signals, over: Interval | None) -> Margin:
        """The margin at exact signals with the step left open, or None if it resists."""
        scheme = self.with_open_step(over)
        if scheme is None:
            return None
        try:
            parts = [part for u in signals for part in scheme.pair(u)]
            if over is None:
                return self.notion.margin(*parts)
            margin = self.notion.margin(*map(_enclose, parts))
        except STOPPED:
            return None
        if isinstance(margin, float):  # the scheme knows floats only
            return None
        return as_interval(margin)


def _at(matrix: Operator, tau: Fraction) -> Linear:
    values = [value.at(tau) if isinstance(value, Unknown) else value for value in matrix.values]
    return Linear(Operator(matrix.shape, matrix.row_of_entry, matrix.columns, values,
                           label=matrix.label))


def _are_near(matrix: Operator, other: Operator) -> bool:
    """Whether two matrices have the same entries, but for rounding."""
    if matrix.shape != other.shape:
        return False
    ours, theirs = (
        dict(zip(zip(each.row_of_entry.tolist(), each.columns.tolist(), strict=True), each.values,
                 strict=True)) for each in (matrix, other))
    return all(abs(ours.get(place, 0) - theirs.get(place, 0)) <= ROUNDING *
               (1 + abs(ours.get(place, 0))) for place in {*ours, *theirs})


def _enclose(part: np.ndarray) -> np.ndarray:
    out = np.empty(part.shape, dtype=object)
    for place, entry in np.ndenumerate(part):
        out[place] = entry.enclosure() if isinstance(entry, Unknown) else entry
    return out


def family_of(scheme: Any) -> tuple[Callable[[Any], Any], Fraction]:
    """The function from a step to a scheme, and the step of the scheme, or 1."""
    if isinstance(scheme, Scheme):
        if not isinstance(scheme, HasStep):
            raise InvalidArgument(f"scheme: a {type(scheme).__name__} has no step to vary; give a "
                                  "function from a step to a scheme")
        own, known = scheme.tau, cast(Any, scheme)
        return lambda tau: replace(known, tau=tau), \
            fraction(own.meant if isinstance(own, Constant) else own, "tau")
    if not callable(scheme):
        raise InvalidArgument("scheme: must be a scheme, or a function from a step to one; got "
                              f"{type(scheme).__name__}")
    if _arity(scheme) != 1:
        raise InvalidArgument(
            f"scheme: must be a function of the step alone that returns a scheme, this one takes "
            f"{_arity(scheme)} arguments; write lambda tau: Linear(from_matrix(...)), or another "
            "scheme")
    return scheme, Fraction(1)


def _arity(function: Function) -> int:
    """How many arguments a function must be given; 1 where it does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    given = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return 1 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else \
        max(sum(p.default is p.empty for p in given), min(1, len(given)))

