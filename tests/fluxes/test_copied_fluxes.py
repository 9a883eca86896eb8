"""A copy of a flux knows the pieces that are its own."""

from copy import deepcopy
from fractions import Fraction

from stabkit import fluxes


def test_a_copy_of_a_flux_in_use_has_its_values():
    """Of s on [−1, 1] and ±1 beyond, the diffusivity is min(1, 1/|s|), in a copy as before."""
    flux = fluxes.soft()
    assert flux.diffusivity(Fraction(2)) == Fraction(1, 2)
    made = deepcopy(flux)
    assert [made.diffusivity(Fraction(s)) for s in (0, 1, 2, -4)] == [
        1, 1, Fraction(1, 2), Fraction(1, 4)]
    assert made.slope(Fraction(3)) == 0
