"""Norms of differences on lines and grids of every size, whatever their boundary.

A difference D = S − R takes the value at one site and subtracts that at another; S and R have norm
<= 1 if no site is taken twice, on lines with ends, on rings, along each axis of a grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stabkit.proof.maps import PositivePart, with_return
from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot, expression, operator


def orthogonal() -> Theorem:
    s = Symbols()
    Q, u = s.operator("Q", "N", "N"), s.vector("u")
    s.equation("returned", Q.T @ Q @ u - u)
    return Theorem("orthogonal matrix, norm", "|Q u| <= |u| for Q'Q = I.",
                   s.shows(dot(u, u) - dot(Q @ u, Q @ u)),
                   {"steps": [{"use": "equation", "of": "returned", "with": "-u.T"}]})


def both_signs() -> Theorem:
    """A(u + A⁻¹p − A⁻¹q) − f = (AA⁻¹p − p) − (AA⁻¹q − q) + (p − q − r) at r = f − Au."""
    s = Symbols()
    for name in ("A", "A_inverse"):
        s.note("operators", name, "N -> N")
    A, inverse = (operator(name, "N", "N") for name in ("A", "A_inverse"))
    forth, back = with_return(s, "A", "N", inverse), with_return(s, "A_inverse", "N", A)
    relu, f, u = PositivePart(s, "relu"), s.vector("f"), s.vector("u")
    r = f - forth @ u
    after = forth @ (u + back @ relu(r) - back @ relu(-r))
    return Theorem(
        "an inverse of both signs", "A(u + A^-1 relu(r) - A^-1 relu(-r)) = f for r = f - A u.",
        s.shows(after - f, "=="), {"steps": [
            {"use": "equation", "of": of, "with": times}
            for of, times in (("returned1", "1"), ("returned2", "-1"), ("split", "1"))]})


def mirroring() -> Iterator[Theorem]:
    """4|x|² − |Sx − x|² = 2(|x|² − |Sx|²) + |Sx + x|²; |RWEu|² <= |WEu|² <= c|Eu|² <= 2c|u|²."""
    s = Symbols()
    R, E, u, S = (s.operator("R", "P", "N", bound=1), s.operator("E", "N", "P", bound=2),
                  s.vector("u"), s.operator("S", "P", "P", bound=1))
    power, x = s.vector("state", "1"), s.vector("state1", "P")
    after = "S@state1 - state1"
    step = [{"use": "known", "of": "J", "times": "4"},
            {"use": "bound", "of": "S", "x": "state1", "times": "2"},
            {"use": "square", "x": "S@state1 + state1"}]
    yield Theorem(
        "differences with mirrored padding, any order",
        "|R (S - 1)^m E u|^2 <= 2 4^m |u|^2 for |R|, |S| <= 1 and |E|^2 <= 2.",
        s.iterates(power @ (2 * dot(u, u)) - dot(R @ x, R @ x), relation=">=",
                   start={"state": expression(1), "state1": E @ u},
                   after={"state": 4 * power, "state1": S @ x - x}),
        {"invariants": {"J": "2*state@u.T@u - state1.T@state1 >= 0"},
         "base": {"J": {"steps": [{"use": "bound", "of": "E", "x": "u"}]}},
         "step": {"J": {"steps": step}},
         "end": {"steps": [*step, {"use": "bound", "of": "R", "x": after}]}})
    s = Symbols()
    R, E, u, c = (s.operator("R", "P", "N", bound=1), s.operator("E", "N", "P", bound=2),
                  s.vector("u"), s.parameter("c_W", ">= 0"))
    W = s.operator("W", "P", "P", bound=c)
    x = W @ E @ u
    yield Theorem(
        "convolution with mirrored padding", "|R W E u|^2 <= 2 |W|^2 |u|^2.",
        s.shows(2 * c * dot(u, u) - dot(R @ x, R @ x)),
        {"steps": [{"use": "bound", "of": "R", "x": "W@E@u"},
                   {"use": "bound", "of": "W", "x": "E@u"},
                   {"use": "bound", "of": "E", "x": "u", "times": "c_W"}]})


# 4|u|² − |Su − Ru|² = 2(|u|² − |Su|²) + 2(|u|² − |Ru|²) + |Su + Ru|²
def _difference(x: str, axis: str = "", times: str = "1") -> list[dict[str, str]]:
    S, R = "S" + axis, "R" + axis
    return [{"use": "bound", "of": S, "x": x, "times": f"2*{times}"},
            {"use": "bound", "of": R, "x": x, "times": f"2*{times}"},
            {"use": "square", "x": f"({S} + {R})@({x})", "times": times}]


def symmetric() -> Iterator[Theorem]:
    """2(|u|² − |Mu|²) = x·(1 + M)x + y·(1 − M)y at x = u − Mu, y = u + Mu."""
    def form_of_matrix(name: str) -> tuple:
        s = Symbols()
        M, u = s.operator(name, "N", "N", symmetric=True), s.vector("u")
        s.form(f"{name}_low", "N", lambda x: dot(x, M @ x) + dot(x, x))
        s.form(f"{name}_high", "N", lambda x: dot(x, x) - dot(x, M @ x))
        return s, M, u

    def steps(name: str, u: str) -> list[dict[str, str]]:
        return [{"use": "form", "of": f"{name}_low", "x": f"{u} - {name}@{u}"},
                {"use": "form", "of": f"{name}_high", "x": f"{u} + {name}@{u}"}]

    s, M, u = form_of_matrix("M")
    yield Theorem(
        "symmetric matrix with its spectrum in [-1, 1], norm", "|M u| <= |u|.",
        s.shows(dot(u, u) - dot(M @ u, M @ u)), {"times": "2", "steps": steps("M", "u")})
    s, M, u = form_of_matrix("matrix")
    v = s.vector("v")
    one = {"times": "2", "steps": [{"use": "known", "of": "J", "times": "2"},
                                   *steps("matrix", "v")]}
    yield Theorem(
        "symmetric matrices with their spectra in [-1, 1], any number, norm",
        "|M_n ... M_1 u| <= |u|, each with a matrix of its own.",
        s.iterates("u.T@u - v.T@v", start={"v": u}, after={"v": M @ v}, changing=["matrix"]),
        {"invariants": {"J": "u.T@u - v.T@v >= 0"}, "base": {"J": {"steps": []}},
         "step": {"J": one}, "end": one})


def theorems() -> Iterator[Theorem]:
    yield from mirroring()
    yield orthogonal()
    yield both_signs()
    yield from symmetric()
    s = Symbols()
    S, R, u = s.operator("S", bound=1), s.operator("R", bound=1), s.vector("u")
    D = S - R
    yield Theorem(
        "difference, norm", "|D u|^2 <= 4 |u|^2 for differences D = S - R of neighbours (h = 1).",
        s.shows(4 * (u.T @ u) - u.T @ D.T @ D @ u), {"steps": _difference("u")})

    s = Symbols()
    u, steps = s.vector("u"), []
    total: Any = 0
    for axis, space in (("x", "M"), ("y", "P")):
        D = s.operator("S" + axis, to=space, bound=1) - s.operator("R" + axis, to=space, bound=1)
        total = total + u.T @ D.T @ D @ u
        steps += _difference("u", axis)
    yield Theorem(
        "gradient on a grid, norm", "|Dx u|^2 + |Dy u|^2 <= 8 |u|^2 (h = 1).",
        s.shows(8 * (u.T @ u) - total), {"steps": steps})

    s = Symbols()
    S, R = (s.operator(name, to="N", bound=1) for name in "SR")
    u, v, g = s.vector("u"), s.vector("v"), s.vector("g", "1")
    one = {"steps": [*_difference("v"), {"use": "known", "of": "J", "times": "4"}]}
    yield Theorem(
        "differences of any order, norm",
        "|D_n ... D_1 u|^2 <= g |u|^2 with g = 4^n, for any differences of neighbours (h = 1).",
        s.iterates("g@u.T@u - v.T@v", start={"v": u, "g": 1},
                   after={"v": (S - R) @ v, "g": 4 * g}, changing=["S", "R"]),
        {"invariants": {"J": "g@u.T@u - v.T@v >= 0"}, "base": {"J": {"steps": []}},
         "step": {"J": one}, "end": one})
