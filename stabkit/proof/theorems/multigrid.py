"""Two grids (he2019; alt2021, Section 3.2), for every matrix A = [[2, −B], [−Bᵀ, 2]].

Such is A = [−1, 2, −1] on a line of any length, where f holds every other value, c those between,
and B adds the two neighbours; so is 2 − (a matrix of a bipartite graph).  Interpolation is
P = [B/2, 1], so that AP = [0, A_H] with A_H = PᵀAP = 2 − BᵀB/2.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import add

from stabkit.proof.symbols import Symbols
from stabkit.proof.text import text_of
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import Expression, dot

Grid = tuple[Expression, Expression]  # values at f and at c


def apply_operator(B: Expression, x: Grid) -> Grid:
    """A x."""
    f, c = x
    return 2 * f - B @ c, 2 * c - B.T @ f


def coarse(B: Expression, c: Expression) -> Expression:
    """A_H c."""
    return 2 * c - B.T @ B @ c / 2


def restrict(B: Expression, r: Grid) -> Expression:
    """Pᵀ r."""
    return B.T @ r[0] / 2 + r[1]


def theorems() -> Iterator[Theorem]:
    for name, says, goal in (
            ("residual equation", "6.1: the residual of A e = f - A u is that of A(u + e) = f.",
             "f - A@u - A@e - (f - A@(u + e)) == 0"),
            ("residual after a correction", "8.1: f - A(u + e) = (f - A u) - A e.",
             "f - A@(u + e) - ((f - A@u) - A@e) == 0")):
        statement = {"kind": "algebra", "operators": {"A": "N -> N"},
                     "vectors": dict.fromkeys("fue", "N"), "goal": goal}
        yield Theorem(name, f"he2019, {says}", statement, {"steps": []})

    for part in ("coarse", "fine"):
        s = Symbols()
        B = s.operator("B", "C", "F")
        x, r = ((s.vector(f, "F"), s.vector(c, "C")) for f, c in ("fc", "rs"))
        for name, left, right in zip(("first", "second"), apply_operator(B, x), r, strict=True):
            s.equation(name, left - right)
        if part == "coarse":
            yield Theorem(
                "two grids, coarse values",
                "If A x = r, the values of x at c solve the coarse equation A_H c = P'r: the "
                "correction is exact there.",
                s.shows(coarse(B, x[1]) - restrict(B, r), "=="),
                {"steps": [{"use": "equation", "of": "second", "with": "1"},
                           {"use": "equation", "of": "first", "with": "1/2*B.T"}]})
        else:
            yield Theorem(
                "two grids, fine values",
                "If A x = r, then x = P c + (r/2 at f): A^-1 = P A_H^-1 P' + diag(1, 0)/2.",
                s.shows(x[0] - B @ x[1] / 2 - r[0] / 2, "=="),
                {"steps": [{"use": "equation", "of": "first", "with": "1/2"}]})
    yield cycle()
    yield v_cycle()
    yield sweeps()
    yield correction()
    yield correction_from_below()


def energy(B: Expression, x: Grid) -> Expression:
    """x'Ax."""
    return reduce(add, (dot(a, b) for a, b in zip(x, apply_operator(B, x), strict=True)))


def sweep(B: Expression, x: Grid) -> Grid:
    """x − Ax/4, a sweep of damped Jacobi."""
    f, c = (a - b / 4 for a, b in zip(x, apply_operator(B, x), strict=True))
    return f, c


def cycle() -> Theorem:
    """e'Ae = 2|g|² + c·A_H c with g = f − Bc/2; the correction leaves g, a sweep of Jacobi halves.

    (e'Ae)/4 − e⁺'Ae⁺ = (c·A_H c)/4 + |Bᵀg|²/8 − (q + Bᵀg/2 − 3w/8)·w, q = c − d, w = A_H q = 0.
    """
    s = Symbols()
    B = s.operator("B", "C", "F", bound=4)
    f, c, d = s.vector("f", "F"), s.vector("c", "C"), s.vector("d", "C")
    residual = apply_operator(B, (f, c))
    s.equation("solves", coarse(B, d) - restrict(B, residual))
    after = sweep(B, (f - B @ d / 2, c - d))
    g, q = "(f - B@c/2)", "(c - d)"
    w = f"(2*{q} - B.T@B@{q}/2)"
    return Theorem(
        "two-grid cycle, energy norm",
        "A correction from the coarse grid and one sweep e - A e/4 halve the energy norm of the "
        "error, for every |B|^2 <= 4.",
        s.shows(energy(B, (f, c)) / 4 - energy(B, after)),
        {"steps": [
            {"use": "bound", "of": "B", "x": "c", "times": "1/8"},
            {"use": "square", "x": f"B.T@{g}", "times": "1/8"},
            {"use": "equation", "of": "solves",
             "with": f"({q} + B.T@{g}/2 - 3*{w}/8).T"}]})


def v_cycle() -> Theorem:
    """With q = (error of the coarse cycle) and r = Ae' after the correction, r at f is 2g:

    (e'Ae)/2 − e⁺'Ae⁺ = (c·A_H c/2 − q·A_H q) + |r_c|²/4 + (4|r|² − r·Ar)/16, where
    4|r|² − r·Ar = 2|r_f + Br_c/2|² + (4|r_c|² − |Br_c|²)/2.
    """
    s = Symbols()
    B = s.operator("B", "C", "F", bound=4)
    f, c, q = s.vector("f", "F"), s.vector("c", "C"), s.vector("q", "C")
    s.know("coarser", dot(c, coarse(B, c)) / 2 - dot(q, coarse(B, q)))
    corrected = f - B @ (c - q) / 2, q
    r_f, r_c = "(2*f - B@c)", "(2*q - B.T@(f - B@(c - q)/2))"
    return Theorem(
        "V-cycle, energy norm, inherited by the next finer grid",
        "If the cycle on the coarse grid takes c to q with q'A_H q <= (c'A_H c)/2, then a "
        "correction by it and one sweep e - A e/4 halve e'A e, for |B|^2 <= 4; so cycles of every "
        "depth do, on grids that are all of this kind, as lines of 2^k - 1 values are.",
        s.shows(energy(B, (f, c)) / 2 - energy(B, sweep(B, corrected))),
        {"steps": [
            {"use": "known", "of": "coarser"},
            {"use": "square", "x": r_c, "times": "1/4"},
            {"use": "square", "x": f"{r_f} + B@{r_c}/2", "times": "1/8"},
            {"use": "bound", "of": "B", "x": r_c, "times": "1/32"}]})


def sweeps() -> Theorem:
    """y·Ay + (l/2)|r|² − y⁺·Ay⁺ − (l + 1)/2 |r⁺|² = (2l + 1)/16 r·Ar + (l + 1)/32 (4r·Ar − |Ar|²)

    with r = Ay; r·Ar = 2|r_f − Br_c/2|² + (4|r_c|² − |Br_c|²)/2, and the last bracket is
    4|r|² − |Bᵀr_f|² − |Br_c|².
    """
    s = Symbols()
    B = s.operator("B", "C", "F", bound=4)
    number = s.parameter("l", ">= 0")
    first, now = ((s.vector(f, "F"), s.vector(c, "C")) for f, c in ("fc", ("state", "state1")))
    residual = apply_operator(B, now)
    rest = energy(B, first) - energy(B, now) - number / 2 * reduce(
        add, (dot(r, r) for r in residual))
    r_f, r_c = "(2*state - B@state1)", "(2*state1 - B.T@state)"
    step = {"steps": [
        {"use": "known", "of": "J"},
        {"use": "square", "x": f"{r_f} - B@{r_c}/2", "times": "(2*l + 1)/8"},
        {"use": "bound", "of": "B", "x": r_c, "times": "(3*l + 2)/32"},
        {"use": "bound", "of": "B.T", "x": r_f, "times": "(l + 1)/32"}]}
    return Theorem(
        "sweeps of damped Jacobi, any number, energy and residual",
        "y'A y + (l/2) |A y|^2 <= e'A e after l sweeps y - A y/4 from e, for |B|^2 <= 4.",
        s.iterates(rest, start=dict(zip(("state", "state1"), first, strict=True)), counter="l",
                   after=dict(zip(("state", "state1"), sweep(B, now), strict=True))),
        {"invariants": {"J": f"{text_of(rest)} >= 0"}, "base": {"J": {"steps": []}},
         "step": {"J": step}, "end": step})


def _correction() -> tuple:
    s = Symbols()
    B = s.operator("B", "C", "F")
    f, c, q = s.vector("f", "F"), s.vector("c", "C"), s.vector("q", "C")
    left, right = f - B @ (c - q) / 2, q
    product = reduce(add, (dot(a, b) for a, b in zip(apply_operator(B, (f, c)), (left, right),
                                                     strict=True)))
    return s, B, f, c, product, dot(c, coarse(B, q))


def correction() -> Theorem:
    """e·Ae + (ν/2)|Ae|² + (1 + ν)c·A_Hq − (1 + ν)e·Aw − c·A_Hc = (ν/2)|(Ae) at c|²."""
    s, B, f, c, product, below = _correction()
    nu = s.parameter("nu")
    residual = apply_operator(B, (f, c))
    return Theorem(
        "two grids, correction, upper bound",
        "(1 + nu) e'A w + c'A_H c <= e'A e + (nu/2) |A e|^2 + (1 + nu) c'A_H q, where the "
        "correction takes e = (f, c) to w = (f - B(c - q)/2, q).",
        s.shows(energy(B, (f, c)) + nu / 2 * reduce(add, (dot(r, r) for r in residual))
                + (1 + nu) * below - (1 + nu) * product - dot(c, coarse(B, c))),
        {"steps": [{"use": "square", "x": "2*c - B.T@f", "times": "nu/2"}]})


def correction_from_below() -> Theorem:
    """e·Aw − c·A_Hq = 2|f − Bc/2|²."""
    s, _, _, _, product, below = _correction()
    return Theorem(
        "two grids, correction, lower bound",
        "e'A w >= c'A_H q, where the correction takes e = (f, c) to w = (f - B(c - q)/2, q).",
        s.shows(product - below),
        {"steps": [{"use": "square", "x": "f - B@c/2", "times": "2"}]})
