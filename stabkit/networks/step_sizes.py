"""The steps of diffusion blocks and of Verlet steps: how large they may be."""

from __future__ import annotations

from fractions import Fraction

from stabkit.networks.blocks import Block
from stabkit.networks.layers.activation import certified_slopes
from stabkit.operators.norms import rational_sqrt
from stabkit.schemes import Explicit, ResidualBlock, Scheme


def certified_step(block: Block) -> Fraction | None:
    """The largest step 2/(L ‖K‖²) that is certified to contract, for a nondecreasing Φ."""
    return block.once("certified step", lambda: _certified_step(block))


def _certified_step(block: Block) -> Fraction | None:
    if block.flux is None or block.before is None:
        return None
    slopes, square = certified_slopes(block.flux), block.before.square
    if slopes is None or slopes[0] < 0 or slopes[1] <= 0 or square == 0:
        return None
    return 2 / (slopes[1] * square)


def with_step(block: Block, tau: Fraction) -> Scheme:
    """A small diffusion block with another step."""
    before, _, flux = block.parts
    K, inner = before.matrix, before.offset
    if not block.has_bias:
        return Explicit(K, flux, tau)
    return ResidualBlock(K, -tau * K.T, flux, inner if inner.any() else None)


def modal_step(block: Block) -> Fraction:
    """The largest step of the Verlet steps of a Hamiltonian block."""
    return block.once("modal step", lambda: max(
        rational_sqrt(part.square, up=True) for part in block.couplings
        if part.square is not None))


def largest_modal_step(block: Block) -> Fraction | None:
    """Up to which step no mode of a single Verlet step grows, as certified."""
    return block.once("largest modal step", lambda: _largest_modal_step(block))


def _largest_modal_step(block: Block) -> Fraction | None:
    squares = [square for part in block.couplings
               if (square := part.largest_square()) is not None]
    return None if len(squares) < len(block.couplings) else min(
        rational_sqrt(square, up=False) for square in squares)
