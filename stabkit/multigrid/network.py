"""Classic network forms (he2019, section 7 and Table 1), made of the blocks of MgNet.

The signs are those of Table 1: a residual is subtracted.  The sums of (7.8) and (7.9) take
``negated(xi)`` for ξ.
"""

from __future__ import annotations

from dataclasses import dataclass

from stabkit.aliases import Signal
from stabkit.arithmetic.backend import namespace
from stabkit.multigrid.layers import Composition, Map, chain, identity, relu
from stabkit.multigrid.mgnet import SingleStep


@dataclass(frozen=True)
class Negated:
    """f ↦ −m(f)."""

    map: Map

    def __call__(self, f: Signal) -> Signal:
        return -self.map(f)


def negated(xi: Map) -> Negated:
    """f ↦ −ξ(f)."""
    return Negated(xi)


@dataclass(frozen=True)
class Residual:
    """f ↦ after(skip(f) − branch(f)): every residual form is one of these."""

    branch: Map
    skip: Map
    after: Map

    def __call__(self, f: Signal) -> Signal:
        return self.after(self.skip(f) - self.branch(f))


def extractor(eta: Map, sigma: Map = relu) -> Composition:
    """B = σ∘η∘σ  (6.26)."""
    return chain(sigma, eta, sigma)


def resnet_step(xi: Map, eta: Map, sigma: Map = relu) -> Residual:
    """f ↦ σ(f − ξ∘σ∘η(f)), ResNet."""
    return Residual(chain(eta, sigma, xi), identity, sigma)


def sigma_resnet_step(xi: Map, eta: Map, sigma: Map = relu) -> Residual:
    """f ↦ σ(f) − ξ∘σ∘η∘σ(f), σ-ResNet; Mg-ResNet if all steps of a grid share ξ."""
    return Residual(chain(sigma, eta, sigma, xi), sigma, identity)


def iresnet_step(xi: Map, eta: Map, sigma: Map = relu) -> Residual:
    """f ↦ f − ξ∘σ∘η∘σ(f), iResNet; Mg-iResNet if all steps of a grid share ξ."""
    return Residual(chain(sigma, eta, sigma, xi), identity, identity)


def pre_activated_step(chi: Map, sigma: Map = relu) -> Composition:
    """f ↦ χ∘σ(f), the first classic form (7.7)."""
    return chain(sigma, chi)


def post_activated_step(chi: Map, sigma: Map = relu) -> Composition:
    """f ↦ σ∘χ(f), the second classic form (7.7)."""
    return chain(chi, sigma)


def mg_features(eta: tuple[Map, ...], sigma: Map = relu) -> SingleStep:
    """MgNet's own extraction, u ↦ u + σ∘η∘σ(f − ξ(u))  (Table 1)."""
    return SingleStep(tuple(extractor(each, sigma) for each in eta))


@dataclass(frozen=True)
class DenseBlock:
    """fⁱ = σ(θⁱ[f⁰, …, fⁱ⁻¹])  (7.5); returns all of them, stacked as channels.

    Attributes
    ----------
    layers : tuple of maps
        θⁱ on the channels of everything before it.
    sigma : callable
    """

    layers: tuple[Map, ...]
    sigma: Map = relu

    def __call__(self, f: Signal) -> Signal:
        for theta in self.layers:
            f = namespace(f).concat([f, self.sigma(theta(f))], axis=0)
        return f


@dataclass(frozen=True)
class Stage:
    """One grid of a classic network: its steps, then the way to the next grid."""

    steps: tuple[Map, ...]
    transition: Map = identity

    def __call__(self, f: Signal) -> Signal:
        return chain(*self.steps, self.transition)(f)


def classic_network(stem: Map, stages: tuple[Stage, ...], head: Map = identity) -> Composition:
    """LeNet, AlexNet, VGG (7.1), ResNet (7.3), iResNet (7.4), DenseNet (7.5): steps by stages.

    Parameters
    ----------
    stem : callable
        f_in.
    stages : tuple of Stage
        With ``pre_activated_step`` (LeNet, VGG), ``resnet_step``, ``iresnet_step`` or one
        ``DenseBlock`` as steps.
    head : callable
        Such as ``average_pooling`` and a ``Dense`` layer.
    """
    return chain(stem, *stages, head)


def resnet_transition(R: Map, F: Map, sigma: Map = relu) -> Residual:
    """f ↦ σ(R f + F f)  (7.3); F has stride 2."""
    return Residual(negated(F), R, sigma)


def iresnet_transition(R: Map, F: Map) -> Residual:
    """f ↦ R f + F f  (7.4)."""
    return Residual(negated(F), R, identity)
