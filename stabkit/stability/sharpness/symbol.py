"""The symbol of a periodic step whose rows are all alike: |g(θ)| <= 1 for every θ, exactly.

In one dimension |g|² is a polynomial in x = cos θ and the step; it is bounded by 1 on [−1, 1] for
all steps between two roots of its discriminant or its ends, or for none.  In more dimensions a
symbol that is even in every θ is a polynomial in the cosines; for a step that is affine in dt the
set is an interval, and Bernstein's form shows the bound on the whole cube.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from itertools import pairwise, product
from math import comb

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx, fmpq_poly, fmpz_poly

from stabkit.arithmetic.enclosure import precision, to_fraction
from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.roots import complex_roots
from stabkit.errors import Undecided
from stabkit.stability.sharpness.bernstein import bernstein
from stabkit.stability.sharpness.signs import Cell, cut
from stabkit.tracing import Kinds

_SPLITS = 4000  # parts of the cube that Bernstein's form is tried on
_BITS = 512  # of enclosures of roots
_DEGREE = 24   # in cos θ, beyond which discriminants take too long
_POINTS = (Fraction(-1), Fraction(-1, 2), Fraction(0), Fraction(1, 2), Fraction(1))


class Symbol:
    """g(θ) d for a uniform step, as a polynomial in the cosines and the step t.

    Or for the periodic step whose stencil is that of one row, `row`.

    Attributes
    ----------
    axes : int
    stencil : list of (tuple of int, tuple of int)
        Offsets, and numerators of their coefficients.
    divisor : tuple of int
        d.
    """

    def __init__(self, kinds: Kinds, row: int | None = None):
        row = int(kinds.examples[0]) if row is None else row
        self.axes = len(kinds.shape)
        self.stencil = [(offset, tuple(p)) for offset, p in zip(
            kinds.offsets_of(row), kinds.numerators_of(row), strict=True) if offset]
        self.divisor = kinds.form.denominator
        names = [*(f"x{k}" for k in range(self.axes)), "t"]
        self.context = fmpq_mpoly_ctx.get(names, Ordering.lex)
        self.variables = self.context.gens()

    def line(self) -> list[Cell]:
        """The positive line cut where the bound begins or ends to hold.

        Raises
        ------
        Undecided
            If the symbol is not of a kind for which that is known.
        """
        reach = max((sum(map(abs, offset)) for offset, _ in self.stencil), default=0)
        if reach > _DEGREE // 2:
            raise Undecided(f"its rows reach {reach} neighbours far, and symbols are bounded up to "
                            f"{_DEGREE // 2}")
        if self.axes == 1:
            return self._line_of_circle()
        return self._line_of_torus()

    # -- one dimension ---------------------------------------------------------------------------
    def excess(self) -> fmpq_mpoly:
        """d² − |g d|², in one dimension, in x = cos θ and t."""
        t = self.variables[-1]
        total = self._in_step(self.divisor)**2
        for (a, p), (b, q) in product(self.stencil, repeat=2):
            total = total - self._in_step(p) * self._in_step(q) * self._cosine(
                0, abs(a[0] - b[0]))
        return total + 0 * t

    def at(self, dt: Fraction) -> fmpq_poly:
        """d² − |g d|² at a step, a polynomial in x."""
        coefficients: dict[int, fmpq] = {}
        for (power, k), c in self.excess().to_dict().items():
            value = coefficients.get(power, fmpq(0))
            coefficients[power] = value + c * to_fmpq(dt)**k
        return fmpq_poly([coefficients.get(k, fmpq(0))
                          for k in range(max(coefficients, default=0) + 1)])

    def _line_of_circle(self) -> list[Cell]:
        excess = self.excess()
        factors = [f for f, _ in excess.factor()[1]]
        cutting = []
        for f in factors:
            cutting += [leading_coefficient(f), _substitute(f, 1), _substitute(f, -1)]
            if f.degrees()[0] > 1:
                cutting.append(f.discriminant(0))
        cutting += [f.resultant(g, 0) for f, g in pairs(factors) if f.degrees()[0] and
                    g.degrees()[0]]
        return cut([in_t(f) for f in cutting], lambda dt: bounded_below(self.at(dt)))

    def _in_step(self, p: tuple[int, ...]) -> fmpq_mpoly:
        return in_step(p, self.variables[-1])

    def _cosine(self, axis: int, order: int) -> fmpq_mpoly:
        return cosine(self.variables[axis], order)

    # -- more dimensions -------------------------------------------------------------------------
    def real(self) -> fmpq_mpoly:
        """g d, where it is even in every θ."""
        known = dict(self.stencil)
        for offset, p in self.stencil:
            for axis in range(self.axes):
                mirrored = tuple(-o if k == axis else o for k, o in enumerate(offset))
                if known.get(mirrored) != p:
                    raise Undecided("the symbol is not even in every direction; in more than one "
                                    "dimension only even symbols are bounded exactly")
        total = 0 * self.variables[0]
        for offset, p in self.stencil:
            term = self._in_step(p)
            for axis, order in enumerate(offset):
                term = term * self._cosine(axis, abs(order))
            total = total + term
        return total

    def _line_of_torus(self) -> list[Cell]:
        g = self.real()
        if g.degrees()[-1] > 1 or len(self.divisor) > 1:
            raise Undecided("in more than one dimension the symbol is bounded for steps that are "
                            "affine in dt")
        sides = [self.divisor[0] - g, self.divisor[0] + g]
        if not all(nonnegative(_at_step(side, Fraction(0)), self.axes) for side in sides):
            raise Undecided("the symbol is not bounded at dt = 0")
        if g.degrees()[-1] == 0:
            return [Cell(Fraction(0), None, True)]
        tops = []
        for side in sides:
            for point in product(_POINTS, repeat=self.axes):
                a, b = _affine(side, point)
                if b < 0:
                    tops.append(-a / b)
        top = min(tops, default=None)
        if top is None:
            raise Undecided("no end of the set is seen at simple angles")
        if top == 0:
            return [Cell(Fraction(0), None, False)]
        if not all(nonnegative(_at_step(side, top), self.axes) for side in sides):
            raise Undecided("the largest modulus of the symbol is not at simple angles")
        return [Cell(Fraction(0), top, True), Cell(top, top, True), Cell(top, None, False)]


def in_step(p: tuple[int, ...], t: fmpq_mpoly) -> fmpq_mpoly:
    """A polynomial in the step."""
    return reduce(lambda total, c: total * t + c, reversed(p), 0 * t)


def cosine(x: fmpq_mpoly, order: int) -> fmpq_mpoly:
    """cos(order θ) as a polynomial in x = cos θ."""
    before, now = 1 + 0 * x, x
    if order == 0:
        return before
    for _ in range(order - 1):
        before, now = now, 2 * x * now - before
    return now


def bounded_below(p: fmpq_poly) -> bool:
    """Whether a polynomial is >= 0 on [−1, 1], decided exactly: between its roots it has one sign.

    Raises
    ------
    Undecided
        If enclosures of roots overlap.
    """
    if p.degree() < 1:
        return p[0] >= 0
    with precision(_BITS):
        spots = sorted(spot for factor, _ in p.numer().factor()[1] for spot in _roots(factor)
                       if spot[1] >= -1 and spot[0] <= 1)
    ends = [(Fraction(-1), Fraction(-1)), *(spot for spot in spots if abs(spot[0]) != 1
                                            or spot[0] != spot[1]), (Fraction(1), Fraction(1))]
    if any(b[0] <= a[1] for a, b in pairwise(ends)):
        raise Undecided("roots of the symbol are too close to be told apart")
    return all(p(to_fmpq(m)) >= 0
               for m in ((a[1] + b[0]) / 2 for a, b in pairwise(ends)))


def _roots(factor: fmpz_poly) -> list[tuple[Fraction, Fraction]]:
    """Enclosures of the real roots of an irreducible polynomial; exact where it is linear."""
    if factor.degree() == 1:
        root = Fraction(-int(factor[0]), int(factor[1]))
        return [(root, root)]
    return [(to_fraction(root.real.lower()), to_fraction(root.real.upper()))
            for root, _ in complex_roots(factor) if root.imag.is_zero()]


def nonnegative(p: fmpq_mpoly, axes: int) -> bool:
    """Whether a polynomial in the cosines is >= 0 on the cube [−1, 1]ᵈ; False if it is not shown.

    Factors of even multiplicity are left out.  The others are written in y = (1 − x)/2 on the unit
    cube, in Bernstein's form, and the cube is split where a coefficient is negative.
    """
    if p == 0:
        return True
    unit, factors = p.factor()
    odd = reduce(lambda a, b: a * b, [f for f, power in factors if power % 2], unit + 0 * p)
    coefficients = _bernstein(odd, axes)
    boxes = [(coefficients, 0)]
    for _ in range(_SPLITS):
        if not boxes:
            return True
        box, depth = boxes.pop()
        if min(box.values()) >= 0:
            continue
        corners = [v for k, v in box.items() if all(i in (0, n) for i, n in zip(
            k, _degrees(box, axes), strict=True))]
        if min(corners) < 0:
            return False
        boxes += [(half, depth + 1) for half in _halves(box, depth % axes, axes)]
    return False


def _degrees(box: dict[tuple[int, ...], Fraction], axes: int) -> tuple[int, ...]:
    return tuple(max(k[a] for k in box) for a in range(axes))


def _bernstein(p: fmpq_mpoly, axes: int) -> dict[tuple[int, ...], Fraction]:
    """The Bernstein coefficients on the unit cube of y, x = 1 − 2y."""
    powers: dict[tuple[int, ...], Fraction] = {}
    for key, c in _terms(p):
        terms: dict[tuple[int, ...], Fraction] = {(): c}
        for a in range(axes):
            terms = {(*k, j): v * comb(key[a], j) * (-2)**j
                     for k, v in terms.items() for j in range(key[a] + 1)}
        for k, v in terms.items():
            powers[k] = powers.get(k, Fraction(0)) + v
    return bernstein(powers, axes)


def _halves(box: dict[tuple[int, ...], Fraction], axis: int, axes: int
            ) -> list[dict[tuple[int, ...], Fraction]]:
    """De Casteljau's two halves along an axis."""
    n = _degrees(box, axes)[axis]
    left, right = {}, {}
    for key in {tuple(i for a, i in enumerate(k) if a != axis) for k in box}:
        row = [box[(*key[:axis], i, *key[axis:])] for i in range(n + 1)]
        for i in range(n + 1):
            left[(*key[:axis], i, *key[axis:])] = row[0]
            right[(*key[:axis], n - i, *key[axis:])] = row[-1]
            row = [(a + b) / 2 for a, b in pairwise(row)]
    return [left, right]


def _affine(side: fmpq_mpoly, point: tuple[Fraction, ...]) -> tuple[Fraction, Fraction]:
    parts = [Fraction(0), Fraction(0)]
    for key, value in _terms(side):
        for x, power in zip(point, key, strict=False):
            value *= x**power
        parts[key[-1]] += value
    return parts[0], parts[1]


def _at_step(side: fmpq_mpoly, dt: Fraction) -> fmpq_mpoly:
    return side.subs({"t": to_fmpq(dt)})


def leading_coefficient(f: fmpq_mpoly) -> fmpq_mpoly:
    """The coefficient of the highest power of x0."""
    degree = f.degrees()[0]
    return f.context().from_dict({(0, key[1]): c for key, c in f.to_dict().items()
                                  if key[0] == degree})


def _substitute(f: fmpq_mpoly, x: int) -> fmpq_mpoly:
    return f.subs({"x0": fmpq(x)})


def in_t(f: fmpq_mpoly) -> list[Fraction]:
    """The coefficients of a polynomial in the step alone."""
    terms = {key[-1]: c for key, c in _terms(f)}
    return [terms.get(k, Fraction(0)) for k in range(max(terms, default=0) + 1)]


def _terms(f: fmpq_mpoly) -> list[tuple[tuple[int, ...], Fraction]]:
    return [(tuple(map(int, key)), from_fmpq(c))
            for key, c in f.to_dict().items()]


def pairs(factors: list[fmpq_mpoly]) -> list[tuple[fmpq_mpoly, fmpq_mpoly]]:
    """Each with each."""
    return [(f, g) for k, f in enumerate(factors) for g in factors[k + 1:]]
