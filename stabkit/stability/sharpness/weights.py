"""The weights of a norm: given, or found such that they make the step symmetric."""

from __future__ import annotations

from fractions import Fraction

from stabkit.errors import Undecided
from stabkit.stability.invariants import Weighted
from stabkit.stability.notions import Notion
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.tracing.form import CONSTANT, Form


def weights_of(step: OwnStep, notion: Notion) -> tuple[list[Fraction] | None, list[str]]:
    """The weights of a notion for the entries that are free, and in words where they are from."""
    if not isinstance(notion, Weighted):
        return None, []
    if notion.weights is not None:
        spread = notion.spread(step.trace.shape) or []
        return [spread[k] for k in step.free.places.tolist()], []
    weights = symmetrising_weights(step.free.form)
    if weights is None:
        raise Undecided("no positive weights make the step symmetric; give weights, as in "
                        "weighted([1, 3]), or ask decide(step, weighted(), shape=..., dt=...), "
                        "which seeks a matrix at one dt")
    shown = ", ".join(map(str, weights[:8])) + (", ..." if len(weights) > 8 else "")
    return weights, [f"weights that make the step symmetric: {shown}"]


def symmetrising_weights(form: Form) -> list[Fraction] | None:
    """Positive weights w with w_i c_ij = w_j c_ji for every step, or None; 1 is the smallest."""
    entries = {(i, c - 1): p for i, c, p in zip(
        form.rows.tolist(), form.columns.tolist(), map(tuple, form.numerators.tolist()),
        strict=True) if c != CONSTANT and c - 1 != i}
    beside: dict[int, list[int]] = {}
    for i, j in entries:
        beside.setdefault(i, []).append(j)
    weights: dict[int, Fraction] = {}
    for start in range(form.count):
        if start in weights:
            continue
        weights[start], queue = Fraction(1), [start]
        while queue:
            i = queue.pop()
            for j in beside.get(i, ()):
                ratio = _ratio(entries[i, j], entries.get((j, i)))
                if ratio is None:
                    return None
                if j not in weights:
                    weights[j] = weights[i] * ratio
                    queue.append(j)
                elif weights[j] != weights[i] * ratio:
                    return None
    least = min(weights.values())
    return [weights[k] / least for k in range(form.count)]


def _ratio(p: tuple[int, ...], q: tuple[int, ...] | None) -> Fraction | None:
    """p/q where that is a positive number."""
    at = next((k for k, c in enumerate(p) if c), None)
    if q is None or at is None or not q[at]:
        return None
    ratio = Fraction(p[at], q[at])
    return ratio if ratio > 0 and all(a == ratio * b for a, b in zip(p, q, strict=True)) else None
