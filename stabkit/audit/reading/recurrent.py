"""Recurrent operators of a known length, written out step by step: RNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.audit.reading.builder import View
from stabkit.audit.reading.entrywise import flux_of
from stabkit.audit.reading.operator import Operator, Value
from stabkit.errors import InvalidArgument
from stabkit.fluxes import activations
from stabkit.fluxes.flux import Flux
from stabkit.networks.layers import Activation, Dense, Product, Sum

_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_BENT = {"RNN": (["Tanh"], ["Relu"]), "GRU": (["Sigmoid", "Tanh"],),
         "LSTM": (["Sigmoid", "Tanh", "Tanh"],)}
State = View | np.ndarray  # computed, or known at the start


def recurrent(op: Operator) -> list[Value]:
    """The states after every step, the last one, and of an LSTM the last cell."""
    view, weights = op.signal(0), op.weights(1)
    if weights is None or weights.ndim != 3 or len(view.shape) != 3:
        raise InvalidArgument("its input must be (length, batch, features), its weights "
                              "(directions, gates, features)")
    length, ways = view.shape[0], len(weights)
    cells = [_Cell.of(op, weights, way) for way in range(ways)]
    if op.integer("layout", 0) or op.build.batch > 1 or view.shape[1] != 1:
        raise op.refuse("a batch of several sequences, or one in front; export with a batch of one")
    if op.has(4) and (op.constant(4) != length).any():
        raise op.refuse("sequences that end early")
    lasts, rows = [], []
    for way in range(ways):
        states, cell = _run(cells[way], _steps(op, view, way, ways),
                            *(_start(op, number, way) for number in (5, 6)))
        rows.append(states)
        lasts.append((states[-1], cell))
    turned = [row if step else row[::-1] for row, step in zip(
        rows, _forward(op, ways), strict=True)]
    size = rows[0][0].shape[1]
    whole = [turned[way][step] for step in range(length) for way in range(ways)]
    found: list[Value] = [op.build.reshape(op.build.join(whole, 1), (length, ways, 1, size))]
    for part in zip(*lasts, strict=True):
        views = [one for one in part if isinstance(one, View)]
        if len(views) == ways:
            found.append(op.build.reshape(op.build.join(views, 1), (ways, 1, size)))
    return found


def _forward(op: Operator, ways: int) -> list[bool]:
    """Which directions begin with the first entry of the sequence."""
    known = {"forward": [True], "reverse": [False], "bidirectional": [True, False]}.get(
        op.text("direction", "forward"))
    if known is None or len(known) != ways:
        raise InvalidArgument(f"its direction does not fit weights for {ways}")
    return known


def _steps(op: Operator, view: View, way: int, ways: int) -> list[View]:
    steps = [op.build.reshape(op.build.move(view, itemgetter(number)), (1, view.shape[2]))
             for number in range(view.shape[0])]
    return steps if _forward(op, ways)[way] else steps[::-1]


def _start(op: Operator, number: int, way: int) -> State | None:
    if isinstance(view := op.value(number), View):
        return op.build.move(view, itemgetter(way))
    given = op.weights(number) if op.has(number) else None
    return None if given is None else np.asarray(given[way], dtype=float).ravel()


def _run(cell: _Cell, steps: Sequence[View], state: State | None, memory: State | None
         ) -> tuple[list[View], State | None]:
    h = np.zeros(cell.size) if state is None else state
    c = np.zeros(cell.size) if memory is None else memory
    states: list[View] = []
    for x in steps:
        new, c = cell.step(x, h, c)
        h = new
        states.append(new)
    return states, c if cell.op.kind == "LSTM" else None


@dataclass(frozen=True)
class _Cell:
    """The weights of one direction, gate by gate: of the input, of the state, and both biases."""

    op: Operator
    W: np.ndarray
    R: np.ndarray
    b: np.ndarray

    @classmethod
    def of(cls, op: Operator, weights: np.ndarray, way: int) -> _Cell:
        kind, gates, states = op.kind, _GATES[op.kind], op.weights(2)
        names = [text.decode() for text in op.texts("activations")]
        ways = len(weights)
        if names and not any(names == ways * known for known in _BENT[kind]):
            raise op.refuse(f"the activations {', '.join(names)}")
        if op.has(7) or op.number("clip", 0.0) or op.integer("input_forget", 0) or \
                op.texts("activation_alpha") or op.texts("activation_beta"):
            raise op.refuse("peepholes, clipped arguments, coupled gates or parameters of "
                            "activations")
        size = weights.shape[1] // gates
        both = op.weights(3)
        if states is None or states.shape != (ways, gates * size, size) or (
                both is not None and both.shape != (ways, 2 * gates * size)):
            raise InvalidArgument("its weights do not fit each other")
        b = np.zeros(2 * gates * size) if both is None else both[way]
        return cls(op, weights[way].reshape(gates, size, -1), states[way].reshape(
            gates, size, size), b.reshape(2, gates, size))

    @property
    def size(self) -> int:
        return self.W.shape[1]

    def step(self, x: View, h: State, c: State) -> tuple[View, State]:
        if self.op.kind == "RNN":
            names = self.op.texts("activations")
            made = fluxes.relu if names and names[0] == b"Relu" else fluxes.tanh
            return self.activate(flux_of(made), self.gates_input(0, x, h)), c
        return self.lstm(x, h, c) if self.op.kind == "LSTM" else (self.gru(x, h), c)

    def lstm(self, x: View, h: State, c: State) -> tuple[View, State]:
        """c⁺ = f c + i g, h⁺ = o tanh c⁺."""
        i, o, f = (self.gate(number, x, h) for number in range(3))
        g = self.activate(flux_of(fluxes.tanh), self.gates_input(3, x, h))
        kept, new = self.times(f, c), self.product(i, g)
        cell = new if kept is None else self.sum((1, 1), kept, new)
        return self.product(o, self.activate(flux_of(fluxes.tanh), cell)), cell

    def gru(self, x: View, h: State) -> View:
        """h⁺ = n + z (h − n), with the reset gate before or after the weights of the state."""
        z, r = (self.gate(number, x, h) for number in range(2))
        if self.op.integer("linear_before_reset", 0):
            inside = self.dense(self.W[2], self.b[0, 2], x)
            more = self.times(r, self.linear(self.R[2], self.b[1, 2], h))
            inside = inside if more is None else self.sum((1, 1), inside, more)
        else:
            inside = self.gates_input(2, x, self.times(r, h) or np.zeros(self.size))
        n = self.activate(flux_of(fluxes.tanh), inside)
        away = self.sum((1, -1), h, n) if isinstance(h, View) else \
            self.op.build.scale(n, -1.0, h if h.any() else None)
        return self.sum((1, 1), n, self.product(z, away))

    # -- parts -------------------------------------------------------------------------------------
    def gate(self, number: int, x: View, h: State) -> View:
        return self.activate(flux_of(activations.sigmoid), self.gates_input(number, x, h))

    def gates_input(self, number: int, x: View, h: State) -> View:
        """W x + R h + both biases."""
        bias = _total(self.b[0, number], self.b[1, number])
        if isinstance(h, View):
            return self.dense(np.concatenate([self.W[number], self.R[number]], axis=1), bias,
                              self.op.build.join([x, h], 1))
        return self.dense(self.W[number], _total(bias, self.R[number].astype(float) @ h), x)

    def linear(self, weights: np.ndarray, bias: np.ndarray, h: State) -> State:
        return self.dense(weights, bias, h) if isinstance(h, View) else \
            _total(weights.astype(float) @ h, bias)

    def dense(self, weights: np.ndarray, bias: np.ndarray, view: View) -> View:
        return self.op.build.add(Dense(weights, bias), [view], (1, len(weights)))

    def activate(self, flux: Flux, view: View) -> View:
        return self.op.build.add(Activation(flux), [view], view.shape)

    def sum(self, signs: tuple[int, ...], *views: View) -> View:
        return self.op.build.add(Sum(signs), list(views), views[0].shape)

    def times(self, gate: View, state: State) -> View | None:
        """A gate times a state; nothing where that is 0 at the start."""
        if isinstance(state, View):
            return self.product(gate, state)
        return self.op.build.scale(gate, state) if state.any() else None

    def product(self, gate: View, other: View) -> View:
        return self.op.build.add(Product(), [gate, other], gate.shape)


def _total(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The sum, exactly: in floats where they hold it."""
    exact = fractions(one) + fractions(other)
    near = np.asarray(one, dtype=float) + np.asarray(other, dtype=float)
    return near if (fractions(near) == exact).all() else exact
