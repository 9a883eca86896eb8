"""Growth over depth: one bound for a network repeated as often as one likes, or none.

A composition is judged as a composition.  Blocks none of whose modes grows may still grow without
bound when they stand in a row.  What does hold at any depth: a positive definite quadratic form
that no block increases for differences of signals.  A linear Verlet step Y⁺ = Y + AZ,
Z⁺ = Z + BY⁺ with symmetric A and B conserves −YᵀBY + ZᵀAZ − YᵀBAZ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from stabkit.arithmetic.flint_rationals import from_fmpq
from stabkit.arithmetic.rational import fractions, is_psd, solve, to_flint
from stabkit.arithmetic.transcript import Transcript
from stabkit.networks.blocks import Block
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Layer
from stabkit.networks.segments import join_graphs
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence, Outcome, calculation

_LARGEST = 32   # entries of a state up to which quadratic forms are looked for
_DOUBLINGS = 8  # powers of a matrix up to 2^8 are looked at


def judge_depth(blocks: Sequence[Block]) -> Outcome:
    """Whether |u⁺ − w⁺| <= C |u − w| holds with one C for a network repeated at any depth.

    `blocks` are those of a network that keeps the shape of its input, and for which no constant
    up to 1 is certified.
    """
    graph = join_graphs([block.graph for block in blocks])
    if not graph.is_small or graph.size > _LARGEST:
        return Outcome(UNDECIDED, reason="bounded growth over depth is not known; the network is "
                                         "too large to look for a form that no block increases")
    steps = [_linear_step(block) for block in blocks]
    linear = [S for S in steps if S is not None]
    if len(linear) == len(steps):
        unlike = list({str(S.tolist()): S for S in linear}.values())
        for form in _forms(unlike):
            proof = _proof(form, unlike)
            if proof is not None:
                return Outcome(PROVED, (proof,))
    growing = _growth_at_fixed_point(graph)
    if growing is not None:
        return Outcome(REFUTED, (growing,))
    return Outcome(UNDECIDED, reason="bounded growth over depth is not known: no quadratic form "
                                     "was found that none of the blocks increases")


def _linear_step(block: Block) -> np.ndarray | None:
    """The matrix of a block that is linear up to a constant, or None."""
    if not block.keeps_shape:
        return None
    return block.once("linear step", lambda: _matrix(
        block.graph, [node.layer.straight() for node in block.graph.nodes]))


def _matrix(graph: Graph, layers: Sequence[Layer | None]) -> np.ndarray | None:
    """The matrix of a graph with linear layers in the place of its own, if all are known."""
    nodes = [replace(node, layer=layer) for node, layer in zip(graph.nodes, layers, strict=True)
             if layer is not None]
    return replace(graph, nodes=nodes).matrix.exact() if len(nodes) == len(layers) else None


# -- a form that no block increases ----------------------------------------------------------------
def _forms(steps: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Positive definite quadratic forms that some step keeps."""
    for S in steps:
        n = len(S)
        one, half = fractions(np.eye(n // 2, dtype=int)), n // 2
        if n % 2:
            continue
        for first, second in ((slice(0, half), slice(half, n)), (slice(half, n), slice(0, half))):
            A, B = S[first, second], S[second, first]
            if (S[first, first] != one).any() or (S[second, second] != one + B @ A).any() or \
                    (A != A.T).any() or (B != B.T).any():
                continue
            sign = 1 if _trace(A) >= 0 else -1
            form = fractions(np.zeros((n, n), dtype=int))
            form[first, first], form[second, second] = -sign * B, sign * A
            form[first, second] = -sign * (B @ A) / 2
            form[second, first] = form[first, second].T
            # On the common kernel of A and B the step is the identity.
            kernel = _null_space(np.concatenate([A, B]))
            if kernel.shape[1]:
                still = kernel @ solve(kernel.T @ kernel, kernel.T)
                for part in (first, second):
                    form[part, part] = form[part, part] + still
            yield form


def _trace(matrix: np.ndarray) -> Fraction:
    return sum(np.diag(matrix), Fraction(0))


def _null_space(matrix: np.ndarray) -> np.ndarray:
    """A basis of the vectors that a rational matrix maps to 0, as columns."""
    reduced, rank = to_flint(matrix).rref()
    n = matrix.shape[1]
    rows = [[from_fmpq(x) for x in row] for row in reduced.tolist()[:rank]]
    pivots = [next(j for j in range(n) if row[j]) for row in rows]
    free = [j for j in range(n) if j not in pivots]
    basis = fractions(np.zeros((n, len(free)), dtype=int))
    for column, j in enumerate(free):
        basis[j, column] = Fraction(1)
        for row, pivot in zip(rows, pivots, strict=True):
            basis[pivot, column] = -row[j]
    return basis


def _proof(form: np.ndarray, steps: Sequence[np.ndarray]) -> Evidence | None:
    """That a form is positive definite, and that no step increases it."""
    values = np.linalg.eigvalsh(form.astype(float))
    if not values[0] > 1e-9 * values[-1]:
        return None
    n = len(form)
    low = Fraction(float(values[0]) / 2).limit_denominator(10**12)
    if low <= 0 or not all(is_psd(form - S.T @ form @ S) for S in steps):
        return None
    log = Transcript()
    Q = log.give("Q", form).text
    shows = [f"psd({Q} - {low} * I({n}))"]
    for S in steps:
        name = log.give("S", S).text
        shows.append(f"psd({Q} - {name}.T @ {Q} @ {name})")
    return confirm_evidence(calculation(
        "certificate", log, shows, "the blocks are x -> S x + b; the positive definite form x'Qx "
        "of a difference of signals grows in none of them, so |u+ - w+|^2 is at most "
        "max(Q)/min(Q) |u - w|^2, however often and in whatever order the blocks are repeated"))


# -- growth without bound --------------------------------------------------------------------------
def _growth_at_fixed_point(graph: Graph) -> Evidence | None:
    """That the derivative at a fixed point has an eigenvalue of modulus > 1."""
    S = _derivative_at_zero(graph)
    if S is None:
        return None
    n, near, power = len(S), S.astype(float), 0
    while not abs(np.trace(near)) > n * (1 + 1e-6):
        near, power = near @ near, power + 1
        if power > _DOUBLINGS or not np.isfinite(near).all():
            return None
    log = Transcript()
    name = log.give("S", S).text
    for number in range(power):
        log.let.append([f"P{number}", f"{name} @ {name}"])
        name = f"P{number}"
    return confirm_evidence(calculation(
        "witness", log, [f"abs(trace({name})) > {n}"],
        f"S is the derivative of the network at 0, which it maps to 0 (for a linear network: the "
        f"network), as computed by stabkit; the trace of its power 2^{power} is a sum of {n} "
        "powers of eigenvalues, so one of them has modulus > 1, and the network repeated drives "
        "inputs near 0 apart by any factor"))


def _derivative_at_zero(graph: Graph) -> np.ndarray | None:
    """The exact derivative at 0, if 0 is a fixed point or the network is linear; else None."""
    matrix = _matrix(graph, [node.layer.straight() for node in graph.nodes])
    if matrix is not None or graph.has_bias:
        return matrix
    return _matrix(graph, [node.layer.derivative_at_zero() for node in graph.nodes])
