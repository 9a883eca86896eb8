"""One step in every sense at once: what holds, up to which dt, and why the rest does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import Any

from stabkit.aliases import Function, Held, Number
from stabkit.arithmetic.rational import fraction, integer
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import InvalidArgument, Undecided
from stabkit.schemes import Scheme
from stabkit.schemes.scheme import HasStep
from stabkit.stability.decide import decide
from stabkit.stability.invariants import POWER_BOUNDED, weighted
from stabkit.stability.notions import (
    CONTRACTION,
    EUCLIDEAN,
    MAX_NORM,
    POSITIVITY,
    RANGE,
    Notion,
)
from stabkit.stability.property import Stable
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.exact_sets import exact_sets
from stabkit.stability.sharpness.modes import by_modes
from stabkit.stability.sharpness.own_step import step_name
from stabkit.stability.verdict import PROVED, REFUTED, Outcome
from stabkit.tracing import Trace, as_shape, in_numpy, takes_step, trace

_STANDS = "of the scheme as it stands"
_TRIALS = 512  # random signals for each notion of a scheme
_ALL = (RANGE, POSITIVITY, MAX_NORM, EUCLIDEAN, CONTRACTION, POWER_BOUNDED)


@dataclass(frozen=True, eq=False)
class Senses:
    """The answers for every sense, as a table that prints itself.

    Attributes
    ----------
    sets : dict of str to StepBound
        By the name of the notion: the sets of steps.
    limits : dict of str to str
        Why there is no answer for a notion.
    dt : Fraction or None
        The step that was asked for.
    """

    sets: dict[str, StepBound]
    limits: dict[str, str]
    dt: Fraction | None = None
    heading: str = ""

    def __getitem__(self, notion: Notion | str) -> StepBound:
        name = notion if isinstance(notion, str) else notion.name
        if name not in self.sets:
            raise InvalidArgument(f"notion: no answer for {name!r}; there are "
                                  f"{', '.join(self.sets)}")
        return self.sets[name]

    def status(self, notion: Notion | str) -> str:
        """At the step that was asked for: proved, refuted or undecided."""
        bound = self[notion]
        for word, steps in (("proved", bound.proved), ("refuted", bound.refuted)):
            if self.dt is not None and any(
                    (low < self.dt if low == 0 else low <= self.dt)
                    and (high is None or self.dt <= high) for low, high in steps):
                return word
        return "undecided"

    def __str__(self) -> str:
        width = max(map(len, [*self.sets, *self.limits]), default=0)
        lines = [self.heading] if self.heading else []
        for name, bound in self.sets.items():
            at = "" if self.dt is None else f"{self.status(name):<11}"
            first, *more = str(bound).splitlines()
            answer = first.removeprefix(f"{bound.notion}: ").split(" (as meant")[0]
            lines.append(f"{name:<{width}}  {at}{answer}")
            lines += [f"{'':<{width}}  {line}" for line in more[1:]]
        lines += [f"{name:<{width}}  {'undecided  ' if self.dt is not None else ''}{why}"
                  for name, why in self.limits.items()]
        rounding = next((b.rounding for b in self.sets.values() if b.rounding), "")
        return "\n".join([*lines, *([rounding] if rounding else [])])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def senses(step: Function | Scheme, *, shape: Any = None, dt: Number | None = None,
           held: Held = None, seed: int = 0) -> Senses:
    """In which senses a step is stable, all at once.

    Parameters
    ----------
    step : callable or Scheme
        ``step(u, dt)`` in NumPy; it is run once on symbols.  A function ``step(u)``, and a scheme,
        are decided as they stand.
    shape : int or tuple of int
        Of the array that a function is given.
    dt : rational, optional
        A step, for which the table says what holds at it.
    held : mapping, optional
        Places that are held at a value; see ``step_bound``.
    seed : int

    Returns
    -------
    Senses
        It prints itself.

    Raises
    ------
    InvalidArgument
        If the step cannot be traced and no `dt` is given; the message says where.

    Examples
    --------
    >>> def rod(u, dt):
    ...     v = u.copy()
    ...     v[1:-1] += 300 * dt * (u[2:] - 2 * u[1:-1] + u[:-2])
    ...     return v
    >>> print(senses(rod, shape=5, dt="1/600").status("range"))
    proved
    """
    if isinstance(step, Scheme):
        if not (shape is None and dt is None and held is None):
            raise InvalidArgument("shape, dt, held: are for functions in NumPy only; a scheme has "
                                  "its own size and step")
        return _of_scheme(step, seed)
    if not callable(step):
        raise InvalidArgument("step: must be a function of the array and the step, step(u, dt)")
    shape, seed = as_shape(shape), integer(seed, "seed")
    step = in_numpy(step, shape, takes_step(step))
    if not takes_step(step):
        return _decide_senses(lambda notion: decide(step, notion, shape=shape, held=held, seed=seed,
                                                          trials=_TRIALS), "step", Fraction(1),
                              _heading(shape, "", None))
    at = None if dt is None else meaning(dt) if is_rounded(dt) else fraction(dt, "dt")
    if at is not None and at <= 0:
        raise InvalidArgument(f"dt: must be positive, got {dt!r}")
    try:
        found = trace(step, shape, seed)
    except Undecided as reason:
        by_mode = _by_mode(step, shape, step_name(step), at, seed) if held is None else None
        if by_mode is not None:
            return by_mode
        if at is None:
            raise InvalidArgument(f"step: it cannot be traced: {reason}; give a step, as in "
                                  "dt='1/100', at which it is searched in floats") from reason
        return _decide_senses(
            lambda notion: decide(step, notion, shape=shape, dt=at, held=held, trials=_TRIALS,
                                  seed=seed),
            step_name(step), at, _heading(shape, step_name(step), at))
    return _table(found, held, step_name(step), at)


def _of_scheme(scheme: Scheme, seed: int) -> Senses:
    """What is decided of a scheme as it stands, at its own step, or 1 if it has none."""
    tau = fraction(scheme.tau, "tau") if isinstance(scheme, HasStep) else Fraction(1)
    return _decide_senses(lambda notion: decide(Stable(scheme, notion), trials=_TRIALS, seed=seed),
                          "tau", tau, f"{type(scheme).__name__} of {scheme.size} samples")


def _decide_senses(ask: Callable[[Notion], Outcome], name: str, at: Fraction, heading: str
                   ) -> Senses:
    """The outcomes for every sense at one step."""
    steps = ((at, at),)
    sets: dict[str, StepBound] = {}
    limits: dict[str, str] = {}
    for notion in _ALL:
        found = ask(notion)
        if found.status is PROVED:
            sets[notion.name] = StepBound(notion.name, steps, (), found.evidence, variable=name,
                                          lines=tuple(filter(None, (_STANDS, found.reason))))
        elif found.status is REFUTED:
            sets[notion.name] = StepBound(notion.name, (), steps, (), found.evidence,
                                          signals=found.signals, variable=name)
        else:
            limits[notion.name] = "; ".join(filter(None, (str(found.status), found.reason)))
    return Senses(sets, limits, at, heading)


def _by_mode(step: Function, shape: tuple[int, ...], name: str, at: Fraction | None,
             seed: int) -> Senses | None:
    """The table of a step that is diagonal in Fourier's basis, or None."""
    sets: dict[str, StepBound] = {}
    limits: dict[str, str] = {}
    for notion in _ALL:
        try:
            sets[notion.name] = by_modes(step, notion, shape, name, seed)
        except Undecided as reason:
            limits[notion.name] = str(reason)
    return Senses(sets, limits, at, _heading(shape, name, at)) if sets else None


def _heading(shape: tuple[int, ...], name: str, at: Fraction | None) -> str:
    return f"shape {' x '.join(map(str, shape))}" + ("" if at is None else f", {name} = {at}")


def _table(found: Trace, held: Held, name: str, at: Fraction | None) -> Senses:
    sets: dict[str, StepBound] = {}
    limits: dict[str, str] = {}
    for notion in (*_ALL, weighted()):
        try:
            sets[notion.name] = exact_sets(found, notion, held, name)
        except Undecided as reason:
            limits[notion.name] = str(reason)
    return Senses(sets, limits, at, _heading(found.shape, name, at))
