"""Shift-invariant Haar shrinkage on the finest scale, and diffusion."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit import fluxes
from stabkit.claims.claim import claim
from stabkit.claims.configurations import EXACT, HALF, ONE
from stabkit.operators import MIRRORED, PERIODIC, difference
from stabkit.schemes import Explicit, HaarShrinkage
from stabkit.stability.property import AllOf, Calculation, FaceWithin, Identity

BOUNDARIES = {"periodic": PERIODIC, "reflecting": MIRRORED}
# Differences around the kinks q/2, q and 2q of the fluxes, and far away.
SIGNAL = ("0", "1/2", "3/2", "-1/2", "3/2", "4", "0", "1/3")


@claim("eqs (10), (11)", quote="one step with shrinkage function S(r) is equivalent to an explicit "
       "diffusion step with diffusivity g(r)",
       within=dict(flux=(*EXACT, fluxes.hard(), fluxes.garrote("1/2")),
                   boundary=tuple(BOUNDARIES), tau=("1/4", "1/7"), h=("1", "1/2")))
def haar_shrinkage_is_a_diffusion_step(flux, boundary, tau, h):
    """One step of shift-invariant single-scale Haar shrinkage with odd S,
    uᵢ = (f_{i−1} + 2fᵢ + f_{i+1})/4 + [S((fᵢ − f_{i+1})/√2) − S((f_{i−1} − fᵢ)/√2)]/(2√2), equals
    the explicit step with S(r) = r(1 − (4τ/h²) g(√2 r/h)), for every h and τ; periodic or
    reflecting (mirrored).  Written with the half differences d = (fᵢ − f_{i+1})/2, on which S acts
    as s ↦ S(√2 s)/√2, both sides are rational."""
    n = len(SIGNAL)
    wavelets = HaarShrinkage(flux, n, BOUNDARIES[boundary], tau, h)
    grid = difference(1, n, h, PERIODIC) if boundary == "periodic" else difference(1, n, h)
    return Identity(wavelets, Explicit(grid, flux, tau), dict(u=SIGNAL),
                    "the differences of u meet every piece of the flux")


@claim("after eq. (11)", weight="minor",
       quote="condition on the shrinkage function −r ≤ S(r) ≤ r for r > 0",
       within=dict(flux=(fluxes.identity(), fluxes.soft(), fluxes.rational()), ratio=(HALF, ONE),
                   bound=("-r <= S", "0 <= S")), beyond=dict(ratio=(Fraction(1001, 1000),)))
def shrinkage_bounds_match_the_step_size_bounds(flux, ratio, bound):
    """For S(r) = r(1 − (4τ/h²) g(√2 r/h)), r > 0, g even and continuous at 0 and τ > 0:
    −r <= S(r) <= r for all r iff g >= 0 and τ <= h²/(2 g_max); 0 <= S(r) <= r for all r iff g >= 0
    and τ <= h²/(4 g_max), half of the former.  As S(r)/r = 1 − (4τ/h²) g, these are bounds of g."""
    low, tau = (-1, ratio * HALF) if bound == "-r <= S" else (0, ratio / 4)
    return AllOf([FaceWithin(flux, "diffusivity", Fraction(0), (1 - low) / (4 * tau)),
                  Calculation(dict(tau=tau, gmax=1), [], [f"1 - 4 * tau * gmax >= {low}"],
                              "the extreme value of S(r)/r, met at r → 0 where g → g_max",
                              necessary=True)])


TWO_SHIFTS = "(H + S.T @ H @ S) / 2"


@claim("Section 2 (wavelet shrinkage)", weight="minor",
       quote="The classical wavelet transformation is not shift-invariant",
       within=dict(n=(4, 6, 8)))
def cycle_spinning_is_shift_invariant(n):
    """Decimated Haar shrinkage in general does not commute with shifts of a periodic signal of
    even length N >= 4; its average over all shifts does, and equals the average over two shifts.
    Here the shrinkage function is 0, so every pair is replaced by its mean."""
    shift = np.roll(np.eye(n, dtype=int), 1, axis=0)
    pairs = np.kron(np.eye(n // 2, dtype=int), [[1, 1], [1, 1]])
    let = [("H", "P / 2")]
    powers = [f"I({n})"]
    for k in range(1, n):
        let.append((f"S{k}", f"S @ {powers[-1]}"))
        powers.append(f"S{k}")
    spun = " + ".join(f"{s}.T @ H @ {s}" for s in powers)
    let.append(("A", f"({spun}) / {n}"))
    return Calculation(dict(S=shift, P=pairs), let, [
        "H @ S != S @ H", "A @ S == S @ A", f"A == {TWO_SHIFTS}"],
        "H is decimated Haar shrinkage with S(r) = 0 and A its average over all shifts; commuting "
        "with the shift is checked as an identity of matrices", necessary=True)
