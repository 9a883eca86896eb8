"""Short fast semi-iterative cycles (alt2021, eq. (7)) with a monotone flux evaluated anew.

For slopes in [0, L] the right side KᵀΦ(K u) is the gradient of a convex function F, and any two
visits satisfy F(u) − F(v) − h·(u − v) >= |g − h|²/(2L|K|²), g and h the gradients at u and v.  A
sum of such inequalities, in which the values of F cancel, and squares make up |u⁰|² − |uⁿ|².  The
multipliers were found by semidefinite programming, for τ = 2 and L|K|² = 1, and rounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from stabkit.proof import algebra, facts, symbols
from stabkit.proof.aliases import Record
from stabkit.proof.elimination import by_equations
from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import Expression

#: Between visits i and j; number n is the signal 0, and beyond it stand the mirrored visits.
MULTIPLIERS: dict[tuple[int, bool], dict[tuple[int, int], str]] = {
    (1, False): {(0, 1): "8/3", (1, 0): "8/3"},
    (2, False): {(0, 1): "17/10", (0, 2): "3/2", (1, 2): "13/2", (2, 0): "16/5", (2, 1): "24/5"},
    (3, True): {
        (0, 1): "1", (0, 6): "27/28", (1, 2): "227/56", (1, 4): "3/8", (2, 0): "1/4",
        (2, 4): "75/56", (2, 5): "24/7", (2, 6): "53/28"},
    (4, True): {
        (0, 1): "247/144", (0, 3): "5/16", (1, 2): "11/4", (1, 5): "175/144", (1, 6): "5/16",
        (1, 8): "23/16", (2, 3): "169/36", (2, 6): "5/2", (3, 0): "1/4", (3, 5): "9/16",
        (3, 6): "19/16", (3, 7): "40/9", (3, 8): "241/144"},
}
Row = list[Fraction]  # how much of u⁰ and of τKᵀf₀/2, τKᵀf₁/2, ... a vector is


def theorems() -> Iterator[Theorem]:
    for odd in (False, True):
        for n in range(1, 5 if odd else 3):
            yield _cycle(n, odd)


def _cycle(n: int, odd: bool) -> Theorem:
    s = Symbols()
    tau, L, c = s.parameter("tau"), s.parameter("L"), s.parameter("c", ">= 0")
    s.assume("step", 2 - tau * L * c)
    K = s.operator("K", bound=c)
    flux = s.flux(sector=(0, L), slopes=(0, L), odd=odd, from_zero=True)
    u = before = now = s.vector("u")
    for k in range(n):
        alpha = Fraction(4 * k + 2, 2 * k + 3)
        now, before = alpha * (now - tau * (K.T @ flux(K @ now))) + (1 - alpha) * before, now
    statement = s.shows(f"{symbols.norm2(u)} - {symbols.norm2(now)}")
    return Theorem(
        f"fast semi-iterative cycle of {n}, monotone" + " and odd" * odd + " flux, euclidean",
        f"|u_{n}| <= |u_0| for every K, a monotone" + " and odd" * odd + " flux with Phi(0) = 0, "
        "slopes <= L, evaluated anew in every inner step, and 0 < tau <= 2/(L |K|^2).",
        statement, _proof(statement, n, MULTIPLIERS[n, odd and n > 2]))


def _proof(statement: Any, n: int, multipliers: dict[tuple[int, int], str]) -> Record:
    steps: list[Record] = []
    for (i, j), times in multipliers.items():
        x = f"{_value(i, n)} - {_value(j, n)}"
        steps += [
            {"use": "interpolation", "at": [_visit(j, n), _visit(i, n)], "times": f"{times}*tau/4"},
            {"use": "bound", "of": "K.T", "x": x, "times": f"{times}*tau**2*L/8"},
            {"use": "square", "x": x, "times": f"{times}*tau*step/8"}]
    for weight, row in _squares(_rest(n, multipliers)):
        parts = [f"{row[0]}*u", *(f"{a}/2*tau*K.T@f{k}" for k, a in enumerate(row[1:]))]
        steps.append({"use": "square", "x": " + ".join(parts).replace("+ -", "- "),
                      "times": f"{weight}*L"})
    made = algebra.read(statement)
    rest: Expression = made.goal * facts.multiplier(made.setting, "L", strict=True)
    for step in steps:
        rest = rest - algebra.contribution(made.setting, step, ">=")
    return {"times": "L", "steps": steps + by_equations(made.setting, rest)}


def _visit(number: int, n: int) -> str:
    return "Z" if number == n else f"E{number}" if number < n else f"M{number - n - 1}"


def _value(number: int, n: int) -> str:
    return "fz" if number == n else f"f{number}" if number < n else f"m{number - n - 1}"


def _rest(n: int, multipliers: dict[tuple[int, int], str]) -> list[Row]:
    """The form that is left of |u⁰|² − |uⁿ|², in u⁰ and the τKᵀf/2."""
    unit = [[Fraction(int(i == j)) for j in range(n + 1)] for i in range(n + 1)]
    zero, signals = [Fraction(0)] * (n + 1), [unit[0]]
    for k in range(n):
        alpha = Fraction(4 * k + 2, 2 * k + 3)
        signals.append([alpha * (x - 2 * g) + (1 - alpha) * y for x, g, y in zip(
            signals[k], unit[k + 1], signals[max(k - 1, 0)], strict=True)])
    visits, gradients = signals[:n], unit[1:]
    X = [*visits, zero, *([-x for x in row] for row in visits)]
    G = [*gradients, zero, *([-x for x in row] for row in gradients)]
    form = _outer(unit[0], unit[0], Fraction(1))
    _add(form, _outer(signals[n], signals[n], Fraction(-1)))
    for (i, j), text in multipliers.items():
        way, jump = ([a - b for a, b in zip(part[i], part[j], strict=True)] for part in (X, G))
        times = Fraction(text) / 2
        for x, y in ((G[j], way), (way, G[j]), (jump, jump)):
            _add(form, _outer(x, y, times))
    return form


def _outer(x: Row, y: Row, times: Fraction) -> list[Row]:
    return [[times * a * b for b in y] for a in x]


def _add(form: list[Row], other: list[Row]) -> None:
    for row, more in zip(form, other, strict=True):
        row[:] = [a + b for a, b in zip(row, more, strict=True)]


def _squares(form: list[Row]) -> Iterator[tuple[Fraction, Row]]:
    """A form as a sum of multiples of squares, by elimination."""
    for k in range(len(form)):
        pivot = form[k][k]
        if pivot:
            row = [a / pivot for a in form[k]]
            yield pivot, row
            _add(form, _outer(row, row, -pivot))
