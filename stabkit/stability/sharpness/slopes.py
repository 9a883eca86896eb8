"""Contraction of L u + C φ(B u + b) at one step, for functions φ with slopes between −1 and 1.

|T(u) − T(w)| <= (‖L‖ + ‖C‖ ‖B‖) |u − w|, so it is enough that the factor is 1 at most.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided
from stabkit.operators import from_matrix, norm_squared
from stabkit.operators.norms import rational_sqrt
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.notions import Notion
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.verdict import calculation
from stabkit.tracing import Trace
from stabkit.tracing.form import CONSTANT, Form
from stabkit.tracing.run import values_at

_SLOPES = ("tanh", "arctan", "sin", "cos", "abs", "absolute")  # |φ(s) − φ(t)| <= |s − t|
_LARGEST = 32  # unknowns


def by_slopes(found: Trace, notion: Notion, name: str) -> StepBound:
    """CONTRACTION of a step with one layer of functions; at one step.

    Raises
    ------
    Undecided
        If it is no such step, it is too large, or its factor is not bounded by 1.
    """
    if found.size > _LARGEST:
        raise Undecided(f"slopes are looked at up to {_LARGEST} unknowns")
    for node in found.nodes:
        if node.name not in _SLOPES or len(node.parts) != 1 or \
                int(node.parts[0].columns.max(initial=0)) > found.size:
            raise Undecided(f"the step is not linear: np.{node.name} ({node.line}); it is not one "
                            "layer of functions with slopes between -1 and 1")
    whole = _matrix(found.form, 1 + found.size + sum(node.count for node in found.nodes))
    last = whole[:, 1 + found.size:]
    first = np.vstack([_matrix(node.parts[0], 1 + found.size)[:, 1:] for node in found.nodes])
    order = np.concatenate([np.arange(node.first, node.first + node.count)
                            for node in found.nodes]) - 1 - found.size
    log, shows, sizes = Transcript(), [], []
    for called, matrix in (("L", whole[:, 1:1 + found.size]), ("C", last[:, order]), ("B", first)):
        size = _norm(matrix)
        text = log.give(called, matrix).text
        shows.append(f"psd(({size})**2 * I({matrix.shape[1]}) - {text}.T @ {text})")
        sizes.append(size)
    line, outer, inner = sizes
    factor = line + outer * inner
    if factor > 1:
        raise Undecided("a contraction is shown for |L| + |C||B| <= 1, where the step is L u + C "
                        f"f(B u), and that is {float(factor):.6g}")
    shows.append(f"{line} + ({outer}) * ({inner}) <= 1")
    evidence = confirm_evidence(calculation(
        "certificate", log, shows, "the step at dt, run once on symbols, is L u + C f(B u + b) + c "
        "with functions f of slopes between -1 and 1; the numbers bound the norms of L, C and B"))
    return StepBound(notion.name, ((Fraction(0), None),), (), () if evidence is None else
                     (evidence,), variable=name, rounding=found.rounding, lines=(
                         f"one layer of {found.nodes[0].name}, for shape "
                         f"{' x '.join(map(str, found.shape))}; proof by |L| + |C||B| = "
                         f"{float(factor):.6g} <= 1",))


def _matrix(form: Form, columns: int) -> np.ndarray:
    """The coefficients, with those of the constant in front."""
    out = np.full((form.count, columns), Fraction(0), dtype=object)
    for i, j, c in zip(form.rows.tolist(), form.columns.tolist(), values_at(form, Fraction(1)),
                       strict=True):
        out[i, j - CONSTANT] = c
    return out


def _norm(matrix: np.ndarray) -> Fraction:
    """A rational that the norm of a matrix does not exceed."""
    if not any(matrix.flat):
        return Fraction(0)
    return rational_sqrt(norm_squared(from_matrix(matrix)).upper, up=True)
