"""The picture of the ratios to the peers."""

from __future__ import annotations

from matplotlib.figure import Figure

from stabkit.report.figures.style import BLUE, INK, RED, canvas, in_style, line


@in_style
def ratios(results: list[dict]) -> Figure:
    """How many times faster than each peer, and the goals as strokes."""
    rows = [(f"{result['job']} / {name}", row) for result in results
            for name, row in list(result["rows"].items())[1:]]
    figure, axes = canvas(7.5, 0.6 + 0.17 * max(len(rows), 4))
    for place, (_, row) in enumerate(reversed(rows)):
        missed = row["goal"] is not None and row["ratio"] < row["goal"]
        axes.plot(row["ratio"], place, "o", color=RED if missed else BLUE)
        if row["goal"] is not None:
            axes.plot(row["goal"], place, "|", color=INK, markersize=8)
    axes.set_yticks(range(len(rows)), [label for label, _ in reversed(rows)], fontsize=6)
    axes.margins(y=0.01)
    axes.set_xscale("log")
    axes.set_xlabel("times faster than the peer (stroke: goal; red: missed)")
    line(axes, 1.0, vertical=True)
    return figure
