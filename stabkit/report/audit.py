"""An audit as text: for 80 columns, and for a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, TextIO

import numpy as np

from stabkit.aliases import Scalar
from stabkit.arithmetic.rational import fractions
from stabkit.audit.questions import words_of
from stabkit.audit.result import Audit
from stabkit.report.table import evidence_summary, table

WIDTH = 80
SHOWN = 8    # entries of an input that are printed; all are in the verdict file
LISTED = 24  # blocks that are printed


def audit_text(audit: Audit, stream: TextIO) -> str:
    """Return what an audit found, to be written to `stream`."""
    return "\n\n".join(part for part in (
        _head(audit), _notions(audit, stream), _blocks(audit, stream), _bounds(audit),
        "\n".join(_inputs(audit)), _advice(audit)) if part) + "\n"


def size_text(audit: Audit) -> str:
    """The shapes, and how many blocks and numbers there are."""
    shapes = " -> ".join("x".join(map(str, shape)) for shape in (audit.shape, audit.output_shape))
    number = "1 block" if len(audit.blocks) == 1 else f"{len(audit.blocks)} blocks"
    return f"{shapes}, {number}, {audit.weights} numbers"


def _head(audit: Audit) -> str:
    first = f"{audit.source or 'network'}: {size_text(audit)}"
    return "\n".join([first, *textwrap.wrap(headline(audit), WIDTH, subsequent_indent="  ")])


def headline(audit: Audit) -> str:
    """What was found, in one sentence that names the notions; of the whole network only."""
    status = str(audit.status)
    counted = [item for item in audit.judgements if item.counts]
    telling = [item for item in counted if item.status is audit.status] or counted
    said = []
    for item in telling:
        if item.direction == "forward":
            words = words_of(item.notion)
            said.append({"proved": words.holds, "refuted": words.fails}.get(
                str(item.status), item.reason or "trials found nothing against it"))
    if all("constant" in item.notion for item in counted):
        word = {"proved": "proved", "refuted": "refuted"}.get(status, "not shown")
    else:
        word = {"proved": "stable", "refuted": "not stable"}.get(status, "not shown stable")
    rounded = " up to rounding" if any(item.rounding.startswith("proved for the numbers")
                                       for item in counted) and status == "proved" else ""
    asked = ", ".join(item.name for item in counted)
    return f"{word}: {'; '.join(dict.fromkeys(said))} ({asked}: {status}{rounded})"


def notion_rows(audit: Audit) -> list[tuple[str, ...]]:
    """A star where it counts, the notion, what it says, its verdict, what is behind, and where."""
    return [("*" if item.counts else "", item.name, words_of(item.notion).says,
             str(item.status), evidence_summary(
                 [{"kind": piece.kind} for piece in item.evidence], item.trials), item.layer)
            for item in audit.judgements]


def _notions(audit: Audit, stream: TextIO) -> str:
    rows = notion_rows(audit)
    found = table(("", "notion", "says", "verdict", "evidence", "layer"), rows, stream, "layer")
    reasons = _group([(item.name, item.rounding or item.reason) for item in audit.judgements
                      if item.direction == "forward"])
    return "\n".join([found.rstrip("\n"), "* decides the exit status", *reasons])


def block_rows(audit: Audit) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The heads of the table of blocks, and its rows."""
    rows = [(block.name, block.form, _upper(block.bound), _number(block.step),
             _number(block.safe), _number(block.unsafe)) for block in audit.blocks[:LISTED]]
    steps = any(block.step is not None for block in audit.blocks)
    heads = ("block", "form", "constant", "step", "certified", "refuted")
    kept = len(heads) if steps else 3
    return heads[:kept], [row[:kept] for row in rows]


def _blocks(audit: Audit, stream: TextIO) -> str:
    found = table(*block_rows(audit), stream, "block").rstrip("\n")
    more = len(audit.blocks) - LISTED
    lines = [f"... and {more} more"] if more > 0 else []
    lines += _group([(block.name, block.note) for block in audit.blocks[:LISTED]])
    return "\n".join([found, *lines])


def _group(said: Sequence[tuple[str, str]]) -> list[str]:
    """What is said of each name; the names of which the same is said in one line."""
    names: dict[str, list[str]] = {}
    for name, text in said:
        if text:
            names.setdefault(text, []).append(name)
    return [line for text, of in names.items() for line in textwrap.wrap(
        f"{_enumerate(of)}: {text}", WIDTH, initial_indent="  ", subsequent_indent="    ")]


def _enumerate(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"


def _bounds(audit: Audit) -> str:
    gap = "" if audit.gap is None else f", gap {audit.gap:.4g}"
    whole = f"Lipschitz constant: {between(audit.lower, audit.upper)}{gap}"
    if audit.unbounded:
        whole = "\n".join(textwrap.wrap(f"{whole}: {audit.unbounded}", WIDTH,
                                        subsequent_indent="  "))
    if audit.local is None:
        return whole
    local = audit.local
    return f"{whole}\nwithin {float(local.radius):.6g} of the given input: " \
        f"{between(local.lower, local.upper)}"


def between(lower: Fraction | None, upper: Fraction | None) -> str:
    """Both bounds in words."""
    low = "0" if lower is None else _number(lower)
    return f"at least {low}; no upper bound is certified" if upper is None else \
        f"between {low} and {_upper(upper)}"


def _inputs(audit: Audit) -> Iterator[str]:
    for item in audit.judgements:
        if item.counts and len(item.signals):
            yield f"input that breaks {item.name}:"
            for name, text in signal_texts(item.signals):
                yield from textwrap.wrap(f"{name} = ({text})", WIDTH, initial_indent="  ",
                                         subsequent_indent="      ")


def signal_texts(signals: Sequence[Any]) -> list[tuple[str, str]]:
    """The first entries of an input u, or of two; of a second that looks the same what it differs.
    """
    def entries(signal: Any) -> str:
        more = f", ... ({len(signal)} entries)" if len(signal) > SHOWN else ""
        return ", ".join(map(entry_text, signal[:SHOWN])) + more

    texts = [(name, entries(signal)) for name, signal in zip("uw", signals, strict=False)]
    if len(texts) == 2 and all(f"{float(a):.6g}" == f"{float(b):.6g}" for a, b in zip(
            signals[0][:SHOWN], signals[1][:SHOWN], strict=True)):
        u, w = (fractions(np.asarray(signal)) for signal in signals[:2])
        texts[1] = "w - u", entries(w - u)
    return texts


def _advice(audit: Audit) -> str:
    lines = [line for text in audit.advice for line in textwrap.wrap(
        f"- {text}", WIDTH, initial_indent="  ", subsequent_indent="    ")]
    return "\n".join(["what to change:", *lines]) if lines else ""


def entry_text(value: Scalar) -> str:
    """An entry of an input: exact where that is short."""
    text = str(value)
    return text if len(text) <= 12 else f"{float(value):.6g}"


def _number(value: Fraction | None) -> str:
    """A number, with more digits where it is near 1; rounded down where it is a lower bound."""
    return "" if value is None else _digits(value, up=False)


def _upper(value: Fraction | None) -> str:
    """An upper bound, rounded up where it is rounded."""
    return "none" if value is None else _digits(value, up=True)


def _digits(value: Fraction, *, up: bool) -> str:
    count, away = 6, abs(value - 1)
    while 0 < away < Fraction(1, 10**(count - 2)) and count < 17:
        count += 1
    text = f"{float(value):.{count}g}"
    if (Fraction(text) < value) if up else (Fraction(text) > value):
        size = Fraction(10) ** (int(f"{float(value):.{count - 1}e}".split("e")[1]) - count + 1)
        text = f"{float((-(-value // size) if up else value // size) * size):.{count}g}"
    return text
