"""The explicit step u − τ KᵀΦ(K u) of alt2021, for every K: N → M and every flux of a class."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from stabkit.proof import symbols
from stabkit.proof.aliases import Record
from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot, vector

STEP = "0 < tau <= 2/(L |K|^2)"
BLOCK = ("K", "phi", "tau", "L", "c")  # what every block may have to itself


def setting(limit: int = 2, **facts: Any) -> tuple:
    """Symbols with K, τ and a flux; `facts` are made of L."""
    s = Symbols()
    tau, L, c = s.parameter("tau"), s.parameter("L"), s.parameter("c", ">= 0")
    s.assume("step", limit - tau * L * c)
    K = s.operator("K", bound=c)
    known: Record = {name: tuple(end and L * end for end in ends)
                             for name, ends in facts.items()}
    return s, K, s.flux(**known), tau


def mean() -> Theorem:
    """1·(u − τKᵀf) = 1·u − τ(K1)·f."""
    s = Symbols()
    K, flux, tau, u, one = (s.operator("K"), s.flux(), s.parameter("tau"), s.vector("u"),
                            s.vector("one"))
    s.equation("constants", K @ one)
    return Theorem(
        "explicit step, mean", "1.T(u) = 1.u for every K with K 1 = 0 and every flux.",
        s.shows(dot(one, symbols.explicit(K, flux, tau)(u)) - dot(one, u), "=="),
        {"steps": [{"use": "equation", "of": "constants", "with": "-tau*f0.T"}]})


def weighted() -> Iterator[Theorem]:
    """With s = Kx: L s·Gs = Gs·(Ls − Gs) + |Gs|², L²|s|² − L s·Gs = Gs·(Ls − Gs) + |Ls − Gs|²."""
    for upper in (False, True):
        s = Symbols()
        tau, c, L = s.parameter("tau"), s.parameter("c", ">= 0"), s.parameter("L")
        K = s.operator("K", bound=c if upper else None)
        G = s.operator("G", "M", "M", symmetric=True)
        s.form("weights", "M", lambda x: dot(G @ x, L * x - G @ x))  # noqa: B023
        x = s.vector("x")
        middle = tau * dot(K @ x, G @ K @ x)
        steps = [{"use": "form", "of": "weights", "x": "K@x", "times": "tau"},
                 {"use": "square", "x": "L*K@x - G@K@x" if upper else "G@K@x", "times": "tau"}]
        if upper:
            steps.append({"use": "bound", "of": "K", "x": "x", "times": "tau*L**2"})
        yield Theorem(
            f"weighted operator, {'upper' if upper else 'lower'} bound",
            "0 <= tau x.K'GK x <= tau L |K|^2 |x|^2 for weights in [0, L].",
            s.shows(tau * L * c * dot(x, x) - middle if upper else middle),
            {"times": "L", "steps": steps})


def weights() -> Iterator[Theorem]:
    """The same without τ and the bound of K."""
    for upper in (False, True):
        s = Symbols()
        L, K, v = s.parameter("L"), s.operator("K"), s.vector("v")
        G = s.operator("G", "M", "M", symmetric=True)
        s.form("weights", "M", lambda x: dot(G @ x, L * x - G @ x))  # noqa: B023
        middle = dot(K @ v, G @ K @ v)
        yield Theorem(
            f"weights, {'upper' if upper else 'lower'} bound",
            "0 <= x.G x <= L |x|^2 at x = K v for weights in [0, L].",
            s.shows(L * dot(K @ v, K @ v) - middle if upper else middle),
            {"times": "L", "steps": [
                {"use": "form", "of": "weights", "x": "K@v"},
                {"use": "square", "x": "L*K@v - G@K@v" if upper else "G@K@v"}]})


def convex() -> Theorem:
    """P(r) >= P(m) + Φ(m)·(r − m) and so at s, with m = (r + s)/2."""
    s = Symbols()
    flux, one, two = s.flux(slopes=(0, None)), s.vector("r", "M"), s.vector("s", "M")
    middle, low, high = (flux.energy(x) for x in ((one + two) / 2, one, two))
    return Theorem(
        "regulariser, convex", "Psi((r + s)/2) <= (Psi(r) + Psi(s))/2 if Phi does not fall.",
        s.shows(2 * low + 2 * high - 4 * middle),
        {"steps": [{"use": "ascent", "at": ["E0", other], "times": "2"}
                   for other in ("E1", "E2")]})


def theorems() -> Iterator[Theorem]:
    yield mean()
    yield convex()
    yield from weighted()
    yield from weights()
    s, *scheme = setting(sector=(0, 1))
    euclidean = block("sector", "E0", "f0")
    yield Theorem(
        "explicit step, euclidean",
        f"alt2021, Theorem 2: |u+| <= |u| for 0 <= Phi(s) s <= L s^2 and {STEP}.",
        symbols.euclidean(s, symbols.forwards(symbols.explicit(*scheme))), euclidean)

    s, *scheme = setting(slopes=(0, 1))
    contraction = block("slopes", ["E0", "E1"], "f0 - f1")
    yield Theorem(
        "explicit step, contraction",
        f"|Tu - Tv| <= |u - v| for a monotone flux with slopes <= L and {STEP}.",
        symbols.contraction(s, symbols.forwards(symbols.explicit(*scheme))), contraction)

    s, *scheme = setting(sector=(0, 1))
    yield Theorem(
        "explicit blocks, any number, euclidean",
        "alt2021, Theorem 2: |u_n| <= |u_0| for any number of blocks, each with its own K, flux "
        f"and {STEP}.",
        symbols.any_number(s, symbols.explicit(*scheme), BLOCK), repeat("J", euclidean))

    s, *scheme = setting(sector=(0, 1))
    outer, inner = s.flux("outer", sector=(-1, 1)), symbols.explicit(*scheme)
    yield Theorem(
        "explicit blocks with outer activations, any number, euclidean",
        "alt2021, Theorem 2: the same with an activation |s2(x)| <= |x| after each block.",
        symbols.any_number(s, lambda u: outer(inner(u)), (*BLOCK, "outer")),
        repeat("J", {**euclidean, "steps": [
            *euclidean["steps"], {"use": "sector", "at": "E1", "times": "L"}]}))

    s, *scheme = setting(slopes=(0, 1))
    yield Theorem(
        "explicit blocks, any number, contraction",
        "|u_n - v_n| <= |u_0 - v_0| for any number of blocks, each with its own K, monotone flux "
        f"and {STEP}.",
        symbols.any_number_contracts(s, symbols.explicit(*scheme), BLOCK),
        repeat("J", contraction, "(u - v).T@(u - v) - (y - z).T@(y - z) >= 0"))

    s, K, flux, tau = setting(slopes=(None, 1))
    step = symbols.forwards(symbols.explicit(K, flux, tau))
    yield Theorem(
        "explicit step, energy",
        f"The energy sum P(K u) with P' = Phi does not grow, for slopes <= L and {STEP}.",
        symbols.energy(s, step, K, flux), falls("E0", "E1", "f0"))

    s, K, flux, tau = setting(3, slopes=(None, 1))
    two_thirds = symbols.forwards(symbols.explicit(K, flux, tau * Fraction(2, 3)))
    # p − q = descent + (2/9)(τ²L(c|Kᵀf|² − |KKᵀf|²) + τ(3 − τLc)|Kᵀf|²) at e = −(2/3)τKᵀf
    yield Theorem(
        "fast semi-iterative cycle of one step, energy",
        "alt2021, eq. (7) for n = 1, the explicit step of size 2 tau/3: the energy does not grow "
        "for slopes <= L and 0 < tau <= 3/(L |K|^2).", symbols.energy(s, two_thirds, K, flux),
        {"steps": [{"use": "descent", "at": ["E0", "E1"]},
                   {"use": "bound", "of": "K", "x": "K.T@f0", "times": "2/9*tau**2*L"},
                   {"use": "square", "x": "K.T@f0", "times": "2/9*tau*step"}]})

    s, K, flux, tau = setting(slopes=(None, 1))
    one = falls("E1", "E1_next", "f1")
    yield Theorem(
        "explicit steps, any number, energy",
        f"The energy does not grow in any number of steps with slopes <= L and {STEP}.",
        symbols.any_number_energy(s, symbols.explicit(K, flux, tau), K, flux),
        repeat("J", one, "p0 - p1 >= 0"))
    yield lipschitz()
    yield linear()
    yield from growth()


def growth() -> Iterator[Theorem]:
    """L((1 + τLc)²|d|² − |d − τKᵀh|²) = τ|h + LKd|² + (τ + τ²Lc)(L²|Kd|² − |h|²) + ...,

    where d = u − v and h = Φ(Ku) − Φ(Kv), or d = u and h = Φ(Ku).
    """
    for rule, at, d, h in (("slopes", ["E0", "E1"], "(u - v)", "(f0 - f1)"),
                           ("sector", "E0", "u", "f0")):
        s = Symbols()
        L, tau, c = s.parameter("L"), s.parameter("tau"), s.parameter("c", ">= 0")
        facts: Record = {rule: (-L, L)}
        K, flux = s.operator("K", bound=c), s.flux(**facts)
        T, u = symbols.explicit(K, flux, tau), s.vector("u")
        pair = (u - s.vector("v"), T(u) - T(vector("v", "N"))) if rule == "slopes" else \
            (u, T(u))
        bounds = [{"use": "bound", "of": "K", "x": d, "times": "2*tau*L**2 + tau**2*L**3*c"},
                  {"use": "bound", "of": "K.T", "x": h, "times": "tau**2*L"}]
        yield Theorem(
            f"explicit step, growth, {rule}",
            "|Tu - Tv| <= (1 + tau L |K|^2) |u - v| for slopes in [-L, L], and |Tu| <= "
            "(1 + tau L |K|^2) |u| for |Phi(s)| <= L|s|.",
            s.shows((1 + tau * L * c)**2 * (pair[0].T @ pair[0]) - pair[1].T @ pair[1]),
            {"times": "L", "steps": [
                {"use": "square", "x": f"{h} + L*K@{d}", "times": "tau"},
                {"use": rule, "at": at, "times": "tau + tau**2*L*c"}, *bounds]})
        if rule == "slopes":
            yield Theorem(
                "fixed-point iteration, contraction",
                "|tau K'(Phi(Kv) - Phi(Kw))| <= tau L |K|^2 |v - w| for slopes in [-L, L].",
                s.shows((tau * L * c)**2 * (pair[0].T @ pair[0])
                        - _distance_after_step(pair)), {"steps": [
                            {"use": "slopes", "at": at, "times": "tau**2*c"},
                            {"use": "bound", "of": "K.T", "x": h, "times": "tau**2"},
                            {"use": "bound", "of": "K", "x": d, "times": "tau**2*L**2*c"}]})


def _distance_after_step(pair: tuple) -> Any:
    """|Tu − u − (Tv − v)|²."""
    moved = pair[1] - pair[0]
    return moved.T @ moved


def linear() -> Theorem:
    """|u|² − |u − τKᵀKu|² = τ²(c|Ku|² − |KᵀKu|²) + τ(2 − τc)|Ku|²."""
    s = Symbols()
    tau, c = s.parameter("tau"), s.parameter("c", ">= 0")
    s.assume("step", 2 - tau * c)
    K, u = s.operator("K", bound=c), s.vector("u")
    return Theorem(
        "linear explicit step, euclidean",
        "haber2017, eq. (2.9): |u - tau K'K u| <= |u| for every K and 0 < tau <= 2/|K|^2.",
        s.shows(f"{symbols.norm2(u)} - {symbols.norm2(u - tau * (K.T @ K @ u))}"),
        {"steps": [{"use": "bound", "of": "K.T", "x": "K@u", "times": "tau**2"},
                   {"use": "square", "x": "K@u", "times": "tau*step"}]})


def block(rule: str, at: Any, f: str) -> Record:
    """L(|u|² − |u − τKᵀf|²) = 2τ f·(LKu − f) + τ²L(c|f|² − |Kᵀf|²) + τ(2 − τLc)|f|²."""
    return {"times": "L", "steps": [
        {"use": rule, "at": at, "times": "2*tau"},
        {"use": "bound", "of": "K.T", "x": f, "times": "tau**2*L"},
        {"use": "square", "x": f, "times": "tau*step"},
    ]}


def repeat(name: str, one: Record,
           invariant: str = "u.T@u - v.T@v >= 0") -> Record:
    """Induction over the number of steps: what one step does not let grow."""
    more = {**one, "steps": [*one["steps"], {"use": "known", "of": name,
                                             "times": one.get("times", "1")}]}
    return {"invariants": {name: invariant}, "base": {name: {"steps": []}},
            "step": {name: more}, "end": more}


def falls(before: str, after: str, f: str) -> Record:
    """2(p − q) = 2(descent) + τ²L(c|Kᵀf|² − |KKᵀf|²) + τ(2 − τLc)|Kᵀf|²."""
    return {"times": "2", "steps": [
        {"use": "descent", "at": [before, after], "times": "2"},
        {"use": "bound", "of": "K", "x": f"K.T@{f}", "times": "tau**2*L"},
        {"use": "square", "x": f"K.T@{f}", "times": "tau*step"},
    ]}


def lipschitz() -> Theorem:
    """2κ(κ²|d|² − |e|²) = (κd + e)·(κ − M)(κd + e) + (κd − e)·(κ + M)(κd − e), e = Md,

    with M = I − τKᵀGK: then κ − M >= κ − 1 − τmc and κ + M >= κ + 1 − τLc.
    """
    s = Symbols()
    tau, L, m, c, kappa = (s.parameter(name, sign) for name, sign in (
        ("tau", "> 0"), ("L", ">= 0"), ("m", ">= 0"), ("c", ">= 0"), ("kappa", "> 0")))
    s.assume("above", kappa - 1 - tau * m * c)
    s.assume("below", kappa + 1 - tau * L * c)
    K, G = s.operator("K", bound=c), s.operator("G", "M", "M", symmetric=True)
    s.form("highest", "M", lambda x: L * (x.T @ x) - x.T @ G @ x)
    s.form("lowest", "M", lambda x: x.T @ G @ x + m * (x.T @ x))
    d = s.vector("d")
    e = d - tau * (K.T @ G @ K @ d)
    steps = []
    for sign, form, constant, slack in (("+", "lowest", "m", "above"),
                                        ("-", "highest", "L", "below")):
        x = f"kappa*d {sign} (d - tau*K.T@G@K@d)"
        steps += [{"use": "form", "of": form, "x": f"K@({x})", "times": "tau"},
                  {"use": "bound", "of": "K", "x": x, "times": f"tau*{constant}"},
                  {"use": "square", "x": x, "times": slack}]
    return Theorem(
        "explicit step, Lipschitz constant",
        "|Tu - Tv| <= kappa |u - v| for slopes in [-m, L] and kappa >= max(1 + tau m |K|^2, "
        "tau L |K|^2 - 1), where Phi(Ku) - Phi(Kv) = G K (u - v) with a diagonal G, -m <= G <= L.",
        s.shows(f"kappa**2*d.T@d - {symbols.norm2(e)}"), {"times": "2*kappa", "steps": steps})
