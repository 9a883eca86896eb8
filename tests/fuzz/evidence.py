"""The doors for evidence: verdict files, and the language that evidence is written in."""

import numpy as np
from driving import Door
from evidence_files import evidence, sealed_again, verdict_file, witness
from hypothesis import strategies as st
from mutations import changed_trees

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
    return Door(st.one_of(trees, trees.map(again)), replay, limit=30)


_ATOMS = st.sampled_from(["0", "1", "2", "7", "u", "u", "A", "c", "n", "pi", "inf", "u[0]",
                          "A.T", "A[0, 1]", "u[1:]", "A[:, 0]", "10**9", "u[9]", "[1, u[0]]"])
_CALLS = ("abs", "sign", "floor", "sqrt", "exp", "log", "sin", "cos", "tanh", "atan", "I", "ones",
          "zeros", "diag", "outer", "kron", "stack", "concat", "vec", "len", "inverse", "det",
          "trace", "rank", "sum", "dot", "norm2", "min", "max", "sign_changes", "largest_product",
          "row_sums", "smallest_entry", "column_squares", "gram_bound", "side_by_side",
          "gram_at_most", "decay", "polyval", "roots_in", "positive_on", "nonneg_on", "psd", "pd",
          "nonneg", "tridiagonal", "totally_nonneg", "f", "g", "nothing")


def _larger(inner):
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "**", "@"]),
                  inner),
        st.builds("-{}".format, inner),
        st.builds("{}({})".format, st.sampled_from(_CALLS),
                  st.lists(inner, min_size=1, max_size=3).map(", ".join)),
        st.builds("({} if {} > 0 else {})".format, inner, inner, inner))


EXPRESSIONS = st.recursive(_ATOMS, _larger, max_leaves=8)
NUMBERS = st.recursive(st.sampled_from(["x", "1", "3", "n", "pi"]), lambda inner: st.one_of(
    st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
    st.builds("{}({})".format, st.sampled_from(_CALLS[:10]), inner),
    st.builds("{}**{}".format, inner, st.integers(0, 9)),
    st.builds("({} if {} > 0 else {})".format, inner, inner, inner)), max_leaves=5)
CONDITIONS = st.one_of(
    st.builds("{} {} {}".format, EXPRESSIONS,
              st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), EXPRESSIONS),
    st.builds("all({} <= {} for x in cells(c))".format, NUMBERS, NUMBERS),
    st.builds("not ({} < 1 and {} > 0)".format, EXPRESSIONS, EXPRESSIONS), EXPRESSIONS,
    st.text("ux019+-*/@()[],.:<>= ", max_size=30))


@st.composite
def pieces(draw):
    """Evidence that is written by the grammar, and often means nothing."""
    numbers = st.sampled_from(["0", "1", "-2", "3/4", "-1/3", "1000000007"])
    n = draw(st.integers(1, 3))
    few = st.lists(numbers, min_size=n, max_size=n)
    return evidence(
        *draw(st.lists(CONDITIONS, min_size=1, max_size=3)),
        given={"u": draw(few), "A": draw(st.lists(few, min_size=n, max_size=n)), "n": draw(numbers),
               "c": ["-inf", "-1", "0", draw(st.sampled_from(["1", "3/4", "0"])), "inf"]},
        let=[["f(x)", draw(NUMBERS)], ["v", draw(EXPRESSIONS)], ["g(x)", draw(NUMBERS)]],
        arithmetic=draw(st.sampled_from(["ball", "rational"])))


def language():
    return Door(pieces(), check, limit=30)
