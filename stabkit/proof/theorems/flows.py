"""Hamiltonian networks: how fast solutions may drift apart, and what Verlet's steps keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stabkit.proof.symbols import Symbols
from stabkit.proof.text import written
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot


def theorems() -> Iterator[Theorem]:
    yield hamiltonian_growth()
    yield from verlet_of_products()


def hamiltonian_growth() -> Theorem:
    """With p = Kᵀf and q = Hᵀk, f and k the differences of σ(K z) and of σ(H y),

    g(g(w²|d|² + |e|²) − 2(w² d·p − e·q)) = 2gw p·e − 2w²|p|² + 2gw q·d − 2|q|²
    + |gw d − w p − q|² + |g e − w p + q|².
    """
    s = Symbols()
    c, c_H, L, w, g = (s.parameter(name, sign) for name, sign in (
        ("c", ">= 0"), ("c_H", ">= 0"), ("L", "> 0"), ("w", "> 0"), ("g", "> 0")))
    s.assume("condition", g - w * L * c)
    s.assume("condition1", g * w - L * c_H)
    K, H, flux = s.operator("K", bound=c), s.operator("H", to="P", bound=c_H), s.flux(slopes=(0, L))
    y, v, z, x = (s.vector(name) for name in "yvzx")
    d, e = y - v, z - x
    f, k = flux(K @ z) - flux(K @ x), flux(H @ y) - flux(H @ v)
    steps = []
    for A, at, made, squared, condition in (
            ("K", ["E0", "E1"], "f0 - f1", "w**2", "w*condition"),
            ("H", ["E2", "E3"], "f2 - f3", "1", "condition1")):
        steps += [{"use": "slopes", "at": at, "times": "2*g*w"},
                  {"use": "bound", "of": f"{A}.T", "x": made, "times": f"2*L*{squared}"},
                  {"use": "square", "x": made, "times": f"2*{condition}"}]
    p, q = "K.T@(f0 - f1)", "H.T@(f2 - f3)"
    return Theorem(
        "Hamiltonian network, growth",
        "ruthotto2018, Section 3.2: the derivative of w^2 |d|^2 + |e|^2, d and e the differences "
        "of the two parts of two solutions, is at most g times it, if g >= w L |K_1|^2 and "
        "g w >= L |K_2|^2.",
        s.shows(g * (w**2 * dot(d, d) + dot(e, e)) - 2 * (w**2 * dot(d, K.T @ f)
                                                          - dot(e, H.T @ k))),
        {"times": "g*L", "steps": [
            *steps, {"use": "square", "x": f"g*w*(y - v) - w*{p} - {q}", "times": "L"},
            {"use": "square", "x": f"g*(z - x) - w*{p} + {q}", "times": "L"}]})


def verlet_of_products() -> Iterator[Theorem]:
    """4Q = |2HY + δHKᵀKZ|² + 4|KZ|² − δ²|HKᵀKZ|², and the same with Y and Z exchanged.

    If |HKᵀx|² <= m|x|² then |KHᵀw|² <= m|w|²: m(m|w|² − |v|²) = |mw − HKᵀv|² + m|v|² − |HKᵀv|²
    at v = KHᵀw.
    """
    Y, Z = "(state + delta*K.T@K@state1)", "(state1 - delta*H.T@H@(state + delta*K.T@K@state1))"
    same = {"use": "equation", "of": "Q"}
    for what in ("conserved", "Z", "Y"):
        s = Symbols()
        delta, m, room = s.parameter("delta", "any"), s.parameter("m"), s.parameter("room")
        s.assume("condition", 4 - 4 * room - delta**2 * m)
        K, H = s.operator("K"), s.operator("H", to="P")
        s.form("product", "M", lambda x: m * dot(x, x) - dot(  # noqa: B023
            H @ K.T @ x, H @ K.T @ x))  # noqa: B023
        y, z, u, v = (s.vector(name) for name in ("y", "z", "state", "state1"))

        def form(y: Any, z: Any, K: Any = K, H: Any = H, delta: Any = delta) -> Any:
            return dot(H @ y, H @ y) + dot(K @ z, K @ z) + delta * dot(H @ y, H @ K.T @ K @ z)

        moved = u + delta * (K.T @ K @ v)
        steps: dict[str, Any] = dict(
            start={"state": y, "state1": z},
            after={"state": moved, "state1": v - delta * (H.T @ H @ moved)})
        kept = {"invariants": {"Q": f"{written(form(u, v) - form(y, z))} == 0"},
                "base": {"Q": {"steps": []}}, "step": {"Q": {"steps": [{**same, "with": "1"}]}}}
        if what == "conserved":
            yield Theorem("linear Verlet network of a bounded product, conserved form",
                          "Q is the same after any number of layers with the same K, H.",
                          s.iterates(form(y, z) - form(u, v), relation="==", **steps),
                          {**kept, "end": {"steps": [{**same, "with": "-1"}]}})
            continue
        one, other, x, seen = ("K", "H", Z, Y) if what == "Z" else ("H", "K", Y, Z)
        back = "K@H.T@H@" + Y
        bounded = [{"use": "form", "of": "product", "x": f"K@{Z}", "times": "m*delta**2"}] \
            if what == "Z" else [
                {"use": "form", "of": "product", "x": back, "times": "delta**2"},
                {"use": "square", "x": f"m*H@{Y} - H@K.T@{back}", "times": "delta**2"}]
        size = dot(K @ v, K @ v) if what == "Z" else dot(H @ u, H @ u)
        yield Theorem(
            f"linear Verlet network of a bounded product, {what} bounded",
            f"room |{one} {what}_n|^2 <= Q(Y_0, Z_0) after any number of layers, if "
            "delta^2 |H K'|^2 <= 4(1 - room).",
            s.iterates(form(y, z) - room * size, **steps),
            {**kept, "end": {"times": "4*m", "steps": [
                {**same, "with": "-4*m"},
                {"use": "square", "x": f"2*{other}@{seen} + delta*{other}@{one}.T@{one}@{x}",
                 "times": "m"}, *bounded,
                {"use": "square", "x": f"{one}@{x}", "times": "m*condition"}]}})
