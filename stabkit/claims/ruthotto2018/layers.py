"""Residual layers, stencils, symmetric layers and their normalisation (Sections 1 and 2)."""

from __future__ import annotations

from fractions import Fraction
from math import factorial

import numpy as np

from stabkit.arithmetic.transcript import Term, Transcript
from stabkit.claims.claim import claim
from stabkit.claims.related_classes import AnyScaling
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.classes import AnyFlux, AnyOperator, AnyVector
from stabkit.operators import PERIODIC, REFLECTING, convolution, difference
from stabkit.schemes import ForwardEuler, ResidualBlock, SymmetricLayer, TotalVariation
from stabkit.stability.notions import inner
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    Example,
    FaceWithin,
    Identity,
)
from stabkit.stability.verdict import REFUTED

NONDECREASING = "for any non-decreasing activation function"
STENCIL = [["1/4", "-1/2", "-1"], ["1/2", "0", "2"], ["1/4", "1/2", "-1"]]


@claim("eqs (3), (5)", weight="minor", within=dict(flux=net.RATIONAL, rate=("1", "-1", "1/2")))
def resnet_is_forward_euler(flux, rate):
    """For every F, Y⁽ʲ⁺¹⁾ = Y⁽ʲ⁾ + F(θ⁽ʲ⁾, Y⁽ʲ⁾) is the forward Euler step of size 1 for
    ∂ₜY = F(θ(t), Y).  If F is Lipschitz in Y and t, n steps of size δ = T/n have the error O(δ)
    at time T."""
    return AllOf([_is_euler_step(flux, 1), Calculation(
        dict(a=rate, n=[1, 2, 4, 8, 16, 64, 256]),
        [("error(m)", "exp(a) - (1 + a / m)**m"), ("drift(m)", "1/2 - m * (m - 1) / 2 / m**2")],
        ["n * abs(error(n)) <= a**2 / 2 * exp(abs(a))", "n * drift(n) == 1/2"],
        "F(Y) = aY and F = t up to T = 1, with n steps: the errors are at most C/n, the second one "
        "exactly 1/(2n); for Lipschitz F a step errs by at most Cδ², and errors grow by at most "
        "1 + δL per step, so they add up to at most δC(exp(LT) − 1)/L")])


def _is_euler_step(flux, delta):
    """A residual block against the Euler step of size δ for F(Y) = −Kᵀσ(K Y + b)."""
    K, bias = net.TALL, net.state(3, 1)
    block = ResidualBlock(K, -1 * K.T, flux, bias)
    euler = ForwardEuler(SymmetricLayer(K, flux, bias=bias), delta)
    return Identity(block, euler, dict(u=net.state(2, 2)),
                    "the block adds F to its input, Euler's step δF; F is arbitrary: two "
                    "transcripts of one array expression")


@claim("Section 2.2", notion="order", expect=REFUTED, within=dict(degree=(0, 1, 2)))
def stencil_is_a_differential_operator(degree):
    """Let A(h) have the columns [1, 2, 1]/4, [−1, 0, 1]/(2h) and [−1, 2, −1]/h².  For fixed β the
    stencil θ = A(h)β, applied to smooth y, tends to β₁y + β₂∂ₓy + β₃∂ₓ²y as h → 0.

    Decided on y = xᵏ at x = 0, for each column of degree m >= k: the value is then h^(k−m) times
    the moment of the column for h = 1, which must be k! for m = k and 0 for m > k."""
    return _moments(STENCIL, degree)


def _moments(stencil, degree):
    powers = [Fraction(x) ** degree for x in (-1, 0, 1)]
    shows = [f"p @ A[:, {degree}] == {factorial(degree)}",
             *(f"p @ A[:, {column}] == 0" for column in range(degree + 1, 3))]
    return Calculation(dict(A=stencil, p=powers), [], shows,
                       f"p holds the values of x^{degree} at −1, 0, 1; the limits are derivatives "
                       "at 0", necessary=True)


@claim("Section 2.2", notion="order",
       within=dict(third=("printed", "opposite"), h=("1", "1/2", "2/3", "1/5", "1/10")))
def stencil_is_a_differential_operator_corrected(third, h):
    """For fixed β the stencil A(h)β tends to β₁ + β₂∂ₓ − β₃∂ₓ², with an error O(h²); with
    [1, −2, 1]/h² as third column to β₁ + β₂∂ₓ + β₃∂ₓ².  For a fixed stencil θ instead the limit is
    (θ₁ + θ₂ + θ₃) id."""
    return _second_order(third, -1 if third == "printed" else 1, h)


def _second_order(third, limit, h):
    """Is the stencil with this third column consistent of order 2 with `limit` ∂ₓ² in it?"""
    let = [("x", "[-h, 0, h]"),
           ("A", "[[1/4, -1 / (2 * h), side / h**2], [1/2, 0, -2 * side / h**2], "
                 "[1/4, 1 / (2 * h), side / h**2]]"),
           ("M", "[ones(3), x, x**2 / 2, x**3 / 6] @ A"), ("theta", "[3, -1/2, 5/7]")]
    return Calculation(
        dict(h=h, side=-1 if third == "printed" else 1, limit=limit), let,
        ["M[:, 0][0:2] == [1, 0]", "M[:, 1][0:3] == [0, 1, 0]", "M[:, 2] == [0, 0, limit, 0]",
         "theta @ ones(3) == sum(theta) and theta @ x == h * (theta[2] - theta[0])"],
        "M holds the coefficients of ∂ᵏ, row k, in Taylor's formula at 0; those of column m are "
        "numbers times h^(k − m), so in the limit those with k < m must vanish and k = m stays, "
        "and the error is O(h²) if k = m + 1 vanishes too.  The last line is a fixed θ, whose "
        "part in ∂ₓ is O(h)", necessary=True)


def _negative_semidefinite(K, flux, scale=None):
    """−J = Σ σ′(…)sᵢ kᵢkᵢᵀ with σ′ >= 0 and s >= 0; or J at one state is not so."""
    layer = SymmetricLayer(K, flux, scale=scale, bias=None if scale is None else
                           net.state(K.shape[0], 3))
    log = Transcript()
    log.give_once(K, K.label, K.exact)
    shows = net.rank_one_parts(K)
    if scale is not None:
        shows.insert(0, "s >= 0")
        log.give_once((layer, "scale"), "s", lambda: layer.scale)
    here = Transcript()
    layer.jacobian(here.give("Y", net.state(K.shape[1], 4)))
    everywhere = AllOf([FaceWithin(flux, "slope", Fraction(0), None), net.show(
        log, shows, "−J = K' diag(σ′ s) K is the sum of the nonnegative numbers σ′(…)s_i times "
                    "k_i k_i' over the rows k_i of K: positive semidefinite, at every state")])
    return net.at_a_state(everywhere, here, ["J == J.T", "psd(-J)"],
                          "the Jacobian of the layer at the state Y", exact=not flux.transcendental)


@claim("after eq. (7); Section 3.1", notion="spectrum", quote=NONDECREASING,
       within=dict(K=net.ANY_K, flux=net.LIPSCHITZ, Y=(1,), v=(2,), w=(3,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=(0, "L")), Y=AnyVector(), v=AnyVector(),
                    w=AnyVector()))
def symmetric_layer_jacobian_is_negative_semidefinite(K, flux, Y, v, w):
    """For N = id, σ differentiable and nondecreasing, every K and every Y, the Jacobian
    J = −Kᵀ diag(σ′(K Y)) K of F_sym is symmetric with real eigenvalues <= 0.

    For all, with any L above the slopes at Y: v·J w = w·J v and v·J v <= 0."""
    return AllOf([*jacobian_is(K, flux, Y, v, w), Example(lambda: _negative_semidefinite(K, flux))])


def jacobian_is(K, flux, Y, v, w, scale=None, bias=None):
    """Symmetric and negative semidefinite."""
    layer = SymmetricLayer(K, flux, scale=scale, bias=bias)
    given = dict(Y=net.signal(K, Y), v=net.signal(K, v), w=net.signal(K, w))

    def times(Y, v):
        return layer.jacobian(Y) @ v

    return [Identity(lambda Y, v, w: inner(v, times(Y, w)), lambda Y, v, w: inner(w, times(Y, v)),
                     given, "the Jacobian is symmetric"),
            AtMost(lambda Y, v, w: inner(v, times(Y, v)), lambda Y, v, w: 0, given,
                   "at the state Y along v")]


@claim("after eq. (7), for any nondecreasing activation", notion="spectrum", quote=NONDECREASING,
       expect=REFUTED, within=dict(flux=(net.IDENTITY, net.SOFTSIGN), bias=("0", "1"),
                                   scale=("0", "1", "-1")))
def symmetric_layer_jacobian_is_negative_semidefinite_with_scaling(flux, bias, scale):
    """For σ differentiable and nondecreasing, N(z) = s⊙z + b with any scaling s and bias b, every K
    and Y: all eigenvalues of the Jacobian of F_sym have real part <= 0; here K = 1, Y = 0."""
    layer, log = SymmetricLayer(net.SCALAR, flux, scale=[scale], bias=[bias]), Transcript()
    layer.jacobian(log.give("Y", [0]))
    return net.show(log, ["J[0, 0] <= 0"], "J is 1x1, its entry is its eigenvalue", necessary=True)


@claim("derived (after eq. (7))", notion="spectrum",
       within=dict(K=net.ANY_K, flux=net.LIPSCHITZ, sign=(1,), bias=(7,), Y=(1,), v=(2,), w=(3,)),
       beyond=dict(K=(net.SCALAR, net.TALL), flux=(net.IDENTITY,), sign=(-1,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=(0, None)), sign=AnyScaling(),
                    bias=AnyVector("M"), Y=AnyVector(), v=AnyVector(), w=AnyVector()))
def symmetric_layer_jacobian_is_negative_semidefinite_with_scaling_corrected(
        K, flux, sign, bias, Y, v, w):
    """If s >= 0, then for σ differentiable and nondecreasing, N(z) = s⊙z + b, every K and Y the
    Jacobian of F_sym is symmetric with eigenvalues <= 0; here one entry of s is 0 if there are
    several.

    For all, with any L above the slopes of x ↦ σ(s x + b) at Y: v·J w = w·J v and v·J v <= 0."""
    scale, b = net.scale(K, sign), net.signal(K, bias, inside=True)
    return AllOf([*jacobian_is(K, flux, Y, v, w, scale, b),
                  Example(lambda: _negative_semidefinite(K, flux, scale))])


@claim("eqs (7), (9)", notion="spectrum", expect=REFUTED,
       within=dict(m=net.LOWER_TRIANGLES, u=net.TWO_CHANNELS))
def symmetric_layer_jacobian_is_negative_semidefinite_with_tv_normalisation(m, u):
    """For N = N_tv, ε > 0, σ = ReLU, no scaling or bias, every K and Y: where the Jacobian J of
    F_sym exists, all its eigenvalues have real part <= 0.

    Decided for one pixel with two channels, K = [[1, 0], [−m, 1]] and K Y = u."""
    K = net.triangle(m)
    layer, log = SymmetricLayer(K, net.RELU, TotalVariation(net.eps_for(u), 2)), Transcript()
    layer.jacobian(log.give("Y", net.before(K, u)))
    return net.show(log, ["trace(J) <= 0", "det(J) >= 0"],
                 "λ² − trace(J)λ + det(J) = 0 has both roots in Re λ <= 0 exactly if trace(J) <= 0 "
                 "and det(J) >= 0; no entry of u is at the kink of ReLU", necessary=True)


# States whose pixels have rational lengths for ε = 1, and the number of their channels.
ROUND = {"3/4": 1, "2, 2": 2, "8, -4": 2, "4, 4, 4": 3, "2, 8, 2, 4": 2, "0, 2, 2, 0, -2, 2": 3}


def _round(text):
    return [Fraction(x) for x in text.split(",")], ROUND[text]


def _triangular(n, seed):
    entries = net.state(n * n, seed)
    return net.weights([[entries[n * i + j] if j < i else int(i == j) for j in range(n)]
                        for i in range(n)])


@claim("derived (eqs (7), (9))", notion="spectrum", within=dict(u=tuple(ROUND), seed=(1, 2)))
def symmetric_layer_jacobian_is_negative_semidefinite_with_tv_normalisation_corrected(u, seed):
    """For N = N_tv and σ = id, any number of channels, every K and Y: the Jacobian −KᵀN_tv′K of
    F_sym is symmetric with eigenvalues <= 0; N_tv′ has the eigenvalues 1/r and ε/r³ > 0,
    r = √(|u_p|² + ε).  Here K is triangular and K Y = u."""
    return _symmetric_with_tv(u, seed, net.IDENTITY)


def _symmetric_with_tv(u, seed, flux):
    u, channels = _round(u)
    n, log = len(u), Transcript()
    K = _triangular(n, seed)
    layer = SymmetricLayer(K, flux, TotalVariation(1, channels))
    layer.jacobian(log.give("Y", net.before(K, u)))
    shows = ["pd(N)", "J == J.T", "psd(-J)"]
    if n == channels:
        shows += ["N @ u == eps / r**3 * u", f"rank(r * N - I({n})) <= 1"]
    return net.show(log, shows, "per pixel r³N' = r²I − uu' = εI + (|u|²I − uu'), and |u|²|v|² >= "
                             "(u'v)²: so N' > 0 for every u, and −K'N'K <= 0 for every K",
                     necessary=True)


@claim("after eq. (8)", weight="minor", within=dict(n=(2, 3, 4, 6)))
def gradient_operator_gives_the_heat_equation(n):
    """For σ = id, N = id and K the forward difference (reflecting), F_sym is the second difference
    with Neumann rows at the ends.  Not for every K: [0 1 0] gives F_sym(Y) = −Y."""
    return _is_heat(n, REFLECTING)


def _is_heat(n, boundary):
    second = (np.eye(n, k=1, dtype=int) + np.eye(n, k=-1, dtype=int) - 2 * np.eye(n, dtype=int))
    second[0, 0] = second[-1, -1] = -1
    log = Transcript()
    D = log.give("D", second)
    y = log.give("Y", net.state(n, 1))
    heat = SymmetricLayer(difference(1, n, 1, boundary), net.IDENTITY)
    decay = SymmetricLayer(convolution([0, 1, 0], n, PERIODIC), net.IDENTITY)
    shows = [heat.jacobian(y).equals(D), heat(y).equals(D @ y), decay(y).equals(-y)]
    return net.show(log, shows, "F_sym is linear here, and D is the second difference",
                     necessary=True)


def _slope_of_tv(log, K, channels, eps, y, direction):
    """The text of the derivative of Σ √(|(K y)_p|² + ε) along a direction.

    r² is a quadratic along a line, so its derivative is a central difference; r′ = (r²)′/(2r)."""
    tv, m = TotalVariation(eps, channels), K.shape[0]
    v = log.define("v", K @ log.give("W", direction))
    a = log.define("a", K @ y)
    far, near = log.define("far", a + v), log.define("near", a - v)
    quarter = (far * far - near * near) / 4
    return log.define("slopes", tv.apply(quarter, tv.lengths(a, m), m)).call("sum").text


@claim("after eq. (9)", weight="minor", expect=REFUTED,
       within=dict(y=((0, 0), (0, 1), (1, 0))))
def tv_normalisation_gives_tv_dynamics(y):
    """For K the discrete gradient, N = N_tv and σ = ReLU, as the network has it:
    F_sym(y) = −∇ Σ_p √(|(K y)_p|² + ε); here K = (−1, 1) and ε = 3."""
    return _is_tv_flow(net.weights([[-1, 1]]), net.RELU, 1, 3, y, [1, 0])


def _is_tv_flow(K, flux, channels, eps, y, direction):
    log = Transcript()
    start = log.give("Y", y)
    layer = SymmetricLayer(K, flux, TotalVariation(eps, channels))
    log.define("F", layer(start))
    slope = _slope_of_tv(log, K, channels, eps, start, direction)
    return net.show(log, [f"F @ W == -{slope}"],
                 "the derivative of the functional along W, from central differences of r²",
                 necessary=True)


@claim("after eq. (9)", weight="minor", within=dict(u=tuple(ROUND), seed=(1, 2, 3)))
def tv_normalisation_gives_tv_dynamics_corrected(u, seed):
    """For σ = id, N = N_tv without scaling and bias and every K: F_sym(y) =
    −∇ Σ_p √(|(K y)_p|² + ε); the channels of a pixel are coupled.  Here K y = u, ε = 1."""
    u, channels = _round(u)
    n = len(u)
    K = _triangular(n, seed)
    return _is_tv_flow(K, net.IDENTITY, channels, 1, net.before(K, u), net.state(n, seed + 5))


@claim("derived (eq. (9))", notion="bound",
       within=dict(u=("0, 0", "2, 2", "8, -4"), v=("2, -2", "-4, 8", "2, 2"),
                   root=("1", "2", "1/3")))
def tv_normalisation_is_bounded_and_monotone(u, v, root):
    """For ε > 0: |N_tv(u)_p| < 1, (N_tv(u) − N_tv(v))·(u − v) >= 0 for all u and v, and the
    Lipschitz constant of N_tv is exactly ε^(−1/2); here √ε is `root`, u and v are scaled by it."""
    return _normalise(u, v, root)


def _normalise(u, v, root, share=1):
    """With the Lipschitz constant share · ε^(−1/2)."""
    root, log = Fraction(root), Transcript()
    tv, lengths = TotalVariation(root**2, 2), []
    for name, text in (("u", u), ("v", v)):
        x = log.give(name, [root * Fraction(entry) for entry in text.split(",")])
        lengths.append(tv.lengths(x, 2))
    tv.jacobian(Term(log, "u"), lengths[0], 2)
    log.give("q", root)
    log.give("share", share)
    log.define("L", log.term("share / q"))
    general = ["q**2 == eps", "norm2(u / r) == 1 - eps / r**2", "r >= q",
               "(u / r - v / r1) @ (u - v) == "
               "(r + r1) / 2 * (norm2(u / r - v / r1) + eps * (1 / r - 1 / r1)**2)",
               "N @ u == eps / r**3 * u", "N @ [u[1], -u[0]] == 1 / r * [u[1], -u[0]]"]
    here = ["norm2(u / r) < 1", "(u / r - v / r1) @ (u - v) >= 0", "psd(L * I(2) - N)",
            "norm2(u) > 0 or det(L * I(2) - N) == 0"]
    return AllOf([
        net.show(log, general,
                  "|N|² = 1 − ε/r² < 1; the product is the stated square for all u and v (expand, "
                  "with r² = |u|² + ε); N′ has the eigenvalues 1/r and ε/r³, both at most "
                  "ε^(−1/2)"),
        net.show(log, here, "what is stated, at u and v; the constant is attained at u = 0",
                  necessary=True)])
