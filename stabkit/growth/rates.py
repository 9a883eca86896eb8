"""Norms and logarithmic norms of matrices, and the rates of growth of a flow that they prove.

The logarithmic norm μ(J) is the largest eigenvalue of (J + Jᵀ)/2.  If μ(F′) <= r everywhere, two
solutions of y′ = F(y) obey ‖e(T)‖ <= exp(rT) ‖e(0)‖.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.aliases import Matrix
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.operators import from_matrix, operator_norm
from stabkit.operators.norms import rational_sqrt
from stabkit.schemes.symmetric import SymmetricLayer
from stabkit.spectra.matrices import ends_of

_BITS = 128
_SHORT = 96  # bits of a fraction that need not be rounded


def matrix_norm(matrix: Matrix) -> Interval:
    """Enclose the spectral norm of a matrix of fractions or intervals.

    Of intervals with midpoints C and radii R: ‖C‖ − ‖R‖ <= ‖M‖ <= ‖C‖ + ‖R‖, with the
    Frobenius norm of R.
    """
    centre, radius = _centre(matrix)
    with precision(_BITS):
        size = operator_norm(from_matrix(centre)) + Interval(-radius, radius)
        return size if size.lo >= 0 else Interval(0, size.hi)


def logarithmic_norm(matrix: Matrix) -> Interval:
    """Enclose μ(M), the largest eigenvalue of (M + Mᵀ)/2, for a matrix of fractions or intervals.

    Raises
    ------
    InvalidArgument
        If the matrix is not square.
    """
    centre, radius = _centre(matrix)
    if centre.shape[0] != centre.shape[1]:
        raise InvalidArgument(f"matrix: must be square, got shape {centre.shape}")
    symmetric = (centre + centre.T) / 2
    # Shifted by more than its norm it is positive, and its norm is its largest eigenvalue.
    shift = max(sum(abs(entry) for entry in row) for row in symmetric)
    shifted = symmetric + shift * np.eye(len(centre), dtype=int)
    with precision(_BITS):
        return operator_norm(from_matrix(shifted)) - shift + Interval(-radius, radius)


def parabolic_rate(layer: SymmetricLayer) -> Interval:
    """The rate r of the flow y′ = F(y) of a symmetric layer: ‖e(T)‖ <= exp(rT) ‖e(0)‖.

    F′ = −Kᵀ diag(d) K with dᵢ = sᵢσ′ falls with every dᵢ, so its logarithmic norm is at most that
    for the smallest dᵢ.

    Returns
    -------
    Interval
        Encloses that logarithmic norm; its upper end is a proven rate.

    Raises
    ------
    HypothesisNotMet
        If σ jumps, or the layer has a normalisation.
    """
    smallest, _ = _slopes(layer)
    return logarithmic_norm(-_gram(layer, smallest))


def second_order_rate(layer: SymmetricLayer) -> Interval:
    """The rate r of y″ = F(y): ‖e(T)‖ <= exp(rT) ‖e(0)‖ for solutions with e′(0) = 0.

    With 0 <= Kᵀ diag(d) K <= ρ and w² = ρ/2 the logarithmic norm of (w e, e′) is at most w/2, so
    r = √(2ρ)/4.

    Returns
    -------
    Interval
        Its upper end is a proven rate.

    Raises
    ------
    HypothesisNotMet
        If σ jumps, sᵢσ′ can be negative, or the layer has a normalisation.
    """
    smallest, largest = _slopes(layer)
    if min(smallest) < 0:
        raise HypothesisNotMet("second_order_rate: needs a nondecreasing activation and scales "
                               f"s >= 0, got slopes from {min(smallest)}")
    rho = logarithmic_norm(_gram(layer, largest))
    with precision(_BITS):
        return (2 * Interval(max(rho.lower, Fraction(0)), rho.upper)).sqrt() / 4


def _slopes(layer: SymmetricLayer) -> tuple[list[Fraction], list[Fraction]]:
    """The ranges of sᵢσ′, row by row."""
    facts = layer.activation.facts
    if not facts.continuous or layer.normalisation is not None:
        raise HypothesisNotMet("layer: needs a continuous activation and no normalisation")
    scale = [Fraction(1)] * layer.K.shape[0] if layer.scale is None else layer.scale
    ends = [(s * facts.slopes[0], s * facts.slopes[1]) for s in scale]
    return [min(pair) for pair in ends], [max(pair) for pair in ends]


def _gram(layer: SymmetricLayer, d: list[Fraction]) -> np.ndarray:
    K = layer.K.exact()
    return K.T @ (np.array(d, dtype=object)[:, None] * K)


def _centre(matrix: Matrix) -> tuple[np.ndarray, Fraction]:
    """A matrix of short fractions near the given one, and a bound of the distance in norm."""
    given = np.asarray(matrix, dtype=object)
    if given.ndim != 2 or not given.size:
        raise InvalidArgument(f"matrix: must have two dimensions, got shape {given.shape}")
    pairs = [ends_of(entry) for entry in given.flat]
    largest = max(max(abs(low), abs(high)) for low, high in pairs) or Fraction(1)
    bits = largest.numerator.bit_length() - largest.denominator.bit_length()
    unit = Fraction(2) ** (bits - _SHORT)
    centre, square = np.empty(given.shape, dtype=object), Fraction(0)
    for place, (low, high) in zip(np.ndindex(given.shape), pairs, strict=True):
        middle = (low + high) / 2
        if max(middle.denominator, abs(middle.numerator)).bit_length() > _SHORT:
            middle = round(middle / unit) * unit
        centre[place] = middle
        square += max(high - middle, middle - low) ** 2
    return centre, rational_sqrt(square, up=True)
