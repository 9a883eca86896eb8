"""The one style of all pictures: colours of Okabe and Ito, ink that a page may recolour."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stabkit.aliases import Argument
from stabkit.stability.verdict import Status

#: Text, axes and neutral lines; :func:`inline_svg` makes it the colour of the text around.
INK = "#1b1f24"

#: Colours that people with any colour vision tell apart (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
GREY = "#8a8f98"
CYCLE = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY)

STATUS_COLOURS = {str(status): status.colour for status in Status}

_SETTINGS: dict[Any, Any] = {
    "axes.axisbelow": True, "axes.edgecolor": INK, "axes.facecolor": "none", "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9, "axes.linewidth": 0.7, "axes.prop_cycle": cycler(color=CYCLE),
    "axes.spines.right": False, "axes.spines.top": False, "axes.titlecolor": INK,
    "axes.titlelocation": "left", "axes.titlesize": 9.5, "font.family": "DejaVu Sans",
    "font.size": 9, "grid.alpha": 0.14, "grid.color": INK, "grid.linewidth": 0.7,
    "legend.fontsize": 8, "legend.frameon": False, "lines.linewidth": 1.6,
    "lines.markersize": 4.5, "mathtext.fontset": "dejavusans", "svg.fonttype": "path",
    "text.color": INK, "xtick.color": INK, "xtick.labelsize": 8, "ytick.color": INK,
    "ytick.labelsize": 8,
}


def in_style(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Let a function draw in this style, whatever matplotlib is set to elsewhere."""
    @functools.wraps(draw)
    def draw_in_style(*arguments: Any, **options: Argument) -> Figure:
        with matplotlib.rc_context({**matplotlib.rcParamsDefault, **_SETTINGS, "backend": "agg"}):
            return draw(*arguments, **options)

    return draw_in_style


def canvas(width: float, height: float, rows: int = 1, columns: int = 1, **options: Argument
           ) -> tuple[Figure, Any]:
    """A figure of `width` × `height` inches and its axes; nothing is kept by pyplot."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def note(axes: Axes, x: float, y: float, text: str, colour: str = INK, **options: Argument) -> None:
    """A label at a point of the data, in small print."""
    axes.annotate(text, (x, y), color=colour, fontsize=8, **options)


def line(axes: Axes, value: float, *, vertical: bool = False, colour: str = INK, style: str = "--"
         ) -> None:
    """A thin line across the axes."""
    draw = axes.axvline if vertical else axes.axhline
    draw(value, color=colour, linestyle=style, linewidth=1.0, zorder=1)


def integers(axes: Axes, values: Sequence[int] | np.ndarray, *, vertical: bool = False) -> None:
    """Ticks at integers."""
    (axes.set_yticks if vertical else axes.set_xticks)(list(values))


def svg(figure: Figure, name: str) -> str:
    """The picture as SVG text, the same on every run."""
    target = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": name}):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    # Two decimals of a point are finer than any screen, and make the file half as long.
    text = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\d+\.\d{2})\d+", r"\1", path[0]),
                  target.getvalue())
    return re.sub(r"[ \t]+\n", "\n", text)


def png(figure: Figure) -> bytes:
    """The picture as PNG for slides, on white."""
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=160, metadata={"Software": None})
    return target.getvalue()


def inline_svg(text: str) -> str:
    """SVG to be put into a page: without a ground, its ink the colour of the page's text."""
    text = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="patch_1">.*?</g>', "", text, count=1, flags=re.DOTALL)
    text = re.sub(r' id="[A-Za-z][A-Za-z0-9.]*_\d+"', "", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return text.replace(INK, "currentColor").strip()
