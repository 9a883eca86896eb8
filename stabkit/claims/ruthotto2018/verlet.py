"""The Verlet scheme (10) for the Hamiltonian network, and its inverse."""

from __future__ import annotations

from itertools import product

from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.configurations import HALF
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.classes import AnyFlux, AnyOperator, AnyVector, ForExamples, OneOf, Positive
from stabkit.schemes import Chain, Reverse, SymmetricLayer, Verlet, halves, reverse
from stabkit.schemes.hamiltonian import joined
from stabkit.stability.notions import inner
from stabkit.stability.property import AllOf, Example, Identity
from stabkit.stability.verdict import REFUTED

STATES = tuple(product((0, 1, 2), repeat=2))


def verlet_network(pair, flux, delta, printed=False):
    """One step with the weights K₁ and K₂ of a text."""
    K, H = net.pair(pair)
    return Verlet(SymmetricLayer(K, flux), SymmetricLayer(H, flux), delta, printed)


@claim("eq. (10)", notion="order", weight="minor", expect=REFUTED,
       within=dict(delta=("1/2", "1/100"), state=STATES))
def verlet_discretises_the_hamiltonian_network(delta, state):
    """Scheme (10) as printed is consistent with ∂ₜY = −F_sym(θ₁, Z), ∂ₜZ = F_sym(θ₂, Y); here
    σ = id, K₁ = K₂ = 1: both quotients must be the right sides."""
    return _consistent(verlet_network("1 | 1", net.IDENTITY, delta, printed=True), state)


def _consistent(step, state):
    n, log = step.first.size, Transcript()
    x = log.give("x", state)
    moved = step(x)
    (y, z), (y1, z1) = halves(x, n), halves(moved, n)
    dY = log.define("dY", (y1 - y) / log.term("delta"))
    dZ = log.define("dZ", (z1 - z) / log.term("delta"))
    return net.show(
        log, [dY.equals(-step.first(z)), dZ.equals(step.second(y1))],
        "the step moves Y by δ times −F(θ₁, Z) and Z by δ times F(θ₂, Y) at the new Y; as the new "
        "Y differs from Y by O(δ), this is consistent, of at least first order for Lipschitz F",
        necessary=True)


@claim("eq. (10)", notion="order", weight="minor",
       within=dict(K=(net.TALL,), H=(net.weights([[2, 1], [1, "1/2"]], "H"),), pair=net.PAIRS,
                   flux=tuple(flux for flux in net.RATIONAL if flux is not net.CUBIC),
                   delta=("1/3", "2"), y=(1,), z=(2,), a=(3,), b=(4,), p=(5,), q=(6,)),
       for_all=dict(K=AnyOperator(), H=AnyOperator("N", "P"), pair=ForExamples(),
                    flux=AnyFlux(slopes=("-L", "L")), delta=Positive(),
                    **dict.fromkeys("yzabpq", AnyVector())))
def verlet_discretises_the_hamiltonian_network_corrected(
        K, H, pair, flux, delta, y, z, a, b, p, q):
    """Y⁺ = Y − δF_sym(θ₁, Z), Z⁺ = Z + δF_sym(θ₂, Y⁺) is consistent with the Hamiltonian network
    (at least first order, σ and the weights Lipschitz); for N = id and differentiable σ each step
    is symplectic.

    For all: what the step adds, and that its derivative keeps a·q − b·p for any two directions
    (a, b) and (p, q)."""
    step = Verlet(SymmetricLayer(K, flux), SymmetricLayer(H, flux), delta)
    given = {name: net.signal(K, x) for name, x in dict(y=y, z=z, a=a, b=b, p=p, q=q).items()}
    by = "a step from (y, z)"
    return AllOf([
        Identity(lambda y, z: _halves_after(step, y, z)[0] - y,
                 lambda y, z: -(net.number(delta) * step.first(z)),
                 {name: given[name] for name in "yz"}, by),
        Identity(lambda y, z: _halves_after(step, y, z)[1] - z,
                 lambda y, z: net.number(delta) * step.second(_halves_after(step, y, z)[0]),
                 {name: given[name] for name in "yz"}, by),
        Identity(lambda y, z, a, b, p, q: area(derivative_along(step, y, z, a, b),
                                               derivative_along(step, y, z, p, q)),
                 lambda y, z, a, b, p, q: area((a, b), (p, q)), given, "the derivative of a step"),
        Example(lambda: _discretises(verlet_network(pair, flux, delta)))])


def _halves_after(step, y, z):
    return halves(step.step(joined(y, z)), step.first.size)


def area(one, other):
    """The symplectic form of two directions."""
    return inner(one[0], other[1]) - inner(one[1], other[0])


def derivative_along(step, y, z, a, b):
    """Where the derivative of a step at (y, z) takes the direction (a, b)."""
    delta, (after, _) = net.number(step.tau), _halves_after(step, y, z)
    a = a - delta * (step.first.jacobian(z) @ b)
    return a, b + delta * (step.second.jacobian(after) @ a)


def _discretises(step):
    return AllOf([_consistent(step, net.state(step.size, 1)), _symplectic(step)])


def _symplectic(step):
    n, log = step.first.size, Transcript()
    V = step.jacobian(log.give("x", net.state(2 * n, 1))).text
    log.define("Omega", log.term(f"kron([[0, 1], [-1, 0]], I({n}))"))
    names = [left for left, _ in log.let if left.startswith("J")]
    shows = [f"{V}.T @ Omega @ {V} == Omega", *(f"{J} == {J}.T" for J in names)]
    return net.show(
        log, shows, "V, the derivative of a step, is the product of two shears with symmetric "
                    "blocks J, and each such shear is symplectic", necessary=True)


@claim("after eq. (10)", weight="minor", expect=REFUTED, within=dict(state=STATES))
def verlet_inverse(state):
    """Z_j = Z_{j+1} + δF_sym(θ₂, Y_{j+1}), Y_j = Y_{j+1} − δF_sym(θ₁, Y_{j+1}), as printed, inverts
    (10); here σ = id, K₁ = K₂ = 1, δ = 1/2."""
    return _inverts(verlet_network("1 | 1", net.IDENTITY, HALF, printed=True), state, printed=True)


def _inverts(step, state, printed):
    back = Reverse(step, printed=printed)
    return Identity(lambda x: back(step(x)), lambda x: x, dict(x=state),
                    "one step and its inverse")


@claim("after eq. (10)", weight="minor",
       within=dict(K=(net.TALL,), H=(net.weights([[2, 1], [1, "1/2"]], "H"),), b=(7,), d=(8,),
                   flux=net.RATIONAL, delta=("2/3",), y=(1,), z=(2,), printed=(True, False),
                   pair=net.PAIRS[1:3], depth=(2,)),
       for_all=dict(K=AnyOperator(), H=AnyOperator("N", "P"), b=AnyVector("M"), d=AnyVector("P"),
                    flux=AnyFlux(), delta=Positive(), y=AnyVector(), z=AnyVector(),
                    printed=OneOf(True, False), pair=ForExamples(), depth=ForExamples()))
def verlet_inverse_corrected(K, H, b, d, flux, delta, y, z, printed, pair, depth):
    """With Y_j = Y_{j+1} − δF_sym(θ₁, Z_j), Z_j as just recovered, (10) is inverted exactly for
    every F_sym, δ and weights; (Y_N, Z_N) alone suffices.

    For all: one layer, with the signs of (10) as printed or not, and so any number of them, last
    one first.  Beside it, the weights are doubled after each step."""
    step = Verlet(SymmetricLayer(K, flux, bias=net.signal(K, b, inside=True)),
                  SymmetricLayer(H, flux, bias=net.signal(H, d, inside=True)), delta, printed)
    return AllOf([*both_return(step, net.signal(K, y), net.signal(K, z), K.shape[1]),
                  Example(lambda: _chain_is_inverted(pair, flux, printed, depth))])


def both_return(step, y, z, n):
    """The halves of a state, of n entries each, after a step and its inverse."""
    def again(y, z):
        return halves(Reverse(step).step(step.step(joined(y, z))), n)

    given, by = dict(y=y, z=z), "one step and its inverse"
    return [Identity(lambda y, z: again(y, z)[0], lambda y, z: y, given, by),
            Identity(lambda y, z: again(y, z)[1], lambda y, z: z, given, by)]


def _chain_is_inverted(pair, flux, printed, depth, backwards="2/3"):
    """Steps of size 2/3, and back with a step size of its own."""
    K, H = net.pair(pair)

    def steps(delta):
        return Chain([Verlet(SymmetricLayer(2**j * K, flux), SymmetricLayer(2**j * H, flux), delta,
                             printed) for j in range(depth)])

    network, back = steps("2/3"), reverse(steps(backwards))
    return Identity(lambda x: back(network(x)), lambda x: x,
                    dict(x=net.state(network.size, 5)),
                    "each half step adds a function of the other half, which is known: it is "
                    "subtracted again")
