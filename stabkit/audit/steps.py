"""The steps of diffusion blocks and of Verlet steps: how large they may be."""

from __future__ import annotations

from fractions import Fraction

from stabkit.audit.blocks import Block
from stabkit.audit.lipschitz import certified_slopes, chain_square
from stabkit.audit.network import matrix_of, offset_of
from stabkit.operators.norms import rational_sqrt
from stabkit.schemes import Explicit, ResidualBlock, Scheme


def certified_step(block: Block) -> Fraction | None:
    """The largest step 2/(L ‖K‖²) that is certified to contract, for a nondecreasing Φ."""
    slopes, square = certified_slopes(block.flux), chain_square(block.before)
    if slopes is None or slopes[0] < 0 or slopes[1] <= 0 or square == 0:
        return None
    return 2 / (slopes[1] * square)


def with_step(block: Block, tau: Fraction) -> Scheme:
    """A small diffusion block with another step."""
    K = matrix_of(block.before)
    if not block.has_bias:
        return Explicit(K, block.flux, tau)
    inner = offset_of(block.before)
    return ResidualBlock(K, -tau * K.T, block.flux, inner if inner.any() else None)


def modal_step(block: Block) -> Fraction:
    """The largest step of the Verlet steps of a block."""
    return max(rational_sqrt(part.square, up=True) for part in block.couplings)


def largest_modal_step(block: Block) -> Fraction | None:
    """Up to which step no mode of a single Verlet step grows, as certified."""
    squares = [part.largest_square() for part in block.couplings]
    return None if None in squares else min(rational_sqrt(x, up=False) for x in squares)
