"""Range and sign on lines of every length, and facts about functions of one variable."""

from __future__ import annotations

from collections.abc import Iterator

from stabkit.proof import symbols
from stabkit.proof.aliases import Record
from stabkit.proof.theorems.theorem import Theorem

EXPLICIT = "u - tau D'Phi(D u) on a line of any length, 0 <= g <= L"


def theorems() -> Iterator[Theorem]:
    yield Theorem("explicit step on a line, range",
                  f"{EXPLICIT}, tau <= h^2/(2L): keeps the range; on a ring, too.",
                  symbols.line(1, "1/2", "range"), {})
    yield Theorem("explicit step on a grid, range",
                  "The same on a grid of any size and shape, tau <= h^2/(4L).",
                  symbols.grid(1, "1/4", 2), {})
    # (1/2 − x)² − x² = 1/4 − x
    yield Theorem("explicit step on a line, sign",
                  f"{EXPLICIT}, tau <= h^2/(4L): adds no changes of sign.",
                  symbols.line(1, "1/4", "sign"), {"pivot": "1/2 - x"})
    made = symbols.line(1, "1/4", "cyclic sign")
    ring = {kind: made["rows"][kind] for kind in ("inner", "single")}
    yield Theorem("explicit step on a ring, sign", "The same around a ring of any length.",
                  {**made, "rows": ring}, {"pivot": "1/2 - x"})
    yield Theorem("explicit step on a line, variation",
                  f"{EXPLICIT}, tau <= h^2/(2L): the total variation does not grow.",
                  symbols.line(1, "1/2", "variation"), {})
    yield Theorem("explicit step on a line, mean", "Every tau > 0 and g >= 0: keeps the mean.",
                  symbols.line(1, "inf", "mean"), {})
    yield Theorem("explicit step on a line, contrast",
                  "The same for a flux that does not fall: the largest difference of neighbours "
                  "does not grow.", symbols.line(1, "1/2", "contrast"), {})
    # (1 - 2y - (1 - 3y))(1 - 3x) - xy = y(1 - 4x)
    yield Theorem("explicit step on a line, extrema",
                  f"{EXPLICIT}, tau <= h^2/(4L): adds no extrema.",
                  symbols.line(1, "1/4", "extrema"), {"pivot": "1 - 3*x"})
    yield Theorem("implicit step on a line, range",
                  "Every tau > 0 and g >= 0: keeps the range; on a ring, too.",
                  symbols.line(-1, "inf", "range"), {})
    yield Theorem("implicit step on a grid, range", "The same on a grid of any size and shape.",
                  symbols.grid(-1, "inf", 2), {})
    # (1 + x)x − x² = x
    yield Theorem("implicit step on a line, sign",
                  "Every tau > 0 and g >= 0: adds no changes of sign.",
                  symbols.line(-1, "inf", "sign"), {"pivot": "1 + x"})
    yield _pieces("ReLU of both signs", "ReLU(y) - ReLU(-y) = y for every y.",
                  "max(y, 0) - max(-y, 0) - y == 0")
    yield _pieces("ReLU lies in the sector [0, 1]", "0 <= ReLU(y) y <= y^2.",
                  "max(y, 0)*(y - max(y, 0)) >= 0")


def _pieces(name: str, says: str, goal: str, *breaks: str) -> Theorem:
    statement: Record = {"kind": "pieces", "variable": "y", "on": ["-inf", "inf"],
                                 "goal": goal}
    return Theorem(name, says, statement, {"breaks": list(breaks or ("0",))})
