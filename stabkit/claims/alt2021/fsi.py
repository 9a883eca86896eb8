"""Fast semi-iterative cycles (Section 2.6)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from stabkit import fluxes
from stabkit.aliases import Signal
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.configurations import (
    ANY_K,
    HALF,
    NONLINEAR,
    ONE,
    REFLECTING_FIRST,
    constant,
    draw_signal,
)
from stabkit.classes import (
    AnyCount,
    AnyFlux,
    AnyLength,
    AnyOperator,
    AnyReal,
    AnyVector,
    ForExamples,
    Positive,
    UpTo,
)
from stabkit.operators import difference, from_matrix, stable_step
from stabkit.schemes import FSI, Explicit
from stabkit.schemes.diffusion import weights_of_extrapolation
from stabkit.stability.certificates import cycle_polynomial
from stabkit.stability.notions import EUCLIDEAN, RANGE, SIGN, squared_norm
from stabkit.stability.property import (
    AllOf,
    Always,
    AtMost,
    Calculation,
    Example,
    Identity,
    Stable,
)
from stabkit.stability.verdict import REFUTED

SUPER = "This cycle realises a super time step of size L(L+1)/3 τ"
LENGTHS = tuple(range(1, 13))


@claim("eq. (7)", weight="minor", expect=REFUTED,
       quote="an FSI acceleration with cycle length L reads",
       within=dict(K=REFLECTING_FIRST[:2], level=("0", "1"), length=(1, 2)))
def fsi_formula(K, level, length):
    """Eq. (7) as printed, u^{l+1} = α_l (I − τKᵀΦ(K uˡ)) + (1 − α_l) u^{l−1} with I read as the
    number 1 in each entry, keeps every u with K u = 0."""
    cycle = FSI(K, fluxes.soft(), HALF, length, printed=True)
    return Identity(cycle, lambda u: u, dict(u=[level] * K.shape[1]), "K u = 0 for constants")


@claim("eq. (7)", weight="minor", quote="an FSI acceleration with cycle length L reads",
       within=dict(K=REFLECTING_FIRST[:3], flux=(fluxes.identity(), fluxes.soft(),
                                                 fluxes.rational()), length=(1, 2, 5)))
def fsi_formula_corrected(K, flux, length):
    """u^{l+1} = α_l (uˡ − τKᵀΦ(K uˡ)) + (1 − α_l) u^{l−1}, u^{−1} := u⁰, keeps every u with
    K u = 0; its first inner step is an explicit step of size (2/3)τ."""
    tau = Fraction(1, 2)
    u = [Fraction((-1) ** i * (i + 2), 3) for i in range(K.shape[1])]
    return AllOf([
        Identity(FSI(K, flux, tau, length), lambda u: u, dict(u=["5/7"] * K.shape[1]),
                 "K u = 0 for constants"),
        Identity(FSI(K, flux, tau, 1), Explicit(K, flux, Fraction(2, 3) * tau), dict(u=u),
                 "α₀ = 2/3 and u^{−1} = u⁰")])


#: Any matrix, step and signal; Φ = id.
LINEAR = dict(K=(difference(1, 3),), tau=("1/3",), u=(1,), length=LENGTHS)
ANY_LINEAR = dict(K=AnyOperator(), tau=Positive(), u=AnyVector(), length=ForExamples())


def _inner_step(cycle: FSI, now: Any, before: Any, number: Any) -> tuple:
    kept, _ = cycle.begin(now)
    return cycle.following(kept, (now, before), number)


def _descent(cycle: FSI, u: Signal) -> Any:
    """τAu."""
    return constant(cycle.tau) * (cycle.K.T @ (cycle.K @ u))


@claim("derived (eq. (7))", within=LINEAR, for_all=ANY_LINEAR)
def fsi_cycle_polynomial(K, tau, u, length):
    """For Φ = id and A = KᵀK the cycle is uⁿ = p_n(τA) u⁰ with
    p_n(1 − cos t) = (1 + 2 Σ_{k=1}^n cos kt)/(2n + 1) = sin((n + ½)t)/((2n + 1) sin(t/2)).

    For all, with cos kt = T_k(1 − z) by the recursion of Chebyshev's polynomials at z = τA and
    W_n = (1 + 2 ΣT_k)u⁰: (2n + 1)uⁿ = W_n, and z W_n = (T_n − T_{n+1})u⁰, where
    cos nt − cos (n + 1)t = 2 sin((n + ½)t) sin(t/2) and z = 2 sin²(t/2)."""
    cycle = FSI(K, fluxes.identity(), tau)

    def start(u: Signal) -> tuple:
        return u, u, u, u - _descent(cycle, u), u

    def step(now: Any, before: Any, t: Any, following: Any, total: Any, number: Any) -> tuple:
        # t and `following` are T_l and T_{l+1} of 1 − τA, applied to u⁰
        return (*_inner_step(cycle, now, before, number), following,
                2 * (following - _descent(cycle, following)) - t, total + 2 * following)

    def kernel(state: tuple, u: Signal, number: Any) -> Any:
        return (2 * constant(number) + 1) * state[0] - state[4]

    def sines(state: tuple, u: Signal, number: object) -> Any:
        return _descent(cycle, state[4]) - (state[2] - state[3])

    return AllOf([*(Always(start, step, margin, dict(u=draw_signal(u, K)), "==", counted=True)
                    for margin in (kernel, sines)),
                  Example(lambda: _kernel_of_dirichlet(length))])


def _kernel_of_dirichlet(length: int) -> Calculation:
    log = Transcript()
    last = cycle_polynomial(log, length)
    chebyshev = ["c0", "c1"]
    lines = [("c0", f"concat([1], zeros({length}))"),
             ("c1", f"concat([1, -1], zeros({length - 1}))")]
    for k in range(2, length + 1):
        # cos kt = T_k(x) with x = cos t = 1 − z, so multiplication by x is c − shift(c).
        before, now = chebyshev[-2:]
        shifted = f"concat([0], {now}[:{length}])"
        lines.append((f"c{k}", f"2 * ({now} - {shifted}) - {before}"))
        chebyshev.append(f"c{k}")
    total = " + ".join(chebyshev[1:length + 1])
    return Calculation({}, [*map(tuple, log.let), *lines],
                       [f"{2 * length + 1} * {last} == c0 + 2 * ({total})"],
                       "coefficients in z = 1 − cos t; the recursion of p is that of the cycle, "
                       "the c_k are cos kt; the sine form is the Dirichlet kernel",
                       necessary=True)


def _first(n: Any) -> Any:
    """−p_n′(0)."""
    return Constant(1, 3) * n * (n + 1)


def _second(n: Any) -> Any:
    """p_n″(0)/2."""
    return Constant(1, 30) * (n - 1) * n * (n + 1) * (n + 2)


@claim("eq. (7) and the sentence after it", notion="order", quote=SUPER,
       within=dict(LINEAR, n=(1,)), for_all=dict(ANY_LINEAR, n=AnyReal(1)))
def fsi_super_time_step(K, tau, u, n, length):
    """One cycle of length n realises the time n(n + 1)τ/3 to first order, −p_n′(0) = n(n + 1)/3:
    O(n²) instead of nτ.  It is not second order: p_n″(0)/2 = (n−1)n(n+1)(n+2)/30.

    For all, with z = τKᵀK: uⁿ = u⁰ − n(n+1)/3 z u⁰ + (n−1)n(n+1)(n+2)/30 z²u⁰ − z³rⁿ, where
    r^{l+1} = α_l (rˡ − z rˡ + (l−1)l(l+1)(l+2)/30 u⁰) + (1 − α_l) r^{l−1} from r⁰ = r⁻¹ = 0; the
    flow has n²(n+1)²/18 before z²u⁰, which is larger by 2/9 at least."""
    cycle, order, u = FSI(K, fluxes.identity(), tau), constant(n), draw_signal(u, K)

    def step(now: Any, before: Any, rest: Any, last: Any, first: Any, number: Any) -> tuple:
        alpha, _ = weights_of_extrapolation(number)
        after, _ = _inner_step(cycle, rest, last, number)
        return (*_inner_step(cycle, now, before, number),
                after + alpha * (_second(constant(number)) * first), rest, first)

    def expansion(state: tuple, u: Signal, number: Any) -> Any:
        once = _descent(cycle, u)
        twice = _descent(cycle, once)
        left = _descent(cycle, _descent(cycle, _descent(cycle, state[2])))
        count = constant(number)
        return state[0] - (u - _first(count) * once + _second(count) * twice - left)

    return AllOf([
        Always(lambda u: (u, u, 0 * u, 0 * u, u), step, expansion, dict(u=u), "==", counted=True),
        AtMost(lambda n, u: (_second(n) + Constant(2, 9)) * squared_norm(u),
               lambda n, u: Constant(1, 2) * _first(n)**2 * squared_norm(u), dict(n=order, u=u),
               "the coefficients of z², times ‖u‖²"),
        Example(lambda: _coefficients(length))])


def _coefficients(length: int) -> Calculation:
    log = Transcript()
    last, n = cycle_polynomial(log, length), length
    shows = [f"-{last}[1] == {Fraction(n * (n + 1), 3)}"]
    if n > 1:
        shows.append(f"{last}[2] == {Fraction((n - 1) * n * (n + 1) * (n + 2), 30)}")
        shows.append(f"{last}[2] != {Fraction(n**2 * (n + 1) ** 2, 18)}")
    return Calculation({}, [tuple(line) for line in log.let], shows,
                       "coefficients of p_n; the exact flow has exp(−z n(n+1)/3)",
                       necessary=True)


@claim("derived (Section 2.6)", notion="euclidean",
       within=dict(K=ANY_K, length=(1, 2, 3, 5, 8), ratio=(HALF, ONE)),
       beyond=dict(K=(difference(1, 2), from_matrix([[1]])), length=(128,),
                   ratio=(Fraction(1001, 1000),)),
       for_all=dict(K=AnyOperator(), length=AnyCount(), ratio=UpTo(1)))
def fsi_cycle_is_euclidean_stable_linear(K, length, ratio):
    """For Φ = id, every K, every n and 0 < τ <= 2/‖K‖²: ‖uˡ‖ <= ‖u⁰‖ at every inner step l <= n
    (each inner step is the end of a shorter cycle).  2 is needed for all n together."""
    return Stable(FSI(K, fluxes.identity(), stable_step(K, ONE, ratio), length), EUCLIDEAN)


@claim("derived (Section 2.6)", notion="euclidean",
       within=dict(K=ANY_K[:8], flux=(*NONLINEAR, fluxes.firm()), length=(1, 2, 5),
                   ratio=(HALF, ONE)),
       for_all=dict(K=AnyOperator(), flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L")),
                    length=AnyCount(), ratio=UpTo(1)))
def fsi_cycle_is_euclidean_stable_frozen(K, flux, length, ratio):
    """If the diffusivities are frozen per cycle, G = G(u⁰), then ‖uⁿ‖ <= ‖u⁰‖ for every n, K,
    g >= 0 continuous at 0 with Φ(s) = g(s²) s Lipschitz (constant L), 0 < τ <= 2/(L‖K‖²)."""
    tau = stable_step(K, flux.facts.lipschitz, ratio)
    return Stable(FSI(K, flux, tau, length, frozen=True), EUCLIDEAN)


@claim("derived (Section 2.6)", notion="range",
       within=dict(n=(2, 3, 4, 6), length=(1, 2, 3, 5, 8, 12),
                   ratio=(Fraction(1, 4), HALF, Fraction(9, 10), ONE)),
       beyond=dict(n=(48,), length=(20,), ratio=(Fraction(101, 100),)))
def fsi_cycle_keeps_the_range_linear(n, length, ratio):
    """For Φ = id, K1 reflecting, every cycle length and 0 < τ <= h²/2, every inner step stays in
    the range of u⁰; here τ = ratio · h²/2."""
    return Stable(FSI(difference(1, n), fluxes.identity(), ratio / 2, length), RANGE)


@claim("derived (Section 2.6)", notion="sign", expect=REFUTED,
       within=dict(n=(2, 3, 4), length=(1, 2, 3, 4), ratio=(HALF, ONE)))
def fsi_cycle_is_sign_stable_linear(n, length, ratio):
    """For Φ = id, K1 reflecting, every cycle length and 0 < τ <= h²/4: S(uⁿ) <= S(u⁰); here
    τ = ratio · h²/4."""
    return Stable(FSI(difference(1, n), fluxes.identity(), ratio / 4, length), SIGN)


ONE_SAMPLE = from_matrix([[1]])
KINKED = (fluxes.garrote(), fluxes.perona_malik(), fluxes.rational(), fluxes.soft())


@claim("Section 2.6 (an acceleration of the step of Theorem 2)", notion="euclidean",
       quote="Hafner et al. proposed fast semi-iterative (FSI) schemes",
       expect=REFUTED,
       within=dict(K=(ONE_SAMPLE,), length=(1, 2, 3, 4, 8, 16, 32), flux=KINKED))
def fsi_cycle_is_euclidean_stable_nonlinear(K, length, flux):
    """With Φ evaluated anew in every inner step, Φ as in Theorem 2, every K, every n and
    0 < τ <= 2/(L‖K‖²): ‖uⁿ‖ <= ‖u⁰‖ after one cycle; here τ is at the bound."""
    return Stable(FSI(K, flux, stable_step(K, flux.facts.lipschitz), length), EUCLIDEAN)


@claim("derived (Section 2.6)", notion="range", expect=REFUTED,
       within=dict(n=(4, 7), length=(3, 6), flux=(fluxes.soft(), fluxes.garrote()),
                   ratio=(ONE, HALF)))
def fsi_cycle_keeps_the_range_frozen(n, length, flux, ratio):
    """With frozen diffusivities G, entries in [0, 1], K1 reflecting, every cycle length and
    0 < τ <= h²/2, uⁿ stays in the range of u⁰; here G = G(u⁰) and τ = ratio · h²/2."""
    return Stable(FSI(difference(1, n), flux, ratio / 2, length, frozen=True), RANGE)


@claim("derived (Section 2.6)", notion="range", expect=REFUTED,
       within=dict(n=(2, 3, 5), length=(1, 2), flux=KINKED))
def fsi_cycle_keeps_the_range_nonlinear(n, length, flux):
    """With Φ evaluated anew in every inner step, K1 reflecting, every cycle length and
    0 < τ <= h²/(2L), uⁿ stays in the range of u⁰; here τ is at the bound."""
    return Stable(FSI(difference(1, n), flux, HALF / flux.facts.lipschitz, length), RANGE)


#: A cycle of one inner step, the explicit step of size 2τ/3, on lines of every length.
ONE_STEP = dict(n=(2, 3, 5), flux=(fluxes.soft(), fluxes.garrote(), fluxes.rational()),
                ratio=(HALF, ONE))
ANY_LINE = dict(n=AnyLength(), flux=AnyFlux(diffusivities=(0, None), slopes=("-L", "L")),
                ratio=UpTo(1))
SHORTEST = 1


def _one_step(n, flux, ratio, frozen=False):
    """A cycle with τ = ratio · 3h²/(4L)."""
    tau = 3 * ratio / (4 * flux.facts.lipschitz)
    return FSI(difference(1, n), flux, tau, SHORTEST, frozen=frozen)


@claim("derived (Section 2.6)", notion="range", within=ONE_STEP, beyond=dict(ratio=(
    Fraction(1001, 1000),), n=(3,)), for_all=ANY_LINE)
def fsi_cycle_keeps_the_range_nonlinear_corrected(n, flux, ratio):
    """With Φ evaluated anew in every inner step, r Φ(r) >= 0, K1 reflecting and every N a cycle of
    length 1 stays in the range of u⁰ for 0 < τ <= 3h²/(4L); here τ = ratio · 3h²/(4L)."""
    return Stable(_one_step(n, flux, ratio), RANGE)


@claim("derived (Section 2.6)", notion="range", within=ONE_STEP, beyond=dict(ratio=(
    Fraction(1001, 1000),), n=(3,)), for_all=ANY_LINE)
def fsi_cycle_keeps_the_range_frozen_corrected(n, flux, ratio):
    """With frozen diffusivities, K1 reflecting, a cycle of length 1 stays in the range of u⁰ for
    0 < τ <= 3h²/(4L): before a second inner step nothing is frozen; here τ = ratio · 3h²/(4L)."""
    return Stable(_one_step(n, flux, ratio, frozen=True), RANGE)


def _slow_step(length: int) -> Fraction:
    """(1 − cos(2π/(2n+1)))/4, rounded down."""
    with precision(128):
        cosine = Interval(arb.cos_pi_fmpq(fmpq(2, 2 * length + 1)).upper())
        return (1 - cosine).lower / 4


@claim("derived (Section 2.6)", notion="sign",
       within=dict(n=(2, 3, 4, 6), length=(1, 2, 3, 4, 6), ratio=(HALF, ONE)))
def fsi_cycle_is_sign_stable_linear_corrected(n, length, ratio):
    """For Φ = id, K1 reflecting, every cycle length n and
    0 < τ <= (h²/4)(1 − cos(2π/(2n+1))): S(uⁿ) <= S(u⁰), as p_n(z) = Πⱼ (1 − z/zⱼ) with
    zⱼ = 1 − cos(2πj/(2n+1)) and each factor I − τA/zⱼ is totally nonnegative.  The super step is
    then below (π²/24)h² and at most the n h²/4 of n explicit steps: no gain."""
    tau = ratio * _slow_step(length)
    gain = Calculation(dict(tau=tau), [], [
        f"tau * {Fraction(length * (length + 1), 3)} <= {Fraction(length, 4)}",
        f"tau * {Fraction(length * (length + 1), 3)} < pi**2 / 24"], "the super step n(n+1)τ/3",
        necessary=True)
    step = FSI(difference(1, n), fluxes.identity(), tau, length)
    return AllOf([Stable(step, SIGN), gain])
