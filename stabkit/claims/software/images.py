"""Diffusion and total variation of images: OpenCV and scikit-image."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit import fluxes
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.claims.related_classes import AnyShape
from stabkit.classes import AnyFlux, UpTo
from stabkit.operators import edges_at_a_site, grid_differences, grid_gradient
from stabkit.schemes import Explicit
from stabkit.stability.notions import EUCLIDEAN, RANGE
from stabkit.stability.property import AllOf, Calculation, Stable
from stabkit.stability.verdict import REFUTED

# -- OpenCV: ximgproc -----------------------------------------------------------------------------
XIMGPROC = "opencv_contrib 5.0, ximgproc.hpp, anisotropicDiffusion, parameter alpha"
EIGHT = ((0, 1), (1, 0), (1, 1), (1, -1))


@claim(XIMGPROC, notion="range", expect=REFUTED,
       quote="The amount of time to step forward by on each iteration (normally, it's between 0 "
             "and 1).",
       within=dict(shape=((3, 3),), alpha=("1/8", "1/4", "1/2", "1")))
def opencv_alpha_between_0_and_1_keeps_the_range(shape, alpha):
    """For grey images and 0 < α <= 1 a step u + α Σ w(δ) δ over the eight neighbours, w =
    exp(−(δ/255K)²), keeps the range of every image (before rounding to 8 bits)."""
    return Stable(Explicit(grid_differences(shape, EIGHT), fluxes.perona_malik(), alpha), RANGE)


@claim(f"derived ({XIMGPROC})", notion="range",
       within=dict(shape=((3, 3), (3, 4)), flux=(fluxes.perona_malik(),), ratio=(HALF, ONE)),
       beyond=dict(shape=((3, 3),), ratio=BEYOND),
       for_all=dict(shape=AnyShape(8), flux=AnyFlux(diffusivities=(0, 1)), ratio=UpTo(1)))
def opencv_alpha_between_0_and_1_keeps_the_range_corrected(shape, flux, ratio):
    """For grey images and 0 < α <= 1/8 a step over the eight neighbours keeps the range of every
    image; here α = ratio/8."""
    return Stable(Explicit(grid_differences(shape, EIGHT), flux, ratio / 8), RANGE)


# -- OpenCV: fast explicit diffusion in AKAZE -----------------------------------------------------
FED = "OpenCV 4.x, features2d/src/kaze/fed.cpp (commit 0cd608dd),"
LIMIT = "@param tau_max Stability limit for the explicit scheme"


@claim(f"{FED} fed_tau_by_process_time, called with 0.25f by AKAZE", notion="range", quote=LIMIT,
       within=dict(shape=((3, 3), (3, 4)), flux=(fluxes.rational(), fluxes.perona_malik()),
                   ratio=(HALF, ONE)),
       beyond=dict(shape=((3, 3),), flux=(fluxes.rational(),), ratio=BEYOND),
       for_all=dict(shape=AnyShape(4), flux=AnyFlux(diffusivities=(0, 1)), ratio=UpTo(1)))
def opencv_quarter_is_the_limit_of_the_explicit_scheme(shape, flux, ratio):
    """For diffusivities 0 < g <= 1 and τ <= 1/4 an explicit step on images keeps the range of every
    image and does not increase its Euclidean norm; here τ = ratio/4."""
    step = Explicit(grid_gradient(shape), flux, ratio / 4)
    return AllOf([Stable(step, RANGE), Stable(step, EUCLIDEAN)])


def fed_steps(n: int, ratio: Fraction) -> list[Fraction]:
    """The n step sizes of one cycle in single precision, as exact numbers; ratio is t over its
    largest value."""
    single = np.float32
    c = single(1) / (single(4) * single(n) + single(2))
    d = single(ratio) * single(0.25) / single(2)
    waves = [np.cos(single(np.pi) * (single(2) * single(k) + single(1)) * c) for k in range(n)]
    return [Fraction(float(d / (wave * wave))) for wave in waves]


@claim(f"{FED} fed_tau_internal", notion="euclidean",
       quote="fills it with the respective FED time step sizes for one cycle",
       within=dict(n=(1, 2, 3, 5, 9), ratio=(Fraction(3, 4), ONE)))
def opencv_fed_cycle_does_not_increase_the_norm(n, ratio):
    """For images and diffusivities 0 <= g <= 1 that are kept during a cycle, as AKAZE does, the
    cycle Π (I − τ_k A) does not increase the Euclidean norm although some of its steps exceed 1/4,
    for τ_k as single precision has them; the cycle time is ratio · n(n + 1)/12."""
    taus = fed_steps(n, ratio)
    let, before = [], "[1]"
    for k in range(n):
        let.append((f"p{k}", f"concat({before}, [0]) - tau[{k}] * concat([0], {before})"))
        before = f"p{k}"
    one = f"concat([1], zeros({n}))"
    return Calculation(
        dict(tau=taus), let,
        [f"nonneg_on({one} - {before}, 0, 8)", f"nonneg_on({one} + {before}, 0, 8)"],
        "A = K'GK is symmetric with 0 <= G <= 1, its spectrum lies in [0, 8], and |p| <= 1 there",
        necessary=True)


REORDERING = "Permute list of time steps according to chosen reordering function"


def _visits_once(n: int) -> Calculation:
    """fed_tau_internal's order of the n steps: each index within the list, each once."""
    kappa, prime = n // 2, n + 1
    while any(prime % divisor == 0 for divisor in range(2, prime)):
        prime += 1
    order, k = [], 0
    for _ in range(n):
        while (k + 1) * kappa % prime - 1 >= n:
            k += 1
        order.append((k + 1) * kappa % prime - 1)
        k += 1
    ones = [[int(index == place) for place in range(n)] for index in order]
    return Calculation(
        dict(order=order, P=ones), [], ["nonneg(order)", f"P @ P.T == I({n})"],
        f"the index of step l is (k + 1) {kappa} mod {prime} - 1; P has a 1 where it reads",
        necessary=True)


@claim(f"{FED} fed_tau_internal", notion="identity", weight="minor", quote=REORDERING,
       expect=REFUTED, within=dict(n=(1, 2, 3, 7, 12)))
def opencv_fed_reordering_is_a_permutation(n):
    """For every number n >= 1 of steps the reordering reads each of them once.  For n = 1 it reads
    the entry −1, in front of the list: κ = n/2 = 0."""
    return _visits_once(n)


@claim(f"derived ({FED} fed_tau_internal)", notion="identity", weight="minor",
       within=dict(n=tuple(range(2, 25))))
def opencv_fed_reordering_is_a_permutation_corrected(n):
    """For every number n >= 2 of steps the reordering reads each of them once."""
    return _visits_once(n)


# -- scikit-image ---------------------------------------------------------------------------------
TV = "scikit-image 0.26.0, skimage.restoration.denoise_tv_chambolle, tau = 1/(2 ndim)"
TAU = "1 / (2 * d)"
CHAMBOLLE = "This code is an implementation of the algorithm proposed by Chambolle in [1]"


@claim(TV, notion="bound", quote=CHAMBOLLE, expect=REFUTED, within=dict(ndim=(1, 2, 3)))
def skimage_tv_step_meets_the_condition_of_chambolle(ndim):
    """The step τ = 1/(2 ndim) meets the condition of Chambolle (2004), Theorem 3.1, τ <= 1/8 for
    images, that is τ <= 1/(4 ndim).  It is twice as large, as Chambolle suggests in practice."""
    return Calculation(dict(d=ndim), [("tau", TAU)], ["tau <= 1 / (4 * d)"],
                       "|div|^2 < 4 d, and the theorem asks for tau <= 1/8 where d = 2",
                       necessary=True)


@claim(f"derived ({TV})", notion="euclidean", within=dict(
    shape=((2,), (4,), (2, 2), (3, 3), (2, 3), (2, 2, 2)), flux=(fluxes.identity(),),
    ratio=(HALF, ONE)),
       for_all=dict(shape=AnyShape(), flux=AnyFlux(diffusivities=(0, 1)), ratio=UpTo(1)))
def skimage_tv_step_is_nonexpansive(shape, flux, ratio):
    """The descent p ↦ p − τ∇(−div p) of the dual, before its projection, does not increase the
    Euclidean norm for τ <= 1/(2 ndim), as ‖∇‖² < 4 ndim on every grid; here τ = ratio/(2 ndim)."""
    K = grid_gradient(shape)
    return Stable(Explicit(K.T, flux, ratio / edges_at_a_site(shape)), EUCLIDEAN)


SQUARE = "4 * d * cos(pi / (2 * N))**2"


@claim(f"derived ({TV})", notion="bound", within=dict(side=(2, 3, 8, 64, 1000), ndim=(1, 2, 3)))
def skimage_tv_step_is_within_twice_the_inverse_norm(side, ndim):
    """τ = 1/(2 ndim) < 2/‖∇‖² on every grid of equal sides N: ‖∇‖² = 4 ndim cos²(π/2N)."""
    norm = Calculation(
        dict(N=side, d=ndim), [("square", SQUARE), ("tau", TAU)], ["tau * square < 2"],
        "the squared norm of the gradient of a grid is the sum over its axes of 4 cos(pi/2N)^2",
        necessary=True)
    if side > 3:
        return norm
    n = side**ndim
    return AllOf([norm, Calculation(
        dict(N=side, d=ndim, K=grid_gradient((side,) * ndim).exact()),
        [("square", SQUARE), ("top", "d * N"), ("A", f"top * I({n}) - K.T @ K")],
        ["abs(square - top) < 1/10**9", "psd(A)", "det(A) == 0"],
        "cos(pi/4)^2 = 2/4 and cos(pi/6)^2 = 3/4: the norm itself, on grids of 2 or 3 points",
        necessary=True)])
