"""Grids, prolongation, restriction, and the Neumann problem on a grid (Sections 4 and 5)."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from itertools import product
from operator import add

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import claim
from stabkit.claims.he2019.matrices import (
    ASSEMBLED,
    FIVE_POINTS,
    assemble,
    cell_shares,
    inner_part,
    interpolation,
    laplace,
    line_mass,
    mass,
    neumann,
    prolongation,
)
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import REFUTED

KINDS = ("bilinear", "linear")
GRIDS = tuple((s, level) for s in (1, 2, 3) for level in range(1, s + 1))


#: The first multiple of h that is a node: as printed, and as (4.7) has it.
PRINTED_FIRST, FIRST = 1, 0


def _grids_nest(grid: tuple[int, int], first: int) -> Calculation:
    """Are the points x_i = (i − 1 + first)·h of the next level among those of this one?"""
    s, level = grid

    def points(number: int) -> list[Fraction]:
        h, count = Fraction(1, 2**(s - number + 1)), 2**(s - number + 1) + 1
        return [(i + first) * h for i in range(count)]

    fine, coarse = points(level), points(level + 1)
    return Calculation(
        dict(fine=fine, coarse=coarse), [],
        [f"min(abs(fine - coarse[{k}])) == 0" for k in range(len(coarse))],
        "a = 1; a coarse point is a fine one if its smallest distance to the fine ones is 0",
        necessary=True)


@claim("after eq. (4.2)", weight="minor", expect=REFUTED, within=dict(grid=GRIDS))
def printed_grid_points_are_nested(grid):
    """The points xᵢ = i·h_l, h_l = 2^{−s+l−1}a, i = 1, …, m_l = 2^{s−l+1} + 1, of level l + 1 are
    among those of level l; grid = (s, l)."""
    return _grids_nest(grid, first=PRINTED_FIRST)


@claim("derived (after eq. (4.2))", weight="minor", within=dict(grid=GRIDS))
def printed_grid_points_are_nested_corrected(grid):
    """With xᵢ = (i − 1)·h_l, i = 1, …, m_l, the points of level l + 1 are those of level l with odd
    index, as in (4.7); grid = (s, l)."""
    return _grids_nest(grid, first=FIRST)


@claim("eqs (4.7)–(4.9)", weight="minor", within=dict(P=KINDS))
def prolongation_evaluates_the_finite_element_function(P):
    """(4.7)–(4.9) give the values of the coarse finite element function at the fine nodes:
    bilinear elements, and linear ones if the diagonals of all cells, on all levels, join
    (i + 1, j) and (i, j + 1)."""
    nodes = fractions([(Fraction(i, 2), Fraction(j, 2)) for i, j in product(range(3), repeat=2)])
    given = dict(P=prolongation(2, P), x=nodes[:, 0], y=nodes[:, 1], corners=[0, 2, 6, 8])
    if P == "bilinear":
        return Calculation(
            given, [("G", "[ones(9), x, y, x*y]"),
                    ("S", "[G[0:4, 0], G[0:4, 2], G[0:4, 6], G[0:4, 8]]")],
            ["rank(S) == 4", "P @ S == G.T"],
            "one cell: the four functions 1, x, y, xy span the bilinear ones, S holds their values "
            "at the corners and G at the nine fine nodes", necessary=True)
    halves = {"low": [0, 1, 2, 3, 4, 6], "high": [2, 4, 5, 6, 7, 8]}
    given |= {f"{name}{letter}": fractions(np.eye(size, dtype=int)[places])
              for name, fine in halves.items()
              for letter, size, places in (
                  ("N", 9, fine), ("C", 4, [k for k, node in enumerate((0, 2, 6, 8))
                                            if node in fine]))}
    let = [("G", "[ones(9), x, y].T"), ("S", "[G[0], G[2], G[6], G[8]]")]
    shows = [condition for name in halves for condition in (
        f"rank({name}C @ S) == 3", f"{name}N @ P == ({name}N @ P @ {name}C.T) @ {name}C",
        f"{name}N @ P @ {name}C.T @ ({name}C @ S) == {name}N @ G")]
    return Calculation(
        given, let, shows,
        "one cell, cut along x + y = 1: N picks the six fine nodes of a triangle and C its three "
        "corners.  Only these enter (the middle condition), and 1, x, y, which span the linear "
        "functions, are met.  The diagonals of the four fine cells lie on those of the coarse "
        "one, or are parallel to them, so the coarse function is linear on each fine triangle",
        necessary=True)


KERNELS = {
    "bilinear": "kron(c, c) + (kron(c, l) + kron(c, r) + kron(l, c) + kron(r, c)) / 2"
                " + (kron(l, l) + kron(l, r) + kron(r, l) + kron(r, r)) / 4",
    "linear": "kron(c, c) + (kron(c, l) + kron(c, r) + kron(l, c) + kron(r, c)"
              " + kron(l, r) + kron(r, l)) / 2",
}


def _picks(m: int) -> dict[str, np.ndarray]:
    """Matrices that pick the left, middle and right neighbour of every second node, or 0."""
    n = 2 * m - 1
    return {name: fractions([[int(j == 2 * i + by) for j in range(n)] for i in range(m)])
            for name, by in (("l", -1), ("c", 0), ("r", 1))}


@claim("Lemma 4.1, eqs (4.12)–(4.14)", within=dict(m=(2, 3, 4), P=KINDS))
def restriction_is_a_strided_convolution(m, P):
    """From 2m − 1 to m nodes per direction, R = Pᵀ is the convolution of stride 2 and zero padding
    with (4.13) for bilinear, (4.14) for linear prolongation, boundary rows included."""
    return Calculation(
        dict(_picks(m), P=prolongation(m, P)), [("C", KERNELS[P])], ["C == P.T"],
        "kron(a, b) picks a neighbour in the row direction and one in the column direction, so C "
        "is the convolution; P is written out case by case from (4.7)–(4.9)", necessary=True)


@claim("Lemma 4.1, last sentence", within=dict(m=(2, 3, 4), P=KINDS))
def zero_padded_restriction_fits_the_neumann_problem(m, P):
    """On odd grids the restriction R with zero padding keeps the compatibility condition of the
    Neumann problem: Σ R f = Σ f for every f."""
    n = 2 * m - 1
    return Calculation(dict(P=prolongation(m, P)), [],
                       [f"P @ ones({m * m}) == ones({n * n})"],
                       "ΣRf = (P 1)ᵀf: the weights with which a fine node is restricted sum to 1, "
                       "at the boundary too", necessary=True)


def average(m: int) -> np.ndarray:
    """From 2m − 1 values, rows that add up every second one and its neighbours, zeros outside."""
    return reduce(add, _picks(m).values())


@claim("(4.15) with the zero padding of Lemma 4.1", weight="minor", expect=REFUTED,
       within=dict(m=(2, 3, 4)))
def average_pooling_keeps_constants(m):
    """Average pooling by the 3×3 kernel of ninths with stride 2 and zero padding maps constant
    images to constant images."""
    return _pool_constant(m, "kron(a, a)/9")


@claim("derived ((4.15))", weight="minor", within=dict(m=(2, 3, 4)))
def average_pooling_keeps_constants_corrected(m):
    """With each sum divided by the number of pixels that it has inside the image, 4, 6 or 9, it
    keeps constants."""
    return _pool_constant(m, f"kron(diag(1/(a @ ones({2 * m - 1}))) @ a, "
                             f"diag(1/(a @ ones({2 * m - 1}))) @ a)")


def _pool_constant(m: int, pooling: str) -> Calculation:
    return Calculation(
        dict(a=average(m)), [("R", pooling), ("u", f"R @ ones({(2 * m - 1) ** 2})")],
        ["u == u[0]", "u[0] == 1"], "a adds up three neighbours in one direction, a ⊗ a those of "
        "an image; u is the image of the constant 1", necessary=True)


#: Π from the fine values to the coarse ones, by the mass matrix F of the fine grid and C of the
#: coarse one.
PROJECTIONS = {"nodal interpolation": "N", "L² projection": "inverse(C) @ P.T @ F"}


@claim('(4.17), "any reasonable Π"', weight="minor",
       within=dict(m=(2, 3), dimension=(1, 2), Pi=tuple(PROJECTIONS)))
def projection_inverts_prolongation(m, dimension, Pi):
    """For linear finite elements on nested grids ΠP = I, for Π the nodal interpolation and for Π
    the L² projection."""
    n, count = 2 * m - 1, m**dimension
    nodes = fractions(np.eye(n, dtype=int)[::2])
    given = dict(P=interpolation(m), N=nodes, F=line_mass(n), C=2 * line_mass(m)) \
        if dimension == 1 else \
        dict(P=prolongation(m, "linear"), N=np.kron(nodes, nodes), F=mass(n), C=4 * mass(m))
    return Calculation(
        given, [("Q", PROJECTIONS[Pi])], [f"Q @ P == I({count})", "P.T @ F @ P == C"],
        "the coarse functions are fine ones: their products are PᵀF P, and C is summed up from "
        "the coarse elements; h = 1 on the fine grid", necessary=True)


@claim("eqs (5.1)–(5.5); Lemma 4.1, last sentence", expect=REFUTED, within=dict(n=(2, 3)))
def zero_padded_kernel_is_the_neumann_operator(n):
    """A u = K_A * u with zero padding, 1 <= i, j <= n, is the matrix of linear finite elements for
    the Neumann problem (5.1) on n×n nodes."""
    return Calculation(
        dict(T=laplace(n), S=assemble(n)), [("A", FIVE_POINTS.format(n=n))], ["A == S"],
        "A is K_A with zeros outside, S is summed up from the element matrices of the triangles; "
        "S annihilates constants, whose gradient is 0, A does not", necessary=True)


@claim("derived (eqs (5.1)–(5.5))", within=dict(n=(2, 3, 4)))
def zero_padded_kernel_is_the_neumann_operator_corrected(n):
    """K_A with zero padding is the matrix of the Dirichlet problem on n×n interior nodes.  That of
    the Neumann problem is L ⊗ M + M ⊗ L with L = K1ᵀK1 and M = diag(1/2, 1, …, 1, 1/2): the same
    rows inside, halves along the boundary."""
    return Calculation(
        dict(T=laplace(n), L=neumann(n), m=cell_shares(n), S=assemble(n),
             D=inner_part(assemble(n + 2), n)), [],
        [f"{FIVE_POINTS.format(n=n)} == D", f"{ASSEMBLED} == S", f"S @ ones({n * n}) == 0"],
        "S is summed up from the element matrices of the triangles; D is the same on (n+2)×(n+2) "
        "nodes, without the rows and columns of the boundary nodes, where u = 0", necessary=True)
