"""An audit as one HTML page that needs nothing else, in the clothes of the report."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from importlib import resources
from math import log10
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stabkit.aliases import Record
from stabkit.audit.result import Audit
from stabkit.report.audit import (
    LISTED,
    between,
    block_rows,
    headline,
    notion_rows,
    signal_texts,
    size_text,
)
from stabkit.report.environment import version
from stabkit.report.sketch import draw_signals

_LEFT, _WIDTH = 8.0, 504.0


@dataclass(frozen=True)
class Scale:
    """The Lipschitz constant on a logarithmic line: places of both bounds and of powers of 10."""

    low: float
    high: float | None
    one: float
    marks: list[tuple[float, str]]


def scale_of(lower: float | None, upper: float | None) -> Scale | None:
    """The line that shows bounds and the constant 1; None without a positive bound."""
    known = [value for value in (lower, upper) if value]
    if not known:
        return None
    first, last = min(*known, 1.0), max(*known, 1.0)
    start, end = log10(first) - 0.15, log10(last) + 0.15

    def place(value: float) -> float:
        return round(_LEFT + _WIDTH * (log10(value) - start) / (end - start), 1)

    step = max(1, int(end - start) // 6 + 1)
    powers = [k for k in range(int(start) - 1, int(end) + 2) if start <= k <= end and k % step == 0]
    return Scale(place(lower) if lower else _LEFT, place(upper) if upper else None, place(1.0),
                 [(place(10.0**k), f"{10.0**k:g}") for k in powers])


def audit_page(audit: Audit, command: str | None = None) -> str:
    """Return the page of an audit of a network, and the command that makes the audit, if any."""
    environment = Environment(loader=PackageLoader("stabkit.report"), autoescape=True,
                              undefined=StrictUndefined)
    css = resources.files(__package__).joinpath("templates/page.css").read_text("utf-8")
    heads, blocks = block_rows(audit)
    bounds = [("of all inputs", audit.lower, audit.upper)]
    if audit.local is not None:
        bounds.append((f"within {float(audit.local.radius):.6g} of the given input",
                       audit.local.lower, audit.local.upper))
    return environment.get_template("audit.html").render(
        audit=audit, command=command, css=Markup(css), headline=headline(audit),
        size=size_text(audit), notions=notion_rows(audit), reasons=_reasons(audit),
        heads=heads, blocks=blocks,
        notes=[(block.name, block.note) for block in audit.blocks[:LISTED] if block.note],
        more=max(len(audit.blocks) - LISTED, 0), signals=_signals(audit), version=version(),
        bounds=[(name, between(lower, upper), scale_of(_float(lower), _float(upper)))
                for name, lower, upper in bounds]) + "\n"


def _float(value: Any) -> float | None:
    return None if value is None else float(min(value, Fraction(10)**300))


def _reasons(audit: Audit) -> list[tuple[str, str]]:
    return [(item.name, item.rounding or item.reason) for item in audit.judgements
            if item.direction == "forward" and (item.rounding or item.reason)]


def _signals(audit: Audit) -> list[Record]:
    """The inputs that break what counts: their first entries, and a picture."""
    found = []
    for item in audit.judgements:
        if not item.counts or not len(item.signals):
            continue
        lines = [[float(value) for value in signal] for signal in item.signals[:2]]
        found.append({"notion": item.name, "parts": signal_texts(item.signals),
                      "sketch": Markup(draw_signals(lines))})
    return found
