"""Step size bounds: the margin against the step, and the sharp step against the signal's length."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stabkit import fluxes
from stabkit.errors import require_value
from stabkit.fluxes.flux import Flux
from stabkit.operators import difference, stable_step
from stabkit.report.figures.style import (
    BLUE,
    GREEN,
    INK,
    RED,
    canvas,
    in_style,
    integers,
    line,
    note,
)
from stabkit.schemes import Explicit
from stabkit.stability.falsify.inputs import near_alternation
from stabkit.stability.notions import EUCLIDEAN, RANGE, SIGN, Notion
from stabkit.stability.sharpness import StepBound, step_bound

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
CLAIMED = {"euclidean": r"$2/(L\,\|K\|^2)$", "range": r"$h^2/2$", "sign": r"$h^2/4$"}
SENSES = {"euclidean": "Euclidean norm", "range": "range", "sign": "sign changes"}


def claimed_step(notion: Notion, length: int) -> Fraction:
    """The bound of the papers for first differences, a flux with L = 1, and h = 1."""
    return {EUCLIDEAN: stable_step(difference(1, length)), RANGE: HALF, SIGN: QUARTER}[notion]


def sharp_explicit_step(notion: Notion, length: int, flux: Flux | None = None, halvings: int = 8,
                        trials: int = 1024) -> StepBound:
    """The sharp step of the explicit scheme with first differences, enclosed on both sides."""
    K, flux = difference(1, length), flux or fluxes.identity()
    return step_bound(Explicit(K, flux, claimed_step(notion, length)), notion,
                      halvings=halvings, trials=trials)


@in_style
def margin_against_step(length: int = 4, seed: int = 0) -> Figure:
    """The smallest margin found among many signals, against the step over the claimed bound.

    Parameters
    ----------
    length : int
        Number of samples N.
    seed : int
        Of the random signals beside the structured ones.
    """
    figure, panels = canvas(7.4, 3.0, 1, 3)
    tried = _signals(length, seed)
    ratios = [Fraction(k, 40) for k in range(2, 69)]
    choices = ((fluxes.identity(), BLUE, "-", r"$\Phi(s) = s$"), (fluxes.soft(), RED, "--", "soft"),
               (fluxes.perona_malik(), GREEN, ":", "Perona–Malik"))
    for axes, notion in zip(panels, (EUCLIDEAN, RANGE, SIGN), strict=True):
        bound = claimed_step(notion, length)
        for flux, colour, style, label in choices:
            margins = [_smallest(Explicit(difference(1, length), flux, bound * ratio), notion,
                                 tried) for ratio in ratios]
            axes.plot([float(ratio) for ratio in ratios], margins, color=colour, label=label,
                      linestyle=style, drawstyle="steps-mid" if notion is SIGN else "default")
        _mark_bounds(axes, notion, length, bound)
    panels[0].set_ylabel("smallest margin found")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _smallest(scheme: Explicit, notion: Notion, tried: np.ndarray) -> float:
    if notion is SIGN:
        tried = np.concatenate([tried, near_alternation(scheme)])
    margin = float(notion.margins(tried, scheme(tried)).min())
    return 0.0 if abs(margin) < 1e-12 else margin  # rounding of a margin that is zero


def _signals(length: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    simple = np.array([u for u in product((-1, 0, 1), repeat=min(length, 6)) if any(u)], float)
    simple = np.pad(simple, ((0, 0), (0, length - simple.shape[1])))
    waves = np.cos(np.pi * np.outer(np.arange(length), np.arange(length) + 0.5) / length)
    drawn = rng.standard_normal((3000, length))
    return np.concatenate([size * part for part in (simple, waves, drawn)
                           for size in (0.05, 0.5, 1.0, 2.0)])


def _ends(sharp: StepBound) -> tuple[Fraction, Fraction]:
    """The largest step that is proved, and the smallest one that is refuted."""
    return require_value(sharp.certified, "no step is proved"), sharp.refuted[0][0]


def _mark_bounds(axes: Axes, notion: Notion, length: int, bound: Fraction) -> None:
    sharp = sharp_explicit_step(notion, length)
    line(axes, 1, vertical=True)
    low, high = (float(end / bound) for end in _ends(sharp))
    axes.axvspan(low, max(high, low + 0.012), color=INK, alpha=0.35, linewidth=0)
    bottom = min(axes.get_ylim()[0], -0.05)
    axes.set_ylim(bottom * 1.05, -bottom * 0.28)
    label = "claimed = sharp" if low <= 1 <= high else "claimed"
    note(axes, 0.96, -bottom * 0.12, label, ha="right")
    if low > 1:
        note(axes, high + 0.03, -bottom * 0.12, f"sharp, {(low + high) / 2:.2f}")
    axes.set(title=SENSES[notion.name], xlabel=r"$\tau$ / (" + CLAIMED[notion.name] + ")")


@in_style
def sharp_bounds(lengths: Sequence[int] = (2, 3, 4, 5, 6, 8, 10)) -> Figure:
    """The sharp step of the explicit scheme with first differences against the length N.

    Parameters
    ----------
    lengths : sequence of int
        Numbers of samples.
    """
    figure, axes = canvas(7.4, 3.4)
    colours = {"euclidean": BLUE, "range": RED, "sign": GREEN}
    for notion, shift in ((EUCLIDEAN, -0.1), (RANGE, 0.0), (SIGN, 0.1)):
        found = [sharp_explicit_step(notion, length, halvings=7, trials=128)
                 for length in lengths]
        colour = colours[notion.name]
        for length, sharp in zip(lengths, found, strict=True):
            low, high = map(float, _ends(sharp))
            place = length + (shift if length == 2 else 0)  # where the three coincide
            axes.plot([place] * 2, [low, high], color=colour, linewidth=3, alpha=0.45)
            axes.plot(place, low, "^", color=colour)
            axes.plot(place, high, "v", color=colour, fillstyle="none")
        bounds = [float(claimed_step(notion, length)) for length in lengths]
        axes.plot(lengths, bounds, color=colour, linestyle="--", linewidth=1.1,
                  label=f"{SENSES[notion.name]}: claimed {CLAIMED[notion.name]}")
    _explain(axes, lengths)
    return figure


def _explain(axes: Axes, lengths: Sequence[int]) -> None:
    dense = np.linspace(min(lengths), max(lengths), 200)
    axes.plot(dense, 1 / (4 * np.cos(np.pi / (2 * dense - 1)) ** 2), color=GREEN, linewidth=0.9,
              label=r"sign changes: sharp $h^2/(4\cos^2\frac{\pi}{2N-1})$")
    axes.plot([], [], "^", color=INK, label="certified up to here")
    axes.plot([], [], "v", color=INK, fillstyle="none", label="refuted from here")
    axes.set(xlabel="number of samples $N$", ylabel=r"step size $\tau$  [$h^2$]",
             ylim=(0.2, 1.04))
    integers(axes, lengths)
    axes.legend(loc="upper right", ncols=1)
