"""Networks that are differential equations in time: ruthotto2018, he2019."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stabkit.proof import symbols
from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems import explicit
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot


def theorems() -> Iterator[Theorem]:
    yield parabolic()
    yield from blocks()
    yield from verlet()
    yield from leapfrog()
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
        explicit.repeated("J", two, "(u - v).T@(u - v) - (y - z).T@(y - z) >= 0"))


def _verlet_setting() -> tuple:
    s = Symbols()
    delta, K, H = s.parameter("delta", "any"), s.operator("K", "N", "M"), s.operator("H", "N", "P")

    def conserved(y: Any, z: Any) -> Any:
        return dot(H @ y, H @ y) + dot(K @ z, K @ z) + delta * dot(H @ y, H @ K.T @ K @ z)

    def step(y: Any, z: Any) -> tuple:
        y = y + delta * (K.T @ K @ z)
        return y, z - delta * (H.T @ H @ y)

    return s, delta, K, H, conserved, step


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

        def conserved(a: Any, b: Any, delta: Any = delta, K: Any = K) -> Any:
            return dot(a - b, a - b) + delta**2 * dot(K @ a, K @ b)

        after = {"y": 2 * y - z - delta**2 * (K.T @ K @ y), "z": y}
        kept: dict[str, Any] = {"invariants": {"G": f"{LEAPFROG} - ({LEAPFROG_0}) == 0"},
                "base": {"G": {"steps": []}},
                "step": {"G": {"steps": [{"use": "equation", "of": "G", "with": "1"}]}}}
        if not bounded:
            yield Theorem(
                "linear leapfrog network, conserved form",
                "G is the same after any number of layers with the same K: all delta.",
                s.iterates(conserved(y, z) - conserved(u, w), relation="==",
                           start={"y": u, "z": w}, after=after),
                {**kept, "end": kept["step"]["G"]})
            continue
        s.assume("below", 4 * (1 - room) - delta**2 * c)
        x = "y - z - delta**2*K.T@K@y"
        yield Theorem(
            "linear leapfrog network, bounded",
            "room |Y_n - Y_(n-1)|^2 <= G(Y_0, Y_-1) after any number of layers, if "
            "delta^2 |K|^2 <= 4(1 - room).",
            s.iterates(conserved(u, w) - room * dot(y - z, y - z), start={"y": u, "z": w},
                       after=after),
            # 4G = 4|Δ|² − δ²|KΔ|² + δ²|KΣ|² with Δ = P₁ − P₀, Σ = P₁ + P₀
            {**kept, "end": {"times": "4", "steps": [
                {"use": "equation", "of": "G", "with": "-4"},
                {"use": "bound", "of": "K", "x": x, "times": "delta**2"},
                {"use": "square", "x": x, "times": "below"},
                {"use": "square", "x": "K@(3*y - z - delta**2*K.T@K@y)", "times": "delta**2"}]}})


LEAPFROG = "(y - z).T@(y - z) + delta**2*(K@y).T@(K@z)"
LEAPFROG_0 = LEAPFROG.replace("y", "u").replace("z", "w")


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
