"""Small linear systems that depend on the step, solved exactly: quotients of polynomials in it.

The inverse is interpolated: the adjugate of the matrix over its determinant.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_poly

from stabkit.arithmetic.rational import interpolate
from stabkit.errors import Undecided
from stabkit.tracing.form import Form, constants
from stabkit.tracing.run import Trace

_OPEN = 12  # unknowns of a system


def eliminate(found: Trace) -> Trace:
    """The step with its small linear systems solved, whose entries are quotients in the step.

    Raises
    ------
    Undecided
        If a system is not small, or has no unique solution.
    """
    solutions: list[tuple[int, Form]] = []
    found.check_linear()
    for node in found.nodes:
        rows, right = node.parts
        if rows.count > _OPEN:
            raise Undecided(f"a linear system that depends on the step is solved up to {_OPEN} "
                            f"unknowns ({node.line})")
        right = _put_in(right, solutions, found.size)
        width = right.count // rows.count
        i, j, k = (places.ravel() for places in np.indices((rows.count, rows.count, width)))
        inverse = _inverse(rows, node.line)
        solutions.append((node.first, right.combine(
            j * width + k, inverse.take(i * rows.count + j), i * width + k, right.count)))
    return replace(found, form=_put_in(found.form, solutions, found.size), nodes=())


def _put_in(form: Form, solutions: list[tuple[int, Form]], size: int) -> Form:
    """A form with the solutions in place of the columns of their values."""
    total = _part(form, form.columns <= size)
    for first, solution in solutions:
        chosen = (form.columns >= first) & (form.columns < first + solution.count)
        if chosen.any():
            weights = constants(form.numerators[chosen], form.denominator)
            total = total + solution.combine(form.columns[chosen] - first, weights,
                                             form.rows[chosen], form.count)
    return total


def _part(form: Form, chosen: np.ndarray) -> Form:
    return Form(form.count, form.rows[chosen], form.columns[chosen], form.numerators[chosen],
                form.denominator)


def _inverse(rows: Form, line: str) -> Form:
    """The entries of the inverse, row by row: quotients of polynomials in the step."""
    n, degree = rows.count, rows.numerators.shape[1] - 1
    entries = list(zip(rows.rows.tolist(), rows.columns.tolist(), rows.numerators.tolist(),
                       strict=True))
    nodes: list[int] = []
    values: list[list[fmpq]] = []
    at = 0
    while len(nodes) <= n * degree:
        at += 1
        if at > 3 * (n * degree + 2):
            raise Undecided(f"a linear system without a unique solution ({line})")
        m = fmpq_mat(n, n)
        for i, j, p in entries:
            m[i, j - 1] = fmpq(sum(int(c) * at**k for k, c in enumerate(p)))
        det = m.det()
        if det == 0:
            continue
        nodes.append(at)
        values.append([det, *(det * c for c in m.inv().entries())])
    solved = interpolate(nodes, values)
    polynomials = [fmpz_poly([int(solved[k, c].p) for k in range(len(nodes))])
                   for c in range(1 + n * n)]
    common = polynomials[0]
    for p in polynomials[1:]:
        common = common.gcd(p)
    determinant, *adjugates = (p // common for p in polynomials)
    scale = fmpz_poly(list(rows.denominator))  # A = N/d, so its inverse is d times that of N
    tops = [[int(c) for c in (p * scale).coeffs()] for p in adjugates]
    width = max(map(len, tops))
    numerators = np.array([top + [0] * (width - len(top)) for top in tops], dtype=object)
    return constants(numerators.reshape(n * n, width),
                     [int(c) for c in determinant.coeffs()])
