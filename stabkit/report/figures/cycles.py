"""Fast semi-iterative cycles: their polynomials, and one that grows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stabkit import fluxes
from stabkit.fluxes.flux import Flux
from stabkit.operators import from_matrix
from stabkit.report.figures.style import (
    BLUE,
    CYCLE,
    GREEN,
    INK,
    RED,
    canvas,
    in_style,
    integers,
    line,
    note,
)
from stabkit.schemes import FSI

ONE_SAMPLE = from_matrix([[1]])


@in_style
def fsi_polynomials(lengths: Sequence[int] = (1, 2, 3, 5, 8)) -> Figure:
    """What a cycle does to an eigenvector, and the time it covers.

    Parameters
    ----------
    lengths : sequence of int
        Cycle lengths n, at most six.
    """
    figure, (left, right) = canvas(7.4, 2.9, 1, 2, width_ratios=(3, 2))
    places = [Fraction(k, 100) for k in range(1, 216)]
    for length, colour in zip(lengths, CYCLE, strict=False):
        # For one sample with K = 1 and Φ = id the step τ is the eigenvalue z of τKᵀK.
        values = [FSI(ONE_SAMPLE, fluxes.identity(), z, length)(np.ones(1))[0] for z in places]
        left.plot([0, *map(float, places)], [1, *values], color=colour, label=f"$n = {length}$")
    left.axhspan(-1, 1, color=INK, alpha=0.06, linewidth=0)
    line(left, 2, vertical=True)
    note(left, 1.97, 1.12, r"$\tau\|K\|^2 = 2$", ha="right")
    left.set(xlabel=r"eigenvalue $z$ of $\tau K^\top K$", ylabel=r"$p_n(z)$", xlim=(0, 2.15),
             ylim=(-1.5, 1.4), title="one cycle multiplies an eigenvector by $p_n(z)$")
    left.legend(loc="lower left", ncols=3, columnspacing=1)
    counts = np.arange(1, 13)
    right.plot(counts, counts * (counts + 1) / 3, "o-", color=BLUE, label="one FSI cycle")
    right.plot(counts, counts, "s--", color=RED, label="explicit steps")
    right.set(xlabel="number $n$ of inner steps", ylabel=r"time covered  [$\tau$]",
              title=r"$n(n+1)\tau/3$ instead of $n\tau$")
    integers(right, counts[1::2])
    right.legend(loc="upper left")
    return figure


@in_style
def growing_cycle(flux: Flux | None = None, length: int = 4, start: Fraction | str = "7/4",
                  tau: Fraction | str = "2") -> Figure:
    """A cycle at the step size bound that grows, because Φ is evaluated anew in every step.

    Parameters
    ----------
    flux : Flux, optional
        With L = 1; garrote by default.
    length : int
        Cycle length n.
    start, tau : rational
        The sample u⁰ (K = 1) and the step; 2 is the bound 2/(L‖K‖²).
    """
    flux = flux or fluxes.garrote()
    figure, (left, right) = canvas(7.4, 3.0, 1, 2, width_ratios=(3, 2))
    first = float(Fraction(start))
    left.axhspan(-first, first, color=INK, alpha=0.06, linewidth=0)
    ways = ((flux, False, RED, "o-", f"{flux.name}, evaluated anew"),
            (flux, True, BLUE, "s--", f"{flux.name}, frozen per cycle"),
            (fluxes.identity(), False, GREEN, "^:", r"linear, $\Phi(s) = s$"))
    for chosen, frozen, colour, marker, label in ways:
        values = _inner(FSI(ONE_SAMPLE, chosen, tau, length, frozen), start)
        left.plot(range(length + 1), values, marker, color=colour, label=label)
    grown = _inner(FSI(ONE_SAMPLE, flux, tau, length), start)
    note(left, length - 0.1, grown[-1],
         f"$|u^{length}| = {abs(grown[-1]):.3f} > {first:g} = |u^0|$", RED, ha="right",
         va="top" if grown[-1] < 0 else "bottom", xytext=(0, -7 if grown[-1] < 0 else 7),
         textcoords="offset points")
    left.set(xlabel="inner step $l$", ylabel="$u^l$", title="step by step; grey: $|u| \\leq |u^0|$",
             ylim=(-first * 2.1, first * 1.5))
    integers(left, range(length + 1))
    left.legend(loc="lower left")
    _on_the_flux(right, flux, grown)
    return figure


def _inner(cycle: FSI, start: Fraction | str) -> list[float]:
    u = np.array([Fraction(start)], dtype=object)
    return [float(u[0]), *(float(values[0]) for values in cycle.inner(u))]


def _on_the_flux(axes: Axes, flux: Flux, values: Sequence[float]) -> None:
    reach = 1.25 * max(map(abs, values))
    s = np.linspace(-reach, reach, 401)
    axes.plot(s, flux.activation(s), color=INK, linewidth=1.2)
    for number, value in enumerate(values[:-1]):
        height = float(flux.activation(np.array([value]))[0])
        axes.plot(value, height, "o", color=RED)
        above = height > 0
        note(axes, value, height, f"$u^{number}$", RED, ha="center", textcoords="offset points",
             xytext=(0, 6 if above else -13))
    axes.set(xlabel="$s$", ylabel=r"$\Phi(s)$", title="where the flux is evaluated",
             ylim=(-1.45, 1.45))
