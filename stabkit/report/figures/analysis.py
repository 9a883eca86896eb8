"""Pictures of what the analysis rooms find, from one call: ``plot(found)``."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stabkit.errors import InvalidArgument
from stabkit.methods import Cycle, Region, RungeKutta
from stabkit.report.figures.style import BLUE, INK, ORANGE, RED, SKY, canvas, in_style, line
from stabkit.spectra import NumericalRange, Pseudospectrum, Spectrum, TransientGrowth

_FINE = 401


@in_style
def plot(found: Any, beside: Any = None) -> Figure:
    """Draw a result of ``stabkit.spectra`` or ``stabkit.methods``.

    Parameters
    ----------
    found : Spectrum, Pseudospectrum, NumericalRange, TransientGrowth, RungeKutta, Region or Cycle
        Eigenvalues on the unit circle; contours of the resolvent norm; supporting lines; the norms
        of powers; the region |R(z)| <= 1; the polynomial of a cycle.
    beside : Spectrum, optional
        Whose eigenvalues are laid over the picture.

    Raises
    ------
    InvalidArgument
        For anything else.
    """
    figure, axes = canvas(4.6, 3.6)
    _draw(found, axes)
    if beside is not None:
        if not isinstance(beside, Spectrum):
            raise InvalidArgument(f"beside: must be a Spectrum, got {type(beside).__name__}")
        z = _points(beside)
        axes.plot(z.real, z.imag, ".", color=RED, markersize=4, zorder=4)
    return figure


@singledispatch
def _draw(found: Any, axes: Axes) -> None:
    raise InvalidArgument(f"found: nothing is drawn of a {type(found).__name__}; give a spectrum, "
                          "pseudospectrum, numerical range, growth of powers, method or cycle")


def _points(found: Spectrum) -> np.ndarray:
    return np.array([complex(float(real), float(imaginary))
                     for real, imaginary in found.eigenvalues])


@_draw.register
def _(found: Spectrum, axes: Axes) -> None:
    circle, z = np.exp(2j * np.pi * np.linspace(0, 1, _FINE)), _points(found)
    axes.plot(circle.real, circle.imag, color=INK, linewidth=0.8)
    axes.plot(z.real, z.imag, ".", color=RED)
    axes.set(aspect="equal", xlabel=r"Re $\lambda$", ylabel=r"Im $\lambda$",
             title=f"spectral radius {float(found.radius):.6g}, norm {float(found.norm):.6g}")


@_draw.register
def _(found: Pseudospectrum, axes: Axes) -> None:
    if min(found.lower.shape) < 2:
        raise InvalidArgument("found: contours need at least two points along each axis")
    levels = np.log10(found.lower)
    shown = axes.contour(found.real, found.imaginary, levels,
                         levels=np.unique(np.floor(levels[np.isfinite(levels)])), cmap="viridis")
    axes.clabel(shown, fontsize=6, fmt=lambda value: f"$10^{{{value:.0f}}}$")
    axes.set(aspect="equal", xlabel="Re z", ylabel="Im z",
             title=r"$\|(z - A)^{-1}\|$, proven lower bounds")


@_draw.register
def _(found: NumericalRange, axes: Axes) -> None:
    points = np.append(found.points, found.points[:1])
    axes.fill(points.real, points.imag, color=SKY, alpha=0.3, label="attained")
    corners = _corners(found)
    axes.plot(corners.real, corners.imag, color=INK, linewidth=0.8, label="not left, proven")
    axes.set(aspect="equal", xlabel="Re z", ylabel="Im z",
             title=f"numerical range, radius {float(found.radius):.6g}")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _corners(found: NumericalRange) -> np.ndarray:
    """Where neighbouring supporting lines meet."""
    heights = np.array([float(support.hi) for support in found.supports])
    after, turn = np.roll(heights, -1), 2 * np.pi / heights.size
    across = (after - heights * np.cos(turn)) / np.sin(turn)
    corners = (heights + 1j * across) * np.exp(1j * found.angles)
    return np.append(corners, corners[:1])


@_draw.register
def _(found: TransientGrowth, axes: Axes) -> None:
    axes.plot([float(norm) for norm in found.norms], ".-", color=BLUE, label=r"$\|A^k\|$")
    line(axes, float(found.largest), colour=RED)
    line(axes, 1)
    axes.set(xlabel="k", ylabel="norm", title=str(found).partition(";")[0])
    axes.legend()


@_draw.register
def _(found: RungeKutta, axes: Axes) -> None:
    ends = [float(end.hi) if end.is_finite else 4.0
            for end in (found.real_interval, found.imaginary_interval)]
    wide, high = 1.2 * max(ends[0], 2.0), 1.25 * max(ends[1], 2.5)
    x, y = np.linspace(-wide, 0.35 * wide, _FINE), np.linspace(-high, high, _FINE)
    size = found.amplification(x[None, :] + 1j * y[:, None])
    axes.contourf(x, y, size, levels=[0, 1], colors=[SKY], alpha=0.35)
    axes.contour(x, y, size, levels=[1], colors=[BLUE], linewidths=1.2)
    line(axes, 0)
    line(axes, 0, vertical=True)
    axes.set(aspect="equal", xlabel="Re z", ylabel="Im z", title=f"{found}: |R(z)| ≤ 1")


@_draw.register
def _(found: Region, axes: Axes) -> None:
    x, y = np.meshgrid(*([float(value) for value in axis]
                         for axis in (found.first, found.second)))
    for inside, colour, label in ((True, BLUE, "stable"), (False, ORANGE, "not stable")):
        here = found.stable == inside
        axes.plot(x[here], y[here], ".", color=colour, markersize=3, label=label)
    axes.set(xlabel="first parameter", ylabel="second parameter",
             title="decided in fractions at every point")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


@_draw.register
def _(found: Cycle, axes: Axes) -> None:
    x = float(found.real_interval) * (1 - np.cos(np.linspace(0, np.pi, 4 * _FINE))) / 2
    axes.plot(x, found.factors(x), color=BLUE)
    for value in (-1, 0, 1):
        line(axes, value, colour=ORANGE if value else INK)
    axes.set(xlabel=r"$T\lambda$", ylabel="R", title=f"{found.name}, {found.length} steps")
