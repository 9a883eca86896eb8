"""Multigrid histories and convergence factors, and stencils between grids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stabkit.multigrid import (
    Cycle,
    Jacobi,
    Multigrid,
    V,
    W,
    gauss_seidel,
    geometric,
    poisson,
    red_black,
)
from stabkit.operators.stencils import coarsen, rediscretise, stencil
from stabkit.report.figures.style import CYCLE, GREY, canvas, in_style, integers

CYCLES = {
    "V(1,1), Jacobi": Cycle(),
    "V(1,1), Gauss–Seidel": Cycle(gauss_seidel()),
    "V(1,1), red–black": Cycle(gauss_seidel(red_black)),
    "W(1,1), Jacobi": Cycle(visit=W),
    "V(2,2), Jacobi": Cycle(Jacobi(), 2, 2, V),
}
MARKS = ("o-", "s-", "^-", "v--", "P-")


@in_style
def multigrid_histories(size: int = 63, sizes: Sequence[int] = (15, 31, 63, 127, 255)) -> Figure:
    """Residuals of multigrid cycles for the Poisson equation, and their factors against the grid.

    Parameters
    ----------
    size : int
        Interior nodes along each side for the histories.
    sizes : sequence of int
        The same for the convergence factors.
    """
    figure, (left, right) = canvas(7.4, 3.1, 1, 2)
    for (label, cycle), colour, mark in zip(CYCLES.items(), CYCLE, MARKS, strict=False):
        residuals = np.array(_solve(size, cycle))
        left.semilogy(residuals / residuals[0], mark, color=colour, markersize=3, linewidth=1.2,
                      label=label)
        factors = [_factor(_solve(n, cycle)) for n in sizes]
        right.plot(range(len(sizes)), factors, mark, color=colour, label=label, linewidth=1.2)
    alone = _smoothing_only(size, 26)
    left.semilogy(np.array(alone) / alone[0], "x:", color=GREY, markersize=3, linewidth=1.2,
                  label="Gauss–Seidel alone")
    left.legend(loc="lower left", fontsize=7)
    left.set(xlabel="cycle", ylim=(1e-14, 3), ylabel=r"$\|r^k\|_2\,/\,\|r^0\|_2$",
             title=f"Poisson equation, {size} × {size} nodes")
    right.set(xlabel="nodes along a side", ylabel="residual factor per cycle", ylim=(0, 0.62),
              title="the factor does not grow with the grid")
    right.set_xticks(range(len(sizes)), list(map(str, sizes)))
    return figure


def _solve(size: int, cycle: Cycle) -> Sequence[float]:
    load = np.random.default_rng(0).standard_normal((size, size))
    return Multigrid(geometric(poisson((size, size))), cycle).solve(load).residuals


def _smoothing_only(size: int, sweeps: int) -> list[float]:
    method = Multigrid(geometric(poisson((size, size))), Cycle(gauss_seidel()))
    load = np.random.default_rng(0).standard_normal(size * size)
    sweep, u, residuals = method.sweeps[0][0], 0 * load, []
    for _ in range(sweeps + 1):
        residuals.append(float(np.linalg.norm(load - method.A @ u)))
        u = sweep(u, load)
    return residuals


def _factor(residuals: Sequence[float]) -> float:
    """The mean factor of the last five cycles, where it has settled."""
    last = residuals[-6:]
    return (last[-1] / last[0]) ** (1 / (len(last) - 1))


LAPLACE = stencil([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
SOBEL = stencil([["-1/8", 0, "1/8"], ["-1/4", 0, "1/4"], ["-1/8", 0, "1/8"]])
LEARNED = stencil([["1/2", -1, "1/4"], [1, "3/4", "-1/2"], [0, "-3/4", "1/2"]])


@in_style
def stencil_transfer() -> Figure:
    """Three 3×3 stencils on the fine grid and on the grid of twice the mesh size, two ways."""
    rows = {"Laplace": LAPLACE, "Sobel": SOBEL, "some weights": LEARNED}
    columns = {"mesh size $h$": lambda weights: weights, "$2h$, Galerkin $R K P$": coarsen,
               "$2h$, rediscretised": rediscretise}
    figure, table = canvas(7.4, 5.4, len(rows), len(columns))
    for (name, weights), panels in zip(rows.items(), table, strict=True):
        for (title, transfer), axes in zip(columns.items(), panels, strict=True):
            _weights(axes, transfer(weights), float(abs(weights).max()))
            if weights is LAPLACE:
                axes.set_title(title)
        panels[0].set_ylabel(name)
    return figure


def _weights(axes: Axes, weights: np.ndarray, largest: float) -> None:
    values = weights.astype(float)
    axes.imshow(values, cmap="PuOr", aspect="auto", vmin=-1.6 * largest, vmax=1.6 * largest)
    for (row, column), value in np.ndenumerate(weights):
        axes.text(column, row, str(value).replace("-", "−"), ha="center", va="center", fontsize=7.5,
                  color="#1b1f23")  # on a light tile in any page
    axes.grid(False)
    axes.spines[:].set_visible(False)
    integers(axes, [])
    integers(axes, [], vertical=True)


