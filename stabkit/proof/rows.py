"""Statements about schemes on lines and grids of any size, given by the rows of their matrix.

A statement is

``{"kind": "rows", "step": "explicit", "keeps": "sign", "weights": {"l": "1/4", "r": "1/4"},
"rows": {"first": {"0": "1 - r", "1": "r"}, "inner": {"-1": "l", "0": "1 - l - r", "1": "r"},
"last": {"-1": "l", "0": "1 - l"}, "single": {"0": "1"}}}``

An explicit step is u⁺ = B u, an implicit one A u⁺ = u; the statement gives all kinds of rows of B
or A by their entries: "0" is the diagonal, other names are those of neighbours, or of means of
neighbours (with any weights >= 0, for "range" alone).  Weights such as
τg/h² may be any numbers from 0 to the end that is given ("inf" for none), others in every row, as
they depend on u.  For "sign" the matrix is a line with the rows first, inner (any number of times),
last, or single alone, with neighbours "-1" and "1"; r is the weight of the edge to the right, and
it is the l of the next row.  So it is for "variation", "extrema", "contrast" and "mean", of
explicit steps alone.  For "contrast" the flux does not fall and Φ(0) = 0, and the entries beside
the diagonal are multiples of their weights, which stand for slopes of τΦ/h² as well as for τg/h².
For
"cyclic sign" the statement gives an inner row, and the single one of a ring of one site.  With
``"steps": "any number"`` it speaks of so many steps, each with weights of its own: what every step
keeps, all of them keep.

==========  ========================================================================================
explicit    range: entries >= 0 that sum to 1: every value is a mean of values before.
implicit    range: entries beside the diagonal <= 0, the sum is 1: at a largest u⁺ᵢ is uᵢ >= u⁺ᵢ.
explicit    sign: entries beside the diagonal >= 0 and pivots >= 0, all but the last > 0.  Then B is
            a product of nonnegative bidiagonal matrices, none of which adds changes of sign.
implicit    sign: entries beside the diagonal <= 0 and pivots > 0: A⁻¹ is such a product.
explicit    cyclic sign: with S∘ the changes of sign around a ring, m turns of it, unrolled, and one
            more site at each end make a line, whose inner rows are those of the ring; as that adds
            no changes of sign, m S∘(u⁺) − 1 <= m S∘(u) + 2 for every m.
explicit    mean: the columns sum to 1, so that every value is handed out whole.
explicit    variation, extrema: rows that sum to 1 make of the differences dᵢ = uᵢ₊₁ − uᵢ, whose
            edge has the weight wᵢ, d⁺ᵢ = a(wᵢ₋₁) dᵢ₋₁ + (1 − b(wᵢ) − a(wᵢ)) dᵢ + b(wᵢ₊₁) dᵢ₊₁,
            where b is the entry to the right of the row before an edge and a the one to the left of
            the row after it; beyond the ends d = 0.
explicit    variation: a, b and 1 − a − b are >= 0.  Each dᵢ is handed out in parts whose sum is at
            most 1, so Σ|d⁺ᵢ| <= Σ|dᵢ|.
explicit    extrema: a, b >= 0, and the pivots of this matrix are >= 0, all but the last > 0: d⁺ has
            no more changes of sign than d.
explicit    contrast: let φ = τΦ/h² and M = max |dᵢ|, and write a(w) = aw, b(w) = bw, a′ and b′ for
            what the edge is handed.  Then M − d⁺ᵢ = (M − dᵢ) − (a + b)(φ(M) − φ(dᵢ)) +
            a′(φ(M) − φ(dᵢ₋₁)) + b′(φ(M) − φ(dᵢ₊₁)) + (a + b − a′ − b′)φ(M), and all of it is >= 0
            if a, b, 1 − (a + b)w and a + b − a′ − b′ are; so it is for −M.
==========  ========================================================================================

For "range", "mean", "variation" and "contrast" the proof is {}.  For "sign", "cyclic sign" and
"extrema" it is {"pivot": "1/2 - x"}: a bound m(x) > 0 such that the pivot dᵢ >= m(rᵢ), shown by
induction: d₁ is the first diagonal entry, and dᵢ₊₁ = diagonal − (its entry to the left)·(the entry
above that)/dᵢ, where dᵢ >= m(l).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stabkit.errors import InvalidEvidence
from stabkit.proof.aliases import Data
from stabkit.proof.polynomials import End, nonnegative_on_box
from stabkit.proof.text import fields, new_name, parse, rational, table
from stabkit.proof.words import Expression, expression, parameter

LINE = {"first": {"0", "1"}, "inner": {"-1", "0", "1"}, "last": {"-1", "0"}, "single": {"0"}}
WEIGHTS = {"-1": {"l"}, "0": {"l", "r"}, "1": {"r"}}  # which an entry may depend on, for "sign"

Row = Mapping[str, Expression]


@dataclass(frozen=True)
class Statement:
    """Rows whose entries are polynomials in weights."""

    implicit: bool
    keeps: str
    weights: Mapping[str, End]
    rows: Mapping[str, Row]
    repeated: bool = False


def read(data: dict) -> Statement:
    """The statement that a dictionary describes."""
    data = fields(data, ("kind", "step", "keeps", "weights", "rows"), ("steps",))
    if data.get("steps", "any number") != "any number":
        raise InvalidEvidence("steps: may be left out, or be 'any number'")
    if data["step"] not in ("explicit", "implicit") or data["keeps"] not in tuple(CHECKS):
        raise InvalidEvidence("step, keeps: must be explicit or implicit, and one of "
                              f"{', '.join(CHECKS)}")
    weights = {new_name(name, ()): None if end == "inf" else rational(end)
               for name, end in table(data["weights"]).items()}
    if any(end is not None and end <= 0 for end in weights.values()):
        raise InvalidEvidence("weights: an end must be > 0")
    names = {name: parameter(name) for name in weights}
    rows = {name: {key: parse(text, names) for key, text in table(row).items()}
            for name, row in table(data["rows"]).items()}
    if not rows or not all("0" in row and all(entry.scalar for entry in row.values())
                           for row in rows.values()):
        raise InvalidEvidence("rows: each needs an entry \"0\", and polynomials in the weights")
    made = Statement(data["step"] == "implicit", data["keeps"], weights, rows, "steps" in data)
    if made.implicit and made.keeps in (
            "variation", "extrema", "contrast", "mean", "cyclic sign"):
        raise InvalidEvidence(f"{made.keeps}: is only known of explicit steps")
    if made.keeps != "range":
        _is_a_line(unroll(made) if made.keeps == "cyclic sign" else made)
    return made


def unroll(statement: Statement) -> Statement:
    """The line that a ring is cut to, whose end rows lose an edge."""
    if set(statement.rows) != {"inner", "single"} or set(statement.rows["inner"]) != LINE["inner"]:
        raise InvalidEvidence("rows: a ring needs inner and single, three bands wide")
    inner, nothing = statement.rows["inner"], expression(0)
    ends = {"first": {"0": inner["0"].put({"l": nothing}), "1": inner["1"]},
            "last": {"-1": inner["-1"], "0": inner["0"].put({"r": nothing})}}
    return replace(statement, rows={**ends, **statement.rows})


def _is_a_line(statement: Statement) -> None:
    if {name: set(row) for name, row in statement.rows.items()} != LINE:
        raise InvalidEvidence("rows: a line needs first, inner, last and single, three bands wide")
    if set(statement.weights) != {"l", "r"} or statement.weights["l"] != statement.weights["r"]:
        raise InvalidEvidence("weights: a line has l and r, from 0 to the same end")
    if any(row[k].letters - WEIGHTS[k] for row in statement.rows.values() for k in row):
        raise InvalidEvidence("rows: an entry depends on the weight of another edge")


def check(statement: Statement, proof: Data) -> None:
    """Show that the scheme keeps what the statement says, on lines of every length.

    Raises
    ------
    InvalidEvidence
        If a condition is not shown, or the proof is of another form.
    """
    for what, x, sign in conditions(statement, proof):
        if sign == "==" and not x.is_zero():
            raise InvalidEvidence(f"{what} do{'es' * what.endswith('column')} not sum to 1")
        if sign != "==" and not nonnegative_on_box(x, statement.weights, sign == ">"):
            raise InvalidEvidence(f"{what} is not shown to be {sign} 0")


Conditions = Iterator[tuple[str, Expression, str]]


def conditions(statement: Statement, proof: Data) -> Conditions:
    """What has to be ">=", ">" or "==" 0 for all weights: in words, the polynomial, the sign."""
    for name, row in statement.rows.items():
        for k, entry in row.items():
            if k != "0":
                yield f"{name}: entry {k}", -entry if statement.implicit else entry, ">="
    yield from CHECKS[statement.keeps](statement, proof)


def _range(statement: Statement, proof: Data) -> Conditions:
    fields(proof)
    yield from _sums_to_one(statement)
    for name, row in statement.rows.items():
        if not statement.implicit:
            yield f"{name}: entry 0", row["0"], ">="


def _sums_to_one(statement: Statement) -> Conditions:
    for name, row in statement.rows.items():
        yield f"{name}: the entries", sum(row.values(), expression(-1)), "=="


def _mean(statement: Statement, proof: Data) -> Conditions:
    """A value goes to its own site, to the next one over the edge to the right, and to the left."""
    fields(proof)
    rows = statement.rows
    yield "single: the column", rows["single"]["0"] - 1, "=="
    before, after = ("first", "inner"), ("inner", "last")
    for name, befores, afters in (
            ("first", (), after), ("inner", before, after), ("last", before, ())):
        to_the_left = [rows[each]["1"].put({"r": parameter("l")}) for each in befores]
        to_the_right = [rows[each]["-1"].put({"l": parameter("r")}) for each in afters]
        for left in to_the_left or [expression(0)]:
            for right in to_the_right or [expression(0)]:
                yield f"{name}: the column", rows[name]["0"] + left + right - 1, "=="


def _variation(statement: Statement, proof: Data) -> Conditions:
    fields(proof)
    yield from _sums_to_one(statement)
    for before in ("first", "inner"):
        for after in ("inner", "last"):
            yield (f"what stays of a difference from {before} to {after}",
                   _stays(statement, before, after), ">=")


def _stays(statement: Statement, before: str, after: str) -> Expression:
    """1 − b(r) − a(r): the diagonal entry of an edge of weight r between rows of two kinds."""
    rows = statement.rows
    return 1 - rows[before]["1"] - rows[after]["-1"].put({"l": parameter("r")})


def _contrast(statement: Statement, proof: Data) -> Conditions:
    yield from _variation(statement, proof)
    for name, row in statement.rows.items():
        for beside in sorted(set(row) - {"0"}):
            if any(len(powers) != 1 or powers[0][1] != 1 for _, powers in row[beside].terms):
                raise InvalidEvidence(f"{name}: the entry {beside} is no multiple of its weight")
            yield f"{name}: the entry {beside}", row[beside], ">="
    nothing = expression(0)
    for before in ("first", "inner"):
        for after in ("inner", "last"):
            handed = statement.rows[before].get("-1", nothing).put({"l": parameter("r")}) \
                + statement.rows[after].get("1", nothing)
            yield (f"from {before} to {after}: what an edge hands out less what it is handed",
                   1 - _stays(statement, before, after) - handed, ">=")


def _extrema(statement: Statement, proof: Data) -> Conditions:
    """The induction for the pivots of the matrix of the differences."""
    yield from _sums_to_one(statement)
    left, right = _bounds(proof)
    yield BOUND, right, ">"
    inner = statement.rows["inner"]
    for after, bound in (("inner", right), ("last", expression(0))):
        yield f"from first to {after}: the pivot", _stays(statement, "first", after) - bound, ">="
        # between the two edges lies an inner row, with entries a(l) and b(r)
        yield (f"from inner to {after}: the pivot",
               (_stays(statement, "inner", after) - bound) * left - inner["-1"] * inner["1"], ">=")


BOUND = "the bound of pivots"


def _bounds(proof: Data) -> tuple[Expression, Expression]:
    """m(l) and m(r), which must be > 0."""
    text = fields(proof, ("pivot",))["pivot"]
    left, right = (parse(text, {"x": parameter(weight)}) for weight in "lr")
    if not left.scalar:
        raise InvalidEvidence("pivot: must be a polynomial in x")
    return left, right


def _sign(statement: Statement, proof: Data) -> Conditions:
    """The induction for the pivots."""
    rows, strict = statement.rows, ">" if statement.implicit else ">="
    left, right = _bounds(proof)
    yield BOUND, right, ">"
    yield "single: the pivot", rows["single"]["0"], strict
    yield "first: the pivot", rows["first"]["0"] - right, ">="
    for above in ("first", "inner"):
        beside = rows[above]["1"].put({"r": parameter("l")})
        for name, bound, so in (("inner", right, ">="), ("last", expression(0), strict)):
            row = rows[name]
            yield (f"{name} below {above}: the pivot",
                   (row["0"] - bound) * left - row["-1"] * beside, so)


def _cyclic_sign(statement: Statement, proof: Data) -> Conditions:
    yield from _sign(unroll(statement), proof)


#: What a scheme may keep, and what shows it.
CHECKS = {"range": _range, "sign": _sign, "variation": _variation, "extrema": _extrema,
          "contrast": _contrast, "mean": _mean, "cyclic sign": _cyclic_sign}
