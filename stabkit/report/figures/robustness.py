"""Accuracy under disturbances, of several networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from stabkit.report.figures.style import CYCLE, canvas, in_style

Rows = Sequence[Mapping[str, float]]


@in_style
def robustness(found: Mapping[str, Rows]) -> Figure:
    """Accuracy against the size of the disturbance: noise, attack, and what is certified.

    Parameters
    ----------
    found : mapping
        For each network the rows of :func:`stabkit.torch.robustness.table`; up to six.
    """
    figure, axes = canvas(7.6, 3.4)
    for colour, (name, rows) in zip(CYCLE, found.items(), strict=False):
        radii = [row["radius"] for row in rows]
        for kind, line, marker in (("noise", ":", "o"), ("attack", "-", "s")):
            axes.plot(radii, [row[kind] for row in rows], line, color=colour, marker=marker,
                      markersize=4, label=f"{name}, {kind}")
        certified = [row["certified"] for row in rows]
        if any(certified[1:]):  # up to a radius holds what was certified at it
            axes.fill_between(radii, certified, step="pre", color=colour, alpha=0.2, linewidth=0,
                              label=f"{name}, proved at least")
    axes.set(xlabel="size of the disturbance (Euclidean norm)", ylabel="accuracy", ylim=(0, 1.02))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))  # beside what is proved, not on it
    return figure
