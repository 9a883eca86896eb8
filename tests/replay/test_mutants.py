"""One wrong line in a certificate or in the checker, and a falsehood that would pass with it.

Each test names what a line guards; the falsehood next to it is shown by hand in its docstring.
"""

import random
from fractions import Fraction

import pytest
from evidence_files import evidence, holds, texts

from stabkit import fluxes
from stabkit.errors import InvalidEvidence
from stabkit.fluxes.flux import Facts, Flux
from stabkit.operators import difference, from_matrix
from stabkit.replay import check
from stabkit.schemes import FSI, Chain, Explicit, ResidualBlock, repeat
from stabkit.stability.certificates import certify, diffusion, is_linear
from stabkit.stability.confirmation import confirm_evidence, write_witness
from stabkit.stability.decide import decide
from stabkit.stability.falsify import exact_margin
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Energy, energy
from stabkit.stability.property import Stable
from stabkit.stability.verdict import PROVED, REFUTED

ONE, ZERO = Fraction(1), Fraction(0)
K3 = difference(1, 3)


def proved(scheme, notion):
    found = certify(scheme, notion)
    return found is not None and all(confirm_evidence(piece) for piece in found)


# -- the checker -----------------------------------------------------------------------------------


@pytest.mark.parametrize("false", [
    "1/x <= 1", "1/x >= -1", "1/x <= 10**9", "-1 <= 1/x <= 1/2", "1/x != 4", "x**-1 <= 1",
    "2/x <= 3", "abs(1/x) >= 0 and 1/x <= 1", "f(x) <= 1", "x/x <= 1/2", "1/(x*x - 1/4) <= 1",
])
def test_reciprocals_across_zero(false):
    """1/x takes every value outside (-1, 1/2) on [-1, 2]: 1/(1/100) = 100, 1/(1/4) = 4, ..."""
    for knots in ("[-1, 2]", "[-2, -1, 2]", "[-1, inf]", "[-inf, 2]"):
        assert check(evidence(f"all({false} for x in cells({knots}))", let=[["f(x)", "1/x"]]))


def test_decay_has_its_peak_inside():
    """x exp(-x) = 1/e = 0.3678 at x = 1, but 0.304 and 0.074 at the ends of [1/2, 4];
    x^3 exp(-x) = 27/e^3 = 1.344 at x = 3."""
    on = "for x in cells([1/2, 4])"
    for bound, true in (("1/5", False), ("31/100", False), ("36787/100000", False),
                        ("36788/100000", True)):
        assert holds(f"all(decay(1, x) <= {bound} {on})") == true
    assert holds(f"all(decay(1, x) >= 732/10000 {on})")
    assert not holds(f"all(decay(1, x) >= 733/10000 {on})")
    assert not holds("all(decay(3, x) <= 1 for x in cells([0, inf]))")
    assert holds("all(decay(3, x) <= 1345/1000 for x in cells([0, inf]))")
    for cells, bound in (("[0, 1/2]", "304/1000"), ("[2, 9]", "271/1000")):  # the peak is outside
        assert holds(f"all(decay(1, x) <= {bound} for x in cells({cells}))")
        assert not holds(f"all(decay(1, x) <= {bound} - 1/100 for x in cells({cells}))")


@pytest.mark.parametrize("row, largest", [
    ([1, 0, 1], 1), ([1, -1, 1], 1), ([2, 0, 0, 3], 6), ([-1, 5, 0, -2], 2), ([1, -2, 0], 0),
])
def test_products_of_all_pairs_in_a_row(row, largest):
    """Entries that are no neighbours count: 1 * 1 in the row (1, 0, 1)."""
    assert holds(f"largest_product([{row}]) == {largest}")
    assert holds(f"largest_product([{[0] * len(row)}, {row}]) == {max(largest, 0)}")
    assert holds(f"largest_product([{row}]) <= 0") == (largest <= 0)


@pytest.mark.parametrize("cells, sign, bound", [
    ("[0, 4]", ">=", "1/4"), ("[-4, 0]", "<=", "-1/4"), ("[0, 1/4]", ">=", "4"),
    ("[-1/4, 0]", "<=", "-4"), ("[-1, 0]", "<=", "-1"), ("[0, inf]", ">=", "0"),
    ("[-inf, 0]", "<=", "0"),
])
def test_reciprocals_beside_zero(cells, sign, bound):
    """1/x is monotone on either side of 0, where it does not exist, so its bound is at the other
    end: 1/4 on (0, 4], which 1/3 and 4 are not."""
    assert holds(f"all(1/x {sign} {bound} for x in cells({cells}))")
    for wrong in ("1/3", "5", "1/100") if sign == ">=" else ("-1/3", "-5", "-1/100"):
        true = Fraction(wrong) <= Fraction(bound) if sign == ">=" else \
            Fraction(wrong) >= Fraction(bound)
        assert holds(f"all(1/x {sign} {wrong} for x in cells({cells}))") == true
    assert not holds("1/x <= 1", x="0") and not holds("not 1/x <= 1", x="0")


@pytest.mark.parametrize("false", [
    "(0 if x == 0 else x) <= 0", "(x if x != 0 else 0) >= 0", "(0 if x == 1 else x) <= 1",
    "(0 if abs(x) == 1 else x) <= 1", "(x if abs(x) != 1 else 0) >= 1",
])
def test_an_equation_cuts_no_cell(false):
    """On [-1, 2] what fails x = 0 lies on both sides of it: x = 2 and x = -1."""
    assert not holds(f"all({false} for x in cells([-1, 2]))")
    assert holds("all((0 if x == 0 else x) <= 2 for x in cells([-1, 2]))")


def test_an_increasing_function_is_enclosed_outwards():
    """On [1, 2] exp lies between e and e², of which 60 digits are published; a bound that is wrong
    in the 10th to 55th digit is refused, whatever the precision."""
    e = Fraction("2.71828182845904523536028747135266249775724709369995957496696763")
    square = Fraction("7.38905609893065022723042746057500781318031557055184732408712782")
    for digits in range(10, 60, 5):
        off = Fraction(1, 10**digits)
        for wrong in (f"exp(x) >= {e + off}", f"exp(x) <= {square - off}"):
            assert not holds(f"all({wrong} for x in cells([1, 2]))")
    assert holds(f"all({e - off} <= exp(x) <= {square + off} for x in cells([1, 2]))")


def test_a_cell_between_roots_is_enclosed_outwards():
    """The root of 2, of which 60 digits are published, is an end of the cell, and so is its least
    and its greatest number: a bound that is wrong in the 10th to 55th digit is refused."""
    root = Fraction("1.41421356237309504880168872420969807856967187537694807317667973")
    for digits in range(10, 60, 5):
        off = Fraction(1, 10**digits)
        assert not holds(f"all(x >= {root + off} for x in cells([sqrt(2), 2]))")
        assert not holds(f"all(x <= {root - off} for x in cells([0, sqrt(2)]))")
    assert holds(f"all({root - off} <= x for x in cells([sqrt(2), 2]))")


def test_large_values_keep_their_exponents():
    """e^200 = 7.22597376812574925817747704218930...·10^86, far beyond the digits of a ball."""
    assert holds("7225973768125749 * 10**71 <= exp(200) <= 7225973768125750 * 10**71")
    for wrong in ("exp(200) <= 4 * 10**86", "exp(200) >= 14 * 10**86", "exp(200) <= 10**60"):
        assert not holds(wrong)


@pytest.mark.parametrize("items", ["[[], []]", "[[[1]]]", "[[[1, 2]], [[3, 4]]]", "[[1], []]"])
def test_an_array_is_a_vector_or_a_matrix(items):
    """Neither rows of nothing nor matrices of matrices, of which nothing need be shown."""
    with pytest.raises(InvalidEvidence):
        holds(f"nonneg({items})")


@pytest.mark.slow
@pytest.mark.parametrize("size", [3, 6])
def test_the_pivots_of_two_neighbours_in_plain_fractions(size):
    """c I - K'K by its leading minors, one by one, for rows (a, b) of any signs: Sylvester."""
    rng = random.Random(size)
    for _ in range(20):
        rows = [[Fraction(0)] * size for _ in range(size + 1)]
        for i, row in enumerate(rows):
            j = min(i, size - 2)
            row[j], row[j + 1] = (Fraction(rng.randint(-3, 3), rng.randint(1, 2)) for _ in "ab")
        gram = [[sum(row[i] * row[j] for row in rows) for j in range(size)] for i in range(size)]
        bound = max(sum(map(abs, row)) for row in gram) * Fraction(rng.randint(4, 11), 10)
        below = [[bound * (i == j) - gram[i][j] for j in range(size)] for i in range(size)]
        minors = [minor(below, k) for k in range(1, size + 1)]
        if all(minors):  # no leading minor is 0: definite, or not even semidefinite
            assert holds("gram_at_most(K, c)", K=texts(rows), c=str(bound)) == (min(minors) > 0)


def minor(matrix, size):
    """The determinant of the leading block, by expansion along its first row."""
    if size == 0:
        return Fraction(1)
    block = [row[:size] for row in matrix[:size]]
    return sum((-1) ** j * block[0][j] * minor([row[:j] + row[j + 1:] for row in block[1:]],
                                               size - 1) for j in range(size))


# -- certificates ----------------------------------------------------------------------------------


def test_the_energy_is_that_of_the_scheme():
    """K = (1), tau = 1 gives u+ = 0 for u = (1, 1), whatever the second entry is coupled to; the
    energy of another K, or of other numbers under the same name, may grow: 2 (u1 - u2)^2."""
    flux = fluxes.identity()
    K, other = from_matrix([[1, 0], [0, 0]]), from_matrix([[1, -1], [0, 0]])
    step = Explicit(K, flux, 1)
    assert proved(step, energy(Energy(K, flux)))
    assert certify(step, energy(Energy(other, flux))) is None
    assert decide(Stable(step, energy(Energy(other, flux))), trials=500).status is REFUTED
    assert certify(step, energy(Energy(K, fluxes.scaled_identity(3)))) is None


@pytest.mark.parametrize("coefficients", ["[1, -2]", "[-1, 3/2]", "[1, 1]", "[3/2, -1]", "[-2, 1]"])
def test_the_polynomial_of_a_cycle_is_bounded_on_both_sides(coefficients, monkeypatch):
    """Each of 1 - 2z, -1 + 3z/2, 1 + z, 3/2 - z and -2 + z leaves [-1, 1] on [0, 2], some only
    below, some only above."""
    step = FSI(K3, fluxes.soft(), "1/10", 1, frozen=True)
    assert proved(step, EUCLIDEAN)
    monkeypatch.setattr(diffusion, "cycle_polynomial",
                        lambda log, length: log.define("p", log.term(coefficients)).text)
    assert not proved(step, EUCLIDEAN)


def test_a_residual_block_shows_that_its_activation_is_continuous():
    """The hard flux has slopes 0 and 1, but jumps by q: two values around the jump, however near,
    are mapped q apart."""
    jump = Flux("jump", fluxes.hard().pieces, Facts(True, (ZERO, ONE), (ZERO, ONE)))
    block = ResidualBlock(K3, Fraction(-1, 10) * K3.T, jump)
    assert not proved(block, CONTRACTION)
    assert decide(Stable(block, CONTRACTION), trials=2000).status is not PROVED
    assert proved(ResidualBlock(K3, Fraction(-1, 10) * K3.T, fluxes.soft()), CONTRACTION)


@pytest.mark.parametrize("biases", [
    {"inner_bias": [1, 0]}, {"outer_bias": [1, 0, 0]},
    {"inner_bias": [1, 0], "outer_bias": [0, 0, 1]},
])
def test_a_bias_makes_a_linear_block_affine(biases):
    """u = 0 is mapped to a vector that is not 0, so the norm grows."""
    plain = ResidualBlock(K3, Fraction(-1, 10) * K3.T, fluxes.identity())
    block = ResidualBlock(K3, Fraction(-1, 10) * K3.T, fluxes.identity(), **biases)
    assert is_linear(plain) and proved(plain, EUCLIDEAN)
    for scheme in (block, Chain([plain, block]), repeat(block, 2)):
        assert not is_linear(scheme) and not proved(scheme, EUCLIDEAN)
        assert decide(Stable(scheme, EUCLIDEAN), trials=500).status is REFUTED


def test_the_witness_of_a_long_orbit_is_written_in_balls():
    """The fractions of 1/(1 + s^2) triple their digits with every step: 12 steps have millions."""
    one = from_matrix([["1"]])
    long = repeat(Explicit(one, fluxes.rational(), 5), 12)
    short = repeat(Explicit(one, fluxes.rational(), 5), 2)
    u = (from_matrix([["1/3"]]).exact()[0],)
    written = write_witness(long, EUCLIDEAN, u, exact_margin(long, EUCLIDEAN, u))
    assert written is not None and written.arithmetic == "ball" and "margin_value" not in \
        written.data
    assert check(written.to_json({})) is None
    assert write_witness(short, EUCLIDEAN, u).arithmetic == "rational"
    linear = repeat(Explicit(one, fluxes.identity(), 3), 12)
    assert write_witness(linear, EUCLIDEAN, u).arithmetic == "rational"


def test_no_witness_is_written_of_a_long_orbit_that_does_not_violate():
    one = from_matrix([["1"]])
    kept = repeat(Explicit(one, fluxes.rational(), "1/2"), 12)
    assert write_witness(kept, EUCLIDEAN, (from_matrix([["1/3"]]).exact()[0],)) is None
