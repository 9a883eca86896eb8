"""Forward Euler for the parabolic network, its step sizes, and its energy (Sections 3.1, 4, 1)."""

from __future__ import annotations

from fractions import Fraction
from itertools import count, product

import numpy as np

from stabkit.arithmetic.rational import fractions, is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.claims.ruthotto2018.layers import jacobian_is
from stabkit.classes import (
    AnyFlux,
    AnyNumberOf,
    AnyOperator,
    AnySymmetric,
    AnyVector,
    ForExamples,
    Such,
    UpTo,
)
from stabkit.operators import difference, stable_step
from stabkit.schemes import Chain, Explicit, ForwardEuler, Linear, SymmetricLayer
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, inner, squared_norm
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    Either,
    Example,
    FaceWithin,
    Identity,
    Stable,
)
from stabkit.stability.verdict import REFUTED

CRITERION = "the discrete forward propagation of a given example y₀ is stable if"


def _trajectory(layers, delta, start):
    """The steps with the states they start from."""
    y, steps = fractions(start), []
    for layer in layers:
        steps.append((ForwardEuler(layer, delta), y))
        y = steps[-1][0](y)
    return steps


def _meets_criterion(layers, delta, start):
    one = np.eye(len(start), dtype=int)
    return all(is_psd(one + S) and is_psd(one - S) for S in
               (step.jacobian(y) for step, y in _trajectory(layers, delta, start)))


#: Symmetric matrices with their eigenvalues in [−1, 1], one after the other.
FACTORS = (tuple(dict(matrix=net.weights(rows)) for rows in (
    [[1, 0], [0, -1]], [["3/5", "4/5"], ["4/5", "-3/5"]], [["1/2", "1/2"], ["1/2", "0"]])),)


@claim("Section 3.1 (forward Euler)", notion="contraction",
       within=dict(factors=FACTORS, K=(net.TALL,), y=(1,), v=(2,), w=(3,),
                   flux=(net.IDENTITY, net.SOFTSIGN, net.RELU, net.CLIP), depth=(1, 2, 3),
                   seed=(1, 2)),
       for_all=dict(factors=AnyNumberOf(matrix=AnySymmetric(-1, 1)), K=AnyOperator(), y=AnyVector(),
                    v=AnyVector(), w=AnyVector(), flux=AnyFlux(slopes=(0, "L")),
                    depth=ForExamples(), seed=ForExamples()))
def euler_criterion_bounds_the_derivative(factors, K, y, v, w, flux, depth, seed):
    """For N = id, σ differentiable and nondecreasing and weights that change with j: if
    maxᵢ|1 + δλᵢ(J(t_j))| <= 1 for all j along the trajectory of y₀, then ‖∂Y_N/∂Y₀‖ <= 1 there;
    beside it δ is the first of 1, 1/2, 1/4, … that meets the criterion.

    For all: the factors S = 1 + δJ of the chain rule are symmetric, so the criterion says that
    −1 <= S <= 1, and no number of such S enlarges a vector."""
    symmetric = jacobian_is(K, flux, y, v, w)[0]
    return AllOf([symmetric, Stable(Chain.of(Linear, factors), EUCLIDEAN),
                  Example(lambda: _along_a_trajectory(flux, depth, seed))])


def _along_a_trajectory(flux, depth, seed):
    layers, start = _changing_layers(flux, depth, seed), net.state(2, seed)
    delta = next(Fraction(1, 2**k) for k in count()
                 if _meets_criterion(layers, Fraction(1, 2**k), start))
    return _derivative_is_bounded(layers, start, delta)


def _changing_layers(flux, depth, seed):
    return [SymmetricLayer(net.weights(fractions(net.state(6, seed + 7 * j)).reshape(3, 2)), flux)
            for j in range(depth)]


def _derivative_is_bounded(layers, start, delta, bound=1):
    """‖∂Y_N/∂Y₀‖ <= bound, by the criterion along the trajectory; or it is larger."""
    log, shows, total = Transcript(), [], ""
    y, one = log.give("y", start), "I(2)"
    for layer in layers:
        step = ForwardEuler(layer, delta)
        S = step.jacobian(y).text
        shows += [f"psd({one} + {S}) and psd({one} - {S})",
                  f"2 * ({one} - {S} @ {S}) == ({one} + {S}) @ ({one} - {S}) @ ({one} + {S}) + "
                  f"({one} - {S}) @ ({one} + {S}) @ ({one} - {S})"]
        total = f"{S} @ {total}" if total else S
        y = step(y)
    log.define("P", log.term(total))
    log.give("bound", bound)
    return AllOf([
        net.show(log, [*shows, "bound >= 1"],
                  "S is symmetric, so the criterion says −I <= S <= I; the identity gives "
                  "S² <= I, so each factor of the chain rule has norm <= 1, and so has P"),
        net.show(log, [f"psd(bound**2 * {one} - P.T @ P)"], "P is the derivative of Y_N by Y₀",
                  necessary=True)])


@claim("Section 3.1", notion="contraction", quote=CRITERION, expect=REFUTED,
       within=dict(flux=(net.IDENTITY, net.SOFTSIGN, net.CUBIC), delta=(1, 2), other=(1, 2, 3)))
def euler_criterion_bounds_finite_perturbations(flux, delta, other):
    """Under the same hypotheses (the criterion holds along the trajectory of y₀),
    ‖Y_j − Ỹ_j‖ <= ‖Y₀ − Ỹ₀‖ for all j and every other start Ỹ₀; here K = 1 and y₀ = 0, which
    rests."""
    step, log = ForwardEuler(SymmetricLayer(net.SCALAR, flux), delta), Transcript()
    y, w = log.give("y", [0]), log.give("w", [other])
    after, moved = step(y).text, step(w).text
    S = step.jacobian(y).text
    return Either(Stable(Explicit(net.SCALAR, flux, delta), CONTRACTION), net.show(
        log, [f"{after} == y", f"abs({S}) <= 1", f"norm2({moved} - {after}) > norm2(w - y)"],
        "y rests, so the criterion at y is the criterion along its whole trajectory; one step "
        "carries w farther away"))


@claim("derived (Section 3.1)", notion="contraction",
       within=dict(K=net.ANY_K, flux=(*net.LIPSCHITZ, net.RELU, net.CLIP, net.LEAKY),
                   share=(HALF, ONE)),
       beyond=dict(K=(net.SCALAR,), flux=net.LIPSCHITZ[:1], share=BEYOND),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=(0, "L")), share=UpTo(1)))
def euler_criterion_bounds_finite_perturbations_corrected(K, flux, share):
    """If the criterion holds at every state (σ nondecreasing with Lipschitz constant L, N = id,
    δ <= 2/(L‖K‖²)), then ‖Y_j − Ỹ_j‖ <= ‖Y₀ − Ỹ₀‖ for all j and all starts; a bias inside only
    shifts σ.  Here δ = share · 2/(L‖K‖²)."""
    return Stable(Explicit(K, flux, stable_step(K, flux.facts.lipschitz, share)), CONTRACTION)


@claim("Section 3.1, there is an appropriate δ", notion="spectrum", expect=REFUTED,
       within=dict(flux=(net.IDENTITY, net.SOFTSIGN, net.CUBIC)))
def a_stable_step_size_exists(flux):
    """For every nondecreasing differentiable σ and every K some δ > 0 has
    maxᵢ|1 + δλᵢ(J)| <= 1 at every state; here K = 1."""
    log, L = Transcript(), flux.facts.lipschitz or Fraction(1)
    slope = flux.slope(log.give("m", [1, 10, 1000])).text
    return Either(FaceWithin(flux, "slope", Fraction(0), L), net.show(
        log, [f"{slope} > 0", f"{slope} == m**2 * {slope.split('(')[0]}(1)"],
        "the slope at the state m is m² times a positive number, so every δ > 0 has 1 + δλ < −1 at "
        "some m.  (If the slopes lie in [0, L], δ = 2/L will do for K = 1.)"))


@claim("Section 3.1", notion="spectrum",
       within=dict(K=(*net.ANY_K, difference(2, 5)), flux=net.LIPSCHITZ, delta=("1/100",), Y=(1,),
                   v=(2,), w=(3,), ratio=(HALF, ONE)),
       beyond=dict(K=(*net.ANY_K, difference(2, 5)), ratio=BEYOND),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=(0, "L")),
                    delta=Such(("2 - delta*L*c >= 0",), "> 0"), Y=AnyVector(), v=AnyVector(),
                    w=AnyVector(), ratio=ForExamples()))
def a_stable_step_size_exists_corrected(K, flux, delta, Y, v, w, ratio):
    """If σ is nondecreasing, differentiable and L-Lipschitz, N = id and K ≠ 0, every
    0 < δ <= 2/(L‖K‖²) has maxᵢ|1 + δλᵢ(J)| <= 1 at every state; here δ = ratio · 2/(L‖K‖²).

    For all: J is symmetric, and −2‖v‖² <= δ v·J v <= 0."""
    layer, delta = SymmetricLayer(K, flux), net.number(delta)
    given = dict(Y=net.signal(K, Y), v=net.signal(K, v))
    return AllOf([
        *jacobian_is(K, flux, Y, v, w),
        AtMost(lambda Y, v: -2 * squared_norm(v),
               lambda Y, v: delta * inner(v, layer.jacobian(Y) @ v), given, "the lower end"),
        Example(lambda: _spectrum_within(K, flux, ratio))])


def _spectrum_within(K, flux, ratio):
    L, n, log = flux.facts.lipschitz, K.shape[1], Transcript()
    step = ForwardEuler(SymmetricLayer(K, flux), stable_step(K, L, ratio))
    S = step.jacobian(log.give("Y", [0] * n)).text
    log.give("L", L)
    one, K = f"I({n})", log.give_once(K, "K", K.exact).text
    return AllOf([
        Either(FaceWithin(flux, "slope", Fraction(0), L)),
        net.show(log, [f"psd(2 * {one} - delta * L * ({K}.T @ {K}))",
                        *net.rank_one_parts(step.layer.K, K)],
                  "0 <= −J = Σ σ′ k_i k_i' <= L K'K, so −I <= I + δJ <= I at every state"),
        net.show(log, [f"psd({one} + {S}) and psd({one} - {S})"],
                  "S = I + δJ at Y = 0 is symmetric: its eigenvalues lie in [−1, 1] exactly if "
                  "both are positive semidefinite", necessary=True)])


BOXES = tuple(";".join(" ".join(entries[i * n:(i + 1) * n]) for i in range(m))
              for m, n in ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (2, 2), (3, 3))
              for entries in (product("01", repeat=m * n) if m * n < 5 else ("1" * m * n,)))


@claim("end of Sections 3.1 and 4 (−1 <= θ <= 1, δ = 1)", notion="spectrum", expect=REFUTED,
       within=dict(K=BOXES))
def box_constraint_gives_stability(K):
    """If all weights lie in [−1, 1], δ = 1 and σ = id or ReLU, then maxᵢ|1 + δλᵢ(J)| <= 1 at every
    state; here σ = id, matrices of zeros and ones."""
    K = net.weights([row.split() for row in K.split(";")])
    step, log = ForwardEuler(SymmetricLayer(K, net.IDENTITY), 1), Transcript()
    S, n = step.jacobian(log.give("Y", [0] * K.shape[1])).text, K.shape[1]
    return net.show(log, [f"psd(I({n}) + {S}) and psd(I({n}) - {S})"],
                     "K lies in the box; the symmetric S = I + δJ has its eigenvalues in [−1, 1] "
                     "exactly if both are positive semidefinite", necessary=True)


@claim("end of Section 4", notion="spectrum",
       within=dict(padding=("periodic", "zero"), size=(3, 4),
                   channels=((1, 1), (2, 1), (1, 2)), ratio=(ONE,)),
       beyond=dict(padding=("periodic",), size=(3,), ratio=BEYOND))
def box_constraint_gives_stability_corrected(padding, size, channels, ratio):
    """For σ nondecreasing and 1-Lipschitz, 3×3 stencils with periodic or zero padding from c_in to
    c_out channels and δ = 1: if |θ| <= √2/(9 √(c_in c_out)) for all weights, then
    maxᵢ|1 + δλᵢ(J)| <= 1 at every state where J exists; here |θ| <= ratio times that bound."""
    return _small_stencils(padding, size, channels, 2 * ratio**2 / (81 * channels[0] * channels[1]))


def _small_stencils(padding, size, channels, square):
    """Weights of at most √square in size, by Schur's bound; or K with this in every stencil."""
    neighbours = [[int((i - j) % size in (0, 1, size - 1) if padding == "periodic" else
                       abs(i - j) <= 1) for j in range(size)] for i in range(size)]
    c_in, c_out = channels
    total = size * size
    given = dict(T=neighbours, cin=c_in, cout=c_out, square=square)
    let = [("N", f"kron(outer(ones({c_out}), ones({c_in})), kron(T, T))"),
           ("y", f"ones({c_in * total})")]
    return AllOf([
        Calculation(given, let, [
            f"N @ y <= 9 * cin and N.T @ ones({c_out * total}) <= 9 * cout",
            "square * (9 * cin) * (9 * cout) <= 2"],
            "N is the matrix of the stencil of ones; |K| <= t N entry by entry with t² = square, "
            "so ‖K‖² is at most t² times the largest row sum times the largest column sum "
            "(Schur), and −2 <= λ(J) <= 0"),
        Calculation(given, let, ["y @ y - square * norm2(N @ y) >= -(y @ y)"],
                    "y·(I + J)y >= −|y|² for K = t N, σ = id, J = −K'K and constant signals y",
                    necessary=True)])


@claim("Section 4, since δ can be absorbed in K", weight="minor", expect=REFUTED,
       within=dict(flux=(net.IDENTITY, net.RELU, net.CLIP), root=("1", "2"),
                   y=("1", "-1", "2", "1/2")))
def step_size_can_be_absorbed(flux, root, y):
    """For every σ and K and δ > 0: −δKᵀσ(K y) = −(√δK)ᵀσ(√δK y) for all y; here K = 1."""
    return _absorb_step(net.SCALAR, flux, root, [y])


def _absorb_step(K, flux, root, y):
    """−δKᵀσ(K y) and −(√δK)ᵀσ(√δK y), with both matrices in it."""
    root = Fraction(root)
    whole, inner = SymmetricLayer(K, flux), SymmetricLayer(root * K, flux)
    log = Transcript()
    y = log.give("y", y)
    root = log.give("root", root)
    inside = log.define("inside", root * (K @ y))
    scaled = -(root * (K.T @ flux(inside)))
    log.define("left", root * root * whole(y))
    log.define("right", scaled)
    log.define("absorbed", inner(y))
    return net.show(log, ["left == right", "absorbed == right"],
                     "root = √δ; the outer √δK is its own adjoint's partner, only σ can differ",
                     necessary=True)


@claim("Section 4", weight="minor",
       within=dict(K=net.ANY_K[:4], flux=(net.IDENTITY, net.RELU, net.LEAKY),
                   root=("2", "2/3", "1/5")),
       beyond=dict(K=(net.SCALAR,), flux=(net.CLIP,), root=("2",)))
def step_size_can_be_absorbed_corrected(K, flux, root):
    """If N = id and σ is positively homogeneous (id, ReLU, leaky ReLU), then −δKᵀσ(K y) =
    −(√δK)ᵀσ(√δK y) for all K, y and δ > 0."""
    homogeneous = Calculation(
        dict(t=[Fraction(root), 3, "1/7"]), [("phi(x)", _text(flux))],
        ["phi(t) == t * phi(1)", "phi(-t) == t * phi(-1)", "phi(0) == 0"],
        "σ is linear on each side of 0, so it is positively homogeneous", necessary=True)
    return AllOf([homogeneous, _absorb_step(K, flux, root, net.state(K.shape[1], 3))])


def _text(flux):
    log = Transcript()
    flux(log.term("x"))
    return log.let[0][1]


@claim("Section 1", notion="energy", weight="minor", expect=REFUTED,
       quote="parabolic networks that smooth the image data, reducing the energy",
       within=dict(flux=(net.IDENTITY, net.RELU), bias=("0", "1"),
                   y=("0", "1", "-1", "1/2", "-1/2")))
def parabolic_network_reduces_the_energy(flux, bias, y):
    """For nondecreasing σ with bias, d/dt ‖Y‖² = 2 Y·F_sym(Y) <= 0 along (8); here K = 1."""
    layer = SymmetricLayer(net.SCALAR, flux, bias=[bias])
    return AtMost(lambda y: 2 * y * layer(y), lambda y: 0, dict(y=[y]), "d/dt y² = 2 y F(y)")


@claim("Section 1", notion="energy", weight="minor",
       quote="parabolic networks that smooth the image data, reducing the energy",
       within=dict(K=net.ANY_K[:4], b=(3,), Y=(2,), flux=tuple(
           flux for flux in net.MONOTONE if flux is not net.CUBIC)),
       for_all=dict(K=AnyOperator(), b=AnyVector("M"), flux=AnyFlux(diffusivities=(0, None)),
                    Y=AnyVector()))
def parabolic_network_reduces_the_energy_corrected(K, b, flux, Y):
    """Without bias and with x σ(x) >= 0 for all x: d/dt ‖Y‖² <= 0 along (8).  With constant K and b
    and continuous σ = s′ the potential Σᵢ s((K Y + b)ᵢ) does not grow.

    For all: Y·F(Y) <= 0, half the derivative of ‖Y‖², and with a bias σ(K Y + b)·K F(Y) = −‖F(Y)‖²,
    the derivative of the potential by the chain rule."""
    plain = SymmetricLayer(K, flux)
    biased = SymmetricLayer(K, flux, bias=net.signal(K, b, inside=True))
    given = dict(Y=net.signal(K, Y))
    return AllOf([
        AtMost(lambda Y: inner(Y, plain(Y)), lambda Y: 0, given, "half the derivative of |Y|²"),
        Identity(lambda Y: inner(flux(biased.preactivation(Y)), K @ biased(Y)),
                 lambda Y: -squared_norm(biased(Y)), given, "the derivative of the potential"),
        Example(lambda: _reduces_the_energy(K, flux))])


def _reduces_the_energy(K, flux):
    log = Transcript()
    log.give_once(K, "K", K.exact)
    log.give("q", net.state(K.shape[0], 1))
    log.give("Y", net.state(K.shape[1], 2))
    everywhere = AllOf([FaceWithin(flux, "diffusivity", Fraction(0), None), net.show(
        log, ["Y @ -(K.T @ q) == -((K @ Y) @ q)", "q @ (K @ -(K.T @ q)) == -norm2(K.T @ q)"],
        "q stands for the activations: d/dt |Y|²/2 = −(K Y)·σ(K Y), a sum of terms −x σ(x) = "
        "−g(x) x² <= 0; and the potential has the derivative σ·(K dY/dt) = −|K'σ|² by the chain "
        "rule")])
    here, bias = Transcript(), net.state(K.shape[0], 3)
    Y = here.give("Y", net.state(K.shape[1], 2))
    here.define("F", SymmetricLayer(K, flux)(Y))
    biased = SymmetricLayer(K, flux, bias=bias)
    here.define("G", biased(Y))
    here.define("q", flux(biased.preactivation(Y)))
    return net.at_a_state(everywhere, here, [
        "Y @ F <= 0", f"q @ ({here.give_once(K, 'K', K.exact).text} @ G) <= 0"],
        "the derivatives of |Y|²/2 and of the potential with a bias, at Y",
        exact=not flux.transcendental)
