"""Convolutions, paddings, strides and what they can represent (Sections 1 and 3)."""

from __future__ import annotations

from itertools import product

import numpy as np

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions, solve
from stabkit.claims.claim import claim
from stabkit.claims.he2019.matrices import PADDINGS, integers, shift, tap_matrices
from stabkit.claims.related_classes import AnyInvertible
from stabkit.classes import AnyVector, Relu, signal
from stabkit.operators import from_matrix
from stabkit.proof.words import Expression
from stabkit.stability.property import AllOf, Calculation, Example, Identity
from stabkit.stability.verdict import REFUTED

RELU = ("relu(x)", "x if x >= 0 else 0")
SPLIT = "relu(x) - relu(-x) == x"
SPLIT_BY = "both sides are linear on x >= 0 and on x <= 0, and they agree at −1, 0, 1"

PRINTED = " + ".join(f"K[{a}, {b}] * g[{a}:{a + 3}, {b}:{b + 3}]"
                     for a, b in product(range(3), repeat=2))
CONVOLUTION = " + ".join(f"K[{a}, {b}] * g[{2 - a}:{5 - a}, {2 - b}:{5 - b}]"
                         for a, b in product(range(3), repeat=2))
TAPS = {"centre": (1, 1), "right": (1, 2), "below": (2, 1)}


@claim("eq. (3.7)", weight="minor", expect=REFUTED, within=dict(tap=tuple(TAPS)))
def printed_formula_is_a_convolution(tap):
    """[K * g]_{i,j} = Σ K_{k+1+p,k+1+q} g_{i+p,j+q} is the convolution of K and g, which has
    g_{i−p,j−q} there; here for kernels with a single tap and an impulse g."""
    K, g = np.zeros((3, 3), dtype=int), np.zeros((5, 5), dtype=int)
    K[TAPS[tap]] = g[2, 2] = 1
    return Calculation(dict(K=K, g=g), [("printed", PRINTED), ("convolution", CONVOLUTION)],
                       ["printed == convolution"], "the values at the inner 3×3 pixels, k = 1",
                       necessary=True)


@claim("eq. (3.7)", weight="minor", within=dict(n=(5, 6)))
def printed_formula_is_a_convolution_corrected(n):
    """(3.7) is the cross-correlation: the convolution with K rotated by 180°.  On a periodic grid
    K₁ * (K₂ * g) = K₁₂ * g, where K₁₂ is the convolution of the two kernels."""
    names = {-2: "Y2", -1: "Y", 0: "E", 1: "Z", 2: "Z2"}
    given = {name: shift(n, by) for by, name in names.items()}
    rng = np.random.default_rng(n)
    return Calculation(
        dict(given, K=integers(rng, 3, 3), g=integers(rng, 5, 5)),
        [("printed", PRINTED), ("R", "[" + ", ".join(
            "[" + ", ".join(f"K[{2 - a}, {2 - b}]" for b in range(3)) + "]"
            for a in range(3)) + "]"), ("rotated", CONVOLUTION.replace("K[", "R["))],
        ["printed == rotated",
         *(f"{names[p]} @ {names[q]} == {names[p + q]}" for p, q in product((-1, 0, 1), repeat=2))],
        "the sums have the same terms, K_{k+1+p,k+1+q} g_{i+p,j+q}.  On a ring the tap (p, q) is "
        "the shift Z^p ⊗ Z^q, shifts compose by adding their exponents, and so the products of "
        "taps land where the convolution of the kernels puts them", necessary=True)


def _outside(m: int, n: int, k: int):
    """The pixels around the image that a kernel with 2k + 1 rows and columns reads."""
    rows, columns = range(1 - k, m + k + 1), range(1 - k, n + k + 1)
    return [(x, y) for x, y in product(rows, columns) if not (1 <= x <= m and 1 <= y <= n)]


#: Row x of the padding, as printed; and reflected about the node at the end, as it should be.
PRINTED_ROW, REFLECTION = "abs(x - 1)", "m - abs(m - 1 - abs(x - 1))"


@claim("eq. (3.9)", weight="minor", expect=REFUTED,
       within=dict(m=(3, 4), n=(3, 4), k=(1, 2)))
def reflected_padding(m, n, k):
    """Outside an m×n image (3.9) reads f_{|i−1+p|,|j−1+q|} for the pixel (i+p, j+q); for m, n >= 3
    and k < min(m, n) this is the reflection of the image at its boundary, at the boundary nodes or
    half a cell outside."""
    x, y = zip(*_outside(m, n, k), strict=True)
    return Calculation(
        dict(m=m, n=n, x=x, y=y),
        [("node(x, m)", "m - abs(m - 1 - abs(x - 1))"),
         ("edge(x, m)", "m + 1/2 - abs(m - abs(x - 1/2))"),
         ("row", PRINTED_ROW), ("column", PRINTED_ROW.replace("x", "y").replace("m", "n"))],
        ["(row == node(x, m) and column == node(y, n)) or "
         "(row == edge(x, m) and column == edge(y, n))"],
        "(x, y) = (i + p, j + q) lies outside the image, (row, column) is what is read there, node "
        "and edge are the two reflections.  At (0, 1) the column 0 is read, which does not exist",
        necessary=True)


@claim("derived (eq. (3.9))", weight="minor", within=dict(m=(2, 3, 4, 5, 8)))
def reflected_padding_corrected(m):
    """With f_{r(i+p, m), r(j+q, n)}, r(x, m) = m − |m − 1 − |x − 1||, the padding is the reflection
    at the boundary nodes, with all indices in range, for all m, n >= 2 and k < min(m, n)."""
    return Calculation(
        dict(m=m, inside=list(range(1, m + 1)), before=list(range(2 - m, 1)),
             after=list(range(m + 1, 2 * m))),
        [("r(x)", REFLECTION)],
        ["r(inside) == inside", "r(before) == 2 - before", "r(after) == 2*m - after",
         "min(2 - before) >= 1", "max(2 - before) <= m", "min(2*m - after) >= 1",
         "max(2*m - after) <= m"],
        "k <= m − 1 rows are read on either side: x ↦ 2 − x reflects at node 1, x ↦ 2m − x at "
        "node m; the same for columns", necessary=True)


#: How many output rows there are: the smallest integer greater than m/s, and that >= m/s.
GREATER, AT_LEAST = "floor(m/s) + 1", "floor((m - 1)/s) + 1"
CENTRES = ["s*(q - 1) + 1 <= m", "s*q + 1 > m"]


@claim("eq. (3.13)", weight="minor", expect=REFUTED,
       quote="the smallest integer that is greater than",
       within=dict(m=(1, 2, 3, 32), s=(2,)))
def strided_output_size(m, s):
    """A convolution with stride s of an image with m rows has as many output rows as the smallest
    integer greater than m/s."""
    return Calculation(dict(m=m, s=s), [("q", GREATER)], CENTRES,
                       "output row i has its centre in row s(i − 1) + 1: of q rows the last one "
                       "lies inside the image, and the next one would not", necessary=True)


@claim("eq. (3.13)", weight="minor", within=dict(s=tuple(range(1, 10))))
def strided_output_size_corrected(s):
    """The number of output rows is the smallest integer >= m/s, which is ⌊(m − 1)/s⌋ + 1: the
    number of centres s(i − 1) + 1 in 1 … m."""
    return Calculation(dict(m=list(range(1, 60)), s=s), [("q", AT_LEAST)],
                       ["s*q >= m", "s*(q - 1) < m", *CENTRES],
                       "all m < 60 at once; with m the remainders repeat", necessary=True)


@claim("Section 1", notion="existence", expect=REFUTED, within=dict(n=(1, 2, 3)))
def a_large_kernel_recovers_any_linear_map(n):
    """One single-channel convolution of the same size, with a large enough kernel and zero,
    periodic or reflecting padding, realises any linear map; here of signals with n entries."""
    kernels = {padding: tap_matrices(padding, n, 2 * n) for padding in PADDINGS}
    return Calculation(
        dict(kernels, E=np.eye(n * n, dtype=int)), [],
        [" or ".join(f"rank(stack({name}, E[{k}:{k + 1}])) == rank({name})" for name in kernels)
         for k in range(n * n)],
        "one row per tap: its matrix, entry by entry, with zero, periodic and the two reflecting "
        "paddings; longer kernels repeat these rows, or add zeros.  A matrix with a single 1, a "
        "row of E, is realised if it is a combination of the rows of one padding", necessary=True)


@claim("Section 1", notion="existence", within=dict(n=(2, 3, 5)))
def a_large_kernel_recovers_any_linear_map_corrected(n):
    """With zero padding a kernel of full size realises any linear functional in one output entry,
    so any linear map with q outputs can be read off q channels."""
    taps = tap_matrices("zero", n, n - 1).reshape(2 * n - 1, n, n)
    return Calculation(
        {f"E{i}": taps[:, i, :] for i in range(n)}, [], [f"E{i}.T @ E{i} == I({n})"
                                                         for i in range(n)],
        "E_i takes the kernel to the weights of output i: each weight is one tap of its own.  "
        "Images have kron(E_i, E_j)", necessary=True)


MATRICES = (((1,),), ((2, 1), (0, -3)))


@claim("eqs (3.5), (3.19), (6.26)", expect=REFUTED, within=dict(A=MATRICES))
def feature_extractor_inverts_the_data_map(A):
    """For an invertible linear A some B = σ∘γ∘σ makes u ← u + B(f − A u), started at u = 0,
    converge to the solution of A u = f, for every f.

    Every value of B is a value of σ.  Where σ >= 0 no entry of u ever decreases below 0, whatever
    γ and its bias, but of the solutions for f and −f one has a negative entry.  For a σ that
    keeps every number γ = A⁻¹ would solve in one step."""
    given, let = dict(A=A, x=[-1, 0, 1], g=[1] + [0] * (len(A) - 1)), [RELU, ("G", "inverse(A)")]
    return AllOf([
        Calculation(given, let, [
            "min(relu(x)) < 0 or not all(relu(y) >= 0 for y in cells([-inf, 0, inf])) or "
            "nonneg(stack(G, -G))"],
            "σ must be negative somewhere, or no solution: the columns of ±A⁻¹ are the solutions "
            "for ±1 in one entry of f", necessary=True),
        Calculation(given, let, ["relu(x) == x", "A @ relu(G @ relu(g)) == g"],
                    "one step with γ = A⁻¹, where σ is the identity")])


@claim("derived (eqs (3.5), (3.19))",
       within=dict(A=MATRICES, relu=(fluxes.relu(),), f=(1,), u=(2,)),
       for_all=dict(A=AnyInvertible(), relu=Relu(), f=AnyVector(), u=AnyVector()))
def feature_extractor_inverts_the_data_map_corrected(A, relu, f, u):
    """With B = γ∘σ∘[id; −id] and the linear γ = [A⁻¹, −A⁻¹] the iteration is at the solution after
    one step, for every invertible A and every f, from every u."""
    forth, back = A if isinstance(A, tuple) and isinstance(A[0], Expression) else (
        from_matrix(A), from_matrix(solve(fractions(A), np.eye(len(A), dtype=int))))
    f, u = (signal(x, forth.shape[1], lambda rng, n: fractions(integers(rng, n))) for x in (f, u))

    def solve_twice(f, u):
        r = f - forth @ u
        return forth @ (u + back @ relu(r) - back @ relu(-r))

    return AllOf([Identity(solve_twice, lambda f, u: f, dict(f=f, u=u),
                           "A applied to the next iterate"),
                  Example(lambda: _inverts(A))])


def _inverts(A):
    rng = np.random.default_rng(len(A))
    return Calculation(
        dict(A=A, f=integers(rng, len(A)), x=[-1, 0, 1]),
        [RELU, ("G", "inverse(A)"), ("u", "G @ relu(f) - G @ relu(-f)")],
        [SPLIT, "A @ u == f"], f"{SPLIT_BY}: so B = A⁻¹", necessary=True)
