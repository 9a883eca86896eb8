"""A function of float arrays, judged by the numbers it returns.

Such a function has no exact form to look at, and its rounding errors are part of it.  So a
violation counts only where no output near the computed one would keep the notion: every entry of
an output may be off by

    δ = rounding · N · eps · max(|u|, |u⁺|)

(the largest entries in modulus, eps of the coarser dtype), and the margin over that box, enclosed
in intervals, must be negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import fractions
from stabkit.errors import InvalidArgument, Undecided
from stabkit.schemes import Function, as_count
from stabkit.schemes.foreign_steps import floats
from stabkit.stability.falsify.exactness import Signals
from stabkit.stability.invariants import StaysIn
from stabkit.stability.notions import POSITIVITY, SIGN, Notion

_HUGE = 1e300  # in place of what is not finite
_BITS = 256  # of the enclosure of a margin; the box is far wider than its rounding


@dataclass(frozen=True, eq=False)
class Computed(Function):
    """A function u ↦ u⁺ of one float array of shape (N,), called once per signal.

    Parameters
    ----------
    function : callable
    length : int
        N.
    dtype : dtype
        float64 or float32, of the arrays that it is given.
    rounding : int
        How many units of N eps every output may be off.
    """

    dtype: Any = np.float64
    rounding: int = 64

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", as_count(self.length, "size"))
        if np.dtype(self.dtype) not in (np.float32, np.float64):
            raise InvalidArgument(f"dtype: must be float32 or float64, got {self.dtype!r}")
        object.__setattr__(self, "rounding", as_count(self.rounding, "rounding"))

    def value(self, u: np.ndarray) -> np.ndarray:
        """The output for one signal, of a copy: the function may work in place."""
        with np.errstate(all="ignore"):
            output = floats(np.asarray(self.function(np.array(u, dtype=self.dtype))))
        if output.shape != (self.length,) or output.dtype.kind not in "biuf":
            raise InvalidArgument(
                f"scheme: must return a real array of shape {(self.length,)}, got shape "
                f"{output.shape} and dtype {output.dtype}{_remedy(output)}")
        return output

    def pair(self, x: Signal) -> tuple[np.ndarray, np.ndarray]:
        """A batch of signals as the function sees them, and its outputs, in float64."""
        u = np.asarray(x).astype(self.dtype)
        return u.astype(float), np.array([self.value(row) for row in u], dtype=float)

    def evaluate(self, signals: Signals) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """The floats nearest to exact signals, and the outputs there."""
        inputs = tuple(u.astype(float).astype(self.dtype) for u in signals)
        return inputs, tuple(self.value(u) for u in inputs)

    def margin(self, notion: Notion, signals: Signals) -> Fraction | Interval:
        """The exact margin of the numbers returned; the rounding allowance is not in it."""
        pairs = zip(*self.evaluate(signals), strict=True)
        with precision(_BITS):
            margin = notion.margin(*(fractions(part) for pair in pairs for part in pair))
        return margin if isinstance(margin, Interval) else Fraction(margin)

    def violates(self, notion: Notion, signals: Signals) -> bool:
        """Whether an output is not finite, or no outputs within δ would keep the notion.

        Where the notion asks nothing of a signal, such as one outside a box, no output breaks it.
        """
        inputs, outputs = self.evaluate(signals)
        if not all(np.isfinite(part).all() for part in outputs):
            if notion is not POSITIVITY and not isinstance(notion, StaysIn):
                return True
            outputs = tuple(np.where(np.isfinite(part), part, -_HUGE) for part in outputs)
        allowance = self.allowance(inputs, outputs)
        with precision(_BITS):
            parts = [part for u, output in zip(inputs, outputs, strict=True)
                     for part in (fractions(u), _box(output, allowance, notion))]
            try:
                return bool(notion.margin(*parts) < 0)
            except Undecided:
                return False

    def allowance(self, inputs: Signals, outputs: Signals) -> Fraction:
        """δ."""
        largest = max(float(np.abs(part).max()) for part in (*inputs, *outputs))
        eps = max(float(np.finfo(part.dtype).eps) for part in (*inputs, *outputs)
                  if part.dtype.kind == "f")
        return self.rounding * self.length * Fraction(eps) * Fraction(largest)


def _remedy(output: np.ndarray) -> str:
    several = output.dtype.kind == "c" or (output.dtype.kind == "O" and any(
        isinstance(entry, (complex, np.complexfloating)) for entry in output.flat))
    return "; of complex numbers take two fields, np.stack([z.real, z.imag])" if several else ""


def _box(output: np.ndarray, allowance: Fraction, notion: Notion) -> np.ndarray:
    entries = np.empty(output.shape, dtype=object)
    for place, value in enumerate(fractions(output)):
        # An entry that may be 0 counts as 0: it adds no change of sign.
        entries[place] = Fraction(0) if notion is SIGN and abs(value) <= allowance else \
            Interval(value - allowance, value + allowance)
    return entries
