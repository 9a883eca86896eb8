"""What the slopes of a flux say of its energies, and of its largest diffusivity."""

from __future__ import annotations

from collections.abc import Iterator

from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot


def theorems() -> Iterator[Theorem]:
    for above in (True, False):
        s = Symbols()
        L, step, K, u, v = (s.parameter("L"), s.parameter("step"), s.operator("K"), s.vector("u"),
                            s.vector("v"))
        flux = s.flux(slopes=(-L, L))
        rise = flux.energy(K @ (u + v)) - flux.energy(K @ u) - dot(K @ v, flux(K @ u))
        yield Theorem(
            f"energy, {'above' if above else 'below'} its tangent",
            "The energy sum P(K u) with P' = Phi and slopes in [-L, L] differs from its tangent by "
            "at most L |K v|^2/2.",
            s.shows(step * L * dot(K @ v, K @ v) - (2 if above else -2) * step * rise),
            {"steps": [{"use": "descent" if above else "ascent", "at": ["E1", "E0"],
                        "times": "2*step"}]})
    s = Symbols()
    L, r = s.parameter("L"), s.vector("r", "M")
    flux = s.flux(sector=(0, None), slopes=(-L, L))
    yield Theorem(
        "largest diffusivity", "Phi(r) r <= L r^2 for g >= 0 and the Lipschitz constant L.",
        s.shows(L * dot(r, r) - dot(flux(r), r)),
        # L(L|r|² − f·r) = f·(Lr − f) + |Lr − f|²
        {"times": "L", "steps": [{"use": "sector", "at": "E0"},
                                 {"use": "square", "x": "L*r - f0"}]})
