r"""Does the \-cycle of Section 5 converge?  With Galerkin operators, and with K_A everywhere."""

from __future__ import annotations

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import claim
from stabkit.claims.he2019.cone import growth
from stabkit.claims.he2019.matrices import (
    FIVE_POINTS,
    between,
    cell_shares,
    ends,
    inner_between,
    inner_interpolation,
    interpolation,
    laplace,
    neumann,
)
from stabkit.errors import Undecided
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import REFUTED

KINDS = ("bilinear", "linear")
#: Grids up to this size have coarse operators that are small enough to be written out.
WRITTEN_OUT = 17

#: K_A on the finest grid, then prolongation and R A P of one level after the other.
LINEAR_START = [
    ("a", "p.T @ T @ p"), ("m", "p.T @ p"), ("b", "p.T @ T @ r"), ("c", "p.T @ r"),
    ("d", "r.T @ T @ r"), ("e", "r.T @ r"),
    ("A2", "kron(a, m) + kron(m, a) + kron(d, e) + kron(e, d) - kron(b, c) - kron(c, b)"
           " - (kron(b, c) + kron(c, b)).T")]


def _coarse_lines(n: int, P: str) -> list[tuple[str, str]]:
    """The lines that define A2, A3, …, the Galerkin operators below n×n nodes."""
    m = (n + 1) // 2
    if P == "linear":
        let = list(LINEAR_START)
    else:
        let = [("L2", "p.T @ T @ p"), ("M2", "p.T @ p"), ("A2", "kron(L2, M2) + kron(M2, L2)")]
    level = 2
    while m > 3:
        level, above, m = level + 1, m, (m + 1) // 2
        q, s = f"p[:{above}, :{m}]", f"r[:{above}, :{m}]"
        if P == "linear":
            let += [(f"P{level}", f"kron({q}, {q}) - kron({s}, {s})"),
                    (f"A{level}", f"P{level}.T @ (A{level - 1} @ P{level})")]
        else:
            let += [(f"{name}{level}", f"({q}).T @ {name}{level - 1} @ {q}") for name in "LM"]
            let += [(f"A{level}", f"kron(L{level}, M{level}) + kron(M{level}, L{level})")]
    return let


def _coarse_matrices(n: int, P: str):
    """The same operators in floats, which hold them exactly: their entries are dyadic."""
    A = np.kron(laplace(n), np.eye(n)).astype(float)
    A = A + np.kron(np.eye(n), laplace(n)).astype(float)
    while n > 3:
        m = (n + 1) // 2
        p, r = (make(m).astype(float) for make in (interpolation, between))
        prolongation = np.kron(p, p) - (np.kron(r, r) if P == "linear" else 0)
        A, n = prolongation.T @ A @ prolongation, m
        yield A


def _sweeps_are_contractions(n: int, P: str) -> Calculation:
    """0 <= A <= 10 on every level, so that no sweep with 1/5 increases the energy."""
    shows = ["pd(T)", f"pd(4*I({n}) - T)"]
    for level, A in enumerate(_coarse_matrices(n, P), 2):
        # Only conditions that hold are written down: where they fail, nothing is refuted.
        if np.abs(A).sum(axis=1).max() > 10:
            raise Undecided(f"a sweep on level {level} may increase the energy")
        shows.append(f"abs(A{level}) @ ones({len(A)}) <= 10")
    m = (n + 1) // 2
    return Calculation(
        dict(T=laplace(n), p=interpolation(m)) | (dict(r=between(m)) if P == "linear" else {}),
        _coarse_lines(n, P), shows,
        "A¹ = T ⊗ I + I ⊗ T, and P is p ⊗ p, or p ⊗ p − r ⊗ r for linear elements.  The error "
        "operator is the product of (1 − C C'A¹/5)² over all levels, C the prolongation from a "
        "level to the finest, and C'A¹C its A.  As 0 <= A <= 10 no factor increases the energy, "
        "and as 0 < A¹ < 8 the one of the finest level reduces it; |A| is at most the largest sum "
        "of a row of absolute values")


@claim("Section 5, eqs (5.3), (5.6), (5.11), Algorithms 1 and 2", notion="spectrum",
       expect=REFUTED, within=dict(n=(5, 9, 17, 33, 65, 129), P=KINDS))
def printed_multigrid_converges(n, P):
    r"""With A¹ = K_A (zero padding) on n×n nodes, A^{l+1} = R A^l P, R = Pᵀ, S^l = ω/4 on every
    level, ω = 4/5, two sweeps on each level and a 3×3 grid that is only smoothed at the end, the
    \-cycle converges: the spectral radius of its error operator is < 1, for n = 5, 9, …, 129."""
    if n <= WRITTEN_OUT:
        return _sweeps_are_contractions(n, P)
    if P == "linear":
        raise Undecided("growing signals are only sought for bilinear prolongation")
    return growth(n, galerkin=True)


OMEGA = "4/5"
DIAGONAL, QUARTER = "diag(A)⁻¹", "1/4"


def _whole(sizes: tuple[int, ...], P: str, sweep: str, *, galerkin: bool, inner: bool = False
           ) -> tuple[dict, list]:
    r"""What is given, and the lines for A1 and the error operator E of the \-cycle."""
    given: dict = dict(omega=OMEGA)
    let, p, r = [], *((inner_interpolation, inner_between) if inner else (interpolation, between))
    for level, n in enumerate(sizes, 1):
        A, above = f"A{level}", f"P{level - 1}.T @ (A{level - 1} @ P{level - 1})"
        given[f"T{level}"] = laplace(n)
        kernel = FIVE_POINTS.format(n=n).replace("T", f"T{level}")
        let.append((A, above if galerkin and level > 1 else kernel))
        weights = f"1/{_diagonal(A, n * n)}" if sweep == DIAGONAL else f"ones({n * n})/4"
        let += [(f"B{level}", f"diag(omega*{weights})"),
                (f"S{level}", f"2*B{level} - B{level} @ {A} @ B{level}")]
        if level < len(sizes):
            given |= {f"p{level}": p(sizes[level]), f"r{level}": r(sizes[level])}
            let.append((f"P{level}", f"kron(p{level}, p{level})" + (
                f" - kron(r{level}, r{level})" if P == "linear" else "")))
    let.append((f"C{len(sizes)}", f"S{len(sizes)}"))
    for level in reversed(range(1, len(sizes))):
        let.append((f"C{level}", f"S{level} + P{level} @ C{level + 1} @ (P{level}.T @ "
                                 f"(I({sizes[level - 1]**2}) - A{level} @ S{level}))"))
    return given, [*let, ("E", f"I({sizes[0]**2}) - C1 @ A1")]


CONTRACTS = ["pd(A1)", "pd(A1 - E.T @ (A1 @ E))"]
CONTRACTS_BY = ("S are two sweeps on a level and C the cycle from there on, both from u = 0: u ← "
                "S f, then the coarse cycle for the residual; E is the error operator, and "
                "‖E‖_A < 1")


def _widen(n: int, h: int) -> tuple[np.ndarray, np.ndarray]:
    """L, M of the level with mesh size h that K_A with zero padding and bilinear P lead to."""
    L = neumann(n) / fractions(h)
    L[0, 0] += 1
    L[-1, -1] += 1
    M = fractions(np.eye(n, dtype=int)) * (2 * h * h + 1) / (3 * h)
    beside = fractions(h * h - 1) / (6 * h)
    for i in range(n - 1):
        M[i, i + 1] = M[i + 1, i] = beside
    M[0, 0] = M[-1, -1] = fractions(2 * h * h + 3 * h + 1) / (6 * h)
    return L, M


LEVELS = (1, 2, 3, 4, 5, 6)
DOMINANT = ("  Every row of A^l is dominated by its diagonal D, so 0 <= D⁻¹A^l <= 2 and a sweep "
            "with (4/5)D⁻¹ does not increase the energy; on the finest level, where it is the "
            "sweep with 1/5 and 0 < A¹ < 8, it reduces it.  The cycle is a product of such sweeps")


def _diagonal(name: str, n: int) -> str:
    return "[" + ", ".join(f"{name}[{i}, {i}]" for i in range(n)) + "]"


WHOLE = "all, on 5×5 nodes"


@claim("derived (Section 5, eq. (5.11))", notion="spectrum",
       within=dict(P=KINDS, level=(WHOLE, *LEVELS)))
def printed_multigrid_converges_corrected(P, level):
    r"""With S^l = ω·diag(A^l)⁻¹, ω = 4/5 (ω/4 on the finest level only), instead of ω/4, the
    \-cycle of the same hierarchy has ‖E‖_A < 1, for n = 5, 9, …, 129, P linear or bilinear.

    Decided level by level: from l to l + 1, on 9×9 and 5×5 nodes; and for the whole cycle on
    5×5 nodes."""
    if level == WHOLE:
        given, let = _whole((5, 3), P, DIAGONAL, galerkin=True)
        return Calculation(given, let, CONTRACTS, CONTRACTS_BY, necessary=True)
    h = 2 ** (level - 1)
    return _bilinear_level(h) if P == "bilinear" else _linear_level(h)


def _bilinear_level(h: int) -> Calculation:
    given = {**dict(zip("LM", _widen(9, h), strict=True)),
             **dict(zip("lm", _widen(5, 2 * h), strict=True)), "p": interpolation(5)}
    let = [("A", "kron(l, m) + kron(m, l)"), ("x", _diagonal("l", 5)), ("y", _diagonal("m", 5)),
           ("D", "kron(diag(x), diag(y)) + kron(diag(y), diag(x))")]
    shows = ["p.T @ L @ p == l", "p.T @ M @ p == m", "2*(D @ ones(25)) >= abs(A) @ ones(25)"]
    if h == 1:
        given["T"] = laplace(9)
        shows += ["L == T", "M == I(9)"]
    return Calculation(given, let, shows, "P is p ⊗ p, A^l = L ⊗ M + M ⊗ L.  The rows (end, next "
                       "to it, interior) pass from one level to the next as shown for any number "
                       f"of nodes.{DOMINANT}")


#: The assembled Neumann matrix with more weight along the boundary: K_A with zero padding for
#: C = L/2 + 1.
EDGED = "kron({L}, diag({m})) + kron(diag({m}), {L}) + kron(diag({x}), {C}) + kron({C}, diag({x}))"


def _edge(n: int, h: int) -> np.ndarray:
    return _widen(n, h)[1] + neumann(n) / fractions(2 * h)


def _linear_level(h: int) -> Calculation:
    given = dict(L=neumann(9), m=cell_shares(9), x=ends(9), C=_edge(9, h), l=neumann(5),
                 k=cell_shares(5), y=ends(5), c=_edge(5, 2 * h), p=interpolation(5), r=between(5))
    let = [("A", EDGED.format(L="L", m="m", x="x", C="C")),
           ("B", EDGED.format(L="l", m="k", x="y", C="c")), ("P", "kron(p, p) - kron(r, r)"),
           ("d", _diagonal("B", 25))]
    shows = ["P.T @ (A @ P) == B", "2*d >= abs(B) @ ones(25)"]
    if h == 1:
        given["T"] = laplace(9)
        shows.append(f"A == {FIVE_POINTS.format(n=9)}")
    return Calculation(given, let, shows, "P = p ⊗ p − r ⊗ r is linear interpolation.  A^l is the "
                       "assembled Neumann matrix with the edges (x marks the ends) weighted by a "
                       "tridiagonal C^l; the rows pass from one level to the next as shown for any "
                       f"number of nodes.{DOMINANT}")


@claim("Section 5 read as a pure CNN", notion="spectrum", expect=REFUTED,
       within=dict(n=(33, 9, 17, 65, 129), P=KINDS))
def kernel_hierarchy_converges(n, P):
    r"""With A^l = K_A (zero padding) on every level n_l = 2^{J−l+1} + 1 instead of (5.11), R = Pᵀ,
    S^l = ω/4, ω = 4/5, two sweeps on each level and a 3×3 grid that is only smoothed at the end,
    the \-cycle converges for n = 9, 17, …, 129."""
    if n <= 9:  # few enough nodes for the whole matrix
        given, let = _whole((5, 3) if n == 5 else (9, 5, 3), P, QUARTER, galerkin=False)
        return Calculation(given, let, CONTRACTS, f"{CONTRACTS_BY}, so it converges")
    if P == "linear":
        raise Undecided("growing signals are only sought for bilinear prolongation")
    return growth(n, galerkin=False)


WHOLE_INNER = "all, on 7×7 and 3×3 nodes"


@claim("derived (Section 5)", notion="spectrum", within=dict(n=(WHOLE_INNER, 3, 7, 15)))
def kernel_hierarchy_converges_corrected(n):
    r"""On n_l = 2ᵏ − 1 nodes, coarse node i at the fine node 2i, with linear P and R = Pᵀ: K_A with
    zero padding is its own Galerkin operator on every level, and with S^l = ω/4, ω = 4/5, the
    \-cycle has ‖E‖_A < 1, for every number of levels."""
    if n == WHOLE_INNER:
        given, let = _whole((7, 3), "linear", QUARTER, galerkin=False, inner=True)
        return Calculation(given, let, CONTRACTS, CONTRACTS_BY, necessary=True)
    m = (n - 1) // 2
    names = {"a": "p.T @ T @ p", "m": "p.T @ p", "b": "p.T @ T @ r", "c": "p.T @ r",
             "d": "r.T @ T @ r", "e": "r.T @ r"}
    return Calculation(
        dict(omega=OMEGA, T=laplace(n), t=laplace(m), p=inner_interpolation(m), r=inner_between(m),
             j=[(-1) ** i for i in range(n)]),
        [*names.items(), ("J", "diag(j)")],
        ["kron(a, m) + kron(m, a) + kron(d, e) + kron(e, d) - kron(b, c) - kron(c, b)"
         f" - (kron(b, c) + kron(c, b)).T == {FIVE_POINTS.format(n=m).replace('T', 't')}",
         "pd(T)", f"4*I({n}) - T == J @ T @ J", "omega/4 * 8 < 2"],
        "the padding zeros are the boundary values on every level; P = p ⊗ p − r ⊗ r is linear "
        "interpolation, the left side R K_A P, an identity of stencils that holds for every size.  "
        "T ⊗ I + I ⊗ T has eigenvalues > 0 and, by J ⊗ J, symmetric about 4: in (0, 8), so each "
        "sweep with 1/5 reduces the energy, and the cycle is a product of such sweeps")
