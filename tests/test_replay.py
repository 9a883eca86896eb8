"""The checker against brute force, by-hand values, forged files and hostile ones."""

import ast
import copy
import hashlib
import itertools
import json
import math
import random
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from flint import ctx

from stabkit.errors import InvalidEvidence
from stabkit.replay import check, reals, replay, seal


def evidence(*shows, given=None, let=(), arithmetic="ball", kind="certificate", **more):
    data = {"given": given or {}, "let": [list(line) for line in let], "shows": list(shows),
            "by": "the conditions are the claim itself", **more}
    return {"kind": kind, "arithmetic": arithmetic, "configuration": {}, "data": data}


def verdict_file(*items, **changes):
    """A verdict file with one verdict and sealed evidence."""
    verdict = {
        "claim": "a.claim", "location": "Theorem 1", "reading": "printed", "status": "refuted",
        "expected": "refuted", "as_expected": True, "configurations": 48, "trials": 1024,
        "margin": -4.0, "sharp": True, "tightness": 1.001, "evidence": list(items), **changes}
    sealed_again(verdict)
    return {"stabkit": "0.1.0", "seed": 0, "budget": 60.0, "environment": {}, "verdicts": [verdict]}


def sealed_again(verdict):
    for item in verdict["evidence"]:
        item["data"]["seal"] = seal(verdict, item)


def witness():
    """Phi(s) = -s, K = (-1, 1), tau = 1: u = (0, 1) -> (-1, 2), and 5 > 1."""
    return evidence(
        "v == [-1, 2]", "norm2(v) > norm2(u)", kind="witness", arithmetic="rational",
        given={"K": [["-1", "1"]], "u": ["0", "1"], "tau": "1"},
        let=[["phi(x)", "-x"], ["s", "K @ u"], ["v", "u - tau * (K.T @ phi(s))"]],
        margin="norm2(u) - norm2(v)", margin_value="-4")


def holds(expression, **given):
    return check(evidence(expression, given=given)) is None


def texts(array):
    return [[str(x) for x in row] if isinstance(row, (list, tuple)) else str(row) for row in array]


def random_matrix(rng, rows, columns, low=-3, high=3):
    return [[Fraction(rng.randint(low, high), rng.randint(1, 3)) for _ in range(columns)]
            for _ in range(rows)]


# -- the functions, by hand --------------------------------------------------------------------

TRUE = [
    "I(2) == [[1, 0], [0, 1]]", "ones(3) == [1, 1, 1]", "zeros(2) == [0, 0]",
    "diag([1, 2]) == [[1, 0], [0, 2]]", "len([5, 6, 7]) == 3", "sum([1, 2, 3]) == 6",
    "sum([[1, 2], [3, 4]]) == 10", "dot([1, 2], [3, 4]) == 11", "[1, 2] @ [3, 4] == 11",
    "norm2([3, 4]) == 25", "norm2([[1, 2], [3, 4]]) == 30", "norm2(-3) == 9",
    "min([3, 1, 2]) == 1", "max([[3, 1], [2, 9]]) == 9", "min(3, 1, 2) == 1",
    "max([-1, 2], 0) == [0, 2]", "min([1, 5], [2, 3]) == [1, 3]",
    "abs([-1, 2]) == [1, 2]", "sign([-3, 0, 1/2]) == [-1, 0, 1]", "floor(-7/2) == -4",
    "sqrt(4) == 2", "sqrt(9/4) == 3/2", "sqrt(0) == 0", "exp(0) == 1", "log(1) == 0",
    "cos(0) == 1", "sin(0) == 0", "tanh(0) == 0", "atan(0) == 0",
    "314159/100000 < pi < 314160/100000", "27182/10000 < exp(1) < 27183/10000",
    "69314/100000 < log(2) < 69315/100000", "84147/100000 < sin(1) < 84148/100000",
    "54030/100000 < cos(1) < 54031/100000", "76159/100000 < tanh(1) < 76160/100000",
    "78539/100000 < atan(1) < 78540/100000", "14142/10000 < sqrt(2) < 14143/10000",
    "decay(0, 0) == 1", "decay(3, 0) == 0", "36787/100000 < decay(1, 1) < 36788/100000",
    "concat([1], [2, 3], [4]) == [1, 2, 3, 4]", "sign_changes([1, 0, -1, 0, 0, -2, 3]) == 2",
    "psd([[1, 2], [2, 4]])", "not pd([[1, 2], [2, 4]])", "pd([[2, 1], [1, 2]])",
    "not psd([[1, 2], [2, 3]])", "not psd([[0, 1], [1, 0]])", "psd([[0, 0], [0, 1]])",
    "not psd([[1, 1], [0, 1]])", "pd([[2, sqrt(2)], [sqrt(2), 2]])",
    "not psd([[1, sqrt(2)], [sqrt(2), 1]])", "nonneg([[0, 1], [2, 3]])", "not nonneg([-1, 2])",
    "tridiagonal([[1, 2, 0], [3, 4, 5], [0, 6, 7]])", "not tridiagonal([[1, 0, 1]])",
    "totally_nonneg([[1, 1], [1, 2]])", "not totally_nonneg([[1, 2], [1, 1]])",
    "rank([[1, 2], [2, 4], [0, 0]]) == 1", "rank([[0, 1], [1, 0]]) == 2",
    "det([[0, 2], [3, 4]]) == -6", "det([[1, 2], [2, 4]]) == 0", "trace([[1, 9], [9, 2]]) == 3",
    "inverse([[0, 2], [4, 0]]) == [[0, 1/4], [1/2, 0]]",
    "largest_product([[1, -2, -3], [0, 5, 1]]) == 6", "largest_product([[1], [2]]) == 0",
    "largest_product([[-1, 1]]) == -1", "polyval([1, 2, 3], 2) == 17",
    "polyval([0, 0, 1], [1, 2]) == [1, 4]", "stack([[1, 2]], [[3, 4], [5, 6]])[2, 0] == 5",
    "outer([1, 2], [3, 4]) == [[3, 4], [6, 8]]",
    "kron([[1, 2]], [[0, 1], [1, 0]]) == [[0, 1, 0, 2], [1, 0, 2, 0]]",
    "vec([[1, 2], [3, 4]]) == [1, 3, 2, 4]",
    "[[1, 2], [3, 4]] @ [1, 1] == [3, 7]", "[[1, 2]].T == [[1], [2]]",
    "[[1, 2], [3, 4]] @ I(2) == [[1, 2], [3, 4]]", "[5, 6, 7][-1] == 7", "[5, 6, 7][1:] == [6, 7]",
    "[5, 6, 7][:-1] == [5, 6]", "[[1, 2], [3, 4]][1] == [3, 4]", "[[1, 2], [3, 4]][0, 1] == 2",
    "[[1, 2], [3, 4]][:, 1] == [2, 4]", "[[1, 2], [3, 4]][0, :1] == [1]",
    "2**-3 == 1/8", "(-2)**3 == -8", "0**0 == 1", "sqrt(2)**-2 < 1 or True_ == 1",
    "[1, 2] < 3", "1 < 2 < 3", "not 1 < 3 < 2", "[1, 2] != [1, 3]", "not [1, 2] != [1, 2]",
    "(1 if 2 > 1 else 1/0) == 1", "1 > 2 or 2 > 1", "not (1 > 2 and 2 > 1)",
    "all((1 if x < [1, 2] else 2) > 0 for x in cells([0, 3]))",
]


@pytest.mark.parametrize("expression", TRUE)
def test_a_value_known_by_hand(expression):
    """Each function has the value that its definition gives on a small argument."""
    assert holds(expression, True_="1")


@pytest.mark.parametrize("expression", [
    "norm2([3, 4]) == 24", "psd([[1, 2], [2, 3]])", "exp(1) > 3", "sqrt(2)**2 > 2", "1 > 1",
    "sin(pi) == 0", "1/0 == 1/0", "sqrt(-1) == 0", "log(0) < 0",
    "inverse([[1, 1], [1, 1]]) == I(2)",
    "roots_in([0], 0, 1) == 0", "positive_on([1], 1, 0)", "decay(1, -1) < 0",
    "all(1 > 0 for x in cells([1, 0]))", "(log(2) if exp(1) > 3 else 0) == 1",
])
def test_what_is_false_undefined_or_undecidable_does_not_hold(expression):
    """False conditions, quantities that do not exist, and equalities of irrational numbers."""
    reason = check(evidence(expression))
    assert reason and "\n" not in reason


# -- against brute force -----------------------------------------------------------------------


def brute_determinant(matrix):
    total = Fraction(0)
    for columns in itertools.permutations(range(len(matrix))):
        inversions = sum(a > b for a, b in itertools.combinations(columns, 2))
        total += (-1) ** inversions * math.prod(matrix[i][j] for i, j in enumerate(columns))
    return total


def submatrices(matrix, principal=False):
    n, m = len(matrix), len(matrix[0])
    for k in range(1, min(n, m) + 1):
        for rows in itertools.combinations(range(n), k):
            for columns in [rows] if principal else itertools.combinations(range(m), k):
                yield [[matrix[i][j] for j in columns] for i in rows]


@pytest.mark.parametrize("seed", range(12))
def test_determinant_inverse_and_rank_by_definition(seed):
    """det by Leibniz' formula; A A^-1 = I; rank = order of the largest nonzero minor."""
    rng = random.Random(seed)
    a = random_matrix(rng, 4, 4, -1, 1 + seed % 2)
    d = brute_determinant(a)
    assert holds("det(A) == d", A=texts(a), d=str(d))
    assert not d or holds("A @ inverse(A) == I(4)", A=texts(a))
    rank = max((len(b) for b in submatrices(a) if brute_determinant(b)), default=0)
    assert holds(f"rank(A) == {rank}", A=texts(a))


@pytest.mark.parametrize("seed", range(20))
def test_definite_matrices_by_principal_minors(seed):
    """M is psd (pd) if and only if all principal minors are >= 0 (> 0)."""
    rng = random.Random(seed)
    half = random_matrix(rng, rng.randint(1, 4), 4, -2, 2)
    shift = Fraction(rng.randint(-1, 1), 4)
    m = [[sum(row[i] * row[j] for row in half) + shift * (i == j) for j in range(4)]
         for i in range(4)]
    minors = [brute_determinant(b) for b in submatrices(m, principal=True)]
    assert holds("psd(M)", M=texts(m)) == all(x >= 0 for x in minors)
    assert holds("pd(M)", M=texts(m)) == all(x > 0 for x in minors)


@pytest.mark.parametrize("seed", range(12))
def test_totally_nonnegative_matrices_by_all_minors(seed):
    """Products of nonnegative bidiagonal matrices are; a random change may break it."""
    rng = random.Random(seed)
    a = [[Fraction(i == j) for j in range(4)] for i in range(4)]
    for _ in range(3):
        b = [[Fraction(rng.randint(0, 2) if j in (i, i + 1) else 0) for j in range(4)]
             for i in range(4)]
        a = [[sum(x * b[k][j] for k, x in enumerate(row)) for j in range(4)] for row in a]
        a = [list(column) for column in zip(*a, strict=True)]
    a[rng.randrange(4)][rng.randrange(4)] += seed % 2
    assert holds("totally_nonneg(A)", A=texts(a)) == all(
        brute_determinant(b) >= 0 for b in submatrices(a))


def times(p, q):
    product = [Fraction(0)] * (len(p) + len(q) - 1)
    for (i, x), (j, y) in itertools.product(enumerate(p), enumerate(q)):
        product[i + j] += x * y
    return product


@pytest.mark.parametrize("seed", range(40))
def test_sturm_chains_on_polynomials_with_known_roots(seed):
    """p = c prod (x - r)^m (x^2 + 1)^k: the roots, their signs and multiplicities are known."""
    rng = random.Random(seed)
    scale = Fraction(rng.choice([-2, 1, 3]))
    roots = {Fraction(rng.randint(-4, 4), 2): rng.randint(1, 3) for _ in range(rng.randint(0, 3))}
    p = [scale]
    for root, multiplicity in roots.items():
        for _ in range(multiplicity):
            p = times(p, [-root, Fraction(1)])
    if seed % 3 == 0:
        p = times(p, [Fraction(1), Fraction(0), Fraction(1)])
    zero, one, inf = Fraction(0), Fraction(1), math.inf
    for a, b in [(-one, one), (zero, one * 3 / 2), (-inf, zero), (one, inf), (-inf, inf)]:
        given = {"c": texts(p), "ends": [str(a), str(b)]}
        inside = {r: m for r, m in roots.items() if a < r < b}
        assert holds(f"roots_in(c, ends[0], ends[1]) == {len(inside) + (b in roots)}", **given)
        cuts = [max(a, Fraction(-9)), *sorted(inside), min(b, Fraction(9))]
        between = [(x + y) / 2 for x, y in itertools.pairwise(cuts)]
        signs = [scale * math.prod((x - r) ** m for r, m in roots.items()) for x in between]
        nonneg = all(s > 0 for s in signs)
        assert holds("nonneg_on(c, ends[0], ends[1])", **given) == nonneg
        assert holds("positive_on(c, ends[0], ends[1])", **given) == (nonneg and not inside)


def test_constant_and_zero_polynomials():
    """0 >= 0 but not 0 > 0; a constant has no roots; leading zeros do not count."""
    assert holds("nonneg_on([0, 0], 0, 1) and not positive_on([0], 0, 1)")
    assert holds("positive_on([3, 0, 0], -inf, inf) and roots_in([3], -inf, inf) == 0")
    assert holds("not nonneg_on([-3], 0, 1) and roots_in([-2, 1, 0], 1, 2) == 1")


# -- equality and rounding ---------------------------------------------------------------------


def test_a_rotation_keeps_the_norm_exactly():
    """The rotation by (3/5, 4/5) is an isometry: <= and == hold, < does not."""
    rotation = {"Q": [["3/5", "-4/5"], ["4/5", "3/5"]], "u": ["1/3", "-7"]}
    assert holds("norm2(Q @ u) <= norm2(u)", **rotation)
    assert holds("norm2(Q @ u) == norm2(u)", **rotation)
    assert not holds("norm2(Q @ u) < norm2(u)", **rotation)
    assert holds("psd(I(2) - Q.T @ Q) and not pd(I(2) - Q.T @ Q)", **rotation)


@pytest.mark.parametrize("expression, true", [
    ("exp(1/10**30) > 1", True), ("exp(1/10**30) > 1 + 1/10**30", True),
    ("exp(1/10**30) > 1 + 1/10**30 + 1/10**60", False),
    ("sqrt(2)**2 < 2 + 1/10**300", True), ("exp(log(3)) >= 3 + 1/10**500", False),
    ("sin(pi) < 1/10**1000", True), ("abs(cos(pi/2)) <= 1/10**900", True),
    ("exp(-100000) > 0", False), ("exp(-100000) < 1/10**1000", True),
])
def test_close_comparisons_are_decided_by_more_precision(expression, true):
    """Margins far below the double precision are seen; what stays open does not hold."""
    before = ctx.prec
    assert holds(expression) == true
    assert ctx.prec == before


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "cos", "tanh", "atan"])
def test_a_cell_contains_the_values_inside(name):
    """f([a, b]) encloses f(t) for t in [a, b]: a little more than the
    range bounds it, a little less does not."""
    rng = random.Random(name)
    function = getattr(math, name)
    for _ in range(15):
        a, b = sorted(Fraction(rng.randint(1, 700), 100) for _ in range(2))
        b += Fraction(1, 7)
        values = [function(a + (b - a) * k / 512) for k in range(513)]
        low, high = (Fraction(f(values)) for f in (min, max))
        given = {"v": [str(a), str(b)], "low": str(low), "high": str(high)}
        given["e"] = "1/10000"  # the grid of 513 points misses the extrema of sin and cos by less
        assert holds(f"all(low - e <= {name}(x) <= high + e for x in cells(v))", **given)
        assert not holds(f"all({name}(x) <= high - 1/10**12 for x in cells(v))", **given)
        assert not holds(f"all({name}(x) >= low + 1/10**12 for x in cells(v))", **given)


@pytest.mark.parametrize("seed", range(20))
def test_interval_arithmetic_contains_the_values_inside(seed):
    """For random f and points s in [a, b], t in [c, d]: f(s, t) lies in f([a, b], [c, d])."""
    rng = random.Random(seed)
    atoms = ["x", "y", "2/3", "-5"]
    text = "x"
    for _ in range(5):
        text = rng.choice(["({0} + {1})", "({0} - {1})", "({0} * {1})", "({0} / {1})", "({0})**2",
                           "({0})**3", "abs({0})", "min({0}, {1})", "max({0}, {1})", "sign({0})",
                           "floor({0})", "({0} if x < {1} else {1})",
                           "({1} if abs(x) >= 1 else x*y)"]).format(text, rng.choice(atoms))
    a, c = Fraction(rng.randint(-9, 9), 4), Fraction(rng.randint(-9, 9), 4)
    b, d = a + Fraction(rng.randint(1, 9), 4), c + Fraction(rng.randint(1, 9), 4)
    let = [["f(x, y)", text]]
    inside = False
    for i, k in itertools.product(range(5), repeat=2):
        s, t = a + (b - a) * i / 4, c + (d - c) * k / 4
        given = {"v": [str(a), str(b)], "w": [str(c), str(d)], "s": str(s), "t": str(t)}
        if check(evidence("f(s, t) == f(s, t)", given=given, let=let)):
            continue  # the expression divides by zero there
        inside = True
        for impossible in ("f(x, y) < f(s, t)", "f(x, y) > f(s, t)", "f(x, y) != f(s, t)"):
            for_all = f"all(all({impossible} for x in cells(v)) for y in cells(w))"
            assert check(evidence(for_all, given=given, let=let))
    assert inside or "/" in text


def test_products_with_unbounded_cells():
    """0 times a number of any size is 0: the bound of a product is 0, not undefined."""
    assert holds("all(0 <= x * max(x - 1, 0) for x in cells([0, 1, inf]))")
    assert holds("all(0 * x == 0 for x in cells([-inf, inf]))")
    # The closed interval [-1, 0] is all that is known of 1/x.
    assert not holds("all(1/x < 0 for x in cells([-inf, -1]))")
    assert holds("all(x**3 <= -1 and x**2 >= 1 and -1 <= 1/x <= 0 for x in cells([-inf, -1]))")
    # An interval that ends at 0 has its reciprocals on one side.
    assert holds("all(1/x >= 1 for x in cells([0, 1]))")
    assert holds("all(1/x <= -1 for x in cells([-1, 0]))")
    assert not holds("all(1/x >= 1 for x in cells([-1, 1]))")
    assert holds("all(1/x >= 0 for x in cells([0, inf]))")


def test_perona_malik_diffusivity_and_slope():
    """g(s^2) = exp(-x^2/2) is in [0, 1]; Phi' = (1 - x^2) exp(-x^2/2) has |Phi'| <= 1, as
    x^2 exp(-x^2/2) = 2 decay(1, x^2/2)."""
    knots = ["-inf", "-1", "0", "1", "inf"]
    assert holds("all(0 <= exp(-x*x/2) <= 1 for x in cells(v))", v=knots)
    slope = "exp(-x*x/2) - 2*decay(1, x*x/2)"
    assert holds(f"all(-1 <= {slope} <= 1 for x in cells(v))", v=knots)
    assert not holds(f"all({slope} >= 0 for x in cells(v))", v=knots)
    assert not holds("all(exp(-x*x/2) > 0 for x in cells(v))", v=knots)


def test_piecewise_fluxes_on_cells():
    """The garrote flux, s inside [-q, q] and q^2/s outside, is bounded by q: a test of
    x narrows the cell of x in each branch, so a cell may end at the break, or contain it."""
    let = [["phi(x)", "x if abs(x) <= q else q*q/x"]]
    for knots in (["-inf", "-1/3", "0", "1/3", "inf"], ["-inf", "-2", "0", "2", "inf"]):
        bounded = evidence("all(-q <= phi(x) <= q for x in cells(v))",
                           given={"q": "1/3", "v": knots}, let=let)
        assert check(bounded) is None
    assert holds("all((0 if x < 0 else x) >= 0 for x in cells([-2, 1]))")
    assert not holds("all((0 if x*x < 1 else x) >= 0 for x in cells([-2, 1]))")
    assert holds("all((x < 5 if x < 0 else x < 6) for x in cells([-2, 1]))")


# -- files, seals and forgeries ----------------------------------------------------------------


def test_the_witness_against_the_euclidean_norm_holds(tmp_path):
    """(0, 1) -> (-1, 2) doubles the norm and more; read from a dict and from a file."""
    content = verdict_file(witness())
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    (finding,) = replay(content)
    assert [finding] == replay(path) == replay(str(path))
    assert finding.holds and finding.claim == "a.claim" and finding.status == "refuted"
    assert finding.kind == "witness" and finding.evidence == 0
    assert "norm2(v) > norm2(u): 5 > 1" in finding.reason


def test_every_changed_digit_is_caught():
    """No digit anywhere in a sealed verdict can be changed unnoticed."""
    content = verdict_file(witness(), evidence("exp(1/10**30) > 1", margin="exp(1)",
                                               margin_value=2.7182818284590452))
    text = json.dumps(content["verdicts"][0])
    around = json.dumps({**content, "verdicts": []})[:-2] + "{}]}"
    before, after = around.rsplit("{}", 1)
    assert accepted(before + text + after)
    for position, digit in enumerate(text):
        for other in "0123456789" if digit.isdigit() else "":
            changed = text[:position] + other + text[position + 1:]
            assert other == digit or not accepted(before + changed + after)


def accepted(text):
    """Whether a file with this text is read and all of its evidence holds."""
    path = accepted.folder / "changed.json"
    path.write_text(text, encoding="utf-8")
    try:
        return all(finding.holds for finding in replay(path))
    except InvalidEvidence as error:
        assert "\n" not in str(error)
        return False


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    accepted.folder = tmp_path


def test_the_unchanged_text_is_accepted():
    assert accepted(json.dumps(verdict_file(witness())))


@pytest.mark.parametrize("change", [
    lambda data: data["given"].update(u=["1", "1"]),
    lambda data: data["given"].update(tau="1/10"),
    lambda data: data["let"].__setitem__(0, ["phi(x)", "x"]),
    lambda data: data.update(shows=["norm2(v) < norm2(u)"]),
    lambda data: data.update(margin_value="-3"),
    lambda data: data.update(margin_value=-4.000000000000002),
    lambda data: data.update(margin="norm2(v) - norm2(u)"),
    lambda data: data.update(shows=["norm2(v) > norm2(u)", "v[0] > 0"]),
])
def test_false_evidence_is_caught_though_sealed_again(change):
    """A forger may compute the seal; the calculation still has to come out true."""
    content = verdict_file(witness())
    change(content["verdicts"][0]["evidence"][0]["data"])
    sealed_again(content["verdicts"][0])
    (finding,) = replay(content)
    assert not finding.holds


def test_a_failing_condition_is_named_with_its_values():
    item = evidence("norm2(v) > 7", given={"v": ["1", "2"]})
    assert check(item) == "it does not hold that norm2(v) > 7: 5 > 7"
    assert "on the cell [1, 2]" in check(evidence("all(x < 1 for x in cells([0, 1/2, 1, 2]))"))
    assert "undecided with 4096 bits" in check(evidence("sqrt(2) * sqrt(2) == 2"))


def test_the_arithmetic_must_be_named_rightly():
    """A calculation that needs enclosures cannot be called rational."""
    assert check(evidence("exp(1) > 2", arithmetic="rational")).startswith("the arithmetic")
    assert check(evidence("sqrt(4) == 2 and exp(0) == 1", arithmetic="rational")) is None


@pytest.mark.parametrize("value, agrees", [
    ("5/3", True), (5 / 3, True), (math.nextafter(5 / 3, 1), True),
    (1.66666, False), ("4/3", False), (2, False),
])
def test_the_margin_value(value, agrees):
    """A rational string is the margin; a float is it up to one unit in its last place."""
    item = evidence("1 > 0", margin="5/3", margin_value=value)
    assert (check(item) is None) == agrees


def test_verdicts_that_contradict_themselves():
    """Proofs and refutations need evidence that is no mere trial; as_expected is a fact."""
    trials = {"kind": "trials", "arithmetic": "float64", "configuration": {},
              "data": {"trials": 10, "seed": 3, "worst": 0.25}}
    supported = {"status": "supported", "expected": "supported"}
    assert [f.holds for f in replay(verdict_file(**supported))] == []
    assert [f.holds for f in replay(verdict_file(trials, **supported))] == [True]
    assert [f.holds for f in replay(verdict_file(trials))] == [True, False]
    assert [f.kind for f in replay(verdict_file())] == ["verdict"]
    assert [f.holds for f in replay(verdict_file(witness(), expected="proved"))] == [True, False]
    assert [f.holds for f in replay(verdict_file(witness(), as_expected=False))] == [True, False]


def test_the_seal_is_the_hash_of_canonical_json():
    """SHA-256 of sorted, compact, unescaped JSON without the evidence list and the seal itself."""
    content = verdict_file(witness(), claim="größe")
    verdict = content["verdicts"][0]
    item = copy.deepcopy(verdict["evidence"][0])
    found = item["data"].pop("seal")
    bare = {key: value for key, value in verdict.items() if key != "evidence"}
    canonical = json.dumps({"verdict": bare, "evidence": item}, sort_keys=True,
                           separators=(",", ":"), ensure_ascii=False)
    assert found == seal(verdict, item) == hashlib.sha256(canonical.encode("utf-8")).hexdigest()


# -- unreadable and hostile --------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", '{"verdicts": []}', '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}',
    '{"a": 1, "a": 2}', "[" * 100_000, '{"a": ' * 5000 + "1" + "}" * 5000, "9" * 10_000,
    '{"a": 0.30000000000000003}', '{"a": 1e-99999999999999999999}', "\x00", '"\ud800"'.encode(
        "utf-8", "surrogatepass").decode("latin-1"),
])
def test_what_is_not_a_verdict_file(text, tmp_path):
    """Truncated, nested without end, NaN, infinities, double keys, digits beyond a float."""
    path = tmp_path / "file.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidEvidence):
        replay(path)


def test_unreadable_paths(tmp_path):
    for path in (tmp_path, tmp_path / "missing.json"):
        with pytest.raises(InvalidEvidence, match="cannot read"):
            replay(path)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidEvidence):
        replay(tmp_path / "bytes.json")


@pytest.mark.parametrize("key, value", [
    ("claim", 1), ("status", "true"), ("as_expected", 1), ("configurations", 1.5),
    ("evidence", {}), ("margin", "0"), ("sharp", 0), ("evidence", [1]),
    ("evidence", [{"kind": []}]), ("reading", ["printed"]),
])
def test_wrong_types_in_a_verdict_are_named(key, value):
    content = verdict_file(witness())
    content["verdicts"][0][key] = value
    with pytest.raises(InvalidEvidence, match=r"verdicts\[0\].*"):
        replay(content)
    del content["verdicts"][0][key]
    with pytest.raises(InvalidEvidence, match=f"{key}: is missing"):
        replay(content)


@pytest.mark.parametrize("change", [
    {"shows": []}, {"shows": "1"}, {"shows": [1]}, {"given": []}, {"given": {"x": 1}},
    {"given": {"x": "1.5"}}, {"given": {"x": "1/0"}}, {"given": {"x": "9" * 5000}},
    {"given": {"x": "inf"}}, {"given": {"exp": "1"}}, {"given": {"x": [["1"], ["1", "2"]]}},
    {"given": {"x": [["1"], "2"]}}, {"given": {"x": [[["1"]]]}}, {"given": {"x y": "1"}},
    {"given": {"__class__": "1"}, "shows": ["__class__.x > 0"]},
    {"let": [["a", "1"], ["a", "2"]]}, {"let": [["a"]]}, {"let": [["f(x)", "f(x)"]]},
    {"let": [["a", "a"]]}, {"let": [["f(x, x)", "x"]]}, {"let": [["f()", "1"]]},
    {"let": [["a", "b"], ["b", "1"]]}, {"let": [["f(x)", "g(x)"], ["g(x)", "f(x)"]]},
    {"given": {"a": "1"}, "let": [["a", "1"]]}, {"margin": 1}, {"margin_value": 1},
    {"margin": "1", "margin_value": "x"}, {"extra": 1}, {"by": None},
    {"margin": "[1, 2]", "margin_value": "1"}, {"let": [["a", "1"]] * 3000}, {"margin": "1 > 0"},
])
def test_evidence_that_is_not_of_the_form(change):
    """Missing, double, recursive, wrongly typed: each is refused with one clear line."""
    item = evidence("1 > 0")
    item["data"].update(change)
    with pytest.raises(InvalidEvidence) as raised:
        check(item)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 200


def test_a_duplicate_key_in_the_file_is_refused():
    text = json.dumps(verdict_file(witness()))
    assert not accepted(text.replace('"u": ["0", "1"]', '"u": ["0", "1"], "u": ["0", "1"]'))


HOSTILE = [
    "10**10**10 > 0", "2**5000 > 0", "(10**4000)**4000 > 0", "__import__('os')",
    "().__class__ == 1", "u.shape == 1", "I(10**9) == 1", "len(I(4096)) == 1",
    "zeros(10**5) == 0", "(" * 250 + "1" + ")" * 250, "-" * 5000 + "1 > 0",
    "+".join(["1"] * 2000) + " > 0", "lambda: 1", "[x for x in u]", "f'{u}'", "(y := 1) > 0",
    "u[::2] == 1", "u[0, 0, 0] == 1", "u[5] == 0", "u[1/2] == 0", "u[0:9, 0] == 0", "open(u)",
    "1.5 > 1", "1e5 > 1", "1j == 1", "True", "None", "'a' == 'a'", "u if 1 else 0", "1", "u",
    "1 // 2 == 0", "1 % 2 == 1", "1 << 9999999999 > 0", "u is u", "1 in u", "u + [1, 2, 3] == 0",
    "u @ [1] == 0", "norm2() == 0", "norm2(u, u) == 0", "psd(u)", "psd([[1, 2]])",
    "exp(u > 0) == 1", "(u > 0) + 1 == 2", "inf == inf", "inf - inf == 0", "sum([inf]) > 0",
    "all(u)", "all(x > 0 for x in u)", "all(x > 0 for x in cells(u) if x > 0)",
    "all(x > 0 for x in cells(u) for y in cells(u))", "all(x > 0 for x in cells([1]))", "x > 0 ",
    "all(x > 0 for x in cells(u)) and x > 0", "cells(u) == 0", "exp(x=1) == 1", "max(*u) == 1",
    "u ** u[0:1] == 0", "2 ** (1/2) > 1", "2 ** sqrt(2) > 1", "totally_nonneg(I(9))",
    "roots_in([sqrt(2), 1], 0, 1) == 0", "positive_on([1], sqrt(2), 3)", "[[1], [2, 3]] == 0",
    "[u, 1] == 0", "[1, 2 > 1] == 0", "min([]) == 0", "\n1 > 0", "1 > 0 # comment", "1 > 0; 2",
    "ＩI(2) == 1", "min == min", "9" * 5000 + " > 0", "u.T == 0", "", " ", "decay(1/2, 1) > 0",
    "decay(5000, 1) > 0", "[[], []] == 0", "diag(ones(4096)) == 0", "outer(w, w) == 0",
]


@pytest.mark.parametrize("expression", HOSTILE)
def test_what_is_not_in_the_notation_or_too_large_is_refused(expression):
    """Nothing is executed, built or looked up that the notation does not know."""
    with pytest.raises(InvalidEvidence) as raised:
        check(evidence(expression, given={"u": ["0", "1"]}, let=[["w", "ones(1000)"]]))
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 300


@pytest.mark.parametrize("let, shows", [
    ([["f0(x)", "x + 1"]] + [[f"f{k}(x)", f"f{k-1}(x) + f{k-1}(x)"] for k in range(1, 60)],
     "f59(1) > 0"),
    ([["f0(x)", "x"]] + [[f"f{k}(x)", f"f{k-1}(x)"] for k in range(1, 1500)], "f1499(1) > 0"),
    ([["a0", "3"]] + [[f"a{k}", f"a{k-1} * a{k-1}"] for k in range(1, 60)], "a59 > 0"),
    ([["a0", "sqrt(3)"]] + [[f"a{k}", f"a{k-1} * a{k-1}"] for k in range(1, 60)], "a59 > 0"),
    ([["a", "2**4096 * ones(4096)"]], "sum(a**31) > 0"),
    ([["k", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"]],
     "all(all(all(all(all(x + y > -1 for x in cells(k)) for y in cells(k)) for z in cells(k))"
     " for w in cells(k)) for t in cells(k))"),
    ([["v", "kron([ones(256)], [ones(16)])[0]"], ["s", "vec([v, v])"]], "len(s) > 0"),
    ([["A", "outer(ones(200), ones(200)) + I(200)"]], "det(A) > 0"),
])
def test_long_calculations_end(let, shows, monkeypatch):
    """Doubling functions, deep chains, squares of squares, large arrays: the allowance runs out."""
    monkeypatch.setattr(reals, "MAX_STEPS", 100_000)
    with pytest.raises(InvalidEvidence):
        check(evidence(shows, let=let))


def test_undecided_before_the_allowance_ends_is_undecided(monkeypatch):
    """An equality that no precision decides is not a fault of the file."""
    monkeypatch.setattr(reals, "MAX_STEPS", 3000)
    item = evidence("sum(sqrt(2) * a) == sqrt(2) * sum(a)", let=[["a", "ones(30)"]])
    assert check(item).startswith("undecided")


def test_the_checker_stands_alone():
    """It imports the errors of stabkit, itself, python-flint and the standard library, no more."""
    allowed = set(sys.stdlib_module_names) | {"flint"}
    for path in Path(reals.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [
                alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.split(".")[0] in allowed or name.startswith(
                    ("stabkit.errors", "stabkit.replay")), (path.name, name)
