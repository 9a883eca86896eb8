"""Tables: for 80 columns in a terminal, plain and unbroken in a pipe."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, TextIO

import click

from stabkit.aliases import Record
from stabkit.stability.verdict import Status, Verdict

PLURALS = {"proof": "proofs", "witness": "witnesses", "certificate": "certificates"}
NARROW = 24   # no name is folded to fewer columns


def verdict_table(verdicts: Iterable[Any], stream: TextIO) -> str:
    """Return the table of verdicts, to be written to `stream`."""
    rows = [
        ("" if verdict.as_expected else "!", verdict.claim, _status(verdict),
         _behind(verdict), _sharpness(verdict))
        for verdict in verdicts
    ]
    return table(("", "claim", "verdict", "evidence", "tightness"), rows, stream)


def claims_table(claims: Sequence[Any], stream: TextIO) -> str:
    """Return what is claimed, to be written to `stream`.

    In a terminal each statement stands under its claim, as much of it as one line takes; in a
    pipe it ends the claim's line.
    """
    says = [" ".join(claim.statement.split()) for claim in claims]
    if not stream.isatty():
        rows = [(claim.name, claim.notion, claim.weight, str(claim.expected), text)
                for claim, text in zip(claims, says, strict=True)]
        return table(("claim", "notion", "weight", "expected", "statement"), rows, stream)
    width = shutil.get_terminal_size().columns
    lines = []
    for claim, text in zip(claims, says, strict=True):
        status = str(claim.expected)
        room = width - len(f"  {status}, {claim.notion}: ")
        lines += [_in_style(claim.name, bold=True),
                  f"  {_in_style(status, fg=claim.expected.terminal_colour)}, {claim.notion}: "
                  + textwrap.shorten(text, max(room, NARROW), placeholder=" …")]
    return "".join(f"{line}\n" for line in lines)


def _in_style(text: str, **style: Any) -> str:
    return text if _plain() else click.style(text, **style)


def _plain() -> bool:
    """Whether the user, or a terminal that knows no escapes, wants text alone."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], stream: TextIO, named: str = "claim",
) -> str:
    """Return a table as text that suits `stream`.

    In a terminal it has colours, and the names in the column `named` are folded so that it fits;
    in a pipe each row is one line, for ``grep`` and friends.
    """
    # Drawn here: a library that measures and wraps every cell takes as long as all the rest.
    terminal = stream.isatty()
    cells = [list(row) for row in rows]
    if terminal and named in heads:
        _fold(heads, cells, heads.index(named), shutil.get_terminal_size().columns)
    return "".join(f"{line}\n" for line in _lines(heads, cells, terminal))


def _lines(heads: Sequence[str], rows: list[list[str]], styled: bool) -> Iterator[str]:
    widths = _widths(heads, rows)
    for row in (heads, *rows):
        options = [_style(cell, row is heads) if styled else {} for cell in row]
        for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue=""):
            yield "  ".join(
                (click.style(part, **style) if part and style else part) + " " * (w - len(part))
                for part, style, w in zip(line, options, widths, strict=True)).rstrip()


def _widths(heads: Sequence[str], rows: list[list[str]]) -> list[int]:
    return [max(len(line) for cell in cells for line in cell.split("\n"))
            for cells in zip(heads, *rows, strict=True)]


def summary(verdicts: Sequence[Any], seconds: float, seed: int) -> str:
    """Return the closing line under a table of verdicts."""
    counts = Counter(str(verdict.status) for verdict in verdicts)
    for_all = sum(verdict.scope == "for all" for verdict in verdicts)
    beside = {"proved": f" ({for_all} for all)"} if for_all else {}
    found = ", ".join(f"{counts[status]} {status}{beside.get(status, '')}" for status in Status
                      if counts[status])
    others = sum(not verdict.as_expected for verdict in verdicts)
    expected = f"{others} not as expected (!)" if others else "each as expected"
    number = "1 claim" if len(verdicts) == 1 else f"{len(verdicts)} claims"
    return f"{number}: {found or 'none decided'}; {expected}.  {seconds:.1f} s, seed {seed}."


def evidence_summary(evidence: Sequence[Record], trials: int) -> str:
    """Return what stands behind a verdict in few words, such as "1 proof, 48 certificates"."""
    counts = Counter(item["kind"] for item in evidence)
    found = [f"{counts[kind]} {kind if counts[kind] == 1 else plural}"
             for kind, plural in PLURALS.items() if counts[kind]]
    return ", ".join(found) or (f"{trials} trials" if trials else "")


def _behind(verdict: Verdict) -> str:
    found = evidence_summary(verdict.evidence, verdict.trials)
    if not verdict.inapplicable:
        return found
    return f"{found}, {verdict.inapplicable} inapplicable".lstrip(", ")


def _status(verdict: Verdict) -> str:
    status = f"{verdict.status} {verdict.reach}".strip()
    return status if verdict.as_expected else f"{status} (expected {verdict.expected})"


def _sharpness(verdict: Verdict) -> str:
    if verdict.tightness is not None:
        return f"{verdict.tightness:.3f}"
    return {None: "", True: "sharp", False: "not sharp"}[verdict.sharp]


def _style(cell: str, head: bool) -> Record:
    if _plain():
        return {}
    if head:
        return {"bold": True}
    if cell == "!" or "(expected" in cell:
        return {"fg": "red", "bold": True}
    word = cell.split(maxsplit=1)[0] if cell else ""
    return {"fg": Status(word).terminal_colour} if word in list(Status) else {}


def _fold(heads: Sequence[str], rows: list[list[str]], column: int, width: int) -> None:
    """Break long names in `column` after an underscore, so that the rows fit into `width`.

    Where another cell has parts (a status, what it is proved for, what was expected; kinds of
    evidence), each gets a line.
    """
    for row in rows:
        row[:] = [re.sub(" (?=[(]|for all |on [0-9])|(?<=proof), |(?<=proofs), ", "\n", cell)
                  for cell in row]
    widths = _widths(heads, rows)
    room = max(NARROW, width - sum(2 + other for other in widths) + widths[column])
    for row in rows:
        row[column] = _fold_name(row[column], room)


def _fold_name(name: str, room: int) -> str:
    lines = [""]
    for part in name.replace("_", "_\n").splitlines():
        if lines[-1] and len(lines[-1]) + len(part) > room:
            lines.append("  ")
        lines[-1] += part
    return "\n".join(lines)
