"""The derivative of the flow of a second-order network with a piecewise-linear activation.

Between switching times, at which a row of s ⊙ K y + b passes from one piece of σ to another, the
flow is a matrix exponential.  A switching time is enclosed in a short window with exact ends; over
the window the slopes of the rows that pass are only known to lie between those of the pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.enclosure import Interval, from_ball, precision
from stabkit.arithmetic.rational import fraction, fractions
from stabkit.errors import InvalidArgument, Undecided
from stabkit.growth.linear_pieces import PiecewiseField, ball
from stabkit.schemes.symmetric import SymmetricLayer

_BITS = 256
_NEAR = Fraction(1, 2**90)    # how near a switching time is approached
_WINDOW = Fraction(1, 2**84)  # the first length tried for the window around it
_WIDEST = Fraction(1, 2**40)
_MOST = 100_000               # steps from one switch to the next
_MOST_SWITCHES = 10_000


@dataclass(frozen=True, eq=False)
class Monodromy:
    """The derivative of a flow x(T) = (y(T), y′(T)) with respect to its start.

    Over the period of a periodic orbit it is the monodromy matrix: perturbations grow
    exponentially if it has an eigenvalue outside the unit circle.  It is symplectic, and 1 is a
    double eigenvalue then; so for n = 2 the other two have product 1 and sum ``trace() − 2``.

    Attributes
    ----------
    matrix : ndarray of Interval, shape (2n, 2n)
    state : ndarray of Interval, shape (2n,)
        (y(T), y′(T)).
    time : Interval
        T.
    switches : tuple of Interval
        The switching times before T, in order; several rows may switch in one.
    """

    matrix: np.ndarray
    state: np.ndarray
    time: Interval
    switches: tuple[Interval, ...]

    def block(self, coordinates: Sequence[int]) -> np.ndarray:
        """The rows and columns of yᵢ, y′ᵢ for the given i: the whole derivative of these
        if the other perturbations do not act on them."""
        n = len(self.state) // 2
        kept = [*coordinates, *(n + i for i in coordinates)]
        return self.matrix[np.ix_(kept, kept)]

    def trace(self, coordinates: Sequence[int] | None = None) -> Interval:
        """The trace of the matrix or of a block."""
        n = len(self.state) // 2
        block = self.block(range(n) if coordinates is None else coordinates)
        with precision(_BITS):
            return sum(np.diag(block), Interval(0))


def monodromy(layer: SymmetricLayer, y: Signal, until: Rational, *, velocity: Signal = None
             ) -> Monodromy:
    """Enclose the flow of y″ = F(y) = −Kᵀσ(s ⊙ K y + b) and its derivative at a time.

    Parameters
    ----------
    layer : SymmetricLayer
        With a continuous, piecewise-linear activation and no normalisation.
    y : array_like of rationals, shape (n,)
        The start.
    until : rational or Interval
        The time T > 0; an irrational one as an interval that is narrow enough.
    velocity : array_like of rationals, shape (n,), optional
        y′(0); zero if left out.

    Raises
    ------
    HypothesisNotMet
        For another layer.
    Undecided
        If a row touches a breakpoint without passing it, or stays on it: the derivative need not
        exist; or if there are too many switches.
    """
    y, velocity = _start(layer, y, velocity)
    if not isinstance(until, Interval):
        until = fraction(until, "until")
    elif not until.is_finite:
        raise InvalidArgument(f"until: must be finite, got {until}")
    ends = (until.lower, until.upper) if isinstance(until, Interval) else (until, until)
    if ends[0] <= 0:
        raise InvalidArgument(f"until: must be positive, got {until}")
    with precision(_BITS):
        run = _Run(PiecewiseField(layer), [*y, *velocity, Fraction(1)], *ends)
        run.finish()
        size = range(2 * layer.size)
        matrix = np.array([[from_ball(run.matrix[i, j]) for j in size] for i in size],
                          dtype=object)
        state = np.array([from_ball(run.x[i, 0]) for i in size], dtype=object)
        return Monodromy(matrix, state, Interval(*ends), tuple(run.switches))


def _start(layer: SymmetricLayer, y: Signal, velocity: Signal) -> tuple[np.ndarray, np.ndarray]:
    y = fractions(y, "y")
    velocity = fractions([0] * layer.size if velocity is None else velocity, "velocity")
    if y.shape != (layer.size,) or velocity.shape != (layer.size,):
        raise InvalidArgument(f"y, velocity: must have length {layer.size}, got shapes {y.shape} "
                              f"and {velocity.shape}")
    return y, velocity


class _Run:
    """A state along the flow, with the derivative up to its time; all times are exact."""

    def __init__(self, field: PiecewiseField, start: list[Fraction], first: Fraction,
                 last: Fraction):
        self.field, self.first, self.last = field, first, last
        self.x = arb_mat([[ball(value)] for value in start])
        size = len(start)
        self.matrix = arb_mat([[arb(int(i == j)) for j in range(size)] for i in range(size)])
        self.time = Fraction(0)
        self.switches: list[Interval] = []

    def finish(self) -> None:
        """Go on to the time `first`, then across all times up to `last`."""
        for _ in range(_MOST_SWITCHES):
            if self.time >= self.first:
                break
            met = self.field.pieces_at(self.x)
            if all(len(row) == 1 for row in met):
                self._flow(met)
            if self.time < self.first:
                self._switch(met)
        else:
            raise Undecided(f"monodromy: more than {_MOST_SWITCHES} switches")
        if self.time < self.last:
            self._cross(self.last - self.time, exactly=False)

    def _flow(self, met: list[list[int]]) -> None:
        """Stay on one piece as long as that can be shown."""
        G = self.field.generator(met)
        largest = _safe_step(G)
        passed, step, again = Fraction(0), largest, False
        here, flow = self.x, None
        for _ in range(_MOST):
            step = min(step, self.first - self.time - passed)
            after = (G * ball(passed + step)).exp()
            there = after * self.x
            inside = (G * arb(0).union(ball(step))).exp() * here
            if self._keeps(met, here, there, inside):
                passed, here, flow = passed + step, there, after
                if self.time + passed == self.first:
                    break
                step, again = (min(2 * step, largest) if again else step), True
            elif step < _NEAR:
                break
            else:
                step, again = step / 2, False
        else:
            raise Undecided(f"monodromy: more than {_MOST} steps without a switch")
        if flow is not None:
            self.x, self.matrix, self.time = here, flow * self.matrix, self.time + passed

    def _keeps(self, met: list, here: arb_mat, there: arb_mat, inside: arb_mat) -> bool:
        """Whether every row stays in the interior of its piece between two states."""
        ends = zip(*map(self.field.pieces_at, (here, there, inside)),
                   self.field.speeds(inside), met, strict=True)
        return all(within == row or (first == row == last and not speed.contains(0))
                   for first, last, within, speed, row in ends)

    def _switch(self, before: list[list[int]]) -> None:
        """Pass the window around a switching time, after which every row has a piece again."""
        start, x, matrix, width = self.time, self.x, self.matrix, _WINDOW
        while start + width < self.first:
            self._cross(width, exactly=True)
            after = self.field.pieces_at(self.x)
            if all(len(row) == 1 for row in after):
                if start > 0 and after != before:
                    self.switches.append(Interval(start, self.time))
                return
            if width > _WIDEST:
                raise Undecided(f"monodromy: rows do not leave a breakpoint after {float(start)}")
            self.time, self.x, self.matrix, width = start, x, matrix, 4 * width
        self._cross(self.last - start, exactly=False)

    def _cross(self, width: Fraction, *, exactly: bool) -> None:
        """Go on for the time `width`, or for an unknown time up to it, across breakpoints."""
        field, span = self.field, arb(0).union(ball(width))
        size = range(self.x.nrows())
        # Any box that the flow does not leave will do: try twice the first guess of its size.
        reach = 2 * ball(width) * (_largest(field.velocity(self.x).entries()) + 1)
        radii = [reach + self.x[i, 0].rad() / 1024 for i in size[:-1]]
        box = arb_mat([[self.x[i, 0] + r.union(-r)] for i, r in enumerate(radii)] + [[arb(1)]])
        met, speeds = field.pieces_at(box), field.speeds(box)
        G, moved = field.generator(met), field.velocity(box)
        if not all(box[i, 0].contains(self.x[i, 0] + span * moved[i, 0]) for i in size):
            raise Undecided(f"monodromy: no enclosure over a window of length {float(width)}")
        if any(len(row) > 1 and speed.contains(0)
               for row, speed in zip(met, speeds, strict=True)):
            raise Undecided(f"monodromy: at about {float(self.time)} a row touches a breakpoint "
                            "and is not known to pass it; the derivative need not exist")
        passed = ball(width) if exactly else span
        self.x = self.x + moved * passed
        spread = (_norm(G) * ball(width)).expm1()
        near = arb_mat([[arb(int(i == j)) + spread.union(-spread) for j in size] for i in size])
        self.matrix = self.matrix + passed * (G * near) * self.matrix
        self.time += width


def _safe_step(G: arb_mat) -> Fraction:
    """A power of two, about 1/(2 + 2‖G‖)."""
    size = 2 + 2 * _norm(G)
    return Fraction(1, 2 ** int(float(size.upper())).bit_length())


def _norm(G: arb_mat) -> arb:
    """A bound of the maximum row sum."""
    return _largest([sum((abs(entry) for entry in row), arb(0)) for row in G.tolist()])


def _largest(values: list[arb]) -> arb:
    """A bound of the largest absolute value."""
    found = arb(0)
    for value in values:
        found = found.max(abs(value).upper())
    return found.upper()
