"""Quotients of polynomials in many variables, in lowest terms."""

from __future__ import annotations

from typing import Any

Polynomial = Any

_LONGEST = 4000  # terms of a polynomial


class Unresolved(Exception):
    """An expression that has no normal form here."""


class Quotient:
    """Numerator over denominator, without common factors, the denominator monic."""

    __slots__ = ("den", "num")

    def __init__(self, num: Polynomial, den: Polynomial):
        if den.is_zero():
            raise Unresolved("a denominator vanishes")
        if len(num) > _LONGEST or len(den) > _LONGEST:
            raise Unresolved("too long")
        if not den.is_constant():
            common = num.gcd(den)
            if not common.is_constant():
                num, den = divmod(num, common)[0], divmod(den, common)[0]
        lead = den.leading_coefficient()
        self.num, self.den = num * (1 / lead), den * (1 / lead)

    @property
    def text(self) -> str:
        return f"{self.num} / {self.den}"
