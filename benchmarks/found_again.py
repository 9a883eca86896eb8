"""Theorems that are known, found again without help: seconds, rules, and bytes of each proof.

``python -m benchmarks --only proofs`` prints this table and that of :mod:`benchmarks.proofs`.
Needs the extra ``prove``.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    Energy,
    Explicit,
    FixedPoint,
    Implicit,
    Stable,
    bounded,
    energy,
    prove,
    stable_step,
)
from stabkit.classes import AnyFlux, AnyOperator, UpTo
from stabkit.proof import check
from stabkit.prover.result import Proof

GENERAL = AnyFlux(diffusivities=(0, "L"), slopes=("-L", "L"))
MONOTONE = AnyFlux(diffusivities=(0, "L"), slopes=(0, "L"))
K = AnyOperator()
Row = tuple[str, Callable[[], Proof]]


def explicit(K: Any, flux: Any, ratio: Any) -> Explicit:
    return Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio))


def decay(K: Any, flux: Any, ratio: Any) -> Stable:
    """ΣP(K u) does not grow."""
    return Stable(explicit(K, flux, ratio), energy(Energy(K, flux)))


def implicit(K: Any, flux: Any, tau: Any) -> Implicit:
    return Implicit(K, flux, tau)


def fixed_point(n: int) -> Callable[..., Any]:
    return lambda K, flux, ratio: FixedPoint(
        K, flux, stable_step(K, flux.facts.lipschitz, ratio), n)


def heun(K: Any, flux: Any, ratio: Any) -> Any:
    """u − (τ/2)(F(u) + F(u − τF(u)))."""
    tau = stable_step(K, flux.facts.lipschitz, ratio)

    def step(u: Any) -> Any:
        slope = K.T @ flux(K @ u)
        return u - tau / 2 * (slope + K.T @ flux(K @ (u - tau * slope)))
    return step


def leapfrog(K: Any, ratio: Any) -> Any:
    """y⁺ = 2y − z − τ KᵀK y, z⁺ = y."""
    tau = stable_step(K, 1, ratio)
    return lambda y, z: (2 * y - z - tau * (K.T @ (K @ y)), y)


def verlet(B: Any) -> Any:
    """a⁺ = a + B b, b⁺ = b − Bᵀa⁺."""
    def step(a: Any, b: Any) -> Any:
        new = a + B @ b
        return new, b - B.T @ new
    return step


def heavy_ball(beta: Fraction) -> Callable[..., Any]:
    """u⁺ = u − τF(u) + β(u − w), w⁺ = u."""
    def what(K: Any, flux: Any, ratio: Any) -> Any:
        tau = stable_step(K, flux.facts.lipschitz, ratio)
        return lambda u, w: (u - tau * (K.T @ flux(K @ u)) + beta * (u - w), u)
    return what


def primal_dual(K: Any, prox: Any) -> Any:
    """x⁺ = x − Kᵀy, y⁺ = prox(y + K(2x⁺ − x))."""
    def step(x: Any, y: Any) -> Any:
        new = x - K.T @ y
        return new, prox(y + K @ (2 * new - x))
    return step


def rows() -> Iterator[Row]:
    """What is asked."""
    one = dict(K=K, ratio=UpTo(1))
    half = dict(K=K, ratio=UpTo("1/2"))
    open_end = dict(K=K, tau=UpTo(None))
    yield "Theorem 2, t <= 2", partial(prove, explicit, EUCLIDEAN, flux=GENERAL, **one)
    yield "contraction, t <= 2", partial(prove, explicit, CONTRACTION, flux=MONOTONE, **one)
    yield "energy decay, t <= 2", partial(prove, decay, flux=AnyFlux(slopes=("-L", "L")), **one)
    yield "implicit, norm, every τ", partial(
        prove, implicit, EUCLIDEAN, flux=AnyFlux(diffusivities=(0, None)), **open_end)
    yield "implicit, contraction, every τ", partial(
        prove, implicit, CONTRACTION, flux=AnyFlux(slopes=(0, None)), **open_end)
    for n in range(1, 8):
        yield f"fixed point, n = {n}, t <= 1", partial(
            prove, fixed_point(n), EUCLIDEAN, flux=GENERAL, **half)
    yield "Heun, norm, t <= 2", partial(prove, heun, EUCLIDEAN, flux=MONOTONE, **one)
    yield "Heun, contraction, t <= 2", partial(prove, heun, CONTRACTION, flux=MONOTONE, **one)
    yield "leapfrog, τ‖K‖² <= 3.9", partial(
        prove, leapfrog, bounded(of=lambda y, z: y - z), K=K, ratio=UpTo("39/20"))
    yield "Verlet, ‖B‖² <= 3.9", partial(
        prove, verlet, bounded(of=lambda a, b: (a, b)), spaces=("N", "M"),
        B=AnyOperator("M", "N", square=Fraction(39, 10)))
    for beta in Fraction(1, 2), Fraction(1, 4):
        yield f"heavy ball, β = {beta}, t <= 1", partial(
            prove, heavy_ball(beta), bounded(), flux=MONOTONE, **half)
    yield "primal-dual, ‖K‖² <= 0.99", partial(
        prove, primal_dual, bounded(of=lambda x, y: x), spaces=("N", "M"),
        K=AnyOperator(square=Fraction(99, 100)),
        prox=AnyFlux(slopes=(0, 1), diffusivities=(0, 1)))


def rules(proof: Any) -> Counter[str]:
    """How often each rule is used, in all parts of a proof."""
    found: Counter[str] = Counter()
    if isinstance(proof, dict):
        found += Counter([proof["use"]] if "use" in proof else [])
        for part in proof.values():
            found += rules(part)
    elif isinstance(proof, list):
        for part in proof:
            found += rules(part)
    return found


def main() -> int:
    """Print the table; the status is 1 if something was not found."""
    sys.stdout.write("| statement | seconds | rules | bytes |\n| --- | --- | --- | --- |\n")
    missing = 0
    for name, ask in rows():
        began = time.perf_counter()
        found = ask()
        seconds = time.perf_counter() - began
        if not found.proved:
            missing += 1
            sys.stdout.write(f"| {name} | {seconds:.2f} | not found | |\n")
            continue
        for statement, proof in zip(found.statements, found.proofs, strict=True):
            check(statement, proof)
        size = len(json.dumps(found.proofs, separators=(",", ":")))
        sys.stdout.write(f"| {name} | {seconds:.2f} | {sum(rules(found.proofs[0]).values())} "
                         f"| {size} |\n")
        sys.stdout.flush()
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
