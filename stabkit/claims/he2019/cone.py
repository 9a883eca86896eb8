"""A certificate that a cycle's spectral radius exceeds 1: its signals grow in a cone.

See `symmetry` for what the letters mean.  Write e = αz + y with y ⟂ z in the energy norm, |z| = 1.
K and F do not increase the energy of such y, F that of no signal, and with
a = ⟨z, F K z⟩, |⟨z, F K y⟩| <= b |y| and c = |F K z − a z| the step e ↦ F K e keeps the cone
|y| <= t α if c + t <= t (a − b t), and multiplies α by at least a − b t.
"""

from __future__ import annotations

from stabkit.aliases import Record
from stabkit.claims.he2019.symmetry import EVEN, ODD, SWEEP, Cone, Half, find_cone, halves
from stabkit.errors import Undecided
from stabkit.stability.property import Calculation, Not

BY = ("The cycle keeps the signals that are {parity} about both centre lines and symmetric under "
      "transposition; L0, w, p are the matrices of one direction on half of the nodes.  Up to its "
      "order the error operator is F K: F, the sweeps on the levels before {split}, does not "
      "increase the energy, as their A <= 10; K is 1 − B W on the functions of level {split} (with "
      "energy W) and the identity on what is orthogonal to them.  By psd(...), |K y| <= |y| for y "
      "orthogonal to z.  For e = z + y with |y| <= t|z| the part of ±F K e along z is at least "
      "a − b t > 1 times as long, and the cone is kept: so the iterates of z do not tend to 0")


def growth(n: int, galerkin: bool) -> Not:
    r"""That the \-cycle with bilinear P does not converge on n×n nodes.

    Raises
    ------
    Undecided
        If no cone is met.
    """
    for parity in (ODD, EVEN):
        levels = halves(n, parity, galerkin)
        cone = find_cone(levels, galerkin)
        if cone is not None:
            return Not(Calculation(*_write_statement(levels, cone, galerkin),
                                   BY.format(parity=parity, split=cone.split)))
    raise Undecided(f"neither a proof of convergence nor a growing signal is known for n = {n}")


def _write_statement(levels: list[Half], cone: Cone, galerkin: bool
                     ) -> tuple[Record, list[tuple[str, str]], list[str]]:
    m = levels[cone.split].size
    given = dict(L0=levels[0].L, w=levels[0].w, p=levels[0].p, s=SWEEP, t=cone.t,
                 Z=cone.z.reshape(m, m), H=cone.h.reshape(m, m))
    let = [*_directions(levels, galerkin), *_coarse_cycle(levels, cone.split),
           *_contraction(m), *_sweeps(cone, m), *_numbers(cone, m)]
    shows = ["psd(L0)", "Z == Z.T", "H == H.T"]
    for number, (alpha, beta) in enumerate(cone.bounds):
        w = f"diag(w[{levels[0].size - levels[number].size}:])"
        shows += [f"psd({alpha} * {w} - L{number})", f"psd({beta} * {w} - M{number})",
                  f"2 * {alpha} * {beta} * s <= 2"]
    shows += [f"all(psd(N + x*outer(g, g)) for x in cells([{cone.weight}, {cone.weight} + "
              "1/2**40]))", "c + t <= t*(a - b*t)", "a - b*t > 1"]
    return given, let, shows


def _directions(levels: list[Half], galerkin: bool):
    """L, M and the inverse weights D of every level, in one direction."""
    yield from (("M0", "diag(w)"), ("D0", "diag(1/w)"))
    for number, level in enumerate(levels[1:], 1):
        above, cut = levels[number - 1].size, levels[0].size - level.size
        yield f"p{number}", f"p[:{above}, :{level.size}]"
        for name in "LM":
            yield f"{name}{number}", (
                f"p{number}.T @ {name}{number - 1} @ p{number}" if galerkin
                else f"{name}0[{cut}:, {cut}:]")
        yield f"D{number}", f"D0[{cut}:, {cut}:]"


def _coarse_cycle(levels: list[Half], split: int):
    """B, the cycle from level `split` on: u ← u + B r; here up to X, B = S + P X."""
    for number in reversed(range(split, len(levels))):
        n = levels[number].size**2
        D, L, M = f"D{number}", f"L{number}", f"M{number}"
        yield f"DL{number}", f"{D} @ {L} @ {D}"
        yield f"DM{number}", f"{D} @ {M} @ {D}"
        yield f"S{number}", (f"2*s*kron({D}, {D}) - s**2*(kron(DL{number}, DM{number}) + "
                             f"kron(DM{number}, DL{number}))")
        if number == len(levels) - 1:
            yield f"B{number}", f"S{number}"
            continue
        yield f"Q{number}", (f"I({n}) - s*(kron({L} @ {D}, {M} @ {D}) + "
                             f"kron({M} @ {D}, {L} @ {D}))")
        yield f"P{number}", f"kron(p{number + 1}, p{number + 1})"
        yield f"X{number}", f"B{number + 1} @ (P{number}.T @ Q{number} @ Q{number})"
        if number > split:
            yield f"B{number}", f"S{number} + P{number} @ X{number}"
    yield from (("S", f"S{split}"), ("P", f"P{split}"), ("X", f"X{split}"))
    chain = " @ ".join(f"p{number}" for number in range(1, split + 1))
    yield from (("C", chain), ("LW", "C.T @ L0 @ C"), ("MW", "C.T @ M0 @ C"),
                ("W", "kron(LW, MW) + kron(MW, LW)"))


def _contraction(m: int):
    """K on symmetric functions: the columns of V are a basis of them."""
    yield "E", f"I({m})"
    for row in range(m):
        new = f"kron(E[{row}:{row + 1}], E[{row}:]) + kron(E[{row}:], E[{row}:{row + 1}])"
        yield f"V{row}", new if row == 0 else f"stack(V{row - 1}, {new})"
    yield from (("V", f"V{m - 1}.T"), ("WV", "W @ V"), ("KV", "V - S @ WV - P @ (X @ WV)"),
                ("z", "vec(Z)"), ("Wz", "W @ z"), ("g", "V.T @ Wz"),
                ("N", "V.T @ WV - KV.T @ (W @ KV)"))


def _energy(matrix: str) -> str:
    return f"L0 @ {matrix} @ M0 + M0 @ {matrix} @ L0"


def _sweep(name: str, start: str, order):
    """F (or its adjoint, in reverse order) applied to a square of fine values."""
    yield f"{name}0", start
    count = 0
    for count, number in enumerate(order, 1):
        D, L, M = f"D{number}", f"L{number}", f"M{number}"
        old, r = f"{name}{count - 1}", f"{name}r{count}"
        residual = f"({_energy(old)})"
        update = f"(2*s*{r} - s**2*({D} @ ({L} @ {r} @ {M} + {M} @ {r} @ {L}) @ {D}))"
        if number:
            lift = "(" + " @ ".join(f"p{k}" for k in range(1, number + 1)) + ")"
            residual, update = f"{lift}.T @ {residual} @ {lift}", f"{lift} @ {update} @ {lift}.T"
        yield r, f"{D} @ {residual} @ {D}"
        yield f"{name}{count}", f"{old} - {update}"
    yield name, f"{name}{count}"


def _sweeps(cone: Cone, m: int):
    """f = F*z and v = F K z."""
    order = range(cone.split)
    rows = ", ".join(f"u[{i * m}:{(i + 1) * m}]" for i in range(m))
    yield from _sweep("f", "C @ Z @ C.T", reversed(order))
    yield from (("u", "z - S @ Wz - P @ (X @ Wz)"), ("U", f"[{rows}]"))
    yield from _sweep("v", "C @ U @ C.T", order)


def _numbers(cone: Cone, m: int):
    """a, b and c."""
    sign = "-" if cone.side < 0 else ""
    yield from (
        ("size", "z @ Wz"), ("Af", _energy("f")), ("Av", _energy("v")),
        ("a", f"{sign}(vec(C.T @ Af @ C) @ u) / size"),
        ("h", "vec(H)"), ("Wh", "W @ h"), ("k", "h - S @ Wh - X.T @ (P.T @ Wh)"),
        ("rest", "f - C @ H @ C.T"), ("Ar", _energy("rest")),
        ("b", "(sqrt(k @ (W @ k) - (k @ Wz)**2 / size) + sqrt(vec(rest) @ vec(Ar))) "
              "/ sqrt(size)"),
        ("c", "sqrt((vec(v) @ vec(Av)) / size - a**2)"))
