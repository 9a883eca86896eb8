"""Local response normalisation: entries divided by a power of what stands around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Term, named
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, U, grow, norms
from stabkit.networks.layers.layer import Layer, Shape, Signal
from stabkit.operators.singular_values import upper_root


@dataclass(frozen=True, eq=False)
class LocalResponse(Layer):
    """x ↦ x/(k + a s)^(q/4), where s is the sum of x² over the channels around.

    Attributes
    ----------
    before, after : int
        How many channels on either side count.
    a, k : Fraction
        Positive.
    quarters : int
        q; so that powers are roots of roots, which floats round correctly.

    Notes
    -----
    With D = k + a s and β = q/4 the derivative is D^−β minus rows 2aβ x_i D^−(β+1) x_j.  As
    a s <= D, a row has the norm 2β k^−β at most; every channel stands in as many rows as a window
    is long, m, so the norm is at most k^−β (1 + 2β √m).
    """

    mixes: ClassVar[bool] = True

    before: int
    after: int
    a: Fraction
    k: Fraction
    quarters: int

    @property
    def is_linear(self) -> bool:
        return False

    @property
    def moves_zero(self) -> bool:
        return False

    @cached_property
    def bound(self) -> Fraction | None:
        fourth = upper_root(upper_root(1 / self.k))
        return fourth**self.quarters * (1 + Fraction(self.quarters, 2) * upper_root(
            Fraction(1 + self.before + self.after)))

    def _around(self, x: Signal, before: int, after: int) -> Signal:
        """The sums over the channels around, up to `before` in front and `after` behind."""
        total = x
        for away in range(1, min(before, x.shape[1] - 1) + 1):
            total = total + np.concatenate([0 * x[:, :away], x[:, :-away]], axis=1)
        for away in range(1, min(after, x.shape[1] - 1) + 1):
            total = total + np.concatenate([x[:, away:], 0 * x[:, :away]], axis=1)
        return total

    def _divisor(self, x: Signal) -> tuple[Signal, Signal]:
        """D, and its power."""
        a: Any
        k: Any
        a, k = (self.a, self.k) if x.dtype == object else (float(self.a), float(self.k))
        D = k + a * self._around(x * x, self.before, self.after)
        root = _root(_root(D))
        return D, root**self.quarters

    def apply(self, x: Signal, *more: Signal) -> Signal:
        return x / self._divisor(x)[1]

    def derivative(self, directions: Sequence[Signal], at: Sequence[Signal]) -> Signal:
        (x,), (d,) = at, directions
        D, power = self._divisor(x)
        return (d - float(self.a) * self.quarters / 2 * x / D * self._around(
            x * d, self.before, self.after)) / power

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        x, = at
        D, power = self._divisor(x)
        return [d / power - float(self.a) * self.quarters / 2 * x * self._around(
            x * d / D / power, self.after, self.before)]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        u = named(terms[0], "v")
        n, inner = shapes[0][0], int(np.prod(shapes[0][1:], dtype=int))
        near = sum(np.eye(n, k=away, dtype=int) for away in range(-self.before, self.after + 1))
        around = u.log.give_once((self, "around"), "W", lambda: fractions(
            np.kron(near, np.eye(inner, dtype=int))))
        root = named((self.k + self.a * (around @ (u * u))).call("sqrt").call("sqrt"), "v")
        for _ in range(self.quarters):
            u = u / root
        return u

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        middle, error = inputs[0]
        D, power = self._divisor(middle)
        out = middle / power
        error = np.where(np.isfinite(D).reshape(len(D), -1).all(axis=1), error, np.inf)
        own = (self.before + self.after + 3 * self.quarters + 16) * U
        return out, UP * (grow(self.bound, error) + own * norms(out)) + TINY


def _root(values: Signal) -> Signal:
    if values.dtype != object:
        return np.sqrt(values)
    with precision(64):
        made = [(value if isinstance(value, Interval) else Interval(value)).sqrt()
                for value in values.flat]
    return np.array(made, dtype=object).reshape(values.shape)
