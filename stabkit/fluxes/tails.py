"""An expression far from 0, written so that intervals enclose it there.

On an endless interval ∞/∞ and 0·∞ say nothing.  There the normal form of an expression is a
quotient of sums of |s|ᵃ exp(b₁|s| + b₂|s|² + ...) times what is bounded; numerator and denominator
are divided by what grows fastest in each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import ceil, inf
from operator import mul

import numpy as np

from stabkit.arithmetic.flint_rationals import from_fmpq
from stabkit.arithmetic.quotient import Polynomial, Quotient, Unresolved
from stabkit.arithmetic.rational import Constant
from stabkit.errors import InvalidArgument
from stabkit.fluxes.expression import VARIABLE, Expression, as_expression
from stabkit.fluxes.normal_form import Forms, in_all_cases

_BOUNDED: dict[str, Callable[[Expression], Expression]] = {
    "arctan": np.arctan, "erf": lambda x: x.erf(), "sin": np.sin, "cos": np.cos}


@dataclass(frozen=True)
class _Growth:
    """|s|ᵃ exp(Σ bₙ |s|ⁿ): the power a, and bₙ by n."""

    power: Fraction = Fraction(0)
    rates: tuple[Fraction, ...] = ()

    def __mul__(self, other: _Growth) -> _Growth:
        count = max(len(self.rates), len(other.rates))
        rates = [a + b for a, b in zip(*(part.rates + (Fraction(0),) * (count - len(part.rates))
                                         for part in (self, other)), strict=True)]
        while rates and rates[-1] == 0:
            rates.pop()
        return _Growth(self.power + other.power, tuple(rates))

    def __pow__(self, exponent: Fraction | int) -> _Growth:
        rates = tuple(exponent * rate for rate in self.rates) if exponent else ()
        return _Growth(exponent * self.power, rates)

    def order(self, count: int) -> tuple[Fraction, ...]:
        """By which growths are compared: the fastest exponential first."""
        rates = self.rates + (Fraction(0),) * (count - len(self.rates))
        return *rates[::-1], self.power


_Part = tuple[_Growth, Expression]  # a growth times what is bounded


def far_out(expression: Expression, start: Fraction, side: int) -> Expression | None:
    """The expression for s >= start (side 1) or s <= −start (side −1); None if it is not bounded
    there, or no such form is known."""
    low, high = (start, inf) if side > 0 else (-inf, -start)
    try:
        (forms, form), *more = in_all_cases(low, high, expression)
        if more:
            return None
        tail = _Tail(forms, side)
        growth, bounded = tail.of(form)
        return tail.fading(growth) * bounded
    except (Unresolved, ArithmeticError, ValueError, InvalidArgument):
        return None


class _Tail:
    def __init__(self, forms: Forms, side: int):
        self.forms, self.t = forms, as_expression(VARIABLE if side > 0 else -VARIABLE)
        self.keys = {place: key for key, place in forms.atoms.items()}

    def of(self, form: Quotient) -> _Part:
        """A quotient as its growth and what is left."""
        (above, num), (below, den) = map(self._sum, (form.num, form.den))
        return above * below**-1, num / den

    def _sum(self, p: Polynomial) -> _Part:
        terms = [(self._product(powers), from_fmpq(factor))
                 for powers, factor in p.to_dict().items()]
        if not terms:
            return _Growth(), as_expression(0)
        count = max(len(growth.rates) for (growth, _), _ in terms)
        fastest = max((growth for (growth, _), _ in terms), key=lambda one: one.order(count))
        total = as_expression(0)
        for (growth, bounded), factor in terms:
            total = total + Constant(factor) * (self.fading(growth * fastest**-1) * bounded)
        return fastest, total

    def _product(self, powers: tuple[int, ...]) -> _Part:
        found = [self._atom(place, int(power)) for place, power in enumerate(powers) if power]
        growth = reduce(mul, (one for one, _ in found), _Growth())
        return growth, reduce(mul, (one for _, one in found), as_expression(1))

    def _atom(self, place: int, power: int) -> _Part:
        key, one = self.keys[place], as_expression(1)
        if key == "t":
            return _Growth(Fraction(power)), one
        if place in self.forms.exponents:
            degree, rate = self.forms.exponents[place]
            if degree == 0:
                return _Growth(), as_expression(Constant(rate * power)).exp()
            return _Growth(rates=(Fraction(0),) * (degree - 1) + (rate * power,)), one
        if key == "root of pi":
            return _Growth(), Expression.pi().sqrt() ** power
        if key.startswith("root of "):
            square = next(form for index, form in self.forms.squares if index == place)
            growth, bounded = self.of(square)
            return growth ** Fraction(power, 2), bounded.sqrt() ** power
        if place in self.forms.arguments:
            name, inner = self.forms.arguments[place]
            growth, bounded = self.of(inner)
            if name in _BOUNDED:
                return _Growth(), _BOUNDED[name](self._write(growth) * bounded) ** power
            if name == "exp":
                return _Growth(), np.exp(self.fading(growth) * bounded) ** power
            if name == "log" and growth == _Growth():
                return growth, np.log(bounded) ** power
        raise Unresolved(f"the growth of {key}")

    # -- growths as expressions --------------------------------------------------------------------
    def fading(self, growth: _Growth) -> Expression:
        """A growth that is bounded, by xᵏ e⁻ˣ where a power would not be."""
        power, made = growth.power, as_expression(1)
        falling = [(n, -rate) for n, rate in enumerate(growth.rates, 1) if rate]
        if any(rate < 0 for _, rate in falling) or (power > 0 and not falling):
            raise Unresolved("grows")
        for n, rate in falling[::-1]:
            x = Constant(rate) * self.t**n
            k = max(ceil(power / n), 0)
            made = made * (x.decay(k) / Constant(rate)**k if k else np.exp(-x))
            power -= k * n
        return made * self._to_power(power) if power else made

    def _write(self, growth: _Growth) -> Expression:
        made = self._to_power(growth.power) if growth.power else as_expression(1)
        for n, rate in enumerate(growth.rates, 1):
            if rate:
                made = made * np.exp(Constant(rate) * self.t**n)
        return made

    def _to_power(self, power: Fraction) -> Expression:
        if power < 0:
            return 1 / self._to_power(-power)
        if power.denominator == 1:
            return self.t ** int(power)
        if power.denominator == 2:
            return np.sqrt(self.t) ** int(2 * power)
        raise Unresolved("a power that is no half of a whole number")
