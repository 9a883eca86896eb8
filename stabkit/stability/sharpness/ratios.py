"""Bounds of what is not linear, valid for all inputs of a box or for all inputs at all.

An operation φ is written as r·L with a linear form L of the inputs and a ratio r in an interval:
2ab/(a + b) of two slopes of one sign is r·a with r in [0, 2], exp(−d²)·d is r·d with r in [0, 1].
Functions of two forms that scale with them are bounded exactly, by the signs of polynomials in the
quotient of the two; the others by the rules of intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf, isqrt
from typing import Any

from stabkit.tracing.trees import Operation, Sum

Bounds = tuple[Fraction | None, Fraction | None]  # None is infinity
Form = tuple[tuple[int, Fraction], ...]
ALL: Bounds = (None, None)
ZERO, ONE = Fraction(0), Fraction(1)
_ROOT_BITS = 40  # of a root that is irrational
#: Functions with f(0) = 0: bounds of f(s)/s, and of f.
_RATIOS: dict[str, tuple[Bounds, Bounds]] = {
    "tanh": ((ZERO, ONE), (-ONE, ONE)), "arctan": ((ZERO, ONE), (Fraction(-2), Fraction(2))),
    "sin": ((-ONE, ONE), (-ONE, ONE)),
}
EXTREMES = ("maximum", "minimum", "fmax", "fmin")
_CONDITIONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal",
               "logical_and", "logical_or", "logical_not"}


@dataclass(frozen=True)
class Ratio:
    """φ = r·form with low <= r <= high."""

    form: Form
    low: Fraction
    high: Fraction


def times(a: Bounds, b: Bounds) -> Bounds:
    """All products."""
    ends = [x * y if x and y else ZERO for x in _ends(a) for y in _ends(b)]
    low, high = min(ends), max(ends)
    return (None if low == -inf else low), (None if high == inf else high)


def _ends(a: Bounds) -> tuple[Any, Any]:
    return (-inf if a[0] is None else a[0]), (inf if a[1] is None else a[1])


def plus(a: Bounds, b: Bounds) -> Bounds:
    """All sums."""
    return (None if a[0] is None or b[0] is None else a[0] + b[0],
            None if a[1] is None or b[1] is None else a[1] + b[1])


def scale_bounds(a: Bounds, c: Fraction) -> Bounds:
    """All multiples by c."""
    return times(a, (c, c)) if c else (ZERO, ZERO)


def hull(a: Bounds, b: Bounds) -> Bounds:
    """What holds both."""
    return (None if a[0] is None or b[0] is None else min(a[0], b[0]),
            None if a[1] is None or b[1] is None else max(a[1], b[1]))


def inverse(a: Bounds) -> Bounds:
    """All of 1/x; everything where 0 may be among them."""
    low, high = a
    if low is not None and low > 0:
        return (ZERO if high is None else 1 / high), 1 / low
    if high is not None and high < 0:
        return 1 / high, (ZERO if low is None else 1 / low)
    return ALL


class Inputs:
    """Bounds over all inputs with low <= u <= high.

    Parameters
    ----------
    box : mapping of int to Bounds
        For the inputs by their numbers; what is missing is unbounded.
    """

    def __init__(self, box: Mapping[int, Bounds]):
        self.box = box
        self.known: dict[Any, Bounds] = {}

    def of_sum(self, s: Sum) -> Bounds:
        """All values of a sum."""
        s = self.settle_signs(s)
        total: Bounds = (s.constant, s.constant)
        for k, c in s.linear:
            total = plus(total, scale_bounds(self.box.get(k, ALL), c))
        for c, node in s.nodes:
            total = plus(total, scale_bounds(self.of(node), c))
        return total

    def settle_signs(self, s: Sum) -> Sum:
        """The sum, with |v| as v or −v where v has one sign for all inputs."""
        signs = [(c, node, self._sign_of(node)) for c, node in s.nodes]
        if not any(sign for _, _, sign in signs):
            return s
        constant, linear = s.constant, dict(s.linear)
        nodes = [(c, node) for c, node, sign in signs if not sign]
        for c, node, sign in signs:
            if sign:
                inner = self.settle_signs(node.parts[0])
                constant += sign * c * inner.constant
                for k, a in inner.linear:
                    linear[k] = linear.get(k, ZERO) + sign * c * a
                nodes += [(sign * c * a, other) for a, other in inner.nodes]
        return Sum(constant, tuple(sorted((k, a) for k, a in linear.items() if a)), tuple(nodes))

    def _sign_of(self, node: Operation) -> int:
        """1 or −1 where a modulus is that of what has this sign, else 0."""
        if node.name not in ("absolute", "fabs"):
            return 0
        low, high = self.of_sum(node.parts[0])
        return 1 if low is not None and low >= 0 else -1 if high is not None and high <= 0 else 0

    def of(self, node: Operation) -> Bounds:
        """All values of an operation."""
        if node not in self.known:
            self.known[node] = self._of(node)
        return self.known[node]

    def _of(self, node: Operation) -> Bounds:
        name = node.name
        if name in _CONDITIONS:
            return ZERO, ONE
        if name == "where":
            return hull(*map(self.of_sum, node.parts[1:]))
        parts = list(map(self.of_sum, node.parts))
        if name == "sum":
            return parts[0]
        if name == "multiply":
            return _square(parts[0]) if node.parts[0] == node.parts[1] else times(*parts)
        if name == "divide":
            return times(parts[0], inverse(parts[1]))
        if name in ("absolute", "fabs"):
            return _absolute(parts[0])
        if name in _RATIOS:
            return parts[0] if parts[0] == (ZERO, ZERO) else _RATIOS[name][1]
        if name in EXTREMES:
            return _extreme(parts[0], parts[1], name in ("maximum", "fmax"))
        if name == "sign":
            return -ONE, ONE
        if name == "cos":
            return -ONE, ONE
        if name == "exp":
            low, high = parts[0]
            return ZERO if low is None or low < 0 else ONE, ONE if high is not None and \
                high <= 0 else None
        if name == "sqrt":
            low, high = parts[0]
            return root(max(low or ZERO, ZERO)), None if high is None else \
                root(max(high, ZERO), upwards=True)
        if name == "hypot":
            low, high = plus(*map(_square, parts))
            return root(low or ZERO), None if high is None else root(high, upwards=True)
        return ALL

    # -- ratios ----------------------------------------------------------------------------------
    def ratio_of_sum(self, s: Sum, form: Form) -> Bounds | None:
        """r with s = r·form, for all inputs; None where there is none."""
        s = self.settle_signs(s)
        if s.constant:
            return None
        total: Bounds = (ZERO, ZERO)
        if s.linear:
            c = multiple(s.linear, form)
            if c is None:
                return None
            total = (c, c)
        for c, node in s.nodes:
            r = self.ratio(node, form)
            if r is None:
                return None
            total = plus(total, scale_bounds(r, c))
        return total

    def ratio(self, node: Operation, form: Form) -> Bounds | None:
        """r with φ = r·form."""
        name, parts = node.name, node.parts
        if name == "sum":
            return self.ratio_of_sum(parts[0], form)
        if name == "multiply":
            found = [times(r, self.of_sum(b)) for a, b in (parts, parts[::-1])
                     if (r := self.ratio_of_sum(a, form)) is not None]
            return min(found, key=_width) if found else None
        if name == "divide":
            r = self.ratio_of_sum(parts[0], form)
            return None if r is None else times(r, inverse(self.of_sum(parts[1])))
        if name in _RATIOS:
            r = self.ratio_of_sum(parts[0], form)
            return None if r is None else times(r, _RATIOS[name][0])
        if name in ("absolute", "fabs"):
            r = self.ratio_of_sum(parts[0], form)
            return None if r is None else hull(r, scale_bounds(r, -ONE))
        if name in EXTREMES and (inner := _beside_number(node)) is not None:
            r = self.ratio_of_sum(inner, form)
            return None if r is None else times(r, (ZERO, ONE))
        if name in ("where", *EXTREMES):
            both = [self.ratio_of_sum(part, form) for part in parts[-2:]]
            return None if None in both else hull(both[0], both[1])  # type: ignore[arg-type]
        return None


def _beside_number(node: Operation) -> Sum | None:
    """s in min(s, c) with c >= 0 or max(s, c) with c <= 0, which are r·s with 0 <= r <= 1."""
    sign = 1 if node.name in ("minimum", "fmin") else -1
    for s, number in (node.parts, node.parts[::-1]):
        if not number.linear and not number.nodes and sign * number.constant >= 0:
            return s
    return None


def _width(a: Bounds) -> Any:
    return (1, ZERO) if None in a else (0, a[1] - a[0])  # type: ignore[operator]


def _square(a: Bounds) -> Bounds:
    low, high = _absolute(a)
    return low * low, None if high is None else high * high  # type: ignore[operator]


def root(x: Fraction, upwards: bool = False) -> Fraction:
    """√x, or where that is irrational a fraction just below it, or just above."""
    shift = 0 if isqrt(square := x.numerator * x.denominator)**2 == square else _ROOT_BITS
    whole = isqrt(square << 2 * shift)
    return Fraction(whole + (1 if shift and upwards else 0), x.denominator << shift)


def _absolute(a: Bounds) -> Bounds:
    low, high = a
    least = low if low is not None and low > 0 else -high if high is not None and high < 0 else ZERO
    return least, None if low is None or high is None else max(-low, high)


def _extreme(a: Bounds, b: Bounds, largest: bool) -> Bounds:
    if not largest:
        low, high = _extreme(scale_bounds(a, -ONE), scale_bounds(b, -ONE), True)
        return None if high is None else -high, None if low is None else -low
    low = a[0] if b[0] is None else b[0] if a[0] is None else max(a[0], b[0])
    return low, None if a[1] is None or b[1] is None else max(a[1], b[1])


def multiple(a: Form, b: Form) -> Fraction | None:
    """c with a = c·b, or None."""
    if not b or len(a) != len(b):
        return None
    c = a[0][1] / b[0][1]
    return c if all(i == j and x == c * y for (i, x), (j, y) in zip(a, b, strict=True)) else None


def forms_below(node: Operation) -> list[Form]:
    """The linear forms without constants that an operation is made of, each once."""
    found: dict[Form, None] = {}

    def look(s: Sum) -> None:
        if s.linear and not s.constant and all(
                multiple(s.linear, other) is None for other in found):
            found[s.linear] = None
        for _, inner in s.nodes:
            for part in inner.parts:
                look(part)

    for part in node.parts:
        look(part)
    return list(found)


def ratios(node: Operation, inputs: Inputs) -> Iterator[Ratio]:
    """The ways to write an operation as a bounded multiple of a linear form."""
    forms = forms_below(node)
    for form in forms:
        r = inputs.ratio(node, form)
        if r is not None and r[0] is not None and r[1] is not None:
            yield Ratio(form, r[0], r[1])
