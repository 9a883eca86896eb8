"""The second-order network in continuous time (Theorem 2 and its proof)."""

from __future__ import annotations

from fractions import Fraction

from stabkit import fluxes
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.deciding import under
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.classes import AnyFlux, AnyOperator, AnyVector, Such
from stabkit.fluxes.flux import Facts, Flux, Piece
from stabkit.operators import norm_squared
from stabkit.schemes import SymmetricLayer
from stabkit.stability.notions import inner, squared_norm
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    Either,
    Example,
    FaceWithin,
    Not,
)
from stabkit.stability.verdict import REFUTED

ZERO, ONE = Fraction(0), Fraction(1)
OPPOSITE = fluxes.scaled_identity(-1)


@claim("Theorem 2", notion="uniform", expect=REFUTED,
       within=dict(flux=(net.IDENTITY, net.LEAKY, net.RELU)))
def second_order_network_is_stable(flux):
    """If θ is constant and |σ(x)| <= |x| for all x, then (11) with ∂ₜY(0) = 0 is stable in the
    sense of (6); here K = 1 and the starts are 1 and 0."""
    log = Transcript()
    flux(log.term("x"))
    phi = log.let[0][0].split("(")[0]
    linear = AllOf([FaceWithin(flux, "slope", ONE, ONE), net.show(
        log, [f"{phi}(0) == 0"], "σ(x) = x: the difference of the solutions is cos T")])
    return Either(linear, net.show(
        log, [f"{phi}(1) == 1 and {phi}(1/2) == 1/2 and {phi}(0) == 0",
              f"all({phi}(x) == 0 for x in cells([-inf, 0]))", "abs(cos(pi / 2)) < 1 / 10**9"],
        "σ(x) = x for x > 0, so y = cos T up to T = π/2, where y = 0 and dy/dt = −1; below 0 there "
        "is no force, so y = −(T − π/2) for ever, while the start 0 rests: the ratio T − π/2 is "
        "unbounded"))


@claim("Theorem 2", notion="uniform",
       within=dict(K=(*net.ANY_K, net.weights([[1, 1], [1, 1]])), a=("0", "1/2", "3")),
       beyond=dict(K=(net.SCALAR,), a=("-1", "-1/1000")))
def second_order_network_is_stable_corrected(K, a):
    """If σ(x) = a x with a >= 0 and K is any constant matrix, singular or not, then (11) with
    ∂ₜY(0) = 0 satisfies (6) with M = 1: Y(t) = cos(t√(aKᵀK)) Y(0).  (Without ∂ₜY(0) = 0 it does
    not: K = 0 gives Y = t v.)

    Shown is aKᵀK >= 0; the cosine of a symmetric matrix is the spectral theorem."""
    layer, log = SymmetricLayer(K, fluxes.scaled_identity(Fraction(a))), Transcript()
    J = layer.jacobian(log.give("Y", [0] * K.shape[1])).text
    return net.show(log, [f"psd(-{J})"],
                     "differences obey Y″ = J Y, Y′(0) = 0; along an eigenvector of −J for λ they "
                     "are cos(t√λ) for λ >= 0, at most 1 in size; cosh(t√−λ) for λ < 0, unbounded",
                     necessary=True)


@claim('derived (Theorem 2; "weaker results for the time-dependent dynamic")', notion="bound",
       within=dict(K=net.ANY_K, flux=(net.IDENTITY, net.RELU, net.SOFTSIGN, net.CLIP), w=("9",),
                   u=(1,), v=(2,), x=(3,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(slopes=(0, "L")),
                    w=Such(("2*w**2 - L*c >= 0",), "> 0"), u=AnyVector(), v=AnyVector(),
                    x=AnyVector()))
def second_order_network_growth_bound(K, flux, w, u, v, x):
    """For nondecreasing L-Lipschitz σ and any K(t) with L‖K(t)‖² <= ρ, whatever ∂ₜθ is, the
    difference of two solutions with ∂ₜY(0) = 0 has ‖e(T)‖ <= exp(T√(2ρ)/4) ‖e(0)‖.

    Shown is, for 2w² >= L‖K‖², that the derivative of w²‖e‖² + ‖ė‖² is at most w times it; so it
    grows at most by exp(wT), e.g. with w² = ρ/2, and ė(0) = 0."""
    layer, w = SymmetricLayer(K, flux), net.number(w)
    u, v, x = (net.signal(K, state) for state in (u, v, x))
    return AllOf([
        AtMost(lambda u, v, x: 2 * (w**2 * inner(u - v, x) + inner(x, layer(u) - layer(v))),
               lambda u, v, x: w * (w**2 * squared_norm(u - v) + squared_norm(x)),
               dict(u=u, v=v, x=x), "at the states u and v, with the velocity x of u - v"),
        Example(lambda: _growth_is_bounded(K, flux))])


def _growth_is_bounded(K, flux, share=1):
    """With share · T√(2ρ)/4 in the exponent; or a difference that grows beyond.

    For σ(x) = L x and LK(t)² = ρ until T√ρ = π/2, then 0, the difference is cos(T√ρ) and then
    −(T√ρ − π/2); it is taken at T√ρ = 4."""
    L, n = flux.facts.lipschitz, K.shape[1]
    given = dict(K=K.exact(), L=L, rho=L * norm_squared(K).upper, share=share)
    return AllOf([Either(FaceWithin(flux, "slope", ZERO, L)), Calculation(
        given, [], [f"psd(rho * I({n}) - L * (K.T @ K))", *net.rank_one_parts(K), "rho > 0",
                    "share >= 1"],
        "x = (w e, e') with w² = ρ/2 obeys x' = S x, S = [[0, wI], [−A/w, 0]], A = K'diag(d)K with "
        "difference quotients 0 <= d <= L, so 0 <= A <= ρ = 2w²: S + S' has the block wI − A/w "
        "between −w and w, |x| grows at most by exp(wT/2) = exp(T√(2ρ)/4), and e'(0) = 0"),
        Calculation(given, [], ["4 - pi / 2 <= exp(share * 4 * sqrt(2) / 4)"],
                    "the difference from 1 and its bound at T√ρ = 4", necessary=True)])


# Rational points (1 − t², 2t)/(1 + t²) of the circle.
CIRCLE = [(Fraction(1 - t * t, 1 + t * t), Fraction(sign * 2 * t, 1 + t * t))
          for t in range(1, 11) for sign in (1, -1)]


@claim("before Theorem 2 (weaker results, assuming ∂ₜθ(t) to be bounded)", notion="uniform",
       expect=REFUTED)
def bounded_weight_change_gives_stability():
    """For some η > 0 every second-order network with σ = id and ‖∂ₜθ‖ <= η is stable in the sense
    of (6)."""
    return Not(_small_changes_grow())


def _small_changes_grow(fourth="-6 * a"):
    """For every η > 0 there is a network with ‖∂ₜθ‖ <= η that is not: n = 1, a = min(1/16, η/12)
    and K(t)² = q(t); `fourth` is twice the coefficient of sin 4t in q."""
    nodes = [(Fraction(k, 160), *point) for k in (1, 2, 3) for point in CIRCLE]
    a, c, s = (list(part) for part in zip(*nodes, strict=True))
    return Calculation(
        dict(a=a, c=c, s=s),
        [("p", "4 * a * s**2 * c**2"), ("dp", "8 * a * s * c * (c**2 - s**2)"),
         ("q", f"1 + 2 * a * (2 * s * c) + {fourth} * (2 * s * c) * (c**2 - s**2) "
               "- a**2 * (2 * s * c)**4")],
        ["c**2 + s**2 == 1", "-c - 2 * s * p + c * (p**2 + dp) == -(q * c)",
         "positive_on([1 - 9/16, -5, -1], 0, 1/16)", "nonneg_on([0, 1, -8], 0, 1/16)",
         "17 / (2 * (3/4)) <= 12"], (
            "K(t)² = q(t) = 1 + 2a sin 2t − 3a sin 4t − a² sin⁴2t and p = a sin²2t; c, s = cos t, "
            "sin t.  The second line says that y = cos t exp(a(t/2 − sin(4t)/8)), whose exponent "
            "has the slope p, solves y″ = −q y (divided by the exponential; polynomials of degree "
            "2 in a and trigonometric polynomials of degree <= 9 in t that agree at 3 values and "
            "20 points of the circle are equal).  y(0) = 1, y′(0) = 0 and |y(kπ)| = exp(akπ/2) is "
            "unbounded, while for 0 < a <= 1/16 q >= 1 − 5a − a² > (3/4)², |q′| <= 16a + 8a² <= "
            "17a and |K′| = |q′|/(2√q) <= 12a <= η"))


@claim("derived (before Theorem 2)", notion="uniform",
       within=dict(change=("3 | 1/2", "3 | -1", "2 1; 1 2 | 1 0; 0 -1", "2 1; 1 2 | 0 1; 1 0"),
                   seed=(1, 2)))
def bounded_weight_change_gives_stability_corrected(change, seed):
    """For σ = id let A(t) = K(t)ᵀK(t) >= m I > 0 have finite total variation V = ∫‖∂ₜA‖ dt over
    [0, ∞).  Then (11) with ∂ₜY(0) = 0 satisfies (6) with M² = (‖A(0)‖/m) exp(V/m).

    Shown at one time, for A | D with D = ∂ₜA, y = Y, v = ∂ₜY; from there to all times it is
    Gronwall's inequality."""
    return _change_is_bounded(change, seed)


def _change_is_bounded(change, seed, share=1):
    """With M² = share · (‖A(0)‖/m) exp(V/m); or it is too small at T = 0 where A(0) = mI, V = 0."""
    A, D = ([row.split() for row in part.split(";")] for part in change.split("|"))
    n, log = len(A), Transcript()
    for name, value in (("A", A), ("D", D), ("y", net.state(n, seed)),
                        ("v", net.state(n, seed + 1)), ("m", 1), ("d", 1), ("share", share)):
        log.give(name, value)
    log.let += [["change", "v @ -(A @ y) + v @ (A @ y) + y @ (D @ y) / 2"],
                ["E", "(norm2(v) + y @ (A @ y)) / 2"]]
    return AllOf([net.show(
        log, ["change == y @ (D @ y) / 2", f"psd(A - m * I({n}))",
              f"psd(d * I({n}) - D) and psd(d * I({n}) + D)", "change <= d / m * E", "share >= 1"],
        "E = (|Y′|² + Y·AY)/2 has dE/dt = Y·(∂ₜA)Y/2 <= (‖∂ₜA‖/m) E because m|Y|² <= Y·AY; so "
        "m|Y(T)|² <= 2E(T) <= exp(V/m) Y(0)·A(0)Y(0)"), net.show(
        log, [f"A != m * I({n}) or D != 0 or norm2(y) <= share * norm2(y)"],
        "at T = 0, for constant weights with A = mI", necessary=True)])


# -- the energy of the proof ----------------------------------------------------------------------
def _flux_with_kinks(at_one: Fraction, at_two: Fraction) -> Flux:
    """σ(x) = x for x >= 0, linear between σ(−1) and σ(−2) as given, and beyond through 0."""
    first, second = Constant(at_one), Constant(at_two)
    steep, half = Constant(first - second), Constant(1, 2)
    far = Constant(-second / 2)
    low = Constant(-first / 2)
    end = Constant(low - first + steep / 2)

    def middle(x):
        return first + steep * (x + 1)

    pieces = [
        Piece(Fraction(-2), lambda x: far * x, None, lambda x: 2 * end + far * (x * x - 4)),
        Piece(Fraction(-1), middle, None,
              lambda x: 2 * (low + first * (x + 1) + half * steep * (x + 1) ** 2)),
        Piece(ZERO, lambda x: -first * x, None, lambda x: -first * x * x),
        Piece(None, lambda x: x, None, lambda x: x * x)]
    slopes = [Fraction(far), Fraction(steep), -Fraction(first), ONE]
    return Flux("piecewise linear", pieces, Facts(False, (min(slopes), max(slopes)), None))


KINKS = ("-1 -2", "-1 -1", "0 0", "0 -1", "0 -2", "-1/2 -2")


@claim("Proof 2, eq. (12)", notion="energy", expect=REFUTED,
       within=dict(values=KINKS, y=("-1/2", "-1", "-3/2", "-2")))
def energy_is_bounded_by_the_linear_energy(values, y):
    """For constant K and |σ(x)| <= |x|, also if σ is nondecreasing: E(t) = ½(‖ẏ‖² + (K y)ᵀσ(K y))
    <= ½‖K y₀‖² for all t along (11).

    Decided for K = 1, y₀ = 1 and nondecreasing σ, equal to x for x >= 0 and linear between
    σ(−1) and σ(−2), which are given; E is taken where the solution passes y."""
    flux, log = _flux_with_kinks(*map(Fraction, values.split())), Transcript()
    start, there = log.give("y0", 1), log.give("y", y)
    H = log.define("H", flux.regulariser(start) / 2)
    height = flux.regulariser(there) / 2
    log.define("speed2", 2 * (H - height))
    log.define("E", (log.term("speed2") + there * flux(there)) / 2)
    nodes = flux(log.give("nodes", [-3, -2, -1, 0, 1])).text
    return under(
        [f"abs({nodes}) <= abs(nodes) and {nodes}[1:] >= {nodes}[:4]", "speed2 > 0"],
        ["E <= y0**2 / 2"],
        "ẏ²/2 + s(y) = s(1) = H is conserved, s = psi/2 the primitive of σ = phi.  s falls on "
        "[y, 0] and grows on [0, 1], so the solution from rest at 1 reaches y with the square "
        "speed2 > 0; σ is linear between the nodes", log.given, log.let)


BOUNDED_BY_X = (net.IDENTITY, net.RELU, net.CLIP, net.SOFTSIGN, net.LEAKY, OPPOSITE)


@claim("derived (Proof 2, eq. (12))", notion="energy",
       within=dict(K=net.ANY_K[:4], flux=(*BOUNDED_BY_X, fluxes.tanh())))
def energy_is_bounded_by_the_linear_energy_corrected(K, flux):
    """For constant K, continuous σ with |σ(x)| <= |x| and s its primitive with s(0) = 0:
    ½‖ẏ‖² + Σᵢ s((K y)ᵢ) is conserved and so at most ½‖K y₀‖² for all t along (11).

    Shown is that its derivative vanishes at one state and velocity of each listed K; that a
    function with the derivative 0 is constant, and ∫₀ˣ σ <= x²/2, is calculus."""
    log = Transcript()
    log.give_once(K, "K", K.exact)
    log.give("q", net.state(K.shape[0], 1))
    v = log.give("v", net.state(K.shape[1], 2)).text
    everywhere = AllOf([net.quotients_within(flux, -ONE), net.show(
        log, [f"{v} @ -(K.T @ q) + q @ (K @ {v}) == 0"],
        "q = σ(K y): ẏ·ÿ + σ(K y)·K ẏ = 0 for every q and ẏ = v; |s(x)| <= x²/2 because |σ(x)| <= "
        "|x|, and at t = 0 the energy is Σ s((K y₀)_i)")])
    if flux.transcendental:
        return Either(everywhere)
    here = Transcript()
    layer, y = SymmetricLayer(K, flux), here.give("y", net.state(K.shape[1], 3))
    here.give("v", net.state(K.shape[1], 2))
    force = here.define("force", layer(y)).text
    name = here.give_once(K, "K", K.exact).text
    return net.at_a_state(everywhere, here, [
        f"v @ {force} + {flux(K @ y).text} @ ({name} @ v) == 0",
        f"sum({flux.regulariser(K @ y).text}) <= norm2({name} @ y)"],
        "the energy from rest at y, and its derivative where the velocity is v")


@claim("Proof 2", notion="energy", weight="minor", expect=REFUTED,
       within=dict(flux=BOUNDED_BY_X, y=("1", "-1")))
def energy_is_positive(flux, y):
    """For constant K and |σ(x)| <= |x|: E(t) = ½(‖ẏ‖² + (K y)ᵀσ(K y)) >= 0 for all t along (11);
    here K = 1 and t = 0."""
    return AtMost(lambda y: 0 * y, lambda y: y * flux(y), dict(y=[y]), "2E(0) = y₀σ(y₀)")


@claim("derived (Proof 2)", notion="energy", weight="minor",
       within=dict(K=(net.TALL,), flux=(*BOUNDED_BY_X[:-1], fluxes.tanh()), y=(1,), v=(2,)),
       beyond=dict(flux=(OPPOSITE,)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(diffusivities=(0, None)), y=AnyVector(),
                    v=AnyVector()))
def energy_is_positive_corrected(K, flux, y, v):
    """For constant K and |σ(x)| <= |x| with x σ(x) >= 0 for all x (for example σ nondecreasing):
    E(t) >= 0 for all t along (11).  So it is at every state y with every velocity v."""
    return AllOf([
        AtMost(lambda y, v: 0, lambda y, v: squared_norm(v) + inner(K @ y, flux(K @ y)),
               dict(y=net.signal(K, y), v=net.signal(K, v)), "twice the energy"),
        Example(lambda: Either(net.quotients_within(flux, ZERO), _negative_somewhere(flux)))])


def _negative_somewhere(flux):
    """2E(0) = y₀σ(y₀) < 0 for K = 1 and one of these y₀."""
    log = Transcript()
    values = flux(log.give("y", [-3, -1, "-1/2", "1/2", 1, 3])).text
    return net.show(log, [f"min(y * {values}) < 0"], "2E(0) = y₀σ(y₀) for K = 1")
