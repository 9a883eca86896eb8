"""Pictures: each is one public function that returns a matplotlib figure.

Beside its functions this package holds the list of the pictures of the report, in order, with
their captions and with the claims they belong to.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from stabkit.report.figures.analysis import plot
from stabkit.report.figures.bounds import (
    claimed_step,
    margin_against_step,
    sharp_bounds,
    sharp_explicit_step,
)
from stabkit.report.figures.cycles import fsi_polynomials, growing_cycle
from stabkit.report.figures.dictionary import dictionary
from stabkit.report.figures.ecg import ecg
from stabkit.report.figures.grids import multigrid_histories, stencil_transfer
from stabkit.report.figures.ledger import verdict_map
from stabkit.report.figures.network import audited
from stabkit.report.figures.orbits import (
    before_and_after,
    drifting_orbits,
    notions_of_a_step,
    witness,
)
from stabkit.report.figures.robustness import robustness
from stabkit.report.figures.spectra import spectra_along_a_trajectory
from stabkit.report.figures.style import inline_svg, png, svg

__all__ = [
    "PICTURES", "Picture", "audited", "before_and_after", "claimed_step", "dictionary",
    "drifting_orbits", "ecg", "fsi_polynomials", "growing_cycle", "inline_svg",
    "margin_against_step", "multigrid_histories", "notions_of_a_step", "plot", "png",
    "robustness", "sharp_bounds", "sharp_explicit_step", "spectra_along_a_trajectory",
    "stencil_transfer", "svg", "verdict_map", "witness",
]


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes
    ----------
    draw : callable
        Without arguments it draws the picture; its name is that of the files.
    title, caption : str
        Statements in plain Unicode.
    alt : str
        What is to be seen, for those who cannot see it.
    claims : tuple of str
        The claims beside which it stands.
    needs : str
        A package of an extra without which it cannot be drawn.
    """

    draw: Callable[[], Figure]
    title: str
    caption: str
    alt: str
    claims: tuple[str, ...] = ()
    needs: str = ""

    @property
    def name(self) -> str:
        return self.draw.__name__

    @property
    def available(self) -> bool:
        """Whether what it needs is installed."""
        return not self.needs or importlib.util.find_spec(self.needs) is not None


PICTURES = (
    Picture(
        margin_against_step, "How far a step may go",
        "The smallest margin among structured and random signals of N = 4 samples, against the "
        "step over the claimed bound (dashed).  A negative margin means that the notion is "
        "broken.  The grey band is the sharp step of the linear scheme, between the largest "
        "certified and the smallest refuted one: the Euclidean and the range bound are sharp, the "
        "sign bound leaves room at this length.  The three fluxes agree because small "
        "signals, on which all of them are linear, are the worst.",
        "Three panels, one per notion, of the smallest margin found against the step over "
        "the claimed bound. For Euclidean norm and range it is zero up to the bound and "
        "falls straight below zero from there; for sign changes it is zero up to 1.2 "
        "times the bound and then falls in steps. The lines of three fluxes lie on each "
        "other.",
        ("alt2021.euclidean_stability", "alt2020.maximum_minimum_principle",
         "alt2020.sign_stability_of_blocks_corrected", "alt2021.euclidean_bound_is_sharp",
         "alt2020.range_bound_is_necessary")),
    Picture(
        sharp_bounds, "Sharp bounds against the number of samples",
        "Explicit step with first differences, Φ(s) = s.  Filled triangles: certified up to here; "
        "open ones: refuted from here; both by exact bisection.  Range and Euclidean norm meet "
        "the claimed bounds (dashed; for the range from N = 3 on).  The sign bound h²/4 is "
        "reached only as N → ∞; for N samples the sharp one is h²/(4 cos²(π/(2N − 1))).",
        "The largest step against the number of samples, from 2 to 10, for three notions. "
        "The range bound stays at one half, the Euclidean bound falls from one towards "
        "one half, the sharp sign bound falls from one towards one quarter; certified and "
        "refuted steps enclose each of them.",
        ("alt2020.sign_bound_is_sharp_for_every_length",
         "alt2020.sign_bound_is_sharp_for_every_length_corrected",
         "alt2020.range_bound_is_necessary", "alt2021.euclidean_bound_is_sharp")),
    Picture(
        growing_cycle, "A nonlinear cycle that grows, at the step size bound",
        "One sample, K = 1, garrote flux, τ = 2/(L‖K‖²), a cycle of length 4 from u⁰ = 7/4: with "
        "the flux evaluated anew in every inner step the result is larger than the start.  With "
        "diffusivities frozen during the cycle, and for linear diffusion, it cannot grow.",
        "Left: values of one sample over four inner steps. With the flux evaluated anew "
        "they leave the grey band and end at 2.031, above the start of 1.75; with frozen "
        "diffusivity and for linear diffusion they stay inside. Right: the flux, with the "
        "points where it is evaluated.",
        ("alt2021.fsi_cycle_is_euclidean_stable_nonlinear",
         "alt2021.fsi_cycle_is_euclidean_stable_frozen",
         "alt2021.fsi_cycle_keeps_the_range_nonlinear")),
    Picture(
        fsi_polynomials, "What a fast semi-iterative cycle does",
        "A cycle of length n multiplies an eigenvector of τKᵀK with eigenvalue z by p_n(z).  "
        "|p_n| <= 1 on [0, 2], so the Euclidean bound of the explicit step serves every length, "
        "while the time covered grows with n²; beyond z = 2 long cycles explode.  The negative "
        "lobes are why sign changes may grow.",
        "Left: the polynomials of cycles of 1, 2, 3, 5 and 8 inner steps over the "
        "eigenvalue; all lie between −1 and 1 up to 2, and the longer ones leave that "
        "band steeply beyond it. Right: the time that a cycle covers bends upwards with "
        "its length, that of explicit steps is a straight line.",
        ("alt2021.fsi_cycle_polynomial", "alt2021.fsi_super_time_step",
         "alt2021.fsi_cycle_is_euclidean_stable_linear",
         "alt2021.fsi_cycle_is_sign_stable_linear",
         "alt2021.fsi_cycle_is_sign_stable_linear_corrected")),
    Picture(
        before_and_after, "Three witnesses, before and after one step",
        "Each is exact and was found by the program: the Euclidean norm grows just beyond the "
        "bound; a nonlinear cycle leaves the range (grey) at the bound; a step of 1/3, below the "
        "range bound 1/2 and above the sign bound 1/4, makes a new sign change.",
        "Three small signals before and after one step: an alternating one that grows, "
        "one that falls below zero, its smallest value, and one that gains a change of "
        "sign.",
        ("alt2021.fsi_cycle_keeps_the_range_nonlinear", "alt2021.euclidean_bound_is_sharp",
         "alt2020.sign_stability_of_blocks_corrected")),
    Picture(
        drifting_orbits, "Two orbits drift apart although no norm grows",
        "Two samples, Perona–Malik flux with λ = 1, τ = 1/4, well inside the Euclidean bound.  "
        "Both orbits shrink, but where the flux decreases their distance grows: stability of the "
        "norm is not robustness.  For monotone fluxes differences do not grow.",
        "Left: the edges of two signals that begin almost equal fall together for 200 "
        "blocks and then part. Right: the distance of the signals over that at the start, "
        "on a logarithmic axis, rises through the factor 100 after about 250 blocks.",
        ("alt2021.sensitivity_is_bounded_for_every_depth", "alt2021.differences_do_not_grow",
         "alt2021.differences_do_not_grow_corrected")),
    Picture(
        spectra_along_a_trajectory, "Spectra of the step along a trajectory",
        "Eigenvalues of the Jacobian of the step, enclosed at each state.  Left: a Verlet step of "
        "a Hamiltonian network keeps to the unit circle.  Middle and right: the Jacobian of an "
        "explicit diffusion step is symmetric, its spectrum real; it leaves [−1, 1] while an edge "
        "lies where the flux decreases, though the norm of the signal never grows.",
        "Left: eigenvalues of a Verlet step on the unit circle in the complex plane. "
        "Middle: real eigenvalues of an explicit step against the state, the largest "
        "above 1 for the first states. Right: the spectral radius, up to about 1.2 at "
        "first and 1 after eight states.",
        ("ruthotto2018.hamiltonian_jacobian_is_imaginary",
         "ruthotto2018.verlet_discretises_the_hamiltonian_network_corrected",
         "ruthotto2018.a_stable_step_size_exists_corrected",
         "alt2021.proof_unit_spectrum_gives_euclidean_stability")),
    Picture(
        dictionary, "The dictionary: one nonlinearity, four faces",
        "Rows of Table 3 of alt2020 at τ = 1/4, h = 1 and unit thresholds: diffusivity g, "
        "regulariser Ψ, shrinkage S (dotted: the identity) and flux Φ.  Blue: Φ is nondecreasing, "
        "the energy is convex; red: it is not.",
        "A grid of small curves: one row per flux of the dictionary, one column each for "
        "diffusivity, regulariser, shrinkage and flux. Rows with a nondecreasing flux are "
        "blue, the others red.",
        ("alt2020.dictionary_conversions_are_consistent", "alt2020.dictionary_row_constant",
         "alt2020.dictionary_row_charbonnier", "alt2020.dictionary_row_truncated_tv",
         "alt2020.dictionary_row_perona_malik", "alt2020.dictionary_row_garrote",
         "alt2020.dictionary_row_hard", "alt2020.flux_monotonicity_separates_the_classes",
         "alt2020.dictionary_satisfies_the_sign_condition")),
    Picture(
        multigrid_histories, "Multigrid cycles",
        "Relative residuals for the Poisson equation with a random right-hand side, and the mean "
        "factor of the last cycles against the grid.  V(1,1) and "
        "W(1,1) with Jacobi coincide: the two-grid cycle sets the factor.  More smoothing buys a "
        "smaller one; none of them grows with the number of unknowns.",
        "Left: residuals on a logarithmic axis fall along straight lines with the cycles, "
        "fastest for V(2,2) and for Gauss-Seidel, slowest for V(1,1) with Jacobi; Gauss- "
        "Seidel alone hardly falls. Right: the factors per cycle are level from 15 to 255 "
        "nodes along a side.",
        ("alt2021.unet_is_a_two_level_v_cycle", "alt2021.unet_repetition_solves_the_system",
         "alt2021.w_cycle_is_two_v_cycles", "he2019.w_cycle_bound",
         "he2019.printed_multigrid_converges_corrected",
         "he2019.kernel_hierarchy_converges_corrected")),
    Picture(
        stencil_transfer, "Stencils between grids",
        "Three stencils on mesh size h, and what becomes of them on 2h: by Galerkin coarsening "
        "R K P with linear interpolation and full weighting, and by rediscretisation, which "
        "keeps the differential operator that the weights stand for.",
        "Nine tables of 3 × 3 weights: in rows a Laplace, a Sobel and an arbitrary "
        "stencil; in columns the stencil on mesh size h, coarsened by R K P, and "
        "rediscretised on 2h.",
        ("haber2017.galerkin_operator_is_a_convolution",
         "haber2017.coefficients_are_mesh_independent", "haber2017.fine_stencil_is_unique")),
    Picture(
        ecg, "An electrocardiogram, denoised by each scheme",
        "Grey: the recording; blue: what is left of it after noise was added and the scheme was "
        "run.  The statuses are those of one step of the same scheme on six samples; they are "
        "decided when the picture is drawn.",
        "An electrocardiogram with noise, and below it what each scheme leaves of it: "
        "five curves that are smoother and keep the tall peak, each with its error and "
        "its statuses.",
        ("alt2021.fourth_order_diffusion_keeps_the_range",
         "alt2020.haar_shrinkage_is_a_diffusion_step",
         "alt2021.implicit_scheme_keeps_the_range"), needs="pywt"),
)
