"""Certified Lipschitz constants of blocks: better than the product of their layers' norms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

from stabkit.audit.blocks import ACTIVATION, AFFINE, DIFFUSION, RESIDUAL, Block
from stabkit.audit.layers import Graph
from stabkit.audit.lipschitz import (
    certified_slopes,
    chain_square,
    slope_evidence,
    upper_bound,
)
from stabkit.audit.network import is_small, matrix_of
from stabkit.operators import norm_squared
from stabkit.operators.singular_values import upper_root
from stabkit.transcript import Transcript
from stabkit.verdict import Evidence, calculation

_SHOWN = 32   # columns up to which a bound is shown by a matrix inequality in the evidence
ONE = Fraction(1)


def block_bound(block: Block) -> Fraction | None:
    """A certified Lipschitz constant of a block, or None where its activation has none."""
    if block.form == AFFINE:
        return upper_root(chain_square(block.graph))
    plain = upper_bound(block.graph)
    if block.form not in (DIFFUSION, RESIDUAL) or plain is None:
        return plain
    low, high = certified_slopes(block.flux)
    square, size = chain_square(block.before), max(abs(low), abs(high))
    if block.form == DIFFUSION:
        # I − τKᵀDK is symmetric, and D has entries in [low, high].
        above, below = max(high, Fraction(0)), min(low, Fraction(0))
        return max(ONE, block.tau * above * square - 1, 1 - block.tau * below * square)
    inner, outer = upper_root(square), upper_root(chain_square(block.after))
    return min(plain, 1 + size * inner * outer, *_near(block, square, inner, low, high))


def _near(block: Block, square: Fraction, inner: Fraction, low: Fraction, high: Fraction
          ) -> list[Fraction]:
    """The bound of the nearest diffusion block, plus what the difference from it can do."""
    if block.transpose is None or block.transpose.nearest >= 0:
        return []
    tau, away = Fraction(-block.transpose.nearest), block.transpose.away
    if is_small(block.before) and is_small(block.after):
        rest = matrix_of(block.after) + tau * matrix_of(block.before).T
        away = upper_root(norm_squared(rest).upper) if any(rest.values) else Fraction(0)
    above, below = max(high, Fraction(0)), min(low, Fraction(0))
    return [max(ONE, tau * above * square - 1, 1 - tau * below * square)
            + max(abs(low), abs(high)) * inner * away]


def product(bounds: Sequence[Fraction | None]) -> Fraction | None:
    """The constant of a composition."""
    return None if None in bounds else prod(bounds, start=ONE)


def evidence_of(blocks: Sequence[Block], bounds: Sequence[Fraction], at_most: Fraction, by: str
                ) -> tuple[Evidence, ...]:
    """That the constants of the blocks multiply to `at_most` at most.

    Those of small linear maps and of activations are shown; the others are taken as given by the
    checker, and the evidence says so.
    """
    log, shows, given, slopes = Transcript(), [], [], []
    factors: list[str] = []
    for block, bound in zip(blocks, bounds, strict=True):
        name = log.give("L", bound).text
        factors.append(name)
        if block.form == AFFINE and is_small(block.graph) and _narrow(block.graph):
            matrix = log.give("W", matrix_of(block.graph).exact())
            shows.append(f"psd({name}**2 * I({block.graph.size}) - {matrix.text}.T @ "
                         f"{matrix.text})")
        elif block.form == ACTIVATION:
            if slope_evidence(block.flux) not in slopes:
                slopes.append(slope_evidence(block.flux))
        else:
            given.append(name)
    shows.append(f"{' * '.join(factors)} <= {at_most}")
    words = "the Lipschitz constants of maps in a row multiply"
    if given:
        words += (f"; {', '.join(given)} are bounds that stabkit has computed with every rounding "
                  "error counted, and are taken as given here")
    return (*slopes, calculation("certificate", log, shows, f"{words}; {by}"))


def _narrow(graph: Graph) -> bool:
    return graph.size <= _SHOWN and prod(graph.nodes[-1].shape) <= 4 * _SHOWN


