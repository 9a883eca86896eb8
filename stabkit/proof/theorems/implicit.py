"""The implicit step u⁺ = u − τ KᵀΦ(K u⁺) of alt2021, and its fixed-point iteration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stabkit.proof import symbols
from stabkit.proof.aliases import Record
from stabkit.proof.symbols import Symbols
from stabkit.proof.text import text_of
from stabkit.proof.theorems import explicit
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot


def setting(**facts: Any) -> tuple:
    s = Symbols()
    tau = s.parameter("tau")
    return s, s.operator("K"), s.flux(**facts), tau


def theorems() -> Iterator[Theorem]:
    s, *scheme = setting(sector=(0, None))
    yield Theorem(
        "implicit step, euclidean", "|u+| <= |u| for every tau > 0 and Phi(s) s >= 0.",
        symbols.euclidean(s, symbols.implicit(*scheme)),
        # |v + τKᵀf|² − |v|² = 2τ f·Kv + τ²|Kᵀf|²
        {"steps": [{"use": "sector", "at": "E0", "times": "2*tau"},
                   {"use": "square", "x": "K.T@f0", "times": "tau**2"}]})

    s, *scheme = setting(slopes=(0, None))
    yield Theorem(
        "implicit step, contraction",
        "|u+ - v+| <= |u - v| for every tau > 0 and a monotone flux.",
        symbols.contraction(s, symbols.implicit(*scheme)),
        {"steps": [{"use": "slopes", "at": ["E0", "E1"], "times": "2*tau"},
                   {"use": "square", "x": "K.T@(f0 - f1)", "times": "tau**2"}]})

    s, K, flux, tau = setting(slopes=(0, None))
    yield Theorem(
        "implicit step, energy",
        "The energy does not grow, for every tau > 0 and a monotone flux.",
        symbols.energy(s, symbols.implicit(K, flux, tau), K, flux),
        {"steps": [{"use": "ascent", "at": ["E0", "E1"], "times": "1"},
                   {"use": "square", "x": "K.T@f0", "times": "tau"}]})
    s, *scheme = setting(sector=(0, None))
    # |v|² − |y|² = 2τ f·Ky + τ²|Kᵀf|² + (v + y + τKᵀf)·(v − y − τKᵀf)
    one = {"steps": [{"use": "sector", "at": "E0", "times": "2*tau"},
                     {"use": "square", "x": "K.T@f0", "times": "tau**2"},
                     {"use": "equation", "of": "solves", "with": "(v + y + tau*K.T@f0).T"}]}
    yield Theorem(
        "implicit steps, any number, euclidean",
        "|u_n| <= |u_0| for any number of steps, each with its own K, tau > 0 and Phi(s) s >= 0.",
        symbols.any_number_implicit(s, symbols.implicit(*scheme), ("K", "phi", "tau")),
        explicit.repeat("J", one))
    yield unique()
    yield lipschitz()
    yield monotone()
    yield descent()
    for iterations in range(1, 5):
        s, K, flux, tau = explicit.setting(1, sector=(0, 1), slopes=(None, 1))
        yield Theorem(
            f"fixed point of {iterations} iterations, euclidean",
            f"|v_{iterations}| <= |u| for 0 < tau <= 1/(L |K|^2).",
            symbols.euclidean(s, symbols.forwards(symbols.fixed_point(K, flux, tau, iterations))),
            truncation(iterations))
    yield any_truncation()


def unique() -> Theorem:
    """(1 − τmc)|d|² = −τ(h + mKd)·Kd − τm(c|d|² − |Kd|²), h = Φ(Ku) − Φ(Kv), d = u − v."""
    s = Symbols()
    tau, m, c = s.parameter("tau"), s.parameter("m", ">= 0"), s.parameter("c", ">= 0")
    s.assume("small", 1 - tau * m * c, strict=True)
    u, v, K = s.vector("u"), s.vector("v"), s.operator("K", bound=c)
    one, two = (symbols.implicit(K, s_flux, tau) for s_flux in 2 * [s.flux(slopes=(-m, None))])
    s.equation("same", one(u)[0] - two(v)[0])
    return Theorem(
        "implicit step, uniqueness",
        "Two solutions u, v of one equation are equal (-|u - v|^2 >= 0) for slopes >= -m and "
        "tau m |K|^2 < 1.",
        s.shows("-(u - v).T@(u - v)"),
        {"times": "small", "steps": [
            {"use": "slopes", "at": ["E0", "E1"], "times": "tau"},
            {"use": "bound", "of": "K", "x": "u - v", "times": "tau*m"},
            {"use": "equation", "of": "same", "with": "-(u - v).T"}]})


def lipschitz() -> Theorem:
    """|e|² − σ²|d|² = |e − σd|² + 2σ(τ(h + mKd)·Kd + τm(c|d|² − |Kd|²)), e = d + τKᵀh."""
    s = Symbols()
    tau, m, c = s.parameter("tau"), s.parameter("m", ">= 0"), s.parameter("c", ">= 0")
    small = 1 - tau * m * c
    s.assume("small", small, strict=True)
    step = symbols.implicit(s.operator("K", bound=c), s.flux(slopes=(-m, None)), tau)
    (u, v), (w, z) = step(s.vector("v")), step(s.vector("z"))
    return Theorem(
        "implicit step, Lipschitz constant",
        "(1 - tau m |K|^2) |u+ - w+| <= |u - w| for slopes >= -m and tau m |K|^2 < 1.",
        s.shows(f"{symbols.norm2(u - w)} - ({text_of(small)})**2*{symbols.norm2(v - z)}"),
        {"steps": [
            {"use": "square", "x": "(v - z) + tau*K.T@(f0 - f1) - (1 - tau*m*c)*(v - z)"},
            {"use": "slopes", "at": ["E0", "E1"], "times": "2*small*tau"},
            {"use": "bound", "of": "K", "x": "v - z", "times": "2*small*tau*m"}]})


def monotone() -> Theorem:
    """(L + m)(h + ms)·s = (h + ms)·(Ls − h) + |h + ms|² at s = Kd, h = Φ(Kv) − Φ(Kw), d = v − w;

    d·(d + τKᵀh) − (1 − τmc)|d|² = τ(h + ms)·s + τm(c|d|² − |Kd|²).
    """
    s = Symbols()
    tau, c, m, L = (s.parameter(name, sign) for name, sign in (
        ("tau", "> 0"), ("c", ">= 0"), ("m", ">= 0"), ("L", "> 0")))
    step = symbols.implicit(s.operator("K", bound=c), s.flux(slopes=(-m, L)), tau)
    (u, v), (z, w) = step(s.vector("v")), step(s.vector("w"))
    return Theorem(
        "implicit step, strongly monotone",
        "(v - w).(F(v) - F(w)) >= (1 - tau m |K|^2) |v - w|^2 for F(v) = v + tau K'Phi(K v) and "
        "slopes in [-m, L].",
        s.shows(dot(v - w, u - z) - (1 - tau * m * c) * dot(v - w, v - w)),
        {"times": "L + m", "steps": [
            {"use": "slopes", "at": ["E0", "E1"], "times": "tau"},
            {"use": "square", "x": "f0 - f1 + m*K@(v - w)", "times": "tau"},
            {"use": "bound", "of": "K", "x": "v - w", "times": "tau*m*(L + m)"}]})


def descent() -> Theorem:
    """L((1 − s)²|d|² − |e|²) = 2sα(1 − s) h·(LKd − h) + s²α²L(c|h|² − |Kᵀh|²) + sα(1 − s + r)|h|²

    at e = (1 − s)d − sαKᵀh, d = v − w, h = Φ(Kv) − Φ(Kw), with r = 1 − s − sαLc >= 0.
    """
    s = Symbols()
    alpha, step, c, L = (s.parameter(name, sign) for name, sign in (
        ("alpha", "> 0"), ("step", "> 0"), ("c", ">= 0"), ("L", "> 0")))
    s.assume("condition", 1 - step - step * alpha * L * c)
    v, w, f, K = s.vector("v"), s.vector("w"), s.vector("f"), s.operator("K", bound=c)
    flux = s.flux(slopes=(0, L))
    one, two = (x - step * (x - f + alpha * (K.T @ flux(K @ x))) for x in (v, w))
    shorter = "step*alpha*L*c"  # 1 − s − r
    return Theorem(
        "gradient descent of a convex energy, contraction",
        "|v+ - w+| <= (1 - s) |v - w| for u+ = u - s (u - f + alpha K'Phi(K u)), slopes in [0, L] "
        "and s (1 + alpha L |K|^2) <= 1.",
        s.shows((1 - step)**2 * dot(v - w, v - w) - dot(one - two, one - two)),
        {"times": "L", "steps": [
            {"use": "slopes", "at": ["E0", "E1"], "times": f"2*step*alpha*(condition + {shorter})"},
            {"use": "bound", "of": "K.T", "x": "f0 - f1", "times": "step**2*alpha**2*L"},
            {"use": "square", "x": "f0 - f1", "times": f"step*alpha*(2*condition + {shorter})"}]})


def _descends(before: str, now: str, after: str, f: str, known: str) -> Record:
    """2τ(p₀ − q) − |u − w|² >= 0 at w = u − τKᵀf, if it holds at v with p: with d = u − v,

    it is the one at v + 2τ(descent) + τL(c|x|² − |Kx|²) + (1 − τLc)|x|², x = d − τKᵀf.
    """
    x = f"u - ({before}) - tau*K.T@{f}"
    steps = [
        {"use": "descent", "at": [now, after], "times": "2*tau"},
        {"use": "bound", "of": "K", "x": x, "times": "tau*L"},
        {"use": "square", "x": x, "times": "step"}]
    return {"steps": steps + [{"use": "known", "of": known, "times": "1"}] * bool(known)}


def _last(before: str, now: str, f: str, known: str) -> Record:
    """L(|u|² − |u − τKᵀf|²) = 2τ f·(LKv − f) + τ²L(c|f|² − |Kᵀf|²) + τ(2 − τLc)|f|² + 2τL f·Kd,

    where 2τ f·Kd = 2τ(descent to u) + (2τ(p₀ − p) − |d|²) + τL(c|d|² − |Kd|²) + (1 − τLc)|d|².
    """
    d = f"u - ({before})"
    steps: list[Record] = [{"use": "sector", "at": now, "times": "2*tau"},
             {"use": "bound", "of": "K.T", "x": f, "times": "tau**2*L"},
             {"use": "square", "x": f, "times": "tau*step + tau"}]
    if known:
        steps += [{"use": "descent", "at": [now, "E0"], "times": "2*tau*L"},
                  {"use": "known", "of": known, "times": "L"},
                  {"use": "bound", "of": "K", "x": d, "times": "tau*L**2"},
                  {"use": "square", "x": d, "times": "L*step"}]
    return {"times": "L", "steps": steps}


def truncation(iterations: int) -> Record:
    """Lemmas that the proximal energy descends, one per iteration, and the last step."""
    points = ["u", *(f"u - tau*K.T@f{k}" for k in range(iterations - 1))]
    lemmas = [{"name": f"J{k}",
               "shows": f"2*tau*(p0 - p{k}) - (u - ({points[k]})).T@(u - ({points[k]})) >= 0",
               **_descends(points[k - 1], f"E{k - 1}", f"E{k}", f"f{k - 1}",
                           f"J{k - 1}" if k > 1 else "")}
              for k in range(1, iterations)]
    last = iterations - 1
    return {"lemmas": lemmas, **_last(points[-1], f"E{last}", f"f{last}", f"J{last}" * bool(last))}


def any_truncation() -> Theorem:
    s, K, flux, tau = explicit.setting(1, sector=(0, 1), slopes=(None, 1))
    u, v = s.vector("u"), s.vector("v")
    flux.energy(K @ u), flux.energy(K @ v)
    step = u - tau * (K.T @ flux(K @ v))
    return Theorem(
        "fixed point of any number of iterations, euclidean",
        "|v_n| <= |u| for every n and 0 < tau <= 1/(L |K|^2).",
        s.iterates("u.T@u - v.T@v", start={"v": u}, after={"v": step}),
        {"invariants": {"J": "2*tau*(p0 - p1) - (u - v).T@(u - v) >= 0"},
         "base": {"J": {"steps": []}}, "step": {"J": _descends("v", "E1", "E1_next", "f1", "J")},
         "end": _last("v", "E1", "f1", "J")})
