"""One claim and its verdict in words and calculations that can be followed by hand."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from stabkit.aliases import Fields, Scalar
from stabkit.claims.claim import Claim
from stabkit.installation import quote
from stabkit.proof import prose, recipes
from stabkit.report.table import evidence_summary
from stabkit.stability.verdict import Verdict

WIDTH = 80
INDENT = 11
PROGRAM = "To check it without stabkit, run what follows as a program:"
LISTED = 3  # pieces of evidence written out; all of them are in a verdict file
KINDS = ("proof", "witness", "certificate", "trials")  # most telling first

GLOSSARY = {
    "@": "A @ u: matrix times vector, or the scalar product of two vectors",
    ".T": "K.T: the transpose of K",
    "cells": "cells(v): the closed intervals between the neighbouring entries of v",
    "column_squares": "column_squares(K): the largest sum of squares in a column of K",
    "decay": "decay(k, x): x**k * exp(-x) for x >= 0",
    "gram_at_most": "gram_at_most(K, c): c I - K'K is positive semidefinite, by its pivots",
    "gram_bound": "gram_bound(K): the largest row sum of |K|'|K|, at least the square of the norm",
    "largest_product": "largest_product(K): the largest K[k,i] * K[k,j] over rows k and i != j",
    "nonneg": "nonneg(A): no entry of A is negative",
    "nonneg_on": "nonneg_on(c, a, b): the polynomial c is >= 0 on the open interval (a, b)",
    "norm2": "norm2(u): the sum of the squares of the entries",
    "outer": "outer(u, v): the matrix u v'",
    "pd": "pd(M): M is symmetric and positive definite",
    "polyval": "polyval(c, x): c[0] + c[1] x + c[2] x**2 + ...",
    "positive_on": "positive_on(c, a, b): the polynomial c is > 0 on the open interval (a, b)",
    "psd": "psd(M): M is symmetric and positive semidefinite",
    "roots_in": "roots_in(c, a, b): the number of real roots of the polynomial c in (a, b]",
    "row_sums": "row_sums(K): the sums of the rows of K",
    "side_by_side": "side_by_side(K): rows have two entries at most, in neighbouring columns",
    "sign_changes": "sign_changes(u): changes of sign along u, zeros dropped",
    "smallest_entry": "smallest_entry(K): the least entry of K",
    "totally_nonneg": "totally_nonneg(M): no minor of M is negative",
}


def explain(claim: Claim, verdict: Verdict, claims_file: str | None = None,
            origin: str = "") -> str:
    """Return the statement, its source, the verdict, its evidence, and how to replay it.

    `claims_file` is the user's file where the claim stands, if it is not a built-in one; `origin`
    says where a verdict was recorded that is not decided now.
    """
    lines = [claim.name, ""]
    lines += _label("source", claim.location if claim.location.startswith(claim.kind) else
                       f"{claim.location}, {claim.kind}")
    if claim.quote:
        lines += _label("quote", f'"{claim.quote}"')
    lines += _label("notion", f"{claim.notion} ({claim.weight})")
    lines += _label("statement", claim.statement)
    lines += _label("expected", str(claim.expected))
    lines += _label("verdict", describe(verdict))
    if origin:
        lines += _label("recorded", f"{origin}. What is shown of its evidence was checked again "
                                    "just now; --again decides the claim anew.")
    listed = most_telling(verdict.evidence)
    for number, item in enumerate(listed, start=1):
        lines += ["", f"evidence {number} of {len(verdict.evidence)}: {item['kind']} "
                      f"({item['arithmetic']} arithmetic)"]
        lines += _evidence(item)
    words = glossary(listed)
    if words:
        lines += ["", *_label("words", words[0])]
        lines += [" " * INDENT + word for word in words[1:]]
    lines += ["", *_replay(claim, verdict, claims_file)]
    return "\n".join(lines) + "\n"


def most_telling(evidence: Sequence[Fields]) -> list[Fields]:
    """Return the pieces of evidence to show: proofs for all, then inputs that break it, then
    certificates; of each kind the shortest first."""
    return sorted(evidence, key=lambda item: (
        KINDS.index(item["kind"]), len(str(item["data"].get("given", "")))))[:LISTED]


def evidence_text(item: Fields) -> str:
    """Return one piece of evidence as a calculation that can be copied and done by hand."""
    return "\n".join(_evidence(item))


def describe(verdict: Verdict) -> str:
    """Return what is to be said about a verdict, in a few sentences."""
    return " ".join(_verdict(verdict))


def _verdict(verdict: Verdict) -> Iterator[str]:
    """Yield the sentences about a verdict."""
    behind = evidence_summary(verdict.evidence, verdict.trials)
    word = f"{verdict.status} {verdict.reach}".strip()
    number = "" if verdict.reach.startswith("on") else f", {verdict.number}"
    yield f"{word}, by {behind or 'nothing found'}{number}."
    if verdict.reason:
        yield f"{verdict.reason[:1].upper()}{verdict.reason[1:].rstrip('.')}."
    if verdict.rounding:
        yield f"{verdict.rounding}."
    if not verdict.as_expected:
        yield "This is not what was expected!"
    if verdict.margin is not None:
        yield f"The smallest margin found is {verdict.margin:.6g}."
    if verdict.sharp is not None:
        yield ("Just outside the bound it is refuted: the bound is sharp." if verdict.sharp
               else "Just outside the bound no refutation was found: not sharp.")
    if verdict.tightness is not None:
        yield f"The smallest refuted step is {verdict.tightness:.6f} times the claimed bound."


def _evidence(item: Fields) -> Iterator[str]:
    """Yield the lines of one piece of evidence."""
    if item["configuration"]:
        where = ", ".join(f"{key} = {_value(value)}"
                          for key, value in item["configuration"].items())
        yield from _label("where", where)
    data = item["data"]
    if item["kind"] == "proof":
        yield from _proof(data["statement"], data["proof"])
        return
    if item["kind"] == "trials":
        counts = ", ".join(f"{key} {value}" for key, value in data.items() if key != "seal")
        yield from _label("tried", counts)
        return
    yield from _items("given", (_equation(*pair) for pair in data["given"].items()))
    yield from _items("let", (_equation(name, body) for name, body in data["let"]))
    yield from _items("shows", data["shows"])
    if data.get("margin"):
        value = data.get("margin_value")
        yield from _label("margin", data["margin"] + ("" if value is None else f" = {value}"))
    if data["by"]:
        yield from _label("because", data["by"])
    if "theorem" in data:
        yield from _proof(data["theorem"]["statement"], data["theorem"]["proof"])


def _proof(statement: Fields, proof: Fields) -> Iterator[str]:
    """Yield the lines of a proof for all, and of a program that adds it up anew."""
    yield from prose.explain(statement, proof).splitlines()
    yield from ("", PROGRAM)
    yield from recipes.recipe(statement, proof).splitlines()


def _equation(name: str, value: Scalar) -> str:
    """Return ``name = value``, a matrix with its rows below each other."""
    if isinstance(value, dict):
        return _in_blocks(name, value) if "rows" in value else f"{name} = " + ", then ".join(
            f"{count} times {_value(entries)}" for count, entries in value["runs"])
    if not (isinstance(value, list) and value and isinstance(value[0], list)):
        return f"{name} = {_value(value)}"
    wide = max((len(str(entry)) for row in value for entry in row), default=0)
    rows = ["[ " + "  ".join(f"{entry!s:>{wide}}" for entry in row) + " ]" for row in value]
    return f"{name} = " + ("\n" + " " * (len(name) + 3)).join(rows)


def _in_blocks(name: str, matrix: Fields) -> str:
    """Return a large matrix as the kinds of its rows."""
    height, width = matrix["shape"]
    lines = [f"{name} = {height} x {width} matrix, from top to bottom"]
    for block in matrix["rows"]:
        entries = ", ".join(f"{value} in column {place}" for value, place in
                            zip(block["values"], block["at"], strict=True)) or "zeros"
        loops = " of ".join(f"{count} times, each time {shift} to the right"
                            for count, shift in reversed(block["times"])) or "once"
        lines.append(f"  a row with {entries}; {loops}")
    return "\n".join(lines)


def _value(value: Scalar) -> str:
    """Return a scalar or a list as it is written on paper."""
    if isinstance(value, list):
        return "(" + ", ".join(_value(entry) for entry in value) + ")"
    return str(value)


def _label(label: str, text: str) -> list[str]:
    """Return a paragraph with a label in its margin."""
    lines = textwrap.wrap(
        " ".join(text.split()), WIDTH - INDENT, break_long_words=False, break_on_hyphens=False)
    return _beside(label, lines)


def _items(label: str, items: Iterable[str]) -> list[str]:
    """Return items, each on lines of its own as it stands, with a label beside the first."""
    return _beside(label, [line for item in items for line in item.split("\n")])


def _beside(label: str, lines: list[str]) -> list[str]:
    margins = [label, *[""] * (len(lines) - 1)]
    return [f"{margin:<{INDENT}}{line}" for margin, line in zip(margins, lines, strict=False)]


def glossary(evidence: Iterable[Fields]) -> list[str]:
    """Return what the less usual words in some evidence mean."""
    used = " ".join(
        " ".join([*(body for _, body in item["data"]["let"]), *item["data"]["shows"],
                  item["data"].get("margin") or ""])
        for item in evidence if item["kind"] not in ("trials", "proof")
    )
    words = set(re.findall(r"[A-Za-z_]\w*|@|\.T\b", used))
    return [meaning for word, meaning in GLOSSARY.items() if word in words]


def _replay(claim: Claim, verdict: Verdict, claims_file: str | None) -> Iterator[str]:
    """Yield how to go on from here."""
    command = f"  stabkit verify {claim.name}"
    if claims_file is not None:
        command += f" --claims {quote(claims_file)}"
    if not verdict.evidence:
        yield "To decide it with a larger budget:"
        yield f"{command} --budget 600"
        return
    more = len(verdict.evidence) - LISTED
    if more > 0:
        yield f"({more} more pieces of evidence are in the verdict file.)"
    yield "To write the verdict file and re-check it:"
    yield f"{command} --json verdict.json"
    yield "  stabkit replay verdict.json"
