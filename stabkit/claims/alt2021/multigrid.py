"""Multigrid V-cycles as U-nets (Section 3.2)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from stabkit.aliases import Function, Matrix, Signal
from stabkit.arithmetic.rational import Constant
from stabkit.claims import two_grids
from stabkit.claims.claim import claim
from stabkit.claims.configurations import constant
from stabkit.claims.two_grids import apply_operator, correct_error, product, sweep_error
from stabkit.classes import AnyMap, AnyOperator, AnyVector, ForExamples, Positive
from stabkit.operators import Operator, from_matrix
from stabkit.stability.notions import inner, squared_norm
from stabkit.stability.property import AllOf, Always, AtMost, Calculation, Example, Identity
from stabkit.stability.verdict import REFUTED

LAPLACE_7 = [[2 if i == j else -1 if abs(i - j) == 1 else 0 for j in range(7)] for i in range(7)]
LAPLACE_3 = [row[:3] for row in LAPLACE_7[:3]]
# Linear interpolation from 3 to 7 and from 1 to 3 interior nodes, doubled.
TWICE_P_3_7 = [[1, 0, 0], [2, 0, 0], [1, 1, 0], [0, 2, 0], [0, 1, 1], [0, 0, 2], [0, 0, 1]]
TWICE_P_1_3 = [[1], [2], [1]]
LOWER = {7: [[1 if j <= i else 0 for j in range(7)] for i in range(7)],
         3: [[1, 0, 0], [1, 1, 0], [1, 1, 1]]}
#: B of the smoother x ← x + B(b − A x).
SMOOTHERS = {"Jacobi": "I({n}) / 3", "Gauss-Seidel": "inverse(A * Lower)"}
COARSE_SMOOTHERS = {"Jacobi": "I(3) / 3 * 2", "Gauss-Seidel": "inverse(AH * Lower2)"}
GRIDS = {3: (LAPLACE_3, TWICE_P_1_3), 7: (LAPLACE_7, TWICE_P_3_7)}


def _grid(n: int, smoother: str, coarse: str = "inverse(AH)"):
    """What is given on n nodes, and the lines that define the two-level ingredients."""
    A, P2 = GRIDS[n]
    let = [("P", "P2 / 2"), ("R", "P.T / 2"), ("AH", "R @ A @ P"), ("C", coarse),
           ("B", SMOOTHERS[smoother].format(n=n)),
           ("G", f"I({n}) - B @ A")]
    given = {"A": A, "P2": P2}
    if smoother == "Gauss-Seidel":
        given["Lower"] = LOWER[n]
    return given, let


#: What is restricted in steps 2 and 4.
RESTRICTED = "r"


def _matrix(rows: list, over: int = 1) -> Operator:
    return from_matrix([[Fraction(entry, over) for entry in row] for row in rows])


#: Any linear A, smoother x ← G x + B b, restriction and prolongation; and what the net is given.
PARTS = dict(A=(_matrix(LAPLACE_7),), P=(_matrix(TWICE_P_3_7, 2),),
             R=(_matrix(list(zip(*TWICE_P_3_7, strict=True)), 4),),
             G=(_matrix([[int(i == j) - (abs(i - j) == 1) for j in range(7)] for i in range(7)], 3),
                _matrix(LOWER[7], 2)), B=(_matrix(LOWER[7], 3),),
             x=((1, 0, -2, 3, 0, 0, 5),), b=((2, -1, 0, 0, 4, 1, 1),), r=((7, 0, 0, 1, 0, 2, 0),))
ANY_PARTS = dict(A=AnyOperator("N", "N"), P=AnyOperator("M", "N"), R=AnyOperator("N", "M"),
                 G=AnyOperator("N", "N"), B=AnyOperator("N", "N"), x=AnyVector(), b=AnyVector(),
                 r=AnyVector())


def solver_channels(x: Signal, b: Any, r: object, A: Matrix, G: Matrix, B: Matrix
                    ) -> tuple[Any, Any, Any]:
    """S(x, b, r) = (G x + B b, b, b − A(G x + B b)): the input r is ignored."""
    x = G @ x + B @ b
    return x, b, b - A @ x


def restrict_channels(R: Matrix, channels: tuple[Any, Any, Any]) -> Any:
    """b^H = R r; x^H and r^H are 0."""
    return R @ channels[2]


def _unet(x: Signal, b: Any, r: Any, A: Matrix, P: Any, R: Matrix, G: Matrix, B: Matrix, coarse: Any
          ) -> tuple[Any, Any, Any]:
    """The six steps, with the x that the coarse part of the net makes of b^H."""
    channels = solver_channels(x, b, r, A, G, B)
    x, b, r = channels
    return solver_channels(x + P @ coarse(restrict_channels(R, channels)), b, r, A, G, B)


def _v_cycle(x: Signal, b: Signal, A: Matrix, P: Matrix, R: Matrix, G: Matrix, B: Matrix,
             coarse: Function) -> Signal:
    x = G @ x + B @ b
    x = x + P @ coarse(R @ (b - A @ x))
    return G @ x + B @ b


def _agree(A, P, R, G, B, x, b, r, net, cycle) -> AllOf:
    """The net, with a net for its coarse part, and the cycle, with a cycle."""
    given = dict(x=x, b=b, r=r)
    return AllOf([
        Identity(lambda x, b, r: _unet(x, b, r, A, P, R, G, B, net)[0],
                 lambda x, b, r: _v_cycle(x, b, A, P, R, G, B, cycle), given,
                 "the x of the net and of the V-cycle"),
        Identity(lambda x, b, r: _unet(x, b, r, A, P, R, G, B, net)[1], lambda x, b, r: b, given,
                 "b is carried unchanged")])


@claim("Section 3.2, steps 1–6",
       quote="we express a multigrid V-cycle in this form by utilising multiple network channels",
       within={**PARTS, "C": (_matrix(LAPLACE_3), _matrix(LOWER[3], 5))},
       for_all={**ANY_PARTS, "C": AnyOperator("M", "M")})
def unet_is_a_two_level_v_cycle(A, P, R, G, B, C, x, b, r):
    """With channels (x, b, r), solver S(x, b, r) = (G x + B b, b, b − A(G x + B b)), restriction
    b^H = R r with x^H = r^H = 0, prolongation of x only, and addition, the six steps give the x of
    the classical two-level V-cycle, for every linear A, smoother and coarse solver; b is carried
    unchanged and the input r is ignored."""
    return _agree(A, P, R, G, B, x, b, r, lambda b: C @ b, lambda b: C @ b)


class TwoLevels:
    """What two levels, of 3 points and of 1, make of a right-hand side, as a net and as a cycle."""

    def __call__(self, b: Any) -> Any:
        return self.cycle(b)

    def cycle(self, b: Any) -> Any:
        return _v_cycle(0 * b, b, *COARSE, lambda b: b / 2)

    def net(self, b: Any) -> Any:
        return _unet(0 * b, b, 0 * b, *COARSE, lambda b: b / 2)[0]


#: A, P, R, G, B from 3 points to 1.
COARSE = (_matrix(LAPLACE_3), _matrix(TWICE_P_1_3, 2), _matrix([[1, 2, 1]], 4),
          _matrix([[1, 1, 0], [1, 1, 1], [0, 1, 1]], 3), _matrix(LOWER[3], 3))


@claim('Section 3.2, "deeper V-cycles ... by stacking"',
       within={**PARTS, "coarse": (TwoLevels(),)},
       for_all={**ANY_PARTS, "coarse": AnyMap("M", "M")})
def deeper_unet_is_a_v_cycle(A, P, R, G, B, x, b, r, coarse):
    """The three-channel U-net, applied recursively over J levels with any smoothers, transfers and
    coarse operators, computes the J-level V-cycle, for every J.

    By induction over J: if the net and the cycle of J − 1 levels are one map, linear or not, so
    are those of J levels.  Listed is J = 3, from 7 to 3 and 1 points."""
    return _agree(A, P, R, G, B, x, b, r, getattr(coarse, "net", coarse),
                  getattr(coarse, "cycle", coarse))


@claim("Section 3.2, steps 2 and 4", weight="minor",
       quote="This enables the coarse solver to work on the residual equation",
       within=dict(n=(3, 7), smoother=tuple(SMOOTHERS)))
def unet_coarse_solver_works_on_the_residual_equation(n, smoother):
    """For a consistent solver (G = I − B A) and x₀ taken as an input, with b^H = R r the exact
    solution is a fixed point of the cycle; with b^H = R b it is in general not; and b^H must be
    set to 0 before the addition (a nonzero r^H does no harm)."""
    given, let = _grid(n, smoother)
    given["z"] = list(range(1, n + 1))
    let += [("b", "A @ z"), ("x", "G @ z + B @ b"), ("r", "b - A @ x"),
            ("right", f"x + P @ (C @ (R @ {RESTRICTED}))"), ("wrong", "x + P @ (C @ (R @ b))"),
            ("spoilt", "b + P @ (R @ b)")]
    return Calculation(given, let, [
        "G @ right + B @ b == z", "G @ wrong + B @ b != z", "G @ right + B @ spoilt != z"],
        "z solves A z = b; the last line adds the prolongated b^H to b; r is not read by S",
        necessary=True)


@claim('Section 3.2, "solves the linear system by repeating the following steps"', notion="bound",
       quote="A two-level V-cycle solves the linear system by repeating the following steps",
       expect=REFUTED, within=dict(n=(3, 7), smoother=tuple(SMOOTHERS)))
def unet_repetition_solves_the_system(n, smoother):
    """Repeating steps 1–6 as written, where step 1 sets x₀ = 0, drives the error ‖x̂ − A⁻¹b‖ to 0,
    for a convergent two-level cycle.  As b is the only input, every repetition gives the same x̂:
    the error tends to 0 only if the first x̂ solves the system."""
    given, let = _grid(n, smoother)
    given["b"] = [1] + [0] * (n - 1)
    let += [("x", f"G @ zeros({n}) + B @ b"), ("corrected", "x + P @ (C @ (R @ (b - A @ x)))"),
            ("again", "G @ corrected + B @ b")]
    return Calculation(given, let, ["A @ again == b"],
                       "`again` is the result of every repetition, the first included",
                       necessary=True)


@claim("end of Section 3.2",
       quote="so-called W-cycles are built by concatenating two V-cycles", expect=REFUTED,
       within=dict(levels=(2, 3), smoother=tuple(SMOOTHERS)))
def w_cycle_is_two_v_cycles(levels, smoother):
    """For J >= 2 levels the W-cycle (two recursive coarse-grid calls per level) is the
    concatenation of two V-cycles: its error operator is E_W = E_V²."""
    if levels == 2:
        given, let = _grid(3, smoother)
        let += [("EV", "G @ (I(3) - P @ C @ R @ A) @ G"),
                # Two exact coarse solves are one: the second finds no residual.
                ("EW", "G @ (I(3) - P @ (C + C - C @ AH @ C) @ R @ A) @ G")]
        return Calculation(given, let, ["EW == EV @ EV"], "J = 2, exact coarse solves",
                           necessary=True)
    given, let = _grid(7, smoother)
    coarse = [("B2", COARSE_SMOOTHERS[smoother]),
              ("G2", "I(3) - B2 @ AH"), ("P3", "Q2 / 2"), ("R3", "P3.T / 2"),
              ("F", "G2 @ (I(3) - P3 @ inverse(R3 @ AH @ P3) @ R3 @ AH) @ G2"),
              ("once", "(I(3) - F) @ inverse(AH)"), ("twice", "(I(3) - F @ F) @ inverse(AH)"),
              ("EV", "G @ (I(7) - P @ once @ R @ A) @ G"),
              ("EW", "G @ (I(7) - P @ twice @ R @ A) @ G")]
    given |= {"Q2": TWICE_P_1_3} | ({"Lower2": LOWER[3]} if smoother == "Gauss-Seidel" else {})
    return Calculation(given, [*let, *coarse], ["EW == EV @ EV"],
                       "J = 3: F is the error operator of the V-cycle on the two coarser levels",
                       necessary=True)


#: What ν sweeps before and after leave of the energy norm of an error, and the sweep.
CONTRACTION, QUARTER = "1/(1 + nu)", "1/4"

ON_TWO_GRIDS = dict(B=AnyOperator("C", "F", square=4), f=AnyVector("F"), c=AnyVector("C"),
                    x=AnyVector("F"), y=AnyVector("C"), q=AnyVector("C"))
HALF, SWEEP = Constant(1, 2), Constant(1, 4)


@claim("derived (Section 3.2)", notion="bound",
       within=dict(B=two_grids.NEIGHBOURS, f=((1, 0, -2, 3),), c=((2, -1, 4),), x=((0, 1, 1, -5),),
                   y=((1, 1, 0),), q=((1, 0, 2),), levels=(2, 3, 4), nu=(1, 2, 3)),
       for_all=dict(ON_TWO_GRIDS, levels=ForExamples(), nu=Positive()))
def one_dimensional_v_cycle_contracts_for_every_depth(B, f, c, x, y, q, levels, nu):
    """1-D Poisson with Dirichlet ends, n = 2ᵏ − 1 points, linear interpolation P, Galerkin coarse
    operators, ν sweeps of u ↦ u + (b − A u)/4 (A = tridiag(−1, 2, −1), h = 1 on each level) before
    and after: the energy norm of the V-cycle's error operator is at most 1/(1 + ν), for every k,
    every number of levels and every ν >= 1.

    For all A = [[2, −B], [−Bᵀ, 2]] with ‖B‖ <= 2 and P = [B/2, 1], of which the line is one on
    every level (f and c are alternating points, and A_H = PᵀAP is A on c up to a factor, which no
    cycle sees).  By induction over the levels, from the coarsest that is solved: if the cycle takes
    c to q on the coarse grid, 0 <= (1 + ν) c·A_H q <= c·A_H c, and V takes e there to v on this
    grid, 0 <= (1 + ν) e·A v <= e·A e.  The sweeps S are symmetric in the energy, so e·A v is
    e′·A w, where e′ = Sᵛe becomes w by the correction; they have e′·Ae′ + (ν/2)‖Ae′‖² <= e·Ae."""
    more = 1 + constant(nu)

    def below(c: Any, q: Any) -> Any:
        return inner(c, two_grids.coarse(B, q))

    def sweeps() -> Always:
        return Always(
            lambda f, c: (f, c), lambda f, c, number: sweep_error(B, f, c, SWEEP),
            lambda state, f, c, number: product(B, (f, c), (f, c)) - product(B, state, state)
            - HALF * constant(number) * sum(map(squared_norm, apply_operator(B, *state))),
            dict(f=f, c=c), counted=True)

    whole, half = dict(f=f, c=c, q=q), dict(f=f, c=c, x=x, y=y)
    return AllOf([
        sweeps(), two_grids.coarse_equation(B, f, c),
        Identity(lambda f, c, x, y: product(B, sweep_error(B, f, c, SWEEP), (x, y)),
                 lambda f, c, x, y: product(B, (f, c), sweep_error(B, x, y, SWEEP)), half,
                 "a sweep is symmetric in the energy"),
        AtMost(lambda f, c, q: more * product(B, (f, c), correct_error(B, f, c, q)) + below(c, c),
               lambda f, c, q: product(B, (f, c), (f, c)) + HALF * constant(nu) * sum(map(
                   squared_norm, apply_operator(B, f,
                                                c))) + more * below(c, q), whole, "at e′ = (f, c)"),
        AtMost(lambda f, c, q: below(c, q),
               lambda f, c, q: product(B, (f, c), correct_error(B, f, c, q)), whole,
               "so that it is >= 0 where c·A_H q is"),
        Example(lambda: _contracts(levels, nu))])


def _contracts(levels: int, nu: int) -> Calculation:
    """Down to one point, which is solved, from 3, 7 and 15 points."""
    sizes = [2 ** (k + 1) - 1 for k in range(levels)]
    given: dict = dict(nu=nu)
    let = [("A1", "[[2]]"), ("E1", "[[0]]")]
    for coarse, n in pairwise(sizes):
        given[f"A{n}"] = [[2 * (i == j) - (abs(i - j) == 1) for j in range(n)] for i in range(n)]
        given[f"Q{n}"] = [[2 * (i == 2 * j + 1) + (abs(i - 2 * j - 1) == 1) for j in range(coarse)]
                          for i in range(n)]
        sweeps = " @ ".join([f"G{n}"] * nu)
        let += [(f"P{n}", f"Q{n}/2"), (f"G{n}", f"I({n}) - {QUARTER}*A{n}"),
                (f"E{n}", f"{sweeps} @ (I({n}) - P{n} @ (I({coarse}) - E{coarse}) @ "
                          f"inverse(P{n}.T @ A{n} @ P{n}) @ P{n}.T @ A{n}) @ {sweeps}")]
    n = sizes[-1]
    return Calculation(
        given, let, [f"psd(A{n} @ E{n})", f"psd({CONTRACTION}*A{n} - A{n} @ E{n})"],
        "A E is symmetric, so these are the bounds 0 and 1/(1 + ν) of ⟨E e, e⟩ in the energy; PᵀA "
        "P is A on the coarser grid up to a factor, which the correction does not see",
        necessary=True)


#: An x₀ of the first repetition, and the error operator of two cycles one level down.
START, TWICE = "concat([1], zeros({n} - 1))", "F @ F"


@claim("derived (Section 3.2)", notion="bound", within=dict(n=(3, 7), smoother=("Gauss-Seidel",)))
def unet_repetition_solves_the_system_corrected(n, smoother):
    """With x₀ the result of the repetition before, step 1 being x ← G x₀ + B b, the error is
    multiplied by E = G(I − P C R A)G each time, and its energy falls, ‖E‖_A < 1: it tends to 0."""
    given, let = _grid(n, smoother)
    let += [("x0", START.format(n=n)), ("z", f"ones({n})"), ("b", "A @ z"), ("x", "G @ x0 + B @ b"),
            ("corrected", "x + P @ (C @ (R @ (b - A @ x)))"), ("again", "G @ corrected + B @ b"),
            ("E", f"G @ (I({n}) - P @ C @ R @ A) @ G")]
    return Calculation(given, let, ["again - z == E @ (x0 - z)", "pd(A - E.T @ A @ E)"],
                       "z solves A z = b; the error of x0 is multiplied by E", necessary=True)


def twice(F: Any, x: Any) -> Any:
    """The coarse error after two cycles with the error operator F."""
    return F @ (F @ x)


@claim("derived (end of Section 3.2)",
       within={**{name: PARTS[name] for name in "APRB"}, "F": (_matrix(LOWER[3], 4),),
               "C": (_matrix(LAPLACE_3),), "z": PARTS["x"], "smoother": tuple(SMOOTHERS)},
       for_all={**{name: ANY_PARTS[name] for name in "APRB"}, "F": AnyOperator("M", "M"),
                "C": AnyOperator("M", "M"), "z": AnyVector(), "smoother": ForExamples()})
def w_cycle_is_two_v_cycles_corrected(A, P, R, B, F, C, z, smoother):
    """The W-cycle concatenates two cycles one level down: it is the V-cycle in which two cycles on
    the coarser levels, the second from where the first ended, stand for the coarse solver.

    For all linear parts and sweeps x ← x + B(b − A x), and coarse cycles e ← F e + (1 − F)C r,
    whose error from C r is multiplied by F: from x = 0 the error −z, with b = A z, is multiplied by
    S(1 − P(1 − F²)C R A)S, S = 1 − B A.  Beside it, from 7 to 3 and 1 points."""
    def below(e: Any, r: Any) -> Any:
        exact = C @ r
        return exact + F @ (e - exact)

    def w_cycle(z: Any) -> Any:
        b = A @ z
        x = B @ b
        r = R @ (b - A @ x)
        x = x + P @ below(below(0 * r, r), r)
        return x + B @ (b - A @ x)

    def by_the_operator(z: Any) -> Any:
        y = z - B @ (A @ z)
        exact = C @ (R @ (A @ y))
        y = y - P @ (exact - twice(F, exact))
        return B @ (A @ y) - y

    return AllOf([Identity(lambda z: w_cycle(z) - z, by_the_operator, dict(z=z),
                           "the error from 0"),
                  Example(lambda: _w_cycle(smoother))])


def _w_cycle(smoother: str) -> Calculation:
    """From 7 to 3 and 1 points."""
    given, let = _grid(7, smoother)
    given |= {"Q2": TWICE_P_1_3, "f": list(range(1, 8)), "Lower2": LOWER[3]}
    let += [("B2", COARSE_SMOOTHERS[smoother]), ("G2", "I(3) - B2 @ AH"), ("P3", "Q2 / 2"),
            ("R3", "P3.T / 2"), ("C3", "inverse(R3 @ AH @ P3)"),
            ("F", "G2 @ (I(3) - P3 @ C3 @ R3 @ AH) @ G2"), ("x", "B @ f"), ("r", "R @ (f - A @ x)"),
            *_coarse_cycle("zeros(3)", "1"), *_coarse_cycle("e1", "2"),
            ("found", "G @ (x + P @ e2) + B @ f"),
            ("W", f"G @ (I(7) - P @ (I(3) - {TWICE}) @ inverse(AH) @ R @ A) @ G"),
            ("z", "inverse(A) @ f")]
    return Calculation(given, let, ["found - z == -(W @ z)"],
                       "from x = 0 the error −z is multiplied by W, with F the error operator of "
                       "the V-cycle on the two coarser levels", necessary=True)


def _coarse_cycle(start: str, number: str) -> list[tuple[str, str]]:
    """One V-cycle for AH e = r on 3 and 1 points."""
    before, after = f"y{number}", f"w{number}"
    return [(before, f"G2 @ {start} + B2 @ r"),
            (after, f"{before} + P3 @ (C3 @ (R3 @ (r - AH @ {before})))"),
            (f"e{number}", f"G2 @ {after} + B2 @ r")]
