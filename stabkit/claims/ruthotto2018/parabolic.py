"""The parabolic network in continuous time: Theorem 1 and its extensions."""

from __future__ import annotations

from fractions import Fraction

from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.related_classes import AnyScaling
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.classes import AnyFlux, AnyOperator, AnyVector
from stabkit.schemes import SymmetricLayer, TotalVariation
from stabkit.stability.notions import inner
from stabkit.stability.property import AllOf, AtMost, Either, Example, FaceWithin
from stabkit.stability.verdict import REFUTED

#: The cubic declares no bound of its slopes.
MONOTONE = tuple(flux for flux in net.MONOTONE if flux is not net.CUBIC)
EXTENDS = "extends straightforwardly to the general case"


def _monotone(K, flux, scale, bias, seed):
    """(F(Y) − F(W))·(Y − W) <= 0, from products of equal sign; or not so at one pair."""
    layer = SymmetricLayer(K, flux, scale=scale, bias=bias)
    log, shows = Transcript(), ["(K.T @ q) @ w == q @ (K @ w)"]
    log.give_once(K, "K", K.exact)
    if scale is not None:
        shows.append("s >= 0")
        log.give_once((layer, "scale"), "s", lambda: layer.scale)
    log.give("q", net.state(K.shape[0], seed))
    log.give("w", net.state(K.shape[1], seed + 1))
    everywhere = AllOf([FaceWithin(flux, "slope", Fraction(0), None), net.show(
        log, shows, "with q the difference of the activations and w = Y − W: d/dt |w|² = "
                    "−2 q'(K w), a sum of products of equal sign because x -> σ(s x + b) is "
                    "nondecreasing; so |w| does not grow, whatever K(t) is")])
    here = Transcript()
    start = net.state(K.shape[1], seed + 2)
    Y, W = here.give("Y", start), here.give("W", [-x for x in start])
    here.define("F", layer(Y))
    here.define("G", layer(W))
    return net.at_a_state(everywhere, here, ["(F - G) @ (Y - W) <= 0"],
                          "the product is half the derivative of |Y − W|² for the solutions from "
                          "Y and W", exact=not flux.transcendental)


@claim("Theorem 1 with the proof's N = id", notion="contraction",
       within=dict(K=net.ANY_K[:4], flux=MONOTONE, bias=(8,), Y=(3,), W=(5,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=(0, None)), bias=AnyVector("M"),
                    Y=AnyVector(), W=AnyVector()))
def parabolic_network_is_stable(K, flux, bias, Y, W):
    """If σ is nondecreasing (a bias inside is allowed) and K(t) is bounded and measurable, then for
    every T any two solutions of (8) satisfy ‖Y(T) − Ỹ(T)‖ <= ‖Y(0) − Ỹ(0)‖: M = 1 in (6).

    Shown is (F(Y) − F(Ỹ))·(Y − Ỹ) <= 0, half the derivative of ‖Y − Ỹ‖²."""
    layer = SymmetricLayer(K, flux, bias=net.signal(K, bias, inside=True))
    return AtMost(lambda Y, W: inner(layer(Y) - layer(W), Y - W), lambda Y, W: 0,
                  dict(Y=net.signal(K, Y), W=net.signal(K, W)),
                  "half the derivative of |Y - W|^2 for the solutions from Y and W")


@claim('end of Proof 1, "extends straightforwardly"', notion="uniform", quote=EXTENDS,
       expect=REFUTED, within=dict(k=(1, 2), scale=("0", "1", "-1"), bias=("0", "1")))
def stability_extends_to_scaling_and_bias(k, scale, bias):
    """For nondecreasing σ and N(z) = s⊙z + b with any fixed s and b, (8) is stable in the sense of
    (6); here n = 1, K = k and σ = id."""
    layer = SymmetricLayer(net.weights([[k]]), net.IDENTITY, scale=[scale], bias=[bias])
    log = Transcript()
    log.define("rate", layer(log.give("Y", [1])) - layer(log.give("W", [0])))
    return net.show(log, ["rate <= 0"],
                     "the difference of two solutions is e(T) = exp(rate T) e(0): bounded by "
                     "M e(0) for all T exactly if rate <= 0", necessary=True)


@claim("derived (end of Proof 1)", notion="uniform",
       within=dict(K=net.ANY_K[:4], flux=MONOTONE, sign=(1,), bias=(9,), Y=(3,), W=(5,)),
       beyond=dict(K=(net.SCALAR,), flux=(net.IDENTITY,), sign=(-1,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=(0, None)), sign=AnyScaling(),
                    bias=AnyVector("M"), Y=AnyVector(), W=AnyVector()))
def stability_extends_to_scaling_and_bias_corrected(K, flux, sign, bias, Y, W):
    """If s >= 0 (s, b and K may change with time), then for nondecreasing σ and N(z) = s⊙z + b any
    two solutions of (8) satisfy ‖Y(T) − Ỹ(T)‖ <= ‖Y(0) − Ỹ(0)‖.

    Shown is (F(Y) − F(Ỹ))·(Y − Ỹ) <= 0, half the derivative of ‖Y − Ỹ‖², which therefore does not
    grow."""
    scale, b = net.scale(K, sign), net.signal(K, bias, inside=True)
    layer = SymmetricLayer(K, flux, scale=scale, bias=b)
    return AllOf([
        AtMost(lambda Y, W: inner(layer(Y) - layer(W), Y - W), lambda Y, W: 0,
               dict(Y=net.signal(K, Y), W=net.signal(K, W)),
               "half the derivative of |Y - W|^2 for the solutions from Y and W"),
        Example(lambda: _monotone(K, flux, scale, b, 2))])


@claim("end of Proof 1 with eq. (9) and Section 5", notion="uniform", quote=EXTENDS,
       expect=REFUTED, within=dict(m=net.LOWER_TRIANGLES, u=net.TWO_CHANNELS))
def stability_extends_to_tv_normalisation(m, u):
    """For σ = ReLU and N(z) = N_tv(z) + b (constant weights, ε > 0), (8) is stable in the sense of
    (6).

    Decided for one pixel with two channels, K = [[1, 0], [−m, 1]]: the bias b = (−N_tv(u)₁, −1)
    makes K Y = u a rest point and closes the second channel; it must not repel on a side."""
    K, eps = net.triangle(m), net.eps_for(u)
    y = net.before(K, u)
    r = 1 + max(x for x in range(100) if x * x <= u[0] ** 2 + u[1] ** 2)
    layer = SymmetricLayer(K, net.RELU, TotalVariation(eps, 2), bias=[Fraction(-u[0], r), -1])
    # N₁ > u₁/r at (x, Y₂), x > 0, exactly where this quadratic is positive; one root is Y₁.
    p = [-u[0] ** 2 * (y[1] ** 2 + eps), 2 * u[0] ** 2 * m * y[1], r**2 - u[0] ** 2 * (1 + m**2)]
    other = p[0] / (p[2] * y[0])
    log = Transcript()
    log.define("F", layer(log.give("Y", y)))
    log.give("p", p)
    log.let.append(["gap(x)", "(r * x)**2 - u[0]**2 * (x**2 + (K[1, 0] * x + Y[1])**2 + eps)"])
    shows = ["F == 0", "u[0] > 0",
             "gap(0) == polyval(p, 0) and gap(1) == polyval(p, 1) and gap(2) == polyval(p, 2)"]
    log.give("rest", other)
    return Either(net.show(
        log, [*shows, "nonneg_on(-p, 0, Y[0])"],
        "below Y₁ nothing moves, from above the solution falls towards Y₁"), net.show(
        log, [*shows, "0 < rest and rest < Y[0] and polyval(p, rest) == 0",
              "positive_on(p, rest, Y[0])"],
        "N₂ + b₂ < 0, so only y₁ moves: dy₁/dt = −max(N₁ + b₁, 0), and N₁ + b₁ > 0 where the gap "
        "is positive; Y rests, but from every start just below Y₁ the solution falls to `rest`: "
        "the difference grows from any η > 0 to Y₁ − rest, so there is no M"))


# States u, v = K Y, K W with |u|² + 1 and |v|² + 1 squares.
ROUND_PAIRS = (("3/4", "-4/3"), ("0", "3/4"), ("2, 2", "2, -2"), ("8, -4", "0, 0"),
               ("-4, 8", "2, 2"), ("4, 4, 4", "0, 2, -2"))


@claim("derived (end of Proof 1 with eq. (9))", notion="uniform",
       within=dict(pair=ROUND_PAIRS, seed=(1, 2)))
def stability_extends_to_tv_normalisation_corrected(pair, seed):
    """For N(z) = N_tv(z) + b, ε > 0, and σ = id with any number of channels, or any nondecreasing σ
    with one channel per pixel: any two solutions of (8) satisfy
    ‖Y(T) − Ỹ(T)‖ <= ‖Y(0) − Ỹ(0)‖.

    Shown is (F(Y) − F(Ỹ))·(Y − Ỹ) <= 0 at listed pairs of states, by an identity that holds for
    all; that ‖Y − Ỹ‖² does not grow where its derivative is not positive is calculus."""
    return _monotone_with_tv(pair, seed, net.RELU if "," not in pair[0] else net.IDENTITY)


def _monotone_with_tv(pair, seed, flux):
    u, v = ([Fraction(x) for x in text.split(",")] for text in pair)
    n, log = len(u), Transcript()
    entries = net.state(n * n, seed)
    K = net.weights([[entries[n * i + j] if j <= i else 0 for j in range(n)] for i in range(n)])
    layer = SymmetricLayer(K, flux, TotalVariation(1, n), bias=net.state(n, seed + 3))
    log.define("F", layer(log.give("Y", net.before(K, u))))
    log.define("G", layer(log.give("W", net.before(K, v))))
    log.define("gain", log.term("(F - G) @ (Y - W)"))
    square = "(r + r1) / 2 * (norm2(u / r - u1 / r1) + eps * (1 / r - 1 / r1)**2)"
    shows = [f"(u / r - u1 / r1) @ (u - u1) == {square}"]
    if n > 1:
        shows.append(f"gain == -({square})")
    return AllOf([
        net.show(log, shows, "(N(u) − N(v))·(u − v) is the stated square for all u and v (expand, "
                              "with r² = |u|² + ε); in one channel N is increasing"),
        net.show(log, ["gain <= 0"], "gain is half the derivative of |Y − W|²", necessary=True)])
