"""Pictures of what the analysis rooms find, from one call: ``plot(found)``."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import singledispatch
from inspect import signature
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stabkit.arithmetic.enclosure import Interval
from stabkit.errors import InvalidArgument
from stabkit.methods import Cycle, Family, Multistep, Region, RungeKutta
from stabkit.report.figures.style import BLUE, INK, ORANGE, RED, SKY, canvas, in_style, line
from stabkit.spectra import NumericalRange, Pseudospectrum, Spectrum, TransientGrowth

_FINE = 401
_STEEP = 1e3  # from which on norms are drawn in logarithms
_FLAT = 1e-6  # differences of norms that are not looked at
_GROWTHS = 12
_LABELS = 6  # of contours, so that they stay apart


@in_style
def plot(found: Any, beside: Any = None) -> Figure:
    """Draw a result of ``stabkit.spectra`` or ``stabkit.methods``.

    Parameters
    ----------
    found : Spectrum, Pseudospectrum, NumericalRange, TransientGrowth, RungeKutta, Multistep, \
            Family, Region or Cycle
        Eigenvalues on the unit circle; contours of the resolvent norm; supporting lines; the norms
        of powers; the region of a method, with its proven part of the axes; the stable intervals of
        a family of one parameter, the region of two; the polynomial of a cycle.
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
        axes.plot(z.real, z.imag, ".", color=RED, markersize=4, zorder=4, label="eigenvalues")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@singledispatch
def _draw(found: object, axes: Axes) -> None:
    raise InvalidArgument(f"found: nothing is drawn of a {type(found).__name__}; give a spectrum, "
                          "pseudospectrum, numerical range, growth of powers, method, family, "
                          "region or cycle")


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
    heights = np.asarray(shown.levels)
    few = heights[::-(-len(heights) // _LABELS)]
    axes.clabel(shown, few, fontsize=6, fmt=lambda value: f"$10^{{{value:.0f}}}$")
    axes.set(aspect="equal", xlabel="Re z", ylabel="Im z",
             title=r"$\|(z - A)^{-1}\|$, proven lower bounds")


@_draw.register
def _(found: NumericalRange, axes: Axes) -> None:
    points = np.append(found.points, found.points[:1])
    axes.fill(points.real, points.imag, color=SKY, alpha=0.3, label="attained")
    corners = _corners(found)
    axes.plot(corners.real, corners.imag, color=INK, linewidth=0.8, label="not left, proven")
    if float(found.radius) < 4:
        circle = np.exp(2j * np.pi * np.linspace(0, 1, _FINE))
        axes.plot(circle.real, circle.imag, ":", color=INK, linewidth=0.8, label="unit circle")
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
    norms = np.array([float(norm) for norm in found.norms])
    axes.plot(norms, ".-", color=BLUE, label=r"$\|A^k\|$")
    if found.bounded and found.largest.is_finite:
        axes.axhline(float(found.largest), color=RED, linestyle="--", linewidth=1.0,
                     label="largest of all, proven")
    line(axes, 1)
    kind = {True: "bounded", False: "unbounded", None: "not known to be bounded"}[found.bounded]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="power k", ylabel="Euclidean norm", title=f"powers are {kind}")
    if norms.max() > _STEEP:
        axes.set_yscale("log")
    elif np.ptp(norms) < _FLAT:
        axes.set_ylim(0, 1.5 * norms.max())
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


@_draw.register
def _(found: RungeKutta | Multistep, axes: Axes) -> None:
    explicit = found.is_explicit if isinstance(found, RungeKutta) else not found.beta[-1]
    ends = [float(end.hi) if end.is_finite else 4.0
            for end in (found.real_interval, found.imaginary_interval)]
    left, right, high = _box(found.amplification, max(ends[0], 2.0), max(ends[1], 2.5), explicit)
    x, y = np.linspace(left, right, _FINE), np.linspace(-high, high, _FINE)
    size = found.amplification(x[None, :] + 1j * y[:, None])
    axes.contourf(x, y, size, levels=[0, 1], colors=[SKY], alpha=0.35)
    if size.min() < 1 < size.max():
        axes.contour(x, y, size, levels=[1], colors=[BLUE], linewidths=1.2)
    line(axes, 0)
    line(axes, 0, vertical=True)
    real, imaginary = (min(float(end.lo), limit) if end.is_finite else limit for end, limit in (
        (found.real_interval, -left), (found.imaginary_interval, high)))
    axes.plot([-real, 0], [0, 0], color=INK, linewidth=2.2)
    axes.plot([0, 0], [-imaginary, imaginary], color=INK, linewidth=2.2)
    what = "|R(z)| ≤ 1" if isinstance(found, RungeKutta) else "no |ζ| > 1"
    axes.set(aspect="equal", xlabel="Re z", ylabel="Im z", xlim=(left, right), ylim=(-high, high),
             title=f"{found}: {what}\nproven on the thick lines")


def _box(size: Callable[[np.ndarray], np.ndarray], wide: float, high: float, bounded: bool
         ) -> tuple[float, float, float]:
    """Left, right and upper end of a part of the plane that shows a region, all of a bounded one.
    """
    wide, high = 1.2 * wide, 1.25 * high
    for _ in range(_GROWTHS if bounded else 0):
        x, y = np.linspace(-wide, wide / 2, 121), np.linspace(0, high, 121)
        inside = np.asarray(size(x[None, :] + 1j * y[:, None]) <= 1)
        across, up = (np.atleast_1d(inside.any(axis=axis)) for axis in (0, 1))
        if not across.any():
            break
        if not (across[0] or across[-1] or up[-1]):
            left, right, top = -x[across].min(), x[across].max(), y[up].max()
            return -1.15 * max(left, 0.3 * top), max(1.3 * right, 0.3 * max(left, top)), 1.15 * top
        wide, high = 1.3 * wide, 1.3 * high
    return -wide, 0.35 * wide, high


@_draw.register
def _(found: Region, axes: Axes) -> None:
    x, y = np.meshgrid(*([float(value) for value in axis]
                         for axis in (found.first, found.second)))
    for inside, colour, label in ((True, BLUE, "stable"), (False, ORANGE, "not stable")):
        here = found.stable == inside
        axes.plot(x[here], y[here], ".", color=colour, markersize=3, label=label)
    axes.set(xlabel=found.names[0], ylabel=found.names[1],
             title="decided in fractions at every point")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


@_draw.register
def _(found: Family, axes: Axes) -> None:
    try:
        parts, points = found.intervals(), found.isolated_points()
    except TypeError as error:
        raise InvalidArgument("found: a family of one parameter is drawn, and of two its region("
                              "first, second)") from error
    ends = [float(end) for part in parts for end in part if end.is_finite] + [*map(float, points)]
    limit = 1.4 * max(ends) if max(ends, default=0) > 0 else 2.0
    r = [Fraction(round(limit * 1000), 1000) * k / 200 for k in range(201)]
    axes.plot([float(x) for x in r], [found.amplification(x) for x in r], color=INK,
              label="largest factor, in floats")
    for low, high in parts:
        axes.plot([float(low), min(float(high), limit) if high.is_finite else limit], [1, 1],
                  color=BLUE, linewidth=4, solid_capstyle="butt", label="stable, proven")
    axes.plot([float(x) for x in points], np.ones(len(points)), "o", color=BLUE,
              label="stable alone, proven" if points else None)
    named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(named.values(), named.keys())
    (name, *_), (part, *_) = zip(*signature(found.right).parameters.items(), strict=True)
    axes.set(xlabel="parameter" if part.kind is part.VAR_POSITIONAL else f"parameter {name}",
             ylabel=r"largest factor $|\zeta|$", ylim=(0, 2), xlim=(-0.03 * limit, limit),
             title="stable " + ", ".join(map(_words, parts)) if parts else
             "stable at points alone" if points else "nowhere stable")


def _words(part: tuple[Interval, Interval]) -> str:
    low, high = part
    return f"between {float(low):.6g} and {float(high):.6g}" if high.is_finite else \
        f"from {float(low):.6g} on"


@_draw.register
def _(found: Cycle, axes: Axes) -> None:
    x = float(found.real_interval) * (1 - np.cos(np.linspace(0, np.pi, 4 * _FINE))) / 2
    axes.plot(x, found.factors(x), color=BLUE)
    for value in (-1, 0, 1):
        line(axes, value, colour=ORANGE if value else INK)
    axes.set(xlabel=r"time of the cycle times eigenvalue, $T\lambda$", ylabel="factor R",
             title=f"{found.name}, {found.length} steps: |R| ≤ 1 up to "
                   f"{float(found.real_interval):.6g}")
