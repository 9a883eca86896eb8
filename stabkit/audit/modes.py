"""Whether modes of reversible blocks grow: of one block, linearised at any state."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Transcript
from stabkit.networks.couplings import Branch, Coupling
from stabkit.networks.layers.activation import certified_slopes, slope_evidence
from stabkit.stability.confirmation import confirm_all, confirm_evidence
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence, Outcome, calculation
from stabkit.time_limit import time_is_over

_STATES = 24
_LARGEST = 16  # entries of a state up to which growing modes are looked for
_SHOWN = 32


@lru_cache(maxsize=256)
def judge_modes(coupling: Coupling, seed: int) -> Outcome:
    """Whether no mode of the linearised step grows, at any state, forward or backward."""
    square, largest = coupling.square, coupling.largest_square()
    if square is not None and largest is not None and square <= largest:
        proof = confirm_all(_proof(coupling))
        if proof is not None:
            return Outcome(PROVED, proof)
    size = coupling.size
    if size > _LARGEST or not all(chain.is_small for branch in (coupling.first, coupling.second)
                                  for chain in (branch.before, branch.after)):
        return Outcome(UNDECIDED, reason="no bound proves it, and the state is too large to "
                                         "look for a growing mode")
    rng = np.random.default_rng(seed)
    for state in _states(size, rng):
        if time_is_over():
            return Outcome(UNDECIDED, reason="no bound proves it, and no time was left to look for "
                                             "a growing mode")
        for flip, bound in _tests(coupling, state):
            witness = _write_mode(coupling, state, flip, bound)
            if witness is not None:
                return Outcome(REFUTED, (witness,), trials=_STATES)
    return Outcome(UNDECIDED, trials=_STATES, reason="no bound proves it, and no growing mode was "
                                                     "found")


def _states(size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    yield fractions(np.zeros(size, dtype=int))
    yield fractions(np.ones(size, dtype=int))
    for _ in range(_STATES - 2):
        yield fractions(rng.integers(-3, 4, size))


def _tests(coupling: Coupling, state: np.ndarray) -> Iterator[tuple[int, Fraction]]:
    """Signs s and numbers c > 1 for which det(c I − s S) < 0, by floats."""
    half = len(state) // 2
    z = state[half:].astype(float)
    A = _slope_matrix(coupling.first, z)
    y = state[:half].astype(float) + _apply_branch(coupling.first, z)
    B = _slope_matrix(coupling.second, y)
    one = np.eye(half)
    S = np.block([[one, A], [B, one + B @ A]])
    if not np.isfinite(S).all():
        return
    values = np.linalg.eigvals(S)
    for flip in (1, -1):
        real = sorted((flip * v.real for v in values if abs(v.imag) < 1e-9 and flip * v.real > 1),
                      reverse=True)
        if real and real[0] > 1 + 1e-6:
            inner = max(real[1] if len(real) > 1 else 1.0, 1.0)
            yield flip, Fraction((real[0] + inner) / 2).limit_denominator(1000)


def _slope_matrix(branch: Branch, x: np.ndarray) -> np.ndarray:
    W1, W2 = (chain.matrix.exact().astype(float) for chain in (branch.before, branch.after))
    s = W1 @ x + branch.before.offset.astype(float)
    return W2 @ np.diag(branch.flux.slope(s)) @ W1


def _apply_branch(branch: Branch, x: np.ndarray) -> np.ndarray:
    W1, W2 = (chain.matrix.exact().astype(float) for chain in (branch.before, branch.after))
    s = W1 @ x + branch.before.offset.astype(float)
    return W2 @ branch.flux.activation(s) + branch.after.offset.astype(float)


def _write_mode(coupling: Coupling, state: np.ndarray, flip: int, bound: Fraction
                ) -> Evidence | None:
    half, log = len(state) // 2, Transcript()
    log.give("u", state)
    log.give("c", bound)
    A, move = _derivative(log, coupling.first, f"u[{half}:]", "A")
    log.let.append(["y", f"u[:{half}] + {move}"])
    B, _ = _derivative(log, coupling.second, "y", "B")
    log.let.append(["S", f"(I({2 * half}) + kron([[0, 0], [1, 0]], {B})) @ "
                         f"(I({2 * half}) + kron([[0, 1], [0, 0]], {A}))"])
    sign = "-" if flip > 0 else "+"
    return confirm_evidence(calculation(
        "witness", log, ["c > 1", f"det(c * I({2 * half}) {sign} S) < 0"],
        "S is the linearised step at the state u, the half that moves first in front"
        f"{_place(coupling)}; "
        "p(t) = det(t I - S) is positive for large |t| as "
        f"its degree is even, so S has a real eigenvalue beyond {'c' if flip > 0 else '-c'}; "
        "det S = 1, so the inverse step has one of modulus > 1, too"))


def _derivative(log: Transcript, branch: Branch, at: str, name: str) -> tuple[str, str]:
    """The derivative of a branch at a named state, and its value there."""
    W1 = log.give("W", branch.before.matrix.exact())
    W2 = log.give("W", branch.after.matrix.exact())
    b, c = (log.give("b", chain.offset) for chain in (branch.before, branch.after))
    s = log.define("s", W1 @ log.term(at) + b)
    slopes = branch.flux.slope(s)
    log.let.append([name, f"{W2.text} @ diag({slopes.text}) @ {W1.text}"])
    return name, f"{W2.text} @ {branch.flux.activation(s).text} + {c.text}"


def _proof(coupling: Coupling) -> list[Evidence | None]:
    """W₂ = cW₁ᵀ and ‖W₁‖² <= p for both branches, and |c₁c₂| L₁L₂ p₁p₂ <= 4."""
    log, shows, factors = Transcript(), [], []
    slopes: list[Evidence | None] = []
    given = []
    for branch in (coupling.first, coupling.second):
        declared = certified_slopes(branch.flux)
        if declared is None:
            return [None]
        c, p = log.give("c", branch.factor), log.give("p", branch.before.square)
        factors += [f"abs({c.text})", str(declared[1]), p.text]
        if slope_evidence(branch.flux) not in slopes:
            slopes.append(slope_evidence(branch.flux))
        n = branch.before.size
        if branch.before.is_small and branch.after.is_small and n <= _SHOWN:
            W1, W2 = (log.give("W", chain.matrix.exact()) for chain in
                      (branch.before, branch.after))
            shows += [f"{W2.text} == {c.text} * {W1.text}.T",
                      f"psd({p.text} * I({n}) - {W1.text}.T @ {W1.text})"]
        else:
            given += [c.text, p.text]
    shows += ["c * c1 < 0", f"{' * '.join(factors)} <= 4"]
    words = ("with slopes >= 0, A = c W1'D W1 and B = c1 W1'D W1 are semidefinite of opposite "
             "signs, so -BA has real eigenvalues in [0, 4] and (t - 1)^2 = t v has roots of "
             "modulus 1 for v in [-4, 0]")
    words += _place(coupling)
    if given:
        words += f"; {', '.join(given)} were computed by stabkit and are taken as given here"
    return [*slopes, calculation("certificate", log, shows, words)]


def _place(coupling: Coupling) -> str:
    """In which coordinates a step is written, where they are not its own."""
    return "; u is (Y - Z, Y), in which the leapfrog step (Y, Z) -> (2Y - Z + G(Y), Y) is " \
           "V+ = V + G(Y), Y+ = Y + V+, with the same eigenvalues" if coupling.leaps else ""
