"""Evidence on few kinds of rows: what it says of small operators, entry by entry, and of large."""

import json
from fractions import Fraction
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    FSI,
    RANGE,
    SIGN,
    Chain,
    Explicit,
    FixedPoint,
    Implicit,
    Stable,
    UniqueSolution,
    convolution,
    decide,
    difference,
    energy,
    fluxes,
    from_matrix,
    grid_gradient,
    stable_step,
)
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidEvidence
from stabkit.operators import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    PERIODIC,
    REFLECTING,
    Operator,
    grid_differences,
)
from stabkit.operators.row_blocks import entries_of, row_blocks
from stabkit.operators.row_bounds import column_squares, gram_bound
from stabkit.replay import check
from stabkit.replay.calculation import Calculation
from stabkit.replay.rows import Block, Rows
from stabkit.stability.falsify.windows import Window
from stabkit.stability.notions import Energy

BOUNDARIES = (REFLECTING, NATURAL, PERIODIC, DIRICHLET, MIRRORED)


def small_operators():
    """Differences of every order and boundary with up to 12 samples, and small grids."""
    for order in (1, 2, 3, 4):
        for n in range(2, 13):
            for boundary in BOUNDARIES:
                if boundary is not NATURAL or n > order:
                    yield difference(order, n, Fraction(2, 3), boundary)
    for shape in ((2, 2), (3, 4), (4, 3), (1, 5), (2, 3, 2)):
        for boundary in BOUNDARIES:
            yield grid_gradient(shape, 1, boundary)
    yield grid_differences((4, 5), ((0, 1), (1, 0), (1, 1), (1, -1)))
    yield convolution([1, 0, -3, 2], 9, DIRICHLET)
    yield from_matrix([[1, 0, 2], [0, 0, 0], [1, 0, 2], [0, 5, 0]])
    rng = np.random.default_rng(3)
    for _ in range(20):
        yield from_matrix(rng.integers(-1, 2, (4, 5)).tolist())


SMALL = list(small_operators())


def in_blocks(K):
    """K in the form that evidence has for large operators."""
    return {"shape": list(K.shape), "rows": [block.to_json() for block in row_blocks(K)]}


def evidence(K, *shows, **given):
    return {"kind": "certificate", "arithmetic": "rational", "configuration": {},
            "data": {"given": {"K": K, **given}, "let": [], "shows": list(shows), "by": ""}}


def dense(K):
    """What the checker reads, written out row by row, in nested loops of Python."""
    data = evidence(in_blocks(K), "1 == 1")["data"]
    rows = Calculation(data).given["K"]
    found = []
    for block in rows.blocks:
        places = [0]
        for count, shift in block.times:
            places = [place + i * shift for place in places for i in range(count)]
        for place in places:
            found.append([Fraction(0)] * rows.width)
            for value, j in zip(block.values, block.at, strict=True):
                found[-1][j + place] += value
    return np.array(found, dtype=object).reshape(rows.height, rows.width)


@pytest.mark.parametrize("K", SMALL, ids=repr)
def test_blocks_are_the_operator(K):
    """The blocks, written out, have exactly the rows of K in their order."""
    assert (dense(K) == K.exact()).all()


@pytest.mark.parametrize("K", SMALL, ids=repr)
def test_bounds_of_kinds_are_those_of_the_entries(K):
    """Brute force over the dense matrix: sums of rows and squares, products, rows of |K|'|K|."""
    a = K.exact()
    gram = abs(a).T @ abs(a)
    bound, squares = max(gram.sum(axis=1)), max((a * a).sum(axis=0))
    products = [row[i] * row[j] for row in a for i, j in combinations(range(len(row)), 2)]
    largest, least = max([p for p in products if p], default=Fraction(0)), a.min()
    side = all(j - i == 1 for row in a for i, j in combinations(np.flatnonzero(row), 2))
    assert (gram_bound(K), column_squares(K)) == (bound, squares)
    for matrix in (in_blocks(K), [[str(x) for x in row] for row in a]):
        assert check(evidence(
            matrix, f"gram_bound(K) == {bound}", f"column_squares(K) == {squares}",
            f"{'' if side else 'not '}side_by_side(K)", f"smallest_entry(K) == {least}",
            f"{'' if not any(a.sum(axis=1)) else 'not '}row_sums(K) == 0")) is None
    assert check(evidence(in_blocks(K), f"largest_product(K) == {largest}")) is None


@pytest.mark.parametrize("K", SMALL, ids=repr)
def test_the_bound_is_one_of_the_norm(K):
    """numpy's largest singular value does not exceed it; for plain differences it comes near."""
    assert np.linalg.norm(np.asarray(K), 2) ** 2 <= float(gram_bound(K)) * (1 + 1e-12)


@pytest.mark.parametrize("n", [2, 3, 7, 12])
@pytest.mark.parametrize("boundary", [REFLECTING, NATURAL])
def test_pivots_tell_the_norm(n, boundary):
    """c I − K'K for c just above 4 cos²(π/2n) and just below, from numpy's eigenvalues."""
    K = difference(1, n, 1, boundary)
    square = Fraction(np.linalg.eigvalsh(np.asarray(K).T @ np.asarray(K))[-1])
    above, below = square + Fraction(1, 10**9), square - Fraction(1, 10**9)
    assert check(evidence(in_blocks(K), "gram_at_most(K, c)", c=str(above))) is None
    assert "undecided" in check(evidence(in_blocks(K), "gram_at_most(K, c)", c=str(below)))


@pytest.mark.slow
def test_pivots_of_random_bands_agree_with_an_exact_elimination():
    """For random rows of two neighbours the pivots accept only what is semidefinite."""
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        n = int(rng.integers(1, 7))
        a = np.zeros((int(rng.integers(1, 9)), n), dtype=int)
        for row in a:
            i = int(rng.integers(0, n))
            row[i:i + 2] = rng.integers(-3, 4, len(row[i:i + 2]))
        K = [[str(x) for x in row] for row in a]
        c = str(Fraction(int(rng.integers(0, 300)), 7))
        by_pivots = check(evidence(K, "gram_at_most(K, c)", c=c)) is None
        exact = check(evidence(K, f"psd(c * I({n}) - K.T @ K)", c=c)) is None
        assert by_pivots <= exact
        seen.add((by_pivots, exact))
    assert seen == {(True, True), (False, False)}


def test_a_pivot_of_zero_beside_an_entry_is_not_semidefinite():
    """I − K'K for K = (1, 1) is (0, −1; −1, 0), with the eigenvalues ±1; for K = (1, 0) it is
    (0, 0; 0, 1), and a pivot of zero does no harm."""
    assert "undecided" in check(evidence([["1", "1"]], "gram_at_most(K, 1)"))
    assert check(evidence([["1", "0"]], "gram_at_most(K, 1)")) is None


def test_products_with_blocks_are_those_of_the_matrix():
    """K u, K'v and their sizes, against numpy; the transpose is not written anywhere."""
    K = grid_gradient((3, 4), Fraction(1, 2), PERIODIC)
    u, v = np.arange(12) ** 2, np.arange(24) % 5
    image, back = K.exact() @ u, v @ K.exact()
    assert check(evidence(in_blocks(K), "K @ u == s", "K.T @ v == w", u=list(map(str, u)),
                          v=list(map(str, v)), s=list(map(str, image)), w=list(map(str, back)))
                 ) is None


@pytest.mark.parametrize("change", [
    lambda K: K["rows"][0].update(at=[0, 0]), lambda K: K["rows"][0].update(at=[1, 0]),
    lambda K: K["rows"][0].update(at=[0]), lambda K: K["rows"][0].update(at=[-1, 0]),
    lambda K: K["rows"][0].update(times=[[5, 1]]), lambda K: K["rows"][0].update(times=[[3, 1]]),
    lambda K: K["rows"][0].update(times=[[4, 2]]), lambda K: K["rows"][0].update(times=[[0, 1]]),
    lambda K: K["rows"][0].update(times=[[4, True]]), lambda K: K["rows"][0].update(more=1),
    lambda K: K["rows"][0].update(values=["x", "1"]), lambda K: K["rows"][0].update(times="no"),
    lambda K: K["rows"][0].update(times=[[1, 1]] * 5), lambda K: K.update(shape=[4, 2**40]),
    lambda K: K.update(shape=[4]), lambda K: K.update(rows={}), lambda K: K.pop("shape"),
    lambda K: K.update(rows=[7]), lambda K: K["rows"][0].update(times=[[4, -1]]),
    lambda K: K["rows"][0].update(at=[1, 2]), lambda K: K.update(rows=7),
])
def test_blocks_that_do_not_fit_are_refused(change):
    """Entries outside the matrix, rows that are not there, words that nobody knows."""
    K = in_blocks(difference(1, 5))
    change(K)
    with pytest.raises(InvalidEvidence, match="given"):
        check(evidence(K, "row_sums(K) == 0"))


@pytest.mark.parametrize("shown", [
    "K == 0", "K + K == 0", "psd(K)", "norm2(K) == 0", "K @ K == 0", "K.T @ K == 0", "K[0] == 0",
    "ones(4) @ K == 0", "K @ ones(4) == 0", "gram_at_most(K, inf)", "gram_bound(ones(3)) == 0",
    "gram_at_most(K2, 9)"])
def test_blocks_are_not_mistaken_for_anything_else(shown):
    """What is not known of matrices of blocks is an error that says so."""
    data = evidence(in_blocks(difference(1, 5)), shown, K2=in_blocks(difference(2, 5)))
    with pytest.raises(InvalidEvidence):
        check(data)


# -- large schemes ---------------------------------------------------------------------------------
LARGE = 100_000


@cache
def line(order=1, boundary=REFLECTING):
    return difference(order, LARGE, 1, boundary)


def step(order, boundary):
    # Samples repeated at the boundary add up there, from order 3 on.
    K = line(order, boundary)
    return Explicit(K, SOFT, 2 / gram_bound(K) if boundary is MIRRORED else Fraction(2, 4**order))


def on_pixels(boundary=REFLECTING):
    return Explicit(grid_gradient((512, 512), 1, boundary), SOFT, "1/4")


SOFT = fluxes.soft()
LARGE_SCHEMES = [  # made by their tests: each takes a moment
    lambda: (Explicit(line(), SOFT, "1/2"), EUCLIDEAN),
    lambda: (Explicit(line(), SOFT, stable_step(line())), EUCLIDEAN),
    lambda: (Explicit(line(), fluxes.charbonnier(), "1/2"), CONTRACTION),
    lambda: (Explicit(line(), SOFT, "1/2"), RANGE),
    lambda: (Explicit(line(), SOFT, "1/4"), SIGN),
    lambda: (Explicit(line(), SOFT, "1/2"), energy(Energy(line(), SOFT))),
    lambda: (Implicit(line(), SOFT, 100), RANGE),
    lambda: (Implicit(line(), SOFT, 100), SIGN),
    lambda: (Implicit(line(), SOFT, 100), EUCLIDEAN),
    lambda: (FixedPoint(line(), fluxes.perona_malik(), "1/4", iterations=4), EUCLIDEAN),
    lambda: (FSI(line(), fluxes.identity(), "1/2", length=7), EUCLIDEAN),
    lambda: (FSI(line(), fluxes.garrote(), "1/2", length=7, frozen=True), EUCLIDEAN),
    lambda: (Chain([Explicit(line(), SOFT, "1/2"), Explicit(line(2), SOFT, "1/8")]), EUCLIDEAN),
    *(lambda order=order, boundary=boundary: (step(order, boundary), EUCLIDEAN)
      for order in (1, 2, 3, 4) for boundary in BOUNDARIES),
    lambda: (on_pixels(), RANGE),
    lambda: (on_pixels(), EUCLIDEAN),
    lambda: (on_pixels(PERIODIC), CONTRACTION),
]


@pytest.mark.slow
@pytest.mark.parametrize("make", LARGE_SCHEMES)
def test_size_does_not_matter(make):
    """The bounds 2/4ᵐ, 1/(2d), 1/4 hold for all N; the evidence is short and the checker agrees."""
    scheme, notion = make()
    outcome = decide(Stable(scheme, notion), trials=1)
    assert outcome.status == "proved"
    for item in outcome.evidence:
        assert check(item.to_json({})) is None
        if scheme.size == LARGE:
            assert len(json.dumps(item.data)) < 4000


@pytest.mark.slow
def test_uniqueness_at_any_size():
    """v + τ K'Φ(K v) = u has one solution for τ L₋ ‖K‖² < 1; s/(1+s²) has slopes >= -1/8."""
    scheme = Implicit(difference(1, LARGE), fluxes.rational(), "199/100")
    (item,) = decide(UniqueSolution(scheme)).evidence
    assert item.data["shows"][-1] == "tau * 1/8 * gram_bound(K) < 1"


def spoiled(K, row, value):
    """K with one entry of one row changed."""
    places, columns, values = K.row_of_entry, K.columns, list(K.values)
    k = int(np.searchsorted(places, row))
    values[k] = Fraction(value)
    return Operator(K.shape, places, columns, values)


@pytest.mark.slow
def test_one_spoiled_row_in_the_middle_is_seen():
    """Of 1e5 rows (-1, 1) one is (-3/2, 1): it keeps no constant, and 1/2 is too long a step."""
    K = spoiled(difference(1, LARGE), 50_000, Fraction(-3, 2))
    blocks = row_blocks(K)
    assert [block.count for block in blocks] == [50_000, 1, LARGE - 50_002]
    _, _, code, values = entries_of(blocks)
    assert values[code[2 * 50_000]] == Fraction(-3, 2)
    for notion in (EUCLIDEAN, RANGE):
        outcome = decide(Stable(Explicit(K, fluxes.soft(), "1/2"), notion), trials=100)
        assert outcome.status == "refuted"
        assert all(abs(np.flatnonzero(u) - 50_000).max() < 30 for u in outcome.signals)


@pytest.mark.slow
@pytest.mark.parametrize("notion, bound", [(EUCLIDEAN, "1/2"), (RANGE, "1/2"), (SIGN, "1/4")])
@pytest.mark.parametrize("n", [1000, pytest.param(LARGE, marks=pytest.mark.slow)])
def test_just_above_the_bound_it_is_refuted_in_a_few_lines(notion, bound, n):
    """The bounds are those of all N: a part in a thousand beyond them they fail for large N.

    The witness is recomputed here by NumPy from what is written in it.
    """
    tau = Fraction(bound) * Fraction(1001, 1000)
    scheme = Explicit(difference(1, n), fluxes.soft(), tau)
    outcome = decide(Stable(scheme, notion), trials=100)
    assert outcome.status == "refuted"
    (item,) = outcome.evidence
    assert len(json.dumps(item.data)) < 3000
    u = np.concatenate([np.tile([float(Fraction(x)) for x in values], count)
                        for count, values in item.data["given"]["u"]["runs"]])
    s = np.diff(u)
    flow = np.where(abs(s) <= 1, s, np.sign(s))
    v = u + float(tau) * np.diff(flow, prepend=0, append=0)
    margin = {EUCLIDEAN: lambda: u @ u - v @ v,
              RANGE: lambda: min(v.min() - u.min(), u.max() - v.max()),
              SIGN: lambda: np.count_nonzero(np.diff(np.sign(u[u != 0]))) -
              np.count_nonzero(np.diff(np.sign(np.round(v, 9)[abs(v) > 1e-9])))}[notion]()
    assert u.size == n and margin == pytest.approx(float(outcome.margin), abs=1e-9) and margin < 0


@pytest.mark.slow
def test_too_large_to_be_searched_is_said():
    """A millionth beyond the bound no short window breaks it: that is no support."""
    scheme = Explicit(difference(1, LARGE), fluxes.soft(), "500001/1000000")
    outcome = decide(Stable(scheme, EUCLIDEAN), trials=1)
    assert outcome.status == "undecided" and "windows of up to" in outcome.reason


@pytest.mark.slow
def test_a_pixel_breaks_a_grid():
    """On 300 x 300 pixels a bright one falls below its neighbours for tau > 1/4."""
    scheme = Explicit(grid_gradient((300, 300)), fluxes.soft(), "251/1000")
    outcome = decide(Stable(scheme, RANGE), trials=10)
    assert outcome.status == "refuted" and outcome.margin == Fraction(-4, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [
    Explicit(difference(2, 40), fluxes.soft(), "1/4"),
    FSI(difference(1, 40), fluxes.garrote(), "1/2", length=3),
    FixedPoint(grid_gradient((6, 7)), fluxes.soft(), "1/4", iterations=2)])
@pytest.mark.parametrize("inside", [[0, 1, 2], [17, 18, 19, 20], [3, 11, 30]])
def test_a_window_has_the_margin_of_the_whole(scheme, inside):
    """What a small scheme says of signals that vanish outside is what the whole one says."""
    window = Window(scheme, np.array(inside))
    rng = np.random.default_rng(0)
    for _ in range(10):
        x = np.array([Fraction(int(k), 2) for k in rng.integers(-5, 6, len(inside))])
        u = window.signal(x)
        for notion in (EUCLIDEAN, RANGE, SIGN):
            assert notion.margin(*window.pair(x)) == notion.margin(u, scheme(u))
        whole, part = (Energy(each.K, scheme.flux) for each in (scheme, window.small))
        assert float(energy(part).margin(*window.pair(x))) == pytest.approx(
            float(energy(whole).margin(u, scheme(u))))  # with logarithms, so enclosed only


def test_long_vectors_are_written_in_runs():
    """Runs give the vector back, whatever repeats in it; short vectors stay as they are."""
    rng = np.random.default_rng(1)
    for u in (np.zeros(300), np.tile([1, -1], 200), np.repeat(rng.integers(0, 9, 300), 9),
              rng.integers(0, 2, 300), np.arange(300)):
        log = Transcript()
        log.give("u", np.array([Fraction(int(x)) for x in u], dtype=object))
        written = log.given["u"]
        assert Calculation(evidence(in_blocks(difference(1, 3)), "1 == 1", u=written)["data"]
                           ).given["u"] == tuple(u)
    log.give("w", np.array([Fraction(1)] * 20, dtype=object))
    assert log.given["w"] == ["1"] * 20


@pytest.mark.parametrize("runs", [7, [7], [[1]], [[0, ["1"]]], [[True, ["1"]]], [[1, ["inf"]]],
                                  [[1 << 60, ["1"]]], [[1, "1"]], [["1", ["1"]]]])
def test_runs_that_are_none_are_refused(runs):
    """Counts that are no counts, entries that are no numbers, vectors without end."""
    with pytest.raises(InvalidEvidence):
        check(evidence(in_blocks(difference(1, 3)), "1 == 1", u={"runs": runs}))


def test_the_checker_refuses_forged_blocks():
    """A stencil, a step or a count that is changed in the evidence is noticed."""
    scheme = Explicit(difference(1, 1000), fluxes.soft(), "1/2")
    (item,) = decide(Stable(scheme, EUCLIDEAN)).evidence
    for values in (["-1", "11/10"], ["-2", "1"]):
        forged = json.loads(json.dumps(item.to_json({})))
        forged["data"]["given"]["K"]["rows"][0]["values"] = values
        assert "does not hold" in check(forged)
    forged = json.loads(json.dumps(item.to_json({})))
    forged["data"]["given"]["tau"] = "501/1000"
    assert "does not hold" in check(forged)


def test_reading_an_open_block_is_cheap():
    """A matrix of a million columns is a line of evidence; the checker walks along it once."""
    rows = Rows(1, 3, (Block((Fraction(1),), (0,), ()),))
    assert rows @ (Fraction(5), Fraction(0), Fraction(0)) == (Fraction(5),)
