"""For which steps a box, with sides for every entry, is kept by a step that is a polynomial.

An output less the lower end of its side, and the upper end less it, are polynomials in the entries
that it reads, on their box.  Where all their coefficients in Bernstein's form are >= 0 so are they;
the coefficients are polynomials in dt.  At corners of the box they are values, so a negative one
refutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import lcm, prod

from stabkit.errors import Undecided
from stabkit.stability.invariants import StaysIn
from stabkit.stability.sharpness.bernstein import Powers, bernstein
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.inequalities import certificate, witness
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.rows import Polynomial, tightest
from stabkit.stability.sharpness.signs import cells
from stabkit.tracing import Trace
from stabkit.tracing.trees import Operation, Row, Sum, sorts_of_rows

WORDS = "polynomials whose coefficients in Bernstein's form keep within the box"
OUTSIDE = "p is how far an output leaves its side of the box at a point of the box, a polynomial " \
          "in dt from the constant upwards, times a positive number"
_LARGEST = 20_000  # coefficients of one output
_PARTS = (1, 4)    # into which the side of the entry itself is cut
_TRIED = (Fraction(0), Fraction(1, 64), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4),
          Fraction(63, 64), Fraction(1))  # where on that side the step is evaluated

Side = tuple[Fraction, Fraction]


def by_polynomials(found: Trace, notion: StaysIn, name: str) -> StepBound:
    """The sets of steps for which every signal of the box is taken into it.

    Raises
    ------
    Undecided
        If an output is no polynomial of its inputs and the step, or too large a one.
    """
    low, high = notion.box.spread(found.shape)
    sorts = {(sort, tuple((low[k], high[k]) for k in row.places)): row
             for sort, rows in sorts_of_rows(found).items() for row in rows}
    outputs = [(_of_row(row), sides) for (_, sides), row in sorts.items()]
    for powers, sides in outputs:
        _check_size(powers, len(sides))
    necessary = [p for powers, sides in outputs for p in _necessary(powers, sides)]
    refuted = intervals(_line(necessary))[1]
    best: tuple[Steps, list[Polynomial]] = ((), [])
    for parts in _PARTS:
        conditions = [p for powers, sides in outputs for p in _sufficient(powers, sides, parts)]
        proved = intervals(_line(conditions))[0]
        if _length(proved) > _length(best[0]):
            best = proved, conditions
    proved, conditions = best
    number = "1 sort" if len(outputs) == 1 else f"{len(outputs)} sorts"
    degree = max(sum(key[:-1]) for powers, _ in outputs for key in powers)
    lines = (f"polynomials of degree {degree}, {number} of rows, for shape "
             f"{' x '.join(map(str, found.shape))}" + (f"; proof by {WORDS}" if proved else ""),)
    by = (f"the outputs are {WORDS}; each p is such a coefficient, of an output less the lower end "
          "of its side or of the upper end less it, a polynomial in dt from the constant upwards")
    return StepBound(notion.name, proved, refuted, tuple(filter(None, (
        certificate(conditions, steps, by) for steps in proved))), tuple(filter(None, (
            witness(necessary, steps, OUTSIDE) for steps in refuted))), variable=name,
        rounding=found.rounding, by="a corner of the box" if refuted else "", lines=lines)


def _line(polynomials: list[Polynomial]) -> list:
    return cells([[Fraction(c) for c in p] for p in tightest(list(dict.fromkeys(polynomials)))])


def _length(proved: Steps) -> Fraction:
    return max((Fraction(10**30) if high is None else high for low, high in proved if low != high),
               default=Fraction(0))


# -- outputs as polynomials ------------------------------------------------------------------------
def _of_row(row: Row) -> Powers:
    """By exponents of its inputs, in the order of `places`, and of dt."""
    count = len(row.places)
    total: Powers = {}
    terms = [(row.constant, _one(count)),
             *((p, _input(count, k)) for k, p in row.linear),
             *((p, _of_operation(node, count)) for p, node in row.nodes)]
    for p, powers in terms:
        for k, c in enumerate(p):
            for key, value in powers.items():
                place = (*key[:-1], key[-1] + k)
                total[place] = total.get(place, Fraction(0)) + c * value
    zero = (0,) * (count + 1)
    return {key: value for key, value in total.items() if value or key == zero}


def _one(count: int) -> Powers:
    return {(0,) * (count + 1): Fraction(1)}


def _input(count: int, k: int) -> Powers:
    return {tuple(int(j == k) for j in range(count + 1)): Fraction(1)}


def _of_sum(s: Sum, count: int) -> Powers:
    total = {key: s.constant for key in _one(count)}
    for c, powers in (*((c, _input(count, k)) for k, c in s.linear),
                      *((c, _of_operation(node, count)) for c, node in s.nodes)):
        for key, value in powers.items():
            total[key] = total.get(key, Fraction(0)) + c * value
    return total


def _of_operation(node: Operation, count: int) -> Powers:
    if node.name != "multiply":
        raise Undecided(f"a box is shown to be kept by polynomials, and this step has "
                        f"np.{node.name} ({node.line})")
    return times(*(_of_sum(part, count) for part in node.parts))


def times(a: Powers, b: Powers) -> Powers:
    """The product of two polynomials."""
    out: Powers = {}
    for (i, x), (j, y) in product(a.items(), b.items()):
        key = tuple(map(sum, zip(i, j, strict=True)))
        out[key] = out.get(key, Fraction(0)) + x * y
    return out


# -- conditions ------------------------------------------------------------------------------------
def _sufficient(powers: Powers, sides: Sequence[Side], parts: int) -> Iterator[Polynomial]:
    low, high = sides[0]
    for part in range(parts):
        own = low + (high - low) * Fraction(part, parts), low + (high - low) * Fraction(
            part + 1, parts)
        coefficients = _gather(bernstein(on_unit_cube(powers, [own, *sides[1:]]), len(sides)),
                               len(sides))
        for p in coefficients:
            yield from _within(p, sides[0])


def _necessary(powers: Powers, sides: Sequence[Side]) -> Iterator[Polynomial]:
    """The values at corners of the box, and between them along the side of the entry itself."""
    low, high = sides[0]
    own = [low + (high - low) * part for part in _TRIED]
    for point in product(own, *sides[1:]):
        value: dict[int, Fraction] = {}
        for key, c in powers.items():
            value[key[-1]] = value.get(key[-1], Fraction(0)) + c * prod(
                (x**k for x, k in zip(point, key, strict=False) if k), start=Fraction(1))
        yield from _within(value, sides[0])


def _within(p: dict[int, Fraction], side: Side) -> Iterator[Polynomial]:
    """p − low and high − p, times a positive number."""
    width = max(p, default=0) + 1
    for sign, end in ((1, side[0]), (-1, side[1])):
        c = [sign * p.get(k, Fraction(0)) for k in range(width)]
        c[0] -= sign * end
        whole = lcm(*(x.denominator for x in c))
        yield tuple(int(x * whole) for x in c)


def _check_size(powers: Powers, axes: int) -> None:
    if prod(1 + max(key[a] for key in powers) for a in range(axes)) > _LARGEST:
        raise Undecided(f"an output is a polynomial of more than {_LARGEST} coefficients")


def on_unit_cube(powers: Powers, sides: Sequence[Side]) -> Powers:
    """With low + (high − low) y in place of every input."""
    _check_size(powers, len(sides))
    for a, (low, high) in enumerate(sides):
        found: Powers = {}
        for key, value in powers.items():
            line: Powers = {(0,): Fraction(1)}
            for _ in range(key[a]):
                line = times(line, {(0,): low, (1,): high - low})
            for (power,), c in line.items():
                place = (*key[:a], power, *key[a + 1:])
                found[place] = found.get(place, Fraction(0)) + c * value
        powers = found
    return powers


def _gather(powers: Powers, axes: int) -> list[dict[int, Fraction]]:
    """The polynomials in dt, one for every exponent of the first axes."""
    found: dict[tuple[int, ...], dict[int, Fraction]] = {}
    for key, value in powers.items():
        found.setdefault(key[:axes], {})[key[-1]] = value
    return list(found.values())
