"""What a step breaks by no more than its floats are rounded says nothing of what was meant.

The weights of a normalised Gaussian are computed, so no short number tells what each was meant to
be, and as doubles they sum to 1 + 1.1e-16: that refutes the doubles, and not the filter.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import lcm

import numpy as np

from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Notion
from stabkit.stability.sharpness import rows
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.growth import Matrix
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.row_evidence import step_in
from stabkit.tracing.evaluation import matrix_at

_SHORT = 1 << 30  # denominator of a signal that is applied as int64
_UNITS = 2**12  # in the last place, which a computation may have lost


def beyond_rounding(bound: StepBound, step: OwnStep, notion: Notion) -> StepBound:
    """The sets, without steps that are refuted only by the rounding of floats."""
    unit = step.trace.unit
    if not unit or not bound.refuted or not (notion in rows.WORDS or notion in (
            EUCLIDEAN, CONTRACTION)):
        return bound
    kept = [any(_violation(bound, step, notion, dt) > _UNITS * unit
                for dt in {step_in(steps), *(end for end in steps if end)})
            for steps in bound.refuted]
    if all(kept):
        return bound
    aligned = len(bound.witness) == len(kept)
    return replace(
        bound, refuted=tuple(s for s, keep in zip(bound.refuted, kept, strict=True) if keep),
        witness=tuple(w for w, keep in zip(bound.witness, kept, strict=True) if keep)
        if aligned else (),
        signals=bound.signals if kept[0] else (), by=bound.by if kept[0] else "",
        lines=(*bound.lines, "it fails by no more than the rounding of floats that the step "
               "computes with, which refutes nothing that was meant; write them as fractions"))


def _violation(bound: StepBound, step: OwnStep, notion: Notion, dt: Fraction) -> Fraction:
    """How much is broken at a step, in units of the largest coefficient, which is 1 at least."""
    form = step.free.form
    size = float(np.abs(matrix_at(form, float(dt), 1 + form.count).data).max(initial=0))
    unit = max(Fraction(1), Fraction(size))
    if notion in rows.WORDS:
        divisor = rows.value(form.denominator, dt)
        return max(-rows.value(c.polynomial, dt) / divisor for c in rows.conditions(
            step.kinds, notion, step.free.held)) / unit
    if not bound.signals:
        return Fraction(1)
    u = bound.signals[0].ravel()
    scale = lcm(*(x.denominator for x in u))
    whole = [int(x * scale) for x in u]
    if not any(whole):  # a source moves it
        return Fraction(float(np.abs(form.constants()).max()) / float(form.denominator[0])) / unit
    growth = Matrix(form).growth(np.array(whole, dtype=object if scale > _SHORT else np.int64))
    grown = sum((c * dt**k for k, c in enumerate(growth)), Fraction(0))
    return grown / sum(x * x for x in whole) / rows.value(form.denominator, dt)**2 / unit**2
