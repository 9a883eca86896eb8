"""Certificates for nonlinear diffusion schemes, one function per notion.

Each shows facts of the flux on the whole line, and an exact fact of the operator, from which the
claim follows by the argument in its ``by``.  None of them uses the bound under test.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import cast

import numpy as np

from stabkit.aliases import Rational
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided, require_value
from stabkit.fluxes.flux import Flux
from stabkit.schemes import (
    FSI,
    DiffusionScheme,
    Explicit,
    FixedPoint,
    Implicit,
    IsotropicExplicit,
    SemiImplicit,
)
from stabkit.stability.certificates.flux_bounds import show_linear
from stabkit.stability.certificates.linear import LARGEST
from stabkit.stability.certificates.sketch import Sketch
from stabkit.stability.notions import (
    CONTRACTION,
    CONTRAST,
    EUCLIDEAN,
    RANGE,
    SIGN,
    Decrease,
    Energy,
    Notion,
)
from stabkit.stability.verdict import Evidence

ZERO = Fraction(0)


def certify_diffusion(scheme: DiffusionScheme, notion: Notion) -> Evidence | None:
    """The certificate of an explicit, implicit or frozen FSI step, or None."""
    if isinstance(scheme, Explicit) and notion.name == "energy":
        return _explicit_energy(scheme, notion)
    if notion in (RANGE, SIGN, EUCLIDEAN) and scheme.flux.facts.diffusivities is None:
        return None
    if isinstance(scheme, FSI):
        cycle = _cycle(scheme) if notion is EUCLIDEAN else None
        return None if cycle is None else cycle(scheme)
    made = next((proofs.get(notion) for kind, proofs in _proofs().items()
                 if isinstance(scheme, kind)), None)
    return None if made is None else made(scheme)


def _proofs() -> dict[type[DiffusionScheme], dict[Notion, Callable[..., Evidence | None]]]:
    """What proves a notion of a kind of scheme."""
    return {
        Explicit: {EUCLIDEAN: _explicit_euclidean, CONTRACTION: _explicit_contraction,
                   RANGE: _explicit_range, SIGN: _explicit_sign, CONTRAST: _explicit_contrast},
        IsotropicExplicit: {EUCLIDEAN: _isotropic_euclidean, RANGE: _explicit_range},
        Implicit: {EUCLIDEAN: _implicit_euclidean, CONTRACTION: _implicit_contraction,
                   RANGE: _implicit_range, SIGN: _implicit_sign},
        SemiImplicit: {EUCLIDEAN: _semi_implicit_euclidean, RANGE: _semi_implicit_range,
                       SIGN: _semi_implicit_sign},
        FixedPoint: {EUCLIDEAN: _fixed_point_euclidean}}


def _high(flux: Flux) -> Fraction:
    return max(require_value(flux.facts.sup_diffusivity, "flux: its diffusivity has no bound"),
               ZERO)


def _explicit_euclidean(scheme: Explicit) -> Evidence | None:
    sketch, high = Sketch(scheme), _high(scheme.flux)
    sketch.diffusivity_between(ZERO, high)
    sketch.gram_at_most(2, high)
    return sketch.finish(
        "with s = K u, f = phi(s) = g(s) s and 0 <= g <= c: |u|^2 - |u+|^2 = 2 tau s.f - tau^2 "
        "|K'f|^2 >= 2 tau s.f - (2 tau/c) |f|^2 = (2 tau/c) sum f (c s - f) >= 0")


def _isotropic_euclidean(scheme: IsotropicExplicit) -> Evidence | None:
    sketch, high = Sketch(scheme), _high(scheme.flux)
    sketch.diffusivity_between(ZERO, high)
    sketch.gram_at_most(2, high)
    return sketch.finish(
        "u+ = (I - tau K'GK) u with 0 <= G <= c diagonal, whatever G depends on: a symmetric "
        "matrix between I - tau c K'K >= -I and I")


def _explicit_contraction(scheme: Explicit) -> Evidence | None:
    if not scheme.flux.facts.monotone:
        return None
    sketch, high = Sketch(scheme), scheme.flux.facts.slopes[1]
    sketch.slopes_between(ZERO, high)
    sketch.gram_at_most(2, high)
    return sketch.finish(
        "phi is continuous with slopes in [0, c], so phi(s) - phi(t) = D (s - t) with 0 <= D <= c "
        "diagonal; the difference of two steps is (I - tau K'DK)(u - v), whose matrix is symmetric "
        "with eigenvalues in [-1, 1]")


def _explicit_range(scheme: Explicit | IsotropicExplicit) -> Evidence | None:
    sketch, high = Sketch(scheme), _high(scheme.flux)
    sketch.diffusivity_between(ZERO, high)
    sketch.one_neighbour_each_way()
    sketch.constants_are_kept()
    sketch.diagonal_at_most_one(high)
    return sketch.finish(
        "u+ = (I - tau K'GK) u with 0 <= G <= c diagonal: the off-diagonal entries are >= 0, the "
        "diagonal ones are >= 1 - tau c sum_k K_ki^2 >= 0, the row sums are 1, so every new value "
        "is a mean of old ones")


def _explicit_sign(scheme: Explicit) -> Evidence | None:
    sketch, high = Sketch(scheme), _high(scheme.flux)
    sketch.diffusivity_between(ZERO, high)
    sketch.one_neighbour_each_way()
    sketch.tridiagonal()
    sketch.gram_at_most(1, high)
    return sketch.finish(
        "u+ = (I - tau K'GK) u with 0 <= G <= c diagonal: the matrix is tridiagonal, its "
        "off-diagonal entries are >= 0 and it is positive semidefinite, hence totally nonnegative, "
        "hence variation diminishing")


def _explicit_energy(scheme: Explicit, notion: Notion) -> Evidence | None:
    functional = notion.margin.functional if type(notion.margin) is Decrease else None
    if type(functional) is not Energy or functional.K is not scheme.K or \
            functional.flux is not scheme.flux:
        return None
    sketch, high = Sketch(scheme), max(scheme.flux.facts.slopes[1], ZERO)
    sketch.slopes_between(None, high, ">=")
    sketch.gram_at_most(2, high)
    jumps = "" if scheme.flux.facts.continuous else " and jumps only downwards"
    return sketch.finish(
        f"psi' = 2 phi, and phi has slopes <= c{jumps}, so E(u - tau d) <= E(u) - 2 tau |d|^2 + "
        "c tau^2 |K d|^2 with d = K'phi(K u), and tau c |K d|^2 <= 2 |d|^2")


def _explicit_contrast(scheme: Explicit) -> Evidence | None:
    K, high = scheme.K, scheme.flux.facts.slopes[1]
    jumps = [[(j, value) for j, value in row] for row in K.rows]
    if not scheme.flux.facts.monotone or len(jumps) != scheme.size - 1 or any(
            row != [(i, -row[-1][1]), (i + 1, jumps[0][-1][1])] for i, row in enumerate(jumps)):
        return None
    sketch = Sketch(scheme)
    if sketch.large:
        raise Undecided("no certificate of contrast is tried for an operator of more than 64 rows")
    sketch.slopes_between(ZERO, high)
    m, tau = K.shape[0], cast(Rational, scheme.tau)
    a = (K @ K.T).exact()
    entries = ", ".join(f"A[{i}, {i}]" for i in range(m))
    sketch.transcript.define("A", sketch.transcript.term(f"{sketch.K} @ {sketch.K}.T"))
    sketch.transcript.define("d", sketch.transcript.term(f"[{entries}]"))
    sketch.show(f"{scheme.flux.activation(sketch.transcript.term('0')).text} == 0")
    sketch.show("nonneg(diag(d) - A)", bool((np.diag(np.diag(a)) - a >= 0).all()))
    sketch.show(f"nonneg(A @ ones({m}))", bool((a.sum(axis=1) >= 0).all()))
    sketch.show(f"nonneg(ones({m}) - {sketch.tau} * {high} * d)",
                all(tau * high * entry <= 1 for entry in np.diag(a)))
    return sketch.finish(
        "the scaled jumps s = K u obey s+ = s - tau A phi(s); with M = max(0, max s), phi "
        "nondecreasing, A_ij <= 0 for i != j and nonnegative row sums, s_i+ <= s_i + tau A_ii "
        "(phi(M) - phi(s_i)) <= s_i + (M - s_i) = M; likewise from below")


def _fixed_point_euclidean(scheme: FixedPoint) -> Evidence | None:
    sketch, L = Sketch(scheme), scheme.flux.facts.lipschitz
    if L is None:
        return None
    sketch.diffusivity_between(ZERO, L)
    sketch.slopes_between(-L, L)
    sketch.gram_at_most(1, L)
    return sketch.finish(
        "F(v) = tau K'phi(K v) is the gradient of some f and 1-Lipschitz; v_(i+1) = u - F(v_i), "
        "v_0 = u, F(v_-1) := 0.  Descent lemma: f(v_(i+1)) <= f(v_i) + |F(v_(i-1))|^2/2 - "
        "|F(v_i)|^2/2, summed: f(v_k) + |v_k - u|^2/2 <= f(u) <= f(v_k) + F(v_k).(u - v_k) + "
        "|u - v_k|^2/2, so F(v_k).u >= F(v_k).v_k >= |F(v_k)|^2 as 0 <= g <= L; hence "
        "|u - F(v_k)|^2 <= |u|^2 - |F(v_k)|^2")


def _implicit_euclidean(scheme: Implicit) -> Evidence | None:
    sketch = Sketch(scheme)
    sketch.diffusivity_between(ZERO, None)
    return sketch.finish("g >= 0, so u.u' = |u'|^2 + tau s'.phi(s') >= |u'|^2 with s' = K u', and "
                         "|u| >= |u'| by Cauchy and Schwarz")


def _implicit_contraction(scheme: Implicit) -> Evidence | None:
    if not scheme.flux.facts.monotone:
        return None
    sketch = Sketch(scheme)
    sketch.slopes_between(ZERO, scheme.flux.facts.slopes[1])
    return sketch.finish("phi is nondecreasing, so (u - v).(u' - v') = |u' - v'|^2 + tau (s' - t')."
                         "(phi(s') - phi(t')) >= |u' - v'|^2")


def _implicit_range(scheme: Implicit) -> Evidence | None:
    return _range_of_inverse(scheme, (
        "u = (I + tau K'GK) u' with G >= 0 diagonal: an M-matrix with row sums 1, so its inverse "
        "is nonnegative with row sums 1, and every new value is a mean of old ones"))


def _implicit_sign(scheme: Implicit) -> Evidence | None:
    return _sign_of_inverse(scheme, "u'")


def _semi_implicit_euclidean(scheme: SemiImplicit) -> Evidence | None:
    sketch = Sketch(scheme)
    sketch.diffusivity_between(ZERO, None)
    return sketch.finish("u+ is a mean of solutions of (I + m tau K_l'GK_l) v = u with G >= 0 "
                         "diagonal, K_l being rows of K: symmetric matrices that are at least I, "
                         "so |v| <= |u|")


def _semi_implicit_range(scheme: SemiImplicit) -> Evidence | None:
    return _range_of_inverse(scheme, (
        "u+ is a mean of solutions of (I + m tau K_l'GK_l) v = u with G >= 0 diagonal, K_l being "
        "rows of K: M-matrices with row sums 1, so their inverses are nonnegative with row sums 1"))


def _semi_implicit_sign(scheme: SemiImplicit) -> Evidence | None:
    # Means of several solutions need not diminish variation.
    return _sign_of_inverse(scheme, "u+") if len(scheme.split) == 1 else None


def _range_of_inverse(scheme: Implicit | SemiImplicit, by: str) -> Evidence | None:
    sketch = Sketch(scheme)
    sketch.diffusivity_between(ZERO, None)
    sketch.one_neighbour_each_way()
    sketch.constants_are_kept()
    return sketch.finish(by)


def _sign_of_inverse(scheme: Implicit | SemiImplicit, new: str) -> Evidence | None:
    sketch = Sketch(scheme)
    sketch.diffusivity_between(ZERO, None)
    sketch.one_neighbour_each_way()
    sketch.tridiagonal()
    return sketch.finish(
        f"u = (I + tau K'GK) {new} with G >= 0 diagonal: a symmetric positive definite tridiagonal "
        "M-matrix; its inverse is totally nonnegative, hence variation diminishing")


def certify_uniqueness(scheme: Implicit) -> Evidence | None:
    """Prove that the implicit equation has exactly one solution for every input, or None."""
    facts = scheme.flux.facts
    if not scheme.certifiable or not facts.continuous:
        return None
    sketch, fall = Sketch(scheme), max(-facts.slopes[0], ZERO)
    sketch.slopes_between(-fall, None)
    sketch.gram_below_one(fall)
    return sketch.finish(
        "v -> |v - u|^2/2 + tau sum Psi((K v)_i)/2 has the gradient v - u + tau K'phi(K v), whose "
        "Jacobian is at least I - tau c K'K > 0 as phi has slopes >= -c: strongly convex, so it "
        "has exactly one stationary point")


def _cycle(scheme: FSI) -> Callable[[FSI], Evidence | None] | None:
    if scheme.printed:
        return None
    if scheme.frozen:
        return _frozen_cycle
    # Up to some size the matrix of a linear cycle itself decides, whatever bound it keeps.
    return _linear_cycle if scheme.is_linear and scheme.size > LARGEST[EUCLIDEAN] else None


def _frozen_cycle(scheme: FSI) -> Evidence | None:
    sketch, high = Sketch(scheme), _high(scheme.flux)
    sketch.diffusivity_between(ZERO, high)
    return _polynomial_at_most_one(
        sketch, high, "the cycle is u -> p(tau K'GK) u with 0 <= G <= c fixed and p the polynomial "
        "of the coefficients above; tau K'GK is symmetric with spectrum in [0, 2], where |p| <= 1")


def _linear_cycle(scheme: FSI) -> Evidence | None:
    sketch, slope = Sketch(scheme), scheme.flux.facts.slopes[0]
    for condition in show_linear(sketch.transcript, scheme.flux):
        sketch.show(condition)
    return None if slope < 0 else _polynomial_at_most_one(
        sketch, slope, "phi(s) = c s with c >= 0, so the cycle is u -> p(tau c K'K) u with p the "
        "polynomial of the coefficients above; tau c K'K is symmetric with spectrum in [0, 2], "
        "where |p| <= 1")


def _polynomial_at_most_one(sketch: Sketch, weight: Fraction, by: str) -> Evidence | None:
    sketch.gram_at_most(2, weight)
    length = sketch.scheme.inner_steps
    last = cycle_polynomial(sketch.transcript, length)
    one = f"concat([1], zeros({length}))"
    sketch.show(f"nonneg_on({one} - {last}, 0, 2)")
    sketch.show(f"nonneg_on({one} + {last}, 0, 2)")
    return sketch.finish(by)


def cycle_polynomial(log: Transcript, length: int) -> str:
    """Write the recursion of the cycle's polynomial p_n; return the name of its coefficients."""
    before = now = log.define("p", log.term("[1]"))
    for number in range(length):
        alpha = Fraction(4 * number + 2, 2 * number + 3)
        shifted = f"concat([0], {now.text})"
        padded = f"concat({before.text}, zeros({number + 2 - max(number, 1)}))"
        after = log.term(f"{alpha} * (concat({now.text}, [0]) - {shifted}) + ({1 - alpha}) * "
                         f"{padded}")
        before, now = now, log.define("p", after)
    return now.text

