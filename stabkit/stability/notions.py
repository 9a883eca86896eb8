"""What "stable" means: each notion is a signed margin, negative where it is violated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from stabkit.aliases import Function, Margin, Number, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.arithmetic.enclosure import Interval, as_interval
from stabkit.arithmetic.rational import Constant, fraction
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.arithmetic.transcript import Term, named
from stabkit.codes import NotionCode
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.proof.parts import Densities
from stabkit.proof.words import Expression
from stabkit.stability.sign_changes import changes_around, sign_changes


@dataclass(frozen=True)
class Words:
    """How a notion is said.

    Attributes
    ----------
    formula : str
        Its margin.
    says : str
        What it asks for, in ASCII.
    holds, fails : str
        What a sentence says of a network that keeps it, and of one that does not.
    """

    formula: str = ""
    says: str = ""
    holds: str = ""
    fails: str = ""


@dataclass(frozen=True, eq=False)
class Notion:
    """A notion of stability.

    Attributes
    ----------
    name : str
    signals : int
        1, or 2 for a statement on pairs of signals.
    margin : callable
        ``margin(u, u_plus)``, or ``margin(u, u_plus, v, v_plus)`` for pairs: the exact signed
        margin of one signal (fractions, intervals, or terms of a transcript).
    margins : callable
        The same for batches of float signals, relative to their size, for searching only.
    functional : callable or None
        The functional of an energy notion.
    meant : callable or None
        Makes the notion that was meant, where the constant of this one is a rounding.
    words : Words
    composes : bool
        Whether a composition keeps the notion if its parts do.
    kernel : NotionCode or None
        Its code in the compiled loops, if they know it.
    """

    name: str
    signals: int
    margin: Function
    margins: Callable[..., np.ndarray]
    functional: Callable[[Any], Any] | None = None
    meant: Callable[[], Notion] | None = None
    words: Words = Words()
    composes: bool = False
    kernel: NotionCode | None = None

    def as_meant(self) -> Notion:
        """The notion that was meant, with the numbers in place of floats; itself if it has none."""
        return self if self.meant is None else self.meant()

    def __repr__(self) -> str:
        return self.name


def squared_norm(u: Signal) -> Margin:
    """‖u‖² along the last axis."""
    if isinstance(u, Expression):
        return u.T @ u
    return u.call("norm2") if isinstance(u, Term) else namespace(u).sum(u * u, axis=-1)


def inner(u: Signal, v: Signal) -> Margin:
    """u·v."""
    return u.T @ v if isinstance(u, Expression) else u @ v


def smallest(u: Signal) -> Margin:
    """The smallest entry; of intervals, an enclosure of it."""
    if isinstance(u, Term):
        return u.call("min")
    if u.dtype == object:
        return _least(u)
    return u.min(axis=-1) if type(u) is np.ndarray else namespace(u).min(u, axis=-1)


def largest(u: Signal) -> Margin:
    """The largest entry; of intervals, an enclosure of it."""
    if isinstance(u, Term):
        return u.call("max")
    if u.dtype == object:
        return -_least(-u)
    return u.max(axis=-1) if type(u) is np.ndarray else namespace(u).max(u, axis=-1)


def _least(u: np.ndarray) -> Margin:
    return reduce(_lesser, u)


def _lesser(a: Signal, b: Signal) -> Margin:
    if isinstance(a, Interval) or isinstance(b, Interval):
        return as_interval(a).lesser(b)
    return min(a, b)


def _ratio(part: Signal, whole: Signal) -> Margin:
    with np.errstate(divide="ignore", invalid="ignore"):
        return namespace(part, whole).where(whole > 0, part / whole, 0.0)


def _euclidean(u: Signal, up: Signal) -> Margin:
    return squared_norm(u) - squared_norm(up)


def _euclidean_batch(u: np.ndarray, up: np.ndarray) -> np.ndarray:
    return _ratio(_euclidean(u, up), squared_norm(u))


def _contraction(u: Signal, up: Signal, v: Signal, vp: Signal) -> Margin:
    return squared_norm(u - v) - squared_norm(up - vp)


def _contraction_batch(u, up, v, vp) -> np.ndarray:
    return _ratio(_contraction(u, up, v, vp), squared_norm(u - v))


def _range(u: Signal, up: Signal) -> Margin:
    below, above = smallest(up) - smallest(u), largest(u) - largest(up)
    return below.call("min", above) if isinstance(u, Term) else _lesser(below, above)


def _range_batch(u: np.ndarray, up: np.ndarray) -> np.ndarray:
    # Relative to the range; a constant signal that moves is the worst violation.
    xp, low, high = namespace(u, up), smallest(u), largest(u)
    spread = high - low
    margin = xp.minimum(smallest(up) - low, high - largest(up))
    with np.errstate(divide="ignore", invalid="ignore"):
        return xp.where(spread > 0, margin / spread, margin)


def _sign(u: Signal, up: Signal) -> Margin:
    return sign_changes(u) - sign_changes(up)


def _cyclic_sign(u: Signal, up: Signal) -> Margin:
    return changes_around(u) - changes_around(up)


def _jumps(u: Signal) -> Margin:
    if not isinstance(u, Term) and u.shape[-1] < 2:
        raise InvalidArgument("u: a contrast needs at least two samples, got one")
    return abs(u[1:] - u[:-1]) if isinstance(u, Term) else abs(u[..., 1:] - u[..., :-1])


def _contrast(u: Signal, up: Signal) -> Margin:
    return largest(_jumps(u)) - largest(_jumps(up))


def _contrast_batch(u: np.ndarray, up: np.ndarray) -> np.ndarray:
    before = largest(_jumps(u))
    return _ratio(before - largest(_jumps(up)), before)


def _variation(u: Signal, up: Signal) -> Margin:
    before, after = _jumps(u), _jumps(up)
    if isinstance(before, Term):
        return before.call("sum") - after.call("sum")
    xp = namespace(before, after)
    return xp.sum(before, axis=-1) - xp.sum(after, axis=-1)


def _variation_batch(u: np.ndarray, up: np.ndarray) -> np.ndarray:
    return _ratio(_variation(u, up), namespace(u).sum(_jumps(u), axis=-1))


def _around(u: Signal) -> Margin:
    last = abs(u[:1] - u[-1:]) if isinstance(u, Term) else abs(u[..., 0] - u[..., -1])
    return last.call("sum") if isinstance(last, Term) else last


def _cyclic_variation(u: Signal, up: Signal) -> Margin:
    return _variation(u, up) + _around(u) - _around(up)


def _cyclic_variation_batch(u: np.ndarray, up: np.ndarray) -> np.ndarray:
    return _ratio(_cyclic_variation(u, up),
                  namespace(u).sum(_jumps(u), axis=-1) + _around(u))


def _extrema(u: Signal, up: Signal) -> Margin:
    return sign_changes(_rises(u)) - sign_changes(_rises(up))


def _rises(u: Signal) -> Margin:
    if not isinstance(u, Term) and u.shape[-1] < 2:
        raise InvalidArgument("u: extrema need at least two samples, got one")
    return u[1:] - u[:-1] if isinstance(u, Term) else u[..., 1:] - u[..., :-1]


def _mean(u: Signal, up: Signal) -> Margin:
    if isinstance(u, Term):
        return -abs(u.call("sum") - up.call("sum"))
    xp = namespace(u, up)
    return -abs(xp.sum(u, axis=-1) - xp.sum(up, axis=-1))


def _mean_batch(u: np.ndarray, up: np.ndarray) -> np.ndarray:
    return _ratio(_mean(u, up), namespace(u).sum(abs(u), axis=-1))


def _positivity(u: Signal, up: Signal) -> Margin:
    # Signals with a negative entry say nothing: their margin is 0.
    if isinstance(u, Term):
        condition = u.compare(smallest(u), ">=", 0).text
        return named(smallest(up).when(condition, u.log.term("0")), "least")
    return smallest(up) if smallest(u) >= 0 else Fraction(0)


def _positivity_batch(u: np.ndarray, up: np.ndarray) -> np.ndarray:
    return namespace(u, up).where(smallest(u) >= 0, _ratio(smallest(up), largest(u)), 0.0)


def _max_norm(u: Signal, up: Signal) -> Margin:
    return largest(abs(u)) - largest(abs(up))


def _max_norm_batch(u: np.ndarray, up: np.ndarray) -> np.ndarray:
    return _ratio(_max_norm(u, up), largest(abs(u)))


def sensitivity(factor: Number) -> Notion:
    """The notion ‖u⁺ − v⁺‖ <= C ‖u − v‖ with a given constant C >= 0."""
    square = Constant(fraction(factor, "factor") ** 2)
    if square <= 0:
        raise InvalidArgument(f"factor: must be positive, got {factor}")

    def margin(u: Signal, up: Signal, v: Signal, vp: Signal) -> Margin:
        return square * squared_norm(u - v) - squared_norm(up - vp)

    near = meaning(factor) if is_rounded(factor) else fraction(factor)
    return Notion(f"sensitivity at most {factor}", 2, margin, lambda u, up, v, vp: _ratio(
        margin(u, up, v, vp), square * squared_norm(u - v)),
        meant=None if near == fraction(factor) else lambda: sensitivity(near),
        words=CONSTANT_WORDS, composes=square <= 1)


CONSTANT_WORDS = Words("C²‖u − w‖² − ‖u⁺ − w⁺‖²", "|u+ - w+| <= L |u - w|",
                       "its Lipschitz constant is at most the one asked for",
                       "its Lipschitz constant is larger than the one asked for")
ENERGY_WORDS = Words("E(u) − E(u⁺)", "the block's energy does not grow",
                     "does not increase its energy", "increases its energy")

EUCLIDEAN = Notion(
    "euclidean", 1, _euclidean, _euclidean_batch, composes=True, kernel=NotionCode.EUCLIDEAN,
    words=Words("‖u‖² − ‖u⁺‖²", "|u+| <= |u|",
                "does not increase the Euclidean norm", "increases the Euclidean norm"))
CONTRACTION = Notion(
    "contraction", 2, _contraction, _contraction_batch, composes=True,
    kernel=NotionCode.CONTRACTION,
    words=Words("‖u − w‖² − ‖u⁺ − w⁺‖²", "|u+ - w+| <= |u - w|",
                "does not increase the distance of two inputs", "drives two inputs apart"))
RANGE = Notion(
    "range", 1, _range, _range_batch, composes=True, kernel=NotionCode.RANGE,
    words=Words("min(min u⁺ − min u, max u − max u⁺)", "min u <= u+ <= max u",
                "keeps the range of its input", "leaves the range of its input"))
SIGN = Notion(
    "sign", 1, _sign, _sign, composes=True, kernel=NotionCode.SIGN,
    words=Words("S(u) − S(u⁺)", "no more sign changes",
                "makes no sign changes", "makes sign changes"))
CYCLIC_SIGN = Notion(
    "cyclic sign", 1, _cyclic_sign, _cyclic_sign, composes=True,
    words=Words("S∘(u) − S∘(u⁺)", "no more sign changes around the circle",
                "makes no sign changes around the circle",
                "makes sign changes around the circle"))
CONTRAST = Notion(
    "contrast", 1, _contrast, _contrast_batch, composes=True,
    words=Words("max |uᵢ₊₁ − uᵢ| − max |u⁺ᵢ₊₁ − u⁺ᵢ|", "no larger jumps",
                "makes no larger jumps", "makes larger jumps"))
VARIATION = Notion(
    "variation", 1, _variation, _variation_batch, composes=True,
    words=Words("Σ |uᵢ₊₁ − uᵢ| − Σ |u⁺ᵢ₊₁ − u⁺ᵢ|", "TV(u+) <= TV(u)",
                "does not increase the total variation", "increases the total variation"))
CYCLIC_VARIATION = Notion(
    "cyclic variation", 1, _cyclic_variation, _cyclic_variation_batch, composes=True,
    words=Words("Σ |uᵢ₊₁ − uᵢ| − Σ |u⁺ᵢ₊₁ − u⁺ᵢ| + |u₁ − uₙ| − |u⁺₁ − u⁺ₙ|",
                "TV(u+) <= TV(u) around the circle",
                "does not increase the total variation around the circle",
                "increases the total variation around the circle"))
EXTREMA = Notion(
    "extrema", 1, _extrema, _extrema, composes=True,
    words=Words("S(u₂ − u₁, …) − S(u⁺₂ − u⁺₁, …)", "no more extrema",
                "makes no new extrema", "makes new extrema"))
MEAN = Notion(
    "mean", 1, _mean, _mean_batch, composes=True,
    words=Words("−|Σ uᵢ − Σ u⁺ᵢ|", "Σ u+ = Σ u",
                "keeps the mean of its input", "changes the mean"))
POSITIVITY = Notion(
    "positivity", 1, _positivity, _positivity_batch, composes=True,
    words=Words("min u⁺ where min u >= 0, else 0", "u+ >= 0 for u >= 0",
                "keeps nonnegative signals nonnegative", "makes a nonnegative signal negative"))
MAX_NORM = Notion(
    "max norm", 1, _max_norm, _max_norm_batch, composes=True,
    words=Words("max |u| − max |u⁺|", "max|u+| <= max|u|",
                "does not increase the largest modulus", "increases the largest modulus"))

NAMED = {notion.name: notion for notion in (
    EUCLIDEAN, CONTRACTION, RANGE, SIGN, CYCLIC_SIGN, CONTRAST, VARIATION, CYCLIC_VARIATION,
    EXTREMA, MEAN, POSITIVITY, MAX_NORM)}


def as_notion(notion: Any) -> Notion:
    """A notion, or the one of that name.

    Raises
    ------
    InvalidArgument
        If it is neither; the message lists the names.
    """
    if isinstance(notion, Notion):
        return notion
    if isinstance(notion, str) and notion in NAMED:
        return NAMED[notion]
    raise InvalidArgument(f"notion: must be one of {', '.join(NAMED)}, or energy(E), or "
                          f"sensitivity(C), got {notion!r}")


@dataclass(frozen=True, eq=False)
class Energy:
    """The functional E(u) = Σᵢ Ψ((K u)ᵢ) of a diffusion."""

    K: Operator
    flux: Flux

    def meant(self) -> Energy:
        """With the operator and the flux that were meant; itself if it is of them."""
        K, flux = self.K.meant(), self.flux.meant()
        return self if K is self.K and flux is self.flux else replace(self, K=K, flux=flux)

    def __call__(self, u: Signal) -> Margin:
        density = self.flux.regulariser(self.K @ u)
        if isinstance(density, (Term, Densities)):
            return density.call("sum")
        return namespace(density).sum(density, axis=-1)


@dataclass(frozen=True, eq=False)
class Decrease:
    """The margin of the notion that a functional does not grow."""

    functional: Callable[[Any], Any]

    def __call__(self, u: Signal, up: Signal) -> Margin:
        return self.functional(u) - self.functional(up)


def _floats(values: Any) -> Any:
    """A functional with fractions in it gives object arrays for floats."""
    return values.astype(float) if isinstance(values, np.ndarray) and values.dtype.kind == "O" \
        else values


def energy(functional: Callable[[Any], Any]) -> Notion:
    """The notion "the functional does not grow"."""
    if not callable(functional):
        raise InvalidArgument(f"functional: must be callable, got {functional!r}")

    margin = Decrease(functional)
    near = functional.meant() if isinstance(functional, Energy) else functional
    return Notion("energy", 1, margin,
                  lambda u, up: _ratio(_floats(margin(u, up)), abs(_floats(functional(u)))),
                  functional, None if near is functional else lambda: energy(near),
                  words=ENERGY_WORDS, composes=True)
