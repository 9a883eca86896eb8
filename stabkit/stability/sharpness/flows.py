"""The Euclidean norm of a diffusion u − t Σ rₑ(u) bₑ (bₑ'u), with 0 <= rₑ(u) <= r.

For every u that is a symmetric matrix between 0 and K = Σ r bₑ bₑ', so the norm does not grow as
long as it does not under u − t K u, which is linear.  The value rₑ(u) bₑ'u of an edge may be
written twice with opposite signs, once for each of its ends; that it is odd is seen in its
operations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from stabkit.errors import Undecided
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.notions import EUCLIDEAN
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.quadratic import by_norm
from stabkit.stability.sharpness.ratios import Inputs, Ratio, ratios
from stabkit.stability.verdict import Evidence
from stabkit.tracing import Trace
from stabkit.tracing.form import Form, merge_entries
from stabkit.tracing.trees import Operation, Row, Sum, sorts_of_rows

_ODD = ("tanh", "arctan", "sin")
_EVEN = ("exp", "sqrt", "cos", "absolute", "fabs", "greater", "greater_equal", "less",
         "less_equal", "equal", "not_equal")
_NONE = "it is not seen to be a diffusion, u - dt B' R(u) B u with R >= 0 and bounded"
_BY = "the step is u - dt B' R(u) B u with 0 <= R(u) <= R; M is the matrix of u - dt B' R B u at " \
      "dt, and the norm does not grow where it does not under M"

Vector = dict[int, Fraction]


@dataclass
class _Edge:
    """b, the largest ratio, and how much of the value every output takes."""

    form: Vector
    ratio: Fraction
    taken: Vector = field(default_factory=dict)


def by_flow(found: Trace, name: str) -> StepBound:
    """EUCLIDEAN of a step that is a diffusion.

    Raises
    ------
    Undecided
        If it is not seen to be one.
    """
    entries: dict[tuple[int, int], Fraction] = {}
    for edge in _edges(found):
        least = min(edge.form)
        share = -edge.taken.get(least, Fraction(0)) / edge.form[least]
        if share < 0 or {k: -share * c for k, c in edge.form.items()} != {
                k: c for k, c in edge.taken.items() if c}:
            raise Undecided(_NONE)
        for i, a in edge.form.items():
            for j, b in edge.form.items():
                entries[i, j] = entries.get((i, j), Fraction(0)) - share * edge.ratio * a * b
    linear = replace(found, form=_as_form(found.size, entries, _is_open(found)), nodes=())
    bound = by_norm(OwnStep(linear), EUCLIDEAN, name)
    if not bound.proved or bound.proved[0][0]:
        raise Undecided("the diffusion with the largest ratios keeps the norm at no step")
    shape = " x ".join(map(str, found.shape))
    return StepBound(bound.notion, bound.proved[:1], (), tuple(filter(None, map(
        _of_flow, bound.certificate[:1]))), variable=name, rounding=found.rounding, lines=(
            f"a diffusion that is not linear, for shape {shape}; proof by the linear one with the "
            "largest ratio of every edge",))


def _of_flow(evidence: Evidence) -> Evidence | None:
    return confirm_evidence(replace(evidence, data=dict(evidence.data) | {"by": _BY}))


def _is_open(found: Trace) -> bool:
    return found.form.numerators.shape[1] > 1


def _as_form(size: int, entries: dict[tuple[int, int], Fraction], is_open: bool) -> Form:
    """I + t K, for the entries of K; I + K where the step is not open."""
    whole = lcm(*(c.denominator for c in entries.values()))
    places = [*((i, i) for i in range(size)), *entries]
    numerators = np.array([*([whole, 0] for _ in range(size)),
                           *([0, int(c * whole)] for c in entries.values())], dtype=object)
    numerators = numerators if is_open else numerators.sum(axis=1, keepdims=True)
    if max(abs(int(c)) for c in numerators.ravel()) < 1 << 62:
        numerators = numerators.astype(np.int64)
    rows, columns = np.array(places, dtype=np.int64).T
    return merge_entries(size, rows, columns + 1, numerators, (whole,))


def _edges(found: Trace) -> list[_Edge]:
    """The edges, each once, with what the outputs take of them."""
    edges: dict[Any, _Edge] = {}
    power = int(_is_open(found))  # of the step, before the values of edges
    for sort in sorts_of_rows(found).values():
        known = [_ratio_of(node) for _, node in sort[0].nodes]
        for row in sort:
            _check_linear(row)
            for (p, node), ratio in zip(row.nodes, known, strict=True):
                if any(p[:power]) or any(p[power + 1:]):
                    raise Undecided(_NONE)
                key, sign = _key(node, row.places)
                form = {row.places[k]: sign * c for k, c in ratio.form}
                edge = edges.setdefault(key, _Edge(form, ratio.high))
                if edge.form != form:
                    raise Undecided(_NONE)
                edge.ratio = max(edge.ratio, ratio.high)
                out = row.places[0]
                edge.taken[out] = edge.taken.get(out, Fraction(0)) + sign * p[power]
    return list(edges.values())


def _check_linear(row: Row) -> None:
    if any(row.constant) or [(k, p[0], any(p[1:])) for k, p in row.linear] != [(0, 1, False)]:
        raise Undecided(_NONE)


def _ratio_of(node: Operation) -> Any:
    """The form and the bounds of an operation, with a ratio that is not negative."""
    found = [each for ratio in ratios(node, Inputs({})) for each in (ratio, _opposite(ratio))
             if each.low >= 0]
    if not found:
        raise Undecided(f"np.{node.name} ({node.line}) is not seen to be a bounded multiple, not "
                        "negative, of a linear form")
    return min(found, key=lambda each: each.high)


def _opposite(ratio: Ratio) -> Ratio:
    """The same, with the opposite form."""
    return Ratio(tuple((k, -c) for k, c in ratio.form), -ratio.high, -ratio.low)


def _key(node: Operation, places: tuple[int, ...]) -> tuple[Any, int]:
    """What two operations have in common that are equal, or opposite where they are odd."""
    itself = _key_of_node(node, places, 1)
    if _parity(node) != -1:
        return itself, 1
    opposite = _key_of_node(node, places, -1)
    return (itself, 1) if itself <= opposite else (opposite, -1)


def _key_of_node(node: Operation, places: tuple[int, ...], sign: int) -> Any:
    def of_sum(s: Sum) -> Any:
        return (s.constant, tuple(sorted((places[k], sign * c) for k, c in s.linear)),
                tuple((c, of_node(inner)) for c, inner in s.nodes))

    def of_node(inner: Operation) -> Any:
        return inner.name, tuple(map(of_sum, inner.parts))

    return repr(of_node(node))


def _parity(node: Operation) -> int:
    """1 for an even function of the inputs, −1 for an odd one, 0 where neither is seen."""
    parts = [_parity_of_sum(part) for part in node.parts]
    if 0 in parts:
        return 0
    if node.name in ("multiply", "divide"):
        return parts[0] * parts[1]
    if node.name == "where":
        return parts[1] if parts[0] == 1 and parts[1] == parts[2] else 0
    if node.name in ("absolute", "fabs") or (node.name in _EVEN and set(parts) == {1}):
        return 1
    return parts[0] if node.name in _ODD else 0


def _parity_of_sum(s: Sum) -> int:
    kinds = {*([1] if s.constant else []), *([-1] if s.linear else []),
             *(_parity(node) for _, node in s.nodes)}
    return kinds.pop() if len(kinds) == 1 else 1 if not kinds else 0
