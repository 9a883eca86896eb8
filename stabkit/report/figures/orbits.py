"""Signals before and after one step, and two orbits that drift apart."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stabkit import fluxes
from stabkit.aliases import Rational
from stabkit.fluxes.flux import Flux
from stabkit.operators import difference
from stabkit.report.figures.style import (
    BLUE,
    INK,
    RED,
    STATUS_COLOURS,
    canvas,
    in_style,
    integers,
    line,
    note,
)
from stabkit.schemes import FSI, Explicit, Scheme
from stabkit.stability.decide import decide
from stabkit.stability.notions import EUCLIDEAN, RANGE, SIGN, Notion
from stabkit.stability.property import Stable
from stabkit.stability.sign_changes import sign_changes
from stabkit.stability.verdict import REFUTED


@in_style
def before_and_after() -> Figure:
    """Three witnesses, each before and after one step; the steps break three notions."""
    cases = (
        (Explicit(difference(1, 5), fluxes.identity(), "2/3"), EUCLIDEAN,
         "explicit step, $\\tau = 2/3$:\nthe norm grows"),
        (FSI(difference(1, 3), fluxes.garrote(), "1/2", 2), RANGE,
         "FSI, garrote, $\\tau = 1/2$, $n = 2$:\nout of the range"),
        (Explicit(difference(1, 5), fluxes.soft(), "1/3"), SIGN,
         "explicit step, soft, $\\tau = 1/3$:\na new sign change"),
    )
    figure, panels = canvas(7.4, 3.2, 1, len(cases))
    for axes, (scheme, notion, title) in zip(panels, cases, strict=True):
        draw_witness(axes, scheme, notion, title)
    panels[0].set_ylabel("value of the sample")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@in_style
def witness(scheme: Scheme, notion: Notion, title: str = "") -> Figure:
    """The witness that :func:`~stabkit.stability.decide.decide` finds, before and after the step.

    Parameters
    ----------
    scheme : Scheme
    notion : Notion
        On one signal; the scheme must break it.
    title : str
    """
    figure, axes = canvas(4.2, 3)
    draw_witness(axes, scheme, notion, title)
    axes.set_ylabel("value of the sample")
    axes.legend()
    return figure


@in_style
def notions_of_a_step(tau: Rational = "1/2", length: int = 5, flux: Flux | None = None) -> Figure:
    """What is decided about one explicit step with first differences, notion by notion.

    Parameters
    ----------
    tau : rational
        Step size, for h = 1.
    length : int
        Number of samples N.
    flux : Flux, optional
        soft by default.

    Returns
    -------
    matplotlib.figure.Figure
        A witness where the notion is broken, the status where it is not.
    """
    step = Explicit(difference(1, length), flux or fluxes.soft(), tau)
    figure, panels = canvas(7.4, 3.1, 1, 3)
    for axes, notion in zip(panels, (EUCLIDEAN, RANGE, SIGN), strict=True):
        draw_witness(axes, step, notion, f"{notion.name}, $\\tau = {tau}$, $N = {length}$")
    panels[0].set_ylabel("value of the sample")
    return figure


def draw_witness(axes: Axes, scheme: Scheme, notion: Notion, title: str) -> None:
    """Draw a witness into axes; the status in words where there is none."""
    outcome = decide(Stable(scheme, notion), trials=4000)
    if outcome.status is not REFUTED:
        colour = STATUS_COLOURS[str(outcome.status)]
        axes.text(0.5, 0.5, str(outcome.status), color=colour, transform=axes.transAxes,
                  ha="center", va="center", fontsize=14, weight="bold")
        axes.set(title=title, xticks=(), yticks=())
        axes.title.set_fontsize(8.5)
        return
    evidence = outcome.evidence
    u = np.array([Fraction(value) for value in evidence[0].data["given"]["u"]], dtype=object)
    before, after = u.astype(float), np.array([float(value) for value in scheme(u)])
    places = np.arange(1, len(u) + 1)
    if notion is RANGE:
        axes.axhspan(before.min(), before.max(), color=INK, alpha=0.07, linewidth=0)
    if notion is SIGN:
        line(axes, 0, style="-")
    axes.plot(places, before, "o-", color=BLUE, label="$u$", markersize=6, fillstyle="none")
    axes.plot(places, after, "s--", color=RED, label="$u^+$")
    axes.set(title=title, xlabel=f"sample $i$\n{_counts(notion, u, scheme(u))}")
    axes.title.set_fontsize(8.5)
    axes.margins(y=0.16)
    integers(axes, places)


def _counts(notion: Notion, u: np.ndarray, after: np.ndarray) -> str:
    """What a notion compares, before and after, exactly."""
    if notion is EUCLIDEAN:
        return rf"$\|u\|^2 = {u @ u}$,  $\|u^+\|^2 = {after @ after}$"
    if notion is RANGE:
        return rf"$u \in [{min(u)}, {max(u)}]$,  $\min u^+ = {min(after)}$"
    if notion is SIGN:
        return f"$S(u) = {sign_changes(u)}$,  $S(u^+) = {sign_changes(after)}$"
    return ""


@in_style
def drifting_orbits(flux: Flux | None = None, tau: Rational = "1/4",
                    starts: Any = ("23/6", "3831/1000"), steps: int = 256) -> Figure:
    """Two orbits of an edge, and how much further apart they are than at the start.

    Parameters
    ----------
    flux : Flux, optional
        perona_malik with λ = 1 by default, which is not monotone.
    tau : rational
        Step size; the Euclidean norm never grows for τ <= 1.
    starts : pair of rational
        The height s⁰ of the edge u = (0, s) of two samples.
    steps : int
        Number of blocks.
    """
    flux = flux or fluxes.perona_malik()
    step = Explicit(difference(1, 2), flux, tau)
    orbits = [np.array([[-s / 2, s / 2]]) for s in (float(Fraction(start)) for start in starts)]
    paths: list[list[np.ndarray]] = [[], []]
    for _ in range(steps + 1):
        for path, u in zip(paths, orbits, strict=True):
            path.append(u[0])
        orbits = [step(u) for u in orbits]
    first, second = map(np.array, paths)
    figure, (left, right) = canvas(7.4, 2.8, 1, 2)
    for states, colour, style in ((first, BLUE, "-"), (second, RED, "--")):
        edge = states[:, 1] - states[:, 0]
        left.plot(edge, color=colour, linestyle=style, label=f"$s^0 = {edge[0]:.4f}$")
    left.set(xlabel="number $m$ of blocks", ylabel=r"edge $s^m = u_2^m - u_1^m$",
             title="two edges that begin almost equal")
    left.legend()
    apart = np.linalg.norm(first - second, axis=1)
    right.semilogy(apart / apart[0], color=INK)
    line(right, 100)
    note(right, 2, 115, "factor 100, refuted as a bound")
    right.set(xlabel="number $m$ of blocks", ylabel=r"$\|u^m - v^m\|\, /\, \|u^0 - v^0\|$",
              title="their distance")
    return figure
