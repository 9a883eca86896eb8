"""A certificate in the making: conditions on the operator, the step and the flux.

Small operators are written out, and their conditions speak of entries.  A large one is written as
the few kinds of rows that it is made of, and its conditions speak of those, so its size costs no
more than a walk along the columns.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.aliases import Rational
from stabkit.arithmetic.rational import determinant, is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided
from stabkit.operators import Operator, gram, norm_squared
from stabkit.operators.row_blocks import as_evidence, is_written_out, row_blocks
from stabkit.operators.row_bounds import column_squares, gram_bound
from stabkit.schemes import DiffusionScheme
from stabkit.stability.certificates.flux_bounds import show_diffusivity, show_slopes
from stabkit.stability.verdict import Evidence, calculation


class Sketch:
    """A certificate in the making: the operator, the step and the conditions shown so far.

    Raises
    ------
    Undecided
        If the operator is too large to be written down in either way.
    """

    def __init__(self, scheme: DiffusionScheme):
        self.scheme = scheme
        self.transcript = Transcript()
        self.shows: list[str] = []
        self.missing = False
        self.large = not is_written_out(scheme.K)
        self.K = self.transcript.give_once(scheme.K, "K", lambda: as_evidence(scheme.K)).text
        self.tau = self.transcript.give_once((scheme, "tau"), "tau", lambda: scheme.tau).text

    def show(self, condition: str | None, holds: bool = True) -> None:
        """Add a condition that was found to hold; None means that it could not be shown."""
        self.missing |= condition is None or not holds
        if condition is not None:
            self.shows.append(condition)

    def diffusivity_between(self, low: Fraction, high: Fraction | None) -> None:
        """Show low <= g <= high; by the slopes of Φ where g itself resists, as g = mean of Φ′."""
        for condition in show_diffusivity(self.transcript, self.scheme.flux, low, high):
            self.show(condition)

    def slopes_between(self, low: Fraction | None, high: Fraction | None, jumps: str = "=="
                       ) -> None:
        """Show that difference quotients of Φ lie in [low, high] (``>=``: or jump downwards)."""
        for condition in show_slopes(self.transcript, self.scheme.flux, low, high, jumps):
            self.show(condition)

    def gram_at_most(self, bound: int, weight: Fraction) -> None:
        """Show that ``bound`` I − τ weight KᵀK is positive semidefinite."""
        n, scheme = self.scheme.size, self.scheme
        tau: Rational = scheme.tau
        if not self.large:
            matrix = bound * np.eye(n, dtype=int) - tau * weight * gram(scheme.K)
            self.show(f"psd({bound} * I({n}) - {self.tau} * {weight} * ({self.K}.T @ {self.K}))",
                      is_psd(matrix))
        elif tau * weight * gram_bound(scheme.K) <= bound:
            self.show(f"{self.tau} * {weight} * gram_bound({self.K}) <= {bound}")
        elif _is_side_by_side(scheme.K):
            self.show(f"gram_at_most({self.K}, {bound} / ({self.tau} * {weight}))",
                      tau * weight * norm_squared(scheme.K).upper <= bound)
        else:
            raise Undecided(f"the step is beyond {bound}/(c B), where B = {gram_bound(scheme.K)} "
                            "bounds |K|^2 by the sums of rows of |K|'|K|, and no better bound of "
                            "so large an operator is tried")

    def gram_below_one(self, weight: Fraction) -> None:
        """Show that I − τ weight KᵀK is positive definite."""
        n, scheme = self.scheme.size, self.scheme
        tau: Rational = scheme.tau
        if self.large:
            self.show(f"{self.tau} * {weight} * gram_bound({self.K}) < 1",
                      tau * weight * gram_bound(scheme.K) < 1)
            return
        matrix = np.eye(n, dtype=int) - tau * weight * gram(scheme.K)
        self.show(f"pd(I({n}) - {self.tau} * {weight} * ({self.K}.T @ {self.K}))",
                  is_psd(matrix) and determinant(matrix) != 0)

    def one_neighbour_each_way(self) -> None:
        """Show that the off-diagonal entries of KᵀGK are <= 0 for every diagonal G >= 0."""
        signs = [[value > 0 for value in row] for row in _kinds_of_rows(self.scheme.K)]
        self.show(f"largest_product({self.K}) <= 0",
                  all(row.count(True) <= 1 and row.count(False) <= 1 for row in signs))

    def constants_are_kept(self) -> None:
        """Show K 1 = 0."""
        n, m = self.scheme.size, self.scheme.K.shape[0]
        self.show(f"row_sums({self.K}) == 0" if self.large else
                  f"{self.K} @ ones({n}) == zeros({m})",
                  all(sum(row) == 0 for row in _kinds_of_rows(self.scheme.K)))

    def tridiagonal(self) -> None:
        """Show that KᵀK is tridiagonal."""
        if self.large:
            self.show(f"side_by_side({self.K})", _is_side_by_side(self.scheme.K))
            return
        a = gram(self.scheme.K)
        self.show(f"tridiagonal({self.K}.T @ {self.K})",
                  all(a[i, j] == 0 for i, j in np.ndindex(a.shape) if abs(i - j) > 1))

    def diagonal_at_most_one(self, weight: Fraction) -> None:
        """Show that τ weight (KᵀK)ᵢᵢ <= 1 for every i."""
        K, n, m = self.K, self.scheme.size, self.scheme.K.shape[0]
        tau: Rational = self.scheme.tau
        self.show(f"{self.tau} * {weight} * column_squares({K}) <= 1" if self.large else
                  f"nonneg(ones({n}) - {self.tau} * {weight} * (({K}.T * {K}.T) @ ones({m})))",
                  tau * weight * column_squares(self.scheme.K) <= 1)

    def finish(self, by: str) -> Evidence | None:
        if self.missing:
            return None
        return calculation("certificate", self.transcript, self.shows, by)


def _kinds_of_rows(K: Operator) -> list[tuple[Fraction, ...]]:
    """The entries of each row; of equal rows that are written as one, once."""
    blocks = None if is_written_out(K) else row_blocks(K)
    return [block.values for block in blocks] if blocks is not None else \
        [tuple(value for _, value in row) for row in K.rows]


def _is_side_by_side(K: Operator) -> bool:
    """Whether no row has more than two entries, and those in neighbouring columns."""
    blocks = row_blocks(K)
    return blocks is not None and all(
        len(block.at) < 2 or block.at == (block.at[0], block.at[0] + 1) for block in blocks)
