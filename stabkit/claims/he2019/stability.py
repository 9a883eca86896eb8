"""Are the steps of MgNet stable in the Euclidean norm?  (Derived from (8.1) and (8.6), ξ = τηᵀ.)"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from stabkit import fluxes
from stabkit.aliases import Signal
from stabkit.arithmetic.rational import Constant
from stabkit.arithmetic.transcript import named
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.claims.he2019.convolutions import RELU, SPLIT, SPLIT_BY
from stabkit.classes import AnyFlux, AnyOperator, UpTo
from stabkit.operators import Operator, from_matrix, stable_step
from stabkit.schemes import Chain, Explicit, Pointwise, Scheme, repeat
from stabkit.stability.notions import EUCLIDEAN, squared_norm
from stabkit.stability.property import AllOf, AtMost, Calculation, Stable
from stabkit.stability.verdict import REFUTED

#: η with its squared spectral norm.
WEIGHTS = {"[1 1]": ([[1, 1]], 2), "[1 2; 2 -1]": ([[1, 2], [2, -1]], 5),
           "[1 -1; 0 2; 1 1]": ([[1, -1], [0, 2], [1, 1]], 6)}
RATIOS = (HALF, ONE)
SIGMA = fluxes.relu()


@dataclass(frozen=True, eq=False)
class MgNetStep(Scheme):
    """r ↦ r − τηᵀσ(ησ(r)): a step (8.1) of the data with ξ = τηᵀ."""

    eta: Operator
    tau: Constant

    @property
    def size(self) -> int:
        return self.eta.shape[1]

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (self.eta,)

    @property
    def fluxes(self) -> tuple[Any, ...]:
        return (SIGMA,)

    @property
    def is_linear(self) -> bool:
        return SIGMA.facts.linear

    def step(self, u: Signal) -> Signal:
        return named(u - self.tau * (self.eta.T @ SIGMA(self.eta @ SIGMA(u))), "r")


def _weights(name: str, ratio: Fraction) -> tuple[Operator, Constant]:
    eta, norm2 = WEIGHTS[name]
    return from_matrix(eta), Constant(Fraction(2 * ratio, norm2))


#: Any η, and any σ with 0 <= σ(x)/x <= 1, of which ReLU is one.
STEPS = dict(eta=tuple(from_matrix(eta) for eta, _ in WEIGHTS.values()), sigma=(SIGMA,),
             ratio=RATIOS)
ALL_STEPS = dict(eta=AnyOperator(letter="K"), sigma=AnyFlux(diffusivities=(0, 1)), ratio=UpTo(1))
BEYOND_IT = dict(eta=STEPS["eta"][:1], ratio=BEYOND)


@claim("derived (eq. (8.6) with ξ = τηᵀ)", notion="euclidean", within=STEPS, beyond=BEYOND_IT,
       for_all=ALL_STEPS)
def mg_resnet_step_is_euclidean_stable(eta, sigma, ratio):
    """For every η and 0 < τ <= 2/‖η‖²: ‖σ(r) − τηᵀσ(ησ(r))‖ <= ‖r‖ for every r; ratio = τ‖η‖²/2.
    It is σ, and then the step v ↦ v − τηᵀσ(ηv).  So for every σ with 0 <= σ(x)/x <= 1."""
    return Stable(Chain([Pointwise(sigma, eta.shape[1]),
                         Explicit(eta, sigma, stable_step(eta, ratio=ratio))]), EUCLIDEAN)


@claim("derived (eq. (8.1) with ξ = τηᵀ)", notion="euclidean", expect=REFUTED,
       within=dict(eta=tuple(WEIGHTS), ratio=RATIOS))
def mgnet_step_is_euclidean_stable(eta, ratio):
    """For every η and 0 < τ <= 2/‖η‖²: ‖r − τηᵀσ(ησ(r))‖ <= ‖r‖ for every r; ratio = τ‖η‖²/2."""
    return Stable(MgNetStep(*_weights(eta, ratio)), EUCLIDEAN)


@claim("derived (eq. (8.1) with ξ = τηᵀ)", notion="euclidean", within=STEPS, beyond=BEYOND_IT,
       for_all=ALL_STEPS)
def mgnet_step_is_euclidean_stable_corrected(eta, sigma, ratio):
    """Without the inner activation, B = σ∘η: ‖r − τηᵀσ(ηr)‖ <= ‖r‖ for every η, every r and
    0 < τ <= 2/‖η‖²; ratio = τ‖η‖²/2.  So for every σ with 0 <= σ(x)/x <= 1."""
    return Stable(Explicit(eta, sigma, stable_step(eta, ratio=ratio)), EUCLIDEAN)


def _layers_within(square: Fraction | int, k: int, layers: int) -> AtMost:
    """‖r_N‖² <= square ‖r_0‖² for N equal steps with η = (1, k) and τ‖η‖² = 2, from (1, 0)."""
    chain = repeat(MgNetStep(from_matrix([[1, k]]), Constant(Fraction(2, 1 + k * k))), layers)
    return AtMost(lambda r: squared_norm(chain(r)), lambda r: Constant(square) * squared_norm(r),
                  dict(r=[1, 0]), "the first entry a > 0 shrinks slowly and drives the second one "
                                  "towards −k")


C = 5


@claim("derived (eq. (8.1) with ξⁱ = τᵢηⁱᵀ)", notion="uniform", expect=REFUTED,
       within=dict(k=tuple(range(1, 9)), layers=(1, 16, 64)))
def mgnet_layers_stay_bounded(k, layers):
    """‖r_N‖ <= 5‖r_0‖ for every chain of N steps r ↦ r − τᵢηⁱᵀσ(ηⁱσ(r)) with τᵢ‖ηⁱ‖² <= 2, and
    every N; here for equal steps with η = (1, k), τ = 2/(1 + k²), from r_0 = (1, 0): as the norm
    comes near k, no constant serves for all k."""
    return _layers_within(C**2, k, layers)


def bound_of_layers(layers: int) -> Fraction:
    """The square of the factor by which N steps may enlarge the norm: N + 1."""
    return Fraction(layers + 1)


@claim("derived (eq. (8.1) with ξⁱ = τᵢηⁱᵀ)", notion="uniform",
       within=dict(eta=tuple(WEIGHTS), N=(1, 2, 5, 17)))
def mgnet_layers_stay_bounded_corrected(eta, N):
    """‖r_N‖ <= √(N + 1) ‖r_0‖ for every chain of N such steps with τᵢ‖ηⁱ‖² <= 2.

    Write r = v − m, v = σ(r), m = σ(−r).  A step gives w − m with |w| <= |v|; then |σ(w − m)| <=
    |σ(w)| and |σ(m − w)| <= |m| + c with c = |σ(−w)|, where |σ(w)|² + c² = |w|².  So |r_N|² <=
    |v_N|² + (|m_0| + Σc_k)² with |v_N|² + Σc_k² <= |v_0|², and (Σ of N + 1 numbers)² is at most
    N + 1 times the sum of their squares.  Shown are the step w, the parts v and m, and the sum;
    and the whole for N equal steps with η = (1, 5)."""
    matrix, tau = _weights(eta, ONE)
    parts = Calculation(
        dict(bound=bound_of_layers(N), x=[-1, 0, 1]), [RELU, ("u", f"ones({N + 1})")],
        [f"psd(bound*I({N + 1}) - outer(u, u))", SPLIT, "relu(x)*relu(-x) == 0"],
        f"{SPLIT_BY}; the first condition bounds the square of a sum of N + 1 numbers")
    return AllOf([Stable(Explicit(matrix, SIGMA, tau), EUCLIDEAN), parts,
                  _layers_within(bound_of_layers(N), 5, N)])
