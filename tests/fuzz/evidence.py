"""The doors for evidence: verdict files, and the language that evidence is written in."""

import numpy as np
from driving import Door
from evidence_files import evidence, sealed_again, verdict_file, witness
from mutations import changed_trees, one_of

from stabkit.audit import audit
from stabkit.errors import InvalidEvidence
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Dense
from stabkit.replay import check, replay


def verdict_files():
    """One made by hand, one of a proof for all, and one of an audit."""
    from stabkit.claims.claim import registry
    from stabkit.claims.verify import verify
    from stabkit.report.verdict_file import document

    graph = Graph([Node("A0", "matrix", Dense(np.eye(2) / 2, None), (-1,), (2,))], (2,), "two")
    claims = [registry(["alt2021"])[f"alt2021.{name}"]
              for name in ("euclidean_stability", "euclidean_stability_without_sign_condition")]
    decided = [verdict.to_json() for verdict in verify(claims, budget=0.1)]
    short = [{**each, "evidence": each["evidence"][:2]} for each in decided]
    return [verdict_file(witness()), document(decided[1:], seed=0, budget=0.1),
            sealed_again(document(short, seed=0, budget=0.1)),
            audit(graph, budget=0.1).to_json()]


def json():
    def again(content):
        """With new seals, where it still has the form."""
        try:
            return sealed_again(content)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError, InvalidEvidence):
            return content

    trees = changed_trees(verdict_files())
    return Door(one_of(trees, lambda random: again(trees(random))), replay, limit=30)


_ATOMS = ("0", "1", "2", "7", "u", "u", "A", "c", "n", "pi", "inf", "u[0]", "A.T", "A[0, 1]",
          "u[1:]", "A[:, 0]", "10**9", "u[9]", "[1, u[0]]")
_CALLS = ("abs", "sign", "floor", "sqrt", "exp", "log", "sin", "cos", "tanh", "atan", "f", "g",
          "I", "ones", "zeros", "diag", "outer", "kron", "stack", "concat", "vec", "len", "inverse",
          "det", "trace", "rank", "sum", "dot", "norm2", "min", "max", "sign_changes",
          "largest_product", "row_sums", "smallest_entry", "column_squares", "gram_bound",
          "side_by_side", "gram_at_most", "decay", "polyval", "roots_in", "positive_on",
          "nonneg_on", "psd", "pd", "nonneg", "tridiagonal", "totally_nonneg", "nothing")


def expression(random, depth=3, atoms=_ATOMS, calls=_CALLS, signs="+-*/@"):
    """An expression; with a name ``x`` among the atoms, a number on a cell."""
    def inner():
        return expression(random, depth - 1, atoms, calls, signs)

    kind = random.randint(0, 7) if depth else 0
    if kind < 2:
        return random.choice(atoms)
    if kind < 4:
        return f"({inner()} {random.choice(signs)} {inner()})"
    if kind < 6:
        given = ", ".join(inner() for _ in range(random.choice((1, 1, 2, 3))))
        return f"{random.choice(calls)}({given})"
    return f"{inner()}**{random.randint(0, 9)}" if kind == 6 else \
        f"({inner()} if {inner()} > 0 else {inner()})"


def number(random):
    return expression(random, 2, ("x", "x", "1", "3", "pi"), _CALLS[:10], "+-*/")


def condition(random):
    kind = random.randint(0, 5)
    if kind < 3:
        return f"{expression(random)} {random.choice(('<', '<=', '==', '!=', '>='))} " \
               f"{expression(random)}"
    if kind == 3:
        return f"all({number(random)} <= {number(random)} for x in cells(c))"
    if kind == 4:
        return f"not ({expression(random, 2)} < 1 and {expression(random, 2)} > 0)"
    return "".join(random.choices("ux019+-*/@()[],.:<>= ", k=random.randint(0, 30)))


def piece(random):
    """Evidence that is written by the grammar, and often means nothing."""
    def numbers(count):
        return random.choices(("0", "1", "-2", "3/4", "-1/3", "1000000007"), k=count)

    n = random.randint(1, 3)
    return evidence(
        *(condition(random) for _ in range(random.randint(1, 3))),
        given={"u": numbers(n), "A": [numbers(n) for _ in range(n)], "n": numbers(1)[0],
               "c": ["-inf", "-1", "0", random.choice(("1", "3/4", "0")), "inf"]},
        let=[["f(x)", number(random)], ["v", expression(random)], ["g(x)", number(random)]],
        arithmetic=random.choice(("ball", "rational")))


def language():
    return Door(piece, check, limit=30)
