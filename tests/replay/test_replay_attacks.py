"""Attempts to have a falsehood, or nothing at all, accepted; and to break the checker itself."""

import json

import pytest
from evidence_files import evidence, sealed_again, verdict_file, witness

from stabkit.errors import InvalidEvidence
from stabkit.replay import check, replay, sealed

GIVEN = {"u": ["1", "2", "3"], "t": "2", "x": "5", "v": ["-1", "2"], "w": ["-inf", "0", "inf"],
         "e": []}
LET = [["z", "zeros(0)"], ["s", "sqrt(2)"], ["f(x)", "x if x > 0 else -x"], ["g(x, y)", "x*y"],
       ["h(t)", "t + x"], ["p(x)", "x > 0"]]


def refused(expression):
    """It raises InvalidEvidence, or says in one line what does not hold."""
    try:
        reason = check(evidence(expression, given=GIVEN, let=LET))
    except InvalidEvidence as error:
        reason = str(error)
    assert reason is None or "\n" not in reason
    return reason is not None


VACUOUS = [
    "nonneg(z)", "nonneg(e)", "z == z", "e == 0", "z < 1", "not z < 1", "z != z", "not (z != z)",
    "1 <= e <= 2", "sum(z) == 0", "norm2(z) == 0", "dot(z, z) == 0", "z @ z == 0",
    "sign_changes(z) == 0", "min(z) > 0", "max(e) <= 1", "max(1, z) == 1", "psd(I(0))",
    "pd(I(0))", "totally_nonneg(I(0))", "tridiagonal(I(0))", "I(0) == I(0)", "nonneg(I(0))",
    "nonneg(u[3:1])", "u[2:2] == 7", "nonneg_on(e, 0, 1)", "positive_on(e, 0, 1)",
    "polyval(e, 1) == 0", "roots_in(e, 0, 1) == 0", "diag(z) == 0", "outer(z, z) == 0",
    "trace(I(0)) == 0", "det(I(0)) == 1", "rank(I(0)) == 0", "concat(z, z) == e", "f(z) > 7",
    "z + z == 1", "-z == 3", "abs(z) == 5", "[[], []] == 0", "1 > 0 and z == z",
    "1 > 2 or nonneg(z)", "totally_nonneg([[]])", "tridiagonal([[], []])", "rank([[]]) == 0",
    "smallest_entry([[]]) == 1", "row_sums([[], []]) == 0", "column_squares([[]]) == 0",
    "(z == z if 1 > 0 else 1 > 2)", "all(z < x for x in cells(v))",
]


@pytest.mark.parametrize("expression", VACUOUS)
def test_nothing_is_true_of_nothing(expression):
    """An empty vector, matrix or slice makes every statement about its entries true."""
    with pytest.raises(InvalidEvidence):
        check(evidence(expression, given=GIVEN, let=LET))


@pytest.mark.parametrize("expression", [
    "concat([1], zeros(0)) == [1]", "concat(z, u, e) == u", "len(z) == 0", "len(u[1:1]) == 0",
    "concat(u[:1], u[3:], u[1:]) == u", "concat(2 * z, [1]) == [1]", "nonneg(zeros(1))",
])
def test_an_empty_vector_may_be_a_part(expression):
    assert check(evidence(expression, given=GIVEN, let=LET)) is None


FALSE = [
    # branches, narrowing, cells
    "all(x*x <= 1/2 for x in cells(v))", "all((x if x > 0 else 1) > 1 for x in cells(v))",
    "all((1 if x > t else x) == 1 for x in cells(v))",
    "all((x if x < 1 else 0) >= 0 for x in cells(v))",
    "all((x if abs(x) < 1 else 0) >= 0 for x in cells(v))", "all(f(x) > 0 for x in cells(v))",
    "all((x > 0 if x < 1 else x > 1) for x in cells(v))", "all(f(x - 1) >= 1/9 for x in cells(v))",
    "all((0 if x >= 1 else 1) == 0 for x in cells(v))",
    "all((x if 1 > 0 else 0) == 0 for x in cells(v))",
    "all((1/x if abs(x) > 0 else 1) > 0 for x in cells(v))",
    "all((x if x == 1 else 1) == 1 for x in cells(v))",
    "all((x if x != 1 else 1) == 1 for x in cells(v))",
    "all((x if x > x*x else 1/2) <= 1/2 for x in cells(v))",
    "all((x if abs(x) > s else 1) == 1 for x in cells([-2, 2]))",
    "all((x if s > x else 1) == 1 for x in cells(v))",
    "all(all(x <= y for x in cells(v)) for y in cells(v))",
    "all(all(x <= 0 for x in cells([x, 9])) for x in cells(v))", "all(x > 4 for x in cells(v))",
    "all(x < 1 for x in cells([0, 1/2, 1, 2]))", "all(x <= 271/100 for x in cells([0, s, exp(1)]))",
    "all(x > 1 for x in cells([1, 2]))", "all(1 > 0 for x in cells([1, 1]))",
    "all(1 > 0 for x in cells([inf, inf]))", "all(1 > 0 for x in cells([inf, -inf]))",
    # jumps, equalities, undecided truths
    "all(sign(x) != 0 for x in cells(v))", "all(sign(x) == 1 for x in cells([0, 1]))",
    "all(floor(x) == 0 for x in cells([0, 1]))", "all(floor(x) <= 1 for x in cells(v))",
    "all(floor(x) != 1 for x in cells(v))", "sign(s - s) == 1", "s != s", "not s == s",
    "s*s != 2", "s < s or s > s", "not (s < s) and not (s*s >= 2)", "(s != s) or (1 > 2)",
    "not (s == s and 1 > 0)", "(1 > 2 if s*s == 2 else 1 > 2)", "s > 1 > 2", "1 < 2 > 3",
    "2 != 2 != 3", "[1, 2] != [1, 2]", "u < [2, 3, 3]", "[1, 5] > 3", "3 > [1, 5]",
    # powers, functions, large numbers
    "all(x**2 < 0 for x in cells(v))", "all(x**2 >= 1 for x in cells(v))",
    "all(x**3 > -1 for x in cells(v))",
    "all(x**-2 <= 1 for x in cells(v))", "all(x**-1 >= 1 for x in cells([0, 2]))", "0**-1 == 0",
    "(s - s)**0 == 0", "all(x**0 != 1 for x in cells(v))", "exp(-10**9) == 0",
    "exp(10**9) < 10**4000", "tanh(10**9) == 1", "erf(10**9) == 1", "atan(10**400) > pi/2",
    "cos(10**300) > 1", "sin(10**300)**2 > 1", "all(log(x) > -5 for x in cells([0, 1]))",
    "all(cos(x) < 1 for x in cells([-1, 1]))", "all(cos(x) >= 0 for x in cells([1, 2, 5]))",
    "all(sin(x) <= 9/10 for x in cells([1, 2]))", "all(sin(x) > -1 for x in cells([0, inf]))",
    "all(decay(0, x) >= 1 for x in cells([0, 1]))", "all(sqrt(x) >= x for x in cells([0, 2]))",
    "all(exp(x) <= 7 for x in cells(v))", "all(max(x, -x) <= 1 for x in cells(v))",
    "all(min(x, 1 - x) >= 0 for x in cells(v))", "all(abs(x) >= 1 for x in cells(v))",
    # linear algebra with enclosures
    "psd([[1, s], [s, 1]])", "psd([[s, 1], [1, 1/2]])", "not psd([[s, 1], [1, 1]])",
    "pd([[2, s], [s, 1]])",
    "not psd([[s*s - 2]])", "not psd([[s*s - 2, 0], [0, 1]])", "not pd([[1, 0], [0, s*s - 1]])",
    "u == [1, 2]", "u == [1, 2, 3, 4]", "[[1, 2], [3, 4]] == [1, 2, 3, 4]", "I(2) == I(3)",
    "[1, 2, 3, 4] >= [[0, 0], [0, 0]]", "psd([[1, 2], [0, 1]])", "psd([[0, 1], [1, 5]])",
    "psd([[s - s, 0], [0, 1]])",
    "rank([[s, 2], [1, s]]) == 2",
    "det([[s, 2], [1, s]]) != 0", "rank([[s*s - 2]]) == 1", "inverse([[s*s - 2]]) == 1",
    "all(det([[x, 1], [1, x]]) > 0 for x in cells([0, 2]))", "all(psd([[x]]) for x in cells(v))",
    "tridiagonal([[1, 1, s]])", "largest_product([[s, s]]) <= 1", "sign_changes([s - s, 1]) == 1",
    "all(sign_changes([x, 1]) == 0 for x in cells(v))", "kron([[1]], [[s]]) == [[1]]",
    # polynomials
    "roots_in([1, 0, 1], -inf, inf) == 2", "roots_in([-1, 0, 1], -1, 1) == 2",
    "all(roots_in([x, 1], 0, 1) == 0 for x in cells(v))", "nonneg_on([0, 0, 0, 1], -1, 1)",
    "positive_on([0, 0, 1], -1, 1)", "nonneg_on([1, -3, 1], 0, inf)",
    # names, indices, functions of vectors
    "h(1) == 2", "f(x) < 0", "p(-1)", "p(u)", "p(x) == 1", "g(u, [1, 2]) == u", "g(u, u) == u",
    "u[0:99] == u", "u[-9:2] == [1, 2]", "u[7:9] == 1", "u[:-9] == 1", "u[3] == 3", "u[-4] == 1",
    "I(3)[0:9, 0] == 1", "I(3)[0, 1:7] == 0", "I(3)[0, 3] == 0", "u[0 > 1] == 1", "u[s] == 1",
    # infinities
    "inf > 1", "-inf < 0", "w[0] < 0", "w == w", "max(w) > 0", "sum(w) == 0", "abs(w) == 0",
    "all(x < inf for x in cells(v))",
    "all(all(x - y > 0 for x in cells([0, inf])) for y in cells([0, inf]))",
    "all(x - x == 0 for x in cells([0, inf]))", "all(x * 0 != 0 for x in cells([0, inf]))",
    "all(tanh(x) < 1 for x in cells([0, inf]))", "all(exp(x) > 0 for x in cells([-inf, 0]))",
]


@pytest.mark.parametrize("expression", FALSE)
def test_a_falsehood_is_not_accepted(expression):
    assert refused(expression)


@pytest.mark.parametrize("expression", [
    "all(h(x) > 3 for x in cells([0, 1]))",  # the x in h is the given one
    "all(all(1 <= x for x in cells([1, x])) for x in cells([2, 3]))", "f(-x) == x",
    "all(f(x) >= 0 for x in cells(v))", "g(u, 2) == [2, 4, 6]", "h(u) == [6, 7, 8]",
    "all((x if x > s else 2) > 7/5 for x in cells([0, 4]))", "p(x) and not p(-x)",
    "all(x*t >= 0 for x in cells([0, inf]))", "u[-3:] == u[:3]",
    "all(x**3 >= 1 and 0 <= x**-3 <= 1 and floor(x) >= 1 for x in cells([1, inf]))",
    "all((1/x if x > 0 else 1) >= 0 for x in cells([0, 1]))",
])
def test_what_is_meant_is_accepted(expression):
    assert not refused(expression)


def changed(**data):
    item = evidence("1 > 0")
    item["data"].update(data)
    return item


@pytest.mark.parametrize("item", [
    None, [], "x", {}, changed(given={1: "1"}), changed(**{"é": 1}), changed(let=None),
    evidence("1 > 0") | {3: 1}, changed(let=[("a", "1")]), changed(let=[1]), changed(shows=[None]),
    changed(let=[["f(é)", "1"]]), changed(let=[["é", "1"]]), changed(shows=["\ud800 > 0"]),
    changed(shows=["1\x00 > 0"]), changed(given={"x": None}), changed(given={"x": True}),
    changed(given={"x": [["1"], None]}), changed(given={"x": ["1"] * 300_000}),
    changed(given={"True": "1"}, shows=["True > 0"]), changed(given={"if": "1"}, shows=["if > 0"]),
    changed(margin="1", margin_value=float("nan")), changed(margin="1", margin_value=float("inf")),
    changed(margin="1", margin_value=True), changed(margin="inf", margin_value="1"),
    changed(margin="1 > 0", margin_value=1), changed(shows=["not " * 90 + "1 > 0"]),
    changed(given={"x": "1" * 4301}), changed(given={"x": "١"}), changed(given={"x": "1\n"}),
    changed(let=[["a", "1"], ["f(x)", "a"], ["f", "2"]]), changed(let=[["f(x)", "1"], ["f(y)",
    "2"]]),
    changed(let=[["pi", "3"]]), changed(let=[["f(pi)", "pi"]]), changed(let=[["cells", "1"]]),
    changed(let=[["f0(x)", "x"], *([f"f{k}(x)", "-" * 70 + f"f{k - 1}(x)"] for k in range(1, 60))],
            shows=["f59(1) >= -5"]),
], ids=lambda item: str(item)[:50])
def test_evidence_that_is_none_is_refused_in_words(item):
    """Wrong keys and types, letters beyond ASCII, NaN, shadowed names, nests: no other error."""
    with pytest.raises(InvalidEvidence) as raised:
        check(item)
    assert len(str(raised.value)) < 300


def test_the_margin_minus_zero_is_zero():
    assert check(evidence("1 > 0", margin="0", margin_value=-0.0)) is None
    assert check(evidence("1 > 0", margin="1/10**400", margin_value=-0.0)) is None
    assert check(evidence("1 > 0", margin="-1/10**300", margin_value=0.0)) is not None


@pytest.mark.parametrize("source", [0, True, None, [], b"/dev/null", 1.5, {}, "a\0b", ""])
def test_what_is_no_source_is_refused(source):
    """A file descriptor would be read as standard input."""
    with pytest.raises(InvalidEvidence):
        replay(source)


@pytest.mark.parametrize("change", [
    {"stabkit": "\ud800"}, {"environment": {1: 2, "1": 3}}, {"environment": {"a": float("nan")}},
    {"environment": {"a": {1, 2}}},
])
def test_a_content_that_no_file_holds_is_refused(change):
    with pytest.raises(InvalidEvidence):
        replay(sealed_again(verdict_file(witness()) | change))


def test_contents_without_end_are_refused():
    content = verdict_file(witness())
    content["environment"]["self"] = content["environment"]
    deep = []
    for _ in range(5000):
        deep = [deep]
    for bad in (content, verdict_file(witness()) | {"environment": {"deep": deep}}):
        for use in (replay, sealed):
            with pytest.raises(InvalidEvidence):
                use(bad)


@pytest.mark.parametrize("key, value", [
    ("claim", "x" * 30_000), ("location", "x" * 30_000), ("claim", "a\nholds  b (proved), all"),
    ("claim", "\x1b[2Ja"), ("status", ["proved"]), ("configurations", 10**4299),
])
def test_long_or_deceiving_words_in_a_verdict(key, value):
    """No line of the terminal can be made up, and no text is sealed again and again."""
    content = verdict_file(witness())
    content["verdicts"][0][key] = value
    if key == "configurations":
        assert all(len(finding.reason) < 9000 for finding in replay(sealed_again(content)))
        return
    with pytest.raises(InvalidEvidence) as raised:
        replay(sealed_again(content))
    assert len(str(raised.value)) < 200 and str(raised.value).isprintable()


@pytest.mark.slow
def test_many_different_keys_are_read_quickly(tmp_path):
    """A double key after a hundred thousand others is found at once."""
    path = tmp_path / "keys.json"
    keys = [f'"k{n}": 1' for n in range(100_000)]
    path.write_text("{" + ", ".join([*keys, '"k99999": 2']) + "}", encoding="utf-8")
    with pytest.raises(InvalidEvidence, match="'k99999' occurs twice"):
        replay(path)
    with pytest.raises(InvalidEvidence, match="is missing"):
        replay(json.loads("{" + ", ".join(keys) + "}"))
