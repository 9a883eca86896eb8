"""Small claims of ones own about classes, for tests."""

from fractions import Fraction as F

from stabkit import fluxes
from stabkit.claims import obligations
from stabkit.claims.claim import claim
from stabkit.classes import AnyFlux, AnyOperator, UpTo
from stabkit.operators import difference, stable_step
from stabkit.schemes import Explicit
from stabkit.stability.notions import EUCLIDEAN
from stabkit.stability.property import Stable

SECTOR = AnyFlux(diffusivities=(0, "L"), slopes=("-L", "L"))
MONOTONE = AnyFlux(slopes=(0, "L"))
K2, SOFT, HALF = difference(1, 2), fluxes.soft(), F(1, 2)
ALL = dict(K=AnyOperator(), flux=SECTOR, ratio=UpTo(1))


def own(body, within=None, **classes):
    """A claim about a step of K2 and the soft flux, and the classes."""
    body.__doc__ = "It is so."
    listed = {"K": (K2,), "flux": (SOFT,), "ratio": (HALF, F(1))}
    names = {name: values for name, values in (listed | (within or {})).items() if name in classes}
    return claim("here", within=names, for_all=classes)(body)


def step(K, flux, ratio, times=1):
    return Explicit(K, flux, times * stable_step(K, flux.facts.lipschitz, ratio))


def stable(K, flux, ratio):
    return Stable(step(K, flux, ratio), EUCLIDEAN)


def proved(entry):
    return all(obligations.proof_of(s) is not None for s in obligations.statements(entry))
