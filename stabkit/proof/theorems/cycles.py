"""Fast semi-iterative cycles (alt2021, eq. (7)) of every length n.

(2l + 3) uˡ⁺¹ = (4l + 2)(uˡ − τAuˡ) − (2l − 1) uˡ⁻¹, u⁻¹ = u⁰, A = KᵀGK with frozen diffusivities.
"""

from __future__ import annotations

from collections.abc import Iterator

from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot

# With C = I − τA: a = T_l(C)u and b = U_(l−1)(C)u are Chebyshev polynomials, W = (2l + 1)uˡ.
# They obey |a|² + b·(I − C²)b = |u|² and W⁺ = W + 2a⁺, so that |W| <= (2l + 1)|u|.


def theorems() -> Iterator[Theorem]:
    yield euclidean(frozen=False)
    yield euclidean(frozen=True)
    yield super_time()


def euclidean(frozen: bool) -> Theorem:
    s = Symbols()
    tau, c, number = (s.parameter(name, sign) for name, sign in (
        ("tau", "> 0"), ("c", ">= 0"), ("l", ">= 0")))
    K = s.operator("K", bound=c)
    A = K.T @ K
    if frozen:
        L, G = s.parameter("L"), s.operator("G", "M", "M", symmetric=True)
        s.form("weights", "M", lambda x: dot(G @ x, L * x - G @ x))
        A, c = K.T @ G @ K, L * c
    s.assume("step", 2 - tau * c)
    u, now, before, after = (s.vector(name) for name in ("u", "now", "before", "after"))
    s.equation("cycle", (2 * number + 3) * after + (2 * number - 1) * before
               - (4 * number + 2) * (now - tau * (A @ now)))
    statement = s.iterates(
        "u.T@u - now.T@now", start={"now": u, "before": u}, after={"now": after, "before": now},
        changing=["after"], counter="l")
    if not frozen:
        return Theorem(
            "linear FSI cycle of any length, euclidean",
            "|u_n| <= |u_0| for every length n, every K, and 0 < tau <= 2/|K|^2.",
            statement, _proof("K.T@K", "1", [
                {"use": "bound", "of": "K.T", "times": "tau**2"},
                {"use": "square", "times": "tau*step"}], "K"))
    return Theorem(
        "frozen FSI cycle of any length, euclidean",
        "|u_n| <= |u_0| for every length n, every K, weights 0 <= G <= L that do not change in "
        "the cycle, and 0 < tau <= 2/(L |K|^2).",
        statement, _proof("K.T@G@K", "L", [
            {"use": "form", "of": "weights", "times": "2*tau"},
            {"use": "bound", "of": "K.T", "times": "tau**2*L"},
            {"use": "square", "times": "tau*step"}], "G@K"))


def _proof(operator: str, scale: str, positive: list[dict], half: str) -> dict:
    """The induction; `positive` adds up to scale·(2b·τAb − |τAb|²) >= 0, at x = half @ b."""
    A = f"(tau*{operator})"
    a, b = f"(a - {A}@(a + 2*b) + {A}@({A}@b))", f"(a + b - {A}@b)"  # after a step
    W, W_next = f"(a + 2*b - {A}@b)", f"({a} + 2*{b} - {A}@{b})"
    # m((m + 2)²|u|² − |W⁺|²) = (m + 2)(m²|u|² − |W|²) + 2m(m + 2)(|u|² − |a|²) + 2|W − ma|²
    factor, scale = "2*(2*l + 1)*(2*l + 3)", "" if scale == "1" else f"{scale}*"
    growth = [
        {"use": "known", "of": "growth", "times": f"{scale}(2*l + 3)"},
        {"use": "square", "x": f"{W} - (2*l + 1)*{a}", "times": f"{scale}2"},
        {"use": "equation", "of": "pell", "with": f"-{scale}{factor}"},
        *({**step, "x": f"{'K' if step['use'] == 'form' else half}@{b}",
           "times": f"{factor}*{step['times']}"} for step in positive)]
    # (2l + 3)uˡ⁺¹ − W⁺ is a sum of multiples of these equations.
    scheme = [("cycle", "1", ""), ("is_now", "2", ""), ("is_now", "-2", A), ("is_before", "-1", "")]
    both = f"((2*l + 3)*after + {W_next}).T"  # |x|² − |y|² = (x + y)·(x − y)
    ends = [{"use": "equation", "of": of, "with": f"-{scale}(2*l + 1)*({times})*" +
             "@".join(filter(None, (both, applied)))} for of, times, applied in scheme]
    return {
        "ghosts": {"a": {"in": "N", "start": "u", "next": a},
                   "b": {"in": "N", "start": "0", "next": b}},
        "invariants": {
            "is_now": f"(2*l + 1)*now - {W} == 0",
            "is_before": f"(2*l - 1)*before - {W} + 2*a == 0",
            "pell": f"a.T@a + 2*b.T@{A}@b - ({A}@b).T@({A}@b) - u.T@u == 0",
            "growth": f"(2*l + 1)**2*u.T@u - {W}.T@{W} >= 0"},
        "base": {name: {"steps": []} for name in ("is_now", "is_before", "pell", "growth")},
        "step": {
            "is_now": {"steps": [{"use": "equation", "of": of, "with": "*".join(
                filter(None, (times, applied)))} for of, times, applied in scheme]},
            "is_before": {"steps": [{"use": "equation", "of": "is_now", "with": "1"}]},
            "pell": {"steps": [{"use": "equation", "of": "pell", "with": "1"}]},
            "growth": {"times": f"{scale}(2*l + 1)", "steps": growth}},
        "end": {"times": f"{scale}(2*l + 1)*(2*l + 3)**2", "steps": growth + ends}}


def super_time() -> Theorem:
    """The recursion for u̇ = 1, whose value is the time."""
    s = Symbols()
    tau, number = s.parameter("tau"), s.parameter("l", ">= 0")
    now, before, after = (s.vector(name, "1") for name in ("now", "before", "after"))
    s.equation("cycle", (2 * number + 3) * after - (4 * number + 2) * (now + tau)
               + (2 * number - 1) * before)
    return Theorem(
        "FSI cycle of any length, super time step",
        "alt2021, after eq. (7): a cycle of length n advances the time by n(n + 1) tau/3.",
        s.iterates(3 * now - number * (number + 1) * tau, relation="==",
                   start={"now": 0, "before": 0}, after={"now": after, "before": now},
                   changing=["after"], counter="l"),
        {"invariants": {"is_now": "3*now - l*(l + 1)*tau == 0",
                        "is_before": "3*before - l*(l - 1)*tau == 0"},
         "base": {"is_now": {"steps": []}, "is_before": {"steps": []}},
         "step": {"is_now": TIME, "is_before": {"steps": [
             {"use": "equation", "of": "is_now", "with": "1"}]}},
         "end": TIME})


TIME = {"times": "2*l + 3", "steps": [
    {"use": "equation", "of": "cycle", "with": "3"},
    {"use": "equation", "of": "is_now", "with": "4*l + 2"},
    {"use": "equation", "of": "is_before", "with": "-(2*l - 1)"}]}
