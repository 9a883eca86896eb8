"""Fast semi-iterative cycles (alt2021, eq. (7)) of every length n.

(2l + 3) uˡ⁺¹ = (4l + 2)(uˡ − τAuˡ) − (2l − 1) uˡ⁻¹, u⁻¹ = u⁰, A = KᵀGK with frozen diffusivities.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from stabkit.proof.symbols import Symbols
from stabkit.proof.theorems.theorem import Theorem
from stabkit.proof.words import dot

# With C = I − τA: a = T_l(C)u and b = U_(l−1)(C)u are Chebyshev polynomials, W = (2l + 1)uˡ.
# They obey |a|² + b·(I − C²)b = |u|² and W⁺ = W + 2a⁺, so that |W| <= (2l + 1)|u|.


def theorems() -> Iterator[Theorem]:
    yield euclidean(frozen=False)
    yield euclidean(frozen=True)
    yield super_time()
    yield from dirichlet_kernel()
    yield expansion()
    yield not_of_second_order()


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


def _linear(rest: tuple[str, ...]) -> tuple:
    """An inner step for Φ = id, with so many further letters of the state."""
    s = Symbols()
    tau, number, K = s.parameter("tau"), s.parameter("l", ">= 0"), s.operator("K")
    A = tau * (K.T @ K)
    u, now, before, *others, after = (s.vector(name) for name in (
        "u", "state", "state1", *rest, "after"))
    s.equation("cycle", (2 * number + 3) * after + (2 * number - 1) * before
               - (4 * number + 2) * (now - A @ now))
    return s, number, A, u, now, before, others, after


def dirichlet_kernel() -> Iterator[Theorem]:
    """W = (1 + 2ΣT_k)u is (2l + 1)uˡ, and τAW = (T_l − T_{l+1})u, by Chebyshev's recursion.

    (2l + 3)uˡ⁺¹ − W − 2T_{l+1}u = (cycle) + 2(1 − τA)((2l + 1)uˡ − W)
    − ((2l − 1)uˡ⁻¹ − W + 2T_l u) − 2(τAW − T_l u + T_{l+1}u).
    """
    invariants = {"is_now": "(2*l + 1)*state - state4 == 0",
                  "is_before": "(2*l - 1)*state1 - state4 + 2*state2 == 0",
                  "sines": "tau*K.T@K@state4 - state2 + state3 == 0"}
    steps = {name: {"steps": [{"use": "equation", "of": of, "with": factor}
                              for of, factor in parts]} for name, parts in (
        ("is_now", (("cycle", "1"), ("is_now", "2"), ("is_now", "-2*tau*K.T@K"),
                    ("is_before", "-1"), ("sines", "-2"))),
        ("is_before", (("is_now", "1"),)), ("sines", (("sines", "1"),)))}
    for goal, says in (("is_now", "(2n + 1) u_n = (1 + 2 sum of T_k(1 - tau A)) u_0, k = 1..n"),
                       ("sines", "tau A (1 + 2 sum of T_k) u_0 = (T_n - T_(n+1)) u_0")):
        s, _, A, u, now, _, (t, following, total), after = _linear(("state2", "state3", "state4"))
        yield Theorem(
            f"linear FSI cycle of any length, Dirichlet kernel, {goal.replace('is_now', 'sum')}",
            f"{says}, for every length n, A = K'K and tau.",
            s.iterates(invariants[goal].removesuffix(" == 0"), relation="==", counter="l",
                       start={"state": u, "state1": u, "state2": u, "state3": u - A @ u,
                              "state4": u},
                       after={"state": after, "state1": now, "state2": following,
                              "state3": 2 * (following - A @ following) - t,
                              "state4": total + 2 * following}, changing=["after"]),
            {"invariants": invariants, "base": {name: {"steps": []} for name in invariants},
             "step": steps, "end": steps[goal]})


def _expand_cycle(now: str, rest: str, first: str, second: str) -> str:
    """u − az u + bz²u − z³r, subtracted from uˡ."""
    z, u = "(tau*K.T@K)", "u"
    return f"{now} - (u - {first}*{z}@{u} + {second}*{z}@{z}@{u} - {z}@{z}@{z}@{rest})"


def expansion() -> Theorem:
    """uˡ = u − l(l+1)/3 zu + (l−1)l(l+1)(l+2)/30 z²u − z³rˡ, z = τA, with rˡ by its recursion."""
    s, number, A, u, now, _, (rest, last, first), after = _linear(
        ("state2", "state3", "state4"))
    new = s.vector("after1")
    second = (number - 1) * number * (number + 1) * (number + 2) / 30
    s.equation("cycle1", (2 * number + 3) * new + (2 * number - 1) * last
               - (4 * number + 2) * (rest - A @ rest + second * first))
    b, Z = "(l - 1)*l*(l + 1)*(l + 2)/30", "tau*K.T@K"
    invariants = {
        "is_now": _expand_cycle("state", "state2", "l*(l + 1)/3", b),
        "is_before": _expand_cycle("state1", "state3", "(l - 1)*l/3",
                                   "(l - 2)*(l - 1)*l*(l + 1)/30"),
        "same": "state4 - u"}
    step = {"times": "2*l + 3", "steps": [
        {"use": "equation", "of": of, "with": factor} for of, factor in (
            ("cycle", "1"), ("cycle1", f"{Z}@({Z})@({Z})"), ("is_now", "4*l + 2"),
            ("is_now", f"-(4*l + 2)*{Z}"), ("is_before", "-(2*l - 1)"),
            ("same", f"(4*l + 2)*{b}*{Z}@({Z})@({Z})"))]}
    one = {name: {"steps": [{"use": "equation", "of": of, "with": "1"}]}
           for name, of in (("is_before", "is_now"), ("same", "same"))}
    return Theorem(
        "linear FSI cycle of any length, expansion",
        "u_n = u_0 - n(n+1)/3 z u_0 + (n-1)n(n+1)(n+2)/30 z^2 u_0 - z^3 r_n, z = tau K'K.",
        s.iterates(invariants["is_now"], relation="==", counter="l",
                   start={"state": u, "state1": u, "state2": 0 * u, "state3": 0 * u, "state4": u},
                   after={"state": after, "state1": now, "state2": new, "state3": rest,
                          "state4": first}, changing=["after", "after1"]),
        {"invariants": {name: f"{text} == 0" for name, text in invariants.items()},
         "base": {name: {"steps": []} for name in invariants},
         "step": {"is_now": step, **one}, "end": step})


def not_of_second_order() -> Theorem:
    """(n(n+1)/3)²/2 − (n−1)n(n+1)(n+2)/30 − 2/9 = m(m³ + 6m² + 16m + 21)/45 with m = n − 1."""
    s = Symbols()
    n = s.parameter("n", "any")
    s.assume("n_low", n - 1)
    s.operator("K")
    u = s.vector("u")
    return Theorem(
        "FSI cycle of any length, not of second order",
        "(n-1)n(n+1)(n+2)/30 + 2/9 <= (n(n+1)/3)^2/2 for n >= 1.",
        s.shows((n**2 * (n + 1)**2 / 18 - (n - 1) * n * (n + 1) * (n + 2) / 30 - Fraction(2, 9))
                * dot(u, u)),
        {"steps": [{"use": "square", "x": "u", "times":
                    "1/45*(n_low**4 + 6*n_low**3 + 16*n_low**2 + 21*n_low)"}]})
