"""Networks that are wave-like PDEs in time (ruthotto2018): Hamiltonian and second order.

A network whose weights change from layer to layer is a :class:`~stabkit.schemes.Chain` of steps
with different layers; :func:`reverse` runs it backwards from the last state alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from stabkit.aliases import Matrix, Number, Signal
from stabkit.arithmetic.backend import namespace
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import Term, named
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.proof.words import Expression
from stabkit.schemes.scheme import Chain, Scheme, as_step
from stabkit.schemes.symmetric import SymmetricLayer, as_layer, step_size, unit_matrix

UPPER, LOWER = ((0, 1), (0, 0)), ((0, 0), (1, 0))
DIAGONAL = ((1, 0), (0, 0))


@dataclass(frozen=True, eq=False)
class Verlet(Scheme):
    """One layer of the Hamiltonian network ∂ₜY = −F₁(Z), ∂ₜZ = F₂(Y), on states (Y, Z).

    Y⁺ = Y − δF₁(Z), Z⁺ = Z + δF₂(Y⁺).

    Parameters
    ----------
    first, second : SymmetricLayer
        F₁ and F₂.
    tau : rational
        Step size, δ in the paper.
    printed : bool
        Take both signs as eq. (10) of ruthotto2018 prints them, that is reversed.
    """

    first: SymmetricLayer
    second: SymmetricLayer
    tau: Number
    printed: bool = False

    def __post_init__(self) -> None:
        as_layer(self.first, "first")
        as_layer(self.second, "second")
        object.__setattr__(self, "tau", as_step(self.tau, "tau"))
        if self.first.size != self.second.size:
            raise InvalidArgument(f"first, second: must have one size, got {self.first.size} and "
                                  f"{self.second.size}")

    @property
    def size(self) -> int:
        return 2 * self.first.size

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (*self.first.operators, *self.second.operators)

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return (*self.first.fluxes, *self.second.fluxes)

    @property
    def inner_steps(self) -> int:
        return 2

    def step(self, u: Signal) -> Signal:
        y, z = halves(u, self.first.size)
        y = named(self._move(y, -1, self.first, z), "Y")
        return named(joined(y, self._move(z, 1, self.second, y)), "x")

    def back(self, u: Signal, *, printed: bool = False) -> Signal:
        """The inverse of a step; `printed` puts Y⁺ where Z belongs, as ruthotto2018 does."""
        y, z = halves(u, self.first.size)
        z = named(self._move(z, -1, self.second, y), "Z")
        return named(joined(self._move(y, 1, self.first, y if printed else z), z), "x")

    def jacobian(self, u: Signal) -> Signal:
        """The matrix of the derivative of a step at a state (Y, Z)."""
        y, z = halves(u, self.first.size)
        sign = -1 if self.printed else 1
        delta = step_size(self, u)
        shear = unit_matrix(self.size, u) - sign * (delta * _block(UPPER, self.first.jacobian(z)))
        y = named(self._move(y, -1, self.first, z), "Y")
        other = unit_matrix(self.size, u) + sign * (delta * _block(LOWER, self.second.jacobian(y)))
        return named(other @ shear, "V")

    def _move(self, x: Signal, sign: int, layer: SymmetricLayer, at: Any) -> Signal:
        move = step_size(self, at) * named(layer(at), "F")
        return x + move if (sign > 0) is not self.printed else x - move


@dataclass(frozen=True, eq=False)
class Leapfrog(Scheme):
    """One layer of the second-order network ∂ₜ²Y = F(Y), on states (Y_j, Y_{j−1}).

    Y_{j+1} = 2Y_j − Y_{j−1} + δ²F(Y_j).
    """

    layer: SymmetricLayer
    tau: Number

    def __post_init__(self) -> None:
        as_layer(self.layer, "layer")
        object.__setattr__(self, "tau", as_step(self.tau, "tau"))

    @property
    def size(self) -> int:
        return 2 * self.layer.size

    @property
    def operators(self) -> tuple[Operator, ...]:
        return self.layer.operators

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return self.layer.fluxes

    def step(self, u: Signal) -> Signal:
        y, before = halves(u, self.layer.size)
        return named(joined(self._other(y, before), y), "x")

    def back(self, u: Signal) -> Signal:
        """(Y_{j+1}, Y_j) to (Y_j, Y_{j−1}): the recursion is symmetric in Y_{j±1}."""
        after, y = halves(u, self.layer.size)
        return named(joined(y, self._other(y, after)), "x")

    def start(self, y: Signal, *, second_order: bool = False) -> Signal:
        """The first state: Y₋₁ = Y₀ as ruthotto2018 sets it, or Y₋₁ = Y₀ + (δ²/2)F(Y₀)."""
        if not second_order:
            return named(joined(y, y), "x")
        return named(joined(y, y + Constant(1, 2) * self._square(y) * self.layer(y)), "x")

    def jacobian(self, u: Signal) -> Signal:
        """The matrix of the derivative of a step at a state."""
        n = self.layer.size
        one = unit_matrix(n, u)
        top = named(2 * one + self._square(u) * self.layer.jacobian(halves(u, n)[0]), "L")
        return named(_block(DIAGONAL, top) - _block(UPPER, one) + _block(LOWER, one), "V")

    def _other(self, y: Signal, neighbour: Any) -> Signal:
        return 2 * y - neighbour + self._square(y) * self.layer(y)

    def _square(self, beside: Signal) -> Signal:
        delta = step_size(self, beside)
        return delta**2 if isinstance(delta, Term | Expression) else Constant(delta**2)


@dataclass(frozen=True, eq=False)
class Reverse(Scheme):
    """The step of a :class:`Verlet` or :class:`Leapfrog` scheme backwards.

    `printed` takes the inverse of the Verlet step as ruthotto2018 prints it.
    """

    forward: Verlet | Leapfrog
    printed: bool = False

    @property
    def size(self) -> int:
        return self.forward.size

    @property
    def operators(self) -> tuple[Operator, ...]:
        return self.forward.operators

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return self.forward.fluxes

    @property
    def inner_steps(self) -> int:
        return self.forward.inner_steps

    def step(self, u: Signal) -> Signal:
        if self.printed and isinstance(self.forward, Verlet):
            return self.forward.back(u, printed=True)
        return self.forward.back(u)


def reverse(network: Chain) -> Chain:
    """The layers of a network backwards, last one first: its inverse, from the last state alone."""
    return Chain([Reverse(cast("Verlet | Leapfrog", step)) for step in reversed(network.schemes)])


def halves(x: Signal, n: int) -> tuple[Signal, Signal]:
    """The two halves of a state, n entries each; of symbols a state is a pair."""
    if isinstance(x, tuple):
        return x
    return (x[:n], x[n:]) if isinstance(x, Term) else (x[..., :n], x[..., n:])


def joined(y: Signal, z: Signal) -> Signal:
    """A state of its two halves."""
    if isinstance(y, Expression):
        return y, z
    return y.call("concat", z) if isinstance(y, Term) else namespace(y, z).concat([y, z], axis=-1)


def _block(place: tuple, matrix: Matrix) -> Signal:
    if isinstance(matrix, Term):
        return Term(matrix.log, f"kron({[list(row) for row in place]}, {matrix.text})")
    xp, nothing = namespace(matrix), 0 * matrix
    return xp.concat([xp.concat([matrix if here else nothing for here in row], axis=1)
                      for row in place], axis=0)
