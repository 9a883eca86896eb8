"""What a reader should see first: sentences that stand only while their verdicts do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PROVED, REFUTED = "proved", "refuted"


@dataclass(frozen=True)
class Finding:
    """A sentence about verdicts, with what it rests on.

    Attributes
    ----------
    title, text : str
        In plain Unicode.
    rests_on : mapping of str to str
        Claims and the statuses that they must have for the sentence to be true.
    """

    title: str
    text: str
    rests_on: Mapping[str, str]


FINDINGS = (
    Finding(
        "The Euclidean bound holds, and is sharp",
        "Theorem 2 of alt2021 is proved for every matrix K and every flux of its hypotheses: "
        "‖T(u)‖ <= ‖u‖ for τ <= 2/(L‖K‖²).  Just beyond, some signal grows for each K and flux "
        "tried.",
        {"alt2021.euclidean_stability": PROVED, "alt2021.euclidean_bound_is_sharp": PROVED}),
    Finding(
        "Acceleration needs frozen diffusivities",
        "At the same bound a fast semi-iterative cycle can grow when the flux is evaluated anew "
        "in every inner step: one sample, garrote flux, four inner steps.  With diffusivities "
        "frozen during the cycle the bound is proved for every cycle length.",
        {"alt2021.fsi_cycle_is_euclidean_stable_nonlinear": REFUTED,
         "alt2021.fsi_cycle_is_euclidean_stable_frozen": PROVED}),
    Finding(
        "A norm that does not grow is not robustness",
        "For nonmonotone fluxes such as Perona–Malik, two signals can drift apart at every step "
        "although neither grows; for nondecreasing fluxes differences do not grow.",
        {"alt2021.differences_do_not_grow": REFUTED,
         "alt2021.differences_do_not_grow_corrected": PROVED,
         "alt2021.sensitivity_is_bounded_for_every_depth": REFUTED}),
    Finding(
        "The hypothesis of the range bound is a sign, not a symmetry",
        "In Theorem 2 of alt2020, read literally, antisymmetry of Φ does not suffice; with "
        "r Φ(r) >= 0, which all its examples satisfy, both of its bounds are proved.",
        {"alt2020.range_stability_of_blocks": REFUTED,
         "alt2020.range_stability_of_blocks_corrected": PROVED,
         "alt2020.sign_stability_of_blocks": REFUTED,
         "alt2020.sign_stability_of_blocks_corrected": PROVED}),
    Finding(
        "The sign bound has room for every finite length",
        "For N samples and Φ = id the sharp bound is h²/(4 cos²(π/(2N − 1))), which decreases to "
        "the stated h²/4 as N → ∞.",
        {"alt2020.sign_bound_is_sharp_for_every_length": REFUTED,
         "alt2020.sign_bound_is_sharp_for_every_length_corrected": PROVED}),
    Finding(
        "Stability of PDE networks asks for more than monotone activations",
        "As stated for every nondecreasing activation, the stability of Hamiltonian and of "
        "second-order networks has small counterexamples; for linear activations (definite "
        "weights in the Hamiltonian case) both are proved.",
        {"ruthotto2018.hamiltonian_network_is_stable": REFUTED,
         "ruthotto2018.hamiltonian_network_is_stable_corrected": PROVED,
         "ruthotto2018.second_order_network_is_stable": REFUTED,
         "ruthotto2018.second_order_network_is_stable_corrected": PROVED}),
    Finding(
        "Weights between −1 and 1 are too large for a unit step",
        "With δ = 1 this box does not give the stability criterion; for 3×3 stencils with c_in "
        "and c_out channels |θ| <= √2/(9 √(c_in c_out)) does.",
        {"ruthotto2018.box_constraint_gives_stability": REFUTED,
         "ruthotto2018.box_constraint_gives_stability_corrected": PROVED}),
    Finding(
        "A smoother has to follow the operator from grid to grid",
        "The multigrid cycle printed in he2019, with the smoother ω/4 on every level, does not "
        "converge on its Galerkin hierarchy; with ω diag(A^l)⁻¹ its energy norm is below 1.  "
        "Damped Jacobi for the five-point kernel converges on every grid for ω <= 1, not for ω "
        "up to 2.",
        {"he2019.printed_multigrid_converges": REFUTED,
         "he2019.printed_multigrid_converges_corrected": PROVED,
         "he2019.damped_jacobi_converges_for_omega_between_0_and_2": REFUTED,
         "he2019.damped_jacobi_converges_for_omega_between_0_and_2_corrected": PROVED}),
    Finding(
        "Eigenvalues alone do not make a network stable",
        "Nonpositive real parts do not bound the distance of two solutions when K is not normal; "
        "coarsening R K P of a 3×3 convolution, on the other hand, is again one, exactly.",
        {"haber2017.network_is_stable_for_nonpositive_real_parts": REFUTED,
         "haber2017.galerkin_operator_is_a_convolution": PROVED}),
    Finding(
        "A step for images is not one for volumes",
        "MedPy's advice for anisotropic diffusion, at most 1/4, is right in 1-D and 2-D; in 3-D "
        "the range is kept up to 1/6.  ITK's warning comes early: steps up to 1/(2N) keep it.  "
        "Both are proved for images of every shape.",
        {"software.medpy_gamma_up_to_a_quarter_keeps_the_range": REFUTED,
         "software.medpy_gamma_up_to_a_quarter_keeps_the_range_corrected": PROVED,
         "software.itk_time_steps_that_give_a_warning_are_unstable": REFUTED,
         "software.itk_range_bound": PROVED}),
    Finding(
        "The norm of a reshaped kernel is not that of the layer",
        "A convolution whose reshaped kernel has spectral norm 1, as PyTorch and Keras make it, "
        "can stretch a signal by √t for t taps; divided by √t it cannot.",
        {"software.torch_spectral_norm_makes_convolutions_nonexpansive": REFUTED,
         "software.keras_spectral_normalization_makes_convolutions_nonexpansive": REFUTED,
         "software.torch_spectral_norm_makes_convolutions_nonexpansive_corrected": PROVED}),
)


def findings_that_stand(statuses: Mapping[str, str]) -> list[Finding]:
    """The findings whose verdicts are all as they need them."""
    return [finding for finding in FINDINGS if all(
        statuses.get(claim) == status for claim, status in finding.rests_on.items())]
