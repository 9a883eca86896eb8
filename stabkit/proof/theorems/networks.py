"""Networks that are differential equations in time: ruthotto2018, he2019."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stabkit.proof import symbols
from stabkit.proof.aliases import Record
from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems import explicit
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot


def theorems() -> Iterator[Theorem]:
    yield parabolic()
    yield from blocks()
    yield from verlet()
    yield from leapfrog()
    yield second_order_growth()
    yield leapfrog_from_rest()
    yield leapfrog_of_second_order()
    yield damping()
    yield from jacobians()
    yield symmetric_weights()
    yield positive_energy()
    yield mg_resnet()
    yield mg_resnet(activated=True)


def parabolic() -> Theorem:
    s = Symbols()
    K, flux = s.operator("K"), s.flux(slopes=(0, None))
    u, v, b = s.vector("u"), s.vector("v"), s.vector("b", "M")
    one, two = (-(K.T @ flux(K @ x + b)) for x in (u, v))
    return Theorem(
        "parabolic network, flow contracts",
        "ruthotto2018, Theorem 1: (u - v).(F(u) - F(v)) <= 0 for F(y) = -K'sigma(K y + b) and a "
        "monotone sigma, so that |u - v| does not grow in time.",
        s.shows(-dot(u - v, one - two)),
        {"steps": [{"use": "slopes", "at": ["E0", "E1"], "times": "1"}]})


def symmetric_weights() -> Theorem:
    """h·K(y − z) + (y − z)·Kh = 2h·(s − t) with s = Ky + b, t = Kz + b and h = σ(s) − σ(t)."""
    s = Symbols()
    K, flux = s.operator("K", "N", "N", symmetric=True), s.flux(slopes=(0, None))
    y, z, bias = s.vector("y"), s.vector("z"), s.vector("bias")
    change = flux(K @ y + bias) - flux(K @ z + bias)
    return Theorem(
        "symmetric weights, form of a difference",
        "haber2017: -x.K x of the difference x of two solutions of y' = sigma(K y + b) does not "
        "grow, for a symmetric K and a monotone sigma.",
        s.shows(dot(change, K @ (y - z)) + dot(y - z, K @ change)),
        {"steps": [{"use": "slopes", "at": ["E0", "E1"], "times": "2"}]})


def jacobians() -> Iterator[Theorem]:
    """v·K'DKv = s·Ds at s = Kv, where L s·Ds = Ds·(Ls − Ds) + |Ds|², and

    L(2|v|² − δ s·Ds) = δ(Ds·(Ls − Ds) + |Ls − Ds|² + L²(c|v|² − |s|²)) + L(2 − δLc)|v|².
    """
    for lower in (False, True):
        s = Symbols()
        delta, c, L = s.parameter("delta"), s.parameter("c", ">= 0"), s.parameter("L")
        K = s.operator("K", bound=c if lower else None)
        D = s.operator("D", "M", "M", symmetric=True)
        s.form("weights", "M", lambda x: dot(D @ x, L * x - D @ x))  # noqa: B023
        v = s.vector("v")
        falls, steps = dot(K @ v, D @ K @ v), [{"use": "form", "of": "weights", "x": "K@v"},
                                               {"use": "square", "x": "D@K@v"}]
        if lower:
            s.assume("condition", 2 - delta * L * c)
            falls = 2 * dot(v, v) - delta * falls
            steps = [{"use": "form", "of": "weights", "x": "K@v", "times": "delta"},
                     {"use": "square", "x": "L*K@v - D@K@v", "times": "delta"},
                     {"use": "bound", "of": "K", "x": "v", "times": "delta*L**2"},
                     {"use": "square", "x": "v", "times": "L*condition"}]
        yield Theorem(
            f"symmetric layer, {'lower' if lower else 'upper'} end of the spectrum",
            "ruthotto2018: -2/delta <= v.J v/v.v <= 0 for J = -K'diag(sigma')K, 0 <= sigma' <= L "
            "and delta L |K|^2 <= 2.",
            s.shows(falls), {"times": "L", "steps": steps})


def damping() -> Theorem:
    s = Symbols()
    K, flux, Y = s.operator("K"), s.flux(sector=(0, None)), s.vector("Y")
    return Theorem(
        "parabolic network without bias, norm",
        "ruthotto2018: Y.F(Y) <= 0 for F(Y) = -K'sigma(K Y) and x sigma(x) >= 0, so that |Y| does "
        "not grow in time.",
        s.shows(dot(Y, K.T @ flux(K @ Y))), {"steps": [{"use": "sector", "at": "E0"}]})


def positive_energy() -> Theorem:
    s = Symbols()
    K, flux, y, v = s.operator("K"), s.flux(sector=(0, None)), s.vector("y"), s.vector("v")
    return Theorem(
        "second-order network, energy of the proof",
        "ruthotto2018: |v|^2 + (K y).sigma(K y) >= 0 for x sigma(x) >= 0.",
        s.shows(dot(v, v) + dot(K @ y, flux(K @ y))),
        {"steps": [{"use": "square", "x": "v"}, {"use": "sector", "at": "E0"}]})


def blocks() -> Iterator[Theorem]:
    """Residual blocks with transposed structure, biases and a second activation."""
    s, K, flux, tau = explicit.setting(slopes=(0, 1))
    inner = symbols.explicit(K, flux, tau, s.vector("b", "M"))
    one = explicit.block("slopes", ["E0", "E1"], "f0 - f1")
    yield Theorem(
        "residual block with biases, contraction",
        f"|Tu - Tv| <= |u - v| for T u = u - tau K'sigma(K u + b), slopes of sigma in [0, L] and "
        f"{explicit.STEP}.",
        symbols.contraction(s, symbols.forwards(inner)), one)

    s, K, flux, tau = explicit.setting(slopes=(0, 1))
    outer, b, c = s.flux("sigma", slopes=(-1, 1)), s.vector("b", "M"), s.vector("d")
    inner = symbols.explicit(K, flux, tau, b)
    two = {"times": "L", "steps": [
        *explicit.block("slopes", ["E0", "E2"], "f0 - f2")["steps"],
        {"use": "slopes", "at": ["E1", "E3"], "times": "L"}]}
    yield Theorem(
        "residual blocks with two activations, any number, contraction",
        "|u_n - v_n| <= |u_0 - v_0| for any number of blocks sigma2(u - tau K'sigma1(K u + b) + d) "
        f"with slopes of sigma1 in [0, L], of sigma2 in [-1, 1], and {explicit.STEP}.",
        symbols.any_number_contracts(s, lambda u: outer(inner(u) + c),
                                     (*explicit.BLOCK, "sigma", "b", "d")),
        explicit.repeat("J", two, "(u - v).T@(u - v) - (y - z).T@(y - z) >= 0"))


def _verlet_setting() -> tuple:
    s = Symbols()
    delta, K, H = s.parameter("delta", "any"), s.operator("K", "N", "M"), s.operator("H", "N", "P")

    def conserved_quantity(y: Any, z: Any) -> Any:
        return dot(H @ y, H @ y) + dot(K @ z, K @ z) + delta * dot(H @ y, H @ K.T @ K @ z)

    def step(y: Any, z: Any) -> tuple:
        y = y + delta * (K.T @ K @ z)
        return y, z - delta * (H.T @ H @ y)

    return s, delta, K, H, conserved_quantity, step


VERLET = "(H@y).T@(H@y) + (K@z).T@(K@z) + delta*(H@y).T@H@K.T@K@z"
VERLET_0 = VERLET.replace("y", "u").replace("z", "w")


def verlet() -> Iterator[Theorem]:
    """Y⁺ = Y + δKᵀKZ, Z⁺ = Z − δHᵀHY⁺ conserves Q = |HY|² + |KZ|² + δ(HY)·(HKᵀKZ)."""
    s, delta, K, H, conserved, step = _verlet_setting()
    u, w, y, z = (s.vector(name) for name in "uwyz")
    after = dict(zip("yz", step(y, z), strict=True))
    kept = {"invariants": {"Q": f"{VERLET} - ({VERLET_0}) == 0"}, "base": {"Q": {"steps": []}}}
    same = {"steps": [{"use": "equation", "of": "Q", "with": "1"}]}
    yield Theorem(
        "linear Verlet network, conserved form",
        "Q is the same after any number of layers with the same K, H: all delta.",
        s.iterates(conserved(y, z) - conserved(u, w), relation="==",
                   start={"y": u, "z": w}, after=after),
        {**kept, "step": {"Q": same}, "end": same})

    s, delta, K, H, conserved, step = _verlet_setting()
    room = s.parameter("room", "> 0")
    s.form("below", "M", lambda x: 4 * (1 - room) * dot(x, x)
           - delta**2 * dot(H @ K.T @ x, H @ K.T @ x))
    u, w, y, z = (s.vector(name) for name in "uwyz")
    y1, z1 = step(y, z)
    yield Theorem(
        "linear Verlet network, bounded",
        "room |K Z_n|^2 <= Q(Y_0, Z_0) after any number of layers, if delta^2 |H K'|^2 <= "
        "4(1 - room).",
        s.iterates(conserved(u, w) - room * dot(K @ z, K @ z), start={"y": u, "z": w},
                   after={"y": y1, "z": z1}),
        # 4Q = |2HY + δHKᵀKZ|² + 4|KZ|² − δ²|HKᵀKZ|²
        {**kept, "step": {"Q": same}, "end": {"times": "4", "steps": [
            {"use": "equation", "of": "Q", "with": "-4"},
            {"use": "square", "x": f"2*H@({Y1}) + delta*H@K.T@K@({Z1})", "times": "1"},
            {"use": "form", "of": "below", "x": f"K@({Z1})", "times": "1"}]}})


def second_order_growth() -> Theorem:
    """wL times it is L|wx − w²e + Kᵀh|² + 2w²h·(LKe − h) + L(c|h|² − |Kᵀh|²) + (2w² − Lc)|h|²."""
    s = Symbols()
    c, L, w = s.parameter("c", ">= 0"), s.parameter("L"), s.parameter("w")
    s.assume("condition", 2 * w**2 - L * c)
    K, flux = s.operator("K", bound=c), s.flux(slopes=(0, L))
    u, v, x = (s.vector(name) for name in "uvx")
    e, h = u - v, flux(K @ u) - flux(K @ v)
    return Theorem(
        "second-order network, growth",
        "ruthotto2018, after Theorem 2: the derivative of w^2 |e|^2 + |x|^2 along the difference e "
        "of two solutions with the velocity x is at most w times it, if 2 w^2 >= L |K|^2.",
        s.shows(w * (w**2 * dot(e, e) + dot(x, x)) - 2 * (w**2 * dot(e, x) - dot(x, K.T @ h))),
        {"times": "w*L", "steps": [
            {"use": "square", "x": "w*x - w**2*(u - v) + K.T@(f0 - f1)", "times": "L"},
            {"use": "slopes", "at": ["E0", "E1"], "times": "2*w**2"},
            {"use": "bound", "of": "K.T", "x": "f0 - f1", "times": "L"},
            {"use": "square", "x": "f0 - f1", "times": "condition"}]})


Y1 = "y + delta*K.T@K@z"
Z1 = f"z - delta*H.T@H@({Y1})"


def leapfrog() -> Iterator[Theorem]:
    """P₂ = 2P₁ − P₀ − δ²KᵀKP₁ conserves G = |P₁ − P₀|² + δ²(KP₁)·(KP₀)."""
    for bounded in (False, True):
        s = Symbols()
        delta = s.parameter("delta", "any")
        room: Any = s.parameter("room") if bounded else None
        c: Any = s.parameter("c", ">= 0") if bounded else None
        K = s.operator("K", bound=c)
        u, w, y, z = (s.vector(name) for name in "uwyz")  # now and before, at first and later

        def conserved_quantity(a: Any, b: Any, delta: Any = delta, K: Any = K) -> Any:
            return dot(a - b, a - b) + delta**2 * dot(K @ a, K @ b)

        after = {"y": 2 * y - z - delta**2 * (K.T @ K @ y), "z": y}
        kept: Record = {"invariants": {"G": f"{LEAPFROG} - ({LEAPFROG_0}) == 0"},
                "base": {"G": {"steps": []}},
                "step": {"G": {"steps": [{"use": "equation", "of": "G", "with": "1"}]}}}
        if not bounded:
            yield Theorem(
                "linear leapfrog network, conserved form",
                "G is the same after any number of layers with the same K: all delta.",
                s.iterates(conserved_quantity(y, z) - conserved_quantity(u, w), relation="==",
                           start={"y": u, "z": w}, after=after),
                {**kept, "end": kept["step"]["G"]})
            continue
        s.assume("below", 4 * (1 - room) - delta**2 * c)
        x = "y - z - delta**2*K.T@K@y"
        yield Theorem(
            "linear leapfrog network, bounded",
            "room |Y_n - Y_(n-1)|^2 <= G(Y_0, Y_-1) after any number of layers, if "
            "delta^2 |K|^2 <= 4(1 - room).",
            s.iterates(conserved_quantity(u, w) - room * dot(y - z, y - z), start={"y": u, "z": w},
                       after=after),
            # 4G = 4|Δ|² − δ²|KΔ|² + δ²|KΣ|² with Δ = P₁ − P₀, Σ = P₁ + P₀
            {**kept, "end": {"times": "4", "steps": [
                {"use": "equation", "of": "G", "with": "-4"},
                {"use": "bound", "of": "K", "x": x, "times": "delta**2"},
                {"use": "square", "x": x, "times": "below"},
                {"use": "square", "x": "K@(3*y - z - delta**2*K.T@K@y)", "times": "delta**2"}]}})


LEAPFROG = "(y - z).T@(y - z) + delta**2*(K@y).T@(K@z)"
LEAPFROG_0 = LEAPFROG.replace("y", "u").replace("z", "w")


def _leapfrog(back: int, bounded: bool) -> tuple:
    """Y_{j+1} = 2Y_j − Y_{j−1} − δ²KᵀKY_j from Y₋₁ = Y₀ − (back/2)·δ²KᵀKY₀."""
    s = Symbols()
    c, delta = s.parameter("c", ">= 0"), s.parameter("delta", "any")
    if bounded:
        s.assume("condition", 4 - c * delta**2)
    K = s.operator("K", bound=c)
    y, now, before = (s.vector(name) for name in ("y", "state", "state1"))

    def force(x: Any) -> Any:
        return -(delta**2 * (K.T @ K @ x))

    start = {"state": y, "state1": y + force(y) * back / 2}
    return s, c, delta, y, now, dict(
        start=start, after={"state": 2 * now - before + force(now), "state1": now})


def leapfrog_from_rest() -> Theorem:
    """With Y_j − Y_{j−1} = −δKᵀV_j, V_{j+1} = V_j + δKY_j, the number |Y_j|² + V_j·V_{j+1} is kept,

    and V_j·V_{j+1} = |V_j + δKY_j/2|² − δ²|KY_j|²/4.
    """
    s, c, delta, y, now, steps = _leapfrog(0, bounded=False)
    W, Y = "(V + delta*K@state)", "(2*state - state1 - delta**2*K.T@K@state)"
    moved = f"((state - delta*K.T@{W}) + {Y} + delta*K.T@{W}).T"  # |x|² − |y|² = (x + y)·(x − y)
    step = [{"use": "equation", "of": "kept", "with": "1"},
            {"use": "equation", "of": "is_before", "with": moved}]
    return Theorem(
        "linear leapfrog network from rest, norm",
        "ruthotto2018: (1 - delta^2 |K|^2/4) |Y_j|^2 <= |Y_0|^2 after any number of layers with "
        "the same K, from Y_(-1) = Y_0.",
        s.iterates(dot(y, y) - dot(now, now) + c * delta**2 * dot(now, now) / 4, **steps),
        {"ghosts": {"V": {"in": "M", "start": "0", "next": W}},
         "invariants": {"is_before": "state - state1 + delta*K.T@V == 0",
                        "kept": "state.T@state + V.T@(V + delta*K@state) - y.T@y == 0"},
         "base": {name: {"steps": []} for name in ("is_before", "kept")},
         "step": {"is_before": {"steps": [{"use": "equation", "of": "is_before", "with": "1"}]},
                  "kept": {"steps": step}},
         "end": {"times": "4", "steps": [
             *({**each, "with": f"-4*{each['with']}"} for each in step),
             {"use": "square", "x": f"2*{W} + delta*K@{Y}"},
             {"use": "bound", "of": "K", "x": Y, "times": "delta**2"}]}})


def leapfrog_of_second_order() -> Theorem:
    """Y_j = a = T_j(C)Y₀ and b = U_{j−1}(C)Y₀ with C = I − δ²KᵀK/2: |a|² + b·(I − C²)b is kept."""
    s, _, _, y, now, steps = _leapfrog(1, bounded=True)
    A = "(delta**2*K.T@K)"

    def C(x: str) -> str:
        return f"({x} - {A}@{x}/2)"

    def E(x: str) -> str:  # I − C²
        return f"({A}@{x} - {A}@{A}@{x}/4)"

    a, b = f"({C('a')} - {E('b')})", f"(a + {C('b')})"
    ends = [("is_now", "2", ""), ("is_now", "-1", A), ("is_before", "-1", "")]
    both = f"((2*state - state1 - {A}@state) + {a}).T"
    return Theorem(
        "linear leapfrog network from a start of second order, norm",
        "ruthotto2018: |Y_j| <= |Y_0| after any number of layers with the same K, if "
        "delta^2 |K|^2 <= 4 and Y_(-1) = Y_1.",
        s.iterates(dot(y, y) - dot(now, now), **steps),
        {"ghosts": {"a": {"in": "N", "start": "y", "next": a},
                    "b": {"in": "N", "start": "0", "next": b}},
         "invariants": {"is_now": "state - a == 0",
                        "is_before": f"state1 - {C('a')} - {E('b')} == 0",
                        "pell": f"a.T@a + b.T@{E('b')} - y.T@y == 0"},
         "base": {name: {"steps": []} for name in ("is_now", "is_before", "pell")},
         "step": {"is_now": {"steps": [{"use": "equation", "of": of, "with": "*".join(
                      filter(None, (times, applied)))} for of, times, applied in ends]},
                  "is_before": {"steps": [{"use": "equation", "of": "is_now", "with": "1"}]},
                  "pell": {"steps": [{"use": "equation", "of": "pell", "with": "1"}]}},
         "end": {"times": "4", "steps": [
             {"use": "equation", "of": "pell", "with": "-4"},
             *({"use": "equation", "of": of, "with": f"-4*({times})*" + "@".join(
                 filter(None, (both, applied)))} for of, times, applied in ends),
             {"use": "bound", "of": "K.T", "x": f"K@{b}", "times": "delta**4"},
             {"use": "square", "x": f"K@{b}", "times": "delta**2*condition"}]}})


def mg_resnet(activated: bool = False) -> Theorem:
    """v ↦ v − τ Kᵀσ(K v), also at v = σ(u)."""
    s = Symbols()
    tau, c = s.parameter("tau"), s.parameter("c", ">= 0")
    s.assume("step", 2 - tau * c)
    K, sigma = s.operator("K", bound=c), s.flux("sigma", sector=(0, 1))
    u = s.vector("u")
    after = symbols.explicit(K, sigma, tau)(sigma(u) if activated else u)
    at, f = ("E1", "f1") if activated else ("E0", "f0")
    # |u|² − |σ(u)|² = f·(u − f) + (u − f)·u with the first twice and the rest |u − f|²
    before = [{"use": "sector", "at": "E0", "times": "2"}, {"use": "square", "x": "u - f0"}]
    return Theorem(
        "Mg-ResNet step, euclidean" + ", after an activation" * activated,
        "he2019: |v - tau K'sigma(K v)| <= |v|" + " <= |u| with v = sigma(u)" * activated
        + ", 0 <= sigma(x)/x <= 1, for 0 < tau <= 2/|K|^2.",
        s.shows(f"{symbols.norm2(u)} - {symbols.norm2(after)}"),
        {"steps": [*(before if activated else []), {"use": "sector", "at": at, "times": "2*tau"},
                   {"use": "bound", "of": "K.T", "x": f, "times": "tau**2"},
                   {"use": "square", "x": f, "times": "tau*step"}]})
