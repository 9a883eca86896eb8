"""The notation of evidence against brute force and by-hand values."""

import itertools
import math
import random
from fractions import Fraction

import pytest
from evidence_files import evidence, holds, random_matrix, texts
from flint import ctx

from stabkit.replay import check

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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_product_of_cells_ends_at_products_of_their_ends():
    """The range of x y on [a, b] × [c, d] is from the least to the greatest corner, no wider."""
    ends = [(-3, -1), (-2, 0), (-1, 2), (0, 3), (1, 4)]
    for (a, b), (c, d) in itertools.product(ends, repeat=2):
        corners = [x * y for x in (a, b) for y in (c, d)]
        low, high = str(min(corners)), str(max(corners))
        for bound, inside in ((f"{low} <= x * y <= {high}", True),
                              (f"x * y <= {high} - 1/1000", False),
                              (f"x * y >= {low} + 1/1000", False)):
            for_all = f"all(all({bound} for x in cells([{a}, {b}])) for y in cells([{c}, {d}]))"
            assert holds(for_all) == inside, (a, b, c, d, bound)


@pytest.mark.parametrize("long", [False, True])
def test_products_of_matrices_by_definition(long):
    """(A B)ᵢⱼ = Σ Aᵢₖ Bₖⱼ, with zeros among them, for short fractions and for long ones; one
    entry more or less is told."""
    rng = random.Random(7)
    a, b = random_matrix(rng, 3, 4), random_matrix(rng, 4, 2)
    if long:
        a[1][2], b[2][1] = Fraction(3**400, 7), Fraction(5, 2**700 + 1)
    columns = list(zip(*b, strict=True))
    exact = [[sum(x * y for x, y in zip(row, column, strict=True)) for column in columns]
             for row in a]
    given = {"A": texts(a), "B": texts(b), "C": texts(exact)}
    assert holds("A @ B == C", **given)
    assert holds("A[1] @ B[:, 1] == C[1, 1]", **given)
    for i, j in itertools.product(range(3), range(2)):
        wrong = [list(row) for row in exact]
        wrong[i][j] += Fraction(1, 10**300)
        assert not holds("A @ B == C", **(given | {"C": texts(wrong)}))


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
