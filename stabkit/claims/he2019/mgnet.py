"""MgNet as multigrid (Section 6).

The algorithms run on names instead of numbers: the evidence is what they write down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stabkit.arithmetic.transcript import Term, Transcript, named
from stabkit.claims.claim import claim
from stabkit.claims.he2019.matrices import integers
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import REFUTED

SIZES = {2: (3, 2), 3: (4, 3, 2)}


def _linear(log: Transcript, name: str, matrix: np.ndarray) -> Callable[[Any], Term]:
    given = log.give(name, matrix)
    return lambda u: named(given @ u, name.lower())


def _nonlinear(log: Transcript, name: str, matrix: np.ndarray) -> Callable[[Any], Term]:
    """M u + 1 where it is positive, its square elsewhere: not 0 at 0."""
    affine = _linear(log, name, matrix)

    def apply(u: Any) -> Term:
        v = affine(u)
        return named(np.maximum(v + 1, v * v), name.lower())

    return apply


def _vanishing(log: Transcript, name: str, matrix: np.ndarray) -> Callable[[Any], Term]:
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


def _given(log: Transcript, levels: int) -> Term:
    return log.give("f", list(range(1, SIZES[levels][0] + 1)))


def _theorem(log: Transcript, f: Term, grids: list, by: str) -> Calculation:
    """f̃^l = f^l + A^l ũ^{l,0} and u^{l,i} = ũ^{l,i} − ũ^{l,0} on all grids."""
    from stabkit.multigrid import mg0, mgnet
    shows = []
    for grid, plain, tilde in zip(grids, mg0(f, grids), mgnet(f, grids), strict=True):
        start = named(tilde.first, "start")
        shows.append(f"{tilde.f.text} == {(plain.f + grid.A(start)).text}")
        shows += [f"{u.text} == {(v - start).text}" for u, v in
                  zip(plain.features[1:], tilde.features[1:], strict=True)]
    return Calculation(log.given, log.let, shows, by, necessary=True)


@claim("Theorem 6.1", within=dict(levels=(2, 3), seed=(1, 2, 3)))
def mgnet_is_multigrid(levels, seed):
    """For linear A^l, R, B^{l,i} = S^l and any Π: f̃^l = f^l + A^l ũ^{l,0} and u^{l,i} = ũ^{l,i} −
    ũ^{l,0}, quantities with a tilde from Algorithm 3 (f_in = id), those without from Algorithm 1.
    (The outputs u^J themselves differ by ũ^{J,0}.)"""
    log = Transcript()
    f = _given(log, levels)
    return _theorem(log, f, _grids(log, levels, seed),
                    "by induction f̃ − A ũ = f − A u on each grid: both see the same residuals, "
                    "and Π enters through ũ^{l,0} only; here with random matrices and nonlinear Π")


@claim("derived (Theorem 6.1)", within=dict(levels=(2, 3), seed=(1, 2, 3)))
def mgnet_is_multigrid_for_nonlinear_smoothers(levels, seed):
    """The identities of `mgnet_is_multigrid` hold for arbitrary nonlinear R, B^{l,i} and Π, as long
    as A^l is linear on the levels l >= 2 and A¹(0) = 0."""
    log = Transcript()
    f = _given(log, levels)
    return _theorem(log, f, _grids(log, levels, seed, smoother=_nonlinear, first=_vanishing),
                    "only f̃ − A ũ = (f + A ũ⁰) − A(u + ũ⁰) = f − A u is used, which needs linear A "
                    "on the levels l >= 2; on level 1 ũ⁰ = 0 and A¹(0) = 0.  B and R get equal "
                    "residuals, whatever they are")


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


@claim("Algorithm 4, eqs (6.15), (6.16)", within=dict(levels=(2, 3), seed=(1, 2, 3)))
def v_mgnet_is_a_v_cycle(levels, seed):
    r"""For linear A, B, R and any Π, Algorithm 4 returns the iterate of the V-cycle; without
    post-smoothing that of the \-cycle of Algorithm 2."""
    from dataclasses import replace

    from stabkit.multigrid import backslash_mg, v_mg, v_mgnet
    log = Transcript()
    f, grids = _given(log, levels), _grids(log, levels, seed)
    bare = [replace(grid, post=None) for grid in grids]
    return Calculation(log.given, log.let, [
        f"{v_mgnet(f, grids).text} == {v_mg(f, grids).text}",
        f"{v_mgnet(f, bare).text} == {backslash_mg(f, bare).text}"],
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
