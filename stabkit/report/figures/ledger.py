"""The ledger as a map: one tile per statement, one row per source and reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stabkit.aliases import Fields
from stabkit.report.figures.style import INK, STATUS_COLOURS, in_style

ORDER = tuple(STATUS_COLOURS)
READINGS = {"printed": "as printed or documented", "repaired": "corrected or derived"}
_ACROSS = 22
_MARGIN = 7.6  # room for the names of the papers, in tiles
_WIDTH = _MARGIN + 2 * _ACROSS + 3.0


@in_style
def verdict_map(verdicts: Sequence[Fields]) -> Figure:
    """The verdicts as a map: source by verdict.

    Parameters
    ----------
    verdicts : sequence of mapping
        Verdicts as they stand in a verdict file.

    Returns
    -------
    matplotlib.figure.Figure
        Per source, the statements as printed on the left, the corrected and the derived ones on
        the right; every tile is one statement, and a cross marks a verdict that was not expected.
    """
    papers = list(dict.fromkeys(_paper(verdict) for verdict in verdicts))
    blocks = {(paper, reading): _order(verdicts, paper, reading)
              for paper in papers for reading in READINGS}
    heights = [max(1, *(-(-len(blocks[paper, reading]) // _ACROSS) for reading in READINGS))
               for paper in papers]
    bottom = sum(heights) + 1.15 * len(papers)
    figure = Figure(figsize=(7.4, 7.4 / _WIDTH * (bottom + 3.4)))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-_MARGIN, _WIDTH - _MARGIN),
                           ylim=(bottom + 1.6, -1.8))
    top = 0.0
    for paper, height in zip(papers, heights, strict=True):
        axes.text(-0.8, top + height / 2, paper, ha="right", va="center", fontsize=9.5)
        for column, reading in enumerate(READINGS):
            _tiles(axes, blocks[paper, reading], column * (_ACROSS + 2.5), top)
        top += height + 1.15
    _frame(axes, verdicts)
    return figure


def _paper(verdict: Fields) -> str:
    return verdict["claim"].partition(".")[0]


def _order(verdicts: Sequence[Fields], paper: str, reading: str
           ) -> list[Fields]:
    chosen = [verdict for verdict in verdicts if _paper(verdict) == paper
              and (verdict["reading"] == "printed") == (reading == "printed")]
    return sorted(chosen, key=lambda verdict: ORDER.index(verdict["status"]))


def _tiles(axes: Axes, verdicts: Sequence[Fields], left: float, top: float) -> None:
    for number, verdict in enumerate(verdicts):
        x, y = left + number % _ACROSS, top + number // _ACROSS
        axes.add_patch(Rectangle((x + 0.06, y + 0.06), 0.88, 0.88, linewidth=0,
                                 facecolor=STATUS_COLOURS[verdict["status"]]))
        if verdict["status"] == "refuted":
            # A bar beside the colour, for print in black and white.
            axes.plot([x + 0.3, x + 0.7], [y + 0.7, y + 0.3], color="white", linewidth=1)
        if not verdict["as_expected"]:
            axes.plot(x + 0.5, y + 0.5, "x", color=INK, markersize=6)
    counts = Counter(verdict["status"] for verdict in verdicts)
    told = ", ".join(f"{counts[status]} {status}" for status in ORDER if counts[status])
    rows = max(1, -(-len(verdicts) // _ACROSS))
    axes.text(left + 0.06, top + rows + 0.12, told, va="top", fontsize=7)


def _frame(axes: Axes, verdicts: Sequence[Fields]) -> None:
    for column, reading in enumerate(READINGS.values()):
        axes.text(column * (_ACROSS + 2.5), -0.35, reading, fontsize=9, va="bottom")
    used = [status for status in ORDER if any(v["status"] == status for v in verdicts)]
    handles = [Rectangle((0, 0), 1, 1, facecolor=STATUS_COLOURS[status]) for status in used]
    axes.legend(handles, used, loc="lower left", bbox_to_anchor=(_MARGIN / _WIDTH - 0.01, 0),
                ncols=len(used), handlelength=0.9, handleheight=0.9, columnspacing=1.6)
    axes.axis("off")
