"""Explicit steps on grids, where ‖K‖² is at most twice the edges at a site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stabkit.proof import symbols
from stabkit.proof.aliases import Record
from stabkit.proof.grids import GridShape
from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import expression

BOUND = "tau times the edges at a site at most 1"


def setting(edges: int | None = None, **facts: Any) -> tuple:
    """Symbols with K, a flux and τ; 1/edges is the longest step."""
    s = Symbols()
    count = s.parameter("edges") if edges is None else expression(edges)
    K, flux, tau = GridShape(s, count).gradient(), s.flux(**facts), s.parameter("tau")
    s.assume("step", 1 - tau * count if edges is None else expression(1) / edges - tau)
    return s, K, flux, tau


def block(K: str, f: str, slack: str) -> list[Record]:
    """τ²(2e|f|² − |Kᵀf|²) + 2τ(1 − τe)|f|² = 2τ|f|² − τ²|Kᵀf|²."""
    return [{"use": "bound", "of": K, "x": f, "times": "tau**2"},
            {"use": "square", "x": f, "times": f"2*tau*{slack}"}]


def theorems() -> Iterator[Theorem]:
    sector = {"use": "sector", "at": "E0", "times": "2*tau"}
    for what, edges, slack in (("", None, "step"), (" of images", 4, "4*step")):
        s, *scheme = setting(edges, sector=(0, 1))
        yield Theorem(
            f"explicit step on grids{what}, euclidean", f"|u+| <= |u| for 0 <= g <= 1 and {BOUND}.",
            symbols.euclidean(s, symbols.forwards(symbols.explicit(*scheme))),
            {"steps": [sector, *block("K.T", "f0", slack)]})
    s, K, flux, tau = setting(sector=(0, 1))
    u = s.vector("u", "M")
    yield Theorem(
        "explicit step of the dual on grids, euclidean",
        f"|p - tau K Phi(K'p)| <= |p| for 0 <= g <= 1 and {BOUND}.",
        s.shows(f"{symbols.norm2(u)} - {symbols.norm2(u - tau * (K @ flux(K.T @ u)))}"),
        {"steps": [sector, *block("K", "f0", "step")]})
    s, K, flux, tau = setting(slopes=(None, 1))
    yield Theorem(
        "explicit step on grids, energy",
        f"The energy sum P(K u) with P' = Phi does not grow, for slopes <= 1 and {BOUND}.",
        symbols.energy(s, symbols.forwards(symbols.explicit(K, flux, tau)), K, flux),
        {"times": "2", "steps": [{"use": "descent", "at": ["E0", "E1"], "times": "2"},
                                 *block("K", "K.T@f0", "step")]})
