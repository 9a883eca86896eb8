"""The dictionary as a table of plots: one row per flux, one column per face."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from stabkit import fluxes
from stabkit.fluxes.flux import Flux
from stabkit.report.figures.style import BLUE, INK, RED, canvas, in_style

FACES = {"diffusivity": "diffusivity $g(s)$", "regulariser": r"regulariser $\Psi(s)$",
         "shrinkage": "shrinkage $S(r)$", "activation": r"flux, activation $\Phi(s)$"}
LIMITS = {"diffusivity": (-0.08, 1.15), "regulariser": (-0.4, 6), "shrinkage": (-3.3, 3.3),
          "activation": (-2.2, 2.2)}


@in_style
def dictionary(rows: Sequence[Flux] | None = None) -> Figure:
    """Diffusivity, regulariser, shrinkage and activation of each flux.

    Parameters
    ----------
    rows : sequence of Flux, optional
        By default the six rows of Table 3 of alt2020, thresholds and contrasts 1, τ = 1/4, h = 1.
    """
    rows = rows or [make() for make in fluxes.DICTIONARY.values()]
    figure, table = canvas(7.4, 1.12 * len(rows) + 0.5, len(rows), len(FACES), sharex=True,
                           squeeze=False)
    # Points beside the jumps, so that a jump is drawn upright.
    s = np.linspace(-3, 3, 601)
    for flux, panels in zip(rows, table, strict=True):
        increasing = flux.facts.monotone
        for face, axes in zip(FACES, panels, strict=True):
            values = np.asarray(_values(flux, face, s))
            axes.plot(s, values, color=BLUE if increasing else RED, linewidth=1.5)
            if face == "shrinkage":
                axes.plot(s, s, color=INK, linewidth=0.6, linestyle=":")
            axes.set(xlim=(-3, 3), ylim=LIMITS[face], xticks=(-2, 0, 2))
        panels[0].set_ylabel(re.sub("[-_]", "–", flux.name).title(), fontsize=8.5)
    for axes, title in zip(table[0], FACES.values(), strict=True):
        axes.set_title(title, fontsize=9)
    for axes, face in zip(table[-1], FACES, strict=True):
        axes.set_xlabel("$r$" if face == "shrinkage" else "$s$")
    return figure


def _values(flux: Flux, face: str, s: np.ndarray) -> np.ndarray:
    if face != "diffusivity":
        return getattr(flux, face)(s)
    return flux.diffusivity(np.where(s == 0, 1e-9, s))
