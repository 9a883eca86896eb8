"""The notions: their margins by definition, and that each differs from every other."""

from fractions import Fraction
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fractions
from stabkit.codes import NotionCode
from stabkit.errors import InvalidArgument, Undecided
from stabkit.fluxes.flux import Facts, from_activation
from stabkit.operators import PERIODIC, difference, from_matrix
from stabkit.replay import check
from stabkit.schemes import Chain, Explicit, Linear, Pointwise
from stabkit.stability.decide import decide
from stabkit.stability.notions import (
    CONTRACTION,
    CONTRAST,
    CYCLIC_VARIATION,
    EUCLIDEAN,
    EXTREMA,
    MAX_NORM,
    NAMED,
    POSITIVITY,
    RANGE,
    SIGN,
    VARIATION,
    Energy,
    energy,
    largest,
    sensitivity,
    sign_changes,
    smallest,
    squared_norm,
)
from stabkit.stability.property import Stable
from stabkit.stability.sign_changes import changes_around
from stabkit.stability.verdict import PROVED, REFUTED
from stabkit.testing import rationals, signals

PAIRS = st.integers(2, 6).flatmap(lambda n: st.tuples(signals(n), signals(n), signals(n),
                                                      signals(n)))


def count_signs(u):
    """Sign changes with zeros dropped, by walking along the signal."""
    walk = [x > 0 for x in u if x]
    return sum(a is not b for a, b in pairwise(walk))


@pytest.mark.slow
@given(PAIRS)
def test_margins_by_definition(four):
    """‖u‖² − ‖u⁺‖², the same of differences, the distance to leaving [min u, max u], lost sign
    changes, and the loss of the largest jump: negative iff violated."""
    u, up, v, vp = four
    assert EUCLIDEAN.margin(u, up) == sum(x * x for x in u) - sum(x * x for x in up)
    assert CONTRACTION.margin(u, up, v, vp) == \
        sum((x - y) ** 2 for x, y in zip(u, v, strict=True)) - \
        sum((x - y) ** 2 for x, y in zip(up, vp, strict=True))
    assert RANGE.margin(u, up) == min(min(min(up) - min(u), max(u) - y) for y in up)
    assert (RANGE.margin(u, up) < 0) == (not all(min(u) <= y <= max(u) for y in up))
    assert SIGN.margin(u, up) == count_signs(u) - count_signs(up)
    jumps = [max(abs(b - a) for a, b in pairwise(w)) for w in (u, up)]
    assert CONTRAST.margin(u, up) == jumps[0] - jumps[1]
    assert sensitivity(2).margin(u, up, v, vp) - CONTRACTION.margin(u, up, v, vp) == \
        3 * sum((x - y) ** 2 for x, y in zip(u, v, strict=True))


def rises(u):
    return [b - a for a, b in pairwise(u)]


@pytest.mark.slow
@given(PAIRS)
def test_margins_of_variation_extrema_positivity_and_largest_modulus(four):
    """Σ|uᵢ₊₁ − uᵢ|, turns, the least entry of u⁺ for u >= 0, max |u|: by walking along u."""
    u, up = four[:2]
    assert VARIATION.margin(u, up) == sum(map(abs, rises(u))) - sum(map(abs, rises(up)))
    around = [sum(abs(x[k] - x[k - 1]) for k in range(len(x))) for x in (u, up)]
    assert CYCLIC_VARIATION.margin(u, up) == around[0] - around[1]
    assert EXTREMA.margin(u, up) == count_signs(rises(u)) - count_signs(rises(up))
    assert MAX_NORM.margin(u, up) == max(map(abs, u)) - max(map(abs, up))
    assert POSITIVITY.margin(u, up) == (min(up) if min(u) >= 0 else 0)
    assert POSITIVITY.margin(abs(u), up) == min(up)


def test_a_plateau_is_one_extremum_and_an_end_is_none():
    """(0, 1, 1, 0) turns once, (0, 1, 2) never, (0, 1, 0, 1) twice."""
    flat = fractions([0, 0, 0, 0])
    assert [-EXTREMA.margin(flat[:len(u)], fractions(u)) for u in (
        [0, 1, 1, 0], [0, 1, 2], [0, 1, 0, 1], [3, 3, 3])] == [1, 0, 2, 0]


@pytest.mark.parametrize("sort, holds, fails", [
    # The mean of neighbours smooths; sharpening adds variation and turns; 1.1 u grows.
    (VARIATION, ["1/2", "1/2"], ["3/2", "-1/2"]),
    (CYCLIC_VARIATION, ["1/2", "1/2"], ["3/2", "-1/2"]), (EXTREMA, ["1/2", "1/2"], ["3/2", "-3/4"]),
    (POSITIVITY, ["3/2", "1/2"], ["3/2", "-1/2"]), (MAX_NORM, ["1/2", "-1/2"], ["3/4", "-1/2"]),
])
def test_witnesses_of_the_later_notions_replay(sort, holds, fails):
    """u⁺ᵢ = a uᵢ + b uᵢ₋₁ (the first sample stays): nothing is found against the one, and the
    other is refuted by a signal that the checker accepts."""
    def step(a, b, n=4):
        rows = [[0] * n for _ in range(n)]
        rows[0][0] = 1
        for i in range(1, n):
            rows[i][i], rows[i][i - 1] = a, b
        return Linear(from_matrix(rows))

    assert decide(Stable(step(*holds), sort), trials=300).status is not REFUTED
    refuted = decide(Stable(step(*fails), sort), trials=300)
    assert refuted.status is REFUTED and check(refuted.evidence[0].to_json({})) is None


@pytest.mark.slow
@given(PAIRS)
def test_batches_have_the_sign_of_the_exact_margin(four):
    """What a search sees in floats has the sign of the exact margin, where that is not tiny."""
    parts = [np.array([part, part], dtype=float) for part in four]
    for notion in (EUCLIDEAN, CONTRACTION, RANGE, SIGN, CONTRAST, VARIATION, CYCLIC_VARIATION,
                   EXTREMA, POSITIVITY, MAX_NORM, sensitivity("3/2")):
        exact = notion.margin(*four[:2 * notion.signals])
        seen = notion.margins(*parts[:2 * notion.signals])
        assert seen.shape == (2,) and seen[0] == seen[1]
        if abs(exact) > 1e-9:
            assert np.sign(seen[0]) in (np.sign(float(exact)), 0)


@pytest.mark.parametrize("signal, count", [
    ([0, 0, 0], 0), ([1, 0, -1], 1), ([1, 0, 1], 0), ([0, -1, 0, 0, 2, -3], 2), ([5], 0),
    ([1, -1, 1, -1], 3), ([0, 1, 0], 0),
])
def test_zeros_are_dropped(signal, count):
    """S(u) counts changes between neighbours that are not 0; exactly, in floats and in batches."""
    assert sign_changes(fractions(signal)) == count
    assert sign_changes(np.array(signal, dtype=float)) == count
    assert (sign_changes(np.array([signal, signal], dtype=float)) == count).all()


@pytest.mark.slow
@given(st.lists(st.integers(-1, 1), min_size=1, max_size=7))
def test_sign_changes_by_walking(signal):
    """The vectorised count against a walk along the signal."""
    assert sign_changes(np.array(signal, dtype=float)) == count_signs(signal)


@pytest.mark.slow
@given(signals(4), st.lists(rationals().map(abs), min_size=4, max_size=4))
def test_margins_of_enclosures(u, widths):
    """The margin of intervals contains the margin of every signal in them, or is undecided."""
    box = np.array([Interval(x - w, x + w) for x, w in zip(u, widths, strict=True)], dtype=object)
    up = np.array([x / 2 for x in box], dtype=object)
    for notion in (EUCLIDEAN, RANGE, CONTRAST):
        margin, exact = notion.margin(box, up), notion.margin(u, u / 2)
        assert margin.lower <= exact <= margin.upper
    assert smallest(box).lower <= min(u) and max(u) <= largest(box).upper
    assert squared_norm(box).upper >= squared_norm(u)
    try:
        assert SIGN.margin(box, up) == SIGN.margin(u, u)
    except Undecided:
        assert any(x - w <= 0 <= x + w for x, w in zip(u, widths, strict=True))


def test_energy_is_the_sum_of_the_regulariser():
    """E(u) = Σᵢ Ψ((K u)ᵢ); for Φ = id it is ‖K u‖²."""
    K, u = difference(1, 4), fractions([1, 4, 2, -1])
    assert Energy(K, fluxes.identity())(u) == 9 + 4 + 9
    assert Energy(K, fluxes.soft(1))(u) == 5 + 3 + 5
    assert energy(Energy(K, fluxes.soft())).margin(u, 0 * u) == 13
    batch = np.array([u, 2 * u], dtype=float)
    assert (Energy(K, fluxes.identity())(batch) == [22, 88]).all()


@pytest.mark.parametrize("argument, wrong", [
    ("factor", lambda: sensitivity(0)), ("factor", lambda: sensitivity(float("nan"))),
    ("functional", lambda: energy(3)),
    ("u", lambda: CONTRAST.margin(fractions([1]), fractions([1]))),
])
def test_bad_input_names_the_argument(argument, wrong):
    """One line that says which argument cannot be used."""
    with pytest.raises(InvalidArgument, match=rf"\b{argument}\b"):
        wrong()


# -- no notion is another one --------------------------------------------------------------------
def linear(*rows):
    return Linear(from_matrix(rows))


DOUBLE, MINUS = linear([2, 0], [0, 2]), linear([-1, 0], [0, -1])
BENT = linear(["1/2", 0], [0, "-1/2"])  # (1, 1) ↦ (1/2, −1/2): a sign change out of nothing
CUT = linear([1, 0], [0, 0])  # (1, 1) ↦ (1, 0): shorter, but not flat any more
COPY = linear([1, 0], [1, 0])  # (1, 0) ↦ (1, 1): old values, but longer
EXCHANGE = linear([1, 0, 0], [0, 0, 1], [0, 1, 0])  # (1, 1, −1) ↦ (1, −1, 1)
STEEP = Explicit(difference(1, 2), fluxes.garrote(), "1/2")  # Φ falls, so near signals part
ONES = (Fraction(1), Fraction(1))
AWAY = Pointwise(from_activation(lambda s: s + 1, Facts(False, ONES, None)), 2)
BACKWARD = Explicit(difference(1, 3), fluxes.scaled_identity(-1), "1/4")  # Ψ(s) = −s² falls

# (the notion that the step has, the notion that it lacks): the step
DIFFERENT = {
    ("euclidean", "contraction"): STEEP, ("euclidean", "range"): MINUS,
    ("euclidean", "sign"): BENT, ("euclidean", "energy"): CUT,
    ("contraction", "euclidean"): AWAY, ("contraction", "range"): MINUS,
    ("contraction", "sign"): BENT, ("contraction", "energy"): CUT,
    ("range", "euclidean"): COPY, ("range", "contraction"): COPY, ("range", "sign"): EXCHANGE,
    ("range", "energy"): EXCHANGE,
    ("sign", "euclidean"): DOUBLE, ("sign", "contraction"): DOUBLE, ("sign", "range"): DOUBLE,
    ("sign", "energy"): DOUBLE,
    ("energy", "euclidean"): BACKWARD, ("energy", "contraction"): BACKWARD,
    ("energy", "range"): BACKWARD, ("energy", "sign"): BACKWARD,
}


def notion(name, scheme):
    if name == "energy":
        flux = getattr(scheme, "flux", fluxes.identity())
        K = getattr(scheme, "K", difference(1, scheme.size))
        return energy(Energy(K, flux))
    return {"euclidean": EUCLIDEAN, "contraction": CONTRACTION, "range": RANGE, "sign": SIGN}[name]


@pytest.mark.parametrize("has, lacks", DIFFERENT)
def test_no_notion_implies_another(has, lacks):
    """A small step that provably has the one notion, with a witness against the other."""
    scheme = DIFFERENT[has, lacks]
    assert decide(Stable(scheme, notion(has, scheme)), trials=500).status is PROVED
    outcome = decide(Stable(scheme, notion(lacks, scheme)), trials=500)
    assert outcome.status is REFUTED and outcome.margin < 0


def test_every_pair_of_notions_is_told_apart():
    """All ordered pairs of the five."""
    assert set(DIFFERENT) == set(permutations(
        ("euclidean", "contraction", "range", "sign", "energy"), 2))


@pytest.mark.slow
def test_five_notions_five_bounds():
    """One scheme, K₁ with N = 4 and Φ = id: the largest step is 1/cos²(π/8)/2 for ‖·‖,
    differences and energy, 1/2 for the range, and lower for the sign changes."""
    K, flux = difference(1, 4), fluxes.identity()
    top = Fraction(58578, 100000)  # 2/‖K₁‖² = 2/(2 + √2) = 0.585786...
    bounds = {EUCLIDEAN: top, CONTRACTION: top, energy(Energy(K, flux)): top,
              RANGE: Fraction(1, 2)}
    for sort, bound in bounds.items():
        assert decide(Stable(Explicit(K, flux, bound), sort)).status is PROVED
        assert decide(Stable(Explicit(K, flux, bound + Fraction(1, 1000)), sort)).status is REFUTED
    assert decide(Stable(Explicit(K, flux, Fraction(1, 4)), SIGN)).status is PROVED
    assert decide(Stable(Explicit(K, flux, Fraction(49, 100)), SIGN)).status is REFUTED


def test_sign_changes_around_the_circle_are_another_matter():
    """With a periodic boundary a step within the sign bound may add a sign change."""
    step = Explicit(difference(1, 4, 1, PERIODIC), fluxes.identity(), Fraction(1, 4))
    assert decide(Stable(step, SIGN)).status is REFUTED


def test_each_notion_says_itself():
    """The page on notions, the compiled loops and the messages speak of the same margins."""
    page = (Path(__file__).parents[2] / "docs/explanation/notions.md").read_text("utf-8")
    formulas = {line.split("`")[1].partition("(")[0].upper(): line.replace(r"\|", "¦").split("|")[3]
                .strip().replace("¦", "|") for line in page.splitlines() if line.startswith("| `")}
    for name in "WEIGHTED", "STAYS_IN", "POWER_BOUNDED":  # told on the page alone
        formulas.pop(name)
    notions = [sensitivity(2), energy(lambda u: u)]
    said = {name.replace(" ", "_").upper(): notion.words.formula for name, notion in NAMED.items()}
    said |= {notion.name.split()[0].upper(): notion.words.formula for notion in notions}
    assert said == formulas
    notions += NAMED.values()
    assert all(notion.words.says and notion.words.holds != notion.words.fails for notion in notions)
    assert {notion.kernel for notion in NAMED.values()} == {0, 1, 2, 3, None}


@pytest.mark.slow
def test_the_compiled_loops_have_the_codes_of_the_notions():
    for notion in NAMED.values():
        assert notion.kernel == getattr(NotionCode, notion.name.upper(), None)


def test_only_constants_up_to_1_are_kept_by_compositions():
    """Twice a step that doubles differences is four times: 2 bounds each part, not both."""
    assert sensitivity(1).composes and not sensitivity("1001/1000").composes
    doubled = Linear(from_matrix([[2]]))
    assert decide(Stable(Chain([doubled, doubled]), sensitivity(2))).status is REFUTED


def test_changes_around_a_ring_are_those_of_neighbours_that_are_not_zero():
    """Each nonzero entry beside the next one around the ring, counted by hand."""
    drawn = np.random.default_rng(5).integers(-1, 2, (300, 7)).astype(float)
    drawn[0] = 0
    by_hand = []
    for u in drawn:
        kept = u[u != 0]
        by_hand.append(int(np.sum(kept * np.roll(kept, 1) < 0)))
    assert changes_around(drawn).tolist() == by_hand
    assert [changes_around(u.astype(object)) for u in drawn] == by_hand
