"""A witness as a small drawing: the signal before the step and after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import arb

from stabkit.aliases import Fields
from stabkit.errors import InvalidEvidence
from stabkit.replay.calculation import Calculation

_WIDTH, _HEIGHT, _EDGE = 168, 64, 8
_LONGEST = 24


def sketch(item: Fields) -> str:
    """Return a witness as an SVG element, or nothing if it is not about a signal and its step."""
    signals = before_and_after(item)
    if signals is None:
        return ""
    return draw_signals(signals, "the signal before and after the step")


def draw_signals(signals: Sequence[Sequence[float]], label: str = "the inputs") -> str:
    """One or two signals as an SVG element: the first in full lines, the second in dashed ones."""
    values = [*(value for signal in signals for value in signal), 0.0]
    low, high = min(values), max(values)
    span = (high - low) or 1.0

    def places(signal: Sequence[float]) -> list[tuple[float, float]]:
        step = (_WIDTH - 2 * _EDGE) / max(len(signal) - 1, 1)
        return [(round(_EDGE + number * step, 1),
                 round(_HEIGHT - _EDGE - (value - low) / span * (_HEIGHT - 2 * _EDGE), 1))
                for number, value in enumerate(signal)]

    zero = round(_HEIGHT - _EDGE + low / span * (_HEIGHT - 2 * _EDGE), 1)
    parts = [f'<line class="zero" x1="0" x2="{_WIDTH}" y1="{zero}" y2="{zero}"/>']
    for name, signal in zip(("before", "after"), signals, strict=False):
        points = places(signal)
        path = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline class="{name}" points="{path}"/>')
        parts += [f'<circle class="{name}" cx="{x}" cy="{y}" r="3"/>' for x, y in points]
    return (f'<svg class="sketch" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-label="{label}">{"".join(parts)}</svg>')


def before_and_after(item: Fields) -> tuple[list[float], list[float]] | None:
    """Return u and what the step makes of it, in floats for drawing, if the witness is such."""
    data = item["data"]
    given = data.get("given", {}).get("u")
    names = [name for name, _ in data.get("let", ()) if name.startswith("v") and "(" not in name]
    drawable = isinstance(given, list) and 2 <= len(given) <= _LONGEST and given and \
        isinstance(given[0], str) and "margin" in data
    if item["kind"] != "witness" or not drawable or not names:
        return None
    try:
        values = Calculation(data).values()
    except (InvalidEvidence, ArithmeticError):
        return None
    after = values[names[-1]]
    if not isinstance(after, tuple) or len(after) != len(given):
        return None
    return [_float(x) for x in values["u"]], [_float(x) for x in after]


def _float(value: Any) -> float:
    middle = getattr(value, "lo", value)
    return float(middle.mid()) if isinstance(middle, arb) else float(middle)
