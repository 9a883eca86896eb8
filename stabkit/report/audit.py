"""An audit as text: for 80 columns, and for a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TextIO

from stabkit.report.table import evidence_summary, table

WIDTH = 80
SHOWN = 8    # entries of an input that are printed; all are in the verdict file
LISTED = 24  # blocks that are printed

MEANING = {
    "euclidean": "|u+| <= |u|", "contraction": "|u+ - w+| <= |u - w|",
    "range": "min u <= u+ <= max u", "sign": "no more sign changes",
    "energy": "the block's energy does not grow",
    "modes": "no mode of its blocks grows",
}


def audit_text(audit: Any, stream: TextIO) -> str:
    """Return what an audit found, to be written to `stream`."""
    return "\n\n".join(part for part in (
        _head(audit), _notions(audit, stream), _blocks(audit, stream), _bounds(audit),
        "\n".join(_inputs(audit)), _advice(audit)) if part) + "\n"


def _head(audit: Any) -> str:
    shapes = " -> ".join("x".join(map(str, shape)) for shape in (audit.shape, audit.output_shape))
    number = "1 block" if len(audit.blocks) == 1 else f"{len(audit.blocks)} blocks"
    word = {"proved": "stable", "refuted": "not stable"}.get(str(audit.status), "open")
    asked = ", ".join(item.name for item in audit.judgements if item.counts)
    return (f"{audit.source or 'network'}: {shapes}, {number}, {audit.weights} numbers\n"
            f"{word} ({asked}: {audit.status})")


def _notions(audit: Any, stream: TextIO) -> str:
    rows = [("*" if item.counts else "", item.name, MEANING.get(item.notion, ""),
             str(item.status), evidence_summary(
                 [{"kind": piece.kind} for piece in item.evidence], item.trials), item.layer)
            for item in audit.judgements]
    found = table(("", "notion", "says", "verdict", "evidence", "layer"), rows, stream, "layer")
    reasons = [line for item in audit.judgements if item.reason
               for line in textwrap.wrap(f"{item.name}: {item.reason}", WIDTH,
                                         initial_indent="  ", subsequent_indent="    ")]
    return "\n".join([found.rstrip("\n"), "* decides the exit status", *reasons])


def _blocks(audit: Any, stream: TextIO) -> str:
    rows = [(block.name, block.form, _upper(block.bound), _number(block.step),
             _number(block.safe), _number(block.unsafe)) for block in audit.blocks[:LISTED]]
    steps = any(block.step is not None for block in audit.blocks)
    heads = ("block", "form", "constant", "step", "certified", "refuted")
    kept = len(heads) if steps else 3
    found = table(heads[:kept], [row[:kept] for row in rows], stream, "block").rstrip("\n")
    more = len(audit.blocks) - LISTED
    lines = [f"... and {more} more"] if more > 0 else []
    for block in audit.blocks[:LISTED]:
        if block.note:
            lines += textwrap.wrap(f"{block.name}: {block.note}", WIDTH, initial_indent="  ",
                                   subsequent_indent="    ")
    return "\n".join([found, *lines])


def _bounds(audit: Any) -> str:
    lower = "0" if audit.lower is None else _number(audit.lower)
    if audit.upper is None:
        return f"Lipschitz constant: at least {lower}; no upper bound is certified"
    gap = "" if audit.gap is None else f", gap {audit.gap:.4g}"
    return f"Lipschitz constant: between {lower} and {_upper(audit.upper)}{gap}"


def _inputs(audit: Any) -> Iterator[str]:
    for item in audit.judgements:
        if item.counts and item.signals:
            yield f"input that breaks {item.name}:"
            for name, signal in zip(("u", "w"), item.signals, strict=False):
                entries = [_entry(value) for value in signal[:SHOWN]]
                more = f", ... ({len(signal)} entries)" if len(signal) > SHOWN else ""
                yield from textwrap.wrap(f"{name} = ({', '.join(entries)}{more})", WIDTH,
                                         initial_indent="  ", subsequent_indent="      ")


def _advice(audit: Any) -> str:
    lines = [line for text in audit.advice for line in textwrap.wrap(
        f"- {text}", WIDTH, initial_indent="  ", subsequent_indent="    ")]
    return "\n".join(["what to change:", *lines]) if lines else ""


def _entry(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 12 else f"{float(value):.6g}"


def _number(value: Fraction | None) -> str:
    return "" if value is None else f"{float(value):.6g}"


def _upper(value: Fraction | None) -> str:
    """An upper bound, rounded up where it is rounded."""
    if value is None:
        return "none"
    text = f"{float(value):.6g}"
    if Fraction(text) >= value:
        return text
    size = Fraction(10) ** (int(f"{float(value):.5e}".split("e")[1]) - 5)
    return f"{float(-(-value // size) * size):.6g}"
