"""Hamiltonian networks: how fast solutions may drift apart, and what Verlet's steps keep."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from stabkit.proof.aliases import Record
from stabkit.proof.symbols import Symbols
from stabkit.proof.text import text_of
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot


def theorems() -> Iterator[Theorem]:
    yield hamiltonian_growth()
    yield imaginary_spectrum()
    yield from verlet_of_products()
    yield leapfrog_growth()
    yield leapfrog_form()


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


def imaginary_spectrum() -> Theorem:
    """λ(p + ir) = B(q + is), λ(q + is) = −C(p + ir), λ = a + ib, B = KᵀDK and C = HᵀD₁H, say

    (a² + b²)(|p|² + |r|²) = |Bq|² + |Bs|² <= L(c + c_H)(q·Bq + s·Bs), and so for q and s; and as
    q·Bs = s·Bq and p·Cr = r·Cp, a times q·Bq + s·Bs + p·Cp + r·Cr is 2ab(s·p − q·r) = 0.
    """
    s_ = Symbols()
    c, c_H, L = s_.parameter("c", ">= 0"), s_.parameter("c_H", ">= 0"), s_.parameter("L", "any")
    a, b = s_.parameter("a", "any"), s_.parameter("b", "any")
    K, H = s_.operator("K", bound=c), s_.operator("H", to="P", bound=c_H)
    D, E = (s_.operator(name, space, space, symmetric=True)
            for name, space in (("D", "M"), ("D1", "P")))
    for name, W, space in (("weights", D, "M"), ("weights1", E, "P")):
        s_.form(name, space, lambda x: (W @ x).T @ (L * x - W @ x))  # noqa: B023
    p, r, q, s = (s_.vector(name) for name in "prqs")
    B, C = K.T @ D @ K, H.T @ E @ H
    for name, left in (("eigen", B @ q - a * p + b * r), ("eigen1", B @ s - a * r - b * p),
                       ("eigen2", -(C @ p) - a * q + b * s), ("eigen3", -(C @ r) - a * s - b * q)):
        s_.equation(name, left)
    size = dot(p, p) + dot(r, r) + dot(q, q) + dot(s, s)
    both, one, other = "a**2*L*(c + c_H)", "K.T@D@K", "H.T@D1@H"
    turned = "a*b*L*(c + c_H)"
    steps: list[Record] = [
        {"use": "equation", "of": of, "with": f"a**2*({left}).T + {more}"} for of, left, more in (
            ("eigen", f"{one}@q + a*p - b*r", f"{turned}*s.T - {both}*q.T"),
            ("eigen1", f"{one}@s + a*r + b*p", f"0*s.T - {both}*s.T - {turned}*q.T"),
            ("eigen2", f"a*q - b*s - {other}@p", f"{both}*p.T - {turned}*r.T"),
            ("eigen3", f"a*s + b*q - {other}@r", f"{both}*r.T + {turned}*p.T"))]
    for name, weight, form, rest, vectors in (("K", "D", "weights", "c_H", "qs"),
                                              ("H", "D1", "weights1", "c", "pr")):
        for x in vectors:
            steps += [
                {"use": "form", "of": form, "x": f"{name}@{x}", "times": "a**2*(c + c_H)"},
                {"use": "bound", "of": f"{name}.T", "x": f"{weight}@{name}@{x}", "times": "a**2"},
                {"use": "square", "x": f"{weight}@{name}@{x}", "times": f"a**2*{rest}"}]
    return Theorem(
        "Hamiltonian network, imaginary spectrum",
        "ruthotto2018, Section 3.2: a^2 |lambda|^2 |x|^2 <= 0 for an eigenvalue lambda = a + ib of "
        "[[0, B], [-C, 0]] with the eigenvector x, where B = K'DK, C = H'D1 H and 0 <= D, D1 <= L.",
        s_.shows(-(a**2 * (a**2 + b**2) * size)), {"steps": steps})


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
        steps: Record = dict(
            start={"state": y, "state1": z},
            after={"state": moved, "state1": v - delta * (H.T @ H @ moved)})
        kept = {"invariants": {"Q": f"{text_of(form(u, v) - form(y, z))} == 0"},
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


def leapfrog_form() -> Theorem:
    """4(|D|² + δ²(Kz)·(Ky)) = 4|D|² − δ²|KD|² + δ²|KS|² at D = z − y, S = z + y."""
    s = Symbols()
    c, m, r, delta = (s.parameter(name, sign) for name, sign in (
        ("c", ">= 0"), ("m", "> 0"), ("r", "> 0"), ("delta", "any")))
    s.assume("condition", 3 - c * delta**2)
    s.assume("condition1", 1 - r)
    s.assume("condition2", m * delta**2 - r)
    K = s.operator("K", bound=c)
    s.form("product", "N", lambda x: dot(K @ x, K @ x) - m * dot(x, x))
    y, z = s.vector("y"), s.vector("w")
    form = dot(z - y, z - y) + delta**2 * dot(K @ z, K @ y)
    return Theorem(
        "linear leapfrog network, definite form",
        "r(|y|^2 + |z|^2) <= 2(|z - y|^2 + delta^2 z.K'K y) for delta^2 |K|^2 <= 3, r <= 1 and "
        "r|x|^2 <= delta^2 |K x|^2.",
        s.shows(2 * form - r * (dot(y, y) + dot(z, z))),
        {"times": "2", "steps": [
            {"use": "bound", "of": "K", "x": "w - y", "times": "delta**2"},
            {"use": "square", "x": "w - y", "times": "condition + condition1"},
            {"use": "form", "of": "product", "x": "w + y", "times": "delta**2"},
            {"use": "square", "x": "w + y", "times": "condition2"}]})


def leapfrog_growth() -> Theorem:
    """With d the difference of two states, e that of their last steps, p = δ²Kᵀf and b = 81/50,

    b²(|d|² + |e|²) − |d + e − p|² − |e − p|² = m(p·d − |p|²) + squares, m = 169/20, by LDLᵀ;
    p·d − |p|² = δ²f·(Kd − f) + δ⁴(c|f|² − |Kᵀf|²) + δ²(1 − cδ²)|f|².
    """
    s = Symbols()
    c, delta = s.parameter("c", ">= 0"), s.parameter("delta", "any")
    s.assume("condition", 1 - c * delta**2)
    K, flux = s.operator("K", bound=c), s.flux(slopes=(0, 1))
    y, w, x, z = (s.vector(name) for name in "ywxz")  # now and before, of two solutions
    d, e = y - x, y - w - (x - z)
    p = delta**2 * (K.T @ (flux(K @ y) - flux(K @ x)))
    square, m = Fraction(81, 50)**2, Fraction(169, 20)
    # the form [[s − 1, −1, 1 − m/2], [−1, s − 2, 2], [1 − m/2, 2, m − 2]] of d, e and p
    first = square - 2
    second = square - 1 - 1 / first
    beside = 1 - m / 2 + 2 / first
    third = m - 2 - 4 / first - beside**2 / second
    d_, e_, p_ = "(y - x)", "(y - w - x + z)", "delta**2*K.T@(f0 - f1)"
    return Theorem(
        "leapfrog, growth",
        "ruthotto2018, Section 3.3: with sigma' in [0, 1] and delta^2 |K|^2 <= 1 a leapfrog step "
        "enlarges |d|^2 + |e|^2 at most 81/50 times 81/50, d the difference of two solutions, e "
        "that of their last steps.",
        s.shows(square * (dot(d, d) + dot(e, e)) - dot(d + e - p, d + e - p)
                - dot(e - p, e - p)),
        {"steps": [
            {"use": "slopes", "at": ["E0", "E1"], "times": f"{m}*delta**2"},
            {"use": "bound", "of": "K.T", "x": "f0 - f1", "times": f"{m}*delta**4"},
            {"use": "square", "x": "f0 - f1", "times": f"{m}*delta**2*condition"},
            {"use": "square", "x": f"{e_} + {1 / first}*(2*{p_} - {d_})", "times": str(first)},
            {"use": "square", "x": f"{d_} + {beside / second}*{p_}", "times": str(second)},
            {"use": "square", "x": p_, "times": str(third)}]})
