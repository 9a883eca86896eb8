"""A proof that a search found (semidefinite programming, rounded to fractions, checked here).

The multipliers were found for τ = L = 1; K was scaled by √(τL), Φ by 1/L.  Scaled back they are
multiplied by powers of τ and L, so that the theorem reads as those of the other files.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from stabkit.proof import symbols
from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem

ENERGY = {  # between which visits -> multiplier
    (0, 1): "191779045836841224527/261939349842027000000",
    (0, 2): "87148628417120891/39580689668520000",
    (1, 0): "3755637274221009331639/1833575448894189000000",
    (1, 2): "7979158895987/5654384238360000",
    (2, 0): "8012834825059/9047014781376",
    (2, 1): "695311068930129/527742528913600",
}
BOUNDS = [  # multiplier, and how much of f0, f1, f2: c|x|² − |Kᵀx|² >= 0
    ("259447241256208078242757/128612220772435257000000", {
        0: "1",
        1: "-270150617341038396697157/518894482512416156485514",
        2: "-1657845836595883698811875/3632261377586913095398598",
    }),
    ("14307994041471865031957826343723270934450833/15990456868931451396868224010283987868000000", {
        1: "1",
        2: "-120441494412491798389546329652342369270488125/"
           "100155958290303055223704784406062896541155831",
    }),
    ("13576651533501241949178994089100071153161800474579110139/"
     "10768738617430813394343451212331538726182226806223579328", {
        2: "1",
    }),
]
SQUARES = [  # the same: |x|² >= 0
    ("123727719802481803887313/351674041174627655859375", {
        0: "1",
        1: "-32270683909388607862313/247455439604963607774626",
        2: "-256865365497455309765625/247455439604963607774626",
    }),
    ("70353637423639231045070977438713092175158941/"
     "354475170902328142370296058167838318995312500", {
        1: "1",
        2: "20072071483076638305604657751502470153906250/"
           "70353637423639231045070977438713092175158941",
    }),
    ("550922311990078454809509418601552032893935579/"
     "13276294210940112012053254010504670198189893438228", {
        2: "1",
    }),
]
IMAGES = [  # the same: |Kᵀx|² >= 0
    ("631/491", {
        0: "1",
        1: "-52537/59945",
        2: "-673161/547708",
    }),
    ("1271910963/2807524075", {
        1: "1",
        2: "29695853193155/111505890304284",
    }),
    ("141957251492826173/92867234716361712264", {
        2: "1",
    }),
]


def theorems() -> Iterator[Theorem]:
    for top, slack in (("32/25", "step"), ("5/4", "(step + 3/100)")):
        yield _three_steps(Fraction(top), slack)


def _three_steps(top: Fraction, slack: str) -> Theorem:
    """Up to τL|K|² = top; `slack` is 32/25 − τL|K|² in terms of the step's own condition."""
    s = Symbols()
    tau, L, c = s.parameter("tau"), s.parameter("L"), s.parameter("c", ">= 0")
    s.assume("step", top - tau * L * c)
    K, flux = s.operator("K", bound=c), s.flux(sector=(0, L), slopes=(0, L))
    return Theorem(
        f"fixed point of 3 iterations, monotone flux, euclidean, up to {top}",
        f"|v_3| <= |u| for a monotone flux with slopes <= L and 0 < tau L |K|^2 <= {top}, beyond "
        "the bound 1 for other fluxes.",
        symbols.euclidean(s, symbols.forwards(symbols.fixed_point(K, flux, tau, 3))),
        {"times": "L", "steps": list(_steps(slack))})


def _steps(slack: str) -> Iterator[dict]:
    yield {"use": "sector", "at": "E2", "times": "2*tau"}
    for (before, after), times in ENERGY.items():
        yield {"use": "interpolation", "at": [f"E{before}", f"E{after}"], "times": f"{times}*tau/2"}
    for times, parts in BOUNDS:
        x = _sum(parts)
        yield {"use": "bound", "of": "K.T", "x": x, "times": f"{times}*tau**2*L"}
        yield {"use": "square", "x": x, "times": f"{times}*tau*{slack}"}
    for times, parts in SQUARES:
        yield {"use": "square", "x": _sum(parts), "times": f"{times}*tau"}
    for times, parts in IMAGES:
        yield {"use": "square", "x": f"K.T@({_sum(parts)})", "times": f"{times}*tau**2*L"}


def _sum(parts: dict[int, str]) -> str:
    return " + ".join(f"{c}*f{k}" for k, c in parts.items()).replace("+ -", "- ")
