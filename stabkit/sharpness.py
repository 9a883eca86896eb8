"""Sharp steps: up to which step size a scheme is certified, and from which it is refuted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from stabkit.decide import decide
from stabkit.errors import InvalidArgument
from stabkit.notions import Notion
from stabkit.property import Stable
from stabkit.rational import fraction
from stabkit.schemes import Scheme
from stabkit.verdict import PROVED, REFUTED, Evidence, Status

#: So many times the first step is doubled in search of one that is refuted.
_DOUBLINGS = 6


@dataclass(frozen=True)
class SharpStep:
    """Where stability ends; the sharp step lies between the two numbers.

    Attributes
    ----------
    certified : Fraction or None
        The largest step found with a certificate.
    refuted : Fraction or None
        The smallest step found with a witness.
    """

    certified: Fraction | None
    refuted: Fraction | None

    @property
    def gap(self) -> Fraction | None:
        """How much is left open between the two."""
        return None if self.certified is None or self.refuted is None else \
            self.refuted - self.certified


def sharp_step(scheme: Callable[[Fraction], Scheme], notion: Notion, start: Any, *,
               halvings: int = 10, trials: int = 512, seed: int = 0) -> SharpStep:
    """Enclose the sharp step of a family of schemes by exact bisection.

    Every step that is tried is a rational, decided by a certificate or a witness; none is decided
    in floating point.  It is taken for granted that a smaller step than a stable one is stable.
    Where neither a certificate nor a witness is found, each side is bisected on its own.

    Parameters
    ----------
    scheme : callable
        Takes a step size, returns the scheme.
    notion : Notion
    start : rational
        The first step to try, such as the claimed bound.
    halvings : int
        How often an interval is halved on each side.
    trials, seed : int
        As for :func:`stabkit.decide`.

    Examples
    --------
    >>> from stabkit import RANGE, Explicit, difference, fluxes
    >>> found = sharp_step(lambda tau: Explicit(difference(1, 4), fluxes.identity(), tau),
    ...                    RANGE, "1/2")
    >>> found.certified, float(found.refuted)
    (Fraction(1, 2), 0.50048828125)
    """
    first = fraction(start, "start")
    if first <= 0 or halvings < 1:
        raise InvalidArgument(f"start, halvings: must be positive, got {start} and {halvings}")

    def status(tau: Fraction) -> Status:
        return decide(Stable(scheme(tau), notion), trials=trials, seed=seed).status

    certified, open_from, open_to, refuted = _bracket(status, first)
    certified = _bisect(status, PROVED, certified, open_from, halvings)[0]
    refuted = _bisect(status, REFUTED, open_to, refuted, halvings)[1]
    return SharpStep(certified, refuted)


Bracket = tuple[Fraction | None, Fraction | None, Fraction | None, Fraction | None]


def _bracket(status: Callable[[Fraction], Status], tau: Fraction) -> Bracket:
    """Steps proved <= not proved, and not refuted <= refuted; None where none was found."""
    seen = {tau: status(tau)}
    for _ in range(_DOUBLINGS):
        if PROVED in seen.values():
            break
        low = min(seen) / 2
        seen[low] = status(low)
    for _ in range(_DOUBLINGS):
        if REFUTED in seen.values():
            break
        high = max(seen) * 2
        seen[high] = status(high)
    proved = max((step for step in seen if seen[step] is PROVED), default=None)
    not_proved = min((step for step in seen if seen[step] is not PROVED), default=None)
    refuted = min((step for step in seen if seen[step] is REFUTED), default=None)
    not_refuted = max((step for step in seen if seen[step] is not REFUTED), default=None)
    return proved, not_proved, not_refuted, refuted


def _bisect(status: Callable[[Fraction], Status], wanted: Status, low: Fraction | None,
            high: Fraction | None, halvings: int) -> tuple[Fraction | None, Fraction | None]:
    """Halve the interval between a step that is `wanted` and one that is not, on either side."""
    if low is None or high is None:
        return low, high
    for _ in range(halvings):
        middle = (low + high) / 2
        stays_low = (status(middle) is PROVED) if wanted is PROVED else \
            (status(middle) is not REFUTED)
        low, high = (middle, high) if stays_low else (low, middle)
    return low, high


@dataclass(frozen=True)
class StepBound:
    """The answer to "how large may the step be?", with what shows it.

    Attributes
    ----------
    certified, refuted : Fraction or None
        The largest step found with a certificate, the smallest one found with a witness.
    certificate, witness : tuple of Evidence
        What shows the one and the other; ``stabkit.replay`` accepts them.
    """

    certified: Fraction | None
    refuted: Fraction | None
    certificate: tuple[Evidence, ...] = field(default=(), repr=False)
    witness: tuple[Evidence, ...] = field(default=(), repr=False)


def step_bound(scheme: Scheme | Callable[[Fraction], Scheme], notion: Notion, start: Any = None, *,
               halvings: int = 10, trials: int = 512, seed: int = 0) -> StepBound:
    """The largest certified step of a scheme and the smallest refuted one.

    Parameters
    ----------
    scheme : Scheme or callable
        A scheme with a step ``tau`` or ``delta``, which is varied; or a function from a step to a
        scheme.
    notion : Notion
    start : rational, optional
        The first step to try; that of the scheme if left out, or 1 for a function.
    halvings, trials, seed : int
        As for :func:`sharp_step`.

    Examples
    --------
    >>> from stabkit import RANGE, Explicit, difference, fluxes
    >>> step_bound(Explicit(difference(1, 4), fluxes.soft(), 1), RANGE).certified
    Fraction(1, 2)
    """
    family, own = _family(scheme)
    found = sharp_step(family, notion, own if start is None else start, halvings=halvings,
                       trials=trials, seed=seed)

    def evidence(tau: Fraction | None) -> tuple[Evidence, ...]:
        return () if tau is None else decide(
            Stable(family(tau), notion), trials=trials, seed=seed).evidence

    return StepBound(found.certified, found.refuted, evidence(found.certified),
                     evidence(found.refuted))


def _family(scheme: Any) -> tuple[Callable[[Fraction], Scheme], Any]:
    if not isinstance(scheme, Scheme):
        if not callable(scheme):
            raise InvalidArgument("scheme: must be a scheme, or a function from a step to one; got "
                                  f"{type(scheme).__name__}")
        return scheme, 1
    name = next((name for name in ("tau", "delta") if hasattr(scheme, name)), None)
    if name is None:
        raise InvalidArgument(f"scheme: a {type(scheme).__name__} has no step to vary; give a "
                              "function from a step to a scheme")
    return lambda tau: replace(scheme, **{name: tau}), getattr(scheme, name)
