"""Leapfrog for the second-order network (Section 3.3)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.claims.related_classes import AnyProductBound
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.claims.ruthotto2018.growth import bounded
from stabkit.claims.ruthotto2018.verlet import both_return
from stabkit.classes import (
    AnyFlux,
    AnyOperator,
    AnyReal,
    AnyVector,
    ForExamples,
    Positive,
    Such,
)
from stabkit.operators import norm_bound, norm_squared, operator_norm
from stabkit.schemes import Chain, Leapfrog, SymmetricLayer, reverse
from stabkit.stability.notions import inner, squared_norm
from stabkit.stability.property import (
    AllOf,
    Always,
    AtMost,
    Calculation,
    Either,
    Example,
    FaceWithin,
    Identity,
)
from stabkit.stability.verdict import REFUTED

START = "We set Y₋₁ = Y₀ to denote the initial condition"


@claim("after the leapfrog formula", weight="minor",
       within=dict(K=net.ANY_K[:3], b=(7,), flux=net.RATIONAL, delta=("1/3",), y=(1,), z=(2,),
                   depth=(1, 2)),
       for_all=dict(K=AnyOperator(), b=AnyVector("M"), flux=AnyFlux(), delta=Positive(),
                    y=AnyVector(), z=AnyVector(), depth=ForExamples()))
def leapfrog_is_reversible(K, b, flux, delta, y, z, depth):
    """Y_{j−1} = 2Y_j − Y_{j+1} + δ²F_sym(θ(t_j), Y_j) inverts the leapfrog step exactly.

    For all: one step, and so any number of them, last one first.  Beside it, the weights are
    doubled after each step."""
    step = Leapfrog(SymmetricLayer(K, flux, bias=net.signal(K, b, inside=True)), delta)
    return AllOf([*both_return(step, net.signal(K, y), net.signal(K, z), K.shape[1]),
                  Example(lambda: _is_reversible(K, flux, depth, "2/3"))])


def _is_reversible(K, flux, depth, backwards):
    """Steps of size 2/3, and back with a step size of its own."""
    def steps(delta):
        return Chain([Leapfrog(SymmetricLayer(2**j * K, flux, bias=net.state(K.shape[0], 8)), delta)
                      for j in range(depth)])

    network, back = steps("2/3"), reverse(steps(backwards))
    return Identity(lambda x: back(network(x)), lambda x: x, dict(x=net.state(network.size, 4)),
                    "Y_{j+1} + Y_{j−1} = 2Y_j + δ²F(Y_j) is symmetric in its outer members and F "
                    "depends on Y_j alone")


def _constant_force(value, delta, second_order):
    """σ = c, K = 1 and Y₀ = 0 against y(t) = −ct²/2: no error at all, or one of first order."""
    log = Transcript()
    step = Leapfrog(SymmetricLayer(net.SCALAR, net.constant(Fraction(value))), delta)
    log.give("c", value)
    states = [step.start(log.give("y", [0]), second_order=second_order)]
    for _ in range(3):
        states.append(step(states[-1]))
    log.let.append(["exact(j)", "-(c * (j * delta)**2 / 2)"])
    errors = [f"{state.text}[0] - exact({j})" for j, state in enumerate(states)]
    return Either(net.show(
        log, [f"{error} == 0" for error in errors],
        "y(t) = −ct²/2 solves (11), and the recursion from this start, as its second difference is "
        "−cδ²: the states agree for every j"), net.show(
        log, [*(f"{error} == -(c * delta / 2) * ({j} * delta)" for j, error in enumerate(errors)),
              "c != 0"],
        "Y_j = −cδ²j(j+1)/2 solves the recursion with this start for every j: Y_j − y(jδ) = "
        "−(cδ/2) jδ, so the error at time T is exactly |c|δT/2: first order"))


@claim(START, notion="order", weight="minor", quote=START, expect=REFUTED,
       within=dict(value=("0", "1", "-1"), delta=("1/2", "1/10")))
def leapfrog_start_is_second_order(value, delta):
    """With the start Y₋₁ = Y₀ the leapfrog solution has a global error O(δ²) against (11), for
    smooth σ; here σ is constant and K = 1."""
    return _constant_force(value, delta, second_order=False)


@claim("derived (the start of leapfrog)", notion="order", weight="minor",
       within=dict(value=("1", "-2/3"), delta=("1/2", "1/10"), k=("1", "1/2", "3")))
def leapfrog_start_is_second_order_corrected(value, delta, k):
    """With the start Y₋₁ = Y₀ + (δ²/2)F_sym(Y₀), which makes Y₁ = Y₋₁, the leapfrog solution has a
    global error O(δ²); for σ = id and an eigenvalue k² of KᵀK it is at most T k³δ²/20 at time T, as
    long as kδ <= 1."""
    exact = _constant_force(value, delta, second_order=True)
    small = Fraction(1, 4) / Fraction(k)
    given = dict(k=k, delta=small, n=[1, 2, 5, 20], z=HALF)
    let = [("half", "delta * k / 2"), ("w", "2 * atan(half / sqrt(1 - half**2))"),
           ("Y(j)", "cos(j * w)"), ("asin", "atan(z / sqrt(1 - z**2))")]
    shows = ["abs(Y(1) - (1 - delta**2 * k**2 / 2)) < 1 / 10**12",
             "abs(Y(2) - (2 - delta**2 * k**2) * Y(1) + 1) < 1 / 10**12",
             "asin - z < z**3 / 5", "w - delta * k <= (delta * k)**3 / 20",
             "abs(Y(n) - cos(n * delta * k)) <= n * delta * k**3 * delta**2 / 20"]
    return AllOf([exact, Calculation(given, let, shows, (
        "Y_j = cos(jw), 2 sin(w/2) = δk, solves the recursion and the start; asin z <= z + z³/5 up "
        "to z = 1/2, as (asin z − z)/z³ increases, so |cos jw − cos jδk| <= j(w − δk) <= "
        "T k³δ²/20.  For other smooth σ: a consistent two-step scheme of order 2 with a start of "
        "order 2"))])


# Weights with rational norms; the last two have singular KᵀK.
ROUND_K = (net.SCALAR, net.weights([[2]]), net.weights([[2, 1], [1, 2]]),
           net.weights([[1, 1], [1, -1], [1, 1], [1, -1]]), net.weights([[1, 1], [1, 1]]),
           net.weights([[3, 0], [0, 0]]))


def _delta(K, ratio):
    """δ with δ²‖K‖² = 4 ratio²."""
    return 2 * Fraction(ratio) / operator_norm(K).upper


def _linear(K, delta, y, back, margin):
    """Any number of steps for σ = id from Y₋₁ = Y₀ + back · δ²F(Y₀)."""
    layer, delta = SymmetricLayer(K, net.IDENTITY), net.number(delta)
    return Always(lambda y: (y, y + net.number(back) * delta**2 * layer(y)),
                  lambda now, before: (2 * now - before + delta**2 * layer(now), now),
                  lambda state, y: margin(state[0], y, delta), dict(y=net.signal(K, y)))


@claim("derived (leapfrog)", notion="uniform",
       within=dict(K=ROUND_K, delta=("1/3",), y=(3,),
                   ratio=(HALF, Fraction(9, 10), Fraction(999, 1000))),
       beyond=dict(ratio=(ONE, *BEYOND)),
       for_all=dict(K=AnyOperator(), delta=AnyReal(), y=AnyVector(), ratio=ForExamples()))
def leapfrog_step_bound(K, delta, y, ratio):
    """For σ = id, constant K, singular or not, Y₋₁ = Y₀ and δ²‖K‖² < 4:
    ‖Y_j‖ <= (1 − δ²‖K‖²/4)^(−1/2) ‖Y₀‖ for all j; here δ = ratio · 2/‖K‖.

    For all: (1 − δ²‖K‖²/4) ‖Y_j‖² <= ‖Y₀‖², whatever δ is."""
    return AllOf([
        _linear(K, delta, y, 0, lambda now, y, delta: squared_norm(y) - squared_norm(now)
                + Constant(1, 4) * net.number(norm_bound(K)) * delta**2 * squared_norm(now)),
        Example(lambda: _keeps_a_form(K, ratio))])


def _keeps_a_form(K, ratio):
    n, log = K.shape[1], Transcript()
    step = Leapfrog(SymmetricLayer(K, net.IDENTITY), _delta(K, ratio))
    V = step.jacobian(log.give("x0", [0] * (2 * n))).text
    one = f"I({n})"
    log.let += [["A", "K.T @ K"], ["S", f"{one} - delta**2 / 2 * A"],
                ["G", f"kron([[1, 0], [0, 1]], {one}) - kron([[0, 1], [1, 0]], S)"]]
    log.give("square", norm_squared(K).upper)
    return AllOf([net.show(
        log, [f"psd(square * {one} - A) and delta**2 * square < 4", f"{V}.T @ G @ {V} == G",
              f"{one} - S @ S == delta**2 * (A @ ({one} - delta**2 / 4 * A))",
              f"2 * ({one} - S) == delta**2 * A"],
        "G is conserved; at Y₋₁ = Y₀ it is δ²Y₀·AY₀, and for given Y_j at least Y_j·(I − S²)Y_j: "
        "per eigenvalue a of A, a(1 − δ²a/4)y_j² <= a y₀², and y_j = y₀ for a = 0"), net.show(
        log, [f"pd(4 / delta**2 * {one} - A)"],
        "else Y_j grows along an eigenvector with δ²a >= 4, at least linearly", necessary=True)])


@claim("derived (leapfrog)", notion="uniform", expect=REFUTED,
       within=dict(K=ROUND_K[:2], ratio=(HALF, ONE)))
def leapfrog_step_bound_at_equality(K, ratio):
    """For σ = id, constant K, Y₋₁ = Y₀ and δ²‖K‖² <= 4, ‖Y_j‖ is bounded uniformly in j; here
    δ = ratio · 2/‖K‖."""
    step, log = Leapfrog(SymmetricLayer(K, net.IDENTITY), _delta(K, ratio)), Transcript()
    return bounded(log, step.jacobian(log.give("x0", [0, 0])).text, [1, 1])


@claim("derived (leapfrog)", notion="uniform",
       within=dict(K=ROUND_K, delta=("1/3",), y=(3,), ratio=(HALF, Fraction(9, 10), ONE)),
       beyond=dict(ratio=BEYOND),
       for_all=dict(K=AnyOperator(), delta=Such(("4 - c*delta**2 >= 0",)), y=AnyVector(),
                    ratio=ForExamples()))
def leapfrog_step_bound_at_equality_corrected(K, delta, y, ratio):
    """For σ = id, constant K, singular or not, δ²‖K‖² <= 4 and the second-order start
    Y₋₁ = Y₀ + (δ²/2)F_sym(Y₀): ‖Y_j‖ <= ‖Y₀‖ for all j, at equality too; here
    δ = ratio · 2/‖K‖."""
    return AllOf([_linear(K, delta, y, HALF, lambda now, y, delta: squared_norm(y)
                          - squared_norm(now)),
                  Example(lambda: _is_a_chebyshev_polynomial(K, ratio))])


def _is_a_chebyshev_polynomial(K, ratio):
    n, log = K.shape[1], Transcript()
    step = Leapfrog(SymmetricLayer(K, net.IDENTITY), _delta(K, ratio))
    x = step.start(log.give("y", net.state(n, 3)), second_order=True)
    one = f"I({n})"
    states = [x := step(x) for _ in range(3)]
    log.let += [["A", f"{one} - delta**2 / 2 * (K.T @ K)"], ["y1", "A @ y"],
                ["y2", "2 * (A @ y1) - y"], ["y3", "2 * (A @ y2) - y1"]]
    same = [f"{state.text}[:{n}] == y{j}" for j, state in enumerate(states, 1)]
    return AllOf([net.show(
        log, [*same, f"psd({one} + A) and psd({one} - A)"],
        "Y_j = T_j(A) Y₀ with the Chebyshev polynomials, by their recursion; A is symmetric with "
        "its spectrum in [−1, 1], where |T_j| <= 1"), net.show(
        log, [f"psd({one} + A)"],
        "A has an eigenvalue below −1 otherwise, and there |T_j| grows", necessary=True)])


SIZES = ("0", "1/2", "1", "3/2")


@claim("derived (leapfrog)", notion="uniform", expect=REFUTED,
       within=dict(word=tuple(product(SIZES, repeat=2))))
def leapfrog_step_bound_for_changing_weights(word):
    """For σ = id, K(t_j) that change from step to step, δ²‖K(t_j)‖² <= 3 for every j and Y₋₁ = Y₀,
    ‖Y_j‖ is bounded uniformly in j; here n = 1, δ = 1, and the weights of two steps are repeated
    for ever."""
    log, names = Transcript(), []
    origin = log.give("x0", [0, 0])
    for k in word:
        step = Leapfrog(SymmetricLayer(net.weights([[k]]), net.IDENTITY), 1)
        names.append(step.jacobian(origin).text)
    return bounded(log, log.define("P", log.term(" @ ".join(reversed(names)))).text, [1, 1])


@claim("derived (leapfrog)", notion="uniform",
       within=dict(K=(net.TALL,), L=(net.weights([[2, 1], [1, "1/2"]], "L"),), m=("1",),
                   delta=("1/4",),
                   r=("1/16",), y=(1,), w=(2,),
                   change=("1 1/2; 0 1 | 1 0; 1/2 1", "1 | 3/2", "3/2 | 1"), seed=(1, 2)),
       for_all=dict(K=AnyOperator(), L=AnyOperator("N", "P"),
                    m=AnyProductBound("K", "N", below=True),
                    delta=Such(("3 - c*delta**2 >= 0",)),
                    r=Such(("1 - r >= 0", "m*delta**2 - r >= 0"), "> 0"), y=AnyVector(),
                    w=AnyVector(), change=ForExamples(), seed=ForExamples()))
def leapfrog_step_bound_for_changing_weights_corrected(K, L, m, delta, r, y, w, change, seed):
    """For σ = id let A_j = K(t_j)ᵀK(t_j) >= m I > 0, δ²A_j <= 3 I and V = Σ‖A_j − A_{j−1}‖ finite
    (in particular after finitely many changes).  Then with any start ‖Y_j‖ is bounded uniformly in
    j.

    For all: with the weights L before and K now, H_j = ‖Y_{j+1} − Y_j‖² + δ²Y_{j+1}·A_jY_j is
    H_{j−1} + δ²Y_{j−1}·(A_j − A_{j−1})Y_j, and H_j >= (r/2)(‖Y_{j+1}‖² + ‖Y_j‖²) for r <= 1 and
    r <= δ²m.  So H_j is at most H_{j−1}(1 + δ²‖A_j − A_{j−1}‖/r), and the product of these factors
    at most exp(δ²V/r).  In the examples δ = 1."""
    now, before = (SymmetricLayer(X, net.IDENTITY) for X in (K, L))
    delta, r = net.number(delta), net.number(r)
    net.bounds(m, K, above=False)

    def form(layer, z, y):
        return squared_norm(z - y) - delta**2 * inner(z, layer(y))

    def after(y, w):
        return 2 * y - w + delta**2 * now(y)

    given = dict(y=net.signal(K, y), w=net.signal(K, w))
    return AllOf([
        Identity(lambda y, w: form(now, after(y, w), y),
                 lambda y, w: form(before, w, y) - delta**2 * inner(w, now(y) - before(y)), given,
                 "a step after a change"),
        AtMost(lambda y, w: r * (squared_norm(y) + squared_norm(w)),
               lambda y, w: 2 * form(now, w, y), given, "the form is definite"),
        Example(lambda: _steps_after_a_change(change, seed))])


def _steps_after_a_change(change, seed):
    before, now = ([row.split() for row in part.split(";")] for part in change.split("|"))
    log, K, n = Transcript(), net.weights(now), len(now[0])
    log.give("L", before)
    step = Leapfrog(SymmetricLayer(K, net.IDENTITY), 1)
    moved = step(log.give("x", [*net.state(n, seed), *net.state(n, seed + 1)])).text
    log.give("m", HALF)
    log.let += [
        ["A", "K.T @ K"], ["B", "L.T @ L"], ["y", f"x[:{n}]"], ["w", f"x[{n}:]"],
        ["z", f"{moved}[:{n}]"], ["now", "norm2(z - y) + delta**2 * (z @ (A @ y))"],
        ["before", "norm2(y - w) + delta**2 * (y @ (B @ w))"], ["c", "min(delta**2 * m, 1) / 2"],
        ["form", "kron([[1, -1], [-1, 1]], "
                 f"I({n})) + delta**2 / 2 * kron([[0, 1], [1, 0]], A)"]]
    one = f"I({n})"
    return AllOf([net.show(log, [
        "now - before == delta**2 * (w @ ((A - B) @ y))",
        f"psd(A - m * {one}) and psd(3 * {one} - delta**2 * A)",
        f"psd(form - c / 2 * I({2 * n}))"], (
        "H_j = |Y_{j+1} − Y_j|² + δ²Y_{j+1}·A_jY_j changes only by δ²Y_{j−1}·(A_j − A_{j−1})Y_j; "
        "per eigenvalue a of δ²A_j, m δ² <= a <= 3, its form has the eigenvalues a/2 and 2 − a/2, "
        "so H_j >= (c/2)(|Y_{j+1}|² + |Y_j|²); hence H_N <= H_0 exp(δ² V/c)")), net.show(
        log, [f"pd(A) and pd(4 * {one} - delta**2 * A)"],
        "for weights that stay as they are now: an eigenvalue a of δ²A gives a matrix of "
        "determinant 1 and trace 2 − a, and from some start its powers grow for a = 0 and a >= 4",
        necessary=True)])


@claim("derived (Theorem 2, leapfrog)", notion="uniform", expect=REFUTED,
       within=dict(flux=(net.IDENTITY, net.LEAKY, net.RELU), steps=(0, 1, 2, 3, 4)))
def leapfrog_is_stable_for_relu(flux, steps):
    """For ReLU, constant K, δ²‖K‖² <= 1 and Y₋₁ = Y₀: ‖Y_j − Ỹ_j‖ <= M ‖Y₀ − Ỹ₀‖ with M independent
    of j; here K = 1, δ = 1, the starts are 1 and 0, and after some steps the force must not vanish
    for ever.  (id and leaky ReLU for comparison.)"""
    log, linear = Transcript(), Transcript()
    step = Leapfrog(SymmetricLayer(net.SCALAR, flux), 1)
    V = step.jacobian(linear.give("x0", [1, 1])).text
    phi = flux(linear.term("0")).text
    x = step.start(log.give("y", [1]))
    for _ in range(steps):
        x = step(x)
    log.define("v", x[0] - x[1])
    name = flux(log.term("0")).text.split("(")[0]
    return Either(
        AllOf([FaceWithin(flux, "slope", ONE, ONE), bounded(linear, V),
               net.show(linear, [f"{phi} == 0"], "σ(x) = x, so V carries differences along")]),
        net.show(log, [f"{name}(0) == 0", "v < 0", f"all({name}({x.text}[0] + t * v) == 0 for t "
                                                    "in cells([0, inf]))"],
                  "there is no force at this state nor at any later one, Y moves on by v in each "
                  "step; the start 0 rests, so the difference grows linearly"))


@claim("derived (Theorem 2, leapfrog)", notion="bound",
       within=dict(K=(net.TALL,), delta=("1/4",), y=(1,), w=(2,), x=(3,), z=(4,),
                   flux=(net.IDENTITY, net.RELU, net.CLIP, net.LEAKY, net.SOFTSIGN)),
       for_all=dict(K=AnyOperator(), delta=Such(("1 - c*delta**2 >= 0",), "> 0"), y=AnyVector(),
                    w=AnyVector(), x=AnyVector(), z=AnyVector(), flux=AnyFlux(slopes=(0, 1))))
def leapfrog_is_stable_for_relu_corrected(K, delta, y, w, x, z, flux):
    """For nondecreasing σ with Lipschitz constant 1, weights that may change from step to step,
    δ²‖K(t_j)‖² <= 1 and Y₋₁ = Y₀: ‖Y_j − Ỹ_j‖ <= (81/50)ʲ ‖Y₀ − Ỹ₀‖ for all j.

    For all: a step from any Y_j = y, Y_{j−1} = w and Ỹ_j = x, Ỹ_{j−1} = z makes ‖y − x‖² +
    ‖(y − w) − (x − z)‖² at most (81/50)² times as large; at the start the second part is 0."""
    layer, delta = SymmetricLayer(K, flux), net.number(delta)

    def size(y, w, x, z):
        return squared_norm(y - x) + squared_norm((y - w) - (x - z))

    def after(y, w, x, z):
        moved = [2 * now - before + delta**2 * layer(now) for now, before in ((y, w), (x, z))]
        return size(moved[0], y, moved[1], x)

    given = {name: net.signal(K, value) for name, value in dict(y=y, w=w, x=x, z=z).items()}
    return AllOf([AtMost(after, lambda y, w, x, z: GROWTH**2 * size(y, w, x, z), given,
                         "one step of two solutions"),
                  Example(lambda: _grows_at_most(flux, GROWTH))])


GROWTH = Constant(Fraction(81, 50))


def _grows_at_most(flux, base):
    """By a power of `base`; or faster, for K = 1, δ = 1 and the starts 1 and 0."""
    log, here = Transcript(), Transcript()
    log.give("base", base)
    log.let += [["T(s)", "[[1 - s, 1], [-s, 1]]"]]
    everywhere = AllOf([FaceWithin(flux, "slope", Fraction(0), ONE), net.show(
        log, ["psd(base**2 * I(2) - T(0).T @ T(0)) and psd(base**2 * I(2) - T(1).T @ T(1))"],
        "the difference e_j and e_j − e_{j−1} are multiplied by T(S), S = δ²K'diag(p)K with "
        "difference quotients 0 <= p <= 1 of σ, so 0 <= S <= I; for each eigenvalue s of S the "
        "norm of T(s) is convex in s, and at the start e_0 − e_{−1} = 0")])
    step = Leapfrog(SymmetricLayer(net.SCALAR, flux), 1)
    x, w = (step.start(here.give(name, [value])) for name, value in (("y", 1), ("w", 0)))
    here.give("base", base)
    shows = []
    for j in range(1, 5):
        x, w = step(x), step(w)
        shows.append(f"abs({x.text}[0] - {w.text}[0]) <= base**{j}")
    return net.at_a_state(everywhere, here, shows, "four steps from 1 and from 0")
