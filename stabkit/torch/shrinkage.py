"""Shift-invariant Haar wavelet shrinkage on the finest scale, with a learned contrast."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from stabkit.errors import InvalidArgument
from stabkit.fluxes import soft
from stabkit.operators import MIRRORED, PERIODIC, Boundary
from stabkit.operators.boundary import check_boundary
from stabkit.stability.notions import CONTRACTION, Notion
from stabkit.torch.activation import Activation
from stabkit.torch.signals import check_signals


class HaarShrinkage(nn.Module):
    """uᵢ = (fᵢ₋₁ + 2fᵢ + fᵢ₊₁)/4 + S(dᵢ)/2 − S(dᵢ₋₁)/2 with dᵢ = (fᵢ − fᵢ₊₁)/2 (alt2020, eq. (10)).

    S(d) = d − Φ(2d)/2 is the shrinkage of the flux Φ on unnormalised coefficients, for τ = 1/4 and
    h = 1: half of the largest step, so the range is kept as far as Φ(s)/s lies in [0, 1].

    Parameters
    ----------
    flux : Activation, optional
        ``fluxes.soft`` with a learned threshold if left out, which is soft shrinkage.
    boundary : Boundary
        ``MIRRORED`` or ``PERIODIC``.
    """

    def __init__(self, flux: Activation | None = None, boundary: Boundary = MIRRORED):
        super().__init__()
        check_boundary(boundary, MIRRORED, PERIODIC)
        self.flux, self.boundary = Activation(soft) if flux is None else flux, boundary
        if not isinstance(self.flux, Activation):
            raise InvalidArgument(f"flux: must be an Activation, got {type(flux).__name__}")
        if self.flux.largest_diffusivity > 1.001:
            raise InvalidArgument(f"flux: {self.flux.unit.name} has diffusivities above 1")

    def check(self, notion: Notion) -> None:
        """Refuse a notion that shrinkage with this flux does not have."""
        if notion is CONTRACTION and not self.flux.unit.facts.monotone:
            raise InvalidArgument(f"flux: {self.flux.unit.name} falls somewhere, so shrinkage with "
                                  "it need not contract; take EUCLIDEAN or RANGE")

    def constrain(self, notion: Notion) -> None:
        """Nothing is left to do: the step is half of the largest one."""
        self.check(notion)

    def forward(self, f: Tensor) -> Tensor:
        """The shrunken signals for f of shape (batch, channels, samples)."""
        check_signals(f, f.shape[1] if f.ndim > 1 else 0, 1, "f")
        wide = F.pad(f, (1, 1), mode="circular" if self.boundary is PERIODIC else "replicate")
        before, after = wide[..., :-2], wide[..., 2:]
        means = (before + 2 * f + after) / 4
        return means + (self._shrink((f - after) / 2) - self._shrink((before - f) / 2)) / 2

    def _shrink(self, d: Tensor) -> Tensor:
        return d - self.flux(2 * d) / 2
