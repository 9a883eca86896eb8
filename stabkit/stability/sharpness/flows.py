"""Norms of a diffusion u + t (A u − Σ rₑ bₑ (bₑ'u)), with rₑ in an interval and A symmetric.

For the Euclidean norm rₑ = φₑ(bₑ'u)/bₑ'u; for the contraction of two signals it is a difference
quotient of φₑ.  For every u it is a symmetric matrix between those with the smallest and the
largest rₑ, so the norm does not grow as long as it does not under these two, which are linear.
The value of an edge may be written twice with opposite signs, once for each of its ends; that it
is odd is seen in its operations or in its pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from stabkit.errors import Undecided
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Notion
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.differences import Differences
from stabkit.stability.sharpness.line_functions import (
    all_ratios,
    curve_of,
    join_operations,
    only_form,
)
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.quadratic import by_norm
from stabkit.stability.sharpness.ratios import Inputs, Ratio
from stabkit.stability.verdict import Evidence
from stabkit.tracing import Trace
from stabkit.tracing.form import Form, merge_entries
from stabkit.tracing.trees import Operation, Row, Sum, sorts_of_rows

_ODD = ("tanh", "arctan", "sin", "sign", "sum")
_EVEN = ("exp", "sqrt", "cos", "absolute", "fabs", "greater", "greater_equal", "less",
         "less_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_not",
         "maximum", "minimum")
_NONE = "it is not seen to be a diffusion, u + dt (A u - B' R(u) B u) with R bounded"
_BY = "the step is u + dt (A u - B' R(u) B u) with R between two bounds; M is the matrix at dt " \
      "with the {} R, and the norm does not grow where it does not under both"

_ZERO = Sum(Fraction(0), ())  # which is even and odd

Vector = dict[int, Fraction]
Entries = dict[tuple[int, int], Fraction]


@dataclass
class _Edge:
    """b, bounds of r, and how much of the value every output takes."""

    form: Vector
    ratio: tuple[Fraction, Fraction]
    taken: Vector = field(default_factory=dict)


def by_flow(found: Trace, notion: Notion, name: str) -> StepBound:
    """EUCLIDEAN or CONTRACTION of a step that is a diffusion.

    Raises
    ------
    Undecided
        If it is not seen to be one.
    """
    edges, linear = _edges(found, notion)
    if any(linear.get((j, i)) != c for (i, j), c in linear.items()):
        raise Undecided(_NONE)
    most, least = _between(edges, linear)
    bounds = [(word, _of_linear(found, entries, notion, name))
              for word, entries in (("largest", most), ("smallest", least)) if any(entries.values())
              or word == "largest"]
    proved: Steps = tuple(_common(bound for _, bound in bounds))
    if not proved:
        raise Undecided("the diffusion with the largest ratios keeps the norm at no step, or that "
                        "with the smallest ones")
    shape = " x ".join(map(str, found.shape))
    return StepBound(notion.name, proved, (), tuple(
        made for word, bound in bounds for each in bound.certificate[:1]
        if (made := _of_flow(each, word)) is not None), variable=name, rounding=found.rounding,
        lines=(f"a diffusion that is not linear, for shape {shape}; proof by the linear one with "
               "the largest ratio of every edge" + (
                   ", and by that with the smallest" if len(bounds) > 1 else ""),))


def _between(edges: list[_Edge], linear: Entries) -> tuple[Entries, Entries]:
    """A − Σ r b b' with the largest and with the smallest multiples of b b'."""
    most, least = dict(linear), dict(linear)
    for edge in edges:
        first = min(edge.form)
        share = -edge.taken.get(first, Fraction(0)) / edge.form[first]
        if {k: -share * c for k, c in edge.form.items() if share} != {
                k: c for k, c in edge.taken.items() if c}:
            raise Undecided(_NONE)
        low, high = sorted(share * r for r in edge.ratio)
        for i, a in edge.form.items():
            for j, b in edge.form.items():
                most[i, j] = most.get((i, j), Fraction(0)) - high * a * b
                least[i, j] = least.get((i, j), Fraction(0)) - low * a * b
    return most, least


def _of_linear(found: Trace, entries: Entries, notion: Notion, name: str) -> StepBound:
    linear = replace(found, form=_as_form(found.size, entries, _is_open(found)), nodes=())
    return by_norm(OwnStep(linear), notion, name)


def _common(bounds: Iterable[StepBound]) -> Steps:
    """The first proved interval of all, from 0 on."""
    firsts = [bound.proved[0] if bound.proved else None for bound in bounds]
    if any(steps is None or steps[0] for steps in firsts):
        return ()
    ends = [steps[1] for steps in firsts if steps is not None and steps[1] is not None]
    return ((Fraction(0), min(ends, default=None)),)


def _of_flow(evidence: Evidence, word: str) -> Evidence | None:
    return confirm_evidence(replace(evidence, data=dict(evidence.data) | {"by": _BY.format(word)}))


def _is_open(found: Trace) -> bool:
    return found.form.numerators.shape[1] > 1


def _as_form(size: int, entries: Entries, is_open: bool) -> Form:
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


def _edges(found: Trace, notion: Notion) -> tuple[list[_Edge], Entries]:
    """The edges, each once, with what the outputs take of them; and A."""
    edges: dict[Any, _Edge] = {}
    linear: Entries = {}
    power = int(_is_open(found))  # of the step, before the values of edges
    for sort in sorts_of_rows(found).values():
        joined = join_operations(sort[0]).nodes
        known = [_bounds_of(node, notion) for _, node in joined]
        for row in sort:
            out = row.places[0]
            for k, c in _linear_part(row, power, notion).items():
                linear[out, k] = c
            for (p, node), ratio in zip(joined, known, strict=True):
                if any(p[:power]) or any(p[power + 1:]):
                    raise Undecided(_NONE)
                key, sign = _key(node, row.places)
                form = {row.places[k]: sign * c for k, c in ratio.form}
                edge = edges.setdefault(key, _Edge(form, (ratio.low, ratio.high)))
                if edge.form != form:
                    raise Undecided(_NONE)
                edge.taken[out] = edge.taken.get(out, Fraction(0)) + sign * p[power]
    return list(edges.values()), linear


def _linear_part(row: Row, power: int, notion: Notion) -> Vector:
    """The row of A."""
    if any(row.constant) and notion is EUCLIDEAN:
        raise Undecided(_NONE)
    found: Vector = {}
    for k, p in row.linear:
        own = Fraction(k == 0)
        if any(p[power + 1:]) or (power and p[0] != own):
            raise Undecided(_NONE)
        found[row.places[k]] = (p[power] if power < len(p) else Fraction(0)) - (
            own if not power else Fraction(0))
    if row.places[0] not in found:
        raise Undecided(_NONE)
    return {k: c for k, c in found.items() if c}


def _bounds_of(node: Operation, notion: Notion) -> Ratio:
    """A form with bounds of the ratio, or of the slopes, of an operation."""
    found = list(all_ratios(node, Inputs({}))) if notion is not CONTRACTION else \
        [*_slopes_of(node)]
    if not found:
        raise Undecided(f"np.{node.name} ({node.line}) is not seen to be a bounded multiple of a "
                        "linear form")
    return min(found, key=lambda each: (each.high - each.low) * abs(each.form[0][1]))


def _slopes_of(node: Operation) -> Iterator[Ratio]:
    """The bounds of all difference quotients of an operation of one form."""
    curve = curve_of(node)
    if curve is not None:
        if curve.slope is not None:
            yield Ratio(curve.form, *curve.slope)
        return
    form = only_form(node)
    if form is not None:
        name, c = form[0]
        low, high = Differences(Inputs({})).of(node, name)
        if low is not None and high is not None:
            yield Ratio(form, *sorted((low / c, high / c)))


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
    known = _parity_of_operation(node)
    curve = None if known else curve_of(node)
    return known if curve is None else curve.parity


def _parity_of_operation(node: Operation) -> int:
    parts = [_parity_of_sum(part) for part in node.parts]
    if 0 in parts:
        return 0
    if node.name in ("multiply", "divide"):
        return parts[0] * parts[1]
    if node.name == "where":
        kinds = {kind for kind, part in zip(parts[1:], node.parts[1:], strict=True)
                 if part != _ZERO}
        return kinds.pop() if parts[0] == 1 and len(kinds) == 1 else 0
    if node.name in ("absolute", "fabs") or (node.name in _EVEN and set(parts) == {1}):
        return 1
    return parts[0] if node.name in _ODD else 0


def _parity_of_sum(s: Sum) -> int:
    kinds = {*([1] if s.constant else []), *([-1] if s.linear else []),
             *(_parity(node) for _, node in s.nodes)}
    return kinds.pop() if len(kinds) == 1 else 1 if not kinds else 0
