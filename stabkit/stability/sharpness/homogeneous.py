"""Functions of two forms that scale with them, such as limiters: exact bounds of their ratios.

On the ray a = ±1, b = ±r such a function is a rational function of r between finitely many points,
at which one of its comparisons changes.  A bound of it is the sign of a polynomial, decided
exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise

from flint import fmpq_poly

from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.roots import complex_roots
from stabkit.stability.sharpness.ratios import ONE, ZERO, Form, Ratio, forms_below
from stabkit.stability.sharpness.signs import cells
from stabkit.tracing.trees import Operation, Sum

_SAMPLES = 33
_ROUNDS = 12
_FAR = Fraction(10**7)
_SIMPLE = 24  # the largest denominator of a bound that is tried first
_COMPARED = {"greater": lambda s: s > 0, "greater_equal": lambda s: s >= 0,
             "less": lambda s: s < 0, "less_equal": lambda s: s <= 0,
             "equal": lambda s: s == 0, "not_equal": lambda s: s != 0}


class NotHomogeneous(ArithmeticError):
    """The function does not scale with its two forms, or is not made of known parts."""


@dataclass(frozen=True)
class Quotient:
    """num/den in r, of a function that scales with the power `degree`; None is any power."""

    num: fmpq_poly
    den: fmpq_poly
    degree: int | None

    def at(self, r: Fraction) -> Fraction:
        x = to_fmpq(r)
        value = self.num(x) / self.den(x)
        return from_fmpq(value)


def limiter_ratios(node: Operation) -> Iterator[Ratio]:
    """A function of two linear forms a, b as r·a and as r·b, where r is bounded."""
    forms = forms_below(node)
    if len(forms) < 2:
        return
    a, b = forms[:2]
    try:
        parts = {form: _in_terms(form, a, b) for form in forms}
        pieces = [piece for sign in (1, -1) for piece in _on_ray(node, parts, sign)]
        ends = [_value(node, parts, (ZERO, Fraction(sign))) * sign for sign in (1, -1)]
        if _value(node, parts, (ZERO, ZERO)):  # on no ray; 0/0 is NotHomogeneous
            return
    except (NotHomogeneous, ZeroDivisionError):
        return
    for form, by_b in ((a, False), (b, True)):
        bounds = bounds_of(pieces, by_b, ends)
        if bounds is not None:
            yield Ratio(form, *bounds)


def _in_terms(form: Form, a: Form, b: Form) -> tuple[Fraction, Fraction]:
    """x, y with form = x·a + y·b."""
    places = sorted({k for f in (form, a, b) for k, _ in f})
    rows = [[dict(f).get(k, ZERO) for f in (a, b, form)] for k in places]
    for (p, q, u), (s, t, v) in combinations(rows, 2):
        det = p * t - q * s
        if det:
            x, y = (u * t - q * v) / det, (p * v - u * s) / det
            if all(x * r[0] + y * r[1] == r[2] for r in rows):
                return x, y
            break
    raise NotHomogeneous


@dataclass(frozen=True)
class Line:
    """Forms as x + y r, which scale with the power `degree`; with 0 nothing has to scale."""

    forms: dict[Form, tuple[Fraction, Fraction]]
    degree: int = 1


@dataclass(frozen=True)
class Piece:
    """A quotient in r between two points, or at one."""

    low: Fraction | None
    high: Fraction | None
    value: Quotient

    @property
    def is_point(self) -> bool:
        return self.low is not None and self.low == self.high


def _on_ray(node: Operation, parts: dict, sign: int) -> list[Piece]:
    found = pieces_of(node, Line({form: (x * sign, y * sign) for form, (x, y) in parts.items()}))
    if any(piece.value.degree not in (1, None) for piece in found):
        raise NotHomogeneous
    return [Piece(piece.low, piece.high, Quotient(piece.value.num * sign, piece.value.den, 1))
            for piece in found]


def pieces_of(node: Operation, line: Line) -> list[Piece]:
    """What an operation is on a line, between the points where one of its comparisons changes.

    Raises
    ------
    NotHomogeneous
        If it is no quotient of polynomials between points that are rational, or divides by 0.
    """
    cuts: set[tuple] = {(ZERO, ONE)}  # polynomials by their coefficients; r itself always
    for _ in range(_ROUNDS):
        points = _rational_roots(cuts)
        spans = list(pairwise([None, *points, None]))
        found, before = [], len(cuts)
        for low, high in [*spans, *((p, p) for p in points)]:
            met: set[tuple] = set()
            found.append(Piece(low, high, _run(
                Sum(ZERO, (), ((ONE, node),)), line, inside(low, high), met)))
            cuts |= met
        if len(cuts) == before:
            return found
    raise NotHomogeneous


def inside(low: Fraction | None, high: Fraction | None) -> Fraction:
    """A point of an open interval."""
    if low is None:
        return ZERO if high is None else high - 1
    return low + 1 if high is None else (low + high) / 2


def _rational_roots(cuts: set[tuple]) -> list[Fraction]:
    roots = set()
    for coefficients in cuts:
        p = _poly(coefficients)
        for factor, _ in p.numer().factor()[1] if p.degree() > 0 else ():
            if factor.degree() == 1:
                roots.add(Fraction(-int(factor[0]), int(factor[1])))
            elif any(root.imag.is_zero() for root, _ in complex_roots(factor)):
                raise NotHomogeneous  # an irrational point, at which nothing is evaluated exactly
    return sorted(roots)


def _poly(coefficients: tuple) -> fmpq_poly:
    return fmpq_poly([to_fmpq(c) for c in coefficients])


def coefficients_of(p: fmpq_poly) -> tuple:
    """From the constant one upwards."""
    return tuple(from_fmpq(c) for c in p.coeffs())


def _run(s: Sum, line: Line, at: Fraction, met: set[tuple]) -> Quotient:
    """The function as a quotient, with the branches that it takes at a point."""
    total = Quotient(fmpq_poly([]), fmpq_poly([1]), None)
    if s.constant:
        total = _add(total, Quotient(_poly((s.constant,)), fmpq_poly([1]), 0))
    if s.linear:
        form = next((f for f in line.forms if _same_line(s.linear, f)), None)
        if form is None:  # one beside a constant only, which does not scale
            raise NotHomogeneous
        (x, y), c = line.forms[form], s.linear[0][1] / form[0][1]
        total = _add(total, Quotient(_poly((c * x, c * y)), fmpq_poly([1]), line.degree))
    for c, node in s.nodes:
        inner = _operation(node, lambda part: _run(part, line, at, met), at, met)
        total = _add(total, Quotient(inner.num * to_fmpq(c), inner.den,
                                     inner.degree))
    return total


def _same_line(a: Form, b: Form) -> bool:
    return len(a) == len(b) and a[0][0] == b[0][0] and all(
        i == j and x * b[0][1] == y * a[0][1] for (i, x), (j, y) in zip(a, b, strict=True))


def _add(a: Quotient, b: Quotient) -> Quotient:
    if a.degree is None or b.degree is None:
        return b if a.degree is None else a
    if a.degree != b.degree:
        raise NotHomogeneous
    return Quotient(a.num * b.den + b.num * a.den, a.den * b.den, a.degree)


def _operation(node: Operation, run: Callable[[Sum], Quotient], at: Fraction, met: set[tuple]
               ) -> Quotient:
    name, parts = node.name, node.parts
    if name == "sum":
        return run(parts[0])
    if name == "where":
        chosen = parts[1] if _holds(parts[0], run, at, met) else parts[2]
        return run(chosen)
    if name in ("multiply", "divide"):
        a, b = map(run, parts)
        if name == "divide":
            if not _sign(b, at, met):
                raise NotHomogeneous
            b = Quotient(b.den, b.num, None if b.degree is None else -b.degree)
        if a.degree is None or b.degree is None:
            return Quotient(fmpq_poly([]), fmpq_poly([1]), None)
        return Quotient(a.num * b.num, a.den * b.den, a.degree + b.degree)
    if name in ("absolute", "fabs", "sign"):
        a = run(parts[0])
        s = _sign(a, at, met)
        if name == "sign":
            return Quotient(fmpq_poly([s]), fmpq_poly([1]), 0)
        return Quotient(a.num * s, a.den, a.degree)
    if name in ("maximum", "minimum", "fmax", "fmin"):
        a, b = map(run, parts)
        s = _sign(_less(a, b), at, met)
        return (a if s >= 0 else b) if name in ("maximum", "fmax") else (a if s <= 0 else b)
    if name in _COMPARED or name.startswith("logical"):
        return Quotient(fmpq_poly([int(_test(node, run, at, met))]), fmpq_poly([1]), 0)
    raise NotHomogeneous


def _less(a: Quotient, b: Quotient) -> Quotient:
    return _add(a, Quotient(-b.num, b.den, b.degree))


def _sign(q: Quotient, at: Fraction, met: set[tuple]) -> int:
    for p in (q.num, q.den):
        if p.degree() > 0:
            met.add(coefficients_of(p))
    value = q.at(at)
    return (value > 0) - (value < 0)


def _holds(s: Sum, run: Callable[[Sum], Quotient], at: Fraction, met: set[tuple]) -> bool:
    if not s.constant and not s.linear and len(s.nodes) == 1 and s.nodes[0][0] == 1:
        node = s.nodes[0][1]
        if node.name in _COMPARED or node.name.startswith("logical"):
            return _test(node, run, at, met)
    return _sign(run(s), at, met) != 0


def _test(node: Operation, run: Callable[[Sum], Quotient], at: Fraction, met: set[tuple]) -> bool:
    if node.name in _COMPARED:
        a, b = map(run, node.parts)
        return _COMPARED[node.name](_sign(_less(a, b), at, met))
    held = [_holds(part, run, at, met) for part in node.parts]
    return {"logical_and": all, "logical_or": any, "logical_not": lambda h: not h[0]}[
        node.name](held)


def _value(node: Operation, parts: dict, point: tuple[Fraction, Fraction]) -> Fraction:
    """φ at a point a, b."""
    there = {form: (x * point[0] + y * point[1], ZERO) for form, (x, y) in parts.items()}
    return _run(Sum(ZERO, (), ((ONE, node),)), Line(there), ZERO, set()).at(ZERO)


# -- bounds --------------------------------------------------------------------------------------
def bounds_of(pieces: list[Piece], by_r: bool, ends: Sequence[Fraction] = ()
              ) -> tuple[Fraction, Fraction] | None:
    """Bounds of what the pieces are, or of that over r, beside the values `ends` on no piece."""
    values: list[Fraction] = list(ends) if by_r else []
    if not by_r and any(ends):
        return None  # φ ≠ 0 where the form vanishes
    spans = []
    for piece in pieces:
        if piece.low is not None and piece.is_point:
            value = piece.value.at(piece.low)
            if by_r and piece.low == 0:
                if value:
                    return None
                continue
            values.append(value / piece.low if by_r else value)
            continue
        q = piece.value
        spans.append((piece, Quotient(q.num, q.den * fmpq_poly([0, 1]), 0) if by_r else q))
    low, high = (_bound(spans, values, side) for side in (-1, 1))
    return None if low is None or high is None else (low, high)


def _bound(spans: list, values: list[Fraction], side: int) -> Fraction | None:
    """The least bound above (side 1) or below that is simple, and shown."""
    near = [limit for piece, q in spans for limit in limits_at_ends(q, piece)]
    if None in near:
        return None
    top = max([side * v for v in values] + [side * v for v in near if v is not None] + [
        side * q.at(r) for piece, q in spans for r in samples(piece.low, piece.high)])
    for bound in (*simple_bounds(top)[:1], top, *simple_bounds(top)[1:]):
        if all(v * side <= bound for v in values) and all(
                at_most(q, bound, side, piece) for piece, q in spans):
            return side * bound
    return None


def limits_at_ends(q: Quotient, piece: Piece) -> Iterator[Fraction | None]:
    """What a quotient tends to at the ends of an interval; None where that is infinite."""
    common = q.num.gcd(q.den)
    num, den = q.num // common, q.den // common
    for end in (piece.low, piece.high):
        if end is None:
            yield None if num.degree() > den.degree() else ZERO if num.degree() < den.degree() \
                else from_fmpq(num.leading_coefficient() / den.leading_coefficient())
            continue
        below = den(to_fmpq(end))
        yield from_fmpq(num(to_fmpq(end)) / below) if below else None


def simple_bounds(top: Fraction) -> tuple[Fraction, ...]:
    """Numbers that may bound what comes close to `top`."""
    simple = top.limit_denominator(_SIMPLE)
    return simple, simple + Fraction(1, 1000), simple + 1


def samples(low: Fraction | None, high: Fraction | None) -> list[Fraction]:
    """Points of an open interval, also close to its ends."""
    unit = [Fraction(k, _SAMPLES) for k in range(1, _SAMPLES)]
    if low is not None and high is not None:
        return [low + (high - low) * k for k in (*unit, 1 / _FAR, 1 - 1 / _FAR)]
    start, way = (low, 1) if low is not None else (high or ZERO, -1)
    return [start + way * k / (1 - k) for k in (*unit, 1 / _FAR, 1 - 1 / _FAR)]


def at_most(q: Quotient, bound: Fraction, side: int, piece: Piece) -> bool:
    """side·q <= bound on an open interval in which the denominator has one sign."""
    r = inside(piece.low, piece.high)
    sign = 1 if q.den(to_fmpq(r)) > 0 else -1
    excess = (q.den * to_fmpq(bound) - q.num * side) * sign
    return all(cell.holds for cell in cells([coefficients_of(on_line(excess, piece))]))


def on_line(p: fmpq_poly, piece: Piece) -> fmpq_poly:
    """The values on an interval as those of a polynomial on t > 0, up to positive factors."""
    low, high = piece.low, piece.high
    if low is None:
        end = high or ZERO
        return p(fmpq_poly([to_fmpq(end), -1]))
    a = to_fmpq(low)
    if high is None:
        return p(fmpq_poly([a, 1]))
    b, n = to_fmpq(high), max(p.degree(), 0)
    total = fmpq_poly([])
    for k, c in enumerate(p.coeffs()):
        total += c * fmpq_poly([a, b])**k * fmpq_poly([1, 1])**(n - k)
    return total
