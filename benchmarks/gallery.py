"""Matrices of many kinds beside PyAMG: iterations, factor, setup and solve, as a table in Markdown.

    python -m benchmarks.gallery [--only WORDS] [--rounds 5]

All are solved to a residual of 1e-8 inside of conjugate gradients: by `algebraic(A)` or the method
that the table names, by our cycle on PyAMG's Ruge–Stüben hierarchy, and by PyAMG's smoothed
aggregation and Ruge–Stüben solvers.  Times are those of the processor, candidates interleaved, the
order reversed every other round; a time is a median, a ratio the median of PyAMG's better solve
over our better one, round by round.  Problems of scikit-fem are left out where it is missing.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pyamg
import scipy.sparse
import scipy.spatial

from stabkit.multigrid import (
    BlackBox,
    Cycle,
    DiffusionProblem,
    Multigrid,
    SmoothedAggregation,
    algebraic,
    conjugate_gradients,
    gauss_seidel,
    harmonic_mean,
)

TOLERANCE = 1e-8
Problem = tuple[Any, Any, Any]  # A, the method for it, and its near-kernel


def elastic(A, B) -> Problem:
    """A system with rigid body modes."""
    return A, SmoothedAggregation(near_kernel=B, block=2), B


def stencil(epsilon: float, angle: float, method=None, kind: str = "FE") -> Problem:
    """Anisotropy on a grid."""
    weights = pyamg.gallery.diffusion_stencil_2d(epsilon, angle, type=kind)
    return pyamg.gallery.stencil_grid(weights, (255, 255)), method, None


def jumping() -> Problem:
    """Two media at random, with 1e6 between them."""
    medium = np.where(np.random.default_rng(0).random((255, 255)) < 0.5, 1e6, 1.0)
    return DiffusionProblem(medium, mean=harmonic_mean).matrix(), None, None


def poisson(*shape: int) -> Problem:
    return pyamg.gallery.poisson(shape), BlackBox(shape), None


def example(name: str) -> Problem:
    """A matrix that comes with PyAMG."""
    return pyamg.gallery.load_example(name)["A"], None, None


def laplacian(pairs: np.ndarray, n: int) -> Problem:
    """The graph Laplacian of the largest part of a graph."""
    W = scipy.sparse.coo_array((np.ones(len(pairs)), pairs.T), shape=(n, n)).tocsr()
    W = W + W.T
    W.data[:] = 1
    _, part = scipy.sparse.csgraph.connected_components(W)
    inside = np.flatnonzero(part == np.bincount(part).argmax())
    return scipy.sparse.csgraph.laplacian(W[inside][:, inside]).tocsr(), None, None


def geometric_graph(n: int = 20_000, radius: float = 0.016) -> Problem:
    """Points in a square, joined where they are near."""
    points = np.random.default_rng(0).random((n, 2))
    return laplacian(scipy.spatial.KDTree(points).query_pairs(radius, output_type="ndarray"), n)


def scale_free_graph(n: int = 20_000, each: int = 3) -> Problem:
    """Every new node is joined to ends of random edges (Barabási and Albert)."""
    rng, ends, pairs = np.random.default_rng(0), list(range(each)), []
    for node in range(each, n):
        others = {ends[k] for k in rng.integers(len(ends), size=each)}
        pairs += [(node, other) for other in others]
        ends += [end for other in others for end in (node, other)]
    return laplacian(np.array(pairs), n)


def finite_elements(mesh: str, element: str, refinements: int) -> Problem:
    """Laplace's operator by scikit-fem, with zero boundary values."""
    import skfem
    from skfem.models.poisson import laplace
    made = {"L-shape": skfem.MeshTri.init_lshaped, "square": skfem.MeshTri,
            "quadrilaterals": skfem.MeshQuad, "cube": skfem.MeshTet}[mesh]()
    basis = skfem.Basis(made.refined(refinements), getattr(skfem, f"Element{element}")())
    A = laplace.assemble(basis)
    inner = np.setdiff1d(np.arange(basis.N), basis.get_dofs().all())
    return A[inner][:, inner].tocsr(), None, None


def clamped_plate(refinements: int) -> Problem:
    """Linear elasticity by scikit-fem, clamped at x = 0, with its rigid body modes."""
    import skfem
    from skfem.models.elasticity import lame_parameters, linear_elasticity
    basis = skfem.Basis(skfem.MeshTri().refined(refinements),
                        skfem.ElementVector(skfem.ElementTriP1()))
    x, y = basis.doflocs
    along = np.arange(basis.N) % 2
    modes = np.stack([along == 0, along == 1, np.where(along == 0, -y, x)], axis=1).astype(float)
    A = linear_elasticity(*lame_parameters(1e3, 0.3)).assemble(basis)
    inner = np.flatnonzero(x > 0)
    return elastic(A[inner][:, inner].tocsr(), modes[inner])


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "Poisson 2-D": lambda: poisson(255, 255),
    "Poisson 3-D": lambda: poisson(41, 41, 41),
    "anisotropy 1e-4": lambda: stencil(1e-4, 0, BlackBox((255, 255)), "FD"),
    "rotated anisotropy": lambda: stencil(1e-3, np.pi / 6),
    "jumps of 1e6": jumping,
    "elasticity": lambda: elastic(*pyamg.gallery.linear_elasticity((100, 100))),
    "unstructured: airfoil": lambda: example("airfoil"),
    "unstructured: unit square": lambda: example("unit_square"),
    "unstructured: knot": lambda: example("knot"),
    "graph: near points": geometric_graph,
    "graph: scale-free": scale_free_graph,
} | ({
    "fem: P1": lambda: finite_elements("square", "TriP1", 7),
    "fem: P1, L-shape": lambda: finite_elements("L-shape", "TriP1", 7),
    "fem: P2": lambda: finite_elements("square", "TriP2", 6),
    "fem: Q1": lambda: finite_elements("quadrilaterals", "Quad1", 7),
    "fem: P1, tetrahedra": lambda: finite_elements("cube", "TetP1", 5),
    "fem: elasticity": lambda: clamped_plate(6),
} if find_spec("skfem") else {})


def ours(A, method) -> Callable:
    """Setup; what it returns solves, and tells its iterations and factor."""
    made = Multigrid(algebraic(A, method=method), Cycle(gauss_seidel()))

    def solve(b):
        found = made.solve(b, tolerance=TOLERANCE, around=conjugate_gradients)
        return found.u, found.cycles, found.factor

    return solve


def peers(made) -> Callable:
    """The same of a solver of PyAMG."""
    def solve(b):
        residuals: list[float] = []
        u = made.solve(b, tol=TOLERANCE, accel="cg", maxiter=300, residuals=residuals)
        steps = max(len(residuals) - 1, 1)
        return u, steps, (residuals[-1] / residuals[0]) ** (1 / steps)

    return solve


def timed(setup: Callable, A, b) -> tuple[float, float, int, float] | None:
    """Seconds of setup and solve, iterations, factor; None where it does not converge."""
    start = process_time()
    try:
        solve = setup()
        ready = process_time()
        u, steps, factor = solve(b)
    except (TypeError, ValueError):  # PyAMG's, on graphs
        return None
    end = process_time()
    arrived = np.linalg.norm(b - A @ u) <= 1.1 * TOLERANCE * np.linalg.norm(b)
    return (ready - start, end - ready, steps, factor) if arrived else None


def row(name: str, problem: Problem, rounds: int) -> str:
    """One line of the table."""
    A, method, B = scipy.sparse.csr_array(problem[0]), *problem[1:]
    b = np.random.default_rng(1).standard_normal(A.shape[0])
    b -= b.mean() if abs(A.sum(axis=1)).max() < 1e-9 else 0
    setups = {"ours": lambda: ours(A, method), "ours on RS": lambda: ours(A, split),
              "SA": lambda: peers(pyamg.smoothed_aggregation_solver(A, B=B)),
              "RS": lambda: peers(split(A))}
    found: dict[str, list] = {key: [] for key in setups}
    timed(setups["ours"], A, b)  # loads the loops
    for number in range(rounds):
        for key in list(setups)[::-1 if number % 2 else 1]:
            found[key].append(timed(setups[key], A, b))
    parts = [f"| {name} | {A.shape[0]} "]
    for times in found.values():
        if None in times:
            parts.append("| - ")
            continue
        setup, solve = (1e3 * median(each[k] for each in times) for k in (0, 1))
        parts.append(f"| {times[0][2]} · {times[0][3]:.2f} · {setup:.0f} · {solve:.1f} ")
    ratios = [_best(found, k, "SA", "RS") / _best(found, k, "ours", "ours on RS")
              for k in range(rounds)]
    return "".join(parts) + f"| {median(ratios):.2f} |"


def split(A):
    return pyamg.ruge_stuben_solver(scipy.sparse.csr_matrix(A))


def _best(found: dict[str, list], k: int, *keys: str) -> float:
    return min((found[key][k][1] for key in keys if found[key][k]), default=float("nan"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("iterations · factor · ms setup · ms solve\n")
    print("| problem | unknowns | stabkit | stabkit on RS | PyAMG SA | PyAMG RS | solves faster |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyAMG's, where it gives up
        for name, make in PROBLEMS.items():
            if options.only in name:
                print(row(name, make(), options.rounds), flush=True)


if __name__ == "__main__":
    main()
