"""The Hamiltonian network in continuous time (Section 3.2)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from stabkit.arithmetic.rational import fractions, solve
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.configurations import HALF
from stabkit.claims.related_classes import AnyEigenpair
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.classes import AnyFlux, AnyOperator, AnyVector, ForExamples, Positive, Such
from stabkit.errors import InvalidArgument
from stabkit.operators import norm_squared
from stabkit.proof.maps import Eigenpair
from stabkit.schemes import SymmetricLayer, TotalVariation
from stabkit.stability.notions import inner, squared_norm
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    Either,
    Example,
    FaceWithin,
    Identity,
)
from stabkit.stability.verdict import REFUTED

SLOWLY = "sufficiently slow"
UP = "[[0, 1], [0, 0]]"
IMAGINARY = ["trace(P) >= 0 and det(P) >= 0", "trace(P)**2 >= 4 * det(P)"]
ROOTS = ("the squares of the eigenvalues of [[0, A], [−C, 0]] are minus those of P = AC; ")


#: λ = i of [[0, 1], [−1, 0]], with the eigenvector (1, i).
TURN = ("0", "1", ("1",), ("0",), ("0",), ("1",))


@claim("Section 3.2", notion="spectrum",
       within=dict(K=(net.SCALAR,), H=(net.SCALAR,), flux=(net.IDENTITY,), Y=(1,), Z=(2,),
                   eigen=(TURN,), pair=net.PAIRS, first=("1", "0 1 3"), second=("1/4", "2 0")),
       for_all=dict(K=AnyOperator(), H=AnyOperator("N", "P"), flux=AnyFlux(slopes=(0, "L")),
                    Y=AnyVector(), Z=AnyVector(), eigen=AnyEigenpair(), pair=ForExamples(),
                    first=ForExamples(), second=ForExamples()))
def hamiltonian_jacobian_is_imaginary(K, H, flux, Y, Z, eigen, pair, first, second):
    """For N = id and σ′ >= 0 all eigenvalues of [[0, K₁ᵀD₁K₁], [−K₂ᵀD₂K₂, 0]], D = diag(σ′) >= 0,
    have real part 0; in the examples the entries of D₁ and D₂ run through the given numbers.

    For all, with any L above the slopes: an eigenvalue a + ib with the eigenvector x + iy has
    a²(a² + b²)(‖x‖² + ‖y‖²) <= 0, so a = 0."""
    symbolic = isinstance(eigen, Eigenpair)
    a, b, p, r, q, s = (eigen.a, eigen.b, eigen.p, eigen.r, eigen.q, eigen.s) if symbolic else (
        *map(net.number, eigen[:2]), *map(fractions, eigen[2:]))
    B = SymmetricLayer(K, flux).jacobian(net.signal(K, Z)) * -1
    C = SymmetricLayer(H, flux).jacobian(net.signal(H, Y)) * -1
    for left in (B @ q - a * p + b * r, B @ s - a * r - b * p,
                 -(C @ p) - a * q + b * s, -(C @ r) - a * s - b * q):
        if symbolic:
            eigen.vanishes(left)
        elif any(left):
            raise InvalidArgument("eigen: is no eigenvalue with its eigenvector")
    return AllOf([
        AtMost(lambda p, r, q, s: a**2 * (a**2 + b**2) * sum(
            (squared_norm(x) for x in (r, q, s)), squared_norm(p)),
            lambda p, r, q, s: 0, dict(p=p, r=r, q=q, s=s), "of an eigenvector"),
        Example(lambda: _jacobian_is_imaginary(pair, first, second))])


def _jacobian_is_imaginary(pair, first, second):
    K, H = net.pair(pair)
    n, log = K.shape[1], Transcript()
    for name, made, slopes in (("K", K, first.split()), ("H", H, second.split())):
        log.give_once(made, name, made.exact)
        log.give(f"d{name}", [slopes[i % len(slopes)] for i in range(made.shape[0])])
    log.let += [["A", "K.T @ diag(dK) @ K"], ["C", "H.T @ diag(dH) @ H"], ["P", "A @ C"],
                ["J", f"kron({UP}, A) - kron({UP}.T, C)"]]
    parts = [*net.rank_one_parts(K), *net.rank_one_parts(H, "H"), "psd(A) and psd(C)",
             "J @ J == -(kron([[1, 0], [0, 0]], P) + kron([[0, 0], [0, 1]], C @ A))"]
    return AllOf([
        net.show(log, parts, ROOTS + "A, C >= 0 as sums of nonnegative multiples of k_i k_i', "
                  "and AC has the eigenvalues of A^(1/2) C A^(1/2) >= 0: real and >= 0"),
        net.show(log, IMAGINARY if n == 2 else ["P[0, 0] >= 0"],
                  ROOTS + "they are real and >= 0 exactly if this holds", necessary=True)])


def _with_tv(m, u, flux):
    """A and C of N_tv at K Z = u and H Y = (|u₁|, |u₂|), with two channels, H = id."""
    K, H, log = net.triangle(m), net.weights([[1, 0], [0, 1]], "H"), Transcript()
    normalisation = TotalVariation(net.eps_for(u), 2)
    for name, made, x in (("A", K, u), ("C", H, tuple(map(abs, u)))):
        layer = SymmetricLayer(made, flux, normalisation)
        state = log.give("Z" if name == "A" else "Y", net.before(made, x))
        log.define(name, -layer.jacobian(state))
    log.let.append(["P", "A @ C"])
    return log


@claim("Section 3.2 with eq. (9)", notion="spectrum", expect=REFUTED,
       within=dict(m=net.LOWER_TRIANGLES, u=net.TWO_CHANNELS))
def hamiltonian_jacobian_is_imaginary_with_tv_normalisation(m, u):
    """For N = N_tv, ε > 0, σ = ReLU, no scaling or bias, all eigenvalues of the Jacobian of the
    Hamiltonian network have real part 0 wherever it exists.

    Decided for one pixel with two channels, K₁ = [[1, 0], [−m, 1]], K₁Z = u, K₂ = id,
    Y = (|u₁|, |u₂|)."""
    return _imaginary_here(_with_tv(m, u, net.RELU))


@claim("derived (Section 3.2 with eq. (9))", notion="spectrum",
       within=dict(m=(0, 1, 2, 5), u=net.TWO_CHANNELS[::3]))
def hamiltonian_jacobian_is_imaginary_with_tv_normalisation_corrected(m, u):
    """For N = N_tv and σ = id, any number of channels, all eigenvalues of the Jacobian of the
    Hamiltonian network have real part 0."""
    return _imaginary_with_tv(m, u, net.IDENTITY)


def _imaginary_with_tv(m, u, flux):
    log = _with_tv(m, u, flux)
    return AllOf([
        net.show(log, ["psd(A) and psd(C)"],
                  ROOTS + "A, C >= 0, because N_tv′ has the eigenvalues 1/r and ε/r³ > 0"),
        _imaginary_here(log)])


def _imaginary_here(log):
    return net.show(log, IMAGINARY, ROOTS + "they are real and >= 0 exactly if these conditions "
                     "hold", necessary=True)


@claim("Section 3.2", notion="uniform", quote=SLOWLY, expect=REFUTED,
       within=dict(flux=(net.IDENTITY, net.LEAKY, net.RELU),
                   start=tuple(product((0, 1, -1), repeat=2))[1:]))
def hamiltonian_network_is_stable(flux, start):
    """For nondecreasing σ and sufficiently slowly changing, in particular constant, weights the
    Hamiltonian network is stable in the sense of (6); here K₁ = K₂ = 1, and a start must not leave
    on a straight line while 0 rests."""
    log = Transcript()
    layer = SymmetricLayer(net.SCALAR, flux)
    y, z = (log.give(name, [x]) for name, x in zip("yz", start, strict=True))
    log.define("v", -layer(z))
    log.define("w", layer(y))
    phi = log.let[0][0].split("(")[0]
    zero = f"{phi}(0) == 0"
    along = (f"all({phi}(z[0] + t * w[0]) == v[0] and -{phi}(y[0] + t * v[0]) == w[0] "
             "for t in cells([0, inf]))")
    turning = AllOf([FaceWithin(flux, "slope", Fraction(1), Fraction(1)), net.show(
        log, [zero, "y[0] * v[0] + z[0] * w[0] == 0"],
        "σ(x) = x: (v, w) is perpendicular to (y, z), as for every pair of solutions, so their "
        "distance stays as it is")])
    return Either(turning, net.show(
        log, [zero, along, "v[0]**2 + w[0]**2 > 0"],
        "(v, w) is the velocity (−F(Z), F(Y)) at the start, and it stays so along the ray: the "
        "solution is the start plus T(v, w); 0 rests, so the ratio grows like T"))


# Pairs with rational norms, also of their inverses.
REGULAR = ("2 | 1", "1 | 1/3", "2 1; 1 2 | 1 0; 0 2", "3 0; 0 1 | 2 1; 1 2", "0 -2; 2 0 | 2 1; 1 2")


@claim("Section 3.2", notion="uniform", within=dict(pair=REGULAR))
def hamiltonian_network_is_stable_corrected(pair):
    """For σ = id, constant weights and B = K₁ᵀK₁, C = K₂ᵀK₂ positive definite, (6) holds with
    M² = max(λmax(B), λmax(C))/min(λmin(B), λmin(C)).  For K₁ = 2, K₂ = 1 the factor 2 is
    attained."""
    return _is_bounded(pair)


def _is_bounded(pair, share=1):
    """(6) with share times the constant, by the form that is conserved; or a solution beyond.

    Where J² = −w2·I the flow is cos wT + J sin(wT)/w, which takes x to J x/w at T = π/(2w).
    """
    K, H = net.pair(pair)
    n, log = K.shape[1], Transcript()
    inverses = [net.weights(solve(X.exact(), _unit(n))) for X in (K, H)]
    for name, made in (("K", K), ("H", H)):
        log.give_once(made, name, made.exact)
    log.give("high", max(norm_squared(X).upper for X in (K, H)))
    log.give("low", min(1 / norm_squared(X).upper for X in inverses))
    log.give("share", share)
    log.give("x", [0] * n + [1] * n)
    log.let += [["B", "K.T @ K"], ["C", "H.T @ H"],
                ["J", f"kron({UP}, B) - kron({UP}.T, C)"], ["w2", f"trace(B @ C) / {n}"],
                ["Q", "kron([[1, 0], [0, 0]], C) + kron([[0, 0], [0, 1]], B)"]]
    one = f"I({2 * n})"
    extreme = f"det(Q - low * {one}) == 0 and det(high * {one} - Q) == 0"
    return AllOf([
        net.show(log, [
            "Q @ J + J.T @ Q == 0", f"psd(Q - low * {one}) and psd(high * {one} - Q)",
            f"low > 0 and {extreme}", "share >= 1"],
            "x'Qx = Y'CY + Z'BZ is conserved and low |x|² <= x'Qx <= high |x|², low and high the "
            "extreme eigenvalues: |x(T)|² <= (high/low)|x(0)|²"),
        net.show(log, [
            f"not ({extreme} and J @ J == -(w2 * {one})) or "
            "norm2(J @ x) <= share * high / low * w2 * norm2(x)"],
            "if J² = −w2·I, the flow takes x to J x/√w2 after a quarter of its period",
            necessary=True)])


def _unit(n):
    return [[int(i == j) for j in range(n)] for i in range(n)]


@claim("derived (Section 3.2)", notion="bound",
       within=dict(K=(net.TALL,), H=(net.weights([[2, 1], [1, "1/2"]], "H"),),
                   flux=(net.IDENTITY, net.RELU, net.SOFTSIGN, net.CLIP), w=("1",), g=("16",),
                   y=(1,), v=(2,), z=(3,), x=(4,),
                   pair=("1 | 2", "1 1; 1 -1 | 2 2; -2 2", "3 | 1/2", "2 1; 1 2 | 1 0; 0 3")),
       for_all=dict(K=AnyOperator(), H=AnyOperator("N", "P"), flux=AnyFlux(slopes=(0, "L")),
                    w=Positive(), g=Such(("g - w*L*c >= 0", "g*w - L*c_H >= 0"), "> 0"),
                    y=AnyVector(), v=AnyVector(), z=AnyVector(), x=AnyVector(),
                    pair=ForExamples()))
def hamiltonian_network_growth_bound(K, H, flux, w, g, y, v, z, x, pair):
    """For nondecreasing L-Lipschitz σ, any K₁(t), K₂(t), rᵢ = L sup‖Kᵢ‖² > 0 and w² = r₂/r₁, the
    difference e of any two solutions has ‖e(T)‖ <= max(w, 1/w) exp(T√(r₁r₂)/2) ‖e(0)‖.

    Shown is, for g >= wL‖K₁‖² and gw >= L‖K₂‖², that the derivative of w²‖e_Y‖² + ‖e_Z‖² at any
    two states is at most g times it; with g = √(r₁r₂) the bound is Gronwall's inequality."""
    first, second = SymmetricLayer(K, flux), SymmetricLayer(H, flux)
    w, g = net.number(w), net.number(g)
    y, v, z, x = (net.signal(K, state) for state in (y, v, z, x))
    return AllOf([
        AtMost(lambda y, v, z, x: 2 * (w**2 * inner(y - v, -first(z) + first(x))
                                       + inner(z - x, second(y) - second(v))),
               lambda y, v, z, x: g * (w**2 * squared_norm(y - v) + squared_norm(z - x)),
               dict(y=y, v=v, z=z, x=x), "at the states (y, z) and (v, x)"),
        Example(lambda: _growth_is_bounded(pair, flux))])


def _growth_is_bounded(pair, flux, share=1):
    """With share · T√(r₁r₂)/2 in the exponent; or a difference that grows beyond.

    For σ(x) = L x and K₂ = 0 until the time s/√(r₁r₂) the difference (1/w, 1) becomes
    ((1 + s)/w, 1) there, as r₁ = √(r₁r₂)/w."""
    K, H = net.pair(pair)
    L, n = flux.facts.lipschitz, K.shape[1]
    given = dict(K=K.exact(), H=H.exact(), L=L, r1=L * norm_squared(K).upper,
                 r2=L * norm_squared(H).upper, share=share, s=HALF)
    let = [("w", "sqrt(r2 / r1)"), ("growth", "sqrt(r1 * r2)"), ("cost", "max(w, 1/w)")]
    return AllOf([Either(FaceWithin(flux, "slope", Fraction(0), L)), Calculation(
        given, let, [
            f"psd(r1 * I({n}) - L * (K.T @ K)) and psd(r2 * I({n}) - L * (H.T @ H))",
            *net.rank_one_parts(K), *net.rank_one_parts(H, "H"),
            "w**2 == r2 / r1 and w * r1 == growth and r2 / w == growth", "share >= 1"],
        "x = (w e_Y, e_Z) obeys x' = S x with S = [[0, wA], [−C/w, 0]], A = K'diag(p)K and "
        "C = H'diag(q)H with difference quotients 0 <= p, q <= L, so 0 <= A <= r1, 0 <= C <= r2. "
        "S + S' has the block wA − C/w between −growth and growth, so |x| grows at most by "
        "exp(T growth/2); the weights cost max(w, 1/w)"), Calculation(
        given, let, ["(1 + s)**2 / w**2 + 1 <= cost**2 * exp(share * s) * (1 / w**2 + 1)"],
        "the squares of the lengths of a difference and of its bound", necessary=True)])


@claim("Sections 1 and 6 (conserve energy)", notion="energy", quote="conserve energy",
       within=dict(K=(net.TALL,), H=(net.weights([[2, 1], [1, "1/2"]], "H"),), flux=net.RATIONAL,
                   Y=(3,), Z=(4,), v=(5,), pair=net.PAIRS),
       for_all=dict(K=AnyOperator(), H=AnyOperator("N", "P"), flux=AnyFlux(), Y=AnyVector(),
                    Z=AnyVector(), v=AnyVector(), pair=ForExamples()))
def hyperbolic_networks_conserve_an_energy(K, H, flux, Y, Z, v, pair):
    """With constant weights and σ = s′ continuous the Hamiltonian network conserves
    Σᵢ s((K₂Y)ᵢ) + Σᵢ s((K₁Z)ᵢ), and the second-order network ‖Ẏ‖²/2 + Σᵢ s((K Y)ᵢ).

    Shown is that the derivatives σ(K₂Y)·K₂Ẏ + σ(K₁Z)·K₁Ż and Ẏ·Ÿ + σ(K Y)·K Ẏ vanish."""
    first, second = SymmetricLayer(K, flux), SymmetricLayer(H, flux)
    Y, Z, v = (net.signal(K, x) for x in (Y, Z, v))
    return AllOf([
        Identity(lambda Y, Z: inner(flux(H @ Y), H @ first(Z)),
                 lambda Y, Z: inner(flux(K @ Z), K @ second(Y)), dict(Y=Y, Z=Z),
                 "∂ₜY = −F₁(Z), ∂ₜZ = F₂(Y): the two parts of the derivative cancel"),
        Identity(lambda Y, v: inner(v, first(Y)), lambda Y, v: -inner(flux(K @ Y), K @ v),
                 dict(Y=Y, v=v), "∂ₜ²Y = F(Y), with the velocity v"),
        Example(lambda: _conserves(pair, flux))])


def _conserves(pair, flux, sign=1):
    """With ∂ₜY = −sign · F_sym(θ₁, Z), ∂ₜ²Y = sign · F_sym(θ, Y)."""
    K, H = net.pair(pair)
    n, log = K.shape[1], Transcript()
    for name, made in (("K", K), ("H", H)):
        log.give_once(made, name, made.exact)
    log.give("a", net.state(K.shape[0], 1))
    log.give("b", net.state(H.shape[0], 2))
    Y, Z, v = (log.give(name, net.state(n, seed)) for seed, name in enumerate("YZv", 3))
    log.define("dY", -sign * SymmetricLayer(K, flux)(Z))
    log.define("dZ", SymmetricLayer(H, flux)(Y))
    force = log.define("force", sign * SymmetricLayer(K, flux)(Y))
    slope = f"{flux(H @ Y).text} @ (H @ dY) + {flux(K @ Z).text} @ (K @ dZ)"
    return net.show(
        log, [f"{slope} == 0", f"{v.text} @ {force.text} + {flux(K @ Y).text} @ (K @ v) == 0",
              "b @ (H @ (K.T @ a)) - a @ (K @ (H.T @ b)) == 0"],
        "chain rule: the derivative of the energy is b·K₂(K₁'a) − a·K₁(K₂'b) with the activations "
        "a = σ(K₁Z), b = σ(K₂Y), zero for any a and b; v is the velocity of the second-order "
        "network", necessary=True)
