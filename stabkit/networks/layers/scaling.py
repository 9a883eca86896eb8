"""x ↦ f x + b, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stabkit.arithmetic.rational import fraction, fractions
from stabkit.arithmetic.transcript import Term
from stabkit.networks.layers.layer import Change, Layer, Shape, Signal, Weights, beside


@dataclass(frozen=True, eq=False)
class Scaling(Layer):
    """x ↦ f x + b, entry by entry: constants, step sizes, normalisation in inference form.

    Attributes
    ----------
    factors, bias : ndarray or None
        Of a shape that broadcasts to the signal's; None is one and zero.
    """

    factors: Weights | None
    bias: Weights | None = None

    def apply(self, x: Signal, *more: Signal) -> Signal:
        if self.factors is not None:
            x = beside(self.factors, x) * x
        return x if self.bias is None else x + beside(self.bias, x)

    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        return [d if self.factors is None else d * self.factors]

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        u = terms[0]
        if self.factors is not None:
            u = self._vector("factors", "f", u, shape) * u
        return u if self.bias is None else u + self._vector("bias", "b", u, shape)

    def _vector(self, part: str, name: str, u: Term, shape: Shape) -> Term:
        return u.log.give_once((self, part), name, lambda: fractions(
            np.broadcast_to(getattr(self, part), shape)).ravel())

    @property
    def square(self) -> Fraction:
        return Fraction(1) if self.factors is None else fraction(np.max(np.abs(self.factors))) ** 2

    @property
    def size(self) -> Fraction:
        return self.bound or Fraction(0) if self.factors is not None else Fraction(0)

    @property
    def roundings(self) -> int:
        return 4

    def constant_beside(self, shape: Shape) -> Weights | None:
        return self.bias

    @property
    def transpose(self) -> Scaling:
        return self.without_bias()

    @property
    def factor(self) -> Fraction | None:
        factors = np.ravel(1 if self.factors is None else self.factors)
        same = factors[0] != 0 and bool((factors == factors[0]).all())
        return fraction(factors[0]) if same else None

    def map_weights(self, change: Change) -> tuple[Layer, list[str]]:
        if self.factors is None:
            return self, []
        values, said = change(self.factors, False)
        return (self.with_parts(factors=values) if said else self), said
