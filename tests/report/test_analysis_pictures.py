"""Pictures of the analysis rooms: drawn from one call, and what is in them."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import InvalidArgument, methods
from stabkit.report.figures import plot, svg
from stabkit.spectra import gallery, numerical_range, pseudospectrum, spectrum, transient_growth

A = gallery.grcar(12) / 2
AXIS = np.linspace(-3, 3, 13)


@pytest.mark.slow
@pytest.mark.parametrize("make", [
    lambda: spectrum(A), lambda: pseudospectrum(A, AXIS, AXIS), lambda: numerical_range(A, 16),
    lambda: transient_growth(gallery.jordan_block(6, 0.5)), lambda: methods.rk4,
    lambda: methods.Family(lambda C, d: {-1: d + C / 2, 0: 1 - 2 * d, 1: d - C / 2}).region(
        [Fraction(k, 8) for k in range(12)], [Fraction(k, 16) for k in range(12)]),
    lambda: methods.backward_euler, lambda: methods.cycle("fsi", 8), lambda: methods.leapfrog,
    lambda: methods.bdf(3), lambda: methods.Family(lambda r: {0: 1 - r, -1: r}),
    lambda: methods.Family(lambda r: {-1: r, 1: -r}, older=lambda r: {0: 1})])
def test_everything_is_drawn(make):
    """With axes that say what they show, as SVG, the same twice."""
    figure = plot(make())
    (axes,) = figure.axes
    assert axes.get_xlabel() and axes.get_ylabel() and axes.get_title("left")
    assert svg(figure, "x") == svg(plot(make()), "x")


def test_eigenvalues_are_laid_over_a_region():
    """The last line of the picture holds the scaled spectrum of the operator."""
    heat = -0.6 * (2 * np.eye(9) - np.eye(9, k=1) - np.eye(9, k=-1))
    axes = plot(methods.rk4, spectrum(heat)).axes[0]
    drawn = axes.lines[-1].get_xdata()
    assert np.abs(np.sort(drawn) - np.linalg.eigvalsh(heat)).max() < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("method", [
    methods.rk4, methods.ssp104, methods.rkc2(5), methods.heun, methods.adams_bashforth(3),
    methods.adams_bashforth(2)], ids=str)
def test_a_bounded_region_is_seen_as_a_whole(method):
    """On the frame of the picture every factor is above 1, also where no imaginary mode is stable.
    """
    axes = plot(method).axes[0]
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    t = np.linspace(0, 1, 60)
    for frame in (left + (right - left) * t + 1j * high, left + 1j * high * t,
                  right + 1j * high * t):
        assert method.amplification(frame).min() > 1
    assert left < -float(method.real_interval) and low == -high


def test_isolated_points_are_drawn():
    """Euler's step with centred differences: stable for C = 0 alone, a dot there and no line."""
    centred = methods.Family(lambda C: {-1: C / 2, 0: 1, 1: -C / 2})
    axes = plot(centred).axes[0]
    assert [list(part.get_xdata()) for part in axes.lines if part.get_marker() == "o"] == [[0.0]]
    assert axes.get_title("left") == "stable at points alone"


def test_the_polygon_holds_what_is_attained():
    """Corners where supporting lines meet lie beyond the points of the numerical range."""
    axes = plot(numerical_range(gallery.jordan_block(5), 16)).axes[0]
    outer = np.hypot(*axes.lines[0].get_data())
    radius = np.cos(np.pi / 6)
    assert (outer >= radius).all() and (outer < 1.05 * radius).all()


def test_what_is_no_result_is_refused():
    """The argument is named."""
    for arguments in ((3,), (methods.rk4, 3), (pseudospectrum(A, [0], [0]),),
                      (methods.Family(lambda C, d: {0: C + d}),)):
        with pytest.raises(InvalidArgument, match=r"found|beside"):
            plot(*arguments)
