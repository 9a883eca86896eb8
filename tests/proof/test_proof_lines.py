"""Rows of lines of every length, functions on pieces, and signs of polynomials."""

import itertools
import random
from fractions import Fraction as F

import pytest
from nested_data import changed

from stabkit.errors import InvalidEvidence
from stabkit.proof import THEOREMS, check
from stabkit.proof.polynomials import coefficients, nonnegative, nonnegative_on_box
from stabkit.proof.symbols import grid, line
from stabkit.proof.text import parse
from stabkit.proof.words import parameter


def refused(statement, proof, reason):
    with pytest.raises(InvalidEvidence, match=reason):
        check(statement, proof)


# -- rows ----------------------------------------------------------------------------------------

SIGN, PIVOT = line(1, "1/4", "sign"), {"pivot": "1/2 - x"}
RANGE = line(1, "1/2", "range")
IMPLICIT_SIGN, IMPLICIT_RANGE = (line(-1, "inf", keeps) for keeps in ("sign", "range"))


def test_the_rows_are_those_of_the_scheme():
    assert SIGN["rows"] == {
        "first": {"0": "1 - r", "1": "r"}, "inner": {"-1": "l", "0": "1 - l - r", "1": "r"},
        "last": {"-1": "l", "0": "1 - l"}, "single": {"0": "1"}}
    assert IMPLICIT_RANGE["rows"]["inner"] == {"-1": "-l", "0": "1 + l + r", "1": "-r"}


def matrix(weights, sign):
    """I − sign·DᵀGD, entry by entry."""
    n = len(weights) + 1
    rows = [[F(int(i == j)) for j in range(n)] for i in range(n)]
    for k, x in enumerate(weights):
        for i, j in ((k, k + 1), (k + 1, k)):
            rows[i][j] += sign * x
            rows[i][i] -= sign * x
    return rows


def applied(rows, u):
    return [sum(a * x for a, x in zip(row, u, strict=True)) for row in rows]


def solved(rows, u):
    """Elimination."""
    rows = [[*row, x] for row, x in zip(rows, u, strict=True)]
    for i in range(len(rows)):
        rows[i] = [a / rows[i][i] for a in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


def changes(u):
    signs = [x > 0 for x in u if x]
    return sum(a is not b for a, b in itertools.pairwise(signs))


@pytest.mark.slow
def test_lines_of_many_lengths_keep_range_and_sign():
    rng = random.Random(1)
    for _ in range(300):
        n = rng.randint(1, 8)
        u = [F(rng.randint(-3, 3)) for _ in range(n)]
        share = [F(rng.choice([0, 1, 2, 4, 4]), 4) for _ in range(n - 1)]
        wide = applied(matrix([x / 2 for x in share], 1), u)
        assert min(u) <= min(wide) and max(wide) <= max(u)
        assert changes(applied(matrix([x / 4 for x in share], 1), u)) <= changes(u)
        after = solved(matrix([8 * x for x in share], -1), u)
        assert min(u) <= min(after) and max(after) <= max(u) and changes(after) <= changes(u)


VARIATION, EXTREMA = line(1, "1/2", "variation"), line(1, "1/4", "extrema")


def rises(u):
    return [b - a for a, b in itertools.pairwise(u)]


@pytest.mark.slow
def test_lines_of_many_lengths_keep_variation_and_extrema():
    """Σ|u⁺ᵢ₊₁ − u⁺ᵢ| within weights of 1/2, the changes of sign of the differences within 1/4."""
    rng = random.Random(2)
    for _ in range(400):
        n = rng.randint(1, 8)
        u = [F(rng.randint(-3, 3)) for _ in range(n)]
        share = [F(rng.choice([0, 1, 2, 4, 4]), 4) for _ in range(n - 1)]
        wide = applied(matrix([x / 2 for x in share], 1), u)
        assert sum(map(abs, rises(wide))) <= sum(map(abs, rises(u)))
        assert changes(rises(applied(matrix([x / 4 for x in share], 1), u))) <= changes(rises(u))


def test_beyond_the_bounds_variation_and_extrema_grow():
    """A pixel of height 1 between zeros: TV 2 grows with weights above 1/2; and within 1/2 one
    maximum becomes two, as d = (1, −1, 0) becomes (−1, 1, −1)/2."""
    x = F(501, 1000)
    after = applied(matrix([x] * 4, 1), [F(0), F(0), F(1), F(0), F(0)])
    assert sum(map(abs, rises(after))) > 2
    after = applied(matrix([F(1, 2)] * 3, 1), [F(0), F(1), F(0), F(0)])
    assert changes(rises(after)) == 2 and changes([F(1), F(-1), F(0)]) == 1


@pytest.mark.parametrize("statement, proof", [
    (line(1, "501/1000", "variation"), {}), (line(1, "251/1000", "extrema"), {"pivot": "1 - 3*x"}),
    (line(1, "1/2", "extrema"), {"pivot": "1 - 3*x"}), (EXTREMA, {"pivot": "1 - 2*x"}),
    (EXTREMA, {"pivot": "1 - 4*x"}), (EXTREMA, {"pivot": "1 - 7/2*x"}),
    (changed(VARIATION, "rows", "inner", "0", to="1 - l - r/2"), {}),
    (changed(VARIATION, "rows", "last", "-1", to="-l"), {}),
    (changed(EXTREMA, "rows", "first", "0", to="1 - 2*r"), {"pivot": "1 - 3*x"}),
    (changed(changed(VARIATION, "rows", "inner", "1", to="2*r"), "rows", "inner", "0",
             to="1 - l - 2*r"), {}),
])
def test_what_is_not_so_of_differences_is_refused(statement, proof):
    """A weight just over the bound, a wrong pivot, rows that do not sum to 1, a wrong sign."""
    refused(statement, proof, "not shown|do not sum")


def test_variation_and_extrema_are_of_explicit_steps_on_lines():
    for keeps in ("variation", "extrema", "contrast", "mean"):
        refused(line(-1, "inf", keeps), {}, "only known of explicit")
        refused(grid(1, "1/8", 2) | {"keeps": keeps}, {}, "a line needs")
    check(VARIATION, {})
    check(EXTREMA, {"pivot": "1 - 3*x"})


def test_beyond_the_bounds_range_and_sign_are_lost():
    """u⁺ = (0, 1.002, 0) with range bound 1/2 → 0.501; and a new change of sign beyond 1/4."""
    x = F(501, 1000)
    assert min(applied(matrix([x, x], 1), [F(0), F(1), F(0)])) < 0
    x, n = F(26, 100), 30
    rows = matrix([x] * (n - 1), 1)
    pivots, d = [], None
    for i in range(n):
        d = rows[i][i] - (rows[i][i - 1] ** 2 / d if i else 0)
        pivots.append(d)
    assert min(pivots) < 0  # not a product of nonnegative bidiagonal matrices


def test_grids_of_every_shape_keep_the_range():
    """By hand on a 4 x 3 grid with missing edges."""
    rng = random.Random(4)
    edges = [((i, j), (i + a, j + b)) for i in range(4) for j in range(3)
             for a, b in ((1, 0), (0, 1)) if i + a < 4 and j + b < 3]
    for _ in range(100):
        u = {(i, j): F(rng.randint(-3, 3)) for i in range(4) for j in range(3)}
        after = dict(u)
        for a, b in edges:
            flow = F(rng.choice([0, 1, 4, 4]), 16) * (u[b] - u[a])
            after[a] += flow
            after[b] -= flow
        assert min(u.values()) <= min(after.values()) and max(after.values()) <= max(u.values())
    rows = grid(1, "1/4", 2)
    assert len(rows["rows"]) == 16
    check(rows, {})
    refused(grid(1, "251/1000", 2), {}, "not shown")
    check(grid(-1, "inf", 2), {})


@pytest.mark.parametrize("end", ["2501/10000", "1/2", "1", "inf"])
def test_a_larger_step_is_not_proved_to_keep_the_sign(end):
    for pivot in ("1/2 - x", "1/4", "1", "1/2 - 2*x", "1 - 2*x", "1 - x", "1/2 - x**2"):
        refused(changed(SIGN, "weights", to={"l": end, "r": end}), {"pivot": pivot}, "not shown")


@pytest.mark.parametrize("end", ["501/1000", "1", "inf"])
def test_a_larger_step_is_not_proved_to_keep_the_range(end):
    refused(changed(RANGE, "weights", to={"l": end, "r": end}), {}, "not shown")


@pytest.mark.parametrize("statement", [RANGE, IMPLICIT_RANGE], ids=["explicit", "implicit"])
def test_one_wrong_coefficient_anywhere_loses_the_range(statement):
    check(statement, {})
    for name, row in statement["rows"].items():
        for k, text in row.items():
            for wrong in (f"-({text})", f"{text} - 1", f"{text} + 1/100", f"2*({text})"):
                refused(changed(statement, "rows", name, k, to=wrong), {}, "not")


@pytest.mark.parametrize("statement, pivot", [(SIGN, "1/2 - x"), (IMPLICIT_SIGN, "1 + x")],
                         ids=["explicit", "implicit"])
def test_one_wrong_coefficient_anywhere_loses_the_sign(statement, pivot):
    """Entries of the other sign, a smaller pivot, larger entries that no later row makes up for."""
    check(statement, {"pivot": pivot})
    wrong = [(name, k, f"-({text})") for name, row in statement["rows"].items()
             for k, text in row.items()]
    wrong.append(("inner", "0", statement["rows"]["inner"]["0"] + " - 1/100"))
    if statement is SIGN:
        wrong += [(name, k, statement["rows"][name][k] + " + 1/100")
                  for name, k in (("first", "1"), ("inner", "-1"), ("inner", "1"))]
    for name, k, text in wrong:
        refused(changed(statement, "rows", name, k, to=text), {"pivot": pivot}, "not shown")


@pytest.mark.parametrize("pivot, reason", [
    ("1/2", "not shown"), ("x", "not shown"), ("1/2 - 2*x", "> 0"), ("0", "> 0"), ("1/5", "not"),
    ("y", "not a name"), ("-1", "> 0"), (1, "text"), ("l", "not a name"), ("3/4 - x", "not shown"),
])
def test_a_wrong_bound_of_pivots_is_refused(pivot, reason):
    refused(SIGN, {"pivot": pivot}, reason)


@pytest.mark.parametrize("change, reason", [
    ({"keeps": "energy"}, "range, sign, variation"), ({"step": "magic"}, "explicit or implicit"),
    ({"weights": {"l": "1/4"}}, "not a name|line has"), ({"note": ""}, "not known here"),
    ({"weights": {"l": "1/4", "r": "1/2"}}, "same end"), ({"weights": {"l": "0", "r": "0"}}, "> 0"),
    ({"weights": {"l": 0.25, "r": 0.25}}, "fraction"), ({"rows": {}}, "line needs|needs an entry"),
    ({"rows": {**SIGN["rows"], "first": {"0": "1 - l", "1": "l"}}}, "another edge"),
    ({"rows": {**SIGN["rows"], "first": {"1": "r"}}}, "needs an entry"),
    ({"rows": {**SIGN["rows"], "wide": {"0": "1"}}}, "line needs"),
    ({"rows": {k: row for k, row in SIGN["rows"].items() if k != "single"}}, "line needs"),
    ({"rows": {**SIGN["rows"], "inner": {"-2": "l", "0": "1 - l - r", "1": "r"}}}, "line needs"),
    ({"rows": {**SIGN["rows"], "single": {"0": "1", "00": "0"}}}, "line needs"),
    ({"rows": {**SIGN["rows"], "single": {"0": "1", "1": 0}}}, "must be a text"),
])
def test_rows_are_read_strictly(change, reason):
    refused({**SIGN, **change}, PIVOT, reason)


def test_proofs_for_rows_have_their_form():
    for proof in ({}, {"pivot": "1/2 - x", "note": ""}, None, {"base": "1"}):
        refused(SIGN, proof, "missing|not known|dictionary")
    refused(RANGE, PIVOT, "not known here")


# -- polynomials ---------------------------------------------------------------------------------


def poly(*roots, lead=1):
    p = [F(lead)]
    for r in roots:
        p = [a - F(r) * b for a, b in zip([F(0), *p], [*p, F(0)], strict=True)]
    return p


ENDS = [None, F(-2), F(-1), F(0), F(1, 2), F(1), F(2)]


@pytest.mark.slow
def test_signs_on_intervals_are_those_of_the_roots():
    rng = random.Random(2)
    for _ in range(1500):
        roots = [F(rng.randint(-6, 6), rng.choice([1, 2])) for _ in range(rng.randint(0, 6))]
        lead = rng.choice([-2, -1, 1, 3])
        irrational = rng.random() < 0.3  # times x² + 1, which has no roots
        p = poly(*roots, lead=lead)
        if irrational:
            p = [a + b for a, b in zip([F(0), F(0), *p], [*p, F(0), F(0)], strict=True)]
        a, b = rng.choice(ENDS), rng.choice(ENDS[::-1])
        if a is not None and b is not None and a >= b:
            continue
        lo = a if a is not None else F(-100)
        hi = b if b is not None else F(100)
        cuts = sorted({lo, hi, *(r for r in roots if lo < r < hi)})
        middle = [(s + t) / 2 for s, t in itertools.pairwise(cuts)]
        expected = all(sum(c * x**k for k, c in enumerate(p)) >= 0 for x in middle)
        assert nonnegative(p, a, b) is expected
    assert nonnegative([], F(0), F(1)) and not nonnegative([F(-1)], None, None)


@pytest.mark.parametrize("text, low, high, expected", [
    ("x**2 - 2", F(1), F(2), False), ("x**2 - 2", F(3, 2), None, True),
    ("x**2 - 2", None, None, False),
    ("(x**2 - 2)**2", None, None, True), ("(x**2 - 2)**3", F(1), None, False),
    ("1 - x**2", F(-1), F(1), True), ("x**3", F(0), None, True), ("x**3", None, F(0), False),
    ("x**4 - 4*x + 3", None, None, True), ("x**4 - 4*x + 2999/1000", None, None, False),
    ("8*x**4 - 8*x**2 + 1 + 1", F(-1), F(1), True), ("1 - x", None, F(1), True),
])
def test_signs_where_roots_are_irrational(text, low, high, expected):
    assert nonnegative(coefficients(parse(text, {"x": parameter("x")}), "x"), low, high) is expected


@pytest.mark.slow
def test_what_is_shown_on_a_box_is_true_there():
    rng, shown = random.Random(3), 0
    names = {"x": parameter("x"), "y": parameter("y")}
    for _ in range(300):
        text = " + ".join(f"{rng.randint(-2, 4)}*x**{rng.randint(0, 2)}*y**{rng.randint(0, 2)}"
                          for _ in range(4))
        found = parse(text.replace("+ -", "- "), names)
        box = {"x": rng.choice([F(1), F(1, 2), None]), "y": rng.choice([F(2), None])}
        strict = rng.random() < 0.5
        if nonnegative_on_box(found, box, strict):
            shown += 1
            for x, y in itertools.product(range(5), repeat=2):
                at = {"x": (box["x"] or 9) * F(x, 4), "y": (box["y"] or 9) * F(y, 4)}
                value = eval(text, dict(at))
                assert value > 0 if strict else value >= 0
    assert shown > 30


# -- pieces --------------------------------------------------------------------------------------


def on_pieces(goal, on=("-inf", "inf")):
    return {"kind": "pieces", "variable": "y", "on": list(on), "goal": goal}


@pytest.mark.parametrize("goal, breaks, on", [
    ("max(y, 0) - max(-y, 0) - y == 0", ["0"], ("-inf", "inf")),
    ("abs(y) - max(y, -y) == 0", ["0"], ("-inf", "inf")),
    ("max(y, 0) + max(-y, 0) - abs(y) == 0", ["0"], ("-inf", "inf")),
    ("max(min(y, 1), -1) - (abs(y + 1) - abs(y - 1))/2 == 0", ["-1", "1"], ("-inf", "inf")),
    ("abs(y) - y >= 0", ["0"], ("-inf", "inf")), ("1 - y*y >= 0", [], ("-1", "1")),
    ("max(y, 0)*(y - max(y, 0)) >= 0", ["0"], ("-inf", "inf")),
    ("max(y - 1, 0) + min(y, 1) - y == 0", ["1"], ("0", "5")),
])
def test_identities_hold_on_their_pieces(goal, breaks, on):
    check(on_pieces(goal, on), {"breaks": breaks})
    left, sign = goal[:-5], goal[-4:-2]
    low = -7 if on[0] == "-inf" else int(on[0])
    high = 7 if on[1] == "inf" else int(on[1])
    for k in range(29):  # by hand
        y = low + F(k, 28) * (high - low)
        value = eval(left, {"max": max, "min": min, "abs": abs, "y": y})
        assert value == 0 if sign == "==" else value >= 0


@pytest.mark.parametrize("goal, breaks, on, reason", [
    ("max(y, 0) - max(-y, 0) - y == 0", [], ("-inf", "inf"), "missing"),
    ("max(y, 0) - max(-y, 0) - y == 0", ["1"], ("-inf", "inf"), "missing"),
    ("max(y, 0) - max(-y, 0) + y == 0", ["0"], ("-inf", "inf"), "does not hold"),
    ("max(y, 0) - y == 0", ["0"], ("-inf", "inf"), "does not hold"),
    ("max(y, 0) - y == 0", [], ("-1/1000", "inf"), "missing"),
    ("y - abs(y) >= 0", ["0"], ("-inf", "inf"), "does not hold"),
    ("1 - y*y >= 0", [], ("-1", "1001/1000"), "does not hold"),
    ("y*y - y == 0", ["0", "1"], ("-inf", "inf"), "does not hold"),
    ("abs(y) >= 0", ["0", "0"], ("-inf", "inf"), "increase"),
    ("abs(y) >= 0", ["1", "0"], ("-inf", "inf"), "increase"),
    ("abs(y) >= 0", ["2"], ("-1", "1"), "increase"), ("abs(y) >= 0", "0", ("-1", "1"), "list"),
    ("abs(y) >= 0", [0], ("-1", "1"), "fraction"), ("y >= 0", [], ("1", "0"), "empty"),
    ("y >= 0", [], ("0", "inf", "inf"), "two ends"), ("z >= 0", [], ("0", "1"), "not a name"),
    ("exp(y) >= 0", [], ("0", "1"), "notation"), ("y**25 >= 0", [], ("0", "1"), "degree"),
    ("abs(y) > 0", ["0"], ("-1", "1"), "must end"),
])
def test_what_is_false_or_undecided_on_a_piece_is_refused(goal, breaks, on, reason):
    refused(on_pieces(goal, on), {"breaks": breaks}, reason)


def test_calls_have_their_number_of_arguments():
    for goal in ("max(y) >= 0", "abs(y, y) >= 0", "max(y, y, y) >= 0", "max(y, key=y) >= 0"):
        refused(on_pieces(goal), {"breaks": []}, "notation|arguments")


def test_pieces_are_read_strictly():
    good = on_pieces("y*y >= 0")
    check(good, {"breaks": []})
    for change, reason in (({"variable": "max"}, "twice"), ({"on": "all"}, "two ends"),
                           ({"on": ["0.5", "1"]}, "fraction"), ({"why": ""}, "not known here")):
        refused({**good, **change}, {"breaks": []}, reason)
    refused(good, {"breaks": ["1"] * 101}, "at most")


def test_a_fact_of_a_flux_is_shown_by_its_pieces():
    """What `Mg-ResNet step` assumes of ReLU is a theorem of its own."""
    assumed = THEOREMS["Mg-ResNet step, euclidean"].statement["fluxes"]["sigma"]["sector"]
    assert assumed == ["0", "1"]
    assert THEOREMS["ReLU lies in the sector [0, 1]"].statement["goal"] == \
        "max(y, 0)*(y - max(y, 0)) >= 0"
