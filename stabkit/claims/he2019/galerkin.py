"""Galerkin coarse operators R A P as convolutions (Section 5)."""

from __future__ import annotations

from itertools import product

import numpy as np

from stabkit.claims.claim import claim
from stabkit.claims.he2019.matrices import (
    ASSEMBLED,
    FIVE_POINTS,
    HALF,
    assemble,
    cell_shares,
    fractions,
    inner_between,
    inner_interpolation,
    laplace,
    neumann,
    prolongation,
    shift,
)
from stabkit.operators.stencils import coarsening
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import REFUTED

STENCIL_PARTS = ("any kernel, bilinear P", "any kernel, linear P", "K_A, linear P",
                 "K_A, bilinear P, levels 2 to 6")
TAKEN = (HALF, 1, HALF)


def _ring(m: int) -> dict[str, np.ndarray]:
    """Linear interpolation p from m to 2m periodic nodes, and r, half a difference between."""
    even, odd = (np.eye(2 * m, dtype=int)[:, start::2] for start in (0, 1))
    return dict(p=fractions(even) + odd @ (shift(m, 0) + shift(m, 1)) / 2,
                r=odd @ (shift(m, 1) - shift(m, 0)) / 2)


@claim("eq. (5.11), interior", within=dict(part=STENCIL_PARTS))
def galerkin_stencil_is_three_by_three(part):
    """In the interior R A P is a 3×3 convolution for every 3×3 kernel A and bilinear or linear P.
    K_A with linear P gives K_A again.  With bilinear P, level l has (1/3)[−1 −1 −1; −1 8 −1;
    −1 −1 −1] + 4^{1−l}·(1/3)[1 −2 1; −2 4 −2; 1 −2 1], with centres 4, 3, 11/4, 43/16, …"""
    if part == STENCIL_PARTS[3]:
        return _levels()
    given = dict(_ring(4), Z0=shift(8, -1), Z1=shift(8, 0), Z2=shift(8, 1))
    where = "On periodic 8×8 and 4×4 nodes, where every row is an interior one.  "
    if part == STENCIL_PARTS[0]:
        given |= {f"Y{b}": shift(4, b - 1) for b in range(3)} | dict(M=coarsening(3, TAKEN, TAKEN))
        shows = [f"p.T @ Z{b} @ p == M[0, {b}]*Y0 + M[1, {b}]*Y1 + M[2, {b}]*Y2" for b in range(3)]
        return Calculation(given, [], shows, where + "P = p ⊗ p takes the tap Z_a ⊗ Z_b to "
                           "(pᵀZ_a p) ⊗ (pᵀZ_b p), a 3×3 kernel; R A P is linear in the taps",
                           necessary=True)
    names = [f"C{a}{b}" for a, b in product(range(3), repeat=2)]
    let = [(f"C{a}{b}", f"kron(p.T @ Z{a} @ p, p.T @ Z{b} @ p) - kron(p.T @ Z{a} @ r, p.T @ Z{b} @ "
                        f"r) - kron(r.T @ Z{a} @ p, r.T @ Z{b} @ p) + kron(r.T @ Z{a} @ r, r.T @ "
                        f"Z{b} @ r)") for a, b in product(range(3), repeat=2)]
    linear = where + "P = p ⊗ p − r ⊗ r is linear interpolation; C_ab is Pᵀ(Z_a ⊗ Z_b)P"
    if part == STENCIL_PARTS[2]:
        return Calculation(
            dict(given, T=2 * shift(4, 0) - shift(4, 1) - shift(4, -1)), let,
            ["4*C11 - C01 - C10 - C12 - C21 == kron(T, I(4)) + kron(I(4), T)"],
            f"{linear}, and the left side is PᵀK_A P", necessary=True)
    shows = [f"{name}[0]{far} == 0" for name in names for far in ("[8:12]", "[2]", "[6]", "[14]")]
    return Calculation(
        given, let, shows,
        f"{linear}.  It is a convolution, as its factors are; its first row has only the coarse "
        "neighbours −1, 0, 1 in both directions; R A P is linear in the taps", necessary=True)


def _levels() -> Calculation:
    let = [("element", "[[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]] / 3"),
           ("defect", "[[1, -2, 1], [-2, 4, -2], [1, -2, 1]] / 3"),
           ("K1", "[[0, -1, 0], [-1, 4, -1], [0, -1, 0]]"),
           *((f"K{level}", f"M @ K{level - 1} @ M.T") for level in range(2, 7))]
    return Calculation(
        dict(M=coarsening(3, TAKEN, TAKEN)), let,
        [*(f"K{level} == element + defect / 4**{level - 1}" for level in range(1, 7)),
         "[K1[1, 1], K2[1, 1], K3[1, 1], K4[1, 1]] == [4, 3, 11/4, 43/16]",
         "M @ element @ M.T == element", "M @ defect @ M.T == defect / 4"],
        "M is what coarsening does to a kernel along one axis; the last line makes it an induction",
        necessary=True)


@claim("eq. (5.11) with A¹ of (5.3)", expect=REFUTED, within=dict(n=(5, 9)))
def galerkin_operator_is_a_zero_padded_convolution(n):
    """On n_l = 2^{J−l+1} + 1 nodes, with A¹ = K_A with zero padding and linear P of (4.7)–(4.9),
    every A^l of (5.11) is K_A with zero padding, boundary rows included."""
    m = (n + 1) // 2
    return Calculation(
        dict(T=laplace(n), t=laplace(m), P=prolongation(m, "linear")),
        [("A", FIVE_POINTS.format(n=n)), ("S", FIVE_POINTS.format(n=m).replace("T", "t")),
         ("B", "P.T @ (A @ P)")], ["B == S"],
        "S is K_A on the coarse grid; it differs from R A P at the boundary", necessary=True)


@claim("derived (eq. (5.11) with A¹ of (5.3))", within=dict(m=(1, 2, 3, 7)))
def galerkin_operator_is_a_zero_padded_convolution_corrected(m):
    """On n_l = 2ᵏ − 1 nodes, coarse node i at the fine node 2i, with linear P and zeros outside,
    every A^l of (5.11) is K_A with zero padding, boundary rows included."""
    n = 2 * m + 1
    return Calculation(
        dict(T=laplace(n), t=laplace(m), p=inner_interpolation(m), r=inner_between(m)),
        [("A", FIVE_POINTS.format(n=n)), ("S", FIVE_POINTS.format(n=m).replace("T", "t")),
         ("P", "kron(p, p) - kron(r, r)"), ("B", "P.T @ (A @ P)")], ["B == S"],
        "P is linear interpolation with the boundary value 0, on levels that end one cell outside",
        necessary=True)


@claim("derived (eq. (5.11))", weight="minor", within=dict(m=(2, 3, 5)))
def galerkin_reproduces_the_assembled_operator(m):
    """For the assembled Neumann matrix of linear elements and linear P, R A P is the assembled
    matrix of the coarse grid, m×m from (2m − 1)×(2m − 1) nodes."""
    n = 2 * m - 1
    return Calculation(
        dict(L=neumann(n), m=cell_shares(n), P=prolongation(m, "linear"), S=assemble(m)),
        [("A", ASSEMBLED)], ["P.T @ (A @ P) == S"],
        "the coarse finite element functions are fine ones, so their energies agree; S is summed "
        "up from the element matrices", necessary=True)
