"""Worst cases and proofs beside PEPit and AutoLyap: ``python -m benchmarks --only proofs``.

Each row is a statement that two or all of them can make: the constant that each finds, the seconds
it takes, and what it hands over.  Their class is that of all smooth convex functions of u, in which
stabkit's ΣP((Ku)ᵢ) with τL‖K‖² <= t lie.  Needs ``pip install pepit autolyap`` beside the extra
``prove``; a package that is missing leaves its column empty.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    FSI,
    Explicit,
    FixedPoint,
    Implicit,
    bounded,
    prove,
    stable_step,
)
from stabkit.classes import AnyFlux, AnyOperator, Positive, UpTo
from stabkit.multipliers.worst_case import worst_case
from stabkit.prover.question import questions

MONOTONE = AnyFlux(diffusivities=(0, "L"), slopes=(0, "L"))


def of_scheme(scheme: Any, t: Any, *more: int) -> dict[str, Any]:
    """The largest |after|²/|before|² that is left open, and whether it is proved to be 1."""
    def what(K: Any, flux: Any, ratio: Any) -> Any:
        return scheme(K, flux, stable_step(K, flux.facts.lipschitz, ratio), *more)

    classes = {"K": AnyOperator(), "flux": MONOTONE, "ratio": UpTo(Fraction(t) / 2)}
    question, = questions(what, EUCLIDEAN, classes, ())
    began = time.perf_counter()
    value = worst_case(question.statement, question.before).value
    seconds = time.perf_counter() - began
    found = prove(what, EUCLIDEAN, **classes)
    evidence = "open"
    if found.proved:
        steps = len(found.proof["proof"]["steps"])
        evidence = f"{found.status}: exact, {steps} steps, {found.seconds:.2f} s"
    elif found.witness is not None:
        evidence = f"{found.status}: exact witness, {found.seconds:.2f} s"
    return {"value": value, "seconds": seconds, "evidence": evidence}


def of_heavy_ball(t: Any, beta: Fraction) -> dict[str, Any]:
    """A bound for all time."""
    def what(K: Any, flux: Any, ratio: Any) -> Any:
        tau = stable_step(K, flux.facts.lipschitz, ratio)
        return lambda u, w: (u - tau * (K.T @ flux(K @ u)) + beta * (u - w), u)

    found = prove(what, bounded(), K=AnyOperator(), flux=MONOTONE, ratio=UpTo(Fraction(t) / 2))
    return {"value": None, "seconds": found.seconds, "evidence": f"{found.status}: exact"}


def of_proximal_step() -> dict[str, Any]:
    """u⁺ = u − τKᵀΦ(K u⁺): the proximal step of ΣP((K u)ᵢ), of any length; it keeps distances."""
    def what(K: Any, flux: Any, tau: Any) -> Any:
        return Implicit(K, flux, tau)

    classes = {"K": AnyOperator(), "flux": AnyFlux(slopes=(0, None)), "tau": Positive()}
    found = prove(what, CONTRACTION, **classes)
    return {"value": None, "seconds": found.seconds, "evidence": f"{found.status}: exact"}


def of_primal_dual(square: Any) -> dict[str, Any]:
    """x⁺ = x − Kᵀy, y⁺ = prox(y + K(2x⁺ − x)), ‖K‖² <= square: a bound for all time."""
    def what(K: Any, prox: Any) -> Any:
        def step(x: Any, y: Any) -> Any:
            new = x - K.T @ y
            return new, prox(y + K @ (2 * new - x))
        return step

    found = prove(what, bounded(), spaces=("N", "M"), K=AnyOperator(square=Fraction(square)),
                  prox=AnyFlux(slopes=(0, 1), diffusivities=(0, 1)))
    return {"value": None, "seconds": found.seconds, "evidence": f"{found.status}: exact"}


def pepit_proximal_step() -> dict[str, Any]:
    """The worst |prox(u) − prox(v)|² for |u − v| <= 1."""
    from PEPit import PEP
    from PEPit.functions import ConvexFunction
    from PEPit.primitive_steps import proximal_step

    began = time.perf_counter()
    problem = PEP()
    function = problem.declare_function(ConvexFunction)
    u, v = problem.set_initial_point(), problem.set_initial_point()
    problem.set_initial_condition((u - v) ** 2 <= 1)
    ends = [proximal_step(x, function, 1)[0] for x in (u, v)]
    problem.set_performance_metric((ends[0] - ends[1]) ** 2)
    value = problem.solve(verbose=0, wrapper="cvxpy", solver="CLARABEL")
    return {"value": value, "seconds": time.perf_counter() - began, "evidence": "dual, floats"}


def pepit_primal_dual(square: float) -> dict[str, Any]:
    """The worst growth of |x|² − 2⟨Kx, y⟩ + |y|² in a step, around the solution 0."""
    from PEPit import PEP
    from PEPit.functions import ConvexFunction
    from PEPit.operators import LinearOperator
    from PEPit.primitive_steps import proximal_step

    began = time.perf_counter()
    problem = PEP()
    K = problem.declare_function(LinearOperator, L=square ** 0.5)
    function = problem.declare_function(ConvexFunction)
    problem.add_constraint(function.stationary_point() ** 2 == 0)
    x, y = problem.set_initial_point(), problem.set_initial_point()
    new = x - K.T.gradient(y)
    after, _, _ = proximal_step(y + 2 * K.gradient(new) - K.gradient(x), function, 1)

    def size(x: Any, y: Any) -> Any:
        return x ** 2 - 2 * x * K.T.gradient(y) + y ** 2

    problem.set_initial_condition(size(x, y) <= 1)
    problem.set_performance_metric(size(new, after))
    value = problem.solve(verbose=0, wrapper="cvxpy", solver="CLARABEL")
    return {"value": value, "seconds": time.perf_counter() - began, "evidence": "dual, floats"}


def pepit(steps: Callable[[Any, Any], Any]) -> dict[str, Any]:
    """The worst |after|² over smooth convex functions, |before|² <= 1; L = 1."""
    from PEPit import PEP
    from PEPit.functions import SmoothConvexFunction

    began = time.perf_counter()
    problem = PEP()
    function = problem.declare_function(SmoothConvexFunction, L=1)
    minimum = function.stationary_point()
    start = problem.set_initial_point()
    problem.set_initial_condition((start - minimum) ** 2 <= 1)
    problem.set_performance_metric((steps(function, start) - minimum) ** 2)
    value = problem.solve(verbose=0, wrapper="cvxpy", solver="CLARABEL")
    return {"value": value, "seconds": time.perf_counter() - began, "evidence": "dual, floats"}


def autolyap(make: Callable[[Any], Any], functions: int = 0) -> dict[str, Any]:
    """Whether the distance to a minimum has a Lyapunov function that does not grow.

    Of a smooth convex function, or of a sum of so many convex ones.
    """
    from autolyap import IterationIndependent, SolverOptions, algorithms
    from autolyap.problemclass import Convex, InclusionProblem, SmoothConvex

    began = time.perf_counter()
    algorithm = make(algorithms)
    problem = InclusionProblem([Convex() for _ in range(functions)] or [SmoothConvex(L=1.0)])
    metric = IterationIndependent.LinearConvergence.get_parameters_distance_to_solution(algorithm)
    names = ("P", "T", "p", "t")
    found = IterationIndependent.search_lyapunov(
        problem, algorithm, **dict(zip(names, _in_order(metric), strict=True)), rho=1.0,
        solver_options=SolverOptions(backend="cvxpy", cvxpy_solver="CLARABEL"), verbosity=0)
    return {"value": None, "seconds": time.perf_counter() - began,
            "evidence": f"{found['status']}, floats"}


def _in_order(metric: tuple[Any, ...]) -> tuple[Any, ...]:
    """P, T, p, t of what is P, p, T, t."""
    P, p, T, t = metric
    return P, T, p, t


def gradient(t: float) -> Callable[[Any, Any], Any]:
    return lambda F, u: u - t * F.gradient(u)


def fixed_point(t: float, n: int) -> Callable[[Any, Any], Any]:
    def steps(F: Any, u: Any) -> Any:
        v = u
        for _ in range(n):
            v = u - t * F.gradient(v)
        return v
    return steps


def cycle(t: float, n: int) -> Callable[[Any, Any], Any]:
    def steps(F: Any, u: Any) -> Any:
        now = before = u
        for k in range(n):
            a = (4 * k + 2) / (2 * k + 3)
            now, before = a * (now - t * F.gradient(now)) + (1 - a) * before, now
        return now
    return steps


ROWS = [
    ("explicit step, t = 2", lambda: of_scheme(Explicit, 2), lambda: pepit(gradient(2)),
     lambda: autolyap(lambda of: of.GradientMethod(gamma=2.0))),
    ("explicit step, t = 2.1", lambda: of_scheme(Explicit, "2.1"), lambda: pepit(gradient(2.1)),
     lambda: autolyap(lambda of: of.GradientMethod(gamma=2.1))),
    ("3 fixed-point iterations, t = 1.35", lambda: of_scheme(FixedPoint, "1.35", 3),
     lambda: pepit(fixed_point(1.35, 3)), None),
    ("FSI of 2 steps, t = 2.5", lambda: of_scheme(FSI, "2.5", 2), lambda: pepit(cycle(2.5, 2)),
     None),
    ("FSI of 3 steps, t = 2", lambda: of_scheme(FSI, 2, 3), lambda: pepit(cycle(2, 3)), None),
    ("FSI of 4 steps, t = 1.5", lambda: of_scheme(FSI, "1.5", 4), lambda: pepit(cycle(1.5, 4)),
     None),
    ("heavy ball, beta = 1/2, t = 1", lambda: of_heavy_ball(1, Fraction(1, 2)), None,
     lambda: autolyap(lambda of: of.HeavyBallMethod(gamma=1.0, delta=0.5))),
    ("proximal step, any length", of_proximal_step, pepit_proximal_step,
     lambda: autolyap(lambda of: of.ProximalPoint(gamma=1.0), 1)),
    ("primal-dual step, ‖K‖² <= 0.99", lambda: of_primal_dual("0.99"),
     lambda: pepit_primal_dual(0.99), None),
    ("primal-dual step, K = 1, τσ = 0.99", None, None,
     lambda: autolyap(lambda of: of.ChambollePock(tau=1.0, sigma=0.99, theta=1.0), 2)),
]


def main() -> int:
    """Print the table."""
    sys.stdout.write("| statement | stabkit | PEPit | AutoLyap |\n| --- | --- | --- | --- |\n")
    for name, *tools in ROWS:
        cells = [_cell(tool, package) for tool, package in
                 zip(tools, ("clarabel", "PEPit", "autolyap"), strict=True)]
        sys.stdout.write(f"| {name} | " + " | ".join(cells) + " |\n")
        sys.stdout.flush()
    return 0


def _cell(tool: Callable[[], dict[str, Any]] | None, package: str) -> str:
    if tool is None:
        return "–"
    if importlib.util.find_spec(package) is None:
        return "not installed"
    found = tool()
    value = "" if found["value"] is None else f"{found['value']:.6f}, "
    return f"{value}{found['seconds']:.2f} s; {found['evidence']}"


if __name__ == "__main__":
    sys.exit(main())
