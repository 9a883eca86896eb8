"""Two grids (he2019; alt2021, Section 3.2), for every matrix A = [[2, −B], [−Bᵀ, 2]].

Such is A = [−1, 2, −1] on a line of any length, where f holds every other value, c those between,
and B adds the two neighbours; so is 2 − (a matrix of a bipartite graph).  Interpolation is
P = [B/2, 1], so that AP = [0, A_H] with A_H = PᵀAP = 2 − BᵀB/2.
"""

from __future__ import annotations

from collections.abc import Iterator

from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import Expression, dot

Grid = tuple[Expression, Expression]  # values at f and at c


def applied(B: Expression, x: Grid) -> Grid:
    """A x."""
    f, c = x
    return 2 * f - B @ c, 2 * c - B.T @ f


def coarse(B: Expression, c: Expression) -> Expression:
    """A_H c."""
    return 2 * c - B.T @ B @ c / 2


def restricted(B: Expression, r: Grid) -> Expression:
    """Pᵀ r."""
    return B.T @ r[0] / 2 + r[1]


def theorems() -> Iterator[Theorem]:
    s = Symbols()
    A = s.operator("A", "N", "N")
    f, u, e = (s.vector(name) for name in "fue")
    yield Theorem(
        "residual equation",
        "he2019, 6.1: the residual of A e = f - A u is that of A(u + e) = f.",
        s.shows((f - A @ u) - A @ e - (f - A @ (u + e)), "=="), {"steps": []})

    for part in ("coarse", "fine"):
        s = Symbols()
        B = s.operator("B", "C", "F")
        x, r = ((s.vector(f, "F"), s.vector(c, "C")) for f, c in ("fc", "rs"))
        for name, left, right in zip(("first", "second"), applied(B, x), r, strict=True):
            s.equation(name, left - right)
        if part == "coarse":
            yield Theorem(
                "two grids, coarse values",
                "If A x = r, the values of x at c solve the coarse equation A_H c = P'r: the "
                "correction is exact there.",
                s.shows(coarse(B, x[1]) - restricted(B, r), "=="),
                {"steps": [{"use": "equation", "of": "second", "with": "1"},
                           {"use": "equation", "of": "first", "with": "1/2*B.T"}]})
        else:
            yield Theorem(
                "two grids, fine values",
                "If A x = r, then x = P c + (r/2 at f): A^-1 = P A_H^-1 P' + diag(1, 0)/2.",
                s.shows(x[0] - B @ x[1] / 2 - r[0] / 2, "=="),
                {"steps": [{"use": "equation", "of": "first", "with": "1/2"}]})
    yield cycle()


def cycle() -> Theorem:
    """e'Ae = 2|g|² + c·A_H c with g = f − Bc/2; the correction leaves g, a sweep of Jacobi halves.

    (e'Ae)/4 − e⁺'Ae⁺ = (c·A_H c)/4 + |Bᵀg|²/8 − (q + Bᵀg/2 − 3w/8)·w, q = c − d, w = A_H q = 0.
    """
    s = Symbols()
    B = s.operator("B", "C", "F", bound=4)
    f, c, d = s.vector("f", "F"), s.vector("c", "C"), s.vector("d", "C")
    residual = applied(B, (f, c))
    s.equation("solves", coarse(B, d) - restricted(B, residual))
    corrected = f - B @ d / 2, c - d
    after = tuple(x - y / 4 for x, y in zip(corrected, applied(B, corrected), strict=True))

    def energy(x: Grid) -> Expression:
        return sum((dot(a, b) for a, b in zip(x, applied(B, x), strict=True)), 0)

    g, q = "(f - B@c/2)", "(c - d)"
    w = f"(2*{q} - B.T@B@{q}/2)"
    return Theorem(
        "two-grid cycle, energy norm",
        "A correction from the coarse grid and one sweep e - A e/4 halve the energy norm of the "
        "error, for every |B|^2 <= 4.",
        s.shows(energy((f, c)) / 4 - energy(after)),
        {"steps": [
            {"use": "bound", "of": "B", "x": "c", "times": "1/8"},
            {"use": "square", "x": f"B.T@{g}", "times": "1/8"},
            {"use": "equation", "of": "solves",
             "with": f"({q} + B.T@{g}/2 - 3*{w}/8).T"}]})
