"""Reversible blocks: Y⁺ = Y + G₁(Z), Z⁺ = Z + G₂(Y⁺) on the halves of a signal.

With Gᵢ(x) = cᵢKᵢᵀΦ(Kᵢx + bᵢ) and c₁c₂ < 0 the block is a Verlet step of a Hamiltonian flow.  The
linearised step is S = [[I, A], [B, I + BA]] with det S = 1, A = G₁′ and B = G₂′; an eigenvalue λ
of S obeys (λ − 1)² = λν for an eigenvalue ν of BA.  If −BA has eigenvalues in [0, 4], all λ have
modulus 1, forward and backward; if one λ has modulus > 1, another has modulus < 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import prod

import numpy as np

from stabkit.audit.layers import Activation, Concatenation, Graph, Selection, Sum
from stabkit.audit.lipschitz import certified_slopes, chain_square, slope_evidence
from stabkit.audit.network import is_linear_layer, is_small, matrix_of, offset_of
from stabkit.audit.segments import part, signed
from stabkit.audit.transposes import Transpose, compare
from stabkit.confirmation import confirm_evidence
from stabkit.flux import Flux
from stabkit.rational import fractions
from stabkit.transcript import Transcript
from stabkit.verdict import PROVED, REFUTED, UNDECIDED, Evidence, Outcome, calculation

_STATES = 24
_LARGEST = 16  # entries of a state up to which growing modes are looked for
_SHOWN = 32


@dataclass(frozen=True, eq=False)
class Branch:
    """x ↦ W₂Φ(W₁x + b) + c."""

    before: Graph
    after: Graph
    flux: Flux
    transpose: Transpose | None

    @property
    def factor(self) -> Fraction | None:
        """c if W₂ = c W₁ᵀ exactly."""
        return self.transpose and self.transpose.factor


@dataclass(frozen=True, eq=False)
class Coupling:
    """The two branches of a reversible block, the one that acts first in front."""

    first: Branch
    second: Branch

    @property
    def size(self) -> int:
        """The length of a state."""
        return self.first.before.size + self.second.before.size

    @property
    def is_hamiltonian(self) -> bool:
        """Whether both branches are transposed exactly, with opposite signs."""
        a, b = self.first.factor, self.second.factor
        return a is not None and b is not None and a * b < 0

    @property
    def square(self) -> Fraction | None:
        """|c₁c₂|, the square of the step δ."""
        return abs(self.first.factor * self.second.factor) if self.is_hamiltonian else None

    def largest_square(self) -> Fraction | None:
        """The largest |c₁c₂| for which no mode grows, as certified; None where none is."""
        bound = self._bound()
        return None if not bound else 4 / bound

    def _bound(self) -> Fraction | None:
        total = Fraction(1)
        for branch in (self.first, self.second):
            slopes = certified_slopes(branch.flux)
            if slopes is None or slopes[0] < 0:
                return None
            total *= slopes[1] * chain_square(branch.before)
        return total


def couplings_of(segment: Graph) -> tuple[Coupling, ...]:
    """The reversible steps that a segment consists of, first one first; empty if it does not."""
    nodes, last = segment.nodes, segment.nodes[-1]
    if not isinstance(last.layer, Concatenation) or len(last.inputs) != 2 or last.layer.axis != 0:
        return ()
    current = [{i for i, node in enumerate(nodes) if _half(node, segment) == half}
               for half in (0, 1)]
    moves: list[tuple[int, Branch]] = []
    for number, node in enumerate(nodes):
        if not isinstance(node.layer, Sum):
            continue
        roles = {i: f"half {half}" for half in (0, 1) for i in current[half]}
        made = next(((half, branch) for half in (0, 1) if (branch := _branch(
            segment, number, roles, f"half {half}", f"half {1 - half}")) is not None), None)
        if made is None:
            return ()
        moves.append(made)
        current[made[0]] = {number}
    ends = sorted(last.inputs)
    if len(moves) % 2 or not moves or ends != sorted(n for half in current for n in half) or \
            any(one[0] == two[0] for one, two in pairwise(moves)):
        return ()
    return tuple(Coupling(moves[i][1], moves[i + 1][1]) for i in range(0, len(moves), 2))


def _half(node, segment: Graph) -> int | None:
    size = segment.size
    if not isinstance(node.layer, Selection) or node.inputs != (-1,) or size % 2 or \
            segment.shape[0] % 2 or 2 * prod(node.shape) != size:
        return None
    places = np.ravel(node.layer.places)
    return next((half for half in (0, 1) if (places == np.arange(size // 2) + half * (
        size // 2)).all()), None)


def _branch(segment: Graph, end: int, roles: dict[int, str], skip: str, source: str
            ) -> Branch | None:
    """The branch of the sum at a node, whose other term has the role `skip`."""
    if end < 0 or not isinstance(segment.nodes[end].layer, Sum) or \
            len(segment.nodes[end].inputs) != 2:
        return None
    inputs, signs = segment.nodes[end].inputs, segment.nodes[end].layer.signs
    for place in (0, 1):
        if roles.get(inputs[place]) != skip or signs[place] < 0:
            continue
        path, number = [], inputs[1 - place]
        while number >= 0 and number not in roles and len(segment.nodes[number].inputs) == 1:
            path.append(number)
            number = segment.nodes[number].inputs[0]
        path.reverse()
        active = [n for n in path if isinstance(segment.nodes[n].layer, Activation)]
        if roles.get(number) != source or len(active) != 1 or not all(
                is_linear_layer(segment.nodes[n].layer) for n in path if n not in active):
            continue
        where = path.index(active[0])
        before = part(segment, path[:where], number)
        after = signed(part(segment, path[where + 1:], active[0]), signs[1 - place])
        return Branch(before, after, segment.nodes[active[0]].layer.flux, compare(before, after))
    return None


# -- growing modes ---------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def judge_modes(coupling: Coupling, seed: int) -> Outcome:
    """Whether no mode of the linearised step grows, at any state, forward or backward."""
    largest = coupling.largest_square()
    if coupling.is_hamiltonian and largest is not None and coupling.square <= largest:
        proof = tuple(item and confirm_evidence(item) for item in _proof(coupling))
        if all(proof):
            return Outcome(PROVED, proof)
    size = coupling.size
    if size > _LARGEST or not all(is_small(chain) for branch in (coupling.first, coupling.second)
                                  for chain in (branch.before, branch.after)):
        return Outcome(UNDECIDED, reason="no bound proves it, and the state is too large to "
                                         "look for a growing mode")
    rng = np.random.default_rng(seed)
    for state in _states(size, rng):
        for flip, bound in _tests(coupling, state):
            witness = _written(coupling, state, flip, bound)
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
    y = state[:half].astype(float) + _applied(coupling.first, z)
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
    W1, W2 = (matrix_of(chain).exact().astype(float) for chain in (branch.before, branch.after))
    s = W1 @ x + offset_of(branch.before).astype(float)
    return W2 @ np.diag(branch.flux.slope(s)) @ W1


def _applied(branch: Branch, x: np.ndarray) -> np.ndarray:
    W1, W2 = (matrix_of(chain).exact().astype(float) for chain in (branch.before, branch.after))
    s = W1 @ x + offset_of(branch.before).astype(float)
    return W2 @ branch.flux.activation(s) + offset_of(branch.after).astype(float)


def _written(coupling: Coupling, state: np.ndarray, flip: int, bound: Fraction
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
        "S is the linearised step at the state u, the half that moves first in front; "
        "p(t) = det(t I - S) is positive for large |t| as "
        f"its degree is even, so S has a real eigenvalue beyond {'c' if flip > 0 else '-c'}; "
        "det S = 1, so the inverse step has one of modulus > 1, too"))


def _derivative(log: Transcript, branch: Branch, at: str, name: str) -> tuple[str, str]:
    """The derivative of a branch at a named state, and its value there."""
    W1 = log.give("W", matrix_of(branch.before).exact())
    W2 = log.give("W", matrix_of(branch.after).exact())
    b, c = (log.give("b", offset_of(chain)) for chain in (branch.before, branch.after))
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
        c, p = log.give("c", branch.factor), log.give("p", chain_square(branch.before))
        factors += [f"abs({c.text})", str(certified_slopes(branch.flux)[1]), p.text]
        if slope_evidence(branch.flux) not in slopes:
            slopes.append(slope_evidence(branch.flux))
        n = branch.before.size
        if is_small(branch.before) and is_small(branch.after) and n <= _SHOWN:
            W1, W2 = (log.give("W", matrix_of(chain).exact()) for chain in
                      (branch.before, branch.after))
            shows += [f"{W2.text} == {c.text} * {W1.text}.T",
                      f"psd({p.text} * I({n}) - {W1.text}.T @ {W1.text})"]
        else:
            given += [c.text, p.text]
    shows += ["c * c1 < 0", f"{' * '.join(factors)} <= 4"]
    words = ("with slopes >= 0, A = c W1'D W1 and B = c1 W1'D W1 are semidefinite of opposite "
             "signs, so -BA has real eigenvalues in [0, 4] and (t - 1)^2 = t v has roots of "
             "modulus 1 for v in [-4, 0]")
    if given:
        words += f"; {', '.join(given)} were computed by stabkit and are taken as given here"
    return [*slopes, calculation("certificate", log, shows, words)]


