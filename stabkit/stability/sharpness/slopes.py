"""Contraction of L u + C φ(B u + b), for functions φ with slopes between −1 and 1.

|T(u) − T(w)| <= (‖L‖ + ‖C‖ ‖B‖) |u − w|, so it is enough that the factor is 1 at most.  Where L and
C are affine in the step and B does not depend on it, the factor is convex in the step: if it is 1
at most at two steps, it is so in between.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from stabkit.arithmetic.rational import from_flint, is_psd, to_flint
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided
from stabkit.operators.singular_values import square_bound
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.notions import Notion
from stabkit.stability.sharpness.bisection import last_of
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.ratios import EXTREMES, root
from stabkit.stability.sharpness.signs import simplest
from stabkit.stability.verdict import Evidence, calculation
from stabkit.tracing import Trace
from stabkit.tracing.evaluation import matrix_at, values_at
from stabkit.tracing.form import CONSTANT, Form
from stabkit.tracing.tracer import Node

_SLOPES = ("tanh", "arctan", "sin", "cos", "abs", "absolute", "fabs")  # |φ(s) − φ(t)| <= |s − t|
_LARGEST = 2048  # unknowns
_EXACT = 16      # unknowns up to which norms are compared with exact numbers
_WRITTEN = 64    # unknowns of matrices in a certificate
_AWAY = (1e-12, 1e-9, 1e-6)  # how much a norm is rounded up, relatively
_ROUNDS = 60


def by_slopes(found: Trace, notion: Notion, name: str) -> StepBound:
    """CONTRACTION of a step with one layer of functions.

    Raises
    ------
    Undecided
        If it is no such step, it is too large, or its factor is not bounded by 1.
    """
    layer = _Layer(found)
    if found.dt is not None or not layer.is_open:
        factor = layer.factor(Fraction(1))
        if factor > 1:
            raise Undecided("a contraction is shown for |L| + |C||B| <= 1, where the step is "
                            f"L u + C f(B u), and that is {float(factor):.6g}")
        proved: Steps = ((Fraction(0), None),)
        how = f"{float(factor):.6g} <= 1"
    else:
        proved = ((Fraction(0), layer.top()),)
        how = "at most 1 at both ends, as it is convex in " + name
    shape = " x ".join(map(str, found.shape))
    evidence = layer.certificate(proved[0][1] or Fraction(1)) if found.size <= _WRITTEN else None
    return StepBound(notion.name, proved, (), () if evidence is None else (evidence,),
                     variable=name, rounding=found.rounding, lines=(
                         f"one layer of {found.nodes[0].name}, for shape {shape}; proof by "
                         f"|L| + |C||B| = {how}, for the step L u + C f(B u + b) with slopes of f "
                         "between -1 and 1",))


class _Layer:
    """The step as L u + C φ(B u + b) + c."""

    def __init__(self, found: Trace):
        if found.size > _LARGEST:
            raise Undecided(f"slopes are looked at up to {_LARGEST} unknowns")
        nodes = [_without_constant(node) for node in found.nodes]
        for node in nodes:
            if node.name not in (*_SLOPES, *EXTREMES) or len(node.parts) != 1 or \
                    int(node.parts[0].columns.max(initial=0)) > found.size:
                raise Undecided(f"the step is not linear: np.{node.name} ({node.line}); it is not "
                                "one layer of functions with slopes between -1 and 1")
            if node.parts[0].numerators.shape[1] > 1 or len(node.parts[0].denominator) > 1:
                raise Undecided(f"the step enters below a function ({node.line})")
        self.found, self.form = found, found.form
        self.width = 1 + found.size + sum(node.count for node in found.nodes)
        self.order = np.concatenate([np.arange(node.first, node.first + node.count)
                                     for node in nodes])
        self.inner = np.vstack([_matrix(node.parts[0], 1 + found.size, Fraction(1))[:, 1:]
                                for node in nodes])

    @cached_property
    def inner_norm(self) -> Fraction:
        """A bound of ‖B‖, which does not depend on the step."""
        return _norm(self.inner)

    @property
    def is_open(self) -> bool:
        """Whether the step enters."""
        return self.form.numerators.shape[1] > 1 or len(self.form.denominator) > 1

    def parts(self, dt: Fraction) -> dict[str, np.ndarray]:
        """L, C and B at a step."""
        whole = _matrix(self.form, self.width, dt)
        return {"L": whole[:, 1:1 + self.found.size], "C": whole[:, self.order], "B": self.inner}

    def factor(self, dt: Fraction) -> Fraction:
        """A bound of ‖L‖ + ‖C‖ ‖B‖ at a step."""
        parts = self.parts(dt)
        return _norm(parts["L"]) + _norm(parts["C"]) * self.inner_norm

    def top(self) -> Fraction:
        """A step up to which the factor is 1 at most, close to the largest."""
        if self.form.numerators.shape[1] > 2 or len(self.form.denominator) > 1:
            raise Undecided("dt enters by higher powers, so that the norms are not convex in it")
        if self.factor(Fraction(0)) > 1:
            raise Undecided("|L| + |C||B| is more than 1 at dt = 0, where the step is L u + "
                            "C f(B u)")
        inner = np.linalg.norm(self.inner.astype(float), 2)

        def holds(dt: float) -> bool:
            whole = matrix_at(self.form, dt, self.width).toarray()
            return bool(np.linalg.norm(whole[:, 1:1 + self.found.size], 2)
                        + np.linalg.norm(whole[:, self.order], 2) * inner <= 1 + 1e-12)

        _, high = last_of(holds, _ROUNDS)
        for away in (0, 1e-9, 1e-6, 1e-3):
            end = simplest(Fraction(high * (1 - away)) * (1 - Fraction(1, 10**10)),
                           Fraction(high * (1 - away)))
            if end > Fraction(1, 10**9) and self.factor(end) <= 1:
                return end
        raise Undecided("|L| + |C||B| is more than 1 at every dt, where the step is L u + C f(B u)")

    def certificate(self, dt: Fraction) -> Evidence | None:
        """The three norms at a step."""
        log, shows, sizes = Transcript(), [], []
        for called, matrix in self.parts(dt).items():
            sizes.append(self.inner_norm if called == "B" else _norm(matrix))
            text = log.give(called, matrix).text
            shows.append(f"psd(({sizes[-1]})**2 * I({matrix.shape[1]}) - {text}.T @ {text})")
        line, outer, inner = sizes
        shows.append(f"{line} + ({outer}) * ({inner}) <= 1")
        return confirm_evidence(calculation(
            "certificate", log, shows, "the step at dt, run once on symbols, is L u + C f(B u + b) "
            "+ c with functions f of slopes between -1 and 1; the numbers bound the norms of L, C "
            "and B"))


def _without_constant(node: Node) -> Node:
    """The larger or the smaller of a form and a number has slopes between 0 and 1."""
    if node.name in EXTREMES and sum(part.is_constant for part in node.parts) == 1:
        return replace(node, parts=tuple(p for p in node.parts if not p.is_constant))
    return node


def _matrix(form: Form, columns: int, dt: Fraction) -> np.ndarray:
    """The coefficients, with those of the constant in front."""
    out = np.full((form.count, columns), Fraction(0), dtype=object)
    for i, j, c in zip(form.rows.tolist(), form.columns.tolist(), values_at(form, dt),
                       strict=True):
        out[i, j - CONSTANT] = c
    return out


def _norm(matrix: np.ndarray) -> Fraction:
    """A rational that the norm of a matrix does not exceed; the norm itself where it is simple."""
    diagonal = np.diagonal(matrix)
    if np.count_nonzero(matrix) == np.count_nonzero(diagonal):
        return max(map(abs, diagonal))
    floats = matrix.astype(float)
    top = float(np.linalg.norm(floats, 2))
    if len(matrix) > _EXACT:  # what rounding an entry moves is no more than 2^-53 of it
        above = root(square_bound(floats[None]), upwards=True) * (
            1 + len(matrix) * Fraction(1, 2**52))
        return simplest(above, above * (1 + Fraction(_AWAY[1])))
    whole = to_flint(matrix)
    square = from_flint(whole.transpose() * whole)
    for number, away in enumerate(_AWAY):
        least = top * (1 + away / 2) if number else top * (1 - away)
        bound = simplest(Fraction(least), Fraction(top * (1 + away)))
        if is_psd(np.diag([bound**2] * len(square)) - square):
            return bound
    raise Undecided("a norm is not enclosed")
