"""Anisotropic diffusion filters: MedPy and ITK.

A diffusivity of an image of contrast κ is that of the image divided by κ, times κ; so κ = 1 stands
for every κ, also for one computed from the image.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

from stabkit import fluxes
from stabkit.aliases import Rational
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, ONE
from stabkit.claims.related_classes import AnyShape, AnySpacing
from stabkit.classes import AnyFlux, UpTo
from stabkit.fluxes.flux import Flux
from stabkit.operators import edges_at_a_site, grid_gradient, tangential_differences
from stabkit.proof.grids import GridShape
from stabkit.schemes import Explicit, IsotropicExplicit
from stabkit.stability.notions import EUCLIDEAN, RANGE, Energy, energy
from stabkit.stability.property import AllOf, Calculation, Not, Stable
from stabkit.stability.verdict import REFUTED

MEDPY = "MedPy 0.5.2, medpy.filter.smoothing.anisotropic_diffusion, parameter"
GAMMA = "Controls the speed of diffusion. Pick a value <= .25 for stability."
OPTIONS = (fluxes.perona_malik(), fluxes.rational())
QUARTER = Fraction(1, 4)
CUBES = ((3,), (3, 3), (3, 3, 3))


def root(spacing: str) -> Fraction:
    """√s of a square of a rational."""
    exact = Fraction(spacing)
    return Fraction(isqrt(exact.numerator), isqrt(exact.denominator))


def grid_sizes(spacing: tuple[str, ...]) -> tuple[Fraction, ...]:
    """The grid sizes h with 1/h² = 1/s: both packages divide by the spacing once, not twice."""
    return tuple(map(root, spacing))


def edges(spacing: Any) -> Any:
    """2 Σ 1/sᵢ, which a sum over the edges at a site is at most."""
    return spacing.edges if isinstance(spacing, GridShape) else \
        2 * sum((1 / Fraction(s) for s in spacing), Fraction(0))


def grid(spacing: Any) -> tuple[Any, Any]:
    """Three samples along each axis, or any grid; and its grid sizes."""
    return (spacing, 1) if isinstance(spacing, GridShape) else (
        (3,) * len(spacing), grid_sizes(spacing))


#: Any shape, and any flux of which the bound of g is known.
ANY_GRID = dict(shape=AnyShape(), flux=AnyFlux(diffusivities=(0, 1)), ratio=UpTo(1))
ANY_SPACING = dict(spacing=AnySpacing(), flux=AnyFlux(diffusivities=(0, 1)), ratio=UpTo(1))


# -- MedPy ----------------------------------------------------------------------------------------
@claim(f"{MEDPY} gamma", notion="range", quote=GAMMA, expect=REFUTED,
       within=dict(shape=CUBES, flux=OPTIONS, gamma=(QUARTER,)))
def medpy_gamma_up_to_a_quarter_keeps_the_range(shape, flux, gamma):
    """For images of any dimension, options 1 and 2 (g = exp(−(δ/κ)²) and 1/(1 + (δ/κ)²)) and γ <=
    1/4, a step keeps the range of every image.  It does in one and two dimensions, not in three."""
    return Stable(Explicit(grid_gradient(shape), flux, gamma), RANGE)


@claim(f"derived ({MEDPY} gamma)", notion="range",
       within=dict(shape=CUBES, flux=OPTIONS, ratio=(ONE,)),
       beyond=dict(shape=CUBES[:2], flux=OPTIONS[1:], ratio=BEYOND),
       for_all=dict(ANY_GRID, flux=AnyFlux(diffusivities=(0, 1), slopes=(None, 1))))
def medpy_gamma_up_to_a_quarter_keeps_the_range_corrected(shape, flux, ratio):
    """For images of dimension d, options 1 and 2 and γ <= 1/(2d), a step keeps the range of every
    image, and its Euclidean norm and the energy Σ Ψ do not grow; here γ = ratio/(2d)."""
    K = grid_gradient(shape)
    step = Explicit(K, flux, ratio / edges_at_a_site(shape))
    return AllOf([Stable(step, RANGE), Stable(step, EUCLIDEAN),
                  Stable(step, energy(Energy(K, flux)))])


@claim(f"{MEDPY} gamma", notion="range", quote=GAMMA,
       within=dict(shape=CUBES, flux=(fluxes.tukey(),), gamma=(QUARTER,)),
       for_all=dict(shape=AnyShape(6), flux=AnyFlux(diffusivities=(0, "1/2")),
                    gamma=UpTo(QUARTER)))
def medpy_gamma_up_to_a_quarter_keeps_the_range_for_option_3(shape, flux, gamma):
    """For images of up to three dimensions, option 3 (Tukey's biweight, g <= 1/2) and γ <= 1/4, a
    step keeps the range of every image."""
    return Stable(Explicit(grid_gradient(shape), flux, gamma), RANGE)


@claim(f"derived ({MEDPY} gamma)", notion="range",
       within=dict(shape=CUBES, flux=(fluxes.tukey(),), ratio=(ONE,)), beyond=dict(ratio=BEYOND),
       for_all=dict(ANY_GRID, flux=AnyFlux(diffusivities=(0, "1/2"))))
def medpy_option_3_allows_twice_the_step(shape, flux, ratio):
    """For images of dimension d, option 3 and γ <= 1/d, a step keeps the range of every image;
    here γ = ratio/d."""
    tau = 2 * ratio / edges_at_a_site(shape)
    return Stable(Explicit(grid_gradient(shape), flux, tau), RANGE)


@claim(f"{MEDPY}s gamma and voxelspacing", notion="range", quote=GAMMA, expect=REFUTED,
       within=dict(spacing=(("1",), ("1/4",), ("1/9", "1/9")), flux=OPTIONS, gamma=(QUARTER,)))
def medpy_gamma_up_to_a_quarter_keeps_the_range_for_every_spacing(spacing, flux, gamma):
    """For images of one and two dimensions, options 1 and 2, voxel spacing s > 0 and γ <= 1/4, a
    step keeps the range of every image; the flux γ g(δ) δ/s divides by the spacing once."""
    return Stable(Explicit(grid_gradient((3,) * len(spacing), grid_sizes(spacing)), flux, gamma),
                  RANGE)


@claim(f"derived ({MEDPY}s gamma and voxelspacing)", notion="range",
       within=dict(spacing=(("1",), ("1/4",), ("4",), ("1/4", "1"), ("1/9", "4"),
                            ("1", "1", "9/4")), flux=OPTIONS[1:], ratio=(ONE,)),
       beyond=dict(spacing=(("1/4",), ("1/9", "4")), ratio=BEYOND), for_all=ANY_SPACING)
def medpy_gamma_up_to_a_quarter_keeps_the_range_for_every_spacing_corrected(spacing, flux, ratio):
    """For spacings s₁ … s_d and γ <= 1/(2 Σ 1/sᵢ) a step keeps the range of every image; here
    γ = ratio · that bound.  (Only 0 <= g <= 1 = g(0) counts, so that g may see δ/√sᵢ here.)"""
    return Stable(Explicit(grid_gradient(*grid(spacing)), flux, ratio / edges(spacing)), RANGE)


# -- ITK ------------------------------------------------------------------------------------------
ITK = "ITK 5.4 and 6.0, itkAnisotropicDiffusionImageFilter.hxx, InitializeIteration"
SPACINGS = (("1",), ("1/4",), ("1", "1"), ("1/4", "1"), ("1", "1", "1"))


def itk_step(spacing: Any, flux: Flux, tau: Rational) -> IsotropicExplicit:
    """A step of GradientAnisotropicDiffusionImageFilter, with |∇u| at the middle of each edge."""
    shape, h = grid(spacing)
    return IsotropicExplicit(grid_gradient(shape, h), flux, tau, tangential_differences(shape, h))


@claim(f"{ITK}, the run-time warning", notion="range",
       quote="Stable time step for this image must be smaller than [minSpacing / 2^(N+1)]",
       within=dict(spacing=SPACINGS, flux=OPTIONS[:1], ratio=(ONE,)))
def itk_time_steps_that_give_no_warning_keep_the_range(spacing, flux, ratio):
    """GradientAnisotropicDiffusionImageFilter in N dimensions, spacing s, τ <= min s/2^(N+1): a
    step keeps the range of every image and does not increase its Euclidean norm; here τ = ratio ·
    that bound.  (Differences are divided by the spacing once, so the bound is linear in s.)"""
    tau = ratio * min(map(Fraction, spacing)) / 2 ** (len(spacing) + 1)
    step = itk_step(spacing, flux, tau)
    return AllOf([Stable(step, RANGE), Stable(step, EUCLIDEAN)])


@claim(f"{ITK}, the run-time warning", notion="range", expect=REFUTED,
       quote="Anisotropic diffusion unstable time step: [m_TimeStep]",
       within=dict(spacing=(("1",), ("1", "1"), ("1", "1", "1")), flux=OPTIONS[:1],
                   ratio=(Fraction(5, 4), Fraction(2))))
def itk_time_steps_that_give_a_warning_are_unstable(spacing, flux, ratio):
    """GradientAnisotropicDiffusionImageFilter in N dimensions: for every τ > 1/2^(N+1) a step
    takes some image out of its range; here τ = ratio/2^(N+1).  The bound is safe, not necessary."""
    return Not(Stable(itk_step(spacing, flux, ratio / 2 ** (len(spacing) + 1)), RANGE))


@claim(f"derived ({ITK})", notion="range",
       within=dict(spacing=SPACINGS, flux=OPTIONS[:1], ratio=BEYOND))
def itk_time_steps_that_give_a_warning_are_unstable_corrected(spacing, flux, ratio):
    """In N dimensions with at least three samples each, some image leaves its range for every τ
    > 1/(2 Σ 1/sᵢ), which is 1/(2N) for unit spacing; here τ = ratio · that bound."""
    return Not(Stable(itk_step(spacing, flux, ratio / edges(spacing)), RANGE))


@claim(f"derived ({ITK})", notion="range",
       within=dict(spacing=SPACINGS, flux=OPTIONS[:1], ratio=(ONE,)),
       beyond=dict(spacing=SPACINGS[:4], ratio=BEYOND), for_all=ANY_SPACING)
def itk_range_bound(spacing, flux, ratio):
    """GradientAnisotropicDiffusionImageFilter keeps the range of every image for τ <= 1/(2 Σ
    1/sᵢ), which is 1/(2N) for unit spacing: for N = 2 twice the step that is warned about."""
    return Stable(itk_step(spacing, flux, ratio / edges(spacing)), RANGE)


CURVATURE = ("ITK 5.4 and 6.0, itkCurvatureAnisotropicDiffusionImageFilter.h, class description "
             "(also SimpleITK 2.5.7)")
MAXIMUM = ("The default time step for this filter is set to the maximum theoretically stable "
           "value: 0.5 / 2^N, where N is the dimensionality of the image.")
#: Of a spike that is small beside the parameter: as near to 1 as is asked for.
CONDUCTANCE = "exp(-1/10**12)"


def default_step(N: int) -> Fraction:
    """The default time step in N dimensions."""
    return Fraction(1, 2 ** (N + 1))


def _curvature_step_keeps_the_range(N: int, tau: Fraction) -> AllOf:
    """Decided by a bound of the change for every image, and by the image of a spike."""
    given = dict(N=N, tau=tau, f=[-1] * N, b=[1] * N)
    spike = [("g", CONDUCTANCE), ("speed", "sum(g*f/abs(f) - g*b/abs(b))"),
             ("upwind", "sqrt(norm2(max(b, 0)) + norm2(min(f, 0)))"),
             ("u", "1 + tau*upwind*speed")]
    return AllOf([
        Calculation(given, spike, ["speed < 0", "0 <= u", "u <= 1"],
                    "at the one pixel that is 1 among zeros the differences to the neighbours are "
                    "f forward and b backward, and the speed is negative, so |grad u| has the "
                    "parts of the differences that are downhill", necessary=True),
        Calculation(given, [], ["(2 * N)**3 * tau**2 <= 1"],
                    "u+ = u + tau |grad u| sum_i (c_i a_i - d_i b_i) with 0 <= c, d <= 1 and |a|, "
                    "|b| <= 1: the sum is at most 2N, and the upwind |grad u| is at most sqrt(2N) "
                    "times the largest step down (or up) to a neighbour; so u+ stays in the range "
                    "if tau 2N sqrt(2N) <= 1")])


@claim(CURVATURE, notion="range", quote=MAXIMUM, within=dict(N=(1, 2, 3, 4)))
def itk_default_curvature_step_keeps_the_range(N):
    """CurvatureAnisotropicDiffusionImageFilter in N dimensions, unit spacing, τ = 0.5/2^N: a step
    keeps the range of every image."""
    return _curvature_step_keeps_the_range(N, default_step(N))


@claim(CURVATURE, notion="range", quote=MAXIMUM, expect=REFUTED,
       within=dict(N=(2, 1, 3), ratio=BEYOND))
def itk_default_curvature_step_is_the_maximum(N, ratio):
    """CurvatureAnisotropicDiffusionImageFilter in N dimensions: for every τ > 0.5/2^N some image
    leaves its range; here τ = ratio · 0.5/2^N.  This is so for N = 2 alone: N = 1 bears 0.353, and
    N = 3 bears 0.068."""
    return Not(_curvature_step_keeps_the_range(N, ratio * default_step(N)))


@claim(f"derived ({CURVATURE})", notion="range", within=dict(N=(1, 2, 3), ratio=BEYOND))
def itk_default_curvature_step_is_the_maximum_corrected(N, ratio):
    """In N dimensions some image leaves its range for every τ > (2N)^(−3/2), as the conductance of
    a small spike tends to 1; here τ is just above ratio · that bound."""
    square = ratio**2 / (2 * N) ** 3
    tau = Fraction(isqrt(square.numerator * 10**12 // square.denominator) + (ratio > 1), 10**6)
    return Not(_curvature_step_keeps_the_range(N, tau))
