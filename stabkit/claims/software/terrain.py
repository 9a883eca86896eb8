"""Diffusion of rasters and landscapes, and in one dimension: xarray-spatial, Landlab, FiPy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.operators import Operator, from_matrix, gram, grid_gradient
from stabkit.schemes import Linear
from stabkit.stability.notions import EUCLIDEAN, RANGE
from stabkit.stability.property import AllOf, Calculation, Stable
from stabkit.stability.verdict import REFUTED

# -- xarray-spatial -------------------------------------------------------------------------------
DIFFUSE = "xarray-spatial 0.10.20, xrspatial.diffusion.diffuse,"
GUARD = ("dt={dt} exceeds the CFL stability bound {cfl_max} (= 0.25 * dx**2 / max(alpha)). Pass "
         "dt=None to use the largest stable step automatically")
UNIFORM = ("1",) * 9
VARYING = ("1", "1/2", "1", "1/4", "1", "0", "1", "1/3", "2")
NEGATIVE = ("1", "1", "1", "1", "-1", "1", "1", "1", "1")


def _diffuse(alpha: tuple[str, ...], ratio: Fraction) -> Linear:
    """u + (dt/dx²) α ⊙ Δu on 3 x 3 pixels with the boundary 'nearest'."""
    exact = fractions(alpha)
    weight = ratio / 4 / max(exact)
    matrix = np.eye(9, dtype=int) - weight * exact[:, None] * gram(grid_gradient((3, 3)))
    return Linear(from_matrix(matrix, label="M").described(f"{ratio} of the bound, alpha {alpha}"))


@claim(f"{DIFFUSE} the guard of dt", notion="range", quote=GUARD,
       within=dict(alpha=(UNIFORM, VARYING), ratio=(HALF, ONE)),
       beyond=dict(alpha=(UNIFORM,), ratio=BEYOND))
def xarray_spatial_guard_keeps_the_range(alpha, ratio):
    """For diffusivities α >= 0 at the pixels and dt <= dx²/(4 max α) a step keeps the range of
    every raster; here dt = ratio · that bound.  For one α it is also the largest such step."""
    return Stable(_diffuse(alpha, ratio), RANGE)


@claim(f"{DIFFUSE} the check of diffusivity", notion="range", expect=REFUTED,
       quote="diffuse(): all diffusivity values must be > 0",
       within=dict(alpha=(UNIFORM, NEGATIVE), ratio=(ONE,)))
def xarray_spatial_accepted_diffusivities_keep_the_range(alpha, ratio):
    """For the α that are accepted, max α > 0, and the automatic dt, a step keeps the range of
    every raster.  The check looks at the maximum alone, so a negative α passes."""
    return Stable(_diffuse(alpha, ratio), RANGE)


@claim(f"derived ({DIFFUSE} the check of diffusivity)", notion="range",
       within=dict(alpha=(UNIFORM, (*VARYING[:5], "1/9", "1", "1/3", "2")), ratio=(ONE,)))
def xarray_spatial_accepted_diffusivities_keep_the_range_corrected(alpha, ratio):
    """For α > 0 at every pixel, as the message says, and the automatic dt, a step keeps the range
    of every raster."""
    return Stable(_diffuse(alpha, ratio), RANGE)


@claim(f"derived ({DIFFUSE} the guard of dt)", notion="euclidean", expect=REFUTED,
       within=dict(alpha=(UNIFORM, VARYING), ratio=(ONE,)))
def xarray_spatial_guard_bounds_the_norm(alpha, ratio):
    """For α >= 0 and dt <= dx²/(4 max α) a step does not increase the Euclidean norm.  This is so
    for one α, but not where α varies: α Δ is then no symmetric operator."""
    return Stable(_diffuse(alpha, ratio), EUCLIDEAN)


#: The weights of the norm in which the step of diffusivities α is symmetric.
WEIGHTED = "1/alpha"


@claim(f"derived ({DIFFUSE} the guard of dt)", notion="euclidean",
       within=dict(alpha=(UNIFORM, (*VARYING[:5], "1/9", "1", "1/3", "2")), ratio=(HALF, ONE)),
       beyond=dict(alpha=(UNIFORM,), ratio=(Fraction(3, 2),)))
def xarray_spatial_guard_bounds_the_norm_corrected(alpha, ratio):
    """For α > 0 and dt <= dx²/(4 max α) a step does not increase Σ u²/α, the norm in which α Δ is
    symmetric; here dt = ratio · that bound."""
    return Calculation(
        dict(M=_diffuse(alpha, ratio).matrix.exact(), alpha=alpha), [("W", f"diag({WEIGHTED})")],
        ["psd(W - M.T @ (W @ M))"], "M is the step, and |M u|^2 <= |u|^2 in the weighted norm",
        necessary=True)


# -- Landlab --------------------------------------------------------------------------------------
TAYLOR = "Landlab 2.11.0, TaylorNonLinearDiffuser, class description and soilflux"
COURANT = "The maximum stable time step is given by:: dtmax = courant_factor * dx * dx / Demax"


#: Core node 0 with the elevations of its neighbours in the west, south, east and north.
PLACES = {"a slope to the north-east": (2, 2, 0, 0), "a slope to the south-west": (0, 0, 2, 2),
          "a pit": (2, 2, 2, 2)}
SIGNED, STEEPEST = "max(max(s), 0)", "max(abs(s))"


def _hillslope(courant: str, size: str, place: str) -> AllOf:
    """A step at node 0 and D = S_c = dx = 1, with two Taylor terms of the flux."""
    given = dict(z=PLACES[place], c=courant)
    let = [("s", "[-z[0], -z[1], z[2], z[3]]"), ("smax", size), ("dt", "c / (1 + smax**2)"),
           ("q(s)", "-s * (1 + s**2)"), ("up", "dt * (q(s[0]) + q(s[1]) - q(s[2]) - q(s[3]))")]
    return AllOf([
        Calculation(given, let, ["up <= max(z)", "up >= min(min(z), 0)"],
                    "the slopes s of the links west, south, east and north point east and north; "
                    "the core node is at 0 and moves by dt times the flux that flows in",
                    necessary=True),
        Calculation(given, let, ["smax >= abs(s)",
                                 "all(1 - 4 * c * x >= 0 for x in cells([0, 1]))"],
                    "a core node becomes (1 - sum w) z + sum w z' over its four links with 0 <= w "
                    "= c x, x = (1 + s^2 + ...)/(1 + smax^2 + ...) <= 1 as |s| <= smax: a mean of "
                    "old values, as 1 - sum w >= 0")])


@claim(TAYLOR, notion="range", quote=COURANT, expect=REFUTED,
       within=dict(courant=("1/5",), place=tuple(PLACES)))
def landlab_dynamic_time_step_keeps_the_range(courant, place):
    """With dynamic_dt a step keeps the elevations within their range, for courant_factor = 0.2 and
    Smax = max(s) over the links, as it is computed.  Where the steepest slopes are negative in the
    direction of their links they do not count."""
    return _hillslope(courant, SIGNED, place)


@claim(f"derived ({TAYLOR})", notion="range",
       within=dict(courant=("1/10", "1/5", "1/4"), place=tuple(PLACES)))
def landlab_dynamic_time_step_keeps_the_range_corrected(courant, place):
    """With Smax = max |s| and courant_factor <= 1/4 a step on a raster keeps the elevations of the
    core nodes within their range; Landlab's default is 1/5.  A node at 0 in a pit, between four
    at 2, rises to 8 c."""
    return _hillslope(courant, STEEPEST, place)


# -- FiPy -----------------------------------------------------------------------------------------
FIPY = "FiPy 4.0.3, examples/diffusion/mesh1D.py (manual, section on explicit diffusion)"
LARGEST = ("The largest stable timestep that can be taken for this explicit 1D diffusion problem "
           "is \\Delta t \\le \\Delta x^2 / (2 D).")


def _cells(n: int) -> Operator:
    """−dx²Δ of n cells whose outer faces are held at 0: half a cell away from the centres."""
    matrix = 2 * np.eye(n, dtype=int) - np.eye(n, k=1, dtype=int) - np.eye(n, k=-1, dtype=int)
    matrix[0, 0] = matrix[-1, -1] = 3
    return from_matrix(matrix, label="A")


@claim(FIPY, notion="euclidean", quote=LARGEST, within=dict(n=(2, 3, 5), ratio=(HALF, ONE)),
       beyond=dict(n=(2, 3), ratio=BEYOND))
def fipy_largest_stable_time_step(n, ratio):
    """For n cells with fixed values at both ends and Δt <= Δx²/(2D) an explicit step does not
    increase the Euclidean norm of the difference from the steady state; here Δt = ratio · that
    bound, which is the largest for every n."""
    M = from_matrix(np.eye(n, dtype=int) - ratio / 2 * _cells(n).exact(), label="M")
    return Stable(Linear(M), EUCLIDEAN)


@claim(f"derived ({FIPY})", notion="range", expect=REFUTED,
       within=dict(n=(3,), ratio=(Fraction(9, 10), ONE)))
def fipy_largest_stable_time_step_keeps_the_range(n, ratio):
    """For n cells with the value 0 at both ends and Δt <= Δx²/(2D) values between 0 and 1 stay
    there; here Δt = ratio · that bound (0.9 in the example).  At the ends the face is half a cell
    away, so the first cell gets the weight 1 − 3DΔt/Δx²."""
    return _stays_between(n, ratio / 2)


@claim(f"derived ({FIPY})", notion="range", within=dict(n=(2, 3, 5), ratio=(HALF, ONE)),
       beyond=dict(ratio=BEYOND))
def fipy_largest_stable_time_step_keeps_the_range_corrected(n, ratio):
    """For n cells with the value 0 at both ends and Δt <= Δx²/(3D) values between 0 and 1 stay
    there; here Δt = ratio · that bound."""
    return _stays_between(n, ratio / 3)


def _stays_between(n: int, weight: Fraction) -> Calculation:
    return Calculation(
        dict(A=_cells(n).exact(), w=weight), [("M", f"I({n}) - w * A")],
        ["nonneg(M)", f"nonneg(ones({n}) - M @ ones({n}))"],
        "values between 0 and 1 stay there iff M >= 0 with row sums of at most 1; the images of "
        "unit vectors and of (1, ..., 1) show it",
        necessary=True)
