"""Signals that show for which steps a norm grows: at what steps they are sought."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from stabkit.stability.sharpness.growth import Growing, Matrix
from stabkit.stability.sharpness.linear import Steps

_AFTER = 1 + 1e-6
_FAR = (1.5, 4.0, 100.0)  # times the first step, where signals are tried as well
_GAPS = 16                # between refuted steps that are looked at


def growth_from_zero(matrix: Matrix) -> Growing | None:
    """A signal that grows at every step from 0 on, if there is one."""
    u = matrix.first_growth()
    found = None if u is None else matrix.growth_of(u)
    return found if found is not None and found.steps[0][0] == 0 else None


def growth_at_ends(matrix: Matrix, proved: Steps, known: list[Growing]) -> list[Growing]:
    """Further signals that grow, for steps outside the proved ones."""
    found: list[Growing] = list(known)
    ends = [high for _, high in proved if high is not None] or \
        [Fraction(1, 10**6), Fraction(1, 1000), Fraction(1)]
    near = () if matrix.is_large else (_AFTER,)
    for end, factor in product(ends, (*near, 1.001, 1.01, *_FAR)):
        dt = Fraction(float(end) * factor)
        covered = [*proved, *(steps for each in found for steps in each.steps)]
        if any(low <= dt and (high is None or dt <= high) for low, high in covered):
            continue
        top, u = matrix.largest(float(dt))
        each = matrix.growth_of(u, dt) if top > 1 else None
        if each is not None:
            found.append(each)
    return found[len(known):]


def growth_between(matrix: Matrix, proved: Steps, known: list[Growing]) -> list[Growing]:
    """Signals for steps between those that are refuted, or before them where none is proved."""
    found: list[Growing] = []
    for _ in range(_GAPS):
        steps = merge_intervals([steps for each in (*known, *found) for steps in each.steps])
        ends = [Fraction(0), *(high for _, high in steps if high is not None)]
        gaps = [(high, low) for high, (low, _) in zip(ends, steps, strict=False)
                if low > high and not any(high <= end and (top is None or end <= low)
                                          for end, top in proved)]
        if not gaps:
            break
        low, high = gaps[0]
        dt = (low + high) / 2
        top, u = matrix.largest(float(dt))
        each = matrix.growth_of(u, dt) if top > 1 else None
        if each is None:
            break
        found.append(each)
    return found


def merge_intervals(parts: list[tuple[Fraction, Fraction | None]]) -> Steps:
    """Intervals that meet as one."""
    out: list[tuple[Fraction, Fraction | None]] = []
    for low, high in sorted(parts, key=lambda steps: steps[0]):
        if out and (out[-1][1] is None or low <= out[-1][1]):
            before = out.pop()
            high = None if high is None or before[1] is None else max(high, before[1])
            low = before[0]
        out.append((low, high))
    return tuple(out)
