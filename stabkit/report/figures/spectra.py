"""Spectra of the step at the states of a trajectory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stabkit import fluxes
from stabkit.operators import difference, from_matrix
from stabkit.report.figures.style import BLUE, GREEN, INK, RED, canvas, in_style, line, note
from stabkit.schemes import Explicit, SymmetricLayer, Verlet
from stabkit.spectra import Spectrum, along


@in_style
def spectra_along_a_trajectory(steps: int = 24) -> Figure:
    """Eigenvalues of a diffusion step and of a Hamiltonian step, state by state.

    Parameters
    ----------
    steps : int
        Number of states.
    """
    K = difference(1, 6)
    diffusion = Explicit(K, fluxes.perona_malik(), "1/2")
    edge = np.array([0.0, 0.2, -0.1, 2.4, 2.2, 2.5])
    layer = SymmetricLayer(from_matrix([[1, "-1/2", 0], [0, 1, "-1/2"], ["1/4", 0, 1]]),
                           fluxes.tanh())
    hamiltonian = Verlet(layer, layer, "1/2")
    start = np.array([1.0, -0.5, 0.25, 0.0, 0.5, -1.0])
    figure, (left, middle, right) = canvas(7.4, 2.75, 1, 3)
    _on_the_circle(left, list(along(hamiltonian, start, steps)), "Verlet step, tanh")
    found = list(along(diffusion, edge, steps))
    for entry in zip(*(sorted(float(real.hi) for real, _ in each.eigenvalues)
                       for each in found), strict=True):
        middle.plot(entry, ".-", color=RED, linewidth=1, markersize=3)
    middle.axhspan(-1, 1, color=INK, alpha=0.06, linewidth=0)
    middle.set(xlabel="state $m$ of the trajectory", ylabel=r"$\lambda$, all real",
               title="explicit step, Perona–Malik")
    right.plot([float(entry.radius.hi) for entry in found], "o-", color=RED, markersize=3)
    line(right, 1)
    note(right, steps * 0.97, 1.015, "norm at most 1:\nno small difference grows", ha="right")
    right.set(xlabel="state $m$ of the trajectory", ylabel="spectral radius",
              title="explicit step, Perona–Malik")
    for axes in (middle, right):
        axes.title.set_fontsize(8.5)
    return figure


def _on_the_circle(axes: Axes, found: Sequence[Spectrum], title: str) -> None:
    circle = np.exp(2j * np.pi * np.linspace(0, 1, 241))
    axes.plot(circle.real, circle.imag, color=INK, linewidth=0.8)
    ends = {0: ("o", BLUE, "first state"), len(found) - 1: ("s", GREEN, "last state")}
    for number, entry in enumerate(found):
        marker, colour, label = ends.get(number, (".", RED, "between" if number == 1 else None))
        points = [(float(real.hi), float(imaginary.hi)) for real, imaginary in entry.eigenvalues]
        x, y = zip(*points, strict=True)
        axes.plot(x, y, marker, color=colour, label=label, linestyle="none", markersize=(
            2.5 if marker == "." else 5), fillstyle="full" if marker == "." else "none",
            zorder=3 if marker == "." else 4)
    axes.set(aspect="equal", xlabel=r"Re $\lambda$", ylabel=r"Im $\lambda$", title=title,
             xlim=(-1.25, 1.55), ylim=(-1.3, 1.3))
    axes.title.set_fontsize(8.5)
    axes.legend(loc="center", fontsize=7, handletextpad=0.2)
