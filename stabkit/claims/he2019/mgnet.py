"""MgNet as multigrid (Section 6).

The algorithms run on names instead of numbers: the evidence is what they write down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stabkit.aliases import Matrix, Scalar, Signal
from stabkit.arithmetic.transcript import Term, Transcript, named
from stabkit.claims.claim import claim
from stabkit.claims.he2019.matrices import integers
from stabkit.classes import AnyMap, AnyOperator, AnyVector, ForExamples
from stabkit.operators import from_matrix
from stabkit.stability.property import AllOf, Calculation, Example, Identity
from stabkit.stability.verdict import REFUTED

SIZES = {2: (3, 2), 3: (4, 3, 2)}


def _linear(log: Transcript, name: str, matrix: np.ndarray) -> Callable[[Any], Term]:
    given = log.give(name, matrix)
    return lambda u: named(given @ u, name.lower())


def _nonlinear(log: Transcript, name: str, matrix: np.ndarray) -> Callable[[Any], Term]:
    """M u + 1 where it is positive, its square elsewhere: not 0 at 0."""
    affine = _linear(log, name, matrix)

    def apply(u: Signal) -> Term:
        v = affine(u)
        return named(np.maximum(v + 1, v * v), name.lower())

    return apply


def _size_of_image(log: Transcript, name: str, matrix: np.ndarray) -> Callable[[Any], Term]:
    """|M u|, which is 0 at 0."""
    linear = _linear(log, name, matrix)
    return lambda u: named(abs(linear(u)), name.lower())


def _grids(log: Transcript, levels: int, seed: int, *, smoother: Callable = _linear,
           first: Callable = _linear) -> list:
    """Random maps for `levels` grids with two features each; A¹ by `first`, B, R by `smoother`."""
    # Imported here, because claims must load quickly.
    from stabkit.multigrid import Grid, SingleStep
    rng, sizes, grids = np.random.default_rng(seed), SIZES[levels], []
    for number, n in enumerate(sizes):
        A = (first if number == 0 else _linear)(log, f"A{number + 1}", integers(rng, n, n))
        B = [smoother(log, f"B{number + 1}{i}", integers(rng, n, n)) for i in (1, 2)]
        maps = {}
        if number + 1 < levels:
            m = sizes[number + 1]
            maps = dict(R=smoother(log, f"R{number + 1}", integers(rng, m, n)),
                        Pi=_nonlinear(log, f"Q{number + 1}", integers(rng, m, n)),
                        P=_linear(log, f"P{number + 1}", integers(rng, n, m)),
                        post=SingleStep((smoother(log, f"C{number + 1}", integers(rng, n, n)),)))
        grids.append(Grid(A, SingleStep(tuple(B)), **maps))
    return grids


def _give_data(log: Transcript, levels: int) -> Term:
    return log.give("f", list(range(1, SIZES[levels][0] + 1)))


def _theorem(log: Transcript, f: Term, grids: list, by: str) -> Calculation:
    """f̃^l = f^l + A^l ũ^{l,0} and u^{l,i} = ũ^{l,i} − ũ^{l,0} on all grids."""
    from stabkit.multigrid import mg0, mgnet
    shows = []
    for grid, plain, tilde in zip(grids, mg0(f, grids), mgnet(f, grids), strict=True):
        start = named(tilde.first, "start")
        shows.append(tilde.f.equals(plain.f + grid.A(start)))
        shows += [u.equals(v - start) for u, v in
                  zip(plain.features[1:], tilde.features[1:], strict=True)]
    return Calculation(log.given, log.let, shows, by, necessary=True)


def _bend(matrix: list) -> Callable[[Any], Any]:
    """A map that is not linear."""
    M = from_matrix(matrix)
    return lambda u: abs(M @ u) - 1


#: One grid and the next coarser one: A linear there, all else any map; s = ũ⁰ and w = Πũ are any.
GRID = dict(A=(from_matrix([[2, -1], [1, 3]]),), A2=(from_matrix([[2]]),),
            B=(_bend([[1, 2], [0, -1]]),), R=(_bend([[1, -2]]),), f=((1, 2),), u=((3, -1),),
            s=((0, 5),), w=((-4,),))
ANY_GRID = dict(A=AnyOperator("N", "N"), A2=AnyOperator("M", "M"), B=AnyMap(), R=AnyMap("N", "M"),
                f=AnyVector(), u=AnyVector(), s=AnyVector(), w=AnyVector("M"))
EXAMPLES = dict(levels=(2, 3), seed=(1, 2, 3))
ANY_EXAMPLES = dict(levels=ForExamples(), seed=ForExamples())


def data_of(A: Matrix, f: Signal, s: Scalar) -> Any:
    """f̃ = f + A ũ⁰."""
    return f + A @ s


def _inheritance(A, A2, B, R, f, u, s, w) -> AllOf:
    """What the grids hand on: if f̃ = f + A s and ũ = u + s, then so after a smoothing step and, on
    the next grid, with ũ⁰ = w."""
    from stabkit.multigrid import SingleStep

    def smooth(f: Signal, u: Signal) -> Any:
        return SingleStep((B,))(lambda v: A @ v, f, u)[1]

    return AllOf([
        Identity(lambda f, u, s: smooth(data_of(A, f, s), u + s),
                 lambda f, u, s: smooth(f, u) + s, dict(f=f, u=u, s=s),
                 "f̃ − A ũ = f − A u, so that B sees equal residuals"),
        Identity(lambda f, u, s, w: R(data_of(A, f, s) - A @ (u + s)) + A2 @ w,
                 lambda f, u, s, w: data_of(A2, R(f - A @ u), w), dict(f=f, u=u, s=s, w=w),
                 "Algorithm 3 restricts f̃ − A ũ and adds A ũ⁰")])


@claim("Theorem 6.1", within={**GRID, **EXAMPLES}, for_all={**ANY_GRID, **ANY_EXAMPLES})
def mgnet_is_multigrid(A, A2, B, R, f, u, s, w, levels, seed):
    """For linear A^l, R, B^{l,i} = S^l and any Π: f̃^l = f^l + A^l ũ^{l,0} and u^{l,i} = ũ^{l,i} −
    ũ^{l,0}, quantities with a tilde from Algorithm 3 (f_in = id), those without from Algorithm 1.
    (The outputs u^J themselves differ by ũ^{J,0}.)

    By induction over steps and grids, of which one of each is shown."""
    return AllOf([_inheritance(A, A2, B, R, f, u, s, w), Example(lambda: _random(levels, seed))])


def _random(levels: int, seed: int, **kinds: Any) -> Calculation:
    log = Transcript()
    f = _give_data(log, levels)
    return _theorem(log, f, _grids(log, levels, seed, **kinds),
                    "f̃ − A ũ = f − A u on each grid: both see the same residuals, and Π enters "
                    "through ũ^{l,0} only; here with random matrices and nonlinear Π")


@claim("derived (Theorem 6.1)", within={**GRID, **EXAMPLES}, for_all={**ANY_GRID, **ANY_EXAMPLES})
def mgnet_is_multigrid_for_nonlinear_smoothers(A, A2, B, R, f, u, s, w, levels, seed):
    """The identities of `mgnet_is_multigrid` hold for arbitrary nonlinear R, B^{l,i} and Π, as long
    as A^l is linear on the levels l >= 2 and A¹(0) = 0, so that f̃¹ = f¹, as ũ^{1,0} = 0."""
    return AllOf([_inheritance(A, A2, B, R, f, u, s, w), Example(lambda: _random(
        levels, seed, smoother=_nonlinear, first=_size_of_image))])


OPERATORS = {"2u": lambda u: 2 * u, "max(u, 0)": lambda u: np.maximum(u, 0), "u²": lambda u: u * u}


@claim("derived (Theorem 6.1)", expect=REFUTED,
       within=dict(A1=("2u",), A2=tuple(OPERATORS), f=("0", "1")))
def mgnet_is_multigrid_for_nonlinear_operators(A1, A2, f):
    """The identities of `mgnet_is_multigrid` hold for nonlinear A^l and any Π; here for numbers,
    with B = R = Π = 1, one feature on the first grid and two on the second."""
    from stabkit.multigrid import Grid, SingleStep, identity
    log = Transcript()

    def operator(text: str) -> Callable[[Any], Term]:
        return lambda u: named(OPERATORS[text](u), "a")

    grids = [Grid(operator(A1), SingleStep((identity,)), identity, identity),
             Grid(operator(A2), SingleStep((identity, identity)))]
    return _theorem(log, log.give("f", f), grids, "f − A u is not (f + A(v)) − A(u + v)")


@claim("Algorithm 4, eqs (6.15), (6.16)",
       within={**GRID, "P": (from_matrix([[1], [-3]]),), "v": ((7,),), **EXAMPLES},
       for_all={**ANY_GRID, "P": AnyOperator("M", "N"), "v": AnyVector("M"), **ANY_EXAMPLES})
def v_mgnet_is_a_v_cycle(A, A2, B, R, f, u, s, w, P, v, levels, seed):
    r"""For linear A, B, R and any Π, Algorithm 4 returns the iterate of the V-cycle; without
    post-smoothing that of the \-cycle of Algorithm 2.

    By Theorem 6.1 and, on the way back, as ũ + P(ũ^{l+1} − ũ^{l+1,0}) = (u + P u^{l+1}) + ũ⁰."""
    back = Identity(lambda u, s, v, w: (u + s) + P @ ((v + w) - w),
                    lambda u, s, v, w: (u + P @ v) + s, dict(u=u, s=s, v=v, w=w),
                    "w = ũ⁰ on the coarser grid")
    return AllOf([_inheritance(A, A2, B, R, f, u, s, w), back,
                  Example(lambda: _two_ways(levels, seed))])


def _two_ways(levels: int, seed: int) -> Calculation:
    from dataclasses import replace

    from stabkit.multigrid import backslash_mg, v_mg, v_mgnet
    log = Transcript()
    f, grids = _give_data(log, levels), _grids(log, levels, seed)
    bare = [replace(grid, post=None) for grid in grids]
    return Calculation(log.given, log.let, [
        v_mgnet(f, grids).equals(v_mg(f, grids)),
        v_mgnet(f, bare).equals(backslash_mg(f, bare))],
        "Algorithm 4 adds P(ũ^{l+1} − ũ^{l+1,0}) = P u^{l+1} by Theorem 6.1; the post-smoothing is "
        "the same, since f̃ − A ũ = f − A u; here with random matrices and nonlinear Π",
        necessary=True)


COUNTS = "[2*nu*k, (1 + nu)*k, 2*k]"


@claim("Sections 6.4, 6.5", weight="minor", within=dict(c=(1, 2, 256), nu=(1, 2)))
def parameter_saving(c, nu):
    """Per grid, with 3×3 kernels, c channels and ν steps, iResNet has 2ν·9c² parameters, MgNet
    (1 + ν)·9c² with variable and 2·9c² with constant extractors: for c = 256, ν = 2 they are
    2359296, 1769472, 1179648."""
    from stabkit.multigrid import Convolution, Grid, SingleStep, iresnet_step, parameters

    def new() -> Convolution:
        # an array without memory: only its size counts
        return Convolution(np.broadcast_to(np.int8(0), (c, c, 3, 3)))

    B = new()
    counted = [parameters(tuple(iresnet_step(new(), new()) for _ in range(nu))),
               parameters(Grid(new(), SingleStep(tuple(new() for _ in range(nu))))),
               parameters(Grid(new(), SingleStep((B,) * nu)))]
    shows = [f"counted == {COUNTS}"]
    if (c, nu) == (256, 2):
        shows.append("counted == [2359296, 1769472, 1179648]")
    return Calculation(dict(c=c, nu=nu, counted=counted), [("k", "9*c**2")], shows,
                       "ξ and η in each step of iResNet, one A and ν or one B in MgNet; `counted` "
                       "are the weights of such blocks", necessary=True)
