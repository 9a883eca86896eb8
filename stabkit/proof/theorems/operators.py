"""Norms of differences on lines and grids of every size, whatever their boundary.

A difference D = S − R takes the value at one site and subtracts that at another; S and R have norm
<= 1 if no site is taken twice, on lines with ends, on rings, along each axis of a grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot


# 4|u|² − |Su − Ru|² = 2(|u|² − |Su|²) + 2(|u|² − |Ru|²) + |Su + Ru|²
def _difference(x: str, axis: str = "", times: str = "1") -> list[dict[str, str]]:
    S, R = "S" + axis, "R" + axis
    return [{"use": "bound", "of": S, "x": x, "times": f"2*{times}"},
            {"use": "bound", "of": R, "x": x, "times": f"2*{times}"},
            {"use": "square", "x": f"({S} + {R})@({x})", "times": times}]


def symmetric() -> Iterator[Theorem]:
    """2(|u|² − |Mu|²) = x·(1 + M)x + y·(1 − M)y at x = u − Mu, y = u + Mu."""
    def given(name: str) -> tuple:
        s = Symbols()
        M, u = s.operator(name, "N", "N", symmetric=True), s.vector("u")
        s.form(f"{name}_low", "N", lambda x: dot(x, M @ x) + dot(x, x))
        s.form(f"{name}_high", "N", lambda x: dot(x, x) - dot(x, M @ x))
        return s, M, u

    def steps(name: str, u: str) -> list[dict[str, str]]:
        return [{"use": "form", "of": f"{name}_low", "x": f"{u} - {name}@{u}"},
                {"use": "form", "of": f"{name}_high", "x": f"{u} + {name}@{u}"}]

    s, M, u = given("M")
    yield Theorem(
        "symmetric matrix with its spectrum in [-1, 1], norm", "|M u| <= |u|.",
        s.shows(dot(u, u) - dot(M @ u, M @ u)), {"times": "2", "steps": steps("M", "u")})
    s, M, u = given("matrix")
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
