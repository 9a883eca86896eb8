"""Intervals of the checker move outward only, so no strict inequality is proved at an end."""

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from evidence_files import evidence, holds

from stabkit.errors import InvalidEvidence
from stabkit.replay import check

LONG = Fraction(3**400 + 1, 3**400)  # 635 bits: longer than what is kept of it at 64 bits
VERY_LONG = Fraction(3**2000 + 1, 3**2000)


@pytest.mark.parametrize("exponent", [1, 2, 3, 4, 5, 7, -1, -2, -3])
@pytest.mark.parametrize("low, high", [(1, LONG), (LONG, 2), (-LONG, -1), (-2, -LONG),
                                       (-1, LONG), (-LONG, 1)])
def test_powers_on_a_cell_reach_their_ends(exponent, low, high):
    """x**k takes its extremes at the ends of the cell or at 0, and no bound just inside holds."""
    if exponent < 0 and low < 0 < high:
        assert not holds(f"all(x**{exponent} <= 9 for x in cells([a, b]))", a=str(low), b=str(high))
        return
    ends = [Fraction(low) ** exponent, Fraction(high) ** exponent]
    if exponent % 2 == 0 and low < 0 < high:
        ends.append(Fraction(0))
    given = dict(a=str(low), b=str(high), most=str(max(ends)), least=str(min(ends)))
    assert not holds(f"all(x**{exponent} < most for x in cells([a, b]))", **given)
    assert not holds(f"all(x**{exponent} > least for x in cells([a, b]))", **given)
    assert holds(f"all(x**{exponent} <= most + 1/10**9 for x in cells([a, b]))", **given)
    assert holds(f"all(x**{exponent} >= least - 1/10**9 for x in cells([a, b]))", **given)


@pytest.mark.parametrize("operation, extremes", [
    ("x + b", lambda a, b: (a + b, b + b)), ("b - x", lambda a, b: (0, b - a)),
    ("x * b", lambda a, b: (a * b, b * b)), ("-b * x", lambda a, b: (-b * b, -a * b)),
    ("x / b", lambda a, b: (a / b, 1)), ("b / x", lambda a, b: (1, b / a)),
    ("abs(x)", lambda a, b: (a, b)), ("max(x, 0)", lambda a, b: (a, b)),
    ("min(-x, 0)", lambda a, b: (-b, -a)), ("sqrt(x * x)", lambda a, b: (a, b)),
])
def test_arithmetic_on_a_cell_reaches_its_ends(operation, extremes):
    """On [a, b] with a = 1 + 1/3^400 and b = 1 + 1/3^200, by monotony."""
    a, b = LONG, Fraction(3**200 + 1, 3**200)
    least, most = extremes(a, b)
    given = dict(a=str(a), b=str(b), least=str(least), most=str(most))
    assert not holds(f"all({operation} < most for x in cells([a, b]))", **given)
    assert not holds(f"all({operation} > least for x in cells([a, b]))", **given)
    assert holds(f"all(least - 1/10**9 <= {operation} <= most + 1/10**9 for x in cells([a, b]))",
                 **given)


@pytest.mark.parametrize("expression", ["c * 1", "(I(2) @ [c, 1])[0]", "dot([c, 0], [1, 1])",
                                        "sum([c, 0])", "max(c, -9)", "polyval([0, 1], c)"])
def test_a_long_fraction_is_enclosed(expression):
    """It equals itself, so it is neither below nor above itself, however short it is kept."""
    for c in (VERY_LONG, -VERY_LONG):
        for relation in ("<", ">", "!="):
            assert not holds(f"{expression} {relation} d", c=str(c), d=str(c))
            assert not holds(f"{expression} + 0 * sqrt(2) {relation} d", c=str(c), d=str(c))


def test_the_logarithm_at_the_ends_of_the_half_line():
    """log falls to minus infinity at 0, grows beyond every bound, and increases in between."""
    for true in ("log(x) >= 0 for x in cells([1, inf])", "log(x) <= 7/10 for x in cells([0, 2])",
                 "log(x) <= 0 for x in cells([0, 1])", "log(x) < 11/10 for x in cells([1, 2, 3])"):
        assert holds(f"all({true})")
    for false in ("log(x) <= 10**9 for x in cells([1, inf])", "log(x) > 0 for x in cells([1, inf])",
                  "log(x) >= -10**9 for x in cells([0, 1])", "log(x) < 0 for x in cells([0, 1])",
                  "log(x) <= 69/100 for x in cells([0, 2])", "log(1/x) >= 0 for x in cells([0, 2])",
                  "log(x - 1) <= 9 for x in cells([0, 2])"):
        assert not holds(f"all({false})")


def _roots(zeros, low, high):
    return len({zero for zero in zeros if low < zero <= high})


@pytest.mark.parametrize("seed", range(8))
def test_roots_are_counted_whatever_zeros_lead(seed):
    """c (x - z_1) ... (x - z_k), written with zeros of higher degree, and its signs by its factors:
    its roots may be multiple, and lie at the ends."""
    rng = random.Random(seed)
    zeros = [Fraction(rng.randint(-3, 3), rng.choice((1, 2))) for _ in range(rng.randint(0, 5))]
    c = Fraction(rng.choice((-2, 1, 3)), 2)
    p = [c]
    for zero in zeros:
        p = [(p[k - 1] if k else 0) - zero * (p[k] if k < len(p) else 0)
             for k in range(len(p) + 1)]
    p += [0] * rng.randint(0, 2)
    q = "[" + ", ".join(map(str, p)) + "]"
    for low, high in ((-3, 3), (0, 1), (Fraction(1, 2), 3), (-1, -1 + Fraction(1, 9))):
        known = _roots(zeros, low, high)
        for count in range(len(zeros) + 1):
            assert holds(f"roots_in({q}, {low}, {high}) == {count}") == (count == known)
        inside = {zero for zero in zeros if low < zero < high}
        near = [low, *sorted(inside), high]
        signs = []
        for a, b in pairwise(near):
            value = c
            for zero in zeros:
                value *= Fraction(a + b) / 2 - zero
            signs.append(value)
        assert holds(f"positive_on({q}, {low}, {high})") == (not inside and signs[0] > 0)
        assert holds(f"nonneg_on({q}, {low}, {high})") == all(sign > 0 for sign in signs)


@pytest.mark.parametrize("knots", ["[1]", "1", "[[1, 2], [3, 4]]", "[[1]]", "zeros(1)"])
def test_of_no_cell_nothing_is_true(knots):
    """Between the entries of a vector of one number there is no cell; a number has no entries."""
    with pytest.raises(InvalidEvidence, match="at least two"):
        check(evidence(f"all(1 > 2 for x in cells({knots}))"))


def test_products_of_fractions_and_enclosures_are_added():
    """√2 + 1 = 2.414..., in either order, and beside long fractions."""
    for left, right in (("[sqrt(2), 1]", "[1, 1]"), ("[1, 1]", "[sqrt(2), 1]"),
                        ("[1, sqrt(2)]", "[1, 1]"), ("[c, sqrt(2)]", "[1, 1]")):
        assert holds(f"2414/1000 < dot({left}, {right}) < 2415/1000", c="1")
        assert not holds(f"dot({left}, {right}) > 2415/1000", c="1")
