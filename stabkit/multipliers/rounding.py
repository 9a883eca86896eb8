"""From multipliers in floating point to rational ones that add up exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import scipy.linalg

from stabkit.multipliers.hypotheses import Block, Form
from stabkit.multipliers.linear_systems import complete, factors, reduce_system
from stabkit.multipliers.program import Multipliers, Setting, solve

ACCEPTED = 1e-6  # what may be left over before rounding
ROUNDS = 4  # of leaving out directions that are not needed
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 60, 120, 1000, 5000)  # of denominators

Found = list[tuple[Block, list[list[Fraction]]]]


def round_multipliers(goal: Form, blocks: Sequence[Block], setting: Setting
                      ) -> tuple[Found | None, float]:
    """Blocks with semidefinite rational multipliers whose sum is the goal, and what was left over.
    """
    smallest = np.inf
    for number in range(ROUNDS):
        found = solve(goal, blocks, setting.weight)
        smallest = smallest if found is None else min(smallest, found.residual)
        if found is None or found.residual > ACCEPTED:
            return None, smallest
        fewer = [_face(block, X, setting.small * max(1.0, np.abs(found.values).max()))
                 for block, X in _matrices(blocks, found)]
        if number == ROUNDS - 1 or all(
                new is old for new, old in zip(fewer, blocks, strict=True)):
            return _exact(goal, blocks, found), smallest
        blocks = fewer
    return None, smallest


def _matrices(blocks: Sequence[Block], found: Multipliers) -> Iterator[tuple[Block, np.ndarray]]:
    position = 0
    for block in blocks:
        n = block.size
        X = np.zeros((n, n))
        upper = np.triu_indices(n)
        X[upper] = found.values[position:position + len(upper[0])]
        position += len(upper[0])
        yield block, X + np.triu(X, 1).T


def _face(block: Block, X: np.ndarray, small: float) -> Block:
    """The block at combinations that span the range of X; itself if all are needed."""
    if block.free or not block.size:
        return block
    values, vectors = np.linalg.eigh(X)
    keep = values > small
    if keep.all():
        return block
    count = int(keep.sum())
    if not count:
        return block.restrict([[] for _ in range(block.size)])
    R = vectors[:, keep]
    *_, order = scipy.linalg.qr(R.T, pivoting=True)
    C = R @ np.linalg.inv(R[np.sort(order[:count])])
    return block.restrict([[simple(x, 1e-3, 12) for x in row] for row in C])


def simple(x: float, tolerance: float, largest: int = SIZES[-1]) -> Fraction:
    """The rational number of the smallest denominator within a tolerance."""
    exact = Fraction(x)
    for size in (*(size for size in SIZES if size < largest), largest):
        near = exact.limit_denominator(size)
        if abs(near - exact) <= tolerance * (1 + abs(x)):
            return near
    return exact.limit_denominator(largest)


def _exact(goal: Form, blocks: Sequence[Block], found: Multipliers) -> Found | None:
    columns = [column for block in blocks for column in block.columns]
    keys = sorted({*goal, *(key for column in columns for key in column)}, key=repr)
    system = reduce_system(columns, keys, goal)
    if system is None:
        return None
    form, pivots = system
    free = set(range(len(columns))) - set(pivots)
    for tolerance, size in ((1e-3, 60), (1e-3, 5000), (1e-5, 5000), (1e-7, 10**6), (1e-9, 10**9)):
        entries = complete(form, pivots, {
            j: simple(found.values[j], tolerance, size) for j in free})
        made = _semidefinite(blocks, entries)
        if made is not None:
            return made
    return None


def _semidefinite(blocks: Sequence[Block], entries: Sequence[Fraction]) -> Found | None:
    made: Found = []
    position = 0
    for block in blocks:
        n = block.size
        X = [[Fraction(0)] * n for _ in range(n)]
        for i in range(n):
            for j in range(i, n):
                X[i][j] = X[j][i] = entries[position]
                position += 1
        if not block.free and factors(X) is None:
            return None
        if any(map(any, X)):
            made.append((block, X))
    return made
