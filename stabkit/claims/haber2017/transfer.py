"""Prolongation, restriction, and convolutions between two grids (Section 2.1)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import claim
from stabkit.claims.haber2017.nine_stencils import ORDERS
from stabkit.operators import convolution
from stabkit.operators.stencils import FULL_WEIGHTING, coarsening, derivative_windows
from stabkit.stability.property import AllOf, Calculation, Either
from stabkit.stability.verdict import REFUTED

LINEAR = "It is common to have P as a linear interpolation, and R as a full weight restriction"


def _weighting(n: int) -> np.ndarray:
    """Full weighting between periodic signals, coarse point j at fine point 2j."""
    return convolution(FULL_WEIGHTING, n).exact()[::2]


def _interpolation(n: int) -> np.ndarray:
    """Linear interpolation: coarse values at even points, means of two between them."""
    coarse = fractions(np.eye(n // 2, dtype=int))
    between = (coarse + np.roll(coarse, -1, axis=0)) / 2
    return np.stack([coarse, between], axis=1).reshape(n, n // 2)


def _shift(n: int, by: int = 1, periodic: bool = True) -> np.ndarray:
    """The matrix of u ↦ u_{i + by}."""
    return fractions([[int((i + by) % n == j if periodic else i + by == j) for j in range(n)]
                      for i in range(n)])


@claim('after eq. (2.5), "typically, RP = I"', notion="identity", expect=REFUTED, quote=LINEAR,
       within=dict(n=(4, 6, 8)))
def restriction_inverts_prolongation(n):
    """R P = I for linear interpolation P and full weighting R between periodic signals of every
    even size n >= 4."""
    return Calculation(dict(R=_weighting(n), P=_interpolation(n)), [], [f"R @ P == I({n // 2})"],
                       "R and P are written out", necessary=True)


@claim("derived (after eq. (2.5))", notion="identity", within=dict(n=(4, 6, 8, 10)))
def restriction_inverts_prolongation_corrected(n):
    """J P = I for the injection J.  For full weighting R P = I + [1 −2 1]/8 = [1 6 1]/8, with
    eigenvalues in [1/2, 1]: R P → I with second order, and (R P)⁻¹R is a left inverse of P."""
    return _weighting_of_interpolation(n, 8)


def _weighting_of_interpolation(n, part):
    """R P = I + [1 −2 1]/part, with eigenvalues in [1/2, 1]; and J P = I."""
    m = n // 2
    injection = fractions(np.eye(n, dtype=int))[::2]
    difference = _shift(m) - _shift(m, 0)
    return Calculation(
        dict(R=_weighting(n), P=_interpolation(n), J=injection, D=difference, part=part), [],
        [f"J @ P == I({m})", f"R @ P == I({m}) - D.T @ D / part", f"psd(part/2*I({m}) - D.T @ D)",
         "pd(R @ P)"],
        "D is the forward difference, −DᵀD = [1 −2 1], and 0 <= DᵀD <= 4; on every size "
        "|u_{i+1} − uᵢ|² <= 2u_{i+1}² + 2uᵢ²", necessary=True)


@claim("after eq. (2.5)", notion="identity", weight="minor",
       quote="For uniform nodal meshes, it is typical to have",
       within=dict(n=(4, 6, 8), dimension=(1, 2)))
def prolongation_is_the_scaled_transpose(n, dimension):
    """P = 2ᵈRᵀ for linear interpolation and full weighting in d dimensions; shown on periodic
    grids."""
    return _is_scaled_transpose(n, dimension, 2**dimension)


def _is_scaled_transpose(n, dimension, factor):
    shown = "P == factor * R.T" if dimension == 1 else "kron(P, P) == factor * kron(R, R).T"
    return Calculation(dict(R=_weighting(n), P=_interpolation(n), factor=factor), [], [shown],
                       "P and R are written out for signals; for images they are Kronecker "
                       "products, along rows and columns", necessary=True)


def _convolution_matrix(taps, rows: int, columns: int, periodic: bool = True) -> np.ndarray:
    """The matrix of a 3×3 stencil on an image numbered row by row, pixel by pixel."""
    matrix = fractions(np.zeros((rows * columns, rows * columns), dtype=int))
    for y, x, a, b in product(range(rows), range(columns), (-1, 0, 1), (-1, 0, 1)):
        if periodic or (0 <= y + a < rows and 0 <= x + b < columns):
            neighbour = (y + a) % rows * columns + (x + b) % columns
            matrix[y * columns + x, neighbour] += taps[a + 1][b + 1]
    return matrix


SHIFTS = {"right": [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
          "right + 2 down": [[0, 0, 0], [0, 0, 1], [0, 2, 0]]}


@claim("before eq. (2.6a)", notion="identity", weight="minor", expect=REFUTED,
       quote="The matrix is circulant and sparse",
       within=dict(image=("1x3", "2x2", "3x3"), stencil=tuple(SHIFTS)))
def convolution_matrix_is_circulant(image, stencil):
    """The matrix of a periodic convolution on a vectorised image is circulant, with the pixels
    numbered row by row or column by column; here for a sum of shifts."""
    rows, columns = map(int, image.split("x"))
    taps = SHIFTS[stencil]
    by_rows = _convolution_matrix(taps, rows, columns)
    by_columns = _convolution_matrix(np.transpose(taps), columns, rows)
    return Calculation(dict(A=by_rows, B=by_columns, Z=_shift(rows * columns)), [],
                       ["A @ Z == Z @ A or B @ Z == Z @ B"],
                       "A and B are the matrices in the two numberings; a matrix is circulant if "
                       "and only if it commutes with the cyclic shift Z of all pixels",
                       necessary=True)


@claim("before eq. (2.6a)", notion="identity", weight="minor",
       within=dict(image=("3x3", "3x4"), boundary=("periodic", "zero")))
def convolution_matrix_is_circulant_corrected(image, boundary):
    """On images with one channel, numbered row by row, it is block circulant with circulant
    blocks; with zeros outside the image it is block Toeplitz with Toeplitz blocks."""
    rows, columns = map(int, image.split("x"))
    taps = np.arange(1, 10).reshape(3, 3)
    matrix = _convolution_matrix(taps, rows, columns, boundary == "periodic")
    return _has_blocks(matrix, rows, columns, boundary)


def _has_blocks(matrix, rows, columns, boundary):
    """Block circulant with circulant blocks, or block Toeplitz with Toeplitz blocks."""
    given, size = dict(A=matrix), rows * columns
    if boundary == "periodic":
        given |= dict(Y=_shift(rows), X=_shift(columns))
        return Calculation(
            given, [("down", f"kron(Y, I({columns}))"), ("right", f"kron(I({rows}), X)")],
            ["A @ down == down @ A", "A @ right == right @ A"],
            "A is written out pixel by pixel; its blocks are circulant, and it is block circulant, "
            "if and only if it commutes with the cyclic shifts of the columns and of the rows",
            necessary=True)
    blocks = [f"A[{i * columns}:{(i + 1) * columns}, {j * columns}:{(j + 1) * columns}]"
              for i in range(rows) for j in range(rows)]
    last = columns - 1
    return Calculation(
        given, [],
        [f"A[{columns}:, {columns}:] == A[0:{size - columns}, 0:{size - columns}]",
         *(f"{block}[1:, 1:] == {block}[0:{last}, 0:{last}]" for block in blocks)],
        "A is written out pixel by pixel; a matrix of blocks, or of numbers, is Toeplitz if and "
        "only if it stays the same one place further down and right", necessary=True)


@claim("eqs (2.6a), (2.6b)", notion="identity", within=dict(n=(6, 4, 8), dimension=(1, 2)))
def galerkin_operator_is_a_convolution(n, dimension):
    """For linear interpolation P, full weighting R (periodic, even sizes) and any 3ᵈ stencil s_h,
    R K_h P is the convolution with the 3ᵈ stencil s_H = M s_h (d = 1) or M s_h Mᵀ (d = 2), where
    M = (1/8)[4 1 0; 4 6 4; 0 1 4].  M has the eigenpairs 1 (1, 4, 1), 1/2 (−1, 0, 1),
    1/4 (1, −2, 1)."""
    return AllOf([_galerkin(n, dimension, coarsening(3)), Calculation(
        dict(M=coarsening(3)), [], ["8 * M == [[4, 1, 0], [4, 6, 4], [0, 1, 4]]"],
        "the matrix that is used", necessary=True)])


def _galerkin(n, dimension, M):
    """R K_h P is the convolution with M s_h, or M s_h Mᵀ."""
    m = n // 2
    given = dict(R=_weighting(n), P=_interpolation(n), M=M, Z0=_shift(n, -1),
                 Z1=_shift(n, 0), Z2=_shift(n), Y0=_shift(m, -1), Y1=_shift(m, 0), Y2=_shift(m))
    let = [(f"C{b}", f"M[0, {b}] * Y0 + M[1, {b}] * Y1 + M[2, {b}] * Y2") for b in range(3)]
    if dimension == 1:
        shows = [f"R @ Z{b} @ P == C{b}" for b in range(3)]
    else:
        let += [("R2", "kron(R, R)"), ("P2", "kron(P, P)")]
        shows = [f"R2 @ (kron(Z{a}, Z{b}) @ P2) == kron(C{a}, C{b})"
                 for a, b in product(range(3), repeat=2)]
    return Calculation(given, let, [
        "M @ [1, 4, 1] == [1, 4, 1]",
        "2 * (M @ [-1, 0, 1]) == [-1, 0, 1]", "4 * (M @ [1, -2, 1]) == [1, -2, 1]", *shows],
        "the shifts Z0, Z1, Z2 (and their Kronecker products) are the convolutions with one tap, "
        "and R K P is linear in the taps; other even sizes repeat the same rows", necessary=True)


FINE = [["-0.89", "-2.03", "4.30"], ["-2.07", "0.00", "-2.07"], ["4.39", "-2.03", "1.28"]]
COARSE = [["-0.48", "-0.17", "0.82"], ["-0.15", "-0.80", "0.37"], ["0.84", "0.40", "0.07"]]
ROUNDING = Fraction(1, 200)


def _stencil_within_rounding(fine: np.ndarray, coarse: np.ndarray) -> np.ndarray | None:
    """A stencil near `fine` with a Galerkin stencil near `coarse`: move all taps that feed the
    worst coarse one, a thousandth at a time."""
    M = coarsening(3)
    gap = coarse - M @ fine @ M.T
    j, i = np.unravel_index(np.argmax(abs(gap)), gap.shape)
    direction = np.sign(np.multiply.outer(M[j], M[i])) * (1 if gap[j, i] > 0 else -1)
    for thousandths in range(6):
        moved = fine + Fraction(thousandths, 1000) * direction
        if np.all(abs(M @ moved @ M.T - coarse) <= ROUNDING):
            return moved
    return None


@claim("numerical example before Figure 1", notion="identity", weight="minor",
       within=dict(fine=("printed s_h",), coarse=("printed s_H",)))
def printed_coarse_stencil_is_galerkin(fine, coarse):
    """s_h = [−0.89 −2.03 4.30; −2.07 0.00 −2.07; 4.39 −2.03 1.28] and s_H = [−0.48 −0.17 0.82;
    −0.15 −0.80 0.37; 0.84 0.40 0.07] are printed with two decimals.  Some s with all entries within
    0.005 of s_h has all entries of its Galerkin stencil M s Mᵀ within 0.005 of s_H."""
    return galerkin_within_rounding(FINE, COARSE)


def galerkin_within_rounding(fine, coarse) -> Either:
    """Is a printed coarse stencil the Galerkin one of a printed fine one, up to rounding?

    By a stencil that rounds to the fine one, if one is met; or by the hull of all that do."""
    fine, coarse = fractions(fine), fractions(coarse)
    given = dict(s_h=fine, s_H=coarse, M=coarsening(3), half=ROUNDING)
    moved = _stencil_within_rounding(fine, coarse)
    return Either(Calculation(
        dict(given, s=fine if moved is None else moved), [],
        ["max(abs(s - s_h)) <= half", "max(abs(M @ s @ M.T - s_H)) <= half"],
        "s is s_h before rounding, M s Mᵀ rounds to s_H"), Calculation(
        given, [("allowed", "half * (1 + outer(M @ ones(3), M @ ones(3)))")],
        ["nonneg(M) and not (abs(M @ s_h @ M.T - s_H) <= allowed)"],
        "M is not negative, so no s within `half` of s_h brings the entries of M s Mᵀ closer to "
        "those of s_H than by the row sums of M"))


@claim('derived ("two possible solutions")', notion="order", weight="minor",
       within=dict(derivative=tuple(ORDERS), H=("1", "1/3")))
def galerkin_and_rediscretisation_agree_to_second_order(derivative, H):
    """From mesh size H/2 to H, the Galerkin stencil minus the rediscretised one (corrected basis)
    is −(H²/16)(∂x² + ∂y²) + (H⁴/256)∂x²∂y² on id, −(H²/16)∂x∂y² on ∂x, −(H²/16)∂x²∂y² on ∂x²,
    likewise with x and y exchanged, and 0 on the other stencils."""
    return _differ_by(derivative, H, 16)


def _differ_by(derivative, H, part):
    """With (H²/part) and (H⁴/part²) as the constants."""
    i, j = ORDERS[derivative]
    # Along each axis the mean becomes a − (H²/part)c; both differences are kept as they are.
    parts = [f"({'(a - H**2 * c / part)' if order == 0 else name})"
             for order, name in ((j, "abc"[j]), (i, "abc"[i]))]
    expected = {"id": "-H**2 / part * (outer(a, c) + outer(c, a)) + H**4 / part**2 * outer(c, c)",
                "∂x": "-H**2 / part * outer(c, b)", "∂y": "-H**2 / part * outer(b, c)",
                "∂x²": "-H**2 / part * outer(c, c)", "∂y²": "-H**2 / part * outer(c, c)",
                }.get(derivative, "0 * outer(a, a)")
    return Calculation(
        dict(W=derivative_windows(), M=coarsening(3), H=H, part=part),
        [("a", "W[0]"), ("b", "W[1] / H"), ("c", "W[2] / H**2"),
         ("fine_y", f"M @ (W[{j}] * (2/H)**{j})"), ("fine_x", f"M @ (W[{i}] * (2/H)**{i})")],
        [f"fine_y == {parts[0]} and fine_x == {parts[1]}",
         f"outer(fine_y, fine_x) - outer({'abc'[j]}, {'abc'[i]}) == {expected}"],
        "a, b, c are the windows of ∂⁰, ∂¹, ∂² on mesh size H; on H/2 they are W[k] (2/H)ᵏ, and M "
        "along rows and columns is the Galerkin map", necessary=True)
