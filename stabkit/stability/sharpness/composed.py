"""Steps φ(Y(u)) with a linear step Y and functions φ of one entry each, of slopes of modulus <= 1.

Soft thresholding after a gradient step and clipping after a diffusion are of this form.  φ may have
a threshold that depends on dt.  What Y does not increase, φ(Y) does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from stabkit.errors import Undecided
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, MAX_NORM, Notion
from stabkit.stability.sharpness import row_evidence, rows
from stabkit.stability.sharpness.bound import StepBound
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.linear_step import OwnStep
from stabkit.stability.sharpness.monotone import sum_polynomials
from stabkit.stability.sharpness.piecewise import NotPiecewise, Pieces
from stabkit.stability.sharpness.quadratic import by_norm
from stabkit.tracing import Trace
from stabkit.tracing.form import CONSTANT, Form, merge_entries
from stabkit.tracing.trees import Operation, Sum, rows_of_form

COMPOSED = (CONTRACTION, EUCLIDEAN, MAX_NORM)
_SLOPES = ("tanh", "arctan", "sin")  # φ(0) = 0 and |φ(s) − φ(t)| <= |s − t|
_SIDES = ((Fraction(-1), Fraction(1)), (Fraction(0), Fraction(1)))  # of y and of the threshold
_MOST = 200  # operations of a row, each as often as it occurs
_NONE = "it is not functions of one entry each, with slopes between -1 and 1, after a linear step"

Poly = tuple[Fraction, ...]
Terms = Sequence[tuple[int, Sequence[int]]]


def by_composition(found: Trace, notion: Notion, name: str) -> StepBound:
    """CONTRACTION, EUCLIDEAN or MAX_NORM of such a step, by its linear part.

    Raises
    ------
    Undecided
        If it is no such step.
    """
    inner = _Inner(found)
    if notion is not CONTRACTION and not inner.keeps_zero:
        raise Undecided("the zero signal moves")
    linear = OwnStep(replace(found, form=inner.form(), nodes=()))
    if notion is MAX_NORM:
        conditions = rows.conditions(linear.kinds, notion)
        proved = intervals(rows.line_of(conditions))[0]
        certificates = tuple(filter(None, (row_evidence.certificate(
            linear.kinds, notion, steps, (), conditions) for steps in proved)))
        bound = StepBound(notion.name, proved, (), certificates)
    else:
        bound = by_norm(linear, notion, name)
    if not bound.proved:
        raise Undecided("the linear step inside grows, and more is not known")
    shape = " x ".join(map(str, found.shape))
    return StepBound(notion.name, bound.proved, (), bound.certificate, variable=name,
                     rounding=found.rounding, lines=(
                         f"functions of one entry each after a linear step, for shape {shape}; "
                         "proof by their slopes, between -1 and 1, and by the linear step",
                         *bound.lines))


class _Inner:
    """The linear step inside, row by row."""

    def __init__(self, found: Trace):
        self.size, self.nodes = found.size, found.nodes
        if found.solves:
            raise Undecided(_NONE)
        self.parts = [[rows_of_form(part) for part in node.parts] for node in found.nodes]
        self.form_of = found.form
        self.keeps_zero = True
        self.rows: list[dict[int, Poly]] = []
        self.short: dict[Sum, bool] = {}
        for terms in rows_of_form(found.form):
            try:
                self._add_row(terms, moved=False)
            except Undecided:
                self._add_row(terms, moved=True)

    def _add_row(self, terms: Terms, moved: bool) -> None:
        """A row of the linear step; where it is moved, a constant beside the inputs is part of it.
        """
        self.own: dict[int, Poly] = {}
        self.threshold: Poly = ()
        self.moved, self.work = moved, 0
        tree = self._sum(terms, self.form_of.denominator)
        if not self.own:
            raise Undecided(_NONE)
        if tree not in self.short:
            self.short[tree] = _is_short(tree)
        self.keeps_zero &= self.short[tree] and CONSTANT not in self.own
        self.rows.append(self.own)

    def form(self) -> Form:
        """The linear step, as forms with the step open."""
        places = [(i, j) for i, row in enumerate(self.rows) for j in row]
        values = [p for row in self.rows for p in row.values()]
        width = max(map(len, values))
        whole = int(np.lcm.reduce([c.denominator for p in values for c in p]))
        numerators = np.array([[int(c * whole) for c in p] + [0] * (width - len(p))
                               for p in values], dtype=object)
        at, columns = np.array(places, dtype=np.int64).T
        if max(abs(int(c)) for c in numerators.ravel()) < 1 << 62:
            numerators = numerators.astype(np.int64)
        return merge_entries(len(self.rows), at, columns, numerators, (whole,))

    def _sum(self, terms: Terms, denominator: tuple[int, ...]) -> Sum:
        """As a sum of y (number 0), the threshold (number 1) and operations."""
        if len(denominator) > 1:
            raise Undecided(_NONE)
        exact = [(column, tuple(Fraction(int(c), denominator[0]) for c in p))
                 for column, p in terms]
        linear, nodes = [], []
        inputs = {column: _strip(p) for column, p in exact if 0 < column <= self.size}
        constant = next((p for column, p in exact if column == CONSTANT), ())
        if inputs:
            if not self.own:
                self.own = inputs | ({CONSTANT: _strip(constant)} if self.moved and constant
                                     else {})
            own = {column: p for column, p in self.own.items() if column != CONSTANT}
            c = _ratio(inputs, own)
            linear.append((0, c))
            beside = self.own.get(CONSTANT, ())
            constant = sum_polynomials([constant, tuple(-c * x for x in beside)])
        if any(constant):
            linear.append((1, self._of_threshold(constant)))
        for column, p in exact:
            if column > self.size:
                node = self._operation(column)
                scaled = any(p[1:]) or (node.name == "sign" and len(exact) > 1)  # by a threshold
                if scaled:
                    z = Sum(Fraction(0), ((1, self._of_threshold(p)),))
                    node = Operation("multiply", (z, Sum(Fraction(0), (), ((Fraction(1), node),))),
                                     node.line)
                nodes.append((Fraction(1) if scaled else p[0], node))
        return Sum(Fraction(0), tuple(linear), tuple(nodes))

    def _of_threshold(self, p: Poly) -> Fraction:
        """c where p is c times the threshold, a monomial in dt."""
        self.threshold = self.threshold or _positive(p)
        return _ratio({0: _strip(p)}, {0: self.threshold})

    def _operation(self, column: int) -> Operation:
        self.work += 1
        if self.work > _MOST:
            raise Undecided(_NONE)
        at = next(k for k, node in enumerate(self.nodes)
                  if node.first <= column < node.first + node.count)
        node = self.nodes[at]
        return Operation(node.name, tuple(
            self._sum(part[column - node.first], form.denominator)
            for part, form in zip(self.parts[at], node.parts, strict=True)), node.line)


def _is_short(tree: Sum) -> bool:
    """Whether 0 stays 0; Undecided where the slopes in y are not between −1 and 1."""
    if len(tree.nodes) == 1 and not tree.linear and tree.nodes[0][1].name in _SLOPES and \
            abs(tree.nodes[0][0]) <= 1 and not tree.nodes[0][1].parts[0].nodes and \
            all(abs(c) <= 1 for k, c in tree.nodes[0][1].parts[0].linear if k == 0):
        return all(k == 0 for k, _ in tree.nodes[0][1].parts[0].linear)
    whole = Operation("multiply", (tree, Sum(Fraction(1), ())), "")
    try:
        pieces = Pieces([whole], (0, 1), _SIDES)
    except NotPiecewise:
        raise Undecided(_NONE) from None
    if not pieces.are_homogeneous:  # so that the slopes on the box are all that there are
        raise Undecided(_NONE)
    if not all(-1 <= slope <= 1 for slope, in pieces.slopes(0)):
        raise Undecided("a function after the linear step has slopes beyond -1 and 1")
    return pieces.values((Fraction(0), Fraction(1))) == [0]


def _strip(p: Poly) -> Poly:
    while p and not p[-1]:
        p = p[:-1]
    return p


def _positive(p: Poly) -> Poly:
    """A monomial in dt, made positive."""
    used = [c for c in p if c]
    if len(used) != 1:
        raise Undecided(_NONE)
    return tuple(abs(c) for c in _strip(p))


def _ratio(a: dict[int, Poly], b: dict[int, Poly]) -> Fraction:
    """c with a = c·b."""
    if a.keys() != b.keys():
        raise Undecided(_NONE)
    key = next(iter(b))
    at = next(k for k, c in enumerate(b[key]) if c)
    c = (a[key][at] if at < len(a[key]) else Fraction(0)) / b[key][at]
    if not all(a[k] == tuple(c * x for x in b[k]) for k in b):
        raise Undecided(_NONE)
    return c
