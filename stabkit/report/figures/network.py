"""A user's network after its audit: what each block may stretch, and how far its step may go."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stabkit.audit import Audit
from stabkit.report.figures.style import BLUE, GREEN, INK, RED, canvas, in_style, integers, line


@in_style
def audited(found: Audit) -> Figure:
    """The certified bounds of an audit, block by block.

    Parameters
    ----------
    found : Audit
        Of :func:`stabkit.audit`.

    Returns
    -------
    matplotlib.figure.Figure
        Left, the Lipschitz bound of every block and the enclosure of that of the whole network;
        right, for blocks with a step, the step between what is certified and what is refuted.
    """
    steps = [block for block in found.blocks if block.step is not None]
    rows = max(len(found.blocks), len(steps)) + 1
    figure, panels = canvas(7.4, 1.3 + 0.3 * rows, 1, 2 if steps else 1, squeeze=False)
    _bounds(panels[0, 0], found)
    if steps:
        _steps(panels[0, 1], found)
    return figure


def _bounds(axes: Axes, found: Audit) -> None:
    """The Lipschitz constants: at most so much per block, between two numbers in all."""
    names = [block.name for block in found.blocks]
    for row, block in enumerate(found.blocks):
        if block.bound is not None:
            bound = float(block.bound)
            axes.barh(row, bound, color=BLUE if bound <= 1 else RED, height=0.6)
    if found.upper is not None:
        low, high = float(found.lower or 0), float(found.upper)
        axes.plot([low, high], [len(names)] * 2, "|-", color=INK, linewidth=3, markersize=10)
    line(axes, 1, vertical=True)
    integers(axes, range(len(names) + 1), vertical=True)
    axes.set_yticklabels([*names, "whole network"])
    axes.set(xlabel="Lipschitz constant, certified", title="differences grow at most by",
             xlim=(0, None), ylim=(len(names) + 0.6, -0.6))


def _steps(axes: Axes, found: Audit) -> None:
    """Per block its step, and up to where a step is certified."""
    steps = [(block, block.step) for block in found.blocks if block.step is not None]
    for row, (block, step) in enumerate(steps):
        if block.safe is not None:
            axes.barh(row, float(block.safe), color=GREEN, height=0.6, alpha=0.6,
                      label="certified up to" if row == 0 else None)
        if block.unsafe is not None:
            axes.plot(float(block.unsafe), row, "v", color=RED, fillstyle="none", markersize=7,
                      label="refuted from" if row == 0 else None)
        axes.plot(float(step), row, "D", color=INK, label="its step" if row == 0 else None)
    integers(axes, range(len(steps)), vertical=True)
    axes.set_yticklabels([block.name for block, _ in steps])
    axes.set(xlabel=r"step size $\tau$", title="how far a step may go", xlim=(0, None),
             ylim=(len(steps) + 0.3, -0.7))
    axes.legend(loc="lower center", ncols=3, fontsize=7, columnspacing=1, handletextpad=0.4)
