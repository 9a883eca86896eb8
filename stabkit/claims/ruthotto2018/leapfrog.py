"""Leapfrog for the second-order network (Section 3.3), and the weights of the experiments."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from stabkit.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.claims.ruthotto2018.growth import bounded
from stabkit.operators import norm_squared, operator_norm
from stabkit.property import AllOf, Calculation, Identity, Not
from stabkit.rational import fractions
from stabkit.schemes import Chain, Leapfrog, SymmetricLayer, reverse
from stabkit.transcript import Transcript
from stabkit.verdict import REFUTED

START = "We set Y₋₁ = Y₀ to denote the initial condition"


@claim("after the leapfrog formula", weight="minor",
       within=dict(K=net.ANY_K[:3], flux=net.RATIONAL, depth=(1, 2)))
def leapfrog_is_reversible(K, flux, depth):
    """Y_{j−1} = 2Y_j − Y_{j+1} + δ²F_sym(θ(t_j), Y_j) inverts the leapfrog step exactly; here the
    weights are doubled after each step."""
    bias = net.state(K.shape[0], 8)
    network = Chain([Leapfrog(SymmetricLayer(2**j * K, flux, bias=bias), "2/3")
                     for j in range(depth)])
    back = reverse(network)
    return Identity(lambda x: back(network(x)), lambda x: x, dict(x=net.state(network.size, 4)),
                    "Y_{j+1} + Y_{j−1} = 2Y_j + δ²F(Y_j) is symmetric in its outer members and F "
                    "depends on Y_j alone")


def _constant_force(value, delta, second_order):
    """Three steps for σ = c, K = 1 from Y₀ = 0, against y(t) = −ct²/2."""
    log = Transcript()
    step = Leapfrog(SymmetricLayer(net.SCALAR, net.constant(Fraction(value))), delta)
    log.give("c", value)
    states = [step.start(log.give("y", [0]), second_order=second_order)]
    for _ in range(3):
        states.append(step(states[-1]))
    start = "(j + 1)" if not second_order else "j"
    log.let.append(["Y(j)", f"-(c * delta**2 * j * {start} / 2)"])
    shows = [f"{state.text}[0] == Y({j}) and {state.text}[1] == Y({j} - 1)"
             for j, state in enumerate(states)]
    return log, shows


@claim(START, notion="order", weight="minor", quote=START, expect=REFUTED,
       within=dict(value=("0", "1", "-1"), delta=("1/2", "1/10")))
def leapfrog_start_is_second_order(value, delta):
    """With the start Y₋₁ = Y₀ the leapfrog solution has a global error O(δ²) against (11), for
    smooth σ; here σ is constant and K = 1."""
    log, shows = _constant_force(value, delta, second_order=False)
    return Not(net.shown(
        log, [*shows, "Y(3) + c * (3 * delta)**2 / 2 == -(c * delta / 2) * (3 * delta)", "c != 0"],
        "y(t) = −ct²/2 solves (11), and Y_j = −cδ²j(j+1)/2 solves the recursion with this start "
        "for every j (its second difference is −cδ²): Y_j − y(jδ) = −(cδ/2) jδ, so the error at "
        "time T is exactly |c|δT/2: first order"))


@claim("derived (the start of leapfrog)", notion="order", weight="minor",
       within=dict(value=("1", "-2/3"), delta=("1/2", "1/10"), k=("1", "1/2", "3")))
def leapfrog_start_is_second_order_corrected(value, delta, k):
    """With the start Y₋₁ = Y₀ + (δ²/2)F_sym(Y₀), which makes Y₁ = Y₋₁, the leapfrog solution has a
    global error O(δ²); for σ = id and an eigenvalue k² of KᵀK it is at most T k³δ²/20 at time T, as
    long as kδ <= 1."""
    log, shows = _constant_force(value, delta, second_order=True)
    exact = net.shown(log, [*shows, "Y(3) == -(c * (3 * delta)**2 / 2)"],
                      "for a constant force there is no error at all")
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


@claim("derived (leapfrog)", notion="uniform",
       within=dict(K=ROUND_K, ratio=(HALF, Fraction(9, 10), Fraction(999, 1000))),
       beyond=dict(ratio=(ONE, *BEYOND)))
def leapfrog_step_bound(K, ratio):
    """For σ = id, constant K, singular or not, Y₋₁ = Y₀ and δ²‖K‖² < 4:
    ‖Y_j‖ <= (1 − δ²‖K‖²/4)^(−1/2) ‖Y₀‖ for all j; here δ = ratio · 2/‖K‖."""
    n, log = K.shape[1], Transcript()
    step = Leapfrog(SymmetricLayer(K, net.IDENTITY), _delta(K, ratio))
    V = step.jacobian(log.give("x0", [0] * (2 * n))).text
    one = f"I({n})"
    log.let += [["A", "K.T @ K"], ["S", f"{one} - delta**2 / 2 * A"],
                ["G", f"kron([[1, 0], [0, 1]], {one}) - kron([[0, 1], [1, 0]], S)"]]
    log.give("square", norm_squared(K).upper)
    return net.shown(
        log, [f"pd(4 / delta**2 * {one} - A)", f"psd(square * {one} - A)",
              f"delta**2 * square < 4 and {V}.T @ G @ {V} == G",
              f"{one} - S @ S == delta**2 * (A @ ({one} - delta**2 / 4 * A))",
              f"2 * ({one} - S) == delta**2 * A"],
        "G is conserved; at Y₋₁ = Y₀ it is δ²Y₀·AY₀, and for given Y_j at least Y_j·(I − S²)Y_j: "
        "per eigenvalue a of A, a(1 − δ²a/4)y_j² <= a y₀², and y_j = y₀ for a = 0.  Where the "
        "first condition fails, Y_j grows along an eigenvector with δ²a >= 4, at least linearly",
        necessary=True)


@claim("derived (leapfrog)", notion="uniform", expect=REFUTED,
       within=dict(K=ROUND_K[:2], ratio=(HALF, ONE)))
def leapfrog_step_bound_at_equality(K, ratio):
    """For σ = id, constant K, Y₋₁ = Y₀ and δ²‖K‖² <= 4, ‖Y_j‖ is bounded uniformly in j; here
    δ = ratio · 2/‖K‖."""
    step, log = Leapfrog(SymmetricLayer(K, net.IDENTITY), _delta(K, ratio)), Transcript()
    V = step.jacobian(log.give("x0", [0, 0])).text
    return bounded(log, V, step.jacobian(fractions([0, 0])), [1, 1])


@claim("derived (leapfrog)", notion="uniform",
       within=dict(K=ROUND_K, ratio=(HALF, Fraction(9, 10), ONE)),
       beyond=dict(ratio=BEYOND))
def leapfrog_step_bound_at_equality_corrected(K, ratio):
    """For σ = id, constant K, singular or not, δ²‖K‖² <= 4 and the second-order start
    Y₋₁ = Y₀ + (δ²/2)F_sym(Y₀): ‖Y_j‖ <= ‖Y₀‖ for all j, at equality too; here
    δ = ratio · 2/‖K‖."""
    n, log = K.shape[1], Transcript()
    step = Leapfrog(SymmetricLayer(K, net.IDENTITY), _delta(K, ratio))
    x = step.start(log.give("y", net.state(n, 3)), second_order=True)
    one = f"I({n})"
    states = [x := step(x) for _ in range(3)]
    log.let += [["A", f"{one} - delta**2 / 2 * (K.T @ K)"], ["y1", "A @ y"],
                ["y2", "2 * (A @ y1) - y"], ["y3", "2 * (A @ y2) - y1"]]
    shows = [f"psd({one} + A) and psd({one} - A)",
             *(f"{state.text}[:{n}] == y{j}" for j, state in enumerate(states, 1)),
             "norm2(y1) <= norm2(y) and norm2(y2) <= norm2(y) and norm2(y3) <= norm2(y)"]
    return net.shown(log, shows, "Y_j = T_j(A) Y₀ with the Chebyshev polynomials, by their "
                                 "recursion; A is symmetric with its spectrum in [−1, 1], where "
                                 "|T_j| <= 1; outside |T_j| grows", necessary=True)


SIZES = ("0", "1/2", "1", "3/2")


@claim("derived (leapfrog)", notion="uniform", expect=REFUTED,
       within=dict(word=tuple(product(SIZES, repeat=2))))
def leapfrog_step_bound_for_changing_weights(word):
    """For σ = id, K(t_j) that change from step to step, δ²‖K(t_j)‖² <= 3 for every j and Y₋₁ = Y₀,
    ‖Y_j‖ is bounded uniformly in j; here n = 1, δ = 1, and the weights of two steps are repeated
    for ever."""
    log, names, total = Transcript(), [], None
    origin = log.give("x0", [0, 0])
    for k in word:
        step = Leapfrog(SymmetricLayer(net.weights([[k]]), net.IDENTITY), 1)
        names.append(step.jacobian(origin).text)
        matrix = step.jacobian(fractions([0, 0]))
        total = matrix if total is None else matrix @ total
    P = log.define("P", log.term(" @ ".join(reversed(names)))).text
    return bounded(log, P, total, [1, 1])


@claim("derived (leapfrog)", notion="uniform",
       within=dict(change=("1 1/2; 1/2 1 | 2 0; 0 1", "1 | 2", "3 | 1/2"), seed=(1, 2)))
def leapfrog_step_bound_for_changing_weights_corrected(change, seed):
    """For σ = id let A_j = K(t_j)ᵀK(t_j) >= m I > 0, δ²A_j <= 3 I and V = Σ‖A_j − A_{j−1}‖ finite
    (in particular after finitely many changes).  Then with any start ‖Y_j‖ is bounded uniformly in
    j.  Shown for one step, B | A the matrices before and now, δ = 1."""
    B, A = ([row.split() for row in part.split(";")] for part in change.split("|"))
    n = len(A)
    given = dict(A=A, B=B, delta=1, m=HALF, y=net.state(n, seed), x=net.state(n, seed + 1))
    let = [("z", "2 * y - x - delta**2 * (A @ y)"),
           ("now", "norm2(z - y) + delta**2 * (z @ (A @ y))"),
           ("before", "norm2(y - x) + delta**2 * (y @ (B @ x))"), ("c", "min(delta**2 * m, 1) / 2"),
           ("form", "kron([[1, -1], [-1, 1]], "
                    f"I({n})) + delta**2 / 2 * kron([[0, 1], [1, 0]], A)")]
    return Calculation(given, let, [
        "now - before == delta**2 * (x @ ((A - B) @ y))",
        f"psd(A - m * I({n})) and psd(3 * I({n}) - delta**2 * A)",
        f"psd(form - c / 2 * I({2 * n}))"], (
        "H_j = |Y_{j+1} − Y_j|² + δ²Y_{j+1}·A_jY_j changes only by δ²Y_{j−1}·(A_j − A_{j−1})Y_j; "
        "per eigenvalue a of δ²A_j, m δ² <= a <= 3, its form has the eigenvalues a/2 and 2 − a/2, "
        "so H_j >= (c/2)(|Y_{j+1}|² + |Y_j|²); hence H_N <= H_0 exp(δ² V/c)"))


@claim("derived (Theorem 2, leapfrog)", notion="uniform", expect=REFUTED,
       within=dict(flux=(net.IDENTITY, net.LEAKY, net.RELU), steps=(0, 1, 2, 3, 4)))
def leapfrog_is_stable_for_relu(flux, steps):
    """For ReLU, constant K, δ²‖K‖² <= 1 and Y₋₁ = Y₀: ‖Y_j − Ỹ_j‖ <= M ‖Y₀ − Ỹ₀‖ with M independent
    of j; here K = 1, δ = 1, the starts are 1 and 0, and after some steps the force must not vanish
    for ever.  (id and leaky ReLU for comparison.)"""
    log = Transcript()
    step = Leapfrog(SymmetricLayer(net.SCALAR, flux), 1)
    x = step.start(log.give("y", [1]))
    for _ in range(steps):
        x = step(x)
    log.define("v", x[0] - x[1])
    phi = flux(log.term("0")).text.split("(")[0]
    return Not(net.shown(
        log, [f"{phi}(0) == 0", "v < 0", f"all({phi}({x.text}[0] + t * v) == 0 for t in "
                                         "cells([0, inf]))"],
        "there is no force at this state nor at any later one, Y moves on by v in each step; the "
        "start 0 rests, so the difference grows linearly"))


# Channels per block, channels after the last connector, classes; the counts of Table 1.
NETWORKS = {
    "STL-10": ([16, 32, 64, 128], 128, 10, 618554, 324794),
    "CIFAR-10": ([32, 64, 112], 112, 10, 502570, 264106),
    "CIFAR-100": ([32, 64, 128], 256, 100, 652484, 362180),
}


@claim("Table 1, Section 5", weight="minor", within=dict(dataset=tuple(NETWORKS)))
def weight_counts(dataset):
    """The networks of Section 5 have 618554 (parabolic, second order) and 324794 (Hamiltonian)
    weights for STL-10, 502570 and 264106 for CIFAR-10, 652484 and 362180 for CIFAR-100; the
    Hamiltonian ones need about half."""
    channels, last, classes, whole, half = NETWORKS[dataset]
    let = [("opening", "27 * c[0] + 2 * c[0]"), ("stencils", "3 * 9 * (c @ c)"),
           ("split", "3 * 2 * 9 * (c @ c) / 4"), ("affine", "3 * 2 * sum(c)"),
           ("to", "concat(c[1:], [last])"), ("connectors", "c @ to + 2 * sum(to)"),
           ("classifier", "last * classes + classes"),
           ("rest", "opening + affine + connectors + classifier")]
    return Calculation(dict(c=channels, last=last, classes=classes), let,
                       [f"stencils + rest == {whole}", f"split + rest == {half}",
                        f"1/2 < {half} / {whole} and {half} / {whole} < 14/25"],
                       "opening 3 → c₁; per block three symmetric layers of 3×3 stencils c → c, or "
                       "two of c/2 → c/2; scale and bias in each normalisation; connectors 1×1 "
                       "with normalisation; the classifier with its bias",
                       necessary=True)
