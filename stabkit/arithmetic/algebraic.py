"""Real algebraic numbers in readable form: roots of irreducible polynomials."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor, lcm, log10

from flint import fmpz

_DIGITS = 7     # of a decimal
_FACTORED = 10**40  # numbers up to it are searched for square factors
_SHORT = 40     # characters of a polynomial that is shown


@dataclass(frozen=True)
class Algebraic:
    """The one root of an irreducible polynomial between two positive numbers.

    Attributes
    ----------
    polynomial : tuple of int
        From the constant coefficient upwards.
    low, high : Fraction
        They enclose this root and no other, so tightly that they share its first digits.
    """

    polynomial: tuple[int, ...]
    low: Fraction
    high: Fraction

    def __float__(self) -> float:
        return float(self.low)

    def words(self, variable: str) -> str:
        """In square roots where it is quadratic, else by its polynomial; with first decimals."""
        decimal = f"{_truncate(self.low)}..."
        if len(self.polynomial) == 3:
            closed = self._quadratic()
            if closed is not None:
                return f"{closed} = {decimal}"
        text = _polynomial(self.polynomial, variable)
        if len(text) > _SHORT:
            text = f"a polynomial of degree {len(self.polynomial) - 1}"
        return f"{decimal} (root of {text})"

    def _quadratic(self) -> str | None:
        """(-b ± √(b² − 4ac))/(2a), in lowest terms."""
        c, b, a = self.polynomial
        inside = b * b - 4 * a * c
        if inside > _FACTORED:
            return None
        outside = 1
        for prime, power in fmpz(inside).factor():
            outside *= int(prime) ** (power // 2)
        inside //= outside**2
        middle = Fraction(-b, 2 * a)
        factor = Fraction(outside, 2 * a) * (1 if a > 0 else -1)
        if self.high < middle:
            factor = -factor
        whole = lcm(middle.denominator, factor.denominator)
        first, second = int(middle * whole), int(factor * whole)
        root = f"sqrt({inside})" if abs(second) == 1 else f"{abs(second)}*sqrt({inside})"
        sign = "-" if second < 0 else "+"
        over = f"/{whole}" if whole > 1 else ""
        if not first:
            return f"{root}{over}"
        text = f"{first} {sign} {root}" if first > 0 or sign == "-" else f"{root} - {-first}"
        return f"({text}){over}" if over else text


def _truncate(x: Fraction) -> str:
    """The first digits of a positive number."""
    digits = max(0, _DIGITS - 1 - floor(log10(float(x))))
    whole, rest = divmod(floor(x * 10**digits), 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def _polynomial(p: tuple[int, ...], variable: str) -> str:
    parts = []
    for k in reversed(range(len(p))):
        if p[k]:
            power = "" if not k else variable if k == 1 else f"{variable}^{k}"
            size = "" if abs(p[k]) == 1 and k else str(abs(p[k]))
            parts.append(("- " if p[k] < 0 else "+ ") + "*".join(filter(None, (size, power))))
    return " ".join(parts).removeprefix("+ ")
